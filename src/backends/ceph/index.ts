// Ceph RBD: images in a pool, which decides on copies and devices, with limits that clients keep.

import { z } from "zod";

import { isSame } from "../../core/revision";
import { count, note, problem, type Note, type Problem } from "../../core/problems";
import {
  defineBackend,
  inPlace,
  mergeTags,
  readAsRecorded,
  refused,
  sizeProblems,
  type Answer,
  type Asked,
  type SettingRule,
} from "../contract";
import { connectionChange, connectionSchema } from "../connection";
import { flatCost, flatPrices } from "../flat-price";
import { cephLimits, type CephLimits } from "./limits";
import { cephProblems } from "./problems";
// Beside what is imported by name: so its codes are in the types of every program.
import "./problems";
import {
  cephTagRules,
  pool,
  section,
  type CephLimitsSection,
  type CephPool,
  type CephSection,
  type ImageFeature,
} from "./section";
import type { CephSettings } from "./settings";

export type { ImageFeature } from "./section";
export type { CephSettings } from "./settings";

const connection = connectionSchema("ceph", "the cluster").optional();
const own = z.strictObject({ connection }).describe("Settings for a single volume on Ceph RBD");
const place = z.strictObject({
  connection: connection.describe(
    "Name of the connection of volumes that don't set one, of those in ceph:connections. Default: ceph:configFile",
  ),
  pools: z
    .array(pool)
    .optional()
    .describe("The pools that profiles may use, the preferred one first. Default: only pools that profiles name"),
});
const placement = place.extend({ metadata: section.shape.metadata });
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
  .describe("The pools of the Ceph cluster");

/** The pool where neither the profile nor the stack names one: that of the `rbd` command. */
const DEFAULT_POOL = "rbd";

/**
 * Features that can be switched on and off, each with what it needs. `object-map` and `fast-diff` go on and off together: to switch one of them
 * switches the other. Source: tried with Ceph 16.2.15, 2026-11-30.
 */
export const SWITCHABLE: Readonly<Partial<Record<ImageFeature, readonly ImageFeature[]>>> = {
  "exclusive-lock": [],
  "object-map": ["exclusive-lock", "fast-diff"],
  "fast-diff": ["exclusive-lock", "object-map"],
  journaling: ["exclusive-lock"],
};

// Where the pool stays, the cluster is asked whether it is what the profile asks for; nothing happens to the image.
const ofThePool = (): undefined => undefined;

export const ceph = defineBackend({
  name: "ceph",
  title: "Ceph RBD",
  section,
  builtIn: {
    default: {},
    gold: { copies: 3, preferredDeviceClass: "ssd", iops: { max: 1_000 } },
    silver: { iops: { max: 500 } },
    bronze: { iops: { max: 250 } },
  },
  placement,
  stack,
  tags: { setting: "metadata", is: "an entry of an image's metadata", rules: () => cephTagRules },
  place: ({ pools, connection }) => ({
    ...(pools !== undefined && { pools }),
    ...(connection !== undefined && { connection }),
  }),
  own,
  questions: [],
  hasProvider: true,
  limits: cephLimits,
  problems: cephProblems,
  prices: flatPrices("Ceph RBD"),
  resolve,
  change: {
    pool: () => ({
      verdict: "migrates",
      because: "the cluster copies the image to the other pool, while no client has it open",
    }),
    copies: ofThePool,
    deviceClass: ofThePool,
    iopsLimit: inPlace,
    readIopsLimit: inPlace,
    writeIopsLimit: inPlace,
    iopsBurst: inPlace,
    readIopsBurst: inPlace,
    writeIopsBurst: inPlace,
    bandwidthLimitMiBps: inPlace,
    readBandwidthLimitMiBps: inPlace,
    writeBandwidthLimitMiBps: inPlace,
    bandwidthBurstMiBps: inPlace,
    readBandwidthBurstMiBps: inPlace,
    writeBandwidthBurstMiBps: inPlace,
    encryption: changeOfEncryption,
    snapshotLimit: inPlace,
    mirrorMode: inPlace,
    mirrorEvery: inPlace,
    mirrorStart: inPlace,
    imageFeatures: changeOfFeatures,
    metadata: inPlace,
    connection: connectionChange,
  },
  isEncrypted: ({ encryption }) => encryption === "luks2",
  monthlyCost: flatCost,
  quantities: {
    copies: { unit: "copies" },
    iopsLimit: { unit: "IOPS", isUnlimitedAtZero: true },
    readIopsLimit: { unit: "IOPS", isUnlimitedAtZero: true },
    writeIopsLimit: { unit: "IOPS", isUnlimitedAtZero: true },
    iopsBurst: { unit: "IOPS" },
    readIopsBurst: { unit: "IOPS" },
    writeIopsBurst: { unit: "IOPS" },
    bandwidthLimitMiBps: { unit: "MiB/s", isUnlimitedAtZero: true },
    readBandwidthLimitMiBps: { unit: "MiB/s", isUnlimitedAtZero: true },
    writeBandwidthLimitMiBps: { unit: "MiB/s", isUnlimitedAtZero: true },
    bandwidthBurstMiBps: { unit: "MiB/s" },
    readBandwidthBurstMiBps: { unit: "MiB/s" },
    writeBandwidthBurstMiBps: { unit: "MiB/s" },
    snapshotLimit: { unit: "snapshots", isUnlimitedAtZero: true },
  },
  recorded: {
    type: "pulumi-nodejs:dynamic/storage-profiles:CephVolume",
    pluginType: "storage-profiles:ceph:Volume",
    read: readAsRecorded,
    decided: [],
    own: ["connection"],
  },
});

// Where the cluster may choose again, the image keeps what it has. What it was given by the cluster's choice isn't known here: its provider
// compares, and refuses what can't be switched.
function changeOfFeatures(
  from: CephSettings["imageFeatures"],
  to: CephSettings["imageFeatures"],
): SettingRule | undefined {
  if (to === null || isSame(from, to)) return undefined;
  const fixed =
    from && [...from, ...to].find((each) => from.includes(each) !== to.includes(each) && !(each in SWITCHABLE));
  if (!fixed) return inPlace();
  const way = `keep \`${fixed}\` as it is, or declare a new volume, copy the data, and destroy this one`;
  return refused(`\`${fixed}\` is set when an image is made`, way)();
}

// The header is written when the image is made, and what is written to the image after that is what the client encrypts.
function changeOfEncryption(_from: CephSettings["encryption"], to: CephSettings["encryption"]): SettingRule {
  const keep = to === null ? "keep `encryption: luks2` in the profile" : "leave `encryption` out of the profile";
  const way = `${keep}, or declare a new volume, copy the data by a client that has both open, and destroy this one`;
  return refused(`an existing image can't be ${to === null ? "decrypted" : "encrypted"}`, way)();
}

function resolve(asked: Asked<CephSection, Placement, CephLimits>): Answer<CephSettings> {
  const { section, path, sizeGiB, limits } = asked;
  const problems = sizeProblems("an RBD image", asked, limits.sizeGiB);
  problems.push(...unavailable(asked));
  const iops = limitsOf(asked, "iops", section.iops, limits.iops, problems);
  const bandwidth = limitsOf(asked, "bandwidth", section.bandwidth, limits.bandwidthMiBps, problems);

  const features = section.imageFeatures ?? null;
  for (const feature of features ?? []) {
    const missing = SWITCHABLE[feature]?.filter((each) => !features?.includes(each)) ?? [];
    if (missing.length === 0) continue;
    const names = missing.map((each) => `\`${each}\``).join(" and ");
    const params = { setting: feature, because: `it needs ${names}`, ways: [`add ${names}`, `remove \`${feature}\``] };
    problems.push(problem("setting-not-applicable", `${path}.imageFeatures`, features, params));
  }
  const notes: Note[] = [];
  const mirror = mirrorOf(asked, problems);
  const chosen = choosePool(asked, problems, notes);
  const tags = mergeTags(asked, "metadata", { ofProfile: asked.section.metadata, ofBackend: asked.placement.metadata });
  notes.push(...tags.notes);
  if (problems.length > 0 || !chosen) return { sizeGiB, problems, notes: [] };

  const settings: CephSettings = {
    pool: chosen.name,
    copies: chosen.copies ?? null,
    deviceClass: chosen.deviceClass ?? null,
    iopsLimit: iops.max,
    readIopsLimit: iops.read,
    writeIopsLimit: iops.write,
    iopsBurst: iops.burst.max || null,
    readIopsBurst: iops.burst.read || null,
    writeIopsBurst: iops.burst.write || null,
    bandwidthLimitMiBps: bandwidth.max,
    readBandwidthLimitMiBps: bandwidth.read,
    writeBandwidthLimitMiBps: bandwidth.write,
    bandwidthBurstMiBps: bandwidth.burst.max || null,
    readBandwidthBurstMiBps: bandwidth.burst.read || null,
    writeBandwidthBurstMiBps: bandwidth.burst.write || null,
    encryption: isWanted(section.encryption) ? "luks2" : null,
    snapshotLimit: section.snapshotLimit ?? 0,
    ...mirror,
    // Their order means nothing.
    imageFeatures: features && [...new Set(features)].sort(),
    metadata: { ...tags.tags },
    ...(asked.placement.connection !== undefined && { connection: asked.placement.connection }),
  };
  return { settings, sizeGiB, problems, notes };
}

/** What Ceph doesn't have. */
function unavailable({ section, path, without }: Asked<CephSection, Placement, CephLimits>): Problem[] {
  const problems: Problem[] = [];
  const lacks = (setting: string, given: unknown, because: string, way: string) =>
    problems.push(
      problem("setting-not-applicable", `${path}.${setting}`, given, {
        setting,
        because,
        ways: [without(setting), way],
      }),
    );
  const reserves = "Ceph limits what an image may do and reserves nothing for it";
  if (section.iops?.min != null)
    lacks("iops.min", section.iops.min, reserves, "use a pool on faster devices, and limit its other images");
  if (section.bandwidth?.min != null)
    lacks("bandwidth.min", section.bandwidth.min, reserves, "use a pool on faster devices, and limit its other images");
  if (section.dedupe === true) lacks("dedupe", true, "RBD has no deduplication", "set `dedupe` to false");
  if (section.local === true)
    lacks(
      "local",
      true,
      "the CRUSH rule of a pool decides on which hosts its data lies",
      "use a `pool` whose CRUSH rule keeps its data on one host",
    );
  if (section.provision === "thick")
    lacks(
      "provision",
      "thick",
      "Ceph can allocate a new image, but what is added when it grows or moves to another pool is thin again",
      "set `provision` to thin",
    );
  if (isWanted(section.snapshot))
    lacks(
      "snapshot",
      section.snapshot,
      "Ceph takes no snapshots of an image on a schedule",
      "have a scheduler run `rbd snap create`; `snapshotLimit` limits how many there are",
    );
  return problems;
}

type Mirror = Pick<CephSettings, "mirrorMode" | "mirrorEvery" | "mirrorStart">;
const NOT_MIRRORED: Mirror = { mirrorMode: null, mirrorEvery: null, mirrorStart: null };

/** How the image is mirrored. Sources: `rbd help mirror`; what goes with what was tried with Ceph 16.2.15, 2026-11-30. */
function mirrorOf({ section, path }: Asked<CephSection, Placement, CephLimits>, problems: Problem[]): Mirror {
  const { mirror, snapshotLimit, imageFeatures: features } = section;
  if (!isWanted(mirror)) return NOT_MIRRORED;
  const said = typeof mirror === "object" && mirror !== null ? mirror : {};
  const mode = said.mode ?? "snapshot";
  const cannot = (setting: string, given: unknown, because: string, ways: string[]) =>
    problems.push(problem("setting-not-applicable", `${path}.${setting}`, given, { setting, because, ways }));
  const byJournal = "with `mode: journal` every write is copied at once, and no snapshots are taken";
  for (const key of ["every", "start"] as const) {
    if (mode === "journal" && said[key] != null)
      cannot(`mirror.${key}`, said[key], byJournal, [`remove \`${key}\``, "set `mode` to snapshot"]);
  }
  if (mode === "snapshot" && said.start != null && said.every == null)
    cannot("mirror.start", said.start, "it says when, and not how often", ["add `every`", "remove `start`"]);
  if (mode === "snapshot" && snapshotLimit != null) {
    const because = "snapshots that are taken for mirroring count, too, and mirroring would stop at the limit";
    cannot("snapshotLimit", snapshotLimit, because, ["remove `snapshotLimit`", "set `mirror.mode` to journal"]);
  }
  if (mode === "journal" && features && !features.includes("journaling")) {
    const because = "mirroring by a journal needs `journaling`";
    cannot("imageFeatures", features, because, ["add `journaling`", "set `mirror.mode` to snapshot"]);
  }
  return {
    mirrorMode: mode,
    mirrorEvery: said.every == null ? null : intervalText(minutesOf(said.every)),
    mirrorStart: said.start ?? null,
  };
}

const MINUTES = { m: 1, h: 60, d: 24 * 60 };

function minutesOf(every: string): number {
  return Number(every.slice(0, -1)) * MINUTES[every.slice(-1) as keyof typeof MINUTES];
}

/** An interval as Ceph prints it: 120m is 2h. */
function intervalText(minutes: number): string {
  const unit = (["d", "h"] as const).find((each) => minutes % MINUTES[each] === 0) ?? "m";
  return `${minutes / MINUTES[unit]}${unit}`;
}

// Off in the spellings that other backends understand; with parameters alone it is on.
function isWanted(said: CephSection["snapshot"] | CephSection["encryption"] | CephSection["mirror"]): boolean {
  if (typeof said === "object" && said !== null) return said.enabled == null || isWanted(said.enabled);
  return said != null && said !== false && !/^(no|disabled)$/i.test(String(said));
}

interface Limits {
  max: number;
  read: number;
  write: number;
}

const UNLIMITED: Readonly<Limits> = { max: 0, read: 0, write: 0 };

function limitsOf(
  { path, profile }: Pick<Asked<CephSection, Placement, CephLimits>, "path" | "profile">,
  key: "iops" | "bandwidth",
  said: CephLimitsSection,
  { min, max }: { min: number; max: number },
  problems: Problem[],
): Limits & { burst: Limits } {
  const unit = key === "iops" ? "IOPS" : "MiB/s";
  if (said == null) return { ...UNLIMITED, burst: UNLIMITED };
  const { burst } = said;
  const bursts = typeof burst === "number" ? { max: burst } : (burst ?? {});
  const check = (at: string, value: number | null | undefined): number => {
    if (value == null) return 0;
    if (value < min || value > max) {
      const wants = `profile "${profile}" sets ${count(value)} ${unit}`;
      const ways = [`ask for ${count(min)} to ${count(max)} ${unit}`, `remove \`${key}.${at}\``];
      const code = key === "iops" ? "iops-beyond-limit" : "throughput-beyond-limit";
      problems.push(problem(code, `${path}.${key}.${at}`, value, { what: "Ceph RBD", wants, min, max, ways }));
    }
    return value;
  };
  const all = (
    of: Partial<Record<keyof Limits, number | null | undefined>>,
    at: (bound: string) => string,
  ): Limits => ({
    max: check(at("max"), of.max),
    read: check(at("read"), of.read),
    write: check(at("write"), of.write),
  });
  const limits = all(said, (bound) => bound);
  if (burst == null) return { ...limits, burst: UNLIMITED };
  const result = { ...limits, burst: all(bursts, (bound) => (typeof burst === "number" ? "burst" : `burst.${bound}`)) };
  for (const bound of ["max", "read", "write"] as const) {
    const value = result.burst[bound];
    if (value === 0 || (limits[bound] > 0 && value >= limits[bound])) continue;
    const setting = `${key}.${typeof burst === "number" ? "burst" : `burst.${bound}`}`;
    // librbd ignores such a limit altogether.
    const because =
      limits[bound] === 0
        ? `there is no limit \`${key}.${bound}\` to go beyond`
        : `it is less than \`${key}.${bound}\`, which is ${count(limits[bound])} ${unit}`;
    const ways =
      limits[bound] === 0
        ? [`set \`${key}.${bound}\``, `remove \`${setting}\``]
        : [`raise \`${setting}\` to ${count(limits[bound])} or more`, `remove \`${setting}\``];
    problems.push(problem("setting-not-applicable", `${path}.${setting}`, value, { setting, because, ways }));
  }
  return result;
}

/** The pool that the profile names, or the first of the stack's that is what it asks for. */
export function choosePool(
  {
    section,
    path,
    profile,
    placement,
  }: Pick<Asked<CephSection, Pick<Placement, "pools">, CephLimits>, "section" | "path" | "profile" | "placement">,
  problems: Problem[],
  notes: Note[],
): CephPool | undefined {
  const { pools } = placement;
  const wanted = { copies: section.copies ?? null, deviceClass: section.deviceClass ?? null };
  // What isn't said about a pool is asked of the cluster, at preview.
  const asNeeded = (each: CephPool): CephPool => ({
    name: each.name,
    copies: each.copies ?? wanted.copies,
    deviceClass: each.deviceClass ?? wanted.deviceClass,
  });
  const fits = (each: CephPool) =>
    (wanted.copies === null || (each.copies ?? wanted.copies) === wanted.copies) &&
    (wanted.deviceClass === null || (each.deviceClass ?? wanted.deviceClass) === wanted.deviceClass);
  const needs = [
    ...(wanted.copies === null ? [] : [`${count(wanted.copies)} copies`]),
    ...(wanted.deviceClass === null ? [] : [`device class ${wanted.deviceClass}`]),
  ].join(" and ");

  const named = section.pool ?? (pools === undefined || pools.length === 0 ? DEFAULT_POOL : undefined);
  if (named !== undefined) {
    const listed = pools?.find((each) => each.name === named) ?? { name: named };
    if (!fits(listed)) {
      const because = `the stack lists ${poolText(listed)}, and profile "${profile}" asks for ${needs}`;
      const ways = ["remove `pool`, so that another pool is chosen", "correct `storage-profiles:ceph.pools`"];
      problems.push(problem("setting-not-applicable", `${path}.pool`, named, { setting: "pool", because, ways }));
      return undefined;
    }
    return asNeeded(listed);
  }
  const fitting = (pools ?? []).filter(fits);
  const preferred = section.preferredDeviceClass ?? undefined;
  const chosen = fitting.find((each) => preferred === undefined || each.deviceClass === preferred) ?? fitting[0];
  if (!chosen) {
    const because = `no pool of the stack has ${needs}: it lists ${(pools ?? []).map(poolText).join(", ")}`;
    const example = `{ name: …, ${wanted.copies === null ? "" : `copies: ${wanted.copies}, `}deviceClass: ${wanted.deviceClass ?? "…"} }`;
    const way = `ask for what one of them has, or name a \`pool\``;
    problems.push(
      problem("setting-required", `storage-profiles:ceph.pools`, undefined, { setting: "pool", because, example, way }),
    );
    return undefined;
  }
  if (preferred !== undefined && chosen.deviceClass !== preferred) {
    const because = `no pool of the stack${needs === "" ? "" : ` with ${needs}`} is on ${preferred}; pool "${chosen.name}" is used`;
    notes.push(
      note("limits-not-enforced", `${path}.preferredDeviceClass`, {
        what: `preferredDeviceClass ${preferred} is`,
        because,
      }),
    );
  }
  return asNeeded(chosen);
}

function poolText({ name, copies, deviceClass }: CephPool): string {
  const what = [...(copies == null ? [] : [`${copies} copies`]), ...(deviceClass == null ? [] : [deviceClass])];
  return `"${name}"${what.length > 0 ? ` (${what.join(", ")})` : ""}`;
}
