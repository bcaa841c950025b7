// The lab itself, driven by boto3: what it refuses and with which code, what it takes, what it makes of changes, and what it
// writes down. A lab that lets everything pass would prove nothing.

import { execFileSync } from "node:child_process";
import { resolve } from "node:path";

import { AwsLab, Ec2Error } from "../../support/aws";
import { describeIf } from "../../support/machine";
import { environmentFor, environmentOf } from "../python.js";

const { python, reason } = environmentOf("aws");

type Params = Record<string, unknown>;

describeIf(reason === undefined, "the lab's EC2", reason, () => {
  let lab: AwsLab;
  beforeAll(async () => {
    lab = await AwsLab.start();
  });
  afterEach(() => lab.reset());
  afterAll(() => lab.stop());

  /** The code with which EC2 refuses, or "" when it does it. */
  const refusal = async (action: string, params: Params): Promise<string> => {
    try {
      await lab.call(action, params);
      return "";
    } catch (error) {
      if (error instanceof Ec2Error) return error.code;
      throw error;
    }
  };
  const create = async (params: Params): Promise<string> =>
    (await lab.call("CreateVolume", { AvailabilityZone: "us-east-1a", ...params })).VolumeId;
  const gp3 = { VolumeType: "gp3", Size: 100 };
  const io1 = { VolumeType: "io1", Size: 100, Iops: 300 };

  test("has the limits that EC2's own model documents", () => {
    expect(
      JSON.parse(
        execFileSync(python!, [resolve(__dirname, "documented.py")], {
          env: environmentFor(python!),
          encoding: "utf8",
        }),
      ),
    ).toEqual([]);
  });

  const sizes: [string, number, number, Params][] = [
    ["gp2", 1, 16384, {}],
    ["gp3", 1, 65536, {}],
    ["io1", 4, 16384, { Iops: 100 }],
    ["io2", 4, 65536, { Iops: 100 }],
    ["st1", 125, 16384, {}],
    ["sc1", 125, 16384, {}],
    ["standard", 1, 1024, {}],
  ];
  test.each(sizes)("%s has from %d to %d GiB", async (VolumeType, min, max, rest) => {
    for (const [Size, code] of [
      [min - 1, "InvalidParameterValue"],
      [min, ""],
      [max, ""],
      [max + 1, "InvalidParameterValue"],
    ] as const) {
      const params = { AvailabilityZone: "us-east-1a", VolumeType, Size, ...rest };
      expect({ Size, code: await refusal("CreateVolume", params) }).toEqual({ Size, code });
    }
  });

  const ranges: [string, string, number, number, Params][] = [
    ["gp3", "Iops", 3000, 80000, { Size: 1000 }],
    ["gp3", "Iops", 3000, 3000, { Size: 1 }],
    ["gp3", "Iops", 3000, 5000, { Size: 10 }],
    ["io1", "Iops", 100, 64000, { Size: 2000 }],
    ["io1", "Iops", 100, 500, { Size: 10 }],
    ["io2", "Iops", 100, 256000, { Size: 2000 }],
    ["io2", "Iops", 100, 10000, { Size: 10 }],
    ["gp3", "Throughput", 125, 2000, { Size: 1000, Iops: 10000 }],
    ["gp3", "Throughput", 125, 750, { Size: 100 }],
    ["gp3", "Throughput", 125, 1000, { Size: 100, Iops: 4000 }],
  ];
  test.each(ranges)("%s has %s from %d to %d with %j", async (VolumeType, key, min, max, rest) => {
    for (const [value, code] of [
      [min - 1, "InvalidParameterValue"],
      [min, ""],
      [max, ""],
      [max + 1, "InvalidParameterValue"],
    ] as const) {
      const params = { AvailabilityZone: "us-east-1a", VolumeType, ...rest, [key]: value };
      expect({ value, code: await refusal("CreateVolume", params) }).toEqual({ value, code });
    }
  });

  const creations: [Params, string][] = [
    [{ VolumeType: "gp2", Size: 10, Iops: 300 }, "InvalidParameterCombination"],
    [{ VolumeType: "st1", Size: 125, Iops: 300 }, "InvalidParameterCombination"],
    [{ VolumeType: "sc1", Size: 125, Iops: 300 }, "InvalidParameterCombination"],
    [{ VolumeType: "standard", Size: 10, Iops: 300 }, "InvalidParameterCombination"],
    [{ VolumeType: "io1", Size: 10 }, "MissingParameter"],
    [{ VolumeType: "io2", Size: 10 }, "MissingParameter"],
    [{ ...io1, Throughput: 200 }, "InvalidParameterCombination"],
    [{ VolumeType: "gp2", Size: 10, Throughput: 200 }, "InvalidParameterCombination"],
    [{ ...gp3, MultiAttachEnabled: true }, "InvalidParameterCombination"],
    [{ ...io1, MultiAttachEnabled: true }, ""],
    [{ ...gp3, KmsKeyId: "alias/x" }, "InvalidParameterDependency"],
    [{ ...gp3, KmsKeyId: "alias/x", Encrypted: false }, "InvalidParameterDependency"],
    [{ ...gp3, KmsKeyId: "alias/x", Encrypted: true }, ""],
    [{ ...gp3, VolumeType: "foo" }, "UnknownVolumeType"],
    [{ ...gp3, AvailabilityZone: "us-east-1z" }, "InvalidZone.NotFound"],
    [{ ...gp3, AvailabilityZone: undefined }, "MissingParameter"],
    [{ VolumeType: "gp3" }, "MissingParameter"],
    [{ ...gp3, Size: "ten" }, "InvalidParameterValue"],
    [{ ...gp3, Size: 10.5 }, "InvalidParameterValue"],
    [{ ...gp3, VolumeInitializationRate: 100 }, "InvalidParameterCombination"],
    [{ ...gp3, TagSpecifications: [{ ResourceType: "volumes" }] }, "InvalidParameterValue"],
    [{ ...gp3, SnapshotId: "snap-00000000000000000" }, "InvalidSnapshot.NotFound"],
    [{ Size: 10 }, ""],
  ];
  test.each(creations)("CreateVolume with %j: %s", async (params, code) => {
    expect(await refusal("CreateVolume", given({ AvailabilityZone: "us-east-1a", ...params }))).toBe(code);
  });

  test("a volume from a snapshot is no smaller, and has the rate for its initialization", async () => {
    const { SnapshotId } = await lab.call("CreateSnapshot", { VolumeId: await create({ ...gp3, Size: 8 }) });
    const from = (params: Params) =>
      refusal("CreateVolume", { AvailabilityZone: "us-east-1a", VolumeType: "gp3", SnapshotId, ...params });
    const rate = (VolumeInitializationRate: number) => from({ VolumeInitializationRate });
    expect(
      await Promise.all([from({ Size: 7 }), from({ Size: 8 }), from({}), rate(99), rate(100), rate(300), rate(301)]),
    ).toEqual(["InvalidParameterValue", "", "", "InvalidParameterValue", "", "", "InvalidParameterValue"]);
  });

  const changes: [Params, Params, string | Params][] = [
    [gp3, {}, "InvalidParameterValue"],
    [gp3, { Size: 99 }, "InvalidParameterValue"],
    [gp3, { Size: 200 }, { Size: 200, Iops: 3000, Throughput: 125 }],
    [gp3, { Iops: 2999 }, "InvalidParameterValue"],
    [
      { ...gp3, Iops: 4000, Throughput: 500 },
      { VolumeType: "gp3", Size: 200 },
      { Iops: 4000, Throughput: 500 },
    ],
    [{ ...gp3, Iops: 4000, Throughput: 1000 }, { Iops: 3000 }, "InvalidParameterValue"],
    [gp3, { VolumeType: "gp2" }, { Iops: 300, Throughput: undefined }],
    [gp3, { VolumeType: "gp2", Iops: 3000 }, "InvalidParameterCombination"],
    [gp3, { VolumeType: "st1" }, "InvalidParameterValue"],
    [gp3, { VolumeType: "st1", Size: 125 }, { Iops: undefined, Throughput: undefined }],
    [gp3, { VolumeType: "io1" }, { Iops: 3000, Throughput: undefined }],
    [{ ...gp3, Size: 10 }, { VolumeType: "io1" }, "InvalidParameterValue"],
    [{ VolumeType: "gp2", Size: 100 }, { VolumeType: "gp3" }, { Iops: 3000, Throughput: 125 }],
    [{ VolumeType: "gp2", Size: 100 }, { Iops: 300 }, "InvalidParameterCombination"],
    [io1, { VolumeType: "gp3" }, { Iops: 3000, Throughput: 125 }],
    [io1, { VolumeType: "gp3", Iops: 300 }, "InvalidParameterValue"],
    [io1, { VolumeType: "io2" }, { Iops: 3000 }],
    [io1, { Iops: 5001 }, "InvalidParameterValue"],
    [io1, { Iops: 5001, Size: 101 }, { Iops: 5001, Size: 101 }],
    [{ ...io1, MultiAttachEnabled: true }, { VolumeType: "gp3" }, "InvalidParameterCombination"],
    [gp3, { VolumeType: "foo" }, "UnknownVolumeType"],
    [{ VolumeType: "gp2", Size: 1000 }, { Size: 2000 }, { Iops: 6000 }],
  ];
  test.each(changes)("%j changed by %j: %j", async (before, change, after) => {
    const VolumeId = await create(before);
    const asItWas = await lab.volume(VolumeId);
    const code = await refusal("ModifyVolume", { VolumeId, ...change });
    if (typeof after === "string") {
      expect(code).toBe(after);
      expect(await lab.volume(VolumeId)).toEqual(asItWas);
    } else {
      expect(code).toBe("");
      expect(await lab.volume(VolumeId)).toMatchObject(given(after));
      const gone = Object.keys(after).filter((key) => after[key] === undefined);
      expect(Object.keys(await lab.volume(VolumeId)).filter((key) => gone.includes(key))).toEqual([]);
    }
  });

  test("ModifyVolume and AttachVolume of what isn't there, and without what they need", async () => {
    const nobody = "vol-00000000000000000";
    expect(await refusal("ModifyVolume", { VolumeId: nobody, Size: 10 })).toBe("InvalidVolume.NotFound");
    expect(await refusal("ModifyVolume", { Size: 10 })).toBe("MissingParameter");
    expect(await refusal("AttachVolume", { VolumeId: nobody })).toBe("MissingParameter");
  });

  test("a change waits until the last is completed, and a fifth until the first is a day old", async () => {
    await lab.setOptimizing(3600);
    const VolumeId = await create(gp3);
    const grow = (Size: number) => refusal("ModifyVolume", { VolumeId, Size });
    const state = async () => {
      const { VolumesModifications } = await lab.call("DescribeVolumesModifications", { VolumeIds: [VolumeId] });
      return VolumesModifications.map(
        (each: Record<string, string>) => `${each["ModificationState"]} ${each["TargetSize"]}`,
      );
    };
    expect([await grow(110), await grow(120), await state()]).toEqual([
      "",
      "IncorrectModificationState",
      ["optimizing 110"],
    ]);
    for (const size of [120, 130, 140]) {
      await lab.advance(3601);
      expect(await grow(size)).toBe("");
    }
    await lab.advance(3601);
    expect([await state(), await grow(150)]).toEqual([["completed 140"], "VolumeModificationRateExceeded"]);
    await lab.advance(20 * 3600);
    expect(await grow(150)).toBe("");
  });

  test("a volume is attached in its zone, once; with Multi-Attach to several, and each goes by itself", async () => {
    const run = async (AvailabilityZone: string): Promise<string> => {
      const image = { ImageId: "ami-12c6146b", MinCount: 1, MaxCount: 1, Placement: { AvailabilityZone } };
      return (await lab.call("RunInstances", image)).Instances[0].InstanceId;
    };
    const [one, two, away] = [await run("us-east-1a"), await run("us-east-1a"), await run("us-east-1b")];
    const [single, shared] = [await create(gp3), await create({ ...io1, MultiAttachEnabled: true })];
    const attach = (VolumeId: string, InstanceId: string, Device = "/dev/sdh") =>
      refusal("AttachVolume", { VolumeId, InstanceId, Device });
    expect(await attach(single, away)).toBe("InvalidVolume.ZoneMismatch");
    expect(await attach(single, one)).toBe("");
    expect(await attach(single, two)).toBe("VolumeInUse");
    expect(await attach(shared, one)).toBe("InvalidParameterValue");
    expect([await attach(shared, one, "/dev/sdi"), await attach(shared, two)]).toEqual(["", ""]);
    expect((await lab.volume(shared)).Attachments).toHaveLength(2);
    expect(await refusal("DeleteVolume", { VolumeId: shared })).toBe("VolumeInUse");
    for (const InstanceId of [one, two]) await lab.call("DetachVolume", { VolumeId: shared, InstanceId });
    expect(await lab.volume(shared)).toMatchObject({ State: "available", Attachments: [] });
    expect(await refusal("DeleteVolume", { VolumeId: shared })).toBe("");
  });

  describe("what reaches it over the wire", () => {
    const send = async (query: Record<string, string>): Promise<string> => {
      const response = await fetch(lab.url, {
        method: "POST",
        headers: { authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request, Signature=0" },
        body: new URLSearchParams({ Version: "2016-11-15", ...query }),
      });
      return /<Code>(.*)<\/Code>/.exec(await response.text())?.[1] ?? "";
    };
    const wanted = { Action: "CreateVolume", AvailabilityZone: "us-east-1a", Size: "10", VolumeType: "gp3" };

    test("is written down, with what was refused, until it is taken away", async () => {
      await create(gp3); // behind everybody's back
      expect(await send(wanted)).toBe("");
      expect(await send({ ...wanted, Size: "0" })).toBe("InvalidParameterValue");
      expect(await send({ Action: "DeleteVolume", VolumeId: "vol-1" })).toBe("InvalidVolume.NotFound");
      const params = { AvailabilityZone: "us-east-1a", Size: "10", VolumeType: "gp3" };
      expect(await lab.requests()).toEqual([
        { action: "CreateVolume", params, error: null, attempt: 1 },
        { action: "CreateVolume", params: { ...params, Size: "0" }, error: "InvalidParameterValue", attempt: 1 },
        { action: "DeleteVolume", params: { VolumeId: "vol-1" }, error: "InvalidVolume.NotFound", attempt: 1 },
      ]);
      expect(await lab.changes()).toEqual([
        "CreateVolume AvailabilityZone=us-east-1a&Size=0&VolumeType=gp3 refused: InvalidParameterValue",
        "CreateVolume AvailabilityZone=us-east-1a&Size=10&VolumeType=gp3",
        "DeleteVolume refused: InvalidVolume.NotFound",
      ]);
      await lab.reset();
      expect([await lab.requests(), (await lab.call("DescribeVolumes")).Volumes]).toEqual([[], []]);
    });

    test("is refused when EC2's model doesn't know it", async () => {
      expect(await send({ ...wanted, Sise: "10" })).toBe("UnknownParameter");
      expect(await send({ ...wanted, Encrypted: "maybe" })).toBe("InvalidParameterValue");
      expect(await send({ ...wanted, Action: "CreateVolumes" })).toBe("InvalidAction");
    });

    test("fails when a test wants it, as often as it says", async () => {
      await lab.fail("CreateVolume", "InsufficientVolumeCapacity", { times: 2 });
      expect([await send(wanted), await send(wanted), await send(wanted)]).toEqual([
        "InsufficientVolumeCapacity",
        "InsufficientVolumeCapacity",
        "",
      ]);
    });

    test("is carried out once, however often its answer is lost and it is sent again", async () => {
      await lab.cut("CreateVolume", 1);
      await expect(send({ ...wanted, ClientToken: "one" })).rejects.toThrow();
      expect(await send({ ...wanted, ClientToken: "one" })).toBe("");
      expect((await lab.call("DescribeVolumes")).Volumes).toHaveLength(1);
      expect(await send({ ...wanted, ClientToken: "two" })).toBe("");
      expect((await lab.call("DescribeVolumes")).Volumes).toHaveLength(2);
    });
  });
});

/** Without the keys that stand there as undefined. */
function given(params: Params): Params {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined));
}
