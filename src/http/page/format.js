// Numbers, costs, times and settings as text.

import { quantities } from "./quantities.js";

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
 * What volumes cost before and after a change, as text. What isn't there yet, or goes, costs nothing, and isn't unknown.
 *
 * @param {{ verdict: string, costBefore?: Cost | undefined, costAfter?: Cost | undefined }[]} plans
 */
export function totalsOf(plans) {
  return {
    before: total(plans.filter(({ verdict }) => verdict !== "create").map(({ costBefore }) => costBefore)),
    after: total(plans.filter(({ verdict }) => verdict !== "delete").map(({ costAfter }) => costAfter)),
  };
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
  return known ? `${known}, cost of ${plural(unknown, "volume")} unknown` : "unknown";
}

/**
 * Sums before and after, as short as can be: "415.00 → 430.00 USD a month". Nothing where nothing is known.
 *
 * @param {(Cost | undefined)[]} before
 * @param {(Cost | undefined)[]} after
 */
export function change(before, after) {
  const [from, to] = [sum(before), sum(after)];
  const known = [...new Set([...from.sums, ...to.sums].map(({ currency }) => currency))].sort().map((currency) => {
    const [was, is] = [from, to].map(({ sums }) => sums.find((each) => each.currency === currency)?.amount ?? 0);
    const [old, now] = [money.format(was ?? 0), money.format(is ?? 0)];
    return `${old === now ? now : `${old} → ${now}`} ${currency}`;
  });
  if (known.length === 0) return undefined;
  return `${known.join(" + ")} a month${to.unknown > 0 ? `, cost of ${plural(to.unknown, "volume")} unknown` : ""}`;
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
 * A setting's value with its unit; no limit is "unlimited" and never 0.
 *
 * @param {unknown} value
 * @param {{ unit: string, isUnlimitedAtZero?: boolean } | undefined} [quantity]
 * @returns {string}
 */
export function setting(value, quantity) {
  if (typeof value === "number" && quantity) {
    if (value === 0 && quantity.isUnlimitedAtZero) return "unlimited";
    return `${count(value)}${/^\w/.test(quantity.unit) ? " " : ""}${quantity.unit}`;
  }
  if (value === null || value === undefined) return "not set";
  if (typeof value === "number") return count(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "object") return String(value);
  const parts = Object.entries(value).map(([key, each]) =>
    Array.isArray(value) ? setting(each) : `${key}: ${setting(each)}`,
  );
  return parts.join(", ") || "none";
}

/**
 * How a setting of a backend reads that is a number.
 *
 * @param {string} backend
 * @param {string} key
 */
export function quantityOf(backend, key) {
  return quantities[backend]?.[key];
}

/**
 * What differs between two sets of settings, size included: "iops: 100 IOPS → 3,000 IOPS".
 *
 * @param {{ backend: string, sizeGiB: number, settings: object, profile?: string } | undefined} from
 * @param {{ backend: string, sizeGiB: number, settings: object, profile?: string } | undefined} to
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
    .map((key) => {
      const [was, is] = [from, to].map(({ backend }) => quantityOf(backend, key));
      return `${key}: ${setting(before[key], was)} → ${setting(after[key], is)}`;
    });
}
