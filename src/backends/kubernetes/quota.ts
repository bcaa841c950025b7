// Whether a namespace's quotas have room for the claims that a run creates: the API server judges each claim by itself, and nothing is counted
// in a dry run.
// Source: kubernetes 1.34.3, pkg/quota/v1/evaluator/core/persistent_volume_claims.go, tried on that API server. Read 2026-11-30.

import type { Problem } from "../../core/problems";
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

/** What a new claim takes of a quota. */
export interface Demand {
  storage: string;
  storageClass: string;
  attributesClass: string | undefined;
}

/** A problem for each quota that has no room for the new claims of a run together, of which `own` is one. */
export function quotaProblems(
  quotas: readonly Quota[],
  demands: readonly Demand[],
  own: Demand,
  namespace: string,
): Problem[] {
  return quotas.flatMap((quota) => {
    if (!counts(quota, own)) return [];
    const { hard, used } = quota.status ?? {};
    const counted = demands.filter((each) => counts(quota, each));
    return Object.entries(hard ?? {}).flatMap(([key, most]): Problem[] => {
      const [limit, before] = [bytes(most), bytes(used?.[key] ?? "0")];
      const amounts = counted.flatMap((each) => amountOf(key, each) ?? []);
      if (limit === undefined || before === undefined || amountOf(key, own) === undefined) return [];
      const needed = amounts.reduce((sum, each) => sum + each, 0);
      if (before + needed <= limit) return [];
      const what = amounts.length === 1 ? "this claim" : `the ${amounts.length} new claims of this run`;
      const because =
        `quota ${quota.metadata?.name ?? ""} of namespace ${namespace} has no room for ${what}: ` +
        `${key} is limited to ${most}, ${used?.[key] ?? "0"} is used, and ${textOf(key, needed)} more is needed`;
      const way = `raise the quota (\`kubectl describe resourcequota -n ${namespace}\`), or remove other claims`;
      return [problem("claim-refused", "kubernetes.namespace", namespace, { because, way })];
    });
  });
}

const OF_CLASS = ".storageclass.storage.k8s.io/";

/** How much of a quota's resource a claim takes; nothing where it isn't counted there. */
function amountOf(key: string, { storage, storageClass }: Demand): number | undefined {
  const [name, resource] = key.includes(OF_CLASS) ? key.split(OF_CLASS) : [storageClass, key];
  if (name !== storageClass) return undefined;
  if (resource === "requests.storage") return bytes(storage);
  return resource === "persistentvolumeclaims" || key === "count/persistentvolumeclaims" ? 1 : undefined;
}

function textOf(key: string, amount: number): string {
  return key.endsWith("requests.storage") ? `${Math.ceil((amount / 1024 ** 3) * 1_000) / 1_000}Gi` : String(amount);
}

// Of all scopes only this one is about claims.
function counts({ spec }: Quota, { attributesClass }: Demand): boolean {
  const scopes: Scope[] = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
  return scopes.every(({ scopeName, operator, values }) => {
    if (scopeName !== "VolumeAttributesClass") return false;
    const isOne = attributesClass !== undefined && (values ?? []).includes(attributesClass);
    switch (operator) {
      case "In":
        return isOne;
      case "NotIn":
        return !isOne;
      case "Exists":
        return attributesClass !== undefined;
      case "DoesNotExist":
        return attributesClass === undefined;
      default:
        return false;
    }
  });
}
