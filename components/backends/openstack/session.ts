// A login to Keystone and the requests to Cinder, shared by all who ask in one process. Every request has a time limit; a login that
// has expired is renewed once; what only reads is repeated when the connection broke.

import { z } from "zod";

import {
  HttpClient,
  isFromProxy,
  isWebPage,
  readJson,
  repeated,
  SharedLogin,
  timeOf,
  type HttpRequest,
  type HttpResponse,
} from "../../http-session";
import { parseJson, type TransportFailure } from "../../transport";
import type { Connection } from "./connection";
import { isPassing, OpenstackError } from "./errors";

/** What Keystone gave. */
interface Login {
  token: string;
  cinderUrl: string;
  projectId: string;
}

const TIMEOUT_MS = 60_000;

const tokenShape = z.object({
  token: z.object({
    project: z.object({ id: z.string() }).optional(),
    catalog: z
      .array(
        z.object({
          type: z.string(),
          endpoints: z.array(
            z.object({
              interface: z.string(),
              region: z.string().nullish(),
              region_id: z.string().nullish(),
              url: z.string(),
            }),
          ),
        }),
      )
      .optional(),
  }),
});

// The names of a service, the official one first. Source: service-types-authority. Read 2026-11-24.
const SERVICE_TYPES = { "block-storage": ["block-storage", "volumev3", "block-store"], compute: ["compute"] };
const NAMES = { "block-storage": "Cinder", compute: "Nova" };

/** A session with Cinder, or with Nova. */
export class CinderSession {
  private readonly client: HttpClient;
  private readonly login = new SharedLogin(() => this.logIn(), isPassing);
  /** Cinder's clock as it was last heard. */
  cinderTime: Date | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly service: keyof typeof SERVICE_TYPES = "block-storage",
  ) {
    const { ca, cert, key, insecure } = connection;
    this.client = new HttpClient({
      connections: 16,
      timeoutMs: TIMEOUT_MS,
      ca,
      cert,
      key,
      insecure,
      failed: transportError,
    });
  }

  /** The id of the project that the login is for. */
  async projectId(): Promise<string> {
    return (await this.login.get()).projectId;
  }

  /** Reads. `path` begins below the project: `/volumes/…`. */
  async get<T>(path: string, shape: z.ZodType<T>, what: string, microversion?: string): Promise<T> {
    const read = readJson(await this.call("GET", path, undefined, { what, microversion }), shape);
    if ("value" in read) return read.value;
    throw new OpenstackError(
      "answer-unreadable",
      `${what}: the response of ${NAMES[this.service]} doesn't match its API: ${read.mismatch}`,
    );
  }

  /** Has something done. What it answers beside yes or no is of no use. */
  async post(path: string, body: object, what: string, microversion?: string): Promise<void> {
    await this.call("POST", path, body, { what, microversion });
  }

  async delete(path: string, what: string): Promise<void> {
    await this.call("DELETE", path, undefined, { what });
  }

  private async call(
    method: HttpRequest["method"],
    path: string,
    body: object | undefined,
    { what, microversion }: { what: string; microversion?: string | undefined },
  ): Promise<HttpResponse> {
    const answered = await this.login.request(
      ({ token, cinderUrl }) => {
        const headers = {
          "x-auth-token": token,
          ...(microversion !== undefined && { "openstack-api-version": `volume ${microversion}` }),
        };
        return this.client.send({ method, url: `${cinderUrl}${path}`, body, headers, what });
      },
      mayRepeat(method === "GET"),
      (response) => {
        if (isFromProxy(response)) throw refusal(what, NAMES[this.service], response);
        return response;
      },
    );
    if (!answered) {
      const message = `${what}: ${NAMES[this.service]} rejected a login that Keystone has just granted (401)`;
      throw new OpenstackError("refused", message, { status: 401 });
    }
    const answer = answered.value;
    this.cinderTime = timeOf(answer) ?? this.cinderTime;
    // Below 400 are a sign-in page, and a redirection to one.
    if (answer.status >= 400 && !isWebPage(answer)) throw refusal(what, NAMES[this.service], answer);
    if (answer.status >= 300 || isWebPage(answer)) {
      const { cinderUrl } = await this.login.get();
      throw foreign(what, cinderUrl, answer, NAMES[this.service], "openstack:authUrl and endpointOverrides");
    }
    return answer;
  }

  private async logIn(): Promise<Login> {
    const { authUrl, identity, scope, who, cinderUrl } = this.connection;
    const what = "logging in";
    const body = { auth: { identity, ...(scope && { scope }) } };
    const answer = await repeated(async () => {
      const response = await this.client.send({ method: "POST", url: `${authUrl}/auth/tokens`, body, what });
      if (isFromProxy(response)) throw refusal(what, "Keystone", response);
      return response;
    }, mayRepeat(true));
    if (!isWebPage(answer) && (answer.status === 401 || answer.status === 403)) {
      const project = scope ? ", or its project" : "";
      throw new OpenstackError(
        "login-refused",
        `Keystone at ${authUrl} rejected the login of ${who}${project}. Check the \`openstack:\` config (or OS_… variables, or ` +
          "clouds.yaml); set the password with: pulumi config set --secret openstack:password",
        { status: answer.status },
      );
    }
    // Below 400 are a sign-in page, and a redirection to one.
    if (answer.status >= 400 && !isWebPage(answer)) throw refusal(what, "Keystone", answer);
    const token = answer.headers["x-subject-token"];
    const read = readJson(answer, tokenShape);
    if (answer.status !== 201 || !("value" in read) || typeof token !== "string") {
      throw foreign(what, authUrl, answer, "Keystone", "openstack:authUrl");
    }
    const { project, catalog = [] } = read.value.token;
    if (!project) {
      throw new OpenstackError(
        "login-refused",
        `the login of ${who} has no project. Set openstack:tenantName (OS_PROJECT_NAME).`,
      );
    }
    return {
      token,
      projectId: project.id,
      cinderUrl: (this.service === "compute" ? undefined : cinderUrl) ?? this.endpoint(catalog),
    };
  }

  private endpoint(catalog: NonNullable<z.infer<typeof tokenShape>["token"]["catalog"]>): string {
    const { interface: wanted, region } = this.connection;
    const isHere = (endpoint: (typeof catalog)[number]["endpoints"][number]) =>
      endpoint.interface === wanted &&
      (region === undefined || endpoint.region_id === region || endpoint.region === region);
    const services = SERVICE_TYPES[this.service].flatMap((type) => catalog.filter((service) => service.type === type));
    const url = services.flatMap((service) => service.endpoints).find(isHere)?.url;
    if (url !== undefined) return url.replace(/\/+$/, "");
    const regions = [
      ...new Set(
        services.flatMap((each) => each.endpoints.map((endpoint) => endpoint.region_id ?? endpoint.region ?? "")),
      ),
    ];
    const where = region === undefined ? "" : ` in region "${region}"`;
    throw new OpenstackError(
      "no-endpoint",
      `Keystone's catalog has no ${wanted} endpoint for ${this.service === "compute" ? "compute" : "block storage"}${where}. ` +
        (regions.length > 0
          ? `Available regions: ${regions.join(", ")}. Check openstack:region and endpointType.`
          : `Does this cloud have a ${NAMES[this.service]}?`),
    );
  }
}

function foreign(what: string, url: string, response: HttpResponse, service: string, keys: string): OpenstackError {
  const said = isWebPage(response) ? "a web page" : `status ${response.status}`;
  // The status stays out of the error: a proxy's 404 doesn't say that a volume is gone.
  return new OpenstackError(
    "answer-unreadable",
    `${what}: ${url} responded with ${said}, not like ${service}. Check ${keys}, and any proxy or sign-in page in front of the cloud.`,
  );
}

// What never reached the service can be sent again in any case; what may have been done, only where twice is as good as once. A
// time limit that has passed is not waited for again.
function mayRepeat(repeatable: boolean) {
  return (error: unknown): boolean =>
    error instanceof OpenstackError && (error.code === "unreachable" || (repeatable && error.code === "interrupted"));
}

function refusal(what: string, service: string, { status, text }: HttpResponse): OpenstackError {
  const said = messageOf(text);
  const words = said === undefined ? `answered ${status}` : `says "${said}" (${status})`;
  if (status >= 500) return new OpenstackError("interrupted", `${what}: ${service} ${words}`, { status });
  if (status === 403) {
    return new OpenstackError("refused", `${what}: ${service} ${words}. This user doesn't have permission for that.`, {
      status,
    });
  }
  return new OpenstackError("refused", `${what}: ${service} ${words}`, { status });
}

// {"badRequest": {"message": …, "code": 400}}, or Keystone's {"error": {"message": …}}.
function messageOf(text: string): string | undefined {
  const parsed = parseJson(text);
  if (typeof parsed !== "object" || parsed === null) return undefined;
  for (const value of Object.values(parsed) as unknown[]) {
    const message = typeof value === "object" && value !== null ? (value as { message?: unknown }).message : undefined;
    if (typeof message === "string") return message.trim().replace(/\s+/g, " ");
  }
  return undefined;
}

function transportError({ kind, why }: TransportFailure, origin: string, what: string): OpenstackError {
  switch (kind) {
    case "untrusted":
      return new OpenstackError(
        "certificate-untrusted",
        `the certificate of ${origin} isn't trusted: ${why}. Set the CA that signed it ` +
          "(pulumi config set openstack:cacertFile ca.pem), or disable verification: pulumi config set openstack:insecure true",
      );
    case "unreachable":
      return new OpenstackError(
        "unreachable",
        `${origin} can't be reached: ${why}. Check that OpenStack is running and openstack:authUrl is correct.`,
      );
    case "timed-out":
      return new OpenstackError("timed-out", `${what}: no response from ${origin} within ${TIMEOUT_MS / 1000} s`);
    case "interrupted":
      return new OpenstackError("interrupted", `${what}: the connection to ${origin} was lost: ${why}`);
  }
}
