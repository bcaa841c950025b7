// IOPS as a profile says them: a number, or a rule by size. Shared by the backends that have them.

import { z } from "zod";

import { note, problem, type Note, type Problem } from "../problems";

const positiveWhole = z.int().positive();

/** `iops: 3000`, or `iops: { perGiB: 30, min: 100, max: 64000 }`. */
export const iopsSchema = z
  .union([
    positiveWhole.describe("IOPS, whatever the size"),
    z.strictObject({
      perGiB: z.number().positive().nullish().describe("IOPS for each GiB of the volume"),
      min: positiveWhole.nullish().describe("Never fewer than this; a clamp of the profile's own, with a note"),
      max: positiveWhole.nullish().describe("Never more than this; a clamp of the profile's own, with a note"),
    }),
  ])
  .describe("IOPS: a number, or by size (perGiB) between the profile's own min and max");

/** IOPS as a profile says them. */
export type IopsRule = z.infer<typeof iopsSchema>;

/** IOPS worked out for a size, before the backend's limits. */
export interface WantedIops {
  /** What the rule asks for; `undefined` where it gives only a `min` or a `max`. */
  iops: number | undefined;
  /** The rule's own bounds. */
  min: number | undefined;
  max: number | undefined;
  /** How it came about, for messages: "gold wants 30 IOPS per GiB: 64,500 at 2,150 GiB". */
  wants: string;
  problems: Problem[];
  notes: Note[];
}

/**
 * Works the rule out for a size. The rule's own `min` and `max` clamp, with a note. A bigger volume never gets fewer.
 * Problem: `iops-range-empty`. Notes: `iops-raised`, `iops-capped`.
 */
export function wantedIops(rule: IopsRule, sizeGiB: number, profile: string, path: string): WantedIops {
  const text = (value: number) => value.toLocaleString("en-US");
  if (typeof rule === "number") {
    const wants = `"${profile}" wants ${text(rule)} IOPS`;
    return { iops: rule, min: undefined, max: undefined, wants, problems: [], notes: [] };
  }
  const perGiB = rule.perGiB ?? undefined;
  const min = rule.min ?? undefined;
  const max = rule.max ?? undefined;
  const problems: Problem[] = [];
  const notes: Note[] = [];
  if (min !== undefined && max !== undefined && min > max) {
    problems.push(problem("iops-range-empty", path, rule, { min, max }));
  }
  if (perGiB === undefined) {
    const bounds = [min && `at least ${text(min)}`, max && `at most ${text(max)}`].filter(Boolean).join(" and ");
    return {
      iops: undefined,
      min,
      max,
      wants: `"${profile}" wants ${bounds || "no particular"} IOPS`,
      problems,
      notes,
    };
  }
  const exact = Math.ceil(perGiB * sizeGiB);
  let iops = exact;
  if (problems.length === 0) {
    if (min !== undefined && iops < min) {
      notes.push(note("iops-raised", `${path}.min`, { wanted: exact, min, profile }));
      iops = min;
    }
    if (max !== undefined && iops > max) {
      notes.push(note("iops-capped", `${path}.max`, { wanted: exact, max, profile }));
      iops = max;
    }
  }
  const wants =
    iops === exact
      ? `"${profile}" wants ${text(perGiB)} IOPS per GiB: ${text(iops)} at ${text(sizeGiB)} GiB`
      : `"${profile}" wants ${text(iops)} IOPS`;
  return { iops, min, max, wants, problems, notes };
}
