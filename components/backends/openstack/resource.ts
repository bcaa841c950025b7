// How the openstack backend makes a volume for a ProfiledVolume: as `openstack.blockstorage.Volume`, which makes it, names it and takes it away,
// and a companion of ours, which keeps its type and its size: the provider would make another volume of another type, and after an
// extension that failed it would have the state lie about the size.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, problem, stackPlacement, type Problem, type StackConfig } from "../../../src";
import type { OpenstackSettings } from "../../../src/backends/openstack/settings";
import { argumentsOf } from "../../arguments";
import type { VolumeBackend, VolumeToMake } from "../contract";
import { componentOf, idWhenDone, isLeftOut, known } from "../../engine";
import { hook, HOOK } from "../../hooks";
import { currentRun } from "../../run";
import { refuse } from "../../refusals";
import { fixedByTransform, transformed } from "../../transform";
import { askCloud, askOwner, isThere, volumeToAdopt } from "./ask";
import { marksOf } from "./cloud";
import { withoutMarks } from "./marks";
import { hintsOf } from "./hints";
import { identityOf, stackToken } from "./identity";
import { registrationOf } from "../../own-resources";
import { ownResources } from "./own-resources";
import { blockstorageVolume } from "./sdk";
import { note } from "../../../src/backends/openstack/problems";

/** The longest name of a volume. Source: cinder/api/schemas/volumes.py (name_allow_zero_min_length), 29.0. Read 2026-11-24. */
const MAX_NAME_LENGTH = 255;
const DEFAULT_TIMEOUT_MINUTES = 60;

/** What keeps a Cinder volume's type and size. */
export interface CinderVolumeArgs {
  volumeId: pulumi.Input<string>;
  /** What marks the volumes of this stack's state. */
  state?: pulumi.Input<string | undefined>;
  /** The size in GiB. Never less than the volume has. */
  sizeGiB: pulumi.Input<number>;
  /** The volume type; left out for the cloud's default type. */
  volumeType?: pulumi.Input<string | undefined>;
  /** Whether a retype may move the volume to another backend. */
  migrationPolicy: pulumi.Input<string>;
  /** How long a change is waited for. */
  timeoutMinutes: number;
}

/** A Cinder volume's type and size, changed in place. Usually made by a `ProfiledVolume`. */
export class CinderVolume extends pulumi.CustomResource {
  declare public readonly volumeId: pulumi.Output<string>;
  /** The size that it has, in GiB. */
  declare public readonly sizeGiB: pulumi.Output<number>;
  /** The type that it has. */
  declare public readonly volumeType: pulumi.Output<string | null>;

  constructor(name: string, args: CinderVolumeArgs & pulumi.Inputs, opts?: pulumi.CustomResourceOptions) {
    const { type, props, opts: all } = registrationOf(ownResources.CinderVolume, opts);
    super(type, name, { ...args, declaredAs: name, ...props }, all);
  }
}

export const openstackBackend: VolumeBackend = {
  placement: (config) => stackPlacement("openstack", config),

  problems(_volume, { physicalName }): Problem[] {
    if (physicalName === undefined || physicalName.length <= MAX_NAME_LENGTH) return [];
    const params = { what: "the Cinder volume", length: physicalName.length, max: MAX_NAME_LENGTH };
    return [problem("physical-name-too-long", "physicalName", physicalName, params)];
  },

  ask: askCloud,
  exists: isThere,

  importsByEngine: true,
  takesFrom: true,

  load: blockstorageVolume,

  timeouts: {
    timed: ["create", "delete"],
    limit: "set `changeTimeoutMinutes` in storage-profiles:openstack for changes",
  },

  make(toMake) {
    const { name, volume, importId, config, opts } = toMake;
    const hints = hintsOf(toMake);
    toMake.declared.hints = hints.known;
    const { hooks, ...plain } = opts;
    const own = volumeArgs(toMake);
    const { args, opts: finalOpts } = transformed(
      toMake,
      { ...own },
      {
        ...plain,
        // Its size and type are the companion's; nothing else that it is made with may replace the volume with its data.
        ignoreChanges: ["size", ...Object.keys(FIXED)],
        ...(hooks && {
          hooks: {
            beforeCreate: hooks.beforeCreate ?? [],
            beforeUpdate: [ownerHook(config)],
            onError: hooks.onError ?? [],
          },
        }),
        ...(importId !== undefined && { import: importId }),
      },
    );
    const wrong = fixedByTransform("openstack", own, args, FIXED);
    if (wrong.length > 0) throw new pulumi.RunError(formatProblems(name, wrong));

    const { Volume } = blockstorageVolume();
    const resource = new Volume(
      name,
      args as unknown as ConstructorParameters<typeof Volume>[1],
      withIdentity(config, hooks && importId === undefined ? withAdoption(toMake, finalOpts) : finalOpts),
    );
    const of = argumentsOf<OpenstackSettings>(volume);
    const companion = new CinderVolume(
      name,
      {
        volumeId: resource.id,
        state: stackToken(config),
        sizeGiB: of(({ sizeGiB }) => sizeGiB) as pulumi.Input<number>,
        volumeType: of((_, { volumeType }) => volumeType) as pulumi.Input<string | undefined>,
        migrationPolicy: of((_, { migrationPolicy }) => migrationPolicy) as pulumi.Input<string>,
        timeoutMinutes: config.openstack?.changeTimeoutMinutes ?? DEFAULT_TIMEOUT_MINUTES,
        ...hints.inputs,
      },
      {
        parent: opts.parent,
        aliases: opts.aliases ?? [],
        ...(hooks && { hooks: { beforeUpdate: hooks.beforeUpdate ?? [] } }),
      },
    );
    // A companion that is left out knows only what was asked for; the volume is as the provider made it.
    const isMissing = resource.urn.apply(() => isLeftOut(companion));
    const sizeGiB = isMissing.apply((is) => (is ? resource.size : companion.sizeGiB));
    const type = isMissing.apply((is): pulumi.Output<string | null> =>
      is ? resource.volumeType : companion.volumeType,
    );
    const settings = pulumi
      .all([volume, type, resource.availabilityZone])
      .apply(([{ settings: asked }, volumeType, availabilityZone]): OpenstackSettings => {
        const settings = asked as OpenstackSettings;
        return { ...settings, volumeType: settings.volumeType === null ? null : volumeType, availabilityZone };
      });
    // Who uses the id uses a volume of the type and the size that was asked for.
    const volumeId = idWhenDone(resource, companion);
    return { resource, volumeId, sizeGiB, settings };
  },

  read({ name, id, opts }) {
    const resource = blockstorageVolume().Volume.get(name, id, undefined, opts);
    const { volumeType, availabilityZone, snapshotId, imageId, sourceVolId, description, metadata } = resource;
    const settings = pulumi
      .output({ volumeType, availabilityZone, snapshotId, imageId, sourceVolId, description, metadata })
      .apply(({ sourceVolId: sourceVolumeId, metadata: all, ...has }): Partial<OpenstackSettings> => {
        const named = Object.entries({ ...has, sourceVolumeId }).map(([key, value]) => [
          key,
          value === "" ? null : value,
        ]);
        return { ...(Object.fromEntries(named) as Partial<OpenstackSettings>), metadata: withoutMarks(all) };
      });
    return { resource, volumeId: resource.id, sizeGiB: resource.size, settings };
  },

  explain: (name, _id, errors) => explainCreation(name, errors),
};

// With what the provider would replace the volume for, and where it is set.
const FIXED = {
  volumeType: "the profile",
  availabilityZone: "the volume's `openstack: { availabilityZone }`",
  snapshotId: "the volume's `openstack: { snapshotId }`",
  imageId: "the volume's `openstack: { imageId }`",
  sourceVolId: "the volume's `openstack: { sourceVolumeId }`",
  backupId: "no argument: restore the backup first, and import the volume with `import`",
  consistencyGroupId: "no argument: volumes in groups can't be retyped",
  sourceReplica: "no argument: Cinder no longer supports such replicas",
  schedulerHints: "no argument: changing them would replace the volume",
  multiattach: "the volume type",
  region: "the provider",
};

function volumeArgs({ volume, physicalName, component, config }: VolumeToMake): Record<string, unknown> {
  const of = argumentsOf<OpenstackSettings>(volume);
  return {
    name: physicalName,
    size: of(({ sizeGiB }) => sizeGiB),
    volumeType: of((_, { volumeType }) => volumeType),
    availabilityZone: of((_, { availabilityZone }) => availabilityZone),
    snapshotId: of((_, { snapshotId }) => snapshotId),
    imageId: of((_, { imageId }) => imageId),
    sourceVolId: of((_, { sourceVolumeId }) => sourceVolumeId),
    // What is left out stays as it was.
    description: of((_, { description }) => description ?? ""),
    metadata: pulumi
      .all([
        of((_, { metadata }) => metadata) as pulumi.Input<Record<string, string>>,
        withoutDependency(component.urn),
        stackToken(config),
      ])
      .apply(([own, urn, token]) => ({ ...own, ...marksOf(config, urn, token) })),
  };
}

function withIdentity(config: StackConfig, opts: pulumi.CustomResourceOptions): pulumi.CustomResourceOptions {
  const dependsOn = Promise.all([identityOf(config), opts.dependsOn]).then(
    ([own, given]) => [...own, ...(given === undefined ? [] : [given].flat())] as pulumi.Resource[],
  );
  return { ...opts, dependsOn };
}

const ownerHooks = new WeakMap<StackConfig, pulumi.ResourceHook>();

/**
 * Refuses a change of the volume's name, description or metadata where another stack has imported it: it would get this stack's marks back.
 * One that is being imported itself has the marks of its former owner.
 */
function ownerHook(config: StackConfig): pulumi.ResourceHook {
  const { byUrn, volumes } = currentRun();
  const act: pulumi.ResourceHookFunction = async ({ urn, id }) => {
    const declared = byUrn.get(componentOf(urn));
    if (!declared || (declared.takeFrom !== undefined && (await declared.recorded)?.volumeId !== id)) return;
    const problems = await askOwner(declared, config, id);
    if (problems.length > 0) refuse(declared, volumes, problems);
  };
  const made = ownerHooks.get(config) ?? hook(`${HOOK}-openstack-owner`, act);
  ownerHooks.set(config, made);
  return made;
}

// An output of the component stands for all its resources: the volume would wait for its companion, and that for the volume.
function withoutDependency<T>(output: pulumi.Output<T>): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => void pulumi.output(output).apply(resolve));
}

// Whether there is something to take up is asked only where the state has no volume that is done: so a run that changes nothing asks
// nothing. To a volume that the state has already, an import of its own id means nothing.
function withAdoption(
  { name, volume, config, declared }: VolumeToMake,
  opts: pulumi.CustomResourceOptions,
): pulumi.CustomResourceOptions {
  const adopt: pulumi.ResourceTransform = async ({ props, opts: given }) => {
    if ((await declared.recorded)?.volumeId !== undefined) return undefined;
    const sizeGiB = await known(pulumi.output(volume).sizeGiB);
    const id = sizeGiB === undefined ? undefined : await volumeToAdopt(declared, sizeGiB, config);
    if (id === undefined) return undefined;
    const { message } = note("left-over-adopted", "name", { id });
    void pulumi.log.info(`${name}: ${message}`);
    return { props, opts: { ...given, import: id } };
  };
  return { ...opts, transforms: [...(opts.transforms ?? []), adopt] };
}

// What an error of a volume's creation means and what to do, or nothing where it says that itself.
function explainCreation(name: string, errors: string[]): string | undefined {
  const text = errors.join("\n");
  if (/in error status|unexpected state 'error/.test(text)) {
    const [id] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text) ?? ["of this name"];
    return (
      `${name}: Cinder accepted the request but failed to create volume ${id}. Most often no backend serves the volume type or has ` +
      `enough space: check openstack volume message list --resource-id ${id}. The volume is left in status "error"; the next pulumi up ` +
      "deletes it and creates it again"
    );
  }
  if (text.includes("but got 413")) {
    return `${name}: a quota of the project is exhausted (openstack quota show --usage --volume), or Cinder received too many requests`;
  }
  return undefined;
}
