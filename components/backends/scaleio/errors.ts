// Every way in which the work on an array can fail, the one class that says so, and what an array's own error codes mean.

import { BackendError } from "../../backend-error";

/** The codes of all errors of the ScaleIO backend, each with what it means. Messages add where, and what to do. */
export const scaleioErrors = {
  "not-configured": "the gateway's address or credentials are missing in the stack's config",
  unreachable: "the gateway refused the connection or didn't respond to it",
  "certificate-untrusted": "the gateway's certificate isn't trusted",
  "login-refused": "the gateway rejected the user or the password",
  forbidden: "this user doesn't have permission for the request",
  "timed-out": "the gateway didn't respond in time",
  interrupted: "the connection to the gateway was lost before the response arrived",
  "answer-unreadable": "the gateway's response doesn't match its API",
  refused: "the array rejected the operation",
  "name-taken": "another volume has this name",
  "other-array": "the gateway doesn't belong to the array with the stack's volumes",
  "other-volume": "the volume with that id has a different name than in the state",
  gone: "the volume no longer exists on the array",
  "still-mapped": "the volume is mapped to hosts outside this stack",
  shrink: "a volume can't shrink",
  "not-possible": "the array or its pool doesn't support the request",
} as const;

export type ScaleioErrorCode = keyof typeof scaleioErrors;

/** What went wrong with an array, in words for the person who asked for it. */
export class ScaleioError extends BackendError<ScaleioErrorCode> {
  /** The array's own error code, where it gave one. */
  readonly errorCode: number | undefined;
  /** Whether the request may have been carried out: it was sent, and no answer came that can be read. */
  readonly unsettled: boolean;

  constructor(
    code: ScaleioErrorCode,
    message: string,
    { errorCode, unsettled = false }: { errorCode?: number | undefined; unsettled?: boolean } = {},
  ) {
    super(code, message);
    this.errorCode = errorCode;
    this.unsettled = unsettled;
  }
}

/** Whether it is not known if the request was carried out: it had been sent, and no answer came that can be read. */
export function isUnsettled(error: unknown): error is ScaleioError {
  return error instanceof ScaleioError && error.unsettled;
}

/**
 * The error codes of the array that are told apart here. Source: goscaleio, Cinder's PowerFlex driver and PyPowerFlex, which
 * tell them apart as well.
 */
export const arrayCodes = {
  notFound: 3,
  volumeNotFound: 79,
  sdcNotFound: 80,
  alreadyMapped: 81,
  notMapped: 84,
  nameInUse: 99,
  volumeMapped: 104,
} as const;

/** What to do about an error of the array, by its code; what isn't here has the array's own words only. */
const advice: Readonly<Record<number, string>> = {
  3: "Refresh the state (pulumi refresh), and check whether it was removed outside Pulumi.",
  64: "Check the profile's settings against docs/scaleio.md.",
  79: "It was removed outside Pulumi: run pulumi refresh, then pulumi up to create it again.",
  80: "The SDC is no longer registered with this array: run pulumi refresh, and use another SDC in the mapping.",
  82: "First unmap it from all SDCs, outside Pulumi.",
  86: "First unmap it from all SDCs, outside Pulumi.",
  96: "Use another storage pool.",
  97: "The array has reached its maximum number of volumes: remove some.",
  99: "Choose another physicalName, or import that volume with `import`.",
  104: "Unmap it first.",
  133: "Set the size to its current size, or more.",
  142: "Check storage-profiles:scaleio.protectionDomain, and the profile's protectionDomain.",
  166: "See the array's events for the reason.",
  168: "The user in scaleio:username needs a role that may change volumes (FrontendConfigure, or StorageAdmin on 4.x).",
  171: "Check storage-profiles:scaleio.storagePool, and the profile's storagePool.",
  174: "Check storage-profiles:scaleio.storagePool, and the profile's storagePool.",
  182: "Remove snapshots of the volume first.",
  190: "Reduce the size.",
  197: "The storage pool is in another protection domain: check the profile's protectionDomain and storagePool.",
  212: "Wait until it is removed, and run pulumi up again.",
  225: "Sizes are multiples of 8 GiB.",
  226: "Shorten or remove physicalName.",
  227: "Remove physicalName, or use only letters, digits, dots, dashes and underscores.",
  306: "Unmap it from the other SDC first: this version supports only one SDC per volume.",
};

/** An answer of the gateway that says no. */
export interface Refusal {
  status: number;
  /** 0: the gateway itself found the request wrong. Else the array's code. `undefined`: the body was no such answer. */
  errorCode?: number | undefined;
  message?: string | undefined;
}

/** Tells a refusal: what was to be done to what, the array's own words, its code, and what to do. */
export function refused(what: string, { status, errorCode, message }: Refusal): ScaleioError {
  const said = message ? `the array says "${message.trim().replace(/\.$/, "")}"` : `the gateway answered ${status}`;
  const code = errorCode ? ` (code ${errorCode})` : message ? ` (status ${status})` : "";
  const todo = errorCode === undefined ? undefined : advice[errorCode];
  // The array's own refusals have a code. Without one, the gateway failed, before or after the array had done it.
  const unsettled = status >= 500 && !errorCode;
  return new ScaleioError("refused", `${what}: ${said}${code}.${todo ? ` ${todo}` : ""}`, { errorCode, unsettled });
}

/** Whether the array refused with one of these codes. */
export function isRefusal(error: unknown, ...codes: number[]): error is ScaleioError {
  return error instanceof ScaleioError && error.errorCode !== undefined && codes.includes(error.errorCode);
}
