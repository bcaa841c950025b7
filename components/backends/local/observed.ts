// What is there of a volume of mode "loop": its image, its device, its mount. Each answer is refused (an error that says what
// to do) where something stands in the way that isn't as we made it.
import { promises as fs, type Stats } from "node:fs";
import * as path from "node:path";

import { LocalVolumeError } from "../../host/errors";
import { ifThere, lstatIfThere, namesIn } from "../../host/files";
import { readSuperblock } from "../../host/filesystem";
import { type LoopDevice, loopDevicesOf } from "./loop-device";
import { isWithin, type Mount, readMounts } from "../../host/mountinfo";
import { listed, type VolumePaths } from "./paths";

/**
 * The image of a volume, once it is sure to be the one that we made, whole. Problems: `data-gone`, `data-foreign`,
 * `foreign-files`.
 */
export async function checkedImage(
  paths: VolumePaths,
  uid: string,
): Promise<{ sizeBytes: number; fileSystemBytes: number }> {
  const stats = await lstatIfThere(paths.image);
  if (stats === undefined) throw await imageGone(paths);
  if (!stats.isFile()) throw notAFile(paths.image, stats);
  const superblock = await readSuperblock(paths.image);
  if (superblock?.uuid !== uid) {
    const found = superblock === undefined ? "no ext4 file system" : `the file system ${superblock.uuid}`;
    throw dataForeign(paths, `contains ${found} instead of ${uid}, which storage-profiles created`);
  }
  if (superblock.sizeBytes > stats.size) {
    throw dataForeign(paths, `has ${stats.size} bytes, but its file system ${superblock.sizeBytes}: it is truncated`);
  }
  return { sizeBytes: stats.size, fileSystemBytes: superblock.sizeBytes };
}

/** The device that the volume's image is attached to; undefined when none is. Problems: `data-gone`, `attached-otherwise`. */
export async function attachedDevice(
  paths: VolumePaths,
  find: (file: string) => Promise<LoopDevice[]> = loopDevicesOf,
): Promise<LoopDevice | undefined> {
  const devices = await find(paths.image);
  const [first] = devices;
  const replaced = devices.find((device) => device.fileDeleted);
  if (replaced !== undefined) throw await imageGone(paths);
  const mounts = await readMounts();
  const mounted = devices.filter((device) => mounts.some((mount) => mount.deviceNumber === device.number));
  if (mounted.length > 1) {
    throw attachedOtherwise(
      paths,
      `mounted by ${mounted.map((device) => device.path).join(" and ")} at once, which destroys data`,
    );
  }
  const device = mounted[0] ?? first;
  if (device?.isPlain === false) throw attachedOtherwise(paths, `attached to ${device.path} read-only or in part`);
  return device;
}

/** Whether the device is mounted where the volume's data is to be found. Problems: `foreign-mount`. */
export async function isMounted(paths: VolumePaths, device: LoopDevice | undefined): Promise<boolean> {
  const mount = await mountAt(paths);
  if (mount !== undefined && mount.deviceNumber !== device?.number) {
    throw foreignMount(paths, mount);
  }
  return mount !== undefined;
}

/** What is mounted, on top, at the volume's mount path. */
export async function mountAt(paths: VolumePaths): Promise<Mount | undefined> {
  const mountPath = await realPath(paths.mount);
  return (await readMounts()).findLast((mount) => mount.path === mountPath);
}

/** Refuses when something is mounted at or below the volume's directory, except at `ownMount`. Problems: `foreign-mount`. */
export async function refuseMountsInside(paths: VolumePaths, ownMount: string | undefined): Promise<void> {
  const directory = await realPath(paths.id);
  const own = ownMount && (await realPath(ownMount));
  const foreign = (await readMounts()).filter((mount) => isWithin(mount.path, directory) && mount.path !== own);
  if (foreign.length === 0) return;
  const places = listed(foreign.map((mount) => mount.path));
  throw new LocalVolumeError(
    "foreign-mount",
    `Something is mounted inside the volume, at ${places}. Unmount it and try again.`,
  );
}

/** Refuses when files lie under the mount path while nothing is mounted there. Problems: `foreign-files`. */
export async function refuseFilesUnderMount(paths: VolumePaths): Promise<void> {
  const names = (await namesIn(paths.mount)) ?? [];
  if (names.length === 0) return;
  throw new LocalVolumeError(
    "foreign-files",
    `${paths.mount} contains ${listed(names)}, written there while the volume wasn't mounted. Move this away and try again.`,
  );
}

/** The path as the kernel names it; for a path that doesn't exist, as it would. */
export async function realPath(file: string): Promise<string> {
  const real = await ifThere(fs.realpath(file));
  return real ?? path.join((await ifThere(fs.realpath(path.dirname(file)))) ?? path.dirname(file), path.basename(file));
}

/** The error for a mount that isn't the volume's. */
export function foreignMount(paths: VolumePaths, mount: Mount): LocalVolumeError {
  return new LocalVolumeError(
    "foreign-mount",
    `Something else (device ${mount.deviceNumber}, ${mount.type}) is mounted at ${paths.mount}. Unmount it and try again.`,
  );
}

/** The error for a volume whose data isn't where it was. */
export function dataGone(what: string, place: string, rescue = ""): LocalVolumeError {
  return new LocalVolumeError(
    "data-gone",
    `The ${what} ${place} is missing; its data can't be recovered from here. ${rescue}` +
      `Restore the ${what} from a backup, or destroy the volume and create it again.`,
  );
}

/** A removed file lives on while a device is attached to it: the last chance to save what is in it. */
async function imageGone(paths: VolumePaths): Promise<LocalVolumeError> {
  const device = (await loopDevicesOf(paths.image)).find(({ fileDeleted }) => fileDeleted);
  if (device === undefined) return dataGone("image", paths.image);
  const mounts = (await readMounts())
    .filter((mount) => mount.deviceNumber === device.number)
    .map((mount) => mount.path);
  const where = mounts.length > 0 ? `${device.path}, mounted at ${mounts.join(" and ")}` : device.path;
  const rescue =
    `Its content still exists on ${where}: copy it first. It is lost for good once that is unmounted and detached ` +
    `("umount", "losetup --detach"), which must be done before anything else. `;
  return dataGone("image", paths.image, rescue);
}

function dataForeign(paths: VolumePaths, problem: string): LocalVolumeError {
  return new LocalVolumeError(
    "data-foreign",
    `${paths.image} ${problem}. It wasn't mounted. Restore the volume's own image from a backup, or destroy the volume and create it again.`,
  );
}

function attachedOtherwise(paths: VolumePaths, how: string): LocalVolumeError {
  return new LocalVolumeError(
    "attached-otherwise",
    `${paths.image} is ${how}. storage-profiles attaches an image once, whole and writable: unmount and detach what it didn't ` +
      `attach ("umount", "losetup --detach"), and try again.`,
  );
}

function notAFile(file: string, stats: Stats): LocalVolumeError {
  return stats.isSymbolicLink()
    ? new LocalVolumeError("symlink", `${file} is a symbolic link. Replace it with the image that it points to.`)
    : new LocalVolumeError("foreign-files", `${file} isn't a file. storage-profiles didn't create it; move it away.`);
}
