// The HTTP side that all routes share: bodies, dates, errors, the record of calls and the faults.
import type * as https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { z, ZodError } from "zod";

import { Body } from "./body";
import type { OpenCall } from "./calls";
import type { Certificates } from "./certificates";
import { readCredentials } from "./credentials";
import { GatewayError, invalidRequest, methodNotAllowed, notFound, unauthorized } from "./errors";
import type { FaultEffect, Spoiling } from "./faults";
import type { Lab } from "./lab";
import { settleMigrations } from "./migration";
import { subjectOf } from "./requests";

export type App = FastifyInstance<https.Server>;

/** A route's handler; what it returns is sent as JSON, a string as a JSON string. */
export type Handler = (request: FastifyRequest) => unknown;

declare module "fastify" {
  interface FastifyRequest {
    call?: OpenCall;
    spoiling?: Spoiling;
  }
}

/** Paths of the gateway that need no token. */
const open = new Set(["/api/login", "/rest/auth/login"]);

export function createApp(lab: Lab, { cert, key }: Certificates): App {
  const app: App = fastify({
    https: { cert, key },
    forceCloseConnections: true,
    bodyLimit: 16 * 1024 * 1024,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 4096 },
    frameworkErrors: (error, _request, reply: FastifyReply) => sendError(lab, reply, invalidRequest(error.message)),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, text, done) => done(null, text));
  app.addHook("onRequest", (request, reply) => judge(lab, request, reply));
  app.addHook("preHandler", (request, _reply, done) => {
    if (request.call && hasPublicBody(request)) request.call.body = sentBody(request);
    done();
  });
  app.addHook("onSend", (request, reply, payload, done) => {
    reply.header("Date", new Date(lab.clock.now()).toUTCString());
    const { spoiling } = request;
    const spoiled = spoiling === undefined ? payload : spoil(spoiling, String(payload), request, reply);
    if (spoiling !== "cut-after-commit" && request.call) request.call.status = reply.statusCode;
    done(null, spoiled);
  });
  app.setErrorHandler((error, request, reply) => {
    const answer = asGatewayError(error);
    if (request.call && request.spoiling === undefined) request.call.errorCode = answer.errorCode;
    sendError(lab, reply, answer);
  });
  app.setNotFoundHandler((request) => {
    throw notFound(pathOf(request));
  });
  return app;
}

/** What a handler returns that has nothing to say (204). */
export const noContent = Symbol("no content");

const methods = ["GET", "POST", "DELETE", "PUT", "PATCH"] as const;

/** Adds the routes of one path; other methods are refused there. */
export function route(app: App, url: string, handlers: Partial<Record<(typeof methods)[number], Handler>>): void {
  for (const method of methods) {
    const handler = handlers[method];
    app.route({
      method,
      url,
      handler: async (request, reply) => {
        if (!handler) throw methodNotAllowed(method);
        const result = await handler(request);
        if (result === noContent) return reply.code(204).send();
        return reply.type("application/json").send(JSON.stringify(result ?? {}));
      },
    });
  }
}

/** The path as it was sent: nothing in it decoded. */
export function pathOf(request: FastifyRequest): string {
  return (request.raw.url ?? "").split("?")[0] ?? "";
}

export function bodyOf(request: FastifyRequest): Body {
  return Body.parse(typeof request.body === "string" ? request.body : "");
}

/** Records the call, lets happen what was asked to go wrong, and asks for the token. */
async function judge(lab: Lab, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const path = pathOf(request);
  const ours = path.startsWith("/api") || path.startsWith("/rest");
  if (!ours) return undefined;
  const subject = subjectOf(request.method, path);
  const at = new Date(lab.clock.now()).toISOString();
  request.call = lab.calls.open({ method: request.method, path, at, ...subject, status: null });
  if (lab.latencyMs > 0) await wait(lab.latencyMs);
  const effect = lab.faults.take(request.method, path, subject);
  if (effect !== undefined) {
    const answered = await apply(lab, effect, request, reply);
    if (answered) return reply;
  }
  settleMigrations(lab.array);
  if (open.has(path) || (path.startsWith("/rest") && !lab.version.atLeast("4.0"))) return undefined;
  const token = tokenIn(lab, request);
  if (token === undefined || !lab.sessions.use(token)) throw unauthorized;
  return undefined;
}

/** Whether the request is done with. */
async function apply(lab: Lab, effect: FaultEffect, request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
  switch (effect) {
    case "unauthorized":
      throw unauthorized;
    case "unauthorized-html":
      await reply.code(401).type("text/html").send("<html><body><h1>401 Authorization Required</h1></body></html>");
      return true;
    case "cut":
      reply.hijack();
      request.raw.socket.destroy();
      return true;
    case "cut-after-commit":
    case "truncated-after-commit":
    case "empty-after-commit":
    case "html-200-after-commit":
    case "html-500-after-commit":
      request.spoiling = effect;
      return false;
    case "restart":
      lab.restart();
      return false;
    case "hang":
      reply.hijack();
      return true;
  }
  if ("error" in effect) throw new GatewayError(effect.error.status, effect.error.errorCode, effect.error.message);
  await wait(effect.latencyMs);
  return false;
}

/** The text that is sent in place of an answer's. */
function spoil(spoiling: Spoiling, text: string, request: FastifyRequest, reply: FastifyReply): string {
  switch (spoiling) {
    case "cut-after-commit":
      request.raw.socket.destroy();
      return text;
    case "truncated-after-commit":
      return text.slice(0, Math.floor(text.length / 2));
    case "empty-after-commit":
      return "";
    case "html-200-after-commit":
      void reply.code(200).type("text/html");
      return "<html><body><form><h1>Sign in</h1></form></body></html>";
    case "html-500-after-commit":
      void reply.code(500).type("text/html");
      return "<html><body><h1>500 Internal Server Error</h1></body></html>";
  }
}

/** The token of a request: until 4.0 the password of Basic; then also Bearer's. Undefined when there is none. */
export function tokenIn(lab: Lab, request: FastifyRequest): string | undefined {
  const credentials = readCredentials(request.headers.authorization);
  if (credentials?.scheme === "Basic") return credentials.password;
  return lab.version.atLeast("4.0") ? credentials?.token : undefined;
}

/** Doesn't keep the process running: the server does, as long as it listens. */
function wait(milliseconds: number): Promise<unknown> {
  return sleep(milliseconds, undefined, { ref: false });
}

/** Logins have passwords in theirs. */
function hasPublicBody(request: FastifyRequest): boolean {
  const path = pathOf(request);
  return typeof request.body === "string" && path.startsWith("/api/") && path !== "/api/login";
}

function sentBody(request: FastifyRequest): unknown {
  try {
    return bodyOf(request).toJSON();
  } catch {
    return request.body;
  }
}

function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof ZodError) return invalidRequest(z.prettifyError(error));
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  return new GatewayError(status, 0, error instanceof Error ? error.message : String(error));
}

function sendError(lab: Lab, reply: FastifyReply, error: GatewayError): void {
  if (error.status === 401 && !lab.version.atLeast("4.0")) reply.header("WWW-Authenticate", 'Basic realm="ScaleIO"');
  void reply.code(error.status).type("application/json").send(JSON.stringify(error));
}
