// The REST API of a cluster's dashboard: requests share one login, and long tasks are polled until they end. Errors contain neither
// the password nor the token nor a stack trace. Tested with Ceph 16.2.15, 2026-11-30.

import { setTimeout } from "node:timers/promises";

import { z } from "zod";

import { isSame } from "../../../src/core/revision";
import {
  HttpClient,
  isFromProxy,
  isWebPage,
  readJson,
  repeated,
  SharedLogin,
  type HttpRequest,
  type HttpResponse,
} from "../../http-session";
import { setCommand } from "../../named-connections";
import { carryOut, parseJson, type TransportFailure } from "../../transport";
import { keyOf, type Connection, type ConnectionKey, type Dashboard } from "./connection";
import { CephError, type CephErrorCode } from "./errors";

/** The version of each request that is sent here. */
const ACCEPT = "application/vnd.ceph.api.v1.0+json";

/** How many requests are under way at a time. The dashboard has 10 threads. */
const AT_A_TIME = 8;

/** How often a task that goes on is looked at. */
const EVERY_MS = 500;

const ROLES = "Give the user the roles `block-manager` and `read-only` (ceph dashboard ac-user-set-roles).";

const loginShape = z.object({ token: z.string().min(1), pwdUpdateRequired: z.boolean().nullish() });
const refusalShape = z.object({
  detail: z.string(),
  code: z.union([z.string(), z.number()]).optional(),
});
type Refusal = z.infer<typeof refusalShape>;
// What a change is answered with that goes on: status 202.
const taskShape = z.object({ name: z.string(), metadata: z.record(z.string(), z.unknown()) });
const tasksShape = z.object({
  executing_tasks: z.array(taskShape),
  finished_tasks: z.array(taskShape.extend({ success: z.boolean(), exception: refusalShape.nullish() })),
});
type Task = z.infer<typeof taskShape>;

/** The REST API. */
export class DashboardApi {
  private readonly client: HttpClient;
  private readonly login = new SharedLogin(
    () => this.logIn(),
    (error) => !(error instanceof CephError && error.code === "forbidden"),
  );

  constructor(
    private readonly connection: Connection,
    private readonly dashboard: Dashboard,
  ) {
    const { ca, insecure } = dashboard;
    const failed = (failure: TransportFailure, _origin: string, what: string) => this.transportError(failure, what);
    this.client = new HttpClient({ connections: AT_A_TIME, timeoutMs: connection.timeoutMs, ca, insecure, failed });
  }

  /** Reads; repeated where the answer got lost. */
  async get<T>(path: string, shape: z.ZodType<T>, what: string): Promise<T> {
    const answer = await this.request("GET", path, undefined, what, (error) => isPassing(error));
    const read = readJson(answer, shape);
    if ("value" in read) return read.value;
    const text = `${what}: the answer of the dashboard ${this.dashboard.url} isn't what is known of it: ${read.mismatch}`;
    throw new CephError("answer-unreadable", text);
  }

  /**
   * Changes something, and waits until that is done. Where the answer gets lost, `isDone` looks whether it was; if not, it is sent once more.
   */
  async change(
    method: "POST" | "PUT" | "DELETE",
    path: string,
    body: object | undefined,
    what: string,
    isDone: () => Promise<boolean>,
  ): Promise<void> {
    const send = async () => {
      const answer = await this.request(method, path, body, what, isUnsent);
      if (answer.status === 202) await this.ended(this.taskOf(answer, what), what);
    };
    await carryOut(send, isDone, (error) => error instanceof CephError && error.unsettled);
  }

  private async request(
    method: HttpRequest["method"],
    path: string,
    body: object | undefined,
    what: string,
    mayRepeat: (error: unknown) => boolean,
  ): Promise<HttpResponse> {
    const answer = await this.login.request(
      (token) => this.send(method, path, body, { authorization: `Bearer ${token}` }, what),
      mayRepeat,
      (response) => this.check(response, what),
    );
    if (answer) return answer.value;
    const text = `${what}: the dashboard ${this.dashboard.url} rejects a login that it has just granted.`;
    throw new CephError("forbidden", `${text} Was the user disabled?`);
  }

  private async logIn(): Promise<string> {
    const { url, username, password } = this.dashboard;
    const what = "logging in";
    const login = await repeated(async () => {
      const response = await this.send("POST", "/api/auth", { username, password }, {}, what);
      if (response.status === 401 || refusalOf(response)?.code === "invalid_credentials") {
        const text = `the dashboard ${url} rejects the login of user "${username}". Check ${this.key("dashboardUser")}, and set the password: ${setCommand(this.key("dashboardPassword"))}. After 10 failures it disables the user.`;
        throw new CephError("forbidden", text);
      }
      const read = readJson(this.check(response, what), loginShape);
      if ("value" in read) return read.value;
      const text = `${what}: the answer of ${url} isn't a dashboard's: ${read.mismatch}. Check ${this.key("dashboardUrl")}.`;
      throw new CephError("answer-unreadable", text);
    }, isPassing);
    if (login.pwdUpdateRequired === true) {
      const text = `the dashboard ${url} requires user "${username}" to change the password first. Log in there once, and set the new one: ${setCommand(this.key("dashboardPassword"))}.`;
      throw new CephError("forbidden", text);
    }
    return login.token;
  }

  private send(
    method: HttpRequest["method"],
    path: string,
    body: object | undefined,
    headers: Record<string, string>,
    what: string,
  ): Promise<HttpResponse> {
    return this.client.send({
      method,
      url: `${this.dashboard.url}${path}`,
      body,
      headers: { accept: ACCEPT, ...headers },
      what,
    });
  }

  private check(response: HttpResponse, what: string): HttpResponse {
    const { status, headers } = response;
    const { url } = this.dashboard;
    if (isFromProxy(response)) {
      const text = `${what}: the proxy in front of the dashboard ${url} got no answer from it. Is a manager active (ceph mgr stat)?`;
      throw new CephError("interrupted", text, { unsettled: true });
    }
    if (status >= 300 && status < 400) {
      // A manager that waits in reserve.
      const to = originOf(String(headers["location"] ?? ""), url);
      const text = `${what}: ${url} isn't the active manager, and leads to ${to}. Set ${this.key("dashboardUrl")} to the active one's address (ceph mgr services), or to a proxy that finds it.`;
      throw new CephError("unreachable", text);
    }
    if (status >= 200 && status < 300 && !isWebPage(response)) return response;
    const refusal = refusalOf(response);
    if (status === 403)
      throw new CephError(
        "forbidden",
        `${what}: the dashboard ${url} denies it to user "${this.dashboard.username}". ${ROLES}`,
      );
    if (status === 415) {
      const text = `${what}: the dashboard ${url} doesn't know this version of the request ("${refusal?.detail ?? ""}"): its Ceph isn't one that was tried (16.2). Use the commands in its place: remove ${this.key("dashboardUrl")}.`;
      throw new CephError("answer-unreadable", text);
    }
    if (!refusal || isWebPage(response)) {
      const text = `${what}: ${url} answered with status ${status}, not like a dashboard of Ceph. Check ${this.key("dashboardUrl")}, and any proxy in front of it.`;
      throw new CephError("answer-unreadable", text, { unsettled: status >= 500 });
    }
    if (status >= 500) {
      const text = `${what}: the dashboard ${url} failed with status ${status} ("${refusal.detail}"). See the log of the active manager, and \`ceph health detail\`.`;
      throw new CephError("interrupted", text, { unsettled: true });
    }
    const error = refused(what, refusal, status);
    if (status !== 404 || error.code === "gone") throw error;
    const text = `${what}: ${url} has no such request ("${refusal.detail}"). Check ${this.key("dashboardUrl")}, with the dashboard's prefix where it has one, and that its feature \`rbd\` is enabled (ceph dashboard feature status).`;
    throw new CephError("answer-unreadable", text);
  }

  private taskOf(response: HttpResponse, what: string): Task {
    const read = readJson(response, taskShape);
    if ("value" in read) return read.value;
    throw new CephError("answer-unreadable", `${what}: the dashboard's answer names no task: ${read.mismatch}`, {
      unsettled: true,
    });
  }

  /** Waits until a task has ended. Throws what it failed with. */
  private async ended(task: Task, what: string): Promise<void> {
    const isIt = ({ name, metadata }: Task) => name === task.name && isSame(metadata, task.metadata);
    for (;;) {
      const tasks = await this.get(`/api/task?name=${encodeURIComponent(task.name)}`, tasksShape, what);
      if (!tasks.executing_tasks.some(isIt)) {
        // The latest comes first.
        const last = tasks.finished_tasks.find(isIt);
        if (last?.success === true) return;
        if (last?.exception) throw refused(what, last.exception, 400);
        const text = `${what}: the dashboard ${this.dashboard.url} no longer knows of it: was the manager restarted?`;
        throw new CephError("interrupted", text, { unsettled: true });
      }
      await setTimeout(EVERY_MS);
    }
  }

  private key(key: ConnectionKey): string {
    return keyOf(this.connection, key);
  }

  private transportError({ kind, why }: TransportFailure, what: string): CephError {
    const { url } = this.dashboard;
    switch (kind) {
      case "untrusted":
        return new CephError(
          "certificate-untrusted",
          `the certificate of the dashboard ${url} isn't trusted: ${why}. Set the CA that signed it ` +
            `(${setCommand(this.key("caFile"), "ca.pem")}), or disable verification: ${setCommand(this.key("insecure"), "true")}`,
        );
      case "unreachable":
        return new CephError(
          "unreachable",
          `the dashboard ${url} can't be reached: ${why}. Check ${this.key("dashboardUrl")}, and that a manager is active and has the dashboard enabled (ceph mgr services).`,
        );
      case "timed-out":
        return new CephError(
          "timed-out",
          `${what}: no answer from the dashboard ${url} within ${this.connection.timeoutMs / 1000} s (${this.key("timeoutSeconds")}). Are the cluster's OSDs up and its pools not full? See \`ceph health detail\`.`,
          { unsettled: true },
        );
      case "interrupted":
        return new CephError("interrupted", `${what}: the connection to the dashboard ${url} broke: ${why}.`, {
          unsettled: true,
        });
    }
  }
}

// What never reached the dashboard can be sent again in any case.
const isUnsent = (error: unknown): boolean => error instanceof CephError && error.code === "unreachable";

// What only reads, and a login, may be repeated; a time limit that has passed isn't waited for again.
const isPassing = (error: unknown): boolean =>
  isUnsent(error) || (error instanceof CephError && error.unsettled && error.code !== "timed-out");

function refusalOf({ text }: HttpResponse): Refusal | undefined {
  const parsed = refusalShape.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

// Where a redirect leads, without what its query may hold.
function originOf(location: string, base: string): string {
  try {
    return new URL(location, base).origin;
  } catch {
    return "another one";
  }
}

// `code` is the number of an error of the system, as a text; that of an HTTP error is its status.
const CAUSES: { code: string; words: RegExp; is: CephErrorCode; advice?: string }[] = [
  { code: "2", words: /error opening pool/, is: "pool-missing" },
  // Other things aren't found as well: the path of a dashboard whose feature `rbd` is off. That tells nothing of an image.
  { code: "2", words: /image not found/i, is: "gone" },
  { code: "404", words: /^(\(404, ')?Image not found/, is: "gone" },
  { code: "16", words: /./, is: "in-use", advice: "Stop what uses it. A client that died is forgotten after 30 s." },
  { code: "17", words: /./, is: "exists" },
  { code: "28", words: /./, is: "full", advice: "Make room (ceph health detail)." },
  { code: "39", words: /./, is: "has-snapshots", advice: "Remove them first, or keep the volume." },
  { code: "122", words: /./, is: "full", advice: "Raise the pool's quota (ceph osd pool set-quota), or make room." },
];

function refused(what: string, { detail, code }: Refusal, status: number): CephError {
  const found = CAUSES.find((each) => each.code === String(code ?? status) && each.words.test(detail));
  const words = detail.replace(/^\[errno \d+\] /, "").replace(/\.$/, "");
  const advice = found?.advice === undefined ? "" : ` ${found.advice}`;
  return new CephError(found?.is ?? "refused", `${what}: the dashboard says "${words}".${advice}`);
}
