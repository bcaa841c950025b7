// ProfiledVolume on the real engine: what a user sees of plans, changes, refusals and options.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { diagnostics, Project, succeeded } from "../support/engine";
import { describeIf, loopReason, unmountAndDetach } from "../support/machine";

jest.setTimeout(300_000);

const volumeOf = (name: string, profile: string, rest = "sizeGiB: 1") =>
  `new ProfiledVolume("${name}", { profile: "${profile}", ${rest} });\n`;

describeIf(loopReason() === undefined, "the founding example, as root on Linux", loopReason(), () => {
  const project = new Project("founding", "");
  const mounted = (name: string) => join(project.volumes, "volumes/founding/dev", name, "mount");
  const declare = (profile: string, sizeGiB = 1) =>
    project.program(`
      const high = new ProfiledVolume("highperfvolume@${profile}", { sizeGiB: ${sizeGiB} });
      const cheap = new ProfiledVolume("cheapvolume", { size: "1GiB" });
      for (const key of ["volumeId", "profile", "backend", "revision", "settings", "sizeGiB", "monthlyCost", "notes", "mountPath"]) {
        exports[key] = high[key];
      }
      exports.cheap = cheap.profile;
    `);
  beforeAll(async () => {
    declare("gold");
    await project.init();
  });
  afterAll(() => project.dispose());

  test("becomes two real volumes by one `up`, and a second one finds nothing to do", async () => {
    await project.up();
    expect(await project.outputs()).toEqual({
      volumeId: join(project.volumes, "volumes/founding/dev/highperfvolume"),
      profile: "gold",
      backend: "local",
      revision: expect.stringMatching(/^[0-9a-f]{8}$/),
      settings: { mode: "loop", iopsLimit: 10000, throughputLimitMiBps: 0, overcommit: false },
      sizeGiB: 1,
      notes: [],
      mountPath: mounted("highperfvolume"),
      cheap: "default",
    });
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toContain(` ${mounted("highperfvolume")} `);
    expect(await project.steps()).toEqual([]);
  });

  test("keeps in the state what each volume last got, and nothing twice that could be left out", async () => {
    const state = await project.state();
    expect(state["ProfiledVolume highperfvolume"]?.inputs).toEqual({
      name: "highperfvolume",
      profile: "gold",
      revision: expect.any(String),
      backend: "local",
      sizeGiB: 1,
      settings: { mode: "loop", iopsLimit: 10000, throughputLimitMiBps: 0, overcommit: false },
    });
    expect(state["LocalVolume highperfvolume"]?.protect).toBe(true);
    expect(Object.keys(state).filter((each) => each.includes("highperfvolume"))).toHaveLength(2);
  });

  test("goes gold -> silver -> gold by updates, with its data and with complete settings each time", async () => {
    writeFileSync(join(mounted("highperfvolume"), "precious"), "data");
    const before = (await project.state())["LocalVolume highperfvolume"];
    for (const [profile, settings] of [
      ["silver", { mode: "loop", iopsLimit: 3000, throughputLimitMiBps: 250, overcommit: false }],
      ["gold", { mode: "loop", iopsLimit: 10000, throughputLimitMiBps: 0, overcommit: false }],
    ] as const) {
      declare(profile);
      expect(await project.steps()).toEqual([
        { op: "update", what: "LocalVolume highperfvolume" },
        { op: "update", what: "ProfiledVolume highperfvolume" },
      ]);
      await project.up();
      const after = (await project.state())["LocalVolume highperfvolume"];
      expect([after?.id, after?.outputs["uid"]]).toEqual([before?.id, before?.outputs["uid"]]);
      expect(after?.outputs["settings"]).toEqual(settings);
      expect(readFileSync(join(mounted("highperfvolume"), "precious"), "utf8")).toBe("data");
      expect(await project.steps()).toEqual([]);
    }
  });

  test("shows at preview what a change does, setting by setting", async () => {
    declare("silver", 2);
    const text = succeeded(await project.run(["preview"]));
    expect(text).toContain("highperfvolume: gold -> silver: in-place");
    expect(text).toContain("sizeGiB: 1 -> 2, in place");
    expect(text).toContain("iopsLimit: 10,000 -> 3,000, in place");
    expect(text).toContain("throughputLimitMiBps: 0 -> 250, in place");
  });

  test("grows online, and then refuses to shrink: at preview and at `up`, with the state as it was", async () => {
    declare("gold", 2);
    await project.up();
    expect(readFileSync(join(mounted("highperfvolume"), "precious"), "utf8")).toBe("data");
    const before = await project.state();
    declare("gold", 1);
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { code, text } = await project.run(command);
      expect(code).not.toBe(0);
      expect(text).toContain("highperfvolume@gold is refused: 1 problem");
      expect(text).toContain("the volume has 2 GiB and would shrink to 1 GiB");
      expect(text).toContain("fix:     ask for 2 GiB or more");
      expect(text).not.toContain("LocalVolume highperfvolume");
    }
    expect(await project.state()).toEqual(before);
    declare("gold", 2);
    expect(await project.steps()).toEqual([]);
  });

  test("comes back by the next `up` after a reboot took its device and its mount away", async () => {
    unmountAndDetach(mounted("highperfvolume"));
    expect(existsSync(join(mounted("highperfvolume"), "precious"))).toBe(false);
    expect(await project.steps()).toEqual([{ op: "update", what: "LocalVolume highperfvolume" }]);
    await project.up();
    expect(readFileSync(join(mounted("highperfvolume"), "precious"), "utf8")).toBe("data");
    expect(await project.steps()).toEqual([]);
  });

  test("shows at refresh what was changed behind its back, and the next `up` puts it right", async () => {
    const record = join(project.volumes, "volumes/founding/dev/highperfvolume/volume.json");
    const edited = JSON.parse(readFileSync(record, "utf8")) as { settings: { iopsLimit: number } };
    edited.settings.iopsLimit = 7;
    writeFileSync(record, JSON.stringify(edited));
    expect(succeeded(await project.run(["preview", "--refresh", "--diff"]))).toMatch(/iopsLimit\s*: 7 => 10000/);
    succeeded(await project.run(["refresh", "--yes", "--skip-preview"]));
    expect((await project.state())["LocalVolume highperfvolume"]?.outputs["settings"]).toMatchObject({ iopsLimit: 7 });
    await project.up();
    expect(JSON.parse(readFileSync(record, "utf8"))).toMatchObject({ settings: { iopsLimit: 10000 } });
    expect(await project.steps("--refresh")).toEqual([]);
  });

  test("is protected: neither destroyed nor dropped with its declaration, until that is switched off", async () => {
    const destroyed = await project.run(["destroy", "--yes", "--skip-preview"]);
    expect(destroyed.code).not.toBe(0);
    expect(destroyed.text).toContain("protected");
    project.program("");
    expect((await project.run(["preview"])).text).toContain("protected");
    expect(readFileSync(join(mounted("highperfvolume"), "precious"), "utf8")).toBe("data");

    declare("gold", 2);
    project.config({ deletionProtection: false });
    await project.up();
    project.program("");
    await project.up();
    expect(Object.keys(await project.state()).filter((each) => each.includes("Volume"))).toEqual([]);
    expect(existsSync(join(project.volumes, "volumes/founding"))).toBe(false);
  });
});

describe("a program with problems", () => {
  const project = new Project("problems", "");
  beforeAll(() => project.init());
  afterAll(() => project.dispose());
  beforeEach(() => project.config({ local: { mode: "directory" } }));

  test("is told those of all its volumes at preview, however many, and nothing is made", async () => {
    project.program(`
      for (let i = 0; i < 40; i++) new ProfiledVolume("data" + i + "@golf", { size: "tall" });
      new ProfiledVolume("array@gold", { sizeGiB: 8, backend: "scaleio", physicalName: "x".repeat(40) });
      new ProfiledVolume("good", { sizeGiB: 1 });
      new ProfiledVolume("mixed@gold", { profile: "silver", sizeGiB: 1 });
    `);
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const ran = await project.run(command);
      const text = diagnostics(ran);
      expect(ran.code).not.toBe(0);
      for (let i = 0; i < 40; i++) expect(text.split(`data${i}: 2 problems\n`)).toHaveLength(2);
      expect(text).toContain('did you mean "gold"?');
      expect(text).toContain("[physical-name-too-long]");
      expect(text).toContain("[profile-conflict]");
      expect(text).not.toMatch(/^\s+at .*:\d+:\d+/m);
    }
    expect(Object.keys(await project.state()).filter((each) => /data|array|mixed/.test(each))).toEqual([]);
  });

  test("hears of a bad reference and a bad config in one message each, without a stack trace", async () => {
    project.program('new ProfiledVolume("data@", { sizeGiB: 1 });');
    const reference = (await project.run(["preview"])).text;
    expect(reference).toContain('new ProfiledVolume("data@"): 1 problem');
    expect(reference).toContain('write "data" for the default profile');

    project.config({ profiles: { gold: { lcal: {} }, a: { extends: "b" } }, volums: {}, backend: "locl" });
    const config = (await project.run(["preview"])).text;
    expect(config).toContain("Pulumi.dev.yaml: 4 problems");
    for (const path of ["profiles.gold.lcal", "profiles.a.extends", "volums", "backend"])
      expect(config).toContain(`storage-profiles:${path}: `);
    for (const text of [reference, config]) expect(text).not.toMatch(/^\s+at .*:\d+:\d+/m);
  });

  test("never shows a secret that was put where none belongs", async () => {
    const secret = "correct-horse-battery";
    project.program('new ProfiledVolume("data", { sizeGiB: 1 });');
    succeeded(
      await project.run(["config", "set", "--secret", "--path", "storage-profiles:profiles.gold.aws.kmsKeyId", secret]),
    );
    const { code, text } = await project.run(["preview", "--diff"]);
    expect(code).not.toBe(0);
    expect(text).toContain("[config-secret]");
    expect(text).not.toContain(secret);
  });

  test("is told what is wrong with the volumes that its config lists by their place in the file", async () => {
    project.config({
      volumes: { high: { profile: "goldd", sizeGiB: 1 }, low: { profile: "gold" } },
      local: { stateDirectory: "~/x" },
    });
    project.program('new ProfiledVolume("data", { sizeGiB: 1 });');
    expect((await project.run(["preview"])).text).toContain("storage-profiles:local.stateDirectory: ");
    project.config({ volumes: { high: { profile: "goldd", sizeGiB: 1 }, low: { profile: "gold" } } });
    const { text } = await project.run(["preview"]);
    expect(text).toContain("Pulumi.dev.yaml: 2 problems");
    expect(text).toContain("storage-profiles:volumes.high.profile: there is no profile");
    expect(text).toContain("storage-profiles:volumes.low.sizeGiB: no size is given");
  });

  test("written in JavaScript hears of arguments that are none", async () => {
    project.program('new ProfiledVolume("data", { sizeGB: 100, deletionProtection: "false" });');
    const { text } = await project.run(["preview"]);
    expect(text).toContain("data: 3 problems");
    expect(text).toContain('did you mean "sizeGiB"?');
    expect(text).toContain('deletionProtection: text ("false") where true or false belongs');
  });

  test("refuses to run where changes could not be seen", async () => {
    project.program('new ProfiledVolume("data", { sizeGiB: 1 });');
    const { code, text } = await project.run(["preview"], { PULUMI_NODEJS_SKIP_COMPONENT_INPUTS: "true" });
    expect(code).not.toBe(0);
    expect(text).toContain("can't run with PULUMI_NODEJS_SKIP_COMPONENT_INPUTS");
  });

  test("that would make one volume of two is refused", async () => {
    project.program(volumeOf("data", "gold") + volumeOf("other", "gold", 'sizeGiB: 1, physicalName: "data"'));
    const { text } = await project.run(["preview"]);
    expect(text).toContain("[volume-twice]");
    expect(text).toContain('"data" is already the volume of "data"');
  });
});

describe("declared volumes, in directories", () => {
  const project = new Project("options", "");
  beforeAll(async () => {
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    await project.init();
  });
  afterAll(() => project.dispose("dev", "other"));
  afterEach(async () => {
    project.program("");
    await project.up();
  });

  test("say in their notes what is not enforced", async () => {
    project.program(
      'exports.notes = new ProfiledVolume("data@silver", { sizeGiB: 1 }).notes.apply((notes) => notes.map((note) => note.message));',
    );
    await project.up();
    expect((await project.outputs())["notes"]).toEqual([
      expect.stringContaining("the size of 1 GiB, the limit of 3,000 IOPS, the limit of 250 MiB/s are not enforced"),
    ]);
  });

  test("resolve a size that another resource gives later, and refuse it then if it can't be", async () => {
    const declare = (size: number) =>
      project.program(`
        const first = new ProfiledVolume("first", { sizeGiB: 1 });
        const second = new ProfiledVolume("second@gold", { sizeGiB: first.volumeId.apply(() => ${size}) });
        exports.size = second.sizeGiB;
      `);
    declare(3);
    expect(await project.steps()).toHaveLength(4);
    await project.up();
    expect((await project.outputs())["size"]).toBe(3);

    declare(2);
    expect((await project.run(["preview"])).text).toContain("the volume has 3 GiB and would shrink to 2 GiB");
  });

  test("refuse at `up` a size that comes late and can't be had, and make nothing of it", async () => {
    project.program(`
      const first = new ProfiledVolume("first", { sizeGiB: 1 });
      new ProfiledVolume("late@gold", { sizeGiB: first.volumeId.apply(() => 99999) });
    `);
    succeeded(await project.run(["preview"]));
    const { code, text } = await project.run(["up", "--yes", "--skip-preview"]);
    expect(code).not.toBe(0);
    expect(text).toContain("late: 1 problem");
    expect(text).toContain("a local volume can't have 99,999 GiB");
    expect(Object.keys(await project.state()).filter((each) => each.includes("late"))).toEqual([]);
  });

  test("check at preview what doesn't depend on a size that isn't known yet", async () => {
    project.program(`
      const first = new ProfiledVolume("first", { sizeGiB: 1 });
      new ProfiledVolume("late@golf", { sizeGiB: first.volumeId.apply(() => 1) });
    `);
    const { code, text } = await project.run(["preview"]);
    expect(code).not.toBe(0);
    expect(text).toContain('there is no profile "golf"');
    expect(text).not.toContain("size-missing");
  });

  test("take the options of any component: parent, aliases, hooks, transforms, dependsOn", async () => {
    const body = (name: string, alias: string) => `
      const group = new pulumi.ComponentResource("test:index:Group", "group");
      const before = new ProfiledVolume("before", { sizeGiB: 1 });
      const seen = new pulumi.ResourceHook("seen", async ({ name }) => { console.log("hook saw " + name); }, { onDryRun: true });
      new ProfiledVolume("${name}@gold", { sizeGiB: 1 }, {
        parent: group, dependsOn: [before], ${alias}
        hooks: { beforeCreate: [seen] },
        transforms: [async ({ type, props, opts }) => type.endsWith("LocalVolume") ? { props: { ...props, settings: { ...props.settings, iopsLimit: 77 } }, opts } : undefined],
      });
    `;
    project.program(body("data", ""));
    expect(await project.up()).toContain("hook saw data");
    const made = (await project.state())["LocalVolume data"];
    expect(made?.urn).toContain("test:index:Group$storage-profiles:index:ProfiledVolume$pulumi-nodejs:dynamic");
    expect(made?.outputs["settings"]).toMatchObject({ iopsLimit: 77 });

    // Renamed by an alias, the volume stays where it is: names on the backend are decided once.
    project.program(body("renamed", 'aliases: [{ name: "data" }],'));
    expect((await project.steps()).map(({ op }) => op)).toEqual(["update", "update"]);
    await project.up();
    expect((await project.state())["LocalVolume renamed"]).toMatchObject({
      id: made?.id,
      outputs: { uid: made?.outputs["uid"] },
    });
    expect(await project.steps()).toEqual([]);
  });

  test("have an escape hatch to their own resource, and a name of their own on the backend", async () => {
    project.program(`
      const data = new ProfiledVolume("data@gold", {
        sizeGiB: 1,
        physicalName: "other-name",
        transform: { volume: (args, opts, name) => ({ args: { ...args, settings: { ...args.settings, mode: "directory", iopsLimit: 55, throughputLimitMiBps: 0, overcommit: false } }, opts: { ...opts, protect: true } }) },
      });
      exports.id = data.volumeId;
    `);
    await project.up();
    expect((await project.outputs())["id"]).toBe(join(project.volumes, "volumes/options/dev/other-name"));
    expect((await project.state())["LocalVolume data"]).toMatchObject({
      protect: true,
      outputs: { settings: { iopsLimit: 55 } },
    });

    project.program('new ProfiledVolume("data@gold", { sizeGiB: 1, physicalName: "third-name" });');
    const { code, text } = await project.run(["preview"]);
    expect(code).not.toBe(0);
    expect(text).toContain('the volume is called "other-name" and is never renamed');
    project.program('new ProfiledVolume("data@gold", { sizeGiB: 1 });');
    await project.up();
  });

  test("keep what protects them and their place when a transform gives options of its own", async () => {
    project.config({ local: { mode: "directory" } });
    project.program(`
      new ProfiledVolume("data", { sizeGiB: 1, transform: { volume: () => ({ opts: { additionalSecretOutputs: ["uid"] } }) } });
    `);
    await project.up();
    const made = (await project.state())["LocalVolume data"];
    expect(made).toMatchObject({ protect: true, urn: expect.stringContaining("ProfiledVolume$pulumi-nodejs") });
    project.program('new ProfiledVolume("data", { sizeGiB: 1 });');
    expect(await project.steps()).toEqual([]);
    project.program(
      `new ProfiledVolume("data", { sizeGiB: 1, transform: { volume: (args) => ({ ...args, sizeGiB: 5 }) } });`,
    );
    expect((await project.run(["preview"])).text).toContain("transform.volume must return { args, opts }");
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    project.program('new ProfiledVolume("data", { sizeGiB: 1 });');
    await project.up();
  });

  test("under a protected parent are protected, whatever the stack's config says", async () => {
    const parent = 'const parent = new pulumi.ComponentResource("test:index:Parent", "parent", {}, { protect: true });';
    project.program(`${parent} new ProfiledVolume("data", { sizeGiB: 1 }, { parent });`);
    await project.up();
    expect((await project.state())["LocalVolume data"]?.protect).toBe(true);
    project.program(`${parent} new ProfiledVolume("data", { sizeGiB: 1, deletionProtection: false }, { parent });`);
    await project.up();
    expect((await project.state())["LocalVolume data"]?.protect).not.toBe(true);
    succeeded(await project.run(["state", "unprotect", "--all", "--yes"]));
  });

  test("are neither replaced by force nor taken by another state of the same name, and their data stays", async () => {
    project.program('exports.id = new ProfiledVolume("data", { sizeGiB: 1 }).volumeId;');
    await project.up();
    const { id } = await project.outputs();
    writeFileSync(join(id, "data/precious"), "data");
    const urn = (await project.state())["LocalVolume data"]?.urn ?? "";
    const replaced = await project.run(["up", "--yes", "--skip-preview", "--replace", urn]);
    expect(replaced.code).not.toBe(0);
    expect(readFileSync(join(id, "data/precious"), "utf8")).toBe("data");
    expect(await project.steps()).toEqual([]);

    // As in another clone, or on another backend: the same names, and a state that knows nothing.
    const state = succeeded(await project.run(["stack", "export"]));
    const empty = JSON.parse(state) as { deployment: { resources: unknown[] } };
    empty.deployment.resources = [];
    project.write("empty.json", JSON.stringify(empty));
    project.write("full.json", state);
    succeeded(await project.run(["stack", "import", "--file", "empty.json", "--force"]));
    const taken = await project.run(["preview"]);
    expect(taken.code).not.toBe(0);
    expect(taken.text).toContain("a Pulumi state has it under this very name");
    succeeded(await project.run(["stack", "import", "--file", "full.json", "--force"]));
    expect(await project.steps()).toEqual([]);
    expect(readFileSync(join(id, "data/precious"), "utf8")).toBe("data");
  });

  test("on a disk that isn't mounted are not gone", async () => {
    project.program('exports.id = new ProfiledVolume("data", { sizeGiB: 1 }).volumeId;');
    await project.up();
    renameSync(project.volumes, `${project.volumes}-away`);
    for (const command of [
      ["refresh", "--yes", "--skip-preview"],
      ["destroy", "--yes", "--skip-preview"],
      ["up", "--yes", "--refresh"],
    ]) {
      const { code, text } = await project.run(command);
      expect(code).not.toBe(0);
      expect(text).toContain("Mount the disk that has it");
    }
    expect(Object.keys(await project.state())).toContain("LocalVolume data");
    rmSync(project.volumes, { recursive: true, force: true });
    renameSync(`${project.volumes}-away`, project.volumes);
    expect(await project.steps()).toEqual([]);
  });

  test("are not made on an empty mount point while the state has others there, nor are those gone", async () => {
    project.program('exports.id = new ProfiledVolume("data", { sizeGiB: 1 }).volumeId;');
    await project.up();
    const both = `
      new ProfiledVolume("data", { sizeGiB: 1 });
      new ProfiledVolume("more", { sizeGiB: 1 });
    `;
    renameSync(project.volumes, `${project.volumes}-away`);
    mkdirSync(project.volumes);
    project.program(both);
    const target = ["--target", `**ProfiledVolume::more`, "--target", "**LocalVolume::more"];
    for (const command of [
      ["preview"],
      ["up", "--yes", "--skip-preview"],
      ["up", "--yes", "--skip-preview", ...target],
    ]) {
      const { code, text } = await project.run(command);
      expect(code).not.toBe(0);
      expect(text).toMatch(/another state directory than the one that has "data"|Mount the disk that has it/);
    }
    expect(readdirSync(project.volumes)).toEqual([]);
    // Another stack, which knows nothing of it, begins to use the mount point.
    await project.init("innocent");
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    project.program(volumeOf("theirs", "gold"));
    await project.up();
    await project.init("dev");
    project.program(both);
    for (const command of [
      ["up", "--yes", "--refresh"],
      ["destroy", "--yes", "--skip-preview"],
    ]) {
      const { code, text } = await project.run(command);
      expect(code).not.toBe(0);
      expect(text).toContain("may be another state directory");
    }
    expect((await project.run(["up", "--yes", "--skip-preview", ...target])).text).toContain(
      'another state directory than the one that has "data"',
    );
    expect(Object.keys(await project.state())).toContain("LocalVolume data");
    rmSync(project.volumes, { recursive: true, force: true });
    renameSync(`${project.volumes}-away`, project.volumes);
    project.program('exports.id = new ProfiledVolume("data", { sizeGiB: 1 }).volumeId;');
    expect(await project.steps()).toEqual([]);
  });

  test("that are removed by hand are gone at refresh, and made anew", async () => {
    project.program('exports.id = new ProfiledVolume("data", { sizeGiB: 1 }).volumeId;');
    await project.up();
    rmSync((await project.outputs())["id"], { recursive: true });
    const { code, text } = await project.run(["up", "--yes", "--skip-preview"]);
    expect(code).not.toBe(0);
    expect(text).toContain("`pulumi refresh` takes it out of the state");
    succeeded(await project.run(["refresh", "--yes", "--skip-preview"]));
    expect((await project.steps()).map(({ op, what }) => `${op} ${what}`)).toEqual(["create LocalVolume data"]);
    await project.up();
  });

  test("left out by --target are judged by what they have", async () => {
    const declare = (sizeGiB: number, profile = "gold") =>
      project.program(`
        new ProfiledVolume("data@${profile}", { sizeGiB: ${sizeGiB} });
        new ProfiledVolume("other", { sizeGiB: 1 });
      `);
    declare(2);
    await project.up();
    const state = await project.state();
    const urn = (what: string) => state[what]?.urn ?? "";
    declare(4);
    succeeded(await project.run(["up", "--yes", "--skip-preview", "--target", urn("ProfiledVolume data")]));
    declare(2);
    expect((await project.steps()).map(({ op, what }) => `${op} ${what}`)).toEqual(["update ProfiledVolume data"]);

    // One with problems doesn't keep others from being worked on; its problems are told.
    declare(2, "golf");
    const targeted = await project.run(["up", "--yes", "--skip-preview", "--target", urn("LocalVolume other")]);
    expect(succeeded(targeted)).toContain('there is no profile "golf"');
    declare(2);
    await project.up();
  });

  test("of two stacks side by side with the same names are different volumes", async () => {
    project.program(volumeOf("data", "gold") + 'exports.id = "";');
    await project.up();
    const here = (await project.state())["LocalVolume data"]?.id;
    await project.init("other");
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    await project.up();
    const there = (await project.state())["LocalVolume data"]?.id;
    expect(there).not.toBe(here);
    project.program("");
    await project.up();
    expect(existsSync(String(there))).toBe(false);
    await project.init("dev");
    expect(existsSync(String(here))).toBe(true);
  });

  test("that another owner has are refused at preview, and can be imported with their data", async () => {
    const parents = (owner: string, rest: string) => `
      const owner = new pulumi.ComponentResource("test:index:${owner}", "owner");
      exports.id = new ProfiledVolume("data@gold", { sizeGiB: 1, ${rest} }, { parent: owner }).volumeId;
    `;
    project.program(parents("First", ""));
    await project.up();
    const { id } = await project.outputs();
    writeFileSync(join(id, "data/precious"), "data");

    // Under another parent it is another volume, and that one's place is taken.
    project.program(parents("Second", ""));
    const taken = await project.run(["preview"]);
    expect(taken.code).not.toBe(0);
    expect(taken.text).toContain(`There is a volume at ${id} already; it belongs to`);

    // Another stack of the same state directory, which would make the same place its own.
    await project.init("other");
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    project.program(parents("First", `import: "${id}x"`));
    expect((await project.run(["preview"])).text).toContain(`there is no volume ${id}x`);
    project.program(parents("First", `import: "${id}"`));
    const unnamed = await project.run(["up", "--yes", "--skip-preview"]);
    expect(unnamed.code).not.toBe(0);
    const owner = /takeFrom: "(urn:pulumi:dev::[^"]*)"/.exec(unnamed.text)?.[1] ?? "";
    expect(owner).toContain("$storage-profiles:index:ProfiledVolume::data");
    project.program(parents("First", `import: "${id}", takeFrom: "${owner}"`).replace("sizeGiB: 1", "sizeGiB: 2"));
    const previewed = succeeded(await project.run(["preview"])).replace(/\s+/g, " ");
    expect(previewed).toContain(`takes over ${id} from ${owner}`);
    expect(previewed).toMatch(/takes over .*1 GiB.*2 GiB/);
    await project.up();
    expect((await project.outputs())["id"]).toBe(id);
    expect(await project.steps()).toEqual([]);
    project.program(parents("First", "").replace("sizeGiB: 1", "sizeGiB: 2"));
    expect(await project.steps()).toEqual([]);

    // The first stack no longer owns it: it may neither change nor delete it, and hears whose it is.
    await project.init("dev");
    project.program(parents("First", ""));
    succeeded(await project.run(["refresh", "--yes", "--skip-preview"]));
    const former = await project.run(["preview"]);
    expect(former.code).not.toBe(0);
    expect(former.text).toContain("is now owned by urn:pulumi:other::");
    expect(former.text).not.toContain("shrink");
    project.program("");
    const { code, text } = await project.run(["up", "--yes", "--skip-preview"]);
    expect(code).not.toBe(0);
    expect(text).toContain("belongs to");
    expect(readFileSync(join(id, "data/precious"), "utf8")).toBe("data");
    const urn = (await project.state())["LocalVolume data"]?.urn ?? "";
    succeeded(await project.run(["state", "delete", urn, "--yes"]));
    await project.init("other");
    project.program("");
    await project.up();
    expect(existsSync(id)).toBe(false);
    await project.init("dev");
  });
});

describeIf(loopReason() === undefined, "a change that fails on the way", loopReason(), () => {
  const project = new Project("failing", "");
  const declare = (profile: string, sizeGiB: number) =>
    project.program(`new ProfiledVolume("data@${profile}", { sizeGiB: ${sizeGiB} });`);
  beforeAll(() => project.init());
  afterAll(() => project.dispose());

  test("leaves the volume and its data as they were, and the way back open", async () => {
    declare("gold", 1);
    await project.up();
    const file = join(project.volumes, "volumes/failing/dev/data/mount/precious");
    writeFileSync(file, "data");

    // No disk has that; whether it has is only known on the machine.
    declare("silver", 16000);
    const { code, text } = await project.run(["up", "--yes", "--skip-preview"]);
    expect(code).not.toBe(0);
    expect(text).toContain("At most");
    const state = await project.state();
    expect(state["ProfiledVolume data"]?.inputs).toMatchObject({ sizeGiB: 16000, profile: "silver" });
    expect(state["LocalVolume data"]?.outputs).toMatchObject({ sizeGiB: 1, settings: { iopsLimit: 10000 } });

    // Back to what it was is no shrink, and on to something else is judged by what the volume has.
    declare("gold", 1);
    expect((await project.steps()).map(({ what }) => what)).toEqual(["ProfiledVolume data"]);
    declare("silver", 2);
    const plan = succeeded(await project.run(["preview"]));
    expect(plan).toContain("data (whose last change did not finish): in-place");
    expect(plan).toContain("sizeGiB: 1 -> 2, in place");
    expect(plan).toContain("iopsLimit: 10,000 -> 3,000, in place");
    await project.up();
    expect(readFileSync(file, "utf8")).toBe("data");
    expect(await project.steps()).toEqual([]);
  });
});
