// What the tests of the local backend share: a place on the disk that is cleaned up whatever happens, volumes to ask for, and
// child processes.
import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import type { LocalSettings } from "../../../../src/backends/local/settings";
import { hasCapability } from "../../../../components/host/capabilities";
import { LocalVolumeError } from "../../../../components/host/errors";
import type { CreateVolumeRequest, LocalVolume } from "../../../../components/backends/local/lifecycle";
import { asContainer, loopReason } from "../../../support/machine";
import type { ChildTask } from "./child";
import { compileChild } from "./compiled";

export const whyNoLoop = loopReason();
export const canLoop = whyNoLoop === undefined;
export const isRoot = process.geteuid?.() === 0;
/** Otherwise a volume is unmounted for the moment in which it grows. */
export const canGrowMounted = process.platform === "linux" && hasCapability("CAP_SYS_RESOURCE");

/** Promises more than the machine may have: the images stay nearly empty. */
export const loop: LocalSettings = { mode: "loop", iopsLimit: 0, throughputLimitMiBps: 0, overcommit: true };
export const directory: LocalSettings = { ...loop, mode: "directory" };

/**
 * A new directory, taken away after the tests of this file with all volumes, mounts and processes in it; and in it a new state
 * directory for each test.
 */
export function workspace(): { root: string; state: string } {
  const root = path.join(os.tmpdir(), `storage-profiles-test-${randomUUID()}`);
  // Not made for tests that are skipped; and open to the children of other users.
  beforeAll(() => fs.mkdirSync(root, { mode: 0o755, recursive: true }));
  afterAll(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    cleanUp(root);
  });
  let count = 0;
  const space = { root, state: "" };
  beforeEach(() => {
    space.state = path.join(root, `state-${++count}`);
  });
  return space;
}

/** Unmounts, detaches and removes everything at and below a directory. */
export function cleanUp(root: string): void {
  // A disk that a test mounted is free only when what is on it is detached.
  for (let round = 0; round < 2; round++) {
    for (const mount of mountsBelow(root).reverse()) quietly("umount", mount);
    for (const device of devicesBelow(root)) quietly("losetup", "--detach", device);
  }
  if (mountsBelow(root).length === 0) fs.rmSync(root, { recursive: true, force: true });
}

/** Read without the code under test: what that gets wrong must still be cleaned up. */
export function mountsBelow(root: string): string[] {
  const lines = fs.readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n");
  return lines.map((line) => line.split(" ")[4]!.replaceAll("\\040", " ")).filter((mount) => mount.startsWith(root));
}

/** The loop devices attached to files in a directory, removed files included. */
export function devicesBelow(root: string): string[] {
  return fs
    .readdirSync("/sys/block")
    .filter((name) => name.startsWith("loop") && backingFile(name).startsWith(root))
    .map((name) => `/dev/${name}`);
}

function backingFile(name: string): string {
  try {
    return fs.readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8");
  } catch {
    return "";
  }
}

/** Everything in a directory, hidden files included, relative to it. */
export function tree(root: string): string[] {
  return (fs.readdirSync(root, { recursive: true }) as string[]).sort();
}

/** What is left of volumes in a state directory: nothing, if all were deleted as they should be. */
export function leftovers(state: string): string[] {
  const ours = [".storage-profiles", "locks", "volumes"];
  const files = [...fs.readdirSync(state).filter((name) => !ours.includes(name)), ...tree(path.join(state, "volumes"))];
  return [...files, ...mountsBelow(state), ...devicesBelow(state)];
}

/** What is left of one volume. */
export function leftoversOf(id: string): string[] {
  return [...(fs.existsSync(id) ? [id] : []), ...mountsBelow(`${id}/`), ...devicesBelow(`${id}/`)];
}

export function request(state: string, name: string, change: Partial<CreateVolumeRequest> = {}): CreateVolumeRequest {
  return {
    stateDirectory: state,
    project: "shop",
    stack: "dev",
    name,
    owner: `urn:${name}`,
    sizeGiB: 1,
    settings: loop,
    ...change,
  };
}

/** Writes a file into a volume so that it is on its disk; gives its content. */
export function writeData(volume: Pick<LocalVolume, "mountPath">): string {
  const content = `data of ${volume.mountPath}\n`.repeat(10_000);
  fs.writeFileSync(path.join(volume.mountPath, "data.txt"), content, { flush: true });
  return content;
}

export function readData(volume: Pick<LocalVolume, "mountPath">): string {
  return fs.readFileSync(path.join(volume.mountPath, "data.txt"), "utf8");
}

/** The size of the file system at a path, in whole GiB. */
export function fileSystemGiB(at: string): number {
  const { blocks, bsize } = fs.statfsSync(at);
  return Math.ceil((blocks * bsize) / 1024 ** 3);
}

/** The error that an operation ends with; it must be one for users, without a stack. */
export async function failure(operation: Promise<unknown>): Promise<LocalVolumeError> {
  const error: unknown = await operation.then(
    () => new Error("expected the operation to fail"),
    (reason: unknown) => reason,
  );
  // What isn't an error for users is a failure of the test as it is.
  if (!(error instanceof LocalVolumeError)) throw error as Error;
  expect(error.stack).toBe(`LocalVolumeError: ${error.message}`);
  return error;
}

/** What a reboot does to a volume. */
export function detach(volume: Pick<LocalVolume, "mountPath" | "device">): void {
  system("umount", volume.mountPath);
  if (volume.device !== null) system("losetup", "--detach", volume.device);
}

export function system(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function quietly(command: string, ...args: string[]): void {
  try {
    system(command, ...args);
  } catch {
    // Cleaning up goes as far as it goes.
  }
}

/** One line of a child's output. */
export interface ChildLine {
  at: number;
  started?: number;
  step?: string;
  result?: unknown;
  error?: { code?: string; message: string; stack: string };
}

export interface Child {
  process: ChildProcess;
  /** All that it printed, when it has ended. */
  ended: Promise<ChildLine[]>;
  /** Resolves when it prints a line that has this. */
  until(seen: (line: ChildLine) => boolean): Promise<ChildLine>;
}

const children: ChildProcess[] = [];
const scripts = new Map<string, string>();

/** Starts an operation in a process of its own. */
export function startChild(root: string, task: ChildTask, user?: number): Child {
  const script = scripts.get(root) ?? compileChild(path.join(root, "compiled"));
  scripts.set(root, script);
  const identity = user === undefined ? {} : { uid: user, gid: user };
  const child = spawn(process.execPath, [script, JSON.stringify(task)], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
    ...identity,
  });
  children.push(child);
  const lines: ChildLine[] = [];
  const listeners: (() => void)[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const complete = (rest + text).split("\n");
    rest = complete.pop() ?? "";
    lines.push(...complete.map((line) => JSON.parse(line) as ChildLine));
    for (const listener of listeners) listener();
  });
  const ended = new Promise<ChildLine[]>((resolve) => child.on("close", () => resolve(lines)));
  return {
    process: child,
    ended,
    until: (seen) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = lines.find(seen);
          if (line !== undefined) resolve(line);
        };
        listeners.push(look);
        look();
        void ended.then(() => reject(new Error(`the child ended after ${JSON.stringify(lines)}`)));
      }),
  };
}

/** Starts a command that is ended after the tests at the latest. */
export function startCommand(
  command: string,
  args: string[],
  options: SpawnOptions = {},
): { process: ChildProcess; end(): Promise<void> } {
  const child = spawn(command, args, options);
  children.push(child);
  const closed = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const end = () => {
    child.kill("SIGKILL");
    return closed;
  };
  return { process: child, end };
}

/** A process in a mount namespace of its own, which runs `script` there and stays, as a container would. */
export async function startContainer(
  root: string,
  script: string,
  ...args: string[]
): Promise<{ process: ChildProcess; end(): Promise<void> }> {
  const inside = `${script} echo ready && exec sleep 100`;
  const container = startCommand("unshare", asContainer(root, inside, ...args));
  await new Promise((resolve) => container.process.stdout?.once("data", resolve));
  return container;
}

/** Resolves after so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Runs jobs, some at a time. */
export async function inParallel<T>(jobs: readonly (() => Promise<T>)[], atATime: number): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < jobs.length; index = next++) results[index] = await jobs[index]!();
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return results;
}
