// What every backend is: a section of settings in a profile, and pure answers about it. One folder a backend.

import { z } from "zod";

import type { MonthlyCost } from "./cost";
import { problem, type Note, type Problem } from "./problems";

/** What a backend is told about one volume. */
export interface Asked<Section, Placement, Limits> {
  /** The volume's name on the backend. */
  name: string;
  /** The profile's name, for messages. */
  profile: string;
  /** What the profile says for this backend, with `extends` done. */
  section: Section;
  /** The path of that section, for problems: `storage-profiles:profiles.gold.aws`. */
  path: string;
  /** How a setting is taken away from the profile, in words: `remove \`iops\``. */
  without: (setting: string) => string;
  /** The path of the size, for problems. */
  sizePath: string;
  /** The size that is asked for, in whole GiB. */
  sizeGiB: number;
  /** Where the volume goes: region, zone, what the machine can do. */
  placement: Placement;
  /** The path of what the volume itself says of its place, for problems. */
  placementPath: string;
  /** The limits in force. */
  limits: Limits;
}

/** What a backend makes of it. `settings` is there exactly when there are no problems. */
export interface Answer<Settings> {
  settings?: Settings;
  /** The size as the backend makes it, in GiB. */
  sizeGiB: number;
  problems: Problem[];
  notes: Note[];
}

/** What became, or would become, of a setting of a volume that exists. */
export type SettingRule =
  | { verdict: "in-place" }
  | { verdict: "migrates"; because: string }
  | { verdict: "refused"; because: string; way: string };

/** A volume's settings with its size, for prices. */
export interface Made<Settings> {
  sizeGiB: number;
  settings: Settings;
}

/** Sizes that a backend can make with a profile, or that one of its types can. */
export interface Admitted {
  /** What makes them: a type of the backend ("io1"), or the backend itself. */
  what: string;
  /** The sizes, in whole GiB, both ends included, in order; none where no size is possible. */
  ranges: { fromGiB: number; toGiB: number }[];
  /** Why the next smaller size is not possible; absent where 1 GiB is. */
  below?: Problem | undefined;
  /** Why the next bigger size is not possible; the reason as such where no size is. */
  above?: Problem | undefined;
}

/** Dated data that ships, and that a stack may lay its own over. */
export interface Overridable<Data> {
  /** What ships. */
  data: Data;
  /** What a stack may lay over it: any part. */
  override: z.ZodType;
  /** What must come out: the whole. */
  whole: z.ZodType<Data>;
}

/** What could be read of a volume's size and settings. */
export interface ReadBack<Settings> {
  sizeGiB?: number | undefined;
  settings?: Partial<Settings> | undefined;
}

/** How a setting that is a number reads. */
export interface Quantity {
  /** The unit: "IOPS", "MiB/s". */
  unit: string;
  /** Whether 0 means that there is no limit. */
  isUnlimitedAtZero?: boolean;
}

/** How a volume of the backend stands in Pulumi's state. */
export interface Recorded<Settings> {
  /** The type of the resource that has its size and its settings. */
  type: string;
  /**
   * Reads them from that resource's inputs or outputs; what isn't known there is left out. What inputs leave to the provider is as
   * the volume `has` it: the resource's outputs.
   */
  read(properties: Record<string, unknown>, has?: Record<string, unknown>): ReadBack<Settings>;
  /** Settings that say where the volume is, and that were found out when it was made where nobody said them. */
  decided: readonly string[];
  /** Settings that a program may have said of this volume alone, beside its profile. */
  own: readonly string[];
}

/** A backend, as the pure core sees it. */
export interface Backend<
  Name extends string = string,
  Section = unknown,
  Settings extends object = object,
  Placement = unknown,
  Limits = unknown,
  Prices = unknown,
> {
  name: Name;
  /** Its name for people: "Amazon EBS". */
  title: string;
  /** What a profile may say for it. Every key is optional (a profile may be a part that another extends) and may be null. */
  section: z.ZodType<Section>;
  /** What a volume or a stack says about the place. */
  placement: z.ZodType<Placement>;
  /** What of the stack's config below the backend's name is about the place. Default: all of it. */
  place?(stack: Record<string, unknown>): object;
  recorded: Recorded<Settings>;
  /** How each setting that is a number reads. */
  quantities: { readonly [K in keyof Settings as number extends Settings[K] ? K : never]-?: Quantity };
  limits: Overridable<Limits>;
  prices: Overridable<Prices>;
  /** Settings, problems and notes for one volume. Never throws. */
  resolve(asked: Asked<Section, Placement, Limits>, prices: Prices): Answer<Settings>;
  /** What may happen to each setting of a volume that exists; nothing, where the difference means no change. */
  change: { [K in keyof Required<Settings>]: (from: Settings[K], to: Settings[K]) => SettingRule | undefined };
  /** Why a change can't be made that each setting by itself allows: what one of them says about others, or about the size. */
  wholeChange?(from: Made<Settings>, to: Made<Settings>): Problem[];
  /** What is to be known of a change as a whole, beyond what becomes of each setting. */
  noteChange?(from: Made<Settings>, to: Made<Settings>): Note[];
  /** The sizes that the profile's type can make, or each that it may have; absent where there are no types, and one range of sizes. */
  admitted?(asked: Omit<Asked<Section, Placement, Limits>, "sizeGiB">, prices: Prices): Admitted[];
  /** The monthly cost; or why it isn't known; or nothing, on a backend that has no list prices and got none. */
  monthlyCost(
    made: Made<Settings>,
    placement: Placement,
    prices: Prices,
  ): { cost: MonthlyCost } | { unknown: string } | undefined;
}

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
