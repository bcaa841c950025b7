// The environment of every test file: Node.js, and a look at what the file leaves running. A server, a child process or a connection that is
// still open after its last test keeps the run from ending, or dies with it unseen; the file that left it fails.
// @ts-check
"use strict";

const { TestEnvironment } = require("jest-environment-node");
const { limitMs } = require("./time.js");

module.exports = class extends TestEnvironment {
  /**
   * @param {import("@jest/environment").JestEnvironmentConfig} config
   * @param {import("@jest/environment").EnvironmentContext} context
   */
  constructor(config, context) {
    super(config, context);
    /** How long what is closing may take, in seconds. */
    this.graceSeconds = Number(config.projectConfig.testEnvironmentOptions.graceSeconds ?? 10);
  }

  /** @override */
  async setup() {
    await super.setup();
    this.before = new Set(handles());
  }

  /** @param {{ name: string, test?: { errors: unknown[] } }} event of jest-circus */
  handleTestEvent({ name, test }) {
    if (name === "hook_failure" || (name === "test_done" && (test?.errors.length ?? 0) > 0)) this.hasFailed = true;
  }

  /** @override */
  async teardown() {
    const left = await leftAfter(() => handles().filter((handle) => !this.before?.has(handle)), this.graceSeconds);
    await super.teardown();
    if (left.length === 0) return;
    const message = `left running after the last test: ${left.map(describe).join(", ")}`;
    // The run must end all the same.
    for (const handle of left) end(handle);
    // An error here takes the place of what the tests reported, and what failed often can't clean up.
    if (!this.hasFailed) throw new Error(message);
    console.error(message);
  }
};

/** @returns {any[]} what keeps the process from ending, without its own input and output: where those are pipes, they are handles too */
function handles() {
  return /** @type {any} */ (process)._getActiveHandles().filter((/** @type {any} */ { fd }) => !(fd >= 0 && fd <= 2));
}

/**
 * @param {() => any[]} look
 * @param {number} seconds
 * @returns {Promise<any[]>}
 */
async function leftAfter(look, seconds) {
  for (const end = performance.now() + limitMs(seconds); ;) {
    const left = look();
    if (left.length === 0 || performance.now() > end) return left;
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** @param {any} handle */
function end(handle) {
  if (handle.spawnargs) handle.kill("SIGKILL");
  else (handle.destroy ?? handle.close)?.call(handle);
  handle.unref?.();
}

/** @param {any} handle */
function describe(handle) {
  const kind = handle.constructor?.name ?? "handle";
  const detail = handle.spawnargs?.join(" ") ?? JSON.stringify(handle.address?.() ?? handle.remoteAddress ?? "");
  return `${kind} ${detail}`.slice(0, 300);
}
