// File-backed volumes on this machine, by a dynamic provider.

import { defineBackend } from "../contract";
import type { LocalVolume, LocalVolumeArgs } from "./resource";

/* eslint-disable @typescript-eslint/no-require-imports -- each part is loaded when it is first used */
export const local = defineBackend<{ resource: LocalVolume; args: LocalVolumeArgs; mountPath: string }>({
  volumes: () => (require("./resource") as typeof import("./resource")).localBackend,
  providers: () => ({ Volume: (require("./provider") as typeof import("./provider")).provider }),
  resources: () => (require("./own-resources") as typeof import("./own-resources")).ownResources,
  host: () => (require("./host") as typeof import("./host")).localNode,
});
