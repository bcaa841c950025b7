// Loop devices: which are attached to an image, attaching one, giving it the image's new size, detaching it.
import { promises as fs } from "node:fs";
import * as path from "node:path";

import { monotonic } from "../../../src/system/monotonic";
import { CommandError, run } from "../../host/command";
import { isSystemError, LocalVolumeError } from "../../host/errors";
import { ifThere, namesIn, readIfThere, sleep } from "../../host/files";

/** A loop device that is attached to a file. */
export interface LoopDevice {
  /** "/dev/loop3" */
  readonly path: string;
  /** "7:3": major and minor number. */
  readonly number: string;
  readonly sizeBytes: number;
  /** The real path of the file below. */
  readonly file: string;
  /** The file was removed or replaced; its content lives as long as the device is attached. */
  readonly fileDeleted: boolean;
  /** Attached as `attachLoopDevice` does it: writable, from the first byte to the last. */
  readonly isPlain: boolean;
}

const deletedSuffix = " (deleted)";
const attachAttempts = 10;

/** The devices attached to this file, also when the file has been removed since. Starts no process. */
export async function loopDevicesOf(file: string): Promise<LoopDevice[]> {
  const realFile = await realPathOf(file);
  const devices = await Promise.all(
    (await loopNames()).map(async (name) => {
      const below = await fileBelow(name);
      return below?.file === realFile ? readDevice(name) : undefined;
    }),
  );
  return devices.filter((device) => device !== undefined);
}

/** Whether any file is attached to the device with this number. */
export async function isLoopNumberInUse(number: string): Promise<boolean> {
  const names = await loopNames();
  const inUse = await Promise.all(names.map(async (name) => (await readDevice(name))?.number === number));
  return inUse.includes(true);
}

/**
 * As `loopDevicesOf`, but also those attached by another path: in another container, or through a bind mount. Asks losetup,
 * which knows the file itself.
 */
export async function allLoopDevicesOf(file: string): Promise<LoopDevice[]> {
  const found = await loopDevicesOf(file);
  if ((await ifThere(fs.lstat(file))) === undefined) return found;
  const output = await run(
    "losetup",
    ["--list", "--noheadings", "--raw", "--output", "NAME", "--associated", file],
    30,
  );
  const known = found.map((device) => device.path);
  const others = output.split("\n").filter((name) => name !== "" && !known.includes(name));
  const devices = await Promise.all(others.map((name) => readDevice(path.basename(name))));
  return [...found, ...devices.filter((device) => device !== undefined)];
}

/** Attaches a device to a file that none is attached to. */
export async function attachLoopDevice(file: string): Promise<LoopDevice> {
  let failure: unknown = new LocalVolumeError(
    "io-failed",
    `losetup attached no device to ${file}, without an error message.`,
  );
  for (let attempt = 1; attempt <= attachAttempts; attempt++) {
    try {
      // Direct I/O keeps the data from being cached twice; where the disk below can't, the kernel and losetup do without.
      await run("losetup", ["--find", "--nooverlap", "--direct-io=on", file], 30);
    } catch (error) {
      // Somebody else was faster with the same free device, or the disk can't do direct I/O (the device is then attached).
      if (!(error instanceof CommandError)) throw error;
      failure = error;
    }
    const [device] = await allLoopDevicesOf(file);
    if (device !== undefined) {
      await waitForNode(device);
      return device;
    }
    await sleep(20 * attempt);
  }
  throw failure;
}

/** Tells the device that its file has grown. */
export async function resizeLoopDevice(device: LoopDevice): Promise<void> {
  await run("losetup", ["--set-capacity", device.path], 30);
}

/** Detaches the device from its file. Problems: `in-use` when something has the device open. */
export async function detachLoopDevice(device: LoopDevice): Promise<void> {
  await run("losetup", ["--detach", device.path], 30);
  // The kernel says yes at once, and does it when the last one closes the device: udev may be looking at it.
  const deadline = monotonic.now() + 5_000;
  const name = path.basename(device.path);
  while ((await fileBelow(name))?.file === device.file) {
    if (monotonic.now() > deadline) {
      throw new LocalVolumeError(
        "in-use",
        `${device.path} is still open somewhere (see "lsof ${device.path}" and "grep ${device.number} /proc/*/mountinfo"). ` +
          `Stop that and try again.`,
      );
    }
    await sleep(20);
  }
}

async function loopNames(): Promise<string[]> {
  return ((await namesIn("/sys/block")) ?? []).filter((name) => name.startsWith("loop"));
}

/** The file that a device is attached to; undefined when there is none. */
async function fileBelow(name: string): Promise<{ file: string; fileDeleted: boolean } | undefined> {
  const file = await attribute(name, "loop/backing_file");
  if (file === undefined || file === "") return undefined;
  const fileDeleted = file.endsWith(deletedSuffix);
  return { file: fileDeleted ? file.slice(0, -deletedSuffix.length) : file, fileDeleted };
}

async function readDevice(name: string): Promise<LoopDevice | undefined> {
  const below = await fileBelow(name);
  const [number, sectors, readOnly, offset, sizeLimit] = await Promise.all(
    ["dev", "size", "ro", "loop/offset", "loop/sizelimit"].map((file) => attribute(name, file)),
  );
  if (below === undefined || number === undefined || sizeLimit === undefined) return undefined;
  const isPlain = [readOnly, offset, sizeLimit].every((value) => value === "0");
  return { path: `/dev/${name}`, number, sizeBytes: Number(sectors) * 512, ...below, isPlain };
}

/** What the kernel says about a device; undefined when it doesn't, because nothing is attached or is just being detached. */
async function attribute(name: string, file: string): Promise<string | undefined> {
  try {
    return (await readIfThere(`/sys/block/${name}/${file}`))?.replace(/\n$/, "");
  } catch (error) {
    if (isSystemError(error, "ENODEV", "ENXIO")) return undefined;
    throw error;
  }
}

/** The kernel names files by their real path; ours may be gone, but not the directory it was in. */
async function realPathOf(file: string): Promise<string> {
  const directory = await ifThere(fs.realpath(path.dirname(file)));
  return path.join(directory ?? path.dirname(file), path.basename(file));
}

async function waitForNode(device: LoopDevice): Promise<void> {
  for (let waited = 0; (await ifThere(fs.stat(device.path))) === undefined; waited += 20) {
    if (waited >= 5_000) {
      await detachLoopDevice(device);
      throw new LocalVolumeError(
        "missing-capability",
        `The kernel attached ${device.path}, but that file doesn't exist here: /dev isn't up to date (in a container, ` +
          `mount the host's /dev).`,
      );
    }
    await sleep(20);
  }
}
