// The life of a volume on a ContainerIO cluster, one call after the other: what is sent, what is taken up, what is refused.

import { CioCluster } from "../../../../components/backends/cio/cluster";
import { readConnection } from "../../../../components/backends/cio/connection";
import { CioError } from "../../../../components/backends/cio/errors";
import {
  createVolume,
  importProblems,
  importVolume,
  nameProblems,
  readVolume,
  removeVolume,
  updateVolume,
  volumeProblems,
} from "../../../../components/backends/cio/lifecycle";
import { startCioCluster, type CioClusterHandle, type CioClusterOptions, type CioFault } from "../../../../emulators";
import { makeCatalog, resolve, type ProfileDefinition } from "../../../../src";
import type { CioSettings } from "../../../../src/backends/cio";

type Section = NonNullable<ProfileDefinition["cio"]>;

let emulated: CioClusterHandle;
let cluster: CioCluster;
let byCommand: CioCluster;
const begin = async (options: CioClusterOptions = {}) => {
  emulated = await startCioCluster(options);
  const connection = { endpoint: emulated.url, insecure: false, timeoutMs: 60_000 };
  cluster = new CioCluster(connection);
  byCommand = new CioCluster({ ...connection, cliPath: emulated.cliPath });
};
beforeEach(() => begin());
afterEach(async () => {
  await cluster.close();
  await byCommand.close();
  await emulated.close();
});

const settingsOf = (section: Section, version: 2015 | 2 = 2): CioSettings => {
  const catalog = makeCatalog({ profiles: { p: { cio: section } } });
  const { volume, problems } = resolve(catalog, { name: "v@p", sizeGiB: 1, backend: "cio", placement: { version } });
  if (!volume) throw new Error(JSON.stringify(problems));
  return volume.settings as CioSettings;
};
const rich = {
  iops: { min: 100, max: 1000 },
  level: 3,
  node: "v4",
  provision: "thick",
  filesystem: "btrfs",
  directory: "/srv/cio",
  labels: { team: "a b", odd: "$x;`id`" },
  services: {
    compression: "zstd",
    encryption: true,
    snapshot: { intervalMinutes: 30, max: 4 },
    autoExpand: { thresholdPercent: 70, incrementPercent: 20, limit: 2 },
  },
} satisfies Section;
const made = () => emulated.volumes.map(({ name }) => name);
const sent = () => emulated.calls.map(({ what }) => what).filter((what) => !what.startsWith("GET"));

test.each([
  ["over REST", () => cluster],
  ["by the command", () => byCommand],
])("%s a volume is made with every setting, and read back the same", async (_how, by) => {
  const settings = settingsOf(rich);
  const wanted = { name: "v", sizeGiB: 7, settings };
  const { found, ...volume } = await createVolume(by(), wanted, true);
  expect([found, volume]).toEqual([false, { ...wanted, uuid: emulated.volumes[0]?.uuid, vdisk: 1, unread: [] }]);
  expect(emulated.volumes[0]).toMatchObject({
    ...{ name: "v", capacity: 7, level: 3, node: "v4", provision: "thick", type: "ssd", filesystem: "btrfs" },
    ...{
      directory: "/srv/cio",
      labels: rich.labels,
      compression: "zstd",
      encryption: true,
      iopsMin: 100,
      iopsMax: 1000,
    },
    ...{ snapshot: true, snapInterval: 30, snapshotMax: 4 },
    autoexpand: { enabled: true, threshold: 70, increment: 20, limit: 2 },
  });
  expect(sent()).toHaveLength(1);
  expect(await readVolume(by(), volume)).toEqual(volume);
  emulated.clearCalls();
  await updateVolume(by(), volume);
  expect(sent()).toEqual([]);
});

test("what changes over REST is one call with what changes, and what only the command changes is one of its", async () => {
  const before = await createVolume(
    byCommand,
    { name: "v", sizeGiB: 7, settings: settingsOf({ iops: { min: 50 }, labels: { a: "1" } }) },
    true,
  );
  emulated.clearCalls();
  const settings = settingsOf({
    iops: { max: 300 },
    labels: { a: "1", b: "2" },
    directory: "/srv",
    services: { autoExpand: { limit: 9 } },
  });
  const after = await updateVolume(byCommand, { ...before, sizeGiB: 9, settings });
  expect(after).toMatchObject({ sizeGiB: 9, settings });
  expect(emulated.calls.filter(({ body }) => body !== undefined)).toEqual([
    {
      what: "POST /volumes/v",
      body: { name: "v", opts: { capacity: "9", iopsmin: "10", iopsmax: "300" }, labels: { b: "2" } },
    },
  ]);
  expect(sent()[1]).toBe(
    "cio volume update v --directory /srv --autoexpand yes --threshold 80 --increment 25 --limit 9",
  );
  expect(emulated.volumes[0]).toMatchObject({ iopsMin: 10, iopsMax: 300, directory: "/srv" });
});

test("a volume moves to another node by its own call, and stays where it is while it is open", async () => {
  const before = await createVolume(cluster, { name: "v", sizeGiB: 7, settings: settingsOf({ node: "v1" }) }, true);
  const settings = settingsOf({ node: "v2" });
  emulated.volumes[0]!.open = true;
  const moving = updateVolume(cluster, { ...before, settings });
  await expect(moving).rejects.toThrow(/the cluster says "Move vd1: vdisk is opened". Stop what uses the volume/);
  expect(emulated.volumes[0]?.node).toBe("v1");
  emulated.volumes[0]!.open = false;
  await updateVolume(cluster, { ...before, settings });
  expect(emulated.volumes[0]?.node).toBe("v2");
  expect(await volumeProblems(cluster, { settings: settingsOf({ node: "v7" }) }, settings)).toMatchObject([
    { code: "place-unknown", given: "v7" },
  ]);
});

test("without the command, what only it sets is refused before anything is done, with the way", async () => {
  const local = settingsOf({ local: true });
  expect(await volumeProblems(cluster, { settings: local })).toMatchObject([
    { code: "place-cannot", path: "settings.local" },
  ]);
  await expect(createVolume(cluster, { name: "v", sizeGiB: 1, settings: local }, true)).rejects.toThrow("cio:cliPath");
  expect(await volumeProblems(byCommand, { settings: local })).toEqual([]);
  const problems = await volumeProblems(cluster, { settings: settingsOf({ directory: "/srv" }) }, settingsOf({}));
  expect(problems.map(({ path }) => path)).toEqual(["settings.directory"]);
  expect(made()).toEqual([]);
});

test("services that no transport sets are refused, whatever the limits say, and too few nodes for the copies", async () => {
  const settings = settingsOf({ level: 2, local: false, services: { dedupe: true, replication: true } }, 2015);
  expect((await volumeProblems(cluster, { settings })).map(({ path }) => path)).toEqual([
    "settings.dedupe",
    "settings.replication",
  ]);
  await emulated.close();
  await begin({ nodes: 3 });
  const [problem] = await volumeProblems(cluster, { settings: settingsOf({ level: 3 }) });
  expect([problem?.message, problem?.fix]).toEqual([
    expect.stringContaining("level 3 needs 4 nodes"),
    expect.stringContaining("set `level` to 2"),
  ]);
});

test("the command's `Fail:` is a refusal, though it exits with 0, and `local` reaches the cluster", async () => {
  const local = { name: "v", sizeGiB: 8, settings: settingsOf({ local: true }) };
  emulated.fault({ match: /^cio volume create/, do: { text: "Fail: Create vd9: Running out of system memory" } });
  await expect(createVolume(byCommand, local, true)).rejects.toThrow(
    'the cluster says "Create vd9: Running out of system memory". Free memory',
  );
  await createVolume(byCommand, local, true);
  expect(emulated.volumes).toMatchObject([{ name: "v", local: true }]);
});

describe("a volume that has the name already", () => {
  const settings = settingsOf({ iops: { max: 100 } });
  test("is taken up and finished where only this stack can have made it", async () => {
    emulated.cio("volume", "create", "v", "-c", "5");
    expect(await createVolume(cluster, { name: "v", sizeGiB: 8, settings }, true)).toMatchObject({
      found: true,
      sizeGiB: 8,
      settings,
    });
    expect(made()).toEqual(["v"]);
  });

  test.each([
    [["-c", "9"], "it has more than 8 GiB"],
    [["-l", "3"], "its level is 3"],
    [["-t", "hdd"], 'its type is "hdd"'],
  ])("is left alone where it is %j", async (flags, because) => {
    emulated.cio("volume", "create", "v", "-c", "8", ...flags);
    await expect(createVolume(cluster, { name: "v", sizeGiB: 8, settings }, true)).rejects.toThrow(because);
  });

  test("is another's where the name was chosen", async () => {
    emulated.cio("volume", "create", "v", "-c", "8");
    expect(await nameProblems(cluster, "v")).toMatchObject([
      { code: "physical-name-taken", fix: expect.stringContaining('import: "v"') },
    ]);
    await expect(createVolume(cluster, { name: "v", sizeGiB: 8, settings }, false)).rejects.toMatchObject({
      code: "name-taken",
    });
  });
});

test.each([
  [
    "is refused since the name is in use",
    new CioError("refused", "no", { said: "volume v already exists" }),
    "refused",
  ],
  ["gets no answer", new CioError("interrupted", "no answer", { unsettled: true }), "name-taken"],
])("a volume of another that is made under a chosen name while the creation %s stays", async (_, error, code) => {
  jest.spyOn(cluster, "create").mockImplementationOnce(() => {
    emulated.cio("volume", "create", "v", "-c", "8", "-t", "hdd");
    return Promise.reject(error);
  });
  const creation = createVolume(cluster, { name: "v", sizeGiB: 8, settings: settingsOf({}) }, false);
  await expect(creation).rejects.toMatchObject({ code });
  expect(emulated.volumes).toMatchObject([{ name: "v", type: "hdd" }]);
});

describe("an answer that is lost", () => {
  const cut = (match: RegExp, effect: CioFault["do"], times = 1) => emulated.fault({ match, do: effect, times });
  const settings = settingsOf({ iops: { max: 100 } });
  test.each<[string, () => CioCluster, RegExp, CioFault["do"]]>([
    ["before a creation over REST", () => cluster, /^POST \/volumes$/, "cut"],
    ["after a creation over REST", () => cluster, /^POST \/volumes$/, "cut-after-commit"],
    ["before a creation by the command", () => byCommand, /^cio volume create/, "cut"],
    ["after a creation by the command", () => byCommand, /^cio volume create/, "cut-after-commit"],
    ["while the daemon is away", () => byCommand, /^cio volume create/, { text: "cli_client ERROR: cio daemon" }],
    ["when the volume is read again", () => cluster, /^GET \/volumes\/v/, "cut"],
  ])("%s leaves one volume", async (_when, by, match, effect) => {
    cut(match, effect);
    for (const ownName of [true, false]) {
      expect(await createVolume(by(), { name: ownName ? "v" : "w", sizeGiB: 8, settings }, ownName)).toMatchObject({
        found: false,
        settings,
      });
    }
    expect(made()).toEqual(["v", "w"]);
  });

  test.each<CioFault["do"]>(["cut", "cut-after-commit"])(
    "of a change and a removal (%s) is found out",
    async (effect) => {
      const volume = await createVolume(cluster, { name: "v", sizeGiB: 8, settings }, true);
      cut(/^POST \/volumes\/v/, effect);
      await updateVolume(cluster, { ...volume, sizeGiB: 9, settings: settingsOf({}) });
      expect(emulated.volumes[0]).toMatchObject({ capacity: 9, iopsMax: 10_000_000 });
      cut(/^DELETE/, effect);
      await removeVolume(cluster, volume);
      expect(made()).toEqual([]);
      await removeVolume(cluster, volume);
    },
  );

  test("for good is an error that names the change, and the next run finishes it", async () => {
    cut(/^POST \/volumes$/, "cut", 2);
    await expect(createVolume(cluster, { name: "v", sizeGiB: 8, settings }, true)).rejects.toMatchObject({
      code: "interrupted",
    });
    expect(await createVolume(cluster, { name: "v", sizeGiB: 8, settings }, true)).toMatchObject({ found: false });
  });
});

test("what the cluster says and does are two things: an answer that isn't carried out is an error", async () => {
  const volume = await createVolume(cluster, { name: "v", sizeGiB: 8, settings: settingsOf({}) }, true);
  emulated.fault({ match: /^POST \/volumes\/v/, do: { text: "Succeed: Update vd1", status: 200 }, times: 1 });
  const changed = updateVolume(cluster, { ...volume, settings: settingsOf({ iops: { max: 100 } }) });
  await expect(changed).rejects.toThrow("took the change of volume v, and didn't carry out iopsMax");
  emulated.fault({ match: /^POST \/volumes\/v/, do: { text: "Fail: Update vd1: no", status: 200 }, times: 1 });
  await expect(updateVolume(cluster, { ...volume, sizeGiB: 9 })).rejects.toThrow('the cluster says "Update vd1: no"');
});

test("a volume that is made otherwise than asked is removed again, and the error says how", async () => {
  const post = jest.spyOn(cluster, "create").mockImplementation((name) => {
    emulated.cio("volume", "create", name, "-l", "2");
    return Promise.resolve();
  });
  const creation = createVolume(cluster, { name: "v", sizeGiB: 20, settings: settingsOf({ level: 3 }) }, true);
  await expect(creation).rejects.toThrow("made volume v with level 2 in place of 3; it was removed again");
  expect(made()).toEqual([]);
  post.mockRestore();
});

describe("another volume under the name", () => {
  test("is neither changed nor removed, and the one of the state reads as gone", async () => {
    const volume = await createVolume(cluster, { name: "v", sizeGiB: 8, settings: settingsOf({}) }, true);
    emulated.cio("volume", "rm", "-y", "v");
    emulated.cio("volume", "create", "v", "-c", "8");
    expect(await readVolume(cluster, volume)).toBeUndefined();
    await expect(updateVolume(cluster, { ...volume, sizeGiB: 9 })).rejects.toMatchObject({ code: "other-volume" });
    await expect(removeVolume(cluster, volume)).rejects.toMatchObject({ code: "other-volume" });
    expect(emulated.volumes).toMatchObject([{ capacity: 8 }]);
  });
});

test("on another cluster at the same address a volume isn't gone: nothing forgets it, changes or removes it", async () => {
  const volume = await createVolume(cluster, { name: "v", sizeGiB: 8, settings: settingsOf({}) }, true);
  const known = { ...volume, clusterId: await cluster.id() };
  const other = await startCioCluster();
  const elsewhere = new CioCluster({ endpoint: other.url, insecure: false, timeoutMs: 60_000 });
  try {
    // Once without a volume of that name there, once with one.
    for (const there of ["nothing", "a namesake"]) {
      if (there === "a namesake") other.cio("volume", "create", "v", "-c", "8");
      for (const attempt of [readVolume, updateVolume, removeVolume]) {
        const refusal = attempt(elsewhere, known);
        await expect(refusal).rejects.toMatchObject({ code: "other-cluster" });
        await expect(refusal).rejects.toThrow(`volume v is on cluster ${known.clusterId}, and the config leads to`);
      }
    }
    expect(other.volumes).toHaveLength(1);
    // A state of an earlier version knows no cluster.
    expect(await readVolume(elsewhere, volume)).toBeUndefined();
    expect(await readVolume(cluster, known)).toMatchObject({ uuid: volume.uuid });
  } finally {
    await elsewhere.close();
    await other.close();
  }
});

test("a refresh shows what others changed, leaves labels of others theirs, and what a service that is off has", async () => {
  const { found: _found, ...volume } = await createVolume(
    cluster,
    { name: "v", sizeGiB: 8, settings: settingsOf({ labels: { a: "1" } }) },
    true,
  );
  emulated.cio("volume", "update", "v", "-c", "9", "--iopsmin", "40", "--label", "theirs=1", "--label", "a=2");
  emulated.cio("volume", "move", "v", "-n", emulated.volumes[0]?.node === "v1" ? "v2" : "v1");
  expect(await readVolume(cluster, volume)).toEqual({
    ...volume,
    sizeGiB: 9,
    settings: { ...volume.settings, iopsMin: 40, labels: { a: "2" } },
  });
});

describe("a volume that exists", () => {
  test("is taken over and made what is wanted; what can't be read of it is told", async () => {
    emulated.cio("volume", "create", "theirs", "-c", "8", "--compression", "yes");
    const settings = settingsOf({ iops: { max: 100 } });
    const taken = await importVolume(cluster, "theirs", { name: "theirs", sizeGiB: 9, settings });
    expect(taken).toMatchObject({
      name: "theirs",
      sizeGiB: 9,
      settings,
      unread: ["compression", "dedupe", "highAvailability", "replication"],
    });
    expect(emulated.volumes).toMatchObject([{ capacity: 9, iopsMax: 100, compression: "lzo" }]);
  });

  test.each<[string, string, { sizeGiB?: number; physicalName?: string; section?: Section }, string]>([
    ["isn't there", "nothing", {}, "import-not-possible"],
    ["would shrink", "theirs", { sizeGiB: 7 }, "change-shrinks"],
    ["has another level", "theirs", { section: { level: 3 } }, "change-not-possible"],
    ["is called otherwise", "theirs", { physicalName: "mine" }, "import-not-possible"],
  ])("is refused where it %s", async (_why, id, { sizeGiB = 8, physicalName, section = {} }, code) => {
    emulated.cio("volume", "create", "theirs", "-c", "8");
    const { problems } = await importProblems(cluster, id, {
      name: id,
      sizeGiB,
      settings: settingsOf(section),
      physicalName,
    });
    expect(problems.map((each) => each.code)).toEqual([code]);
  });
});

describe("the connection", () => {
  test.each<[Record<string, string>, string]>([
    [{}, "endpoint is missing"],
    [{ endpoint: "ftp://x" }, "endpoint is not a URL"],
    [{ endpoint: "http://u:p@x" }, "ContainerIO has no login"],
    [{ endpoint: "http://x/api" }, "without a path: use http://x"],
    [{ endpoint: "x", timeoutSeconds: "0" }, "timeoutSeconds must be"],
    [{ endpoint: "x", insecure: "yes" }, "insecure must be"],
    [{ endpoint: "x", caFile: "/nowhere" }, "caFile: "],
  ])("%j is refused", (values, why) => {
    const read = () => readConnection((key) => values[key.replace("cio:", "")], {});
    expect(read).toThrow(CioError);
    expect(read).toThrow(why);
  });

  test("is to port 8282 where none is said, and comes from the environment where the config is silent", () => {
    const read = (endpoint: string) =>
      readConnection((key) => (key === "cio:endpoint" ? endpoint : undefined), {}).endpoint;
    expect(["node1", "http://node1", "https://node1:80", "http://node1:80/", "node1:9000"].map(read)).toEqual([
      ...["http://node1:8282", "http://node1:8282", "https://node1:80", "http://node1", "http://node1:9000"],
    ]);
    expect(readConnection(() => undefined, { CIO_ENDPOINT: "n", CIO_CLI_PATH: "/usr/bin/cio" })).toMatchObject({
      cliPath: "/usr/bin/cio",
    });
  });

  test("that fails says so with the way", async () => {
    await emulated.close();
    await expect(cluster.volume("v")).rejects.toThrow(/can't be reached: .*Check cio:endpoint/);
    const nowhere = new CioCluster({
      endpoint: emulated.url,
      insecure: false,
      timeoutMs: 5_000,
      cliPath: "/nowhere/cio",
    });
    await expect(nowhere.create("v", 1, settingsOf({}))).rejects.toThrow(/\/nowhere\/cio can't be run/);
    await nowhere.close();
    await begin();
  });
});
