// Volumes on ScaleIO / PowerFlex, through the real engine: what a user sees, and what is on the array then.

import { startScaleioGateway, type ScaleioGateway } from "../../testing";
import { succeeded } from "../support/engine";
import { callsFor, logins, onArray, ScaleioProject } from "../support/scaleio";

jest.setTimeout(300_000);

describe.each(["2.0", "3.6", "4.5"])("on a gateway of version %s", (version) => {
  let gateway: ScaleioGateway;
  const project = new ScaleioProject(`life${version.replace(".", "")}`, () => gateway);
  const declare = (profile: string, sizeGiB = 100) =>
    project.program(`
      const data = new ProfiledVolume("data@${profile}", { sizeGiB: ${sizeGiB} });
      for (const sdc of ["node1", "192.0.2.12"]) new VolumeMapping("data-on-" + sdc, { volume: data, sdc });
      const log = new ProfiledVolume("log", { sizeGiB: 8 });
      exports.notes = data.notes;
      exports.volumeId = data.volumeId;
    `);
  beforeAll(async () => {
    gateway = await startScaleioGateway({ version });
    await project.connect();
  });
  afterAll(async () => {
    await project.dispose();
    await gateway.close();
  });

  test("gold becomes a thin volume with RAM cache, and its limits stand on each of its mappings", async () => {
    declare("gold");
    const text = succeeded(await project.run(["preview"]));
    expect(text).toContain("100 GiB is rounded up to 104 GiB: ScaleIO makes volumes in multiples of 8 GiB");
    expect(text).not.toContain("KB/s is rounded up");
    expect(onArray(gateway)).toEqual([]);
    gateway.clearCalls();
    await project.up();
    const limits = "10000 IOPS 977 MB/s";
    expect(onArray(gateway)).toMatchObject([
      {
        name: `life${version.replace(".", "")}-dev-data`,
        what: "104 GiB thin ramcache",
        mapped: [`node1 ${limits}`, `node2 ${limits}`],
      },
      { name: `life${version.replace(".", "")}-dev-log`, what: "8 GiB thin", mapped: [] },
    ]);
    expect(logins(gateway)).toBe(1);
    expect(callsFor(gateway).sort()).toEqual([
      "addMappedSdc",
      "addMappedSdc",
      "instances",
      "instances",
      "setMappedSdcLimits",
      "setMappedSdcLimits",
    ]);
  });

  test("an unchanged preview asks the gateway nothing", async () => {
    gateway.clearCalls();
    expect(await project.steps()).toEqual([]);
    expect(gateway.calls).toEqual([]);
  });

  test("gold -> silver -> gold are updates in place, and the limits on the array follow", async () => {
    const volumeId = (await project.outputs())["volumeId"] as string;
    for (const [profile, limits, what] of [
      ["silver", "3000 IOPS 250 MB/s", "104 GiB thin"],
      ["gold", "10000 IOPS 977 MB/s", "104 GiB thin ramcache"],
    ] as const) {
      declare(profile);
      expect(await project.steps()).toEqual([
        { op: "update", what: "ProfiledVolume data" },
        { op: "update", what: "ScaleioVolume data" },
        { op: "update", what: "VolumeMapping data-on-192.0.2.12" },
        { op: "update", what: "VolumeMapping data-on-node1" },
      ]);
      gateway.clearCalls();
      await project.up();
      expect(onArray(gateway)[0]).toMatchObject({ id: volumeId, what, mapped: [`node1 ${limits}`, `node2 ${limits}`] });
      expect(callsFor(gateway).sort()).toEqual([
        "read",
        "setMappedSdcLimits",
        "setMappedSdcLimits",
        "setVolumeUseRmcache",
      ]);
      expect(await project.steps()).toEqual([]);
    }
  });

  test("unlimited again is unlimited on the array, also where 2.x wants one limit at a time", async () => {
    declare("default");
    await project.up();
    expect(onArray(gateway)[0]?.mapped).toEqual(["node1 0 IOPS 0 MB/s", "node2 0 IOPS 0 MB/s"]);
    declare("gold");
    await project.up();
  });

  test("a limit, a mapping and a size changed behind our back show at refresh, and `up` puts right what can be", async () => {
    const volumeId = (await project.outputs())["volumeId"] as string;
    gateway.array.setLimits(volumeId, "node1", { iopsLimit: 500 });
    gateway.array.unmap(volumeId, "node2");
    succeeded(await project.run(["refresh", "--yes", "--skip-preview"]));
    expect(await project.steps()).toEqual([
      { op: "create", what: "VolumeMapping data-on-192.0.2.12" },
      { op: "update", what: "VolumeMapping data-on-node1" },
    ]);
    await project.up();
    expect(onArray(gateway)[0]?.mapped).toEqual(["node1 10000 IOPS 977 MB/s", "node2 10000 IOPS 977 MB/s"]);

    gateway.array.resizeVolume(volumeId, 112);
    succeeded(await project.run(["refresh", "--yes", "--skip-preview"]));
    const { code, text } = await project.run(["preview"]);
    expect([code === 0, text]).toEqual([
      false,
      expect.stringContaining("the volume has 112 GiB and would shrink to 104 GiB"),
    ]);
    declare("gold", 112);
    await project.up();
    expect(await project.steps()).toEqual([]);
  });

  test("grows in place by one call", async () => {
    declare("gold", 113);
    gateway.clearCalls();
    await project.up();
    expect(callsFor(gateway)).toEqual(["read", "setVolumeSize"]);
    expect(onArray(gateway)[0]?.what).toBe("120 GiB thin ramcache");
  });

  test("a volume that is gone is seen as gone, and the next `up` makes a new one", async () => {
    const before = (await project.outputs())["volumeId"] as string;
    gateway.array.unmap(before);
    gateway.array.removeVolume(before);
    succeeded(await project.run(["refresh", "--yes", "--skip-preview"]));
    const steps = await project.steps();
    expect(steps.filter(({ op }) => op === "create").map(({ what }) => what)).toEqual([
      "ScaleioVolume data",
      "VolumeMapping data-on-192.0.2.12",
      "VolumeMapping data-on-node1",
    ]);
    await project.up();
    expect(onArray(gateway).map(({ what, mapped }) => [what, mapped.length])).toEqual([
      ["120 GiB thin ramcache", 2],
      ["8 GiB thin", 0],
    ]);
    expect((await project.outputs())["volumeId"]).not.toBe(before);
  });

  test("a volume that others mapped as well isn't destroyed, and the error names the host; ours go first", async () => {
    const volumeId = (await project.outputs())["volumeId"] as string;
    gateway.array.map(volumeId, "node3");
    const { code, text } = await project.run(["destroy", "--yes", "--skip-preview"]);
    expect(code).not.toBe(0);
    expect(text).toContain(`volume ${volumeId} is not removed: it is mapped to SDC`);
    expect(text).toContain(version === "2.0" ? "192.0.2.13" : "node3");
    expect(text).not.toMatch(/\n +at /);
    expect(onArray(gateway).map(({ mapped }) => mapped.length)).toEqual([1]);
    gateway.array.unmap(volumeId);
    succeeded(await project.run(["destroy", "--yes", "--skip-preview"]));
    expect(onArray(gateway)).toEqual([]);
  });
});

describe("one array", () => {
  let gateway: ScaleioGateway;
  const project = new ScaleioProject("places", () => gateway);
  beforeAll(async () => {
    gateway = await startScaleioGateway();
    await project.connect();
  });
  afterAll(async () => {
    await project.dispose("dev", "prod");
    await gateway.close();
  });
  beforeEach(async () => {
    await project.connect();
  });
  // Also what an `up` that was refused has left: a component that has no volume.
  afterEach(async () => {
    succeeded(await project.run(["destroy", "--yes", "--skip-preview"]));
    for (const { id } of onArray(gateway)) gateway.array.removeVolume(id);
  });

  /** A command that must fail with these messages, without a stack, before anything is done on the array. */
  const refusedWith = async (messages: string[], commands = [["preview"]]) => {
    const before = onArray(gateway);
    for (const command of commands) {
      const { code, text } = await project.run(command);
      for (const message of messages) expect([code === 0, text]).toEqual([false, expect.stringContaining(message)]);
      expect(text).not.toMatch(/\n +at /);
    }
    expect(onArray(gateway)).toEqual(before);
  };
  const previewAndUp = [["preview"], ["up", "--yes", "--skip-preview"]];

  test("a shrink, another provisioning and another pool are refused at preview, with the way out", async () => {
    const declare = (sizeGiB: number) => project.program(`new ProfiledVolume("data@gold", { sizeGiB: ${sizeGiB} });`);
    declare(16);
    await project.up();
    const resources = async () => {
      const { "pulumi-nodejs default": _, ...state } = await project.state();
      return state;
    };
    const state = await resources();
    gateway.clearCalls();
    const refusals: [number, Record<string, unknown>, string][] = [
      [8, {}, "the volume has 16 GiB and would shrink to 8 GiB"],
      [16, { provisioning: "thick" }, '"provisioning" can\'t go from "thin" to "thick"'],
      [16, { storagePool: "unpadded" }, '"storagePool" can\'t go from "pool1" to "unpadded"'],
      [16, { protectionDomain: "domain2" }, '"protectionDomain" can\'t go from "domain1" to "domain2"'],
    ];
    for (const [size, scaleio, message] of refusals) {
      await project.connect({ profiles: { gold: { extends: "gold", scaleio } } });
      declare(size);
      await refusedWith([message, "fix:     "], size === 8 ? previewAndUp : undefined);
    }
    expect(gateway.calls).toEqual([]);
    expect(await resources()).toEqual(state);
    await project.connect();
    declare(16);
    expect(await project.steps()).toEqual([]);
  });

  test("what was refused at `up` is not held against the next one: no volume has it", async () => {
    await project.connect({ profiles: { odd: { scaleio: { storagePool: "fine", provisioning: "thick" } } } });
    project.program('new ProfiledVolume("data@odd", { sizeGiB: 64 });');
    await refusedWith(["a pool of fine granularity has thin volumes only"], previewAndUp);
    await project.connect({ profiles: { odd: { scaleio: { provisioning: "thick" } } } });
    project.program('new ProfiledVolume("data@odd", { sizeGiB: 8 });');
    await project.up();
    expect(onArray(gateway)).toMatchObject([{ what: "8 GiB thick" }]);
    // And what there is now counts again.
    await project.connect({ profiles: { odd: { scaleio: {} } } });
    await refusedWith(['"provisioning" can\'t go from "thick" to "thin"']);
  });

  test.each<[string, Record<string, unknown>, string, string[]]>([
    [
      "a pool that is misspelt",
      { storagePool: "poll1" },
      "8",
      [
        'there is no storage pool "poll1" in protection domain "domain1"',
        "allowed: fine, pool1, small, unpadded",
        'did you mean "pool1"?',
      ],
    ],
    [
      "a domain that is misspelt",
      { protectionDomain: "domain" },
      "8",
      ['there is no protection domain "domain"', "allowed: domain1, domain2"],
    ],
    [
      "RAM cache on fine granularity",
      { storagePool: "fine", ramCache: true },
      "8",
      ['storage pool "fine" can\'t do that: volumes of fine granularity have no RAM cache', "set ramCache: false"],
    ],
    [
      "thick on fine granularity",
      { storagePool: "fine", provisioning: "thick" },
      "8",
      ["a pool of fine granularity has thin volumes only"],
    ],
    [
      "compression on medium granularity",
      { compression: "normal" },
      "8",
      ["only volumes of fine granularity are compressed"],
    ],
    [
      "a thick volume without room",
      { storagePool: "small", provisioning: "thick" },
      "72",
      ['storage pool "small" has room for 64 GiB more; ', "wants 72 GiB"],
    ],
  ])("refuses %s at preview, with what there is", async (_name, scaleio, size, messages) => {
    await project.connect({ profiles: { odd: { scaleio } } });
    project.program(`for (let n = 0; n < 3; n++) new ProfiledVolume("v" + n + "@odd", { sizeGiB: ${size} });`);
    await refusedWith(messages);
  });

  test("sees at preview that the pool has no room for all volumes together", async () => {
    await project.connect({ profiles: { odd: { scaleio: { storagePool: "small", provisioning: "thick" } } } });
    project.program('for (let n = 0; n < 9; n++) new ProfiledVolume("v" + n + "@odd", { sizeGiB: 8 });');
    await refusedWith(['storage pool "small" has room for 0 GiB more', "other volumes of this run 64 GiB"]);
    // What just fits is made: also by an `up` that previews first, and counts twice.
    project.program('for (let n = 0; n < 8; n++) new ProfiledVolume("v" + n + "@odd", { sizeGiB: 8 });');
    succeeded(await project.run(["up", "--yes"]));
    expect(onArray(gateway)).toHaveLength(8);
  });

  test("refuses a host that the array doesn't know, and names those that it knows", async () => {
    project.program(`
      const data = new ProfiledVolume("data", { sizeGiB: 8 });
      new VolumeMapping("m", { volume: data, sdc: "nod1" });
    `);
    await refusedWith([
      'there is no SDC "nod1" on the array',
      "allowed: 192.0.2.14, node1, node2, node3",
      'did you mean "node1"?',
    ]);
  });

  test("tells all that is wrong with volumes and their names at once, before the gateway is asked", async () => {
    await project.connect({ scaleio: {}, profiles: { slow: { scaleio: { iopsLimit: 10 } } } }, { endpont: "x" });
    project.program(`
      new ProfiledVolume("one", { sizeGiB: 8, physicalName: "a".repeat(32) });
      new ProfiledVolume("two@slow", { sizeGiB: 8 });
    `);
    gateway.clearCalls();
    await refusedWith([
      "one: 4 problems",
      "a ScaleIO volume can't have a name of 32 characters",
      '"storagePool" is missing: a ScaleIO volume lives in a storage pool',
      '"protectionDomain" is missing',
      'unknown key "endpont"',
      "two: 1 problem",
      '"slow" wants a limit of 10 IOPS',
    ]);
    expect(gateway.calls).toEqual([]);
  });

  test("refuses what a mapping can't be, all of it at once", async () => {
    project.program(`
      const data = new ProfiledVolume("data@gold", { sizeGiB: 8 });
      new VolumeMapping("m", { volume: data, iopsLimit: 100, accessMode: "Read" });
    `);
    await refusedWith([
      "m: 3 problems",
      "\"iopsLimit\" can't be set: the limits are those of the volume's profile",
      '"sdc" is missing',
      '"Read" is not allowed',
    ]);
  });

  test("notes limits that are in force nowhere, and doesn't when there is a mapping", async () => {
    const note = "come into force when the volume is mapped to an SDC";
    const volume = 'const data = new ProfiledVolume("data@gold", { sizeGiB: 8 }); exports.notes = data.notes;';
    project.program(volume);
    expect(succeeded(await project.run(["preview"]))).toContain(`10,000 IOPS and 1,000,448 KB/s ${note}`);
    project.program(`${volume} new VolumeMapping("m", { volume: data, sdc: "node1" });`);
    expect(succeeded(await project.run(["preview"]))).not.toContain(note);
  });

  test("a chosen name is checked: taken is refused with the id and the way to take that volume over", async () => {
    const id = gateway.array.createVolume({ name: "precious", sizeGiB: 16 });
    project.program('new ProfiledVolume("data", { sizeGiB: 8, physicalName: "precious" });');
    await refusedWith(['"precious" is taken', `set \`import: "${id}"\``]);

    project.program(`exports.id = new ProfiledVolume("data@gold", { sizeGiB: 8, import: "${id}" }).volumeId;`);
    await refusedWith(["the volume has 16 GiB and would shrink to 8 GiB"]);
    project.program(`exports.id = new ProfiledVolume("data@gold", { sizeGiB: 24, import: "${id}" }).volumeId;`);
    await project.up();
    expect((await project.outputs())["id"]).toBe(id);
    expect(onArray(gateway)).toMatchObject([{ id, name: "precious", what: "24 GiB thin ramcache" }]);
    expect(await project.steps()).toEqual([]);
  });

  test("`pulumi import` takes volumes in by a file that storage-profiles-scaleio writes, as they are", async () => {
    const id = gateway.array.createVolume({ name: "old", sizeGiB: 16 });
    project.program('new ProfiledVolume("data@gold", { sizeGiB: 16 });');
    const file = await project.command("storage-profiles-scaleio", ["import-file", `data@gold=${id}`]);
    project.write("import.json", succeeded(file));
    succeeded(
      await project.run(["import", "--file", "import.json", "--yes", "--generate-code=false", "--protect=false"]),
    );
    const text = succeeded(await project.run(["preview", "--diff"]));
    expect(text).toContain("ramCache: false → true, in place");
    expect(text).not.toMatch(/[1-9] to (create|delete|replace)/);
    await project.up();
    expect(onArray(gateway)).toMatchObject([{ id, name: "old", what: "16 GiB thin ramcache" }]);
    expect(await project.steps()).toEqual([]);
    succeeded(await project.run(["refresh", "--yes", "--skip-preview"]));
    expect(await project.steps()).toEqual([]);
    const wrong = await project.command("storage-profiles-scaleio", ["import-file", "data=0000000000000000", "x=1"]);
    expect([wrong.code === 0, wrong.text]).toEqual([false, expect.stringContaining("Write name=id")]);
    const gone = await project.command("storage-profiles-scaleio", ["import-file", "data=0000000000000000"]);
    expect([gone.code === 0, gone.text]).toEqual([false, expect.stringContaining("the array has no such volume")]);
  });

  test("a mapping alone has limits of its own, by id, GUID and address, and an access mode", async () => {
    const id = gateway.array.createVolume({ name: "theirs", sizeGiB: 16 });
    const guid = "5d2b24f9-5d49-4688-a67d-88af8790bc02";
    const declare = (mode: string, iops: number) =>
      project.program(`
        const volumeId = "${id}";
        exports.device = new VolumeMapping("a", { volumeId, sdc: "node1", iopsLimit: ${iops}, bandwidthLimitKBps: 1500, accessMode: "${mode}" }).devicePath;
        new VolumeMapping("b", { volumeId, sdc: "${guid}" });
        new VolumeMapping("c", { volumeId, sdc: "192.0.2.13" });
      `);
    declare("ReadOnly", 11);
    expect(succeeded(await project.run(["preview"]))).toContain("1,500 KB/s is rounded up to 2,048 KB/s");
    await project.up();
    expect(onArray(gateway)[0]?.mapped).toEqual([
      "node1 11 IOPS 2 MB/s ReadOnly",
      "node2 0 IOPS 0 MB/s",
      "node3 0 IOPS 0 MB/s",
    ]);
    expect((await project.outputs())["device"]).toMatch(new RegExp(`^/dev/disk/by-id/emc-vol-[0-9a-f]{16}-${id}$`));
    declare("ReadWrite", 12);
    await project.up();
    expect(onArray(gateway)[0]?.mapped[0]).toBe("node1 12 IOPS 2 MB/s");
    project.program(`new VolumeMapping("a", { volumeId: "${id}", sdc: "node4" });`);
    await refusedWith(['there is no SDC "node4"']);
    declare("ReadWrite", 10);
    await refusedWith(["the mapping wants a limit of 10 IOPS; ScaleIO allows 11 to"]);
    project.program("");
    await project.up();
    expect(onArray(gateway)[0]?.mapped).toEqual([]);
    gateway.array.removeVolume(id);
  });

  test("two stacks of one project have volumes of their own on one array", async () => {
    const program = 'const data = new ProfiledVolume("data@gold", { sizeGiB: 8 }); exports.id = data.volumeId;';
    project.program(program);
    await project.up();
    const first = (await project.outputs())["id"];
    await project.connect({}, {}, "prod");
    await project.up();
    expect((await project.outputs())["id"]).not.toBe(first);
    expect(onArray(gateway).map(({ name }) => name)).toEqual(["places-dev-data", "places-prod-data"]);
    // Each destroys its own.
    succeeded(await project.run(["destroy", "--yes", "--skip-preview"]));
    expect(onArray(gateway)).toMatchObject([{ id: first }]);
    await project.connect();
    succeeded(await project.run(["destroy", "--yes", "--skip-preview"]));
  });
});
