// What every request goes through, whatever it asks for: rate, origin, credentials; and what every answer gets: headers, the
// log's line, the metrics, the audit log's closing line.

import { randomUUID } from "node:crypto";

import type { FastifyInstance, FastifyRequest } from "fastify";

import { monotonic } from "../system/monotonic";
import { asHttpError, httpError, HttpError, errorBody } from "./errors";
import type { ServiceOptions, Listening } from "./options";
import type { Context, Route } from "./route";
import { routes } from "./routes";
import { makeAuthenticator, makeOriginCheck, securityHeaders } from "./security";
import { admits, type Identity, type Role } from "./tokens";

declare module "fastify" {
  interface FastifyRequest {
    /** Who makes it; nothing where that was refused. */
    who: Identity | undefined;
    /** The operation that it began, for the audit log. */
    operation: string | undefined;
  }
  interface FastifyContextConfig {
    /** The role that the route takes. Default: read. */
    role?: Role;
    /** The role that is enough to try it out. */
    dryRunRole?: Role | undefined;
  }
}

const OPEN_HEALTH = ["/healthz", "/readyz"];
const ANYBODY: Identity = { name: "anybody", role: "read", by: "machine" };

/** How much of a URL is logged. */
const LOGGED_URL = 300;
/** How often a request of somebody unknown is logged, in milliseconds: these must not fill the disk. */
const UNKNOWN_LOGGED_MS = 1_000;

export function addGuards(app: FastifyInstance, options: ServiceOptions, listening: Listening, context: Context): void {
  const { limits, metrics, audit } = context;
  const authenticate = makeAuthenticator(options, listening);
  const checkOrigin = makeOriginCheck(options, listening);
  const limit = (max: number, seconds: number, what: string) => {
    const check = app.createRateLimit({
      max,
      timeWindow: seconds * 1000,
      keyGenerator: (request) => `${what} ${clientOf(request)}`,
    });
    return async (request: FastifyRequest) => {
      if (max === 0) return;
      const found = await check(request);
      if (found.isAllowed || !found.isExceeded) return;
      throw httpError(
        "request-too-many",
        what,
        undefined,
        { what, max, seconds },
        { "Retry-After": String(found.ttlInSeconds) },
      );
    };
  };
  const limitRequests = limit(limits.requests, 10, "requests");
  const limitWrites = limit(limits.writes, 10, "writes");
  const limitFailures = limit(limits.failures, 60, "requests with invalid credentials");

  app.decorateRequest("who", undefined);
  app.decorateRequest("operation", undefined);
  app.removeContentTypeParser("text/plain");

  app.addHook("onRequest", async (request, reply) => {
    reply.header("X-Request-Id", request.id);
    await limitRequests(request);
    checkOrigin(request.raw);
    if (options.openHealth && OPEN_HEALTH.includes(request.routeOptions.url ?? "")) {
      request.who = ANYBODY;
      return;
    }
    try {
      request.who = authenticate(request.raw);
    } catch (error) {
      await limitFailures(request);
      throw error;
    }
    const needed = roleFor(request);
    if (!admits(request.who.role, needed))
      throw httpError("request-forbidden", "role", undefined, { role: request.who.role, needed });
    if (isWrite(request)) await limitWrites(request);
  });

  app.addHook("onSend", (request, reply, payload, done) => {
    for (const [name, value] of Object.entries(securityHeaders)) if (!reply.hasHeader(name)) reply.header(name, value);
    if (listening.tls) reply.header("Strict-Transport-Security", "max-age=31536000");
    if (!reply.hasHeader("Cache-Control")) reply.header("Cache-Control", "no-store");
    // What was refused before it was known who asks has done nothing, and anybody can send any number of it: the metrics count it.
    if (isWrite(request) && request.who) {
      const tag = reply.getHeader("X-Configuration-Tag");
      const entry = {
        phase: "end" as const,
        ...auditHead(request),
        status: reply.statusCode,
        operation: request.operation,
        tag: typeof tag === "string" ? tag : undefined,
      };
      try {
        audit.write(entry);
      } catch (error) {
        // What was done is done, and its beginning recorded: the answer must say what became of it. The log has what the audit log hasn't.
        request.log.error({ err: error, entry }, "the end of a write could not be recorded");
      }
    }
    done(null, payload);
  });

  let unlogged = 0;
  let logNextAt = 0;
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    metrics.requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    const isKnown = request.who !== undefined && request.who !== ANYBODY;
    if (!isKnown && reply.statusCode < 500 && monotonic.now() < logNextAt) {
      unlogged++;
      done();
      return;
    }
    if (!isKnown) logNextAt = monotonic.now() + UNKNOWN_LOGGED_MS;
    // Who watches the service asks again and again.
    const level = reply.statusCode >= 500 ? "error" : reply.statusCode >= 400 || isWrite(request) ? "info" : "debug";
    request.log[level](
      {
        method: request.method,
        url: cut(request.originalUrl),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        who: request.who?.name,
        from: clientOf(request),
        ...(!isKnown && unlogged > 0 && { unlogged }),
      },
      "answered",
    );
    if (!isKnown) unlogged = 0;
    done();
  });

  app.setErrorHandler((error, request, reply) => {
    const known = asHttpError(error);
    if (!known) request.log.error({ err: error }, "internal error while handling a request");
    const told = known ?? httpError("service-failed", "service", undefined, { id: request.id });
    if (reasons[told.status]) metrics.refused.inc({ reason: reasons[told.status] ?? "" });
    return reply
      .code(told.status)
      .headers(told.headers)
      .type("application/json")
      .send(errorBody(told.problems, told.notes, context.project.directory));
  });

  app.setNotFoundHandler((request) => {
    if (!isDecodable(request.originalUrl)) {
      const allowed = "percent-encoded UTF-8";
      throw httpError("request-not-readable", "url", request.originalUrl, { why: "the URL can't be decoded", allowed });
    }
    const path = request.url.split("?")[0] ?? "";
    const methods = routes.filter((each) => patternOf(each).test(path)).map(({ method }) => method);
    const told = httpError("route-unknown", "url", request.url, { method: request.method, methods });
    if (methods.length === 0) throw told;
    throw new HttpError(405, told.problems, { Allow: [...new Set(methods)].join(", ") });
  });
}

const reasons: Record<number, string> = { 401: "credentials", 403: "role or origin", 429: "rate" };

/** Whether the router can read the path of a URL. */
export function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url.split("?")[0] ?? "");
    return true;
  } catch {
    return false;
  }
}

/** The id of a request: the client's own where it is harmless, so that it can be found again. */
export function requestId(header: unknown): string {
  return typeof header === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(header) ? header : randomUUID();
}

/** What the audit log has of a request in both its lines. */
export function auditHead(request: FastifyRequest) {
  const { who } = request;
  return {
    request: request.id,
    who: who && { name: who.name, role: who.role, by: who.by },
    from: clientOf(request),
    method: request.method,
    path: cut(request.originalUrl.split("?")[0] ?? ""),
  };
}

function cut(url: string): string {
  return url.length <= LOGGED_URL ? url : `${url.slice(0, LOGGED_URL)}… (${url.length} characters)`;
}

export function isWrite({ method }: FastifyRequest): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}

// As the handler reads it: said twice, `dryRun` is a list, and no dry run.
function roleFor({ routeOptions: { config }, query }: FastifyRequest): Role {
  const isDryRun = (query as { dryRun?: unknown }).dryRun === "true";
  return (isDryRun ? config.dryRunRole : undefined) ?? config.role ?? "read";
}

function clientOf(request: FastifyRequest): string {
  return request.ip || "unix socket";
}

const patterns = new Map<Route, RegExp>();
function patternOf(one: Route): RegExp {
  let pattern = patterns.get(one);
  if (!pattern) patterns.set(one, (pattern = new RegExp(`^${one.path.replace(/\{[^}]+\}/g, "[^/]+")}$`)));
  return pattern;
}
