// Variables in a Compose file: `$NAME`, `${NAME}`, `${NAME:-default}` and their kin, as `docker compose` reads them.

/** What a variable's value is; `undefined` where it is not set. */
export type Lookup = (variable: string) => string | undefined;

/** A text with its variables filled in, or why that can't be done. */
export type Interpolated =
  | { text: string; unset: string[]; failure?: undefined }
  | { failure: { kind: "invalid"; why: string } | { kind: "required"; variable: string; message: string } };

const NAME = /^[_a-zA-Z][_a-zA-Z0-9]*/;

/**
 * Fills in the variables of a text. `unset` lists those that are not set and have no default: Compose takes them as blank, and warns.
 *
 * Read are `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}`, `${NAME?message}`, `${NAME:+other}`, `${NAME+other}`, and
 * `$$` for a dollar sign. Variables in a default are substituted as well, and a dollar sign without a variable behind it stays.
 */
export function interpolate(template: string, lookup: Lookup): Interpolated {
  const unset: string[] = [];
  try {
    return { text: fill(template, lookup, unset), unset };
  } catch (error) {
    if (error instanceof Failure) return { failure: error.failure };
    throw error;
  }
}

class Failure extends Error {
  constructor(readonly failure: NonNullable<Interpolated["failure"]>) {
    super();
  }
}

function fill(template: string, lookup: Lookup, unset: string[]): string {
  let [result, rest] = ["", template];
  for (let at = rest.indexOf("$"); at >= 0; at = rest.indexOf("$")) {
    result += rest.slice(0, at);
    rest = rest.slice(at + 1);
    const [name] = NAME.exec(rest) ?? [];
    if (rest.startsWith("$")) {
      result += "$";
      rest = rest.slice(1);
    } else if (name !== undefined) {
      result += valueOf(name, lookup, unset);
      rest = rest.slice(name.length);
    } else if (rest.startsWith("{")) {
      const end = closingBrace(rest);
      if (end < 0) throw invalid("missing closing brace after `${`");
      result += braced(rest.slice(1, end), lookup, unset);
      rest = rest.slice(end + 1);
    } else {
      result += "$";
    }
  }
  return result + rest;
}

// What stands between `${` and `}`.
function braced(text: string, lookup: Lookup, unset: string[]): string {
  const [name = ""] = NAME.exec(text) ?? [];
  const [operator = ""] = /^:?[-?+]/.exec(text.slice(name.length)) ?? [];
  const argument = text.slice(name.length + operator.length);
  if (name === "" || (operator === "" && argument !== "")) throw invalid(`invalid variable \${${text}}`);
  if (argument.includes("\n")) throw invalid(`\${${name}…} can't contain a line break`);
  if (operator === "") return valueOf(name, lookup, unset);

  const nested = () => fill(argument, lookup, unset);
  const value = lookup(name);
  const isGiven = value !== undefined && !(operator.startsWith(":") && value === "");
  if (operator.endsWith("+")) return isGiven ? nested() : "";
  if (isGiven) return value;
  if (operator.endsWith("-")) return nested();
  throw new Failure({ kind: "required", variable: name, message: nested() });
}

function valueOf(name: string, lookup: Lookup, unset: string[]): string {
  const value = lookup(name);
  if (value === undefined) unset.push(name);
  return value ?? "";
}

// Braces in a default count, whether they are a variable's or not, but for one right behind another; where they don't come out even,
// the last one closes. So it is in Compose.
function closingBrace(text: string): number {
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "}" && --open === 0) return at;
    if (text[at] === "{") [open, at] = [open + 1, at + 1];
  }
  return text.lastIndexOf("}");
}

function invalid(why: string): Failure {
  return new Failure({ kind: "invalid", why });
}
