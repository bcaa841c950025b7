// Every way in which the work on an array can fail, the one class that says so, and what an array's own error codes mean.

/** The codes of all errors of the ScaleIO backend, each with what it means. Messages add where, and what to do. */
export const scaleioErrors = {
  "not-configured": "the stack's config doesn't say where the gateway is, or how to log in",
  unreachable: "the gateway didn't answer the connection",
  "certificate-untrusted": "the gateway's certificate is not one that is trusted",
  "login-refused": "the gateway refuses the user or the password",
  forbidden: "the gateway refuses the request to this user",
  "timed-out": "the gateway didn't answer in time",
  interrupted: "the connection to the gateway broke before the answer was there",
  "answer-unreadable": "the gateway's answer is not what its API says",
  refused: "the array refuses the operation",
  "name-taken": "another volume has the name",
  "other-array": "the gateway belongs to another array than the one that has the stack's volumes",
  "other-volume": "the volume of that id has another name than the state has",
  gone: "the volume is no longer on the array",
  "still-mapped": "the volume is mapped to hosts that this stack doesn't know",
  shrink: "a volume can't become smaller",
  "not-possible": "the array or its pool can't do what is asked for",
} as const;

export type ScaleioErrorCode = keyof typeof scaleioErrors;

/** What went wrong with an array, in words for the person who asked for it. Carries no stack and no secret. */
export class ScaleioError extends Error {
  override readonly name = "ScaleioError";
  /** The array's own error code, where it gave one. */
  readonly errorCode: number | undefined;
  /** Whether the request may have been carried out: it was sent, and no answer came that can be read. */
  readonly unsettled: boolean;

  constructor(
    readonly code: ScaleioErrorCode,
    message: string,
    { errorCode, unsettled = false }: { errorCode?: number | undefined; unsettled?: boolean } = {},
  ) {
    super(message);
    this.errorCode = errorCode;
    this.unsettled = unsettled;
    this.stack = `${this.name}: ${message}`;
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
  3: "Refresh the state (pulumi refresh), and see whether it was removed by other means.",
  64: "Check the profile's settings against docs/scaleio.md.",
  79: "It was removed by other means: run pulumi refresh, then pulumi up makes it anew.",
  80: "The SDC is no longer registered with this array: run pulumi refresh, and name another in the mapping.",
  82: "Unmap it from all SDCs first, by other means.",
  86: "Unmap it from all SDCs first, by other means.",
  96: "Take another storage pool.",
  97: "The array has as many volumes as it can: remove some.",
  99: "Choose another physicalName, or take that volume over with `import`.",
  104: "Unmap it first.",
  133: "Ask for the size that it has, or more.",
  142: "Check storage-profiles:scaleio.protectionDomain, and the profile's protectionDomain.",
  166: "See the array's events for the reason.",
  168: "The user in scaleio:username needs a role that may change volumes (FrontendConfigure, or StorageAdmin on 4.x).",
  171: "Check storage-profiles:scaleio.storagePool, and the profile's storagePool.",
  174: "Check storage-profiles:scaleio.storagePool, and the profile's storagePool.",
  182: "Remove snapshots of the volume first.",
  190: "Ask for less.",
  197: "The storage pool is in another protection domain: see the profile's protectionDomain and storagePool.",
  212: "Wait until it is removed, and run pulumi up again.",
  225: "Sizes are multiples of 8 GiB.",
  226: "Shorten physicalName, or leave it out.",
  227: "Leave physicalName out, or use letters, digits, dots, dashes and underscores only.",
  306: "Unmap it from the other SDC first: this version maps a volume to one SDC only.",
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
