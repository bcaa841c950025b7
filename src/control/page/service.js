// Asks the service, and follows operations.

/** An answer that isn't what was asked for, with all its problems. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.description ?? `The service answered ${status}.`);
    this.status = status;
    this.errors = body?.errors ?? [];
  }
}

/** The stack that is looked at. */
export const chosen = { stack: undefined };

/** Asks; gives the body and the headers that matter. */
export async function ask(path, { method = "GET", query = {}, body, tag } = {}) {
  const url = new URL(path, location.href);
  const all = { ...query, ...(chosen.stack && path !== "/v1/version" && { stack: chosen.stack }) };
  for (const [name, value] of Object.entries(all)) if (value !== undefined) url.searchParams.set(name, value);
  const response = await fetch(url, {
    method,
    headers: {
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(tag === undefined ? {} : { "X-If-Configuration-Matches": tag }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const parsed = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : undefined;
  if (!response.ok) throw new Refused(response.status, parsed);
  return {
    body: parsed,
    text,
    tag: response.headers.get("X-Configuration-Tag") ?? undefined,
    readAt: response.headers.get("X-State-Read-At") ?? undefined,
  };
}

/** Follows an operation. A connection that breaks is taken up again where it was; the service says when nothing will follow. */
export function follow(id, onEvent, onEnd) {
  const url = new URL(`/v1/operations/${id}/events`, location.href);
  if (chosen.stack) url.searchParams.set("stack", chosen.stack);
  const source = new EventSource(url);
  const types = ["state", "resource", "message", "summary"];
  for (const type of types) source.addEventListener(type, (event) => onEvent(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) onEnd();
  });
  return () => source.close();
}
