// What edits do: the config before and after against the state. Pure.

import { admittedSizes } from "../core/admitted";
import type { BackendName } from "../core/backend";
import { withoutPins } from "../core/catalog";
import { formatProblem, type Problem } from "../core/problems";
import { builtinProfiles } from "../core/built-in-profiles";
import { isSame } from "../core/revision";
import { NAMESPACE } from "../core/config-schema";
import { joinPath } from "../core/validate";
import { change, monthlyCostOf } from "../core/resolve";
import { nearest } from "../core/nearest";
import { recordedAs, volumesAt } from "./select";
import { environmentNotes, listedVolumes, placed, statusesOf, statusOf } from "./status";
import type {
  ConfigEdit,
  PinnedVolume,
  SharedFile,
  StackConfigRead,
  StackState,
  VolumePlan,
  VolumeStatus,
} from "./types";
import { problem } from "./problems";

/** The problems that a config has and another hadn't. One that comes from Pulumi.yaml into the stack's file is not a new one. */
export function newProblems(before: readonly Problem[], after: readonly Problem[]): Problem[] {
  const text = (each: Problem) =>
    formatProblem({ ...each, path: each.path.replace(/^[^:]+:\d+: (?=storage-profiles:)/, "") });
  const known = new Set(before.map(text));
  return after.filter((each) => !known.has(text(each)));
}

/** What keeps edits from being made, before they are tried: what they remove must be there, and free. */
export function editProblems(edits: readonly ConfigEdit[], read: StackConfigRead, state: StackState): Problem[] {
  const volumes = listedVolumes(read);
  return edits.flatMap((edit): Problem[] => {
    const path = joinPath(`${NAMESPACE}:${edit.kind.endsWith("profile") ? "profiles" : "volumes"}`, [edit.name]);
    const [recorded] = recordedAs(state, edit.name);
    const isListed = volumes.includes(edit.name);
    const unread = unreadable(edit, read);
    if (unread.length > 0) return [...unread];
    switch (edit.kind) {
      case "set-profile":
        return sharedProblems(edit, path, read);
      case "set-value":
        return [];
      case "set-volume":
        if (isListed || !recorded) return [];
        return [problem("volume-of-program", path, undefined, { volume: edit.name })];
      case "remove-volume": {
        if (recorded?.protected && isListed)
          return [problem("volume-protected", path, undefined, { volume: edit.name })];
        if (isListed) return [];
        if (recorded) return [problem("volume-of-program", path, undefined, { volume: edit.name })];
        return [
          problem("volume-unknown", path, undefined, {
            volume: edit.name,
            volumes,
            nearest: nearest(edit.name, volumes),
          }),
        ];
      }
      case "remove-profile":
        return removal(edit.name, path, edits, read, state);
    }
  });
}

/** The shared file whose definition of a profile is in force, below the stack's own. */
export function sharedFileOf({ sharedFiles }: StackConfigRead, profile: string): SharedFile | undefined {
  return sharedFiles.findLast((each) => Object.hasOwn(each.profiles, profile) || Object.hasOwn(each.wrong, profile));
}

// Whether a profile may be changed where the edit is to be made; and whether that is said, where other stacks may use it.
function sharedProblems(
  { name: profile, in: place }: Extract<ConfigEdit, { kind: "set-profile" }>,
  path: string,
  read: StackConfigRead,
): Problem[] {
  const shared = sharedFileOf(read, profile);
  if (place === "stack" || (place === undefined && read.ownProfiles.includes(profile))) return [];
  if (read.catalog.unread.profiles) return [...read.catalog.unread.profiles];
  if (!shared) {
    const files = read.sharedFiles.map(({ name }) => name);
    return place === undefined ? [] : [problem("profile-not-shared", path, profile, { profile, files })];
  }
  const { name: file, wrong, isPackage } = shared;
  if (place === undefined) return [problem("profile-shared", path, profile, { profile, file })];
  if (isPackage) return [problem("profile-read-only", path, profile, { profile, file })];
  return [...(wrong[profile]?.problems ?? [])];
}

// What can't be read isn't overwritten: what it says besides would be lost. It can be removed.
function unreadable(edit: ConfigEdit, { unreadable }: StackConfigRead): readonly Problem[] {
  const { kind, name } = edit;
  if (kind === "set-value") return [];
  const key = kind.endsWith("profile") ? "profiles" : "volumes";
  const whole = unreadable.keys[key] ?? [];
  if (whole.length > 0 || kind.startsWith("remove")) return whole;
  if ("in" in edit && edit.in === "catalog") return [];
  return (kind === "set-profile" ? unreadable.profiles[name]?.problems : unreadable.volumes[name]) ?? [];
}

function removal(
  profile: string,
  path: string,
  edits: readonly ConfigEdit[],
  read: StackConfigRead,
  state: StackState,
): Problem[] {
  const profiles = read.ownProfiles;
  const isBuiltIn = Object.hasOwn(builtinProfiles(), profile);
  const shared = sharedFileOf(read, profile);
  if (!profiles.includes(profile)) {
    return [
      problem("profile-not-own", path, undefined, {
        profile,
        profiles,
        isBuiltIn,
        file: shared?.name,
        nearest: nearest(profile, profiles),
      }),
    ];
  }
  // The shared or built-in profile of this name takes its place, and the plan shows the effect as for any other edit.
  if (isBuiltIn || shared) return [];
  const removed = (kind: ConfigEdit["kind"], name: string) =>
    edits.some((each) => each.kind === kind && each.name === name);
  const moved = (name: string) =>
    edits.some((each) => each.kind === "set-volume" && each.name === name && each.volume.profile !== profile);
  const listed = Object.entries(read.config.volumes ?? {})
    .filter(([name, volume]) => volume.profile === profile && !removed("remove-volume", name) && !moved(name))
    .map(([name]) => name);
  const recorded = state.volumes.filter(({ asked }) => asked?.profile === profile).map(({ name }) => name);
  const volumes = [...new Set([...listed, ...recorded])].sort();
  const extending = Object.entries({ ...read.config.profiles, ...read.unreadable.profiles })
    .filter(([name, each]) => each.extends === profile && name !== profile && !removed("remove-profile", name))
    .map(([name]) => name);
  // Whether a volume has it whose entry can't be read nobody knows.
  const unread = Object.entries(read.unreadable.volumes)
    .filter(([name]) => !removed("remove-volume", name))
    .flatMap(([, problems]) => problems);
  if (volumes.length === 0 && extending.length === 0) return unread;
  return [...unread, problem("profile-in-use", path, undefined, { profile, volumes, profiles: extending })];
}

/**
 * The volumes for which a config says something else than another did, and those of the `chosen` that an `up` would touch; with no
 * other config, only the latter, of all volumes where none are chosen.
 */
export function plansOf(
  read: StackConfigRead,
  state: StackState,
  before?: StackConfigRead,
  chosen?: readonly string[],
): VolumePlan[] {
  const now = statusesOf(read, state);
  const isChosen = ({ name, urn }: VolumeStatus) =>
    chosen !== undefined && (chosen.includes(name) || (urn !== undefined && chosen.includes(urn)));
  const pending = now.filter(({ status }) => status !== "compliant");
  if (!before)
    return pending.filter((each) => chosen === undefined || isChosen(each)).map((each) => planOf(each, read));
  const then = new Map(statusesOf(before, state).map((each) => [keyOf(each), each]));
  const isListed = ({ declaredBy }: VolumeStatus) => declaredBy === "config";
  const plans = now
    .filter((each) => isListed(each) || then.get(keyOf(each))?.declaredBy !== "config")
    .filter((each) => {
      const old = then.get(keyOf(each));
      return (
        !old ||
        (isChosen(each) && pending.includes(each)) ||
        !isSame(outcome(old), outcome(each)) ||
        (isListed(each) && !isSame(definition(before, each.name), definition(read, each.name)))
      );
    })
    .map((each) => planOf(each, read));
  const listed = listedVolumes(read);
  const gone = [...then.values()].filter((each) => isListed(each) && !listed.includes(each.name));
  const deleted = gone.flatMap((old): VolumePlan[] => {
    if (!old.recorded) return [];
    return [
      {
        name: old.name,
        urn: old.urn,
        verdict: "delete",
        declaredBy: "config",
        from: old.recorded,
        problems: [],
        notes: [],
        costBefore: old.monthlyCost,
      },
    ];
  });
  return [...plans, ...deleted];
}

/** The volumes that other definitions of profiles would change if they weren't pinned. */
export function leftOutOf(read: StackConfigRead, state: StackState, before: StackConfigRead): PinnedVolume[] {
  if (Object.keys(read.catalog.pins).length === 0) return [];
  const then = new Map(statusesOf(before, state).map((each) => [keyOf(each), each.pin]));
  return statusesOf(read, state).flatMap((each) => {
    const { name, urn, profile = "", pin } = each;
    const old = then.get(keyOf(each));
    if (!pin || old?.reference !== pin.reference || old.current === pin.current) return [];
    return [{ name, ...(urn !== undefined && { urn }), profile, pin: pin.reference }];
  });
}

// A volume is its URN; one that isn't in the state yet has only a name.
const keyOf = ({ urn, name }: VolumeStatus) => urn ?? name;

/** What another profile or size would do to a volume that the program declares, by its name or URN. The program would have to say it. */
export function whatIf(
  read: StackConfigRead,
  state: StackState,
  {
    name,
    profile,
    sizeGiB,
    size,
  }: { name: string; profile?: string | undefined; sizeGiB?: number | undefined; size?: string | undefined },
): VolumePlan {
  const [recorded] = volumesAt(state.volumes, name);
  const { asked } = recorded ?? {};
  const sized = sizeGiB === undefined && size === undefined ? { sizeGiB: asked?.sizeGiB } : { sizeGiB, size };
  const other = asked && { profile: profile ?? asked.profile, ...sized };
  return planOf(statusOf(read, recorded?.name ?? name, undefined, recorded, new Set(), other), read);
}

/** What keeps a plan from being applied: changes that the backend can't make. */
export function refusals(plans: readonly VolumePlan[]): Problem[] {
  return plans.filter(({ verdict }) => verdict === "refused").flatMap(({ problems }) => problems);
}

function planOf(status: VolumeStatus, read: StackConfigRead): VolumePlan {
  const { name, urn, recorded: from, declared: to, verdict = "none" } = status;
  const isListed = status.declaredBy === "config";
  const request = read.requestFor(name, isListed ? read.config.volumes?.[name] : undefined);
  const made = verdict === "create" ? undefined : from;
  const difference = made && to ? change(made, to) : undefined;
  return {
    name,
    urn,
    verdict,
    declaredBy: status.declaredBy,
    from: made,
    to,
    problems: placed(name, isListed, status.problems),
    notes: [...(difference?.notes ?? []), ...(status.notes ?? []), ...environmentNotes(read)],
    costBefore: made && monthlyCostOf(read.catalog, made, request.placement),
    costAfter: to && monthlyCostOf(read.catalog, to, request.placement),
  };
}

/** What makes a profile of no use on a backend: no size that it could have. A part that only others extend may lack what they add. */
export function uselessProfiles(edits: readonly ConfigEdit[], read: StackConfigRead): Problem[] {
  return edits.flatMap(({ kind, name: profile }) => {
    const known = kind === "set-profile" ? read.catalog.profiles[profile] : undefined;
    const named = Object.keys(known?.sections ?? {}) as BackendName[];
    return named.flatMap((backend): Problem[] => {
      const { placement } = read.requestFor("volume", { profile, backend });
      // As it is for volumes that aren't pinned.
      const { admitted = [], problems } = admittedSizes(withoutPins(read.catalog), {
        profile,
        backend,
        placement: placement ?? {},
      });
      if (admitted.some(({ ranges }) => ranges.length > 0)) return [];
      const [reason] = [...problems, ...admitted.flatMap(({ above }) => above ?? [])];
      return reason && reason.code !== "setting-required" ? [reason] : [];
    });
  });
}

const outcome = ({ declared, problems }: VolumeStatus) => ({
  declared,
  problems: problems.map(({ code, path }) => [code, path]),
});
const definition = (read: StackConfigRead, name: string) => read.config.volumes?.[name];
