// Ceph RBD, by a dynamic provider.

import { defineBackend } from "../contract";
import type { CephVolume, CephVolumeArgs } from "./resource";
import type { CephVolumeOverrides } from "./types";

/* eslint-disable @typescript-eslint/no-require-imports -- each part is loaded when it is first used */
export const ceph = defineBackend<{ overrides: CephVolumeOverrides; resource: CephVolume; args: CephVolumeArgs }>({
  volumes: () => (require("./resource") as typeof import("./resource")).cephBackend,
  providers() {
    const { volume, pool, identity } = require("./provider") as typeof import("./provider");
    return { Volume: volume, Pool: pool, Identity: identity };
  },
  resources: () => (require("./own-resources") as typeof import("./own-resources")).ownResources,
});
