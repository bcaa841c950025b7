// The heart: a request and a catalog give a resolution; two resolutions give a change. Pure: the same code answers in a
// component at preview, in the commands, over HTTP and in tests.

import { backendNames, backends, isBackend, type BackendName, type Settings } from "./backend";
import type { Answer, Asked, Backend, SettingRule } from "./backend";
import { formatCost, type MonthlyCost } from "./cost";
import { nearest } from "./nearest";
import { note, problem, type Note, type Problem } from "./problems";
import { pinPath, profileInForce, profilesFor, sectionPath, volumePath, type Catalog, type Profile } from "./catalog";
import { traced, wayWithout } from "./origin";
import { frozen } from "./overlay";
import { parseReference, type Reference } from "./reference";
import { isSame, revisionOf } from "./revision";
import { isBelow, validate, wrongType } from "./validate";
import { settingText } from "./setting-text";
import { parseSize } from "./size";
import { checkTags, NO_TAGS } from "./tags";

/** What one volume asks for. */
export interface VolumeRequest {
  /** `name`, or `name@profile`. */
  name: string;
  /** The profile, where the name doesn't say it. Default: `default`. */
  profile?: string | undefined;
  /** The size in GiB. One of `sizeGiB` and `size` is needed. */
  sizeGiB?: number | undefined;
  /** The size with a unit: "100GiB", "1.5TiB", "500GB". */
  size?: string | undefined;
  /** The backend: `aws`, `openstack`, `scaleio`, `local`. */
  backend?: string | undefined;
  /** What the backend needs to know about the place: `{ availabilityZone }` on aws, `{ mode }` on local. */
  placement?: object | undefined;
  /** The volume's name on the backend. Default: its name. */
  physicalName?: string | undefined;
  /** Tags, in the form that the backend has for them. They count before those of the stack and of the profile. */
  tags?: Readonly<Record<string, string>> | undefined;
}

/** A volume with a profile worked out: what is recorded about it, and what a change is judged by. */
export interface ResolvedVolume {
  name: string;
  profile: string;
  /** Which edit of the profile this is. */
  revision: string;
  backend: BackendName;
  /** The size as the backend makes it. */
  sizeGiB: number;
  /** The backend's own parameters, always the complete set. */
  settings: Settings;
  /** The tags among them that the volume sets itself; absent where its backend keeps none, and in a state of an earlier version. */
  tags?: Record<string, string>;
}

/** The pure answer to a request. `volume` is there exactly when there are no problems. */
export interface Resolution {
  request: VolumeRequest;
  volume?: ResolvedVolume;
  problems: Problem[];
  notes: Note[];
  /** The monthly cost by list price; absent where it isn't known. */
  monthlyCost?: MonthlyCost;
  /** The entry of the stack's `pins` that has the profile's definition, where one has. */
  pin?: string;
}

/**
 * Works a request out. Never throws; all problems come back at once. `pathPrefix` stands before the paths of arguments;
 * `placementPath` is where the volume says its placement, when that isn't called so.
 */
export function resolve(
  catalog: Catalog,
  request: VolumeRequest,
  pathPrefix = "",
  placementPath = `${pathPrefix}placement`,
): Resolution {
  const problems = wrongTypes(request, pathPrefix);
  if (problems.length > 0) return { request, problems, notes: [] };
  const { reference, problems: wrong } = parseReference(
    request.name,
    request.profile,
    `${pathPrefix}name`,
    `${pathPrefix}profile`,
  );
  problems.push(...wrong);
  const size = parseSize(request, pathPrefix);
  problems.push(...size.problems);
  const backend = pickBackend(catalog, request.backend, `${pathPrefix}backend`, problems);
  const inPlacement: Problem[] = [];
  const placement = backend && checkPlacement(backend, request.placement, placementPath, inPlacement);
  const base = backend && placement && anyBackend(backend).basedOn?.at(placement);
  const found =
    reference && backend && pickSections(catalog, reference, backend, base, `${pathPrefix}profile`, problems);
  problems.push(...inPlacement);
  // With limits or a place other than the stack means, an answer would be to another question.
  const unread = [...((backend && catalog.unread[backend]) ?? []), ...((base && catalog.unread[base]) ?? [])];
  problems.push(...unread);
  if (!reference || !backend || !found || !placement || size.sizeGiB === undefined || unread.length > 0) {
    return { request, problems, notes: size.notes };
  }

  const rules = anyBackend(backend);
  const tagged = checkTags(
    backend,
    { ofStack: catalog.tags, ofVolume: request.tags },
    { section: found.own.section, placement, limits: catalog.limits[backend] },
    pathPrefix,
  );
  if (tagged.problems.length > 0) problems.push(...tagged.problems);
  const name = request.physicalName ?? reference.name;
  const sizePath = `${pathPrefix}${request.size === undefined ? "sizeGiB" : "size"}`;
  const { sizeGiB } = size;
  const askedOf = (which: BackendName, { section, path }: Checked, place: unknown): AnyAsked => ({
    name,
    profile: reference.profile,
    section,
    path,
    without: (setting, part) => wayWithout(found.profile, which, setting, part),
    sizePath,
    sizeGiB,
    placement: place,
    // The storage below a volume of another backend has those of its profile alone.
    tags: which === backend ? tagged.tags : NO_TAGS,
    placementPath,
    limits: catalog.limits[which],
    accepts: undefined,
    base: undefined,
  });
  const asked = askedOf(backend, found.own, placement);
  if (base && found.ofBase) {
    const place = (placement as { bases?: Partial<Record<BackendName, object>> }).bases?.[base];
    asked.base = {
      backend: base,
      asked: askedOf(base, found.ofBase, checkPlacement(base, place, placementPath, problems)),
      prices: catalog.prices[base],
    };
  }
  const prices = catalog.prices[base ?? backend];
  // Of two sections, the one that a problem is about is tried without a setting.
  const again = (which: BackendName, section: unknown): Answer<object> => {
    const of = which === base ? asked.base : undefined;
    if (!of) return rules.resolve({ ...asked, section }, prices);
    return rules.resolve({ ...asked, base: { ...of, asked: { ...of.asked, section } } }, prices);
  };
  const answer = rules.resolve(asked, prices);
  const { pin } = found.profile;
  const pinned = pin === undefined ? [] : [note("profile-pinned", "profile", { profile: reference.profile, pin })];
  const own = size.notes.length > 0 || tagged.notes.length > 0 || pinned.length > 0;
  const notes = own ? [...pinned, ...size.notes, ...tagged.notes, ...answer.notes] : answer.notes;
  for (const each of answer.problems) {
    const of = asked.base && isBelow(each.path, asked.base.asked.path) ? asked.base.asked : asked;
    const which = of === asked ? backend : (base ?? backend);
    const isHelped = helps(each, answer.problems, of, (section) => again(which, section));
    problems.push(traced(each, found.profile, which, isHelped));
  }
  const common = { request, problems, notes, ...(pin !== undefined && { pin }) };
  if (!answer.settings || problems.length > 0) return common;

  const volume: ResolvedVolume = {
    name: reference.name,
    profile: reference.profile,
    revision: found.revision,
    backend,
    sizeGiB: answer.sizeGiB,
    settings: answer.settings as Settings,
    ...(tagged.own && { tags: tagged.own }),
  };
  const price = rules.monthlyCost({ sizeGiB: volume.sizeGiB, settings: volume.settings }, placement, prices);
  if (price && "cost" in price) return { ...common, volume, monthlyCost: price.cost };
  if (price) notes.push(note("price-unknown", "monthlyCost", { because: price.unknown }));
  return { ...common, volume };
}

/** The same, for a volume that the stack's config lists by this name: its problems have their places there. */
export function resolveListed(catalog: Catalog, name: string, request: VolumeRequest): Resolution {
  const prefix = `${volumePath(name)}.`;
  return resolve(catalog, request, prefix, `${prefix}${request.backend ?? "backend"}`);
}

/** The monthly cost of a volume by the catalog's prices, or `undefined` where it isn't known. */
export function monthlyCostOf(catalog: Catalog, volume: ResolvedVolume, placement?: object): MonthlyCost | undefined {
  const price = priceOf(catalog, volume, placement);
  return price && "cost" in price ? price.cost : undefined;
}

/** The monthly cost of a volume by the catalog's prices, or why it isn't known; `undefined` where its backend has no prices. */
export function priceOf(
  catalog: Catalog,
  { backend, sizeGiB, settings }: ResolvedVolume,
  placement: object = {},
): ReturnType<Backend["monthlyCost"]> {
  const base = anyBackend(backend).basedOn?.at(placement);
  if (catalog.unread[backend] || (base && catalog.unread[base])) return undefined;
  return anyBackend(backend).monthlyCost({ sizeGiB, settings }, placement, catalog.prices[base ?? backend]);
}

/** What a change does to a volume that exists. */
export type Verdict =
  /** Nothing changes on the backend. */
  | "none"
  /** The backend changes it where it is; the data stays. */
  | "in-place"
  /** The backend moves the data; the volume stays the same. */
  | "migrates"
  /** It can't be done without losing data, or at all. */
  | "refused";

/** From one resolution to the next, for a volume that exists. */
export interface Change {
  verdict: Verdict;
  /** Why it is refused, each with the way out; empty unless the verdict is `refused`. */
  problems: Problem[];
  /** What changes, setting by setting. */
  notes: Note[];
}

/** Judges the change of a volume that exists from one resolved state to another. */
export function change(from: ResolvedVolume, to: ResolvedVolume): Change {
  if (from.backend !== to.backend) {
    const moved = problem("change-of-backend", "backend", to.backend, { from: from.backend, to: to.backend });
    return { verdict: "refused", problems: [moved], notes: [] };
  }
  const problems: Problem[] = [];
  const notes: Note[] = [];
  const verdicts = new Set<Verdict>();
  if (to.sizeGiB < from.sizeGiB) {
    problems.push(problem("change-shrinks", "sizeGiB", to.sizeGiB, { from: from.sizeGiB, to: to.sizeGiB }));
  } else if (to.sizeGiB > from.sizeGiB) {
    verdicts.add("in-place");
    const text = (sizeGiB: number) => settingText(from.backend, "sizeGiB", sizeGiB);
    const what = { setting: "sizeGiB", from: text(from.sizeGiB), to: text(to.sizeGiB) };
    notes.push(note("change-in-place", "sizeGiB", what));
  }
  const rules = anyBackend(from.backend).change as Record<
    string,
    (from: unknown, to: unknown) => SettingRule | undefined
  >;
  for (const setting of Object.keys(rules)) {
    const before = (from.settings as unknown as Record<string, unknown>)[setting] ?? null;
    const after = (to.settings as unknown as Record<string, unknown>)[setting] ?? null;
    const rule = isSame(before, after) ? undefined : rules[setting]?.(before, after);
    if (!rule) continue;
    const text = (value: unknown) => settingText(from.backend, setting, value);
    const what = { setting, from: text(before), to: text(after) };
    const path = `settings.${setting}`;
    verdicts.add(rule.verdict);
    if (rule.verdict === "refused")
      problems.push(problem("change-not-possible", path, after, { ...what, because: rule.because, way: rule.way }));
    else if (rule.verdict === "migrates") notes.push(note("change-migrates", path, { ...what, because: rule.because }));
    else notes.push(note("change-in-place", path, what));
  }
  problems.push(...(anyBackend(from.backend).wholeChange?.(from, to) ?? []));
  if (problems.length > 0) return { verdict: "refused", problems, notes: [] };
  notes.push(...(anyBackend(from.backend).noteChange?.(from, to) ?? []));
  const verdict = verdicts.has("migrates") ? "migrates" : verdicts.has("in-place") ? "in-place" : "none";
  return { verdict, problems, notes };
}

/** What a change makes of the monthly cost, as a note; none where neither cost is known or both are the same. */
export function costDifference(from: MonthlyCost | undefined, to: MonthlyCost | undefined): Note[] {
  if (from?.amount === to?.amount && from?.currency === to?.currency) return [];
  let difference = "difference unknown";
  if (from && from.currency === to?.currency) {
    const delta = to.amount - from.amount;
    difference = `${delta < 0 ? "-" : "+"}${formatCost({ ...to, amount: Math.abs(delta) })}`;
  }
  return [note("change-of-cost", "monthlyCost", { from: formatCost(from), to: formatCost(to), difference })];
}

// Whether a problem is none any more where the profile has a setting no longer, and no other comes of that.
function helps(
  { path }: Problem,
  problems: readonly Problem[],
  asked: AnyAsked,
  again: (section: unknown) => Answer<object>,
): (setting: string) => boolean {
  return (setting) => {
    const { [setting]: _without, ...section } = asked.section as Record<string, unknown>;
    return again(section).problems.every(
      (each) => each.path !== path && problems.some((before) => before.path === each.path),
    );
  };
}

// Inside, a backend is called through its general shape: what it is given was checked by its own schemas.
function anyBackend(name: BackendName): Backend {
  return backends[name];
}

const EXPECTED = Object.entries({
  name: "string",
  profile: "string",
  sizeGiB: "number",
  size: "string",
  backend: "string",
  placement: "object",
  physicalName: "string",
  tags: "object",
} satisfies Record<keyof VolumeRequest, string>) as readonly [keyof VolumeRequest, string][];

// Requests also come from programs without types and over HTTP.
function wrongTypes(request: VolumeRequest, pathPrefix: string): Problem[] {
  const problems: Problem[] = [];
  for (const [key, type] of EXPECTED) {
    const value = request[key] as unknown;
    const isRight =
      value === undefined ? key !== "name" : typeof value === type && value !== null && !Array.isArray(value);
    if (!isRight) problems.push(wrongType(`${pathPrefix}${key}`, value, type));
  }
  return problems;
}

function pickBackend(
  { unread }: Catalog,
  name: string | undefined,
  path: string,
  problems: Problem[],
): BackendName | undefined {
  if (name === undefined)
    problems.push(...(unread.backend ?? [problem("backend-missing", path, undefined, { backends: backendNames })]));
  else if (!isBackend(name))
    problems.push(
      problem("backend-unknown", path, name, {
        backend: name,
        backends: backendNames,
        nearest: nearest(name, backendNames),
      }),
    );
  else return name;
  return undefined;
}

type AnyAsked = Asked<unknown, unknown, unknown>;

// A section that was found right, and where it stands.
interface Checked {
  section: object;
  path: string;
}

// What a profile says for a backend, and for the one that it is based on.
interface Found {
  own: Checked;
  ofBase: Checked | undefined;
  revision: string;
  profile: Profile;
}

// What is found right of a profile is so for every volume that has it: a catalog's profiles are frozen. What has problems is looked at again.
const foundOf = new WeakMap<Profile, Map<string, Found>>();

// The section of the backend, and of the one that it is based on: then it may have none of its own.
function pickSections(
  catalog: Catalog,
  { name, profile }: Reference,
  backend: BackendName,
  base: BackendName | undefined,
  path: string,
  problems: Problem[],
): Found | undefined {
  const known = profileInForce(catalog, name, profile);
  if (!known) {
    const profiles = Object.keys(catalog.profiles);
    problems.push(
      ...(catalog.broken[profile] ??
        catalog.unread.profiles ?? [
          problem("profile-unknown", path, profile, { profile, profiles, nearest: nearest(profile, profiles) }),
        ]),
    );
    return undefined;
  }
  const key = base === undefined ? backend : `${backend} ${base}`;
  const before = foundOf.get(known)?.get(key);
  if (before) return before;
  const needed = base ?? backend;
  if (!known.sections[needed] && (base !== undefined || !anyBackend(backend).basedOn)) {
    if (known.pin !== undefined) {
      const params = { pin: known.pin, profile, backend: needed };
      problems.push(problem("pin-without-backend", pinPath(known.pin), undefined, params));
      return undefined;
    }
    const having = profilesFor(catalog, needed);
    problems.push(problem("profile-without-backend", path, profile, { profile, backend: needed, having }));
    return undefined;
  }
  const own = known.sections[backend] ?? {};
  const sectionOfBase = base && known.sections[base];
  const checked = checkSection(known, backend, own, problems);
  const checkedOfBase = sectionOfBase && checkSection(known, base, sectionOfBase, problems);
  if (!checked || (sectionOfBase && !checkedOfBase)) return undefined;
  const revision = revisionOf(backend, sectionOfBase ? [own, base, sectionOfBase] : own);
  const found: Found = { own: checked, ofBase: checkedOfBase, revision, profile: known };
  if (Object.isFrozen(known)) {
    frozen(found);
    const others = foundOf.get(known) ?? new Map<string, Found>();
    foundOf.set(known, others.set(key, found));
  }
  return found;
}

function checkSection(
  profile: Profile,
  backend: BackendName,
  section: object,
  problems: Problem[],
): Checked | undefined {
  const path = profile.pin === undefined ? sectionPath(profile.name, backend) : pinPath(profile.pin, backend);
  const checked = validate(anyBackend(backend).section, section, path);
  const isFine = (setting: string, { path: wrong }: Problem) => {
    const { [setting]: _without, ...rest } = section as Record<string, unknown>;
    return !validate(anyBackend(backend).section, rest, path).problems.some((each) => each.path === wrong);
  };
  problems.push(...checked.problems.map((each) => traced(each, profile, backend, (setting) => isFine(setting, each))));
  return checked.problems.length > 0 ? undefined : { section: checked.value as object, path };
}

// What backends make of a place of which nothing is said.
const nowhere: Partial<Record<BackendName, object>> = {};

function checkPlacement(
  backend: BackendName,
  placement: object | undefined,
  path: string,
  problems: Problem[],
): object | undefined {
  if (placement === undefined) {
    const { [backend]: known } = nowhere;
    if (known) return known;
  }
  const checked = validate(anyBackend(backend).placement, placement ?? {}, path);
  problems.push(...checked.problems);
  const value = checked.value as object | undefined;
  if (placement === undefined && value) nowhere[backend] = frozen(value);
  return value;
}
