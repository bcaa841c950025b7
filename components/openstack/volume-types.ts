// VolumeTypes: the volume types that the stack's profiles carry the specs of, made on Cinder. For an administrator's stack.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, nearest, note, problem, wrongType, type Problem } from "../../src";
import type { VolumeTypeToMake } from "../../src/backends/openstack/specs";
import { volumeTypesOf, type VolumeTypeOfProfiles } from "../../src/backends/openstack/types";
import { currentRun } from "../run";
import { cloudOf } from "./ask";
import { volumesOfType } from "./cinder";
import { OpenstackError } from "./errors";
import { hintsOf } from "./hints";
import { qosAssociation, qosSpecs, volumeType, volumeTypeAccess } from "./sdk";

/** The type token of the component. */
export const VOLUME_TYPES = "storage-profiles:index:VolumeTypes";

/** Which volume types are made. */
export interface VolumeTypesArgs {
  /**
   * The profiles whose types are made.
   * @default all profiles of the stack that have `openstack: { specs }`
   */
  profiles?: string[] | undefined;
}

/** A volume type that was made. */
export interface MadeVolumeType {
  /** Its id in Cinder. */
  id: string;
  name: string;
  /** The profiles that ask for it. */
  profiles: string[];
}

/**
 * The volume types of the stack's profiles, with their extra specs, QoS specs and access: for an administrator's stack.
 *
 * ```ts
 * new VolumeTypes("types"); // of every profile with openstack: { specs: … }
 * ```
 *
 * Cinder gives an edit of a type's specs to no volume that exists: preview tells which volumes are left behind. A type that volumes have
 * can't be removed; Cinder refuses that.
 */
export class VolumeTypes extends pulumi.ComponentResource {
  /** The types that were made, by name. */
  public readonly types: pulumi.Output<Record<string, MadeVolumeType>>;

  /**
   * Declares the types.
   * @throws `pulumi.RunError` with every problem of the arguments, of the stack's config and of the specs.
   */
  constructor(name: string, args: VolumeTypesArgs = {}, opts: pulumi.ComponentResourceOptions = {}) {
    const run = currentRun();
    const { types, problems } = volumeTypesOf(run.catalog, args.profiles);
    const wrong = [...wrongArguments(args, Object.keys(run.catalog.profiles)), ...problems];
    if (wrong.length > 0) throw new pulumi.RunError(formatProblems(name, wrong));
    super(VOLUME_TYPES, name, { types: types.map((each) => each.name) }, opts);

    const hints = hintsOf({ name, component: this });
    const tellers = run.hooks ? { beforeUpdate: [this.teller(name, types, run.config, hints.known)] } : undefined;
    const made = types.map((type) => {
      const { VolumeTypeV3 } = volumeType();
      const resource = new VolumeTypeV3(
        `${name}-${type.name}`,
        {
          name: type.name,
          description: type.description ?? "",
          isPublic: type.projects === null,
          extraSpecs: type.extraSpecs,
        },
        { parent: this, ...(tellers && { hooks: tellers }) },
      );
      this.addQos(name, type, resource, tellers);
      for (const projectId of type.projects ?? []) {
        const { VolumeTypeAccessV3 } = volumeTypeAccess();
        const args = { projectId, volumeTypeId: resource.id };
        new VolumeTypeAccessV3(`${name}-${type.name}-${projectId}`, args, { parent: this });
      }
      return resource.id.apply((id) => [type.name, { id, name: type.name, profiles: type.profiles }] as const);
    });
    this.types = pulumi.all(made).apply((entries) => Object.fromEntries(entries));
    this.registerOutputs({ types: this.types });
  }

  private addQos(
    name: string,
    { name: typeName, qos }: VolumeTypeToMake,
    type: pulumi.CustomResource,
    hooks: pulumi.ResourceHookBinding | undefined,
  ): void {
    if (!qos) return;
    const [{ QosV3 }, { QosAssociationV3 }] = [qosSpecs(), qosAssociation()];
    const child = `${name}-${typeName}`;
    const specs = new QosV3(child, { name: typeName, ...qos }, { parent: this, ...(hooks && { hooks }) });
    new QosAssociationV3(child, { qosId: specs.id, volumeTypeId: type.id }, { parent: this });
  }

  /** A hook that says which volumes won't get a change. Told once for each type, whatever of it changes. */
  private teller(
    name: string,
    types: VolumeTypeOfProfiles[],
    config: Parameters<typeof cloudOf>[0],
    hints: Promise<Parameters<typeof cloudOf>[1]>,
  ): pulumi.ResourceHook {
    const told = new Set<string>();
    const tell: pulumi.ResourceHookFunction = async ({ urn, name: child, oldInputs, newInputs }) => {
      const type = types.find((each) => `${name}-${each.name}` === child);
      const specsOf = (inputs: unknown) => {
        const { extraSpecs, specs, consumer } = (inputs ?? {}) as Record<string, unknown>;
        return JSON.stringify([extraSpecs, specs, consumer]);
      };
      if (!type || told.has(type.name) || specsOf(oldInputs) === specsOf(newInputs)) return;
      told.add(type.name);
      const resource: unknown = { urn: pulumi.output(urn) };
      const line = (message: string) => pulumi.log.info(`${type.name}: ${message}`, resource as pulumi.Resource);
      try {
        const cloud = cloudOf(config, await hints);
        const found = (await cloud.types()).find((each) => each.name === type.name);
        const volumes = found ? await volumesOfType(cloud.session, found) : [];
        if (volumes.length === 0) return;
        const names = volumes.map((each) => `${each.name || "(no name)"} (${each.id})`);
        const shown = names.slice(0, 20);
        await line(
          note("specs-not-reapplied", "specs", { type: type.name, volumes: shown, total: names.length }).message,
        );
      } catch (error) {
        if (!(error instanceof OpenstackError)) throw error;
        const what = `which volumes have type "${type.name}" already, and don't get the change, is`;
        await line(note("not-checked", "specs", { what, because: error.message }).message);
      }
    };
    return new pulumi.ResourceHook(`storage-profiles-volume-types-${name}`, tell, { onDryRun: true });
  }
}

// Programs in JavaScript may pass anything.
function wrongArguments(args: VolumeTypesArgs, known: string[]): Problem[] {
  const keys = ["profiles"];
  const problems = Object.keys(args)
    .filter((key) => !keys.includes(key))
    .map((key) => problem("unknown-key", key, undefined, { key, keys, nearest: nearest(key, keys) }));
  const { profiles = [] } = args;
  if (!Array.isArray(profiles)) return [...problems, wrongType("profiles", profiles, "array")];
  for (const profile of profiles.filter((each) => !known.includes(each))) {
    const params = { profile, profiles: known, nearest: nearest(profile, known) };
    problems.push(problem("profile-unknown", "profiles", profile, params));
  }
  return problems;
}
