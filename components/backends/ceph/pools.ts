// Creates, changes and removes pools on a cluster. Each round first reads the current state, so that the next run finishes what an interrupted
// one left half done. Which steps that takes, src/backends/ceph/pools.ts says.

import { count, type Problem } from "../../../src";
import { listed } from "../../../src/core/problems";
import {
  isOwn,
  nextSteps,
  settingsOfPool,
  unusedRules,
  type ActualPool,
  type ActualPools,
  type PoolSettings,
  type PoolStep,
  type WantedPool,
} from "../../../src/backends/ceph/pools";
import { problem } from "../../../src/backends/ceph/problems";
import { CephError, refuseFor } from "./errors";

/** The metadata of a pool in which we keep whose it is, below its application `rbd`. */
export const POOL_MARK = "storage-profiles.pool";

/** What a cluster has, read at one time. */
export interface ClusterState extends ActualPools {
  fsid: string;
  /** How many buckets of a type below the default root have a usable OSD of a class (`null`: any). */
  places(failureDomain: string, deviceClass: string | null): number;
  /** The device classes of its OSDs. */
  deviceClasses: string[];
  /** Room on the devices of a class (`null`: all), in bytes. */
  freeBytes(deviceClass: string | null): number;
}

/** A cluster, for who administers its pools. Each method is one step, and throws a `CephError`. */
export interface PoolCluster {
  read(): Promise<ClusterState>;
  /** What a pool for images has that would be lost with it, in words. */
  contents(pool: string): Promise<string[]>;
  /** Carries a step out. */
  carryOut(pool: string, step: PoolStep): Promise<void>;
  removePool(pool: string): Promise<void>;
}

/** What the state knows about a pool. */
export interface KnownPool extends WantedPool {
  poolId: number;
  fsid: string;
}

/** A round's steps may make others possible: a pool that exists, a size that is set. */
const MOST_ROUNDS = 5;

const find = (actual: ActualPools, name: string) => actual.pools.find((each) => each.name === name);

/**
 * What keeps a pool from becoming what is wanted. `isKnown`: the state has it; `isImported`: it is to be taken over. Problems: `pool-taken`,
 * `import-not-possible`, `place-cannot`, `place-full`, `pool-unsafe`.
 */
export function poolProblems(
  state: ClusterState,
  wanted: { name: string; mark: string | undefined; settings: PoolSettings },
  { isKnown = false, isImported = false }: { isKnown?: boolean; isImported?: boolean } = {},
): Problem[] {
  const { name, mark, settings } = wanted;
  const pool = find(state, name);
  const isOurs = pool !== undefined && (isKnown || isOwn(pool, mark));
  if (pool && !isOurs && !isImported) return [problem("pool-taken", "pool", name, { pool: name, by: pool.mark })];
  if (isImported && !isOurs) {
    const refusal = importRefusal(pool, name);
    if (refusal) return [problem("import-not-possible", "import", name, { id: name, ...refusal })];
  }
  return [...placeProblems(state, settings, name, pool), ...(pool ? changeProblems(settings, pool) : [])];
}

function importRefusal(pool: ActualPool | undefined, name: string): { because: string; way: string } | undefined {
  if (!pool) return { because: "the cluster has no such pool", way: `remove "${name}" from \`import\`` };
  if (pool.mark !== undefined) {
    const remove = `ceph osd pool application rm ${name} rbd ${POOL_MARK}`;
    const way = `remove it from that stack (pulumi state delete), and run \`${remove}\``;
    return { because: `it belongs to ${pool.mark}`, way };
  }
  if (!pool.isReplicated) return { because: "it is erasure-coded", way: "use a replicated pool" };
  const others = pool.applications.filter((each) => each !== "rbd");
  if (others.length > 0) return { because: `it is for ${others.join(", ")}`, way: "use a pool for RBD images" };
  return undefined;
}

// Only what is to be placed anew: a pool whose hosts are down for an hour can get another quota.
function placeProblems(
  state: ClusterState,
  { copies, failureDomain, deviceClass }: PoolSettings,
  name: string,
  pool: ActualPool | undefined,
): Problem[] {
  const has = pool && settingsOfPool(pool);
  const isMore = !has || copies > has.copies;
  const isElsewhere = has?.failureDomain !== failureDomain || has.deviceClass !== deviceClass;
  if (!isMore && !isElsewhere) return [];
  const cannot = (setting: string, given: unknown, because: string, ways: string[]) => [
    problem("place-cannot", setting, given, { place: `pool "${name}"`, because, ways }),
  ];
  if (deviceClass !== null && !state.deviceClasses.includes(deviceClass)) {
    const known = state.deviceClasses.join(", ") || "none";
    const because = `no OSD has device class ${deviceClass}; device classes of the cluster: ${known}`;
    return cannot("deviceClass", deviceClass, because, ["use one of those", `add OSDs of class ${deviceClass}`]);
  }
  const places = state.places(failureDomain, deviceClass);
  if (places < copies) {
    const of = deviceClass === null ? "" : ` with OSDs of class ${deviceClass}`;
    const usable = `${count(places)} ${failureDomain}${places === 1 ? "" : "s"}${of} can be used`;
    const because = `${count(copies)} copies need as many ${failureDomain}s, and ${usable}`;
    return cannot("copies", copies, because, [
      `add ${failureDomain}s, or bring back those that are down`,
      "ask for fewer copies",
      ...(failureDomain === "osd" ? [] : ["set `specs.failureDomain` to a smaller one"]),
    ]);
  }
  if (!pool) return [];
  // What is moved is there twice for a while.
  const needed = pool.storedBytes * (isElsewhere ? copies : copies - pool.copies);
  const room = state.freeBytes(deviceClass);
  if (needed <= room) return [];
  const place = `device class ${deviceClass ?? "(any)"}`;
  const wants = `the data of pool "${name}" needs ${gibText(needed)} GiB there`;
  return [problem("place-full", "pool", name, { place, wants, roomGiB: Math.floor(room / GIB) })];
}

// What would lose data, or stop clients.
function changeProblems(settings: PoolSettings, pool: ActualPool): Problem[] {
  const { name } = pool;
  const problems: Problem[] = [];
  const unsafe = (path: string, given: unknown, because: string, ways: string[]) =>
    problems.push(problem("pool-unsafe", path, given, { pool: name, because, ways }));
  const isSized = settings.copies === pool.copies;
  if (!isSized && pool.flags.includes("nosizechange"))
    unsafe("copies", settings.copies, "has the flag `nosizechange`: its number of copies is protected", [
      `keep ${count(pool.copies)} copies`,
      `have an administrator run \`ceph osd pool set ${name} nosizechange 0\``,
    ]);
  // The copy that goes could be the only one that is there.
  if (settings.copies < pool.copies && pool.degradedObjects > 0)
    unsafe(
      "copies",
      settings.copies,
      `has ${count(pool.degradedObjects)} degraded object${pool.degradedObjects === 1 ? "" : "s"}: with ${count(settings.copies)} instead of ${count(pool.copies)} copies they may be lost`,
      ["wait until the cluster has recovered (`ceph health detail`)", `keep ${count(pool.copies)} copies`],
    );
  const quota = settings.quotaGiB * GIB;
  if (quota > 0 && quota < pool.storedBytes && quota !== pool.quotaBytes)
    unsafe(
      "quotaGiB",
      settings.quotaGiB,
      `has ${gibText(pool.storedBytes)} GiB of data: with a quota of ${count(settings.quotaGiB)} GiB its clients could write nothing`,
      [`raise the quota to ${gibText(pool.storedBytes)} GiB or more`, "remove data first"],
    );
  return problems;
}

const GIB = 1024 ** 3;
const gibText = (bytes: number) => count(Math.ceil(bytes / GIB));

/** What keeps a pool from being removed. Problem: `pool-unsafe`. */
export async function removalProblems(cluster: PoolCluster, pool: ActualPool): Promise<Problem[]> {
  const { name, applications, objects, flags } = pool;
  const isForImages = applications.length === 1 && applications[0] === "rbd";
  const has = isForImages ? await cluster.contents(name) : objects > 0 ? [`${count(objects)} objects`] : [];
  const refusal = (because: string, ways: string[]) =>
    problem("pool-unsafe", "pool", name, { pool: name, because, ways });
  return [
    ...(has.length === 0
      ? []
      : [
          refusal(`isn't empty, and is not removed: it has ${listed(has)}`, [
            "keep the profile that defines it",
            "move or delete its images first",
            "remove it from the state alone (`pulumi state delete`), which leaves it on the cluster",
          ]),
        ]),
    ...(flags.includes("nodelete")
      ? [
          refusal("has the flag `nodelete`, and is not removed", [
            "keep the profile that defines it",
            `have an administrator run \`ceph osd pool set ${name} nodelete 0\``,
          ]),
        ]
      : []),
  ];
}

/**
 * Creates a pool, or brings one that an interrupted run left, or that is taken over, to what is wanted.
 * @throws {CephError} `not-possible`, and those of the cluster
 */
export async function createPool(cluster: PoolCluster, wanted: WantedPool, isImported: boolean): Promise<KnownPool> {
  refuseFor(poolProblems(await cluster.read(), wanted, { isImported }));
  return makeSame(cluster, wanted);
}

/**
 * Changes a pool that the state has, in place.
 * @throws {CephError} `gone`, `other-cluster`, `other-pool`, `not-possible`, and those of the cluster
 */
export async function updatePool(cluster: PoolCluster, wanted: WantedPool, known: KnownPool): Promise<KnownPool> {
  const state = await cluster.read();
  if (!locate(state, known))
    throw new CephError("gone", `pool ${known.name} is no longer on the cluster. Run pulumi refresh, then pulumi up.`);
  refuseFor(poolProblems(state, wanted, { isKnown: true }));
  return makeSame(cluster, wanted);
}

async function makeSame(cluster: PoolCluster, wanted: WantedPool): Promise<KnownPool> {
  for (let round = 1; ; round++) {
    const state = await cluster.read();
    const steps = nextSteps(state, wanted);
    const pool = find(state, wanted.name);
    if (pool && steps.length === 0) return asKnown(state, pool, wanted.mark);
    if (round > MOST_ROUNDS) {
      const left = steps.map((step) => ("key" in step ? step.key : step.do)).join(", ");
      const text = `the cluster took the change of pool ${wanted.name}, and didn't carry out ${left}. Run pulumi up again.`;
      throw new CephError("not-possible", text);
    }
    for (const step of steps) await cluster.carryOut(wanted.name, step);
  }
}

/** The pool that the state has, by its id; nothing where it is gone. */
function locate(
  state: ClusterState,
  known: Pick<KnownPool, "name" | "poolId" | "fsid" | "mark">,
): ActualPool | undefined {
  if (state.fsid !== known.fsid) {
    const text = `pool ${known.name} is on cluster ${known.fsid}, and the connection leads to ${state.fsid}. Correct the connection (ceph:configFile).`;
    throw new CephError("other-cluster", text);
  }
  const pool = state.pools.find(({ id }) => id === known.poolId);
  if (pool && pool.name !== known.name) {
    const text = `pool ${known.name} was renamed to ${pool.name}. Rename it back: ceph osd pool rename ${pool.name} ${known.name}`;
    throw new CephError("other-pool", text);
  }
  if (pool?.mark !== undefined && pool.mark !== known.mark) {
    const text = `pool ${known.name} belongs to ${pool.mark} now, and is neither changed nor removed. Remove it from this state: pulumi state delete.`;
    throw new CephError("other-pool", text);
  }
  return pool;
}

/** What became of a pool that the state has; nothing where it is gone. */
export async function readPool(cluster: PoolCluster, known: KnownPool): Promise<KnownPool | undefined> {
  const state = await cluster.read();
  const pool = locate(state, known);
  return pool && asKnown(state, pool, known.mark);
}

function asKnown({ fsid }: ClusterState, pool: ActualPool, mark: string): KnownPool {
  return { name: pool.name, mark, poolId: pool.id, fsid, settings: settingsOfPool(pool) };
}

/**
 * Removes a pool that has no images, with its rules. Gone already is as good.
 * @throws {CephError} `not-possible`, `other-cluster`, `other-pool`, and those of the cluster
 */
export async function removePool(cluster: PoolCluster, known: KnownPool): Promise<void> {
  const state = await cluster.read();
  const pool = locate(state, known);
  if (pool) {
    refuseFor(await removalProblems(cluster, pool));
    await cluster.removePool(pool.name);
  }
  const left = { rules: state.rules, pools: state.pools.filter((each) => each !== pool) };
  for (const name of unusedRules(left, known.mark)) await cluster.carryOut(known.name, { do: "removeRule", name });
}
