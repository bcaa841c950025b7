// What this machine can run, and what tests do to it.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { localCapabilities } from "../../components/local/capabilities";

/** Why this machine can't make loop volumes, or `undefined` where it can. */
export function loopReason(): string | undefined {
  const { loop, reason } = localCapabilities();
  return loop ? undefined : (reason ?? "no loop devices");
}

/** A group of tests that a machine may not be able to run: then it is skipped, and says so. */
export function describeIf(possible: boolean, name: string, reason: string | undefined, tests: () => void): void {
  if (possible) return describe(name, tests);
  console.warn(`SKIPPED: ${name}: ${reason}`);
  describe.skip(`${name} (${reason})`, tests);
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
