// `apply` over many stacks: planned all, shown and confirmed once, then edited and applied, a few at a time.

import { basename } from "node:path";

import type { Problem } from "../../core/problems";
import { StackError, type CommitOptions, type Operation, type OperationReport, type Stack } from "../../stack";
import { exitCodeOf, textOf, type Answer, type Context, type ExitCode } from "../context";
import { answerOf, overStacks, type Outcome, type Part } from "../many";
import { syncCheckouts } from "../../stack/checkout";
import { checkConfirmable, commitOf, confirmed, doneText, followed, tellCommit, waitOf } from "./apply-steps";
import { checkOptions, hasWork, planAll, type PlannedStack } from "./plan-many";
import { beginRollout, checkRollout, isLater, isRollout, laterRollout } from "./rollout";
import { problem } from "../problems";

/** Applies to the stacks that are meant. */
export async function applyMany(context: Context): Promise<Answer> {
  checkConfirmable(context);
  checkOptions(context);
  checkRollout(context);
  if (isLater(context)) return laterRollout(context);
  const { io, json, colours } = context;
  const wait = waitOf(context);
  const refresh = context.options["refresh"] === true;
  const isOfProfile = textOf(context, "profile") !== undefined;
  const commit = commitOf(context);
  const sync = async (stacks: readonly Stack[]) => (commit ? syncCheckouts(stacks) : undefined);
  const { chosen, outcomes: planned, isInterrupted, answer } = await planAll(context, sync);
  if (isInterrupted) return { ...answer, code: "interrupted", last: "Nothing was changed." };
  // One shared file is one edit: what refuses it in one stack refuses it for all.
  const isShared = textOf(context, "in") === "catalog";
  const isRefused = planned.some(({ value }) => value === undefined || value.problems.length > 0);
  const due = planned.flatMap(({ of, label, value }) =>
    value?.problems.length === 0 && hasWork(value, refresh) ? [{ of, label, value }] : [],
  );
  // A rollout ends with all volumes or stops at the first: it begins with none that is refused.
  const isWhole = isShared || isRollout(context);
  if (due.length === 0 || (isWhole && (isRefused || chosen.problems.length > 0))) {
    const what = isShared ? "the edit of a shared file" : "the rollout";
    const why =
      isWhole && (isRefused || chosen.problems.length > 0)
        ? [colours.red(`Nothing was changed: ${what} is refused.`)]
        : [];
    return {
      ...answer,
      last: [...why, ...(due.length === 0 && !isRefused && why.length === 0 ? ["No changes."] : [])].join("\n"),
    };
  }
  if (!json) {
    io.out(`${answer.text ?? ""}\n`);
    // Projects may call the same file differently.
    const diffs = new Map(
      due.flatMap(({ value }) =>
        value.sharedPath === undefined || !value.result?.changed
          ? []
          : [[value.sharedPath, sharedText(value)] as const],
      ),
    );
    if (diffs.size > 0) io.out(`\n${[...diffs.values()].join("\n\n")}\n`);
  }
  if (context.options["yes"] !== true && !(await confirmed())) return { text: "Nothing was changed." };

  await refuseChanged(due.map(({ of, label, value }) => [of.at, label, value]));
  if (isRollout(context)) return beginRollout(context, due);
  await editShared(
    due.map(({ of, value }) => [of.at, value]),
    context,
    commit,
  );
  const running = new Set<Operation>();
  const onSecond = () => {
    for (const each of running) each.cancel();
  };
  const plans = new Map(due.map(({ of, value }) => [of, value]));
  const { outcomes } = await overStacks(
    { stacks: due },
    context,
    async (of, label): Promise<Part> => {
      const plan = plans.get(of);
      const written = plan ? await editOwn(of.at, plan, context, { label, commit }) : [];
      if (written.length > 0) return part("problems", "refused", messages(written), { problems: written }, written);
      // Without an edit: all that isn't as it is declared.
      const volumes = plan && isOfProfile ? touchedBy(plan) : undefined;
      if (volumes?.length === 0) return part("done", "config updated", "no volume changes", { operation: null });
      // No volume is named in it.
      const operation = of.at.apply({ volumes, required: [], refresh, waitForLockSeconds: wait });
      return partOf(await followed(operation, running, label, context));
    },
    { onSecond, verb: "applied " },
  );
  // What was refused or couldn't be planned belongs into the answer as well.
  const others = planned.flatMap((each): Outcome<Part>[] => {
    if (each.failure) return [each];
    const { value } = each;
    if (!value || value.problems.length === 0) return [];
    return [{ ...each, value: part(value.code, "refused", messages(value.problems), value.json, value.problems) }];
  });
  const result = await answerOf({ head: ["RESULT", "DETAILS"] }, context, chosen, [...outcomes, ...others]);
  const isOver = outcomes.every(({ value }) => value?.code === "done");
  const hasEdited = due.some(({ value }) => value.edits.length > 0);
  return isOver || !hasEdited ? result : { ...result, last: staysText(context) };
}

// What was written is what is declared from now on: the same edit again would change nothing.
function staysText({ options }: Context): string {
  const stacks = Array.isArray(options["stack"]) ? options["stack"].map((each) => `--stack '${each}'`) : ["--all"];
  return `The config keeps the edit. To finish it, run: storage-profiles apply ${stacks.join(" ")}`;
}

const messages = (problems: readonly Problem[]): string => problems.map(({ message }) => message).join("; ");

const sharedText = ({ result }: PlannedStack) => `${result?.sharedFile ?? ""} (shared)\n${result?.diff ?? ""}`;

// What was shown and confirmed holds for the configs as they were then, of all of them.
async function refuseChanged(due: readonly (readonly [Stack, string, PlannedStack])[]): Promise<void> {
  const tags = await Promise.all(due.map(async ([stack]) => (await stack.readConfig()).tag));
  const [first, ...others] = due.flatMap(([{ configFile }, label, { tag }], index) =>
    tags[index] === tag ? [] : [problem("config-changed", `${label}: ${basename(configFile)}`, undefined, {})],
  );
  if (first) throw new StackError([first, ...others]);
}

// Each shared file once: with the config as it was planned from. The other stacks find it done.
async function editShared(
  due: readonly (readonly [Stack, PlannedStack])[],
  context: Context,
  commit: CommitOptions | undefined,
): Promise<void> {
  const done = new Set<string>();
  for (const [stack, { sharedPath, edits, tag }] of due) {
    if (sharedPath === undefined || done.has(sharedPath)) continue;
    done.add(sharedPath);
    const result = await stack.edit(edits, { willApply: true, ifTag: tag, commit });
    const [first, ...others] = result.problems;
    if (first) throw new StackError([first, ...others]);
    tellCommit(result, context);
  }
}

async function editOwn(
  stack: Stack,
  { edits, tag, sharedPath }: PlannedStack,
  context: Context,
  { label, commit }: { label: string; commit: CommitOptions | undefined },
): Promise<readonly Problem[]> {
  if (edits.length === 0 || sharedPath !== undefined) return [];
  const result = await stack.edit(edits, { willApply: true, ifTag: tag, commit });
  tellCommit(result, context, `${label}: `);
  return result.problems;
}

// By its URN where it has one.
const touchedBy = ({ plans }: PlannedStack): string[] => [...new Set(plans.map(({ name, urn }) => urn ?? name))];

function part(code: ExitCode, result: string, details: string, json: object, problems: readonly Problem[] = []): Part {
  return { code, json, rows: [[result, details]], problems };
}

function partOf(report: OperationReport): Part {
  const { state, problems, summary = {} } = report;
  if (state === "succeeded")
    return part("done", "done", doneText(summary).replace(/^done: /, ""), { operation: report });
  const code = state === "cancelled" ? "interrupted" : exitCodeOf(problems[0]?.code);
  return part(code, state, messages(problems), { operation: report }, problems);
}
