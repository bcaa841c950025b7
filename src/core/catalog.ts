// The catalog: all profiles in force for a stack. The built-in ones, over them by name those of the shared files that the config names,
// and the stack's own; `extends` done.

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
  /** Where it comes from: it ships, a shared file has it, or the stack's config has it. */
  origin: "built-in" | "catalog" | "stack";
  /** The shared file that has it, as the config names it, and the line there. */
  file?: string | undefined;
  line?: number | undefined;
  /** The profiles that it is laid over, nearest first. */
  lineage: string[];
  /** The size of a volume that Docker makes without saying one: text with a unit. */
  defaultSize?: string | undefined;
  /** What it means on each backend, with `extends` done and nulls taken away. */
  sections: Partial<Record<BackendName, Record<string, unknown>>>;
  /** Of a pinned definition: the entry of the stack's `pins` that has it. */
  pin?: string | undefined;
  /** Who says each setting of a section: the profile itself, or one that it is laid over; nearest first. */
  origins: Partial<Record<BackendName, Readonly<Record<string, readonly Origin[]>>>>;
}

/** A profile that says something. */
export interface Origin {
  name: string;
  origin: Profile["origin"];
  /** The shared file, as the config names it, and the line of the setting there. */
  file?: string | undefined;
  line?: number | undefined;
}

/** A file of shared profiles, as it was read. */
export interface CatalogFile {
  /** As the config names it. */
  name: string;
  profiles: Readonly<Record<string, ProfileDefinition>>;
  /** The profiles with a mistake, which aren't among `profiles`. */
  wrong: Unreadable["profiles"];
  /** What keeps the file as a whole from being read: then nobody knows which profiles it has. */
  unread: readonly Problem[];
  /** Everything that is wrong with it. */
  problems: readonly Problem[];
  /** The line of a key: `profiles.gold.aws.iops`. */
  lineOf: (path: string) => number;
}

/** All profiles in force for a stack, with the limits and prices that hold there. */
export interface Catalog {
  profiles: Readonly<Record<string, Profile>>;
  /** The definitions that volumes keep, whatever becomes of the profiles: by `volume@profile`, or by `profile` for all volumes. */
  pins: Readonly<Record<string, Profile>>;
  /** What is wrong with the profiles: unknown parents, cycles. Each once, however many profiles it breaks. */
  problems: Problem[];
  /** The profiles that can't be put together, with the problems that keep them from it: of their own, or of one that they extend. */
  broken: Readonly<Record<string, readonly Problem[]>>;
  /**
   * What else could not be read and a resolution depends on: by backend its place, tags, limits and prices; `backend` is the stack's choice,
   * and `profiles` all profiles.
   */
  unread: Readonly<Partial<Record<BackendName | "backend" | "profiles", readonly Problem[]>>>;
  /** The tags that the stack sets for all volumes. */
  tags: Readonly<Record<string, string>>;
  limits: Readonly<Record<BackendName, unknown>>;
  prices: Readonly<Record<BackendName, unknown>>;
}

/**
 * Makes the catalog of a stack. A profile takes the place of the one of its name below it: the stack's of those in the shared files, a later
 * file's of those in an earlier one, and all of the built-in ones; with `extends: <its own name>` it is laid over that one instead. Any
 * other name that a profile extends means the one in force. Problems: `profile-parent-unknown`, `profile-cycle`. `unreadable` is what the
 * config lacks because of mistakes in it, and `files` are those that its key `catalog` names.
 */
export function makeCatalog(
  config: StackConfig = {},
  { keys, profiles: wrong }: Partial<Unreadable> = {},
  files: readonly CatalogFile[] = [],
): Catalog {
  const layers: Layer[] = [
    { origin: "built-in", definitions: builtinProfiles(), wrong: {} },
    ...files.map((file): Layer => layerOf("catalog", file.profiles, file.wrong, file)),
    layerOf("stack", config.profiles, wrong),
  ];
  const names = [...new Set(layers.flatMap(({ definitions }) => Object.keys(definitions)))];
  const unreadProfiles = [
    ...(keys?.["profiles"] ?? []),
    ...(keys?.["catalog"] ?? []),
    // Who is pinned nobody knows.
    ...(keys?.["pins"] ?? []),
    ...files.flatMap(({ unread }) => unread),
  ];
  const profiles = Object.create(null) as Record<string, Profile>;
  const broken = Object.create(null) as Record<string, readonly Problem[]>;
  const ofChains = new Map<string, Problem>();
  for (const name of names) {
    const chain = lineage(name, layers, names);
    if (!Array.isArray(chain)) {
      // Where a file can't be read, what is missing may be there.
      if (unreadProfiles.length === 0) ofChains.set(`${chain.path} ${chain.code}`, chain);
      const top = find(name, layers);
      broken[name] = [...(top ? mistakesOf(top) : []), ...(unreadProfiles.length > 0 ? unreadProfiles : [chain])];
      continue;
    }
    const mistakes = chain.flatMap(mistakesOf);
    if (unreadProfiles.length > 0 || mistakes.length > 0) {
      broken[name] = [...unreadProfiles, ...mistakes];
      continue;
    }
    const sections = layer(chain.map((link) => link.definition));
    profiles[name] = frozen<Profile>({
      name,
      // Laid over the built-in one of its name, it is still for the same.
      description:
        chain.find((link) => link.name === name && link.definition.description)?.definition.description ?? "",
      ...(chain[0] ? originOf(chain[0]) : { origin: "stack" }),
      lineage: chain.slice(1).map((link) => link.name),
      ...defaultSizeOf(chain),
      sections,
      origins: originsOf(chain, sections),
    });
  }
  const limits = laidOver("limits", config);
  const prices = laidOver("prices", config);
  const problems = [...ofChains.values(), ...limits.problems, ...prices.problems];
  const unread = unreadParts({ ...keys, profiles: unreadProfiles }, [...limits.problems, ...prices.problems]);
  const pins = pinsOf(config.pins);
  return {
    profiles,
    pins,
    problems,
    broken,
    unread,
    tags: config.tags ?? {},
    limits: limits.data,
    prices: prices.data,
  };
}

/** The same catalog without its pins: what volumes would have that follow their profiles. */
export function withoutPins(catalog: Catalog): Catalog {
  return { ...catalog, pins: pinsOf() };
}

/**
 * What is in force of a profile for a volume: what is pinned for it, or for the whole stack, or the profile itself. `undefined` is for what
 * belongs to no single volume.
 */
export function profileInForce(
  { pins, profiles }: Catalog,
  volume: string | undefined,
  profile: string,
): Profile | undefined {
  const ofVolume = volume === undefined ? undefined : pins[`${volume}@${profile}`];
  return ofVolume ?? pins[profile] ?? profiles[profile];
}

/** The path of a pinned definition in the stack's config, for problems. */
export function pinPath(pin: string, backend?: string): string {
  return joinPath(`${NAMESPACE}:pins`, backend === undefined ? [pin] : [pin, backend]);
}

function pinsOf(pins: StackConfig["pins"] = {}): Catalog["pins"] {
  const made = Object.create(null) as Record<string, Profile>;
  for (const [pin, definition] of Object.entries(pins)) {
    const name = pin.split("@").at(-1) ?? pin;
    const common = { description: "", origin: "stack" as const, lineage: [], origins: {} };
    made[pin] = frozen<Profile>({ ...common, name, pin, sections: layer([definition]) });
  }
  return made;
}

function unreadParts(keys: Unreadable["keys"], composed: readonly Problem[]): Catalog["unread"] {
  const numbers = [...(keys["limits"] ?? []), ...(keys["prices"] ?? []), ...composed];
  const ownerOf = ({ path }: Problem) =>
    backendNames.find((name) => ["limits", "prices"].some((key) => isBelow(path, `${NAMESPACE}:${key}.${name}`)));
  const ofBackends = backendNames.map((name): [string, readonly Problem[]] => [
    name,
    [
      ...(keys[name] ?? []),
      ...(keys["tags"] ?? []),
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

/** Profiles of one origin, by name. */
interface Layer {
  origin: Profile["origin"];
  definitions: Readonly<Record<string, ProfileDefinition>>;
  wrong: Unreadable["profiles"];
  file?: CatalogFile;
}

// Of a profile with a mistake what it extends is known all the same: others may extend it, and its place in the chain can be judged.
function layerOf(
  origin: Profile["origin"],
  definitions: Layer["definitions"] = {},
  wrong: Layer["wrong"] = {},
  file?: CatalogFile,
): Layer {
  const placeholders = Object.entries(wrong).map(([name, { extends: parent }]) => [
    name,
    parent === undefined ? {} : { extends: parent },
  ]);
  const all = { ...definitions, ...(Object.fromEntries(placeholders) as Layer["definitions"]) };
  return { origin, definitions: all, wrong, ...(file && { file }) };
}

interface Link {
  name: string;
  definition: ProfileDefinition;
  layer: Layer;
}

const mistakesOf = ({ name, layer }: Link): readonly Problem[] =>
  (own(layer.wrong, name) as Layer["wrong"][string] | undefined)?.problems ?? [];

// Where a link's definition is, or a setting in it.
function originOf({ name, layer: { origin, file } }: Link, keys: readonly string[] = []): Omit<Origin, "name"> {
  if (!file) return { origin };
  return { origin, file: file.name, line: file.lineOf(joinPath("profiles", [name, ...keys])) };
}

// The place of a link's definition, for problems.
function placeOf({ name, layer: { file } }: Link, key: string): string {
  if (!file) return `${sectionPath(name)}.${key}`;
  const path = joinPath("profiles", [name, key]);
  return `${file.name}:${file.lineOf(path)}: ${path}`;
}

// The definition in force of a name, or the one below a layer.
function find(name: string, layers: readonly Layer[], below = layers.length): Link | undefined {
  for (const layer of layers.slice(0, below).reverse()) {
    const definition = own(layer.definitions, name) as ProfileDefinition | undefined;
    if (definition) return { name, definition, layer };
  }
  return undefined;
}

// The profile and those it extends, nearest first; or the problem, where the chain doesn't end well.
function lineage(name: string, layers: readonly Layer[], names: string[]): Link[] | Problem {
  const chain: Link[] = [];
  let link = find(name, layers);
  while (link) {
    chain.push(link);
    const child: Link = link;
    const parent: string | undefined = child.definition.extends;
    if (parent === undefined) return chain;
    // Its own name means the definition below its own.
    const isOwn = parent === child.name;
    link = isOwn ? find(parent, layers, layers.indexOf(child.layer)) : find(parent, layers);
    if (isOwn && !link) return cycle([child]);
    const before = chain.findIndex((each) => each.name === link?.name && each.layer === link.layer);
    if (before >= 0) return cycle(chain.slice(before));
    if (!link) {
      const profiles = names.filter((each) => each !== child.name);
      const params = { parent, profiles, nearest: nearest(parent, profiles) };
      return problem("profile-parent-unknown", placeOf(child, "extends"), parent, params);
    }
  }
  return chain;
}

// Told from the name that comes first, so that it is the same problem from wherever the circle is entered.
function cycle(links: readonly Link[]): Problem {
  const names = links.map(({ name }) => name);
  const first = names.indexOf([...names].sort()[0] ?? "");
  const turned = [...links.slice(first), ...links.slice(0, first)];
  const [start] = turned;
  const circle = [...turned, ...(start ? [start] : [])].map(({ name }) => name);
  return problem("profile-cycle", start ? placeOf(start, "extends") : "", circle[1] ?? "", { cycle: circle });
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
      const said = saying.map((link): Origin => ({ name: link.name, ...originOf(link, [backend, key]) }));
      return [key, said] as const;
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
