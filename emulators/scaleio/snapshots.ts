// Snapshots: volumes in the vtree of what they were taken of, made together as a consistency group.
import type { AccessModeLimit, StorageArray, Volume } from "./array";
import { refusal, refusalOfSeveral, type MdmErrorName } from "./errors";
import { isMapped, isSecure, reasonAgainstName, removeVolume } from "./volumes";

const MAX_SNAPSHOTS_PER_VTREE = 126;

export interface SnapshotDefinition {
  readonly volumeId: string;
  readonly name?: string | undefined;
}

/** Takes all or none. */
export function snapshotVolumes(
  array: StorageArray,
  definitions: readonly SnapshotDefinition[],
  accessModeLimit: AccessModeLimit = "ReadWrite",
): { group: string; snapshots: Volume[] } {
  const reasons = new Set(definitions.flatMap((_definition, at) => reasonAgainst(array, definitions, at) ?? []));
  if (reasons.size > 0) throw refusalOfSeveral([...reasons]);
  const group = array.nextId("ConsistencyGroup");
  const snapshots = definitions.map(({ volumeId, name }): Volume => {
    const source = array.volume(volumeId);
    return {
      ...source,
      id: array.nextId("Volume"),
      name: name ?? null,
      volumeType: "Snapshot",
      ancestorVolumeId: source.id,
      consistencyGroupId: group,
      creationTime: array.clock.seconds(),
      accessModeLimit,
      mappedToAllSdcs: false,
      mappings: [],
      secureUntil: 0,
    };
  });
  for (const snapshot of snapshots) array.volumes.set(snapshot.id, snapshot);
  return { group, snapshots };
}

/** Removes the snapshots that were taken together; how many. */
export function removeConsistencyGroup(array: StorageArray, group: string): number {
  const members = [...array.volumes.values()].filter(({ consistencyGroupId }) => consistencyGroupId === group);
  if (members.length === 0) throw refusal("VOL_NOT_FOUND_FOR_SNAP_GROUP");
  if (members.some(isMapped)) throw refusal("VOL_MAPPED");
  if (members.some((member) => isSecure(array, member))) throw refusal("SNAPSHOT_IS_SECURE");
  for (const member of members) removeVolume(array, member, "ONLY_ME");
  return members.length;
}

function reasonAgainst(
  array: StorageArray,
  definitions: readonly SnapshotDefinition[],
  at: number,
): MdmErrorName | undefined {
  const { volumeId = "", name } = definitions[at] ?? {};
  const source = array.volumes.get(volumeId);
  if (!source) return "VOL_NOT_FOUND";
  const there = array.volumesOf(array.vtree(source.vtreeId)).filter(({ volumeType }) => volumeType === "Snapshot");
  const more = definitions.filter((other) => array.volumes.get(other.volumeId)?.vtreeId === source.vtreeId);
  if (there.length + more.length > MAX_SNAPSHOTS_PER_VTREE) return "TOO_MANY_SNAPS_IN_VTREE";
  if (name === undefined) return undefined;
  const twice = definitions.findIndex((other) => other.name === name) < at;
  return twice ? "VOL_NAME_IN_USE" : reasonAgainstName(array, name);
}
