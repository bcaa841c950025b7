// What goes over the wire, as zod schemas: requests are checked by them, and the OpenAPI document is made from them.

import { z } from "zod";

import { backendNames, type BackendName } from "../core/backend";
import { NAME_RULE, show, type NoteCode, type ProblemCode } from "../core/problems";
import { NAME_PATTERN } from "../core/reference";
import { schemas } from "../core/config-schema";
import { reportSchema } from "../stack/journal";
import { complianceStatuses } from "../stack/types";

/** The schemas that the OpenAPI document lists by name. */
export const components = z.registry<{ id: string }>();

function named<T extends z.ZodType>(id: string, schema: T): T {
  components.add(schema, { id });
  return schema;
}

// ---- requests --------------------------------------------------------------------------------------------------------

const name = (what: string) => z.string().regex(NAME_PATTERN).describe(`${what}: ${NAME_RULE}`);
const flag = (text: string) => z.enum(["true", "false"]).optional().describe(text);

export const ofName = (what: string) => z.strictObject({ name: name(what) });
export const ofOperation = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .describe("The id of an operation"),
});

const stack = z
  .string()
  .max(200)
  .optional()
  .describe("The stack, one of those that /v1/version lists. Default: the first of them");
const dryRun = flag("`true`: writes nothing, and says what it would touch");
const apply = flag("`false`: writes the configuration only; apply it later. Default: true");
// What comes in a URL is text; the document says what the text stands for.
const size = z
  .string()
  .regex(/^(?![0.]+$)\d{1,9}(\.\d{1,6})?$/, { error: ({ input }) => `${show(input)} is not a number of GiB above 0` })
  .transform(Number)
  .pipe(z.number().positive())
  .describe("A number of GiB (2^30 bytes) above 0: 100, or 1.5");

export const backendSchema = z.enum(backendNames as [BackendName, ...BackendName[]]);

export const ofStack = z.strictObject({ stack });
export const profilesQuery = z.strictObject({ stack, sizeGiB: size.optional() });
export const resolutionQuery = z.strictObject({ stack, backend: backendSchema.optional(), sizeGiB: size.optional() });
export const editQuery = z.strictObject({ stack, dryRun });
export const volumeQuery = z.strictObject({ stack, dryRun, apply });
export const stateQuery = z.strictObject({
  stack,
  fresh: flag("`true`: reads the state anew now, instead of seconds ago"),
});
export const eventsQuery = z.strictObject({
  stack,
  after: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional()
    .describe("Only events after this number, as `Last-Event-ID` says it"),
});

export const definitionSchema = named("ProfileDefinition", schemas().profile);
export const profileBody = named("ProfileBody", schemas().profile.extend({ name: name("The profile's name") }));
export const volumeBody = named("VolumeChange", schemas().volume);
export const newVolumeBody = named(
  "NewVolume",
  schemas().volume.extend({
    name: z.string().min(1).max(200).describe('A volume\'s name, or "name@profile"'),
  }),
);
const volumeNames = z.array(z.string().max(64)).max(10_000);
export const operationBody = named(
  "OperationBody",
  z.strictObject({
    kind: z
      .enum(["apply", "refresh"])
      .optional()
      .describe("apply: puts the configuration into effect. refresh: asks the backends what is there. Default: apply"),
    volumes: volumeNames.optional().describe("Only these volumes. Default: all that need it"),
    destroy: volumeNames.optional().describe("Volumes to delete that the configuration no longer lists (apply)"),
    refresh: z
      .boolean()
      .optional()
      .describe("Whether the backends are asked first, so that drift is put right as well (apply)"),
  }),
);

// ---- answers ---------------------------------------------------------------------------------------------------------

export const problemSchema = named(
  "Problem",
  z.object({
    code: z.string().describe("Which problem it is; docs/problems.md lists them") as unknown as z.ZodType<ProblemCode>,
    path: z.string().describe("Where it is: a key of the configuration, an argument, a part of the request"),
    given: z.unknown().optional().describe("What was given there"),
    message: z.string(),
    allowed: z.string(),
    fix: z.string(),
  }),
);
export const errorSchema = named(
  "Errors",
  z
    .object({ description: z.string(), errors: z.array(problemSchema) })
    .describe("Why a request wasn't met: every problem there is"),
);
const noteSchema = named(
  "Note",
  z.object({ code: z.string() as unknown as z.ZodType<NoteCode>, path: z.string(), message: z.string() }),
);
const costSchema = named(
  "MonthlyCost",
  z.object({
    amount: z.number(),
    currency: z.string(),
    region: z.string(),
    parts: z.array(
      z.object({ what: z.string(), quantity: z.number(), unit: z.string(), unitPrice: z.number(), amount: z.number() }),
    ),
    source: z.string(),
    date: z.string(),
  }),
);
const resolvedSchema = named(
  "ResolvedVolume",
  z.object({
    name: z.string(),
    profile: z.string(),
    revision: z.string().describe("Which edit of the profile it is"),
    backend: backendSchema,
    sizeGiB: z.number(),
    settings: z
      .record(z.string(), z.unknown())
      .describe("The backend's own parameters, always all of them; a limit of 0 means unlimited"),
  }),
);
export const resolutionSchema = named(
  "Resolution",
  z.object({
    backend: backendSchema,
    volume: resolvedSchema.optional().describe("What it becomes; absent where it isn't possible"),
    problems: z.array(problemSchema).describe("Why it isn't possible"),
    notes: z.array(noteSchema),
    monthlyCost: costSchema.optional(),
  }),
);
const rangeSchema = z.object({ fromGiB: z.number(), toGiB: z.number() });
export const resolutionsSchema = named(
  "Resolutions",
  z.object({
    profile: z.string(),
    sizeGiB: z.number(),
    resolutions: z.array(
      resolutionSchema.extend({
        admitted: z
          .array(z.object({ what: z.string(), ranges: z.array(rangeSchema) }))
          .describe("The sizes that the profile admits there"),
      }),
    ),
  }),
);
export const profileAnswer = named(
  "Profile",
  z.object({
    name: z.string(),
    description: z.string(),
    origin: z.enum(["built-in", "stack"]).describe("Whether it ships, or the stack's file has it"),
    lineage: z.array(z.string()).describe("The profiles that it is laid over, nearest first"),
    backends: z.partialRecord(
      backendSchema,
      z.object({
        revision: z.string(),
        section: z.record(z.string(), z.unknown()).describe("What the profile says there, with `extends` done"),
      }),
    ),
    definition: definitionSchema.optional().describe("What the stack's config says, where it defines the profile"),
    volumes: z.array(z.string()).describe("The volumes of the configuration that have it"),
    problem: problemSchema.optional().describe("Why it can't be put together"),
    resolutions: z
      .array(resolutionSchema)
      .optional()
      .describe("What it becomes on each backend, where a size was asked for"),
  }),
);
const planSchema = named(
  "VolumePlan",
  z.object({
    name: z.string(),
    urn: z.string().optional(),
    verdict: z.enum(["create", "delete", "none", "in-place", "migrates", "refused"]),
    declaredBy: z.enum(["config", "program"]),
    from: resolvedSchema.optional(),
    to: resolvedSchema.optional(),
    problems: z.array(problemSchema),
    notes: z.array(noteSchema),
    costBefore: costSchema.optional(),
    costAfter: costSchema.optional(),
  }),
);
const written = {
  applied: z.literal(false).describe("What is accepted here isn't applied: /v1/state says what is there"),
  changed: z.boolean().describe("Whether the configuration was changed, or would be"),
  dryRun: z.boolean(),
  touched: z.array(planSchema).describe("The volumes for which it changes something"),
  stateUnknown: problemSchema.optional().describe("Why it isn't known which volumes exist"),
  diff: z.string().describe("The lines of the file that change"),
};
export const editAnswer = named("EditAnswer", z.object({ ...written, profile: profileAnswer.optional() }));
export const volumeAnswer = named(
  "Volume",
  schemas()
    .volume.extend({
      name: z.string(),
      profile: z.string(),
      reference: z.string().describe("name@profile"),
      problems: z.array(problemSchema),
    })
    .describe("A volume as it is configured; /v1/state/volumes says what is there"),
);
export const operationAnswer = named(
  "Operation",
  reportSchema.extend({
    state: reportSchema.shape.state.describe(
      "interrupted: the process that ran it is gone, and nobody knows how it ended",
    ),
    problems: z.array(problemSchema),
    engineRunning: z.boolean().optional().describe("Whether its engine still works though that process is gone"),
  }),
);
export const acceptedAnswer = named(
  "Accepted",
  z.object({ ...written, volume: volumeAnswer.optional(), operation: operationAnswer.optional() }),
);
export const statusAnswer = named(
  "VolumeStatus",
  z.object({
    name: z.string(),
    urn: z.string().optional(),
    status: z
      .enum(complianceStatuses)
      .describe(
        "compliant: it is what is declared. not-created: it is declared, and isn't created yet. out-of-date: what is declared was " +
          "changed since. non-compliant: it isn't what it got, or what is declared isn't possible. unknown: `causes` says why",
      ),
    causes: z.array(noteSchema),
    declaredBy: z.enum(["config", "program"]),
    backend: backendSchema.optional(),
    profile: z.string().optional(),
    revision: z.string().optional(),
    sizeGiB: z.number().optional(),
    recorded: resolvedSchema.optional().describe("What it last got"),
    declared: resolvedSchema.optional().describe("What is declared"),
    verdict: z.enum(["create", "delete", "none", "in-place", "migrates", "refused"]).optional(),
    problems: z.array(problemSchema),
    notes: z.array(noteSchema).optional().describe("What is worth knowing of what is declared"),
    volumeId: z.string().optional(),
    mountPath: z.string().optional(),
    protected: z.boolean().optional(),
    monthlyCost: costSchema.optional(),
  }),
);
export const versionAnswer = named(
  "Version",
  z.object({
    "storage-profiles": z.string(),
    project: z.string(),
    stacks: z.array(z.string()),
    backends: z.array(backendSchema),
    role: z.enum(["read", "write", "admin"]).describe("Your own"),
  }),
);
export const healthAnswer = named("Health", z.object({ status: z.enum(["ok"]) }));
