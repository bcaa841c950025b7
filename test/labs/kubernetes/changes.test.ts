// A claim's profile and size changed by the real engine and Pulumi's Kubernetes provider, on a real API server, by the real external-resizer
// beside Kubernetes' own mock CSI driver under the name of EBS: in place and back, rejected by the driver, slow, killed in the middle, and by a
// driver that can't modify. What no part of the lab does the test does: it binds claims, as the provisioner and the controller manager would.

import { readFileSync } from "node:fs";

import { until } from "../../../tools/test/time.js";
import { Project } from "../../support/engine";
import { describeIf } from "../../support/machine";
import { missingChangers, pulumiPlugin, startControlPlane } from "./lab.js";

const EBS = "ebs.csi.aws.com";
const CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims";
const VOLUMES = "/api/v1/persistentvolumes";
const INVALID_ARGUMENT = 3;

describeIf(missingChangers() === undefined, "a real external-resizer", missingChangers(), () => {
  let lab: Awaited<ReturnType<typeof startControlPlane>>;
  let project: Project;
  let isOver = false;
  let binding: Promise<void>;

  // A stand-in for the external-provisioner and the controller manager: binds each claim to a volume of the driver.
  const bind = async () => {
    const { body } = await lab.ask("GET", CLAIMS);
    for (const { metadata, spec, status } of body.items ?? []) {
      if (status.phase !== "Pending") continue;
      const { name, namespace, uid } = metadata;
      const volumeName = `pv-${name}`;
      const capacity = { storage: spec.resources.requests.storage };
      const { accessModes, volumeMode, storageClassName, volumeAttributesClassName } = spec;
      const claimRef = { apiVersion: "v1", kind: "PersistentVolumeClaim", name, namespace, uid };
      await lab.ask("POST", VOLUMES, {
        ...{ apiVersion: "v1", kind: "PersistentVolume" },
        metadata: { name: volumeName, annotations: { "pv.kubernetes.io/provisioned-by": EBS } },
        spec: {
          ...{ capacity, accessModes, volumeMode, storageClassName, volumeAttributesClassName, claimRef },
          ...{ persistentVolumeReclaimPolicy: "Retain", csi: { driver: EBS, volumeHandle: `vol-${name}` } },
        },
      });
      await lab.ask("PATCH", `${VOLUMES}/${volumeName}/status`, { status: { phase: "Bound" } });
      await lab.ask("PATCH", `${CLAIMS}/${name}`, { spec: { volumeName } });
      const bound = {
        phase: "Bound",
        capacity,
        accessModes,
        currentVolumeAttributesClassName: volumeAttributesClassName,
      };
      await lab.ask("PATCH", `${CLAIMS}/${name}/status`, { status: bound });
    }
  };

  beforeAll(async () => {
    lab = await startControlPlane();
    binding = (async () => {
      while (!isOver) {
        await bind();
        await new Promise((done) => setTimeout(done, 200));
      }
    })();
    project = new Project("kubernetes-changes", "", { surroundings: { providers: [pulumiPlugin()] } });
    project.config(
      {
        backend: "kubernetes",
        deletionProtection: false,
        kubernetes: { driver: EBS, volumeBindingMode: "Immediate" },
        profiles: {
          gold: { aws: { volumeType: "gp3", iops: 6000, throughputMiBps: 500 } },
          silver: { aws: { volumeType: "gp3", iops: 3000, throughputMiBps: 125 } },
        },
      },
      { "kubernetes:kubeconfig": lab.kubeconfig, "aws:region": "eu-central-1" },
    );
    await project.init();
  });
  afterAll(async () => {
    isOver = true;
    await binding;
    await project.dispose();
    await lab.stop();
  });

  const declare = (volumes: Record<string, [sizeGiB: number, update?: string]>) =>
    project.program(`
      const { ProfileClasses } = require("storage-profiles");
      new ProfileClasses("classes", { profiles: ["gold", "silver"], aliases: false });
      for (const [reference, [sizeGiB, update]] of Object.entries(${JSON.stringify(volumes)})) {
        const volume = new ProfiledVolume(reference, { sizeGiB }, update ? { customTimeouts: { update } } : {});
        exports[reference.split("@")[0]] = volume.details;
      }`);
  const claim = async (name: string) => (await lab.ask("GET", `${CLAIMS}/${name}`)).body;
  const typeOf = async (className: string) => {
    const { body } = await lab.ask("GET", `/apis/storage.k8s.io/v1/volumeattributesclasses/${className}`);
    return body.parameters.iops;
  };
  const iops = async (name: string) => typeOf((await claim(name)).status.currentVolumeAttributesClassName);

  test("changes profile and size in place, and back; rejected, slow and interrupted changes are reported, and finished by the next up", async () => {
    const driver = await lab.startDriver(EBS);
    declare({ "data@silver": [100], "other@silver": [100] });
    await project.up();
    expect(await project.steps()).toEqual([]);
    expect(driver.changes()).toEqual([]);

    // Gold, and bigger: one patch, and the `up` ends when the driver has done both.
    declare({ "data@gold": [200], "other@silver": [100] });
    await project.up();
    expect([await iops("data"), (await claim("data")).status.capacity.storage]).toEqual(["6000", "200Gi"]);
    expect(driver.changes()).toEqual(
      expect.arrayContaining([
        { modify: { type: "gp3", iops: "6000", throughput: "500" }, volume: "vol-data" },
        { expand: 200 * 1024 ** 3, volume: "vol-data" },
      ]),
    );
    expect((await project.outputs())["data"]).toEqual({ claimName: "data", volumeName: "pv-data" });
    expect(await project.steps()).toEqual([]);

    // Back to silver is rejected; a second `up` says the same, and status says why.
    driver.answer({ code: INVALID_ARGUMENT, message: "iops below what this zone allows" });
    declare({ "data@silver": [200], "other@silver": [100] });
    for (const attempt of ["first", "second"]) {
      const rejected = await project.tryUp();
      expect([attempt, rejected.code]).not.toEqual([attempt, 0]);
      expect(rejected.text).toContain("the driver rejected the class (Infeasible)");
      expect(rejected.text).toContain("iops below what this zone allows");
      expect(rejected.text).toContain("Fix: give the volume another profile, or the previous one");
    }
    const status = await project.command("storage-profiles", ["status", "--yes"]);
    expect(status.text).toContain("iops below what this zone allows");
    expect(status.text).toMatch(/non-compliant/);
    expect(await iops("data")).toBe("6000");

    // The way back.
    driver.answer({});
    declare({ "data@gold": [200], "other@silver": [100] });
    await project.up();
    expect((await claim("data")).status.modifyVolumeStatus).toBeUndefined();
    expect(await project.steps()).toEqual([]);

    // Slower than the limit: reported; the next `up` waits for the rest.
    driver.answer({ delayMs: 20_000 });
    declare({ "data@gold": [200], "other@gold": [100, "3s"] });
    const slow = await project.tryUp();
    expect(slow.code).not.toBe(0);
    expect(slow.text).toContain("InProgress, after 3 s (customTimeouts.update");
    declare({ "data@gold": [200], "other@gold": [100] });
    await project.up();
    expect(await iops("other")).toBe("6000");
    expect(await project.steps()).toEqual([]);

    // Killed while the driver works.
    const before = driver.changes().length;
    declare({ "data@gold": [200], "other@silver": [100] });
    const running = await project.begin(["up", "--yes", "--skip-preview"]);
    await until("the driver to work", () => driver.changes().length > before || !running.isRunning());
    await running.kill();
    await project.run(["cancel", "--yes"]);
    driver.answer({});
    await project.up();
    expect(await iops("other")).toBe("3000");
    expect(await project.steps()).toEqual([]);
    await driver.stop();

    // A driver that can't modify: nothing in the cluster answers.
    const unable = await lab.startDriver(EBS, false);
    declare({ "data@gold": [200], "other@gold": [100, "5s"] });
    const silent = await project.tryUp();
    expect(silent.code).not.toBe(0);
    expect(silent.text).toContain("no answer from the cluster");
    expect(silent.text).toContain("the driver can't modify volumes");
    declare({ "data@gold": [200], "other@silver": [100] });
    await project.up();
    expect(await project.steps()).toEqual([]);
    await unable.stop();
  });

  test("keeps the kubeconfig out of the state", async () => {
    const text = JSON.stringify(await project.resources());
    const { users } = JSON.parse(readFileSync(lab.kubeconfig, "utf8"));
    expect(text).toContain("ClaimOutcome");
    expect(text).not.toContain(users[0].user.token);
  });
});
