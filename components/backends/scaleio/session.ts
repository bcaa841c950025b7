// A login to a gateway, shared by all who ask: by token up to version 3.x, by bearer from 4.0 on. Every request has a time
// limit; a login that has expired is renewed once; what went wrong is told without the password, the token or a stack.

import { coerce, gte } from "semver";
import { z } from "zod";

import {
  HttpClient,
  isFromProxy,
  isWebPage,
  readJson,
  repeated,
  SharedLogin,
  timeOf,
  type HttpResponse,
} from "../../http-session";
import { parseJson, type TransportFailure } from "../../transport";
import { setCommand } from "../../named-connections";
import { keyOf, type Connection, type ConnectionKey } from "./connection";
import { refused, ScaleioError, type Refusal } from "./errors";

/** What a request is for: said in errors, and in how it may be repeated. */
export interface Purpose {
  /** "creating volume data", "reading the storage pools": an error begins with it. */
  what: string;
  /** Whether doing it twice is the same as once: then it is repeated when the connection broke. Default: false. */
  repeatable?: boolean;
}

/** The shape of an answer. */
type Shape<T> = z.ZodType<T>;

interface Login {
  version: string;
  authorization: string;
}

const versionShape = z.string().regex(/^\d+(\.\d+)*$/);
const bearerShape = z.object({ access_token: z.string().min(1) });
const refusalShape = z.object({
  message: z.string().optional(),
  errorCode: z.number().optional(),
  details: z.array(z.object({ rc: z.number().optional(), errorMessage: z.string().optional() })).optional(),
});

/** A session with a gateway. */
export class GatewaySession {
  private readonly client: HttpClient;
  private readonly login = new SharedLogin(
    () => this.logIn(),
    (error) => !(error instanceof ScaleioError && error.code === "login-refused"),
  );
  /** The gateway's clock as it was last heard. */
  gatewayTime: Date | undefined;

  constructor(readonly connection: Connection) {
    const { ca, insecure, timeoutMs } = connection;
    const failed = (failure: TransportFailure, origin: string, what: string) =>
      transportError(failure, origin, connection, what);
    this.client = new HttpClient({ connections: 64, timeoutMs, ca, insecure, failed });
  }

  /** The gateway's address, for messages. */
  get endpoint(): string {
    return this.connection.endpoint;
  }

  /** The id of the array that the gateway must belong to, where the config names it. */
  get systemId(): string | undefined {
    return this.connection.systemId;
  }

  /** The version of the API that the gateway tells: "2.0", "3.6", "4.5". */
  async version(): Promise<string> {
    return (await this.login.get()).version;
  }

  /** Reads; repeated when the connection broke. */
  async get<T>(path: string, shape: Shape<T>, what: string): Promise<T> {
    return this.call("GET", path, undefined, shape, { what, repeatable: true });
  }

  /** Does something, or asks by a POST. */
  async post<T>(path: string, body: Record<string, string>, shape: Shape<T>, purpose: Purpose): Promise<T> {
    return this.call("POST", path, body, shape, purpose);
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    await this.client.close();
  }

  private key(key: ConnectionKey): string {
    return keyOf(this.connection, key);
  }

  private async call<T>(
    method: "GET" | "POST",
    path: string,
    body: Record<string, string> | undefined,
    shape: Shape<T>,
    purpose: Purpose,
  ): Promise<T> {
    const answer = await this.login.request(
      ({ authorization }) => this.send(method, path, body, authorization, purpose.what),
      mayRepeat(purpose.repeatable ?? false),
      (response) => {
        if (response.status !== 200) throw this.refusal(purpose.what, response);
        return this.read(response, shape, purpose.what);
      },
    );
    if (answer) return answer.value;
    throw new ScaleioError(
      "forbidden",
      `${purpose.what}: the gateway ${this.endpoint} rejected a login that it has just granted.`,
    );
  }

  private async logIn(): Promise<Login> {
    const { username, password } = this.connection;
    const what = "logging in";
    const token = await repeated(async () => {
      const answer = await this.send("GET", "/api/login", undefined, basic(username, password), what);
      return answer.status === 404 ? undefined : this.read(this.granted(answer, what), z.string().min(1), what);
    }, mayRepeat(true));
    if (token === undefined) {
      // A gateway without the old login is one of 4.0 or later.
      const authorization = await this.bearer(what);
      return { authorization, version: await this.askVersion(authorization) };
    }
    const authorization = basic(username, token);
    const version = await this.askVersion(authorization);
    if (!isAtLeast(version, "4.0")) return { authorization, version };
    return { authorization: await this.bearer(what), version };
  }

  private async bearer(what: string): Promise<string> {
    const { username, password } = this.connection;
    const { access_token: token } = await repeated(async () => {
      const answer = await this.send("POST", "/rest/auth/login", { username, password }, undefined, what);
      return this.read(this.granted(answer, what), bearerShape, what);
    }, mayRepeat(true));
    return `Bearer ${token}`;
  }

  private async askVersion(authorization: string): Promise<string> {
    const what = "asking for the gateway's version";
    return repeated(async () => {
      const answer = await this.send("GET", "/api/version", undefined, authorization, what);
      if (answer.status !== 200) throw this.refusal(what, answer);
      return this.read(answer, versionShape, what);
    }, mayRepeat(true));
  }

  private granted(answer: HttpResponse, what: string): HttpResponse {
    if (answer.status === 401) {
      throw new ScaleioError(
        "login-refused",
        `the gateway ${this.endpoint} rejected the login of user "${this.connection.username}". ` +
          `Check ${this.key("username")}, and set the password: ${setCommand(this.key("password"))}. ` +
          "(Without --run-program, refresh and destroy use the config of the last up.)",
      );
    }
    if (answer.status !== 200) throw this.refusal(what, answer);
    return answer;
  }

  private refusal(what: string, answer: HttpResponse): ScaleioError {
    const refusal = refusalOf(answer);
    if (answer.status === 403) {
      return new ScaleioError(
        "forbidden",
        `${what}: the gateway ${this.endpoint} responded "forbidden"${refusal.message ? ` ("${refusal.message}")` : ""}. ` +
          "Check that its REST API is enabled (features.enable_gateway), and that the user has permission.",
      );
    }
    if (refusal.errorCode === undefined && refusal.message === undefined) {
      return new ScaleioError(
        "answer-unreadable",
        `${what}: ${this.endpoint} responded with status ${answer.status}, not like a ScaleIO gateway. Check ${this.key("endpoint")}, and any proxy in front of the gateway.`,
        { unsettled: answer.status >= 500 },
      );
    }
    return refused(what, refusal);
  }

  private read<T>(response: HttpResponse, shape: Shape<T>, what: string): T {
    const read = readJson(response, shape);
    if ("value" in read) return read.value;
    if (isWebPage(response)) {
      throw new ScaleioError(
        "answer-unreadable",
        `${what}: ${this.endpoint} responded with a web page, not like a ScaleIO gateway. ` +
          `Check ${this.key("endpoint")}, and any proxy or sign-in page in front of the gateway.`,
        { unsettled: true },
      );
    }
    const message = `${what}: the response of the gateway ${this.endpoint} doesn't match its API: ${read.mismatch}`;
    throw new ScaleioError("answer-unreadable", message, { unsettled: true });
  }

  private async send(
    method: "GET" | "POST",
    path: string,
    body: Record<string, string> | undefined,
    authorization: string | undefined,
    what: string,
  ): Promise<HttpResponse> {
    const { endpoint } = this;
    const headers = authorization === undefined ? undefined : { authorization };
    const answer = await this.client.send({ method, url: `${endpoint}${path}`, body, headers, what });
    this.gatewayTime = timeOf(answer) ?? this.gatewayTime;
    // Whether the request was carried out is then as open as when the connection breaks.
    if (!isFromProxy(answer) || refusalOf(answer).errorCode !== undefined) return answer;
    throw new ScaleioError(
      "interrupted",
      `${what}: the proxy in front of the gateway ${endpoint} got no response from it. Check that the gateway is running.`,
      { unsettled: true },
    );
  }
}

/** Whether a version is that one or later: by its numbers, not by its text. */
export function isAtLeast(version: string, than: string): boolean {
  const [left, right] = [coerce(version), coerce(than)];
  return left !== null && right !== null && gte(left, right);
}

function basic(user: string, secret: string): string {
  return `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;
}

// What never reached the gateway can be sent again in any case; what may have been done, only where twice is as good as
// once. A time limit that has passed is not waited for again.
function mayRepeat(repeatable: boolean) {
  return (error: unknown): boolean =>
    error instanceof ScaleioError &&
    (error.code === "unreachable" || (repeatable && error.unsettled && error.code !== "timed-out"));
}

function refusalOf({ status, text, headers }: HttpResponse): Refusal {
  const parsed = /json/i.test(String(headers["content-type"] ?? ""))
    ? refusalShape.safeParse(parseJson(text))
    : undefined;
  if (!parsed?.success) return { status };
  const { message, errorCode, details = [] } = parsed.data;
  const detail = details.find((each) => each.errorMessage !== undefined);
  return { status, errorCode: detail?.rc ?? errorCode, message: detail?.errorMessage ?? message };
}

function transportError(
  { kind, why }: TransportFailure,
  endpoint: string,
  connection: Connection,
  what: string,
): ScaleioError {
  const { timeoutMs } = connection;
  const key = (each: ConnectionKey) => keyOf(connection, each);
  switch (kind) {
    case "untrusted":
      return new ScaleioError(
        "certificate-untrusted",
        `the certificate of the gateway ${endpoint} isn't trusted: ${why}. Set the CA that signed it ` +
          `(${setCommand(key("caFile"), "ca.pem")}), or disable verification: ${setCommand(key("insecure"), "true")}`,
      );
    case "unreachable":
      return new ScaleioError(
        "unreachable",
        `the gateway ${endpoint} can't be reached: ${why}. Check ${key("endpoint")}, and that the gateway is running.`,
      );
    case "timed-out":
      return new ScaleioError(
        "timed-out",
        `${what}: no response from the gateway ${endpoint} within ${timeoutMs / 1000} s (${key("timeoutSeconds")}).`,
        { unsettled: true },
      );
    case "interrupted":
      return new ScaleioError("interrupted", `${what}: the connection to ${endpoint} was lost: ${why}.`, {
        unsettled: true,
      });
  }
}
