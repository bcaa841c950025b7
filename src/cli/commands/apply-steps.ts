// What `apply` does for one stack as for many: asks, waits, and tells what happens.

import { stripVTControlCharacters } from "node:util";

import type { CommitOptions, EditResult, Operation, OperationEvent, OperationReport } from "../../stack";
import { textOf, UsageError, type Context, type OptionSpec } from "../context";

export const commitOptions: readonly OptionSpec[] = [
  {
    flags: "--commit",
    description:
      "commit each edited file to Git, and push the commit to the branch's upstream, before anything is applied",
  },
  { flags: "--reason <text>", description: "with --commit: why, for the commit message" },
];

/** How edits are committed; nothing where they aren't. */
export function commitOf(context: Context): CommitOptions | undefined {
  const reason = textOf(context, "reason");
  if (context.options["commit"] === true) return { reason };
  if (reason !== undefined) throw new UsageError("--reason requires --commit");
  return undefined;
}

/** Reports the commit of an edit. */
export function tellCommit({ commit }: EditResult, { io, json }: Context, label = ""): void {
  if (commit !== undefined && !json) io.out(`${label}committed and pushed: ${commit.slice(0, 10)}\n`);
}

/** Refuses a call in which nobody could confirm. */
export function checkConfirmable({ io, json, options }: Context): void {
  if (options["yes"] !== true && (!io.isTerminal || json))
    throw new UsageError("not an interactive terminal; pass --yes to skip confirmation");
}

/** For how long a lock is waited for, in seconds. */
export function waitOf(context: Context): number {
  const text = textOf(context, "wait");
  const seconds = Number(text ?? 0);
  if (!Number.isFinite(seconds) || seconds < 0 || text === "")
    throw new UsageError("--wait must be a number of seconds");
  return seconds;
}

/** Whether the user agrees. */
export async function confirmed(message = "Apply these changes?"): Promise<boolean> {
  const { confirm } = await import("@inquirer/prompts");
  return confirm({ message, default: false });
}

/** What an operation did, and whether the config was edited for it. */
export function doneText(summary: Readonly<Record<string, number>>, isEdited = false): string {
  const words: Record<string, string> = { create: "created", update: "updated", delete: "deleted", same: "unchanged" };
  const told = Object.entries(summary).map(([what, count]) => `${count} ${words[what] ?? what}`);
  return told.length > 0
    ? `done: ${told.join(", ")} (resources)`
    : `done: ${isEdited ? "config updated, no volume changes" : "no changes"}`;
}

const operationWords: Readonly<Record<string, readonly [doing: string, done: string]>> = {
  create: ["creating", "created"],
  update: ["updating", "updated"],
  delete: ["deleting", "deleted"],
  replace: ["replacing", "replaced"],
  "create-replacement": ["creating replacement of", "created replacement of"],
  "delete-replaced": ["deleting replaced", "deleted replaced"],
  import: ["importing", "imported"],
};

/** Follows an operation of one stack of many to its end, and tells what happens; it is among the `running` until then. */
export async function followed(
  operation: Operation,
  running: Set<Operation>,
  label: string,
  context: Context,
): Promise<OperationReport> {
  const { io, json, colours } = context;
  running.add(operation);
  try {
    for await (const event of operation.events()) {
      const line = json ? undefined : eventText(event, context);
      if (line !== undefined) io.out(`${colours.dim(`${label}:`)} ${line}\n`);
    }
  } finally {
    running.delete(operation);
  }
  return operation.done;
}

/** Tells whether a message only repeats what the plan said: all of its lines but the first, which names the volume. */
export function repeatsPlan(shownPlan: string): (message: { severity: string; text: string }) => boolean {
  const linesOf = (shown: string) => stripVTControlCharacters(shown).trimEnd().split("\n");
  const said = new Set(linesOf(shownPlan));
  return ({ severity, text }) => {
    const [, ...details] = linesOf(text);
    return severity === "info" && details.length > 0 && details.every((line) => said.has(line));
  };
}

/** An event as a line, where it is worth one. */
export function eventText(event: OperationEvent, { colours }: Context): string | undefined {
  const { dim, yellow, red, green } = colours;
  if (event.type === "resource") {
    // A provider is the engine's own business, unless it fails.
    if (event.urn.includes("::pulumi:providers:") && event.phase !== "failed") return undefined;
    const mark = { started: dim("…"), done: green("✓"), failed: red("✗") }[event.phase];
    const [doing, done] = operationWords[event.operation] ?? [event.operation, event.operation];
    const words = { started: doing, done, failed: `${event.operation} failed:` }[event.phase];
    return `${mark} ${words} ${event.resource}`;
  }
  if (event.type !== "message") return undefined;
  const paint = { info: (text: string) => text, warning: yellow, error: red }[event.severity];
  return paint(event.text);
}
