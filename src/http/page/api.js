// Asking the service. Credentials, where they are asked for, are the browser's affair: the service has it ask for a token when the page
// is opened.

/**
 * The answers, as docs/http.md and /v1/openapi.json have them.
 *
 * @typedef {import("../../core/problems").Problem} Problem
 * @typedef {import("../../core/problems").Note} Note
 * @typedef {import("../../stack/types").VolumeStatus} VolumeStatus
 * @typedef {import("../../stack/types").VolumePlan} VolumePlan
 * @typedef {import("../../stack/types").OperationReport} OperationReport
 * @typedef {import("../../stack/types").OperationEvent} OperationEvent
 * @typedef {{ name: string, origin: "built-in" | "catalog" | "stack", file?: string, line?: number, description: string, lineage: string[], definition?: Record<string, unknown>,
 *   backends: Record<string, { section: Record<string, unknown> }>, problem?: Problem, volumes: string[] }} Profile
 * @typedef {{ backend: string, volume?: { sizeGiB: number, settings: Record<string, unknown>, revision: string },
 *   problems: Problem[], notes: Note[], monthlyCost?: { amount: number, currency: string } }} Resolution
 * @typedef {{ profile: string, sizeGiB: number, resolutions: Resolution[] }} Resolutions
 * @typedef {{ changed: boolean, dryRun: boolean, touched: VolumePlan[], diff: string, stateUnknown?: Problem, commit?: string }} Edited
 * @typedef {{ project: string, stacks: string[], role: "read" | "write" | "admin" }} Version
 */

/**
 * An answer: its body, and what its headers say of it.
 *
 * @template T
 * @typedef {{ body: T, tag: string, readAt: string }} Answer
 */

/**
 * Starts an operation, or says why it can't be.
 *
 * @typedef {(what: () => Promise<Answer<OperationReport>>) => Promise<void>} Start
 */

const TIMEOUT_MS = 60_000;

/** The stack that is looked at, as the page's own address says it; empty: the service's first. */
export const stack = new URLSearchParams(location.search).get("stack") ?? "";

/** An answer that says no, or none at all (`status` 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} description
   * @param {Problem[]} [errors]
   */
  constructor(status, description, errors = []) {
    super(description);
    this.status = status;
    this.errors = errors;
  }
}

/**
 * @template T
 * @param {string} path
 * @returns {Promise<Answer<T>>}
 */
export function get(path) {
  return call("GET", path);
}

/**
 * @template T
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<Answer<T>>}
 */
export function post(path, body = {}, headers = {}) {
  return call("POST", path, body, headers);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 */
async function call(method, path, body, headers = {}) {
  const response = await ask(path, {
    method,
    headers: {
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return {
    body: await response.json(),
    tag: response.headers.get("x-configuration-tag") ?? "",
    readAt: response.headers.get("x-state-read-at") ?? "",
  };
}

/**
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<Response>} one that says yes
 */
async function ask(path, init) {
  // Not what the page was opened with: a name and a password in an address are refused by browsers.
  const url = new URL(path, location.origin + location.pathname);
  if (stack !== "" && path !== "v1/version") url.searchParams.set("stack", stack);
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, { ...init, cache: "no-store" });
  } catch (error) {
    if (init.signal?.aborted && !isTimeout(init.signal)) throw error;
    throw new ApiError(
      0,
      isTimeout(init.signal) ? "The service did not respond in time." : "The service can't be reached.",
    );
  }
  if (response.ok) return response;
  throw await errorOf(response);
}

/** @param {AbortSignal | null | undefined} signal */
function isTimeout(signal) {
  return signal?.aborted === true && signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
}

/** @param {Response} response */
async function errorOf(response) {
  const body = await response.json().catch(() => ({}));
  const description =
    typeof body.description === "string" ? body.description : `The service answered ${response.status}.`;
  return new ApiError(response.status, description, Array.isArray(body.errors) ? body.errors : []);
}

/**
 * What happens in an operation, from its beginning until its end. `EventSource` would do, but doesn't tell why it is refused. A
 * connection that breaks is made again, and goes on where it was.
 *
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<OperationEvent>}
 */
export async function* events(id, signal) {
  let last = "";
  for (let failures = 0; !signal.aborted;) {
    try {
      const response = await ask(`v1/operations/${encodeURIComponent(id)}/events`, {
        headers: { accept: "text/event-stream", ...(last === "" ? {} : { "last-event-id": last }) },
        signal,
      });
      if (response.status === 204) return; // nothing will follow
      for await (const message of messages(response)) {
        failures = 0;
        if (message.id !== undefined) last = message.id;
        if (message.data !== "") yield JSON.parse(message.data);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
    }
    const wait = Math.min(15_000, 250 * 2 ** failures++);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/**
 * The text of server-sent events, taken apart.
 *
 * @param {Response} response
 * @returns {AsyncGenerator<{ id: string | undefined, data: string }>}
 */
async function* messages(response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  try {
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        /** @type {{ id: string | undefined, data: string[] }} */
        const message = { id: undefined, data: [] };
        for (const line of block.split("\n")) {
          const [, field, text = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
          if (field === "id") message.id = text;
          else if (field === "data") message.data.push(text);
        }
        yield { ...message, data: message.data.join("\n") };
      }
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
