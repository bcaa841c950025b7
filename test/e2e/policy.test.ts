// The policy pack on the real engine: what it refuses at preview, and what it lets pass.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

import { Project, succeeded } from "../support/engine";

const root = resolve(__dirname, "../..");
const config = {
  "volumes-by-profile": { exempt: ["scratch"] },
  "permitted-profiles": { profiles: ["gold", "silver"], stacks: { lab: ["gold"] } },
  "monthly-cost": { monthly: 3, refuseUnknown: true },
  encryption: { exempt: [] },
};

describe("the policy pack", () => {
  const project = new Project("policy", "");
  const pack = "node_modules/storage-profiles-policy";
  const policed = ["--policy-pack", pack, "--policy-pack-config", "policies.json"];
  const DIRECTORY = { local: { mode: "directory" }, prices: { local: { perGiB: 1 } }, deletionProtection: false };
  beforeAll(async () => {
    await project.init();
    // What npm lays there: the content of the tarball beside storage-profiles, and not a link into the tree. What it depends on is the tree's.
    const npm = ["pack", "./packages/policy", "--json", "--pack-destination", project.directory];
    const [{ filename }] = JSON.parse(execFileSync("npm", npm, { cwd: root, encoding: "utf8" })) as [
      { filename: string },
    ];
    mkdirSync(join(project.directory, pack));
    execFileSync("tar", ["-xzf", filename, "--strip-components=1", "-C", pack], { cwd: project.directory });
    project.config(DIRECTORY);
    project.write("policies.json", JSON.stringify(config));
  });
  afterAll(() => project.dispose());

  test("refuses at preview what it forbids, each with the fact, what is allowed, and the fix", async () => {
    project.program(`
      const { LocalVolume } = require(${JSON.stringify(join(root, "dist/components/backends/local/resource.js"))});
      const bare = (name) => new LocalVolume(name, {
        name, project: "policy", stack: "dev", owner: name, stateDirectory: ${JSON.stringify(project.volumes)},
        sizeGiB: 1, settings: { mode: "directory", iopsLimit: 0, throughputLimitMiBps: 0, overcommit: false },
      });
      bare("bare");
      bare("scratch");
      new ProfiledVolume("data@bronze", { sizeGiB: 2 });
    `);
    const { code, text } = await project.run(["preview", ...policed]);
    expect(code).not.toBe(0);
    expect(text).toContain(
      "bare: pulumi-nodejs:dynamic/storage-profiles:LocalVolume is declared without a profile [volume-without-profile]",
    );
    expect(text).toContain("fix:     declare it as a `ProfiledVolume`");
    expect(text).not.toContain("scratch: ");
    expect(text).toContain('data: profile "bronze" isn\'t permitted in stack dev [profile-not-permitted]');
    expect(text).toMatch(/allowed: +gold, silver/);
    expect(text).toContain("data: settings on local don't tell whether a volume is encrypted [volume-not-encrypted]");
    // An `up` refuses it too, before anything is created.
    expect((await project.tryUp(...policed)).code).not.toBe(0);
    expect(Object.keys(await project.state()).filter((each) => each.includes("Volume"))).toEqual([]);
  });

  test("refuses at preview what all volumes together cost, and a transform", async () => {
    project.program(`
      new ProfiledVolume("data@gold", { sizeGiB: 3 });
      new ProfiledVolume("logs@gold", { sizeGiB: 1, transform: { local: (args) => ({ args: { ...args } }) } });
    `);
    project.write("policies.json", JSON.stringify({ ...config, encryption: { exempt: ["local"] } }));
    const { code, text } = await project.run(["preview", ...policed]);
    expect(code).not.toBe(0);
    expect(text).toContain(
      "stack dev: the volumes cost 4.00 USD per month, and the limit is 3.00 USD [cost-beyond-limit]",
    );
    expect(text).toContain("first for data (3.00 USD)");
    expect(text).toContain("logs: a `transform` changes the volume's own resource [volume-transformed]");
  });

  test("lets a stack pass that keeps to it", async () => {
    project.program('new ProfiledVolume("data@gold", { sizeGiB: 2 });');
    const text = succeeded(await project.run(["up", "--yes", "--skip-preview", ...policed]));
    expect(text).toContain("storage-profiles@v");
    expect((await project.state())["LocalVolume data"]).toBeDefined();
    await project.destroy();
  });

  test("refuses a config that isn't one", async () => {
    project.write("policies.json", JSON.stringify({ "monthly-cost": { monthly: "much" } }));
    const { code, text } = await project.run(["preview", ...policed]);
    expect([code === 0, text]).toEqual([false, expect.stringContaining("monthly")]);
  });
});
