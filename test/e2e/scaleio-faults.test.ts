// What goes wrong between us and the gateway, in the middle of an `up`: the next one ends with exactly one volume for each
// declaration, each mapped once, with its limits.

import type { Fault, ScaleioGateway } from "../../emulators";
import { until } from "../../tools/test/time.js";
import { diagnostics } from "../support/engine";
import { emptyGateway, logins, onArray, ScaleioProject, strandCreations, UP } from "../support/scaleio";

let gateway: ScaleioGateway;
const project = new ScaleioProject("faults", () => gateway);
afterEach(() => gateway.close());
afterAll(() => project.dispose());

/** A stack with nothing in it, and a program with volumes that are mapped, on a gateway of its own. */
const begin = async (version: string, count: number, timeoutSeconds = "3") => {
  gateway = await emptyGateway({ version });
  await project.init();
  project.reset();
  await project.connect({}, { timeoutSeconds });
  project.program(`
    for (let n = 10; n < ${10 + count}; n++) {
      const volume = new ProfiledVolume("v" + n + "@gold", { sizeGiB: 8 });
      new VolumeMapping("m" + n, { volume, sdc: "node1" });
    }
  `);
};

/** That many volumes, each once, with its mapping and limits, and the state knows all of them. */
async function expectWhole(count: number): Promise<void> {
  const found = onArray(gateway);
  expect(found.map(({ name }) => name)).toEqual(Array.from({ length: count }, (_, n) => `faults-dev-v${10 + n}`));
  for (const { mapped } of found) expect(mapped).toEqual(["node1 10000 IOPS 977 MB/s"]);
  const state = Object.entries(await project.state());
  const ids = state.filter(([what]) => what.startsWith("ScaleioVolume")).map(([, { id }]) => id);
  expect(ids.sort()).toEqual(found.map(({ id }) => id).sort());
}

/** A fault of a kind of call, that many of which pass before. */
const on = (path: string, skip: number, effect: Fault["do"], times?: Fault["times"]): Fault => ({
  ...{ match: { path }, skip, do: effect },
  ...(times === undefined ? {} : { times }),
});
const [create, map, limit] = ["createVolume", "addMappedSdc", "setMappedSdcLimits"] as const;
const error = (errorCode: number, message: string) => ({ error: { status: 500, errorCode, message } });

// What has to do with the login differs by version: each is tried on one here, and on all in the tests of the session. Each fault hits one call of
// a run.
const refusedTokens: [string, Fault][] = [
  ["a 401", on(create, 1, "unauthorized")],
  ["a 401 in HTML", on(map, 1, "unauthorized-html")],
];
// By itself: what is refused twice in a row is an error.
const forgottenLogin: [string, Fault][] = [
  ["a gateway that is started anew and forgets the login", on(create, 1, "restart")],
];
const connections: [string, Fault][] = [
  ["a connection that breaks before the volume is made", on(create, 1, "cut")],
  ["a connection that breaks after the volume was made", on(create, 3, "cut-after-commit")],
  ["a connection that breaks after the volume was mapped", on(map, 1, "cut-after-commit")],
  ["a connection that breaks before the limits are set", on(limit, 1, "cut")],
];
// By themselves: what is sent again must not meet another of them. When the first is sent again, the second has long been met.
const lateAnswers: [string, Fault][] = [
  ["no answer within the time limit", on(create, 0, "hang")],
  ["an answer after the time limit", on(create, 1, { latencyMs: 4_000 })],
];
test.each([
  ["3.6", "tokens that are refused", refusedTokens],
  ["4.5", "a login that is forgotten", forgottenLogin],
  ["4.5", "connections that break", connections],
  ["4.5", "late answers", lateAnswers],
])("on version %s an `up` gets by without help: %s", async (version, _what, faults) => {
  await begin(version, 10);
  const handles = faults.map(([name, fault]) => ({ name, handle: gateway.fault(fault) }));
  await project.up();
  expect(handles.map(({ name, handle: { hits } }) => [name, hits])).toEqual(faults.map(([name]) => [name, 1]));
  await expectWhole(10);
  // What was told differently on the way is no difference to the next run. Once is enough.
  if (faults === connections) expect(await project.steps()).toEqual([]);
});

test.each<[string, string, Fault[], string[]]>([
  [
    "4.5",
    "refuses to make a volume, to map one, and the limits of one",
    [
      on(create, 1, error(166, "Could not create the volume")),
      on(map, 1, error(80, "Could not find the SDC")),
      on(limit, 0, error(64, "Parameter out of range")),
    ],
    [
      'the array says "Could not create the volume" (code 166)',
      'the array says "Could not find the SDC" (code 80)',
      'the array says "Parameter out of range" (code 64)',
    ],
  ],
  [
    "4.5",
    // Broken connections alone don't make it fail: volumes are found again by their names.
    "breaks every connection after a volume was made, and never answers when one is to be mapped",
    [on(create, 1, "cut-after-commit", "always"), on(map, 1, "hang", "always")],
    ["within 3 s (scaleio:timeoutSeconds)"],
  ],
  [
    "3.6",
    "answers with a page in HTML",
    [on(map, 0, "unauthorized-html", "always")],
    ["rejected a login that it has just granted"],
  ],
])(
  "the gateway of version %s %s: the error says so, and a second `up` finishes",
  async (version, _name, faults, messages) => {
    await begin(version, 5);
    const handles = faults.map((fault) => gateway.fault(fault));
    // Several errors are told only by an engine that goes on, which then adds stack traces of the SDK's.
    const goesOn = messages.length > 1;
    const { code, text } = await project.run([...UP, ...(goesOn ? ["--continue-on-error"] : [])]);
    for (const { hits } of handles) expect(hits).toBeGreaterThan(0);
    for (const message of messages) expect([code === 0, text]).toEqual([false, expect.stringContaining(message)]);
    if (!goesOn) expect(diagnostics({ code, text })).not.toMatch(/\n +at /);
    // However many volumes ask again, nobody logs in for each.
    expect(logins(gateway)).toBeLessThan(20);
    gateway.clearFaults();
    await project.up();
    await expectWhole(5);
    if (goesOn) expect(await project.steps()).toEqual([]);
  },
);

test("an `up` that is killed when volumes are made, mapped, limited, or not there yet: the next one goes on with each", async () => {
  const [creates, maps, limits] = [5, 3, 1];
  await begin("4.5", 6, "600");
  // From then on the gateway gives no answer: there is time to kill the run just there.
  gateway.fault(on(create, creates, "hang", "always"));
  gateway.fault(on(map, maps, "hang", "always"));
  gateway.fault(on(limit, limits, "hang", "always"));
  const done = () => {
    const mappings = onArray(gateway).flatMap(({ mapped }) => mapped);
    return [onArray(gateway).length, mappings.length, mappings.filter((each) => !each.includes(" 0 IOPS")).length];
  };
  const { isRunning, kill } = await project.begin(UP);
  await until(
    () => `${String(done())} are done`,
    () => done().join() === [creates, maps, limits].join(),
  );
  expect(isRunning()).toBe(true);
  await kill();
  gateway.clearFaults();
  await project.run(["cancel", "--yes"]);
  await project.up();
  await expectWhole(6);
  expect(await project.steps()).toEqual([]);
});

test("a volume of the name that isn't surely ours is not taken up: the error has its id and the way out", async () => {
  await begin("4.5", 0);
  project.program('new ProfiledVolume("v@gold", { sizeGiB: 8 });');
  strandCreations(gateway);
  expect((await project.run(UP)).text).toContain("The volume may have been created");
  gateway.clearFaults();
  const [made] = onArray(gateway);
  // Older than any run that was just interrupted.
  gateway.advance(25 * 3_600_000);
  await project.refuses(["it was created more than 24 hours ago", `import: "${made?.id}"`], UP);
  project.program(`new ProfiledVolume("v@gold", { sizeGiB: 8, import: "${made?.id}" });`);
  await project.up();
  expect(onArray(gateway)).toEqual([made]);
});
