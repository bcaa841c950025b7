// The mapping of a volume to a host, which is where an array keeps limits.

import { nearest, problem, type AccessMode, type Problem } from "../../src";
import { type ArrayMapping, type ScaleioArray, type Sdc } from "./array";
import { arrayCodes, isRefusal, ScaleioError } from "./errors";
import { sameArray } from "./volumes";

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
 * @returns `unlimited`: why it has no limits, where the volume was mapped and the limits then failed
 * @throws {ScaleioError} `other-array`, and those of the gateway; then nothing was mapped
 */
export async function createMapping(
  array: ScaleioArray,
  wanted: WantedMapping,
  knownSystem?: string,
): Promise<{ systemId: string; unlimited?: ScaleioError }> {
  const { volumeId, sdcId, iopsLimit, bandwidthLimitKBps, accessMode } = wanted;
  const systemId = await sameArray(array, volumeId, knownSystem);
  try {
    await array.map(volumeId, sdcId, accessMode);
  } catch (error) {
    if (!isRefusal(error, arrayCodes.alreadyMapped)) throw error;
    await array.setAccessMode(volumeId, sdcId, accessMode);
    await array.setLimits(volumeId, sdcId, iopsLimit, bandwidthLimitKBps);
    return { systemId };
  }
  // A new mapping has no limits.
  if (iopsLimit === 0 && bandwidthLimitKBps === 0) return { systemId };
  try {
    await array.setLimits(volumeId, sdcId, iopsLimit, bandwidthLimitKBps);
  } catch (error) {
    if (!(error instanceof ScaleioError)) throw error;
    return { systemId, unlimited: error };
  }
  return { systemId };
}

/** Makes a mapping what is wanted; one that is gone is made anew. `had` is the access mode that the state knows of. */
export async function updateMapping(
  array: ScaleioArray,
  wanted: WantedMapping,
  { systemId: knownSystem, accessMode: had }: { systemId?: string | undefined; accessMode?: AccessMode | undefined },
): Promise<{ systemId: string }> {
  const { volumeId, sdcId, iopsLimit, bandwidthLimitKBps, accessMode } = wanted;
  const systemId = await sameArray(array, volumeId, knownSystem);
  try {
    // The limits whatever they are: it costs no more than to ask for them.
    await array.setLimits(volumeId, sdcId, iopsLimit, bandwidthLimitKBps);
    if (had !== accessMode) await array.setAccessMode(volumeId, sdcId, accessMode);
  } catch (error) {
    if (!isRefusal(error, arrayCodes.notMapped)) throw error;
    const { unlimited } = await createMapping(array, wanted, knownSystem);
    if (unlimited) throw unlimited;
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
    await array.unmap(volumeId, sdcId);
  } catch (error) {
    if (!isRefusal(error, arrayCodes.notMapped, arrayCodes.volumeNotFound, arrayCodes.sdcNotFound)) throw error;
  }
}

/** Why an access mode can't be had, or `undefined`. */
export async function accessModeRefusal(array: ScaleioArray, accessMode: AccessMode): Promise<string | undefined> {
  if (accessMode === "ReadWrite" || (await array.hasAccessModes())) return undefined;
  return `mappings have access modes since version 3.0; this gateway has ${await array.session.version()}, where all are ReadWrite`;
}
