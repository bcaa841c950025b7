// The official release of the Pulumi CLI, installed by the SDK's own installer, in the SDK's version, into our cache and nowhere else. It is
// fetched over TLS. Where it can't be reached, that is known after some seconds. Started as a program, this file is the process that installs.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { UserError, withLock } = require("../shared.js");
const { duration, isExecutable } = require("./go.js");

module.exports = { installRelease, readRelease };

/**
 * @typedef {object} Release
 * @property {string} version the SDK's, without a leading v
 * @property {string} directory with bin/ in it
 * @property {string} pulumi
 */

/**
 * @param {string} cache
 * @returns {Release | undefined} nothing where the SDK isn't installed
 */
function readRelease(cache) {
  const manifest = path.resolve(__dirname, "../../node_modules/@pulumi/pulumi/package.json");
  if (!fs.existsSync(manifest)) return undefined;
  const { version } = JSON.parse(fs.readFileSync(manifest, "utf8"));
  const directory = path.join(cache, "release", `${version}-${process.platform}-${process.arch}`);
  return { version, directory, pulumi: executable(directory) };
}

/** @param {string} root */
const executable = (root) => path.join(root, "bin", process.platform === "win32" ? "pulumi.exe" : "pulumi");

/**
 * @param {Release} release
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {import("./go.js").Reporter} options.show
 * @param {(file: string, env: NodeJS.ProcessEnv) => Promise<string | undefined>} options.versionOf
 * @param {number} [options.silenceMs] after how long without a byte more it counts as out of reach
 * @returns {Promise<string>} why it isn't there, or ""
 */
async function installRelease({ version, directory, pulumi }, { env, show, versionOf, silenceMs = 10_000 }) {
  const parent = path.dirname(directory);
  try {
    fs.mkdirSync(parent, { recursive: true });
    fs.accessSync(parent, fs.constants.W_OK);
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
  const waiting = (/** @type {{ pid: number, host: string } | undefined} */ holder) =>
    show.line(
      `Waiting for ${holder ? `process ${holder.pid} on ${holder.host}` : "another process"}, which is installing the Pulumi CLI`,
    );
  return withLock(path.join(parent, "lock"), waiting, async () => {
    if (isExecutable(pulumi)) return ""; // the process we waited for has installed it
    for (const name of fs.readdirSync(parent))
      if (name.endsWith(".tmp")) fs.rmSync(path.join(parent, name), { recursive: true }); // of one that was killed
    const work = path.join(parent, `${process.pid}.tmp`);
    const root = path.join(work, "root");
    fs.mkdirSync(path.join(work, "tmp"), { recursive: true });
    const start = performance.now();
    show.progress(`downloading the official release of the Pulumi CLI, v${version}`);
    try {
      const why = await install(root, version, { work, env, silenceMs });
      if (why !== "") return why;
      const found = await versionOf(executable(root), env);
      if (found !== `v${version}`) return `its \`pulumi version\` prints ${found ?? "nothing"} instead of v${version}`;
      fs.rmSync(directory, { recursive: true, force: true });
      fs.renameSync(root, directory);
      show.end();
      show.line(
        `Installed the Pulumi CLI v${version} in ${duration((performance.now() - start) / 1000)}: ${directory}`,
      );
      return "";
    } finally {
      show.end();
      fs.rmSync(work, { recursive: true, force: true, maxRetries: 3 });
    }
  });
}

/**
 * @param {string} root
 * @param {string} version
 * @param {object} options
 * @param {string} options.work a folder for all that is temporary
 * @param {NodeJS.ProcessEnv} options.env
 * @param {number} options.silenceMs
 * @returns {Promise<string>} why it failed, or ""
 */
async function install(root, version, { work, env, silenceMs }) {
  const tmp = path.join(work, "tmp");
  const child = spawn(process.execPath, [__filename, root, version], {
    // The user's own ~/.pulumi isn't touched, and TLS isn't switched off.
    env: {
      ...{ ...env, NODE_TLS_REJECT_UNAUTHORIZED: undefined, PULUMI_HOME: path.join(work, "home") },
      ...{ TMPDIR: tmp, TMP: tmp, TEMP: tmp },
    },
    // A process group of its own: the installer starts others.
    detached: process.platform !== "win32",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const kill = () => {
    try {
      if (child.pid && process.platform !== "win32") process.kill(-child.pid, "SIGKILL");
      else child.kill("SIGKILL");
    } catch {
      // it has ended by itself
    }
  };
  /** @type {NodeJS.Signals | undefined} */
  let interrupted;
  const interrupt = (/** @type {NodeJS.Signals} */ signal) => {
    interrupted = signal;
    kill();
  };
  const signals = /** @type {NodeJS.Signals[]} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.on(signal, interrupt);
  process.once("exit", kill);

  let isSilent = false;
  /** @type {NodeJS.Timeout | undefined} */
  let watch;
  child.once("message", () => {
    let [seen, since] = [bytesBelow(work), performance.now()];
    watch = setInterval(
      () => {
        const now = bytesBelow(work);
        if (now !== seen) [seen, since] = [now, performance.now()];
        else if (performance.now() - since > silenceMs) {
          isSilent = true;
          kill();
        }
      },
      Math.min(500, silenceMs),
    );
  });
  try {
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk) => (said += chunk));
    const code = await new Promise((resolve) => {
      child.once("error", () => resolve(undefined));
      child.once("close", resolve);
    });
    if (interrupted) throw new UserError("Interrupted.");
    if (isSilent) return `nothing came for ${duration(silenceMs / 1000)}`;
    return code === 0 ? "" : said.trim() || `the installer ended with exit code ${code}`;
  } finally {
    clearInterval(watch);
    process.removeListener("exit", kill);
    for (const signal of signals) process.removeListener(signal, interrupt);
    // What the signal would have done without us, as soon as the lock has been given back too.
    if (interrupted) setImmediate(() => process.kill(process.pid, interrupted));
  }
}

/** @param {string} folder */
function bytesBelow(folder) {
  let sum = 0;
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    sum += fs.lstatSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
}

/**
 * The line of an error that says most: the SDK puts all that the installer printed into one.
 *
 * @param {string} text
 */
function reasonIn(text) {
  const lines = text.split("\n").map((line) => line.trim());
  const told = lines.filter(
    (line) =>
      /\b(error|fail|could ?n.t|unable|timed out|denied)/i.test(line) &&
      !line.includes("Command failed with exit code"),
  );
  return (told[0] ?? lines.find((line) => line !== "") ?? "").slice(0, 300);
}

if (require.main === module) {
  const [root = "", version = ""] = process.argv.slice(2);
  const { PulumiCommand } = require("@pulumi/pulumi/automation");
  const { SemVer } = require("semver");
  process.send?.("loaded");
  PulumiCommand.install({ root, version: new SemVer(version) }).then(
    () => process.exit(0),
    (/** @type {Error} */ error) => {
      console.error(reasonIn(error.message));
      process.exit(1);
    },
  );
}
