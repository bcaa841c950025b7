// The REST API of a cluster (cio-api 1.0). Every request has a time limit, reading is repeated where the connection broke, and what went
// wrong is told without a stack.

import type { z } from "zod";

import {
  HttpClient,
  isFromProxy,
  isWebPage,
  readJson,
  repeated,
  type HttpRequest,
  type HttpResponse,
} from "../../http-session";
import { parseJson, type TransportFailure } from "../../transport";
import { NO_SUCH_VOLUME } from "./assumed";
import { setCommand } from "../../named-connections";
import { keyOf, type Connection, type ConnectionKey } from "./connection";
import { CioError, refused } from "./errors";

/** The REST API. */
export class CioRest {
  private readonly client: HttpClient;

  constructor(private readonly connection: Connection) {
    const { ca, insecure, timeoutMs } = connection;
    const failed = (failure: TransportFailure, origin: string, what: string) =>
      transportError(failure, origin, connection, what);
    this.client = new HttpClient({ connections: 16, timeoutMs, ca, insecure, failed });
  }

  /** Reads; nothing where the API says that there is no such thing. Repeated when the connection broke. */
  async find<T>(path: string, shape: z.ZodType<T>, what: string): Promise<T | undefined> {
    const answer = await repeated(() => this.send("GET", path, undefined, what), mayRepeat);
    if (answer.status !== 200 && isNoSuch(answer)) return undefined;
    this.check(answer, what);
    const read = readJson(answer, shape);
    if ("value" in read) return read.value;
    throw new CioError(
      "answer-unreadable",
      `${what}: the response of ${this.connection.endpoint} doesn't match its API: ${read.mismatch}`,
    );
  }

  /** Does something. Not repeated. */
  async carryOut(method: "POST" | "DELETE", path: string, body: object | undefined, what: string): Promise<void> {
    this.check(await this.send(method, path, body, what), what);
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    await this.client.close();
  }

  private check(response: HttpResponse, what: string): void {
    const { status, text } = response;
    if (isWebPage(response) && !isFromProxy(response)) {
      const message = `${what}: ${this.connection.endpoint} responded with a web page, not like the ContainerIO API. Check ${keyOf(this.connection, "endpoint")}, and any proxy or sign-in page in front of it.`;
      throw new CioError("answer-unreadable", message, { unsettled: true });
    }
    if (status >= 200 && status < 300) {
      // The command behind the API says whether it did it, also where the status doesn't.
      const said = wordsOf(text);
      if (/^\s*(Fail|Error):/.test(said)) throw refused(what, said);
      return;
    }
    if (isFromProxy(response)) {
      const message = `${what}: the proxy in front of ${this.connection.endpoint} got no answer from the API. Is cio-api running?`;
      throw new CioError("interrupted", message, { unsettled: true });
    }
    const words = wordsOf(text);
    if (words !== "") throw refused(what, words);
    const message = `${what}: ${this.connection.endpoint} answered ${status}, and nothing that tells why. Check ${keyOf(this.connection, "endpoint")}.`;
    throw new CioError("answer-unreadable", message, { unsettled: status >= 500 });
  }

  private send(
    method: HttpRequest["method"],
    path: string,
    body: object | undefined,
    what: string,
  ): Promise<HttpResponse> {
    return this.client.send({ method, url: `${this.connection.endpoint}${path}`, body, what });
  }
}

const mayRepeat = (error: unknown) =>
  error instanceof CioError && (error.code === "unreachable" || error.code === "interrupted");

// A proxy's page that says 404 isn't the API's: it doesn't say that a volume is gone.
const isNoSuch = (response: HttpResponse) =>
  !isWebPage(response) &&
  (response.status === NO_SUCH_VOLUME.status || (response.status === 500 && NO_SUCH_VOLUME.text.test(response.text)));

// The form of an error's body isn't known: text, or JSON with a text in it.
function wordsOf(text: string): string {
  const parsed = parseJson(text);
  if (typeof parsed === "string") return parsed;
  if (typeof parsed === "object" && parsed !== null) {
    const first = Object.values(parsed).find((value) => typeof value === "string");
    if (typeof first === "string") return first;
  }
  return text.trim().slice(0, 500);
}

function transportError(
  { kind, why }: TransportFailure,
  endpoint: string,
  connection: Connection,
  what: string,
): CioError {
  const { timeoutMs } = connection;
  const key = (each: ConnectionKey) => keyOf(connection, each);
  switch (kind) {
    case "untrusted":
      return new CioError(
        "certificate-untrusted",
        `the certificate of ${endpoint} isn't trusted: ${why}. Give the CA that signed it ` +
          `(${setCommand(key("caFile"), "ca.pem")}), or, knowing what that means, ${setCommand(key("insecure"), "true")}`,
      );
    case "unreachable":
      return new CioError(
        "unreachable",
        `the ContainerIO API ${endpoint} can't be reached: ${why}. Check ${key("endpoint")}, and whether cio-api is running.`,
      );
    case "timed-out":
      return new CioError(
        "timed-out",
        `${what}: ${endpoint} gave no answer within ${timeoutMs / 1000} s (${key("timeoutSeconds")}).`,
        { unsettled: true },
      );
    case "interrupted":
      return new CioError("interrupted", `${what}: the connection to ${endpoint} broke: ${why}.`, { unsettled: true });
  }
}
