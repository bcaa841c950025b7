// `apply --waves`: an edit of a profile, applied to a few volumes first, then to more, with a look at their status in between. What it needs to
// go on, or back, is written down before it is begun.

import type { Problem } from "../../core/problems";
import { isSame } from "../../core/revision";
import { openProject, StackError, type ConfigEdit, type Operation, type Stack } from "../../stack";
import { journalDirectoryOf } from "../../stack/project";
import {
  holdingRollout,
  isRolloutId,
  newRolloutId,
  readRollout,
  writeRollout,
  type RolloutRecord,
} from "../../stack/rollout-record";
import { waveEnds } from "../../stack/waves";
import type { FoundStack } from "../../stack/find-stacks";
import { labelOf } from "../../stack/choose-stacks";
import { exitCodeOf, textOf, UsageError, type Answer, type Context, type ExitCode, type OptionSpec } from "../context";
import { gravest, overStacks, plural } from "../many";
import { syncCheckouts } from "../../stack/checkout";
import { commitOf, confirmed, followed, tellCommit, waitOf } from "./apply-steps";
import type { PlannedStack } from "./plan-many";
import { problem } from "../problems";

export const rolloutOptions: readonly OptionSpec[] = [
  {
    flags: "--waves <sizes>",
    description: "with --profile and --all or --stack: apply to so many volumes first, then to more: 1,10%,100%",
  },
  { flags: "--pause <time>", description: "with --waves or --resume: time to wait between waves: 90s, 10m, 1h" },
  { flags: "--confirm", description: "with --waves or --resume: ask before each further wave" },
  { flags: "--resume <rollout>", description: "go on with a rollout that stopped" },
  {
    flags: "--revert <rollout>",
    description: "restore the former definition, and apply it to the volumes that were reached",
  },
];

/** Whether a call is about a rollout. */
export const isRollout = ({ options }: Context): boolean =>
  ["waves", "resume", "revert"].some((each) => options[each] !== undefined);

/** Whether it goes on with one that began before. */
export const isLater = ({ options }: Context): boolean =>
  options["resume"] !== undefined || options["revert"] !== undefined;

/** Refuses a call that can't be a rollout. */
export function checkRollout(context: Context): void {
  const { options, io } = context;
  const given = ["waves", "resume", "revert"].filter((each) => options[each] !== undefined);
  if (given.length > 1) throw new UsageError(`pass one of ${given.map((each) => `--${each}`).join(" and ")}`);
  if (
    options["waves"] === undefined &&
    (options["pause"] !== undefined || options["confirm"] === true) &&
    !isLater(context)
  )
    throw new UsageError("--pause and --confirm require --waves or --resume");
  if (options["confirm"] === true && !io.isTerminal)
    throw new UsageError("not an interactive terminal; pass --pause instead of --confirm");
  pauseOf(context);
  if (isLater(context)) {
    const others = ["profile", "set", "unset", "in", "stack", "all", "size", "refresh", "remove"].filter(
      (each) => options[each] !== undefined,
    );
    if (others.length > 0) throw new UsageError(`--${others[0] ?? ""} can't be combined with --resume or --revert`);
    if (context.args.length > 0) throw new UsageError("volumes can't be named with --resume or --revert");
    return;
  }
  const waves = textOf(context, "waves");
  if (waves === undefined) return;
  if (options["profile"] === undefined) throw new UsageError("--waves requires --profile <name>");
  if (options["all"] !== true && options["stack"] === undefined)
    throw new UsageError("--waves requires --all or --stack");
  if (options["refresh"] === true)
    throw new UsageError(
      "--refresh can't be combined with --waves; run `storage-profiles status --all --refresh` before the rollout",
    );
  const { why } = waveEnds(waves, 1);
  if (why !== undefined) throw new UsageError(`--waves ${waves}: ${why}`);
}

function pauseOf(context: Context): number {
  const text = textOf(context, "pause");
  if (text === undefined) return 0;
  const [, digits, unit = ""] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const seconds = { s: 1, m: 60, h: 3600 }[unit];
  if (digits === undefined || seconds === undefined)
    throw new UsageError("--pause must be a time, for example 90s, 10m or 1h");
  return Number(digits) * seconds;
}

/** Begins a rollout of what was planned: the volumes that exist and are touched, stack by stack. */
export async function beginRollout(
  context: Context,
  due: readonly { of: FoundStack; value: PlannedStack }[],
): Promise<Answer> {
  const place = ({ at }: FoundStack) => ({ directory: at.project.directory, stack: at.name });
  const seen = new Set<string>();
  const edits = due.flatMap(({ of, value }) =>
    value.edits.flatMap((each): RolloutRecord["edits"] => {
      if (each.kind !== "set-profile" || (value.sharedPath !== undefined && seen.has(value.sharedPath))) return [];
      if (value.sharedPath !== undefined) seen.add(value.sharedPath);
      const where = value.sharedPath === undefined ? "stack" : "catalog";
      const { before } = value;
      return [{ ...place(of), in: where, after: each.definition, ...(before && { before }) }];
    }),
  );
  const volumes = due.flatMap(({ of, value }) =>
    value.plans.flatMap(({ name, urn, from }) => (from ? [{ ...place(of), name, selector: urn ?? name }] : [])),
  );
  const { ends = [] } = waveEnds(textOf(context, "waves") ?? "", volumes.length);
  const commit = commitOf(context);
  const record: RolloutRecord = {
    ...{ id: newRolloutId(), profile: textOf(context, "profile") ?? "", startedAt: new Date().toISOString() },
    ...{ edits, volumes, ends, done: 0, begun: 0, isReverted: false, saves: 0 },
    ...{ pauseSeconds: pauseOf(context), confirm: context.options["confirm"] === true },
    ...(commit && { commit: { reason: commit.reason } }),
  };
  return holding(record, context, () => carryOn(record, context));
}

/** Goes on with a rollout, or back. */
export async function laterRollout(context: Context): Promise<Answer> {
  const [resume, revert] = [textOf(context, "resume"), textOf(context, "revert")];
  const id = resume ?? revert ?? "";
  const read = () => {
    const found = isRolloutId(id) ? readRollout(journalOf(context), id) : undefined;
    if (found) return found;
    throw new StackError([problem("rollout-unknown", resume === undefined ? "--revert" : "--resume", id, { id })]);
  };
  // As it is once nobody else goes on with it.
  return holding(read(), context, () => later(read(), resume !== undefined, context));
}

// A rollout is one process's at a time; the lock of one that was killed is taken from it.
function holding(record: RolloutRecord, context: Context, work: () => Promise<Answer>): Promise<Answer> {
  return holdingRollout(journalOf(context), record.id, work);
}

async function later(record: RolloutRecord, isResumed: boolean, context: Context): Promise<Answer> {
  const { id } = record;
  const option = isResumed ? "--resume" : "--revert";
  if (record.isReverted) throw new StackError([problem("rollout-reverted", option, id, { id })]);
  // What is given now takes the place of what was given then, together: else nobody could resume without a terminal what was to be confirmed.
  const { options, io, json } = context;
  const confirm = options["confirm"] === true;
  if (confirm || options["pause"] !== undefined) Object.assign(record, { confirm, pauseSeconds: pauseOf(context) });
  // What was committed is committed again, whether it is resumed or reverted.
  const commit = commitOf(context);
  if (commit) record.commit = { reason: commit.reason };
  if (record.confirm && isResumed && !io.isTerminal)
    throw new UsageError("not an interactive terminal, and the rollout asks before each further wave; pass --pause");
  if (options["yes"] !== true) {
    const { done, begun, volumes, profile } = record;
    const what = isResumed ? `${done} of ${volumes.length} volumes are done` : `${begun} volumes were reached`;
    if (!json) io.out(`rollout ${id} of ${profile}: ${what}\n`);
    if (!(await confirmed(isResumed ? "Go on with it?" : "Revert it?"))) return { text: "Nothing was changed." };
  }
  return isResumed ? carryOn(record, context) : goBack(record, context);
}

function carryOn(record: RolloutRecord, context: Context): Promise<Answer> {
  save(record, context);
  return untilFailure(record, context, false, () => inWaves(record, context));
}

// A failure stops the rollout, keeps its record, and tells how to continue.
async function untilFailure(
  record: RolloutRecord,
  context: Context,
  isBack: boolean,
  work: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    const { code, problems } = error;
    const config = code === "rollout-elsewhere" ? "changed" : "partly";
    return stopped(record, context, exitCodeOf(code), problems, { config, isBack });
  }
}

async function inWaves(record: RolloutRecord, context: Context): Promise<Answer> {
  const { io, json } = context;
  const tell = (line: string) => !json && io.out(`${line}\n`);
  tell(`rollout ${record.id}: ${plural(record.volumes.length, "volume")} in ${plural(record.ends.length, "wave")}`);
  const found = await editsOf(record, context);
  const changed = changedIn(record, found, ({ before, after }) => [before, after]);
  if (changed.length > 0) return stopped(record, context, "problems", changed, { config: "changed" });
  const refused = await write(record, found, context, ({ after }) => after);
  if (refused.length > 0) return stopped(record, context, exitCodeOf(refused[0]?.code), refused, { config: "partly" });
  for (const [index, end] of record.ends.entries()) {
    if (end <= record.done) continue;
    checkMine(record, context);
    // Who has changed the profile in the meantime wants something else.
    const meddled = changedIn(record, await editsOf(record, context), ({ after }) => [after]);
    if (meddled.length > 0) return stopped(record, context, "problems", meddled, { config: "changed" });
    tell(
      `wave ${index + 1} of ${record.ends.length}: ${plural(end - record.done, "volume")} (${end} of ${record.volumes.length})`,
    );
    const from = record.done;
    record.begun = Math.max(record.begun, end);
    save(record, context);
    const { code, problems, isInterrupted } = await applyTo(record, [from, end], context);
    if (code !== "done") return stopped(record, context, code, problems);
    record.done = end;
    save(record, context);
    const isLast = index === record.ends.length - 1;
    if (!isLast && (isInterrupted || !(await mayGoOn(record, context))))
      return stopped(record, context, "interrupted", []);
  }
  const text = `rollout ${record.id} is complete: ${record.volumes.length} volumes are compliant`;
  return { json: { rollout: record, problems: [] }, text };
}

function goBack(record: RolloutRecord, context: Context): Promise<Answer> {
  if (!context.json) context.io.out(`rollout ${record.id}: restoring the former definition of ${record.profile}\n`);
  save(record, context);
  return untilFailure(record, context, true, () => restored(record, context));
}

async function restored(record: RolloutRecord, context: Context): Promise<Answer> {
  const isBack = true;
  const found = await editsOf(record, context);
  const changed = changedIn(record, found, ({ before, after }) => [before, after]);
  if (changed.length > 0) return stopped(record, context, "problems", changed, { config: "changed", isBack });
  // From here on nothing is certain to have the edit: resumed, the rollout applies it to all volumes again.
  record.done = 0;
  save(record, context);
  const refused = await write(record, found, context, ({ before }) => before);
  if (refused.length > 0)
    return stopped(record, context, exitCodeOf(refused[0]?.code), refused, { config: "partly", isBack });
  const { code, problems, pinned } = await applyTo(record, [0, record.begun], context);
  if (code !== "done") return stopped(record, context, code, problems, { config: "restored", isBack });
  record.isReverted = true;
  save(record, context);
  const back = `${record.begun - pinned.length} volumes have the former definition again`;
  // Whoever pinned them meanwhile has pinned the new one.
  const kept = pinned.length > 0 ? `; pinned, and left as they are: ${pinned.join(", ")}` : "";
  return { json: { rollout: record, pinned, problems: [] }, text: `rollout ${record.id} is reverted: ${back}${kept}` };
}

type Edit = RolloutRecord["edits"][number];

/** An edit of a rollout, with what there is of it now. */
interface FoundEdit {
  one: Edit;
  stack: Stack;
  tag: string;
  now: Edit["before"];
}

async function editsOf({ profile: name, edits, commit }: RolloutRecord, context: Context): Promise<FoundEdit[]> {
  const stacks = await Promise.all(edits.map(async (one) => ({ one, stack: await stackAt(one, context) })));
  // Another checkout may have pushed a change of the profile.
  if (commit) await syncCheckouts(stacks.map(({ stack }) => stack));
  return Promise.all(
    stacks.map(async ({ one, stack }) => {
      const { sharedFiles, config, tag } = await stack.readConfig();
      const shared = sharedFiles.findLast(({ profiles }) => Object.hasOwn(profiles, name));
      return { one, stack, tag, now: one.in === "catalog" ? shared?.profiles[name] : config.profiles?.[name] };
    }),
  );
}

// The edits in whose place something else stands: somebody has changed the profile since then, and it is theirs.
function changedIn(
  { profile }: RolloutRecord,
  found: readonly FoundEdit[],
  expected: (one: Edit) => readonly Edit["before"][],
): Problem[] {
  return found
    .filter(({ one, now }) => !expected(one).some((each) => isSame(each, now)))
    .map(({ one }) =>
      problem("rollout-changed", one.in === "catalog" ? profile : `${one.stack}: ${profile}`, undefined, { profile }),
    );
}

// Writes what isn't written yet. The same edit again changes nothing.
async function write(
  { profile: name, commit }: RolloutRecord,
  found: readonly FoundEdit[],
  context: Context,
  wanted: (one: Edit) => Edit["before"],
): Promise<readonly Problem[]> {
  for (const { one, stack, tag, now } of found) {
    const definition = wanted(one);
    if (isSame(now, definition)) continue;
    const edits: ConfigEdit[] = definition
      ? [{ kind: "set-profile", name, definition, in: one.in }]
      : [{ kind: "remove-profile", name }];
    try {
      const result = await stack.edit(edits, { willApply: true, ifTag: tag, commit });
      if (result.problems.length > 0) return result.problems;
      tellCommit(result, context);
    } catch (error) {
      if (error instanceof StackError) return error.problems;
      throw error;
    }
  }
  return [];
}

async function stackAt({ directory, stack }: { directory: string; stack: string }, { io }: Context) {
  const { env, pulumi, journalDirectory } = io;
  return (await openProject({ directory, env, pulumi, journalDirectory })).stack(stack);
}

// Applies to volumes, stack by stack, and looks whether they are what they should be then.
async function applyTo(
  record: RolloutRecord,
  [from, to]: readonly [number, number],
  context: Context,
): Promise<{ code: ExitCode; problems: Problem[]; isInterrupted: boolean; pinned: string[] }> {
  // Those of other waves as well, where they are still there: in all of them a stack is called the same.
  const groups = new Map<string, { of: FoundStack; selectors: string[] }>();
  for (const [index, each] of record.volumes.entries()) {
    const key = `${each.directory}\n${each.stack}`;
    const isDue = index >= from && index < to;
    let group = groups.get(key);
    if (!group) {
      const at = await stackAt(each, context).catch((error: unknown) => {
        if (isDue || !(error instanceof StackError)) throw error;
        return undefined;
      });
      if (!at) continue;
      const of = { project: at.project.name, stack: at.name, folder: at.project.directory, at };
      groups.set(key, (group = { of, selectors: [] }));
    }
    if (isDue) group.selectors.push(each.selector);
  }
  const all = [...groups.values()].map(({ of }) => of);
  const due = [...groups.values()].filter(({ selectors }) => selectors.length > 0);
  const selectorsOf = new Map(due.map(({ of, selectors }) => [of, selectors]));
  const running = new Set<Operation>();
  const pinned: string[] = [];
  const onSecond = () => {
    for (const each of running) each.cancel();
  };
  const { outcomes, isInterrupted } = await overStacks(
    { stacks: due.map(({ of }) => ({ of, label: labelOf(of, all) })) },
    context,
    async (of, label): Promise<{ code: ExitCode; problems: readonly Problem[] }> => {
      const chosen = selectorsOf.get(of) ?? [];
      const operation = of.at.apply({ volumes: chosen, waitForLockSeconds: waitOf(context) });
      const { state, problems } = await followed(operation, running, label, context);
      if (state !== "succeeded")
        return {
          code: state === "cancelled" ? "interrupted" : exitCodeOf(problems[0]?.code),
          problems: ofStack(label, problems),
        };
      const statuses = await of.at.status({ volumes: chosen });
      pinned.push(...statuses.flatMap(({ name, pin }) => (pin ? [`${label}: ${name}`] : [])));
      const wrong = statuses.filter(({ status }) => status !== "compliant");
      const found = wrong.map(({ name, status, causes }) =>
        problem("rollout-not-compliant", `${label}: ${name}`, undefined, {
          ...{ volume: name, status },
          because: causes.map(({ message }) => message).join("; "),
        }),
      );
      return { code: found.length > 0 ? "differs" : "done", problems: found };
    },
    { onSecond, verb: "applied " },
  );
  const results = outcomes.map(({ value, failure, label }) => {
    if (value) return value;
    const code = failure ? exitCodeOf(failure.code) : ("interrupted" as const);
    return { code, problems: failure ? ofStack(label, failure.problems) : [] };
  });
  const bad = results.filter(({ code }) => code !== "done");
  const found = bad.flatMap(({ problems }) => [...problems]);
  return { code: gravest(bad.map(({ code }) => code)), problems: found, isInterrupted, pinned };
}

const ofStack = (label: string, problems: readonly Problem[]): Problem[] =>
  problems.map((each) => ({ ...each, path: `${label}: ${each.path}` }));

// Waits, or asks; whoever presses Ctrl-C stops it here.
async function mayGoOn({ confirm, pauseSeconds }: RolloutRecord, context: Context): Promise<boolean> {
  const { io, json } = context;
  if (confirm && !(await confirmed("Go on with the next wave?").catch(isCtrlC))) return false;
  if (pauseSeconds === 0) return true;
  if (!json) io.err(`waiting ${pauseSeconds} s before the next wave; press Ctrl-C to stop here\n`);
  return new Promise((done) => {
    const timer = setTimeout(() => end(true), pauseSeconds * 1000);
    const ignore = io.onInterrupt?.(() => end(false));
    function end(goesOn: boolean) {
      clearTimeout(timer);
      ignore?.();
      done(goesOn);
    }
  });
}

// At a question, Ctrl-C is the answer no.
function isCtrlC(error: unknown): false {
  if (error instanceof Error && error.name === "ExitPromptError") return false;
  throw error;
}

/** What the config says after a rollout has stopped. */
const configTexts = {
  edited: "The config keeps the edit, and any other `pulumi up` of these stacks applies it.",
  restored: "The config has the former definition again, and any other `pulumi up` of these stacks applies it.",
  partly: "Some of these stacks may have the new definition in their config, and others the former one.",
};

function stopped(
  record: RolloutRecord,
  { colours }: Context,
  code: ExitCode,
  problems: readonly Problem[],
  { config = "edited", isBack = false }: { config?: keyof typeof configTexts | "changed"; isBack?: boolean } = {},
): Answer {
  const { id, done, volumes } = record;
  const text = isBack
    ? `rollout ${id} isn't reverted`
    : `rollout ${id} stopped: ${done} of ${volumes.length} volumes are done`;
  const run = "storage-profiles apply --yes";
  const ways = [`To go on, run: ${run} --resume ${id}`, `To go back, run: ${run} --revert ${id}`];
  return {
    ...{ code, problems, json: { rollout: record, problems }, text: colours.red(text) },
    // What to do about a change of somebody else's its problem says: going on and back are both refused.
    ...(config !== "changed" && { last: [configTexts[config], ...(isBack ? ways.reverse() : ways)].join("\n") }),
  };
}

const journalOf = ({ io }: Context): string => io.journalDirectory ?? journalDirectoryOf(io.env);

// What this process hasn't read or written itself it doesn't write over.
function checkMine({ id, saves }: RolloutRecord, context: Context): void {
  const there = readRollout(journalOf(context), id);
  if (there && there.saves !== saves)
    throw new StackError([problem("rollout-elsewhere", "rollout", id, { id, isReverted: there.isReverted })]);
}

function save(record: RolloutRecord, context: Context): void {
  checkMine(record, context);
  record.saves++;
  try {
    writeRollout(journalOf(context), record);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StackError([problem("rollout-not-recorded", "rollout", undefined, { why })], { cause: error });
  }
}
