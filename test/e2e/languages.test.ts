// Programs in other languages than TypeScript, on the real engine and the real language host: what a user sees of plans, changes and
// refusals. The package is a plugin to them.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { ScaleioGateway } from "../../emulators";
import { diagnostics, Project, succeeded, type Ran } from "../support/engine";
import { describeYaml, YamlProject } from "../support/languages";
import { loopReason, testIf } from "../support/machine";
import { emptyGateway, onArray } from "../support/scaleio";

const volume = (properties: object) => ({ type: "storage-profiles:ProfiledVolume", properties });
const DIRECTORY = { local: { mode: "directory" } };

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
  testIf(loop === undefined, "makes a volume, changes its profile in place, and can't lose it", loop, async () => {
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
    expect(readFileSync(precious, "utf8")).toBe("data");
    expect(await project.steps()).toEqual([]);
    await project.refresh();
    expect(await project.steps()).toEqual([]);

    // Shrinking is refused before anything is touched, and a destroy meets the protection.
    project.declare({ "highperfvolume@silver": volume({ sizeGiB: 1 }) });
    expect(diagnostics(await project.run(["preview"]))).toMatch(/highperfvolume@silver is refused.*\n.*shrink/);
    expect((await project.run(["destroy", "--yes", "--skip-preview"])).text).toContain("protected");

    project.declare({ "highperfvolume@silver": volume({ sizeGiB: 2, deletionProtection: false }) });
    await project.up();
    await project.destroy();
    expect(existsSync(mount)).toBe(false);
  });

  test("a misspelt profile is refused at preview, with all other problems and in the words that TypeScript gets", async () => {
    const spelt = { "data@glod": volume({ sizeGiB: 1 }), logs: volume({ profile: "sliver" }) };
    project.declare({ ...spelt, fine: volume({ sizeGiB: 1 }) });
    project.config(DIRECTORY);
    const preview = await project.run(["preview"]);
    expect(preview.code).not.toBe(0);
    const inTypeScript = new Project(
      "same-words",
      'new ProfiledVolume("data@glod", { sizeGiB: 1 }); new ProfiledVolume("logs", { profile: "sliver" });',
    );
    await inTypeScript.init();
    inTypeScript.config(DIRECTORY);
    // Which volume comes first is chance where the program is another process.
    const problems = (ran: Ran) =>
      [...diagnostics(ran).matchAll(/(?:data|logs): \d problems?\n(?: +(?:-|given:|allowed:|fix:).*\n)+/g)]
        .map(([text]) => text.replace(/^ +/gm, ""))
        .sort();
    const expected = problems(await inTypeScript.run(["preview"]));
    await inTypeScript.dispose();
    expect(expected).toHaveLength(2);
    expect(expected[0]).toContain('unknown profile "glod"');
    expect(problems(preview)).toEqual(expected);
    // An `up` refuses it too, and leaves nothing behind.
    expect((await project.tryUp()).code).not.toBe(0);
    expect(existsSync(join(project.volumes, "volumes/yaml/dev/data"))).toBe(false);
  });

  test("commands read its stack: status, plan and cost of what was made, and of what would change", async () => {
    project.config(DIRECTORY);
    project.declare({ data: volume({ profile: "gold", sizeGiB: 1, deletionProtection: false }) });
    await project.up();
    const status = JSON.parse((await project.command("storage-profiles", ["status", "--json"])).text);
    expect(status.volumes).toMatchObject([{ name: "data", profile: "gold", status: "compliant" }]);

    // The provider finds a shared file from the project's directory, as the commands do.
    project.write("shared.yaml", "profiles: { gold: { local: { iops: 20_000 } } }\n");
    project.config({ ...DIRECTORY, catalog: "./shared.yaml" });
    const plan = succeeded(await project.command("storage-profiles", ["plan"]));
    expect(plan).toContain("20,000 IOPS");
    succeeded(await project.command("storage-profiles", ["apply", "--yes"]));
    expect((await project.state())["Volume data"]?.outputs["settings"]).toMatchObject({ iopsLimit: 20_000 });
    await project.destroy();
  });

  test("a volume's arguments are checked by the schema, and its outputs reach other resources", async () => {
    project.config(DIRECTORY);
    project.declare({ data: volume({ sizeGb: 1 }) });
    expect((await project.run(["preview"])).text).toContain(
      "sizeGb does not exist on 'storage-profiles:index:ProfiledVolume'",
    );
    const data = volume({ sizeGiB: 1, deletionProtection: false });
    // A size that comes from another volume is unknown in a preview of both.
    const copy = volume({ sizeGiB: "${data.sizeGiB}", deletionProtection: false });
    project.declare({ data, copy }, { outputs: { path: "${copy.mountPath}", of: "${data.settings}" } });
    expect((await project.steps()).filter(({ what }) => what.startsWith("ProfiledVolume"))).toHaveLength(2);
    await project.up();
    const outputs = await project.outputs();
    expect(outputs["path"]).toBe(join(project.volumes, "volumes/yaml/dev/copy/data"));
    expect(outputs["of"]).toMatchObject({ mode: "directory" });
    await project.destroy();
  });
});

describeYaml("a program in YAML, on an array", () => {
  const project = new YamlProject("yaml-array");
  let gateway: ScaleioGateway;
  beforeAll(async () => {
    gateway = await emptyGateway();
    await project.init();
  });
  afterAll(async () => {
    await project.dispose();
    await gateway.close();
  });

  test("makes a volume and attaches it, and has the password in no state", async () => {
    writeFileSync(join(project.directory, "ca.pem"), gateway.ca);
    const connection = { endpoint: gateway.url, username: gateway.username, caFile: "ca.pem" };
    project.config(
      { backend: "scaleio", scaleio: { protectionDomain: "domain1", storagePool: "pool1" }, deletionProtection: false },
      Object.fromEntries(Object.entries(connection).map(([key, value]) => [`scaleio:${key}`, value])),
    );
    await project.secret("scaleio:password", gateway.password);
    const attached = {
      type: "storage-profiles:VolumeAttachment",
      properties: { volume: "${data}", host: "node1", scaleio: { accessMode: "ReadWrite" } },
    };
    const declare = (profile: string) =>
      project.declare(
        { data: volume({ profile, sizeGiB: 8 }), "data-on-node1": attached },
        { outputs: { device: "${data-on-node1.devicePath}" } },
      );
    declare("gold");
    await project.up();
    const [data] = onArray(gateway);
    expect(data).toMatchObject({ what: "8 GiB thin ramcache", mapped: ["node1 10000 IOPS 977 MB/s"] });
    expect((await project.outputs())["device"]).toBe(
      `/dev/disk/by-id/emc-vol-${(await project.state())["Volume data"]?.outputs["systemId"]}-${data?.id}`,
    );
    expect(JSON.stringify(await project.resources())).not.toContain(gateway.password);
    expect((await project.state())["VolumeMapping data-on-node1"]?.type).toBe("storage-profiles:scaleio:VolumeMapping");

    // The limits of the mapping follow the volume's profile, and its commands know it for a follower.
    declare("default");
    await project.up();
    expect(onArray(gateway)).toMatchObject([{ id: data?.id, mapped: ["node1 0 IOPS 0 MB/s"] }]);
    const status = JSON.parse((await project.command("storage-profiles", ["status", "--json"])).text);
    expect(status.volumes).toMatchObject([{ name: "data", profile: "default", status: "compliant" }]);
    // Only a program has the engine give the connection to the plugin.
    succeeded(await project.run(["destroy", "--yes", "--skip-preview", "--run-program"]));
    expect(onArray(gateway)).toEqual([]);
  });
});
