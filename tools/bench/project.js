// A Pulumi project of the benchmark's own: N volumes, ours or raw, on a real engine with a file backend. Each has a
// folder with its program, its config and its state; nothing of the user's is used or touched.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { environment } = require("../engine/ensure.js");
const { UserError } = require("../shared.js");

module.exports = { interrupt, layProject, makeProject, placePackage, pssMiB, runProgram, stateBytesOf };

/** @typedef {import("../engine/ensure.js").Engine} Engine */

/**
 * How the volumes are declared: as plain dynamic resources that do nothing; as the same in a component each, which is
 * the least that any component costs; as ours.
 * @typedef {"raw" | "component" | "ours"} Variant
 */

/**
 * @typedef {object} Place
 * @property {string} directory a temporary one, for all projects
 * @property {string} root the clone
 * @property {Engine} engine
 */

/**
 * Milliseconds from the program's first line: until all is imported, the first volume is declared, and the engine has
 * answered for its resource.
 * @typedef {{ imported: number, declared: number, registered: number }} Moments
 */

/**
 * Seconds: by the clock, and of work by all processes together. That of a busy machine's others is in the first only.
 * Work is known on Linux; elsewhere it is NaN.
 * @typedef {{ clock: number, work: number }} Time
 */

/**
 * What a process did (count.js): the folder of what it ran, the promises that the SDK tracked, seconds of processor time.
 * @typedef {{ program: string, tracked: number, seconds: number }} Counts
 */

/**
 * @typedef {object} Project
 * @property {() => Promise<Time>} up
 * @property {() => Promise<Time>} preview which must find nothing to change
 * @property {() => Counts[]} counts of each process that has ended since they were last asked for, in a project with `counts`
 * @property {() => Moments} moments of the program's last run
 * @property {() => Promise<number>} stateBytes for each volume: all its resources, as compact JSON
 * @property {() => void} remove
 */

/**
 * Copies what would be installed of the package, so that a build meanwhile doesn't change what is measured.
 *
 * @param {Place} place
 */
function placePackage({ directory, root }) {
  const to = path.join(directory, "package");
  fs.mkdirSync(to);
  fs.cpSync(path.join(root, "dist"), path.join(to, "dist"), { recursive: true });
  fs.copyFileSync(path.join(root, "package.json"), path.join(to, "package.json"));
  // Its dependencies are the clone's. A module reached through this link is the one that the program gets itself.
  fs.symlinkSync(path.join(root, "node_modules"), path.join(to, "node_modules"));
  return to;
}

/**
 * Lays out a project with the package and its SDK beside it, and makes its stack, "dev".
 *
 * @param {Place} place
 * @param {string} home a folder for it and its state, which need not be there
 * @param {object} contents
 * @param {object} [contents.config] of the stack
 * @param {object} [contents.settings] what Pulumi.yaml has besides
 * @param {NodeJS.ProcessEnv} [contents.env] variables that the engine gets besides
 * @param {RegExp} [contents.without] the variables of this process that it doesn't get
 */
async function layProject(place, home, { config = {}, settings = {}, env: own = {}, without = /^$/ }) {
  const directory = path.join(home, "project");
  fs.mkdirSync(path.join(directory, "node_modules"), { recursive: true });
  fs.mkdirSync(path.join(home, "state"), { recursive: true });
  fs.symlinkSync(path.join(place.directory, "package"), path.join(directory, "node_modules", "storage-profiles"));
  fs.symlinkSync(path.join(place.root, "node_modules", "@pulumi"), path.join(directory, "node_modules", "@pulumi"));
  const write = (/** @type {string} */ file, /** @type {string | object} */ content) => {
    fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    fs.writeFileSync(path.join(directory, file), typeof content === "string" ? content : JSON.stringify(content));
  };
  // JSON is YAML.
  write("Pulumi.yaml", { name: "bench", runtime: { name: "nodejs", options: { typescript: false } }, ...settings });
  write("package.json", { name: "bench", private: true, main: "index.js" });
  write("Pulumi.dev.yaml", { config });
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(PULUMI_|NODE_OPTIONS$)/.test(name) && !without.test(name),
  );
  const env = environment(place.engine, {
    ...Object.fromEntries(inherited),
    PULUMI_HOME: path.join(place.directory, "home"),
    PULUMI_BACKEND_URL: `file://${path.join(home, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "bench",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_STACK: "dev",
    ...own,
  });
  const pulumi = (/** @type {string[]} */ ...args) => runPulumi(place.engine.pulumi, args, directory, env);
  await pulumi("stack", "init", "dev");
  return { directory, env, write, pulumi };
}

let made = 0;

/**
 * @param {Place} place
 * @param {Variant} variant
 * @param {number} n how many volumes
 * @param {{ skipCheckpoints?: boolean, counts?: boolean }} [options] whether what the program and its providers do is counted
 * @returns {Promise<Project>}
 */
async function makeProject(place, variant, n, { skipCheckpoints = false, counts = false } = {}) {
  // Names of one length: the paths in the state must not make a difference.
  const id = String(++made).padStart(3, "0");
  const home = path.join(place.directory, id);
  const momentsFile = path.join(home, "moments.json");
  const countsFile = path.join(home, "counts");
  const local = { mode: "directory", stateDirectory: path.join(home, "volumes") };
  const ours = { "storage-profiles:backend": "local", "storage-profiles:local": local };
  const { pulumi, write } = await layProject(place, home, {
    config: variant === "ours" ? ours : {},
    env: {
      ...(skipCheckpoints && { PULUMI_SKIP_CHECKPOINTS: "true" }),
      ...(counts && {
        STORAGE_PROFILES_BENCH_COUNTS: countsFile,
        NODE_OPTIONS: `--require ${JSON.stringify(path.join(__dirname, "count.js"))}`,
      }),
    },
  });
  write("index.js", program(variant, n, momentsFile));
  write("node_modules/raw-provider/index.js", RAW_PROVIDER);
  return {
    up: async () => (await pulumi("up", "--yes", "--skip-preview")).time,
    preview: async () => (await pulumi("preview", "--expect-no-changes")).time,
    counts: () => {
      const lines = fs.readFileSync(countsFile, "utf8").trimEnd().split("\n");
      fs.rmSync(countsFile);
      return lines.map((line) => JSON.parse(line));
    },
    moments: () => JSON.parse(fs.readFileSync(momentsFile, "utf8")),
    stateBytes: async () => stateBytesOf((await pulumi("stack", "export")).stdout, n),
    remove: () => fs.rmSync(home, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/**
 * For each volume: all its resources, as compact JSON.
 *
 * @param {string} exported what `pulumi stack export` printed
 * @param {number} n
 */
function stateBytesOf(exported, n) {
  /** @type {{ deployment: { resources?: { type: string }[] } }} */
  const { deployment } = JSON.parse(exported);
  // The stack and the provider are there once, however many volumes there are.
  const own = (deployment.resources ?? []).filter(({ type }) => !/^pulumi:(pulumi:Stack$|providers:)/.test(type));
  return Buffer.byteLength(JSON.stringify(own).slice(1, -1)) / n;
}

// ---- programs --------------------------------------------------------------------------------------------------------

/** A user's ordinary dynamic provider, as small as one can write it: Pulumi serialises it into each resource's state. */
const RAW_PROVIDER = `
exports.check = async (olds, news) => ({ inputs: news });
exports.diff = async (id, olds, news) => ({ changes: olds.size !== news.size });
exports.create = async (inputs) => ({ id: "raw", outs: inputs });
exports.read = async (id, props) => ({ id, props });
exports.update = async (id, olds, news) => ({ outs: news });
exports.delete = async () => {};
`;

const PULUMI = 'const pulumi = require("@pulumi/pulumi");';

const RAW = `const provider = {
  check: (olds, news) => require("raw-provider").check(olds, news),
  diff: (id, olds, news) => require("raw-provider").diff(id, olds, news),
  create: (inputs) => require("raw-provider").create(inputs),
  read: (id, props) => require("raw-provider").read(id, props),
  update: (id, olds, news) => require("raw-provider").update(id, olds, news),
  delete: (id, props) => require("raw-provider").delete(id, props),
};
const raw = (name, opts) => new pulumi.dynamic.Resource(provider, name, { size: 1 }, opts);`;

const COMPONENT = `class Component extends pulumi.ComponentResource {
  constructor(name, opts) {
    super("bench:index:Component", name, {}, opts);
    this.resource = raw(name, { parent: this });
    this.registerOutputs({ volumeId: this.resource.id });
  }
}`;

/** @type {Record<Variant, { imports: string, declares: string, make: string, resource: string }>} */
const PROGRAMS = {
  raw: { imports: PULUMI, declares: RAW, make: 'raw("v" + i)', resource: "volume" },
  component: {
    ...{ imports: PULUMI, declares: `${RAW}\n${COMPONENT}` },
    ...{ make: 'new Component("v" + i)', resource: "volume.resource" },
  },
  ours: {
    ...{ imports: 'const { ProfiledVolume } = require("storage-profiles");', declares: "" },
    ...{ make: 'new ProfiledVolume("v" + i + "@gold", { sizeGiB: 1 })', resource: "volume.resource" },
  },
};

/**
 * @param {Variant} variant
 * @param {number} n
 * @param {string} momentsFile
 */
function program(variant, n, momentsFile) {
  const { imports, declares, make, resource } = PROGRAMS[variant];
  return `const start = performance.now();
${imports}
const imported = performance.now();
${declares}
for (let i = 0; i < ${n}; i++) {
  const volume = ${make};
  if (i > 0) continue;
  const declared = performance.now();
  ${resource}.urn.apply(() => {
    const moments = { imported: imported - start, declared: declared - start, registered: performance.now() - start };
    require("node:fs").writeFileSync(${JSON.stringify(momentsFile)}, JSON.stringify(moments));
  });
}
`;
}

// ---- processes -------------------------------------------------------------------------------------------------------

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/** Asks the engine to stop, as Ctrl-C would: it then ends its own processes. Resolves when it has. */
async function interrupt() {
  const children = [...running];
  const ended = children.map((child) => new Promise((resolve) => child.once("close", resolve)));
  for (const child of children) child.kill("SIGINT");
  // Once it is told that nobody waits for what it is doing, it leaves that.
  const impatient = setTimeout(() => children.forEach((child) => child.kill("SIGINT")), 3_000);
  const last = setTimeout(() => children.forEach((child) => child.kill("SIGKILL")), 10_000);
  await Promise.all(ended);
  clearTimeout(impatient);
  clearTimeout(last);
}

/**
 * @param {string} pulumi
 * @param {string[]} args
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ time: Time, stdout: string }>}
 */
function runPulumi(pulumi, args, cwd, env) {
  return runProgram(pulumi, [...args, "--non-interactive", "--color", "never"], cwd, env);
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} env
 * @param {(pid: number) => void} [onStart]
 * @returns {Promise<{ time: Time, stdout: string }>}
 */
function runProgram(file, args, cwd, env, onStart) {
  return new Promise((resolve, reject) => {
    const start = { clock: performance.now() / 1000, work: workOfChildren() };
    // A process group of its own: a terminal's Ctrl-C reaches it through us, once.
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    if (child.pid !== undefined) onStart?.(child.pid);
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (chunk) => (stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk) => (stderr += chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      running.delete(child);
      const time = { clock: performance.now() / 1000 - start.clock, work: workOfChildren() - start.work };
      if (code === 0) return resolve({ time, stdout });
      const tail = `${stdout}${stderr}`.trimEnd().split("\n").slice(-30).join("\n");
      const command = [path.basename(file), ...args].join(" ");
      reject(new UserError(`${command} failed (${signal ?? `exit code ${code}`}):\n${tail}`));
    });
  });
}

/**
 * Memory of a process, and its part of what processes share. Nothing of one that is gone.
 *
 * @param {number} pid
 */
function pssMiB(pid) {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Seconds of work by all processes that this one has waited for, and by those that they have (proc(5): cutime, cstime). */
function workOfChildren() {
  if (process.platform !== "linux") return NaN;
  const [, fields = ""] = fs.readFileSync("/proc/self/stat", "utf8").split(") ");
  const [user, system] = fields.split(" ").slice(13, 15).map(Number);
  return ((user ?? NaN) + (system ?? NaN)) / 100;
}
