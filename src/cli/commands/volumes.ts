// `volumes`: the volumes that there are, declared and made.

import { formatCost } from "../../core/cost";
import { count } from "../../core/problems";
import type { CommandSpec } from "../context";
import { fittedTable, statusText } from "../text";

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
      each.mountPath ?? each.volumeId ?? dim("not created yet"),
    ]);
    const head = ["VOLUME", "PROFILE", "BACKEND", "SIZE", "STATUS", "COST/MONTH", "DECLARED IN", "ID OR PATH"];
    return {
      code: mistakes.length > 0 ? "problems" : "done",
      json: { stack: stack.name, updatedAt, volumes: all, problems: mistakes },
      text: rows.length > 0 ? fittedTable([head, ...rows], context) : "No volumes.",
      problems: mistakes,
    };
  },
};
