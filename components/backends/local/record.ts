// The record of a volume, volume.json: what was made, for whom, and how far an operation on it has come.
import { randomUUID } from "node:crypto";

import { z } from "zod";

import type { LocalSettings } from "../../../src/backends/local/settings";
import { LocalVolumeError } from "../../host/errors";
import { parsedJson, readIfThere, writeFileAtomically } from "../../host/files";
import type { VolumePaths } from "./paths";

/**
 * `creating`: never finished, so nobody's data is in it. `ready`: finished. `growing`: usable, but its file system may still
 * be smaller than its size. `deleting`: its data is being removed; there is no way back.
 */
const phases = ["creating", "ready", "growing", "deleting"] as const;

/** Up to here, a number of bytes is exact in JavaScript. What a disk can hold is much less. */
const maxSizeGiB = Math.floor(Number.MAX_SAFE_INTEGER / 1024 ** 3);

export const sizeSchema = z.int().min(1).max(maxSizeGiB);

export const settingsSchema: z.ZodType<LocalSettings> = z.strictObject({
  mode: z.enum(["loop", "directory"]),
  iopsLimit: z.int().nonnegative(),
  throughputLimitMiBps: z.number().nonnegative(),
  overcommit: z.boolean(),
});

export const ownerSchema = z.string().min(1).max(10_000);

const recordVersion = 1;

/** What a record of any version has. */
const versionSchema = z.looseObject({ version: z.number() });

const recordSchema = z.strictObject({
  version: z.literal(recordVersion),
  uid: z.uuid(),
  owner: ownerSchema,
  name: z.string(),
  sizeGiB: sizeSchema,
  settings: settingsSchema,
  phase: z.enum(phases),
  createdAt: z.iso.datetime(),
  acknowledged: z.literal(true).optional(),
  holder: z.uuid().optional(),
});

export interface VolumeRecord {
  readonly version: typeof recordVersion;
  /** Random; also the UUID of the volume's file system. Tells a volume from a later one in the same place. */
  readonly uid: string;
  /** Who declared the volume: a Pulumi URN. */
  readonly owner: string;
  readonly name: string;
  /** The size the volume has or, while it is created or grown, is to have. */
  readonly sizeGiB: number;
  /** What the volume was last given; limits are read from here. */
  readonly settings: LocalSettings;
  readonly phase: (typeof phases)[number];
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /**
   * Somebody has noted down that the volume is there: a Pulumi state. Until then an interrupted creation may have made it,
   * and its owner's next creation takes it; from then on none does, or two states would have one volume, and one of them
   * would delete it under the other.
   */
  readonly acknowledged?: true | undefined;
  /**
   * Random, and another one with each import: only the state that made or imported the volume last knows it. States of two clones or
   * backends may call their owners the same. Missing where an older version made the volume.
   */
  readonly holder?: string | undefined;
}

export function newRecord(fields: Omit<VolumeRecord, "version" | "phase" | "createdAt" | "holder">): VolumeRecord {
  const createdAt = new Date().toISOString();
  return { version: recordVersion, ...fields, holder: randomUUID(), phase: "creating", createdAt };
}

/** Whether another state has imported the volume since. What an older version made is judged by its owner alone. */
export function isHeldElsewhere({ holder }: Pick<VolumeRecord, "holder">, known: string | undefined): boolean {
  return holder !== undefined && known !== undefined && holder !== known;
}

/** The record; undefined when there is none. Problems: `record-unreadable`, `record-newer`. */
export async function readRecord(paths: VolumePaths): Promise<VolumeRecord | undefined> {
  const text = await readIfThere(paths.record);
  if (text === undefined) return undefined;
  const content = parsedJson(text);
  const version = versionSchema.safeParse(content).data?.version;
  if (version !== undefined && version > recordVersion) {
    throw new LocalVolumeError(
      "record-newer",
      `${paths.record} has version ${version}; this storage-profiles supports versions up to ${recordVersion}. Update storage-profiles.`,
    );
  }
  const result = recordSchema.safeParse(content);
  if (result.success) return result.data;
  throw new LocalVolumeError(
    "record-unreadable",
    `${paths.record} isn't a valid record (${z.prettifyError(result.error).replaceAll("\n", " ")}). ` +
      `The volume's data is unchanged. Restore the record from a backup, or copy the data and remove ${paths.id} by hand.`,
  );
}

export async function writeRecord(paths: VolumePaths, record: VolumeRecord): Promise<void> {
  await writeFileAtomically(paths.record, `${JSON.stringify(record, null, 2)}\n`);
}
