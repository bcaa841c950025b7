// The programs of a Docker engine: those of this machine where it has them, else Debian's packages, unpacked into the cache. Nothing
// is installed: no service starts, no file outside the cache changes.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { cacheDirectory, withLock } = require("../../../tools/shared.js");

/** This machine can't have a Docker engine; the message says why. */
class Unavailable extends Error {}

module.exports = { Unavailable, dockerPrograms };

/**
 * @typedef {object} Programs
 * @property {string} dockerd
 * @property {string} docker the client that belongs to it
 * @property {string} busybox linked statically: what containers run
 * @property {Record<string, string>} env what they are started with: PATH, and where their libraries are
 */

/** Debian's packages of the engine, of what it starts, of the libraries that a small machine may lack, and of a shell for images. */
const PACKAGES = ["docker.io", "containerd", "runc", "busybox-static", "libdevmapper1.02.1", "libseccomp2"];

/**
 * @param {object} [options]
 * @param {(line: string) => void} [options.log]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<Programs>}
 * @throws {Unavailable}
 */
async function dockerPrograms({ log = console.error, env = process.env } = {}) {
  if (process.platform !== "linux") throw new Unavailable("a Docker engine of our own needs Linux");
  if (process.geteuid?.() !== 0) throw new Unavailable("a Docker engine of our own needs root");
  const directory = path.join(cacheDirectory(env), "docker");
  return ofThisMachine(env) ?? (await unpacked(directory, log, env));
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Programs | undefined}
 */
function ofThisMachine(env) {
  const places = [...(env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"].filter(Boolean);
  const find = (/** @type {string} */ name, /** @type {string[]} */ where) =>
    where.map((place) => path.join(place, name)).find((file) => fs.existsSync(file));
  const dockerd = find("dockerd", places);
  // Another client may stand first on PATH.
  const docker = dockerd && find("docker", [path.dirname(dockerd), "/usr/bin", ...places]);
  const busybox = find("busybox", places);
  if (!dockerd || !docker || !busybox || !find("containerd", places) || !find("runc", places)) return undefined;
  const dynamic = spawnSync("ldd", [busybox], { encoding: "utf8" }).stdout?.includes("=>");
  return dynamic ? undefined : { dockerd, docker, busybox, env: { PATH: places.join(":") } };
}

/**
 * @param {string} directory
 * @param {(line: string) => void} log
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Programs>}
 */
async function unpacked(directory, log, env) {
  const root = path.join(directory, "root");
  const done = path.join(directory, "complete");
  const wanted = PACKAGES.join(" ");
  const isDone = () => fs.existsSync(done) && fs.readFileSync(done, "utf8") === wanted;
  if (!isDone()) {
    const waiting = () => log("Another process unpacks Docker's packages; waiting for it.");
    await withLock(path.join(directory, "lock"), waiting, async () => {
      if (isDone()) return;
      log(`Downloading Docker's packages with apt-get into ${directory} (about 70 MB, once).`);
      fs.rmSync(root, { recursive: true, force: true });
      const debs = path.join(directory, "debs");
      fs.rmSync(debs, { recursive: true, force: true });
      fs.mkdirSync(debs, { recursive: true });
      download(debs, env);
      for (const deb of fs.readdirSync(debs)) run("dpkg-deb", ["-x", path.join(debs, deb), root], debs, env);
      fs.rmSync(debs, { recursive: true, force: true });
      fs.writeFileSync(done, wanted);
    });
  }
  const places = ["usr/sbin", "usr/bin", "bin", "sbin"].map((place) => path.join(root, place));
  const libraries = fs
    .readdirSync(path.join(root, "lib"), { withFileTypes: true })
    .filter((each) => each.isDirectory())
    .map(({ name }) => path.join(root, "lib", name));
  const usrLibraries = libraries.map((each) => each.replace(path.join(root, "lib"), path.join(root, "usr/lib")));
  return {
    dockerd: path.join(root, "usr/sbin/dockerd"),
    docker: path.join(root, "usr/bin/docker"),
    busybox: path.join(root, "bin/busybox"),
    env: {
      PATH: [...places, env["PATH"]].join(":"),
      LD_LIBRARY_PATH: [...libraries, ...usrLibraries, env["LD_LIBRARY_PATH"]].filter(Boolean).join(":"),
    },
  };
}

/**
 * @param {string} debs
 * @param {NodeJS.ProcessEnv} env
 */
function download(debs, env) {
  // As root, apt-get downloads as a user of its own, who can't write here.
  const args = ["-o", "APT::Sandbox::User=root", "download", ...PACKAGES];
  try {
    run("apt-get", args, debs, env);
  } catch {
    // Its lists may be missing, or too old.
    run("apt-get", ["update"], debs, env);
    run("apt-get", args, debs, env);
  }
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} env
 */
function run(file, args, cwd, env) {
  const { status, error, stderr } = spawnSync(file, args, { cwd, env, encoding: "utf8", timeout: 300_000 });
  if (error) throw new Unavailable(`there is no ${file} to get Docker's packages with (${error.message})`);
  const said = stderr.trim().split("\n").slice(-2).join(" ");
  if (status !== 0) throw new Unavailable(`${file} ${args.includes("update") ? "update" : args[0]} failed: ${said}`);
}
