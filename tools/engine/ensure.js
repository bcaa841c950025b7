#!/usr/bin/env node
// Finds a Pulumi engine, or gets one. `pulumi` on PATH is used. Where there is none, the official release is installed (release.js), once, into
// a cache outside the tree. Where that can't be reached, the CLI is built from its Go module (go.mod beside this file pins it, go.sum verifies
// it) into the same cache, and our own small language host for Node.js is put next to it. Plain JavaScript without dependencies: it runs on a
// fresh clone, though without the release, whose installer is the SDK's.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { UserError, atLeast, cacheDirectory, main } = require("../shared.js");
const { build, buildTime, capture, find, isExecutable, keyOf, readModule, showTo, toolchain } = require("./go.js");
const { installRelease, readRelease } = require("./release.js");

/**
 * The oldest Pulumi that has all we rely on: hooks on a local component with its inputs, at preview. components/run.ts
 * says why in full, and asks the same of the engine that runs a program.
 */
const MINIMUM_PULUMI = "3.216.0";

/**
 * @typedef {object} Engine
 * @property {"path" | "release" | "built"} source where it was found
 * @property {string} pulumi absolute path of the executable
 * @property {string} version without the leading v
 * @property {string} path what to put in front of PATH, "" if nothing is needed
 * @property {Record<string, string>} env what to set besides; never what the caller's environment sets already
 */

module.exports = { MINIMUM_PULUMI, ensureEngine, environment };

/**
 * @param {object} [options]
 * @param {(line: string) => void} [options.log] takes what there is to tell, line by line. Default: standard error, where
 *   the progress of a build is one line that moves if it is a terminal
 * @param {NodeJS.ProcessEnv} [options.env] default: process.env
 * @returns {Promise<Engine>}
 * @throws {UserError} when there is no engine and none can be got; the message says what to install
 */
async function ensureEngine({ log, env = process.env } = {}) {
  const show = showTo(log);
  const recipe = readRecipe(env);
  const installed = find("pulumi", env);
  let refused = "";
  // What we built ourselves may be on PATH by now (`--env`). It is judged by its recipe, not by its version.
  if (installed && !fs.realpathSync(installed).startsWith(realpath(recipe.cache) + path.sep)) {
    const version = await versionOf(installed, env);
    if (version && atLeast(version, MINIMUM_PULUMI)) {
      return {
        source: "path",
        pulumi: installed,
        version: version.replace(/^v/, ""),
        path: missingHost(installed, env),
        env: {},
      };
    }
    refused = version
      ? `The pulumi on PATH is too old: ${installed} is ${version}, and ${MINIMUM_PULUMI} or newer is needed.`
      : `The pulumi on PATH does not work: \`${installed} version\` prints no version.`;
  }
  const release = readRelease(recipe.cache);
  if (!isExecutable(recipe.pulumi) && !(release && isExecutable(release.pulumi))) {
    if (refused) show.line(refused);
    const why = release ? await installRelease(release, { env, show, versionOf }) : "the SDK isn't installed (npm ci)";
    const unreachable = `The official release of the Pulumi CLI can't be installed: ${why}`;
    if (why !== "") await buildEngine(recipe, env, show, [refused || "`pulumi` is not on PATH.", unreachable]);
  }
  if (release && isExecutable(release.pulumi)) {
    const { pulumi, version } = release;
    return { source: "release", pulumi, version, path: path.dirname(pulumi), env: settings(env) };
  }
  placeHost(recipe.directory);
  return {
    source: "built",
    pulumi: recipe.pulumi,
    version: recipe.version,
    path: recipe.directory,
    env: settings(env),
  };
}

/**
 * An environment in which a child process finds the engine as `pulumi`.
 *
 * @param {Engine} engine
 * @param {NodeJS.ProcessEnv} [env] default: process.env
 * @returns {NodeJS.ProcessEnv}
 */
function environment(engine, env = process.env) {
  const parts = [engine.path, env.PATH ?? ""].filter((part) => part !== "");
  return { ...env, ...engine.env, PATH: parts.join(path.delimiter) };
}

const HELP = `Usage: node tools/engine/ensure.js [--env]

Says which Pulumi engine is used. Where pulumi is not on PATH, the official release is installed first. Where that can't be
reached, one is built: that needs Go, and takes ${buildTime()}.

  --env   print shell commands that put the engine on PATH:  eval "$(node tools/engine/ensure.js --env)"

The engine is kept in \${STORAGE_PROFILES_CACHE:-\${XDG_CACHE_HOME:-~/.cache}/storage-profiles}, in release or engine. These directories
can be removed at any time. What Go kept of the build, about 3 GB, goes away with: go clean -cache -modcache
`;

/** @param {string[]} args */
async function command(args) {
  const unknown = args.find((arg) => !["--env", "--help", "-h"].includes(arg));
  if (unknown !== undefined) throw new UserError(`Unknown argument ${unknown}.\n\n${HELP}`);
  if (args.includes("--help") || args.includes("-h")) return void process.stdout.write(HELP);
  const engine = await ensureEngine();
  if (!args.includes("--env")) {
    return console.log(
      `${engine.pulumi}  v${engine.version}, ${{ path: "found on PATH", release: "the official release", built: "built by us" }[engine.source]}`,
    );
  }
  const quote = (/** @type {string} */ text) => `'${text.replace(/'/g, `'\\''`)}'`;
  const onPath = (process.env.PATH ?? "").split(path.delimiter).includes(engine.path);
  if (engine.path && !onPath) console.log(`export PATH=${quote(engine.path)}:"$PATH"`);
  for (const [name, value] of Object.entries(engine.env)) console.log(`export ${name}=${quote(value)}`);
}

// ---- what is built, and where to -------------------------------------------------------------------------------------

const PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const CLI = `the Pulumi CLI ${MINIMUM_PULUMI} or newer: https://www.pulumi.com/docs/install/`;

/**
 * @typedef {object} Recipe
 * @property {string} version of the CLI, as go.mod has it
 * @property {import("./go.js").Module} module
 * @property {string[]} flags for `go list` and `go build`
 * @property {string} cache
 * @property {string} directory the engine's own, one for each recipe and platform
 * @property {string} pulumi
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Recipe}
 */
function readRecipe(env) {
  const module = readModule(__dirname);
  const version = /^\s*github\.com\/pulumi\/pulumi\/pkg\/v3 v(\S+)/m.exec(module.text)?.[1];
  if (!version) throw new Error("tools/engine/go.mod: no version of github.com/pulumi/pulumi/pkg/v3");
  const flags = [
    "-mod=readonly",
    "-trimpath",
    "-tags=osusergo,grpcnotrace",
    `-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`,
  ];
  const key = keyOf([module.text, fs.readFileSync(path.join(__dirname, "go.sum"), "utf8"), flags]);
  const cache = cacheDirectory(env);
  const directory = path.join(cache, "engine", key);
  return {
    version,
    module,
    flags,
    cache,
    directory,
    pulumi: path.join(directory, "pulumi"),
  };
}

/**
 * No question about updates for a version that is pinned here; and no downloads of plugins, which would be looked for at
 * Pulumi's own servers even for those that a package carries. Who wants them says so in the environment.
 *
 * @param {NodeJS.ProcessEnv} env
 */
function settings(env) {
  const wanted = { PULUMI_SKIP_UPDATE_CHECK: "true", PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" };
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => env[name] === undefined));
}

// ---- the language host -----------------------------------------------------------------------------------------------

const HOST = path.join(__dirname, "language-host");

/**
 * Copies, not links, next to the executable: the engine warns about plugins from anywhere else ("using
 * pulumi-language-nodejs from $PATH"), and the cache serves several clones, which come and go.
 *
 * @param {string} directory
 */
function placeHost(directory) {
  for (const name of fs.readdirSync(HOST)) {
    const [from, to] = [path.join(HOST, name), path.join(directory, name)];
    const content = fs.readFileSync(from);
    if (fs.existsSync(to) && content.equals(fs.readFileSync(to))) continue;
    const temporary = `${to}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, content, { mode: 0o755 });
    fs.renameSync(temporary, to);
  }
}

/**
 * Some packagers leave the language host out. The engine looks for it on PATH and in its own directory, and so do we.
 *
 * @param {string} pulumi
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} the directory with ours, or "" where none is missing
 */
function missingHost(pulumi, env) {
  const bundled = { PATH: path.dirname(fs.realpathSync(pulumi)) };
  const names = ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];
  return names.every((name) => find(name, env) || find(name, bundled)) ? "" : HOST;
}

// ---- building --------------------------------------------------------------------------------------------------------

/**
 * @param {Recipe} recipe
 * @param {NodeJS.ProcessEnv} env
 * @param {import("./go.js").Reporter} show
 * @param {[string, string]} reasons why one is needed, and why it isn't the release
 */
async function buildEngine(recipe, env, show, reasons) {
  const reason = reasons.join("\n");
  const { version, module, flags } = recipe;
  const ways = `Install one of these and run this again:\n  - ${CLI}`;
  const goDownload = `Go ${module.go} or newer: https://go.dev/dl/ (the engine is then built once, which takes ${buildTime()})`;
  const tools = await toolchain(module.go, env);
  if ("missing" in tools) {
    if (tools.missing === "platform")
      throw new UserError(`${reason}\nOn ${process.platform}/${process.arch} we can't build it. Install ${CLI}`);
    const lacking =
      tools.missing === "go"
        ? "Go, with which we could build it, is not on PATH either."
        : `The Go with which we could build it is too old: ${tools.why}`;
    throw new UserError(`${reason}\n${lacking}\n${ways}\n  - ${goDownload}`);
  }
  show.line(reasons[1]);
  const fault = async (/** @type {string} */ file, /** @type {NodeJS.ProcessEnv} */ goEnv) => {
    const built = await versionOf(file, goEnv);
    if (built === `v${version}`) return "";
    return `The engine was built, but \`pulumi version\` prints ${built ?? "nothing"} instead of v${version}. Is ${recipe.directory} on a file system mounted noexec?`;
  };
  const product = {
    what: "the Pulumi engine",
    version,
    because: "because there is none on PATH that can be used",
    reason,
    module,
    main: PACKAGE,
    flags,
    fault,
  };
  await build({ ...product, executable: recipe.pulumi, instead: `, or install ${CLI}` }, tools, show);
}

// ---- processes and files ---------------------------------------------------------------------------------------------

/**
 * @param {string} pulumi
 * @param {NodeJS.ProcessEnv} env
 */
async function versionOf(pulumi, env) {
  const { stdout } = await capture(pulumi, ["version"], { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" });
  return /^v?\d+\.\d+\.\d+\S*$/m.exec(stdout)?.[0];
}

/** @param {string} directory */
function realpath(directory) {
  return fs.existsSync(directory) ? fs.realpathSync(directory) : directory;
}

if (require.main === module) main(() => command(process.argv.slice(2)));
