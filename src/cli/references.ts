// From `data@gold` on the command line to edits of the stack's config.

import { nearest } from "../core/nearest";
import type { Problem } from "../core/problems";
import { isObject } from "../core/overlay";
import { builtinProfiles } from "../core/built-in-profiles";
import { parseReference } from "../core/reference";
import type { VolumeDefinition } from "../core/config-schema";
import type { ConfigEdit, EditPlace, EditResult, StackConfigRead, StackState, VolumeStatus } from "../stack";
import { sharedFileOf } from "../stack/plan";
import { isUrn, oneVolume } from "../stack/select";
import { statusesOf } from "../stack/status";
import { parseYaml } from "../stack/patch-yaml";
import { sizeOf, textOf, UsageError, type Context, type OptionSpec } from "./context";
import { problem } from "./problems";

const NEW_VOLUME = "To declare a new volume, add --size";

/** What references ask for. */
export interface Asked {
  /** The volumes that they name, by name or URN. */
  names: string[];
  edits: ConfigEdit[];
  /** Volumes that the program declares, with the profile and the size that they would have: nothing that an edit could do. */
  ofProgram: { name: string; profile?: string | undefined; sizeGiB?: number | undefined; size?: string | undefined }[];
  problems: Problem[];
}

/** Reads references: `data@gold` gives `data` the profile `gold`, `data` alone leaves the profile as it is. */
export function askedBy(context: Context, read: StackConfigRead, state: StackState): Asked {
  const asked: Asked = { names: [], edits: [], ofProgram: [], problems: [] };
  const size = textOf(context, "size");
  if (size !== undefined && context.args.length !== 1) throw new UsageError("--size requires exactly one volume");
  const statuses = statusesOf(read, state);
  for (const text of context.args) {
    const [selector, profile, problems] = split(text);
    asked.problems.push(...problems);
    if (problems.length > 0) continue;
    const found = oneVolume(statuses, selector, text);
    // An unknown name with a profile or a size declares a new volume; without a size, one that is nearly another's is misspelt.
    const isDeclared = (profile !== undefined || size !== undefined) && !isUrn(selector);
    const isUnknown = found.problem?.code === "volume-unknown";
    const names = statuses.map(({ name }) => name);
    const meant = isUnknown && isDeclared && size === undefined ? nearest(selector, names) : undefined;
    if (meant !== undefined) {
      const params = { volume: selector, volumes: [...new Set(names)], nearest: meant, otherwise: NEW_VOLUME };
      asked.problems.push(problem("volume-unknown", text, selector, params));
      continue;
    }
    if (found.problem && !(isDeclared && isUnknown)) {
      asked.problems.push(found.problem);
      continue;
    }
    asked.names.push(selector);
    if (profile === undefined && size === undefined) continue;
    if (found.volume?.declaredBy === "program") {
      asked.ofProgram.push({ name: selector, profile, ...sizeOf(size) });
      continue;
    }
    const name = found.volume?.name ?? selector;
    const listed = read.config.volumes?.[name];
    asked.problems.push(...(read.unreadable.volumes[name] ?? []));
    asked.edits.push({ kind: "set-volume", name, volume: changed(listed, profile, size) });
  }
  return asked;
}

// A URN is no reference, and may have a profile all the same.
function split(text: string): [selector: string, profile: string | undefined, problems: Problem[]] {
  const at = text.indexOf("@");
  const urn = at < 0 ? text : text.slice(0, at);
  const { reference, problems } = parseReference(isUrn(text) ? text.replace(urn, "volume") : text, undefined, text);
  const selector = isUrn(text) ? urn : (reference?.name ?? text);
  return [selector, at < 0 ? undefined : reference?.profile, problems];
}

function changed(
  listed: VolumeDefinition | undefined,
  profile: string | undefined,
  size: string | undefined,
): VolumeDefinition {
  const { sizeGiB, size: sizeText, ...rest } = listed ?? {};
  const kept =
    size === undefined
      ? { ...(sizeGiB !== undefined && { sizeGiB }), ...(sizeText !== undefined && { size: sizeText }) }
      : sizeOf(size);
  // In the order in which people write it.
  const { profile: before, ...others } = rest;
  const named = profile ?? before;
  return { ...(named !== undefined && { profile: named }), ...kept, ...others };
}

/** The options of an edit of a profile. */
export const profileOptions: readonly OptionSpec[] = [
  { flags: "--profile <name>", description: "profile to edit", completes: "profile" },
  {
    flags: "--set <key=value>",
    description: "with --profile: setting to change, for example aws.iops=5000",
    many: true,
  },
  { flags: "--unset <key>", description: "with --profile: setting to remove", many: true },
  {
    flags: "--in <where>",
    description:
      "with --profile: where to edit a profile of a shared file: override it in the stack's file, or change the shared file for all its stacks",
    choices: ["stack", "catalog"],
  },
];

/**
 * The volumes that have a profile, or one that extends it, and aren't as it says: what is left of an edit that the config has already. None that is
 * pinned: the edit doesn't reach it.
 */
export function behindProfile({ catalog }: StackConfigRead, all: readonly VolumeStatus[], profile = ""): string[] {
  const has = (name = "") => name === profile || catalog.profiles[name]?.lineage.includes(profile) === true;
  return all
    .filter(({ status, pin, profile: its }) => status !== "compliant" && pin === undefined && has(its))
    .map(({ urn, name }) => urn ?? name);
}

/**
 * Plans an edit of the context's profile, for `volumes` and those that it touches. Where the definition is as it is to be already, also for
 * the volumes that are behind it. Returns the volumes that were planned for, too.
 */
export async function planForProfile(
  { context, read, volumes }: { context: Context; read: StackConfigRead; volumes: string[] },
  plan: (volumes: string[]) => Promise<EditResult>,
  statuses: () => Promise<readonly VolumeStatus[]> | readonly VolumeStatus[],
): Promise<{ planned: EditResult; volumes: string[] }> {
  const planned = await plan(volumes);
  if (planned.changed || planned.problems.length > 0 || planned.stateUnknown) return { planned, volumes };
  const all = [...volumes, ...behindProfile(read, await statuses(), textOf(context, "profile"))];
  return { planned: await plan(all), volumes: all };
}

/** Reads `--profile gold --set aws.iops=5000 --unset local`: an edit of a profile; none where none is meant. */
export function profileEdit(context: Context, read: StackConfigRead): { edits: ConfigEdit[]; problems: Problem[] } {
  const name = textOf(context, "profile");
  const [set, unset] = [manyOf(context, "set"), manyOf(context, "unset")];
  if (name === undefined) {
    if (textOf(context, "in") !== undefined) throw new UsageError("--in requires --profile <name>");
    if (set.length + unset.length > 0) throw new UsageError("--set and --unset require --profile <name>");
    return { edits: [], problems: [] };
  }
  if (set.length + unset.length === 0) throw new UsageError("--profile <name> requires --set key=value or --unset key");
  const place = textOf(context, "in") as EditPlace | undefined;
  const shared = sharedFileOf(read, name);
  const ofShared = shared && Object.hasOwn(shared.profiles, name) ? shared.profiles[name] : undefined;
  // What could not be read would be lost with the edit.
  const problems =
    place === "catalog"
      ? (shared?.wrong[name]?.problems ?? [])
      : (read.unreadable.profiles[name]?.problems ?? read.unreadable.keys["profiles"] ?? []);
  if (problems.length > 0) return { edits: [], problems: [...problems] };
  const own = read.config.profiles?.[name];
  // Of one that is built in or shared only what is said changes.
  const isBelow = shared !== undefined || Object.hasOwn(builtinProfiles(), name);
  const isShared = shared !== undefined && place !== "stack";
  // Its settings are all inherited, and would stay.
  if (unset.length > 0 && own === undefined && !isShared) {
    const profiles = Object.keys(read.catalog.profiles);
    const unknown = { profile: name, profiles, nearest: nearest(name, profiles) };
    const found = isBelow
      ? unset.map((key) => problem("setting-not-own", "--unset", key, { profile: name, key }))
      : [problem("profile-unknown", "--profile", name, unknown)];
    return { edits: [], problems: found };
  }
  const start = place === "catalog" ? (ofShared ?? {}) : (own ?? (isBelow ? { extends: name } : {}));
  const definition = structuredClone(start) as Record<string, unknown>;
  for (const each of set) {
    const at = each.indexOf("=");
    if (at <= 0) throw new UsageError(`--set ${each}: expected key=value, for example aws.iops=5000`);
    const { value, errors } = parseYaml(each.slice(at + 1));
    if (errors[0]) throw new UsageError(`--set ${each}: not valid YAML: ${errors[0].message}`);
    const key = each.slice(0, at);
    // A variable of the shell that isn't set: null would remove the setting, and a limit with it.
    if (value == null && !/^(null|~)$/i.test(each.slice(at + 1).trim()))
      throw new UsageError(`--set ${each}: the value is missing; ${key}=null removes an inherited setting`);
    put(definition, key.split("."), value);
  }
  for (const each of unset) put(definition, each.split("."), undefined);
  return { edits: [{ kind: "set-profile", name, definition, in: place }], problems: [] };
}

function put(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = "", ...rest] = path;
  if (["__proto__", "constructor", "prototype", ""].includes(key))
    throw new UsageError(`invalid profile key "${path.join(".")}"`);
  // What isn't there is removed without making a place for it.
  if (value === undefined && (!Object.hasOwn(tree, key) || (rest.length > 0 && !isObject(tree[key])))) return;
  if (rest.length === 0) {
    if (value === undefined) Reflect.deleteProperty(tree, key);
    else tree[key] = value;
    return;
  }
  const below = isObject(tree[key]) ? (tree[key] as Record<string, unknown>) : {};
  tree[key] = below;
  put(below, rest, value);
}

function manyOf(context: Context, option: string): string[] {
  const value = context.options[option];
  return Array.isArray(value) ? value : [];
}
