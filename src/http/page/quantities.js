// How the settings of each backend read that are numbers. Generated from src/backends by `npm run schema`.

/** @type {Record<string, Record<string, { unit: string, isUnlimitedAtZero?: boolean }>>} */
export const quantities = {
  aws: {
    sizeGiB: { unit: "GiB" },
    iops: { unit: "IOPS" },
    throughputMiBps: { unit: "MiB/s" },
    volumeInitializationRate: { unit: "MiB/s" },
  },
  openstack: { sizeGiB: { unit: "GiB" } },
  scaleio: {
    sizeGiB: { unit: "GiB" },
    iopsLimit: { unit: "IOPS", isUnlimitedAtZero: true },
    bandwidthLimitKBps: { unit: "KB/s", isUnlimitedAtZero: true },
  },
  cio: {
    sizeGiB: { unit: "GiB" },
    iopsMin: { unit: "IOPS" },
    iopsMax: { unit: "IOPS", isUnlimitedAtZero: true },
    bandwidthMinMiBps: { unit: "MiB/s" },
    bandwidthMaxMiBps: { unit: "MiB/s", isUnlimitedAtZero: true },
    level: { unit: "copies" },
    replicationIntervalMinutes: { unit: "minutes" },
    snapshotStartMinutes: { unit: "minutes" },
    snapshotIntervalMinutes: { unit: "minutes" },
    snapshotMax: { unit: "snapshots" },
    autoExpandThresholdPercent: { unit: "%" },
    autoExpandIncrementPercent: { unit: "%" },
    autoExpandLimit: { unit: "times" },
  },
  kubernetes: { sizeGiB: { unit: "GiB" } },
  local: {
    sizeGiB: { unit: "GiB" },
    iopsLimit: { unit: "IOPS", isUnlimitedAtZero: true },
    throughputLimitMiBps: { unit: "MiB/s", isUnlimitedAtZero: true },
  },
};
