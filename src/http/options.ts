// What the service is started with, and the rules of listening: loopback or a Unix socket; elsewhere only with TLS and with an
// authentication. What is unsafe is refused before anything listens.

import { readFileSync } from "node:fs";
import { isIP } from "node:net";

import type { Problem } from "../core/problems";
import { StackError, type Project } from "../stack";
import { roles, type Role } from "./tokens";
import { problem, stackError } from "./problems";

/** Where the service listens when nothing is said. */
export const DEFAULT_LISTEN = "127.0.0.1:4523";

export interface ServiceOptions {
  project: Project;
  /** The stacks that are served; a request that names none means the first. Default: the project's default stack. */
  stacks?: readonly string[] | undefined;
  /** `127.0.0.1:4523`, `[::1]:4523`, `unix:/run/storage-profiles.sock`, `0.0.0.0:4523`. Port 0: any that is free. */
  listen?: string | undefined;
  /** Files of PEM. */
  tlsCert?: string | undefined;
  tlsKey?: string | undefined;
  /** A CA: who has a certificate of it is known by the certificate's common name. */
  clientCa?: string | undefined;
  /** The role of a common name; `*` is everybody with a certificate of the CA. Who isn't here may do nothing. */
  clientRoles?: Readonly<Record<string, Role>> | undefined;
  /** The file of tokens, see `makeToken`. Then every request needs one, on loopback and on a Unix socket too. */
  tokens?: string | undefined;
  /** Further names by which the service is reached, as in `Host`. */
  hostNames?: readonly string[] | undefined;
  /** The audit log, which is only ever added to. Default: `audit.jsonl` beside the operations' reports. */
  auditLog?: string | undefined;
  /** `fatal`, `error`, `warn`, `info`, `debug`, or `silent`. Default: `info`. */
  logLevel?: string | undefined;
  /** Takes the lines of the log. Default: standard error. */
  logTo?: { write(line: string): void } | undefined;
  /** Whether /healthz and /readyz answer without credentials. Default: false. */
  openHealth?: boolean | undefined;
  limits?: Partial<Limits> | undefined;
  /** Whether each edit is committed, with the caller as its author, and pushed to the upstream of the checkout. Default: false. */
  commit?: boolean | undefined;
}

/** What one client may ask. */
export interface Limits {
  /** Requests in 10 seconds. Default: 1000. 0: any number. */
  requests: number;
  /** Writes in 10 seconds. Default: 100. 0: any number. */
  writes: number;
  /** Requests with wrong credentials in 60 seconds. Default: 20. */
  failures: number;
  /** Operations that wait or run for one stack. Default: 100. */
  operations: number;
  /** Event streams that are open at once. Default: 64. */
  streams: number;
}

export const defaultLimits: Limits = { requests: 1000, writes: 100, failures: 20, operations: 100, streams: 64 };

/** The largest body, in bytes. */
export const BODY_LIMIT = 256 * 1024;

/** Where to listen. */
export type Address = { socket: string } | { host: string; port: number; isLoopback: boolean };

/** The options, checked. */
export interface Listening {
  address: Address;
  tls?: { cert: Buffer; key: Buffer; ca?: Buffer };
}

/** Checks where and how to listen. Errors, all at once: `listen-unsafe`, `service-option-invalid`. */
export function checkListening(options: Omit<ServiceOptions, "project">): Listening {
  const problems: Problem[] = [];
  const wrong = (path: string, given: unknown, why: string, allowed: string) =>
    problems.push(problem("service-option-invalid", path, given, { why, allowed }));
  const text = options.listen ?? DEFAULT_LISTEN;
  const address = parseAddress(text);
  if (!address) wrong("listen", text, `invalid address "${text}"`, "`HOST:PORT`, `[IPv6]:PORT` or `unix:/PATH`");
  const read = (path: "tlsCert" | "tlsKey" | "clientCa"): Buffer | undefined => {
    const file = options[path];
    if (file === undefined) return undefined;
    try {
      return readFileSync(file);
    } catch (error) {
      wrong(path, file, `${file} can't be read: ${(error as Error).message}`, "a PEM file");
      return undefined;
    }
  };
  const [cert, key, ca] = [read("tlsCert"), read("tlsKey"), read("clientCa")];
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined))
    wrong("tls", undefined, "certificate and key must be given together", "both or neither");
  if (options.clientCa !== undefined && options.tlsCert === undefined)
    wrong(
      "clientCa",
      options.clientCa,
      "client certificates require TLS",
      "also a certificate and a key for the service",
    );
  if (options.clientCa !== undefined && Object.keys(options.clientRoles ?? {}).length === 0)
    wrong("clientRoles", undefined, "no client certificate name has a role", "NAME=read|write|admin, or *=read");
  // Without them, whoever reaches a loopback address is an admin, whatever the roles say.
  if (options.clientCa === undefined && Object.keys(options.clientRoles ?? {}).length > 0)
    wrong("clientRoles", undefined, "roles of client certificates require their CA", "also the CA: --client-ca");
  for (const [name, role] of Object.entries(options.clientRoles ?? {})) {
    if (!roles.includes(role)) wrong("clientRoles", `${name}=${role}`, `unknown role "${role}"`, roles.join(", "));
  }
  if (address && !("socket" in address) && !address.isLoopback) {
    const missing = [
      ...(options.tlsCert === undefined ? ["TLS"] : []),
      ...(options.tokens === undefined && options.clientCa === undefined ? ["authentication"] : []),
    ];
    if (missing.length > 0) problems.push(problem("listen-unsafe", "listen", text, { address: text, missing }));
  }
  const [first, ...others] = problems;
  if (first) throw new StackError([first, ...others]);
  if (!address)
    throw stackError("service-option-invalid", "listen", text, { why: "missing address", allowed: "`HOST:PORT`" });
  return { address, ...(cert && key ? { tls: { cert, key, ...(ca && { ca }) } } : {}) };
}

function parseAddress(text: string): Address | undefined {
  if (text.startsWith("unix:")) {
    const socket = text.slice("unix:".length);
    // Longer paths are cut off by the kernel.
    return socket.startsWith("/") && Buffer.byteLength(socket) <= 107 ? { socket } : undefined;
  }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535 || (bracketed !== undefined && isIP(bracketed) !== 6)) return undefined;
  return { host, port, isLoopback: isLoopback(host) };
}

// A name other than localhost may mean anything tomorrow.
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
