// A cluster as it is used here: pools are read, images are read and changed. How it is reached, commands.ts and dashboard.ts say.

import type { CephSettings } from "../../../src/backends/ceph";

/** A setting that is a limit which clients keep. */
export type LimitSetting = Extract<keyof CephSettings, `${string}${"Limit" | "Burst" | "MiBps"}`> &
  Exclude<keyof CephSettings, "snapshotLimit">;

/** The options of an image that hold its limits; those of throughput are in bytes. */
export const limitOptions: Readonly<Record<LimitSetting, string>> = {
  iopsLimit: "rbd_qos_iops_limit",
  readIopsLimit: "rbd_qos_read_iops_limit",
  writeIopsLimit: "rbd_qos_write_iops_limit",
  iopsBurst: "rbd_qos_iops_burst",
  readIopsBurst: "rbd_qos_read_iops_burst",
  writeIopsBurst: "rbd_qos_write_iops_burst",
  bandwidthLimitMiBps: "rbd_qos_bps_limit",
  readBandwidthLimitMiBps: "rbd_qos_read_bps_limit",
  writeBandwidthLimitMiBps: "rbd_qos_write_bps_limit",
  bandwidthBurstMiBps: "rbd_qos_bps_burst",
  readBandwidthBurstMiBps: "rbd_qos_read_bps_burst",
  writeBandwidthBurstMiBps: "rbd_qos_write_bps_burst",
};
export const limitSettings = Object.keys(limitOptions) as LimitSetting[];

/** How many of an option's units are one of the setting's. */
export const unitsOf = (setting: LimitSetting): number => (setting.endsWith("MiBps") ? 1024 ** 2 : 1);

/** The metadata of an image in which we keep whose it is. */
export const MARK = "storage-profiles.volume";

/** What is kept there: the volume, and the pool that it belongs in. Who copies an image to another pool copies that, too. */
export const markText = (mark: string, pool: string): string => `${mark} ${pool}`;

/** Reads it. */
export function readMark(text: string | undefined): Pick<Image, "mark" | "markedPool"> {
  const at = text?.indexOf(" ") ?? -1;
  return at < 0 ? { mark: text, markedPool: undefined } : { mark: text?.slice(0, at), markedPool: text?.slice(at + 1) };
}

/** The metadata of an image in which we keep how far its encryption is: `begun`, or the format and the bytes that its header takes. */
export const ENCRYPTION = "storage-profiles.encryption";

/** What is kept there of an image with a header of that size. */
export const encryptionText = (headerBytes: number): string => `luks2 ${headerBytes}`;

/** Reads it. */
export function readEncryption(text: string | undefined): Pick<Image, "encryption"> & { headerBytes?: number } {
  const [, headerBytes] = /^luks2 (\d+)$/.exec(text ?? "") ?? [];
  if (headerBytes !== undefined) return { encryption: "luks2", headerBytes: Number(headerBytes) };
  return { encryption: text === undefined ? null : "begun" };
}

/** The least that a header of LUKS2 takes. It ends where an object of the image does. */
const LEAST_HEADER_BYTES = 16 * 1024 ** 2;

/** What the header of an image takes whose objects (or stripes of objects) have that size. Tried with Ceph 16.2 and objects of 4 and 32 MiB. */
export const headerBytesFor = (objectBytes: number): number =>
  Math.ceil(LEAST_HEADER_BYTES / objectBytes) * objectBytes;

/** What Ceph keeps itself among the metadata of an image. */
export const isReservedKey = (key: string): boolean => /^(conf_|\.)/.test(key) || key === MARK || key === ENCRYPTION;

/** A pool. */
export interface Pool {
  name: string;
  /** Whether it is for RBD images (`rbd pool init`). */
  isForImages: boolean;
  isReplicated: boolean;
  copies: number;
  /** `null` where its rule takes any device. */
  deviceClass: string | null;
  /** How many places its rule can put a copy in at the moment: OSDs, hosts, ... */
  places: number;
  /** What a place is: "osd", "host". */
  placeType: string;
  /** 0 where it has no quota. */
  quotaBytes: number;
  storedBytes: number;
  /** Why nothing can be written to it; nothing where it can. */
  full?: "quota" | "devices" | undefined;
}

/** When mirror snapshots of an image are taken. */
export interface MirrorSchedule {
  /** 30m, 2h, 1d. */
  every: string;
  /** A time of day: 14:00; `null` where it is any. */
  start: string | null;
}

/** How an image is mirrored to other clusters. */
export interface Mirroring {
  mode: "snapshot" | "journal";
  /** Whether the others have copies of this one; else this one is a copy, which nothing can be written to. */
  isPrimary: boolean;
  /** Its own, without those of its pool. */
  schedules: MirrorSchedule[];
}

/** An image. */
export interface Image {
  pool: string;
  name: string;
  /** Ceph's id: a move of pools changes it. */
  imageId: string;
  /** What a client has of it: without the header of an encrypted one. */
  sizeGiB: number;
  /** How it is encrypted; `begun` where a run of ours began that, and may not have ended it. */
  encryption: "luks2" | "begun" | null;
  /** Whether it was asked of its header whether it is encrypted, and our mark tells something else. */
  hasWrongMark?: true;
  /** What the header takes, or will take; 0 where it isn't encrypted. */
  headerBytes: number;
  features: string[];
  /** Without those that mirroring takes. */
  snapshots: number;
  mirroring: Mirroring | null;
  /** 0 is unlimited. */
  snapshotLimit: number;
  /** The limits in force, wherever they are set. */
  limits: Record<LimitSetting, number>;
  metadata: Record<string, string>;
  /** Whose it is, where a run of ours has marked it. */
  mark: string | undefined;
  /** The pool that it was marked in, or is being moved to. In another pool it is a copy. */
  markedPool: string | undefined;
  /** Whether a move to another pool has begun, and has not ended. */
  isMoving: boolean;
}

/** What a cluster tells of the use of an image. */
export interface ImageStatus {
  /** The clients that have it open, in words. */
  clients: string[];
  /** The state of its move to another pool, where one has begun. */
  moveState?: string | undefined;
}

/** A cluster. Each method is one step, and throws a `CephError`. */
export interface CephCluster {
  /** The path of the key in the config that leads to it, for messages. */
  configKey: string;
  /**
   * Whether it is reached by the dashboard, which tells and changes only a part of an image: its size, limits and features. Of the rest an
   * `Image` then has what an image without it has, and what would change the rest throws.
   */
  isDashboard?: true;
  /** How long a client that died may be counted among those that have an image open. */
  forgetsAfterMs: number;
  /** Its id. Asked for once. */
  fsid(): Promise<string>;
  /** Asked for once. */
  pools(): Promise<Pool[]>;
  /** The names of the images in a pool, as they were when they were first asked for. */
  names(pool: string): Promise<string[]>;
  /** An image; nothing where there is none. */
  image(pool: string, name: string): Promise<Image | undefined>;
  status(pool: string, name: string): Promise<ImageStatus>;
  /** Which images of a pool can be mirrored, and whether another cluster is there for the copies. Asked for once. */
  poolMirroring(pool: string): Promise<{ mode: "disabled" | "image" | "pool"; hasPeer: boolean }>;
  /** Whether there is a passphrase for images that are created encrypted. Errors: `not-configured`. */
  checkPassphrase(): void;
  /** `headerBytes`: what an encrypted one has beside its size. Errors: `exists`. */
  create(
    pool: string,
    name: string,
    size: { sizeGiB: number; headerBytes: number },
    features: readonly string[] | null,
  ): Promise<void>;
  grow(pool: string, name: string, size: { sizeGiB: number; headerBytes: number }): Promise<void>;
  /** The end of what has been written to an image, in bytes; 0 where nothing has. */
  writtenBytes(pool: string, name: string): Promise<number>;
  /** What the header of an encrypted image takes, by the header itself; nothing where an image doesn't begin with one. */
  headerBytes(pool: string, name: string): Promise<number | undefined>;
  /** Writes a new header with a new key. What was in the image before can't be read any more. */
  format(pool: string, name: string): Promise<void>;
  setLimit(pool: string, name: string, setting: LimitSetting, value: number): Promise<void>;
  /** 0 is unlimited. */
  setSnapshotLimit(pool: string, name: string, limit: number): Promise<void>;
  /** Whether it is mirrored. With `null`, other clusters remove their copies. */
  setMirroring(pool: string, name: string, mode: Mirroring["mode"] | null): Promise<void>;
  /** `null` leaves it to the schedule of the pool. */
  setMirrorSchedule(pool: string, name: string, schedule: MirrorSchedule | null): Promise<void>;
  switchFeatures(pool: string, name: string, features: readonly string[], on: boolean): Promise<void>;
  /** `undefined` takes it away. */
  setMetadata(pool: string, name: string, key: string, value: string | undefined): Promise<void>;
  /** The steps of a move to another pool. From the first on, the image is in the new pool. Errors: `in-use`. */
  prepareMove(pool: string, name: string, to: string): Promise<void>;
  executeMove(pool: string, name: string): Promise<void>;
  commitMove(pool: string, name: string): Promise<void>;
  /** Takes back a move that has not been prepared completely. */
  abortMove(pool: string, name: string): Promise<void>;
  /** Errors: `in-use`, `has-snapshots`. */
  remove(pool: string, name: string): Promise<void>;
}
