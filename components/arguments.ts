// A resource's arguments out of a volume's resolution.

import * as pulumi from "@pulumi/pulumi";

import type { ResolvedVolume } from "../src";
import type { VolumeToMake } from "./backends/contract";

/**
 * Makes arguments out of a resolution, which may be an output. `null` and `false` become `undefined`: what nobody asked for is left to
 * the provider.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows what its backend's settings are
export function argumentsOf<Settings>(
  volume: VolumeToMake["volume"],
): (get: (each: ResolvedVolume, settings: Settings) => unknown) => unknown {
  return (get) => {
    const given = (each: ResolvedVolume) => {
      const value = get(each, each.settings as Settings);
      return value === null || value === false ? undefined : value;
    };
    return pulumi.Output.isInstance(volume) ? volume.apply(given) : given(volume);
  };
}
