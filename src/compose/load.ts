// What Compose loads, as far as volumes go: the files of a project laid over each other, and each over those that it includes. Pure.

import type { Problem } from "../core/problems";
import { isObject, own } from "../core/overlay";
import { wrongType } from "../core/validate";
import { parseComposeFile, Tagged, type ComposeDocument, type ComposeFile } from "./document";
import { canonicalEntry, EXTENSION, readTopExtension, refusedByCompose } from "./entry";
import { findIncluded, notReadable, readInclude, type Included, type Including, type OnDisk } from "./include";
import { interpolate } from "./interpolate";
import { layOver, layOverIncluded, type Conflicts } from "./merge";
import { wrongTop } from "./top";
import { problem } from "./problems";

/** What all files of a project share while they are loaded. */
export interface Loading {
  /** What is where an `include` leads, as far as it is known. */
  onDisk: Readonly<Record<string, OnDisk>>;
  /** Paths of which it would have to be known. */
  wanted: Set<string>;
  /** Variables that are not set. */
  unset: Set<string>;
  problems: Problem[];
  /** What was included already: the same files with the same variables are loaded once. */
  included: Map<string, Model | "loading">;
}

/** A file that was read. */
export interface ReadFile {
  file: ComposeFile;
  documents: ComposeDocument[];
}

/** Files laid over each other. */
export interface Model {
  /** What stands below `volumes`; `undefined` where no file has it. */
  volumes: Record<string, unknown> | undefined;
  /** What `x-storage-profiles` at the top says. */
  extension: unknown;
  /** All documents, each once, and behind those that it is laid over. */
  documents: ComposeDocument[];
}

// More files that include each other one within the other are a mistake.
const MAX_DEPTH = 100;

/** Reads files as YAML; what can't be read is a problem. */
export function readFiles(files: readonly ComposeFile[], problems: Problem[]): ReadFile[] {
  return files.map((file) => {
    const parsed = parseComposeFile(file);
    problems.push(...parsed.problems);
    return { file, documents: parsed.documents };
  });
}

/** Lays files over each other, with what they include beneath each. `chain` is what includes them, from the project's own file on. */
export function load(
  files: readonly ReadFile[],
  place: Including,
  chain: readonly ComposeFile[],
  loading: Loading,
): Model {
  const { problems } = loading;
  const model: Model = { volumes: undefined, extension: undefined, documents: [] };
  for (const { file, documents } of files) {
    for (const document of documents) {
      problems.push(...wrongTop(document, model.documents));
      const filled = (key: string) => fillIn(document.get(key), [key], { ...loading, document, place });
      let [volumes, extension] = [filled("volumes"), filled(EXTENSION)];
      const conflicts: Conflicts = [];
      const included = includedBy(document, place, [...chain, file], loading);
      for (const each of included) {
        // Compose comes to grief over nothing where it includes something.
        if (each.volumes && volumes === null) problems.push(noMapping(document));
        if (each.volumes) volumes = layOverIncluded(each.volumes, volumes, ["volumes"], conflicts);
        if (each.extension === undefined) continue;
        extension = asMapping(extension, document.place([EXTENSION]), problems);
        extension = layOverIncluded(each.extension as Record<string, unknown>, extension, [EXTENSION], conflicts);
      }
      model.documents.push(...included.toReversed().flatMap((each) => each.documents), document);
      model.documents = [...new Set(model.documents.toReversed())].toReversed();
      layDocument(model, { volumes, extension, document, conflicts }, loading);
      for (const path of conflicts) {
        const because = "the files can't be merged: one has a mapping or a list, the other something else";
        problems.push(refused(placeOf(model.documents, path), because, "use the same form in both files"));
      }
    }
  }
  checkEntries(model, "a project", loading);
  return model;
}

/** The last document that has something at the path says it. */
export function placeOf(
  documents: readonly ComposeDocument[],
  path: readonly PropertyKey[],
  otherwise?: string,
): string {
  for (let length = path.length; length > 0; length--) {
    const having = documents.findLast((each) => each.has(path.slice(0, length)));
    if (having) return having.place(path);
  }
  return otherwise ?? path.join(".");
}

/** What Compose itself refuses. */
export function refused(place: string, because: string, way: string): Problem {
  return problem("compose-refuses", place, undefined, { because, way });
}

// Compose checks after each file what there is by then, and what a project includes by itself, before it lays anything over it: also
// volumes of others, without which it wouldn't go on either.
function checkEntries(model: Model, after: "one file" | "a project", { problems }: Loading): void {
  for (const [key, entry] of Object.entries(model.volumes ?? {})) {
    const at = (path: string) => placeOf(model.documents, ["volumes", key, ...keysOf(path)]);
    problems.push(...wrongKey(key, at("")));
    if (isObject(entry)) {
      const wrong = refusedByCompose(entry, after);
      problems.push(...wrong.map((each) => ({ ...each, path: at(each.path) })));
    } else if (entry !== null) problems.push(wrongType(at(""), entry, "object"));
  }
}

function noMapping(document: ComposeDocument): Problem {
  return refused(document.place(["volumes"]), "`volumes` must be a mapping", "use a mapping of names to volumes");
}

/** What is wrong with the key of a volume. */
export function wrongKey(key: string, place: string): Problem[] {
  if (/^[a-zA-Z0-9._-]+$/.test(key)) return [];
  const way = key.includes("$")
    ? `variables aren't substituted in keys: use a plain key, and set \`name: "${key}"\` in the volume`
    : key.includes("@")
      ? `set \`name: "${key}"\` in the volume`
      : "rename the volume";
  return [refused(place, "the keys under `volumes` may contain letters, digits, `.`, `_` and `-`", way)];
}

/** The keys of a path in an entry, as a problem has it. */
export function keysOf(path: string): PropertyKey[] {
  return [...path.matchAll(/\[(\d+|"(?:[^"\\]|\\.)*")\]|[^.[\]]+/g)].map(([word, inside]) =>
    inside === undefined ? word : (JSON.parse(inside) as string | number),
  );
}

interface Laid {
  volumes: unknown;
  extension: unknown;
  document: ComposeDocument;
  conflicts: Conflicts;
}

function layDocument(model: Model, { volumes, extension, document, conflicts }: Laid, loading: Loading): void {
  const { problems } = loading;
  const at = (...path: PropertyKey[]) => placeOf(model.documents, ["volumes", ...path]);
  const isMapping = volumes instanceof Tagged ? volumes.tag === "!reset" || isObject(volumes.value) : isObject(volumes);
  if (isMapping) {
    const laid = layOver(model.volumes ?? {}, volumes, ["volumes"], conflicts) as Record<string, unknown> | undefined;
    const entries = Object.entries(laid ?? {}).map(([key, each]): [string, unknown] => {
      const { entry, problems: wrong } = canonicalEntry(each);
      problems.push(...wrong.map((one) => ({ ...one, path: at(key, ...keysOf(one.path)) })));
      return [key, entry];
    });
    model.volumes = Object.fromEntries(entries);
    checkEntries(model, "one file", loading);
  } else if (volumes !== undefined && !(volumes === null && model.volumes)) {
    problems.push(noMapping(document));
  }
  if (extension !== undefined) model.extension = layOver(model.extension, extension, [EXTENSION], conflicts);
}

// What a document includes, in its order: one that comes first is laid over those behind it.
function includedBy(
  document: ComposeDocument,
  place: Including,
  chain: readonly ComposeFile[],
  loading: Loading,
): Model[] {
  const value = fillIn(document.get("include"), ["include"], { ...loading, document, place });
  const { entries, problems } = readInclude(value, document);
  loading.problems.push(...problems);
  const look = (path: string) => {
    const found = own(loading.onDisk, path) as OnDisk | undefined;
    if (!found) loading.wanted.add(path);
    return found;
  };
  return entries.flatMap(({ entry, index }) => {
    const where = document.place(["include", index]);
    const { included, problems: wrong } = findIncluded(entry, place, where, look);
    loading.problems.push(...wrong);
    return included ? loadIncluded(included, where, chain, look, loading) : [];
  });
}

function loadIncluded(
  included: Included,
  where: string,
  chain: readonly ComposeFile[],
  look: (path: string) => OnDisk | undefined,
  loading: Loading,
): Model[] {
  const { problems } = loading;
  const found = included.files.map((path) => ({ path, onDisk: look(path) }));
  const key = JSON.stringify(included);
  const known = loading.included.get(key);
  const isIn = (path: string) => chain.findIndex((each) => pathOf(each) === path);
  const [first] = found;
  // Compose looks at the first file only; where another one includes itself, it never ends.
  const isCycle = first && (isIn(first.path) >= 0 || known === "loading" || chain.length > MAX_DEPTH);
  if (isCycle) {
    const again = found.find(({ path }) => isIn(path) >= 0) ?? first;
    const from = Math.max(isIn(again.path), chain.length - 10, 0);
    const names = [...chain.slice(from).map(({ name }) => name), again.onDisk?.name ?? again.path];
    problems.push(problem("compose-include-cycle", where, undefined, { chain: names }));
    return [];
  }
  if (known !== undefined && known !== "loading") return [known];
  const files = found.flatMap(({ path, onDisk }): ComposeFile[] => {
    if (onDisk && onDisk.kind !== "file") problems.push(notReadable(where, onDisk));
    return onDisk?.kind === "file" ? [{ name: onDisk.name, text: onDisk.text, path }] : [];
  });
  if (files.length < found.length) return [];

  loading.included.set(key, "loading");
  const read = readFiles(files, problems);
  // The project has its name already; but what stands there must be right.
  nameIn(
    read.flatMap((each) => each.documents),
    included,
    loading,
  );
  const model = load(read, included, chain, loading);
  if (model.extension !== undefined) {
    model.extension = asMapping(model.extension, placeOf(model.documents, [EXTENSION]), problems);
  }
  loading.included.set(key, model);
  return [model];
}

/** What `name` at the top of documents says, with its variables filled in: the last that says it. */
export function nameIn(documents: readonly ComposeDocument[], place: Including, loading: Loading): string | undefined {
  let name: string | undefined;
  let isThere = false;
  for (const document of documents.filter((each) => each.has(["name"]))) {
    const value = fillIn(document.get("name"), ["name"], { ...loading, document, place });
    if (typeof value === "string") [name, isThere] = [value === "" ? name : value, true];
    // Nothing may be laid over something.
    else if (!(value instanceof Tagged) && !(value === null && isThere)) {
      loading.problems.push(wrongType(document.place(["name"]), value, "string"));
    }
  }
  return name;
}

function pathOf({ name, path = name }: ComposeFile): string {
  return path;
}

// What is said in a list and in a mapping can be laid over each other: both name volumes.
function asMapping(extension: unknown, place: string, problems: Problem[]): unknown {
  if (extension instanceof Tagged) return new Tagged(extension.tag, asMapping(extension.value, place, problems));
  const { said, problems: wrong } = readTopExtension(extension);
  problems.push(...wrong.map((each) => ({ ...each, path: place })));
  return Object.fromEntries(said.map(({ reference, value }) => [reference, value]));
}

interface Filling {
  document: ComposeDocument;
  place: Including;
  unset: Set<string>;
  problems: Problem[];
}

// Every text in the value with its variables filled in; keys stay as they are.
function fillIn(value: unknown, path: readonly PropertyKey[], filling: Filling): unknown {
  if (typeof value === "string") {
    const { variables } = filling.place;
    const lookup = (name: string) => own(variables, name) as string | undefined;
    const filled = interpolate(value, lookup);
    if (filled.failure) {
      const { failure } = filled;
      const place = filling.document.place(path);
      filling.problems.push(
        failure.kind === "invalid"
          ? problem("compose-variable-invalid", place, value, { why: failure.why })
          : problem("compose-variable-required", place, value, failure),
      );
      return "";
    }
    for (const variable of filled.unset) filling.unset.add(variable);
    return filled.text;
  }
  if (value instanceof Tagged) return new Tagged(value.tag, fillIn(value.value, path, filling));
  if (Array.isArray(value)) return value.map((each, index) => fillIn(each, [...path, index], filling));
  if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fillIn(each, [...path, key], filling)]));
}
