// Pins: definitions of profiles that stay in force for a volume, or for all of a stack, when the profile is edited. The stack's own file keeps
// them, complete, so that no edit anywhere (of a shared file, of a parent, of a package) reaches them. Pure.

import { backends, type BackendName } from "../core/backend";
import { pinPath, profileInForce, type Profile } from "../core/catalog";
import type { StackConfig } from "../core/config-schema";
import { nearest } from "../core/nearest";
import type { Problem } from "../core/problems";
import { problem } from "./problems";
import { ambiguous, isUrn, oneVolume, recordedAs } from "./select";
import { statusesOf } from "./status";
import type { ConfigEdit, StackConfigRead, StackState, VolumeStatus } from "./types";

type Pins = NonNullable<StackConfig["pins"]>;

/** What is to be pinned or unpinned: volumes, by name or URN, and a profile for all volumes of the stack. */
export interface PinTargets {
  volumes: readonly string[];
  profile?: string | undefined;
}

/** An edit of the stack's pins: none where nothing changes. */
export interface PinEdit {
  edits: ConfigEdit[];
  problems: Problem[];
  /** The entries of `pins` that are meant. */
  pins: string[];
}

/** Pins the definitions that are in force now. Problems: `profile-unknown`, `pin-out-of-date`, and those of a volume that can't be resolved. */
export function pinEdit(read: StackConfigRead, state: StackState, { volumes, profile }: PinTargets): PinEdit {
  const statuses = statusesOf(read, state);
  const found: { pin: string; definition: Profile | undefined; of: readonly VolumeStatus[] }[] = [];
  const problems: Problem[] = [...(read.unreadable.keys["pins"] ?? [])];
  for (const selector of volumes) {
    const { volume, problem: wrong } = oneVolume(statuses, selector, "volume");
    if (wrong) {
      problems.push(wrong);
      continue;
    }
    const { name, profile: has, problems: own } = volume;
    const others = recordedAs(state, name);
    // A pin has a volume's name, and would hold for all that have it.
    if (others.length > 1) problems.push(ambiguous(name, others, "volume"));
    else if (own.length > 0 || has === undefined) problems.push(...own);
    else found.push({ pin: `${name}@${has}`, definition: profileInForce(read.catalog, name, has), of: [volume] });
  }
  if (profile !== undefined) {
    const definition = read.catalog.pins[profile] ?? read.catalog.profiles[profile];
    const profiles = Object.keys(read.catalog.profiles);
    if (definition) {
      const of = statuses.filter((each) => each.profile === profile && each.pin?.reference.includes("@") !== true);
      found.push({ pin: profile, definition, of });
    } else
      problems.push(
        problem("profile-unknown", "--profile", profile, { profile, profiles, nearest: nearest(profile, profiles) }),
      );
  }
  for (const { name, profile: has = "", recorded, declared } of found.flatMap(({ of }) => of)) {
    const isBehind = recorded && declared && (recorded.profile !== has || recorded.revision !== declared.revision);
    if (isBehind) problems.push(problem("pin-out-of-date", "volume", name, { volume: name, profile: has }));
  }
  const pins: Pins = { ...read.config.pins };
  for (const { pin, definition, of } of found) {
    const used = of.flatMap(({ backend }) => backend ?? []);
    if (Object.hasOwn(pins, pin)) continue;
    pins[pin] = sectionsFor(definition, [...used, ...(read.config.backend ? [read.config.backend] : [])]);
  }
  return edited(
    read,
    pins,
    problems,
    found.map(({ pin }) => pin),
  );
}

/** Takes pins away, by volume, by the entry itself (`volume@profile`), or by profile. Problem: `pin-unknown`. */
export function unpinEdit(read: StackConfigRead, state: StackState, { volumes, profile }: PinTargets): PinEdit {
  const statuses = statusesOf(read, state);
  const pins: Pins = { ...read.config.pins };
  const problems: Problem[] = [...(read.unreadable.keys["pins"] ?? [])];
  const known = Object.keys(pins);
  const meant = [
    ...volumes.flatMap((selector) => {
      // An entry: that of a volume that nothing declares any longer is there all the same.
      if (selector.includes("@") && !isUrn(selector)) return [selector];
      const { volume, problem: wrong } = oneVolume(statuses, selector, "volume");
      if (wrong) problems.push(wrong);
      return volume ? [`${volume.name}@${volume.profile ?? ""}`] : [];
    }),
    ...(profile === undefined ? [] : [profile]),
  ];
  for (const pin of meant) {
    if (Object.hasOwn(pins, pin)) Reflect.deleteProperty(pins, pin);
    else problems.push(problem("pin-unknown", pinPath(pin), undefined, { pin, pins: known }));
  }
  return edited(read, pins, problems, meant);
}

function edited(read: StackConfigRead, pins: Pins, problems: Problem[], meant: string[]): PinEdit {
  const before = Object.keys(read.config.pins ?? {});
  const isChanged = before.length !== Object.keys(pins).length;
  const edits: ConfigEdit[] =
    isChanged && problems.length === 0 ? [{ kind: "set-value", name: "pins", value: pins }] : [];
  return { edits, problems, pins: meant };
}

// Those of the backends that volumes have: a profile may have one for each backend that there is.
function sectionsFor(profile: Profile | undefined, names: readonly BackendName[]): Pins[string] {
  const sections = profile?.sections ?? {};
  const isBased = names.some((name) => backends[name].basedOn !== undefined);
  const kept = Object.entries(sections).filter(([name]) => isBased || names.some((each) => each === name));
  return Object.fromEntries(kept);
}
