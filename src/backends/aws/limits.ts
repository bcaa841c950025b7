// Limits of Amazon EBS volumes, as data. A stack may lay its own over them (storage-profiles:limits), without a release.
// Source: the EC2 API model (botocore 1.43.107, CreateVolume and ModifyVolume) for ranges; aws-ebs-csi-driver 1.64.0 for
// IOPS per GiB; aws-cdk #38000 and openshift #10222 for throughput per IOPS. Read 2026-08-21.

import { z } from "zod";

import { partialRange, rangeSchema } from "../backend";

/** The EBS volume types. */
export const volumeTypes = ["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"] as const;
export type VolumeType = (typeof volumeTypes)[number];

const positive = z.int().positive();

const isWithin = ({ min, max, default: value = min }: { min: number; max: number; default?: number | undefined }) =>
  value >= min && value <= max;
const defaultOutside = { error: "default is not between min and max" };

const typeLimits = z.strictObject({
  /** Sizes in GiB. */
  sizeGiB: rangeSchema,
  /** Absent: the type has no IOPS to set. `default` absent: they must be set. */
  iops: rangeSchema
    .safeExtend({ default: positive.optional(), perGiB: z.number().positive() })
    .refine(isWithin, defaultOutside)
    .optional(),
  /** MiB/s. Absent: the type has no throughput to set. */
  throughputMiBps: rangeSchema
    .safeExtend({ default: positive, perIops: z.number().positive() })
    .refine(isWithin, defaultOutside)
    .optional(),
  /** Whether several instances may attach the volume at once. */
  multiAttach: z.boolean(),
});

export const awsLimitsSchema = z.strictObject(
  Object.fromEntries(volumeTypes.map((type) => [type, typeLimits])) as Record<VolumeType, typeof typeLimits>,
);

export type AwsLimits = z.infer<typeof awsLimitsSchema>;

export const awsLimits: AwsLimits = {
  gp3: {
    sizeGiB: { min: 1, max: 65_536 },
    iops: { min: 3_000, max: 80_000, default: 3_000, perGiB: 500 },
    throughputMiBps: { min: 125, max: 2_000, default: 125, perIops: 0.25 },
    multiAttach: false,
  },
  gp2: { sizeGiB: { min: 1, max: 16_384 }, multiAttach: false },
  io1: { sizeGiB: { min: 4, max: 16_384 }, iops: { min: 100, max: 64_000, perGiB: 50 }, multiAttach: true },
  // io2 is always Block Express: 1,000 IOPS per GiB (aws-ebs-csi-driver #2475).
  io2: { sizeGiB: { min: 4, max: 65_536 }, iops: { min: 100, max: 256_000, perGiB: 1_000 }, multiAttach: true },
  st1: { sizeGiB: { min: 125, max: 16_384 }, multiAttach: false },
  sc1: { sizeGiB: { min: 125, max: 16_384 }, multiAttach: false },
  standard: { sizeGiB: { min: 1, max: 1_024 }, multiAttach: false },
};

/** What a stack may lay over the limits: any part of them. */
export const awsLimitsOverride = z
  .partialRecord(
    z.enum(volumeTypes),
    z.strictObject({
      sizeGiB: partialRange.optional(),
      iops: partialRange.extend({ default: positive.optional(), perGiB: z.number().positive().optional() }).optional(),
      throughputMiBps: partialRange
        .extend({ default: positive.optional(), perIops: z.number().positive().optional() })
        .optional(),
      multiAttach: z.boolean().optional(),
    }),
  )
  .describe("Limits of Amazon EBS volume types, laid over those that ship");
