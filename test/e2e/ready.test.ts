// An engine that is kept ready: the same run as without, sooner; and nothing of it is left behind, whoever dies.

import { spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";

import { parse, stringify } from "yaml";

import type { Stack } from "../../src/stack";
import { until } from "../../tools/test/time.js";
import { Project } from "../support/engine";

const dist = resolve(__dirname, "../../dist/src/stack/index.js");
const { openProject } = require(dist) as typeof import("../../src/stack");
const { keepReady } = require(join(dist, "../ready/keeper.js")) as typeof import("../../src/stack/ready/keeper");

// What a program and a provider see of their run is written down, and what they write is to be shown.
const PROGRAM = `
const { volumesOfStack } = require("storage-profiles");
const fs = require("node:fs");
class Seen extends pulumi.dynamic.Resource {
  constructor(name, args) { super({
    async configure(req) { this.secret = req.config.require("password"); },
    async create(inputs) {
      const pulumi = require("@pulumi/pulumi");
      console.log("the provider speaks");
      const env = Object.entries(process.env).filter(([name]) => /^PULUMI_(?!STACK|LOG_)/.test(name)).sort().map((each) => each.join("="));
      const config = new pulumi.Config("ready").get("password") ?? "nothing";
      return { id: "1", outs: { length: this.secret.length, config, cwd: process.cwd(), env, project: pulumi.getProject() } };
    },
    async update(id, olds, news) { return { outs: olds }; },
  }, name, { ...args, length: undefined, config: undefined, cwd: undefined, env: undefined, project: undefined }); }
}
const config = new pulumi.Config("ready");
fs.writeFileSync("main", require.main.filename);
console.log("the program speaks");
if (config.get("fails")) { console.error("the program fails"); process.exit(3); }
const volumes = Object.entries(volumesOfStack());
const made = volumes.map(([name, asked]) => new ProfiledVolume(name, asked));
if (volumes.length > 0) new Seen("seen", {});
const wait = () => new Promise((done) => { const look = () => fs.existsSync("wait") ? setTimeout(look, 50) : done(); look(); });
module.exports = (async () => {
  await Promise.all(made.map((each) => new Promise((done) => each.volumeId.apply(done))));
  await wait();
  return { password: config.requireSecret("password"), args: process.argv.slice(2), cwd: process.cwd(), root: pulumi.runtime.getRootDirectory?.(),
    stack: pulumi.getStack(), project: pulumi.getProject(), organization: pulumi.getOrganization(), names: volumes.map(([name]) => name) };
})();
`;

interface Exported {
  type: string;
  urn: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

class ReadyProject extends Project {
  readonly log: string[] = [];

  async open(stack: string, pulumi?: string): Promise<Stack> {
    const journalDirectory = join(this.directory, "../journal");
    const options = { directory: this.directory, env: await this.env(), journalDirectory };
    return (await openProject({ ...options, pulumi: pulumi ?? (await this.pulumi()) })).stack(stack);
  }

  /** Makes a stack with these volumes, and a secret. */
  async prepared(stack: string, volumes: string[]): Promise<void> {
    await this.init(stack);
    this.config({ local: { mode: "directory" } });
    const { code, text } = await this.run(["config", "set", "--secret", "ready:password", "correct horse"]);
    if (code !== 0) throw new Error(text);
    this.volumesAre(stack, volumes);
  }

  volumesAre(stack: string, volumes: string[]): void {
    const file = join(this.directory, `Pulumi.${stack}.yaml`);
    const content = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
    const each = { sizeGiB: 1, deletionProtection: false };
    content.config["storage-profiles:volumes"] = Object.fromEntries(volumes.map((name) => [name, each]));
    writeFileSync(file, stringify(content));
  }

  /** What the last run of the program was started by. */
  main(): string {
    const file = join(this.directory, "main");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  /** The processes that are kept ready for this project, or were. */
  processes(what: "host" | "program" = "host"): number[] {
    return pidsOf((command) => command.includes(`/ready/${what}.js`), this.directory);
  }

  async exported(stack: string): Promise<Exported[]> {
    const { text } = await this.run(["stack", "export", "--stack", stack]);
    const { deployment } = JSON.parse(text.slice(text.indexOf("{"))) as { deployment: { resources: Exported[] } };
    return deployment.resources;
  }
}

/** The processes that run in a directory, by their command lines. */
function pidsOf(isMeant: (command: string) => boolean, directory: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return isMeant(readFileSync(`/proc/${pid}/cmdline`, "utf8")) && readlinkSync(`/proc/${pid}/cwd`) === directory;
      } catch {
        return false; // it ended
      }
    });
}

/** Whether there are so many processes, and they have nothing to do. */
async function isIdle(pids: number[], count: number): Promise<boolean> {
  // Of `stat` behind the name: whether it sleeps, and what it has had of the processor.
  const looks = () =>
    pids.map((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop()!.split(" ");
      return [fields[0], fields[11], fields[12]].join(" ");
    });
  if (pids.length !== count) return false;
  try {
    const before = looks();
    await new Promise((done) => setTimeout(done, 500));
    return before.every((each) => each.startsWith("S")) && looks().join() === before.join();
  } catch {
    return false; // one ended
  }
}

/** How many sockets of these processes accept connections. */
function listenersOf(pids: number[]): number {
  const listening = ["tcp", "tcp6"].flatMap((kind) =>
    readFileSync(`/proc/net/${kind}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === "0A")
      .map((fields) => `socket:[${fields[9]}]`),
  );
  const open = pids.flatMap((pid) => readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
  return open.filter((each) => listening.includes(each)).length;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // it was closed
  }
}

describe("an engine that is kept ready", () => {
  const project = new ReadyProject("ready", PROGRAM);
  const other = new ReadyProject("ready-typescript", "");
  const waiting = join(project.directory, "wait");
  /** Whether one waits, and has loaded what there is to load: how long that takes is the machine's business. */
  const isReady = () => isIdle([...project.processes("program"), ...project.processes()], 2);
  const ready = "ready/program.js";
  /** Applies, and says how it went and how the program was started. */
  const applied = async (stack: Stack): Promise<[string, boolean]> => {
    const { state, problems } = await stack.apply().done;
    return [problems.map(({ message }) => message).join("\n") || state, project.main().endsWith(ready)];
  };

  const engineIsReady = () => until("an engine is ready", isReady);
  /** Those that tests keep ready in this process. */
  const kept: { close(): void }[] = [];
  const keepReadyFor = (stack: Stack) => {
    const keeping = stack.project.keepReady();
    kept.push(keeping);
    return keeping;
  };

  beforeAll(async () => {
    await project.prepared("plain", ["a", "b"]);
    await project.prepared("kept", ["a", "b"]);
    project.keep();
  });
  beforeEach(async () => {
    project.reset();
    await project.init("kept");
    for (const name of ["main", "wait"]) rmSync(join(project.directory, name), { force: true });
  });
  afterEach(() => {
    for (const each of kept.splice(0)) each.close();
  });
  afterAll(async () => {
    await project.dispose();
    await other.dispose();
  });

  test("runs the program and its providers as ever: the same state, outputs, config, secrets and texts", async () => {
    const up = (stack: string, args: string[] = [], env: NodeJS.ProcessEnv = {}) =>
      project.run(["up", "--yes", "--skip-preview", "--stack", stack, ...args], env);
    const settings = () => Promise.resolve({ runtime: { name: "nodejs", options: { typescript: false } } });
    const engine = { pulumi: await project.pulumi(), directory: project.directory, env: await project.env() };
    const log: string[] = [];
    const keeping = keepReady({ engine, settings, log: (line) => log.push(line) });
    kept.push(keeping);
    const both = async (): Promise<string[]> => {
      const plain = await up("plain");
      expect(project.main()).toContain("@pulumi/pulumi/cmd/run");
      keeping.prepare();
      await engineIsReady();
      const taken = (await keeping.take())!;
      const kept = await up("kept", taken.args, taken.env);
      expect(project.main()).toContain(ready);
      expect(taken.isBroken()).toBe(false);
      taken.over();
      await until(
        "nothing of it is left",
        () => project.processes().length + project.processes("program").length === 0,
      );
      const told = [plain, kept].map(({ code, text }) => {
        const lines = text
          .replaceAll(/\b(plain|kept)\b/g, "STACK")
          .replaceAll(/\d[\d.]*s\b/g, "0s")
          .split("\n");
        // The order of what goes on at the same time is anybody's.
        return JSON.stringify(
          [
            code,
            lines
              .map((line) => line.trim())
              .filter((line) => !/^(@ .*)?$/.test(line))
              .sort(),
          ],
          undefined,
          1,
        );
      });
      expect(told[1]).toEqual(told[0]);
      return [plain.text, kept.text];
    };

    const [text] = await both();
    expect(text).toMatch(/the program speaks[^]*the provider speaks|the provider speaks[^]*the program speaks/);
    const [one, other] = await Promise.all(["plain", "kept"].map((stack) => project.exported(stack)));
    const alike = (resources: Exported[], stack: string) =>
      resources.map(({ type, urn, inputs, outputs }) =>
        JSON.stringify({ type, urn, inputs, outputs })
          .replaceAll(new RegExp(`\\b${stack}\\b`, "g"), "STACK")
          // What is drawn for each volume anew, and how the same secret is encrypted each time.
          .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
          .replaceAll(/"ciphertext":"[^"]*"/g, '"ciphertext":""'),
      );
    expect(alike(other!, "kept").sort()).toEqual(alike(one!, "plain").sort());
    expect(JSON.stringify(other)).not.toContain("correct horse");
    const outputsOf = (part: string) => other!.find(({ urn }) => urn.includes(part))?.outputs;
    expect(outputsOf("::seen")).toMatchObject({ length: 13, cwd: project.directory, project: "ready" });
    expect(outputsOf("pulumi:pulumi:Stack")).toMatchObject({
      args: [],
      stack: "kept",
      project: "ready",
      names: ["a", "b"],
    });

    for (const stack of ["plain", "kept"]) await project.run(["config", "set", "ready:fails", "yes", "--stack", stack]);
    expect((await both())[1]).toMatch(/the program fails[^]*non-zero exit code: 3/);
    for (const stack of ["plain", "kept"]) await project.run(["config", "rm", "ready:fails", "--stack", stack]);
    expect(log).toEqual([]);
  });

  test("the next is made after each use; what was installed or written anew meanwhile makes one useless", async () => {
    const stack = await project.open("kept");
    keepReadyFor(stack);
    await engineIsReady();
    const [before] = project.processes();
    project.volumesAre("kept", ["a", "b", "c"]);
    expect(await applied(stack)).toEqual(["succeeded", true]);
    await engineIsReady();
    expect(project.processes()).not.toEqual([before]);

    const now = new Date();
    utimesSync(join(project.directory, "package.json"), now, now);
    project.volumesAre("kept", ["a", "b", "c", "d"]);
    expect(await applied(stack)).toEqual(["succeeded", false]);

    // One that died while it waited: the engine runs as ever.
    await engineIsReady();
    process.kill(project.processes()[0]!, "SIGKILL");
    project.volumesAre("kept", ["a", "b", "c", "d", "e"]);
    expect(await applied(stack)).toEqual(["succeeded", false]);
  });

  describe("nothing is lost and nothing is left behind", () => {
    const everything = () => [...project.processes(), ...project.processes("program")];
    const nothing = () => everything().length === 0;
    /** Applies in a process of its own, which keeps an engine ready before. */
    const caller = async (): Promise<ChildProcess> => {
      const given = {
        directory: project.directory,
        pulumi: await project.pulumi(),
        journalDirectory: join(project.directory, "../journal"),
      };
      const code = `(async () => {
        const project = await require(${JSON.stringify(dist)}).openProject(${JSON.stringify(given)});
        project.keepReady();
        process.stdin.once("data", async () => { process.exitCode = (await project.stack("kept").apply().done).state === "succeeded" ? 0 : 1; process.exit(); });
      })();`;
      return spawn(process.execPath, ["-e", code], { env: await project.env(), stdio: ["pipe", "ignore", "inherit"] });
    };
    const engines = () => pidsOf((command) => command.includes("--client"), project.directory);
    beforeEach(() => writeFileSync(waiting, ""));
    afterEach(() => rmSync(waiting, { force: true }));

    test("the caller killed while one waits", async () => {
      const child = await caller();
      await engineIsReady();
      child.kill("SIGKILL");
      await until("nothing is left behind", nothing);
    });

    test("the caller killed in the middle of a run: that is finished, and then all of it ends", async () => {
      project.volumesAre("kept", ["a", "b", "g"]);
      const child = await caller();
      await engineIsReady();
      child.stdin?.write("go");
      await until("the program runs", () => engines().length === 1 && project.main().endsWith(ready));
      child.kill("SIGKILL");
      await until("the caller is dead", () => child.signalCode !== null);
      rmSync(waiting);
      await until("the engine has ended", () => engines().length === 0);
      await until("nothing is left behind", nothing);
      // The outputs are there only when the program has come to its end.
      const stack = (await project.exported("kept")).find(({ type }) => type === "pulumi:pulumi:Stack");
      expect(stack?.outputs).toMatchObject({ names: ["a", "b", "g"] });
    });

    test("the engine killed in the middle of a run, and the caller too", async () => {
      project.volumesAre("kept", ["a", "b", "g", "h"]);
      const child = await caller();
      await engineIsReady();
      child.stdin?.write("go");
      await until("the program runs", () => engines().length === 1 && project.main().endsWith(ready));
      child.kill("SIGKILL");
      for (const pid of engines()) process.kill(pid, "SIGKILL");
      await until("nothing is left behind", nothing);
      const stack = await project.open("kept");
      rmSync(waiting);
      // With its lock, which is taken away.
      project.volumesAre("kept", ["a", "b", "g", "h", "i"]);
      expect(await stack.apply().done).toMatchObject({ state: "succeeded" });
    });

    test("killed at the moment it is given away: the engine is run again, as ever, and only once", async () => {
      rmSync(waiting);
      const pulumi = join(project.directory, "../killing-pulumi");
      const calls = join(project.directory, "../calls");
      // In front of the engine: the host dies before the engine can call it.
      writeFileSync(
        pulumi,
        `#!/bin/sh\ncase "$*" in *--client*) kill -9 $(cat ../host); echo kept >> ${calls};; "up "*) echo plain >> ${calls};; esac\nexec ${await project.pulumi()} "$@"\n`,
      );
      chmodSync(pulumi, 0o755);
      const stack = await project.open("kept", pulumi);
      const keeping = keepReadyFor(stack);
      await engineIsReady();
      writeFileSync(join(project.directory, "../host"), String(project.processes()[0]));
      project.volumesAre("kept", ["a", "b", "g", "h", "i", "j"]);
      expect(await applied(stack)).toEqual(["succeeded", false]);
      expect(readFileSync(calls, "utf8")).toBe("kept\nplain\n");
      keeping.close();
      await until("nothing is left behind", nothing);
    });
  });

  test("nobody can reach it while it waits: its services run whatever code they are given", async () => {
    const stack = await project.open("kept");
    keepReadyFor(stack);
    await engineIsReady();
    expect(listenersOf([...project.processes(), ...project.processes("program")])).toBe(0);
    // What would be seen otherwise.
    const server = createServer().listen(0, "127.0.0.1");
    await until("the server listens", () => listenersOf([process.pid]) > 0);
    server.close();
  });

  test("what Pulumi.yaml says of the program is followed: TypeScript, a directory of its own, arguments of Node.js", async () => {
    other.write(
      "Pulumi.yaml",
      stringify({
        name: "ready-typescript",
        main: "program/",
        runtime: { name: "nodejs", options: { nodeargs: "--stack-trace-limit=7" } },
      }),
    );
    await other.init();
    mkdirSync(join(other.directory, "program"));
    renameSync(join(other.directory, "package.json"), join(other.directory, "program/package.json"));
    writeFileSync(
      join(other.directory, "program/package.json"),
      JSON.stringify({ name: "p", main: "index.ts", private: true }),
    );
    writeFileSync(
      join(other.directory, "program/index.ts"),
      `import { writeFileSync } from "node:fs";
       import { ProfiledVolume, volumesOfStack } from "storage-profiles";
       const seen: { limit: number; main?: string } = { limit: Error.stackTraceLimit, main: require.main?.filename };
       writeFileSync("../main", JSON.stringify(seen));
       for (const [name, asked] of Object.entries(volumesOfStack())) new ProfiledVolume(name, asked);\n`,
    );
    other.config({ local: { mode: "directory" }, volumes: { typed: { sizeGiB: 1, deletionProtection: false } } });
    const stack = await other.open("dev");
    const keeping = stack.project.keepReady({ log: (line) => other.log.push(line) });
    kept.push(keeping);
    const atWork = () => pidsOf((command) => command.includes("/ready/program.js"), join(other.directory, "program"));
    await until("a program is ready", () => isIdle(atWork(), 1));
    const seen = () => JSON.parse(other.main()) as { limit: number; main: string };
    expect((await stack.apply().done).problems).toEqual([]);
    expect(seen()).toEqual({ limit: 7, main: expect.stringContaining(ready) });
    keeping.close();
    expect(await other.steps()).toEqual([]);
    expect(seen()).toEqual({ limit: 7, main: expect.stringContaining("cmd/run") });
    expect(other.log).toEqual([]);
  });

  test("a program of another runtime is run as ever, and that is said", async () => {
    const lines: string[] = [];
    const engine = { pulumi: "pulumi", directory: project.directory, env: {} };
    const keeping = keepReady({
      engine,
      settings: () => Promise.resolve({ runtime: "python" }),
      log: (line) => lines.push(line),
    });
    kept.push(keeping);
    keeping.prepare();
    await until("it is said", () => lines.length > 0);
    expect(lines).toEqual([
      expect.stringContaining("Pulumi isn't kept loaded: the runtime in Pulumi.yaml isn't nodejs"),
    ]);
    expect(await keeping.take()).toBeUndefined();
  });
});
