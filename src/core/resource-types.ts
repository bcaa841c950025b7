// The types of our resources, as they stand in Pulumi's state. Part of the state's format: they never change.

/** The component of a volume. */
export const PROFILED_VOLUME = "storage-profiles:index:ProfiledVolume";

/** The component of a volume's attachment to a host. */
export const VOLUME_ATTACHMENT = "storage-profiles:index:VolumeAttachment";

/** The mapping of a ScaleIO volume to a host. */
export const VOLUME_MAPPING = "pulumi-nodejs:dynamic/storage-profiles:VolumeMapping";

/** The same mapping where the plugin makes it, for programs in other languages than TypeScript. */
export const PLUGIN_VOLUME_MAPPING = "storage-profiles:scaleio:VolumeMapping";

/** Whether a type is that of a mapping, however it was made. */
export function isMappingType(type: string): boolean {
  return type === VOLUME_MAPPING || type === PLUGIN_VOLUME_MAPPING;
}
