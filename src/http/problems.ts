// The problems that only the HTTP service has: its requests, and its options.

import { count, defineProblems, either, listed, problemKind } from "../core/problems";
import { errorsOf, oneProblem } from "../stack/errors";
import { stackProblems } from "../stack/problems";

export const httpProblems = defineProblems(
  {
    problems: {
      "route-unknown": problemKind<{ method: string; methods: string[] }>({
        meaning: "The HTTP service has no such route, or the route doesn't support the method.",
        message: ({ method, methods }) => (methods.length > 0 ? `${method} isn't supported here` : "route not found"),
        allowed: ({ methods }) => (methods.length > 0 ? listed(methods) : "the routes in the OpenAPI document"),
        fix: () => "see /docs for all routes",
      }),
      "request-not-readable": problemKind<{ why: string; allowed: string }>({
        meaning: "An HTTP request can't be read: it is too large, not JSON, or incomplete.",
        message: ({ why }) => why,
        allowed: ({ allowed }) => allowed,
      }),
      "request-unauthenticated": problemKind<{ ways: string[] }>({
        meaning: "An HTTP request has no credentials, or invalid ones.",
        message: () => "missing or invalid credentials",
        allowed: ({ ways }) => either(ways),
        fix: () => "send a valid credential; create a token with `storage-profiles token`",
      }),
      "request-forbidden": problemKind<{ role: string; needed: string }>({
        meaning: "The caller doesn't have the role that the request requires.",
        message: ({ role, needed }) => `role "${needed}" required; your role is ${role === "" ? "none" : `"${role}"`}`,
        allowed: ({ needed }) => `the role "${needed}"`,
        fix: () => "ask the operator of the service for a token or a certificate with that role",
      }),
      "request-foreign": problemKind<{ why: string; allowed: string }>({
        meaning: "An HTTP request seems to come from a web page on another site.",
        message: ({ why }) => why,
        allowed: ({ allowed }) => allowed,
        fix: () => "use the service's own page, or a client other than a browser",
      }),
      "request-too-many": problemKind<{ max: number; seconds: number; what: string }>({
        meaning: "One client sent too many HTTP requests.",
        message: ({ what, max, seconds }) => `more than ${count(max)} ${what} in ${count(seconds)} seconds`,
        allowed: ({ what, max, seconds }) => `${count(max)} ${what} in ${count(seconds)} seconds`,
        fix: () => "wait for the time given in Retry-After",
      }),
      "stack-not-served": problemKind<{ stack: string; stacks: string[]; nearest: string | undefined }>({
        meaning: "The HTTP service doesn't serve this stack.",
        message: ({ stack }) => `stack "${stack}" isn't served here`,
        allowed: ({ stacks }) => listed(stacks),
        fix: ({ nearest }) => (nearest === undefined ? "" : `did you mean "${nearest}"?`),
      }),
      "volume-exists": problemKind<{ volume: string }>({
        meaning: "A volume with this name already exists.",
        message: ({ volume }) => `volume "${volume}" already exists`,
        allowed: () => "an unused name",
        fix: ({ volume }) => `choose another name, or change the existing volume: POST …/volumes/${volume}`,
      }),
      "operation-not-cancellable": problemKind<{ state: string }>({
        meaning: "The operation has finished, or another process runs it.",
        message: ({ state }) => `the operation is ${state}, or another process runs it`,
        allowed: () => "an operation of this service that is queued or running",
      }),
      "operations-too-many": problemKind<{ max: number }>({
        meaning: "Too many operations are queued for the stack.",
        message: ({ max }) => `${count(max)} operations are already queued`,
        allowed: ({ max }) => `${count(max)} queued operations`,
        fix: () => "wait for them, or write with apply=false and apply everything at once",
      }),
      "service-failed": problemKind<{ id: string }>({
        meaning: "An internal error of the HTTP service.",
        message: ({ id }) => `internal error; see the service's log for request ${id}`,
        fix: () => "report it to the operator of the service",
      }),
      "service-stopping": problemKind<Record<string, never>>({
        meaning: "The HTTP service is shutting down.",
        message: () => "the service is shutting down and accepts no new requests",
        fix: () => "try again after its restart",
      }),
      "audit-not-written": problemKind<{ why: string }>({
        meaning: "The audit log can't be written, so the request was rejected.",
        message: ({ why }) => `the audit log can't be written: ${why}`,
        fix: () => "free disk space, or give the service write access to its audit log",
      }),
      "listen-unsafe": problemKind<{ address: string; missing: string[] }>({
        meaning: "The HTTP service would be reachable from other machines without TLS or without authentication.",
        message: ({ address, missing }) =>
          `${address} is reachable from other machines, but ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not configured`,
        allowed: () => "loopback or a Unix socket; any other address requires TLS with tokens or client certificates",
        fix: () => "pass --tls-cert and --tls-key, and --tokens or --client-ca; or listen on 127.0.0.1",
      }),
      "service-option-invalid": problemKind<{ why: string; allowed: string }>({
        meaning: "An option of the HTTP service, or a file that it names, is invalid.",
        message: ({ why }) => why,
        allowed: ({ allowed }) => allowed,
      }),
    },
  },
  stackProblems,
);

export const { problem } = httpProblems;
/** An error of one problem. */
export const stackError = errorsOf(httpProblems, oneProblem);

declare module "../core/problems" {
  interface ProblemRooms {
    http: typeof httpProblems;
  }
}
