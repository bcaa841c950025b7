// The programs of a Docker engine: those of this machine where it has them, else Debian's packages, unpacked into the cache.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { cacheDirectory } = require("../../../tools/shared.js");
const { Unavailable, unpackPackages } = require("../debian.js");

module.exports = { Unavailable, dockerPrograms, unpackedDocker };

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
  return ofThisMachine(env) ?? (await unpacked(log, env));
}

/**
 * Debian's packages of Docker, unpacked: for another machine than this one.
 *
 * @param {(line: string) => void} log
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>} the root below which they lie
 * @throws {Unavailable}
 */
function unpackedDocker(log, env) {
  const wanted = { what: "Docker", size: "70 MB", packages: PACKAGES };
  return unpackPackages(wanted, path.join(cacheDirectory(env), "docker"), log, env);
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
 * @param {(line: string) => void} log
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Programs>}
 */
async function unpacked(log, env) {
  const root = await unpackedDocker(log, env);
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
