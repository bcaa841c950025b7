// What programs may say on cio beside a profile.

/** What a volume says itself on ContainerIO. It counts before the stack's config. */
export interface CioVolumeOverrides {
  /**
   * Name of the connection to the cluster, of those in `cio:connections`. Decided once.
   * @default `storage-profiles:cio.connection`, else the stack's own `cio:endpoint`
   */
  connection?: string | undefined;
}
