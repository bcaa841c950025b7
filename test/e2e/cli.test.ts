// The command line as people use it: a stack's volumes from the first config to their removal, through the real engine.

import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { until } from "../../tools/test/time.js";
import { isInterrupted, Project } from "../support/engine";

const PROGRAM = `
const { volumesOfStack } = require("storage-profiles");
const { existsSync, writeFileSync } = require("node:fs");
// Where the file "wait" is there, the program says that it waits, and does so until it is gone.
module.exports = (async () => {
  if (existsSync("wait") && !pulumi.runtime.isDryRun()) writeFileSync("waiting", "");
  while (existsSync("wait") && !pulumi.runtime.isDryRun()) await new Promise((done) => setTimeout(done, 50));
  for (const [name, asked] of Object.entries(volumesOfStack())) new ProfiledVolume(name, asked);
})();
`;

// What looks for it colours its output there, though it is no terminal.
process.env["CI"] = "true";

describe("the commands", () => {
  const project = new Project("commands", PROGRAM);
  const file = join(project.directory, "Pulumi.dev.yaml");
  const call = (line: string) => project.command("storage-profiles", line.split(" "));
  const waits = [join(project.directory, "wait"), join(project.directory, "waiting")];
  const json = async (line: string) => JSON.parse((await call(`${line} --json`)).text);
  beforeAll(async () => {
    await project.init();
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace(
        /^config:[^]*/m,
        `config:\n  storage-profiles:local: { stateDirectory: ${project.volumes}, mode: directory }\n`,
      ),
    );
    project.keep();
  });
  beforeEach(() => {
    project.reset();
    for (const each of waits) rmSync(each, { force: true });
  });
  afterAll(() => project.dispose());

  test("take volumes from the first config through edits, and refuse what would lose data", async () => {
    expect(await call("init --backend local --volume data@gold --size 1 --yes")).toMatchObject({ code: 0 });
    expect(await call("status")).toMatchObject({
      code: 3,
      text: expect.stringMatching(/data +gold +not created yet +next up: create/),
    });
    const made = await call("apply --yes");
    expect([made.code, made.text]).toEqual([0, expect.stringContaining("✓ created LocalVolume data")]);
    expect(await call("status")).toMatchObject({ code: 0, text: expect.stringMatching(/data +gold +compliant/) });

    // Edited by hand, the profile is planned and applied; its comment stays.
    const edited = `${readFileSync(file, "utf8").trimEnd()}\n`.replace(
      "config:\n",
      "config:\n  storage-profiles:profiles:\n    gold: { local: { iops: 77 } } # less\n",
    );
    writeFileSync(file, edited);
    const plan = await call("plan");
    expect([plan.code, plan.text]).toEqual([
      0,
      expect.stringContaining("data (gold): update in place\n  iopsLimit: 10,000 IOPS → 77 IOPS, in place"),
    ]);
    expect((await json("plan --profile gold --set local.iops=78")).plans).toMatchObject([
      { name: "data", verdict: "in-place" },
    ]);
    expect((await call("status")).code).toBe(3);
    expect((await call("apply data --yes")).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(edited);

    const other = await call("apply data@silver --size 2 --yes");
    expect([other.code, other.text]).toEqual([0, expect.stringContaining("data (gold → silver): update in place")]);
    expect(readFileSync(file, "utf8")).toBe(edited.replace("profile: gold, sizeGiB: 1", "profile: silver, sizeGiB: 2"));
    expect((await json("volumes")).volumes).toMatchObject([
      { name: "data", profile: "silver", sizeGiB: 2, status: "compliant", mountPath: expect.stringContaining("data") },
    ]);
    expect(await json("cost")).toMatchObject({ total: { now: { amounts: {}, unknown: 1 } } });

    // What would lose data is refused, and nothing is written.
    const before = readFileSync(file, "utf8");
    expect(await call("apply data --size 1 --yes")).toMatchObject({
      code: 1,
      text: expect.stringContaining("[change-shrinks]"),
    });
    expect(await call("apply --remove data --yes")).toMatchObject({
      code: 1,
      text: expect.stringContaining("[volume-protected]"),
    });
    expect(await call("apply data@glod --yes")).toMatchObject({
      code: 1,
      text: expect.stringContaining('did you mean "gold"?'),
    });
    expect(await call("status data nope")).toMatchObject({
      code: 1,
      text: expect.stringContaining("[volume-unknown]"),
    });
    const unknown = { code: 4, text: expect.stringContaining('unknown stack "dve"') };
    expect(await call("status -s dve")).toMatchObject(unknown);
    expect(await call("apply -s dve --yes")).toMatchObject(unknown);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("complete the names of profiles, volumes and stacks", async () => {
    await call("init --backend local --volume data@gold --size 1 --yes");
    const suggested = async (...words: string[]) =>
      (await project.command("storage-profiles", ["complete", "--", ...words])).text
        .split("\n")
        .map((line) => line.split("\t")[0]);
    expect(await suggested("plan", "da")).toContain("data");
    expect(await suggested("plan", "data@s")).toEqual(["data@silver", ":4", ""]);
    expect(await suggested("status", "--stack", "")).toContain("dev");
    expect(await suggested("explain", "gold", "--backend", "s")).toContain("scaleio");
    expect(await suggested("val")).toContain("validate");
    expect((await call("completion bash")).text).toContain("storage-profiles complete --");
  });

  test("stop after what they are doing when they are interrupted, and go on the next time", async () => {
    await call("init --backend local --volume data@gold --size 1 --yes");
    writeFileSync(join(project.directory, "wait"), "");
    const main = resolve(__dirname, "../../dist/src/cli/main.js");
    const child = spawn(process.execPath, [main, "apply", "--yes"], {
      cwd: project.directory,
      env: await project.env(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    let told = "";
    child.stderr.on("data", (part: Buffer) => (told += part.toString()));
    await until("the program waits", () => existsSync(join(project.directory, "waiting")));
    const ended = new Promise((done) => child.once("close", done));
    child.kill("SIGINT");
    await until("it says that it stops", () => told.includes("stopping after the current step"));
    await until("the engine knows", () => isInterrupted(join(project.directory, "../state-home")));
    rmSync(join(project.directory, "wait"));
    expect(await ended).toBe(130);
    expect((await call("apply --yes")).code).toBe(0);
    expect((await call("status --refresh")).code).toBe(0);
  });
});
