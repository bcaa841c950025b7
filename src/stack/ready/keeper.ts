// Keeps for the next run of the engine what takes its time: processes that have loaded the SDK and this package (host.ts). One waits; when it
// was used the next is made. Where none can be had the engine runs as ever: nothing depends on it but how long a first use takes.

import { fork, type ChildProcess } from "node:child_process";
import { promises as fs } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

import { z } from "zod";

import { PROJECT_FILES } from "../read-config";
import { engineEnvironment, type Engine } from "../engine";
import type { HostCommand, HostMessage, HostOptions } from "./host";

/** Engines that are kept ready for a project. */
export interface ReadyEngines {
  /** Has one made in a moment, where none is. */
  prepare(): void;
  /** The one that is ready, or soon will be; nothing where the engine has to be run as ever. It is the caller's from then on. */
  take(): Promise<ReadyEngine | undefined>;
  /** Ends the one that waits, and makes none any more. What was taken goes on. */
  close(): void;
}

/** One that is ready, for one run of the engine. */
export interface ReadyEngine {
  /** What the run's command line gets besides. */
  args: string[];
  /** What its environment gets besides. */
  env: NodeJS.ProcessEnv;
  /** Whether it came to an end before the engine had the program run: then the engine has failed by that, and has changed nothing. */
  isBroken(): boolean;
  /** Says that the engine has ended. */
  over(): void;
}

/** What Pulumi.yaml says of the program. */
export interface RuntimeSettings {
  runtime?: unknown;
  main?: string | undefined;
}

/** What a project is kept ready with. */
export interface KeeperOptions {
  engine: Engine;
  settings: () => Promise<RuntimeSettings>;
  /** Takes what there is to tell: that none can be kept ready, and why. */
  log: (line: string) => void;
}

/** A process that is being made, or waits. */
interface Spare {
  child: ChildProcess;
  /** Whether it has loaded what there is to load. */
  loaded: Promise<boolean>;
  /** Where it listens, once it was given away. */
  listening: Promise<{ language: number; provider: number } | undefined>;
  /** What the files that it is made from looked like before. */
  made: string;
  wasRun: boolean;
}

/** How long a run waits for one that is being made. */
const WORTH_WAITING_MS = 3_000;
/** How long the machine gets to itself after a run: containers start then. */
const PAUSE_MS = 250;
/** After so many that could not be made in a row, no other is tried. */
const ENOUGH_FAILURES = 3;

const optionsSchema = z.strictObject({
  typescript: z.boolean().optional(),
  tsconfig: z.string().optional(),
  nodeargs: z.union([z.string(), z.array(z.string())]).optional(),
  packagemanager: z.string().optional(),
});
const runtimeSchema = z.union([
  z.literal("nodejs").transform(() => ({})),
  z.object({ name: z.literal("nodejs"), options: optionsSchema.optional() }).transform(({ options }) => options ?? {}),
]);

/** Keeps an engine ready for a project, from the first `prepare` on. */
export function keepReady({ engine, settings, log }: KeeperOptions): ReadyEngines {
  let making: Promise<Spare | undefined> | undefined;
  let pause: NodeJS.Timeout | undefined;
  let failures = 0;
  let isClosed = false;

  const give = async (): Promise<Spare | undefined> => {
    const read = await settings();
    const options = hostOptions(read);
    if (options === undefined) {
      failures = ENOUGH_FAILURES;
      log("Pulumi isn't kept loaded: the runtime in Pulumi.yaml isn't nodejs, or has unsupported options");
      return undefined;
    }
    const directory = await programDirectory(engine, read.main);
    const spare = startHost(engine, directory, options, await lookOf(engine, directory));
    void spare.loaded.then((isLoaded) => {
      failures = isLoaded ? 0 : failures + 1;
      if (failures >= ENOUGH_FAILURES) log("Pulumi is no longer kept loaded");
    });
    return spare;
  };
  const begin = () => {
    const current = give().catch((error: unknown) => {
      failures++;
      log(`Pulumi could not be kept loaded: ${(error as Error).message}`);
      return undefined;
    });
    making = current;
    // One that dies while it waits isn't waited with.
    void current.then((spare) => {
      const forget = () => {
        if (making === current) making = undefined;
      };
      if (spare) spare.child.once("exit", forget);
      else forget();
    });
  };
  const prepare = () => {
    if (isClosed || making || failures >= ENOUGH_FAILURES) return;
    clearTimeout(pause);
    pause = setTimeout(begin, PAUSE_MS).unref();
  };
  const discard = (spare: Spare | undefined) => spare && command(spare.child, "over");

  return {
    prepare,
    async take() {
      clearTimeout(pause);
      const current = making;
      making = undefined;
      const spare = await current;
      if (!spare) return undefined;
      const isLoaded = await within(spare.loaded, WORTH_WAITING_MS);
      const directory = await programDirectory(engine, (await settings()).main);
      const isUsable = isLoaded === true && spare.made === (await lookOf(engine, directory));
      if (isUsable) command(spare.child, "given");
      const ready = isUsable ? await within(spare.listening, WORTH_WAITING_MS) : undefined;
      if (!ready) {
        discard(spare);
        return undefined;
      }
      const inherited = engine.env["PULUMI_DEBUG_PROVIDERS"];
      return {
        args: ["--client", `127.0.0.1:${ready.language}`],
        env: { PULUMI_DEBUG_PROVIDERS: [`pulumi-nodejs:${ready.provider}`, inherited].filter(Boolean).join(",") },
        isBroken: () => !spare.wasRun && hasEnded(spare.child),
        over: () => command(spare.child, "over"),
      };
    },
    close() {
      isClosed = true;
      clearTimeout(pause);
      void making?.then(discard);
    },
  };
}

function startHost(engine: Engine, directory: string, options: HostOptions, made: string): Spare {
  const child = fork(resolve(__dirname, "host.js"), [JSON.stringify(options)], {
    cwd: directory,
    env: engineEnvironment(engine),
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    // What ends this process by a signal of the terminal must not end a run that has begun.
    detached: true,
  });
  // It keeps nobody from ending: whoever waits for it has a timer.
  child.unref();
  child.channel?.unref();
  const told = <T extends HostMessage["type"], R>(
    type: T,
    read: (message: HostMessage & { type: T }) => R,
    otherwise: R,
  ) =>
    new Promise<R>((done) => {
      child.on("message", (message: HostMessage) => {
        if (message.type === type) done(read(message as HostMessage & { type: T }));
        else if (message.type === "failed") done(otherwise);
      });
      for (const end of ["error", "exit"]) child.once(end, () => done(otherwise));
    });
  const spare: Spare = {
    child,
    loaded: told("loaded", () => true, false),
    listening: told("listening", (message) => message, undefined),
    made,
    wasRun: false,
  };
  child.on("message", ({ type }: HostMessage) => {
    if (type === "running") spare.wasRun = true;
  });
  return spare;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function command(child: ChildProcess, what: HostCommand): void {
  if (child.connected) child.send(what, () => undefined);
}

/** What the host needs of Pulumi.yaml; nothing where that says more than is known here. */
export function hostOptions({ runtime }: RuntimeSettings): HostOptions | undefined {
  const read = runtimeSchema.safeParse(runtime);
  if (!read.success) return undefined;
  const given = read.data as z.infer<typeof optionsSchema>;
  const { typescript = true, tsconfig, nodeargs = [] } = given;
  // Words in quotes are for a shell to read.
  if (typeof nodeargs === "string" && /["'\\]/.test(nodeargs)) return undefined;
  return {
    nodeArgs: typeof nodeargs === "string" ? nodeargs.split(/\s+/).filter(Boolean) : nodeargs,
    programEnv: {
      PULUMI_NODEJS_TYPESCRIPT: String(typescript),
      ...(tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig }),
    },
    providerEnv: Object.fromEntries(
      Object.entries(given).map(([name, value]) => [`PULUMI_RUNTIME_${name.toUpperCase()}`, String(value)]),
    ),
  };
}

/** The directory that the engine runs the program in: `main` of Pulumi.yaml, or where that lies. */
async function programDirectory({ directory }: Engine, main: string | undefined): Promise<string> {
  if (main === undefined || main === "") return directory;
  const path = resolve(directory, main);
  const stats = await fs.stat(path).catch(() => undefined);
  return stats?.isDirectory() === true ? path : dirname(path);
}

/** What a change of means that a process has loaded something that is no longer so: another program, another installation. */
async function lookOf({ directory }: Engine, program: string): Promise<string> {
  const load = createRequire(join(program, "_"));
  const packages = ["@pulumi/pulumi", "storage-profiles"].flatMap((name) => {
    try {
      return [load.resolve(`${name}/package.json`), load.resolve(name)];
    } catch {
      return [];
    }
  });
  const own = PROJECT_FILES.map((file) => join(directory, file));
  const installed = ["package.json", "node_modules/.package-lock.json"].map((file) => join(program, file));
  const looks = [...own, ...installed, ...packages].map(async (file) => {
    const stats = await fs.stat(file, { bigint: true }).catch(() => undefined);
    return `${file} ${stats ? [stats.ino, stats.size, stats.mtimeNs].join(" ") : ""}`;
  });
  return (await Promise.all(looks)).join("\n");
}

async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((done) => (timer = setTimeout(() => done(undefined), milliseconds)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
