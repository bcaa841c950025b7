// What a route is: one table of them makes the service, the OpenAPI document, the list in docs/http.md and the test that walks them.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";

import type { CommitOptions, Project } from "../stack";
import type { AuditLog } from "./audit";
import type { Metrics } from "./metrics";
import type { Limits } from "./options";
import type { ServedStack } from "./served";
import type { Identity, Role } from "./tokens";

/** What all routes share. */
export interface Context {
  readonly project: Project;
  readonly stacks: readonly ServedStack[];
  readonly version: string;
  readonly metrics: Metrics;
  readonly limits: Limits;
  readonly audit: AuditLog;
  /** The OpenAPI document. */
  readonly document: object;
  /** Whether edits are committed. */
  readonly commits: boolean;
  /** Why nothing new is taken. */
  isStopping(): boolean;
}

/** A request that was checked. */
export interface Call<P, Q, B> {
  context: Context;
  /** The stack that is meant. */
  served: ServedStack;
  who: Identity;
  params: P;
  query: Q;
  body: B;
  /** The tag of the config that the write is made for. */
  ifTag: string | undefined;
  /** How an edit is committed; nothing where it isn't. */
  commit: CommitOptions | undefined;
  request: FastifyRequest;
  reply: FastifyReply;
}

/** An answer that a route may give. */
export interface Answer {
  description: string;
  schema?: z.ZodType;
  /** Default: application/json. */
  type?: string;
  headers?: readonly ("X-Configuration-Tag" | "X-State-Read-At" | "Location")[];
}

export interface Route {
  method: "GET" | "POST" | "DELETE";
  /** As OpenAPI writes it: `/v1/operations/{id}`. */
  path: string;
  /** What the tables call it: `listProfiles`. */
  id: string;
  role: Role;
  /** The role that is enough for `?dryRun=true`. Default: `role`. */
  dryRunRole?: Role;
  tag: "configuration" | "state" | "operations" | "service";
  summary: string;
  description?: string;
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  /** Whether the body may be left out. */
  isBodyOptional?: boolean;
  /** Whether it takes `X-If-Configuration-Matches`. */
  isConditional?: boolean;
  answers: Readonly<Record<number, Answer>>;
  handle(call: Call<unknown, unknown, unknown>): unknown;
}

/** A route whose handler knows the types of what its schemas admit. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  one: Omit<Route, "params" | "query" | "body" | "handle"> & {
    params?: P;
    query?: Q;
    body?: B;
    handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>): unknown;
  },
): Route {
  return one;
}
