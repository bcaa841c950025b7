// The types of our resources, as they stand in Pulumi's state. Part of the state's format: they never change.

/** The component of a volume. */
export const PROFILED_VOLUME = "storage-profiles:index:ProfiledVolume";

/** The component of a volume that is only read. */
export const READ_VOLUME = "storage-profiles:index:ReadVolume";

/** The component of the volumes that the stack's config lists. */
export const STACK_VOLUMES = "storage-profiles:index:StackVolumes";

/** The component of a volume's attachment to a host. */
export const VOLUME_ATTACHMENT = "storage-profiles:index:VolumeAttachment";

/** The mapping of a ScaleIO volume to a host. */
export const VOLUME_MAPPING = "pulumi-nodejs:dynamic/storage-profiles:VolumeMapping";

/** Whether a type is that of a mapping: as above, or `storage-profiles:<backend>:VolumeMapping` where the plugin makes it. */
export function isMappingType(type: string): boolean {
  return type === VOLUME_MAPPING || /^storage-profiles:\w+:VolumeMapping$/.test(type);
}

/** Whether a type is that of a resource of our own that the plugin makes: `storage-profiles:<backend>:Volume`. */
export function isPluginType(type: string): boolean {
  return /^storage-profiles:(?!index:)\w+:\w+$/.test(type);
}
