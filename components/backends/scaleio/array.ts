// What an array is asked and told, one function a request, with the shapes of its answers. What doesn't change during a
// run (its name, pools, hosts) is asked once.

import { z } from "zod";

import type { AccessMode } from "../../../src/backends/scaleio";
import { keyOf } from "./connection";
import { arrayCodes, isRefusal, ScaleioError } from "./errors";
import { isAtLeast, type GatewaySession } from "./session";

export const KIB_PER_GIB = 1_048_576;

const mappingShape = z.object({
  sdcId: z.string(),
  sdcIp: z.string().nullish(),
  sdcName: z.string().nullish(),
  limitIops: z.number(),
  /** In MB/s of 1,024 KB/s. */
  limitBwInMbps: z.number(),
  /** Since 3.0. */
  accessMode: z.string().nullish(),
});

const volumeShape = z.object({
  id: z.string(),
  name: z.string().nullable(),
  sizeInKb: z.number(),
  storagePoolId: z.string(),
  vtreeId: z.string().nullish(),
  volumeType: z.string(),
  useRmcache: z.boolean(),
  /** On pools of fine granularity: "None" or "Normal". */
  compressionMethod: z.string().nullish(),
  creationTime: z.number().nullish(),
  mappedSdcInfo: z.array(mappingShape).nullish(),
});

const systemShape = z.object({ id: z.string(), name: z.string().nullish() });
const domainShape = z.object({ id: z.string(), name: z.string().nullable(), genType: z.string().nullish() });
const poolShape = z.object({
  id: z.string(),
  name: z.string().nullable(),
  protectionDomainId: z.string(),
  dataLayout: z.string().nullish(),
});
const statisticsShape = z.object({
  capacityAvailableForVolumeAllocationInKb: z.number().nullish(),
  volumeAllocationLimitInKb: z.number().nullish(),
});
const sdcShape = z.object({
  id: z.string(),
  name: z.string().nullish(),
  sdcGuid: z.string().nullish(),
  sdcIp: z.string().nullish(),
  sdcIps: z.array(z.string()).nullish(),
});
const createdShape = z.object({ id: z.string().min(1) });
// Clients that others wrote fail on anything else; so an empty answer, or a page of a proxy, is no word of the gateway's.
const doneShape = z.looseObject({});

/** A volume, as the array tells it. */
export type ArrayVolume = z.infer<typeof volumeShape>;
/** A mapping of a volume to a host. */
export type ArrayMapping = z.infer<typeof mappingShape>;
/** A host. */
export type Sdc = z.infer<typeof sdcShape>;
/** How much a pool can still give, in KiB. */
export type PoolStatistics = z.infer<typeof statisticsShape>;

/** A storage pool, with its protection domain. */
export interface Pool {
  id: string;
  name: string;
  domainId: string;
  domain: string;
  fineGranularity: boolean;
  /** Whether it can't hold thick volumes: one of fine granularity, or with erasure coding. */
  thinOnly: boolean;
}

/** What a new volume is made from. */
export interface NewVolume {
  name: string;
  sizeGiB: number;
  thick: boolean;
  ramCache: boolean;
  compressed: boolean;
  pool: Pool;
}

/** An array behind a gateway. */
export class ScaleioArray {
  private readonly systemOnce = new Shared(() =>
    this.session.get("/api/types/System/instances", z.array(systemShape).min(1), "reading the array's id"),
  );
  private readonly poolsOnce = new Shared(() => this.readPools());
  private readonly sdcsOnce = new Shared(() =>
    this.session.get("/api/types/Sdc/instances", z.array(sdcShape), "reading the SDCs"),
  );
  private readonly statisticsOnce = new Map<string, Shared<PoolStatistics>>();

  constructor(readonly session: GatewaySession) {}

  /**
   * The array's id.
   * @throws {ScaleioError} `other-array` where the connection names another
   */
  async systemId(): Promise<string> {
    const id = (await this.systemOnce.get())[0]?.id ?? "";
    const { systemId: expected, endpoint, connection } = this.session;
    if (expected === undefined || expected === id) return id;
    throw new ScaleioError(
      "other-array",
      `${endpoint} is the gateway of array ${id}, but ${keyOf(connection, "systemId")} is ${expected}. ` +
        `Correct ${keyOf(connection, "endpoint")} or ${keyOf(connection, "systemId")}.`,
    );
  }

  /** Its storage pools. `anew` asks again, where one may have been added meanwhile. */
  async pools(anew = false): Promise<Pool[]> {
    return this.poolsOnce.get(anew);
  }

  private async readPools(): Promise<Pool[]> {
    const [domains, pools] = await Promise.all([
      this.session.get("/api/types/ProtectionDomain/instances", z.array(domainShape), "reading the protection domains"),
      this.session.get("/api/types/StoragePool/instances", z.array(poolShape), "reading the storage pools"),
    ]);
    return pools.map((pool) => {
      const domain = domains.find(({ id }) => id === pool.protectionDomainId);
      const fineGranularity = pool.dataLayout === "FineGranularity";
      return {
        id: pool.id,
        name: pool.name ?? pool.id,
        domainId: pool.protectionDomainId,
        domain: domain?.name ?? pool.protectionDomainId,
        fineGranularity,
        thinOnly: fineGranularity || domain?.genType === "EC",
      };
    });
  }

  /** What a pool could still give when this run began. */
  async statistics(pool: Pool): Promise<PoolStatistics> {
    const path = `/api/instances/StoragePool::${pool.id}/relationships/Statistics`;
    const what = `reading the free space of storage pool ${pool.name}`;
    const known = this.statisticsOnce.get(pool.id) ?? new Shared(() => this.session.get(path, statisticsShape, what));
    this.statisticsOnce.set(pool.id, known);
    return known.get();
  }

  /** Its hosts. `anew` asks again, where one may have been added meanwhile. */
  async sdcs(anew = false): Promise<Sdc[]> {
    return this.sdcsOnce.get(anew);
  }

  /** A volume, or `undefined` where there is none (any more). */
  async volume(id: string): Promise<ArrayVolume | undefined> {
    return unlessGone(this.session.get(`/api/instances/Volume::${id}`, volumeShape, `reading volume ${id}`));
  }

  /** The volume of a name; snapshots have names too. */
  async volumeByName(name: string): Promise<ArrayVolume | undefined> {
    const what = `looking for volume ${name}`;
    const id = await unlessGone(
      this.session.post("/api/types/Volume/instances/action/queryIdByKey", { name }, z.string(), {
        what,
        repeatable: true,
      }),
    );
    return id === undefined ? undefined : this.volume(id);
  }

  /** How many volumes hang together with this one: itself and its snapshots. */
  async relatives(vtreeId: string): Promise<number> {
    const path = `/api/instances/VTree::${vtreeId}/relationships/Volume`;
    return (await this.session.get(path, z.array(z.object({ id: z.string() })), "looking for snapshots")).length;
  }

  /** Makes a volume, and returns its id. Not repeatable. */
  async createVolume({ name, sizeGiB, thick, ramCache, compressed, pool }: NewVolume): Promise<string> {
    const body = {
      name,
      volumeSizeInKb: whole(sizeGiB * KIB_PER_GIB),
      protectionDomainId: pool.domainId,
      storagePoolId: pool.id,
      volumeType: thick ? "ThickProvisioned" : "ThinProvisioned",
      useRmcache: flag(ramCache),
      // Always said where it means something: the pool has a default of its own.
      ...(pool.fineGranularity && { compressionMethod: compressed ? "Normal" : "None" }),
    };
    const what = `creating volume ${name}`;
    return (await this.session.post("/api/types/Volume/instances", body, createdShape, { what })).id;
  }

  /** Lets a volume grow. Not repeatable: the array refuses the size that it has. */
  async setSize(id: string, sizeGiB: number): Promise<void> {
    const what = `growing volume ${id} to ${sizeGiB} GiB`;
    await this.act(id, "setVolumeSize", { sizeInGB: whole(sizeGiB) }, what, false);
  }

  async setRamCache(id: string, on: boolean): Promise<void> {
    const what = `switching the RAM cache of volume ${id} ${on ? "on" : "off"}`;
    await this.act(id, "setVolumeUseRmcache", { useRmcache: flag(on) }, what);
  }

  async setCompression(id: string, on: boolean): Promise<void> {
    const what = `switching the compression of volume ${id} ${on ? "on" : "off"}`;
    await this.act(id, "modifyCompressionMethod", { compressionMethod: on ? "Normal" : "None" }, what);
  }

  /** Removes a volume for good; its snapshots stay. */
  async removeVolume(id: string): Promise<void> {
    await this.act(id, "removeVolume", { removeMode: "ONLY_ME" }, `removing volume ${id}`);
  }

  /** Maps a volume to a host; hosts that have it already keep it. Done twice, the array says so. */
  async map(id: string, sdcId: string, accessMode: AccessMode): Promise<void> {
    const mode = await this.accessModeOf(accessMode);
    const body = { sdcId, allowMultipleMappings: flag(true), ...mode };
    await this.act(id, "addMappedSdc", body, `mapping volume ${id} to SDC ${sdcId}`);
  }

  async unmap(id: string, sdcId: string): Promise<void> {
    await this.act(id, "removeMappedSdc", { sdcId }, `unmapping volume ${id} from SDC ${sdcId}`);
  }

  /** Sets the limits of a mapping, both: one that is left out would stay as it was. */
  async setLimits(id: string, sdcId: string, iopsLimit: number, bandwidthLimitKBps: number): Promise<void> {
    const what = `limiting the mapping of volume ${id} to SDC ${sdcId}`;
    const iops = { iopsLimit: whole(iopsLimit) };
    const bandwidth = { bandwidthLimitInKbps: whole(bandwidthLimitKBps) };
    // 2.x refuses both as 0 in one call.
    const isOld = iopsLimit === 0 && bandwidthLimitKBps === 0 && !isAtLeast(await this.session.version(), "3.0");
    for (const limits of isOld ? [iops, bandwidth] : [{ ...iops, ...bandwidth }]) {
      await this.act(id, "setMappedSdcLimits", { sdcId, ...limits }, what);
    }
  }

  async setAccessMode(id: string, sdcId: string, accessMode: AccessMode): Promise<void> {
    const what = `setting the access mode of volume ${id} for SDC ${sdcId}`;
    const mode = await this.accessModeOf(accessMode);
    if (mode) await this.act(id, "setVolumeMappingAccessMode", { sdcId, ...mode }, what);
  }

  /** Whether mappings have an access mode. */
  async hasAccessModes(): Promise<boolean> {
    return isAtLeast(await this.session.version(), "3.0");
  }

  private async accessModeOf(accessMode: AccessMode): Promise<{ accessMode: AccessMode } | undefined> {
    return (await this.hasAccessModes()) ? { accessMode } : undefined;
  }

  private async act(id: string, action: string, body: Record<string, string>, what: string, repeatable = true) {
    await this.session.post(`/api/instances/Volume::${id}/action/${action}`, body, doneShape, { what, repeatable });
  }
}

// The array reads scalars as text, in capitals. Source: goscaleio.
function flag(on: boolean): string {
  return on ? "TRUE" : "FALSE";
}

// The last to see a number, whoever gave it (a transform, a state): to an array a limit of -1 is none.
function whole(value: number): string {
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  throw new ScaleioError("not-possible", `${JSON.stringify(value)} is not a whole number of 0 or more`);
}

/** What is asked once a run; again when that failed, or when it is wanted anew. Who comes while it is being asked shares it. */
class Shared<T> {
  private known: Promise<T> | undefined;
  private isUnderWay = false;

  constructor(private readonly ask: () => Promise<T>) {}

  get(anew = false): Promise<T> {
    if (this.known && (!anew || this.isUnderWay)) return this.known;
    this.isUnderWay = true;
    const asked = this.ask();
    this.known = asked;
    const done = () => (this.isUnderWay = false);
    asked.then(done, () => {
      done();
      this.known = undefined;
    });
    return asked;
  }
}

async function unlessGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isRefusal(error, arrayCodes.notFound, arrayCodes.volumeNotFound)) return undefined;
    throw error;
  }
}
