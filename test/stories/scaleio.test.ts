// Volumes and their mappings on an emulated ScaleIO gateway, through the real engine: what is planned, and what is on the array then.

import { startScaleioGateway, type ScaleioGateway } from "../../emulators";
import { diagnostics, succeeded } from "../support/engine";
import { onArray, ScaleioProject } from "../support/scaleio";

let gateway: ScaleioGateway;
const project = new ScaleioProject("array", () => gateway);

/** The program: `data` with this profile, mapped to two hosts, and `logs`, which no host has. */
const declare = (profile: string, sizeGiB = 100) =>
  project.program(`
    const data = new ProfiledVolume("data@${profile}", { sizeGiB: ${sizeGiB} });
    for (const sdc of ["node1", "192.0.2.12"]) new VolumeMapping("data-on-" + sdc, { volume: data, sdc });
    new ProfiledVolume("logs", { sizeGiB: 8 });
  `);
const data = () => onArray(gateway).find(({ name }) => name === "array-dev-data");
const limits = (text: string) => [`node1 ${text}`, `node2 ${text}`];
const gold = { what: "104 GiB thin ramcache", mapped: limits("10000 IOPS 977 MB/s") };
const silver = { what: "104 GiB thin", mapped: limits("3000 IOPS 250 MB/s") };

beforeAll(async () => {
  gateway = await startScaleioGateway();
  await project.connect();
});
afterAll(async () => {
  await project.dispose();
  await gateway.close();
});

test("volumes are created with their limits on each mapping, change their profile in place, and leave the array empty", async () => {
  project.program(`
    new ProfiledVolume("data@gold", { sizeGiB: 100, scaleio: { storagePool: "poll1" } });
    new ProfiledVolume("logs@golf", { sizeGiB: 8 });
  `);
  const wrong = await project.run(["preview"]);
  expect([wrong.code === 0, diagnostics(wrong)]).toEqual([
    false,
    expect.stringMatching(/\[profile-unknown\]\n.*"golf"\n.*default, gold.*\n.*fix: .*"gold"/),
  ]);
  expect(onArray(gateway)).toEqual([]);

  declare("gold");
  await project.up();
  const created = data();
  expect(created).toMatchObject(gold);
  expect(onArray(gateway).map(({ what }) => what)).toEqual([gold.what, "8 GiB thin"]);
  gateway.clearCalls();
  expect(await project.steps()).toEqual([]);
  expect(gateway.calls).toEqual([]);

  declare("silver");
  expect(await project.steps()).toEqual([
    { op: "update", what: "ProfiledVolume data" },
    { op: "update", what: "ScaleioVolume data" },
    { op: "update", what: "VolumeMapping data-on-192.0.2.12" },
    { op: "update", what: "VolumeMapping data-on-node1" },
  ]);
  await project.up();
  expect(data()).toEqual({ ...created, ...silver });
  declare("gold");
  await project.up();
  expect(data()).toEqual(created);

  // Refused before the array is asked anything.
  declare("gold", 64);
  gateway.clearCalls();
  const smaller = await project.run(["preview"]);
  expect([smaller.code === 0, diagnostics(smaller)]).toEqual([
    false,
    expect.stringMatching(/\[change-shrinks\][^]*fix: .*104 GiB/),
  ]);
  expect(gateway.calls).toEqual([]);

  succeeded(await project.run(["destroy", "--yes", "--skip-preview"]));
  expect(onArray(gateway)).toEqual([]);
});
