#!/usr/bin/env node
// The language hosts of Python and Go, which run programs and generate SDKs with Pulumi's own generators: built from the program beside this
// file, once, into the cache, as the engine is. A release of Pulumi carries its own; a built engine has none.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { UserError, cacheDirectory, main } = require("../shared.js");
const { build, capture, isExecutable, keyOf, readModule, showTo, toolchain } = require("./go.js");

const PACKAGE = "storageprofiles.dev/codegenhosts";
const SDK = "github.com/pulumi/pulumi/sdk/v3";
const RUNNER = "pulumi-language-python-exec";
const NAMES = ["pulumi-language-python", "pulumi-language-go"];

module.exports = { ensureCodegenHosts };

/**
 * @typedef {object} CodegenHosts
 * @property {string} path the folder of `pulumi-language-python` and `pulumi-language-go`: for PATH
 * @property {string} version of Pulumi
 * @property {string} go absolute path of the Go that builds, which programs in Go need too
 */

/**
 * @param {object} [options]
 * @param {(line: string) => void} [options.log] takes the progress, line by line. Default: standard error
 * @param {NodeJS.ProcessEnv} [options.env] default: process.env
 * @returns {Promise<CodegenHosts | { missing: string }>} why this machine can't have them
 * @throws {UserError} when they could not be built, though the machine has what that needs
 */
async function ensureCodegenHosts({ log, env = process.env } = {}) {
  const module = readModule(path.join(__dirname, "codegen-hosts"));
  const version = /^\s*github\.com\/pulumi\/pulumi\/pkg\/v3 v(\S+)/m.exec(module.text)?.[1];
  if (!version) throw new Error("tools/engine/codegen-hosts/go.mod: no version of github.com/pulumi/pulumi/pkg/v3");
  const flags = [
    "-mod=readonly",
    "-trimpath",
    "-tags=osusergo,grpcnotrace",
    `-ldflags=-s -w -X ${SDK}/go/common/version.Version=v${version}`,
  ];
  const source = ["go.sum", "main.go"].map((file) => fs.readFileSync(path.join(module.folder, file), "utf8"));
  const directory = path.join(cacheDirectory(env), "codegen-hosts", keyOf([module.text, source, flags]));
  // Languages differ by the name that the program is started by: it is built under the first one, and the last file marks that all are there.
  const [first = "", ...others] = NAMES.map((name) => path.join(directory, name));
  const runner = path.join(directory, RUNNER);
  const tools = await toolchain(module.go, env);
  if ("missing" in tools) return { missing: `the language hosts of Python and Go can't be built: ${tools.why}` };
  if (!isExecutable(first) || !fs.existsSync(runner)) {
    const fault = async (/** @type {string} */ file, /** @type {NodeJS.ProcessEnv} */ goEnv) => {
      const named = path.join(path.dirname(file), `${path.basename(file)}.run`, NAMES[0] ?? "");
      fs.mkdirSync(path.dirname(named));
      fs.symlinkSync(file, named);
      const { stdout, stderr } = await capture(named, ["--version"], goEnv);
      fs.rmSync(path.dirname(named), { recursive: true });
      return stdout.trim() === version
        ? ""
        : `The language hosts were built, but do not run: ${stdout}${stderr.trim()}.`;
    };
    const product = {
      what: "the language hosts of Python and Go",
      version,
      because: "because the tests run programs in Python and Go",
      reason: "The tests run programs in Python and Go.",
      module,
    };
    await build({ ...product, main: PACKAGE, flags, executable: first, fault, instead: "" }, tools, showTo(log));
    for (const other of others) place(other, (to) => fs.linkSync(first, to));
    // Pulumi's own script, which runs a Python program: a file of the module that was built.
    const listed = await capture(tools.go, ["-C", module.folder, "list", "-m", "-f", "{{.Dir}}", SDK], tools.env);
    if (listed.failed) throw new UserError(`${SDK} is not where Go has put it: ${listed.stderr.trim()}`);
    const script = path.join(listed.stdout.trim(), "python/cmd", RUNNER);
    place(runner, (to) => fs.copyFileSync(script, to));
  }
  return { path: directory, version, go: tools.go };
}

/**
 * @param {string} file
 * @param {(temporary: string) => void} make
 */
function place(file, make) {
  const temporary = `${file}.${process.pid}.tmp`;
  make(temporary);
  fs.renameSync(temporary, file);
}

// `node tools/engine/codegen-hosts.js` builds them ahead of the tests, and prints where they are, or why they are missing.
if (require.main === module) main(async () => console.log(JSON.stringify(await ensureCodegenHosts(), null, 2)));
