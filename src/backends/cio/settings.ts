// The complete settings of a ContainerIO volume.

import type { algorithms, filesystems, provisions } from "./section";

export interface CioSettings {
  /** What the cluster reserves; `null` where nothing is. */
  iopsMin: number | null;
  /** 0 is unlimited. */
  iopsMax: number;
  bandwidthMinMiBps: number | null;
  /** 0 is unlimited. */
  bandwidthMaxMiBps: number;
  /** How many copies the cluster keeps. */
  level: number;
  /** Whether only drives of the volume's own node are used. */
  local: boolean;
  /** `null` where the cluster chooses. */
  node: string | null;
  provision: (typeof provisions)[number];
  type: "ssd" | "hdd";
  filesystem: (typeof filesystems)[number];
  /** Below it the nodes mount the volume. */
  directory: string;
  labels: Record<string, string>;
  /** The named connection to the cluster that has it; absent on that of the stack's own keys. */
  connection?: string;
  compression: "none" | (typeof algorithms)[number];
  dedupe: boolean;
  encryption: boolean;
  highAvailability: boolean;
  replication: boolean;
  replicationDestination: string;
  replicationIntervalMinutes: number;
  replicationType: string;
  snapshots: boolean;
  snapshotStartMinutes: number;
  snapshotIntervalMinutes: number;
  snapshotMax: number;
  autoExpand: boolean;
  autoExpandThresholdPercent: number;
  autoExpandIncrementPercent: number;
  autoExpandLimit: number;
}
