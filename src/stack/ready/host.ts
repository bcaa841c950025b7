// The process that an engine finds ready: Pulumi's language host for Node.js programs, and the dynamic providers of the program, in one.
// What takes the time of a small `pulumi up` is loading the SDK, three times over; here that is done before anybody asks. It serves one run
// of the engine and ends with it. It outlives whoever started it, as the engine does, once it was given away.
//
// Whoever reaches such services can have code run, and any user of the machine reaches them: so they are there for a run only, as those of
// every Pulumi are, and nobody listens while the process waits.
//
// Both services are Pulumi's own: the program is run by the SDK's `cmd/run` in a process of its own (program.ts), the providers by the SDK's
// `cmd/dynamic-provider`, here.

import { fork, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

import type { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import type * as engineMessages from "@pulumi/pulumi/proto/engine_pb";
import type * as messages from "@pulumi/pulumi/proto/language_pb";
import type * as pluginMessages from "@pulumi/pulumi/proto/plugin_pb";

import { preload, PROVIDER_MODULES, PROVIDER_SDK_MODULES } from "./modules";
import type { ProgramRun } from "./program";

/** What the host is started for, as JSON in its first argument. */
export interface HostOptions {
  /** What Node.js runs the program with. */
  nodeArgs: string[];
  /** The variables that `runtime.options` of Pulumi.yaml become for a program, and for a provider. */
  programEnv: Record<string, string>;
  providerEnv: Record<string, string>;
}

/** What the host tells whoever started it. */
export type HostMessage =
  /** It has loaded what can be loaded, and waits. */
  | { type: "loaded" }
  | { type: "failed"; why: string }
  /** It was given away, and listens on these ports. */
  | { type: "listening"; language: number; provider: number }
  /** The engine has the program run: from here on something may have changed. */
  | { type: "running" };

/** What it is told: it is given to an engine; that engine has ended. */
export type HostCommand = "given" | "over";

/** Exit code of `cmd/run` for a failure that it has already shown to the user. */
const ALREADY_REPORTED = 32;
/** How long a program has to end by itself. */
const GRACE_MS = 3_000;
/** How long an engine that was given this host has to call it, when nobody is left to say that it has ended. */
const PATIENCE_MS = 600_000;
/** As the engine and the SDK have it: a program's resources can be large. */
const LIMITS = {
  "grpc.max_receive_message_length": 400 * 1024 * 1024,
  "grpc.max_send_message_length": 400 * 1024 * 1024,
};

type Reply<T> = (error: Error | null, message?: T) => void;
interface Call<T> {
  request: T;
  on(event: "cancelled", listener: () => void): void;
}
type Implementation = Record<string, unknown>;
interface Server {
  addService(definition: unknown, implementation: Implementation): void;
  bindAsync(address: string, credentials: unknown, done: (error: Error | null, port: number) => void): void;
}
interface Grpc {
  Server: (new (options: object) => Server) & { prototype: Server };
  ServerCredentials: { createInsecure(): unknown };
  credentials: { createInsecure(): never };
}

/** `require` as the program's own @pulumi/pulumi sees it: its files, and its dependencies wherever they are. */
const program = createRequire(`${process.cwd()}/_`);
const sdk = createRequire(program.resolve("@pulumi/pulumi/package.json"));
const grpc = sdk("@grpc/grpc-js") as Grpc;

const options = JSON.parse(process.argv[2] ?? "") as HostOptions;

let isGiven = false;
let isEngineGone = false;
let callsOfProvider = 0;
let wasAsked = false;
let isStopped = false;
let said: Promise<unknown> = Promise.resolve();
let say: (line: string) => void = () => undefined;

const child = forkProgram();
const isLoaded = new Promise<void>((done, failed) => {
  child.once("message", () => done());
  child.once("exit", () => failed(new Error("the program's process ended before it was ready")));
});
attempt(async () => {
  preload(sdk, PROVIDER_SDK_MODULES);
  preload(program, PROVIDER_MODULES);
  await isLoaded;
  tell({ type: "loaded" });
});

process.on("message", (command: HostCommand) => {
  if (command === "over") return end();
  isGiven = true;
  attempt(async () => {
    await isLoaded;
    const [provider, language] = await Promise.all([serveProviders(), serveLanguage()]);
    tell({ type: "listening", language, provider });
  });
});
process.on("disconnect", () => {
  if (!isGiven || isEngineGone) end();
  else if (!wasAsked) setTimeout(() => !wasAsked && end(), PATIENCE_MS).unref();
});

function attempt(work: () => Promise<void>): void {
  work().catch((error: unknown) => {
    tell({ type: "failed", why: error instanceof Error ? error.message : String(error) });
    end();
  });
}

function tell(message: HostMessage): void {
  if (process.connected) process.send?.(message, () => undefined);
}

/** Ends when nothing is under way any more: a provider that makes a volume finishes that first. */
function end(): void {
  stopProgram();
  const leave = () => {
    if (callsOfProvider === 0 && !isRunning()) process.exit();
  };
  leave();
  setInterval(leave, 20);
}

// ---- the program

function isRunning(): boolean {
  return wasAsked && child.exitCode === null && child.signalCode === null;
}

function forkProgram(): ChildProcess {
  return fork(resolve(__dirname, "program.js"), {
    execArgv: options.nodeArgs,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
}

async function serveLanguage(): Promise<number> {
  const made = sdk("./proto/language_pb") as typeof messages;
  const { PluginInfo } = sdk("./proto/plugin_pb") as typeof pluginMessages;
  const { Empty } = sdk("google-protobuf/google/protobuf/empty_pb") as { Empty: new () => object };
  const server = new grpc.Server(LIMITS);
  server.addService((sdk("./proto/language_grpc_pb") as { LanguageRuntimeService: unknown }).LanguageRuntimeService, {
    handshake: (_call: unknown, done: Reply<object>) => done(null, new made.LanguageHandshakeResponse()),
    // Which plugins a program needs turns out when it asks for them.
    getRequiredPlugins: (_call: unknown, done: Reply<object>) => done(null, new made.GetRequiredPluginsResponse()),
    getRequiredPackages: (_call: unknown, done: Reply<object>) => done(null, new made.GetRequiredPackagesResponse()),
    getPluginInfo(_call: unknown, done: Reply<object>) {
      const info = new PluginInfo();
      info.setVersion((sdk("./package.json") as { version: string }).version);
      done(null, info);
    },
    cancel(_call: unknown, done: Reply<object>) {
      stopProgram();
      done(null, new Empty());
    },
    run(call: Call<messages.RunRequest>, done: Reply<object>) {
      const response = new made.RunResponse();
      if (wasAsked) {
        response.setError("this host serves only one run, which is over");
        done(null, response);
        return;
      }
      call.on("cancelled", stopProgram);
      wasAsked = true;
      tell({ type: "running" });
      void runProgram(call.request).then(({ bail = false, error = "" }) => {
        response.setBail(bail);
        response.setError(error);
        done(null, response);
      });
    },
  });
  return bind(server);
}

async function runProgram(request: messages.RunRequest): Promise<{ bail?: boolean; error?: string }> {
  const info = request.getInfo();
  const [engine = ""] = request.getArgsList();
  connect(engine);
  Object.assign(process.env, providerEnvironment(request));
  const flags = Object.entries({
    monitor: request.getMonitorAddress(),
    engine,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info?.getRootDirectory() ?? "",
    stack: request.getStack(),
    pwd: request.getPwd(),
    parallel: String(request.getParallel()),
  }).filter(([, value]) => value !== "");
  const args = [
    ...flags.flatMap(([name, value]) => [`--${name}`, value]),
    ...(request.getDryrun() ? ["--dry-run"] : []),
  ];
  const entry = info?.getEntryPoint() ?? "";
  args.push(entry === "" ? "." : entry);
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on("line", say);
  }
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((done) => {
    child.once("close", (code, signal) => done([code, signal]));
  });
  const run: ProgramRun = { main: sdk.resolve("./cmd/run"), args, env: programEnvironment(request) };
  child.send(run, () => undefined);
  const [code, signal] =
    child.exitCode !== null || child.signalCode !== null ? [child.exitCode, child.signalCode] : await ended;
  await said;
  if (code === 0) return {};
  // Whoever stopped it knows.
  if (code === ALREADY_REPORTED || isStopped) return { bail: true };
  if (signal) return { error: `the program was killed by ${signal}` };
  return { error: `Program exited with non-zero exit code: ${code ?? "unknown"}` };
}

/** What Pulumi's language host would have set for the program. */
function programEnvironment(request: messages.RunRequest): Record<string, string> {
  const config: Record<string, string> = {};
  for (const [key, value] of request.getConfigMap().entries()) config[key.replace(":", ":config:")] = value;
  return {
    ...options.programEnv,
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
  };
}

/** What the engine would have set for the process of the providers: of the config only what is called after them. */
function providerEnvironment(request: messages.RunRequest): Record<string, string> {
  const own = "pulumi-nodejs:";
  const config: Record<string, string> = {};
  for (const [key, value] of request.getConfigMap().entries()) {
    if (key.startsWith(own)) config[key.slice(own.length)] = value;
  }
  return {
    ...options.providerEnv,
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_NODEJS_PROJECT: request.getProject(),
    PULUMI_PROJECT: request.getProject(),
  };
}

function stopProgram(): void {
  if (!isRunning()) return;
  isStopped = true;
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), GRACE_MS).unref();
}

// ---- the providers

/** Serves the SDK's dynamic providers. What they write is shown by the engine. */
async function serveProviders(): Promise<number> {
  const { ResourceProviderService } = sdk("./proto/provider_grpc_pb") as { ResourceProviderService: unknown };
  const { Empty } = sdk("google-protobuf/google/protobuf/empty_pb") as { Empty: new () => object };
  const add = Reflect.get(grpc.Server.prototype, "addService");
  grpc.Server.prototype.addService = function (this: Server, definition, implementation) {
    if (definition === ResourceProviderService) {
      count(implementation);
      // An engine says hello to a provider that it hasn't started; the SDK's refuses.
      implementation["attach"] = (_call: unknown, done: Reply<object>) => done(null, new Empty());
    }
    add.call(this, definition, implementation);
  };
  const port = new Promise<number>((done) => {
    let isFirst = true;
    const write = lines((line) => {
      if (!isFirst) return say(line);
      isFirst = false;
      done(Number(line));
    });
    process.stdout.write = write;
    process.stderr.write = write;
  });
  process.argv = [process.execPath, sdk.resolve("./cmd/dynamic-provider"), ""];
  sdk("./cmd/dynamic-provider");
  return port;
}

/** Has the calls of a service counted while they last. */
function count(implementation: Implementation): void {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(implementation));
  for (const name of methods) {
    const method = implementation[name];
    if (name === "constructor" || typeof method !== "function") continue;
    implementation[name] = (call: unknown, done?: Reply<unknown>) => {
      if (!done) return method.call(implementation, call) as unknown;
      callsOfProvider++;
      return method.call(implementation, call, (...answer: Parameters<typeof done>) => {
        callsOfProvider--;
        done(...answer);
      }) as unknown;
    };
  }
}

// ---- the engine

/** Has what is written shown by the engine, and ends when the engine does, however that was. */
function connect(address: string): void {
  const { EngineClient: Client } = sdk("./proto/engine_grpc_pb") as {
    EngineClient: new (address: string, credentials: never, options: object) => EngineClient;
  };
  const { LogRequest, LogSeverity } = sdk("./proto/engine_pb") as typeof engineMessages;
  // Quiet for long is no sign of an end.
  const client = new Client(address, grpc.credentials.createInsecure(), {
    ...LIMITS,
    "grpc.client_idle_timeout_ms": 2 ** 31 - 1,
  });
  say = (line) => {
    const request = new LogRequest();
    request.setSeverity(LogSeverity.INFO);
    request.setMessage(line);
    const shown = new Promise<void>((done) => client.log(request, () => done()));
    said = Promise.all([said, shown]);
  };
  const gone = () => {
    isEngineGone = true;
    // Whoever started us knows better, as long as they are there.
    if (!process.connected) end();
  };
  client.waitForReady(Date.now() + 10_000, (error) => {
    if (error) return gone();
    const channel = client.getChannel();
    channel.watchConnectivityState(channel.getConnectivityState(false), Infinity, gone);
  });
}

function bind(server: Server): Promise<number> {
  return new Promise((done, failed) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) failed(error);
      else done(port);
    });
  });
}

/** A `write` of a stream that tells whole lines. */
function lines(tellLine: (line: string) => void): typeof process.stdout.write {
  let rest = "";
  return (chunk: Uint8Array | string, encoding?: unknown, done?: unknown): boolean => {
    const parts = (rest + (typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8"))).split("\n");
    rest = parts.pop() ?? "";
    parts.forEach(tellLine);
    const callback = typeof encoding === "function" ? encoding : done;
    if (typeof callback === "function") process.nextTick(callback);
    return true;
  };
}
