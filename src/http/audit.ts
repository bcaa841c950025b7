// The audit log: a line of JSON before each write and one after it, on disk before the answer leaves. It is only added to.

import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

import { httpError } from "./errors";
import type { Identity } from "./tokens";

/** What is recorded of a write. `begin` is there before anything is done, `end` before the answer is sent. */
export type AuditEntry = {
  /** The request's id, also in the log and in `X-Request-Id`. */
  request: string;
  who: Pick<Identity, "name" | "role" | "by"> | undefined;
  from: string;
  method: string;
  path: string;
} & (
  | { phase: "begin"; stack: string | undefined; body: unknown; query: unknown; ifTag: string | undefined }
  | { phase: "end"; status: number; operation: string | undefined; tag: string | undefined }
);

export interface AuditLog {
  readonly file: string;
  /** Error: `audit-not-written`. */
  write(entry: AuditEntry): void;
  close(): void;
}

/** Opens the audit log, which is made where it isn't there. Error: `audit-not-written`. */
export function openAuditLog(file: string): AuditLog {
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw httpError("audit-not-written", "auditLog", file, { why: (error as Error).message });
    }
  };
  const openIt = () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return openSync(file, "a", 0o600);
  };
  let handle = attempt(openIt);
  // Whoever rotates logs moves the file away: then a new one is begun.
  const isThere = () => statSync(file, { throwIfNoEntry: false })?.ino === fstatSync(handle).ino;
  return {
    file,
    write: (entry) =>
      attempt(() => {
        if (!isThere()) {
          const next = openIt();
          closeSync(handle);
          handle = next;
        }
        // One write of the whole line, at the end of the file by O_APPEND: lines of several services don't mix.
        writeSync(handle, `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
        fsyncSync(handle);
      }),
    close: () => closeSync(handle),
  };
}
