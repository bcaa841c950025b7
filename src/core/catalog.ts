// The catalog: all profiles in force for a stack. The built-in ones, the stack's own laid over them by name, `extends` done.

import { backendNames, backends, type BackendName } from "./backend";
import type { Overridable } from "./backend";
import { nearest } from "./nearest";
import { problem, type Problem } from "./problems";
import { builtinProfiles } from "./built-in-profiles";
import type { Unreadable } from "./stack-config";
import { frozen, isObject, overlay, own, withoutNulls } from "./overlay";
import { NAMESPACE, type ProfileDefinition, type StackConfig } from "./config-schema";
import { isBelow, joinPath, validate } from "./validate";

/** A profile in force. In a catalog it is frozen: what is known of it is worked out once for all volumes. */
export interface Profile {
  name: string;
  description: string;
  /** Where it comes from: it ships, or the stack's config has it. */
  origin: "built-in" | "stack";
  /** The profiles that it is laid over, nearest first. */
  lineage: string[];
  /** The size of a volume that Docker makes without saying one: text with a unit. */
  defaultSize?: string | undefined;
  /** What it means on each backend, with `extends` done and nulls taken away. */
  sections: Partial<Record<BackendName, Record<string, unknown>>>;
  /** Who says each setting of a section: the profile itself, or one that it is laid over; nearest first. */
  origins: Partial<Record<BackendName, Readonly<Record<string, readonly Origin[]>>>>;
}

/** A profile that says something. */
export interface Origin {
  name: string;
  origin: Profile["origin"];
}

/** All profiles in force for a stack, with the limits and prices that hold there. */
export interface Catalog {
  profiles: Readonly<Record<string, Profile>>;
  /** What is wrong with the profiles: unknown parents, cycles. Each once, however many profiles it breaks. */
  problems: Problem[];
  /** The profiles that can't be put together, with the problems that keep them from it: of their own, or of one that they extend. */
  broken: Readonly<Record<string, readonly Problem[]>>;
  /**
   * What else could not be read and a resolution depends on: by backend its place, limits and prices; `backend` is the stack's choice,
   * and `profiles` all profiles.
   */
  unread: Readonly<Partial<Record<BackendName | "backend" | "profiles", readonly Problem[]>>>;
  limits: Readonly<Record<BackendName, unknown>>;
  prices: Readonly<Record<BackendName, unknown>>;
}

/**
 * Makes the catalog of a stack. A profile of the stack takes the place of the built-in one of its name; with
 * `extends: <its own name>` it is laid over that one instead. Problems: `profile-parent-unknown`, `profile-cycle`.
 * `unreadable` is what the config lacks because of mistakes in it.
 */
export function makeCatalog(config: StackConfig = {}, { keys, profiles: wrong }: Partial<Unreadable> = {}): Catalog {
  // Of a profile with a mistake what it extends is known all the same: others may extend it, and its place in the chain can be judged.
  const placeholders = Object.entries(wrong ?? {}).map(([name, { extends: parent }]) => [
    name,
    parent === undefined ? {} : { extends: parent },
  ]);
  const stack: Definitions = { ...config.profiles, ...(Object.fromEntries(placeholders) as Definitions) };
  const names = [...new Set([...Object.keys(builtinProfiles()), ...Object.keys(stack)])];
  const profiles = Object.create(null) as Record<string, Profile>;
  const broken = Object.create(null) as Record<string, readonly Problem[]>;
  const ofChains = new Map<string, Problem>();
  for (const name of names) {
    const chain = lineage(name, stack, names);
    if (!Array.isArray(chain)) {
      ofChains.set(`${chain.path} ${chain.code}`, chain);
      broken[name] = [...(wrong?.[name]?.problems ?? []), chain];
      continue;
    }
    const mistakes = chain.flatMap((link) => (link.origin === "stack" ? (wrong?.[link.name]?.problems ?? []) : []));
    if (keys?.["profiles"] !== undefined || mistakes.length > 0) {
      broken[name] = [...(keys?.["profiles"] ?? []), ...mistakes];
      continue;
    }
    const sections = layer(chain.map((link) => link.definition));
    profiles[name] = frozen<Profile>({
      name,
      // Laid over the built-in one of its name, it is still for the same.
      description:
        chain.find((link) => link.name === name && link.definition.description)?.definition.description ?? "",
      origin: chain[0]?.origin ?? "stack",
      lineage: chain.slice(1).map((link) => link.name),
      ...defaultSizeOf(chain),
      sections,
      origins: originsOf(chain, sections),
    });
  }
  const limits = laidOver("limits", config);
  const prices = laidOver("prices", config);
  const problems = [...ofChains.values(), ...limits.problems, ...prices.problems];
  const unread = unreadParts({ ...keys }, [...limits.problems, ...prices.problems]);
  return { profiles, problems, broken, unread, limits: limits.data, prices: prices.data };
}

function unreadParts(keys: Unreadable["keys"], composed: readonly Problem[]): Catalog["unread"] {
  const numbers = [...(keys["limits"] ?? []), ...(keys["prices"] ?? []), ...composed];
  const ownerOf = ({ path }: Problem) =>
    backendNames.find((name) => ["limits", "prices"].some((key) => isBelow(path, `${NAMESPACE}:${key}.${name}`)));
  const ofBackends = backendNames.map((name): [string, readonly Problem[]] => [
    name,
    [
      ...(keys[name] ?? []),
      ...numbers.filter((each) => [undefined, name].includes(ownerOf(each))),
      ...(keys["pricesFile"] ?? []),
    ],
  ]);
  const all = [...ofBackends, ["backend", keys["backend"] ?? []], ["profiles", keys["profiles"] ?? []]] as const;
  return Object.fromEntries(all.filter(([, problems]) => problems.length > 0));
}

/** The profiles that say something about a backend, by name. */
export function profilesFor(catalog: Catalog, backend: BackendName): string[] {
  return Object.values(catalog.profiles)
    .filter((profile) => profile.sections[backend])
    .map((profile) => profile.name);
}

/** Where a profile's section stands in the stack's config, for problems. */
export function sectionPath(profile: string, backend?: string): string {
  return joinPath(`${NAMESPACE}:profiles`, backend === undefined ? [profile] : [profile, backend]);
}

/** Where a volume that the stack's config lists stands there, for problems. */
export function volumePath(name: string): string {
  return joinPath(`${NAMESPACE}:volumes`, [name]);
}

interface Link extends Origin {
  definition: ProfileDefinition;
}

type Definitions = Readonly<Record<string, ProfileDefinition>>;

function find(name: string, stack: Definitions): Link | undefined {
  const definition = own(stack, name) as ProfileDefinition | undefined;
  if (definition) return { name, origin: "stack", definition };
  const builtin = own(builtinProfiles(), name) as ProfileDefinition | undefined;
  return builtin && { name, origin: "built-in", definition: builtin };
}

// The profile and those it extends, nearest first; or the problem, where the chain doesn't end well.
function lineage(name: string, stack: Definitions, names: string[]): Link[] | Problem {
  const chain: Link[] = [];
  let link = find(name, stack);
  while (link) {
    chain.push(link);
    const parent: string | undefined = link.definition.extends;
    if (parent === undefined) return chain;
    if (parent === link.name && link.origin === "stack" && Object.hasOwn(builtinProfiles(), parent)) {
      link = find(parent, {});
      continue;
    }
    const before = chain.findIndex((each) => each.name === parent && each.origin === "stack");
    if (before >= 0) return cycle(chain.slice(before).map((each) => each.name));
    const path = `${sectionPath(link.name)}.extends`;
    const child = link.name;
    link = find(parent, stack);
    if (!link) {
      const profiles = names.filter((each) => each !== child);
      return problem("profile-parent-unknown", path, parent, { parent, profiles, nearest: nearest(parent, profiles) });
    }
  }
  return chain;
}

// Told from the name that comes first, so that it is the same problem from wherever the circle is entered.
function cycle(names: string[]): Problem {
  const first = names.indexOf([...names].sort()[0] ?? "");
  const turned = [...names.slice(first), ...names.slice(0, first)];
  const start = turned[0] ?? "";
  return problem("profile-cycle", `${sectionPath(start)}.extends`, turned[1] ?? start, { cycle: [...turned, start] });
}

function defaultSizeOf(chain: Link[]): Pick<Profile, "defaultSize"> {
  const defaultSize = chain.find(({ definition }) => definition.defaultSize !== undefined)?.definition.defaultSize;
  return defaultSize === undefined ? {} : { defaultSize };
}

function layer(definitions: ProfileDefinition[]): Profile["sections"] {
  const sections: Profile["sections"] = {};
  for (const backend of backendNames) {
    const section = definitions.reduceRight<unknown>(
      (below, definition) => overlay(below, definition[backend]),
      undefined,
    );
    if (section !== undefined && section !== null) sections[backend] = withoutNulls(section) as Record<string, unknown>;
  }
  return sections;
}

function originsOf(chain: readonly Link[], sections: Profile["sections"]): Profile["origins"] {
  const ofSection = (backend: BackendName, section: object) =>
    Object.keys(section).map((key) => {
      const saying = chain.filter(({ definition }) => {
        const said: unknown = definition[backend];
        return isObject(said) && own(said, key) != null;
      });
      return [key, saying.map(({ name, origin }): Origin => ({ name, origin }))] as const;
    });
  return Object.fromEntries(
    Object.entries(sections).map(([backend, section]) => [
      backend,
      Object.fromEntries(ofSection(backend as BackendName, section)),
    ]),
  );
}

// What the stack says is laid over what ships, and what comes out must be whole again: a stack may leave out what ships,
// and nothing else.
function laidOver(
  what: "limits" | "prices",
  config: StackConfig,
): { data: Record<BackendName, unknown>; problems: Problem[] } {
  const problems: Problem[] = [];
  const entries = backendNames.map((name): [BackendName, unknown] => {
    const { data, whole }: Overridable<unknown> = backends[name][what];
    const merged = withoutNulls(overlay(data, config[what]?.[name]));
    const checked = validate(whole, merged, `${NAMESPACE}:${what}.${name}`);
    problems.push(...checked.problems);
    return [name, checked.problems.length > 0 ? data : checked.value];
  });
  return { data: Object.fromEntries(entries) as Record<BackendName, unknown>, problems };
}
