#!/usr/bin/env node
// A Docker engine of one's own for tests, benches and people: dockerd with all that it has in a temporary folder, without a network,
// and with one image, "busybox". It ends with all its containers, mounts and files.
//
//   node test/labs/docker/lab.js           starts one and says how to reach it; Ctrl-C ends it
//   node test/labs/docker/lab.js --probe   tries whether this machine can have one, and says why not
// @ts-check
"use strict";

const { execFile, spawn, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { setTimeout: sleep } = require("node:timers/promises");
const { limitMs, until } = require("../../../tools/test/time.js");
const { labCommand, lastLine, probeOf } = require("../probe.js");
const { Unavailable, dockerPrograms } = require("./programs.js");

/**
 * @typedef {object} Ran
 * @property {number} code
 * @property {string} text standard output and standard error
 * @property {string} out standard output
 */

/**
 * @typedef {object} Docker
 * @property {string} host for DOCKER_HOST
 * @property {string} client the program
 * @property {string} image
 * @property {string} directory all that it has
 * @property {number} pid dockerd's
 * @property {(args: string[], options?: { seconds?: number, input?: string }) => Promise<Ran>} docker the client, which has 200 s by
 *   default (Docker itself waits 120 s for a plugin); never throws
 * @property {(signal?: NodeJS.Signals) => Promise<void>} kill ends dockerd, and leaves all that it has
 * @property {() => Promise<void>} start again
 * @property {() => Promise<void>} stop ends it, and removes all that it has
 */

/** The programs that the image has, all of them busybox. */
const APPLETS = [
  "sh",
  "cat",
  "dd",
  "df",
  "echo",
  "ls",
  "md5sum",
  "mount",
  "rm",
  "sleep",
  "stat",
  "sync",
  "touch",
  "true",
];

/** Why this machine can't have a Docker engine; nothing where it can. The first time that takes some seconds, for one is started. */
const dockerReason = probeOf(__filename, "no Docker engine could be started");

/**
 * @param {object} [options]
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<Docker>}
 * @throws {Unavailable}
 */
async function startDocker({ log } = {}) {
  const programs = await dockerPrograms(log ? { log } : {});
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "sp-docker-")));
  const host = `unix://${path.join(directory, "docker.sock")}`;
  const env = { ...process.env, ...programs.env, DOCKER_HOST: host, DOCKER_CONFIG: path.join(directory, "config") };
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let daemon;

  /** @type {Docker["docker"]} */
  const docker = (args, { seconds = 200, input } = {}) =>
    new Promise((done) => {
      const options = { env, timeout: limitMs(seconds), maxBuffer: 64 << 20 };
      const child = execFile(programs.docker, args, options, (error, out, stderr) => {
        const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
        done({ code, text: out + stderr, out });
      });
      child.stdin?.end(input ?? "");
    });
  const must = async (/** @type {string[]} */ args) => {
    const { code, text } = await docker(args);
    if (code !== 0) throw new Unavailable(`docker ${args[0]} fails here: ${lastLine(text)}`);
  };

  const start = async () => {
    const logFile = path.join(directory, "dockerd.log");
    const output = fs.openSync(logFile, "a");
    const args = ["--data-root", path.join(directory, "data"), "--exec-root", path.join(directory, "exec")];
    args.push("-H", host, "-p", path.join(directory, "dockerd.pid"), "--storage-driver=overlay2");
    args.push("--iptables=false", "--ip6tables=false", "--bridge=none");
    const child = spawn(programs.dockerd, args, { env, stdio: ["ignore", output, output], detached: true });
    fs.closeSync(output);
    daemon = child;
    let isOver = false;
    child.once("error", () => (isOver = true));
    child.once("exit", () => (isOver = true));
    const answers = async () => isOver || (await docker(["version"], { seconds: 10 })).code === 0;
    const lastWords = () => lastLine(fs.readFileSync(logFile, "utf8"));
    await until("dockerd answers", answers, { everyMs: 100 }).catch((error) => {
      throw new Unavailable(`dockerd doesn't start here: ${error.message}: ${lastWords()}`);
    });
    if (isOver) throw new Unavailable(`dockerd doesn't start here: ${lastWords()}`);
  };
  const kill = async (/** @type {NodeJS.Signals} */ signal = "SIGKILL") => {
    const child = daemon;
    daemon = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    const late = signal === "SIGKILL" ? undefined : setTimeout(() => child.kill("SIGKILL"), limitMs(30));
    await ended;
    clearTimeout(late);
    // containerd died with it. Where nobody collects the dead, its process id would count as alive.
    fs.rmSync(path.join(directory, "exec/containerd/containerd.pid"), { force: true });
  };
  const stop = async () => {
    if (daemon) {
      const { out } = await docker(["ps", "--all", "--quiet"], { seconds: 20 });
      const containers = out.split("\n").filter(Boolean);
      if (containers.length > 0) await docker(["rm", "--force", ...containers]);
    }
    await kill("SIGTERM");
    await endChildren(directory);
    unmountBelow(directory);
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };

  try {
    await start();
    await makeImage(directory, programs.busybox, must);
    await must(["run", "--rm", "--network", "none", "busybox", "true"]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...{ host, client: programs.docker, image: "busybox", directory, docker, kill, start, stop },
    get pid() {
      return daemon?.pid ?? 0;
    },
  };
}

/**
 * @param {string} directory
 * @param {string} busybox
 * @param {(args: string[]) => Promise<void>} must
 */
async function makeImage(directory, busybox, must) {
  const image = path.join(directory, "image");
  fs.mkdirSync(path.join(image, "bin"), { recursive: true });
  fs.copyFileSync(busybox, path.join(image, "bin/busybox"));
  for (const applet of APPLETS) fs.symlinkSync("busybox", path.join(image, "bin", applet));
  const tar = path.join(directory, "image.tar");
  const made = spawnSync("tar", ["-C", image, "-cf", tar, "."], { encoding: "utf8" });
  if (made.status !== 0) throw new Unavailable(`no image can be made: ${made.error?.message ?? made.stderr}`);
  await must(["import", tar, "busybox"]);
}

/**
 * What dockerd started, and what these started: containerd, the shims of containers, and the containers' own processes. All of it ends
 * with dockerd, unless that was killed.
 *
 * @param {string} directory what containerd and shims have on their command lines
 */
async function endChildren(directory) {
  for (let attempt = 0; attempt < 50; attempt++) {
    const left = processes().filter(({ command }) => command.includes(`${directory}/`) && /containerd/.test(command));
    if (left.length === 0) return;
    if (attempt > 20) for (const { pid } of left) [...childrenOf(pid), pid].forEach(kill);
    await sleep(100);
  }
}

function processes() {
  const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  return pids.map((pid) => ({ pid: Number(pid), command: readIfThere(`/proc/${pid}/cmdline`) }));
}

/**
 * @param {number} pid
 * @returns {number[]}
 */
function childrenOf(pid) {
  const children = readIfThere(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [...childrenOf(child), child]);
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return ""; // the process ended
  }
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended
  }
}

/** @param {string} directory */
function unmountBelow(directory) {
  const mounts = fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const paths = mounts.map((line) => line.split(" ")[4] ?? "").filter((each) => each.startsWith(`${directory}/`));
  for (const each of paths.reverse()) spawnSync("umount", [each]);
}

module.exports = { childrenOf, dockerReason, startDocker };

if (require.main === module) {
  labCommand("test/labs/docker/lab.js", {
    probe: async () => (await startDocker()).stop(),
    async start() {
      const docker = await startDocker();
      console.log(`A Docker engine answers. It has one image, busybox, and no network.\n`);
      console.log(`export DOCKER_HOST=${docker.host} PATH=${path.dirname(docker.client)}:$PATH`);
      console.log(`docker run --rm --network none busybox echo hello`);
      await new Promise((done) => ["SIGINT", "SIGTERM", "SIGHUP"].forEach((signal) => process.once(signal, done)));
      await docker.stop();
    },
  });
}
