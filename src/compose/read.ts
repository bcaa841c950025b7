// Reads Compose files: which volumes of our driver there are, what Docker will call them, and what is asked of them. Pure: files,
// environment and directory come in as values.

import { nearest } from "../nearest";
import { note, problem, type Note, type Problem } from "../problems";
import { isObject, own } from "../profiles/overlay";
import { parseReference } from "../profiles/reference";
import type { VolumeDefinition } from "../profiles/schema";
import { parseComposeFile, TooManyNodes, type ComposeDocument, type ComposeFile } from "./document";
import { EXTENSION, readEntry, readExtension, readTopExtension } from "./entry";
import { interpolate, type ComposeVersion } from "./interpolate";
import { mergeSection } from "./merge";
import { projectName } from "./project";

/** What Compose would be given. */
export interface ComposeSources {
  /** The files, each laid over those before it. */
  files: readonly ComposeFile[];
  /** The variables, with those of `.env` beneath those of the environment. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The name of the project's directory: of its last part. */
  directory: string;
  /** The project's name, where it is given as by `-p`. */
  projectName?: string | undefined;
  /** The generation of Compose. */
  version: ComposeVersion;
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
    const why = "its aliases hold each other, or multiply without end";
    const names = sources.files.map(({ name }) => name).join(", ");
    return {
      project: "",
      volumes: [],
      notes: [],
      problems: [problem("compose-not-readable", names, undefined, { why })],
    };
  }
}

function read(sources: ComposeSources): ComposeRead {
  const { version, driver } = sources;
  const parsed = sources.files.map((file) => parseComposeFile(file, version));
  const documents = parsed.flatMap((each) => each.documents);
  const problems = parsed.flatMap((each) => each.problems);
  const unset = new Set<string>();
  const variables = { ...sources.environment };
  const lookup = (name: string) => own(variables, name) as string | undefined;
  const filled = (value: unknown, document: ComposeDocument, path: string[]) =>
    fillIn(value, path, { document, lookup, version, unset, problems });

  // The project's name may itself have variables, and is a variable from then on.
  let ofFile: string | undefined;
  for (const document of documents) {
    for (const [key, way] of notFollowed(version)) {
      if (document.has([key])) problems.push(way(document.place([key])));
    }
    const name = version === 2 ? filled(document.get("name"), document, ["name"]) : undefined;
    if (typeof name === "string" && name !== "") ofFile = name;
  }
  const environment = lookup("COMPOSE_PROJECT_NAME");
  const names = { given: sources.projectName, environment, file: ofFile, directory: sources.directory };
  const project = projectName(names, version);
  problems.push(...project.problems.map((each) => ({ ...each, path: placeOf(documents, [each.path], each.path) })));
  if (version === 2) variables["COMPOSE_PROJECT_NAME"] = project.name;

  let [section, top]: [Record<string, unknown>, unknown] = [{}, undefined];
  for (const document of documents) {
    const volumes = filled(document.get("volumes"), document, ["volumes"]) ?? {};
    if (isObject(volumes)) {
      // Generation 1 checks each file by itself, also what a later one replaces.
      const replaced = version === 1 ? Object.entries(section).filter(([key]) => Object.hasOwn(volumes, key)) : [];
      for (const [key, entry] of replaced) {
        if (!isObject(entry) || entry["driver"] !== driver) continue;
        const wrong = readEntry(entry, version).problems;
        problems.push(...wrong.map((each) => ({ ...each, path: `volumes.${key}.${each.path}` })));
      }
      section = mergeSection(section, volumes, version);
    } else {
      problems.push(
        refused(document.place(["volumes"]), "`volumes` is no mapping", "write a mapping of names to volumes"),
      );
    }
    const said = filled(document.get(EXTENSION), document, [EXTENSION]);
    top = said === undefined ? top : mergeSection({ said: top }, { said }, 2)["said"];
  }

  const { said, problems: wrongTop } = readTopExtension(top);
  problems.push(...wrongTop.map((each) => ({ ...each, path: placeOf(documents, [EXTENSION]) })));
  const extensions = said.flatMap(({ reference, value, path }) => {
    const place = placeOf(documents, [EXTENSION, ...path]);
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
    const made = volumeOf({ key, entry, outside, documents, project: project.name, driver, version });
    problems.push(...made.problems);
    if (made.volume) volumes.push(made.volume);
  }
  for (const [index, { name, places }] of volumes.entries()) {
    const other = volumes.slice(0, index).find((each) => each.name === name);
    if (other)
      problems.push(problem("volume-twice", places["name"] ?? "", name, { physicalName: name, other: other.key }));
  }
  const notes = unset.size > 0 ? [note("compose-variable-unset", "environment", { variables: [...unset] })] : [];
  for (const { external, dockerName, places } of version === 1 ? volumes : []) {
    const options = places["driver_opts"];
    if (options !== undefined && !external)
      notes.push(note("compose-options-refused", options, { volume: dockerName }));
  }
  return { project: project.name, volumes, problems, notes };
}

interface VolumeParts {
  key: string;
  entry: Record<string, unknown>;
  /** What `x-storage-profiles` at the top says of it. */
  outside: { reference: string; value: unknown; path: string[] }[];
  documents: readonly ComposeDocument[];
  project: string;
  driver: string;
  version: ComposeVersion;
}

function volumeOf(parts: VolumeParts): { volume?: ComposeVolume; problems: Problem[] } {
  const { key, entry: value, outside, documents, driver, version } = parts;
  const at = (...path: string[]) => placeOf(documents, ["volumes", key, ...path]);
  const { entry, problems: wrong } = readEntry(value, version);
  const problems = wrong.map((each) => ({ ...each, path: at(...each.path.split(".").filter((part) => part !== "")) }));
  if (!/^[a-zA-Z0-9._-]+$/.test(key)) {
    const way = key.includes("@") ? `write \`name: "${key}"\` in it` : "rename the volume";
    problems.push(refused(at(), "the keys below `volumes` may have letters, digits, `.`, `_` and `-`", way));
  }
  const external = entry.external !== undefined && entry.external !== false;
  if (!external && wrong.length === 0 && entry.driver !== driver) {
    const params = {
      setting: "driver",
      because: "without it Docker makes a volume of its own",
      example: `driver: ${driver}`,
    };
    problems.push(problem("setting-required", at("driver"), entry.driver, { ...params, way: "say `external: true`" }));
  }

  const old = typeof entry.external === "object" ? entry.external.name : undefined;
  const own = old ?? entry.name;
  const dockerName = own ?? (external ? key : `${parts.project.replace(/^[-_]+/, "")}_${key}`);
  const namePlace = own === undefined ? at() : at(...(old === undefined ? ["name"] : ["external", "name"]));
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
      const because = `${EXTENSION} stands in volume "${key}" and names "${parsed.reference.name}"`;
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
      ...read.problems.map((each) => ({ ...each, path: placeOf(documents, [...path, ...each.path.split(".")]) })),
    );
    if (read.reference !== undefined) sayReference(read.reference, placeOf(documents, path));
    for (const [what, one] of Object.entries(read.definition)) say(what, one, placeOf(documents, [...path, what]));
  }
  if (problems.length > 0) return { problems };
  return { volume: { key, dockerName, name, definition: definition, external, places }, problems };
}

// What each generation has at the top and is not followed, or is no key of its.
function notFollowed(version: ComposeVersion): [string, (place: string) => Problem][] {
  if (version === 1) {
    const way = "take it out, or read the file as generation 2 does: version: 2";
    return ["name", "include"].map((key) => [
      key,
      (place) => refused(place, `docker-compose 1 has no key \`${key}\``, way),
    ]);
  }
  const way = "list the included files among `files`, or run ComposeVolumes for each project";
  return [["include", (place) => problem("compose-not-supported", place, undefined, { what: "`include`", way })]];
}

function refused(place: string, because: string, way: string): Problem {
  return problem("compose-refuses", place, undefined, { because, way });
}

// The last file that has something at the path says it.
function placeOf(documents: readonly ComposeDocument[], path: string[], otherwise?: string): string {
  for (let length = path.length; length > 0; length--) {
    const having = documents.findLast((each) => each.has(path.slice(0, length)));
    if (having) return having.place(path);
  }
  return otherwise ?? path.join(".");
}

interface Filling {
  document: ComposeDocument;
  lookup: (name: string) => string | undefined;
  version: ComposeVersion;
  unset: Set<string>;
  problems: Problem[];
}

// Every text in the value with its variables filled in; keys stay as they are.
function fillIn(value: unknown, path: string[], filling: Filling): unknown {
  if (typeof value === "string") {
    const filled = interpolate(value, filling.lookup, filling.version);
    if (filled.failure) {
      const { failure } = filled;
      const place = filling.document.place(path);
      filling.problems.push(
        failure.kind === "invalid"
          ? problem("compose-variable-invalid", place, value, { why: failure.why })
          : problem("compose-variable-required", place, value, failure),
      );
      return "";
    }
    for (const variable of filled.unset) filling.unset.add(variable);
    return filled.text;
  }
  if (Array.isArray(value)) return value.map((each) => fillIn(each, path, filling));
  if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fillIn(each, [...path, key], filling)]));
}
