// The ext4 file system in a volume's image: made, recognised, grown.
import { constants, promises as fs } from "node:fs";

import { CommandError, run } from "./command";
import { LocalVolumeError } from "./errors";
import { lstatIfThere } from "./files";
import type { VolumePaths } from "../backends/local/paths";

/** What an ext superblock says, see kernel.org/doc/html/latest/filesystems/ext4/super.html. */
export interface Superblock {
  readonly uuid: string;
  readonly sizeBytes: number;
}

/** ext4 keeps this many bytes of a label; cut, it would be a wrong name. */
const maxLabelBytes = 16;

/** The exit codes of e2fsck up to which the file system is in order, and the bit for errors that were left, see e2fsck(8). */
const maxGoodFsckExitCode = 1;
const fsckLeftErrors = 4;

/** The superblock of the ext file system in an image; undefined when there is none. */
export async function readSuperblock(image: string): Promise<Superblock | undefined> {
  const block = Buffer.alloc(1024);
  const handle = await fs.open(image, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    await handle.read(block, 0, block.length, 1024);
  } finally {
    await handle.close();
  }
  if (block.readUInt16LE(0x38) !== 0xef53) return undefined;
  const has64Bit = (block.readUInt32LE(0x60) & 0x80) !== 0;
  const blocks = block.readUInt32LE(0x4) + (has64Bit ? block.readUInt32LE(0x150) * 2 ** 32 : 0);
  const uuid = block.toString("hex", 0x68, 0x78).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { uuid, sizeBytes: blocks * (1024 << block.readUInt32LE(0x18)) };
}

/** Makes a file system in an image that has never held anything. The caller has just created the file. */
export async function makeFileSystem(image: string, uuid: string, name: string): Promise<void> {
  // Nothing was ever written to a file without blocks; some file systems count one for an empty file's own sake.
  const stats = await lstatIfThere(image);
  if (!stats?.isFile() || stats.blocks > 8 || (await readSuperblock(image)) !== undefined) {
    throw new LocalVolumeError(
      "foreign-files",
      `${image} isn't an empty file: no file system is made on it. Move it away.`,
    );
  }
  const label = Buffer.byteLength(name) <= maxLabelBytes ? ["-L", name] : [];
  // No blocks are reserved for root: the volume holds data, not a system. The image reads as zeros where it was never
  // written, so inode tables and journal needn't be zeroed: it stays small and this takes milliseconds.
  const options = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-U", uuid, ...label];
  try {
    await run("mkfs.ext4", [...options, image], 600);
  } catch (error) {
    if (!(error instanceof CommandError) || !/No space left|short write/.test(error.stderr)) throw error;
    const message = `The disk became full while the file system in ${image} was made. Free some space or choose a smaller size.`;
    throw new LocalVolumeError("disk-full", message, { cause: error });
  }
}

/** Grows the mounted file system on a device to the device's size, while it is in use. Needs CAP_SYS_RESOURCE. */
export async function growMounted(device: string): Promise<void> {
  await run("resize2fs", [device], 3600);
}

/**
 * Grows the file system on a device to the device's size while it isn't mounted. An undo file on the side makes it safe:
 * killed in the middle, resize2fs leaves what `e2fsck -p` can't always repair, but together with the undo file it can.
 */
export async function growUnmounted(device: string, paths: Pick<VolumePaths, "undo">): Promise<void> {
  await recoverGrowth(device, paths);
  await e2fsck(device, "-f");
  await run("resize2fs", ["-z", paths.undo, device], 3600);
  // From here on the undo file must not be played back: gone before anything is mounted and written.
  await fs.unlink(paths.undo);
}

/** Undoes a growth of an unmounted file system that was interrupted. Must come before the next mount. */
export async function recoverGrowth(device: string, paths: Pick<VolumePaths, "undo">): Promise<void> {
  const undo = await lstatIfThere(paths.undo);
  if (undo === undefined) return;
  try {
    if (undo.size > 0) await run("e2undo", [paths.undo, device], 3600);
  } catch (error) {
    // It refuses to play back what was interrupted before anything was written, or isn't the latest change: then the file
    // system is as it was, which the check proves.
    if (!(error instanceof CommandError) || error.exitCode === null) throw error;
  }
  await e2fsck(device, "-f");
  await fs.unlink(paths.undo);
}

/**
 * Checks a file system before it is mounted, as at a boot: at once when it is in order, in full after an error. What can be
 * repaired without losing anything is. Problems: `file-system-damaged`.
 */
export async function checkFileSystem(device: string): Promise<void> {
  try {
    await e2fsck(device);
  } catch (error) {
    // Mounted in a container it can't be checked, but mounted here as well.
    if (!(error instanceof CommandError) || !/is (in use|mounted)/.test(error.stdout)) throw error;
  }
}

/** -p: repairs only what needs no decision. */
async function e2fsck(device: string, ...options: string[]): Promise<void> {
  try {
    await run("e2fsck", [...options, "-p", device], 3600);
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode === null) throw error;
    if (error.exitCode <= maxGoodFsckExitCode) return;
    if ((error.exitCode & fsckLeftErrors) === 0) throw error;
    throw new LocalVolumeError(
      "file-system-damaged",
      `The file system on ${device} has errors that can't be repaired without a decision. ` +
        `Make a copy of its image, run "e2fsck -f ${device}", then try again. (${error.message})`,
      { cause: error },
    );
  }
}
