// Which stacks patterns choose.

import * as fc from "fast-check";

import { chooseStacks, isPattern, labelOf, type NamedStack } from "../../../src/stack/choose-stacks";
import { runs } from "../../support/property";

const stack = (project: string, name: string, folder = project): NamedStack => ({ project, stack: name, folder });
const all = [stack("web", "dev"), stack("web", "prod-1"), stack("web", "prod-2"), stack("db", "prod-1", "data/db")];
const names = (patterns: string[]) => chooseStacks(all, patterns).chosen.map((each) => `${each.project}/${each.stack}`);

test.each<[string[], string[]]>([
  [["prod-*"], ["web/prod-1", "web/prod-2", "db/prod-1"]],
  [
    ["prod-?", "dev"],
    ["web/dev", "web/prod-1", "web/prod-2", "db/prod-1"],
  ],
  [["web/*"], ["web/dev", "web/prod-1", "web/prod-2"]],
  [["data/db/*"], ["db/prod-1"]],
  [["*/prod-1"], ["web/prod-1", "db/prod-1"]],
  [["prod.1", "prod"], []],
])("%j chooses %j", (patterns, expected) => expect(names(patterns)).toEqual(expected));

test("tells the patterns that choose none", () => {
  expect(chooseStacks(all, ["prod-*", "stage-*", "dev"]).unmatched).toEqual(["stage-*"]);
});

test("a name is told from a pattern", () => {
  expect(["prod", "org/web/prod", "prod-*", "prod-?"].map(isPattern)).toEqual([false, false, true, true]);
});

test("labels have no more than it takes", () => {
  const labels = (some: NamedStack[]) => some.map((each) => labelOf(each, some));
  expect(labels(all.slice(0, 2))).toEqual(["dev", "prod-1"]);
  expect(labels(all.slice(2))).toEqual(["web/prod-2", "db/prod-1"]);
  expect(labels([stack("web", "a", "x/web"), stack("web", "a", "y"), stack("db", "a")])).toEqual([
    "x/web/a",
    "y/a",
    "db/a",
  ]);
});

describe("over any stacks", () => {
  const text = (letters: string) =>
    fc.string({ unit: fc.constantFrom(...letters.split("")), minLength: 1, maxLength: 5 });
  const stacks = fc.array(
    fc.tuple(text("ab.-"), text("ab.-")).map(([project, name]) => stack(project, name)),
    { maxLength: 8 },
  );
  const pattern = fc.string({ unit: fc.constantFrom(..."ab.-*?/".split("")), minLength: 1, maxLength: 6 });

  // What a pattern means, in another way.
  const matches = (glob: string, name: string): boolean => {
    const [first, rest] = [glob[0], glob.slice(1)];
    if (first === undefined) return name === "";
    if (first === "*")
      return matches(rest, name) || (name !== "" && !name.startsWith("/") && matches(glob, name.slice(1)));
    return (
      name !== "" && (first === name[0] || (first === "?" && !name.startsWith("/"))) && matches(rest, name.slice(1))
    );
  };

  test("a pattern chooses those whose names it stands for, in their order", () => {
    fc.assert(
      fc.property(stacks, pattern, (some, glob) => {
        const expected = some.filter((each) =>
          matches(glob, glob.includes("/") ? `${each.project}/${each.stack}` : each.stack),
        );
        expect(chooseStacks(some, [glob]).chosen).toEqual(expected);
      }),
      { numRuns: runs(1000) },
    );
  });

  test("several patterns choose what each chooses, once", () => {
    fc.assert(
      fc.property(stacks, fc.array(pattern, { maxLength: 4 }), (some, globs) => {
        const each = globs.flatMap((glob) => chooseStacks(some, [glob]).chosen);
        expect(chooseStacks(some, globs).chosen).toEqual(some.filter((one) => each.includes(one)));
        expect(chooseStacks(some, ["*"]).chosen).toEqual(some);
      }),
      { numRuns: runs(500) },
    );
  });
});
