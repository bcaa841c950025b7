// The options of a component as a program gave them. The SDK's server fills in what nobody gave.

import type * as pulumi from "@pulumi/pulumi";

/** Options without what the SDK has made up. */
export function givenOptions(options: pulumi.ComponentResourceOptions): pulumi.ComponentResourceOptions {
  const { create, update, pb_delete: remove } = (options.customTimeouts ?? {}) as Record<string, string | undefined>;
  const timeouts = Object.entries({ create, update, delete: remove }).filter(([, text]) => text);
  return { ...options, customTimeouts: timeouts.length > 0 ? Object.fromEntries(timeouts) : undefined };
}
