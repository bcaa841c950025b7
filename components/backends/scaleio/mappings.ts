// The mapping of a volume to a host, which is where an array keeps limits.

import { nearest, type Problem } from "../../../src";
import type { AccessMode } from "../../../src/backends/scaleio";
import { type ArrayMapping, type ScaleioArray, type Sdc } from "./array";
import { carryOut } from "../../transport";
import { arrayCodes, isRefusal, isUnsettled, ScaleioError } from "./errors";
import { sameArray } from "./lifecycle";
import { problem } from "../../../src/backends/scaleio/problems";

/** What a mapping must be. */
export interface WantedMapping {
  volumeId: string;
  sdcId: string;
  /** For this host; 0 is unlimited. */
  iopsLimit: number;
  /** For this host, in KB/s of 1,024 bytes; 0 is unlimited. */
  bandwidthLimitKBps: number;
  accessMode: AccessMode;
}

/** The host that is meant, by its id, name, GUID or IP; or why it can't be said. Problems: `place-unknown`, `place-ambiguous`. */
export async function findSdc(array: ScaleioArray, text: string): Promise<{ sdc?: Sdc; problems: Problem[] }> {
  let sdcs = await array.sdcs();
  let found = sdcs.filter((each) => answersTo(each, text));
  if (found.length === 0) {
    // One that isn't there may have been registered since this run began.
    sdcs = await array.sdcs(true);
    found = sdcs.filter((each) => answersTo(each, text));
  }
  if (found.length === 1) return { sdc: found[0], problems: [] };
  const names = (each: Sdc) => each.name ?? addresses(each)[0] ?? each.id;
  if (found.length > 1) {
    const known = found.map((each) => `${each.id} (${addresses(each).join(", ") || names(each)})`);
    return { problems: [problem("place-ambiguous", "sdc", text, { what: "SDC", name: text, known })] };
  }
  const known = sdcs.map(names).sort();
  const all = sdcs
    .flatMap((each) => [each.id, each.name ?? "", each.sdcGuid ?? "", ...addresses(each)])
    .filter(Boolean);
  const params = { what: "SDC", name: text, where: "on the array", known, nearest: nearest(text, all) };
  return { problems: [problem("place-unknown", "sdc", text, params)] };
}

function answersTo(sdc: Sdc, text: string): boolean {
  const same = (other: string | null | undefined) => other?.toLowerCase() === text.toLowerCase();
  return sdc.name === text || same(sdc.id) || same(sdc.sdcGuid) || addresses(sdc).some(same);
}

function addresses({ sdcIp, sdcIps }: Sdc): string[] {
  return [...new Set([...(sdcIps ?? []), ...(sdcIp == null ? [] : [sdcIp])])];
}

/** A mapping as it is; `undefined` where it, or its volume, is gone. */
export async function readMapping(
  array: ScaleioArray,
  { volumeId, sdcId, systemId }: { volumeId: string; sdcId: string; systemId?: string | undefined },
): Promise<(WantedMapping & { systemId: string }) | undefined> {
  const known = await sameArray(array, volumeId, systemId);
  const mapping = await mappingOf(array, volumeId, sdcId);
  return mapping && { systemId: known, volumeId, ...wantedOf(mapping) };
}

/** Whether the volume of a mapping is there. */
export async function isOnArray(array: ScaleioArray, { volumeId }: { volumeId: string }): Promise<boolean> {
  return (await array.volume(volumeId)) !== undefined;
}

async function mappingOf(array: ScaleioArray, volumeId: string, sdcId: string): Promise<ArrayMapping | undefined> {
  return (await array.volume(volumeId))?.mappedSdcInfo?.find((each) => each.sdcId === sdcId);
}

function wantedOf({ sdcId, limitIops, limitBwInMbps, accessMode }: ArrayMapping): Omit<WantedMapping, "volumeId"> {
  return {
    sdcId,
    iopsLimit: limitIops,
    bandwidthLimitKBps: limitBwInMbps * 1024,
    accessMode: (accessMode ?? "ReadWrite") as AccessMode,
  };
}

/**
 * Maps a volume, with its limits. A mapping that is there already, as after a run that was interrupted, gets them too.
 * @returns `unfinished`: why it isn't what was asked for, where it is there, or may be, all the same
 * @throws {ScaleioError} `other-array`, and those of the gateway; then nothing was mapped
 */
export async function createMapping(
  array: ScaleioArray,
  wanted: WantedMapping,
  knownSystem?: string,
): Promise<{ systemId: string; unfinished?: ScaleioError }> {
  const { volumeId, sdcId, iopsLimit, bandwidthLimitKBps } = wanted;
  const systemId = await sameArray(array, volumeId, knownSystem);
  try {
    const isNew = await mapAnew(array, wanted);
    if (!isNew) await setAccessMode(array, wanted);
    // A new mapping has no limits.
    if (!isNew || iopsLimit !== 0 || bandwidthLimitKBps !== 0) await setLimits(array, wanted);
    return { systemId };
  } catch (error) {
    if (!(error instanceof ScaleioError)) throw error;
    // Not known either where it can't be asked for: then the state shall have it, or nobody would take it away again.
    const isThere = await mappingOf(array, volumeId, sdcId).then(Boolean, () => isUnsettled(error));
    if (!isThere) throw error;
    return { systemId, unfinished: error };
  }
}

// Whether it wasn't there before.
async function mapAnew(array: ScaleioArray, { volumeId, sdcId, accessMode }: WantedMapping): Promise<boolean> {
  try {
    const isDone = async () => (await mappingOf(array, volumeId, sdcId)) !== undefined;
    await carryOut(() => array.map(volumeId, sdcId, accessMode), isDone, isUnsettled);
    return true;
  } catch (error) {
    if (isRefusal(error, arrayCodes.alreadyMapped)) return false;
    throw error;
  }
}

// Both are repeated where the connection broke; what is looked for here is what was done though its answer can't be read.
async function setLimits(array: ScaleioArray, wanted: WantedMapping): Promise<void> {
  const { volumeId, sdcId, iopsLimit, bandwidthLimitKBps } = wanted;
  const isDone = async () => {
    const mapping = await readMapping(array, wanted);
    return mapping?.iopsLimit === iopsLimit && mapping.bandwidthLimitKBps === bandwidthLimitKBps;
  };
  await carryOut(() => array.setLimits(volumeId, sdcId, iopsLimit, bandwidthLimitKBps), isDone, isUnsettled);
}

async function setAccessMode(array: ScaleioArray, wanted: WantedMapping): Promise<void> {
  const { volumeId, sdcId, accessMode } = wanted;
  const isDone = async () => (await readMapping(array, wanted))?.accessMode === accessMode;
  await carryOut(() => array.setAccessMode(volumeId, sdcId, accessMode), isDone, isUnsettled);
}

/** Makes a mapping what is wanted; one that is gone is made anew. `had` is the access mode that the state knows of. */
export async function updateMapping(
  array: ScaleioArray,
  wanted: WantedMapping,
  { systemId: knownSystem, accessMode: had }: { systemId?: string | undefined; accessMode?: AccessMode | undefined },
): Promise<{ systemId: string }> {
  const systemId = await sameArray(array, wanted.volumeId, knownSystem);
  try {
    // The limits whatever they are: it costs no more than to ask for them.
    await setLimits(array, wanted);
    if (had !== wanted.accessMode) await setAccessMode(array, wanted);
  } catch (error) {
    if (!isRefusal(error, arrayCodes.notMapped)) throw error;
    const { unfinished } = await createMapping(array, wanted, knownSystem);
    if (unfinished) throw unfinished;
  }
  return { systemId };
}

/** Takes a mapping away. Gone already is as good. */
export async function removeMapping(
  array: ScaleioArray,
  { volumeId, sdcId, systemId }: { volumeId: string; sdcId: string; systemId?: string | undefined },
): Promise<void> {
  await sameArray(array, volumeId, systemId);
  try {
    const isDone = async () => (await mappingOf(array, volumeId, sdcId)) === undefined;
    await carryOut(() => array.unmap(volumeId, sdcId), isDone, isUnsettled);
  } catch (error) {
    if (!isRefusal(error, arrayCodes.notMapped, arrayCodes.volumeNotFound, arrayCodes.sdcNotFound)) throw error;
  }
}

/** Why an access mode can't be had, or `undefined`. */
export async function accessModeRefusal(array: ScaleioArray, accessMode: AccessMode): Promise<string | undefined> {
  if (accessMode === "ReadWrite" || (await array.hasAccessModes())) return undefined;
  return `mappings support access modes since version 3.0; this gateway has version ${await array.session.version()}, where all mappings are ReadWrite`;
}
