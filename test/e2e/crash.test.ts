// The provider is killed between each two steps of making, changing and removing a volume, under the real engine: the next
// `up` or `destroy` finishes what was left. (The layer's own tests do the same without the engine, and more.)

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Project } from "../support/engine";
import { describeIf, leftovers, loopReason } from "../support/machine";
import { loopSteps } from "../support/steps";

/** The steps of each command. */
const steps = {
  make: loopSteps.create,
  change: ["recorded", "image-grown", "attached", "device-grown", "mounted", "file-system-grown", "limited", "ready"],
  remove: loopSteps.delete,
};

/** One for each step. */
const volumes = steps.make.map((_, index) => `v${index}`);

// Loaded into the provider's process before anything else. Each volume stops after its own step, and when the last one does, the
// process is killed. Which volume takes a step is known by its lock.
const KILLER = `
const { appendFileSync } = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const load = Module._load;
const stops = JSON.parse(process.env.KILLER_STOPS);
const names = new WeakMap();
const stopped = new Set();
const patches = {
  "./lock": ({ withLock, ...rest }) => ({ ...rest, withLock: (directory, what, operation, action, ...more) =>
    withLock(directory, what, operation, (lock) => { names.set(lock, path.basename(what)); return action(lock); }, ...more) }),
  "./steps": ({ steps, ...rest }) => ({ ...rest, steps: (lock, observe) => steps(lock, async (step) => {
    const name = names.get(lock);
    appendFileSync(process.env.KILLER_LOG, name + " " + step + "\\n");
    if (stops[name] !== step) return observe?.(step);
    stopped.add(name);
    if (stopped.size === Object.keys(stops).length) process.kill(process.pid, "SIGKILL");
    await new Promise(() => undefined);
  }) }),
};
const patched = new Map();
Module._load = function (request, parent, isMain) {
  const loaded = load.call(this, request, parent, isMain);
  if (!patches[request] || !parent.filename.includes("/components/backends/local/")) return loaded;
  if (!patched.has(loaded)) patched.set(loaded, patches[request](loaded));
  return patched.get(loaded);
};
`;

describeIf(loopReason() === undefined, "a provider that is killed", loopReason(), () => {
  const project = new Project("crash", "");
  const log = join(project.directory, "steps.log");
  const declare = (profile: string, sizeGiB: number) =>
    project.program(
      `for (const name of ${JSON.stringify(volumes)}) new ProfiledVolume(name + "@${profile}", { sizeGiB: ${sizeGiB} });`,
    );
  const precious = (name: string) => join(project.volumes, "volumes/crash/dev", name, "mount/precious");
  beforeAll(async () => {
    project.write("killer.js", KILLER);
    await project.init();
    project.config({ deletionProtection: false });
  });
  afterAll(() => project.dispose());

  /** Runs a command whose provider is killed when each of these steps is the last one that a volume has taken. */
  const kill = async (command: string, after: string[]) => {
    rmSync(log, { force: true });
    const stops = Object.fromEntries(volumes.map((name, index) => [name, after[index % after.length]]));
    // As many at once as there are: the ones that have stopped are under way.
    const { code } = await project.run([command, "--yes", "--skip-preview", "--parallel", `${2 * volumes.length}`], {
      NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --require ${join(project.directory, "killer.js")}`,
      KILLER_LOG: log,
      KILLER_STOPS: JSON.stringify(stops),
    });
    expect(code).not.toBe(0);
    const lines = readFileSync(log, "utf8").trim().split("\n");
    const takenBy = (name: string) =>
      lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
    expect(Object.fromEntries(volumes.map((name) => [name, takenBy(name).at(-1)]))).toEqual(stops);
    // The one that was let take the last step has taken all that there are.
    expect(takenBy(volumes[after.length - 1] ?? "").sort()).toEqual([...after].sort());
  };

  /** What the state has of the volumes. */
  const recorded = async () => {
    const state = await project.state();
    return volumes.map((name) => state[`LocalVolume ${name}`]?.outputs);
  };

  test("while it makes, changes and removes volumes: the next run finishes it, with the data, and nothing is left", async () => {
    declare("gold", 1);
    await kill("up", steps.make);
    await project.up();
    expect(await recorded()).toMatchObject(volumes.map(() => ({ sizeGiB: 1, problems: [] })));
    for (const name of volumes) writeFileSync(precious(name), name);

    declare("silver", 2);
    await kill("up", steps.change);
    await project.up();
    expect(await recorded()).toMatchObject(
      volumes.map(() => ({ sizeGiB: 2, settings: { iopsLimit: 3000 }, problems: [] })),
    );
    expect(volumes.map((name) => readFileSync(precious(name), "utf8"))).toEqual(volumes);
    expect(await project.steps()).toEqual([]);

    await kill("destroy", steps.remove);
    await project.destroy();
    expect(await recorded()).toEqual(volumes.map(() => undefined));
    expect(leftovers(project.volumes)).toEqual([]);
  });
});
