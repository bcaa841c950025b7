// The backends whose volumes are attached to hosts, each with its way. Adding one means a file beside its resource and a line here.

import type * as pulumi from "@pulumi/pulumi";

import type { BackendName, Problem } from "../../src";
import type { AccessMode } from "../../src/backends/scaleio";
import { awsAttacher } from "./aws/attachment";
import type { DeclaredVolume } from "../declared";
import type { TimedOperation } from "../options";
import { openstackAttacher } from "./openstack/attachment";
import type { ProfiledVolume } from "../profiled-volume";
import { scaleioAttacher } from "./scaleio/attachment";

/** Options of an attachment. Each is for one backend; the others don't look at it, so a program may say those of several. */
export interface AttachmentOptions {
  /** On `aws`, where it is needed: the name under which the instance gets the volume, "/dev/sdf" to "/dev/sdp". On `openstack` a wish. */
  deviceName?: pulumi.Input<string> | undefined;
  /**
   * On `aws`: whether the volume is torn away from an instance that doesn't give it back. What was not written is lost.
   * @default false
   */
  forceDetach?: pulumi.Input<boolean> | undefined;
  /**
   * On `aws`: whether the instance is stopped before its volume is detached.
   * @default false
   */
  stopInstanceBeforeDetaching?: pulumi.Input<boolean> | undefined;
  /**
   * On `openstack`, where there is no Nova: how the host reaches the storage, as Cinder calls it. The host is then its name, and has to
   * connect by itself.
   */
  connector?: Connector | undefined;
  /**
   * On `openstack`: whether the volume is attached to other hosts as well. Its volume type must allow it.
   * @default false
   */
  multiattach?: boolean | undefined;
  /**
   * On `scaleio`: how the host may use the volume. Arrays have it since version 3.0.
   * @default "ReadWrite"
   */
  accessMode?: AccessMode | undefined;
}

/** How a host reaches the storage. Which of these are needed, the storage's driver says. */
export interface Connector {
  /** The host's iSCSI name: "iqn.1993-08.org.debian:01:…". */
  initiator?: pulumi.Input<string> | undefined;
  ipAddress?: pulumi.Input<string> | undefined;
  /** World wide node name, for Fibre Channel. */
  wwnn?: pulumi.Input<string> | undefined;
  /** World wide port names, for Fibre Channel. */
  wwpns?: pulumi.Input<pulumi.Input<string>[]> | undefined;
  multipath?: pulumi.Input<boolean> | undefined;
  /**
   * Whether the host may write: "rw", or "ro".
   * @default "rw"
   */
  attachMode?: pulumi.Input<string> | undefined;
  osType?: pulumi.Input<string> | undefined;
  platform?: pulumi.Input<string> | undefined;
}

/** The names of the options. */
export const attachmentOptions: (keyof AttachmentOptions)[] = [
  "deviceName",
  "forceDetach",
  "stopInstanceBeforeDetaching",
  "connector",
  "multiattach",
  "accessMode",
];

/** What is known of an attachment while the program runs. */
export interface AskedAttachment {
  options: AttachmentOptions;
  declared: DeclaredVolume;
  /** The attachment that the program has declared of the volume before, if it has. */
  before: string | undefined;
}

/** An attachment that is to be made. */
export interface AttachmentToMake extends AskedAttachment {
  /** The component's name: the name of the child as well. */
  name: string;
  volume: ProfiledVolume;
  host: pulumi.Input<string>;
  opts: pulumi.CustomResourceOptions;
}

/** The way in which a backend's volumes are attached. */
export interface Attacher {
  /** The operations for which the attachment's resource keeps a time limit (`customTimeouts`). Default: none */
  timed?: readonly TimedOperation[];
  /** What is wrong with it. */
  problems(asked: AskedAttachment): Problem[];
  /** Makes the attachment's own resource. */
  attach(attachment: AttachmentToMake): { resource: pulumi.CustomResource; devicePath: pulumi.Output<string> };
}

/** The ways, by backend; none where volumes are not attached to hosts. */
export const attachers: Partial<Record<BackendName, Attacher>> = {
  aws: awsAttacher,
  openstack: openstackAttacher,
  scaleio: scaleioAttacher,
};
