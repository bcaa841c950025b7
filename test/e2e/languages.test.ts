// Programs in other languages than TypeScript, on the real engine and the real language host: what a user sees of plans, changes and
// refusals. The package is a plugin to them.

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { ScaleioGateway } from "../../emulators";
import { diagnostics, Project, succeeded } from "../support/engine";
import { ask } from "../support/http";
import { describeLanguage, describeYaml, SdkProject, virtualenv, YamlProject } from "../support/languages";
import { loopReason, testIf } from "../support/machine";
import { callPlugin } from "../support/plugin";
import { MISSPELT, problems } from "../support/refusals";
import { RunningCommand } from "../support/running";
import { changeToSilver, configureBeside, emptyGateway, onArray } from "../support/scaleio";

const volume = (properties: object) => ({ type: "storage-profiles:ProfiledVolume", properties });
const DIRECTORY = { local: { mode: "directory" } };

// Gives the project the policy pack as npm lays it there, and a config of its policies. Returns the options of a run that keeps to them.
function policed(project: Project, policies: object): string[] {
  const pack = "node_modules/storage-profiles-policy";
  cpSync(resolve(__dirname, "../../packages/policy"), join(project.directory, pack), { recursive: true });
  project.write("policies.json", JSON.stringify(policies));
  return ["--policy-pack", pack, "--policy-pack-config", "policies.json"];
}

describeYaml("a program in YAML", () => {
  const project = new YamlProject("yaml");
  const mount = join(project.volumes, "volumes/yaml/dev/highperfvolume/mount");
  const precious = join(mount, "precious");
  beforeAll(() => project.init());
  afterAll(() => project.dispose());
  beforeEach(() => {
    project.reset();
    project.config({});
  });

  const loop = loopReason();
  testIf(loop === undefined, "makes a volume, changes its profile in place, and keeps it protected", loop, async () => {
    // Eight lines: name, runtime, packages and theirs, resources and theirs.
    project.declare({ "highperfvolume@gold": volume({ sizeGiB: 1 }) });
    await project.up();
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toContain(` ${mount} `);
    const made = await project.state();
    const before = made["Volume highperfvolume"];
    expect(before).toMatchObject({
      type: "storage-profiles:local:Volume",
      id: join(project.volumes, "volumes/yaml/dev/highperfvolume"),
      protect: true,
      outputs: { sizeGiB: 1, settings: { mode: "loop", iopsLimit: 10000, throughputLimitMiBps: 0 } },
    });
    expect(made["ProfiledVolume highperfvolume"]?.outputs).toMatchObject({ profile: "gold", mountPath: mount });
    // What the stack's config says is no business of the provider's entry in the state.
    expect(made["storage-profiles default"]?.inputs).toBeUndefined();

    writeFileSync(precious, "data");
    project.declare({ "highperfvolume@silver": volume({ sizeGiB: 2 }) });
    const { steps, text } = await project.upSteps();
    expect(steps).toEqual([
      { op: "update", what: "ProfiledVolume highperfvolume" },
      { op: "update", what: "Volume highperfvolume" },
    ]);
    expect(text).toContain("highperfvolume: gold → silver: update in place");
    expect(text).toContain("iopsLimit: 10,000 IOPS → 3,000 IOPS, in place");
    const after = (await project.state())["Volume highperfvolume"];
    expect([after?.id, after?.outputs["uid"]]).toEqual([before?.id, before?.outputs["uid"]]);
    expect(after?.outputs).toMatchObject({ sizeGiB: 2, settings: { iopsLimit: 3000, throughputLimitMiBps: 250 } });
    expect(after?.protect).toBe(true);
    expect(readFileSync(precious, "utf8")).toBe("data");
    await project.refresh();
    expect(await project.steps()).toEqual([]);

    // Shrinking is refused before anything is touched.
    project.declare({ "highperfvolume@silver": volume({ sizeGiB: 1 }) });
    expect(diagnostics(await project.run(["preview"]))).toMatch(/highperfvolume@silver is refused.*\n.*shrink/);
  });

  test("a misspelt profile is refused at preview, with all other problems and in the words that TypeScript gets", async () => {
    const spelt = { "data@glod": volume({ sizeGiB: 1 }), logs: volume({ profile: "sliver" }) };
    project.declare({ ...spelt, fine: volume({ sizeGiB: 1 }) });
    project.config(DIRECTORY);
    const preview = await project.run(["preview"]);
    expect(preview.code).not.toBe(0);
    expect(problems(preview)).toEqual(MISSPELT);
  });

  test("its arguments are checked, its outputs reach other resources, and commands read and change its stack", async () => {
    project.config(DIRECTORY);
    project.declare({ data: volume({ sizeGb: 1 }) });
    expect((await project.run(["preview"])).text).toContain(
      "sizeGb does not exist on 'storage-profiles:index:ProfiledVolume'",
    );
    const data = volume({ profile: "gold", sizeGiB: 1, deletionProtection: false });
    const copy = volume({ sizeGiB: "${data.sizeGiB}", deletionProtection: false });
    project.declare({ data, copy }, { outputs: { path: "${copy.mountPath}", of: "${data.settings}" } });
    await project.up();
    const outputs = await project.outputs();
    expect(outputs["path"]).toBe(join(project.volumes, "volumes/yaml/dev/copy/data"));
    expect(outputs["of"]).toMatchObject({ mode: "directory" });
    const status = JSON.parse((await project.command("storage-profiles", ["status", "--json"])).text);
    expect(status.volumes).toMatchObject([
      { name: "copy", profile: "default", status: "compliant" },
      { name: "data", profile: "gold", status: "compliant" },
    ]);

    // The provider finds a shared file from the project's directory, as the commands do.
    project.write("shared.yaml", "profiles: { gold: { local: { iops: 20_000 } } }\n");
    project.config({ ...DIRECTORY, catalog: "./shared.yaml" });
    expect(succeeded(await project.command("storage-profiles", ["plan"]))).toContain("20,000 IOPS");
    succeeded(await project.command("storage-profiles", ["apply", "--yes"]));
    expect((await project.state())["Volume data"]?.outputs["settings"]).toMatchObject({ iopsLimit: 20_000 });

    // What the program declares is changed there; what the config lists, this program doesn't declare.
    const ofProgram = await project.command("storage-profiles", ["apply", "data@silver", "--yes"]);
    expect([ofProgram.code, ofProgram.text]).toEqual([1, expect.stringContaining('change the ProfiledVolume "data"')]);
    const notMade = await project.command("storage-profiles", ["apply", "new@silver", "--size", "1", "--yes"]);
    expect(notMade.code).toBe(1);
    expect(notMade.text).toContain("the program doesn't declare it [volume-not-made]");
    expect(notMade.text).toContain("the resource `StackVolumes` in other languages");
  });
});

describeYaml("a program in YAML, with a volume that exists", () => {
  const project = new YamlProject("yaml-existing");
  beforeAll(() => project.init());
  afterAll(() => project.dispose());

  test("keeps it under another name by an alias, and gets it back by `pulumi import`", async () => {
    project.config({ ...DIRECTORY, deletionProtection: false });
    project.declare({ data: volume({ sizeGiB: 1 }) });
    await project.up();
    const { urn, id = "" } = (await project.state())["Volume data"]!;
    writeFileSync(join(id, "data/precious"), "data");

    const component = urn.replace(/\$[^:]*:[^:]*:[^:]*::/, "::");
    const renamed = { ...volume({ sizeGiB: 1, physicalName: "data" }), options: { aliases: [component] } };
    project.declare({ files: renamed });
    await project.up();
    expect((await project.state())["Volume files"]).toMatchObject({ id });

    // Out of the state, and in again by its id: `pulumi import` gives it back only to the component that owns it. (The argument `import`: in Python.)
    const gone = (await project.state())["ProfiledVolume files"]!.urn;
    const remove = ["state", "delete", gone, "--target-dependents", "--force", "--yes"];
    succeeded(await project.run(remove));
    const imported = async (name: string, ...options: string[]) => {
      const above = {
        type: "storage-profiles:index:ProfiledVolume",
        name: "above",
        logicalName: name,
        component: true,
      };
      const resources = [above, { type: "storage-profiles:local:Volume", name, id, parent: "above" }];
      project.write("import.json", JSON.stringify({ resources }));
      return project.run(["import", "--file", "import.json", "--generate-code=false", "--yes", ...options]);
    };
    expect((await imported("data")).text).toMatch(/belongs to \S+::files, not to \S+::data. To take it over, declare/);
    succeeded(await imported("files", "--skip-preview"));
    expect((await project.state())["Volume files"]).toMatchObject({ id, protect: true });
    project.declare({ files: volume({ profile: "gold", sizeGiB: 2, physicalName: "data" }) });
    const { steps, text } = await project.upSteps();
    expect(steps.map(({ op, what }) => `${op} ${what}`)).toEqual([
      "update ProfiledVolume files",
      "update Volume files",
    ]);
    expect(text).toMatch(/files \(imported\): update in place\n +sizeGiB: 1 GiB → 2 GiB, in place/);
    expect((await project.state())["Volume files"]).toMatchObject({ id });
    expect(readFileSync(join(id, "data/precious"), "utf8")).toBe("data");
    await project.destroy();
    expect(existsSync(id)).toBe(false);
  });
});

/** A project with an empty array beside it, for the tests of the group that calls it. */
function withArray<P extends Project>(project: P) {
  let gateway: ScaleioGateway;
  beforeAll(async () => {
    gateway = await emptyGateway();
    await project.init();
  });
  afterAll(async () => {
    await project.dispose();
    await gateway.close();
  });
  return { project, gatewayOf: () => gateway };
}

describeYaml("a program in YAML, on an array", () => {
  const { project, gatewayOf } = withArray(new YamlProject("yaml-array"));

  test("makes a volume and attaches it, and has the password in no state", async () => {
    const gateway = gatewayOf();
    await configureBeside(project, gateway, { backend: "scaleio", deletionProtection: false });
    const attached = {
      type: "storage-profiles:VolumeAttachment",
      properties: { volume: "${data}", host: "node1", scaleio: { accessMode: "ReadWrite" } },
    };
    // By its id, as a volume of another stack: with limits that are given there.
    const byId = { backend: "scaleio", volumeId: "${data.volumeId}", settings: { iopsLimit: 500 } };
    const other = { type: "storage-profiles:VolumeAttachment", properties: { volume: byId, host: "node2" } };
    const declare = (profile: string) =>
      project.declare(
        { data: volume({ profile, sizeGiB: 8 }), "data-on-node1": attached, "data-on-node2": other },
        { outputs: { device: "${data-on-node1.devicePath}" } },
      );
    declare("gold");
    // At a preview the id isn't known yet. The policies of an organisation see the volume as they see one of a program in TypeScript.
    const policies = (...profiles: string[]) => ({ "permitted-profiles": { profiles }, encryption: "disabled" });
    const strict = { ...policies("silver"), "monthly-cost": { monthly: 3, refuseUnknown: true } };
    const forbidden = await project.run(["preview", ...policed(project, strict)]);
    expect(forbidden.code).not.toBe(0);
    expect(forbidden.text).toMatch(/\+ .*VolumeAttachment +data-on-node2 +create/);
    expect(forbidden.text).toContain('data: profile "gold" isn\'t permitted in stack dev [profile-not-permitted]');
    expect(forbidden.text).toMatch(/allowed: +silver/);
    expect(forbidden.text).toContain("data: the monthly cost isn't known [cost-unknown]");
    expect(forbidden.text).not.toContain("volume-without-profile");
    const permitted = await project.up({}, ...policed(project, policies("gold")));
    expect(permitted).toContain("storage-profiles@v");
    const [data] = onArray(gateway);
    expect(data).toMatchObject({
      what: "8 GiB thin ramcache",
      mapped: ["node1 10000 IOPS 977 MB/s", "node2 500 IOPS 0 MB/s"],
    });
    expect((await project.outputs())["device"]).toBe(
      `/dev/disk/by-id/emc-vol-${(await project.state())["Volume data"]?.outputs["systemId"]}-${data?.id}`,
    );
    expect(JSON.stringify(await project.resources())).not.toContain(gateway.password);
    expect((await project.state())["VolumeMapping data-on-node1"]?.type).toBe("storage-profiles:scaleio:VolumeMapping");

    // The limits of the mapping follow the volume's profile, and its commands know it for a follower.
    declare("default");
    await project.up();
    expect(onArray(gateway)).toMatchObject([
      { id: data?.id, mapped: ["node1 0 IOPS 0 MB/s", "node2 500 IOPS 0 MB/s"] },
    ]);
    const status = JSON.parse((await project.command("storage-profiles", ["status", "--refresh", "--json"])).text);
    expect(status.volumes).toMatchObject([{ name: "data", profile: "default", status: "compliant" }]);
    // Only a program has the engine give the connection to the plugin.
    succeeded(await project.run(["destroy", "--yes", "--skip-preview", "--run-program"]));
    expect(onArray(gateway)).toEqual([]);
  });
});

describeYaml("a stack whose program gets another language", () => {
  const { project, gatewayOf } = withArray(new YamlProject("moved"));

  const inTypescript = (rest = "") => {
    project.write("Pulumi.yaml", JSON.stringify({ name: "moved", runtime: "nodejs" }));
    project.program(`
      const { VolumeAttachment } = require("storage-profiles");
      const data = new ProfiledVolume("data@gold", { sizeGiB: 8${rest} });
      new VolumeAttachment("data-on-node1", { volume: data, host: "node1" });
      new ProfiledVolume("disk@gold", { sizeGiB: 1, backend: "local"${rest} });
    `);
  };
  const inYaml = (disk: object = {}, others: Record<string, object> = {}) =>
    project.declare({
      "data@gold": volume({ sizeGiB: 8 }),
      "data-on-node1": {
        type: "storage-profiles:VolumeAttachment",
        properties: { volume: "${data@gold}", host: "node1" },
      },
      "disk@gold": { ...volume({ sizeGiB: 1, backend: "local" }), ...disk },
      ...others,
    });
  // Of each resource of ours what a move must keep, by what it is called in either language.
  const recorded = async () =>
    Object.fromEntries(
      (await project.resources())
        .filter(({ type }) => type.includes("storage-profiles") && !type.startsWith("pulumi:providers"))
        .map(({ urn, id, protect, outputs, parent }) => [
          `${urn.split("::").at(-1)} ${parent?.includes("storage-profiles") ? "below its component" : ""}`,
          { id, protect, outputs },
        ]),
    );

  test("keeps every volume, mapping and byte, there and back, also by a run that fails halfway, and a targeted run in between touches nothing", async () => {
    const gateway = gatewayOf();
    await configureBeside(project, gateway, { backend: "scaleio", ...DIRECTORY });
    inTypescript();
    await project.up();
    const before = await recorded();
    const { id = "" } = (await project.state())["LocalVolume disk"]!;
    writeFileSync(join(id, "data/precious"), "data");
    const array = onArray(gateway);
    const { length: calls } = gateway.calls;
    const untouched = () => {
      expect(onArray(gateway)).toEqual(array);
      expect(gateway.calls.slice(calls)).toEqual([]);
      expect(readFileSync(join(id, "data/precious"), "utf8")).toBe("data");
    };

    inYaml();
    const targeted = await project.command("storage-profiles", ["apply", "disk", "--yes"]);
    expect(targeted.text).toContain("[providers-changed]");
    expect(targeted.text).toContain("run `pulumi up` once, without --target");
    expect(await recorded()).toEqual(before);

    // A run that ends halfway leaves each resource in one form or the other; the next one goes on, and then there is nothing left to do.
    inYaml(
      { options: { dependsOn: ["${missing}"] } },
      {
        missing: {
          type: "pulumi:pulumi:StackReference",
          properties: { name: "organization/moved/missing" },
          options: { dependsOn: ["${data-on-node1}"] },
        },
      },
    );
    expect((await project.tryUp()).code).not.toBe(0);
    const half = await project.state();
    expect([half["Volume data"]?.type, half["LocalVolume disk"]?.id]).toEqual(["storage-profiles:scaleio:Volume", id]);
    untouched();
    inYaml();
    expect((await project.upSteps()).steps).toEqual([]);
    expect(await project.steps()).toEqual([]);
    expect((await project.state())["Volume disk"]).toMatchObject({
      type: "storage-profiles:local:Volume",
      protect: true,
    });
    expect(await recorded()).toEqual(before);
    untouched();

    inTypescript();
    expect((await project.upSteps()).steps).toEqual([]);
    expect(await recorded()).toEqual(before);
    untouched();

    // What TypeScript has taken over it can change and delete.
    inTypescript(", deletionProtection: false");
    await project.up();
    await project.destroy();
    expect(onArray(gateway)).toEqual([]);
    expect(existsSync(id)).toBe(false);
  });
});

// A folder as it is before `init`, whose name is the project's. The stack's file says where the test's volumes go, and nothing more.
async function emptied(project: Project): Promise<void> {
  await project.init();
  for (const file of ["Pulumi.yaml", "package.json", "index.js"]) rmSync(join(project.directory, file));
  const place = { "storage-profiles:local": { stateDirectory: project.volumes, mode: "directory" } };
  const deletionProtection = { "storage-profiles:deletionProtection": false };
  project.write("Pulumi.dev.yaml", JSON.stringify({ config: { ...place, ...deletionProtection } }));
}

// The volume that `init` lists is created by a command, and read by others; HTTP and Docker add one each.
async function interfacesCarryOn(project: Project): Promise<void> {
  const call = async (...args: string[]) => succeeded(await project.command("storage-profiles", args));
  expect(await call("validate")).toContain("no problems (1 volume)");
  expect(await call("apply", "--yes")).toContain("created Volume data");
  const createdByHttp = await overHttp(project, { name: "logs@bronze", sizeGiB: 1 });
  expect(createdByHttp).toMatchObject({ state: "succeeded", volumes: ["logs"] });
  await throughDocker(project, "cache@gold");
  const { volumes } = JSON.parse(await call("status", "--json")) as { volumes: object[] };
  expect(volumes).toMatchObject([
    { name: "data", profile: "gold", status: "compliant" },
    { name: "logs", profile: "bronze", status: "compliant" },
  ]);
  expect(await call("plan", "data@silver")).toContain("data (gold → silver): update in place");
  expect(await call("cost")).toMatch(/^logs +bronze/m);
  expect((await project.outputs())["volumes"]).toMatchObject({
    data: { profile: "gold" },
    logs: { profile: "bronze" },
  });
  // What is wrong in the stack's config is refused before anything is touched.
  expect((await project.command("storage-profiles", ["apply", "data@glod", "--yes"])).text).toContain(
    'unknown profile "glod"',
  );
}

// The service has a volume created. Returns the operation as it ended.
async function overHttp(project: Project, volume: object): Promise<unknown> {
  const args = ["--tokens", "tokens.json", "--name", "ci", "--role", "write"];
  const token = succeeded(await project.command("storage-profiles", ["token", ...args])).trim();
  const listen = ["--listen", "127.0.0.1:0", "--tokens", "tokens.json", "--log-level", "error"];
  const service = await RunningCommand.start(project, "serve", "--stack", "dev", ...listen);
  try {
    const [, url = ""] = await service.printed(/^Serving at (\S+)$/m);
    const headers = { authorization: `Bearer ${token}` };
    const { status, body } = await ask(url, "/v1/configuration/volumes", { json: volume, headers });
    expect([status, body.problems]).toEqual([202, undefined]);
    const path = `/v1/operations/${body.operation.id}`;
    // Its events end with it.
    await ask(url, `${path}/events`, { headers });
    return (await ask(url, path, { headers })).body;
  } finally {
    await service.stop();
  }
}

// Docker has a volume created, mounts it, and removes it.
async function throughDocker(project: Project, name: string): Promise<void> {
  // Not in the project's folder: the path of a socket can't be long.
  const folder = mkdtempSync(join(tmpdir(), "sp-plugin-"));
  const socket = join(folder, "plugin.sock");
  const place = ["--socket", socket, "--state-directory", join(folder, "state")];
  const plugin = await RunningCommand.start(project, "docker-plugin", "--stack", "dev", ...place);
  const call = (verb: string, body: object) => callPlugin(socket, `VolumeDriver.${verb}`, { Name: name, ...body });
  try {
    await plugin.printed(/serving stack dev/);
    expect(await call("Create", { Opts: { size: "1GiB" } })).toEqual({});
    const { Mountpoint } = await call("Mount", { ID: "container" });
    expect(existsSync(Mountpoint as string)).toBe(true);
    expect(await call("Unmount", { ID: "container" })).toEqual({});
    expect(await call("Remove", {})).toEqual({});
    expect(existsSync(Mountpoint as string)).toBe(false);
  } finally {
    await plugin.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const init = (language: string) =>
  ["init", "--language", language, "--backend", "local", "--volume", "data@gold", "--size", "1", "--yes"] as const;

describeYaml("init --language yaml", () => {
  const project = new YamlProject("project");
  afterAll(() => project.dispose());

  test("writes a project whose volumes commands create and change, and HTTP and Docker create", async () => {
    await emptied(project);
    const text = succeeded(await project.command("storage-profiles", [...init("yaml")]));
    expect(text).toContain("Created Pulumi.yaml\n");
    await interfacesCarryOn(project);
    expect(succeeded(await project.command("storage-profiles", ["apply", "data@silver", "--yes"]))).toContain(
      "data (gold → silver): update in place",
    );
    expect((await project.state())["Volume data"]?.outputs["settings"]).toMatchObject({ iopsLimit: 3_000 });
  });
});

describeLanguage("python", "init --language python", () => {
  const project = new SdkProject("project", "python");
  afterAll(() => project.dispose());

  test("writes a project whose volumes commands, HTTP and Docker create, once its SDK is generated", async () => {
    await emptied(project);
    const text = succeeded(await project.command("storage-profiles", [...init("python")]));
    for (const file of ["Pulumi.yaml", "__main__.py", "requirements.txt"]) expect(text).toContain(`Created ${file}\n`);
    expect(text).toContain("pulumi package add ./node_modules/storage-profiles");
    symlinkSync(virtualenv(), join(project.directory, "venv"));
    await project.addPackage();
    await interfacesCarryOn(project);
    await project.destroy();
  });
});

const python = (...volumes: string[]) =>
  ["import pulumi", "import pulumi_storage_profiles as storage", "", ...volumes, ""].join("\n");

const go = (...volumes: string[]) => `package main

import (
	storage "example.com/pulumi-storage-profiles/sdk/go/storageprofiles"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		${volumes.join("\n\t\t")}
		return nil
	})
}
`;
const goVolume = (name: string, ...args: string[]) =>
  `if _, err := storage.NewProfiledVolume(ctx, "${name}", &storage.ProfiledVolumeArgs{${args.join(", ")}}); err != nil { return err }`;

const goAttachment = (host: string, attached: string, mode: string) =>
  `if _, err := storage.NewVolumeAttachment(ctx, "on-${host}", &storage.VolumeAttachmentArgs{Volume: ${attached}, Host: pulumi.String("${host}"), Scaleio: storage.VolumeAttachmentScaleioArgs{AccessMode: storage.VolumeAttachmentScaleioAccessMode${mode}}}); err != nil { return err }`;

// A story for each language with a generated SDK: the same promises, in as few runs of the engine as they take.
describeLanguage("python", "a program in Python", () => {
  const { project, gatewayOf } = withArray(new SdkProject("python", "python"));
  const loop = loopReason();
  testIf(
    loop === undefined,
    "makes a volume by the generated SDK, changes it in place, and can't lose it",
    loop,
    async () => {
      const gateway = gatewayOf();
      project.writeProject();
      expect(await project.addPackage()).toEqual({ "storage-profiles": "./node_modules/storage-profiles" });

      // All problems of all volumes at once, in the words that TypeScript gets.
      project.config(DIRECTORY);
      project.declare(
        python(
          'storage.ProfiledVolume("data@glod", size="1GiB")',
          'storage.ProfiledVolume("logs", profile="sliver")',
          'storage.ProfiledVolume("fine", size_gi_b=1)',
        ),
      );
      const preview = await project.run(["preview"]);
      expect(preview.code).not.toBe(0);
      expect(problems(preview)).toEqual(MISSPELT);

      // What a provider of the program's own is given is refused, and not dropped: it has no config of its own.
      project.declare(
        python(
          "found = pulumi.ResourceOptions(plugin_download_url=storage._utilities.get_plugin_download_url())",
          'pulumi.ProviderResource("storage-profiles", "west", {"profles": pulumi.Output.secret("hush")}, found)',
        ),
      );
      const west = await project.run(["preview"]);
      expect(west.code).not.toBe(0);
      expect(west.text).toContain("takes no config of its own; set storage-profiles:profiles in the stack's config");
      expect(west.text).not.toContain("hush");

      await configureBeside(project, gateway, {});
      project.declare(
        python(
          'array = storage.ProfiledVolume("array@gold", size="8GiB", backend="scaleio", deletion_protection=False)',
          'storage.VolumeAttachment("on-node1", volume=array, host="node1")',
          'other = storage.ExistingVolumeArgs(backend="scaleio", volume_id=array.volume_id)',
          'storage.VolumeAttachment("on-node2", volume=other, host="node2", scaleio={"access_mode": "ReadOnly"})',
          'data = storage.ProfiledVolume("data@gold", size="1GiB")',
          // A size that comes from another volume is unknown in a preview of both.
          'copy = storage.ProfiledVolume("copy", profile="bronze", size_gi_b=data.size_gi_b, deletion_protection=False)',
          'pulumi.export("path", data.mount_path)',
          'pulumi.export("settings", data.settings)',
          'pulumi.export("copied", copy.size_gi_b)',
        ),
      );
      const policies = (...profiles: string[]) => ({ "permitted-profiles": { profiles }, encryption: "disabled" });
      const forbidden = await project.run(["preview", ...policed(project, policies("bronze"))]);
      expect(forbidden.code).not.toBe(0);
      expect(forbidden.text).toMatch(/\+ .*VolumeAttachment +on-node2 +create/);
      for (const name of ["array", "data"])
        expect(forbidden.text).toContain(`${name}: profile "gold" isn't permitted in stack dev`);
      expect(forbidden.text).not.toMatch(/copy: profile|volume-without-profile/);
      await project.up({}, ...policed(project, policies("bronze", "gold")));
      expect(onArray(gateway)).toMatchObject([
        { mapped: ["node1 10000 IOPS 977 MB/s", "node2 0 IOPS 0 MB/s ReadOnly"] },
      ]);
      const before = (await project.state())["Volume data"];
      expect(before).toMatchObject({ type: "storage-profiles:local:Volume", protect: true });
      const { path, settings, copied } = await project.outputs();
      expect(path).toBe(join(project.volumes, "volumes/python/dev/data/mount"));
      expect([settings, copied]).toMatchObject([{ mode: "loop", iopsLimit: 10000 }, 1]);
      writeFileSync(join(path as string, "precious"), "data");

      // Commands read the stack.
      const status = JSON.parse((await project.command("storage-profiles", ["status", "--json"])).text);
      expect(status.volumes).toMatchObject([
        { name: "array", profile: "gold", status: "compliant" },
        { name: "copy", profile: "bronze", status: "compliant" },
        { name: "data", profile: "gold", status: "compliant" },
      ]);

      project.declare(python('storage.ProfiledVolume("data@silver", size="2GiB", deletion_protection=False)'));
      const { steps, text } = await project.upSteps();
      expect(steps.filter(({ what }) => what.endsWith(" data"))).toEqual([
        { op: "update", what: "ProfiledVolume data" },
        { op: "update", what: "Volume data" },
      ]);
      expect(new Set(steps.filter(({ what }) => !what.endsWith(" data")).map(({ op }) => op))).toEqual(
        new Set(["delete"]),
      );
      expect(onArray(gateway)).toEqual([]);
      expect(text).toContain("data: gold → silver: update in place");
      const after = (await project.state())["Volume data"];
      expect([after?.id, after?.outputs["uid"]]).toEqual([before?.id, before?.outputs["uid"]]);
      expect(after?.outputs).toMatchObject({ sizeGiB: 2, settings: { iopsLimit: 3000 } });
      expect(readFileSync(join(path as string, "precious"), "utf8")).toBe("data");

      // Out of the state, and in again by its id: an argument of the volume, since Pulumi's option of that name can't reach a component's resource.
      const { urn } = (await project.state())["ProfiledVolume data"]!;
      succeeded(await project.run(["state", "delete", urn, "--target-dependents", "--force", "--yes"]));
      const taken = `import_=${JSON.stringify(after?.id)}, deletion_protection=False`;
      project.declare(python(`storage.ProfiledVolume("data@silver", size="2GiB", ${taken})`));
      await project.up();
      expect((await project.state())["Volume data"]).toMatchObject({
        id: after?.id,
        outputs: { uid: after?.outputs["uid"] },
      });
      expect(readFileSync(join(path as string, "precious"), "utf8")).toBe("data");
      await project.destroy();
      expect(existsSync(path as string)).toBe(false);
    },
  );
});

describeLanguage("go", "a program in Go", () => {
  const project = new SdkProject("project", "go");
  let gateway: ScaleioGateway;
  beforeAll(async () => {
    gateway = await emptyGateway();
  });
  afterAll(async () => {
    await project.dispose();
    await gateway.close();
  });

  test("makes a volume by the generated SDK and the program that `init` writes, and changes it in place", async () => {
    await emptied(project);
    const text = succeeded(await project.command("storage-profiles", [...init("go")]));
    for (const file of ["Pulumi.yaml", "main.go", "go.mod"]) expect(text).toContain(`Created ${file}\n`);
    expect(text).toContain("pulumi package add ./node_modules/storage-profiles");
    const program = readFileSync(join(project.directory, "main.go"), "utf8");
    project.pinModules();
    expect(await project.addPackage()).toEqual({ "storage-profiles": "./node_modules/storage-profiles" });
    project.declare(
      go(
        goVolume("data@glod", 'Size: pulumi.String("1GiB")'),
        goVolume("logs", 'Profile: pulumi.String("sliver")'),
        goVolume("fine", "SizeGiB: pulumi.Float64(1)"),
      ),
    );
    expect(problems(await project.run(["preview"]))).toEqual(MISSPELT);

    project.declare(program);
    await project.up();
    expect((await project.outputs())["volumes"]).toMatchObject({ data: { profile: "gold", sizeGiB: 1 } });
    await changeToSilver(project, gateway, "data", () =>
      project.declare(
        go(
          goVolume("data@silver", 'Size: pulumi.String("2GiB")'),
          'array, err := storage.NewProfiledVolume(ctx, "array@gold", &storage.ProfiledVolumeArgs{Size: pulumi.String("8GiB"), Backend: storage.ProfiledVolumeBackendScaleio})',
          "if err != nil { return err }",
          goAttachment("node1", "array", "ReadWrite"),
          goAttachment(
            "node2",
            "storage.ExistingVolumeArgs{Backend: storage.ExistingVolumeBackendScaleio, VolumeId: array.VolumeId}",
            "ReadOnly",
          ),
        ),
      ),
    );
  });
});
