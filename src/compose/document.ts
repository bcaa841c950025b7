// A Compose file as a tree: plain values with aliases and merge keys followed, and the place in the file of each.

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type Node,
  type Scalar,
} from "yaml";

import type { Problem } from "../core/problems";
import { joinPath } from "../core/validate";
import { brokenReferences, isMergeKey, scalarValue } from "../core/yaml-values";
import { problem } from "./problems";

/** A Compose file as it is on disk. */
export interface ComposeFile {
  /** Its name, as people are to read it in messages. */
  name: string;
  text: string;
  /**
   * Its path, from which the paths of files that it includes start.
   * @default its name
   */
  path?: string | undefined;
}

/** A document of a Compose file. A file may have several, each laid over the one before. */
export interface ComposeDocument {
  /** The value of a key at the top; `undefined` where it isn't there. */
  get(key: string): unknown;
  keys(): string[];
  /** Whether something stands at the path. In a list a number leads on, or the text of an entry. */
  has(path: readonly PropertyKey[]): boolean;
  /** Where that is, for a message: "docker-compose.yml:12: volumes.data.driver". */
  place(path: readonly PropertyKey[]): string;
}

/** What a value with one of the tags of Compose stands for: `!reset` takes away what was before, `!override` replaces it whole. */
export class Tagged {
  constructor(
    readonly tag: "!reset" | "!override",
    readonly value: unknown,
  ) {}
}

// More is no Compose file, but aliases that multiply.
const MAX_NODES = 200_000;
const MAX_DEPTH = 200;

/** Reads a file. What isn't YAML, or no mapping, is a problem, with the line. */
export function parseComposeFile({ name, text }: ComposeFile): { documents: ComposeDocument[]; problems: Problem[] } {
  const lines = new LineCounter();
  const parsed = [
    ...parseAllDocuments(text, { lineCounter: lines, version: "1.2", logLevel: "silent" }),
  ] as Document.Parsed[];
  const bad = (line: number, why: string) =>
    problem("compose-not-readable", `${name}:${line}`, undefined, { why: why.trim().replace(/:$/, "") });

  const problems = parsed.flatMap(({ errors }) =>
    errors.map(({ message, pos }) => bad(lines.linePos(pos[0]).line, firstLine(message))),
  );
  for (const document of parsed) {
    const wrong = problems.length > 0 ? [] : wrongNodes(document);
    problems.push(...wrong.map(({ node, why }) => bad(lines.linePos(node.range?.[0] ?? 0).line, why)));
  }
  if (problems.length > 0) return { documents: [], problems };

  const documents: ComposeDocument[] = [];
  for (const document of parsed) {
    // Nothing, or nothing but comments, is nothing to lay over others.
    if (document.contents === null) continue;
    const start = lines.linePos(document.contents.range[0]).line;
    if (!isMap(document.contents)) problems.push(bad(start, "expected a mapping"));
    else documents.push(treeOf(name, document, lines));
  }
  return { documents, problems };
}

// What the parser lets through, and Compose doesn't: an alias without its anchor would be nothing, and its volumes would be gone.
function wrongNodes(document: Document): { node: Node; why: string }[] {
  const wrong = brokenReferences(document);
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key) || isMergeKey(key) || isText(key)) return;
      const shown = (key.source ?? "") === "" ? "the empty key" : key.source;
      wrong.push({ node: key, why: `keys must be text: put ${shown} in quotes` });
    },
  });
  return wrong;
}

const isText = (key: Scalar) => key.value === valueOf(key) && typeof key.value === "string";

// A number or a date is what go-yaml takes for one.
function valueOf({ type, tag, source, value }: Scalar): unknown {
  return type === "PLAIN" && tag === undefined && source !== undefined ? scalarValue(source, value) : value;
}

function treeOf(name: string, document: Document.Parsed, lines: LineCounter): ComposeDocument {
  const root = document.contents as Node;
  const nodes = { left: MAX_NODES };
  return {
    get: (key) => {
      const node = follow(document, root, [key], nodes);
      return node.depth === 1 ? plain(document, node.node, nodes) : undefined;
    },
    keys: () => entriesOf(document, root, nodes).map(([key]) => key),
    has: (path) => follow(document, root, path, nodes).depth === path.length,
    place: (path) => {
      const { node } = follow(document, root, path, nodes);
      const line = node?.range ? lines.linePos(node.range[0]).line : 1;
      return `${name}:${line}: ${joinPath("", path)}`;
    },
  };
}

/** Thrown for aliases that hold each other or multiply without end. */
export class TooManyNodes extends Error {}

interface Budget {
  left: number;
}

// As deep as the path leads: where a key is missing, what would have it.
function follow(
  document: Document,
  from: Node,
  path: readonly PropertyKey[],
  budget: Budget,
): { node: Node | null; depth: number } {
  let node: Node | null = from;
  for (const [depth, key] of path.entries()) {
    const found: [PropertyKey, Node | null] | undefined = [
      ...entriesOf(document, node, budget),
      ...itemsOf(document, node),
    ].find(([each]) => each === key);
    if (!found) return { node, depth };
    if (!found[1]) return { node, depth: depth + 1 };
    node = found[1];
  }
  return { node, depth: path.length };
}

// The entries of a mapping, with those that `<<` brings beneath its own.
function entriesOf(document: Document, node: Node | null, budget: Budget, depth = 0): [string, Node | null][] {
  if (--budget.left < 0 || depth > MAX_DEPTH) throw new TooManyNodes();
  const target = isAlias(node) ? (node.resolve(document) as Node | undefined) : node;
  if (isAlias(target)) return entriesOf(document, target, budget, depth + 1);
  if (!isMap(target)) return [];
  const own = new Map<string, Node | null>();
  const merged = new Map<string, Node | null>();
  for (const { key, value } of target.items) {
    const text = isScalar(key) ? keyText(key.value) : String(key);
    if (isMergeKey(key)) {
      const list = isAlias(value) ? value.resolve(document) : value;
      const sources = (isSeq(list) ? list.items : [value]) as (Node | null)[];
      for (const source of sources) {
        for (const [name, each] of entriesOf(document, source, budget, depth + 1))
          if (!merged.has(name)) merged.set(name, each);
      }
    } else own.set(text, value as Node | null);
  }
  return [...own, ...[...merged].filter(([name]) => !own.has(name))];
}

function itemsOf(document: Document, node: Node | null): [PropertyKey, Node | null][] {
  const list = isAlias(node) ? node.resolve(document) : node;
  if (!isSeq(list)) return [];
  return list.items.flatMap((each, index): [PropertyKey, Node | null][] => {
    const item = each as Node | null;
    return isScalar(item)
      ? [
          [index, item],
          [keyText(item.value), item],
        ]
      : [[index, item]];
  });
}

function keyText(value: unknown): string {
  return typeof value === "symbol" ? (value.description ?? "") : String(value);
}

// A tag within `!override` is none: Compose takes what it finds there as it is.
function plain(document: Document, node: Node | null, budget: Budget, depth = 0, tags = true): unknown {
  if (--budget.left < 0 || depth > MAX_DEPTH) throw new TooManyNodes();
  if (isAlias(node)) {
    return plain(document, (node.resolve(document) as Node | undefined) ?? null, budget, depth + 1, tags);
  }
  const { tag } = node ?? {};
  const inside = tags && tag !== "!override";
  const value = isMap(node)
    ? Object.fromEntries(
        entriesOf(document, node, budget).map(([key, each]) => [key, plain(document, each, budget, depth + 1, inside)]),
      )
    : isSeq(node)
      ? node.items.map((each) => plain(document, each as Node | null, budget, depth + 1, inside))
      : isScalar(node)
        ? valueOf(node)
        : null;
  return tags && (tag === "!reset" || tag === "!override") ? new Tagged(tag, value) : value;
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, "");
}
