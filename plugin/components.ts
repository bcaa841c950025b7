// The components that programs in any language may declare, each with what makes it.

import type * as pulumi from "@pulumi/pulumi";

import { PROFILED_VOLUME } from "../src";
import { ProfiledVolume, type ProfiledVolumeArgs } from "../components/profiled-volume";

type Make = (
  name: string,
  inputs: pulumi.Inputs,
  options: pulumi.ComponentResourceOptions,
) => pulumi.provider.ConstructResult;

export const components: Readonly<Record<string, Make>> = {
  [PROFILED_VOLUME](name, inputs, options) {
    const volume = new ProfiledVolume(name, inputs as unknown as ProfiledVolumeArgs, options);
    const { volumeId, profile, backend, revision, settings, sizeGiB, monthlyCost, notes, mountPath } = volume;
    return {
      urn: volume.urn,
      state: { volumeId, profile, backend, revision, settings, sizeGiB, monthlyCost, notes, mountPath },
    };
  },
};
