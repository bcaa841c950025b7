// Exactly what volumes and attachments on aws register, by mocks; what is loaded for it, and when. What the provider and EC2 make of it
// is shown with the engine (test/e2e).

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { ProfiledVolume, VolumeAttachment, type ProfiledVolumeArgs } from "../../../../components";
import { explainErrors } from "../../../../components/backends/aws/errors";
import { backends, change, type ResolvedVolume } from "../../../../src";

const VOLUME = "aws:ebs/volume:Volume";
const ZONE = "us-east-1a";
const KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

interface Seen {
  resources: pulumi.runtime.MockResourceArgs[];
  calls: pulumi.runtime.MockCallArgs[];
}

/** Runs a program under mocks, with this config below storage-profiles, and returns what it registered and asked. */
async function run(
  program: () => unknown,
  config: Record<string, unknown> = {},
  { zones = ["us-east-1b", "us-east-1a"], others = {} }: { zones?: string[]; others?: Record<string, string> } = {},
): Promise<Seen> {
  const seen: Seen = { resources: [], calls: [] };
  await pulumi.runtime.setMocks(
    {
      newResource(args) {
        seen.resources.push(args);
        return { id: args.custom === false ? "" : `vol-${args.name}`, state: args.inputs };
      },
      call(args) {
        seen.calls.push(args);
        return { names: zones };
      },
    },
    "project",
    "stack",
    false,
    "organization",
  );
  const all = { backend: "aws", aws: { availabilityZone: ZONE }, ...config };
  const texts = Object.entries(all as Record<string, unknown>).flatMap(([key, value]) =>
    value === undefined
      ? []
      : [[`storage-profiles:${key}`, typeof value === "string" ? value : JSON.stringify(value)] as const],
  );
  pulumi.runtime.setAllConfig({ ...Object.fromEntries(texts), ...others });
  try {
    await program();
  } finally {
    // Registrations go on behind the constructors; a mock answers each in a few turns.
    for (let turn = 0; turn < 60; turn++) await new Promise((done) => setImmediate(done));
  }
  return seen;
}

const child = ({ resources }: Seen) => resources.find(({ type }) => type === VOLUME);
const component = ({ resources }: Seen) => resources.find(({ type }) => type.endsWith(":ProfiledVolume"));
const declared = async (args: ProfiledVolumeArgs, aws: object, config: Record<string, unknown> = {}) =>
  run(() => new ProfiledVolume("data@fast", args), { profiles: { fast: { aws } }, ...config });
const value = <T>(output: pulumi.Output<T>): Promise<T> =>
  new Promise((done) => {
    output.apply(done);
  });

describe("a volume on aws", () => {
  test.each([
    ["gp3", {}, { iops: 3000, throughput: 125 }],
    ["gp3", { iops: 4000, throughputMiBps: { perIops: 0.25 } }, { iops: 4000, throughput: 1000 }],
    ["gp2", {}, {}],
    ["io1", { iops: { perGiB: 30, min: 100 } }, { iops: 6000 }],
    ["io2", { iops: 500 }, { iops: 500 }],
    ["st1", {}, {}],
    ["sc1", {}, {}],
  ])("of %s %j sends the whole set, and nothing that the type hasn't", async (volumeType, section, own) => {
    const seen = await declared({ sizeGiB: 200 }, { volumeType, ...section });
    expect(seen.resources.map(({ type, name }) => `${type} ${name}`)).toEqual([
      "storage-profiles:index:ProfiledVolume data",
      `${VOLUME} data`,
    ]);
    const tags = { Name: "data" };
    expect(child(seen)?.inputs).toEqual({ availabilityZone: ZONE, size: 200, type: volumeType, ...own, tags });
    expect(seen.calls).toEqual([]);
  });

  test("of standard likewise", async () => {
    expect(child(await declared({ sizeGiB: 8 }, { volumeType: "standard" }))?.inputs).toEqual({
      availabilityZone: ZONE,
      size: 8,
      type: "standard",
      tags: { Name: "data" },
    });
  });

  test("sends all that can be said of one", async () => {
    const aws = {
      volumeType: "io2",
      iops: 1000,
      encrypted: true,
      kmsKeyId: KEY,
      multiAttach: true,
      tags: { team: "web" },
    };
    const own = {
      availabilityZone: "us-east-1c",
      outpostArn: "arn:aws:outposts:us-east-1:1:outpost/op-1",
      snapshotId: "snap-1",
      volumeInitializationRate: 200,
      tags: { Name: "mine" },
    };
    const seen = await declared({ sizeGiB: 100, aws: own }, aws);
    expect(child(seen)?.inputs).toEqual({
      ...own,
      size: 100,
      type: "io2",
      iops: 1000,
      encrypted: true,
      kmsKeyId: KEY,
      multiAttachEnabled: true,
      tags: { Name: "mine", team: "web" },
    });
    expect(component(seen)?.inputs["settings"]).toEqual({
      volumeType: "io2",
      iops: 1000,
      throughputMiBps: null,
      encrypted: true,
      kmsKeyId: KEY,
      multiAttach: true,
      ...own,
      tags: { Name: "mine", team: "web" },
    });
  });

  test("takes zone, snapshot, rate and tags from other resources", async () => {
    const aws = {
      availabilityZone: pulumi.output("us-east-1d"),
      snapshotId: Promise.resolve("snap-7"),
      tags: { of: pulumi.output("another") },
    };
    const seen = await declared({ sizeGiB: 10, aws }, { volumeType: "gp2", volumeInitializationRate: 300 });
    expect(child(seen)?.inputs).toEqual({
      availabilityZone: "us-east-1d",
      size: 10,
      type: "gp2",
      snapshotId: "snap-7",
      volumeInitializationRate: 300,
      tags: { Name: "data", of: "another" },
    });
    expect(component(seen)?.inputs["settings"]).toMatchObject({ availabilityZone: "us-east-1d", snapshotId: "snap-7" });
  });

  test("has the tags that hold on every backend, beneath its own, also from other resources", async () => {
    const tags = { team: pulumi.output("shop"), env: "prod", gone: undefined as never };
    for (const each of [tags, pulumi.output(tags)]) {
      const seen = await declared({ sizeGiB: 10, tags: each, aws: { tags: { env: "dev" } } }, { volumeType: "gp2" });
      expect(child(seen)?.inputs["tags"]).toEqual({ Name: "data", team: "shop", env: "dev" });
      expect(component(seen)?.inputs["tags"]).toEqual({ team: "shop", env: "dev" });
    }
  });

  test("has a physicalName as its tag, and an id to import", async () => {
    const seen = await declared({ sizeGiB: 10, physicalName: "prod", import: "vol-1" }, { volumeType: "gp2" });
    expect(child(seen)).toMatchObject({ inputs: { tags: { Name: "prod" } }, id: "vol-1" });
    // What was taken over is in the state: the hook refuses another volume in its place.
    expect(component(seen)?.inputs["import"]).toBe("vol-1");
  });

  test("tells what it has, in the words of the profile", async () => {
    let volume!: ProfiledVolume;
    await run(() => (volume = new ProfiledVolume("data@gold", { sizeGiB: 100 })));
    expect(await value(volume.volumeId)).toBe("vol-data");
    expect(await value(volume.settings)).toMatchObject({
      volumeType: "io1",
      iops: 3000,
      encrypted: true,
      kmsKeyId: null,
    });
    expect(await value(volume.monthlyCost)).toMatchObject({ amount: 207.5, region: "us-east-1" });
    expect(await value(volume.notes)).toEqual([]);
  });
});

describe("the zone", () => {
  test("is the provider's first by name where nobody says one, and the provider is asked once", async () => {
    const program = () => {
      new ProfiledVolume("one@bronze", { sizeGiB: 10 });
      new ProfiledVolume("two@bronze", { sizeGiB: 10 });
      new ProfiledVolume("three@bronze", { sizeGiB: 10, aws: { availabilityZone: "us-east-1c" } });
    };
    // A run of a program is known by its stack.
    const inStack = () =>
      pulumi.runtime.runInPulumiStack(() => {
        program();
        return Promise.resolve(undefined);
      });
    const { resources, calls } = await run(inStack, { aws: undefined });
    const zones = resources.filter(({ type }) => type === VOLUME).map(({ inputs }) => inputs["availabilityZone"]);
    expect(zones.sort()).toEqual(["us-east-1a", "us-east-1a", "us-east-1c"]);
    expect(calls.map(({ token, inputs }) => [token, inputs["filters"]])).toEqual([
      ["aws:index/getAvailabilityZones:getAvailabilityZones", [{ name: "zone-type", values: ["availability-zone"] }]],
    ]);
  });

  test("that the volume says counts before the stack's", async () => {
    const seen = await declared({ sizeGiB: 9, aws: { availabilityZone: "us-east-1f" } }, { volumeType: "gp2" });
    expect(child(seen)?.inputs["availabilityZone"]).toBe("us-east-1f");
  });

  test("that nobody knows is a problem, and no volume is made", async () => {
    const seen = await run(() => new ProfiledVolume("data@bronze", { sizeGiB: 9 }), { aws: undefined }, { zones: [] });
    expect(component(seen)?.inputs["problems"]).toEqual([
      expect.objectContaining({
        code: "setting-required",
        path: "storage-profiles:aws.availabilityZone",
        fix: "add `availabilityZone: us-east-1a`, or set `aws: { availabilityZone }` on the volume",
      }),
    ]);
  });

  test("gives the region of the price; else the provider's config does", async () => {
    const regionOf = async (aws: object | undefined, others: Record<string, string>) => {
      let volume!: ProfiledVolume;
      await run(() => (volume = new ProfiledVolume("data@bronze", { sizeGiB: 10 })), { aws }, { zones: [], others });
      return (await value(volume.monthlyCost))?.region;
    };
    expect(await regionOf({ availabilityZone: "us-east-1a" }, { "aws:region": "eu-west-1" })).toBe("us-east-1");
  });
});

test("what a program leaves undefined doesn't count before the stack's config", async () => {
  const args = { sizeGiB: 5, aws: { availabilityZone: undefined, tags: undefined } };
  const { resources } = await run(() => new ProfiledVolume("data@bronze", args));
  expect(resources.find(({ type }) => type === VOLUME)?.inputs).toMatchObject({
    availabilityZone: ZONE,
    tags: { Name: "data" },
  });
});

describe("what is wrong", () => {
  const failing = async (program: () => unknown, config: Record<string, unknown> = {}) => {
    const error: unknown = await run(program, config).catch((thrown: unknown) => thrown);
    expect(pulumi.RunError.isInstance(error)).toBe(true);
    return (error as Error).message;
  };

  test("of a volume is told all at once, with its place in program and config", async () => {
    const profiles = { fast: { aws: { volumeType: "gp2", iops: 3000, multiAttach: true } } };
    const args = { sizeGiB: 20000, aws: { snapshotID: "snap-1", tags: { "aws:x": "y" } } } as ProfiledVolumeArgs;
    const text = await failing(() => new ProfiledVolume("data@fast", args), { profiles });
    expect(text).toContain('aws.snapshotID: unknown key "snapshotID" [unknown-key]');
    expect(text).toContain('did you mean "snapshotId"?');
    expect(text).toContain('aws.tags["aws:x"]: tag keys that begin with `aws:` are reserved for AWS');
  });

  test("is told before a snapshot is known, where the snapshot doesn't matter", async () => {
    const args = { sizeGiB: 5, aws: { snapshotId: pulumi.output("snap-1") } };
    const profiles = { fast: { aws: { volumeType: "io1", iops: 300, volumeInitializationRate: 200 } } };
    const text = await failing(() => new ProfiledVolume("data@fast", args), { profiles });
    expect(text).toContain("data: 1 problem");
    expect(text).toContain("[iops-beyond-limit]");
  });

  test("of a volume in the stack's config has its place there", async () => {
    const volumes = { data: { sizeGiB: 10, aws: { volumeInitializationRate: 200 } } };
    expect(await failing(() => new ProfiledVolume("x", { sizeGiB: 1 }), { volumes })).toContain(
      "storage-profiles:volumes.data.aws.volumeInitializationRate",
    );
  });

  test("is a secret in what is shown and kept as plain text", async () => {
    const args = { sizeGiB: 5, aws: { tags: { token: pulumi.secret("s3cret") } } };
    const { resources } = await run(() => new ProfiledVolume("data@bronze", args));
    expect(JSON.stringify(resources)).not.toContain("s3cret");
    const [component] = resources;
    expect(component?.inputs).toMatchObject({ problems: [{ code: "setting-not-applicable", path: "aws" }] });
  });

  test("is a tag that is a secret, that isn't text, or that is reserved", async () => {
    const of = async (tags: object) => {
      const { resources } = await run(() => new ProfiledVolume("data@bronze", { sizeGiB: 5, tags: tags as never }));
      expect(JSON.stringify(resources)).not.toContain("s3cret");
      return (resources[0]?.inputs as { problems: { code: string; path: string }[] }).problems.map(
        ({ code, path }) => `${code} ${path}`,
      );
    };
    expect(await of({ token: pulumi.secret("s3cret") })).toEqual(["setting-not-applicable tags"]);
    expect(await of({ late: pulumi.output(5) })).toEqual(["wrong-type tags.late"]);
    expect(await of({ late: pulumi.output("x"), "aws:x": "y" })).toEqual(['value-invalid tags["aws:x"]']);
    expect(await failing(() => new ProfiledVolume("x", { sizeGiB: 1, tags: ["a"] as never }))).toContain(
      "tags: expected an object, got a list",
    );
  });

  test("of the arguments is no stack trace", async () => {
    expect(await failing(() => new ProfiledVolume("x", { sizeGiB: 1, aws: 5 as never }))).toContain(
      "aws: expected an object, got a number (5)",
    );
  });

  test.each([
    ["availabilityZone", "us-east-1b"],
    ["encrypted", true],
    ["kmsKeyId", KEY],
    ["multiAttachEnabled", true],
    ["outpostArn", "arn:x"],
    ["snapshotId", "snap-1"],
    ["volumeInitializationRate", 100],
  ])("a transform of %s, which would replace the volume, is refused", async (key, given) => {
    // By a new object, or in place.
    const other = { aws: (args: object) => ({ args: { ...args, [key]: given } as never }) };
    const same = { aws: (args: object) => ({ args: Object.assign(args, { [key]: given }) as never }) };
    for (const transform of [other, same]) {
      const text = await failing(() => new ProfiledVolume("data@bronze", { sizeGiB: 9, transform }).urn, {
        profiles: { bronze: { aws: { volumeType: "gp2" } } },
      });
      expect(text).toContain(`transform.aws.args.${key}`);
    }
  });

  test("a transform of what may change is used", async () => {
    const seen = await run(
      () =>
        new ProfiledVolume("data@bronze", {
          sizeGiB: 9,
          transform: { aws: (args) => ({ args: { ...args, finalSnapshot: true, size: 99 } }) },
        }),
    );
    expect(child(seen)?.inputs).toMatchObject({ finalSnapshot: true, size: 99 });
  });
});

describe("what the volume's resource has, read for the hook", () => {
  const gp2 = {
    size: 100,
    type: "gp2",
    availabilityZone: ZONE,
    encrypted: false,
    iops: 300,
    throughput: 0,
    snapshotId: "",
  };
  const outputs = {
    ...gp2,
    kmsKeyId: "",
    outpostArn: "",
    multiAttachEnabled: false,
    tags: { Name: "data", __defaults: [] },
  };
  const judge = (has: Record<string, unknown>, inputs: Record<string, unknown>) => {
    const volume = (properties: Record<string, unknown>) =>
      ({
        name: "data",
        profile: "",
        revision: "",
        backend: "aws",
        ...backends.aws.recorded.read(properties, has),
      }) as ResolvedVolume;
    return change(volume(has), volume(inputs));
  };
  const inputs = { size: 100, type: "gp2", availabilityZone: ZONE, tags: { Name: "data" } };

  test("is the same as what it was made from", () => {
    expect(judge(outputs, inputs)).toEqual({ verdict: "none", problems: [], notes: [] });
    expect(backends.aws.recorded.read(outputs)).toEqual({
      sizeGiB: 100,
      settings: {
        volumeType: "gp2",
        iops: null,
        throughputMiBps: null,
        encrypted: false,
        kmsKeyId: null,
        multiAttach: false,
        availabilityZone: ZONE,
        outpostArn: null,
        snapshotId: null,
        volumeInitializationRate: null,
        tags: { Name: "data" },
      },
    });
  });

  test("leaves to the provider what inputs leave to it: the account's key, the snapshot that was forgotten", () => {
    const has = { ...outputs, encrypted: true, kmsKeyId: KEY, snapshotId: "snap-1" };
    expect(judge(has, { ...inputs, encrypted: true }).verdict).toBe("none");
  });

  test.each([
    ["a shrink", outputs, { ...inputs, size: 50 }, ["change-shrinks"]],
    ["another zone", outputs, { ...inputs, availabilityZone: "us-east-1b" }, ["change-not-possible"]],
    ["encryption", outputs, { ...inputs, encrypted: true }, ["change-not-possible"]],
    ["no encryption", { ...outputs, encrypted: true }, inputs, ["change-not-possible"]],
    [
      "a key",
      { ...outputs, encrypted: true, kmsKeyId: "arn:x" },
      { ...inputs, encrypted: true, kmsKeyId: KEY },
      ["change-not-possible"],
    ],
    ["a snapshot", outputs, { ...inputs, snapshotId: "snap-2" }, ["change-not-possible"]],
    ["multi-attach", outputs, { ...inputs, multiAttachEnabled: true }, ["change-not-possible"]],
    ["an Outpost", outputs, { ...inputs, outpostArn: "arn:x" }, ["change-not-possible"]],
    ["no Outpost", { ...outputs, outpostArn: "arn:x" }, inputs, ["change-not-possible"]],
    ["a rate", outputs, { ...inputs, volumeInitializationRate: 100 }, ["change-not-possible"]],
    ["a type with more of all", outputs, { ...inputs, type: "gp3", size: 200, iops: 3000, throughput: 125 }, []],
  ])("lets %s be judged", (_, has, to, codes) => {
    const { verdict, problems } = judge(has, to);
    expect(problems.map(({ code }) => code)).toEqual(codes);
    expect(verdict).toBe(codes.length > 0 ? "refused" : "in-place");
  });

  test("is nothing while the resource is not known", () => {
    expect(backends.aws.recorded.read({})).toEqual({});
    expect(backends.aws.recorded.read({ size: pulumi.unknown, type: "gp2" })).toEqual({});
  });
});

describe("an error of a modification", () => {
  test.each([
    [
      "operation error EC2: ModifyVolume, api error VolumeModificationRateExceeded: You've reached the maximum modification rate",
      "it was already modified four times in the last 24 hours",
    ],
    [
      "modifying EBS Volume (vol-1): IncorrectModificationState: Cannot modify volume in modification state OPTIMIZING",
      "its last modification isn't completed",
    ],
  ])("%s is explained, with what to do", (error, reason) => {
    const text = explainErrors("data", "vol-1", [error]);
    expect(text).toContain(`EC2 doesn't accept another modification of vol-1 yet: ${reason} [modification-too-early]`);
    expect(text).toContain("aws ec2 describe-volumes-modifications --volume-ids vol-1");
  });

  test.each([
    [
      'creating EBS Volume: operation error EC2: CreateVolume, exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , request send failed, Post "https://ec2.us-east-1.amazonaws.com/": EOF',
      true,
    ],
    ["operation error EC2: CreateVolume, https response error StatusCode: 503, api error Unavailable: try again", true],
    ["waiting for EBS Volume (vol-1) create: timeout while waiting for state to become 'available'", true],
    [
      "operation error EC2: CreateVolume, https response error StatusCode: 400, api error VolumeLimitExceeded: no",
      false,
    ],
    ["operation error EC2: ModifyVolume, request send failed: EOF", false],
  ])("%s: a volume that no state has: %s", (error, isLeft) => {
    const text = explainErrors("data", "", [error]);
    if (isLeft) expect(text).toContain("Values=data Name=status");
    else expect(text).toBeUndefined();
  });

  test("that is another one is left to itself", () => {
    expect(explainErrors("data", "vol-1", ["UnauthorizedOperation"])).toBeUndefined();
  });
});

describe("an attachment", () => {
  const ATTACHMENT = "aws:ec2/volumeAttachment:VolumeAttachment";
  const aws = { deviceName: "/dev/sdf" };
  const attachments = ({ resources }: Seen) => resources.filter(({ type }) => /Attachment|Mapping/.test(type));

  test("on aws is one of EC2's, below a component of its name", async () => {
    let attachment!: VolumeAttachment;
    const seen = await run(() => {
      const volume = new ProfiledVolume("data@gold", { sizeGiB: 100 });
      attachment = new VolumeAttachment("data-on-web", { volume, host: pulumi.output("i-1"), aws });
    });
    expect(attachments(seen).map(({ type, name, inputs }) => [type, name, inputs])).toEqual([
      ["storage-profiles:index:VolumeAttachment", "data-on-web", { host: "i-1", deviceName: "/dev/sdf" }],
      [ATTACHMENT, "data-on-web", { volumeId: "vol-data", instanceId: "i-1", deviceName: "/dev/sdf" }],
    ]);
    expect(await value(attachment.devicePath)).toBe("/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_voldata");
  });

  test("on scaleio is a mapping with the volume's limits; options for other backends don't matter", async () => {
    const scaleio = { protectionDomain: "d", storagePool: "p" };
    const seen = await run(
      () => {
        const volume = new ProfiledVolume("data@gold", { sizeGiB: 104 });
        new VolumeAttachment("data-on-node", {
          volume,
          host: "node1",
          aws,
          scaleio: { accessMode: "ReadOnly" },
        });
      },
      { backend: "scaleio", scaleio },
    );
    expect(attachments(seen).map(({ type, name }) => `${type} ${name}`)).toEqual([
      "storage-profiles:index:VolumeAttachment data-on-node",
      "pulumi-nodejs:dynamic/storage-profiles:VolumeMapping data-on-node",
    ]);
    expect(attachments(seen)[1]?.inputs).toMatchObject({
      volumeId: "vol-data",
      sdc: "node1",
      iopsLimit: 10000,
      accessMode: "ReadOnly",
    });
  });

  test("of a volume that the program doesn't declare is made by its id, on aws and on scaleio with its settings", async () => {
    const seen = await run(() => {
      const volume = { backend: "aws", volumeId: pulumi.output("vol-elsewhere") } as const;
      new VolumeAttachment("elsewhere-on-web", { volume, host: "i-1", aws });
      const settings = pulumi.output({ iopsLimit: 500, bandwidthLimitKBps: 10_240 });
      const onArray = { backend: "scaleio", volumeId: "95a2a0530000004a", settings } as const;
      new VolumeAttachment("array-on-node", { volume: onArray, host: "node1" });
    });
    const made = attachments(seen).map(({ type, inputs }) => [type.split(":").at(-1), inputs] as const);
    expect(made.filter(([type]) => type === "VolumeAttachment").map(([, inputs]) => inputs)).toEqual(
      expect.arrayContaining([
        { host: "i-1", volumeId: "vol-elsewhere", deviceName: "/dev/sdf" },
        { instanceId: "i-1", volumeId: "vol-elsewhere", deviceName: "/dev/sdf" },
        { host: "node1", volumeId: "95a2a0530000004a" },
      ]),
    );
    const limits = { iopsLimit: 500, bandwidthLimitKBps: 10_240 };
    expect(made.find(([type]) => type === "VolumeMapping")?.[1]).toMatchObject({
      ...{ sdc: "node1", volumeId: "95a2a0530000004a", ...limits },
    });
  });

  const twice = (section: object, profile: pulumi.Input<string> = "shared", pins?: object) =>
    run(
      () => {
        const volume = new ProfiledVolume("data", { profile, sizeGiB: 100 });
        for (const name of ["one", "two"]) new VolumeAttachment(name, { volume, host: `i-${name}`, aws });
      },
      { profiles: { shared: { aws: { volumeType: "io2", iops: 100, ...section } } }, pins },
    );

  test.each(["shared", pulumi.output("shared")])(
    "to a second host is made where the profile has multiAttach",
    async (profile) => {
      const seen = await twice({ multiAttach: true }, profile);
      const hosts = attachments(seen).flatMap(({ type, inputs }) =>
        type === ATTACHMENT ? [inputs["instanceId"]] : [],
      );
      expect(hosts).toEqual(["i-one", "i-two"]);
    },
  );

  test("to a second host is refused else, while the program runs", async () => {
    await expect(twice({})).rejects.toThrow('two: 1 problem\n  - volume: "data" is already attached by "one"');
    // A pinned volume has what is pinned, whatever the profile says by now.
    const pinned = (section: object) => ({ "data@shared": { aws: { volumeType: "io2", iops: 100, ...section } } });
    await expect(twice({ multiAttach: true }, "shared", pinned({}))).rejects.toThrow("already attached");
    expect(attachments(await twice({}, "shared", pinned({ multiAttach: true }))).length).toBeGreaterThan(0);
  });

  test.each([
    ["no arguments", () => new VolumeAttachment("a", undefined as never), ['"host" is missing', '"volume" is missing']],
    [
      "other arguments",
      () => new VolumeAttachment("a", { volume: {}, host: 5, hosts: 1, aws: { devicename: "x" } } as never),
      [
        "a: 4 problems",
        'did you mean "host"?',
        'did you mean "deviceName"?',
        "host: expected text, got a number (5)",
        "volume: expected a ProfiledVolume, or { backend, volumeId }, got another object",
      ],
    ],
    [
      "a volume that nothing says enough of",
      () => new VolumeAttachment("a", { volume: { backend: "asw", id: "vol-1" } as never, host: "i-1" }),
      ["a: 3 problems", 'did you mean "aws"?', 'volume.id: unknown key "id"', '"volumeId" is missing'],
    ],
    [
      "a volume by its id, and no device name",
      () => new VolumeAttachment("a", { volume: { backend: "aws", volumeId: "vol-1" }, host: "i-1" }),
      ['"deviceName" is missing'],
    ],
    [
      "a local volume by its id",
      () => new VolumeAttachment("a", { volume: { backend: "local", volumeId: "/v" }, host: "here" }),
      ["volumes on local are mounted on this machine"],
    ],
    [
      "no device name",
      () => new VolumeAttachment("a", { volume: new ProfiledVolume("v", { sizeGiB: 1 }), host: "i-1" }),
      ['"deviceName" is missing', 'aws: { deviceName: "/dev/sdf" }'],
    ],
    [
      "a local volume",
      () =>
        new VolumeAttachment("a", { volume: new ProfiledVolume("v", { sizeGiB: 1, backend: "local" }), host: "here" }),
      ["volumes on local are mounted on this machine", "use the volume's `mountPath`"],
    ],
    [
      "an access mode that is none",
      () => {
        const volume = new ProfiledVolume("v", { sizeGiB: 8, backend: "scaleio" });
        return new VolumeAttachment("a", { volume, host: "h", scaleio: { accessMode: "Write" as never } });
      },
      ['"Write" is not allowed', "ReadWrite, ReadOnly, NoAccess"],
    ],
  ])("with %s is told all that is wrong, without a stack", async (_, program, texts) => {
    const scaleio = { protectionDomain: "d", storagePool: "p" };
    const error: unknown = await run(program, { local: { mode: "directory" }, scaleio }).catch((each: unknown) => each);
    expect(pulumi.RunError.isInstance(error)).toBe(true);
    for (const text of texts) expect((error as Error).message).toContain(text);
  });
});

// In processes of their own: what this one has loaded says nothing.
describe("@pulumi/aws", () => {
  const root = resolve(__dirname, "../../../..");
  const directory = mkdtempSync(join(tmpdir(), "sp-lazy-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** Runs a program on the compiled package under mocks; tells which files of @pulumi/aws it has loaded, and how long that took. */
  const loadedBy = (
    program: string,
    config: Record<string, unknown>,
    hide = false,
    call = '({ names: ["us-east-1a"] })',
  ) => {
    const file = join(directory, "program.js");
    writeFileSync(
      file,
      `const pulumi = require(${JSON.stringify(join(root, "node_modules/@pulumi/pulumi"))});
       const Module = require("module");
       if (${hide}) {
         const load = Module._resolveFilename;
         Module._resolveFilename = function (request, ...rest) {
           if (!request.startsWith("@pulumi/aws")) return load.call(this, request, ...rest);
           throw Object.assign(new Error("Cannot find module '" + request + "'"), { code: "MODULE_NOT_FOUND" });
         };
       }
       const mocks = { newResource: ({ name, inputs }) => ({ id: "vol-" + name, state: inputs }), call: () => ${call} };
       (async () => {
         await pulumi.runtime.setMocks(mocks, "project", "stack", false, "organization");
         const config = ${JSON.stringify(config)};
         pulumi.runtime.setAllConfig(Object.fromEntries(Object.entries(config).map(([key, value]) =>
           ["storage-profiles:" + key, typeof value === "string" ? value : JSON.stringify(value)])));
         const { ProfiledVolume, VolumeAttachment } = require(${JSON.stringify(join(root, "dist/components"))});
         let error;
         // As the SDK's own runner tells them: with their stack, unless they are meant for users.
         process.on("unhandledRejection", (thrown) => (error = pulumi.RunError.isInstance(thrown) ? thrown.message : thrown.stack));
         try { ${program} } catch (thrown) { error = thrown.message; }
         for (let turn = 0; turn < 60; turn++) await new Promise((done) => setImmediate(done));
         const files = Object.keys(require.cache).filter((file) => file.endsWith(".js"));
         const loaded = files.flatMap((file) => file.split("/@pulumi/aws/")[1] ?? []);
         console.log(JSON.stringify({ loaded: loaded.sort(), error }));
       })();`,
    );
    return JSON.parse(execFileSync(process.execPath, [file], { encoding: "utf8" })) as {
      loaded: string[];
      error?: string;
    };
  };
  const volume = 'const volume = new ProfiledVolume("data@gold", { sizeGiB: 8 });';
  const scaleio = { protectionDomain: "d", storagePool: "p" };

  test("is not loaded by a stack on another backend", () => {
    const local = { mode: "directory", stateDirectory: directory };
    expect(loadedBy(volume, { backend: "local", local })).toEqual({ loaded: [] });
    const attached = `${volume} new VolumeAttachment("a", { volume, host: "node1" });`;
    expect(loadedBy(attached, { backend: "scaleio", scaleio })).toEqual({ loaded: [] });
  });

  test("is loaded on aws only as far as it is used", () => {
    const zone = { availabilityZone: "us-east-1a" };
    expect(loadedBy(volume, { backend: "aws", aws: zone })).toEqual({ loaded: ["ebs/volume.js", "utilities.js"] });
    expect(loadedBy(volume, { backend: "aws" }).loaded).toEqual([
      "ebs/volume.js",
      "getAvailabilityZones.js",
      "utilities.js",
    ]);
    const attached = `${volume} new VolumeAttachment("a", { volume, host: "i-1", aws: { deviceName: "/dev/sdf" } });`;
    expect(loadedBy(attached, { backend: "aws", aws: zone }).loaded).toEqual([
      "ebs/volume.js",
      "ec2/volumeAttachment.js",
      "utilities.js",
    ]);
  });

  test("that can't tell the zones has its own words told, without a stack", () => {
    const refused = 'Promise.reject(Object.assign(new Error("refused"), { details: "no permission" }))';
    const { error } = loadedBy(volume, { backend: "aws" }, false, refused);
    expect(error).toContain("no permission");
    expect(error).not.toMatch(/\n +at /);
  });

  test("that is missing is told with what to do", () => {
    const { error } = loadedBy(volume, { backend: "aws", aws: { availabilityZone: "us-east-1a" } }, true);
    expect(error).toContain("npm install @pulumi/aws@7");
  });
});
