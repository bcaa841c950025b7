// The stack's config, as zod schemas: validation and the JSON Schema for editors come from here. Loaded when a config is first read.

import { z } from "zod";

import { bounded } from "./bounded";
import { backendNames, backends, type Backend, type BackendName } from "./backend";
import type { ProfileDefinition, StackConfig, VolumeDefinition } from "./config-schema";

const defaultSize = (whose: string) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?\s*[MGTPmgtp][Ii]?[Bb]$/, "not a size with a unit")
    .optional()
    .describe(`Size with a unit ("10GiB") of ${whose} that Docker creates without a size`);

const sizeFields = {
  sizeGiB: z.number().positive().optional().describe("Size in GiB (2^30 bytes)"),
  size: z.string().optional().describe('Size with a unit: "100GiB", "1.5TiB", "500GB"'),
};

/** More than a volume has on any backend; how many it may have, each backend says. */
const MOST_TAGS = 256;

/** `profile`, or `volume@profile`. */
const PIN_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9._-]{0,63})?$/;

const tags = bounded(z.record(z.string(), z.string()), MOST_TAGS);

/** A part of the config for each backend. */
function ofBackends(part: (backend: Backend) => z.ZodType | undefined): Record<string, z.ZodType> {
  return Object.fromEntries(
    backendNames.flatMap((name) => {
      const schema = part(backends[name]);
      return schema ? [[name, schema]] : [];
    }),
  );
}

/** The schemas for the backends that are registered. */
export function makeSchemas() {
  const backendName = z.enum(backendNames as [BackendName, ...BackendName[]]);
  const profile = z
    .strictObject({
      description: z.string().max(500).optional().describe("Purpose of the profile, for people"),
      defaultSize: defaultSize("a volume of this profile"),
      extends: z
        .string()
        .optional()
        .describe("The profile that this one is based on. Its own name means the built-in profile of that name"),
      ...ofBackends(({ section }) => section.nullish()),
    })
    .describe("A profile: one section of settings per backend");
  const volume = z
    .strictObject({
      profile: z.string().optional().describe("Profile name. Default: default"),
      ...sizeFields,
      backend: backendName.optional().describe("Backend. Default: the stack's"),
      deletionProtection: z
        .boolean()
        .optional()
        .describe("Whether the volume is protected against deletion. Default: the stack's setting"),
      tags: tags
        .optional()
        .describe("Tags of the volume by key, in the form that its backend has for them; override the stack's tags"),
      ...ofBackends(({ own }) => own?.optional()),
    })
    .describe("A volume: its profile and its size");
  const overrides = (what: "limits" | "prices") =>
    z.strictObject(ofBackends((backend) => backend[what].override.optional()));
  const prices = overrides("prices").describe("Prices of the backends; override the shipped prices");
  const config = z
    .strictObject({
      backend: backendName.describe(`Backend of the stack's volumes: ${listed(backendNames)}`),
      catalog: z
        .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
        .describe(
          "File with shared profiles, or several, the later ones overriding: `./profiles/prod.yaml`, relative to the project, or `@acme/profiles/prod.yaml`, of an installed package",
        ),
      profiles: z
        .record(z.string(), profile)
        .describe(
          "The stack's profiles by name; override those of the catalog, and the built-in profiles default, gold, silver and bronze",
        ),
      volumes: z.record(z.string(), volume).describe("Volumes that the program in stacks/ declares, by name"),
      pins: z
        .record(
          z.string().regex(PIN_PATTERN, "neither `profile` nor `volume@profile`"),
          z.strictObject(ofBackends(({ section }) => section.nullish())),
        )
        .describe(
          "Definitions of profiles that stay in force when the profile is edited, by `volume@profile`, or by `profile` for all volumes; written by `pin`",
        ),
      deletionProtection: z
        .boolean()
        .describe("Whether volumes are protected against deletion and replacement. Default: true"),
      tags: tags.describe("Tags of all volumes by key, in the form that their backend has for them"),
      limits: overrides("limits").describe("Limits of the backends; override the shipped limits"),
      prices,
      pricesFile: z
        .string()
        .min(1)
        .describe("YAML file with prices in the format of `prices`, relative to the project; `prices` overrides it"),
      ...ofBackends(({ stack }) => stack),
      docker: z
        .strictObject({ defaultSize: defaultSize("a volume of a profile without a `defaultSize`") })
        .describe("Settings of the Docker plugin"),
    })
    .partial();
  const catalogFile = z
    .strictObject({
      profiles: z.record(z.string(), profile).describe("Profiles by name, for all stacks that use the file"),
    })
    .partial();
  return {
    profile: profile as typeof profile & z.ZodType<ProfileDefinition>,
    volume: volume as typeof volume & z.ZodType<VolumeDefinition>,
    tags,
    prices: prices as typeof prices & z.ZodType<StackConfig["prices"]>,
    config: config as typeof config & z.ZodType<StackConfig>,
    /** The JSON Schema of the whole config. */
    toJSON: () => z.toJSONSchema(config, { io: "input", unrepresentable: "any" }),
    /** The JSON Schema of a file that `catalog` names. */
    catalogToJSON: () => z.toJSONSchema(catalogFile, { io: "input", unrepresentable: "any" }),
  };
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
