// A process of its own that runs one operation of the local backend, for tests that kill or stop it on the way. It prints one
// line of JSON for each step, and one for the result or the error.
import { withLock } from "../../../../components/backends/local/lock";
import * as volumes from "../../../../components/backends/local/lifecycle";

/** What a child is to do, given as JSON in its first argument. */
export interface ChildTask {
  call: "createVolume" | "updateVolume" | "deleteVolume" | "repairVolume" | "adoptVolume" | "holdLock";
  args: unknown[];
  /** The step after which the child kills itself. */
  dieAfter?: string;
  /** The step after which the child waits for a line on its standard input. */
  pauseAfter?: string;
}

/** However busy the machine is: who waits for the lock gets it. */
const HOLD_LOCK_WAIT_MS = 600_000;

const task = JSON.parse(process.argv[2] ?? "") as ChildTask;

void main().then(
  (result) => print({ result: result ?? null }),
  (reason: unknown) => {
    const { code, message, stack } = reason as Error & { code?: string };
    print({ error: { code, message, stack } });
  },
);

async function main(): Promise<unknown> {
  print({ started: process.pid });
  if (task.call === "holdLock") return holdLock(...(task.args as [string, string, number]));
  const operation = volumes[task.call] as (...args: unknown[]) => Promise<unknown>;
  return operation(...task.args, { observe });
}

async function observe(step: string): Promise<void> {
  print({ step });
  if (step === task.dieAfter) process.kill(process.pid, "SIGKILL");
  if (step !== task.pauseAfter) return;
  await new Promise((resolve) => process.stdin.once("data", resolve));
  process.stdin.pause();
}

/** Prints when it has the lock and when it gives it back. */
async function holdLock(stateDirectory: string, what: string, milliseconds: number): Promise<void> {
  await withLock(
    stateDirectory,
    what,
    "holding",
    async (lock) => {
      print({ step: "locked" });
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      await lock.assertHeld();
      print({ step: "unlocking" });
    },
    HOLD_LOCK_WAIT_MS,
  );
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify({ ...line, at: Date.now() })}\n`);
}
