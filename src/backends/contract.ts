// What backends are made with: the shapes of their limits, and what several of them answer in the same way.

import { z } from "zod";

import type { Asked, ReadBack, SettingRule } from "../core/backend";
import { problem, type Problem } from "../core/problems";

export { defineBackend } from "../core/backend";
export { mergeTags } from "../core/tags";
export type {
  Admitted,
  Answer,
  Asked,
  Backend,
  Made,
  Overridable,
  ReadBack,
  Recorded,
  SettingRule,
  TagRules,
} from "../core/backend";

/** A range as limits have it. */
export const rangeSchema = z
  .strictObject({ min: z.int().positive(), max: z.int().positive() })
  .refine(({ min, max }) => min <= max, { error: "min is greater than max" });

/** Any part of a range, to be laid over one. */
export const partialRange = z.strictObject({ min: z.int().positive(), max: z.int().positive() }).partial();

/**
 * Whether a backend can make the size that is asked for, which it may first round to `made`. Problem: `size-beyond-limit`,
 * with the `ways` out that lie in the profile, and the nearest size in the range where it `fits` what else is asked for.
 */
export function sizeProblems(
  what: string,
  { sizeGiB, sizePath }: Pick<Asked<unknown, unknown, unknown>, "sizeGiB" | "sizePath">,
  { min, max }: z.infer<typeof rangeSchema>,
  {
    ways = () => [],
    fits = () => true,
    made = sizeGiB,
  }: { ways?: () => string[]; fits?: (sizeGiB: number) => boolean; made?: number } = {},
): Problem[] {
  if (made >= min && made <= max) return [];
  const nearestFits = fits(made < min ? min : max);
  return [problem("size-beyond-limit", sizePath, sizeGiB, { what, sizeGiB, min, max, ways: ways(), nearestFits })];
}

/** Reads a resource of our own, which has both under their names. */
export function readAsRecorded<Settings>({ sizeGiB, settings }: Record<string, unknown>): ReadBack<Settings> {
  return {
    ...(typeof sizeGiB === "number" && { sizeGiB }),
    ...(typeof settings === "object" && settings !== null && { settings: settings }),
  };
}

/** A setting that changes in place. */
export const inPlace = (): SettingRule => ({ verdict: "in-place" });

/** A setting that can't change, with the way out. */
export const refused = (because: string, way: string) => (): SettingRule => ({ verdict: "refused", because, way });
