// How a volume on openstack is attached: by Nova to one of its servers; where there is no Nova, by Cinder alone, to a host that says how it
// reaches the storage.

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

import { problem, unknownKey, type Problem } from "../../../src";
import type { Attacher } from "../contract";
import { blockstorageAttachment, computeAttachment } from "./sdk";
import type { Connector, OpenstackAttachmentOptions } from "./types";

const connectorShape = z
  .strictObject({
    initiator: z.string().optional().describe("The host's iSCSI name: iqn.1993-08.org.debian:01:…"),
    ipAddress: z.string().optional().describe("The host's IP address"),
    wwnn: z.string().optional().describe("World wide node name, for Fibre Channel"),
    wwpns: z.array(z.string()).optional().describe("World wide port names, for Fibre Channel"),
    multipath: z.boolean().optional().describe("Whether the host uses several paths"),
    attachMode: z.enum(["rw", "ro"]).optional().describe("Whether the host may write: rw, or ro. Default: rw"),
    osType: z.string().optional().describe("The host's operating system: linux"),
    platform: z.string().optional().describe("The host's processor architecture: x86_64"),
  } satisfies Record<keyof Connector, z.ZodType>)
  .describe(
    "Where there is no Nova: how the host, given by its name, reaches the storage, as Cinder calls it. It connects by itself",
  );
const connectorKeys = Object.keys(connectorShape.shape);

export const openstackAttacher: Attacher<OpenstackAttachmentOptions> = {
  host: "the id of the server; with a `connector` the host's name",
  options: z.strictObject({
    deviceName: z
      .string()
      .optional()
      .describe("The name under which the server gets the volume; a wish, which hypervisors may ignore"),
    connector: connectorShape.optional(),
    multiattach: z
      .boolean()
      .optional()
      .describe("Whether the volume is attached to other hosts as well; its volume type must allow it. Default: false"),
  }),
  timed: ["create", "delete"],

  problems({ options: { connector, multiattach }, declared, before }) {
    const problems: Problem[] = [];
    for (const key of Object.keys(connector ?? {})) {
      if (connectorKeys.includes(key)) continue;
      problems.push(unknownKey(`openstack.connector.${key}`, undefined, key, connectorKeys));
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
