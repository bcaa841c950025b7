// The stack's config, as zod schemas: types, validation and the JSON Schema for editors all come from here.

import { z } from "zod";

import { backendNames, backends, type BackendName, type SectionOf } from "../backends/registry";
import { awsStackSchema, awsVolumeSchema } from "../backends/aws/placement";
import { openstackStackSchema, openstackVolumeSchema } from "../backends/openstack/placement";

/** The namespace of every key, also in another project that uses the package. */
export const NAMESPACE = "storage-profiles";

const sections = Object.fromEntries(
  backendNames.map((name) => [name, (backends[name].section as z.ZodType).nullish()]),
) as { [B in BackendName]: z.ZodOptional<z.ZodNullable<z.ZodType<SectionOf<B>>>> };

const defaultSize = (whose: string) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?\s*[MGTPmgtp][Ii]?[Bb]$/, "not a size with a unit")
    .optional()
    .describe(`Size with a unit ("10GiB") of ${whose} that Docker creates without a size`);

export const profileSchema = z
  .strictObject({
    description: z.string().max(500).optional().describe("Purpose of the profile, for people"),
    defaultSize: defaultSize("a volume of this profile"),
    extends: z
      .string()
      .optional()
      .describe("The profile that this one is based on. Its own name means the built-in profile of that name"),
    ...sections,
  })
  .describe("A profile: one section of settings per backend");

/** A profile as it is written in the stack's config. */
export type ProfileDefinition = z.infer<typeof profileSchema>;

const sizeFields = {
  sizeGiB: z.number().positive().optional().describe("Size in GiB (2^30 bytes)"),
  size: z.string().optional().describe('Size with a unit: "100GiB", "1.5TiB", "500GB"'),
};

export const volumeSchema = z
  .strictObject({
    profile: z.string().optional().describe("Profile name. Default: default"),
    ...sizeFields,
    backend: z
      .enum(backendNames as [BackendName, ...BackendName[]])
      .optional()
      .describe("Backend. Default: the stack's"),
    deletionProtection: z
      .boolean()
      .optional()
      .describe("Whether the volume is protected against deletion. Default: the stack's setting"),
    aws: awsVolumeSchema.optional(),
    openstack: openstackVolumeSchema.optional(),
  })
  .describe("A volume: its profile and its size");

/** A volume as it is written in the stack's config. */
export type VolumeDefinition = z.infer<typeof volumeSchema>;

const overrides = (what: "limits" | "prices") =>
  z.strictObject(
    Object.fromEntries(backendNames.map((name) => [name, backends[name][what].override.optional()])) as Record<
      BackendName,
      z.ZodOptional<z.ZodType>
    >,
  );

/** Prices of the backends, as they stand in the stack's config or in a file of their own. */
export const pricesSchema = overrides("prices").describe("Prices of the backends; override the shipped prices");

/** Every key of the namespace `storage-profiles`, with what may stand there. */
export const configSchema = z
  .strictObject({
    backend: z
      .enum(backendNames as [BackendName, ...BackendName[]])
      .describe("Backend of the stack's volumes: aws, openstack, scaleio or local"),
    profiles: z
      .record(z.string(), profileSchema)
      .describe("The stack's profiles by name; override the built-in profiles default, gold, silver and bronze"),
    volumes: z.record(z.string(), volumeSchema).describe("Volumes that the program in stacks/ declares, by name"),
    deletionProtection: z
      .boolean()
      .describe("Whether volumes are protected against deletion and replacement. Default: true"),
    limits: overrides("limits").describe("Limits of the backends; override the shipped limits"),
    prices: pricesSchema,
    pricesFile: z
      .string()
      .min(1)
      .describe("YAML file with prices in the format of `prices`, relative to the project; `prices` overrides it"),
    local: z
      .strictObject({
        stateDirectory: z
          .string()
          .regex(/^(\/[^/]+)+$/)
          .optional()
          .describe(
            "Absolute path of the directory for local volumes. Default: /var/lib/storage-profiles for root, otherwise in the home directory",
          ),
        mode: z
          .enum(["auto", "loop", "directory"])
          .optional()
          .describe(
            "loop: size and limits are enforced (Linux, root). directory: not enforced. Default: auto, the best that this machine supports",
          ),
      })
      .describe("How the local backend works on this machine"),
    scaleio: backends.scaleio.placement,
    aws: awsStackSchema,
    openstack: openstackStackSchema,
    docker: z
      .strictObject({ defaultSize: defaultSize("a volume of a profile without a `defaultSize`") })
      .describe("Settings of the Docker plugin"),
  })
  .partial();

/** The stack's config below the namespace, as it is used. */
export type StackConfig = z.infer<typeof configSchema>;

/** The keys of the namespace. */
export const configKeys = Object.keys(configSchema.shape) as (keyof StackConfig)[];
