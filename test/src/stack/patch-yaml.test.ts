// Edits of a YAML text: what is meant changes, every other byte stays.

import fc from "fast-check";
import { parse } from "yaml";

import { deleteIn, HandEdit, parseYaml, setIn } from "../../../src/stack/patch-yaml";
import { runs } from "../../support/property";

const profile = (name: string) => ["config", "storage-profiles:profiles", name];
const volume = (name: string) => ["config", "storage-profiles:volumes", name];

const FILE = `# Our stack.
encryptionsalt: v1:abc=   # made by pulumi
config:
    aws:region:   eu-central-1
    storage-profiles:backend: 'local'   # quoted
    # All profiles.
    storage-profiles:profiles:
        # For databases.
        gold: &gold
            description: "High, \\"quoted\\""   # why
            aws: {volumeType: io1,   iops: {perGiB: 30}}
            local:
                # Measured.
                iops: 5000 # a second
                throughputMiBps: 400
              # deeper than gold
        # For logs.
        slow: { local: { iops: 100 } }

    storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 }, logs: {profile: 'slow', sizeGiB: 2} } # all
    other:thing:
        - a: *gold
        - secure: AAAB
`;

describe("setting a value", () => {
  test("changes one number, and leaves comments, quotes, blanks and order alone", () => {
    const value = { ...parse(FILE).config["storage-profiles:profiles"].gold };
    const text = FILE.replace("- a: *gold", "- a: 1");
    expect(setIn(text, profile("gold"), { ...value, local: { iops: 6000, throughputMiBps: 400 } })).toBe(
      text.replace("5000", "6000"),
    );
    expect(setIn(text, profile("gold"), { ...value, description: "New" })).toBe(
      text.replace(/"High, .*?" {3}/, '"New"   '),
    );
    expect(setIn(text, volume("logs"), { profile: "gold", sizeGiB: 2 })).toBe(text.replace("'slow'", "'gold'"));
  });

  test.each<[string, string, string[], unknown, string]>([
    ["an empty text", "", volume("a"), { sizeGiB: 1 }, "config:\n  storage-profiles:volumes:\n    a: { sizeGiB: 1 }\n"],
    ["only a comment", "# hi\n", ["config", "k"], 1, "# hi\nconfig:\n  k: 1\n"],
    ["no config", "a: 1", ["config", "k"], "x", "a: 1\nconfig:\n  k: x"],
    ["config with nothing", "config:\nb: 2\n", ["config", "k"], true, "config:\n  k: true\nb: 2\n"],
    ["config that is {}", "config: {} # none\n", ["config", "k"], 1, "config: # none\n  k: 1\n"],
    ["config that is ~", "config: ~\n", ["config", "k"], 1, "config:\n  k: 1\n"],
    [
      "a flow map",
      "config: {a: 1}\n",
      volume("v"),
      { sizeGiB: 2 },
      'config: {a: 1, "storage-profiles:volumes": { v: { sizeGiB: 2 } }}\n',
    ],
    ["a flow map that ends in a comma", "config: { a: 1, }\n", ["config", "b"], 2, "config: { a: 1, b: 2 }\n"],
    ["CRLF", "config:\r\n  a: 1\r\n", ["config", "b"], 2, "config:\r\n  a: 1\r\n  b: 2\r\n"],
    ["a byte order mark", "\uFEFFconfig:\n  a: 1\n", ["config", "b"], 2, "\uFEFFconfig:\n  a: 1\n  b: 2\n"],
    [
      "a map that becomes a number",
      "p:\n  iops:\n    min: 1 # x\n  q: 2\n",
      ["p", "iops"],
      5,
      "p:\n  iops: 5\n  q: 2\n",
    ],
    ["a number that becomes a map", "p:\n  iops: 5 # x\n", ["p", "iops"], { min: 1 }, "p:\n  iops: { min: 1 } # x\n"],
    ["a long text that becomes short", "p:\n  d: |\n    a\n    b\n  e: 1\n", ["p", "d"], "c", "p:\n  d: c\n  e: 1\n"],
    [
      "what YAML 1.1 reads otherwise",
      "p: {}\n",
      ["p"],
      { a: "yes", b: "12:30", c: "2026-01-01", d: "0x1" },
      'p: { a: "yes", b: "12:30", c: "2026-01-01", d: "0x1" }\n',
    ],
  ])("in %s", (_, text, path, value, expected) => {
    expect(setIn(text, path, value)).toBe(expected);
  });

  test("puts a new entry beside its like, in their style", () => {
    const text = "config:\n  storage-profiles:volumes:\n    a: { sizeGiB: 1 }\n      # of a\n  # of z\n  z:z: 1\n";
    expect(setIn(text, volume("b"), { sizeGiB: 2 })).toBe(text.replace("# of a\n", "# of a\n    b: { sizeGiB: 2 }\n"));
    const blocks = "config:\n  storage-profiles:volumes:\n    a:\n      sizeGiB: 1\n  z:z: 1\n";
    expect(setIn(blocks, volume("b"), { sizeGiB: 2 })).toBe(
      blocks.replace("sizeGiB: 1\n", "sizeGiB: 1\n    b:\n      sizeGiB: 2\n"),
    );
    expect(setIn(blocks, profile("p"), { local: { iops: 1 } }, "block")).toBe(
      blocks.replace("  z:z", "  storage-profiles:profiles:\n    p:\n      local: { iops: 1 }\n  z:z"),
    );
  });

  test("refuses what would change other values with it", () => {
    expect(() => setIn(FILE, profile("gold"), { local: { iops: 1 } })).toThrow(HandEdit);
    expect(() => setIn("a: &x { b: 1 }\nc: *x\n", ["c", "b"], 2)).toThrow(/alias/);
    expect(() => setIn("a: 1\n---\nb: 1\n", ["a"], 2)).toThrow(HandEdit);
    expect(() => deleteIn("x: &x { a: 1, b: 2 }\ny: { <<: *x, c: 3 }\n", ["y", "a"])).toThrow(HandEdit);
  });
});

describe("taking a value out", () => {
  test.each<[string, string, string[], string]>([
    ["from a block", "p:\n  # of a\n  a: 1 # one\n  b: 2\n", ["p", "a"], "p:\n  # of a\n  b: 2\n"],
    ["the last of a block", "p: # all\n  a:\n    b: 1\n# end\n", ["p", "a"], "p: {} # all\n# end\n"],
    ["from a flow map", "p: { a: 1, b: 2, c: 3 }\n", ["p", "b"], "p: { a: 1, c: 3 }\n"],
    ["the last of a flow map", "p: { a: 1, b: 2 }\n", ["p", "b"], "p: { a: 1 }\n"],
    ["the only one of a flow map", "p: { a: 1 }\n", ["p", "a"], "p: {}\n"],
    ["from flow lines", "p: {\n  a: 1, # x\n  b: 2 # y\n}\n", ["p", "b"], "p: {\n  a: 1, # x\n   # y\n}\n"],
    ["what isn't there", "p: 1\n", ["p", "a"], "p: 1\n"],
    ["a last line without its end", "p:\n  a: 1\n  b: 2", ["p", "b"], "p:\n  a: 1\n"],
  ])("%s", (_, text, path, expected) => {
    expect(deleteIn(text, path)).toBe(expected);
  });
});

test("a text that doesn't parse is told with its place", () => {
  expect(parseYaml("a: 1\na: 2\n").errors).toMatchObject([{ line: 2, column: 1 }]);
  expect(parseYaml("a: [1\n").errors[0]).toMatchObject({ line: 2 });
  expect(parseYaml("a: *x\n").errors[0]?.message).toContain("x");
});

// Files as people write them: entries in block or flow style, with comments, quotes and blank lines anywhere.
const word = fc.stringMatching(/^[a-z][a-z0-9._-]{0,8}$/);
const written = fc.oneof(
  fc.integer({ min: 0, max: 99999 }).map(String),
  word.map((each) => `'${each}'`),
  word.map((each) => `"${each}"`),
  fc.constant("true"),
  fc.tuple(word, word).map(([a, b]) => `{${a}: ${b}x,   ${a}2: 1}`),
  fc.tuple(word, word).map(([a, b]) => `[ ${a}, ${b} ]`),
);
const comment = fc.option(fc.string({ unit: "grapheme-ascii", maxLength: 12 }), { nil: undefined });
const eol = fc.constantFrom("\n", "\r\n");
const file = fc
  .record({
    entries: fc.uniqueArray(
      fc.record({ key: word, value: written, above: comment, beside: comment, blank: fc.boolean() }),
      {
        selector: ({ key }) => key,
        minLength: 1,
        maxLength: 6,
      },
    ),
    isFlow: fc.boolean(),
    step: fc.integer({ min: 1, max: 6 }),
    eol,
    tail: comment,
  })
  .map(({ entries, isFlow, step, eol, tail }) => {
    const pad = " ".repeat(step);
    const lines = ["# top", "salt:   'x'", "config:", `${pad}b:a:  1   # one`];
    if (isFlow)
      lines.push(`${pad}x: { ${entries.map(({ key, value }) => `${key}:   ${value}`).join(" ,  ")} }  # flow`);
    else {
      lines.push(`${pad}x:   # block`);
      for (const { key, value, above, beside, blank } of entries) {
        if (blank) lines.push("");
        if (above !== undefined) lines.push(`${pad}${pad}#${above}`);
        lines.push(`${pad}${pad}${key}:   ${value}${beside === undefined ? "" : `   #${beside}`}`);
      }
    }
    if (tail !== undefined) lines.push(`${pad}#${tail}`);
    lines.push(`${pad}z:z: "last"`, "");
    return { text: lines.join(eol), keys: entries.map(({ key }) => key) };
  });
const json = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.dictionary(word, fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string(), { maxLength: 3 })), {
    maxKeys: 4,
  }),
);

describe("whatever the file looks like", () => {
  test("setting a value sets it, and keeps every other line, byte for byte", () => {
    fc.assert(
      fc.property(file, word, json, fc.boolean(), fc.nat(), ({ text, keys }, fresh, value, isNew, at) => {
        const key = isNew ? fresh : (keys[at % keys.length] ?? fresh);
        const after = setIn(text, ["config", "x", key], value);
        expect(parse(after).config.x[key]).toEqual(value);
        const isTouched = (line: string) => line.trimStart().startsWith(`${key}:`) || line.trimStart().startsWith("x:");
        const kept = text.split("\n").filter((line) => !isTouched(line));
        const left = after.split("\n").filter((line) => !isTouched(line));
        expect(left).toEqual(expect.arrayContaining(kept));
        expect(subsequence(kept, after.split("\n"))).toBe(true);
      }),
      { numRuns: runs(500) },
    );
  });

  test("taking out what was put in gives the file back", () => {
    fc.assert(
      fc.property(file, word, json, ({ text, keys }, key, value) => {
        fc.pre(!keys.includes(key));
        const path = ["config", "x", key];
        expect(deleteIn(setIn(text, path, value), path)).toBe(text);
      }),
      { numRuns: runs(500) },
    );
  });

  test("taking an entry out keeps every other line, byte for byte", () => {
    fc.assert(
      fc.property(file, fc.nat(), ({ text, keys }, at) => {
        const key = keys[at % keys.length] ?? "";
        const after = deleteIn(text, ["config", "x", key]);
        expect(parse(after).config.x ?? {}).not.toHaveProperty([key]);
        const isTouched = (line: string) => line.trimStart().startsWith(`${key}:`) || line.trimStart().startsWith("x:");
        expect(
          subsequence(
            text.split("\n").filter((line) => !isTouched(line)),
            after.split("\n"),
          ),
        ).toBe(true);
      }),
      { numRuns: runs(500) },
    );
  });
});

function subsequence(lines: string[], of: string[]): boolean {
  let at = 0;
  for (const line of of) if (line === lines[at]) at++;
  return at === lines.length;
}

test("a key that stands twice is an error, with the place of the second, also in flow", () => {
  const at = (text: string) => parseYaml(text).errors;
  expect(at("a: 1\nb: { c: 1, d: 2, c: 3 }\n")).toEqual([
    { message: 'the key "c" appears twice', line: 2, column: 18 },
  ]);
  expect(at("a: 1\nb: 2\na: 3\n")).toMatchObject([{ line: 3, column: 1 }]);
  expect(at("a: { c: 1 }\nb: { c: 1 }\n")).toEqual([]);
});
