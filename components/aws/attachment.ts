// How a volume on aws is attached: as `aws.ec2.VolumeAttachment`, detached before it is deleted or moved.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, problem, type AwsSettings } from "../../src";
import type { Attacher } from "../attachments";
import { volumeAttachment } from "./sdk";

export const awsAttacher: Attacher = {
  problems({ options: { deviceName } = {} }) {
    if (deviceName !== undefined && deviceName !== "") return [];
    const because = "EC2 attaches a volume under a name";
    const params = { setting: "deviceName", because, example: 'options: { deviceName: "/dev/sdf" }' };
    return [problem("setting-required", "options.deviceName", undefined, params)];
  },

  attach({ name, volume, host, options, before, opts }) {
    const { VolumeAttachment } = volumeAttachment();
    const volumeId = pulumi.all([volume.volumeId, volume.settings]).apply(([id, settings]) => {
      if (before !== undefined && !(settings as AwsSettings).multiAttach) refuseSecond(name, before);
      return id;
    });
    const args = {
      volumeId,
      instanceId: host,
      deviceName: options.deviceName ?? "",
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

function refuseSecond(name: string, { volume, attachment }: { volume: string; attachment: string }): never {
  const because = "an EBS volume is for one instance, unless its profile has `multiAttach` (io1, io2)";
  const ways = [
    "remove one of the two",
    "declare the volume new, with `multiAttach: true` and type io1 or io2 in its profile",
  ];
  const wrong = problem("attached-twice", "volume", undefined, { volume, other: attachment, because, ways });
  throw new pulumi.RunError(formatProblems(name, [wrong]));
}
