// Limits that hold: a process under the limits of a volume that `pulumi up` made, by the command that users have.

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

import { Project } from "../support/engine";
import { describeIf, limitsReason, loopReason } from "../support/machine";

jest.setTimeout(300_000);

const cli = resolve(__dirname, "../../dist/components/local/cli.js");

/** Direct writes a second of 4 KiB by dd, in a process that was started under these limits (or none). */
function writesPerSecond(prefix: string[], file: string, writes: number): number {
  const started = process.hrtime.bigint();
  const command = [
    ...prefix,
    "dd",
    "if=/dev/zero",
    `of=${file}`,
    "bs=4k",
    `count=${writes}`,
    "oflag=direct",
    "conv=notrunc",
    "status=none",
  ];
  execFileSync(command[0]!, command.slice(1), { stdio: "pipe" });
  return writes / (Number(process.hrtime.bigint() - started) / 1e9);
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
    const limited = writesPerSecond([process.execPath, cli, "run", slow, "--"], join(slow, "mount/file"), 250);
    expect(limited).toBeLessThan(100 * 1.2);
    const unlimited = writesPerSecond([process.execPath, cli, "run", free, "--"], join(free, "mount/file"), 2500);
    expect(unlimited).toBeGreaterThan(limited * 5);
  });

  test("follow a change of profile while a process runs under them", async () => {
    const { slow } = await project.outputs();
    const shell = spawn("sh", [
      "-c",
      `while read count; do dd if=/dev/zero of=${slow}/mount/file bs=4k count=$count oflag=direct conv=notrunc status=none; echo done; done`,
    ]);
    execFileSync(process.execPath, [cli, "limit", String(shell.pid), slow]);
    const rate = async (writes: number) => {
      const started = process.hrtime.bigint();
      const done = new Promise((resolved) => shell.stdout.once("data", resolved));
      shell.stdin.write(`${writes}\n`);
      await done;
      return writes / (Number(process.hrtime.bigint() - started) / 1e9);
    };
    try {
      expect(await rate(200)).toBeLessThan(100 * 1.2);
      declare(400);
      await project.up();
      const faster = await rate(800);
      expect(faster).toBeGreaterThan(200);
      expect(faster).toBeLessThan(400 * 1.2);
    } finally {
      shell.kill();
    }
  });

  test("are gone with the process and the volume", async () => {
    project.program("");
    await project.up();
    expect(existsSync("/sys/fs/cgroup/blkio/storage-profiles")).toBe(false);
  });
});
