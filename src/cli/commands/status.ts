// `status`: how each volume stands, and why.

import type { CommandSpec } from "../context";
import type { VolumeStatus } from "../../stack";
import { distinct, notesText, problemsText, statusText, table, verdictText, type Colours } from "../text";

// What becomes of what the program alone declares, or no longer declares, only its run shows.
function nextText({ verdict }: VolumeStatus, colours: Colours): string {
  if (verdict === "none") return "";
  return `next up: ${verdict === undefined ? "as the program says (pulumi preview)" : verdictText(verdict, colours)}`;
}

export const status: CommandSpec = {
  name: "status",
  summary:
    "shows the status of each volume (compliant, not-created, out-of-date, non-compliant or unknown), with the reason",
  description:
    "compliant: it is what is declared. not-created: it is declared, and isn't created yet. " +
    "out-of-date: what is declared was changed since it last got it. " +
    "non-compliant: it isn't what it got, or what is declared isn't possible. unknown: the last up did not finish it. " +
    "What a program itself changed is seen when it runs: pulumi preview.",
  arguments: [{ name: "[volume...]", description: "only these", completes: "volume" }],
  options: [
    {
      flags: "--refresh",
      description: "ask the backends first, and have the state say what they tell (pulumi refresh)",
    },
  ],
  examples: [
    ["status", "from the config and the state alone"],
    ["status --refresh", "after asking the backends; exit code 3 where something is not as declared"],
  ],
  async run(context) {
    const stack = await context.stack();
    const chosen = context.args.length > 0 ? context.args : undefined;
    const all = await stack.status({ refresh: context.options["refresh"] === true, volumes: chosen });
    const { mistakes } = await stack.readConfig();
    const rows = all.map((each) => [
      each.name,
      each.profile ?? "",
      statusText(each.status, context.colours),
      [notesText(each.causes, ""), nextText(each, context.colours)].filter((text) => text !== "").join("\n"),
    ]);
    const problems = distinct([...mistakes, ...all.flatMap((each) => each.problems)]);
    const isFine = all.every((each) => each.status === "compliant");
    const table1 =
      rows.length > 0
        ? table([["VOLUME", "PROFILE", "STATUS", "WHY"], ...rows], context.colours)
        : "There are no volumes.";
    const text = problems.length > 0 ? `${table1}\n\n${problemsText(problems, context.colours)}` : table1;
    const code = mistakes.length > 0 ? "problems" : isFine ? "done" : "differs";
    return { code, json: { stack: stack.name, volumes: all, problems: mistakes }, text };
  },
};
