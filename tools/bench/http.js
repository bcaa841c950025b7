// What the HTTP service costs: reads beside a bare fastify route in the same run, the time from a POST to the start of the
// engine, and memory; with 200 profiles and 2,000 volumes in the stack's file.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { environment } = require("../engine/ensure.js");
const { UserError } = require("../shared.js");

module.exports = { httpTable, measureHttp };

/** @typedef {import("./project.js").Place} Place */

/**
 * @typedef {object} Load
 * @property {string} what
 * @property {number} perSecond median of the rounds
 * @property {number} p50 in milliseconds
 * @property {number} p99 in milliseconds
 * @property {number} bytes of one answer
 */

/**
 * @typedef {object} HttpSample
 * @property {Load[]} loads
 * @property {number[]} starts milliseconds from a POST to the start of the engine
 * @property {number[]} accepted milliseconds until the POST was answered
 * @property {{ start: number, loaded: number }} memory resident MiB
 */

const PROFILES = 200;
const VOLUMES = 2_000;

/**
 * @param {Place} place
 * @param {{ seconds: number, rounds: number, posts: number }} plan
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<HttpSample>}
 */
async function measureHttp(place, { seconds, rounds, posts }, check, progress) {
  const home = fs.mkdtempSync(path.join(place.directory, "http-"));
  const project = path.join(home, "project");
  const env = {
    ...environment(place.engine),
    PULUMI_HOME: path.join(home, "home"),
    PULUMI_BACKEND_URL: `file://${path.join(home, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "bench",
    PULUMI_STACK: "dev",
  };
  fs.mkdirSync(path.join(home, "state"));
  write(project, place);
  await run(place.engine.pulumi, ["stack", "init", "dev", "--non-interactive"], project, env);
  const file = path.join(project, "Pulumi.dev.yaml");
  fs.writeFileSync(
    file,
    `${config()}${fs.readFileSync(file, "utf8").replace(/^config:[\s\S]*?(?=^\S|$(?![\s\S]))/m, "")}`,
  );
  const dist = path.join(place.directory, "package", "dist", "src");
  const service = await serve(serviceCode(dist, place.engine.pulumi, project, home), env);
  const bare = await serve(bareCode(place, service.url), env);
  try {
    const start = await residentMiB(service.pid);
    const paths = {
      "bare fastify, the bytes of …/profiles": [bare.url, "/profiles"],
      "GET …/profiles": [service.url, "/v1/configuration/profiles"],
      "bare fastify, the bytes of …/resolution": [bare.url, "/resolution"],
      "GET …/resolution": [service.url, "/v1/configuration/profiles/p7/resolution?backend=aws&sizeGiB=100"],
    };
    /** @type {Record<string, any[]>} */
    const results = {};
    for (let round = 0; round < rounds; round++) {
      for (const [what, [url, route]] of Object.entries(paths)) {
        check();
        const result = await load(`${url}${route}`, seconds);
        (results[what] ??= []).push(result);
        progress(`${what}: ${Math.round(result.requests.average)} a second, p99 ${result.latency.p99} ms`);
      }
    }
    const loaded = await residentMiB(service.pid);
    /** @type {number[]} */
    const starts = [];
    /** @type {number[]} */
    const accepted = [];
    for (let i = 0; i < posts; i++) {
      check();
      const one = await timePost(service.url, `v${i}`);
      starts.push(one.start);
      accepted.push(one.accepted);
      progress(`POST to the start of the engine: ${Math.round(one.start)} ms`);
    }
    const loads = Object.entries(results).map(([what, all]) => ({
      what,
      perSecond: median(all.map((each) => each.requests.average)),
      p50: median(all.map((each) => each.latency.p50)),
      p99: median(all.map((each) => each.latency.p99)),
      bytes: median(all.map((each) => each.throughput.total / each.requests.total)),
    }));
    return { loads, starts, accepted, memory: { start, loaded } };
  } finally {
    await Promise.all([service.end(), bare.end()]);
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** @param {HttpSample} sample */
function httpTable({ loads, starts, accepted, memory }) {
  const line = (/** @type {(string | number)[]} */ cells) => `| ${cells.join(" | ")} |`;
  const rows = loads.map(({ what, perSecond, p50, p99, bytes }) =>
    line([what, Math.round(perSecond).toLocaleString("en"), p50, p99, Math.round(bytes).toLocaleString("en")]),
  );
  const ms = (/** @type {number[]} */ all) =>
    `${Math.round(median(all))} ms (${Math.round(Math.min(...all))} to ${Math.round(Math.max(...all))})`;
  return [
    line(["", "a second", "p50, ms", "p99, ms", "bytes each"]),
    line(["---", "--:", "--:", "--:", "--:"]),
    ...rows,
    "",
    `- POST of a volume: accepted after ${ms(accepted)}, its engine started after ${ms(starts)}; ${starts.length} times.`,
    `- Memory: ${Math.round(memory.start)} MiB at the start, ${Math.round(memory.loaded)} MiB after the load.`,
  ].join("\n");
}

/** @param {string} project @param {Place} place */
function write(project, place) {
  fs.mkdirSync(path.join(project, "node_modules"), { recursive: true });
  fs.symlinkSync(path.join(place.directory, "package"), path.join(project, "node_modules", "storage-profiles"));
  fs.symlinkSync(path.join(place.root, "node_modules", "@pulumi"), path.join(project, "node_modules", "@pulumi"));
  fs.writeFileSync(
    path.join(project, "Pulumi.yaml"),
    "name: bench\nruntime:\n  name: nodejs\n  options: { typescript: false }\n",
  );
  fs.writeFileSync(
    path.join(project, "package.json"),
    JSON.stringify({ name: "bench", main: "index.js", private: true }),
  );
  // What is measured is over when the engine starts; the program has nothing to do.
  fs.writeFileSync(path.join(project, "index.js"), "");
}

function config() {
  const profiles = Array.from(
    { length: PROFILES },
    (_, i) =>
      `    p${i}: { extends: gold, description: Number ${i}, aws: { iops: { perGiB: ${(i % 50) + 1} } }, local: { iops: ${100 + i} } }\n`,
  );
  const volumes = Array.from(
    { length: VOLUMES },
    (_, i) => `    v${i}: { profile: p${i % PROFILES}, sizeGiB: ${(i % 100) + 8} }\n`,
  );
  return (
    "config:\n  aws:region: eu-west-1\n  storage-profiles:backend: local\n  storage-profiles:local: { mode: directory }\n" +
    `  storage-profiles:profiles:\n${profiles.join("")}  storage-profiles:volumes:\n${volumes.join("")}`
  );
}

/** @param {string} dist @param {string} pulumi @param {string} directory @param {string} home */
function serviceCode(dist, pulumi, directory, home) {
  const open = JSON.stringify({ directory, pulumi, journalDirectory: path.join(home, "journal") });
  const options = JSON.stringify({
    stacks: ["dev"],
    listen: "127.0.0.1:0",
    auditLog: path.join(home, "audit.jsonl"),
    logLevel: "warn",
    limits: { requests: 0, writes: 0 },
  });
  return `(async () => {
    const project = await require(${JSON.stringify(path.join(dist, "stack"))}).openProject(${open});
    const { url } = await require(${JSON.stringify(path.join(dist, "http"))}).startService({ project, ...${options} });
    console.log(url);
  })();`;
}

/** A fastify that gives the same bytes back, made once. @param {Place} place @param {string} url */
function bareCode(place, url) {
  return `(async () => {
    const app = require(${JSON.stringify(path.join(place.root, "node_modules", "fastify"))})();
    for (const [route, from] of [["/profiles", "/v1/configuration/profiles"], ["/resolution", "/v1/configuration/profiles/p7/resolution?backend=aws&sizeGiB=100"]]) {
      const text = await (await fetch(${JSON.stringify(url)} + from)).text();
      app.get(route, (request, reply) => void reply.type("application/json; charset=utf-8").send(text));
    }
    console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
  })();`;
}

/** @param {string} code @param {NodeJS.ProcessEnv} env @returns {Promise<{ url: string, pid: number, end: () => Promise<void> }>} */
function serve(code, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["-e", code], { env, stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise((done) => child.once("close", done));
    const end = async () => {
      child.kill("SIGKILL");
      await ended;
    };
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
      if (said.includes("\n")) resolve({ url: said.trim(), pid: child.pid ?? 0, end });
    });
    child.once("close", (code) => reject(new UserError(`A service of the benchmark ended with ${code}.`)));
  });
}

/** @param {string} url @param {number} duration @returns {Promise<any>} */
async function load(url, duration) {
  // @ts-expect-error it has no types
  const autocannon = require("autocannon");
  await autocannon({ url, connections: 10, duration: 1 });
  const result = await autocannon({ url, connections: 10, duration });
  if (result.non2xx > 0 || result.errors > 0)
    throw new UserError(`${result.non2xx} answers of ${url} were none, ${result.errors} failed.`);
  return result;
}

/** @param {string} url @param {string} name */
async function timePost(url, name) {
  const start = performance.now();
  const body = JSON.stringify({ profile: "p1" });
  const response = await fetch(`${url}/v1/configuration/volumes/${name}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  const accepted = performance.now() - start;
  const { operation, description } = /** @type {any} */ (await response.json());
  if (response.status !== 202)
    throw new UserError(`A POST of the benchmark was answered by ${response.status}: ${description}`);
  const events = await fetch(`${url}/v1/operations/${operation.id}/events`);
  let [seen, started] = ["", 0];
  for await (const chunk of /** @type {any} */ (events.body)) {
    seen += Buffer.from(chunk).toString();
    if (started === 0 && seen.includes('"running"')) started = performance.now() - start;
  }
  return { accepted, start: started };
}

/** @param {number} pid */
async function residentMiB(pid) {
  const text = fs.existsSync(`/proc/${pid}/status`) ? fs.readFileSync(`/proc/${pid}/status`, "utf8") : "";
  return Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** @param {string} file @param {string[]} args @param {string} cwd @param {NodeJS.ProcessEnv} env @returns {Promise<void>} */
function run(file, args, cwd, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ["ignore", "ignore", "inherit"] });
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new UserError(`pulumi ${args.join(" ")} ended with ${code}.`)),
    );
  });
}
