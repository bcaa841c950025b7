// As root, only where nobody else can exchange what root works on. Between a look at a path and its use, whoever may write to a
// directory on the way puts a symbolic link there, and root mounts over or deletes another directory than it looked at.
import * as fs from "node:fs";
import * as path from "node:path";

import { LocalVolumeError } from "./errors";
import { lstatNowIfThere } from "./files";

/** As many symbolic links as the kernel follows in one path. */
const maxLinks = 40;

/**
 * Refuses, for root, a directory that others than root may exchange or write to: it and all above it must be root's, and writable by
 * root only. Above it, a directory such as /tmp may be writable by all if it is sticky: only root can move its own entries there. Links on the
 * way must be root's, and lead through such directories. What isn't there yet is no matter. Problems: `unsafe-directory`.
 *
 * Synchronous: dozens of looks for each volume take microseconds each, and asynchronous ones ten times as long.
 */
export function refuseUnsafeDirectory(directory: string): void {
  if (process.geteuid?.() !== 0) return;
  const names = namesOf(directory);
  let at = "/";
  let stats = fs.lstatSync(at);
  for (let links = 0; names.length > 0;) {
    refuseOthers(at, stats, directory, true);
    const name = names.shift() ?? "";
    const next = name === ".." ? path.dirname(at) : path.join(at, name);
    const found = lstatNowIfThere(next);
    if (found === undefined) return;
    if (!found.isSymbolicLink()) [at, stats] = [next, found];
    else {
      if (found.uid !== 0) throw unsafe(next, `is a symbolic link of user ${found.uid}`, directory);
      if (++links > maxLinks) throw unsafe(next, "is one of too many symbolic links", directory);
      const target = fs.readlinkSync(next);
      names.unshift(...namesOf(target));
      if (path.isAbsolute(target)) [at, stats] = ["/", fs.lstatSync("/")];
    }
  }
  refuseOthers(at, stats, directory, false);
}

function namesOf(directory: string): string[] {
  return directory.split("/").filter((name) => name !== "" && name !== ".");
}

function refuseOthers(at: string, { uid, gid, mode }: fs.Stats, directory: string, mayBeSticky: boolean): void {
  if (uid !== 0) throw unsafe(at, `belongs to user ${uid}`, directory);
  const isSticky = mayBeSticky && (mode & 0o1000) !== 0;
  if ((mode & 0o022) === 0 || isSticky) return;
  throw unsafe(at, (mode & 0o002) !== 0 ? "is writable by all users" : `is writable by group ${gid}`, directory);
}

function unsafe(at: string, what: string, directory: string): LocalVolumeError {
  const where = at === directory ? at : `${at}, on the way to ${directory},`;
  return new LocalVolumeError(
    "unsafe-directory",
    `${where} ${what}, who could have root mount over or delete other directories. As root, choose a directory that, with all above ` +
      `it, belongs to root and is writable by root only ("chown root ${at}", "chmod go-w ${at}"), or run as that user.`,
  );
}
