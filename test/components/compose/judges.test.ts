// How Compose files are read, judged by Compose itself: the same volumes, the same names, the same options, and refused where it refuses.

import * as fc from "fast-check";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  agrees,
  directoryWith,
  DRIVER,
  judgeCommand,
  startJudge,
  type Judge,
  type Question,
} from "../../support/compose";
import { describeIf } from "../../support/machine";
import { runs } from "../../support/property";

// Texts with variables, as people write them and as nobody should.
const variable = fc.constantFrom("A", "B", "EMPTY", "UNSET", "_x1", "a");
const { text } = fc.letrec<{ text: string; part: string; braced: string; plain: string }>((tie) => ({
  plain: fc.constantFrom("gold", "s", "1", "-", "_", ".", " ", ":", "$$", "10GiB", "?"),
  braced: fc.oneof(
    variable.map((name) => `\${${name}}`),
    fc
      .tuple(variable, fc.constantFrom(":-", "-", ":?", "?", ":+", "+"), tie("text"))
      .map(([name, operator, argument]) => `\${${name}${operator}${argument}}`),
    fc.constantFrom("${", "$", "${}", "${A", "$1", "${A!x}", "$}", "${ A}"),
  ),
  part: fc.oneof(
    { maxDepth: 2 },
    tie("plain"),
    variable.map((name) => `$${name}`),
    tie("braced"),
  ),
  text: fc.array(tie("part"), { minLength: 0, maxLength: 3, depthIdentifier: "text" }).map((parts) => parts.join("")),
}));
const option = fc.oneof(
  { weight: 4, arbitrary: text.map((each) => JSON.stringify(each)) },
  fc.constantFrom("7", "gold", "1.5"),
);
const ours = fc
  .record(
    {
      driver: fc.constantFrom(DRIVER, DRIVER, DRIVER, '"${DRIVER}"'),
      name: text.map((each) => JSON.stringify(each)),
      external: fc.constantFrom("true", "false", '"${YES}"', '"no"'),
      driver_opts: fc
        .record({ profile: option, size: option }, { requiredKeys: [] })
        .map((options) => inBraces(Object.entries(options))),
      labels: fc.constantFrom("{ a: b }", '["c=$A"]'),
    },
    { requiredKeys: ["driver"] },
  )
  .map((each) => inBraces(Object.entries(each)));
// What is wrong with volumes of others is none of our business.
const foreign = fc.constantFrom("", "{ external: true }", '{ name: "$A" }');
const entry = fc.oneof({ weight: 3, arbitrary: ours }, foreign);

function inBraces(entries: [string, unknown][]): string {
  return `{ ${entries.map(([key, value]) => `${key}: ${String(value)}`).join(", ")} }`;
}
const file = fc
  .record({
    anchor: fc.boolean(),
    volumes: fc.dictionary(fc.constantFrom("data", "cache", "Logs.x", "a-b"), entry, {
      maxKeys: 3,
    }),
  })
  .map(({ anchor, volumes }) => {
    const lines = Object.entries(volumes).map(([key, value]) => `  ${key}: ${value}`);
    const merged = anchor ? ["  merged:", "    <<: *ours", "    name: ours"] : [];
    return [
      `version: "3.8"`,
      ...(anchor ? [`x-ours: &ours { driver: ${DRIVER}, driver_opts: { profile: gold } }`] : []),
      "volumes:",
      "  theirs: { driver: local }",
      ...lines,
      ...merged,
      "",
    ].join("\n");
  });
const environment = { A: "red", EMPTY: "", a: "small", DRIVER, YES: "yes", PATH: "/usr/bin" };

// What can stand at the top, and what can't; above all what would leave out volumes that are there.
function top(): [string, { tree: Record<string, string> }][] {
  const ours = "version: '3.8'\nvolumes: {a: {driver: storage-profiles}}\n";
  const alone: [string, string][] = [
    ["nothing", ""],
    ["white space", "  \n\n"],
    ["a comment", "# nothing\n"],
    ["null", "null\n"],
    ["an empty mapping", "{}\n"],
    ["a version alone", "version: '3.8'\n"],
    ["a name alone", "name: shop\n"],
    ["an include alone, in the first format", "include: [other.yml]\n"],
    ["a misspelt `volumes`", "version: '3.8'\nvolumess: {a: {driver: storage-profiles}}\n"],
    ["a number as a key", `${ours}5: 1\n`],
    ["services, as in the first format", "web: {image: x}\n"],
    ["services, as in the first format, and a misspelt `volumes`", "volumess: {a: {driver: storage-profiles}}\n"],
    ["an extension", `${ours}x-foo: 1\n`],
    ["a second document that is blank", `${ours}---\n`],
    ["a version that is a number", "version: 3.8\nvolumes: {a: {driver: storage-profiles}}\n"],
  ];
  const sections = ["services", "networks", "configs", "secrets", "models", "jobs", "volume", "name", "include"];
  const values = ["", " {}", " 5", " text", " []"];
  const odd = sections.flatMap((section) =>
    values.map((value): [string, string] => [`\`${section}:${value}\``, `${ours}${section}:${value}\n`]),
  );
  const override = (main: string, other: string) => ({
    "docker-compose.yml": main,
    "docker-compose.override.yml": other,
  });
  return [
    ...[...alone, ...odd].map(([what, text]): [string, { tree: Record<string, string> }] => [
      `at the top ${what}`,
      { tree: { "docker-compose.yml": text } },
    ]),
    ["nothing in the first file", { tree: override("", ours) }],
    ["nothing in the second file", { tree: override(ours, "# nothing\n") }],
    ["a section with nothing in it over one", { tree: override(`${ours}networks: {n: }\n`, `${ours}networks:\n`) }],
    ["a section that is taken away", { tree: override(`${ours}networks: {n: }\n`, `${ours}networks: !reset\n`) }],
  ];
}

// Odd values of an entry, keys of a mapping, and anchors.
function odd(): [string, { tree: Record<string, string> }][] {
  const ours = (rest: string) => `volumes: {a: {driver: storage-profiles, ${rest}}}\n`;
  const labels = ["", "a", "5", "[]", "{}", "[a]", "[1]", "[a, a]", "[null]", "{b: 1, c: true, d: null}", "{b: [c]}"];
  return [
    ["an unknown anchor", "volumes: {a: *b}\n"],
    ["an unknown anchor elsewhere", `${ours("")}x-b: [*b]\n`],
    ["an unknown anchor in a merge", ours("<<: *b")],
    ["an anchor behind its alias", "x-a: *b\nx-b: &b {driver: storage-profiles}\nvolumes: {a: *b}\n"],
    ["a merge of nothing", ours("<<: ")],
    ["a merge of a text", ours("<<: b")],
    ["a merge of a list of texts", ours("<<: [b]")],
    ["a merge of an empty list", ours("<<: []")],
    ["a merge of an alias of a list", `x-a: &a {name: b}\nx-l: &l [*a]\n${ours("<<: *l")}`],
    ["a merge with its tag", `x-a: &a {name: b}\n${ours("!!merge <<: *a")}`],
    ...["010", "0o10", "0x10", "0b11", "1_000", "2001-01-01", "1:30", "yes", "!!str 010"].map(
      (size): [string, string] => [`the size ${size}`, ours(`driver_opts: {size: ${size}}`)],
    ),
    ...["1", "1.0", "true", "null", "2001-01-01", "2001-13-41", "1_000", "yes", "1.2.3", "'1'", "!!str 1"].flatMap(
      (key): [string, string][] => [
        [`the volume ${key}`, `volumes: {${key}: {driver: storage-profiles}}\n`],
        [`the key ${key} of an extension`, ours(`x-b: [{${key}: c}]`)],
      ],
    ),
    ...labels.map((value): [string, string] => [`labels: ${value}`, ours(`labels: ${value}`)]),
    ...[":-b\\nc", ":+b\\nc", "\\n", ":-b\\rc"].map((rest): [string, string] => [
      `a variable with ${rest}`,
      ours(`name: "\${A${rest}}"`),
    ]),
  ].map(([what = "", text = ""]) => [what, { tree: { "docker-compose.yml": text } }]);
}

// Files of variables, as people write them and as nobody should.
const dotenv = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "A=b",
        "export B='x y'",
        '  A = "q\\n$B" # c',
        "# comment",
        "",
        "A=1 # one",
        "B: yaml",
        "A-B.c=d",
      ),
      fc
        .array(
          fc
            .constantFrom(
              "A",
              "B",
              "=",
              ":",
              "'",
              '"',
              "\\",
              "$",
              "${B",
              "${A:-x}",
              "}",
              " ",
              "#",
              " #",
              "export ",
              "é",
              "%",
              "1",
            )
            .chain((part) => fc.constantFrom(part, part, `${part}x`, `\\${part}`)),
          { maxLength: 6 },
        )
        .map((parts) => parts.join("")),
    ),
    { maxLength: 4 },
  )
  .chain((lines) => fc.constantFrom("\n", "\n", "\r\n").map((end) => lines.map((line) => line + end).join("")))
  .chain((text) => fc.constantFrom(text, text, text.replace(/\r?\n$/, "")));

describe("a Compose file", () => {
  const command = judgeCommand();
  const [possible, reason] = Array.isArray(command) ? [command, undefined] : [undefined, command.reason];
  describeIf(possible !== undefined, "of Compose as the judge", reason, () => {
    let judge: Judge;
    const made = directoryWith({ "docker-compose.yml": "" }, "Shop_1.x");
    const { directory } = made;
    beforeAll(() => (judge = startJudge(possible ?? [])));
    afterAll(() => {
      judge.end();
      made.dispose();
    });

    const agree = (question: Question) => agrees(judge, question);

    test("names, options, variables and files laid over each other: whatever stands there, Compose reads the same", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 3 }), async (texts) => {
          const files = texts.map((each, index) => {
            const name = `c${index}.yml`;
            writeFileSync(join(directory, name), each);
            return name;
          });
          await agree({ directory, files, environment });
        }),
        { numRuns: runs(300) },
      );
    });

    test("a `.env` file, whatever is in it: we read the same values as Compose, or refuse it as Compose does", async () => {
      const text = (name: string) => `"<\${${name}-unset}>"`;
      writeFileSync(
        join(directory, "env.yml"),
        `volumes: {a: {driver: ${DRIVER}, driver_opts: {profile: ${text("A")}, size: ${text("B")}}, labels: [${text("A-B")}]}}\n`,
      );
      const property = fc.asyncProperty(dotenv, async (content) => {
        writeFileSync(join(directory, ".env"), content);
        await agree({ directory, files: ["env.yml"], environment: { B: "of the environment" } });
        await agree({ directory, files: ["env.yml"], environment: {} });
      });
      await fc.assert(property, { numRuns: runs(500) }).finally(() => rmSync(join(directory, ".env")));
    });

    test.each<[string, Partial<Question> & { tree?: Record<string, string> }]>([
      ["the directory's name", {}],
      ["-p", { projectName: "other" }],
      ["-p with letters that don't belong there", { projectName: "My Shop!" }],
      ["COMPOSE_PROJECT_NAME", { environment: { COMPOSE_PROJECT_NAME: "env-shop" } }],
      ["COMPOSE_PROJECT_NAME that begins with a dash", { environment: { COMPOSE_PROJECT_NAME: "-shop" } }],
      ["COMPOSE_PROJECT_NAME in .env", { tree: { ".env": "COMPOSE_PROJECT_NAME=from-dotenv\n" } }],
      ["a blank COMPOSE_PROJECT_NAME", { environment: { COMPOSE_PROJECT_NAME: "" } }],
      [
        "name: in the file",
        { tree: { "docker-compose.yml": "name: $A-shop\nvolumes: {data: {driver: storage-profiles}}\n" } },
      ],
      [
        "name: with capitals",
        { tree: { "docker-compose.yml": "name: Shop\nvolumes: {data: {driver: storage-profiles}}\n" } },
      ],
      [
        "the override file",
        { tree: { "docker-compose.override.yml": "volumes: {more: {driver: storage-profiles}}\n" } },
      ],
      ["COMPOSE_FILE", { environment: { COMPOSE_FILE: "sub/a.yml:sub/b.yml" } }],
      ["COMPOSE_FILE in .env", { tree: { ".env": "COMPOSE_FILE=sub/a.yml\nP=dot\n" } }],
      ["a file in another directory, with .env beside it", { files: ["sub/a.yml"] }],
      ["files in another order", { files: ["sub/b.yml", "sub/a.yml"] }],
      ["a directory below", { directory: "deep/er" }],
      ["no file", { files: ["missing.yml"] }],
      ["a text that is no YAML", { tree: { "docker-compose.yml": "volumes: [\n" } }],
      ["a list at the top", { tree: { "docker-compose.yml": "- volumes\n" } }],
      [
        "two documents",
        {
          tree: {
            "docker-compose.yml":
              "volumes: {a: {driver: storage-profiles}}\n---\nvolumes: {b: {driver: storage-profiles}}\n",
          },
        },
      ],
      ["a tag", { tree: { "docker-compose.yml": "volumes: !override {a: {driver: storage-profiles, name: '$A'}}\n" } }],
      ["`volumes` with nothing in it", { tree: { "docker-compose.yml": "version: '3.8'\nvolumes:\n" } }],
      [
        "options with nothing in them",
        { tree: { "docker-compose.yml": "version: '3.8'\nvolumes: {a: {driver: storage-profiles, driver_opts: }}\n" } },
      ],
      [
        "a name that is a number",
        { tree: { "docker-compose.yml": "name: 5\nvolumes: {a: {driver: storage-profiles}}\n" } },
      ],
      [
        "an entry's unknown key, replaced by a later file",
        {
          files: ["docker-compose.yml", "b.yml"],
          tree: {
            "docker-compose.yml": "volumes: {a: {driver: storage-profiles, drivr: 1}}\n",
            "b.yml": "volumes: {a: !override {driver: storage-profiles}}\n",
          },
        },
      ],
      [
        "a mapping and a text laid over it",
        {
          files: ["docker-compose.yml", "b.yml"],
          tree: {
            "docker-compose.yml": "version: '3.8'\nvolumes: {a: {driver: storage-profiles, x-a: {b: 1}}}\n",
            "b.yml": "version: '3.8'\nvolumes: {a: {driver: storage-profiles, x-a: c}}\n",
          },
        },
      ],
      ["COMPOSE_PATH_SEPARATOR", { environment: { COMPOSE_FILE: "sub/a.yml,sub/b.yml", COMPOSE_PATH_SEPARATOR: "," } }],
      [
        "an old external name and another file's",
        {
          files: ["docker-compose.yml", "b.yml"],
          tree: {
            "docker-compose.yml": "version: '3.8'\nvolumes: {a: {external: {name: old}}}\n",
            "b.yml": "version: '3.8'\nvolumes: {a: {external: true}}\n",
          },
        },
      ],
      ["an old external name", { tree: { "docker-compose.yml": "volumes: {a: {external: {name: other}}}\n" } }],
      [
        "external and driver",
        { tree: { "docker-compose.yml": "volumes: {a: {external: true, driver: storage-profiles}}\n" } },
      ],
      ["a key with @", { tree: { "docker-compose.yml": "volumes: {a@gold: {driver: storage-profiles}}\n" } }],
      ...top(),
      ...odd(),
      [
        "an entry's unknown key",
        { tree: { "docker-compose.yml": "volumes: {a: {driver: storage-profiles, drivr: 1}}\n" } },
      ],
    ])("%s", async (_, { tree = {}, ...asked }) => {
      const here = directoryWith(
        {
          "docker-compose.yml":
            "version: '3.8'\nvolumes: {data: {driver: storage-profiles, driver_opts: {profile: '${P:-p}'}}}\n",
          "sub/a.yml":
            "version: '3.8'\nvolumes: {data: {driver: storage-profiles, driver_opts: {profile: '$P'}, labels: {x: y}}}\n",
          "sub/b.yml": "version: '3.8'\nvolumes: {data: {driver: storage-profiles, driver_opts: {size: 1GiB}}}\n",
          "sub/.env": "P=sub\n",
          "deep/er/x": "",
          ...tree,
        },
        "My.Shop",
      );
      try {
        const inside = asked.directory === undefined ? here.directory : join(here.directory, asked.directory);
        await agree({ files: [], environment: { A: "red" }, ...asked, directory: inside });
      } finally {
        here.dispose();
      }
    });

    test("every form of a line in .env", async () => {
      const lines = fc.constantFrom(
        ...'P=gold|P = gold|export P=gold|P=\'go$A\'|P="go${A}"|P=go${A}|P=${UNSET:-x}|P=a # b|P=a#b|# P=x|P=|P="a\\"b"|Q=1|P=${Q}|P="a b" # c| P=x |P=${A:-y}z|P=\'a b\''.split(
          "|",
        ),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(lines, { maxLength: 5 }), async (chosen) => {
          writeFileSync(join(directory, ".env"), `${chosen.join("\n")}\n`);
          writeFileSync(join(directory, "e.yml"), `volumes: {a: {driver: ${DRIVER}, driver_opts: {profile: "x$P"}}}\n`);
          await agree({ directory, files: ["e.yml"], environment });
        }),
        { numRuns: runs(150) },
      );
    });
  });
});
