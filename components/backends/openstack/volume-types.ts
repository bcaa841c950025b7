// VolumeTypes: the volume types that the stack's profiles carry the specs of, made on Cinder. For an administrator's stack.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, type Problem, type StackConfig } from "../../../src";
import type { VolumeTypeToMake } from "../../../src/backends/openstack/specs";
import { componentHook, withBeforeUpdate } from "../../hooks";
import { unknownArguments, unknownProfiles } from "../../component-arguments";
import { optionProblems } from "../../options";
import { currentRun } from "../../run";
import type { ConnectionHints } from "./connection";
import { hintsOf, type Hints } from "./hints";
import type { RecordedTypes } from "./type-changes";
import { qosAssociation, qosSpecs, volumeType, volumeTypeAccess } from "./sdk";

/* eslint-disable @typescript-eslint/no-require-imports -- loaded when the first component is declared */
const specsOfProfiles = () =>
  require("../../../src/backends/openstack/types") as typeof import("../../../src/backends/openstack/types");
const changes = () => require("./type-changes") as typeof import("./type-changes");
/* eslint-enable @typescript-eslint/no-require-imports */

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
 * Cinder gives an edit of a type's QoS to no volume that exists: preview tells which volumes are left behind. It neither changes the extra
 * specs of a type that volumes have nor deletes it: preview refuses that.
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
    const { types, problems } = specsOfProfiles().volumeTypesOf(run.catalog, args.profiles);
    const wrong = [
      ...unknownArguments(args, ["profiles"]),
      ...unknownProfiles(args.profiles ?? [], Object.keys(run.catalog.profiles)),
      ...optionProblems(opts),
      ...problems,
    ];
    if (wrong.length > 0) throw new pulumi.RunError(formatProblems(name, wrong));
    // The inputs are all that the types consist of: so one hook sees what of it changes, is added or goes, before anything is touched.
    const recorded = Object.fromEntries(types.map(({ name: typeName, ...type }) => [typeName, type]));
    const own: { hints?: Hints } = {};
    const told = run.hooks && teller(run.config, async () => (await own.hints?.known) ?? {});
    super(
      VOLUME_TYPES,
      name,
      { types: recorded },
      told ? { ...opts, hooks: withBeforeUpdate(opts.hooks, told) } : opts,
    );
    own.hints = hintsOf({ name, component: this });

    const made = types.map((type) => {
      const { VolumeTypeV3 } = volumeType();
      const child = `${name}-${type.name}`;
      const args = {
        name: type.name,
        description: type.description ?? "",
        isPublic: type.projects === null,
        extraSpecs: type.extraSpecs,
      };
      const resource = new VolumeTypeV3(child, args, { parent: this });
      this.addQos(child, type, resource);
      for (const projectId of type.projects ?? []) {
        const { VolumeTypeAccessV3 } = volumeTypeAccess();
        new VolumeTypeAccessV3(`${child}-${projectId}`, { projectId, volumeTypeId: resource.id }, { parent: this });
      }
      return resource.id.apply((id) => [type.name, { id, name: type.name, profiles: type.profiles }] as const);
    });
    this.types = pulumi.all(made).apply((entries) => Object.fromEntries(entries));
    this.registerOutputs({ types: this.types });
  }

  private addQos(child: string, { name: typeName, qos }: VolumeTypeToMake, type: pulumi.CustomResource): void {
    if (!qos) return;
    const [{ QosV3 }, { QosAssociationV3 }] = [qosSpecs(), qosAssociation()];
    const specs = new QosV3(child, { name: typeName, ...qos }, { parent: this });
    new QosAssociationV3(child, { qosId: specs.id, volumeTypeId: type.id }, { parent: this });
  }
}

/** A hook that refuses what Cinder would refuse of types that volumes have, and says which volumes won't get a change. */
function teller(config: StackConfig, hints: () => Promise<ConnectionHints>): pulumi.ResourceHook {
  return componentHook(config, "volume-types", async ({ urn, name, oldInputs, newInputs }) => {
    const typesOf = (inputs: unknown) => ((inputs ?? {}) as { types?: RecordedTypes }).types ?? {};
    const [before, after] = [typesOf(oldInputs), typesOf(newInputs)];
    const problems: Problem[] = [];
    for (const type of Object.keys(before)) {
      const judged = await changes().judge(config, hints, type, before[type], after[type]);
      problems.push(...judged.problems);
      const resource: unknown = { urn: pulumi.output(urn) };
      for (const { message } of judged.notes) await pulumi.log.info(`${type}: ${message}`, resource as pulumi.Resource);
    }
    if (problems.length > 0) throw new Error(formatProblems(name, problems));
  });
}
