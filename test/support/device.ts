// A loop device that stands in for the device that appears when a volume is attached to a machine.

import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A device, and what tests do to it. */
export interface TestDevice {
  /** `/dev/loopN` */
  readonly path: string;
  /** Has it appear under another name, as udev would; and go again. */
  appear(path: string): void;
  disappear(): void;
  /** Writes bytes at a place; negative from the end. */
  write(at: number, bytes: Buffer | string): void;
  /** What it holds, or its first bytes, as a checksum. */
  sum(bytes?: number): string;
  /** Makes it larger, as a backend does. */
  grow(bytes: number): void;
  dispose(): void;
}

export function testDevice(bytes: number): TestDevice {
  const home = mkdtempSync(join(tmpdir(), "sp-device-"));
  const image = join(home, "image");
  const truncate = (size: number) => {
    const file = openSync(image, "a");
    ftruncateSync(file, size);
    closeSync(file);
  };
  truncate(bytes);
  let size = bytes;
  const path = execFileSync("losetup", ["-f", "--show", image], { encoding: "utf8" }).trim();
  let name: string | undefined;
  const disappear = () => {
    if (name !== undefined) rmSync(name, { force: true });
    name = undefined;
  };
  return {
    path,
    appear(as) {
      disappear();
      // It stays: other tests may have theirs there by now.
      mkdirSync(dirname(as), { recursive: true });
      symlinkSync(path, as);
      name = as;
    },
    disappear,
    write(at, given) {
      const file = openSync(path, "r+");
      const data = Buffer.from(given as string);
      writeSync(file, data, 0, data.length, at < 0 ? size + at : at);
      closeSync(file);
    },
    sum: (bytes = size) => {
      const hash = `head -c ${bytes} ${path} | sha256sum`;
      return execFileSync("sh", ["-c", hash], { encoding: "utf8" }).split(" ")[0] ?? "";
    },
    grow(more) {
      size = more;
      truncate(more);
      execFileSync("losetup", ["--set-capacity", path]);
    },
    dispose() {
      disappear();
      const mounts = readFileSync("/proc/self/mountinfo", "utf8")
        .split("\n")
        .filter((line) => line.includes(` ${path} `));
      for (const mount of mounts) execFileSync("umount", [mount.split(" ")[4] ?? ""]);
      execFileSync("losetup", ["--detach", path]);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A volume that a backend has attached to this machine: the name that udev would give its device, and its size. */
export interface AttachedVolume {
  path: string;
  sizeGiB: number;
}

/** Stand-ins for the devices of a backend's volumes: each appears while the backend says that it is attached, and keeps its data. */
export class StandIns {
  private readonly devices = new Map<string, TestDevice & { sizeGiB: number }>();
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void> = Promise.resolve();
  private isBusy = false;
  /** No device appears meanwhile. */
  isHeldBack = false;

  constructor(attached: () => Promise<AttachedVolume[]>) {
    this.timer = setInterval(() => {
      if (this.isBusy) return;
      this.isBusy = true;
      this.looking = attached()
        .then((volumes) => this.show(volumes))
        .catch(() => undefined) // the backend is down: what is attached stays
        .finally(() => (this.isBusy = false));
    }, 50);
  }

  /** The device of a volume, by the name that it has when it is attached. */
  of(path: string, sizeGiB: number): TestDevice {
    let device = this.devices.get(path);
    if (!device) this.devices.set(path, (device = { ...testDevice(sizeGiB * 2 ** 30), sizeGiB }));
    if (device.sizeGiB < sizeGiB) {
      device.grow(sizeGiB * 2 ** 30);
      device.sizeGiB = sizeGiB;
    }
    return device;
  }

  private show(volumes: readonly AttachedVolume[]): void {
    for (const { path, sizeGiB } of volumes) {
      const device = this.of(path, sizeGiB);
      if (!existsSync(path) && !this.isHeldBack) device.appear(path);
    }
    for (const [path, device] of this.devices) {
      if (!volumes.some((each) => each.path === path)) device.disappear();
    }
  }

  async dispose(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
    for (const device of [...this.devices.values()].reverse()) device.dispose();
  }
}
