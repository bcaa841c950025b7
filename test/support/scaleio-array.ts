// What the tests of volumes on an emulated array share.

import type { ScaleioGateway } from "../../emulators";
import type { ScaleioSettings } from "../../src/backends/scaleio";

/** A thin volume without limits, in the array's first pool. */
export const thin: ScaleioSettings = {
  provisioning: "thin",
  iopsLimit: 0,
  bandwidthLimitKBps: 0,
  ramCache: false,
  compression: "none",
  protectionDomain: "domain1",
  storagePool: "pool1",
};

/** Removes every volume from the array, with its mappings. */
export function removeVolumes(gateway: ScaleioGateway): void {
  for (const { id } of gateway.state().volumes) {
    if (gateway.array.volume(id)?.["mappedSdcInfo"]) gateway.array.unmap(id);
    gateway.array.removeVolume(id);
  }
}
