// One virtual machine as a process of QEMU: its command line, its console, the port by which commands reach the agent in it, and QMP.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const { createInterface } = require("node:readline");
const { slowness, until } = require("../../../tools/test/time.js");
const { lastLine } = require("../probe.js");
const { Unavailable } = require("./image.js");

module.exports = { acceleratorOf, commandOf, machineOf, timeFactor };

/**
 * @typedef {"kvm" | "tcg"} Accelerator `tcg`: the processor's instructions are translated, some ten times slower
 *
 * @typedef {object} Ran
 * @property {number} code
 * @property {string} text standard output and standard error
 * @property {string} out standard output
 *
 * @typedef {object} Qemu
 * @property {() => Promise<void>} boot starts QEMU, and waits until the agent answers
 * @property {(memory: string) => Promise<void>} resume starts QEMU with a saved memory, and waits until the agent answers
 * @property {(file: string) => Promise<void>} save stops the machine and writes its memory to a file
 * @property {() => Promise<void>} reboot by `systemctl reboot`
 * @property {() => Promise<void>} kill as if it had no power any more
 * @property {(script: string, options?: { seconds?: number }) => Promise<Ran>} run a script of bash, as root. Throws only where no answer
 *   comes within that time, which is 120 s on the reference machine with KVM by default
 * @property {(command: string, args?: object) => Promise<any>} qmp has QEMU do something
 * @property {() => string} console what the machine has printed
 */

/** The environment variable that decides on the accelerator: "kvm" or "tcg". */
const ACCELERATOR = "STORAGE_PROFILES_VM_ACCEL";

/** How many times longer everything may take where the processor is emulated. */
const EMULATED = 6;

const KERNEL =
  "console=ttyS0 quiet panic=-1 mitigations=off apparmor=0 selinux=0 systemd.unified_cgroup_hierarchy=1 systemd.show_status=0 net.ifnames=0";

/**
 * The accelerator on this machine. KVM needs more than its device: a hypervisor that offers it without the processor's own support (PVM)
 * takes guests with a kernel of their own kind only, and Debian's never gets to its first line.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {Accelerator}
 */
function acceleratorOf(env) {
  const given = env[ACCELERATOR];
  if (given === "kvm" || given === "tcg") return given;
  if (given) throw new Error(`${ACCELERATOR} is "${given}"; allowed: kvm, tcg`);
  if (!/^flags\s*:.* (vmx|svm)( |$)/m.test(readOf("/proc/cpuinfo"))) return "tcg";
  try {
    fs.accessSync("/dev/kvm", fs.constants.R_OK | fs.constants.W_OK);
    return "kvm";
  } catch {
    return "tcg";
  }
}

/**
 * How many times longer things may take in the machine than on this one.
 *
 * @param {Accelerator} accelerator
 */
function timeFactor(accelerator) {
  return accelerator === "kvm" ? 1 : EMULATED;
}

/**
 * @param {import("./image.js").Programs} programs
 * @param {Accelerator} accelerator
 * @param {string} first the file system that the kernel starts from
 */
function commandOf({ qemu, kernel }, accelerator, first) {
  return [
    ...qemu,
    ...["-machine", "q35", "-accel", accelerator === "kvm" ? "kvm" : "tcg,thread=multi"],
    ...["-cpu", "max,la57=off", "-smp", "2", "-m", "2048"],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-device", "virtio-rng-pci"],
    ...["-kernel", kernel, "-initrd", first, "-append", KERNEL],
    ...["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=port,name=lab"],
    // Places for what is plugged in while the machine runs: a disk, a network card, disks by SCSI.
    ...["-device", "pcie-root-port,id=slot1,chassis=1", "-device", "pcie-root-port,id=slot2,chassis=2"],
    ...["-device", "virtio-scsi-pci,id=scsi"],
  ];
}

/**
 * @param {import("./image.js").Programs} programs
 * @param {object} options
 * @param {Accelerator} options.accelerator
 * @param {string} options.directory for its sockets and its console
 * @param {string} options.disk
 * @param {string} options.first
 * @returns {Qemu}
 */
function machineOf(programs, { accelerator, directory, disk, first }) {
  const inIt = (/** @type {string} */ name) => path.join(directory, name);
  const factor = timeFactor(accelerator);
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let qemu;
  /** @type {net.Socket | undefined} */
  let port;
  /** @type {Map<string, (answer?: string[]) => void>} */
  const waiting = new Map();
  let starts = 0;
  let commands = 0;
  const consoleText = () => readOf(inIt("console"));
  const isRunning = () => qemu !== undefined && qemu.exitCode === null && qemu.signalCode === null;
  const failure = (/** @type {string} */ what) =>
    new Unavailable(`the virtual machine ${what}: ${lastLine(`${consoleText()}\n${readOf(inIt("qemu"))}`)}`);
  /** Waits for something of a machine that runs. */
  const wait = async (/** @type {string} */ what, /** @type {() => unknown} */ condition, seconds = 120) => {
    const isOver = () => Promise.resolve(condition()).then((answer) => answer || !isRunning());
    await until(() => `${what}\n${consoleText().slice(-2000)}`, isOver, { seconds: seconds * factor }).catch(
      (error) => {
        throw new Unavailable(error.message);
      },
    );
    if (!isRunning()) throw failure("ended");
  };

  /** @param {string[]} more */
  const launch = async (more) => {
    const [file = "", ...args] = commandOf(programs, accelerator, first);
    for (const socket of ["port", "qmp"]) fs.rmSync(inIt(socket), { force: true });
    args.push(
      ...["-drive", `file=${disk},format=raw,if=none,id=disk,cache=writeback`],
      ...["-device", "virtio-blk-pci,drive=disk", "-chardev", `file,id=console,path=${inIt("console")},append=on`],
      ...["-serial", "chardev:console", "-chardev", `socket,id=port,path=${inIt("port")},server=on,wait=off`],
      ...["-qmp", `unix:${inIt("qmp")},server=on,wait=off`, ...more],
    );
    const output = fs.openSync(inIt("qemu"), "w");
    // Killed with us: a test that is killed leaves no machine behind.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", file, ...args], {
      env: programs.env,
      stdio: ["ignore", output, output],
    });
    qemu = child;
    child.once("error", () => (qemu = undefined));
    fs.closeSync(output);
    await wait("QEMU opens its sockets", () => ["port", "qmp"].every((socket) => fs.existsSync(inIt(socket))));
    const socket = net.connect(inIt("port"));
    port = socket;
    socket.on("error", () => undefined);
    const lines = createInterface(socket);
    lines.on("error", () => undefined);
    lines.on("line", (line) => {
      const [id = "", ...answer] = line.split(" ");
      if (id === "hello") starts++;
      waiting.get(id)?.(answer);
    });
  };

  /** @type {Qemu["run"]} */
  const run = async (script, { seconds = 120 } = {}) => {
    const id = String(++commands);
    const answered = new Promise((/** @type {(answer: string[] | undefined) => void} */ done) => {
      const late = setTimeout(done, seconds * 1000 * factor * slowness(), undefined);
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
  /** @type {Qemu["qmp"]} */
  const qmp = (command, args) => askQemu(inIt("qmp"), command, args);
  const started = (/** @type {number} */ before) => wait("the virtual machine starts", () => starts > before);

  return {
    async boot() {
      const before = starts;
      await launch([]);
      await started(before);
    },
    async resume(memory) {
      await launch(["-incoming", `exec:cat '${memory}'`]);
      await wait("the memory is read", async () => (await qmp("query-status")).status !== "inmigrate", 60);
      await qmp("cont");
      // The agent has said hello to the machine that was saved.
      await wait("the resumed machine answers", () => run("true", { seconds: 2 }).catch(() => false), 60);
    },
    async save(file) {
      await qmp("stop");
      await qmp("migrate-set-parameters", { "max-bandwidth": 2 ** 40 });
      await qmp("migrate", { uri: `exec:cat > '${file}'` });
      const state = async () => (await qmp("query-migrate")).status;
      await wait("the memory is written", async () => !/^(setup|active|device)$/.test(await state()));
      if ((await state()) !== "completed") throw failure(`can't be saved (${await state()})`);
    },
    async reboot() {
      const before = starts;
      await run("systemctl --no-block reboot");
      await started(before);
    },
    async kill() {
      port?.destroy();
      for (const giveUp of waiting.values()) giveUp();
      const child = qemu;
      if (!child || !isRunning()) return;
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGKILL");
      await ended;
      qemu = undefined;
    },
    run,
    qmp,
    console: consoleText,
  };
}

/**
 * @param {string} socket
 * @param {string} command
 * @param {object} [args]
 * @returns {Promise<any>}
 */
async function askQemu(socket, command, args) {
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
