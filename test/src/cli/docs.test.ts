// What a newcomer copies: the workflow of docs/ci.md, and every command that README and docs show. The stack configs are in test/src/stack/environments.test.ts.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { CommanderError } from "commander";
import { parse } from "yaml";

import { commands } from "../../../src/cli/commands";
import { makeProgram } from "../../../src/cli/run";

const root = resolve(__dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

test("the workflow of docs/ci.md has steps that GitHub Actions knows, and the three jobs that the text describes", () => {
  const [, text = ""] = /^```yaml\n([\s\S]*?)^```$/m.exec(read("docs/ci.md")) ?? [];
  const { on, jobs } = parse(text) as {
    on: object;
    jobs: Record<string, { if: string; "runs-on": string; steps: Record<string, unknown>[] }>;
  };
  expect(Object.keys(on)).toEqual(["pull_request", "push", "schedule"]);
  expect(Object.keys(jobs)).toEqual(["plan", "apply", "status"]);
  for (const [index, job] of Object.values(jobs).entries()) {
    expect(job.if).toBe(`github.event_name == '${Object.keys(on)[index]}'`);
    expect(job["runs-on"]).toBe("ubuntu-latest");
    for (const step of job.steps) {
      expect(Object.keys(step).filter((key) => !["uses", "run", "with"].includes(key))).toEqual([]);
      expect(["uses", "run"].filter((key) => typeof step[key] === "string")).toHaveLength(1);
      if (step["uses"] !== undefined) expect(step["uses"]).toMatch(/^[a-z]+\/[a-z-]+@v\d+$/);
    }
  }
});

/** README, and the pages of docs. */
const pages = () =>
  ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter((name) =>
    name.endsWith(".md"),
  );

/** The words of a command line as a shell takes it apart, as far as docs use one: up to a comment, a pipe or a redirection. */
function wordsOf(line: string): string[] {
  const [whole = ""] = /^(?:'[^']*'|"[^"]*"|[^'"#|>&;]|(?<=\S)[#>])*/.exec(line) ?? [];
  const words = whole.match(/(?:'[^']*'|"[^"]*"|\S)+/g) ?? [];
  return words.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, "$1$2"));
}

test("every command line in README and docs is one that the command line takes: command, arguments, options, choices", async () => {
  const shown = pages().flatMap((page) =>
    [...read(page).matchAll(/(?:\bnpx |`)storage-profiles ([a-z][^\n`]*)/g)].map(([, line = ""]) => ({ page, line })),
  );
  expect(shown.length).toBeGreaterThan(80);
  const refused: string[] = [];
  for (const { page, line } of shown) {
    let why = "";
    const io = { cwd: root, env: {}, out: () => undefined, err: (text: string) => (why += text) };
    const program = makeProgram({ ...io, isTerminal: false, columns: 200 }, () => undefined);
    for (const command of program.commands) command.action(() => undefined);
    const [name = "", ...rest] = wordsOf(line);
    // Named alone, as in a sentence or a table, a command may lack its arguments.
    const words = rest.length === 0 && commands.some((each) => each.name === name) ? [name, "--help"] : [name, ...rest];
    await program.parseAsync(words, { from: "user" }).catch((error: unknown) => {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode !== 0) refused.push(`${page}: ${line}: ${why}`);
    });
  }
  expect(refused).toEqual([]);
});

test("every link in README, docs and the changelog leads to a file and a heading that exist", () => {
  // As GitHub makes them.
  const anchorsOf = (page: string) => [
    ...[...read(page).matchAll(/<a id="([^"]*)">/g)].map(([, id = ""]) => id),
    ...[
      ...read(page)
        .replace(/^```[^]*?^```$/gm, "")
        .matchAll(/^#+ (.*)$/gm),
    ].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  ];
  const broken = [...pages(), "CHANGELOG.md"].flatMap((page) =>
    [...read(page).matchAll(/\]\((?![a-z]+:)([^)\s]*)\)/g)].flatMap(([, link = ""]) => {
      const [path = "", anchor] = link.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      const isThere =
        existsSync(join(root, file)) &&
        (anchor === undefined || !file.endsWith(".md") || anchorsOf(file).includes(anchor));
      return isThere ? [] : [`${page}: ${link}`];
    }),
  );
  expect(broken).toEqual([]);
});
