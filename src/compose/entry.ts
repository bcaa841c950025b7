// A volume's entry in a Compose file: what Compose may find there, and what our own part of it says.

import { z } from "zod";

import type { Problem } from "../core/problems";
import { isObject } from "../core/overlay";
import { schemas, type VolumeDefinition } from "../core/config-schema";
import { validate } from "../core/validate";
import { problem } from "./problems";

/** The key of what Compose leaves to us, at the top of a file and in a volume's entry. */
export const EXTENSION = "x-storage-profiles";

const option = z.union([z.string(), z.number()]);
const isDistinct = (list: readonly string[]) => new Set(list).size === list.length;
const label = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const labels = z.union([z.array(z.string()).refine(isDistinct, "labels must differ"), z.record(z.string(), label)]);

// What Compose takes. `external: {name: …}` is how it was written before `name` was there.
const composeSchema = z.strictObject({
  name: z.string().optional(),
  driver: z.string().optional(),
  driver_opts: z.record(z.string(), option).optional(),
  external: z.union([z.boolean(), z.strictObject({ name: z.string() })]).optional(),
  labels: labels.optional(),
});

// Options of the driver: the same as of `docker volume create -o`.
const optionsSchema = z.strictObject({ profile: option.optional(), size: option.optional() });
const entrySchema = composeSchema.extend({ driver_opts: optionsSchema.optional() });

/** An entry, checked. */
export type Entry = z.infer<typeof entrySchema>;

/** Checks an entry. Texts for `external` are taken as Compose takes them. */
export function readEntry(value: Record<string, unknown>): ReadEntry<Entry> {
  return checked(entrySchema, value);
}

/** What Compose itself has against an entry, as it stands after one file, or after all that a project includes: more may be laid over it. */
export function refusedByCompose(value: Record<string, unknown>, after: "one file" | "a project"): Problem[] {
  const { problems } = checked(composeSchema, value);
  return after === "a project" ? problems : problems.filter(({ code }) => code !== "compose-refuses");
}

/**
 * An entry with `external` and `name` as Compose has them once it has read a file: the old way to write it is gone, and a later file is
 * laid over that. Two names are a problem.
 */
export function canonicalEntry(value: unknown): { entry: unknown; problems: Problem[] } {
  if (!isObject(value) || !isObject(value["external"])) return { entry: value, problems: [] };
  const { external, ...others } = value;
  if (Object.keys(external).some((key) => key !== "name" && !key.startsWith("x-")))
    return { entry: value, problems: [] };
  const [name, old] = [others["name"], external["name"]];
  const because = "`name` and `external.name` differ";
  const isTwice = name !== undefined && old !== undefined && name !== old;
  return {
    entry: { ...others, external: true, ...(name === undefined && old !== undefined ? { name: old } : {}) },
    problems: isTwice
      ? [
          problem("compose-refuses", "external.name", old, {
            because,
            way: "use `external: true`, and set `name` once",
          }),
        ]
      : [],
  };
}

interface ReadEntry<T> {
  entry: T;
  problems: Problem[];
}

function checked<T extends { external?: unknown }>(schema: z.ZodType<T>, value: Record<string, unknown>): ReadEntry<T> {
  const plain = Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith("x-")));
  const { external } = plain;
  if (typeof external === "string" && /^(y|yes|true|on)$/i.test(external)) plain["external"] = true;
  if (typeof external === "string" && /^(n|no|false|off)$/i.test(external)) plain["external"] = false;
  const { value: entry, problems } = validate(schema, plain, "");
  if (!entry) return { entry: {} as T, problems };
  if (entry.external !== undefined && entry.external !== false) {
    // Beside `external`, only keys of others.
    const others = Object.keys(plain).filter((key) => key !== "external" && key !== "name");
    for (const key of others) {
      const because = `an external volume can't have \`${key}\``;
      const way = `remove \`${key}\`, or \`external\``;
      problems.push(problem("compose-refuses", key, undefined, { because, way }));
    }
  }
  return { entry, problems };
}

/** What `x-storage-profiles` says of one volume: a reference, or a definition as it would stand in the stack's config. */
export function readExtension(value: unknown): {
  reference?: string;
  definition: VolumeDefinition;
  problems: Problem[];
} {
  if (value === null || value === undefined) return { definition: {}, problems: [] };
  if (typeof value === "string") return { reference: value, definition: {}, problems: [] };
  const read = validate(schemas().volume, value, "");
  return { definition: read.value ?? {}, problems: read.problems };
}

/**
 * What `x-storage-profiles` at the top of a file says: a list of references, or a mapping of references to definitions. Each names a
 * volume by its key below `volumes`.
 */
export function readTopExtension(value: unknown): {
  said: { reference: string; value: unknown; path: string[] }[];
  problems: Problem[];
} {
  if (value === null || value === undefined) return { said: [], problems: [] };
  if (isObject(value)) {
    const said = Object.entries(value).map(([reference, each]) => ({ reference, value: each, path: [reference] }));
    return { said, problems: [] };
  }
  const read = validate(z.array(z.string()), value, "");
  return {
    said: (read.value ?? []).map((reference) => ({ reference, value: null, path: [] })),
    problems: read.problems,
  };
}
