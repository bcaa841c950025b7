// A login to Keystone and the requests to Cinder, shared by all who ask in one process. Every request has a time limit; a login that
// has expired is renewed once; what only reads is repeated when the connection broke.

import type { Agent } from "undici";
import { z } from "zod";

import { parseJson, transportFailure, undici } from "../../transport";
import type { Connection } from "./connection";
import { isPassing, OpenstackError } from "./errors";

/** What Keystone gave. */
interface Login {
  token: string;
  cinderUrl: string;
  projectId: string;
}

interface Answer {
  status: number;
  text: string;
  headers: Record<string, string | string[] | undefined>;
}

const TIMEOUT_MS = 60_000;
/** Pauses before a request is repeated, in milliseconds. */
const PAUSES = [250, 1_000];

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
  private readonly agent: Agent;
  private login: Promise<Login> | undefined;
  /** Cinder's clock as it was last heard. */
  cinderTime: Date | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly service: keyof typeof SERVICE_TYPES = "block-storage",
  ) {
    const { ca, cert, key, insecure } = connection;
    this.agent = new (undici().Agent)({
      connections: 16,
      connect: {
        timeout: 10_000,
        rejectUnauthorized: !insecure,
        ...(ca && { ca }),
        ...(cert && { cert }),
        ...(key && { key }),
      },
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
  }

  /** The id of the project that the login is for. */
  async projectId(): Promise<string> {
    return (await this.loggedIn()).projectId;
  }

  /** Reads. `path` begins below the project: `/volumes/…`. */
  async get<T>(path: string, shape: z.ZodType<T>, what: string, microversion?: string): Promise<T> {
    const { text } = await this.call("GET", path, undefined, { what, microversion });
    const parsed = shape.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues.map((each) => `${each.path.join(".") || "the answer"} (${each.code})`).join(", ");
    throw new OpenstackError(
      "answer-unreadable",
      `${what}: the response of ${NAMES[this.service]} doesn't match its API: ${where}`,
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
    method: "GET" | "POST" | "DELETE",
    path: string,
    body: object | undefined,
    { what, microversion }: { what: string; microversion?: string | undefined },
  ): Promise<Answer> {
    const send = ({ token, cinderUrl }: Login) =>
      repeated(method === "GET", () =>
        this.send(method, `${cinderUrl}${path}`, body, what, {
          "x-auth-token": token,
          ...(microversion !== undefined && { "openstack-api-version": `volume ${microversion}` }),
        }),
      );
    const login = await this.loggedIn();
    let answer = await send(login);
    // It has expired. Of all who see that, the first logs in and the others wait for it.
    if (answer.status === 401) answer = await send(await this.loggedIn(login));
    const date = answer.headers["date"];
    if (typeof date === "string" && !Number.isNaN(Date.parse(date))) this.cinderTime = new Date(date);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw refusal(what, NAMES[this.service], answer);
  }

  /** The login, made when it is first asked for; `stale` is one that is no longer taken. */
  private async loggedIn(stale?: Login): Promise<Login> {
    for (;;) {
      const before = this.login;
      const login = await before;
      if (login && login !== stale) return login;
      // While this one waited, another may have begun a new login: then that one is waited for.
      if (this.login === before) this.login = this.begin();
    }
  }

  private begin(): Promise<Login> {
    const login = this.logIn();
    login.catch((error: unknown) => {
      // A refused login stays refused: trying it again for each volume would lock the user out.
      if (this.login === login && isPassing(error)) this.login = undefined;
    });
    return login;
  }

  private async logIn(): Promise<Login> {
    const { authUrl, identity, scope, who, cinderUrl } = this.connection;
    const what = "logging in";
    const body = { auth: { identity, ...(scope && { scope }) } };
    const answer = await repeated(true, () => this.send("POST", `${authUrl}/auth/tokens`, body, what, {}));
    if (answer.status === 401 || answer.status === 403) {
      const project = scope ? ", or its project" : "";
      throw new OpenstackError(
        "login-refused",
        `Keystone at ${authUrl} rejected the login of ${who}${project}. Check the \`openstack:\` config (or OS_… variables, or ` +
          "clouds.yaml); set the password with: pulumi config set --secret openstack:password",
        { status: answer.status },
      );
    }
    if (answer.status !== 201) throw refusal(what, "Keystone", answer);
    const token = answer.headers["x-subject-token"];
    // Its text stays out of messages.
    const parsed = tokenShape.safeParse(parseJson(answer.text));
    if (!parsed.success || typeof token !== "string") {
      throw new OpenstackError(
        "answer-unreadable",
        `${what}: the response of ${authUrl} isn't from Keystone. Check openstack:authUrl.`,
      );
    }
    const { project, catalog = [] } = parsed.data.token;
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

  private async send(
    method: "GET" | "POST" | "DELETE",
    url: string,
    body: object | undefined,
    what: string,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const { origin } = new URL(url);
    try {
      const response = await undici().request(url, {
        method,
        dispatcher: this.agent,
        headers: { accept: "application/json", ...(body && { "content-type": "application/json" }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.statusCode, text: await response.body.text(), headers: response.headers };
    } catch (error) {
      throw told(error, origin, what);
    }
  }
}

async function repeated(repeatable: boolean, action: () => Promise<Answer>): Promise<Answer> {
  for (const pause of PAUSES) {
    try {
      const answer = await action();
      if (!repeatable || ![502, 503, 504].includes(answer.status)) return answer;
    } catch (error) {
      if (!mayRepeat(error, repeatable)) throw error;
    }
    await new Promise((done) => setTimeout(done, pause));
  }
  return action();
}

// What never reached the service can be sent again in any case; what may have been done, only where twice is as good as once. A
// time limit that has passed is not waited for again.
function mayRepeat(error: unknown, repeatable: boolean): boolean {
  if (!(error instanceof OpenstackError)) return false;
  return error.code === "unreachable" || (repeatable && error.code === "interrupted");
}

function refusal(what: string, service: string, { status, text }: Answer): OpenstackError {
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

function told(error: unknown, origin: string, what: string): OpenstackError {
  const { kind, why } = transportFailure(error);
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
