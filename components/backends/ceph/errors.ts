// Every way in which the work on a Ceph cluster can fail, and the one class that says so.

import type { Problem } from "../../../src";
import { BackendError } from "../../backend-error";

/** The codes of all errors of the backend, each with what it means. Messages add where, and what to do. */
export const cephErrors = {
  "not-configured": "the stack's config for the connection to the cluster is wrong",
  unreachable: "the cluster can't be reached, or its commands can't be run",
  "certificate-untrusted": "the certificate of the dashboard isn't trusted",
  interrupted: "the connection to the dashboard broke, and a change may have been carried out",
  forbidden: "the cluster rejects the user, or the user may not do this",
  "timed-out": "a command didn't end in time, or the dashboard gave no answer",
  "answer-unreadable": "the output of a command, or the answer of the dashboard, isn't what is known of it",
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
export class CephError extends BackendError<CephErrorCode> {
  /** Whether it leaves open if a change was carried out. */
  readonly unsettled: boolean;
  /** The exit status of the command that failed: the number of an error of the system. */
  readonly status: number | undefined;

  constructor(
    code: CephErrorCode,
    message: string,
    { unsettled = false, status }: { unsettled?: boolean; status?: number } = {},
  ) {
    super(code, message);
    this.unsettled = unsettled;
    this.status = status;
  }
}

/** Throws problems as one error, where there are any. */
export function refuseFor(problems: readonly Problem[]): void {
  const asSentence = ({ message, fix }: Problem) => `${message}.${fix ? ` Fix: ${fix}.` : ""}`;
  if (problems.length > 0) throw new CephError("not-possible", problems.map(asSentence).join("\n"));
}
