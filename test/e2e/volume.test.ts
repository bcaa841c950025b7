// ProfiledVolume on the real engine: what a user sees of plans, changes, refusals and options.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { diagnostics, Project, succeeded } from "../support/engine";
import { describeIf, loopReason, unmountAndDetach } from "../support/machine";

const UP = ["up", "--yes", "--skip-preview"];
/** A line of a stack trace. */
const TRACE = /^\s+at .*:\d+:\d+/m;

describeIf(loopReason() === undefined, "the founding example, as root on Linux", loopReason(), () => {
  const project = new Project("founding", "");
  const mounted = (name: string) => join(project.volumes, "volumes/founding/dev", name, "mount");
  const precious = join(mounted("highperfvolume"), "precious");
  const declare = (profile: string, sizeGiB = 1) =>
    project.program(`
      const high = new ProfiledVolume("highperfvolume@${profile}", { sizeGiB: ${sizeGiB} });
      const cheap = new ProfiledVolume("cheapvolume", { size: "1GiB" });
      for (const key of ["volumeId", "profile", "backend", "revision", "settings", "sizeGiB", "monthlyCost", "notes", "mountPath"]) {
        exports[key] = high[key];
      }
      exports.cheap = cheap.profile;
    `);
  beforeAll(() => project.init());
  afterAll(() => project.dispose());
  beforeEach(() => {
    project.reset();
    project.config({});
  });

  test("becomes two real volumes by one `up`, changes in place with its data, never shrinks, and gets over a change that fails", async () => {
    declare("gold");
    await project.up();
    const gold = { mode: "loop", iopsLimit: 10000, throughputLimitMiBps: 0, overcommit: false };
    expect(await project.outputs()).toEqual({
      volumeId: join(project.volumes, "volumes/founding/dev/highperfvolume"),
      profile: "gold",
      backend: "local",
      revision: expect.stringMatching(/^[0-9a-f]{8}$/),
      settings: gold,
      sizeGiB: 1,
      notes: [],
      mountPath: mounted("highperfvolume"),
      cheap: "default",
    });
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toContain(` ${mounted("highperfvolume")} `);
    // The state has what each volume last got, and nothing twice that could be left out.
    const made = await project.state();
    expect(made["ProfiledVolume highperfvolume"]?.inputs).toEqual({
      name: "highperfvolume",
      profile: "gold",
      revision: expect.any(String),
      backend: "local",
      sizeGiB: 1,
      settings: gold,
    });
    expect(made["LocalVolume highperfvolume"]?.protect).toBe(true);
    expect(Object.keys(made).filter((each) => each.includes("highperfvolume"))).toHaveLength(2);

    // A change is told setting by setting, and is an update.
    writeFileSync(precious, "data");
    const silver = { mode: "loop", iopsLimit: 3000, throughputLimitMiBps: 250, overcommit: false };
    const is = async (settings: object, sizeGiB: number) => {
      const { id, outputs } = (await project.state())["LocalVolume highperfvolume"] ?? {};
      const before = made["LocalVolume highperfvolume"];
      expect([id, outputs?.["uid"]]).toEqual([before?.id, before?.outputs["uid"]]);
      expect(outputs).toMatchObject({ sizeGiB, settings });
      expect(readFileSync(precious, "utf8")).toBe("data");
    };
    declare("silver", 2);
    const { steps, text } = await project.upSteps();
    expect(steps).toEqual([
      { op: "update", what: "LocalVolume highperfvolume" },
      { op: "update", what: "ProfiledVolume highperfvolume" },
    ]);
    expect(text).toContain("highperfvolume: gold → silver: update in place");
    expect(text).toContain("sizeGiB: 1 GiB → 2 GiB, in place");
    expect(text).toContain("iopsLimit: 10,000 IOPS → 3,000 IOPS, in place");
    expect(text).toContain("throughputLimitMiBps: unlimited → 250 MiB/s, in place");
    await is(silver, 2);

    // At preview it is refused as well, as the component's story shows.
    const before = await project.state();
    declare("gold", 1);
    const shrinks = await project.run(UP);
    expect(shrinks.code).not.toBe(0);
    expect(shrinks.text).toContain("highperfvolume: silver → gold is refused: 1 problem");
    expect(shrinks.text).toContain("the volume can't shrink from 2 GiB to 1 GiB");
    expect(shrinks.text).toContain("fix:     set the size to 2 GiB or more");
    expect(shrinks.text).not.toContain("LocalVolume highperfvolume");
    expect(await project.state()).toEqual(before);

    // No disk has that; whether it has is only known on the machine.
    declare("gold", 16000);
    const fails = await project.run(UP);
    expect(fails.code).not.toBe(0);
    expect(fails.text).toContain("At most");
    const state = await project.state();
    expect(state["ProfiledVolume highperfvolume"]?.inputs).toMatchObject({ sizeGiB: 16000, profile: "gold" });
    await is(silver, 2);

    // Back to what it was is no shrink, and on to something else is judged by what the volume has.
    declare("silver", 2);
    expect((await project.steps()).map(({ what }) => what)).toEqual(["ProfiledVolume highperfvolume"]);
    declare("gold", 3);
    const changed = await project.up();
    expect(changed).toContain("highperfvolume (last change unfinished): update in place");
    expect(changed).toContain("sizeGiB: 2 GiB → 3 GiB, in place");
    expect(changed).toContain("iopsLimit: 3,000 IOPS → 10,000 IOPS, in place");
    await is(gold, 3);
    expect(await project.steps()).toEqual([]);
  });

  test("comes back after a reboot, is put right after an edit by hand, and is protected until that is switched off", async () => {
    declare("gold");
    await project.up();
    writeFileSync(precious, "data");
    unmountAndDetach(mounted("highperfvolume"));
    expect(existsSync(precious)).toBe(false);
    expect((await project.upSteps()).steps).toEqual([{ op: "update", what: "LocalVolume highperfvolume" }]);
    expect(readFileSync(precious, "utf8")).toBe("data");

    const record = join(project.volumes, "volumes/founding/dev/highperfvolume/volume.json");
    const edited = JSON.parse(readFileSync(record, "utf8")) as { settings: { iopsLimit: number } };
    edited.settings.iopsLimit = 7;
    writeFileSync(record, JSON.stringify(edited));
    await project.refresh();
    expect((await project.state())["LocalVolume highperfvolume"]?.outputs["settings"]).toMatchObject({ iopsLimit: 7 });
    expect(await project.up({}, "--diff")).toMatch(/iopsLimit\s*: 7 => 10000/);
    expect(JSON.parse(readFileSync(record, "utf8"))).toMatchObject({ settings: { iopsLimit: 10000 } });

    const destroyed = await project.run(["destroy", "--yes", "--skip-preview"]);
    expect(destroyed.code).not.toBe(0);
    expect(destroyed.text).toContain("protected");
    expect(readFileSync(precious, "utf8")).toBe("data");

    // Only the engine's protection is another: what was edited by hand has been put right.
    project.config({ deletionProtection: false });
    expect((await project.upSteps("--refresh")).steps).toEqual([]);
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
  beforeEach(() => {
    project.reset();
    project.config({ local: { mode: "directory" } });
  });

  test("is told those of all its volumes, however many, and nothing is made", async () => {
    project.program(`
      for (let i = 0; i < 40; i++) new ProfiledVolume("data" + i + "@golf", { size: "tall" });
      new ProfiledVolume("array@gold", { sizeGiB: 8, backend: "scaleio", physicalName: "x".repeat(40) });
      new ProfiledVolume("good", { sizeGiB: 1 });
      new ProfiledVolume("other@gold", { sizeGiB: 1, physicalName: "good" });
      new ProfiledVolume("mixed@gold", { profile: "silver", sizeGiB: 1 });
      new ProfiledVolume("untyped", { sizeGB: 100, deletionProtection: "false" });
      new ProfiledVolume("c@gold@silver", { sizeGiB: 1 });
      new ProfiledVolume("", { sizeGiB: 1 });
      new ProfiledVolume(undefined, { sizeGiB: 1 });
      new ProfiledVolume("last@silv", { sizeGiB: 1 });
    `);
    for (const command of [["preview"], UP]) {
      const ran = await project.run(command);
      const text = diagnostics(ran);
      expect(ran.code).not.toBe(0);
      for (let i = 0; i < 40; i++) expect(text.split(`data${i}: 2 problems\n`)).toHaveLength(2);
      expect(text).toContain('did you mean "gold"?');
      expect(text).toContain("[physical-name-too-long]");
      expect(text).toContain("[profile-conflict]");
      // Two volumes that would be one.
      expect(text).toContain("[volume-twice]");
      expect(text).toContain('"good" is already used by "good"');
      // What TypeScript would not compile.
      expect(text).toContain("untyped: 3 problems");
      expect(text).toContain('did you mean "sizeGiB"?');
      expect(text).toContain('deletionProtection: expected true or false, got text ("false")');
      // References that are wrong keep nothing from being told that is declared after them.
      for (const code of ["reference-many-ats", "reference-blank"]) expect(text).toContain(`[${code}]`);
      expect(text).toContain('unknown profile "silv"');
      expect(text).not.toMatch(TRACE);
    }
    expect(
      Object.keys(await project.state()).filter((each) =>
        /data|array|mixed|other|untyped|last|c@|of the program/.test(each),
      ),
    ).toEqual([]);
  });

  test("is told them also where much is logged before them, or something that waits for a volume that is refused", async () => {
    // The engine stops by the refusal of a few, and what a program says comes in its order.
    project.program(`
      for (let i = 0; i < 3000; i++) pulumi.log.debug("much to say");
      for (let i = 0; i < 20; i++) new ProfiledVolume("data" + i + "@golf", { sizeGiB: 1 });
    `);
    const loud = await project.run(UP);
    expect(loud.code).not.toBe(0);
    for (let i = 0; i < 20; i++) expect(diagnostics(loud).split(`data${i}: 1 problem\n`)).toHaveLength(2);

    project.program(`
      const volume = new ProfiledVolume("data@golf", { sizeGiB: 1 });
      pulumi.log.info("waits for the volume", volume);
      new ProfiledVolume("other@silv", { sizeGiB: 1 });
    `);
    const waiting = await project.run(UP);
    expect(waiting.code).not.toBe(0);
    for (const profile of ["golf", "silv"]) expect(diagnostics(waiting)).toContain(`unknown profile "${profile}"`);
  });

  test("hears of a bad config in one message, by the places in the file, without a stack trace", async () => {
    project.program('new ProfiledVolume("data", { sizeGiB: 1 });');
    project.config({
      ...{ profiles: { gold: { lcal: {} }, a: { extends: "b" } }, volums: {}, backend: "locl" },
      local: { stateDirectory: "~/x" },
    });
    const config = (await project.run(["preview"])).text;
    expect(config).toContain("Pulumi.dev.yaml: 5 problems");
    for (const path of ["profiles.gold.lcal", "profiles.a.extends", "volums", "backend", "local.stateDirectory"])
      expect(config).toContain(`storage-profiles:${path}: `);

    project.config({ volumes: { high: { profile: "goldd", sizeGiB: 1 }, low: { profile: "gold" } } });
    const volumes = (await project.run(["preview"])).text;
    expect(volumes).toContain("Pulumi.dev.yaml: 2 problems");
    expect(volumes).toContain("storage-profiles:volumes.high.profile: unknown profile");
    expect(volumes).toContain("storage-profiles:volumes.low.sizeGiB: size is missing");

    // The project's own file holds what the stack's doesn't set.
    const projectFile = readFileSync(join(project.directory, "Pulumi.yaml"), "utf8");
    project.write(
      "Pulumi.yaml",
      `${projectFile}config: { storage-profiles:profiles: { value: { a: { lcal: {} } } } }\n`,
    );
    project.config({ backend: "locl" });
    const inherited = (await project.run(["preview"])).text;
    project.write("Pulumi.yaml", projectFile);
    expect(inherited).toContain("Pulumi.yaml: storage-profiles:profiles.a.lcal: ");
    expect(inherited).toContain("- storage-profiles:backend: ");
    for (const text of [config, volumes, inherited]) expect(text).not.toMatch(TRACE);
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

  test("refuses to run where changes could not be seen", async () => {
    project.program('new ProfiledVolume("data", { sizeGiB: 1 });');
    const { code, text } = await project.run(["preview"], { PULUMI_NODEJS_SKIP_COMPONENT_INPUTS: "true" });
    expect(code).not.toBe(0);
    expect(text).toContain("can't run with PULUMI_NODEJS_SKIP_COMPONENT_INPUTS");
  });
});

const unprotected = { local: { mode: "directory" }, deletionProtection: false };

describe("declared volumes, in directories", () => {
  const project = new Project("options", "");
  beforeAll(() => project.init());
  afterAll(() => project.dispose());
  beforeEach(() => {
    project.reset();
    project.config(unprotected);
  });

  test("take the options of any component, sizes that come late, transforms, and names of their own", async () => {
    const late = (sizeGiB: number) => `
      const first = new ProfiledVolume("first@silver", { sizeGiB: 1 });
      const second = new ProfiledVolume("second@gold", { sizeGiB: first.volumeId.apply(() => ${sizeGiB}) });
      exports.notes = first.notes.apply((notes) => notes.map((note) => note.message));
      exports.size = second.sizeGiB;
    `;
    const grouped = (name: string, more = "") => `
      const group = new pulumi.ComponentResource("test:index:Group", "group");
      const seen = new pulumi.ResourceHook("seen", async ({ name }) => { console.log("hook saw " + name); }, { onDryRun: true });
      new ProfiledVolume("${name}@gold", { sizeGiB: 1 }, {
        parent: group, dependsOn: [first], hooks: { beforeCreate: [seen] }, ${more}
        transforms: [async ({ type, props, opts }) => type.endsWith("LocalVolume") ? { props: { ...props, settings: { ...props.settings, iopsLimit: 77 } }, opts } : undefined],
      });
    `;
    const hatch = (physicalName: string, more = "") => `
      const hatch = new ProfiledVolume("hatch@gold", { sizeGiB: 1, ${physicalName} ${more} });
      exports.id = hatch.volumeId;
    `;
    const settings = `{ ...args.settings, iopsLimit: 55 }`;
    const transformed = `transform: { local: (args, opts) => ({ args: { ...args, settings: ${settings} }, opts: { ...opts, protect: true } }) }`;
    const opts = (more = "") => `new ProfiledVolume("opts", { sizeGiB: 1, deletionProtection: true, ${more} });`;
    const secretUid = 'transform: { local: () => ({ opts: { additionalSecretOutputs: ["uid"] } }) }';
    const child = (more = "") => `
      const parent = new pulumi.ComponentResource("test:index:Parent", "parent", {}, { protect: true });
      new ProfiledVolume("child", { sizeGiB: 1, ${more} }, { parent });
    `;

    const other = 'physicalName: "other-name",';
    project.program(late(3) + grouped("data") + hatch(other, transformed) + opts(secretUid) + child());
    // Six volumes with a resource each, and two components.
    const created = await project.upSteps();
    expect(created.steps).toHaveLength(14);
    expect(created.text).toContain("hook saw data");
    const [made, outputs] = [await project.state(), await project.outputs()];
    expect(outputs["size"]).toBe(3);
    expect(outputs["notes"]).toEqual([
      expect.stringContaining(
        "the size of 1 GiB, the limit of 3,000 IOPS, and the limit of 250 MiB/s are not enforced",
      ),
    ]);
    const data = made["LocalVolume data"];
    expect(data?.urn).toContain("test:index:Group$storage-profiles:index:ProfiledVolume$pulumi-nodejs:dynamic");
    expect(data?.outputs["settings"]).toMatchObject({ iopsLimit: 77 });
    expect(outputs["id"]).toBe(join(project.volumes, "volumes/options/dev/other-name"));
    expect(made["LocalVolume hatch"]).toMatchObject({ protect: true, outputs: { settings: { iopsLimit: 55 } } });
    // A transform with options of its own takes neither protection nor place away.
    expect(made["LocalVolume opts"]).toMatchObject({
      protect: true,
      urn: expect.stringContaining("ProfiledVolume$pulumi-nodejs"),
    });
    // Whatever the stack's config says.
    expect(made["LocalVolume child"]?.protect).toBe(true);

    // Renamed by an alias, the volume stays where it is: names on the backend are decided once.
    const renamed = grouped("renamed", 'aliases: [{ name: "data" }],');
    const off = "deletionProtection: false,";
    project.program(late(3) + renamed + hatch(other, transformed) + opts() + child(off));
    const { steps } = await project.upSteps();
    expect(steps.map(({ op, what }) => `${op} ${what}`)).toEqual([
      "update LocalVolume renamed",
      "update ProfiledVolume renamed",
    ]);
    const now = await project.state();
    expect(now["LocalVolume renamed"]).toMatchObject({ id: data?.id, outputs: { uid: data?.outputs["uid"] } });
    expect(now["LocalVolume child"]?.protect).not.toBe(true);
    expect(await project.steps()).toEqual([]);

    project.program(late(2) + renamed + hatch(other, transformed) + opts() + child(off));
    const shrunk = await project.run(["preview"]);
    expect([shrunk.code > 0, shrunk.text]).toEqual([
      true,
      expect.stringContaining("the volume can't shrink from 3 GiB to 2 GiB"),
    ]);
    project.program(late(3) + renamed + hatch('physicalName: "third-name",') + opts() + child(off));
    const called = await project.run(["preview"]);
    expect([called.code > 0, called.text]).toEqual([
      true,
      expect.stringContaining('the volume is named "other-name" and can\'t be renamed'),
    ]);
  });

  test("of a size that comes late are refused at `up` if it can't be had, and otherwise at preview", async () => {
    const declare = (profile: string, sizeGiB: number) =>
      project.program(`
        const first = new ProfiledVolume("first", { sizeGiB: 1 });
        new ProfiledVolume("late@${profile}", { sizeGiB: first.volumeId.apply(() => ${sizeGiB}) });
      `);
    declare("gold", 99999);
    // Its own preview succeeds.
    const { code, text } = await project.run(["up", "--yes"]);
    expect(code).not.toBe(0);
    expect(text).toMatch(/\+ \d to create[^]*Updating \(dev\)[^]*late: 1 problem/);
    expect(text).toContain("a local volume must be at most 16,383 GiB, not 99,999 GiB");
    expect(Object.keys(await project.state()).filter((each) => each.includes("late"))).toEqual([]);

    declare("golf", 1);
    const preview = await project.run(["preview"]);
    expect(preview.code).not.toBe(0);
    expect(preview.text).toContain('unknown profile "golf"');
    expect(preview.text).not.toContain("size-missing");
  });

  test("follow their profile by `status` with whatever the transforms of a parent and of the stack make of it", async () => {
    const program = (more = "") => `
      const edit = (name, settings) => ({ name: each, type, props, opts }) =>
        each === name && type.endsWith("LocalVolume") ? { props: { ...props, settings: { ...props.settings, ...settings } }, opts } : undefined;
      pulumi.runtime.registerResourceTransform(edit("ofstack", { iopsLimit: 88 }));
      const parent = new pulumi.ComponentResource("test:index:Parent", "parent", {}, { transforms: [edit("ofparent", { iopsLimit: 77 })] });
      new ProfiledVolume("ofstack@fast", { sizeGiB: 1 });
      new ProfiledVolume("ofparent@fast", { sizeGiB: 1 }, { parent });
      new ProfiledVolume("plain@fast", { sizeGiB: 1 });
      ${more}
    `;
    const config = (local: object) => project.config({ ...unprotected, profiles: { fast: { local } } });
    const statuses = async () => {
      const { text } = await project.command("storage-profiles", ["status", "--json", "--stack", "dev"]);
      const { volumes } = JSON.parse(text) as { volumes: { name: string; status: string }[] };
      return Object.fromEntries(volumes.map(({ name, status }) => [name, status]));
    };
    const all = (status: string) => ({ ofstack: status, ofparent: status, plain: status });

    config({ iops: 500 });
    project.program(program());
    await project.up();
    expect(await statuses()).toEqual(all("compliant"));
    // A run that changes nothing of them keeps that.
    project.program(program("exports.more = 1;"));
    await project.up();
    expect(await statuses()).toEqual(all("compliant"));

    config({ iops: 600 });
    expect((await statuses())["plain"]).toBe("out-of-date");
    await project.up();
    const made = await project.state();
    const limits = ["ofstack", "ofparent", "plain"].map((name) => made[`LocalVolume ${name}`]?.outputs["settings"]);
    expect(limits).toMatchObject([{ iopsLimit: 88 }, { iopsLimit: 77 }, { iopsLimit: 600 }]);
    expect(await statuses()).toEqual(all("compliant"));
  });

  test("end in one error where their transform returns something else", async () => {
    const transform = "transform: { local: (args) => ({ ...args, sizeGiB: 5 }) }";
    project.program(`new ProfiledVolume("data", { sizeGiB: 1, ${transform} });`);
    expect((await project.run(["preview"])).text).toContain("transform.local must return { args, opts }");
  });

  test("of two stacks and owners are different volumes, and go from one to the other with their data by an import", async () => {
    const declare = (owner: string, more = "") =>
      project.program(`
        const owner = new pulumi.ComponentResource("test:index:${owner}", "owner");
        exports.id = new ProfiledVolume("data@gold", { sizeGiB: 1, ${more} }, { parent: owner }).volumeId;
        exports.same = new ProfiledVolume("same", { sizeGiB: 1 }).volumeId;
      `);
    declare("First");
    await project.up();
    const { id, same } = await project.outputs();
    writeFileSync(join(id, "data/precious"), "data");

    // Under another parent it is another volume, and that one's place is taken.
    declare("Second");
    const taken = await project.run(["preview"]);
    expect(taken.code).not.toBe(0);
    expect(taken.text).toContain(`A volume already exists at ${id}; it belongs to`);

    await project.init("other");
    project.config(unprotected);
    declare("First", `import: "${id}x"`);
    expect((await project.run(["preview"])).text).toContain(`volume ${id}x doesn't exist`);
    declare("First", `import: "${id}"`);
    const unnamed = await project.run(UP);
    expect(unnamed.code).not.toBe(0);
    const owner = /takeFrom: "(urn:pulumi:dev::[^"]*)"/.exec(unnamed.text)?.[1] ?? "";
    expect(owner).toContain("$storage-profiles:index:ProfiledVolume::data");
    declare("First", `import: "${id}", takeFrom: "${owner}", sizeGiB: 2`);
    const taking = (await project.up()).replace(/\s+/g, " ");
    expect(taking).toContain(`imports ${id} from ${owner}`);
    expect(taking).toMatch(/imports .*1 GiB.*2 GiB/);
    const there = await project.outputs();
    expect(there["id"]).toBe(id);
    expect(there["same"]).not.toBe(same);
    declare("First", "sizeGiB: 2");
    expect(await project.steps()).toEqual([]);

    // The first stack no longer owns it: it may neither change nor delete it, and hears whose it is.
    await project.init("dev");
    declare("First");
    expect((await project.run(["refresh", "--yes", "--skip-preview"])).text).toContain(
      "is now owned by urn:pulumi:other",
    );
    const former = await project.run(["preview"]);
    expect(former.code).not.toBe(0);
    expect(former.text).toContain("is now owned by urn:pulumi:other::");
    expect(former.text).not.toContain("shrink");
    project.program('new ProfiledVolume("same", { sizeGiB: 1 });');
    const { code, text } = await project.run(UP);
    expect(code).not.toBe(0);
    expect(text).toContain("belongs to");
    expect(readFileSync(join(id, "data/precious"), "utf8")).toBe("data");
    // The other one may.
    await project.init("other");
    project.program("");
    await project.up();
    expect([id, same, there["same"]].map((each) => existsSync(each))).toEqual([false, true, false]);
  });
});

describe("volumes with data, in directories", () => {
  const project = new Project("kept", "");
  const declared = (profile = "gold", sizeGiB = 2) => `
    exports.id = new ProfiledVolume("data@${profile}", { sizeGiB: ${sizeGiB} }).volumeId;
    exports.removed = new ProfiledVolume("removed", { sizeGiB: 1 }).volumeId;
  `;
  // Made once: each test begins with these.
  beforeAll(async () => {
    await project.init();
    project.config(unprotected);
    project.program(declared());
    await project.up();
    project.keep();
  });
  afterAll(() => project.dispose());
  beforeEach(() => {
    project.reset();
    project.program(declared());
  });

  test("keep their data: not replaced by force, not taken by another state, not gone with a disk that isn't mounted", async () => {
    const { id, removed } = await project.outputs();
    const isThere = () => readFileSync(join(id, "data/precious"), "utf8") === "data";
    writeFileSync(join(id, "data/precious"), "data");
    const urn = (await project.state())["LocalVolume data"]?.urn ?? "";
    expect((await project.run([...UP, "--replace", urn])).code).not.toBe(0);
    expect(isThere()).toBe(true);

    // As in another clone, or on another backend: the same names, and a state that knows nothing.
    const state = succeeded(await project.run(["stack", "export"]));
    const empty = JSON.parse(state) as { deployment: { resources: unknown[] } };
    empty.deployment.resources = [];
    project.write("empty.json", JSON.stringify(empty));
    project.write("full.json", state);
    succeeded(await project.run(["stack", "import", "--file", "empty.json", "--force"]));
    const taken = await project.run(["preview"]);
    expect(taken.code).not.toBe(0);
    expect(taken.text).toContain("a Pulumi state contains it under the same name");
    succeeded(await project.run(["stack", "import", "--file", "full.json", "--force"]));
    expect(isThere()).toBe(true);

    renameSync(project.volumes, `${project.volumes}-away`);
    for (const command of [
      ["refresh", "--yes", "--skip-preview"],
      ["destroy", "--yes", "--skip-preview"],
      [...UP, "--refresh"],
    ]) {
      const { code, text } = await project.run(command);
      expect(code).not.toBe(0);
      expect(text).toContain("Mount its disk");
    }
    expect(Object.keys(await project.state())).toEqual(
      expect.arrayContaining(["LocalVolume data", "LocalVolume removed"]),
    );
    rmSync(project.volumes, { recursive: true, force: true });
    renameSync(`${project.volumes}-away`, project.volumes);

    // One that is removed by hand is gone at a refresh, and made anew; for the other there is nothing to do.
    rmSync(removed, { recursive: true });
    const { code, text } = await project.run(UP);
    expect(code).not.toBe(0);
    expect(text).toContain("`pulumi refresh` removes it from the state");
    await project.refresh();
    const { steps } = await project.upSteps();
    expect(steps.map(({ op, what }) => `${op} ${what}`)).toEqual(["create LocalVolume removed"]);
    expect(isThere()).toBe(true);

    // Imported by the other clone, it is that one's alone, though both call their stacks and volumes the same.
    project.write("full.json", succeeded(await project.run(["stack", "export"])));
    succeeded(await project.run(["stack", "import", "--file", "empty.json", "--force"]));
    project.program(`new ProfiledVolume("data@gold", { sizeGiB: 2, import: "${id}" });`);
    expect((await project.up()).replace(/\s+/g, " ")).toContain(
      `imports ${id} from a Pulumi state with the same names, which can then no longer change or delete it`,
    );
    succeeded(await project.run(["stack", "import", "--file", "full.json", "--force"]));
    project.program(declared("silver"));
    for (const command of [["preview"], ["destroy", "--yes", "--skip-preview", "--continue-on-error"]]) {
      const { code, text } = await project.run(command);
      expect(code).not.toBe(0);
      expect(text).toContain("another Pulumi state");
    }
    expect(isThere()).toBe(true);
  });

  test("are not made on an empty mount point while the state has others there, nor are those gone", async () => {
    const more = `${declared()}\nnew ProfiledVolume("more", { sizeGiB: 1 });`;
    renameSync(project.volumes, `${project.volumes}-away`);
    mkdirSync(project.volumes);
    project.program(more);
    const target = ["--target", `**ProfiledVolume::more`, "--target", "**LocalVolume::more"];
    for (const command of [UP, [...UP, ...target]]) {
      const { code, text } = await project.run(command);
      expect(code).not.toBe(0);
      expect(text).toMatch(/is not the state directory that contains "data"|Mount its disk/);
    }
    expect(readdirSync(project.volumes)).toEqual([]);
    // Another stack, which knows nothing of it, begins to use the mount point.
    await project.init("innocent");
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    project.program('new ProfiledVolume("theirs@gold", { sizeGiB: 1 });');
    await project.up();
    await project.init("dev");
    project.program(more);
    for (const command of [
      [...UP, "--refresh"],
      ["destroy", "--yes", "--skip-preview"],
    ]) {
      const { code, text } = await project.run(command);
      expect(code).not.toBe(0);
      expect(text).toContain("may not be the state directory that contains");
    }
    expect((await project.run(["up", "--yes", "--skip-preview", ...target])).text).toContain(
      'is not the state directory that contains "data"',
    );
    expect(Object.keys(await project.state())).toContain("LocalVolume data");
    rmSync(project.volumes, { recursive: true, force: true });
    renameSync(`${project.volumes}-away`, project.volumes);
    project.program(declared());
    // Of the other, only the component was recorded.
    expect(await project.steps()).toEqual([{ op: "delete", what: "ProfiledVolume more" }]);
  });

  test("left out by --target are judged by what they have", async () => {
    const state = await project.state();
    const urn = (what: string) => state[what]?.urn ?? "";
    project.program(declared("gold", 4));
    await project.up({}, "--target", urn("ProfiledVolume data"));
    project.program(declared());
    expect((await project.upSteps()).steps).toEqual([{ op: "update", what: "ProfiledVolume data" }]);

    // One with problems is not declared, and the engine would delete it where it is a target: so the whole run fails.
    // The order of the resources in the state isn't compared: the engine lists them as they came.
    const volumes = async () =>
      Object.fromEntries(Object.entries(await project.state()).filter(([what]) => what.startsWith("LocalVolume ")));
    const before = await volumes();
    expect(Object.keys(before)).toHaveLength(2);
    project.program(declared("golf"));
    const targeted = await project.run([...UP, "--target", urn("LocalVolume removed")]);
    expect(targeted.code).not.toBe(0);
    expect(targeted.text).toContain('unknown profile "golf"');
    expect(await volumes()).toEqual(before);
  });
});
