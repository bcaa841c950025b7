// Volumes on an emulated ContainerIO cluster, through the real engine: what a user sees, and what is on the cluster then.

import { startCioCluster, type CioClusterHandle, type CioClusterOptions } from "../../emulators";
import { until } from "../../tools/test/time.js";
import { CioProject, onCluster } from "../support/cio";
import { diagnostics, succeeded } from "../support/engine";

let cluster: CioClusterHandle;
const project = new CioProject("cluster", () => cluster);
afterEach(() => cluster.close());
afterAll(() => project.dispose());

/** A stack with nothing in it, on a cluster of its own. */
const begin = async (options: CioClusterOptions = { version: 2015 }) => {
  cluster = await startCioCluster(options);
  await project.init();
  project.reset();
  await project.connect();
};
const declare = (profile: string, sizeGiB = 100, more = "") =>
  project.program(`
    const data = new ProfiledVolume("data@${profile}", { sizeGiB: ${sizeGiB}, ${more} });
    exports.device = data.resource?.devicePath;
    exports.id = data.volumeId;
    for (const key of ["name", "uuid", "devicePath"])
      data.resource?.[key].apply(() => pulumi.log.info("a known " + key));
  `);
const refused = async (messages: string[], command: string[] = ["preview"]) => {
  const before = JSON.stringify(cluster.volumes);
  const ran = await project.run(command);
  for (const message of messages) expect([ran.code === 0, ran.text]).toEqual([false, expect.stringContaining(message)]);
  expect(diagnostics(ran)).not.toMatch(/\n +at /);
  expect(JSON.stringify(cluster.volumes)).toBe(before);
};
const sent = () =>
  cluster.calls.map(({ what }) => what.replace(/-[0-9a-z]{9}\b/, "")).filter((what) => !what.startsWith("GET"));

test("the founding gold becomes silver and gold again on one volume, grows, shows drift, and is deleted", async () => {
  await begin();
  declare("gold");
  await project.up();
  expect(onCluster(cluster)).toEqual(["cluster-dev-data: 100 GB, 5 copies, local, 100-1000 IOPS"]);
  const { uuid, vdisk, name } = cluster.volumes[0]!;
  expect(await project.outputs()).toMatchObject({ device: `/dev/vdisk/vd${vdisk}`, id: name });
  cluster.clearCalls();
  expect(await project.steps()).toEqual([]);
  expect(cluster.calls).toEqual([]);

  declare("silver");
  const preview = succeeded(await project.run(["preview"]));
  for (const key of ["name", "uuid", "devicePath"]) expect(preview).toContain(`a known ${key}`);
  expect(await project.up()).toContain("iopsMax: 1,000 IOPS → 500 IOPS, in place");
  expect(onCluster(cluster)).toEqual(["cluster-dev-data: 100 GB, 5 copies, local, 50-500 IOPS"]);
  expect(sent()).toEqual(["POST /volumes/cluster-dev-data"]);
  declare("gold", 120);
  expect((await project.upSteps()).steps).toEqual([
    { op: "update", what: "CioVolume data" },
    { op: "update", what: "ProfiledVolume data" },
  ]);
  expect(onCluster(cluster)).toEqual(["cluster-dev-data: 120 GB, 5 copies, local, 100-1000 IOPS"]);
  expect(cluster.volumes[0]).toMatchObject({ uuid, vdisk });

  // Refused before the cluster is asked anything.
  await project.connect({ profiles: { safe: { extends: "gold", cio: { level: 3 } } } });
  declare("safe", 64);
  cluster.clearCalls();
  await refused(["[change-shrinks]", '"level" can\'t be changed from 5 copies to 3 copies', "copy the data"]);
  expect(cluster.calls).toEqual([]);

  declare("gold", 120);
  cluster.cio("volume", "update", name, "--iopsmax", "2000");
  await project.refresh();
  expect((await project.state())["CioVolume data"]?.outputs["settings"]).toMatchObject({ iopsMin: 100, iopsMax: 2000 });
  expect((await project.upSteps()).steps).toEqual([{ op: "update", what: "CioVolume data" }]);
  expect(onCluster(cluster)).toEqual(["cluster-dev-data: 120 GB, 5 copies, local, 100-1000 IOPS"]);

  await project.connect({ deletionProtection: true });
  await project.up();
  await refused(["protect"], ["destroy", "--yes", "--skip-preview"]);
  await project.connect();
  await project.up();
  await project.destroy();
  expect(cluster.volumes).toEqual([]);
});

test("a volume moves, is taken over with its data, and is found gone", async () => {
  await begin({ version: 2 });
  cluster.cio("volume", "create", "theirs", "-c", "16", "-n", "v1");
  await project.connect({ cio: { version: 2 }, profiles: { near: { extends: "silver", cio: { node: "v2" } } } });
  declare("near", 16, 'physicalName: "theirs"');
  await refused(['"theirs" is already in use', 'set `import: "theirs"`']);
  declare("near", 8, 'import: "theirs"');
  await refused(["the volume can't shrink from 16 GiB to 8 GiB"]);
  declare("near", 20, 'import: "theirs"');
  const preview = succeeded(await project.run(["preview"]));
  expect(preview).toContain("imports theirs: sizeGiB: 16 GiB → 20 GiB, in place");
  expect(preview).toContain("compression, dedupe, highAvailability, replication of theirs not checked in advance");
  await project.up();
  expect(cluster.volumes).toMatchObject([{ name: "theirs", capacity: 20, node: "v2", iopsMin: 50, vdisk: 1 }]);

  await project.connect({ cio: { version: 2 }, profiles: { near: { extends: "silver", cio: { node: "v3" } } } });
  cluster.volumes[0]!.open = true;
  const { code, text } = await project.run(["up", "--yes", "--skip-preview"]);
  expect([code === 0, text]).toEqual([false, expect.stringContaining('the cluster says "Move vd1: vdisk is opened"')]);
  cluster.volumes[0]!.open = false;
  await project.up();
  expect(cluster.volumes).toMatchObject([{ name: "theirs", node: "v3" }]);

  cluster.cio("volume", "rm", "-y", "theirs");
  await project.refresh();
  expect((await project.state())["CioVolume data"]).toBeUndefined();
});

test("what is wrong is told at preview: the release, gold's level on it, the connection, a node that isn't there", async () => {
  await begin({ version: 2 });
  await project.connect({ cio: {} }, { endpiont: "x" });
  declare("default");
  await refused([
    '"version" is missing: which settings are possible depends on the cluster\'s release',
    'unknown key "endpiont"',
  ]);
  await project.connect({ cio: { version: 2 } });
  declare("gold");
  await refused(["[not-in-release]", "a volume has 2 or 3 copies there, and not 5", "set `level` to 2 or 3"]);
  await project.connect({ cio: { version: 2 } }, { endpoint: null });
  declare("silver");
  await refused(["cio:endpoint is missing"]);
  await project.connect(
    { cio: { version: 2 }, profiles: { p: { cio: { node: "v9", local: true } } } },
    { cliPath: null },
  );
  declare("p");
  await refused(['unknown node "v9" in the cluster', "its REST API can't set local"]);
  expect(cluster.volumes).toEqual([]);
});

test("answers that are lost, and an engine that is killed while a volume is made, leave one volume each", async () => {
  await begin();
  await project.connect({}, { timeoutSeconds: "5" });
  declare("gold");
  cluster.fault({ match: /^cio volume create/, do: "cut-after-commit" });
  await project.up();
  declare("silver");
  cluster.fault({ match: /^POST/, do: "cut-after-commit" });
  await project.up();
  expect(onCluster(cluster)).toEqual(["cluster-dev-data: 100 GB, 5 copies, local, 50-500 IOPS"]);

  project.program('for (const name of ["a", "b", "c"]) new ProfiledVolume(name + "@gold", { sizeGiB: 8 });');
  const running = await project.begin(["up", "--yes", "--skip-preview"]);
  await until("a volume is made", () => Promise.resolve(cluster.volumes.length > 1 || !running.isRunning()));
  await running.kill();
  await project.run(["cancel", "--yes"]);
  await project.up();
  const gold = "8 GB, 5 copies, local, 100-1000 IOPS";
  expect(onCluster(cluster)).toEqual(["a", "b", "c"].map((name) => `cluster-dev-${name}: ${gold}`));
  expect(await project.steps()).toEqual([]);
});
