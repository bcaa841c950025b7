// The Availability Zone of volumes for which nobody named one: the provider is asked which zones its region has.

import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../../src";
import { markAsRunError, packageOf, promiseOf } from "../../pulumi-internals";
import { availabilityZones } from "./sdk";

const TOKEN = "aws:index/getAvailabilityZones:getAvailabilityZones";

// Each provider is asked once a run; a run has its own config.
const asked = new WeakMap<StackConfig, Map<pulumi.ProviderResource | undefined, pulumi.Output<string | undefined>>>();

/**
 * The first zone of the provider's region by name, whatever its state: the same at every run, or a volume would be told to
 * move. Local and Wavelength Zones don't count. `undefined` where the provider tells none.
 */
export function zoneOfProvider(
  config: StackConfig,
  opts: pulumi.ComponentResourceOptions,
): pulumi.Output<string | undefined> {
  const provider = providerOf(opts);
  const known = asked.get(config) ?? new Map<pulumi.ProviderResource | undefined, pulumi.Output<string | undefined>>();
  asked.set(config, known);
  const before = known.get(provider);
  if (before) return before;
  const { getAvailabilityZonesOutput } = availabilityZones();
  const filters = [{ name: "zone-type", values: ["availability-zone"] }];
  const zone = withoutStack(getAvailabilityZonesOutput({ filters }, { provider })).apply(firstZone);
  known.set(provider, zone);
  return zone;
}

// What goes wrong is the provider's to say (no credentials, no permission), or only that the run ends, refused elsewhere, while it is being
// asked. The SDK would print its own stack with it; an error that is one of Pulumi's for users is told in its words alone.
function withoutStack<T>(output: pulumi.Output<T>): pulumi.Output<T> {
  promiseOf(output).catch((error: unknown) => {
    // The same object reaches everybody who waits for the answer.
    if (error instanceof Error) markAsRunError(error);
  });
  return output;
}

// A unit test's mocks may answer anything.
function firstZone(answer: { names?: string[] }): string | undefined {
  return [...(answer.names ?? [])].sort()[0];
}

// The provider that the component's child will have.
function providerOf(opts: pulumi.ComponentResourceOptions): pulumi.ProviderResource | undefined {
  const { provider, providers = {}, parent } = opts;
  const listed = Array.isArray(providers) ? providers : Object.values(providers);
  return [...(provider ? [provider] : []), ...listed].find(isAws) ?? parent?.getProvider(TOKEN);
}

const isAws = (provider: pulumi.ProviderResource) => packageOf(provider) === "aws";
