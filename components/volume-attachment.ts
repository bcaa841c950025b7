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
  type Settings,
  unknownKey,
} from "../src";
import type { AttachableVolume, ResourceTypeOf } from "./backends/contract";
import { attacherOf, volumeBackend } from "./backends/registry";
import { declaredVolume, newDeclaration, type DeclaredVolume } from "./declared";
import { optionProblems, passedOn } from "./options";
import { ProfiledVolume } from "./profiled-volume";
import { ReadVolume } from "./read-volume";

type AnyVolume = ProfiledVolume | ReadVolume | ExistingVolume;

/** A volume that the program doesn't declare: of another stack, or one that has no profile. */
export interface ExistingVolume {
  /** Where it lives. */
  backend: BackendName;
  /** Its id on the backend: `stack.requireOutput("dataId")`. */
  volumeId: pulumi.Input<string>;
  /**
   * Its settings, as its `ProfiledVolume` has them: on `scaleio` they decide the limits of the mapping.
   * @default none: on `scaleio` the mapping is unlimited
   */
  settings?: pulumi.Input<object> | undefined;
  /**
   * The named connection that leads to it, on a backend that has such.
   * @default the stack's
   */
  connection?: string | undefined;
}

/** What an attachment asks for, whatever its backend. */
export interface CommonAttachmentArgs {
  /** The volume: of this program, one that `ProfiledVolume.get` reads, or one that exists elsewhere, by its id. */
  volume: ProfiledVolume | ReadVolume | ExistingVolume;
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
 * A volume of another stack is attached by its id: `volume: { backend: "aws", volumeId: stack.requireOutput("dataId") }`. The id may come
 * from an output; the backend must be written, since the way in which a volume is attached depends on it.
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
    const component = isComponent(volume) ? volume : undefined;
    const existing = isComponent(volume) ? undefined : existingOf(volume);
    const declared = declarationOf(volume, name);
    const options = optionsFor(declared?.backend, args);
    super(VOLUME_ATTACHMENT, name, { host, ...(existing && { volumeId: existing.volumeId }), ...options }, opts);

    const before = declared?.attachment;
    if (declared) declared.attachment ??= name;
    const attachable: AttachableVolume = {
      volumeId: component?.volumeId ?? pulumi.output(existing?.volumeId ?? ""),
      settings: (component?.settings ?? (existing?.settings && pulumi.output(existing.settings))) as
        pulumi.Output<Settings> | undefined,
      connection: component ? declared?.connection : existing?.connection,
      component,
    };
    const toMake = { name, volume: attachable, host, options, before, opts: { parent: this, ...passedOn(opts) } };
    // The problems of a refused volume are reported where it is declared.
    const isThere = component === undefined || hasResource(component);
    const attacher = isThere && declared?.backend ? attacherOf(declared.backend) : undefined;
    const made = declared && attacher ? attacher.attach({ ...toMake, declared }) : undefined;
    this.resource = made?.resource;
    this.devicePath = made?.devicePath ?? (pulumi.output(pulumi.unknown) as unknown as pulumi.Output<string>);
    // Where its resource is gone from the backend, only this tells whose it was.
    this.registerOutputs(made && { devicePath: made.devicePath, volume: component?.urn });
  }
}

function existingOf(volume: ReadVolume | ExistingVolume): ExistingVolume {
  if (!(volume instanceof ReadVolume)) return volume;
  const { backend, volumeId, settings, connection } = volume;
  return { backend, volumeId, settings, connection };
}

function declarationOf(volume: AnyVolume, name = ""): DeclaredVolume | undefined {
  return isComponent(volume) ? declaredVolume(volume) : newDeclaration(name, volume.backend);
}

// Also one of another copy of this package.
function isComponent(volume: AnyVolume): volume is ProfiledVolume {
  return (volume as unknown) instanceof ProfiledVolume;
}

// Programs in JavaScript may pass anything.
function wrongArguments(
  args: VolumeAttachmentArgs | undefined,
  opts: pulumi.ComponentResourceOptions | undefined,
): Problem[] {
  const { volume, host, ...others } = (args ?? {}) as Partial<VolumeAttachmentArgs>;
  const problems: Problem[] = [];
  const unknown = (path: string, key: string, value: unknown, keys: readonly string[]) =>
    problems.push(unknownKey(path, value, key, keys));
  for (const [key, value] of Object.entries(others as Record<string, unknown>)) {
    // What is said for a backend that isn't used is checked as well: it would be met when the stack changes.
    const attacher = isBackend(key) ? attacherOf(key) : undefined;
    if (!attacher) unknown(key, key, value, ["volume", "host", ...backendNames.filter((each) => attacherOf(each))]);
    else if (value !== undefined && (typeof value !== "object" || value === null))
      problems.push(wrongType(key, value, "object"));
    else {
      const known = Object.keys(attacher.options.shape);
      for (const [option, given] of Object.entries(value ?? {}))
        if (!known.includes(option)) unknown(`${key}.${option}`, option, given, known);
    }
  }
  const required = (setting: string, because: string, example: string) =>
    problems.push(problem("setting-required", setting, undefined, { setting, because, example }));
  const ofOutput = `name its backend: { backend: "${backendNames[0]}", volumeId: … }; how a volume is attached depends on it`;
  if (host === undefined || host === "") required("host", "an attachment requires a host", "host: instance.id");
  else if (typeof host !== "string" && !isLater(host)) problems.push(wrongType("host", host, "string"));
  if (volume === undefined) required("volume", "an attachment requires a volume", "volume: data (a ProfiledVolume)");
  else if (!isVolume(volume)) {
    const found = isLater(volume) ? "an output" : typeof volume === "object" ? "another object" : typeof volume;
    const way = isLater(volume) ? ofOutput : undefined;
    const params = { expected: "a ProfiledVolume, or { backend, volumeId }", found, way };
    problems.push(problem("wrong-type", "volume", undefined, params));
  } else if (isComponent(volume))
    problems.push(...(hasResource(volume) ? wrongForBackend(declarationOf(volume), args ?? {}) : []));
  else problems.push(...wrongExisting(existingOf(volume), args ?? {}));
  const backend = isVolume(volume) ? declarationOf(volume)?.backend : undefined;
  problems.push(...optionProblems(opts, backend && isBackend(backend) ? attacherOf(backend)?.timed : undefined));
  return problems;
}

function isVolume(volume: unknown): volume is AnyVolume {
  if (typeof volume !== "object" || volume === null || isLater(volume)) return false;
  return volume instanceof ProfiledVolume || "backend" in volume || "volumeId" in volume;
}

function wrongExisting(volume: ExistingVolume, args: object): Problem[] {
  const { backend, volumeId, connection, settings: _settings, ...others } = volume as Partial<ExistingVolume>;
  const keys = ["backend", "volumeId", "settings", "connection"];
  const problems = Object.keys(others).map((key) => unknownKey(`volume.${key}`, undefined, key, keys));
  const required = (setting: string, because: string, example: string) =>
    problems.push(problem("setting-required", `volume.${setting}`, undefined, { setting, because, example }));
  if (backend === undefined) {
    const because = "a volume that the program doesn't declare is attached as its backend does";
    required("backend", because, `backend: "${backendNames[0]}"`);
  } else if (isLater(backend)) {
    const way = `write its name: backend: "${backendNames[0]}"; how a volume is attached depends on it`;
    problems.push(problem("wrong-type", "volume.backend", undefined, { expected: "text", found: "an output", way }));
  } else if (!isBackend(backend)) {
    const values = backendNames.filter((each) => attacherOf(each));
    const params = { given: JSON.stringify(backend), values, nearest: nearest(String(backend), values) };
    problems.push(problem("value-not-allowed", "volume.backend", backend, params));
  } else problems.push(...wrongForBackend(declarationOf(volume), args));
  if (connection !== undefined && typeof connection !== "string")
    problems.push(wrongType("volume.connection", connection, "string"));
  else if (connection !== undefined && isBackend(String(backend)) && !hasConnections(String(backend) as BackendName)) {
    const because = `backend ${String(backend)} has no named connections`;
    const params = { setting: "connection", because, ways: ["remove it", "pass a `provider` in its place"] };
    problems.push(problem("setting-not-applicable", "volume.connection", connection, params));
  }
  if (volumeId === undefined || volumeId === "") {
    required(
      "volumeId",
      "a volume that the program doesn't declare is known by its id",
      'volumeId: "vol-0123456789abcdef0"',
    );
  } else if (typeof volumeId !== "string" && !isLater(volumeId)) {
    problems.push(wrongType("volume.volumeId", volumeId, "string"));
  }
  return problems;
}

function optionsFor(backend: BackendName | undefined, args: object): object {
  const own = backend && (args as Record<string, unknown>)[backend];
  return typeof own === "object" && own !== null ? own : {};
}

function wrongForBackend(declared: DeclaredVolume | undefined, args: object): Problem[] {
  const { backend } = declared ?? {};
  if (!declared || !backend) return [];
  const attacher = attacherOf(backend);
  const options = optionsFor(backend, args);
  if (attacher) return attacher.problems({ options, declared, before: declared.attachment });
  const { because, ways } = volumeBackend(backend).unattachable ?? {
    because: `volumes on ${backend} can't be attached to a host`,
    ways: ["remove the attachment"],
  };
  const params = { setting: "volume", because, ways };
  return [problem("setting-not-applicable", "volume", undefined, params)];
}

function hasConnections(backend: BackendName): boolean {
  return volumeBackend(backend).hasConnections === true;
}

function isLater(input: unknown): boolean {
  return pulumi.Output.isInstance(input) || input instanceof Promise;
}

// A volume with problems has no resource of its own.
function hasResource({ resource }: { resource: unknown }): boolean {
  return resource !== undefined;
}
