// What a backend is to the components: the resources that it makes, with their types. The pure part is in src/backends.

import type * as pulumi from "@pulumi/pulumi";
import type * as dynamic from "@pulumi/pulumi/dynamic";
import type { z } from "zod";

import type { BackendName, Note, Problem, ResolvedVolume, Settings, StackConfig } from "../../src";
import type { DeclaredVolume } from "../declared";
import type { NodeOptions, NodeStorage } from "../host/contract";
import type { TimedOperation } from "../options";
import type { ImportsById, OwnResource } from "../own-resources";
import type { ProfiledVolume } from "../profiled-volume";
import type { VolumeTransform } from "../transform";

/** The types of what programs give to a backend, and get from it. */
export interface ResourceTypes {
  /** What a volume may say beside its profile, below the backend's name. */
  overrides?: object;
  /** The volume's own resource. */
  resource: pulumi.CustomResource;
  /** What that is made from, for `transform`. */
  args: object;
  /** What an attachment may say, below the backend's name. */
  attachment?: object;
  /** Where the volume is mounted: a path on a backend that mounts its volumes. */
  mountPath?: string;
  /** What is known of a volume on this backend alone. */
  details?: object;
}

/**
 * The types of each backend. Each adds its own by declaration merging, also one that isn't part of this package:
 * `declare module "storage-profiles" { interface BackendResources { zfs: TypesOfResources<typeof zfs> } }`.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface BackendResources {}

/** The types of a backend, out of its definition. */
export type TypesOfResources<B> = B extends BackendDefinition<infer Types> ? Types : never;

/** One type of a backend: `ResourceTypeOf<"aws", "resource">` is `aws.ebs.Volume`. */
export type ResourceTypeOf<B extends BackendName, Key extends keyof ResourceTypes> = {
  [Each in B]: Each extends keyof BackendResources ? PartOf<BackendResources[Each], Key> : never;
}[B];

type PartOf<Types, Key> = Key extends keyof Types ? Types[Key] : undefined;

/** A backend that can make volumes. */
export interface BackendDefinition<Types extends ResourceTypes = ResourceTypes> {
  /** Loads what makes its volumes. */
  volumes: () => VolumeBackend;
  /**
   * Loads the providers of resources of our own, by what follows the backend in their tokens: `Volume` for "storage-profiles:local:Volume".
   * Absent where all resources are those of another package.
   */
  providers?: () => Readonly<Record<string, dynamic.ResourceProvider & ImportsById>>;
  /**
   * Loads what these resources are called in a state, by the same keys.
   * @internal
   */
  resources?: () => Readonly<Record<string, OwnResource>>;
  /** Loads what attaches them to hosts; absent where they are mounted where they are. */
  attachments?: () => Attacher<NonNullable<Types["attachment"]>>;
  /** Loads what brings them to the machine that runs a container; absent where nothing does. */
  host?: () => (options: NodeOptions) => NodeStorage;
  /** Only for the compiler. */
  types?: Types;
}

/** Defines a backend: its types, and its parts, each of which is loaded when it is first used. */
export function defineBackend<Types extends ResourceTypes>(
  definition: BackendDefinition<Types>,
): BackendDefinition<Types> {
  return definition;
}

/** What a component hands to a backend to make its volume. */
export interface VolumeToMake {
  /** The component's name: the name of the child as well. */
  name: string;
  /** What is known of the volume while the program runs. */
  declared: DeclaredVolume;
  /** The volume's name on the backend. */
  physicalName: string;
  /** Whether that name was asked for, and is not just the resource's. */
  explicitName: boolean;
  /** The resolution; an output where it depends on another resource's, and then perhaps unknown at preview. */
  volume: ResolvedVolume | pulumi.Output<ResolvedVolume>;
  /** A volume that exists already and is to be taken over: its id. */
  importId?: string | undefined;
  /** The owner from which it is taken over, if the program names one. */
  takeFrom?: string | undefined;
  /** The named connection that leads to it, on a backend that has such; the volume's, else the stack's. */
  connection?: string | undefined;
  /** The component, for the child's ownership. */
  component: pulumi.ComponentResource;
  config: StackConfig;
  opts: pulumi.CustomResourceOptions;
  /** The user's escape hatch, where the program has one for this backend. */
  transform: VolumeTransform | undefined;
}

/** The resource that was made. */
export interface MadeVolume {
  resource: pulumi.CustomResource;
  /** The volume's id on the backend. */
  volumeId: pulumi.Output<string>;
  /** Where the volume is mounted; only on backends that mount it. */
  mountPath?: pulumi.Output<string>;
  /** What is known of a volume on this backend alone. */
  details?: pulumi.Output<object>;
  /** What the resource has in the end: not what it was asked for, until that is done. */
  sizeGiB: pulumi.Output<number>;
  settings: pulumi.Output<Settings>;
}

/** What a component hands to a backend to read a volume that exists. */
export interface VolumeToRead {
  /** The component's name: the name of the child as well. */
  name: string;
  /** The volume's id on the backend. */
  id: pulumi.Input<string>;
  /** The named connection that leads to it, on a backend that has such. */
  connection?: string | undefined;
  opts: pulumi.CustomResourceOptions;
}

/** A volume that was read; settings that the backend doesn't report are missing. */
export type VolumeAsRead = Omit<MadeVolume, "settings"> & { settings: pulumi.Output<Partial<Settings>> };

/** What a backend is asked about one volume before it is made or changed. */
export interface AskedOfBackend {
  /** The volume's name in the program. */
  name: string;
  /** What is known of the volume while the program runs. */
  declared: DeclaredVolume;
  config: StackConfig;
  /** What it is to be. */
  to: ResolvedVolume;
  /** What it has; missing where it is new. */
  from?: ResolvedVolume | undefined;
  /** Its id on the backend; missing where it is new. */
  volumeId?: string | undefined;
  /** The volume that it takes over, where it is new. */
  importId?: string | undefined;
  /** The inputs of its own resource, where it is new. */
  inputs?: Record<string, unknown> | undefined;
  /** Whether this is a preview. */
  isDryRun: boolean;
}

/** What a volume's identity on a backend is made from. */
export interface VolumeIdentity {
  /** The volume's name in the program. */
  name: string;
  /** The name on the backend, where one is asked for. */
  physicalName: string | undefined;
  /** The id of a volume that is taken over. */
  importId: string | undefined;
  /** What the volume says for the backend beside its profile; parts may be outputs. */
  own?: object | undefined;
  config: StackConfig;
}

/** A backend that can make volumes. */
export interface VolumeBackend {
  /**
   * Settings that others may change on the backend, and that a profile must then follow: a refresh tells the volume's own
   * resource, and its hook alone judges them. Default: none
   */
  changedElsewhere?: readonly string[];
  /** Whether a stack may have several named connections (`<backend>:connections`), of which a volume has one. */
  hasConnections?: true;
  /** Whether a volume that is taken over may belong to another owner, who must then be named (`takeFrom`). */
  takesFrom?: true;
  /** What the stack and this machine know about the place, for the resolution. */
  placement(config: StackConfig): object;
  /** What the backend's provider knows of the place beyond what the stack and the volume set; nothing where they set everything. */
  askProvider?(
    placement: object,
    config: StackConfig,
    opts: pulumi.ComponentResourceOptions,
  ): pulumi.Output<object> | undefined;
  /**
   * What of a volume no other of this backend may have: its place, or its name on the backend. Default: nothing but the id of a volume
   * that is taken over; a name is then a label.
   */
  identity?(asked: VolumeIdentity): string | undefined;
  /** What the pure core can't see: names that were asked for, places that nobody named. */
  problems?(volume: ResolvedVolume, asked: { physicalName: string | undefined; config: StackConfig }): Problem[];
  /**
   * What only the backend knows, asked at preview as well: before a volume is made or taken over, and before its own resource is
   * changed.
   */
  ask?(asked: AskedOfBackend): Promise<{ problems: Problem[]; notes: Note[] }>;
  /** The operations for which the volume's resource keeps a time limit (`customTimeouts`), and what limits the others. Default: none */
  timeouts?: { timed: readonly TimedOperation[]; limit?: string };
  /** Why volumes can't be attached to a host, and what to do instead, where the backend has no attachments. */
  unattachable?: { because: string; ways: string[] };
  /** Loads the package that makes volumes, where that is one of its own. Throws a `MissingPackage`. */
  load?(): unknown;
  /** Makes the volume's own resource. */
  make(volume: VolumeToMake): MadeVolume;
  /** Reads a volume that exists, by its id, as a resource that the engine neither changes nor deletes. Default: it can't be read */
  read?(volume: VolumeToRead): VolumeAsRead;
  /**
   * Settings that the engine ignores on a volume that exists, lest it replace the volume. A hook doesn't see them change
   * in the resource's inputs, and looks at what was asked for instead.
   */
  ignored?: readonly string[];
  /** Whether volumes are taken over by Pulumi's own import, which would replace a volume that is in the state under another id. */
  importsByEngine?: true;
  /**
   * Whether a volume is on the backend. Asked where the engine makes a volume that the state has: where it would replace one that is there,
   * that is refused. Throws where that can't be found out, and then nothing is made. `outputs` are what the state has of its resource.
   */
  exists?(declared: DeclaredVolume, config: StackConfig, outputs: Record<string, unknown>): Promise<boolean>;
  /** How a volume that the engine would replace is kept, where the cause may be one that can't be taken back. */
  keptBy?: string;
  /** What an error of the volume's resource means and what to do, where the error doesn't say it. It is told, and not tried again. */
  explain?(name: string, id: string, errors: string[]): string | undefined | Promise<string | undefined>;
}

/** What is known of an attachment while the program runs. */
export interface AskedAttachment<Options extends object = object> {
  /** What the program says for this backend: `{ aws: { … } }`. */
  options: Options;
  declared: DeclaredVolume;
  /** The attachment that the program has declared of the volume before, if it has. */
  before: string | undefined;
}

/** A volume that can be attached. */
export interface AttachableVolume {
  volumeId: pulumi.Output<string>;
  /** Its settings; absent for a volume that the program doesn't declare, where nobody says them. */
  settings?: pulumi.Output<Settings> | undefined;
  /** The named connection that leads to it, on a backend that has such. */
  connection?: string | undefined;
  /** The component; absent for a volume that the program doesn't declare. */
  component?: ProfiledVolume | undefined;
}

/** An attachment that is to be made. */
export interface AttachmentToMake<Options extends object = object> extends AskedAttachment<Options> {
  /** The component's name: the name of the child as well. */
  name: string;
  volume: AttachableVolume;
  host: pulumi.Input<string>;
  opts: pulumi.CustomResourceOptions;
}

/** The way in which a backend's volumes are attached. */
export interface Attacher<Options extends object = object> {
  /** What the host is, for people: "the id of the instance". */
  host: string;
  /** The options that a program may give, below the backend's name: what other languages know of them. */
  options: z.ZodObject<Record<keyof Options & string, z.ZodType>>;
  /** The operations for which the attachment's resource keeps a time limit (`customTimeouts`). Default: none */
  timed?: readonly TimedOperation[];
  /** What is wrong with it. */
  problems(asked: AskedAttachment<Options>): Problem[];
  /** Makes the attachment's own resource. */
  attach(attachment: AttachmentToMake<Options>): { resource: pulumi.CustomResource; devicePath: pulumi.Output<string> };
}
