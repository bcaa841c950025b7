// Local volumes: made, changed, checked, repaired, deleted on this machine. Read this first.
//
// A volume is the directory <stateDirectory>/volumes/<project>/<stack>/<name>, whose path is its id. In it are the record
// (record.ts) and, in mode "loop", an image with an ext4 file system, attached to a loop device and mounted at mount/; in
// mode "directory", data/. Every operation holds the volume's lock (lock.ts) and consists of named steps (steps.ts), each
// of which can be repeated: bringup.ts has those towards a usable volume, takedown.ts those towards none.
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";

import { z } from "zod";

import type { LocalSettings } from "../../../src/backends/local/settings";
import { bringUp, checkData, unmountToGrow } from "./bringup";
import { requireLoop } from "../../host/capabilities";
import { LocalVolumeError, tellingErrors } from "../../host/errors";
import { lstatIfThere } from "../../host/files";
import { type Lock, withLock } from "./lock";
import { checkedImage } from "./observed";
import {
  claimStateDirectory,
  isOurs,
  makeVolumeDirectory,
  refuseForeignStateDirectory,
  type VolumePaths,
  volumeDirectoryExists,
  volumeId,
  volumeIds,
  volumePaths,
} from "./paths";
import {
  isHeldElsewhere,
  newRecord,
  ownerSchema,
  readRecord,
  settingsSchema,
  sizeSchema,
  type VolumeRecord,
  writeRecord,
} from "./record";
import { checkSpace, gibibytesToBytes, spaceLock } from "./space";
import { type Observer, type Steps, steps } from "./steps";
import { refuseForeignFiles, removeLeftovers, takeDown } from "./takedown";
import { refuseUnsafeDirectory } from "../../host/trust";

export { inspectVolume, listVolumes, type LocalVolumeState } from "./inspect";

/** A usable volume. */
export interface LocalVolume {
  /** The absolute path of the volume's directory. */
  readonly id: string;
  /** Tells the volume from a later one with the same id. */
  readonly uid: string;
  readonly owner: string;
  /** Known to the state that made or imported the volume last, and to no other. */
  readonly holder?: string | undefined;
  readonly name: string;
  readonly sizeGiB: number;
  readonly settings: LocalSettings;
  /** Where the data is. */
  readonly mountPath: string;
  /** "/dev/loop3"; null in mode "directory". It can be another one after a reboot. */
  readonly device: string | null;
  /** "7:3"; null in mode "directory". */
  readonly deviceNumber: string | null;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

export interface CreatedVolume extends LocalVolume {
  /** The owner had this volume already; it and its data were kept. */
  readonly found: boolean;
}

export interface CreateVolumeRequest extends UpdateVolumeRequest {
  /** An absolute path, normalised. Made if it doesn't exist; otherwise it must be empty or have been made by us. */
  readonly stateDirectory: string;
  /** These three: up to 200 letters, digits, ".", "_" and "-", beginning with a letter or digit. */
  readonly project: string;
  readonly stack: string;
  readonly name: string;
}

export interface UpdateVolumeRequest {
  /** Who declares the volume: a Pulumi URN. */
  readonly owner: string;
  /** Whole GiB, at least 1. */
  readonly sizeGiB: number;
  readonly settings: LocalSettings;
}

export interface AdoptVolumeRequest {
  /** Whose it is from now on. */
  readonly owner: string;
  /** Whose it is until now, where that is another one. */
  readonly takeFrom?: string | undefined;
  readonly sizeGiB?: number;
  readonly settings?: LocalSettings;
}

export interface OperationOptions {
  /** Called after each step with its name. */
  readonly observe?: Observer;
  /** How long to wait for another operation on the volume, in milliseconds. Default: 60 000. */
  readonly waitMs?: number;
}

/** What `repairAll` did with one volume. */
export interface RepairOutcome {
  readonly id: string;
  /** Absent when the repair finished a deletion, or failed. */
  readonly volume?: LocalVolume;
  readonly error?: LocalVolumeError;
}

/**
 * Creates a volume, or finishes its interrupted creation. A volume of the same owner that is there already is kept with its
 * data and brought to this size and these settings. A creation that fails leaves nothing behind.
 * Problems: `invalid-request`, `missing-capability`, `foreign-state-directory`, `foreign-files`, `symlink`, `name-taken`,
 * `shrink`, `mode-change`, `disk-full`, and those of `updateVolume`.
 */
export async function createVolume(
  request: CreateVolumeRequest,
  options: OperationOptions = {},
): Promise<CreatedVolume> {
  const paths = volumePaths(volumeId(request.stateDirectory, request.project, request.stack, request.name));
  const wanted = checkRequest(request);
  const what = `creation of volume ${paths.id}`;
  return tellingErrors(what, async () => {
    requireMode(wanted.settings, what);
    refuseUnsafeDirectory(paths.stateDirectory);
    await claimStateDirectory(paths.stateDirectory);
    return lockedSteps(paths, "creation", options, async (step) => {
      let record = await existingRecord(paths);
      refuseTaken(paths, record, wanted.owner);
      if (record?.phase === "deleting") {
        await takeDown(step, paths, record);
        record = undefined;
      }
      if (record === undefined) return { ...(await createNew(step, paths, wanted)), found: false };
      return { ...(await bringTo(step, paths, record, wanted)), found: record.phase !== "creating" };
    });
  });
}

/**
 * Looks, without touching anything, for what would keep `createVolume` from making this volume, and throws it. It promises
 * nothing: the space can be gone, or the name taken, a moment later.
 */
export async function preflight(request: CreateVolumeRequest): Promise<void> {
  const paths = volumePaths(volumeId(request.stateDirectory, request.project, request.stack, request.name));
  const wanted = checkRequest(request);
  const what = `creation of volume ${paths.id}`;
  await tellingErrors(what, async () => {
    requireMode(wanted.settings, what);
    refuseUnsafeDirectory(paths.stateDirectory);
    await refuseForeignStateDirectory(paths.stateDirectory);
    const record = await existingRecord(paths);
    refuseTaken(paths, record, wanted.owner);
    if (record === undefined) await refuseForeignFiles(paths);
    const isThere = record !== undefined && record.phase !== "deleting";
    const bytes = isThere ? await presentBytes(paths, record) : 0;
    if (isThere) checkChange(paths, record, wanted, bytes);
    await checkGrowth(paths, wanted, bytes, !isThere);
  });
}

/**
 * Gives a volume another size or other limits, in place and in use, and repairs it on the way. When who declares it is called
 * otherwise now (a URN changes with a resource's name or parent), `previousOwner` is who did before. With `uid`, only if it is
 * still the same volume; with `holder`, only if no other state has imported it since.
 * Problems: `not-found`, `other-owner`, `another-volume`, `not-finished`, `shrink`, `mode-change`, `disk-full`, `data-gone`, `data-foreign`,
 * `attached-otherwise`, `foreign-mount`, `foreign-files`, `in-use` (growing without CAP_SYS_RESOURCE), `limits-unavailable`,
 * `file-system-damaged`.
 */
export async function updateVolume(
  id: string,
  request: UpdateVolumeRequest & {
    readonly previousOwner?: string;
    readonly uid?: string;
    readonly holder?: string | undefined;
  },
  options: OperationOptions = {},
): Promise<LocalVolume> {
  const wanted = checkRequest(request);
  return onVolume(id, "update", options, async (step, paths, record) => {
    if (request.uid !== undefined) refuseAnother(paths, record, request.uid);
    const isElsewhere = isHeldElsewhere(record, request.holder);
    if (isElsewhere || ![wanted.owner, request.previousOwner].includes(record.owner)) {
      const other = isElsewhere ? "which another Pulumi state has imported" : `not to ${wanted.owner}`;
      throw new LocalVolumeError(
        "other-owner",
        `Volume ${id} belongs to ${record.owner}, ${other}. Change it there, or import it here first.`,
      );
    }
    if (record.phase === "deleting") throw beingDeleted(paths);
    return bringTo(step, paths, record, wanted);
  });
}

/**
 * Makes a volume usable again: attaches and mounts it, as after a reboot, and finishes what was interrupted. Undefined when
 * that was a deletion. Problems: as `updateVolume`.
 */
export async function repairVolume(id: string, options: OperationOptions = {}): Promise<LocalVolume | undefined> {
  return onVolume(id, "repair", options, async (step, paths, record) => {
    if (record.phase !== "deleting") return usable(step, paths, record);
    await takeDown(step, paths, record);
    return undefined;
  });
}

/** Repairs every volume in a state directory, each by itself: one that can't be repaired doesn't stop the others. */
export async function repairAll(stateDirectory: string, options: OperationOptions = {}): Promise<RepairOutcome[]> {
  const outcomes: RepairOutcome[] = [];
  const ids = await tellingErrors(`repair of the volumes in ${stateDirectory}`, () => volumeIds(stateDirectory));
  for (const id of ids) {
    try {
      const volume = await repairVolume(id, options);
      outcomes.push({ id, ...(volume && { volume }) });
    } catch (error) {
      if (!(error instanceof LocalVolumeError)) throw error;
      outcomes.push({ id, error });
    }
  }
  return outcomes;
}

/**
 * Deletes a volume with its data, or finishes its interrupted deletion. That it isn't there is no error. With `owner`, only
 * if it still belongs to that one; with `holder`, only if no other state has imported it since. Problems: `another-volume`, `other-owner`, `foreign-files`, `foreign-mount`, `symlink`,
 * `in-use`, `record-unreadable`; then no data was removed.
 */
export async function deleteVolume(id: string, expected: Expected, options: OperationOptions = {}): Promise<void> {
  const paths = volumePaths(id);
  await tellingErrors(`deletion of volume ${id}`, async () => {
    if (!volumeDirectoryExists(paths)) return;
    await requireOurs(paths);
    await lockedSteps(paths, "deletion", options, async (step) => {
      if (!volumeDirectoryExists(paths)) return;
      const record = await readRecord(paths);
      if (record === undefined) return removeLeftovers(paths);
      checkExpected(paths, record, expected);
      requireMode(record.settings, `deletion of volume ${id}`);
      await takeDown(step, paths, record);
    });
  });
}

/**
 * Gives a finished volume to a new owner, as an import does, with another size and settings if asked for. The owner changes last: until
 * then, and when anything fails, it is the old one's, with what it had; only an image that has grown stays grown. Then the old owner can
 * neither change it nor, if it says who it is, delete it; nor can another state of its name. With `takeFrom`, only from this owner.
 * Problems: `not-finished`, `other-owner`, and those of `updateVolume`.
 */
export async function adoptVolume(
  id: string,
  request: AdoptVolumeRequest,
  options: OperationOptions = {},
): Promise<LocalVolume> {
  return onVolume(id, "adoption", options, async (step, paths, record) => {
    refuseTakeOver(paths, record, request);
    if (record.phase !== "ready") {
      const message = `Volume ${id} was interrupted in phase "${record.phase}". Repair it, then import it.`;
      throw new LocalVolumeError("not-finished", message);
    }
    const { sizeGiB = record.sizeGiB, settings = record.settings } = request;
    const { owner } = checkRequest({ owner: request.owner, sizeGiB, settings });
    try {
      const volume = await bringTo(step, paths, record, checkRequest({ owner: record.owner, sizeGiB, settings }));
      const holder = randomUUID();
      await step("adopted", async () => {
        const ready = await readRecord(paths);
        if (ready !== undefined) await writeRecord(paths, { ...ready, owner, holder });
      });
      return { ...volume, owner, holder };
    } catch (error) {
      // Another process may hold it by now.
      if (!(error instanceof LocalVolumeError && error.code === "lock-lost")) await undoAdoption(step, paths, record);
      throw error;
    }
  });
}

/** Whether somebody may take a volume over: its owner, or who names its owner. Problems: `other-owner`. */
export function refuseTakeOver(
  { id }: Pick<VolumePaths, "id">,
  record: Pick<VolumeRecord, "owner">,
  { owner, takeFrom }: Pick<AdoptVolumeRequest, "owner" | "takeFrom">,
): void {
  if (record.owner === owner || record.owner === takeFrom) return;
  const named = takeFrom === undefined ? "" : `, not to ${takeFrom}`;
  throw new LocalVolumeError(
    "other-owner",
    `Volume ${id} belongs to ${record.owner}${named}, which can neither change nor delete it after the import. ` +
      `To import it anyway, name its present owner: takeFrom: ${JSON.stringify(record.owner)}.`,
  );
}

/** The record as it was; of a volume that has grown, what can be. What fails is left to a repair. */
async function undoAdoption(step: Steps, paths: VolumePaths, before: VolumeRecord): Promise<void> {
  try {
    const record = await readRecord(paths);
    if (record === undefined || isDeepStrictEqual(record, before)) return;
    const bytes = await presentBytes(paths, before).catch(() => 0);
    const hasGrown = before.settings.mode === "loop" && bytes > gibibytesToBytes(before.sizeGiB);
    const { owner, holder, settings } = before;
    const back = hasGrown ? { ...record, owner, holder, settings } : before;
    await writeRecord(paths, back);
    await bringUp(step, paths, back);
  } catch {
    // The error that led here says more.
  }
}

/**
 * Notes that a state knows this volume: from then on no creation takes it for the rest of an interrupted one. Problems:
 * `not-found`, `another-volume`.
 */
export async function acknowledgeVolume(id: string, uid: string, options: OperationOptions = {}): Promise<void> {
  const paths = volumePaths(id);
  await tellingErrors(`acknowledgement of volume ${id}`, async () => {
    if ((await existingRecord(paths))?.acknowledged) return;
    await lockedSteps(paths, "acknowledgement", options, async () => {
      const record = await existingRecord(paths);
      if (record === undefined) throw notFound(id);
      checkExpected(paths, record, { uid });
      await writeRecord(paths, { ...record, acknowledged: true });
    });
  });
}

/** Makes a volume where there is none; when that fails, nothing is left of it. */
async function createNew(step: Steps, paths: VolumePaths, wanted: UpdateVolumeRequest): Promise<LocalVolume> {
  await removeLeftovers(paths);
  const record = newRecord({ uid: randomUUID(), name: paths.name, ...wanted });
  try {
    await step("recorded", () => promise(paths, record, 0));
    return await usable(step, paths, record);
  } catch (error) {
    // Another process may hold it by now.
    if (error instanceof LocalVolumeError && error.code === "lock-lost") throw error;
    await undoCreation(step, paths);
    throw error;
  }
}

/** What can't be undone is left as it was recorded: the next creation or deletion finishes it. */
async function undoCreation(step: Steps, paths: VolumePaths): Promise<void> {
  try {
    const record = await readRecord(paths);
    if (record !== undefined) await takeDown(step, paths, record);
    else await removeLeftovers(paths);
  } catch {
    // The error that led here says more.
  }
}

/** Brings a volume that is there to a size and settings. */
async function bringTo(
  step: Steps,
  paths: VolumePaths,
  record: VolumeRecord,
  wanted: UpdateVolumeRequest,
): Promise<LocalVolume> {
  const bytes = await presentBytes(paths, record);
  checkChange(paths, record, wanted, bytes);
  const isLoop = wanted.settings.mode === "loop";
  const grows = isLoop && bytes < gibibytesToBytes(wanted.sizeGiB);
  // Somebody may have made the image larger by hand; its file system hasn't followed yet.
  const isGrowth = grows || (isLoop && record.sizeGiB < wanted.sizeGiB);
  const phase = isGrowth && record.phase === "ready" ? "growing" : record.phase;
  const next: VolumeRecord = { ...record, ...wanted, phase };
  // All that can refuse a growth comes before the volume is touched.
  await checkGrowth(paths, wanted, bytes, false);
  const isUnmounted = isGrowth && record.phase !== "creating" && (await unmountToGrow(paths));
  try {
    await step("recorded", async () => {
      // A repair must be possible on a full disk, too.
      if (!isDeepStrictEqual(record, next)) await promise(paths, next, bytes);
    });
  } catch (error) {
    if (isUnmounted) await bringUp(step, paths, record);
    throw error;
  }
  return usable(step, paths, next);
}

/**
 * Writes the record, if the disk has what it promises. One at a time, so that no two are promised the same space; a volume that is a
 * directory is promised none.
 */
async function promise(paths: VolumePaths, record: VolumeRecord, presentBytes: number): Promise<void> {
  const write = async () => {
    const isNew = !(await lstatIfThere(paths.record));
    await checkGrowth(paths, record, presentBytes, isNew);
    if (isNew) await makeVolumeDirectory(paths);
    await writeRecord(paths, record);
  };
  if (record.settings.mode === "directory") await write();
  else await withLock(paths.stateDirectory, spaceLock, "reservation of space", write);
}

/** Refuses what the disk can't hold. A change that needs no more space is no matter of space. Problems: `disk-full`. */
async function checkGrowth(
  paths: VolumePaths,
  { sizeGiB, settings }: Pick<VolumeRecord, "sizeGiB" | "settings">,
  presentBytes: number,
  isNew: boolean,
): Promise<void> {
  const growth = settings.mode === "loop" ? gibibytesToBytes(sizeGiB) - presentBytes : 0;
  if (growth <= 0 && !isNew) return;
  await checkSpace(paths, growth, presentBytes, settings.overcommit || settings.mode === "directory");
}

/** The size that the volume has now, which is less than the recorded one while it is created or grown. */
async function presentBytes(paths: VolumePaths, record: VolumeRecord): Promise<number> {
  if (record.settings.mode === "directory") {
    if (record.phase === "creating") return 0;
    await checkData(paths);
    return gibibytesToBytes(record.sizeGiB);
  }
  if (record.phase === "creating" && (await lstatIfThere(paths.image)) === undefined) return 0;
  return (await checkedImage(paths, record.uid)).sizeBytes;
}

function checkChange(paths: VolumePaths, record: VolumeRecord, wanted: UpdateVolumeRequest, bytes: number): void {
  const from = record.settings.mode;
  const to = wanted.settings.mode;
  if (from !== to) {
    throw new LocalVolumeError(
      "mode-change",
      `Volume ${paths.id} has mode "${from}" and can't be converted to "${to}" with its data. Set storage-profiles:local.mode to ${from}, or declare a ` +
        `new volume and copy the data, or destroy this one first.`,
    );
  }
  // An image that somebody made larger by hand needn't be asked for; one that was to grow and didn't needn't either.
  const least = record.phase === "ready" ? Math.min(bytes, gibibytesToBytes(record.sizeGiB)) : bytes;
  if (gibibytesToBytes(wanted.sizeGiB) < least) {
    throw new LocalVolumeError(
      "shrink",
      `Volume ${paths.id} has ${least / gibibytesToBytes(1)} GiB and can't shrink to ${wanted.sizeGiB} GiB. ` +
        `Set the size to at least that, or declare a new volume and copy the data.`,
    );
  }
}

const requestSchema = z.object({ owner: ownerSchema, sizeGiB: sizeSchema, settings: settingsSchema });

/** What is asked for, without anything that we don't know. */
function checkRequest(request: UpdateVolumeRequest): UpdateVolumeRequest {
  const result = requestSchema.safeParse(request);
  if (result.success) return result.data;
  throw new LocalVolumeError("invalid-request", `request: ${z.prettifyError(result.error).replaceAll("\n", " ")}`);
}

/** The volume that is meant, and whose it must be. */
interface Expected {
  readonly uid: string;
  readonly owner?: string;
  readonly holder?: string | undefined;
}

function checkExpected(paths: VolumePaths, record: VolumeRecord, { uid, owner, holder }: Expected): void {
  refuseAnother(paths, record, uid);
  const isElsewhere = isHeldElsewhere(record, holder);
  if (isElsewhere || (owner !== undefined && owner !== record.owner)) {
    const other = isElsewhere ? "in another Pulumi state" : `not to ${owner}`;
    throw new LocalVolumeError(
      "other-owner",
      `Volume ${paths.id} now belongs to ${record.owner}, ${other}. It was left unchanged. Delete it there, or ` +
        `remove it from the state here: "pulumi state delete".`,
    );
  }
}

function refuseAnother(paths: VolumePaths, record: VolumeRecord, uid: string): void {
  if (record.uid === uid) return;
  throw new LocalVolumeError(
    "another-volume",
    `${paths.id} is now a different volume (${record.uid}, of ${record.owner}) than the one created there (${uid}). ` +
      `It was left unchanged. Remove yours from the state ("pulumi state delete"), and import the other one if you want it.`,
  );
}

/** The record of a volume, if there is a volume. */
async function existingRecord(paths: VolumePaths): Promise<VolumeRecord | undefined> {
  return volumeDirectoryExists(paths) ? readRecord(paths) : undefined;
}

/** Brings the volume up and says what it is. */
async function usable(step: Steps, paths: VolumePaths, wanted: VolumeRecord): Promise<LocalVolume> {
  const { record, device } = await bringUp(step, paths, wanted);
  const { uid, owner, holder, name, sizeGiB, settings, createdAt } = record;
  return {
    id: paths.id,
    uid,
    owner,
    holder,
    name,
    sizeGiB,
    settings,
    mountPath: settings.mode === "loop" ? paths.mount : paths.data,
    device: device?.path ?? null,
    deviceNumber: device?.number ?? null,
    createdAt,
  };
}

/** Runs an operation on a volume that must be there. */
async function onVolume<T>(
  id: string,
  operation: string,
  options: OperationOptions,
  action: (step: Steps, paths: VolumePaths, record: VolumeRecord) => Promise<T>,
): Promise<T> {
  const paths = volumePaths(id);
  const what = `${operation} of volume ${id}`;
  return tellingErrors(what, async () => {
    if (!volumeDirectoryExists(paths)) throw notFound(id);
    await requireOurs(paths);
    return lockedSteps(paths, operation, options, async (step) => {
      const record = await existingRecord(paths);
      if (record === undefined) throw notFound(id);
      requireMode(record.settings, what);
      return action(step, paths, record);
    });
  });
}

async function lockedSteps<T>(
  paths: VolumePaths,
  operation: string,
  options: OperationOptions,
  action: (step: Steps) => Promise<T>,
): Promise<T> {
  const run = (lock: Lock) => action(steps(lock, options.observe));
  return withLock(paths.stateDirectory, paths.id, operation, run, options.waitMs);
}

function requireMode(settings: LocalSettings, what: string): void {
  if (settings.mode === "loop") requireLoop(what);
}

async function requireOurs(paths: VolumePaths): Promise<void> {
  if (await isOurs(paths.stateDirectory)) return;
  throw new LocalVolumeError(
    "foreign-state-directory",
    `${paths.stateDirectory} wasn't created by storage-profiles: its content is left unchanged.`,
  );
}

/** A name belongs to who has a volume by it. */
function refuseTaken(paths: VolumePaths, record: VolumeRecord | undefined, owner: string): void {
  if (record === undefined) return;
  const place = `A volume already exists at ${paths.id}`;
  if (record.owner !== owner) {
    const state = record.phase === "deleting" ? " and is being deleted (complete that, or repair it, first)" : "";
    throw new LocalVolumeError(
      "name-taken",
      `${place}; it belongs to ${record.owner}${state}. If that is this resource before it was renamed or moved, give it ` +
        `\`aliases\`. Otherwise choose another name (physicalName), or import the volume with its data by this id, ` +
        `with takeFrom: ${JSON.stringify(record.owner)}.`,
    );
  }
  if (record.acknowledged && record.phase !== "deleting") {
    throw new LocalVolumeError(
      "name-taken",
      `${place}, and a Pulumi state contains it under the same name: the state of this stack, which is about to replace it, or of ` +
        `another clone or backend. It is left unchanged. To start from scratch, destroy it there first; to keep using it with its data ` +
        `because its state is lost, import it by this id; for another volume, choose another name (physicalName).`,
    );
  }
}

function notFound(id: string): LocalVolumeError {
  return new LocalVolumeError(
    "not-found",
    `Volume ${id} doesn't exist. Mount its disk, or restore its directory from a backup. If it is lost for good, ` +
      `\`pulumi refresh\` removes it from the state, and the next \`pulumi up\` creates a new, empty one.`,
  );
}

function beingDeleted(paths: VolumePaths): LocalVolumeError {
  return new LocalVolumeError(
    "not-finished",
    `The deletion of volume ${paths.id} has started and can't be undone. Delete or repair it to complete that, then create it again.`,
  );
}
