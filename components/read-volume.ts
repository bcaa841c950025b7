// ReadVolume: a volume that exists and that this program doesn't manage, read by its id.

import * as pulumi from "@pulumi/pulumi";

import {
  backendNames,
  checkName,
  formatProblems,
  isBackend,
  nearest,
  problem,
  READ_VOLUME,
  wrongType,
  type BackendName,
  type Problem,
  type SettingsOf,
} from "../src";
import type { ResourceTypeOf } from "./backends/contract";
import { volumeBackend } from "./backends/registry";
import { MissingPackage } from "./load";
import { optionProblems } from "./options";
import { currentRun } from "./run";

/** Options of a volume that is read: those of any component, and its backend. */
export interface ReadVolumeOptions<B extends BackendName = BackendName> extends pulumi.ComponentResourceOptions {
  /**
   * The backend that has the volume.
   * @default the stack's: `storage-profiles:backend`
   */
  backend?: B | undefined;
  /**
   * The named connection that leads to the volume, on `scaleio`, `cio` and `ceph`.
   * @default the stack's: `storage-profiles:scaleio.connection` and so on
   */
  connection?: string | undefined;
}

/**
 * A volume that exists and that another stack, or nobody, manages: see {@link ProfiledVolume.get}. It has no profile, and commands don't list
 * it among the stack's volumes.
 */
export class ReadVolume<B extends BackendName = BackendName> extends pulumi.ComponentResource {
  /** Whether something is a `ReadVolume`, of whichever copy of this package. */
  public static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== ReadVolume) return Function.prototype[Symbol.hasInstance].call(this, value);
    return pulumi.ComponentResource.isInstance(value) && READ in value;
  }

  /** The volume's id on the backend. */
  public readonly volumeId: pulumi.Output<string>;
  /** The backend where the volume lives. */
  public readonly backend: B;
  /** The named connection that leads to the volume; `undefined` on that of the stack's own keys. */
  public readonly connection: string | undefined;
  /** The size that the volume has, in GiB. */
  public readonly sizeGiB: pulumi.Output<number>;
  /** The settings that the volume has, as far as its backend reports them: an array keeps limits at the mappings to hosts. */
  public readonly settings: pulumi.Output<Partial<SettingsOf<B>>>;
  /** Where the volume is mounted, on backends that mount it (`local`); else `undefined`. */
  public readonly mountPath: pulumi.Output<ResourceTypeOf<B, "mountPath">>;
  /** What is known of a volume on its backend alone: `claimName` and `volumeName` on `kubernetes`; else `undefined`. */
  public readonly details: pulumi.Output<ResourceTypeOf<B, "details">>;
  /** The backend's own resource, as its `get` reads it: an `aws.ebs.Volume` on `aws`. */
  public readonly resource: ResourceTypeOf<B, "resource">;

  /**
   * Reads a volume: call {@link ProfiledVolume.get}.
   * @throws `pulumi.RunError` with every problem of the arguments and of the stack's config.
   */
  constructor(name: string, id: pulumi.Input<string>, options: ReadVolumeOptions<B> = {}) {
    const { backend: given, connection: named, ...opts } = options;
    const { config } = currentRun();
    const backend = given ?? config.backend;
    const ofStack = (config as Record<string, { connection?: string } | undefined>)[backend ?? ""]?.connection;
    const connection = named ?? ofStack;
    const problems = wrongArguments(name, id, backend, named, opts);
    if (problems.length > 0) throw new pulumi.RunError(formatProblems(name, problems));
    super(READ_VOLUME, name, { id, backend }, opts);
    Object.defineProperty(this, READ, { value: true });

    this.backend = backend as B;
    this.connection = connection;
    const read = volumeBackend(this.backend).read?.({ name, id, connection, opts: { parent: this } });
    // Checked above.
    if (!read) throw new Error(`volumes on ${this.backend} can't be read`);
    const nothing = pulumi.output(undefined);
    this.resource = read.resource as ResourceTypeOf<B, "resource">;
    this.volumeId = read.volumeId;
    this.sizeGiB = read.sizeGiB;
    this.settings = read.settings as unknown as pulumi.Output<Partial<SettingsOf<B>>>;
    this.mountPath = (read.mountPath ?? nothing) as pulumi.Output<ResourceTypeOf<B, "mountPath">>;
    this.details = (read.details ?? nothing) as pulumi.Output<ResourceTypeOf<B, "details">>;
    this.registerOutputs({ volumeId: this.volumeId, sizeGiB: this.sizeGiB });
  }
}

// On the component itself: a program may have two copies of this package, and hand a volume of one to the other.
const READ = Symbol.for("storage-profiles.read-volume");

// Programs in JavaScript may pass anything.
function wrongArguments(
  name: unknown,
  id: unknown,
  backend: unknown,
  connection: unknown,
  opts: pulumi.ComponentResourceOptions,
): Problem[] {
  const problems = [...checkName("volume", String(name), "name"), ...optionProblems(opts)];
  const isLater = pulumi.Output.isInstance(id) || id instanceof Promise;
  if (id === undefined || id === "") {
    const because = "a volume that exists is known by its id on the backend";
    problems.push(
      problem("setting-required", "id", undefined, { setting: "id", because, example: '"vol-0123456789abcdef0"' }),
    );
  } else if (!isLater && typeof id !== "string") problems.push(wrongType("id", id, "string"));
  if (backend === undefined)
    problems.push(problem("backend-missing", "backend", undefined, { backends: backendNames }));
  else if (typeof backend !== "string") problems.push(wrongType("backend", backend, "string"));
  else if (!isBackend(backend)) {
    const params = { backend, backends: backendNames, nearest: nearest(backend, backendNames) };
    problems.push(problem("backend-unknown", "backend", backend, params));
  } else problems.push(...unreadable(backend), ...wrongConnection(backend, connection));
  return problems;
}

function wrongConnection(backend: BackendName, connection: unknown): Problem[] {
  if (connection === undefined) return [];
  if (typeof connection !== "string") return [wrongType("connection", connection, "string")];
  if (volumeBackend(backend).hasConnections) return [];
  const because = `backend ${backend} has no named connections`;
  const params = { setting: "connection", because, ways: ["remove it", "pass a `provider` in its place"] };
  return [problem("setting-not-applicable", "connection", connection, params)];
}

function unreadable(backend: BackendName): Problem[] {
  try {
    volumeBackend(backend).load?.();
  } catch (error) {
    if (!(error instanceof MissingPackage)) throw error;
    return [error.problem];
  }
  if (volumeBackend(backend).read) return [];
  const because = `volumes on ${backend} can't be read by their id`;
  const ways = ["pass what is needed of the volume as outputs of the stack that manages it"];
  return [problem("setting-not-applicable", "backend", backend, { setting: "backend", because, ways })];
}
