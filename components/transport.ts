// What it means when a request to a backend fails on its way: the same for every backend that is reached over HTTP.

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
const UNSENT_CODES = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPROTO",
  "UND_ERR_CONNECT_TIMEOUT",
]);

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
  // Also a connection that is there can time out, and then the request may have been carried out.
  const isUnsent = UNSENT_CODES.has(code) || (code === "ETIMEDOUT" && syscall === "connect");
  if (isUnsent || code.startsWith("ERR_SSL")) {
    // Where a name has several addresses, each has an error of its own.
    const why = [message, ...errors.map((each) => each.message)].find((each) => each !== "") ?? code;
    return { kind: "unreachable", why };
  }
  const why = message === "" ? code : message;
  if (name === "TimeoutError" || name === "AbortError" || code.endsWith("_TIMEOUT")) return { kind: "timed-out", why };
  return { kind: "interrupted", why };
}
