// Time in tests. A limit is there to end what hangs, never to measure: each is a generous number of seconds on the reference machine (two
// quiet cores), multiplied by how much slower this machine is. `npm test` measures that once, at the start. Plain JavaScript: the
// labs use it too.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const { createHash, randomBytes } = require("node:crypto");
const { setTimeout: sleep } = require("node:timers/promises");

/** The environment variable in which `npm test` passes its measurement on. */
const SLOWNESS = "STORAGE_PROFILES_TEST_SLOWNESS";

/** What `workOnce` takes on the reference machine, in milliseconds. */
const REFERENCE_MS = 400;

module.exports = { SLOWNESS, limitMs, measureSlowness, slowness, until };

/**
 * How many times slower this machine is than the reference machine: at least 1, at most 20.
 *
 * @returns {number}
 */
function measureSlowness() {
  const times = [1, 2, 3].map(workOnce).sort((a, b) => a - b);
  const factor = (times[1] ?? REFERENCE_MS) / REFERENCE_MS;
  return Math.min(20, Math.max(1, Math.round(factor * 10) / 10));
}

/** Computes for a while, and starts a few processes, which is what most of our tests do. */
function workOnce() {
  const before = performance.now();
  const data = randomBytes(1 << 20);
  for (let round = 0; round < 50; round++) createHash("sha256").update(data).digest();
  for (let round = 0; round < 3; round++) spawnSync(process.execPath, ["-e", "0"]);
  return performance.now() - before;
}

/**
 * What `npm test` has measured; 1 where a test is run without it.
 *
 * @returns {number}
 */
function slowness(env = process.env) {
  const factor = Number(env[SLOWNESS]);
  return Number.isFinite(factor) && factor >= 1 ? factor : 1;
}

/**
 * A time limit in milliseconds on this machine.
 *
 * @param {number} seconds on the reference machine
 */
function limitMs(seconds) {
  return Math.round(seconds * 1000 * slowness());
}

/**
 * Waits until a condition holds.
 *
 * @template T
 * @param {string | (() => string)} what for the error: "the plugin is served"
 * @param {() => T | Promise<T>} condition looked at again and again; whatever it throws ends the wait
 * @param {object} [options]
 * @param {number} [options.seconds] the limit on the reference machine. Default: 120
 * @param {number} [options.everyMs] how often it looks. Default: 25
 * @returns {Promise<Exclude<T, false | undefined | null | 0 | "">>} the first answer that isn't falsy
 */
async function until(what, condition, { seconds = 120, everyMs = 25 } = {}) {
  const end = performance.now() + limitMs(seconds);
  for (;;) {
    const answer = await condition();
    if (answer) return /** @type {any} */ (answer);
    if (performance.now() > end) {
      throw new Error(
        `waited ${Math.round(limitMs(seconds) / 1000)} s in vain: ${typeof what === "string" ? what : what()}`,
      );
    }
    await sleep(everyMs);
  }
}
