// Volumes on ScaleIO / PowerFlex, through the real engine: what a user sees, and what is on the array then.

import type { ScaleioGateway } from "../../emulators";
import { succeeded } from "../support/engine";
import { callsFor, emptyGateway, logins, onArray, ScaleioProject, UP } from "../support/scaleio";

let gateway: ScaleioGateway;
const project = new ScaleioProject("life", () => gateway);
afterEach(() => gateway.close());
afterAll(() => project.dispose());

/** A stack with nothing in it, on a gateway of its own. */
const begin = async (version?: string) => {
  gateway = await emptyGateway({ version });
  await project.init();
  project.reset();
  await project.connect();
};

const arrayNow = () =>
  Object.fromEntries(onArray(gateway).map(({ name, ...rest }) => [name.replace("life-dev-", ""), rest]));

/** Whoever else has the volume keeps it, and is named as the version names SDCs; our own mappings go, and then the volume. */
async function expectDestroyed(id: string, host: string): Promise<void> {
  gateway.array.map(id, "node3");
  const { code, text } = await project.run(["destroy", "--yes", "--skip-preview"]);
  expect(code).not.toBe(0);
  expect(text).toContain(`volume ${id} is not removed: it is still mapped to SDC`);
  expect(text).toContain(host);
  expect(text).not.toMatch(/\n +at /);
  expect(onArray(gateway).map(({ mapped }) => mapped.length)).toEqual([1]);
  gateway.array.unmap(id);
  await project.destroy();
  expect(onArray(gateway)).toEqual([]);
}

// The oldest: it has a login of its own, one limit at a time, and no names of SDCs in its errors. The rest of this file runs on the newest, and
// what is tried on 3.6 is among the faults.
test("on version 2.0 volumes are created, limited, unlimited, repaired, grown and destroyed", async () => {
  await begin("2.0");
  const declare = (profile: string, sizeGiB = 100) =>
    project.program(`
      const data = new ProfiledVolume("data@${profile}", { sizeGiB: ${sizeGiB} });
      for (const sdc of ["node1", "192.0.2.12"]) new VolumeMapping("data-on-" + sdc, { volume: data, sdc });
      const log = new ProfiledVolume("log", { sizeGiB: 8 });
    `);
  declare("gold");
  await project.up();
  const limits = "10000 IOPS 977 MB/s";
  const gold = { what: "104 GiB thin ramcache", mapped: [`node1 ${limits}`, `node2 ${limits}`] };
  expect(arrayNow()).toMatchObject({ data: gold, log: { what: "8 GiB thin", mapped: [] } });
  expect(logins(gateway)).toBe(1);
  const { id = "" } = arrayNow()["data"] ?? {};

  declare("default");
  const { steps } = await project.upSteps();
  expect(new Set(steps.map(({ op }) => op))).toEqual(new Set(["update"]));
  expect(arrayNow()["data"]).toMatchObject({ id, mapped: ["node1 0 IOPS 0 MB/s", "node2 0 IOPS 0 MB/s"] });

  gateway.array.setLimits(id, "node1", { iopsLimit: 500 });
  gateway.array.unmap(id, "node2");
  declare("gold", 105);
  expect((await project.upSteps("--refresh")).steps).toEqual([
    { op: "update", what: "ProfiledVolume data" },
    { op: "update", what: "ScaleioVolume data" },
    { op: "update", what: "VolumeMapping data-on-192.0.2.12" },
    { op: "update", what: "VolumeMapping data-on-node1" },
  ]);
  expect(arrayNow()["data"]).toMatchObject({ ...gold, id, what: "112 GiB thin ramcache" });

  await expectDestroyed(id, "192.0.2.13");
});

test("plans show what is done, each change is the fewest calls, drift is put right, and all is destroyed", async () => {
  await begin();
  const declare = (profile: string, grownGiB = 100) =>
    project.program(`
      const data = new ProfiledVolume("data@${profile}", { sizeGiB: 100 });
      const [{ devicePath, sdcId }] = ["node1", "192.0.2.12"].map((sdc) => new VolumeMapping("data-on-" + sdc, { volume: data, sdc }));
      for (const [key, output] of Object.entries({ volumeId: data.volumeId, systemId: data.resource.systemId, devicePath, sdcId }))
        output.apply((value) => pulumi.log.info("a known " + key));
      new ProfiledVolume("grown@silver", { sizeGiB: ${grownGiB} });
      const gone = new ProfiledVolume("gone", { sizeGiB: 8 });
      new VolumeMapping("gone-on-node1", { volume: gone, sdc: "node1" });
      exports.volumeId = data.volumeId;
    `);
  declare("gold");
  gateway.clearCalls();
  const text = await project.up();
  expect(text).toContain("100 GiB rounded up to 104 GiB: ScaleIO volume sizes are multiples of 8 GiB");
  expect(text).not.toContain("KB/s rounded up");
  // Limits that are in force nowhere are noted of the volume without a mapping only.
  expect(text).toMatch(/3,000 IOPS.* take effect when the volume is mapped to an SDC/);
  expect(text).not.toMatch(/10,000 IOPS.* take effect/);
  expect(logins(gateway)).toBe(1);
  const made = arrayNow();
  const { id = "" } = made["data"] ?? {};
  expect((await project.outputs())["volumeId"]).toBe(id);
  const create = (count: number) => Array.from({ length: count }, () => "instances");
  const perMapping = ["addMappedSdc", "setMappedSdcLimits"];
  expect(callsFor(gateway).sort()).toEqual(["addMappedSdc", ...perMapping, ...perMapping, ...create(3)].sort());

  // A volume's place and its mapping's device are known at preview while they change.
  declare("silver");
  gateway.clearCalls();
  const preview = succeeded(await project.run(["preview"]));
  expect(preview).toContain("4 to update");
  for (const key of ["volumeId", "systemId", "devicePath", "sdcId"]) expect(preview).toContain(`a known ${key}`);
  expect(callsFor(gateway)).toEqual([]);
  const updates = [
    { op: "update", what: "ProfiledVolume data" },
    { op: "update", what: "ScaleioVolume data" },
    { op: "update", what: "VolumeMapping data-on-192.0.2.12" },
    { op: "update", what: "VolumeMapping data-on-node1" },
  ];
  expect((await project.upSteps()).steps).toEqual(updates);
  const silver = { mapped: ["node1 3000 IOPS 250 MB/s", "node2 3000 IOPS 250 MB/s"] };
  expect(arrayNow()["data"]).toMatchObject({ id, what: "104 GiB thin", ...silver });
  expect(callsFor(gateway).sort()).toEqual(["read", "setMappedSdcLimits", "setMappedSdcLimits", "setVolumeUseRmcache"]);

  const { grown, gone } = made;
  gateway.array.setLimits(id, "node1", { iopsLimit: 500 });
  gateway.array.unmap(id, "node2");
  gateway.array.resizeVolume(grown?.id ?? "", 112);
  gateway.array.unmap(gone?.id ?? "");
  gateway.array.removeVolume(gone?.id ?? "");
  await project.refresh();
  // A host that lost its volume stays in the state, which tells so; with the volume it goes.
  const state = await project.state();
  expect(state["VolumeMapping data-on-192.0.2.12"]).toMatchObject({ outputs: { gone: true } });
  expect(state["VolumeMapping gone-on-node1"]).toBeUndefined();
  await project.refuses(["the volume can't shrink from 112 GiB to 104 GiB"]);
  declare("silver", 113);
  gateway.clearCalls();
  expect((await project.upSteps()).steps).toEqual([
    { op: "update", what: "ProfiledVolume grown" },
    { op: "create", what: "ScaleioVolume gone" },
    { op: "update", what: "ScaleioVolume grown" },
    { op: "update", what: "VolumeMapping data-on-192.0.2.12" },
    { op: "update", what: "VolumeMapping data-on-node1" },
    { op: "create", what: "VolumeMapping gone-on-node1" },
  ]);
  expect(callsFor(gateway, grown?.id)).toEqual(["read", "setVolumeSize"]);
  expect(arrayNow()).toMatchObject({
    data: { id, ...silver },
    grown: { id: grown?.id, what: "120 GiB thin" },
    gone: { what: "8 GiB thin", mapped: [expect.stringContaining("node1")] },
  });
  expect(arrayNow()["gone"]?.id).not.toBe(gone?.id);

  declare("default", 113);
  expect(new Set((await project.upSteps()).steps.map(({ op }) => op))).toEqual(new Set(["update"]));
  expect(arrayNow()["data"]).toMatchObject({ id, mapped: ["node1 0 IOPS 0 MB/s", "node2 0 IOPS 0 MB/s"] });
  gateway.clearCalls();
  expect(await project.steps()).toEqual([]);
  expect(gateway.calls).toEqual([]);

  await expectDestroyed(id, "node3");
});

describe("one array", () => {
  beforeEach(() => begin());

  test("a shrink is refused at up, and what else a volume can't become, before the gateway is asked", async () => {
    project.program('new ProfiledVolume("data@gold", { sizeGiB: 16 });');
    await project.up();
    const resources = async () => {
      const { "pulumi-nodejs default": _, ...state } = await project.state();
      return state;
    };
    const state = await resources();
    gateway.clearCalls();
    const scaleio = { provisioning: "thick", storagePool: "unpadded", protectionDomain: "domain2" };
    // At preview it is refused as well, as the story of ScaleIO shows.
    project.program('new ProfiledVolume("data@gold", { sizeGiB: 8 });');
    await project.refuses(["the volume can't shrink from 16 GiB to 8 GiB", "fix:     "], UP);
    await project.connect({ profiles: { gold: { extends: "gold", scaleio } } });
    project.program('new ProfiledVolume("data@gold", { sizeGiB: 16 });');
    await project.refuses([
      '"provisioning" can\'t be changed from "thin" to "thick"',
      '"storagePool" can\'t be changed from "pool1" to "unpadded"',
      '"protectionDomain" can\'t be changed from "domain1" to "domain2"',
      "fix:     ",
    ]);
    expect(gateway.calls).toEqual([]);
    expect(await resources()).toEqual(state);
  });

  // What else a pool can't do is among the tests of volumes, without the engine.
  test("refuses a pool that is misspelt at preview, with what there is", async () => {
    await project.connect({ profiles: { odd: { scaleio: { storagePool: "poll1" } } } });
    project.program('for (let n = 0; n < 3; n++) new ProfiledVolume("v" + n + "@odd", { sizeGiB: 8 });');
    await project.refuses([
      'unknown storage pool "poll1" in protection domain "domain1"',
      "allowed: fine, pool1, small, unpadded",
      'did you mean "pool1"?',
    ]);
  });

  test("what was refused at `up` is not held against the next one: no volume has it", async () => {
    await project.connect({ profiles: { odd: { scaleio: { storagePool: "fine", provisioning: "thick" } } } });
    project.program('new ProfiledVolume("data@odd", { sizeGiB: 64 });');
    await project.refuses(["a fine-granularity pool supports only thin volumes"], UP);
    await project.connect({ profiles: { odd: { scaleio: { provisioning: "thick" } } } });
    project.program('new ProfiledVolume("data@odd", { sizeGiB: 8 });');
    await project.up();
    expect(onArray(gateway)).toMatchObject([{ what: "8 GiB thick" }]);
    // And what there is now counts again.
    await project.connect({ profiles: { odd: { scaleio: {} } } });
    await project.refuses(['"provisioning" can\'t be changed from "thick" to "thin"']);
  });

  test("sees at preview that the pool has no room for all volumes together", async () => {
    await project.connect({ profiles: { odd: { scaleio: { storagePool: "small", provisioning: "thick" } } } });
    project.program('for (let n = 0; n < 9; n++) new ProfiledVolume("v" + n + "@odd", { sizeGiB: 8 });');
    await project.refuses(['storage pool "small" has 0 GiB free', "other volumes of this run 64 GiB"]);
    // What just fits is made: also by an `up` that previews first, and counts twice.
    project.program('for (let n = 0; n < 8; n++) new ProfiledVolume("v" + n + "@odd", { sizeGiB: 8 });');
    succeeded(await project.run(["up", "--yes"]));
    expect(onArray(gateway)).toHaveLength(8);
  });

  test("tells all that is wrong with volumes and their names at once, before the gateway is asked", async () => {
    await project.connect({ scaleio: {}, profiles: { slow: { scaleio: { iopsLimit: 10 } } } }, { endpont: "x" });
    project.program(`
      new ProfiledVolume("one", { sizeGiB: 8, physicalName: "a".repeat(32) });
      new ProfiledVolume("two@slow", { sizeGiB: 8 });
    `);
    gateway.clearCalls();
    await project.refuses([
      "one: 4 problems",
      "the ScaleIO volume name is 32 characters long (max 31)",
      '"storagePool" is missing: a ScaleIO volume requires a storage pool',
      '"protectionDomain" is missing',
      'unknown key "endpont"',
      "two: 1 problem",
      '"slow" sets a limit of 10 IOPS',
    ]);
    expect(gateway.calls).toEqual([]);
  });

  test("a chosen name is checked: taken is refused with the id and the way to take that volume over", async () => {
    const id = gateway.array.createVolume({ name: "precious", sizeGiB: 16 });
    project.program('new ProfiledVolume("data", { sizeGiB: 8, physicalName: "precious" });');
    await project.refuses(['"precious" is already in use', `set \`import: "${id}"\``]);

    project.program(`exports.id = new ProfiledVolume("data@gold", { sizeGiB: 8, import: "${id}" }).volumeId;`);
    await project.refuses(["the volume can't shrink from 16 GiB to 8 GiB"]);
    project.program(`exports.id = new ProfiledVolume("data@gold", { sizeGiB: 24, import: "${id}" }).volumeId;`);
    const taken = succeeded(await project.run(["preview"]));
    expect(taken).toContain(`imports ${id}: sizeGiB: 16 GiB → 24 GiB, in place`);
    expect(taken).toContain(`the array doesn't report whether another stack manages ${id}`);
    await project.up();
    expect((await project.outputs())["id"]).toBe(id);
    expect(onArray(gateway)).toMatchObject([{ id, name: "precious", what: "24 GiB thin ramcache" }]);
  });

  test("`pulumi import` takes volumes in by a file that storage-profiles-scaleio writes, as they are", async () => {
    const id = gateway.array.createVolume({ name: "old", sizeGiB: 16 });
    project.program('new ProfiledVolume("data@gold", { sizeGiB: 16 });');
    const file = await project.command("storage-profiles-scaleio", ["import-file", `data@gold=${id}`]);
    project.write("import.json", succeeded(file));
    succeeded(
      await project.run(["import", "--file", "import.json", "--yes", "--generate-code=false", "--protect=false"]),
    );
    const { steps, text } = await project.upSteps();
    expect(text).toContain("ramCache: false → true, in place");
    // Only what keeps this stack's volumes apart from those of other states is new.
    expect(steps.filter(({ op }) => op !== "update")).toEqual([
      { op: "create", what: expect.stringMatching(/^ScaleioIdentity /) },
    ]);
    expect(onArray(gateway)).toMatchObject([{ id, name: "old", what: "16 GiB thin ramcache" }]);
    expect(await project.steps("--refresh")).toEqual([]);
    const wrong = await project.command("storage-profiles-scaleio", ["import-file", "data=0000000000000000", "x=1"]);
    expect([wrong.code === 0, wrong.text]).toEqual([false, expect.stringContaining("Use name=id")]);
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
    expect(await project.up()).toContain("1,500 KB/s rounded up to 2,048 KB/s");
    expect(onArray(gateway)[0]?.mapped).toEqual([
      "node1 11 IOPS 2 MB/s ReadOnly",
      "node2 0 IOPS 0 MB/s",
      "node3 0 IOPS 0 MB/s",
    ]);
    expect((await project.outputs())["device"]).toMatch(new RegExp(`^/dev/disk/by-id/emc-vol-[0-9a-f]{16}-${id}$`));
    declare("ReadWrite", 12);
    await project.up();
    expect(onArray(gateway)[0]?.mapped[0]).toBe("node1 12 IOPS 2 MB/s");
    declare("ReadWrite", 10);
    await project.refuses(["the mapping sets a limit of 10 IOPS; ScaleIO allows 11 to"]);
    await project.destroy();
    expect(onArray(gateway)).toMatchObject([{ id, mapped: [] }]);
  });

  test("refuses what a mapping can't be, all of it at once, and hosts that the array doesn't know", async () => {
    project.program(`
      const data = new ProfiledVolume("data@gold", { sizeGiB: 8 });
      new VolumeMapping("m", { volume: data, iopsLimit: 100, accessMode: "Read" });
    `);
    await project.refuses([
      "m: 3 problems",
      "\"iopsLimit\" can't be set: the limits are set by the volume's profile",
      '"sdc" is missing',
      '"Read" is not allowed',
    ]);
    project.program(`
      const data = new ProfiledVolume("data", { sizeGiB: 8 });
      new VolumeMapping("m", { volume: data, sdc: "nod1" });
    `);
    await project.refuses([
      'unknown SDC "nod1" on the array',
      "allowed: 192.0.2.14, node1, node2, node3",
      'did you mean "node1"?',
    ]);
  });

  test("two stacks of one project have volumes of their own on one array", async () => {
    const program = 'const data = new ProfiledVolume("data@gold", { sizeGiB: 8 }); exports.id = data.volumeId;';
    project.program(program);
    await project.up();
    const first = (await project.outputs())["id"];
    await project.connect({}, {}, "prod");
    await project.up();
    expect((await project.outputs())["id"]).not.toBe(first);
    expect(onArray(gateway).map(({ name }) => name)).toEqual(["life-dev-data", "life-prod-data"]);
    // Each destroys its own.
    await project.destroy();
    expect(onArray(gateway)).toMatchObject([{ id: first }]);
  });
});
