// The record of the calls that the gateway has got. Logins have no body in it, and headers aren't recorded at all.
import type { RequestSubject } from "./requests";

/** A recorded call. */
export interface Call extends RequestSubject {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** When it arrived, on the gateway's clock (ISO 8601). */
  readonly at: string;
  /** Null as long as there is no answer, and for good where a fault kept it away. */
  readonly status: number | null;
  readonly errorCode?: number;
  /** What was sent to /api, as JSON. */
  readonly body?: unknown;
}

/** A call that is going on. */
export type OpenCall = { -readonly [Key in keyof Call]: Call[Key] };

/** So many are kept; a gateway may run for days. */
const KEPT = 10_000;

export class CallLog {
  readonly #calls: OpenCall[] = [];

  open(call: OpenCall): OpenCall {
    this.#calls.push(call);
    if (this.#calls.length > KEPT) this.#calls.shift();
    return call;
  }

  all(): Call[] {
    return structuredClone(this.#calls);
  }

  clear(): void {
    this.#calls.length = 0;
  }
}
