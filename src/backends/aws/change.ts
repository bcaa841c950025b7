// What may happen to the settings of an EBS volume that exists. EC2 changes type, IOPS, throughput and size of a live volume in one
// ModifyVolume. For everything else the AWS provider would make a new, empty volume and delete the old one.

import { problem, show, type Note, type Problem } from "../../core/problems";
import { inPlace, refused, type Backend, type Made } from "../contract";
import { isSame } from "../../core/revision";
import { awsLimits } from "./limits";
import type { AwsSettings } from "./settings";
import { note } from "./problems";

const SNAPSHOT_WAY =
  "create a snapshot of the volume (aws ec2 create-snapshot), declare a new volume from it (aws: { snapshotId }) with the new setting, switch the application to it, then destroy this one";
const COPY_WAY = "declare a new volume with the new setting, copy the files, then destroy this one";

export const awsChange: Backend<"aws", unknown, AwsSettings>["change"] = {
  volumeType: inPlace,
  iops: inPlace,
  throughputMiBps: inPlace,
  encrypted: (from) =>
    from
      ? refused(
          "EBS can't decrypt an existing volume",
          `keep \`encrypted: true\` in the profile (an account default or an encrypted snapshot also encrypts), or ${COPY_WAY}`,
        )()
      : refused(
          "EBS can't encrypt an existing volume",
          `keep \`encrypted: false\` in the profile, or ${SNAPSHOT_WAY}`,
        )(),
  kmsKeyId: refused("EBS can't change the key of an existing volume", SNAPSHOT_WAY),
  // EC2 could do it for a detached io2 volume; the provider can't.
  multiAttach: refused("the AWS provider would replace the volume", SNAPSHOT_WAY),
  availabilityZone: refused("a volume can't be moved to another zone", SNAPSHOT_WAY),
  outpostArn: refused("a volume can't move between an Outpost and its region", COPY_WAY),
  // What a volume was made from may be forgotten: nothing on EC2 changes.
  snapshotId: (_from, to) =>
    to === null
      ? inPlace()
      : refused(
          "a snapshot is only used when the volume is created",
          "declare a new volume from that snapshot, switch the application to it, then destroy this one",
        )(),
  volumeInitializationRate: (_from, to) =>
    to === null
      ? inPlace()
      : refused(
          "EC2 accepts the rate only when the volume is created",
          "restore the previous value, or remove it: it has no effect after the volume is created",
        )(),
  tags: inPlace,
};

// Source: the EC2 user guide, "Attach an EBS volume to multiple EC2 instances using Multi-Attach", considerations; there a change of
// an io1 volume and a change of io2's type are excluded. Read 2026-11-29.
const MULTI_ATTACH = {
  io1: {
    fixed: ["volumeType", "iops", "sizeGiB"],
    because: "an io1 volume with Multi-Attach keeps its type, size and IOPS",
  },
  io2: { fixed: ["volumeType"], because: "an io2 volume keeps its type while it has Multi-Attach" },
} as const;

/** What a volume that several instances may attach can't become. Switching Multi-Attach itself is refused anyway. */
export function multiAttachProblems(from: Made<AwsSettings>, to: Made<AwsSettings>): Problem[] {
  const { volumeType, multiAttach } = from.settings;
  if (!multiAttach || !to.settings.multiAttach || (volumeType !== "io1" && volumeType !== "io2")) return [];
  const { fixed, because } = MULTI_ATTACH[volumeType];
  const valueOf = ({ sizeGiB, settings }: Made<AwsSettings>) => ({ ...settings, sizeGiB });
  const [before, after] = [valueOf(from), valueOf(to)];
  return fixed
    .filter(
      (setting) => before[setting] !== after[setting] && !(setting === "sizeGiB" && after.sizeGiB < before.sizeGiB),
    )
    .map((setting) => {
      const unit = { volumeType: "", iops: " IOPS", sizeGiB: " GiB" }[setting];
      const text = (value: unknown) => `${show(value)}${unit}`;
      const params = { setting, from: text(before[setting]), to: text(after[setting]), because };
      const path = setting === "sizeGiB" ? setting : `settings.${setting}`;
      return problem("change-not-possible", path, after[setting], { ...params, way: SNAPSHOT_WAY });
    });
}

// Source: the EC2 user guide, "Requirements for Amazon EBS volume modifications". Read 2026-08-21.
const LIMIT =
  "EC2 allows four modifications of a volume in 24 hours, each after the previous one is completed; this change counts as one";

/** What is to be known of a change that EC2 makes as a modification. Tags are none. */
export function noteAwsChange(from: Made<AwsSettings>, to: Made<AwsSettings>): Note[] {
  if (isSame(modified(from), modified(to))) return [];
  const notes = [note("modification-limit", "settings", { what: LIMIT })];
  for (const type of new Set([from.settings.volumeType, to.settings.volumeType])) {
    const because = awsLimits[type].unsure?.change;
    if (because !== undefined) notes.push(note("hard-to-change", "settings.volumeType", { because }));
  }
  return notes;
}

function modified({ sizeGiB, settings: { volumeType, iops, throughputMiBps } }: Made<AwsSettings>): unknown {
  return { sizeGiB, volumeType, iops, throughputMiBps };
}
