// `volumes`: the volumes that there are, declared and made.

import { formatCost } from "../../core/cost";
import { count } from "../../core/problems";
import type { CommandSpec } from "../context";
import { statusText, table } from "../text";

export const volumes: CommandSpec = {
  name: "volumes",
  summary: "lists the volumes: those that the config lists, and those that the program declares and the state has",
  examples: [
    ["volumes", "name, profile, size, backend, where each is"],
    ["volumes --json | jq -r '.volumes[].volumeId'", "their ids on the backend"],
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
      each.mountPath ?? each.volumeId ?? dim("not created"),
    ]);
    const head = ["VOLUME", "PROFILE", "BACKEND", "SIZE", "STATUS", "COST A MONTH", "DECLARED BY", "WHERE"];
    return {
      code: mistakes.length > 0 ? "problems" : "done",
      json: { stack: stack.name, updatedAt, volumes: all, problems: mistakes },
      text: rows.length > 0 ? table([head, ...rows], context.colours) : "There are no volumes.",
      problems: mistakes,
    };
  },
};
