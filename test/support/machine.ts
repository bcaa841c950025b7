// What this machine can run, and what tests do to it.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { localCapabilities } from "../../components/host/capabilities";

/** Why this machine can't make loop volumes, or `undefined` where it can. */
export function loopReason(): string | undefined {
  const { loop, reason } = localCapabilities();
  return loop ? undefined : (reason ?? "no loop devices");
}

/** A group of tests that not every machine can run. Where this one can't, the group is skipped, with the reason in its title. */
export function describeIf(possible: boolean, name: string, reason: string | undefined, tests: () => void): void {
  if (possible) describe(name, tests);
  else describe.skip(skipped(name, reason), tests);
}

/** The same for a single test. */
export function testIf(possible: boolean, name: string, reason: string | undefined, run: () => unknown): void {
  if (possible)
    test(name, async () => {
      await run();
    });
  else test.skip(skipped(name, reason), () => undefined);
}

/** The title of what is skipped. Prints the reason as well: jest's own report doesn't list what it skipped. */
function skipped(name: string, reason = "no reason given"): string {
  process.stderr.write(`Skipped: ${name}: ${reason}\n`);
  return `${name} (${reason})`;
}

/** Why this machine can't limit I/O by cgroups, or `undefined` where it can. */
export function limitsReason(): string | undefined {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  if (/ - cgroup \S+ \S*\bblkio\b/.test(mounts)) return undefined;
  const root = / (\S+) \S+ .*- cgroup2 /.exec(mounts)?.[1];
  const controllers =
    root && existsSync(join(root, "cgroup.controllers")) ? readFileSync(join(root, "cgroup.controllers"), "utf8") : "";
  return controllers.split(/\s/).includes("io") ? undefined : "no cgroup controller limits I/O here";
}

/** What the kernel limits a process to, as its cgroup has it: device numbers, and limits on writes a second (v1) or on all (v2). */
export function ioLimitsOf(pid: number): string {
  const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
  const v1 = /^\d+:[^:]*\bblkio\b[^:]*:(.*)$/m.exec(groups)?.[1];
  const v2 = /^0::(.*)$/m.exec(groups)?.[1] ?? "";
  const file =
    v1 === undefined
      ? join("/sys/fs/cgroup", v2, "io.max")
      : join("/sys/fs/cgroup/blkio", v1, "blkio.throttle.write_iops_device");
  return readFileSync(file, "utf8").trim();
}

/** What is left of local volumes below a state directory: files, mounts, loop devices. */
export function leftovers(stateDirectory: string): string[] {
  const volumes = join(stateDirectory, "volumes");
  const files = existsSync(volumes) ? readdirSync(volumes) : [];
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(stateDirectory));
  const devices = execFileSync("losetup", ["--all"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(stateDirectory));
  return [...files, ...mounts, ...devices];
}

/** What is mounted below a directory, and the loop devices whose files are there. */
export function inUseBelow(directory: string): { mounts: string[]; devices: string[] } | undefined {
  if (!existsSync("/proc/self/mountinfo")) return undefined;
  const isBelow = (path: string | undefined): path is string => path?.startsWith(`${directory}/`) === true;
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const mounts = lines.map((line) => line.split(" ")[4]).filter(isBelow);
  const devices = readdirSync("/sys/block")
    .filter((name) => isBelow(backingFile(name)))
    .map((name) => `/dev/${name}`);
  return mounts.length + devices.length > 0 ? { mounts, devices } : undefined;
}

/** Unmounts what is mounted below a directory, and detaches the loop devices whose files are there. */
export function detachBelow(directory: string): void {
  const { mounts = [], devices = [] } = inUseBelow(directory) ?? {};
  for (const mount of mounts.reverse()) execFileSync("umount", [mount]);
  for (const device of devices) {
    if (backingFile(device.replace("/dev/", ""))) execFileSync("losetup", ["--detach", device]);
  }
}

function backingFile(device: string): string | undefined {
  try {
    return readFileSync(`/sys/block/${device}/loop/backing_file`, "utf8").trim();
  } catch {
    return undefined; // no loop device, or a free one
  }
}

/** Does to a mounted volume what a reboot does. */
export function unmountAndDetach(mountPath: string): void {
  const line = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .find((each) => each.split(" ")[4] === mountPath);
  const device = line?.split(" - ")[1]?.split(" ")[1];
  if (!device) throw new Error(`${mountPath} isn't mounted`);
  execFileSync("umount", [mountPath]);
  execFileSync("losetup", ["--detach", device]);
}

/**
 * The arguments of `unshare` for a process in a mount namespace of its own, as a container's is. Such a namespace begins with all mounts of
 * the machine; those of tests that run at the same time, which would wait in vain for theirs to be left, are given up first.
 *
 * @param home below which the test's own mounts lie
 * @param script of sh, which gets `args` as $1, $2, …
 */
export function asContainer(home: string, script: string, ...args: string[]): string[] {
  const others = `awk -v all=${tmpdir()}/ -v own=${realpathSync(home)}/ 'index($5, all) == 1 && index($5, own) != 1 { print $5 }'`;
  const giveUp = `for mount in $(${others} /proc/self/mountinfo); do umount --lazy "$mount"; done`;
  return ["--mount", "sh", "-c", `${giveUp}; ${script}`, "sh", ...args];
}
