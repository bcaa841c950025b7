// What EC2 answers to a modification that comes too early, in words that say what to do. It is never tried again: the wait is hours.

import { formatProblems, problem } from "../../src";

// Source: the EC2 API reference, "Error codes", and the user guide, "Requirements for Amazon EBS volume modifications".
const REASONS: Record<string, string> = {
  VolumeModificationRateExceeded: "it has had its four modifications of the last 24 hours",
  IncorrectModificationState: "its last modification is not completed",
};

/** What an error of a volume's update means and what to do, or nothing where it isn't about modifications. */
export function explainModification(name: string, id: string, errors: string[]): string | undefined {
  const code = Object.keys(REASONS).find((each) => errors.some((error) => error.includes(each)));
  if (code === undefined) return undefined;
  const because = REASONS[code] ?? "";
  return formatProblems(name, [problem("modification-too-early", "settings", undefined, { id, because })]);
}
