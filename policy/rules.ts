// What an organisation may require of the volumes of a stack, as pure functions over resources: each answers with the problems that it finds.

import {
  backendNames,
  backends,
  formatCost,
  isBackend,
  PROFILED_VOLUME,
  type BackendName,
  type Problem,
  type Settings,
} from "../src";
import { problem } from "./problems";

/** A resource, as policies see it: a component's properties are its inputs in a program, and its outputs in a stack. */
export interface Seen {
  urn: string;
  type: string;
  name: string;
  props: Record<string, unknown>;
  /** With the URN of what it is below. */
  opts?: { parent?: string };
}

/** A problem, and the resource that has it: none where it is of the stack as a whole. */
export interface Violation {
  problem: Problem;
  urn?: string;
}

/** The name of the stack that a resource is in. */
export function stackOf({ urn }: Pick<Seen, "urn">): string {
  return urn.split("::")[0]?.split(":").at(-1) ?? "";
}

/** A backend's own volume must be the one that a `ProfiledVolume` creates: its child of the same name. Problem: `volume-without-profile` */
export function withoutProfile({ urn, type, name, opts }: Seen, exempt: readonly string[] = []): Violation[] {
  if (!volumeTypes().has(type) || exempt.includes(name) || exempt.includes(urn)) return [];
  // The types of its parents, from the outside in, and its own.
  const types = urn.split("::")[2]?.split("$") ?? [];
  const parent = opts?.parent ?? "";
  const isOwn = types.at(-2) === PROFILED_VOLUME && (parent === "" || parent.split("::").slice(3).join("::") === name);
  return isOwn ? [] : [{ problem: problem("volume-without-profile", name, undefined, { type }), urn }];
}

let types: ReadonlySet<string> | undefined;

function volumeTypes(): ReadonlySet<string> {
  return (types ??= new Set(
    backendNames.flatMap((name) => {
      const { type, pluginType, createdBy } = backends[name].recorded;
      return [type, pluginType, createdBy].filter((each) => each !== undefined);
    }),
  ));
}

/** Profiles that a stack may use. */
export interface PermittedProfiles {
  /** In every stack that `stacks` doesn't name. Absent: all of them. */
  profiles?: readonly string[];
  /** By the name of the stack. */
  stacks?: Readonly<Record<string, readonly string[]>>;
}

/** Problem: `profile-not-permitted` */
export function profileNotPermitted(volume: Seen, { profiles, stacks = {} }: PermittedProfiles): Violation[] {
  const { profile } = volume.props;
  if (volume.type !== PROFILED_VOLUME || typeof profile !== "string") return [];
  const stack = stackOf(volume);
  const permitted = Object.hasOwn(stacks, stack) ? stacks[stack] : profiles;
  if (!permitted || permitted.includes(profile)) return [];
  return [
    {
      problem: problem("profile-not-permitted", volume.name, undefined, { profile, stack, permitted }),
      urn: volume.urn,
    },
  ];
}

/** What the volumes of a stack may cost. */
export interface CostLimit {
  /** Per month, in every stack that `stacks` doesn't name. Absent: no limit. */
  monthly?: number;
  /** By the name of the stack. */
  stacks?: Readonly<Record<string, number>>;
  /** The currency of the limits, for messages. Default: USD */
  currency?: string;
  /** Whether volumes are refused whose cost isn't known. Default: false */
  refuseUnknown?: boolean;
}

/** Problems: `cost-beyond-limit` for all volumes together, `cost-unknown` for one of them */
export function costBeyondLimit(
  resources: readonly Seen[],
  { monthly, stacks = {}, currency = "USD", refuseUnknown = false }: CostLimit,
): Violation[] {
  const volumes = resources.filter(({ type }) => type === PROFILED_VOLUME);
  const [first] = volumes;
  if (!first) return [];
  const stack = stackOf(first);
  const limit = Object.hasOwn(stacks, stack) ? stacks[stack] : monthly;
  if (limit === undefined) return [];
  const costs = volumes.map(({ name, urn, props: { monthlyCost } }) => ({
    ...{ name, urn, isKnown: typeof monthlyCost === "number" },
    amount: typeof monthlyCost === "number" ? monthlyCost : 0,
  }));
  const unknown = refuseUnknown ? costs.filter(({ isKnown }) => !isKnown) : [];
  const found: Violation[] = unknown.map(({ name, urn }) => ({
    problem: problem("cost-unknown", name, undefined, {}),
    urn,
  }));
  // In cents: what is paid is never 0.1 + 0.2.
  const amount = Math.round(costs.reduce((sum, each) => sum + each.amount * 100, 0)) / 100;
  if (amount <= limit) return found;
  const text = (sum: number) => formatCost({ amount: sum, currency });
  const [dearest] = [...costs].sort((a, b) => b.amount - a.amount);
  const params = {
    cost: text(amount),
    limit: text(limit),
    dearest: `${dearest?.name} (${text(dearest?.amount ?? 0)})`,
  };
  return [...found, { problem: problem("cost-beyond-limit", `stack ${stack}`, undefined, params) }];
}

/** Problem: `volume-not-encrypted` */
export function notEncrypted({ urn, type, name, props }: Seen, exempt: readonly string[] = ["local"]): Violation[] {
  const { backend, settings } = props;
  if (type !== PROFILED_VOLUME || typeof backend !== "string" || !isBackend(backend) || exempt.includes(backend))
    return [];
  // Not known yet: a size or a setting comes from another resource.
  if (typeof settings !== "object" || settings === null) return [];
  const isEncrypted = encrypts(backend, settings as Settings);
  if (isEncrypted === true) return [];
  const params = { backend, isKnown: isEncrypted !== undefined };
  return [{ problem: problem("volume-not-encrypted", name, undefined, params), urn }];
}

function encrypts(backend: BackendName, settings: Settings): boolean | undefined {
  return backends[backend].isEncrypted?.(settings);
}

/** Problem: `volume-transformed` */
export function transformed(resources: readonly Seen[], exempt: readonly string[] = []): Violation[] {
  return resources
    .filter(({ type, props }) => type === PROFILED_VOLUME && isTransformed(props))
    .filter(({ name, urn }) => !exempt.includes(name) && !exempt.includes(urn))
    .map(({ name, urn }) => ({ problem: problem("volume-transformed", name, undefined, {}), urn }));
}

// What isn't known at preview throws there when it is read, and Pulumi then runs the policy only after the update. A volume that has a
// `transform` of its own has `true` from the beginning.
function isTransformed(props: Seen["props"]): boolean {
  try {
    return props["isTransformed"] === true;
  } catch {
    return false;
  }
}
