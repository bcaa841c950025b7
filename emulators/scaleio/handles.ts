// The array in a test's hands: changes behind the client's back. The same rules hold as for the API, so what it would refuse
// throws a GatewayError here.
import { KB_PER_GIB, type Sdc, type StorageArray, type Volume } from "./array";
import { refusal } from "./errors";
import * as mappings from "./mappings";
import { completeMigration, completeMigrations, migrateVTree, settleMigrations } from "./migration";
import { protectionDomainByName, storagePoolByName } from "./objects";
import { sdcByGuid } from "./sdcs";
import { volumeView, type View } from "./views";
import * as volumes from "./volumes";

export interface NewVolumeByName {
  readonly name?: string;
  readonly sizeGiB: number;
  /** Default: the first domain's. */
  readonly protectionDomain?: string;
  /** Default: the domain's first. */
  readonly storagePool?: string;
  /** Default: ThinProvisioned. */
  readonly volumeType?: "ThinProvisioned" | "ThickProvisioned";
}

/** Volumes are named by id or name, SDCs by id, name or GUID. */
export interface ArrayHandle {
  /** The new volume's id. */
  createVolume(asked: NewVolumeByName): string;
  /** As the API shows it; undefined when there is none. */
  volume(volume: string): View | undefined;
  removeVolume(volume: string, mode?: volumes.RemoveMode): void;
  renameVolume(volume: string, name: string): void;
  resizeVolume(volume: string, sizeGiB: number): void;
  map(volume: string, sdc: string, options?: mappings.MapOptions): void;
  /** Without an SDC: from all. */
  unmap(volume: string, sdc?: string): void;
  setLimits(volume: string, sdc: string, limits: mappings.Limits): void;
  /** To another pool of its domain, at once. */
  moveVolume(volume: string, storagePool: string): void;
  renameStoragePool(storagePool: string, name: string): void;
  /** How long the move of a vtree takes on the gateway's clock. Infinity: until `completeMigrations`. */
  setMigrationTime(milliseconds: number): void;
  /** How many there were to complete. */
  completeMigrations(): number;
}

export function handleOf(array: StorageArray): ArrayHandle {
  return {
    createVolume: ({ name, sizeGiB, protectionDomain, storagePool, volumeType = "ThinProvisioned" }) =>
      volumes.createVolume(array, {
        storagePoolId: poolNamed(array, protectionDomain, storagePool).id,
        sizeInKb: sizeGiB * KB_PER_GIB,
        name,
        volumeType,
      }).id,
    volume: (key) => {
      settleMigrations(array);
      const volume = array.volumes.get(key) ?? array.volumeByName(key);
      return volume && volumeView(array, volume);
    },
    removeVolume: (key, mode = "ONLY_ME") => void volumes.removeVolume(array, volumeNamed(array, key), mode),
    renameVolume: (key, name) => volumes.renameVolume(array, volumeNamed(array, key), name),
    resizeVolume: (key, sizeGiB) => volumes.resizeVolume(array, volumeNamed(array, key), sizeGiB),
    map: (key, sdc, options) =>
      mappings.mapVolume(
        array,
        volumeNamed(array, key),
        sdcNamed(array, sdc),
        options ?? { allowMultipleMappings: true },
      ),
    unmap: (key, sdc) => {
      const volume = volumeNamed(array, key);
      if (sdc === undefined) mappings.unmapFromAllSdcs(volume);
      else mappings.unmapVolume(volume, sdcNamed(array, sdc));
    },
    setLimits: (key, sdc, limits) => mappings.setLimits(array, volumeNamed(array, key), sdcNamed(array, sdc), limits),
    moveVolume: (key, poolName) => {
      const volume = volumeNamed(array, key);
      const domain = array.protectionDomain(array.poolOf(volume).protectionDomainId);
      migrateVTree(array, volume, { destinationStoragePoolId: poolNamed(array, domain.name, poolName).id });
      completeMigration(array, array.vtree(volume.vtreeId));
    },
    renameStoragePool: (poolName, name) => {
      poolNamed(array, undefined, poolName).name = name;
    },
    setMigrationTime: (milliseconds) => {
      array.migrationMs = milliseconds;
    },
    completeMigrations: () => completeMigrations(array),
  };
}

function volumeNamed(array: StorageArray, key: string): Volume {
  const volume = array.volumes.get(key) ?? array.volumeByName(key);
  if (!volume) throw refusal("VOL_NOT_FOUND");
  return volume;
}

function sdcNamed(array: StorageArray, key: string): Sdc {
  const sdc = array.sdcs.get(key);
  if (sdc) return sdc;
  return [...array.sdcs.values()].find(({ name }) => name === key) ?? sdcByGuid(array, key);
}

function poolNamed(array: StorageArray, domainName: string | undefined, poolName: string | undefined) {
  const [first] = array.protectionDomains.values();
  const domain = domainName === undefined ? first : protectionDomainByName(array, domainName);
  if (!domain) throw refusal("FD_NOT_FOUND");
  if (poolName !== undefined) return storagePoolByName(array, domain, poolName);
  const pool = [...array.storagePools.values()].find(({ protectionDomainId }) => protectionDomainId === domain.id);
  if (!pool) throw refusal("STORAGE_POOL_NOT_FOUND");
  return pool;
}
