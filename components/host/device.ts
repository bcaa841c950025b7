// The device that a volume becomes on this machine once it is attached: found by its stable name, or by the serial number that the
// kernel itself tells, and waited for.

import { promises as fs } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { NodeError, type NodeVolume, type Waiting } from "./contract";
import { sizeOf } from "./blank";

/** How the device of a volume is known. */
export interface DeviceNames {
  /** Its paths as udev makes them: `/dev/disk/by-id/…`. The first that is there counts. */
  paths: readonly string[];
  /** Its serial number as the kernel has it, for machines without udev's rules. */
  serials: readonly string[];
}

const GIB = 2 ** 30;
const EVERY_MS = 100;

/** The device's real path; nothing where it isn't there. */
export async function findDevice({ paths, serials }: DeviceNames): Promise<string | undefined> {
  for (const path of paths) {
    const real = await fs.realpath(path).catch(() => undefined);
    if (real !== undefined && (await fs.stat(real)).isBlockDevice()) return real;
  }
  if (serials.length === 0) return undefined;
  for (const name of await fs.readdir("/sys/block").catch(() => [])) {
    const serial = await serialOf(name);
    if (serial !== undefined && serials.includes(serial)) return join("/dev", name);
  }
  return undefined;
}

// virtio-blk has it beside the device, NVMe and SCSI below.
async function serialOf(name: string): Promise<string | undefined> {
  for (const file of ["serial", "device/serial"]) {
    const text = await fs.readFile(join("/sys/block", name, file), "utf8").catch(() => "");
    if (text.trim() !== "") return text.trim();
  }
  const page = await fs.readFile(join("/sys/block", name, "device/vpd_pg80")).catch(() => undefined);
  const text = page?.subarray(4).toString("latin1").trim();
  return text === "" ? undefined : text;
}

/** Waits for the device until the call's time is up. A device that is too small is another one. Errors: `NodeError`. */
export async function waitForDevice(volume: NodeVolume, names: DeviceNames, waiting: Waiting): Promise<string> {
  const [path = `a device with serial number ${names.serials.join(" or ")}`] = names.paths;
  waiting.for(`${path}, the device of ${volume.volumeId}, which is attached`);
  for (;;) {
    const device = await findDevice(names);
    if (device !== undefined) {
      const size = await sizeOf(device);
      if (size >= volume.sizeGiB * GIB) return device;
      // One that grows says so a moment later.
      waiting.for(`${device} to have ${volume.sizeGiB} GiB; it has ${(size / GIB).toFixed(1)}`);
    }
    if (waiting.signal.aborted) throw new NodeError(`${path}, the device of ${volume.name}, did not appear`);
    await sleep(EVERY_MS);
  }
}

/** The device's number, as the list of mounts has it: "259:1". */
export async function numberOf(device: string): Promise<string | undefined> {
  const text = await fs.readFile(`/sys/class/block/${basename(device)}/dev`, "utf8").catch(() => undefined);
  return text?.trim();
}

/** The device with a number. */
export async function deviceOf(number: string): Promise<string> {
  return join("/dev", basename(await fs.realpath(join("/sys/dev/block", number))));
}
