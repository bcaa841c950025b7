// proper-lockfile takes a lock for a dead process's once its timestamp is old enough. That is late where the holder is known to be dead; and
// after the machine's clock was set back, the timestamp may lie in the future, and the lock would never become old.

import { readFile, stat, utimes } from "node:fs/promises";

import { monotonic } from "./monotonic";
import { isAlive, pidNamespace, thisProcess, type ProcessId } from "./process-id";

/** What a holder of a lock leaves beside it: who it is, and which lock is meant. */
export interface LockRecord extends ProcessId {
  namespace: string | undefined;
  lock: string;
}

/** This process as the holder of a lock that it has just got. */
export async function lockRecord(lockfile: string): Promise<LockRecord> {
  return { ...thisProcess(), namespace: pidNamespace(), lock: (await identityOf(lockfile))?.lock ?? "" };
}

/**
 * Makes what a waiter calls each time that it finds the lock taken. A lock is made old, so that the next attempt takes it away: at once where
 * its record is of a process of this machine that is dead; and where its time lies in the future, and nobody has renewed it for so long. A
 * process that lives renews its own by the clock as it is now.
 */
export function lockWatch(lockfile: string, recordFile: string, staleMs: number): () => Promise<void> {
  let seen: { mtimeMs: number; since: number } | undefined;
  return async () => {
    const makeOld = () => utimes(lockfile, 0, 0).catch(() => undefined);
    if (await isOfDead(lockfile, recordFile)) return makeOld();
    const mtimeMs = (await identityOf(lockfile))?.mtimeMs ?? 0;
    if (mtimeMs <= Date.now()) seen = undefined;
    else if (seen?.mtimeMs !== mtimeMs) seen = { mtimeMs, since: monotonic.now() };
    else if (monotonic.now() - seen.since > staleMs) await makeOld();
  };
}

// The record of a lock before this one says nothing: its holder died, and somebody has taken the lock since.
async function isOfDead(lockfile: string, recordFile: string): Promise<boolean> {
  const record = await recordIn(recordFile);
  if (record?.namespace === undefined || record.namespace !== pidNamespace() || isAlive(record)) return false;
  return record.lock === (await identityOf(lockfile))?.lock;
}

async function recordIn(file: string): Promise<LockRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(file, "utf8")) as Partial<LockRecord> | null;
    return typeof record?.pid === "number" && typeof record.host === "string" ? (record as LockRecord) : undefined;
  } catch {
    return undefined;
  }
}

// A lock is a directory that its holder made.
async function identityOf(lockfile: string): Promise<{ lock: string; mtimeMs: number } | undefined> {
  const found = await stat(lockfile).catch(() => undefined);
  return found && { lock: `${found.dev} ${found.ino} ${found.birthtimeMs}`, mtimeMs: found.mtimeMs };
}
