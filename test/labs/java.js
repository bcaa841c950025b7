#!/usr/bin/env node
// What programs in Java are compiled with and run by: the machine's JDK, and the jars of <lab>/pom.xml, which Maven brings once into a cache outside
// the tree. <lab>/jars.sha256 pins each of them. Plain JavaScript, so that a test file can have it while it is still collecting its tests.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { UserError, cacheDirectory, main, withLock } = require("../../tools/shared.js");
const { limitMs } = require("../../tools/test/time.js");
const { Unavailable } = require("./debian.js");

/** The oldest JDK for which the jars are meant. */
const JDK = 11;
const PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";
/** Maven's errors for a registry that can't be reached or doesn't have an artifact. */
const UNREACHABLE = /Could not transfer|Could not find artifact|Unknown host|offline mode|could not be resolved/i;

module.exports = { jarsOf };

/**
 * The jars of a lab, for a test file, which must know before its first test whether there is anything to run.
 *
 * @param {string} lab
 * @returns {{ jars: string, reason?: undefined } | { jars?: undefined, reason: string }} their folder, or why this machine can't have them
 */
function jarsOf(lab) {
  const { status, stdout } = spawnSync(process.execPath, [__filename, lab], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`The jars of ${lab} could not be had; the lines above say why.`);
  return JSON.parse(stdout);
}

/**
 * @param {string} lab a folder beside this file
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string>}
 * @throws {Unavailable} when this machine can't have them
 * @throws {UserError} when they could not be had for another reason; a pinned jar that has changed is one
 */
async function javaJars(lab, env = process.env) {
  const pom = path.join(__dirname, lab, "pom.xml");
  const pins = fs.readFileSync(path.join(__dirname, lab, "jars.sha256"), "utf8");
  const version = /javac (\d+)/.exec(run("javac", ["-version"], env))?.[1] ?? "of no known version";
  if (!(Number(version) >= JDK)) throw new Unavailable(`no JDK ${JDK} or newer (javac is ${version})`);
  const key = createHash("sha256").update(JSON.stringify([fs.readFileSync(pom, "utf8"), pins]));
  const directory = path.join(cacheDirectory(env), "java", `${lab}-${key.digest("hex").slice(0, 12)}`);
  const jars = path.join(directory, "jars");
  if (fs.existsSync(jars)) return jars;
  run("mvn", ["--version"], env);
  const waiting = () => console.error(`Another process gets the jars of ${lab}; waiting for it.`);
  return withLock(path.join(directory, "lock"), waiting, async () => {
    if (fs.existsSync(jars)) return jars;
    console.error(`Getting the jars of ${lab} with Maven into ${directory} (about 30 MB, once).`);
    const temporary = `${jars}.tmp`;
    fs.rmSync(temporary, { recursive: true, force: true }); // of one that was killed
    const said = spawnSync(
      "mvn",
      ["-B", "-q", "-f", pom, `${PLUGIN}:copy-dependencies`, `-DoutputDirectory=${temporary}`],
      { cwd: directory, encoding: "utf8", env, timeout: limitMs(600) },
    );
    if (said.status !== 0) {
      const [first = "it ended without a message"] = (said.stdout + said.stderr)
        .split("\n")
        .filter((line) => line.includes("[ERROR]"));
      if (UNREACHABLE.test(said.stdout)) throw new Unavailable(`the jars can't be had here: ${first}`);
      throw new UserError(`Maven could not get the jars of ${lab}: ${first}`);
    }
    check(temporary, pins, lab);
    fs.renameSync(temporary, jars);
    return jars;
  });
}

/**
 * @param {string} directory
 * @param {string} pins in the format of sha256sum
 * @param {string} lab
 */
function check(directory, pins, lab) {
  const found = fs.readdirSync(directory).map((name) => {
    const sum = createHash("sha256").update(fs.readFileSync(path.join(directory, name)));
    return `${sum.digest("hex")}  ${name}`;
  });
  const pinned = pins.trim().split("\n");
  const wrong = [
    ...found.filter((line) => !pinned.includes(line)).map((line) => `  not pinned: ${line}`),
    ...pinned.filter((line) => !found.includes(line)).map((line) => `  missing: ${line}`),
  ];
  if (wrong.length === 0) return;
  fs.rmSync(directory, { recursive: true });
  throw new UserError(`The jars of ${lab} aren't those of test/labs/${lab}/jars.sha256:\n${wrong.join("\n")}`);
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
function run(file, args, env) {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8", env, timeout: limitMs(60) });
  if (status !== 0) throw new Unavailable(`no ${file}`);
  return stdout + stderr;
}

// `node test/labs/java.js LAB` gets them ahead of the tests, and prints {"jars": …}, their folder, or {"reason": …}, why this machine can't have them.
if (require.main === module) {
  main(async () => {
    const [lab = ""] = process.argv.slice(2);
    if (!fs.existsSync(path.join(__dirname, lab, "pom.xml"))) throw new UserError("Usage: node test/labs/java.js LAB");
    try {
      console.log(JSON.stringify({ jars: await javaJars(lab) }));
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      console.log(JSON.stringify({ reason: error.message }));
    }
  });
}
