// A plan as people read it: what becomes of each volume, how the file changes, what it makes of the cost.

import { formatCost, type MonthlyCost } from "../../core/cost";
import { volumeText } from "../../core/setting-text";
import type { EditResult, PinnedVolume, VolumePlan } from "../../stack";
import { notesText, problemsText, verdictText, type Colours } from "../text";

/** A plan as people read it. */
export function planText(result: EditResult, colours: Colours): string {
  const { touched, leftOut = [], problems, diff, stateUnknown, sharedFile } = result;
  const { dim, yellow } = colours;
  const blocks = touched.map((each) => volumePlanText(each, colours));
  const told = new Set(touched.flatMap((each) => each.problems.map(({ code, path }) => `${code} ${path}`)));
  const others = problems.filter(({ code, path }) => !told.has(`${code} ${path}`));
  const total = totalText(touched);
  return [
    ...diffText(diff, colours, sharedFile),
    ...(stateUnknown ? [yellow(`Current state unknown: ${stateUnknown.message}`)] : []),
    ...(blocks.length > 0
      ? blocks
      : problems.length > 0
        ? []
        : [dim(diff === "" ? "No changes." : "No volume changes.")]),
    ...(total === "" ? [] : [total]),
    ...leftOut.map((each) => dim(`${each.name} (${each.profile}): ${leftOutText(each)}`)),
    ...(others.length > 0 ? [problemsText(others, colours)] : []),
  ].join("\n\n");
}

/** Why an edit of its profile doesn't change a volume. */
export const leftOutText = ({ pin }: PinnedVolume): string => `left out, pinned by ${pin}`;

/** How an edit changes the config file, or a shared one; nothing where it doesn't. */
export function diffText(diff: string, { bold, green, red }: Colours, sharedFile?: string): string[] {
  if (diff === "") return [];
  const lines = diff.split("\n").map((line) => `  ${line.startsWith("-") ? red(line) : green(line)}`);
  const file = sharedFile === undefined ? "config" : `${sharedFile} (shared: other stacks that use it change too)`;
  return [[bold(file), ...lines].join("\n")];
}

/** What would become of one volume. */
export function volumePlanText(each: VolumePlan, colours: Colours): string {
  const { name, from, to, verdict, notes, problems, declaredBy } = each;
  const { bold, dim } = colours;
  const profile = from && to && from.profile !== to.profile ? `${from.profile} → ${to.profile}` : (to ?? from)?.profile;
  const head = `${bold(name)}${profile === undefined ? "" : ` (${profile})`}: ${verdictText(verdict, colours)}`;
  const by = declaredBy === "program" ? dim(" (declared in the program)") : "";
  const what = verdict === "create" && to ? `  ${volumeText(to)}` : "";
  const cost = each.costBefore || each.costAfter ? `  monthly cost: ${costChange(each)}` : "";
  return [`${head}${by}`, what, notesText(notes), cost, problems.length > 0 ? problemsText(problems, colours) : ""]
    .filter((line) => line !== "")
    .join("\n");
}

/** The monthly cost of a volume, before and after. */
export function costChange({ verdict, costBefore, costAfter }: VolumePlan): string {
  if (verdict === "create") return formatCost(costAfter);
  if (verdict === "delete") return `${formatCost(costBefore)} → none`;
  return costDifference(costBefore, costAfter);
}

/** The monthly cost of several volumes, before and after. */
export function totalText(plans: readonly VolumePlan[]): string {
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
