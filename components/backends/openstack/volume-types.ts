// VolumeTypes: the volume types that the stack's profiles carry the specs of, made on Cinder. For an administrator's stack.

import * as pulumi from "@pulumi/pulumi";

import {
  formatProblems,
  nearest,
  note,
  problem,
  wrongType,
  type Note,
  type Problem,
  type StackConfig,
} from "../../../src";
import type { VolumeTypeToMake } from "../../../src/backends/openstack/specs";
import { volumeTypesOf, type VolumeTypeOfProfiles } from "../../../src/backends/openstack/types";
import { sectionPath } from "../../../src/core/catalog";
import { isSame } from "../../../src/core/revision";
import { HOOK } from "../../hooks";
import { optionProblems } from "../../options";
import { currentRun } from "../../run";
import { volumesOfType } from "./cinder";
import { cloudOf, runState } from "./cloud";
import type { ConnectionHints } from "./connection";
import { OpenstackError } from "./errors";
import { hintsOf, type Hints } from "./hints";
import { qosAssociation, qosSpecs, volumeType, volumeTypeAccess } from "./sdk";

/** The type token of the component. */
export const VOLUME_TYPES = "storage-profiles:index:VolumeTypes";

/** How many volumes a note names. */
const MOST_SHOWN = 20;

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
    const { types, problems } = volumeTypesOf(run.catalog, args.profiles);
    const wrong = [...wrongArguments(args, Object.keys(run.catalog.profiles)), ...optionProblems(opts), ...problems];
    if (wrong.length > 0) throw new pulumi.RunError(formatProblems(name, wrong));
    // The inputs are all that the types consist of: so one hook sees what of it changes, is added or goes, before anything is touched.
    const recorded = Object.fromEntries(types.map(({ name: typeName, ...type }) => [typeName, type]));
    const own: { hints?: Hints } = {};
    const told = run.hooks && teller(run.config, async () => (await own.hints?.known) ?? {});
    super(VOLUME_TYPES, name, { types: recorded }, told ? { ...opts, hooks: withTeller(opts.hooks, told) } : opts);
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

type RecordedTypes = Record<string, Partial<Omit<VolumeTypeOfProfiles, "name">> | undefined>;

/** A hook that refuses what Cinder would refuse of types that volumes have, and says which volumes won't get a change. */
function teller(config: StackConfig, hints: () => Promise<ConnectionHints>): pulumi.ResourceHook {
  const tell: pulumi.ResourceHookFunction = async ({ urn, name, oldInputs, newInputs }) => {
    const typesOf = (inputs: unknown) => ((inputs ?? {}) as { types?: RecordedTypes }).types ?? {};
    const [before, after] = [typesOf(oldInputs), typesOf(newInputs)];
    const problems: Problem[] = [];
    for (const type of Object.keys(before)) {
      const judged = await judge(config, hints, type, before[type], after[type]);
      problems.push(...judged.problems);
      const resource: unknown = { urn: pulumi.output(urn) };
      for (const { message } of judged.notes) await pulumi.log.info(`${type}: ${message}`, resource as pulumi.Resource);
    }
    if (problems.length > 0) throw new Error(formatProblems(name, problems));
  };
  return new pulumi.ResourceHook(`${HOOK}-volume-types-${(runState(config).tellers += 1)}`, tell, { onDryRun: true });
}

/**
 * What comes of a change for the volumes that have the type.
 *
 * Source: cinder/api/contrib/types_extra_specs.py _allow_update, cinder/volume/volume_types.py destroy, 29.0. Read 2026-11-24.
 */
async function judge(
  config: StackConfig,
  hints: () => Promise<ConnectionHints>,
  name: string,
  before: RecordedTypes[string],
  after: RecordedTypes[string],
): Promise<{ problems: Problem[]; notes: Note[] }> {
  const goes = after === undefined;
  const changesSpecs = !goes && !isSame(before?.extraSpecs, after.extraSpecs);
  const changesQos = !goes && !isSame(before?.qos ?? null, after.qos ?? null);
  if (!goes && !changesSpecs && !changesQos) return { problems: [], notes: [] };
  try {
    const cloud = cloudOf(config, await hints());
    const type = (await cloud.types()).find((each) => each.name === name);
    const having = type ? await volumesOfType(cloud.session, type) : [];
    if (having.length === 0) return { problems: [], notes: [] };
    const volumes = having.slice(0, MOST_SHOWN).map((each) => `${each.name || "(no name)"} (${each.id})`);
    const params = { type: name, volumes, total: having.length };
    if (!goes && !changesSpecs) return { problems: [], notes: [note("specs-not-reapplied", "specs", params)] };
    const [profile = ""] = (goes ? before : after)?.profiles ?? [];
    const path = goes ? "profiles" : `${sectionPath(profile, "openstack")}.specs.extraSpecs`;
    return { problems: [problem("type-in-use", path, undefined, { ...params, goes })], notes: [] };
  } catch (error) {
    if (!(error instanceof OpenstackError)) throw error;
    const what = `the existing volumes of type "${name}" were`;
    return { problems: [], notes: [note("not-checked", "specs", { what, because: error.message })] };
  }
}

function withTeller(
  hooks: pulumi.ResourceHookBinding | undefined,
  told: pulumi.ResourceHook,
): pulumi.ResourceHookBinding {
  return { ...hooks, beforeUpdate: [told, ...(hooks?.beforeUpdate ?? [])] };
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
