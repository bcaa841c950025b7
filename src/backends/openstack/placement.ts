// What a stack and a volume say on OpenStack Cinder beside the profile: where the volume is, what it is made from, its words.

import { z } from "zod";

import { bounded } from "../bounded";

const availabilityZone = z.string().min(1).describe('The availability zone by name: "nova"');

/** The longest key and value of metadata. Source: cinder/utils.py validate_dictionary_string_length, 29.0. Read 2026-11-24. */
const METADATA_LENGTH = 255;

/** The beginning of the keys with which we mark what is ours. */
export const MARK_PREFIX = "storage-profiles.";

/** Keys that Cinder shows among a volume's metadata and sets itself. Source: cinder/volume/api.py, 29.0. Read 2026-11-29. */
const CINDERS_OWN = ["readonly", "attached_mode"];

/** More than a volume ever has. A cloud's own bound, where it has one, comes with its answer. */
const MOST_METADATA = 256;

/** Metadata by key. */
export const metadataSchema = bounded(z.record(z.string(), z.string()), MOST_METADATA)
  .superRefine((metadata, context) => {
    const wrong = (key: string, message: string) => {
      const params = {
        allowed: "other keys, and keys and values of up to 255 characters",
        fix: `rename, shorten or remove "${key}"`,
      };
      context.addIssue({ code: "custom", path: [key], message, params });
    };
    for (const [key, value] of Object.entries(metadata)) {
      if (key.startsWith(MARK_PREFIX)) wrong(key, `keys that begin with \`${MARK_PREFIX}\` are ours`);
      if (CINDERS_OWN.includes(key)) wrong(key, `Cinder itself keeps \`${key}\` among the metadata of a volume`);
      if (key.length === 0 || key.length > METADATA_LENGTH)
        wrong(key, `keys have 1 to ${METADATA_LENGTH} characters, and this one has ${key.length}`);
      if (value.length > METADATA_LENGTH)
        wrong(key, `values have up to ${METADATA_LENGTH} characters, and this one has ${value.length}`);
    }
  })
  .describe("Metadata of the volume, by key");

/** A text that describes a volume. */
export const descriptionSchema = z.string().max(255).describe("Description of the volume, for people");

const idSchema = (what: string) =>
  z
    .string()
    .regex(/^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$/)
    .describe(what);

/** What a stack says of its volumes on OpenStack Cinder. */
export const openstackStackSchema = z
  .strictObject({
    availabilityZone: availabilityZone.optional(),
    changeTimeoutMinutes: z
      .int()
      .min(1)
      .max(10_080)
      .optional()
      .describe("How long a retype or an extension is waited for, in minutes. Cinder goes on with it. Default: 60"),
    owner: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe(
        "Whose stack this is, where several people have a stack of one name and project in one OpenStack project: part of what keeps their volumes apart",
      ),
  })
  .describe("Where volumes live on OpenStack Cinder, and how they are changed");

/** What a volume says itself on OpenStack Cinder; counts before the stack's config and the profile. */
export const openstackVolumeSchema = z
  .strictObject({
    availabilityZone: availabilityZone.optional(),
    snapshotId: idSchema("The id of the snapshot from which the volume is made").optional(),
    imageId: idSchema("The id of the image from which the volume is made").optional(),
    sourceVolumeId: idSchema("The id of the volume of which this one is made as a copy").optional(),
    description: descriptionSchema.optional(),
    metadata: metadataSchema.optional(),
  })
  .describe("What a volume says itself on OpenStack Cinder");

/** What a volume says itself on OpenStack Cinder. */
export type OpenstackVolume = z.infer<typeof openstackVolumeSchema>;

/** Everything that is known of the place. What the stack says of how volumes are changed is no part of it. */
export const openstackPlacement = openstackVolumeSchema;
export type OpenstackPlacement = z.infer<typeof openstackPlacement>;
