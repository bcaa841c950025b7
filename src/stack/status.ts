// How a volume stands: what is declared against what it last got and what its resource has. Pure; the heart of `status` and `plan`.

import { backends, type BackendName } from "../core/backend";
import type { Backend } from "../core/backend";
import type { Note, Problem } from "../core/problems";
import {
  change,
  monthlyCostOf,
  resolve,
  resolveListed,
  type Resolution,
  type ResolvedVolume,
  type VolumeRequest,
} from "../core/resolve";
import { settingText } from "../core/setting-text";
import { isSame } from "../core/revision";
import type { VolumeDefinition } from "../core/config-schema";
import { profileInForce, volumePath, withoutPins } from "../core/catalog";
import { isInSharedFile } from "../core/origin";
import { ambiguous, recordedAs } from "./select";
import type { ComplianceStatus, Follower, RecordedVolume, StackConfigRead, StackState, VolumeStatus } from "./types";
import { note } from "./problems";

/** How each volume stands: those of the config in their order, then those that the program declares, by name. */
export function statusesOf(read: StackConfigRead, state: StackState): VolumeStatus[] {
  const pending = new Set(state.pending.map(({ urn }) => urn));
  const claimed = new Set<string>();
  const ofConfig = listedVolumes(read).map((name) => {
    const found = recordedAs(state, name);
    const [recorded, ...others] = found;
    const one = others.length > 0 ? undefined : recorded;
    const status = statusByName(read, name, one, pending);
    if (others.length > 0) return undecided(status, found);
    for (const { urn } of found) claimed.add(urn);
    return status;
  });
  const ofProgram = state.volumes
    .filter(({ urn }) => !claimed.has(urn))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((each) => statusOf(read, each.name, undefined, each, pending));
  return [...ofConfig, ...ofProgram];
}

/** How the volume of a name stands, whether the config lists it, lists it with a mistake, or leaves it to the program. */
export function statusByName(
  read: StackConfigRead,
  name: string,
  recorded: RecordedVolume | undefined,
  pending?: ReadonlySet<string>,
): VolumeStatus {
  if (Object.hasOwn(read.unreadable.volumes, name)) return unreadableOf(read, name, recorded, pending);
  const { volumes = {} } = read.config;
  return statusOf(read, name, Object.hasOwn(volumes, name) ? volumes[name] : undefined, recorded, pending);
}

/** The volumes that the config lists: in their order, then those whose entry can't be read. */
export function listedVolumes({ config, unreadable }: StackConfigRead): string[] {
  return [...new Set([...Object.keys(config.volumes ?? {}), ...Object.keys(unreadable.volumes)])];
}

// What an entry with a mistake declares nobody knows; what there is of the volume is known all the same.
function unreadableOf(
  read: StackConfigRead,
  name: string,
  recorded: RecordedVolume | undefined,
  pending: ReadonlySet<string> | undefined,
): VolumeStatus {
  const problems = [...(read.unreadable.volumes[name] ?? [])];
  const what = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
  const causes = [note("status-not-possible", "name", { what })];
  const known = statusOf(read, name, undefined, recorded, pending);
  const unknown = {
    revision: undefined,
    definition: undefined,
    sizeGiB: undefined,
    declared: undefined,
    notes: undefined,
  };
  return { ...known, ...unknown, status: "non-compliant", causes, declaredBy: "config", verdict: "refused", problems };
}

// Of several volumes of the name, none says that it is the one that the config lists.
function undecided(status: VolumeStatus, found: readonly RecordedVolume[]): VolumeStatus {
  const wrong = ambiguous(status.name, found, "name");
  const causes = [note("status-not-possible", "name", { what: `${wrong.message}: ${wrong.allowed}` })];
  return { ...status, status: "unknown", causes, verdict: "refused", problems: [...status.problems, wrong] };
}

/** How one volume stands. `volume` is what the config says of it; nothing where the program declares it itself; `other` is what that would say instead. */
export function statusOf(
  read: StackConfigRead,
  name: string,
  volume: VolumeDefinition | undefined,
  recorded: RecordedVolume | undefined,
  pending: ReadonlySet<string> = new Set(),
  other?: Partial<VolumeRequest>,
): VolumeStatus {
  const resolution = declared(read, name, volume, recorded, other);
  const to = resolution?.volume && asTransformed(resolution.volume, recorded);
  const last = recorded?.asked && asTransformed({ ...recorded.asked, ...recorded.got }, recorded);
  const now: ResolvedVolume | undefined = last && recorded.has && { ...last, ...recorded.has };
  const causes: Note[] = [];
  const found = new Set<ComplianceStatus>();
  const cause = (status: ComplianceStatus, told: Note) => {
    found.add(status);
    causes.push(told);
  };

  if (resolution && resolution.problems.length > 0) {
    const what = resolution.problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
    cause(read.environments.length > 0 ? "unknown" : "non-compliant", note("status-not-possible", "profile", { what }));
  }
  if (recorded) for (const unseen of environmentNotes(read)) cause("unknown", unseen);
  if (!recorded) cause("not-created", note("status-not-made", "name", {}));
  else if (!last) cause("unknown", note("status-not-readable", "name", {}));
  // Also where an `up` was tried, and refused for it.
  else if (recorded.takenBy !== undefined)
    cause("non-compliant", note("status-taken-over", "volumeId", { owner: recorded.takenBy }));
  else if (recorded.incomplete !== undefined)
    cause("non-compliant", note("status-incomplete", "settings", { what: recorded.incomplete }));
  else if (!recorded.got || [recorded.urn, ...recorded.children.map(({ urn }) => urn)].some((urn) => pending.has(urn)))
    cause("unknown", note("status-unfinished", "name", {}));
  else if (!now) cause("non-compliant", note("status-gone", "volumeId", {}));
  else {
    const drift = change(now, last);
    const what = [...drift.notes, ...drift.problems].map(({ message, path }) => told(message, path)).join("; ");
    const gone = recorded.followers
      .filter(({ isGone }) => isGone)
      .map(({ name }) => `${name}, which attaches it to a host, is missing`);
    if (gone.length > 0) cause("non-compliant", note("status-drifted", "settings", { what: gone.join("; ") }));
    const elsewhere = recorded.followers.flatMap((each) => strays(each, now));
    if (elsewhere.length > 0)
      cause("non-compliant", note("status-follower-differs", "settings", { what: elsewhere.join("; ") }));
    const { asked = last } = recorded;
    const isAsAsked = change(now, asTransformed(asked, recorded)).verdict === "none";
    // What was asked for in vain at first, and is there: the `up` went wrong behind it, and nobody else was at it.
    if (drift.verdict !== "none" && isAsAsked) cause("unknown", note("status-unfinished", "name", {}));
    else if (drift.verdict !== "none")
      cause("non-compliant", note("status-drifted", "settings", { what: drifted(now, last) || what }));
  }

  const next = to && now ? change(now, to) : undefined;
  if (to && last) {
    for (const each of changes(read, volume, recorded, last, to)) cause("out-of-date", each);
  }
  const order: ComplianceStatus[] = ["non-compliant", "unknown", "not-created", "out-of-date"];
  const base = now ?? last;
  const { placement } = read.requestFor(name, volume);
  return {
    name,
    urn: recorded?.urn,
    status: order.find((each) => found.has(each)) ?? "compliant",
    causes,
    declaredBy: volume ? "config" : "program",
    backend: (to ?? last)?.backend ?? (resolution?.request.backend as BackendName | undefined),
    profile: to?.profile ?? volume?.profile ?? (volume ? "default" : last?.profile),
    revision: to?.revision,
    ...pinOf(resolution?.pin, () => declared(unpinned(read), name, volume, recorded, other)),
    definition: to && definitionOf(read, name, to.profile),
    sizeGiB: to?.sizeGiB,
    recorded: now ?? last,
    declared: to,
    verdict: recorded?.has
      ? (next?.verdict ?? (to ? undefined : "refused"))
      : // Whether the program still declares what isn't there only its run shows.
        recorded && !volume
        ? undefined
        : to
          ? "create"
          : "refused",
    problems: [...(resolution?.problems ?? []), ...(next?.problems ?? [])],
    notes: resolution?.notes,
    volumeId: recorded?.volumeId,
    mountPath: recorded?.mountPath,
    protected: recorded?.protected,
    monthlyCost: base ? monthlyCostOf(read.catalog, base, placement) : resolution?.monthlyCost,
    declaredMonthlyCost: to && monthlyCostOf(read.catalog, to, placement),
  };
}

const unpinned = (read: StackConfigRead): StackConfigRead => ({ ...read, catalog: withoutPins(read.catalog) });

function pinOf(reference: string | undefined, current: () => Resolution | undefined): Pick<VolumeStatus, "pin"> {
  return reference === undefined ? {} : { pin: { reference, current: current()?.volume?.revision } };
}

// Where the profile is defined that is in force.
function definitionOf({ catalog }: StackConfigRead, name: string, profile: string): VolumeStatus["definition"] {
  const { origin, file, line } = profileInForce(catalog, name, profile) ?? {};
  return origin && { origin, ...(file !== undefined && { file, line }) };
}

/** That environments set what isn't known here, as a note; none where the stack's file imports none. */
export function environmentNotes({ environments }: StackConfigRead): Note[] {
  return environments.length > 0 ? [note("environments-unseen", "environment", { environments })] : [];
}

// What a transform of the program has made of what was asked it makes of the same again. What it makes of anything else only the
// program's run shows.
function asTransformed(to: ResolvedVolume, recorded: RecordedVolume | undefined): ResolvedVolume {
  const { asked, given } = recorded ?? {};
  if (!asked || !given || asked.backend !== to.backend) return to;
  const [was, became, now] = [asked.settings, given.settings ?? {}, to.settings] as unknown as Record<
    string,
    unknown
  >[];
  const kept = Object.entries(became ?? {}).filter(([key, value]) => value != null && isSame(was?.[key], now?.[key]));
  const sizeGiB = asked.sizeGiB === to.sizeGiB ? (given.sizeGiB ?? to.sizeGiB) : to.sizeGiB;
  return { ...to, sizeGiB, settings: { ...to.settings, ...Object.fromEntries(kept) } };
}

// What the volume is to be by what is declared now. Of one that the program declares, what it says itself is as it was got.
function declared(
  read: StackConfigRead,
  name: string,
  volume: VolumeDefinition | undefined,
  recorded: RecordedVolume | undefined,
  other: Partial<VolumeRequest> = {},
): Resolution | undefined {
  const before = recorded?.asked && { ...recorded.asked, ...recorded.got };
  const tagging = before && backends[before.backend].tags;
  const had =
    tagging && (before.settings as unknown as Record<string, Record<string, string> | undefined>)[tagging.setting];
  // What the program calls it there nothing else records.
  const { added = [] } = tagging?.rules(read.catalog.limits[before?.backend ?? "local"]) ?? {};
  const physicalName = added.map((key) => had?.[key]).find((each) => typeof each === "string");
  if (volume) {
    const request = read.requestFor(name, volume);
    const isSameBackend = before?.backend === request.backend;
    const known = before && isSameBackend ? settingsAs("decided", before) : {};
    const placement = { ...known, ...request.placement };
    return placedIn(
      read,
      resolveListed(read.catalog, name, { ...request, placement, ...(isSameBackend && { physicalName }) }),
    );
  }
  if (!before) return undefined;
  const { backend, profile, sizeGiB, tags } = before;
  const { placement } = read.requestFor(name, { backend });
  // The settings have those of the stack and the profile as well. An earlier version didn't record which are whose: then none is taken for removed.
  const ownTags = tagging && { [tagging.setting]: tags ?? had };
  const said = { ...settingsAs("decided", before), ...placement, ...settingsAs("own", before), ...ownTags };
  const request = { name, profile, backend, sizeGiB, physicalName, placement: said, ...other };
  return placedIn(read, resolve(read.catalog, request, `${name}: `));
}

const placedIn = ({ placed }: StackConfigRead, { problems, ...rest }: Resolution): Resolution => ({
  ...rest,
  problems: placed(problems),
});

function settingsAs(what: "decided" | "own", { backend, settings }: ResolvedVolume): Record<string, unknown> {
  const { recorded }: Backend = backends[backend];
  const all = settings as unknown as Record<string, unknown>;
  return Object.fromEntries(recorded[what].flatMap((key) => (all[key] == null ? [] : [[key, all[key]]])));
}

function* changes(
  read: StackConfigRead,
  volume: VolumeDefinition | undefined,
  recorded: RecordedVolume,
  last: ResolvedVolume,
  to: ResolvedVolume,
): Generator<Note> {
  const { profile } = to;
  if (last.profile !== profile) yield note("status-profile-changed", "profile", { from: last.profile, to: profile });
  else if (last.revision !== to.revision)
    yield note("status-revision-changed", "profile", {
      ...{ profile, from: last.revision, to: to.revision },
      file: profileInForce(read.catalog, recorded.name, profile)?.file,
    });
  else if (last.backend !== to.backend)
    yield note("status-declaration-changed", "backend", {
      what: `backend changed from ${last.backend} to ${to.backend}`,
    });
  else if (recorded.got) {
    const { notes, problems } = change(last, to);
    const what = [...notes.filter(({ code }) => code === "change-in-place" || code === "change-migrates"), ...problems];
    if (what.length > 0)
      yield note("status-declaration-changed", "settings", {
        what: what.map(({ message, path }) => told(message, path)).join("; "),
      });
  }
  const wanted = volume && (volume.deletionProtection ?? read.config.deletionProtection);
  if (wanted !== undefined && wanted !== recorded.protected) {
    const what = wanted ? "deletion protection enabled" : "deletion protection disabled";
    yield note("status-declaration-changed", "deletionProtection", { what });
  }
}

function told(message: string, path: string): string {
  return message.includes(path.split(".").at(-1) ?? path) ? message : `${path}: ${message}`;
}

// A mapping whose limits are no longer those of the volume that it follows. An `up` that fails between the two leaves the same as
// somebody's change on the backend, once a refresh has read it.
function strays({ name, limits = {} }: Follower, { backend, settings }: ResolvedVolume): string[] {
  const wanted = settings as unknown as Record<string, unknown>;
  return Object.entries(limits)
    .filter(([key, value]) => typeof wanted[key] === "number" && wanted[key] !== value)
    .map(
      ([key, value]) =>
        `${key} of ${name} is ${settingText(backend, key, value)}, expected ${settingText(backend, key, wanted[key])}`,
    );
}

// What it has and what it should have, setting by setting: a refused way back is still drift of one setting.
function drifted(now: ResolvedVolume, last: ResolvedVolume): string {
  const all = (volume: ResolvedVolume) =>
    ({ sizeGiB: volume.sizeGiB, ...volume.settings }) as unknown as Record<string, unknown>;
  const [is, was] = [all(now), all(last)];
  return Object.keys(was)
    .filter((key) => JSON.stringify(is[key]) !== JSON.stringify(was[key]))
    .map(
      (key) =>
        `${key} is ${settingText(last.backend, key, is[key])}, expected ${isSet(was[key]) ? settingText(last.backend, key, was[key]) : "no value"}`,
    )
    .join("; ");
}

const isSet = (value: unknown): boolean => value !== null && value !== undefined;

/** Problems of a volume's change, with the volume's place in the config before their paths. */
export function placed(name: string, isListed: boolean, problems: readonly Problem[]): Problem[] {
  const prefix = isListed ? volumePath(name) : `volume ${name}`;
  return problems.map((each) =>
    /(^|: )storage-profiles:/.test(each.path) || isInSharedFile(each.path)
      ? each
      : { ...each, path: `${prefix}: ${each.path}` },
  );
}
