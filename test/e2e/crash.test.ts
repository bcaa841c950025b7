// The provider is killed between each two steps of making, changing and removing a volume, under the real engine: the next
// `up` or `destroy` finishes or cleans what was left. (The layer's own tests do the same without the engine, and more.)

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Project } from "../support/engine";
import { describeIf, leftovers, loopReason } from "../support/machine";

// Loaded into the provider's process before anything else; it kills that process after the step.
const KILLER = `
const Module = require("node:module");
const load = Module._load;
Module._load = function (request, parent, isMain) {
  const loaded = load.call(this, request, parent, isMain);
  if (!request.endsWith("/steps") || loaded.patched) return loaded;
  const { steps } = loaded;
  return { ...loaded, patched: true, steps: (lock, observe) => steps(lock, (step) => {
    require("node:fs").appendFileSync(process.env.KILLER_LOG, step + "\\n");
    if (step === process.env.KILL_AFTER) process.kill(process.pid, "SIGKILL");
    return observe?.(step);
  }) };
};
`;

describeIf(loopReason() === undefined, "a provider that is killed", loopReason(), () => {
  const project = new Project("crash", "");
  const log = join(project.directory, "steps.log");
  const killed = (step: string) => ({
    NODE_OPTIONS: `--require ${join(project.directory, "killer.js")}`,
    KILLER_LOG: log,
    KILL_AFTER: step,
  });
  const declare = (profile: string, sizeGiB: number) =>
    project.program(`new ProfiledVolume("data@${profile}", { sizeGiB: ${sizeGiB} });`);
  const precious = join(project.volumes, "volumes/crash/dev/data/mount/precious");
  /** The names of the steps that a command takes. */
  const stepsOf = async (command: () => Promise<unknown>): Promise<string[]> => {
    writeFileSync(log, "");
    await command();
    return [...new Set(readFileSync(log, "utf8").trim().split("\n"))].filter(Boolean);
  };
  beforeAll(async () => {
    project.write("killer.js", KILLER);
    await project.init();
  });
  beforeEach(() => {
    project.reset();
    project.config({ deletionProtection: false });
  });
  afterAll(() => project.dispose());

  /** Runs a command that is killed after a step. */
  const kill = async (command: string[], step: string) => {
    const { code } = await project.run([...command, "--yes", "--skip-preview"], killed(step));
    expect([step, code]).not.toEqual([step, 0]);
  };

  test("while it makes a volume: the next `up` finishes it, and `destroy` leaves nothing", async () => {
    declare("gold", 1);
    const steps = await stepsOf(() => project.up(killed("none")));
    expect(steps.length).toBeGreaterThan(3);
    await project.destroy();
    for (const step of steps) {
      await kill(["up"], step);
      await project.up();
      writeFileSync(precious, step);
      await project.destroy();
      expect([step, leftovers(project.volumes)]).toEqual([step, []]);
    }
  });

  test("while it grows and changes a volume: the next `up` finishes it, with the data", async () => {
    declare("gold", 1);
    await project.up();
    writeFileSync(precious, "data");
    let sizeGiB = 2;
    declare("silver", sizeGiB);
    const steps = await stepsOf(() => project.up(killed("none")));
    expect(steps.length).toBeGreaterThan(1);
    for (const step of steps) {
      sizeGiB += 1;
      declare(sizeGiB % 2 ? "gold" : "silver", sizeGiB);
      await kill(["up"], step);
      await project.up();
      expect((await project.state())["LocalVolume data"]?.outputs).toMatchObject({ sizeGiB, problems: [] });
      expect(readFileSync(precious, "utf8")).toBe("data");
    }
    expect(await project.steps()).toEqual([]);
  });

  test("while it removes a volume: the next `destroy` finishes it", async () => {
    declare("gold", 1);
    await project.up();
    const steps = await stepsOf(() => project.run(["destroy", "--yes", "--skip-preview"], killed("none")));
    expect(steps.length).toBeGreaterThan(1);
    for (const step of steps) {
      await project.up();
      await kill(["destroy"], step);
      await project.destroy();
      expect([step, leftovers(project.volumes)]).toEqual([step, []]);
      expect(existsSync(precious)).toBe(false);
    }
  });
});
