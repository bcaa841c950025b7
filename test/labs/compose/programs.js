// docker-compose 1.29: this machine's where it has it, else Debian's packages, unpacked into the cache.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const path = require("node:path");
const { cacheDirectory } = require("../../../tools/shared.js");
const { Unavailable, unpackPackages } = require("../debian.js");

module.exports = { composePrograms };

/**
 * @typedef {object} ComposePrograms
 * @property {string[]} compose the command, to which arguments are added
 * @property {string} python the Python that has its modules
 * @property {Record<string, string>} env what both are started with
 */

// It is a program for the Python that the same Debian has.
const PYTHON = "/usr/bin/python3";
const MODULES = [
  ...["attr", "cached-property", "certifi", "chardet", "charset-normalizer", "distro", "docker", "dockerpty", "docopt"],
  ...["dotenv", "idna", "jsonschema", "pkg-resources", "pyrsistent", "requests", "six", "texttable", "urllib3"],
  ...["websocket", "yaml"],
];
const PACKAGES = ["docker-compose", ...MODULES.map((each) => `python3-${each}`)];

/**
 * @param {object} [options]
 * @param {(line: string) => void} [options.log]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<ComposePrograms | { missing: string }>} why this machine can't have it
 */
async function composePrograms({ log = console.error, env = process.env } = {}) {
  const installed = { compose: ["/usr/bin/docker-compose"], python: PYTHON, env: {} };
  if (runs(installed, env)) return installed;
  try {
    const wanted = { what: "docker-compose", size: "2 MB", packages: PACKAGES };
    const root = await unpackPackages(wanted, path.join(cacheDirectory(env), "docker-compose"), log, env);
    const found = {
      compose: [PYTHON, "-m", "compose"],
      python: PYTHON,
      env: { PYTHONPATH: path.join(root, "usr/lib/python3/dist-packages") },
    };
    return runs(found, env) ? found : { missing: `docker-compose doesn't run with ${PYTHON}` };
  } catch (error) {
    if (error instanceof Unavailable) return { missing: error.message };
    throw error;
  }
}

/**
 * @param {ComposePrograms} programs
 * @param {NodeJS.ProcessEnv} env
 */
function runs({ compose: [file = "", ...args], env: own }, env) {
  return spawnSync(file, [...args, "version"], { env: { ...env, ...own } }).status === 0;
}

// `node test/labs/compose/programs.js` gets it ahead of the tests, and says where it is, or why there is none: a test is declared at once.
if (require.main === module) composePrograms().then((found) => console.log(JSON.stringify(found)));
