// Edits of a shared profile over many stacks, at once and in waves, with an engine whose `up` gives a volume what its profile says.

import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

import { run } from "../../../src/cli/run";
import { readConfigText } from "../../../src/stack/read-config";
import { readRollout, writeRollout } from "../../../src/stack/rollout-record";
import { resolve } from "../../../src";

const home = mkdtempSync(join(tmpdir(), "sp-rollout-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const project = join(home, "project");
const states = join(home, "states");
const journal = join(home, "journal");
const at = (name: string) => join(project, name);
const pulumi = join(home, "pulumi");
// An `up` takes the state that was made for the stack and for the IOPS in its own file, or in the shared one.
writeFileSync(
  pulumi,
  `#!/bin/sh
verb="$1"
for each in "$@"; do
  if [ "$last" = --stack ]; then stack="$each"; fi
  last="$each"
done
state="${states}/$stack.json"
hook="${home}/$verb-$stack"
if [ -f "$hook" ]; then sh "$hook" || { echo "error: out of luck" >&2; exit 255; }; fi
case "$verb" in
  stack) if [ -f "$state" ]; then cat "$state"; else echo "error: no stack named '$stack' found" >&2; exit 255; fi ;;
  preview) ;;
  up)
    echo "$stack" >> "${home}/ups"
    iops=$(cat "Pulumi.$stack.yaml" shared.yaml | grep -o 'iops: [0-9]*' | head -1 | grep -o '[0-9]*')
    cp "${states}/$stack-$iops.json" "$state" ;;
esac
`,
  { mode: 0o755 },
);

const STACKS = ["a", "b"];
const configOf = (text = "") =>
  `config:\n  storage-profiles:backend: local\n  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 } }\n${text}`;
const sharedText = (iops: number) => `profiles: { gold: { extends: gold, local: { iops: ${iops} } } }\n`;
const shared = () => readFileSync(at("shared.yaml"), "utf8");
const catalogIs = (name: string) => `  storage-profiles:catalog: ./${name}\n`;

/** What the state of a stack is once its volume has these IOPS. */
async function stateOf(stack: string, iops: number): Promise<string> {
  const profiles = `  storage-profiles:profiles: { gold: { extends: gold, local: { iops: ${iops} } } }\n`;
  const read = await readConfigText(configOf(profiles), at("x.yaml"), {
    directory: project,
    projectConfig: {},
    env: {},
  });
  const { volume } = resolve(read.catalog, read.requestFor("data", read.config.volumes?.["data"]));
  if (!volume) throw new Error("no volume");
  const { sizeGiB, settings } = volume;
  const urn = `urn:pulumi:${stack}::p::storage-profiles:index:ProfiledVolume::data`;
  const type = "pulumi-nodejs:dynamic/storage-profiles:LocalVolume";
  const resources = [
    {
      ...{ urn, type: "storage-profiles:index:ProfiledVolume", inputs: volume, protect: true },
      outputs: { volumeId: "data", sizeGiB, settings },
    },
    {
      ...{ urn: urn.replace("::data", `$${type}::data`), type, id: "data", parent: urn, protect: true },
      outputs: { sizeGiB, settings },
    },
  ];
  return JSON.stringify({ version: 4, deployment: { manifest: { time: "2026-01-01T00:00:00Z" }, resources } });
}

beforeEach(async () => {
  for (const each of [project, states, journal, join(home, "ups")]) rmSync(each, { recursive: true, force: true });
  for (const each of [project, states]) mkdirSync(each);
  for (const verb of ["stack", "up"])
    for (const stack of [...STACKS, "c"]) rmSync(hookOf(verb, stack), { force: true });
  writeFileSync(at("Pulumi.yaml"), "name: p\nruntime: nodejs\n");
  writeFileSync(at("shared.yaml"), sharedText(50));
  for (const stack of STACKS) {
    writeFileSync(at(`Pulumi.${stack}.yaml`), configOf(catalogIs("shared.yaml")));
    writeFileSync(join(states, `${stack}.json`), await stateOf(stack, 50));
    for (const iops of [50, 77]) writeFileSync(join(states, `${stack}-${iops}.json`), await stateOf(stack, iops));
  }
});

const hookOf = (verb: string, stack: string) => join(home, `${verb}-${stack}`);
const ups = () => (existsSync(join(home, "ups")) ? readFileSync(join(home, "ups"), "utf8").trim().split("\n") : []);
const edit = "apply --all --parallel 1 --profile gold --in catalog --set local.iops=77";
const waves = `${edit} --waves 1,100%`;

/** What the user of a terminal answers to a question. */
let answer: () => boolean | Promise<boolean> = () => true;
let questions = 0;
jest.mock("@inquirer/prompts", () => ({
  confirm: () => {
    questions++;
    return Promise.resolve(answer());
  },
}));
beforeEach(() => {
  questions = 0;
  answer = () => true;
});

/** Runs a command; `interruptAfter` presses Ctrl-C as soon as something runs after this was told. */
async function call(line: string, { isTerminal = false, interruptAfter = "" } = {}) {
  const told: string[] = [];
  const code = await run(line.split(" "), {
    ...{
      cwd: project,
      env: { PATH: process.env["PATH"], NO_COLOR: "1" },
      isTerminal,
      columns: 200,
      pulumi,
      journalDirectory: journal,
    },
    out: (text) => told.push(text),
    err: (text) => told.push(text),
    onInterrupt(interrupted) {
      if (interruptAfter !== "" && told.join("").includes(interruptAfter)) setImmediate(interrupted);
      return () => undefined;
    },
  });
  return { code, text: told.join("") };
}
const begun = (text: string) => / --resume (\w{8})/.exec(text)?.[1] ?? "";
const recordOf = (id: string) => readRollout(journal, id);
/** The rollout that runs. */
const running = () => (readdirSync(join(journal, "rollouts"))[0] ?? "").slice(0, 8);

describe("a rollout", () => {
  test("goes from wave to wave, and back", async () => {
    expect(await call(`${waves} --yes`)).toMatchObject({ code: 0, text: expect.stringContaining("is complete") });
    expect(ups()).toEqual(["a", "b"]);
    expect(await call("status --all")).toMatchObject({ code: 0 });
    expect(await call(`apply --yes --revert ${running()}`)).toMatchObject({ code: 0 });
    // Back, both stacks at once: whichever is first.
    expect([ups().slice(0, 2), ups().slice(2).sort(), shared()]).toEqual([["a", "b"], ["a", "b"], sharedText(50)]);
    expect(await call("status --all")).toMatchObject({ code: 0 });
  });

  test("calls a stack the same in every wave, and needs no project whose wave isn't due", async () => {
    mkdirSync(at("sub"));
    writeFileSync(at("sub/Pulumi.yaml"), "name: q\nruntime: nodejs\n");
    writeFileSync(at("sub/Pulumi.c.yaml"), configOf("  storage-profiles:catalog: ../shared.yaml\n"));
    symlinkSync("../shared.yaml", at("sub/shared.yaml"));
    writeFileSync(join(states, "c.json"), await stateOf("c", 50));
    for (const iops of [50, 77]) writeFileSync(join(states, `c-${iops}.json`), await stateOf("c", iops));
    writeFileSync(hookOf("up", "b"), "exit 1\n");
    const { code, text } = await call(`${edit} --waves 1,2,100% --yes`);
    expect([code, ups()]).toEqual([4, ["a"]]);
    expect(text).toContain("wave 1 of 3: 1 volume (1 of 3)");
    expect(text).toContain("applied p/a\n");
    expect(text).toContain("error p/b: stack: `pulumi up` failed");
    expect(text.match(/shared\.yaml \(shared\)/g)).toHaveLength(1);
    rmSync(at("sub"), { recursive: true });
    rmSync(hookOf("up", "b"));
    const reverted = await call(`apply --yes --revert ${begun(text)}`);
    expect([reverted.code, shared()]).toEqual([0, sharedText(50)]);
  });

  test("of a profile that no stack knows is refused, with the nearest", async () => {
    for (const line of [`plan --all`, `apply --all --yes`, `apply --all --yes --waves 100%`]) {
      const { code, text } = await call(`${line} --profile glod --in catalog --set local.iops=77`);
      expect([code, text]).toEqual([1, expect.stringContaining('did you mean "gold"?')]);
    }
    expect([ups(), shared()]).toEqual([[], sharedText(50)]);
  });

  test("is reverted but for volumes that were pinned since, and says so", async () => {
    expect(await call(`${waves} --yes`)).toMatchObject({ code: 0 });
    expect(await call("pin data --stack a")).toMatchObject({ code: 0 });
    const { code, text } = await call(`apply --yes --revert ${running()}`);
    expect([code, text]).toEqual([
      0,
      expect.stringMatching(/1 volumes have the former definition again; pinned, and left as they are: a: data/),
    ]);
    expect(await call("status --all")).toMatchObject({ code: 0, text: expect.stringContaining("compliant, pinned") });
  });

  test("that commits its edit does so when it is reverted, too, and sees between waves what others have pushed", async () => {
    const remote = join(home, "remote.git");
    rmSync(remote, { recursive: true, force: true });
    const git = (...args: string[]) => execFileSync("git", ["-C", project, ...args], { encoding: "utf8" }).trim();
    git("init", "--quiet", "--initial-branch=main");
    git("init", "--quiet", "--bare", "--initial-branch=main", remote);
    for (const [key, value] of ["user.name Ann", "user.email ann@example.com", `remote.origin.url ${remote}`].map(
      (each) => each.split(" "),
    ))
      git("config", key ?? "", value ?? "");
    git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*");
    git("add", ".");
    git("commit", "--quiet", "-m", "first");
    git("push", "--quiet", "-u", "origin", "main");
    const log = () =>
      execFileSync("git", ["-C", remote, "log", "--format=%s%b", "main"], { encoding: "utf8" }).trim().split("\n");

    expect(await call(`${waves} --yes --commit --reason OPS-7`)).toMatchObject({ code: 0 });
    expect(log().filter(Boolean)).toEqual(["profile gold: local.iops 50 → 77 (./shared.yaml)OPS-7", "first"]);
    expect(await call(`apply --yes --revert ${running()}`)).toMatchObject({ code: 0 });
    expect(log()[0]).toBe("profile gold: local.iops 77 → 50 (./shared.yaml)OPS-7");
    expect(git("status", "--porcelain")).toBe("");

    rmSync(journal, { recursive: true });
    const other = join(home, "other");
    rmSync(other, { recursive: true, force: true });
    answer = () => {
      if (questions !== 2) return true;
      git("clone", "--quiet", remote, other);
      writeFileSync(join(other, "shared.yaml"), sharedText(60));
      const by = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com"];
      execFileSync("git", ["-C", other, ...by, "commit", "--quiet", "-am", "theirs"]);
      execFileSync("git", ["-C", other, "push", "--quiet"]);
      return true;
    };
    const { code, text } = await call(`${waves} --confirm --commit`, { isTerminal: true });
    expect([code, text]).toEqual([1, expect.stringMatching(/stopped: 1 of 2 [^]*\[rollout-changed\]/)]);
    expect(shared()).toBe(sharedText(60));
  });

  test("stops after the wave in which Ctrl-C was pressed, though all its stacks had begun", async () => {
    const { code, text } = await call(`${waves} --yes`, { interruptAfter: "wave 1 of 2" });
    expect([code, text]).toEqual([130, expect.stringMatching(/stopped: 1 of 2 volumes are done/)]);
    expect(ups()).toEqual(["a"]);
    expect(text).toContain("The config keeps the edit");
    // The last wave has nothing after it.
    const resumed = await call(`apply --yes --resume ${begun(text)}`, { interruptAfter: "wave 2 of 2" });
    expect(resumed).toMatchObject({ code: 0, text: expect.stringContaining("is complete") });
    expect(ups()).toEqual(["a", "b"]);
  });

  test("doesn't begin a wave where somebody has changed the profile, and then offers neither way", async () => {
    answer = () => {
      if (questions === 2) writeFileSync(at("shared.yaml"), sharedText(60));
      return true;
    };
    const { code, text } = await call(`${waves} --confirm`, { isTerminal: true });
    expect([code, text]).toEqual([1, expect.stringMatching(/stopped: 1 of 2 [^]*error gold: .*\[rollout-changed\]/)]);
    expect(text).not.toContain("To go ");
    expect(ups()).toEqual(["a"]);
    expect(shared()).toBe(sharedText(60));
  });

  test("says how to go on where a config can't be read between the waves", async () => {
    const text = configOf(catalogIs("shared.yaml"));
    answer = () => {
      if (questions === 2) writeFileSync(at("Pulumi.a.yaml"), "config: [\n");
      return true;
    };
    const stopped = await call(`${waves} --confirm`, { isTerminal: true });
    expect([stopped.code, stopped.text]).toEqual([1, expect.stringMatching(/stopped: 1 of 2 [^]*\[file-not-parsed\]/)]);
    writeFileSync(at("Pulumi.a.yaml"), text);
    expect(await call(`apply --yes --pause 0s --resume ${begun(stopped.text)}`)).toMatchObject({ code: 0 });
  });

  test("is one process's at a time, which is named; the lock of one that was killed is no obstacle", async () => {
    answer = async () => {
      if (questions !== 2) return true;
      for (const option of ["--resume", "--revert"])
        expect(await call(`apply --yes --pause 0s ${option} ${running()}`)).toMatchObject({
          code: 5,
          text: expect.stringMatching(
            new RegExp(`rollout ${running()} is in use by process ${process.pid} on ${hostname()}[^]*rollout-busy`),
          ),
        });
      return false;
    };
    const { code, text } = await call(`${waves} --confirm`, { isTerminal: true });
    expect([code, text]).toEqual([130, expect.stringMatching(/stopped: 1 of 2 volumes are done/)]);
    expect(ups()).toEqual(["a"]);
    const record = join(journal, "rollouts", running());
    const killed = `const { holdingRollout } = require("./dist/src/stack/rollout-record.js");
      holdingRollout(${JSON.stringify(journal)}, "${running()}", () => process.kill(process.pid, "SIGKILL"));`;
    expect(spawnSync(process.execPath, ["-e", killed])).toMatchObject({ signal: "SIGKILL" });
    expect(existsSync(`${record}.lock`)).toBe(true);
    expect(await call(`apply --yes --pause 0s --resume ${running()}`)).toMatchObject({ code: 0 });
    expect(ups()).toEqual(["a", "b"]);
  });

  // Whose lock is taken for that of a dead one, as after hours of standby, finds it by the record.
  test.each([
    [{ isReverted: true }, "another process has reverted rollout"],
    [{ done: 2 }, "another process has gone on with rollout"],
  ])("stops where another process has written its record meanwhile, and leaves it: %j", async (changes, message) => {
    answer = () => {
      const record = questions === 2 ? recordOf(running()) : undefined;
      if (record) writeRollout(journal, { ...record, ...changes, saves: record.saves + 1 });
      return true;
    };
    const { code, text } = await call(`${waves} --confirm`, { isTerminal: true });
    expect([code, text]).toEqual([5, expect.stringContaining(message)]);
    expect(recordOf(running())).toMatchObject(changes);
    expect(ups()).toEqual(["a"]);
  });

  test("that couldn't be reverted says what the config has, and is resumed from the first wave on", async () => {
    await call(`${waves} --yes`);
    writeFileSync(hookOf("up", "b"), "exit 1");
    const failed = await call(`apply --yes --revert ${running()}`);
    expect([failed.code, failed.text]).toEqual([
      4,
      expect.stringMatching(/isn't reverted\n[^]*The config has the former definition again[^]*--revert[^]*--resume/),
    ]);
    expect(shared()).toBe(sharedText(50));
    rmSync(hookOf("up", "b"));
    rmSync(join(home, "ups"));
    expect(await call(`apply --yes --resume ${running()}`)).toMatchObject({ code: 0 });
    expect([ups(), shared()]).toEqual([["a", "b"], sharedText(77)]);
    expect(await call("status --all")).toMatchObject({ code: 0 });
  });

  test("writes nothing where one of the edits was changed by somebody", async () => {
    await call(`${waves.replace("--in catalog", "--in stack")} --yes`);
    const [a, b] = STACKS.map((each) => readFileSync(at(`Pulumi.${each}.yaml`), "utf8"));
    expect(b).toContain("77");
    for (const option of ["--revert", "--resume"]) {
      writeFileSync(at("Pulumi.b.yaml"), (b ?? "").replace("77", "60"));
      const { code, text } = await call(`apply --yes ${option} ${running()}`);
      expect([code, text]).toEqual([1, expect.stringContaining("error b: gold: ")]);
      expect(readFileSync(at("Pulumi.a.yaml"), "utf8")).toBe(a);
    }
  });

  test("is resumed and reverted after a question, and with the pause that is given then", async () => {
    answer = () => questions < 2;
    const { code } = await call(`${waves} --confirm`, { isTerminal: true });
    expect([code, ups()]).toEqual([130, ["a"]]);
    for (const option of ["--resume", "--revert"]) {
      const asked = await call(`apply ${option} ${running()}`, { isTerminal: true });
      expect([asked.code, asked.text]).toEqual([
        0,
        expect.stringMatching(/^rollout \w+ of gold: 1 [^]*Nothing was changed/),
      ]);
    }
    expect([ups(), shared()]).toEqual([["a"], sharedText(77)]);
    // Nobody could be asked.
    expect(await call(`apply --yes --resume ${running()}`)).toMatchObject({ code: 2 });
    expect(await call(`apply --yes --pause 1s --resume ${running()}`)).toMatchObject({ code: 0 });
    expect(recordOf(running())).toMatchObject({ confirm: false, pauseSeconds: 1, done: 2 });
  });
});

test("an edit that one stack's config has already is planned and applied for the volumes that aren't as it says", async () => {
  writeFileSync(at("shared.yaml"), sharedText(77));
  const same = "--stack a --profile gold --in catalog --set local.iops=77";
  expect(await call(`plan ${same}`)).toMatchObject({ code: 0, text: expect.stringContaining("50 IOPS → 77 IOPS") });
  expect(await call(`apply ${same} --yes`)).toMatchObject({
    code: 0,
    text: expect.stringContaining("50 IOPS → 77 IOPS"),
  });
  expect(ups()).toEqual(["a"]);
  expect(await call("status --stack a")).toMatchObject({ code: 0 });
  // Once they are, nothing is left to do.
  expect(await call(`apply ${same} --yes`)).toMatchObject({ code: 0 });
  expect(ups()).toEqual(["a"]);
});

test("a pinned volume is left out by edits and rollouts, is compliant meanwhile, and follows once it is unpinned", async () => {
  const pin = await call("pin data --stack a");
  expect([pin.code, pin.text]).toEqual([0, expect.stringContaining("pinned data@gold")]);
  expect(await call("pin data --stack a")).toMatchObject({ code: 0, text: expect.stringContaining("No changes") });
  const plan = await call("plan --all --profile gold --in catalog --set local.iops=77");
  expect([plan.code, plan.text]).toEqual([0, expect.stringContaining("1 in 1 stack")]);
  expect(await call(`${waves} --yes`)).toMatchObject({
    code: 0,
    text: expect.stringContaining("1 volumes are compliant"),
  });
  expect([ups(), shared()]).toEqual([["b"], sharedText(77)]);
  const status = await call("status --all");
  expect([status.code, status.text]).toEqual([
    0,
    expect.stringMatching(
      /a +data +gold +compliant, pinned +gold was edited after it was pinned; [^\n]*unpin data@gold/,
    ),
  ]);
  // What it has now can't be pinned where the file doesn't say it any more.
  const unpin = await call("unpin data --stack a");
  expect([unpin.code, unpin.text]).toEqual([
    0,
    expect.stringMatching(/50 IOPS → 77 IOPS[^]*To apply this, run: storage-profiles apply data/),
  ]);
  for (const line of ["pin data --stack a", "pin --profile gold --stack a"])
    expect(await call(line)).toMatchObject({ code: 1, text: expect.stringContaining("[pin-out-of-date]") });
  expect(await call("unpin data --stack a")).toMatchObject({ code: 1, text: expect.stringContaining("[pin-unknown]") });
  expect(await call("apply data --stack a --yes")).toMatchObject({ code: 0 });
  // For the whole stack.
  expect(await call("pin --profile gold --stack a")).toMatchObject({ code: 0 });
  writeFileSync(at("shared.yaml"), sharedText(50));
  expect(await call("status --stack a")).toMatchObject({
    code: 0,
    text: expect.stringContaining("unpin --profile gold"),
  });
  expect(await call("unpin --profile gold --stack a")).toMatchObject({
    code: 0,
    text: expect.stringContaining("77 IOPS → 50 IOPS"),
  });
});

test("Ctrl-C while it is planned leaves all as it is, though all stacks had begun", async () => {
  const { code, text } = await call(`${edit.replace("parallel 1", "parallel 2")} --yes`, {
    interruptAfter: "2 stacks",
  });
  expect([code, text]).toEqual([130, expect.stringContaining("Nothing was changed.")]);
  expect(shared()).toBe(sharedText(50));
});

test("--refresh with --profile applies nothing to a stack that doesn't know the profile", async () => {
  writeFileSync(at("Pulumi.c.yaml"), configOf().replace("gold", "silver"));
  writeFileSync(join(states, "c.json"), '{ "version": 4, "deployment": { "manifest": {}, "resources": [] } }');
  writeFileSync(at("shared.yaml"), sharedText(50).replace("gold", "fast"));
  for (const stack of STACKS) writeFileSync(at(`Pulumi.${stack}.yaml`), configOf(catalogIs("shared.yaml")));
  const { code, text } = await call("apply --all --profile fast --in catalog --set local.iops=77 --refresh --yes");
  expect([code, text]).toEqual([0, expect.stringMatching(/\na +config updated/)]);
  expect(ups()).toEqual([]);
});

test.each(["plan --all", "apply --all --yes", `${edit.replace("--in catalog", "--in stack")} --yes`])(
  "%s: a stack whose state can't be read isn't one without volumes",
  async (line) => {
    writeFileSync(hookOf("stack", "b"), "exit 1");
    const before = readFileSync(at("Pulumi.b.yaml"), "utf8");
    const { code, text } = await call(line);
    expect([code, text]).toEqual([4, expect.stringContaining("error b: ")]);
    expect(readFileSync(at("Pulumi.b.yaml"), "utf8")).toBe(before);
  },
);

test("an edit that is made already applies what isn't applied yet", async () => {
  writeFileSync(at("shared.yaml"), sharedText(77));
  writeFileSync(join(states, "b.json"), await stateOf("b", 77));
  const { code, text } = await call(edit.replace("apply", "plan"));
  expect([code, text]).toEqual([0, expect.stringContaining("1 in 1 stack")]);
  expect(await call(`${edit} --yes`)).toMatchObject({ code: 0, text: expect.not.stringContaining("No changes.") });
  expect(ups()).toEqual(["a"]);
  expect(await call(`${edit} --yes`)).toMatchObject({ code: 0, text: expect.stringContaining("No changes.") });
  writeFileSync(join(states, "b.json"), await stateOf("b", 50));
  expect(await call(`${waves} --yes`)).toMatchObject({
    code: 0,
    text: expect.stringContaining("is complete: 1 volumes"),
  });
});

test("an edit of two shared files is refused before one of them is written", async () => {
  writeFileSync(at("other.yaml"), sharedText(50));
  writeFileSync(at("Pulumi.b.yaml"), configOf(catalogIs("other.yaml")));
  for (const line of [edit, waves, edit.replace("apply", "plan")]) {
    const { code, text } = await call(`${line} --yes`.replace(/^(plan.*) --yes/, "$1"));
    expect([code, text]).toEqual([1, expect.stringContaining("several shared files: other.yaml, shared.yaml")]);
    if (!line.startsWith("plan")) expect(text).toContain("Nothing was changed: ");
    expect([shared(), readFileSync(at("other.yaml"), "utf8")]).toEqual([sharedText(50), sharedText(50)]);
  }
  // Where one of them has what is asked for already, and its volumes too, only the other is edited.
  writeFileSync(at("other.yaml"), sharedText(77));
  writeFileSync(join(states, "b.json"), await stateOf("b", 77));
  expect(await call(`${edit} --yes`)).toMatchObject({ code: 0 });
  expect([shared(), ups()]).toEqual([sharedText(77), ["a"]]);
});

test.each([waves, edit, edit.replace("catalog", "stack"), "apply --all"])(
  "%s: nothing is written where one of the configs has changed since the plan",
  async (line) => {
    if (line === "apply --all") writeFileSync(at("shared.yaml"), sharedText(77));
    const before = [shared(), readFileSync(at("Pulumi.a.yaml"), "utf8")];
    answer = () => {
      writeFileSync(at("Pulumi.b.yaml"), `${configOf(catalogIs("shared.yaml"))}# mine\n`);
      return true;
    };
    const { code, text } = await call(line, { isTerminal: true });
    expect([code, text]).toEqual([5, expect.stringContaining("error b: Pulumi.b.yaml: ")]);
    expect([shared(), readFileSync(at("Pulumi.a.yaml"), "utf8")]).toEqual(before);
    expect(ups()).toEqual([]);
  },
);

test("a stack with neither a file nor a state is unknown, whatever Pulumi.yaml says of shared files", async () => {
  writeFileSync(at("Pulumi.yaml"), `name: p\nruntime: nodejs\nconfig:\n  storage-profiles:catalog: ./shared.yaml\n`);
  for (const line of ["status --stack c", "plan --stack c"])
    expect(await call(line)).toMatchObject({ code: 4, text: expect.stringContaining('unknown stack "c"') });
});
