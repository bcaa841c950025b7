// What ProfiledVolume costs beside the same volumes written by hand with aws.ebs.Volume: on the real Terraform AWS provider
// and the lab's EC2, through the real engine, in runs that take turns.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const path = require("node:path");
const { createInterface } = require("node:readline");
const { ensureAwsPlugin } = require("../engine/aws-plugin.js");
const { UserError } = require("../shared.js");
const { Unavailable, environmentFor, pythonEnvironment } = require("../../test/labs/python.js");
const { measureByHand, rowsByHand } = require("./by-hand.js");

module.exports = { awsTable, measureAws };

/** @typedef {import("./project.js").Place} Place */
/** @typedef {import("./by-hand.js").Author} Author */
/** @typedef {import("./by-hand.js").Pair} Pair */

/**
 * @param {Place} place
 * @param {number[]} plan how many volumes
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<Pair[] | { missing: string }>} why this machine can't measure it
 */
async function measureAws(place, plan, check, progress) {
  const plugin = await ensureAwsPlugin({ log: progress });
  if ("missing" in plugin) return plugin;
  let python;
  try {
    python = await pythonEnvironment("aws", { log: progress });
  } catch (error) {
    if (error instanceof Unavailable) return { missing: error.message };
    throw error;
  }
  const lab = await startLab(python);
  const skipped = ["skipCredentialsValidation", "skipRequestingAccountId", "skipMetadataApiCheck"];
  const config = {
    "storage-profiles:aws": { availabilityZone: "us-east-1a" },
    "aws:region": "us-east-1",
    "aws:accessKey": "test",
    "aws:secretKey": "test",
    "aws:endpoints": [{ ec2: lab.url }],
    ...Object.fromEntries(skipped.map((key) => [`aws:${key}`, "true"])),
  };
  let seen = 0;
  const calls = async () => {
    const requests = await lab.ask("requests");
    const own = requests.slice(seen);
    seen = requests.length;
    return counted(own);
  };
  const reset = async () => {
    await lab.ask("reset", {});
    seen = 0;
  };
  const cloud = { name: "aws", title: "EC2", pluginPath: plugin.path, env: plugin.env, environment: /^AWS_/ };
  const steps = ["up", "change"];
  try {
    return await measureByHand(place, { ...cloud, config, programs, steps, reset, calls }, plan, check, progress);
  } finally {
    lab.stop();
  }
}

/**
 * The table, as Markdown, and whether both have asked EC2 the same.
 *
 * @param {Pair[]} pairs
 * @returns {{ text: string, equal: boolean }}
 */
function awsTable(pairs) {
  const steps = { up: "first up", preview: "unchanged preview", change: "up with another profile" };
  const isSame = (/** @type {string} */ step, /** @type {Pair} */ { hand, ours }) =>
    hand.calls[step] === ours.calls[step];
  const text = rowsByHand(pairs, steps, "EC2 calls", (step, pair) => (isSame(step, pair) ? "equal" : "**NOT EQUAL**"));
  return { text, equal: Object.keys(steps).every((step) => pairs.every((pair) => isSame(step, pair))) };
}

/**
 * Each action and how often, and apart from that what was refused. A change that the SDK sent again, word for word, because
 * the answer to it got lost counts once.
 *
 * @param {{ action: string, params: Record<string, string>, error: string | null }[]} requests
 */
function counted(requests) {
  /** @type {Record<string, number>} */
  const counts = {};
  /** @type {Set<string>} */
  const sent = new Set();
  for (const { action, params, error } of requests) {
    const text = JSON.stringify([action, params, error]);
    if (sent.has(text) && !action.startsWith("Describe")) continue;
    sent.add(text);
    const what = error === null ? action : `${action} refused (${error})`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([what, count]) => `${count} ${what}`).join(", ") || "none";
}

/** @type {Record<string, string>} */
const PROFILES = { up: "gold", change: "silver" };

/** What the profiles say, as one writes it by hand for 10 GiB. @type {Record<string, object>} */
const BY_HAND = {
  up: { type: "io1", iops: 300, encrypted: true },
  change: { type: "gp3", iops: 3000, throughput: 250, encrypted: true },
};

/** The programs of each step. Both load what they need of @pulumi/aws only. */
/** @type {Record<Author, (n: number, step: string) => string>} */
const programs = {
  hand: (n, step) => `const { Volume } = require("@pulumi/aws/ebs/volume");
for (let i = 0; i < ${n}; i++) {
  const inputs = ${JSON.stringify(BY_HAND[step])};
  new Volume("v" + i, { availabilityZone: "us-east-1a", size: 10, ...inputs, tags: { Name: "v" + i } }, { protect: true });
}
`,
  ours: (n, step) => `const { ProfiledVolume } = require("storage-profiles");
for (let i = 0; i < ${n}; i++) new ProfiledVolume("v" + i + "@${PROFILES[step]}", { sizeGiB: 10 });
`,
};

// ---- the lab ---------------------------------------------------------------------------------------------------------

/** @typedef {{ url: string, ask: (command: string, body?: object) => Promise<any>, stop: () => void }} Lab */

/**
 * @param {string} python
 * @returns {Promise<Lab>}
 */
async function startLab(python) {
  const script = path.join(__dirname, "../../test/labs/aws/lab.py");
  // In a group of its own: a terminal's Ctrl-C is for us, and the lab ends with its standard input.
  const child = spawn(python, [script], {
    env: environmentFor(python),
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  /** @type {string} */
  const line = await new Promise((resolve, reject) => {
    createInterface(child.stdout).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new UserError(`The AWS lab ended with exit code ${code}.`)));
  });
  const { url } = JSON.parse(line);
  return {
    url,
    async ask(command, body) {
      const request = body && { method: "POST", body: JSON.stringify(body) };
      const headers = { "content-type": "application/json" };
      const response = await globalThis.fetch(`${url}/lab/${command}`, { ...request, headers });
      if (!response.ok) throw new UserError(`The AWS lab can't do ${command}: ${await response.text()}`);
      return response.json();
    },
    stop: () => void child.stdin.end(),
  };
}
