// Loaded into each Node.js process of a run that counts its work (`--require`): writes what the process did when it ends. The SDK takes a
// stack trace for each promise that it tracks, which is most of what a property of a resource costs.
// @ts-check
"use strict";

const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");

const file = process.env["STORAGE_PROFILES_BENCH_COUNTS"];
if (file !== undefined) count(file);

/** @param {string} file */
function count(file) {
  let tracked = 0;
  // Not in the types of Node.js.
  const loader = /** @type {{ _load: (request: string, ...others: unknown[]) => any }} */ (
    /** @type {unknown} */ (Module)
  );
  const load = loader._load;
  const seen = new Set();
  loader._load = function (request, ...others) {
    const loaded = load.call(this, request, ...others);
    if (!/(^|\/)debuggable$/.test(request) || typeof loaded.debuggablePromise !== "function" || seen.has(loaded))
      return loaded;
    seen.add(loaded);
    const { debuggablePromise } = loaded;
    loaded.debuggablePromise = (/** @type {unknown[]} */ ...args) => {
      tracked++;
      return debuggablePromise(...args);
    };
    return loaded;
  };
  process.on("exit", () => {
    const { user, system } = process.cpuUsage();
    const program = path.basename(path.dirname(process.argv[1] ?? ""));
    fs.appendFileSync(file, `${JSON.stringify({ program, tracked, seconds: (user + system) / 1e6 })}\n`);
  });
}
