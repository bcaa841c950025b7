// Requests to a backend over HTTP: one pool of connections with time limits, requests that are repeated, and a login that all share.

import type { Agent } from "undici";
import type { z } from "zod";

import { parseJson, transportFailure, undici, type TransportFailure } from "./transport";

/** A response, its body read. */
export interface HttpResponse {
  status: number;
  text: string;
  headers: Record<string, string | string[] | undefined>;
}

/** A request. */
export interface HttpRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  /** Sent as JSON. */
  body?: object | undefined;
  headers?: Record<string, string> | undefined;
  /** What it is for: errors begin with it. */
  what: string;
}

/** How the server is reached. */
export interface HttpClientOptions {
  /** Connections at a time. */
  connections: number;
  /** The time limit of a request, in milliseconds. */
  timeoutMs: number;
  /** The CA that is trusted, as PEM. Default: those that Node.js trusts */
  ca?: string | undefined;
  /** The client's certificate and its key, as PEM. Default: none */
  cert?: string | undefined;
  key?: string | undefined;
  /** The name that the server's certificate must have. Default: that of its address */
  serverName?: string | undefined;
  /** Whether the server's certificate isn't verified. */
  insecure: boolean;
  /** The backend's error for a request that failed on its way. */
  failed: (failure: TransportFailure, origin: string, what: string) => Error;
}

/** Connections to one server. */
export class HttpClient {
  private readonly agent: Agent;

  constructor(private readonly options: HttpClientOptions) {
    const { connections, timeoutMs, ca, cert, key, serverName, insecure } = options;
    this.agent = new (undici().Agent)({
      connections,
      connect: {
        timeout: Math.min(10_000, timeoutMs),
        rejectUnauthorized: !insecure,
        ...(ca && { ca }),
        ...(cert && { cert }),
        ...(key && { key }),
        ...(serverName !== undefined && { servername: serverName }),
      },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
  }

  /** Sends a request, once. Throws the backend's error where no response arrives. */
  async send({ method, url, body, headers, what }: HttpRequest): Promise<HttpResponse> {
    try {
      const response = await undici().request(url, {
        method,
        dispatcher: this.agent,
        headers: { accept: "application/json", ...(body && { "content-type": "application/json" }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(this.options.timeoutMs),
      });
      return { status: response.statusCode, text: await response.body.text(), headers: response.headers };
    } catch (error) {
      throw this.options.failed(transportFailure(error), new URL(url).origin, what);
    }
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

/** A login that is made when it is first needed, and renewed once when the server no longer accepts it, for all who use it. */
export class SharedLogin<Login> {
  private login: Promise<Login> | undefined;

  /**
   * @param logIn logs in
   * @param mayPass whether a login that failed so is tried again by the next request. A rejected login must not be: tried again for
   * each volume, it would lock the user out
   */
  constructor(
    private readonly logIn: () => Promise<Login>,
    private readonly mayPass: (error: unknown) => boolean,
  ) {}

  /** The login; another one than `stale`, which the server no longer accepts. */
  async get(stale?: Login): Promise<Login> {
    for (;;) {
      const before = this.login;
      const login = await before;
      if (login && login !== stale) return login;
      // While this one waited, another may have begun a new login: then that one is waited for.
      if (this.login === before) this.login = this.begin();
    }
  }

  /**
   * Sends a request with the login, repeated where it may be, and once more with a new login where the server answers 401: the login has
   * expired. Nothing where it rejects the new one, too. `read` gets any other response, and may throw what is then repeated.
   */
  async request<Result>(
    send: (login: Login) => Promise<HttpResponse>,
    mayRepeat: (error: unknown) => boolean,
    read: (response: HttpResponse) => Result,
  ): Promise<{ value: Result } | undefined> {
    const by = (login: Login) =>
      repeated(async () => {
        const response = await send(login);
        return response.status === 401 ? undefined : { value: read(response) };
      }, mayRepeat);
    const login = await this.get();
    return (await by(login)) ?? by(await this.get(login));
  }

  private begin(): Promise<Login> {
    const login = this.logIn();
    login.catch((error: unknown) => {
      if (this.login === login && this.mayPass(error)) this.login = undefined;
    });
    return login;
  }
}

/** Pauses before a request is repeated, in milliseconds. */
const PAUSES = [250, 1_000];

/** Repeats what fails for a reason that may pass, twice. */
export async function repeated<T>(action: () => Promise<T>, mayRepeat: (error: unknown) => boolean): Promise<T> {
  for (const pause of PAUSES) {
    try {
      return await action();
    } catch (error) {
      if (!mayRepeat(error)) throw error;
      await new Promise((done) => setTimeout(done, pause));
    }
  }
  return action();
}

/** Whether a response comes from a proxy that got none from the server: whether the request was carried out is then unknown. */
export function isFromProxy({ status }: HttpResponse): boolean {
  return [502, 503, 504].includes(status);
}

/** The time on the server's clock; nothing where the response doesn't have it. */
export function timeOf({ headers }: HttpResponse): Date | undefined {
  const date = typeof headers["date"] === "string" ? new Date(headers["date"]) : undefined;
  return date && !Number.isNaN(date.getTime()) ? date : undefined;
}

/** Whether a response is a page for people: that of a proxy, or of a sign-in in front of the server. */
export function isWebPage({ text, headers }: HttpResponse): boolean {
  return !/json/i.test(String(headers["content-type"] ?? "")) && /^\s*</.test(text);
}

/** Reads the JSON of a response. Its text stays out of the reason for which it can't be read: it may hold a token. */
export function readJson<T>({ text }: HttpResponse, shape: z.ZodType<T>): { value: T } | { mismatch: string } {
  const parsed = shape.safeParse(parseJson(text));
  if (parsed.success) return { value: parsed.data };
  const mismatch = parsed.error.issues
    .map(({ path, code }) => `${path.join(".") || "the response"} (${code})`)
    .join(", ");
  return { mismatch };
}
