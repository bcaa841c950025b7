#!/usr/bin/env node
// Finds a Pulumi engine, or builds one. `pulumi` on PATH is used. Where there is none, the CLI is built from its Go module
// (go.mod beside this file pins it, go.sum verifies it), once, into a cache outside the tree, and our own small language
// host for Node.js is put next to it. Plain JavaScript without dependencies: it runs on a fresh clone.
// @ts-check
"use strict";

const { execFile, spawn } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { UserError, atLeast, cacheDirectory, main, withLock } = require("../shared.js");

/**
 * The oldest Pulumi that has all we rely on: hooks on a local component with its inputs, at preview. components/run.ts
 * says why in full, and asks the same of the engine that runs a program.
 */
const MINIMUM_PULUMI = "3.216.0";

/**
 * @typedef {object} Engine
 * @property {"path" | "built"} source where it was found
 * @property {string} pulumi absolute path of the executable
 * @property {string} version without the leading v
 * @property {string} path what to put in front of PATH, "" if nothing is needed
 * @property {Record<string, string>} env what to set besides; never what the caller's environment sets already
 */

module.exports = { MINIMUM_PULUMI, ensureEngine, environment };

/**
 * @param {object} [options]
 * @param {(line: string) => void} [options.log] takes what there is to tell, line by line. Default: standard error, where
 *   the progress of a build is one line that moves if it is a terminal
 * @param {NodeJS.ProcessEnv} [options.env] default: process.env
 * @returns {Promise<Engine>}
 * @throws {UserError} when there is no engine and none can be built; the message says what to install
 */
async function ensureEngine({ log, env = process.env } = {}) {
  const show = log ? reporter(log) : terminalReporter();
  const recipe = readRecipe(env);
  const installed = find("pulumi", env);
  let refused = "";
  // What we built ourselves may be on PATH by now (`--env`). It is judged by its recipe, not by its version.
  if (installed && !fs.realpathSync(installed).startsWith(realpath(recipe.cache) + path.sep)) {
    const version = await versionOf(installed, env);
    if (version && atLeast(version, MINIMUM_PULUMI)) {
      return {
        source: "path",
        pulumi: installed,
        version: version.replace(/^v/, ""),
        path: missingHost(installed, env),
        env: {},
      };
    }
    refused = version
      ? `The pulumi on PATH is too old: ${installed} is ${version}, and ${MINIMUM_PULUMI} or newer is needed.`
      : `The pulumi on PATH does not work: \`${installed} version\` prints no version.`;
  }
  if (!isExecutable(recipe.pulumi)) {
    if (refused) show.line(refused);
    await build(recipe, env, show, refused || "`pulumi` is not on PATH.");
  }
  placeHost(recipe.directory);
  return {
    source: "built",
    pulumi: recipe.pulumi,
    version: recipe.version,
    path: recipe.directory,
    env: settings(env),
  };
}

/**
 * An environment in which a child process finds the engine as `pulumi`.
 *
 * @param {Engine} engine
 * @param {NodeJS.ProcessEnv} [env] default: process.env
 * @returns {NodeJS.ProcessEnv}
 */
function environment(engine, env = process.env) {
  const parts = [engine.path, env.PATH ?? ""].filter((part) => part !== "");
  return { ...env, ...engine.env, PATH: parts.join(path.delimiter) };
}

const HELP = `Usage: node tools/engine/ensure.js [--env]

Says which Pulumi engine is used. Where pulumi is not on PATH, one is built first: that takes about 5 minutes and needs Go.

  --env   print shell commands that put the engine on PATH:  eval "$(node tools/engine/ensure.js --env)"

A built engine is kept in \${STORAGE_PROFILES_CACHE:-\${XDG_CACHE_HOME:-~/.cache}/storage-profiles}/engine. That directory can
be removed at any time. What Go kept of the build, about 3 GB, goes away with: go clean -cache -modcache
`;

/** @param {string[]} args */
async function command(args) {
  const unknown = args.find((arg) => !["--env", "--help", "-h"].includes(arg));
  if (unknown !== undefined) throw new UserError(`Unknown argument ${unknown}.\n\n${HELP}`);
  if (args.includes("--help") || args.includes("-h")) return void process.stdout.write(HELP);
  const engine = await ensureEngine();
  if (!args.includes("--env")) {
    return console.log(
      `${engine.pulumi}  v${engine.version}, ${engine.source === "path" ? "found on PATH" : "built by us"}`,
    );
  }
  const quote = (/** @type {string} */ text) => `'${text.replace(/'/g, `'\\''`)}'`;
  const onPath = (process.env.PATH ?? "").split(path.delimiter).includes(engine.path);
  if (engine.path && !onPath) console.log(`export PATH=${quote(engine.path)}:"$PATH"`);
  for (const [name, value] of Object.entries(engine.env)) console.log(`export ${name}=${quote(value)}`);
}

// ---- what is built, and where to -------------------------------------------------------------------------------------

const PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const CLI = `the Pulumi CLI ${MINIMUM_PULUMI} or newer: https://www.pulumi.com/docs/install/`;
const GOOS = /** @type {Record<string, string>} */ ({ linux: "linux", darwin: "darwin", freebsd: "freebsd" })[
  process.platform
];
const GOARCH = /** @type {Record<string, string>} */ ({ x64: "amd64", arm64: "arm64", ia32: "386", arm: "arm" })[
  process.arch
];

/**
 * @typedef {object} Recipe
 * @property {string} version of the CLI, as go.mod has it
 * @property {string} go the oldest Go that will do
 * @property {number} modules how many modules go.mod lists
 * @property {string[]} flags for `go list` and `go build`
 * @property {string} cache
 * @property {string} directory the engine's own, one for each recipe and platform
 * @property {string} pulumi
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Recipe}
 */
function readRecipe(env) {
  const goMod = fs.readFileSync(path.join(__dirname, "go.mod"), "utf8");
  const version = /^\s*github\.com\/pulumi\/pulumi\/pkg\/v3 v(\S+)/m.exec(goMod)?.[1];
  const go = /^go (\S+)/m.exec(goMod)?.[1];
  if (!version || !go)
    throw new Error("tools/engine/go.mod: no `go` line, or no version of github.com/pulumi/pulumi/pkg/v3");
  const flags = [
    "-mod=readonly",
    "-trimpath",
    "-tags=osusergo,grpcnotrace",
    `-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`,
  ];
  const key = createHash("sha256")
    .update(
      JSON.stringify([
        goMod,
        fs.readFileSync(path.join(__dirname, "go.sum"), "utf8"),
        flags,
        process.platform,
        process.arch,
      ]),
    )
    .digest("hex")
    .slice(0, 12);
  const cache = cacheDirectory(env);
  const directory = path.join(cache, "engine", key);
  return {
    version,
    go,
    modules: goMod.match(/^\t\S+ v\S/gm)?.length ?? 0,
    flags,
    cache,
    directory,
    pulumi: path.join(directory, "pulumi"),
  };
}

/**
 * No question about updates for a version that is pinned here; and no downloads of plugins, which would be looked for at
 * Pulumi's own servers even for those that a package carries. Who wants them says so in the environment.
 *
 * @param {NodeJS.ProcessEnv} env
 */
function settings(env) {
  const wanted = { PULUMI_SKIP_UPDATE_CHECK: "true", PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" };
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => env[name] === undefined));
}

// ---- the language host -----------------------------------------------------------------------------------------------

const HOST = path.join(__dirname, "language-host");

/**
 * Copies, not links, next to the executable: the engine warns about plugins from anywhere else ("using
 * pulumi-language-nodejs from $PATH"), and the cache serves several clones, which come and go.
 *
 * @param {string} directory
 */
function placeHost(directory) {
  for (const name of fs.readdirSync(HOST)) {
    const [from, to] = [path.join(HOST, name), path.join(directory, name)];
    const content = fs.readFileSync(from);
    if (fs.existsSync(to) && content.equals(fs.readFileSync(to))) continue;
    const temporary = `${to}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, content, { mode: 0o755 });
    fs.renameSync(temporary, to);
  }
}

/**
 * Some packagers leave the language host out. The engine looks for it on PATH and in its own directory, and so do we.
 *
 * @param {string} pulumi
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} the directory with ours, or "" where none is missing
 */
function missingHost(pulumi, env) {
  const bundled = { PATH: path.dirname(fs.realpathSync(pulumi)) };
  const names = ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];
  return names.every((name) => find(name, env) || find(name, bundled)) ? "" : HOST;
}

// ---- building --------------------------------------------------------------------------------------------------------

/**
 * @param {Recipe} recipe
 * @param {NodeJS.ProcessEnv} env
 * @param {Reporter} show
 * @param {string} reason why it is needed, for the error
 */
async function build(recipe, env, show, reason) {
  const ways = `Install one of these and run this again:\n  - ${CLI}`;
  if (!GOOS || !GOARCH)
    throw new UserError(`${reason}\nOn ${process.platform}/${process.arch} we can't build it. Install ${CLI}`);
  const goDownload = `Go ${recipe.go} or newer: https://go.dev/dl/ (the engine is then built once, in about 5 minutes)`;
  const go = find("go", env);
  if (!go)
    throw new UserError(
      `${reason}\nGo, with which we could build it, is not on PATH either.\n${ways}\n  - ${goDownload}`,
    );
  /** @type {NodeJS.ProcessEnv} */
  const goEnv = {
    ...env,
    // Whoever builds, on whatever machine, with whatever habits: the same engine. Without C there is no compiler to miss.
    ...{ CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off", GO111MODULE: "on", GOOS, GOARCH },
  };
  const unfit = await goProblem(go, goEnv, recipe.go);
  if (unfit)
    throw new UserError(
      `${reason}\nThe Go with which we could build it is too old: ${unfit}\n${ways}\n  - ${goDownload}`,
    );

  try {
    fs.mkdirSync(recipe.directory, { recursive: true });
    fs.accessSync(recipe.directory, fs.constants.W_OK);
  } catch (error) {
    throw new UserError(
      `${reason}\nIt would be built into ${recipe.directory}, but: ${/** @type {Error} */ (error).message}\n` +
        "Set STORAGE_PROFILES_CACHE to a directory that can be written to.",
    );
  }
  const logFile = path.join(recipe.directory, "build.log");
  const waiting = (/** @type {{ pid: number, host: string } | undefined} */ holder, /** @type {number} */ seconds) =>
    show.line(
      `Waiting for ${holder ? `process ${holder.pid} on ${holder.host}` : "another process"}, which is building the Pulumi engine` +
        `${seconds ? ` (${duration(seconds)} so far)` : ""}; to see how it does: tail -f ${logFile}`,
    );
  await withLock(path.join(recipe.directory, "lock"), waiting, async () => {
    if (isExecutable(recipe.pulumi)) return; // the process we waited for has built it
    for (const name of fs.readdirSync(recipe.directory)) {
      if (name.endsWith(".tmp")) fs.rmSync(path.join(recipe.directory, name), { recursive: true }); // of one that was killed
    }
    show.line(
      `Building the Pulumi engine v${recipe.version}, because there is none on PATH that can be used. This happens once,`,
    );
    show.line(`takes about 5 minutes (downloads included), and goes to ${recipe.directory}`);
    await compile(recipe, go, goEnv, logFile, show);
  });
}

/**
 * @param {Recipe} recipe
 * @param {string} go
 * @param {NodeJS.ProcessEnv} env
 * @param {string} logFile
 * @param {Reporter} show
 */
async function compile(recipe, go, env, logFile, show) {
  const start = performance.now();
  const temporary = `${recipe.pulumi}.${process.pid}.tmp`;
  const work = path.join(recipe.directory, `work.${process.pid}.tmp`); // go leaves its own in TMPDIR when interrupted
  fs.mkdirSync(work);
  const log = fs.openSync(logFile, "w");
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let child;
  /** @type {NodeJS.Signals | undefined} */
  let interrupted;
  const interrupt = (/** @type {NodeJS.Signals} */ signal) => {
    const how = interrupted ? "SIGKILL" : "SIGINT"; // who asks twice means it
    interrupted = signal;
    try {
      if (child?.pid) process.kill(-child.pid, how);
    } catch {
      // it has ended by itself
    }
  };
  const signals = /** @type {NodeJS.Signals[]} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.on(signal, interrupt);
  const remove = () => {
    for (const left of [temporary, work]) fs.rmSync(left, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once("exit", remove);

  /** @type {(args: string[], onLine: (line: string) => void) => Promise<string>} */
  const run = async (args, onLine) => {
    if (interrupted) throw new UserError("Interrupted.");
    // A process group of its own, so that an interrupt ends its compilers with it, wherever the signal came from.
    const options = { cwd: __dirname, env: { ...env, GOTMPDIR: work }, detached: true };
    child = spawn(go, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const result = await outcome(child, (line) => {
      fs.writeSync(log, `${line}\n`);
      onLine(line);
    });
    if (interrupted) throw new UserError("Interrupted.");
    if (result.failure) throw new UserError(explain(recipe, result.failure, result.lines, logFile));
    return result.stdout;
  };

  try {
    let downloaded = 0;
    const downloading = (/** @type {string} */ line) => {
      if (!line.startsWith("go: downloading ")) return;
      downloaded++;
      show.progress(`downloading modules: ${downloaded} of about ${recipe.modules}`);
    };
    show.progress("looking up what has to be downloaded and compiled");
    // Lists, and downloads what it needs for that. What is in Go's build cache already is not stale, and not counted.
    const list = await run(
      ["list", "-deps", ...recipe.flags, "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", PACKAGE],
      downloading,
    );
    const packages = new Set(list.split("\n").filter((line) => line !== ""));
    const total = packages.size;
    show.progress(total > 0 ? `compiling: 0 of ${total} packages` : "linking");
    await run(["build", "-v", ...recipe.flags, "-o", temporary, PACKAGE], (line) => {
      downloading(line);
      if (!packages.delete(line)) return;
      const done = total - packages.size;
      show.progress(line === PACKAGE ? "linking" : `compiling: ${done} of ${total} packages`);
    });
    const version = await versionOf(temporary, env);
    if (version !== `v${recipe.version}`) {
      throw new UserError(
        `The engine was built, but \`pulumi version\` prints ${version ?? "nothing"} instead of v${recipe.version}. Is ${recipe.directory} on a file system mounted noexec? Log: ${logFile}`,
      );
    }
    fs.renameSync(temporary, recipe.pulumi);
    show.end();
    show.line(`Built the Pulumi engine in ${duration((performance.now() - start) / 1000)}.`);
  } finally {
    show.end();
    fs.closeSync(log);
    remove();
    process.removeListener("exit", remove);
    for (const signal of signals) process.removeListener(signal, interrupt);
    // What the signal would have done without us, as soon as the lock has been given back too.
    if (interrupted) setImmediate(() => process.kill(process.pid, interrupted));
  }
}

/**
 * Why this Go can't build the module, or "". A newer toolchain that it fetches by itself (GOTOOLCHAIN) counts.
 *
 * @param {string} go
 * @param {NodeJS.ProcessEnv} env
 * @param {string} needed
 */
async function goProblem(go, env, needed) {
  const own = await capture(go, ["version"], { ...env, GOTOOLCHAIN: "local" });
  const version = /\bgo(\d+\.\d+\S*)/.exec(own.stdout)?.[1];
  if (version && atLeast(version, needed)) return "";
  const switched = await capture(go, ["version"], env);
  if (atLeast(/\bgo(\d+\.\d+\S*)/.exec(switched.stdout)?.[1] ?? "", needed)) return "";
  const why = switched.failed ? ` It could not fetch a newer one by itself: ${lastLine(switched.stderr)}` : "";
  return version
    ? `${go} is ${version}, and ${needed} or newer is needed.${why}`
    : `${go} does not work: ${lastLine(own.stderr)}`;
}

/**
 * @param {Recipe} recipe
 * @param {string} failure
 * @param {string[]} lines what go printed, to its end
 * @param {string} logFile
 */
function explain(recipe, failure, lines, logFile) {
  // Names of packages, as -v prints them, have neither spaces nor colons; messages do.
  const said = lines.filter((line) => /[\s:]/.test(line) && !line.startsWith("go: downloading "));
  const text = said.join("\n");
  const advice = /no space left|disk quota/i.test(text)
    ? "The disk is full: about 3 GB is needed where `go env GOCACHE GOMODCACHE` points to, and up to 1 GB for the engine where it is built."
    : /signal: killed|cannot allocate memory/.test(text)
      ? "The machine ran out of memory: about 2 GB is needed."
      : /dial tcp|i\/o timeout|no such host|connection re|TLS|x509|proxyconnect|unexpected EOF|: 40[37]|: 5\d\d|module lookup disabled/i.test(
            text,
          )
        ? "Go could not download modules. Check the network; behind a proxy set HTTPS_PROXY, or GOPROXY to a mirror of https://proxy.golang.org."
        : "Check the network (HTTPS_PROXY, GOPROXY) and the disk (about 3 GB is needed where `go env GOCACHE GOMODCACHE` points to).";
  return [
    `Building the Pulumi engine v${recipe.version} failed: ${failure}.`,
    ...said.slice(-12).map((line) => `  ${line}`),
    `All of go's output: ${logFile}`,
    advice,
    `Run this again to go on where it stopped, or install ${CLI}`,
  ].join("\n");
}

// ---- processes and files ---------------------------------------------------------------------------------------------

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {(line: string) => void} onLine gets standard error, line by line
 * @returns {Promise<{ stdout: string, lines: string[], failure?: string }>}
 */
function outcome(child, onLine) {
  return new Promise((resolve) => {
    let [stdout, rest] = ["", ""];
    /** @type {string[]} */
    const lines = [];
    const take = (/** @type {string} */ line) => {
      lines.push(line);
      onLine(line);
    };
    child.stdout?.setEncoding("utf8").on("data", (chunk) => (stdout += chunk));
    child.stderr?.setEncoding("utf8").on("data", (chunk) => {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop() ?? "";
      parts.forEach(take);
    });
    child.on("error", (error) => resolve({ stdout, lines, failure: error.message }));
    child.on("close", (code, signal) => {
      if (rest) take(rest);
      resolve({
        stdout,
        lines,
        ...(code === 0 ? {} : { failure: signal ? `go was killed by ${signal}` : `go ended with exit code ${code}` }),
      });
    });
  });
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ stdout: string, stderr: string, failed: boolean }>}
 */
function capture(file, args, env) {
  return new Promise((resolve) => {
    execFile(file, args, { env, cwd: __dirname, timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ stdout, stderr: stderr || error?.message || "", failed: error !== null }),
    );
  });
}

/**
 * @param {string} pulumi
 * @param {NodeJS.ProcessEnv} env
 */
async function versionOf(pulumi, env) {
  const { stdout } = await capture(pulumi, ["version"], { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" });
  return /^v?\d+\.\d+\.\d+\S*$/m.exec(stdout)?.[0];
}

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
function find(name, env) {
  const file = process.platform === "win32" ? `${name}.exe` : name;
  return (env.PATH ?? "")
    .split(path.delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => path.resolve(directory, file))
    .find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** @param {string} directory */
function realpath(directory) {
  return fs.existsSync(directory) ? fs.realpathSync(directory) : directory;
}

/** @param {string} text */
function lastLine(text) {
  return text.trim().split("\n").pop() ?? "";
}

// ---- telling ---------------------------------------------------------------------------------------------------------

/**
 * @typedef {object} Reporter
 * @property {(text: string) => void} line
 * @property {(text: string) => void} progress what is going on at this moment
 * @property {() => void} end of progress
 */

/**
 * Lines only, as for a log: what is going on is said every 15 s.
 *
 * @param {(line: string) => void} log
 * @returns {Reporter}
 */
function reporter(log) {
  return ticking(
    15_000,
    (state, seconds) => log(`  ${state}, after ${duration(seconds)}`),
    log,
    () => {},
  );
}

/** @returns {Reporter} */
function terminalReporter() {
  const out = process.stderr;
  const line = (/** @type {string} */ text) => void out.write(`${text}\n`);
  if (!out.isTTY) return reporter(line);
  const wipe = () => void out.write("\r\x1b[2K");
  return ticking(
    200,
    (state, seconds) => {
      wipe();
      out.write(`  ${state}, ${duration(seconds)}`.slice(0, (out.columns || 80) - 1));
    },
    line,
    wipe,
  );
}

/**
 * @param {number} interval in ms
 * @param {(state: string, seconds: number) => void} tick
 * @param {(text: string) => void} line
 * @param {() => void} end
 * @returns {Reporter}
 */
function ticking(interval, tick, line, end) {
  let state = "";
  let start = 0;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  return {
    line,
    progress(text) {
      state = text;
      if (timer) return;
      start = performance.now();
      timer = setInterval(() => tick(state, (performance.now() - start) / 1000), interval);
    },
    end() {
      if (timer) end();
      clearInterval(timer);
      timer = undefined;
    },
  };
}

/** @param {number} seconds */
function duration(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

if (require.main === module) main(() => command(process.argv.slice(2)));
