#!/usr/bin/env node
// Pulumi YAML's own language host, which runs programs in YAML: built from its Go module, once, into the cache, as the engine is. A release of
// Pulumi carries it; a built engine doesn't.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { cacheDirectory, main } = require("../shared.js");
const { build, capture, isExecutable, keyOf, readModule, showTo, toolchain } = require("./go.js");

const PACKAGE = "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml";

module.exports = { ensureYamlHost };

/**
 * @typedef {object} YamlHost
 * @property {string} path the folder of `pulumi-language-yaml`: for PATH
 * @property {string} version
 */

/**
 * @param {object} [options]
 * @param {(line: string) => void} [options.log] takes the progress, line by line. Default: standard error
 * @param {NodeJS.ProcessEnv} [options.env] default: process.env
 * @returns {Promise<YamlHost | { missing: string }>} why this machine can't have it
 * @throws {import("../shared.js").UserError} when it could not be built, though the machine has what that needs
 */
async function ensureYamlHost({ log, env = process.env } = {}) {
  const module = readModule(path.join(__dirname, "yaml-host"));
  const version = /^require github\.com\/pulumi\/pulumi-yaml v(\S+)$/m.exec(module.text)?.[1];
  if (!version) throw new Error("tools/engine/yaml-host/go.mod: no version of github.com/pulumi/pulumi-yaml");
  const flags = [
    "-mod=readonly",
    "-trimpath",
    "-tags=osusergo,grpcnotrace",
    `-ldflags=-s -w -X github.com/pulumi/pulumi-yaml/pkg/version.Version=v${version}`,
  ];
  const sums = fs.readFileSync(path.join(module.folder, "go.sum"), "utf8");
  const directory = path.join(cacheDirectory(env), "yaml-host", keyOf([module.text, sums, flags]));
  const executable = path.join(directory, "pulumi-language-yaml");
  if (!isExecutable(executable)) {
    const tools = await toolchain(module.go, env);
    if ("missing" in tools) return { missing: `the language host of Pulumi YAML can't be built: ${tools.why}` };
    const fault = async (/** @type {string} */ file, /** @type {NodeJS.ProcessEnv} */ goEnv) => {
      const { stderr } = await capture(file, ["--help"], goEnv);
      return stderr.includes("Usage of") ? "" : `The language host was built, but does not run: ${stderr}.`;
    };
    const product = {
      what: "the language host of Pulumi YAML",
      version,
      because: "because the tests run programs in YAML",
      reason: "The tests run programs in YAML.",
      module,
    };
    await build({ ...product, main: PACKAGE, flags, executable, fault, instead: "" }, tools, showTo(log));
  }
  return { path: directory, version };
}

// `node tools/engine/yaml-host.js` builds it ahead of the tests, and prints where it is, or why it is missing.
if (require.main === module) main(async () => console.log(JSON.stringify(await ensureYamlHost(), null, 2)));
