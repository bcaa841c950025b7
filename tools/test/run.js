#!/usr/bin/env node
// `npm test`: sets up what the tests need, runs them, and ends with how many passed. labs.js says which tests run when; results.js reads
// what jest has written. Plain JavaScript without dependencies, since it installs them.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const { mkdtempSync, readdirSync, rmSync } = require("node:fs");
const { availableParallelism, tmpdir } = require("node:os");
const path = require("node:path");
const { ensureEngine, environment } = require("../engine/ensure.js");
const { setup } = require("../setup.js");
const { UNAVAILABLE, UserError, main } = require("../shared.js");
const { isAlone, isTooLate, labOf, labs } = require("./labs.js");
const { RESULTS, failures, read, report } = require("./results.js");
const { SLOWNESS, measureSlowness } = require("./time.js");

const root = path.resolve(__dirname, "../..");

/** Instead of an exit code: there was no more time for it. */
const STOPPED = -1;

const HELP = `Usage: npm test [-- OPTIONS | JEST ARGUMENTS]

Without options: types, lint, format, generated files, and the default tier of tests. It needs neither root nor a lab.

  --all             the default tier, then every lab
  --only LAB,…      these labs alone
  --require LAB,…   fail where a test of these labs is skipped ("all" for every lab that isn't optional)
  --help            show this

Anything else goes to jest: npm test -- test/src/core/resolve.test.ts -t rounds

Labs:
${labs.map(({ name, what, needs, isOptional }) => `  ${name.padEnd(10)} ${what} (needs: ${needs})${isOptional ? " [optional]" : ""}`).join("\n")}
`;

/** @typedef {{ all: boolean, only: string[], require: string[], jest: string[] }} Options */

main(async () => {
  const options = readArguments(process.argv.slice(2));
  if (!options) return void process.stdout.write(HELP);
  const started = performance.now();
  await setup();
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, [SLOWNESS]: process.env[SLOWNESS] ?? String(measureSlowness()) };
  const chosen = labs.filter(({ name }) => options.all || options.only.includes(name));
  if (options.all) env.STORAGE_PROFILES_TEST_ALL = "1"; // property tests run more cases
  if (Number(env[SLOWNESS]) > 1)
    log(`This machine is ${env[SLOWNESS]} times slower than the reference; time limits are scaled.`);

  const directory = mkdtempSync(path.join(tmpdir(), "sp-results-"));
  /** @type {string[]} what failed besides tests */
  const failed = [];
  /** @type {string[]} what was left out, and why */
  const leftOut = [];
  const resultsFile = path.join(directory, "results");
  const reporters = ["default", path.join(__dirname, "reporter.js")].flatMap((reporter) => ["--reporters", reporter]);
  const jest = async (
    /** @type {string} */ what,
    /** @type {string[]} */ args,
    /** @type {NodeJS.ProcessEnv} */ jestEnv,
    /** @type {number | undefined} */ endsBy = undefined,
  ) => {
    const deadlineMs = endsBy === undefined ? undefined : (endsBy - minutesSince(started)) * 60_000;
    const command = [bin("jest", "bin/jest.js"), ...args, ...reporters];
    const code = await run(what, command, { ...jestEnv, [RESULTS]: resultsFile }, { deadlineMs });
    if (code === STOPPED) {
      const ended = new Set(read(resultsFile, root).map(({ file }) => file));
      const files = args.filter((arg) => labOf(arg) && !ended.has(arg));
      leftOut.push(...files.map((file) => `${file}: had not ended after ${endsBy} minutes`));
    } else if (code !== 0) failed.push(what);
  };

  try {
    if (options.jest.length > 0) await jest("tests", options.jest, environment(await ensureEngine(), env));
    else {
      const engine = ensureEngine();
      engine.catch(() => undefined); // awaited below
      if (options.only.length === 0) await defaultTier(engine, env, jest, failed);
      const withEngine = lazySdk(environment(await engine, env));
      // Those with a limit come after those without; each group is made ready when it is known that there is time for it.
      for (const endsBy of new Set([undefined, ...chosen.map((lab) => lab.endsBy)])) {
        let minutes = minutesSince(started);
        const group = chosen.filter((lab) => {
          if (lab.endsBy !== endsBy) return false;
          const late = options.all ? isTooLate(lab, minutes, Number(env[SLOWNESS])) : undefined;
          if (late === undefined) minutes += (lab.minutes ?? 0) * Number(env[SLOWNESS]);
          else leftOut.push(...filesOf([lab]).map((file) => `${file}: ${late}`));
          return late === undefined;
        });
        const files = filesOf(await prepare(group, withEngine, failed));
        const limit = options.all ? endsBy : undefined;
        const together = files.filter((file) => !isAlone(file));
        if (together.length > 0) {
          const what = `labs: ${[...new Set(together.map((file) => labOf(file)?.name))].join(", ")}`;
          const args = ["--maxWorkers", String(availableParallelism() + 1), ...together];
          await jest(what, args, withEngine, limit);
        }
        const alone = files.filter(isAlone);
        if (alone.length > 0) await jest("labs: what measures", ["--maxWorkers", "1", ...alone], withEngine, limit);
      }
    }
    const results = read(resultsFile, root);
    const all = options.require.includes("all") ? labs.filter(({ isOptional }) => !isOptional) : [];
    const required = [...options.require, ...all.map(({ name }) => name)];
    failed.push(...failures(results, (file) => required.includes(labOf(file)?.name ?? "")));
    console.log(report(results, { failed, leftOut, minutes: minutesSince(started) }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  if (failed.length > 0) process.exitCode = 1;
});

/**
 * @param {string[]} args
 * @returns {Options | undefined} nothing where help is asked for
 */
function readArguments(args) {
  /** @type {Options} */
  const options = { all: false, only: [], require: [], jest: [] };
  const names = (/** @type {string | undefined} */ text, /** @type {string[]} */ ...others) => {
    const given = (text ?? "").split(",").filter(Boolean);
    const known = [...labs.map(({ name }) => name), ...others];
    const unknown = given.find((name) => !known.includes(name));
    if (given.length === 0 || unknown !== undefined) {
      throw new UserError(
        `${unknown === undefined ? "no lab given" : `unknown lab "${unknown}"`}; choose from ${known.join(", ")}`,
      );
    }
    return given;
  };
  for (let i = 0; i < args.length; i++) {
    const [arg = "", value] = (args[i] ?? "").split(/=(.*)/s);
    if (arg === "--help" || arg === "-h") return undefined;
    else if (arg === "--all") options.all = true;
    else if (arg === "--only") options.only.push(...names(value ?? args[++i]));
    else if (arg === "--require") options.require.push(...names(value ?? args[++i], "all"));
    else options.jest.push(args[i] ?? "");
  }
  if (options.jest.length > 0 && (options.all || options.only.length > 0)) {
    throw new UserError(`--all and --only take no arguments for jest: ${options.jest.join(" ")}\n\n${HELP}`);
  }
  return options;
}

/**
 * What is checked and what needs no engine run while that is built, where it isn't there yet.
 *
 * @param {Promise<import("../engine/ensure.js").Engine>} engine
 * @param {NodeJS.ProcessEnv} env
 * @param {(what: string, args: string[], env: NodeJS.ProcessEnv) => Promise<void>} jest
 * @param {string[]} failed
 */
async function defaultTier(engine, env, jest, failed) {
  const checks = [
    { what: "generated files", args: ["tools/generate.js", "--check"] },
    { what: "types", args: [bin("typescript", "bin/tsc"), "-p", "tsconfig.json"] },
    { what: "types of the status page", args: [bin("typescript", "bin/tsc"), "-p", "tsconfig.page.json"] },
    { what: "types of an added backend", args: [bin("typescript", "bin/tsc"), "-p", "test/backends/tsconfig.json"] },
    { what: "lint", args: ["--max-old-space-size=8192", bin("eslint", "bin/eslint.js"), "."] },
    { what: "format", args: [bin("prettier", "bin/prettier.cjs"), "--check", "--log-level", "warn", "."] },
  ];
  const files = testFiles().filter((file) => labOf(file) === undefined);
  const [stories, others] = [true, false].map((is) => files.filter((file) => file.startsWith("test/stories/") === is));
  const check = async () => {
    for (const { what, args } of checks) if ((await run(what, args, env)) !== 0) failed.push(what);
  };
  await Promise.all([check(), jest("unit and property tests", ["--maxWorkers", "2", ...(others ?? [])], env)]);
  const withEngine = environment(await engine, env);
  await jest("stories on a real engine", ["--maxWorkers", "2", ...(stories ?? [])], withEngine);
}

/**
 * Makes what the labs' tests need, one after the other, before any of them runs. What this machine can't have, the tests say; what could
 * not be made though it should, is an error.
 *
 * @param {import("./labs.js").Lab[]} chosen
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} failed
 * @returns {Promise<import("./labs.js").Lab[]>} the labs to run
 */
async function prepare(chosen, env, failed) {
  const prepared = [];
  for (const lab of chosen) {
    let isReady = true;
    for (const args of lab.prepare ?? []) {
      if ([0, UNAVAILABLE].includes(await run(`preparing ${args.join(" ")}`, args, env, { stdout: "ignore" })))
        continue;
      failed.push(`lab ${lab.name}: node ${args.join(" ")}`);
      isReady = false;
    }
    if (isReady) prepared.push(lab);
  }
  return prepared;
}

/** @returns {string[]} relative to the root, with slashes */
function testFiles() {
  return readdirSync(path.join(root, "test"), { recursive: true, encoding: "utf8" })
    .map((file) => path.posix.join("test", file.split(path.sep).join("/")))
    .filter((file) => file.endsWith(".test.ts"))
    .sort();
}

/** @param {import("./labs.js").Lab[]} of */
function filesOf(of) {
  return testFiles().filter((file) => of.some((lab) => lab === labOf(file)));
}

/**
 * Has the labs' processes load of Pulumi's SDK what they use (lazy-sdk.js).
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
function lazySdk(env) {
  const preloaded = `--require ${JSON.stringify(path.join(__dirname, "lazy-sdk.js"))}`;
  return { ...env, NODE_OPTIONS: [env["NODE_OPTIONS"], preloaded].filter(Boolean).join(" ") };
}

/**
 * @param {string} what
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {object} [options]
 * @param {"inherit" | "ignore"} [options.stdout]
 * @param {number | undefined} [options.deadlineMs] after which it is stopped
 * @returns {Promise<number>} its exit code, or STOPPED
 */
function run(what, args, env, { stdout = "inherit", deadlineMs } = {}) {
  log(`\n== ${what}`);
  const before = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", stdout, "inherit"] });
    let isStopped = false;
    const stop = () => {
      isStopped = true;
      child.kill("SIGKILL");
    };
    const deadline = deadlineMs === undefined ? undefined : setTimeout(stop, Math.max(0, deadlineMs));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(deadline);
      /** @type {Record<number, string>} */
      const outcomes = { 0: "passed", [UNAVAILABLE]: "not available on this machine" };
      const how = isStopped ? "stopped" : signal ? `ended by ${signal}` : (outcomes[code ?? 1] ?? "FAILED");
      log(`== ${what}: ${how} after ${Math.round((performance.now() - before) / 1000)} s`);
      resolve(isStopped ? STOPPED : (code ?? 1));
    });
  });
}

/** @param {string} name @param {string} file */
function bin(name, file) {
  return path.join(root, "node_modules", name, file);
}

/** @param {number} started */
function minutesSince(started) {
  return (performance.now() - started) / 60_000;
}

/** @param {string} line */
function log(line) {
  console.error(line);
}
