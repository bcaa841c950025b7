// What is said of the place where a volume lives: by the stack's config, and by the volume itself.

import { backends, type BackendName } from "./backend";
import type { Backend } from "./backend";
import type { StackConfig } from "./config-schema";

/** What the stack's config says of the place of a backend's volumes. */
export function stackPlacement(backend: BackendName, config: StackConfig): object {
  const said = (config as Record<string, Record<string, unknown> | undefined>)[backend];
  const rules: Backend = backends[backend];
  return said ? (rules.place?.(said) ?? said) : {};
}

/** What a volume says of its place itself, below the name of its backend: `aws: { availabilityZone }`. */
export function ownPlacement(backend: BackendName, volume: object): object | undefined {
  const own = (volume as Record<string, unknown>)[backend];
  if (typeof own !== "object" || own === null) return undefined;
  // What a program leaves undefined is not said.
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}
