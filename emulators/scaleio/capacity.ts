// How full a pool is. Thick volumes take their space at once; thin ones are bounded by what may be promised. Nobody writes
// into these volumes, so thin volumes and snapshots take nothing.
import { BLOCK_KB, type StorageArray, type StoragePool, type Volume } from "./array";
import { refusal } from "./errors";

/** The array keeps two copies of everything; what isn't called net counts both. */
const COPIES = 2;

/** Net, in KiB. */
export interface PoolUsage {
  readonly thickInKb: number;
  readonly thinInKb: number;
  /** What thick volumes may still take: whole blocks of what is really there. */
  readonly thickRoomInKb: number;
  /** What may still be promised to volumes of both kinds, in whole blocks. */
  readonly roomInKb: number;
}

/** A vtree on the move is counted in both pools: it must fit, and doesn't free anything until it has arrived. */
export function usageOf(array: StorageArray, pool: StoragePool): PoolUsage {
  let thickInKb = 0;
  let thinInKb = 0;
  for (const volume of array.volumes.values()) {
    const { storagePoolId, migration } = array.vtree(volume.vtreeId);
    const arriving = migration?.destinationStoragePoolId === pool.id;
    if (storagePoolId !== pool.id && !arriving) continue;
    const type = arriving ? typeAfter(volume, migration.conversion) : volume.volumeType;
    if (type === "ThickProvisioned") thickInKb += volume.sizeInKb;
    if (type === "ThinProvisioned") thinInKb += volume.sizeInKb;
    if (type === "Snapshot") thinInKb += ownOfSnapshot(array, volume);
  }
  const blocks = (inKb: number) => Math.max(0, Math.floor(inKb / BLOCK_KB) * BLOCK_KB);
  return {
    thickInKb,
    thinInKb,
    thickRoomInKb: blocks(pool.capacityInKb - thickInKb),
    roomInKb: blocks(pool.allocationLimitInKb - thickInKb - thinInKb),
  };
}

/** What a snapshot was promised beyond what it is of. */
function ownOfSnapshot(array: StorageArray, { sizeInKb, ancestorVolumeId }: Volume): number {
  const source = ancestorVolumeId === null ? undefined : array.volumes.get(ancestorVolumeId);
  return Math.max(0, sizeInKb - (source?.sizeInKb ?? 0));
}

/** Refuses what doesn't fit into the pool any more, in KiB. */
export function checkCapacity(
  array: StorageArray,
  pool: StoragePool,
  more: { thickInKb: number; thinInKb: number },
): void {
  const { thickInKb, thinInKb } = usageOf(array, pool);
  if (thickInKb + thinInKb + more.thickInKb + more.thinInKb > pool.allocationLimitInKb) {
    throw refusal("TOO_MUCH_THIN_CAPACITY");
  }
  if (more.thickInKb > 0 && thickInKb + more.thickInKb > pool.capacityInKb) throw refusal("NO_RESOURCES");
}

/** What a volume is when its vtree has moved. */
export function typeAfter(volume: Volume, conversion: "NoConversion" | "ThickToThin" | "ThinToThick") {
  if (volume.volumeType === "ThickProvisioned" && conversion === "ThickToThin") return "ThinProvisioned";
  if (volume.volumeType === "ThinProvisioned" && conversion === "ThinToThick") return "ThickProvisioned";
  return volume.volumeType;
}

/** A pool's capacities under the names of its statistics. */
export function capacityStatistics(array: StorageArray, pool: StoragePool): Record<string, number> {
  const { thickInKb, thinInKb, thickRoomInKb, roomInKb } = usageOf(array, pool);
  const copiesInKb = pool.capacityInKb * COPIES;
  const maxCapacityInKb = Math.ceil((copiesInKb * 100) / (100 - pool.sparePercentage));
  const inUseInKb = thickInKb * COPIES;
  const thinAllocatedInKb = thinInKb * COPIES;
  return {
    maxCapacityInKb,
    capacityLimitInKb: maxCapacityInKb,
    spareCapacityInKb: maxCapacityInKb - copiesInKb,
    capacityInUseInKb: inUseInKb,
    protectedCapacityInKb: inUseInKb,
    thickCapacityInUseInKb: inUseInKb,
    thinCapacityInUseInKb: 0,
    snapCapacityInUseInKb: 0,
    // The name that replaces it; both are asked for (PyPowerFlex, constants.py).
    ...(array.version.atLeast("3.5") && { snapshotCapacityInKb: 0 }),
    // Until 3.5 it is misspelt.
    [array.version.atLeast("3.5") ? "thinCapacityAllocatedInKb" : "thinCapacityAllocatedInKm"]: thinAllocatedInKb,
    unusedCapacityInKb: copiesInKb - inUseInKb,
    unreachableUnusedCapacityInKb: 0,
    // As in a dump of a real pool in Dell's Ansible modules: 363 GiB free, an empty thin volume of 8 GiB in it, and 45 blocks
    // of 8 GiB in the first of these, 452 (ten times what is there, without the volume) in the second.
    capacityAvailableForVolumeAllocationInKb: thickRoomInKb,
    volumeAllocationLimitInKb: roomInKb,
    netUnusedCapacityInKb: pool.capacityInKb - thickInKb,
    ...(array.version.atLeast("3.0") && { netCapacityInUseInKb: thickInKb }),
  };
}
