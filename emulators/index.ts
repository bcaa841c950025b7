// For tests, as `storage-profiles/testing`: a ScaleIO / PowerFlex gateway and a ContainerIO cluster, each in memory.

import "../src/system/service-package";

export { startScaleioGateway, type ScaleioGateway, type ScaleioGatewayOptions } from "./scaleio/gateway";
export type { ArrayDescription } from "./scaleio/description";
export type { ArrayHandle, NewVolumeByName } from "./scaleio/handles";
export type { Call } from "./scaleio/calls";
export type { Fault, FaultHandle } from "./scaleio/faults";
export type { GatewayState, MappingState, PoolState, PoolStatistics, SdcState, VolumeState } from "./scaleio/lab";
export { GatewayError } from "./scaleio/errors";
export {
  startCioCluster,
  type CioCall,
  type CioClusterHandle,
  type CioClusterOptions,
  type CioFault,
} from "./cio/start";
export type { CioVolumeState } from "./cio/cluster";
