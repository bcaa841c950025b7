// The lab and the engine together, without this package: what plain volumes of @pulumi/aws make reach EC2. What is true
// here is what the backend can build upon.

import { AwsLab, AwsProject, describeAws } from "../../support/aws";

describeAws("plain volumes of @pulumi/aws", () => {
  let lab: AwsLab;
  const project = new AwsProject("plain", () => lab);
  const declare = (volumes: Record<string, object>) =>
    project.write(
      "index.js",
      `const { Volume } = require("@pulumi/aws/ebs/volume");
      for (const [name, inputs] of Object.entries(${JSON.stringify(volumes)})) {
        exports[name] = new Volume(name, { availabilityZone: "us-east-1a", size: 10, ...inputs }).id;
      }`,
    );
  const fast = { type: "io1", iops: 300, encrypted: true };

  beforeAll(async () => {
    lab = await AwsLab.start();
    declare({ fast, cheap: { type: "gp2" }, leaving: fast });
    await project.connect();
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });

  test("are created as declared, send what changes, with the old IOPS where a type names none, and show drift to a refresh", async () => {
    await project.up();
    expect(await lab.changes()).toEqual([
      "CreateVolume AvailabilityZone=us-east-1a&Encrypted=true&Iops=300&Size=10&VolumeType=io1",
      "CreateVolume AvailabilityZone=us-east-1a&Encrypted=true&Iops=300&Size=10&VolumeType=io1",
      "CreateVolume AvailabilityZone=us-east-1a&Size=10&VolumeType=gp2",
    ]);
    expect(await project.steps("--refresh")).toEqual([]);

    const { fast: id } = await project.outputs();
    const before = (await lab.requests()).length;
    declare({
      fast: { ...fast, iops: 400 },
      cheap: { type: "gp2", size: 20 },
      leaving: { type: "gp3", encrypted: true },
    });
    expect(await project.steps()).toEqual([
      { op: "update", what: "Volume cheap" },
      { op: "update", what: "Volume fast" },
      { op: "update", what: "Volume leaving" },
    ]);
    const { code, text } = await project.run(["up", "--yes", "--skip-preview", "--continue-on-error"]);
    expect({ code, text }).toMatchObject({ code: 1, text: expect.stringContaining("Volume iops of 300 is too low") });
    const sent = (await lab.requests()).slice(before).filter(({ action }) => action === "ModifyVolume");
    expect(sent.map(({ params: { VolumeId: _, ...rest }, error }) => ({ ...rest, error }))).toEqual(
      expect.arrayContaining([
        { Iops: "400", error: null },
        { Size: "20", error: null },
        { Iops: "300", VolumeType: "gp3", error: "InvalidParameterValue" },
      ]),
    );
    expect(sent).toHaveLength(3);
    expect(await lab.volume(id)).toMatchObject({ Iops: 400, VolumeType: "io1" });

    declare({ fast: { ...fast, iops: 400 } });
    await lab.call("ModifyVolume", { VolumeId: id, Iops: 500 });
    expect(await project.steps("--refresh")).toContainEqual({ op: "update", what: "Volume fast" });
    await project.destroy();
    expect((await lab.call("DescribeVolumes")).Volumes).toEqual([]);
  });
});
