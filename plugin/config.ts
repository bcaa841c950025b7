// The stack's config for the providers of our own resources, as dynamic providers have it. The engine gives all of it, secrets decrypted, with each
// component that is to be made; a plugin that only refreshes or deletes is given none, and connections then come from the environment.

import type * as dynamic from "@pulumi/pulumi/dynamic";

import { BackendError } from "../components/backend-error";
import { nameIn } from "../components/engine";
import { NAMESPACE, nearest } from "../src";
import { configKeys } from "../src/core/config-schema";

const values = new Map<string, string>();

/** Takes the config that came with a component. It is kept in memory only. */
export function takeConfig(entries: Iterable<[string, string]>): void {
  for (const [key, value] of entries) values.set(key, value);
}

/** Throws an error again. One about a connection that isn't set up gets the reason that a run without a program has for it, set up or not. */
export function withoutProgram(error: unknown): never {
  if (values.size > 0 || !(error instanceof BackendError) || error.code !== "not-configured") throw error;
  const why =
    "A plugin receives the stack's config only while the program runs: add --run-program, or set the connection in the environment.";
  throw new BackendError(error.code, `${error.message}\n${why}`);
}

// What the engine gives a provider beside what the program says.
const OF_ENGINE = ["version", "pluginDownloadURL", "pluginChecksums", "parameterization", "envVarMappings"];

/**
 * What is wrong with the keys that a program gives to a provider of its own: there are none. To its default provider the engine gives the
 * stack's config, which comes with each component as well.
 */
export function refusedConfig(urn: string, keys: readonly string[]): string[] {
  if (/^default(_|$)/.test(nameIn(urn))) return [];
  const refused = keys.filter((key) => !OF_ENGINE.includes(key));
  return refused.map((given) => {
    const key = nearest(given.replace(`${NAMESPACE}:`, ""), configKeys());
    const way = key
      ? `set ${NAMESPACE}:${key} in the stack's config`
      : `set profiles and limits below ${NAMESPACE} in the stack's config, and a connection to a backend below its own name`;
    return `unknown key "${given}": a provider of ${NAMESPACE} takes no config of its own; ${way}`;
  });
}

export const stackConfig: dynamic.Config = {
  get: (key) => values.get(key),
  require(key) {
    const value = values.get(key);
    if (value === undefined) throw new Error(`config key ${key} is missing`);
    return value;
  },
};
