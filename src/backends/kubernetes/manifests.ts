// All classes that a catalog's profiles need for one driver: one StorageClass for each distinct set of what is fixed, one
// VolumeAttributesClass for each distinct set of what can change.

import { admittedSizes } from "../../core/admitted";
import type { AskedManifests, Manifests } from "../../core/backend";
import { profileInForce, profilesFor, sectionPath, type Catalog } from "../../core/catalog";
import { nearest } from "../../core/nearest";
import { problem, type Note, type Problem } from "../../core/problems";
import { resolve } from "../../core/resolve";
import { isSame } from "../../core/revision";
import {
  attributesClassObject,
  classContent,
  PREFIX,
  sorted,
  storageClassObject,
  type AttributesClassObject,
  type ClassContent,
  type StorageClassObject,
} from "./classes";
import { driverOf, type DriverName } from "./drivers";
import type { Parameters } from "./parameters";
import { SUBDOMAIN, type KubernetesSettings, type Placement, type Section } from "./settings";
import { note } from "./problems";

/** For which profiles and volumes classes are made, and how. */
export interface AskedClasses extends Omit<AskedManifests, "placement"> {
  placement: Placement;
  /** The profile whose StorageClass is the cluster's default. Default: none */
  defaultProfile?: string | undefined;
}

/** The classes that one profile uses. */
export interface ClassesOfProfile {
  /** The name of its StorageClass. */
  storageClass: string;
  /** The name of its VolumeAttributesClass by size in GiB; under `any` where it doesn't depend on the size. Empty where the driver has none. */
  attributesClasses: Record<string, string>;
}

/** What is made. Empty where there are problems. */
export interface Classes {
  storageClasses: StorageClassObject[];
  /** StorageClasses of the profiles' own names. Their content changes with the profile. */
  aliases: StorageClassObject[];
  attributesClasses: AttributesClassObject[];
  /** By profile; by `volume@profile` for a definition that is pinned for one volume. */
  profiles: Record<string, ClassesOfProfile>;
  problems: Problem[];
  notes: Note[];
}

interface Sized {
  sizeGiB: number;
  settings: KubernetesSettings;
}

/**
 * The classes of profiles. Sizes for which a profile isn't possible are left out, unless none is left. Problems: those of each profile;
 * `setting-required` where a profile depends on the size and no size is named.
 */
export function classesOf(catalog: Catalog, asked: AskedClasses): Classes {
  const { placement, aliases = true, defaultProfile } = asked;
  const { driver } = placement;
  const all = driver ? profilesFor(catalog, driverOf(driver).backend) : Object.keys(catalog.profiles);
  const found = [...new Set(asked.profiles ?? all)]
    .flatMap((name) => definitionsOf(catalog, name, driver))
    .map((each) => ({ ...each, ...sizesOf(each.inForce, each.name, asked) }));
  const problems = distinct(found.flatMap((each) => each.problems));
  const made: Classes = { storageClasses: [], aliases: [], attributesClasses: [], profiles: {}, problems, notes: [] };
  if (driver === undefined || problems.length > 0) return made;

  const classes = new Map<string, { content: ClassContent; profiles: Set<string> }>();
  const attributes = new Map<string, { parameters: Parameters; profiles: Set<string> }>();
  for (const { name, pin, inForce, sized, dependsOnSize } of found) {
    const [first] = sized;
    if (!first) continue;
    const { storageClass, parameters } = first.settings;
    const { mountOptions } = (profileInForce(inForce, undefined, name)?.sections.kubernetes ?? {}) as Section;
    const content = classContent(driver, parameters, { mountOptions }, placement.classes);
    entry(classes, storageClass, { content, profiles: new Set<string>() }).profiles.add(name);
    const byClass: Record<string, string> = {};
    for (const { sizeGiB, settings } of sized) {
      if (settings.volumeAttributesClass === null) continue;
      const one = { parameters: settings.attributes, profiles: new Set<string>() };
      entry(attributes, settings.volumeAttributesClass, one).profiles.add(name);
      byClass[dependsOnSize ? String(sizeGiB) : "any"] = settings.volumeAttributesClass;
    }
    made.profiles[pin ?? name] = { storageClass, attributesClasses: byClass };
    if (!aliases || pin !== undefined) continue;
    const alias = aliasOf(name, first, content, placement, dependsOnSize);
    made.problems.push(...alias.problems);
    made.notes.push(...alias.notes);
    if (alias.object) made.aliases.push(alias.object);
  }
  const standard = made.aliases.find(({ metadata }) => metadata.name === defaultProfile);
  if (standard) standard.metadata.annotations["storageclass.kubernetes.io/is-default-class"] = "true";
  else if (defaultProfile !== undefined) {
    const values = made.aliases.map(({ metadata }) => metadata.name);
    const params = { given: `"${defaultProfile}"`, values, nearest: nearest(defaultProfile, values) };
    made.problems.push(problem("value-not-allowed", "defaultProfile", defaultProfile, params));
  }
  if (made.problems.length > 0) {
    return { ...made, storageClasses: [], aliases: [], attributesClasses: [], profiles: {} };
  }
  made.storageClasses = byName(classes).map(([name, { content, profiles }]) =>
    storageClassObject(name, content, [...profiles], placement.zones),
  );
  made.attributesClasses = byName(attributes).map(([, { parameters, profiles }]) =>
    attributesClassObject(driver, parameters, [...profiles]),
  );
  return made;
}

/** The same, as objects for `kubectl apply`. */
export function manifestsOf(catalog: Catalog, { placement, ...asked }: AskedManifests): Manifests {
  const { storageClasses, aliases, attributesClasses, problems, notes } = classesOf(catalog, { ...asked, placement });
  return { objects: [...storageClasses, ...aliases, ...attributesClasses], problems, notes };
}

interface Definition {
  /** The profile. */
  name: string;
  /** The entry of the stack's `pins`, where it is that of one volume. */
  pin?: string;
  /** The catalog with this definition of the profile. */
  inForce: Catalog;
}

// What a profile is for the stack, and what it is for each volume that is pinned: its claim needs the classes of that.
function definitionsOf(catalog: Catalog, name: string, driver: DriverName | undefined): Definition[] {
  const entries = Object.entries(catalog.pins);
  const ofStack = Object.fromEntries(entries.filter(([pin]) => !pin.includes("@")));
  const ofVolumes = entries.filter(
    ([pin, { name: profile, sections }]) =>
      pin.includes("@") && profile === name && driver !== undefined && sections[driverOf(driver).backend] !== undefined,
  );
  return [
    { name, inForce: { ...catalog, pins: ofStack } },
    ...ofVolumes.map(([pin, pinned]) => ({ name, pin, inForce: { ...catalog, pins: { ...ofStack, [name]: pinned } } })),
  ];
}

// The sizes for which a profile needs classes, each worked out; one of any size where nothing depends on it.
function sizesOf(
  catalog: Catalog,
  profile: string,
  { placement, sizesGiB = [] }: AskedClasses,
): { sized: Sized[]; dependsOnSize: boolean; problems: Problem[] } {
  const { driver } = placement;
  const section = driver && profileInForce(catalog, undefined, profile)?.sections[driverOf(driver).backend];
  const { iops } = (section ?? {}) as { iops?: unknown };
  const dependsOnSize = typeof iops === "object" && (iops as { perGiB?: unknown } | null)?.perGiB != null;
  // A class isn't of one claim: what profiles want of claims is taken as given.
  const shared = driver && driverOf(driver).shared;
  const isShared = shared && section?.[shared.setting] === true;
  const modes = isShared ? ({ accessModes: ["ReadWriteMany"], volumeMode: "Block" } as const) : {};
  const request = { name: "volume", profile, backend: "kubernetes", placement: { ...placement, ...modes } };
  const failed = (problems: Problem[]) => ({ sized: [], dependsOnSize, problems });

  const { admitted, problems } = admittedSizes(catalog, { ...request, backend: "kubernetes" });
  const smallest = admitted?.[0]?.ranges[0]?.fromGiB;
  if (smallest === undefined) {
    const above = admitted?.[0]?.above;
    return failed(above ? [above] : problems);
  }
  if (dependsOnSize && sizesGiB.length === 0) {
    const because = `what "${profile}" becomes depends on the size of the volume`;
    const way = `pass \`--size\` to the command, set \`iops\` of "${profile}" to a number, or leave the profile out`;
    return failed([
      problem("setting-required", "sizes", undefined, { setting: "sizes", because, example: "sizes: [100, 500]", way }),
    ]);
  }
  const resolved = (dependsOnSize ? sizesGiB : [smallest]).map((sizeGiB) => resolve(catalog, { ...request, sizeGiB }));
  const sized = resolved.flatMap(({ volume }) =>
    volume ? [{ sizeGiB: volume.sizeGiB, settings: volume.settings as KubernetesSettings }] : [],
  );
  return sized.length > 0 ? { sized, dependsOnSize, problems: [] } : failed(resolved[0]?.problems ?? []);
}

// A StorageClass that people can name: with all that the driver can be told at creation, as they name no VolumeAttributesClass.
function aliasOf(
  name: string,
  { settings: { driver, attributes } }: Sized,
  content: ClassContent,
  { zones }: Placement,
  dependsOnSize: boolean,
): { object?: StorageClassObject; problems: Problem[]; notes: Note[] } {
  if (dependsOnSize) {
    const because = "its IOPS depend on the size, and a StorageClass has one value for all sizes";
    return {
      problems: [],
      notes: [note("class-left-out", sectionPath(name, driverOf(driver).backend), { name, because })],
    };
  }
  // An `apply` of claims creates classes by this prefix, and would replace one of a profile's name.
  const isReserved = name.startsWith(PREFIX);
  if (isReserved || !SUBDOMAIN.test(name)) {
    const why = `"${name}" can't be the name of a StorageClass`;
    const allowed = isReserved
      ? `names that don't begin with \`${PREFIX}\`, as those of the classes with a hash do`
      : "lower-case letters, digits, `-` and `.`, beginning and ending with a letter or a digit";
    const fix =
      "rename the profile, or make no StorageClasses of the profiles' names (`--no-aliases`; `aliases: false` of ProfileClasses)";
    return { problems: [problem("value-invalid", sectionPath(name), name, { why, allowed, fix })], notes: [] };
  }
  const parameters = sorted({ ...content.parameters, ...attributes });
  return { object: storageClassObject(name, { ...content, parameters }, [name], zones), problems: [], notes: [] };
}

function entry<T>(map: Map<string, T>, key: string, initial: T): T {
  const known = map.get(key);
  if (known) return known;
  map.set(key, initial);
  return initial;
}

function byName<T>(entries: ReadonlyMap<string, T>): [string, T][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

function distinct(problems: readonly Problem[]): Problem[] {
  return problems.filter((each, index) => problems.findIndex((other) => isSame(each, other)) === index);
}
