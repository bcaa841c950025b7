// The registry against the code, and what is generated against both.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { parse } from "yaml";

import { noteKinds, problemKinds, schemas } from "../../../src";
import { count } from "../../../src/core/problems";

const root = resolve(__dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

test("numbers read as the locale has them, though whole ones are written without it", () => {
  const locale = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });
  const value = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double(), fc.constantFrom(0, -0, 999, 1_000, 2 ** 53));
  fc.assert(fc.property(value, (each) => expect(count(each)).toBe(locale.format(each))));
});

test("every problem and every note is raised somewhere: the registry has no dead words", () => {
  const files = ["src", "components", "policy"].flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: "utf8" }).map((file) => join(room, file)),
  );
  const code = files
    .filter((file) => file.endsWith(".ts") && file !== "src/core/problems.ts")
    .map(read)
    .join("\n");
  const dead = [...Object.keys(problemKinds), ...Object.keys(noteKinds)].filter((each) => !code.includes(`"${each}"`));
  expect(dead).toEqual([]);
});

test("Pulumi.yaml declares every key, with the type and the words of the schema", () => {
  const { config } = parse(read("Pulumi.yaml")) as { config: Record<string, { type: string; description: string }> };
  const kinds: Record<string, string> = {
    record: "object",
    object: "object",
    enum: "string",
    string: "string",
    boolean: "boolean",
    // A list is possible as well, which Pulumi has no type for.
    union: "string",
  };
  const expected = Object.entries(schemas().config.shape).map(([key, schema]) => [
    `storage-profiles:${key}`,
    { type: kinds[(schema as any).unwrap()._zod.def.type], description: (schema as any).unwrap().description },
  ]);
  const declared = Object.entries(config).map(([key, { type, description }]) => [key, { type, description }]);
  expect(declared).toEqual(expected);
});

describe("the JSON Schema for editors", () => {
  const validate = new Ajv2020({ strict: false, logger: false }).compile(
    JSON.parse(read("docs/config.schema.json")) as object,
  );

  test("accepts the stack's config that ships", () => {
    expect(validate(parse(read("stacks/Pulumi.laptop.yaml")))).toBe(true);
  });

  test.each([
    ["an unknown key", { "storage-profiles:profils": {} }],
    ["a misspelt section", { "storage-profiles:profiles": { gold: { awz: {} } } }],
    ["a wrong type", { "storage-profiles:profiles": { gold: { local: { iops: "many" } } } }],
    ["an unknown backend", { "storage-profiles:backend": "gcp" }],
  ])("refuses %s", (_, config) => {
    expect(validate({ config })).toBe(false);
  });

  test("leaves other namespaces alone", () => {
    expect(validate({ config: { "aws:region": "us-east-1", "my:thing": 5 } })).toBe(true);
  });
});
