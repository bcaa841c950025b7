// The components that programs in any language may declare, each with what makes it.

import { setTimeout } from "node:timers/promises";

import * as pulumi from "@pulumi/pulumi";

import { NAMESPACE, PROFILED_VOLUME, STACK_VOLUMES, VOLUME_ATTACHMENT } from "../src";
import { CEPH_POOLS, CephPools } from "../components/backends/ceph/ceph-pools";
import { VOLUME_TYPES, VolumeTypes } from "../components/backends/openstack/volume-types";
import { COMPOSE_VOLUMES, ComposeVolumes } from "../components/compose/compose-volumes";
import { declaredVolume } from "../components/declared";
import { known } from "../components/engine";
import { allDeclared } from "../components/plugin-mode";
import { ProfiledVolume, type ProfiledVolumeArgs } from "../components/profiled-volume";
import { partlyKnown } from "../components/pulumi-internals";
import { refusal } from "../components/refusals";
import { currentRun } from "../components/run";
import { StackVolumes } from "../components/stack-volumes";
import { VolumeAttachment, type VolumeAttachmentArgs } from "../components/volume-attachment";
import { packageManifest } from "../src/system/manifest";

interface Made {
  urn: pulumi.Output<string>;
  state: pulumi.Inputs;
  /** Rejects where the component is refused, and the program has to fail. */
  accepted?: Promise<void>;
}
type Make = (name: string, inputs: pulumi.Inputs, options: pulumi.ComponentResourceOptions) => Made;

export const components: Readonly<Record<string, Make>> = {
  [PROFILED_VOLUME](name, inputs, options) {
    const volume = new ProfiledVolume(name, inputs as unknown as ProfiledVolumeArgs, options);
    remember(volume);
    const { volumeId, profile, backend, revision, settings, sizeGiB, monthlyCost, notes, mountPath } = volume;
    return {
      urn: volume.urn,
      state: { volumeId, profile, backend, revision, settings, sizeGiB, monthlyCost, notes, mountPath },
      accepted: accepted(volume),
    };
  },

  [STACK_VOLUMES](name, inputs, options) {
    const { urn, volumes, declared } = new StackVolumes(name, inputs, options);
    return { urn, state: { volumes }, accepted: allAccepted(declared) };
  },

  [VOLUME_ATTACHMENT](name, inputs, options) {
    const { urn, devicePath } = new VolumeAttachment(name, inputs as VolumeAttachmentArgs, options);
    return { urn, state: { devicePath } };
  },

  [VOLUME_TYPES](name, inputs, options) {
    const { urn, types } = new VolumeTypes(name, inputs, options);
    return { urn, state: { types } };
  },

  [CEPH_POOLS](name, inputs, options) {
    const { urn, pools } = new CephPools(name, inputs, options);
    return { urn, state: { pools } };
  },

  [COMPOSE_VOLUMES](name, inputs, options) {
    const { urn, project, dockerNames, volumes } = new ComposeVolumes(name, inputs, options);
    const ids = Object.entries(volumes).map(([key, { volumeId }]) => [key, volumeId]);
    const state = { project, dockerNames, volumeIds: Object.fromEntries(ids) as pulumi.Inputs };
    return { urn, state, accepted: allAccepted(Object.values(volumes)) };
  },
};

async function allAccepted(declared: readonly ProfiledVolume[]): Promise<void> {
  await Promise.all(declared.map(accepted));
}

/** How long a hook has for a refusal, which it tells better: the engine stops for it. */
const HOOK_MS = 2_000;

// Of a volume that a run leaves out (--target, --exclude) no hook is asked. The program must fail all the same: the engine deletes what a
// program that ended well doesn't declare, and a volume with problems has no resource of its own.
async function accepted(volume: ProfiledVolume): Promise<void> {
  const declared = declaredVolume(volume);
  if (!declared) return;
  // Known when the request is worked out.
  await known(volume.notes).catch(() => undefined);
  if (declared.problems.length === 0) await declared.recorded?.catch(() => undefined);
  if (declared.problems.length === 0) return;
  await allDeclared();
  await setTimeout(HOOK_MS);
  throw new pulumi.RunError(refusal(declared, currentRun().volumes));
}

// An argument that is a volume of the program arrives as a reference. What it refers to was made by this process, and is looked up.
const volumes = new Map<string, ProfiledVolume>();

function remember(volume: ProfiledVolume): void {
  volume.urn.apply((urn) => volumes.set(urn, volume));
}

/**
 * Arguments with the volume taken out of the output in which some SDKs send it: how a volume is attached depends on which it is, and so the
 * class must know at once. What is given by an id stays in the output but for its backend and connection: it may be a secret.
 */
export async function withVolume(inputs: pulumi.Inputs): Promise<pulumi.Inputs> {
  const { volume } = inputs as { volume?: unknown };
  if (!pulumi.Output.isInstance(volume)) return inputs;
  const value = await partlyKnown(volume);
  if (pulumi.Resource.isInstance(value)) return { ...inputs, volume: value };
  if (typeof value !== "object" || value === null || value === pulumi.unknown) return inputs;
  const later = volume as pulumi.Output<Record<string, unknown>>;
  const parts = Object.entries(value).map(([key, given]: [string, unknown]) => [
    key,
    // By its key, and not by `apply`: of an output in which something isn't known yet, nothing is.
    key === "backend" || key === "connection" ? given : later[key],
  ]);
  return { ...inputs, volume: Object.fromEntries(parts) as pulumi.Inputs };
}

pulumi.runtime.registerResourceModule(NAMESPACE, "index", {
  version: packageManifest().version,
  construct(_name, type, urn) {
    const found = volumes.get(urn);
    if (found) return found;
    const why =
      type === PROFILED_VOLUME ? "it was made by another provider: give both the same one" : "it isn't a volume";
    throw new pulumi.RunError(`${urn} can't be used as an argument: ${why}`);
  },
});
