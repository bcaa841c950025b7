// Files laid over each other: how the volumes of several Compose files become one list.

import { isObject } from "../core/overlay";
import { Tagged } from "./document";

/** Where two values can't be laid over each other: a mapping or a list and something else. Compose refuses that. */
export type Conflicts = string[][];

/** Lays a value over another as Compose does: deeply, with `!reset` and `!override`. `path` is where both stand. */
export function layOver(base: unknown, over: unknown, path: readonly string[], conflicts: Conflicts): unknown {
  return merge(base, over, path, { conflicts, keepsTags: false });
}

/**
 * What a file says in a section, over what it includes. Its tags stay: files before it are still to come beneath. A tag upon a whole entry
 * says nothing of what is included under the same name, and one within an entry does. So it is in Compose.
 */
export function layOverIncluded(
  included: Readonly<Record<string, unknown>>,
  over: unknown,
  path: readonly string[],
  conflicts: Conflicts,
): unknown {
  if (over === undefined) return included;
  if (over instanceof Tagged) {
    const value = over.tag === "!reset" ? undefined : untagged(over.value, path, conflicts);
    return new Tagged("!override", layOverIncluded(included, value, path, conflicts));
  }
  if (!isObject(over)) return over;
  const entries = Object.entries(included).map(([name, entry]): [string, unknown] => {
    if (!Object.hasOwn(over, name)) return [name, entry];
    const [mine, at] = [over[name], [...path, name]];
    if (!(mine instanceof Tagged)) return [name, merge(entry, mine, at, { conflicts, keepsTags: true })];
    const value = mine.tag === "!reset" ? entry : layOver(entry, mine.value, at, conflicts);
    return [name, new Tagged("!override", value)];
  });
  return { ...Object.fromEntries(Object.entries(over)), ...Object.fromEntries(entries) };
}

interface Laying {
  conflicts: Conflicts;
  /** Whether what is tagged stays so. */
  keepsTags: boolean;
}

function merge(base: unknown, over: unknown, path: readonly string[], laying: Laying): unknown {
  if (over instanceof Tagged) {
    if (laying.keepsTags) return over;
    return over.tag === "!reset" ? undefined : untagged(over.value, path, laying.conflicts);
  }
  if (over === null) return base ?? null;
  // A list and a mapping are two ways to write labels, and they are none of our business.
  if (path.length === 3 && path[0] === "volumes" && path[2] === "labels") return over;
  if (kind(base) !== "plain" && kind(base) !== kind(over)) laying.conflicts.push([...path]);
  if (Array.isArray(over) && Array.isArray(base)) return [...new Set([...(base as unknown[]), ...(over as unknown[])])];
  if (!isObject(over)) return over;
  const result: Record<string, unknown> = isObject(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(over)) {
    const merged = merge(result[key], value, [...path, key], laying);
    if (merged === undefined) Reflect.deleteProperty(result, key);
    else Object.defineProperty(result, key, { value: merged, enumerable: true, configurable: true, writable: true });
  }
  return result;
}

function kind(value: unknown): "list" | "mapping" | "plain" {
  return Array.isArray(value) ? "list" : isObject(value) ? "mapping" : "plain";
}

function untagged(value: unknown, path: readonly string[], conflicts: Conflicts): unknown {
  return merge(undefined, value, path, { conflicts, keepsTags: false });
}
