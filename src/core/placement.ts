// What is said of the place where a volume lives: by the stack's config, and by the volume itself.

import { backends, type BackendName } from "./backend";
import type { Backend } from "./backend";
import type { StackConfig } from "./config-schema";

/**
 * The place of a backend's volumes, from the stack's config and from what `environment` adds. For a backend that is based on others, it
 * includes the place on each of those.
 */
export function stackPlacement(
  backend: BackendName,
  config: StackConfig,
  environment: (backend: Backend) => object | undefined = () => undefined,
): object {
  const said = (config as Record<string, Record<string, unknown> | undefined>)[backend];
  const rules: Backend = backends[backend];
  const own = { ...(said && (rules.place?.(said) ?? said)), ...environment(rules) };
  if (!rules.basedOn) return own;
  const bases = rules.basedOn.any.map((each) => [each, stackPlacement(each, config, environment)] as const);
  return { ...own, bases: Object.fromEntries(bases) };
}

/** What a volume says of its place itself, below the name of its backend: `aws: { availabilityZone }`. */
export function ownPlacement(backend: BackendName, volume: object): object | undefined {
  const own = (volume as Record<string, unknown>)[backend];
  // Of a backend whose volumes can't say any, the key itself is the problem.
  if (!backends[backend].own) return undefined;
  if (typeof own !== "object" || own === null) return undefined;
  // What a program leaves undefined is not said.
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}
