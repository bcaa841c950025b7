// Operations: what was begun, how far it is, and its events as they come.

import { Readable } from "node:stream";

import type { FastifyReply, FastifyRequest } from "fastify";

import { httpError } from "../errors";
import { StackError, type Operation, type OperationEvent, type OperationReport } from "../../stack";
import { route, type Context } from "../route";
import { eventsQuery, ofOperation, ofStack, operationAnswer, operationBody } from "../schemas";
import { needsAdmin } from "../security";
import type { ServedStack } from "../served";
import { oneVolume } from "../../stack/select";

const PATH = "/v1/operations";
const begun = {
  202: { description: "The operation was started", schema: operationAnswer, headers: ["Location"] as const },
};

export const operationRoutes = [
  route({
    method: "GET",
    path: PATH,
    id: "listOperations",
    role: "read",
    tag: "operations",
    summary: "List operations, newest first",
    query: ofStack,
    answers: { 200: { description: "The operations", schema: operationAnswer.array() } },
    handle: ({ served }) => served.stack.operations(),
  }),
  route({
    method: "POST",
    path: PATH,
    id: "beginOperation",
    role: "write",
    tag: "operations",
    summary: "Apply the configuration, or refresh the state from the backends",
    description: "`destroy` requires the role admin.",
    query: ofStack,
    body: operationBody,
    answers: begun,
    async handle({ served, body, who, request, reply }) {
      const { kind = "apply", volumes, destroy = [], refresh } = body;
      if (destroy.length > 0) needsAdmin(who, "destroy");
      if (kind === "refresh" && destroy.length > 0) {
        const params = { why: "a refresh deletes no volumes", allowed: "`destroy` with the kind apply" };
        throw httpError("request-not-readable", "destroy", undefined, params);
      }
      served.checkRoom();
      // What isn't known is said now, and not by an operation that fails.
      await checkNames(served, volumes ?? []);
      const operation =
        kind === "refresh"
          ? served.stack.refresh({ ...(volumes && { volumes }) })
          : served.stack.apply({ volumes, destroy, refresh });
      return answer(served, operation, request, reply);
    },
  }),
  route({
    method: "GET",
    path: `${PATH}/{id}`,
    id: "getOperation",
    role: "read",
    tag: "operations",
    summary: "Get an operation",
    description:
      "`interrupted`: the process that ran it has ended. It can be resumed, which completes what was started and creates nothing twice.",
    params: ofOperation,
    query: ofStack,
    answers: { 200: { description: "The operation", schema: operationAnswer } },
    async handle({ context, served, params: { id }, query }) {
      return (await find(context, query.stack === undefined ? undefined : served, id)).report;
    },
  }),
  route({
    method: "GET",
    path: `${PATH}/{id}/events`,
    id: "followOperation",
    role: "read",
    tag: "operations",
    summary: "Stream the events of an operation, as server-sent events",
    description:
      "From the beginning, or after `Last-Event-ID` (or `after`). The stream ends with the operation; 204 means that nothing will follow.",
    params: ofOperation,
    query: eventsQuery,
    answers: {
      200: {
        description: "The events: `id` is a sequence number, `event` its type, `data` JSON",
        type: "text/event-stream",
      },
      204: { description: "The operation has finished, and there are no later events" },
    },
    async handle({ context, served, params: { id }, query, request, reply }) {
      const { report, operation } = await find(context, query.stack === undefined ? undefined : served, id);
      const header = request.headers["last-event-id"];
      const said = query.after ?? (typeof header === "string" && /^\d{1,9}$/.test(header) ? header : undefined);
      const after = said === undefined ? -1 : Number(said);
      const isOver = report.state !== "queued" && report.state !== "running";
      if (isOver && said !== undefined && (!operation || (await lastOf(operation)) <= after))
        return reply.code(204).send();
      if (streams >= context.limits.streams)
        throw httpError(
          "request-too-many",
          "events",
          undefined,
          { what: "event streams", max: context.limits.streams, seconds: 1 },
          { "Retry-After": "5" },
        );
      const events = operation ? operation.events(after < 0 ? undefined : after) : told(report);
      return reply
        .header("Content-Type", "text/event-stream; charset=utf-8")
        .header("Cache-Control", "no-store")
        .header("X-Accel-Buffering", "no")
        .send(Readable.from(stream(events, context)));
    },
  }),
  route({
    method: "POST",
    path: `${PATH}/{id}/cancel`,
    id: "cancelOperation",
    role: "write",
    tag: "operations",
    summary: "Cancel an operation: the current step is finished, and no other is started",
    params: ofOperation,
    query: ofStack,
    answers: { 202: { description: "Cancellation was requested", schema: operationAnswer } },
    async handle({ context, served, params: { id }, query, reply }) {
      const { report, operation } = await find(context, query.stack === undefined ? undefined : served, id);
      if (!operation || (report.state !== "queued" && report.state !== "running"))
        throw httpError("operation-not-cancellable", "id", id, { state: report.state });
      operation.cancel();
      return reply.code(202).send(operation.report());
    },
  }),
  route({
    method: "POST",
    path: `${PATH}/{id}/resume`,
    id: "resumeOperation",
    role: "write",
    tag: "operations",
    summary: "Run an operation again that was interrupted, failed or was cancelled",
    description: "Operations that delete volumes require the role admin.",
    params: ofOperation,
    query: ofStack,
    answers: begun,
    async handle({ context, served: asked, params: { id }, query, who, request, reply }) {
      const { served, report } = await find(context, query.stack === undefined ? undefined : asked, id);
      if (report.destroy.length > 0) needsAdmin(who, "destroy");
      served.checkRoom();
      return answer(served, await served.stack.resume(id), request, reply);
    },
  }),
];

/** How many event streams are open in this process. */
let streams = 0;

/** How often a stream says that it is still there, in milliseconds. */
const HEARTBEAT_MS = 15_000;

function answer(served: ServedStack, operation: Operation, request: FastifyRequest, reply: FastifyReply) {
  const report = served.follow(operation);
  request.operation = report.id;
  return reply.code(202).header("Location", `${PATH}/${report.id}`).send(report);
}

async function checkNames(served: ServedStack, volumes: readonly string[]): Promise<void> {
  if (volumes.length === 0) return;
  const { statuses } = await served.statuses();
  for (const volume of volumes) {
    const { problem } = oneVolume(statuses, volume, "volumes");
    if (problem) throw new StackError([problem]);
  }
}

async function find(context: Context, only: ServedStack | undefined, id: string) {
  for (const served of only ? [only] : context.stacks) {
    const operation = served.stack.operation(id);
    const report = operation?.report() ?? (await served.stack.operations()).find((each) => each.id === id);
    if (report) return { served, operation, report };
  }
  throw httpError("operation-unknown", "id", id, {});
}

async function lastOf(operation: Operation): Promise<number> {
  let last = -1;
  for await (const { sequence } of operation.events()) last = sequence;
  return last;
}

// Of an operation of another process only its report is known.
async function* told(report: OperationReport): AsyncGenerator<OperationEvent> {
  yield await Promise.resolve({
    sequence: 0,
    at: report.finishedAt ?? report.startedAt ?? report.createdAt,
    type: "state",
    state: report.state,
    volumes: report.volumes,
  });
}

async function* stream(events: AsyncIterable<OperationEvent>, context: Context): AsyncGenerator<string> {
  context.metrics.streams.set(++streams);
  const iterator = events[Symbol.asyncIterator]();
  try {
    yield "retry: 2000\n\n";
    let next = iterator.next();
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const silence = new Promise<undefined>((done) => (timer = setTimeout(() => done(undefined), HEARTBEAT_MS)));
      const result = await Promise.race([next, silence]);
      clearTimeout(timer);
      if (result === undefined) {
        yield ": still there\n\n";
        continue;
      }
      if (result.done === true) return;
      yield `id: ${result.value.sequence}\nevent: ${result.value.type}\ndata: ${JSON.stringify(result.value)}\n\n`;
      next = iterator.next();
    }
  } finally {
    context.metrics.streams.set(--streams);
    void iterator.return?.();
  }
}
