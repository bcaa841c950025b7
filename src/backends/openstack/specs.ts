// Volume types that profiles make: what a profile says of a type, and the extra specs and QoS specs that come of it, with the
// names that Cinder has for them.

import { z } from "zod";

import { problem, type Problem } from "../../core/problems";
import { bounded } from "../../core/bounded";

const positiveWhole = z.int().positive();
// A limit by the GiB is a whole number of bytes or requests in Cinder.
const wholeBytes = z
  .number()
  .positive()
  .refine((MiB) => Number.isInteger(MiB * 2 ** 20), { error: "not a whole number of bytes" });

function limitSchema(unit: string, amount: z.ZodType<number>) {
  return z
    .union([
      amount.describe(`${unit}, independent of the size`),
      z
        .strictObject({
          limit: amount.describe(`${unit}, independent of the size`),
          burst: amount.describe(`${unit} for short bursts; at least \`limit\``),
        })
        .refine(({ limit, burst }) => burst >= limit, { error: "`burst` is less than `limit`", path: ["burst"] }),
      z
        .strictObject({
          perGiB: amount.describe(`${unit} per GiB of the volume`),
          min: amount.optional().describe("Minimum"),
          max: amount.optional().describe("Maximum"),
        })
        .refine(({ min, max }) => min === undefined || max === undefined || min <= max, {
          error: "`min` is greater than `max`",
        }),
    ])
    .describe(`A limit in ${unit}: a number, a number with a burst, or a value per GiB (perGiB) between min and max`);
}

const iopsLimit = limitSchema("IOPS", positiveWhole);
const throughputLimit = limitSchema("MiB/s", wholeBytes);
type Limit = z.infer<typeof iopsLimit>;

/** More than a type ever has. */
const MOST_SPECS = 256;

const consumers = ["front-end", "back-end", "both"] as const;

export const qosSchema = z
  .strictObject({
    consumer: z
      .enum(consumers)
      .nullish()
      .describe(
        "Where the limits are enforced: by the hypervisor (front-end), the storage (back-end), or both. Default: front-end",
      ),
    iops: iopsLimit.nullish(),
    readIops: iopsLimit.nullish(),
    writeIops: iopsLimit.nullish(),
    throughputMiBps: throughputLimit.nullish(),
    readThroughputMiBps: throughputLimit.nullish(),
    writeThroughputMiBps: throughputLimit.nullish(),
    specs: bounded(z.record(z.string().min(1).max(255), z.union([z.string().max(255), z.number()])), MOST_SPECS)
      .nullish()
      .describe("QoS specs passed unchanged, for drivers with their own names"),
  })
  .describe("QoS specs of the volume type");

export const specsSchema = z
  .strictObject({
    description: z.string().max(255).nullish().describe("Description of the volume type, for people"),
    projects: z
      .array(z.string().min(1).max(255))
      .max(1_000)
      .nullish()
      .describe("Ids of the projects that may use the type, which is then private. Default: all projects"),
    extraSpecs: bounded(z.record(z.string().min(1).max(255), z.string().max(255)), MOST_SPECS)
      .nullish()
      .describe(
        'Extra specs of the volume type, in the format of Cinder: { volume_backend_name: fast, multiattach: "<is> True" }',
      ),
    qos: qosSchema.nullish(),
  })
  .describe("Definition of the volume type, for `VolumeTypes` to create");

/** What a profile says of the volume type that it makes. */
export type Specs = z.infer<typeof specsSchema>;

/** A volume type as it is made on Cinder. */
export interface VolumeTypeToMake {
  name: string;
  description: string | null;
  /** The projects that may use it; `null`: all. */
  projects: string[] | null;
  extraSpecs: Record<string, string>;
  qos: { consumer: (typeof consumers)[number]; specs: Record<string, string> } | null;
}

/** The extra specs by which Cinder bounds the sizes of a type. */
export const MIN_SIZE = "provisioning:min_vol_size";
export const MAX_SIZE = "provisioning:max_vol_size";

// Source: cinder/volume/manager.py _parse_connection_options (tune_opts), 29.0: with `_per_gb`, `_per_gb_min` is a least and `_max`
// a most; without it, `_max` goes to the hypervisor, whose burst it is. Read 2026-11-24.
const QOS = {
  iops: ["total_iops_sec", 1],
  readIops: ["read_iops_sec", 1],
  writeIops: ["write_iops_sec", 1],
  throughputMiBps: ["total_bytes_sec", 2 ** 20],
  readThroughputMiBps: ["read_bytes_sec", 2 ** 20],
  writeThroughputMiBps: ["write_bytes_sec", 2 ** 20],
} as const;
type QosLimit = keyof typeof QOS;

const TOTALS: Partial<Record<QosLimit, QosLimit>> = {
  readIops: "iops",
  writeIops: "iops",
  readThroughputMiBps: "throughputMiBps",
  writeThroughputMiBps: "throughputMiBps",
};

/**
 * The volume type that a profile makes. Problems: `setting-not-applicable` for limits that don't go together, `value-invalid` for
 * sizes that are none.
 */
export function volumeTypeToMake(
  name: string,
  specs: Specs,
  path: string,
): { type: VolumeTypeToMake; problems: Problem[] } {
  const problems: Problem[] = [];
  const { description, projects, extraSpecs, qos } = specs;
  const wrongSize = (key: string, why: string, allowed: string) =>
    problems.push(problem("value-invalid", `${path}.extraSpecs.${key}`, extraSpecs?.[key], { why, allowed }));
  for (const key of [MIN_SIZE, MAX_SIZE]) {
    const text = extraSpecs?.[key];
    if (text !== undefined && !/^[1-9]\d*$/.test(text))
      wrongSize(key, `invalid size "${text}"`, 'a whole number of GiB, as text: "10"');
  }
  const { min, max } = sizesOf(extraSpecs ?? {});
  if (problems.length === 0 && min !== undefined && max !== undefined && min > max)
    wrongSize(MAX_SIZE, `less than \`${MIN_SIZE}\`: the type would have no size`, `${min} or more, as text`);
  const type: VolumeTypeToMake = {
    name,
    description: description ?? null,
    projects: projects ?? null,
    extraSpecs: sorted(extraSpecs ?? {}),
    qos: null,
  };
  if (qos) {
    problems.push(...wrongLimits(qos, `${path}.qos`));
    const ours = Object.entries(QOS).flatMap(([key, [option, factor]]) => {
      const limit = qos[key as QosLimit];
      return limit == null ? [] : qosSpecs(option, factor, limit);
    });
    const own = Object.entries(qos.specs ?? {}).map(([key, value]) => [key, String(value)] as const);
    type.qos = { consumer: qos.consumer ?? "front-end", specs: sorted(Object.fromEntries([...ours, ...own])) };
  }
  return { type, problems };
}

function qosSpecs(option: string, factor: number, limit: Limit): [string, string][] {
  const amount = (value: number) => String(value * factor);
  if (typeof limit === "number") return [[option, amount(limit)]];
  if ("limit" in limit) {
    return [
      [option, amount(limit.limit)],
      [`${option}_max`, amount(limit.burst)],
    ];
  }
  return [
    [`${option}_per_gb`, amount(limit.perGiB)],
    ...(limit.min === undefined ? [] : [[`${option}_per_gb_min`, amount(limit.min)] as [string, string]]),
    ...(limit.max === undefined ? [] : [[`${option}_max`, amount(limit.max)] as [string, string]]),
  ];
}

function wrongLimits(qos: NonNullable<Specs["qos"]>, path: string): Problem[] {
  const given = (Object.keys(QOS) as QosLimit[]).filter((key) => qos[key] != null);
  const notApplicable = (setting: QosLimit, because: string, ways: string[]) =>
    problem("setting-not-applicable", `${path}.${setting}`, qos[setting], { setting, because, ways });
  if (qos.consumer === "back-end") {
    const because = "each storage driver has its own names for limits";
    return given.map((setting) =>
      notApplicable(setting, because, [
        `use the driver's own keys under \`specs\` instead`,
        "use `consumer: front-end`",
      ]),
    );
  }
  return given.flatMap((setting) => {
    const total = TOTALS[setting];
    if (!total || qos[total] == null) return [];
    const because = `hypervisors support either a limit for all requests (\`${total}\`), or separate limits for reads and writes`;
    return [notApplicable(setting, because, [`remove \`${total}\``, `remove \`${setting}\``])];
  });
}

/** The sizes that a type's extra specs admit, in GiB. */
export function sizesOf(extraSpecs: Readonly<Record<string, string>>): { min?: number; max?: number } {
  const bound = (key: string) => {
    const value = Number(extraSpecs[key]);
    return Number.isInteger(value) && value > 0 ? value : undefined;
  };
  const [min, max] = [bound(MIN_SIZE), bound(MAX_SIZE)];
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

function sorted(entries: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)));
}
