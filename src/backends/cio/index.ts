// ConvergeIO / Storidge ContainerIO: volumes that a cluster of nodes keeps in several copies, with reserved and limited IOPS.

import { z } from "zod";

import { count, note, type Note, type Problem } from "../../core/problems";
import {
  defineBackend,
  inPlace,
  mergeTags,
  readAsRecorded,
  refused,
  sizeProblems,
  type Answer,
  type Asked,
  type Made,
} from "../contract";
import { connectionChange, connectionSchema } from "../connection";
import { flatCost, flatPrices } from "../flat-price";
import { cioLimits, DEFAULT_RELEASE, releases, type CioLimits, type RareService } from "./limits";
import { algorithms, cioTagRules, isOn, section, withParameters, type CioSection } from "./section";
import type { CioSettings } from "./settings";
import { cioProblems, problem } from "./problems";
// Beside what is imported by name: so its codes are in the types of every program.
import "./problems";

export type { CioSettings } from "./settings";

const version = z
  .union([z.literal([...releases]), z.enum(["2015", "1", "2"])])
  .optional()
  .describe("The release of ContainerIO: 1, 2, or 2015 for the limits of the founding example. Needed to make volumes");

const connection = connectionSchema("cio", "the cluster").optional();
const own = z.strictObject({ connection }).describe("Settings for a single volume on ContainerIO");
const place = z.strictObject({
  version,
  connection: connection.describe(
    "Name of the connection of volumes that don't set one, of those in cio:connections. Default: cio:endpoint",
  ),
});
const placement = place.extend({ labels: section.shape.labels });
type Placement = z.infer<typeof placement>;

const stack = place
  .extend({
    owner: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Whose stack this is, where several people have a stack of one name and project on one cluster: part of what keeps names apart",
      ),
  })
  .describe("Which release of ContainerIO the cluster runs");

const NEW_VOLUME_WAY = "declare a new volume with the new setting, copy the data, and destroy this one";
const KEEP_WAY = `keep the setting, or ${NEW_VOLUME_WAY}`;
const atCreation = refused("the cluster sets it when it makes a volume, and has no command that changes it", KEEP_WAY);

/** The settings of services, which say something only where the service is on. */
const parameters = {
  replication: ["replicationDestination", "replicationIntervalMinutes", "replicationType"],
  snapshots: ["snapshotStartMinutes", "snapshotIntervalMinutes", "snapshotMax"],
} as const satisfies Partial<Record<keyof CioSettings, readonly (keyof CioSettings)[]>>;

// Judged together with the service, by `wholeChange`.
const nothing = (): undefined => undefined;

export const cio = defineBackend({
  name: "cio",
  title: "ContainerIO",
  section,
  // `gold` is the founding example to the value; its node was a comment there.
  builtIn: {
    default: {},
    gold: {
      iops: { min: 100, max: 1_000 },
      level: 5,
      local: true,
      provision: "thin",
      type: "ssd",
      services: {
        compression: false,
        dedupe: false,
        encryption: false,
        highAvailability: false,
        replication: { enabled: false, destination: "none", intervalMinutes: 120, type: "synchronous" },
        snapshot: { enabled: false, startMinutes: 1_440, intervalMinutes: 60, max: 10 },
      },
    },
    silver: { iops: { min: 50, max: 500 } },
    bronze: { iops: { max: 250 } },
  },
  placement,
  stack,
  tags: { setting: "labels", is: "a label of a ContainerIO volume", rules: () => cioTagRules },
  place: ({ version, connection }) => ({
    ...(version !== undefined && { version }),
    ...(connection !== undefined && { connection }),
  }),
  own,
  questions: [
    {
      option: "release",
      key: "version",
      message: "Release of ContainerIO (1 or 2; 2015 for the limits of the founding example)",
      description: "the release of ContainerIO: 1, 2 or 2015",
      isNeeded: true,
    },
  ],
  hasProvider: true,
  limits: cioLimits,
  prices: flatPrices("ContainerIO"),
  problems: cioProblems,
  resolve,
  change: {
    iopsMin: inPlace,
    iopsMax: inPlace,
    bandwidthMinMiBps: inPlace,
    bandwidthMaxMiBps: (_from, to) =>
      to === 0
        ? refused(
            "no value is documented that takes a bandwidth limit away",
            `raise the limit instead, or ${NEW_VOLUME_WAY}`,
          )()
        : inPlace(),
    level: atCreation,
    local: atCreation,
    // Where the cluster may choose again, the volume stays where it is.
    node: (_from, to) =>
      to === null
        ? undefined
        : { verdict: "migrates", because: "the cluster copies a volume to another node, while nobody has it open" },
    provision: atCreation,
    type: atCreation,
    filesystem: refused("another file system would have to be made, over the data", KEEP_WAY),
    directory: inPlace,
    labels: (from, to) =>
      Object.keys(from).some((key) => !Object.hasOwn(to, key))
        ? refused("a label can be changed, and not removed", "keep the label, with another value")()
        : inPlace(),
    compression: refused("it is an option of the mount that the cluster sets when it makes a volume", KEEP_WAY),
    dedupe: atCreation,
    connection: connectionChange,
    encryption: atCreation,
    highAvailability: atCreation,
    replication: atCreation,
    replicationDestination: nothing,
    replicationIntervalMinutes: nothing,
    replicationType: nothing,
    snapshots: (_from, to) =>
      to
        ? refused("their interval and number are set when a volume is made", `leave them off, or ${NEW_VOLUME_WAY}`)()
        : inPlace(),
    snapshotStartMinutes: nothing,
    snapshotIntervalMinutes: nothing,
    snapshotMax: nothing,
    autoExpand: inPlace,
    autoExpandThresholdPercent: inPlace,
    autoExpandIncrementPercent: inPlace,
    autoExpandLimit: inPlace,
  },
  wholeChange,
  monthlyCost: flatCost,
  quantities: {
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
  isEncrypted: ({ encryption }) => encryption,
  recorded: {
    type: "pulumi-nodejs:dynamic/storage-profiles:CioVolume",
    pluginType: "storage-profiles:cio:Volume",
    read: readAsRecorded,
    decided: [],
    own: ["connection"],
  },
});

// What settings say together: parameters of a service that is on, and the two ways of limiting a volume, of which it has one.
function wholeChange({ settings: from }: Made<CioSettings>, { settings: to }: Made<CioSettings>): Problem[] {
  const problems: Problem[] = [];
  const refuse = (setting: keyof CioSettings, because: string, way: string) => {
    const text = (value: unknown) => JSON.stringify(value);
    const params = { setting, from: text(from[setting]), to: text(to[setting]), because, way };
    problems.push(problem("change-not-possible", `settings.${setting}`, to[setting], params));
  };
  for (const [service, settings] of Object.entries(parameters) as [
    keyof typeof parameters,
    readonly (keyof CioSettings)[],
  ][]) {
    if (!from[service] || !to[service]) continue;
    for (const setting of settings) {
      if (from[setting] !== to[setting])
        refuse(setting, "the cluster sets it when it makes a volume, and has no command that changes it", KEEP_WAY);
    }
  }
  const hasBandwidth = ({ bandwidthMinMiBps, bandwidthMaxMiBps }: CioSettings) =>
    bandwidthMinMiBps !== null || bandwidthMaxMiBps !== 0;
  const hasIops = ({ iopsMin, iopsMax }: CioSettings) => iopsMin !== null || iopsMax !== 0;
  if (hasIops(from) && hasBandwidth(to))
    refuse(
      to.bandwidthMaxMiBps === 0 ? "bandwidthMinMiBps" : "bandwidthMaxMiBps",
      "limits by IOPS and by bandwidth exclude each other, and no source tells how a volume goes from the one to the other",
      `keep limits by IOPS, or ${NEW_VOLUME_WAY}`,
    );
  if (from.bandwidthMinMiBps !== null && to.bandwidthMinMiBps === null)
    refuse(
      "bandwidthMinMiBps",
      "no value is documented that takes a reserved bandwidth away",
      `lower it instead, or ${NEW_VOLUME_WAY}`,
    );
  return problems;
}

interface Range {
  min: number;
  max: number;
  unsureAbove?: number | undefined;
}

function resolve(asked: Asked<CioSection, Placement, CioLimits>): Answer<CioSettings> {
  const { section, path, sizeGiB, profile, placement } = asked;
  const release = String(placement.version ?? DEFAULT_RELEASE) as keyof CioLimits;
  const limits = asked.limits[release];
  const product = release === "2015" ? "ConvergeIO of 2015" : `ContainerIO ${release}`;
  const notes: Note[] = [];
  const problems = sizeProblems("a ContainerIO volume", asked, limits.sizeGiB);
  const unsure = (at: string, text: string, value: number, { unsureAbove }: Range) => {
    if (unsureAbove === undefined || value <= unsureAbove) return;
    notes.push(note("limit-unsure", at, { what: text, because: `some sources end at ${count(unsureAbove)}` }));
  };
  unsure(asked.sizePath, `${count(sizeGiB)} GiB`, sizeGiB, limits.sizeGiB);
  const lacks = (at: string, given: unknown, because: string, allowed: string, way: string) =>
    problems.push(problem("not-in-release", `${path}.${at}`, given, { product, because, allowed, way }));

  for (const key of ["iops", "bandwidth"] as const) {
    const { min, max } = section[key] ?? {};
    const [unit, range] = key === "iops" ? ["IOPS", limits.iops] : ["MiB/s", limits.bandwidthMiBps];
    const codes =
      key === "iops"
        ? (["iops-range-empty", "iops-beyond-limit"] as const)
        : (["throughput-range-empty", "throughput-beyond-limit"] as const);
    if (min != null && max != null && min > max)
      problems.push(problem(codes[0], `${path}.${key}`, section[key], { min, max }));
    for (const [bound, value] of Object.entries({ min, max })) {
      if (value == null) continue;
      const at = `${path}.${key}.${bound}`;
      if (value < range.min || value > range.max) {
        const wants = `profile "${profile}" sets ${bound === "min" ? "at least" : "at most"} ${count(value)} ${unit}`;
        // Not beyond the other bound, which is a problem of its own where it is out of range.
        const from = bound === "max" ? Math.max(range.min, min ?? 0) : range.min;
        const to = bound === "min" ? Math.min(range.max, max ?? Infinity) : range.max;
        const ways = [...(from <= to ? [`use ${count(from)} to ${count(to)} ${unit}`] : []), asked.without(key, bound)];
        problems.push(
          problem(codes[1], at, value, { what: "ContainerIO", wants, min: range.min, max: range.max, ways }),
        );
      } else unsure(at, `${count(value)} ${unit}`, value, range);
    }
  }
  const says = (key: "iops" | "bandwidth") => section[key]?.min != null || section[key]?.max != null;
  if (says("iops") && says("bandwidth")) {
    const because = "a volume is limited by IOPS or by bandwidth, and ContainerIO makes none that has both";
    const ways = [asked.without("bandwidth"), asked.without("iops")];
    problems.push(
      problem("setting-not-applicable", `${path}.bandwidth`, section.bandwidth, {
        setting: "bandwidth",
        because,
        ways,
      }),
    );
  }
  const type = section.type?.toLowerCase() === "hdd" ? "hdd" : "ssd";
  if (type === "hdd" && section.iops?.min != null) {
    const ways = [asked.without("iops", "min"), "set `type: ssd`"];
    const because = "ContainerIO reserves IOPS on SSDs only";
    problems.push(
      problem("setting-not-applicable", `${path}.iops.min`, section.iops.min, { setting: "iops.min", because, ways }),
    );
  }

  const { values, unsure: unsureLevels, default: defaultLevel } = limits.level;
  const level = section.level ?? defaultLevel;
  const certain = values.filter((each) => !unsureLevels.includes(each));
  if (!values.includes(level)) {
    const sure = either(certain.length > 0 ? certain : values);
    lacks(
      "level",
      level,
      `a volume has ${sure} copies there, and not ${count(level)}`,
      `level: ${sure}`,
      `set \`level\` to ${sure}`,
    );
  } else if (unsureLevels.includes(level)) {
    const because = certain.length > 0 ? `some sources begin at ${Math.min(...certain)}` : "no source is certain of it";
    notes.push(note("limit-unsure", `${path}.level`, { what: `level ${level}`, because }));
  }

  const services = section.services ?? {};
  const [replication, replicates] = withParameters(services.replication);
  const [snapshots, snapshot] = withParameters(services.snapshot);
  const [autoExpand, expands] = withParameters(services.autoExpand);
  const rare: [RareService, boolean, string][] = [
    ["dedupe", isOn(services.dedupe), "deduplication was announced, and no release has it"],
    [
      "replication",
      replication,
      "replication to another place was declared in profiles, and no release carries it out",
    ],
    [
      "highAvailability",
      isOn(services.highAvailability),
      "high availability is no service there: redundancy and failover are always on",
    ],
  ];
  for (const [service, isWanted, because] of rare) {
    if (isWanted && !limits.services.includes(service))
      lacks(
        `services.${service}`,
        services[service],
        because,
        `services.${service}: false`,
        `set \`services.${service}\` to false`,
      );
  }

  const intervalMinutes = snapshot.intervalMinutes ?? 60;
  const kept = snapshot.max ?? 10;
  for (const [key, value, range] of [
    ["intervalMinutes", intervalMinutes, limits.snapshotIntervalMinutes],
    ["max", kept, limits.snapshotMax],
  ] as const) {
    const at = `${path}.services.snapshot.${key}`;
    if (value < range.min || value > range.max)
      problems.push(
        problem("value-out-of-range", at, value, {
          given: count(value),
          range: `${count(range.min)} to ${count(range.max)}`,
        }),
      );
    else if (snapshots) unsure(at, `${count(value)} snapshots`, value, range);
  }
  if (snapshots && snapshot.startMinutes != null) {
    const because = "no command of ContainerIO sets when the first snapshot is taken";
    notes.push(
      note("limits-not-enforced", `${path}.services.snapshot.startMinutes`, {
        what: `startMinutes ${count(snapshot.startMinutes)} is`,
        because,
      }),
    );
  }
  const tags = mergeTags(asked, "labels", { ofProfile: section.labels, ofBackend: placement.labels });
  notes.push(...tags.notes);
  if (problems.length > 0) return { sizeGiB, problems, notes: [] };

  const settings: CioSettings = {
    iopsMin: section.iops?.min ?? null,
    iopsMax: section.iops?.max ?? 0,
    bandwidthMinMiBps: section.bandwidth?.min ?? null,
    bandwidthMaxMiBps: section.bandwidth?.max ?? 0,
    level,
    local: section.local == null ? limits.local : isOn(section.local),
    node: section.node ?? null,
    provision: section.provision ?? "thin",
    type,
    filesystem: section.filesystem ?? "btrfs",
    directory: section.directory ?? "/cio/volumes",
    labels: { ...tags.tags },
    ...(placement.connection !== undefined && { connection: placement.connection }),
    compression: compressionOf(services.compression),
    dedupe: isOn(services.dedupe),
    encryption: isOn(services.encryption),
    highAvailability: isOn(services.highAvailability),
    replication,
    replicationDestination: replicates.destination ?? "none",
    replicationIntervalMinutes: replicates.intervalMinutes ?? 120,
    replicationType: replicates.type ?? "synchronous",
    snapshots,
    snapshotStartMinutes: snapshot.startMinutes ?? 1_440,
    snapshotIntervalMinutes: intervalMinutes,
    snapshotMax: kept,
    autoExpand,
    autoExpandThresholdPercent: expands.thresholdPercent ?? 80,
    autoExpandIncrementPercent: expands.incrementPercent ?? 25,
    autoExpandLimit: expands.limit ?? 3,
  };
  return { settings, sizeGiB, problems, notes };
}

function compressionOf(said: boolean | string | null | undefined): CioSettings["compression"] {
  const algorithm = algorithms.find((each) => each === said);
  return algorithm ?? (isOn(said) ? "lzo" : "none");
}

function either(values: readonly number[]): string {
  return values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} or ${values[values.length - 1]}`;
}
