// Compose itself as the judge of how Compose files are read: docker-compose 1.29's own code, and the loader of `docker compose`.

import { execFileSync, spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { cacheDirectory } from "../../tools/shared.js";
import type { ComposePrograms } from "../labs/compose/programs.js";

const lab = resolve(__dirname, "../labs/compose");

/** What a judge is asked: where Compose is called, with what. */
export interface Question {
  directory: string;
  files: string[];
  environment: Record<string, string>;
  projectName?: string | undefined;
}

/** What Compose made of it. */
export interface Verdict {
  project?: string;
  volumes?: Record<string, { name: string; driver: string; options: Record<string, string> | null; external: boolean }>;
  error?: string;
}

/** A judge that goes on until it is ended. */
export interface Judge {
  ask(question: Question): Promise<Verdict>;
  end(): void;
}

let compose: ComposePrograms | { missing: string } | undefined;

/** docker-compose 1.29, or why this machine can't have it. Tests are declared at once, so it is got by a process of its own. */
export function findCompose(): ComposePrograms | { missing: string } {
  if (compose) return compose;
  const { stdout, stderr } = spawnSync(process.execPath, [join(lab, "programs.js")], { encoding: "utf8" });
  try {
    compose = JSON.parse(stdout) as ComposePrograms | { missing: string };
  } catch {
    compose = { missing: `docker-compose can't be got: ${stderr.trim()}` };
  }
  return compose;
}

/** The command that judges as a generation of Compose does, or why there is none here. */
export function judgeCommand(version: 1 | 2): string[] | { reason: string } {
  if (version === 1) {
    const found = findCompose();
    if ("missing" in found) return { reason: found.missing };
    const env = Object.entries(found.env).map(([key, value]) => `${key}=${value}`);
    return ["/usr/bin/env", ...env, found.python, join(lab, "judge.py")];
  }
  const file = join(cacheDirectory(process.env), "compose-judge", "judge");
  const stamp = ["judge.go", "go.mod", "go.sum"].map((each) => readFileSync(join(lab, each), "utf8")).join("");
  if (existsSync(file) && existsSync(`${file}.made`) && readFileSync(`${file}.made`, "utf8") === stamp) return [file];
  if (spawnSync("go", ["version"]).status !== 0) return { reason: "there is no Go to build Compose's loader with" };
  mkdirSync(dirname(file), { recursive: true });
  try {
    execFileSync("go", ["build", "-o", file, "."], { cwd: lab, stdio: "pipe" });
  } catch (error) {
    return { reason: `Compose's loader can't be built: ${String(error).slice(0, 300)}` };
  }
  writeFileSync(`${file}.made`, stamp);
  return [file];
}

/** Starts a judge. */
export function startJudge([file = "", ...args]: string[]): Judge {
  const child: ChildProcessWithoutNullStreams = spawn(file, args);
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.(line));
  child.stderr.resume();
  return {
    ask: (question) =>
      new Promise((done) => {
        waiting.push((line) => done(JSON.parse(line) as Verdict));
        child.stdin.write(`${JSON.stringify(question)}\n`);
      }),
    end: () => child.stdin.end(),
  };
}

/** A directory of a test's own with these files in it. */
export function directoryWith(
  files: Record<string, string>,
  name = "shop",
): { directory: string; dispose: () => void } {
  const home = mkdtempSync(join(tmpdir(), "sp-compose-"));
  const directory = join(home, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), text);
  }
  return { directory, dispose: () => rmSync(home, { recursive: true, force: true }) };
}
