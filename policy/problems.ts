// The problems that policies report.

import { coreProblems, defineProblems, problemKind } from "../src/core/problems";

export const policyProblems = defineProblems(
  {
    problems: {
      "volume-without-profile": problemKind<{ type: string }>({
        meaning: "A policy requires profiles, but the program declares a backend's own volume.",
        message: ({ type }) => `${type} is declared without a profile`,
        allowed: () => "volumes that a `ProfiledVolume` creates",
        fix: () =>
          "declare it as a `ProfiledVolume`; its argument `import` takes an existing volume over with its data",
      }),
      "profile-not-permitted": problemKind<{ profile: string; stack: string; permitted: readonly string[] }>({
        meaning: "A policy doesn't permit the profile in this stack.",
        message: ({ profile, stack }) => `profile "${profile}" isn't permitted in stack ${stack}`,
        allowed: ({ permitted }) => (permitted.length > 0 ? permitted.join(", ") : "no profile at all"),
        fix: () => "choose a permitted profile",
      }),
      "cost-beyond-limit": problemKind<{ cost: string; limit: string; dearest: string }>({
        meaning: "The volumes of a stack cost more per month than a policy permits.",
        message: ({ cost, limit }) => `the volumes cost ${cost} per month, and the limit is ${limit}`,
        allowed: ({ limit }) => `at most ${limit} per month for all volumes of the stack`,
        fix: ({ dearest }) => `choose cheaper profiles or smaller sizes, first for ${dearest}`,
      }),
      "cost-unknown": problemKind<Record<string, never>>({
        meaning: "A policy limits the monthly cost of the stack, and the cost of a volume isn't known.",
        message: () => "the monthly cost isn't known",
        fix: () => "set prices in the stack's config, or let the policy ignore volumes of unknown cost",
      }),
      "volume-not-encrypted": problemKind<{ backend: string; isKnown: boolean }>({
        meaning: "A policy requires encryption, and the volume isn't encrypted, or its settings don't tell.",
        message: ({ backend, isKnown }) =>
          isKnown ? "the volume isn't encrypted" : `settings on ${backend} don't tell whether a volume is encrypted`,
        allowed: () => "encrypted volumes",
        fix: ({ backend, isKnown }) =>
          isKnown
            ? "choose a profile that encrypts"
            : `if the storage encrypts by itself, add "${backend}" to \`exempt\` in the policy's config`,
      }),
      "volume-transformed": problemKind<Record<string, never>>({
        meaning: "A policy forbids `transform`, and one changes the volume's own resource.",
        message: () => "a `transform` changes the volume's own resource",
        allowed: () => "what the profile and the volume's overrides say",
        fix: () => "remove the `transform`, and set what it does in a profile or in the volume's overrides",
      }),
    },
  },
  coreProblems,
);

export const { problem } = policyProblems;

declare module "../src/core/problems" {
  interface ProblemRooms {
    policy: typeof policyProblems;
  }
}
