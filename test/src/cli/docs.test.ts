// What a newcomer copies: the workflow of docs/ci.md, and every command that README and docs show. The stack configs are in test/src/stack/environments.test.ts.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { parse } from "yaml";

import { commands } from "../../../src/cli/commands";
import { run } from "../../../src/cli/run";

const root = resolve(__dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

async function helpOf(command: string): Promise<string> {
  const out: string[] = [];
  const io = { cwd: root, env: {}, out: (text: string) => out.push(text), err: () => undefined };
  expect(await run([command, "--help"], { ...io, isTerminal: false, columns: 200 })).toBe(0);
  return out.join("");
}

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

test("every command in README and docs exists, with the options that it has there", async () => {
  const files = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];
  const shown = files
    .filter((file) => file.endsWith(".md"))
    .flatMap((file) => [...read(file).matchAll(/\bnpx storage-profiles ([a-z-]+)([^\n`|>#]*)/g)])
    .map(([, command = "", rest = ""]) => ({ command, options: rest.match(/(?<=\s)--?[a-z][a-z-]*/g) ?? [] }));
  expect(shown.length).toBeGreaterThan(60);
  expect(
    [...new Set(shown.map(({ command }) => command))].filter((name) => !commands.some((each) => each.name === name)),
  ).toEqual([]);
  for (const { command, options } of shown) {
    const help = await helpOf(command);
    for (const option of options) expect(`${command}: ${help}`).toMatch(new RegExp(`(^ {2}|, )${option}\\b`, "m"));
  }
});
