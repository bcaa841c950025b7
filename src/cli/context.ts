// What a command is, and what all commands share: exit codes, options, and the context in which one runs.

import type { Problem, ProblemCode } from "../core/problems";
import type { Project, Stack } from "../stack";
import type { Colours } from "./text";

/** The exit codes, in the order in which they are documented. */
export const exitCodes = {
  done: [0, "Success"],
  problems: [1, "Invalid request or config (nothing was changed), or a failed operation"],
  usage: [2, "Usage error"],
  differs: [3, "A volume isn't compliant (`status`; `apply --all` in waves)"],
  engine: [4, "Project, stack, Pulumi CLI or a required package not found, or the Pulumi CLI failed"],
  busy: [5, "Conflict: the stack is locked, or someone else changed its config"],
  interrupted: [130, "Interrupted"],
} as const satisfies Record<string, readonly [number, string]>;

export type ExitCode = keyof typeof exitCodes;

/** The exit code of an error of the stack. */
export function exitCodeOf(code: ProblemCode | undefined): ExitCode {
  if (code === undefined) return "problems";
  if (busy.includes(code)) return "busy";
  return ofEngine.includes(code) ? "engine" : "problems";
}

const busy: ProblemCode[] = ["stack-locked", "config-busy", "config-changed", "rollout-elsewhere", "rollout-busy"];
const ofEngine: ProblemCode[] = [
  ...(["project-missing", "project-not-readable", "stack-not-named", "stack-unknown", "stack-unmatched"] as const),
  ...(["engine-missing", "engine-failed", "state-not-readable", "folder-not-readable"] as const),
];

/** What an argument or an option can be completed with. */
export type Completes = "profile" | "volume" | "reference" | "stack" | readonly string[];

export interface ArgumentSpec {
  /** As commander has it: `<profile>`, `[reference...]`. */
  name: string;
  description: string;
  completes?: Completes;
}

export interface OptionSpec {
  /** As commander has it: `--size <size>`. */
  flags: string;
  description: string;
  default?: string;
  choices?: readonly string[];
  completes?: Completes;
  /** May be given several times. */
  many?: boolean;
}

/** A command: one entry of the table in commands.ts. */
export interface CommandSpec {
  name: string;
  summary: string;
  /** What the summary leaves out. */
  description?: string;
  arguments?: readonly ArgumentSpec[];
  options?: readonly OptionSpec[];
  /** Whether it is about one stack, and has `--stack`. Default: true. */
  ofStack?: boolean;
  examples: readonly (readonly [command: string, what: string])[];
  run(context: Context): Promise<Answer>;
  /** The same for many stacks: with `--all`, several `--stack`, or a pattern. Absent where it is about one only. */
  many?(context: Context): Promise<Answer>;
}

/** What a command has to say. */
export interface Answer {
  code?: ExitCode;
  /** For `--json`. Nothing where the command spoke for itself. */
  json?: unknown;
  text?: string;
  /** Written to standard error; in JSON as `problems`. */
  problems?: readonly Problem[];
  /** Text that comes last, after the problems. */
  last?: string;
}

/** The world of a command: where it is called, and what it may write to. */
export interface Io {
  cwd: string;
  env: NodeJS.ProcessEnv;
  out: (text: string) => void;
  err: (text: string) => void;
  /** Whether a person reads what is written, and can be asked. */
  isTerminal: boolean;
  /** How wide that terminal is, or what COLUMNS says instead. */
  columns: number;
  /** The executable of the engine. Default: `pulumi` on PATH. */
  pulumi?: string | undefined;
  journalDirectory?: string | undefined;
  /** Calls a function when the user interrupts; gives back what ends that. Default: nobody does. */
  onInterrupt?: ((interrupted: () => void) => () => void) | undefined;
}

/** What a command runs with. */
export interface Context {
  /** The arguments, in their order; a variadic one takes the rest. */
  args: readonly string[];
  options: Readonly<Record<string, string | boolean | string[] | undefined>>;
  io: Io;
  json: boolean;
  colours: Colours;
  project(): Promise<Project>;
  /** The stack that is meant. */
  stack(): Promise<Stack>;
}

/** A wrong call of a command. */
export class UsageError extends Error {}

/** The text of an option, where it was given; of one that may be repeated, where it was given once. */
export function textOf({ options }: Pick<Context, "options">, option: string): string | undefined {
  const value = options[option];
  if (Array.isArray(value)) return value.length === 1 ? value[0] : undefined;
  return typeof value === "string" ? value : undefined;
}

/** A size as people write it: a number of GiB, or text with a unit. */
export function sizeOf(text: string | undefined): { sizeGiB?: number; size?: string } {
  if (text === undefined) return {};
  return /^-?\d+(\.\d+)?$/.test(text.trim()) ? { sizeGiB: Number(text) } : { size: text };
}
