// The profiles that ship. A volume can go from each to each and back without losing its data, on every backend: all are encrypted on
// EBS, thin on ScaleIO, and let Cinder move a volume where types are on different storage. `gold` has the numbers of the project's
// founding example (FlockerProfiles, 2015); only its 1,000,000 KB/s are 1,000,448, the next that a ScaleIO array has.

import type { ProfileDefinition } from "./config-schema";

export const builtinProfiles: Readonly<Record<string, ProfileDefinition>> = {
  default: {
    description: "The lowest cost that still suits any application, encrypted on EBS",
    aws: { volumeType: "gp3", encrypted: true },
    openstack: { migrationPolicy: "on-demand" },
    scaleio: { provisioning: "thin" },
    local: {},
  },
  gold: {
    description: "High IOPS, encrypted",
    aws: { volumeType: "io1", iops: { perGiB: 30, min: 100, max: 64_000 }, encrypted: true },
    openstack: { volumeType: "gold", migrationPolicy: "on-demand" },
    scaleio: { provisioning: "thin", iopsLimit: 10_000, bandwidthLimitKBps: 1_000_448, ramCache: true },
    local: { iops: { max: 10_000 } },
  },
  silver: {
    description: "Steady IOPS for most databases, encrypted",
    aws: { volumeType: "gp3", iops: 3_000, throughputMiBps: 250, encrypted: true },
    openstack: { volumeType: "silver", migrationPolicy: "on-demand" },
    scaleio: { provisioning: "thin", iopsLimit: 3_000, bandwidthLimitKBps: 256_000 },
    local: { iops: { max: 3_000 }, throughputMiBps: 250 },
  },
  bronze: {
    description: "Low cost with consistent performance, encrypted",
    aws: { volumeType: "gp3", encrypted: true },
    openstack: { volumeType: "bronze", migrationPolicy: "on-demand" },
    scaleio: { provisioning: "thin", iopsLimit: 500, bandwidthLimitKBps: 64_512 },
    local: { iops: { max: 500 }, throughputMiBps: 60 },
  },
};
