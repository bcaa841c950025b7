// proper-lockfile takes a lock for a dead process's once its timestamp is old enough. After the machine's clock was set back, the timestamp may
// lie in the future, and the lock would never become old.

import { stat, utimes } from "node:fs/promises";

import { monotonic } from "./monotonic";

/**
 * Makes what a waiter calls each time that it finds the lock taken: a lock whose time lies in the future, and that nobody has renewed for so
 * long, is made old. A process that lives renews its own by the clock as it is now.
 */
export function futureLockWatch(lockfile: string, staleMs: number): () => Promise<void> {
  let seen: { mtimeMs: number; since: number } | undefined;
  return async () => {
    const mtimeMs = (await stat(lockfile).catch(() => undefined))?.mtimeMs ?? 0;
    if (mtimeMs <= Date.now()) seen = undefined;
    else if (seen?.mtimeMs !== mtimeMs) seen = { mtimeMs, since: monotonic.now() };
    else if (monotonic.now() - seen.since > staleMs) await utimes(lockfile, 0, 0).catch(() => undefined);
  };
}
