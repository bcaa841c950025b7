// Small file operations that never follow a symbolic link at their end and survive a crash.
import { constants, promises as fs, type Stats } from "node:fs";
import * as path from "node:path";

import { isSystemError } from "./errors";

/** What a half-written file is called; a kill may leave one behind, and it holds nothing of value. */
export function temporaryName(file: string): string {
  return `${file}.new`;
}

/**
 * Replaces a file in one step: after a crash there is the old or the new content, never half of it. For one writer at a time
 * (the callers hold the volume's lock). Not `write-file-atomic`: its temporary names can't be told from foreign files, it
 * follows a link planted there, and it doesn't sync the directory.
 */
export async function writeFileAtomically(file: string, content: string): Promise<void> {
  const temporary = temporaryName(file);
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const handle = await fs.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(temporary, file);
  await syncDirectory(path.dirname(file));
}

/** The file's content; undefined when there is none. A symbolic link is refused (`ELOOP`). */
export async function readIfThere(file: string): Promise<string | undefined> {
  let handle: fs.FileHandle;
  try {
    handle = await fs.open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

/** What is at the path itself (a link isn't followed); undefined when nothing is. */
export async function lstatIfThere(file: string): Promise<Stats | undefined> {
  return ifThere(fs.lstat(file));
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

/**
 * Removes a directory with all that is in it, and never leaves its file system: a mount found inside stops it with `EXDEV`.
 * (`fs.rm` would empty whatever is mounted there.)
 */
export async function removeTree(directory: string): Promise<void> {
  const { dev } = await fs.lstat(directory);
  await removeWithin(directory, dev);
}

async function removeWithin(directory: string, device: number): Promise<void> {
  const entries = await fs.opendir(directory);
  for await (const entry of entries) {
    const inside = path.join(directory, entry.name);
    if (!entry.isDirectory()) {
      await fs.unlink(inside);
    } else if ((await fs.lstat(inside)).dev === device) {
      await removeWithin(inside, device);
    } else {
      throw Object.assign(new Error(`${inside} is on another file system`), {
        code: "EXDEV",
        syscall: "rmdir",
        path: inside,
      });
    }
  }
  await fs.rmdir(directory);
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
