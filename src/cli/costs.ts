// Costs before and after, as text.

import { formatCost, type MonthlyCost } from "../cost";

export { formatCost } from "../cost";

/** Two costs and their difference. */
export function costDifference(before: MonthlyCost | undefined, after: MonthlyCost | undefined): string {
  if (before?.amount === after?.amount && before?.currency === after?.currency)
    return `${formatCost(after)}, as before`;
  const text = `${formatCost(before)} → ${formatCost(after)}`;
  if (!before || before.currency !== after?.currency) return text;
  const delta = after.amount - before.amount;
  return `${text} (${delta < 0 ? "-" : "+"}${formatCost({ ...after, amount: Math.abs(delta) })})`;
}
