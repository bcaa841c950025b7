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

/**
 * Where the mounts that `matches` accepts are seen, other than at `ownPath` itself, in words: by bind mounts here, and in the
 * mount namespaces of other processes, such as containers.
 */
export async function otherMounts(matches: (mount: Mount) => boolean, ownPath: string): Promise<string[]> {
  const found: string[] = [];
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
      found.push(
        namespace === ours ? `a mount at ${mount.path}` : `${await nameOf(pid)}, which sees it at ${mount.path}`,
      );
    }
  }
  return found;
}

/** How long a copy of a mount may be a container's that is starting: so long it has all mounts of the machine, whatever it is given. */
const startingMs = 2_000;

/** The users that stay: what a container that is starting has for a moment keeps nobody from anything. */
export async function lasting(look: () => Promise<string[]>): Promise<string[]> {
  const deadline = monotonic.now() + startingMs;
  for (;;) {
    const found = await look();
    if (found.length === 0 || monotonic.now() > deadline) return found;
    await sleep(100);
  }
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
  const name = await unlessHidden(readIfThere(`/proc/${pid}/comm`));
  return `process ${pid} (${name?.trim() ?? "ended"})`;
}

async function readlink(link: string): Promise<string | undefined> {
  return unlessHidden(fs.readlink(link));
}

/** Processes end while they are looked at, and other users' are hidden: neither is an error here. */
async function unlessHidden<T>(result: Promise<T>): Promise<T | undefined> {
  return result.catch(() => undefined);
}
