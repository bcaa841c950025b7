// `plan`: what a change would do, to whom, and what it makes of the cost. Nothing is changed.

import type { Problem } from "../../core/problems";
import { whatIf } from "../../stack";
import { statusesOf } from "../../stack/status";
import type { CommandSpec } from "../context";
import { askedBy, planForProfile, profileEdit, profileOptions } from "../references";
import { checkOptions, planAll } from "./plan-many";
import { planText } from "./plan-text";

export const plan: CommandSpec = {
  name: "plan",
  summary: "Show what a change would do (update in place, migrate data, or be refused), and its effect on the cost",
  description:
    "Without arguments: everything that is declared but not applied yet. With a reference: a new profile or size for a volume. " +
    "With --profile: an edit of a profile, and its effect on all volumes.",
  arguments: [{ name: "[reference...]", description: "volume@profile, or volume", completes: "reference" }],
  options: [{ flags: "--size <size>", description: "new size: a number of GiB, or with a unit" }, ...profileOptions],
  examples: [
    ["plan", "show everything that the next apply would do"],
    ["plan data@gold", "preview the profile gold for data"],
    ["plan data --size 200", "preview growing data to 200 GiB"],
    ["plan --profile gold --set local.iops=5000", "preview an edit of gold on all its volumes"],
    ["plan --all --profile gold --in catalog --set local.iops=5000", "the same across all stacks, in the shared file"],
  ],
  async run(context) {
    const stack = await context.stack();
    const [read, state] = [await stack.readConfig(), await stack.readState()];
    await stack.checkKnown();
    const asked = askedBy(context, read, state);
    const ofProfile = profileEdit(context, read);
    const edits = [...asked.edits, ...ofProfile.edits];
    const wrong = [...asked.problems, ...ofProfile.problems];
    if (wrong.length > 0) return { code: "problems", json: { problems: wrong }, problems: wrong };

    const supposed = asked.ofProgram.map((each) => whatIf(read, state, each));
    const others = asked.names.filter((name) => !asked.ofProgram.some((each) => each.name === name));
    const isNarrow = edits.length > 0 || asked.names.length > 0;
    const planned = (volumes: string[]) => stack.plan(edits, { willApply: true, ...(isNarrow && { volumes }) });
    const result =
      ofProfile.edits.length > 0
        ? (await planForProfile({ context, read, volumes: others }, planned, () => statusesOf(read, state))).planned
        : await planned(others);
    const plans = [...result.touched, ...supposed];
    const refused = supposed.filter(({ verdict }) => verdict === "refused").flatMap(({ problems }) => problems);
    const problems: Problem[] = [...result.problems, ...refused];
    const isRefused = problems.length > 0 || plans.some(({ verdict }) => verdict === "refused");
    return {
      code: isRefused ? "problems" : "done",
      json: {
        stack: stack.name,
        tag: result.tag,
        plans,
        problems,
        diff: result.diff,
        leftOut: result.leftOut,
        sharedFile: result.sharedFile,
      },
      text: planText({ ...result, touched: plans, problems }, context.colours),
    };
  },
  async many(context) {
    checkOptions(context);
    return (await planAll(context)).answer;
  },
};
