// Kubernetes, by @pulumi/kubernetes.

import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimArgs,
} from "@pulumi/kubernetes/core/v1/persistentVolumeClaim";

import { defineBackend } from "../contract";
import type { ClaimDetails, KubernetesVolumeArgs } from "./types";

/* eslint-disable @typescript-eslint/no-require-imports -- each part is loaded when it is first used */
export const kubernetes = defineBackend<{
  overrides: KubernetesVolumeArgs;
  resource: PersistentVolumeClaim;
  args: PersistentVolumeClaimArgs;
  details: ClaimDetails;
}>({
  volumes: () => (require("./resource") as typeof import("./resource")).kubernetesBackend,
  providers: () => ({ ClaimOutcome: (require("./provider") as typeof import("./provider")).provider }),
  resources: () => (require("./own-resources") as typeof import("./own-resources")).ownResources,
});
