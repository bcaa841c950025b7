// What the ScaleIO backend asks of a gateway, and how close an `up` comes to the time that its calls alone would take: on the
// emulated gateway of this package, through the real engine.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { UserError } = require("../shared.js");
const { layProject } = require("./project.js");

module.exports = { measureScaleio, scaleioTable };

/** @typedef {import("./project.js").Place} Place */

/**
 * @typedef {object} ScaleioSample
 * @property {number} n how many volumes, each with a mapping
 * @property {number} latencyMs of each answer of the gateway
 * @property {{ create: number, preview: number, change: number }} calls for each volume with its mapping
 * @property {{ create: number, preview: number, change: number }} once calls of a run, however many volumes there are
 * @property {number} logins in the first up
 * @property {number} seconds of the first up
 * @property {number} ideal seconds that its calls alone take, so many at a time
 * @property {number} plain seconds of the first up of as many plain dynamic resources that do nothing
 */

/** How many resources the engine makes at a time. */
const PARALLEL = 16;

/**
 * @param {Place} place
 * @param {{ n: number, latencyMs: number }[]} plan
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<ScaleioSample[]>}
 */
async function measureScaleio(place, plan, check, progress) {
  /** @type {ScaleioSample[]} */
  const samples = [];
  for (const { n, latencyMs } of plan) {
    check();
    const sample = await measure(place, n, latencyMs);
    samples.push(sample);
    progress(
      `${n} volumes on ScaleIO, ${latencyMs} ms: up ${sample.seconds.toFixed(2)} s, plain ${sample.plain.toFixed(2)} s`,
    );
  }
  return samples;
}

/**
 * The table, as Markdown.
 *
 * @param {ScaleioSample[]} samples
 */
function scaleioTable(samples) {
  const head = ["", ...samples.map(({ n, latencyMs }) => `${n} volumes, ${latencyMs} ms`), "aim"];
  const row = (/** @type {string} */ what, /** @type {(sample: ScaleioSample) => string} */ value, aim = "") => [
    what,
    ...samples.map(value),
    aim,
  ];
  const each = (/** @type {number} */ calls, /** @type {number} */ once) => `${round(calls)} (+ ${once} a run)`;
  const rows = [
    row("calls for a volume with its mapping: create", ({ calls, once }) => each(calls.create, once.create), "≤ 3"),
    row("the same: unchanged preview", ({ calls, once }) => each(calls.preview, once.preview), "0"),
    row("the same: change of profile", ({ calls, once }) => each(calls.change, once.change)),
    row("logins in the first up", ({ logins }) => String(logins), "1"),
    row("first up", ({ seconds }) => `${seconds.toFixed(1)} s`),
    row(`best possible: calls × latency ÷ ${PARALLEL}`, ({ ideal }) => `${ideal.toFixed(1)} s`),
    row("first up / best possible", ({ seconds, ideal }) => (ideal > 0 ? `${(seconds / ideal).toFixed(1)}×` : "")),
    row("as many plain resources that do nothing", ({ plain }) => `${plain.toFixed(1)} s`),
    row(
      "first up / (plain + best possible)",
      ({ seconds, plain, ideal }) => `${(seconds / (plain + ideal)).toFixed(2)}×`,
    ),
  ];
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

/** @param {number} value */
function round(value) {
  return String(Math.round(value * 100) / 100);
}

/**
 * @param {Place} place
 * @param {number} n
 * @param {number} latencyMs
 * @returns {Promise<ScaleioSample>}
 */
async function measure(place, n, latencyMs) {
  const { startScaleioGateway } = require(path.join(place.directory, "package", "dist", "emulators"));
  const gateway = await startScaleioGateway({ latencyMs });
  const home = fs.mkdtempSync(path.join(place.directory, "scaleio-"));
  try {
    const [ours, plain] = [
      await project(place, path.join(home, "ours"), gateway),
      await project(place, path.join(home, "plain"), undefined),
    ];
    ours.program(declares(n, "gold"));
    const create = await ours.run("up", "--yes", "--skip-preview", "--parallel", String(PARALLEL));
    const made = counted(gateway, n);
    if (gateway.state().volumes.length !== n)
      throw new UserError(`${gateway.state().volumes.length} of ${n} volumes were made`);
    const logins = gateway.calls.filter((/** @type {{ path: string }} */ call) => call.path === "/api/login").length;
    const ideal = (gateway.calls.length * latencyMs) / 1000 / PARALLEL;
    gateway.clearCalls();
    await ours.run("preview", "--expect-no-changes");
    const unchanged = counted(gateway, n);
    ours.program(declares(n, "silver"));
    gateway.clearCalls();
    await ours.run("up", "--yes", "--skip-preview", "--parallel", String(PARALLEL));
    const changed = counted(gateway, n);
    plain.program(PLAIN.replace("COUNT", String(2 * n)));
    const seconds = await plain.run("up", "--yes", "--skip-preview", "--parallel", String(PARALLEL));
    return {
      ...{ n, latencyMs, logins, seconds: create, ideal, plain: seconds },
      calls: { create: made.each, preview: unchanged.each, change: changed.each },
      once: { create: made.once, preview: unchanged.once, change: changed.once },
    };
  } finally {
    await gateway.close();
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * @param {{ calls: { path: string }[] }} gateway
 * @param {number} n
 */
function counted({ calls }, n) {
  const each = calls.filter((call) => /Volume(::|\/)/.test(call.path)).length;
  return { each: each / n, once: calls.length - each };
}

/** @param {number} n @param {string} profile */
function declares(n, profile) {
  return `const { ProfiledVolume, VolumeMapping } = require("storage-profiles");
for (let i = 0; i < ${n}; i++) {
  const volume = new ProfiledVolume("v" + i + "@${profile}", { sizeGiB: 8 });
  new VolumeMapping("m" + i, { volume, sdc: "node1" });
}
`;
}

const PLAIN = `const pulumi = require("@pulumi/pulumi");
const provider = { create: async (inputs) => ({ id: "plain", outs: inputs }) };
for (let i = 0; i < COUNT; i++) new pulumi.dynamic.Resource(provider, "v" + i, { size: 1 });
`;

/**
 * @param {Place} place
 * @param {string} home
 * @param {{ url: string, ca: string, username: string, password: string } | undefined} gateway
 */
async function project(place, home, gateway) {
  const { pulumi, write } = await layProject(place, home, {
    config: gateway && {
      "storage-profiles:backend": "scaleio",
      "storage-profiles:scaleio": { protectionDomain: "domain1", storagePool: "pool1" },
      "scaleio:endpoint": gateway.url,
      "scaleio:username": gateway.username,
      "scaleio:caFile": "ca.pem",
    },
    env: { SCALEIO_PASSWORD: gateway?.password },
    without: /^SCALEIO_/,
  });
  if (gateway) write("ca.pem", gateway.ca);
  return {
    program: (/** @type {string} */ text) => write("index.js", text),
    /** Resolves to the seconds that it took. */
    run: async (/** @type {string[]} */ ...args) => (await pulumi(...args)).time.clock,
  };
}
