// What RBD admits, as dated data.

import { z } from "zod";

import { partialRange, rangeSchema } from "../contract";

const wholeSchema = z.strictObject({ sizeGiB: rangeSchema, iops: rangeSchema, bandwidthMiBps: rangeSchema });
export type CephLimits = z.infer<typeof wholeSchema>;

export const cephLimits = {
  data: {
    // Source: ceph/ceph src/cls/rbd/cls_rbd_types.h, MAX_OBJECT_MAP_OBJECT_COUNT: 256,000,000 objects of 4 MiB, beyond which an image has no
    // object map. Read 2026-11-30.
    sizeGiB: { min: 1, max: 1_000_000 },
    // Ceph has no upper end but that of its numbers (rbd_qos_iops_limit and so on are 64 bits). These are ones that no client reaches.
    iops: { min: 1, max: 100_000_000 },
    bandwidthMiBps: { min: 1, max: 1_000_000 },
  } satisfies CephLimits,
  override: z
    .strictObject({ sizeGiB: partialRange, iops: partialRange, bandwidthMiBps: partialRange })
    .partial()
    .describe("Limits of Ceph RBD; override the shipped limits"),
  whole: wholeSchema,
};
