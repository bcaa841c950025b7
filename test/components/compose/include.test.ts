// `include` in Compose files, judged by Compose itself: which files it finds, with which variables, and what is laid over what.

import * as fc from "fast-check";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

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

const environment = { A: "red", EMPTY: "", F: "b", PATH: "/usr/bin" };

// Where files stand. What one includes mostly stands behind it here, else most trees would be cycles.
const FILES = ["a.yml", "sub/b.yml", "other/d.yml", "sub/deep/c.yml"];
const LAST = FILES.length - 1;
const ENV_FILES = [".env", "sub/.env", "sub/deep/.env", "other/.env", "e.env", "sub/e.env", "other/o.env", "b.env"];

const text = fc.constantFrom(
  "gold",
  "$A",
  "${P:-p}",
  "$Q",
  "x${R-r}",
  "${P:+set}",
  "${EMPTY:-e}",
  "$COMPOSE_PROJECT_NAME",
);
const quoted = text.map((each) => JSON.stringify(each));
const tag = fc.constantFrom("", "", "", "", "", "", "!override ");
const option = fc.oneof(
  { weight: 8, arbitrary: quoted },
  fc.constant("!reset null"),
  quoted.map((each) => `!override ${each}`),
);
const options = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(tag, fc.record({ profile: option, size: option }, { requiredKeys: [] }))
      .map(([own, each]) => own + inBraces(each)),
  },
  fc.constantFrom("!reset null", "null", "{ other: 1 }"),
);
const ours = fc
  .tuple(
    tag,
    fc.record(
      {
        driver: fc.constantFrom(DRIVER, DRIVER, DRIVER, DRIVER, "local"),
        name: fc.oneof({ weight: 3, arbitrary: quoted }, fc.constant("!reset null")),
        driver_opts: options,
        labels: fc.constantFrom("{ a: b }", '["c=$A"]'),
      },
      { requiredKeys: ["driver"] },
    ),
  )
  .map(([own, each]) => own + inBraces(each));
const entry = fc.oneof(
  { weight: 40, arbitrary: ours },
  { weight: 2, arbitrary: quoted.map((each) => `{ name: ${each} }`) },
  { weight: 2, arbitrary: options.map((each) => `{ driver_opts: ${each} }`) },
  fc.constantFrom(
    "",
    "!reset null",
    "{ external: true }",
    "{ external: { name: old } }",
    "{ external: false }",
    "{ drivr: 1 }",
  ),
);
const volumes = fc
  .tuple(
    fc.constantFrom("", "", "", "", "", "", "!override "),
    fc.dictionary(fc.constantFrom("data", "cache", "logs"), entry),
  )
  .map(([own, each]) => `volumes: ${own}${inBraces(each)}\n`);
const section = fc.oneof(
  { weight: 60, arbitrary: volumes },
  { weight: 2, arbitrary: fc.constant("") },
  fc.constantFrom("volumes:\n", "volumes: !reset null\n", "volumes: []\n"),
);

/** An entry of `include`, of a file that stands in `from`. */
interface Inclusion {
  targets: number[];
  form: "short" | "path" | "list";
  spelled: "relative" | "absolute" | "plain" | "variable";
  directory: string | undefined;
  environment: string[] | undefined;
}
const inclusion = (last: number): fc.Arbitrary<Inclusion> =>
  fc.record({
    targets: fc.array(fc.integer({ min: 0, max: last }), { minLength: 1, maxLength: 2 }),
    form: fc.constantFrom("short", "short", "path", "list"),
    spelled: fc.constantFrom("relative", "relative", "relative", "relative", "absolute", "plain", "variable"),
    directory: fc.constantFrom(
      ...Array<undefined>(8),
      undefined,
      undefined,
      undefined,
      ".",
      "sub",
      "..",
      "other",
      "sub/deep",
      "nowhere",
      "/",
    ),
    environment: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      fc.array(
        fc.constantFrom("e.env", "e.env", "sub/e.env", "other/o.env", "../e.env", "/dev/null", "sub", "/", "b.env"),
        {
          minLength: 1,
          maxLength: 2,
        },
      ),
    ),
  });
const behind =
  (index: number) =>
  ({ targets: [first = 0, ...more], ...rest }: Inclusion): Inclusion => ({
    ...rest,
    targets: [Math.max(first, Math.min(index + 1, LAST)), ...more.filter((target) => target > index)],
  });
const envLine = fc.constantFrom(
  ..."P=gold|P=${A}2|Q=$P|Q='$A'|R=${Q:-q}|R=\"x$P\"|A=blue|F=c|COMPOSE_PROJECT_NAME=other|Q=${COMPOSE_PROJECT_NAME}|P=".split(
    "|",
  ),
);
const tree = fc.record({
  main: fc.array(fc.tuple(section, fc.array(inclusion(LAST), { minLength: 1, maxLength: 2 })), {
    minLength: 1,
    maxLength: 2,
  }),
  // Each may include those behind it, and now and then any, itself too. A second path never leads back: there Compose looks for no cycle, and
  // goes on until its memory is full.
  others: fc.tuple(
    ...FILES.map((_, index) =>
      fc.tuple(
        section,
        fc.oneof(
          { weight: 4, arbitrary: fc.constant<Inclusion[]>([]) },
          { weight: 4, arbitrary: fc.array(inclusion(LAST).map(behind(index)), { minLength: 1, maxLength: 2 }) },
          {
            weight: 1,
            arbitrary: fc.tuple(inclusion(LAST).map((each) => ({ ...each, targets: each.targets.slice(0, 1) }))),
          },
        ),
      ),
    ),
  ),
  environments: fc.tuple(...ENV_FILES.map(() => fc.option(fc.array(envLine, { maxLength: 3 })))),
  called: fc.constantFrom("here", "here", "above"),
});

function inBraces(entries: Record<string, string>): string {
  return `{ ${Object.entries(entries)
    .map(([key, value]) => `${key}: ${value}`)
    .join(", ")} }`;
}

function includeOf(root: string, from: string, inclusions: readonly Inclusion[]): string {
  const entries = inclusions.map(({ targets, form, spelled, directory, environment: files }) => {
    const paths = targets.map((target) => {
      const file = FILES[target] ?? "";
      const path =
        spelled === "plain" ? file : spelled === "absolute" ? join(root, file) : relative(dirname(from), file);
      return JSON.stringify(spelled === "variable" ? path.replace(/b\.yml$/, "$F.yml") : path);
    });
    if (form === "short") return paths[0] ?? "";
    const absolute = (path: string) => JSON.stringify(path === "/" ? join(root, "sub/.env") : path);
    return inBraces({
      path: form === "path" ? (paths[0] ?? "") : `[${paths.join(", ")}]`,
      ...(directory === undefined ? {} : { project_directory: directory === "/" ? JSON.stringify(root) : directory }),
      ...(files === undefined
        ? {}
        : { env_file: files.length === 1 ? absolute(files[0] ?? "") : `[${files.map(absolute).join(", ")}]` }),
    });
  });
  return entries.length === 0 ? "" : `include: [${entries.join(", ")}]\n`;
}

const command = judgeCommand();
const [possible, reason] = Array.isArray(command) ? [command, undefined] : [undefined, command.reason];
describeIf(possible !== undefined, "Compose as the judge of `include`", reason, () => {
  let judge: Judge;
  beforeAll(() => (judge = startJudge(possible ?? [])));
  afterAll(() => judge.end());

  test("whatever files include, from wherever and with whatever variables, Compose reads the same", async () => {
    const { directory, dispose } = directoryWith({}, "Shop");
    let read = 0;
    try {
      await fc.assert(
        fc.asyncProperty(tree, async ({ main, others, environments, called }) => {
          rmSync(directory, { recursive: true, force: true });
          const write = (file: string, content: string) => {
            mkdirSync(dirname(join(directory, file)), { recursive: true });
            writeFileSync(join(directory, file), content);
          };
          const files = main.map(([own, inclusions], index) => {
            // What is blank as a whole Compose refuses, and it is no matter of volumes.
            write(`main${index}.yml`, `${includeOf(directory, "main.yml", inclusions)}${own}x-not-blank: 1\n`);
            return `main${index}.yml`;
          });
          for (const [index, [own, inclusions]] of others.entries()) {
            const file = FILES[index] ?? "";
            write(file, includeOf(directory, file, inclusions) + own);
          }
          for (const [index, lines] of environments.entries()) {
            if (lines !== null) write(ENV_FILES[index] ?? "", `${lines.join("\n")}\n`);
          }
          const question: Question =
            called === "here"
              ? { directory, files, environment }
              : {
                  directory: dirname(directory),
                  files: files.map((each) => join(basename(directory), each)),
                  environment,
                };
          if (await agrees(judge, question)) read += 1;
        }),
        { numRuns: runs(1000) },
      );
    } finally {
      dispose();
    }
    // Else it would be their refusals that are compared.
    expect(read).toBeGreaterThan(runs(1000) / 10);
  });

  const DATA = `volumes: { data: { driver: ${DRIVER}, driver_opts: { profile: "\${P:-p}", size: 1GiB } } }\n`;
  const MORE = `volumes: { data: { driver: ${DRIVER}, driver_opts: { profile: silver } }, more: { driver: ${DRIVER} } }\n`;
  test.each<[string, "reads" | "refuses", Record<string, string>]>([
    ["a path", "reads", { "main.yml": "include: [sub/a.yml]\n", "sub/a.yml": DATA, "sub/.env": "P=sub\n" }],
    [
      "a path of a path",
      "reads",
      { "main.yml": "include: [sub/a.yml]\n", "sub/a.yml": "include: [../b.yml]\n", "b.yml": DATA },
    ],
    [
      "files laid over each other",
      "reads",
      { "main.yml": "include: [{ path: [a.yml, b.yml] }]\n", "a.yml": DATA, "b.yml": MORE },
    ],
    [
      "the same volume in two files",
      "reads",
      { "main.yml": "include: [a.yml, b.yml]\n", "a.yml": DATA, "b.yml": MORE },
    ],
    ["the same volume in the file itself", "reads", { "main.yml": `include: [a.yml]\n${MORE}`, "a.yml": DATA }],
    [
      "the same file twice",
      "reads",
      { "main.yml": "include: [a.yml, b.yml]\n", "a.yml": "include: [b.yml]\n", "b.yml": DATA },
    ],
    [
      "a project directory with its .env",
      "reads",
      { "main.yml": "include: [{ path: a.yml, project_directory: sub }]\n", "a.yml": DATA, "sub/.env": "P=sub\n" },
    ],
    [
      "env_file in place of .env",
      "reads",
      {
        "main.yml": "include: [{ path: a.yml, env_file: [e, f] }]\n",
        "a.yml": DATA,
        ".env": "Q=1\n",
        e: "P=e\n",
        f: "P=f$P\n",
      },
    ],
    [
      "no variables at all",
      "reads",
      { "main.yml": "include: [{ path: s/a.yml, env_file: /dev/null }]\n", "s/a.yml": DATA, "s/.env": "P=s\n" },
    ],
    ["a variable in the path", "reads", { "main.yml": "include: ['$A.yml']\n", "red.yml": DATA }],
    ["a name, which is nobody's", "reads", { "main.yml": "include: [a.yml]\n", "a.yml": `name: other\n${DATA}` }],
    ["nothing", "reads", { "main.yml": `include:\n${DATA}` }],
    ["taken away", "reads", { "main.yml": `include: !reset [missing.yml]\n${DATA}` }],
    ["a second document", "reads", { "main.yml": `x-a: 1\n---\ninclude: [a.yml]\n`, "a.yml": DATA }],
    [
      "an env_file of the second level, from where Compose is called",
      "reads",
      {
        "in/main.yml": "include: [sub/a.yml]\n",
        "in/sub/a.yml": "include: [{ path: b.yml, env_file: e }]\n",
        "in/sub/b.yml": DATA,
        "in/sub/e": "P=there\n",
        "sub/e": "P=here\n",
      },
    ],
    [
      "a project directory of the second level, from where Compose is called",
      "reads",
      {
        "in/main.yml": "include: [sub/a.yml]\n",
        "in/sub/a.yml": "include: [{ path: b.yml, project_directory: more }]\n",
        "in/sub/b.yml": DATA,
        "in/sub/more/.env": "P=there\n",
        "sub/more/.env": "P=here\n",
      },
    ],
    [
      ".env beside the file, wherever Compose is called",
      "reads",
      {
        "in/main.yml": "include: [sub/a.yml]\n",
        "in/sub/a.yml": DATA,
        "in/sub/.env": "P=there\n",
        "sub/.env": "P=here\n",
      },
    ],
    ["a file that isn't there", "refuses", { "main.yml": `include: [a.yml]\n${DATA}` }],
    ["a directory", "refuses", { "main.yml": `include: [sub]\n${DATA}`, "sub/a.yml": DATA }],
    [
      "an env_file that isn't there",
      "refuses",
      { "main.yml": "include: [{ path: a.yml, env_file: e }]\n", "a.yml": DATA },
    ],
    ["itself", "refuses", { "main.yml": `include: [main.yml]\n${DATA}` }],
    [
      "a cycle",
      "refuses",
      { "main.yml": "include: [a.yml]\n", "a.yml": "include: [b.yml]\n", "b.yml": `include: [./a.yml]\n${DATA}` },
    ],
    [
      "what can't be laid over",
      "refuses",
      { "main.yml": "include: [a.yml]\nvolumes: { data: { driver_opts: x } }\n", "a.yml": DATA },
    ],
    ["what is no YAML", "refuses", { "main.yml": `include: [a.yml]\n${DATA}`, "a.yml": "volumes: [\n" }],
    [
      "what is right only with what is laid over it",
      "refuses",
      {
        "main.yml": `include: [a.yml]\nvolumes: { data: { external: false } }\n`,
        "a.yml": `volumes: { data: { driver: ${DRIVER}, external: true } }\n`,
      },
    ],
    ["a name that is no text", "refuses", { "main.yml": `include: [a.yml]\n${DATA}`, "a.yml": "name: 5\n" }],
    ["a text for a list", "refuses", { "main.yml": `include: a.yml\n${DATA}`, "a.yml": DATA }],
    ["a number for an entry", "refuses", { "main.yml": `include: [5]\n${DATA}` }],
    ["a number for a path", "refuses", { "main.yml": `include: [{ path: [5] }]\n${DATA}` }],
    ["something elsewhere", "refuses", { "main.yml": `include: ["oci://example.org/a:1"]\n${DATA}` }],
  ])("%s: Compose %s it, and so do we", async (_, outcome, tree) => {
    const { directory, dispose } = directoryWith(tree, "Shop");
    try {
      const question = { directory, files: Object.keys(tree).slice(0, 1), environment };
      expect((await judge.ask(question)).error === undefined ? "reads" : "refuses").toBe(outcome);
      expect(await agrees(judge, question)).toBe(outcome === "reads");
    } finally {
      dispose();
    }
  });
});
