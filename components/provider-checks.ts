// What the checks of our dynamic providers share.

import type * as dynamic from "@pulumi/pulumi/dynamic";

import { advice, type Problem } from "../src";

/**
 * The problems of a check, and an error of the backend, as failures. The engine stops at the first thing that a check throws, and shows a
 * stack for it; failures it shows as what they are. Errors of other classes are thrown.
 */
export async function failuresOf(
  isOurs: (error: unknown) => error is Error,
  action: () => Promise<Problem[]>,
): Promise<dynamic.CheckFailure[]> {
  try {
    const problems = await action();
    return problems.map((each) => ({
      property: each.path,
      reason: [
        `${each.message} [${each.code}]`,
        ...advice(each).map(([label, text]) => `      ${label.padEnd(8)} ${text}`),
      ].join("\n"),
    }));
  } catch (error) {
    if (!isOurs(error)) throw error;
    return [{ property: "", reason: error.message }];
  }
}

/** The engine's mark for a value that isn't known yet, as it reaches a dynamic provider. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether something in a provider's inputs isn't known yet. */
export function containsUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).some(containsUnknown);
  return value === UNKNOWN;
}
