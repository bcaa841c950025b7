// Takes a volume away. First all that could forbid it is looked for, then what can be put back is taken down, and only then,
// noted in the record, is data removed. Nothing is removed that we didn't make.
import { promises as fs } from "node:fs";
import * as path from "node:path";

import { isSystemError, LocalVolumeError } from "../../host/errors";
import { lstatIfThere, removeTree, temporaryName } from "../../host/files";
import { clearLimitsHeld } from "./limits";
import { detachLoopDevice, allLoopDevicesOf } from "./loop-device";
import { realPath, refuseMountsInside } from "./observed";
import { isWithin, type Mount, readMounts } from "../../host/mountinfo";
import { foreignNames, listed, removeVolumeDirectory, type VolumePaths } from "./paths";
import { type VolumeRecord, writeRecord } from "./record";
import type { Steps } from "./steps";
import { unmountUnused } from "./unmount";
import { lasting, otherMounts, refuseUsed, type Sight, usersOf } from "../../host/users";

/**
 * Removes a volume and all that we made for it. Problems: `foreign-files`, `foreign-mount`, `in-use`; then nothing was
 * removed.
 */
export async function takeDown(step: Steps, paths: VolumePaths, record: VolumeRecord): Promise<void> {
  await refuseForeignFiles(paths);
  if (record.settings.mode === "loop") {
    await refuseMountsInside(paths, paths.mount);
    await step("unmounted", () => unmountUnused(paths));
    await step("limits-cleared", () => clearLimitsHeld(paths));
    await step("detached", () => detachAll(paths));
  } else {
    await refuseMountsInside(paths, undefined);
    const users = await usersOf(await realPath(paths.data));
    refuseUsed(paths.data, [...users, ...(await lasting(() => bindMountsOf(paths.data)))]);
  }
  await step("recorded", () => recordDeletion(paths, record));
  await step("data-removed", () => removeData(paths));
  await step("record-removed", () => removeFiles(paths.record, temporaryName(paths.record)));
  await step("directory-removed", () => removeVolumeDirectory(paths));
}

/** Removes what a creation or deletion left that was killed without a record. Problems: `foreign-files`. */
export async function removeLeftovers(paths: VolumePaths): Promise<void> {
  await refuseForeignFiles(paths);
  await removeFiles(temporaryName(paths.record));
  await removeVolumeDirectory(paths);
}

/** Refuses when there are files in the volume's directory that aren't ours. Problems: `foreign-files`, `symlink`. */
export async function refuseForeignFiles(paths: VolumePaths): Promise<void> {
  const names = await foreignNames(paths);
  if (names.length === 0) return;
  throw new LocalVolumeError(
    "foreign-files",
    `${paths.id} contains ${listed(names)}, which storage-profiles didn't create or can't identify. ` +
      `Nothing was removed. Move this away and try again.`,
  );
}

async function detachAll(paths: VolumePaths): Promise<void> {
  for (const device of await allLoopDevicesOf(paths.image)) await detachLoopDevice(device);
}

/** The mounts by which others, such as containers, see a directory. */
async function bindMountsOf(directory: string): Promise<Sight[]> {
  const real = await realPath(directory);
  const below = (await readMounts()).filter((mount) => mount.path === "/" || isWithin(real, mount.path));
  const mount = below.reduce<Mount | undefined>(
    (best, next) => (best && best.path.length > next.path.length ? best : next),
    undefined,
  );
  if (mount === undefined) return [];
  const root = path.join(mount.root, path.relative(mount.path, real));
  return otherMounts((other) => other.deviceNumber === mount.deviceNumber && isWithin(other.root, root), real);
}

/** The point of no return. */
async function recordDeletion(paths: VolumePaths, record: VolumeRecord): Promise<void> {
  try {
    await writeRecord(paths, { ...record, phase: "deleting" });
  } catch (error) {
    // A full disk must not stand in the way of what makes room. Killed now, the volume is deleted by the next attempt all the same.
    if (!isSystemError(error, "ENOSPC", "EDQUOT")) throw error;
  }
}

async function removeData(paths: VolumePaths): Promise<void> {
  // First what can hold foreign files, and then stops us.
  await fs.rmdir(paths.mount).catch(unlessGone);
  if ((await lstatIfThere(paths.data)) !== undefined) await removeTree(paths.data);
  await removeFiles(paths.undo, paths.newImage, paths.image, temporaryName(paths.limited), paths.limited);
}

async function removeFiles(...files: string[]): Promise<void> {
  for (const file of files) await fs.unlink(file).catch(unlessGone);
}

function unlessGone(error: unknown): void {
  if (!isSystemError(error, "ENOENT")) throw error;
}
