// The problems that only commands have: many stacks at once, and rollouts.

import { defineProblems, listed, problemKind } from "../core/problems";
import { stackProblems } from "../stack/problems";

export const cliProblems = defineProblems(
  {
    problems: {
      "stack-unmatched": problemKind<{ pattern: string; stacks: string[]; total: number }>({
        meaning: "A pattern matches no stack that has a config file.",
        message: ({ pattern }) => `no stack matches "${pattern}"`,
        allowed: ({ stacks, total }) =>
          total === 0
            ? "none: no project in this directory or below has a stack's config file"
            : `${listed(stacks)}${total > stacks.length ? ` and ${total - stacks.length} more` : ""}`,
        fix: () => "correct the pattern (`*` and `?`; project/stack where it contains a slash), or change --cwd",
      }),
      "setting-not-own": problemKind<{ profile: string; key: string }>({
        meaning:
          "`--unset` is given for a profile that is built in or shared, and that the stack's file doesn't override.",
        message: ({ profile, key }) => `the stack's file doesn't define "${profile}", so it has no ${key} to remove`,
        fix: ({ key }) => `to remove an inherited setting, use --set ${key}=null`,
      }),
      "profile-in-many-files": problemKind<{ profile: string; files: string[] }>({
        meaning: "An edit with `--in catalog` is about several shared files; each is saved on its own, or not at all.",
        message: ({ profile, files }) => `"${profile}" would be edited in several shared files: ${listed(files)}`,
        fix: () => "run the command once for each file, with --stack for the stacks that use it",
      }),
      "rollout-unknown": problemKind<{ id: string }>({
        meaning: "The rollout to resume or to revert isn't known on this machine.",
        message: ({ id }) => `unknown rollout "${id}"`,
        allowed: () => "the name that `apply --waves` printed, on the machine and for the user that ran it",
        fix: () => "edit the profile, and apply it without --waves",
      }),
      "rollout-reverted": problemKind<{ id: string }>({
        meaning: "The rollout was reverted, and can't be resumed or reverted again.",
        message: ({ id }) => `rollout ${id} is reverted`,
        fix: () => "begin a new one with --waves",
      }),
      "rollout-changed": problemKind<{ profile: string }>({
        meaning: "Someone else changed the profile since the rollout began.",
        message: ({ profile }) => `"${profile}" has changed since the rollout began`,
        fix: () => "check the definition, and apply it without --resume or --revert",
      }),
      "rollout-elsewhere": problemKind<{ id: string; isReverted: boolean }>({
        meaning: "Another process resumed or reverted the rollout, so this one stopped.",
        message: ({ id, isReverted }) =>
          `another process has ${isReverted ? "reverted" : "gone on with"} rollout ${id}`,
        fix: () => "wait until that process has ended, and look at its result",
      }),
      "rollout-not-compliant": problemKind<{ volume: string; status: string; because: string }>({
        meaning: "A rollout stopped, because a volume isn't compliant after its wave.",
        message: ({ volume, status, because }) =>
          `"${volume}" is ${status} after its wave${because === "" ? "" : `: ${because}`}`,
        fix: () => "correct the cause and resume the rollout, or revert it",
      }),
      "rollout-not-recorded": problemKind<{ why: string }>({
        meaning: "A rollout can't be recorded, so it could be neither resumed nor reverted; it doesn't begin.",
        message: ({ why }) => `the rollout can't be recorded: ${why}`,
        fix: () => "make ~/.local/state (or $XDG_STATE_HOME) writable",
      }),
    },
  },
  stackProblems,
);

export const { problem } = cliProblems;

declare module "../core/problems" {
  interface ProblemRooms {
    cli: typeof cliProblems;
  }
}
