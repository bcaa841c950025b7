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
  .describe("Stack name, one of those listed by /v1/version. Default: the first one");
const dryRun = flag("`true`: write nothing, and return what would change");
const reason = z
  .string()
  .max(1000)
  .optional()
  .describe(
    "Why, for the audit log, and for the message of the commit if the service commits edits (`serve --commit`)",
  );
const apply = flag("`false`: only write the configuration, to be applied later. Default: true");
// What comes in a URL is text; the document says what the text stands for.
const size = z
  .string()
  .regex(/^(?![0.]+$)\d{1,9}(\.\d{1,6})?$/, {
    error: ({ input }) => `${show(input)} is not a number of GiB greater than 0`,
  })
  .transform(Number)
  .pipe(z.number().positive())
  .describe("A number of GiB (2^30 bytes) greater than 0: 100, or 1.5");

export const backendSchema = z.enum(backendNames as [BackendName, ...BackendName[]]);

export const ofStack = z.strictObject({ stack });
export const profilesQuery = z.strictObject({ stack, sizeGiB: size.optional() });
export const resolutionQuery = z.strictObject({ stack, backend: backendSchema.optional(), sizeGiB: size.optional() });
export const editQuery = z.strictObject({ stack, dryRun, reason });
export const profileEditQuery = editQuery.extend({
  in: z
    .enum(["stack", "catalog"])
    .optional()
    .describe(
      "Where to edit a profile of a shared file: `stack` overrides it in the stack's file, `catalog` changes the shared file, for all its stacks",
    ),
});
export const volumeQuery = z.strictObject({ stack, dryRun, apply, reason });
export const stateQuery = z.strictObject({
  stack,
  fresh: flag("`true`: reload the state now, instead of using a recent reading"),
});
export const eventsQuery = z.strictObject({
  stack,
  after: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional()
    .describe("Only events after this number, like `Last-Event-ID`"),
});

export const definitionSchema = named("ProfileDefinition", schemas().profile);
export const profileBody = named("ProfileBody", schemas().profile.extend({ name: name("Profile name") }));
export const pinBody = named(
  "PinBody",
  z.strictObject({
    volume: name("Volume name").optional(),
    profile: name("Profile name, to pin it for all volumes of the stack").optional(),
  }),
);
export const ofPin = z.strictObject({
  reference: z.string().min(1).max(200).describe("An entry of the stack's `pins`: `volume@profile`, or `profile`"),
});
export const volumeBody = named("VolumeChange", schemas().volume);
export const newVolumeBody = named(
  "NewVolume",
  schemas().volume.extend({
    name: z.string().min(1).max(200).describe('Volume name, or "name@profile"'),
  }),
);
// Names or URNs.
const volumeNames = z.array(z.string().max(1_000)).max(10_000);
export const operationBody = named(
  "OperationBody",
  z.strictObject({
    kind: z
      .enum(["apply", "refresh"])
      .optional()
      .describe("apply: apply the configuration. refresh: refresh the state from the backends. Default: apply"),
    volumes: volumeNames.optional().describe("Only these volumes. Default: all that need changes"),
    destroy: volumeNames.optional().describe("Volumes to delete that are no longer in the configuration (apply)"),
    refresh: z
      .boolean()
      .optional()
      .describe("Whether to refresh from the backends first, so that drift is also corrected (apply)"),
  }),
);

// ---- answers ---------------------------------------------------------------------------------------------------------

export const problemSchema = named(
  "Problem",
  z.object({
    code: z.string().describe("Problem code; listed in docs/problems.md") as unknown as z.ZodType<ProblemCode>,
    path: z.string().describe("Location: a configuration key, an argument, or a part of the request"),
    given: z.unknown().optional().describe("The given value"),
    message: z.string(),
    allowed: z.string(),
    fix: z.string(),
  }),
);
const noteSchema = named(
  "Note",
  z.object({ code: z.string() as unknown as z.ZodType<NoteCode>, path: z.string(), message: z.string() }),
);
export const errorSchema = named(
  "Errors",
  z
    .object({
      description: z.string(),
      errors: z.array(problemSchema),
      notes: z.array(noteSchema).optional().describe("What may be why: values that the service doesn't see"),
    })
    .describe("Why a request failed: all problems"),
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
    revision: z.string().describe("Revision of the profile"),
    backend: backendSchema,
    sizeGiB: z.number(),
    settings: z
      .record(z.string(), z.unknown())
      .describe("The backend's own parameters, always complete; a limit of 0 means unlimited"),
    tags: z.record(z.string(), z.string()).optional().describe("The tags among them that the volume sets itself"),
  }),
);
export const resolutionSchema = named(
  "Resolution",
  z.object({
    backend: backendSchema,
    volume: resolvedSchema.optional().describe("The resolved volume; absent if it isn't possible"),
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
          .describe("Sizes that the profile supports on this backend"),
      }),
    ),
  }),
);
const place = {
  origin: z
    .enum(["built-in", "catalog", "stack"])
    .describe("Whether it is built in, defined in a shared file, or defined in the stack's own"),
  file: z.string().optional().describe("The shared file that defines it, as the stack's config names it"),
  line: z.number().optional().describe("The line in the shared file"),
};
export const profileAnswer = named(
  "Profile",
  z.object({
    name: z.string(),
    description: z.string(),
    ...place,
    lineage: z.array(z.string()).describe("The profiles that it extends, nearest first"),
    backends: z.partialRecord(
      backendSchema,
      z.object({
        revision: z.string(),
        section: z
          .record(z.string(), z.unknown())
          .describe("The profile's settings on this backend, including inherited ones"),
      }),
    ),
    definition: definitionSchema.optional().describe("The definition in the stack's config, if there is one"),
    volumes: z.array(z.string()).describe("Volumes in the configuration with this profile"),
    problem: problemSchema.optional().describe("Why the profile can't be resolved"),
    resolutions: z
      .array(resolutionSchema)
      .optional()
      .describe("Its resolution on each backend, if a size was requested"),
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
  applied: z.literal(false).describe("Accepted changes aren't applied yet; see /v1/state for what exists"),
  changed: z.boolean().describe("Whether the configuration was changed, or would be"),
  dryRun: z.boolean(),
  touched: z.array(planSchema).describe("The volumes that are affected"),
  leftOut: z
    .array(
      z.object({
        name: z.string(),
        urn: z.string().optional(),
        profile: z.string(),
        pin: z.string().describe("The pin that holds for it: `volume@profile`, or `profile`"),
      }),
    )
    .optional()
    .describe("Volumes that the edit would change if they weren't pinned"),
  stateUnknown: problemSchema.optional().describe("Why the existing volumes are unknown"),
  diff: z.string().describe("The lines of the file that change"),
  sharedFile: z.string().optional().describe("The shared file that changes in place of the stack's"),
  commit: z.string().optional().describe("The commit that has the edit, and was pushed (`serve --commit`)"),
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
    .describe("A volume in the configuration; see /v1/state/volumes for what exists"),
);
export const operationAnswer = named(
  "Operation",
  reportSchema.extend({
    state: reportSchema.shape.state.describe(
      "interrupted: the process that ran it has ended, and the outcome is unknown",
    ),
    problems: z.array(problemSchema),
    engineRunning: z.boolean().optional().describe("Whether Pulumi is still running although that process has ended"),
  }),
);
export const acceptedAnswer = named(
  "Accepted",
  z.object({ ...written, volume: volumeAnswer.optional(), operation: operationAnswer.optional() }),
);
export const pinsAnswer = named(
  "Pins",
  z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .describe("Pinned definitions by `volume@profile`, or by `profile`"),
);
export const statusAnswer = named(
  "VolumeStatus",
  z.object({
    name: z.string(),
    urn: z.string().optional(),
    status: z
      .enum(complianceStatuses)
      .describe(
        "compliant: the volume matches its declaration. not-created: declared, but not created yet. out-of-date: the declaration or the profile " +
          "changed since the last apply. non-compliant: the volume drifted, or its declaration is invalid. unknown: see `causes`",
      ),
    causes: z.array(noteSchema),
    declaredBy: z.enum(["config", "program"]),
    backend: backendSchema.optional(),
    profile: z.string().optional(),
    revision: z.string().optional(),
    pin: z
      .object({
        reference: z.string().describe("The entry of the stack's `pins`"),
        current: z.string().optional().describe("Revision of the profile that the volume would have otherwise"),
      })
      .optional()
      .describe("Present if the volume keeps a pinned definition of its profile"),
    definition: z.object(place).optional().describe("Where the profile is defined"),
    sizeGiB: z.number().optional(),
    recorded: resolvedSchema.optional().describe("What was last applied"),
    declared: resolvedSchema.optional().describe("What is declared"),
    verdict: z.enum(["create", "delete", "none", "in-place", "migrates", "refused"]).optional(),
    problems: z.array(problemSchema),
    notes: z.array(noteSchema).optional().describe("Notes about the declaration"),
    volumeId: z.string().optional(),
    mountPath: z.string().optional(),
    protected: z.boolean().optional(),
    monthlyCost: costSchema
      .optional()
      .describe("The cost of what the volume has; of one that isn't created yet, of what is declared"),
    declaredMonthlyCost: costSchema.optional().describe("The cost once what is declared is applied"),
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
