// ScaleIO / PowerFlex: thin or thick, RAM cache, and limits that the array keeps on the mapping to a host.

import { z } from "zod";

import { count, problem, type Note, type Problem } from "../../core/problems";
import { validate } from "../../core/validate";
import {
  defineBackend,
  inPlace,
  partialRange,
  rangeSchema,
  readAsRecorded,
  refused,
  sizeProblems,
  type Answer,
  type Asked,
} from "../contract";
import { connectionChange, connectionSchema } from "../connection";
import { flatCost, flatPrices } from "../flat-price";
import { note, scaleioProblems } from "./problems";
// Beside what is imported by name: so its codes are in the types of every program.
import "./problems";

const provisionings = ["thin", "thick"] as const;
const compressions = ["none", "normal"] as const;

const section = z
  .strictObject({
    provisioning: z
      .enum(provisionings)
      .nullish()
      .describe("Whether space is allocated on write (thin) or in advance (thick). Default: thin"),
    iopsLimit: z.int().nonnegative().nullish().describe("IOPS per mapped host; 0 means unlimited. Default: unlimited"),
    bandwidthLimitKBps: z
      .int()
      .nonnegative()
      .nullish()
      .describe("KB/s (1,024 bytes) per mapped host, in multiples of 1,024; 0 means unlimited. Default: unlimited"),
    ramCache: z.boolean().nullish().describe("Whether the servers' RAM cache is used. Default: false"),
    compression: z.enum(compressions).nullish().describe("Compression, on fine-granularity pools. Default: none"),
    protectionDomain: z
      .string()
      .min(1)
      .nullish()
      .describe("Name of the protection domain. Default: from the stack's config"),
    storagePool: z
      .string()
      .min(1)
      .nullish()
      .describe("Name of the storage pool in that domain. Default: from the stack's config"),
  })
  .describe("The profile's settings on ScaleIO / PowerFlex");
type Section = z.infer<typeof section>;

const connection = connectionSchema("scaleio", "the array").optional();

const stack = z
  .strictObject({
    connection: connection.describe(
      "Name of the connection of volumes that don't set one, of those in scaleio:connections. Default: scaleio:endpoint",
    ),
    protectionDomain: z
      .string()
      .min(1)
      .optional()
      .describe("Name of the protection domain for volumes whose profile doesn't set one"),
    storagePool: z
      .string()
      .min(1)
      .optional()
      .describe("Name of the storage pool, in that domain, for volumes whose profile doesn't set one"),
    owner: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Owner of the stack: distinguishes the volume names of stacks with the same name and project on one array",
      ),
  })
  .describe("Location of volumes on the array");

const own = z
  .strictObject({
    connection,
    protectionDomain: z.string().min(1).optional().describe("Name of the protection domain. Fixed at creation"),
    storagePool: z.string().min(1).optional().describe("Name of the storage pool in that domain. Fixed at creation"),
  })
  .describe("Settings for a single volume on ScaleIO / PowerFlex");

// What a volume says counts before its profile, and what the stack says after it.
const placement = own.extend({ stack: own.optional() });
type Placement = z.infer<typeof placement>;

const multipleOf = z.int().positive();
const limitsSchema = z.strictObject({
  sizeGiB: rangeSchema.safeExtend({ multipleOf }),
  iopsLimit: rangeSchema,
  bandwidthLimitKBps: z.strictObject({ multipleOf, max: z.int().positive() }),
});
type Limits = z.infer<typeof limitsSchema>;

/** The complete settings of a ScaleIO volume. */
export interface ScaleioSettings {
  provisioning: (typeof provisionings)[number];
  /** For each mapped host; 0 is unlimited. */
  iopsLimit: number;
  /** For each mapped host, in KB/s of 1,024 bytes; 0 is unlimited. */
  bandwidthLimitKBps: number;
  ramCache: boolean;
  compression: (typeof compressions)[number];
  /** `null` where neither the profile nor the stack's config names one: then no volume can be made. */
  protectionDomain: string | null;
  /** A pool of that domain; `null` likewise. */
  storagePool: string | null;
  /** The named connection to the array that has it; absent on that of the stack's own keys. */
  connection?: string;
}

const NEW_VOLUME_WAY = "declare a new volume with the new setting, copy the data, and destroy this one";
const FOLLOW_WAY = `${NEW_VOLUME_WAY}; or, if an administrator has already changed it on the array, run pulumi refresh first`;

export const scaleio = defineBackend({
  name: "scaleio",
  title: "ScaleIO / PowerFlex",
  section,
  // `gold` has the numbers of the founding example; only its 1,000,000 KB/s are 1,000,448, the next that an array has.
  builtIn: {
    default: { provisioning: "thin" },
    gold: { provisioning: "thin", iopsLimit: 10_000, bandwidthLimitKBps: 1_000_448, ramCache: true },
    silver: { provisioning: "thin", iopsLimit: 3_000, bandwidthLimitKBps: 256_000 },
    bronze: { provisioning: "thin", iopsLimit: 500, bandwidthLimitKBps: 64_512 },
  },
  placement,
  stack,
  place: ({ connection, protectionDomain, storagePool }) => ({
    stack: {
      ...(connection !== undefined && { connection }),
      ...(protectionDomain !== undefined && { protectionDomain }),
      ...(storagePool !== undefined && { storagePool }),
    },
  }),
  own,
  questions: [
    {
      option: "domain",
      key: "protectionDomain",
      message: "Protection domain",
      description: "the protection domain",
      isNeeded: true,
    },
    { option: "pool", key: "storagePool", message: "Storage pool", description: "the storage pool", isNeeded: true },
  ],
  hasProvider: true,
  limits: {
    // Source: the gateway's querySystemLimits (volumeSizeGb 8 to 1,048,576), its granularity of 8 GB, and Dell's Ansible
    // modules (limits: IOPS 0 or at least 11; bandwidth in multiples of 1,024 KB/s). The upper ends are those of a signed
    // 32-bit number. Read 2026-08-21.
    data: {
      sizeGiB: { min: 8, max: 1_048_576, multipleOf: 8 },
      iopsLimit: { min: 11, max: 2_147_483_647 },
      bandwidthLimitKBps: { multipleOf: 1_024, max: 2_147_482_624 },
    },
    override: z
      .strictObject({
        sizeGiB: partialRange.extend({ multipleOf: multipleOf.optional() }).optional(),
        iopsLimit: partialRange.optional(),
        bandwidthLimitKBps: limitsSchema.shape.bandwidthLimitKBps.partial().optional(),
      })
      .describe("Limits of ScaleIO / PowerFlex; override the shipped limits"),
    whole: limitsSchema,
  },
  prices: flatPrices("ScaleIO / PowerFlex"),
  problems: scaleioProblems,
  resolve,
  change: {
    provisioning: refused(
      "the array converts between thin and thick only while migrating a volume, which isn't supported",
      FOLLOW_WAY,
    ),
    iopsLimit: inPlace,
    bandwidthLimitKBps: inPlace,
    ramCache: inPlace,
    compression: inPlace,
    protectionDomain: refused("the volume would have to be migrated, which isn't supported", FOLLOW_WAY),
    storagePool: refused("the volume would have to be migrated, which isn't supported", FOLLOW_WAY),
    connection: connectionChange,
  },
  monthlyCost: flatCost,
  quantities: {
    iopsLimit: { unit: "IOPS", isUnlimitedAtZero: true },
    bandwidthLimitKBps: { unit: "KB/s", isUnlimitedAtZero: true },
  },
  recorded: {
    type: "pulumi-nodejs:dynamic/storage-profiles:ScaleioVolume",
    pluginType: "storage-profiles:scaleio:Volume",
    read: readAsRecorded,
    decided: [],
    own: ["protectionDomain", "storagePool", "connection"],
  },
});

function resolve(asked: Asked<Section, Placement, Limits>): Answer<ScaleioSettings> {
  const { section, path, limits, profile, placement } = asked;
  const notes: Note[] = [];

  const step = limits.sizeGiB.multipleOf;
  const sizeGiB = Math.ceil(asked.sizeGiB / step) * step;
  const problems = sizeProblems("a ScaleIO volume", asked, limits.sizeGiB, { made: sizeGiB });
  if (problems.length === 0 && sizeGiB !== asked.sizeGiB) {
    const because = `ScaleIO volume sizes are multiples of ${step} GiB`;
    notes.push(note("size-rounded-up", asked.sizePath, { asked: `${count(asked.sizeGiB)} GiB`, sizeGiB, because }));
  }

  const wanted = mappingLimits({ ...section, profile }, limits, path);
  problems.push(...wanted.problems);
  notes.push(...wanted.notes);
  if (problems.length > 0) return { sizeGiB, problems, notes: [] };

  const { iopsLimit, bandwidthLimitKBps } = wanted;
  const limited = [iopsLimit && `${count(iopsLimit)} IOPS`, bandwidthLimitKBps && `${count(bandwidthLimitKBps)} KB/s`];
  const what = limited.filter(Boolean).join(" and ");
  if (what) notes.push(note("limits-need-mapping", path, { what }));
  const where = (setting: "protectionDomain" | "storagePool") => {
    const [from, to] = [section[setting], placement[setting]];
    if (from != null && to !== undefined && from !== to)
      notes.push(note("value-overridden", `${path}.${setting}`, { setting, profile, from, to }));
    return to ?? from ?? placement.stack?.[setting] ?? null;
  };
  const connection = placement.connection ?? placement.stack?.connection;
  const settings: ScaleioSettings = {
    provisioning: section.provisioning ?? "thin",
    iopsLimit,
    bandwidthLimitKBps,
    ramCache: section.ramCache ?? false,
    compression: section.compression ?? "none",
    protectionDomain: where("protectionDomain"),
    storagePool: where("storagePool"),
    ...(connection !== undefined && { connection }),
  };
  return { settings, sizeGiB, problems, notes };
}

/** How a host may use a volume that is mapped to it. */
export const accessModes = ["ReadWrite", "ReadOnly", "NoAccess"] as const;
export type AccessMode = (typeof accessModes)[number];

/** What a volume's mapping to a host is limited to, as the array takes it; 0 is unlimited. */
export interface MappingLimits {
  iopsLimit: number;
  bandwidthLimitKBps: number;
}

// For an array, -1 and text mean "unlimited": what is no whole number must never reach it.
const mappingSchema = z.object({
  iopsLimit: section.shape.iopsLimit,
  bandwidthLimitKBps: section.shape.bandwidthLimitKBps,
});

/** Calculates the limits of a mapping. A limit that isn't possible is a problem; one that is rounded up is a note. */
export function mappingLimits(
  asked: z.infer<typeof mappingSchema> & { profile?: string },
  limits: Omit<Limits, "sizeGiB"> = scaleio.limits.data,
  path = "",
): MappingLimits & { problems: Problem[]; notes: Note[] } {
  const problems: Problem[] = [];
  const notes: Note[] = [];
  const valid = validate(mappingSchema, asked, path);
  if (!valid.value) return { iopsLimit: 0, bandwidthLimitKBps: 0, problems: valid.problems, notes };
  const who = asked.profile === undefined ? "the mapping" : `"${asked.profile}"`;
  const at = (key: string) => (path === "" ? key : `${path}.${key}`);
  const iopsLimit = asked.iopsLimit ?? 0;
  if (iopsLimit !== 0 && (iopsLimit < limits.iopsLimit.min || iopsLimit > limits.iopsLimit.max)) {
    const wants = `${who} sets a limit of ${count(iopsLimit)} IOPS`;
    const { min, max } = limits.iopsLimit;
    const ways = [
      "set 0 (unlimited)",
      `set ${iopsLimit < min ? `${count(min)} IOPS or more` : `${count(max)} IOPS or less`}`,
    ];
    const params = { what: "ScaleIO", wants, ...limits.iopsLimit, ways };
    problems.push(problem("iops-beyond-limit", at("iopsLimit"), iopsLimit, params));
  }

  const { multipleOf, max } = limits.bandwidthLimitKBps;
  const askedKBps = asked.bandwidthLimitKBps ?? 0;
  const bandwidthLimitKBps = Math.ceil(askedKBps / multipleOf) * multipleOf;
  if (bandwidthLimitKBps > max) {
    const wants = `${who} sets a limit of ${count(Math.ceil(askedKBps / 1024))} MiB/s`;
    const ways = ["set 0 (unlimited)", "lower the limit"];
    const params = { what: "ScaleIO", wants, min: 1, max: Math.floor(max / 1024), ways };
    problems.push(problem("throughput-beyond-limit", at("bandwidthLimitKBps"), askedKBps, params));
  } else if (bandwidthLimitKBps !== askedKBps) {
    const because = `ScaleIO requires multiples of ${count(multipleOf)} KB/s`;
    const params = { from: askedKBps, to: bandwidthLimitKBps, unit: "KB/s", because };
    notes.push(note("value-rounded-up", at("bandwidthLimitKBps"), params));
  }
  return { iopsLimit, bandwidthLimitKBps, problems, notes };
}
