// Debian's packages, unpacked into the cache: for tests that want the real programs on a machine that hasn't got them. Nothing is
// installed: no service starts, no file outside the cache changes.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { withLock } = require("../../tools/shared.js");
const { limitMs } = require("../../tools/test/time.js");

/** This machine can't have it; the message says why. */
class Unavailable extends Error {}

module.exports = { Unavailable, unpackPackages };

/**
 * Unpacks packages once, and says where: the root below which their files lie.
 *
 * @param {object} wanted
 * @param {string} wanted.what for people: "Docker"
 * @param {string} wanted.size about how much comes over the network: "70 MB"
 * @param {string[]} wanted.packages
 * @param {boolean} [wanted.isWhole] with all that they need, as for a machine that has nothing yet. Default: they alone
 * @param {string} directory of its own
 * @param {(line: string) => void} log
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>}
 * @throws {Unavailable}
 */
async function unpackPackages({ what, size, packages, isWhole = false }, directory, log, env) {
  const root = path.join(directory, "root");
  const done = path.join(directory, "complete");
  const wanted = packages.join(" ");
  const isDone = () => fs.existsSync(done) && fs.readFileSync(done, "utf8") === wanted;
  if (isDone()) return root;
  const waiting = () => log(`Another process unpacks ${what}'s packages; waiting for it.`);
  await withLock(path.join(directory, "lock"), waiting, async () => {
    if (isDone()) return;
    log(`Downloading ${what}'s packages with apt-get into ${directory} (about ${size}, once).`);
    fs.rmSync(root, { recursive: true, force: true });
    const debs = path.join(directory, "debs");
    fs.rmSync(debs, { recursive: true, force: true });
    fs.mkdirSync(debs, { recursive: true });
    download(() => (isWhole ? withAllTheyNeed(packages, what, debs, env) : packages), what, debs, env);
    for (const deb of fs.readdirSync(debs)) run("dpkg-deb", ["-x", path.join(debs, deb), root], what, debs, env);
    fs.rmSync(debs, { recursive: true, force: true });
    fs.writeFileSync(done, wanted);
  });
  return root;
}

/**
 * @param {() => string[]} packages
 * @param {string} what
 * @param {string} debs
 * @param {NodeJS.ProcessEnv} env
 */
function download(packages, what, debs, env) {
  // As root, apt-get downloads as a user of its own, who can't write here.
  const once = () => run("apt-get", ["download", "-o", "APT::Sandbox::User=root", ...packages()], what, debs, env);
  try {
    once();
  } catch {
    // Its lists may be missing, or too old.
    run("apt-get", ["update"], what, debs, env);
    once();
  }
}

/**
 * @param {string[]} packages
 * @param {string} what
 * @param {string} directory
 * @param {NodeJS.ProcessEnv} env
 * @returns {string[]}
 */
function withAllTheyNeed(packages, what, directory, env) {
  // What would be installed where nothing is.
  const nothing = path.join(directory, "installed");
  fs.writeFileSync(nothing, "");
  const options = ["--simulate", "--no-install-recommends", "-o", `Dir::State::status=${nothing}`];
  const text = run("apt-get", ["install", ...options, ...packages], what, directory, env);
  fs.rmSync(nothing);
  return [...text.matchAll(/^Inst (\S+)/gm)].map(([, name = ""]) => name);
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {string} what
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} what it printed
 */
function run(file, args, what, cwd, env) {
  const { status, error, stdout, stderr } = spawnSync(file, args, {
    cwd,
    env,
    encoding: "utf8",
    timeout: limitMs(300),
  });
  if (error) throw new Unavailable(`there is no ${file} to get ${what}'s packages with (${error.message})`);
  const said = stderr.trim().split("\n").slice(-2).join(" ");
  if (status !== 0) throw new Unavailable(`${file} ${args.includes("update") ? "update" : args[0]} failed: ${said}`);
  return stdout;
}
