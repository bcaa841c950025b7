// What holds for every number, list and map of the stack's config, on whichever backend: found in the schemas themselves, so that one that is
// added is held to it as well.

import type { z } from "zod";

import { schemas } from "../../../src";
import { validate } from "../../../src/core/validate";

interface Definition {
  type: string;
  innerType?: z.ZodType;
  shape?: Record<string, z.ZodType>;
  keyType?: z.ZodType;
  valueType?: z.ZodType;
  element?: z.ZodType;
  options?: z.ZodType[];
  in?: z.ZodType;
}
/** A part of a schema, with the keys that lead to it; `0` stands for an entry of a list, and an odd name for one of a map. */
interface Part {
  type: string;
  path: string[];
  schema: z.ZodType;
  /** The other forms that may stand there. */
  others: string[];
}

function* partsOf(schema: z.ZodType, path: string[] = [], others: string[] = []): Generator<Part> {
  const { type, innerType, shape, keyType, valueType, element, options, in: input } = schema._zod.def as Definition;
  const inner = innerType ?? input;
  if (inner) return yield* partsOf(inner, path, others);
  yield { type, path, schema, others };
  for (const [key, each] of Object.entries(shape ?? {})) yield* partsOf(each, [...path, key]);
  if (valueType) {
    const { entries } = (keyType?._zod.def ?? {}) as { entries?: Record<string, string> };
    yield* partsOf(valueType, [...path, Object.values(entries ?? {})[0] ?? "anything"]);
  }
  if (element) yield* partsOf(element, [...path, "0"]);
  const types = (options ?? []).map((each) => (each._zod.def as Definition).type);
  for (const [index, each] of (options ?? []).entries())
    yield* partsOf(each, path, types.filter((_, other) => other !== index).concat(others));
}

/** A config with a value at one place, and nothing else. */
function at(path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  return key === "0" ? [at(rest, value)] : { [key]: at(rest, value) };
}

const parts = [...partsOf(schemas().config)];
const numbers = parts.filter(({ type }) => type === "number");
const shown = ({ path }: Part) => path.join(".");
const refused = ({ path }: Part, value: unknown) => {
  const { problems } = validate(schemas().config, at(path, value), "");
  const own = path.join(".").replaceAll(".0", "[0]");
  return problems.some((each) => each.path === own);
};
const unique = (all: string[]) => [...new Set(all)].sort();

test("there are numbers on every backend that has any", () => {
  expect(numbers.length).toBeGreaterThan(60);
  const sections = unique(numbers.flatMap(({ path }) => (path[0] === "profiles" ? (path[2] ?? []) : [])));
  expect(sections).toEqual(["aws", "ceph", "cio", "local", "openstack", "scaleio"]);
});

// A driver's own specs, handed on as they are.
const FREE = ["pins", "profiles"].map((key) => `${key}.anything.openstack.specs.qos.specs.anything`);

test.each([Number.NaN, Infinity, -Infinity])("no number is %p", (value) => {
  expect(numbers.filter((each) => !refused(each, value)).map(shown)).toEqual([]);
});

test("no number is less than 0, or a text that looks like one", () => {
  expect(unique(numbers.filter((each) => !refused(each, -1)).map(shown))).toEqual(FREE);
  const asText = numbers.filter(({ others }) => !others.includes("string"));
  expect(asText.filter((each) => !refused(each, "7")).map(shown)).toEqual([]);
});

test("only sizes, ratios, amounts of MiB and prices have fractions", () => {
  const fractional = numbers.filter((each) => !refused(each, 11.5)).filter((each) => !FREE.includes(shown(each)));
  const keys = unique(fractional.map(({ path }) => path.filter((key) => key !== "anything").at(-1) ?? ""));
  expect(keys).toEqual([
    ...["burst", "each", "from", "limit", "max", "min", "perGiB", "perIops", "perMillionRequests"],
    ...["readThroughputMiBps", "sizeGiB", "throughputMiBps", "writeThroughputMiBps"],
  ]);
});

test("what a request may contain of lists and maps has an end", () => {
  const many = parts.filter(({ type, path }) => ["array", "record"].includes(type) && path[1] === "anything");
  expect(many.length).toBeGreaterThan(8);
  const entries = (schema: z.ZodType) => {
    const { type } = schema._zod.def as Definition;
    const values = Array.from({ length: 12_000 }, (_, index) => `k${index}`);
    return type === "array" ? values : Object.fromEntries(values.map((key) => [key, "v"]));
  };
  const unbounded = many.filter((each) => {
    const { problems } = validate(each.schema, entries(each.schema), "");
    return !problems.some(({ message, allowed }) => /too many|entries/.test(`${message} ${allowed}`));
  });
  expect(unbounded.map(shown)).toEqual([]);
});
