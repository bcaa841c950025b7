// Who uses a volume's files or device: asked before anything is taken away, and to explain why something is busy.
import { promises as fs } from "node:fs";
import * as path from "node:path";

import { monotonic } from "../../src/system/monotonic";
import { LocalVolumeError } from "./errors";
import { readIfThere, sleep } from "./files";
import { isWithin, type Mount, readMounts } from "./mountinfo";

/** At most so many users are named. */
const maxNamed = 10;

/**
 * The processes that work in, hold open or run something at or below a directory (a real path), in words. As far as can be
 * seen: without root, only one's own.
 */
export async function usersOf(directory: string): Promise<string[]> {
  const users: string[] = [];
  for (const pid of await processes()) {
    if (users.length === maxNamed) break;
    const use = await useOf(pid, directory);
    if (use !== undefined) users.push(`${await nameOf(pid)}, which ${use}`);
  }
  return users;
}

/** Where a mount is seen. */
export interface Sight {
  /** in words */
  readonly text: string;
  /** whether by a container that is starting: so long it has all mounts of the machine, whatever it is given */
  readonly isStarting: boolean;
}

/**
 * Where the mounts that `matches` accepts are seen, other than at `ownPath` itself: by bind mounts here, and in the mount
 * namespaces of other processes, such as containers.
 */
export async function otherMounts(matches: (mount: Mount) => boolean, ownPath: string): Promise<Sight[]> {
  const found: Sight[] = [];
  const namespaces = new Set<string>();
  const ours = await readlink("/proc/self/ns/mnt");
  for (const pid of [process.pid, ...(await processes())]) {
    if (found.length >= maxNamed) break;
    const namespace = await readlink(`/proc/${pid}/ns/mnt`);
    if (namespace === undefined || namespaces.has(namespace)) continue;
    namespaces.add(namespace);
    const mounts = await unlessHidden(readMounts(pid));
    for (const mount of mounts ?? []) {
      // The same path in another namespace is, as a rule, a copy that goes away together with ours.
      if (!matches(mount) || mount.path === ownPath) continue;
      if (namespace === ours) found.push({ text: `a mount at ${mount.path}`, isStarting: false });
      else {
        const command = await commandOf(pid);
        const text = `process ${pid} (${command}), which sees it at ${mount.path}`;
        found.push({ text, isStarting: startingContainer.test(command) });
      }
    }
  }
  return found;
}

/** What runc and crun call the process that becomes a container, until it does. */
const startingContainer = /^(runc:\[|crun$)/;

/** How long a copy of a mount may be somebody's who is about to end, and how long a container may take to start. */
const passingMs = 2_000;
const startingMs = 60_000;

/** In words, who sees a mount and goes on doing so: what a container that is starting has for a moment keeps nobody from anything. */
export async function lasting(look: () => Promise<Sight[]>): Promise<string[]> {
  const isTooLong = patience(passingMs);
  for (;;) {
    const found = await look();
    if (found.length === 0 || isTooLong(found)) return textsOf(found);
    await sleep(100);
  }
}

/**
 * Whether a mount has been seen for too long: for so many milliseconds without a break by anybody but a starting container, which may just
 * have become one that doesn't have it, or by those alone for longer than any takes to start.
 */
export function patience(forOthersMs: number): (found: readonly Sight[]) => boolean {
  const begun = monotonic.now();
  let since: number | undefined;
  return (found) => {
    const now = monotonic.now();
    since = found.some(({ isStarting }) => !isStarting) ? (since ?? now) : undefined;
    return now > begun + startingMs || (since !== undefined && now > since + forOthersMs);
  };
}

/** In words, where a mount is seen. */
export function textsOf(found: readonly Sight[]): string[] {
  return found.map(({ text }) => text);
}

/** Refuses to go on when there are users. Problems: `in-use`. */
export function refuseUsed(place: string, users: readonly string[]): void {
  if (users.length === 0) return;
  throw new LocalVolumeError("in-use", `${place} is in use by ${users.join("; ")}. Stop that and try again.`);
}

async function processes(): Promise<number[]> {
  const names = (await unlessHidden(fs.readdir("/proc"))) ?? [];
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

async function useOf(pid: number, directory: string): Promise<string | undefined> {
  const of = `/proc/${pid}`;
  for (const [link, use] of [
    ["cwd", "works in"],
    ["root", "has its root in"],
    ["exe", "runs"],
  ] as const) {
    const target = await readlink(path.join(of, link));
    if (target !== undefined && isWithin(target, directory)) return `${use} ${target}`;
  }
  for (const descriptor of (await unlessHidden(fs.readdir(path.join(of, "fd")))) ?? []) {
    const target = await readlink(path.join(of, "fd", descriptor));
    if (target !== undefined && isWithin(target, directory)) return `has ${target} open`;
  }
  const maps = (await unlessHidden(readIfThere(path.join(of, "maps")))) ?? "";
  const mapped = maps.split("\n").find((line) => line.includes(` ${directory}/`));
  return mapped && `has ${mapped.slice(mapped.indexOf(directory))} mapped`;
}

async function nameOf(pid: number): Promise<string> {
  return `process ${pid} (${await commandOf(pid)})`;
}

async function commandOf(pid: number): Promise<string> {
  return (await unlessHidden(readIfThere(`/proc/${pid}/comm`)))?.trim() ?? "ended";
}

async function readlink(link: string): Promise<string | undefined> {
  return unlessHidden(fs.readlink(link));
}

/** Processes end while they are looked at, and other users' are hidden: neither is an error here. */
async function unlessHidden<T>(result: Promise<T>): Promise<T | undefined> {
  return result.catch(() => undefined);
}
