// A command of this package that runs until it is stopped: a service, a plugin.

import type { ChildProcess } from "node:child_process";

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

  /** Ends the command, by force if it doesn't end by itself. Returns its exit code, `null` after a signal. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill("SIGKILL"), limitMs(60));
    const code = await this.ended;
    clearTimeout(timer);
    return code;
  }
}
