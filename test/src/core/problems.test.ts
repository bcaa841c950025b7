// The registry against the code, and what is generated against both.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { parse } from "yaml";

import { defineProblems, problem, problemKind, schemas, type DefinedProblems } from "../../../src";
import { validate } from "../../../src/core/validate";
import { count, show, showWritten } from "../../../src/core/problems";
import { problem as dockerProblem } from "../../../src/docker/problems";

const root = resolve(__dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

test("numbers read as the locale has them, though whole ones are written without it", () => {
  const locale = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });
  const value = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double(), fc.constantFrom(0, -0, 999, 1_000, 2 ** 53));
  fc.assert(fc.property(value, (each) => expect(count(each)).toBe(locale.format(each))));
});

test("a value that isn't there reads as not set, and a null that somebody wrote as null", () => {
  expect([show(undefined), show(null), show("x"), showWritten(null), showWritten(1_000)]).toEqual([
    "not set",
    "not set",
    '"x"',
    "null",
    "1,000",
  ]);
  const { problems } = validate(schemas().config.shape.backend, null, "backend");
  expect(problems.map(({ message }) => message).join()).not.toContain("not set");
});

describe("the problems and notes of all rooms", () => {
  const files = ["src", "components", "policy"]
    .flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: "utf8" }).map((file) => join(room, file)),
    )
    .filter((file) => file.endsWith(".ts"));
  const rooms = files.filter((file) => file.endsWith("/problems.ts"));
  const codesOf = (file: string) =>
    Object.values(require(join(root, file)) as Record<string, Partial<DefinedProblems<object, object>>>)
      .filter((each) => each.problemKinds !== undefined)
      .flatMap(({ problemKinds = {}, noteKinds = {} }) => [...Object.keys(problemKinds), ...Object.keys(noteKinds)]);
  const codes = rooms.flatMap(codesOf);

  test("are defined nowhere else, and none of them twice", () => {
    const elsewhere = files.filter((file) => !rooms.includes(file) && /\bdefineProblems\(/.test(read(file)));
    expect(elsewhere).toEqual([]);
    expect(codes.filter((each, index) => codes.indexOf(each) !== index)).toEqual([]);
    expect(codes.length).toBeGreaterThan(150);
  });

  test("are raised somewhere: none is dead", () => {
    const code = files
      .filter((file) => !rooms.includes(file))
      .map(read)
      .join("\n");
    expect(codes.filter((each) => !code.includes(`"${each}"`))).toEqual([]);
  });

  test("are on their page, once each", () => {
    const page = read("docs/problems.md").split("## Errors of local volumes")[0] ?? "";
    const listed = [...page.matchAll(/^\| `([a-z-]+)`/gm)].map(([, code]) => code);
    expect(listed.sort()).toEqual(codes.toSorted());
  });

  test("the core has those that it raises itself, and those that several backends raise", () => {
    expect(codesOf("src/core/problems.ts").length).toBeLessThanOrEqual(70);
  });

  test("a room makes its own and those of the rooms below it; other codes don't compile", () => {
    const below = defineProblems({
      problems: { low: problemKind<{ n: number }>({ meaning: "", message: ({ n }) => `${n}` }) },
    });
    const above = defineProblems(
      { problems: { high: problemKind<{ s: string }>({ meaning: "", message: ({ s }) => s }) } },
      below,
    );
    expect(above.problem("high", "p", 1, { s: "x" })).toEqual({
      ...{ code: "high", path: "p", given: 1 },
      ...{ message: "x", allowed: "", fix: "" },
    });
    expect(above.problem("low", "p", undefined, { n: 2 })).toMatchObject({ code: "low", message: "2" });
    // @ts-expect-error -- no such code
    expect(() => above.problem("hihg", "p", 1, { s: "x" })).toThrow('no problem "hihg" is defined');
    // @ts-expect-error -- a code of the room above
    expect(() => below.problem("high", "p", 1, { s: "x" })).toThrow('no problem "high" is defined');
    // @ts-expect-error -- the core doesn't know Docker's
    expect(() => problem("option-unknown", "Opts", "x", { option: "x", options: [], nearest: undefined })).toThrow();
    expect(dockerProblem("size-missing", "Opts", undefined, {})).toMatchObject({ code: "size-missing" });
    // @ts-expect-error -- parameters of another code
    const wrong = () => above.problem("low", "p", 1, { s: "x" });
    expect(wrong).toBeDefined();
  });

  test("a code that nothing defines doesn't compile where codes are compared", () => {
    const { code } = problem("size-missing", "sizeGiB", undefined, {});
    // These compile: codes of rooms that the core doesn't import.
    expect([code === "option-unknown", code === "quota-exceeded", code === "size-missing"]).toEqual([
      false,
      false,
      true,
    ]);
    // @ts-expect-error -- a typing error
    expect(code === "size-mising").toBe(false);
  });
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
