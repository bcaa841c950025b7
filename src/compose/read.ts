// Reads Compose files: which volumes of our driver there are, what Docker will call them, and what is asked of them. Pure: files,
// environment and directory come in as values.

import { nearest } from "../core/nearest";
import type { Note, Problem } from "../core/problems";
import { isObject, own } from "../core/overlay";
import { parseReference } from "../core/reference";
import type { VolumeDefinition } from "../core/config-schema";
import { TooManyNodes, type ComposeDocument, type ComposeFile } from "./document";
import { EXTENSION, readEntry, readExtension, readTopExtension } from "./entry";
import type { Including, OnDisk } from "./include";
import { keysOf, load, nameIn, placeOf, readFiles, wrongKey, type Loading } from "./load";
import { projectName } from "./project";
import { nothingIn } from "./top";
import { note, problem } from "./problems";

/** What Compose would be given. */
export interface ComposeSources {
  /** The files, each laid over those before it. */
  files: readonly ComposeFile[];
  /** The variables, with those of `.env` beneath those of the environment. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The name of the project's directory: of its last part. */
  directory: string;
  /**
   * The project's directory, from which the paths of files that are included start.
   * @default where Compose is called
   */
  root?: string | undefined;
  /** What is at the paths of files that are included, as far as it is known: see {@link ComposeRead.wanted}. */
  included?: Readonly<Record<string, OnDisk>> | undefined;
  /** The project's name, where it is given as by `-p`. */
  projectName?: string | undefined;
  /** The name under which Docker knows our driver. */
  driver: string;
}

/** What was found in Compose files. */
export interface ComposeRead {
  project: string;
  /** The volumes of our driver, in the order in which they stand. */
  volumes: ComposeVolume[];
  /** What is wrong, all of it, with its place in the file. Volumes that have problems are not among `volumes`. */
  problems: Problem[];
  notes: Note[];
  /**
   * Paths of files that are included, of which `included` says nothing. If there are any, the rest is of no worth yet: look what is there, and
   * read again.
   */
  wanted: string[];
}

/** A volume of our driver in a Compose file. */
export interface ComposeVolume {
  /** Its key below `volumes`. */
  key: string;
  /** What Compose tells Docker to call it, and Docker tells the driver: "shop_data", or "data@gold" where `name` says so. */
  dockerName: string;
  /** The volume's name: the same, without a profile. */
  name: string;
  /** What is asked of it. */
  definition: VolumeDefinition;
  /** Whether Compose expects it to exist, and doesn't make it. */
  external: boolean;
  /** Where in the file things are said: for messages about `name`, `profile` and so on; the empty key is for the rest. */
  places: Record<string, string>;
}

/** Reads Compose files as Compose reads them. Never throws for what is in them. */
export function readCompose(sources: ComposeSources): ComposeRead {
  try {
    return read(sources);
  } catch (error) {
    if (!(error instanceof TooManyNodes)) throw error;
    const why = "its aliases are circular or expand without limit";
    const names = sources.files.map(({ name }) => name).join(", ");
    return {
      project: "",
      volumes: [],
      notes: [],
      wanted: [],
      problems: [problem("compose-not-readable", names, undefined, { why })],
    };
  }
}

function read(sources: ComposeSources): ComposeRead {
  const { driver, root = "", included = {} } = sources;
  const problems: Problem[] = [];
  const [wanted, unset] = [new Set<string>(), new Set<string>()];
  const loading: Loading = { onDisk: included, wanted, unset, problems, included: new Map() };
  const variables = { ...sources.environment };
  const place: Including = { workingDirectory: root, projectDirectory: root, variables };
  const files = readFiles(sources.files, problems);
  const texts = files.flatMap((each) => each.documents);

  // The project's name may itself have variables, and is a variable from then on.
  const ofFile = nameIn(texts, place, loading);
  if (problems.length === 0) problems.push(...nothingIn(sources.files, texts));
  const environment = own(variables, "COMPOSE_PROJECT_NAME") as string | undefined;
  const names = { given: sources.projectName, environment, file: ofFile, directory: sources.directory };
  const project = projectName(names);
  problems.push(...project.problems.map((each) => ({ ...each, path: placeOf(texts, [each.path], each.path) })));
  variables["COMPOSE_PROJECT_NAME"] = project.name;

  const model = load(files, place, [], loading);
  const { documents } = model;
  const section = model.volumes ?? {};
  const { said, problems: wrongTop } = readTopExtension(model.extension);
  problems.push(...wrongTop.map((each) => ({ ...each, path: placeOf(documents, [EXTENSION]) })));
  const extensions = said.flatMap(({ reference, value, path }) => {
    const place = placeOf(documents, [EXTENSION, ...path]);
    // In a list it is a value, and filled in already.
    if (path.length > 0 && reference.includes("$")) {
      const why = "variables aren't substituted in keys";
      const allowed = "the volume's key under `volumes`, alone or with its profile: `data@gold`";
      problems.push(
        problem("value-invalid", place, reference, {
          why,
          allowed,
          fix: "use a list of references, where variables are substituted",
        }),
      );
      return [];
    }
    const { reference: parts, problems: wrong } = parseReference(reference, undefined, place);
    problems.push(...wrong);
    if (!parts) return [];
    if (!Object.hasOwn(section, parts.name)) {
      const params = {
        name: parts.name,
        volumes: Object.keys(section),
        nearest: nearest(parts.name, Object.keys(section)),
      };
      problems.push(problem("compose-volume-unknown", place, reference, params));
    }
    return [{ key: parts.name, reference, value, path: [EXTENSION, ...path] }];
  });

  const volumes: ComposeVolume[] = [];
  for (const [key, value] of Object.entries(section)) {
    const entry = isObject(value) ? value : {};
    const outside = extensions.filter((each) => each.key === key);
    if (entry["driver"] !== driver && !Object.hasOwn(entry, EXTENSION) && outside.length === 0) continue;
    const made = volumeOf({ key, entry, outside, documents, project: project.name, driver });
    problems.push(...made.problems);
    if (made.volume) volumes.push(made.volume);
  }
  for (const [index, { name, places }] of volumes.entries()) {
    const other = volumes.slice(0, index).find((each) => each.name === name);
    if (other)
      problems.push(problem("volume-twice", places["name"] ?? "", name, { physicalName: name, other: other.key }));
  }
  const notes = unset.size > 0 ? [note("compose-variable-unset", "environment", { variables: [...unset] })] : [];
  return { project: project.name, volumes, problems: onlyOnce(problems), notes, wanted: [...wanted] };
}

interface VolumeParts {
  key: string;
  entry: Record<string, unknown>;
  /** What `x-storage-profiles` at the top says of it. */
  outside: { reference: string; value: unknown; path: string[] }[];
  documents: readonly ComposeDocument[];
  project: string;
  driver: string;
}

function volumeOf(parts: VolumeParts): { volume?: ComposeVolume; problems: Problem[] } {
  const { key, entry: value, outside, documents, driver } = parts;
  const at = (...path: PropertyKey[]) => placeOf(documents, ["volumes", key, ...path]);
  const { entry, problems: wrong } = readEntry(value);
  const problems = wrong.map((each) => ({ ...each, path: at(...keysOf(each.path)) }));
  problems.push(...wrongKey(key, at()));
  const external = entry.external !== undefined && entry.external !== false;
  if (!external && wrong.length === 0 && entry.driver !== driver) {
    const params = {
      setting: "driver",
      because: "without it, Docker creates a separate volume",
      example: `driver: ${driver}`,
    };
    problems.push(problem("setting-required", at("driver"), entry.driver, { ...params, way: "set `external: true`" }));
  }

  const old = typeof entry.external === "object" ? entry.external.name : undefined;
  const given = old ?? entry.name;
  const dockerName = given ?? (external ? key : `${parts.project.replace(/^[-_]+/, "")}_${key}`);
  const isOld = !documents.some((each) => each.has(["volumes", key, "name"]));
  const namePlace = given === undefined ? at() : at(...(isOld ? ["external", "name"] : ["name"]));
  const { reference, problems: wrongName } = parseReference(dockerName, undefined, namePlace);
  problems.push(...wrongName);
  const name = reference?.name ?? dockerName;

  const places: Record<string, string> = { "": at(), name: namePlace };
  const definition: Record<string, unknown> = {};
  const say = (what: string, said: unknown, place: string) => {
    if (said === undefined) return;
    const before = definition[what];
    const where = places[what] ?? "";
    if (before === undefined) [definition[what], places[what]] = [said, place];
    else if (JSON.stringify(before) !== JSON.stringify(said)) {
      problems.push(problem("compose-said-twice", place, said, { what, first: before, where }));
    }
  };
  const sayReference = (text: string, place: string) => {
    const parsed = parseReference(text, undefined, place);
    problems.push(...parsed.problems);
    if (parsed.reference && ![key, name].includes(parsed.reference.name)) {
      const because = `${EXTENSION} of volume "${key}" names a different volume, "${parsed.reference.name}"`;
      problems.push(
        problem("value-invalid", place, text, { why: because, allowed: `${key}@${parsed.reference.profile}` }),
      );
    }
    if (parsed.reference && text.includes("@")) say("profile", parsed.reference.profile, place);
  };
  if (dockerName.includes("@")) say("profile", reference?.profile, namePlace);
  for (const [option, said] of Object.entries(entry.driver_opts ?? {})) {
    say(option, String(said), at("driver_opts", option));
    places["driver_opts"] = at("driver_opts");
  }
  const inside = Object.hasOwn(value, EXTENSION)
    ? [{ value: value[EXTENSION], path: ["volumes", key, EXTENSION] }]
    : [];
  for (const each of outside) sayReference(each.reference, placeOf(documents, each.path));
  for (const { value: said, path } of [...inside, ...outside]) {
    const read = readExtension(said);
    problems.push(
      ...read.problems.map((each) => ({ ...each, path: placeOf(documents, [...path, ...keysOf(each.path)]) })),
    );
    if (read.reference !== undefined) sayReference(read.reference, placeOf(documents, path));
    for (const [what, one] of Object.entries(read.definition)) say(what, one, placeOf(documents, [...path, what]));
  }
  if (problems.length > 0) return { problems };
  return { volume: { key, dockerName, name, definition: definition, external, places }, problems };
}

// What is wrong in a file is found again in what it is laid into.
function onlyOnce(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((each) => [JSON.stringify([each.code, each.path, each.message]), each])).values()];
}
