// The pure core, as `storage-profiles/core`: profiles, resolution and change without Pulumi and without I/O.

import "./backends/registry";

export { admittedSizes, type AdmittedSizes } from "./core/admitted";
export type { ShippedBackends } from "./backends/registry";
export * from "./core/backend";
export * from "./core/cost";
export { quantities, settingText, settingTexts, volumeText } from "./core/setting-text";
export { ownPlacement, stackPlacement } from "./core/placement";
export {
  advice,
  coreProblems,
  count,
  defineProblems,
  formatProblem,
  formatProblems,
  givenText,
  NAME_RULE,
  note,
  noteKind,
  noteKinds,
  problem,
  problemKind,
  problemKinds,
  show,
  sizesText,
  type DefinedProblems,
  type Note,
  type NoteCode,
  type NoteKind,
  type ParamsOf,
  type Problem,
  type ProblemCode,
  type ProblemKind,
  type ProblemRooms,
} from "./core/problems";
export { builtinProfiles } from "./core/built-in-profiles";
export { makeCatalog, profilesFor, type Catalog, type Profile } from "./core/catalog";
export { parseConfigText, readConfig, withPricesOf, type RawConfigValue, type ReadConfig } from "./core/stack-config";
export {
  DEFAULT_PROFILE,
  checkName,
  NAME_PATTERN,
  parseReference,
  type ParsedReference,
  type Reference,
} from "./core/reference";
export { catalogSchema, editorSchema } from "./core/editor-schema";
export { revisionOf } from "./core/revision";
export {
  configKeys,
  NAMESPACE,
  schemas,
  type ProfileDefinition,
  type StackConfig,
  type VolumeDefinition,
} from "./core/config-schema";
export * from "./core/resolve";
export { nearest } from "./core/nearest";
export { PROFILED_VOLUME, READ_VOLUME, STACK_VOLUMES, VOLUME_ATTACHMENT, VOLUME_MAPPING } from "./core/resource-types";
export { mergeTags } from "./core/tags";
export { unknownKey, wrongType } from "./core/validate";
export { parseSize, type ParsedSize, type SizeRequest } from "./core/size";
