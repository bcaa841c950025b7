// Reads the stack's config: from raw values to a checked config, with every problem found on the way.

import type { z } from "zod";

import { backendNames, type BackendName } from "./backend";
import { isMisspelt, nearest } from "./nearest";
import { problem, type Problem } from "./problems";
import { makeCatalog } from "./catalog";
import { isObject, overlay, own } from "./overlay";
import { checkName } from "./reference";
import { configKeys, NAMESPACE, schemas, type StackConfig } from "./config-schema";
import { joinPath, unknownKey, validate } from "./validate";

/** A value of the stack's config as it was found: its text or its object, and whether it is a secret. */
export interface RawConfigValue {
  value: unknown;
  secret?: boolean;
  /** Why its text is no value; then `value` counts for nothing. */
  problems?: Problem[];
}

/** The config that could be read, and what was wrong with the rest. */
export interface ReadConfig {
  config: StackConfig;
  problems: Problem[];
  unreadable: Unreadable;
}

/**
 * The parts of the config that have a mistake, with the problems of each. They are not in the config that was read, and must not be taken
 * for absent: whatever depends on one of them has its problems.
 */
export interface Unreadable {
  /** Whole keys: `backend`, `limits`; `profiles` where that is no map of profiles at all. */
  keys: Readonly<Record<string, readonly Problem[]>>;
  /** Single profiles, and what they extend where that can be read. */
  profiles: Readonly<Record<string, { problems: readonly Problem[]; extends?: string }>>;
  /** Single volumes. */
  volumes: Readonly<Record<string, readonly Problem[]>>;
}

/**
 * Reads the keys below the namespace `storage-profiles`. What is wrong is left out of the config and is a problem;
 * the rest is read all the same, so that all problems show at once.
 */
export function readConfig(raw: Readonly<Record<string, RawConfigValue>>): ReadConfig {
  const problems: Problem[] = [];
  const config: Record<string, unknown> = {};
  const unreadable = {
    keys: Object.create(null) as Record<string, readonly Problem[]>,
    profiles: Object.create(null) as Record<string, Unreadable["profiles"][string]>,
    volumes: Object.create(null) as Record<string, readonly Problem[]>,
  };
  const leaveOut = (key: string, found: readonly Problem[]) => {
    if (found.length === 0) return;
    problems.push(...found);
    unreadable.keys[key] = found;
  };
  const { shape } = schemas().config;
  for (const [key, { value, secret, problems: inText = [] }] of Object.entries(raw)) {
    const path = `${NAMESPACE}:${key}`;
    const schema = Object.hasOwn(shape, key) ? shape[key as keyof typeof shape] : undefined;
    if (!schema) {
      problems.push(unknownKey(path, secret ? undefined : value, key, configKeys()));
    } else if (secret) {
      leaveOut(key, [problem("config-secret", path, undefined, { key: path })]);
    } else if (inText.length > 0) {
      leaveOut(key, inText);
    } else if (key === "backend") {
      const found = readBackend(value, path);
      leaveOut(key, found.problems);
      config[key] = found.backend;
    } else if ((key === "profiles" || key === "volumes") && isObject(value)) {
      const read = readEntries(key, value, path);
      config[key] = read.entries;
      for (const [name, { problems: found, value: entry }] of read.wrong) {
        problems.push(...found);
        if (key === "volumes") unreadable.volumes[name] = found;
        else {
          const parent = isObject(entry) ? own(entry, "extends") : undefined;
          unreadable.profiles[name] = { problems: found, ...(typeof parent === "string" && { extends: parent }) };
        }
      }
    } else {
      const read = validate(schema as z.ZodType, value, path);
      leaveOut(key, read.problems);
      config[key] = read.value;
    }
  }
  return { config, problems, unreadable };
}

/**
 * Keys that were meant to be ours, of all that a config has: their namespace is misspelt, and their name is a key of ours. Without a word, a stack would
 * have no volumes then.
 */
export function misspeltNamespaces(keys: readonly string[], projectName: string | undefined): Problem[] {
  const ours = configKeys().map((key) => `${NAMESPACE}:${key}`);
  return keys.flatMap((key) => {
    const namespace = key.slice(0, Math.max(0, key.indexOf(":")));
    const meant = `${NAMESPACE}${key.slice(namespace.length)}`;
    const isMeant = namespace !== projectName && isMisspelt(namespace, NAMESPACE) && ours.includes(meant);
    return isMeant ? [unknownKey(key, undefined, key, ours)] : [];
  });
}

function readBackend(value: unknown, path: string): { backend?: BackendName; problems: Problem[] } {
  const name = String(value);
  const found = backendNames.find((each) => each === name);
  if (found) return { backend: found, problems: [] };
  const params = { backend: name, backends: backendNames, nearest: nearest(name, backendNames) };
  return { problems: [problem("backend-unknown", path, value, params)] };
}

// Entry by entry, so that one that is wrong doesn't hide what is wrong with the others.
export function readEntries(
  key: "profiles" | "volumes",
  entries: object,
  path: string,
): { entries: unknown; wrong: [name: string, { problems: Problem[]; value: unknown }][] } {
  const [what, schema] =
    key === "profiles" ? (["profile", schemas().profile] as const) : (["volume", schemas().volume] as const);
  const result = Object.create(null) as Record<string, unknown>;
  const wrong: [string, { problems: Problem[]; value: unknown }][] = [];
  for (const [name, value] of Object.entries(entries)) {
    const entryPath = joinPath(path, [name]);
    const read = validate<unknown>(schema, value, entryPath);
    const problems = [...checkName(what, name, entryPath), ...read.problems];
    if (problems.length > 0) wrong.push([name, { problems, value }]);
    else result[name] = read.value;
  }
  return { entries: result, wrong };
}

/** Lays the stack's own prices over those of a file, whose content is given. Paths of problems begin with the file. */
export function withPricesOf(
  config: StackConfig,
  content: unknown,
  file: string,
): Pick<ReadConfig, "config" | "problems"> {
  // A file with nothing in it is as good as none.
  const { value, problems } = validate(schemas().prices, content ?? {}, "");
  const whole = value ? makeCatalog({ prices: value }).problems : [];
  const inFile = (path: string) => `${file}: ${path.replace(`${NAMESPACE}:prices.`, "")}`;
  const told = [...problems, ...whole].map((each) => ({ ...each, path: inFile(each.path) }));
  if (!value || told.length > 0) return { config, problems: told };
  return { config: { ...config, prices: overlay(value, config.prices) as StackConfig["prices"] }, problems: [] };
}

/** Turns the text of a key, as Pulumi hands it to a program, into its value: objects and booleans come as JSON. */
export function parseConfigText(key: string, text: string): { value: unknown; problems: Problem[] } {
  if (key === "backend" || key === "pricesFile" || (key === "catalog" && !text.trim().startsWith("[")))
    return { value: text, problems: [] };
  try {
    return { value: JSON.parse(text), problems: [] };
  } catch (error) {
    if (!configKeys().some((each) => each === key)) return { value: text, problems: [] };
    const lists: Record<string, string> = {
      deletionProtection: "true or false",
      catalog: "a file, or a list of files",
    };
    const allowed = lists[key] ?? "an object, as YAML under the key";
    const why = error instanceof Error ? error.message : String(error);
    return {
      value: undefined,
      problems: [problem("config-not-readable", `${NAMESPACE}:${key}`, text, { why, allowed })],
    };
  }
}
