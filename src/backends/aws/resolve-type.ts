// A profile's `aws` section, worked out for one volume of one type: its complete settings, or every problem with the ways out.

import { count, problem, type Note, type Problem } from "../../core/problems";
import { mergeTags, sizeProblems, type Answer, type Asked } from "../contract";
import { wantedIops } from "../iops";
import { wantedThroughput } from "../throughput";
import { volumeTypes, type AwsLimits, type VolumeType } from "./limits";
import type { AwsPlacement } from "./placement";
import type { AwsSection, AwsSettings } from "./settings";
import { note } from "./problems";

export type AskedAws = Asked<AwsSection, AwsPlacement, AwsLimits> & {
  /** Only whether there are problems matters, not the ways out of them, which are found by asking so. */
  quiet?: boolean;
  /** Resolves the request when something else about it has changed and `cheapest` may therefore mean another type. */
  again?: (changed: AskedAws) => Answer<AwsSettings>;
};

/** Settings, problems and notes for one volume of this type, whatever type the profile names. */
export function resolveType(type: VolumeType, asked: AskedAws): Answer<AwsSettings> {
  const { section, sizeGiB, placement } = asked;
  const limits = asked.limits[type];
  const wrongSize = { code: "size-beyond-limit", path: asked.sizePath } as const;
  const isNamed = section.volumeType === type;
  const problems = sizeProblems(
    isNamed ? `${type} volumes` : `volumes of type ${labelOf(type, asked)}`,
    asked,
    limits.sizeGiB,
    {
      ways: () => otherTypes(type, asked, wrongSize),
      fits: (sizeGiB) => asked.quiet === true || isWayOut(type, asked, wrongSize, type, { sizeGiB }),
    },
  );
  const notes: Note[] = [];

  const iops = resolveIops(type, asked, problems, notes);
  const throughputMiBps = resolveThroughput(type, iops, asked, problems, notes);
  problems.push(...wrongCombinations(type, asked));
  const snapshotId = theVolumesOwn("snapshotId", asked, notes);
  const rate = resolveInitializationRate(snapshotId, asked, problems, notes);
  const tags = resolveTags(asked, problems, notes);
  if (problems.length > 0) return { sizeGiB, problems, notes: [] };

  const settings: AwsSettings = {
    volumeType: type,
    iops,
    throughputMiBps,
    encrypted: section.encrypted ?? false,
    kmsKeyId: section.kmsKeyId ?? null,
    multiAttach: section.multiAttach ?? false,
    availabilityZone: placement.availabilityZone ?? null,
    outpostArn: placement.outpostArn ?? null,
    snapshotId,
    volumeInitializationRate: rate,
    tags,
  };
  return { settings, sizeGiB, problems, notes: [...notes, ...unsure(settings, asked)] };
}

// What sources disagree about is tried, and told.
function unsure({ volumeType: type, iops, throughputMiBps, multiAttach }: AwsSettings, asked: AskedAws): Note[] {
  const { path, sizeGiB, limits } = asked;
  const { unsure = {}, iops: ofIops } = limits[type];
  const notes: Note[] = [];
  const tell = (setting: string, what: string, because: string) =>
    notes.push(note("limit-unsure", `${path}.${setting}`, { what, because }));
  if (unsure.defaultIops !== undefined && ofIops && iops !== null && iops > ofIops.perGiB * sizeGiB) {
    tell("iops", `${type} with ${count(iops)} IOPS at ${count(sizeGiB)} GiB`, unsure.defaultIops);
  }
  if (unsure.throughput && throughputMiBps !== null && throughputMiBps > unsure.throughput.MiBps) {
    tell("throughputMiBps", `${type} with ${count(throughputMiBps)} MiB/s`, unsure.throughput.because);
  }
  if (unsure.multiAttach !== undefined && multiAttach) {
    tell("multiAttach", `${type} with multiAttach`, unsure.multiAttach);
  }
  if (unsure.change !== undefined) {
    notes.push(note("hard-to-change", `${path}.volumeType`, { because: unsure.change }));
  }
  return notes;
}

function wrongCombinations(type: VolumeType, asked: AskedAws): Problem[] {
  const { section, path, limits } = asked;
  const problems: Problem[] = [];
  const notApplicable = (setting: "kmsKeyId" | "multiAttach", because: string, ways: string[]) =>
    problems.push(
      problem("setting-not-applicable", `${path}.${setting}`, section[setting], { setting, because, ways }),
    );
  if (section.kmsKeyId != null && section.encrypted !== true) {
    const because = "a KMS key requires encryption, and this profile doesn't encrypt";
    notApplicable("kmsKeyId", because, ["add `encrypted: true`", ...without("kmsKeyId", asked)]);
  }
  if (section.multiAttach === true && !limits[type].multiAttach) {
    const ways = [...otherTypes(type, asked, inapplicable(asked, "multiAttach")), ...without("multiAttach", asked)];
    notApplicable("multiAttach", `${labelOf(type, asked)} doesn't support multi-attach`, ways);
  }
  return problems;
}

function resolveIops(type: VolumeType, asked: AskedAws, problems: Problem[], notes: Note[]): number | null {
  const { section, sizeGiB } = asked;
  const path = `${asked.path}.iops`;
  const limits = asked.limits[type].iops;
  if (!limits) {
    if (section.iops == null) return null;
    const ways = [...otherTypes(type, asked, inapplicable(asked, "iops")), ...without("iops", asked)];
    const params = { setting: "iops", because: `${labelOf(type, asked)} doesn't support provisioned IOPS`, ways };
    problems.push(problem("setting-not-applicable", path, section.iops, params));
    return null;
  }
  const missing = () => {
    if (limits.default !== undefined) return limits.default;
    const params = {
      setting: "iops",
      because: `${labelOf(type, asked)} requires provisioned IOPS`,
      example: `iops: ${limits.min}`,
    };
    problems.push(problem("setting-required", path, section.iops ?? undefined, params));
    return null;
  };
  if (section.iops == null) return missing();

  const wanted = wantedIops(section.iops, sizeGiB, asked.profile, path, limits.default);
  problems.push(...wanted.problems);
  if (wanted.problems.length > 0) return null;
  const iops = wanted.iops ?? missing();
  if (iops === null) return null;
  const max = mostIops(limits, clampTo(sizeGiB, asked.limits[type].sizeGiB));
  if (iops < limits.min || iops > max) {
    const ways = asked.quiet ? [] : iopsWays(type, iops, max, asked);
    const label = labelOf(type, asked);
    const what = max < limits.max ? `${label} at ${count(sizeGiB)} GiB` : label;
    const { wants } = wanted;
    problems.push(problem("iops-beyond-limit", path, section.iops, { what, wants, min: limits.min, max, ways }));
    return null;
  }
  notes.push(...wanted.notes);
  return iops;
}

function iopsWays(type: VolumeType, iops: number, max: number, asked: AskedAws): string[] {
  const { section } = asked;
  const rule = section.iops;
  const limits = asked.limits[type].iops;
  if (!limits) return [];
  const found = { code: "iops-beyond-limit", path: `${asked.path}.iops` } as const;
  const solves = (changed: Partial<AskedAws>) => isWayOut(type, asked, found, type, changed);
  const withIops = (other: AwsSection["iops"]) => solves({ section: { ...section, iops: other } });
  const ways = otherTypes(type, asked, found);
  if (typeof rule === "object" && rule !== null) {
    if (iops > max && withIops({ ...rule, max })) ways.push(`cap it with iops.max: ${max}`);
    const { min } = limits;
    if (iops < min && withIops({ ...rule, min })) ways.push(`raise it with iops.min: ${min}`);
  } else {
    // So many are needed for the throughput that is asked for as a number.
    const perIops = asked.limits[type].throughputMiBps?.perIops;
    const MiBps = typeof section.throughputMiBps === "number" ? section.throughputMiBps : 0;
    const least = Math.max(limits.min, perIops ? Math.ceil(MiBps / perIops) : 0);
    const min = [limits.min, least].find((each) => each <= max && withIops(each));
    if (min !== undefined && withIops(max)) ways.push(`use ${rangeOf(min, max)} IOPS`);
  }
  const perGiB = typeof rule === "object" ? rule?.perGiB : undefined;
  const bigger = Math.ceil((iops > max ? iops : limits.min) / (iops > max ? limits.perGiB : (perGiB ?? Infinity)));
  const smaller = perGiB && Math.floor(max / perGiB);
  const fits = (sizeGiB: number) => solves({ sizeGiB });
  if (bigger > asked.sizeGiB && fits(bigger)) ways.push(`increase the size to at least ${count(bigger)} GiB`);
  if (smaller && smaller < asked.sizeGiB && fits(smaller))
    ways.push(`reduce the size to at most ${count(smaller)} GiB`);
  return ways.length > 0 ? ways : ["change the profile's iops or volumeType"];
}

/** Which of a request's problems a way out is for. */
type Found = Pick<Problem, "code" | "path">;

const inapplicable = ({ path }: AskedAws, setting: string): Found => ({
  code: "setting-not-applicable",
  path: `${path}.${setting}`,
});

// The types with which the problem is gone.
function otherTypes(type: VolumeType, asked: AskedAws, found: Found): string[] {
  if (asked.quiet) return [];
  const able = volumeTypes.filter((other) => other !== type && isWayOut(type, asked, found, other));
  return able.length > 0 ? [`use ${able.join(" or ")}`] : [];
}

// Whether a problem of the request is gone with another type or something else changed, and no new one comes in its place. With
// another type a problem of the same place is a new one, unless it is the very same.
function isWayOut(
  type: VolumeType,
  asked: AskedAws,
  { code, path }: Found,
  other: VolumeType,
  changed: Partial<AskedAws> = {},
): boolean {
  const keyOf = (each: Problem) => `${each.code} ${each.path} ${other === type ? "" : each.message}`;
  const { section, sizeGiB } = { ...asked, ...changed };
  const volumeType = other === type ? section.volumeType : other;
  if (asked.accepts?.({ section: { ...section, volumeType }, sizeGiB }) === false) return false;
  const before = new Set(resolveType(type, { ...asked, quiet: true }).problems.map(keyOf));
  const again = other === type ? asked.again : undefined;
  const resolveChanged = again ?? ((at: AskedAws) => resolveType(other, at));
  return resolveChanged({ ...asked, ...changed, again: undefined, quiet: true }).problems.every(
    (each) => before.has(keyOf(each)) && !(each.code === code && each.path === path),
  );
}

// To take a setting away, where that is a way out for who asks, too.
function without(setting: keyof AwsSection, asked: AskedAws): string[] {
  const { section, sizeGiB, quiet } = asked;
  if (quiet) return [];
  const isAccepted = asked.accepts?.({ section: { ...section, [setting]: undefined }, sizeGiB }) ?? true;
  return isAccepted ? [asked.without(setting)] : [];
}

// A type as messages name it: whose profile says `cheapest` didn't name it.
function labelOf(type: VolumeType, { section }: AskedAws): string {
  return section.volumeType === "cheapest" ? `${type} (chosen by \`cheapest\`)` : type;
}

function resolveThroughput(
  type: VolumeType,
  iops: number | null,
  asked: AskedAws,
  problems: Problem[],
  notes: Note[],
): number | null {
  const { section } = asked;
  const path = `${asked.path}.throughputMiBps`;
  const limits = asked.limits[type].throughputMiBps;
  const rule = section.throughputMiBps;
  if (!limits) {
    if (rule == null) return null;
    const ways = [
      ...otherTypes(type, asked, inapplicable(asked, "throughputMiBps")),
      ...without("throughputMiBps", asked),
    ];
    const because = `${labelOf(type, asked)} doesn't support provisioned throughput`;
    const params = { setting: "throughputMiBps", because, ways };
    problems.push(problem("setting-not-applicable", path, rule, params));
    return null;
  }
  if (rule == null) return limits.default;
  // Without IOPS there is a problem already. A rule by IOPS can't be judged then; a number can, against the type.
  if (iops === null && typeof rule === "object" && rule.perIops != null) return null;
  const wanted = wantedThroughput(rule, iops ?? 0, asked.profile, path, limits.default);
  problems.push(...wanted.problems);
  const { MiBps, wants } = wanted;
  if (MiBps === undefined) return null;
  const max = iops === null ? limits.max : Math.min(limits.max, Math.floor(iops * limits.perIops));
  if (MiBps >= limits.min && MiBps <= max) {
    notes.push(...wanted.notes);
    return MiBps;
  }
  const ways = asked.quiet ? [] : throughputWays(type, MiBps, max, asked);
  const label = labelOf(type, asked);
  const what = max < limits.max ? `${label} with ${count(iops ?? 0)} IOPS` : label;
  problems.push(problem("throughput-beyond-limit", path, rule, { what, wants, min: limits.min, max, ways }));
  return null;
}

function throughputWays(type: VolumeType, MiBps: number, max: number, asked: AskedAws): string[] {
  const { section } = asked;
  const rule = section.throughputMiBps;
  const limits = asked.limits[type].throughputMiBps;
  if (!limits) return [];
  const found = { code: "throughput-beyond-limit", path: `${asked.path}.throughputMiBps` } as const;
  const fits = (changed: Partial<AwsSection>) =>
    isWayOut(type, asked, found, type, { section: { ...section, ...changed } });
  const ways: string[] = [];
  if (typeof rule === "object" && rule !== null) {
    const [key, bound] = MiBps > max ? (["max", max] as const) : (["min", limits.min] as const);
    const word = key === "max" ? "cap" : "raise";
    if (fits({ throughputMiBps: { ...rule, [key]: bound } }))
      ways.push(`${word} it with throughputMiBps.${key}: ${bound}`);
  } else {
    const ends = [limits.min, max] as const;
    if (ends.every((each) => fits({ throughputMiBps: each }))) ways.push(`use ${rangeOf(...ends)} MiB/s`);
    const iops = Math.ceil(MiBps / limits.perIops);
    if (MiBps > max && fits({ iops })) ways.push(`raise iops to ${count(iops)}`);
  }
  return ways.length > 0 ? ways : ["change the profile's throughputMiBps or iops"];
}

function resolveInitializationRate(
  snapshotId: string | null,
  asked: AskedAws,
  problems: Problem[],
  notes: Note[],
): number | null {
  const setting = "volumeInitializationRate";
  const rate = theVolumesOwn(setting, asked, notes);
  if (rate === null) return null;
  const isOfProfile = asked.placement[setting] === undefined;
  const path = `${isOfProfile ? asked.path : asked.placementPath}.${setting}`;
  const away = isOfProfile ? without(setting, asked) : [`remove \`${setting}\``];
  if (snapshotId === null) {
    const because = "it applies only to volumes created from a snapshot";
    const ways = ["set `snapshotId` on the volume", ...away];
    problems.push(problem("setting-not-applicable", path, rate, { setting, because, ways }));
  }
  const { min, max } = asked.limits.volumeInitializationRate;
  if (rate < min || rate > max) {
    const params = { what: "EC2", wants: `${setting} is ${count(rate)} MiB/s`, min, max };
    const ways = [`use ${count(min)} to ${count(max)} MiB/s`, ...away];
    problems.push(problem("throughput-beyond-limit", path, rate, { ...params, ways }));
  }
  return rate;
}

// What the volume says itself counts before the profile; where the two differ that is a note.
function theVolumesOwn<Setting extends "snapshotId" | "volumeInitializationRate">(
  setting: Setting,
  { section, placement, path, profile }: AskedAws,
  notes: Note[],
): NonNullable<AwsSection[Setting]> | null {
  const [from, to] = [section[setting], placement[setting]] as const;
  if (from != null && to !== undefined && from !== to) {
    notes.push(note("value-overridden", `${path}.${setting}`, { setting, profile, from, to }));
  }
  return (to ?? from ?? null) as NonNullable<AwsSection[Setting]> | null;
}

// The name, and the tags of all. Those for every backend were checked before.
function resolveTags(asked: AskedAws, problems: Problem[], notes: Note[]): Record<string, string> {
  const { name, path, placementPath, limits } = asked;
  const ofProfile = asked.section.tags ?? {};
  const ofVolume = asked.placement.tags ?? {};
  const merged = mergeTags(
    { ...asked, tags: { ...asked.tags, ofStack: { Name: name, ...asked.tags.ofStack } } },
    "tags",
    {
      ofProfile,
      ofBackend: ofVolume,
    },
  );
  notes.push(...merged.notes);
  const { tags } = merged;

  const { count: most, keyLength, valueLength } = limits.tags;
  const whereOf = (key: string) => `${Object.hasOwn(ofVolume, key) ? placementPath : path}.tags`;
  const outOfRange = (key: string, given: string, range: string) =>
    problems.push(problem("value-out-of-range", whereOf(key), undefined, { given, range }));
  for (const [key, value] of Object.entries(tags)) {
    if (key.length === 0 || key.length > keyLength) {
      outOfRange(key, `a tag key of ${key.length} characters`, `keys of 1 to ${keyLength} characters`);
    }
    if (value.length > valueLength) {
      outOfRange(
        key,
        `a value of ${value.length} characters (tag "${key}")`,
        `values of up to ${valueLength} characters`,
      );
    }
  }
  const number = Object.keys(tags).length;
  if (number > most) outOfRange("", `the number of tags (${number})`, `up to ${most} tags, including Name`);
  return tags;
}

// A type with a default has it at every size: only io1 and io2 are held to the ratio below it. A size that the type
// doesn't have is a problem of its own; here it counts as the nearest that it has.
function mostIops(limits: NonNullable<AwsLimits[VolumeType]["iops"]>, sizeGiB: number): number {
  return Math.min(limits.max, Math.max(Math.floor(limits.perGiB * sizeGiB), limits.default ?? limits.min));
}

function rangeOf(min: number, max: number): string {
  return min === max ? count(min) : `${count(min)} to ${count(max)}`;
}

function clampTo(value: number, { min, max }: { min: number; max: number }): number {
  return Math.min(Math.max(value, min), max);
}
