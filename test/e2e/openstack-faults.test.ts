// What can go wrong in the middle on OpenStack Cinder: creations that fail, a Cinder that is away, runs that are killed. Each ends in one clear
// error, and the next run finishes the work, with one volume a declaration.

import { until } from "../../tools/test/time.js";
import { diagnostics, type Ran } from "../support/engine";
import { OpenstackLab } from "../support/openstack";
import { describeOpenstackEngine, OpenstackProject } from "../support/openstack-project";

const profiles = {
  gold: { openstack: { volumeType: "gold" } },
  silver: { openstack: { volumeType: "silver" } },
  nowhere: { openstack: { volumeType: "nowhere" } },
  moving: { openstack: { volumeType: "bronze", migrationPolicy: "on-demand" } },
};

describeOpenstackEngine("in the middle of an up", () => {
  let lab: OpenstackLab;
  const project = new OpenstackProject("faults", () => lab);
  const mine = async () =>
    (await lab.volumes()).map(({ name, status, size, volume_type }) => [name, status, size, volume_type]);

  beforeAll(async () => {
    lab = await OpenstackLab.start();
    await lab.makeType("gold", { volume_backend_name: "fast" });
    // Of types that are the same but for their names, no driver is asked.
    await lab.makeType("silver", { volume_backend_name: "fast", "lab:tier": "silver" });
    await lab.makeType("bronze", { volume_backend_name: "slow" });
    await lab.makeType("nowhere", { volume_backend_name: "missing" });
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

  test("a creation, an extension and a retype that fail are told, with a volume that is gone, and the next run finishes all", async () => {
    project.declare({
      "extended@gold": { sizeGiB: 1 },
      "gone@gold": { sizeGiB: 1 },
      "retyped@gold": { sizeGiB: 1 },
    });
    await project.up();
    const { extended, gone, retyped } = await project.ids();
    await lab.api("DELETE", `/volumes/${gone}`);
    await lab.waitFor(gone!, "deleted");
    await lab.breakNext("extend");
    await lab.breakNext("retype");
    project.declare({
      "data@nowhere": { sizeGiB: 1 },
      "extended@gold": { sizeGiB: 2 },
      "gone@gold": { sizeGiB: 2 },
      "retyped@silver": { sizeGiB: 1 },
    });
    const failed = await project.tryUp("--continue-on-error");
    expect(failed.code).not.toBe(0);
    const left = (await lab.volumes()).find(({ name }) => name === "data");
    expect(left).toMatchObject({ status: "error" });
    const told = diagnostics(failed);
    expect(told).toContain(`Cinder accepted the request but failed to create volume ${left!["id"]}`);
    expect(told).toContain("the next pulumi up deletes it and creates it again");
    expect(told).toContain(
      `extending volume ${extended} from 1 to 2 GiB: Cinder accepted the request but didn't carry it out`,
    );
    expect(told).toContain('"error_extending" with 1 GiB');
    expect(told).toContain('from "gold" to "silver": Cinder accepted the request (202) but didn\'t carry it out');
    expect(told).toContain(`volume ${gone} no longer exists in Cinder. Run pulumi refresh`);
    // The state has what is true.
    expect((await project.state())["CinderVolume extended"]?.outputs).toMatchObject({ sizeGiB: 1 });
    expect(await lab.volume(retyped!)).toMatchObject({ status: "available", volume_type: "gold" });

    // An administrator puts right what Cinder left.
    await lab.act(extended!, { "os-reset_status": { status: "available" } });
    await project.refresh();
    project.declare({
      "data@gold": { sizeGiB: 1 },
      "extended@gold": { sizeGiB: 2 },
      "gone@gold": { sizeGiB: 2 },
      "retyped@silver": { sizeGiB: 1 },
    });
    await lab.clear();
    const preview = await project.run(["preview"]);
    expect(diagnostics(preview)).toContain(
      `volume ${left!["id"]}, left in status "error" by a failed creation, will be deleted`,
    );
    expect(await lab.changes()).toEqual([]);
    const text = await project.up();
    expect(text).toContain(`volume ${left!["id"]}, left in status "error" by a failed creation, was deleted`);
    expect(await mine()).toEqual([
      ["data", "available", 1, "gold"],
      ["extended", "available", 2, "gold"],
      ["gone", "available", 2, "gold"],
      ["retyped", "available", 1, "silver"],
    ]);
    const ids = await project.ids();
    expect(ids).toMatchObject({ extended, retyped });
    expect([ids["data"], ids["gone"]]).not.toEqual(expect.arrayContaining([left!["id"]]));
  });

  test("Cinder is stopped: one clear error, and the next run finishes", async () => {
    project.declare({ "data@gold": { sizeGiB: 3 }, "more@gold": { sizeGiB: 1 } });
    await lab.clear();
    const running = project.tryUp();
    const isAsked = async () => (await lab.requests("cinder")).some(({ method }) => method === "POST");
    await until("Cinder is asked for a volume", isAsked, { everyMs: 100 });
    await lab.stopCinder();
    let failed: Ran;
    let preview: Ran;
    try {
      failed = await running;
      preview = await project.run(["preview"]);
    } finally {
      await lab.startCinder();
    }
    expect(failed.code).not.toBe(0);
    expect(diagnostics(failed)).not.toMatch(/^\s+at .*:\d+:\d+/m);
    // Nothing can be asked: that is a note, and not a refusal.
    expect(diagnostics(preview)).toContain("not checked in advance: ");
    // What Cinder was told and has forgotten, nobody finishes: that is told, until an administrator puts it right.
    const forgotten = (await lab.volumes()).find(({ status }) => status === "creating");
    if (forgotten) {
      const refused = await project.tryUp();
      expect(diagnostics(refused)).toContain(`volume ${forgotten["id"]} was created for this declaration`);
      expect(diagnostics(refused)).toContain(
        'its status is "creating"; if that doesn\'t change, an administrator can reset it',
      );
      await lab.act(forgotten["id"] as string, { "os-reset_status": { status: "error" } });
    }
    await project.up();
    expect(await mine()).toEqual([
      ["data", "available", 3, "gold"],
      ["more", "available", 1, "gold"],
    ]);
  });

  test("the run is killed while a volume is made: the next takes it up, and there is one", async () => {
    project.declare({ "killed@gold": { sizeGiB: 2 } });
    const run = await project.begin(["up", "--yes", "--skip-preview"]);
    const isMade = async () => (await mine()).some(([name, status]) => name === "killed" && status === "available");
    await until("the volume is made", isMade, { everyMs: 100 });
    await run.kill();
    const left = (await lab.volumes()).find(({ name }) => name === "killed")!;
    // Bigger than what was made, and of another type: it gets both.
    project.declare({ "killed@silver": { sizeGiB: 4 } });
    await project.run(["cancel", "--yes"]);
    expect(await project.up()).toContain(`volume ${left["id"]} was created by an unfinished run; it is adopted`);
    expect((await lab.volumes()).filter(({ name }) => name === "killed")).toEqual([
      expect.objectContaining({ id: left["id"], size: 4, volume_type: "silver", status: "available" }),
    ]);
    expect(await project.steps()).toEqual([]);
  });

  test("what is left of it and may hold data is neither taken nor deleted", async () => {
    const first = { "first@gold": { sizeGiB: 1 } };
    project.declare(first);
    await project.up();
    const token = (await project.state())["OpenstackIdentity openstack"]?.id ?? "";
    expect(token).toMatch(/^[0-9a-f-]{36}$/);
    const marks = {
      "storage-profiles.stack": "organization/faults/dev",
      "storage-profiles.volume": "old",
      "storage-profiles.state": token,
    };
    const id = await lab.create({ size: 1, volume_type: "gold", name: "old", metadata: marks });
    await lab.attach(id);
    project.declare({ ...first, "old@gold": { sizeGiB: 1 } });
    const refused = await project.run(["preview"]);
    expect(refused.code).not.toBe(0);
    expect(diagnostics(refused)).toContain(`volume ${id} was created for this declaration but isn't in the state`);
    expect(diagnostics(refused)).toContain("it is attached [left-over]");
    expect(diagnostics(refused)).toContain(`\`import: "${id}"\``);
    await lab.detach(id);
    project.declare({ ...first, "old@gold": { sizeGiB: 1, import: id } });
    await project.up();
    expect((await lab.volumes()).find(({ name }) => name === "old")).toMatchObject({ id });
    expect(await mine()).toHaveLength(2);
  });

  test("what another state of the same names left is neither taken nor deleted nor in the way", async () => {
    const marks = {
      "storage-profiles.stack": "organization/faults/dev",
      "storage-profiles.volume": "same",
      "storage-profiles.state": "another",
    };
    const id = await lab.create({ size: 1, volume_type: "gold", name: "same", metadata: marks });
    project.declare({ "same@gold": { sizeGiB: 1 } });
    await project.up();
    const own = (await project.ids())["same"];
    expect(own).not.toBe(id);
    await project.destroy();
    expect((await lab.volumes()).map((each) => each["id"] as string)).toEqual([id]);
  });

  test("the run is killed while a volume is retyped: the next waits for it, and does it once", async () => {
    project.declare({ "data@gold": { sizeGiB: 3 } });
    await project.up();
    project.declare({ "data@moving": { sizeGiB: 3 } });
    await lab.clear();
    const run = await project.begin(["up", "--yes", "--skip-preview"]);
    const isRetyped = async () => (await lab.changes()).some((each) => each.includes("os-retype"));
    await until("Cinder is asked for a retype", isRetyped, { everyMs: 100 });
    await run.kill();
    await project.run(["cancel", "--yes"]);
    await project.up();
    const { data } = await project.ids();
    expect(await lab.volume(data!)).toMatchObject({ volume_type: "bronze", status: "available", size: 3 });
    expect((await lab.changes()).filter((each) => each.includes("os-retype"))).toHaveLength(1);
  });
});
