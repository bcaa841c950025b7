// What each component takes and gives, as zod schemas: made of those of the stack's config, and of what the backends' registries say. The
// package's schema, from which SDKs are generated, is derived from these.

import { z } from "zod";

import { backendNames, PROFILED_VOLUME, schemas, VOLUME_ATTACHMENT } from "../src";
import { attacherOf } from "../components/backends/registry";

/** A component, as programs in other languages see it. */
export interface ComponentShape {
  description: string;
  inputs: z.ZodObject;
  outputs: z.ZodObject;
  required: readonly string[];
}

/** A volume of the program, as an argument. */
export const volumeReference = z.unknown().describe("The volume");

/** The components, by type. Made when they are first asked for: the backends' parts are loaded for that. */
export function componentShapes(): Record<string, ComponentShape> {
  return {
    [PROFILED_VOLUME]: {
      description:
        "A volume declared by name and profile. The profile is never part of the identity: another profile changes the volume in place. " +
        "The resource may be named `name@profile`, or `name` with the argument `profile`.",
      inputs: z.strictObject({ ...schemas().volume.shape, ...besideConfig }),
      outputs: volumeOutputs(),
      required: [],
    },
    [VOLUME_ATTACHMENT]: {
      description: "A volume made available to a host. Unmount the file system on the host before it is deleted.",
      inputs: z.strictObject({
        volume: volumeReference,
        host: z.string().describe(hostDescription()),
        ...attachmentOptions(),
      }),
      outputs: z.strictObject({ devicePath: z.string().describe("The block device on a Linux host") }),
      required: ["volume", "host"],
    },
  };
}

// What a program says of a volume, and a stack's config can't.
const besideConfig = {
  physicalName: z
    .string()
    .optional()
    .describe(
      "The volume's name on the backend, where it must differ from the resource's. Fixed at creation. Default: the resource's name",
    ),
  import: z
    .string()
    .optional()
    .describe("The id of an existing volume to take over with its data, instead of creating one"),
  takeFrom: z
    .string()
    .optional()
    .describe(
      "The owner of the volume that `import` takes over, if another stack or resource owns it, as the refusal of the import names it",
    ),
};

function volumeOutputs() {
  return z.strictObject({
    volumeId: z.string().describe("The volume's id on the backend"),
    profile: z.string().describe("The profile's name"),
    backend: z.enum(backendNames as unknown as [string, ...string[]]).describe("The backend where the volume lives"),
    revision: z.string().describe("A short hash of the profile's definition on this backend that the volume has"),
    settings: z.record(z.string(), z.unknown()).describe("The backend's own parameters, the complete set"),
    sizeGiB: z.number().describe("The size as created, in GiB (2^30 bytes)"),
    monthlyCost: z
      .strictObject({
        amount: z.number().describe("The sum, rounded to a hundredth"),
        currency: z.string().describe('The currency\'s code: "USD"'),
        region: z.string().describe('Where the price holds: an AWS region, or "any"'),
        parts: z.array(z.unknown()).describe("What the sum consists of"),
        source: z.string().describe("Where the price comes from"),
        date: z.string().describe("When the price was read, as YYYY-MM-DD"),
      })
      .optional()
      .describe("The monthly cost by list price; absent where it isn't known"),
    notes: z
      .array(
        z.strictObject({
          code: z.string().describe("Which note it is; stable"),
          path: z.string().describe("The setting or argument"),
          message: z.string().describe("What happened, and why"),
        }),
      )
      .describe("Information about a request that isn't refused: roundings, settings that aren't enforced"),
    mountPath: z.string().optional().describe("Where the volume is mounted, on backends that mount it"),
  });
}

const attachable = () => backendNames.flatMap((name) => (attacherOf(name) ? [{ name, ...attacherOf(name)! }] : []));

function hostDescription(): string {
  return `The host: ${attachable()
    .map(({ name, host }) => `on \`${name}\` ${host}`)
    .join(", ")}`;
}

function attachmentOptions(): Record<string, z.ZodType> {
  return Object.fromEntries(
    attachable().map(({ name, options }) => [
      name,
      z
        .strictObject(Object.fromEntries(options.map((option) => [option, z.unknown()])))
        .optional()
        .describe(`Settings of the attachment on ${name}`),
    ]),
  );
}
