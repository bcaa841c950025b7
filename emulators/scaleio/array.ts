// The array behind the gateway: its objects, and how they are found. What can be done to them is in the files beside this one.
import { createHash, randomBytes } from "node:crypto";

import { Clock } from "./clock";
import { arrayDescriptionSchema, type ArrayDescription, type SdcDescription } from "./description";
import { refusal } from "./errors";
import type { Version } from "./version";

export const KB_PER_GIB = 1024 ** 2;

/** Volumes are made of blocks of 8 GiB. */
export const BLOCK_KB = 8 * KB_PER_GIB;

export type AccessMode = "ReadWrite" | "ReadOnly" | "NoAccess";
export type AccessModeLimit = "ReadWrite" | "ReadOnly";
export type CompressionMethod = "Invalid" | "None" | "Normal";
export type VolumeType = "ThinProvisioned" | "ThickProvisioned" | "Snapshot";
export type RestrictedSdcMode = "None" | "Guid" | "ApprovedIp";

export interface System {
  readonly id: string;
  readonly name: string | null;
  restrictedSdcMode: RestrictedSdcMode;
}

export interface ProtectionDomain {
  readonly id: string;
  readonly name: string;
}

export interface StoragePool {
  readonly id: string;
  name: string;
  readonly protectionDomainId: string;
  readonly dataLayout: "MediumGranularity" | "FineGranularity";
  readonly mediaType: "HDD" | "SSD";
  readonly zeroPaddingEnabled: boolean;
  readonly useRmcache: boolean;
  readonly compressionMethod: CompressionMethod;
  readonly sparePercentage: number;
  /** Net. */
  readonly capacityInKb: number;
  /** Net: how much of volumes can be promised. */
  readonly allocationLimitInKb: number;
}

export interface Sdc {
  readonly id: string;
  name: string | null;
  readonly guid: string;
  readonly ips: readonly string[];
  approved: boolean;
  approvedIps: readonly string[] | null;
  readonly connected: boolean;
}

export interface Mapping {
  readonly sdcId: string;
  accessMode: AccessMode;
  limitIops: number;
  limitBwInMbps: number;
}

export interface Volume {
  readonly id: string;
  name: string | null;
  sizeInKb: number;
  volumeType: VolumeType;
  readonly vtreeId: string;
  ancestorVolumeId: string | null;
  readonly consistencyGroupId: string | null;
  readonly creationTime: number;
  useRmcache: boolean;
  compressionMethod: CompressionMethod;
  accessModeLimit: AccessModeLimit;
  mappedToAllSdcs: boolean;
  readonly mappings: Mapping[];
  /** Until when a secure snapshot can't be removed, in seconds on the gateway's clock; 0 for what isn't secure. */
  secureUntil: number;
}

/** A volume with its snapshots; they are in one pool, and move to another one together. */
export interface VTree {
  readonly id: string;
  storagePoolId: string;
  migration: Migration | null;
}

export interface Migration {
  readonly destinationStoragePoolId: string;
  readonly conversion: "NoConversion" | "ThickToThin" | "ThinToThick";
  readonly compressionMethod: CompressionMethod;
  /** What is left of it while it is paused. */
  pausedWithMs: number | null;
  /** On the gateway's clock. */
  completesAt: number;
}

export class StorageArray {
  readonly system: System;
  readonly protectionDomains = new Map<string, ProtectionDomain>();
  readonly storagePools = new Map<string, StoragePool>();
  readonly sdcs = new Map<string, Sdc>();
  readonly volumes = new Map<string, Volume>();
  readonly vtrees = new Map<string, VTree>();
  readonly users: readonly { readonly id: string; readonly name: string }[];
  /** How long the move of a vtree takes on the gateway's clock. Infinity: until told that it is complete. */
  migrationMs = 10_000;

  readonly #seed: string;
  readonly #counters = new Map<string, number>();

  constructor(
    readonly version: Version,
    readonly clock: Clock,
    description: ArrayDescription,
    username: string,
  ) {
    const { system, protectionDomains, sdcs } = arrayDescriptionSchema.parse(description);
    const id = system.id ?? randomBytes(8).toString("hex");
    this.#seed = id;
    this.system = { ...system, id };
    this.users = [{ id: this.nextId("User"), name: username }];
    for (const { name, storagePools } of protectionDomains) {
      const domain = { id: this.nextId("ProtectionDomain"), name };
      this.protectionDomains.set(domain.id, domain);
      for (const pool of storagePools) {
        const fine = pool.dataLayout === "FineGranularity";
        const id = this.nextId("StoragePool");
        this.storagePools.set(id, {
          id,
          name: pool.name,
          protectionDomainId: domain.id,
          dataLayout: pool.dataLayout,
          mediaType: fine ? "SSD" : pool.mediaType,
          zeroPaddingEnabled: fine || pool.zeroPadding,
          useRmcache: !fine && pool.useRmcache,
          compressionMethod: fine ? pool.compressionMethod : "Invalid",
          sparePercentage: pool.sparePercentage,
          capacityInKb: pool.capacityGiB * KB_PER_GIB,
          allocationLimitInKb:
            Math.floor((pool.capacityGiB * pool.oversubscription * KB_PER_GIB) / BLOCK_KB) * BLOCK_KB,
        });
      }
    }
    for (const sdc of sdcs) this.addSdc(sdc);
  }

  /** 16 hexadecimal digits, the lower half a counter, as an array makes them; the same ones for the same id of the system. */
  nextId(type: string): string {
    const count = this.#counters.get(type) ?? 0;
    this.#counters.set(type, count + 1);
    const prefix = createHash("sha256").update(`${this.#seed}/${type}`).digest().readUInt32BE();
    return hex8((prefix + count) % 2 ** 32) + hex8(count);
  }

  addSdc({ name, guid, ips, approved, connected }: SdcDescription): Sdc {
    const id = this.nextId("Sdc");
    const sdc = {
      id,
      name,
      guid: (guid ?? madeUpGuid(id)).toUpperCase(),
      ips,
      approved,
      approvedIps: approved ? ips : null,
      connected,
    };
    this.sdcs.set(id, sdc);
    return sdc;
  }

  volume(id: string): Volume {
    const volume = this.volumes.get(id);
    if (!volume) throw refusal("VOL_NOT_FOUND");
    return volume;
  }

  volumeByName(name: string): Volume | undefined {
    return [...this.volumes.values()].find((volume) => volume.name === name);
  }

  storagePool(id: string): StoragePool {
    const pool = this.storagePools.get(id);
    if (!pool) throw refusal("STORAGE_POOL_NOT_FOUND");
    return pool;
  }

  protectionDomain(id: string): ProtectionDomain {
    const domain = this.protectionDomains.get(id);
    if (!domain) throw refusal("FD_NOT_FOUND");
    return domain;
  }

  sdc(id: string): Sdc {
    const sdc = this.sdcs.get(id);
    if (!sdc) throw refusal("INI_NOT_FOUND");
    return sdc;
  }

  vtree(id: string): VTree {
    const vtree = this.vtrees.get(id);
    if (!vtree) throw refusal("VTREE_NOT_FOUND");
    return vtree;
  }

  poolOf(volume: Volume): StoragePool {
    return this.storagePool(this.vtree(volume.vtreeId).storagePoolId);
  }

  volumesIn(pool: StoragePool): Volume[] {
    return [...this.volumes.values()].filter((volume) => this.vtree(volume.vtreeId).storagePoolId === pool.id);
  }

  volumesOf(vtree: VTree): Volume[] {
    return [...this.volumes.values()].filter((volume) => volume.vtreeId === vtree.id);
  }

  volumesMappedTo(sdc: Sdc): Volume[] {
    return [...this.volumes.values()].filter((volume) => volume.mappings.some(({ sdcId }) => sdcId === sdc.id));
  }
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, "0");
}

function madeUpGuid(id: string): string {
  const digits = createHash("sha256").update(id).digest("hex");
  return [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`, `8${digits.slice(17, 20)}`]
    .concat(digits.slice(20, 32))
    .join("-");
}
