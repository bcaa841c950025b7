// The life of volumes on OpenStack Cinder, through the real engine and provider, on a real Keystone and Cinder: made, changed in place, drifted,
// taken over, attached, destroyed.

import { until } from "../../tools/test/time.js";
import { diagnostics, succeeded } from "../support/engine";
import { OpenstackLab } from "../support/openstack";
import { describeOpenstackEngine, OpenstackProject } from "../support/openstack-project";

const profiles = {
  gold: { openstack: { volumeType: "gold", metadata: { tier: "gold", owner: "team" }, description: "fast" } },
  silver: { openstack: { volumeType: "silver" } },
  bronze: { openstack: { volumeType: "bronze" } },
  moving: { openstack: { volumeType: "bronze", migrationPolicy: "on-demand" } },
};

describeOpenstackEngine("volumes on Cinder", () => {
  let lab: OpenstackLab;
  const project = new OpenstackProject("life", () => lab);
  const volumeNamed = async (name: string) => {
    const found = async () => (await lab.volumes()).filter((each) => each["name"] === name);
    // After a move Cinder still removes the copy that was left behind, which has the name too.
    return (await until(`one volume ${name}`, async () => (await found()).length === 1 && (await found())))[0]!;
  };

  beforeAll(async () => {
    lab = await OpenstackLab.start();
    await lab.makeType("gold", { volume_backend_name: "fast" });
    await lab.makeType("silver", { volume_backend_name: "fast" });
    await lab.makeType("bronze", { volume_backend_name: "slow" });
    await lab.makeType("anywhere");
    await lab.setQuota("plain", { volumes: 60, gigabytes: 1000 });
    await project.init();
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });
  beforeEach(async () => {
    await lab.empty();
    project.reset();
    project.configure({ profiles });
  });

  test("are made, changed in place and back, moved where that is allowed, brought back after drift, and destroyed", async () => {
    const zoned = { openstack: { availabilityZone: "nova", metadata: { owner: "me" } } };
    const first: Record<string, object> = {
      "data@gold": { sizeGiB: 2, ...zoned },
      plain: { sizeGiB: 1 },
      "moved@gold": { sizeGiB: 1 },
      "used@gold": { sizeGiB: 1 },
      "drifted@gold": { sizeGiB: 1 },
      "grown@gold": { sizeGiB: 1 },
    };
    let declared = first;
    /** Declares them anew: by name, what differs from before. */
    const declare = (now: Record<string, object>) => {
      const names = Object.keys(now).map((reference) => reference.split("@")[0]);
      const rest = Object.entries(declared).filter(([reference]) => !names.includes(reference.split("@")[0]));
      project.declare((declared = { ...Object.fromEntries(rest), ...now }), OpenstackProject.tells("data", ...kept));
    };
    // What no change of a volume touches, and what depends on it may be replaced for.
    const kept = ["volumeId", "resource.id", "resource.availabilityZone", "resource.region"];
    declare({});
    const text = await project.up();
    expect(text).toContain('metadata.owner: "me" overrides "team" of "gold"');
    const ids = await project.ids();
    expect(await volumeNamed("data")).toMatchObject({
      id: ids["data"],
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
    expect(await volumeNamed("plain")).toMatchObject({ volume_type: "__DEFAULT__" });

    // Unchanged, nothing is done, and nothing is asked.
    await lab.clear();
    expect((await project.upSteps()).steps).toEqual([]);
    expect(await lab.requests()).toEqual([]);

    // Type and size change in place, also in use; metadata that is dropped goes.
    await lab.attach(ids["used"]!);
    const anywhere = { openstack: { volumeType: "anywhere", migrationPolicy: "on-demand" } };
    const back = { openstack: { migrationPolicy: "on-demand" } };
    project.configure({ profiles: { ...profiles, anywhere, back } });
    declare({ "data@silver": { sizeGiB: 4 }, "plain@anywhere": { sizeGiB: 1 }, "used@gold": { sizeGiB: 2 } });
    expect(await project.unknownAtPreview(...kept)).toEqual([]);
    await lab.clear();
    const changed = await project.upSteps();
    expect(changed.text).toContain('volumeType: "gold" → "silver"');
    expect(changed.text).toContain("sizeGiB: 2 GiB → 4 GiB, in place");
    expect(changed.steps.filter(({ op }) => op !== "update")).toEqual([]);
    expect(await lab.changes()).toEqual([
      expect.stringMatching(/^POST \/volumes\/<id>\/action .*os-extend.*"new_size": ?2.* 202$/),
      expect.stringMatching(/^POST \/volumes\/<id>\/action .*os-extend.*"new_size": ?4.* 202$/),
      expect.stringMatching(/^POST \/volumes\/<id>\/action .*os-retype.*anywhere.* 202$/),
      expect.stringMatching(/^POST \/volumes\/<id>\/action .*os-retype.*silver.* 202$/),
      expect.stringMatching(/^PUT \/volumes\/<id> .* 200$/),
    ]);
    const silver = await volumeNamed("data");
    expect(silver).toMatchObject({ id: ids["data"], size: 4, volume_type: "silver" });
    expect(Object.keys(silver["metadata"] as object).sort()).toEqual([
      "storage-profiles.stack",
      "storage-profiles.state",
      "storage-profiles.volume",
    ]);
    expect(silver["description"] ?? "").toBe("");
    expect(await volumeNamed("plain")).toMatchObject({ id: ids["plain"], volume_type: "anywhere" });
    expect(await volumeNamed("used")).toMatchObject({ id: ids["used"], size: 2, status: "in-use" });
    await lab.detach(ids["used"]!);

    // Back as well; and to another backend only where that is allowed, with what to set.
    declare({ "data@gold": { sizeGiB: 4 }, "plain@back": { sizeGiB: 1 }, "moved@bronze": { sizeGiB: 1 } });
    const refused = await project.tryUp("--continue-on-error");
    expect(refused.code).not.toBe(0);
    expect(diagnostics(refused)).toContain(
      `retyping volume ${ids["moved"]} from "gold" to "bronze": Cinder accepted the request (202) but didn't carry it out; the volume is "available" and still of type "gold"`,
    );
    expect(diagnostics(refused)).toContain("set `migrationPolicy: on-demand` in the profile");
    const gold = { volume_type: "gold", metadata: { owner: "team", tier: "gold" } };
    expect(await volumeNamed("data")).toMatchObject({ id: ids["data"], size: 4, ...gold });
    expect(await volumeNamed("plain")).toMatchObject({ id: ids["plain"], volume_type: "__DEFAULT__" });
    expect(await volumeNamed("moved")).toMatchObject({ status: "available", volume_type: "gold" });

    // The state has what is true: going back is no change of the volume.
    declare({ "moved@gold": { sizeGiB: 1 } });
    await lab.clear();
    await project.up();
    expect((await lab.changes()).filter((each) => each.includes("os-retype"))).toEqual([]);
    const moved = async () => {
      const { id, status, volume_type: type, "os-vol-host-attr:host": host } = await volumeNamed("moved");
      return [id, status, type, String(host).replace(/#.*/, "")];
    };
    expect(await moved()).toEqual([ids["moved"], "available", "gold", "lab@fast"]);
    declare({ "moved@moving": { sizeGiB: 1 } });
    await project.up();
    expect(await moved()).toEqual([ids["moved"], "available", "bronze", "lab@slow"]);
    const allowed = {
      ...profiles,
      back,
      gold: { openstack: { ...profiles.gold.openstack, migrationPolicy: "on-demand" } },
    };
    project.configure({ profiles: allowed });
    declare({ "moved@gold": { sizeGiB: 1 } });
    await project.up();
    expect(await moved()).toEqual([ids["moved"], "available", "gold", "lab@fast"]);

    // What was changed behind our back shows at a refresh; what is larger is not shrunk.
    await lab.act(ids["drifted"]!, { "os-retype": { new_type: "silver", migration_policy: "never" } });
    await lab.waitUntil(ids["drifted"]!, (volume) => volume["volume_type"] === "silver");
    await lab.act(ids["grown"]!, { "os-extend": { new_size: 6 } });
    await lab.waitUntil(ids["grown"]!, (volume) => volume["size"] === 6 && volume["status"] === "available");
    expect(await project.steps()).toEqual([]);
    const refreshed = succeeded(await project.run(["refresh", "--yes", "--skip-preview", "--diff"]));
    expect(refreshed).toMatch(/volumeType *: "gold" => "silver"/);
    await lab.clear();
    const shrinks = await project.tryUp("--continue-on-error");
    expect(shrinks.code).not.toBe(0);
    expect(diagnostics(shrinks)).toContain("the volume can't shrink from 6 GiB to 1 GiB");
    expect(await volumeNamed("grown")).toMatchObject({ id: ids["grown"], size: 6 });
    declare({ "grown@gold": { sizeGiB: 6 } });
    await project.up();
    expect(await volumeNamed("drifted")).toMatchObject({ id: ids["drifted"], volume_type: "gold" });
    expect(await project.steps("--refresh")).toEqual([]);

    // What it was made with it can't leave.
    const elsewhere = { availabilityZone: "elsewhere", snapshotId: ids["data"] };
    declare({ "data@gold": { sizeGiB: 4, openstack: elsewhere } });
    const other = await project.run(["preview"]);
    expect(other.code).not.toBe(0);
    expect(diagnostics(other)).toContain(
      `"availabilityZone" can't be changed from "nova" to "elsewhere": a volume can't be moved to another zone`,
    );
    expect(diagnostics(other)).toContain('"snapshotId" can\'t be set to');

    // Also without the login's being in the state.
    await project.destroy();
    expect(await lab.volumes()).toEqual([]);
  });

  test("that are there already are taken over with their data, or copied, and get the profile's type and the size in the same run", async () => {
    const id = await lab.create({ size: 1, volume_type: "silver", name: "by-hand", metadata: { old: "yes" } });
    const marks = { "storage-profiles.stack": "organization/other/dev" };
    const others = await lab.create({ size: 1, volume_type: "gold", name: "others", metadata: marks });
    const source = await lab.create({ size: 1, volume_type: "gold", name: "source" });
    const snapshot = await lab.snapshot(source);
    const from = (openstack: object) => ({ sizeGiB: 2, openstack });
    project.declare({
      "data@gold": { sizeGiB: 3, import: id },
      "others@gold": { sizeGiB: 1, import: others, takeFrom: "organization/other/dev" },
      "restored@gold": from({ snapshotId: snapshot }),
      "copy@gold": from({ sourceVolumeId: source }),
    });
    const text = await project.up();
    expect(text).not.toContain("replace");
    expect(text).toContain(
      `imports ${others} from organization/other/dev, which can then no longer change or delete it`,
    );
    expect((await lab.volume(others))!["metadata"]).toMatchObject({
      "storage-profiles.stack": "organization/life/dev",
    });
    expect(await lab.volume(id)).toMatchObject({ id, size: 3, volume_type: "gold", status: "available", name: "data" });
    expect((await lab.volumes()).map(({ name }) => name as string)).toEqual([
      "copy",
      "data",
      "others",
      "restored",
      "source",
    ]);
    const { restored, copy } = await project.ids();
    expect(await lab.volume(restored!)).toMatchObject({ snapshot_id: snapshot, size: 2 });
    expect(await lab.volume(copy!)).toMatchObject({ source_volid: source, size: 2 });
    // What they were made from may be forgotten.
    project.declare({
      "data@gold": { sizeGiB: 3 },
      "others@gold": { sizeGiB: 1 },
      "restored@gold": { sizeGiB: 2 },
      "copy@gold": { sizeGiB: 2 },
    });
    expect((await project.upSteps()).steps.filter(({ op }) => op !== "update")).toEqual([]);
    expect(await lab.volume(id)).toMatchObject({ id, size: 3, volume_type: "gold" });
  });

  test("that another stack has imported can neither be changed nor deleted by the one that made them", async () => {
    const made = { "data@gold": { sizeGiB: 1 } };
    project.declare(made);
    await project.up();
    const { data } = await project.ids();
    await project.init("taker");
    project.configure({ profiles });
    const imported = { sizeGiB: 1, import: data };
    project.declare({ "mine@gold": imported });
    const unnamed = await project.run(["preview"]);
    expect(unnamed.code).not.toBe(0);
    expect(diagnostics(unnamed)).toContain('takeFrom: "organization/life/dev"');
    project.declare({ "mine@gold": { ...imported, takeFrom: "organization/life/dev" } });
    expect(await project.up()).toContain(
      `imports ${data} from organization/life/dev, which can then no longer change or delete it`,
    );

    await project.init("dev");
    await lab.clear();
    const isRefused = async (command: string[], declared: object = made) => {
      project.declare(declared as Record<string, object>);
      const { code, text } = await project.run(command);
      expect(code).not.toBe(0);
      expect(text).toContain(`volume ${data} now belongs to organization/life/taker`);
    };
    const [up, destroy] = ["up", "destroy"].map((verb) => [verb, "--yes", "--skip-preview", "--continue-on-error"]);
    await isRefused(up!, { "data@silver": { sizeGiB: 2 } });
    // Of another resource than the one with type and size; with it, the volume would get the first stack's marks back.
    await isRefused(up!, { "data@gold": { sizeGiB: 1, openstack: { metadata: { mine: "again" } } } });
    await isRefused(destroy!);
    await project.refresh();
    const status = await project.command("storage-profiles", ["status", "--stack", "dev"]);
    expect(status.text).toContain("now owned by organization/life/taker");
    await isRefused(["preview"]);
    expect(await lab.changes()).toEqual([]);

    await project.init("taker");
    await project.destroy();
    expect(await lab.volumes()).toEqual([]);
  });

  test("that are there already are refused at preview where they don't fit, with every reason", async () => {
    const id = await lab.create({ size: 5, volume_type: "gold" });
    const none = "11111111-2222-4333-8444-555555555555";
    const marks = { "storage-profiles.stack": "organization/other/dev" };
    const others = await lab.create({ size: 1, volume_type: "gold", metadata: marks });
    const wrongly = await lab.create({ size: 1, volume_type: "gold", metadata: marks });
    project.declare({
      "others@gold": { sizeGiB: 1, import: others },
      "wrongly@gold": { sizeGiB: 1, import: wrongly, takeFrom: "organization/another/dev" },
      "big@gold": { sizeGiB: 3, import: id, openstack: { snapshotId: none } },
      "none@gold": { sizeGiB: 3, import: none },
    });
    await lab.clear();
    const refused = await project.run(["preview"]);
    expect(refused.code).not.toBe(0);
    const text = diagnostics(refused);
    expect(text).toContain(`${id} can't be imported: it can't shrink from 5 GiB to 3 GiB`);
    expect(text).toContain(`${id} can't be imported: its snapshotId is not set, expected "${none}"`);
    for (const volume of [others, wrongly])
      expect(text).toContain(`${volume} can't be imported: it belongs to the stack organization/other/dev`);
    expect(text).toContain('takeFrom: "organization/other/dev"');
    expect(text).toContain(`${none} can't be imported: this project has no volume with that id`);
    expect(await lab.changes()).toEqual([]);
  });

  // By an administrator: Cinder tells nobody else the host of an attachment, by which the provider finds its own.
  test("are attached without a Nova to a host that says how it reaches the storage", async () => {
    const id = await lab.create({ name: "data", volume_type: "gold" }, { user: "admin" });
    project.configure({ profiles }, lab.config("admin"));
    const declare = (...attachments: string[]) =>
      project.declare({ "data@gold": { sizeGiB: 1, import: id } }, attachments.join("\n"));
    const attachment = (name: string, host: string, options: object = {}) =>
      `new VolumeAttachment("${name}", { volume: volumes.data, host: "${host}", openstack: ${JSON.stringify(options)} });`;
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

  test("fifty, of a project's plain member, are made, changed and unchanged, with one login and one question a run", async () => {
    const all = (profile: string) =>
      Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`data${index}@${profile}`, { sizeGiB: 1 }]));
    project.declare(all("gold"));
    await lab.clear();
    await project.up();
    const ours = (await lab.requests()).filter(({ agent }) => !agent.includes("HashiCorp"));
    const asked = (pattern: RegExp) => ours.filter(({ path }) => pattern.test(path)).length;
    expect([asked(/\/types$/), asked(/os-quota-sets/), asked(/\/volumes\/detail$/)]).toEqual([1, 1, 1]);
    // The program's, and that of the companions' provider.
    expect(asked(/auth\/tokens/)).toBe(2);
    expect((await lab.volumes()).filter((each) => each["volume_type"] === "gold")).toHaveLength(50);
    project.declare(all("silver"));
    // Nothing waits 10 s here, and each request has a time limit of its own.
    const { steps } = await project.upSteps("--parallel", "8");
    expect(new Set(steps.map(({ op }) => op))).toEqual(new Set(["update"]));
    expect((await lab.volumes()).filter((each) => each["volume_type"] === "silver")).toHaveLength(50);
  });
});
