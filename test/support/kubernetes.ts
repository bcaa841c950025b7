// A project on the Kubernetes lab: the real engine and Pulumi's Kubernetes provider, against a real API server. What no part of the lab does this
// does: it binds claims, as the external-provisioner and the controller manager would.

import { startControlPlane, pulumiPlugin } from "../labs/kubernetes/lab.js";
import { Project } from "./engine";

export const EBS = "ebs.csi.aws.com";
export const CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims";
const VOLUMES = "/api/v1/persistentvolumes";

export type ControlPlane = Awaited<ReturnType<typeof startControlPlane>>;

/** An API server, and a project whose claims are bound to volumes of EBS's driver as soon as they exist. */
export class KubernetesProject extends Project {
  private isOver = false;
  private binding: Promise<void> | undefined;

  private constructor(
    name: string,
    readonly lab: ControlPlane,
  ) {
    super(name, "", { surroundings: { providers: [pulumiPlugin()], env: { PULUMI_PARALLEL: "32" } } });
  }

  static async start(name: string): Promise<KubernetesProject> {
    const project = new KubernetesProject(name, await startControlPlane());
    project.config(
      {
        backend: "kubernetes",
        deletionProtection: false,
        // Pulumi's provider waits in vain for updates of bound claims of the other mode before 4.27.
        kubernetes: { driver: EBS, volumeBindingMode: "Immediate" },
        profiles: {
          gold: { aws: { volumeType: "gp3", iops: 6000, throughputMiBps: 500 } },
          silver: { aws: { volumeType: "gp3", iops: 3000, throughputMiBps: 125 } },
        },
      },
      { "kubernetes:kubeconfig": project.lab.kubeconfig, "aws:region": "eu-central-1" },
    );
    await project.init();
    project.binding = project.bindAll();
    return project;
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.binding;
    await this.dispose();
    await this.lab.stop();
  }

  /** Writes a program with the classes, and these volumes. */
  declare(volumes: Record<string, [sizeGiB: number, update?: string]>): void {
    this.program(`
      const { ProfileClasses } = require("storage-profiles");
      new ProfileClasses("classes", { profiles: ["gold", "silver"], aliases: false });
      for (const [reference, [sizeGiB, update]] of Object.entries(${JSON.stringify(volumes)})) {
        const volume = new ProfiledVolume(reference, { sizeGiB }, update ? { customTimeouts: { update } } : {});
        exports[reference.split("@")[0]] = volume.details;
      }`);
  }

  async claim(name: string): Promise<any> {
    return (await this.lab.ask("GET", `${CLAIMS}/${name}`)).body;
  }

  /** The IOPS of the class that a claim has. */
  async iops(name: string): Promise<string> {
    const { status } = await this.claim(name);
    const { body } = await this.lab.ask(
      "GET",
      `/apis/storage.k8s.io/v1/volumeattributesclasses/${status.currentVolumeAttributesClassName}`,
    );
    return body.parameters.iops;
  }

  private async bindAll(): Promise<void> {
    while (!this.isOver) {
      await bindClaims(this.lab);
      await new Promise((done) => setTimeout(done, 200));
    }
  }
}

/** Binds each claim that isn't bound to a volume of EBS's driver, as the external-provisioner and the controller manager would. */
export async function bindClaims(lab: ControlPlane): Promise<void> {
  const { body } = await lab.ask("GET", CLAIMS);
  for (const claim of body.items ?? []) if (claim.status.phase === "Pending") await bind(lab, claim);
}

async function bind(lab: ControlPlane, { metadata: { name, namespace, uid }, spec }: any): Promise<void> {
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
    ...{ phase: "Bound", capacity, accessModes },
    currentVolumeAttributesClassName: volumeAttributesClassName,
  };
  await lab.ask("PATCH", `${CLAIMS}/${name}/status`, { status: bound });
}
