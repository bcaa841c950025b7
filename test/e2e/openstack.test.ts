// The life of volumes on OpenStack Cinder, through the real engine and provider, on a real Keystone and Cinder: made, changed in place, drifted,
// taken over, attached, destroyed.

import { diagnostics, succeeded } from "../support/engine";
import { OpenstackLab } from "../support/openstack";
import { describeOpenstackEngine, OpenstackProject } from "../support/openstack-project";

jest.setTimeout(300_000);

const profiles = {
  gold: { openstack: { volumeType: "gold", metadata: { tier: "gold", owner: "team" }, description: "fast" } },
  silver: { openstack: { volumeType: "silver" } },
  bronze: { openstack: { volumeType: "bronze" } },
  moving: { openstack: { volumeType: "bronze", migrationPolicy: "on-demand" } },
};

async function makeTypes(lab: OpenstackLab): Promise<void> {
  await lab.makeType("gold", { volume_backend_name: "fast" });
  await lab.makeType("silver", { volume_backend_name: "fast" });
  await lab.makeType("bronze", { volume_backend_name: "slow" });
}

describeOpenstackEngine("a volume", () => {
  let lab: OpenstackLab;
  let id: string;
  const project = new OpenstackProject("life", () => lab);
  const now = async () => (await lab.volume(id)) ?? {};
  const unchanged = async () => expect(await project.steps()).toEqual([]);

  beforeAll(async () => {
    lab = await OpenstackLab.start();
    await makeTypes(lab);
    await project.connect({ profiles });
  });
  afterAll(async () => {
    await lab.stop();
    await project.dispose();
  });

  test("is made with all that its profile, its stack and itself say, and marked as ours", async () => {
    const openstack = { availabilityZone: "nova", metadata: { owner: "me" } };
    project.declare({ "data@gold": { sizeGiB: 2, openstack }, plain: { sizeGiB: 1 } });
    const text = await project.up();
    expect(text).toContain('metadata.owner: "me" in place of "team", which "gold" says');
    id = (await project.ids())["data"]!;
    expect(await now()).toMatchObject({
      name: "data",
      size: 2,
      volume_type: "gold",
      status: "available",
      availability_zone: "nova",
      description: "fast",
      metadata: {
        owner: "me",
        tier: "gold",
        "storage-profiles.stack": "organization/life/dev",
        "storage-profiles.volume": "data",
      },
    });
    await unchanged();
  });

  test("changes nothing, and asks nothing, at an unchanged preview and up", async () => {
    await lab.clear();
    await unchanged();
    await project.up();
    expect(await lab.requests()).toEqual([]);
  });

  test("changes type and size in place, back as well, and metadata that is dropped goes", async () => {
    await lab.clear();
    project.declare({ "data@silver": { sizeGiB: 4 }, plain: { sizeGiB: 1 } });
    const preview = succeeded(await project.run(["preview"]));
    expect(preview).toContain('volumeType: "gold" → "silver"');
    expect(preview).toContain("sizeGiB: 2 GiB → 4 GiB, in place");
    expect(preview).not.toContain("replace");
    expect((await lab.changes()).filter((each) => each.includes("/volumes"))).toEqual([]);
    await project.up();
    expect(await lab.changes()).toEqual([
      expect.stringMatching(/^POST \/volumes\/<id>\/action .*os-extend.*"new_size": ?4.* 202$/),
      expect.stringMatching(/^POST \/volumes\/<id>\/action .*os-retype.*silver.* 202$/),
      expect.stringMatching(/^PUT \/volumes\/<id> .* 200$/),
    ]);
    const volume = await now();
    expect(volume).toMatchObject({ id, size: 4, volume_type: "silver" });
    expect(Object.keys(volume["metadata"] as object).sort()).toEqual([
      "storage-profiles.stack",
      "storage-profiles.volume",
    ]);
    expect(volume["description"] ?? "").toBe("");
    await unchanged();
    await project.refresh();
    await unchanged();

    project.declare({ "data@gold": { sizeGiB: 4 }, plain: { sizeGiB: 1 } });
    await project.up();
    expect(await now()).toMatchObject({ id, size: 4, volume_type: "gold", metadata: { owner: "team", tier: "gold" } });
    await unchanged();
  });

  test("goes from the cloud's default type to another, and back", async () => {
    project.declare({ "data@gold": { sizeGiB: 4 }, plain: { sizeGiB: 1 } });
    const { plain } = await project.ids();
    const typeOf = async () => (await lab.volume(plain!))?.["volume_type"] as string;
    expect(await typeOf()).toBe("__DEFAULT__");
    await lab.makeType("anywhere");
    const anywhere = { openstack: { volumeType: "anywhere", migrationPolicy: "on-demand" } };
    const back = { openstack: { migrationPolicy: "on-demand" } };
    project.configure({ profiles: { ...profiles, anywhere, back } });
    project.declare({ "data@gold": { sizeGiB: 4 }, "plain@anywhere": { sizeGiB: 1 } });
    await project.up();
    expect(await typeOf()).toBe("anywhere");
    project.declare({ "data@gold": { sizeGiB: 4 }, "plain@back": { sizeGiB: 1 } });
    await project.up();
    expect(await typeOf()).toBe("__DEFAULT__");
    await unchanged();
    project.configure({ profiles });
    project.declare({ "data@gold": { sizeGiB: 4 }, plain: { sizeGiB: 1 } });
    await project.up();
  });

  test("does not move to another backend where that is not allowed, says what to set, and moves where it is", async () => {
    const host = async () => (await now())["os-vol-host-attr:host"] as string;
    expect(await host()).toContain("@fast");
    project.declare({ "data@bronze": { sizeGiB: 4 }, plain: { sizeGiB: 1 } });
    const refused = await project.tryUp();
    expect(refused.code).not.toBe(0);
    expect(diagnostics(refused)).toContain(
      `retyping volume ${id} from "gold" to "bronze": Cinder took the request (202) and did not do it; the volume is "available" and of type "gold" as before`,
    );
    expect(diagnostics(refused)).toContain("set `migrationPolicy: on-demand` in the profile");
    expect(refused.text).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect(await now()).toMatchObject({ status: "available", volume_type: "gold" });

    // The state has what is true: going back is no change of the volume.
    project.declare({ "data@gold": { sizeGiB: 4 }, plain: { sizeGiB: 1 } });
    await lab.clear();
    await project.up();
    expect((await lab.changes()).filter((each) => each.includes("os-retype"))).toEqual([]);
    expect(await now()).toMatchObject({ volume_type: "gold" });
    await unchanged();

    project.declare({ "data@moving": { sizeGiB: 4 }, plain: { sizeGiB: 1 } });
    await project.up();
    expect(await now()).toMatchObject({ id, status: "available", volume_type: "bronze", size: 4 });
    expect(await host()).toContain("@slow");
    await unchanged();
    project.configure({
      profiles: { ...profiles, gold: { openstack: { volumeType: "gold", migrationPolicy: "on-demand" } } },
    });
    project.declare({ "data@gold": { sizeGiB: 4 }, plain: { sizeGiB: 1 } });
    await project.up();
    expect(await host()).toContain("@fast");
    project.configure({ profiles });
    await project.up();
  });

  test("shows at a refresh what was changed behind our back, and gets back what was declared", async () => {
    await lab.act(id, { "os-retype": { new_type: "silver", migration_policy: "never" } });
    await lab.waitUntil(id, (volume) => volume["volume_type"] === "silver");
    await unchanged();
    const refreshed = succeeded(await project.run(["refresh", "--yes", "--skip-preview", "--diff"]));
    expect(refreshed).toMatch(/volumeType *: "gold" => "silver"/);
    expect(await project.steps()).toEqual([{ op: "update", what: "CinderVolume data" }]);
    await project.up();
    expect(await now()).toMatchObject({ id, volume_type: "gold" });
    await unchanged();
  });

  test("that was grown behind our back is not shrunk", async () => {
    await lab.act(id, { "os-extend": { new_size: 6 } });
    await lab.waitUntil(id, (volume) => volume["size"] === 6 && volume["status"] === "available");
    await project.refresh();
    const refused = await project.run(["preview"]);
    expect(refused.code).not.toBe(0);
    expect(diagnostics(refused)).toContain("the volume has 6 GiB and would shrink to 4 GiB");
    project.declare({ "data@gold": { sizeGiB: 6 }, plain: { sizeGiB: 1 } });
    await project.up();
    await unchanged();
  });

  test("grows while it is in use, and never shrinks", async () => {
    await lab.attach(id);
    project.declare({ "data@gold": { sizeGiB: 7 }, plain: { sizeGiB: 1 } });
    await project.up();
    expect(await now()).toMatchObject({ id, size: 7, status: "in-use" });
    await lab.detach(id);
    project.declare({ "data@gold": { sizeGiB: 3 }, plain: { sizeGiB: 1 } });
    await lab.clear();
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const refused = await project.run(command);
      expect(refused.code).not.toBe(0);
      expect(diagnostics(refused)).toContain("the volume has 7 GiB and would shrink to 3 GiB");
    }
    expect(await lab.changes()).toEqual([]);
    project.declare({ "data@gold": { sizeGiB: 7 }, plain: { sizeGiB: 1 } });
    await unchanged();
  });

  test("refuses at preview what it was made with and can't become", async () => {
    project.declare({
      "data@gold": { sizeGiB: 7, openstack: { availabilityZone: "elsewhere", snapshotId: id } },
      plain: { sizeGiB: 1 },
    });
    const refused = await project.run(["preview"]);
    expect(refused.code).not.toBe(0);
    expect(diagnostics(refused)).toContain(
      `"availabilityZone" can't go from "nova" to "elsewhere": a volume can't leave its zone`,
    );
    expect(diagnostics(refused)).toContain('"snapshotId" can\'t go from nothing to');
    project.declare({ "data@gold": { sizeGiB: 7, openstack: { availabilityZone: "nova" } }, plain: { sizeGiB: 1 } });
    expect((await project.steps()).filter(({ op }) => op !== "update")).toEqual([]);
  });

  test("is destroyed with its stack, also without the login's being in the state", async () => {
    const { plain } = await project.ids();
    await project.destroy();
    expect(await lab.volume(id)).toBeUndefined();
    expect(await lab.volume(plain!)).toBeUndefined();
  });
});

describeOpenstackEngine("a volume that is there already", () => {
  let lab: OpenstackLab;
  const project = new OpenstackProject("import", () => lab);

  beforeAll(async () => {
    lab = await OpenstackLab.start();
    await makeTypes(lab);
    await project.connect({ profiles });
  });
  afterAll(async () => {
    // Its volumes go with the lab.
    await lab.stop();
    await project.dispose("dev", "admin");
  });

  test("is taken over with its data, or copied, and gets the profile's type and the size in the same run", async () => {
    const id = await lab.create({ size: 1, volume_type: "silver", name: "by-hand", metadata: { old: "yes" } });
    const source = await lab.create({ size: 1, volume_type: "gold", name: "source" });
    const snapshot = await lab.snapshot(source);
    const from = (openstack: object) => ({ sizeGiB: 2, openstack });
    project.declare({
      "data@gold": { sizeGiB: 3, import: id },
      "restored@gold": from({ snapshotId: snapshot }),
      "copy@gold": from({ sourceVolumeId: source }),
    });
    const text = await project.up();
    expect(text).not.toContain("replace");
    expect(await lab.volume(id)).toMatchObject({ id, size: 3, volume_type: "gold", status: "available", name: "data" });
    expect((await lab.volumes()).map(({ name }) => name as string)).toEqual(["copy", "data", "restored", "source"]);
    const { restored, copy } = await project.ids();
    expect(await lab.volume(restored!)).toMatchObject({ snapshot_id: snapshot, size: 2 });
    expect(await lab.volume(copy!)).toMatchObject({ source_volid: source, size: 2 });
    expect(await project.steps()).toEqual([]);
    // What they were made from may be forgotten.
    project.declare({ "data@gold": { sizeGiB: 3 }, "restored@gold": { sizeGiB: 2 }, "copy@gold": { sizeGiB: 2 } });
    expect((await project.steps()).filter(({ op }) => op !== "update")).toEqual([]);
    await project.up();
    expect(await lab.volume(id)).toMatchObject({ id, size: 3, volume_type: "gold" });
    await project.destroy();
  });

  test("is refused at preview where it doesn't fit, with every reason", async () => {
    const id = await lab.create({ size: 5, volume_type: "gold" });
    const none = "11111111-2222-4333-8444-555555555555";
    project.declare({
      "big@gold": { sizeGiB: 3, import: id, openstack: { snapshotId: none } },
      "none@gold": { sizeGiB: 3, import: none },
    });
    await lab.clear();
    const refused = await project.run(["preview"]);
    expect(refused.code).not.toBe(0);
    const text = diagnostics(refused);
    expect(text).toContain(`${id} can't be taken over: it has 5 GiB, and can't shrink to 3`);
    expect(text).toContain(`${id} can't be taken over: its snapshotId is nothing, and not "${none}"`);
    expect(text).toContain(`${none} can't be taken over: this project has no volume of that id`);
    expect(await lab.changes()).toEqual([]);
  });

  // By an administrator: Cinder tells nobody else the host of an attachment, by which the provider finds its own.
  test("is attached without a Nova to a host that says how it reaches the storage", async () => {
    const id = await lab.create({ name: "data", volume_type: "gold" }, { user: "admin" });
    await project.connect({ profiles }, lab.config("admin"), "admin");
    const declare = (...attachments: string[]) =>
      project.declare({ "data@gold": { sizeGiB: 1, import: id } }, attachments.join("\n"));
    const attachment = (name: string, host: string, options: object = {}) =>
      `new VolumeAttachment("${name}", { volume: volumes.data, host: "${host}", options: ${JSON.stringify(options)} });`;
    declare(attachment("one", "node1", { connector: { initiatr: "iqn" } }));
    expect(diagnostics(await project.run(["preview"]))).toContain('did you mean "initiator"?');
    declare(attachment("one", "node1"), attachment("two", "node2"));
    expect(diagnostics(await project.run(["preview"]))).toContain("[attached-twice]");

    const reach = { initiator: "iqn.2026-01.lab:node1", ipAddress: "127.0.0.1" };
    const connector = { ...reach, osType: "linux2", platform: "x86_64" };
    declare(attachment("one", "node1", { connector, deviceName: "/dev/vdb" }));
    await project.up();
    expect(await lab.volume(id)).toMatchObject({ status: "in-use", attachments: [{ host_name: "node1" }] });
    expect(await project.steps()).toEqual([]);

    // A server's id is for Nova. This cloud has none, and that is what is said.
    declare(attachment("two", "11111111-2222-4333-8444-555555555555"));
    const nova = await project.tryUp();
    expect(nova.code).not.toBe(0);
    expect(diagnostics(nova)).toContain("No suitable endpoint could be found in the service catalog");
    declare();
    await project.up();
    expect(await lab.volume(id)).toMatchObject({ id, status: "available", attachments: [] });
  });
});

describeOpenstackEngine("fifty volumes", () => {
  let lab: OpenstackLab;
  const project = new OpenstackProject("fifty", () => lab);
  beforeAll(async () => {
    lab = await OpenstackLab.start();
    await makeTypes(lab);
    await lab.setQuota("plain", { volumes: 60, gigabytes: 1000 });
    await project.connect({ profiles });
  });
  afterAll(async () => {
    await lab.stop();
    await project.dispose();
  });

  test("of a project's plain member are made, changed and unchanged, with one login and one question a run", async () => {
    const all = (profile: string) =>
      Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`data${index}@${profile}`, { sizeGiB: 1 }]));
    project.declare(all("gold"));
    await project.up();
    const ours = (await lab.requests()).filter(({ agent }) => !agent.includes("HashiCorp"));
    const asked = (pattern: RegExp) => ours.filter(({ path }) => pattern.test(path)).length;
    expect([asked(/\/types$/), asked(/os-quota-sets/), asked(/\/volumes\/detail$/)]).toEqual([1, 1, 1]);
    // The program's, and that of the companions' provider.
    expect(asked(/auth\/tokens/)).toBe(2);
    expect((await lab.volumes()).filter((each) => each["volume_type"] === "gold")).toHaveLength(50);
    expect(await project.steps()).toEqual([]);
    project.declare(all("silver"));
    await project.up();
    expect((await lab.volumes()).filter((each) => each["volume_type"] === "silver")).toHaveLength(50);
    expect(await project.steps()).toEqual([]);
  });
});
