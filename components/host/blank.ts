// Whether a device holds anything. A file system is made only on one that is proven to hold nothing: by three means, of which two don't
// know of each other. Whatever is found is told; nothing is ever formatted that isn't blank.

import { constants, promises as fs } from "node:fs";
import { basename } from "node:path";

import { CommandError, run } from "./command";

/** What a device holds. */
export type Content =
  | { is: "blank" }
  | { is: "file-system"; type: string }
  /** Anything else, in words. */
  | { is: "other"; found: string };

const MIB = 2 ** 20;

/** Looks at a whole block device, by its real path. Reads only. */
export async function contentOf(device: string): Promise<Content> {
  const probed = await probe(device);
  const signatures = await wipefs(device);
  const written = await firstWritten(device);
  const parts = await partsOf(device);
  if (parts.length > 0) return { is: "other", found: `it is in use by ${parts.join(", ")}` };
  if (probed?.usage === "filesystem" && probed.type !== undefined) return { is: "file-system", type: probed.type };
  if (probed) return { is: "other", found: probed.words };
  if (signatures.length > 0) return { is: "other", found: `signatures of ${signatures.join(", ")}` };
  if (written !== undefined) return { is: "other", found: `unknown data at byte ${written}` };
  return { is: "blank" };
}

interface Probed {
  usage: string | undefined;
  type: string | undefined;
  words: string;
}

// blkid's low-level probe: past its cache, straight from the device. Its exit code 2 is "nothing found", 8 "more than one thing".
async function probe(device: string): Promise<Probed | undefined> {
  let text;
  try {
    text = await run("blkid", ["-p", "-o", "export", device], 60);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.exitCode === 2) return undefined;
    if (error.exitCode === 8) return { usage: undefined, type: undefined, words: "signatures of several file systems" };
    throw error;
  }
  const found = new Map(text.split("\n").map((line) => [line.split("=")[0] ?? "", line.slice(line.indexOf("=") + 1)]));
  const [type, usage, table] = [found.get("TYPE"), found.get("USAGE"), found.get("PTTYPE")];
  // A device that has both is no plain file system.
  if (table !== undefined) return { usage: undefined, type, words: `a partition table (${table})` };
  if (type === undefined && usage === undefined) return undefined;
  return { usage, type, words: `${usage ?? "something"} (${type ?? "unknown"})` };
}

async function wipefs(device: string): Promise<string[]> {
  const text = await run("wipefs", ["--no-act", "--parsable", "--output", "TYPE", device], 60);
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

/** The first byte that isn't zero in the first and the last MiB, and in what of the middle file systems keep copies of themselves. */
async function firstWritten(device: string): Promise<number | undefined> {
  const handle = await fs.open(device, constants.O_RDONLY);
  try {
    const size = await sizeOf(device);
    const places = [0, size - MIB];
    // Where ext keeps its first copies, btrfs its own, and a few places besides.
    for (const middle of [64 * MIB, 128 * MIB, 32 * MIB, Math.floor(size / 2), Math.floor(size / 4)])
      places.push(middle);
    const buffer = Buffer.alloc(MIB);
    for (const place of places.map((each) => Math.max(0, each - (each % 4096)))) {
      const { bytesRead } = await handle.read(buffer, 0, MIB, place);
      const at = buffer.subarray(0, bytesRead).findIndex((byte) => byte !== 0);
      if (at >= 0) return place + at;
    }
    return undefined;
  } finally {
    await handle.close();
  }
}

/** The size of a device in bytes. */
export async function sizeOf(device: string): Promise<number> {
  return Number((await fs.readFile(`/sys/class/block/${basename(device)}/size`, "utf8")).trim()) * 512;
}

// Partitions, and what is built upon the device: LVM, RAID, encryption.
async function partsOf(device: string): Promise<string[]> {
  const name = basename(device);
  const holders = await fs.readdir(`/sys/class/block/${name}/holders`).catch(() => []);
  const entries = await fs.readdir(`/sys/class/block/${name}`).catch(() => []);
  const partitions = entries.filter((entry) => entry.startsWith(name));
  return [...partitions.map((each) => `partition ${each}`), ...holders];
}
