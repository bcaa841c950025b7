// What programs may say on aws beside a profile.

import type * as pulumi from "@pulumi/pulumi";

/** What a volume says itself on Amazon EBS. It counts before the stack's config and the profile. */
export interface AwsVolumeArgs {
  /**
   * The Availability Zone: "eu-central-1a". Decided once.
   * @default `storage-profiles:aws.availabilityZone`, else the first zone of the provider's region by name
   */
  availabilityZone?: pulumi.Input<string> | undefined;
  /** ARN of the Outpost that has the volume. Decided once. */
  outpostArn?: pulumi.Input<string> | undefined;
  /** The snapshot from which the volume is made: "snap-…". May be omitted after creation; can't be changed to another one. */
  snapshotId?: pulumi.Input<string> | undefined;
  /** MiB/s (100 to 300) at which the snapshot's data comes to the volume, at extra cost. Decided once. */
  volumeInitializationRate?: pulumi.Input<number> | undefined;
  /** Tags, which override those of the profile. `Name` is the volume's name unless it is given here. */
  tags?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
}

/** What an attachment says on Amazon EBS. */
export interface AwsAttachmentOptions {
  /** The name under which the instance gets the volume: "/dev/sdf" to "/dev/sdp". */
  deviceName: pulumi.Input<string>;
  /**
   * Whether the volume is torn away from an instance that doesn't give it back. What was not written is lost.
   * @default false
   */
  forceDetach?: pulumi.Input<boolean> | undefined;
  /**
   * Whether the instance is stopped before its volume is detached.
   * @default false
   */
  stopInstanceBeforeDetaching?: pulumi.Input<boolean> | undefined;
}
