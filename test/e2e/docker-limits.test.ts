// A container is held to the limits of its volume's profile: measured, so that this file has the machine to itself.

import { dockerReason } from "../labs/docker/lab.js";
import { DockerLab } from "../support/docker";
import { describeIf, limitsReason, loopReason } from "../support/machine";
import { expectLimited, expectRaised, rateOf, timedWrites } from "../support/rate";

const reason = loopReason() ?? dockerReason() ?? limitsReason();

describeIf(reason === undefined, "the limits of a container's volume", reason, () => {
  const lab = new DockerLab();
  beforeAll(async () => {
    await lab.start({
      profiles: {
        slow: { local: { iops: 100 } },
        fast: { local: { iops: 400 } },
        narrow: { local: { throughputMiBps: 2 } },
        free: { local: {} },
      },
      docker: { defaultSize: "1GiB" },
      volumes: Object.fromEntries(["slow", "narrow", "free"].map((name) => [name, { profile: name, sizeGiB: 1 }])),
    });
    await lab.project.up();
    await lab.startPlugin();
  });
  afterEach(() => lab.removeContainers());
  afterAll(() => lab.stop());

  test("hold from its first write on, also after a change of profile while it runs", async () => {
    const rate = async (volume: string, writes: number) =>
      rateOf(await lab.run(`${volume}:/data`, timedWrites(writes)), writes);
    const [slow, narrow, unlimited] = await Promise.all([
      rate("slow", 200),
      rate("narrow", 1_024),
      rate("free", 4_000),
    ]);
    expectLimited("100 IOPS", { limit: 100, limited: slow, unlimited });
    expectLimited("2 MiB/s, in writes of 4 KiB", { limit: 512, limited: narrow, unlimited });

    const container = await lab.detached("slow:/data");
    const measured = async (writes: number) => rateOf(await lab.exec(container, timedWrites(writes)), writes);
    expect(await lab.limitsOf(container)).toMatch(/\b100$/m);
    const before = { limit: 100, limited: await measured(200), unlimited };
    expectLimited("100 IOPS in a container that runs", before);
    // The command that the plugin names where another profile is asked for.
    const applied = await lab.project.command("storage-profiles", ["apply", "slow@fast", "--yes"]);
    expect([applied.code, applied.text]).toEqual([0, expect.anything()]);
    expect(await lab.limitsOf(container)).toMatch(/\b400$/m);
    expectRaised("400 IOPS instead of 100", before, { limit: 400, limited: await measured(800), unlimited });
    const inspected = JSON.parse((await lab.docker("volume", "inspect", "slow")).out) as { Status: object }[];
    expect(inspected[0]?.Status).toMatchObject({ profile: "fast", status: "compliant" });
  });
});
