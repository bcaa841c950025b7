// Reads claims, their events and classes from an API server, and tries changes in dry runs, for all volumes of a run. The login is renewed once when the server no longer accepts it.

import { z } from "zod";

import type { Claim } from "../../../src/backends/kubernetes/claim";
import { HttpClient, readJson, SharedLogin, type HttpResponse } from "../../http-session";
import { isPassing, KubernetesError } from "./cluster-errors";
import type { Cluster } from "./kubeconfig";

const TIMEOUT_MS = 30_000;
const CONNECTIONS = 16;

const text = z.string().optional();
const claimShape = z.object({
  metadata: z.object({ name: text, namespace: text, uid: text, deletionTimestamp: text }).optional(),
  spec: z
    .object({
      volumeName: text,
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
const classShape = z.object({ metadata: z.object({ deletionTimestamp: text }).optional(), driverName: text });
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

/** The API server's reason for refusing a change. */
export interface Refusal {
  message: string;
  isForbidden: boolean;
}

interface Login {
  client: HttpClient;
  authorization: string | undefined;
}

/** A session with an API server. */
export class ClusterSession {
  private readonly login = new SharedLogin(() => this.logIn(), isPassing);

  private readonly classes = new Map<string, Promise<AttributesClass | "not-served" | undefined>>();

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
    const response = await this.send({ at: `${pathOf(claim)}?dryRun=All`, what, patch });
    if (response.status === 200) return undefined;
    const read = readJson(response, statusShape);
    const message = "value" in read ? read.value.message : "";
    const isForbidden = response.status === 403;
    // Without the permission to patch nothing is known. A quota is forbidden, too, and what an admission webhook denies.
    if (isForbidden && (message === "" || message.includes("cannot patch"))) throw forbidden(what);
    if (response.status >= 500 || response.status === 429) return understood(response, z.never(), what);
    return { message, isForbidden };
  }

  /**
   * A VolumeAttributesClass; nothing where there is none, and `not-served` by a server that has no such kind. Read once for all volumes that
   * change to it.
   */
  readAttributesClass(name: string): Promise<AttributesClass | "not-served" | undefined> {
    const known = this.classes.get(name) ?? this.requestClass(name);
    this.classes.set(name, known);
    return known;
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

  private async send({ at, what, patch }: { at: string; what: string; patch?: object }): Promise<HttpResponse> {
    const url = `${this.cluster.server}${at}`;
    const answer = await this.login.request(
      ({ client, authorization }) => {
        const headers: Record<string, string> = {
          ...(patch && { "content-type": "application/merge-patch+json" }),
          ...(authorization !== undefined && { authorization }),
        };
        return client.send({ method: patch ? "PATCH" : "GET", url, headers, body: patch, what });
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
  const [namespace = "", name = ""] = claim.split("/");
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/persistentvolumeclaims/${encodeURIComponent(name)}`;
}

const forbidden = (what: string) =>
  new KubernetesError("forbidden", `${what}: the kubeconfig's user has no permission for it (HTTP 403)`);

function understood<T>(response: HttpResponse, shape: z.ZodType<T>, what: string): T {
  const { status } = response;
  if (status === 403) throw forbidden(what);
  if (status >= 500 || status === 429)
    throw new KubernetesError("interrupted", `${what}: the API server answered HTTP ${status}`);
  if (status !== 200) throw new KubernetesError("refused", `${what}: the API server answered HTTP ${status}`);
  const read = readJson(response, shape);
  if ("value" in read) return read.value;
  throw new KubernetesError("refused", `${what}: the response isn't one of Kubernetes: check ${read.mismatch}`);
}
