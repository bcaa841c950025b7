#!/usr/bin/env node
// A virtual machine of one's own for tests and people: Debian with systemd, cgroup v2, Docker, Node.js, the Pulumi engine and this
// package, without a network unless asked for. It is for what the machine that we are on may not have, and for what nobody would do to it. It
// resumes where the lab's first machine was saved (base.js); its disk is a temporary file; it ends with all that it has.
//
//   node test/labs/vm/lab.js           starts one, and runs there what is typed, a line at a time
//   node test/labs/vm/lab.js --probe   boots the first one where that wasn't done yet, and says why this machine can't have one
//
// STORAGE_PROFILES_VM_ACCEL=kvm or =tcg (emulation) overrides what the lab finds to be possible here.
// @ts-check
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { createInterface } = require("node:readline");
const { until } = require("../../../tools/test/time.js");
const { labCommand, probeOf } = require("../probe.js");
const { baseMachine, copySparse } = require("./base.js");
const { packageArchive } = require("./image.js");
const { machineOf, timeFactor } = require("./qemu.js");

/**
 * @typedef {object} Machine
 * @property {string} directory all that it has
 * @property {number} timeFactor how many times longer things may take in it than on this machine
 * @property {import("./qemu.js").Qemu["run"]} run
 * @property {() => Promise<void>} reboot by `systemctl reboot`
 * @property {() => Promise<void>} cutPower as if it had no power any more, and starts it again
 * @property {(command: string, args?: object) => Promise<any>} qmp has QEMU do something
 * @property {() => string} console what the machine has printed
 * @property {() => Promise<void>} stop ends it, and removes all that it has
 */

/** Why this machine can't have a virtual one; nothing where it can. The first time that takes some minutes, for one is booted. */
const machineReason = probeOf(__filename, "no virtual machine could be started");

/**
 * @param {object} [options]
 * @param {boolean} [options.network] with an interface `eth0`, by which the address 10.0.2.2 is the machine that we are on
 * @param {(line: string) => void} [options.log]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<Machine>}
 * @throws {import("./image.js").Unavailable}
 */
async function startMachine({ network = false, log = console.error, env = process.env } = {}) {
  const { programs, accelerator, first, disk: base, memory } = await baseMachine(log, env);
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "sp-vm-")));
  const disk = path.join(directory, "disk");
  const machine = machineOf(programs, { accelerator, directory, disk, first });
  /** After each start. */
  const connect = async () => {
    // A resumed machine's clock shows when it was saved.
    await machine.run(`date -s @${Math.round(Date.now() / 1000)}`);
    if (!network) return;
    await machine.qmp("netdev_add", { type: "user", id: "net" });
    await machine.qmp("device_add", { driver: "virtio-net-pci", netdev: "net", bus: "slot2", romfile: "" });
    await must("until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done");
  };
  const must = async (/** @type {string} */ script) => {
    const { code, text } = await machine.run(script);
    if (code !== 0) throw new Error(`exit code ${code}: ${script}\n${text}`);
  };
  const boot = async () => {
    await machine.boot();
    await connect();
  };
  /** Copies this package onto the machine, by a disk that is there meanwhile. */
  const copyPackage = async () => {
    const file = packageArchive(directory);
    const image = { driver: "file", filename: file };
    await machine.qmp("blockdev-add", { driver: "raw", "node-name": "package", "read-only": true, file: image });
    await machine.qmp("device_add", {
      driver: "scsi-hd",
      bus: "scsi.0",
      drive: "package",
      id: "package",
      serial: "package",
    });
    await must(`
      until [ -e /dev/sda ]; do sleep 0.1; done
      tar -C /opt/storage-profiles -xf /dev/sda && sync`);
    await machine.qmp("device_del", { id: "package" });
    const remove = () =>
      machine
        .qmp("blockdev-del", { "node-name": "package" })
        .then(() => true)
        .catch(() => false);
    await until("the package's disk is gone", remove, { seconds: 30 * timeFactor(accelerator) });
    await must("while [ -e /dev/sda ]; do sleep 0.1; done; udevadm settle");
    fs.rmSync(file);
  };
  const stop = async () => {
    await machine.kill();
    fs.rmSync(directory, { recursive: true, force: true });
  };

  /** @returns {Promise<boolean>} whether it goes on where it was saved */
  const resume = async () => {
    if (!memory) return false;
    try {
      await machine.resume(memory);
      return true;
    } catch (error) {
      log(`The saved virtual machine doesn't resume, and is booted: ${/** @type {Error} */ (error).message}`);
      await machine.kill();
      copySparse(base, disk);
      return false;
    }
  };
  try {
    copySparse(base, disk);
    await ((await resume()) ? connect() : boot());
    await copyPackage();
  } catch (error) {
    await stop();
    throw error;
  }
  const { run, reboot, qmp, console: consoleText } = machine;
  return {
    ...{ directory, timeFactor: timeFactor(accelerator), run, reboot, qmp, console: consoleText, stop },
    async cutPower() {
      await machine.kill();
      await boot();
    },
  };
}

/** Where the machine has what the labs' processes load first, which matters the more where the processor is emulated. */
const PRELOADED = "/opt/storage-profiles/tools/test/lazy-sdk.js";

module.exports = { PRELOADED, machineReason, startMachine };

if (require.main === module) {
  labCommand("test/labs/vm/lab.js", {
    probe: async () => void (await baseMachine(console.error, process.env)),
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
