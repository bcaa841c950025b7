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

/** A process, and where its number holds. */
export interface PlacedProcess extends ProcessId {
  /** The boot of the machine, and the namespace of process numbers; nothing where there is no /proc. */
  namespace?: string | undefined;
  /** The machine's own name of itself, which a boot doesn't change. */
  machine?: string | undefined;
}

/** This process. */
export function thisProcess(): ProcessId {
  return processOf(process.pid);
}

/** A process of this machine that runs. */
export function processOf(pid: number): ProcessId {
  return { pid, host: hostname(), started: startOf(pid) };
}

/** A process of this machine that runs, and what tells it from those of other machines. */
export function placedProcess(pid: number): PlacedProcess {
  return { ...processOf(pid), namespace: pidNamespace(), machine: machineId() };
}

/** The number of the namespace that isn't a container's. */
const FIRST_NAMESPACE = "pid:[4026531836]";

/**
 * Whether a process has certainly ended. Of one on another machine, or in another container, nobody knows, even where its host has the same name:
 * only one of this namespace, or of this machine before it was booted anew, can be judged.
 */
export function hasEnded(process: PlacedProcess, here = placedProcess(0)): boolean {
  if (process.host !== here.host || process.namespace === undefined || here.namespace === undefined) return false;
  if (process.namespace === here.namespace) return !isAlive(process);
  const [boot, namespace] = process.namespace.split(" ");
  const [bootHere, namespaceHere] = here.namespace.split(" ");
  const isMachine = process.machine !== undefined && process.machine === here.machine;
  return isMachine && boot !== bootHere && namespace === FIRST_NAMESPACE && namespaceHere === FIRST_NAMESPACE;
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

function machineId(): string | undefined {
  try {
    return readFileSync("/etc/machine-id", "utf8").trim() || undefined;
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
