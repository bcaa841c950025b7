// How a volume on openstack is attached: by Nova to one of its servers; where there is no Nova, by Cinder alone, to a host that says how it
// reaches the storage.

import * as pulumi from "@pulumi/pulumi";

import { problem, unknownKey, type Problem } from "../../../src";
import type { Attacher } from "../contract";
import { blockstorageAttachment, computeAttachment } from "./sdk";
import type { Connector, OpenstackAttachmentOptions } from "./types";

const CONNECTOR_KEYS: (keyof Connector)[] = [
  "initiator",
  "ipAddress",
  "wwnn",
  "wwpns",
  "multipath",
  "attachMode",
  "osType",
  "platform",
];

export const openstackAttacher: Attacher<OpenstackAttachmentOptions> = {
  host: "the id of the server; with a `connector` the host's name",
  options: ["deviceName", "connector", "multiattach"],
  timed: ["create", "delete"],

  problems({ options: { connector, multiattach }, declared, before }) {
    const problems: Problem[] = [];
    for (const key of Object.keys(connector ?? {})) {
      if (CONNECTOR_KEYS.some((each) => each === key)) continue;
      problems.push(unknownKey(`openstack.connector.${key}`, undefined, key, CONNECTOR_KEYS));
    }
    if (before !== undefined && multiattach !== true) {
      const because = "a Cinder volume supports only one host, unless its type and the attachments enable multiattach";
      const ways = ["remove one of the two", "set `openstack: { multiattach: true }` on each of them"];
      problems.push(
        problem("attached-twice", "volume", undefined, { volume: declared.name, other: before, because, ways }),
      );
    }
    return problems;
  },

  attach({ name, volume, host, options: { connector, deviceName, multiattach }, opts }) {
    const { volumeId } = volume;
    // A volume can't be at two hosts: moved to another, it leaves the first one before.
    const finalOpts = { ...opts, deleteBeforeReplace: true };
    if (connector) {
      const { VolumeAttach } = blockstorageAttachment();
      const args = { volumeId, hostName: host, device: deviceName, ...connector };
      const resource = new VolumeAttach(name, args, finalOpts);
      return { resource, devicePath: resource.id.apply(() => "") };
    }
    const { VolumeAttach } = computeAttachment();
    const args = { volumeId, instanceId: host, device: deviceName, multiattach };
    const resource = new VolumeAttach(name, args, finalOpts);
    // Nova gives a disk the volume's id as its serial number, of which virtio-blk has room for 20 characters.
    const devicePath = resource.volumeId.apply((id) => `/dev/disk/by-id/virtio-${id.slice(0, 20)}`);
    return { resource, devicePath: pulumi.output(devicePath) };
  },
};
