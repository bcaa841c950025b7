// One operation at a time on a volume, also between processes. A killed process's lock is taken over at once, that of one that stands still after 8 seconds.
import { createHash, randomUUID } from "node:crypto";
import { promises as fs } from "node:fs";
import * as path from "node:path";

import { lockIdentity, lockRecord, takeLock } from "../../../src/system/lock-watch";
import { isSystemError, LocalVolumeError } from "../../host/errors";
import { parsedJson, readNowIfThere, sleep } from "../../host/files";
import { refuseUnsafeDirectory } from "../../host/trust";

/** A lock in our hands. */
export interface Lock {
  /** Throws `lock-lost` when another process took over, because this one didn't run for 8 seconds. */
  assertHeld(): Promise<void>;
}

/**
 * The holder proves every 2 s that it lives. Once it hasn't for 8 s, it counts as dead: that outlasts a busy event loop.
 * The lock of a process of this machine that is known to be dead is free at once.
 */
const staleMs = 8_000;

/** Two waiters that find a lock stale in the same moment may both believe to have got it; this long after, it is settled. */
const settleMs = 250;

/** How long an operation waits by default for another that doesn't finish. */
const defaultWaitMs = 60_000;

/**
 * Runs `action` as the only one that holds the lock of `what` (a volume's id, or another name) in this state directory,
 * which must exist. Everything that writes below it passes here. Problems: `locked` where one holder has had it for `waitMs`, saying
 * which; `unsafe-directory`. Where many take turns, it is waited for.
 */
export async function withLock<T>(
  stateDirectory: string,
  what: string,
  operation: string,
  action: (lock: Lock) => Promise<T>,
  waitMs = defaultWaitMs,
): Promise<T> {
  refuseUnsafeDirectory(stateDirectory);
  if (path.isAbsolute(what)) refuseUnsafeDirectory(what);
  // The same by whatever path the state directory is reached. Hashed, since a volume's project, stack and name together may be
  // longer than a file's name.
  const key = what.startsWith(stateDirectory) ? what.slice(stateDirectory.length) : what;
  const file = path.join(stateDirectory, "locks", createHash("sha256").update(key).digest("hex").slice(0, 32));
  const held = await acquire(file, what, operation, waitMs);
  try {
    return await action(held);
  } finally {
    await held.release();
  }
}

async function acquire(file: string, what: string, operation: string, waitMs: number) {
  const lockfile = `${file}.lock`;
  const token = randomUUID();
  for (;;) {
    let lost = false;
    const onLost = () => (lost = true);
    const which = { lockfile, recordFile: holderFile(file), staleMs, patienceMs: waitMs, onLost };
    const taken = await takeLock(file, which);
    if (!("release" in taken)) throw stillLocked(file, what, operation, waitMs);
    const { release } = taken;
    const takenOver = readHolder(file) !== undefined;
    const since = new Date().toISOString();
    const record = { ...(await lockRecord(lockfile)), token, operation, what, since };
    // On a full disk there is no holder file, and a deletion must still be possible.
    let written = await writeHolder(file, record);
    if (takenOver) {
      await sleep(settleMs);
      // Whoever has lost the lock may have written last.
      const other = readHolder(file);
      if (other?.token !== token && other?.lock !== record.lock) written = await writeHolder(file, record);
    }
    const hasLock = async () => !lost && (await lockIdentity(lockfile)) === record.lock;
    const isHeld = async () => (await hasLock()) && (!written || readHolder(file)?.token === token);
    // Also where somebody else has written who holds it: a lock that is only forgotten is renewed for as long as this process lives.
    const letGo = async () => {
      if (!(await hasLock())) return;
      if (readHolder(file)?.token === token) await fs.rm(holderFile(file), { force: true });
      await release();
    };
    if (!(await isHeld())) {
      await letGo();
      continue;
    }
    return {
      async assertHeld() {
        if (await isHeld()) return;
        throw new LocalVolumeError(
          "lock-lost",
          `${operation} of ${what}: this process was stalled for more than ${staleMs / 1000} s, and another one took over. ` +
            `Its unfinished work is left unchanged; run the operation again.`,
        );
      },
      release: letGo,
    };
  }
}

const holderFile = (file: string) => `${file}.holder`;

async function writeHolder(file: string, holder: object): Promise<boolean> {
  try {
    await fs.writeFile(holderFile(file), JSON.stringify(holder), { mode: 0o600 });
    return true;
  } catch (error) {
    if (!isSystemError(error, "ENOSPC", "EDQUOT")) throw error;
    await fs.rm(holderFile(file), { force: true });
    return false;
  }
}

function readHolder(file: string): Record<string, unknown> | undefined {
  return parsedJson(readNowIfThere(holderFile(file))) as Record<string, unknown> | undefined;
}

function stillLocked(file: string, what: string, operation: string, waitMs: number): LocalVolumeError {
  const holder = readHolder(file);
  const by = holder
    ? `process ${String(holder.pid)} (${String(holder.operation)} since ${String(holder.since)})`
    : "another process";
  return new LocalVolumeError(
    "locked",
    `${operation} of ${what} waited ${waitMs / 1000} s for ${by} to finish. ` +
      `Try again when it has finished; if it hangs, kill it to release its lock.`,
  );
}
