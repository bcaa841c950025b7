// How a volume on scaleio is attached: by a mapping to the host, with the limits of the volume's profile.

import { z } from "zod";

import { problem } from "../../../src";
import { accessModes, type ScaleioSettings } from "../../../src/backends/scaleio";
import type { Attacher } from "../contract";
import type { ScaleioAttachmentOptions } from "./types";
import { VolumeMapping } from "./volume-mapping";

export const scaleioAttacher: Attacher<ScaleioAttachmentOptions> = {
  host: "the SDC by its id, name, GUID or IP address",
  options: z.strictObject({
    accessMode: z
      .enum(accessModes)
      .optional()
      .describe("How the host may use the volume; arrays have it since version 3.0. Default: ReadWrite"),
  }),
  problems({ options: { accessMode } }) {
    if (accessMode === undefined || accessModes.includes(accessMode)) return [];
    const params = { given: JSON.stringify(accessMode), values: [...accessModes], nearest: undefined };
    return [problem("value-not-allowed", "scaleio.accessMode", accessMode, params)];
  },

  attach({ name, volume, host, options: { accessMode }, opts }) {
    const { component, volumeId, settings, connection } = volume;
    const limit = (key: "iopsLimit" | "bandwidthLimitKBps") =>
      settings?.apply((each) => (each as ScaleioSettings)[key]);
    const of = component
      ? { volume: component }
      : { volumeId, connection, iopsLimit: limit("iopsLimit"), bandwidthLimitKBps: limit("bandwidthLimitKBps") };
    const resource = new VolumeMapping(name, { ...of, sdc: host, accessMode }, opts);
    return { resource, devicePath: resource.devicePath };
  },
};
