// Whether the disk below can keep what the volumes on it were promised. Images are sparse: they take space as they fill.
import { promises as fs, type StatsFs } from "node:fs";
import * as path from "node:path";

import { LocalVolumeError } from "../../host/errors";
import { ifThere, lstatIfThere } from "../../host/files";
import { type VolumePaths, volumeIds, volumePaths } from "./paths";
import { readRecord } from "./record";

/** So much must be free whatever is promised: for records, and so that a full disk doesn't break a file system half-way. */
const alwaysFreeBytes = 16 * 1024 ** 2;

export function gibibytesToBytes(gibibytes: number): number {
  return gibibytes * 1024 ** 3;
}

/**
 * Refuses when `neededBytes` more can't be had: what is free, minus what all volumes' images may still grow. The volume's own
 * image counts with `ownBytes`, the size that it has now. Problems: `disk-full`, with the numbers.
 */
export async function checkSpace(
  paths: VolumePaths,
  neededBytes: number,
  ownBytes: number,
  overcommit: boolean,
): Promise<void> {
  const { bavail, bsize } = await statfsNearest(paths.stateDirectory);
  const freeBytes = bavail * bsize;
  if (freeBytes < alwaysFreeBytes) {
    throw new LocalVolumeError(
      "disk-full",
      `The disk of ${paths.stateDirectory} has ${inGiB(freeBytes)} free; at least ${inGiB(alwaysFreeBytes)} must stay free. Free some space.`,
    );
  }
  if (overcommit) return;
  const promised = await promisedBytes(paths, ownBytes);
  const leftBytes = Math.max(0, freeBytes - promised.bytes - alwaysFreeBytes);
  if (neededBytes <= leftBytes) return;
  const promise =
    promised.volumes > 0
      ? `, of which ${inGiB(promised.bytes)} are promised to ${promised.volumes} volume(s) here`
      : "";
  throw new LocalVolumeError(
    "disk-full",
    `Volume ${paths.name} needs ${inGiB(neededBytes)} more on the disk of ${paths.stateDirectory}, which has ${inGiB(freeBytes)} free` +
      `${promise}; ${inGiB(alwaysFreeBytes)} are kept free. At most ${inGiB(leftBytes, Math.floor)} are available. ` +
      `Free some space, reduce the size, or set overcommit: true in the profile's local settings.`,
  );
}

/** Of the directory, or of the first one above it that exists: the disk that it would be on. */
async function statfsNearest(directory: string): Promise<StatsFs> {
  return (await ifThere(fs.statfs(directory))) ?? statfsNearest(path.dirname(directory));
}

/** How much the images of all volumes may still grow, and how many of them can. */
async function promisedBytes(paths: VolumePaths, ownBytes: number): Promise<{ bytes: number; volumes: number }> {
  const ids = await volumeIds(paths.stateDirectory);
  const growths = await Promise.all(
    ids.map(async (id) => {
      const other = volumePaths(id);
      const image = (await lstatIfThere(other.image)) ?? (await lstatIfThere(other.newImage));
      const allocated = (image?.blocks ?? 0) * 512;
      if (id === paths.id) return ownBytes - allocated;
      // A record that can't be read doesn't take the promise away.
      const record = await readRecord(other).catch(() => undefined);
      const recorded = record?.settings.mode === "loop" ? gibibytesToBytes(record.sizeGiB) : 0;
      return Math.max(recorded, image?.size ?? 0) - allocated;
    }),
  );
  const positive = growths.filter((bytes) => bytes > 0);
  return { bytes: positive.reduce((sum, bytes) => sum + bytes, 0), volumes: positive.length };
}

/** "12.3 GiB", or in MiB where that would be 0. */
function inGiB(bytes: number, round: (value: number) => number = Math.round): string {
  return bytes < 1024 ** 3 && bytes > 0
    ? `${round(bytes / 1024 ** 2)} MiB`
    : `${round((bytes / 1024 ** 3) * 10) / 10} GiB`;
}

/** The name of the lock under which space is counted and promised, so that two volumes aren't promised the same. */
export const spaceLock = "space";
