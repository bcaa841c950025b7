// The problems and notes of Compose files.

import { coreProblems, defineProblems, listed, noteKind, problemKind, show } from "../core/problems";

export const composeProblems = defineProblems(
  {
    problems: {
      "compose-not-readable": problemKind<{ why: string }>({
        meaning: "A Compose file is missing, isn't valid YAML, or isn't a mapping.",
        message: ({ why }) => `the Compose file can't be read: ${why}`,
        allowed: () => "a Compose file: YAML with a mapping of `services`, `volumes` and so on",
        fix: () => "correct the file or its path (relative to the project directory)",
      }),
      "compose-env-invalid": problemKind<{ why: string }>({
        meaning: "A `.env` file contains a line that Compose can't parse.",
        message: ({ why }) => `the file can't be parsed: ${why}`,
        allowed: () => "lines of the form `NAME=value`, with or without quotes",
      }),
      "compose-variable-invalid": problemKind<{ why: string }>({
        meaning: "A variable in a Compose file, or its substitution, has a form that Compose doesn't support.",
        message: ({ why }) => why,
        allowed: () => "`$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, and `$$` for a dollar sign",
        fix: () => "correct it, and check with `docker compose config`",
      }),
      "compose-variable-required": problemKind<{ variable: string; message: string }>({
        meaning: "A Compose file requires a variable (`${NAME:?message}`) that is not set.",
        message: ({ variable, message }) => `${variable} is not set${message === "" ? "" : `: ${message}`}`,
        fix: ({ variable }) => `set ${variable} in the environment, or in the file .env next to the Compose file`,
      }),
      "compose-project-invalid": problemKind<{ name: string }>({
        meaning: "The name of a Compose project is missing or invalid.",
        message: ({ name }) =>
          name === "" ? "the Compose project has no name" : `invalid Compose project name "${name}"`,
        allowed: () => "lowercase letters, digits, `-` and `_`, beginning with a letter or a digit",
        fix: () => "set the project name with `projectName`, COMPOSE_PROJECT_NAME, or `name:` in the Compose file",
      }),
      "compose-refuses": problemKind<{ because: string; way: string }>({
        meaning: "Compose itself would reject the file because of a volume's definition.",
        message: ({ because }) => `Compose rejects this: ${because}`,
        fix: ({ way }) => way,
      }),
      "compose-not-supported": problemKind<{ what: string; way: string }>({
        meaning: "A Compose file includes a remote file (from a registry or a Git repository), which isn't fetched.",
        message: ({ what }) => `${what} is remote; remote files aren't fetched`,
        allowed: () => "Compose files on this machine",
        fix: ({ way }) => way,
      }),
      "compose-include-missing": problemKind<{ file: string; why: string }>({
        meaning: "A file that a Compose file includes, or its `env_file`, can't be read.",
        message: ({ file, why }) => `the included file ${file} can't be read: ${why}`,
        allowed: () =>
          "an existing file; `path` is relative to the project directory of the including file, `env_file` to where Compose looks for it",
        fix: ({ file }) => `correct the path, or put the file at ${file}`,
      }),
      "compose-include-cycle": problemKind<{ chain: string[] }>({
        meaning: "A Compose file includes itself, directly or through others.",
        message: ({ chain }) => `include cycle: ${chain.join(" includes ")}`,
        fix: ({ chain }) => `remove the \`include\` of ${chain.at(-1) ?? ""} from ${chain.at(-2) ?? ""}`,
      }),
      "compose-said-twice": problemKind<{ what: string; first: unknown; where: string }>({
        meaning: "A Compose file sets a volume's profile or size in two places, to different values.",
        message: ({ what, first, where }) => `the ${what} is already set to ${show(first)} by ${where}`,
        fix: ({ what }) => `set the ${what} only once`,
      }),
      "compose-volume-unknown": problemKind<{ name: string; volumes: string[]; nearest: string | undefined }>({
        meaning: "`x-storage-profiles` in a Compose file names a volume that isn't listed under `volumes`.",
        message: ({ name }) => `unknown volume "${name}"`,
        allowed: ({ volumes }) => listed(volumes) || "none: the Compose file has no volumes",
        fix: ({ name, nearest }) => (nearest ? `did you mean "${nearest}"?` : `add "${name}" to \`volumes\``),
      }),
    },
    notes: {
      "compose-variable-unset": noteKind<{ variables: string[] }>({
        meaning: "A Compose file uses variables that are not set; Compose replaces them with an empty string.",
        message: ({ variables }) => `not set, replaced with an empty string: ${listed(variables)}`,
      }),
    },
  },
  coreProblems,
);

export const { note, problem } = composeProblems;

declare module "../core/problems" {
  interface ProblemRooms {
    compose: typeof composeProblems;
  }
}
