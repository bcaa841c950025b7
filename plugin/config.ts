// The stack's config for the providers of our own resources, as dynamic providers have it. The engine gives all of it, secrets decrypted, with each
// component that is to be made; a plugin that only refreshes or deletes is given none, and connections then come from the environment.

import type * as dynamic from "@pulumi/pulumi/dynamic";

const values = new Map<string, string>();

/** Takes the config that came with a component. It is kept in memory only. */
export function takeConfig(entries: Iterable<[string, string]>): void {
  for (const [key, value] of entries) values.set(key, value);
}

export const stackConfig: dynamic.Config = {
  get: (key) => values.get(key),
  require(key) {
    const value = values.get(key);
    if (value === undefined) throw new Error(`config key ${key} is missing`);
    return value;
  },
};
