// The `.env` file beside a Compose file, as Compose reads it.

import { interpolate, type ComposeVersion } from "./interpolate";

// A line: `export`, the name, and its value in one kind of quotes, the other, or none. A value in quotes may go over several lines.
const LINE =
  /^[^\S\n]*(?:export[^\S\n]+)?([^\s=#'"]+)[^\S\n]*(?:=[^\S\n]*(?:'((?:\\'|[^'])*)'|"((?:\\"|[^"])*)"|([^\n]*)))?[^\S\n]*(?:#[^\n]*)?$/gm;

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/**
 * Reads the text of a `.env` file. Variables in a value are filled in from the file's lines before it and from `environment`, except in
 * single quotes: `${NAME}` and `${NAME:-default}`, with generation 2 all that a Compose file may have. A line without `=` sets nothing.
 * `before` is what a file read earlier had: the new one is laid over it.
 */
export function parseDotenv(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  version: ComposeVersion,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const values = Object.assign(Object.create(null) as Record<string, string>, before);
  for (const [, name = "", single, double, plain] of text
    .replace(/^\uFEFF/, "")
    .replace(/\r\n?/g, "\n")
    .matchAll(LINE)) {
    if (single !== undefined) values[name] = version === 1 ? single.replace(/\\([\\'])/g, "$1") : single;
    else if (double !== undefined)
      values[name] = expand(double.replace(/\\([\\'"abfnrtv])/g, (_, c: string) => ESCAPES[c] ?? c));
    else if (plain !== undefined) values[name] = expand(plain.replace(/\s+#.*/, "").trimEnd());
  }
  return values;

  function expand(value: string): string {
    const lookup = (name: string) =>
      version === 1 ? (values[name] ?? environment[name]) : (environment[name] ?? values[name]);
    if (version === 1) {
      return value.replace(
        /\$\{([^}:]*)(?::-([^}]*))?\}/g,
        (_, name: string, other = "") => lookup(name) ?? String(other),
      );
    }
    const filled = interpolate(value, lookup, version);
    return filled.failure ? value : filled.text;
  }
}
