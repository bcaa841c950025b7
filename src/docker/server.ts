// The socket: Docker's calls come in, are checked, get their time, and are answered. An error is `{"Err": text}` with status 200; that is
// what Docker prints.

import { fastify, type FastifyInstance } from "fastify";

import { monotonic } from "../system/monotonic";
import { advice, problem, type Problem } from "..";
import { validate } from "../core/validate";
import { StackError } from "../stack/errors";
import type { Log } from "./log";
import type { Driver } from "./driver";
import { NodeError, type Waiting } from "../../components/host/contract";
import { calls, limitSeconds, type Answers, type Body, type Call } from "./protocol";
import { withinLimit } from "./time-limit";
import { stackError } from "./problems";
import { bind, type Listening } from "./socket";

export interface ServeOptions {
  driver: Driver;
  /** The socket: a path, or one that systemd has passed. */
  socket: Listening;
  /** The longest that any call may take, in seconds. Default: what {@link limitSeconds} says of each. */
  timeLimitSeconds?: number | undefined;
  log: Log;
}

/** A plugin that answers. */
export interface Served {
  close(): Promise<void>;
}

type Handlers = { [C in Call]: (body: Body<C>, waiting: Waiting) => Promise<Answers[C]> };

/** Serves the protocol. Problems: `socket-in-use`. */
export async function serve(options: ServeOptions): Promise<Served> {
  const server = routes(options);
  await server.ready();
  await bind(server.server, options.socket);
  return { close: () => server.close() };
}

function handlersOf(driver: Driver): Handlers {
  return {
    "/Plugin.Activate": () => Promise.resolve({ Implements: ["VolumeDriver"] }),
    "/VolumeDriver.Capabilities": async () => ({ Capabilities: { Scope: await driver.scope() } }),
    "/VolumeDriver.Create": async ({ Name, Opts }, waiting) => {
      await driver.create(Name, Opts ?? {}, waiting);
      return {};
    },
    "/VolumeDriver.Remove": async ({ Name }, waiting) => {
      await driver.remove(Name, waiting);
      return {};
    },
    "/VolumeDriver.Mount": async ({ Name, ID }, waiting) => ({ Mountpoint: await driver.mount(Name, ID, waiting) }),
    "/VolumeDriver.Unmount": async ({ Name, ID }, waiting) => {
      await driver.unmount(Name, ID, waiting);
      return {};
    },
    "/VolumeDriver.Path": async ({ Name }, waiting) => {
      const { Mountpoint = "" } = await driver.get(Name, waiting);
      return { Mountpoint };
    },
    "/VolumeDriver.Get": async ({ Name }, waiting) => ({ Volume: await driver.get(Name, waiting) }),
    "/VolumeDriver.List": async (_, waiting) => ({ Volumes: await driver.list(waiting) }),
  };
}

function routes({ driver, timeLimitSeconds, log }: ServeOptions): FastifyInstance {
  const server = fastify({ bodyLimit: 1 << 20, forceCloseConnections: "idle" });
  // Docker sends its own media type, and no body at all with some calls.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  const handlers = handlersOf(driver);
  for (const call of Object.keys(calls) as Call[]) {
    server.post(call, async (request, reply) => {
      void reply.type("application/vnd.docker.plugins.v1.2+json");
      const started = monotonic.now();
      const seconds = Math.min(limitSeconds[call], timeLimitSeconds ?? Infinity);
      const text = typeof request.body === "string" ? request.body : "";
      try {
        return JSON.stringify(await answer(handlers, call, text, seconds));
      } catch (error) {
        // Docker asks for every volume whether it is there before it has it made.
        const isQuestion =
          call === "/VolumeDriver.Get" && error instanceof StackError && error.code === "volume-unknown";
        const took = `${Math.round(monotonic.now() - started)} ms`;
        if (!isQuestion) log(`${call} ${short(text.trim())} refused after ${took}: ${inLog(error)}`, "warn");
        return JSON.stringify({ Err: messageOf(error) });
      }
    });
  }
  return server;
}

async function answer<C extends Call>(handlers: Handlers, call: C, text: string, seconds: number): Promise<Answers[C]> {
  const body = bodyOf(call, text);
  return withinLimit(call.replace("/VolumeDriver.", ""), seconds, (waiting) => handlers[call](body, waiting));
}

function bodyOf<C extends Call>(call: C, text: string): Body<C> {
  let sent: unknown;
  // Docker asks again when a plugin goes away in the middle of a call, but then it sends nothing of what it had asked.
  if (text.trim() === "" && "Name" in calls[call].shape) throw stackError("call-broken-off", call, undefined, {});
  try {
    sent = text.trim() === "" ? {} : JSON.parse(text);
  } catch (error) {
    const params = { why: (error as Error).message, allowed: "JSON in Docker's format" };
    throw new StackError([problem("value-invalid", call, text.slice(0, 200), params)]);
  }
  const { value, problems } = validate<unknown>(calls[call], sent, call);
  const [first, ...others] = problems;
  if (first) throw new StackError([first, ...others]);
  return value as Body<C>;
}

/** What is for people is told as it is, without saying twice what is wrong; anything else is a bug of ours. */
function messageOf(error: unknown): string {
  if (error instanceof StackError) {
    const [first, ...others] = error.problems as [Problem, ...Problem[]];
    if (others.length > 0) return error.message;
    // A message that already names the volume needs no place.
    const place = first.message.includes(`"${first.path}"`) ? "" : `${first.path}: `;
    const notes = error.notes.map(({ message }): [string, string] => ["note:", message]);
    const lines = [...advice(first), ...notes].map(([label, text]) => `\n  ${label.padEnd(8)} ${text}`);
    return `${place}${first.message} [${first.code}]${lines.join("")}`;
  }
  if (error instanceof NodeError) return error.message;
  return `storage-profiles failed: ${error instanceof Error ? error.message : String(error)}. See the plugin's log for details.`;
}

function inLog(error: unknown): string {
  if (error instanceof StackError || error instanceof NodeError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function short(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
