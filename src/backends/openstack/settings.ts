// What a profile may say for OpenStack Cinder, and what it becomes: the complete settings of a volume.

import { z } from "zod";

import { descriptionSchema, metadataSchema } from "./placement";
import { specsSchema } from "./specs";

/** Whether Cinder may move a volume to another backend when its type changes. */
export const migrationPolicies = ["never", "on-demand"] as const;
export type MigrationPolicy = (typeof migrationPolicies)[number];

export const openstackSection = z
  .strictObject({
    volumeType: z
      .string()
      .min(1)
      .max(255)
      .nullish()
      .describe(
        "Name of the Cinder volume type. Default: the profile's name if it has `specs`, otherwise the cloud's default type",
      ),
    migrationPolicy: z
      .enum(migrationPolicies)
      .nullish()
      .describe(
        "Whether Cinder may copy the volume to another backend when its type changes: never, or on-demand. Default: never",
      ),
    description: descriptionSchema.nullish(),
    metadata: metadataSchema.nullish(),
    specs: specsSchema.nullish(),
  })
  .describe("The profile's settings on OpenStack Cinder");

/** What a profile says for OpenStack Cinder. */
export type OpenstackSection = z.infer<typeof openstackSection>;

/** The complete settings of a Cinder volume. `null` where nobody asked for it. */
export interface OpenstackSettings {
  /** The volume type; `null` for the cloud's default type. */
  volumeType: string | null;
  /** Whether a change of the type may move the volume to another backend. */
  migrationPolicy: MigrationPolicy;
  /** The availability zone; `null` for Cinder's own choice. */
  availabilityZone: string | null;
  /** What the volume is made from; at most one of the three. */
  snapshotId: string | null;
  imageId: string | null;
  sourceVolumeId: string | null;
  description: string | null;
  /** The metadata that was asked for, in the order of its keys. */
  metadata: Record<string, string>;
}
