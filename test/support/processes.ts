// Ends processes that a test has started, with all that these have started: an engine has its providers in process groups of their own.

import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Kills a child of this process and all of its descendants. */
export function killDescendants({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  const parents = new Map(processes().map((each) => [each, parentOf(each)]));
  const isBelow = (each: number | undefined): boolean =>
    each !== undefined && each > 1 && (each === pid || isBelow(parents.get(each)));
  const found = [...parents.keys()].filter(isBelow);
  // Top down: whoever is dead starts no other.
  for (const each of new Set([pid, ...found])) kill(each);
}

/** Kills the processes whose environment has a variable: `NAME=value`. Only Linux tells. */
export function killProcessesWith(variable: string): void {
  for (const pid of processes()) {
    if (pid !== process.pid && read(`/proc/${pid}/environ`).split("\0").includes(variable)) kill(pid);
  }
}

function processes(): number[] {
  if (!existsSync("/proc/self/stat")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parentOf(pid: number): number | undefined {
  // Behind the name, which may contain anything: the state, then the parent.
  const fields = read(`/proc/${pid}/stat`).split(") ").pop()?.split(" ");
  return fields?.[1] === undefined ? undefined : Number(fields[1]);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // it ended, or is somebody else's
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended
  }
}
