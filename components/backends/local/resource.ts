// The resource of a local volume, and how the local backend makes it for a ProfiledVolume.

import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../../src";
import type { LocalMode, LocalSettings } from "../../../src/backends/local/settings";
import type { VolumeBackend } from "../contract";
import { hasHooks, keepAtPreview } from "../../engine";
import { registrationOf } from "../../own-resources";
import { transformed } from "../../transform";
import { askLocal } from "./ask";
import { localCapabilities } from "../../host/capabilities";
import { ownResources } from "./own-resources";
import { defaultStateDirectory } from "./state-directory";
import { acknowledgeVolume } from "./lifecycle";

/** What a local volume is made from. */
export interface LocalVolumeArgs {
  /** Absolute path of the directory that holds local volumes. Decided once. */
  stateDirectory: pulumi.Input<string>;
  /** The names that make the volume's place in it: `volumes/<project>/<stack>/<name>`. Decided once. */
  project: pulumi.Input<string>;
  stack: pulumi.Input<string>;
  name: pulumi.Input<string>;
  /** Whether `name` was asked for and not just taken from the resource; then an existing volume's must be the same. */
  physicalName?: pulumi.Input<string> | undefined;
  /** Who declares the volume. No other owner may make, change or take it. */
  owner: pulumi.Input<string>;
  /** The size in whole GiB. */
  sizeGiB: pulumi.Input<number>;
  /** The complete settings. */
  settings: pulumi.Input<LocalSettings>;
  /** The id of a volume that exists, to take over instead of making one. */
  import?: pulumi.Input<string> | undefined;
  /** Whose that volume is, where it belongs to another owner, who then loses it. */
  takeFrom?: pulumi.Input<string> | undefined;
}

/** A volume on this machine. Usually made by a `ProfiledVolume`. */
export class LocalVolume extends pulumi.CustomResource {
  /** The volume's own identity: also the UUID of its file system. */
  declare public readonly uid: pulumi.Output<string>;
  /** Where the volume is mounted. */
  declare public readonly mountPath: pulumi.Output<string>;
  /** The loop device; `null` in mode "directory". */
  declare public readonly device: pulumi.Output<string | null>;

  /** The size that it has, in GiB. */
  declare public readonly sizeGiB: pulumi.Output<number>;
  /** The settings that it has. */
  declare public readonly settings: pulumi.Output<LocalSettings>;

  constructor(name: string, args: LocalVolumeArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { uid: undefined, mountPath: undefined, device: undefined };
    const { sizeGiB, settings, ...others } = args;
    const { type, props, opts: all } = registrationOf(ownResources.Volume, opts);
    super(type, name, { ...sent(others), sizeGiB, settings, ...outputs, ...props }, all);
  }
}

// The SDK tracks four promises for each property, and takes a stack trace for each. So all that the program doesn't read goes in one, out of
// which the provider takes it: the state has each input under its own name. What comes from another resource may be a secret, and goes by
// itself: the engine marks secret properties, and not what is in them. A URN never is one.
function sent(inputs: Omit<LocalVolumeArgs, "sizeGiB" | "settings">): pulumi.Inputs {
  const isOwn = ([key, value]: [string, unknown]) =>
    key !== "owner" && (pulumi.Output.isInstance(value) || value instanceof Promise);
  const together = Object.entries(inputs).filter((each) => !isOwn(each));
  // What is only read has no inputs.
  const identity = together.length > 0 ? Object.fromEntries(together) : undefined;
  return { identity, ...Object.fromEntries(Object.entries(inputs).filter(isOwn)) };
}

// The engine answers a registration when the volume is in its state: now the volume may know that it is.
async function acknowledged(id: string, uid: string): Promise<string> {
  if (!pulumi.runtime.isDryRun() && hasHooks()) {
    await acknowledgeVolume(id, uid).catch((error: unknown) => pulumi.log.warn(`${id}: ${String(error)}`));
  }
  return id;
}

/** How volumes are made on this machine: as the stack's config says, else the best that can be had. */
function localMode(config: StackConfig): LocalMode {
  const mode = config.local?.mode ?? "auto";
  if (mode !== "auto") return mode;
  return localCapabilities().loop ? "loop" : "directory";
}

export const localBackend: VolumeBackend = {
  unattachable: {
    because: "volumes on local are mounted on this machine; they can't be attached to a host",
    ways: ["use the volume's `mountPath`"],
  },
  // A path is one volume's.
  identity: ({ name, physicalName, importId, config }) =>
    importId ??
    join(
      config.local?.stateDirectory ?? defaultStateDirectory(),
      "volumes",
      pulumi.getProject(),
      pulumi.getStack(),
      physicalName ?? name,
    ),
  takesFrom: true,
  ask: askLocal,
  placement: (config) => ({ mode: localMode(config) }),
  make(toMake) {
    const { name, declared, physicalName, explicitName, volume, importId, takeFrom, component, config, opts } = toMake;
    const own: Record<string, unknown> = {
      stateDirectory: config.local?.stateDirectory ?? defaultStateDirectory(),
      project: pulumi.getProject(),
      stack: pulumi.getStack(),
      name: physicalName,
      physicalName: explicitName ? physicalName : undefined,
      owner: component.urn,
      sizeGiB: volume.sizeGiB,
      settings: volume.settings as pulumi.Input<LocalSettings>,
      import: importId,
      takeFrom,
    } satisfies LocalVolumeArgs;
    // A replacement that a user forces must not find the volume that it is to replace.
    const { args, opts: finalOpts } = transformed(toMake, own, { ...opts, deleteBeforeReplace: true });
    const resource = new LocalVolume(name, args as unknown as LocalVolumeArgs, finalOpts);
    keepAtPreview(resource, ["uid", "mountPath"], () => declared.before);
    return {
      resource,
      volumeId: pulumi.all([resource.id, resource.uid]).apply(([id, uid]) => acknowledged(id, uid)),
      mountPath: resource.mountPath,
      sizeGiB: resource.sizeGiB,
      settings: resource.settings,
    };
  },
  read({ name, id, opts }) {
    const args = { sizeGiB: undefined, settings: undefined };
    const resource = new LocalVolume(name, args as unknown as LocalVolumeArgs, { ...opts, id });
    const { mountPath, sizeGiB, settings } = resource;
    return { resource, volumeId: resource.id, mountPath, sizeGiB, settings };
  },
};
