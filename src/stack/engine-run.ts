// Runs what takes long (up, refresh) with the engine's event log. The engine lives on when this process dies: it writes to files,
// not to pipes, and is a process group of its own. Killed in the middle it would leave the stack's lock and half a state behind.

import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { open, readFile } from "node:fs/promises";

import { engineEnvironment, missing, type Engine } from "./engine";
import { withoutCredentials } from "./redact";

/** A run of the engine. */
export interface EngineRun {
  pid: number;
  /** Its exit code, and all that it printed. Every event was told before. */
  done: Promise<{ code: number; output: string }>;
  /** Asks it to stop after what it is doing; asked again, at once. */
  interrupt(): void;
}

/** The files of a run. */
export interface RunFiles {
  events: string;
  output: string;
}

const POLL = 100;

/** What a run is given besides, by an engine that was kept ready. */
export interface RunExtras {
  args: readonly string[];
  env: NodeJS.ProcessEnv;
}

/** Starts the engine; `onEvent` gets each event of its log, as JSON. Error: `engine-missing`. */
export async function startRun(
  engine: Engine,
  args: readonly string[],
  files: RunFiles,
  extras: RunExtras | undefined,
  onEvent: (event: unknown) => void,
): Promise<EngineRun> {
  // The log is there from the start, readable for its owner only: it has the inputs of all resources.
  for (const file of [files.events, files.output]) closeSync(openSync(file, "w", 0o600));
  const output = openSync(files.output, "a");
  const all = [...args, ...(extras?.args ?? []), "--event-log", files.events, "--non-interactive", "--color", "never"];
  const child = spawn(engine.pulumi, all, {
    cwd: engine.directory,
    // The flag for the log is one of those for developers.
    env: { ...engineEnvironment(engine), ...extras?.env, PULUMI_DEBUG_COMMANDS: "true" },
    stdio: ["ignore", output, output],
    detached: true,
  });
  closeSync(output);
  const started = new Promise<number>((done, failed) => {
    child.once("spawn", () => done(child.pid ?? 0));
    child.once("error", (error) => failed(missing(engine, error)));
  });
  const ended = new Promise<number>((done) => {
    child.once("exit", (code) => done(code ?? 1));
    child.once("error", () => done(1));
  });
  const pid = await started;
  const log = followLog(files.events, onEvent);
  const done = ended.then(async (code) => {
    await log.end();
    return { code, output: withoutCredentials(await readFile(files.output, "utf8").catch(() => "")) };
  });
  let asked = 0;
  const interrupt = () => {
    asked++;
    child.kill("SIGINT");
    if (asked < 2) return;
    // The second one ends it at once; and if not, nothing of it is left.
    setTimeout(() => {
      if (child.exitCode === null && child.signalCode === null) kill(-pid);
    }, 5_000).unref();
  };
  return { pid, done, interrupt };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}

// Tells each line of a growing file.
function followLog(file: string, onEvent: (event: unknown) => void): { end(): Promise<void> } {
  let at = 0;
  let rest = Buffer.alloc(0);
  const state = { isOver: false, wake: (): void => undefined };
  const more = async () => {
    const handle = await open(file, "r").catch(() => undefined);
    if (!handle) return;
    try {
      for (;;) {
        const chunk = Buffer.alloc(1 << 16);
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
        for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
          tell(rest.subarray(0, end).toString("utf8"), onEvent);
          rest = rest.subarray(end + 1);
        }
      }
    } finally {
      await handle.close();
    }
  };
  const loop = (async () => {
    for (;;) {
      // Asked before it is read: what was written before the end is in what is read then.
      const { isOver } = state;
      await more();
      if (isOver) return;
      if (state.isOver) continue;
      await new Promise<void>((done) => {
        state.wake = done;
        setTimeout(done, POLL);
      });
    }
  })();
  return {
    end() {
      state.isOver = true;
      state.wake();
      return loop;
    },
  };
}

function tell(line: string, onEvent: (event: unknown) => void): void {
  if (line.trim() === "") return;
  try {
    onEvent(JSON.parse(line));
  } catch {
    // The last line of an engine that was killed may be half of one.
  }
}
