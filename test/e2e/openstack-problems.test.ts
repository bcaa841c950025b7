// What OpenStack would refuse, told at preview before anything is touched: types, sizes, quotas, zones, sources, and retypes; and what a
// user isn't told beforehand, told by one clear error that leaves the state true.

import { diagnostics, type Ran } from "../support/engine";
import { OpenstackLab } from "../support/openstack";
import { describeOpenstackEngine, OpenstackProject } from "../support/openstack-project";

jest.setTimeout(300_000);

const NONE = "11111111-2222-4333-8444-555555555555";
const section = (volumeType: string, more: object = {}) => ({ openstack: { volumeType, ...more } });

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
    await project.connect({ profiles });
  });
  beforeEach(async () => lab.clear());
  afterAll(async () => {
    await lab.stop();
    await project.dispose();
  });

  const refused = async (...commands: string[][]): Promise<string> => {
    let ran: Ran | undefined;
    for (const command of commands.length > 0 ? commands : [["preview"]]) {
      ran = await project.run(command);
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
      "seven@gold": { sizeGiB: 0 },
    });
    const text = await refused(["preview"], ["up", "--yes", "--skip-preview"]);
    expect(text).toContain('there is no volume type "golld" that this project may use [place-unknown]');
    expect(text).toContain("allowed: __DEFAULT__, gold, small\n");
    expect(text).toContain('did you mean "gold"?');
    expect(text).toContain('there is no volume type "secret" that this project may use');
    expect(text).toContain('there is no availability zone "nova1" that can take volumes');
    expect(text).toContain(`there is no snapshot "${NONE}" in this project`);
    expect(text).toContain(`there is no volume "${NONE}" in this project`);
    expect(text).toContain("a volume of this project (quota per_volume_gigabytes) can't have 11 GiB");
    expect(text).toContain("seven: 1 problem");
  });

  test("are counted together against the project's quotas", async () => {
    project.declare(Object.fromEntries([1, 2, 3].map((index) => [`data${index}@gold`, { sizeGiB: 7 }])));
    const text = await refused();
    expect(text).toContain('the quota "gigabytes" has 20 of 20 GiB left; this run asks for 21 more, 7 of them here');
    expect(text).toMatch(
      /the quota "gigabytes_gold" has 12 of 12 GiB left; this run asks for (14|21) more, 7 of them here/,
    );
    project.declare(Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`data${index}`, { sizeGiB: 1 }])));
    expect(await refused()).toContain('the quota "volumes" has 8 of 8 volumes left; this run asks for 9 more');
  });

  test("are asked about once a run, however many", async () => {
    project.declare(Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`data${index}@gold`, { sizeGiB: 1 }])));
    const { code } = await project.run(["preview"]);
    expect(code).toBe(0);
    const told = (await lab.requests()).map(({ method, path }) => `${method} ${path.replace(/[0-9a-f]{32}/g, "<id>")}`);
    expect(told.sort()).toEqual([
      "GET /v3/<id>/os-quota-sets/<id>",
      "GET /v3/<id>/types",
      "GET /v3/<id>/volumes/detail",
      "POST /v3/auth/tokens",
    ]);
  });

  test.each(["is away", "answers with errors"])(
    "are not refused where Cinder %s: what isn't checked is noted",
    async (how) => {
      project.declare({ "one@typo": { sizeGiB: 1 } });
      if (how === "is away") await lab.stopCinder();
      else await lab.fail({ service: "cinder", status: 500, times: 1000 });
      const { code, text } = await project.run(["preview"]);
      expect(code).toBe(0);
      expect(text).toMatch(
        /volume type, zone, quotas and what an interrupted run may have left are not checked beforehand: \S/,
      );
      if (how === "is away") await lab.startCinder();
    },
  );

  test("without a login, or with a wrong one, are refused in words that say what to set", async () => {
    project.declare({ "data@gold": { sizeGiB: 1 } });
    project.configure({ profiles }, {});
    const nothing = await refused();
    expect(nothing).toContain("authUrl is missing: pulumi config set openstack:authUrl");
    expect(nothing).toContain("there is no login: set userName, password and tenantName, or an application credential");
    project.configure({ profiles }, { ...lab.config(), region: "elsewhere" });
    expect(await refused()).toContain(
      'no public endpoint for block storage in region "elsewhere". It has regions RegionOne',
    );
    project.configure({ profiles }, { ...lab.config(), tenantName: "none" });
    expect(await refused()).toContain('refuses the login of user "plain", or its project');
    project.configure({ profiles });
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
    expect(text).toContain(`a volume of type "small" can't have 5 GiB [size-beyond-limit]`);
    expect(text).toContain("allowed: 2 to 4 GiB");
    expect(text).toMatch(/fix: +use .*gold.*ask for at most 4 GiB/);
    project.configure({ profiles });
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
  const names = ["used", "snapped", "free"];
  const declare = (more: Record<string, string> = {}) =>
    project.declare(Object.fromEntries(names.map((name) => [`${name}@${more[name] ?? "gold"}`, { sizeGiB: 1 }])));
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
    await project.connect({ profiles });
    declare();
    await project.up();
    ids = await project.ids();
    await lab.attach(ids["used"]!);
    await lab.snapshot(ids["snapped"]!);
  });
  beforeEach(async () => lab.clear());
  afterEach(async () => {
    // Whatever was tried: the state is true.
    declare();
    project.configure({ profiles });
    expect(await project.steps()).toEqual([]);
    for (const name of names) expect(await lab.volume(ids[name]!)).toMatchObject({ volume_type: "gold", size: 1 });
  });
  afterAll(async () => {
    await lab.stop();
    await project.dispose();
  });

  // The volumes are plain's; an administrator of its project is told all of its types.
  const asAdministrator = async () => {
    const { users } = lab.lab;
    const roles = (await lab.keystone("GET", "/roles")).body.roles as { id: string; name: string }[];
    const admin = roles.find(({ name }) => name === "admin")!.id;
    await lab.keystone("PUT", `/projects/${users.plain.projectId}/users/${users.admin.id}/roles/${admin}`);
    project.configure({ profiles }, { ...lab.config("admin"), tenantName: "plain" });
  };

  test.each([
    [
      "used",
      "other-qos",
      "the types have different front-end QoS, which Cinder doesn't change while a volume is in use",
    ],
    ["used", "multi", "multi-attach would be switched on, which can't be done while it is in use"],
    ["used", "encrypted", "the data must be written anew to encrypt it, which can't be done while it is in use"],
    ["free", "slow", '"slow" is on another backend (slow), and migrationPolicy is "never"'],
    ["snapped", "moving", '"slow" is on another backend (slow), and its 1 snapshots are in the way'],
    ["free", "limited", 'the quota "volumes_limited" has 0 of 0 volumes left; 1 more would be needed'],
  ])("of the volume %s to %s is refused at preview to who is told enough", async (name, profile, because) => {
    await asAdministrator();
    declare({ [name]: profile });
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const ran = await project.run(command);
      expect(ran.code).not.toBe(0);
      expect(diagnostics(ran)).toContain(because);
      expect(ran.text).not.toMatch(/^\s+at .*:\d+:\d+/m);
    }
    expect(await lab.changes()).toEqual([]);
  });

  test.each([
    ["used", "other-qos", 'Cinder says "Invalid volume: Retype needs volume to be in available or in-use state'],
    ["snapped", "moving", "Cinder took the request (202) and did not do it"],
    ["free", "slow", "set `migrationPolicy: on-demand` in the profile"],
  ])(
    "of the volume %s to %s, which a member isn't told beforehand, ends in one clear error",
    async (name, profile, because) => {
      declare({ [name]: profile });
      expect((await project.run(["preview"])).code).toBe(0);
      const failed = await project.tryUp();
      expect(failed.code).not.toBe(0);
      expect(diagnostics(failed)).toContain(because);
      expect(failed.text).not.toMatch(/^\s+at .*:\d+:\d+/m);
      // The next run says it again, and doesn't lie.
      expect((await project.steps()).map(({ what }) => what)).toContain(`CinderVolume ${name}`);
      declare();
      await project.up();
    },
  );

  test("to a type that was deleted meanwhile, of a volume that is being changed, or of one that isn't available", async () => {
    const { body } = await lab.api("GET", "/types?is_public=None");
    const gone = (body.volume_types as { id: string; name: string }[]).find(({ name }) => name === "gone")!.id;
    await lab.must("DELETE", `/types/${gone}`);
    await lab.act(ids["snapped"]!, { "os-reset_status": { status: "maintenance" } });
    declare({ free: "gone", snapped: "multi" });
    const ran = await project.run(["preview"]);
    expect(ran.code).not.toBe(0);
    expect(diagnostics(ran)).toContain('there is no volume type "gone" that this project may use');
    expect(diagnostics(ran)).toContain('Cinder retypes volumes that are available or in use, and it is "maintenance"');
    await lab.act(ids["snapped"]!, { "os-reset_status": { status: "available" } });
  });
});
