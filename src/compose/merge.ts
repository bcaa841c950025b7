// Files laid over each other: how the volumes of several Compose files become one list.

import { isObject } from "../profiles/overlay";
import { Tagged } from "./document";
import type { ComposeVersion } from "./interpolate";

/**
 * Lays one file's section of volumes over another's. Generation 1 takes an entry of the later file whole; generation 2 merges deeply, and
 * knows `!reset` and `!override`.
 */
export function mergeSection(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
  version: ComposeVersion,
): Record<string, unknown> {
  return version === 1 ? { ...base, ...over } : (merge(base, over) as Record<string, unknown>);
}

function merge(base: unknown, over: unknown): unknown {
  if (over instanceof Tagged) return over.tag === "!reset" ? undefined : untagged(over.value);
  if (over === null) return base ?? null;
  if (Array.isArray(over) && Array.isArray(base)) return [...new Set([...(base as unknown[]), ...(over as unknown[])])];
  if (!isObject(over)) return over;
  const result: Record<string, unknown> = isObject(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(over)) {
    const merged = merge(result[key], value);
    if (merged === undefined) Reflect.deleteProperty(result, key);
    else Object.defineProperty(result, key, { value: merged, enumerable: true, configurable: true, writable: true });
  }
  return result;
}

function untagged(value: unknown): unknown {
  return merge(undefined, value);
}
