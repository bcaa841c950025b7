// Ceph RBD, by a dynamic provider.

import { defineBackend } from "../contract";
import type { CephVolume, CephVolumeArgs } from "./resource";

/** What a volume says itself on Ceph RBD. It counts before the stack's config. */
export interface CephVolumeOverrides {
  /**
   * Name of the connection to the cluster, of those in `ceph:connections`. Decided once.
   * @default `storage-profiles:ceph.connection`, else the stack's own `ceph:configFile`
   */
  connection?: string | undefined;
}

/* eslint-disable @typescript-eslint/no-require-imports -- each part is loaded when it is first used */
export const ceph = defineBackend<{ overrides: CephVolumeOverrides; resource: CephVolume; args: CephVolumeArgs }>({
  volumes: () => (require("./resource") as typeof import("./resource")).cephBackend,
  providers() {
    const { volume, pool, identity } = require("./provider") as typeof import("./provider");
    return { Volume: volume, Pool: pool, Identity: identity };
  },
  resources: () => (require("./own-resources") as typeof import("./own-resources")).ownResources,
});
