// A volume made what it is to be: of that type, of that size. Cinder is asked what is, told what shall be, waited for, and asked again:
// it answers 202 also where it then does nothing.

import { setTimeout as sleep } from "node:timers/promises";

import type { MigrationPolicy } from "../../../src/backends/openstack/settings";
import { monotonic } from "../../../src/system/monotonic";
import { defaultType, messagesOf, readVolume, type SeenVolume } from "./cinder";
import { carryOut } from "../../transport";
import { isPassing, isStatus, OpenstackError } from "./errors";
import { taken, takenBy } from "./marks";
import type { CinderSession } from "./session";

/** What a volume is to be. */
export interface Wanted {
  volumeId: string;
  /** What marks our state's volumes; one with another mark is another's by now. */
  state?: string | undefined;
  sizeGiB: number;
  /** The type; `undefined`: the one that it has; `null`: the cloud's default type. */
  volumeType: string | null | undefined;
  migrationPolicy: MigrationPolicy;
  timeoutMinutes: number;
}

/** What it has. */
export interface Has {
  sizeGiB: number;
  volumeType: string | null;
}

/** The statuses of something that ends by itself. */
const BUSY = [
  "creating",
  "downloading",
  "extending",
  "retyping",
  "attaching",
  "detaching",
  "reserved",
  "backing-up",
  "maintenance",
];
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const PROGRESS_MS = 10_000;
/** From this version on volumes are extended also while they are in use. Source: cinder/api/microversions.py. Read 2026-11-24. */
const EXTEND_IN_USE = "3.42";

/**
 * Makes a volume what it is to be. What an interrupted run began is waited for first. `tell` takes a line of progress now and then.
 * @throws {OpenstackError} when nothing is known of the volume; what fails later is returned with what the volume has.
 */
export async function converge(
  session: CinderSession,
  wanted: Wanted,
  tell: (line: string) => void,
): Promise<Has & { failure?: OpenstackError }> {
  const deadline = monotonic.now() + wanted.timeoutMinutes * 60_000;
  const watch = { deadline, tell };
  let volume = await existing(session, wanted.volumeId);
  refuseTaken(volume, wanted.state);
  try {
    volume = await settled(session, volume, "the previous change", watch);
    const type = wanted.volumeType === null ? await defaultType(session) : wanted.volumeType;
    if (type === undefined && wanted.volumeType === null && volume.volumeType !== null) {
      throw new OpenstackError(
        "not-done",
        `volume ${volume.id} can't be given the cloud's default type: Cinder reports none. Set a volumeType.`,
      );
    }
    const steps: Step[] = [];
    if (wanted.sizeGiB > volume.sizeGiB) steps.push((before) => extend(session, before, wanted.sizeGiB, watch));
    if (type !== undefined && type !== volume.volumeType) {
      steps.push((before) => retype(session, before, type, wanted.migrationPolicy, watch));
    }
    if (wanted.sizeGiB < volume.sizeGiB) {
      throw new OpenstackError(
        "not-done",
        `volume ${volume.id} can't shrink from ${volume.sizeGiB} GiB to ${wanted.sizeGiB} GiB. Set the size to ${volume.sizeGiB} GiB or more.`,
      );
    }
    volume = await inOrder(steps, volume);
    return has(volume);
  } catch (error) {
    if (!(error instanceof OpenstackError)) throw error;
    // What it is now, if Cinder tells: a step may have been done before another failed.
    const now = await readVolume(session, wanted.volumeId).catch(() => undefined);
    return { ...has(now ?? volume), failure: error };
  }
}

type Step = (volume: SeenVolume) => Promise<SeenVolume>;

// A type bounds the sizes that its volumes may have. So one of the two may only be possible after the other.
async function inOrder(steps: Step[], volume: SeenVolume): Promise<SeenVolume> {
  const [first, second] = steps;
  if (!first) return volume;
  if (!second) return first(volume);
  try {
    return await second(await first(volume));
  } catch (error) {
    if (!isStatus(error, 400)) throw error;
    const now = await second(volume).catch(() => undefined);
    if (!now) throw error;
    return first(now);
  }
}

const has = ({ sizeGiB, volumeType }: SeenVolume): Has => ({ sizeGiB, volumeType });

async function existing(session: CinderSession, id: string): Promise<SeenVolume> {
  const volume = await readVolume(session, id);
  if (volume) return volume;
  throw new OpenstackError(
    "gone",
    `volume ${id} no longer exists in Cinder. Run pulumi refresh to remove it from the state; the next up creates a new, empty one.`,
    { status: 404 },
  );
}

/** Refuses to touch a volume that another stack has imported. Problem: `other-owner`. */
export function refuseTaken(volume: SeenVolume, state: string | undefined): void {
  const owner = takenBy(volume, state);
  if (owner === undefined) return;
  const { message, fix } = taken(volume.id, owner);
  throw new OpenstackError("other-owner", `${message}. Fix: ${fix}.`);
}

interface Watch {
  /** When waiting ends. */
  deadline: number;
  tell: (line: string) => void;
}

/** The volume when nothing is under way with it any more. */
async function settled(
  session: CinderSession,
  volume: SeenVolume,
  what: string,
  { deadline, tell }: Watch,
): Promise<SeenVolume> {
  const start = monotonic.now();
  let pause = FIRST_PAUSE_MS;
  let told = start;
  let now: SeenVolume | undefined = volume;
  while (isBusy(now)) {
    if (monotonic.now() > deadline) {
      throw new OpenstackError(
        "still-running",
        `volume ${volume.id} is still "${now.status}" after the time limit (storage-profiles:openstack.changeTimeoutMinutes). ` +
          "Cinder continues; run pulumi up again later",
      );
    }
    if (monotonic.now() - told >= PROGRESS_MS) {
      told = monotonic.now();
      const migration = now.migrationStatus === undefined ? "" : `, migration "${now.migrationStatus}"`;
      tell(`${what}: status "${now.status}"${migration}, ${Math.round((told - start) / 1000)} s so far`);
    }
    await sleep(pause);
    pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
    try {
      now = await readVolume(session, volume.id);
    } catch (error) {
      // A Cinder that is away for a while goes on when it is back.
      if (!(error instanceof OpenstackError) || !isPassing(error) || monotonic.now() > deadline) throw error;
      tell(`${what}: ${error.message}; retrying until the time limit`);
      pause = LONGEST_PAUSE_MS;
      now = { ...volume, status: "maintenance" };
    }
    if (!now) return existing(session, volume.id);
  }
  return now;
}

function isBusy(volume: SeenVolume): boolean {
  return BUSY.includes(volume.status) || ["starting", "migrating", "completing"].includes(volume.migrationStatus ?? "");
}

async function extend(session: CinderSession, volume: SeenVolume, sizeGiB: number, watch: Watch): Promise<SeenVolume> {
  const what = `extending volume ${volume.id} from ${volume.sizeGiB} to ${sizeGiB} GiB`;
  const microversion = volume.status === "in-use" ? EXTEND_IN_USE : undefined;
  await carryOut(
    () => session.post(`/volumes/${volume.id}/action`, { "os-extend": { new_size: sizeGiB } }, what, microversion),
    () => isBegun(session, volume.id, (now) => now.sizeGiB === sizeGiB),
    isPassing,
  );
  const now = await settled(session, { ...volume, status: "extending" }, what, watch);
  if (now.sizeGiB === sizeGiB) return now;
  throw new OpenstackError(
    "not-done",
    `${what}: Cinder accepted the request but didn't carry it out; the volume is "${now.status}" with ${now.sizeGiB} GiB.${await reasons(session, volume.id)}`,
  );
}

// Whether Cinder is at it, or has done it. What was begun before is over by now.
async function isBegun(session: CinderSession, id: string, isDone: (volume: SeenVolume) => boolean): Promise<boolean> {
  const now = await existing(session, id);
  return isBusy(now) || isDone(now);
}

async function retype(
  session: CinderSession,
  volume: SeenVolume,
  type: string,
  migrationPolicy: MigrationPolicy,
  watch: Watch,
): Promise<SeenVolume> {
  const what = `retyping volume ${volume.id} from "${volume.volumeType ?? ""}" to "${type}"`;
  const action = { "os-retype": { new_type: type, migration_policy: migrationPolicy } };
  await carryOut(
    () => session.post(`/volumes/${volume.id}/action`, action, what),
    () => isBegun(session, volume.id, (now) => now.volumeType === type),
    isPassing,
  );
  const now = await settled(session, { ...volume, status: "retyping" }, what, watch);
  if (now.volumeType === type) return now;
  // Cinder puts the earlier status back when it is done as when it gave up, and says nothing in the volume.
  const advice =
    migrationPolicy === "never"
      ? `Most often the volume would have to move to another backend, which migrationPolicy "never" forbids: set ` +
        "`migrationPolicy: on-demand` in the profile to let Cinder copy it there."
      : "Either no backend serves that type, or the copy failed because the volume has snapshots or is in use; see the logs of " +
        "Cinder's scheduler and volume services.";
  throw new OpenstackError(
    "not-done",
    `${what}: Cinder accepted the request (202) but didn't carry it out; the volume is "${now.status}" and still of type "${now.volumeType ?? ""}". ` +
      `${advice}${await reasons(session, volume.id)}`,
  );
}

/** What Cinder tells its users about it, as the end of a sentence's paragraph; often nothing. */
export async function reasons(session: CinderSession, volumeId: string): Promise<string> {
  const [newest] = await messagesOf(session, volumeId).catch(() => []);
  return newest === undefined ? "" : ` Cinder's own message: "${newest}"`;
}
