#!/usr/bin/env node
// `npm test`: sets up what the tests need (dependencies, the build, an engine), then runs them all: what is generated,
// types, lint and format, then jest. Arguments go to jest: `npm test -- test/src` runs the core's tests alone.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const { existsSync, mkdtempSync, readFileSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { ensureEngine, environment } = require("./engine/ensure.js");
const { setup } = require("./setup.js");
const { UserError, main } = require("./shared.js");

const root = path.dirname(__dirname);

main(async () => {
  await setup();
  const engine = await ensureEngine();
  const env = environment(engine);
  const chosen = process.argv.slice(2);
  if (chosen.length === 0) {
    run("what is generated is up to date", ["tools/generate.js", "--check"], env);
    run("types", [bin("typescript", "bin/tsc"), "-p", "tsconfig.json"], env);
    run("lint", [bin("eslint", "bin/eslint.js"), "."], env);
    run("format", [bin("prettier", "bin/prettier.cjs"), "--check", "--log-level", "warn", "."], env);
  }
  const results = path.join(mkdtempSync(path.join(tmpdir(), "sp-results-")), "results.json");
  try {
    run("tests", [bin("jest", "bin/jest.js"), "--json", "--outputFile", results, ...chosen], env);
  } finally {
    tell(results);
    rmSync(path.dirname(results), { recursive: true, force: true });
  }
});

/**
 * The line that says how many tests passed, whatever jest's own closing lines look like.
 *
 * @param {string} results the file that jest has written, if it came to that
 */
function tell(results) {
  if (!existsSync(results)) return;
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(results, "utf8"));
  console.log(`\n${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
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
