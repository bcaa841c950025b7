// The `.env` file beside a Compose file, as Compose reads it: this follows parser.go of compose-go's dotenv.

import type { Problem } from "../core/problems";
import { interpolate } from "./interpolate";
import { problem } from "./problems";

/** A `.env` file as it is on disk. */
export interface DotenvFile {
  /** Its name, as people are to read it in messages. */
  name: string;
  text: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a `.env` file. Variables in a value are filled in from the file's lines before it and from `environment`, except in
 * single quotes, as in a Compose file. A line without `=` sets nothing. `before` is what a file read earlier had: the new one is laid over it.
 * What Compose refuses is a problem, and ends the reading.
 */
export function parseDotenv(
  file: DotenvFile,
  environment: Environment,
  before: Readonly<Record<string, string>> = {},
): { values: Record<string, string>; problems: Problem[] } {
  const values = Object.assign(Object.create(null) as Record<string, string>, before);
  const wrong = readInto(values, file.text, environment);
  if (!wrong) return { values, problems: [] };
  return { values, problems: [problem("compose-env-invalid", `${file.name}:${wrong.line}`, undefined, wrong)] };
}

// What separates on a line, in Go's words.
const SPACE = "[\\t\\v\\f\\r \\u0085\\u00a0]";
const START = /^(?:[\s\u0085]|#[^\n]*(?:\n|$))*/;
const EXPORT = new RegExp(`^export(?=[\\t\\n\\f\\r ])${SPACE}*`);
const KEY = new RegExp(`^((?:${SPACE}|[\\p{L}\\p{N}_.[\\]-])*)([=:\\n]|$)`, "u");
const SPACES = new RegExp(`^${SPACE}*`);

interface Wrong {
  line: number;
  why: string;
}

function readInto(values: Record<string, string>, given: string, environment: Environment): Wrong | undefined {
  const text = given.replace(/^\uFEFF/, "");
  const lineAt = (rest: string) => text.slice(0, text.length - rest.length).split("\n").length;
  const isSet = (name: string) => Object.hasOwn(environment, name) && environment[name] !== undefined;
  const expand = (value: string) => interpolate(value, (name) => (isSet(name) ? environment[name] : values[name]));
  for (let rest = text; ;) {
    rest = rest.replace(START, "");
    if (rest === "") return undefined;
    const line = lineAt(rest);
    rest = rest.replace(EXPORT, "");
    if (rest === "") return { line, why: "`export` without a variable" };
    const [whole, name = "", end] = KEY.exec(rest) ?? [];
    if (whole === undefined) {
      const [odd] = /[^\p{L}\p{N}_.[\]\t\v\f\r \u0085\u00a0-]/u.exec(rest) ?? [];
      return { line, why: `variable names can't contain ${JSON.stringify(odd)}` };
    }
    // A last line that has no end is taken for a value without a name.
    const key = end === "" ? "" : name.trimEnd();
    // What stands there may be a secret.
    if (key.includes(" ")) return { line, why: "variable names can't contain spaces" };
    rest = end === "" ? rest : rest.slice(whole.length);
    rest = rest.replace(SPACES, "");
    if (end === "\n") continue; // it has what the environment has
    const value = valueAt(rest);
    if (value === undefined) return { line, why: `missing closing quote in the value of ${key}` };
    const filled = value.isLiteral ? { text: value.text, failure: undefined } : expand(value.text);
    if (filled.failure) {
      const { failure } = filled;
      const why =
        failure.kind === "invalid" ? "invalid variable in `${…}`" : `the variable ${failure.variable} is required`;
      return { line, why: `value of ${key}: ${why}` };
    }
    values[key] = filled.text;
    rest = value.rest;
  }
}

function valueAt(text: string): { text: string; rest: string; isLiteral: boolean } | undefined {
  const quote = text[0];
  if (quote !== "'" && quote !== '"') {
    const end = text.indexOf("\n");
    const line = end < 0 ? text : text.slice(0, end);
    const value = (line.split(" #")[0] ?? "").trimEnd();
    return { text: value, rest: end < 0 ? "" : text.slice(end + 1), isLiteral: false };
  }
  const [whole, inside = ""] = (quote === "'" ? /^'((?:\\[^]|[^'\\])*)'/ : /^"((?:\\[^]|[^"\\])*)"/).exec(text) ?? [];
  if (whole === undefined) return undefined;
  const value = inside.replaceAll(`\\${quote}`, quote);
  const rest = text.slice(whole.length);
  return quote === "'" ? { text: value, rest, isLiteral: true } : { text: unescaped(value), rest, isLiteral: false };
}

const CHARACTERS: Readonly<Record<string, string>> = {
  ...{ n: "\n", r: "\r", t: "\t" },
  ...{ a: "\x07", b: "\b", f: "\f", v: "\v", $: "$$", '"': '"', "\\": "\\" },
};

// Go takes three octal digits; of others Compose drops the zero that came before them.
function unescaped(text: string): string {
  return text.replace(/\\([abcfnrtv$"\\]|0\d{0,3})/g, (all, what: string) => {
    if (!what.startsWith("0")) return CHARACTERS[what] ?? all;
    const digits = what.slice(1);
    const code = /^[0-7]{3}$/.test(digits) ? parseInt(digits, 8) : Infinity;
    return code < 256 ? String.fromCharCode(code) : `\\${digits}`;
  });
}
