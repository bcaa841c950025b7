// How the aws backend makes a volume for a ProfiledVolume: as `aws.ebs.Volume` of @pulumi/aws, with everything said that EC2
// would otherwise choose or the provider would leave as it was.

import * as pulumi from "@pulumi/pulumi";

import { change, formatProblems, NAMESPACE, note, problem, stackPlacement, type Problem } from "../../../src";
import { awsSettingsOf } from "../../../src/backends/aws/recorded";
import type { AwsSettings } from "../../../src/backends/aws/settings";
import { argumentsOf } from "../../arguments";
import type { VolumeBackend, VolumeToMake } from "../contract";
import { refusedLater } from "../../engine";
import { fixedByTransform, transformed } from "../../transform";
import { explainErrors } from "./errors";
import { ebsVolume } from "./sdk";
import { zoneOfProvider } from "./zone";

export const awsBackend: VolumeBackend = {
  placement: (config) => {
    const region = regionOfProvider();
    return { ...stackPlacement("aws", config), ...(region !== undefined && { region }) };
  },

  askProvider(placement, config, opts) {
    const { availabilityZone } = placement as { availabilityZone?: unknown };
    if (availabilityZone !== undefined) return undefined;
    return zoneOfProvider(config, opts).apply((zone) => (zone === undefined ? {} : { availabilityZone: zone }));
  },

  problems({ settings }) {
    if ((settings as AwsSettings).availabilityZone !== null) return [];
    const because = "an EBS volume belongs to one Availability Zone, and the provider doesn't report one";
    const example = "availabilityZone: us-east-1a";
    const way = "set `aws: { availabilityZone }` on the volume";
    const params = { setting: "availabilityZone", because, example, way };
    return [problem("setting-required", `${NAMESPACE}:aws.availabilityZone`, undefined, params)];
  },

  importsByEngine: true,

  ask({ importId: id }) {
    const notes = id === undefined ? [] : [note("owner-unknown", "import", { id, keeper: "EC2" })];
    return Promise.resolve({ problems: [], notes });
  },

  // By the provider, which has the login.
  async exists({ hints }, _config, { id }) {
    if (typeof id !== "string") return false;
    const provider = (await hints) as pulumi.ProviderResource | undefined;
    const filters = [{ name: "volume-id", values: [id] }];
    const options = { async: true, ...(provider && { provider }) };
    // Asked for a list: if the volume is gone, it is empty. Asking for the one volume would fail then, with an error that can't be told from others.
    const found: unknown = await pulumi.runtime.invoke("aws:ebs/getEbsVolumes:getEbsVolumes", { filters }, options);
    const { ids } = found as { ids?: unknown };
    return Array.isArray(ids) && ids.includes(id);
  },

  load: ebsVolume,

  timeouts: { timed: ["create", "update", "delete"] },

  // Not the snapshot's pace, which EC2 doesn't tell afterwards.
  ignored: ["availabilityZone", "encrypted", "kmsKeyId", "multiAttach", "outpostArn", "snapshotId"],

  make(toMake) {
    const { name, importId, opts, component, declared } = toMake;
    declared.hints = Promise.resolve(component.getProvider("aws:ebs/volume:Volume"));
    const own = volumeArgs(toMake.volume);
    const { args, opts: finalOpts } = transformed(
      toMake,
      // A copy: what a function changes in place is found as well.
      { ...own },
      // Whatever may have gone unjudged (a failed `up` before, drift, an alias), nothing of it replaces a volume with its data.
      { ...opts, ignoreChanges: Object.keys(FIXED), ...(importId !== undefined && { import: importId }) },
    );
    const wrong = fixedByTransform("aws", own, args, FIXED);
    if (wrong.length > 0) throw new pulumi.RunError(formatProblems(name, wrong));

    const { Volume } = ebsVolume();
    const resource = new Volume(name, args as unknown as ConstructorParameters<typeof Volume>[1], finalOpts);
    const { size, type, iops, throughput, encrypted, kmsKeyId, multiAttachEnabled } = resource;
    const { availabilityZone, outpostArn, snapshotId, volumeInitializationRate } = resource;
    const outputs = { size, type, iops, throughput, encrypted, kmsKeyId, multiAttachEnabled, availabilityZone };
    const settings = pulumi
      .all([toMake.volume, pulumi.output({ ...outputs, outpostArn, snapshotId, volumeInitializationRate })])
      .apply(([volume, has]) => {
        const asked = volume.settings as AwsSettings;
        // Who asked for no key has the account's, whose ARN is no setting of theirs; a snapshot and its rate may be forgotten.
        // Tags may have the provider's own with them.
        const read = awsSettingsOf(has, {});
        const made: AwsSettings = {
          ...read,
          kmsKeyId: asked.kmsKeyId === null ? null : read.kmsKeyId,
          snapshotId: asked.snapshotId === null ? null : read.snapshotId,
          volumeInitializationRate: asked.volumeInitializationRate === null ? null : read.volumeInitializationRate,
          tags: asked.tags,
        };
        const problems = problemsOfOther(asked, made);
        if (problems.length > 0) return refusedLater(formatProblems(`${name} is refused`, problems));
        tellEncryption(name, asked, made.encrypted);
        return made;
      });
    return { resource, volumeId: resource.id, sizeGiB: size, settings };
  },

  read({ name, id, opts }) {
    const resource = ebsVolume().Volume.get(name, id, undefined, opts);
    const { size, type, iops, throughput, encrypted, kmsKeyId, multiAttachEnabled, tags } = resource;
    const { availabilityZone, outpostArn, snapshotId, volumeInitializationRate } = resource;
    const settings = pulumi
      .output({
        ...{ size, type, iops, throughput, encrypted, kmsKeyId, multiAttachEnabled, tags },
        ...{ availabilityZone, outpostArn, snapshotId, volumeInitializationRate },
      })
      .apply((has) => awsSettingsOf(has, {}));
    return { resource, volumeId: resource.id, sizeGiB: size, settings };
  },

  explain: explainErrors,
};

// The stack's config counts before the environment, as it does for the provider.
function regionOfProvider(): string | undefined {
  return new pulumi.Config("aws").get("region") ?? process.env["AWS_REGION"] ?? process.env["AWS_DEFAULT_REGION"];
}

// All that makes the volume what it is. False and nothing are left out: an account may encrypt everything, and a `false` that isn't so
// would have the provider replace the volume.
function volumeArgs(volume: VolumeToMake["volume"]): Record<string, unknown> {
  const of = argumentsOf<AwsSettings>(volume);
  return {
    availabilityZone: of((_, { availabilityZone }) => availabilityZone),
    size: of(({ sizeGiB }) => sizeGiB),
    type: of((_, { volumeType }) => volumeType),
    iops: of((_, { iops }) => iops),
    throughput: of((_, { throughputMiBps }) => throughputMiBps),
    encrypted: of((_, { encrypted }) => encrypted),
    kmsKeyId: of((_, { kmsKeyId }) => kmsKeyId),
    multiAttachEnabled: of((_, { multiAttach }) => multiAttach),
    outpostArn: of((_, { outpostArn }) => outpostArn),
    snapshotId: of((_, { snapshotId }) => snapshotId),
    volumeInitializationRate: of((_, settings) => settings.volumeInitializationRate),
    tags: of((_, { tags }) => tags),
  };
}

// Each has a setting of ours whose change is judged before anything is touched. Changed behind it, by a transform, the provider would
// replace the volume, and no hook is asked about that.
const FIXED = {
  availabilityZone: "the volume's `aws: { availabilityZone }`",
  encrypted: "the profile",
  kmsKeyId: "the profile",
  multiAttachEnabled: "the profile, as `multiAttach`",
  region: "the provider",
  outpostArn: "the volume's `aws: { outpostArn }`",
  snapshotId: "the volume's `aws: { snapshotId }`",
  volumeInitializationRate: "the volume's `aws: { volumeInitializationRate }`",
};

// What a volume can't become, and would be ignored: told when a hook could not, as of a volume that is taken over.
function problemsOfOther(asked: AwsSettings, made: AwsSettings): Problem[] {
  const { encrypted, kmsKeyId, multiAttach, availabilityZone, outpostArn, snapshotId } = made;
  const fixed = { kmsKeyId, multiAttach, availabilityZone, outpostArn, snapshotId };
  const label = { name: "", profile: "", revision: "", backend: "aws", sizeGiB: 1 } as const;
  // Encrypted though nobody asked is told, and not refused.
  const has = { ...asked, ...fixed, encrypted: encrypted && asked.encrypted };
  return change({ ...label, settings: has }, { ...label, settings: asked }).problems;
}

function tellEncryption(name: string, asked: AwsSettings, encrypted: boolean | undefined): void {
  if (asked.encrypted || encrypted !== true) return;
  void pulumi.log.warn(
    `${name} is encrypted although its profile doesn't set it: because of the account's default, or its snapshot. ` +
      "Set `encrypted: true` in the profile; this doesn't change the volume, and avoids refusals of later changes",
  );
}
