// Many stacks with shared profiles, on the real engine: what the program makes of a shared file is what the commands say, and an edit of the
// file reaches the volumes of all its stacks.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { stringify } from "yaml";

import { until } from "../../tools/test/time.js";
import { diagnostics, Project, VOLUMES_OF_STACK } from "../support/engine";

const GOLD = `profiles:
  gold:
    extends: gold
    local: { iops: 50 } # few
`;

describe("stacks that share their profiles", () => {
  const project = new Project("estate", VOLUMES_OF_STACK);
  const file = (name: string) => join(project.directory, name);
  const call = async (line: string) => project.command("storage-profiles", line.split(" "));
  const json = async (line: string) => {
    const { text } = await call(`${line} --json`);
    return JSON.parse(text.slice(text.indexOf("{")));
  };
  const settingsOf = async (stack: string) => {
    await project.init(stack);
    return (await project.state())["ProfiledVolume data"]?.outputs["settings"];
  };

  beforeAll(async () => {
    // Named once, for all stacks: a package's file, and over it one of the project.
    const catalog = { value: ["@acme/profiles/base.yaml", "./profiles/prod.yaml"] };
    const runtime = { name: "nodejs", options: { typescript: false } };
    project.write(
      "Pulumi.yaml",
      stringify({ name: "estate", runtime, config: { "storage-profiles:catalog": catalog } }),
    );
    for (const stack of ["prod-1", "prod-2", "dev"]) {
      await project.init(stack);
      const profile = stack === "dev" ? "glod" : "gold";
      const volumes = {
        data: { profile, sizeGiB: 1 },
        ...(stack === "prod-2" && { logs: { profile: "quiet", sizeGiB: 1 } }),
      };
      project.config({ volumes, deletionProtection: false, local: { mode: "directory" } });
    }
    for (const folder of ["profiles", "node_modules/@acme/profiles"]) mkdirSync(file(folder), { recursive: true });
    writeFileSync(file("profiles/prod.yaml"), GOLD);
    writeFileSync(file("node_modules/@acme/profiles/package.json"), '{ "name": "@acme/profiles", "version": "1.0.0" }');
    writeFileSync(
      file("node_modules/@acme/profiles/base.yaml"),
      "profiles:\n  gold: { local: { throughputMiBps: 7 } }\n  quiet: { local: { iops: 5 } }\n",
    );
  });
  afterAll(() => project.dispose("prod-1", "prod-2", "dev"));

  test("are applied, planned and edited together; one that is wrong doesn't stop the others", async () => {
    const applied = await call("apply --all --yes");
    expect([applied.code, applied.text]).toEqual([1, expect.stringMatching(/\ndev +refused +unknown profile "glod"/)]);
    expect(applied.text).toMatch(/\nprod-1 +done +\d+ created/);
    // The program has the same profiles as the commands.
    expect(await settingsOf("prod-1")).toMatchObject({ iopsLimit: 50, throughputLimitMiBps: 7 });
    const status = await json("status --all");
    expect(
      status.stacks.map(({ stack, exitCode, volumes }: any) => [
        stack,
        exitCode,
        volumes.map(({ status }: any) => status),
      ]),
    ).toEqual([
      ["dev", "differs", ["non-compliant"]],
      ["prod-1", "done", ["compliant"]],
      ["prod-2", "done", ["compliant", "compliant"]],
    ]);
    expect(await call("status --stack prod-*")).toMatchObject({
      code: 0,
      text: expect.stringContaining("prod-2  logs"),
    });
    expect((await json("cost --all")).profiles.map(({ profile, volumes }: any) => [profile, volumes])).toEqual([
      ["glod", 1],
      ["gold", 2],
      ["quiet", 1],
    ]);

    // An edit of what others use too must say where; and then it shows everything that it touches.
    const edit = "--stack prod-* --profile gold --set local.iops=77";
    expect(await call(`plan ${edit}`)).toMatchObject({ code: 1, text: expect.stringContaining("[profile-shared]") });
    expect(await call("plan --stack prod-* --profile quiet --in catalog --set local.iops=6")).toMatchObject({
      code: 1,
      text: expect.stringContaining("[profile-read-only]"),
    });
    const plan = await call(`plan ${edit} --in catalog`);
    expect([plan.code, plan.text]).toEqual([0, expect.stringMatching(/2 in 2 stacks/)]);
    expect(plan.text.match(/50 IOPS → 77 IOPS/g)).toHaveLength(2);
    expect(readFileSync(file("profiles/prod.yaml"), "utf8")).toBe(GOLD);
    // With a stack that can't be, nothing is written.
    expect((await call("apply --all --profile gold --in catalog --set local.iops=77 --yes")).code).toBe(1);
    expect(readFileSync(file("profiles/prod.yaml"), "utf8")).toBe(GOLD);

    const before = readFileSync(file("Pulumi.prod-1.yaml"), "utf8");
    const edited = await call(`apply ${edit} --in catalog --yes`);
    expect([edited.code, edited.text]).toEqual([0, expect.stringMatching(/\nprod-2 +done +/)]);
    expect(readFileSync(file("profiles/prod.yaml"), "utf8")).toBe(GOLD.replace("50", "77"));
    expect(readFileSync(file("Pulumi.prod-1.yaml"), "utf8")).toBe(before);
    for (const stack of ["prod-1", "prod-2"])
      expect(await settingsOf(stack)).toMatchObject({ iopsLimit: 77, throughputLimitMiBps: 7 });
    expect(await call("status --stack prod-*")).toMatchObject({ code: 0 });

    // In waves: stopped after the first, resumed, and reverted.
    const child = await project.serve("storage-profiles", [
      ...["apply", "--stack", "prod-*", "--profile", "gold", "--in", "catalog", "--set", "local.iops=88"],
      ...["--waves", "1,100%", "--pause", "1h", "--yes"],
    ]);
    let told = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part: Buffer) => (told += part.toString()));
    const ended = new Promise((done) => child.once("close", done));
    await until("it waits for the second wave", () => told.includes("waiting 3600 s"));
    child.kill("SIGINT");
    expect([await ended, told]).toEqual([130, expect.stringMatching(/rollout \w+ stopped: 1 of 2 volumes are done/)]);
    const [, id = ""] = /apply --yes --resume (\w{8})/.exec(told) ?? [];
    const limits = async () => [await settingsOf("prod-1"), await settingsOf("prod-2")].map((each) => each.iopsLimit);
    expect(await limits()).toEqual([88, 77]);
    // Nor does it go past a stack that somebody else is changing.
    const locks = file("../state/.pulumi/locks/organization/estate/prod-2");
    mkdirSync(locks, { recursive: true });
    const holder = { pid: 1, username: "somebody", hostname: "elsewhere", timestamp: "2026-11-30T00:00:00Z" };
    writeFileSync(join(locks, "a.json"), JSON.stringify(holder));
    expect(await call(`apply --yes --resume ${id}`)).toMatchObject({
      code: 5,
      text: expect.stringMatching(/stopped: 1 of 2 volumes are done[^]*somebody@elsewhere/),
    });
    rmSync(locks, { recursive: true });
    expect(await call(`apply --yes --resume ${id}`)).toMatchObject({
      code: 0,
      text: expect.stringContaining("2 volumes are compliant"),
    });
    expect(await limits()).toEqual([88, 88]);
    expect(await call(`apply --yes --revert ${id}`)).toMatchObject({ code: 0 });
    expect(await limits()).toEqual([77, 77]);
    expect(readFileSync(file("profiles/prod.yaml"), "utf8")).toBe(GOLD.replace("50", "77"));
    expect(await call(`apply --yes --resume ${id}`)).toMatchObject({
      code: 1,
      text: expect.stringContaining("[rollout-reverted]"),
    });

    // A mistake in the file is refused by the program as by the commands, with its line.
    writeFileSync(file("profiles/prod.yaml"), `${GOLD}  slow: { local: { iop: 5 } }\n`);
    const at = "./profiles/prod.yaml:5: profiles.slow.local.iop";
    expect(diagnostics(await project.run(["preview"]))).toContain(at);
    expect((await call("validate --all")).text.match(new RegExp(at, "g"))).toHaveLength(1);
    writeFileSync(file("profiles/prod.yaml"), GOLD.replace("50", "77"));

    // What the engine can't tell of one stack it tells of the others.
    const state = file("../state/.pulumi/stacks/estate/prod-1.json");
    const whole = readFileSync(state, "utf8");
    writeFileSync(state, "{");
    const broken = await json("status --stack prod-*");
    expect(broken.stacks.map(({ exitCode }: any) => exitCode)).toEqual(["engine", "done"]);
    writeFileSync(state, whole);
  });
});
