// How the kubernetes backend makes a volume for a ProfiledVolume: as a PersistentVolumeClaim of @pulumi/kubernetes. Its size and its class of
// attributes change in one patch; everything else is fixed, and must not have the provider replace the claim, and with it the data.

import type { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim";
import * as pulumi from "@pulumi/pulumi";

import { note, stackPlacement } from "../../../src";
import { claimSpec } from "../../../src/backends/kubernetes/claim";
import { claimRecorded } from "../../../src/backends/kubernetes/recorded";
import type { KubernetesSettings } from "../../../src/backends/kubernetes/settings";
import { argumentsOf } from "../../arguments";
import { transformed } from "../../transform";
import type { VolumeBackend } from "../contract";
import { explainErrors } from "./errors";
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

export const kubernetesBackend: VolumeBackend = {
  placement: (config) =>
    stackPlacement("kubernetes", config, (rules) => rules.environment?.(providerConfig, process.env)),

  // A name is one of its namespace.
  identity({ name, physicalName = name, importId, config, own }) {
    const { namespace = config.kubernetes?.namespace ?? "default" } = (own ?? {}) as { namespace?: unknown };
    return importId ?? (typeof namespace === "string" ? `${namespace}/${physicalName}` : undefined);
  },

  importsByEngine: true,

  ask({ importId: id }) {
    const notes = id === undefined ? [] : [note("owner-unknown", "import", { id, keeper: "Kubernetes" })];
    return Promise.resolve({ problems: [], notes });
  },

  load: persistentVolumeClaim,

  timeouts: { timed: ["create", "update", "delete"] },

  ignored: ["namespace", "accessModes", "volumeMode", "storageClass"] satisfies (keyof KubernetesSettings)[],

  make(toMake) {
    const { name, physicalName, importId, opts, volume } = toMake;
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
    const { metadata, spec } = resource;
    const has = pulumi.output({ metadata, spec }).apply((each) => claimRecorded.read(each));
    const sizeGiB = pulumi.all([volume, has]).apply(([asked, each]) => each.sizeGiB ?? asked.sizeGiB);
    const settings = pulumi
      .all([volume, has])
      .apply(([asked, each]): KubernetesSettings => ({ ...(asked.settings as KubernetesSettings), ...each.settings }));
    return { resource, volumeId: resource.id, sizeGiB, settings, details: detailsOf(resource) };
  },

  read({ name, id, opts }) {
    const resource = persistentVolumeClaim().PersistentVolumeClaim.get(name, id, opts);
    const { metadata, spec } = resource;
    const has = pulumi.output({ metadata, spec });
    const read = has.apply((each) => claimRecorded.read(each));
    const sizeGiB = read.apply((each) => each.sizeGiB ?? unreadable(name));
    const settings = pulumi
      .all([read, has])
      .apply(([{ settings }, each]) => ({ ...settings, labels: { ...each.metadata.labels } }));
    return { resource, volumeId: resource.id, sizeGiB, settings, details: detailsOf(resource) };
  },

  explain: explainErrors,
};

function detailsOf({ metadata, spec }: PersistentVolumeClaim): pulumi.Output<ClaimDetails> {
  return pulumi
    .output({ metadata, spec })
    .apply((each): ClaimDetails => ({ claimName: each.metadata.name, volumeName: each.spec.volumeName }));
}

function unreadable(name: string): never {
  throw new pulumi.RunError(`${name}: the size of the claim is unknown`);
}

function providerConfig(key: string): string | undefined {
  const [namespace = "", name = ""] = key.split(":");
  return new pulumi.Config(namespace).get(name);
}
