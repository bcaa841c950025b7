#!/usr/bin/env node
// Python environments for labs: programs that we did not write, from packages that <lab>/requirements.txt pins by version
// and checksum. Each is made once, into a cache outside the tree. Plain JavaScript, so that a test file can have one
// made while it is still collecting its tests (`environmentOf`), in a process of its own.
// @ts-check
"use strict";

const { execFile, spawn, spawnSync } = require("node:child_process");
const { createHash, randomUUID } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { UserError, atLeast, cacheDirectory, main, withLock } = require("../../tools/shared.js");
const { lastLine } = require("./probe.js");

/** This machine can't have the environment: no Python that fits, or no package index. The tests that want it are skipped. */
class Unavailable extends Error {}

module.exports = { Unavailable, environmentFor, environmentOf, pythonEnvironment };

/**
 * The Python environment of a lab, made if it isn't there yet.
 *
 * @param {string} lab a folder beside this file. The first line of its requirements.txt says which Pythons the pinned
 *   packages were tried with: `# python >= 3.10 < 3.13`
 * @param {object} [options]
 * @param {(line: string) => void} [options.log] takes what there is to tell. Default: standard error
 * @param {NodeJS.ProcessEnv} [options.env] default: process.env
 * @param {string} [options.root] where the labs are. Default: the folder of this file
 * @returns {Promise<string>} absolute path of its python
 * @throws {Unavailable} when this machine can't have it
 * @throws {UserError} when it could not be made for any other reason; a pinned package that has changed is one
 */
async function pythonEnvironment(lab, { log = console.error, env = process.env, root = __dirname } = {}) {
  const requirements = path.join(root, lab, "requirements.txt");
  const pins = fs.readFileSync(requirements, "utf8");
  const base = await findPython(pins, requirements, env);
  const key = createHash("sha256")
    .update(JSON.stringify([pins, PIP_FLAGS, base.version, process.platform, process.arch]))
    .digest("hex")
    .slice(0, 12);
  const directory = path.join(cacheDirectory(env), "python", `${lab}-${key}`);
  const ready = readyPython(directory);
  if (ready) return ready;

  try {
    fs.mkdirSync(directory, { recursive: true });
    fs.accessSync(directory, fs.constants.W_OK);
  } catch (error) {
    throw new UserError(
      `The Python packages of ${lab} would go to ${directory}, but: ${/** @type {Error} */ (error).message}\n` +
        "Set STORAGE_PROFILES_CACHE to a directory that can be written to.",
    );
  }
  const logFile = path.join(directory, "build.log");
  /** @type {(holder: { pid: number, host: string } | undefined, seconds: number) => void} */
  const waiting = (holder, seconds) =>
    log(
      `Waiting for ${holder ? `process ${holder.pid} on ${holder.host}` : "another process"}, which is installing the ` +
        `Python packages of ${lab}${seconds ? ` (${seconds} s so far)` : ""}; to see how it does: tail -f ${logFile}`,
    );
  return withLock(path.join(directory, "lock"), waiting, async () => {
    const python = readyPython(directory); // the process we waited for has made it
    if (python) return python;
    for (const name of fs.readdirSync(directory)) {
      // Of one that was killed. What its pip, if that still lives, puts in there goes with the next build.
      if (name.startsWith("venv-")) fs.rmSync(path.join(directory, name), { recursive: true, force: true });
    }
    log(`Installing the Python packages of ${lab}: once, for Python ${base.version}, into ${directory}`);
    const start = performance.now();
    const made = await build(lab, requirements, base, directory, logFile, env);
    log(`Installed them in ${Math.round((performance.now() - start) / 1000)} s.`);
    return made;
  });
}

/**
 * The same for a test file, which must know before its first test whether there is anything to run: waits for a process
 * that makes the environment.
 *
 * @param {string} lab
 * @returns {{ python: string, reason?: undefined } | { python?: undefined, reason: string }} the reason why this machine
 *   can't have it
 */
function environmentOf(lab) {
  const { status, stdout } = spawnSync(process.execPath, [__filename, lab], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`The Python packages of ${lab} could not be installed; the lines above say why.`);
  return JSON.parse(stdout);
}

/**
 * The environment to run a lab's own programs in: their bytecode, and that of the packages, is kept beside these. Without it
 * a large package takes seconds to load, each time; in the tree it would be litter.
 *
 * @param {string} python of the lab
 * @returns {NodeJS.ProcessEnv}
 */
function environmentFor(python) {
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, PYTHONPYCACHEPREFIX: path.join(path.dirname(python), "../bytecode") };
  delete env.PYTHONDONTWRITEBYTECODE;
  return env;
}

/** @param {string[]} args */
async function command(args) {
  const [lab] = args;
  if (args.length !== 1 || !lab || !fs.existsSync(path.join(__dirname, lab, "requirements.txt"))) {
    const labs = fs
      .readdirSync(__dirname)
      .filter((each) => fs.existsSync(path.join(__dirname, each, "requirements.txt")));
    throw new UserError(
      `Usage: node test/labs/python.js ${labs.join("|")}\n\n` +
        'Prints {"python": …}, the Python of that lab with its packages, or {"reason": …}, why this machine has none.',
    );
  }
  try {
    console.log(JSON.stringify({ python: await pythonEnvironment(lab) }));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.log(JSON.stringify({ reason: error.message }));
  }
}

// ---- which Python ----------------------------------------------------------------------------------------------------

/** @typedef {{ executable: string, version: string }} Python */

/** The names under which a Python that fits may hide behind a `python3` that doesn't. */
const NAMES = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "/usr/bin/python3"];
const PROBE = "import ensurepip, platform, sys, venv; print(platform.python_version()); print(sys.executable)";

/**
 * @param {string} pins
 * @param {string} requirements
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Python>}
 */
async function findPython(pins, requirements, env) {
  const range = /^# python >= (\S+) < (\S+)\n/.exec(pins);
  if (!range?.[1] || !range[2])
    throw new Error(`${requirements}: its first line must be like: # python >= 3.10 < 3.13`);
  /** @type {string[]} */
  const refused = [];
  for (const name of NAMES) {
    const { failed, stdout, stderr, missing } = await capture(name, ["-I", "-c", PROBE], env);
    const [version = "", executable = ""] = stdout.trim().split("\n");
    if (missing) continue;
    if (failed) {
      if (name === "python3" || path.isAbsolute(name)) refused.push(`${name} has no venv (${lastLine(stderr)})`);
    } else if (!atLeast(version, range[1]) || atLeast(version, range[2])) refused.push(`${name} is ${version}`);
    else return { executable, version };
  }
  const why = refused.length > 0 ? `: ${refused.join(", ")}` : "";
  throw new Unavailable(`no Python >= ${range[1]} and < ${range[2]} with venv${why}`);
}

// ---- making it -------------------------------------------------------------------------------------------------------

/**
 * The file holds every package there is to install, so nothing is resolved; wheels only, so nothing is compiled, and no
 * package's own code runs. What is never imported need not be byte-compiled.
 */
const PIP_FLAGS = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile", "--no-input"];

/** What pip says of an index that it can't reach, or that it was told not to ask. */
const UNREACHABLE =
  /connection broken by|Max retries exceeded|timed out|ProxyError|HTTP error 5\d\d|5\d\d Server Error|SSLError|from versions: none/i;

/**
 * @param {string} lab
 * @param {string} requirements
 * @param {Python} base
 * @param {string} directory
 * @param {string} logFile
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>}
 */
async function build(lab, requirements, base, directory, logFile, env) {
  // Scripts of packages carry the place that they were installed to, so it is made where it stays, under a name that
  // nobody knows until it is complete.
  const venv = `venv-${randomUUID().slice(0, 8)}`;
  const python = path.join(directory, venv, "bin", "python");
  fs.writeFileSync(logFile, "");
  const steps = [
    { what: "venv", file: base.executable, args: ["-I", "-m", "venv", path.join(directory, venv)] },
    {
      what: "pip install",
      file: python,
      args: ["-I", "-m", "pip", "--no-color", "install", "--retries", "2", ...PIP_FLAGS, "-r", requirements],
    },
  ];
  for (const { what, file, args } of steps) {
    const { failed, output } = await run(file, args, logFile, settings(env));
    if (!failed) continue;
    fs.rmSync(path.join(directory, venv), { recursive: true, force: true });
    if (!/DO NOT MATCH THE HASHES/i.test(output) && UNREACHABLE.test(output)) {
      throw new Unavailable(`its packages can't be had here: ${reasonIn(output)}`);
    }
    throw new UserError(
      [
        `Installing the Python packages of ${lab} failed: ${what} ${failed}.`,
        ...output
          .trim()
          .split("\n")
          .slice(-12)
          .map((line) => `  ${line}`),
        `All of its output: ${logFile}`,
      ].join("\n"),
    );
  }
  const mark = path.join(directory, "ready");
  fs.writeFileSync(`${mark}.${process.pid}.tmp`, venv);
  fs.renameSync(`${mark}.${process.pid}.tmp`, mark);
  return python;
}

/**
 * Its python, if it was completed, and if the Python it was made from is still there.
 *
 * @param {string} directory
 */
function readyPython(directory) {
  const mark = path.join(directory, "ready");
  if (!fs.existsSync(mark)) return undefined;
  const python = path.join(directory, fs.readFileSync(mark, "utf8"), "bin", "python");
  return fs.existsSync(python) ? python : undefined;
}

/**
 * pip's own settings stay, since they say where packages come from; not those that say where to.
 *
 * @param {NodeJS.ProcessEnv} env
 */
function settings(env) {
  const away = ["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_CONSTRAINT", "PIP_REQUIRE_VIRTUALENV"];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !away.includes(name)));
}

// ---- processes -------------------------------------------------------------------------------------------------------

/**
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ stdout: string, stderr: string, failed: boolean, missing: boolean }>}
 */
function capture(file, args, env) {
  return new Promise((resolve) => {
    execFile(file, args, { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({
        stdout,
        stderr: stderr || error?.message || "",
        failed: error !== null,
        missing: error?.code === "ENOENT",
      }),
    );
  });
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {string} logFile is added to
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ failed: string, output: string }>}
 */
function run(file, args, logFile, env) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const end = () => child.kill();
    process.once("exit", end);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (/** @type {string} */ chunk) => {
        output += chunk;
        fs.appendFileSync(logFile, chunk);
      });
    }
    /** @param {string} failed */
    const done = (failed) => {
      process.removeListener("exit", end);
      resolve({ failed, output });
    };
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) =>
      done(code === 0 ? "" : signal ? `was killed by ${signal}` : `ended with exit code ${code}`),
    );
  });
}

/** @param {string} output */
function reasonIn(output) {
  const lines = output.split("\n").filter((line) => UNREACHABLE.test(line));
  return (lines[0] ?? "").replace(/^(WARNING|ERROR): /, "").trim();
}

if (require.main === module) main(() => command(process.argv.slice(2)));
