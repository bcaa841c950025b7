// The local backend: a file-backed volume with limits on a laptop or a server, for development, tests and small things.

import { z } from "zod";

import { count, note, problem, type Note } from "../../core/problems";
import {
  defineBackend,
  inPlace,
  readAsRecorded,
  partialRange,
  rangeSchema,
  refused,
  sizeProblems,
  type Answer,
  type Asked,
} from "../contract";
import { flatCost, flatPrices } from "../flat-price";
import { iopsSchema, wantedIops } from "../iops";
import type { LocalSettings } from "./settings";
import { localProblems } from "./problems";
// Beside what is imported by name: so its codes are in the types of every program.
import "./problems";

export type { LocalMode, LocalSettings } from "./settings";

const section = z
  .strictObject({
    iops: iopsSchema.nullish().describe("Maximum reads per second, and maximum writes per second. Default: unlimited"),
    throughputMiBps: z
      .int()
      .positive()
      .nullish()
      .describe("Maximum MiB/s read, and maximum MiB/s written. Default: unlimited"),
    overcommit: z
      .boolean()
      .nullish()
      .describe("Whether volumes may promise more space than the disk has free. Default: false"),
  })
  .describe("The profile's settings on the local backend");
type Section = z.infer<typeof section>;

const placement = z.strictObject({
  mode: z
    .enum(["loop", "directory"])
    .optional()
    .describe("loop: size and limits are enforced (Linux, root). directory: not enforced"),
});
type Placement = z.infer<typeof placement>;

const stack = z
  .strictObject({
    stateDirectory: z
      .string()
      .regex(/^(\/[^/]+)+$/)
      .optional()
      .describe(
        "Absolute path of the directory for local volumes. Default: /var/lib/storage-profiles for root, otherwise in the home directory",
      ),
    mode: z
      .enum(["auto", "loop", "directory"])
      .optional()
      .describe(
        "loop: size and limits are enforced (Linux, root). directory: not enforced. Default: auto, the best that this machine supports",
      ),
  })
  .describe("How the local backend works on this machine");

const limitsSchema = z.strictObject({ sizeGiB: rangeSchema, iops: rangeSchema, throughputMiBps: rangeSchema });
type Limits = z.infer<typeof limitsSchema>;

const sequence = new Intl.ListFormat("en");

export const local = defineBackend({
  name: "local",
  title: "This machine",
  section,
  builtIn: {
    default: {},
    gold: { iops: { max: 10_000 } },
    silver: { iops: { max: 3_000 }, throughputMiBps: 250 },
    bronze: { iops: { max: 500 }, throughputMiBps: 60 },
  },
  placement,
  stack,
  questions: [],
  hasProvider: true,
  limits: {
    // Source: ext4's largest file is 16 TiB less a block (kernel Documentation/filesystems/ext4); blk-throttle counts IOPS
    // in 32 bits (block/blk-throttle.h). Read 2026-11-22.
    data: {
      sizeGiB: { min: 1, max: 16_383 },
      iops: { min: 1, max: 4_294_967_295 },
      throughputMiBps: { min: 1, max: 1_048_576 },
    },
    override: z
      .strictObject({
        sizeGiB: partialRange.optional(),
        iops: partialRange.optional(),
        throughputMiBps: partialRange.optional(),
      })
      .describe("Limits of the local backend; override the shipped limits"),
    whole: limitsSchema,
  },
  prices: flatPrices("this machine"),
  problems: localProblems,
  resolve,
  change: {
    mode: (from) =>
      from === "loop"
        ? refused(
            "the volume has its own file system, which only root can attach",
            "run as root on Linux, or declare a new volume, copy the data, and destroy this one",
          )()
        : refused(
            "the volume is a plain directory",
            "set `mode: directory` in storage-profiles:local, or declare a new volume, copy the data, and destroy this one",
          )(),
    iopsLimit: inPlace,
    throughputLimitMiBps: inPlace,
    overcommit: inPlace,
  },
  monthlyCost: flatCost,
  quantities: {
    iopsLimit: { unit: "IOPS", isUnlimitedAtZero: true },
    throughputLimitMiBps: { unit: "MiB/s", isUnlimitedAtZero: true },
  },
  place: ({ mode }) => (mode === undefined || mode === "auto" ? {} : { mode }),
  recorded: {
    type: "pulumi-nodejs:dynamic/storage-profiles:LocalVolume",
    pluginType: "storage-profiles:local:Volume",
    read: readAsRecorded,
    decided: ["mode"],
    own: ["mode"],
  },
});

function resolve(asked: Asked<Section, Placement, Limits>): Answer<LocalSettings> {
  const { section, sizeGiB, path, limits, profile } = asked;
  const mode = asked.placement.mode ?? "loop";
  const problems = sizeProblems("a local volume", asked, limits.sizeGiB);
  const notes: Note[] = [];

  let iopsLimit = 0;
  if (section.iops != null) {
    const wanted = wantedIops(section.iops, sizeGiB, profile, `${path}.iops`);
    problems.push(...wanted.problems);
    notes.push(...wanted.notes);
    // A rule without perGiB has no target: its max is the limit, and a min alone asks for no limit.
    const hasTarget = typeof section.iops === "number" || section.iops.perGiB != null;
    iopsLimit = (hasTarget ? wanted.iops : wanted.max) ?? 0;
    if (iopsLimit !== 0 && (iopsLimit < limits.iops.min || iopsLimit > limits.iops.max)) {
      const ways = [`use ${count(limits.iops.min)} to ${count(limits.iops.max)} IOPS`];
      problems.push(
        problem("iops-beyond-limit", `${path}.iops`, section.iops, {
          what: "a local volume",
          wants: wanted.wants,
          ...limits.iops,
          ways,
        }),
      );
    }
  }

  const throughputLimitMiBps = section.throughputMiBps ?? 0;
  const { min, max } = limits.throughputMiBps;
  if (throughputLimitMiBps !== 0 && (throughputLimitMiBps < min || throughputLimitMiBps > max)) {
    const wants = `"${profile}" sets ${count(throughputLimitMiBps)} MiB/s`;
    const ways = [`use ${count(min)} to ${count(max)} MiB/s`];
    problems.push(
      problem("throughput-beyond-limit", `${path}.throughputMiBps`, section.throughputMiBps, {
        what: "a local volume",
        wants,
        min,
        max,
        ways,
      }),
    );
  }
  if (problems.length > 0) return { sizeGiB, problems, notes: [] };

  if (mode === "directory") {
    const limited = [
      `the size of ${count(sizeGiB)} GiB`,
      iopsLimit && `the limit of ${count(iopsLimit)} IOPS`,
      throughputLimitMiBps && `the limit of ${count(throughputLimitMiBps)} MiB/s`,
    ].filter((each) => typeof each === "string");
    const what = `${sequence.format(limited)} ${limited.length > 1 ? "are" : "is"}`;
    const because = "the volume is a plain directory (size and limits require Linux and root)";
    notes.push(note("limits-not-enforced", path, { what, because }));
  }
  const settings: LocalSettings = { mode, iopsLimit, throughputLimitMiBps, overcommit: section.overcommit ?? false };
  return { settings, sizeGiB, problems, notes };
}
