// Reads a stack's config file: the values below `storage-profiles`, those of Pulumi.yaml below them, the catalog that they make, and
// all that is wrong with it. The same checks as when a program runs.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, relative, resolve as resolvePath } from "node:path";

import type { BackendName } from "../core/backend";
import { ownPlacement, stackPlacement } from "../core/placement";
import { formatProblem, problem, type Problem } from "../core/problems";
import { makeCatalog, type CatalogFile } from "../core/catalog";
import { readCatalog } from "../core/catalog-file";
import {
  misspeltNamespaces,
  parseConfigText,
  readConfig,
  withPricesOf,
  type RawConfigValue,
} from "../core/stack-config";
import { isObject, own } from "../core/overlay";
import { NAMESPACE, type StackConfig, type VolumeDefinition } from "../core/config-schema";
import { resolveListed, type VolumeRequest } from "../core/resolve";
import { isBelow } from "../core/validate";
import { readCatalogSources, type CatalogSource } from "../system/catalog-source";
import { stackError, StackError } from "./errors";
import type { StackConfigRead } from "./types";
import { parseYaml } from "./patch-yaml";

/** What a project's own file may be called. */
export const PROJECT_FILES = ["Pulumi.yaml", "Pulumi.yml"];

/** What a config file is read with. */
export interface ConfigContext {
  /** The project's directory, to which paths are relative. */
  directory: string;
  /** The config below `config` of Pulumi.yaml, each key with its namespace. */
  projectConfig: Record<string, unknown>;
  /** Returns the file and line of one of our keys in Pulumi.yaml: "Pulumi.yaml:12". */
  projectPlace?: ((path: string) => string) | undefined;
  /** The project's name, which is the namespace of keys without one. */
  projectName?: string | undefined;
  env: NodeJS.ProcessEnv;
  /** The text that a shared file is to have, by its path: of an edit that isn't written yet. */
  sharedTexts?: Readonly<Record<string, string>> | undefined;
}

/** A file's text, or nothing where there is none. */
export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw stackError("file-not-parsed", file, undefined, { why, isUnread: true }, { cause: error });
  }
}

/** Changes whenever a byte of the text does. */
export function tagOf(text: string | undefined): string {
  return text === undefined ? "none" : createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** Takes a config file apart. Error: `file-not-parsed`, with every place. */
export function parseConfigFile(text: string, file: string, directory: string): Record<string, unknown> {
  const shown = relative(directory, file) || file;
  const { value, errors } = parseYaml(text);
  const problems = errors.map(({ message, line, column }) =>
    problem("file-not-parsed", `${shown}:${line}:${column}`, undefined, { why: message }),
  );
  if (
    problems.length === 0 &&
    value != null &&
    !(isObject(value) && (value["config"] == null || isObject(value["config"])))
  ) {
    problems.push(problem("file-not-parsed", shown, undefined, { why: "expected a mapping" }));
  }
  const [first, ...others] = problems;
  if (first) throw new StackError([first, ...others]);
  return isObject(value) ? value : {};
}

/** What the text of a config file says. */
export async function readConfigText(
  text: string | undefined,
  file: string,
  context: ConfigContext,
): Promise<StackConfigRead> {
  const parsed = parseConfigFile(text ?? "", file, context.directory);
  const others = namespaced(isObject(parsed["config"]) ? parsed["config"] : {}, context.projectName);
  const refused = refusedByPulumi(context);
  const raw = { ...rawValues(others, context.projectConfig), ...refused };
  const inherited = Object.keys(raw).filter(
    (key) => Object.hasOwn(refused, key) || own(others, spelling(others, key)) == null,
  );
  const placeOf = ({ path }: Problem): string =>
    context.projectPlace && inherited.some((key) => isBelow(path, `${NAMESPACE}:${key}`))
      ? `${context.projectPlace(path)}: ${path}`
      : path;
  const placed = (problems: readonly Problem[]) => problems.map((each) => ({ ...each, path: placeOf(each) }));
  const read = readConfig(raw);
  // In place: the parts that can't be read have the same problems.
  for (const each of read.problems) each.path = placeOf(each);
  const { config, problems: inPrices } = await withPrices(read.config, context.directory);
  const { keys } = read.unreadable;
  const unreadable =
    inPrices.length > 0 ? { ...read.unreadable, keys: { ...keys, pricesFile: inPrices } } : read.unreadable;
  const { files, sources } = sharedFiles(config, context);
  const catalog = makeCatalog(config, unreadable, files);
  for (const each of [...inPrices, ...catalog.problems, ...Object.values(catalog.broken).flat()])
    each.path = placeOf(each);
  const misplaced = [
    ...outsideConfig(parsed),
    ...misspeltNamespaces([...Object.keys(others), ...Object.keys(context.projectConfig)], context.projectName),
  ];
  const mistakes = [
    ...misplaced,
    ...read.problems,
    ...inPrices,
    ...files.flatMap((each) => each.problems),
    ...catalog.problems,
  ];

  const providerConfig = (key: string) => {
    const ofProject = own(context.projectConfig, key);
    const said = own(others, key) ?? (isObject(ofProject) ? (ofProject["value"] ?? ofProject["default"]) : ofProject);
    return typeof said === "string" ? said : undefined;
  };
  const requestFor = requestsOf(config, (backend) =>
    stackPlacement(backend, config, (rules) => rules.environment?.(providerConfig, context.env)),
  );
  const problems = [...mistakes, ...volumeProblems(config, catalog, requestFor, placed, mistakes)];
  const ownProfiles = ownEntries(others, "profiles");
  const environments = environmentsOf(parsed["environment"]);
  return {
    tag: tagWith(text, sources),
    config,
    catalog,
    sharedFiles: files.map((each, index) => ({
      name: each.name,
      file: sources[index]?.file,
      isPackage: sources[index]?.isPackage ?? false,
      profiles: each.profiles,
      wrong: each.wrong,
    })),
    unreadable,
    mistakes,
    problems,
    placed,
    environments,
    ownProfiles,
    requestFor,
  };
}

// Where the indentation is missing, Pulumi ignores the key: it would be a config without volumes.
function outsideConfig(parsed: Record<string, unknown>): Problem[] {
  const keys = Object.keys(parsed).filter((key) => key.startsWith(`${NAMESPACE}:`));
  return keys.map((key) =>
    problem("value-invalid", key, undefined, {
      why: "the key is outside `config`, where Pulumi ignores it",
      allowed: "",
      fix: "indent it below `config:`",
    }),
  );
}

function sharedFiles(
  config: StackConfig,
  { directory, sharedTexts = {} }: ConfigContext,
): { files: CatalogFile[]; sources: CatalogSource[] } {
  if (config.catalog === undefined) return { files: [], sources: [] };
  let sources: CatalogSource[] = [];
  const files = readCatalog(config, (names) => {
    sources = readCatalogSources(names, directory).map((each) => {
      const text = each.file === undefined ? undefined : sharedTexts[each.file];
      return text === undefined ? each : { ...each, text, failure: undefined };
    });
    return sources;
  });
  return { files, sources };
}

/** The tag of a config: of the stack's file, and of the shared files with it. Pulumi.yaml may name those for a stack without a file. */
export function tagWith(text: string | undefined, sources: readonly CatalogSource[]): string {
  if (sources.length === 0) return tagOf(text);
  return tagOf(JSON.stringify([text, ...sources.map(({ name, text: shared, failure }) => [name, shared, failure])]));
}

// A list of names, some with options; or an environment of the file's own, with imports and values.
function environmentsOf(value: unknown): string[] {
  const imports = isObject(value) ? value["imports"] : value;
  const names = (Array.isArray(imports) ? imports : []).flatMap((each: unknown) =>
    isObject(each) ? Object.keys(each).slice(0, 1) : [String(each)],
  );
  return isObject(value) && value["values"] != null ? [...names, "`environment.values`"] : names;
}

/** The key below `config` that holds one of ours, as the file spells it. */
export function spelling(config: Record<string, unknown>, key: string, projectName?: string): string {
  const others = [`${NAMESPACE}:config:${key}`, ...(projectName === NAMESPACE ? [key] : [])];
  return others.find((each) => Object.hasOwn(config, each)) ?? `${NAMESPACE}:${key}`;
}

/** A config whose keys all have a namespace: Pulumi takes one without any for the project's own, in Pulumi.yaml and in a stack's file. */
export function namespaced(config: Record<string, unknown>, projectName: string | undefined): Record<string, unknown> {
  const withNamespace = (key: string) =>
    key.includes(":") || projectName === undefined ? key : `${projectName}:${key}`;
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [withNamespace(key), value]));
}

/** What Pulumi.yaml says of a key of ours: its value, or its default. */
export function projectValue(projectConfig: Record<string, unknown>, key: string): unknown {
  const declared = own(projectConfig, `${NAMESPACE}:${key}`);
  const below = valueKey(declared);
  return isObject(declared) && below !== undefined ? declared[below] : declared;
}

/** The key of a declaration in Pulumi.yaml that has its value; nothing where it is the value. */
export function valueKey(declared: unknown): "value" | "default" | undefined {
  const isDeclaration =
    isObject(declared) && ["value", "default", "type"].some((each) => Object.hasOwn(declared, each));
  return isDeclaration ? (declared["value"] == null ? "default" : "value") : undefined;
}

/** Whether a value is a secret, or has one in it: to Pulumi the whole is one then. */
export function isSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isSecret);
  if (!isObject(value)) return false;
  const entries = Object.entries(value);
  return entries.some(([key, each]) => (key === "secure" && typeof each === "string") || isSecret(each));
}

function rawValues(
  config: Record<string, unknown>,
  projectConfig: Record<string, unknown>,
): Record<string, RawConfigValue> {
  const found = new Map<string, unknown>();
  for (const key of Object.keys(projectConfig)) {
    if (!key.startsWith(`${NAMESPACE}:`)) continue;
    const name = key.slice(NAMESPACE.length + 1);
    found.set(name, projectValue(projectConfig, name));
  }
  for (const [key, value] of Object.entries(config)) {
    if (!key.startsWith(`${NAMESPACE}:`)) continue;
    const name = key.slice(NAMESPACE.length + 1).replace(/^config:/, "");
    found.set(name, value);
  }
  const values: Record<string, RawConfigValue> = {};
  for (const [key, value] of found) {
    // A key with nothing below it is as good as none.
    if (value == null || (typeof value === "string" && value.trim() === "")) continue;
    if (isSecret(value)) values[key] = { value: undefined, secret: true };
    else values[key] = typeof value === "string" ? parseConfigText(key, value) : { value };
  }
  return values;
}

// Declarations of our keys in Pulumi.yaml for which Pulumi refuses the whole file, even if the stack's own file sets the key. Pulumi's message
// doesn't say how an object is declared.
function refusedByPulumi({ projectConfig, projectName }: ConfigContext): Record<string, RawConfigValue> {
  const ours = Object.entries(projectConfig).filter(([key]) => key.startsWith(`${NAMESPACE}:`));
  return Object.fromEntries(
    ours.flatMap(([key, declared]): [string, RawConfigValue][] => {
      const isForeign = projectName !== undefined && projectName !== NAMESPACE;
      const extra = ["default", "type"].find((each) => isObject(declared) && Object.hasOwn(declared, each));
      const why =
        isObject(declared) && valueKey(declared) === undefined
          ? "in Pulumi.yaml, an object goes below `value`"
          : isForeign && extra !== undefined
            ? `in Pulumi.yaml, only the project's own keys may have \`${extra}\``
            : undefined;
      if (why === undefined) return [];
      const allowed = `a declaration: \`${key}: { value: … }\``;
      const problems = [problem("config-not-readable", key, undefined, { why, allowed })];
      return [[key.slice(NAMESPACE.length + 1), { value: undefined, problems }]];
    }),
  );
}

async function withPrices(
  config: StackConfig,
  directory: string,
): Promise<{ config: StackConfig; problems: Problem[] }> {
  const file = config.pricesFile;
  if (file === undefined) return { config, problems: [] };
  const refused = (why: string) => {
    const params = { file, why, allowed: "a YAML file with prices, in the format of `storage-profiles:prices`" };
    return { config, problems: [problem("file-not-readable", `${NAMESPACE}:pricesFile`, file, params)] };
  };
  try {
    const { value, errors } = parseYaml(await readFile(resolvePath(directory, file), "utf8"));
    const [wrong] = errors;
    return wrong ? refused(`${wrong.message} (line ${wrong.line})`) : withPricesOf(config, value, file);
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error));
  }
}

function requestsOf(config: StackConfig, placementOf: (backend: BackendName) => object): StackConfigRead["requestFor"] {
  return (name, volume = {}) => {
    const { profile, sizeGiB, size, tags, backend = config.backend } = volume;
    if (backend === undefined) return { name, profile, sizeGiB, size, tags };
    const placement = { ...placementOf(backend), ...ownPlacement(backend, volume) };
    return { name, profile, sizeGiB, size, tags, backend, placement };
  };
}

// What is wrong with a profile, or with a key of the stack, was told there, once; and a mistake once, however many volumes have it.
function volumeProblems(
  config: StackConfig,
  catalog: ReturnType<typeof makeCatalog>,
  requestFor: (name: string, volume: VolumeDefinition) => VolumeRequest,
  placed: StackConfigRead["placed"],
  known: readonly Problem[],
): Problem[] {
  const told = new Set(known.map(formatProblem));
  return Object.entries(config.volumes ?? {}).flatMap(([name, volume]) => {
    const { problems } = resolveListed(catalog, name, requestFor(name, volume));
    return placed(problems).filter((each) => {
      const text = formatProblem(each);
      return told.has(text) ? false : told.add(text);
    });
  });
}

function ownEntries(config: Record<string, unknown>, key: string): string[] {
  const value = own(config, spelling(config, key));
  const read = typeof value === "string" ? parseConfigText(key, value).value : value;
  return isObject(read) && !isSecret(read) ? Object.keys(read) : [];
}

/** The config file of a stack: `Pulumi.<stack>.yaml`, of the last part of its name; it ends as the project's own file does. */
export function configFileOf(directory: string, stack: string, ending: string): string {
  return join(directory, `Pulumi.${stack.split("/").at(-1) ?? stack}${ending}`);
}
