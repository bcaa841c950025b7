// Reads what our reporter for jest has written, and makes the report that `npm test` ends with. Pure but for `read`.
// @ts-check
"use strict";

const { existsSync, readFileSync } = require("node:fs");
const path = require("node:path");

/** The environment variable with the file to which the reporter adds a line for each test file. */
const RESULTS = "STORAGE_PROFILES_TEST_RESULTS";

module.exports = { RESULTS, failures, read, report, summarize };

/**
 * @typedef {object} FileResult
 * @property {string} file relative to the root
 * @property {number} seconds
 * @property {number} passed
 * @property {number} failed
 * @property {{ name: string, count: number }[]} skipped by the title of their group, which has the reason
 * @property {string | undefined} broken why the file itself failed, whatever its tests did
 */

/**
 * @typedef {{ ancestorTitles: string[], title: string, status: string }} JestTest
 * @typedef {{ name: string, startTime: number, endTime: number, status: string, message: string, assertionResults: JestTest[] }} JestFile
 */

/**
 * @param {string} file with a line for each test file
 * @param {string} root
 * @returns {FileResult[]}
 */
function read(file, root) {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => summarize(JSON.parse(line), root));
}

/**
 * @param {JestFile} result
 * @param {string} root
 * @returns {FileResult}
 */
function summarize({ name, startTime, endTime, status, message, assertionResults }, root) {
  const having = (/** @type {string} */ wanted) => assertionResults.filter((each) => each.status === wanted);
  const failed = having("failed").length;
  /** @type {Map<string, number>} */
  const skipped = new Map();
  for (const { ancestorTitles, title } of assertionResults.filter(
    (each) => !["passed", "failed"].includes(each.status),
  )) {
    const group = ancestorTitles[0] ?? title;
    skipped.set(group, (skipped.get(group) ?? 0) + 1);
  }
  return {
    file: path.relative(root, name).split(path.sep).join("/"),
    seconds: (endTime - startTime) / 1000,
    passed: having("passed").length,
    failed,
    skipped: [...skipped].map(([group, count]) => ({ name: group, count })),
    broken: status === "failed" && failed === 0 ? message : undefined,
  };
}

/**
 * Tests that were skipped though they are required make the run fail.
 *
 * @param {FileResult[]} results
 * @param {(file: string) => boolean} isRequired
 * @returns {string[]} a line for each file
 */
function failures(results, isRequired) {
  return results
    .filter(({ file, skipped }) => skipped.length > 0 && isRequired(file))
    .map(({ file }) => `${file}: skipped tests, though its lab is required`);
}

/**
 * @param {FileResult[]} results
 * @param {{ failed: string[], leftOut: string[], minutes: number }} run
 * @returns {string} the closing line last
 */
function report(results, { failed, leftOut, minutes }) {
  const sum = (/** @type {(each: FileResult) => number} */ of) => results.reduce((all, each) => all + of(each), 0);
  const skips = results.flatMap(({ file, skipped }) =>
    skipped.map(({ name, count }) => `${file}: ${count === 1 ? "1 test" : `${count} tests`}: ${name}`),
  );
  const slowest = results.filter(({ seconds }) => seconds >= 20).sort((a, b) => b.seconds - a.seconds);
  const sections = {
    "Slowest files": slowest.map(({ file, seconds }) => `${String(Math.round(seconds)).padStart(4)} s  ${file}`),
    Skipped: [...skips, ...leftOut],
    Failed: [
      ...failed,
      ...results.filter(({ failed: count, broken }) => count > 0 || broken !== undefined).map(({ file }) => file),
    ],
  };
  const lines = Object.entries(sections).flatMap(([title, rows]) =>
    rows.length === 0 ? [] : ["", `${title}:`, ...rows.map((row) => `  ${row}`)],
  );
  // A file that could not be run at all counts as one failed test: nothing of it may look passed.
  const failedTests = sum((each) => each.failed) + results.filter(({ broken }) => broken !== undefined).length;
  const skippedTests = sum(({ skipped }) => skipped.reduce((all, { count }) => all + count, 0));
  return [
    ...lines,
    "",
    `After ${minutes.toFixed(1)} minutes:`,
    `${sum((each) => each.passed)} passed, ${failedTests} failed, ${skippedTests} skipped`,
  ].join("\n");
}
