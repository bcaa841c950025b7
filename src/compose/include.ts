// `include` in a Compose file: which files are meant, from which directory, and with which variables. As Compose does it,
// also where that surprises: below the second level its relative directories are relative to where Compose is called. Pure.

import { isAbsolute } from "node:path";
import { z } from "zod";

import type { Problem } from "../core/problems";
import { validate } from "../core/validate";
import { Tagged, type ComposeDocument } from "./document";
import { parseDotenv } from "./dotenv";
import { directoryOf, joined, pathFrom, pathIn } from "./paths";
import { problem } from "./problems";

/** What is at a path that an `include` names. A relative path starts where Compose is called. */
export type OnDisk =
  | { kind: "file"; name: string; text: string }
  | { kind: "directory"; name: string }
  | { kind: "missing"; name: string; why: string };

/** Where a file that includes others stands. */
export interface Including {
  /** Where relative names of `env_file` and `project_directory` start. */
  workingDirectory: string;
  /** Where relative names of files start. */
  projectDirectory: string;
  /** The variables that are set. */
  variables: Readonly<Record<string, string | undefined>>;
}

/** The files of an entry of `include`, and where they stand themselves. */
export interface Included extends Including {
  files: string[];
}

type Look = (path: string) => OnDisk | undefined;

const pathsSchema = z.union([z.string(), z.array(z.string())]).nullish();
const entrySchema = z.strictObject({
  path: pathsSchema,
  project_directory: z.string().nullish(),
  env_file: pathsSchema,
});
type Entry = z.infer<typeof entrySchema>;

/** Reads what stands at `include`, with its variables filled in: one entry for each time that something is included. */
export function readInclude(
  value: unknown,
  document: ComposeDocument,
): { entries: { entry: Entry; index: number }[]; problems: Problem[] } {
  const list = untagged(value);
  if (list === null || list === undefined) return { entries: [], problems: [] };
  const whole = validate(z.array(z.unknown()), list, "");
  const problems = whole.problems.map((each) => ({ ...each, path: document.place(["include"]) }));
  const entries = (whole.value ?? []).flatMap((item, index) => {
    const plain = untagged(item);
    if (plain === null || plain === undefined) return [];
    if (typeof plain === "string") return [{ entry: { path: plain }, index }];
    const read = validate(entrySchema, withoutExtensions(plain), "");
    const wrong = read.problems.map((each) => {
      const [key = ""] = each.path.split(/[.[]/);
      return { ...each, path: document.place(["include", index, ...(key === "" ? [] : [key])]) };
    });
    problems.push(...wrong);
    return read.value ? [{ entry: read.value, index }] : [];
  });
  return { entries, problems };
}

/**
 * Finds the files of an entry, and the variables that hold in them: those of the including file, and beneath them those of `env_file`, or else
 * of `.env` in the included file's project directory. `undefined` where something is wrong or `look` doesn't know yet.
 */
export function findIncluded(
  { path, project_directory: directory, env_file: envFile }: Entry,
  including: Including,
  place: string,
  look: Look,
): { included: Included | undefined; problems: Problem[] } {
  const paths = [path ?? []].flat();
  const remote = paths.filter(isRemote);
  if (remote.length > 0) {
    const way = "copy it next to your files, and include the copy";
    const problems = remote.map((each) => problem("compose-not-supported", place, each, { what: `\`${each}\``, way }));
    return { included: undefined, problems };
  }
  const files = paths.map((each) => pathIn(including.projectDirectory, each));
  const { workingDirectory, projectDirectory } = directoriesOf(files[0], directory ?? "", including, look);

  const problems: Problem[] = [];
  let isKnown = true;
  let ofFiles: Record<string, string> = {};
  const named = [envFile ?? []].flat();
  const given = named.filter((each) => each !== "/dev/null").map((each) => pathIn(including.workingDirectory, each));
  for (const each of named.length > 0 ? given : [joined(projectDirectory, ".env")]) {
    const found = look(each);
    if (!found) isKnown = false;
    else if (found.kind === "file") {
      const read = parseDotenv(found, including.variables, ofFiles);
      problems.push(...read.problems);
      ofFiles = read.values;
    } else if (named.length > 0) problems.push(notReadable(place, found));
  }
  if (!isKnown || problems.length > 0) return { included: undefined, problems };
  const set = Object.entries(including.variables).filter(([, value]) => value !== undefined);
  const variables = { ...ofFiles, ...Object.fromEntries(set) };
  return { included: { files, workingDirectory, projectDirectory, variables }, problems };
}

/** The problem that a file can't be read which an `include` needs. */
export function notReadable(place: string, found: OnDisk): Problem {
  const why = found.kind === "missing" ? found.why : "it is a directory";
  return problem("compose-include-missing", place, found.name, { file: found.name, why });
}

// The first file says where the included project is, if nothing else does.
function directoriesOf(
  first: string | undefined,
  given: string,
  { workingDirectory, projectDirectory }: Including,
  look: Look,
): { workingDirectory: string; projectDirectory: string } {
  if (first === undefined) return { workingDirectory: "", projectDirectory: given };
  if (isAbsolute(given)) return { workingDirectory: given, projectDirectory: given };
  const from = (path: string) => {
    const itself = pathIn(projectDirectory, path);
    const isDirectory = look(itself)?.kind === "directory";
    return pathFrom(projectDirectory, isDirectory ? itself : pathIn(projectDirectory, directoryOf(path)));
  };
  return given === ""
    ? { workingDirectory: from(first), projectDirectory: directoryOf(first) }
    : { workingDirectory: from(given), projectDirectory: joined(workingDirectory, given) };
}

// What `docker compose` fetches: images of a registry, and what Git can clone.
function isRemote(path: string): boolean {
  return /^(oci|git|ssh|https?):\/\/|^github\.com\/|^[\w-]+@[\w.-]+:/.test(path);
}

function untagged(value: unknown): unknown {
  if (value instanceof Tagged) return value.tag === "!reset" ? undefined : untagged(value.value);
  return Array.isArray(value) ? value.map(untagged).filter((each) => each !== undefined) : value;
}

function withoutExtensions(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => [key, untagged(each)]);
  return Object.fromEntries(entries.filter(([key]) => !key.startsWith("x-")));
}
