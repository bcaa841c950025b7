// What ProfiledVolume costs beside the same claims written by hand with @pulumi/kubernetes: on the lab's real API server and external-resizer,
// with Kubernetes' mock CSI driver. The price of the companion that waits for the driver is among it.
// @ts-check
"use strict";

const { bindingClaims, clearCluster } = require("../../test/labs/kubernetes/binding.js");
const { missingChangers, pulumiPlugin, startControlPlane } = require("../../test/labs/kubernetes/lab.js");
const { until } = require("../test/time.js");
const { measureByHand, rowsByHand } = require("./by-hand.js");

module.exports = { kubernetesTable, measureKubernetes };

/** @typedef {import("./project.js").Place} Place */
/** @typedef {import("./by-hand.js").Author} Author */
/** @typedef {import("./by-hand.js").Pair} Pair */
/** @typedef {import("../../test/labs/kubernetes/lab.js").ControlPlane} ControlPlane */

const DRIVER = "ebs.csi.aws.com";
const CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims";
const OBJECTS = {
  claims: CLAIMS,
  StorageClasses: "/apis/storage.k8s.io/v1/storageclasses",
  VolumeAttributesClasses: "/apis/storage.k8s.io/v1/volumeattributesclasses",
};

/**
 * @param {Place} place
 * @param {number[]} plan how many claims
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<Pair[] | { missing: string }>} why this machine can't measure it
 */
async function measureKubernetes(place, plan, check, progress) {
  const missing = missingChangers();
  if (missing !== undefined) return { missing };
  const lab = await startControlPlane();
  let unbind = () => Promise.resolve();
  try {
    const driver = await lab.startDriver(DRIVER);
    unbind = bindingClaims(lab, DRIVER);
    let requested = 0;
    let changed = driver.changes().length;
    const cluster = {
      ...{ name: "kubernetes", title: "Kubernetes", pluginPath: pulumiPlugin().path, environment: /^KUBE/ },
      ...{ programs, steps: STEPS },
      config: {
        "storage-profiles:kubernetes": { driver: DRIVER, volumeBindingMode: "Immediate" },
        "storage-profiles:profiles": PROFILES,
        "kubernetes:kubeconfig": lab.kubeconfig,
        "aws:region": "eu-central-1",
      },
      reset: () => clearCluster(lab),
      async calls() {
        const touched = await carriedOut(lab);
        const [requests, changes] = [lab.requests(), driver.changes()];
        const text = counted(requests.slice(requested), changes.slice(changed), touched);
        [requested, changed] = [requests.length, changes.length];
        return text;
      },
      async objects() {
        const counts = await Promise.all(
          Object.entries(OBJECTS).map(async ([what, at]) => `${(await lab.ask("GET", at)).body.items.length} ${what}`),
        );
        return counts.join(", ");
      },
    };
    return await measureByHand(place, cluster, plan, check, progress);
  } finally {
    await unbind().finally(() => lab.stop());
  }
}

/**
 * The table, as Markdown.
 *
 * @param {Pair[]} pairs
 */
function kubernetesTable(pairs) {
  const steps = {
    up: "first up",
    preview: "unchanged preview",
    change: "up with another profile and size",
  };
  const total = (/** @type {string} */ text) =>
    [...text.matchAll(/(\d+) [A-Z]/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  const judge = (/** @type {string} */ step, /** @type {Pair} */ { n, hand, ours }) => {
    const more = total(ours.calls[step] ?? "") - total(hand.calls[step] ?? "");
    return more === 0 ? "equal" : `${more > 0 ? "+" : "−"}${Math.abs(more / n).toFixed(1)} a claim`;
  };
  return rowsByHand(pairs, steps, "requests", judge, { work: true });
}

// ---- the programs ----------------------------------------------------------------------------------------------------

const STEPS = ["up", "change"];

/** @type {Record<string, { profile: "gold" | "silver", size: number }>} */
const WANTED = { up: { profile: "silver", size: 100 }, change: { profile: "gold", size: 200 } };

const ATTRIBUTES = { gold: { iops: 6000, throughput: 500 }, silver: { iops: 3000, throughput: 125 } };

const PROFILES = Object.fromEntries(
  Object.entries(ATTRIBUTES).map(([name, { iops, throughput }]) => [
    name,
    { aws: { volumeType: "gp3", iops, throughputMiBps: throughput } },
  ]),
);

/** @type {Record<Author, (n: number, step: string) => string>} */
const programs = {
  hand: (n, step) => `const { PersistentVolumeClaim } = require("@pulumi/kubernetes/core/v1/persistentVolumeClaim");
const { StorageClass } = require("@pulumi/kubernetes/storage/v1/storageClass");
const { VolumeAttributesClass } = require("@pulumi/kubernetes/storage/v1/volumeAttributesClass");
const storage = new StorageClass("ebs", {
  metadata: { name: "ebs" }, provisioner: "${DRIVER}", reclaimPolicy: "Retain", allowVolumeExpansion: true, volumeBindingMode: "Immediate",
});
const classes = {};
for (const [name, { iops, throughput }] of Object.entries(${JSON.stringify(ATTRIBUTES)})) {
  const parameters = { type: "gp3", iops: String(iops), throughput: String(throughput) };
  classes[name] = new VolumeAttributesClass(name, { metadata: { name }, driverName: "${DRIVER}", parameters });
}
for (let i = 0; i < ${n}; i++) {
  new PersistentVolumeClaim("v" + i, {
    metadata: { name: "v" + i, namespace: "default" },
    spec: {
      accessModes: ["ReadWriteOnce"], storageClassName: storage.metadata.name,
      volumeAttributesClassName: classes.${WANTED[step]?.profile}.metadata.name,
      resources: { requests: { storage: "${WANTED[step]?.size}Gi" } },
    },
  }, { protect: true });
}
`,
  ours: (n, step) => `const { ProfileClasses, ProfiledVolume } = require("storage-profiles");
new ProfileClasses("classes", { profiles: ["gold", "silver"], aliases: false });
for (let i = 0; i < ${n}; i++) {
  new ProfiledVolume("v" + i + "@${WANTED[step]?.profile}", { sizeGiB: ${WANTED[step]?.size} });
}
`,
};

// ---- the lab ---------------------------------------------------------------------------------------------------------

/** After this long without any progress the external-resizer has lost what is open (components/backends/kubernetes/watch.ts). */
const LOST_MS = 30_000;

/**
 * Waits until the driver has done what was asked of it: by hand, an `up` ends before, and nobody has the external-resizer look again at what it has
 * lost. This does, as an administrator would.
 *
 * @param {ControlPlane} lab
 * @returns {Promise<number>} how many claims it had lost
 */
async function carriedOut(lab) {
  let [seen, since, lost] = ["", performance.now(), 0];
  /** @type {any[]} */
  let open = [];
  const isDone = async () => {
    const { body } = await lab.ask("GET", CLAIMS);
    open = body.items.filter(
      (/** @type {any} */ { spec, status }) =>
        status.currentVolumeAttributesClassName !== spec.volumeAttributesClassName ||
        status.capacity?.storage !== spec.resources.requests.storage,
    );
    const now = JSON.stringify(open.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
    if (now !== seen) [seen, since] = [now, performance.now()];
    else if (open.length > 0 && performance.now() - since > LOST_MS) {
      lost += open.length;
      for (const { metadata } of open)
        for (const value of ["now", null])
          await lab.ask("PATCH", `${CLAIMS}/${metadata.name}`, {
            metadata: { annotations: { "bench/read-again": value } },
          });
    }
    return open.length === 0;
  };
  const what = () => `the driver to have done all changes: ${open.length} are open`;
  await until(what, isDone, { seconds: 400, everyMs: 500 });
  return lost;
}

/**
 * @param {import("../../test/labs/kubernetes/lab.js").Request[]} requests
 * @param {Record<string, any>[]} changes that the driver was asked for
 * @param {number} touched claims that the external-resizer had lost
 */
function counted(requests, changes, touched) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const { resource, verb, isDryRun, by } of requests) {
    const isOfClaims = resource === "persistentvolumeclaims";
    const what = isOfClaims ? verb.toUpperCase() + (isDryRun ? " (dry run)" : "") : `OTHER by ${by}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  const told = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  for (const kind of ["modify", "expand"]) {
    const count = changes.filter((each) => kind in each).length;
    if (count > 0) told.push(`driver: ${count} ${kind}`);
  }
  if (touched > 0) told.push(`lost by the resizer: ${touched}`);
  return told.sort().join(", ") || "none";
}
