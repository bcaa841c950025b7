// What the tools share: an error that is meant for people, the order of versions, and a lock between processes that a
// crash of its holder does not leave behind. Plain JavaScript without dependencies: it runs before `npm ci` has.
// @ts-check
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

/** Something the reader can put right. Its message says all there is to say, so it is shown without a stack. */
class UserError extends Error {}

/** The exit code of a lab that this machine can't have, as against one that failed. */
const UNAVAILABLE = 3;

module.exports = { UNAVAILABLE, UserError, atLeast, cacheDirectory, main, withLock };

/**
 * Runs a tool's command line. A UserError ends it with its message and exit code 1; anything else is a bug of ours and
 * keeps its stack.
 *
 * @param {() => Promise<void>} command
 */
function main(command) {
  command().catch((error) => {
    process.exitCode = 1;
    console.error(error instanceof UserError ? error.message : error);
  });
}

/**
 * Whether a version is the minimum or newer, in the order that semver 2.0.0 gives: a pre-release comes before its
 * release, build metadata counts for nothing. A leading `v` or `go` and a missing patch number are let pass; what is no
 * version at all is never new enough.
 *
 * @param {string} version
 * @param {string} minimum
 */
function atLeast(version, minimum) {
  const [a, b] = [parseVersion(version), parseVersion(minimum)];
  return a !== undefined && b !== undefined && compare(a, b) >= 0;
}

/** @typedef {{ token: string, pid: number, host: string }} Holder */

/** How often a holder shows that it lives, and how long a waiting process goes without seeing that. */
const HEARTBEAT_MS = 5_000;
const HEARTBEAT_LOST_MS = 60_000;
const POLL_MS = 300;

/**
 * Does `work` while this process, and no other that asks for the same file, holds the lock.
 *
 * A holder that died is recognised at once when it ran on this machine, by its process id. Elsewhere (a home directory on
 * the network, containers that share a cache), and where the id has been given to another process since, by its heartbeat:
 * it keeps touching the file. The waiting side measures silence with its own clock, so that neither clocks that differ nor
 * a laptop that slept cost a living holder its lock.
 *
 * @template T
 * @param {string} file the lock file; its directory is made when missing
 * @param {(holder: Holder | undefined, seconds: number) => void} waiting told at once, and then every 15 s, who has it
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withLock(file, waiting, work) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  /** @type {Holder} */
  const self = {
    token: `${process.pid}-${Math.random().toString(36).slice(2)}`,
    pid: process.pid,
    host: os.hostname(),
  };
  const descriptor = await acquire(file, self, waiting);
  // By descriptor: should the lock have been lost all the same, another's heart must not be beaten.
  const heartbeat = setInterval(() => fs.futimes(descriptor, new Date(), new Date(), () => {}), HEARTBEAT_MS);
  heartbeat.unref();
  const release = () => {
    clearInterval(heartbeat);
    if (read(file)?.token === self.token) fs.rmSync(file, { force: true });
  };
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
    fs.closeSync(descriptor);
  }
}

/**
 * @param {string} file
 * @param {Holder} self
 * @param {(holder: Holder | undefined, seconds: number) => void} waiting
 * @returns {Promise<number>} an open descriptor of the lock file
 */
async function acquire(file, self, waiting) {
  const start = performance.now();
  let toldAt = -Infinity;
  let beat = { mtime: NaN, seenAt: start };
  for (;;) {
    try {
      const descriptor = fs.openSync(file, "wx");
      fs.writeSync(descriptor, JSON.stringify(self));
      return descriptor;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    const mtime = fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    if (mtime === undefined) continue; // given back between the two looks
    const now = performance.now();
    if (mtime !== beat.mtime) beat = { mtime, seenAt: now };
    const holder = read(file);
    if ((holder && isGone(holder)) || now - beat.seenAt > HEARTBEAT_LOST_MS) {
      breakLock(file, holder, self);
      continue;
    }
    if (now - toldAt >= 15_000) {
      toldAt = now;
      waiting(holder, Math.round((now - start) / 1000));
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * Removes the lock of a holder that is gone. Two processes may come to that conclusion together, and the slower one would
 * remove the new lock of the faster one; so it is moved aside first, looked at, and put back if it was not the one meant.
 *
 * @param {string} file
 * @param {Holder | undefined} gone
 * @param {Holder} self
 */
function breakLock(file, gone, self) {
  const aside = `${file}.${self.token}`;
  try {
    fs.renameSync(file, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  if (read(aside)?.token !== gone?.token && !fs.existsSync(file)) fs.renameSync(aside, file);
  else fs.rmSync(aside, { force: true });
}

/** @param {Holder} holder */
function isGone(holder) {
  if (holder.host !== os.hostname()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH"; // EPERM: it lives, and is another user's
  }
}

/**
 * @param {string} file
 * @returns {Holder | undefined} undefined too when its holder has made the file and not yet written it
 */
function read(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code;
}

/** @typedef {{ numbers: number[], pre: string[] }} Version */

/**
 * @param {string} text
 * @returns {Version | undefined}
 */
function parseVersion(text) {
  // Go writes a pre-release without a hyphen: 1.27rc1.
  const match = /^(?:v|go)?(\d+)\.(\d+)(?:\.(\d+))?(?:-([0-9A-Za-z.-]+)|((?:rc|beta)\d+))?(?:\+\S*)?$/.exec(
    text.trim(),
  );
  if (!match) return undefined;
  const pre = match[4] ?? match[5];
  return { numbers: [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)], pre: pre ? pre.split(".") : [] };
}

/**
 * @param {Version} a
 * @param {Version} b
 */
function compare(a, b) {
  for (let i = 0; i < 3; i++) {
    const difference = (a.numbers[i] ?? 0) - (b.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const [x, y] = [a.pre[i], b.pre[i]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (x === y) continue;
    const [xIsNumber, yIsNumber] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (xIsNumber && yIsNumber) return Number(x) - Number(y);
    if (xIsNumber !== yIsNumber) return xIsNumber ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}

/**
 * Where everything is kept that is built once: engines, and the Python environments of tests.
 *
 * @param {NodeJS.ProcessEnv} env
 */
function cacheDirectory(env) {
  if (env.STORAGE_PROFILES_CACHE) return path.resolve(env.STORAGE_PROFILES_CACHE);
  // The XDG specification wants a relative path to be ignored.
  const base =
    env.XDG_CACHE_HOME && path.isAbsolute(env.XDG_CACHE_HOME)
      ? env.XDG_CACHE_HOME
      : path.join(env.HOME || os.homedir(), ".cache");
  return path.join(base, "storage-profiles");
}
