// Reads claims and their events from an API server, for all volumes of a run. The login is renewed once when the server no longer accepts it.

import { z } from "zod";

import type { Claim } from "../../../src/backends/kubernetes/claim";
import { HttpClient, readJson, repeated, SharedLogin, type HttpResponse } from "../../http-session";
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
      allocatedResourceStatuses: z.object({ storage: text }).optional(),
      conditions: z.array(z.object({ type: text, status: text, reason: text, message: text })).optional(),
      currentVolumeAttributesClassName: text,
      modifyVolumeStatus: z.object({ status: text, targetVolumeAttributesClassName: text }).optional(),
    })
    .optional(),
});
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

interface Login {
  client: HttpClient;
  authorization: string | undefined;
}

/** A session with an API server. */
export class ClusterSession {
  private readonly login = new SharedLogin(() => this.logIn(), isPassing);

  constructor(private readonly cluster: Cluster) {}

  /** A claim, by `namespace/name`; nothing where there is none of this `uid`. */
  async readClaim(claim: string, uid: string | undefined): Promise<Claim | undefined> {
    const [namespace = "", name = ""] = claim.split("/");
    const at = `/api/v1/namespaces/${encodeURIComponent(namespace)}/persistentvolumeclaims/${encodeURIComponent(name)}`;
    const response = await this.get(at, `reading claim ${claim}`);
    if (response.status === 404) return undefined;
    const read = understood(response, claimShape, `reading claim ${claim}`) as Claim;
    return uid !== undefined && read.metadata?.uid !== uid ? undefined : read;
  }

  /** The messages of a claim's warnings for one of these reasons, the newest first; none where they can't be read. */
  async warnings({ metadata }: Claim, reasons: readonly string[]): Promise<string[]> {
    const { namespace = "default", uid = "" } = metadata ?? {};
    const selector = encodeURIComponent(`involvedObject.uid=${uid},type=Warning`);
    const at = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events?fieldSelector=${selector}`;
    try {
      const { items } = understood(await this.get(at, "reading events"), eventsShape, "reading events");
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

  private async get(at: string, what: string): Promise<HttpResponse> {
    const url = `${this.cluster.server}${at}`;
    const answer = await this.login.use(async ({ client, authorization }) => {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const response = await repeated(() => client.send({ method: "GET", url, headers, what }), isPassing);
      return response.status === 401 ? undefined : response;
    });
    if (!answer)
      throw new KubernetesError("login-refused", `${what}: the API server rejected the kubeconfig's credentials`);
    return answer;
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

function understood<T>(response: HttpResponse, shape: z.ZodType<T>, what: string): T {
  const { status } = response;
  if (status === 403)
    throw new KubernetesError("forbidden", `${what}: the kubeconfig's user may not read it (HTTP 403)`);
  if (status >= 500 || status === 429)
    throw new KubernetesError("interrupted", `${what}: the API server answered HTTP ${status}`);
  if (status !== 200) throw new KubernetesError("refused", `${what}: the API server answered HTTP ${status}`);
  const read = readJson(response, shape);
  if ("value" in read) return read.value;
  throw new KubernetesError("refused", `${what}: the response isn't one of Kubernetes: check ${read.mismatch}`);
}
