#!/usr/bin/env node
// A virtual machine of one's own for tests and people: Debian with systemd, cgroup v2, Docker, Node.js, the Pulumi engine and this
// package, without a network unless asked for. It is for what the machine that we are on may not have, and for what nobody would do to it. Its disk is a
// temporary file; it ends with all that it has.
//
//   node test/labs/vm/lab.js           starts one, and runs there what is typed, a line at a time
//   node test/labs/vm/lab.js --probe   tries whether this machine can have one, and says why not
// @ts-check
"use strict";

const { spawn, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { createInterface } = require("node:readline");
const { setTimeout: sleep } = require("node:timers/promises");
const { labCommand, lastLine, probeOf } = require("../probe.js");
const { Unavailable, makeDisk, makeFirst, programs } = require("./image.js");

/**
 * @typedef {object} Ran
 * @property {number} code
 * @property {string} text standard output and standard error
 * @property {string} out standard output
 */

/**
 * @typedef {object} Machine
 * @property {string} directory all that it has
 * @property {(script: string, options?: { timeoutMs?: number }) => Promise<Ran>} run a script of bash, as root. Throws only where no answer comes
 * @property {() => Promise<void>} reboot by `systemctl reboot`
 * @property {() => Promise<void>} cutPower as if it had no power any more, and starts it again
 * @property {(command: string, args?: object) => Promise<any>} qmp tells QEMU something
 * @property {() => string} console what the machine has printed
 * @property {() => Promise<void>} stop ends it, and removes all that it has
 */

/** Why this machine can't have a virtual one; nothing where it can. The first time that takes some seconds, for a kernel is started. */
const machineReason = probeOf(__filename, "no virtual machine could be started");

/** How long a kernel may take to its first program. A machine that takes longer is too slow for what follows. */
const PROBE_MS = 30_000;
const START_MS = 120_000;

const KERNEL =
  "console=ttyS0 quiet panic=-1 mitigations=off apparmor=0 selinux=0 systemd.unified_cgroup_hierarchy=1 systemd.show_status=0 net.ifnames=0";

/**
 * @param {import("./image.js").Programs} programs
 * @param {string} first
 * @param {string} append
 */
function commandOf({ qemu, kernel }, first, append) {
  // Where the processor can't, its instructions are translated: some ten times slower.
  const flags = fs.readFileSync("/proc/cpuinfo", "utf8");
  const accelerators = /^flags\s*:.* (vmx|svm)( |$)/m.test(flags) ? ["-accel", "kvm"] : [];
  return [
    ...qemu,
    ...[
      "-machine",
      "q35",
      ...accelerators,
      "-accel",
      "tcg,thread=multi",
      "-cpu",
      "max,la57=off",
      "-smp",
      "2",
      "-m",
      "2048",
    ],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-device", "virtio-rng-pci"],
    ...["-kernel", kernel, "-initrd", first, "-append", append],
  ];
}

/**
 * Whether a kernel gets to its first program here.
 *
 * @throws {Unavailable}
 */
async function probe() {
  const found = await programs(console.error, process.env);
  const directory = newDirectory();
  try {
    const command = commandOf(found, makeFirst(found, directory), `${KERNEL} probe`);
    const [file = "", ...args] = [...command, "-serial", "stdio", "-no-reboot"];
    const options = { env: found.env, timeout: PROBE_MS, killSignal: /** @type {const} */ ("SIGKILL") };
    const { stdout, stderr, error } = spawnSync(file, args, { ...options, encoding: "utf8" });
    if (stdout?.includes("The machine runs.")) return;
    const isLate = /** @type {NodeJS.ErrnoException | undefined} */ (error)?.code === "ETIMEDOUT";
    if (isLate) throw new Unavailable(`a virtual machine's kernel doesn't start within ${PROBE_MS / 1000} s here`);
    throw new Unavailable(`no virtual machine starts here: ${lastLine(`${stdout}\n${stderr}`)}`);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function newDirectory() {
  return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "sp-vm-")));
}

/**
 * @param {object} [options]
 * @param {boolean} [options.network] with an interface `eth0`, by which the address 10.0.2.2 is the machine that we are on
 * @param {(line: string) => void} [options.log]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<Machine>}
 * @throws {Unavailable}
 */
async function startMachine({ network = false, log = console.error, env = process.env } = {}) {
  const found = await programs(log, env);
  const directory = newDirectory();
  const inIt = (/** @type {string} */ name) => path.join(directory, name);
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let qemu;
  /** @type {net.Socket | undefined} */
  let port;
  /** @type {Map<string, (answer: string[]) => void>} */
  const waiting = new Map();
  let starts = 0;
  let commands = 0;
  const consoleText = () => (fs.existsSync(inIt("console")) ? fs.readFileSync(inIt("console"), "utf8") : "");

  const started = async (/** @type {number} */ before) => {
    for (const until = Date.now() + START_MS; starts === before; await sleep(50)) {
      if (qemu?.exitCode === null && Date.now() < until) continue;
      throw new Unavailable(
        `the virtual machine doesn't start: ${lastLine(`${consoleText()}\n${readOf(inIt("qemu"))}`)}`,
      );
    }
  };
  const start = async () => {
    const before = starts;
    const [file = "", ...args] = commandOf(found, inIt("first.cpio"), KERNEL);
    const output = fs.openSync(inIt("qemu"), "w");
    for (const socket of ["port", "qmp"]) fs.rmSync(inIt(socket), { force: true });
    args.push(
      ...["-drive", `file=${inIt("disk")},format=raw,if=none,id=disk,cache=writeback`],
      ...["-device", "virtio-blk-pci,drive=disk", "-chardev", `file,id=console,path=${inIt("console")},append=on`],
      ...[
        "-serial",
        "chardev:console",
        "-device",
        "virtio-serial-pci",
        "-device",
        "virtserialport,chardev=port,name=lab",
      ],
      ...["-chardev", `socket,id=port,path=${inIt("port")},server=on,wait=off`],
      ...["-qmp", `unix:${inIt("qmp")},server=on,wait=off`],
      // Places for a disk that is plugged in while the machine runs.
      ...["-device", "pcie-root-port,id=slot1,chassis=1", "-device", "virtio-scsi-pci,id=scsi"],
      ...(network ? ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="] : []),
    );
    // Killed with us: a test that is killed leaves no machine behind.
    qemu = spawn("setpriv", ["--pdeathsig", "KILL", "--", file, ...args], {
      env: found.env,
      stdio: ["ignore", output, output],
    });
    qemu.once("error", () => undefined);
    fs.closeSync(output);
    for (const until = Date.now() + 10_000; !fs.existsSync(inIt("port")) && Date.now() < until;) await sleep(20);
    port = net.connect(inIt("port"));
    port.on("error", () => undefined);
    const lines = createInterface(port);
    lines.on("error", () => undefined);
    lines.on("line", (line) => {
      const [id = "", ...answer] = line.split(" ");
      if (id === "hello") starts++;
      waiting.get(id)?.(answer);
    });
    await started(before);
  };
  const kill = async () => {
    port?.destroy();
    const child = qemu;
    qemu = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await ended;
  };

  /** @type {Machine["run"]} */
  const run = async (script, { timeoutMs = 120_000 } = {}) => {
    const id = String(++commands);
    const answered = new Promise((/** @type {(answer: string[] | undefined) => void} */ done) => {
      const late = setTimeout(done, timeoutMs, undefined);
      waiting.set(id, (answer) => {
        clearTimeout(late);
        done(answer);
      });
    });
    port?.write(`${id} ${Buffer.from(script).toString("base64")}\n`);
    const answer = await answered;
    waiting.delete(id);
    if (!answer) throw new Error(`the virtual machine doesn't answer to: ${script}\n${consoleText().slice(-2000)}`);
    const [code, out, error] = answer;
    const [outText, errorText] = [out, error].map((each) => Buffer.from(each ?? "", "base64").toString("utf8"));
    return { code: Number(code), out: outText ?? "", text: `${outText}${errorText}` };
  };

  const stop = async () => {
    await kill();
    fs.rmSync(directory, { recursive: true, force: true });
  };
  try {
    makeFirst(found, directory);
    await makeDisk(found, directory, log, env);
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    directory,
    run,
    async reboot() {
      const before = starts;
      await run("systemctl --no-block reboot");
      await started(before);
    },
    async cutPower() {
      await kill();
      await start();
    },
    qmp: (command, args) => tellQemu(inIt("qmp"), command, args),
    console: consoleText,
    stop,
  };
}

/**
 * @param {string} socket
 * @param {string} command
 * @param {object} [args]
 * @returns {Promise<any>}
 */
async function tellQemu(socket, command, args) {
  const client = net.connect(socket);
  try {
    for (const execute of ["qmp_capabilities", command]) {
      client.write(`${JSON.stringify({ execute, ...(execute === command && args ? { arguments: args } : {}) })}\n`);
    }
    let answers = 0;
    for await (const line of createInterface(client)) {
      const { return: value, error } = JSON.parse(line);
      if (error) throw new Error(`QEMU can't do ${command}: ${error.desc}`);
      if (value !== undefined && ++answers === 2) return value;
    }
    throw new Error(`QEMU ended before it answered to ${command}`);
  } finally {
    client.destroy();
  }
}

/** @param {string} file */
function readOf(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
}

module.exports = { machineReason, startMachine };

if (require.main === module) {
  labCommand("test/labs/vm/lab.js", {
    probe,
    async start() {
      const machine = await startMachine();
      console.log("The machine runs. What you type is run there by bash, a line at a time; Ctrl-D ends it.");
      for await (const line of createInterface(process.stdin)) {
        const { code, text } = await machine.run(line).catch((error) => ({ code: -1, text: `${error.message}\n` }));
        process.stdout.write(code === 0 ? text : `${text}(exit code ${code})\n`);
      }
      await machine.stop();
    },
  });
}
