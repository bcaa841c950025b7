// Numbers, costs, times and settings as text.

const numbers = new Intl.NumberFormat("en");
const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** @typedef {{ amount: number, currency: string }} Cost */

/** @param {number} value */
export function count(value) {
  return numbers.format(value);
}

/**
 * @param {number} value
 * @param {string} one
 * @param {string} [many]
 */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** @param {number | undefined} sizeGiB */
export function size(sizeGiB) {
  return sizeGiB === undefined ? "unknown" : `${count(sizeGiB)} GiB`;
}

/** @param {Cost | undefined} cost */
export function cost(cost) {
  return cost === undefined ? "unknown" : `${money.format(cost.amount)} ${cost.currency}`;
}

/**
 * Sums by currency, in the order of their codes.
 *
 * @param {(Cost | undefined)[]} costs
 * @returns {{ sums: Cost[], unknown: number }}
 */
export function sum(costs) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  let unknown = 0;
  for (const each of costs) {
    if (each === undefined) unknown++;
    else sums.set(each.currency, (sums.get(each.currency) ?? 0) + each.amount);
  }
  const sorted = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  return { sums: sorted.map(([currency, amount]) => ({ currency, amount })), unknown };
}

/**
 * A sum as text: "12.50 USD, and 2 volumes of unknown cost".
 *
 * @param {(Cost | undefined)[]} costs
 */
export function total(costs) {
  const { sums, unknown } = sum(costs);
  const known = sums.map(cost).join(" + ");
  if (unknown === 0) return known || "nothing";
  return known ? `${known}, and ${plural(unknown, "volume")} of unknown cost` : "unknown";
}

/** @param {string | number | Date} time */
export function time(time) {
  return clock.format(new Date(time));
}

/** @param {string} time */
export function dateTime(time) {
  return day.format(new Date(time));
}

/**
 * @param {unknown} value
 * @returns {string}
 */
export function setting(value) {
  if (value === null || value === undefined) return "none";
  if (typeof value === "number") return count(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "object") return String(value);
  const parts = Object.entries(value).map(([key, each]) =>
    Array.isArray(value) ? setting(each) : `${key}: ${setting(each)}`,
  );
  return parts.join(", ") || "none";
}

/**
 * What differs between two sets of settings, size included: "iops: 100 → 3,000".
 *
 * @param {{ sizeGiB: number, settings: object, profile?: string } | undefined} from
 * @param {{ sizeGiB: number, settings: object, profile?: string } | undefined} to
 * @returns {string[]}
 */
export function differences(from, to) {
  if (!from || !to) return [];
  /** @type {Record<string, unknown>} */
  const before = { profile: from.profile, sizeGiB: from.sizeGiB, ...from.settings };
  /** @type {Record<string, unknown>} */
  const after = { profile: to.profile, sizeGiB: to.sizeGiB, ...to.settings };
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => `${key}: ${setting(before[key])} → ${setting(after[key])}`);
}
