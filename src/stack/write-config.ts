// Writes a stack's config file: one writer at a time, whole or not at all, and never over what somebody wrote meanwhile.

import { randomBytes } from "node:crypto";
import { chmod, chown, open, readdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { lockIdentity, lockRecord, recordIn, takeLock, type LockRecord } from "../system/lock-watch";
import { stackError, type StackError } from "./errors";

/** How long a writer waits for another one that doesn't finish, in milliseconds. */
const PATIENCE = 30_000;
/** After how long the lock of a writer of which nobody knows whether it lives is taken away, in milliseconds. A living one renews it. */
const STALE = 10_000;

/** How long to wait for a lock, and what to say of the holder that keeps it for longer. */
export interface Waiting {
  patienceMs: number;
  busy: (holder: LockRecord | undefined) => StackError;
}

/** Does something while nobody else of this package edits a file. Error: `config-busy`, unless it is `waiting` otherwise. */
export async function locked<T>(file: string, work: () => Promise<T>, waiting?: Waiting): Promise<T> {
  const target = await targetOf(file);
  const lockfilePath = `${target}.lock`;
  const record = `${lockfilePath}.holder`;
  // Whoever takes a lock away has written: what is written then is compared with what was read. It is no reason to end the process.
  const onLost = () => undefined;
  const patienceMs = waiting?.patienceMs ?? PATIENCE;
  const which = { lockfile: lockfilePath, recordFile: record, staleMs: STALE, patienceMs, onLost };
  const taken = await takeLock(target, which).catch((error: unknown) => {
    throw stackError("config-not-written", file, undefined, { why: (error as Error).message }, { cause: error });
  });
  if (!("release" in taken)) {
    if (waiting) throw waiting.busy(await recordIn(record));
    const seconds = Math.round(taken.waitedMs / 1000);
    throw stackError("config-busy", file, undefined, { seconds, lock: lockfilePath });
  }
  const mine = await lockRecord(lockfilePath);
  try {
    // Where it can't be written, as on a full disk, the lock of a dead holder is taken away by its age.
    await writeFile(record, JSON.stringify(mine)).catch(() => undefined);
    await sweep(target);
    return await work();
  } finally {
    // After a standstill, as of a machine that slept, it may be somebody else's by now, who has written so.
    const now = await recordIn(record);
    const isTheirs = now && now.lock !== mine.lock && now.lock === (await lockIdentity(lockfilePath));
    if (isTheirs !== true) {
      await rm(record, { force: true }).catch(() => undefined);
      await taken.release().catch(() => undefined);
    }
  }
}

/**
 * Puts a text in the place of a file: written beside it, brought to the disk, and renamed. `unchanged` is asked at the last moment
 * whether the file is still what the text was made from; where it isn't, nothing is written and the answer is `false`.
 */
export async function writeWhole(file: string, text: string, unchanged: () => Promise<boolean>): Promise<boolean> {
  const target = await targetOf(file);
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const before = await stat(target).catch(() => undefined);
    const handle = await open(temporary, "wx", before ? before.mode & 0o7777 : 0o666);
    try {
      await handle.writeFile(text, "utf8");
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (before) {
      await chmod(temporary, before.mode & 0o7777);
      // Only root may give a file to others.
      await chown(temporary, before.uid, before.gid).catch(() => undefined);
    }
    if (!(await unchanged())) {
      await rm(temporary, { force: true });
      return false;
    }
    await rename(temporary, target);
    await syncDirectory(dirname(target));
    return true;
  } catch (error) {
    await rm(temporary, { force: true });
    const why = error instanceof Error ? error.message : String(error);
    throw stackError("config-not-written", file, undefined, { why }, { cause: error });
  }
}

// What a writer that was killed left beside the file: nobody else writes now.
async function sweep(target: string): Promise<void> {
  const [folder, prefix] = [dirname(target), `.${basename(target)}.`];
  const left = (await readdir(folder).catch((): string[] => [])).filter(
    (each) => each.startsWith(prefix) && each.endsWith(".tmp"),
  );
  await Promise.all(left.map((each) => rm(join(folder, each), { force: true })));
}

// A link stays one: what it points to is written.
async function targetOf(file: string): Promise<string> {
  return realpath(file).catch(() => file);
}

// Where the platform can't, the rename itself has to do.
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r").catch(() => undefined);
  try {
    await handle?.sync();
  } catch {
    // Not every file system knows it.
  } finally {
    await handle?.close();
  }
}
