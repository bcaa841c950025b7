// Which SDCs, the hosts, may use a volume, and with which limits: these belong to the mapping and go away with it.
import type { AccessMode, Mapping, Sdc, StorageArray, Volume } from "./array";
import { refusal } from "./errors";
import { isMapped } from "./volumes";

/** IOPS limits from 1 to 10 are refused. */
const MIN_IOPS_LIMIT = 11;
const KBPS_PER_MBPS = 1024;

export interface MapOptions {
  readonly allowMultipleMappings?: boolean | undefined;
  readonly accessMode?: AccessMode | undefined;
}

export function mapVolume(array: StorageArray, volume: Volume, sdc: Sdc, options: MapOptions = {}): void {
  checkApproved(array, sdc);
  if (volume.mappedToAllSdcs) throw refusal("VOL_ALREADY_MAPPED_TO_ALL_INIS");
  if (mappingOf(volume, sdc)) throw refusal("VOL_ALREADY_MAPPED_TO_THIS_INI");
  if (volume.mappings.length > 0 && !options.allowMultipleMappings) throw refusal("NOT_ALLOWED_MORE_THAN_ONE_MAPPING");
  const accessMode = options.accessMode ?? "ReadWrite";
  checkAccessMode(volume, accessMode);
  volume.mappings.push(newMapping(sdc, accessMode));
}

/** Of 1.x and 2.x: one mapping to every SDC that there is. */
export function mapToAllSdcs(array: StorageArray, volume: Volume): void {
  if (volume.mappedToAllSdcs) throw refusal("VOL_ALREADY_MAPPED_TO_ALL_INIS");
  volume.mappedToAllSdcs = true;
  for (const sdc of array.sdcs.values()) {
    if (!mappingOf(volume, sdc)) volume.mappings.push(newMapping(sdc, "ReadWrite"));
  }
}

export function unmapVolume(volume: Volume, sdc: Sdc): void {
  if (volume.mappedToAllSdcs) throw refusal("VOL_MAPPED_TO_ALL_INIS");
  const mapping = requireMapping(volume, sdc);
  volume.mappings.splice(volume.mappings.indexOf(mapping), 1);
}

export function unmapFromAllSdcs(volume: Volume): void {
  if (!isMapped(volume)) throw refusal("VOL_NOT_MAPPED_TO_INI");
  volume.mappedToAllSdcs = false;
  volume.mappings.length = 0;
}

/** 0 is unlimited; a limit that is left out stays what it was. */
export interface Limits {
  readonly iopsLimit?: number | undefined;
  readonly bandwidthLimitInKbps?: number | undefined;
}

export function setLimits(array: StorageArray, volume: Volume, sdc: Sdc, limits: Limits): void {
  const mapping = requireMapping(volume, sdc);
  const { iopsLimit, bandwidthLimitInKbps } = limits;
  const badIops = iopsLimit !== undefined && iopsLimit !== 0 && iopsLimit < MIN_IOPS_LIMIT;
  const badBandwidth = bandwidthLimitInKbps !== undefined && bandwidthLimitInKbps % KBPS_PER_MBPS !== 0;
  // Seen on 2.0.
  const bothUnlimited = iopsLimit === 0 && bandwidthLimitInKbps === 0 && !array.version.atLeast("3.0");
  if (badIops || badBandwidth || bothUnlimited) throw refusal("INVALID_THROTTLE_INFO");
  if (iopsLimit !== undefined) mapping.limitIops = iopsLimit;
  if (bandwidthLimitInKbps !== undefined) mapping.limitBwInMbps = bandwidthLimitInKbps / KBPS_PER_MBPS;
}

export function setMappingAccessMode(volume: Volume, sdc: Sdc, accessMode: AccessMode): void {
  const mapping = requireMapping(volume, sdc);
  checkAccessMode(volume, accessMode);
  mapping.accessMode = accessMode;
}

function newMapping(sdc: Sdc, accessMode: AccessMode): Mapping {
  return { sdcId: sdc.id, accessMode, limitIops: 0, limitBwInMbps: 0 };
}

function mappingOf(volume: Volume, sdc: Sdc): Mapping | undefined {
  return volume.mappings.find(({ sdcId }) => sdcId === sdc.id);
}

function requireMapping(volume: Volume, sdc: Sdc): Mapping {
  const mapping = mappingOf(volume, sdc);
  if (!mapping) throw refusal("VOL_NOT_MAPPED_TO_INI");
  return mapping;
}

function checkAccessMode(volume: Volume, accessMode: AccessMode): void {
  if (volume.accessModeLimit === "ReadOnly" && accessMode === "ReadWrite") throw refusal("VOL_ACCESS_MODE_LIMIT");
}

function checkApproved(array: StorageArray, sdc: Sdc): void {
  const { restrictedSdcMode } = array.system;
  if (restrictedSdcMode === "None") return;
  const unapprovedIp = restrictedSdcMode === "ApprovedIp" && !sdc.ips.every((ip) => sdc.approvedIps?.includes(ip));
  if (!sdc.approved || unapprovedIp) throw refusal("INITIATOR_NOT_APPROVED");
}
