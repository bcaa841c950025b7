#!/usr/bin/env node
// Where teams keep Pulumi's state: a PostgreSQL server, from this machine or from Debian's packages that are unpacked into the cache, and an S3
// (moto's). Nothing is installed, and both end with all that they have.
//
//   node test/labs/state/lab.js           starts both and says how to log in; Ctrl-C ends them
//   node test/labs/state/lab.js --probe   gets the packages, and says why this machine can't have PostgreSQL
// @ts-check
"use strict";

const { spawn, spawnSync } = require("node:child_process");
const { randomBytes } = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { cacheDirectory } = require("../../../tools/shared.js");
const { until } = require("../../../tools/test/time.js");
const { Unavailable, unpackPackages } = require("../debian.js");
const { freePort } = require("../free-port.js");
const { labCommand, lastLine, probeOf } = require("../probe.js");
const { startProcess } = require("../process.js");

/**
 * @typedef {object} StateServer
 * @property {string} url for `pulumi login`
 * @property {string} secret what of the URL is secret
 * @property {NodeJS.ProcessEnv} env what the engine needs besides
 * @property {() => Promise<void>} stop ends it, and removes all that it has
 */

/** Why this machine can't have a PostgreSQL server; nothing where it can. */
const postgresReason = probeOf(__filename, "PostgreSQL can't be run");

module.exports = { postgresReason, startPostgres, startS3 };

/** @typedef {{ bin: string, env: NodeJS.ProcessEnv, prefix: string[], uid: number | undefined }} Programs */

/**
 * @param {(line: string) => void} log
 * @returns {Promise<Programs>}
 * @throws {Unavailable}
 */
async function programs(log) {
  const installed = serverIn("/");
  if (installed !== undefined) return runnable(installed, process.env);
  if (process.platform !== "linux") throw new Unavailable("PostgreSQL isn't installed");
  const directory = path.join(cacheDirectory(process.env), "postgresql");
  const wanted = { what: "PostgreSQL", size: "60 MB", packages: ["postgresql"], isWhole: true };
  const root = await unpackPackages(wanted, directory, log, process.env);
  const bin = serverIn(root);
  if (bin === undefined) throw new Unavailable("Debian's package postgresql has no server");
  const libraries = ["usr/lib", "lib"].flatMap((each) =>
    ["x86_64", "aarch64"].map((cpu) => path.join(root, each, `${cpu}-linux-gnu`)),
  );
  return runnable(bin, { ...process.env, LD_LIBRARY_PATH: libraries.join(":") });
}

/** @param {string} root */
function serverIn(root) {
  const versions = path.join(root, "usr/lib/postgresql");
  const found = fs.existsSync(versions) ? fs.readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  return found.map((each) => path.join(versions, each, "bin")).find((each) => fs.existsSync(path.join(each, "initdb")));
}

/** An unprivileged user. */
const NOBODY = 65534;

/**
 * PostgreSQL doesn't run as root: for root it runs as another user, or, where that one can't reach the programs, in a user namespace of its own.
 *
 * @param {string} bin
 * @param {NodeJS.ProcessEnv} env
 * @returns {Programs}
 */
function runnable(bin, env) {
  const dies = ["setpriv", "--pdeathsig", "KILL"];
  const ways =
    process.getuid?.() === 0
      ? [
          { prefix: [...dies, `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"], uid: NOBODY },
          { prefix: ["unshare", "--user", "--map-user=1000", "--map-group=1000", ...dies], uid: undefined },
        ]
      : [{ prefix: dies, uid: undefined }];
  let why = "";
  for (const way of ways) {
    const [file = "", ...args] = [...way.prefix, path.join(bin, "postgres"), "--version"];
    const { status, stderr, error } = spawnSync(file, args, { env, cwd: "/", encoding: "utf8" });
    if (status === 0) return { bin, env, ...way };
    why = error?.message ?? lastLine(stderr);
  }
  throw new Unavailable(`PostgreSQL can't be run here: ${why}`);
}

/**
 * Starts a PostgreSQL server of its own, and waits until it can be used.
 *
 * @param {object} [options]
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<StateServer>}
 * @throws {Unavailable}
 */
async function startPostgres({ log = (line) => console.error(line) } = {}) {
  const { bin, env, prefix, uid } = await programs(log);
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "sp-postgres-")));
  const [data, output, password] = ["data", "log", "password"].map((each) => path.join(directory, each));
  const secret = randomBytes(12).toString("hex");
  fs.writeFileSync(password ?? "", secret, { mode: 0o600 });
  if (uid !== undefined) for (const each of [directory, password ?? ""]) fs.chownSync(each, uid, uid);
  const [first = "", ...rest] = prefix;
  const options = { env, cwd: directory, encoding: /** @type {const} */ ("utf8") };
  const how = ["--username=pulumi", "--auth=scram-sha-256", `--pwfile=${password}`, "--encoding=UTF8", "--locale=C"];
  const made = spawnSync(first, [...rest, path.join(bin, "initdb"), ...how, "--no-sync", "-D", data ?? ""], options);
  const remove = () => fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  if (made.status !== 0) {
    remove();
    throw new Unavailable(`PostgreSQL's initdb fails: ${made.error?.message ?? lastLine(made.stderr)}`);
  }
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "jit=off"];
  const args = ["-D", data ?? "", "-p", `${port}`, ...settings.flatMap((each) => ["-c", each])];
  const file = fs.openSync(output ?? "", "a");
  const server = spawn(first, [...rest, path.join(bin, "postgres"), ...args], {
    ...options,
    stdio: ["ignore", file, file],
  });
  fs.closeSync(file);
  const ended = new Promise((done) => server.once("close", done).once("error", done));
  const isRunning = () => server.exitCode === null && server.signalCode === null;
  const stop = async () => {
    // At once, with its connections: nothing of it is needed.
    if (isRunning()) server.kill("SIGQUIT");
    await ended;
    remove();
  };
  try {
    await until("PostgreSQL accepts connections", () => {
      const text = fs.readFileSync(output ?? "", "utf8");
      if (!isRunning()) throw new Error(`PostgreSQL has ended: ${lastLine(text)}`);
      return text.includes("ready to accept connections");
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `postgres://pulumi:${secret}@127.0.0.1:${port}/postgres?sslmode=disable`, secret, env: {}, stop };
}

/**
 * Starts an S3 with a bucket.
 *
 * @param {object} [options]
 * @param {boolean} [options.detached] in a group of its own
 * @returns {Promise<StateServer>}
 * @throws {import("../python.js").Unavailable}
 */
async function startS3({ detached = false } = {}) {
  const lab = await startProcess("state", { packages: "aws", detached });
  const { url, bucket } = lab.ready;
  const secret = randomBytes(12).toString("hex");
  return {
    url: `s3://${bucket}?endpoint=${encodeURIComponent(url)}&s3ForcePathStyle=true&region=us-east-1`,
    secret,
    env: { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: secret, AWS_REGION: "us-east-1" },
    stop: lab.stop,
  };
}

async function start() {
  const servers = [await startPostgres(), await startS3({ detached: true })];
  for (const { url, env } of servers) {
    const variables = Object.entries({ ...env, PULUMI_BACKEND_URL: url }).map(([key, value]) => `${key}='${value}'`);
    console.log(`export ${variables.join(" ")}`);
  }
  console.log("Ctrl-C ends both.");
  await new Promise((done) => process.once("SIGINT", done).once("SIGTERM", done));
  await Promise.all(servers.map(({ stop }) => stop()));
}

if (require.main === module) {
  labCommand("test/labs/state/lab.js", {
    start,
    probe: async () => void (await programs((line) => console.error(line))),
  });
}
