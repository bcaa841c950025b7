// The plugin as a whole: a stack, the machine, and the socket put together.

import "../system/service-package";

import { homedir } from "node:os";
import * as path from "node:path";

import { checkName } from "..";
import { StackError } from "../stack/errors";
import type { Stack } from "../stack/types";
import type { Log } from "./log";
import { driverOf } from "./driver";
import { nodeStorage } from "../../components/host";
import { openRegistry } from "./registry";
import { serve } from "./server";
import { passedSocket } from "./socket";
import { socketPath } from "./unit";

export interface PluginOptions {
  stack: Stack;
  /** What Docker calls the driver, and so the socket's name. Default: storage-profiles. */
  name?: string | undefined;
  /** The socket. Default: the one that systemd has passed, else where Docker looks for it, /run/docker/plugins/<name>.sock. */
  socket?: string | undefined;
  /** Where the plugin keeps what Docker told it. Default: {@link defaultStateDirectory}. */
  stateDirectory?: string | undefined;
  onProfileChange?: "refuse" | "apply" | undefined;
  /** The longest that any call may take, in seconds. */
  timeLimitSeconds?: number | undefined;
  env?: NodeJS.ProcessEnv | undefined;
  /** Whether an engine is kept ready for new volumes. Default: true. */
  keepReady?: boolean | undefined;
  log: Log;
}

export interface Plugin {
  /** The socket that it listens on, for people. */
  socket: string;
  /** Resolves when the plugin has looked around; calls that come before wait for what they need of it. */
  ready: Promise<void>;
  stop(): Promise<void>;
}

export const DEFAULT_NAME = "storage-profiles";

/** Starts the plugin. It answers when this resolves. Problems: `socket-in-use`, `socket-not-passed`, `name-invalid`. */
export async function startPlugin(options: PluginOptions): Promise<Plugin> {
  const { stack, name = DEFAULT_NAME, env = process.env, log } = options;
  const [problem] = checkName("volume", name, "--name");
  if (problem) throw new StackError([problem]);
  const passed = options.socket === undefined ? passedSocket(env) : undefined;
  const socket = options.socket ?? socketPath(name);
  const directory = options.stateDirectory ?? defaultStateDirectory(env);
  const registry = await openRegistry(path.join(directory, `${name}.json`), log);
  const driver = driverOf({
    stack,
    registry,
    storageOf: (backend, { config }) => nodeStorage(backend, { config, env }),
    onProfileChange: options.onProfileChange ?? "refuse",
    log,
  });
  const kept = options.keepReady === false ? undefined : stack.project.keepReady({ log });
  const served = await serve({
    driver,
    socket: passed ?? { path: socket },
    timeLimitSeconds: options.timeLimitSeconds,
    log,
  });
  const ready = driver.start().catch((error: unknown) => {
    log(
      `Initial inspection failed; it will be repeated on the next call from Docker: ${(error as Error).message}`,
      "error",
    );
  });
  return {
    socket: passed ? "the socket that systemd passed" : socket,
    ready,
    async stop() {
      kept?.close();
      await served.close();
      await driver.stop();
    },
  };
}

/** /var/lib/storage-profiles-docker for root, else below XDG_STATE_HOME; systemd's STATE_DIRECTORY where that is set. */
export function defaultStateDirectory(env: NodeJS.ProcessEnv): string {
  const ofService = env["STATE_DIRECTORY"]?.split(":")[0];
  if (ofService) return ofService;
  if (process.geteuid?.() === 0) return "/var/lib/storage-profiles-docker";
  return path.join(env["XDG_STATE_HOME"] ?? path.join(homedir(), ".local", "state"), "storage-profiles-docker");
}
