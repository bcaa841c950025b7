// What is really there of a volume. Reads only, takes no lock, starts no process.
import { promises as fs } from "node:fs";

import { isSystemError, LocalVolumeError, tellingErrors } from "../../host/errors";
import { ifThere, lstatIfThere } from "../../host/files";
import { attachedDevice, checkedImage, dataGone, isMounted, mountAt } from "./observed";
import { foreignNames, listed, type VolumePaths, volumeDirectoryExists, volumeIds, volumePaths } from "./paths";
import { readRecord, type VolumeRecord } from "./record";
import { gibibytesToBytes } from "./space";

/** What is really there of a volume. */
export interface LocalVolumeState {
  readonly id: string;
  /** Null when there is none, or it can't be read; `problems` says which. */
  readonly record: VolumeRecord | null;
  /** The size of the image; in mode "directory", where none is enforced, the recorded one. Null when there is neither. */
  readonly sizeGiB: number | null;
  /** "/dev/loop3"; null when the image isn't attached, and in mode "directory". */
  readonly device: string | null;
  /** "7:3", what limits are put on; null like `device`. */
  readonly deviceNumber: string | null;
  /** Where the data is, once `mounted`. */
  readonly mountPath: string;
  /** Whether the data can be reached at `mountPath`. */
  readonly mounted: boolean;
  /** What is wrong, with what to do. Empty for a volume in order. */
  readonly problems: readonly string[];
  /** What can still be written; in mode "directory" that is what the disk below has free. */
  readonly freeBytes?: number;
  /** What is written. Not known in mode "directory". */
  readonly usedBytes?: number;
}

/**
 * What is really there of a volume; undefined when nothing at all is. Problems: `outside-state-directory`, `symlink`,
 * `permission-denied`. All else that is wrong is in the state's `problems`.
 */
export async function inspectVolume(id: string): Promise<LocalVolumeState | undefined> {
  const paths = volumePaths(id);
  return tellingErrors(`inspection of volume ${id}`, async () => {
    if (!volumeDirectoryExists(paths)) return undefined;
    const problems: string[] = [];
    const foreign = await foreignNames(paths);
    const record = await noting(problems, readRecord(paths));
    if (record === undefined && problems.length === 0) {
      if (foreign.length === 0) return undefined;
      problems.push(`The record (volume.json) is missing: the origin of this volume is unknown.`);
    }
    if (foreign.length > 0)
      problems.push(`${paths.id} contains ${listed(foreign)}, which storage-profiles didn't create.`);
    if (record !== undefined && record.phase !== "ready") {
      const way =
        record.phase === "deleting"
          ? "delete it again, or repair it, to complete the operation"
          : "repair it to complete the operation";
      problems.push(`The volume was interrupted in phase "${record.phase}": ${way}.`);
    }
    const isDirectory =
      record?.settings.mode === "directory" || (record === undefined && (await lstatIfThere(paths.data)) !== undefined);
    const found = isDirectory
      ? await directoryState(paths, record, problems)
      : await loopState(paths, record, problems);
    return { id, record: record ?? null, ...found, problems };
  });
}

/** The states of all volumes in a state directory, in the order of their ids. */
export async function listVolumes(stateDirectory: string): Promise<LocalVolumeState[]> {
  return tellingErrors(`list of the volumes in ${stateDirectory}`, async () => {
    const states: LocalVolumeState[] = [];
    for (const id of await volumeIds(stateDirectory)) {
      const state = await inspectVolume(id);
      if (state !== undefined) states.push(state);
    }
    return states;
  });
}

type Found = Omit<LocalVolumeState, "id" | "record" | "problems">;

async function directoryState(
  paths: VolumePaths,
  record: VolumeRecord | undefined,
  problems: string[],
): Promise<Found> {
  const mounted = (await lstatIfThere(paths.data))?.isDirectory() === true;
  if (!mounted && record?.phase !== "creating") problems.push(dataGone("data directory", paths.data).message);
  const space = mounted ? await spaceAt(paths.data) : undefined;
  return {
    sizeGiB: record?.sizeGiB ?? null,
    device: null,
    deviceNumber: null,
    mountPath: paths.data,
    mounted,
    ...(space && { freeBytes: space.freeBytes }),
  };
}

async function loopState(paths: VolumePaths, record: VolumeRecord | undefined, problems: string[]): Promise<Found> {
  const image = await lstatIfThere(paths.image);
  const sizeBytes = image?.isFile() ? image.size : undefined;
  const isMade = image !== undefined || record?.phase !== "creating";
  if (isMade && record !== undefined) await noting(problems, checkedImage(paths, record.uid));
  if (sizeBytes !== undefined && record?.phase === "ready" && sizeBytes !== gibibytesToBytes(record.sizeGiB)) {
    const isLarger = sizeBytes > gibibytesToBytes(record.sizeGiB);
    const way = isLarger ? `Set sizeGiB to ${Math.ceil(sizeBytes / gibibytesToBytes(1))}.` : "Update the volume.";
    problems.push(
      `The image size is ${sizeBytes / gibibytesToBytes(1)} GiB, but ${record.sizeGiB} GiB in the record. ${way}`,
    );
  }
  const before = problems.length;
  const device = await noting(problems, attachedDevice(paths));
  if (device === undefined && before === problems.length && isMade)
    problems.push("The image isn't attached to a loop device. Repair the volume.");
  const mounted = (await noting(problems, isMounted(paths, device))) === true;
  if (!mounted && before === problems.length && isMade)
    problems.push(`The volume isn't mounted at ${paths.mount}. Repair it.`);
  if (mounted && (await mountAt(paths))?.readOnly) {
    problems.push(
      `The volume is mounted read-only, as after an error of its disk or file system: see "dmesg", then repair it.`,
    );
  }
  return {
    sizeGiB: sizeBytes === undefined ? null : sizeBytes / gibibytesToBytes(1),
    device: device?.path ?? null,
    deviceNumber: device?.number ?? null,
    mountPath: paths.mount,
    mounted,
    ...(mounted && (await spaceAt(paths.mount))),
  };
}

async function spaceAt(directory: string): Promise<{ freeBytes: number; usedBytes: number } | undefined> {
  const stats = await ifThere(fs.statfs(directory));
  return stats && { freeBytes: stats.bavail * stats.bsize, usedBytes: (stats.blocks - stats.bfree) * stats.bsize };
}

/** What came out; a problem is noted instead of thrown, unless it is that we may not look. */
async function noting<T>(problems: string[], result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (isSystemError(error, "EIO")) problems.push(error.message);
    else if (error instanceof LocalVolumeError) problems.push(error.message);
    else throw error;
    return undefined;
  }
}
