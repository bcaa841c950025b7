// A command over many stacks: which ones, a few at a time, each on its own; one table, one JSON, one exit code.

import { cpus } from "node:os";

import { formatProblem, formatProblems, type Problem } from "../core/problems";
import { isInSharedFile } from "../core/origin";
import { nearest } from "../core/nearest";
import { StackError, type Stack } from "../stack";
import { chooseStacks, isPattern, labelOf } from "../stack/choose-stacks";
import { findStacks, type FoundStack } from "../stack/find-stacks";
import { environmentNotes } from "../stack/status";
import { exitCodeOf, textOf, UsageError, type Answer, type Context, type ExitCode, type OptionSpec } from "./context";
import { distinct, fittedTable, problemsText } from "./text";
import { problem } from "./problems";

/** What a command has to say of one stack of many. */
export interface Part {
  code: ExitCode;
  json: object;
  /** Its rows of the table, without the stack. */
  rows: readonly (readonly string[])[];
  problems?: readonly Problem[];
}

/** How a command goes over many stacks. */
export interface ManySpec<P extends Part = Part> {
  /** The head of the table, without the stack. */
  head: readonly string[];
  each(stack: Stack, context: Context): Promise<P>;
  /** What the stacks come to together; so many are left out, of which nothing is known. */
  total?(parts: readonly P[], leftOut: number): { json: object; rows: readonly (readonly string[])[] };
}

/** What became of one stack. */
export type Outcome<T> = { of: FoundStack; label: string } & (
  | { value: T; failure?: undefined; isSkipped?: undefined }
  | { value?: undefined; failure: StackError; isSkipped?: undefined }
  /** Ctrl-C came before it, or, where it has begun, ended it. */
  | { value?: undefined; failure?: undefined; isSkipped: true; hasBegun?: boolean }
);

/** The stacks that a command is to go over. */
export interface Chosen {
  stacks: { of: FoundStack; label: string }[];
  /** Projects that can't be read, and names that nothing matches. */
  problems: Problem[];
}

export const manyOptions: readonly OptionSpec[] = [
  { flags: "-a, --all", description: "all stacks of the projects in this directory and below" },
  {
    flags: "--parallel <number>",
    description: "with several stacks: how many at a time. Default: 4, or the number of processors",
  },
];

/** How many stacks a problem lists. */
const MOST_LISTED = 20;

/** The gravest first: what wasn't looked at, what failed, what differs. */
const GRAVITY: readonly ExitCode[] = ["interrupted", "engine", "busy", "problems", "differs", "done"];

/** The exit code of many. */
export function gravest(codes: readonly ExitCode[]): ExitCode {
  return GRAVITY.find((each) => codes.includes(each)) ?? "done";
}

/** Whether a command is called for many stacks. */
export function isForMany(context: Context): boolean {
  const named = stacksNamed(context);
  const isRollout = ["waves", "resume", "revert"].some((each) => context.options[each] !== undefined);
  return context.options["all"] === true || named.length > 1 || named.some(isPattern) || isRollout;
}

function stacksNamed({ options }: Context): string[] {
  const { stack } = options;
  return Array.isArray(stack) ? stack : typeof stack === "string" ? [stack] : [];
}

/** Finds the stacks that are meant. */
export async function chosenStacks(context: Context): Promise<Chosen> {
  const { cwd, env, pulumi, journalDirectory } = context.io;
  const named = stacksNamed(context);
  if (context.options["all"] === true && named.length > 0) throw new UsageError("pass either --all or --stack");
  if (context.args.length > 0) throw new UsageError("volumes can't be named with several stacks; pass one --stack");
  const found = await findStacks({ directory: cwd, env, pulumi, journalDirectory });
  const problems = found.unreadable.flatMap(({ folder, problems: wrong }) =>
    wrong.map((each) => ({ ...each, path: `${folder || "."}: ${each.path}` })),
  );
  const { chosen, unmatched } =
    named.length === 0 ? { chosen: found.stacks, unmatched: [] } : chooseStacks(found.stacks, named);
  const names = [...new Set(found.stacks.map(({ stack }) => stack))];
  for (const each of unmatched) {
    const stacks = names.slice(0, MOST_LISTED);
    problems.push(
      isPattern(each) || names.length === 0
        ? problem("stack-unmatched", "--stack", each, { pattern: each, stacks, total: names.length })
        : problem("stack-unknown", "--stack", each, { stack: each, stacks, nearest: nearest(each, names) }),
    );
  }
  if (found.projects === 0) problems.push(problem("project-missing", "Pulumi.yaml", undefined, { directory: cwd }));
  const stacks = chosen.map((of) => ({ of, label: labelOf(of, found.stacks) }));
  if (!context.json) {
    const projects = new Set(chosen.map(({ folder }) => folder)).size;
    context.io.err(`${plural(stacks.length, "stack")} in ${plural(projects, "project")}\n`);
  }
  return { stacks, problems };
}

/** "1 stack", "2 stacks". */
export const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/**
 * Does something with each stack, a few at a time. One that fails doesn't stop the others. After Ctrl-C no further one begins, and those
 * under way end as ever; `onSecond` is called when it comes again.
 */
export async function overStacks<T>(
  { stacks }: Pick<Chosen, "stacks">,
  context: Context,
  work: (one: FoundStack, label: string) => Promise<T>,
  { onSecond, verb = "" }: { onSecond?: () => void; verb?: string } = {},
): Promise<{ outcomes: Outcome<T>[]; isInterrupted: boolean }> {
  const { io, json } = context;
  const outcomes: Outcome<T>[] = stacks.map((each) => ({ ...each, isSkipped: true }));
  let [next, done] = [0, 0];
  let interrupts = 0;
  const isInterrupted = () => interrupts > 0;
  const ignore = io.onInterrupt?.(() => {
    interrupts++;
    if (interrupts > 1) onSecond?.();
    const more = onSecond ? "; press Ctrl-C again to stop these after the current step" : "";
    if (interrupts === 1 && !json) io.err(`stopping after the stacks that are running${more}\n`);
  });
  const worker = async () => {
    while (next < stacks.length && !isInterrupted()) {
      const at = next++;
      const one = stacks[at];
      if (!one) return;
      let ending = "";
      try {
        outcomes[at] = { ...one, value: await work(one.of, one.label) };
      } catch (error) {
        if (!(error instanceof StackError)) throw error;
        // A terminal's Ctrl-C ends the engine that was reading as well.
        const isKilled = isInterrupted() && error.code === "engine-failed";
        outcomes[at] = isKilled ? { ...one, isSkipped: true, hasBegun: true } : { ...one, failure: error };
        ending = `: ${error.problems[0].message}`;
      }
      done++;
      if (!json) io.err(`[${done}/${stacks.length}] ${verb}${one.label}${ending}\n`);
    }
  };
  try {
    await Promise.all(Array.from({ length: parallelOf(context) }, worker));
  } finally {
    ignore?.();
  }
  // It may have come when all had begun already.
  return { outcomes, isInterrupted: isInterrupted() };
}

function parallelOf(context: Context): number {
  const text = textOf(context, "parallel");
  if (text === undefined) return Math.max(1, Math.min(4, cpus().length));
  if (!/^[1-9]\d?$/.test(text)) throw new UsageError("--parallel must be a number from 1 to 99");
  return Number(text);
}

/** Runs a command over the stacks that are meant. */
export async function runMany<P extends Part>(spec: ManySpec<P>, context: Context): Promise<Answer> {
  const chosen = await chosenStacks(context);
  const { outcomes } = await overStacks(chosen, context, ({ at }) => spec.each(at, context));
  return answerOf(spec, context, chosen, outcomes);
}

/** One answer for all stacks. */
export async function answerOf<P extends Part>(
  { head, total }: Pick<ManySpec<P>, "head" | "total">,
  context: Context,
  chosen: Chosen,
  outcomes: readonly Outcome<P>[],
): Promise<Answer> {
  const { colours } = context;
  const parts = outcomes.flatMap(({ value }) => (value ? [value] : []));
  const sum = total?.(parts, outcomes.length - parts.length);
  const rows = outcomes.flatMap((each) => {
    const { label, value, failure } = each;
    if (value) return value.rows.map((row) => [label, ...row]);
    const why = failure
      ? colours.red(`failed: ${failure.problems.map(({ message }) => message).join("; ")}`)
      : colours.yellow(hasBegun(each) ? "interrupted" : "not started");
    return [[label, ...head.slice(1).map(() => ""), why]];
  });
  const all = [...rows, ...(sum?.rows.map((row) => ["", ...row]) ?? [])];
  const table = all.length > 0 ? fittedTable([["STACK", ...head], ...all], context) : "No volumes.";
  const problems = distinct([...chosen.problems, ...gathered(outcomes)]);
  const notes = await notesOf(outcomes);
  const codes = outcomes.map(codeOf);
  return {
    code: gravest([...codes, ...chosen.problems.map(({ code }) => exitCodeOf(code))]),
    json: {
      stacks: outcomes.map((each) => ({ ...named(each), exitCode: codeOf(each), ...jsonOf(each) })),
      ...sum?.json,
      problems: chosen.problems,
    },
    text: [table, ...(problems.length > 0 ? [problemsText(problems, colours)] : []), ...notes].join("\n\n"),
  };
}

/** How many stacks are named that have the same problem. */
const MOST_NAMED = 3;

// Report a problem that several stacks share once, with their names; one of a shared file belongs to no stack.
function gathered(outcomes: readonly Outcome<Part>[]): Problem[] {
  const found = new Map<string, { one: Problem; labels: string[] }>();
  for (const { label, value, failure } of outcomes)
    for (const one of value?.problems ?? failure?.problems ?? []) {
      const key = formatProblem(one);
      const known = found.get(key);
      if (known) known.labels.push(label);
      else found.set(key, { one, labels: [label] });
    }
  return [...found.values()].map(({ one, labels }) => {
    if (isInSharedFile(one.path)) return one;
    const others = labels.length - MOST_NAMED;
    const names = [...labels.slice(0, MOST_NAMED), ...(others > 0 ? [`${others} more`] : [])].join(", ");
    return { ...one, path: `${names}: ${one.path}` };
  });
}

const named = ({ of }: Outcome<unknown>) => ({
  project: of.project,
  stack: of.stack,
  directory: of.at.project.directory,
});

function codeOf({ value, failure }: Outcome<Part>): ExitCode {
  return value?.code ?? (failure ? exitCodeOf(failure.code) : "interrupted");
}

const hasBegun = (one: Outcome<unknown>): boolean => one.isSkipped !== true || one.hasBegun === true;

function jsonOf(one: Outcome<Part>): object {
  const { value, failure } = one;
  if (value) return value.json;
  if (!failure) return { started: hasBegun(one) };
  const { code, problems } = failure;
  return { error: { code, message: formatProblems(code, problems) }, problems };
}

// What environments set no command knows: whatever it has said holds without that.
async function notesOf(outcomes: readonly Outcome<Part>[]): Promise<string[]> {
  const found = await Promise.all(
    outcomes.map(async ({ label, of, value }) => {
      const read = value && (await of.at.readConfig().catch(() => undefined));
      return read ? environmentNotes(read).map(({ message }) => `note: ${label}: ${message}`) : [];
    }),
  );
  const all = found.flat();
  return all.length > 0 ? [all.join("\n")] : [];
}
