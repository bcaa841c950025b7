// `cost`: what the volumes cost in a month, by list price.

import { formatCost, type MonthlyCost } from "../../core/cost";
import { monthlyCostOf, priceOf } from "../../core/resolve";
import { backends, type BackendName } from "../../core/backend";
import { note, type Problem } from "../../core/problems";
import type { Stack, VolumeStatus } from "../../stack";
import type { CommandSpec } from "../context";
import { plural, runMany, type Part } from "../many";
import { fittedTable, noPriceList } from "../text";

export const cost: CommandSpec = {
  name: "cost",
  summary: "Show the monthly cost per volume, per profile and in total, current and as declared",
  description:
    "Based on list prices, without requests, snapshots and discounts. Missing prices are shown as unknown, never estimated.",
  examples: [
    ["cost", "show a table with totals"],
    ["cost --all", "the same over all stacks of the projects below this directory"],
  ],
  async run(context) {
    const part = await costOfStack(await context.stack());
    const { volumes, json, problems } = part;
    const table =
      volumes.length > 0 ? fittedTable([HEAD, ...part.rows, [""], ...sumRows([part])], context) : "No volumes.";
    const text = [table, ...part.unknown].join("\n\n");
    return { code: part.code, json: { ...json, ...sumOf([part]), problems }, text, problems };
  },
  many: (context) =>
    runMany(
      {
        head: HEAD,
        each: costOfStack,
        total: (parts, leftOut) => ({ json: sumOf(parts), rows: [[""], ...sumRows(parts, leftOut)] }),
      },
      context,
    ),
};

const HEAD = ["VOLUME", "PROFILE", "CURRENT", "DECLARED"];

interface Costs extends Part {
  volumes: {
    name: string;
    profile: string;
    isCreated: boolean;
    now: MonthlyCost | undefined;
    declared: MonthlyCost | undefined;
  }[];
  problems: Problem[];
  /** Why costs aren't known, each reason once. */
  unknown: string[];
}

async function costOfStack(stack: Stack): Promise<Costs> {
  const [all, read] = [await stack.status(), await stack.readConfig()];
  const [reasons, listless] = [new Set<string>(), new Set<BackendName>()];
  const volumes = all.map((each) => {
    const { placement } = read.requestFor(
      each.name,
      each.declaredBy === "config" ? read.config.volumes?.[each.name] : undefined,
    );
    const of = (volume: VolumeStatus["recorded"]) => volume && monthlyCostOf(read.catalog, volume, placement);
    const [now, declared] = [of(each.recorded), of(each.declared)];
    const unpriced = each.declared && !declared ? each.declared : each.recorded && !now ? each.recorded : undefined;
    if (unpriced) {
      const price = priceOf(read.catalog, unpriced, placement);
      if (price && "unknown" in price) reasons.add(note("price-unknown", "", { because: price.unknown }).message);
      // Prices that can't be read are a problem, and told there.
      else if (!read.catalog.unread[unpriced.backend]) listless.add(unpriced.backend);
    }
    // A run that failed leaves the component of a volume that it didn't create.
    const isCreated = each.recorded !== undefined && each.verdict !== "create";
    return { name: each.name, profile: each.profile ?? "", isCreated, now, declared };
  });
  const shown = (one: MonthlyCost | undefined) => (one ? formatCost(one) : "unknown");
  const rows = volumes.map((each) => [
    ...[each.name, each.profile],
    each.isCreated ? shown(each.now) : "not created yet",
    shown(each.declared),
  ]);
  return {
    code: read.mistakes.length > 0 ? "problems" : "done",
    json: { stack: stack.name, volumes },
    volumes,
    rows,
    problems: read.mistakes,
    unknown: [
      ...reasons,
      ...noPriceList([...listless].map((backend) => ({ backend, title: backends[backend].title }))),
    ],
  };
}

// By profile, and in total.
function sumOf(parts: readonly Costs[]) {
  const volumes = parts.flatMap((each) => each.volumes);
  const groups = new Map<string, typeof volumes>();
  for (const each of volumes) groups.set(each.profile, [...(groups.get(each.profile) ?? []), each]);
  // What isn't created yet costs nothing.
  const sums = (of: typeof volumes) => ({
    now: totals(of.filter(({ isCreated }) => isCreated).map((each) => each.now)),
    declared: totals(of.map((each) => each.declared)),
  });
  const profiles = [...groups].map(([profile, of]) => ({ profile, volumes: of.length, ...sums(of) }));
  return { profiles, total: sums(volumes) };
}

function sumRows(parts: readonly Costs[], leftOut = 0): string[][] {
  const { profiles, total } = sumOf(parts);
  const sums = profiles.map((each) => [
    `subtotal (${each.volumes})`,
    each.profile,
    totalText(each.now),
    totalText(each.declared),
  ]);
  const head = leftOut > 0 ? `total without ${plural(leftOut, "stack")}` : "total";
  return [...sums, [""], [head, "", totalText(total.now), totalText(total.declared)]];
}

interface Total {
  /** By currency: sums of different ones say nothing. */
  amounts: Record<string, number>;
  /** How many volumes have no known cost. */
  unknown: number;
}

function totals(costs: readonly (MonthlyCost | undefined)[]): Total {
  const amounts: Record<string, number> = {};
  for (const each of costs)
    if (each) amounts[each.currency] = Math.round(((amounts[each.currency] ?? 0) + each.amount) * 100) / 100;
  return { amounts, unknown: costs.filter((each) => each === undefined).length };
}

function totalText({ amounts, unknown }: Total): string {
  const sums = Object.entries(amounts).map(([currency, amount]) => formatCost({ amount, currency }));
  if (sums.length === 0) return unknown > 0 ? "unknown" : "none";
  return [...sums, ...(unknown > 0 ? [`${unknown} unknown`] : [])].join(" + ");
}
