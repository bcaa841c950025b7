// What all plugins have in common that the tests drive the engine with: a program between Pulumi's bridge and a Terraform provider, which lies in
// a folder beside this file, is built once, into the cache, and tells its version.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { cacheDirectory } = require("../shared.js");
const { build, capture, isExecutable, keyOf, readModule, showTo, toolchain } = require("./go.js");

module.exports = { ensurePlugin };

const FLAGS = ["-mod=readonly", "-trimpath", "-tags=osusergo,grpcnotrace", "-ldflags=-s -w"];

/**
 * @typedef {object} Built
 * @property {string} executable
 * @property {string} version of the npm package whose tokens it knows
 */

/**
 * The plugin's executable, built if it isn't there yet.
 *
 * @param {object} plugin
 * @param {string} plugin.name of the npm package, without its scope: "aws"
 * @param {string} plugin.title for people: "AWS"
 * @param {string} plugin.main the package to build, as `go list` prints it
 * @param {NodeJS.ProcessEnv} env
 * @param {((line: string) => void) | undefined} log
 * @returns {Promise<Built | { missing: string }>} why this machine can't have it
 * @throws {UserError} when it could not be built, though all that it takes is here
 */
async function ensurePlugin({ name, title, main }, env, log) {
  const source = path.join(__dirname, `${name}-plugin`);
  const { module, version, executable } = readRecipe(source, name, env);
  if (!isExecutable(executable)) {
    const tools = await toolchain(module.go, env);
    if ("missing" in tools) return { missing: `the ${title} plugin can't be built: ${tools.why}` };
    const fault = async (/** @type {string} */ file, /** @type {NodeJS.ProcessEnv} */ goEnv) => {
      const { stdout, stderr } = await capture(file, ["--version"], goEnv);
      return stdout.trim() === version ? "" : `The ${title} plugin was built, but does not run: ${stdout}${stderr}.`;
    };
    const product = {
      what: `the ${title} plugin`,
      version,
      because: "because the tests drive the engine with it",
      reason: `The tests want an ${title} plugin.`,
      module,
    };
    await build({ ...product, main, flags: FLAGS, executable, fault, instead: "" }, tools, showTo(log));
  }
  return { executable, version };
}

/**
 * @param {string} source
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
function readRecipe(source, name, env) {
  const files = fs
    .readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((file) => fs.statSync(path.join(source, file)).isFile())
    .sort();
  const contents = files.map((file) => [file, fs.readFileSync(path.join(source, file), "utf8")]);
  const version = /^const version = "(.+)"$/m.exec(fs.readFileSync(path.join(source, "main.go"), "utf8"))?.[1];
  if (!version) throw new Error(`${path.join(source, "main.go")}: no version`);
  const directory = path.join(cacheDirectory(env), `${name}-plugin`, keyOf([contents, FLAGS]));
  return { module: readModule(source), version, executable: path.join(directory, `pulumi-resource-${name}`) };
}
