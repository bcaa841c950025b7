// The problems that only ContainerIO has.

import { coreProblems, defineProblems, problemKind } from "../../core/problems";

export const cioProblems = defineProblems(
  {
    problems: {
      "not-in-release": problemKind<{ product: string; because: string; allowed: string; way: string }>({
        meaning:
          "The release of the backend's product, which the stack's config names, doesn't have what the profile asks for.",
        message: ({ product, because }) => `${product} can't do that: ${because}`,
        allowed: ({ allowed }) => allowed,
        fix: ({ way }) => way,
      }),
    },
  },
  coreProblems,
);

export const { note, problem } = cioProblems;

declare module "../../core/problems" {
  interface ProblemRooms {
    cio: typeof cioProblems;
  }
}
