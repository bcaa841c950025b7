// Runs system commands: never through a shell, always with a time limit, in English.
import { execFile } from "node:child_process";

import { LocalVolumeError } from "./errors";

/** A system command that failed; its output is in the message too. */
export class CommandError extends LocalVolumeError {
  constructor(
    message: string,
    readonly command: string,
    /** The exit code; null when a signal or the time limit ended the command. */
    readonly exitCode: number | null,
    readonly stderr: string,
    readonly stdout: string,
  ) {
    super("command-failed", message);
  }
}

/** Administrators' commands aren't on every user's PATH, and not on that of a service. */
export const commandPath = [process.env.PATH, "/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
  .filter(Boolean)
  .join(":");

/** Runs a command and gives its output. Fails with a `CommandError` that has the command, exit code and error output. */
export async function run(command: string, args: readonly string[], timeoutSeconds: number): Promise<string> {
  const line = [command, ...args].join(" ");
  return new Promise((resolve, reject) => {
    const options = {
      timeout: timeoutSeconds * 1000,
      killSignal: "SIGKILL" as const,
      env: { ...process.env, LC_ALL: "C", PATH: commandPath },
    };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (error.code === "ENOENT") {
        const missing = `"${command}" isn't installed on this machine (looked in ${commandPath}). Install it and try again.`;
        return reject(new LocalVolumeError("missing-capability", missing, { cause: error }));
      }
      const exitCode = typeof error.code === "number" ? error.code : null;
      const output = [stdout.trim(), stderr.trim()].filter(Boolean).join("\n");
      const ending = error.killed
        ? `didn't end within ${timeoutSeconds} s and was killed`
        : exitCode === null
          ? `was ended by ${error.signal ?? error.message}`
          : `failed with exit code ${exitCode}`;
      reject(new CommandError(`"${line}" ${ending}${output && `: ${output}`}`, line, exitCode, stderr, stdout));
    });
    child.stdin?.end();
  });
}
