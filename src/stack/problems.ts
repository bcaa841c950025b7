// The problems of a stack seen from outside its program: project, config, state, operations; and the notes of a status.

import { coreProblems, count, defineProblems, listed, noteKind, problemKind } from "../core/problems";

export const stackProblems = defineProblems(
  {
    problems: {
      "project-missing": problemKind<{ directory: string }>({
        meaning: "No Pulumi project was found.",
        message: ({ directory }) => `no Pulumi.yaml in ${directory} or its parent directories`,
        allowed: () => "a directory inside a Pulumi project",
        fix: () =>
          "change to the project's directory, or pass --cwd; `storage-profiles init` creates a project in an empty directory",
      }),
      "project-not-readable": problemKind<{ why: string }>({
        meaning: "Pulumi.yaml can't be read.",
        message: ({ why }) => `can't be read: ${why}`,
        allowed: () => "a Pulumi project: YAML with `name` and `runtime`",
      }),
      "folder-not-readable": problemKind<{ why: string }>({
        meaning:
          "A folder can't be listed, so the projects in it are unknown, and with them the stacks that the command is about.",
        message: ({ why }) => `can't be listed: ${why}`,
        fix: () => "make the folder readable, or run the command in a folder that has only the projects that are meant",
      }),
      "project-in-other-language": problemKind<{ runtime: string; language: string }>({
        meaning: "`init --language` names another language than the folder's project has.",
        message: ({ runtime, language }) =>
          `the project's runtime is ${runtime}, which doesn't run programs in ${language}`,
        fix: () => "omit --language, or run the command in an empty directory",
      }),
      "stack-not-named": problemKind<{ stacks: string[] }>({
        meaning: "No stack is specified, and none is selected.",
        message: () => "no stack selected",
        allowed: ({ stacks }) => (stacks.length > 0 ? listed(stacks) : "a stack of the project"),
        fix: () => "pass --stack, set PULUMI_STACK, or run `pulumi stack select`",
      }),
      "stack-name-invalid": problemKind<Record<string, never>>({
        meaning: "The stack name isn't valid in Pulumi.",
        message: () => "invalid stack name",
        allowed: () =>
          "`stack`, `organization/stack` or `organization/project/stack`, of letters, digits, `.`, `_` and `-`",
      }),
      "stack-unknown": problemKind<{ stack: string; stacks: string[]; nearest: string | undefined }>({
        meaning: "The stack doesn't exist.",
        message: ({ stack }) => `unknown stack "${stack}"`,
        allowed: ({ stacks }) => (stacks.length > 0 ? listed(stacks) : "a stack created with `pulumi stack init`"),
        fix: ({ stack, nearest }) =>
          nearest === undefined ? `create it: \`pulumi stack init ${stack}\`` : `did you mean "${nearest}"?`,
      }),
      "config-changed": problemKind<{ by?: readonly string[] }>({
        meaning: "The stack's config file has changed since it was read.",
        message: ({ by = [] }) => `the file has changed since it was read${by.length > 0 ? ` (${by.join("; ")})` : ""}`,
        allowed: () => "the current tag of the file",
        fix: () => "read the file again, and repeat the edit",
      }),
      "config-busy": problemKind<{ seconds: number; lock: string }>({
        meaning: "The stack's config file was locked by other edits for too long.",
        message: ({ seconds }) => `the file was locked by other edits for ${count(seconds)} seconds`,
        allowed: () => "one edit at a time",
        fix: ({ lock }) => `try again; if nothing is editing the file, remove ${lock}`,
      }),
      "config-not-written": problemKind<{ why: string }>({
        meaning: "The stack's config file, which is unchanged, or a file of a new project can't be written.",
        message: ({ why }) => `can't be written: ${why}`,
        allowed: () => "a writable file in a writable directory",
        fix: () => "check permissions and free disk space",
      }),
      "git-missing": problemKind<{ why: string }>({
        meaning: "Git can't be started, and edits are to be committed (`--commit`).",
        message: ({ why }) => `Git can't be started: ${why}`,
        allowed: () => "Git on PATH",
        fix: () => "install Git, or omit --commit",
      }),
      "git-not-ready": problemKind<{ why: string; fix: string }>({
        meaning: "Edits are to be committed and pushed (`--commit`), and the checkout isn't in a state for that.",
        message: ({ why }) => why,
        allowed: () => "a Git checkout on a branch that has an upstream and no commits of its own",
        fix: ({ fix }) => fix,
      }),
      "git-file-not-clean": problemKind<{ why: string; fix: string }>({
        meaning: "The file to edit can't be committed alone: it has other changes, or Git doesn't manage it.",
        message: ({ why }) => `the edit can't be committed: ${why}`,
        allowed: () => "a file of the checkout, as it was last committed",
        fix: ({ fix }) => fix,
      }),
      "git-failed": problemKind<{ command: string; why: string; undone?: string | undefined }>({
        meaning:
          "A command of Git failed while an edit was being committed (`--commit`). The message includes its own error, and what became of the edit.",
        message: ({ command, why, undone = "Nothing was changed." }) => `\`git ${command}\` failed: ${why}. ${undone}`,
        fix: ({ command }) =>
          ["fetch", "push"].includes(command)
            ? "check the connection to the remote and the permission to push to the branch"
            : `see Git's message; \`git ${command}\` in the checkout must work`,
      }),
      "edited-twice": problemKind<{ what: string }>({
        meaning: "One request contains two edits of the same profile or volume.",
        message: ({ what }) => `two edits of ${what} in one request`,
        allowed: () => "one edit per profile or volume",
        fix: () => "combine the edits, or make them one after the other",
      }),
      "edit-not-possible": problemKind<{ why: string; fix?: string }>({
        meaning:
          "The stack's config file is written in a way in which one value can't be changed without affecting others.",
        message: ({ why }) => `can't be edited automatically: ${why}`,
        allowed: () => "plain keys with their own values",
        fix: ({ fix }) => fix ?? "edit the file by hand",
      }),
      "profile-in-use": problemKind<{ profile: string; volumes: string[]; profiles: string[] }>({
        meaning: "A profile can't be removed while volumes use it or other profiles extend it.",
        message: ({ profile, volumes, profiles }) =>
          `"${profile}" is used by ${[
            volumes.length > 0 ? `${volumes.length === 1 ? "volume" : "volumes"} ${listed(volumes)}` : "",
            profiles.length > 0 ? `${profiles.length === 1 ? "profile" : "profiles"} ${listed(profiles)}` : "",
          ]
            .filter((each) => each !== "")
            .join(" and by ")}`,
        fix: ({ volumes }) =>
          volumes.length > 0
            ? "first give those volumes another profile, and apply"
            : "first let those profiles extend another profile",
      }),
      "profile-shared": problemKind<{ profile: string; file: string }>({
        meaning:
          "An edit is about a profile of a shared file (`storage-profiles:catalog`), and doesn't say where to make it.",
        message: ({ profile, file }) => `"${profile}" is defined in ${file}, which other stacks may use too`,
        allowed: () =>
          "`stack`: override it in this stack's file; `catalog`: change it in the shared file, for all its stacks",
        fix: () => "with commands, add --in stack or --in catalog; over HTTP, ?in=stack or ?in=catalog",
      }),
      "profile-read-only": problemKind<{ profile: string; file: string }>({
        meaning: "A profile of a package's file can't be edited: the next installation would undo it.",
        message: ({ profile, file }) => `"${profile}" is defined in ${file}, a file of a package, which is read-only`,
        fix: () => "override it in this stack (--in stack), or publish a new version of the package and install it",
      }),
      "profile-not-shared": problemKind<{ profile: string; files: string[] }>({
        meaning: "The profile to edit in a shared file isn't defined in any.",
        message: ({ profile, files }) =>
          files.length === 0
            ? `"${profile}" can't be edited in a shared file: the config names none`
            : `"${profile}" isn't defined in ${listed(files)}`,
        fix: () => "edit it in the stack (--in stack), or add it to the shared file by hand",
      }),
      "profile-not-own": problemKind<{
        profile: string;
        profiles: string[];
        isBuiltIn: boolean;
        file?: string | undefined;
        nearest: string | undefined;
      }>({
        meaning: "The profile to remove isn't defined in the stack's file.",
        message: ({ profile, isBuiltIn, file }) =>
          file !== undefined
            ? `"${profile}" is defined in ${file}, and the stack's file doesn't override it`
            : isBuiltIn
              ? `"${profile}" is built in, and the stack's file doesn't override it`
              : `unknown profile "${profile}"`,
        allowed: ({ profiles }) =>
          profiles.length > 0 ? listed(profiles) : "none: the stack's file defines no profiles",
        fix: ({ nearest }) =>
          nearest === undefined ? "use a profile that the stack's file defines" : `did you mean "${nearest}"?`,
      }),
      "volume-unknown": problemKind<{
        volume: string;
        volumes: string[];
        nearest: string | undefined;
        otherwise?: string | undefined;
      }>({
        meaning: "The volume doesn't exist.",
        message: ({ volume }) => `unknown volume "${volume}"`,
        allowed: ({ volumes }) => (volumes.length > 0 ? listed(volumes) : "none: the stack has no volumes"),
        fix: ({ nearest, otherwise }) =>
          nearest === undefined ? "" : `did you mean "${nearest}"?${otherwise === undefined ? "" : ` ${otherwise}`}`,
      }),
      "volume-ambiguous": problemKind<{ volume: string; urns: string[] }>({
        meaning: "Several volumes in the stack have this name.",
        message: ({ volume, urns }) => `${urns.length} volumes are named "${volume}"`,
        allowed: ({ urns }) => urns.join(", "),
        fix: () => "use the URN instead of the name",
      }),
      "volume-protected": problemKind<{ volume: string }>({
        meaning: "The volume to remove is protected against deletion.",
        message: ({ volume }) => `"${volume}" is protected against deletion`,
        fix: ({ volume }) =>
          `to delete it with its data, set \`deletionProtection: false\` for "${volume}", apply, then remove it`,
      }),
      "volume-declared": problemKind<{ volume: string; by: string }>({
        meaning: "The volume to delete is still declared.",
        message: ({ volume, by }) => `"${volume}" is still declared in ${by}`,
        fix: ({ by }) => `remove it from ${by} first`,
      }),
      "volume-not-made": problemKind<{ name: string; because: string }>({
        meaning: "The `up` finished, but the requested volume doesn't exist.",
        message: ({ name, because }) => `volume "${name}" doesn't exist after the \`up\`: ${because}`,
        allowed: () =>
          "a program that declares the volumes in the stack's config (`volumesOfStack()` in TypeScript, the resource `StackVolumes` in other languages)",
        fix: ({ name }) => `declare them in the program, or only "${name}"`,
      }),
      "volume-of-program": problemKind<{ volume: string }>({
        meaning: "The profile of a volume can't be changed in the config when the program sets it.",
        message: ({ volume }) => `the program sets the profile and the size of "${volume}"`,
        allowed: () => "a volume listed in the stack's config",
        fix: ({ volume }) =>
          `change the ProfiledVolume "${volume}" in the program; the profile's definition can be changed in the config`,
      }),
      "pin-unknown": problemKind<{ pin: string; pins: string[] }>({
        meaning: "Nothing is pinned under this name.",
        message: ({ pin }) => `"${pin}" isn't pinned`,
        allowed: ({ pins }) => (pins.length > 0 ? listed(pins) : "nothing is pinned in this stack"),
      }),
      "pin-out-of-date": problemKind<{ volume: string; profile: string }>({
        meaning: "The volume doesn't have the profile's current definition, and only that one can be pinned.",
        message: ({ volume, profile }) =>
          `"${volume}" is out of date: pinning would keep the current definition of "${profile}", not the one that the volume has`,
        allowed: () => "volumes that have the current definition, or aren't created yet",
        fix: ({ volume }) => `apply "${volume}" first, or restore the former definition and pin it then`,
      }),
      "rollout-busy": problemKind<{ id: string; holder: string | undefined }>({
        meaning: "Another process is carrying out, resuming or reverting the rollout.",
        message: ({ id, holder }) => `rollout ${id} is in use by ${holder ?? "another process"}`,
        allowed: () => "one process at a time per rollout",
        fix: () => "wait until that process has ended, or stop it with Ctrl-C",
      }),
      "engine-missing": problemKind<{ why: string }>({
        meaning: "The Pulumi CLI can't be started.",
        message: ({ why }) => `the Pulumi CLI can't be started: ${why}`,
        allowed: () => "the Pulumi CLI on PATH",
        fix: () => "install it: https://www.pulumi.com/docs/install/",
      }),
      "engine-failed": problemKind<{ command: string; why: string; fix?: string | undefined }>({
        meaning: "The Pulumi CLI failed. The message includes its own error.",
        message: ({ command, why }) => `\`pulumi ${command}\` failed: ${why}`,
        fix: ({ fix }) => fix ?? "",
      }),
      "providers-changed": problemKind<object>({
        meaning:
          "The program's language or a provider package has changed since the last `up`: the next run must cover the whole stack.",
        message: () =>
          "since the last `up`, resources of the stack have another provider: the program's language or a provider package has changed",
        allowed: () => "an `up` of the whole stack",
        fix: () => "run `pulumi up` once, without --target",
      }),
      "state-not-readable": problemKind<{ why: string }>({
        meaning: "The format of the Pulumi state isn't supported.",
        message: ({ why }) => `the state can't be read: ${why}`,
        allowed: () => "the format of `pulumi stack export`",
        fix: () => "use a release of storage-profiles that supports this version of Pulumi",
      }),
      "stack-locked": problemKind<{ stack: string; holder: string; deadOn: string | undefined }>({
        meaning: "Another run holds the stack's lock, or a killed run left its lock behind.",
        message: ({ holder, deadOn }) =>
          deadOn === undefined
            ? `the stack is locked by another run: ${holder}`
            : `the stack is locked by a run that isn't running here: ${holder}`,
        allowed: () => "one run at a time per stack",
        fix: ({ stack, deadOn }) =>
          deadOn === undefined
            ? `wait until it finishes; only if it was killed, remove its lock: pulumi cancel ${stack}`
            : `if no other machine or container is named ${deadOn}, the run was killed: remove its lock (pulumi cancel ${stack}) and run the command again; it completes what was started`,
      }),
      "operation-unknown": problemKind<Record<string, never>>({
        meaning: "The operation doesn't exist.",
        message: () => "unknown operation",
        allowed: () => "the id of an operation of this stack",
        fix: () => "list the operations; old ones are removed",
      }),
      "operation-not-resumable": problemKind<{ state: string }>({
        meaning: "Only an operation that was interrupted, failed or was cancelled can be run again.",
        message: ({ state }) => `the operation is ${state}`,
        allowed: () => "an operation that was interrupted, failed or was cancelled",
      }),
      "operation-cancelled": problemKind<Record<string, never>>({
        meaning: "The operation was cancelled before it finished.",
        message: () => "the operation was cancelled",
        fix: () => "apply again: this completes what was started and creates nothing twice",
      }),
    },
    notes: {
      "status-not-made": noteKind<Record<string, never>>({
        meaning: "The volume is declared, but not created yet.",
        message: () => "not created yet",
      }),
      "status-profile-changed": noteKind<{ from: string; to: string }>({
        meaning: "The volume is declared with a different profile than the one last applied.",
        message: ({ from, to }) => `profile changed from "${from}" to "${to}", not applied yet`,
      }),
      "status-revision-changed": noteKind<{ profile: string; from: string; to: string; file?: string | undefined }>({
        meaning: "The volume's profile changed since the volume was last applied.",
        message: ({ profile, file }) =>
          `profile "${profile}"${file === undefined ? "" : ` (${file})`} changed since this volume was last applied`,
      }),
      "status-declaration-changed": noteKind<{ what: string }>({
        meaning:
          "Another part of the declaration changed since the volume was last applied: its size, location or limits.",
        message: ({ what }) => `${what}, not applied yet`,
      }),
      "status-taken-over": noteKind<{ owner: string }>({
        meaning: "Another stack or resource has imported the volume.",
        message: ({ owner }) => `now owned by ${owner}, which imported it`,
      }),
      "status-drifted": noteKind<{ what: string }>({
        meaning: "The volume has drifted: it was changed on the backend.",
        message: ({ what }) => `drifted: ${what}`,
      }),
      "environments-unseen": noteKind<{ environments: string[] }>({
        meaning:
          "The stack's file imports environments (Pulumi ESC). Only Pulumi can resolve their values, so results don't include them.",
        message: ({ environments }) =>
          `values from ${listed(environments)} (\`environment\` in the stack's file) aren't included; run \`pulumi preview\` to see results with them`,
      }),
      "status-follower-differs": noteKind<{ what: string }>({
        meaning:
          "A mapping of the volume has different limits than the volume: it was changed on the backend, or the last `up` didn't update it.",
        message: ({ what }) => `${what}: changed on the backend, or not updated by the last \`up\``,
      }),
      "status-not-possible": noteKind<{ what: string }>({
        meaning: "The volume's declaration is invalid.",
        message: ({ what }) => `invalid declaration: ${what}`,
      }),
      "status-incomplete": noteKind<{ what: string }>({
        meaning: "The backend accepted the last change of the volume, and hasn't carried it out.",
        message: ({ what }) => `the last change isn't complete: ${what}`,
      }),
      "status-unfinished": noteKind<Record<string, never>>({
        meaning: "The last `up` didn't complete the volume, so its status is unknown.",
        message: () => "not completed by the last `up`",
      }),
      "status-gone": noteKind<Record<string, never>>({
        meaning: "The volume no longer exists on the backend, according to a refresh.",
        message: () => "the volume is missing on the backend: it was deleted, or never created",
      }),
      "status-not-readable": noteKind<Record<string, never>>({
        meaning: "The volume's entry in the state has an unsupported format.",
        message: () => "its entry in the state can't be read",
      }),
    },
  },
  coreProblems,
);

export const { note, problem } = stackProblems;

declare module "../core/problems" {
  interface ProblemRooms {
    stack: typeof stackProblems;
  }
}
