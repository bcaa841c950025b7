// Which process it is, so that another one that got its number isn't taken for it; and whether it still runs.

import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** A process. */
export interface ProcessId {
  pid: number;
  host: string;
  /** When it began, in the kernel's ticks. */
  started?: string | undefined;
}

/** This process. */
export function thisProcess(): ProcessId {
  return processOf(process.pid);
}

/** A process of this machine that runs. */
export function processOf(pid: number): ProcessId {
  return { pid, host: hostname(), started: startOf(pid) };
}

/** Whether a process still runs. On another machine nobody knows: it is taken to run. */
export function isAlive({ pid, host, started }: ProcessId): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // The process exists, but belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = startOf(pid);
  return now === undefined || started === undefined ? now !== "" : now === started;
}

/**
 * What tells the numbers of processes here from those in a container, or on another machine, of the same host name; nothing where there is
 * no /proc.
 */
export function pidNamespace(): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return undefined;
  }
}

// Nothing where there is no /proc, and "" for one that is dead and not yet buried.
function startOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? "" : fields[19];
  } catch {
    return undefined;
  }
}
