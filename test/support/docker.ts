// A Docker engine of a test's own (test/labs/docker), and our plugin in front of a Pulumi project of the test's own: what a user has.

import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";

import { isServed } from "../../src/docker/socket";
import { until } from "../../tools/test/time.js";
import { dockerReason, startDocker, type Docker, type Ran } from "../labs/docker/lab.js";
import { Project, VOLUMES_OF_STACK } from "./engine";
import { describeIf, ioLimitsOf, loopReason } from "./machine";
import { callPlugin } from "./plugin";

/** Where every Docker engine of the machine looks for plugins. There is no other place that it could be told. */
const PLUGINS = "/run/docker/plugins";

/** How an answer reads that didn't come in time: the plugin's words, and Docker's own. */
export const IS_LATE = /\[time-is-up\]|context deadline exceeded/;

/** For a plugin that is started for a few calls only: keeping an engine ready costs as much as a run of it. */
export const UNREADY = ["--no-keep-ready"];

/** A program that declares what the stack's config lists. */
export const PROGRAM = VOLUMES_OF_STACK;

/** Tests that need a Docker engine and local volumes. Where a machine can't have them they are skipped, and say so. */
export function describeDocker(name: string, tests: () => void): void {
  const reason = loopReason() ?? dockerReason();
  describeIf(reason === undefined, name, reason, tests);
}

export interface DockerLabOptions {
  /** The plugin's project, where it isn't one of local volumes. Its program becomes one that declares what the config lists. */
  project?: Project;
  /** Makes the project's stack with this config. Default: a stack of local volumes. */
  connect?: (config: Record<string, unknown>) => Promise<unknown>;
  /** What the plugin's environment has besides that of the project, given a folder of the plugin's own. */
  environment?: (directory: string) => NodeJS.ProcessEnv;
  /** The engine, where several plugins of a file share one: whoever started it ends it. Default: one of this lab's own. */
  engine?: () => Docker;
}

export class DockerLab {
  /** What Docker calls the driver. A machine may run more than one test. */
  readonly driver = `sp-test-${randomUUID().slice(0, 8)}`;
  readonly project: Project;
  engine!: Docker;
  private plugin: ChildProcess | undefined;
  private text = "";
  private args: string[] = [];
  private proxy: Server | undefined;
  private isOver = false;
  /** The calls that the plugin is to be killed in, each once, and when. */
  private readonly deadly = new Map<string, () => Promise<void>>();
  private restarted: Promise<void> = Promise.resolve();
  /** The calls that it was killed in. */
  readonly kills: string[] = [];

  constructor(private readonly options: DockerLabOptions = {}) {
    this.project = options.project ?? new Project("docker", "");
    this.project.program(PROGRAM);
  }

  /** Starts the engine, where it has one of its own, and makes the stack. */
  async start(config: Record<string, unknown> = {}): Promise<void> {
    this.engine = this.options.engine?.() ?? (await startEngine());
    mkdirSync(this.directory, { recursive: true });
    const { connect } = this.options;
    if (connect) {
      await connect(config);
      return;
    }
    this.project.config(config);
    await this.project.init();
  }

  /** The plugin's own folder. */
  get directory(): string {
    return join(this.engine.directory, this.driver);
  }

  /** Where Docker looks for the plugin. */
  private get socket(): string {
    return join(PLUGINS, `${this.driver}.sock`);
  }

  /**
   * Does something while the plugin is killed in one of the calls for it, and does it again: Docker asks again by itself, but where the
   * plugin had the question already it has forgotten what it asked.
   *
   * @param again what is done then; default: the same
   */
  async killed<T>(
    call: string,
    work: () => Promise<T>,
    when?: () => Promise<void>,
    again: () => Promise<T> = work,
  ): Promise<T> {
    await this.killIn(call, when);
    const before = this.kills.length;
    await work()
      .catch(() => undefined)
      .finally(() => this.deadly.delete(call));
    await this.restarted;
    if (this.kills.length === before) throw new Error(`Docker never called ${call}`);
    return again();
  }

  private get behind(): string {
    return join(this.directory, "plugin.sock");
  }

  /**
   * Kills the plugin with -9 in the next call of this kind, and starts it again. Docker asks through a socket in between for that; the
   * plugin must have been started before, and is started anew.
   *
   * @param when the moment; default: as soon as the plugin has got the call
   */
  private async killIn(call: string, when: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    this.deadly.set(call, when);
    if (this.proxy) return;
    const behind = this.behind;
    const args = this.args;
    await this.stopPlugin();
    this.proxy = createServer((client) => {
      const plugin = connect(behind);
      const close = () => [client, plugin].forEach((each) => each.destroy());
      for (const each of [client, plugin]) each.on("error", close).on("close", close);
      plugin.pipe(client);
      client.on("data", (part: Buffer) => {
        plugin.write(part);
        const called = /^POST \/(?:\w+)\.(\w+) /m.exec(part.toString("latin1"))?.[1] ?? "";
        const moment = this.deadly.get(called);
        if (!moment) return;
        this.deadly.delete(called);
        this.kills.push(called);
        this.restarted = moment().then(async () => {
          await this.stopPlugin("SIGKILL");
          close();
          await this.startPlugin(this.args);
        });
        // Whoever waits for it gets it; a test that has ended doesn't.
        this.restarted.catch(() => undefined);
      });
    });
    await this.startPlugin(args);
    await new Promise<void>((done) => this.proxy?.listen(this.socket, done));
  }

  private hasEnded(): boolean {
    return this.isOver;
  }

  /** Starts the plugin, and waits until it answers. */
  async startPlugin(args: string[] = [], environment: NodeJS.ProcessEnv = {}): Promise<void> {
    // A test whose time was up goes on while the lab ends.
    if (this.hasEnded()) throw new Error("the lab has ended");
    this.args = args;
    const state = join(this.directory, "state");
    const socket = this.proxy ? ["--socket", this.behind] : [];
    const child = await this.project.serve(
      "storage-profiles",
      ["docker-plugin", "--name", this.driver, "--state-directory", state, ...socket, ...args],
      { ...this.options.environment?.(this.directory), ...environment },
    );
    this.plugin = child;
    if (this.hasEnded()) await this.stopPlugin("SIGKILL");
    const from = this.text.length;
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (part: Buffer) => (this.text += part.toString()));
    const isReady = () => /ready|Initial inspection failed/.test(this.text.slice(from));
    await until(
      () => `the plugin starts: ${this.text.slice(from)}`,
      () => isReady() || child.exitCode !== null,
    );
    if (!isReady()) throw new Error(`the plugin ended: ${this.text.slice(from)}`);
  }

  /** Does something while the plugin runs with other arguments or variables; afterwards it has its own again. */
  async withPlugin<T>(args: string[], environment: NodeJS.ProcessEnv, work: () => Promise<T>): Promise<T> {
    const before = this.args;
    await this.stopPlugin();
    try {
      await this.startPlugin(args, environment);
      return await work();
    } finally {
      await this.stopPlugin();
      await this.startPlugin(before);
    }
  }

  /** Ends the plugin: politely, or as a crash would. */
  async stopPlugin(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.plugin;
    this.plugin = undefined;
    if (child?.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await ended;
  }

  /** Asks the plugin as Docker does, for what Docker itself doesn't ask. Rejects where it goes away meanwhile. */
  ask(call: string, body: object): Promise<unknown> {
    return callPlugin(this.socket, call, body);
  }

  /** What the plugin has logged. */
  get log(): string {
    return this.text;
  }

  /** The names that Docker has volumes of ours under. It asks every plugin of the machine, those of other tests too. */
  async volumes(): Promise<string[]> {
    const { code, out, text } = await this.docker("volume", "ls", "--quiet", "--filter", `driver=${this.driver}`);
    if (code !== 0) throw new Error(text);
    return out.split("\n").filter(Boolean).sort();
  }

  /** How often the plugin had the engine run. */
  get ups(): number {
    return this.text.split("\n").filter((line) => /"up (succeeded|failed) after /.test(line)).length;
  }

  /** Runs Docker's client. On a slow machine an `up` may take longer than Docker waits: it goes on, and is asked for again. */
  async docker(...args: string[]): Promise<Ran> {
    for (let tries = 1; ; tries++) {
      const ran = await this.engine.docker(args);
      if (ran.code === 0 || tries === 10 || !IS_LATE.test(ran.text)) return ran;
    }
  }

  /** \`docker run\` of a shell with a volume of ours; what it printed. It must succeed. */
  async run(volume: string, script: string, ...options: string[]): Promise<string> {
    const { code, text } = await this.container(volume, script, ...options);
    if (code !== 0) throw new Error(`docker run -v ${volume} failed: ${text}\n${this.text.slice(-3000)}`);
    return text;
  }

  /** The same, which may fail. */
  container(volume: string, script: string, ...options: string[]): Promise<Ran> {
    const given = ["--rm", "--network", "none", "--volume-driver", this.driver, "-v", volume, ...options];
    return this.docker("run", ...given, "busybox", "sh", "-c", script);
  }

  /** Starts a container that runs on; its id. */
  async detached(volume: string, ...options: string[]): Promise<string> {
    const given = ["--network", "none", "--volume-driver", this.driver, "-v", volume, ...options];
    const { code, out, text } = await this.docker("run", "--detach", ...given, "busybox", "sleep", "100000");
    if (code !== 0) throw new Error(text);
    return out.trim();
  }

  /** Runs a shell in a container that runs; what it printed. It must succeed. */
  async exec(container: string, script: string): Promise<string> {
    const { code, text } = await this.docker("exec", container, "sh", "-c", script);
    if (code !== 0) throw new Error(`docker exec failed: ${text}`);
    return text;
  }

  /** What the kernel limits a running container to, as its cgroup has it: device numbers and limits. */
  async limitsOf(container: string): Promise<string> {
    const { out } = await this.docker("inspect", "--format", "{{.State.Pid}}", container);
    return ioLimitsOf(Number(out));
  }

  /** Removes all containers, also those that run. Not before they are gone are their volumes given back. */
  async removeContainers(): Promise<void> {
    const { out } = await this.docker("ps", "--all", "--quiet");
    const containers = out.split("\n").filter(Boolean);
    if (containers.length > 0) await this.docker("rm", "--force", ...containers);
  }

  /** Ends all that was started, as far as it came. */
  async stop(): Promise<void> {
    this.isOver = true;
    if (this.engine as Docker | undefined) await this.removeContainers();
    this.proxy?.close();
    await this.stopPlugin();
    if (!this.options.engine) await (this.engine as Docker | undefined)?.stop();
    await this.project.dispose();
    rmSync(this.socket, { force: true });
  }
}

/** Starts a Docker engine for a file of tests. */
export async function startEngine(): Promise<Docker> {
  await removeDeadSockets();
  return startDocker({ log: () => undefined });
}

/** Removes the sockets of tests that were killed. An engine asks for a volume that it doesn't know at every one, and waits for an answer. */
async function removeDeadSockets(): Promise<void> {
  const names = existsSync(PLUGINS) ? readdirSync(PLUGINS) : [];
  for (const name of names.filter((each) => /^sp-test-[0-9a-f]{8}\.sock$/.test(each))) {
    const socket = join(PLUGINS, name);
    if (!(await isServed(socket))) rmSync(socket, { force: true });
  }
}
