// The life of a volume on an array: checked before it is made, made once, changed in place, removed.

import { change, count, nearest, problem, type Problem } from "../../../src";
import type { ScaleioSettings } from "../../../src/backends/scaleio";
import { setCommand } from "../../named-connections";
import { carryOut } from "../../transport";
import { KIB_PER_GIB, type ArrayVolume, type Pool, type PoolStatistics, type ScaleioArray } from "./array";
import { keyOf } from "./connection";
import { arrayCodes, isRefusal, isUnsettled, ScaleioError } from "./errors";

/** What a volume must be. */
export interface WantedVolume {
  /** Its name on the array. */
  name: string;
  sizeGiB: number;
  settings: ScaleioSettings;
}

/** What a volume is. */
export interface FoundVolume {
  id: string;
  systemId: string;
  name: string;
  sizeGiB: number;
  settings: ScaleioSettings;
}

/** For how long a volume that an interrupted run made is taken up by the next, by the array's clock. */
const TAKE_UP_HOURS = 24;

const PROFILE_PATH = "settings";

/**
 * What keeps a volume from being made or changed, as far as the array can be asked before: its pool, what the pool can do,
 * and the room in it. `growsBy` is how much of it is new; `promised` what this run has promised from the pool already, in
 * GiB, and is added to. Problems: `place-unknown`, `place-cannot`, `place-full`.
 */
export async function volumeProblems(
  array: ScaleioArray,
  { name, sizeGiB, settings }: WantedVolume,
  growsBy: number,
  promised: Map<string, number>,
): Promise<Problem[]> {
  const found = await findPool(array, settings);
  if (!found.pool) return found.problems;
  const { pool } = found;
  const problems = poolProblems(pool, settings);
  if (growsBy > 0) {
    const statistics = await array.statistics(pool);
    const before = promised.get(pool.id) ?? 0;
    const full = roomProblem(
      pool,
      statistics,
      settings,
      before,
      growsBy,
      `${name} needs ${count(growsBy)} GiB`,
      sizeGiB,
    );
    if (full) problems.push(full);
    else promised.set(pool.id, before + growsBy);
  }
  return problems;
}

/**
 * The same for a volume that isn't made yet. One that an interrupted run has made may be in the pool already (`ownName`), and
 * needs no more room.
 */
export async function newVolumeProblems(
  array: ScaleioArray,
  wanted: WantedVolume,
  ownName: boolean,
  promised: Map<string, number>,
): Promise<Problem[]> {
  const problems = await volumeProblems(array, wanted, wanted.sizeGiB, promised);
  if (!ownName || problems.length === 0 || problems.some(({ code }) => code !== "place-full")) return problems;
  const other = await array.volumeByName(wanted.name);
  const { pool } = await findPool(array, wanted.settings);
  const isThere = other && pool && (await whyNotTakenUp(array, other, wanted, pool)) === undefined;
  return isThere ? [] : problems;
}

/** What a pool can't do of what a profile asks for. */
function poolProblems(pool: Pool, { provisioning, ramCache, compression }: ScaleioSettings): Problem[] {
  const place = `storage pool "${pool.name}"`;
  const problems: Problem[] = [];
  const cannot = (setting: string, given: unknown, because: string, ways: string[]) =>
    problems.push(problem("place-cannot", `${PROFILE_PATH}.${setting}`, given, { place, because, ways }));
  if (provisioning === "thick" && pool.thinOnly) {
    const because = pool.fineGranularity
      ? "a fine-granularity pool supports only thin volumes"
      : "it supports only thin volumes";
    cannot("provisioning", provisioning, because, ["set provisioning: thin", "use another pool"]);
  }
  if (ramCache && pool.fineGranularity) {
    const ways = ["set ramCache: false", "use a medium-granularity pool"];
    cannot("ramCache", ramCache, "fine-granularity volumes don't support the RAM cache", ways);
  }
  if (compression === "normal" && !pool.fineGranularity) {
    const ways = ["set compression: none", "use a fine-granularity pool"];
    cannot("compression", compression, "only fine-granularity volumes support compression", ways);
  }
  return problems;
}

/** Whether a pool has no room for that much more. */
function roomProblem(
  pool: Pool,
  statistics: PoolStatistics,
  { provisioning }: ScaleioSettings,
  promisedGiB: number,
  growsBy: number,
  wants: string,
  sizeGiB: number,
): Problem | undefined {
  const { capacityAvailableForVolumeAllocationInKb: free, volumeAllocationLimitInKb: limit } = statistics;
  // Thick volumes take their space at once; thin ones may promise more than there is, up to the pool's own limit.
  const roomInKb = provisioning === "thick" ? free : (limit ?? undefined);
  if (roomInKb == null) return undefined;
  const roomGiB = Math.max(0, Math.floor(roomInKb / KIB_PER_GIB) - promisedGiB);
  if (growsBy <= roomGiB) return undefined;
  const before = promisedGiB > 0 ? `, and other volumes of this run ${count(promisedGiB)} GiB` : "";
  const params = { place: `storage pool "${pool.name}"`, wants: `${wants}${before}`, roomGiB };
  return problem("place-full", "sizeGiB", sizeGiB, params);
}

type FoundPool = { pool: Pool; problems: [] } | { pool?: undefined; problems: Problem[] };

/** The pool of a volume's settings; or why there is none, with those that there are. */
export async function findPool(
  array: ScaleioArray,
  { protectionDomain, storagePool }: Pick<ScaleioSettings, "protectionDomain" | "storagePool">,
): Promise<FoundPool> {
  const find = (pools: Pool[]) => pools.find((each) => each.domain === protectionDomain && each.name === storagePool);
  // One that isn't there may have been added since this run began.
  const pool = find(await array.pools()) ?? find(await array.pools(true));
  if (pool) return { pool, problems: [] };
  const pools = await array.pools();
  const domains = [...new Set(pools.map(({ domain }) => domain))].sort();
  const domain = protectionDomain ?? "";
  if (!domains.includes(domain)) {
    const params = { what: "protection domain", name: domain, where: "with storage pools", known: domains };
    const path = `${PROFILE_PATH}.protectionDomain`;
    return { problems: [problem("place-unknown", path, domain, { ...params, nearest: nearest(domain, domains) })] };
  }
  const known = pools
    .filter((each) => each.domain === domain)
    .map(({ name }) => name)
    .sort();
  const name = storagePool ?? "";
  const params = { what: "storage pool", name, where: `in protection domain "${domain}"`, known };
  const path = `${PROFILE_PATH}.storagePool`;
  return { problems: [problem("place-unknown", path, name, { ...params, nearest: nearest(name, known) })] };
}

/** Who has a name that a volume was explicitly given. Problem: `physical-name-taken`. */
export async function nameProblems(array: ScaleioArray, name: string): Promise<Problem[]> {
  const other = await array.volumeByName(name);
  if (!other) return [];
  const by = `volume ${other.id} (${count(toGiB(other))} GiB) has this name`;
  return [problem("physical-name-taken", "physicalName", name, { name, by, id: other.id })];
}

/**
 * Makes a volume. Under a name that only this state can have (`ownName`), one that an interrupted run left behind is
 * taken up instead of a second being made; under a name that somebody chose, never. `mayTake` throws for one that is not to be had.
 * @throws {ScaleioError} `name-taken`, `not-possible`, `other-array`, and those of the gateway
 */
export async function createVolume(
  array: ScaleioArray,
  wanted: WantedVolume & { stackSystemId?: string | undefined },
  ownName: boolean,
  mayTake: (id: string) => void = () => undefined,
): Promise<FoundVolume & { found: boolean }> {
  const { name, sizeGiB, settings } = wanted;
  const systemId = await stackArray(array, wanted.stackSystemId);
  const { pool, problems } = await findPool(array, settings);
  if (!pool) throw new ScaleioError("not-possible", problems.map(asSentence).join("\n"));
  const made = (id: string, found: boolean) => ({ id, systemId, name, sizeGiB, settings, found });

  // Of a name that anybody may have chosen it must be known who had it before: only then is a create that got no answer ours.
  if (!ownName) {
    const [taken] = await nameProblems(array, name);
    if (taken) throw new ScaleioError("name-taken", asSentence(taken));
  }
  const request = {
    name,
    sizeGiB,
    thick: settings.provisioning === "thick",
    ramCache: settings.ramCache,
    compressed: settings.compression === "normal",
    pool,
  };
  // The first answer may be lost, and the second may then be that the name is in use: by what the first one made.
  for (let isRepeated = false; ;) {
    try {
      return made(await array.createVolume(request), false);
    } catch (error) {
      const inUse = isRefusal(error, arrayCodes.nameInUse);
      if (!inUse && !isUnsettled(error)) throw error;
      const other = await array.volumeByName(name).catch((unknown: unknown) => {
        if (inUse || !(unknown instanceof ScaleioError)) throw unknown;
        throw unanswered(error, unknown, name, ownName);
      });
      if (other) {
        const isOurs = ownName || isRepeated || !inUse;
        const reason = isOurs ? await whyNotTakenUp(array, other, wanted, pool) : CHOSEN_NAME;
        if (reason !== undefined) throw nameTaken(name, other, reason);
        mayTake(other.id);
        return made(other.id, true);
      }
      if (inUse || isRepeated) throw error;
      isRepeated = true;
    }
  }
}

// Nobody could say whether it was made: the state has nothing of it, and whoever looks after it must know.
function unanswered(first: ScaleioError, second: ScaleioError, name: string, ownName: boolean): ScaleioError {
  const way = ownName
    ? "the next `pulumi up` finds and adopts it"
    : `look for ${name} on the array, and import it with \`import\`, or remove it`;
  return new ScaleioError(
    first.code,
    `${first.message}\nThe volume may have been created, but this can't be checked: ${second.message}\nFix: ${way}.`,
  );
}

const CHOSEN_NAME = "its name was chosen explicitly, so it may belong to someone else";

function nameTaken(name: string, other: ArrayVolume, reason: string): ScaleioError {
  return new ScaleioError(
    "name-taken",
    `Volume ${other.id} (${count(toGiB(other))} GiB) is already named ${name}, and doesn't look like the volume that an ` +
      `interrupted run left behind: ${reason}. If it is that volume, import it with its data: import: "${other.id}". ` +
      `If it isn't needed, remove it from the array.`,
    { errorCode: arrayCodes.nameInUse },
  );
}

// A volume of ours that no state knows has just been made, is as it was asked for, and nobody has used it.
async function whyNotTakenUp(
  array: ScaleioArray,
  volume: ArrayVolume,
  { sizeGiB, settings }: WantedVolume,
  pool: Pool,
): Promise<string | undefined> {
  const hosts = volume.mappedSdcInfo ?? [];
  if (hosts.length > 0) return `it is mapped to ${hosts.map(hostName).join(", ")}`;
  if (volume.storagePoolId !== pool.id) return "it is in another storage pool";
  if (toGiB(volume) !== sizeGiB) return `its size isn't ${count(sizeGiB)} GiB`;
  if (volume.volumeType !== (settings.provisioning === "thick" ? "ThickProvisioned" : "ThinProvisioned")) {
    return `it is ${volume.volumeType}, not ${settings.provisioning}`;
  }
  if (volume.useRmcache !== settings.ramCache) return "its RAM cache setting differs";
  if (pool.fineGranularity && isCompressed(volume) !== (settings.compression === "normal")) {
    return "its compression setting differs";
  }
  const now = array.session.gatewayTime?.getTime();
  if (now === undefined || volume.creationTime == null) return "the gateway doesn't report its creation time";
  if (now / 1000 - volume.creationTime > TAKE_UP_HOURS * 3600) {
    return `it was created more than ${TAKE_UP_HOURS} hours ago by the gateway's clock`;
  }
  if (volume.vtreeId != null && (await array.relatives(volume.vtreeId)) > 1) return "it has snapshots";
  return undefined;
}

/**
 * A volume as it is; `undefined` where it is gone.
 * @param known what the state has of it: the array doesn't keep a volume's limits on the volume
 * @throws {ScaleioError} `other-array`, and those of the gateway
 */
export async function readVolume(
  array: ScaleioArray,
  id: string,
  known: { systemId?: string | undefined; settings: ScaleioSettings },
): Promise<FoundVolume | undefined> {
  const systemId = await sameArray(array, id, known.systemId);
  const volume = await array.volume(id);
  return volume && asFound(array, volume, systemId, known.settings);
}

/**
 * A volume that no state of ours knows, with the settings that the array reports.
 * @throws {ScaleioError} `gone`, and those of the gateway
 */
export async function findVolume(array: ScaleioArray, id: string): Promise<FoundVolume> {
  // The array writes ids in lower case.
  const volume = await array.volume(id.toLowerCase());
  if (!volume) throw new ScaleioError("gone", `the array has no volume with id ${id}`);
  return asFound(array, volume, await array.systemId(), {} as ScaleioSettings);
}

// `known`: what the state has of it, or what is wanted, for what the array doesn't tell.
async function asFound(
  array: ScaleioArray,
  volume: ArrayVolume,
  systemId: string,
  known: ScaleioSettings,
): Promise<FoundVolume> {
  const pool = await poolOf(array, volume);
  return {
    id: volume.id,
    systemId,
    name: volume.name ?? "",
    sizeGiB: toGiB(volume),
    settings: {
      ...known,
      provisioning: volume.volumeType === "ThickProvisioned" ? "thick" : "thin",
      ramCache: volume.useRmcache,
      compression: isCompressed(volume) ? "normal" : "none",
      protectionDomain: pool?.domain ?? known.protectionDomain,
      storagePool: pool?.name ?? known.storagePool,
    },
  };
}

async function poolOf(array: ScaleioArray, { storagePoolId }: ArrayVolume): Promise<Pool | undefined> {
  const find = (pools: Pool[]) => pools.find(({ id }) => id === storagePoolId);
  return find(await array.pools()) ?? find(await array.pools(true));
}

const isCompressed = ({ compressionMethod }: ArrayVolume) => compressionMethod === "Normal";

/** A volume that exists and may be taken over. Problem: `import-not-possible`. */
export async function volumeToImport(
  array: ScaleioArray,
  id: string,
  settings: ScaleioSettings,
): Promise<{ found?: FoundVolume; problems: Problem[] }> {
  const refuse = (because: string, way: string) => ({ problems: [importRefusal(id, because, way)] });
  if (!/^[0-9a-f]{16}$/.test(id)) {
    return refuse("it isn't a volume id", "use the 16 hex digits that the array shows");
  }
  const volume = await array.volume(id);
  if (!volume) return refuse("the array has no such volume", "look it up on the array");
  if (volume.volumeType === "Snapshot") return refuse("it is a snapshot", "use the id of a volume");
  return { found: await asFound(array, volume, await array.systemId(), settings), problems: [] };
}

function importRefusal(id: string, because: string, way: string): Problem {
  return problem("import-not-possible", "import", id, { id, because, way });
}

/**
 * What keeps a volume that exists from being taken over into a declaration. Problems: `import-not-possible`, those of a change,
 * and those of `volumeProblems`.
 */
export async function importProblems(
  array: ScaleioArray,
  id: string,
  { name, sizeGiB, settings, physicalName }: WantedVolume & { physicalName?: string | undefined },
  promised = new Map<string, number>(),
): Promise<{ found?: FoundVolume; problems: Problem[] }> {
  const { found, problems } = await volumeToImport(array, id, settings);
  if (!found) return { problems };
  if (physicalName !== undefined && physicalName !== found.name) {
    const because = `it is named "${found.name}", and volumes can't be renamed`;
    return { problems: [importRefusal(id, because, "set physicalName to that name, or remove it")] };
  }
  const label = { name: found.name, profile: "", revision: "", backend: "scaleio" } as const;
  const changed = change({ ...label, ...found }, { ...label, sizeGiB, settings });
  // Where it can't go, it doesn't matter what the place couldn't do either.
  if (changed.problems.length > 0) return { problems: changed.problems };
  const wrong = await volumeProblems(array, { name, sizeGiB, settings }, sizeGiB - found.sizeGiB, promised);
  return wrong.length > 0 ? { problems: wrong } : { found, problems: [] };
}

/** Takes a volume over, and makes it what is wanted. */
export async function importVolume(
  array: ScaleioArray,
  id: string,
  wanted: WantedVolume & { physicalName?: string | undefined },
): Promise<FoundVolume> {
  const { found, problems } = await importProblems(array, id, wanted);
  if (!found) throw new ScaleioError("not-possible", problems.map(asSentence).join("\n"));
  return updateVolume(array, id, { ...wanted, systemId: found.systemId, knownName: found.name });
}

/**
 * Makes a volume what is wanted, whatever it is now: what an earlier run left half done is finished, and nothing is sent
 * that is so already.
 * @throws {ScaleioError} `gone`, `shrink`, `not-possible`, `other-array`, and those of the gateway
 */
export async function updateVolume(
  array: ScaleioArray,
  id: string,
  { sizeGiB, settings, ...known }: Omit<WantedVolume, "name"> & KnownVolume,
): Promise<FoundVolume> {
  const systemId = await sameArray(array, id, known.systemId);
  const volume = await array.volume(id);
  if (!volume) throw gone(id);
  refuseOther(volume, known, "changed");
  const { name, sizeGiB: has, settings: is } = await asFound(array, volume, systemId, settings);
  if (has > sizeGiB) {
    throw new ScaleioError(
      "shrink",
      `volume ${id} can't shrink from ${count(has)} GiB on the array to ${count(sizeGiB)} GiB. Set the size to ${count(has)} GiB or more.`,
    );
  }
  for (const setting of ["provisioning", "protectionDomain", "storagePool"] as const) {
    if (is[setting] === settings[setting]) continue;
    throw new ScaleioError(
      "not-possible",
      `volume ${id} has ${setting} "${is[setting]}" on the array; migrating it to "${settings[setting]}" isn't supported. ` +
        `If it was moved outside Pulumi, set ${setting} to "${is[setting]}", and run pulumi refresh.`,
    );
  }
  const step = (send: () => Promise<void>, isDone: (now: ArrayVolume) => boolean) =>
    carryOut(send, async () => isDone((await array.volume(id)) ?? raise(gone(id))), isUnsettled);
  const { ramCache, compression } = settings;
  if (has < sizeGiB) {
    await step(
      () => array.setSize(id, sizeGiB),
      (now) => toGiB(now) === sizeGiB,
    );
  }
  if (is.ramCache !== ramCache) {
    await step(
      () => array.setRamCache(id, ramCache),
      (now) => now.useRmcache === ramCache,
    );
  }
  if (is.compression !== compression) {
    await step(
      () => array.setCompression(id, compression === "normal"),
      (now) => isCompressed(now) === (compression === "normal"),
    );
  }
  return { id, systemId, name, sizeGiB, settings };
}

function raise(error: Error): never {
  throw error;
}

/** What the state has of a volume, by which it is known again. */
export interface KnownVolume {
  systemId?: string | undefined;
  /** Its name on the array. */
  knownName?: string | undefined;
}

// Ids are never used twice on an array. Where one has another name, an administrator has renamed the volume, or it isn't the one
// that the state means: then nothing of it is touched until somebody has looked.
function refuseOther(volume: ArrayVolume, { knownName }: KnownVolume, what: "changed" | "removed"): void {
  const name = volume.name ?? "";
  if (knownName === undefined || name === knownName) return;
  throw new ScaleioError(
    "other-volume",
    `volume ${volume.id} is named "${name}" on the array, but "${knownName}" in the state: it is not ${what}. ` +
      "If it is the same volume, renamed outside Pulumi, run pulumi refresh first.",
  );
}

function gone(id: string): ScaleioError {
  return new ScaleioError(
    "gone",
    `volume ${id} no longer exists on the array. Run pulumi refresh; pulumi up then creates a new, empty one.`,
  );
}

/**
 * Removes a volume for good. Gone already is as good.
 * @throws {ScaleioError} `still-mapped` with the hosts that have it, `other-array`, `other-volume`, and those of the gateway
 */
export async function removeVolume(array: ScaleioArray, id: string, known: KnownVolume): Promise<void> {
  await sameArray(array, id, known.systemId);
  const volume = await array.volume(id);
  if (!volume) return;
  refuseOther(volume, known, "removed");
  try {
    await carryOut(
      () => array.removeVolume(id),
      async () => (await array.volume(id)) === undefined,
      isUnsettled,
    );
  } catch (error) {
    if (isRefusal(error, arrayCodes.volumeNotFound)) return;
    if (!isRefusal(error, arrayCodes.volumeMapped)) throw error;
    const hosts = (await array.volume(id))?.mappedSdcInfo ?? [];
    throw new ScaleioError(
      "still-mapped",
      `volume ${id} is not removed: it is still mapped to ${hosts.map(hostName).join(", ")}, by a mapping that this run didn't remove. ` +
        "Check what uses it there, unmap it, and run again.",
      { errorCode: arrayCodes.volumeMapped },
    );
  }
}

// Two arrays may have volumes of one id. A gateway that now belongs to another array must neither make a state forget its
// volumes nor have the other's changed or removed.
export async function sameArray(array: ScaleioArray, id: string, known: string | undefined): Promise<string> {
  const systemId = await array.systemId();
  if (known === undefined || known === systemId) return systemId;
  throw new ScaleioError(
    "other-array",
    `volume ${id} is on array ${known}, but ${array.session.endpoint} is the gateway of array ${systemId}. ` +
      `Restore ${keyOf(array.session.connection, "endpoint")}. (If array ${known} is lost for good, with its volumes: pulumi state delete.)`,
  );
}

/**
 * The array, where it is the one that the stack's volumes are on, or where `scaleio:systemId` names it.
 * @throws {ScaleioError} `other-array`
 */
export async function stackArray(array: ScaleioArray, known: string | undefined): Promise<string> {
  const systemId = await array.systemId();
  if (known === undefined || known === systemId || array.session.systemId === systemId) return systemId;
  const { connection } = array.session;
  throw new ScaleioError(
    "other-array",
    `this stack's volumes are on array ${known}, but ${array.session.endpoint} is the gateway of array ${systemId}. ` +
      `Restore ${keyOf(connection, "endpoint")}; or, for new volumes on array ${systemId}: ${setCommand(keyOf(connection, "systemId"), systemId)}`,
  );
}

/** A host of a mapping, for messages: its name, else its address, with its id. */
export function hostName({
  sdcId,
  sdcName,
  sdcIp,
}: {
  sdcId: string;
  sdcName?: string | null;
  sdcIp?: string | null;
}): string {
  const name = sdcName ?? sdcIp;
  return name == null ? `SDC ${sdcId}` : `SDC ${name} (${sdcId})`;
}

/** A problem as one sentence, for errors of a single volume. */
export function asSentence({ message, allowed, fix, code }: Problem): string {
  const more = [allowed === "" ? "" : ` Allowed: ${allowed}.`, fix === "" ? "" : ` Fix: ${fix}.`];
  return `${message} [${code}].${more.join("")}`;
}

function toGiB({ sizeInKb }: ArrayVolume): number {
  return sizeInKb / KIB_PER_GIB;
}
