// Compose itself as the judge of how Compose files are read: the loader of `docker compose`.

import { execFileSync, spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { readProject } from "../../components/compose/files";
import type { Problem } from "../../src";
import { cacheDirectory } from "../../tools/shared.js";
import { limitMs } from "../../tools/test/time.js";
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

/** What our driver is called in these files. */
export const DRIVER = "storage-profiles";

/** That we read what the judge reads, and refuse what it refuses. True where there are volumes of ours, and both read them. */
export async function agrees(judge: Judge, question: Question): Promise<boolean> {
  const [mine, verdict] = [read(question), await judge.ask(question)];
  // A blank name is none of ours; both may go on as they like.
  if (mine.others) return false;
  if (mine.problems.length > 0 || verdict.error !== undefined) {
    expect({ mine: mine.problems.length > 0 ? "refused" : mine, error: verdict.error }).toEqual({
      mine: "refused",
      error: expect.any(String),
    });
    return false;
  }
  const judged = Object.entries(verdict.volumes ?? {}).filter(([, each]) => each.driver === DRIVER);
  const theirs = judged.map(([key, { name, options, external }]) => [key, { name, options: options ?? {}, external }]);
  expect(mine).toMatchObject({ project: verdict.project, volumes: Object.fromEntries(theirs) });
  expect(Object.keys(mine.volumes)).toHaveLength(theirs.length);
  return theirs.length > 0;
}

// What we read: as a judge would say it.
function read({ directory, files, environment, projectName }: Question) {
  const place = { directory, files, envFile: undefined, environment };
  const found = readProject(place, { projectName, driver: DRIVER });
  // What Compose lets through, and we don't: names that no volume of ours may have, a volume under two keys, options that we don't have.
  const isOurs = ({ code, path }: Problem) =>
    /^(reference-|name-invalid|volume-twice|compose-said-twice)/.test(code) ||
    (code === "unknown-key" && /\.driver_opts\.\w+$/.test(path));
  const problems = found.problems.filter((each) => !isOurs(each));
  const volumes = found.volumes.map(({ key, dockerName, definition, external }) => [
    key,
    { name: dockerName, options: definition, external },
  ]);
  return {
    project: found.project,
    volumes: Object.fromEntries(volumes) as Record<string, unknown>,
    problems,
    others: found.problems.length > problems.length,
  };
}

let compose: ComposePrograms | { missing: string } | undefined;

/** Debian's docker-compose, a client of Docker that reads such files, or why this machine can't have it. Tests are declared at once, so it is got by a process of its own. */
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

/** The command that judges as Compose does, or why there is none here. */
export function judgeCommand(): string[] | { reason: string } {
  const file = join(cacheDirectory(process.env), "compose-judge", "judge");
  const stamp = ["judge.go", "go.mod", "go.sum"].map((each) => readFileSync(join(lab, each), "utf8")).join("");
  if (existsSync(file) && existsSync(`${file}.made`) && readFileSync(`${file}.made`, "utf8") === stamp) return [file];
  if (spawnSync("go", ["version"]).status !== 0) return { reason: "there is no Go to build Compose's loader with" };
  mkdirSync(dirname(file), { recursive: true });
  try {
    // Two tests may build it at once, and one of them use it.
    const built = `${file}.${process.pid}`;
    execFileSync("go", ["build", "-o", built, "."], { cwd: lab, stdio: "pipe" });
    renameSync(built, file);
  } catch (error) {
    return { reason: `Compose's loader can't be built: ${String(error).slice(0, 300)}` };
  }
  writeFileSync(`${file}.made`, stamp);
  return [file];
}

/** Starts a judge. One that doesn't answer in time is ended, and with it the test. */
export function startJudge([file = "", ...args]: string[]): Judge {
  const child: ChildProcessWithoutNullStreams = spawn(file, args);
  const waiting: { answered: (line: string) => void; ended: () => void }[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.answered(line));
  let isEnded = false;
  // Its end is told by "close".
  child.stdin.on("error", () => undefined);
  child.on("close", () => {
    isEnded = true;
    for (const each of waiting.splice(0)) each.ended();
  });
  child.stderr.resume();
  return {
    ask: (question) =>
      new Promise((done, failed) => {
        if (isEnded) {
          failed(new Error("the judge is gone"));
          return;
        }
        const limit = setTimeout(() => child.kill("SIGKILL"), limitMs(60));
        waiting.push({
          answered: (line) => {
            clearTimeout(limit);
            done(JSON.parse(line) as Verdict);
          },
          ended: () => {
            clearTimeout(limit);
            failed(new Error(`Compose doesn't answer ${JSON.stringify(question)}`));
          },
        });
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
