// Whether a namespace's quotas have room for the claims that a run creates and changes: the API server judges each claim by itself, and nothing is
// counted in a dry run.
// Source: kubernetes 1.34.3, pkg/quota/v1/evaluator/core/persistent_volume_claims.go, and apiserver 0.34.3,
// pkg/admission/plugin/resourcequota/controller.go (CheckRequest), tried on that API server. Read 2026-11-30.

import type { Problem } from "../../core/problems";
import type { Claim } from "./claim";
import { problem } from "./problems";
import { bytes } from "./quantity";

/** A ResourceQuota as it is read: any part may be missing. */
export interface Quota {
  metadata?: { name?: string | undefined } | undefined;
  spec?:
    | {
        scopes?: string[] | null | undefined;
        scopeSelector?: { matchExpressions?: Scope[] | null | undefined } | null | undefined;
      }
    | undefined;
  status?: { hard?: Amounts | null | undefined; used?: Amounts | null | undefined } | undefined;
}

type Amounts = Record<string, string>;

interface Scope {
  scopeName?: string | undefined;
  operator?: string | undefined;
  values?: string[] | null | undefined;
}

/** What a claim takes of the quotas that count it. */
export interface Usage {
  storage: string;
  storageClass: string;
  /** Its VolumeAttributesClasses: while it changes, it has several. A scope counts it by any of them. */
  attributesClasses: readonly string[];
}

/** What a run makes of a claim. */
export interface Demand extends Usage {
  /** What the claim takes already; absent for a new one. */
  had?: Usage;
}

/** A claim as a quota counts it. */
export function usageOf({ spec, status }: Claim): Usage {
  const [requested, allocated] = [spec?.resources?.requests?.storage ?? "", status?.allocatedResources?.storage ?? ""];
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return {
    // A growth that failed counts until it is given up.
    storage: (bytes(allocated) ?? 0) > (bytes(requested) ?? 0) ? allocated : requested,
    storageClass: spec?.storageClassName ?? "",
    attributesClasses: names.flatMap((name) => (name === undefined || name === "" ? [] : name)),
  };
}

/** A problem for each quota that has no room for what a run makes of its claims together, of which `own` is one. */
export function quotaProblems(
  quotas: readonly Quota[],
  demands: readonly Demand[],
  own: Demand,
  namespace: string,
): Problem[] {
  return quotas.flatMap((quota) => {
    const { hard, used } = quota.status ?? {};
    return Object.entries(hard ?? {}).flatMap(([key, most]): Problem[] => {
      const more = (demand: Demand) => Math.max(0, taken(quota, key, demand) - taken(quota, key, demand.had));
      const [limit, before] = [bytes(most), bytes(used?.[key] ?? "0")];
      if (limit === undefined || before === undefined || more(own) === 0) return [];
      const counted = demands.filter((each) => more(each) > 0);
      const needed = counted.reduce((sum, each) => sum + more(each), 0);
      if (before + needed <= limit) return [];
      const kind = counted.some(({ had }) => had !== undefined)
        ? "claims that this run creates or changes"
        : "new claims of this run";
      const what = counted.length === 1 ? "this claim" : `the ${counted.length} ${kind}`;
      const because =
        `quota ${quota.metadata?.name ?? ""} of namespace ${namespace} has no room for ${what}: ` +
        `${key} is limited to ${most}, ${used?.[key] ?? "0"} is used, and ${textOf(key, needed)} more is needed`;
      const way = `raise the quota (\`kubectl describe resourcequota -n ${namespace}\`), or remove other claims`;
      return [problem("claim-refused", "kubernetes.namespace", namespace, { because, way })];
    });
  });
}

const OF_CLASS = ".storageclass.storage.k8s.io/";

/** How much of a quota's resource a claim takes. */
function taken(quota: Quota, key: string, usage: Usage | undefined): number {
  if (!usage || !counts(quota, usage)) return 0;
  const { storage, storageClass } = usage;
  const [name, resource] = key.includes(OF_CLASS) ? key.split(OF_CLASS) : [storageClass, key];
  if (name !== storageClass) return 0;
  if (resource === "requests.storage") return bytes(storage) ?? 0;
  return resource === "persistentvolumeclaims" || key === "count/persistentvolumeclaims" ? 1 : 0;
}

function textOf(key: string, amount: number): string {
  return key.endsWith("requests.storage") ? `${Math.ceil((amount / 1024 ** 3) * 1_000) / 1_000}Gi` : String(amount);
}

// Of all scopes only this one is about claims.
function counts({ spec }: Quota, { attributesClasses }: Usage): boolean {
  const scopes: Scope[] = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
  const hasOne = attributesClasses.length > 0;
  return scopes.every(({ scopeName, operator, values }) => {
    if (scopeName !== "VolumeAttributesClass") return false;
    const isNamed = (name: string) => (values ?? []).includes(name);
    switch (operator) {
      case "In":
        return attributesClasses.some(isNamed);
      case "NotIn":
        return !hasOne || attributesClasses.some((name) => !isNamed(name));
      case "Exists":
        return hasOne;
      case "DoesNotExist":
        return !hasOne;
      default:
        return false;
    }
  });
}
