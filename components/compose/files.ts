// Finds and reads what Compose would: its files, the file .env, and where the project's directory is.

import { readFileSync, existsSync } from "node:fs";
import { basename, delimiter, dirname, isAbsolute, join, relative, resolve } from "node:path";

import { problem, type Problem } from "../../src";
import { parseDotenv, type ComposeFile, type ComposeSources, type ComposeVersion } from "../../src/compose";

/** Where to look, and what was said there. */
export interface ComposePlace {
  /** The directory that relative names start from: where one would call Compose. */
  directory: string;
  /** The files, as by `-f`. None: COMPOSE_FILE, then the names that Compose looks for, there and above. */
  files: readonly string[];
  envFile: string | undefined;
  environment: Readonly<Record<string, string | undefined>>;
  version: ComposeVersion;
}

// What each generation looks for, in its order.
const NAMES: Record<ComposeVersion, readonly string[]> = {
  1: ["docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"],
  2: ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"],
};
const OVERRIDES: Record<ComposeVersion, readonly string[]> = {
  1: ["docker-compose.override.yml", "docker-compose.override.yaml", "compose.override.yml", "compose.override.yaml"],
  2: ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"],
};

/** What Compose would read from a place, and what of it can't be read. */
export function readPlace(
  place: ComposePlace,
): Pick<ComposeSources, "files" | "environment" | "directory"> & { problems: Problem[] } {
  const { directory, version } = place;
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
    return read === undefined ? beneath : { ...parseDotenv(read, beneath, version), ...beneath };
  };

  const ofEnvironment = filesOf(place.environment);
  const early = place.files.length > 0 ? place.files : ofEnvironment;
  const first = early[0] === undefined ? directory : dirname(resolve(directory, early[0]));
  let environment = withFile(place.envFile === undefined ? join(first, ".env") : resolve(directory, place.envFile), {
    ...place.environment,
  });

  const named = early.length > 0 ? early : filesOf(environment);
  const files = named.length > 0 ? named.map((file) => resolve(directory, file)) : found(directory, version, problems);
  const project = files[0] === undefined ? directory : dirname(files[0]);
  // Generation 2 looks for `.env` beside the file that it found, too.
  if (version === 2 && project !== first && place.envFile === undefined) {
    environment = withFile(join(project, ".env"), environment);
  }
  const read = files.flatMap((file): ComposeFile[] => {
    const content = text(file);
    return content === undefined ? [] : [{ name: shown(file, directory), text: content }];
  });
  return { files: read, environment, directory: basename(project), problems };
}

function filesOf(environment: Readonly<Record<string, string | undefined>>): string[] {
  const { COMPOSE_FILE: files = "", COMPOSE_PATH_SEPARATOR: separator } = environment;
  return files === "" ? [] : files.split(separator === undefined || separator === "" ? delimiter : separator);
}

function found(directory: string, version: ComposeVersion, problems: Problem[]): string[] {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const having = (names: readonly string[]) => names.map((name) => join(at, name)).filter((file) => existsSync(file));
    const [file] = having(NAMES[version]);
    if (file !== undefined) {
      const overrides = having(OVERRIDES[version]);
      if (version === 1 && overrides.length > 1) {
        const because = `there are several override files: ${overrides.map((each) => basename(each)).join(", ")}`;
        problems.push(problem("compose-refuses", at, undefined, { because, way: "keep one of them" }));
      }
      return [file, ...overrides.slice(0, 1)];
    }
    if (dirname(at) === at) {
      const why = `there is none in ${directory}, nor above it: ${NAMES[version].join(", ")}`;
      problems.push(problem("compose-not-readable", directory, undefined, { why }));
      return [];
    }
  }
}

function shown(file: string, directory: string): string {
  const near = relative(directory, file);
  return isAbsolute(near) || near.startsWith("../..") ? file : near;
}
