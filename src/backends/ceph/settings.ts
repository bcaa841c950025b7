// The complete settings of an RBD image.

import type { ImageFeature } from "./section";

export interface CephSettings {
  pool: string;
  /** How many copies the pool keeps; `null` where neither profile nor stack says it. */
  copies: number | null;
  /** The device class that the pool is on; `null` where neither profile nor stack says it. */
  deviceClass: string | null;
  /** 0 is unlimited, for each limit; a burst is `null` where none is allowed. */
  iopsLimit: number;
  readIopsLimit: number;
  writeIopsLimit: number;
  iopsBurst: number | null;
  readIopsBurst: number | null;
  writeIopsBurst: number | null;
  bandwidthLimitMiBps: number;
  readBandwidthLimitMiBps: number;
  writeBandwidthLimitMiBps: number;
  bandwidthBurstMiBps: number | null;
  readBandwidthBurstMiBps: number | null;
  writeBandwidthBurstMiBps: number | null;
  /** The format in which the image is encrypted; `null` where it isn't. */
  encryption: "luks2" | null;
  /** How many snapshots the image may have. */
  snapshotLimit: number;
  /** How the image is mirrored to other clusters; `null` where it isn't. */
  mirrorMode: "snapshot" | "journal" | null;
  /** How often a mirror snapshot is taken: 30m, 2h, 1d; `null` where only the pool's schedule says it. */
  mirrorEvery: string | null;
  /** The time of day, in UTC, at which one is taken: 14:00. */
  mirrorStart: string | null;
  /** `null` where the cluster chooses them when it makes the image. */
  imageFeatures: ImageFeature[] | null;
  metadata: Record<string, string>;
  /** The named connection to the cluster that has it; absent on that of the stack's own keys. */
  connection?: string;
}
