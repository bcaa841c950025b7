// Whose a volume on an array is: two states whose project, stack and volume are called the same never mean the other's volume; what an
// interrupted run left is its own state's; and another array behind the same address is another array.

import type { ScaleioGateway } from "../../emulators";
import { emptyGateway, onArray, ScaleioProject, strandCreations, UP } from "../support/scaleio";

let gateway: ScaleioGateway;
// Each with a Pulumi backend of its own.
const ada = new ScaleioProject("owned", () => gateway);
const bob = new ScaleioProject("owned", () => gateway);
afterEach(() => gateway.close());
afterAll(async () => {
  await ada.dispose();
  await bob.dispose();
});

const DATA = 'new ProfiledVolume("data", { sizeGiB: 8 });';
const begin = async (projects: ScaleioProject[], program: string) => {
  gateway = await emptyGateway();
  for (const project of projects) {
    project.reset();
    await project.connect();
    project.program(program);
  }
};
const idOf = async (project: ScaleioProject) => (await project.state())["ScaleioVolume data"]?.id;
const ids = () => onArray(gateway).map(({ id }) => id);

test("two states with one project, stack and volume name have a volume each, and remove their own", async () => {
  await begin([ada, bob], DATA);
  for (const project of [ada, bob]) expect(await project.up()).not.toContain("it is adopted");
  const [hers, his] = [await idOf(ada), await idOf(bob)];
  expect(ids().sort()).toEqual([hers, his].sort());
  await bob.destroy();
  expect(ids()).toEqual([hers]);
  expect(await ada.steps()).toEqual([]);
});

test("what a run left unanswered is taken up by its own state, and by no other", async () => {
  await begin([ada, bob], DATA);
  strandCreations(gateway);
  const { code, text } = await ada.run(UP);
  expect([code === 0, text]).toEqual([false, expect.stringContaining("The volume may have been created")]);
  gateway.clearFaults();
  const left = ids();
  expect(left).toHaveLength(1);
  expect(await bob.up()).not.toContain("it is adopted");
  expect(await ada.up()).toContain("created by an interrupted run of this stack; it is adopted");
  expect([await idOf(ada)]).toEqual(left);
  expect(left).not.toContain(await idOf(bob));
});

test("a mapping that was carried out and never answered belongs to the state: a destroy removes it, an `up` finishes it", async () => {
  await begin(
    [ada],
    `const volume = new ProfiledVolume("data@gold", { sizeGiB: 8 });
     new VolumeMapping("m", { volume, sdc: "node1" });`,
  );
  const halfMapped = async () => {
    gateway.fault({ match: { path: "addMappedSdc" }, times: "always", do: "html-500-after-commit" });
    gateway.fault({ match: { path: "getVolume" }, times: "always", do: "cut" });
    expect((await ada.run(UP)).code).not.toBe(0);
    gateway.clearFaults();
    expect(onArray(gateway)).toMatchObject([{ mapped: ["node1 0 IOPS 0 MB/s"] }]);
  };
  await halfMapped();
  await ada.destroy();
  expect(onArray(gateway)).toEqual([]);
  await halfMapped();
  await ada.up();
  expect(onArray(gateway)).toMatchObject([{ mapped: ["node1 10000 IOPS 977 MB/s"] }]);
});

test("an array that was started anew is another one: nothing is read as gone, made or removed there without an explicit word", async () => {
  await begin([ada], DATA);
  await ada.up();
  const id = await idOf(ada);
  const first = gateway;
  gateway = await emptyGateway();
  try {
    await ada.connect();
    ada.program(`${DATA} new ProfiledVolume("more", { sizeGiB: 8 });`);
    const refusal = ["is the gateway of array"];
    const { text } = await ada.refuses(refusal);
    await ada.refuses(refusal, UP);
    await ada.refuses(refusal, ["refresh", "--yes", "--skip-preview", "--run-program"]);
    await ada.refuses(refusal, ["destroy", "--yes", "--skip-preview", "--run-program"]);
    expect(await idOf(ada)).toBe(id);
    await ada.connect({}, { systemId: /config set scaleio:systemId ([0-9a-f]{16})/.exec(text)?.[1] ?? "" });
    await ada.up();
    expect(onArray(gateway)).toMatchObject([{ name: "owned-dev-more" }]);
    expect(onArray(first)).toMatchObject([{ id }]);
  } finally {
    await first.close();
  }
});
