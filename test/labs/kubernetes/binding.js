// Binds claims to volumes of a driver's as the external-provisioner and the controller manager would, where neither runs; takes them away again, as
// no controller does.
// @ts-check
"use strict";

module.exports = { bindClaims, bindingClaims, clearCluster };

/** @typedef {Pick<import("./lab.js").ControlPlane, "ask">} Lab */

const NAMESPACE = "/api/v1/namespaces/default/persistentvolumeclaims";
const VOLUMES = "/api/v1/persistentvolumes";
const CLASSES = ["storageclasses", "volumeattributesclasses"].map((each) => `/apis/storage.k8s.io/v1/${each}`);

/**
 * Binds each claim that isn't bound.
 *
 * @param {Lab} lab
 * @param {string} driver
 */
async function bindClaims(lab, driver) {
  const { body } = await lab.ask("GET", NAMESPACE);
  for (const claim of body.items ?? []) if (claim.status.phase === "Pending") await bind(lab, driver, claim);
}

/**
 * Binds claims as soon as they exist, until it is told to stop.
 *
 * @param {Lab} lab
 * @param {string} driver
 * @returns {() => Promise<void>} stops it
 */
function bindingClaims(lab, driver) {
  let isOver = false;
  const binding = (async () => {
    while (!isOver) {
      await bindClaims(lab, driver);
      await new Promise((done) => setTimeout(done, 200));
    }
  })();
  // Told by what stops it; an error that nobody handles would end a process with all that it runs still there.
  binding.catch(() => undefined);
  return async () => {
    isOver = true;
    await binding;
  };
}

/** @param {Lab} lab @param {string} driver @param {any} claim */
async function bind(lab, driver, { metadata: { name, namespace, uid }, spec }) {
  const volumeName = `pv-${name}`;
  const capacity = { storage: spec.resources.requests.storage };
  const { accessModes, volumeMode, storageClassName, volumeAttributesClassName } = spec;
  const claimRef = { apiVersion: "v1", kind: "PersistentVolumeClaim", name, namespace, uid };
  await lab.ask("POST", VOLUMES, {
    ...{ apiVersion: "v1", kind: "PersistentVolume" },
    metadata: { name: volumeName, annotations: { "pv.kubernetes.io/provisioned-by": driver } },
    spec: {
      ...{ capacity, accessModes, volumeMode, storageClassName, volumeAttributesClassName, claimRef },
      ...{ persistentVolumeReclaimPolicy: "Retain", csi: { driver, volumeHandle: `vol-${name}` } },
    },
  });
  await lab.ask("PATCH", `${VOLUMES}/${volumeName}/status`, { status: { phase: "Bound" } });
  await lab.ask("PATCH", `${NAMESPACE}/${name}`, { spec: { volumeName } });
  const bound = {
    ...{ phase: "Bound", capacity, accessModes },
    currentVolumeAttributesClassName: volumeAttributesClassName,
  };
  await lab.ask("PATCH", `${NAMESPACE}/${name}/status`, { status: bound });
}

/**
 * Takes all claims, volumes and classes away, whatever protects them: without its controllers nothing else would.
 *
 * @param {Lab} lab
 */
async function clearCluster(lab) {
  for (const at of [NAMESPACE, VOLUMES, ...CLASSES]) {
    const { body } = await lab.ask("GET", at);
    for (const { metadata } of body.items) {
      await lab.ask("PATCH", `${at}/${metadata.name}`, { metadata: { finalizers: null } });
      await lab.ask("DELETE", `${at}/${metadata.name}`);
    }
  }
}
