// What is one thing on the array though the program calls it two, or calls it otherwise now: renamed and replaced resources,
// volumes that were taken over, pools that an administrator renamed. Nothing of it may cost data or a host its disk.

import type { ScaleioGateway } from "../../emulators";
import { emptyGateway, onArray, ScaleioProject, strandCreations, UP } from "../support/scaleio";

describe("on one array", () => {
  let gateway: ScaleioGateway;
  const project = new ScaleioProject("identity", () => gateway);
  beforeEach(async () => {
    gateway = await emptyGateway();
    await project.init();
    project.reset();
    await project.connect();
  });
  afterEach(() => gateway.close());
  afterAll(() => project.dispose());

  const urnOf = async (what: string) => (await project.state())[what]?.urn ?? "";

  test("a mapping that is renamed, replaced, or moved to the place of another leaves no host without its disk", async () => {
    const declare = (mappings: Record<string, string>) =>
      project.program(`
        const volume = new ProfiledVolume("data@gold", { sizeGiB: 8 });
        ${Object.entries(mappings)
          .map(([name, sdc]) => `new VolumeMapping("${name}", { volume, sdc: "${sdc}" });`)
          .join("\n")}
      `);
    const mapped = () => onArray(gateway)[0]?.mapped.map((each) => each.split(" ")[0]);
    declare({ a: "node1", c: "node2" });
    await project.up();
    declare({ b: "node1", c: "node2" });
    expect(await project.up()).toContain('the mapping is now "b"');
    expect(mapped()).toEqual(["node1", "node2"]);
    const inState = Object.keys(await project.state()).filter((what) => what.startsWith("VolumeMapping"));
    expect(inState.sort()).toEqual(["VolumeMapping b", "VolumeMapping c"]);
    await project.up({}, "--replace", await urnOf("VolumeMapping b"));
    expect(mapped()).toEqual(["node1", "node2"]);
    declare({ b: "node2", c: "node1" });
    await project.up();
    expect(mapped()).toEqual(["node1", "node2"]);
    declare({ c: "node1" });
    await project.up();
    expect(mapped()).toEqual(["node1"]);
    // A second name for a host that has it: neither may think that it is the only one.
    declare({ c: "node1", d: "192.0.2.11" });
    await project.refuses(["twice", '"c"', '"d"'], UP);
    // And volumes take their mappings with them when they are replaced.
    declare({ c: "node1" });
    const [before] = onArray(gateway);
    await project.up({}, "--replace", await urnOf("ScaleioVolume data"));
    expect(onArray(gateway)).toMatchObject([{ name: before?.name, mapped: before?.mapped }]);
    expect(onArray(gateway)[0]?.id).not.toBe(before?.id);
  });

  test("a volume that was taken over survives its renaming and its replacement, and is nobody else's", async () => {
    const id = gateway.array.createVolume({ name: "precious", sizeGiB: 16 });
    const declare = (name: string, args: object) =>
      project.program(`new ProfiledVolume("${name}@gold", ${JSON.stringify({ sizeGiB: 16, ...args })});`);
    declare("data", { import: id.toUpperCase() });
    await project.up();
    const [taken] = onArray(gateway);
    expect(taken).toMatchObject({ id, name: "precious" });
    declare("renamed", { import: id });
    expect(await project.up()).toContain(`volume ${id} stays on the array: it is now "renamed"`);
    expect(onArray(gateway)).toEqual([taken]);
    project.program(`
      new ProfiledVolume("renamed@gold", { sizeGiB: 16 });
      new ProfiledVolume("another@gold", { sizeGiB: 16, import: "${id}" });
    `);
    await project.refuses([`volume ${id} is declared twice`, '"renamed"', '"another"', "aliases"]);
    declare("renamed", { import: id });
    const replace = ["--replace", await urnOf("ScaleioVolume renamed")];
    // It can't be removed and then taken over: so it stays, and is taken over again.
    expect(await project.up({}, ...replace)).toContain(`volume ${id} stays on the array`);
    expect(onArray(gateway)).toEqual([taken]);
    // With an alias it is one resource all along.
    project.program(`new ProfiledVolume("data@gold", { sizeGiB: 16 }, { aliases: [{ name: "renamed" }] });`);
    expect((await project.upSteps()).steps.filter(({ op }) => op !== "update")).toEqual([]);
    expect(onArray(gateway)).toEqual([taken]);
  });

  // That its pool must be able to do what the profile says is among the tests of volumes, without the engine.
  test("what is taken over can't be called otherwise", async () => {
    const id = gateway.array.createVolume({ name: "old", sizeGiB: 8 });
    project.program(`new ProfiledVolume("old", { sizeGiB: 8, physicalName: "new", import: "${id}" });`);
    await project.refuses([`it is named "old", and volumes can't be renamed`]);
  });

  test("a pool that was renamed, and a volume that was moved by other means, are followed after a refresh", async () => {
    const declare = async (storagePool: string, sizeGiB: number) => {
      await project.connect({ scaleio: { protectionDomain: "domain1", storagePool } });
      project.program(`new ProfiledVolume("data", { sizeGiB: ${sizeGiB} });`);
    };
    await declare("pool1", 8);
    await project.up();
    const [made] = onArray(gateway);

    gateway.array.moveVolume(made?.id ?? "", "small");
    // Not refreshed, the state doesn't know; the array does.
    await declare("pool1", 16);
    await project.refuses(['has storagePool "small" on the array', "pulumi refresh"], UP);
    await declare("small", 8);
    await project.refuses(['"storagePool" can\'t be changed from "pool1" to "small"', "run pulumi refresh first"]);
    await project.refresh();
    expect(await project.steps()).toEqual([{ op: "update", what: "ProfiledVolume data" }]);
    await declare("pool1", 8);
    await project.refuses(['"storagePool" can\'t be changed from "small" to "pool1"']);

    gateway.array.renameStoragePool("small", "fast");
    await project.refresh();
    await declare("fast", 16);
    await project.up();
    expect(onArray(gateway)).toEqual([{ ...made, what: "16 GiB thin" }]);
  });

  test("what a run has half made is in the state, or is taken up, and can be destroyed", async () => {
    project.program(`
      const volume = new ProfiledVolume("data@gold", { sizeGiB: 8 });
      new VolumeMapping("m", { volume, sdc: "node1" });
    `);
    const error = { status: 500, errorCode: 64, message: "Parameter out of range" };
    gateway.fault({ match: { path: "setMappedSdcLimits" }, times: "always", do: { error } });
    await project.run(UP);
    expect(onArray(gateway)).toMatchObject([{ mapped: ["node1 0 IOPS 0 MB/s"] }]);
    // Both ways out of it: gone again, or finished.
    await project.destroy();
    expect(onArray(gateway)).toEqual([]);
    await project.run(UP);
    gateway.clearFaults();
    await project.up();
    expect(onArray(gateway)).toMatchObject([{ mapped: ["node1 10000 IOPS 977 MB/s"] }]);
  });

  test("a volume that an interrupted run left in a pool which is then full is taken up", async () => {
    await project.connect({ profiles: { all: { scaleio: { storagePool: "small", provisioning: "thick" } } } });
    project.program('new ProfiledVolume("data@all", { sizeGiB: 64 });');
    strandCreations(gateway);
    await project.run(UP);
    gateway.clearFaults();
    const before = onArray(gateway);
    expect(before).toHaveLength(1);
    expect(await project.up()).toContain("created by an interrupted run of this stack; it is adopted");
    expect(onArray(gateway)).toEqual(before);
  });

  test("two people with a stack of one name have names of their own when each says who it is", async () => {
    const place = { protectionDomain: "domain1", storagePool: "pool1" };
    project.program('new ProfiledVolume("data", { sizeGiB: 8 });');
    await project.connect({ scaleio: { ...place, owner: "ada" } });
    await project.up();
    const [first] = onArray(gateway);
    // Names are decided once: who says so later keeps the volumes.
    await project.connect({ scaleio: { ...place, owner: "ada lovelace" } });
    expect(await project.steps()).toEqual([]);
    expect((await project.state())["ScaleioVolume data"]?.id).toBe(first?.id);
    project.reset();
    await project.connect({ scaleio: { ...place, owner: "bob" } });
    await project.up();
    expect(onArray(gateway)).toHaveLength(2);
    expect(onArray(gateway).map(({ name }) => name)).toEqual([first?.name, first?.name]);
  });
});
