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
    expect(text).toContain("1,000,000 KB/s is rounded up to 1,000,448 KB/s");
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
});
