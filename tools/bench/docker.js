// What our plugin costs a `docker run`: on a volume that exists, beside Docker's own local driver in runs that take turns, and for a
// volume that is new. On a real dockerd, with volumes on loop devices made by the real engine.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { createInterface } = require("node:readline");
const { setTimeout: sleep } = require("node:timers/promises");
const { UserError } = require("../shared.js");
const { layProject, pssMiB } = require("./project.js");
const { median } = require("./report.js");

module.exports = { dockerTable, measureDocker };

/** @typedef {import("./project.js").Place} Place */

/**
 * Milliseconds of `docker run --rm … true`, by the clock.
 *
 * @typedef {object} DockerSample
 * @property {number[]} ours on a volume of ours that exists
 * @property {number[]} local on one of Docker's local driver that exists
 * @property {number[]} first with a new volume of ours
 * @property {number[]} firstUnready the same where no engine is kept ready
 * @property {number} readyMiB memory of what is kept ready: its own, and its part of what processes share
 * @property {number[]} firstLocal with a new volume of the local driver
 * @property {{ count: number, milliseconds: number }} many how long so many at once take, each with a new volume of ours
 * @property {number} ups of the engine during all runs on volumes that exist
 */

/**
 * @param {Place} place
 * @param {{ runs: number, firsts: number, many: number }} plan
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<DockerSample | { missing: string }>}
 */
async function measureDocker(place, plan, check, progress) {
  const { dockerReason, startDocker } = require("../../test/labs/docker/lab.js");
  const missing = dockerReason() ?? loopReason(place);
  if (missing !== undefined) return { missing };
  const home = fs.mkdtempSync(path.join(place.directory, "docker-"));
  const docker = await startDocker({ log: progress });
  const plugin = await startPlugin(place, path.join(home, "ready"), []);
  const unready = await startPlugin(place, path.join(home, "unready"), ["--no-keep-ready"]);
  try {
    const run = async (/** @type {string} */ driver, /** @type {string} */ volume) => {
      const args = ["run", "--rm", "--network", "none", "--volume-driver", driver, "-v", `${volume}:/data`];
      const started = performance.now();
      const { code, text } = await docker.docker([...args, docker.image, "true"]);
      if (code !== 0) throw new UserError(`docker run failed: ${text}\n${plugin.log()}${unready.log()}`);
      return performance.now() - started;
    };
    /** @type {DockerSample} */
    const sample = {
      ours: [],
      local: [],
      first: [],
      firstUnready: [],
      readyMiB: 0,
      firstLocal: [],
      many: { count: plan.many, milliseconds: 0 },
      ups: 0,
    };
    for (let index = 0; index < plan.firsts; index++) {
      check();
      // As for who starts a container now and then: what is made ready after each use is ready.
      await sleep(3_000);
      sample.readyMiB = plugin.childrenMiB();
      sample.first.push(await run(plugin.name, `first${index}@gold`));
      sample.firstUnready.push(await run(unready.name, `unready${index}@gold`));
      sample.firstLocal.push(await run("local", `first${index}`));
      progress(`docker run, first use: ${Math.round(sample.first.at(-1) ?? 0)} ms`);
    }
    const before = plugin.ups();
    // The first of each finds nothing in the caches.
    for (const driver of [plugin.name, "local"]) await run(driver, driver === "local" ? "first0" : "first0@gold");
    for (let index = 0; index < plan.runs; index++) {
      check();
      sample.ours.push(await run(plugin.name, "first0@gold"));
      sample.local.push(await run("local", "first0"));
    }
    sample.ups = plugin.ups() - before;
    progress(
      `docker run, existing: ${Math.round(median(sample.ours))} ms, local driver ${Math.round(median(sample.local))} ms`,
    );
    const started = performance.now();
    await Promise.all(Array.from({ length: plan.many }, (_, index) => run(plugin.name, `many${index}@gold`)));
    sample.many.milliseconds = performance.now() - started;
    return sample;
  } finally {
    await docker.stop();
    await plugin.stop();
    await unready.stop();
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * The table, as Markdown.
 *
 * @param {DockerSample} sample
 */
function dockerTable({ ours, local, first, firstUnready, firstLocal, readyMiB, many, ups }) {
  const more = median(ours.map((each, index) => each - (local[index] ?? NaN)));
  const cells = (/** @type {number[]} */ values) =>
    `${Math.round(median(values))} ms (${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))})`;
  const rows = [
    ["`docker run` on a volume that exists", cells(ours), cells(local), `${more.toFixed(0)} ms more`, "≤ 50 ms more"],
    ["runs of the engine for those", String(ups), "", "", "0"],
    ["`docker run` with a new volume", cells(first), cells(firstLocal), "", ""],
    ["the same with `--no-keep-ready`", cells(firstUnready), "", "", ""],
    ["memory of the engine that is kept ready", `${Math.round(readyMiB)} MiB`, "", "", ""],
    [`${many.count} at once, each with a new volume`, `${(many.milliseconds / 1000).toFixed(1)} s`, "", "", ""],
  ];
  const line = (/** @type {string[]} */ each) => `| ${each.join(" | ")} |`;
  const head = ["", "ours", "Docker's local driver", "difference, pair by pair", "aim"];
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

/** @param {Place} place */
function loopReason(place) {
  const { localCapabilities } = require(path.join(place.directory, "package/dist/components/backends/local/tools"));
  const { loop, reason } = localCapabilities();
  return loop ? undefined : (reason ?? "no loop devices");
}

/**
 * @param {Place} place
 * @param {string} home
 * @param {string[]} options
 */
async function startPlugin(place, home, options) {
  const local = { mode: "loop", stateDirectory: path.join(home, "volumes") };
  const config = { "storage-profiles:backend": "local", "storage-profiles:local": local };
  const { directory, env, pulumi, write } = await layProject(place, home, {
    config: { ...config, "storage-profiles:docker": { defaultSize: "1GiB" } },
  });
  write(
    "index.js",
    `const { ProfiledVolume, volumesOfStack } = require("storage-profiles");
for (const [name, asked] of Object.entries(volumesOfStack())) new ProfiledVolume(name, asked);\n`,
  );

  const { childrenOf } = require("../../test/labs/docker/lab.js");
  const name = `sp-bench-${process.pid}-${path.basename(home)}`;
  const { bin } = JSON.parse(fs.readFileSync(path.join(place.directory, "package/package.json"), "utf8"));
  const command = path.join(place.directory, "package", bin["storage-profiles"]);
  const args = [command, "docker-plugin", "--name", name, "--state-directory", path.join(home, "plugin"), ...options];
  const child = spawn(process.execPath, args, { cwd: directory, env, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  const lines = createInterface(child.stderr);
  await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      log += `${line}\n`;
      if (line.endsWith(" ready")) resolve(undefined);
    });
    child.once("exit", () => reject(new UserError(`The plugin ended.\n${log}`)));
  });
  return {
    name,
    log: () => log,
    ups: () => log.split("\n").filter((line) => / up (succeeded|failed) after /.test(line)).length,
    childrenMiB: () => childrenOf(child.pid ?? 0).reduce((sum, pid) => sum + pssMiB(pid), 0),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      await pulumi("state", "unprotect", "--all", "--yes");
      await pulumi("destroy", "--yes", "--skip-preview");
    },
  };
}
