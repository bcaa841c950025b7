// Small file operations that never follow a symbolic link at their end and survive a crash.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  promises as fs,
  readFileSync,
  type Stats,
} from "node:fs";
import * as path from "node:path";

import { isSystemError } from "./errors";

/** Opens nothing that keeps us waiting: a FIFO in the place of a file would, for ever. No change for a file. */
const { O_NONBLOCK } = constants;

/** What a half-written file is called; a kill may leave one behind, and it holds nothing of value. */
export function temporaryName(file: string): string {
  return `${file}.new`;
}

/**
 * Replaces a file in one step: after a crash there is the old or the new content, never half of it. For one writer at a time
 * (the callers hold the volume's lock). Not `write-file-atomic`: its temporary names can't be told from foreign files, it
 * follows a link planted there, and it doesn't sync the directory.
 */
export async function writeFileAtomically(file: string, content: string, mode = 0o600): Promise<void> {
  const temporary = temporaryName(file);
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const handle = await fs.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(temporary, file);
  await syncDirectory(path.dirname(file));
}

/** The file's content; undefined when there is none, and nothing of what is no file. A symbolic link is refused (`ELOOP`). */
export async function readIfThere(file: string): Promise<string | undefined> {
  let handle: fs.FileHandle;
  try {
    handle = await fs.open(file, constants.O_RDONLY | constants.O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    return (await handle.stat()).isFile() ? await handle.readFile("utf8") : "";
  } finally {
    await handle.close();
  }
}

/** The same, without giving others of this process a turn: for a small file that is read often. */
export function readNowIfThere(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    return fstatSync(descriptor).isFile() ? readFileSync(descriptor, "utf8") : "";
  } finally {
    closeSync(descriptor);
  }
}

/** What is at the path itself (a link isn't followed); undefined when nothing is. */
export async function lstatIfThere(file: string): Promise<Stats | undefined> {
  return ifThere(fs.lstat(file));
}

/** The same, without giving others of this process a turn. */
export function lstatNowIfThere(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (isSystemError(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

/** The names in a directory; undefined when there is no directory. */
export async function namesIn(directory: string): Promise<string[] | undefined> {
  return ifThere(fs.readdir(directory));
}

/** The result; undefined when what was asked for doesn't exist. */
export async function ifThere<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Makes the creations, renames and removals in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await fs.open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Opens a directory; a symbolic link at its end is refused (`ELOOP` or `ENOTDIR`). */
export async function openDirectory(directory: string): Promise<fs.FileHandle> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  return fs.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/**
 * A path to an open directory itself, whatever its name leads to by now; for this process and those that it starts. Where the
 * system has none, the name.
 */
export function pathOf(handle: fs.FileHandle, name: string): string {
  return process.platform === "linux" ? `/proc/${process.pid}/fd/${handle.fd}` : name;
}

/**
 * Removes a directory with all that is in it, and never leaves its mount: one found inside stops it with `EXDEV`. (`fs.rm` would empty
 * whatever is mounted there.) Others may exchange what is inside for links meanwhile: each directory is entered by its parent's
 * descriptor, and no link is ever followed. The directories above must not be exchanged.
 */
export async function removeTree(directory: string): Promise<void> {
  const handle = await openDirectory(directory);
  try {
    await removeContent(handle, directory, await mountOf(handle));
  } finally {
    await handle.close();
  }
  await fs.rmdir(directory);
}

async function removeContent(directory: fs.FileHandle, name: string, mount: string): Promise<void> {
  const at = pathOf(directory, name);
  for await (const entry of await fs.opendir(at)) {
    const [inside, insideName] = [path.join(at, entry.name), path.join(name, entry.name)];
    await removeEntry(inside, entry.isDirectory(), () => removeDirectory(inside, insideName, mount));
  }
}

/** How often an entry may turn out to be something else than a moment ago. */
const exchanges = 100;

async function removeEntry(file: string, isDirectory: boolean, asDirectory: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await (isDirectory ? asDirectory() : fs.unlink(file));
      return;
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return;
      // Only Linux has a code of its own for directories.
      const otherwise = isDirectory ? ["ENOTDIR", "ELOOP"] : [process.platform === "linux" ? "EISDIR" : "EPERM"];
      if (!isSystemError(error, ...otherwise) || attempt === exchanges) throw error;
      isDirectory = !isDirectory;
    }
  }
}

async function removeDirectory(directory: string, name: string, mount: string): Promise<void> {
  const handle = await openDirectory(directory);
  try {
    if ((await mountOf(handle)) !== mount) {
      const message = `Something is mounted at ${name}. Unmount it and try again.`;
      throw Object.assign(new Error(message), { code: "EXDEV", syscall: "rmdir", path: name });
    }
    await removeContent(handle, name, mount);
  } finally {
    await handle.close();
  }
  await fs.rmdir(directory);
}

/** Which mount an open directory is on: a bind mount of the same file system is another one. */
async function mountOf(handle: fs.FileHandle): Promise<string> {
  const info = (await readIfThere(`/proc/self/fdinfo/${handle.fd}`)) ?? "";
  return /^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? String((await handle.stat()).dev);
}

/** What the text says; undefined when there is none or it isn't JSON. */
export function parsedJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Resolves after so many milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
