// A file of shared profiles: from its text to checked profiles, each with its place. Pure. Loaded where a stack has a catalog, since it
// needs the YAML library.

import { z } from "zod";

import { problem, type Problem } from "./problems";
import { isObject } from "./overlay";
import { NAMESPACE, type ProfileDefinition, type StackConfig } from "./config-schema";
import { readEntries } from "./stack-config";
import type { CatalogFile } from "./catalog";
import { validate } from "./validate";
import { linesOf, readYaml } from "./yaml-values";

/** What was found where the config names a file. */
export interface CatalogText {
  name: string;
  text?: string | undefined;
  failure?: { why: string; fix?: string | undefined } | undefined;
}

/** The names of the files that a config lists, the first one lowest. */
export function catalogNames({ catalog }: Pick<StackConfig, "catalog">): string[] {
  if (catalog === undefined) return [];
  return typeof catalog === "string" ? [catalog] : [...catalog];
}

/** Reads all files that a config names; `load` finds them. */
export function readCatalog(config: StackConfig, load: (names: string[]) => readonly CatalogText[]): CatalogFile[] {
  const isAlone = !Array.isArray(config.catalog);
  return load(catalogNames(config)).map((each, index) => readCatalogFile(each, isAlone ? undefined : index));
}

/** What a shared file has. */
const ALLOWED = "a YAML file with profiles below `profiles`";

const FIX_EMPTY = "restore its profiles, or write `profiles: {}`";

const shape = z.strictObject({ profiles: z.record(z.string(), z.unknown()).nullish() });

/** Reads the file that the config names at a place of its list, or alone. Problems name the file and the line. */
export function readCatalogFile({ name, text, failure }: CatalogText, index?: number): CatalogFile {
  const at = `${NAMESPACE}:catalog${index === undefined ? "" : `[${index}]`}`;
  const lost = (problems: Problem[]): CatalogFile => ({
    name,
    profiles: {},
    wrong: {},
    unread: problems,
    problems,
    lineOf: () => 1,
  });
  if (text === undefined)
    return lost([
      problem("catalog-not-readable", at, name, { file: name, why: failure?.why ?? "no text", fix: failure?.fix }),
    ]);
  const doc = readYaml(text);
  const broken = doc.errors.map(({ message, linePos }) => {
    const { line = 1, col = 1 } = linePos?.[0] ?? {};
    const why = message.split(/ at line \d+/)[0] ?? message;
    return problem("file-not-parsed", `${name}:${line}:${col}`, undefined, { why, allowed: ALLOWED });
  });
  if (broken.length > 0) return lost(broken);
  let value: unknown;
  try {
    value = doc.toJS();
  } catch (error) {
    // An alias of nothing, or aliases of aliases without end.
    const why = error instanceof Error ? error.message : String(error);
    return lost([problem("file-not-parsed", `${name}:1:1`, undefined, { why, allowed: ALLOWED })]);
  }
  // Half written, or emptied by mistake. One that has no profiles says so.
  if (value == null)
    return lost([problem("catalog-not-readable", at, name, { file: name, why: "it is empty", fix: FIX_EMPTY })]);
  const lineOf = linesOf(doc, text);
  const placed = (problems: readonly Problem[]) =>
    problems.map((each) => ({ ...each, path: `${name}:${lineOf(each.path)}: ${each.path}` }));
  const whole = validate(shape, value, "");
  // A key that is unknown may be `profiles`, misspelt: then nobody knows which profiles there are.
  const inWhole = placed(whole.problems.map((each) => (each.path === "" ? { ...each, path: "the file" } : each)));
  const entries = isObject(value) && isObject(value["profiles"]) ? value["profiles"] : {};
  const { entries: profiles, wrong } = readEntries("profiles", entries, "profiles");
  const found = wrong.map(([profile, { problems, value: entry }]) => {
    const parent = isObject(entry) ? entry["extends"] : undefined;
    return [profile, { problems: placed(problems), ...(typeof parent === "string" && { extends: parent }) }] as const;
  });
  return {
    name,
    profiles: profiles as Record<string, ProfileDefinition>,
    wrong: Object.fromEntries(found),
    unread: inWhole,
    problems: [...inWhole, ...found.flatMap(([, { problems }]) => problems)],
    lineOf,
  };
}
