// Pools that profiles define, on a real Ceph cluster: what they consist of, what an edit makes of them and of their data, what is refused, and
// what becomes of data and volumes while an OSD is dead.

import { commandPools } from "../../components/backends/ceph/pool-commands";
import { createPool, poolProblems, removePool, type PoolCluster } from "../../components/backends/ceph/pools";
import { createVolume, readVolume, removeVolume, volumeProblems } from "../../components/backends/ceph/lifecycle";
import type { PoolSettings } from "../../src/backends/ceph/pools";
import { until } from "../../tools/test/time.js";
import {
  cephReason,
  CephProject,
  clusterOf,
  connectionOf,
  fillImage,
  imageChecksum,
  Killed,
  settingsOf,
  startCeph,
  wantedOf,
  type Ceph,
} from "../support/ceph";
import { describeIf } from "../support/machine";

const settings = (over: Partial<PoolSettings> = {}): PoolSettings => ({
  ...{ copies: 2, minCopies: 1, failureDomain: "osd", deviceClass: "hdd", compression: null, quotaGiB: 0 },
  ...over,
});
const wanted = (name: string, over?: Partial<PoolSettings>) => ({
  name,
  mark: `shop-dev-pool-${name}-0123abcde`,
  settings: settings(over),
});

const reason = cephReason();
describeIf(reason === undefined, "pools on a Ceph cluster", reason, () => {
  let ceph: Ceph;
  let cluster: PoolCluster;
  const project = new CephProject("pools", () => ceph);
  beforeAll(async () => {
    ceph = await startCeph({ log: () => undefined });
    cluster = commandPools(connectionOf(ceph));
  });
  afterAll(async () => {
    await project.dispose();
    await (ceph as Ceph | undefined)?.stop();
  });

  const poolNamed = async (name: string) => (await cluster.read()).pools.find((each) => each.name === name);
  // Ceph's manager makes one of its own, sooner or later.
  const names = async () =>
    (await cluster.read()).pools.map(({ name }) => name).filter((name) => name !== "device_health_metrics");
  const rules = async () => (await cluster.read()).rules.map(({ name }) => name).sort();

  test("profiles make pools with rules, compression and quota, change them in place with their data, and lose none", async () => {
    const before = { names: await names(), rules: await rules() };
    const compression = { mode: "force", algorithm: "zstd", requiredRatio: 0.75 };
    const made = { pool: "made", copies: 3, deviceClass: "ssd" };
    const bulk = { ceph: { pool: "slow", copies: 2, deviceClass: "hdd", specs: { failureDomain: "osd" } } };
    const configure = (specs: object | null, more: object = {}) =>
      project.connect({ profiles: { made: { ceph: { ...made, specs, ...more } }, bulk } });
    const declare = (args = '{ import: ["slow"] }') =>
      project.program(`exports.pools = new (require("storage-profiles").CephPools)("pools", ${args}).pools;`);
    await configure({ failureDomain: "osd", compression, quotaGiB: 4 });
    declare("{}");
    await project.refused('pool "slow" already exists, and this stack didn\'t create it', 'add "slow" to `import`');
    declare();
    await project.up();
    const first = await poolNamed("made");
    expect(first).toMatchObject({
      ...{ applications: ["rbd"], copies: 3, minCopies: 2, quotaBytes: 4 * 1024 ** 3, compression },
      rule: { failureDomain: "osd", deviceClass: "ssd" },
    });
    const { pools } = await project.outputs();
    expect(pools).toMatchObject({ made: { name: "made", profiles: ["made"], settings: { copies: 3, compression } } });
    expect((await poolNamed("slow"))?.mark).toMatch(/^pools-dev-/);
    ceph.calls();
    expect(await project.steps()).toEqual([]);
    expect(ceph.calls()).toEqual([]);

    await ceph.must("rbd", "create", "made/data", "--size", "64M");
    const data = await fillImage(ceph, "made/data");
    await ceph.must("ceph", "osd", "pool", "set", "made", "compression_algorithm", "lz4");
    await project.refresh();
    expect((await project.state())["CephPool pools-made"]?.outputs["settings"]).toMatchObject({
      compression: { algorithm: "lz4" },
    });
    await configure({ failureDomain: "osd" }, { copies: 2, deviceClass: "hdd" });
    expect((await project.upSteps()).steps).toEqual(
      expect.arrayContaining([{ op: "update", what: "CephPool pools-made" }]),
    );
    const changed = await poolNamed("made");
    expect(changed).toMatchObject({
      ...{ id: first?.id, copies: 2, minCopies: 1, quotaBytes: 0 },
      compression: { mode: null, algorithm: null, requiredRatio: null },
      rule: { failureDomain: "osd", deviceClass: "hdd" },
    });
    expect(await imageChecksum(ceph, "made/data")).toBe(data);
    // Of the rules of ours there is one: the one in use.
    expect(await rules()).toEqual([...before.rules, changed?.rule.name].sort());

    const onHosts = wanted("new", { copies: 3, failureDomain: "host", deviceClass: "ssd" });
    expect(poolProblems(await cluster.read(), onHosts).map(({ message }) => message)).toEqual([
      expect.stringContaining("3 copies need as many hosts, and 1 host with OSDs of class ssd can be used"),
    ]);
    await configure(null);
    await project.refused('pool "made" isn\'t empty, and is not removed: it has image data');
    await ceph.must("rbd", "rm", "--no-progress", "made/data");
    await project.up();
    expect(await names()).toEqual(before.names);
    expect(await rules()).toEqual(before.rules);
    await project.destroy();
    expect(await names()).toEqual(before.names.filter((name) => name !== "slow"));
  });

  test("a run that is killed between two steps is finished by the next, on one pool", async () => {
    let done = 0;
    const killed: PoolCluster = {
      ...cluster,
      async carryOut(pool, step) {
        await cluster.carryOut(pool, step);
        // The rule and the pool are there, and its mark isn't. In memory it is killed at every step (test/components/backends/ceph).
        if (++done >= 2) throw new Killed();
      },
    };
    const to = wanted("half", { minCopies: 2, quotaGiB: 1 });
    await expect(createPool(killed, to, false)).rejects.toThrow(Killed);
    const known = await createPool(cluster, to, false);
    expect(known).toMatchObject(to);
    await removePool(cluster, known);
    expect(await poolNamed("half")).toBeUndefined();
  });

  test("an OSD that dies under writes loses no data, and leaves volumes as they are; meanwhile no pool gets fewer copies", async () => {
    const volumes = clusterOf(ceph);
    // Few writes are enough: others use the machine, too.
    const fast = settingsOf({ pool: "fast", copies: 3, iops: { write: 20 } });
    const [{ found: _, ...volume }, { found: __, ...busy }] = [
      await createVolume(volumes, wantedOf(fast), true),
      await createVolume(volumes, wantedOf(fast), true),
    ];
    const before = await fillImage(ceph, `fast/${volume.name}`);
    const args = ["--io-type", "write", "--io-size", "4096", "--io-pattern", "rand", "--io-total", "100G"];
    const writing = ceph.open(["bench", ...args, `fast/${busy.name}`]);
    const isOpen = async () => (await volumes.status("fast", busy.name)).clients.length > 0;
    await until("the image is open", isOpen);
    await ceph.switchOsd(0, false);
    expect(await imageChecksum(ceph, `fast/${volume.name}`)).toBe(before);
    const during = await fillImage(ceph, `fast/${volume.name}`);
    expect(await readVolume(clusterOf(ceph), volume)).toEqual(volume);
    // A new volume would have a copy less than its profile asks for.
    expect(await volumeProblems(clusterOf(ceph), { sizeGiB: 1, settings: fast })).toMatchObject([
      { message: expect.stringContaining("3 copies need as many osds, and 2 osds can be used") },
    ]);
    const degraded = async () => ((await poolNamed("fast"))?.degradedObjects ?? 0) > 0;
    await until("the cluster reports that copies are missing", degraded, { seconds: 60 });
    const fewer = { name: "fast", mark: undefined, settings: settings({ deviceClass: "ssd" }) };
    expect(poolProblems(await cluster.read(), fewer, { isKnown: true })).toMatchObject([
      { code: "pool-unsafe", message: expect.stringMatching(/degraded objects?: with 2 instead of 3 copies/) },
    ]);
    await writing.end("SIGKILL");

    await ceph.switchOsd(0, true);
    await until("the cluster has recovered", async () => !(await degraded()), { seconds: 240 });
    expect(poolProblems(await cluster.read(), fewer, { isKnown: true })).toEqual([]);
    expect(await imageChecksum(ceph, `fast/${volume.name}`)).toBe(during);
    await until("the image is closed", async () => !(await isOpen()), { seconds: 60 });
    for (const each of [volume, busy]) await removeVolume(volumes, each);
  });
});
