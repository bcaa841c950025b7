#!/usr/bin/env node
// What ProfiledVolume costs beside plain resources: the same number of each, on the same engine, in runs that take turns.
// `npm run bench -- --help` says what is measured; docs/bench.md says what came out and what was decided.
// @ts-check
"use strict";

const { execFile } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { awsTable, measureAws } = require("./bench/aws.js");
const { cephTable, measureCeph } = require("./bench/ceph.js");
const { measureOpenstack, openstackTable } = require("./bench/openstack.js");
const { dockerTable, measureDocker } = require("./bench/docker.js");
const { estateTable, measureEstate } = require("./bench/estate.js");
const { httpTable, measureHttp } = require("./bench/http.js");
const { kubernetesTable, measureKubernetes } = require("./bench/kubernetes.js");
const { interrupt, makeProject, placePackage } = require("./bench/project.js");
const { measureScaleio, scaleioTable } = require("./bench/scaleio.js");
const { markdown, median, pairRatios, plot, rowsOf, series, table } = require("./bench/report.js");
const { measureWork, workTable } = require("./bench/work.js");
const { ensureEngine } = require("./engine/ensure.js");
const { setup } = require("./setup.js");
const { UserError, main } = require("./shared.js");

/** @typedef {import("./bench/project.js").Place} Place */
/** @typedef {import("./bench/project.js").Variant} Variant */
/** @typedef {import("./bench/report.js").Sample} Sample */
/** @typedef {import("./bench/report.js").Row} Row */

const ROOT = path.dirname(__dirname);

/** How many volumes, and how often. */
const FULL = [
  { n: 10, rounds: 5 },
  { n: 100, rounds: 3 },
  { n: 300, rounds: 3 },
];
const QUICK = [
  { n: 10, rounds: 2 },
  { n: 100, rounds: 1 },
];

/** How many volumes when work is counted, how many requests a second are the aim of `resolve`, and what `import` may add to the SDK's time. */
const COUNTED = 100;
const RESOLVE = 200_000;
const IMPORT_MS = 60;

const SCALEIO = [
  { n: 20, latencyMs: 20 },
  { n: 300, latencyMs: 20 },
];

const AWS = [10, 100];
const OPENSTACK = [10, 50];
const KUBERNETES = [10, 200];
const CEPH = [10];
const ONLY = ["--local", "--scaleio", "--aws", "--openstack", "--kubernetes", "--ceph", "--docker", "--http"];

const DOCKER = { runs: 30, firsts: 5, many: 20 };
const DOCKER_QUICK = { runs: 10, firsts: 2, many: 5 };

const HELP = `Usage: npm run bench [-- [--quick | --write] [--local | --scaleio | --aws | --openstack | --kubernetes | --ceph | --docker | --http]]
       npm run bench -- --estate <volumes> [--made <volumes>] [--write]

Measures ProfiledVolume on the local backend (mode "directory") beside the same number of raw dynamic resources whose
create does nothing: the first \`pulumi up\`, an unchanged \`pulumi preview\`, and the state. Each run has a fresh stack with a
file backend in a temporary directory; the two take turns, and the ratios are those of runs that followed each other.
A missed aim is shown, and is no failure. Takes 10 to 15 minutes on two cores.

Then the ScaleIO backend, on the emulated gateway: how many calls a volume with its mapping costs, and how long the first \`up\`
of 20 and 300 takes at 20 ms of latency, beside the time of these calls alone. Takes 5 minutes.

Then the AWS backend, on the real Terraform AWS provider and the lab's EC2, beside the same volumes written by hand with
aws.ebs.Volume: 10 and 100, takes 5 minutes, and is left out where there is no such provider. Unlike a missed aim it is a
failure when the two don't ask EC2 the same.

Then the OpenStack backend, on the real Terraform OpenStack provider and the lab's real Keystone and Cinder, beside the same volumes
written by hand with openstack.blockstorage.Volume: 10 and 50, takes 6 minutes, and is left out where one of them can't be had.

Then the kubernetes backend, on the lab's real API server and external-resizer with a mock CSI driver, beside the same claims written by
hand with @pulumi/kubernetes: 10 and 200, takes up to half an hour, and is left out where the lab isn't built.

Then the ceph backend, on the lab's real cluster: how many commands a volume costs. Takes 2 minutes, and is left out where no cluster
can be had.

Then \`docker run\` on a real dockerd with volumes of ours, beside Docker's own local driver in runs that take turns: on a volume that
exists, and with a new one. Takes 2 minutes, and is left out where no dockerd or loop device can be had.

Last the HTTP service, on loopback, with 200 profiles and 2,000 volumes: reads beside a bare fastify route that gives the same
bytes, the time from a POST to the start of the engine, and memory. Takes 2 minutes.

With --estate only: stacks of 100 volumes each on the emulated ScaleIO gateway, their state on PostgreSQL: the \`up\` of all, \`status --all\`, and
\`plan --all\` of an edit of their profile, with 200 volumes and with as many as are given. 10,000 take hours, nearly all of it the \`up\`.

  --estate    how many volumes: a multiple of 100, at least 300
  --made      how many of them an \`up\` creates; the other stacks get the state of one of these, imported under their own names. Default: all
  --quick     N = 10 and 100, with fewer runs, 20 on ScaleIO, 10 on AWS, OpenStack and Kubernetes: 5 minutes, for a first look
  --write     also writes docs/bench.svg, and the tables into docs/bench.md
  --local     the local backend only
  --scaleio   the ScaleIO backend only
  --aws       the AWS backend only
  --openstack the OpenStack backend only
  --kubernetes the kubernetes backend only
  --ceph      the ceph backend only
  --docker    the Docker plugin only
  --http   the HTTP service only
`;

if (require.main === module) main(() => command(process.argv.slice(2)));

/** @param {string[]} given */
async function command(given) {
  const { args, estate } = estateOf(given);
  const known = ["--quick", "--write", ...ONLY, "--help", "-h"];
  const unknown = args.find((arg) => !known.includes(arg));
  if (unknown !== undefined) throw new UserError(`Unknown argument ${unknown}.\n\n${HELP}`);
  if (args.includes("--help") || args.includes("-h")) return void process.stdout.write(HELP);
  const [quick, write] = [args.includes("--quick"), args.includes("--write")];
  if (quick && write) throw new UserError("--write is for the full run: leave --quick out.");
  const only = ONLY.filter((each) => args.includes(each));
  if (estate && (quick || only.length > 0))
    throw new UserError("--estate can't be combined with other tables or --quick.");
  const isWanted = (/** @type {string} */ which) => only.length === 0 || only.includes(which);

  await setup();
  const engine = await ensureEngine();
  await inTemporaryPlace(engine, async (place, check) => {
    const machine = describeMachine(engine.version);
    progress(machine);
    if (estate) return benchEstate(place, machine, { ...estate, write }, check);
    if (isWanted("--local")) await benchLocal(place, machine, { quick, write }, check);
    if (isWanted("--scaleio")) await benchScaleio(place, machine, { quick, write }, check);
    if (isWanted("--aws")) await benchAws(place, machine, { quick, write }, check);
    if (isWanted("--openstack")) await benchOpenstack(place, machine, { quick, write }, check);
    if (isWanted("--kubernetes")) await benchKubernetes(place, machine, { quick, write }, check);
    if (isWanted("--ceph")) await benchCeph(place, machine, { write }, check);
    if (isWanted("--docker")) await benchDocker(place, machine, { quick, write }, check);
    if (isWanted("--http")) await benchHttp(place, machine, { quick, write }, check);
  });
}

/**
 * Takes `--estate` and `--made` out of the arguments.
 *
 * @param {string[]} given
 * @returns {{ args: string[], estate: { volumes: number, made: number } | undefined }}
 */
function estateOf(given) {
  const args = [...given];
  const take = (/** @type {string} */ option) => {
    const at = args.indexOf(option);
    if (at < 0) return undefined;
    const [, text = ""] = args.splice(at, 2);
    if (!/^[1-9]\d{0,4}00$/.test(text)) throw new UserError(`${option} must be a multiple of 100.\n\n${HELP}`);
    return Number(text);
  };
  const [volumes, made] = [take("--estate"), take("--made")];
  if (volumes === undefined) {
    if (made !== undefined) throw new UserError("--made requires --estate.");
    return { args, estate: undefined };
  }
  if (volumes < 300) throw new UserError("--estate must be at least 300.");
  if (made !== undefined && (made < 200 || made > volumes))
    throw new UserError("--made must be at least 200, and at most what --estate says.");
  return { args, estate: { volumes, made: made ?? volumes } };
}

/**
 * @param {Place} place
 * @param {string} machine
 * @param {{ volumes: number, made: number, write: boolean }} options
 * @param {() => void} check
 */
async function benchEstate(place, machine, { write, ...plan }, check) {
  const estate = await measureEstate(place, plan, check, progress);
  if ("missing" in estate) throw new UserError(estate.missing);
  const text = estateTable(estate);
  console.log(`\n${text}`);
  if (write) writeBetween("estate: begin", "estate: end", `${machine}\n\n${text}`);
}

/**
 * @param {Place} place
 * @param {string} machine
 * @param {{ quick: boolean, write: boolean }} options
 * @param {() => void} check
 */
async function benchLocal(place, machine, { quick, write }, check) {
  const samples = await measureStacks(place, quick ? QUICK : FULL, check);
  const imports = await measureImports(place, check);
  const work = workTable(await measureWork(place, COUNTED, check, progress));
  const resolved = measureResolve(path.join(place.directory, "package"));
  const rows = [...rowsOf(samples), imports.row];
  const each = resolved.backends.map(
    (/** @type {{ name: string, rate: number }} */ { name, rate }) => `${name} ${rate.toLocaleString("en")}`,
  );
  const others = [
    `resolve: ${resolved.all.toLocaleString("en")} a second of processor time, over all backends and built-in profiles (aim: ${RESOLVE.toLocaleString("en")}). One backend alone: ${each.join(", ")}.`,
    `require("storage-profiles/core"), which needs no Pulumi: ${imports.core} ms.`,
  ];
  console.log(`\n${machine}\n\n${table(rows)}\n\n${work}\n${others.join("\n")}`);
  if (write) writeDocs(machine, rows, work, others, samples);
}

/**
 * @param {Place} place
 * @param {string} machine
 * @param {{ quick: boolean, write: boolean }} options
 * @param {() => void} check
 */
async function benchScaleio(place, machine, { quick, write }, check) {
  const results = scaleioTable(await measureScaleio(place, quick ? SCALEIO.slice(0, 1) : SCALEIO, check, progress));
  console.log(`\n${results}`);
  if (write) writeBetween("scaleio: begin", "scaleio: end", `${machine}\n\n${results}`);
}

/**
 * @param {Place} place
 * @param {string} machine
 * @param {{ quick: boolean, write: boolean }} options
 * @param {() => void} check
 */
async function benchAws(place, machine, { quick, write }, check) {
  const samples = await measureAws(place, quick ? AWS.slice(0, 1) : AWS, check, progress);
  if ("missing" in samples) return progress(`The AWS backend is left out: ${samples.missing}`);
  const { text, equal } = awsTable(samples);
  console.log(`\n${text}`);
  if (write) writeBetween("aws: begin", "aws: end", `${machine}\n\n${text}`);
  if (!equal) throw new UserError("NOT EQUAL: ours and the volumes written by hand don't ask EC2 the same.");
}

/**
 * @param {Place} place
 * @param {string} machine
 * @param {{ quick: boolean, write: boolean }} options
 * @param {() => void} check
 */
async function benchOpenstack(place, machine, { quick, write }, check) {
  const pairs = await measureOpenstack(place, quick ? OPENSTACK.slice(0, 1) : OPENSTACK, check, progress);
  if ("missing" in pairs) return progress(`The OpenStack backend is left out: ${pairs.missing}`);
  const text = openstackTable(pairs);
  console.log(`\n${text}`);
  if (write) writeBetween("openstack: begin", "openstack: end", `${machine}\n\n${text}`);
}

/**
 * @param {Place} place
 * @param {string} machine
 * @param {{ quick: boolean, write: boolean }} options
 * @param {() => void} check
 */
async function benchKubernetes(place, machine, { quick, write }, check) {
  const pairs = await measureKubernetes(place, quick ? KUBERNETES.slice(0, 1) : KUBERNETES, check, progress);
  if ("missing" in pairs) return progress(`The kubernetes backend is left out: ${pairs.missing}`);
  const text = kubernetesTable(pairs);
  console.log(`\n${text}`);
  if (write) writeBetween("kubernetes: begin", "kubernetes: end", `${machine}\n\n${text}`);
}

/**
 * @param {Place} place
 * @param {string} machine
 * @param {{ write: boolean }} options
 * @param {() => void} check
 */
async function benchCeph(place, machine, { write }, check) {
  const samples = await measureCeph(place, CEPH, check, progress);
  if ("missing" in samples) return progress(`The ceph backend is left out: ${samples.missing}`);
  const text = cephTable(samples);
  console.log(`\n${text}`);
  if (write) writeBetween("ceph: begin", "ceph: end", `${machine}\n\n${text}`);
}

/**
 * @param {Place} place
 * @param {string} machine
 * @param {{ quick: boolean, write: boolean }} options
 * @param {() => void} check
 */
async function benchDocker(place, machine, { quick, write }, check) {
  const sample = await measureDocker(place, quick ? DOCKER_QUICK : DOCKER, check, progress);
  if ("missing" in sample) return progress(`Docker is left out: ${sample.missing}`);
  const results = dockerTable(sample);
  console.log(`\n${results}`);
  if (write) writeBetween("docker: begin", "docker: end", `${machine}\n\n${results}`);
}

/**
 * @param {Place} place
 * @param {string} machine
 * @param {{ quick: boolean, write: boolean }} options
 * @param {() => void} check
 */
async function benchHttp(place, machine, { quick, write }, check) {
  const plan = quick ? { seconds: 2, rounds: 1, posts: 2 } : { seconds: 5, rounds: 3, posts: 5 };
  const results = httpTable(await measureHttp(place, plan, check, progress));
  console.log(`\n${results}`);
  if (write) writeBetween("http: begin", "http: end", `${machine}\n\n${results}`);
}

/** @param {string} text */
const progress = (text) => void process.stderr.write(`${text}\n`);

/** @param {string} pulumi */
function describeMachine(pulumi) {
  const cpus = os.cpus();
  const memory = Math.round(os.totalmem() / 1024 ** 3);
  const load = os.loadavg()[0] ?? 0;
  return (
    `${cpus.length} × ${cpus[0]?.model.trim() ?? os.arch()}, ${memory} GiB, ${os.type()} ${os.release()}, ` +
    `Node.js ${process.versions.node}, Pulumi ${pulumi}, ${new Date().toISOString().slice(0, 10)}` +
    (load > 0.5 ? `; load by others at the start: ${load.toFixed(1)}` : "")
  );
}

// ---- stacks ----------------------------------------------------------------------------------------------------------

/**
 * @param {Place} place
 * @param {{ n: number, rounds: number }[]} plan
 * @param {() => void} check throws when interrupted
 * @returns {Promise<Sample[]>}
 */
async function measureStacks(place, plan, check) {
  const variants = /** @type {const} */ (["raw", "component", "ours"]);
  // The first run of an engine and of a program finds nothing in the disk's cache.
  progress("Warming up");
  for (const variant of variants) await measureStack(place, variant, 1, false, 0);
  const turns = [false, true].flatMap((skipCheckpoints) => variants.map((variant) => ({ variant, skipCheckpoints })));
  const runs = plan.flatMap(({ n, rounds }) =>
    Array.from({ length: rounds }, (_, round) => turns.map((turn) => ({ n, round, ...turn }))).flat(),
  );
  /** @type {Sample[]} */
  const samples = [];
  for (const [index, { n, round, variant, skipCheckpoints }] of runs.entries()) {
    check();
    const sample = await measureStack(place, variant, n, skipCheckpoints, round);
    samples.push(sample);
    progress(
      `[${index + 1}/${runs.length}] ${n} ${variant}${skipCheckpoints ? ", checkpoints skipped" : ""}: ` +
        `up ${sample.up.clock.toFixed(2)} s, preview ${sample.preview.clock.toFixed(2)} s, ${Math.round(sample.stateBytes)} B each`,
    );
  }
  return samples;
}

/**
 * @param {Place} place
 * @param {Variant} variant
 * @param {number} n
 * @param {boolean} skipCheckpoints
 * @param {number} round
 * @returns {Promise<Sample>}
 */
async function measureStack(place, variant, n, skipCheckpoints, round) {
  const project = await makeProject(place, variant, n, { skipCheckpoints });
  const up = await project.up();
  const preview = await project.preview();
  const moments = project.moments();
  const stateBytes = await project.stateBytes();
  project.remove();
  return { variant, n, skipCheckpoints, round, up, preview, stateBytes, moments };
}

/**
 * Everything the benchmark makes is in there, and goes away with it, however it ends.
 *
 * @param {import("./engine/ensure.js").Engine} engine
 * @param {(place: Place, check: () => void) => Promise<void>} work
 */
async function inTemporaryPlace(engine, work) {
  /** @type {NodeJS.Signals | undefined} */
  let interrupted;
  const stop = (/** @type {NodeJS.Signals} */ signal) => {
    if (interrupted) return;
    interrupted = signal;
    progress("\nStopping; what was made is removed.");
    void interrupt();
  };
  const check = () => {
    if (interrupted) throw new UserError("Interrupted.");
  };
  const signals = /** @type {NodeJS.Signals[]} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.on(signal, stop);
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "sp-bench-")));
  try {
    const place = { directory, root: ROOT, engine };
    placePackage(place);
    await work(place, check);
  } catch (error) {
    check(); // of what was interrupted, only that
    throw error;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    for (const signal of signals) process.removeListener(signal, stop);
    if (interrupted) process.kill(process.pid, interrupted);
  }
}

// ---- what needs no engine --------------------------------------------------------------------------------------------

/**
 * The time of `require` in a fresh process.
 *
 * @param {Place} place
 * @param {() => void} check
 * @returns {Promise<{ row: Row, core: number }>}
 */
async function measureImports(place, check) {
  progress("Timing require");
  const own = path.join(place.directory, "package");
  const modules = { raw: "@pulumi/pulumi", ours: own, core: path.join(own, "dist/src") };
  /** @type {Record<keyof typeof modules, number[]>} */
  const times = { raw: [], ours: [], core: [] };
  for (let round = 0; round < 7; round++) {
    for (const name of /** @type {(keyof typeof modules)[]} */ (Object.keys(modules))) {
      check();
      const program = `const start = performance.now(); require(${JSON.stringify(modules[name])}); console.log(performance.now() - start)`;
      times[name].push(Number(await output(process.execPath, ["-e", program], own)));
    }
  }
  const more = median(times.ours.map((time, index) => time - (times.raw[index] ?? NaN)));
  const milliseconds = (/** @type {number[]} */ of) => `${Math.round(median(of))} ms`;
  return {
    row: {
      ...{ what: "node -e require, without an engine", raw: milliseconds(times.raw), ours: milliseconds(times.ours) },
      ...{ component: "", least: "", ratio: `${Math.round(more)} ms more`, work: "", aim: `≤ ${IMPORT_MS} ms more` },
      verdict: more <= IMPORT_MS ? "met" : "missed",
    },
    core: Math.round(median(times.core)),
  };
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Promise<string>}
 */
function output(file, args, cwd) {
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}

/**
 * How many requests are resolved in a second of processor time: of all backends in turn, and of each alone.
 *
 * @param {string} directory the package's
 */
function measureResolve(directory) {
  progress("Timing resolve");
  const { backendNames, backends, makeCatalog, resolve } = require(path.join(directory, "dist/src"));
  const catalog = makeCatalog();
  const profiles = Object.keys(catalog.profiles);
  // What a backend based on others must know of its place.
  const placements = Object.fromEntries(
    backendNames.map((/** @type {string} */ name) => {
      const { basedOn, questions } = backends[name];
      const needed = basedOn ? questions.filter((/** @type {any} */ each) => each.isNeeded) : [];
      const answers = needed.map((/** @type {any} */ { key, choices }) => [key, choices[0]]);
      return [name, answers.length > 0 ? Object.fromEntries(answers) : undefined];
    }),
  );
  const rateOf = (/** @type {string[]} */ names) => {
    const requests = Array.from({ length: 1000 }, (_, index) => {
      const backend = names[Math.floor(index / profiles.length) % names.length] ?? "";
      const name = `volume${index}@${profiles[index % profiles.length]}`;
      return { name, backend, sizeGiB: 100 + index, placement: placements[backend] };
    });
    const round = () => {
      for (const request of requests) {
        const { problems } = resolve(catalog, request);
        if (problems.length > 0) throw new Error(`${request.name} on ${request.backend}: ${problems[0].message}`);
      }
    };
    for (let warm = 0; warm < 20; warm++) round();
    const start = process.cpuUsage();
    for (let count = 0; count < 100; count++) round();
    const { user, system } = process.cpuUsage(start);
    return Math.round(100_000 / ((user + system) / 1e6));
  };
  const all = rateOf(backendNames);
  return { all, backends: backendNames.map((/** @type {string} */ name) => ({ name, rate: rateOf([name]) })) };
}

// ---- docs ------------------------------------------------------------------------------------------------------------

/**
 * @param {string} machine
 * @param {Row[]} rows
 * @param {string} work
 * @param {string[]} others
 * @param {Sample[]} samples
 */
function writeDocs(machine, rows, work, others, samples) {
  const docs = path.join(ROOT, "docs");
  fs.mkdirSync(docs, { recursive: true });
  const largest = Math.max(...samples.map(({ n }) => n));
  const ratio = median(
    pairRatios(
      samples.filter(({ n, skipCheckpoints }) => n === largest && !skipCheckpoints),
      "ours",
      "component",
      ({ up }) => up.clock,
    ),
  );
  const caption = `Medians and ranges; at ${largest} volumes ours takes ${ratio.toFixed(2)} times as long as the barest component`;
  fs.writeFileSync(path.join(docs, "bench.svg"), plot(series(samples), caption));

  const results = [
    `${machine}. ${roundsOf(samples)}`,
    markdown(rows),
    `${work}\n${others.map((line) => `- ${line}`).join("\n")}`,
  ].join("\n\n");
  writeBetween("npm run bench -- --write: begin", "end", results);
  progress(`Written: ${path.join(docs, "bench.svg")}`);
}

/** @param {Sample[]} samples */
function roundsOf(samples) {
  const sizes = [...new Set(samples.map(({ n }) => n))];
  const rounds = sizes.map((size) => 1 + Math.max(...samples.filter(({ n }) => n === size).map(({ round }) => round)));
  return `Rounds for ${sizes.join(", ")} volumes: ${rounds.join(", ")}`;
}

/**
 * Writes what was measured into its place in docs/bench.md.
 *
 * @param {string} begin the comment before it
 * @param {string} end the comment behind it
 * @param {string} text
 */
function writeBetween(begin, end, text) {
  const file = path.join(ROOT, "docs", "bench.md");
  const old = fs.readFileSync(file, "utf8");
  const [first, last] = [`<!-- ${begin} -->`, `<!-- ${end} -->`];
  const [from, to] = [old.indexOf(first), old.indexOf(last)];
  if (from < 0 || to < from) throw new UserError(`${file} has lost its lines "${first}" and "${last}".`);
  fs.writeFileSync(file, `${old.slice(0, from + first.length)}\n\n${text}\n\n${old.slice(to)}`);
  progress(`Written: ${file}`);
}
