// VolumeAttachment: a volume made available to a host, in one shape for every backend.

import * as pulumi from "@pulumi/pulumi";

import {
  backendNames,
  formatProblems,
  isBackend,
  nearest,
  problem,
  VOLUME_ATTACHMENT,
  wrongType,
  type BackendName,
  type Problem,
} from "../src";
import type { ResourceTypeOf } from "./backends/contract";
import { attacherOf } from "./backends/registry";
import { declaredVolume } from "./declared";
import { optionProblems, passedOn } from "./options";
import { ProfiledVolume } from "./profiled-volume";

/** What an attachment asks for, whatever its backend. */
export interface CommonAttachmentArgs {
  /** The volume. */
  volume: ProfiledVolume;
  /** The host: on `aws` and `openstack` the id of the instance (a name on `openstack` with a `connector`), on `scaleio` the SDC by its id, name, GUID or IP address. */
  host: pulumi.Input<string>;
}

/**
 * What an attachment asks for, with what each backend needs beside that: `{ volume, host, aws: { deviceName: "/dev/sdf" } }`. Those of
 * other backends are ignored, so that one program can serve several.
 */
export type VolumeAttachmentArgs = CommonAttachmentArgs & {
  [Each in BackendName as ResourceTypeOf<Each, "attachment"> extends object ? Each : never]?:
    ResourceTypeOf<Each, "attachment"> | undefined;
};

/**
 * A volume made available to a host.
 *
 * ```ts
 * const data = new ProfiledVolume("data@gold", { sizeGiB: 100 });
 * new VolumeAttachment("data-on-web", { volume: data, host: instance.id, aws: { deviceName: "/dev/sdf" } });
 * ```
 *
 * On `aws` it is an `aws.ec2.VolumeAttachment`, on `openstack` an `openstack.compute.VolumeAttach` (with a `connector` an
 * `openstack.blockstorage.VolumeAttach`), on `scaleio` a {@link VolumeMapping}; volumes on `local` are mounted where they are. It
 * is taken away before the volume is. Unmount the file system on the host first.
 */
export class VolumeAttachment extends pulumi.ComponentResource {
  /**
   * The block device on a Linux host: `/dev/disk/by-id/…`. On `aws` on instances with NVMe (Nitro); on others the volume is where
   * `deviceName` says, with `xvd` for `sd`. On `openstack` with virtio-blk, libvirt's default; empty with a `connector`, since the
   * host connects by itself.
   */
  public readonly devicePath: pulumi.Output<string>;
  /** The backend's own resource; `undefined` when the volume has problems. */
  public readonly resource: pulumi.CustomResource | undefined;

  /**
   * Declares an attachment.
   * @throws `pulumi.RunError` with every problem of the arguments; also where the volume has an attachment already, and can have but
   * one.
   */
  constructor(name: string, args: VolumeAttachmentArgs, opts?: pulumi.ComponentResourceOptions) {
    const problems = wrongArguments(args, opts);
    if (problems.length > 0) throw new pulumi.RunError(formatProblems(name, problems));
    const { volume, host } = args;
    const options = optionsFor(declaredVolume(volume)?.backend, args);
    super(VOLUME_ATTACHMENT, name, { host, ...options }, opts);

    const declared = declaredVolume(volume);
    const before = declared?.attachment;
    if (declared) declared.attachment ??= name;
    const toMake = { name, volume, host, options, before, opts: { parent: this, ...passedOn(opts) } };
    // The problems of a refused volume are reported where it is declared.
    const attacher = hasResource(volume) && declared?.backend && attacherOf(declared.backend);
    const made = declared && attacher ? attacher.attach({ ...toMake, declared }) : undefined;
    this.resource = made?.resource;
    this.devicePath = made?.devicePath ?? (pulumi.output(pulumi.unknown) as unknown as pulumi.Output<string>);
    // Where its resource is gone from the backend, only this tells whose it was.
    this.registerOutputs(made && { devicePath: made.devicePath, volume: volume.urn });
  }
}

// Programs in JavaScript may pass anything.
function wrongArguments(
  args: VolumeAttachmentArgs | undefined,
  opts: pulumi.ComponentResourceOptions | undefined,
): Problem[] {
  const { volume, host, ...others } = (args ?? {}) as Partial<VolumeAttachmentArgs>;
  const problems: Problem[] = [];
  const unknown = (path: string, key: string, value: unknown, keys: readonly string[]) =>
    problems.push(problem("unknown-key", path, value, { key, keys: [...keys], nearest: nearest(key, keys) }));
  for (const [key, value] of Object.entries(others as Record<string, unknown>)) {
    // What is said for a backend that isn't used is checked as well: it would be met when the stack changes.
    const known = isBackend(key) ? attacherOf(key)?.options : undefined;
    if (!known) unknown(key, key, value, ["volume", "host", ...backendNames.filter((each) => attacherOf(each))]);
    else if (value !== undefined && (typeof value !== "object" || value === null))
      problems.push(wrongType(key, value, "object"));
    else
      for (const [option, given] of Object.entries(value ?? {}))
        if (!known.some((each) => each === option)) unknown(`${key}.${option}`, option, given, known);
  }
  const required = (setting: string, because: string, example: string) =>
    problems.push(problem("setting-required", setting, undefined, { setting, because, example }));
  if (host === undefined || host === "") required("host", "an attachment requires a host", "host: instance.id");
  else if (typeof host !== "string" && !isLater(host)) problems.push(wrongType("host", host, "string"));
  if (volume === undefined) required("volume", "an attachment requires a volume", "volume: data (a ProfiledVolume)");
  else if (!((volume as unknown) instanceof ProfiledVolume)) {
    const found = typeof volume === "object" ? "another object" : typeof volume;
    problems.push(problem("wrong-type", "volume", undefined, { expected: "a ProfiledVolume", found }));
  } else problems.push(...wrongForBackend(volume, args));
  const backend = typeof volume === "object" ? declaredVolume(volume)?.backend : undefined;
  problems.push(...optionProblems(opts, backend && attacherOf(backend)?.timed));
  return problems;
}

function optionsFor(backend: BackendName | undefined, args: object): object {
  const own = backend && (args as Record<string, unknown>)[backend];
  return typeof own === "object" && own !== null ? own : {};
}

function wrongForBackend(volume: ProfiledVolume, args: object = {}): Problem[] {
  const declared = declaredVolume(volume);
  const { backend } = declared ?? {};
  if (!declared || !backend || !hasResource(volume)) return [];
  const attacher = attacherOf(backend);
  const options = optionsFor(backend, args);
  if (attacher) return attacher.problems({ options, declared, before: declared.attachment });
  const because = `volumes on ${backend} are mounted on this machine; they can't be attached to a host`;
  const params = { setting: "volume", because, ways: ["use the volume's `mountPath`"] };
  return [problem("setting-not-applicable", "volume", undefined, params)];
}

function isLater(input: unknown): boolean {
  return pulumi.Output.isInstance(input) || input instanceof Promise;
}

// A volume with problems has no resource of its own.
function hasResource({ resource }: { resource: unknown }): boolean {
  return resource !== undefined;
}
