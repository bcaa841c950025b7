// What programs may say on openstack beside a profile.

import type * as pulumi from "@pulumi/pulumi";

/** What a volume says itself on OpenStack Cinder. It counts before the stack's config and the profile. */
export interface OpenstackVolumeArgs {
  /**
   * The availability zone: "nova". Decided once.
   * @default `storage-profiles:openstack.availabilityZone`, else Cinder's own choice
   */
  availabilityZone?: pulumi.Input<string> | undefined;
  /** The id of the snapshot from which the volume is made. May be omitted after creation; can't be changed to another one. */
  snapshotId?: pulumi.Input<string> | undefined;
  /** The id of the image from which the volume is made. May be omitted after creation; can't be changed to another one. */
  imageId?: pulumi.Input<string> | undefined;
  /** The id of the volume of which this one is made as a copy. May be omitted after creation; can't be changed to another one. */
  sourceVolumeId?: pulumi.Input<string> | undefined;
  /** A description, for people. It counts before the profile's. */
  description?: pulumi.Input<string> | undefined;
  /** Metadata, laid over that of the profile. */
  metadata?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
}

/** What an attachment says on OpenStack. */
export interface OpenstackAttachmentOptions {
  /** The name under which the server gets the volume; a wish, which hypervisors may ignore. */
  deviceName?: pulumi.Input<string> | undefined;
  /**
   * Where there is no Nova: how the host reaches the storage, as Cinder calls it. The host is then its name, and has to connect by itself.
   */
  connector?: Connector | undefined;
  /**
   * Whether the volume is attached to other hosts as well. Its volume type must allow it.
   * @default false
   */
  multiattach?: boolean | undefined;
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
