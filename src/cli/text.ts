// How the commands write: colours only on a terminal, tables that fit it, one wording for statuses, problems and changes.

import { createColors } from "picocolors";

import { formatCost, type MonthlyCost } from "../core/cost";
import { advice, formatProblem, givenText, type Note, type Problem } from "../core/problems";
import type { ComplianceStatus, PlannedVerdict } from "../stack";

export type Colours = ReturnType<typeof createColors>;

/** Colours for a terminal whose user wants them (https://no-color.org); else none. */
export function coloursFor(isTerminal: boolean, env: NodeJS.ProcessEnv, wanted: boolean): Colours {
  const isRefused = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return createColors(isTerminal && wanted && !isRefused);
}

/** A status in its colour. */
export function statusText(status: ComplianceStatus, colours: Colours): string {
  const { green, yellow, red, magenta } = colours;
  const words = {
    compliant: green("compliant"),
    "not-created": yellow("not created yet"),
    "out-of-date": yellow("out of date"),
    "non-compliant": red("non-compliant"),
    unknown: magenta("unknown"),
  };
  return words[status];
}

/** What becomes of a volume, in its colour. */
export function verdictText(verdict: PlannedVerdict | undefined, { green, yellow, red, dim }: Colours): string {
  if (verdict === undefined) return "";
  const words = {
    none: dim("no change"),
    create: green("create"),
    "in-place": green("update in place"),
    migrates: yellow("update, data migrates"),
    refused: red("refused"),
    delete: red("delete"),
  };
  return words[verdict];
}

/** Problems as people read them: what and where, what is allowed, what to do. */
export function problemsText(problems: readonly Problem[], { red, dim, bold }: Colours): string {
  return problems
    .map((each) => {
      const { path, message, code, given } = each;
      const shown = given === undefined ? "" : `\n    ${dim("given:  ")} ${givenText(each)}`;
      const lines = advice(each).map(([label, text]) => `\n    ${dim(label.padEnd(8))} ${text}`);
      return `${red("error")} ${bold(path)}: ${message} ${dim(`[${code}]`)}${shown}${lines.join("")}`;
    })
    .join("\n");
}

/** Problems of several readings, each once. */
export function distinct(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((each) => [formatProblem(each), each])).values()];
}

/** Notes, one a line. */
export function notesText(notes: readonly Note[], indent = "  "): string {
  return notes.map(({ message }) => `${indent}${message}`).join("\n");
}

/** A cost with its month, or that it isn't known. */
export function costText(cost: MonthlyCost | undefined): string {
  return cost === undefined ? "unknown" : `${formatCost(cost)}/month`;
}

/** That there is no price list for these backends, and where to set a price; nothing where there are none. */
export function noPriceList(of: readonly { backend: string; title: string }[]): string[] {
  const [first] = of;
  if (first === undefined) return [];
  const titles = of.map(({ title }) => title).join("; ");
  return [`No price list: ${titles}. Set a price per GiB: storage-profiles:prices.${first.backend}.perGiB`];
}

/**
 * A table that fits the terminal where a person reads it: the widest columns are wrapped first. In a pipe, lines stay whole unless COLUMNS sets the
 * width. With `folded`, a table that doesn't fit has a line below each row instead of its last columns.
 */
export function fittedTable(
  rows: readonly (readonly string[])[],
  { colours, io }: { colours: Colours; io: { isTerminal: boolean; columns: number; env: NodeJS.ProcessEnv } },
  folded?: { columns: number; below: readonly string[] },
): string {
  if (!io.isTerminal && columnsIn(io.env) === undefined) return table(rows, colours);
  const fits = (all: readonly number[]) => all.reduce((sum, width) => sum + width, 2 * (all.length - 1)) <= io.columns;
  const isFolded = folded !== undefined && !fits(widthsOf(rows));
  const shown = isFolded ? rows.map((row) => row.slice(0, -folded.columns)) : rows;
  const widths = widthsOf(shown);
  while (!fits(widths)) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return table(shown, colours, widths, isFolded ? folded.below : []);
}

/** A table: the first row is its head. Cells may have several lines; columns are as wide as they must, or as `width` says. */
export function table(
  rows: readonly (readonly string[])[],
  colours: Colours,
  width?: number | readonly number[],
  below: readonly string[] = [],
): string {
  const widthOf = (at: number) => (typeof width === "number" ? width : width?.[at]);
  const wrapped = rows.map((row) =>
    row.map((cell, at) =>
      cell
        .split("\n")
        .flatMap((line) => wrap(line, widthOf(at)))
        .join("\n"),
    ),
  );
  const widths = widthsOf(wrapped);
  return wrapped
    .flatMap((row, index) => {
      const cells = row.map((cell) => cell.split("\n"));
      const lines = [...Array(Math.max(...cells.map((cell) => cell.length))).keys()].map((line) => {
        const text = widths
          .map((each, at) => {
            const cell = cells[at]?.[line] ?? "";
            return at === widths.length - 1 ? cell : cell + " ".repeat(each - visible(cell));
          })
          .join("  ")
          .trimEnd();
        return index === 0 ? colours.bold(text) : text;
      });
      const under = index === 0 ? undefined : below[index - 1];
      return under === undefined ? lines : [...lines, under];
    })
    .join("\n");
}

// How wide each column is.
function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const columns = Math.max(...rows.map((row) => row.length));
  return [...Array(columns).keys()].map((at) =>
    Math.max(0, ...rows.flatMap((row) => (row[at] ?? "").split("\n").map(visible))),
  );
}

// eslint-disable-next-line no-control-regex -- colours take no room
const visible = (text: string): number => text.replace(/\u001b\[[0-9;]*m/g, "").length;

/** Below this a column isn't wrapped further. */
const NARROWEST = 8;

/** How wide the variable COLUMNS asks tables to be. */
export function columnsIn(env: NodeJS.ProcessEnv): number | undefined {
  const columns = Number(env["COLUMNS"]);
  return Number.isInteger(columns) && columns > 0 ? columns : undefined;
}

function wrap(line: string, width: number | undefined): string[] {
  if (width === undefined || visible(line) <= width) return [line];
  // A colour of the whole line is one of each of its parts.
  // eslint-disable-next-line no-control-regex -- colours take no room
  const [, begin = "", inner, end = ""] = /^(\u001b\[[0-9;]*m)([^\u001b]*)(\u001b\[[0-9;]*m)$/.exec(line) ?? [];
  if (inner !== undefined) return wrap(inner, width).map((part) => begin + part + end);
  const lines: string[] = [];
  let at = "";
  for (const word of line.split(" ")) {
    let gap = at === "" ? "" : " ";
    // What follows on another line is indented by two.
    for (const part of partsOf(word, width - 2)) {
      const next = `${at}${gap}${part}`;
      if (visible(next) <= width || at === "") at = next;
      else {
        lines.push(at);
        at = `  ${part}`;
      }
      gap = "";
    }
  }
  return [...lines, at];
}

// A word that is longer than a line (a path, a config key, a setting's name) breaks after punctuation or before a capital, and within a plain
// word only where there is nothing else.
function partsOf(word: string, width: number): string[] {
  if (word.length <= width || word.includes("\u001b")) return [word];
  const pieces = word.split(/(?<=[/.:,_@-])(?=["\w])|(?<=[a-z])(?=[A-Z])/);
  return pieces.flatMap((piece) => {
    const cut: string[] = [];
    for (let at = 0; at < piece.length; at += width) cut.push(piece.slice(at, at + width));
    return cut;
  });
}
