// The package: `import { ProfiledVolume } from "storage-profiles"`.

export type {
  BackendName,
  Catalog,
  MonthlyCost,
  Note,
  NoteCode,
  Problem,
  ProblemCode,
  ProfileDefinition,
  Settings,
  SettingsOf,
  StackConfig,
  VolumeDefinition,
} from "../src";
export { COMPOSE_VOLUMES, ComposeVolumes, type ComposeVolumesArgs } from "./compose/compose-volumes";
export { PROFILED_VOLUME, VOLUME_ATTACHMENT } from "../src";
export { registerBackendResources } from "./backends/registry";
export * from "./backends/contract";
export { VolumeMapping, type VolumeMappingArgs } from "./backends/scaleio/volume-mapping";
export {
  VOLUME_TYPES,
  VolumeTypes,
  type MadeVolumeType,
  type VolumeTypesArgs,
} from "./backends/openstack/volume-types";
export { CEPH_POOLS, CephPools, type CephPoolsArgs, type MadeCephPool } from "./backends/ceph/ceph-pools";
export { PROFILE_CLASSES, ProfileClasses, type ProfileClassesArgs } from "./backends/kubernetes/profile-classes";
export { claimTemplate, type ClaimTemplate, type ClaimTemplateArgs } from "./backends/kubernetes/claim-template";
export {
  ProfiledVolume,
  type CommonVolumeArgs,
  type OverrideArgs,
  type ProfiledVolumeArgs,
  type SizeArgs,
} from "./profiled-volume";
export { ReadVolume, type ReadVolumeOptions } from "./read-volume";
export {
  VolumeAttachment,
  type CommonAttachmentArgs,
  type ExistingVolume,
  type VolumeAttachmentArgs,
} from "./volume-attachment";
export { catalogOfStack, volumesOfStack } from "./run";
export type { VolumeTransform } from "./transform";
export { MINIMUM_PULUMI } from "./engine";
