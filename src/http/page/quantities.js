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
  local: {
    sizeGiB: { unit: "GiB" },
    iopsLimit: { unit: "IOPS", isUnlimitedAtZero: true },
    throughputLimitMiBps: { unit: "MiB/s", isUnlimitedAtZero: true },
  },
};
