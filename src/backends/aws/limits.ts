// Limits of Amazon EBS volumes, as data. A stack may lay its own over them (storage-profiles:limits), without a release.
// Source: the EC2 API model (botocore 1.43.107, CreateVolume and ModifyVolume) for ranges; aws-ebs-csi-driver 1.64.0 for
// IOPS per GiB; aws-cdk #38000 and openshift #10222 for throughput per IOPS; the EC2 user guide, "Tag restrictions".
// Read 2026-08-21.

import { z } from "zod";

import { partialRange, rangeSchema } from "../contract";

/** The EBS volume types. */
export const volumeTypes = ["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"] as const;
export type VolumeType = (typeof volumeTypes)[number];

const positive = z.int().positive();
const because = z.string().min(1);

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
  /** Where sources disagree: a note, and no refusal. Each text says who says what; a stack may set it to null. */
  unsure: z
    .strictObject({
      /** The default IOPS at a size for which they are beyond `perGiB`. */
      defaultIops: because.optional(),
      /** A throughput above `MiBps`. */
      throughput: z.strictObject({ MiBps: positive, because }).optional(),
      multiAttach: because.optional(),
      /** A change of size or type. */
      change: because.optional(),
    })
    .optional(),
});

const ofTypes = <Schema extends z.ZodType>(schema: Schema) =>
  Object.fromEntries(volumeTypes.map((type) => [type, schema])) as Record<VolumeType, Schema>;

export const awsLimitsSchema = z.strictObject({
  ...ofTypes(typeLimits),
  /** MiB/s at which a snapshot's data may be brought to a new volume. */
  volumeInitializationRate: rangeSchema,
  /** Tags of a volume, and the lengths of each. */
  tags: z.strictObject({ count: positive, keyLength: positive, valueLength: positive }),
});

export type AwsLimits = z.infer<typeof awsLimitsSchema>;

export const awsLimits: AwsLimits = {
  gp3: {
    sizeGiB: { min: 1, max: 65_536 },
    iops: { min: 3_000, max: 80_000, default: 3_000, perGiB: 500 },
    throughputMiBps: { min: 125, max: 2_000, default: 125, perIops: 0.25 },
    multiAttach: false,
    unsure: {
      // aws-ebs-csi-driver #3021 and kops #10843 against aws-cdk's ebs volume.
      defaultIops: "EC2 has been seen to accept it, although it exceeds 500 IOPS per GiB, and aws-cdk rejects it",
      // terraform-provider-aws #44514 raised it.
      throughput: {
        MiBps: 1_000,
        because:
          "providers released before 2025-10 (such as Terraform's 5.100) don't support more than 1,000 MiB/s; a newer @pulumi/aws does",
      },
    },
  },
  gp2: { sizeGiB: { min: 1, max: 16_384 }, multiAttach: false },
  io1: {
    sizeGiB: { min: 4, max: 16_384 },
    iops: { min: 100, max: 64_000, perGiB: 50 },
    multiAttach: true,
    unsure: { multiAttach: "only some regions support Multi-Attach for io1; all support it for io2" },
  },
  // io2 is always Block Express: 1,000 IOPS per GiB (aws-ebs-csi-driver #2475).
  io2: { sizeGiB: { min: 4, max: 65_536 }, iops: { min: 100, max: 256_000, perGiB: 1_000 }, multiAttach: true },
  st1: { sizeGiB: { min: 125, max: 16_384 }, multiAttach: false },
  sc1: { sizeGiB: { min: 125, max: 16_384 }, multiAttach: false },
  standard: {
    sizeGiB: { min: 1, max: 1_024 },
    multiAttach: false,
    unsure: {
      // The API's ModifyVolume lists the type; the user guide's "Requirements for modifications" does not.
      change:
        "EC2's documentation is contradictory on whether a standard (magnetic) volume can be resized or change its type",
    },
  },
  volumeInitializationRate: { min: 100, max: 300 },
  tags: { count: 50, keyLength: 128, valueLength: 256 },
};

/** What a stack may lay over the limits: any part of them. */
export const awsLimitsOverride = z
  .strictObject({
    ...ofTypes(
      z
        .strictObject({
          sizeGiB: partialRange,
          iops: partialRange.extend({ default: positive.optional(), perGiB: z.number().positive().optional() }),
          throughputMiBps: partialRange.extend({
            default: positive.optional(),
            perIops: z.number().positive().optional(),
          }),
          multiAttach: z.boolean(),
          unsure: z
            .strictObject({
              defaultIops: because.nullable(),
              throughput: z.strictObject({ MiBps: positive, because }).partial().nullable(),
              multiAttach: because.nullable(),
              change: because.nullable(),
            })
            .partial()
            .nullable(),
        })
        .partial()
        // Written once in the schema for editors, not for each type.
        .meta({ id: "awsTypeLimits" })
        .optional(),
    ),
    volumeInitializationRate: partialRange.optional(),
    tags: awsLimitsSchema.shape.tags.partial().optional(),
  })
  .describe("Limits of Amazon EBS volume types; override the shipped limits");
