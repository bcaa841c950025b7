// Who may ask what: credentials, roles, and that no web page of somebody else asks in a user's name.

import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";

import { httpError } from "./errors";
import type { ServiceOptions, Listening } from "./options";
import { admits, tokenChecker, type Identity } from "./tokens";

/** Finds out who makes a request; throws a `HttpError` of 401 where that isn't known, and of 403 where a certificate has no role. */
export type Authenticator = (request: IncomingMessage) => Identity;

export function makeAuthenticator(options: ServiceOptions, { tls }: Listening): Authenticator {
  const check = options.tokens === undefined ? undefined : tokenChecker(options.tokens);
  const ways = [...(check ? ["a bearer token"] : []), ...(tls?.ca ? ["a client certificate"] : [])];
  if (ways.length === 0) return () => ({ name: "this machine", role: "admin", by: "machine" });
  return (request) => {
    const token = check && tokenOf(request.headers.authorization);
    const byToken = token === undefined ? undefined : check?.(token);
    if (byToken) return byToken;
    const name = tls?.ca && token === undefined ? commonName(request) : undefined;
    if (name !== undefined) {
      const role = own(options.clientRoles, name) ?? own(options.clientRoles, "*");
      if (role) return { name, role, by: "certificate" };
      throw httpError("request-forbidden", "certificate", name, { role: "", needed: "read" });
    }
    // Basic, so that a browser asks for the token (as the password) when the page is opened. Each in a line of its own: Chromium takes
    // a line for one challenge.
    const challenge = {
      "WWW-Authenticate": [
        'Bearer realm="storage-profiles"',
        'Basic realm="storage-profiles: any name, the token as password"',
      ],
    };
    throw httpError("request-unauthenticated", "authorization", undefined, { ways }, check ? challenge : {});
  };
}

/** Refuses what only an admin may, on a route that is open to others. Error: `request-forbidden`. */
export function needsAdmin({ role }: Identity, path: string): void {
  if (!admits(role, "admin")) throw httpError("request-forbidden", path, undefined, { role, needed: "admin" });
}

function tokenOf(header: string | undefined): string | undefined {
  const [, scheme = "", value = ""] = /^(Bearer|Basic) +([A-Za-z0-9+/=._~-]{1,4096})$/i.exec(header ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return undefined;
  const text = Buffer.from(value, "base64").toString("utf8");
  return text.includes(":") ? text.slice(text.indexOf(":") + 1) : undefined;
}

function commonName(request: IncomingMessage): string | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  // A session that is taken up again counts as authorized, and may have no certificate all the same.
  const { subject } = socket.getPeerCertificate() as { subject?: { CN?: string | string[] } };
  const name = subject?.CN;
  return typeof name === "string" ? name : undefined;
}

function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}

/**
 * Refuses what a web page elsewhere may have sent: a name in `Host` that isn't ours (a page whose name was made to point at this
 * machine), an origin that isn't ours, a browser's own word that it comes from another site.
 */
export function makeOriginCheck(
  options: ServiceOptions,
  { address, tls }: Listening,
): (request: IncomingMessage) => void {
  const names = new Set([
    "localhost",
    "127.0.0.1",
    "[::1]",
    ...(options.hostNames ?? []).map((each) => each.toLowerCase()),
  ]);
  if (!("socket" in address)) names.add(address.host.includes(":") ? `[${address.host}]` : address.host.toLowerCase());
  // A browser reaches no Unix socket, and elsewhere the certificate holds the name and every request has credentials.
  const hasFixedNames = !("socket" in address) && (address.isLoopback || (options.hostNames ?? []).length > 0);
  const allowed = `one of ${[...names].join(", ")}`;
  return ({ method = "GET", headers }) => {
    const host = (headers.host ?? "").toLowerCase();
    if (hasFixedNames && !names.has(host.replace(/:\d+$/, "")))
      throw httpError("request-foreign", "host", headers.host, { why: "Host header not allowed", allowed });
    const { origin } = headers;
    const expected = `${tls ? "https" : "http"}://${host}`;
    if (origin !== undefined && origin.toLowerCase() !== expected)
      throw httpError("request-foreign", "origin", origin, {
        why: "the request comes from another origin",
        allowed: expected,
      });
    const site = headers["sec-fetch-site"];
    const isRead = method === "GET" || method === "HEAD";
    if (!isRead && site !== undefined && site !== "same-origin" && site !== "none")
      throw httpError("request-foreign", "sec-fetch-site", site, {
        why: "the request comes from another site",
        allowed: "same-origin",
      });
  };
}

/** On every answer. The page has no inline script or style, and no part from elsewhere. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
};
