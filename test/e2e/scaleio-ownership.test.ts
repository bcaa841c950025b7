// Whose a volume on an array is: two states whose project, stack and volume are called the same never mean the other's volume; what an
// interrupted run left is its own state's; and another array behind the same address is another array.

import { startScaleioGateway, type ScaleioGateway } from "../../testing";
import { succeeded } from "../support/engine";
import { onArray, ScaleioProject } from "../support/scaleio";

let gateway: ScaleioGateway;
const current = () => gateway;
// Each with a Pulumi backend of its own.
const ada = new ScaleioProject("owned", current);
const bob = new ScaleioProject("owned", current);
beforeAll(async () => {
  gateway = await startScaleioGateway();
});
afterAll(async () => {
  await ada.dispose();
  await bob.dispose();
  await gateway.close();
});
afterEach(async () => {
  gateway.clearFaults();
  for (const project of [ada, bob]) await project.run(["destroy", "--yes", "--skip-preview"]);
  for (const { id } of onArray(gateway)) gateway.array.removeVolume(id);
});

const idOf = async (project: ScaleioProject) => (await project.state())["ScaleioVolume data"]?.id;
const destroy = async (project: ScaleioProject) => succeeded(await project.run(["destroy", "--yes", "--skip-preview"]));

test("two states with one project, stack and volume name have a volume each, and remove their own", async () => {
  for (const project of [ada, bob]) {
    await project.connect();
    project.program('new ProfiledVolume("data", { sizeGiB: 8 });');
    expect(await project.up()).not.toContain("is taken up");
  }
  const [hers, his] = [await idOf(ada), await idOf(bob)];
  expect(
    onArray(gateway)
      .map(({ id }) => id)
      .sort(),
  ).toEqual([hers, his].sort());
  await destroy(bob);
  expect(onArray(gateway).map(({ id }) => id)).toEqual([hers]);
  expect(await ada.steps()).toEqual([]);
});

test("what a run left unanswered is taken up by its own state, and by no other", async () => {
  for (const project of [ada, bob]) {
    await project.connect();
    project.program('new ProfiledVolume("data", { sizeGiB: 8 });');
  }
  // Carried out, and neither its answer nor any look-up comes back.
  gateway.fault({ match: { path: "createVolume" }, times: "always", do: "truncated-after-commit" });
  gateway.fault({ match: { path: "queryIdByKey" }, times: "always", do: "cut" });
  const { code, text } = await ada.run(["up", "--yes", "--skip-preview"]);
  expect([code === 0, text]).toEqual([false, expect.stringContaining("The volume may have been created")]);
  gateway.clearFaults();
  const left = onArray(gateway).map(({ id }) => id);
  expect(left).toHaveLength(1);
  expect(await bob.up()).not.toContain("is taken up");
  expect(await ada.up()).toContain("made by a run of this stack that was interrupted; it is taken up");
  expect(await idOf(ada)).toBe(left[0]);
  expect(await idOf(bob)).not.toBe(left[0]);
});

test("a mapping that was carried out and never answered belongs to the state, and can be finished or destroyed", async () => {
  await ada.connect();
  ada.program(`
    const volume = new ProfiledVolume("data@gold", { sizeGiB: 8 });
    new VolumeMapping("m", { volume, sdc: "node1" });
  `);
  const fail = () => {
    gateway.fault({ match: { path: "addMappedSdc" }, times: "always", do: "html-500-after-commit" });
    gateway.fault({ match: { path: "getVolume" }, times: "always", do: "cut" });
  };
  fail();
  expect((await ada.run(["up", "--yes", "--skip-preview"])).code).not.toBe(0);
  gateway.clearFaults();
  expect(onArray(gateway)).toMatchObject([{ mapped: ["node1 0 IOPS 0 MB/s"] }]);
  await ada.up();
  expect(onArray(gateway)).toMatchObject([{ mapped: ["node1 10000 IOPS 977 MB/s"] }]);
  expect(await ada.steps()).toEqual([]);
  await destroy(ada);
  fail();
  expect((await ada.run(["up", "--yes", "--skip-preview"])).code).not.toBe(0);
  gateway.clearFaults();
  await destroy(ada);
  expect(onArray(gateway)).toEqual([]);
});

test("an array that was started anew is another one: nothing is read as gone, made or removed there without an explicit word", async () => {
  await ada.connect();
  ada.program('new ProfiledVolume("data", { sizeGiB: 8 });');
  await ada.up();
  const first = gateway;
  const id = await idOf(ada);
  gateway = await startScaleioGateway();
  try {
    await ada.connect();
    const refused = async (command: string[]) => {
      const { code, text } = await ada.run(command);
      expect([code === 0, text]).toEqual([false, expect.stringMatching(/is the gateway of array [0-9a-f]{16}/)]);
    };
    ada.program('new ProfiledVolume("data", { sizeGiB: 16 }); new ProfiledVolume("more", { sizeGiB: 8 });');
    await refused(["preview"]);
    await refused(["up", "--yes", "--skip-preview"]);
    await refused(["refresh", "--yes", "--skip-preview", "--run-program"]);
    await refused(["destroy", "--yes", "--skip-preview", "--run-program"]);
    expect([await idOf(ada), onArray(gateway)]).toEqual([id, []]);
    ada.program('new ProfiledVolume("data", { sizeGiB: 8 }); new ProfiledVolume("more", { sizeGiB: 8 });');
    const { text } = await ada.run(["preview"]);
    await ada.connect({}, { systemId: /scaleio:systemId ([0-9a-f]{16})/.exec(text)?.[1] ?? "" });
    await ada.up();
    expect(onArray(gateway)).toMatchObject([{ name: "owned-dev-more" }]);
    ada.program('new ProfiledVolume("data", { sizeGiB: 8 });');
    await ada.up();
    expect(onArray(gateway)).toEqual([]);
  } finally {
    await gateway.close();
    gateway = first;
    await ada.connect();
    // Without the program, a destroy uses the connection of the last `up`.
    await ada.up();
  }
  expect(onArray(gateway)).toMatchObject([{ id }]);
});
