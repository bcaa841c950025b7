// Who may ask the HTTP service what, from where, and what is recorded of it: the service in a process of its own, without an engine.

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import * as x509 from "@peculiar/x509";

import { checkListening } from "../../../src/http/options";
import { routes } from "../../../src/http/routes";
import { makeToken, type Role } from "../../../src/http/tokens";
import { StackError } from "../../../src/stack";
import { certificatesFor } from "../../../emulators/scaleio/certificates";
import { ask, serveWith, type Service } from "../../support/http";

const home = mkdtempSync(join(tmpdir(), "sp-access-"));
const running: Service[] = [];
let count = 0;

/** A project with a config and no engine, served. */
async function serve(options: Record<string, unknown> = {}): Promise<Service & { file: string; audit: string }> {
  const directory = join(home, String(++count));
  mkdirSync(directory);
  const file = join(directory, "Pulumi.dev.yaml");
  const audit = join(directory, "audit.jsonl");
  writeFileSync(join(directory, "Pulumi.yaml"), "name: access\nruntime: nodejs\n");
  writeFileSync(file, "# Ours.\nconfig:\n  storage-profiles:backend: local\n");
  const project = { directory, pulumi: join(directory, "none"), journalDirectory: join(directory, "journal") };
  const all = { stacks: ["dev"], listen: "127.0.0.1:0", auditLog: audit, logLevel: "info", ...options };
  const service = await serveWith(project, all);
  running.push(service);
  return { ...service, file, audit };
}

afterAll(async () => {
  await Promise.all(running.map(({ kill }) => kill()));
  rmSync(home, { recursive: true, force: true });
});

const PROFILES = "/v1/configuration/profiles";
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const codes = ({ body }: { body: { errors: { code: string }[] } }) => body.errors.map(({ code }) => code);
/** All routes, with something in place of their parameters, and the pages of the API's documentation. */
const addresses: { method: string; path: string; role: Role }[] = [
  ...routes.map(({ method, path, role }) => ({ method, path: path.replace(/\{\w+\}/g, "x"), role })),
  ...["/docs", "/docs/json", "/docs/static/swagger-ui.css", "/nothing"].map((path) => ({
    method: "GET",
    path,
    role: "read" as const,
  })),
];

function thrown(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof StackError) return error.problems.map(({ code, path }) => `${code} ${path}`);
    throw error;
  }
  return [];
}

describe("listening", () => {
  const pem = join(home, "some.pem");
  const tls = { tlsCert: pem, tlsKey: pem };
  beforeAll(() => writeFileSync(pem, "PEM"));

  test.each<[string, object, string[]]>([
    ["on loopback by default", {}, []],
    ["on loopback of IPv6", { listen: "[::1]:80" }, []],
    ["on a Unix socket", { listen: "unix:/run/sp.sock" }, []],
    ["everywhere, without anything", { listen: "0.0.0.0:80" }, ["listen-unsafe listen"]],
    ["by a name that may be anybody's", { listen: "storage:80" }, ["listen-unsafe listen"]],
    ["everywhere with tokens and without TLS", { listen: "0.0.0.0:80", tokens: "t" }, ["listen-unsafe listen"]],
    ["everywhere with TLS and without authentication", { listen: "[::]:80", ...tls }, ["listen-unsafe listen"]],
    ["everywhere with TLS and tokens", { listen: "0.0.0.0:80", ...tls, tokens: "t" }, []],
    [
      "everywhere with TLS and client certificates",
      { listen: "0.0.0.0:80", ...tls, clientCa: pem, clientRoles: { "*": "read" } },
      [],
    ],
    [
      "with client certificates of which none has a role",
      { ...tls, clientCa: pem },
      ["service-option-invalid clientRoles"],
    ],
    [
      "with a role that there isn't",
      { ...tls, clientCa: pem, clientRoles: { a: "root" } },
      ["service-option-invalid clientRoles"],
    ],
    [
      "with client certificates and without TLS",
      { clientCa: pem, clientRoles: { a: "read" } },
      ["service-option-invalid clientCa"],
    ],
    ["with roles of client certificates alone", { clientRoles: { a: "read" } }, ["service-option-invalid clientRoles"]],
    ["with a certificate and no key", { tlsCert: pem }, ["service-option-invalid tls"]],
    ["with a file that isn't there", { tlsCert: "/none", tlsKey: pem }, ["service-option-invalid tlsCert"]],
    ["at no address", { listen: "80" }, ["service-option-invalid listen"]],
    [
      "at a path that the kernel would cut off",
      { listen: `unix:/${"a".repeat(110)}` },
      ["service-option-invalid listen"],
    ],
  ])("%s", (_, options, expected) => {
    expect(thrown(() => checkListening(options))).toEqual(expected);
  });

  test("is refused at start, and not only told", async () => {
    await expect(serve({ listen: "0.0.0.0:0" })).rejects.toThrow(/listen-unsafe/);
  });

  test("on a Unix socket: for its owner only, and again after a kill", async () => {
    const socket = join(home, "sp.sock");
    const first = await serve({ listen: `unix:${socket}` });
    expect(first.url).toBe(`unix:${socket}`);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    await first.kill();
    expect(statSync(socket).isSocket()).toBe(true);
    await serve({ listen: `unix:${socket}` });
    const status = await new Promise((done, failed) => {
      httpRequest({ socketPath: socket, path: "/v1/version" }, (response) => {
        response.resume();
        done(response.statusCode);
      })
        .on("error", failed)
        .end();
    });
    expect(status).toBe(200);
    await expect(serve({ listen: `unix:${socket}` })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe("tokens", () => {
  const file = join(home, "tokens.json");
  const tokens = {} as Record<Role, string>;
  let service: Service & { file: string; audit: string };
  beforeAll(async () => {
    for (const role of ["read", "write", "admin"] as const) tokens[role] = makeToken(file, { name: `a-${role}`, role });
    service = await serve({ tokens: file, limits: { failures: 0 } });
  });

  test("are kept as hashes, in a file for its owner only", () => {
    const text = readFileSync(file, "utf8");
    for (const token of Object.values(tokens)) expect(text).not.toContain(token);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(thrown(() => makeToken(file, { name: "a b", role: "read" }))).toEqual(["name-invalid name"]);
    expect(() => makeToken(file, { name: "", role: "read" })).toThrow("token name is empty");
    const nowhere = join(home, "nowhere/tokens.json");
    expect(thrown(() => makeToken(nowhere, { name: "a", role: "read" }))).toEqual(["service-option-invalid tokens"]);
  });

  test("a file that others may read is refused", async () => {
    const open = join(home, "open.json");
    writeFileSync(open, readFileSync(file), { mode: 0o644 });
    await expect(serve({ tokens: open })).rejects.toThrow(/readable or writable by other users/);
  });

  test("every route answers 401 without one, and with a wrong one, in whatever form", async () => {
    const wrong = Buffer.from(`a-read:${tokens.read.slice(0, -1)}`).toString("base64");
    const forms = [
      {},
      bearer("sp_wrong"),
      bearer(tokens.admin.slice(0, -1)),
      { headers: { authorization: `Basic ${wrong}` } },
    ];
    for (const { method, path } of addresses) {
      for (const form of forms) {
        const reply = await ask(service.url, path, { method, ...form });
        expect([method, path, reply.status, codes(reply)]).toEqual([method, path, 401, ["request-unauthenticated"]]);
        expect(reply.headers.get("www-authenticate")).toContain("Bearer");
      }
    }
  });

  test("every route that takes a higher role answers 403, and no route where the role is enough", async () => {
    const order: Role[] = ["read", "write", "admin"];
    const found: string[] = [];
    for (const role of order) {
      for (const { method, path, role: needed } of addresses) {
        if (path.endsWith("/events")) continue;
        const { status } = await ask(service.url, path, { method, ...bearer(tokens[role]) });
        const isEnough = order.indexOf(role) >= order.indexOf(needed);
        if ((status === 403) === isEnough || status === 401) found.push(`${role}: ${method} ${path} ${status}`);
      }
    }
    expect(found).toEqual([]);
    expect(routes.filter(({ method, role }) => method !== "GET" && role === "read")).toEqual([]);
  });

  test("a reader may try a profile out, and whatever isn't plainly that needs the role of a writer", async () => {
    const before = readFileSync(service.file, "utf8");
    const post = async (query: string) => {
      const json = { name: "tried", local: { iops: 100 } };
      return ask(service.url, `/v1/configuration/profiles${query}`, { json, ...bearer(tokens.read) });
    };
    const tried = await post("?dryRun=true");
    expect([tried.status, tried.body.changed, tried.body.dryRun]).toEqual([200, true, true]);
    const others = [
      "",
      "?dryRun=false",
      "?dryRun=1",
      "?dryRun=true&dryRun=false",
      "?dryRun=true&dryRun=true",
      "?x=true",
    ];
    for (const query of others) expect([query, (await post(query)).status]).toEqual([query, 403]);
    expect(readFileSync(service.file, "utf8")).toBe(before);
    const volume = { json: { name: "a@gold" }, ...bearer(tokens.read) };
    expect((await ask(service.url, "/v1/configuration/volumes?dryRun=true", volume)).status).toBe(403);
  });

  test("work as a password too, so that a browser can ask for them", async () => {
    // Chromium takes each line for one challenge: that of Basic has to stand by itself.
    const challenges = await new Promise((done, failed) => {
      httpRequest(service.url, (response) => {
        response.resume();
        done(response.rawHeaders.filter((_, index, all) => all[index - 1]?.toLowerCase() === "www-authenticate"));
      })
        .on("error", failed)
        .end();
    });
    expect(challenges).toEqual([expect.stringMatching(/^Bearer /), expect.stringMatching(/^Basic /)]);
    const basic = Buffer.from(`anybody:${tokens.read}`).toString("base64");
    expect((await ask(service.url, "/", { headers: { authorization: `Basic ${basic}` } })).status).toBe(200);
  });

  test("can be taken away while the service runs", async () => {
    const other = join(home, "other.json");
    const [kept, gone] = [
      makeToken(other, { name: "kept", role: "read" }),
      makeToken(other, { name: "gone", role: "read" }),
    ];
    const { url } = await serve({ tokens: other });
    expect((await ask(url, "/v1/version", bearer(gone))).status).toBe(200);
    const content = JSON.parse(readFileSync(other, "utf8")) as { tokens: { name: string }[] };
    writeFileSync(other, JSON.stringify({ tokens: content.tokens.filter(({ name }) => name === "kept") }));
    expect((await ask(url, "/v1/version", bearer(gone))).status).toBe(401);
    expect((await ask(url, "/v1/version", bearer(kept))).status).toBe(200);
    writeFileSync(other, "{");
    expect((await ask(url, "/v1/version", bearer(kept))).status).toBe(401);
  });

  test("are in no log, and neither is what was sent with a wrong one", async () => {
    const before = service.log().length;
    await ask(service.url, "/v1/version", bearer(tokens.read));
    await ask(service.url, "/v1/version", bearer("sp_secretguess"));
    await ask(service.url, "/v1/configuration/profiles", {
      json: { name: "a", pasword: "hunter2" },
      ...bearer(tokens.write),
    });
    const logs = service.log() + readFileSync(service.audit, "utf8");
    expect(service.log()).toContain('"who":"a-write"');
    // A read that succeeds isn't logged: who watches the service asks again and again.
    expect(service.log().slice(before)).not.toContain('"who":"a-read"');
    for (const secret of [...Object.values(tokens), "sp_secretguess", "hunter2"]) expect(logs).not.toContain(secret);
  });

  test("wrong ones are taken only so often", async () => {
    const { url } = await serve({ tokens: file, limits: { failures: 3 } });
    const found: number[] = [];
    for (let i = 0; i < 5; i++) found.push((await ask(url, "/v1/version", bearer(`sp_${i}`))).status);
    expect(found).toEqual([401, 401, 401, 429, 429]);
    // Who has a right one isn't kept out by them.
    expect((await ask(url, "/v1/version", bearer(tokens.read))).status).toBe(200);
  });

  test("probes need none where that was said, and everything else does", async () => {
    const { url } = await serve({ tokens: file, openHealth: true });
    const found = await Promise.all(
      ["/healthz", "/readyz", "/metrics", "/v1/version"].map(async (path) => (await ask(url, path)).status),
    );
    expect(found).toEqual([200, 200, 401, 401]);
  });
});

describe("client certificates", () => {
  const keys = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const files: Record<string, string> = {};
  const write = (name: string, text: string) => {
    files[name] = join(home, name);
    writeFileSync(files[name], text);
  };

  async function authority(name: string) {
    const pair = await crypto.subtle.generateKey(keys, true, ["sign", "verify"]);
    const cert = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys: pair,
      signingAlgorithm: keys,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    const client = async (commonName: string) => {
      const own = await crypto.subtle.generateKey(keys, true, ["sign", "verify"]);
      const made = await x509.X509CertificateGenerator.create({
        subject: `CN=${commonName}`,
        issuer: cert.subject,
        publicKey: own.publicKey,
        signingKey: pair.privateKey,
        signingAlgorithm: keys,
        extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
      });
      const key = x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", own.privateKey), "PRIVATE KEY");
      return { cert: made.toString("pem"), key };
    };
    return { pem: cert.toString("pem"), client };
  }

  test("every route answers 401 without one or with one of another CA, and by its name's role with one", async () => {
    const [server, ours, others] = [await certificatesFor([]), await authority("ours"), await authority("others")];
    write("server.pem", server.cert);
    write("server-key.pem", server.key);
    write("clients.pem", ours.pem);
    const options = {
      tlsCert: files["server.pem"],
      tlsKey: files["server-key.pem"],
      clientCa: files["clients.pem"],
      limits: { failures: 0 },
    };
    const service = await serve({ ...options, clientRoles: { reader: "read", root: "admin" } });
    expect(service.url).toMatch(/^https:/);
    const agents = {
      nobody: new Agent({ ca: server.ca }),
      stranger: new Agent({ ca: server.ca, ...(await others.client("root")) }),
      unlisted: new Agent({ ca: server.ca, ...(await ours.client("unlisted")) }),
      constructor: new Agent({ ca: server.ca, ...(await ours.client("constructor")) }),
      reader: new Agent({ ca: server.ca, ...(await ours.client("reader")) }),
      root: new Agent({ ca: server.ca, ...(await ours.client("root")) }),
    };
    const answered = (agent: Agent, method: string, path: string, url = service.url) =>
      new Promise<IncomingMessage>((done, failed) => {
        httpsRequest(url + path, { agent, method }, (response) => done(response.resume()))
          .on("error", failed)
          .end();
      });
    const statusOf = async (...asked: Parameters<typeof answered>) => (await answered(...asked)).statusCode;
    const found: string[] = [];
    for (const { method, path, role } of addresses) {
      if (path.endsWith("/events")) continue;
      const expected = {
        nobody: [401],
        stranger: [401],
        unlisted: [403],
        constructor: [403],
        reader: role === "read" ? [200, 302, 404, 503] : [403],
      };
      for (const [who, statuses] of Object.entries(expected)) {
        const status = (await statusOf(agents[who as keyof typeof agents], method, path)) ?? 0;
        if (!statuses.includes(status)) found.push(`${who}: ${method} ${path} ${status}`);
      }
    }
    expect(found).toEqual([]);
    expect(await statusOf(agents.root, "DELETE", "/v1/configuration/profiles/gold")).not.toBe(403);
    // A browser that was here once comes by TLS only.
    const { headers } = await answered(agents.reader, "GET", "/v1/version");
    expect(headers["strict-transport-security"]).toMatch(/^max-age=\d{7,}$/);

    // A role for whoever has a certificate and no other.
    const { url } = await serve({ ...options, clientRoles: { "*": "read", root: "admin" } });
    const asked = [agents.nobody, agents.stranger, agents.unlisted, agents.constructor, agents.root].map((agent) =>
      Promise.all([statusOf(agent, "GET", "/v1/version", url), statusOf(agent, "DELETE", `${PROFILES}/gold`, url)]),
    );
    expect(await Promise.all(asked)).toEqual([
      [401, 401],
      [401, 401],
      [200, 403],
      [200, 403],
      // There is no engine, which is found out after the role.
      [200, 503],
    ]);
    for (const agent of Object.values(agents)) agent.destroy();
  });
});

describe("a web page of somebody else", () => {
  let url = "";
  beforeAll(async () => void ({ url } = await serve()));
  const raw = (method: string, headers: Record<string, string>, body?: string) =>
    new Promise<number | undefined>((done, failed) => {
      const sent = httpRequest(`${url}/v1/configuration/profiles`, { method, headers }, (response) => {
        response.resume();
        done(response.statusCode);
      });
      sent.on("error", failed).end(body);
    });
  const json = { "content-type": "application/json" };

  test.each<[string, string, Record<string, string>, number]>([
    ["a name that was made to point here", "GET", { host: "evil.example:4523" }, 403],
    ["a page of another origin", "POST", { ...json, origin: "https://evil.example" }, 403],
    ["a page of another port of this machine", "POST", { ...json, origin: "http://localhost:3000" }, 403],
    ["a page in a sandbox", "POST", { ...json, origin: "null" }, 403],
    ["a form without an origin", "POST", { ...json, "sec-fetch-site": "cross-site" }, 403],
    ["a form's own type", "POST", { "content-type": "application/x-www-form-urlencoded" }, 415],
    ["text that is meant as JSON", "POST", { "content-type": "text/plain" }, 415],
    ["a program", "POST", json, 201],
    ["a link from elsewhere, which only reads", "GET", { "sec-fetch-site": "cross-site" }, 200],
  ])("%s", async (_, method, headers, expected) => {
    const body = method === "POST" ? JSON.stringify({ name: "p", local: {} }) : undefined;
    expect(await raw(method, headers, body)).toBe(expected);
  });

  test("the service's own page may write", async () => {
    const own = { ...json, origin: url, "sec-fetch-site": "same-origin" };
    expect(await raw("POST", own, JSON.stringify({ name: "p", local: {} }))).toBe(200);
  });

  test("every answer forbids to be shown in a frame, and to run what isn't ours", async () => {
    for (const path of ["/", "/v1/version", "/nothing", "/docs/static/index.html"]) {
      const { headers } = await ask(url, path);
      expect(headers.get("content-security-policy")).toContain("script-src 'self';");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
    }
    // What a stack has is kept by nobody on the way.
    expect((await ask(url, "/v1/version")).headers.get("cache-control")).toBe("no-store");
  });
});

describe("requests that are wrong", () => {
  let service: Service & { file: string; audit: string };
  beforeAll(async () => void (service = await serve()));

  test("are told every problem at once, with its place, and nothing is written", async () => {
    const before = readFileSync(service.file, "utf8");
    const reply = await ask(service.url, PROFILES, {
      json: { name: "-x", aws: { volumeTyp: "io1" }, local: { iops: "many" } },
    });
    expect(reply.status).toBe(400);
    expect(reply.body.errors.map(({ code, path }: any) => `${code} ${path}`)).toEqual(
      expect.arrayContaining([
        "unknown-key aws.volumeTyp",
        expect.stringMatching(/ local\.iops$/),
        expect.stringMatching(/ name$/),
      ]),
    );
    expect(reply.body.description).toBe("3 problems");
    const later = await ask(service.url, PROFILES, { json: { name: "x", extends: "glod", local: {} } });
    expect([later.status, ...codes(later)]).toEqual([400, "profile-parent-unknown"]);
    expect(readFileSync(service.file, "utf8")).toBe(before);
  });

  test.each<[string, string, RequestInit & { json?: unknown }, number, string]>([
    [
      "no JSON",
      PROFILES,
      { method: "POST", body: "{", headers: { "content-type": "application/json" } },
      400,
      "request-not-readable",
    ],
    ["too much", PROFILES, { json: { name: "x", description: "x".repeat(300_000) } }, 413, "request-not-readable"],
    ["a path in place of a name", `${PROFILES}/..%2f..%2fetc%2fpasswd`, {}, 400, "value-invalid"],
    ["a path in place of an operation", "/v1/operations/..%2f..%2fx", {}, 400, "value-invalid"],
    ["a path in place of a stack", `${PROFILES}?stack=../../etc/passwd`, {}, 404, "stack-not-served"],
    ["a stack that isn't served", `${PROFILES}?stack=prod`, {}, 404, "stack-not-served"],
    ["a question with a word that isn't known", `${PROFILES}?sizeGB=1`, {}, 400, "unknown-key"],
    ["a size that is none", `${PROFILES}/gold/resolution?sizeGiB=-1`, {}, 400, "value-invalid"],
    ["a backend that there isn't", `${PROFILES}/gold/resolution?backend=azure`, {}, 400, "value-not-allowed"],
    ["a profile that there isn't", `${PROFILES}/glod/resolution`, {}, 404, "profile-unknown"],
    ["a prototype's name", `${PROFILES}/constructor`, {}, 404, "profile-unknown"],
    ["a volume that there isn't", "/v1/configuration/volumes/data", {}, 404, "volume-unknown"],
    ["an operation that there isn't", "/v1/operations/none", {}, 404, "operation-unknown"],
    ["an address that there isn't", "/v2", {}, 404, "route-unknown"],
    ["a URL that can't be decoded", `${PROFILES}/%zz`, {}, 400, "request-not-readable"],
    [
      "a pin that is longer than any",
      `/v1/configuration/pins/${"0".repeat(201)}`,
      { method: "DELETE" },
      400,
      "value-out-of-range",
    ],
    ["a name that is longer than any", `${PROFILES}/${"0".repeat(4_000)}`, {}, 400, "value-invalid"],
    ["a method that there isn't", "/v1/version", { method: "PUT" }, 405, "route-unknown"],
    ["the state, of an engine that there isn't", "/v1/state/volumes", {}, 503, "engine-missing"],
  ])("%s", async (_, path, options, status, code) => {
    const reply = await ask(service.url, path, options);
    expect([reply.status, codes(reply)]).toEqual([status, [code]]);
  });

  test("an id that a client gives is taken only where it is harmless in a log", async () => {
    const idOf = async (id: string) =>
      (await ask(service.url, "/v1/version", { headers: { "x-request-id": id } })).headers.get("x-request-id");
    expect(await idOf("trace-1.a_B")).toBe("trace-1.a_B");
    for (const id of ["with space", "a".repeat(65), '"}']) expect(await idOf(id)).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("a write for another reading of the file is refused by 412", async () => {
    const { headers } = await ask(service.url, PROFILES);
    const tag = headers.get("x-configuration-tag") ?? "";
    const write = (name: string) =>
      ask(service.url, PROFILES, { json: { name, local: {} }, headers: { "x-if-configuration-matches": tag } });
    const [first, second] = [await write("one"), await write("two")];
    expect([first.status, second.status, ...codes(second)]).toEqual([201, 412, "config-changed"]);
    // Where the service keeps its files is nobody's business.
    expect(second.body.errors[0].path).toBe("Pulumi.dev.yaml");
    expect(JSON.stringify(second.body)).not.toContain(dirname(service.file));
    expect(readFileSync(service.file, "utf8")).toContain("one:");
    expect(readFileSync(service.file, "utf8")).not.toContain("two:");
  });

  test("every write is recorded before and after it, and no read is", async () => {
    await ask(service.url, PROFILES);
    const { headers } = await ask(service.url, PROFILES, {
      json: { name: "noted", local: {} },
      headers: { "x-request-id": "my-request" },
    });
    expect(headers.get("x-request-id")).toBe("my-request");
    const lines = readFileSync(service.audit, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, any>);
    expect(lines.filter(({ method }) => method === "GET")).toEqual([]);
    expect(lines.filter(({ request }) => request === "my-request")).toEqual([
      expect.objectContaining({
        phase: "begin",
        method: "POST",
        path: PROFILES,
        stack: "dev",
        body: { name: "noted", local: {} },
      }),
      expect.objectContaining({
        phase: "end",
        status: 201,
        tag: headers.get("x-configuration-tag"),
        who: expect.objectContaining({ by: "machine" }),
      }),
    ]);
    expect(statSync(service.audit).mode & 0o777).toBe(0o600);
  });

  test("an audit log that was moved away is begun anew, with what comes then", async () => {
    const { url, audit } = await serve();
    const names = (file: string) =>
      readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, any>)
        .flatMap(({ phase, body }) => (phase === "begin" ? [body.name as string] : ["end"]));
    await ask(url, PROFILES, { json: { name: "older", local: {} } });
    renameSync(audit, `${audit}.1`);
    await ask(url, PROFILES, { json: { name: "newer", local: {} } });
    expect([names(`${audit}.1`), names(audit)]).toEqual([
      ["older", "end"],
      ["newer", "end"],
    ]);
    expect(statSync(audit).mode & 0o777).toBe(0o600);
  });

  test("what can't be recorded isn't done", async () => {
    const { url, file } = await serve({ auditLog: "/dev/full" });
    const reply = await ask(url, PROFILES, { json: { name: "unnoted", local: {} } });
    expect(reply.status).toBeGreaterThanOrEqual(500);
    expect(readFileSync(file, "utf8")).not.toContain("unnoted");
    expect((await ask(url, PROFILES)).status).toBe(200);
  });

  test("too many of them are told when to come again", async () => {
    const { url } = await serve({ limits: { requests: 5, writes: 2 } });
    const write = () => ask(url, `${PROFILES}?dryRun=true`, { json: { name: "x", local: {} } });
    const found = [await write(), await write(), await write()];
    expect(found.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(Number(found[2]?.headers.get("retry-after"))).toBeGreaterThan(0);
    for (let i = 0; i < 2; i++) await ask(url, "/healthz");
    expect((await ask(url, "/healthz")).status).toBe(429);
  });
});

test("a profile of a shared file is served with its place, and edited only where the request says", async () => {
  const service = await serve();
  const shared = join(dirname(service.file), "prod.yaml");
  const text = "profiles:\n  # Ours.\n  gold: { extends: gold, local: { iops: 5 } }\n";
  writeFileSync(shared, text);
  const config = `${readFileSync(service.file, "utf8")}  storage-profiles:catalog: ./prod.yaml\n`;
  writeFileSync(service.file, config);
  const { body } = await ask(service.url, `${PROFILES}/gold`);
  expect(body).toMatchObject({ origin: "catalog", file: "./prod.yaml", line: 3, lineage: ["gold"] });
  expect(body).not.toHaveProperty("definition");

  const json = { name: "gold", extends: "gold", local: { iops: 6 } };
  const refused = await ask(service.url, PROFILES, { json });
  expect([refused.status, ...codes(refused)]).toEqual([409, "profile-shared"]);
  const inCatalog = await ask(service.url, `${PROFILES}?in=catalog`, { json });
  expect([inCatalog.status, inCatalog.body.sharedFile]).toEqual([200, "./prod.yaml"]);
  expect([readFileSync(shared, "utf8"), readFileSync(service.file, "utf8")]).toEqual([text.replace("5", "6"), config]);
  expect((await ask(service.url, `${PROFILES}?in=catalog`, { json: { ...json, name: "fast" } })).status).toBe(409);

  const inStack = await ask(service.url, `${PROFILES}?in=stack`, { json: { ...json, local: { iops: 7 } } });
  expect([inStack.status, inStack.body.profile]).toEqual([
    201,
    expect.objectContaining({ origin: "stack", lineage: ["gold", "gold"] }),
  ]);
  expect(readFileSync(shared, "utf8")).toBe(text.replace("5", "6"));
});
