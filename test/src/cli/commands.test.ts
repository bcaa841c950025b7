// The commands that need no engine, and how all of them are called: text, JSON, exit codes, help.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { parse, parseAllDocuments } from "yaml";

import { exitCodes, type Context } from "../../../src/cli/context";
import { commands } from "../../../src/cli/commands";
import { askedBy, profileEdit } from "../../../src/cli/references";
import { run } from "../../../src/cli/run";
import { coloursFor, table } from "../../../src/cli/text";
import { driverNames } from "../../../src/backends/kubernetes/drivers";
import { readConfigText } from "../../../src/stack/read-config";
import { NO_STATE } from "../../../src/stack/state";

const home = mkdtempSync(join(tmpdir(), "sp-cli-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const project = join(home, "project");
mkdirSync(project);
writeFileSync(join(project, "Pulumi.yaml"), "name: p\nruntime: nodejs\n");
const file = (stack: string) => join(project, `Pulumi.${stack}.yaml`);
writeFileSync(
  file("good"),
  "config:\n  storage-profiles:backend: local\n  storage-profiles:profiles: { fast: { local: { iops: 5 } } }\n  storage-profiles:volumes: { data: { profile: fast, sizeGiB: 1 } }\n",
);
writeFileSync(file("bad"), "config:\n  storage-profiles:volumes: { data: { profile: fats, sizeGiB: -1 } }\n");
writeFileSync(file("odd"), "config: [\n");

// `pulumi` is nowhere: what is answered here is answered without it.
async function call(line: string, { isTerminal = false, cwd = project, env = {}, columns = 120 } = {}) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(line.split(" ").filter(Boolean), {
    cwd,
    env,
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    isTerminal,
    columns,
    pulumi: "no-such-pulumi",
    journalDirectory: join(home, "journal"),
  });
  return { code, out: out.join(""), err: err.join("") };
}
const json = async (line: string, options?: Parameters<typeof call>[1]) =>
  JSON.parse((await call(`${line} --json`, options)).out);

describe("validate", () => {
  test("finds every problem of every stack's file, and says in which", async () => {
    const { code, out, err } = await call("validate");
    expect(code).toBe(1);
    expect(out).toContain("Pulumi.good.yaml: no problems (1 volume)");
    expect(err).toContain("error Pulumi.bad.yaml: storage-profiles:volumes.data.sizeGiB: ");
    expect(err).toMatch(/error Pulumi\.odd\.yaml: Pulumi\.odd\.yaml:\d+:\d+: not valid YAML: /);
    const { stacks } = await json("validate");
    expect(stacks.map(({ stack, problems }: any) => [stack, problems.map(({ code }: any) => code)])).toEqual([
      ["bad", ["size-invalid"]],
      ["good", []],
      ["odd", ["file-not-parsed"]],
    ]);
  });

  test("of one stack that is right ends well", async () => {
    expect(await call("validate --stack good")).toEqual({
      code: 0,
      out: "Pulumi.good.yaml: no problems (1 volume)\n",
      err: "",
    });
  });
});

describe("profiles and explain", () => {
  test("list the stack's profiles across backends", async () => {
    const { code, out } = await call("profiles -s good");
    expect(code).toBe(0);
    for (const text of ["PROFILE", "Amazon EBS", "This machine", "fast (stack)", "gold (built-in)", "iops: 5"])
      expect(out).toContain(text);
    expect((await json("profiles gold -s good --backend aws")).profiles).toEqual([
      expect.objectContaining({ name: "gold", sections: { aws: expect.objectContaining({ volumeType: "io1" }) } }),
    ]);
    expect(await call("profiles glod -s good")).toMatchObject({
      code: 1,
      err: expect.stringContaining('did you mean "gold"?'),
    });
  });

  test("say what a profile becomes, side by side, with what it costs and why", async () => {
    const { code, out } = await call("explain gold --size 100 --zone us-east-1a", { cwd: home, columns: 400 });
    expect(code).toBe(0);
    const [head = ""] = out.split("\n");
    for (const title of [
      "Amazon EBS",
      "OpenStack Cinder",
      "ScaleIO / PowerFlex",
      "ContainerIO",
      "Kubernetes",
      "This machine",
    ])
      expect(head).toContain(title);
    for (const text of ["iops: 3,000", "207.50 USD/month", "104 GiB", "io1: 4 to 16,384 GiB"])
      expect(out).toContain(text);
    // Once, instead of each cost as unknown: beside EBS there is none.
    expect(/^cost .*$/m.exec(out)?.[0]).toMatch(/^cost +207\.50 USD\/month *(?:$| {50,})/);
    expect(out).toMatch(/\n\nNo price list: OpenStack Cinder; .*This machine\. Set .*prices\.openstack\.perGiB/);
    // On a narrow terminal one below the other.
    expect((await call("explain gold --size 100", { cwd: home, columns: 60 })).out.split("\n")[0]).not.toContain(
      "This machine",
    );
    const of = await json("explain gold --size 20000 -b aws");
    expect(of.backends.aws.problems).toMatchObject([{ code: "size-beyond-limit" }]);
    expect(await call("explain gold --size 20000 -b aws")).toMatchObject({
      code: 1,
      err: expect.stringContaining("fix:"),
    });
    // The name is of no volume, so it isn't in a tag either.
    const { tags } = (await json("explain gold --size 100 -b aws")).backends.aws.volume.settings;
    expect(tags).toEqual({});
    expect((await call("explain gold --size 100 -b aws")).out).not.toContain("Name");
    writeFileSync(file("tagged"), "config: { storage-profiles:tags: { kind: volume } }\n");
    const tagged = await json("explain gold --size 100 -b aws -s tagged");
    rmSync(file("tagged"));
    expect(tagged.backends.aws.volume.settings.tags).toEqual({ kind: "volume" });
    // Possible on another, it is an answer all the same.
    expect((await call("explain gold --size 20000", { cwd: home })).code).toBe(0);
    expect((await json("explain fast -s good")).backends.local.admitted).toMatchObject([{ ranges: [{ fromGiB: 1 }] }]);
    expect((await json("explain fast -s good")).backends.aws.notAdmitted).toMatchObject([
      { code: "profile-without-backend" },
    ]);
  });
});

describe("a profile on Kubernetes", () => {
  const EBS = "ebs.csi.aws.com";

  test("is explained for each driver, or for the one that is meant", async () => {
    const claims = async (line: string) =>
      Object.keys((await json(line, { cwd: home })).backends).filter((each) => each.startsWith("kubernetes"));
    const drivers = [EBS, "cinder.csi.openstack.org", "csi-vxflexos.dellemc.com", "rbd.csi.ceph.com"];
    expect(await claims("explain silver --size 100")).toEqual(drivers.map((each) => `kubernetes:${each}`));
    expect(await claims(`explain silver --size 100 --driver ${EBS}`)).toEqual(["kubernetes"]);
    const { backends: of } = await json(`explain gold --size 100 --driver ${EBS} --zone us-east-1a`, { cwd: home });
    expect(of.kubernetes.admitted).toEqual(of.aws.admitted);
    expect(of.kubernetes.volume.settings.attributes).toEqual({ type: "io1", iops: "3000" });
  });

  test("is a claim on each driver where the stack has what each needs, and is printed as classes of each", async () => {
    const kubernetes = { parameters: { "rbd.csi.ceph.com": { clusterID: "c1" } } };
    const config = {
      "storage-profiles:kubernetes": kubernetes,
      "storage-profiles:profiles": { gold: { extends: "gold", scaleio: { storagePool: "p", ramCache: null } } },
    };
    writeFileSync(file("claims"), JSON.stringify({ config }));
    const { backends: of } = await json("explain gold --size 100 --stack claims");
    const asked = ["aws", "openstack", ...driverNames.map((each) => `kubernetes:${each}`)];
    expect(asked.map((each) => [each, of[each].volume?.sizeGiB, of[each].problems])).toEqual(
      asked.map((each) => [each, each.includes("vxflexos") ? 104 : 100, []]),
    );
    for (const driver of driverNames) {
      const { code, out, err } = await call(`classes gold --driver ${driver} --size 100 -o yaml --stack claims`);
      const objects = parseAllDocuments(out).map((each) => each.toJS());
      expect([code, err.includes("error"), objects[0].provisioner]).toEqual([0, false, driver]);
      const claim = of[`kubernetes:${driver}`].volume.settings;
      const names = objects.map(({ metadata }) => metadata.name);
      expect(names).toContain(claim.storageClass);
      if (claim.volumeAttributesClass !== null) expect(names).toContain(claim.volumeAttributesClass);
    }
    rmSync(file("claims"));
  });

  test("is printed as classes: as YAML documents for kubectl, or as a List", async () => {
    const { code, out } = await call(`classes gold silver --driver ${EBS} --size 100 --size 1TiB`, { cwd: home });
    const objects = parseAllDocuments(out).map((each) => each.toJS());
    expect([code, objects.map(({ kind }) => kind)]).toEqual([
      0,
      ["StorageClass", "StorageClass", ...Array<string>(3).fill("VolumeAttributesClass")],
    ]);
    expect(
      objects.flatMap(({ kind, parameters }) => (kind.startsWith("Volume") ? parameters.iops : [])).sort(),
    ).toEqual([...["3000", "3000", "30720"]]);
    const list = await call(`classes gold silver --driver ${EBS} --size 100 --size 1TiB -o json`, { cwd: home });
    expect(JSON.parse(list.out)).toEqual({ apiVersion: "v1", kind: "List", items: objects });
  });

  test.each([
    ["classes gold", "storage-profiles:kubernetes.driver"],
    [`classes gold --driver ${EBS}`, "--size"],
    [`classes glod --driver ${EBS}`, 'did you mean "gold"?'],
    [`classes gold --driver ${EBS} --size big`, "size-invalid"],
  ])("%s reports what is missing", async (line, text) => {
    expect(await call(line, { cwd: home })).toMatchObject({ code: 1, out: "", err: expect.stringContaining(text) });
  });

  test("is printed as classes under any name that a profile may have, without those of its own name", async () => {
    const config = { "storage-profiles:profiles": { Big_Data: { aws: { volumeType: "gp3" } } } };
    writeFileSync(file("named"), JSON.stringify({ config }));
    const refused = await call(`classes --driver ${EBS} --size 100 -s named`);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("`--no-aliases`") });
    const { items } = await json(`classes --driver ${EBS} --size 100 -s named --no-aliases`);
    rmSync(file("named"));
    const names = (items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
    expect(names.filter((name) => !name.startsWith("sp-ebs-"))).toEqual([]);
    expect(names).not.toEqual([]);
  });

  test("on a driver that isn't supported names the supported ones", async () => {
    expect(await call("classes --driver pd.csi.storage.gke.io", { cwd: home })).toMatchObject({
      code: 2,
      err: expect.stringContaining(`Allowed choices are ${EBS}`),
    });
  });
});

describe("a wrong call", () => {
  test.each([
    ["staus", "(Did you mean status?)"],
    ["explain", "missing required argument 'profile'"],
    ["explain gold --backend gcp", "Allowed choices are aws, openstack, scaleio, cio, ceph, kubernetes, local."],
    ["status --refesh", "(Did you mean --refresh?)"],
    ["apply data@gold", "not an interactive terminal; pass --yes"],
    ["apply --yes --wait soon", "--wait must be a number of seconds"],
    ["init --yes --stack new", "--backend aws|openstack|scaleio|cio|ceph|kubernetes|local"],
    ["init --yes --stack new --backend scaleio", "backend scaleio requires --domain"],
    ["init --yes --stack good --backend aws", "already has a config (backend local)"],
    ["completion tcsh", "choose bash, zsh, fish or powershell"],
  ])("%s is told what is wrong with it", async (line, text) => {
    const { code, out, err } = await call(line);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(text);
  });

  test("without a project, a stack or an engine says which of them is missing", async () => {
    expect(await call("status", { cwd: home })).toMatchObject({
      code: 4,
      err: expect.stringContaining("[project-missing]"),
    });
    expect(await call("status -s good")).toMatchObject({ code: 4, err: expect.stringContaining("[engine-missing]") });
    expect(await call("status -s ../good")).toMatchObject({
      code: 1,
      err: expect.stringContaining("[stack-name-invalid]"),
    });
    expect(await json("status -s good")).toMatchObject({
      error: { code: "engine-missing" },
      problems: [{ fix: expect.stringContaining("install") }],
    });
  });
});

test("an edit of what can't be read is refused: what it says besides would be lost", async () => {
  const text =
    "config: { storage-profiles:profiles: { gold: { local: { iops: -1 }, aws: {} } }, storage-profiles:volumes: { a: { sizeGiB: no, profile: gold } } }";
  const read = await readConfigText(text, file("x"), { directory: project, projectConfig: {}, env: {} });
  const context = { args: ["a@gold"], options: { profile: "gold", set: ["aws.iops=5"] } } as unknown as Context;
  expect(askedBy(context, read, NO_STATE).problems).toMatchObject([{ path: "storage-profiles:volumes.a.sizeGiB" }]);
  expect(profileEdit(context, read)).toMatchObject({
    edits: [],
    problems: [{ path: "storage-profiles:profiles.gold.local.iops" }],
  });
  const fine = await readConfigText("config: {}", file("x"), { directory: project, projectConfig: {}, env: {} });
  expect(profileEdit(context, fine).edits).toEqual([
    { kind: "set-profile", name: "gold", definition: { extends: "gold", aws: { iops: 5 } } },
  ]);
});

test("a misspelt volume name is a problem that suggests the nearest name; with a size, it declares a new volume", async () => {
  const text = "config: { storage-profiles:volumes: { data: { sizeGiB: 1, backend: local } } }";
  const read = await readConfigText(text, file("x"), { directory: project, projectConfig: {}, env: {} });
  const asked = (reference: string, options = {}) =>
    askedBy({ args: [reference], options } as unknown as Context, read, NO_STATE);
  expect(asked("dta@gold")).toMatchObject({
    edits: [],
    problems: [
      { code: "volume-unknown", allowed: "data", fix: 'did you mean "data"? To declare a new volume, add --size' },
    ],
  });
  expect(asked("dta@gold", { size: "1" })).toMatchObject({ edits: [{ name: "dta" }], problems: [] });
  expect(asked("orders@gold")).toMatchObject({ edits: [{ name: "orders" }], problems: [] });
});

describe("init", () => {
  test("writes a first config, that is right, and leaves what is there alone", async () => {
    writeFileSync(file("new"), "# mine\nencryptionsalt: x\nconfig:\n  aws:region: eu-west-1 # here\n");
    const { code, out } = await call(
      "init -s new --backend scaleio --domain d1 --pool p1 --volume data@gold --size 1TiB --yes",
    );
    expect([code, out]).toEqual([0, expect.stringContaining("Written to")]);
    const text = readFileSync(file("new"), "utf8");
    expect(text).toContain("# mine\nencryptionsalt: x\nconfig:\n  aws:region: eu-west-1 # here\n");
    expect(parse(text).config).toMatchObject({
      "storage-profiles:backend": "scaleio",
      "storage-profiles:scaleio": { protectionDomain: "d1", storagePool: "p1" },
      "storage-profiles:volumes": { data: { profile: "gold", size: "1TiB" } },
    });
    expect((await call("validate -s new")).code).toBe(0);
  });

  test("writes nothing where what it is told is wrong", async () => {
    const wrong = await call("init -s never --backend local --volume data@glod --size 1 --yes");
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('did you mean "gold"?') });
    const other = await call("init -s never --language python --backend local --yes");
    expect(other.err).toContain("doesn't run programs in python [project-in-other-language]");
    const nowhere = await call(`init --cwd ${join(home, "nowhere")} --backend local --yes`);
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining("can't be written: ENOENT") });
    const foreign = await call("init -s never --backend local --zone us-east-1a --yes");
    expect(foreign).toMatchObject({ code: 2, err: expect.stringContaining("--zone doesn't apply to backend local") });
    expect(() => readFileSync(file("never"))).toThrow(/ENOENT/);
  });
});

test("schema prints what the repository has", async () => {
  const shipped = JSON.parse(readFileSync(resolve(__dirname, "../../../docs/config.schema.json"), "utf8"));
  expect(JSON.parse((await call("schema")).out)).toEqual(shipped);
});

test("there are colours only on a terminal whose user wants them", async () => {
  const coloured = "\u001b[";
  expect((await call("validate -s good", { isTerminal: true })).out).toContain(coloured);
  expect((await call("validate -s good")).out).not.toContain(coloured);
  expect((await call("validate -s good", { isTerminal: true, env: { NO_COLOR: "1" } })).out).not.toContain(coloured);
  expect((await call("validate -s good --no-color", { isTerminal: true })).out).not.toContain(coloured);
});

test("explain has no row of problems where there are none, in colour neither", async () => {
  const { code, out } = await call("explain silver --size 100 --backend aws", { isTerminal: true });
  expect([code, out]).toEqual([0, expect.stringContaining("settings")]);
  expect(out).not.toContain("problems");
});

test("every command has a help with examples, and every option that it shows there exists", async () => {
  for (const { name, examples } of commands) {
    const { code, out } = await call(`${name} --help`);
    expect([name, code]).toEqual([name, 0]);
    expect(examples.length).toBeGreaterThan(0);
    for (const [line] of examples) {
      expect(out).toContain(`$ storage-profiles ${line}`);
      for (const [flag] of line.split(/[|>]/)[0]?.matchAll(/--[a-z]+/g) ?? [])
        expect(out).toMatch(new RegExp(`^ {2}(-\\w, )?${flag}\\b`, "m"));
    }
  }
  const { out } = await call("--help");
  for (const [code, what] of Object.values(exitCodes)) expect(out).toContain(`${String(code).padEnd(4)} ${what}`);
});

test("a table wraps its cells, and colours take no room in it", () => {
  const { red } = coloursFor(true, {}, true);
  const text = table(
    [
      ["A", "B"],
      [red("one"), "two three four"],
      ["x", "y"],
    ],
    coloursFor(false, {}, true),
    9,
  );
  expect(text.split("\n")).toEqual(["A    B", `${red("one")}  two three`, "       four", "x    y"]);
});
