#!/usr/bin/env node
// A Ceph cluster of one's own for tests and people: a monitor, a manager and up to five OSDs (BlueStore on sparse files), from Debian's packages that
// are unpacked into the cache. Nothing is installed, and the cluster ends with all that it has.
//
//   node test/labs/ceph/lab.js           starts one and says how to reach it; Ctrl-C ends it
//   node test/labs/ceph/lab.js --probe   gets the packages, and says why this machine can't have them
// @ts-check
"use strict";

const { execFile, spawn } = require("node:child_process");
const { randomUUID } = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { cacheDirectory } = require("../../../tools/shared.js");
const { limitMs, until } = require("../../../tools/test/time.js");
const { Unavailable, unpackPackages } = require("../debian.js");
const { freePort } = require("../free-port.js");
const { labCommand, lastLine, probeOf } = require("../probe.js");

/**
 * @typedef {object} Ran
 * @property {number} code
 * @property {string} out standard output
 * @property {string} text standard output and standard error
 *
 * @typedef {object} Client
 * @property {import("node:stream").Readable | null} stdout
 * @property {(signal: NodeJS.Signals) => Promise<void>} end waits until it has ended
 *
 * @typedef {object} Ceph
 * @property {string} directory all that it has
 * @property {string} commands the folder with `rbd` and `ceph`, which can be run as they are
 * @property {string} configFile
 * @property {string} keyringFile the administrator's
 * @property {(command: "rbd" | "ceph", args: string[], options?: { input?: Buffer, seconds?: number }) => Promise<Ran>} run never throws
 * @property {(command: "rbd" | "ceph", ...args: string[]) => Promise<string>} must the same; returns what it prints, and throws where it fails
 * @property {(args: string[], output?: "ignore" | "pipe") => Client} open starts an `rbd` that goes on
 * @property {(spec: string, passphrase: string, write?: string) => Promise<{ size: number, text: string }>} decrypted opens an encrypted
 *   image as librbd does, may write to its beginning, and returns its size and how it begins; throws where the passphrase is another
 * @property {() => string[]} calls the commands that were run from that folder, and forgets them
 * @property {(index: number, isOn: boolean) => Promise<void>} switchOsd kills an OSD, or starts it again; waits until the cluster knows
 * @property {() => Promise<void>} stop ends it, and removes all that it has
 */

const PACKAGES = [
  ...["ceph-mon", "ceph-mgr", "ceph-osd", "ceph-common", "ceph-base"],
  ...["ceph-mgr-modules-core", "ceph-mgr-dashboard"],
];

/** Two pools, each on as many OSDs of its device class as it has copies. */
const POOLS = [
  { name: "fast", copies: 3, deviceClass: "ssd" },
  { name: "slow", copies: 2, deviceClass: "hdd" },
];

/** Why this machine can't have a cluster; nothing where it can. */
const cephReason = probeOf(__filename, "Ceph's programs can't be run");

// The commands can encrypt an image, and not open one. (The program that `ceph` is needs this Python, too.)
const DECRYPTED = `
import json, os, rados, rbd, sys
pool, name, passphrase, text = sys.argv[1:]
with rados.Rados(conffile=os.environ["CEPH_CONF"]) as cluster, cluster.open_ioctx(pool) as io, rbd.Image(io, name) as image:
    image.encryption_load(rbd.RBD_ENCRYPTION_FORMAT_LUKS2, passphrase)
    if text: image.write(text.encode(), 0)
    print(json.dumps({"size": image.size(), "text": image.read(0, 64).rstrip(b"\\0").decode()}))
`;

module.exports = { POOLS, cephReason, startCeph };

/**
 * @param {(line: string) => void} log
 * @returns {Promise<{ root: string, env: NodeJS.ProcessEnv }>}
 * @throws {Unavailable}
 */
async function programs(log) {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Unavailable("Ceph's packages are for Linux on x86-64");
  const directory = path.join(cacheDirectory(process.env), "ceph");
  const wanted = { what: "Ceph", size: "70 MB", packages: PACKAGES, isWhole: true };
  const root = await unpackPackages(wanted, directory, log, process.env);
  const inside = (/** @type {string[]} */ ...names) => names.map((name) => path.join(root, name));
  const lib = "usr/lib/x86_64-linux-gnu";
  return {
    root,
    env: {
      ...process.env,
      // It would override the folders of plugins.
      CEPH_LIB: undefined,
      LD_LIBRARY_PATH: inside(lib, `${lib}/ceph`, "lib/x86_64-linux-gnu").join(":"),
      PYTHONPATH: inside("usr/lib/python3/dist-packages").join(":"),
      PATH: [...inside("usr/bin", "usr/sbin"), process.env["PATH"]].join(":"),
    },
  };
}

/** @param {(line: string) => void} log */
async function probe(log) {
  const { env } = await programs(log);
  for (const [file, ...args] of [
    ["ceph-osd", "--version"],
    ["rbd", "--version"],
    ["ceph", "--version"],
  ]) {
    const { code, text } = await execute(file ?? "", args, { env });
    if (code !== 0) throw new Unavailable(`${file} can't be run here: ${lastLine(text)}`);
  }
}

/**
 * Starts a cluster, and waits until it can be used.
 *
 * @param {object} [options]
 * @param {(line: string) => void} [options.log]
 * @param {string[]} [options.pools] those of `POOLS` that it has; only their OSDs are started
 * @returns {Promise<Ceph>}
 * @throws {Unavailable}
 */
async function startCeph({ log = (line) => console.error(line), pools = POOLS.map(({ name }) => name) } = {}) {
  const made = POOLS.filter(({ name }) => pools.includes(name));
  const classes = made.flatMap(({ copies, deviceClass }) => Array.from({ length: copies }, () => deviceClass));
  const { root, env: found } = await programs(log);
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "sp-ceph-")));
  const inside = (/** @type {string[]} */ ...names) => path.join(directory, ...names);
  for (const name of ["mon", "mgr/x", "log", "run", "bin"]) fs.mkdirSync(inside(name), { recursive: true });
  const fsid = randomUUID();
  const port = await freePort();
  const configFile = inside("ceph.conf");
  const keyringFile = inside("keyring");
  fs.writeFileSync(configFile, configText({ root, directory, fsid, port }));
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...found, CEPH_CONF: configFile };
  for (const name of ["rbd", "ceph"]) {
    const set = ["LD_LIBRARY_PATH", "PYTHONPATH"].map((key) => `${key}='${env[key]}'`).join(" ");
    const log = `echo "${name} $*" >> '${inside("calls")}'`;
    const text = `#!/bin/sh\nunset CEPH_LIB\n${log}\n${set} exec '${path.join(root, "usr/bin", name)}' "$@"\n`;
    fs.writeFileSync(inside("bin", name), text, { mode: 0o755 });
  }

  /** @type {import("node:child_process").ChildProcess[]} */
  const running = [];
  const daemon = (/** @type {string} */ file, /** @type {string[]} */ args) => {
    const output = fs.openSync(inside("log", "daemons"), "a");
    // They end with this process, however that ends.
    const all = ["--pdeathsig", "KILL", file, "--foreground", ...args];
    const child = spawn("setpriv", all, { env, stdio: ["ignore", output, output] });
    fs.closeSync(output);
    child.once("error", () => undefined);
    running.push(child);
    return child;
  };
  const stop = async () => {
    // All that they have is removed: nothing needs to be written.
    await Promise.all(running.map((child) => end(child, "SIGKILL")));
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  /** @type {Ceph["run"]} */
  const run = (command, args, { input, seconds = 120 } = {}) => execute(command, args, { env, input, seconds });
  const tool = async (/** @type {string} */ file, /** @type {string[]} */ args) => {
    const { code, out, text } = await execute(file, args, { env });
    if (code !== 0) throw new Error(`${file} ${args.join(" ")} fails: ${text.trim()}`);
    return out;
  };
  /** @type {Ceph["must"]} */
  const must = (command, ...args) => tool(command, args);

  const osds = /** @type {Map<number, import("node:child_process").ChildProcess>} */ (new Map());
  const osdHome = (/** @type {number} */ index) => inside(`osd${index}`);
  const startOsd = (/** @type {number} */ index) => {
    const keyring = path.join(osdHome(index), "keyring");
    osds.set(index, daemon("ceph-osd", ["-i", `${index}`, "--keyring", keyring]));
  };
  const makeOsd = async (/** @type {string} */ deviceClass, /** @type {number} */ index) => {
    const [uuid, home] = [randomUUID(), osdHome(index)];
    const key = (await tool("ceph-authtool", ["--gen-print-key"])).trim();
    fs.mkdirSync(home);
    const secret = path.join(home, "secret");
    const given = { cephx_secret: key, crush_device_class: deviceClass };
    fs.writeFileSync(secret, JSON.stringify(given), { mode: 0o600 });
    await must("ceph", "osd", "new", uuid, `${index}`, "-i", secret);
    const keyring = path.join(home, "keyring");
    await tool("ceph-authtool", ["--create-keyring", keyring, "--name", `osd.${index}`, "--add-key", key]);
    await tool("ceph-osd", ["-i", `${index}`, "--mkfs", "--osd-uuid", uuid, "--keyring", keyring]);
    startOsd(index);
  };
  const usableOsds = async () => {
    const { code, out } = await run("ceph", ["osd", "stat", "--format", "json"], { seconds: 20 });
    return code === 0 ? JSON.parse(out).num_up_osds : 0;
  };
  /** @type {Ceph["switchOsd"]} */
  const switchOsd = async (index, isOn) => {
    const before = await usableOsds();
    const child = osds.get(index);
    if (isOn) startOsd(index);
    else if (child) {
      await end(child, "SIGKILL");
      // The others would find it out by themselves, after 20 s.
      await must("ceph", "osd", "down", `${index}`);
    }
    await until(
      `OSD ${index} is ${isOn ? "up" : "down"}`,
      async () => (await usableOsds()) === before + (isOn ? 1 : -1),
    );
  };

  try {
    const all = ["--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mds", "allow *"];
    await tool("ceph-authtool", [
      "--create-keyring",
      keyringFile,
      "--gen-key",
      "-n",
      "mon.",
      "--cap",
      "mon",
      "allow *",
    ]);
    await tool("ceph-authtool", [keyringFile, "--gen-key", "-n", "client.admin", ...all, "--cap", "mgr", "allow *"]);
    await tool("ceph-authtool", [keyringFile, "--gen-key", "-n", "mgr.x", ...all]);
    const address = `[v1:127.0.0.1:${port}]`;
    await tool("monmaptool", ["--create", "--fsid", fsid, "--addv", "a", address, inside("monmap")]);
    await tool("ceph-mon", ["--mkfs", "-i", "a", "--monmap", inside("monmap"), "--keyring", keyringFile]);
    daemon("ceph-mon", ["-i", "a"]);
    await until("the monitor answers", async () => (await run("ceph", ["status"], { seconds: 20 })).code === 0);
    daemon("ceph-mgr", ["-i", "x"]);
    await Promise.all(classes.map(makeOsd));
    await until("the OSDs are up", async () => (await usableOsds()) === classes.length);
    for (const { name, copies, deviceClass } of made) {
      await must("ceph", "osd", "crush", "rule", "create-replicated", name, "default", "osd", deviceClass);
      await must("ceph", "osd", "pool", "create", name, "8", "8", "replicated", name, "--size", `${copies}`);
      await must("rbd", "pool", "init", name);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const commands = inside("bin");
  /** @type {Ceph["open"]} */
  const open = (args, output = "ignore") => {
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "rbd", ...args], {
      env,
      stdio: ["ignore", output, "ignore"],
    });
    running.push(child);
    return { stdout: child.stdout, end: (signal) => end(child, signal) };
  };
  /** @type {Ceph["decrypted"]} */
  const decrypted = async (spec, passphrase, write = "") => {
    const out = await tool("/usr/bin/python3", ["-c", DECRYPTED, ...spec.split("/"), passphrase, write]);
    return JSON.parse(out);
  };
  const calls = () => {
    const file = inside("calls");
    const lines = fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim().split("\n") : [];
    fs.rmSync(file, { force: true });
    return lines.filter((line) => line !== "");
  };
  return { directory, commands, configFile, keyringFile, run, must, open, decrypted, calls, switchOsd, stop };
}

/** @param {{ root: string, directory: string, fsid: string, port: number }} where */
function configText({ root, directory, fsid, port }) {
  const lib = path.join(root, "usr/lib/x86_64-linux-gnu");
  return `[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${port}
mon initial members = a
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = ${directory}/keyring
run dir = ${directory}/run
admin socket = ${directory}/run/$name.$pid.asok
log file = ${directory}/log/$name.log
pid file =
plugin dir = ${lib}/ceph
erasure code dir = ${lib}/ceph/erasure-code
osd class dir = ${lib}/rados-classes
ms bind ipv6 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd crush chooseleaf type = 0
osd pool default size = 2
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
mon allow pool size one = true
mon data avail warn = 2
mon data avail crit = 1
[mon]
mon data = ${directory}/mon/$id
mon allow pool delete = true
auth allow insecure global id reclaim = false
[mgr]
mgr data = ${directory}/mgr/$id
mgr module path = ${root}/usr/share/ceph/mgr
[osd]
osd data = ${directory}/osd$id
osd objectstore = bluestore
bluestore block create = true
bluestore block size = 4294967296
bluestore block wal create = false
bluestore block db create = false
bluestore fsck on mount = false
bluestore cache autotune = false
bluestore cache size = 67108864
osd memory target = 939524096
[client]
admin socket =
log file =
`;
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {{ env: NodeJS.ProcessEnv, input?: Buffer | undefined, seconds?: number }} options
 * @returns {Promise<Ran>}
 */
function execute(file, args, { env, input, seconds = 120 }) {
  return new Promise((done) => {
    const child = execFile(file, args, { env, timeout: limitMs(seconds), maxBuffer: 64 << 20 }, (error, out, err) => {
      const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
      done({ code, out, text: out + err + (typeof error?.code === "string" ? error.message : "") });
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill(signal);
  await ended;
}

if (require.main === module) {
  labCommand("test/labs/ceph/lab.js", {
    probe: () => probe((line) => console.error(line)),
    async start() {
      const { directory, commands, configFile, must, stop } = await startCeph();
      console.log(await must("ceph", "status"));
      console.log(`A cluster in ${directory}. Ctrl-C ends it.`);
      console.log(`  export PATH=${commands}:$PATH CEPH_CONF=${configFile}`);
      await new Promise((done) => process.once("SIGINT", done).once("SIGTERM", done));
      await stop();
    },
  });
}
