// Builds a program from a Go module that lies in the tree, once, into a cache outside it: under a lock that processes share,
// with a log, and without leftovers where it fails or is interrupted. Plain JavaScript without dependencies: it runs on a
// fresh clone.
// @ts-check
"use strict";

const { execFile, spawn } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { availableParallelism } = require("node:os");
const path = require("node:path");
const { UserError, atLeast, withLock } = require("../shared.js");

module.exports = {
  build,
  buildTime,
  capture,
  duration,
  find,
  isExecutable,
  keyOf,
  platform,
  readModule,
  showTo,
  toolchain,
};

/**
 * @typedef {object} Module
 * @property {string} folder where its go.mod is
 * @property {string} text of go.mod
 * @property {string} go the oldest Go that will do
 * @property {number} count how many modules go.mod lists
 */

/**
 * @param {string} folder
 * @returns {Module}
 */
function readModule(folder) {
  const text = fs.readFileSync(path.join(folder, "go.mod"), "utf8");
  const go = /^go (\S+)/m.exec(text)?.[1];
  if (!go) throw new Error(`${path.join(folder, "go.mod")}: no \`go\` line`);
  return { folder, text, go, count: text.match(/^\t\S+ v\S/gm)?.length ?? 0 };
}

/**
 * A name for what comes of these: texts and flags, on this platform.
 *
 * @param {unknown[]} parts
 */
function keyOf(parts) {
  return createHash("sha256")
    .update(JSON.stringify([...parts, process.platform, process.arch]))
    .digest("hex")
    .slice(0, 12);
}

// ---- the Go that builds -------------------------------------------------------------------------------------------------

const GOOS = /** @type {Record<string, string>} */ ({ linux: "linux", darwin: "darwin", freebsd: "freebsd" })[
  process.platform
];
const GOARCH = /** @type {Record<string, string>} */ ({ x64: "amd64", arm64: "arm64", ia32: "386", arm: "arm" })[
  process.arch
];

/** As Go names it: "linux_amd64". */
function platform() {
  return `${GOOS}_${GOARCH}`;
}

/**
 * @typedef {object} Toolchain
 * @property {string} go absolute path of the executable
 * @property {NodeJS.ProcessEnv} env to run it in
 */

/**
 * @param {string} needed
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Toolchain | { missing: "platform" | "go" | "version", why: string }>}
 */
async function toolchain(needed, env) {
  if (!GOOS || !GOARCH) return { missing: "platform", why: `we can't build for ${process.platform}/${process.arch}` };
  const go = find("go", env);
  if (!go) return { missing: "go", why: "Go is not on PATH" };
  /** @type {NodeJS.ProcessEnv} */
  const goEnv = {
    ...env,
    // Whoever builds, on whatever machine, with whatever habits: the same program. Without C there is no compiler to miss.
    ...{ CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off", GO111MODULE: "on", GOOS, GOARCH },
  };
  const why = await goProblem(go, goEnv, needed);
  return why ? { missing: "version", why } : { go, env: goEnv };
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

// ---- building --------------------------------------------------------------------------------------------------------

/**
 * How long a build takes from nothing: "5 to 11 minutes with 2 processors". About 9 minutes of processor time and one of downloads; on a slow
 * or busy machine twice that.
 *
 * @param {number} [processors]
 */
function buildTime(processors = availableParallelism()) {
  const least = Math.round(1 + 9 / processors);
  return `${least} to ${2 * least + 1} minutes with ${processors} ${processors === 1 ? "processor" : "processors"}`;
}

/**
 * @typedef {object} Product
 * @property {string} what "the Pulumi engine"
 * @property {string} version without the leading v
 * @property {string} because "because …": the start of a build says so
 * @property {string} reason why it is needed, for errors: whole sentences
 * @property {Module} module
 * @property {string} main the package to build, as `go list` prints it
 * @property {string[]} flags for `go list` and `go build`
 * @property {string} executable where it goes, into a folder of its own
 * @property {(file: string, env: NodeJS.ProcessEnv) => Promise<string>} fault why what was built is no good, or ""
 * @property {string} instead of building, the end of a sentence, or ""
 */

/**
 * @param {Product} product
 * @param {Toolchain} toolchain
 * @param {Reporter} show
 */
async function build(product, toolchain, show) {
  const directory = path.dirname(product.executable);
  try {
    fs.mkdirSync(directory, { recursive: true });
    fs.accessSync(directory, fs.constants.W_OK);
  } catch (error) {
    throw new UserError(
      `${product.reason}\nIt would be built into ${directory}, but: ${/** @type {Error} */ (error).message}\n` +
        "Set STORAGE_PROFILES_CACHE to a directory that can be written to.",
    );
  }
  const logFile = path.join(directory, "build.log");
  const waiting = (/** @type {{ pid: number, host: string } | undefined} */ holder, /** @type {number} */ seconds) =>
    show.line(
      `Waiting for ${holder ? `process ${holder.pid} on ${holder.host}` : "another process"}, which is building ${product.what}` +
        `${seconds ? ` (${duration(seconds)} so far)` : ""}; to see how it does: tail -f ${logFile}`,
    );
  await withLock(path.join(directory, "lock"), waiting, async () => {
    if (isExecutable(product.executable)) return; // the process we waited for has built it
    for (const name of fs.readdirSync(directory)) {
      if (name.endsWith(".tmp")) fs.rmSync(path.join(directory, name), { recursive: true }); // of one that was killed
    }
    show.line(`Building ${product.what} v${product.version}, ${product.because}. This happens once,`);
    show.line(`takes ${buildTime()} (downloads included), and goes to ${directory}`);
    await compile(product, toolchain, logFile, show);
  });
}

/**
 * @param {Product} product
 * @param {Toolchain} toolchain
 * @param {string} logFile
 * @param {Reporter} show
 */
async function compile(product, { go, env }, logFile, show) {
  const start = performance.now();
  const temporary = `${product.executable}.${process.pid}.tmp`;
  const work = path.join(path.dirname(product.executable), `work.${process.pid}.tmp`); // go leaves its own in TMPDIR when interrupted
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
    const options = { cwd: product.module.folder, env: { ...env, GOTMPDIR: work }, detached: true };
    child = spawn(go, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const result = await outcome(child, (line) => {
      fs.writeSync(log, `${line}\n`);
      onLine(line);
    });
    if (interrupted) throw new UserError("Interrupted.");
    if (result.failure) throw new UserError(explain(product, result.failure, result.lines, logFile));
    return result.stdout;
  };

  try {
    let downloaded = 0;
    const downloading = (/** @type {string} */ line) => {
      if (!line.startsWith("go: downloading ")) return;
      downloaded++;
      show.progress(`downloading modules: ${downloaded} of about ${product.module.count}`);
    };
    show.progress("looking up what has to be downloaded and compiled");
    // Lists, and downloads what it needs for that. What is in Go's build cache already is not stale, and not counted.
    const list = await run(
      ["list", "-deps", ...product.flags, "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", product.main],
      downloading,
    );
    const packages = new Set(list.split("\n").filter((line) => line !== ""));
    const total = packages.size;
    show.progress(total > 0 ? `compiling: 0 of ${total} packages` : "linking");
    await run(["build", "-v", ...product.flags, "-o", temporary, product.main], (line) => {
      downloading(line);
      if (!packages.delete(line)) return;
      const done = total - packages.size;
      show.progress(line === product.main ? "linking" : `compiling: ${done} of ${total} packages`);
    });
    const fault = await product.fault(temporary, env);
    if (fault) throw new UserError(`${fault} Log: ${logFile}`);
    fs.renameSync(temporary, product.executable);
    show.end();
    show.line(`Built ${product.what} in ${duration((performance.now() - start) / 1000)}.`);
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
 * @param {Product} product
 * @param {string} failure
 * @param {string[]} lines what go printed, to its end
 * @param {string} logFile
 */
function explain(product, failure, lines, logFile) {
  // Names of packages, as -v prints them, have neither spaces nor colons; messages do.
  const said = lines.filter((line) => /[\s:]/.test(line) && !line.startsWith("go: downloading "));
  const text = said.join("\n");
  const advice = /no space left|disk quota/i.test(text)
    ? "The disk is full: about 3 GB is needed where `go env GOCACHE GOMODCACHE` points to, and up to 1 GB where it is built."
    : /signal: killed|cannot allocate memory/.test(text)
      ? "The machine ran out of memory: about 2 GB is needed."
      : /dial tcp|i\/o timeout|no such host|connection re|TLS|x509|proxyconnect|unexpected EOF|: 40[37]|: 5\d\d|module lookup disabled/i.test(
            text,
          )
        ? "Go could not download modules. Check the network; behind a proxy set HTTPS_PROXY, or GOPROXY to a mirror of https://proxy.golang.org."
        : "Check the network (HTTPS_PROXY, GOPROXY) and the disk (about 3 GB is needed where `go env GOCACHE GOMODCACHE` points to).";
  return [
    `Building ${product.what} v${product.version} failed: ${failure}.`,
    ...said.slice(-12).map((line) => `  ${line}`),
    `All of go's output: ${logFile}`,
    advice,
    `Run this again to go on where it stopped${product.instead}`,
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
    execFile(file, args, { env, timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ stdout, stderr: stderr || error?.message || "", failed: error !== null }),
    );
  });
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

/**
 * @param {((line: string) => void) | undefined} log where there is none, it is standard error, and progress is one line
 *   that moves if that is a terminal
 * @returns {Reporter}
 */
function showTo(log) {
  return log ? reporter(log) : terminalReporter();
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
