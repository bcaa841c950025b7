// Finds and reads what Compose would: its files and those that they include, .env, and where the project's directory is.

import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, delimiter, dirname, isAbsolute, join, relative, resolve } from "node:path";

import type { Problem } from "../../src";
import {
  parseDotenv,
  readCompose,
  type ComposeFile,
  type ComposeRead,
  type ComposeSources,
  type OnDisk,
} from "../../src/compose";
import { problem } from "../../src/compose/problems";

/** Where to look, and what was said there. */
export interface ComposePlace {
  /** The directory that relative names start from: where one would call Compose. */
  directory: string;
  /** The files, as by `-f`. None: COMPOSE_FILE, then the names that Compose looks for, there and above. */
  files: readonly string[];
  envFile: string | undefined;
  environment: Readonly<Record<string, string | undefined>>;
}

// What Compose looks for, in its order.
const NAMES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES = NAMES.map((name) => name.replace(/compose\./, "compose.override."));

/** What Compose reads at a place, and the names of the files that were read for it. */
export function readProject(
  place: ComposePlace,
  asked: Pick<ComposeSources, "projectName" | "driver">,
): ComposeRead & { files: string[] } {
  const { problems, ...found } = readPlace(place);
  const sources = { ...found, ...asked };
  const included: Record<string, OnDisk> = Object.create(null) as Record<string, OnDisk>;
  let read = readCompose(sources);
  // What a file includes is known once it is read.
  for (; read.wanted.length > 0; read = readCompose({ ...sources, included })) {
    for (const path of read.wanted) included[path] = onDisk(path, place.directory);
  }
  const alsoRead = Object.values(included).filter(({ kind }) => kind === "file");
  return {
    ...read,
    problems: [...problems, ...read.problems],
    files: [...sources.files, ...alsoRead].map(({ name }) => name),
  };
}

function onDisk(path: string, directory: string): OnDisk {
  const file = resolve(directory, path);
  const name = shown(file, directory);
  try {
    if (statSync(file).isDirectory()) return { kind: "directory", name };
    return { kind: "file", name, text: readFileSync(file, "utf8") };
  } catch (error) {
    const isAbsent = ["ENOENT", "ENOTDIR"].includes(String((error as NodeJS.ErrnoException).code));
    const why = isAbsent ? "file not found" : error instanceof Error ? error.message : String(error);
    return { kind: "missing", name, why };
  }
}

function readPlace(
  place: ComposePlace,
): Pick<ComposeSources, "files" | "environment" | "directory" | "root"> & { problems: Problem[] } {
  const { directory } = place;
  const problems: Problem[] = [];
  const text = (file: string) => {
    try {
      return readFileSync(file, "utf8");
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      problems.push(problem("compose-not-readable", file, undefined, { why }));
      return undefined;
    }
  };
  const withFile = (file: string, beneath: Record<string, string | undefined>) => {
    const read = existsSync(file) || place.envFile !== undefined ? text(file) : undefined;
    if (read === undefined) return beneath;
    const { values, problems: wrong } = parseDotenv({ name: shown(file, directory), text: read }, beneath);
    problems.push(...wrong);
    return { ...values, ...beneath };
  };

  const ofEnvironment = filesOf(place.environment);
  const early = place.files.length > 0 ? place.files : ofEnvironment;
  const first = early[0] === undefined ? directory : dirname(resolve(directory, early[0]));
  let environment = withFile(place.envFile === undefined ? join(first, ".env") : resolve(directory, place.envFile), {
    ...place.environment,
  });

  const named = early.length > 0 ? early : filesOf(environment);
  const files = named.length > 0 ? named.map((file) => resolve(directory, file)) : found(directory, problems);
  const project = files[0] === undefined ? directory : dirname(files[0]);
  // Compose looks for `.env` beside the file that it found, too.
  if (project !== first && place.envFile === undefined) {
    environment = withFile(join(project, ".env"), environment);
  }
  const read = files.flatMap((file): ComposeFile[] => {
    const content = text(file);
    return content === undefined ? [] : [{ name: shown(file, directory), text: content, path: file }];
  });
  return { files: read, environment, directory: basename(project), root: project, problems };
}

function filesOf(environment: Readonly<Record<string, string | undefined>>): string[] {
  const { COMPOSE_FILE: files = "", COMPOSE_PATH_SEPARATOR: separator } = environment;
  return files === "" ? [] : files.split(separator === undefined || separator === "" ? delimiter : separator);
}

function found(directory: string, problems: Problem[]): string[] {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const having = (names: readonly string[]) => names.map((name) => join(at, name)).filter((file) => existsSync(file));
    const [file] = having(NAMES);
    if (file !== undefined) {
      return [file, ...having(OVERRIDES).slice(0, 1)];
    }
    if (dirname(at) === at) {
      const why = `not found in ${directory} or its parent directories: ${NAMES.join(", ")}`;
      problems.push(problem("compose-not-readable", directory, undefined, { why }));
      return [];
    }
  }
}

function shown(file: string, directory: string): string {
  const near = relative(directory, file);
  return isAbsolute(near) || near.startsWith("../..") ? file : near;
}
