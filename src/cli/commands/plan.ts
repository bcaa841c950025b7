// `plan`: what a change would do, to whom, and what it makes of the cost. Nothing is changed.

import { formatCost, type MonthlyCost } from "../../core/cost";
import type { Problem } from "../../core/problems";
import { whatIf, type EditResult, type VolumePlan } from "../../stack";
import type { CommandSpec } from "../context";
import { askedBy, profileEdit } from "../references";
import { notesText, problemsText, verdictText, type Colours } from "../text";

export const plan: CommandSpec = {
  name: "plan",
  summary: "Show what a change would do (update in place, migrate data, or be refused), and its effect on the cost",
  description:
    "Without arguments: everything that is declared but not applied yet. With a reference: a new profile or size for a volume. " +
    "With --profile: an edit of a profile, and its effect on all volumes.",
  arguments: [{ name: "[reference...]", description: "volume@profile, or volume", completes: "reference" }],
  options: [
    { flags: "--size <size>", description: "new size: a number of GiB, or with a unit" },
    { flags: "--profile <name>", description: "profile to edit", completes: "profile" },
    {
      flags: "--set <key=value>",
      description: "with --profile: setting to change, for example aws.iops=5000",
      many: true,
    },
    { flags: "--unset <key>", description: "with --profile: setting to remove", many: true },
  ],
  examples: [
    ["plan", "show everything that the next apply would do"],
    ["plan data@gold", "preview the profile gold for data"],
    ["plan data --size 200", "preview growing data to 200 GiB"],
    ["plan --profile gold --set local.iops=5000", "preview an edit of gold on all its volumes"],
  ],
  async run(context) {
    const stack = await context.stack();
    const [read, state] = [await stack.readConfig(), await stack.readState()];
    const asked = askedBy(context, read, state);
    const ofProfile = profileEdit(context, read);
    const edits = [...asked.edits, ...ofProfile.edits];
    const wrong = [...asked.problems, ...ofProfile.problems];
    if (wrong.length > 0) return { code: "problems", json: { problems: wrong }, problems: wrong };

    const supposed = asked.ofProgram.map((each) => whatIf(read, state, each));
    const others = asked.names.filter((name) => !asked.ofProgram.some((each) => each.name === name));
    const isNarrow = edits.length > 0 || asked.names.length > 0;
    const result = await stack.plan(edits, { willApply: true, ...(isNarrow && { volumes: others }) });
    const plans = [...result.touched, ...supposed];
    const refused = supposed.filter(({ verdict }) => verdict === "refused").flatMap(({ problems }) => problems);
    const problems: Problem[] = [...result.problems, ...refused];
    const isRefused = problems.length > 0 || plans.some(({ verdict }) => verdict === "refused");
    return {
      code: isRefused ? "problems" : "done",
      json: { stack: stack.name, tag: result.tag, plans, problems, diff: result.diff },
      text: planText({ ...result, touched: plans, problems }, context.colours),
    };
  },
};

/** A plan as people read it. */
export function planText({ touched, problems, diff, stateUnknown }: EditResult, colours: Colours): string {
  const { dim, yellow } = colours;
  const blocks = touched.map((each) => volumePlanText(each, colours));
  const told = new Set(touched.flatMap((each) => each.problems.map(({ code, path }) => `${code} ${path}`)));
  const others = problems.filter(({ code, path }) => !told.has(`${code} ${path}`));
  const total = totalText(touched);
  return [
    ...diffText(diff, colours),
    ...(stateUnknown ? [yellow(`Current state unknown: ${stateUnknown.message}`)] : []),
    ...(blocks.length > 0 ? blocks : problems.length > 0 ? [] : [dim("No changes.")]),
    ...(total === "" ? [] : [total]),
    ...(others.length > 0 ? [problemsText(others, colours)] : []),
  ].join("\n\n");
}

/** How an edit changes the config file; nothing where it doesn't. */
export function diffText(diff: string, { bold, green, red }: Colours): string[] {
  if (diff === "") return [];
  const lines = diff.split("\n").map((line) => `  ${line.startsWith("-") ? red(line) : green(line)}`);
  return [[bold("config"), ...lines].join("\n")];
}

/** What would become of one volume. */
export function volumePlanText(each: VolumePlan, colours: Colours): string {
  const { name, from, to, verdict, notes, problems, declaredBy } = each;
  const { bold, dim } = colours;
  const profile = from && to && from.profile !== to.profile ? `${from.profile} → ${to.profile}` : (to ?? from)?.profile;
  const head = `${bold(name)}${profile === undefined ? "" : ` (${profile})`}: ${verdictText(verdict, colours)}`;
  const by = declaredBy === "program" ? dim(" (declared in the program)") : "";
  const cost = each.costBefore || each.costAfter ? `  monthly cost: ${costChange(each)}` : "";
  return [`${head}${by}`, notesText(notes), cost, problems.length > 0 ? problemsText(problems, colours) : ""]
    .filter((line) => line !== "")
    .join("\n");
}

function costChange({ verdict, costBefore, costAfter }: VolumePlan): string {
  if (verdict === "create") return formatCost(costAfter);
  if (verdict === "delete") return `${formatCost(costBefore)} → none`;
  return costDifference(costBefore, costAfter);
}

function totalText(plans: readonly VolumePlan[]): string {
  if (plans.length < 2) return "";
  // What isn't there yet, or goes, costs nothing; anything else that isn't known makes the volume's cost unknown.
  const known = plans.filter(
    ({ verdict, costBefore, costAfter }) =>
      (verdict === "create" || costBefore !== undefined) && (verdict === "delete" || costAfter !== undefined),
  );
  const currencies = new Set(
    known.flatMap(({ costBefore, costAfter }) => [costBefore, costAfter].flatMap((each) => each?.currency ?? [])),
  );
  const [currency] = currencies;
  if (currencies.size !== 1 || currency === undefined) return "";
  const sum = (key: "costBefore" | "costAfter") =>
    known.reduce(
      (all, each) => all + (each.verdict === "delete" && key === "costAfter" ? 0 : (each[key]?.amount ?? 0)),
      0,
    );
  const unknown = plans.length - known.length;
  const rest = unknown > 0 ? ` (cost of ${unknown} ${unknown === 1 ? "volume" : "volumes"} unknown)` : "";
  return `total: ${formatCost({ amount: sum("costBefore"), currency })} → ${formatCost({ amount: sum("costAfter"), currency })} per month${rest}`;
}

// Two costs and their difference.
function costDifference(before: MonthlyCost | undefined, after: MonthlyCost | undefined): string {
  if (before?.amount === after?.amount && before?.currency === after?.currency)
    return `${formatCost(after)} (unchanged)`;
  const text = `${formatCost(before)} → ${formatCost(after)}`;
  if (!before || before.currency !== after?.currency) return text;
  const delta = after.amount - before.amount;
  return `${text} (${delta < 0 ? "-" : "+"}${formatCost({ ...after, amount: Math.abs(delta) })})`;
}
