// @ts-check
// Unit, property and end-to-end tests alike; `npm test` (tools/test/run.js) builds what they need first, and says which run when.

const { limitMs } = require("./tools/test/time.js");

/** @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  transform: {
    "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } } }],
    // The status page's files are modules, as a browser runs them.
    "/src/http/page/.+\\.js$": ["@swc/jest", { jsc: { target: "es2022" }, module: { type: "commonjs" } }],
  },
  // A test may import any part of the core, which knows only the backends that are registered.
  setupFiles: ["<rootDir>/src/backends/registry.ts"],
  testEnvironment: "<rootDir>/tools/test/environment.js",
  // One limit for every test and hook. It ends what hangs, and measures nothing.
  testTimeout: limitMs(900),
  // The disk's speed and space, and mounts where they are copied, are the machine's, not a test file's. tools/test/labs.js says which files can go on beside others.
  maxWorkers: 1,
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/.demo/"],
  watchPathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/.demo/"],
};
