// What happens to volumes on Amazon EBS that exist: changes that are refused before anything is touched, EC2's limits of
// modifications, changes behind our back, and volumes that are taken over.

import { AwsLab, AwsProject, describeAws } from "../support/aws";
import { diagnostics, succeeded } from "../support/engine";

const KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
const SNAPSHOT_WAY = "create a snapshot of the volume (aws ec2 create-snapshot), declare a new volume from it";

/** The resources as the state has them, without when they were touched. */
async function resources(project: AwsProject) {
  const state = Object.entries(await project.state()).filter(([name]) => !name.includes("default"));
  return state.map(([name, { id, inputs, outputs }]) => ({ name, id, inputs, outputs }));
}

describeAws("changes that would lose data", () => {
  let lab: AwsLab;
  const project = new AwsProject("refused", () => lab);
  const section = (rest: object) => ({ aws: { volumeType: "io2", iops: 500, ...rest } });
  const profiles = {
    plain: section({}),
    encrypted: section({ encrypted: true }),
    keyed: section({ encrypted: true, kmsKeyId: KEY }),
    shared: section({ multiAttach: true }),
    slow: section({ iops: 50 }),
    odd: { aws: { volumeType: "gp2", iops: 3000, throughputMiBps: 500, multiAttach: true } },
  };
  let another: string;

  const sizeGiB = 100;
  const zoned = { aws: { availabilityZone: "us-east-1b" } };
  /** What a volume is at first, what it is to be, and why that is refused. */
  const refusals: Record<string, { from: string; to: string; args?: object; told: string[] }> = {
    shrinks: {
      ...{ from: "plain", to: "plain", args: { sizeGiB: 99 } },
      told: [
        "the volume can't shrink from 100 GiB to 99 GiB",
        "for a smaller volume, declare a new one, copy the data",
      ],
    },
    encrypts: { from: "plain", to: "encrypted", told: ["EBS can't encrypt an existing volume", SNAPSHOT_WAY] },
    decrypts: {
      ...{ from: "encrypted", to: "plain" },
      told: ["EBS can't decrypt an existing volume", "declare a new volume with the new setting, copy the files"],
    },
    "takes-key": {
      ...{ from: "encrypted", to: "keyed" },
      told: ['"kmsKeyId" can\'t be set to "arn:', "EBS can't change the key of an existing volume", SNAPSHOT_WAY],
    },
    moves: {
      ...{ from: "plain", to: "plain", args: zoned },
      told: [
        '"availabilityZone" can\'t be changed from "us-east-1a" to "us-east-1b": a volume can\'t be moved to another zone',
        SNAPSHOT_WAY,
      ],
    },
    shares: {
      ...{ from: "plain", to: "shared" },
      told: [
        '"multiAttach" can\'t be changed from false to true: the AWS provider would replace the volume',
        SNAPSHOT_WAY,
      ],
    },
    unshares: {
      from: "shared",
      to: "plain",
      told: ['"multiAttach" can\'t be changed from true to false', SNAPSHOT_WAY],
    },
    snapshot: {
      ...{ from: "plain", to: "plain", args: { aws: { snapshotId: "LATER" } } },
      told: ["a snapshot is only used when the volume is created", "fix:     declare a new volume from that snapshot"],
    },
    everything: {
      ...{ from: "plain", to: "keyed", args: { sizeGiB: 50, ...zoned } },
      told: ["4 problems", " GiB to 50 GiB", "EBS can't encrypt", "change the key", "can't be moved to another zone"],
    },
  };
  const declare = (side: "from" | "to") =>
    project.declare(
      Object.fromEntries(
        Object.entries(refusals).map(([name, each]) => {
          const args = JSON.parse(JSON.stringify(each.args ?? {}).replace("LATER", another)) as object;
          return [`${name}@${each[side]}`, { sizeGiB, ...(side === "to" && args) }];
        }),
      ),
    );

  beforeAll(async () => {
    lab = await AwsLab.start();
    const snapshot = async () => {
      const { VolumeId } = await lab.call("CreateVolume", {
        AvailabilityZone: "us-east-1a",
        Size: 8,
        VolumeType: "gp3",
      });
      return (await lab.call("CreateSnapshot", { VolumeId })).SnapshotId as string;
    };
    another = await snapshot();
    declare("from");
    await project.connect({ profiles });
    await project.up();
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });

  test("are refused before anything is touched, each with its reason and the way out", async () => {
    const [before, changes] = [await resources(project), await lab.changes()];
    declare("to");
    const preview = await project.run(["preview"]);
    expect([preview.code, diagnostics(preview)]).toEqual([1, expect.stringMatching(/ is refused: \d problem/)]);
    expect(preview.text).not.toMatch(/\n +at /);
    expect(preview.text).not.toMatch(/^ *(\+|\+-|--) /m);
    // The engine stops at its first errors, unless it is told to go on.
    const run = await project.tryUp("--continue-on-error");
    expect([run.code, diagnostics(run)]).toEqual([1, expect.stringMatching(/ is refused: \d problem/)]);
    const parts = diagnostics(run).split(/\n\n(?= {2}\S)/);
    for (const [name, { told }] of Object.entries(refusals)) {
      const part = parts.find((each) => each.includes(`ProfiledVolume (${name}):`));
      for (const text of told) expect([name, part]).toEqual([name, expect.stringContaining(text)]);
    }
    expect(await lab.changes()).toEqual(changes);
    expect(await resources(project)).toEqual(before);
  });

  test("are no excuse: what is wrong with several requests is told in one message", async () => {
    project.declare(
      { "a@slow": { sizeGiB: 10 }, "b@odd": { sizeGiB: 10 }, "c@plain": { sizeGiB: 1 }, "fine@plain": { sizeGiB: 10 } },
      "",
    );
    const { code, text } = await project.run(["preview"]);
    for (const told of [
      "a: 1 problem",
      '"slow" sets 50 IOPS; io2 at 10 GiB allows 100 to 10,000 IOPS',
      "b: 3 problems",
      "\"iops\" can't be set: gp2 doesn't support provisioned IOPS",
      "\"throughputMiBps\" can't be set: gp2 doesn't support provisioned throughput",
      "\"multiAttach\" can't be set: gp2 doesn't support multi-attach",
      "c: 1 problem",
      "io2 volumes must be at least 4 GiB, not 1 GiB",
    ]) {
      expect([code, text]).toEqual([1, expect.stringContaining(told)]);
    }
    // In one: whichever the engine asks about first tells those of the others.
    const errors = diagnostics({ code, text })
      .split(/\n +error: /)
      .slice(1);
    expect(errors).toHaveLength(1);
  });
});

describeAws("volumes that exist", () => {
  let lab: AwsLab;
  const project = new AwsProject("exist", () => lab);
  const stack = { aws: { availabilityZone: "us-east-1a" } };
  beforeAll(async () => {
    lab = await AwsLab.start();
    await project.init();
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });
  beforeEach(async () => {
    await lab.reset();
    project.reset();
    project.configure(stack);
  });

  test("that were modified too often or too lately say so, aren't tried again, and go on when it is time", async () => {
    const declare = (profile: string) =>
      project.declare(
        Object.fromEntries(["often", "lately", "free"].map((name) => [`${name}@${profile}`, { sizeGiB: 10 }])),
        AwsProject.tells("free", ...kept),
      );
    // What no change of a volume touches, and what depends on it may be replaced for.
    const kept = ["volumeId", "resource.arn", "resource.availabilityZone"];
    declare("bronze");
    await project.up();
    const { often = "", lately = "", free = "" } = await project.ids();
    for (const Iops of [4000, 3000, 4000, 3000]) await lab.call("ModifyVolume", { VolumeId: often, Iops });
    await lab.setOptimizing(6 * 3600);
    await lab.call("ModifyVolume", { VolumeId: lately, VolumeType: "gp3" });
    await lab.setOptimizing(0);

    declare("silver");
    expect(await project.unknownAtPreview(...kept)).toEqual([]);
    const { code, text } = await project.tryUp("--continue-on-error");
    expect(code).not.toBe(0);
    expect(text.match(/four modifications of a volume in 24 hours/g)).toHaveLength(3);
    for (const [id, because] of [
      [often, "it was already modified four times in the last 24 hours"],
      [lately, "its last modification isn't completed"],
    ]) {
      expect(text).toContain(
        `EC2 doesn't accept another modification of ${id} yet: ${because} [modification-too-early]`,
      );
      expect(text).toContain(`aws ec2 describe-volumes-modifications --volume-ids ${id}`);
    }
    const asked = "Throughput=250";
    expect(await lab.sent("ModifyVolume")).toEqual({
      [often]: [`${asked} refused: VolumeModificationRateExceeded`],
      [lately]: [`${asked} refused: IncorrectModificationState`],
      [free]: [asked],
    });
    // AWS's client asks three times where it takes an answer for one that may change; twice also where a connection breaks.
    const attempts = (await lab.requests()).map(({ attempt }) => attempt);
    expect(Math.max(...attempts)).toBeLessThan(3);
    await lab.advance(24 * 3600 + 1);
    await project.up();
    expect((await lab.sent("ModifyVolume"))[often]?.slice(1)).toEqual([asked]);
    for (const id of [often, lately, free]) expect(await lab.volume(id)).toMatchObject({ Throughput: 250 });
    expect(await project.steps()).toEqual([]);
  });

  test("that were changed behind our back show it at refresh, and `up` puts right what can be", async () => {
    const all = ["faster", "untagged", "gone", "retyped", "grown", "same"];
    const declare = (sizes: Record<string, number> = {}) =>
      project.declare(Object.fromEntries(all.map((name) => [`${name}@silver`, { sizeGiB: sizes[name] ?? 10 }])));
    declare();
    await project.up();
    const ids = await project.ids();
    const { faster = "", untagged = "", gone = "", retyped = "", grown = "" } = ids;
    await lab.call("ModifyVolume", { VolumeId: faster, Iops: 4000 });
    await lab.call("DeleteTags", { Resources: [untagged], Tags: [{ Key: "Name" }] });
    await lab.call("CreateTags", { Resources: [untagged], Tags: [{ Key: "theirs", Value: "x" }] });
    await lab.call("DeleteVolume", { VolumeId: gone });
    await lab.call("ModifyVolume", { VolumeId: retyped, VolumeType: "gp2" });
    await lab.call("ModifyVolume", { VolumeId: grown, Size: 20 });
    await project.refresh();
    const { code, text } = await project.run(["preview"]);
    expect([code, text]).toEqual([1, expect.stringContaining("the volume can't shrink from 20 GiB to 10 GiB")]);
    declare({ grown: 20 });
    expect((await project.upSteps()).steps.filter(({ what }) => what.startsWith("Volume "))).toEqual([
      { op: "update", what: "Volume faster" },
      { op: "create", what: "Volume gone" },
      { op: "update", what: "Volume retyped" },
      { op: "update", what: "Volume untagged" },
    ]);
    const after = await project.ids();
    expect(after).toEqual({ ...ids, gone: after["gone"] });
    expect(after["gone"]).not.toBe(gone);
    const has = { VolumeType: "gp3", Iops: 3000, Throughput: 250 };
    for (const [Name, id] of Object.entries(after)) {
      const Size = Name === "grown" ? 20 : 10;
      expect(await lab.volume(id)).toMatchObject({ ...has, Size, Tags: [{ Key: "Name", Value: Name }] });
    }
    expect(await project.steps("--refresh")).toEqual([]);
  });

  const make = async (params: object): Promise<string> =>
    (
      await lab.call("CreateVolume", {
        AvailabilityZone: "us-east-1a",
        Size: 20,
        VolumeType: "gp2",
        Encrypted: true,
        ...params,
      })
    ).VolumeId;

  test("are taken over with their data, after a report of what changes, by one modification", async () => {
    const theirs = await make({
      TagSpecifications: [{ ResourceType: "volume", Tags: [{ Key: "theirs", Value: "x" }] }],
    });
    const like = await make({
      ...{ VolumeType: "gp3", Iops: 3000, Throughput: 250 },
      TagSpecifications: [{ ResourceType: "volume", Tags: [{ Key: "Name", Value: "like" }] }],
    });
    const declare = (taken: boolean) =>
      project.declare({
        "theirs@silver": { sizeGiB: 30, ...(taken && { import: theirs }) },
        "like@silver": { sizeGiB: 20, ...(taken && { import: like }) },
      });
    declare(true);
    const report = [
      "theirs (imported): update in place",
      "sizeGiB: 20 GiB → 30 GiB, in place",
      'volumeType: "gp2" → "gp3", in place',
      "iops: not set → 3,000 IOPS, in place",
      "throughputMiBps: not set → 250 MiB/s, in place",
      'tags: {"theirs":"x"} → {"Name":"theirs"}, in place',
      "four modifications of a volume in 24 hours",
      "monthly cost: 2.00 USD → 7.40 USD (+5.40 USD)",
      `EC2 doesn't report whether another stack manages ${theirs}`,
    ];
    const preview = succeeded(await project.run(["preview"]));
    for (const line of report) expect(preview).toContain(line);
    expect(preview).not.toContain("like (imported");
    expect(await lab.changes()).toEqual([]);
    await project.up();
    expect(await project.ids()).toEqual({ theirs, like });
    expect(await lab.sent("ModifyVolume")).toEqual({ [theirs]: ["Iops=3000&Size=30&Throughput=250&VolumeType=gp3"] });
    expect(await lab.sent("CreateVolume")).toEqual({});
    declare(false);
    expect((await project.steps()).filter(({ what }) => what.startsWith("Volume "))).toEqual([]);
    // One name, two volumes: the one that it is would be deleted for the other.
    project.declare({ "theirs@silver": { sizeGiB: 30, import: await make({}) }, "like@silver": { sizeGiB: 20 } });
    const swapped = await project.run(["preview"]);
    expect([swapped.code, swapped.text]).toEqual([
      1,
      expect.stringContaining(`can't be imported: "theirs" is already ${theirs}, which would be deleted`),
    ]);
    // A run that leaves the component out calls none of the component's hooks; it is refused, too. So is the second one: the outputs are still there.
    const component = (await project.state())["ProfiledVolume theirs"]!.urn;
    for (let attempt = 1; attempt <= 2; attempt++) {
      const partial = await project.tryUp("--exclude", component);
      expect([partial.code > 0, partial.text]).toEqual([true, expect.stringContaining(`is already ${theirs}, which`)]);
    }
    expect(await lab.volume(theirs)).toMatchObject({ Size: 30 });
    expect((await project.state())["Volume theirs"]?.id).toBe(theirs);
    // Taken out of the state by hand, it isn't created again beside itself, and is taken over again.
    succeeded(await project.run(["state", "delete", (await project.state())["Volume theirs"]!.urn, "--yes"]));
    declare(false);
    const beside = await project.run(["preview"]);
    expect(beside.text).toContain(`"theirs" is ${theirs}, which exists, but its resource is no longer in the state`);
    expect(beside.code).not.toBe(0);
    declare(true);
    await project.up();
    expect(await project.ids()).toEqual({ theirs, like });
  });

  test("are not taken over where they would shrink, where they would be replaced, and where there are none", async () => {
    // One at a time: the first failing volume ends the program, because the component's outputs fail with it.
    const refusals: Record<string, [args: object, told: (string | RegExp)[]]> = {
      small: [
        { sizeGiB: 10, import: await make({}) },
        ["small (imported) is refused: 1 problem", "the volume can't shrink from 20 GiB to 10 GiB"],
      ],
      open: [
        { sizeGiB: 20, import: await make({ Encrypted: false }) },
        ["open (imported) is refused: 1 problem", "EBS can't encrypt an existing volume"],
      ],
      // The plugin of these tests answers as if there were a volume without any property; in which words it is refused is up to it.
      none: [{ sizeGiB: 10, import: "vol-00000000000000000" }, [/Volume \(none\):\n +error: /]],
    };
    for (const [name, [args, told]] of Object.entries(refusals)) {
      project.declare({ [`${name}@silver`]: args });
      const { code, text } = await project.tryUp();
      for (const each of told) {
        expect(code).toBe(1);
        if (typeof each === "string") expect(text).toContain(each);
        else expect(text).toMatch(each);
      }
    }
    expect(await lab.changes()).toEqual([]);
  });

  test("though no answer to their creation came are named with the way to take them over, and are not made twice then", async () => {
    project.declare({ "data@silver": { sizeGiB: 10 } });
    await lab.cut("CreateVolume", 10);
    const { code, text } = await project.tryUp();
    expect(code).not.toBe(0);
    expect(text).toContain("EC2 may have created the volume without responding");
    expect(text).toContain("Name=tag:Name,Values=data Name=status,Values=available");
    const created = await lab.volumesNamed("data");
    expect(created).toHaveLength(1);
    project.declare({ "data@silver": { sizeGiB: 10, import: created[0]! } });
    await project.up();
    expect(await project.ids()).toEqual({ data: created[0] });
    expect(await lab.volumesNamed("data")).toEqual(created);
  });

  test("are not replaced either after an `up` that EC2 refused", async () => {
    project.declare({ "data@plain": { sizeGiB: 10 } });
    project.configure({ ...stack, profiles: { plain: { aws: { volumeType: "gp3" } } } });
    await project.up();
    await lab.fail("ModifyVolume", "VolumeModificationRateExceeded");
    project.declare({ "data@plain": { sizeGiB: 11 } });
    expect((await project.tryUp()).code).not.toBe(0);
    // The component says no more what it has; its volume is there all the same.
    project.declare({ "data@plain": { sizeGiB: 11, import: await make({}) } });
    const swapped = await project.run(["preview"]);
    expect([swapped.code, swapped.text]).toEqual([1, expect.stringContaining('"data" is already another volume')]);
    project.declare({ "data@silver": { sizeGiB: 11 } });
    const { code, text } = await project.run(["preview"]);
    expect([code, text]).toEqual([1, expect.stringContaining("EBS can't encrypt an existing volume")]);
  });

  test("are not replaced by what a transform of the stack has the engine do", async () => {
    project.configure({ ...stack, profiles: { plain: { aws: { volumeType: "gp3" } } } });
    const declare = (sizeGiB: number) =>
      project.program(`
        pulumi.runtime.registerResourceTransform(({ type, props, opts }) =>
          type === "aws:ebs/volume:Volume" ? { props, opts: { ...opts, replaceOnChanges: ["size"] } } : undefined);
        exports.id = new ProfiledVolume("data@plain", { sizeGiB: ${sizeGiB} }).volumeId;
      `);
    declare(10);
    await project.up();
    const { id } = await project.outputs();
    declare(11);
    // Again, the component no longer says which volume it has.
    for (let attempt = 1; attempt <= 2; attempt++) {
      const replaced = await project.tryUp("--continue-on-error");
      const refusal = expect.stringContaining('Pulumi would replace "data" with an empty volume') as string;
      expect([replaced.code > 0, replaced.text]).toEqual([true, refusal]);
    }
    expect(await lab.volume(id as string)).toMatchObject({ Size: 10 });
    expect(await lab.volumesNamed("data")).toEqual([id]);
    // One that the run's own refresh finds gone is made anew, though the state still has it then.
    await lab.call("DeleteVolume", { VolumeId: id });
    await project.up({}, "--refresh");
    expect(await lab.volumesNamed("data")).toEqual([(await project.outputs())["id"]]);
  });
});
