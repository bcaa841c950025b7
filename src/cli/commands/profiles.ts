// `profiles`: the catalog, across backends.

import { backendNames, backends } from "../../core/backend";
import { nearest } from "../../core/nearest";
import { problem } from "../../core/problems";
import type { Profile } from "../../core/catalog";
import { knownHere } from "../catalog";
import { textOf, type CommandSpec } from "../context";
import { table } from "../text";

export const profiles: CommandSpec = {
  name: "profiles",
  summary: "lists the profiles in force, and what each says for each backend",
  description: "Outside of a project it lists those that are built in.",
  arguments: [{ name: "[profile]", description: "only this one, in full", completes: "profile" }],
  options: [{ flags: "-b, --backend <name>", description: "only this backend", choices: backendNames }],
  examples: [
    ["profiles", "all profiles × all backends"],
    ["profiles gold --backend aws", "what gold says for Amazon EBS, with what it extends"],
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
    const lines = (each: Profile) =>
      shown.map((backend) => {
        const section = each.sections[backend];
        if (!section) return dim("-");
        const told = Object.entries(section).map(([key, value]) => `${key}: ${compact(value)}`);
        return told.length > 0 ? told.join("\n") : dim("{}");
      });
    const head = ["PROFILE", ...shown.map((each) => backends[each].title)];
    const rows = listed.map((each) => {
      const lineage = each.lineage.length > 0 ? `\n${dim(`extends ${each.lineage.join(" < ")}`)}` : "";
      const about = each.description === "" ? "" : `\n${each.description}`;
      return [`${each.name} ${dim(`(${each.origin})`)}${about}${lineage}`, ...lines(each)];
    });
    if (name === undefined)
      rows.push(
        ...Object.keys(catalog.broken).map((each) => [`${each}\n${red("can't be read")}`, ...shown.map(() => "")]),
      );
    // A blank line between profiles of several lines.
    const spaced = rows.flatMap((row, index) => (index === 0 ? [row] : [[""], row]));
    const width = Math.max(20, Math.floor(context.io.columns / head.length) - 2);
    return {
      code: problems.length > 0 ? "problems" : "done",
      json,
      text: table([head, ...spaced], context.colours, width),
      problems,
    };
  },
};

const only = (profile: Profile, shown: readonly string[]) =>
  Object.fromEntries(Object.entries(profile.sections).filter(([backend]) => shown.includes(backend)));

const compact = (value: unknown): string =>
  JSON.stringify(value)
    .replace(/"(\w+)":/g, "$1: ")
    .replace(/,/g, ", ")
    .replace(/^"(.*)"$/, "$1");
