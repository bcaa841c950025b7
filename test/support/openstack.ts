// An OpenStack of a test's own: the lab's Keystone and Cinder, and Nova where it is asked for (test/labs/openstack). Where this machine can't have them, the
// tests are skipped, and say so.

import { readdirSync } from "node:fs";
import { join } from "node:path";

import { until } from "../../tools/test/time.js";
import {
  config,
  environment,
  makeServer,
  startLab,
  type Answer,
  type Fault,
  type OpenstackLab as Lab,
  type OpenstackRequest,
  type User,
} from "../labs/openstack/lab.js";
import { environmentOf } from "../labs/python.js";
import { describeIf } from "./machine";

export type { Answer, Fault, OpenstackRequest, User };

/** How a call of a test's own is made. */
export interface As {
  user?: User;
  microversion?: string;
}

type Json = Record<string, any>;

/** A Keystone and a Cinder, each in a process of its own. test/labs/openstack/lab.py says what they are. */
export class OpenstackLab {
  private constructor(readonly lab: Lab) {}

  static async start(options: Parameters<typeof startLab>[0] = {}): Promise<OpenstackLab> {
    return new OpenstackLab(await startLab(options));
  }

  get authUrl(): string {
    return this.lab.authUrl;
  }

  async stop(): Promise<void> {
    await this.lab.stop();
  }

  // ---- behind the back of whoever is tested --------------------------------------------------------------------------

  /** Asks Cinder, off the record and past the faults; the path is below /v3/<the user's project>. */
  async api(method: string, path: string, body?: unknown, as: As = {}): Promise<Answer> {
    return this.lab.call("cinder", method, path, { body, ...as });
  }

  /** The same of Keystone; the path is below /v3. */
  async keystone(method: string, path: string, body?: unknown, as: Pick<As, "user"> = {}): Promise<Answer> {
    return this.lab.call("keystone", method, path, { body, ...as });
  }

  /** The same, which must succeed: what was answered. */
  async must(method: string, path: string, body?: unknown, as: As = {}): Promise<Json> {
    return done(`${method} ${path}`, await this.api(method, path, body, as));
  }

  /**
   * A volume type; `{ volume_backend_name: "fast" }` among its extra specs ties it to a backend.
   *
   * @returns its id
   */
  async makeType(
    name: string,
    extraSpecs: Record<string, string> = {},
    { qos, public: isPublic = true }: { qos?: Record<string, string>; public?: boolean } = {},
  ): Promise<string> {
    const made = await this.must("POST", "/types", {
      volume_type: { name, extra_specs: extraSpecs, "os-volume-type-access:is_public": isPublic },
    });
    const id = made["volume_type"].id as string;
    if (qos) {
      const specs = await this.must("POST", "/qos-specs", { qos_specs: { name: `qos-of-${name}`, ...qos } });
      await this.must("GET", `/qos-specs/${specs["qos_specs"].id}/associate?vol_type_id=${id}`);
    }
    return id;
  }

  /** Sets quotas of a project, such as `{ volumes: 10, gigabytes: -1, gigabytes_gold: 5 }`. */
  async setQuota(project: "admin" | "plain", quota: Record<string, number>): Promise<void> {
    const id = this.lab.users[project].projectId;
    await this.must("PUT", `/os-quota-sets/${id}`, { quota_set: quota });
  }

  /** A volume as Cinder has it; `undefined` once it is gone. */
  async volume(id: string): Promise<Json | undefined> {
    return (await this.volumes()).find((each) => each["id"] === id);
  }

  /** All volumes, of all projects, by name. */
  async volumes(): Promise<Json[]> {
    const { volumes } = await this.must("GET", "/volumes/detail?all_tenants=1");
    return (volumes as Json[]).sort((a, b) => String(a["name"]).localeCompare(String(b["name"])));
  }

  /** Waits until a volume has that status (or until it is gone: "deleted"), and returns it. */
  async waitFor(id: string, status: string): Promise<Json> {
    return this.waitUntil(id, (volume) => volume["status"] === status, `be ${status}`);
  }

  /** Waits until a volume fits, and returns it. */
  async waitUntil(id: string, fits: (volume: Json) => boolean, what = "fit"): Promise<Json> {
    let volume: Json = {};
    const look = async () => {
      volume = (await this.volume(id)) ?? { status: "deleted" };
      return fits(volume);
    };
    await until(() => `volume ${id} must ${what}, and is ${JSON.stringify(volume)}`, look, { everyMs: 100 });
    return volume;
  }

  /** Makes a volume of a user's, and waits for it. */
  async create(
    volume: Json,
    { user = "plain", status = "available" }: { user?: User; status?: string } = {},
  ): Promise<string> {
    const made = await this.must("POST", "/volumes", { volume: { size: 1, ...volume } }, { user });
    const id = made["volume"].id as string;
    await this.waitFor(id, status);
    return id;
  }

  /** Attaches a volume as Nova does, without a Nova: it is then in use. Returns the attachment's id. */
  async attach(id: string, server = "11111111-2222-4333-8444-555555555555"): Promise<string> {
    const as: As = { microversion: "3.60", user: await this.owner(id) };
    const connector = {
      host: "lab",
      ip: "127.0.0.1",
      initiator: "iqn.2026-01.lab:host",
      multipath: false,
      platform: "x86_64",
    };
    const { attachment } = await this.must(
      "POST",
      "/attachments",
      {
        attachment: {
          volume_uuid: id,
          instance_uuid: server,
          connector: { ...connector, os_type: "linux2", mountpoint: "/dev/vdb" },
        },
      },
      as,
    );
    await this.must("POST", `/attachments/${attachment.id}/action`, { "os-complete": {} }, as);
    await this.waitFor(id, "in-use");
    return attachment.id as string;
  }

  /** Takes all attachments of a volume away, as an administrator does when Nova is gone. */
  async detach(id: string): Promise<void> {
    const reset = { status: "available", attach_status: "detached", migration_status: null };
    await this.mustAct(id, { "os-reset_status": reset });
    await this.waitFor(id, "available");
  }

  // ---- servers, where there is a Nova --------------------------------------------------------------------------------

  /** Asks Nova, off the record and past the faults; the path is below /v2.1. */
  async nova(method: string, path: string, body?: unknown, as: As = {}): Promise<Answer> {
    return this.lab.call("nova", method, path, { body, microversion: "2.93", ...as });
  }

  /** The same, which must succeed: what was answered. */
  async mustNova(method: string, path: string, body?: unknown, as: As = {}): Promise<Json> {
    return done(`${method} ${path}`, await this.nova(method, path, body, as));
  }

  /** Makes a server of a user's, and waits until it runs. It boots from a volume of its own, "root of …". Returns its id. */
  async server(name: string, user: User = "plain"): Promise<string> {
    return makeServer(this.lab, name, user);
  }

  /** The volumes whose disks the hypervisor has plugged into a server since it was made. */
  plugged(server: string): string[] {
    try {
      return readdirSync(join(this.lab.state, "plugged", server));
    } catch {
      return []; // none yet
    }
  }

  /** Takes a snapshot of a volume, and waits for it. Returns its id. */
  async snapshot(id: string, name = "snapshot"): Promise<string> {
    const as: As = { user: await this.owner(id) };
    const made = await this.must("POST", "/snapshots", { snapshot: { volume_id: id, name, force: true } }, as);
    const snapshot = made["snapshot"].id as string;
    const isThere = async () => {
      const { snapshot: now } = await this.must("GET", `/snapshots/${snapshot}`, undefined, as);
      return now.status === "available";
    };
    await until(`snapshot ${snapshot} is available`, isThere, { everyMs: 100 });
    return snapshot;
  }

  /** Takes all volumes and snapshots of all projects away, whatever state a test has left them in; requests and faults are forgotten. */
  async empty(): Promise<void> {
    const { snapshots } = await this.must("GET", "/snapshots/detail?all_tenants=1");
    for (const { id } of snapshots as Json[])
      await this.must("POST", `/snapshots/${id}/action`, { "os-force_delete": {} });
    const gone = async () => (await this.must("GET", "/snapshots?all_tenants=1"))["snapshots"].length === 0;
    await until("all snapshots are gone", gone, { everyMs: 100 });
    const volumes = await this.volumes();
    for (const { id } of volumes) {
      await this.mustAct(id, {
        "os-reset_status": { status: "error", attach_status: "detached", migration_status: null },
      });
      await this.mustAct(id, { "os-force_delete": {} });
    }
    for (const { id } of volumes) await this.waitFor(id, "deleted");
    await this.clear();
  }

  /** An action on a volume, such as `{ "os-extend": { new_size: 2 } }`. */
  async act(id: string, action: Json, as: As = {}): Promise<Answer> {
    return this.api("POST", `/volumes/${id}/action`, action, as);
  }

  private async mustAct(id: string, action: Json): Promise<void> {
    await this.must("POST", `/volumes/${id}/action`, action);
  }

  private async owner(id: string): Promise<User> {
    const project = (await this.volume(id))?.["os-vol-tenant-attr:tenant_id"];
    return project === this.lab.users.admin.projectId ? "admin" : "plain";
  }

  // ---- for whoever is tested -----------------------------------------------------------------------------------------

  /** The provider's config that leads there, without `openstack:`. */
  config(user: User = "plain"): Record<string, string> {
    return config(this.lab, user);
  }

  /** The same for what reads `OS_…` variables. */
  environment(user: User = "plain"): Record<string, string> {
    return environment(this.lab, user);
  }

  /** The same with an application credential of the user, made now. */
  async applicationCredential(
    user: User = "plain",
    name = `of-${user}-${Date.now()}`,
  ): Promise<Record<string, string>> {
    const path = `/users/${this.lab.users[user].id}/application_credentials`;
    const { status, body } = await this.keystone("POST", path, { application_credential: { name } }, { user });
    if (status !== 201) throw new Error(`no application credential: ${status} ${JSON.stringify(body)}`);
    const { authUrl = "", region = "", cacertFile } = this.config(user);
    const { id, secret } = body.application_credential as { id: string; secret: string };
    return {
      authUrl,
      region,
      applicationCredentialId: id,
      applicationCredentialSecret: secret,
      ...(cacertFile ? { cacertFile } : {}),
    };
  }

  // ---- what reached it, and what goes wrong --------------------------------------------------------------------------

  /** All that reached Keystone, Cinder and Nova, in its order. */
  async requests(service?: OpenstackRequest["service"]): Promise<OpenstackRequest[]> {
    return (await this.lab.requests()).filter((each) => service === undefined || each.service === service);
  }

  /**
   * What was to change something at Cinder, in few words: `POST /volumes {"volume":{…}} 202`, with the project and ids left
   * out. Sorted, since the engine does several things at once.
   */
  async changes(): Promise<string[]> {
    const told = (await this.requests("cinder")).filter(({ method }) => method !== "GET" && method !== "HEAD");
    return told
      .map(({ method, path, body, status }) => {
        const short = path
          .replace(/^\/v3\/[0-9a-f]{32}/, "")
          .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<id>");
        return [method, short, ...(body === null ? [] : [JSON.stringify(body)]), String(status)].join(" ");
      })
      .sort();
  }

  /** Forgets what reached it, and the faults. */
  async clear(): Promise<void> {
    await this.lab.clear();
  }

  /** Has the next requests that match wait, fail, or lose their answers. */
  async fail(fault: Fault): Promise<void> {
    await this.lab.fail(fault);
  }

  /** Has the next such step fail on its backend, after Cinder has taken the request. */
  async breakNext(step: Parameters<Lab["breakNext"]>[0]): Promise<void> {
    await this.lab.breakNext(step);
  }

  /** Kills Cinder: its port refuses. */
  async stopCinder(): Promise<void> {
    await this.lab.stopCinder();
  }

  /** Starts it again, on the same port and with what it had. */
  async startCinder(): Promise<void> {
    await this.lab.startCinder();
  }
}

function done(what: string, { status, body }: Answer): Json {
  if (status >= 300) throw new Error(`${what}: ${status} ${JSON.stringify(body)}`);
  return body as Json;
}

/** Why this machine can't have a Keystone and a Cinder, or `undefined` where it can. */
export function openstackReason(): string | undefined {
  return environmentOf("openstack").reason;
}

/** A group of tests that needs the lab's OpenStack; without it they are skipped, and say so. */
export function describeOpenstack(name: string, tests: () => void): void {
  const reason = openstackReason();
  describeIf(reason === undefined, name, reason, tests);
}
