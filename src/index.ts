// The pure core, as `storage-profiles/core`: profiles, resolution and change without Pulumi and without I/O.

export { admittedSizes, type AdmittedSizes } from "./admitted";
export * from "./backends";
export type { AwsSettings } from "./backends/aws";
export { awsSettingsOf } from "./backends/aws/recorded";
export type { AwsVolume } from "./backends/aws/placement";
export type { Admitted, Backend } from "./backends/backend";
export type { LocalMode, LocalSettings } from "./backends/local";
export type { OpenstackSettings } from "./backends/openstack";
export type { OpenstackVolume } from "./backends/openstack/placement";
export {
  accessModes,
  mappingLimits,
  type AccessMode,
  type MappingLimits,
  type ScaleioSettings,
} from "./backends/scaleio";
export * from "./cost";
export { quantities, settingText } from "./setting-text";
export { ownPlacement, stackPlacement } from "./placement";
export * from "./problems";
export { builtinProfiles } from "./profiles/builtin";
export { makeCatalog, profilesFor, type Catalog, type Profile } from "./profiles/catalog";
export { parseConfigText, readConfig, withPricesOf, type RawConfigValue, type ReadConfig } from "./profiles/config";
export {
  DEFAULT_PROFILE,
  checkName,
  NAME_PATTERN,
  parseReference,
  type ParsedReference,
  type Reference,
} from "./profiles/reference";
export { editorSchema } from "./profiles/editor-schema";
export { revisionOf } from "./profiles/revision";
export {
  configKeys,
  configSchema,
  NAMESPACE,
  type ProfileDefinition,
  type StackConfig,
  type VolumeDefinition,
} from "./profiles/schema";
export * from "./resolve";
export { nearest } from "./nearest";
export { PROFILED_VOLUME, VOLUME_ATTACHMENT, VOLUME_MAPPING } from "./tokens";
export { wrongType } from "./profiles/validate";
export { parseSize, type ParsedSize, type SizeRequest } from "./size";
