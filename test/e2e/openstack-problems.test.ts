// What OpenStack would refuse, told at preview before anything is touched: types, sizes, quotas, zones, sources, and retypes; and what a
// user isn't told beforehand, told by one clear error that leaves the state true.

import { limitMs } from "../../tools/test/time.js";
import { diagnostics, type Ran } from "../support/engine";
import { OpenstackLab } from "../support/openstack";
import { describeOpenstackEngine, OpenstackProject } from "../support/openstack-project";

const NONE = "11111111-2222-4333-8444-555555555555";
const section = (volumeType: string, more: object = {}) => ({ openstack: { volumeType, ...more } });

/** However slow the machine: all volumes are asked about when the next login is answered. */
const loginSlowly = (lab: OpenstackLab) =>
  lab.fail({ service: "keystone", path: "auth/tokens", seconds: limitMs(1) / 1000 });

describeOpenstackEngine("new volumes", () => {
  let lab: OpenstackLab;
  const project = new OpenstackProject("problems", () => lab);
  const profiles = {
    gold: section("gold"),
    typo: section("golld"),
    hidden: section("secret"),
    small: section("small"),
  };

  beforeAll(async () => {
    lab = await OpenstackLab.start();
    await lab.makeType("gold", { volume_backend_name: "fast" });
    await lab.makeType("small", { "provisioning:min_vol_size": "2", "provisioning:max_vol_size": "4" });
    await lab.makeType("secret", {}, { public: false });
    await lab.setQuota("plain", { volumes: 8, gigabytes: 20, gigabytes_gold: 12, per_volume_gigabytes: 10 });
    await project.init();
  });
  beforeEach(async () => {
    await lab.empty();
    project.reset();
    project.configure({ profiles });
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });

  const refused = async (...commands: string[][]): Promise<string> => {
    let ran: Ran | undefined;
    for (const command of commands.length > 0 ? commands : [["preview"]]) {
      await loginSlowly(lab);
      ran = await project.run(command, { PULUMI_PARALLEL: "64" });
      expect(ran.code).not.toBe(0);
      expect(ran.text).not.toMatch(/^\s+at .*:\d+:\d+/m);
    }
    expect(await lab.changes()).toEqual([]);
    expect(await lab.volumes()).toEqual([]);
    return diagnostics(ran!);
  };

  test("are told all their problems at once, at preview and at up, and none gets the default type instead", async () => {
    project.declare({
      "one@typo": { sizeGiB: 1 },
      "two@hidden": { sizeGiB: 1 },
      "three@gold": { sizeGiB: 1, openstack: { availabilityZone: "nova1" } },
      "four@gold": { sizeGiB: 1, openstack: { snapshotId: NONE } },
      "five@gold": { sizeGiB: 1, openstack: { sourceVolumeId: NONE } },
      "six@gold": { sizeGiB: 11 },
    });
    const text = await refused(["preview"], ["up", "--yes", "--skip-preview"]);
    expect(text).toContain('unknown volume type "golld" that this project may use [place-unknown]');
    expect(text).toContain("allowed: __DEFAULT__, gold, small\n");
    expect(text).toContain('did you mean "gold"?');
    expect(text).toContain('unknown volume type "secret" that this project may use');
    expect(text).toContain('unknown availability zone "nova1" for volumes');
    expect(text).toContain(`unknown snapshot "${NONE}" in this project`);
    expect(text).toContain(`unknown volume "${NONE}" in this project`);
    expect(text).toContain("a volume of this project (quota per_volume_gigabytes) must be at most 10 GiB, not 11 GiB");
  });

  test("are counted together against the project's quotas", async () => {
    const large = [1, 2, 3].map((index) => [`large${index}@gold`, { sizeGiB: 7 }]);
    const small = Array.from({ length: 6 }, (_, index) => [`small${index}`, { sizeGiB: 1 }]);
    project.declare(Object.fromEntries([...large, ...small]));
    const text = await refused();
    expect(text).toContain('quota "gigabytes" has 20 of 20 GiB left; this run requires 27 more: 7 here');
    expect(text).toMatch(/quota "gigabytes_gold" has 12 of 12 GiB left; this run requires (14|21) more: 7 here/);
    expect(text).toContain('quota "volumes" has 8 of 8 volumes left; this run requires 9 more');
  });

  test("are asked about once a run, however many", async () => {
    project.declare(Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`data${index}@gold`, { sizeGiB: 1 }])));
    const { code } = await project.run(["preview"]);
    expect(code).toBe(0);
    const told = (await lab.requests()).map(({ method, path }) => `${method} ${path.replace(/[0-9a-f]{32}/g, "<id>")}`);
    // A stack that has never made a volume has left none behind, and doesn't look for any.
    expect(told.sort()).toEqual(["GET /v3/<id>/os-quota-sets/<id>", "GET /v3/<id>/types", "POST /v3/auth/tokens"]);
  });

  // Where it is away, tests of faults say the same.
  test("are not refused where Cinder answers with errors: what isn't checked is noted", async () => {
    project.declare({ "one@typo": { sizeGiB: 1 } });
    await lab.fail({ service: "cinder", status: 500, times: 1000 });
    const { code, text } = await project.run(["preview"]);
    expect(code).toBe(0);
    expect(text).toMatch(/volume type, zone, quotas and left-over volumes are not checked in advance: \S/);
  });

  test("without a login, or in a wrong region, are refused in words that say what to set", async () => {
    project.declare({ "data@gold": { sizeGiB: 1 } });
    const { authUrl } = lab.config();
    project.configure({ profiles }, { authUrl });
    expect(await refused()).toContain(
      "no credentials: set userName, password and tenantName, or an application credential",
    );
    project.configure({ profiles }, { ...lab.config(), region: "elsewhere" });
    expect(await refused()).toContain(
      'no public endpoint for block storage in region "elsewhere". Available regions: RegionOne',
    );
  });

  test("of a type whose sizes only administrators are told of are refused by Cinder, in its words; then by us, for an administrator", async () => {
    project.declare({ "data@small": { sizeGiB: 5 } });
    const failed = await project.tryUp();
    expect(failed.code).not.toBe(0);
    expect(diagnostics(failed)).toContain("greater than the maximum allowable size of '4'");
    expect(await lab.volumes()).toEqual([]);
    await lab.clear();
    project.configure({ profiles }, lab.config("admin"));
    const text = await refused();
    expect(text).toContain(`a volume of type "small" must be at most 4 GiB, not 5 GiB [size-beyond-limit]`);
    expect(text).toContain("allowed: 2 to 4 GiB");
    expect(text).toMatch(/fix: +use type .*gold.*set the size to 4 GiB or less/);
  });
});

describeOpenstackEngine("a retype", () => {
  let lab: OpenstackLab;
  const project = new OpenstackProject("retype", () => lab);
  const profiles = {
    gold: section("gold"),
    "other-qos": section("other-qos"),
    multi: section("multi"),
    encrypted: section("encrypted", { migrationPolicy: "on-demand" }),
    slow: section("slow"),
    moving: section("slow", { migrationPolicy: "on-demand" }),
    limited: section("limited"),
    gone: section("gone"),
  };
  // What is to become of each, and would be refused.
  const wanted = {
    qos: "other-qos",
    multi: "multi",
    encryption: "encrypted",
    backend: "slow",
    snapped: "moving",
    quota: "limited",
  };
  const names = Object.keys(wanted);
  const used = ["qos", "multi", "encryption"];
  const declare = (profiles: Record<string, string> = {}) =>
    project.declare(Object.fromEntries(names.map((name) => [`${name}@${profiles[name] ?? "gold"}`, { sizeGiB: 1 }])));
  let ids: Record<string, string>;

  beforeAll(async () => {
    lab = await OpenstackLab.start();
    const fast = { volume_backend_name: "fast" };
    const qos = (iops: string) => ({ qos: { consumer: "front-end", total_iops_sec: iops } });
    await lab.makeType("gold", { ...fast, "lab:tier": "gold" }, qos("100"));
    await lab.makeType("other-qos", { ...fast, "lab:tier": "other" }, qos("200"));
    await lab.makeType("multi", { ...fast, multiattach: "<is> True" });
    await lab.makeType("slow", { volume_backend_name: "slow" });
    await lab.makeType("limited", fast);
    await lab.makeType("gone", { ...fast, "lab:tier": "gone" });
    const encrypted = await lab.makeType("encrypted", fast);
    const encryption = { provider: "luks", control_location: "front-end", cipher: "aes-xts-plain64", key_size: 256 };
    await lab.must("POST", `/types/${encrypted}/encryption`, { encryption });
    await lab.setQuota("plain", { volumes_limited: 0 });
    await project.init();
  });
  beforeEach(async () => {
    await lab.empty();
    project.reset();
    project.configure({ profiles });
    declare();
    await project.up();
    ids = await project.ids();
    for (const name of used) await lab.attach(ids[name]!);
    await lab.snapshot(ids["snapped"]!);
    await lab.clear();
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });
  /** Whatever was tried, Cinder and the state have what was: no volume is changed to get there. */
  const isAsBefore = async () => {
    declare();
    project.configure({ profiles });
    await lab.clear();
    await project.up();
    expect((await lab.changes()).filter((each) => each.includes("/volumes"))).toEqual([]);
    const volumes = await lab.volumes();
    expect(volumes.map(({ volume_type, size }) => [volume_type, size])).toEqual(names.map(() => ["gold", 1]));
  };

  test("that Cinder would refuse, or take and not do, is refused at preview to who is told enough: all at once", async () => {
    // The volumes are plain's; an administrator of its project is told all of its types.
    const { users } = lab.lab;
    const roles = (await lab.keystone("GET", "/roles")).body.roles as { id: string; name: string }[];
    const admin = roles.find(({ name }) => name === "admin")!.id;
    await lab.keystone("PUT", `/projects/${users.plain.projectId}/users/${users.admin.id}/roles/${admin}`);
    project.configure({ profiles }, { ...lab.config("admin"), tenantName: "plain" });
    declare(wanted);
    await loginSlowly(lab);
    const ran = await project.run(["preview"], { PULUMI_PARALLEL: "64" });
    expect(ran.code).not.toBe(0);
    const text = diagnostics(ran);
    expect(text).toContain(
      "the types have different front-end QoS, which Cinder can't change while a volume is in use",
    );
    expect(text).toContain("multi-attach can't be switched on while the volume is in use");
    expect(text).toContain("the data must be rewritten to encrypt it, which isn't possible while it is in use");
    expect(text).toContain('"slow" is on another backend (slow), and migrationPolicy is "never"');
    expect(text).toContain('"slow" is on another backend (slow), which isn\'t possible while it has snapshots (1)');
    expect(text).toContain('quota "volumes_limited" has 0 of 0 volumes left; 1 more are required');
    expect(ran.text).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect(await lab.changes()).toEqual([]);

    // A type that was deleted meanwhile, and a volume that isn't available: a member is told these, too.
    project.configure({ profiles });
    const { volume_types: types } = await lab.must("GET", "/types?is_public=None");
    const gone = (types as { id: string; name: string }[]).find(({ name }) => name === "gone")!.id;
    await lab.must("DELETE", `/types/${gone}`);
    await lab.act(ids["backend"]!, { "os-reset_status": { status: "error_extending" } });
    declare({ quota: "gone", backend: "multi" });
    await loginSlowly(lab);
    const second = await project.run(["preview"], { PULUMI_PARALLEL: "64" });
    expect(second.code).not.toBe(0);
    expect(diagnostics(second)).toContain('unknown volume type "gone" that this project may use');
    expect(diagnostics(second)).toContain(
      'Cinder only retypes volumes that are available or in use; the status is "error_extending"',
    );
    await lab.act(ids["backend"]!, { "os-reset_status": { status: "available" } });
    await isAsBefore();
  });

  test("that a member isn't told of beforehand ends in one clear error for each volume, and is said again", async () => {
    declare({ qos: "other-qos", backend: "slow", snapped: "moving" });
    const failed = await project.tryUp("--continue-on-error");
    expect(failed.code).not.toBe(0);
    const text = diagnostics(failed);
    expect(text).toContain('Cinder says "Invalid volume: Retype needs volume to be in available or in-use state');
    expect(text).toContain(
      `retyping volume ${ids["snapped"]} from "gold" to "slow": Cinder accepted the request (202)`,
    );
    expect(text).toContain(
      `retyping volume ${ids["backend"]} from "gold" to "slow": Cinder accepted the request (202)`,
    );
    expect(text).toContain("set `migrationPolicy: on-demand` in the profile");
    // The next run says it again, and doesn't lie.
    expect(
      (await project.steps()).filter(({ what }) => what.startsWith("CinderVolume")).map(({ what }) => what),
    ).toEqual(["backend", "qos", "snapped"].map((name) => `CinderVolume ${name}`));
    await isAsBefore();
  });
});
