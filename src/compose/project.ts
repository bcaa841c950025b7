// The name of a Compose project: it stands before the name of every volume that has no `name` of its own.

import type { Problem } from "../core/problems";
import { problem } from "./problems";

/** Where a project's name may come from; the first that is there counts. */
export interface ProjectNames {
  /** As by `-p`. */
  given: string | undefined;
  /** COMPOSE_PROJECT_NAME, from the environment or `.env`. */
  environment: string | undefined;
  /** `name:` at the top of the Compose file. */
  file: string | undefined;
  /** The name of the directory that the (first) Compose file is in. */
  directory: string;
}

/**
 * The project's name. Of the file's and the directory's what doesn't belong there is left out; one that is given otherwise is refused.
 */
export function projectName(names: ProjectNames): { name: string; problems: Problem[] } {
  const explicit = (
    [
      ["projectName", names.given],
      ["COMPOSE_PROJECT_NAME", names.environment],
    ] as const
  ).find(([, name]) => name !== undefined && name !== "");
  const isGood = (name: string) => /^[a-z0-9][-_a-z0-9]*$/.test(name);
  const [path, name = ""] = explicit ?? [
    "directory",
    [names.file ?? "", names.directory].map((each) => normalise(each).replace(/^[-_]+/, "")).find(isGood),
  ];
  return { name, problems: isGood(name) ? [] : [problem("compose-project-invalid", path, name, { name })] };
}

function normalise(name: string): string {
  return name.toLowerCase().replace(/[^-_a-z0-9]/g, "");
}
