// What a stack and a volume say on Amazon EBS beside the profile: where the volume is, from which snapshot, its own tags.

import { z } from "zod";

import { bounded } from "../../core/bounded";
import type { TagRules } from "../contract";
import { volumeTypes, type AwsLimits } from "./limits";

const availabilityZone = z.string().min(1).describe('Name of the Availability Zone: "eu-central-1a"');
const outpostArn = z.string().regex(/^arn:/).describe("ARN of the Outpost");

/** The id of a snapshot, in a profile or for one volume. */
export const snapshotIdSchema = z
  .string()
  .regex(/^snap-[0-9A-Za-z]+$/)
  .describe('Id of the EBS snapshot to create the volume from: "snap-0123456789abcdef0"');

/** The rate at which a snapshot's data is brought to a new volume. */
export const initializationRateSchema = z
  .int()
  .positive()
  .describe("MiB/s at which the snapshot's data is loaded into the new volume, at extra cost; requires a snapshot");

/** As many as EC2 takes on any resource; what a volume may have, Name among them, is a limit. */
const MOST_TAGS = 50;

/** Keys that are AWS's own. */
const AWS_OWN = { key: /^aws:/i, because: "tag keys that begin with `aws:` are reserved for AWS" };

/** What tags may be, by the limits in force. */
export function awsTagRules({ tags: { count: most, keyLength, valueLength } }: AwsLimits): TagRules {
  return {
    key: { min: 1, max: keyLength, allowed: `keys of 1 to ${keyLength} characters` },
    value: { max: valueLength, allowed: `values of up to ${valueLength} characters` },
    most,
    added: ["Name"],
    reserved: [
      AWS_OWN,
      {
        key: /^Name$/,
        because: "the tag Name is the volume's name",
        way: "rename or remove it; `aws: { tags: { Name } }` on the volume sets another name",
      },
    ],
  };
}

/** Tags by key. Their number and lengths are limits, and judged with them. */
export const tagsSchema = bounded(z.record(z.string(), z.string()), MOST_TAGS)
  .superRefine((tags, context) => {
    for (const key of Object.keys(tags).filter((each) => AWS_OWN.key.test(each))) {
      const params = { allowed: "keys that don't begin with `aws:`", fix: `rename or remove the tag "${key}"` };
      context.addIssue({ code: "custom", path: [key], message: AWS_OWN.because, params });
    }
  })
  .describe("Tags of the volume, by key. `Name` defaults to the volume's name");

const cheapestTypes = z
  .array(z.enum(volumeTypes))
  .min(1)
  .max(volumeTypes.length)
  .describe(
    "Volume types that `volumeType: cheapest` chooses from; the first of equally cheap types wins. Default: gp3, io2, io1",
  );

/** What a stack says of the place of its volumes. */
export const awsStackSchema = z
  .strictObject({
    availabilityZone: availabilityZone.optional(),
    outpostArn: outpostArn.optional(),
    cheapestTypes: cheapestTypes.optional(),
  })
  .describe("Location and defaults of volumes on Amazon EBS");

/** What a volume says itself on Amazon EBS; counts before the stack's config and the profile. */
export const awsVolumeSchema = z
  .strictObject({
    availabilityZone: availabilityZone.optional(),
    outpostArn: outpostArn.optional(),
    snapshotId: snapshotIdSchema.optional(),
    volumeInitializationRate: initializationRateSchema.optional(),
    tags: tagsSchema.optional(),
  })
  .describe("Settings for a single volume on Amazon EBS");

/** What a volume says itself on Amazon EBS. */
export type AwsVolume = z.infer<typeof awsVolumeSchema>;

/** Everything that is known of the place. */
export const awsPlacement = awsVolumeSchema.extend({
  cheapestTypes: cheapestTypes.optional(),
  region: z.string().optional().describe("AWS region, if no zone is set; prices depend on it"),
});
export type AwsPlacement = z.infer<typeof awsPlacement>;

/**
 * Where prices are looked up: the region of the zone, else the region that is configured. A Local or Wavelength Zone has
 * prices of its own, so it is a place of its own name.
 */
export function priceLocation(zone: string | null, region: string | undefined): string | undefined {
  if (zone === null) return region;
  return /^([a-z]+(?:-[a-z]+)+-\d+)[a-z]$/.exec(zone)?.[1] ?? zone;
}
