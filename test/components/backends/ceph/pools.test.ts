// Pools of profiles on a cluster in memory: what they become, whatever was there and whenever a run was killed, and what is refused.

import * as fc from "fast-check";

import {
  createPool,
  poolProblems,
  readPool,
  removalProblems,
  removePool,
  updatePool,
  type KnownPool,
} from "../../../../components/backends/ceph/pools";
import { poolProvider } from "../../../../components/backends/ceph/pool-provider";
import type { ActualPool, PoolSettings, WantedPool } from "../../../../src/backends/ceph/pools";
import { runs } from "../../../support/property";
import { Killed, memoryPools, type MemoryPools } from "./memory-pools";

const GIB = 1024 ** 3;
const settings = (over: Partial<PoolSettings> = {}): PoolSettings => ({
  ...{ copies: 3, minCopies: 2, failureDomain: "host", deviceClass: "ssd", compression: null, quotaGiB: 0 },
  ...over,
});
const wanted = (over: Partial<PoolSettings> = {}, name = "fast"): WantedPool => ({
  name,
  mark: `shop-dev-pool-${name}-0123abcde`,
  settings: settings(over),
});
const poolOf = (cluster: MemoryPools, name = "fast"): ActualPool => cluster.pools.get(name)!;
const theirs = async (cluster: MemoryPools, name = "fast"): Promise<ActualPool> => {
  await createPool(cluster, { ...wanted({}, name), mark: `other-${name}` }, false);
  const pool = poolOf(cluster, name);
  pool.mark = undefined;
  pool.rule = { name: "replicated_rule", failureDomain: "host", deviceClass: null };
  cluster.rules.clear();
  cluster.rules.set(pool.rule.name, pool.rule);
  cluster.changes = [];
  return pool;
};
const problemsOf = async (cluster: MemoryPools, to: WantedPool, how?: Parameters<typeof poolProblems>[2]) =>
  poolProblems(await cluster.read(), to, how).map(({ code, message, fix }) => `${code}: ${message}. ${fix}`);

const anySettings = fc
  .record({
    copies: fc.integer({ min: 2, max: 3 }),
    isStrict: fc.boolean(),
    place: fc.constantFrom(
      { failureDomain: "host", deviceClass: "ssd" },
      { failureDomain: "osd", deviceClass: "ssd" },
      { failureDomain: "host", deviceClass: null },
    ),
    compression: fc.option(
      fc.record({
        mode: fc.constantFrom("passive", "aggressive", "force"),
        algorithm: fc.option(fc.constantFrom("zstd", "lz4")),
        requiredRatio: fc.option(fc.constantFrom(0.5, 0.875)),
      }),
    ),
    quotaGiB: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ copies, isStrict, place, compression, quotaGiB }): PoolSettings => ({
    ...{ copies, minCopies: isStrict ? copies : Math.ceil(copies / 2), ...place, compression, quotaGiB },
  }));

test("a pool becomes what is wanted from whatever it was, wherever runs are killed, and another run changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ to: anySettings, kills: fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 3 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
      async (changes) => {
        const cluster = memoryPools();
        let known: KnownPool | undefined;
        for (const { to, kills } of changes) {
          const want = wanted(to);
          for (const killedAfter of [...kills, Infinity]) {
            Object.assign(cluster, { killedAfter, changes: [] });
            try {
              // The state is still the old one after a run that was killed.
              known = known ? await updatePool(cluster, want, known) : await createPool(cluster, want, false);
            } catch (error) {
              if (!(error instanceof Killed)) throw error;
            }
          }
          expect(known).toMatchObject(want);
          expect(await readPool(cluster, known!)).toEqual(known);
          // The one pool keeps its identity, and no rule is left over.
          expect([known!.poolId, cluster.pools.size, cluster.rules.size]).toEqual([1, 1, 1]);
          cluster.changes = [];
          expect(await updatePool(cluster, want, known!)).toEqual(known);
          expect(cluster.changes).toEqual([]);
        }
        for (const killedAfter of [1, Infinity]) {
          Object.assign(cluster, { killedAfter, changes: [] });
          await removePool(cluster, known!).catch((error: unknown) => expect(error).toBeInstanceOf(Killed));
        }
        expect([cluster.pools.size, cluster.rules.size]).toEqual([0, 0]);
      },
    ),
    { numRuns: runs(100) },
  );
});

test("a pool that this stack didn't create is refused, and taken over with its data by import alone", async () => {
  const cluster = memoryPools();
  const pool = await theirs(cluster);
  expect(await problemsOf(cluster, wanted())).toEqual([
    'pool-taken: pool "fast" already exists, and this stack didn\'t create it. to manage that pool with its data, add "fast" to `import`; otherwise use another `pool`',
  ]);
  await expect(createPool(cluster, wanted(), false)).rejects.toMatchObject({ code: "not-possible" });
  // Nor is it known as ours where the mark isn't known yet.
  expect(await problemsOf(cluster, { ...wanted(), mark: undefined as never })).toHaveLength(1);
  expect(cluster.changes).toEqual([]);
  const taken = await createPool(cluster, wanted(), true);
  expect([taken.poolId, poolOf(cluster).mark]).toEqual([pool.id, wanted().mark]);
  // A rule of others stays.
  expect([...cluster.rules.keys()]).toContain("replicated_rule");

  const other = { ...wanted(), mark: "shop-prod-pool-fast-zzzzzzzzz" };
  expect(await problemsOf(cluster, other)).toEqual([expect.stringContaining(`it belongs to ${wanted().mark}`)]);
  expect(await problemsOf(cluster, other, { isImported: true })).toEqual([
    expect.stringContaining("run `ceph osd pool application rm fast rbd storage-profiles.pool`"),
  ]);
  expect(await problemsOf(cluster, wanted({}, "none"), { isImported: true })).toEqual([
    expect.stringContaining("the cluster has no such pool"),
  ]);
  const files = await theirs(cluster, "files");
  files.applications = ["cephfs"];
  expect(await problemsOf(cluster, wanted({}, "files"), { isImported: true })).toEqual([
    expect.stringContaining("it is for cephfs"),
  ]);
});

test("what the cluster has no devices for is told", async () => {
  const cluster = memoryPools();
  expect(await problemsOf(cluster, wanted({ deviceClass: "nvme" }))).toEqual([
    expect.stringContaining("no OSD has device class nvme; device classes of the cluster: hdd, ssd"),
  ]);
  expect(await problemsOf(cluster, wanted({ deviceClass: "hdd" }))).toEqual([
    expect.stringContaining("3 copies need as many hosts, and 2 hosts with OSDs of class hdd can be used"),
  ]);
  expect(await problemsOf(cluster, wanted({ failureDomain: "rack", deviceClass: null }))).toEqual([
    expect.stringContaining("3 copies need as many racks, and 0 racks can be used"),
  ]);
  const known = await createPool(cluster, wanted(), false);
  // A pool that lacks hosts for a while can get another quota all the same.
  cluster.osds = ["ssd", "hdd"];
  expect(await updatePool(cluster, wanted({ quotaGiB: 5 }), known)).toMatchObject({ settings: { quotaGiB: 5 } });
  await expect(updatePool(cluster, wanted({ copies: 2, deviceClass: "hdd" }), known)).rejects.toThrow("1 host with");
});

test("changes that would lose data or stop clients are refused before anything is done", async () => {
  const cluster = memoryPools();
  const known = await createPool(cluster, wanted(), false);
  Object.assign(poolOf(cluster), { storedBytes: 40 * GIB, objects: 10_000, degradedObjects: 3 });
  cluster.changes = [];
  const refused = async (over: Partial<PoolSettings>, message: string) => {
    expect(await problemsOf(cluster, wanted(over), { isKnown: true })).toEqual([expect.stringContaining(message)]);
    await expect(updatePool(cluster, wanted(over), known)).rejects.toThrow(message);
  };
  await refused({ copies: 2, minCopies: 1 }, "has 3 degraded objects: with 2 instead of 3 copies they may be lost");
  await refused({ quotaGiB: 39 }, "has 40 GiB of data: with a quota of 39 GiB its clients could write nothing");
  await refused({ deviceClass: null }, 'the data of pool "fast" needs 120 GiB there');
  poolOf(cluster).degradedObjects = 0;
  poolOf(cluster).flags = ["hashpspool", "nosizechange"];
  await refused({ copies: 2, minCopies: 1 }, "has the flag `nosizechange`");
  expect(cluster.changes).toEqual([]);
  poolOf(cluster).flags = [];
  expect(await updatePool(cluster, wanted({ copies: 2, minCopies: 1 }), known)).toMatchObject({ poolId: 1 });
});

test("a pool is removed without images alone, and never another one that has its name or its mark", async () => {
  const cluster = memoryPools();
  const known = await createPool(cluster, wanted(), false);
  cluster.images.set("fast", ["data"]);
  await expect(removePool(cluster, known)).rejects.toThrow("it has image data");
  expect(await removalProblems(cluster, poolOf(cluster))).toMatchObject([{ code: "pool-unsafe" }]);
  cluster.images.clear();
  poolOf(cluster).flags = ["nodelete"];
  await expect(removePool(cluster, known)).rejects.toThrow("nodelete");
  Object.assign(poolOf(cluster), { flags: [], applications: ["rbd", "cephfs"], objects: 7 });
  await expect(removePool(cluster, known)).rejects.toThrow("it has 7 objects");
  Object.assign(poolOf(cluster), { applications: ["rbd"], mark: "shop-prod-pool-fast-zzzzzzzzz" });
  for (const act of [removePool, readPool])
    await expect(act(cluster, known)).rejects.toMatchObject({ code: "other-pool" });
  poolOf(cluster).mark = known.mark;
  cluster.fsid = "two";
  for (const act of [removePool, readPool])
    await expect(act(cluster, known)).rejects.toMatchObject({ code: "other-cluster" });
  cluster.fsid = "one";
  poolOf(cluster).id = 99;
  expect(await readPool(cluster, known)).toBeUndefined();
  await removePool(cluster, known);
  expect(cluster.pools.size).toBe(1);
  await expect(updatePool(cluster, wanted(), known)).rejects.toMatchObject({ code: "gone" });
});

test("the provider reads drift back, asks nothing about what is unchanged, and keeps the mark that it decided once", async () => {
  const cluster = memoryPools();
  let reads = 0;
  const counting = { ...cluster, read: () => (reads++, cluster.read()) };
  const provider = poolProvider(() => counting);
  const { outs } = await provider.create({ ...wanted(), isImported: false });
  // What the SDK makes of it for the engine, which fails where something is undefined.
  const expectSendable = (...sent: unknown[]) => {
    for (const each of sent) expect(each).toStrictEqual(JSON.parse(JSON.stringify(each)));
  };
  expectSendable(outs);
  reads = 0;
  const inputs = wanted();
  expect(await provider.check(inputs, { ...inputs, mark: "another" })).toEqual({ inputs, failures: [] });
  expect([reads, await provider.diff("fast", outs!, inputs)]).toEqual([0, expect.objectContaining({ changes: false })]);
  const unsafe = await provider.check(inputs, wanted({ deviceClass: "nvme" }));
  expect(unsafe.failures).toMatchObject([{ reason: expect.stringContaining("no OSD has device class nvme") }]);

  Object.assign(poolOf(cluster), { copies: 2, quotaBytes: GIB });
  const read = await provider.read("fast", outs!);
  expect(read.inputs).toMatchObject({ settings: { copies: 2, quotaGiB: 1 } });
  expect(await provider.diff("fast", read.props!, inputs)).toMatchObject({ changes: true });
  const updated = await provider.update("fast", read.props!, inputs);
  expectSendable(read.props, read.inputs, updated.outs);
  expect(poolOf(cluster)).toMatchObject({ copies: 3, minCopies: 2, quotaBytes: 0 });
  // Two resources of one pool: the second is refused, and after a renaming the pool stays with the new one.
  const twice = poolProvider(() => counting);
  await twice.diff("fast", outs!, { ...inputs, declaredAs: "a" });
  await expect(twice.create({ ...inputs, declaredAs: "b" })).rejects.toThrow('declared twice: "b" and "a"');
  const renamed = poolProvider(() => counting);
  await renamed.create({ ...inputs, declaredAs: "b" });
  await renamed.delete("fast", { ...outs!, declaredAs: "a" });
  expect(cluster.pools.size).toBe(1);
  await poolProvider(() => counting).delete("fast", outs!);
  expect(await provider.read("fast", outs!)).toEqual({});
  await expect(provider.read("fast", {} as never)).rejects.toThrow('Add "fast" to `import` of CephPools');
});
