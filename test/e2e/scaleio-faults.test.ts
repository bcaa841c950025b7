// What goes wrong between us and the gateway, in the middle of an `up`: the next one ends with exactly one volume for each
// declaration, each mapped once, with its limits.

import { startScaleioGateway, type Fault, type ScaleioGateway } from "../../testing";
import { diagnostics, succeeded } from "../support/engine";
import { logins, onArray, ScaleioProject } from "../support/scaleio";

jest.setTimeout(300_000);

const declare = (count: number) => `
  for (let n = 10; n < ${10 + count}; n++) {
    const volume = new ProfiledVolume("v" + n + "@gold", { sizeGiB: 8 });
    new VolumeMapping("m" + n, { volume, sdc: "node1" });
  }
`;

/** That many volumes, each once, with its mapping and limits; and the state knows all of them. */
async function expectWhole(gateway: ScaleioGateway, project: ScaleioProject, count: number): Promise<void> {
  const found = onArray(gateway);
  expect(found.map(({ name }) => name)).toEqual(
    Array.from({ length: count }, (_, n) => `${project.name}-dev-v${10 + n}`),
  );
  for (const { mapped } of found) expect(mapped).toEqual(["node1 10000 IOPS 977 MB/s"]);
  const state = Object.entries(await project.state());
  const ids = state.filter(([what]) => what.startsWith("ScaleioVolume")).map(([, { id }]) => id);
  expect(ids.sort()).toEqual(found.map(({ id }) => id).sort());
  expect(await project.steps()).toEqual([]);
}

describe.each(["3.6", "4.5"])("a fault in the middle of an `up`, on version %s", (version) => {
  let gateway: ScaleioGateway;
  const project = new ScaleioProject(`f${version.replace(".", "")}`, () => gateway);
  beforeAll(async () => {
    gateway = await startScaleioGateway({ version });
    await project.connect({}, { timeoutSeconds: "3" });
    project.program(declare(4));
  });
  afterAll(async () => {
    await project.dispose();
    await gateway.close();
  });
  afterEach(async () => {
    gateway.clearFaults();
    succeeded(await project.run(["destroy", "--yes", "--skip-preview"]));
    expect(onArray(gateway)).toEqual([]);
  });

  const create = { match: { path: "createVolume" }, skip: 1 };
  const map = { match: { path: "addMappedSdc" }, skip: 1 };
  const limit = { match: { path: "setMappedSdcLimits" }, skip: 1 };
  const error = (errorCode: number, message: string) => ({ error: { status: 500, errorCode, message } });

  // What has to do with the login differs by version; the rest is tried on one.
  const loginFaults: [string, Fault][] = [
    ["a 401", { ...create, do: "unauthorized" }],
    ["a 401 in HTML", { ...map, do: "unauthorized-html" }],
    ["a gateway that is started anew and forgets the login", { ...create, do: "restart" }],
  ];
  const connections: [string, Fault][] = [
    ["a connection that breaks before the volume is made", { ...create, do: "cut" }],
    ["a connection that breaks after the volume was made", { ...create, do: "cut-after-commit" }],
    ["no answer within the time limit", { ...create, do: "hang" }],
    ["an answer after the time limit", { ...create, do: { latencyMs: 4_000 } }],
    ["a connection that breaks after the volume was mapped", { ...map, do: "cut-after-commit" }],
    ["a connection that breaks before the limits are set", { ...limit, do: "cut" }],
  ];
  const gotBy = version === "4.5" ? [...loginFaults, ...connections] : loginFaults;
  test.each(gotBy)("%s: the `up` gets by without help", async (_name, fault) => {
    const { hits, remove } = hit(gateway, fault);
    await project.up();
    expect(hits()).toBe(1);
    remove();
    await expectWhole(gateway, project, 4);
  });

  const refusals: [string, Fault, string][] = [
    [
      "refuses to make a volume",
      { ...create, do: error(166, "Could not create the volume") },
      'the array says "Could not create the volume" (code 166)',
    ],
    [
      "refuses to map it",
      { ...map, do: error(80, "Could not find the SDC") },
      'the array says "Could not find the SDC" (code 80)',
    ],
    [
      "refuses its limits",
      { ...limit, do: error(64, "Parameter out of range") },
      'the array says "Parameter out of range" (code 64)',
    ],
    ["breaks every connection after the volumes were made", { ...create, times: "always", do: "cut-after-commit" }, ""],
    ["never answers again", { ...map, times: "always", do: "hang" }, "gave no answer within 3 s"],
  ];
  const loginRefusals: [string, Fault, string][] = [
    [
      "answers with a page in HTML",
      { match: { path: "addMappedSdc" }, times: "always", do: "unauthorized-html" },
      "refuses a login that it has just given",
    ],
  ];
  const finished = version === "4.5" ? [...refusals, ...loginRefusals] : loginRefusals;
  test.each(finished)(
    "the gateway %s: the error says so, and a second `up` finishes",
    async (_name, fault, message) => {
      const { hits, remove } = hit(gateway, fault);
      const before = logins(gateway);
      const { code, text } = await project.run(["up", "--yes", "--skip-preview"]);
      expect(hits()).toBeGreaterThan(0);
      // Broken connections alone don't make it fail: volumes are found again by their names.
      expect([code === 0, text]).toEqual([message === "", expect.stringContaining(message)]);
      expect(diagnostics({ code, text })).not.toMatch(/\n +at /);
      // However many volumes ask again, nobody logs in for each.
      expect(logins(gateway) - before).toBeLessThan(20);
      remove();
      await project.up();
      await expectWhole(gateway, project, 4);
    },
  );
});

function hit(gateway: ScaleioGateway, fault: Fault) {
  const handle = gateway.fault(fault);
  return { hits: () => handle.hits, remove: () => handle.remove() };
}

describe("an `up` that is killed", () => {
  let gateway: ScaleioGateway;
  const project = new ScaleioProject("killed", () => gateway);
  const volumes = 6;
  beforeAll(async () => {
    gateway = await startScaleioGateway({ latencyMs: 60 });
    await project.connect();
    project.program(declare(volumes));
  });
  afterAll(async () => {
    await project.dispose();
    await gateway.close();
  });

  // Volumes that are made, mapped, and limited.
  const done = () => {
    const mappings = onArray(gateway).flatMap(({ mapped }) => mapped);
    return onArray(gateway).length + mappings.length + mappings.filter((each) => !each.includes(" 0 IOPS")).length;
  };

  // One volume made, several, the first mapped, nearly all done: wherever it was, the next one goes on.
  test.each([1, 4, 9, 12])("when %i of 18 changes are done: the next `up` goes on", async (changes) => {
    const { isRunning, kill } = await project.begin(["up", "--yes", "--skip-preview"]);
    while (isRunning() && done() < changes) await new Promise((passed) => setTimeout(passed, 5));
    expect(isRunning()).toBe(true);
    await kill();
    expect(done()).toBeGreaterThanOrEqual(changes);
    await project.run(["cancel", "--yes"]);
    await project.up();
    await expectWhole(gateway, project, volumes);
    succeeded(await project.run(["destroy", "--yes", "--skip-preview"]));
    expect(onArray(gateway)).toEqual([]);
  });

  test("and a volume of the name that isn't surely ours is not taken up: the error has its id and the way out", async () => {
    project.program('new ProfiledVolume("v@gold", { sizeGiB: 8 });');
    await project.up();
    const [made] = onArray(gateway);
    // A state that was lost: the volume is there, and older than any run that was just interrupted.
    gateway.advance(25 * 3_600_000);
    succeeded(await project.run(["stack", "rm", "--yes", "--force"]));
    await project.connect();
    const { code, text } = await project.run(["up", "--yes", "--skip-preview"]);
    expect(code).not.toBe(0);
    expect(text).toContain("it was made more than 24 hours ago");
    expect(text).toContain(`import: "${made?.id}"`);
    expect(onArray(gateway)).toEqual([made]);
    project.program(`new ProfiledVolume("v@gold", { sizeGiB: 8, import: "${made?.id}" });`);
    await project.up();
    expect(onArray(gateway)).toEqual([made]);
    project.program('new ProfiledVolume("v@gold", { sizeGiB: 8 });');
    expect(await project.steps()).toEqual([]);
  });
});
