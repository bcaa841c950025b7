// From what zod finds wrong to problems: with the path in the stack's config, what is allowed, and the nearest right word.

import type { z } from "zod";

import { nearest } from "./nearest";
import { problem, show, showWritten, type Problem } from "./problems";
import { whyNotASize } from "./size";
import { isObject, own } from "./overlay";

/** Checks a value against a schema; every deviation becomes a problem. `path` is where the value stands. */
export function validate<T>(schema: z.ZodType<T>, value: unknown, path: string): { value?: T; problems: Problem[] } {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data, problems: [] };
  return { problems: result.error.issues.flatMap((issue) => problemsOf(issue, schema, value, path)) };
}

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, schema: z.ZodType, root: unknown, rootPath: string): Problem[] {
  const value = issue.path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at ? own(at, String(key)) : undefined),
    root,
  );
  const path = joinPath(rootPath, issue.path);
  const noSize = typeof value === "number" && issue.path.at(-1) === "sizeGiB" ? whyNotASize(value) : undefined;
  if (noSize) return [problem("size-invalid", path, value, noSize)];
  switch (issue.code) {
    case "unrecognized_keys": {
      // Of a union, an alternative that doesn't have them.
      const { schema: at } = placeOf(schema, issue.path, root);
      const lacking = (unwrap(at)?.options ?? []).filter(
        (each) => !keysOf(each).some((key) => issue.keys.includes(key)),
      );
      const keys = keysOf((isObject(value) ? fitting(lacking, value) : undefined) ?? at);
      return issue.keys.map((key) => {
        const given = isObject(value) ? own(value, key) : undefined;
        return unknownKey(joinPath(path, [key]), given, key, keys);
      });
    }
    case "invalid_union": {
      // Report what is wrong with the alternative whose type was meant: a number, or an object.
      const branches: Issue[][] = issue.errors;
      const union = unwrap(placeOf(schema, issue.path, root).schema)?.options ?? [];
      const branch = isObject(value)
        ? branches[union.findIndex((each) => each === fitting(union, value))]
        : branches.find((issues) => !issues.some((each) => each.code === "invalid_type" && each.path.length === 0));
      if (branch) {
        return branch.flatMap((each) =>
          problemsOf({ ...each, path: [...issue.path, ...each.path] }, schema, root, rootPath),
        );
      }
      const expected = [
        ...new Set(
          branches.flatMap((issues) => issues.flatMap((each) => ("expected" in each ? [typeName(each.expected)] : []))),
        ),
      ];
      return [problem("wrong-type", path, value, { expected: expected.join(" or "), found: foundType(value) })];
    }
    case "invalid_type":
      return [wrongType(path, value, issue.expected)];
    case "invalid_value": {
      const values = issue.values.map(String);
      const guess = typeof value === "string" ? nearest(value, values) : undefined;
      return [problem("value-not-allowed", path, value, { given: showWritten(value), values, nearest: guess })];
    }
    case "too_small":
    case "too_big": {
      const [word, bound] = issue.code === "too_small" ? ["at least", issue.minimum] : ["at most", issue.maximum];
      const exclusive = issue.inclusive === false ? (issue.code === "too_small" ? "more than" : "less than") : word;
      const [one, many] =
        issue.origin === "string" ? ["character", "characters"] : issue.origin === "array" ? ["entry", "entries"] : [];
      const unit = Number(bound) === 1 ? one : many;
      return [
        problem("value-out-of-range", path, value, {
          given: showWritten(value),
          range: `${exclusive} ${show(Number(bound))}${unit === undefined ? "" : ` ${unit}`}`,
        }),
      ];
    }
    case "invalid_key": {
      const key = String(issue.path.at(-1));
      const allowed = describe(unwrap(schemaAt(schema, issue.path.slice(0, -1), root))?.keyType);
      return [problem("value-invalid", path, key, { why: `invalid key ${show(key)}`, allowed })];
    }
    default: {
      // A pattern is for machines. What belongs there is in the schema's description, or in what its own check says.
      const isPattern = issue.code === "invalid_format" && issue.message.startsWith("Invalid ");
      const why = isPattern ? `invalid value ${showWritten(value)}` : issue.message;
      const { allowed = describe(schemaAt(schema, issue.path, root)), fix } =
        issue.code === "custom" ? ((issue.params ?? {}) as { allowed?: string; fix?: string }) : {};
      return [problem("value-invalid", path, value, { why, allowed, fix })];
    }
  }
}

/** The problem that a key isn't one of those that there are. */
export function unknownKey(path: string, given: unknown, key: string, keys: readonly string[]): Problem {
  return problem("unknown-key", path, given, { key, keys: [...keys], nearest: nearest(key, keys) });
}

/** The problem that a value is of another type than the one that belongs there. */
export function wrongType(path: string, value: unknown, expected: string): Problem {
  const way =
    expected === "string" && typeof value === "number"
      ? asText(path, value)
      : // With a unit: only `size` takes that.
        typeof value === "string" && /(^|\.)sizeGiB$/.test(path) && /^\d[\d.]*\s*[KMGTP]i?B$/i.test(value.trim())
        ? `use \`size: "${value.trim()}"\` instead of \`sizeGiB\``
        : undefined;
  return problem("wrong-type", path, value, { expected: typeName(expected), found: foundType(value), way });
}

// YAML, and `pulumi config set --path` too, read what looks like a number as a number.
function asText(path: string, value: number): string {
  if (/(^|\.)size$/.test(path)) return `use "${value}GiB", or \`sizeGiB: ${value}\``;
  if (/(^|\.)defaultSize$/.test(path)) return `use "${value}GiB"`;
  return `put it in quotes: "${value}"; with \`pulumi config set --path\`, add \`--type string\``;
}

/** Whether a path is one of another's, or of something below it. */
export function isBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}.`) || path.startsWith(`${above}[`);
}

/** Joins a path of keys; a key that isn't a plain word stands in brackets, as `pulumi config set --path` has it. */
export function joinPath(base: string, keys: readonly PropertyKey[]): string {
  return keys.reduce<string>((path, key) => {
    const text = String(key);
    if (typeof key === "number") return `${path}[${key}]`;
    return /^[A-Za-z0-9_-]+$/.test(text)
      ? path === ""
        ? text
        : `${path}.${text}`
      : `${path}[${JSON.stringify(text)}]`;
  }, base);
}

// zod keeps what a schema is made of in `_zod.def`; these are the kinds that the config's schemas are made of.
interface Definition {
  type: string;
  innerType?: z.ZodType;
  shape?: Record<string, z.ZodType>;
  keyType?: z.ZodType;
  valueType?: z.ZodType;
  element?: z.ZodType;
  options?: z.ZodType[];
  entries?: Record<string, string>;
}

function unwrap(schema: z.ZodType | undefined): Definition | undefined {
  const definition = schema?._zod.def as Definition | undefined;
  return definition?.innerType ? unwrap(definition.innerType) : definition;
}

function schemaAt(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): z.ZodType | undefined {
  const { schema: at, value: here } = placeOf(schema, path, value);
  return pick(at, here);
}

// What stands at a path, before an alternative of a union is chosen.
function placeOf(
  schema: z.ZodType,
  path: readonly PropertyKey[],
  value: unknown,
): { schema: z.ZodType | undefined; value: unknown } {
  let at: z.ZodType | undefined = schema;
  let here = value;
  for (const key of path) {
    const definition = unwrap(pick(at, here));
    at = definition?.shape?.[String(key)] ?? definition?.valueType ?? definition?.element;
    here = typeof here === "object" && here ? own(here, String(key)) : undefined;
  }
  return { schema: at, value: here };
}

// Of a union, the alternative that fits the value.
function pick(schema: z.ZodType | undefined, value: unknown): z.ZodType | undefined {
  const definition = unwrap(schema);
  if (definition?.type !== "union") return schema;
  const { options = [] } = definition;
  return (isObject(value) ? fitting(options, value) : options.find((each) => !isOfObject(each))) ?? schema;
}

const isOfObject = (schema: z.ZodType) => unwrap(schema)?.type === "object";

// For an object, the one with most of its keys, as they are or misspelt.
function fitting(options: readonly z.ZodType[], value: object): z.ZodType | undefined {
  const known = (option: z.ZodType) => {
    const keys = keysOf(option);
    return Object.keys(value).filter((key) => keys.includes(key) || nearest(key, keys) !== undefined).length;
  };
  const [first, ...others] = options.filter(isOfObject);
  return first && others.reduce((best, each) => (known(each) > known(best) ? each : best), first);
}

function keysOf(schema: z.ZodType | undefined): string[] {
  const definition = unwrap(schema);
  if (definition?.shape) return Object.keys(definition.shape);
  // A record whose keys are an enum: of volume types, say.
  const keys = unwrap(definition?.keyType);
  return keys?.type === "enum" ? Object.values(keys.entries ?? {}) : [];
}

// What stands below `nullish` and the like says what the value is; above it, what the setting is for.
function describe(schema: z.ZodType | undefined): string {
  const inner = (schema?._zod.def as Definition | undefined)?.innerType;
  const text = descriptionOf(inner) ?? schema?.description ?? "";
  // It goes on with a sentence: "write a size".
  return /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

function descriptionOf(schema: z.ZodType | undefined): string | undefined {
  if (!schema) return undefined;
  return descriptionOf((schema._zod.def as unknown as Definition).innerType) ?? schema.description;
}

function typeName(expected: string): string {
  const names: Record<string, string> = {
    object: "an object",
    record: "an object",
    array: "a list",
    string: "text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
  };
  return names[expected] ?? expected;
}

function foundType(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return `text (${show(value)})`;
  if (typeof value === "object") return "an object";
  if (typeof value === "number")
    return Number.isFinite(value) ? `a number (${value})` : `a number that isn't finite (${value})`;
  return typeof value === "boolean" ? String(value) : `a ${typeof value}`;
}
