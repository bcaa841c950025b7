// Every way in which an operation on a local volume can fail, and the one class that says so.
import { types } from "node:util";

import { BackendError } from "../backend-error";

/** The codes of all errors of the local backend, each with what it means. Messages add where, what is allowed and what to do. */
export const localVolumeErrors = {
  "invalid-request": "a name, size, setting or path in the request isn't allowed",
  "outside-state-directory": "a volume's id isn't of the form <state directory>/volumes/<project>/<stack>/<name>",
  "foreign-state-directory": "the state directory isn't empty and was not created by storage-profiles",
  "another-state-directory": "the state directory isn't the one that contains the volume",
  "foreign-files": "the volume's location contains files that storage-profiles didn't create",
  "foreign-mount": "something that storage-profiles didn't mount is mounted at the volume's location",
  "unsafe-directory": "users other than root can replace the state directory or a parent directory",
  symlink: "a symbolic link was found instead of a directory or file of storage-profiles",
  "name-taken": "another owner has a volume with this name",
  "other-owner": "the volume belongs to another owner",
  "another-volume": "another volume exists in place of the one to delete",
  "not-found": "there is no volume with this id",
  "not-finished": "the volume's creation, growth or deletion was interrupted",
  "record-unreadable": "the volume's record is damaged",
  "record-newer": "the volume's record was written by a newer version of storage-profiles",
  shrink: "a volume can't shrink",
  "mode-change": "a volume can't be converted between a loop device and a directory",
  "data-gone": "the volume's image or data directory is missing",
  "data-foreign": "the image isn't the one that storage-profiles created, or is truncated",
  "attached-otherwise": "the image is attached to a loop device in an unsupported way",
  "disk-full": "the disk of the state directory has too little space",
  "in-use": "processes, containers or mounts still use the volume",
  locked: "another operation on the volume took too long",
  "lock-lost": "another process took over the volume while this one was stalled",
  "missing-capability": "this machine or user can't create loop devices",
  "limits-unavailable": "the limits can't be set on a cgroup",
  "file-system-damaged": "the volume's file system must be repaired manually",
  "permission-denied": "the user has no permission to read or write here",
  "command-failed": "a system command failed",
  "io-failed": "reading or writing failed",
} as const;

export type LocalVolumeErrorCode = keyof typeof localVolumeErrors;

/** What went wrong with a local volume, in words for the person who asked for it. */
export class LocalVolumeError extends BackendError<LocalVolumeErrorCode> {}

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
        `${what}: permission denied${where}. Run as the user who created the volume (root for mode "loop").`,
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
        `${what}: symbolic link${where}. Symbolic links aren't followed inside the state directory: remove it.`,
        { cause: error },
      );
    default:
      return new LocalVolumeError("io-failed", `${what}: ${error.message}`, { cause: error });
  }
}
