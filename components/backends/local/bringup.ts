// Brings a volume to what its record says: makes what is missing, finishes what was interrupted, attaches and mounts. The same
// for a new volume, a changed one and one that a reboot left detached.
import { constants, promises as fs } from "node:fs";
import * as path from "node:path";

import { hasCapability } from "../../host/capabilities";
import { isSystemError, LocalVolumeError } from "../../host/errors";
import { lstatIfThere, syncDirectory } from "../../host/files";
import {
  checkFileSystem,
  growMounted,
  growUnmounted,
  makeFileSystem,
  recoverGrowth,
  readSuperblock,
} from "../../host/filesystem";
import { refreshLimitsHeld } from "./limits";
import { allLoopDevicesOf, attachLoopDevice, type LoopDevice, resizeLoopDevice } from "./loop-device";
import { attachedDevice, checkedImage, dataGone, isMounted, mountAt, refuseFilesUnderMount } from "./observed";
import { mountVolume } from "../../host/mounts";
import { makeDirectory, type VolumePaths } from "./paths";
import { type VolumeRecord, writeRecord } from "./record";
import { gibibytesToBytes } from "./space";
import type { Steps } from "./steps";
import { unmountUnused } from "./unmount";

/**
 * Access to a volume's data is its owner's alone, in both modes, until that owner says otherwise: other users of the machine
 * have no business in it by default. It is set once, when the volume is made, so `chmod` and `chown` last.
 */
const dataMode = 0o700;

/** Brings the volume to what its record says; gives the device, in mode "loop", and the record as it is then: phase "ready". */
export async function bringUp(
  step: Steps,
  paths: VolumePaths,
  record: VolumeRecord,
): Promise<{ record: VolumeRecord; device: LoopDevice | undefined }> {
  const bring = record.settings.mode === "directory" ? bringUpDirectory : bringUpLoop;
  const device = await bring(step, paths, record);
  const ready: VolumeRecord = { ...record, phase: "ready" };
  await step("ready", async () => {
    if (record.phase !== "ready") await writeRecord(paths, ready);
  });
  return { record: ready, device };
}

/**
 * Unmounts a mounted volume that has to grow, where only an unmounted file system can. Gives whether it did. Problems:
 * `in-use`.
 */
export async function unmountToGrow(paths: VolumePaths): Promise<boolean> {
  if (canGrowMounted() || !(await isMounted(paths, await attachedDevice(paths, allLoopDevicesOf)))) return false;
  try {
    await unmountUnused(paths);
    return true;
  } catch (error) {
    if (!(error instanceof LocalVolumeError) || error.code !== "in-use") throw error;
    const reason = "Without CAP_SYS_RESOURCE, which this process lacks, a volume can grow only while nobody uses it. ";
    throw new LocalVolumeError("in-use", reason + error.message, { cause: error });
  }
}

/** Mode "directory": refuses when the data is gone. Problems: `data-gone`. */
export async function checkData(paths: VolumePaths): Promise<void> {
  if (!(await lstatIfThere(paths.data))?.isDirectory()) throw dataGone("data directory", paths.data);
}

/** Growing a mounted ext4 takes more than being root: a container, for one, may lack this. */
function canGrowMounted(): boolean {
  return hasCapability("CAP_SYS_RESOURCE");
}

async function bringUpDirectory(step: Steps, paths: VolumePaths, record: VolumeRecord): Promise<undefined> {
  if (record.phase === "creating") await step("data-made", () => makeDirectory(paths.data, dataMode));
  else await checkData(paths);
}

async function bringUpLoop(step: Steps, paths: VolumePaths, record: VolumeRecord): Promise<LoopDevice> {
  const isNew = record.phase === "creating";
  if (isNew && (await lstatIfThere(paths.image)) === undefined) await makeImage(step, paths, record);

  let image = await checkedImage(paths, record.uid);
  if (record.phase !== "ready" && image.sizeBytes < gibibytesToBytes(record.sizeGiB)) {
    await step("image-grown", () => setSize(paths.image, record.sizeGiB));
    image = await checkedImage(paths, record.uid);
  }
  // An undo file means that a growth was interrupted and will be undone, whatever size the file system seems to have.
  const isSmaller = image.fileSystemBytes < image.sizeBytes || (await lstatIfThere(paths.undo)) !== undefined;
  const growsFileSystem = record.phase !== "ready" && isSmaller;

  const device = await step(
    "attached",
    async () => (await attachedDevice(paths, allLoopDevicesOf)) ?? attachLoopDevice(paths.image),
  );
  if (device.sizeBytes < Math.floor(image.sizeBytes / 512) * 512)
    await step("device-grown", () => resizeLoopDevice(device));

  const growsMounted = growsFileSystem && canGrowMounted();
  if (growsFileSystem && !growsMounted) {
    await step("file-system-grown", async () => {
      await unmountToGrow(paths);
      await growUnmounted(device.path, paths);
    });
  }
  await step("mounted", async () => {
    await mountUnlessMounted(paths, device);
    if (record.phase !== "ready") await removeLostAndFound(paths);
  });
  if (growsMounted) await step("file-system-grown", () => growMounted(device.path));

  if (isNew) await step("prepared", () => fs.chmod(paths.mount, dataMode));
  else await step("limited", () => refreshLimitsHeld(paths, record));
  return device;
}

/** The image gets its name only with a complete file system in it: what has that name is never formatted. */
async function makeImage(step: Steps, paths: VolumePaths, record: VolumeRecord): Promise<void> {
  await step("image-made", async () => {
    await discardUnfinished(paths, record);
    const handle = await fs.open(paths.newImage, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    await handle.close();
    await setSize(paths.newImage, record.sizeGiB);
  });
  await step("formatted", () => makeFileSystem(paths.newImage, record.uid, record.name));
  await step("image-named", async () => {
    await fs.rename(paths.newImage, paths.image);
    await syncDirectory(paths.id);
  });
}

/** Removes an image that an interrupted creation left: empty, or with a file system of ours that was never mounted. */
async function discardUnfinished(paths: VolumePaths, record: VolumeRecord): Promise<void> {
  const stats = await lstatIfThere(paths.newImage);
  if (stats === undefined) return;
  const uuid = stats.isFile() ? (await readSuperblock(paths.newImage))?.uuid : undefined;
  if (!stats.isFile() || (uuid !== undefined && uuid !== record.uid)) {
    throw new LocalVolumeError(
      "foreign-files",
      `${paths.newImage} isn't an image that storage-profiles created. Move it away.`,
    );
  }
  await fs.unlink(paths.newImage);
}

async function setSize(image: string, sizeGiB: number): Promise<void> {
  const handle = await fs.open(image, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    await handle.truncate(gibibytesToBytes(sizeGiB));
    await handle.sync();
  } catch (error) {
    if (!isSystemError(error, "EFBIG", "EINVAL")) throw error;
    throw new LocalVolumeError(
      "invalid-request",
      `sizeGiB ${sizeGiB}: the disk of ${path.dirname(image)} can't hold a file of this size. Choose a smaller size.`,
      { cause: error },
    );
  } finally {
    await handle.close();
  }
}

async function mountUnlessMounted(paths: VolumePaths, device: LoopDevice): Promise<void> {
  await makeDirectory(paths.mount, dataMode);
  if (await isMounted(paths, device)) {
    if (!(await mountAt(paths))?.readOnly) return;
    // That was an error of the disk below, or of the file system; the check before the next mount deals with it.
    await unmountUnused(paths);
  }
  await refuseFilesUnderMount(paths);
  await recoverGrowth(device.path, paths);
  await checkFileSystem(device.path);
  await mountVolume(device.path, paths.mount);
}

/**
 * Databases refuse a directory that isn't empty, and Docker doesn't fill it from the image. mkfs makes lost+found, and so does
 * e2fsck before a growth and whenever it needs it.
 */
async function removeLostAndFound(paths: VolumePaths): Promise<void> {
  await fs.rmdir(path.join(paths.mount, "lost+found")).catch((error: unknown) => {
    if (!isSystemError(error, "ENOENT", "ENOTEMPTY")) throw error;
  });
}
