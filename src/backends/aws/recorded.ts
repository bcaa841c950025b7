// What Pulumi's state tells of an EBS volume: the provider's own properties, read back as settings.

import type { Recorded } from "../contract";
import type { AwsSettings } from "./settings";

export const awsRecorded: Recorded<AwsSettings> = {
  type: "aws:ebs/volume:Volume",
  read(properties, has = {}) {
    const { size, type } = properties;
    if (typeof size !== "number" || typeof type !== "string") return {};
    return { sizeGiB: size, settings: awsSettingsOf(properties, has) };
  },
  decided: ["availabilityZone"],
  own: ["availabilityZone", "outpostArn", "snapshotId", "volumeInitializationRate"],
};

// What has IOPS and throughput to set. EC2 also tells what the others have, gp2's by its size.
const WITH_IOPS = ["gp3", "io1", "io2"];
const WITH_THROUGHPUT = ["gp3"];

// From the resource's inputs or outputs. What inputs leave to the provider stays as the volume `has` it.
export function awsSettingsOf(properties: Record<string, unknown>, has: Record<string, unknown>): AwsSettings {
  const type = properties["type"] as AwsSettings["volumeType"];
  const number = (key: string) => (properties[key] as number | undefined) ?? null;
  const text = (key: string) => (properties[key] as string | undefined) ?? null;
  const flag = (key: string) => (properties[key] as boolean | undefined) ?? false;
  const kept = (key: string) => text(key) ?? (has[key] as string | undefined) ?? null;
  const named = (given: string | null) => (given === "" ? null : given);
  const rate = number("volumeInitializationRate");
  const tags = Object.entries((properties["tags"] as Record<string, unknown> | undefined) ?? {});
  return {
    volumeType: type,
    iops: WITH_IOPS.includes(type) ? number("iops") : null,
    throughputMiBps: WITH_THROUGHPUT.includes(type) ? number("throughput") : null,
    encrypted: flag("encrypted"),
    kmsKeyId: named(kept("kmsKeyId")),
    multiAttach: flag("multiAttachEnabled"),
    availabilityZone: text("availabilityZone"),
    outpostArn: named(text("outpostArn")),
    snapshotId: named(kept("snapshotId")),
    volumeInitializationRate: rate === 0 ? null : rate,
    // Beside the tags the engine's bridge keeps marks of its own, which are no text.
    tags: Object.fromEntries(
      tags.filter(([, each]) => typeof each === "string").sort(([a], [b]) => (a < b ? -1 : 1)),
    ) as Record<string, string>,
  };
}
