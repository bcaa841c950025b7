// Every way in which an operation on a local volume can fail, and the one class that says so.
import { types } from "node:util";

/** The codes of all errors of the local backend, each with what it means. Messages add where, what is allowed and what to do. */
export const localVolumeErrors = {
  "invalid-request": "a name, size, setting or path in the request isn't allowed",
  "outside-state-directory": "a volume's id isn't of the form <state directory>/volumes/<project>/<stack>/<name>",
  "foreign-state-directory": "the state directory isn't empty and was not made by storage-profiles",
  "another-state-directory": "the state directory isn't the one that has the volume",
  "foreign-files": "there are files in the volume's place that storage-profiles didn't make",
  "foreign-mount": "something that storage-profiles didn't mount is mounted in the volume's place",
  "unsafe-directory": "others than root may exchange the state directory, or a directory on the way to it",
  symlink: "a symbolic link stands where a directory or file of ours is expected",
  "name-taken": "another owner has a volume of this name",
  "other-owner": "the volume belongs to another owner",
  "another-volume": "another volume lives where the one to delete was",
  "not-found": "there is no volume with this id",
  "not-finished": "the volume's creation, growth or deletion was interrupted",
  "record-unreadable": "the volume's record is damaged",
  "record-newer": "the volume's record was written by a newer version of storage-profiles",
  shrink: "a volume can't become smaller",
  "mode-change": "a volume can't move between a loop device and a directory",
  "data-gone": "the volume's image or data directory is gone",
  "data-foreign": "the image isn't the one that storage-profiles made, or was cut short",
  "attached-otherwise": "the image is attached to a loop device in a way that storage-profiles wouldn't",
  "disk-full": "the disk below the state directory has too little space",
  "in-use": "processes, containers or mounts still use the volume",
  locked: "another operation on the volume took too long",
  "lock-lost": "another process took over the volume while this one was stalled",
  "missing-capability": "this machine or user can't make loop devices",
  "limits-unavailable": "the limits can't be put on a cgroup",
  "file-system-damaged": "the volume's file system needs a repair by hand",
  "permission-denied": "the user may not read or write here",
  "command-failed": "a system command failed",
  "io-failed": "reading or writing failed",
} as const;

export type LocalVolumeErrorCode = keyof typeof localVolumeErrors;

/** What went wrong with a local volume, in words for the person who asked for it. Carries no stack. */
export class LocalVolumeError extends Error {
  override readonly name = "LocalVolumeError";

  constructor(
    readonly code: LocalVolumeErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.stack = `${this.name}: ${message}`;
  }
}

/** Runs `action`; an error of the operating system that comes out of it is told as a `LocalVolumeError`. */
export async function tellingErrors<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw isSystemError(error) ? told(what, error) : error;
  }
}

/** Whether this is an error of the operating system, of one of these kinds (`ENOENT`, ...) if any are given. */
export function isSystemError(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  // Not `instanceof Error`: Node's own errors aren't, where the caller runs in another context, as in jest.
  if (!types.isNativeError(error) || !("syscall" in error)) return false;
  return codes.length === 0 || codes.includes((error as NodeJS.ErrnoException).code ?? "");
}

function told(what: string, error: NodeJS.ErrnoException): LocalVolumeError {
  const where = error.path === undefined ? "" : ` at ${error.path}`;
  switch (error.code) {
    case "EACCES":
    case "EPERM":
      return new LocalVolumeError(
        "permission-denied",
        `${what}: permission denied${where}. Run as the user who made the volume (root for mode "loop").`,
        { cause: error },
      );
    case "ENOSPC":
    case "EDQUOT":
      return new LocalVolumeError("disk-full", `${what}: the disk is full${where}. Free some space and try again.`, {
        cause: error,
      });
    case "ELOOP":
      return new LocalVolumeError(
        "symlink",
        `${what}: there is a symbolic link${where}. storage-profiles follows none inside its state directory: remove it.`,
        { cause: error },
      );
    default:
      return new LocalVolumeError("io-failed", `${what}: ${error.message}`, { cause: error });
  }
}
