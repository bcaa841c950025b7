// The problems and notes that only Kubernetes has.

import { coreProblems, defineProblems, listed, noteKind, problemKind } from "../../core/problems";

export const kubernetesProblems = defineProblems(
  {
    problems: {
      "claim-refused": problemKind<{ because: string; way: string }>({
        meaning: "The Kubernetes API server refused a claim.",
        message: ({ because }) => because,
        fix: ({ way }) => way,
      }),
    },
    notes: {
      "tags-kept": noteKind<{ tags: string[] }>({
        meaning: "On Kubernetes, a change of class adds and overwrites tags, and never removes one.",
        message: ({ tags }) =>
          `the volume keeps ${tags.length === 1 ? "tag" : "tags"} ${listed(tags)}: a class can't remove tags`,
      }),
      "class-missing": noteKind<{ kind: string; name: string; waits: string }>({
        meaning:
          "On Kubernetes, a class of a new volume, or the one that a volume changes to, doesn't exist in the cluster.",
        message: ({ kind, name, waits }) =>
          `${kind} ${name} doesn't exist in the cluster yet; ${waits} waits until it does`,
      }),
      "class-left-out": noteKind<{ name: string; because: string }>({
        meaning: "On Kubernetes, a profile has no StorageClass of its own name.",
        message: ({ name, because }) => `no StorageClass "${name}": ${because}`,
      }),
    },
  },
  coreProblems,
);

export const { note, problem } = kubernetesProblems;

declare module "../../core/problems" {
  interface ProblemRooms {
    kubernetes: typeof kubernetesProblems;
  }
}
