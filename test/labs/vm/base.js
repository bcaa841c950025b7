// The machine that every machine of the lab begins as: its disk, and its memory some seconds after the first boot, when Docker runs and has
// an image. Made once and kept in the cache, because a boot takes a minute where the processor is emulated. This package isn't part of it: it
// changes with every edit, and is copied onto each machine.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { ensureEngine } = require("../../../tools/engine/ensure.js");
const { cacheDirectory, withLock } = require("../../../tools/shared.js");
const { Unavailable, makeDisk, makeFirst, programs } = require("./image.js");
const { acceleratorOf, commandOf, machineOf } = require("./qemu.js");

module.exports = { baseMachine, copySparse };

/**
 * @typedef {object} Base
 * @property {import("./image.js").Programs} programs
 * @property {import("./qemu.js").Accelerator} accelerator
 * @property {string} first
 * @property {string} disk
 * @property {string | undefined} memory none where the machine could not be saved: then it is booted
 */

/** Docker with an image that has what tests run in containers, and as much of Node.js in memory as every test needs. */
const PREPARATION = `
  set -e
  mkdir -p /tmp/image/bin
  cp /usr/bin/busybox /tmp/image/bin
  for applet in sh cat dd df echo sleep sync true; do ln -s busybox /tmp/image/bin/$applet; done
  systemctl enable --now docker
  tar -C /tmp/image -c . | docker import - busybox
  docker run --rm --network none busybox true
  rm -r /tmp/image
  node -e 0
  sync
`;

/**
 * The base, made where it isn't there yet.
 *
 * @param {(line: string) => void} log
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Base>}
 * @throws {Unavailable} where no machine boots here
 */
async function baseMachine(log, env) {
  const found = await programs(log, env);
  const accelerator = acceleratorOf(env);
  const parent = path.join(cacheDirectory(env), "vm-base");
  const directory = path.join(parent, await keyOf(found, accelerator, env));
  const inIt = (/** @type {string} */ name) => path.join(directory, name);
  if (!fs.existsSync(inIt("disk"))) {
    const waiting = () => log("Another process boots the virtual machine for the first time; waiting for it.");
    await withLock(path.join(parent, "lock"), waiting, async () => {
      if (fs.existsSync(inIt("disk"))) return;
      log(`Booting a virtual machine for the first time (${accelerator}), once.`);
      removeUnused(parent);
      fs.mkdirSync(directory);
      try {
        await make(found, accelerator, directory, log, env);
      } catch (error) {
        fs.rmSync(directory, { recursive: true, force: true });
        throw error;
      }
    });
  }
  fs.utimesSync(directory, new Date(), new Date());
  const memory = fs.existsSync(inIt("memory")) ? inIt("memory") : undefined;
  return { programs: found, accelerator, first: inIt("first.cpio"), disk: inIt("disk"), memory };
}

/**
 * Removes those that nobody has used for a day: each takes about 2 GB.
 *
 * @param {string} parent
 */
function removeUnused(parent) {
  for (const name of fs.readdirSync(parent).filter((each) => each !== "lock")) {
    const place = path.join(parent, name);
    if (Date.now() - fs.statSync(place).mtimeMs > 86_400_000) fs.rmSync(place, { recursive: true, force: true });
  }
}

/**
 * @param {import("./image.js").Programs} found
 * @param {import("./qemu.js").Accelerator} accelerator
 * @param {string} directory
 * @param {(line: string) => void} log
 * @param {NodeJS.ProcessEnv} env
 */
async function make(found, accelerator, directory, log, env) {
  const inIt = (/** @type {string} */ name) => path.join(directory, name);
  const first = makeFirst(found, directory);
  const disk = await makeDisk(found, directory, log, env);
  const machine = machineOf(found, { accelerator, directory, disk, first });
  try {
    await machine.boot();
    const { code, text } = await machine.run(PREPARATION);
    if (code !== 0) throw new Unavailable(`the virtual machine can't be prepared: ${text.trim()}`);
    await machine.save(inIt("memory")).catch((error) => {
      log(`The virtual machine can't be saved, and is booted each time: ${error.message}`);
      fs.rmSync(inIt("memory"), { force: true });
    });
  } finally {
    await machine.kill();
  }
  for (const name of ["console", "qemu", "port", "qmp"]) fs.rmSync(inIt(name), { force: true });
  // Its last name only now: who finds it finds all of it.
  fs.renameSync(disk, inIt("disk"));
}

/**
 * What the base depends on: the programs, how they are put together, and the processor that a saved memory goes on with.
 *
 * @param {import("./image.js").Programs} found
 * @param {import("./qemu.js").Accelerator} accelerator
 * @param {NodeJS.ProcessEnv} env
 */
async function keyOf(found, accelerator, env) {
  const { pulumi } = await ensureEngine({ log: () => undefined, env });
  const root = path.resolve(__dirname, "../../..");
  const guest = path.join(__dirname, "guest");
  const texts = [
    path.join(__dirname, "image.js"),
    ...fs.readdirSync(guest).map((name) => path.join(guest, name)),
    ...[path.join(root, "package-lock.json"), path.join(path.dirname(found.packages), "complete")],
  ].map((file) => fs.readFileSync(file, "utf8"));
  const stamps = [found.kernel, found.packages, fs.realpathSync(pulumi), process.execPath].map((file) => {
    const { mtimeMs, size } = fs.statSync(file);
    return `${file} ${mtimeMs} ${size}`;
  });
  const processor = /^(?:model name|flags)\s*:.*$/gm;
  const cpu = fs.readFileSync("/proc/cpuinfo", "utf8").match(processor)?.slice(0, 2) ?? [];
  const all = [commandOf(found, accelerator, ""), PREPARATION, texts, stamps, cpu];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 16);
}

/**
 * Copies a file, without its holes.
 *
 * @param {string} from
 * @param {string} to
 */
function copySparse(from, to) {
  const { status, error, stderr } = spawnSync("cp", ["--sparse=always", "--reflink=auto", from, to], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`a virtual machine's disk can't be copied: ${error?.message ?? stderr}`);
}
