// A project of a test's own with the HTTP service before it: in this process, or in one that can be killed.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { limitMs, until as untilSo } from "../../tools/test/time.js";
import { Project } from "./engine";

const PROGRAM = `
const { volumesOfStack } = require("storage-profiles");
const { existsSync, writeFileSync } = require("node:fs");
// Where the file is there, the program waits until it is gone, and says so by another file.
const wait = () => new Promise((done) => {
  if (pulumi.runtime.isDryRun()) return done();
  if (existsSync("wait")) writeFileSync("waiting", "");
  const look = () => existsSync("wait") ? setTimeout(look, 50) : done();
  look();
});
module.exports = (async () => {
  for (const [name, asked] of Object.entries(volumesOfStack())) new ProfiledVolume(name, asked);
  await wait();
})();
`;

const dist = resolve(__dirname, "../../dist/src");

/** What came back. */
export interface Reply {
  status: number;
  headers: Headers;
  body: any;
}

/** Asks a service. A body makes it a POST. */
export async function ask(url: string, path: string, options: RequestInit & { json?: unknown } = {}): Promise<Reply> {
  const { json, ...rest } = options;
  const sent = json === undefined ? {} : { method: "POST", body: JSON.stringify(json) };
  const headers = {
    ...(json === undefined ? {} : { "content-type": "application/json" }),
    ...(rest.headers as object),
  };
  const response = await fetch(url + path, { ...sent, ...rest, headers });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** Looks until something is so, with a limit in seconds on the reference machine. */
export async function until(condition: () => boolean | Promise<boolean>, seconds?: number): Promise<void> {
  await untilSo(() => condition.toString(), condition, seconds === undefined ? {} : { seconds });
}

/** A service in a process of its own. */
export interface Service {
  url: string;
  child: ChildProcess;
  /** The lines that it logged. */
  log: () => string;
  /** kill -9, or another signal; waits for its end, and gives the exit code. */
  kill: (signal?: NodeJS.Signals) => Promise<number | null>;
}

/** Starts a service; throws with what it said when it doesn't come up. */
export async function serveWith(
  project: object,
  options: object,
  env = process.env,
  stderr: "pipe" | number = "pipe",
): Promise<Service> {
  const code = `(async () => {
    const project = await require(${JSON.stringify(join(dist, "stack"))}).openProject(${JSON.stringify(project)});
    const service = await require(${JSON.stringify(join(dist, "http"))}).startService({ project, ...${JSON.stringify(options)} });
    console.log(service.url);
    process.once("SIGTERM", () => void service.close());
  })().catch((error) => { console.error(error.message); process.exit(1); });`;
  const child = spawn(process.execPath, ["-e", code], { env, stdio: ["ignore", "pipe", stderr] });
  let [log, said] = ["", ""];
  child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once("close", done));
  const kill = async (signal: NodeJS.Signals = "SIGKILL") => {
    child.kill(signal);
    return ended;
  };
  await new Promise<void>((done, failed) => {
    child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()).includes("\n") && done());
    void ended.then(() => failed(new Error(log)));
  });
  return { url: said.trim(), child, log: () => log, kill };
}

export class HttpProject extends Project {
  private readonly ends: (() => Promise<unknown>)[] = [];

  constructor(name: string) {
    super(name, PROGRAM);
  }

  get file(): string {
    return join(this.directory, "Pulumi.dev.yaml");
  }

  /** Where it is there, the program waits. */
  get wait(): string {
    return join(this.directory, "wait");
  }

  /** Waits until the program waits. */
  async waits(): Promise<void> {
    await untilSo("the program waits", () => existsSync(join(this.directory, "waiting")));
    rmSync(join(this.directory, "waiting"));
  }

  override reset(): void {
    super.reset();
    for (const name of ["wait", "waiting"]) rmSync(join(this.directory, name), { force: true });
  }

  get audit(): string {
    return join(this.directory, "../audit.jsonl");
  }

  get journal(): string {
    return join(this.directory, "../journal");
  }

  /** Makes the stack, whose file says this below `config`. */
  async prepared(text: string): Promise<this> {
    await this.init();
    const salt = /^encryptionsalt:.*$/m.exec(readFileSync(this.file, "utf8"))?.[0] ?? "";
    const own = `  storage-profiles:local: { stateDirectory: ${this.volumes}, mode: directory }\n`;
    writeFileSync(this.file, `${text}${own}${salt}\n`);
    return this;
  }

  /** Serves it, in a process of its own; what it logs can be looked at. */
  async startService(options: Record<string, unknown> = {}): Promise<Service> {
    const project = { directory: this.directory, pulumi: await this.pulumi(), journalDirectory: this.journal };
    const all = { stacks: ["dev"], listen: "127.0.0.1:0", auditLog: this.audit, ...options };
    const service = await serveWith(project, all, await this.env());
    this.ends.push(async () => {
      const timer = setTimeout(() => void service.kill(), limitMs(20));
      await service.kill("SIGTERM");
      clearTimeout(timer);
    });
    return service;
  }

  override async dispose(...stacks: string[]): Promise<void> {
    // What the services run comes to its end: else it writes into what is taken away.
    rmSync(this.wait, { force: true });
    await Promise.all(this.ends.map((end) => end()));
    await super.dispose(...stacks);
  }
}
