// ConvergeIO / Storidge ContainerIO, by a dynamic provider.

import { defineBackend } from "../contract";
import type { CioVolume, CioVolumeArgs } from "./resource";
import type { CioVolumeOverrides } from "./types";

/* eslint-disable @typescript-eslint/no-require-imports -- each part is loaded when it is first used */
export const cio = defineBackend<{ overrides: CioVolumeOverrides; resource: CioVolume; args: CioVolumeArgs }>({
  volumes: () => (require("./resource") as typeof import("./resource")).cioBackend,
  providers() {
    const { volume, identity } = require("./provider") as typeof import("./provider");
    return { Volume: volume, Identity: identity };
  },
  resources: () => (require("./own-resources") as typeof import("./own-resources")).ownResources,
});
