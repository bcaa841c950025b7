// The pools that a catalog's profiles define, complete, and what may become of one. Pure.

import type { Catalog } from "../../core/catalog";
import { profileInForce } from "../../core/catalog";
import { sectionPlace } from "../../core/origin";
import type { Problem } from "../../core/problems";
import { isSame } from "../../core/revision";
import { validate } from "../../core/validate";
import { problem } from "./problems";
import { section as sectionSchema, type CephPool, type CephSection, type PoolSpecs } from "./section";

/** All that a pool consists of. */
export interface PoolSettings {
  copies: number;
  /** How many copies must exist for clients to read and write. */
  minCopies: number;
  /** What holds at most one copy of the same data: "host", "osd". */
  failureDomain: string;
  /** `null`: any device. */
  deviceClass: string | null;
  /** `null`: that of the cluster, which compresses nothing by itself. */
  compression: PoolCompression | null;
  /** 0: unlimited. */
  quotaGiB: number;
}

/** How a pool's devices compress. What is `null` is the cluster's own. */
export interface PoolCompression {
  mode: string;
  algorithm: string | null;
  requiredRatio: number | null;
}

/** A pool with the profiles that define it. */
export interface PoolOfProfiles {
  name: string;
  settings: PoolSettings;
  profiles: string[];
}

/** Chooses the pool of a profile, as for a volume. Nothing where the stack has none for it. */
type Choose = (section: CephSection, path: string, profile: string, problems: Problem[]) => CephPool | undefined;

/** With fewer, a device that fails takes data with it. */
const LEAST_COPIES = 2;

/** Ceph's own: with fewer, two halves that don't see each other could both go on. */
export const leastMinCopies = (copies: number): number => Math.ceil(copies / 2);

/**
 * The pools that these profiles define, by name. Those without `specs` define none. Problems: those of their sections, `setting-required`
 * for copies that nobody states, `setting-not-applicable` for copies that keep no data safe, and `pool-specs-differ`.
 */
export function poolsOf(
  catalog: Catalog,
  choose: Choose,
  profiles: readonly string[] = Object.keys(catalog.profiles),
): { pools: PoolOfProfiles[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const pools = new Map<string, PoolOfProfiles>();
  for (const profile of profiles) {
    // What the stack has pinned; a pool isn't one volume's.
    const section = profileInForce(catalog, undefined, profile)?.sections.ceph;
    if (section?.["specs"] == null) continue;
    const path = sectionPlace(catalog, profile, "ceph");
    const { value, problems: wrong } = validate(sectionSchema, section, path);
    problems.push(...wrong);
    if (!value?.specs) continue;
    const chosen = choose(value, path, profile, problems);
    if (!chosen) continue;
    const settings = settingsOf(chosen, value.specs, path, problems);
    if (!settings) continue;
    const known = pools.get(chosen.name);
    if (!known) pools.set(chosen.name, { name: chosen.name, settings, profiles: [profile] });
    else if (isSame(known.settings, settings)) known.profiles.push(profile);
    else {
      const [other = ""] = known.profiles;
      problems.push(problem("pool-specs-differ", `${path}.specs`, undefined, { pool: chosen.name, profile, other }));
    }
  }
  return { pools: [...pools.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), problems };
}

function settingsOf(
  { copies, deviceClass }: CephPool,
  specs: PoolSpecs,
  path: string,
  problems: Problem[],
): PoolSettings | undefined {
  if (copies == null) {
    const because = "`CephPools` creates the pool with this number of copies";
    problems.push(
      problem("setting-required", `${path}.copies`, undefined, { setting: "copies", because, example: "copies: 3" }),
    );
    return undefined;
  }
  const least = leastMinCopies(copies);
  const { minCopies = null } = specs;
  const notApplicable = (setting: string, given: unknown, because: string, way: string) =>
    problems.push(problem("setting-not-applicable", `${path}.${setting}`, given, { setting, because, ways: [way] }));
  if (copies < LEAST_COPIES)
    notApplicable("copies", copies, "a single copy is lost with its device", `use ${LEAST_COPIES} or more copies`);
  else if (minCopies !== null && (minCopies < least || minCopies > copies)) {
    const because =
      minCopies > copies
        ? `the pool keeps ${copies} copies, and would never accept a write`
        : `with ${copies} copies, data that is on fewer than ${least} may be lost`;
    notApplicable("specs.minCopies", minCopies, because, `use ${least} to ${copies}, or remove it`);
  }
  const { compression } = specs;
  return {
    copies,
    minCopies: minCopies ?? least,
    failureDomain: specs.failureDomain ?? "host",
    deviceClass: deviceClass ?? null,
    compression: compression
      ? {
          mode: compression.mode ?? "aggressive",
          algorithm: compression.algorithm ?? null,
          requiredRatio: compression.requiredRatio ?? null,
        }
      : null,
    quotaGiB: specs.quotaGiB ?? 0,
  };
}

const GIB = 1024 ** 3;

/** A CRUSH rule; where it isn't a plain one below the default root, its failure domain is `null`. */
export interface Rule {
  name: string;
  failureDomain: string | null;
  deviceClass: string | null;
}

/** A pool as it is. */
export interface ActualPool {
  name: string;
  /** Ceph's id, which no other pool ever gets. */
  id: number;
  isReplicated: boolean;
  /** What it is for: `rbd` for images. */
  applications: string[];
  copies: number;
  minCopies: number;
  rule: Rule;
  compression: { mode: string | null; algorithm: string | null; requiredRatio: number | null };
  quotaBytes: number;
  storedBytes: number;
  objects: number;
  /** Objects that don't have all their copies at the moment. */
  degradedObjects: number;
  /** Flags of an administrator: `nodelete`, `nosizechange`, ... */
  flags: string[];
  /** Whose it is, where a run of ours has marked it. */
  mark: string | undefined;
}

/** What pools and rules a cluster has. */
export interface ActualPools {
  pools: ActualPool[];
  rules: Rule[];
}

/** What a pool must be, and whose it is. */
export interface WantedPool {
  name: string;
  mark: string;
  settings: PoolSettings;
}

/** One step towards it. Each is one command. */
export type PoolStep =
  | { do: "createRule"; rule: Rule & { failureDomain: string } }
  | { do: "createPool"; rule: string; copies: number }
  | { do: "initialize" }
  | { do: "setMark"; mark: string }
  | { do: "set"; key: string; value: string }
  | { do: "setQuota"; bytes: number }
  | { do: "removeRule"; name: string };

// A rule of our own begins with the mark. It is there before the pool: so a pool that was created and not marked yet is known by its rule.
const rulePrefix = (mark: string) => `${mark}-`;
const ruleOf = ({ mark, settings: { failureDomain, deviceClass } }: WantedPool) => ({
  name: `${rulePrefix(mark)}${failureDomain}-${deviceClass ?? "any"}`,
  failureDomain,
  deviceClass,
});

/** Whether a pool is the one that a mark stands for. */
export function isOwn({ mark, rule }: Pick<ActualPool, "mark" | "rule">, own: string | undefined): boolean {
  if (own === undefined) return false;
  return mark === undefined ? rule.name.startsWith(rulePrefix(own)) : mark === own;
}

/** Names of a pool's own rules that it doesn't use. */
export function unusedRules({ rules, pools }: ActualPools, mark: string): string[] {
  const used = new Set(pools.map(({ rule }) => rule.name));
  return rules.map(({ name }) => name).filter((name) => name.startsWith(rulePrefix(mark)) && !used.has(name));
}

/** The next steps from what is there to what is wanted; none where it is so. Some are known only after those before them. */
export function nextSteps(actual: ActualPools, wanted: WantedPool): PoolStep[] {
  const { settings, mark } = wanted;
  const pool = actual.pools.find(({ name }) => name === wanted.name);
  const rule = ruleOf(wanted);
  const createRule: PoolStep[] = actual.rules.some(({ name }) => name === rule.name)
    ? []
    : [{ do: "createRule", rule }];
  if (!pool) return [...createRule, { do: "createPool", rule: rule.name, copies: settings.copies }];

  const steps: PoolStep[] = [];
  const set = (key: string, value: string | number) => steps.push({ do: "set", key, value: String(value) });
  if (!pool.applications.includes("rbd")) steps.push({ do: "initialize" });
  if (pool.mark !== mark) steps.push({ do: "setMark", mark });
  const isPlaced = pool.rule.failureDomain === settings.failureDomain && pool.rule.deviceClass === settings.deviceClass;
  if (!isPlaced) {
    steps.push(...createRule);
    set("crush_rule", rule.name);
  }
  // To set the size sets the other one, too.
  if (pool.copies !== settings.copies) set("size", settings.copies);
  else if (pool.minCopies !== settings.minCopies) set("min_size", settings.minCopies);
  for (const [key, option, unset] of COMPRESSION) {
    const value = settings.compression?.[key] ?? null;
    // A mode of "none" means the same as no mode.
    const has = key === "mode" && pool.compression.mode === "none" ? null : pool.compression[key];
    if (has !== value) set(option, value ?? unset);
  }
  if (pool.quotaBytes !== settings.quotaGiB * GIB) steps.push({ do: "setQuota", bytes: settings.quotaGiB * GIB });
  if (isPlaced) steps.push(...unusedRules(actual, mark).map((name): PoolStep => ({ do: "removeRule", name })));
  return steps;
}

// With what takes a setting away. Source: ceph/ceph src/mon/OSDMonitor.cc, prepare_command_pool_set; seen on 16.2: a number isn't "unset".
const COMPRESSION = [
  ["mode", "compression_mode", "unset"],
  ["algorithm", "compression_algorithm", "unset"],
  ["requiredRatio", "compression_required_ratio", "0"],
] as const;

/** The settings that a pool has. Where its rule isn't a plain one, its failure domain is "custom". */
export function settingsOfPool(pool: ActualPool): PoolSettings {
  const { mode, algorithm, requiredRatio } = pool.compression;
  const isOff = (mode === null || mode === "none") && algorithm === null && requiredRatio === null;
  return {
    copies: pool.copies,
    minCopies: pool.minCopies,
    failureDomain: pool.rule.failureDomain ?? "custom",
    deviceClass: pool.rule.deviceClass,
    compression: isOff ? null : { mode: mode ?? "none", algorithm, requiredRatio },
    quotaGiB: pool.quotaBytes / GIB,
  };
}
