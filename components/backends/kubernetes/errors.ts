// What refusals of the API server mean where they don't say what to do.

import { formatProblems, type Problem } from "../../../src";
import { problem } from "../../../src/backends/kubernetes/problems";
import { WAY_WITH_CLASS } from "../../../src/backends/kubernetes/change";

/** What to do about a cluster that has no VolumeAttributesClass. */
export const OLD_CLUSTER_WAY = "upgrade the cluster to Kubernetes 1.34 or later";

// Source: kubernetes 1.34.3, pkg/apis/core/validation, plugin/pkg/admission; each seen on that API server. Read 2026-11-29.
const REFUSALS: [RegExp, because: string, way: string][] = [
  [
    /immutable after creation except resources\.requests and volumeAttributesClassName for bound claims/,
    "the claim isn't bound yet, and only a bound claim can change its class or its size",
    "start a pod that uses it, and run `pulumi up` again when the claim is bound",
  ],
  [
    /volumeAttributesClassName.*update (to|from)/,
    "Kubernetes doesn't accept a claim without a VolumeAttributesClass once it has one",
    WAY_WITH_CLASS,
  ],
  [
    /Apply failed with \d+ conflicts?/,
    "another tool has set what is to change of the claim (its class, its size or a label), and the API server lets only that one change it",
    "make sure that it no longer does (Helm, an operator, a script), and take the claim over once: " +
      "`PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up`. The variable counts for all Kubernetes resources that this run changes: " +
      "see first with `pulumi preview` and the same variable which these are",
  ],
  [
    /only dynamically provisioned pvc can be resized/,
    "the claim's StorageClass no longer exists, or doesn't allow a bigger size",
    "create the StorageClass again (ProfileClasses, or `npx storage-profiles classes`)",
  ],
  [
    /exceeded quota/,
    "a quota of the namespace is exhausted; while a class changes, a claim counts in the old and the new one",
    "raise the quota (kubectl describe resourcequota), or remove other claims",
  ],
  [
    /namespaces? "[^"]*" not found/,
    "the claim's namespace doesn't exist in the cluster",
    "create the namespace first (a `Namespace` of the same program: `dependsOn`), or correct `namespace`",
  ],
  [
    /persistentvolumeclaims "[^"]*" already exists/i,
    "the cluster has a claim of this name already",
    'take it over with `import: "<namespace>/<name>"`, or give the volume another name',
  ],
  [
    /no matches for kind "VolumeAttributesClass" in version "storage\.k8s\.io\/v1"/,
    "the cluster doesn't serve VolumeAttributesClass in storage.k8s.io/v1",
    OLD_CLUSTER_WAY,
  ],
];

/** What a refusal of a claim means, and what to do; nothing where it says that itself. */
export function refusalOf(errors: string[]): Problem | undefined {
  const text = errors.join("\n");
  const [, because, way] = REFUSALS.find(([pattern]) => pattern.test(text)) ?? [];
  if (because === undefined || way === undefined) return undefined;
  return problem("claim-refused", "settings", undefined, { because, way });
}

/** The same for a volume, as text. */
export function explainErrors(name: string, _id: string, errors: string[]): string | undefined {
  const refusal = refusalOf(errors);
  return refusal && formatProblems(name, [refusal]);
}
