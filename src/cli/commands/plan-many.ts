// `plan` over many stacks: what an edit of a profile, or what isn't applied yet, does to every volume of every stack.

import { relative } from "node:path";

import { nearest } from "../../core/nearest";
import type { Problem } from "../../core/problems";
import type { ProfileDefinition } from "../../core/config-schema";
import type { ConfigEdit, EditResult, Stack, StackConfigRead, VolumePlan } from "../../stack";
import { sharedFileOf } from "../../stack/plan";
import { exitCodeOf, textOf, UsageError, type Answer, type Context } from "../context";
import {
  answerOf,
  chosenStacks,
  gravest,
  overStacks,
  type Chosen,
  type ManySpec,
  type Outcome,
  type Part,
} from "../many";
import { planForProfile, profileEdit } from "../references";
import { distinct, notesText, verdictText } from "../text";
import { costChange, leftOutText, totalText } from "./plan-text";
import { problem } from "../problems";

/** What is planned for one stack. */
export interface PlannedStack extends Part {
  edits: ConfigEdit[];
  result: EditResult | undefined;
  plans: VolumePlan[];
  problems: Problem[];
  /** Whether an edit is asked for of a profile that it doesn't know. */
  isUnknown: boolean;
  /** The profiles that it knows. */
  profiles: string[];
  /** The definition to be edited, as it is where the edit goes. */
  before: ProfileDefinition | undefined;
  /** The tag of the config that this was planned from. */
  tag: string;
  /** The path of the shared file that the edit changes. */
  sharedPath: string | undefined;
}

/** Plans a stack. One that doesn't know the profile to edit stays as it is. */
export async function planStack(stack: Stack, context: Context): Promise<PlannedStack> {
  const { colours } = context;
  const read = await stack.readConfig();
  const isUnknown = isProfileUnknown(read, textOf(context, "profile"));
  const { edits, problems: wrong } = isUnknown ? { edits: [], problems: [] } : profileEdit(context, read);
  const isNarrow = edits.length > 0;
  const planned = (volumes: string[]) => stack.plan(edits, { willApply: true, ...(isNarrow && { volumes }) });
  const plan = async () =>
    isNarrow
      ? (await planForProfile({ context, read, volumes: [] }, planned, () => stack.status())).planned
      : planned([]);
  const result = isUnknown || wrong.length > 0 ? undefined : await plan();
  const plans = result?.touched ?? [];
  const state = result?.stateUnknown;
  const problems = distinct([
    ...wrong,
    ...(result?.problems ?? []),
    // What happens to volumes that can't be seen nobody knows.
    ...(state ? [state] : []),
    ...plans.flatMap((each) => (each.verdict === "refused" ? each.problems : [])),
  ]);
  const rows = plans.map((each) => [
    each.name,
    each.from && each.to && each.from.profile !== each.to.profile
      ? `${each.from.profile} → ${each.to.profile}`
      : ((each.to ?? each.from)?.profile ?? ""),
    verdictText(each.verdict, colours),
    each.costBefore || each.costAfter ? costChange(each) : "",
    notesText(each.notes, ""),
  ]);
  const leftOut = result?.leftOut ?? [];
  const others = problems.filter((each) => each !== state);
  const refused = [colours.red("refused"), "", others.map(({ message }) => message).join("; ")];
  const unknown = [colours.dim("no such profile"), "", ""];
  const shared = read.sharedFiles.find(({ name }) => name === result?.sharedFile);
  return {
    code: gravest(problems.map(({ code }) => exitCodeOf(code))),
    json: {
      tag: read.tag,
      plans,
      problems,
      diff: result?.diff ?? "",
      ...(leftOut.length > 0 && { leftOut }),
      ...(result?.sharedFile !== undefined && { sharedFile: result.sharedFile }),
      ...(state && { stateUnknown: state }),
      ...(isUnknown && { profileUnknown: true }),
    },
    rows: [
      ...rows,
      ...leftOut.map((each) => [each.name, each.profile, colours.dim("no change"), "", leftOutText(each)]),
      ...(rows.length === 0 && others.length > 0 ? [["", "", ...refused]] : []),
      ...(isUnknown ? [["", "", ...unknown]] : []),
      ...(state ? [["", "", colours.yellow("state unknown"), "", state.message]] : []),
    ],
    problems,
    edits,
    isUnknown,
    profiles: Object.keys(read.catalog.profiles),
    result,
    plans,
    before: textOf(context, "profile") === undefined ? undefined : definitionIn(read, edits),
    tag: read.tag,
    sharedPath: shared?.file,
  };
}

function definitionIn(read: StackConfigRead, edits: readonly ConfigEdit[]): ProfileDefinition | undefined {
  const [edit] = edits;
  if (edit?.kind !== "set-profile") return undefined;
  const { name } = edit;
  if (edit.in === "catalog") return sharedFileOf(read, name)?.profiles[name];
  return Object.hasOwn(read.config.profiles ?? {}, name) ? read.config.profiles?.[name] : undefined;
}

function isProfileUnknown({ catalog, unreadable }: StackConfigRead, profile: string | undefined): boolean {
  if (profile === undefined || catalog.unread.profiles) return false;
  return ![catalog.profiles, catalog.broken, unreadable.profiles].some((each) => Object.hasOwn(each, profile));
}

/** What can't be said of many stacks at once. */
export function checkOptions({ options }: Context): void {
  const removed = options["remove"];
  if (options["size"] !== undefined) throw new UsageError("--size requires exactly one volume, of one stack");
  if (Array.isArray(removed)) throw new UsageError("--remove requires one stack");
}

/** Whether there is something to do for a stack. */
export function hasWork({ isUnknown, edits, plans, result }: PlannedStack, refresh: boolean): boolean {
  if (isUnknown) return false;
  return plans.length > 0 || (edits.length > 0 ? (result?.changed ?? false) : refresh);
}

/** Plans all that are meant, after what is to be done with them `first`. */
export async function planAll(
  context: Context,
  first?: (stacks: readonly Stack[]) => Promise<void>,
): Promise<PlannedStacks> {
  const chosen = await chosenStacks(context);
  await first?.(chosen.stacks.map(({ of }) => of.at));
  const { outcomes, isInterrupted } = await overStacks(chosen, context, ({ at }) => planStack(at, context), {
    verb: "planned ",
  });
  // One shared file is saved whole or not at all; several at once can't be.
  const files = outcomes.flatMap(({ value }) =>
    value?.sharedPath !== undefined && hasWork(value, false) ? [relative(context.io.cwd, value.sharedPath)] : [],
  );
  const [profile = "", shared] = [textOf(context, "profile"), [...new Set(files)].sort()];
  if (shared.length > 1)
    chosen.problems.push(problem("profile-in-many-files", "--in", "catalog", { profile, files: shared }));
  // A profile that one stack doesn't know is another's; one that none knows is misspelt.
  if (outcomes.length > 0 && outcomes.every(({ value }) => value?.isUnknown)) {
    const profiles = [...new Set(outcomes.flatMap(({ value }) => value?.profiles ?? []))];
    const params = { profile, profiles, nearest: nearest(profile, profiles) };
    chosen.problems.push(problem("profile-unknown", "--profile", profile, params));
  }
  return { chosen, outcomes, isInterrupted, answer: await answerOf(planMany, context, chosen, outcomes) };
}

/** What is planned for many stacks. */
export interface PlannedStacks {
  chosen: Chosen;
  outcomes: Outcome<PlannedStack>[];
  isInterrupted: boolean;
  answer: Answer;
}

/** `plan`, for many. */
const planMany: Pick<ManySpec<PlannedStack>, "head" | "total"> = {
  head: ["VOLUME", "PROFILE", "CHANGE", "COST/MONTH", "DETAILS"],
  total(parts) {
    const plans = parts.flatMap((each) => each.plans);
    const sum = totalText(plans);
    const stacks = parts.filter((each) => each.plans.length > 0).length;
    return {
      json: { total: { stacks, volumes: plans.length } },
      rows: [
        [""],
        [`${plans.length} in ${stacks} ${stacks === 1 ? "stack" : "stacks"}`, "", "", sum.replace(/^total: /, "")],
      ],
    };
  },
};
