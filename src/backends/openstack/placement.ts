// What a stack and a volume say on OpenStack Cinder beside the profile: where the volume is, what it is made from, its words.

import { z } from "zod";

import { bounded } from "../../core/bounded";
import type { TagRules } from "../contract";

const availabilityZone = z.string().min(1).describe('Name of the availability zone: "nova"');

/** The longest key and value of metadata. Source: cinder/utils.py validate_dictionary_string_length, 29.0. Read 2026-11-24. */
const METADATA_LENGTH = 255;

/** The beginning of the keys with which we mark what is ours. */
export const MARK_PREFIX = "storage-profiles.";

/** Keys that Cinder shows among a volume's metadata and sets itself. Source: cinder/volume/api.py, 29.0. Read 2026-11-29. */
const CINDERS_OWN = ["readonly", "attached_mode"];

/** More than a volume ever has. A cloud's own bound, where it has one, comes with its answer. */
const MOST_METADATA = 256;

/** Keys that somebody else needs. */
const RESERVED = [
  {
    key: /^storage-profiles\./,
    because: `keys that begin with \`${MARK_PREFIX}\` are reserved for storage-profiles`,
  },
  ...CINDERS_OWN.map((key) => ({ key: new RegExp(`^${key}$`), because: `\`${key}\` is reserved for Cinder` })),
];

/** What tags may be: metadata. */
export const openstackTagRules: TagRules = {
  key: { min: 1, max: METADATA_LENGTH, allowed: `keys of 1 to ${METADATA_LENGTH} characters` },
  value: { max: METADATA_LENGTH, allowed: `values of up to ${METADATA_LENGTH} characters` },
  most: MOST_METADATA,
  reserved: RESERVED,
};

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
      for (const { key: reserved, because } of RESERVED) if (reserved.test(key)) wrong(key, because);
      if (key.length === 0 || key.length > METADATA_LENGTH)
        wrong(key, `the key is ${key.length} characters long (1 to ${METADATA_LENGTH})`);
      if (value.length > METADATA_LENGTH)
        wrong(key, `the value is ${value.length} characters long (max ${METADATA_LENGTH})`);
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
      .describe("Timeout for a retype or an extension, in minutes; Cinder continues after it. Default: 60"),
    owner: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe(
        "Owner of the stack: distinguishes the volumes of stacks with the same name and project within one OpenStack project",
      ),
  })
  .describe("Location of volumes on OpenStack Cinder, and how they are changed");

/** What a volume says itself on OpenStack Cinder; counts before the stack's config and the profile. */
export const openstackVolumeSchema = z
  .strictObject({
    availabilityZone: availabilityZone.optional(),
    snapshotId: idSchema("Id of the snapshot to create the volume from").optional(),
    imageId: idSchema("Id of the image to create the volume from").optional(),
    sourceVolumeId: idSchema("Id of the volume to clone").optional(),
    description: descriptionSchema.optional(),
    metadata: metadataSchema.optional(),
  })
  .describe("Settings for a single volume on OpenStack Cinder");

/** Everything that is known of the place. What the stack says of how volumes are changed is no part of it. */
export const openstackPlacement = openstackVolumeSchema;
export type OpenstackPlacement = z.infer<typeof openstackPlacement>;
