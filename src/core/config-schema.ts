// The stack's config: its keys and what may stand there. The schemas themselves are made when a config is first read.

import { backendNames, type BackendName, type BackendTypes, type SectionOf } from "./backend";
import { perRegistration } from "./per-registration";

/** The namespace of every key, also in another project that uses the package. */
export const NAMESPACE = "storage-profiles";

/** A profile as it is written in the stack's config: a section of settings for each backend. */
export type ProfileDefinition = {
  /** What the profile is for, for people. */
  description?: string | undefined;
  /** The size of a volume of this profile that Docker makes without saying one: text with a unit. */
  defaultSize?: string | undefined;
  /** The profile that this one is laid over. Its own name means the built-in one of that name. */
  extends?: string | undefined;
} & { [B in BackendName]?: SectionOf<B> | null | undefined };

/** A pinned definition as it is written in the stack's config: the sections of a profile, complete. */
export type PinDefinition = { [B in BackendName]?: SectionOf<B> | null | undefined };

/** A volume as it is written in the stack's config. */
export type VolumeDefinition = {
  /** @default "default" */
  profile?: string | undefined;
  /** In GiB (2^30 bytes). */
  sizeGiB?: number | undefined;
  /** With a unit: "100GiB", "1.5TiB", "500GB". */
  size?: string | undefined;
  /** @default the stack's */
  backend?: BackendName | undefined;
  /** @default the stack's */
  deletionProtection?: boolean | undefined;
  /** Tags, in the form that the backend has for them. They count before the stack's. */
  tags?: Record<string, string> | undefined;
} & { [B in BackendName]?: BackendTypes[B]["own"] | undefined };

/** The stack's config below the namespace, as it is used. */
export type StackConfig = {
  backend?: BackendName | undefined;
  catalog?: string | readonly string[] | undefined;
  profiles?: Record<string, ProfileDefinition> | undefined;
  volumes?: Record<string, VolumeDefinition> | undefined;
  /** By `volume@profile`, or by `profile` for all volumes of the stack. */
  pins?: Record<string, PinDefinition> | undefined;
  deletionProtection?: boolean | undefined;
  tags?: Record<string, string> | undefined;
  limits?: Partial<Record<BackendName, unknown>> | undefined;
  prices?: Partial<Record<BackendName, unknown>> | undefined;
  pricesFile?: string | undefined;
  docker?: { defaultSize?: string | undefined } | undefined;
} & { [B in BackendName]?: BackendTypes[B]["stack"] | undefined };

/** The zod schemas of a profile, of a volume, of prices, and of the whole config, for the backends that are registered. */
export const schemas = perRegistration(() => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is first used
  const { makeSchemas } = require("./schemas") as typeof import("./schemas");
  return makeSchemas();
});

/** The keys of the namespace. */
export const configKeys = perRegistration((): (keyof StackConfig)[] => [
  "backend",
  "catalog",
  "profiles",
  "volumes",
  "pins",
  "deletionProtection",
  "tags",
  "limits",
  "prices",
  "pricesFile",
  ...backendNames,
  "docker",
]);
