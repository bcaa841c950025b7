// Puts the service together: who may ask, what is checked, what is recorded, and the routes.

import { lstatSync, unlinkSync } from "node:fs";
import { maxHeaderSize, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";

import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import Fastify, { LogController, type FastifyInstance } from "fastify";

import { packageManifest } from "../system/manifest";
import { privately } from "../system/private-socket";
import { syncCheckouts } from "../stack/checkout";
import { environmentNotes } from "../stack/status";
import { openAuditLog } from "./audit";
import { addGuards, isDecodable, requestId } from "./guards";
import { makeMetrics } from "./metrics";
import { openapiDocument } from "./openapi";
import { BODY_LIMIT, checkListening, defaultLimits, type ServiceOptions, type Listening } from "./options";
import type { Context } from "./route";
import { routes } from "./routes";
import { addRoute } from "./serve-route";
import { serveStack } from "./served";
import { keepInSync } from "./sync";
import { stackError } from "./problems";

/** A service that runs. */
export interface Service {
  /** Where it is reached: `http://127.0.0.1:4523`, or `unix:/path`. */
  readonly url: string;
  /** For tests: asks without a connection. */
  readonly app: FastifyInstance;
  /** Takes nothing new, cancels what runs, waits for that, and ends. */
  close(): Promise<void>;
}

/**
 * Starts the service. Errors: `listen-unsafe`, `service-option-invalid`, `audit-not-written`, and those of the project's stacks.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const listening = checkListening(options);
  const { project } = options;
  // The log may be a file, whose disk may be full: a line that is lost must not end the service.
  if (!process.stderr.listeners("error").includes(ignore)) process.stderr.on("error", ignore);
  const names = options.stacks?.length ? [...new Set(options.stacks)] : [await project.defaultStackName()];
  const limits = { ...defaultLimits, ...options.limits };
  const metrics = makeMetrics();
  const { version } = packageManifest();
  const stacks = names.map((name) => serveStack(project.stack(name), metrics, limits));
  // What keeps edits from being committed is found before anything listens. Whether the remote answers may be otherwise in a minute.
  if (options.commit)
    await syncCheckouts(
      stacks.map(({ stack }) => stack),
      { fetch: false },
    );
  const audit = openAuditLog(options.auditLog ?? defaultAuditLog());
  let isStopping = false;
  const context: Context = {
    ...{ project, stacks, version, metrics, limits, audit, commits: options.commit === true },
    document: openapiDocument(version),
    isStopping: () => isStopping,
  };

  const app = makeApp(options, listening);
  await app.register(rateLimit, { global: false });
  addGuards(app, options, listening, context);
  await app.register(swagger, { mode: "static", specification: { document: context.document as never } });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    // Nothing from elsewhere, and it works without TLS.
    staticCSP:
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    uiConfig: { tryItOutEnabled: true },
  });
  for (const one of routes) addRoute(app, one, context);

  try {
    const url = await listen(app, listening);
    app.log.info({ url, stacks: names, audit: audit.file }, "listening");
    for (const served of stacks) {
      const read = await served.config().catch(() => undefined);
      for (const { message } of read ? environmentNotes(read) : []) app.log.warn({ stack: served.name }, message);
    }
    const endSync = options.commit ? keepInSync(stacks, (message) => app.log.warn(message)) : undefined;
    return {
      url,
      app,
      async close() {
        isStopping = true;
        await endSync?.();
        const running = stacks.flatMap((served) => served.running());
        for (const operation of running) operation.cancel();
        await Promise.all(running.map(({ done }) => done));
        await app.close();
        audit.close();
      },
    };
  } catch (error) {
    await app.close();
    audit.close();
    throw error;
  }
}

function ignore(): void {
  // see startService
}

function makeApp(options: ServiceOptions, { tls }: Listening): FastifyInstance {
  const common = {
    bodyLimit: BODY_LIMIT,
    // A request has this long to arrive whole; how long it takes to be answered is the engine's affair.
    requestTimeout: 15_000,
    keepAliveTimeout: 10_000,
    forceCloseConnections: true,
    // Each answer is one line, see guards.ts.
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    // What the router refuses by itself, it answers before the guards and in its own form. How long a name may be is for the schemas,
    // and an URL that can't be decoded goes to where nothing is found.
    routerOptions: { maxParamLength: maxHeaderSize },
    rewriteUrl: ({ url = "" }: { url?: string }) => (isDecodable(url) ? url : "/undecodable"),
    genReqId: (request: IncomingMessage) => requestId(request.headers["x-request-id"]),
    logger: {
      level: options.logLevel ?? "info",
      stream: options.logTo ?? process.stderr,
      redact: ["*.authorization", "headers.authorization", "headers.cookie"],
    },
  };
  if (!tls) return Fastify(common);
  const { cert, key, ca } = tls;
  const https = {
    ...{ cert, key, minVersion: "TLSv1.2" as const },
    // Who has no certificate is told so by an answer, and may have a token.
    ...(ca && { ca, requestCert: true, rejectUnauthorized: false }),
  };
  return Fastify({ ...common, https });
}

async function listen(app: FastifyInstance, { address, tls }: Listening): Promise<string> {
  if ("socket" in address) {
    await removeDeadSocket(address.socket);
    await bind(() => privately(() => app.listen({ path: address.socket })), address.socket);
    return `unix:${address.socket}`;
  }
  await bind(() => app.listen({ host: address.host, port: address.port }), address.host);
  const bound = app.server.address();
  const port = typeof bound === "object" && bound ? bound.port : address.port;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${tls ? "https" : "http"}://${host}:${port}`;
}

async function bind(listen: () => Promise<unknown>, given: string): Promise<void> {
  try {
    await listen();
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const why = `can't listen on ${given}: ${code === "EADDRINUSE" ? "address already in use (EADDRINUSE)" : message}`;
    throw stackError("service-option-invalid", "listen", given, {
      why,
      allowed: "an unused address of this machine",
    });
  }
}

// The socket of a service that was killed stays behind. One that answers is somebody's.
async function removeDeadSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const isAlive = await new Promise<boolean>((done) => {
    const socket = connect(path, () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });
  if (!isAlive) unlinkSync(path);
}

function defaultAuditLog(): string {
  const state = process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local/state");
  return join(state, "storage-profiles-operations/audit.jsonl");
}
