// The profiles that ship. `gold` has the numbers of the project's founding example (FlockerProfiles, 2015) and stays exact.

import type { ProfileDefinition } from "./schema";

export const builtinProfiles: Readonly<Record<string, ProfileDefinition>> = {
  default: {
    description: "The cheapest that the backend has",
    aws: { volumeType: "cheapest" },
    openstack: {},
    scaleio: { provisioning: "thin" },
    local: {},
  },
  gold: {
    description: "High IOPS, encrypted",
    aws: { volumeType: "io1", iops: { perGiB: 30, min: 100, max: 64_000 }, encrypted: true },
    openstack: { volumeType: "gold" },
    scaleio: { provisioning: "thin", iopsLimit: 10_000, bandwidthLimitKBps: 1_000_000, ramCache: true },
    local: { iops: { max: 10_000 } },
  },
  silver: {
    description: "Steady IOPS for most databases, encrypted",
    aws: { volumeType: "gp3", iops: 3_000, throughputMiBps: 250, encrypted: true },
    openstack: { volumeType: "silver" },
    scaleio: { provisioning: "thin", iopsLimit: 3_000, bandwidthLimitKBps: 256_000 },
    local: { iops: { max: 3_000 }, throughputMiBps: 250 },
  },
  bronze: {
    description: "Cheap and even, encrypted",
    aws: { volumeType: "gp3", encrypted: true },
    openstack: { volumeType: "bronze" },
    scaleio: { provisioning: "thin", iopsLimit: 500, bandwidthLimitKBps: 64_512 },
    local: { iops: { max: 500 }, throughputMiBps: 60 },
  },
};
