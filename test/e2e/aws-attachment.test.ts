// Volumes on Amazon EBS attached to instances, through the real engine and provider: what a program may declare, in which order
// requests reach EC2, and what the instances have then.

import { AwsLab, AwsProject, describeAws } from "../support/aws";

describeAws("attachments of volumes", () => {
  let lab: AwsLab;
  const project = new AwsProject("attached", () => lab);
  let one: string;
  let two: string;
  const volumes = { "data@silver": { sizeGiB: 10 }, "shared@shared": { sizeGiB: 10 } };
  /** Attachments by name: the volume and the instance. */
  const declare = (attachments: Record<string, readonly [string, string]>) =>
    project.declare(
      volumes,
      `exports.paths = {};
      for (const [name, [volume, host]] of Object.entries(${JSON.stringify(attachments)})) {
        const aws = { deviceName: volume === "data" ? "/dev/sdf" : "/dev/sdg" };
        exports.paths[name] = new VolumeAttachment(name, { volume: volumes[volume], host, aws }).devicePath;
      }`,
    );
  /** What reached EC2 of attachments and volumes, in its order. */
  const order = async () => {
    const names = Object.fromEntries(Object.entries(await project.ids()).map(([name, id]) => [id, name]));
    const instances = { [one]: "one", [two]: "two" };
    return (await lab.requests())
      .filter(({ action }) => /^(Attach|Detach|Delete)Volume$/.test(action))
      .map(({ action, params, error }) => {
        const { VolumeId = "", InstanceId } = params;
        const words = [action, names[VolumeId], InstanceId && instances[InstanceId], error];
        return words.filter(Boolean).join(" ");
      });
  };
  /** The instances that have a volume, with the device's name. */
  const attached = async (name: string) => {
    const { Attachments } = await lab.volume((await project.ids())[name] ?? "");
    return Attachments.map(({ InstanceId, Device }: Record<string, string>) => [InstanceId, Device]).sort();
  };

  beforeAll(async () => {
    lab = await AwsLab.start();
    const run = async () => {
      const params = {
        ImageId: "ami-12c6146b",
        MinCount: 1,
        MaxCount: 1,
        Placement: { AvailabilityZone: "us-east-1a" },
      };
      return (await lab.call("RunInstances", params)).Instances[0].InstanceId as string;
    };
    [one, two] = [await run(), await run()];
    await project.connect({
      aws: { availabilityZone: "us-east-1a" },
      profiles: { shared: { aws: { volumeType: "io2", iops: 500, multiAttach: true } } },
    });
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });

  test("are refused at preview where a volume has one already and its type is for one instance", async () => {
    const before = await lab.changes();
    declare({ first: ["data", one], second: ["data", two] });
    const { code, text } = await project.run(["preview"]);
    for (const told of [
      '"data" is already attached by "first": an EBS volume supports only one instance',
      "multiAttach: true",
    ]) {
      expect([code === 0, text]).toEqual([false, expect.stringContaining(told)]);
    }
    expect(text).not.toMatch(/\n +at /);
    expect(await lab.changes()).toEqual(before);
  });

  test("are made, to several instances with Multi-Attach, leave one before they go to another, and go before their volumes", async () => {
    declare({ data: ["data", one], left: ["shared", one], right: ["shared", two] });
    await project.up();
    expect(await attached("data")).toEqual([[one, "/dev/sdf"]]);
    expect(await attached("shared")).toEqual(
      [
        [one, "/dev/sdg"],
        [two, "/dev/sdg"],
      ].sort(),
    );
    const { paths, ids } = await project.outputs();
    const path = (id: string) => `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${id.replace("-", "")}`;
    expect(paths).toEqual({ data: path(ids.data), left: path(ids.shared), right: path(ids.shared) });
    expect(await project.steps("--refresh")).toEqual([]);

    const before = (await order()).length;
    declare({ data: ["data", two], left: ["shared", one], right: ["shared", two] });
    await project.up();
    expect((await order()).slice(before)).toEqual(["DetachVolume data one", "AttachVolume data two"]);
    expect(await attached("data")).toEqual([[two, "/dev/sdf"]]);

    await project.destroy();
    const done = (await lab.requests()).filter(({ action }) => /^(Detach|Delete)Volume$/.test(action)).slice(1);
    expect(done.filter(({ error }) => error !== null)).toEqual([]);
    for (const [name, detached] of [
      ["data", 1],
      ["shared", 2],
    ] as const) {
      const actions = done.filter(({ params }) => params["VolumeId"] === ids[name]).map(({ action }) => action);
      expect([name, actions]).toEqual([
        name,
        [...Array.from({ length: detached }, () => "DetachVolume"), "DeleteVolume"],
      ]);
    }
    expect(
      (await lab.call("DescribeVolumes")).Volumes.filter(({ VolumeId }: any) => Object.values(ids).includes(VolumeId)),
    ).toEqual([]);
    expect(await project.state()).toEqual({});
  });
});
