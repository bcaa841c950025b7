// @ts-check
// Unit, property and engine tests alike; `npm test` builds what they need first (tools/test.js).

/** @type {import("jest").Config} */
module.exports = {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  transform: { "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } } }] },
  // The disk's speed and space, and mounts where they are copied, are the machine's, not a test file's. tools/test.js says which files can go on beside others.
  maxWorkers: 1,
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/.demo/"],
  watchPathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/.demo/"],
};
