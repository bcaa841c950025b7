// What querySystemLimits answers: the limits of the array, as text.
import { MAX_NAME_LENGTH, MAX_VOLUME_GIB } from "./volumes";

export const systemLimits = [
  limit("volumeSizeGb", "Volume size in GB", MAX_VOLUME_GIB, 8),
  limit("volumesPerSystem", "Number of volumes in the system", 131_072),
  limit("snapshotsPerSystem", "Number of snapshots in the system", 133_120),
  limit("volumesPerVtree", "Number of volumes in a V-Tree", 127),
  limit("nameLength", "Length of a name", MAX_NAME_LENGTH),
  limit("restSessions", "Number of sessions", 128),
];

function limit(type: string, description: string, max: number, min?: number) {
  return { type, description, maxVal: String(max), ...(min !== undefined && { minVal: String(min) }) };
}
