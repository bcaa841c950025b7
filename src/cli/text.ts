// How the commands write: colours only on a terminal, tables that fit it, one wording for statuses, problems and changes.

import { createColors } from "picocolors";

import { formatCost, type MonthlyCost } from "../core/cost";
import { formatProblem, givenText, type Note, type Problem } from "../core/problems";
import type { ResolvedVolume } from "../core/resolve";
import { settingText } from "../core/setting-text";
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
  return { compliant: green, "not-created": yellow, "out-of-date": yellow, "non-compliant": red, unknown: magenta }[
    status
  ](status);
}

/** What becomes of a volume, in its colour. */
export function verdictText(verdict: PlannedVerdict | undefined, { green, yellow, red, dim }: Colours): string {
  if (verdict === undefined) return "";
  return { none: dim, create: green, "in-place": green, migrates: yellow, refused: red, delete: red }[verdict](verdict);
}

/** Problems as people read them: what and where, what is allowed, what to do. */
export function problemsText(problems: readonly Problem[], { red, dim, bold }: Colours): string {
  return problems
    .map((each) => {
      const { path, message, code, given, allowed, fix } = each;
      const shown = given === undefined ? "" : `\n    ${dim("given:  ")} ${givenText(each)}`;
      return `${red("error")} ${bold(path)}: ${message} ${dim(`[${code}]`)}${shown}\n    ${dim("allowed:")} ${allowed}\n    ${dim("fix:    ")} ${fix}`;
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
  return cost === undefined ? "unknown" : `${formatCost(cost)} a month`;
}

/** Settings as `key: value` lines; those that nobody asked for are left out. */
export function settingLines(volume: Pick<ResolvedVolume, "backend" | "settings"> | undefined): string[] {
  if (!volume) return [];
  return Object.entries(volume.settings as object)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}: ${settingText(volume.backend, key, value).replace(/^"(.*)"$/, "$1")}`);
}

/** A table: the first row is its head. Cells may have several lines; columns are as wide as they must, or `width` each. */
export function table(rows: readonly (readonly string[])[], colours: Colours, width?: number): string {
  const wrapped = rows.map((row) => row.map((cell) => cell.split("\n").flatMap((line) => wrap(line, width))));
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = [...Array(columns).keys()].map((at) =>
    Math.max(...wrapped.map((row) => Math.max(0, ...(row[at] ?? []).map(visible)))),
  );
  return wrapped
    .flatMap((row, index) =>
      [...Array(Math.max(...row.map((cell) => cell.length))).keys()].map((line) => {
        const text = widths
          .map((each, at) => {
            const cell = row[at]?.[line] ?? "";
            return at === columns - 1 ? cell : cell + " ".repeat(each - visible(cell));
          })
          .join("  ")
          .trimEnd();
        return index === 0 ? colours.bold(text) : text;
      }),
    )
    .join("\n");
}

// eslint-disable-next-line no-control-regex -- colours take no room
const visible = (text: string): number => text.replace(/\u001b\[[0-9;]*m/g, "").length;

function wrap(line: string, width: number | undefined): string[] {
  if (width === undefined || visible(line) <= width) return [line];
  const lines: string[] = [];
  let at = "";
  for (const word of line.split(" ")) {
    const next = at === "" ? word : `${at} ${word}`;
    if (visible(next) <= width || at === "") at = next;
    else {
      lines.push(at);
      at = `  ${word}`;
    }
  }
  return [...lines, at];
}
