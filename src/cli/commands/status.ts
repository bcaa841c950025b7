// `status`: how each volume stands, and why.

import type { Note, Problem } from "../../core/problems";
import type { CommandSpec, Context } from "../context";
import type { Stack, VolumeStatus } from "../../stack";
import { runMany, type Part } from "../many";
import { distinct, fittedTable, notesText, problemsText, statusText, verdictText, type Colours } from "../text";

// What becomes of what the program alone declares, or no longer declares, only its run shows.
function nextText({ verdict }: VolumeStatus, colours: Colours): string {
  if (verdict === "none") return "";
  return `next up: ${verdict === undefined ? "depends on the program (run pulumi preview)" : verdictText(verdict, colours)}`;
}

// What an edit of the profile would have reached it with.
function pinText({ pin, profile = "", revision = "" }: VolumeStatus): string {
  if (!pin?.current || pin.current === revision) return "";
  const which = pin.reference.includes("@") ? pin.reference : `--profile ${pin.reference}`;
  return `${profile} was edited after it was pinned; to follow it: storage-profiles unpin ${which}`;
}

export const status: CommandSpec = {
  name: "status",
  summary: "Show the status of each volume, with the reason",
  description:
    "compliant: the volume matches its declaration. not created yet: declared, but not created. " +
    "out of date: the declaration or the profile changed since the last apply. " +
    "non-compliant: the volume drifted, or its declaration is invalid. unknown: the last up didn't complete it. " +
    "To see changes made in the program itself, run pulumi preview.",
  arguments: [{ name: "[volume...]", description: "show only these volumes", completes: "volume" }],
  options: [
    {
      flags: "--refresh",
      description: "refresh the state from the backends first (pulumi refresh)",
    },
  ],
  examples: [
    ["status", "compare config and state, without contacting the backends"],
    ["status --all", "show the volumes of all stacks of the projects below this directory"],
    ["status --refresh", "refresh from the backends first; exit code 3 if a volume isn't compliant"],
  ],
  async run(context) {
    const { code, json, rows, problems } = await statusOfStack(await context.stack(), context);
    const table1 = rows.length > 0 ? fittedTable([HEAD, ...rows], context) : "No volumes.";
    const text = problems.length > 0 ? `${table1}\n\n${problemsText(problems, context.colours)}` : table1;
    return { code, json, text };
  },
  many: (context) => runMany({ head: HEAD, each: statusOfStack }, context),
};

const HEAD = ["VOLUME", "PROFILE", "STATUS", "REASON"];

// That a volume isn't created yet is its status already.
const saysMore = ({ code }: Note): boolean => code !== "status-not-made";

async function statusOfStack(stack: Stack, context: Context): Promise<Part & { problems: Problem[] }> {
  const chosen = context.args.length > 0 ? context.args : undefined;
  const all = await stack.status({ refresh: context.options["refresh"] === true, volumes: chosen });
  const { mistakes } = await stack.readConfig();
  const rows = all.map((each) => [
    each.name,
    each.profile ?? "",
    `${statusText(each.status, context.colours)}${each.pin ? ", pinned" : ""}`,
    [notesText(each.causes.filter(saysMore), ""), pinText(each), nextText(each, context.colours)]
      .filter((text) => text !== "")
      .join("\n"),
  ]);
  const problems = distinct([...mistakes, ...all.flatMap((each) => each.problems)]);
  const isFine = all.every((each) => each.status === "compliant");
  const code = mistakes.length > 0 ? "problems" : isFine ? "done" : "differs";
  return { code, json: { stack: stack.name, volumes: all, problems: mistakes }, rows, problems };
}
