// What a profile may say for Amazon EBS, and what it becomes: the complete settings of a volume.

import { z } from "zod";

import { show } from "../../core/problems";
import { iopsSchema } from "../iops";
import { throughputSchema } from "../throughput";
import { volumeTypes, type VolumeType } from "./limits";
import { initializationRateSchema, snapshotIdSchema, tagsSchema } from "./placement";

export const awsSection = z
  .strictObject({
    volumeType: z
      .enum(["cheapest", ...volumeTypes])
      .nullish()
      .describe(
        "EBS volume type, or `cheapest`: the cheapest type for the other settings, independent of the size, from `storage-profiles:aws.cheapestTypes`",
      ),
    iops: iopsSchema
      .nullish()
      .describe("Provisioned IOPS (gp3, io1, io2): a number, or a value per GiB (perGiB, min, max)"),
    throughputMiBps: throughputSchema
      .nullish()
      .describe("Provisioned throughput in MiB/s (gp3): a number, or a value per IOPS (perIops, min, max)"),
    encrypted: z
      .boolean()
      .nullish()
      .describe("Whether the volume is encrypted. Default: false, which means the account's default"),
    kmsKeyId: z
      .string()
      .regex(/^arn:[^:]+:kms:[^:]+:\d+:key\/.+$/, {
        error: ({ input }) =>
          /(^|:)alias\//.test(String(input))
            ? "this is an alias: EC2 reports the key's own ARN, so the two would always differ, and an alias can be pointed at another key"
            : `${show(input)} is not the ARN of a KMS key`,
      })
      .describe("the ARN of a KMS key (arn:aws:kms:…:key/…), not of an alias")
      .nullish()
      .describe("ARN of the KMS key, not of an alias; needs `encrypted: true`. Default: the account's key"),
    multiAttach: z
      .boolean()
      .nullish()
      .describe("Whether several instances may attach the volume (io1, io2). Default: false"),
    snapshotId: snapshotIdSchema.nullish(),
    volumeInitializationRate: initializationRateSchema.nullish(),
    tags: tagsSchema.nullish(),
  })
  .describe("The profile's settings on Amazon EBS");

/** What a profile says for Amazon EBS. */
export type AwsSection = z.infer<typeof awsSection>;

/** The complete settings of an EBS volume. `null` where a type doesn't have the setting, or nobody asked for it. */
export interface AwsSettings {
  volumeType: VolumeType;
  /** Provisioned IOPS. */
  iops: number | null;
  /** Provisioned throughput in MiB/s. */
  throughputMiBps: number | null;
  encrypted: boolean;
  /** ARN of the KMS key; `null` for the account's. */
  kmsKeyId: string | null;
  multiAttach: boolean;
  /** The Availability Zone; `null` where neither the volume nor the stack's config names one: the provider is asked then. */
  availabilityZone: string | null;
  /** ARN of the Outpost; `null` in the region itself. */
  outpostArn: string | null;
  /** The snapshot from which the volume is made; `null` for an empty one. */
  snapshotId: string | null;
  /** MiB/s at which the snapshot's data comes to the volume; `null` for EC2's own pace. */
  volumeInitializationRate: number | null;
  /** All tags, `Name` among them, in the order of their keys. */
  tags: Record<string, string>;
}
