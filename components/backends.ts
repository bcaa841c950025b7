// The backends that can make volumes, each with its place and its resource. Adding one means a file or folder beside
// this one and a line here.

import type * as pulumi from "@pulumi/pulumi";

import type { BackendName, Problem, ResolvedVolume, Settings, StackConfig } from "../src";
import { localBackend } from "./local/resource";
import { scaleioBackend } from "./scaleio/resource";
import type { VolumeTransform } from "./transform";

/** What a component hands to a backend to make its volume. */
export interface VolumeToMake {
  /** The component's name: the name of the child as well. */
  name: string;
  /** The volume's name on the backend. */
  physicalName: string;
  /** Whether that name was asked for, and is not just the resource's. */
  explicitName: boolean;
  /** The resolution; an output where it depends on another resource's, and then perhaps unknown at preview. */
  volume: ResolvedVolume | pulumi.Output<ResolvedVolume>;
  /** A volume that exists already and is to be taken over: its id. */
  importId?: string | undefined;
  /** The component, for the child's ownership. */
  component: pulumi.ComponentResource;
  config: StackConfig;
  opts: pulumi.CustomResourceOptions;
  /** The user's escape hatch. */
  transform: VolumeTransform | undefined;
}

/** The resource that was made. */
export interface MadeVolume {
  resource: pulumi.CustomResource;
  /** The volume's id on the backend. */
  volumeId: pulumi.Output<string>;
  /** Where the volume is mounted; only on backends that mount it. */
  mountPath?: pulumi.Output<string>;
  /** What the resource has in the end: not what it was asked for, until that is done. */
  sizeGiB: pulumi.Output<number>;
  settings: pulumi.Output<Settings>;
}

/** A backend that can make volumes. */
export interface VolumeBackend {
  /**
   * Settings that others may change on the backend, and that a profile must then follow: a refresh tells the volume's own
   * resource, and its hook alone judges them. Default: none
   */
  changedElsewhere?: readonly string[];
  /** What the stack and this machine know about the place, for the resolution. */
  placement(config: StackConfig): object;
  /** What the pure core can't see: names that were asked for, places that nobody named. */
  problems?(volume: ResolvedVolume, asked: { physicalName: string | undefined; config: StackConfig }): Problem[];
  /** Makes the volume's own resource. */
  make(volume: VolumeToMake): MadeVolume;
  /** Reads size and settings back from that resource's inputs or outputs; what isn't known there is left out. */
  read(properties: Record<string, unknown>): Partial<Pick<ResolvedVolume, "sizeGiB" | "settings">>;
}

const volumeBackends: Partial<Record<BackendName, VolumeBackend>> = {
  scaleio: scaleioBackend,
  local: localBackend,
};

/** The backend's resources, or `undefined` where this version has none. */
export function volumeBackend(name: BackendName): VolumeBackend | undefined {
  return volumeBackends[name];
}

/** The names of the backends that can make volumes. */
export function builtBackends(): string[] {
  return Object.keys(volumeBackends);
}

/** What is known about the place where a backend's volumes live. */
export function placementOf(backend: BackendName, config: StackConfig): object {
  return volumeBackends[backend]?.placement(config) ?? {};
}
