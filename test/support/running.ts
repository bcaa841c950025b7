// A command of this package that runs until it is stopped: a service, a plugin.

import { spawn, type ChildProcess } from "node:child_process";
import { linkSync, rmSync } from "node:fs";
import { createServer } from "node:net";

import { limitMs } from "../../tools/test/time.js";
import type { Project } from "./engine";

export class RunningCommand {
  private text = "";
  private readonly ended: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (part: string) => (this.text += part));
    this.ended = new Promise((done) => child.once("close", done));
  }

  /** Starts `storage-profiles` with these arguments in the project. */
  static async start(project: Project, ...args: string[]): Promise<RunningCommand> {
    return new RunningCommand(await project.serve("storage-profiles", args));
  }

  /** Starts it as systemd does by socket activation: the socket listens already, and the command inherits it as file descriptor 3. */
  static async startWithSocket(project: Project, socket: string, ...args: string[]): Promise<RunningCommand> {
    const server = createServer();
    const own = `${socket}.own`;
    await new Promise<void>((done) => server.listen(own, done));
    // Closing ours removes the path that it was made at, and no other.
    rmSync(socket, { force: true });
    linkSync(own, socket);
    const { file, env } = await project.commandOf("storage-profiles");
    const child = spawn("/bin/sh", ["-c", 'LISTEN_PID=$$ exec "$@"', "sh", process.execPath, file, ...args], {
      cwd: project.directory,
      env: { ...env, LISTEN_FDS: "1" },
      stdio: ["ignore", "pipe", "pipe", (server as unknown as { _handle: { fd: number } })._handle.fd],
    });
    server.close();
    return new RunningCommand(child);
  }

  /** Waits for output that matches; rejects when the command ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((done, failed) => {
      const look = () => {
        const match = pattern.exec(this.text);
        if (match) done(match);
        return match !== null;
      };
      if (look()) return;
      for (const stream of [this.child.stdout, this.child.stderr]) stream?.on("data", look);
      void this.ended.then((code) => look() || failed(new Error(`ended with ${code}:\n${this.text}`)));
    });
  }

  get output(): string {
    return this.text;
  }

  /** Ends the command, by force if it doesn't end by itself. Returns its exit code, `null` after a signal. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill("SIGKILL"), limitMs(60));
    const code = await this.ended;
    clearTimeout(timer);
    return code;
  }
}
