// What ProfiledVolume costs beside the same volumes written by hand with openstack.blockstorage.Volume: on the real Terraform OpenStack
// provider and the lab's real Keystone and Cinder. The price of the companion that keeps type and size is among it.
// @ts-check
"use strict";

const { config, startLab } = require("../../test/labs/openstack/lab.js");
const { Unavailable } = require("../../test/labs/python.js");
const { ensureOpenstackPlugin } = require("../engine/openstack-plugin.js");
const { UserError } = require("../shared.js");
const { measureByHand, rowsByHand } = require("./by-hand.js");

module.exports = { measureOpenstack, openstackTable };

/** @typedef {import("./project.js").Place} Place */
/** @typedef {import("./by-hand.js").Author} Author */
/** @typedef {import("./by-hand.js").Pair} Pair */
/** @typedef {import("../../test/labs/openstack/lab.js").OpenstackLab} Lab */

/**
 * @param {Place} place
 * @param {number[]} plan how many volumes
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<Pair[] | { missing: string }>} why this machine can't measure it
 */
async function measureOpenstack(place, plan, check, progress) {
  const plugin = await ensureOpenstackPlugin({ log: progress });
  if ("missing" in plugin) return plugin;
  let lab;
  try {
    lab = await startLab({ detached: true, log: progress });
  } catch (error) {
    if (error instanceof Unavailable) return { missing: error.message };
    throw error;
  }
  try {
    await prepare(lab);
    const profiles = Object.fromEntries(["gold", "silver"].map((name) => [name, { openstack: { volumeType: name } }]));
    const login = Object.entries(config(lab)).map(([key, value]) => [`openstack:${key}`, value]);
    const cloud = {
      ...{ name: "openstack", title: "Cinder", pluginPath: plugin.path, environment: /^OS_/, programs, steps: STEPS },
      config: { "storage-profiles:profiles": profiles, ...Object.fromEntries(login) },
      reset: () => empty(lab),
      async calls() {
        const requests = await lab.requests();
        await lab.clear();
        return counted(requests);
      },
    };
    return await measureByHand(place, cloud, plan, check, progress);
  } finally {
    await lab.stop();
  }
}

/**
 * The table, as Markdown.
 *
 * @param {Pair[]} pairs
 */
function openstackTable(pairs) {
  const steps = {
    up: "first up",
    preview: "unchanged preview",
    grow: "up with another size",
    retype: "up with another profile (by hand: other volumes, empty)",
  };
  const total = (/** @type {string} */ text) =>
    [...text.matchAll(/(\d+) [A-Z]/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  return rowsByHand(pairs, steps, "calls", (step, { n, hand, ours }) => {
    const more = total(ours.calls[step] ?? "") - total(hand.calls[step] ?? "");
    return more === 0 ? "equal" : `${more > 0 ? "+" : "−"}${Math.abs(more / n).toFixed(1)} a volume`;
  });
}

// ---- the programs ----------------------------------------------------------------------------------------------------

const STEPS = ["up", "grow", "retype"];

/** @type {Record<string, { type: string, size: number }>} */
const WANTED = {
  up: { type: "gold", size: 1 },
  grow: { type: "gold", size: 2 },
  retype: { type: "silver", size: 2 },
};

/** @type {Record<Author, (n: number, step: string) => string>} */
const programs = {
  hand: (n, step) => `const { Volume } = require("@pulumi/openstack/blockstorage/volume");
for (let i = 0; i < ${n}; i++) {
  new Volume("v" + i, { name: "v" + i, volumeType: "${WANTED[step]?.type}", size: ${WANTED[step]?.size} });
}
`,
  ours: (n, step) => `const { ProfiledVolume } = require("storage-profiles");
for (let i = 0; i < ${n}; i++) {
  new ProfiledVolume("v" + i + "@${WANTED[step]?.type}", { sizeGiB: ${WANTED[step]?.size}, deletionProtection: false });
}
`,
};

// ---- the lab ---------------------------------------------------------------------------------------------------------

/** @param {Lab} lab */
async function prepare(lab) {
  for (const name of ["gold", "silver"]) {
    // Of types that are the same but for their names, no driver is asked.
    const specs = { volume_backend_name: "fast", "bench:tier": name };
    await must(lab, "POST", "/types", { volume_type: { name, extra_specs: specs } });
  }
  const quotas = { volumes: -1, gigabytes: -1 };
  await must(lab, "PUT", `/os-quota-sets/${lab.users.plain.projectId}`, { quota_set: quotas });
}

/** @param {Lab} lab */
async function empty(lab) {
  const list = async () => (await must(lab, "GET", "/volumes/detail?all_tenants=1")).volumes;
  for (const { id } of await list()) await must(lab, "DELETE", `/volumes/${id}`);
  for (let tries = 0; (await list()).length > 0; tries++) {
    if (tries === 120) throw new UserError("The lab's volumes are not deleted.");
    await new Promise((done) => setTimeout(done, 500));
  }
  await lab.clear();
}

/** @param {Lab} lab @param {string} method @param {string} path @param {object} [body] */
async function must(lab, method, path, body) {
  const { status, body: answer } = await lab.call("cinder", method, path, { body });
  if (status >= 300) throw new UserError(`The lab's Cinder answers ${method} ${path} with ${status}.`);
  return answer;
}

/**
 * What was asked of Cinder and Keystone, and how often.
 *
 * @param {import("../../test/labs/openstack/lab.js").OpenstackRequest[]} requests
 */
function counted(requests) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const { service, method, path, body } of requests) {
    const [action] = path.endsWith("/action") && body ? Object.keys(body) : [];
    const what = service === "keystone" ? "login" : action ? action.replace(/^os-/, "") : verb(method, path);
    counts[what] = (counts[what] ?? 0) + 1;
  }
  const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([what, count]) => `${count} ${what}`).join(", ") || "none";
}

/** @param {string} method @param {string} path */
function verb(method, path) {
  const [thing = ""] = path.replace(/^\/v3(\/[0-9a-f]{32})?\//, "").split("/");
  return `${method} ${thing || "versions"}`;
}
