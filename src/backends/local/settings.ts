// What a volume of the local backend is made of: the complete set of its settings.

/** How a local volume holds its data. */
export type LocalMode =
  /** A sparse file, a loop device, a mounted file system: size and limits hold. Needs root on Linux. */
  | "loop"
  /** A plain directory: holds data, enforces neither size nor limits. Works for everybody. */
  | "directory";

/** The complete settings of a volume on the local backend. */
export interface LocalSettings {
  /** How the data is held. */
  mode: LocalMode;
  /** Reads and writes per second, each, on the volume's device. 0 means unlimited. */
  iopsLimit: number;
  /** MiB read and written per second, each, on the volume's device. 0 means unlimited. */
  throughputLimitMiBps: number;
  /** Whether the volume may promise more space than the disk below has free. */
  overcommit: boolean;
}
