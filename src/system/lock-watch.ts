// proper-lockfile takes a lock for a dead process's once its timestamp is old enough. That is late where the holder is known to be dead; and
// after the machine's clock was set back, the timestamp may lie in the future, and the lock would never become old.

import { open, readFile, rm, rmdir, stat } from "node:fs/promises";

import { lock } from "proper-lockfile";

import { monotonic } from "./monotonic";
import { isAlive, pidNamespace, thisProcess, type ProcessId } from "./process-id";

/** What a holder of a lock leaves beside it: who it is, and which lock is meant. */
export interface LockRecord extends ProcessId {
  namespace: string | undefined;
  lock: string;
}

/** This process as the holder of a lock that it has just got. */
export async function lockRecord(lockfile: string): Promise<LockRecord> {
  return { ...thisProcess(), namespace: pidNamespace(), lock: (await lockIdentity(lockfile)) ?? "" };
}

/** What tells a lock from those before and after it at the same path; nothing where there is none. */
export async function lockIdentity(lockfile: string): Promise<string | undefined> {
  return (await statOf(lockfile))?.lock;
}

/** Which lock is taken, and how long a holder may keep it. */
export interface LockToTake {
  /** The lock: a directory that its holder makes. */
  lockfile: string;
  /** Where its holder writes who it is ({@link lockRecord}): beside the lock, which must stay empty. */
  recordFile: string;
  /** After how long the lock of a holder that may be dead is taken away. A living one renews it four times as often. */
  staleMs: number;
  /** How long one holder is waited for. */
  patienceMs: number;
  /** Told when somebody else has taken the lock away. */
  onLost: () => void;
}

/**
 * Takes a lock as soon as it is free; gives it back by `release`. Where one holder keeps it for too long, how long it was waited for.
 * Throws where there can be no lock.
 */
export async function takeLock(
  target: string,
  { lockfile, recordFile, staleMs, patienceMs, onLost }: LockToTake,
): Promise<{ release: () => Promise<void> } | { waitedMs: number }> {
  const watch = lockWatch(lockfile, recordFile, staleMs);
  const options = { realpath: false, lockfilePath: lockfile, stale: staleMs, update: staleMs / 4 };
  for (;;) {
    try {
      return { release: await lock(target, { ...options, onCompromised: onLost }) };
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
    const waitedMs = await watch();
    if (waitedMs >= patienceMs) return { waitedMs };
    await new Promise((done) => setTimeout(done, 20 + Math.random() * 40));
  }
}

/**
 * Whether an attempt to lock found the lock taken. A waiter that saw an old lock may remove the one that was made a moment ago: its maker
 * then misses its own directory.
 */
function isTaken(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === "ELOCKED" || (code === "ENOENT" && syscall !== "mkdir");
}

/**
 * Makes what a waiter calls each time that it finds the lock taken. A lock is removed, so that the next attempt gets it: at once where
 * its record is of a process of this machine that is dead; and where its time lies in the future, and nobody has renewed it for so long. A
 * process that lives renews its own by the clock as it is now.
 *
 * Returns for how long the present holder has been seen with the lock, in milliseconds: where many take turns, each has its own time.
 */
function lockWatch(lockfile: string, recordFile: string, staleMs: number): () => Promise<number> {
  let seen: { mtimeMs: number; since: number } | undefined;
  /** Whether the lock is, or was, a dead process's. */
  const look = async (): Promise<boolean> => {
    if (await isOfDead(lockfile, recordFile)) {
      await remove(lockfile, staleMs, () => isOfDead(lockfile, recordFile));
      return true;
    }
    const mtimeMs = (await statOf(lockfile))?.mtimeMs ?? 0;
    if (mtimeMs <= Date.now()) seen = undefined;
    else if (seen?.mtimeMs !== mtimeMs) seen = { mtimeMs, since: monotonic.now() };
    else if (monotonic.now() - seen.since > staleMs) {
      await remove(lockfile, staleMs, async () => (await statOf(lockfile))?.mtimeMs === mtimeMs);
    }
    return false;
  };
  let holder: { lock: string | undefined; since: number } | undefined;
  return async () => {
    const isOfNobody = await look();
    const lock = await lockIdentity(lockfile);
    // Where a dead holder's lock isn't removed, it is taken by its age in a moment: that is no holder to give up for.
    if (isOfNobody || holder?.lock !== lock || !holder) holder = { lock, since: monotonic.now() };
    return monotonic.now() - holder.since;
  };
}

// One waiter at a time, who looks again: else the lock of somebody who has taken it meanwhile would be removed. While the lock is there nobody
// else can make one, so it is still the one that was looked at.
async function remove(lockfile: string, staleMs: number, isStill: () => Promise<boolean>): Promise<void> {
  const guard = `${lockfile}.guard`;
  const handle = await open(guard, "wx").catch(() => undefined);
  if (!handle) {
    const since = (await statOf(guard))?.mtimeMs;
    // Of a waiter that was killed just then.
    if (since !== undefined && Math.abs(Date.now() - since) > staleMs)
      await rm(guard, { force: true }).catch(() => undefined);
    return;
  }
  try {
    // One that is about to grow old is taken by its age: whoever does that doesn't look at the guard.
    const isYoung = ((await statOf(lockfile))?.mtimeMs ?? 0) > Date.now() - staleMs / 2;
    if (isYoung && (await isStill())) await rmdir(lockfile).catch(() => undefined);
  } finally {
    await handle.close();
    await rm(guard, { force: true }).catch(() => undefined);
  }
}

// The record of a lock before this one says nothing: its holder died, and somebody has taken the lock since.
async function isOfDead(lockfile: string, recordFile: string): Promise<boolean> {
  const record = await recordIn(recordFile);
  if (record?.namespace === undefined || record.namespace !== pidNamespace() || isAlive(record)) return false;
  return record.lock === (await lockIdentity(lockfile));
}

/** Who holds a lock, by the record beside it; nothing where it can't be read. */
export async function recordIn(file: string): Promise<LockRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(file, "utf8")) as Partial<LockRecord> | null;
    return typeof record?.pid === "number" && typeof record.host === "string" ? (record as LockRecord) : undefined;
  } catch {
    return undefined;
  }
}

// A lock is a directory that its holder made.
async function statOf(lockfile: string): Promise<{ lock: string; mtimeMs: number } | undefined> {
  const found = await stat(lockfile).catch(() => undefined);
  return found && { lock: `${found.dev} ${found.ino} ${found.birthtimeMs}`, mtimeMs: found.mtimeMs };
}
