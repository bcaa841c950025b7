// OpenStack's own CSI driver on a real Keystone and Cinder, with the real external-provisioner, external-resizer and controller manager: what
// claims of three profiles become, asked of Cinder itself; and a claim that exists already, made by hand as Helm would.

import { until } from "../../../tools/test/time.js";
import { CINDER, CLAIMS, KubernetesProject } from "../../support/kubernetes";
import { describeIf } from "../../support/machine";
import { OpenstackLab, openstackReason } from "../../support/openstack";
import { missingProvisioners } from "./lab.js";

const CLASSES = "/apis/storage.k8s.io/v1/storageclasses";
const profiles = {
  gold: { openstack: { volumeType: "gold" } },
  silver: { openstack: { volumeType: "silver" } },
  bronze: { openstack: { volumeType: "bronze" } },
};
const TAKE_OVER = { PULUMI_K8S_ENABLE_PATCH_FORCE: "true" };
const reason = missingProvisioners() ?? openstackReason();

describeIf(reason === undefined, "claims on a real Cinder", reason, () => {
  let openstack: OpenstackLab;
  let project: KubernetesProject;

  beforeAll(async () => {
    openstack = await OpenstackLab.start();
    await openstack.makeType("gold", { volume_backend_name: "fast" });
    await openstack.makeType("silver", { volume_backend_name: "fast" });
    await openstack.makeType("bronze", { volume_backend_name: "slow" });
    project = await KubernetesProject.startOnCinder("kubernetes-cinder", openstack, profiles);
  });
  afterAll(async () => {
    // Either may be missing, where the other failed to start.
    try {
      await (project as KubernetesProject | undefined)?.stop();
    } finally {
      await (openstack as OpenstackLab | undefined)?.stop();
    }
  });

  /** What Cinder has, by the name of the claim: type and size. */
  const stored = async () =>
    Object.fromEntries(
      (await openstack.volumes()).map(({ volume_type: type, size, metadata }) => [
        metadata["csi.storage.k8s.io/pvc/name"],
        [type, size],
      ]),
    );
  const patch = (name: string, body: object) => project.lab.ask("PATCH", `${CLAIMS}/${name}`, body);
  const status = async () => (await project.command("storage-profiles", ["status"])).text;

  test("become volumes of the profiles' types, grow, and refuse another profile; one that Helm made is taken over; drift is reported; Retain keeps all", async () => {
    await project.lab.ask("POST", CLASSES, {
      ...{ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "fast" } },
      ...{ provisioner: CINDER, parameters: { type: "gold" }, reclaimPolicy: "Retain", allowVolumeExpansion: true },
    });
    await project.lab.ask("POST", CLAIMS, {
      ...{ apiVersion: "v1", kind: "PersistentVolumeClaim" },
      metadata: { name: "orders", labels: { "app.kubernetes.io/managed-by": "Helm" } },
      spec: {
        ...{ accessModes: ["ReadWriteOnce"], storageClassName: "fast" },
        resources: { requests: { storage: "2Gi" } },
      },
    });
    const block = { kubernetes: { volumeMode: "Block" } };
    project.declare({ "data@gold": [1], "logs@silver": [2], "cache@bronze": [1, undefined, block] });
    await project.up();
    expect(await stored()).toEqual({
      ...{ data: ["gold", 1], logs: ["silver", 2], cache: ["bronze", 1], orders: ["gold", 2] },
    });

    // Preview reports what the import would change, and that the size is another tool's, with the way.
    const imported = { import: "default/orders", kubernetes: { existingClass: "fast" } };
    const bigger: Parameters<typeof project.declare>[0] = {
      ...{ "data@gold": [3], "logs@silver": [2], "cache@bronze": [2, undefined, block] },
      "orders@gold": [3, undefined, imported],
    };
    project.declare(bigger);
    const conflict = await project.run(["preview"]);
    expect(conflict.code).not.toBe(0);
    expect(conflict.text).toMatch(/orders \(imported\): update in place\s+sizeGiB: 2 GiB → 3 GiB, in place/);
    expect(conflict.text).toContain("Apply failed with 1 conflict");
    expect(conflict.text).toContain("PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up");
    const grown = await project.up(TAKE_OVER);
    expect(grown).toContain("the storage has the new size; the file system grows when a pod uses the claim");
    expect(await stored()).toEqual({
      ...{ data: ["gold", 3], logs: ["silver", 2], cache: ["bronze", 2], orders: ["gold", 3] },
    });
    // There is no kubelet that would grow the file system.
    const data = (await project.claim("data")).status;
    expect([data.capacity.storage, data.allocatedResourceStatuses.storage]).toEqual(["1Gi", "NodeResizePending"]);
    const { metadata } = await project.claim("orders");
    expect(metadata.labels).toEqual({ "app.kubernetes.io/managed-by": "Helm" });
    expect(await status()).toMatch(/orders +gold +compliant/);
    // Without force: the fields are ours now.
    expect(await project.steps()).toEqual([]);

    // Somebody grows a claim, and gives another a class, which the driver can't apply.
    const size = { resources: { requests: { storage: "4Gi" } } };
    expect(await patch("logs", { spec: size })).toMatchObject({ status: 200 });
    const theirs = { volumeAttributesClassName: "theirs" };
    expect(await patch("orders", { spec: theirs })).toMatchObject({ status: 200 });
    await until("Cinder to have grown it", async () => (await stored())["logs"]?.[1] === 4);
    await project.refresh();
    const drifted = await status();
    expect(drifted).toMatch(/logs +silver +non-compliant +drifted: sizeGiB is 4 GiB, expected 2 GiB/);
    expect(drifted).toMatch(/orders +gold +compliant/);

    // Another profile isn't accepted.
    const { "data@gold": asGold, ...others } = bigger;
    project.declare({ "data@silver": asGold!, ...others });
    const refused = await project.run(["preview"]);
    expect(refused.code).not.toBe(0);
    expect(refused.text).toContain("cinder.csi.openstack.org can't change an existing volume");

    // What is there is declared, and the class that never took effect taken away.
    expect(await patch("orders", { spec: { volumeAttributesClassName: null } })).toMatchObject({ status: 200 });
    project.declare({ ...bigger, "logs@silver": [4] });
    await project.up({}, "--refresh");
    const after = await status();
    expect(after).not.toMatch(/non-compliant|unknown/);

    await project.destroy();
    expect((await project.lab.ask("GET", CLAIMS)).body.items).toEqual([]);
    const { body } = await project.lab.ask("GET", "/api/v1/persistentvolumes");
    expect(body.items.map((each: any) => each.status.phase)).toEqual(Array(4).fill("Released"));
    expect(await stored()).toEqual({
      ...{ data: ["gold", 3], logs: ["silver", 4], cache: ["bronze", 2], orders: ["gold", 3] },
    });
  });
});
