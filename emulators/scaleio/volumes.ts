// What can be done to a volume itself: create, rename, grow, change, remove.
import {
  BLOCK_KB,
  KB_PER_GIB,
  type AccessModeLimit,
  type StorageArray,
  type StoragePool,
  type Volume,
  type VolumeType,
} from "./array";
import { checkCapacity } from "./capacity";
import { invalidRequest, refusal, refuseIf, type MdmErrorName } from "./errors";

/** The largest volume. */
export const MAX_VOLUME_GIB = 1_048_576;
export const MAX_NAME_LENGTH = 31;

export const removeModes = ["ONLY_ME", "INCLUDING_DESCENDANTS", "DESCENDANTS_ONLY", "WHOLE_VTREE"] as const;
export type RemoveMode = (typeof removeModes)[number];

export interface NewVolume {
  readonly storagePoolId: string;
  readonly protectionDomainId?: string | undefined;
  readonly sizeInKb: number;
  readonly name?: string | undefined;
  readonly volumeType?: "ThinProvisioned" | "ThickProvisioned" | undefined;
  readonly useRmcache?: boolean | undefined;
  readonly compressionMethod?: "None" | "Normal" | undefined;
}

/** The size is rounded up to whole blocks, silently. Without a type it is thick. */
export function createVolume(array: StorageArray, asked: NewVolume): Volume {
  const pool = array.storagePool(asked.storagePoolId);
  if (asked.protectionDomainId !== undefined) {
    const domain = array.protectionDomain(asked.protectionDomainId);
    if (domain.id !== pool.protectionDomainId) throw refusal("FD_AND_SP_MISMATCH");
  }
  const name = asked.name === undefined || asked.name === "" ? null : asked.name;
  if (name !== null) refuseIf(reasonAgainstName(array, name));
  const volumeType = asked.volumeType ?? "ThickProvisioned";
  const useRmcache = asked.useRmcache ?? false;
  checkLayout(pool, volumeType, useRmcache);
  const compressionMethod = compressionIn(pool, asked.compressionMethod);
  const sizeInKb = Math.ceil(asked.sizeInKb / BLOCK_KB) * BLOCK_KB;
  if (sizeInKb > MAX_VOLUME_GIB * KB_PER_GIB) throw refusal("VOL_SIZE_TOO_LARGE");
  checkCapacity(array, pool, growth(volumeType, sizeInKb));

  const vtree = { id: array.nextId("VTree"), storagePoolId: pool.id, migration: null };
  array.vtrees.set(vtree.id, vtree);
  const volume: Volume = {
    id: array.nextId("Volume"),
    name,
    sizeInKb,
    volumeType,
    vtreeId: vtree.id,
    ancestorVolumeId: null,
    consistencyGroupId: null,
    creationTime: array.clock.seconds(),
    useRmcache,
    compressionMethod,
    accessModeLimit: "ReadWrite",
    mappedToAllSdcs: false,
    mappings: [],
    secureUntil: 0,
  };
  array.volumes.set(volume.id, volume);
  return volume;
}

/** Why a volume or snapshot can't have this name. */
export function reasonAgainstName(array: StorageArray, name: string): MdmErrorName | undefined {
  return reasonAgainstText(name) ?? (array.volumeByName(name) ? "VOL_NAME_IN_USE" : undefined);
}

/** Why nothing can have this name. */
export function reasonAgainstText(name: string): MdmErrorName | undefined {
  if (name.length > MAX_NAME_LENGTH) return "LONG_NAME";
  return /^[\x21-\x7e]+$/.test(name) ? undefined : "INVALID_NAME";
}

export function renameVolume(array: StorageArray, volume: Volume, name: string): void {
  refuseIf(reasonAgainstName(array, name));
  volume.name = name;
}

/** Unlike at creation, the size must be whole blocks. It must grow; whether the same size is refused isn't public. */
export function resizeVolume(array: StorageArray, volume: Volume, sizeInGb: number): void {
  const sizeInKb = sizeInGb * KB_PER_GIB;
  if (sizeInGb <= 0 || sizeInKb % BLOCK_KB !== 0) {
    throw invalidRequest(`sizeInGb (${sizeInGb}) must be a positive number in granularity of 8 GB.`);
  }
  if (sizeInKb <= volume.sizeInKb) throw refusal("VOL_DECREASE_NOT_SUPPORTED");
  if (sizeInGb > MAX_VOLUME_GIB) throw refusal("VOL_SIZE_TOO_LARGE");
  const more = growth(volume.volumeType, sizeInKb - volume.sizeInKb);
  checkCapacity(array, array.poolOf(volume), more);
  const { migration } = array.vtree(volume.vtreeId);
  if (migration) checkCapacity(array, array.storagePool(migration.destinationStoragePoolId), more);
  volume.sizeInKb = sizeInKb;
}

export function setUseRmcache(array: StorageArray, volume: Volume, useRmcache: boolean): void {
  checkLayout(array.poolOf(volume), volume.volumeType, useRmcache);
  volume.useRmcache = useRmcache;
}

export function setCompressionMethod(array: StorageArray, volume: Volume, method: "None" | "Normal"): void {
  if (array.poolOf(volume).dataLayout !== "FineGranularity") {
    throw refusal("COMPRESSION_METHOD_ONLY_RELEVANT_FOR_SPEF");
  }
  volume.compressionMethod = method;
}

/** A volume that somebody may write to can't be made read-only. */
export function setAccessModeLimit(volume: Volume, limit: AccessModeLimit): void {
  if (limit === "ReadOnly" && volume.mappings.some(({ accessMode }) => accessMode === "ReadWrite")) {
    throw refusal("VOL_ACCESS_MODE_LIMIT");
  }
  volume.accessModeLimit = limit;
}

/** A snapshot that nobody removes for so long. The time can be put off, and not brought forward. */
export function secureSnapshot(array: StorageArray, volume: Volume, minutes: number): void {
  if (volume.volumeType !== "Snapshot") throw refusal("NOT_A_SNAPSHOT");
  const until = array.clock.seconds() + minutes * 60;
  if (until < volume.secureUntil) throw refusal("RETENTION_CANNOT_BE_SHORTENED");
  volume.secureUntil = until;
}

/** Removes all that the mode says, or nothing: a mapped one among them refuses it. */
export function removeVolume(array: StorageArray, volume: Volume, mode: RemoveMode): Volume[] {
  const removed = affectedBy(array, volume, mode);
  if (removed.length === 0) throw refusal("NOTHING_TO_DO");
  if (removed.some(isMapped)) throw refusal("VOL_MAPPED");
  if (removed.some((gone) => isSecure(array, gone))) throw refusal("SNAPSHOT_IS_SECURE");
  for (const gone of removed) removeOne(array, gone);
  return removed;
}

export function isMapped(volume: Volume): boolean {
  return volume.mappedToAllSdcs || volume.mappings.length > 0;
}

export function isSecure({ clock }: StorageArray, { secureUntil }: Volume): boolean {
  return secureUntil > clock.seconds();
}

/** Content isn't kept, so going back to a snapshot is only checked. */
export function overwriteContent(volume: Volume, source: Volume): void {
  if (source.vtreeId !== volume.vtreeId) throw refusal("VTREE_ID_MISMATCH");
}

export function descendantsOf(array: StorageArray, volume: Volume): Volume[] {
  const children = [...array.volumes.values()].filter(({ ancestorVolumeId }) => ancestorVolumeId === volume.id);
  return children.flatMap((child) => [child, ...descendantsOf(array, child)]);
}

function affectedBy(array: StorageArray, volume: Volume, mode: RemoveMode): Volume[] {
  switch (mode) {
    case "ONLY_ME":
      return [volume];
    case "DESCENDANTS_ONLY":
      return descendantsOf(array, volume);
    case "INCLUDING_DESCENDANTS":
      return [volume, ...descendantsOf(array, volume)];
    case "WHOLE_VTREE":
      return array.volumesOf(array.vtree(volume.vtreeId));
  }
}

/** Its snapshots stay, as those of what it was a snapshot of. */
function removeOne(array: StorageArray, volume: Volume): void {
  array.volumes.delete(volume.id);
  for (const other of array.volumes.values()) {
    if (other.ancestorVolumeId === volume.id) other.ancestorVolumeId = volume.ancestorVolumeId;
  }
  if (array.volumesOf(array.vtree(volume.vtreeId)).length === 0) array.vtrees.delete(volume.vtreeId);
}

function checkLayout(pool: StoragePool, volumeType: VolumeType, useRmcache: boolean): void {
  if (pool.dataLayout !== "FineGranularity") return;
  if (volumeType === "ThickProvisioned") throw refusal("THICK_VOLUME_CANNOT_BE_ADDED_TO_SPEF_SP");
  if (useRmcache) throw refusal("RAM_CACHE_NOT_SUPPORTED_FOR_SPEF_VOL");
}

/** In a medium granularity pool there is no compression: "None" is silently fine there. */
function compressionIn(pool: StoragePool, asked: "None" | "Normal" | undefined) {
  if (pool.dataLayout === "FineGranularity") return asked ?? pool.compressionMethod;
  if (asked === "Normal") throw refusal("COMPRESSION_METHOD_ONLY_RELEVANT_FOR_SPEF");
  return "Invalid";
}

function growth(volumeType: VolumeType, sizeInKb: number) {
  return {
    thickInKb: volumeType === "ThickProvisioned" ? sizeInKb : 0,
    // What a snapshot grows by, it doesn't share with what it is of.
    thinInKb: volumeType === "ThickProvisioned" ? 0 : sizeInKb,
  };
}
