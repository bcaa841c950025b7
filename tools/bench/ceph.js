// How many commands the Ceph backend runs for a volume, on the lab's real cluster, through the real engine.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { cephReason, startCeph } = require("../../test/labs/ceph/lab.js");
const { UserError } = require("../shared.js");
const { layProject } = require("./project.js");

module.exports = { cephTable, measureCeph };

/** @typedef {import("./project.js").Place} Place */

/**
 * What a run asked of the cluster: for each volume, and of the cluster as a whole.
 * @typedef {{ each: number, once: number }} Calls
 *
 * @typedef {object} CephSample
 * @property {number} n how many volumes
 * @property {Calls} create
 * @property {Calls} preview with nothing to change
 * @property {Calls} change of a limit
 * @property {Calls} grow
 * @property {Calls} encrypted creation of one more, encrypted
 */

/**
 * @param {Place} place
 * @param {number[]} plan
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<CephSample[] | { missing: string }>}
 */
async function measureCeph(place, plan, check, progress) {
  const missing = cephReason();
  if (missing !== undefined) return { missing };
  progress("Starting a Ceph cluster");
  const ceph = await startCeph({ log: progress, pools: ["slow"] });
  try {
    /** @type {CephSample[]} */
    const samples = [];
    for (const n of plan) {
      check();
      samples.push(await measure(place, ceph, n));
      progress(`${n} volumes on Ceph`);
    }
    return samples;
  } finally {
    await ceph.stop();
  }
}

/**
 * The table, as Markdown.
 *
 * @param {CephSample[]} samples
 */
function cephTable(samples) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  const text = (/** @type {Calls} */ { each, once }) => `${Math.round(each * 100) / 100} (+ ${once} a run)`;
  const rows = /** @type {const} */ ([
    ["create", "create"],
    ["unchanged preview", "preview"],
    ["change of a limit", "change"],
    ["growth", "grow"],
    ["create, encrypted", "encrypted"],
  ]).map(([what, key]) => line([`commands for a volume: ${what}`, ...samples.map((sample) => text(sample[key]))]));
  const head = ["", ...samples.map(({ n }) => `${n} volumes`)];
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "--:"))), ...rows].join("\n");
}

const PROFILES = {
  a: { ceph: { iops: { max: 100 } } },
  b: { ceph: { iops: { max: 200 } } },
  vault: { ceph: { iops: { max: 100 }, encryption: "luks2" } },
};

/**
 * @param {Place} place
 * @param {import("../../test/labs/ceph/lab.js").Ceph} ceph
 * @param {number} n
 * @returns {Promise<CephSample>}
 */
async function measure(place, ceph, n) {
  const home = fs.mkdtempSync(path.join(place.directory, "ceph-"));
  const { pulumi, write } = await layProject(place, home, {
    config: {
      "storage-profiles:backend": "ceph",
      "storage-profiles:ceph": { pools: [{ name: "slow" }] },
      "storage-profiles:profiles": PROFILES,
      "storage-profiles:deletionProtection": false,
      "ceph:configFile": ceph.configFile,
      "ceph:commandsDirectory": ceph.commands,
      "ceph:encryptionPassphraseFile": "passphrase",
    },
    without: /^CEPH_/,
  });
  write("passphrase", "of the benchmark");
  const run = async (/** @type {string} */ program, /** @type {number} */ volumes, /** @type {string[]} */ ...args) => {
    write("index.js", `const { ProfiledVolume } = require("storage-profiles");\n${program}`);
    ceph.calls();
    await pulumi(...args);
    const calls = ceph.calls();
    const each = calls.filter((call) => / slow\/\S/.test(call)).length;
    return { each: each / volumes, once: calls.length - each };
  };
  const up = ["up", "--yes", "--skip-preview"];
  const declares = (/** @type {string} */ profile, /** @type {number} */ sizeGiB) =>
    `for (let i = 0; i < ${n}; i++) new ProfiledVolume("v" + i + "@${profile}", { sizeGiB: ${sizeGiB} });\n`;
  try {
    const create = await run(declares("a", 1), n, ...up);
    const made = JSON.parse(await ceph.must("rbd", "ls", "--format", "json", "slow")).length;
    if (made !== n) throw new UserError(`${made} of ${n} images were made`);
    const preview = await run(declares("a", 1), n, "preview", "--expect-no-changes");
    const change = await run(declares("b", 1), n, ...up);
    const grow = await run(declares("b", 2), n, ...up);
    const secret = 'new ProfiledVolume("secret@vault", { sizeGiB: 1 });';
    const encrypted = await run(declares("b", 2) + secret, 1, ...up);
    await pulumi("destroy", "--yes", "--skip-preview");
    return { n, create, preview, change, grow, encrypted };
  } finally {
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }
}
