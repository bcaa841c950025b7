// Every way in which the work on a ContainerIO cluster can fail, and the one class that says so.

import { BackendError } from "../../backend-error";

/** The codes of all errors of the backend, each with what it means. Messages add where, and what to do. */
export const cioErrors = {
  "not-configured": "the stack's config doesn't say where the cluster's REST API is, or what is needed besides it",
  unreachable: "the API didn't answer the connection, or the command can't be run",
  "certificate-untrusted": "the API's certificate is not one that is trusted",
  "timed-out": "the cluster didn't answer in time",
  interrupted: "the connection broke before the answer was there",
  "answer-unreadable": "the answer is not what is known of the API or the command",
  refused: "the cluster refuses the operation",
  "name-taken": "another volume has the name",
  "other-volume": "the volume of that name is another one than the state has",
  "other-cluster": "the config leads to another cluster than the volume's",
  gone: "the volume is no longer on the cluster",
  shrink: "a volume can't become smaller",
  "not-possible": "the cluster doesn't support the operation, or performed a different one",
} as const;

export type CioErrorCode = keyof typeof cioErrors;

/** What went wrong with a cluster, in words for the person who asked for it. */
export class CioError extends BackendError<CioErrorCode> {
  /** Whether the request may have been carried out: it was sent, and no answer came that can be read. */
  readonly unsettled: boolean;
  /** The cluster's own words, where it refused. */
  readonly said: string | undefined;

  constructor(
    code: CioErrorCode,
    message: string,
    { unsettled = false, said }: { unsettled?: boolean; said?: string | undefined } = {},
  ) {
    super(code, message);
    this.unsettled = unsettled;
    this.said = said;
  }
}

/** Whether it is not known if the request was carried out. */
export function isUnsettled(error: unknown): error is CioError {
  return error instanceof CioError && error.unsettled;
}

/** What to do about a refusal, by the cluster's own words. */
const advice: [RegExp, string][] = [
  [/vdisk is opened/i, "Stop what uses the volume and unmount it, then run pulumi up again."],
  [/Insufficient cluster capacity/i, "Ask for less, or add drives to the cluster."],
  [/Running out of system memory/i, "Free memory on the node, or name another in the profile's `node`."],
];

/** Tells a refusal: what was to be done, the cluster's own words, and what to do. */
export function refused(what: string, said: string): CioError {
  const words = said
    .trim()
    .replace(/^(Fail|Error):\s*/i, "")
    .replace(/\.$/, "");
  const todo = advice.find(([pattern]) => pattern.test(words))?.[1];
  return new CioError("refused", `${what}: the cluster says "${words}".${todo ? ` ${todo}` : ""}`, { said: words });
}
