// Serves one route of the table: checks what came, records that a write begins, and has it handled.

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { z } from "zod";

import { nearest } from "../core/nearest";
import { validate } from "../core/validate";
import { httpError, throwProblems } from "./errors";
import { auditHead, isWrite } from "./guards";
import type { Context, Route } from "./route";
import type { CommitOptions } from "../stack";
import type { ServedStack } from "./served";
import type { Identity } from "./tokens";

export function addRoute(app: FastifyInstance, one: Route, context: Context): void {
  app.route({
    method: one.method,
    url: one.path.replace(/\{([^}]+)\}/g, ":$1"),
    config: { role: one.role, dryRunRole: one.dryRunRole },
    handler: async (request, reply) => {
      const params = checked(one.params, request.params, "path");
      const query = checked(one.query, request.query, "query");
      refuseDeep(request.body);
      const body = checked(one.body, request.body, "body");
      const served = pick(context, query);
      const ifTag = one.isConditional ? header(request, "x-if-configuration-matches") : undefined;
      const { who } = request;
      if (!who) throw new Error("a request that nobody makes got through");
      if (isWrite(request)) {
        if (context.isStopping())
          throw httpError("service-stopping", "service", undefined, {}, { "Retry-After": "10" });
        const stack = served.name;
        context.audit.write({ phase: "begin", ...auditHead(request), stack, body, query, ifTag });
      }
      // What the route looks at before it edits is what everybody has.
      if (context.commits && isWrite(request) && one.tag === "configuration" && !isDryRun(query))
        await served.stack.syncCheckout();
      const commit = context.commits ? { author: authorOf(who), reason: reasonIn(query) } : undefined;
      const answer = await one.handle({ context, served, who, params, query, body, ifTag, commit, request, reply });
      // Answers that are worked out once come as text.
      if (typeof answer === "string") reply.type("application/json; charset=utf-8");
      return answer;
    },
  });
}

// Who only has reached this machine has no name: then it is Git's own user, as for a command.
function authorOf({ name, by }: Identity): CommitOptions["author"] {
  const known = name.replace(/[<>\p{Cc}]/gu, " ").trim();
  if (by === "machine" || !/[\p{L}\p{N}]/u.test(known)) return undefined;
  return { name: known, email: /^[^\s@]+@[^\s@]+$/.test(known) ? known : "" };
}

const isDryRun = (query: unknown) => (query as { dryRun?: string } | undefined)?.dryRun === "true";

function reasonIn(query: unknown): string | undefined {
  return (query as { reason?: string } | undefined)?.reason;
}

/** How many levels of objects and lists a body may have: more than anything that is asked for. */
const MOST_LEVELS = 16;

// Whatever reads it afterwards may call itself for each level. A body has at most 256 KiB, which bounds the work here.
function refuseDeep(body: unknown): void {
  let level: unknown[] = [body];
  for (let levels = 0; level.length > 0; levels++) {
    if (levels > MOST_LEVELS) {
      const why = `the body is nested more than ${MOST_LEVELS} levels deep`;
      const allowed = `JSON with at most ${MOST_LEVELS} levels of objects and lists`;
      throw httpError("request-not-readable", "body", undefined, { why, allowed });
    }
    level = level.flatMap((each): unknown[] => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
}

function checked(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (!schema) return undefined;
  const { value: found, problems } = validate(schema, value, "");
  throwProblems(problems.map((each) => ({ ...each, path: each.path === "" ? where : each.path })));
  return found;
}

// A name of a stack only ever chooses among those that are served.
function pick({ stacks }: Context, query: unknown): ServedStack {
  const name = (query as { stack?: string } | undefined)?.stack;
  const [first] = stacks;
  const found = name === undefined ? first : stacks.find((each) => each.name === name);
  if (found) return found;
  const names = stacks.map((each) => each.name);
  throw httpError("stack-not-served", "stack", name, {
    stack: name ?? "",
    stacks: names,
    nearest: nearest(name ?? "", names),
  });
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}
