// What a StatefulSet needs: a claim by profile, for `volumeClaimTemplates`.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, resolve } from "../../../src";
import type { ClaimSpec } from "../../../src/backends/kubernetes/claim";
import type { AccessMode, KubernetesSettings, VolumeMode } from "../../../src/backends/kubernetes/settings";
import { currentRun } from "../../run";

const claims = () =>
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed
  require("../../../src/backends/kubernetes/claim") as typeof import("../../../src/backends/kubernetes/claim");

/** What a claim template says. */
export interface ClaimTemplateArgs {
  /**
   * The profile's name, where the reference doesn't say it.
   * @default "default"
   */
  profile?: string | undefined;
  /** The size of each claim in GiB. One of `sizeGiB` and `size` is needed. */
  sizeGiB?: number | undefined;
  /** The size of each claim as text with a unit: "100GiB". */
  size?: string | undefined;
  /** Labels of the claims, beside the stack's `storage-profiles:tags`. */
  tags?: Record<string, string> | undefined;
  /** What the claims say beside the profile. Their namespace is that of the StatefulSet. */
  kubernetes?: { accessModes?: AccessMode[]; volumeMode?: VolumeMode; labels?: Record<string, string> } | undefined;
}

/** An entry of `volumeClaimTemplates`. */
export interface ClaimTemplate {
  metadata: { name: string; labels?: Record<string, string> };
  spec: ClaimSpec;
}

/**
 * A claim by profile, as a StatefulSet's `volumeClaimTemplates` has it.
 *
 * ```ts
 * volumeClaimTemplates: [claimTemplate("data@gold", { sizeGiB: 100 })],
 * ```
 *
 * Kubernetes never changes the templates of an existing StatefulSet: a changed profile reaches only claims of a StatefulSet that is created
 * again (with its pods left running: `kubectl delete --cascade=orphan`), and claims that exist are patched one by one.
 * @throws `pulumi.RunError` with every problem of the request and of the stack's config.
 */
export function claimTemplate(reference: string, args: ClaimTemplateArgs = {}): ClaimTemplate {
  const run = currentRun();
  const { profile, sizeGiB, size, tags, kubernetes = {} } = args;
  const placement = run.placementOf("kubernetes", kubernetes);
  const request = { name: reference, profile, sizeGiB, size, tags, backend: "kubernetes", placement };
  const { volume, problems } = resolve(run.catalog, request, "", "kubernetes");
  if (!volume) throw new pulumi.RunError(formatProblems(reference, problems));
  const settings = volume.settings as KubernetesSettings;
  const { labels } = settings;
  return {
    metadata: { name: volume.name, ...(Object.keys(labels).length > 0 && { labels }) },
    spec: claims().claimSpec({ sizeGiB: volume.sizeGiB, settings }),
  };
}
