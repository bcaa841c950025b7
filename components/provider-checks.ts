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

/** Why a volume can't have the name that its declaration asks for now; nothing where it has it, or none is asked for. */
export function renameFailures(name: string | undefined, physicalName: string | undefined): dynamic.CheckFailure[] {
  if (physicalName === undefined || physicalName === name) return [];
  const reason = `the volume is named "${name}" and can't be renamed. Set physicalName to "${name}", or remove it`;
  return [{ property: "physicalName", reason }];
}

/** The engine's mark for a value that isn't known yet, as it reaches a dynamic provider. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether something in a provider's inputs isn't known yet. */
export function containsUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).some(containsUnknown);
  return value === UNKNOWN;
}
