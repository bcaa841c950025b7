// Shared state: stacks on PostgreSQL and on S3, by every interface, and by two machines at once: processes with homes and host names of their own
// in one checkout, as a shared directory has it.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { until } from "../../tools/test/time.js";
import { environmentOf } from "../labs/python.js";
import { postgresReason, startPostgres, startS3 } from "../labs/state/lab.js";
import { Project, succeeded, type Ran } from "../support/engine";
import { ask } from "../support/http";
import { describeIf } from "../support/machine";
import { callPlugin } from "../support/plugin";
import { killDescendants, killProcessesWith } from "../support/processes";

const PROGRAM = `
const { volumesOfStack } = require("storage-profiles");
const { existsSync, writeFileSync } = require("node:fs");
for (const [name, asked] of Object.entries(volumesOfStack())) new ProfiledVolume(name, asked);
// Where the file is there, the program waits until it is gone, and says so by another file.
const wait = \`wait-\${pulumi.getStack()}\`;
if (!pulumi.runtime.isDryRun() && existsSync(wait)) {
  writeFileSync(wait.replace("wait", "waiting"), "");
  new Promise((done) => {
    const look = () => existsSync(wait) ? setTimeout(look, 50) : done();
    look();
  });
}
`;

const cli = resolve(__dirname, "../../dist/src/cli/main.js");

type Server = Awaited<ReturnType<typeof startPostgres>>;

/** A command that runs on a machine. */
class Running {
  text = "";
  readonly ended: Promise<Ran>;

  constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (part: string) => (this.text += part));
    this.ended = new Promise((done) => child.once("close", (code) => done({ code: code ?? 1, text: this.text })));
  }

  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    await until(`it prints ${pattern}`, () => pattern.test(this.text) || this.child.exitCode !== null);
    const found = pattern.exec(this.text);
    if (!found) throw new Error(`ended:\n${this.text}`);
    return found;
  }

  /** kill -9 of the command, and where asked of the engine that it has started. */
  async kill(withEngine = true): Promise<void> {
    if (withEngine) killDescendants(this.child);
    else this.child.kill("SIGKILL");
    await this.ended;
  }
}

/** The machines that share a checkout and a state. */
class Shared {
  readonly project: Project;
  /** All that anything has printed. */
  said = "";
  private readonly folders = mkdtempSync(join(tmpdir(), "sp-machines-"));
  private readonly started: ChildProcess[] = [];

  constructor(
    name: string,
    readonly server: Server,
  ) {
    this.project = new Project(name, PROGRAM);
  }

  file(name: string): string {
    return join(this.project.directory, name);
  }

  home(machine: string): string {
    return join(this.folders, machine);
  }

  /** Starts a program on a machine; its host may have another's name. */
  async begin(machine: string, file: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Running> {
    const host = machine.replace(/-.*/, "");
    const command = ["--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host, file, ...args];
    const all = await this.project.env({
      ...this.server.env,
      HOME: this.home(machine),
      PULUMI_HOME: this.home(machine),
      XDG_STATE_HOME: join(this.home(machine), "state"),
      PULUMI_BACKEND_URL: this.server.url,
      PULUMI_STACK: undefined,
      ...env,
    });
    const child = spawn("unshare", command, {
      cwd: this.project.directory,
      env: all,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.started.push(child);
    const running = new Running(child);
    void running.ended.then(({ text }) => (this.said += text));
    return running;
  }

  /** Runs a command of ours on a machine. */
  async on(machine: string, line: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    return (await this.serve(machine, line, env)).ended;
  }

  serve(machine: string, line: string, env: NodeJS.ProcessEnv = {}): Promise<Running> {
    return this.begin(machine, process.execPath, [cli, ...line.split(" ")], env);
  }

  async pulumi(machine: string, ...args: string[]): Promise<string> {
    return succeeded(
      await (
        await this.begin(machine, await this.project.pulumi(), [...args, "--non-interactive"])
      ).ended,
    );
  }

  hold(stack = "dev"): void {
    rmSync(this.file(`waiting-${stack}`), { force: true });
    writeFileSync(this.file(`wait-${stack}`), "");
  }

  release(stack = "dev"): void {
    rmSync(this.file(`wait-${stack}`), { force: true });
  }

  async waits(stack = "dev"): Promise<void> {
    await until("the program waits", () => existsSync(this.file(`waiting-${stack}`)));
  }

  /** All that the machines have on disk besides Pulumi's own home, as text. */
  kept(): string {
    const files = readdirSync(this.folders, { recursive: true, encoding: "utf8" }).filter((each) =>
      each.includes("storage-profiles-operations"),
    );
    return files
      .map((each) => join(this.folders, each))
      .filter((each) => statSync(each).isFile())
      .map((each) => readFileSync(each, "utf8"))
      .join("\n");
  }

  async dispose(): Promise<void> {
    for (const child of this.started) if (child.exitCode === null && child.signalCode === null) killDescendants(child);
    // An engine that was killed leaves its providers behind.
    for (const machine of readdirSync(this.folders)) killProcessesWith(`PULUMI_HOME=${this.home(machine)}`);
    rmSync(this.folders, { recursive: true, force: true });
    await this.project.dispose();
  }
}

const root = process.getuid?.() === 0 ? undefined : "host names of their own need root";
const python = environmentOf("aws");
const servers = [
  { name: "PostgreSQL", reason: root ?? postgresReason(), start: () => startPostgres() },
  { name: "S3", reason: root ?? python.reason, start: () => startS3() },
];

const LIST = ({ text }: Ran) =>
  Object.fromEntries(
    JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)).volumes.map(({ name, status }: any) => [
      name,
      status,
    ]),
  );

for (const { name, reason, start } of servers)
  describeIf(reason === undefined, `a stack whose state is on ${name}`, reason, () => {
    let server: Server;
    let shared: Shared;
    beforeAll(async () => {
      server = await start();
      shared = new Shared(`shared-${name.toLowerCase()}`, server);
      shared.project.config({
        local: { mode: "directory" },
        deletionProtection: false,
        docker: { defaultSize: "1GiB" },
      });
      await shared.project.init();
      await shared.pulumi("alpha", "stack", "init", "dev");
    });
    afterAll(async () => {
      await shared.dispose();
      await server.stop();
    });

    test("is changed by two machines at once, by each interface, and after kills; a lock is only taken where its holder was", async () => {
      // At once: no edit is lost, no volume, and the second waits for the first.
      const both = await Promise.all(
        [
          ["alpha", "apply data@gold --size 1 --yes --wait 600 --stack dev"],
          ["beta", "apply logs@bronze --size 1 --yes --wait 600 --stack dev"],
        ].map(([machine = "", line = ""]) => shared.on(machine, line)),
      );
      expect(both).toMatchObject([{ code: 0 }, { code: 0 }]);
      expect(LIST(await shared.on("alpha", "status --stack dev --json"))).toEqual({
        data: "compliant",
        logs: "compliant",
      });

      // By HTTP on one, and by Docker's protocol on the other.
      const token = await shared.on("beta", "token --tokens tokens.json --name them --role write");
      const headers = { authorization: `Bearer ${succeeded(token).trim()}` };
      const listen = "--listen 127.0.0.1:0 --tokens tokens.json --log-level error";
      const service = await shared.serve("beta", `serve --stack dev ${listen}`);
      const [, url = ""] = await service.printed(/^Serving at (\S+)$/m);
      const socket = join(shared.home("alpha"), "p.sock");
      const plugin = await shared.serve(
        "alpha",
        `docker-plugin --stack dev --socket ${socket} --state-directory ${join(shared.home("alpha"), "docker")}`,
      );
      await plugin.printed(/serving stack dev/);
      const [{ status, body }, created] = await Promise.all([
        ask(url, "/v1/configuration/volumes", { headers, json: { name: "web@silver", sizeGiB: 1 } }),
        callPlugin(socket, "VolumeDriver.Create", { Name: "box@bronze" }),
      ]);
      expect([status, created]).toEqual([202, {}]);
      await ask(url, `/v1/operations/${body.operation.id}/events`, { headers });
      const operations = (await ask(url, "/v1/operations", { headers })).body;
      expect(operations[0]).toMatchObject({ state: "succeeded", volumes: ["web"] });
      shared.said += JSON.stringify(operations);
      await Promise.all([service.kill(), plugin.kill()]);
      expect(LIST(await shared.on("beta", "status --stack dev --json"))).toEqual(
        Object.fromEntries(["data", "logs", "web", "box"].map((each) => [each, "compliant"])),
      );

      // Killed in the middle, with its engine: its lock stays, and is its machine's to take away.
      shared.hold();
      const victim = await shared.serve("beta", "apply data@silver --yes --stack dev");
      await shared.waits();
      const locked = expect.stringMatching(/the stack is locked by another run: root@beta \(pid \d+\), since 20/);
      await victim.kill();
      shared.release();
      expect(await shared.on("alpha", "apply --yes --stack dev")).toMatchObject({ code: 5, text: locked });
      // Nor does another machine of the same name take it, or recommend to.
      expect(await shared.on("beta-2", "apply --yes --stack dev")).toMatchObject({
        code: 5,
        text: expect.stringMatching(
          /a run that isn't running here: root@beta[^]*if no other machine or container is named beta/,
        ),
      });
      expect(await shared.on("beta", "plan --stack dev")).toMatchObject({ code: 0 });
      expect(await shared.on("beta", "apply --yes --stack dev")).toMatchObject({
        code: 0,
        text: expect.stringMatching(/removing the lock of a killed run: root@beta/),
      });
      expect(await shared.on("alpha", "status --stack dev")).toMatchObject({ code: 0 });
      expect(await shared.on("alpha", "cost --stack dev")).toMatchObject({ code: 0 });
      expect(await shared.on("alpha", "validate --stack dev")).toMatchObject({ code: 0 });

      // The password of the state's URL is told nowhere: not where all is well, nor where it can't be reached.
      if (server.url.includes(server.secret)) {
        const unreachable = { PULUMI_BACKEND_URL: server.url.replace("127.0.0.1", "127.0.0.2") };
        for (const each of ["status --stack dev", "apply --yes --stack dev", "init other --yes"])
          shared.said += (await shared.on("alpha", each, unreachable)).text;
        expect(shared.said).toContain("postgres://pulumi:****@127.0.0.2");
      }
      expect(shared.said + shared.kept()).not.toContain(server.secret);
    });
  });
