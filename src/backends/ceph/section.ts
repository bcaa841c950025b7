// What a profile may say for Ceph RBD. What Ceph doesn't have is understood as well, so that a problem can give the reason and the way out.

import { z } from "zod";

import { bounded } from "../../core/bounded";
import type { TagRules } from "../contract";

/** How many entries of metadata a volume may have. Ceph has no such limit. */
const MOST_METADATA = 64;

const positive = z.int().positive();
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "invalid name");

const onOff = z.union([
  z.boolean().describe("true or false"),
  z.enum(["yes", "Yes", "no", "No", "enabled", "disabled"]),
]);
const minutes = positive.nullish();

/** The spellings of whether an image is encrypted. There is one format. */
const encryption = z.union([
  z.boolean().describe("true or false"),
  z.enum(["luks2", "yes", "Yes", "no", "No", "enabled", "disabled"]),
]);

/** The features of an image that a profile may name. Source: `rbd help feature enable`, Ceph 16.2. */
export const imageFeatures = [
  "layering",
  "exclusive-lock",
  "object-map",
  "fast-diff",
  "deep-flatten",
  "journaling",
] as const;
export type ImageFeature = (typeof imageFeatures)[number];

export const poolName = name.describe("Name of a pool");
export const deviceClass = name.describe("Device class of the pool's CRUSH rule: ssd, hdd, nvme or one of your own");
export const copies = positive.describe("How many copies the pool keeps: its `size`");

const limits = (what: string) =>
  z
    .strictObject({
      min: positive.nullish().describe(`Not available on Ceph, which reserves no ${what}`),
      max: positive.nullish().describe(`At most this many ${what}. Default: unlimited`),
      read: positive.nullish().describe(`At most this many ${what} for reads. Default: unlimited`),
      write: positive.nullish().describe(`At most this many ${what} for writes. Default: unlimited`),
      burst: z
        .union([
          positive.describe(`At most this many ${what} for a second, beyond \`max\``),
          z.strictObject({
            max: positive.nullish().describe(`At most this many ${what} for a second, beyond \`max\``),
            read: positive.nullish().describe("The same for `read`"),
            write: positive.nullish().describe("The same for `write`"),
          }),
        ])
        .nullish()
        .describe(`Short bursts of ${what}; a number, or a number per limit. Default: none`),
    })
    .nullish();
export type CephLimitsSection = z.infer<ReturnType<typeof limits>>;

// Ceph keeps its own values, and we keep our mark, below these.
const metadataKey = z
  .string()
  .regex(/^(?!conf_|\.|storage-profiles)[A-Za-z0-9][A-Za-z0-9._/-]*$/, "invalid or reserved metadata key");

/** What tags may be: metadata of the image. */
export const cephTagRules: TagRules = {
  key: {
    pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]*$/,
    allowed: "letters, digits, `.`, `_`, `/` and `-`, beginning with a letter or a digit",
  },
  value: { min: 1, allowed: "text that isn't empty" },
  most: MOST_METADATA,
  reserved: [
    { key: /^conf_/, because: "metadata that begin with `conf_` are configuration of the image, such as its limits" },
    {
      key: /^storage-profiles/,
      because: "metadata that begin with `storage-profiles` are reserved for storage-profiles",
    },
  ],
};

/** How a profile defines the pool itself, which an administrator's stack creates. */
const specs = z
  .strictObject({
    minCopies: positive
      .nullish()
      .describe(
        "How many copies must exist for clients to read and write: its `min_size`. Default: half of `copies`, rounded up",
      ),
    failureDomain: name
      .nullish()
      .describe(
        "Type of the CRUSH bucket that holds at most one copy of the same data: host, rack, osd. Default: host",
      ),
    compression: z
      .strictObject({
        mode: z
          .enum(["passive", "aggressive", "force"])
          .nullish()
          .describe(
            "What is compressed: what clients hint at (passive), all but that (aggressive), or all (force). Default: aggressive",
          ),
        algorithm: z.enum(["snappy", "zlib", "zstd", "lz4"]).nullish().describe("Default: the cluster's"),
        requiredRatio: z
          .number()
          .gt(0)
          .max(1)
          .nullish()
          .describe("Compressed by original size above which data is stored as it is. Default: the cluster's"),
      })
      .nullish()
      .describe("Compression of data that is written from now on. Default: none"),
    quotaGiB: positive
      .nullish()
      .describe("How much data the pool may have, in GiB, without copies. Default: unlimited"),
  })
  .describe("Definition of the pool, for `CephPools` to create, with the profile's `copies` and `deviceClass`");
export type PoolSpecs = z.infer<typeof specs>;

export const section = z
  .strictObject({
    pool: poolName.nullish().describe("Name of the pool. Default: the first of the stack's `pools` that fits"),
    copies: copies.nullish().describe("How many copies the pool must keep. Default: any number"),
    deviceClass: deviceClass.nullish().describe("Device class that the pool must be on. Default: any"),
    specs: specs.nullish(),
    preferredDeviceClass: deviceClass
      .nullish()
      .describe("Device class that the pool is on where the stack has such a pool. Default: none"),
    iops: limits("IOPS").describe("Limits of IOPS"),
    bandwidth: limits("MiB/s").describe("Limits of throughput, in MiB/s"),
    provision: z.enum(["thin", "thick"]).nullish().describe("thin; thick is not available. Default: thin"),
    encryption: encryption
      .nullish()
      .describe("Whether a new image is encrypted (LUKS2); requires ceph:encryptionPassphrase. Default: false"),
    snapshotLimit: positive.nullish().describe("How many snapshots the image may have. Default: unlimited"),
    imageFeatures: z
      .array(z.enum(imageFeatures))
      .max(imageFeatures.length)
      .nullish()
      .describe("Features of the image. Default: those that the cluster gives to new images"),
    metadata: bounded(z.record(metadataKey, z.string().min(1)), MOST_METADATA)
      .nullish()
      .describe("Metadata of the image. Default: none"),
    dedupe: z.boolean().nullish().describe("Not available on Ceph"),
    local: z.boolean().nullish().describe("Not available on Ceph: a pool's CRUSH rule decides where data lies"),
    snapshot: z
      .union([
        onOff,
        z.strictObject({ enabled: onOff.nullish(), startMinutes: minutes, intervalMinutes: minutes, max: minutes }),
      ])
      .nullish()
      .describe("Not available on Ceph, which takes no snapshots on a schedule"),
    mirror: z
      .union([
        onOff,
        z.strictObject({
          enabled: onOff.nullish(),
          mode: z
            .enum(["snapshot", "journal"])
            .nullish()
            .describe("By snapshots, or by a journal of every write. Default: snapshot"),
          every: z
            .string()
            .regex(/^[1-9]\d*[mhd]$/, "invalid interval")
            .nullish()
            .describe("How often a mirror snapshot is taken: 30m, 2h, 1d. Default: as the pool's own schedule says"),
          start: z
            .string()
            .regex(/^([01]\d|2[0-3]):[0-5]\d$/, "invalid time of day")
            .nullish()
            .describe("A time of day, in UTC, at which one of them is taken: 14:00. Default: any"),
        }),
      ])
      .nullish()
      .describe(
        "Whether the image is mirrored to the clusters that are peers of its pool (`rbd mirror`). Default: false",
      ),
  })
  .describe("What the profile means on Ceph RBD");
export type CephSection = z.infer<typeof section>;

/** A pool as a stack lists it: what profiles may ask for. */
export const pool = z.strictObject({
  name: poolName,
  copies: copies.nullish().describe("How many copies it keeps"),
  deviceClass: deviceClass.nullish().describe("The device class that it is on"),
});
export type CephPool = z.infer<typeof pool>;
