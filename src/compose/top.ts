// The keys at the top of a Compose file: one that is misspelt would leave out all volumes that stand below it.

import { nearest } from "../core/nearest";
import type { Problem } from "../core/problems";
import { isObject } from "../core/overlay";
import { Tagged, type ComposeDocument, type ComposeFile } from "./document";
import { problem } from "./problems";

/** The sections that hold something by name, and the other keys. What `volumes` holds is read where volumes are. */
const SECTIONS = ["services", "networks", "secrets", "configs", "models", "jobs"];

const KEYS: readonly string[] = ["version", "volumes", ...SECTIONS, "name", "include"];

/** What Compose refuses at the top of a document. `before` are those that it is laid over. */
export function wrongTop(document: ComposeDocument, before: readonly ComposeDocument[]): Problem[] {
  const refused = (key: string, because: string, way: string) =>
    problem("compose-refuses", document.place([key]), undefined, { because, way });
  return document.keys().flatMap((key): Problem[] => {
    if (key.startsWith("x-")) return [];
    if (!KEYS.includes(key)) {
      const other = nearest(key, [...KEYS]);
      const way = other === undefined ? "remove it, or prefix its name with `x-`" : `did you mean \`${other}\`?`;
      return [refused(key, `Compose has no key \`${key}\``, way)];
    }
    const value = document.get(key);
    if (key === "version" && typeof value !== "string")
      return [refused(key, "`version` must be text", 'put it in quotes: "3.8"')];
    if (!SECTIONS.includes(key) || isObject(value) || value instanceof Tagged) return [];
    // Nothing, laid over something, leaves that.
    if (value === null && before.some((each) => each.has([key]))) return [];
    return [refused(key, `\`${key}\` must be a mapping`, "use a mapping of names, or remove it")];
  });
}

/** What Compose refuses of a project's files together: that there is nothing in them. */
export function nothingIn(files: readonly ComposeFile[], documents: readonly ComposeDocument[]): Problem[] {
  const [first] = files;
  if (!first || documents.some((each) => each.keys().some((key) => key !== "version"))) return [];
  return [problem("compose-not-readable", `${first.name}:1`, undefined, { why: "the file is empty" })];
}
