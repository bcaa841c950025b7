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
export { VolumeMapping, type VolumeMappingArgs } from "./scaleio/volume-mapping";
export { PROFILED_VOLUME, ProfiledVolume, type ProfiledVolumeArgs } from "./profiled-volume";
export { catalogOfStack, volumesOfStack } from "./stack";
export type { VolumeTransform } from "./transform";
export { MINIMUM_PULUMI } from "./engine";
