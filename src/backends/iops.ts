// IOPS as a profile says them: a number, or a rule by size. Shared by the backends that have them.

import { z } from "zod";

import { count, note, problem, type Note, type Problem } from "../core/problems";

const positiveWhole = z.int().positive();

/** `iops: 3000`, or `iops: { perGiB: 30, min: 100, max: 64000 }`. */
export const iopsSchema = z
  .union([
    positiveWhole.describe("IOPS, independent of the size"),
    z.strictObject({
      perGiB: z.number().positive().nullish().describe("IOPS per GiB of the volume"),
      min: positiveWhole.nullish().describe("Minimum; lower values are raised to it, with a note"),
      max: positiveWhole.nullish().describe("Maximum; higher values are capped, with a note"),
    }),
  ])
  .describe("IOPS: a number, or a value per GiB (perGiB) between min and max");

/** IOPS as a profile says them. */
export type IopsRule = z.infer<typeof iopsSchema>;

/** IOPS worked out for a size, before the backend's limits. */
export interface WantedIops {
  /** What the rule asks for; `undefined` where it says neither how many nor at least how many. */
  iops: number | undefined;
  /** The rule's own upper bound. */
  max: number | undefined;
  /** How it came about, for messages: "gold wants 30 IOPS per GiB: 64,500 at 2,150 GiB". */
  wants: string;
  problems: Problem[];
  notes: Note[];
}

/**
 * Works the rule out for a size. The rule's own `min` and `max` clamp, with a note. A bigger volume never gets fewer. Without
 * `perGiB`, what there is to clamp is the type's own default; where it has none, a `min` is what is wanted.
 * Problem: `iops-range-empty`. Notes: `iops-raised`, `iops-capped`.
 */
export function wantedIops(
  rule: IopsRule,
  sizeGiB: number,
  profile: string,
  path: string,
  byDefault?: number,
): WantedIops {
  if (typeof rule === "number") {
    const wants = `"${profile}" sets ${count(rule)} IOPS`;
    return { iops: rule, max: undefined, wants, problems: [], notes: [] };
  }
  const perGiB = rule.perGiB ?? undefined;
  const min = rule.min ?? undefined;
  const max = rule.max ?? undefined;
  if (min !== undefined && max !== undefined && min > max) {
    const problems = [problem("iops-range-empty", path, rule, { min, max })];
    return { iops: undefined, max, wants: "", problems, notes: [] };
  }
  const exact = perGiB === undefined ? byDefault : Math.ceil(exactly(perGiB * sizeGiB));
  if (exact === undefined)
    return { iops: min, max, wants: `"${profile}" sets ${count(min ?? 0)} IOPS`, problems: [], notes: [] };

  const [iops, clamp] = clamped(exact, min, max);
  const notes: Note[] = [];
  if (clamp === "min") notes.push(note("iops-raised", `${path}.min`, { wanted: exact, min: iops, profile }));
  if (clamp === "max") notes.push(note("iops-capped", `${path}.max`, { wanted: exact, max: iops, profile }));
  const wants =
    perGiB !== undefined && iops === exact
      ? `"${profile}" sets ${count(perGiB)} IOPS per GiB: ${count(iops)} at ${count(sizeGiB)} GiB`
      : `"${profile}" sets ${count(iops)} IOPS`;
  return { iops, max, wants, problems: [], notes };
}

/** A value between the profile's own bounds, and which of them it met. */
export function clamped(
  value: number,
  min: number | undefined,
  max: number | undefined,
): [number, "min" | "max" | undefined] {
  if (min !== undefined && value < min) return [min, "min"];
  if (max !== undefined && value > max) return [max, "max"];
  return [value, undefined];
}

/** A product of decimal numbers without what binary ones add to it: 2.2 × 100 is 220, and not a little more. */
export function exactly(product: number): number {
  return Number.isInteger(product) && Math.abs(product) < 1e12 ? product : Number(product.toPrecision(12));
}
