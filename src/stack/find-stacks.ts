// All stacks of the projects below a folder.

import { readdir } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";

import type { NamedStack } from "./choose-stacks";
import { StackError } from "./errors";
import { findProject, openProject } from "./project";
import { PROJECT_FILES } from "./read-config";
import type { OpenOptions, Stack } from "./types";
import type { Problem } from "../core/problems";
import { problem } from "./problems";

/** A stack that was found. */
export interface FoundStack extends NamedStack {
  at: Stack;
}

/** What there is below a folder. */
export interface FoundStacks {
  stacks: FoundStack[];
  /** How many projects there are. */
  projects: number;
  /** The projects that can't be read, and the folders that can't be listed. */
  unreadable: { folder: string; problems: readonly Problem[] }[];
}

/** Finds the stacks that have a config file, in all projects below a folder; where there is none, in the project that the folder is in. */
export async function findStacks(options: OpenOptions & { directory: string }): Promise<FoundStacks> {
  const start = resolve(options.directory);
  const unreadable: FoundStacks["unreadable"] = [];
  const below = await projectsBelow(start, (directory, why) =>
    unreadable.push({
      folder: folderOf(start, directory),
      problems: [problem("folder-not-readable", "directory", undefined, { why })],
    }),
  );
  const above = below.length > 0 ? undefined : await findProject(start);
  const directories = above === undefined ? below : [join(above, "..")];
  const found: FoundStacks = { stacks: [], projects: directories.length, unreadable };
  for (const directory of directories) {
    const folder = folderOf(start, directory);
    try {
      const project = await openProject({ ...options, directory });
      for (const stack of await project.stackNames())
        found.stacks.push({ project: project.name, stack, folder, at: project.stack(stack) });
    } catch (error) {
      if (!(error instanceof StackError)) throw error;
      found.unreadable.push({ folder, problems: error.problems });
    }
  }
  return found;
}

const folderOf = (start: string, directory: string) => relative(start, directory).split(sep).join("/");

// Links aren't followed, and what is installed or hidden has no projects of ours.
async function projectsBelow(
  directory: string,
  onFailure: (directory: string, why: string) => void,
): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    // One that is gone has no projects.
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") onFailure(directory, message);
    return [];
  });
  const here = entries.some((each) => !each.isDirectory() && PROJECT_FILES.includes(each.name)) ? [directory] : [];
  const folders = entries
    .filter((each) => each.isDirectory() && !each.name.startsWith(".") && each.name !== "node_modules")
    .map(({ name }) => name)
    .sort();
  const below: string[] = [];
  for (const each of folders) below.push(...(await projectsBelow(join(directory, each), onFailure)));
  return [...here, ...below];
}
