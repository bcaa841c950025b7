#!/usr/bin/env node
// Makes a fresh clone ready to run, and costs nothing on one that is: installs the dependencies that package-lock.json
// names, and compiles the sources into dist/. Plain JavaScript without dependencies, since it installs them.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { UserError, atLeast, main, withLock } = require("./shared.js");

/** The folders that are compiled: `include` of tsconfig.build.json. */
const SOURCES = ["src", "components", "emulators", "plugin", "policy"];

module.exports = { setup, SOURCES };

/**
 * Both steps are judged by content, not by dates, which a checkout changes. Two processes may do this at once: one works,
 * the other waits.
 *
 * @param {object} [options]
 * @param {(line: string) => void} [options.log] takes what there is to tell. Default: standard error, to which the output
 *   of npm and of the compiler goes in any case
 * @param {string} [options.root] the clone. Default: the one this file is in
 * @param {NodeJS.ProcessEnv} [options.env] default: process.env
 * @returns {Promise<{ installed: boolean, built: boolean }>} what had to be done
 * @throws {UserError} when Node.js is too old, or a step fails
 */
async function setup({ log = console.error, root = path.dirname(__dirname), env = process.env } = {}) {
  const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
  const minimum = /^>=(\S+)$/.exec(manifest.engines?.node ?? "")?.[1];
  if (minimum && !atLeast(process.version, minimum)) {
    throw new UserError(
      `Node.js ${minimum} or newer is needed, and ${process.execPath} is ${process.version}: https://nodejs.org/`,
    );
  }
  const done = { installed: false, built: false };
  if (isInstalled(root) && isBuilt(root, manifest)) return done;

  /** @type {(holder: { pid: number, host: string } | undefined) => void} */
  const waiting = (holder) =>
    log(`Waiting for ${holder ? `process ${holder.pid}` : "another process"}, which is setting up ${root}`);
  return withLock(path.join(root, ".setup.lock"), waiting, async () => {
    if (!isInstalled(root)) {
      log("Installing the dependencies: npm ci");
      await npm(
        ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
        root,
        env,
        "npm says why above; where it is the network: npm config set proxy URL.",
      );
      done.installed = true;
    }
    if (!isBuilt(root, manifest)) {
      log("Compiling: npm run build");
      await build(root, manifest, env);
      done.built = true;
    }
    return done;
  });
}

// ---- dependencies ----------------------------------------------------------------------------------------------------

/**
 * npm writes what it has installed to node_modules/.package-lock.json, in the form of package-lock.json and as its last
 * act. So an installation that was interrupted, a lock file that has changed since, and `--omit=dev` all show.
 *
 * @param {string} root
 */
function isInstalled(root) {
  const installed = packages(path.join(root, "node_modules", ".package-lock.json"));
  const wanted = packages(path.join(root, "package-lock.json"));
  if (!installed || !wanted) return false;
  return Object.entries(wanted).every(([location, one]) => {
    const other = installed[location];
    // The root itself is not in that list, and what is optional may be for another platform.
    if (location === "" || (one.optional && !other)) return true;
    return other !== undefined && other.version === one.version && other.integrity === one.integrity;
  });
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined}
 */
function packages(file) {
  return readJson(file)?.packages;
}

// ---- dist ------------------------------------------------------------------------------------------------------------

/** @typedef {Record<string, string>} Inputs hash by file; in dist/.built those of the last build that succeeded */

const STAMP = path.join("dist", ".built");
/** What copies the status page into dist/. */
const COPIER = "tools/page.js";

/**
 * @param {string} root
 * @param {{ main: string }} manifest
 */
function isBuilt(root, manifest) {
  const built = readJson(path.join(root, STAMP));
  if (!built || !fs.existsSync(path.join(root, manifest.main))) return false;
  const now = inputs(root);
  return Object.keys({ ...now, ...built }).every((file) => now[file] === built[file]);
}

/**
 * @param {string} root
 * @param {{ main: string }} manifest
 * @param {NodeJS.ProcessEnv} env
 */
async function build(root, manifest, env) {
  const before = readJson(path.join(root, STAMP));
  const now = inputs(root); // before the compiler reads them: what is edited meanwhile is built the next time
  const isWhole =
    before &&
    fs.existsSync(path.join(root, manifest.main)) &&
    Object.keys(before).every((file) => now[file] !== undefined);
  // The compiler leaves behind what it made of a file that is gone, and makes nothing anew that it believes to be there.
  if (!isWhole) fs.rmSync(path.join(root, "dist"), { recursive: true, force: true });
  else fs.rmSync(path.join(root, STAMP), { force: true });
  await npm(["run", "--silent", "build"], root, env, "The compiler's messages are above.");
  fs.mkdirSync(path.join(root, "dist"), { recursive: true });
  fs.writeFileSync(path.join(root, STAMP), JSON.stringify(now));
}

/**
 * All that decides what `npm run build` makes; package-lock.json for the compiler's version. What is no TypeScript counts as well: the
 * status page's files are copied.
 *
 * @param {string} root
 * @returns {Inputs}
 */
function inputs(root) {
  const files = fs.readdirSync(root).filter((name) => /^(tsconfig.*|package|package-lock)\.json$/.test(name));
  if (fs.existsSync(path.join(root, COPIER))) files.push(COPIER);
  const pending = [...SOURCES];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    if (!fs.existsSync(path.join(root, directory))) continue;
    for (const entry of fs.readdirSync(path.join(root, directory), { withFileTypes: true })) {
      (entry.isDirectory() ? pending : files).push(path.posix.join(directory, entry.name));
    }
  }
  const hash = (/** @type {string} */ file) =>
    createHash("sha1")
      .update(fs.readFileSync(path.join(root, file)))
      .digest("base64");
  return Object.fromEntries(files.sort().map((file) => [file, hash(file)]));
}

// ---- helpers ---------------------------------------------------------------------------------------------------------

/**
 * @param {string[]} args
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {string} advice
 * @returns {Promise<void>}
 */
function npm(args, root, env, advice) {
  // Under `npm run` this is the very npm that was started; on Windows it spares us a shell.
  const self = env.npm_execpath;
  const [file, first] = self && /npm-cli\.c?js$/.test(self) ? [process.execPath, [self]] : ["npm", []];
  return new Promise((resolve, reject) => {
    // Its output goes to standard error: standard output belongs to the command that asked for this.
    const child = spawn(file, [...first, ...args], {
      cwd: root,
      env,
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32" && file === "npm",
    });
    const fail = (/** @type {string} */ what) =>
      reject(new UserError(`npm ${args.join(" ")} ${what} in ${root}. ${advice}`));
    child.on("error", (error) =>
      reject(new UserError(`npm could not be started: ${error.message}. It comes with Node.js: https://nodejs.org/`)),
    );
    child.on("close", (code, signal) =>
      code === 0 ? resolve() : fail(signal ? `was killed by ${signal}` : `failed with exit code ${code}`),
    );
  });
}

/**
 * @param {string} file
 * @returns {any} undefined when it is missing, or was not written to its end
 */
function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

if (require.main === module) {
  main(async () => {
    const { installed, built } = await setup();
    console.log(installed || built ? "Ready." : "Ready; nothing was to be done.");
  });
}
