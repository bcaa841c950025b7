// Local volumes for programs, as `storage-profiles/local`: look at them, repair them, put processes under their limits.

export { localCapabilities } from "../../host/capabilities";
export { LocalVolumeError, localVolumeErrors, type LocalVolumeErrorCode } from "../../host/errors";
export {
  applyLimits,
  cgroupLimits,
  detectCgroup,
  limitProcess,
  type CgroupHierarchy,
  type CgroupVersion,
  type LimitLine,
  type LimitOutcome,
} from "./limits";
export { defaultStateDirectory } from "./state-directory";
export {
  inspectVolume,
  listVolumes,
  repairAll,
  repairVolume,
  type LocalVolume,
  type LocalVolumeState,
  type RepairOutcome,
} from "./lifecycle";
