// How a volume on aws is attached: as `aws.ec2.VolumeAttachment`, detached before it is deleted or moved.

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

import { formatProblems, problem, type Problem } from "../../../src";
import type { AwsSettings } from "../../../src/backends/aws/settings";
import type { AskedAttachment, Attacher } from "../contract";
import { refusedLater } from "../../engine";
import { volumeAttachment } from "./sdk";
import type { AwsAttachmentOptions } from "./types";

export const awsAttacher: Attacher<AwsAttachmentOptions> = {
  host: "the id of the instance",
  options: z.strictObject({
    deviceName: z.string().describe('The name under which the instance gets the volume: "/dev/sdf" to "/dev/sdp"'),
    forceDetach: z
      .boolean()
      .optional()
      .describe(
        "Whether the volume is torn away from an instance that doesn't give it back; what was not written is lost. Default: false",
      ),
    stopInstanceBeforeDetaching: z
      .boolean()
      .optional()
      .describe("Whether the instance is stopped before its volume is detached. Default: false"),
  }),
  timed: ["create", "delete"],

  problems(asked) {
    const problems: Problem[] = [];
    const { options, declared, before } = asked;
    // Programs in JavaScript may leave it out.
    const { deviceName } = options as Partial<AwsAttachmentOptions>;
    if (deviceName === undefined || deviceName === "") {
      const because = "EC2 requires a device name";
      const params = { setting: "deviceName", because, example: 'aws: { deviceName: "/dev/sdf" }' };
      problems.push(problem("setting-required", "aws.deviceName", undefined, params));
    }
    if (before !== undefined && declared.section && declared.section["multiAttach"] !== true) {
      problems.push(attachedTwice(asked));
    }
    return problems;
  },

  attach(attachment) {
    const { name, volume, host, options, before, declared, opts } = attachment;
    const { VolumeAttachment } = volumeAttachment();
    // A profile that comes from another resource is known now.
    const isLate = before !== undefined && !declared.section;
    // Only then: settings that aren't known at preview would make the volume unknown, and the attachment a new one.
    const late = () =>
      pulumi.all([volume.volumeId, volume.settings]).apply(([id, settings]) => {
        if ((settings as AwsSettings | undefined)?.multiAttach) return id;
        return refusedLater(formatProblems(name, [attachedTwice(attachment)]));
      });
    const volumeId = isLate ? late() : volume.volumeId;
    const args = {
      volumeId,
      instanceId: host,
      deviceName: options.deviceName,
      forceDetach: options.forceDetach,
      stopInstanceBeforeDetaching: options.stopInstanceBeforeDetaching,
    };
    // A volume can't be at two hosts: moved to another, it leaves the first one before.
    const resource = new VolumeAttachment(name, args, { ...opts, deleteBeforeReplace: true });
    const devicePath = resource.volumeId.apply(
      (id) => `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${id.replace("-", "")}`,
    );
    return { resource, devicePath };
  },
};

function attachedTwice({ declared, before = "" }: AskedAttachment): Problem {
  const because = "an EBS volume supports only one instance, unless its profile sets `multiAttach` (io1, io2)";
  const ways = [
    "remove one of the two",
    "declare a new volume, with `multiAttach: true` and type io1 or io2 in its profile",
  ];
  return problem("attached-twice", "volume", undefined, { volume: declared.name, other: before, because, ways });
}
