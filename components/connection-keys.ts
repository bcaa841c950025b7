// The keys in Pulumi's config by which a backend's own connection is set up. They are below the backend's namespace, not ours.

import * as pulumi from "@pulumi/pulumi";

import { nearest, problem, type Problem, type StackConfig } from "../src";

/**
 * A check, once a run, of the keys that are set below a namespace: a misspelt one would be as if it weren't there. `inspect` gets all that are
 * set, with the namespace. Problems: `unknown-key`.
 */
export function connectionKeyCheck(
  namespace: string,
  known: Readonly<Record<string, string>>,
  inspect: (given: readonly string[]) => void = () => undefined,
): (config: StackConfig) => Problem[] {
  const checked = new WeakSet<StackConfig>();
  const prefix = `${namespace}:`;
  const keys = Object.keys(known);
  return (config) => {
    if (checked.has(config)) return [];
    checked.add(config);
    const given = Object.keys(pulumi.runtime.allConfig()).filter((key) => key.startsWith(prefix));
    inspect(given);
    return given
      .map((key) => key.slice(prefix.length))
      .filter((key) => !keys.includes(key))
      .map((key) => problem("unknown-key", prefix + key, undefined, { key, keys, nearest: nearest(key, keys) }));
  };
}
