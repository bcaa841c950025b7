// What it means when a request to a backend fails on its way: the same for every backend that is reached over HTTP.

/** The HTTP client. Only who sends a request pays for loading it. */
export function undici(): typeof import("undici") {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed
  return require("undici") as typeof import("undici");
}

/** What the text of an answer says as JSON; nothing where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How a request failed. */
export interface TransportFailure {
  /**
   * `untrusted`: the certificate. `unreachable`: nothing was sent. `timed-out` and `interrupted`: it may have been carried out.
   */
  kind: "untrusted" | "unreachable" | "timed-out" | "interrupted";
  /** Why, in the words of what failed. */
  why: string;
}

const CERTIFICATE_CODES =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;
const UNSENT_CODES = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EPROTO", "UND_ERR_CONNECT_TIMEOUT"]);
// These come also on a connection that is there; the request may then have been carried out.
const UNSENT_AT_CONNECT = new Set(["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]);

/** Tells an error of undici. */
export function transportFailure(error: unknown): TransportFailure {
  const {
    name,
    message,
    code: given,
    syscall,
    errors = [],
  } = error as Error & Partial<NodeJS.ErrnoException> & { errors?: Error[] };
  // That of a time limit is a number, and of no use.
  const code = typeof given === "string" ? given : "";
  if (CERTIFICATE_CODES.test(code)) return { kind: "untrusted", why: message };
  const isUnsent = UNSENT_CODES.has(code) || (UNSENT_AT_CONNECT.has(code) && syscall === "connect");
  if (isUnsent || code.startsWith("ERR_SSL")) {
    // Where a name has several addresses, each has an error of its own.
    const why = [message, ...errors.map((each) => each.message)].find((each) => each !== "") ?? code;
    return { kind: "unreachable", why };
  }
  const why = message === "" ? code : message;
  if (name === "TimeoutError" || name === "AbortError" || code.endsWith("_TIMEOUT")) return { kind: "timed-out", why };
  return { kind: "interrupted", why };
}

/**
 * Carries out a change whose answer may get lost. Without a readable answer, `isDone` looks whether it was carried out; where it
 * was not, it is sent once more.
 * @param isUnsettled whether an error leaves open if the change was carried out
 */
export async function carryOut(
  send: () => Promise<unknown>,
  isDone: () => Promise<boolean>,
  isUnsettled: (error: unknown) => boolean,
): Promise<void> {
  for (let isLast = false; ; isLast = true) {
    try {
      await send();
      return;
    } catch (error) {
      if (!isUnsettled(error)) throw error;
      const done = await isDone().catch((unknown: unknown) => {
        // The first error is reported: it names the change.
        if (isUnsettled(unknown)) throw error;
        throw unknown;
      });
      if (done) return;
      if (isLast) throw error;
    }
  }
}
