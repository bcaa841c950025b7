// The problems that only local volumes have.

import { coreProblems, defineProblems, problemKind } from "../../core/problems";

export const localProblems = defineProblems(
  {
    problems: {
      "state-directory-missing": problemKind<{ directory: string; volumes: string[] }>({
        meaning: "The state directory doesn't contain the stack's local volumes: its disk isn't mounted.",
        message: ({ directory, volumes }) =>
          `${directory} is not the state directory that contains ${volumes.map((each) => `"${each}"`).join(", ")}`,
        allowed: () => "the state directory that contains this stack's volumes",
        fix: () =>
          "mount its disk; if the disk is lost for good, remove its volumes from the state: `pulumi state delete`",
      }),
    },
  },
  coreProblems,
);

export const { note, problem } = localProblems;

declare module "../../core/problems" {
  interface ProblemRooms {
    local: typeof localProblems;
  }
}
