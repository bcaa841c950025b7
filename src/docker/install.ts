// Installs the Docker plugin as a service of this machine, and takes it back. What is there and wasn't written by us is left alone.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, promises as fs } from "node:fs";
import * as path from "node:path";

import { StackError } from "../stack/errors";
import { isServed } from "./socket";
import { installedFiles, socketPath, unitName, type UnitOptions } from "./unit";
import { stackError } from "./problems";

/** How it is installed. */
export interface InstallOptions {
  /** The directory that stands for `/`. Another one than that is only written to: no service is started. Default: "/". */
  root?: string | undefined;
  /** Only says what would be done. */
  dryRun?: boolean | undefined;
  /** Runs systemctl. Default: the one of this machine, where systemd runs. */
  systemctl?: ((args: string[]) => Promise<void>) | undefined;
  /** Takes what there is to tell, a line each. */
  log: (line: string) => void;
}

/**
 * Writes the units, and starts the socket and the service. Done again it changes nothing, or what is to be another. Problems: `install-…`, and
 * `socket-in-use` where a plugin that isn't installed serves Docker already. Throws where the package for services is missing.
 */
export async function install(unit: UnitOptions, options: InstallOptions): Promise<void> {
  // Without that package systemd would start the service again and again, and Docker wait for each call.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- it throws when it is loaded, and `uninstall` does without
  require("../system/service-package");
  const { log, dryRun } = options;
  const { files: there, directories: before } = await installed(unit.name, options);
  const socket = inRoot(socketPath(unit.name), options);
  // systemd would put its own socket in that place, and leave the other plugin running on the same volumes.
  if (there.size === 0 && (await isServed(socket))) throw stackError("socket-in-use", socket, undefined, { socket });
  const files = installedFiles(unit);
  const missing = files.flatMap((file) => missingDirectories(file.path, options));
  const directories = [...new Set([...before, ...missing])];
  const wanted = files.map(({ path, text }) => ({ path, text: signed(text, directories) }));
  let isChanged = false;
  for (const { path: file, text } of wanted) {
    if (there.get(file) === text) {
      log(`${file} is up to date.`);
      continue;
    }
    isChanged = true;
    log(`${dryRun ? "Would write" : "Writing"} ${file}${dryRun ? `:\n${text}` : "."}`);
    if (!dryRun) await write(inRoot(file, options), text);
  }
  const units = unitsOf(unit.name, files);
  // A socket can't be restarted under a service that has it.
  const stop = isChanged ? [["stop", ...units]] : [];
  await control([["daemon-reload"], ["enable", ...units], ...stop, ["start", ...units]], options);
}

/** Stops the service, and removes what {@link install} wrote and made. Nothing is there: that is as good. Problems: `install-…`. */
export async function uninstall(name: string, options: InstallOptions): Promise<void> {
  const { files, directories } = await installed(name, options);
  if (files.size === 0) {
    options.log("Not installed.");
    return;
  }
  const there = [...files.keys()].map((file) => ({ path: file }));
  await control([["disable", "--now", ...unitsOf(name, there)]], options);
  for (const file of files.keys()) await take(file, options);
  // Others may have put something there.
  if (!options.dryRun) {
    for (const each of [...directories].reverse()) await fs.rmdir(inRoot(each, options)).catch(() => undefined);
  }
  await control([["daemon-reload"]], options);
}

/** The units among these files, the socket first. */
function unitsOf(name: string, files: readonly { path: string }[]): string[] {
  const names = files.map((file) => path.basename(file.path));
  return [unitName(name, "socket"), unitName(name)].filter((unit) => names.includes(unit));
}

const SYSTEM = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/**
 * The PATH of the service: the system's folders, then those of node and of the caller's `pulumi`. Not the caller's as it is: `npx` puts folders
 * of the project first, and who may write there would run programs as root. Problem: `engine-missing`.
 */
export function servicePath(callersPath: string, node: string): string {
  const isIn = (folder: string) => {
    try {
      accessSync(path.join(folder, "pulumi"), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  const folders = callersPath
    .split(path.delimiter)
    .filter((each) => path.isAbsolute(each) && !/\/node_modules(\/|$)/.test(each));
  const pulumi = folders.find(isIn);
  if (pulumi === undefined)
    throw stackError("engine-missing", "pulumi", undefined, { why: "`pulumi` not found on PATH" });
  return [...new Set([...SYSTEM, path.dirname(node), pulumi])].join(path.delimiter);
}

interface Installed {
  /** The files that are there, by their paths. */
  files: Map<string, string>;
  /** The directories that were made for them, outermost first. */
  directories: string[];
}

/** What is there of an installation, all of it as we wrote it. Problem: `install-not-ours`. */
async function installed(name: string, options: InstallOptions): Promise<Installed> {
  const files = new Map<string, string>();
  const directories = new Set<string>();
  for (const { path: file } of installedFiles({ name, command: [], args: [], what: "", environment: {} })) {
    const text = await readIfThere(file, options);
    if (text === undefined) continue;
    const refuse = (why: string) => stackError("install-not-ours", file, undefined, { file, why });
    for (const each of directoriesOf(text, refuse)) directories.add(each);
    files.set(file, text);
  }
  return { files, directories: [...directories] };
}

const SIGN = '# Written by "storage-profiles docker-plugin install"; "uninstall" takes it back.';

/** A unit begins with who wrote it, a checksum of the rest, and which directories were made. */
function signed(text: string, directories: string[]): string {
  return `${SIGN} ${sumOf(JSON.stringify(directories) + text)} ${JSON.stringify(directories)}\n${text}`;
}

function directoriesOf(text: string, refuse: (why: string) => Error): string[] {
  const [head, rest] = [text.slice(0, text.indexOf("\n")), text.slice(text.indexOf("\n") + 1)];
  if (!head.startsWith(SIGN)) throw refuse("it wasn't written by this command");
  const [, sum, directories = "[]"] = /^ ([0-9a-f]{16}) (\[.*\])$/.exec(head.slice(SIGN.length)) ?? [];
  if (sumOf(directories + rest) !== sum) throw refuse("it was changed since it was written");
  return JSON.parse(directories) as string[];
}

function sumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

async function readIfThere(file: string, options: InstallOptions): Promise<string | undefined> {
  const at = inRoot(file, options);
  const stats = await possible(`${file} can't be read`, () => fs.lstat(at));
  if (!stats) return undefined;
  const params = { file, why: "not a regular file" };
  if (!stats.isFile()) throw stackError("install-not-ours", file, undefined, params);
  return possible(`${file} can't be read`, () => fs.readFile(at, "utf8"));
}

async function take(file: string, options: InstallOptions): Promise<void> {
  options.log(`${options.dryRun ? "Would remove" : "Removing"} ${file}.`);
  if (options.dryRun) return;
  await possible(`${file} can't be removed`, () => fs.rm(inRoot(file, options), { force: true }));
}

function missingDirectories(file: string, options: InstallOptions): string[] {
  const missing: string[] = [];
  for (let at = path.dirname(file); at !== "/" && !existsSync(inRoot(at, options)); at = path.dirname(at)) {
    missing.unshift(at);
  }
  return missing;
}

// Whole or not at all.
async function write(file: string, text: string): Promise<void> {
  await possible(`${file} can't be written`, async () => {
    await fs.mkdir(path.dirname(file), { recursive: true });
    const beside = `${file}.${process.pid}.new`;
    const handle = await fs.open(beside, "wx", 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(beside, file);
  });
}

async function control(commands: string[][], options: InstallOptions): Promise<void> {
  const systemctl = options.systemctl ?? ofThisMachine(options);
  for (const args of commands) {
    const line = `systemctl ${args.join(" ")}`;
    if (!systemctl) options.log(`Skipped: systemd isn't running: ${line}`);
    else if (options.dryRun) options.log(`Would run ${line}`);
    else await possible(`${line} failed`, () => systemctl(args));
  }
}

function ofThisMachine({ root = "/" }: InstallOptions): InstallOptions["systemctl"] {
  if (path.resolve(root) !== "/" || !existsSync("/run/systemd/system")) return undefined;
  return (args) =>
    new Promise((done, failed) => {
      execFile("systemctl", args, { timeout: 240_000 }, (error, _, stderr) => {
        if (error) failed(new Error(stderr.trim() === "" ? error.message : stderr.trim()));
        else done();
      });
    });
}

function inRoot(file: string, { root = "/" }: InstallOptions): string {
  return path.join(path.resolve(root), file);
}

// What the machine refuses becomes a problem; what isn't there is nothing.
async function possible<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StackError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw stackError("install-not-possible", what, undefined, { what, why: message });
  }
}
