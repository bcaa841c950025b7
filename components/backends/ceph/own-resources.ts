// The resources of our own here: what they are called in a state, in both forms (../../own-resources.ts). Part of the state's format: none of it
// ever changes.

import { ownResource } from "../../own-resources";

export const ownResources = {
  Volume: ownResource("ceph", "Volume", "CephVolume", "volume"),
  Pool: ownResource("ceph", "Pool", "CephPool", "pool"),
  Identity: ownResource("ceph", "Identity", "CephIdentity", "identity"),
};
