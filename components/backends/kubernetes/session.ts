// Reads claims, their events, classes and quotas from an API server, and tries what is created or changed in dry runs, for all volumes of a run. The login is renewed once when the server no longer accepts it.

import { z } from "zod";

import type { Claim } from "../../../src/backends/kubernetes/claim";
import type { StorageClassRead } from "../../../src/backends/kubernetes/classes";
import type { Demand, Quota } from "../../../src/backends/kubernetes/quota";
import { HttpClient, readJson, SharedLogin, type HttpResponse } from "../../http-session";
import { isPassing, KubernetesError } from "./cluster-errors";
import type { Cluster } from "./kubeconfig";

const TIMEOUT_MS = 30_000;
const CONNECTIONS = 16;

const text = z.string().optional();
const claimShape = z.object({
  metadata: z
    .object({ name: text, namespace: text, uid: text, resourceVersion: text, deletionTimestamp: text })
    .optional(),
  spec: z
    .object({
      volumeName: text,
      storageClassName: text,
      volumeAttributesClassName: text,
      resources: z.object({ requests: z.object({ storage: text }).optional() }).optional(),
    })
    .optional(),
  status: z
    .object({
      phase: text,
      capacity: z.object({ storage: text }).optional(),
      allocatedResources: z.object({ storage: text }).optional(),
      allocatedResourceStatuses: z.object({ storage: text }).optional(),
      conditions: z.array(z.object({ type: text, status: text, reason: text, message: text })).optional(),
      currentVolumeAttributesClassName: text,
      modifyVolumeStatus: z.object({ status: text, targetVolumeAttributesClassName: text }).optional(),
    })
    .optional(),
});
const parametersShape = z.record(z.string(), z.string()).nullish();
const classShape = z.object({
  metadata: z.object({ deletionTimestamp: text }).optional(),
  driverName: text,
  parameters: parametersShape,
});
const storageClassShape = z.object({
  metadata: z.object({ deletionTimestamp: text }).optional(),
  provisioner: text,
  parameters: parametersShape,
  reclaimPolicy: text,
  volumeBindingMode: text,
  mountOptions: z.array(z.string()).nullish(),
});
const amountsShape = z.record(z.string(), z.string()).nullish();
const scopeShape = z.object({ scopeName: text, operator: text, values: z.array(z.string()).nullish() });
const quotasShape = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: text }).optional(),
      spec: z
        .object({
          scopes: z.array(z.string()).nullish(),
          scopeSelector: z.object({ matchExpressions: z.array(scopeShape).nullish() }).nullish(),
        })
        .optional(),
      status: z.object({ hard: amountsShape, used: amountsShape }).optional(),
    }),
  ),
});
const statusShape = z.object({ message: z.string() });
const eventsShape = z.object({
  items: z.array(
    z.object({
      type: text,
      reason: text,
      message: text,
      lastTimestamp: z.string().nullish(),
      eventTime: z.string().nullish(),
    }),
  ),
});

// Of an object that is missing it names the object; of a kind that the server doesn't know it names nothing, or answers in plain text.
const missingShape = z.object({ details: z.object({ name: z.string() }) });

type AttributesClass = z.infer<typeof classShape>;

/** The API server's reason for refusing a claim, or a change of one. */
export interface Refusal {
  message: string;
  status: number;
  isForbidden: boolean;
}

interface Asked {
  at: string;
  what: string;
  patch?: object;
  create?: object;
}

interface Login {
  client: HttpClient;
  authorization: string | undefined;
}

/** A session with an API server. */
export class ClusterSession {
  private readonly login = new SharedLogin(() => this.logIn(), isPassing);

  private readonly classes = new Map<string, Promise<AttributesClass | "not-served" | undefined>>();
  private readonly storageClasses = new Map<string, Promise<StorageClassRead | undefined>>();
  private readonly quotas = new Map<string, Promise<Quota[]>>();

  private readonly demands = new Map<string, Map<string, Demand>>();

  /** The first request that the server has answered, or may answer yet. */
  private contact: Promise<unknown> | undefined;

  constructor(private readonly cluster: Cluster) {}

  /** A claim, by `namespace/name`; nothing where there is none of this `uid`. */
  async readClaim(claim: string, uid: string | undefined): Promise<Claim | undefined> {
    const response = await this.send({ at: pathOf(claim), what: `reading claim ${claim}` });
    if (response.status === 404) return undefined;
    const read = understood<Claim>(response, claimShape, `reading claim ${claim}`);
    return uid !== undefined && read.metadata?.uid !== uid ? undefined : read;
  }

  /** Why the API server would refuse a patch of a claim; nothing where it would accept it. Nothing is changed. */
  async refusal(claim: string, patch: object): Promise<Refusal | undefined> {
    const what = `trying a change of claim ${claim}`;
    return refusalIn(await this.send({ at: `${pathOf(claim)}?dryRun=All`, what, patch }), what);
  }

  /**
   * Has everyone who watches a claim read it again: an annotation is set, and removed, since a patch that changes nothing reaches nobody. What the
   * server refuses stays undone.
   */
  async touch(claim: string): Promise<void> {
    for (const value of ["now", null]) {
      const patch = { metadata: { annotations: { "storage-profiles/read-again": value } } };
      const response = await this.send({ at: pathOf(claim), what: `touching claim ${claim}`, patch });
      if (response.status !== 200) return;
    }
  }

  /** The same for a claim that is to be created: `namespace/name`, and the object. */
  async refusalOfNew(claim: string, create: object): Promise<Refusal | undefined> {
    const what = `trying to create claim ${claim}`;
    return refusalIn(await this.send({ at: `${collectionOf(claim)}?dryRun=All`, what, create }), what);
  }

  /** A StorageClass; nothing where there is none. Read once for all volumes that use it. */
  readStorageClass(name: string): Promise<StorageClassRead | undefined> {
    return once(this.storageClasses, name, async () => {
      const what = `reading StorageClass ${name}`;
      const response = await this.send({
        at: `/apis/storage.k8s.io/v1/storageclasses/${encodeURIComponent(name)}`,
        what,
      });
      return response.status === 404 ? undefined : understood(response, storageClassShape, what);
    });
  }

  /** What the run's claims take in a namespace, by their names. */
  demandsOf(namespace: string): Map<string, Demand> {
    const known = this.demands.get(namespace) ?? new Map<string, Demand>();
    this.demands.set(namespace, known);
    return known;
  }

  /** The quotas of a namespace, as they were before the run has created or changed anything there. */
  readQuotas(namespace: string): Promise<Quota[]> {
    return once(this.quotas, namespace, async () => {
      const what = `reading the quotas of namespace ${namespace}`;
      const at = `/api/v1/namespaces/${encodeURIComponent(namespace)}/resourcequotas`;
      return understood(await this.send({ at, what }), quotasShape, what).items;
    });
  }

  /**
   * A VolumeAttributesClass; nothing where there is none, and `not-served` by a server that has no such kind. Read once for all volumes that
   * change to it.
   */
  readAttributesClass(name: string): Promise<AttributesClass | "not-served" | undefined> {
    return once(this.classes, name, () => this.requestClass(name));
  }

  private async requestClass(name: string): Promise<AttributesClass | "not-served" | undefined> {
    const what = `reading VolumeAttributesClass ${name}`;
    const response = await this.send({
      at: `/apis/storage.k8s.io/v1/volumeattributesclasses/${encodeURIComponent(name)}`,
      what,
    });
    if (response.status === 404) return "value" in readJson(response, missingShape) ? undefined : "not-served";
    return understood(response, classShape, what);
  }

  /** The messages of a claim's warnings for one of these reasons, the newest first; none where they can't be read. */
  async warnings({ metadata }: Claim, reasons: readonly string[]): Promise<string[]> {
    const { namespace = "default", uid = "" } = metadata ?? {};
    const selector = encodeURIComponent(`involvedObject.uid=${uid},type=Warning`);
    const at = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events?fieldSelector=${selector}`;
    try {
      const { items } = understood(await this.send({ at, what: "reading events" }), eventsShape, "reading events");
      const timeOf = ({ lastTimestamp, eventTime }: (typeof items)[number]) => lastTimestamp ?? eventTime ?? "";
      return items
        .filter(({ reason }) => reason !== undefined && reasons.includes(reason))
        .sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1))
        .flatMap(({ message }) => message ?? []);
    } catch (error) {
      if (error instanceof KubernetesError) return [];
      throw error;
    }
  }

  // The first request goes alone: where nobody answers, one is waited for, and not each of hundreds in turn.
  private async send(request: Asked): Promise<HttpResponse> {
    if (this.contact) {
      await this.contact;
      return this.transmit(request);
    }
    const first = this.transmit(request);
    this.contact = first;
    first.catch(() => (this.contact = undefined));
    return first;
  }

  private async transmit({ at, what, patch, create }: Asked): Promise<HttpResponse> {
    const url = `${this.cluster.server}${at}`;
    const answer = await this.login.request(
      ({ client, authorization }) => {
        const headers: Record<string, string> = {
          ...(patch && { "content-type": "application/merge-patch+json" }),
          ...(authorization !== undefined && { authorization }),
        };
        const method = patch ? "PATCH" : create ? "POST" : "GET";
        return client.send({ method, url, headers, body: patch ?? create, what });
      },
      isPassing,
      (response) => response,
    );
    if (!answer)
      throw new KubernetesError("login-refused", `${what}: the API server rejected the kubeconfig's credentials`);
    return answer.value;
  }

  private async logIn(): Promise<Login> {
    const { ca, insecure, serverName } = this.cluster;
    const { authorization, cert, key } = await this.cluster.logIn();
    const client = new HttpClient({
      ...{ connections: CONNECTIONS, timeoutMs: TIMEOUT_MS, ca, insecure, serverName, cert, key },
      failed: ({ kind, why }, origin, what) => {
        const code = kind === "untrusted" ? "certificate-untrusted" : kind;
        return new KubernetesError(code, `${what} at ${origin} failed: ${why}`);
      },
    });
    return { client, authorization };
  }
}

function pathOf(claim: string): string {
  const [, name = ""] = claim.split("/");
  return `${collectionOf(claim)}/${encodeURIComponent(name)}`;
}

function collectionOf(claim: string): string {
  const [namespace = ""] = claim.split("/");
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/persistentvolumeclaims`;
}

function once<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const answer = known.get(key) ?? ask();
  known.set(key, answer);
  return answer;
}

function refusalIn(response: HttpResponse, what: string): Refusal | undefined {
  const { status } = response;
  if (status === 200 || status === 201) return undefined;
  const read = readJson(response, statusShape);
  const message = "value" in read ? read.value.message : "";
  // A webhook denies with the status that it likes, and with 400 where it has none. Source: apiserver 0.34.3, ToStatusErr. Read 2026-11-30.
  const isForbidden = status === 403 || /^admission webhook .* denied the request/.test(message);
  // Without the permission nothing is known. A quota is forbidden, too, and what an admission webhook denies.
  if (isForbidden && (message === "" || NO_PERMISSION.test(message))) throw forbidden(what, response);
  if (!isForbidden && (status >= 500 || status === 429)) return understood(response, z.never(), what);
  return { message, status, isForbidden };
}

/** Who may not do what: RBAC's words. */
const NO_PERMISSION = /User ".*" cannot [a-z]+ resource\b.*/;

function forbidden(what: string, response: HttpResponse): KubernetesError {
  const read = readJson(response, statusShape);
  const said = "value" in read ? NO_PERMISSION.exec(read.value.message)?.[0] : undefined;
  const message = `${what}: the kubeconfig's user has no permission for it (HTTP 403)${said === undefined ? "" : `: ${said}`}`;
  return new KubernetesError("forbidden", message);
}

function understood<T>(response: HttpResponse, shape: z.ZodType<T>, what: string): T {
  const { status } = response;
  if (status === 403) throw forbidden(what, response);
  if (status >= 500 || status === 429)
    throw new KubernetesError("interrupted", `${what}: the API server answered HTTP ${status}`);
  if (status !== 200) throw new KubernetesError("refused", `${what}: the API server answered HTTP ${status}`);
  const read = readJson(response, shape);
  if ("value" in read) return read.value;
  throw new KubernetesError("refused", `${what}: the response isn't one of Kubernetes: check ${read.mismatch}`);
}
