// The stack's config for the providers of our own resources, as dynamic providers have it. The engine gives all of it, secrets decrypted, with each
// component that is to be made; a plugin that only refreshes or deletes is given none, and connections then come from the environment.

import type * as dynamic from "@pulumi/pulumi/dynamic";

import { BackendError } from "../components/backend-error";

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

export const stackConfig: dynamic.Config = {
  get: (key) => values.get(key),
  require(key) {
    const value = values.get(key);
    if (value === undefined) throw new Error(`config key ${key} is missing`);
    return value;
  },
};
