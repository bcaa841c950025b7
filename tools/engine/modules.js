#!/usr/bin/env node
// Pulumi's own programs for other languages, which a release carries and a built engine doesn't: the language hosts of YAML and Java, and the
// generator of SDKs for .NET. Each is built from its Go module, once, into the cache, as the engine is.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { UserError, cacheDirectory, main } = require("../shared.js");
const { build, capture, isExecutable, keyOf, readModule, showTo, toolchain } = require("./go.js");

/** @type {Record<string, { what: string, because: string, main: string, executable: string, of: string, version?: string }>} By folder. */
const MODULES = {
  "yaml-host": {
    what: "the language host of Pulumi YAML",
    because: "the tests run programs in YAML",
    main: "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
    executable: "pulumi-language-yaml",
    of: "github.com/pulumi/pulumi-yaml",
    version: "github.com/pulumi/pulumi-yaml/pkg/version.Version",
  },
  "java-host": {
    what: "the language host of Java",
    because: "the tests run programs in Java",
    main: "github.com/pulumi/pulumi-java/pkg/cmd/pulumi-language-java",
    executable: "pulumi-language-java",
    of: "github.com/pulumi/pulumi-java",
    version: "github.com/pulumi/pulumi-java/pkg/version.Version",
  },
  "dotnet-generator": {
    what: "the generator of SDKs for .NET",
    because: "the tests generate an SDK for .NET",
    main: "storageprofiles.dev/dotnetgenerator",
    executable: "dotnet-generator",
    of: "github.com/pulumi/pulumi/pkg/v3",
  },
};

module.exports = { ensureModule };

/**
 * @typedef {object} Built
 * @property {string} path the executable's folder: for PATH
 * @property {string} executable
 * @property {string} version
 */

/**
 * @param {string} name one of MODULES
 * @param {object} [options]
 * @param {(line: string) => void} [options.log] takes the progress, line by line. Default: standard error
 * @param {NodeJS.ProcessEnv} [options.env] default: process.env
 * @returns {Promise<Built | { missing: string }>} why this machine can't have it
 * @throws {UserError} when it could not be built, though the machine has what that needs
 */
async function ensureModule(name, { log, env = process.env } = {}) {
  const recipe = MODULES[name];
  if (!recipe) throw new UserError(`unknown module ${name}; choose ${Object.keys(MODULES).join(", ")}`);
  const { what, because, main, of, version: variable } = recipe;
  const module = readModule(path.join(__dirname, name));
  const version = new RegExp(`^(?:require |\\t)${of} v(\\S+)$`, "m").exec(module.text)?.[1];
  if (!version) throw new Error(`${module.folder}/go.mod: no version of ${of}`);
  const named = variable ? ` -X ${variable}=v${version}` : "";
  const flags = ["-mod=readonly", "-trimpath", "-tags=osusergo,grpcnotrace", `-ldflags=-s -w${named}`];
  const sources = ["go.sum", "main.go"]
    .map((file) => path.join(module.folder, file))
    .filter((file) => fs.existsSync(file));
  const texts = sources.map((file) => fs.readFileSync(file, "utf8"));
  const directory = path.join(cacheDirectory(env), name, keyOf([module.text, ...texts, flags]));
  const executable = path.join(directory, recipe.executable);
  if (!isExecutable(executable)) {
    const tools = await toolchain(module.go, env);
    if ("missing" in tools) return { missing: `${what} can't be built: ${tools.why}` };
    const fault = async (/** @type {string} */ file, /** @type {NodeJS.ProcessEnv} */ goEnv) => {
      const { stderr } = await capture(file, ["--help"], goEnv);
      return stderr.includes("Usage of") ? "" : `It was built, but does not run: ${stderr}.`;
    };
    const product = { what, version, because: `because ${because}`, reason: `T${because.slice(1)}.`, module };
    await build({ ...product, main, flags, executable, fault, instead: "" }, tools, showTo(log));
  }
  return { path: directory, executable, version };
}

// `node tools/engine/modules.js NAME` builds it ahead of the tests, and prints where it is, or why it is missing.
if (require.main === module) {
  main(async () => console.log(JSON.stringify(await ensureModule(process.argv[2] ?? ""), null, 2)));
}
