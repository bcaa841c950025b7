// The keys at the top of a Compose file: one that is misspelt would leave out all volumes that stand below it.

import { nearest } from "../core/nearest";
import type { Problem } from "../core/problems";
import { isObject } from "../core/overlay";
import { Tagged, type ComposeDocument, type ComposeFile } from "./document";
import type { ComposeVersion } from "./interpolate";
import { problem } from "./problems";

/** The sections that hold something by name, and the other keys. What `volumes` holds is read where volumes are. */
const SECTIONS = ["services", "networks", "secrets", "configs", "models", "jobs"];

const KEYS: Record<ComposeVersion, readonly string[]> = {
  1: ["version", "volumes", "services", "networks", "secrets", "configs"],
  2: ["version", "volumes", ...SECTIONS, "name", "include"],
};

/** What each generation refuses at the top of a document. `before` are those that it is laid over. */
export function wrongTop(
  document: ComposeDocument,
  before: readonly ComposeDocument[],
  version: ComposeVersion,
): Problem[] {
  const known = KEYS[version];
  // In the first format of all services stand at the top: `web: { image: x }`.
  const isOfServices =
    version === 1 && !["version", "services", "networks", "volumes"].some((key) => document.has([key]));
  const refused = (key: string, because: string, way: string) =>
    problem("compose-refuses", document.place([key]), undefined, { because, way });
  return document.keys().flatMap((key): Problem[] => {
    if (key.startsWith("x-")) return [];
    if (!known.includes(key)) {
      const other = nearest(key, [...known]);
      if (isOfServices && other === undefined && isObject(document.get(key))) return [];
      const way = KEYS[2].includes(key)
        ? "remove it, or read the file as Compose 2 does: version: 2"
        : other === undefined
          ? "remove it, or prefix its name with `x-`"
          : `did you mean \`${other}\`?`;
      return [refused(key, `${version === 1 ? "docker-compose 1" : "Compose"} has no key \`${key}\``, way)];
    }
    const value = document.get(key);
    if (key === "version" && typeof value !== "string")
      return [refused(key, "`version` must be text", 'put it in quotes: "3.8"')];
    if (!SECTIONS.includes(key) || isObject(value) || value instanceof Tagged) return [];
    // Nothing, laid over something, leaves that.
    if (value === null && version === 2 && before.some((each) => each.has([key]))) return [];
    return [refused(key, `\`${key}\` must be a mapping`, "use a mapping of names, or remove it")];
  });
}

/** What generation 2 refuses of a project's files together: that there is nothing in them. */
export function nothingIn(files: readonly ComposeFile[], documents: readonly ComposeDocument[]): Problem[] {
  const [first] = files;
  if (!first || documents.some((each) => each.keys().some((key) => key !== "version"))) return [];
  return [problem("compose-not-readable", `${first.name}:1`, undefined, { why: "the file is empty" })];
}
