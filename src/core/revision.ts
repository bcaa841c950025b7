// Revisions: a short hash of what a profile means on one backend, so that a volume can say which edit of `gold` it got.

import { createHash } from "node:crypto";

import { isObject } from "./overlay";

/**
 * The revision of a profile's section for a backend, as 8 hex digits. It changes when the definition that is in force
 * changes (also through `extends`), and not with the description, the order of keys, or another backend's section.
 */
export function revisionOf(backend: string, section: unknown): string {
  return createHash("sha256")
    .update(canonical([backend, section]))
    .digest("hex")
    .slice(0, 8);
}

/** Whether two values are the same as JSON, whatever the order of their keys. */
export function isSame(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

/** A value as JSON that is the same whatever the order of keys. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value ?? null);
  let text = "";
  for (const key of Object.keys(value).sort()) {
    const of = value[key];
    if (of !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonical(of)}`;
  }
  return `{${text}}`;
}
