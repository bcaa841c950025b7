// `cost`: what the volumes cost in a month, by list price.

import { formatCost, type MonthlyCost } from "../../core/cost";
import { monthlyCostOf } from "../../core/resolve";
import type { VolumeStatus } from "../../stack";
import type { CommandSpec } from "../context";
import { fittedTable } from "../text";

export const cost: CommandSpec = {
  name: "cost",
  summary: "Show the monthly cost per volume, per profile and in total, current and as declared",
  description:
    "Based on list prices, without requests, snapshots and discounts. Missing prices are shown as unknown, never estimated.",
  examples: [["cost", "show a table with totals"]],
  async run(context) {
    const stack = await context.stack();
    const [all, read] = [await stack.status(), await stack.readConfig()];
    const volumes = all.map((each) => {
      const { placement } = read.requestFor(
        each.name,
        each.declaredBy === "config" ? read.config.volumes?.[each.name] : undefined,
      );
      const of = (volume: VolumeStatus["recorded"]) => volume && monthlyCostOf(read.catalog, volume, placement);
      const [now, declared] = [of(each.recorded), of(each.declared)];
      return { name: each.name, profile: each.profile ?? "", isCreated: each.recorded !== undefined, now, declared };
    });
    const groups = new Map<string, typeof volumes>();
    for (const each of volumes) groups.set(each.profile, [...(groups.get(each.profile) ?? []), each]);
    const profiles = [...groups].map(([profile, of]) => ({
      profile,
      volumes: of.length,
      now: totals(of.filter(({ isCreated }) => isCreated).map((each) => each.now)),
      declared: totals(of.map((each) => each.declared)),
    }));
    const total = {
      // What isn't created yet costs nothing.
      now: totals(volumes.filter(({ isCreated }) => isCreated).map((each) => each.now)),
      declared: totals(volumes.map((each) => each.declared)),
    };
    const shown = (one: MonthlyCost | undefined) => (one ? formatCost(one) : "unknown");
    const rows = volumes.map((each) => [
      ...[each.name, each.profile],
      each.isCreated ? shown(each.now) : "not created yet",
      shown(each.declared),
    ]);
    const sums = profiles.map((each) => [
      `subtotal (${each.volumes})`,
      each.profile,
      totalText(each.now),
      totalText(each.declared),
    ]);
    const head = ["VOLUME", "PROFILE", "CURRENT", "DECLARED"];
    const last = ["total", "", totalText(total.now), totalText(total.declared)];
    const text = volumes.length > 0 ? fittedTable([head, ...rows, [""], ...sums, [""], last], context) : "No volumes.";
    return {
      code: read.mistakes.length > 0 ? "problems" : "done",
      json: { stack: stack.name, volumes, profiles, total, problems: read.mistakes },
      text,
      problems: read.mistakes,
    };
  },
};

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
  return [...sums, ...(unknown > 0 ? [`${unknown} unknown`] : [])].join(" + ") || "0.00";
}
