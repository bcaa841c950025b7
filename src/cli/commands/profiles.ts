// `profiles`: the catalog, across backends.

import { backendNames, backends, type BackendName } from "../../core/backend";
import { nearest } from "../../core/nearest";
import { problem } from "../../core/problems";
import type { Profile } from "../../core/catalog";
import { knownHere } from "../catalog";
import { textOf, type CommandSpec } from "../context";
import { table } from "../text";

/** The width of a column with a profile's settings, at least. */
const NARROWEST = 22;

export const profiles: CommandSpec = {
  name: "profiles",
  summary: "List the profiles in effect, with their settings on each backend",
  description: "Outside a project, lists the built-in profiles.",
  arguments: [{ name: "[profile]", description: "show only this profile, in full", completes: "profile" }],
  options: [{ flags: "-b, --backend <name>", description: "only this backend", choices: backendNames }],
  examples: [
    ["profiles", "list all profiles on all backends"],
    ["profiles gold --backend aws", "show gold on Amazon EBS, including inherited settings"],
  ],
  async run(context) {
    const { catalog, stack, read } = await knownHere(context);
    const [name] = context.args;
    const chosen = textOf(context, "backend");
    const shown = backendNames.filter((each) => chosen === undefined || each === chosen);
    const names = Object.keys(catalog.profiles);
    if (name !== undefined && !catalog.profiles[name]) {
      const params = { profile: name, profiles: names, nearest: nearest(name, names) };
      const problems = catalog.broken[name] ??
        catalog.unread.profiles ?? [problem("profile-unknown", "profile", name, params)];
      return { code: "problems", json: { problems }, problems };
    }
    const listed = Object.values(catalog.profiles).filter((each) => name === undefined || each.name === name);
    const problems = name === undefined ? (read?.mistakes ?? []) : [];
    const json = {
      ...(stack !== undefined && { stack }),
      profiles: listed.map((each) => ({ ...each, sections: only(each, shown) })),
      problems,
    };
    const { dim, red } = context.colours;
    const lines = (each: Profile, group: readonly BackendName[]) =>
      group.map((backend) => {
        const section = each.sections[backend];
        if (!section) return dim("-");
        const told = Object.entries(section).map(([key, value]) => `${key}: ${compact(value)}`);
        return told.length > 0 ? told.join("\n") : dim("{}");
      });
    const about = (each: Profile) => {
      const lineage = each.lineage.length > 0 ? `\n${dim(`extends ${each.lineage.join(" < ")}`)}` : "";
      return `${each.name} ${dim(`(${originText(each)})`)}${each.description === "" ? "" : `\n${each.description}`}${lineage}`;
    };
    const broken = name === undefined ? Object.keys(catalog.broken) : [];
    // As many backends side by side as fit; a blank line between profiles of several lines.
    const perRow = Math.max(1, Math.min(shown.length, Math.floor(context.io.columns / NARROWEST) - 1));
    const width = Math.max(NARROWEST, Math.floor(context.io.columns / (perRow + 1))) - 2;
    const blocks: string[] = [];
    for (let at = 0; at < shown.length; at += perRow) {
      const group = shown.slice(at, at + perRow);
      const rows = [
        ["PROFILE", ...group.map((each) => backends[each].title)],
        ...listed.map((each) => [about(each), ...lines(each, group)]),
        ...broken.map((each) => [`${each}\n${red("can't be read")}`, ...group.map(() => "")]),
      ];
      const spaced = rows.flatMap((row, index) => (index <= 1 ? [row] : [[""], row]));
      blocks.push(table(spaced, context.colours, width));
    }
    return {
      code: problems.length > 0 ? "problems" : "done",
      json,
      text: blocks.join("\n\n"),
      problems,
    };
  },
};

/** Where a profile comes from. */
export const originText = ({ origin, file, line }: Profile): string =>
  file === undefined ? origin : `${file}, line ${line ?? 1}`;

const only = (profile: Profile, shown: readonly string[]) =>
  Object.fromEntries(Object.entries(profile.sections).filter(([backend]) => shown.includes(backend)));

const compact = (value: unknown): string =>
  JSON.stringify(value)
    .replace(/"(\w+)":/g, "$1: ")
    .replace(/,/g, ", ")
    .replace(/^"(.*)"$/, "$1");
