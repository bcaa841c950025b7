// Every way in which the work on a Ceph cluster can fail, and the one class that says so.

import { BackendError } from "../../backend-error";

/** The codes of all errors of the backend, each with what it means. Messages add where, and what to do. */
export const cephErrors = {
  "not-configured": "the stack's config for the connection to the cluster is wrong",
  unreachable: "the cluster can't be reached, or its commands can't be run",
  forbidden: "the cluster rejects the user, or the user may not do this",
  "timed-out": "a command didn't end in time",
  "answer-unreadable": "the output of a command isn't what is known of it",
  "pool-missing": "the cluster has no pool of that name",
  exists: "an image of that name exists",
  full: "the pool is full, and nothing can be written to it",
  "in-use": "a client has the image open",
  "has-snapshots": "the image has snapshots",
  refused: "the cluster refuses the operation",
  "name-taken": "another image has the name",
  "other-volume": "the image of that name is another one than the state has",
  "other-pool": "the pool of the state has another name or owner on the cluster",
  "other-cluster": "the state's volume or pool is on another cluster",
  gone: "the image or pool is no longer on the cluster",
  shrink: "a volume can't become smaller",
  "not-possible": "the cluster can't do what was asked for",
} as const;

export type CephErrorCode = keyof typeof cephErrors;

/** What went wrong with a cluster, in words for the person who asked for it. */
export class CephError extends BackendError<CephErrorCode> {}
