// What a profile may say for ContainerIO. The spellings of the founding example (`Yes`, `disabled`, `SSD`) are understood.

import { z } from "zod";

import { bounded } from "../../core/bounded";
import type { TagRules } from "../contract";

export const algorithms = ["lzo", "zlib", "zstd"] as const;
export const filesystems = ["btrfs", "ext4", "xfs"] as const;
export const provisions = ["thin", "thick"] as const;
const driveTypes = ["ssd", "hdd", "SSD", "HDD"] as const;

const flag = z.boolean().describe("true or false; yes, no, enabled and disabled are understood");
const word = z.string().regex(/^([Yy]es|[Nn]o|[Ee]nabled|[Dd]isabled)$/, "it is neither on nor off");
const positive = z.int().positive();

const onOff = z.union([flag, word]);
/** Whether a service is on, as a profile says it. */
export type OnOff = z.infer<typeof onOff>;

/** Whether what a profile says means "on". */
export const isOn = (said: OnOff | null | undefined): boolean =>
  typeof said === "string" ? /^(yes|enabled)$/i.test(said) : said === true;

const range = (what: string) =>
  z
    .strictObject({
      min: positive.nullish().describe(`At least this many ${what}. Default: none`),
      max: positive.nullish().describe(`At most this many ${what}. Default: unlimited`),
    })
    .nullish();

const minutes = (what: string) => positive.nullish().describe(what);

const replication = z.strictObject({
  enabled: onOff.nullish().describe("Whether the volume is replicated. Default: false"),
  destination: z.string().min(1).nullish().describe('Where to. Default: "none"'),
  intervalMinutes: minutes("How often, in minutes. Default: 120"),
  type: z.string().min(1).nullish().describe('Default: "synchronous"'),
});

const snapshot = z.strictObject({
  enabled: onOff.nullish().describe("Whether snapshots are taken by themselves. Default: false"),
  startMinutes: minutes("When the first one is taken, in minutes. Default: 1440"),
  intervalMinutes: minutes("How often, in minutes. Default: 60"),
  max: positive.nullish().describe("How many are kept. Default: 10"),
});

const percent = z.int().min(1).max(100).nullish();
const autoExpand = z.strictObject({
  enabled: onOff.nullish().describe("Whether the volume grows by itself. Default: false"),
  thresholdPercent: percent.describe("How full it is then, in percent. Default: 80"),
  incrementPercent: percent.describe("By how much it grows, in percent. Default: 25"),
  limit: positive.nullish().describe("How many times. Default: 3"),
});

/** More than a volume ever has. */
const MOST_LABELS = 64;
const LABEL_KEY = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;
const labelKey = z.string().regex(LABEL_KEY, "invalid label key");

/** What tags may be: labels. Source of the keys that mean something: release notes of ContainerIO, build 3249. Read 2026-11-24. */
export const cioTagRules: TagRules = {
  key: { pattern: LABEL_KEY, allowed: "letters, digits, `.`, `_`, `/` and `-`, beginning with a letter or a digit" },
  value: { allowed: "any text" },
  most: MOST_LABELS,
  reserved: [{ key: /^cio\./, because: "labels that begin with `cio.` tell ContainerIO how a volume is used" }],
};

export const section = z
  .strictObject({
    iops: range("IOPS").describe("IOPS that the cluster reserves and allows; not together with bandwidth"),
    bandwidth: range("MiB/s").describe("Throughput that the cluster reserves and allows; not together with iops"),
    level: positive.nullish().describe("How many copies the cluster keeps. Default: that of the release"),
    local: onOff
      .nullish()
      .describe("Whether only drives of the volume's own node are used. Default: that of the release"),
    node: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "invalid node name")
      .nullish()
      .describe("Name of the node that the volume lives on. Default: the cluster chooses"),
    provision: z
      .enum(provisions)
      .nullish()
      .describe("Whether space is taken when it is written (thin) or at once (thick). Default: thin"),
    type: z.enum(driveTypes).nullish().describe("The drives: ssd or hdd. Default: ssd"),
    filesystem: z.enum(filesystems).nullish().describe("The file system. Default: btrfs"),
    directory: z
      .string()
      .regex(/^(\/[^/\s]+)+$/, "it is no absolute path")
      .nullish()
      .describe("Where the nodes mount volumes: an absolute path. Default: /cio/volumes"),
    labels: bounded(z.record(labelKey, z.string()), MOST_LABELS)
      .nullish()
      .describe("Labels of the volume. Default: none"),
    services: z
      .strictObject({
        compression: z
          .union([
            z.boolean().describe(`true, false or an algorithm: ${algorithms.join(", ")}`),
            z.string().regex(/^([Yy]es|[Nn]o|[Ee]nabled|[Dd]isabled|lzo|zlib|zstd)$/, "it is no way of compressing"),
          ])
          .nullish()
          .describe("Compression: on, off, or an algorithm (lzo, which is that of `true`; zlib, zstd). Default: false"),
        dedupe: onOff.nullish().describe("Deduplication, which no release has. Default: false"),
        encryption: onOff.nullish().describe("Encryption. Default: false"),
        highAvailability: onOff
          .nullish()
          .describe("High availability as a service of its own, which no release has. Default: false"),
        replication: z
          .union([flag, word, replication])
          .nullish()
          .describe("Replication to another place, which no release has. Default: disabled"),
        snapshot: z.union([flag, word, snapshot]).nullish().describe("Periodic snapshots. Default: disabled"),
        autoExpand: z.union([flag, word, autoExpand]).nullish().describe("Growth by itself. Default: disabled"),
      })
      .nullish()
      .describe("Services of the volume"),
  })
  .describe("What the profile means on ConvergeIO / Storidge ContainerIO");
export type CioSection = z.infer<typeof section>;

/** A service that is on or off, or has parameters; with parameters alone it is on. */
export function withParameters<T extends { enabled?: OnOff | null | undefined }>(
  said: OnOff | T | null | undefined,
): [boolean, Partial<T>] {
  if (typeof said === "object" && said !== null) return [said.enabled == null || isOn(said.enabled), said];
  return [isOn(said), {}];
}
