// Throughput as a profile says it: a number, or a rule by IOPS. For backends where the two go together.

import { z } from "zod";

import { count, note, problem, type Note, type Problem } from "../core/problems";
import { clamped, exactly } from "./iops";

const positiveWhole = z.int().positive();

/** `throughputMiBps: 250`, or `throughputMiBps: { perIops: 0.25, min: 125, max: 1000 }`. */
export const throughputSchema = z
  .union([
    positiveWhole.describe("MiB/s, independent of the IOPS"),
    z.strictObject({
      perIops: z.number().positive().nullish().describe("MiB/s per IOPS of the volume, rounded down to whole MiB/s"),
      min: positiveWhole.nullish().describe("Minimum; lower values are raised to it, with a note"),
      max: positiveWhole.nullish().describe("Maximum; higher values are capped, with a note"),
    }),
  ])
  .describe("Throughput in MiB/s: a number, or a value per IOPS (perIops) between min and max");

/** Throughput as a profile says it. */
export type ThroughputRule = z.infer<typeof throughputSchema>;

/** Throughput worked out for a volume's IOPS, before the backend's limits. */
export interface WantedThroughput {
  /** What the rule asks for; `undefined` where the rule itself is wrong. */
  MiBps: number | undefined;
  /** How it came about, for messages: '"fast" wants 0.25 MiB/s per IOPS: 750 at 3,000 IOPS'. */
  wants: string;
  problems: Problem[];
  notes: Note[];
}

/**
 * Works the rule out for a volume's IOPS. The rule's own `min` and `max` clamp, with a note; without `perIops`, what there is
 * to clamp is the type's default. Rounded down: where a backend has a ratio, it is a most, and rounding up would break it.
 * Problem: `throughput-range-empty`. Notes: `throughput-raised`, `throughput-capped`.
 */
export function wantedThroughput(
  rule: ThroughputRule,
  iops: number,
  profile: string,
  path: string,
  byDefault: number,
): WantedThroughput {
  if (typeof rule === "number") {
    return { MiBps: rule, wants: `"${profile}" sets ${count(rule)} MiB/s`, problems: [], notes: [] };
  }
  const { perIops, min: least, max: most } = rule;
  const [min, max] = [least ?? undefined, most ?? undefined];
  if (min !== undefined && max !== undefined && min > max) {
    const problems = [problem("throughput-range-empty", path, rule, { min, max })];
    return { MiBps: undefined, wants: "", problems, notes: [] };
  }
  const exact = perIops == null ? byDefault : Math.floor(exactly(perIops * iops));
  const [MiBps, clamp] = clamped(exact, min, max);
  const notes: Note[] = [];
  if (clamp === "min") notes.push(note("throughput-raised", `${path}.min`, { wanted: exact, min: MiBps, profile }));
  if (clamp === "max") notes.push(note("throughput-capped", `${path}.max`, { wanted: exact, max: MiBps, profile }));
  const wants =
    perIops != null && clamp === undefined
      ? `"${profile}" sets ${count(perIops)} MiB/s per IOPS: ${count(MiBps)} at ${count(iops)} IOPS`
      : `"${profile}" sets ${count(MiBps)} MiB/s`;
  return { MiBps, wants, problems: [], notes };
}
