// A project on the Kubernetes lab: the real engine and Pulumi's Kubernetes provider, against a real API server. Without OpenStack's driver nothing
// there binds claims, and this does it as the external-provisioner and the controller manager would.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parseAllDocuments } from "yaml";

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

const RBAC = "/apis/rbac.authorization.k8s.io/v1";

/**
 * A service account that may do what docs/kubernetes.md lists, and nothing else: with claims in one namespace, or in all. Its kubeconfig. `without` takes verbs
 * away: `get storageclasses`.
 */
export async function documentedAccount(
  lab: ControlPlane,
  name: string,
  { namespace, without = [] }: { namespace?: string; without?: string[] } = {},
): Promise<string> {
  const kubeconfig = await lab.addAccount(name);
  const text = readFileSync(join(__dirname, "../../docs/kubernetes.md"), "utf8");
  const [, snippet = ""] = /```yaml\n((?:(?!```)[^])*kind: ClusterRole[^]*?)```/.exec(text) ?? [];
  for (const { metadata, ...role } of parseAllDocuments(snippet).map((each) => each.toJS())) {
    const rules = role.rules.flatMap(({ resources, verbs, apiGroups }: any) =>
      resources.map((resource: string) => ({
        apiGroups,
        resources: [resource],
        verbs: verbs.filter((verb: string) => !without.includes(`${verb} ${resource}`)),
      })),
    );
    const own = { name: `${name}-${metadata.name}` };
    const isInNamespace = namespace !== undefined && metadata.name.endsWith("claims");
    const kind = isInNamespace ? "RoleBinding" : "ClusterRoleBinding";
    const at = isInNamespace ? `${RBAC}/namespaces/${namespace}/rolebindings` : `${RBAC}/clusterrolebindings`;
    const apiGroup = "rbac.authorization.k8s.io";
    const objects = [
      [`${RBAC}/clusterroles`, { ...role, metadata: own, rules: rules.filter((rule: any) => rule.verbs.length > 0) }],
      [
        at,
        {
          ...{ apiVersion: `${apiGroup}/v1`, kind, metadata: own, roleRef: { apiGroup, kind: "ClusterRole", ...own } },
          subjects: [{ kind: "ServiceAccount", name, namespace: "default" }],
        },
      ],
    ] as const;
    for (const [path, object] of objects) {
      const { status, body } = await lab.ask("POST", path, object);
      if (status !== 201) throw new Error(`${path}: ${body.message}`);
    }
  }
  return kubeconfig;
}

/** An API server, and a project with claims there. */
export class KubernetesProject extends Project {
  private unbind: () => Promise<void> = () => Promise.resolve();
  /** That of the project: with the permissions that docs/kubernetes.md lists. */
  kubeconfig = "";

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
    this.kubeconfig = await documentedAccount(this.lab, "deployer");
    this.config(
      {
        backend: "kubernetes",
        deletionProtection: false,
        // Pulumi's provider waits in vain for updates of bound claims of the other mode before 4.27.
        kubernetes: { driver, volumeBindingMode: "Immediate" },
        profiles: this.profiles,
      },
      { "kubernetes:kubeconfig": this.kubeconfig, "aws:region": "eu-central-1" },
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

  /**
   * Writes a program with the classes, these volumes (the size, how long an update is waited for, and other arguments), those of the stack's config,
   * and more lines.
   */
  declare(volumes: Record<string, [sizeGiB: number, update?: string | undefined, args?: object]>, rest = ""): void {
    this.program(`
      const { ProfileClasses, volumesOfStack } = require("storage-profiles");
      const volumes = {};
      new ProfileClasses("classes", { profiles: ${JSON.stringify(Object.keys(this.profiles))}, aliases: false });
      for (const [reference, [sizeGiB, update, args]] of Object.entries(${JSON.stringify(volumes)})) {
        const name = reference.split("@")[0];
        const volume = new ProfiledVolume(reference, { sizeGiB, ...args }, update ? { customTimeouts: { update } } : {});
        volumes[name] = volume;
        exports[name] = volume.details;
      }
      for (const [name, asked] of Object.entries(volumesOfStack())) new ProfiledVolume(name, asked);
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
