// Runs the Pulumi CLI for what is answered at once, and puts its errors into our words. What takes long is in run.ts.

import { spawn } from "node:child_process";
import { delimiter, dirname, isAbsolute } from "node:path";

import { nearest } from "../core/nearest";
import { isAlive } from "../system/process-id";
import type { LockHolder, StackError } from "./errors";
import { stackError } from "./errors";
import { withoutCredentials } from "./redact";
import { isCutShort, mendSidecars } from "./sidecars";

/** How the engine is run. */
export interface Engine {
  pulumi: string;
  /** The project's directory. */
  directory: string;
  env: NodeJS.ProcessEnv;
}

/** What a command of the CLI printed. */
export interface Printed {
  code: number;
  stdout: string;
  stderr: string;
}

/** The environment of the engine: it asks nobody, and finds the plugins that lie beside it. */
export function engineEnvironment({ pulumi, env }: Engine): NodeJS.ProcessEnv {
  const path = isAbsolute(pulumi) ? [dirname(pulumi), env["PATH"]].filter(Boolean).join(delimiter) : env["PATH"];
  return { ...env, PATH: path, PULUMI_SKIP_UPDATE_CHECK: "true", NO_COLOR: "1" };
}

/** Runs a command. Its exit code is for the caller; errors: `engine-missing`. */
export async function runEngine(engine: Engine, args: readonly string[]): Promise<Printed> {
  for (let tries = 1; ; tries++) {
    const printed = await runOnce(engine, args);
    if (printed.code === 0 || tries === 3 || !isCutShort(printed.stderr)) return printed;
    // Where there is nothing to mend, whoever was writing it has finished. Elsewhere it is a connection that broke off.
    if ((await mendSidecars(engine.directory, engine.env)) === undefined) return printed;
  }
}

async function runOnce(engine: Engine, args: readonly string[]): Promise<Printed> {
  const child = spawn(engine.pulumi, [...args, "--non-interactive", "--color", "never"], {
    cwd: engine.directory,
    env: engineEnvironment(engine),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const code = await new Promise<number>((done, failed) => {
    child.once("error", (error) => failed(missing(engine, error)));
    child.once("close", (exit) => done(exit ?? 1));
  });
  const text = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString("utf8");
  return { code, stdout: text(stdout), stderr: withoutCredentials(text(stderr)) };
}

/** The error of a CLI that isn't there. */
export function missing({ pulumi }: Engine, error: Error): StackError {
  const { code } = error as NodeJS.ErrnoException;
  const why = code === "ENOENT" ? `\`${pulumi}\` not found on PATH` : error.message;
  return stackError("engine-missing", "pulumi", undefined, { why }, { cause: error });
}

/** What a command that failed says, as an error. */
export function engineError(stack: string, command: string, text: string, stacks: readonly string[]): StackError {
  const holder = lockHolder(text);
  if (holder) {
    const told = holder.since === undefined ? holder.who : `${holder.who}, since ${holder.since}`;
    const dead = isDeadHolder(holder) ? processIn(holder) : undefined;
    return stackError("stack-locked", "stack", stack, { stack, holder: told, deadOn: dead?.host }, { holder });
  }
  if (isUnknownStack(text)) return unknownStack(stack, stacks);
  if (text.includes("change of providers mixed with --target"))
    return stackError("providers-changed", "stack", undefined, {});
  // The CLI asks for Pulumi Cloud's token, though nobody has said that the state is there.
  if (text.includes("PULUMI_ACCESS_TOKEN must be set for login")) {
    const fix =
      "run `pulumi login`, or `pulumi login --local` to keep the state in files on this machine; " +
      "without a login, as in CI, set PULUMI_ACCESS_TOKEN or PULUMI_BACKEND_URL";
    return stackError("engine-failed", "stack", stack, { command, why: "not logged in", fix });
  }
  const lines = withoutCredentials(text)
    .split("\n")
    .map((line) => line.replace(/^(error: )+/, "").trim())
    // The AWS SDK warns of what a server of its protocol doesn't have.
    .filter((line) => line !== "" && !/^SDK \S+ \S+ WARN /.test(line));
  // Several resources fail with the same words.
  const why = [...new Set(lines)]
    .slice(0, 20)
    .reduce((text, line) => `${text}${/[.:;,]$/.test(text) ? " " : "; "}${line}`, "");
  return stackError("engine-failed", "stack", stack, {
    command,
    why: why.replace(/^; /, "") || "no error message",
    fix: wayOut(text),
  });
}

// What to do where the engine's own words don't tell.
function wayOut(text: string): string | undefined {
  if (text.includes("incorrect passphrase"))
    return "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE, to the passphrase that the stack was created with";
  const [, key] = /#\/config\/(storage-profiles:\w+): oneOf failed/.exec(text) ?? [];
  if (key !== undefined)
    return `in Pulumi.yaml, an object goes below \`value\`: write \`${key}: { value: { … } }\`, or move the key to the stack's own file`;
  return undefined;
}

/** The error of a stack that isn't there. */
export function unknownStack(stack: string, stacks: readonly string[]): StackError {
  const others = stacks.filter((each) => each !== stack);
  return stackError("stack-unknown", "stack", stack, { stack, stacks: others, nearest: nearest(stack, others) });
}

/** Whether the engine says that it doesn't know the stack. */
export function isUnknownStack(text: string): boolean {
  return /no stack named '[^']*' found|stack '[^']*' not found|404\] Not found/i.test(text);
}

/** Whether a lock is of a process that doesn't run here, with the name of this host. Another machine or container may have the same name. */
export function isDeadHolder(holder: LockHolder): boolean {
  const process = processIn(holder);
  return process !== undefined && !isAlive(process);
}

/** The process that holds a lock, where it is one. */
export function processIn({ who }: LockHolder): { pid: number; host: string } | undefined {
  const [, host, pid] = /^[^@\s]*@(\S+) \(pid (\d+)\)$/.exec(who) ?? [];
  return host === undefined ? undefined : { pid: Number(pid), host };
}

/** Who holds the stack's lock, where that is what the engine says. */
export function lockHolder(text: string): LockHolder | undefined {
  const many = text.match(/created by \S+ \(pid \d+\)/g) ?? [];
  if (many.length > 1) return { who: many.map((each) => each.slice("created by ".length)).join(" and ") };
  // Self-managed backends tell the lock file, and what stands in it.
  const file = /created by (\S+ \(pid \d+\)) at (\S+)/.exec(text);
  if (file?.[1] !== undefined) return { who: file[1], since: file[2] };
  if (text.includes("currently locked by")) return { who: "an unknown user" };
  // Pulumi Cloud: [409] Conflict: Another update is currently in progress.
  if (/Another update is currently in progress/i.test(text)) return { who: "an update on Pulumi Cloud" };
  return undefined;
}

/** What a command printed as JSON; nothing where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.slice(text.search(/[[{]/)));
  } catch {
    return undefined;
  }
}
