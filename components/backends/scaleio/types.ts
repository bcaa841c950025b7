// What programs may say on scaleio beside a profile.

import type * as pulumi from "@pulumi/pulumi";

import type { AccessMode } from "../../../src/backends/scaleio";

/** What a volume says itself on ScaleIO / PowerFlex. It counts before the stack's config and the profile. */
export interface ScaleioVolumeOverrides {
  /**
   * Name of the connection to the array, of those in `scaleio:connections`. Decided once.
   * @default `storage-profiles:scaleio.connection`, else the stack's own `scaleio:endpoint`
   */
  connection?: string | undefined;
  /**
   * Name of the protection domain. Decided once.
   * @default the profile's, else `storage-profiles:scaleio.protectionDomain`
   */
  protectionDomain?: pulumi.Input<string> | undefined;
  /**
   * Name of the storage pool in it. Decided once.
   * @default the profile's, else `storage-profiles:scaleio.storagePool`
   */
  storagePool?: pulumi.Input<string> | undefined;
}

/** What an attachment says on ScaleIO / PowerFlex. */
export interface ScaleioAttachmentOptions {
  /**
   * How the host may use the volume. Arrays have it since version 3.0.
   * @default "ReadWrite"
   */
  accessMode?: AccessMode | undefined;
}
