// What each release of ConvergeIO / Storidge ContainerIO admits, as dated data. What sources disagree on is tried, with a note.

import { z } from "zod";

import { partialRange, rangeSchema } from "../contract";

/** The releases whose limits are known: the one of the founding example (2015), and the two that were documented. */
export const releases = [2015, 1, 2] as const;
export type CioRelease = (typeof releases)[number];

/**
 * The release of a stack that doesn't say one: that of the founding example. Of it the built-in `gold` is possible, so that `explain`
 * compares it with the other backends; a volume is only made where the stack says its release.
 */
export const DEFAULT_RELEASE: CioRelease = 2015;

const services = ["dedupe", "replication", "highAvailability"] as const;
export type RareService = (typeof services)[number];

const unsureAbove = z.int().positive().optional().describe("Above it, sources disagree: tried, with a note");
const range = rangeSchema.safeExtend({ unsureAbove });
const level = z.int().positive();

const limitsOfRelease = z.strictObject({
  sizeGiB: range,
  iops: range,
  bandwidthMiBps: range,
  level: z.strictObject({
    values: z.array(level).min(1).describe("How many copies a volume may have"),
    unsure: z.array(level).describe("Those of them that only some sources have"),
    default: level,
  }),
  local: z.boolean().describe("Whether a volume uses the drives of one node where its profile doesn't say"),
  snapshotIntervalMinutes: range,
  snapshotMax: range,
  services: z.array(z.enum(services)).describe("Which of the services exist that no release has"),
});
type LimitsOfRelease = z.infer<typeof limitsOfRelease>;

const wholeSchema = z.strictObject({ "2015": limitsOfRelease, "1": limitsOfRelease, "2": limitsOfRelease });
export type CioLimits = z.infer<typeof wholeSchema>;

const partial = partialRange.extend({ unsureAbove });
const overrideOfRelease = limitsOfRelease
  .extend({
    sizeGiB: partial,
    iops: partial,
    bandwidthMiBps: partial,
    level: limitsOfRelease.shape.level.partial(),
    snapshotIntervalMinutes: partial,
    snapshotMax: partial,
  })
  .partial();

// Source: Storidge/cio-user-docs 0bdd91a (2021-06-28: `cio volume create`, docker_volume_create, storage_classes), cio-faq fa76791, and
// the form of Portainer 1b1a50d6b (2022-01-17), which disagree on the upper ends. Read 2026-11-28.
const released: LimitsOfRelease = {
  sizeGiB: { min: 1, max: 65_536, unsureAbove: 64_000 },
  iops: { min: 30, max: 10_000_000, unsureAbove: 1_000_000 },
  bandwidthMiBps: { min: 1, max: 1_000_000, unsureAbove: 1_000 },
  level: { values: [1, 2, 3], unsure: [1], default: 2 },
  local: false,
  snapshotIntervalMinutes: { min: 1, max: 2_880 },
  snapshotMax: { min: 1, max: 100, unsureAbove: 99 },
  services: [],
};

export const cioLimits = {
  data: {
    // Source: the founding example (2015-09-21) and ConvergeIO/cio-flocker-driver 9c45fe5 (2015-11-18), which name levels 5 and 2, and
    // nothing else. Assumed: what is between them is possible, a profile that says neither level nor `local` has those of the example,
    // and other limits are those of the releases that followed.
    "2015": {
      ...released,
      level: { values: [2, 3, 4, 5], unsure: [], default: 5 },
      local: true,
      services: [...services],
    },
    "1": released,
    "2": released,
  } satisfies CioLimits as CioLimits,
  override: z
    .strictObject({ "2015": overrideOfRelease, "1": overrideOfRelease, "2": overrideOfRelease })
    .partial()
    .describe("Limits of ContainerIO by release; override the shipped limits"),
  whole: wholeSchema,
};
