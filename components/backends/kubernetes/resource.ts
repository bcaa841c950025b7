// How the kubernetes backend makes a volume for a ProfiledVolume: as a PersistentVolumeClaim of @pulumi/kubernetes. Its size and its class of
// attributes change in one patch; everything else is fixed, and must not have the provider replace the claim, and with it the data. A companion
// of ours waits for the CSI driver: the provider returns as soon as the API server has accepted the patch.

import type { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim";
import * as pulumi from "@pulumi/pulumi";

import { note, stackPlacement, type StackConfig } from "../../../src";
import { claimSpec, type ClaimSpec } from "../../../src/backends/kubernetes/claim";
import { claimRecorded } from "../../../src/backends/kubernetes/recorded";
import type { KubernetesSettings } from "../../../src/backends/kubernetes/settings";
import { argumentsOf } from "../../arguments";
import { idWhenDone, refusedLater } from "../../engine";
import { registrationOf } from "../../own-resources";
import { transformed } from "../../transform";
import type { VolumeBackend } from "../contract";
import { askCluster, isClaimThere } from "./ask";
import { explainErrors } from "./errors";
import { ownResources } from "./own-resources";
import { rememberClaim } from "./program";
import { persistentVolumeClaim } from "./sdk";
import type { ClaimDetails } from "./types";

// Each has a setting of ours whose change is judged before anything is touched, or is the cluster's own. Changed behind that, by a
// transform or by drift, the provider would delete the claim and make another.
// Source: pulumi-kubernetes 4.32.0, provider/pkg/provider/diff.go. Read 2026-11-29.
const FIXED = ["metadata.name", "metadata.namespace"].concat(
  ["accessModes", "volumeMode", "storageClassName", "selector", "volumeName", "dataSource", "dataSourceRef"].map(
    (key) => `spec.${key}`,
  ),
);

const DEFAULT_TIMEOUT_MINUTES = 15;

const NO_SIZE = "the claim has no readable size in spec.resources.requests.storage";

/** The inputs of a companion. */
export interface ClaimOutcomeArgs {
  claim: pulumi.Input<string>;
  uid: pulumi.Input<string | undefined>;
  attributesClass: pulumi.Input<string | undefined>;
  dropped?: pulumi.Input<string | undefined>;
  storage: pulumi.Input<string | undefined>;
  timeoutSeconds: number;
}

/** What became of a claim's last change. Usually made by a `ProfiledVolume`. */
export class ClaimOutcome extends pulumi.CustomResource {
  constructor(name: string, args: ClaimOutcomeArgs & pulumi.Inputs, opts?: pulumi.CustomResourceOptions) {
    const { type, props, opts: all } = registrationOf(ownResources.ClaimOutcome, opts);
    super(type, name, { ...args, declaredAs: name, ...props }, all);
  }
}

export const kubernetesBackend: VolumeBackend = {
  unattachable: {
    because: "the CSI driver attaches a claim to the node of the pod that uses it",
    ways: ["name the claim in the pod's volumes"],
  },
  placement: (config) =>
    stackPlacement("kubernetes", config, (rules) => rules.environment?.(providerConfig, process.env)),

  // A name is one of its namespace.
  identity({ name, physicalName = name, importId, config, own }) {
    const { namespace = config.kubernetes?.namespace ?? "default" } = (own ?? {}) as { namespace?: unknown };
    return importId ?? (typeof namespace === "string" ? `${namespace}/${physicalName}` : undefined);
  },

  importsByEngine: true,

  async ask(asked) {
    const { importId: id } = asked;
    if (id === undefined) return askCluster(asked);
    return { problems: [], notes: [note("owner-unknown", "import", { id, keeper: "Kubernetes" })] };
  },

  exists: isClaimThere,
  // Source: pulumi-kubernetes 4.34.2, DiffConfig: without it, another address in the kubeconfig counts as another cluster. Tried 2026-12-01.
  keptBy:
    "if the kubeconfig leads to the same cluster by another address, set `clusterIdentifier` of the provider (of the default one: " +
    "`kubernetes:clusterIdentifier`) to a name of the cluster",

  load: persistentVolumeClaim,

  timeouts: { timed: ["create", "update", "delete"] },

  ignored: ["namespace", "accessModes", "volumeMode", "storageClass"] satisfies (keyof KubernetesSettings)[],

  make(toMake) {
    const { name, physicalName, importId, opts, volume, config, declared } = toMake;
    const of = argumentsOf<KubernetesSettings>(volume);
    const own = {
      metadata: {
        name: physicalName,
        namespace: of((_, { namespace }) => namespace),
        labels: of((_, { labels }) => labels),
      },
      spec: of(({ sizeGiB }, settings) => claimSpec({ sizeGiB, settings })),
    };
    const { args, opts: finalOpts } = transformed(toMake, own, {
      ...opts,
      ignoreChanges: FIXED,
      ...(importId !== undefined && { import: importId }),
    });
    const { PersistentVolumeClaim } = persistentVolumeClaim();
    const resource = new PersistentVolumeClaim(name, args, finalOpts);
    rememberClaim(declared, resource);
    const { metadata, spec } = resource;
    const companion = new ClaimOutcome(
      name,
      {
        claim: resource.id,
        uid: metadata.uid,
        // What the API server has: with what it dropped, or a transform changed.
        attributesClass: spec.volumeAttributesClassName,
        dropped: importId === undefined && !isIgnored(finalOpts) ? droppedClass(spec, args.spec) : undefined,
        storage: spec.apply(({ resources }) => resources.requests["storage"]),
        timeoutSeconds: timeoutOf(opts, config),
      },
      { parent: opts.parent, aliases: opts.aliases ?? [] },
    );
    const has = pulumi.output({ metadata, spec }).apply((each) => claimRecorded.read(each));
    const sizeGiB = pulumi.all([volume, has]).apply(([asked, each]) => each.sizeGiB ?? asked.sizeGiB);
    const settings = pulumi
      .all([volume, has])
      .apply(([asked, each]): KubernetesSettings => ({ ...(asked.settings as KubernetesSettings), ...each.settings }));
    // Not the companion's business: a pod that uses the claim neither waits for a change, nor has it unknown at preview.
    const details = detailsOf(resource);
    // Who uses the id uses a volume of the class and the size that was asked for.
    const volumeId = idWhenDone(resource, companion);
    return { resource, volumeId, sizeGiB, settings, details };
  },

  read({ name, id, opts }) {
    const resource = persistentVolumeClaim().PersistentVolumeClaim.get(name, id, opts);
    const { metadata, spec } = resource;
    const has = pulumi.output({ metadata, spec });
    const read = has.apply((each) => claimRecorded.read(each));
    const sizeGiB = read.apply((each) => each.sizeGiB ?? refusedLater(`${name}: ${NO_SIZE}`));
    const settings = pulumi
      .all([read, has])
      .apply(([{ settings }, each]) => ({ ...settings, labels: { ...each.metadata.labels } }));
    return { resource, volumeId: resource.id, sizeGiB, settings, details: detailsOf(resource) };
  },

  explain: explainErrors,
};

// A cluster without VolumeAttributesClasses takes them out of a claim, and tells nobody.
function droppedClass(has: pulumi.Output<unknown>, asked: unknown): pulumi.Output<string | undefined> {
  return pulumi.all([has, asked] as const).apply(([got, wanted]) => {
    const [before, after] = [wanted, got].map(
      (each) => (each as Partial<ClaimSpec> | undefined)?.volumeAttributesClassName,
    );
    return after === undefined ? before : undefined;
  });
}

function isIgnored({ ignoreChanges = [] }: pulumi.CustomResourceOptions): boolean {
  return ignoreChanges.some((each) => each === "spec" || each === "spec.volumeAttributesClassName");
}

function detailsOf({ metadata, spec }: PersistentVolumeClaim): pulumi.Output<ClaimDetails> {
  return pulumi
    .output({ metadata, spec })
    .apply((each): ClaimDetails => ({ claimName: each.metadata.name, volumeName: each.spec.volumeName }));
}

// How long a change is waited for. Pulumi's own limit for the update counts first.
function timeoutOf({ customTimeouts }: pulumi.CustomResourceOptions, { kubernetes }: StackConfig): number {
  const own = customTimeouts?.update === undefined ? undefined : secondsOf(customTimeouts.update);
  return own ?? (kubernetes?.changeTimeoutMinutes ?? DEFAULT_TIMEOUT_MINUTES) * 60;
}

// A duration as Go writes it: "90s", "1h30m". What is none the engine refuses.
function secondsOf(duration: string): number | undefined {
  const units: Record<string, number> = { h: 3_600, m: 60, s: 1, ms: 0.001 };
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  if (parts.map(([part]) => part).join("") !== duration || parts.length === 0) return undefined;
  return parts.reduce((sum, [, number, unit = ""]) => sum + Number(number) * (units[unit] ?? 0), 0);
}

function providerConfig(key: string): string | undefined {
  const [namespace = "", name = ""] = key.split(":");
  return new pulumi.Config(namespace).get(name);
}
