// What a newcomer copies: the stack configs of stacks/, the workflow of docs/ci.md, and every command that README and docs show.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { parse } from "yaml";

import { backendNames } from "../../../src";
import { commands } from "../../../src/cli/commands";
import { run } from "../../../src/cli/run";
import { resolve as resolveRequest } from "../../../src/core/resolve";
import { openProject } from "../../../src/stack";

const root = resolve(__dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

async function helpOf(command: string): Promise<string> {
  const out: string[] = [];
  const io = { cwd: root, env: {}, out: (text: string) => out.push(text), err: () => undefined };
  expect(await run([command, "--help"], { ...io, isTerminal: false, columns: 200 })).toBe(0);
  return out.join("");
}

describe("the stack configs in stacks/", () => {
  test("are one per backend", async () => {
    const project = await openProject({ directory: root, env: {} });
    const backends = await Promise.all(
      (await project.stackNames()).map(async (name) => (await project.stack(name).readConfig()).config.backend),
    );
    expect(backends.sort()).toEqual([...backendNames].sort());
  });

  test.each(
    readdirSync(join(root, "stacks"))
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => name.split(".")[1] ?? ""),
  )("%s declares the founding two volumes, which resolve without a problem", async (name) => {
    const project = await openProject({ directory: root, env: {} });
    const { catalog, config, problems, requestFor } = await project.stack(name).readConfig();
    expect(problems).toEqual([]);
    expect(Object.keys(config.volumes ?? {})).toEqual(["highperfvolume", "cheapvolume"]);
    const [fast, cheap] = Object.entries(config.volumes ?? {}).map(([volume, entry]) =>
      resolveRequest(catalog, requestFor(volume, entry)),
    );
    expect([fast?.problems, cheap?.problems]).toEqual([[], []]);
    expect([fast?.volume?.profile, cheap?.volume?.profile]).toEqual(["gold", "default"]);
    expect(fast?.volume?.settings).not.toEqual(cheap?.volume?.settings);
  });
});

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
