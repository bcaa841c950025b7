// The resources of our own here: what they are called in a state, in both forms (../../own-resources.ts). Part of the state's format: none of it
// ever changes.

import { ownResource } from "../../own-resources";

export const ownResources = {
  Volume: ownResource("scaleio", "Volume", "ScaleioVolume", "volume"),
  VolumeMapping: ownResource("scaleio", "VolumeMapping", "VolumeMapping", "mapping"),
  Identity: ownResource("scaleio", "Identity", "ScaleioIdentity", "identity"),
};
