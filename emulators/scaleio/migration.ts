// The move of a vtree to another pool (3.0 and later). It takes time on the gateway's clock, and can be paused, rolled back
// and, by tests, completed at once.
import type { CompressionMethod, Migration, StorageArray, StoragePool, Volume, VTree } from "./array";
import { checkCapacity, typeAfter } from "./capacity";
import { refusal } from "./errors";

export interface Move {
  readonly destinationStoragePoolId: string;
  readonly conversion?: Migration["conversion"] | undefined;
  readonly compressionMethod?: "None" | "Normal" | undefined;
}

export function migrateVTree(array: StorageArray, volume: Volume, move: Move): void {
  const vtree = array.vtree(volume.vtreeId);
  const destination = array.storagePool(move.destinationStoragePoolId);
  if (vtree.migration) {
    rollBack(vtree, vtree.migration, destination);
    return;
  }
  const source = array.storagePool(vtree.storagePoolId);
  if (destination.id === source.id) throw refusal("VTREE_MIGRATE_SAME_SP");
  const volumes = array.volumesOf(vtree);
  const conversion = move.conversion ?? "NoConversion";
  checkLayouts(source, destination, volumes, conversion);
  const total = { thickInKb: 0, thinInKb: 0 };
  for (const member of volumes) {
    const type = typeAfter(member, conversion);
    if (type === "ThickProvisioned") total.thickInKb += member.sizeInKb;
    if (type === "ThinProvisioned") total.thinInKb += member.sizeInKb;
  }
  checkCapacity(array, destination, total);
  vtree.migration = {
    destinationStoragePoolId: destination.id,
    conversion,
    compressionMethod: compressionAfter(source, destination, volume, move.compressionMethod),
    pausedWithMs: null,
    completesAt: array.clock.now() + array.migrationMs,
  };
  settleMigrations(array);
}

export function pauseMigration(array: StorageArray, vtree: VTree): void {
  const migration = requireMigration(vtree);
  if (migration.pausedWithMs !== null) throw refusal("VTREE_MIGRATION_ALREADY_PAUSING");
  migration.pausedWithMs = migration.completesAt - array.clock.now();
}

export function resumeMigration(array: StorageArray, vtree: VTree): void {
  const migration = requireMigration(vtree);
  if (migration.pausedWithMs === null) throw refusal("VTREE_MIGRATION_NOT_PAUSED");
  migration.completesAt = array.clock.now() + migration.pausedWithMs;
  migration.pausedWithMs = null;
}

/** Completes what is due on the gateway's clock. */
export function settleMigrations(array: StorageArray): void {
  for (const vtree of array.vtrees.values()) {
    const due = vtree.migration?.pausedWithMs === null && vtree.migration.completesAt <= array.clock.now();
    if (due) completeMigration(array, vtree);
  }
}

/** Completes every move that isn't paused, however long it would still take; how many. */
export function completeMigrations(array: StorageArray): number {
  const moving = [...array.vtrees.values()].filter(({ migration }) => migration?.pausedWithMs === null);
  for (const vtree of moving) completeMigration(array, vtree);
  return moving.length;
}

/** Completes a move, however long it would still take. */
export function completeMigration(array: StorageArray, vtree: VTree): void {
  const migration = requireMigration(vtree);
  for (const volume of array.volumesOf(vtree)) {
    volume.volumeType = typeAfter(volume, migration.conversion);
    volume.compressionMethod = migration.compressionMethod;
  }
  vtree.storagePoolId = migration.destinationStoragePoolId;
  vtree.migration = null;
}

/** A move back to where it came from undoes a paused move; any other one must wait. */
function rollBack(vtree: VTree, migration: Migration, destination: StoragePool): void {
  if (destination.id === migration.destinationStoragePoolId) throw refusal("VTREE_MIGRATION_ALREADY_EXISTS");
  if (destination.id !== vtree.storagePoolId) throw refusal("VTREE_MIGRATE_MULTIPLE_SP");
  if (migration.pausedWithMs === null) throw refusal("VTREE_MIGRATION_MUST_BE_PAUSED");
  vtree.migration = null;
}

function checkLayouts(
  source: StoragePool,
  destination: StoragePool,
  volumes: readonly Volume[],
  conversion: Migration["conversion"],
): void {
  if (source.dataLayout !== destination.dataLayout && volumes.length > 1) {
    throw refusal("VTREE_MAY_NOT_MIGRATED_TO_DIFFERENT_DATA_LAYOUT");
  }
  // A fine granularity pool always pads.
  if (source.zeroPaddingEnabled !== destination.zeroPaddingEnabled) {
    throw refusal("VTREE_MAY_NOT_MIGRATED_TO_DIFFERENT_ZERO_PADDING");
  }
  if (destination.dataLayout !== "FineGranularity") return;
  if (volumes.some((volume) => typeAfter(volume, conversion) === "ThickProvisioned")) {
    throw refusal("THICK_NOT_SUPPORTED_FOR_SPEF");
  }
  if (volumes.some(({ useRmcache }) => useRmcache)) throw refusal("RAM_CACHE_NOT_SUPPORTED_FOR_SPEF_VOL");
}

function compressionAfter(
  source: StoragePool,
  destination: StoragePool,
  volume: Volume,
  asked: "None" | "Normal" | undefined,
): CompressionMethod {
  if (destination.dataLayout === "FineGranularity") {
    return (
      asked ?? (source.dataLayout === "FineGranularity" ? volume.compressionMethod : destination.compressionMethod)
    );
  }
  if (asked === "Normal") throw refusal("COMPRESSION_METHOD_ONLY_RELEVANT_FOR_SPEF");
  return "Invalid";
}

function requireMigration({ migration }: VTree): Migration {
  if (!migration) throw refusal("VTREE_MIGRATION_NOT_FOUND");
  return migration;
}
