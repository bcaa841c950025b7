#!/usr/bin/env node
// storage-profiles-local: the local volumes of this machine, without a Pulumi program: look, repair, limit a process.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { resolve } from "node:path";

import { Command, InvalidArgumentError } from "commander";

import { LocalVolumeError } from "../../host/errors";
import { isOurs } from "./paths";
import { limitProcess, type LimitOutcome } from "./limits";
import { defaultStateDirectory } from "./state-directory";
import { listVolumes, repairAll, repairVolume, type LocalVolumeState } from "./lifecycle";

const directoryOption = ["-d, --state-directory <path>", "directory of the volumes"] as const;

const program = new Command("storage-profiles-local")
  .description("Inspect and repair the local volumes of this machine, and apply their limits to processes.")
  .showHelpAfterError()
  .addHelpText(
    "after",
    "\nA volume is identified by its id, which is its directory: the output volumeId of a ProfiledVolume.",
  );

program
  .command("list")
  .description("list the volumes with their details and problems; exit code 2 if there are problems")
  .option(...directoryOption, absolute, defaultStateDirectory())
  .option("--json", "print JSON")
  .action(async ({ stateDirectory, json }: { stateDirectory: string; json?: boolean }) => {
    await requireStateDirectory(stateDirectory);
    const volumes = await listVolumes(stateDirectory);
    if (json) console.log(JSON.stringify(volumes, null, 2));
    else if (volumes.length === 0) console.log(`No volumes in ${stateDirectory}.`);
    else console.log(volumes.map(described).join("\n"));
    if (volumes.some(({ problems }) => problems.length > 0)) process.exitCode = 2;
  });

program
  .command("repair")
  .description("restore volumes (after a reboot: attach and mount them) and complete interrupted operations")
  .argument("[id...]", "volumes to repair; default: all in the state directory")
  .option(...directoryOption, absolute, defaultStateDirectory())
  .action(async (ids: string[], { stateDirectory }: { stateDirectory: string }) => {
    if (ids.length === 0) await requireStateDirectory(stateDirectory);
    const outcomes = ids.length > 0 ? await Promise.all(ids.map(repaired)) : await repairAll(stateDirectory);
    if (outcomes.length === 0) console.log(`No volumes in ${stateDirectory}.`);
    for (const { id, volume, error } of outcomes) {
      if (error) process.exitCode = 1;
      console.log(error ? `${id}: ${error.message}` : `${id}: ${volume ? "in order" : "its deletion is completed"}`);
    }
  });

program
  .command("limit")
  .description("apply the limits of volumes to a running process and its future children (requires root)")
  .argument("<pid>", "process id", processId)
  .argument("<id...>", "volume ids")
  .action(async (pid: number, ids: string[]) => tell(await limitProcess(pid, ids)));

program
  .command("run")
  .description("run a command with the limits of a volume (requires root)")
  .argument("<id>", "volume id")
  .argument("<command...>", "command to run, after --")
  .action(async (id: string, [command = "", ...args]: string[]) => {
    tell(await limitProcess(process.pid, [id]));
    const child = spawn(command, args, { stdio: "inherit" });
    // The terminal interrupts the child by itself; it decides what that means.
    process.on("SIGINT", () => undefined);
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
    process.exitCode = await new Promise<number>((done, failed) => {
      child.on("error", (error) => failed(new LocalVolumeError("command-failed", `${command}: ${error.message}`)));
      child.on("exit", (code, signal) => done(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
  });

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof LocalVolumeError ? error.message : error);
  process.exitCode = 1;
});

async function requireStateDirectory(directory: string): Promise<void> {
  if (await isOurs(directory)) return;
  throw new LocalVolumeError(
    "foreign-state-directory",
    `${directory} isn't a state directory of local volumes. Pass --state-directory <path>.`,
  );
}

async function repaired(id: string) {
  try {
    return { id, volume: await repairVolume(resolve(id)) };
  } catch (error) {
    if (!(error instanceof LocalVolumeError)) throw error;
    return { id, error };
  }
}

function tell(outcomes: LimitOutcome[]): void {
  for (const { id, limited, reason } of outcomes) if (!limited) console.error(`${id}: not limited: ${reason}`);
}

function described({ id, record, sizeGiB, device, mountPath, mounted, problems }: LocalVolumeState): string {
  const limits = record && [
    record.settings.iopsLimit > 0 ? `${record.settings.iopsLimit} IOPS` : "unlimited IOPS",
    record.settings.throughputLimitMiBps > 0 ? `${record.settings.throughputLimitMiBps} MiB/s` : "unlimited MiB/s",
  ];
  return [
    id,
    `  ${sizeGiB ?? "?"} GiB, ${record?.settings.mode ?? "?"}, ${limits?.join(", ") ?? "?"}`,
    `  ${mounted ? `at ${mountPath}` : "not mounted"}${device ? ` (${device})` : ""}`,
    ...problems.map((problem) => `  problem: ${problem}`),
  ].join("\n");
}

// Commander hands over the value before, too, and `resolve` would take that for a part of the path.
function absolute(path: string): string {
  return resolve(path);
}

function processId(text: string): number {
  const pid = Number(text);
  if (!Number.isInteger(pid) || pid <= 0)
    throw new InvalidArgumentError("a process id must be a positive whole number");
  return pid;
}
