// A project on the Kubernetes lab: the real engine and Pulumi's Kubernetes provider, against a real API server. Without OpenStack's driver nothing
// there binds claims, and this does it as the external-provisioner and the controller manager would.

import { bindingClaims } from "../labs/kubernetes/binding.js";
import { startControlPlane, pulumiPlugin } from "../labs/kubernetes/lab.js";
import { Project } from "./engine";
import type { OpenstackLab } from "./openstack";

export const EBS = "ebs.csi.aws.com";
export const CINDER = "cinder.csi.openstack.org";
export const CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims";

export type ControlPlane = Awaited<ReturnType<typeof startControlPlane>>;

const EBS_PROFILES = {
  gold: { aws: { volumeType: "gp3", iops: 6000, throughputMiBps: 500 } },
  silver: { aws: { volumeType: "gp3", iops: 3000, throughputMiBps: 125 } },
};

/** An API server, and a project with claims there. */
export class KubernetesProject extends Project {
  private unbind: () => Promise<void> = () => Promise.resolve();

  private constructor(
    name: string,
    readonly lab: ControlPlane,
    private readonly profiles: Record<string, object>,
  ) {
    super(name, "", { surroundings: { providers: [pulumiPlugin()], env: { PULUMI_PARALLEL: "32" } } });
  }

  /** One whose claims are bound to volumes of EBS's driver as soon as they exist. */
  static async start(name: string): Promise<KubernetesProject> {
    const project = new KubernetesProject(name, await startControlPlane(), EBS_PROFILES);
    return project.orStopped(async () => {
      await project.connect(EBS);
      project.unbind = bindingClaims(project.lab, EBS);
    });
  }

  /** One whose claims OpenStack's own driver makes on a Cinder. */
  static async startOnCinder(
    name: string,
    openstack: OpenstackLab,
    profiles: Record<string, object>,
  ): Promise<KubernetesProject> {
    // The driver doesn't start without a Nova in the catalog, which it needs only to attach.
    const service = { service: { name: "nova", type: "compute", enabled: true } };
    const { body } = await openstack.keystone("POST", "/services", service);
    const endpoint = { service_id: body.service.id, interface: "public", url: "http://127.0.0.1:9/v2.1" };
    const { region = "" } = openstack.config();
    await openstack.keystone("POST", "/endpoints", { endpoint: { ...endpoint, region_id: region } });
    const project = new KubernetesProject(name, await startControlPlane(), profiles);
    const { authUrl = "", userName = "", password = "", tenantName = "" } = openstack.config();
    const global = {
      ...{ "auth-url": authUrl, username: userName, password, "tenant-name": tenantName, region },
      ...{ "user-domain-name": "Default", "tenant-domain-name": "Default" },
    };
    return project.orStopped(async () => {
      await project.lab.startCinder({ global });
      await project.connect(CINDER);
    });
  }

  /** Makes it ready. Where that fails, nothing of it is left. */
  private async orStopped(makeReady: () => Promise<void>): Promise<this> {
    try {
      await makeReady();
    } catch (error) {
      await this.stop();
      throw error;
    }
    return this;
  }

  private async connect(driver: string): Promise<void> {
    this.config(
      {
        backend: "kubernetes",
        deletionProtection: false,
        // Pulumi's provider waits in vain for updates of bound claims of the other mode before 4.27.
        kubernetes: { driver, volumeBindingMode: "Immediate" },
        profiles: this.profiles,
      },
      { "kubernetes:kubeconfig": this.lab.kubeconfig, "aws:region": "eu-central-1" },
    );
    await this.init();
  }

  /** Also where one of the steps fails. */
  async stop(): Promise<void> {
    try {
      await this.unbind();
    } finally {
      await this.dispose().finally(() => this.lab.stop());
    }
  }

  /** Writes a program with the classes, these volumes (the size, how long an update is waited for, and other arguments), and more lines. */
  declare(volumes: Record<string, [sizeGiB: number, update?: string | undefined, args?: object]>, rest = ""): void {
    this.program(`
      const { ProfileClasses } = require("storage-profiles");
      const volumes = {};
      new ProfileClasses("classes", { profiles: ${JSON.stringify(Object.keys(this.profiles))}, aliases: false });
      for (const [reference, [sizeGiB, update, args]] of Object.entries(${JSON.stringify(volumes)})) {
        const name = reference.split("@")[0];
        const volume = new ProfiledVolume(reference, { sizeGiB, ...args }, update ? { customTimeouts: { update } } : {});
        volumes[name] = volume;
        exports[name] = volume.details;
      }
      ${rest}`);
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
}
