// The command `cio`, for what the REST API lacks. Its arguments are an array and never a shell's text, and what it prints decides: it may
// exit with 0 and have failed.

import { execFile } from "node:child_process";

import { COMMAND_PAUSES } from "./assumed";
import { keyOf, type Connection } from "./connection";
import { CioError, refused } from "./errors";

/** By these the command says that it should be tried again: it didn't reach the daemon. */
const TRY_AGAIN = /cli_client ERROR|cio daemon/;

/** The command, where the connection names one. */
export class CioCommand {
  constructor(
    private readonly path: string,
    private readonly connection: Connection,
  ) {}

  static of(connection: Connection): CioCommand | undefined {
    const { cliPath } = connection;
    return cliPath === undefined ? undefined : new CioCommand(cliPath, connection);
  }

  /** Runs it, and returns what it says it did. */
  async carryOut(args: readonly string[], what: string): Promise<string> {
    for (const pause of COMMAND_PAUSES) {
      const printed = await this.run(args, what);
      if (!TRY_AGAIN.test(printed)) return outcome(printed, what);
      await new Promise((done) => setTimeout(done, pause));
    }
    return outcome(await this.run(args, what), what);
  }

  private run(args: readonly string[], what: string): Promise<string> {
    return new Promise((done, fail) => {
      const { timeoutMs } = this.connection;
      const options = { timeout: timeoutMs, maxBuffer: 16 << 20, windowsHide: true };
      const child = execFile(this.path, [...args], options, (error, stdout, stderr) => {
        const printed = `${stdout}\n${stderr}`;
        if (!error) return done(printed);
        const { code, killed, message } = error;
        if (killed === true)
          return fail(
            new CioError("timed-out", `${what}: ${this.path} did not end within ${timeoutMs / 1000} s.`, {
              unsettled: true,
            }),
          );
        // A number is the exit status: what it printed counts. Anything else: it was not started.
        if (typeof code === "number" || code === null || code === undefined) return done(printed);
        fail(
          new CioError(
            "unreachable",
            `${what}: ${this.path} can't be run: ${message}. Check ${keyOf(this.connection, "cliPath")}.`,
          ),
        );
      });
      child.stdin?.end();
    });
  }
}

function outcome(printed: string, what: string): string {
  const line = printed
    .split("\n")
    .find((each) => /^\s*(Succeed|Success|Fail|Error):/.test(each))
    ?.trim();
  if (line === undefined) {
    const said = printed.trim().split("\n").at(-1) ?? "";
    const message = `${what}: the command says neither "Succeed:" nor "Fail:"${said === "" ? "" : `, but "${said}"`}.`;
    throw new CioError("answer-unreadable", message, { unsettled: true });
  }
  if (/^(Fail|Error)/.test(line)) throw refused(what, line);
  return line.replace(/^\w+:\s*/, "");
}
