// What programs may say on ceph beside a profile.

/** What a volume says itself on Ceph RBD. It counts before the stack's config. */
export interface CephVolumeOverrides {
  /**
   * Name of the connection to the cluster, of those in `ceph:connections`. Decided once.
   * @default `storage-profiles:ceph.connection`, else the stack's own `ceph:configFile`
   */
  connection?: string | undefined;
}
