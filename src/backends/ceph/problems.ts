// The problems that only Ceph's pools have.

import { coreProblems, defineProblems, either, problemKind } from "../../core/problems";

export const cephProblems = defineProblems(
  {
    problems: {
      "pool-specs-differ": problemKind<{ pool: string; profile: string; other: string }>({
        meaning: "Two profiles define the same pool differently.",
        message: ({ pool, profile, other }) => `"${profile}" and "${other}" define pool "${pool}" differently`,
        allowed: () => "one definition per pool",
        fix: ({ profile }) =>
          `give "${profile}" its own \`pool\` or the same definition; set \`specs: null\` if it only uses the pool`,
      }),
      "pool-taken": problemKind<{ pool: string; by: string | undefined }>({
        meaning: "The cluster has a pool of that name that this stack didn't create.",
        message: ({ pool, by }) =>
          `pool "${pool}" already exists${by === undefined ? ", and this stack didn't create it" : `: it belongs to ${by}`}`,
        allowed: () => "the name of a pool that doesn't exist yet",
        fix: ({ pool, by }) =>
          by === undefined
            ? `to manage that pool with its data, add "${pool}" to \`import\`; otherwise use another \`pool\``
            : "use another `pool`, or set `specs: null` if the profile only uses it",
      }),
      "pool-unsafe": problemKind<{ pool: string; because: string; ways: string[] }>({
        meaning: "A change or the removal of a pool would lose data, or stop its clients.",
        message: ({ pool, because }) => `pool "${pool}" ${because}`,
        fix: ({ ways }) => either(ways),
      }),
    },
  },
  coreProblems,
);
export const { problem } = cephProblems;

declare module "../../core/problems" {
  interface ProblemRooms {
    ceph: typeof cephProblems;
  }
}
