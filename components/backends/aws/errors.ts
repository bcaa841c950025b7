// What errors of EC2 mean where they don't say it, in words that say what to do. Nothing is tried again.

import { formatProblems, type Problem } from "../../../src";
import { problem } from "../../../src/backends/aws/problems";

// Source: the EC2 API reference, "Error codes", and the user guide, "Requirements for Amazon EBS volume modifications".
const TOO_EARLY: Record<string, string> = {
  VolumeModificationRateExceeded: "it was already modified four times in the last 24 hours",
  IncorrectModificationState: "its last modification isn't completed",
};

/** What errors of a volume's resource mean and what to do, or nothing where they say it themselves. */
export function explainErrors(name: string, id: string, errors: string[]): string | undefined {
  const found = errors.map((error) => problemOf(name, id, error)).find((each) => each !== undefined);
  return found && formatProblems(name, [found]);
}

function problemOf(name: string, id: string, error: string): Problem | undefined {
  const code = Object.keys(TOO_EARLY).find((each) => error.includes(each));
  if (code !== undefined) {
    return problem("modification-too-early", "settings", undefined, { id, because: TOO_EARLY[code] ?? "" });
  }
  // A refusal has a code of EC2's ("api error InvalidParameterValue: …"). After an error of its servers, EC2's documents say, look.
  const isUnanswered =
    /\bCreateVolume\b/.test(error) && (/StatusCode: 5\d\d/.test(error) || !/\bapi error \w/.test(error));
  const isUnfinished = /waiting for EBS Volume .* create/.test(error);
  return isUnanswered || isUnfinished ? problem("creation-unanswered", "", undefined, { name }) : undefined;
}
