// ProfiledVolume beside the same volumes written by hand with a provider's own resource: what the two benches of cloud backends have in
// common. Each run has a fresh stack, on the real Terraform provider, through the real engine; the two take turns.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { layProject, stateBytesOf } = require("./project.js");

module.exports = { measureByHand, rowsByHand };

/** @typedef {import("./project.js").Place} Place */
/** @typedef {"hand" | "ours"} Author */

/**
 * @typedef {object} Cloud
 * @property {string} name the provider's: "aws"
 * @property {string} title for people: "EC2"
 * @property {string} pluginPath the folder of its plugin
 * @property {Record<string, unknown>} config of the stack
 * @property {NodeJS.ProcessEnv} [env] what the plugin needs
 * @property {RegExp} environment the variables that must not reach it
 * @property {Record<Author, (n: number, step: string) => string>} programs
 * @property {string[]} steps those of the programs, the first of which makes the volumes: each is a `pulumi up`
 * @property {() => Promise<void>} reset before each run
 * @property {() => Promise<string>} [objects] what the volumes are there, after the first step, in few words
 * @property {() => Promise<string>} calls what reached it since this was asked last, in few words
 */

/**
 * @typedef {object} Run
 * @property {Record<string, number>} seconds by step, and "preview": unchanged, after the first
 * @property {Record<string, number>} work the same of processor time, of the engine and all that it starts
 * @property {number} stateBytes for each volume, after the first
 * @property {Record<string, string>} calls by step
 * @property {string} [objects] after the first
 * @property {number} resources of the state, after the first
 *
 * @typedef {{ n: number, hand: Run, ours: Run }} Pair
 */

/** How many resources the engine makes at a time. Providers wait 10 s for each. */
const PARALLEL = 100;

/**
 * @param {Place} place
 * @param {Cloud} cloud
 * @param {number[]} plan how many volumes
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<Pair[]>}
 */
async function measureByHand(place, cloud, plan, check, progress) {
  // The first start of the plugin finds nothing in the disk's cache.
  progress("Warming up");
  await measure(place, cloud, "hand", 1);
  /** @type {Pair[]} */
  const pairs = [];
  for (const n of plan) {
    /** @type {Partial<Record<Author, Run>>} */
    const runs = {};
    for (const author of /** @type {const} */ (["hand", "ours"])) {
      check();
      const run = (runs[author] = await measure(place, cloud, author, n));
      const times = Object.entries(run.seconds).map(([step, seconds]) => `${step} ${seconds.toFixed(2)} s`);
      const [first = ""] = cloud.steps;
      progress(
        `${n} volumes on ${cloud.title}, ${author}: ${times.join(", ")}, ${Math.round(run.stateBytes)} B each; ${run.calls[first]}`,
      );
    }
    if (runs.hand && runs.ours) pairs.push({ n, hand: runs.hand, ours: runs.ours });
  }
  return pairs;
}

/**
 * @param {Place} place
 * @param {Cloud} cloud
 * @param {Author} author
 * @param {number} n
 * @returns {Promise<Run>}
 */
async function measure(place, cloud, author, n) {
  await cloud.reset();
  const home = fs.mkdtempSync(path.join(place.directory, `${cloud.name}-`));
  const { pulumi, write } = await layProject(place, home, {
    config: { "storage-profiles:backend": cloud.name, ...cloud.config },
    settings: { plugins: { providers: [{ name: cloud.name, path: cloud.pluginPath }] } },
    without: cloud.environment,
    ...(cloud.env && { env: cloud.env }),
  });
  /** @type {Run} */
  const run = { seconds: {}, work: {}, stateBytes: NaN, resources: NaN, calls: {} };
  const timed = async (/** @type {string} */ step, /** @type {string[]} */ ...args) => {
    await cloud.calls();
    const { time } = await pulumi(...args);
    run.seconds[step] = time.clock;
    run.work[step] = time.work;
    run.calls[step] = await cloud.calls();
  };
  try {
    for (const [index, step] of cloud.steps.entries()) {
      write("index.js", cloud.programs[author](n, step));
      await timed(step, "up", "--yes", "--skip-preview", "--parallel", String(PARALLEL));
      if (index > 0) continue;
      await timed("preview", "preview", "--expect-no-changes");
      const { stdout } = await pulumi("stack", "export");
      run.stateBytes = stateBytesOf(stdout, n);
      run.resources = JSON.parse(stdout).deployment.resources.length;
      if (cloud.objects) run.objects = await cloud.objects();
    }
    return run;
  } finally {
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * The table as Markdown: times, state, and calls with a column that says what one thinks of them.
 *
 * @param {Pair[]} pairs
 * @param {Record<string, string>} steps what stands for each step, in order
 * @param {string} calls what the calls are: "EC2 calls"
 * @param {(step: string, pair: Pair) => string} judge
 * @param {{ work?: boolean }} [options] whether processor time has rows of its own
 * @returns {string}
 */
function rowsByHand(pairs, steps, calls, judge, { work = false } = {}) {
  const line = (/** @type {(string | number)[]} */ cells) => `| ${cells.join(" | ")} |`;
  const ratio = (/** @type {number} */ ours, /** @type {number} */ hand) => `${(ours / hand).toFixed(2)}×`;
  const seconds = (/** @type {number} */ value) => `${value.toFixed(1)} s`;
  const bytes = (/** @type {number} */ value) => `${Math.round(value).toLocaleString("en")} B`;
  const rows = [line(["", "N", "by hand", "ours", "ours / by hand"]), line(["---", "--:", "--:", "--:", "--:"])];
  for (const measure of work ? /** @type {const} */ (["seconds", "work"]) : /** @type {const} */ (["seconds"])) {
    for (const [step, what] of Object.entries(steps)) {
      for (const { n, hand, ours } of pairs) {
        const [left = NaN, right = NaN] = [hand[measure][step], ours[measure][step]];
        const named = measure === "work" ? `${what}: processor time` : what;
        rows.push(line([named, n, seconds(left), seconds(right), ratio(right, left)]));
      }
    }
  }
  for (const { n, hand, ours } of pairs) {
    const cells = [bytes(hand.stateBytes), bytes(ours.stateBytes), ratio(ours.stateBytes, hand.stateBytes)];
    rows.push(line(["state per volume", n, ...cells]));
  }
  for (const { n, hand, ours } of pairs) {
    rows.push(
      line(["resources in the state", n, hand.resources, ours.resources, ratio(ours.resources, hand.resources)]),
    );
  }
  for (const { n, hand, ours } of pairs.filter((each) => each.ours.objects !== undefined)) {
    const [left = "", right = ""] = [hand.objects, ours.objects];
    rows.push(line(["objects in the cluster", n, left, right, left === right ? "equal" : ""]));
  }
  for (const step of Object.keys(steps)) {
    for (const pair of pairs) {
      const [left = "", right = ""] = [pair.hand.calls[step], pair.ours.calls[step]];
      rows.push(line([`${calls}: ${step}`, pair.n, left, right, judge(step, pair)]));
    }
  }
  return rows.join("\n");
}
