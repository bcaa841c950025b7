#!/usr/bin/env node
// `npm test`: sets up what the tests need (dependencies, the build, an engine), then runs them all: what is generated,
// types, lint and format, then jest. Arguments go to jest: `npm test -- test/src` runs the core's tests alone.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const { existsSync, mkdtempSync, readFileSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { ensureEngine, environment } = require("../engine/ensure.js");
const { setup } = require("../setup.js");
const { UserError, main } = require("../shared.js");

const root = path.resolve(__dirname, "../..");

/**
 * The files of tests that measure what a limit lets through, count on the disk's space, look at what the clone has, have copies of all
 * mounts of the machine (a Docker engine has, and asks the plugins of all tests besides), or take both processors (a virtual machine
 * does): as patterns of jest.
 */
const ALONE = [
  "test/components/(local/|node/attached)",
  "test/e2e/(compose-docker|docker(-nodes|-vm|-vm-nodes)?|limits|package)\\.test",
  "test/tools/",
];

/** What many tests need: made one after the other, before any that has a time limit. Tests tell what can't be had. */
const NEEDED = [
  ["tools/engine/aws-plugin.js"],
  ["tools/engine/openstack-plugin.js"],
  ...["aws", "openstack", "scaleio", "schemathesis"].map((lab) => ["test/labs/python.js", lab]),
];

main(async () => {
  await setup();
  const engine = await ensureEngine();
  const env = environment(engine);
  const chosen = process.argv.slice(2);
  if (chosen.length === 0) {
    run("what is generated is up to date", ["tools/generate.js", "--check"], env);
    run("types", [bin("typescript", "bin/tsc"), "-p", "tsconfig.json"], env);
    run("types of the status page", [bin("typescript", "bin/tsc"), "-p", "tsconfig.page.json"], env);
    run("lint", [bin("eslint", "bin/eslint.js"), "."], env);
    run("format", [bin("prettier", "bin/prettier.cjs"), "--check", "--log-level", "warn", "."], env);
    prepare(env);
  }
  /** @type {Record<string, string[]>} what to run, and jest's arguments for it */
  const groups =
    chosen.length > 0
      ? { tests: chosen }
      : {
          // A test that failed before it could clean up keeps nobody waiting.
          "tests that have the machine to themselves": ["--forceExit", ...ALONE],
          // Most of these wait: for a provider, a gateway, an emulated EC2.
          "the other tests": ["--forceExit", "--maxWorkers=3", "--testPathIgnorePatterns", ...ALONE],
        };
  const directory = mkdtempSync(path.join(tmpdir(), "sp-results-"));
  const files = Object.keys(groups).map((_, index) => path.join(directory, `${index}.json`));
  /** @type {unknown} */
  let failed;
  Object.entries(groups).forEach(([what, args], index) => {
    try {
      run(what, [bin("jest", "bin/jest.js"), "--json", "--outputFile", files[index] ?? "", ...args], env);
    } catch (error) {
      failed = error; // the others run all the same
    }
  });
  tell(files);
  rmSync(directory, { recursive: true, force: true });
  if (failed) throw failed;
});

/**
 * The line that says how many tests passed, whatever jest's own closing lines look like.
 *
 * @param {string[]} files those that jest has written, if it came to that
 */
function tell(files) {
  const results = files.filter((file) => existsSync(file)).map((file) => JSON.parse(readFileSync(file, "utf8")));
  const sum = (/** @type {string} */ key) => results.reduce((all, each) => all + each[key], 0);
  const took = results
    .flatMap(({ testResults }) => testResults)
    .map(({ name, startTime, endTime }) => ({ file: path.relative(root, name), seconds: (endTime - startTime) / 1000 }))
    .filter(({ seconds }) => seconds >= 20)
    .sort((a, b) => b.seconds - a.seconds);
  if (took.length > 0) console.log("\nWhat took longest:");
  for (const { file, seconds } of took) console.log(`${String(Math.round(seconds)).padStart(6)} s  ${file}`);
  console.log(`\n${sum("numPassedTests")} passed, ${sum("numFailedTests")} failed, ${sum("numPendingTests")} skipped`);
}

/** @param {NodeJS.ProcessEnv} env */
function prepare(env) {
  console.error("\n== what tests need, where it isn't there yet");
  for (const args of NEEDED)
    spawnSync(process.execPath, args, { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] });
}

/**
 * @param {string} what
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
function run(what, args, env) {
  console.error(`\n== ${what}`);
  const { status, signal } = spawnSync(process.execPath, args, { cwd: root, env, stdio: "inherit" });
  if (status !== 0) throw new UserError(`\n${what}: failed${signal ? ` (${signal})` : ""}`);
}

/** @param {string} name @param {string} file */
function bin(name, file) {
  return path.join(root, "node_modules", name, file);
}
