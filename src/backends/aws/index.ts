// Amazon EBS: what a profile's `aws` section becomes for a size, and what may change of a volume that exists.

import { z } from "zod";

import { costPart, monthlyCost, type CostPart, type MonthlyCost } from "../../cost";
import { count, note, problem, type Note, type Problem } from "../../problems";
import { inPlace, refused, sizeProblems, type Answer, type Asked, type Backend, type Made } from "../backend";
import { iopsSchema, wantedIops } from "../iops";
import { awsLimits, awsLimitsOverride, awsLimitsSchema, volumeTypes, type AwsLimits, type VolumeType } from "./limits";
import {
  awsPrices,
  awsPricesOverride,
  awsPricesSchema,
  REFERENCE_REGION,
  type AwsPrices,
  type TypePrices,
} from "./prices";

const section = z
  .strictObject({
    volumeType: z
      .enum(["cheapest", ...volumeTypes])
      .nullish()
      .describe("The EBS volume type, or `cheapest`: the cheapest that admits the size and the other settings"),
    iops: iopsSchema.nullish().describe("Provisioned IOPS (gp3, io1, io2): a number, or by size (perGiB, min, max)"),
    throughputMiBps: z.int().positive().nullish().describe("Provisioned throughput in MiB/s (gp3)"),
    encrypted: z.boolean().nullish().describe("Whether the volume is encrypted. Default: false"),
    kmsKeyId: z
      .string()
      .min(1)
      .nullish()
      .describe("ARN of the KMS key; needs `encrypted: true`. Default: the account's key"),
    multiAttach: z.boolean().nullish().describe("Whether several instances may attach it (io1, io2). Default: false"),
  })
  .describe("What the profile means on Amazon EBS");
type Section = z.infer<typeof section>;

const placement = z.strictObject({
  region: z.string().optional().describe("The AWS region; prices depend on it"),
});
type Placement = z.infer<typeof placement>;

/** The complete settings of an EBS volume. `null` where a type doesn't have the setting. */
export interface AwsSettings {
  volumeType: VolumeType;
  iops: number | null;
  throughputMiBps: number | null;
  encrypted: boolean;
  kmsKeyId: string | null;
  multiAttach: boolean;
}

/** `quiet`: only whether there are problems matters, not the ways out of them, which are found by asking so. */
type AskedAws = Asked<Section, Placement, AwsLimits> & { quiet?: boolean };

const SNAPSHOT_WAY =
  "make a snapshot of the volume, declare a new volume from it with the new setting, move the application over, then destroy this one";

export const aws: Backend<"aws", Section, AwsSettings, Placement, AwsLimits, AwsPrices> = {
  name: "aws",
  title: "Amazon EBS",
  section,
  placement,
  limits: { data: awsLimits, override: awsLimitsOverride, whole: awsLimitsSchema },
  prices: { data: awsPrices, override: awsPricesOverride, whole: awsPricesSchema },
  resolve,
  change: {
    volumeType: inPlace,
    iops: inPlace,
    throughputMiBps: inPlace,
    encrypted: refused("EBS can't encrypt or decrypt a volume that exists", SNAPSHOT_WAY),
    kmsKeyId: refused("EBS can't change the key of a volume that exists", SNAPSHOT_WAY),
    multiAttach: refused("the AWS provider would replace the volume", SNAPSHOT_WAY),
  },
  monthlyCost: cost,
};

function resolve(asked: AskedAws, prices: AwsPrices): Answer<AwsSettings> {
  const { section, path } = asked;
  if (section.volumeType == null) {
    const missing = { setting: "volumeType", because: "EBS needs a type", example: "volumeType: gp3" };
    const way = "let the profile extend one that has it (it may extend the built-in profile of its own name)";
    const problems = [problem("setting-required", `${path}.volumeType`, undefined, { ...missing, way })];
    return { sizeGiB: asked.sizeGiB, problems, notes: [] };
  }
  const answer = section.volumeType === "cheapest" ? cheapest(asked, prices) : resolveType(section.volumeType, asked);
  const requests = answer.settings && priceOf(answer.settings, asked.placement, prices)?.perMillionRequests;
  if (requests) {
    answer.notes.push(note("price-without-requests", "monthlyCost", { what: `${requests} a million I/O requests` }));
  }
  return answer;
}

function cheapest(asked: AskedAws, prices: AwsPrices): Answer<AwsSettings> {
  const { path, sizeGiB } = asked;
  const answers = volumeTypes.map((type) => ({ type, ...resolveType(type, asked) }));
  const possible = answers.flatMap(({ type, settings, notes }) => (settings ? [{ type, settings, notes }] : []));
  if (possible.length === 0) {
    const reasons = answers.map(({ type, problems }) => `${type}: ${problems[0]?.message}`);
    const problems = [problem("no-type-admits", `${path}.volumeType`, "cheapest", { reasons })];
    return { sizeGiB, problems, notes: [] };
  }
  // Compared in one region: the volume's, or, where not all prices are known there, the reference.
  const isPriced = possible.every(({ settings }) => priceOf(settings, asked.placement, prices));
  const place = isPriced ? asked.placement : { region: REFERENCE_REGION };
  const amount = (settings: AwsSettings) => {
    const price = cost({ sizeGiB, settings }, place, prices);
    return "cost" in price ? price.cost.amount : Infinity;
  };
  const best = possible.reduce((least, each) => (amount(each.settings) < amount(least.settings) ? each : least));
  const because = `the cheapest type for ${count(sizeGiB)} GiB${isPriced ? "" : ` by the prices of ${REFERENCE_REGION}`}`;
  const chosen = note("type-chosen", `${path}.volumeType`, { type: best.type, because });
  return { settings: best.settings, sizeGiB, problems: [], notes: [chosen, ...best.notes] };
}

function resolveType(type: VolumeType, asked: AskedAws): Answer<AwsSettings> {
  const { section, path, sizeGiB } = asked;
  const limits = asked.limits[type];
  const problems = sizeProblems(type, asked, limits.sizeGiB, { ways: () => otherTypes(type, asked) });
  const notes: Note[] = [];

  const iops = resolveIops(type, asked, problems, notes);
  const throughputMiBps = resolveThroughput(type, iops, asked, problems);

  if (section.kmsKeyId != null && section.encrypted !== true) {
    const because = "a KMS key is for encrypted volumes, and this profile doesn't encrypt";
    const ways = ["add `encrypted: true`", "remove `kmsKeyId`"];
    problems.push(
      problem("setting-not-applicable", `${path}.kmsKeyId`, section.kmsKeyId, { setting: "kmsKeyId", because, ways }),
    );
  }
  if (section.multiAttach === true && !limits.multiAttach) {
    const able = volumeTypes.filter((other) => asked.limits[other].multiAttach);
    const params = {
      setting: "multiAttach",
      because: `${type} can't be attached twice`,
      ways: [`use ${able.join(" or ")}`, "remove `multiAttach`"],
    };
    problems.push(problem("setting-not-applicable", `${path}.multiAttach`, true, params));
  }
  if (problems.length > 0) return { sizeGiB, problems, notes: [] };

  if (type === "standard") {
    const because = "EC2's documents disagree whether a standard (magnetic) volume can be resized or change its type";
    notes.push(note("hard-to-change", `${path}.volumeType`, { because }));
  }
  const settings: AwsSettings = {
    volumeType: type,
    iops,
    throughputMiBps,
    encrypted: section.encrypted ?? false,
    kmsKeyId: section.kmsKeyId ?? null,
    multiAttach: section.multiAttach ?? false,
  };
  return { settings, sizeGiB, problems, notes };
}

function resolveIops(type: VolumeType, asked: AskedAws, problems: Problem[], notes: Note[]): number | null {
  const { section, sizeGiB } = asked;
  const path = `${asked.path}.iops`;
  const limits = asked.limits[type].iops;
  if (!limits) {
    if (section.iops == null) return null;
    const able = volumeTypes.filter((other) => asked.limits[other].iops);
    const ways = [`use ${able.join(", ")}`, "remove `iops`"];
    problems.push(
      problem("setting-not-applicable", path, section.iops, {
        setting: "iops",
        because: `${type} has no IOPS to set`,
        ways,
      }),
    );
    return null;
  }
  const missing = () => {
    if (limits.default !== undefined) return limits.default;
    const example = `iops: ${limits.min}`;
    problems.push(
      problem("setting-required", path, section.iops ?? undefined, {
        setting: "iops",
        because: `${type} needs IOPS`,
        example,
      }),
    );
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

function resolveThroughput(type: VolumeType, iops: number | null, asked: AskedAws, problems: Problem[]): number | null {
  const { section } = asked;
  const path = `${asked.path}.throughputMiBps`;
  const limits = asked.limits[type].throughputMiBps;
  const wants = section.throughputMiBps;
  if (!limits) {
    if (wants == null) return null;
    const able = volumeTypes.filter((other) => asked.limits[other].throughputMiBps);
    const params = {
      setting: "throughputMiBps",
      because: `${type} has no throughput to set`,
      ways: [`use ${able.join(" or ")}`, "remove `throughputMiBps`"],
    };
    problems.push(problem("setting-not-applicable", path, wants, params));
    return null;
  }
  if (wants == null) return limits.default;
  const byIops = iops === null ? limits.max : Math.floor(iops * limits.perIops);
  const max = Math.min(limits.max, byIops);
  if (wants >= limits.min && wants <= max) return wants;
  const ways = [`ask for ${count(limits.min)} to ${count(max)} MiB/s`];
  const raised = { ...asked, section: { ...section, iops: Math.ceil(wants / limits.perIops) } };
  if (!asked.quiet && wants > max && isPossible(type, raised)) ways.push(`raise iops to ${count(raised.section.iops)}`);
  const what = max < limits.max ? `${type} with ${count(iops ?? 0)} IOPS` : type;
  const asks = `"${asked.profile}" wants ${count(wants)} MiB/s`;
  problems.push(problem("throughput-beyond-limit", path, wants, { what, wants: asks, min: limits.min, max, ways }));
  return null;
}

function cost(
  { sizeGiB, settings }: Made<AwsSettings>,
  placement: Placement,
  prices: AwsPrices,
): { cost: MonthlyCost } | { unknown: string } {
  const { region } = placement;
  if (region === undefined) return { unknown: "no region is known; set aws:region" };
  const price = priceOf(settings, placement, prices);
  const here = regionOf(placement, prices);
  if (!here || !price) {
    const where = `storage-profiles:prices.aws.${region}`;
    return { unknown: `no prices of ${settings.volumeType} in ${region}; give them in ${where}` };
  }
  const parts: CostPart[] = [costPart("storage", sizeGiB, "GiB", price.perGiB)];
  if (settings.iops !== null) parts.push(...iopsParts(settings.iops, price));
  const above = (settings.throughputMiBps ?? 0) - (price.throughput?.from ?? 0);
  if (price.throughput && above > 0) parts.push(costPart("throughput", above, "MiB/s", price.throughput.each));
  return { cost: monthlyCost(parts, { currency: here.currency, region, source: here.source, date: here.date }) };
}

function regionOf({ region = "" }: Placement, prices: AwsPrices): AwsPrices[string] | undefined {
  return Object.hasOwn(prices, region) ? prices[region] : undefined;
}

function priceOf({ volumeType }: AwsSettings, placement: Placement, prices: AwsPrices): TypePrices | undefined {
  return regionOf(placement, prices)?.types[volumeType];
}

function iopsParts(iops: number, price: TypePrices): CostPart[] {
  const parts: CostPart[] = [];
  let from = price.iops?.from ?? 0;
  for (const tier of price.iops?.tiers ?? []) {
    const quantity = Math.min(iops, tier.upTo ?? Infinity) - from;
    if (quantity <= 0) continue;
    parts.push(costPart("IOPS", quantity, "IOPS", tier.each));
    from += quantity;
  }
  return parts;
}

// A type with a default has it at every size: only io1 and io2 are held to the ratio below it. A size that the type
// doesn't have is a problem of its own; here it counts as the nearest that it has.
function mostIops(limits: NonNullable<AwsLimits[VolumeType]["iops"]>, sizeGiB: number): number {
  return Math.min(limits.max, Math.max(Math.floor(limits.perGiB * sizeGiB), limits.default ?? limits.min));
}

function clampTo(value: number, { min, max }: { min: number; max: number }): number {
  return Math.min(Math.max(value, min), max);
}
