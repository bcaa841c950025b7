// What plain scalars of YAML mean to Pulumi, which reads a stack's file with go-yaml: a mixture of YAML 1.1 and 1.2, with 16_000, 010
// and 0b101 as numbers, yes and no as text, and dates as points in time. Source: go-yaml v3, resolve.go. Pure.

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
  visit,
  YAMLParseError,
  type Document,
  type ErrorCode,
  type Node,
} from "yaml";

import { joinPath } from "./validate";

/** A text, taken apart, with the values that Pulumi would read there. */
export function readYaml(text: string): Document.Parsed {
  const lineCounter = new LineCounter();
  // The library compares each key with all before it: 5 s for 12,000 of them.
  const doc = parseDocument(text, { merge: true, uniqueKeys: false, lineCounter });
  visit(doc, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) doc.errors.push(duplicate(key, lineCounter));
        seen.add(key.value);
      }
    },
    Scalar(_, node) {
      const { tag = "", value } = node;
      const text = typeof value === "string" ? value : (node.source ?? "");
      if (node.type === Scalar.PLAIN && tag === "") node.value = scalarValue(node.source ?? "", value);
      else if (TYPED.test(tag) && isScalar(node)) node.value = scalarValue(text, value);
    },
  });
  for (const { node, why } of brokenReferences(doc)) doc.errors.push(errorAt(node, "BAD_ALIAS", why, lineCounter));
  return doc;
}

/** Aliases without an earlier anchor, and merge keys of anything but mappings. The library reports them only when values are read, and without a line. */
export function brokenReferences(doc: Document): { node: Node; why: string }[] {
  const wrong: { node: Node; why: string }[] = [];
  const anchors = new Map<string, unknown>();
  const followed = (node: unknown) => (isAlias(node) ? anchors.get(node.source) : node);
  // An alias without its anchor is reported on its own.
  const isMapping = (node: unknown) => isMap(followed(node)) || (isAlias(node) && !anchors.has(node.source));
  const isMergeable = (node: unknown) => {
    const target = followed(node);
    return isSeq(target) ? target.items.every(isMapping) : isMapping(node);
  };
  visit(doc, {
    Alias(_, node) {
      if (!anchors.has(node.source)) wrong.push({ node, why: `unknown anchor "${node.source}"` });
    },
    Value(_, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Pair(_, { key, value }) {
      if (isMergeKey(key) && !isMergeable(value))
        wrong.push({ node: key as Node, why: "`<<` must be a mapping, or a list of mappings" });
    },
  });
  return wrong;
}

/** Whether a key is the one that merges. */
export function isMergeKey(key: unknown): boolean {
  const text = isScalar(key) && (typeof key.value === "symbol" ? key.value.description : key.value);
  return text === "<<" && (key as Scalar).type === Scalar.PLAIN;
}

/** The line of each key, by its path. What comes by an alias or a merge key has that of the nearest key above it. */
export function linesOf(doc: Document.Parsed, text: string): (path: string) => number {
  let known: Map<string, number> | undefined;
  const read = () => {
    const [lines, counter] = [new Map<string, number>(), new LineCounter()];
    for (let at = text.indexOf("\n"), from = 0; ; at = text.indexOf("\n", from)) {
      counter.addNewLine(from);
      if (at < 0) break;
      from = at + 1;
    }
    const walk = (node: unknown, path: string) => {
      if (!isMap(node)) return;
      for (const { key, value } of node.items) {
        if (!isScalar(key)) continue;
        const below = joinPath(path, [String(key.value)]);
        lines.set(below, counter.linePos((key as Node).range?.[0] ?? 0).line);
        walk(value, below);
      }
    };
    walk(doc.contents, "");
    return lines;
  };
  return (path) => {
    known ??= read();
    for (let at = path; at !== ""; at = at.replace(/(^|\.)[^.[\]]+$|\[[^\]]*\]$|.$/, "")) {
      const line = known.get(at);
      if (line !== undefined) return line;
    }
    return 1;
  };
}

function duplicate(key: Scalar, lines: LineCounter): YAMLParseError {
  return errorAt(key, "DUPLICATE_KEY", `the key "${String(key.value)}" appears twice`, lines);
}

function errorAt({ range }: Node, code: ErrorCode, message: string, lines: LineCounter): YAMLParseError {
  const [start = 0, end = start] = range ?? [];
  const error = new YAMLParseError([start, end], code, message);
  error.linePos = [lines.linePos(start), lines.linePos(end)];
  return error;
}

const TYPED = /^tag:yaml\.org,2002:(int|float|timestamp)$/;

/** What a plain scalar means; `otherwise` is what YAML 1.2 makes of it, where go-yaml sees no number and no date. */
export function scalarValue(source: string, otherwise: unknown): unknown {
  if (!/^[-+.0-9]/.test(source)) return typeof otherwise === "number" ? source : otherwise;
  const date = dateText(source);
  if (date !== undefined) return date;
  if (/^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/.test(source)) return otherwise;
  // Behind a dot at the beginning, underscores only count between digits.
  const plain = source.startsWith(".") && /(^|\D)_|_(\D|$)/.test(source) ? source : source.replaceAll("_", "");
  const whole = wholeNumber(plain);
  if (whole !== undefined) return whole;
  const number = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(plain) ? Number(plain) : NaN;
  return Number.isFinite(number) ? number : source;
}

const BASES: [RegExp, string][] = [
  [/^0[xX]([0-9a-fA-F]+)$/, "0x"],
  [/^0[bB]([01]+)$/, "0b"],
  [/^0[oO]?([0-7]+)$/, "0o"],
  [/^(0|[1-9]\d*)$/, ""],
];

// In 64 bits, as Go has them: what is beyond them is a number with an exponent, or text.
function wholeNumber(plain: string): number | undefined {
  const [, sign = "", digits = ""] = /^([-+]?)(.*)$/s.exec(plain) ?? [];
  for (const [pattern, base] of BASES) {
    const found = pattern.exec(digits)?.[1];
    if (found === undefined) continue;
    const size = BigInt(base + found);
    const isIn64Bits = sign === "-" ? size <= 2n ** 63n : size < (sign === "+" ? 2n ** 63n : 2n ** 64n);
    return isIn64Bits ? Number(sign === "-" ? -size : size) : undefined;
  }
  return undefined;
}

const DATE =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,9})?(Z|[-+]\d{2}:\d{2}))| (\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,9})?)?$/;

// As Pulumi writes a point in time.
function dateText(source: string): string | undefined {
  const found = DATE.exec(source);
  if (!found) return undefined;
  const [, year = "", month = "", day = ""] = found;
  const [hour = "0", minute = "0", second = "0"] = [found[4] ?? found[9], found[5] ?? found[10], found[6] ?? found[11]];
  const [y, m, d] = [year, month, day].map(Number) as [number, number, number];
  const isDay = m >= 1 && m <= 12 && d >= 1 && d <= new Date(Date.UTC(y, m, 0)).getUTCDate();
  if (!isDay || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const zone = found[8] ?? "Z";
  if (zone !== "Z" && (Number(zone.slice(1, 3)) > 24 || Number(zone.slice(4)) > 60)) return undefined;
  const two = (text: string) => text.padStart(2, "0");
  const fraction = (found[7] ?? found[12] ?? "").replace(/\.?0+$/, "");
  const offset = zone === "Z" || /^[-+]00:00$/.test(zone) ? undefined : zone.replace(":", "");
  const time = `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}${fraction}`;
  return offset === undefined ? `${time} +0000 UTC` : `${time} ${offset} ${offset}`;
}
