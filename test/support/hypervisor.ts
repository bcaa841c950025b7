// What plugs disks into a virtual machine as Nova's hypervisor does: a volume that the server has is a disk with its id as serial number.

import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Machine } from "../labs/vm/lab.js";

/** Plugs in the volumes that a server has, one at a time, and unplugs them. What was written stays with the volume. */
export class Hypervisor {
  /** The volumes that are plugged in. */
  disks: string[] = [];
  private readonly known = new Set<string>();
  /** The volumes whose files QEMU has open. */
  private readonly nodes = new Set<string>();
  private readonly loop: Promise<void>;
  private failure: Error | undefined;
  private isOver = false;

  constructor(
    private readonly machine: Machine,
    private readonly wanted: () => string[],
    private readonly sizeGiB = 1,
  ) {
    this.loop = this.follow();
  }

  /** Makes a disk larger, as Nova has the hypervisor do it when a volume grows. */
  async resize(volume: string, sizeGiB: number): Promise<void> {
    await this.machine.qmp("block_resize", { "node-name": nodeOf(volume), size: sizeGiB * 2 ** 30 });
  }

  /** Throws what QEMU refused last, if it stayed at that. */
  async stop(): Promise<void> {
    this.isOver = true;
    await this.loop;
    for (const volume of this.known) rmSync(this.fileOf(volume), { force: true });
    if (this.failure !== undefined) throw this.failure;
  }

  private async follow(): Promise<void> {
    while (!this.isOver) {
      try {
        const wanted = this.wanted();
        for (const volume of this.disks.filter((each) => !wanted.includes(each))) await this.unplug(volume);
        for (const volume of wanted.filter((each) => !this.disks.includes(each))) await this.plug(volume);
        this.failure = undefined;
      } catch (error) {
        this.failure = error as Error; // it is tried again
      }
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  private async plug(volume: string): Promise<void> {
    const file = this.fileOf(volume);
    if (!this.known.has(volume)) {
      writeFileSync(file, "");
      truncateSync(file, this.sizeGiB * 2 ** 30);
      this.known.add(volume);
    }
    const node = nodeOf(volume);
    if (!this.nodes.has(volume)) {
      const image = { driver: "file", filename: file };
      await this.machine.qmp("blockdev-add", { driver: "raw", "node-name": node, file: image });
      this.nodes.add(volume);
    }
    const disk = { driver: "virtio-blk-pci", bus: "slot1", drive: node, id: diskOf(volume), serial: volume };
    await this.machine.qmp("device_add", disk);
    this.disks = [...this.disks, volume];
  }

  private async unplug(volume: string): Promise<void> {
    // The machine lets go of it in its own time; until then its file can't be taken away.
    await this.machine.qmp("device_del", { id: diskOf(volume) });
    for (;;) {
      const isTaken = await this.machine.qmp("blockdev-del", { "node-name": nodeOf(volume) }).then(
        () => true,
        () => false,
      );
      if (isTaken || this.isOver) break;
      await new Promise((done) => setTimeout(done, 100));
    }
    this.nodes.delete(volume);
    this.disks = this.disks.filter((each) => each !== volume);
  }

  private fileOf(volume: string): string {
    return join(this.machine.directory, `volume-${volume}`);
  }
}

// QEMU's names of nodes have at most 31 characters.
function nodeOf(volume: string): string {
  return `n${volume.slice(0, 20)}`;
}

function diskOf(volume: string): string {
  return `disk-${volume}`;
}
