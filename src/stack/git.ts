// Runs git: arguments as a list, never a shell; with the caller's own configuration, credentials, signing and hooks.

import { spawn } from "node:child_process";

import type { Printed } from "./engine";
import { stackError } from "./errors";
import { withoutCredentials } from "./redact";

/** How long a command of git may take, with its hooks and the remote's answer, in milliseconds. */
const PATIENCE = 120_000;
/** How long the output of a command that has ended is waited for: a connection that ssh keeps open for later holds it. */
const DRAIN = 1_000;
/** How much of what git prints a message repeats. */
const LONGEST_TEXT = 1_000;

/** Where git runs, and what it gets as its environment. */
export interface GitContext {
  directory: string;
  env: NodeJS.ProcessEnv;
}

/** Runs a command. Its exit code is for the caller. Error: `git-missing`. */
export async function runGit(
  { directory, env }: GitContext,
  args: readonly string[],
  { input = "", patienceMs = PATIENCE }: { input?: string; patienceMs?: number } = {},
): Promise<Printed> {
  // A session of its own: nothing can ask on a terminal where nobody sees it, and Ctrl-C doesn't end git between two steps.
  const child = spawn("git", ["--literal-pathspecs", "-C", directory, ...args], {
    env: gitEnvironment(env),
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A command that doesn't read it may have ended.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const late: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    const code = await new Promise<number>((done, failed) => {
      child.once("error", (error: NodeJS.ErrnoException) => {
        const why = error.code === "ENOENT" ? "`git` not found on PATH" : error.message;
        failed(stackError("git-missing", "git", undefined, { why }, { cause: error }));
      });
      child.once("exit", (exit) => setTimeout(() => done(exit ?? 1), DRAIN).unref());
      child.once("close", (exit) => done(exit ?? 1));
      timer = setTimeout(() => {
        late.push(`\nno answer within ${patienceMs / 1000} seconds`);
        end(child.pid);
      }, patienceMs);
    });
    const text = (chunks: readonly Buffer[]) => withoutCredentials(Buffer.concat(chunks).toString("utf8"));
    return { code: late.length > 0 ? code || 1 : code, stdout: text(stdout), stderr: text(stderr) + late.join("") };
  } finally {
    clearTimeout(timer);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

/** What git said, as part of a sentence: without its hints. */
export function saidBy({ stdout, stderr }: Printed): string {
  const lines = (text: string) =>
    text
      .split(/[\r\n]+/)
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("hint:"));
  const said = lines(stderr).length > 0 ? lines(stderr) : lines(stdout);
  const text = said.join("; ");
  return text.length <= LONGEST_TEXT ? text || "no message" : `${text.slice(0, LONGEST_TEXT)}…`;
}

// A hook that calls us has variables that name its own repository.
function gitEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = { GIT_TERMINAL_PROMPT: "0", ...env };
  for (const each of ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"])
    Reflect.deleteProperty(own, each);
  return own;
}

// With what it has started: a hook, a connection.
function end(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGTERM");
  } catch {
    // It has just ended.
  }
}
