// ScaleIO / PowerFlex, by a dynamic provider.

import { defineBackend } from "../contract";
import type { ScaleioVolume, ScaleioVolumeArgs } from "./resource";
import type { ScaleioAttachmentOptions, ScaleioVolumeOverrides } from "./types";

/* eslint-disable @typescript-eslint/no-require-imports -- each part is loaded when it is first used */
export const scaleio = defineBackend<{
  overrides: ScaleioVolumeOverrides;
  resource: ScaleioVolume;
  args: ScaleioVolumeArgs;
  attachment: ScaleioAttachmentOptions;
}>({
  volumes: () => (require("./resource") as typeof import("./resource")).scaleioBackend,
  providers() {
    const { volume, mapping, identity } = require("./provider") as typeof import("./provider");
    return { Volume: volume, VolumeMapping: mapping, Identity: identity };
  },
  resources: () => (require("./own-resources") as typeof import("./own-resources")).ownResources,
  attachments: () => (require("./attachment") as typeof import("./attachment")).scaleioAttacher,
  host: () => (require("./host") as typeof import("./host")).scaleioNode,
});
