// Drives the real Pulumi engine in a project of its own, in a temporary folder: program, config, state and passphrase.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { parse, stringify } from "yaml";

import { ensureEngine } from "../../tools/engine/ensure.js";
import { limitMs } from "../../tools/test/time.js";
import { detachBelow, inUseBelow } from "./machine";
import { killDescendants, killProcessesWith } from "./processes";

const root = resolve(__dirname, "../..");

/** A program that declares the volumes that the stack's config lists. */
export const VOLUMES_OF_STACK = `
  const { volumesOfStack } = require("storage-profiles");
  for (const [name, spec] of Object.entries(volumesOfStack())) new ProfiledVolume(name, spec);
`;

/** Ends a command that hangs, and all that it started, before the limit of its test does. */
const COMMAND_LIMIT_MS = limitMs(240);

/** What marks a secret value in a state. */
const SECRET = "4dabf18193072939515e22adb298388d";

/** What a command of the engine printed, and its exit code. */
export interface Ran {
  code: number;
  /** Standard output and standard error, as a user sees them. */
  text: string;
}

/** A step of a preview or of an update. */
export interface Step {
  op: string;
  /** The resource's type and name: "ProfiledVolume data", "LocalVolume data". */
  what: string;
}

/** A resource in a state. */
export interface Resource {
  urn: string;
  parent?: string;
  type: string;
  id?: string;
  protect?: boolean;
  inputs: Record<string, any>;
  outputs: Record<string, any>;
}

/** What a project's engine finds besides what every engine does: providers, each in a folder, variables, and folders of language hosts. */
export interface Surroundings {
  hosts?: string[];
  providers?: { name: string; path: string }[];
  env?: Record<string, string>;
}

/** A Pulumi project of a test's own. */
export class Project {
  readonly directory: string;
  /** Where its volumes live. */
  readonly volumes: string;
  private readonly home: string;
  private readonly linked: boolean;
  private readonly early = new Map<string, string>();
  private readonly engine = ensureEngine({ log: () => undefined });
  private stack = "dev";
  /** The states of the stacks as they were made, by file. */
  private readonly empty = new Map<string, Buffer>();
  private readonly encrypted = new Map<string, unknown>();
  private readonly surroundings: Surroundings;

  constructor(
    readonly name: string,
    program: string,
    { linked = true, surroundings = {} }: { linked?: boolean; surroundings?: Surroundings } = {},
  ) {
    this.surroundings = surroundings;
    this.home = join(tmpdir(), `sp-${name}-${randomUUID().slice(0, 8)}`);
    this.directory = join(this.home, "project");
    this.volumes = join(this.home, "volumes");
    this.linked = linked;
    const { providers } = surroundings;
    const plugins = providers && { plugins: { providers } };
    this.write(
      "Pulumi.yaml",
      stringify({ name, runtime: { name: "nodejs", options: { typescript: false } }, ...plugins }),
    );
    this.write("package.json", JSON.stringify({ name, main: "index.js", private: true }));
    this.program(program);
    this.config({});
  }

  // On disk only from the first stack on: tests that are skipped leave nothing.
  private prepare(): void {
    if (existsSync(this.directory)) return;
    for (const directory of ["project", "state"]) mkdirSync(join(this.home, directory), { recursive: true });
    // As `npm install` would lay it out: the package, and its peer beside it.
    if (this.linked) {
      mkdirSync(join(this.directory, "node_modules"));
      symlinkSync(root, join(this.directory, "node_modules/storage-profiles"));
      symlinkSync(join(root, "node_modules/@pulumi"), join(this.directory, "node_modules/@pulumi"));
    }
    for (const [file, text] of this.early) writeFileSync(join(this.directory, file), text);
  }

  /** Writes the program: JavaScript, with `ProfiledVolume` and `pulumi` in scope. */
  program(text: string): void {
    const head = 'const pulumi = require("@pulumi/pulumi");\nconst { ProfiledVolume } = require("storage-profiles");\n';
    this.write("index.js", head + text);
  }

  write(file: string, text: string): void {
    if (existsSync(this.directory)) writeFileSync(join(this.directory, file), text);
    else this.early.set(file, text);
  }

  /** Writes the stack's config below `storage-profiles:`; local volumes go to the project's own folder unless it says where. */
  config(values: Record<string, unknown>, others: Record<string, unknown> = {}): void {
    const all: Record<string, unknown> = { backend: "local", ...values };
    all["local"] = { stateDirectory: this.volumes, ...(values["local"] as object) };
    const config = Object.fromEntries(Object.entries(all).map(([key, value]) => [`storage-profiles:${key}`, value]));
    const file = `Pulumi.${this.stack}.yaml`;
    const salt = this.readYaml(file)["encryptionsalt"];
    this.write(file, stringify({ ...(salt ? { encryptionsalt: salt } : {}), config: { ...config, ...others } }));
  }

  private readYaml(file: string): Record<string, unknown> {
    try {
      return (parse(readFileSync(join(this.directory, file), "utf8")) ?? {}) as Record<string, unknown>;
    } catch {
      return {};
    }
  }

  /** Makes a stack, if it isn't there, and goes on with it. */
  async init(stack = "dev"): Promise<this> {
    this.stack = stack;
    this.prepare();
    if (!existsSync(this.stateFile)) {
      succeeded(await this.run(["stack", "init", stack]));
      this.empty.set(this.stateFile, readFileSync(this.stateFile));
    }
    return this;
  }

  /** From now on `reset` goes back to what there is now: config, state, and volumes that are directories. */
  keep(): void {
    rmSync(this.kept, { recursive: true, force: true });
    for (const name of ["state", "volumes"]) {
      if (existsSync(join(this.home, name))) cpSync(join(this.home, name), join(this.kept, name), { recursive: true });
    }
    for (const file of this.configFiles()) cpSync(join(this.directory, file), join(this.kept, file));
  }

  /**
   * Goes back to what was kept, or to stacks with nothing in them, and to the first one of these: without the engine, and whatever a test before
   * has left. What there is on an emulated backend is the test's.
   */
  reset(): void {
    killProcessesWith(`PULUMI_HOME=${join(this.home, "home")}`);
    detachBelow(this.home);
    this.stack = "dev";
    for (const name of ["volumes", "journal", "state/.pulumi/locks"]) {
      rmSync(join(this.home, name), { recursive: true, force: true });
    }
    for (const [file, content] of this.empty) writeFileSync(file, content);
    if (!existsSync(this.kept)) return;
    rmSync(join(this.home, "state"), { recursive: true, force: true });
    for (const file of this.configFiles()) rmSync(join(this.directory, file));
    for (const name of readdirSync(this.kept)) {
      const to = name.startsWith("Pulumi.") ? this.directory : this.home;
      cpSync(join(this.kept, name), join(to, name), { recursive: true });
    }
  }

  private get kept(): string {
    return join(this.home, "kept");
  }

  private configFiles(): string[] {
    return readdirSync(this.directory).filter((name) => /^Pulumi\..+\.yaml$/.test(name));
  }

  /** `pulumi config set --secret`. The same secret of a stack is encrypted once, and written again after that. */
  async secret(key: string, value: string): Promise<void> {
    const file = `Pulumi.${this.stack}.yaml`;
    const before = this.readYaml(file);
    const salt = before["encryptionsalt"];
    const known = this.encrypted.get(`${String(salt)} ${key} ${value}`);
    if (known !== undefined) {
      const config = { ...(before["config"] as object), [key]: known };
      this.write(file, stringify({ ...before, config }));
      return;
    }
    succeeded(await this.run(["config", "set", "--secret", key, value]));
    const { encryptionsalt, config } = this.readYaml(file) as {
      encryptionsalt: string;
      config: Record<string, unknown>;
    };
    this.encrypted.set(`${encryptionsalt} ${key} ${value}`, config[key]);
  }

  private get stateFile(): string {
    return join(this.home, "state/.pulumi/stacks", this.name, `${this.stack}.json`);
  }

  /** Runs `pulumi` with these arguments. Never throws: what it printed is the answer. */
  async run(args: string[], environment: NodeJS.ProcessEnv = {}): Promise<Ran> {
    const engine = await this.engine;
    return this.start(engine.pulumi, [...args, "--non-interactive", "--color", "never"], environment);
  }

  /** Starts `pulumi` with these arguments; `kill` ends it and all that it has started. */
  async begin(args: string[]): Promise<{ isRunning: () => boolean; kill: () => Promise<void> }> {
    const { pulumi } = await this.engine;
    const options = { cwd: this.directory, env: await this.env(), detached: true, stdio: "ignore" as const };
    const child = spawn(pulumi, [...args, "--non-interactive"], options);
    const ended = new Promise<void>((done) => child.once("close", () => done()));
    const isRunning = () => child.exitCode === null && child.signalCode === null;
    const kill = async () => {
      if (isRunning()) killDescendants(child);
      await ended;
    };
    return { isRunning, kill };
  }

  /** Starts a command of this package in the project, and leaves it running: its end is the caller's business. */
  async serve(name: string, args: string[], environment: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
    const { file, env } = await this.commandOf(name, environment);
    return spawn(process.execPath, [file, ...args], { cwd: this.directory, env, stdio: ["ignore", "pipe", "pipe"] });
  }

  /** The program of one of the package's commands, and the variables that it gets. */
  async commandOf(
    name: string,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<{ file: string; env: NodeJS.ProcessEnv }> {
    const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { bin: Record<string, string> };
    return { file: join(root, bin[name] ?? ""), env: await this.env(environment) };
  }

  private async start(file: string, args: string[], environment: NodeJS.ProcessEnv): Promise<Ran> {
    const env = await this.env(environment);
    return new Promise((done) => {
      let late = "";
      const child = execFile(
        file,
        args,
        { cwd: this.directory, env, maxBuffer: 256 << 20 },
        (error, stdout, stderr) => {
          clearTimeout(timer);
          const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
          done({ code, text: stdout + stderr + late });
        },
      );
      const timer = setTimeout(() => {
        late = `\n(killed after ${COMMAND_LIMIT_MS / 1000} s)\n`;
        killDescendants(child);
      }, COMMAND_LIMIT_MS);
      child.stdin?.end();
    });
  }

  /** The executable of the engine. */
  async pulumi(): Promise<string> {
    return (await this.engine).pulumi;
  }

  /** The environment in which `pulumi` and commands run in the project. */
  async env(environment: NodeJS.ProcessEnv = {}): Promise<NodeJS.ProcessEnv> {
    const engine = await this.engine;
    return {
      ...process.env,
      ...engine.env,
      ...this.surroundings.env,
      PATH: [engine.path, ...(this.surroundings.hosts ?? []), process.env["PATH"]].filter(Boolean).join(":"),
      PULUMI_HOME: join(this.home, "home"),
      XDG_STATE_HOME: join(this.home, "state-home"),
      // Without the files beside the state: a kill while one is written makes the whole state unreadable for `pulumi`.
      PULUMI_BACKEND_URL: `file://${join(this.home, "state")}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE: "a passphrase of the test",
      PULUMI_STACK: this.stack,
      ...environment,
    };
  }

  /** Runs a command of this package in the project, as `npx` would. */
  async command(name: string, args: string[]): Promise<Ran> {
    const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { bin: Record<string, string> };
    return this.start(process.execPath, [join(root, bin[name] ?? ""), ...args], {});
  }

  /** `pulumi up`, which must succeed. */
  async up(environment?: NodeJS.ProcessEnv, ...options: string[]): Promise<string> {
    return succeeded(await this.run(["up", "--yes", "--skip-preview", ...options], environment));
  }

  /** `pulumi up` as it comes, without a preview before it. */
  async tryUp(...options: string[]): Promise<Ran> {
    return this.run(["up", "--yes", "--skip-preview", ...options]);
  }

  /** `pulumi up`, which must succeed: the steps it takes that are not "same", and what it prints. */
  async upSteps(...options: string[]): Promise<{ steps: Step[]; text: string }> {
    const log = join(this.home, `${randomUUID()}.events`);
    // The flag for the log is one of those for developers.
    const text = await this.up({ PULUMI_DEBUG_COMMANDS: "true" }, "--event-log", log, ...options);
    const events = readFileSync(log, "utf8").trim().split("\n");
    const started = events.map((line) => (JSON.parse(line) as Started).resourcePreEvent);
    // A provider that nothing needs any longer goes as well, which a preview doesn't say.
    const isMeant = (step: Started["resourcePreEvent"]) => step && !step.metadata.urn.includes("::pulumi:providers:");
    return { steps: stepsOf(started.filter(isMeant).map((step) => step!.metadata)), text };
  }

  /** `pulumi preview`: the steps it plans that are not "same". */
  async steps(...options: string[]): Promise<Step[]> {
    const text = succeeded(await this.run(["preview", "--json", ...options]));
    const { steps } = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)) as {
      steps: { op: string; urn: string }[];
    };
    return stepsOf(steps);
  }

  /** `pulumi destroy`, which must succeed. */
  async destroy(): Promise<void> {
    succeeded(await this.run(["destroy", "--yes", "--skip-preview"]));
  }

  /** Writes the backend's answers into the state. */
  async refresh(): Promise<string> {
    return succeeded(await this.run(["refresh", "--yes", "--skip-preview"]));
  }

  /** The resources in the state, by "Type name". */
  async state(): Promise<Record<string, Resource>> {
    return Object.fromEntries((await this.resources()).map((each) => [shortName(each.urn), each]));
  }

  /** The stack's outputs, secrets as `pulumi stack output` shows them. */
  async outputs(): Promise<Record<string, any>> {
    const stack = (await this.resources()).find(({ type }) => type === "pulumi:pulumi:Stack");
    return withoutSecrets(stack?.outputs ?? {}) as Record<string, any>;
  }

  /** The resources in the state, as `pulumi stack export` prints them; from the same file, and without the engine. */
  async resources(): Promise<Resource[]> {
    const { checkpoint } = JSON.parse(await readFile(this.stateFile, "utf8")) as {
      checkpoint: { latest?: { resources?: Resource[] } };
    };
    return checkpoint.latest?.resources ?? [];
  }

  /**
   * Removes every trace of the project, however its tests ended: processes, files, and what is mounted or attached below its folder.
   * What a test has on an emulated backend goes with that one.
   */
  async dispose(...stacks: string[]): Promise<void> {
    if (!existsSync(this.home)) return;
    if (inUseBelow(this.home)) {
      rmSync(join(this.home, "state/.pulumi/locks"), { recursive: true, force: true });
      for (const stack of stacks.length > 0 ? stacks : [this.stack]) {
        this.stack = stack;
        await this.run(["state", "unprotect", "--all", "--yes"]);
        await this.run(["destroy", "--yes", "--skip-preview"]);
      }
    }
    // An engine that was killed leaves its providers behind.
    killProcessesWith(`PULUMI_HOME=${join(this.home, "home")}`);
    detachBelow(this.home);
    rmSync(this.home, { recursive: true, force: true });
  }
}

interface Started {
  resourcePreEvent?: { metadata: { op: string; urn: string } };
}

function stepsOf(steps: { op: string; urn: string }[]): Step[] {
  return steps
    .filter(({ op, urn }) => op !== "same" && op !== "refresh" && !urn.includes("::pulumi:pulumi:Stack::"))
    .map(({ op, urn }) => ({ op, what: shortName(urn) }))
    .sort((a, b) => a.what.localeCompare(b.what));
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  if (Object.hasOwn(value, SECRET)) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutSecrets(each)]));
}

/** Whether an engine has taken notice of being interrupted: of the operation that has this id in a journal, or of any. */
export function isInterrupted(journal: string, id = ""): boolean {
  if (!existsSync(journal)) return false;
  const outputs = readdirSync(journal, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".out") && name.includes(id),
  );
  return outputs.some((name) => readFileSync(join(journal, name), "utf8").includes("^C received"));
}

/** What a command said in the end: its diagnostics, without the progress before them. */
export function diagnostics({ text }: Ran): string {
  return text.slice(text.indexOf("Diagnostics:"));
}

/** The output of a command that must have succeeded. */
export function succeeded({ code, text }: Ran): string {
  if (code !== 0) throw new Error(`pulumi failed (${code}):\n${text}`);
  return text;
}

function shortName(urn: string): string {
  const [type = "", name = ""] = urn.split("::").slice(-2);
  return `${type.split(/[:/$]/).pop()} ${name}`;
}
