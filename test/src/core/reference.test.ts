import * as fc from "fast-check";

import { NAME_PATTERN, parseReference } from "../../../src";
import { runs } from "../../support/property";

const codes = (text: string, profile?: string) => parseReference(text, profile).problems.map(({ code }) => code);
const anyName = fc.stringMatching(NAME_PATTERN);

describe("a reference", () => {
  test.each([
    ["data", { name: "data", profile: "default" }],
    ["data@default", { name: "data", profile: "default" }],
    ["data@gold", { name: "data", profile: "gold" }],
    ["Data_1.x-2@Gold.v2", { name: "Data_1.x-2", profile: "Gold.v2" }],
    ["a".repeat(64), { name: "a".repeat(64), profile: "default" }],
  ])("%s is read", (text, reference) => {
    expect(parseReference(text)).toEqual({ reference, problems: [] });
  });

  test.each([
    ["", "reference-blank"],
    ["   ", "reference-blank"],
    ["@", "reference-blank"],
    ["data@", "reference-without-profile"],
    ["data@ ", "reference-without-profile"],
    ["@gold", "reference-without-name"],
    [" @gold", "reference-without-name"],
    ["a@b@c", "reference-many-ats"],
    ["a@@", "reference-many-ats"],
    ["my data", "name-invalid"],
    [" data", "name-invalid"],
    ["data\n", "name-invalid"],
    ["data\u0000", "name-invalid"],
    ["data@go ld", "name-invalid"],
    ["-data", "name-invalid"],
    [".", "name-invalid"],
    ["..", "name-invalid"],
    ["a/b", "name-invalid"],
    ["dåta", "name-invalid"],
    ["a".repeat(65), "name-invalid"],
    ["data@" + "p".repeat(65), "name-invalid"],
  ])("%j is refused", (text, code) => {
    expect(codes(text)).toEqual([code]);
  });

  test("what is wrong with both names is told at once", () => {
    expect(codes("a b@c d")).toEqual(["name-invalid", "name-invalid"]);
  });

  test("each refusal says what is right", () => {
    expect(parseReference("data@").problems[0]).toMatchObject({
      message: "the profile after `@` is missing",
      allowed: "`name` (which means `name@default`) or `name@profile`",
      fix: 'write "data" for the default profile, or "data@gold"',
    });
    expect(parseReference("da\u0007ta").problems[0]?.message).toBe("volume name contains a control character (U+0007)");
  });

  test("the profile may stand beside the name, once", () => {
    expect(parseReference("data", "gold").reference).toEqual({ name: "data", profile: "gold" });
    expect(parseReference("data@gold", "gold").reference).toEqual({ name: "data", profile: "gold" });
    expect(codes("data@gold", "silver")).toEqual(["profile-conflict"]);
    expect(codes("data@default", "gold")).toEqual(["profile-conflict"]);
    expect(codes("data", "")).toEqual(["name-invalid"]);
  });

  test("property: name@profile is always taken apart into what it was put together from", () => {
    fc.assert(
      fc.property(anyName, anyName, (name, profile) => {
        expect(parseReference(`${name}@${profile}`).reference).toEqual({ name, profile });
        expect(parseReference(name)).toEqual(parseReference(`${name}@default`));
      }),
      { numRuns: runs(100) },
    );
  });

  test("property: any text is a reference or a problem, never both, never an exception", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { reference, problems } = parseReference(text);
        expect(reference === undefined).toBe(problems.length > 0);
        if (reference) expect([reference.name, reference.profile].every((name) => NAME_PATTERN.test(name))).toBe(true);
      }),
      { numRuns: runs(100) },
    );
  });
});
