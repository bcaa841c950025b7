// What a machine of the lab is made of: Debian's packages, unpacked into the cache, from which come QEMU, the kernel, and the machine's
// own files; Docker; Node.js, the Pulumi engine and what this package depends on as the machine that we are on has them. Nothing of that
// machine is shared: the disk has copies.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { ensureEngine } = require("../../../tools/engine/ensure.js");
const { cacheDirectory } = require("../../../tools/shared.js");
const { limitMs } = require("../../../tools/test/time.js");
const { Unavailable, unpackPackages } = require("../debian.js");
const { unpackedDocker } = require("../docker/programs.js");

module.exports = { Unavailable, makeDisk, makeFirst, packageArchive, programs };

const root = path.resolve(__dirname, "../../..");
const guest = path.join(__dirname, "guest");

/** The kernel for clouds: its modules are few, and those of a virtual machine. */
const PACKAGES = [
  ...["qemu-system-x86", "linux-image-cloud-amd64"],
  ...[
    "systemd",
    "systemd-sysv",
    "udev",
    "dbus",
    "mount",
    "util-linux",
    "e2fsprogs",
    "procps",
    "coreutils",
    "findutils",
  ],
  ...["bash", "grep", "sed", "tar"],
  // What Node.js and scripts want.
  ...["libstdc++6", "libatomic1", "busybox-static"],
];

/** Loaded before the disk is seen, and so there whatever the machine is given later. */
const MODULES = [
  "virtio_pci",
  "virtio_blk",
  "virtio_console",
  "virtio_rng",
  "virtio_scsi",
  "virtio_net",
  "sd_mod",
  "loop",
  "overlay",
].concat("autofs4");

/** What a machine can do without, and which is most of the packages. */
const LEFT_OUT = [
  ...["boot", "etc/init.d", "lib/modules", "usr/lib/x86_64-linux-gnu/qemu", "usr/lib/x86_64-linux-gnu/perl"],
  ...["doc", "man", "locale", "info", "i18n", "perl", "iso-codes", "qemu", "xml"].map((each) => `usr/share/${each}`),
  ...["usr/bin/qemu-system-x86_64", "usr/bin/qemu-system-i386", "lib/udev/hwdb.d", "usr/lib/x86_64-linux-gnu/gconv"],
];

/** Services that a test has no use for, and that would wait for what isn't there. */
const MASKED = [
  ...["systemd-networkd", "systemd-resolved", "systemd-timesyncd", "systemd-firstboot", "systemd-logind"].map(
    (each) => `${each}.service`,
  ),
  ...["getty.target", "systemd-pcrphase.service", "systemd-update-utmp.service", "e2scrub_reap.service"],
];

/** Groups that udev's rules name. */
const GROUPS = [
  "tty",
  "disk",
  "kmem",
  "dialout",
  "audio",
  "video",
  "render",
  "kvm",
  "input",
  "sgx",
  "lp",
  "tape",
].concat(["cdrom", "floppy", "utmp", "systemd-journal", "docker", "messagebus"]);

/**
 * @typedef {object} Programs
 * @property {string} packages the root below which Debian's packages lie
 * @property {string[]} qemu the command of QEMU, up to what is for the machine to say
 * @property {NodeJS.ProcessEnv} env its environment
 * @property {string} kernel
 */

/**
 * @param {(line: string) => void} log
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Programs>}
 * @throws {Unavailable}
 */
async function programs(log, env) {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Unavailable("a virtual machine of our own needs Linux on x86-64");
  }
  if (process.geteuid?.() !== 0)
    throw new Unavailable("a virtual machine of our own needs root, who its files belong to");
  const wanted = { what: "a virtual machine", size: "100 MB", packages: PACKAGES, isWhole: true };
  const packages = await unpackPackages(wanted, path.join(cacheDirectory(env), "vm"), log, env);
  const libraries = ["lib", "usr/lib"].map((each) => path.join(packages, each, "x86_64-linux-gnu"));
  // By the loader that belongs to its libraries: nothing of this machine's own is mixed in.
  const loader = path.join(packages, "lib64/ld-linux-x86-64.so.2");
  const qemu = [loader, "--library-path", libraries.join(":"), path.join(packages, "usr/bin/qemu-system-x86_64")];
  for (const each of ["qemu", "seabios"]) qemu.push("-L", path.join(packages, "usr/share", each));
  const kernel = fs.readdirSync(path.join(packages, "boot")).find((name) => name.startsWith("vmlinuz-"));
  if (!kernel) throw new Unavailable("the packages of a virtual machine have no kernel");
  const modules = { QEMU_MODULE_DIR: path.join(packages, "usr/lib/x86_64-linux-gnu/qemu") };
  return { packages, qemu, env: { ...env, ...modules }, kernel: path.join(packages, "boot", kernel) };
}

/**
 * Makes what the kernel starts first: a file system in memory, with modules and a small init.
 *
 * @param {Programs} programs
 * @param {string} directory for it, and for what it is made of
 * @returns {string} the file
 */
function makeFirst({ packages }, directory) {
  const files = path.join(directory, "first");
  fs.mkdirSync(path.join(files, "modules"), { recursive: true });
  fs.copyFileSync(path.join(packages, "bin/busybox"), path.join(files, "busybox"));
  fs.copyFileSync(path.join(guest, "init"), path.join(files, "init"));
  fs.chmodSync(path.join(files, "init"), 0o755);
  modulesInOrder(path.join(packages, "lib/modules")).forEach((module, index) => {
    const name = `${String(index).padStart(2, "0")}-${path.basename(module)}`;
    fs.copyFileSync(module, path.join(files, "modules", name));
  });
  const names = /** @type {string[]} */ (fs.readdirSync(files, { recursive: true }));
  const { stdout } = run(path.join(packages, "bin/busybox"), ["cpio", "-o", "-H", "newc"], files, names.join("\n"));
  const file = path.join(directory, "first.cpio");
  fs.writeFileSync(file, stdout);
  fs.rmSync(files, { recursive: true });
  return file;
}

/**
 * The modules and those that they need, in the order in which they can be loaded.
 *
 * @param {string} directory
 */
function modulesInOrder(directory) {
  const files = /** @type {string[]} */ (fs.readdirSync(directory, { recursive: true }));
  const nameOf = (/** @type {string} */ file) => path.basename(file, ".ko").replaceAll("-", "_");
  const places = new Map(files.filter((file) => file.endsWith(".ko")).map((file) => [nameOf(file), file]));
  /** @type {Set<string>} */
  const order = new Set();
  const add = (/** @type {string} */ name) => {
    const place = places.get(name);
    if (place === undefined) return; // it is part of the kernel
    const file = path.join(directory, place);
    if (order.has(file)) return;
    const needed = /\0depends=([^\0]*)\0/.exec(fs.readFileSync(file, "latin1"))?.[1] ?? "";
    for (const each of needed.split(",").filter(Boolean)) add(each.replaceAll("-", "_"));
    order.add(file);
  };
  MODULES.forEach(add);
  return [...order];
}

/**
 * Makes the machine's disk.
 *
 * @param {Programs} programs
 * @param {string} directory for it, and for what it is made of
 * @param {(line: string) => void} log
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>} the file
 */
async function makeDisk({ packages }, directory, log, env) {
  const docker = await unpackedDocker(log, env);
  const files = path.join(directory, "files");
  fs.mkdirSync(files);
  for (const each of [packages, docker]) merge(each, files);
  for (const each of ["bin", "sbin", "lib", "lib64"]) fs.symlinkSync(`usr/${each}`, path.join(files, each));
  configure(files);
  copyNode(files);
  copyFiles(dependencies(), path.join(files, "opt/storage-profiles"));
  const engine = await ensureEngine({ log, env });
  const from = path.dirname(fs.realpathSync(engine.pulumi));
  fs.mkdirSync(path.join(files, "opt/engine"));
  for (const name of fs.readdirSync(from)) {
    if (!/^(pulumi|pulumi-language-nodejs|pulumi-resource-pulumi-nodejs|package\.json)$/.test(name)) continue;
    fs.cpSync(path.join(from, name), path.join(files, "opt/engine", name), { dereference: true });
  }
  const disk = path.join(directory, "disk.new");
  run("mke2fs", ["-q", "-t", "ext4", "-d", files, disk, "16G"], directory);
  fs.rmSync(files, { recursive: true });
  return disk;
}

/**
 * Copies a root to another in which /bin and the like are links to below /usr, as on every machine by now; packages have both places.
 *
 * @param {string} from
 * @param {string} to
 */
function merge(from, to) {
  const isLeftOut = (/** @type {string} */ file) => LEFT_OUT.includes(path.relative(from, file));
  for (const name of fs.readdirSync(from)) {
    const isBelowUsr = ["bin", "sbin", "lib", "lib64"].includes(name);
    const target = path.join(to, isBelowUsr ? "usr" : "", name);
    fs.cpSync(path.join(from, name), target, {
      ...{ recursive: true, verbatimSymlinks: true, force: true },
      filter: (file) => !isLeftOut(file),
    });
  }
}

/**
 * What the packages' own scripts would do where they are installed.
 *
 * @param {string} files
 */
function configure(files) {
  const write = (/** @type {string} */ file, /** @type {string} */ text) => {
    fs.mkdirSync(path.dirname(path.join(files, file)), { recursive: true });
    fs.writeFileSync(path.join(files, file), text);
  };
  const link = (/** @type {string} */ file, /** @type {string} */ target) => {
    const place = path.join(files, file);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.rmSync(place, { recursive: true, force: true });
    fs.symlinkSync(target, place);
  };
  const groups = GROUPS.map((name, index) => `${name}:x:${100 + index}:\n`).join("");
  write("etc/group", `root:x:0:\nnogroup:x:65534:\n${groups}`);
  const nobody = "nobody:x:65534:65534::/:/bin/false\nmessagebus:x:100:100::/:/bin/false\n";
  write("etc/passwd", `root:x:0:0:root:/root:/bin/bash\n${nobody}`);
  write("etc/hostname", "lab\n");
  // Without one, systemd takes each start for the machine's first.
  write("etc/machine-id", "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e\n");
  write("etc/default/docker", 'DOCKER_OPTS="--iptables=false --ip6tables=false --bridge=none"\n');
  write("opt/lab/agent.sh", fs.readFileSync(path.join(guest, "agent.sh"), "utf8"));
  const units = "etc/systemd/system";
  write(`${units}/lab.service`, fs.readFileSync(path.join(guest, "lab.service"), "utf8"));
  link(`${units}/multi-user.target.wants/lab.service`, "../lab.service");
  link(`${units}/default.target`, "/lib/systemd/system/multi-user.target");
  for (const unit of MASKED) link(`${units}/${unit}`, "/dev/null");
  link("var/run", "/run");
  link("usr/bin/sh", "bash");
  link("usr/bin/awk", "mawk");
}

/**
 * Node.js as it runs here, with those of its libraries that the machine hasn't got.
 *
 * @param {string} files
 */
function copyNode(files) {
  fs.copyFileSync(process.execPath, path.join(files, "usr/bin/node"));
  const { stdout } = spawnSync("ldd", [process.execPath], { encoding: "utf8" });
  for (const [, library = ""] of (stdout ?? "").matchAll(/ => (\/\S+)/g)) {
    const place = path.join(files, "usr/lib/x86_64-linux-gnu", path.basename(library));
    if (!fs.existsSync(place)) fs.copyFileSync(library, place);
  }
}

/**
 * Makes an archive of this package as `npm install` would place it in a project, without what it depends on: that is on the disk.
 *
 * @param {string} directory for it
 * @returns {string} the file
 */
function packageArchive(directory) {
  const file = path.join(directory, "package.tar");
  run("tar", ["-cf", file, "package.json", "dist", "docs/config.schema.json", "tools/test/lazy-sdk.js"], root);
  return file;
}

/**
 * @param {string[]} files relative to the root
 * @param {string} to
 */
function copyFiles(files, to) {
  for (const file of files) fs.cpSync(path.join(root, file), path.join(to, file), { recursive: true });
}

/** The folders of what the package and its service need to run, and of its peer. */
function dependencies() {
  /** @type {Set<string>} */
  const found = new Set();
  const add = (/** @type {string} */ from, /** @type {string} */ name) => {
    const places = [from, ...[...from.matchAll(/\/node_modules\//g)].map(({ index }) => from.slice(0, index)), root];
    const place = places.map((each) => path.join(each, "node_modules", name)).find((each) => fs.existsSync(each));
    if (place === undefined || found.has(place)) return;
    found.add(place);
    addAll(place);
  };
  const addAll = (/** @type {string} */ from) => {
    const manifest = JSON.parse(fs.readFileSync(path.join(from, "package.json"), "utf8"));
    const names = { ...manifest.dependencies, ...manifest.optionalDependencies };
    for (const name of Object.keys(names)) add(from, name);
  };
  addAll(root);
  addAll(path.join(root, "packages/service"));
  add(root, "@pulumi/pulumi");
  return [...found].map((each) => path.relative(root, each));
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {string} cwd
 * @param {string} [input]
 */
function run(file, args, cwd, input) {
  const { status, error, stdout, stderr } = spawnSync(file, args, {
    cwd,
    input,
    maxBuffer: 256 << 20,
    timeout: limitMs(120),
  });
  if (error) throw new Unavailable(`there is no ${file} to make a virtual machine's disk with (${error.message})`);
  if (status !== 0) throw new Unavailable(`${path.basename(file)} failed: ${stderr.toString().trim()}`);
  return { stdout };
}
