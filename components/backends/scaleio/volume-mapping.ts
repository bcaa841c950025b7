// VolumeMapping: a volume made available to a host, with the limits of its profile, which an array keeps there.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, problem, wrongType, type Problem } from "../../../src";
import type { AccessMode, mappingLimits, ScaleioSettings } from "../../../src/backends/scaleio";
import { declaredVolume } from "../../declared";
import { keepAtPreview, refusedLater } from "../../engine";
import type { ProfiledVolume } from "../../profiled-volume";
import { registrationOf } from "../../own-resources";
import { currentRun } from "../../run";
import { ownResources } from "./own-resources";
import type { ScaleioVolume } from "./resource";

/** What a mapping asks for. */
export interface VolumeMappingArgs {
  /** The volume, on backend `scaleio`: the limits are those of its profile, and follow it. Or give `volumeId`. */
  volume?: ProfiledVolume | undefined;
  /** The id of a volume on the array, with limits of its own. Or give `volume`. */
  volumeId?: pulumi.Input<string> | undefined;
  /**
   * The named connection to the array that has it. Only with `volumeId`.
   * @default the stack's: `storage-profiles:scaleio.connection`
   */
  connection?: string | undefined;
  /** The host (SDC): its id, name, GUID or IP address. */
  sdc: pulumi.Input<string>;
  /**
   * How the host may use the volume. Arrays have it since version 3.0.
   * @default "ReadWrite"
   */
  accessMode?: AccessMode | undefined;
  /**
   * IOPS for this host: 0 (unlimited), or at least 11. Only with `volumeId`. Problem: `iops-beyond-limit`.
   * @default 0
   */
  iopsLimit?: pulumi.Input<number> | undefined;
  /**
   * KB/s (1,024 bytes) for this host, rounded up to a multiple of 1,024; 0 is unlimited. Only with `volumeId`. Problem:
   * `throughput-beyond-limit`.
   * @default 0
   */
  bandwidthLimitKBps?: pulumi.Input<number> | undefined;
}

const rules = () =>
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when the first mapping is declared
  require("../../../src/backends/scaleio") as typeof import("../../../src/backends/scaleio");
// eslint-disable-next-line @typescript-eslint/no-require-imports -- with it
const identities = () => require("./identity") as typeof import("./identity");

type LimitRanges = Parameters<typeof mappingLimits>[1];

/**
 * The mapping of a ScaleIO / PowerFlex volume to a host.
 *
 * ```ts
 * const data = new ProfiledVolume("data@gold", { sizeGiB: 100 });
 * new VolumeMapping("data-on-node1", { volume: data, sdc: "node1" });
 * ```
 *
 * One for each host. Destroying it takes the volume away from the host: unmount it there first.
 */
export class VolumeMapping extends pulumi.CustomResource {
  /** The volume's id. */
  declare public readonly volumeId: pulumi.Output<string>;
  /** The host's id. */
  declare public readonly sdcId: pulumi.Output<string>;
  /** IOPS for this host; 0 is unlimited. */
  declare public readonly iopsLimit: pulumi.Output<number>;
  /** KB/s (1,024 bytes) for this host; 0 is unlimited. */
  declare public readonly bandwidthLimitKBps: pulumi.Output<number>;
  /** How the host may use the volume. */
  declare public readonly accessMode: pulumi.Output<AccessMode>;
  /** The block device on the host, when it runs Linux: `/dev/disk/by-id/emc-vol-<array>-<volume>`. */
  declare public readonly devicePath: pulumi.Output<string>;

  /**
   * Declares a mapping.
   * @throws `pulumi.RunError` with every problem of the arguments; those of limits that come from another resource end the run
   * when they are known.
   */
  constructor(name: string, args: VolumeMappingArgs, opts?: pulumi.CustomResourceOptions) {
    const run = currentRun();
    const ranges = run.catalog.limits.scaleio as LimitRanges;
    const { volume, iopsLimit, bandwidthLimitKBps } = args;
    // What is known already is checked before an output is made of it.
    const plain = rules().mappingLimits(
      { iopsLimit: plainOnly(iopsLimit), bandwidthLimitKBps: plainOnly(bandwidthLimitKBps) },
      ranges,
    );
    const wrong = [...wrongArguments(args), ...(volume ? [] : plain.problems)];
    if (wrong.length > 0) throw new pulumi.RunError(formatProblems(name, wrong));
    const declared = volume && declaredVolume(volume);
    if (declared) declared.isMapped = true;
    const connection = volume ? declared?.connection : (args.connection ?? run.config.scaleio?.connection);
    // Neither a limit nor a volume's id is a secret, even when it comes from one.
    const asked = volume
      ? volume.settings.apply((settings) => settings as ScaleioSettings)
      : pulumi.unsecret(pulumi.output({ iopsLimit, bandwidthLimitKBps }));
    const limits = asked.apply((each) => {
      const { problems, notes, ...made } = rules().mappingLimits(each, ranges);
      if (problems.length > 0) return refusedLater(formatProblems(name, problems));
      for (const { message } of notes) void pulumi.log.info(`${name}: ${message}`);
      return made;
    });
    const { type, props: registered, opts: all } = registrationOf(ownResources.VolumeMapping, opts);
    const props = {
      volumeId: volume?.volumeId ?? args.volumeId,
      volumeSystemId: (volume?.resource as ScaleioVolume | undefined)?.systemId,
      stackSystemId: volume
        ? undefined
        : identities()
            .scaleioStack(run.config, connection)
            .then(({ systemId }) => systemId),
      ...(connection !== undefined && { connection }),
      declaredAs: name,
      sdc: args.sdc,
      iopsLimit: limits.iopsLimit,
      bandwidthLimitKBps: limits.bandwidthLimitKBps,
      accessMode: args.accessMode ?? "ReadWrite",
      sdcId: undefined,
      systemId: undefined,
      devicePath: undefined,
      ...registered,
    };
    super(type, name, props, run.hooks ? withUpdateHook(all, run.hooks.mapping) : all);
    keepAtPreview(this, ["sdcId", "devicePath"], () => run.hooks?.mappingBefore(this));
  }
}

function withUpdateHook(
  opts: pulumi.CustomResourceOptions | undefined,
  hook: pulumi.ResourceHook,
): pulumi.CustomResourceOptions {
  const { beforeUpdate = [] } = opts?.hooks ?? {};
  return { ...opts, hooks: { ...opts?.hooks, beforeUpdate: [hook, ...beforeUpdate] } };
}

// Programs in JavaScript may pass anything.
function wrongArguments(args: VolumeMappingArgs): Problem[] {
  const { volume, volumeId, sdc, accessMode, iopsLimit, bandwidthLimitKBps } = args;
  const problems: Problem[] = [];
  const required = (setting: string, because: string, example: string) =>
    problems.push(problem("setting-required", setting, undefined, { setting, because, example }));
  const notApplicable = (setting: string, given: unknown, because: string, ways: string[]) =>
    problems.push(problem("setting-not-applicable", setting, given, { setting, because, ways }));
  if (volume === undefined && volumeId === undefined) {
    required("volume", "a mapping requires a volume", "volume: data, or volumeId: <its id on the array>");
  }
  if (volume !== undefined && volumeId !== undefined) {
    notApplicable("volumeId", undefined, "`volume` already names it", ["set only one of the two"]);
  }
  if (volume?.resource !== undefined && declaredVolume(volume)?.backend !== "scaleio") {
    notApplicable("volume", undefined, "only volumes on backend scaleio can be mapped", ["use a volume on scaleio"]);
  }
  if (volume !== undefined) {
    if (args.connection !== undefined)
      notApplicable("connection", args.connection, "the volume has its own", ["remove it"]);
    for (const [setting, given] of Object.entries({ iopsLimit, bandwidthLimitKBps })) {
      if (given === undefined) continue;
      const ways = ["set it in the profile", "set `volumeId: data.volumeId` instead of `volume`, with its own limits"];
      notApplicable(setting, undefined, "the limits are set by the volume's profile", ways);
    }
  }
  if ((sdc as unknown) === undefined || sdc === "") {
    required("sdc", "a mapping requires a host", 'sdc: "node1" (its id, name, GUID or IP address)');
  } else if (isPlain(sdc) && typeof sdc !== "string") problems.push(wrongType("sdc", sdc, "string"));
  if (accessMode !== undefined && !rules().accessModes.includes(accessMode)) {
    const params = { given: JSON.stringify(accessMode), values: [...rules().accessModes], nearest: undefined };
    problems.push(problem("value-not-allowed", "accessMode", accessMode, params));
  }
  return problems;
}

function isPlain(input: unknown): boolean {
  return !pulumi.Output.isInstance(input) && !(input instanceof Promise);
}

function plainOnly<T>(input: pulumi.Input<T> | undefined): T | undefined {
  return isPlain(input) ? (input as T | undefined) : undefined;
}
