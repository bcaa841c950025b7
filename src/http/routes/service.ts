// The service itself: its version, whether it works, its metrics, and the page with its parts.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { backendNames } from "../../core/backend";
import { httpError } from "../errors";
import { route } from "../route";
import { healthAnswer, versionAnswer } from "../schemas";

const nothing = z.strictObject({});

export const serviceRoutes = [
  route({
    method: "GET",
    path: "/v1/version",
    id: "getVersion",
    role: "read",
    tag: "service",
    summary: "Show the version, and the stacks served",
    query: nothing,
    answers: { 200: { description: "The version", schema: versionAnswer } },
    handle: ({ context: { version, project, stacks }, who }) => ({
      "storage-profiles": version,
      project: project.name,
      stacks: stacks.map(({ name }) => name),
      backends: backendNames,
      role: who.role,
    }),
  }),
  route({
    method: "GET",
    path: "/healthz",
    id: "getHealth",
    role: "read",
    tag: "service",
    summary: "Check whether the service is alive",
    query: nothing,
    answers: { 200: { description: "The service is alive", schema: healthAnswer } },
    handle: () => ({ status: "ok" }),
  }),
  route({
    method: "GET",
    path: "/readyz",
    id: "getReadiness",
    role: "read",
    tag: "service",
    summary: "Check whether the service is ready: every stack's configuration can be read, and it isn't shutting down",
    query: nothing,
    answers: { 200: { description: "It can", schema: healthAnswer } },
    async handle({ context }) {
      if (context.isStopping()) throw httpError("service-stopping", "service", undefined, {}, { "Retry-After": "10" });
      await Promise.all(
        context.stacks.map(async (served) => {
          await served.stack.checkKnown();
          await served.config();
        }),
      );
      return { status: "ok" };
    },
  }),
  route({
    method: "GET",
    path: "/metrics",
    id: "getMetrics",
    role: "read",
    tag: "service",
    summary: "Get metrics for Prometheus",
    query: nothing,
    answers: { 200: { description: "The metrics", type: "text/plain; version=0.0.4; charset=utf-8" } },
    handle: async ({ context: { metrics }, reply }) =>
      reply.header("Content-Type", metrics.registry.contentType).send(await metrics.registry.metrics()),
  }),
  route({
    method: "GET",
    path: "/v1/openapi.json",
    id: "getDocument",
    role: "read",
    tag: "service",
    summary: "Get the OpenAPI document; /docs is a page to try it",
    query: nothing,
    answers: { 200: { description: "The document", schema: z.record(z.string(), z.unknown()) } },
    handle: ({ context }) => context.document,
  }),
  ...pageParts({
    "/": ["index.html", "text/html; charset=utf-8"],
    "/page/style.css": ["style.css", "text/css; charset=utf-8"],
    "/page/icon.svg": ["icon.svg", "image/svg+xml"],
    ...Object.fromEntries(
      [
        "activity",
        "api",
        "app",
        "changes",
        "cost",
        "difference",
        "dom",
        "edit",
        "format",
        "operations",
        "profiles",
        "quantities",
        "volumes",
        "words",
        "yaml",
      ].map((name): [string, [string, string]] => [
        `/page/${name}.js`,
        [`${name}.js`, "text/javascript; charset=utf-8"],
      ]),
    ),
  }),
];

// The parts of the page are listed: no file name comes from a request.
function pageParts(parts: Record<string, [file: string, type: string]>) {
  return Object.entries(parts).map(([path, [file, type]]) => {
    let text: string | undefined;
    return route({
      method: "GET",
      path,
      id: `getPage_${file.replace(".", "_")}`,
      role: "read",
      tag: "service",
      summary: path === "/" ? "Show the status page" : `A part of the status page: ${file}`,
      query: z.object({}),
      answers: { 200: { description: "The file", type } },
      handle: ({ reply }) => {
        text ??= readFileSync(join(__dirname, "../page", file), "utf8");
        return reply.header("Content-Type", type).header("Cache-Control", "no-cache").send(text);
      },
    });
  });
}
