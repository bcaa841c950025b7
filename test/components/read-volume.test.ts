// What reading a volume registers on each backend, by mocks, and what is refused. What backends answer is shown with the engine (test/e2e/read).

import * as pulumi from "@pulumi/pulumi";

import { ProfiledVolume, ReadVolume, VolumeAttachment, type BackendName } from "../../components";
import { volumeBackend } from "../../components/backends/registry";
import { backendNames } from "../../src";

const READ = "storage-profiles:index:ReadVolume";

const has: Record<string, object> = {
  aws: {
    size: 100,
    type: "gp3",
    iops: 3000,
    throughput: 125,
    tags: { Name: "theirs" },
    availabilityZone: "us-east-1a",
  },
  openstack: {
    ...{ size: 100, volumeType: "gold", availabilityZone: "nova", snapshotId: "", imageId: "", sourceVolId: "" },
    ...{ description: "", metadata: { team: "shop", "storage-profiles.stack": "theirs" } },
  },
  kubernetes: {
    metadata: { name: "data", namespace: "shop", labels: { team: "shop" } },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: "class",
      resources: { requests: { storage: "100Gi" } },
      volumeName: "pv-1",
    },
  },
};

async function run(
  program: () => unknown,
  config: Record<string, string> = {},
): Promise<(pulumi.runtime.MockResourceArgs & { parent?: string })[]> {
  const seen: pulumi.runtime.MockResourceArgs[] = [];
  await pulumi.runtime.setMocks({
    newResource(args) {
      seen.push(args);
      const [backend = ""] = args.name.split("-");
      const state = has[backend] ?? { sizeGiB: 100, settings: { iopsLimit: 5 }, mountPath: "/data" };
      return { id: args.custom === false ? "" : (args.id ?? ""), state: args.id ? state : args.inputs };
    },
    call: () => ({}),
  });
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`storage-profiles:${key}`, value])),
  );
  try {
    await program();
  } finally {
    for (let turn = 0; turn < 80; turn++) await new Promise((done) => setImmediate(done));
  }
  return seen;
}

class Provider extends pulumi.ProviderResource {}

const value = <T>(output: pulumi.Output<T>): Promise<T> =>
  new Promise((done) => {
    output.apply(done);
  });

const ID = "id-of-theirs";
// A claim's id has its namespace.
const idOn = (backend: BackendName) => (backend === "kubernetes" ? "shop/data" : ID);

test.each([...backendNames])(
  "a volume on %s is read by its id, and never registered as one of the stack's",
  async (backend) => {
    let read: ReadVolume | undefined;
    const seen = await run(() => {
      read = ProfiledVolume.get(`${backend}-read`, pulumi.output(idOn(backend)), { backend });
    });
    if (!read) throw new Error("nothing was read");
    expect([read instanceof ReadVolume, (read as unknown) instanceof ProfiledVolume]).toEqual([true, false]);
    expect(await value(read.volumeId)).toBe(idOn(backend));
    expect(await value(read.sizeGiB)).toBe(100);
    expect(seen.map(({ type, id }) => [type === READ, id ?? ""])).toEqual([
      [true, ""],
      [false, idOn(backend)],
    ]);
  },
);

test("settings are those that the backend tells, without our marks", async () => {
  const settings: Record<string, object> = {};
  await run(async () => {
    for (const backend of ["aws", "openstack", "kubernetes", "local"] as const)
      settings[backend] = await value(ProfiledVolume.get(`${backend}-read`, idOn(backend), { backend }).settings);
  });
  expect(settings).toMatchObject({
    aws: { volumeType: "gp3", iops: 3000, throughputMiBps: 125, encrypted: false, tags: { Name: "theirs" } },
    openstack: { volumeType: "gold", snapshotId: null, sourceVolumeId: null, metadata: { team: "shop" } },
    kubernetes: { namespace: "shop", storageClass: "class", labels: { team: "shop" } },
    local: { iopsLimit: 5 },
  });
  expect(settings["openstack"]).not.toHaveProperty(["metadata", "storage-profiles.stack"]);
});

// A component's outputs would fail with it, beside the test.
test("a claim without a readable size is refused, and without a stack that the SDK would format", async () => {
  await run(() => undefined);
  const { kubernetes } = has;
  has["kubernetes"] = { ...kubernetes, spec: { accessModes: ["ReadWriteOnce"] } };
  const read = volumeBackend("kubernetes").read!({ name: "kubernetes-read", id: "shop/data", opts: {} });
  const { promise, isKnown, isSecret } = read.sizeGiB as unknown as Record<"isKnown" | "isSecret", Promise<boolean>> & {
    promise: () => Promise<number>;
  };
  // Nobody else awaits these.
  for (const each of [isKnown, isSecret]) each.catch(() => undefined);
  await expect(promise.call(read.sizeGiB)).rejects.toMatchObject({
    message: "kubernetes-read: the claim has no readable size in spec.resources.requests.storage",
    stack: "",
  });
  has["kubernetes"] = kubernetes!;
});

test("the stack's backend is the default, and an explicit provider is used", async () => {
  const seen = await run(
    () => {
      const provider = new Provider("aws", "elsewhere", {});
      ProfiledVolume.get("aws-read", "vol-1", { provider });
    },
    { backend: "aws" },
  );
  const [volume] = seen.filter(({ type }) => type === "aws:ebs/volume:Volume");
  expect([volume?.id, volume?.provider]).toEqual(["vol-1", expect.stringContaining("elsewhere")]);
});

test("one that is read can be attached: by its id, and without limits that nobody knows", async () => {
  const seen = await run(() => {
    const volume = ProfiledVolume.get("aws-read", "vol-1", { backend: "aws" });
    new VolumeAttachment("web", { volume, host: "i-1", aws: { deviceName: "/dev/sdf" } });
  });
  const [attachment] = seen.filter(({ type }) => type === "aws:ec2/volumeAttachment:VolumeAttachment");
  expect(attachment?.inputs).toMatchObject({ volumeId: "vol-1", instanceId: "i-1", deviceName: "/dev/sdf" });
});

test.each<[string, () => unknown, string[]]>([
  ["a profile", () => ProfiledVolume.get("data@gold", ID, { backend: "aws" }), ['volume name contains "@"']],
  ["no id", () => ProfiledVolume.get("data", "", { backend: "aws" }), ['"id" is missing']],
  ["an id of another type", () => ProfiledVolume.get("data", 5 as never, { backend: "aws" }), ["id: expected text"]],
  ["no backend", () => ProfiledVolume.get("data", ID), ["no backend selected"]],
  ["another backend", () => ProfiledVolume.get("data", ID, { backend: "asw" as never }), ['did you mean "aws"?']],
  [
    "an option without effect",
    () => ProfiledVolume.get("data", ID, { backend: "aws", ignoreChanges: ["size"] }),
    ["opts.ignoreChanges"],
  ],
])("%s is a problem of the arguments", async (_, program, messages) => {
  const error: unknown = await run(program).catch((thrown: unknown) => thrown);
  expect(pulumi.RunError.isInstance(error)).toBe(true);
  for (const message of messages) expect((error as Error).message).toContain(message);
});

test.each<[string, object, string[]]>([
  [
    "a volume that is an output",
    { volume: pulumi.output({ backend: "aws", volumeId: "vol-1" }) },
    [
      "volume: expected a ProfiledVolume, or { backend, volumeId }, got an output",
      "how a volume is attached depends on it",
    ],
  ],
  [
    "a backend that is an output",
    { volume: { backend: pulumi.output("aws"), volumeId: "vol-1" } },
    ["volume.backend: expected text, got an output", "write its name"],
  ],
])("an attachment of %s says what has to be known while the program runs", async (_, args, messages) => {
  const error: unknown = await run(() => new VolumeAttachment("a", { host: "i-1", ...args } as never)).catch(
    (thrown: unknown) => thrown,
  );
  for (const message of messages) expect((error as Error).message).toContain(message);
});
