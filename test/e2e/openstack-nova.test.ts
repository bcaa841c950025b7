// Volumes on OpenStack Cinder while servers have them, through the real engine and provider, on a real Keystone, Cinder and Nova.

import { diagnostics } from "../support/engine";
import { OpenstackLab } from "../support/openstack";
import { describeOpenstackEngine, OpenstackProject } from "../support/openstack-project";

const profiles = {
  gold: { openstack: { volumeType: "gold" } },
  silver: { openstack: { volumeType: "silver" } },
  bronze: { openstack: { volumeType: "bronze" } },
  moving: { openstack: { volumeType: "bronze", migrationPolicy: "on-demand" } },
  shared: { openstack: { volumeType: "shared" } },
};

describeOpenstackEngine("a volume that Nova attaches", () => {
  let lab: OpenstackLab;
  let id: string;
  let one: string;
  let two: string;
  // Of each test; whatever one has left stays with its servers.
  let project: OpenstackProject;
  const projects = [new OpenstackProject("attached", () => lab), new OpenstackProject("shared", () => lab)];
  const now = async () => (await lab.volume(id)) ?? {};
  const servers = async () =>
    ((await now())["attachments"] as { server_id: string }[]).map(({ server_id: server }) => server).sort();
  const attachment = (name: string, server: string, options: object = {}) =>
    `exports.${name} = new VolumeAttachment("${name}", { volume: volumes.data, host: "${server}", openstack: ${JSON.stringify(options)} }).devicePath;`;
  const declare = (profile: string, sizeGiB: number, ...attachments: string[]) =>
    project.declare({ [`data@${profile}`]: { sizeGiB } }, attachments.join("\n"));

  beforeAll(async () => {
    lab = await OpenstackLab.start({ nova: true });
    await lab.makeType("gold", { volume_backend_name: "fast" });
    await lab.makeType("silver", { volume_backend_name: "fast" });
    await lab.makeType("bronze", { volume_backend_name: "slow" });
    await lab.makeType("shared", { volume_backend_name: "fast", multiattach: "<is> True" });
  });
  beforeEach(async () => {
    [one, two] = [await lab.server("one"), await lab.server("two")];
    project = projects.shift()!;
    await project.connect({ profiles });
  });
  afterEach(() => project.dispose());
  afterAll(() => lab.stop());

  test("is attached, changed and moved while a server has it, goes to another one, and comes back after drift", async () => {
    // Made and attached in one run, by a plain member, and found by its id.
    declare("gold", 2, attachment("first", one));
    await project.up();
    id = (await project.ids())["data"]!;
    expect([(await now())["status"], await servers(), lab.plugged(one)]).toEqual(["in-use", [one], [id]]);
    expect((await project.outputs())["first"]).toBe(`/dev/disk/by-id/virtio-${id.slice(0, 20)}`);

    // It grows and gets another type while the server has it.
    declare("silver", 3, attachment("first", one));
    await project.up();
    expect(await now()).toMatchObject({ id, status: "in-use", size: 3, volume_type: "silver" });
    expect([await servers(), lab.plugged(one)]).toEqual([[one], [id]]);

    // It moves to another backend while the server has it, where that is allowed, and back.
    declare("bronze", 3, attachment("first", one));
    const refused = await project.tryUp();
    expect([refused.code > 0, diagnostics(refused)]).toEqual([
      true,
      expect.stringContaining("set `migrationPolicy: on-demand` in the profile"),
    ]);
    expect(refused.text).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect(await now()).toMatchObject({ status: "in-use", volume_type: "silver" });
    declare("moving", 3, attachment("first", one));
    await project.up();
    expect(await now()).toMatchObject({
      id,
      status: "in-use",
      volume_type: "bronze",
      "os-vol-host-attr:host": "lab@slow#slow",
    });
    expect([await servers(), lab.plugged(one)]).toEqual([[one], [id]]);
    project.configure({
      profiles: { ...profiles, silver: { openstack: { volumeType: "silver", migrationPolicy: "on-demand" } } },
    });
    declare("silver", 3, attachment("first", one));
    await project.up();
    expect(await now()).toMatchObject({ id, volume_type: "silver", "os-vol-host-attr:host": "lab@fast#fast" });
    project.configure({ profiles });

    // On its way to another server it leaves the first one before.
    declare("silver", 3, attachment("first", two));
    await project.up();
    expect([await servers(), lab.plugged(one), lab.plugged(two)]).toEqual([[two], [], [id]]);

    // Detached behind our back it shows at a refresh, and is attached again.
    await lab.mustNova("DELETE", `/servers/${two}/os-volume_attachments/${id}`, undefined, { user: "plain" });
    await lab.waitFor(id, "available");
    expect((await project.upSteps("--refresh")).steps).toEqual([{ op: "create", what: "VolumeAttach first" }]);
    expect([await servers(), lab.plugged(two)]).toEqual([[two], [id]]);
    declare("silver", 3);
    await project.up();
    expect(await now()).toMatchObject({ id, status: "available", attachments: [] });
    expect(lab.plugged(two)).toEqual([]);
  });

  test("is attached by the next run where Nova refused, shared where its type allows that, and detached before it is destroyed", async () => {
    declare("silver", 3);
    await project.up();
    id = (await project.ids())["data"]!;
    const setState = (state: string) => lab.mustNova("POST", `/servers/${one}/action`, { "os-resetState": { state } });
    await setState("error");
    // Nova's own words say why.
    declare("silver", 3, attachment("first", one));
    const failed = await project.tryUp();
    expect([failed.code > 0, diagnostics(failed)]).toEqual([
      true,
      expect.stringContaining(`Cannot 'attach_volume' instance ${one} while it is in vm_state error`),
    ]);
    await setState("active");
    await project.up();
    expect([await servers(), (await project.ids())["data"]]).toEqual([[one], id]);

    // It is for several servers where its type and the attachments say so, and for one else.
    declare("silver", 3, attachment("first", one), attachment("second", two));
    expect(diagnostics(await project.run(["preview"]))).toContain("[attached-twice]");
    // What a volume may be is decided before it is attached.
    declare("shared", 3, attachment("first", one));
    expect(diagnostics(await project.run(["preview"]))).toContain("multi-attach can't be switched on");
    declare("silver", 3);
    await project.up();
    const many = { multiattach: true };
    declare("shared", 3, attachment("first", one, many), attachment("second", two, many));
    await project.up();
    expect([await servers(), lab.plugged(one), lab.plugged(two)]).toEqual([[one, two].sort(), [id], [id]]);
    expect(await project.steps()).toEqual([]);

    // It is detached before it is destroyed.
    const { code, text } = await project.run(["destroy", "--yes", "--skip-preview"]);
    expect([code, text]).toEqual([0, expect.anything()]);
    expect([await lab.volume(id), lab.plugged(one), lab.plugged(two)]).toEqual([undefined, [], []]);
  });
});
