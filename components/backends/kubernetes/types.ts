// What programs may say on kubernetes beside a profile, and what they get.

import type * as pulumi from "@pulumi/pulumi";

import type { AccessMode, VolumeMode } from "../../../src/backends/kubernetes/settings";

/** What a volume says itself on Kubernetes. */
export interface KubernetesVolumeArgs {
  /**
   * The namespace of the claim. Decided once.
   * @default `storage-profiles:kubernetes.namespace`, else "default"
   */
  namespace?: pulumi.Input<string> | undefined;
  /**
   * How nodes may use the claim. Decided once. Several nodes at once need a profile that allows it: `multiAttach` on EBS.
   * @default ["ReadWriteOnce"]
   */
  accessModes?: pulumi.Input<pulumi.Input<AccessMode>[]> | undefined;
  /**
   * Whether pods get a file system or the block device. Decided once.
   * @default "Filesystem"
   */
  volumeMode?: pulumi.Input<VolumeMode> | undefined;
  /**
   * The StorageClass that an imported claim has, where it isn't the profile's: a claim keeps its StorageClass. What that fixes (encryption,
   * on EBS) isn't checked. Decided once.
   */
  existingClass?: pulumi.Input<string> | undefined;
  /** Labels of the claim. */
  labels?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
}

/** What is known of a claim beside what every volume has. */
export interface ClaimDetails {
  /** The name of the claim: for the `volumes` of a pod. */
  claimName: string;
  /** The name of its PersistentVolume; `undefined` until the claim is bound, and a refresh or a later change has read that. */
  volumeName: string | undefined;
}
