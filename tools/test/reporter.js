// A reporter for jest: writes a line for each test file as soon as it has ended, so that a run that is stopped has reported what ended before.
// @ts-check
"use strict";

const { appendFileSync } = require("node:fs");
const { RESULTS } = require("./results.js");

module.exports = class {
  /**
   * @param {import("@jest/reporters").Test} _test
   * @param {import("@jest/reporters").TestResult} result
   */
  onTestFileResult(_test, { testFilePath, perfStats, numFailingTests, testExecError, failureMessage, testResults }) {
    /** @type {import("./results.js").JestFile} */
    const line = {
      name: testFilePath,
      startTime: perfStats.start,
      endTime: perfStats.end,
      status: numFailingTests > 0 || testExecError !== undefined ? "failed" : "passed",
      message: failureMessage ?? "",
      assertionResults: testResults.map(({ ancestorTitles, title, status }) => ({ ancestorTitles, title, status })),
    };
    appendFileSync(process.env[RESULTS] ?? "", `${JSON.stringify(line)}\n`);
  }
};
