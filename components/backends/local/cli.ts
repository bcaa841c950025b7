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

const directoryOption = ["-d, --state-directory <path>", "the directory that holds the volumes"] as const;

const program = new Command("storage-profiles-local")
  .description("The local volumes of this machine: look at them, repair them, put processes under their limits.")
  .showHelpAfterError()
  .addHelpText(
    "after",
    "\nA volume is named by its id, which is its directory: the output volumeId of a ProfiledVolume.",
  );

program
  .command("list")
  .description("lists the volumes, what they are made of, and what is wrong with them; exit code 2 where something is")
  .option(...directoryOption, absolute, defaultStateDirectory())
  .option("--json", "print JSON")
  .action(async ({ stateDirectory, json }: { stateDirectory: string; json?: boolean }) => {
    await requireStateDirectory(stateDirectory);
    const volumes = await listVolumes(stateDirectory);
    if (json) console.log(JSON.stringify(volumes, null, 2));
    else if (volumes.length === 0) console.log(`There are no volumes in ${stateDirectory}.`);
    else console.log(volumes.map(described).join("\n"));
    if (volumes.some(({ problems }) => problems.length > 0)) process.exitCode = 2;
  });

program
  .command("repair")
  .description("brings volumes back (after a reboot: attaches and mounts them) and finishes what was interrupted")
  .argument("[id...]", "the volumes; without one, all in the state directory")
  .option(...directoryOption, absolute, defaultStateDirectory())
  .action(async (ids: string[], { stateDirectory }: { stateDirectory: string }) => {
    if (ids.length === 0) await requireStateDirectory(stateDirectory);
    const outcomes = ids.length > 0 ? await Promise.all(ids.map(repaired)) : await repairAll(stateDirectory);
    if (outcomes.length === 0) console.log(`There are no volumes in ${stateDirectory}.`);
    for (const { id, volume, error } of outcomes) {
      if (error) process.exitCode = 1;
      console.log(error ? `${id}: ${error.message}` : `${id}: ${volume ? "in order" : "its deletion is finished"}`);
    }
  });

program
  .command("limit")
  .description("puts a running process, and what it starts from then on, under the limits of volumes (needs root)")
  .argument("<pid>", "the process", processId)
  .argument("<id...>", "the volumes")
  .action(async (pid: number, ids: string[]) => tell(await limitProcess(pid, ids)));

program
  .command("run")
  .description("runs a command under the limits of a volume (needs root)")
  .argument("<id>", "the volume")
  .argument("<command...>", "the command, after --")
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
    `${directory} isn't a state directory of local volumes. Say which one is: --state-directory <path>.`,
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
  if (!Number.isInteger(pid) || pid <= 0) throw new InvalidArgumentError("a process id is a positive whole number");
  return pid;
}
