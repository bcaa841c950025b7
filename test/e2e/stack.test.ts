// A stack from outside its program, through the real engine: edited, planned, applied; two at a time, killed, locked, edited by hand.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { parse } from "yaml";

import { openProject, StackError, type Operation, type OperationEvent, type Stack } from "../../src/stack";
import { startScaleioGateway, type ScaleioGateway } from "../../emulators";
import { until } from "../../tools/test/time.js";
import { isInterrupted, Project } from "../support/engine";
import { onArray, ScaleioProject } from "../support/scaleio";

const PROGRAM = `
const { volumesOfStack } = require("storage-profiles");
const { existsSync, writeFileSync } = require("node:fs");
// Where the file is there, the program waits until it is gone, and says so by another file.
const wait = () => new Promise((done) => {
  if (pulumi.runtime.isDryRun()) return done();
  if (existsSync("wait")) writeFileSync("waiting", "");
  const look = () => existsSync("wait") ? setTimeout(look, 50) : done();
  look();
});
module.exports = (async () => {
  const volumes = Object.entries(volumesOfStack());
  const made = volumes.slice(0, 1).map(([name, asked]) => new ProfiledVolume(name, asked));
  for (const each of made) await new Promise((done) => each.volumeId.apply(done));
  await wait();
  for (const [name, asked] of volumes.slice(1)) new ProfiledVolume(name, asked);
})();
`;

const FILE = `# Ours.
config:
  storage-profiles:backend: 'local' # quoted
  storage-profiles:profiles:
    # For databases.
    fast: { local: { iops: 9000 } } # many
  storage-profiles:volumes:
    data: { profile: fast, sizeGiB: 1 }
    # The logs.
    logs: { sizeGiB: 1, deletionProtection: false }
`;

const dist = resolve(__dirname, "../../dist/src/stack/index.js");

/** A stack of a project of a test's own, in which volumes are directories. */
class StackProject extends Project {
  get file(): string {
    return join(this.directory, "Pulumi.dev.yaml");
  }

  /** Where it is there, the program waits. */
  get wait(): string {
    return join(this.directory, "wait");
  }

  /** Has the next program wait. */
  hold(): void {
    rmSync(join(this.directory, "waiting"), { force: true });
    writeFileSync(this.wait, "");
  }

  /** Waits until the program waits. */
  async waits(): Promise<void> {
    await until("the program waits", () => existsSync(join(this.directory, "waiting")));
  }

  get journal(): string {
    return join(this.directory, "../journal");
  }

  /** Whether a run of the engine holds the stack's lock. */
  isLocked(): boolean {
    // The folder stays when the lock is gone.
    const locks = join(this.directory, `../state/.pulumi/locks/organization/${this.name}/dev`);
    return existsSync(locks) && readdirSync(locks).length > 0;
  }

  async open(): Promise<Stack> {
    const [env, pulumi] = [await this.env(), await this.pulumi()];
    const options = { directory: this.directory, env, pulumi, journalDirectory: this.journal };
    return (await openProject(options)).stack("dev");
  }

  /** Makes the stack, with the file that is given and what the engine adds to it. */
  async prepared(text: string): Promise<Stack> {
    await this.init();
    const salt = /^encryptionsalt:.*$/m.exec(readFileSync(this.file, "utf8"))?.[0] ?? "";
    const own = `  storage-profiles:local: { stateDirectory: ${this.volumes}, mode: directory }\n`;
    writeFileSync(this.file, `${text}${own}${salt}\n`);
    return this.open();
  }

  /** Runs JavaScript with `stack` in scope, in a process of its own. */
  async script(text: string): Promise<ChildProcess> {
    const options = JSON.stringify({
      directory: this.directory,
      pulumi: await this.pulumi(),
      journalDirectory: this.journal,
    });
    const code = `(async () => { const stack = (await require(${JSON.stringify(dist)}).openProject(${options})).stack("dev"); ${text} })()
      .catch((error) => { console.error(error); process.exitCode = 1; });`;
    return spawn(process.execPath, ["-e", code], { env: await this.env(), stdio: ["ignore", "pipe", "inherit"] });
  }
}

const ended = (child: ChildProcess) => new Promise<number | null>((done) => child.once("close", done));
const statuses = async (stack: Stack, options = {}) =>
  Object.fromEntries((await stack.status(options)).map(({ name, status }) => [name, status]));
const eventsOf = async (operation: Operation): Promise<OperationEvent[]> => {
  const events: OperationEvent[] = [];
  for await (const event of operation.events()) events.push(event);
  return events;
};

describe("a new stack on this machine", () => {
  const project = new StackProject("new-stack", PROGRAM);
  afterAll(() => project.dispose());

  test("is brought up, edited, seen out of date, and brought up to date, and then nothing is left to do", async () => {
    const stack = await project.prepared(FILE);
    expect(await statuses(stack)).toEqual({ data: "not-created", logs: "not-created" });
    const first = stack.apply();
    expect((await first.done).problems).toEqual([]);
    expect(await statuses(stack)).toEqual({ data: "compliant", logs: "compliant" });
    expect(
      (await eventsOf(first)).map((each) => each.type === "resource" && each.phase === "done" && each.resource),
    ).toEqual(expect.arrayContaining(["LocalVolume data", "LocalVolume logs"]));

    const before = readFileSync(project.file, "utf8");
    const fast = { local: { iops: 4000 } };
    const { tag } = await stack.readConfig();
    const planned = await stack.plan([{ kind: "set-profile", name: "fast", definition: fast }]);
    expect(planned.touched).toMatchObject([
      {
        ...{ name: "data", verdict: "in-place" },
        notes: [{ message: "iopsLimit: 9,000 IOPS → 4,000 IOPS, in place" }, { code: "limits-not-enforced" }],
      },
    ]);
    expect(readFileSync(project.file, "utf8")).toBe(before);

    const edited = await stack.edit([{ kind: "set-profile", name: "fast", definition: fast }], { ifTag: tag });
    expect(edited).toMatchObject({ changed: true, problems: [] });
    expect(readFileSync(project.file, "utf8")).toBe(before.replace("9000", "4000"));
    const [data, logs] = await stack.status();
    expect(data).toMatchObject({
      status: "out-of-date",
      causes: [{ code: "status-revision-changed" }],
      verdict: "in-place",
    });
    expect(logs).toMatchObject({ status: "compliant", causes: [] });

    expect(await stack.apply().done).toMatchObject({ state: "succeeded", volumes: ["data"] });
    expect(await statuses(stack)).toEqual({ data: "compliant", logs: "compliant" });
    expect((await project.state())["LocalVolume data"]?.outputs["settings"]).toMatchObject({ iopsLimit: 4000 });
    expect(await project.steps()).toEqual([]);

    // A second run starts no engine.
    const again = stack.apply();
    expect(await again.done).toMatchObject({ state: "succeeded", volumes: [], summary: {} });
    expect((await eventsOf(again)).map(({ type }) => type)).toEqual(["state", "state", "state"]);
    expect((await stack.operations()).map(({ state }) => state)).toEqual(["succeeded", "succeeded", "succeeded"]);
  });
});

describe("a stack on this machine", () => {
  const project = new StackProject("stack", PROGRAM);
  let stack: Stack;
  beforeAll(async () => {
    await project.prepared(FILE.replace("logs: { sizeGiB: 1,", "logs: { profile: fast, sizeGiB: 2,"));
    await project.up();
    project.keep();
  });
  beforeEach(async () => {
    for (const name of ["wait", "waiting"]) rmSync(join(project.directory, name), { force: true });
    project.reset();
    stack = await project.open();
  });
  afterAll(() => project.dispose());

  test("applies to the volumes that are named, and to no others", async () => {
    await stack.edit([
      { kind: "set-volume", name: "logs", volume: { profile: "fast", sizeGiB: 3, deletionProtection: false } },
      { kind: "set-volume", name: "third", volume: { sizeGiB: 1 } },
    ]);
    expect(await stack.apply({ volumes: ["third"] }).done).toMatchObject({
      state: "succeeded",
      summary: { create: 2 },
    });
    expect(await statuses(stack)).toEqual({ data: "compliant", logs: "out-of-date", third: "compliant" });
    const wrong = await stack.apply({ volumes: ["lgos"] }).done;
    expect(wrong.problems).toMatchObject([{ code: "volume-unknown", fix: 'did you mean "logs"?' }]);
    await stack.apply().done;
    expect(await statuses(stack)).toEqual({ data: "compliant", logs: "compliant", third: "compliant" });
  });

  test("refuses what can't be, with everything listed and nothing written", async () => {
    const before = readFileSync(project.file, "utf8");
    const refused = await stack.edit([
      { kind: "set-profile", name: "bad", definition: { extends: "gone", local: { iops: -1 } } },
      { kind: "set-volume", name: "logs", volume: { profile: "fast", sizeGiB: 1 } },
      { kind: "set-volume", name: "fourth", volume: { profile: "fats", sizeGiB: 1 } },
    ]);
    expect(refused.problems.map(({ code }) => code).sort()).toEqual([
      "change-shrinks",
      "profile-parent-unknown",
      "profile-unknown",
      "value-out-of-range",
    ]);
    const removal = await stack.edit([
      { kind: "remove-profile", name: "fast" },
      { kind: "remove-volume", name: "data" },
      { kind: "remove-profile", name: "gold" },
    ]);
    expect(removal.problems).toMatchObject([
      { code: "profile-in-use", message: '"fast" is used by volumes data, logs' },
      { code: "volume-protected" },
      { code: "profile-not-own" },
    ]);
    expect(readFileSync(project.file, "utf8")).toBe(before);
  });

  test("deletes a volume when its protection is taken away and its config no longer lists it, and not before", async () => {
    const remove = () => stack.edit([{ kind: "remove-volume", name: "data" }]);
    expect((await remove()).problems).toMatchObject([{ code: "volume-protected" }]);
    const volume = { profile: "fast", sizeGiB: 1, deletionProtection: false };
    await stack.edit([{ kind: "set-volume", name: "data", volume }]);
    expect(await stack.status({ volumes: ["data"] })).toMatchObject([
      { status: "out-of-date", causes: [{ path: "deletionProtection" }] },
    ]);
    expect(await stack.apply().done).toMatchObject({ state: "succeeded", volumes: ["data"] });
    expect((await stack.apply({ destroy: ["data"] }).done).problems).toMatchObject([{ code: "volume-declared" }]);
    expect(await remove()).toMatchObject({ changed: true, touched: [{ name: "data", verdict: "delete" }] });
    expect(await stack.apply({ destroy: ["data"] }).done).toMatchObject({
      state: "succeeded",
      summary: { delete: 2 },
    });
    expect(existsSync(join(project.volumes, "volumes/stack/dev/data"))).toBe(false);
    expect(await statuses(stack)).toEqual({ logs: "compliant" });
  });

  test("sees at a refresh what is gone, and makes it anew", async () => {
    rmSync(join(project.volumes, "volumes/stack/dev/logs"), { recursive: true, force: true });
    expect(await statuses(stack)).toMatchObject({ logs: "compliant" });
    expect(await stack.status({ refresh: true })).toMatchObject([
      { name: "data", status: "compliant" },
      { name: "logs", status: "non-compliant", causes: [{ code: "status-gone" }], verdict: "create" },
    ]);
    expect(await stack.apply().done).toMatchObject({ state: "succeeded", volumes: ["logs"] });
    expect(await statuses(stack)).toEqual({ data: "compliant", logs: "compliant" });
  });

  test("says who holds its lock, and answers reads meanwhile", async () => {
    project.hold();
    await stack.edit([
      { kind: "set-volume", name: "logs", volume: { profile: "fast", sizeGiB: 3, deletionProtection: false } },
    ]);
    const other = await project.begin(["up", "--yes", "--skip-preview"]);
    try {
      await until("the other run has the lock", () => project.isLocked());
      const report = await stack.apply().done;
      expect(report).toMatchObject({ state: "failed", problems: [{ code: "stack-locked" }] });
      expect(report.problems[0]?.message).toMatch(/the stack is locked by another run: \S+@\S+ \(pid \d+\), since 20/);
      expect(await statuses(stack)).toMatchObject({ logs: "out-of-date" });
      // One that is told to wait gets its turn.
      const patient = stack.apply({ waitForLockSeconds: 60 });
      await until("it has its turn", () => patient.report().state === "running");
      rmSync(project.wait);
      expect(await patient.done).toMatchObject({ state: "succeeded" });
      expect(await statuses(stack)).toMatchObject({ logs: "compliant" });
    } finally {
      rmSync(project.wait, { force: true });
      await other.kill();
    }
  });

  test("cancels: what waits at once, what runs after what it is doing, and both can be run again", async () => {
    project.hold();
    await stack.edit([
      { kind: "set-volume", name: "logs", volume: { profile: "fast", sizeGiB: 4, deletionProtection: false } },
    ]);
    const [running, queued] = [stack.apply(), stack.apply()];
    await until("it runs", () => running.report().state === "running");
    queued.cancel();
    expect(await queued.done).toMatchObject({ state: "cancelled", problems: [{ code: "operation-cancelled" }] });
    await project.waits();
    running.cancel();
    await until("the engine knows", () => isInterrupted(project.journal, running.id));
    rmSync(project.wait);
    expect(await running.done).toMatchObject({ state: "cancelled" });
    expect(await (await stack.resume(running.id)).done).toMatchObject({ state: "succeeded" });
    expect(await statuses(stack)).toEqual({ data: "compliant", logs: "compliant" });
  });

  test("whoever ran it is killed: it is reported as interrupted, the engine goes on, and it can be run again", async () => {
    project.hold();
    await stack.edit([
      { kind: "set-volume", name: "logs", volume: { profile: "fast", sizeGiB: 5, deletionProtection: false } },
    ]);
    const child = await project.script("await stack.apply().done;");
    await project.waits();
    child.kill("SIGKILL");
    await ended(child);
    const [interrupted] = await stack.operations();
    expect(interrupted).toMatchObject({ state: "interrupted", engineRunning: true, volumes: ["logs"] });
    expect(await (await stack.resume(interrupted?.id ?? "")).done).toMatchObject({
      problems: [{ code: "stack-locked" }],
    });
    rmSync(project.wait);
    await until(
      "the engine has ended",
      async () => !(await stack.operations()).some(({ engineRunning }) => engineRunning),
    );
    expect(await (await stack.resume(interrupted?.id ?? "")).done).toMatchObject({ state: "succeeded" });
    expect(await statuses(stack)).toEqual({ data: "compliant", logs: "compliant" });
  });

  test("the engine is killed with it: the lock that nobody holds is taken away when it is run again", async () => {
    project.hold();
    // The second is declared only after the program has waited: however late the kill, something is left to do.
    await stack.edit([
      { kind: "set-volume", name: "data", volume: { profile: "fast", sizeGiB: 2 } },
      { kind: "set-volume", name: "logs", volume: { profile: "fast", sizeGiB: 6, deletionProtection: false } },
    ]);
    const child = await project.script("await stack.apply().done;");
    await project.waits();
    child.kill("SIGKILL");
    await ended(child);
    const engine = enginePid(project.journal);
    process.kill(-engine, "SIGKILL");
    rmSync(project.wait);
    await until("the engine has ended", async () => (await stack.operations())[0]?.engineRunning === false);
    const [interrupted] = await stack.operations();
    const again = await stack.resume(interrupted?.id ?? "");
    expect(await again.done).toMatchObject({ state: "succeeded" });
    expect(JSON.stringify(await eventsOf(again))).toContain("removing the lock of a killed run");
    expect(await statuses(stack)).toEqual({ data: "compliant", logs: "compliant" });
    expect(await project.steps()).toEqual([]);
  });

  test("a run was killed while the engine wrote what it keeps beside the state: the state is read all the same", async () => {
    const state = join(project.directory, "../state/.pulumi");
    const sidecars = ["meta.yaml.attrs", `stacks/${project.name}/dev.json.attrs`].map((each) => join(state, each));
    const before = await stack.readState();
    for (const file of sidecars) writeFileSync(file, "");
    expect(await project.run(["stack", "export"])).toMatchObject({ code: 1, text: expect.stringContaining("EOF") });
    expect(await stack.readState()).toEqual(before);
    await stack.edit([{ kind: "set-volume", name: "data", volume: { profile: "fast", sizeGiB: 2 } }]);
    expect(await stack.apply({ volumes: ["data"] }).done).toMatchObject({ state: "succeeded", volumes: ["data"] });
    expect(await project.run(["stack", "export"])).toMatchObject({ code: 0 });
    expect(await statuses(stack)).toEqual({ data: "compliant", logs: "compliant" });
  });

  test("fifty writers in five processes lose no edit, and a sixth that is killed leaves nothing half", async () => {
    const script = (first: number) => `await Promise.all([...Array(10).keys()].map((i) => stack.edit([
      { kind: "set-profile", name: "p" + (${first} + i), definition: { local: { iops: 100 + ${first} + i } } }])))
      .then((all) => { if (all.some(({ changed }) => !changed)) throw new Error("an edit was not made"); });`;
    const victim = await project.script(
      `for (let i = 0; ; i++) await stack.edit([{ kind: "set-profile", name: "victim", definition: { local: { iops: i + 1 } } }]);`,
    );
    const writers = await Promise.all([0, 10, 20, 30, 40].map((first) => project.script(script(first))));
    const ends = writers.map(ended);
    await until("the sixth writes", () => readFileSync(project.file, "utf8").includes("victim"));
    victim.kill("SIGKILL");
    expect(await Promise.all(ends)).toEqual([0, 0, 0, 0, 0]);
    const text = readFileSync(project.file, "utf8");
    const { profiles } = { profiles: parse(text).config["storage-profiles:profiles"] };
    expect(Object.keys(profiles).filter((name) => /^p\d+$/.test(name))).toHaveLength(50);
    for (let i = 0; i < 50; i++) expect(profiles[`p${i}`]).toEqual({ local: { iops: 100 + i } });
    for (const line of ["# Ours.", "    # For databases.", "  storage-profiles:backend: 'local' # quoted"])
      expect(text).toContain(line);
    expect((await stack.readConfig()).problems).toEqual([]);
  });

  test("edited by hand meanwhile, it refuses an edit that was made for what stood there before", async () => {
    const { tag } = await stack.readConfig();
    const byHand = readFileSync(project.file, "utf8").replace("# Ours.", "# Mine.");
    writeFileSync(project.file, byHand);
    const edit = stack.edit([{ kind: "set-profile", name: "late", definition: { local: {} } }], { ifTag: tag });
    await expect(edit).rejects.toMatchObject({ code: "config-changed" });
    expect(readFileSync(project.file, "utf8")).toBe(byHand);
    writeFileSync(project.file, `${byHand}\nconfig: {}\n`);
    await expect(stack.edit([{ kind: "remove-profile", name: "fast" }])).rejects.toThrow(StackError);
    await expect(stack.readConfig()).rejects.toMatchObject({ code: "file-not-parsed" });
    expect(readFileSync(project.file, "utf8")).toBe(`${byHand}\nconfig: {}\n`);
    writeFileSync(project.file, byHand);
  });
});

function enginePid(journal: string): number {
  const entries = readdirSync(journal, { recursive: true, encoding: "utf8" })
    .filter((each) => each.endsWith(".json"))
    .map((each) => JSON.parse(readFileSync(join(journal, each), "utf8")))
    .sort((a, b) => (a.report.createdAt < b.report.createdAt ? 1 : -1));
  return entries[0].engine.pid as number;
}

describe("a program that declares its volumes itself, on an array", () => {
  let gateway: ScaleioGateway;
  const project = new ScaleioProject("stackarray", () => gateway);
  let stack: Stack;
  const programOf = (sizeGiB: number) => `
    const data = new ProfiledVolume("data@fast", { sizeGiB: ${sizeGiB} });
    new VolumeMapping("data-on-node1", { volume: data, sdc: "node1" });
    new ProfiledVolume("log", { sizeGiB: 8 });
  `;
  beforeAll(async () => {
    gateway = await startScaleioGateway({ version: "4.5" });
    await project.connect({ profiles: { fast: { scaleio: { iopsLimit: 5000, ramCache: true } } } });
    project.program(programOf(8));
    await project.up();
    const options = { directory: project.directory, env: await project.env(), pulumi: await project.pulumi() };
    stack = (await openProject({ ...options, journalDirectory: join(project.directory, "../journal") })).stack("dev");
  });
  afterAll(async () => {
    await project.dispose();
    await gateway.close();
  });

  test("another profile for a volume is the program's to say", async () => {
    const edit = await stack.edit([{ kind: "set-volume", name: "data", volume: { profile: "gold", sizeGiB: 8 } }]);
    expect(edit.problems).toMatchObject([{ code: "volume-of-program" }]);
    const removal = await stack.edit([{ kind: "remove-volume", name: "log" }]);
    expect(removal.problems).toMatchObject([{ code: "volume-of-program" }]);
    expect(await stack.apply({ destroy: ["log"] }).done).toMatchObject({
      state: "failed",
      problems: [{ code: "volume-declared" }],
    });
    expect(await statuses(stack)).toEqual({ data: "compliant", log: "compliant" });
  });

  test("an edit of a profile reaches its volumes and their mappings and nothing else; drift shows at a refresh, and is put right", async () => {
    expect(await statuses(stack)).toEqual({ data: "compliant", log: "compliant" });
    const { touched, problems } = await stack.edit([
      { kind: "set-profile", name: "fast", definition: { scaleio: { iopsLimit: 7000, ramCache: false } } },
    ]);
    expect(problems).toEqual([]);
    expect(touched).toMatchObject([{ name: "data", verdict: "in-place", declaredBy: "program" }]);
    expect(await statuses(stack)).toEqual({ data: "out-of-date", log: "compliant" });
    expect(await stack.apply().done).toMatchObject({ state: "succeeded", volumes: ["data"], problems: [] });
    expect(onArray(gateway)).toMatchObject([{ what: "8 GiB thin", mapped: ["node1 7000 IOPS 0 MB/s"] }, {}]);
    expect(await statuses(stack)).toEqual({ data: "compliant", log: "compliant" });

    // What was changed on the array shows at a refresh.
    const id = onArray(gateway)[0]?.id ?? "";
    gateway.array.setLimits(id, "node1", { iopsLimit: 500 });
    gateway.array.resizeVolume(id, 16);
    expect(await statuses(stack)).toMatchObject({ data: "compliant" });
    expect(await stack.status({ refresh: true })).toMatchObject([
      {
        name: "data",
        status: "non-compliant",
        causes: [
          {
            message:
              "iopsLimit of data-on-node1 is 500 IOPS, expected 7,000 IOPS: changed on the backend, or not updated by the last `up`",
          },
          { message: "drifted: sizeGiB is 16 GiB, expected 8 GiB" },
        ],
        verdict: "refused",
      },
      { status: "compliant" },
    ]);
    // What the backend can't take back the hook refuses.
    const refused = await stack.apply().done;
    expect(refused).toMatchObject({ state: "failed", problems: [{ code: "engine-failed" }] });
    expect(refused.problems[0]?.message).toContain("the volume can't shrink from 16 GiB to 8 GiB");
    project.program(programOf(16));
    expect(await stack.apply({ volumes: ["data"] }).done).toMatchObject({ state: "succeeded", volumes: ["data"] });
    expect(await statuses(stack, { refresh: true })).toEqual({ data: "compliant", log: "compliant" });
  });
});
