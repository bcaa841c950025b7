// A profile's `aws` section, worked out for one volume: its complete settings, or every problem with the ways out.

import { count, note, problem, type Note, type Problem } from "../../problems";
import { isSame } from "../../profiles/revision";
import { sizeProblems, type Answer, type Asked } from "../backend";
import { wantedIops } from "../iops";
import { wantedThroughput } from "../throughput";
import { amountOf, pricesOf, referenceAmount } from "./cost";
import { volumeTypes, type AwsLimits, type VolumeType } from "./limits";
import type { AwsPlacement } from "./placement";
import { REFERENCE_REGION, type AwsPrices } from "./prices";
import type { AwsSection, AwsSettings } from "./settings";

/** `quiet`: only whether there are problems matters, not the ways out of them, which are found by asking so. */
export type AskedAws = Asked<AwsSection, AwsPlacement, AwsLimits> & { quiet?: boolean };

/** Settings, problems and notes for one volume. */
export function resolveAws(asked: AskedAws, prices: AwsPrices): Answer<AwsSettings> {
  const { section, path } = asked;
  if (section.volumeType == null) {
    const missing = { setting: "volumeType", because: "EBS needs a type", example: "volumeType: gp3" };
    const way = "let the profile extend one that has it (it may extend the built-in profile of its own name)";
    const problems = [problem("setting-required", `${path}.volumeType`, undefined, { ...missing, way })];
    return { sizeGiB: asked.sizeGiB, problems, notes: [] };
  }
  const answer = section.volumeType === "cheapest" ? cheapest(asked, prices) : resolveType(section.volumeType, asked);
  const requests = answer.settings && pricesOf(answer.settings, asked.placement, prices)?.perMillionRequests;
  if (requests) {
    answer.notes.push(note("price-without-requests", "monthlyCost", { what: `${requests} a million I/O requests` }));
  }
  return answer;
}

function cheapest(asked: AskedAws, prices: AwsPrices): Answer<AwsSettings> {
  const { path, sizeGiB, placement } = asked;
  const answers = volumeTypes.map((type) => ({ type, ...resolveType(type, asked) }));
  const possible = answers.flatMap(({ type, settings, notes }) => (settings ? [{ type, settings, notes }] : []));
  if (possible.length === 0) {
    // What is wrong with every type is not the types' fault.
    const [first, ...others] = answers.map(({ problems }) => problems);
    const common = (first ?? []).filter((each) => others.every((list) => list.some((other) => isSame(each, other))));
    if (common.length > 0) return { sizeGiB, problems: common, notes: [] };
    const reasons = answers.map(({ type, problems }) => `${type}: ${problems[0]?.message}`);
    const problems = [problem("no-type-admits", `${path}.volumeType`, "cheapest", { reasons })];
    return { sizeGiB, problems, notes: [] };
  }
  // Compared in one region: the volume's, or, where not all prices are known there, the reference.
  const isPriced = possible.every(({ settings }) => pricesOf(settings, placement, prices));
  const amount = (settings: AwsSettings) => {
    const price = isPriced ? pricesOf(settings, placement, prices) : undefined;
    return price ? amountOf({ sizeGiB, settings }, price) : referenceAmount({ sizeGiB, settings }, prices);
  };
  const best = possible.reduce((least, each) => (amount(each.settings) < amount(least.settings) ? each : least));
  const because = `the cheapest type for ${count(sizeGiB)} GiB${isPriced ? "" : ` by the prices of ${REFERENCE_REGION}`}`;
  const chosen = note("type-chosen", `${path}.volumeType`, { type: best.type, because });
  return { settings: best.settings, sizeGiB, problems: [], notes: [chosen, ...best.notes] };
}

/** The same for one type, whatever the profile says. */
export function resolveType(type: VolumeType, asked: AskedAws): Answer<AwsSettings> {
  const { section, sizeGiB, placement } = asked;
  const limits = asked.limits[type];
  const problems = sizeProblems(type, asked, limits.sizeGiB, { ways: () => otherTypes(type, asked) });
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

function wrongCombinations(type: VolumeType, { section, path, limits }: AskedAws): Problem[] {
  const problems: Problem[] = [];
  const notApplicable = (setting: "kmsKeyId" | "multiAttach", because: string, ways: string[]) =>
    problems.push(
      problem("setting-not-applicable", `${path}.${setting}`, section[setting], { setting, because, ways }),
    );
  if (section.kmsKeyId != null && section.encrypted !== true) {
    const because = "a KMS key is for encrypted volumes, and this profile doesn't encrypt";
    notApplicable("kmsKeyId", because, ["add `encrypted: true`", "remove `kmsKeyId`"]);
  }
  if (section.multiAttach === true && !limits[type].multiAttach) {
    const able = volumeTypes.filter((other) => limits[other].multiAttach);
    const ways = [`use ${able.join(" or ")}`, "remove `multiAttach`"];
    notApplicable("multiAttach", `${type} can't be attached twice`, ways);
  }
  return problems;
}

function resolveIops(type: VolumeType, asked: AskedAws, problems: Problem[], notes: Note[]): number | null {
  const { section, sizeGiB } = asked;
  const path = `${asked.path}.iops`;
  const limits = asked.limits[type].iops;
  if (!limits) {
    if (section.iops == null) return null;
    const able = volumeTypes.filter((other) => asked.limits[other].iops);
    const ways = [`use ${able.join(", ")}`, "remove `iops`"];
    const params = { setting: "iops", because: `${type} has no IOPS to set`, ways };
    problems.push(problem("setting-not-applicable", path, section.iops, params));
    return null;
  }
  const missing = () => {
    if (limits.default !== undefined) return limits.default;
    const params = { setting: "iops", because: `${type} needs IOPS`, example: `iops: ${limits.min}` };
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
    const what = max < limits.max ? `${type} at ${count(sizeGiB)} GiB` : type;
    const { wants } = wanted;
    problems.push(problem("iops-beyond-limit", path, section.iops, { what, wants, min: limits.min, max, ways }));
    return null;
  }
  notes.push(...wanted.notes);
  return iops;
}

function iopsWays(type: VolumeType, iops: number, max: number, asked: AskedAws): string[] {
  const rule = asked.section.iops;
  const limits = asked.limits[type].iops;
  const ways = otherTypes(type, asked);
  if (typeof rule === "object" && rule !== null) {
    const clamped = (part: object) =>
      isPossible(type, { ...asked, section: { ...asked.section, iops: { ...rule, ...part } } });
    if (iops > max && clamped({ max })) ways.push(`cap it with iops.max: ${max}`);
    if (limits && iops < limits.min && clamped({ min: limits.min })) ways.push(`raise it with iops.min: ${limits.min}`);
  } else if (limits) {
    ways.push(`ask for ${count(limits.min)} to ${count(max)} IOPS`);
  }
  const perGiB = typeof rule === "object" ? rule?.perGiB : undefined;
  const bigger =
    limits && Math.ceil((iops > max ? iops : limits.min) / (iops > max ? limits.perGiB : (perGiB ?? Infinity)));
  const smaller = perGiB && Math.floor(max / perGiB);
  const fits = (sizeGiB: number) => isPossible(type, { ...asked, sizeGiB });
  if (bigger && bigger > asked.sizeGiB && fits(bigger)) ways.push(`ask for at least ${count(bigger)} GiB`);
  if (smaller && smaller < asked.sizeGiB && fits(smaller)) ways.push(`ask for at most ${count(smaller)} GiB`);
  return ways.length > 0 ? ways : ["change the profile's iops, or its volumeType"];
}

// The types with which the same request has no problem.
function otherTypes(type: VolumeType, asked: AskedAws): string[] {
  if (asked.quiet || asked.section.volumeType === "cheapest") return [];
  const able = volumeTypes.filter((other) => other !== type && isPossible(other, asked));
  return able.length > 0 ? [`use ${able.join(" or ")}`] : [];
}

function isPossible(type: VolumeType, asked: AskedAws): boolean {
  return resolveType(type, { ...asked, quiet: true }).problems.length === 0;
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
    const able = volumeTypes.filter((other) => asked.limits[other].throughputMiBps);
    const params = {
      setting: "throughputMiBps",
      because: `${type} has no throughput to set`,
      ways: [`use ${able.join(" or ")}`, "remove `throughputMiBps`"],
    };
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
  const what = max < limits.max ? `${type} with ${count(iops ?? 0)} IOPS` : type;
  problems.push(problem("throughput-beyond-limit", path, rule, { what, wants, min: limits.min, max, ways }));
  return null;
}

function throughputWays(type: VolumeType, MiBps: number, max: number, asked: AskedAws): string[] {
  const { section } = asked;
  const rule = section.throughputMiBps;
  const limits = asked.limits[type].throughputMiBps;
  if (!limits) return [];
  const fits = (changed: Partial<AwsSection>) => isPossible(type, { ...asked, section: { ...section, ...changed } });
  const ways: string[] = [];
  if (typeof rule === "object" && rule !== null) {
    const [key, bound] = MiBps > max ? (["max", max] as const) : (["min", limits.min] as const);
    const word = key === "max" ? "cap" : "raise";
    if (fits({ throughputMiBps: { ...rule, [key]: bound } }))
      ways.push(`${word} it with throughputMiBps.${key}: ${bound}`);
  } else {
    ways.push(`ask for ${count(limits.min)} to ${count(max)} MiB/s`);
    const iops = Math.ceil(MiBps / limits.perIops);
    if (MiBps > max && fits({ iops })) ways.push(`raise iops to ${count(iops)}`);
  }
  return ways.length > 0 ? ways : ["change the profile's throughputMiBps, or its iops"];
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
  const path =
    asked.placement[setting] === undefined ? `${asked.path}.${setting}` : `${asked.placementPath}.${setting}`;
  if (snapshotId === null) {
    const because = "it is the pace at which a snapshot's data comes to the volume, and there is no snapshot";
    const ways = ["give the volume a `snapshotId`", `remove \`${setting}\``];
    problems.push(problem("setting-not-applicable", path, rate, { setting, because, ways }));
  }
  const { min, max } = asked.limits.volumeInitializationRate;
  if (rate < min || rate > max) {
    const params = { what: "EC2", wants: `the volume's snapshot shall come at ${count(rate)} MiB/s`, min, max };
    const ways = [`ask for ${count(min)} to ${count(max)} MiB/s`, `remove \`${setting}\``];
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

// The name, the profile's tags and the volume's, the later before the earlier.
function resolveTags(asked: AskedAws, problems: Problem[], notes: Note[]): Record<string, string> {
  const { name, profile, path, placementPath, limits } = asked;
  const ofProfile = asked.section.tags ?? {};
  const ofVolume = asked.placement.tags ?? {};
  const merged = { Name: name, ...ofProfile, ...ofVolume };
  for (const key of Object.keys(ofVolume)) {
    const [from, to] = [Object.hasOwn(ofProfile, key) ? ofProfile[key] : ofVolume[key], ofVolume[key]];
    if (!isSame(from, to)) {
      notes.push(note("value-overridden", `${path}.tags`, { setting: `tags.${key}`, profile, from, to }));
    }
  }
  const tags = Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)));

  const { count: most, keyLength, valueLength } = limits.tags;
  const whereOf = (key: string) => `${Object.hasOwn(ofVolume, key) ? placementPath : path}.tags`;
  const outOfRange = (key: string, given: string, range: string) =>
    problems.push(problem("value-out-of-range", whereOf(key), undefined, { given, range }));
  for (const [key, value] of Object.entries(tags)) {
    if (key.length === 0 || key.length > keyLength) {
      outOfRange(key, `a key of ${key.length} characters`, `keys of 1 to ${keyLength} characters`);
    }
    if (value.length > valueLength) {
      outOfRange(key, `a value of ${value.length} characters ("${key}")`, `values of up to ${valueLength} characters`);
    }
  }
  const number = Object.keys(tags).length;
  if (number > most) outOfRange("", `a volume with ${number} tags`, `up to ${most} tags, Name among them`);
  return tags;
}

// A type with a default has it at every size: only io1 and io2 are held to the ratio below it. A size that the type
// doesn't have is a problem of its own; here it counts as the nearest that it has.
function mostIops(limits: NonNullable<AwsLimits[VolumeType]["iops"]>, sizeGiB: number): number {
  return Math.min(limits.max, Math.max(Math.floor(limits.perGiB * sizeGiB), limits.default ?? limits.min));
}

function clampTo(value: number, { min, max }: { min: number; max: number }): number {
  return Math.min(Math.max(value, min), max);
}
