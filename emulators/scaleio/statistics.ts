// The Statistics relationship of each type. Nobody reads or writes here, so what counts I/O is zero.
import { type ProtectionDomain, type Sdc, type StorageArray, type StoragePool, type Volume, type VTree } from "./array";
import { capacityStatistics } from "./capacity";
import type { View } from "./views";
import { descendantsOf, isMapped } from "./volumes";

export function systemStatistics(array: StorageArray): View {
  const pools = [...array.storagePools.values()];
  return {
    ...sumOf(array, pools),
    ...volumeCounts([...array.volumes.values()]),
    numOfProtectionDomains: array.protectionDomains.size,
    numOfStoragePools: pools.length,
    numOfSdc: array.sdcs.size,
    numOfVtrees: array.vtrees.size,
    ...noTraffic(),
  };
}

export function protectionDomainStatistics(array: StorageArray, domain: ProtectionDomain): View {
  const pools = [...array.storagePools.values()].filter(({ protectionDomainId }) => protectionDomainId === domain.id);
  const volumes = pools.flatMap((pool) => array.volumesIn(pool));
  return { ...sumOf(array, pools), ...volumeCounts(volumes), numOfStoragePools: pools.length, ...noTraffic() };
}

export function storagePoolStatistics(array: StorageArray, pool: StoragePool): View {
  const volumes = array.volumesIn(pool);
  return {
    ...capacityStatistics(array, pool),
    ...volumeCounts(volumes),
    numOfVtrees: new Set(volumes.map(({ vtreeId }) => vtreeId)).size,
    volumeIds: volumes.map(({ id }) => id),
    ...noTraffic(),
  };
}

export function sdcStatistics(array: StorageArray, sdc: Sdc): View {
  const volumes = array.volumesMappedTo(sdc);
  return { numOfMappedVolumes: volumes.length, volumeIds: volumes.map(({ id }) => id), ...noTraffic() };
}

export function volumeStatistics(array: StorageArray, volume: Volume): View {
  const children = [...array.volumes.values()].filter(({ ancestorVolumeId }) => ancestorVolumeId === volume.id);
  return {
    numOfMappedSdcs: volume.mappings.length,
    mappedSdcIds: volume.mappings.map(({ sdcId }) => sdcId),
    numOfChildVolumes: children.length,
    childVolumeIds: children.map(({ id }) => id),
    numOfDescendantVolumes: descendantsOf(array, volume).length,
    ...noTraffic(),
  };
}

export function vtreeStatistics(array: StorageArray, vtree: VTree): View {
  const volumes = array.volumesOf(vtree);
  const thick = volumes.filter(({ volumeType }) => volumeType === "ThickProvisioned");
  const inUseInKb = thick.reduce((sum, { sizeInKb }) => sum + sizeInKb, 0);
  return {
    numOfVolumes: volumes.length,
    volumeIds: volumes.map(({ id }) => id),
    baseNetCapacityInUseInKb: inUseInKb,
    snapNetCapacityInUseInKb: 0,
    netCapacityInUseInKb: inUseInKb,
    trimmedCapacityInKb: 0,
  };
}

function sumOf(array: StorageArray, pools: readonly StoragePool[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const pool of pools) {
    for (const [name, value] of Object.entries(capacityStatistics(array, pool))) sum[name] = (sum[name] ?? 0) + value;
  }
  return sum;
}

function volumeCounts(volumes: readonly Volume[]): Record<string, number> {
  const count = (condition: (volume: Volume) => boolean) => volumes.filter(condition).length;
  return {
    numOfVolumes: volumes.length,
    numOfUnmappedVolumes: count((volume) => !isMapped(volume)),
    numOfMappedToAllVolumes: count(({ mappedToAllSdcs }) => mappedToAllSdcs),
    numOfThickBaseVolumes: count(({ volumeType }) => volumeType === "ThickProvisioned"),
    numOfThinBaseVolumes: count(({ volumeType }) => volumeType === "ThinProvisioned"),
    numOfSnapshots: count(({ volumeType }) => volumeType === "Snapshot"),
  };
}

export function noTraffic(): View {
  const none = { numSeconds: 0, totalWeightInKb: 0, numOccured: 0 };
  return { userDataReadBwc: none, userDataWriteBwc: none, totalReadBwc: none, totalWriteBwc: none };
}
