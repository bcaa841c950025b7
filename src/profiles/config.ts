// Reads the stack's config: from raw values to a checked config, with every problem found on the way.

import type { z } from "zod";

import { backendNames, type BackendName } from "../backends";
import { nearest } from "../nearest";
import { problem, type Problem } from "../problems";
import { makeCatalog } from "./catalog";
import { isObject, overlay } from "./overlay";
import { checkName } from "./reference";
import {
  configKeys,
  configSchema,
  NAMESPACE,
  pricesSchema,
  profileSchema,
  volumeSchema,
  type StackConfig,
} from "./schema";
import { joinPath, validate } from "./validate";

/** A value of the stack's config as it was found: its text or its object, and whether it is a secret. */
export interface RawConfigValue {
  value: unknown;
  secret?: boolean;
}

/** The config that could be read, and what was wrong with the rest. */
export interface ReadConfig {
  config: StackConfig;
  problems: Problem[];
}

/**
 * Reads the keys below the namespace `storage-profiles`. What is wrong is left out of the config and is a problem;
 * the rest is read all the same, so that all problems show at once.
 */
export function readConfig(raw: Readonly<Record<string, RawConfigValue>>): ReadConfig {
  const problems: Problem[] = [];
  const config: Record<string, unknown> = {};
  for (const [key, { value, secret }] of Object.entries(raw)) {
    const path = `${NAMESPACE}:${key}`;
    const schema = Object.hasOwn(configSchema.shape, key) ? configSchema.shape[key as keyof StackConfig] : undefined;
    if (!schema) {
      const params = { key, keys: configKeys, nearest: nearest(key, configKeys) };
      problems.push(problem("unknown-key", path, secret ? undefined : value, params));
    } else if (secret) {
      problems.push(problem("config-secret", path, undefined, { key: path }));
    } else if (key === "backend") {
      const found = readBackend(value, path);
      problems.push(...found.problems);
      config[key] = found.backend;
    } else if ((key === "profiles" || key === "volumes") && isObject(value)) {
      config[key] = readEntries(key, value, path, problems);
    } else {
      const read = validate(schema as z.ZodType, value, path);
      problems.push(...read.problems);
      config[key] = read.value;
    }
  }
  return { config: config, problems };
}

function readBackend(value: unknown, path: string): { backend?: BackendName; problems: Problem[] } {
  const name = String(value);
  const found = backendNames.find((each) => each === name);
  if (found) return { backend: found, problems: [] };
  const params = { backend: name, backends: backendNames, nearest: nearest(name, backendNames) };
  return { problems: [problem("backend-unknown", path, value, params)] };
}

// Entry by entry, so that one that is wrong doesn't hide what is wrong with the others. Of a profile that is wrong its
// `extends` is kept: others may extend it, and its place in the chain can be judged all the same.
function readEntries(key: "profiles" | "volumes", entries: object, path: string, problems: Problem[]): unknown {
  const [what, schema] =
    key === "profiles" ? (["profile", profileSchema] as const) : (["volume", volumeSchema] as const);
  const result = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(entries)) {
    const entryPath = joinPath(path, [name]);
    const read = validate<unknown>(schema, value, entryPath);
    problems.push(...checkName(what, name, entryPath), ...read.problems);
    const parent = isObject(value) && typeof value["extends"] === "string" ? { extends: value["extends"] } : {};
    if (read.value !== undefined) result[name] = read.value;
    else if (key === "profiles") result[name] = parent;
  }
  return result;
}

/** Lays the stack's own prices over those of a file, whose content is given. Paths of problems begin with the file. */
export function withPricesOf(config: StackConfig, content: unknown, file: string): ReadConfig {
  // A file with nothing in it is as good as none.
  const { value, problems } = validate(pricesSchema, content ?? {}, "");
  const whole = value ? makeCatalog({ prices: value }).problems : [];
  const inFile = (path: string) => `${file}: ${path.replace(`${NAMESPACE}:prices.`, "")}`;
  const told = [...problems, ...whole].map((each) => ({ ...each, path: inFile(each.path) }));
  if (!value || told.length > 0) return { config, problems: told };
  return { config: { ...config, prices: overlay(value, config.prices) as StackConfig["prices"] }, problems: [] };
}

/** Turns the text of a key, as Pulumi hands it to a program, into its value: objects and booleans come as JSON. */
export function parseConfigText(key: string, text: string): { value: unknown; problems: Problem[] } {
  if (key === "backend" || key === "pricesFile") return { value: text, problems: [] };
  try {
    return { value: JSON.parse(text), problems: [] };
  } catch (error) {
    if (!configKeys.some((each) => each === key)) return { value: text, problems: [] };
    const allowed = key === "deletionProtection" ? "true or false" : "an object, as YAML below the key";
    const why = error instanceof Error ? error.message : String(error);
    return {
      value: undefined,
      problems: [problem("config-not-readable", `${NAMESPACE}:${key}`, text, { why, allowed })],
    };
  }
}
