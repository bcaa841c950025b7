// Volumes on Amazon EBS, through the real engine and the real Terraform AWS provider: what a user sees, and what reaches EC2,
// request by request. The lab's EC2 refuses what EC2 refuses, so a request that goes through here is one that it takes.

import { AwsLab, AwsProject, describeAws } from "../support/aws";
import { succeeded, type Step } from "../support/engine";

const types = ["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"] as const;
const KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";

describeAws("a volume of every type", () => {
  let lab: AwsLab;
  const project = new AwsProject("types", () => lab);
  const [accessKey, secretKey] = ["AKIATHATNOBODYMAYSEE", "secretThatNobodyMaySee0123456789"];
  // What one preview and one `up` show, and how often EC2 was asked for a change by then.
  let preview: string;
  let up: string;
  let changesAtPreview: string[];
  const volumes: Record<string, object> = {
    ...Object.fromEntries(types.map((type) => [`${type}@${type}`, { sizeGiB: 200 }])),
    "gold@gold": { sizeGiB: 100 },
    "small@gold": { sizeGiB: 4 },
    "silver@silver": { sizeGiB: 100 },
    "bronze@bronze": { size: "4.5GiB" },
    plain: { sizeGiB: 100 },
    "cheap@cheapest": { sizeGiB: 200 },
    "keyed@keyed": { sizeGiB: 10, aws: { availabilityZone: "us-east-1b", tags: { team: "b" } } },
    "shared@shared": { sizeGiB: 10 },
    "fastest@fastest": { sizeGiB: 300 },
    "even@even": { sizeGiB: 100 },
  };
  let SnapshotId: string;

  beforeAll(async () => {
    lab = await AwsLab.start();
    const { VolumeId } = await lab.call("CreateVolume", { AvailabilityZone: "us-east-1a", Size: 8, VolumeType: "gp3" });
    SnapshotId = (await lab.call("CreateSnapshot", { VolumeId })).SnapshotId;
    volumes["copy@bronze"] = { sizeGiB: 8, aws: { snapshotId: SnapshotId } };
    project.declare(volumes);
    const plain = Object.fromEntries(types.map((volumeType) => [volumeType, { aws: { volumeType } }]));
    await project.connect(
      {
        aws: { cheapestTypes: ["gp3", "sc1"] },
        profiles: {
          ...plain,
          cheapest: { aws: { volumeType: "cheapest" } },
          io1: { aws: { volumeType: "io1", iops: 500 } },
          io2: { aws: { volumeType: "io2", iops: 100 } },
          keyed: { aws: { volumeType: "gp3", encrypted: true, kmsKeyId: KEY, tags: { team: "a", cost: "7" } } },
          shared: { aws: { volumeType: "io2", iops: { perGiB: 100 }, multiAttach: true } },
          fastest: { aws: { volumeType: "io2", iops: { perGiB: 1000, max: 70_000 } } },
          even: { aws: { volumeType: "gp3", iops: { perGiB: 40 }, throughputMiBps: { perIops: 0.2 } } },
        },
      },
      { accessKey: undefined, secretKey: undefined },
    );
    for (const [key, value] of Object.entries({ accessKey, secretKey })) {
      await project.secret(`aws:${key}`, value);
    }
    preview = succeeded(await project.run(["preview"]));
    changesAtPreview = await lab.changes();
    up = await project.up();
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });

  test("has its notes and its cost shown at preview, and nothing reaches EC2 that changes anything", () => {
    for (const told of [
      'gold@gold: create\n      100 GiB, availabilityZone: us-east-1a, encrypted: true, iops: 3,000 IOPS, multiAttach: false, tags: {"Name":"gold"}, volumeType: io1\n      monthly cost: 207.50 USD\n',
      'chose "sc1": the cheapest of gp3, sc1 for "cheapest", independent of the size\n',
      "EC2's documentation is contradictory on whether a standard (magnetic) volume can be resized or change its type",
      "the monthly cost doesn't include 0.05 per million I/O requests",
      "4.5GiB rounded up to 5 GiB: volume sizes are whole GiB",
      "gp3 with 3,000 IOPS at 5 GiB may be rejected",
      'tags.team: "b" overrides "a" of "keyed"',
      '300,000 IOPS capped at 70,000 IOPS: iops.max of "fastest"',
    ]) {
      expect(preview).toContain(told);
    }
    expect(preview).toMatch(/costs *: \{[^}]*gold *: 207.5\b/s);
    expect(changesAtPreview).toEqual([]);
  });

  test("is created by one request, with everything said that EC2 would otherwise choose", async () => {
    const [zone, on] = ["AvailabilityZone=us-east-1a", "AvailabilityZone=us-east-1a&Encrypted=true"];
    expect(await lab.sent("CreateVolume")).toEqual({
      gp3: [`${zone}&Iops=3000&Size=200&Throughput=125&VolumeType=gp3`],
      gp2: [`${zone}&Size=200&VolumeType=gp2`],
      io1: [`${zone}&Iops=500&Size=200&VolumeType=io1`],
      io2: [`${zone}&Iops=100&Size=200&VolumeType=io2`],
      st1: [`${zone}&Size=200&VolumeType=st1`],
      sc1: [`${zone}&Size=200&VolumeType=sc1`],
      standard: [`${zone}&Size=200&VolumeType=standard`],
      gold: [`${on}&Iops=3000&Size=100&VolumeType=io1`],
      small: [`${on}&Iops=120&Size=4&VolumeType=io1`],
      silver: [`${on}&Iops=3000&Size=100&Throughput=250&VolumeType=gp3`],
      bronze: [`${on}&Iops=3000&Size=5&Throughput=125&VolumeType=gp3`],
      plain: [`${on}&Iops=3000&Size=100&Throughput=125&VolumeType=gp3`],
      cheap: [`${zone}&Size=200&VolumeType=sc1`],
      keyed: [
        `AvailabilityZone=us-east-1b&Encrypted=true&Iops=3000&KmsKeyId=${KEY}&Size=10&Throughput=125&VolumeType=gp3`,
      ],
      shared: [`${zone}&Iops=1000&MultiAttachEnabled=true&Size=10&VolumeType=io2`],
      fastest: [`${zone}&Iops=70000&Size=300&VolumeType=io2`],
      even: [`${zone}&Iops=4000&Size=100&Throughput=800&VolumeType=gp3`],
      copy: [`${on}&Iops=3000&Size=8&SnapshotId=${SnapshotId}&Throughput=125&VolumeType=gp3`],
    });
    expect((await lab.changes()).filter((each) => !each.startsWith("CreateVolume"))).toEqual([]);
    const { Tags } = await lab.volume((await project.ids())["keyed"] ?? "");
    expect(Object.fromEntries(Tags.map(({ Key, Value }: Record<string, string>) => [Key, Value]))).toEqual({
      ...{ Name: "keyed", team: "b", cost: "7" },
    });
  });

  test("needs nothing more, also after a refresh", async () => {
    const before = (await lab.changes()).length;
    expect(await project.steps("--refresh")).toEqual([]);
    expect(await lab.changes()).toHaveLength(before);
  });

  test("tells its id, what it has, and what it costs", async () => {
    const { ids, settings, costs } = await project.outputs();
    for (const id of Object.values(ids as Record<string, string>))
      expect(await lab.volume(id)).toMatchObject({ VolumeId: id });
    expect(new Set(Object.values(ids)).size).toBe(Object.keys(volumes).length);
    const nothing = { outpostArn: null, snapshotId: null, volumeInitializationRate: null };
    expect(settings).toMatchObject({
      gold: {
        ...{
          volumeType: "io1",
          iops: 3000,
          throughputMiBps: null,
          encrypted: true,
          kmsKeyId: null,
          multiAttach: false,
        },
        ...{ availabilityZone: "us-east-1a", tags: { Name: "gold" }, ...nothing },
      },
      gp2: { volumeType: "gp2", iops: null, throughputMiBps: null, encrypted: false },
      keyed: { kmsKeyId: KEY, availabilityZone: "us-east-1b", tags: { Name: "keyed", team: "b", cost: "7" } },
      shared: { volumeType: "io2", iops: 1000, multiAttach: true },
      copy: { snapshotId: SnapshotId },
    });
    // By the list: GiB, then IOPS (io2's by tiers), then MiB/s.
    expect(costs).toMatchObject({
      gp3: 200 * 0.08,
      gp2: 200 * 0.1,
      io1: 200 * 0.125 + 500 * 0.065,
      io2: 200 * 0.125 + 100 * 0.065,
      st1: 200 * 0.045,
      sc1: 200 * 0.015,
      standard: 200 * 0.05,
      gold: 100 * 0.125 + 3000 * 0.065,
      silver: 100 * 0.08 + 125 * 0.04,
      fastest: 300 * 0.125 + 32_000 * 0.065 + 32_000 * 0.0455 + 6_000 * 0.03185,
      even: 100 * 0.08 + 1000 * 0.005 + 675 * 0.04,
    });
  });

  test("has no credentials in what is shown, nor in clear in the state", async () => {
    const state = succeeded(await project.run(["stack", "export"]));
    expect(state).toContain("aws:ebs/volume:Volume");
    for (const text of [preview, up, state]) {
      expect(text).not.toContain(accessKey);
      expect(text).not.toContain(secretKey);
    }
  });
});

describeAws("a change of type", () => {
  let lab: AwsLab;
  const project = new AwsProject("pairs", () => lab);
  /** A profile of each type, as different as can be, and what reaches EC2 of it, from whatever type a volume comes; its IOPS and MiB/s then. */
  const profiles: Record<string, { section: object; sent: string; has: string }> = {
    gp3: {
      section: { iops: 4000, throughputMiBps: 500 },
      sent: "Iops=4000&Throughput=500&VolumeType=gp3",
      has: "4000 500",
    },
    gp2: { section: {}, sent: "VolumeType=gp2", has: "600 none" },
    io1: { section: { iops: 500 }, sent: "Iops=500&VolumeType=io1", has: "500 none" },
    io2: { section: { iops: 600 }, sent: "Iops=600&VolumeType=io2", has: "600 none" },
    st1: { section: {}, sent: "VolumeType=st1", has: "none none" },
    sc1: { section: {}, sent: "VolumeType=sc1", has: "none none" },
    standard: { section: {}, sent: "VolumeType=standard", has: "none none" },
  };
  const pairs = types.flatMap((from) => types.filter((to) => to !== from).map((to) => ({ from, to })));
  /** What else changes: from one profile and size to another; what reaches EC2; what the volume has then. */
  const others: Record<string, { from: string; to: string; size?: number; sent: string[]; has: object }> = {
    // The IOPS are the same on both sides, or the same as those that EC2 tells of a gp2 volume: they are said all the same.
    "io1-io2-even": { from: "io1e", to: "io2e", sent: ["Iops=4000&VolumeType=io2"], has: { Iops: 4000 } },
    "io2-gp3-even": {
      ...{ from: "io2e", to: "gp3", sent: ["Iops=4000&Throughput=500&VolumeType=gp3"] },
      has: { Iops: 4000, Throughput: 500 },
    },
    "gp3-io1-even": { from: "gp3", to: "io1e", sent: ["Iops=4000&VolumeType=io1"], has: { Iops: 4000 } },
    "gp2-io2-even": { from: "gp2", to: "io2", sent: ["Iops=600&VolumeType=io2"], has: { Iops: 600 } },
    // A profile without IOPS doesn't leave the old ones behind.
    "io1-gp3-plain": {
      ...{ from: "io1", to: "gp3plain", sent: ["Iops=3000&Throughput=125&VolumeType=gp3"] },
      has: { Iops: 3000, Throughput: 125 },
    },
    "gp3-drops": {
      ...{ from: "gp3", to: "gp3plain", sent: ["Iops=3000&Throughput=125"] },
      has: { Iops: 3000, Throughput: 125 },
    },
    "gp3-drops-throughput": {
      from: "gp3",
      to: "gp3iops",
      sent: ["Throughput=125"],
      has: { Iops: 4000, Throughput: 125 },
    },
    // All at once is one modification.
    everything: {
      ...{ from: "gp2", to: "gp3", size: 300, sent: ["Iops=4000&Size=300&Throughput=500&VolumeType=gp3"] },
      has: { Size: 300, VolumeType: "gp3", Iops: 4000, Throughput: 500 },
    },
    "everything-back": {
      ...{ from: "gp3", to: "gp2", size: 300, sent: ["Size=300&VolumeType=gp2"] },
      has: { Size: 300, VolumeType: "gp2", Iops: 900 },
    },
    grows: { from: "io1", to: "io1", size: 300, sent: ["Size=300"], has: { Size: 300, Iops: 500 } },
    "grows-by-size": { from: "perGiB", to: "perGiB", size: 300, sent: ["Iops=3000&Size=300"], has: { Iops: 3000 } },
    tagged: { from: "gp2", to: "tagged", sent: [], has: { VolumeType: "gp2" } },
  };
  const declare = (side: "from" | "to") =>
    project.declare(
      Object.fromEntries([
        ...pairs.map((pair) => [`${pair.from}-${pair.to}@${pair[side]}`, { sizeGiB: 200 }]),
        ...Object.entries(others).map(([name, other]) => [
          `${name}@${other[side]}`,
          { sizeGiB: side === "to" ? (other.size ?? 200) : 200 },
        ]),
      ]),
    );

  // What the one `up` that changes all of them does, what reaches EC2 of it for each volume, and the ids of these.
  let steps: Step[];
  let text: string;
  let sent: Record<string, string[]>;
  let ids: Record<string, string>;
  beforeAll(async () => {
    lab = await AwsLab.start();
    declare("from");
    const section = (volumeType: string, rest: object) => ({ aws: { volumeType, ...rest } });
    await project.connect({
      aws: { availabilityZone: "us-east-1a" },
      profiles: {
        ...Object.fromEntries(types.map((type) => [type, section(type, profiles[type]?.section ?? {})])),
        gp3plain: section("gp3", {}),
        gp3iops: section("gp3", { iops: 4000 }),
        io1e: section("io1", { iops: 4000 }),
        io2e: section("io2", { iops: 4000 }),
        perGiB: section("io1", { iops: { perGiB: 10 } }),
        tagged: section("gp2", { tags: { team: "a" } }),
      },
    });
    await project.up();
    declare("to");
    ({ steps, text } = await project.upSteps());
    ids = await project.ids();
    const all = await lab.sent("ModifyVolume");
    sent = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, all[id] ?? []]));
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });

  test("is an update in place for each, with what it costs, and where EC2's documents disagree a note", () => {
    expect(new Set(steps.map(({ op }) => op))).toEqual(new Set(["update"]));
    expect(steps).toHaveLength(2 * (pairs.length + Object.keys(others).length));
    // From gp3 with 4,000 IOPS and 500 MiB/s to io1 with 500 IOPS, 200 GiB.
    expect(text).toContain("monthly cost: 36.00 USD → 57.50 USD (+21.50 USD)");
    const notes = [
      ...text.matchAll(/^ +(standard-\w+|\w+-standard|gp3-gp2): .*→ .*: update in place\n(( {6,}.*\n)+)/gm),
    ];
    expect(notes).toHaveLength(13);
    for (const [, name = "", told] of notes) {
      const unsure = expect.stringContaining("can be resized or change its type");
      expect([name, told]).toEqual([name, name.includes("standard") ? unsure : expect.not.stringMatching(/resized/)]);
      expect(told).toContain("four modifications of a volume in 24 hours");
    }
  });

  test.each(pairs)("$from -> $to is one request: the complete set, nothing of the old type", ({ from, to }) => {
    expect(sent[`${from}-${to}`]).toEqual([profiles[to]?.sent]);
  });

  test.each(Object.keys(others))("%s: what reaches EC2, and what it makes of it", async (name) => {
    expect(sent[name]).toEqual(others[name]?.sent);
    expect(await lab.volume(ids[name] ?? "")).toMatchObject(others[name]?.has ?? {});
  });

  test("leaves every volume with what its profile says, and nothing to be done", async () => {
    for (const [name, id] of Object.entries(ids)) {
      const { from, to } = pairs.find((pair) => `${pair.from}-${pair.to}` === name) ?? {};
      if (from === undefined || to === undefined) continue;
      const { VolumeType, Iops = "none", Throughput = "none" } = await lab.volume(id);
      expect([name, VolumeType, `${Iops} ${Throughput}`]).toEqual([name, to, profiles[to]?.has]);
    }
    expect(await project.steps("--refresh")).toEqual([]);
  });
});

describeAws("fifty volumes", () => {
  let lab: AwsLab;
  const project = new AwsProject("fifty", () => lab);
  const declare = (profile: string) =>
    project.declare(Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`v${n}@${profile}`, { sizeGiB: 10 }])));
  /** What reached EC2 meanwhile: how often each action. */
  const during = async (work: () => Promise<unknown>) => {
    const before = (await lab.requests()).length;
    await work();
    const counts: Record<string, number> = {};
    for (const { action } of (await lab.requests()).slice(before)) counts[action] = (counts[action] ?? 0) + 1;
    return counts;
  };

  beforeAll(async () => {
    lab = await AwsLab.start();
    await project.connect();
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });

  test("are made, left alone, changed and destroyed by one request each", async () => {
    declare("gold");
    expect(await during(() => project.up())).toMatchObject({ CreateVolume: 50, DescribeAvailabilityZones: 1 });
    // Asked once, for the zone that nobody named; of the volumes nothing is asked.
    expect(await during(() => project.steps())).toEqual({ DescribeAvailabilityZones: 1 });
    declare("silver");
    let text = "";
    expect(await during(async () => (text = await project.up()))).toMatchObject({ ModifyVolume: 50 });
    expect(text.match(/monthly cost: 20\.75 USD → 5\.80 USD \(-14\.95 USD\)/g)).toHaveLength(50);
    expect((await lab.requests()).filter(({ error }) => error !== null)).toEqual([]);
    const { Volumes } = await lab.call("DescribeVolumes");
    expect(Volumes).toHaveLength(50);
    for (const volume of Volumes) expect(volume).toMatchObject({ VolumeType: "gp3", Iops: 3000, Throughput: 250 });
    expect(await during(() => project.destroy())).toMatchObject({ DeleteVolume: 50 });
    expect((await lab.call("DescribeVolumes")).Volumes).toEqual([]);
  });

  test("in a region whose prices nobody has given cost what is unknown, and by given ones what they say", async () => {
    project.configure({}, { region: "eu-central-1" });
    project.declare({ "one@gold": { sizeGiB: 10 } });
    const text = succeeded(await project.run(["preview"]));
    expect(text).toContain("monthly cost unknown: no prices for io1 in eu-central-1; add them to");
    expect(text).toMatch(/costs *: \{\s*one *: "unknown"/);
    project.configure(
      {
        pricesFile: "prices.yaml",
        prices: { aws: { "eu-central-1": { types: { io1: { perGiB: 1 } } } } },
      },
      { region: "eu-central-1" },
    );
    project.write(
      "prices.yaml",
      "aws:\n  eu-central-1:\n    currency: EUR\n    types:\n      io1: { perGiB: 5, iops: { tiers: [{ each: 0.1 }] } }\n",
    );
    expect(succeeded(await project.run(["preview"]))).toMatch(/costs *: \{\s*one *: 40\b/);
  });
});
