// Changes one value in a YAML text and leaves every other byte of it alone. The yaml library's Document tells where each node
// stands, and writes what is new; writing the whole Document out again would set indentation, blanks and long lines anew.

import { Document, isAlias, isMap, isScalar, Scalar, visit, type Node, type Pair, type YAMLMap } from "yaml";

import { isObject, own } from "../core/overlay";
import { isSame } from "../core/revision";
import { linesOf, readYaml } from "../core/yaml-values";

/** Why a text can't be changed as it is written: people may, by hand. */
export class HandEdit extends Error {}

/** How new entries are written where no entry beside them shows it. */
export type Style = "block" | "flow";

/** A text, taken apart. `errors` are those of the YAML, in the order in which they stand; `lineOf` gives the line of a key by its path. */
export function parseYaml(text: string): {
  value: unknown;
  errors: { message: string; line: number; column: number }[];
  lineOf: (path: string) => number;
} {
  const doc = readYaml(text);
  const errors = doc.errors.map(({ code, message, linePos }) => ({
    // The library's own words are for those who program with it.
    message: code === "MULTIPLE_DOCS" ? "another document begins here" : (message.split(/ at line \d+/)[0] ?? message),
    line: linePos?.[0].line ?? 1,
    column: linePos?.[0].col ?? 1,
  }));
  const lineOf = linesOf(doc, text);
  if (errors.length > 0) return { value: undefined, errors, lineOf };
  try {
    return { value: doc.toJS() as unknown, errors, lineOf };
  } catch (error) {
    // An alias of nothing, or aliases of aliases without end.
    return {
      value: undefined,
      errors: [{ message: error instanceof Error ? error.message : String(error), line: 1, column: 1 }],
      lineOf,
    };
  }
}

/**
 * Makes the value at a path another; what is missing on the way is made. Objects are compared key by key, and only what differs
 * is written. `style` is that of a new entry that has no neighbours. Throws {@link HandEdit}.
 */
export function setIn(text: string, path: readonly string[], value: unknown, style: Style = "flow"): string {
  const before = parseYaml(text).value;
  const after = update(text, path, value, style);
  return checked(after, withValue(before, path, value));
}

/** Takes a value out. Nothing happens where there is none. Throws {@link HandEdit}. */
export function deleteIn(text: string, path: readonly string[]): string {
  const before = parseYaml(text).value;
  if (valueAt(before, path) === undefined) return text;
  return checked(remove(text, path), withValue(before, path, undefined));
}

/** The value at a path. */
export function valueAt(tree: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isObject(at) ? own(at, key) : undefined), tree);
}

// Whatever the text was like: what it says in the end must be what was to be said, and nothing else.
function checked(text: string, expected: unknown): string {
  const { value, errors } = parseYaml(text);
  if (errors.length > 0 || !isSame(value ?? {}, expected ?? {})) throw new HandEdit("other values would also change");
  return text;
}

function withValue(tree: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const entries = new Map(Object.entries(isObject(tree) ? tree : {}));
  const inner = withValue(entries.get(key), rest, value);
  if (inner === undefined) entries.delete(key);
  else entries.set(key, inner);
  return Object.fromEntries(entries);
}

function update(text: string, path: readonly string[], value: unknown, style: Style): string {
  const doc = readYaml(text);
  const found = find(doc, path);
  const { depth, map, pair } = found;
  // A part of the way is missing: all that is below is new.
  const rest = path.slice(depth + 1);
  const whole = rest.reduceRight<unknown>((below, key) => ({ [key]: below }), value);
  const isWhole = rest.length === 0;
  if (!map) return insertAtRoot(text, path, value, style);
  if (!pair) return insert(text, doc, map, path[depth] ?? "", whole, { style, depth, rest: rest.length });
  const old = pair.value as Node | null;
  if (isWhole && isMap(old) && isObject(value) && old.items.length > 0) return merge(text, path, value, style);
  if (isWhole && isSame(plain(old, doc), value)) return text;
  return replace(text, doc, pair, whole, { style, depth, rest: rest.length });
}

// Key by key; each step reads the text anew, so that positions are always right.
function merge(text: string, path: readonly string[], value: Record<string, unknown>, style: Style): string {
  let result = text;
  const before = valueAt(parseYaml(text).value, path);
  // First what is set, lest the map be empty on the way.
  for (const [key, each] of Object.entries(value)) {
    if (
      each === undefined ||
      (isObject(before) && isSame(own(before, key) ?? undefined, each) && Object.hasOwn(before, key))
    )
      continue;
    result = update(result, [...path, key], each, style);
  }
  for (const key of Object.keys(isObject(before) ? before : {})) {
    if (value[key] === undefined) result = remove(result, [...path, key]);
  }
  return result;
}

interface Found {
  /** How many keys of the path were found before this one. */
  depth: number;
  /** The map in which the next key is looked for; nothing in an empty text. */
  map?: YAMLMap;
  pair?: Pair;
}

function find(doc: Document.Parsed, path: readonly string[]): Found {
  let node: unknown = doc.contents;
  if (node === null || (isScalar(node) && node.value === null && node.source === "")) return { depth: 0 };
  for (let depth = 0; ; depth++) {
    if (!isMap(node)) throw new HandEdit("the file isn't a mapping");
    const map: YAMLMap = node;
    const pair = map.items.find(({ key }) => (isScalar(key) ? String(key.value) : undefined) === path[depth]);
    if (!pair) return { depth, map };
    if (depth === path.length - 1) return { depth, map, pair };
    const next = pair.value as Node | null;
    if (isAlias(next))
      throw new HandEdit(`"${path[depth] ?? ""}" is an alias (*${next.source}) of a value elsewhere in the file`);
    if (!isMap(next) || next.items.length === 0) return { depth, map, pair };
    node = next;
  }
}

interface Place {
  style: Style;
  /** How deep the key is. */
  depth: number;
  /** How many more keys of the path are below it. */
  rest: number;
}

function insertAtRoot(text: string, path: readonly string[], value: unknown, style: Style): string {
  const eol = eolOf(text);
  const [key = "", ...rest] = path;
  const whole = rest.reduceRight<unknown>((below, each) => ({ [each]: below }), value);
  const head = text === "" || text === "\uFEFF" || text.endsWith("\n") ? text : text + eol;
  return head + block(key, whole, "", "  ", rest.length, style).join(eol) + eol;
}

function insert(text: string, doc: Document.Parsed, map: YAMLMap, key: string, value: unknown, place: Place): string {
  if (map.flow) return insertIntoFlow(text, map, `${flow(key)}: ${flow(value)}`);
  const eol = eolOf(text);
  const first = map.items[0]?.key as Node | undefined;
  const indent = indentAt(text, startOf(first));
  // Beside those of its own namespace, where there are any.
  const namespace = /^[^:]+:/.exec(key)?.[0];
  const namesake =
    namespace === undefined
      ? undefined
      : map.items.findLast((each) => isScalar(each.key) && String(each.key.value).startsWith(namespace));
  const neighbour = namesake ?? map.items.at(-1);
  if (!neighbour) throw new HandEdit("an empty map");
  let at = lineEnd(text, pairEnd(text, neighbour));
  // Comments that stand deeper belong to what is above them.
  for (;;) {
    const line = text.slice(at, lineEnd(text, at));
    if (!/^[ \t]*#/.test(line) || (/^[ \t]*/.exec(line)?.[0].length ?? 0) <= indent.length) break;
    at = lineEnd(text, at);
  }
  const shown =
    isMap(neighbour.value) && neighbour.value.items.length > 0 && place.rest === 0
      ? styleOf(neighbour.value)
      : place.style;
  const lines = block(key, value, indent, stepOf(text, doc), place.rest, shown);
  const before = at > 0 && text[at - 1] !== "\n" ? eol : "";
  // A last line without its end stays the only one.
  const after = before === "" ? eol : "";
  return text.slice(0, at) + before + lines.join(eol) + after + text.slice(at);
}

function insertIntoFlow(text: string, map: YAMLMap, entry: string): string {
  const [start] = rangeOf(map);
  const last = map.items.at(-1);
  if (!last) {
    const rest = text.slice(start + 1);
    const blank = /^[ \t]*/.exec(rest)?.[0].length ?? 0;
    return `${text.slice(0, start + 1)} ${entry} ${rest.slice(blank)}`;
  }
  const at = pairEnd(text, last);
  const comma = /^\s*,/.exec(text.slice(at))?.[0].length;
  if (comma !== undefined) return `${text.slice(0, at + comma)} ${entry}${text.slice(at + comma)}`;
  return `${text.slice(0, at)}, ${entry}${text.slice(at)}`;
}

function replace(text: string, doc: Document.Parsed, pair: Pair, value: unknown, place: Place): string {
  const old = pair.value as Node | null;
  if (isAlias(old)) throw new HandEdit(`the value is an alias (*${old.source}) of a value elsewhere in the file`);
  const colon = colonOf(text, pair);
  const inFlow = isInFlow(doc, pair);
  const isNull = old === null || (isScalar(old) && old.value === null);
  const isEmpty = old === null || (isNull && old.source === "");
  const isBlockMap = old !== null && "items" in old && !(old as YAMLMap).flow;
  const wantsBlock =
    !inFlow && isObject(value) && Object.keys(value).length > 0 && (place.rest > 0 || place.style === "block");

  if (isEmpty || isBlockMap || (wantsBlock && (isNull || (isMap(old) && old.items.length === 0)))) {
    // All that stood there goes, with its lines; then the new value comes after the colon, or on lines of its own.
    let rest = text;
    if (isBlockMap) rest = cutLines(text, startOf(old), contentEnd(text, old));
    else if (!isEmpty) {
      const [start, end] = rangeOf(old);
      rest = text.slice(0, start).replace(/[ \t]+$/, "") + text.slice(end);
    }
    if (!wantsBlock) return `${rest.slice(0, colon)} ${flow(value)}${rest.slice(colon)}`;
    const eol = eolOf(text);
    const indent = indentAt(text, startOf(pair.key as Node));
    const step = stepOf(text, doc);
    // Of keys that lead to the value the inner ones are maps on lines of their own, too.
    const lines = Object.entries(value as object).flatMap(([key, each]) =>
      block(key, each, indent + step, step, Math.max(0, place.rest - 1), place.rest > 0 ? place.style : "flow"),
    );
    const at = lineEnd(rest, colon);
    const before = rest[at - 1] === "\n" ? "" : eol;
    const after = before === "" ? eol : "";
    return rest.slice(0, at) + before + lines.join(eol) + after + rest.slice(at);
  }
  const [start] = rangeOf(old);
  const written = typeof value === "string" && isScalar(old) ? quotedAs(old, value) : flow(value);
  return text.slice(0, start) + written + text.slice(contentEnd(text, old));
}

function remove(text: string, path: readonly string[]): string {
  const doc = readYaml(text);
  const { depth, map, pair } = find(doc, path);
  if (depth !== path.length - 1 || !map || !pair)
    throw new HandEdit("the value to remove comes from an alias or a merge (<<)");
  const start = startOf(pair.key as Node);
  const end = pairEnd(text, pair);
  if (!map.flow) {
    const rest = cutLines(text, start, end);
    if (map.items.length > 1 || depth === 0) return rest;
    // A key with nothing below it would be null.
    const above = find(doc, path.slice(0, -1)).pair;
    if (!above) throw new HandEdit("the file would be empty");
    const colon = colonOf(text, above);
    return `${rest.slice(0, colon)} {}${rest.slice(colon)}`;
  }
  const comma = /^\s*,[ \t]*/.exec(text.slice(end))?.[0].length;
  if (comma !== undefined) return text.slice(0, start) + text.slice(end + comma);
  const before = /,[ \t]*$/.exec(text.slice(0, start))?.[0].length;
  if (before !== undefined) return text.slice(0, start - before) + text.slice(end);
  if (map.items.length > 1) return text.slice(0, start) + text.slice(end);
  return text.slice(0, start).replace(/[ \t]+$/, "") + text.slice(end).replace(/^[ \t]+/, "");
}

// ---- writing ---------------------------------------------------------------------------------------------------------

// An entry on lines of its own. `rest` keys are containers, and always blocks; below them the style decides for one level.
function block(key: string, value: unknown, indent: string, step: string, rest: number, style: Style): string[] {
  const head = `${indent}${keyText(key)}:`;
  if (!isObject(value) || Object.keys(value).length === 0 || (rest === 0 && style === "flow"))
    return [`${head} ${flow(value)}`];
  const below = rest > 0 ? style : "flow";
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return [
    head,
    ...entries.flatMap(([name, each]) => block(name, each, indent + step, step, Math.max(0, rest - 1), below)),
  ];
}

// Neither folded nor wrapped; quoted where YAML 1.1, which Pulumi reads, would take it for something else.
const WRITING = { lineWidth: 0, blockQuote: false, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER } as const;

function flow(value: unknown): string {
  const doc = new Document(undefined, { compat: "yaml-1.1" });
  // In a list, so that it is written as it must be inside of one.
  const list = doc.createNode([value], { flow: true, aliasDuplicateObjects: false });
  // Plain text with a colon in it, in braces, is an error to older readers of YAML.
  visit(list, {
    Scalar(_, node) {
      if (typeof node.value === "string" && node.value.includes(":")) node.type ??= Scalar.QUOTE_DOUBLE;
    },
  });
  doc.contents = list;
  return doc.toString(WRITING).trim().slice(1, -1).trim();
}

// As a key on a line of its own, where a colon does no harm.
const keyText = (text: string): string =>
  /^[A-Za-z][A-Za-z0-9_-]*:[A-Za-z][A-Za-z0-9_-]*$/.test(text) ? text : flow(text);

function quotedAs(old: Scalar, value: string): string {
  if (old.type !== Scalar.QUOTE_SINGLE && old.type !== Scalar.QUOTE_DOUBLE) return flow(value);
  const node = new Scalar(value);
  node.type = old.type;
  return flow(node);
}

// ---- finding one's way -----------------------------------------------------------------------------------------------

const eolOf = (text: string): string => (text.includes("\r\n") ? "\r\n" : "\n");

function rangeOf(node: Node): [number, number] {
  if (!node.range) throw new HandEdit("the position of a part can't be determined");
  return [node.range[0], node.range[1]];
}

function startOf(node: Node | undefined | null): number {
  if (!node) throw new HandEdit("the position of a key can't be determined");
  return rangeOf(node)[0];
}

/** Behind the end of the line on which a position is. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end + 1;
}

function indentAt(text: string, at: number): string {
  const before = text.slice(text.lastIndexOf("\n", at - 1) + 1, at).replace(/^\uFEFF/, "");
  if (/[^ ]/.test(before)) throw new HandEdit("its line doesn't begin with its key");
  return before;
}

function contentEnd(text: string, node: Node): number {
  if ("items" in node && !(node as YAMLMap).flow) {
    const last = (node as { items: unknown[] }).items.at(-1);
    if (last && isPairLike(last)) return pairEnd(text, last);
    if (last) return contentEnd(text, last as Node);
  }
  const [start, end] = rangeOf(node);
  // A block scalar ends behind its last line.
  return start + text.slice(start, end).replace(/[\r\n]+$/, "").length;
}

function isPairLike(item: unknown): item is Pair {
  return typeof item === "object" && item !== null && "key" in item;
}

function pairEnd(text: string, pair: Pair): number {
  const value = pair.value as Node | null;
  const hasSource = value?.range && value.range[1] > value.range[0];
  if (hasSource) return contentEnd(text, value);
  const [, keyEnd] = rangeOf(pair.key as Node);
  const colon = /^\s*:/.exec(text.slice(keyEnd))?.[0].length ?? 0;
  return Math.max(keyEnd + colon, value?.range?.[0] === undefined ? 0 : text.slice(0, value.range[0]).trimEnd().length);
}

/** Behind the colon of a pair. */
function colonOf(text: string, pair: Pair): number {
  const [, keyEnd] = rangeOf(pair.key as Node);
  const colon = /^[ \t]*:/.exec(text.slice(keyEnd))?.[0].length;
  if (colon === undefined) throw new HandEdit("a key without its colon");
  return keyEnd + colon;
}

function cutLines(text: string, start: number, end: number): string {
  indentAt(text, start);
  const from = text.lastIndexOf("\n", start - 1) + 1;
  const to = lineEnd(text, end);
  if (!/^[ \t]*(#.*)?\r?\n?$/.test(text.slice(end, to))) throw new HandEdit("its last line contains something else");
  return (text.startsWith("\uFEFF") && from === 0 ? "\uFEFF" : text.slice(0, from)) + text.slice(to);
}

function styleOf(map: YAMLMap): Style {
  return map.flow ? "flow" : "block";
}

// By how much the file indents: what the first map below the root shows.
function stepOf(text: string, doc: Document.Parsed): string {
  const column = (node: unknown) => startOf(node as Node) - (text.lastIndexOf("\n", startOf(node as Node) - 1) + 1);
  for (const { key, value } of isMap(doc.contents) ? doc.contents.items : []) {
    if (!isMap(value) || value.flow || value.items.length === 0) continue;
    const step = column(value.items[0]?.key) - column(key);
    if (step > 0) return " ".repeat(step);
  }
  return "  ";
}

function isInFlow(doc: Document.Parsed, pair: Pair): boolean {
  const inside = (node: unknown, flowing: boolean): boolean | undefined => {
    if (typeof node !== "object" || node === null || !("items" in node)) return undefined;
    const here = flowing || (node as YAMLMap).flow === true;
    for (const item of (node as { items: unknown[] }).items) {
      if (item === pair) return here;
      const found = inside(isPairLike(item) ? item.value : item, here);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return inside(doc.contents, false) ?? false;
}

function plain(node: Node | null, doc: Document.Parsed): unknown {
  return node === null ? null : (node.toJS(doc) as unknown);
}
