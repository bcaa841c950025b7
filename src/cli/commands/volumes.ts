// `volumes`: the volumes that there are, declared and made.

import { formatCost } from "../../core/cost";
import { count } from "../../core/problems";
import type { CommandSpec } from "../context";
import type { VolumeStatus } from "../../stack";
import { fittedTable, statusText } from "../text";

const costOf = ({ monthlyCost }: VolumeStatus) =>
  monthlyCost ? `${formatCost(monthlyCost)}/month` : "monthly cost unknown";

export const volumes: CommandSpec = {
  name: "volumes",
  summary: "List the volumes declared in the config or the program",
  examples: [
    ["volumes", "list name, profile, size, backend and location"],
    ["volumes --json | jq -r '.volumes[].volumeId'", "list their ids on the backend"],
  ],
  async run(context) {
    const stack = await context.stack();
    const [all, { updatedAt }] = [await stack.status(), await stack.readState()];
    const { mistakes } = await stack.readConfig();
    const { dim } = context.colours;
    const whereOf = ({ mountPath, volumeId }: VolumeStatus) => mountPath ?? volumeId ?? dim("not created yet");
    const rows = all.map((each) => [
      each.name,
      each.profile ?? "",
      each.backend ?? "",
      each.recorded
        ? `${count(each.recorded.sizeGiB)} GiB`
        : each.sizeGiB === undefined
          ? ""
          : dim(`${count(each.sizeGiB)} GiB`),
      statusText(each.status, context.colours),
      each.monthlyCost ? formatCost(each.monthlyCost) : dim("unknown"),
      each.declaredBy,
      whereOf(each),
    ]);
    const head = ["VOLUME", "PROFILE", "BACKEND", "SIZE", "STATUS", "COST/MONTH", "DECLARED IN", "ID OR PATH"];
    // On a narrow terminal whole and on a line of its own: an id or a path is there to be copied.
    const below = all.map((each) => `  ${whereOf(each)} (${costOf(each)}, declared in the ${each.declaredBy})`);
    return {
      code: mistakes.length > 0 ? "problems" : "done",
      json: { stack: stack.name, updatedAt, volumes: all, problems: mistakes },
      text: rows.length > 0 ? fittedTable([head, ...rows], context, { columns: 3, below }) : "No volumes.",
      problems: mistakes,
    };
  },
};
