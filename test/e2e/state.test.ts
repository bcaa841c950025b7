// Shared state: stacks on PostgreSQL and on S3, by every interface, and by two machines at once: processes with homes and host names of their own
// in one checkout, as a shared directory has it.

import { spawn, type ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { stringify } from "yaml";

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

  /** Waits until the program waits; `others` are stacks that come before it. */
  async waits(stack = "dev", others = 0): Promise<void> {
    await until("the program waits", () => existsSync(this.file(`waiting-${stack}`)), {
      seconds: 120 + 30 * others,
    });
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

      // The password in the state's URL never appears, neither in normal output nor in errors about an unreachable server.
      if (server.url.includes(server.secret)) {
        const unreachable = { PULUMI_BACKEND_URL: server.url.replace("127.0.0.1", "127.0.0.2") };
        for (const each of ["status --stack dev", "apply --yes --stack dev", "init other --yes"])
          shared.said += (await shared.on("alpha", each, unreachable)).text;
        expect(shared.said).toContain("postgres://pulumi:****@127.0.0.2");
      }
      expect(shared.said + shared.kept()).not.toContain(server.secret);
    });
  });

/** How many stacks a rollout goes over; its kills are the same for 20. */
const STACKS = Number(process.env["STORAGE_PROFILES_TEST_STACKS"] ?? 3);

describeIf(
  servers[0]?.reason === undefined,
  "a rollout over stacks whose state is on PostgreSQL",
  servers[0]?.reason,
  () => {
    let server: Server;
    let shared: Shared;
    const stacks = Array.from({ length: STACKS }, (_, index) => `s${String(index + 1).padStart(2, "0")}`);
    const [, second = "", third = ""] = stacks;
    const last = stacks.at(-1) ?? "";
    beforeAll(async () => {
      server = await startPostgres();
      shared = new Shared("rollout", server);
      const runtime = { name: "nodejs", options: { typescript: false } };
      const config = { "storage-profiles:catalog": { value: "./prod.yaml" } };
      shared.project.write("Pulumi.yaml", stringify({ name: "rollout", runtime, config }));
      shared.project.write("prod.yaml", "profiles: { gold: { extends: gold, local: { iops: 50 } } }\n");
      await shared.project.init("unused");
      for (const each of ["unused", "dev"]) rmSync(shared.file(`Pulumi.${each}.yaml`), { force: true });
      for (const stack of stacks) {
        const config = {
          "storage-profiles:backend": "local",
          "storage-profiles:deletionProtection": false,
          "storage-profiles:local": { mode: "directory", stateDirectory: shared.project.volumes },
          "storage-profiles:volumes": { data: { profile: "gold", sizeGiB: 1 } },
        };
        shared.project.write(`Pulumi.${stack}.yaml`, stringify({ config }));
        await shared.pulumi("alpha", "stack", "init", stack);
      }
      mkdirSync(shared.home("beta"), { recursive: true });
    });
    afterAll(async () => {
      await shared.dispose();
      await server.stop();
    });

    /** By stack: the volume's id, its IOPS, its status and what was written into it. */
    const volumes = async () => {
      const { text } = await shared.on("alpha", "status --all --json");
      const found = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)).stacks;
      return found.map(({ stack, volumes: [volume] }: any) => ({
        ...{ stack, id: volume.volumeId, iops: volume.recorded?.settings.iopsLimit, status: volume.status },
        data: readFileSync(join(volume.mountPath, "precious"), "utf8"),
      }));
    };
    /** The process that holds a stack's lock, as a command says that was refused for it. */
    const holderIn = ({ text }: Ran) => Number(/locked by \S+ \S+: root@alpha \(pid (\d+)\)/.exec(text)?.[1]);

    test("survives kills between waves, in a wave, and of engines: resumed it finishes, reverted it goes back, each volume once", async () => {
      expect(succeeded(await shared.on("alpha", "apply --all --yes"))).toBeTruthy();
      for (const { mountPath } of JSON.parse(
        (await shared.on("alpha", "status --all --json")).text.replace(/^[^{]*/, ""),
      ).stacks.map(({ volumes: [volume] }: any) => volume))
        writeFileSync(join(mountPath, "precious"), mountPath);
      const before = await volumes();

      // The command is killed between two waves: the first volume is done, and no other was begun.
      const rollout = await shared.serve(
        "alpha",
        "apply --all --profile gold --in catalog --set local.iops=77 --waves 1,50%,100% --pause 1h --yes",
      );
      const [, id = ""] = await rollout.printed(/^rollout (\w{8}): /m);
      await rollout.printed(/waiting 3600 s before the next wave/);
      await rollout.kill();
      const started = await volumes();
      expect(started.map(({ iops, status }: any) => [iops, status])).toEqual(
        stacks.map((_, index) => (index === 0 ? [77, "compliant"] : [50, "out-of-date"])),
      );

      // Resumed, it is killed in the second wave; the engine that it has started goes on.
      shared.hold(second);
      const inWave = await shared.serve("alpha", `apply --resume ${id} --pause 0s --yes`);
      await shared.waits(second);
      await inWave.kill(false);
      // Only one goes on with it at a time, and it waits for the engine.
      const resumed = await shared.serve("alpha", `apply --resume ${id} --wait 3600 --yes`);
      await resumed.printed(/waiting for the stack's lock: root@alpha \(pid \d+\)/);
      expect(await shared.on("alpha", `apply --resume ${id} --yes`)).toMatchObject({
        code: 5,
        text: expect.stringMatching(/is in use by process \d+ on alpha[^]*\[rollout-busy\]/),
      });
      // What the command has recorded is on its machine; the stack's lock is everywhere.
      expect(await shared.on("beta", `apply --revert ${id} --yes`)).toMatchObject({
        code: 1,
        text: expect.stringContaining("[rollout-unknown]"),
      });
      const locked = await shared.on("beta", `apply data --yes --stack ${second}`);
      expect(locked.code).toBe(5);
      // Then the engine is killed as well: its lock is taken away where it was, and the rollout goes on.
      shared.hold(last);
      shared.release(second);
      process.kill(-holderIn(locked), "SIGKILL");
      await shared.waits(last, STACKS);
      // In the last wave the command is killed together with its engines, as by a machine that fails.
      await resumed.kill();
      shared.release(last);
      expect(resumed.text).toMatch(/removing the lock of a killed run[^]*^wave 3 of 3: /m);
      expect(resumed.text).not.toContain("is complete");
      const finished = await shared.on("alpha", `apply --resume ${id} --yes`);
      expect(finished.text).toMatch(new RegExp(`removing the lock of a killed run[^]*${STACKS} volumes are compliant`));
      // What was done before isn't begun again.
      expect(finished.text).not.toMatch(/^wave [12] of 3: /m);
      expect(finished.code).toBe(0);
      expect(await volumes()).toEqual(before.map((each: object) => ({ ...each, iops: 77 })));

      // On its way back an engine is killed alone: what is left is said, and it is reverted by the same command again.
      shared.hold(third);
      const back = await shared.serve("alpha", `apply --revert ${id} --yes`);
      await shared.waits(third);
      process.kill(-holderIn(await shared.on("beta", `apply data --yes --stack ${third}`)), "SIGKILL");
      shared.release(third);
      const failed = await back.ended;
      expect([failed.code, failed.text]).toEqual([
        4,
        expect.stringMatching(new RegExp(`isn't reverted[^]*To go back, run: .* --revert ${id}`)),
      ]);
      expect(await shared.on("alpha", `apply --revert ${id} --yes`)).toMatchObject({
        code: 0,
        text: expect.stringMatching(
          new RegExp(`removing the lock of a killed run[^]*${STACKS} volumes have the former`),
        ),
      });
      expect(await volumes()).toEqual(before);
      expect(readFileSync(shared.file("prod.yaml"), "utf8")).toContain("iops: 50");
      // By Pulumi's own record, no volume was changed more than once on each way. A run that was killed isn't in it.
      for (const stack of stacks) {
        const history = JSON.parse(await shared.pulumi("alpha", "stack", "history", "--json", "--stack", stack));
        const updates = history.filter(({ resourceChanges }: any) => resourceChanges.update > 0);
        expect([1, 2]).toContain(updates.length);
        expect(
          history.every(({ resourceChanges }: any) => !(resourceChanges.delete > 0 || resourceChanges.replace > 0)),
        ).toBe(true);
      }
      expect(shared.said + shared.kept()).not.toContain(server.secret);
    });
  },
);
