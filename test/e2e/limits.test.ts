// Limits that hold: a process under the limits of a volume that `pulumi up` made, by the command that users have.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { Project } from "../support/engine";
import { describeIf, ioLimitsOf, limitsReason, loopReason } from "../support/machine";
import { expectLimited, expectRaised, rateOf, timedWrites } from "../support/rate";

const cli = resolve(__dirname, "../../dist/components/backends/local/cli.js");

/** The rate of a shell's writes to a volume, under the volume's limits. */
function rateUnderLimits(volume: string, writes: number): number {
  const script = timedWrites(writes, join(volume, "mount/file"));
  return rateOf(
    execFileSync(process.execPath, [cli, "run", volume, "--", "sh", "-c", script], { encoding: "utf8" }),
    writes,
  );
}

const reason = loopReason() ?? limitsReason();
describeIf(reason === undefined, "limits of a volume", reason, () => {
  const project = new Project("limits", "");
  const declare = (iops: number) => {
    project.config({ profiles: { slow: { local: { iops } }, free: { local: {} } }, deletionProtection: false });
    project.program(`
      for (const profile of ["slow", "free"]) exports[profile] = new ProfiledVolume(profile + "@" + profile, { sizeGiB: 1 }).volumeId;
    `);
  };
  beforeAll(async () => {
    declare(100);
    await project.init();
    await project.up();
  });
  afterAll(() => project.dispose());

  test("hold for a command that runs under them; without a limit it writes far more", async () => {
    const { slow, free } = await project.outputs();
    const [limited, unlimited] = [rateUnderLimits(slow, 250), rateUnderLimits(free, 2_500)];
    expectLimited("100 IOPS", { limit: 100, limited, unlimited });
  });

  test("follow a change of profile while a process runs under them", async () => {
    const { slow, free } = await project.outputs();
    const script = timedWrites("$count", join(slow, "mount/file"));
    const shell = spawn("sh", ["-c", `while read count; do ${script}; done`], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface(shell.stdout);
    const ended = once(shell, "close");
    const rate = async (writes: number) => {
      const line = once(lines, "line") as Promise<[string]>;
      shell.stdin.write(`${writes}\n`);
      return rateOf((await line)[0], writes);
    };
    try {
      execFileSync(process.execPath, [cli, "limit", String(shell.pid), slow]);
      const unlimited = rateUnderLimits(free, 2_500);
      expect(ioLimitsOf(shell.pid!)).toMatch(/\b100$/m);
      const before = { limit: 100, limited: await rate(200), unlimited };
      expectLimited("100 IOPS", before);
      declare(400);
      await project.up();
      expect(ioLimitsOf(shell.pid!)).toMatch(/\b400$/m);
      expectRaised("400 IOPS instead of 100", before, { limit: 400, limited: await rate(800), unlimited });
    } finally {
      shell.kill("SIGKILL");
      await ended;
    }
  });

  test("are gone with the process and the volume", async () => {
    project.program("");
    await project.up();
    expect(existsSync("/sys/fs/cgroup/blkio/storage-profiles")).toBe(false);
  });
});
