// What the tests of the gateway share: gateways that end with their test, and a plain client that checks the certificate.
import { Agent, request } from "undici";

import { startScaleioGateway, type ScaleioGateway, type ScaleioGatewayOptions } from "../../emulators";

export const GIB_KB = 1024 ** 2;

/** What the gateway has answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  /** The body, parsed. */
  readonly json: any;
}

export class Client {
  readonly #agent: Agent;
  authorization: string | undefined;

  constructor(
    readonly url: string,
    ca: string,
  ) {
    this.#agent = new Agent({ connect: { ca } });
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await request(this.url + path, {
      dispatcher: this.#agent,
      method: method as "GET",
      headers: {
        ...(this.authorization !== undefined && { authorization: this.authorization }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, json: parsed(text) };
  }

  get(path: string): Promise<Answer> {
    return this.send("GET", path);
  }

  post(path: string, body: unknown = {}): Promise<Answer> {
    return this.send("POST", path, body);
  }

  act(volume: string, action: string, body: unknown = {}): Promise<Answer> {
    return this.post(`/api/instances/Volume::${volume}/action/${action}`, body);
  }

  /** Logs in the old way; all calls after it carry the token. */
  async login(username: string, password: string): Promise<Answer> {
    const answer = await this.send("GET", "/api/login", undefined, { authorization: basic(username, password) });
    if (answer.status === 200) this.authorization = basic("", answer.json);
    return answer;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

export const bearer = (token: string) => `Bearer ${token}`;

/** A gateway with a client that is logged in, and the ids that tests start from. */
export interface Bench {
  readonly gateway: ScaleioGateway;
  readonly client: Client;
  readonly domain: string;
  readonly otherDomain: string;
  readonly pools: Readonly<Record<"pool1" | "fine" | "small" | "unpadded" | "other", string>>;
  /** SDC ids, in the array's order. */
  readonly sdcs: readonly [string, string, string, string];
  /** The id of a new volume: thin, 8 GiB, in pool1, unless it is said otherwise. */
  create(body?: Record<string, unknown>): Promise<string>;
  volume(id: string): Promise<any>;
}

const open: { close(): Promise<void> }[] = [];

/** To be called in each test file: ends what its tests have started. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const what of open.splice(0).reverse()) await what.close();
  });
}

/** Another client, not logged in. */
export function another(gateway: ScaleioGateway): Client {
  const client = new Client(gateway.url, gateway.ca);
  open.push(client);
  return client;
}

export async function start(options: ScaleioGatewayOptions = {}): Promise<{ gateway: ScaleioGateway; client: Client }> {
  const gateway = await startScaleioGateway(options);
  open.push(gateway);
  return { gateway, client: another(gateway) };
}

export async function bench(options: ScaleioGatewayOptions = {}): Promise<Bench> {
  const { gateway, client } = await start(options);
  await client.login(gateway.username, gateway.password);
  const poolViews: any[] = (await client.get("/api/types/StoragePool/instances")).json;
  const domains: any[] = (await client.get("/api/types/ProtectionDomain/instances")).json;
  const sdcs: any[] = (await client.get("/api/types/Sdc/instances")).json;
  const [domain, otherDomain] = domains.map(({ id }) => id as string) as [string, string];
  const pool = (name: string, of = domain) =>
    poolViews.find((view) => view.name === name && view.protectionDomainId === of)?.id as string;
  const pools = {
    pool1: pool("pool1"),
    fine: pool("fine"),
    small: pool("small"),
    unpadded: pool("unpadded"),
    other: pool("pool1", otherDomain),
  };
  return {
    gateway,
    client,
    domain,
    otherDomain,
    pools,
    sdcs: sdcs.map(({ id }) => id as string) as [string, string, string, string],
    create: async (body = {}) => {
      const answer = await client.post("/api/types/Volume/instances", {
        storagePoolId: pools.pool1,
        volumeSizeInGb: "8",
        volumeType: "ThinProvisioned",
        ...body,
      });
      if (answer.status !== 200) throw new Error(answer.text);
      return answer.json.id;
    },
    volume: async (id) => (await client.get(`/api/instances/Volume::${id}`)).json,
  };
}

/** An answer that refuses. */
export function refused(status: number, errorCode: unknown, message?: string | RegExp) {
  return expect.objectContaining({
    status,
    json: expect.objectContaining({
      httpStatusCode: status,
      errorCode,
      ...(message !== undefined && { message: typeof message === "string" ? message : expect.stringMatching(message) }),
    }),
  });
}

/** An answer of an action that has nothing to say. */
export const done = expect.objectContaining({ status: 200, text: "{}" });

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
