// Where a local volume's files are, what may be there, and the checks that keep us inside our own directories.
import { randomUUID } from "node:crypto";
import { promises as fs } from "node:fs";
import * as path from "node:path";

import { isSystemError, LocalVolumeError } from "../../host/errors";
import {
  ifThere,
  lstatIfThere,
  lstatNowIfThere,
  namesIn,
  readIfThere,
  temporaryName,
  writeFileAtomically,
} from "../../host/files";
import { withLock } from "./lock";

/** The places of one volume. The directory is also the volume's id. */
export interface VolumePaths {
  readonly id: string;
  readonly stateDirectory: string;
  readonly project: string;
  readonly stack: string;
  readonly name: string;
  readonly record: string;
  /** Mode "loop": the file system, from the moment that it is complete. */
  readonly image: string;
  /** Mode "loop": the image while it is made. mkfs is only ever run on this one. */
  readonly newImage: string;
  /** Mode "loop": where the file system is mounted. */
  readonly mount: string;
  /** Mode "directory": the data. */
  readonly data: string;
  /** Which cgroups carry this volume's limits. */
  readonly limited: string;
  /** Mode "loop": the way back from an interrupted growth of an unmounted file system. */
  readonly undo: string;
}

/** What names of projects, stacks and volumes look like. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** Its presence says that a state directory is ours. */
const markerName = ".storage-profiles";
const markerText = "storage-profiles keeps local volumes in this directory. The data is below volumes/.\n";

/**
 * May be passed through but not listed by others: whoever owns a volume's data may reach it by its path, and nobody sees
 * what else there is. Records and images are readable by their owner only.
 */
const directoryMode = 0o711;

/** The id of a volume. Problems: `invalid-request`. */
export function volumeId(stateDirectory: string, project: string, stack: string, name: string): string {
  checkStateDirectory(stateDirectory);
  for (const [what, value] of Object.entries({ project, stack, name })) {
    if (!namePattern.test(value)) {
      throw new LocalVolumeError(
        "invalid-request",
        `${what} ${JSON.stringify(value)}: use up to 200 letters, digits, ".", "_" and "-", beginning with a letter or digit.`,
      );
    }
  }
  return path.join(stateDirectory, "volumes", project, stack, name);
}

/** The places of a volume. Problems: `outside-state-directory` when the id hasn't the shape of one. */
export function volumePaths(id: string): VolumePaths {
  const [, stateDirectory = "", project = "", stack = "", name = ""] =
    /^(.*)\/volumes\/([^/]+)\/([^/]+)\/([^/]+)$/s.exec(id) ?? [];
  if (!isCleanPath(stateDirectory) || ![project, stack, name].every((part) => namePattern.test(part))) {
    throw new LocalVolumeError(
      "outside-state-directory",
      `${JSON.stringify(id)} isn't the id of a local volume; one looks like <state directory>/volumes/<project>/<stack>/<name>.`,
    );
  }
  const inside = (file: string) => path.join(id, file);
  return {
    id,
    stateDirectory,
    project,
    stack,
    name,
    record: inside("volume.json"),
    image: inside("data.img"),
    newImage: inside("data.img.new"),
    mount: inside("mount"),
    data: inside("data"),
    limited: inside("limited.json"),
    undo: inside("resize.undo"),
  };
}

/** Refuses a state directory that isn't absolute and normalised, or is "/". Problems: `invalid-request`. */
export function checkStateDirectory(stateDirectory: string): void {
  if (isCleanPath(stateDirectory)) return;
  throw new LocalVolumeError(
    "invalid-request",
    `stateDirectory ${JSON.stringify(stateDirectory)}: use an absolute path without "..", doubled or trailing slashes, not "/".`,
  );
}

/**
 * Makes the state directory ours: creates it, or marks an empty one. Whoever points it at a directory in use has mistaken
 * the path, so that is refused (`foreign-state-directory`).
 */
export async function claimStateDirectory(stateDirectory: string): Promise<void> {
  const isIdentified = (await isOurs(stateDirectory)) && (await stateDirectoryId(stateDirectory)) !== undefined;
  if (!isIdentified) {
    await fs.mkdir(path.dirname(stateDirectory), { recursive: true, mode: 0o755 });
    await fs.mkdir(stateDirectory, { mode: directoryMode }).catch((error: unknown) => {
      if (!isSystemError(error, "EEXIST")) throw error;
    });
    await refuseForeignStateDirectory(stateDirectory);
    // Never over another's: by now that one may have the directory's id.
    await fs
      .writeFile(path.join(stateDirectory, markerName), markerText, { mode: 0o644, flag: "wx" })
      .catch((error: unknown) => {
        if (!isSystemError(error, "EEXIST")) throw error;
      });
  }
  for (const directory of ["volumes", "locks"])
    await makeDirectory(path.join(stateDirectory, directory), directoryMode);
  if (!isIdentified) await identifyStateDirectory(stateDirectory);
}

/**
 * The id of a state directory; undefined where it has none (yet). An empty mount point and the disk that belongs there have the same
 * path, and never the same id.
 */
export async function stateDirectoryId(stateDirectory: string): Promise<string | undefined> {
  const text = await readIfThere(path.join(stateDirectory, markerName));
  return /^id: ([0-9a-f-]{36})$/m.exec(text ?? "")?.[1];
}

/** The id of a state directory of ours. One that was made before there were ids gets one. */
export async function identifyStateDirectory(stateDirectory: string): Promise<string> {
  const known = await stateDirectoryId(stateDirectory);
  if (known !== undefined) return known;
  return withLock(stateDirectory, "identity", "identification", async () => {
    const id = (await stateDirectoryId(stateDirectory)) ?? randomUUID();
    await writeFileAtomically(path.join(stateDirectory, markerName), `${markerText}id: ${id}\n`, 0o644);
    return id;
  });
}

/** Refuses a directory that isn't empty and wasn't made by us. Problems: `foreign-state-directory`. */
export async function refuseForeignStateDirectory(stateDirectory: string): Promise<void> {
  const names = (await namesIn(stateDirectory)) ?? [];
  // Asked after the names: another process may have marked and filled it in between.
  if (names.length === 0 || (await isOurs(stateDirectory))) return;
  throw new LocalVolumeError(
    "foreign-state-directory",
    `The state directory ${stateDirectory} contains ${listed(names)} and wasn't created by storage-profiles. ` +
      `Choose an empty or new directory.`,
  );
}

/** Whether this state directory was made by us. */
export async function isOurs(stateDirectory: string): Promise<boolean> {
  return (await lstatIfThere(path.join(stateDirectory, markerName)))?.isFile() === true;
}

/** Whether a volume's directory exists. Problems: `symlink`, `foreign-files` for what isn't a directory on the way. */
export function volumeDirectoryExists(paths: VolumePaths): boolean {
  for (const directory of directoriesOf(paths)) {
    const stats = lstatNowIfThere(directory);
    if (stats === undefined) return false;
    if (!stats.isDirectory()) throw notADirectory(directory, stats.isSymbolicLink());
  }
  return true;
}

/** Makes the volume's directory, empty, and those above it. Problems: `symlink`, `foreign-files`. */
export async function makeVolumeDirectory(paths: VolumePaths): Promise<void> {
  // Another volume's deletion may remove an empty parent just when we have made it.
  for (let attempt = 1; ; attempt++) {
    try {
      for (const directory of directoriesOf(paths)) await makeDirectory(directory, directoryMode);
      return;
    } catch (error) {
      if (!isSystemError(error, "ENOENT") || attempt === 20) throw error;
    }
  }
}

/** Removes the volume's empty directory, and the stack's and the project's if nothing else is in them. */
export async function removeVolumeDirectory(paths: VolumePaths): Promise<void> {
  const [, ...own] = directoriesOf(paths);
  for (const directory of own.reverse()) {
    try {
      await fs.rmdir(directory);
    } catch (error) {
      if (isSystemError(error, "ENOENT")) continue;
      if (isSystemError(error, "ENOTEMPTY", "EEXIST") && directory !== paths.id) return;
      throw error;
    }
  }
}

/** Makes a directory unless it is there. Problems: `symlink`, `foreign-files`. */
export async function makeDirectory(directory: string, mode: number): Promise<void> {
  try {
    await fs.mkdir(directory, { mode });
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
    const stats = await fs.lstat(directory);
    if (!stats.isDirectory()) throw notADirectory(directory, stats.isSymbolicLink());
  }
}

/**
 * The names in the volume's directory that we can't have made; empty when there is no directory. The record is made first and
 * removed last: without one, nothing else is ours. Problems: `symlink`.
 */
export async function foreignNames(paths: VolumePaths): Promise<string[]> {
  const { record, limited, image, newImage, undo } = paths;
  const names = (await namesIn(paths.id)) ?? [];
  const hasRecord = names.includes(path.basename(record));
  const files = [
    temporaryName(record),
    ...(hasRecord ? [record, limited, temporaryName(limited), image, newImage, undo] : []),
  ];
  const directories = hasRecord ? [paths.mount, paths.data] : [];
  const foreign: string[] = [];
  for (const name of names) {
    const file = path.join(paths.id, name);
    const stats = await lstatIfThere(file);
    if (stats?.isSymbolicLink()) throw notADirectory(file, true);
    const ours = stats?.isDirectory() ? directories.includes(file) : stats?.isFile() && files.includes(file);
    if (!ours) foreign.push(name);
  }
  return foreign;
}

/** At most five names, as text. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  return shown.join(", ") + (names.length > shown.length ? ` and ${names.length - shown.length} more` : "");
}

/** The ids of the volumes in a state directory, finished or not; empty when it doesn't exist. */
export async function volumeIds(stateDirectory: string): Promise<string[]> {
  checkStateDirectory(stateDirectory);
  let directories = [path.join(stateDirectory, "volumes")];
  for (const _level of ["project", "stack", "name"]) {
    const below = await Promise.all(directories.map(directoriesIn));
    directories = below.flat();
  }
  return directories.sort();
}

/** The directories in a directory whose names can be ours; links aren't followed. */
async function directoriesIn(directory: string): Promise<string[]> {
  const entries = (await ifThere(fs.readdir(directory, { withFileTypes: true }))) ?? [];
  return entries
    .filter((entry) => entry.isDirectory() && namePattern.test(entry.name))
    .map((entry) => path.join(directory, entry.name));
}

function directoriesOf(paths: VolumePaths): string[] {
  const volumes = path.join(paths.stateDirectory, "volumes");
  const project = path.join(volumes, paths.project);
  return [volumes, project, path.join(project, paths.stack), paths.id];
}

function isCleanPath(value: string): boolean {
  return (
    path.isAbsolute(value) &&
    value !== "/" &&
    path.normalize(value) === value &&
    !value.endsWith("/") &&
    !/\p{Cc}/u.test(value)
  );
}

function notADirectory(file: string, isLink: boolean): LocalVolumeError {
  return isLink
    ? new LocalVolumeError(
        "symlink",
        `${file} is a symbolic link. Symbolic links aren't followed inside the state directory: replace it with its target.`,
      )
    : new LocalVolumeError(
        "foreign-files",
        `${file} isn't a directory and wasn't created by storage-profiles. Move it away.`,
      );
}
