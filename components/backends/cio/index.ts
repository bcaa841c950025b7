// ConvergeIO / Storidge ContainerIO, by a dynamic provider.

import { defineBackend } from "../contract";
import type { CioVolume, CioVolumeArgs } from "./resource";

/** What a volume says itself on ContainerIO. It counts before the stack's config. */
export interface CioVolumeOverrides {
  /**
   * Name of the connection to the cluster, of those in `cio:connections`. Decided once.
   * @default `storage-profiles:cio.connection`, else the stack's own `cio:endpoint`
   */
  connection?: string | undefined;
}

/* eslint-disable @typescript-eslint/no-require-imports -- each part is loaded when it is first used */
export const cio = defineBackend<{ overrides: CioVolumeOverrides; resource: CioVolume; args: CioVolumeArgs }>({
  volumes: () => (require("./resource") as typeof import("./resource")).cioBackend,
  providers() {
    const { volume, identity } = require("./provider") as typeof import("./provider");
    return { Volume: volume, Identity: identity };
  },
  resources: () => (require("./own-resources") as typeof import("./own-resources")).ownResources,
});
