// List prices of Amazon EBS, as data. A stack may lay its own over them (storage-profiles:prices), without a release.
// Source: infracost's ebs_volume_test golden file, per unit; io2's tiers from the AWS price list's usage types.
// Region us-east-1 only: the cost in another region is unknown until a stack gives its prices. Read 2026-08-21.

import { z } from "zod";

import { dateSchema } from "../flat-price";
import { volumeTypes } from "./limits";

const price = z.number().nonnegative();

// With a gap or an end, IOPS beyond it would be free: a guess.
function isWhole(tiers: { upTo?: number | undefined }[]): boolean {
  const ends = tiers.map(({ upTo = Infinity }) => upTo);
  return ends.at(-1) === Infinity && ends.every((end, index) => end > (ends[index - 1] ?? 0));
}

const typePrices = z.strictObject({
  /** For each GiB and month. */
  perGiB: price,
  /** For each provisioned IOPS above `from` (0 if absent), by tiers in order; the last tier has no `upTo`. */
  iops: z
    .strictObject({
      from: z.int().nonnegative().optional(),
      tiers: z
        .array(z.strictObject({ upTo: z.int().positive().optional(), each: price }))
        .min(1)
        .refine(isWhole, { error: "tiers must be in ascending order, and the last one must be open (without upTo)" }),
    })
    .optional(),
  /** For each provisioned MiB/s above `from`. */
  throughput: z.strictObject({ from: z.number().nonnegative(), each: price }).optional(),
  /** For a million I/O requests; these are not in the monthly cost. */
  perMillionRequests: price.optional(),
});
export type TypePrices = z.infer<typeof typePrices>;

export const awsPricesSchema = z.record(
  z.string(),
  z.strictObject({
    currency: z.string().default("USD"),
    source: z.string().default("the stack's config"),
    date: z.string().default("unknown"),
    types: z.partialRecord(z.enum(volumeTypes), typePrices).default({}),
  }),
);
/** Prices by region. */
export type AwsPrices = z.infer<typeof awsPricesSchema>;

/** The region whose order of prices decides what is cheapest where a region's own prices aren't known. */
export const REFERENCE_REGION = "us-east-1";

export const awsPrices: AwsPrices = {
  [REFERENCE_REGION]: {
    currency: "USD",
    source: "AWS price list as used by infracost",
    date: "2026-08-21",
    types: {
      gp3: {
        perGiB: 0.08,
        iops: { from: 3_000, tiers: [{ each: 0.005 }] },
        throughput: { from: 125, each: 0.04 },
      },
      gp2: { perGiB: 0.1 },
      io1: { perGiB: 0.125, iops: { tiers: [{ each: 0.065 }] } },
      io2: {
        perGiB: 0.125,
        iops: { tiers: [{ upTo: 32_000, each: 0.065 }, { upTo: 64_000, each: 0.0455 }, { each: 0.03185 }] },
      },
      st1: { perGiB: 0.045 },
      sc1: { perGiB: 0.015 },
      standard: { perGiB: 0.05, perMillionRequests: 0.05 },
    },
  },
};

/** What a stack may lay over the prices: any part of them, or another region. */
export const awsPricesOverride = z
  .record(
    z.string(),
    z.strictObject({
      currency: z.string().optional(),
      source: z.string().optional(),
      date: dateSchema.optional(),
      types: z.partialRecord(z.enum(volumeTypes), typePrices.partial()).optional(),
    }),
  )
  .describe("Prices of Amazon EBS by region; override the shipped prices");
