// Finds a Pulumi project and its stacks.

import type { OpenOptions, Project } from "./types";

/** Finds the project whose Pulumi.yaml is in a directory or above it. Error: `project-missing`. */
export function openProject(_options: OpenOptions = {}): Promise<Project> {
  return Promise.reject(new Error("not there yet"));
}
