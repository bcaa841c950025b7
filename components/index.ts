// The package: `import { ProfiledVolume } from "storage-profiles"`.

export type {
  AwsSettings,
  BackendName,
  Catalog,
  LocalSettings,
  MonthlyCost,
  Note,
  NoteCode,
  OpenstackSettings,
  Problem,
  ProblemCode,
  ProfileDefinition,
  ScaleioSettings,
  Settings,
  SettingsOf,
  StackConfig,
  VolumeDefinition,
} from "../src";
export type { AttachmentOptions } from "./attachments";
export { VolumeMapping, type VolumeMappingArgs } from "./scaleio/volume-mapping";
export { PROFILED_VOLUME, ProfiledVolume, type AwsVolumeArgs, type ProfiledVolumeArgs } from "./profiled-volume";
export { VOLUME_ATTACHMENT, VolumeAttachment, type VolumeAttachmentArgs } from "./volume-attachment";
export { catalogOfStack, volumesOfStack } from "./stack";
export type { VolumeTransform } from "./transform";
export { MINIMUM_PULUMI } from "./engine";
