// What each component takes and gives, as zod schemas: made of those of the stack's config, and of what the backends' registries say. The
// package's schema, from which SDKs are generated, is derived from these.

import { z } from "zod";

import { backendNames, PROFILED_VOLUME, schemas, STACK_VOLUMES, VOLUME_ATTACHMENT } from "../src";
import { COMPOSE_VOLUMES } from "../components/compose/compose-volumes";
import { CEPH_POOLS } from "../components/backends/ceph/ceph-pools";
import { VOLUME_TYPES } from "../components/backends/openstack/volume-types";
import { attacherOf } from "../components/backends/registry";

/** A component, as programs in other languages see it. */
export interface ComponentShape {
  description: string;
  inputs: z.ZodObject;
  outputs: z.ZodObject;
  required: readonly string[];
}

/** A volume as an argument: one of the program, or one that exists. The schema has a type for either. */
export const volumeReference = z
  .unknown()
  .describe("The volume: a `ProfiledVolume` of the program, or one of another stack or without a profile by its id");

/** A volume that the program doesn't declare, as an argument. */
export const existingVolume = z
  .strictObject({
    backend: z.enum(backendNames as unknown as [string, ...string[]]).describe("Where it lives. Written as text"),
    volumeId: z.string().describe("Its id on the backend"),
    settings: z
      .record(z.string(), z.unknown())
      .optional()
      .describe(
        "Its settings, as the output `settings` of its `ProfiledVolume`: on `scaleio` they limit the mapping. Default: none",
      ),
    connection: z
      .string()
      .optional()
      .describe("The named connection that leads to it, on a backend that has such. Default: the stack's"),
  })
  .describe("A volume that the program doesn't declare: of another stack, or one without a profile");

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
    [STACK_VOLUMES]: {
      description:
        "A volume for each entry that the stack's config has below `storage-profiles:volumes`, where commands, HTTP and Docker edit them",
      inputs: z.strictObject({}),
      outputs: z.strictObject({
        volumes: z
          .record(
            z.string(),
            z.strictObject({
              profile: z.string().describe("The profile's name"),
              sizeGiB: z.number().describe("The size as created, in GiB (2^30 bytes)"),
              volumeId: z.string().describe("The volume's id on the backend"),
              mountPath: z.string().optional().describe("Where the volume is mounted, on backends that mount it"),
            }),
          )
          .describe("The volumes, by name"),
      }),
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
    [VOLUME_TYPES]: {
      description:
        "The Cinder volume types of the stack's profiles, with their extra specs, QoS specs and access: for an administrator's stack",
      inputs: z.strictObject({
        profiles: z
          .array(z.string())
          .optional()
          .describe("The profiles whose types are created. Default: all profiles with `openstack: { specs }`"),
      }),
      outputs: z.strictObject({
        types: z
          .record(
            z.string(),
            z.strictObject({
              id: z.string().describe("Its id in Cinder"),
              name: z.string().describe("Its name"),
              profiles: z.array(z.string()).describe("The profiles that request it"),
            }),
          )
          .describe("The types that were created, by name"),
      }),
      required: [],
    },
    [CEPH_POOLS]: {
      description:
        "The Ceph pools of the stack's profiles, with their CRUSH rules, compression and quotas: for an administrator's stack",
      inputs: z.strictObject({
        profiles: z
          .array(z.string())
          .optional()
          .describe("The profiles whose pools are created. Default: all profiles with `ceph: { specs }`"),
        import: z
          .array(z.string())
          .optional()
          .describe("Names of pools that exist already, and are managed with their data from now on. Default: none"),
        connection: z
          .string()
          .optional()
          .describe("Name of the connection to the cluster, of those in ceph:connections. Default: that of the stack"),
      }),
      outputs: z.strictObject({
        pools: z
          .record(
            z.string(),
            z.strictObject({
              name: z.string().describe("Its name"),
              settings: z.record(z.string(), z.unknown()).describe("The settings that it has"),
              profiles: z.array(z.string()).describe("The profiles that define it"),
            }),
          )
          .describe("The pools that were created, by name"),
      }),
      required: [],
    },
    [COMPOSE_VOLUMES]: {
      description:
        "The volumes of the Docker driver `storage-profiles` in Compose files, created ahead of `docker compose up`",
      inputs: composeInputs(),
      outputs: z.strictObject({
        project: z.string().describe("The Compose project's name"),
        dockerNames: z.record(z.string(), z.string()).describe("What Docker calls the volumes, by their keys"),
        volumeIds: z
          .record(z.string(), z.string())
          .describe("The ids of the volumes on the backend, by their keys below `volumes` in the file"),
      }),
      required: [],
    },
  };
}

// What a program can set for a volume, and a stack's config can't.
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

function composeInputs() {
  return z.strictObject({
    files: z
      .array(z.string())
      .optional()
      .describe(
        "The files, as by `-f`, each laid over those before it; relative to `directory`. Default: COMPOSE_FILE, else the files that Compose finds",
      ),
    directory: z.string().optional().describe("Where Compose would be called. Default: the directory of Pulumi.yaml"),
    projectName: z
      .string()
      .optional()
      .describe("The project's name, as by `-p`. Default: COMPOSE_PROJECT_NAME, else what Compose takes"),
    envFile: z
      .string()
      .optional()
      .describe('The file with variables, as by `--env-file`. Default: ".env" beside the first file'),
    environment: z
      .record(z.string(), z.string())
      .optional()
      .describe("The environment. Default: that of the Pulumi CLI"),
    driver: z.string().optional().describe('The name of the driver in Docker. Default: "storage-profiles"'),
    defaults: schemas()
      .volume.optional()
      .describe("Values for volumes of which the file doesn't set them: a size, say"),
  });
}

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

function attachable() {
  return backendNames.flatMap((name) => {
    const attacher = attacherOf(name);
    return attacher ? [{ name, host: attacher.host, options: attacher.options }] : [];
  });
}

function hostDescription(): string {
  return `The host: ${attachable()
    .map(({ name, host }) => `on \`${name}\` ${host}`)
    .join(", ")}`;
}

function attachmentOptions(): Record<string, z.ZodType> {
  return Object.fromEntries(
    attachable().map(({ name, options }) => [
      name,
      options.optional().describe(`Settings of the attachment on ${name}`),
    ]),
  );
}
