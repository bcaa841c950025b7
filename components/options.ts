// Options of Pulumi that do nothing on a component, whose resources are its children: each is passed on to them, or refused.

import type * as pulumi from "@pulumi/pulumi";

import { problem, type Problem } from "../src";

/** The options by which a resource is replaced. The last two are newer than the oldest Pulumi. */
const REPLACING = ["replaceOnChanges", "replacementTrigger", "replaceWith"];

/** An operation that `customTimeouts` can limit. */
export type TimedOperation = "create" | "update" | "delete";

/**
 * What is wrong with the options of a component. `timed` are the operations whose time limit its children are given; `limit` is what
 * limits the others, where something does.
 */
export function optionProblems(
  opts: pulumi.ComponentResourceOptions = {},
  timed: readonly TimedOperation[] = [],
  limit?: string,
): Problem[] {
  const refused = (option: string, because: string, ways: string[]) =>
    problem("setting-not-applicable", `opts.${option}`, undefined, { setting: option, because, ways });
  const problems: Problem[] = [];
  if (isGiven(opts.ignoreChanges)) {
    const because = "it has no effect on a component";
    problems.push(refused("ignoreChanges", because, ["remove it", "declare the volume's current settings"]));
  }
  for (const option of replacingOptions(opts)) {
    const because = "a component isn't replaced, and replacing a volume loses its data";
    problems.push(refused(option, because, ["remove it"]));
  }
  const untimed = Object.keys(opts.customTimeouts ?? {}).filter((key) => !timed.some((each) => each === key));
  if (untimed.length > 0) {
    const because = `timeouts for ${untimed.join(" and ")} aren't supported`;
    problems.push(refused("customTimeouts", because, ["remove it", ...(limit === undefined ? [] : [limit])]));
  }
  return problems;
}

/** The options that a component passes on to its children. */
export function passedOn({ customTimeouts }: pulumi.ComponentResourceOptions = {}): Pick<
  pulumi.ResourceOptions,
  "customTimeouts"
> {
  return customTimeouts === undefined ? {} : { customTimeouts };
}

/** The names of the given options by which a resource is replaced. */
export function replacingOptions(opts: pulumi.ResourceOptions = {}): string[] {
  return REPLACING.filter((option) => isGiven((opts as Record<string, unknown>)[option]));
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
}
