// The problems and notes that only EBS has.

import { coreProblems, defineProblems, noteKind, problemKind } from "../../core/problems";

export const awsProblems = defineProblems(
  {
    problems: {
      "no-type-admits": problemKind<{ reasons: string[] }>({
        meaning: "`cheapest` is set, but no volume type of the backend fits the request.",
        message: ({ reasons }) => `no volume type fits: ${reasons.join("; ")}`,
        fix: () => "change the size or the profile's settings",
      }),
      "modification-too-early": problemKind<{ id: string; because: string }>({
        meaning:
          "EC2 doesn't accept another modification of the volume yet. Size, type, IOPS and throughput are unchanged.",
        message: ({ id, because }) => `EC2 doesn't accept another modification of ${id} yet: ${because}`,
        allowed: () => "four modifications in 24 hours, each after the previous one is completed",
        fix: ({ id }) =>
          `check its progress (aws ec2 describe-volumes-modifications --volume-ids ${id}), and run \`pulumi up --refresh\` later`,
      }),
      "creation-unanswered": problemKind<{ name: string }>({
        meaning:
          "EC2 didn't respond to the request to create a volume, or waiting for the volume was interrupted. A volume may exist that isn't in the state.",
        message: () =>
          "EC2 may have created the volume without responding; it isn't in the state, and the next `up` would create another",
        fix: ({ name }) =>
          `look for it (aws ec2 describe-volumes --filters Name=tag:Name,Values=${name} Name=status,Values=available); if it exists, ` +
          "import it with `import`, or delete it, before the next `pulumi up`",
      }),
    },
    notes: {
      "type-chosen": noteKind<{ type: string; because: string }>({
        meaning: "`cheapest` chose a volume type.",
        message: ({ type, because }) => `chose "${type}": ${because}`,
      }),
      "price-without-requests": noteKind<{ what: string }>({
        meaning: "The monthly cost doesn't include usage-based charges.",
        message: ({ what }) => `the monthly cost doesn't include ${what}`,
      }),
      "modification-limit": noteKind<{ what: string }>({
        meaning: "The backend limits how often a volume can be modified.",
        message: ({ what }) => what,
      }),
      "hard-to-change": noteKind<{ because: string }>({
        meaning: "It may not be possible to change the volume later.",
        message: ({ because }) => because,
      }),
    },
  },
  coreProblems,
);

export const { note, problem } = awsProblems;

declare module "../../core/problems" {
  interface ProblemRooms {
    aws: typeof awsProblems;
  }
}
