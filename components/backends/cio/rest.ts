// The REST API of a cluster (cio-api 1.0). Every request has a time limit, reading is repeated where the connection broke, and what went
// wrong is told without a stack.

import type { Agent } from "undici";
import type { z } from "zod";

import { parseJson, transportFailure, undici } from "../../transport";
import { NO_SUCH_VOLUME } from "./assumed";
import type { Connection } from "./connection";
import { CioError, refused } from "./errors";

/** Pauses before reading is repeated, in milliseconds. */
const PAUSES = [250, 1_000];

interface Answer {
  status: number;
  text: string;
}

/** The REST API. */
export class CioRest {
  private readonly agent: Agent;

  constructor(private readonly connection: Connection) {
    const { ca, insecure, timeoutMs } = connection;
    this.agent = new (undici().Agent)({
      connections: 16,
      connect: { timeout: Math.min(10_000, timeoutMs), rejectUnauthorized: !insecure, ...(ca && { ca }) },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
  }

  /** Reads; nothing where the API says that there is no such thing. Repeated when the connection broke. */
  async find<T>(path: string, shape: z.ZodType<T>, what: string): Promise<T | undefined> {
    const answer = await this.repeated(() => this.send("GET", path, undefined, what));
    if (answer.status !== 200 && isNoSuch(answer)) return undefined;
    this.check(answer, what);
    const parsed = shape.safeParse(parseJson(answer.text));
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues.map(({ path, code }) => `${path.join(".") || "the answer"} (${code})`).join(", ");
    throw new CioError(
      "answer-unreadable",
      `${what}: the answer of ${this.connection.endpoint} isn't understood: ${where}`,
    );
  }

  /** Does something. Not repeated. */
  async carryOut(method: "POST" | "DELETE", path: string, body: object | undefined, what: string): Promise<void> {
    this.check(await this.send(method, path, body, what), what);
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private check({ status, text }: Answer, what: string): void {
    if (status >= 200 && status < 300) {
      // The command behind the API says whether it did it, also where the status doesn't.
      const said = wordsOf(text);
      if (/^\s*(Fail|Error):/.test(said)) throw refused(what, said);
      return;
    }
    if ([502, 503, 504].includes(status)) {
      const message = `${what}: the proxy in front of ${this.connection.endpoint} got no answer from the API. Is cio-api running?`;
      throw new CioError("interrupted", message, { unsettled: true });
    }
    const words = wordsOf(text);
    if (words !== "" && !/^\s*</.test(words)) throw refused(what, words);
    const message = `${what}: ${this.connection.endpoint} answered ${status}, and nothing that tells why. Check cio:endpoint.`;
    throw new CioError("answer-unreadable", message, { unsettled: status >= 500 });
  }

  private async repeated(send: () => Promise<Answer>): Promise<Answer> {
    for (const pause of PAUSES) {
      try {
        return await send();
      } catch (error) {
        if (!(error instanceof CioError) || !["unreachable", "interrupted"].includes(error.code)) throw error;
        await new Promise((done) => setTimeout(done, pause));
      }
    }
    return send();
  }

  private async send(
    method: "GET" | "POST" | "DELETE",
    path: string,
    body: object | undefined,
    what: string,
  ): Promise<Answer> {
    const { endpoint, timeoutMs } = this.connection;
    try {
      const response = await undici().request(`${endpoint}${path}`, {
        method,
        dispatcher: this.agent,
        headers: { accept: "application/json", ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.statusCode, text: await response.body.text() };
    } catch (error) {
      throw told(error, endpoint, timeoutMs, what);
    }
  }
}

const isNoSuch = ({ status, text }: Answer) =>
  status === NO_SUCH_VOLUME.status || (status === 500 && NO_SUCH_VOLUME.text.test(text));

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

function told(error: unknown, endpoint: string, timeoutMs: number, what: string): CioError {
  const { kind, why } = transportFailure(error);
  switch (kind) {
    case "untrusted":
      return new CioError(
        "certificate-untrusted",
        `the certificate of ${endpoint} isn't trusted: ${why}. Give the CA that signed it ` +
          "(pulumi config set cio:caFile ca.pem), or, knowing what that means, pulumi config set cio:insecure true",
      );
    case "unreachable":
      return new CioError(
        "unreachable",
        `the ContainerIO API ${endpoint} can't be reached: ${why}. Check cio:endpoint, and whether cio-api is running.`,
      );
    case "timed-out":
      return new CioError(
        "timed-out",
        `${what}: ${endpoint} gave no answer within ${timeoutMs / 1000} s (cio:timeoutSeconds).`,
        { unsettled: true },
      );
    case "interrupted":
      return new CioError("interrupted", `${what}: the connection to ${endpoint} broke: ${why}.`, { unsettled: true });
  }
}
