// What the service holds against: requests that fill the disk, take its only thread, or do by one way what they may not by another.

import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { makeToken, roles, type Role } from "../../../src/http/tokens";
import { thisProcess } from "../../../src/system/process-id";
import { openJournal } from "../../../src/stack/journal";
import { ask, serveWith, type Service } from "../../support/http";

const home = mkdtempSync(join(tmpdir(), "sp-attack-"));
const running: Service[] = [];
const file = join(home, "tokens.json");
const tokens = Object.fromEntries(roles.map((role) => [role, makeToken(file, { name: `a-${role}`, role })])) as Record<
  Role,
  string
>;

async function serve(
  options: Record<string, unknown> = {},
  {
    journal: folder = "journal",
    env = process.env,
    stderr,
    pulumi,
  }: { journal?: string; env?: NodeJS.ProcessEnv; stderr?: number; pulumi?: string } = {},
) {
  const directory = mkdtempSync(join(home, "project-"));
  const config = join(directory, "Pulumi.dev.yaml");
  writeFileSync(join(directory, "Pulumi.yaml"), "name: attacked\nruntime: nodejs\n");
  writeFileSync(
    config,
    "config:\n  storage-profiles:backend: local\n  storage-profiles:volumes:\n    kept: { sizeGiB: 1 }\n    open: { sizeGiB: 1, deletionProtection: false }\n",
  );
  const audit = join(directory, "audit.jsonl");
  const journal = join(directory, folder);
  const project = { directory, pulumi: pulumi ?? join(directory, "none"), journalDirectory: journal };
  const all = { stacks: ["dev"], listen: "127.0.0.1:0", auditLog: audit, logLevel: "info", ...options };
  const service = await serveWith(project, all, env, stderr);
  running.push(service);
  return { ...service, config, audit, directory, journal };
}

afterAll(async () => {
  await Promise.all(running.map(({ kill }) => kill()));
  rmSync(home, { recursive: true, force: true });
});

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const PROFILES = "/v1/configuration/profiles";
const VOLUMES = "/v1/configuration/volumes";
const many = <T>(count: number, entry: (index: number) => [string, T]) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index)));

test("requests without credentials are counted, and fill neither the audit log nor the log", async () => {
  const { url, audit, log } = await serve({ tokens: file });
  const address = `${PROFILES}?${"x".repeat(8_000)}`;
  const found = new Set<number>();
  const began = performance.now();
  for (let index = 0; index < 300; index++) found.add((await ask(url, address, { json: {} })).status);
  const seconds = (performance.now() - began) / 1000;
  expect([...found]).toEqual([401, 429]);
  const { body } = await ask(url, "/metrics", bearer(tokens.admin));
  expect(body).toMatch(/http_requests?\w*\{[^}]*status="429"/);
  expect(readFileSync(audit, "utf8")).toBe("");
  const lines = log()
    .trim()
    .split("\n")
    .filter((line) => line.includes('"answered"') && !line.includes("a-admin"));
  expect(lines.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
  for (const line of lines) expect(line.length).toBeLessThan(800);
  // Who is known is recorded, with as much of the address.
  await ask(url, address, { json: {}, ...bearer(tokens.write) });
  expect(JSON.parse(readFileSync(audit, "utf8"))).toMatchObject({ phase: "end", who: { name: "a-write" } });
  expect(log()).toContain("characters)");
});

test("deleting, resuming a deletion and switching protection off need the role admin", async () => {
  const { url, config, directory, journal } = await serve({ tokens: file });
  const report = {
    ...{ id: "deletes", kind: "apply" as const, project: "attacked", stack: "dev", volumes: [], destroy: ["gone"] },
    ...{ refresh: false, state: "failed" as const, createdAt: "2026-11-29T00:00:00Z", problems: [], pid: 1 },
  };
  openJournal(journal, directory, "dev").write({ report, named: true, owner: thisProcess() });
  const before = readFileSync(config, "utf8");
  const post = async (role: Role, path: string, json: object) =>
    (await ask(url, path, { json, ...bearer(tokens[role]) })).status;
  const unprotected = { sizeGiB: 1, deletionProtection: false };
  const asked: [string, object][] = [
    ["/v1/operations", { destroy: ["kept"] }],
    ["/v1/operations/deletes/resume", {}],
    [`${VOLUMES}/kept?apply=false&dryRun=true`, { deletionProtection: false }],
    [`${VOLUMES}?apply=false&dryRun=true`, { name: "new", ...unprotected }],
  ];
  for (const [path, json] of asked) {
    expect([path, await post("write", path, json)]).toEqual([path, 403]);
    expect([path, await post("admin", path, json)]).not.toEqual([path, 403]);
  }
  expect(readFileSync(config, "utf8")).toBe(before);
  // What is open already, or deletes nothing, is a writer's.
  expect(await post("write", `${VOLUMES}/open?dryRun=true`, unprotected)).toBe(200);
  expect(await post("write", `${VOLUMES}/kept?dryRun=true`, { deletionProtection: true })).toBe(200);
  expect(await post("write", "/v1/operations", { destroy: [] })).toBe(202);
});

test("a token is void when its time is over, also while the service runs", async () => {
  const expiring = join(home, "expiring.json");
  const soon = new Date(Date.now() + 3_600_000);
  const valid = makeToken(expiring, { name: "valid", role: "read", expiresAt: soon });
  const over = makeToken(expiring, { name: "over", role: "read", expiresAt: new Date(Date.now() - 1) });
  const { url } = await serve({ tokens: expiring });
  const statusOf = async (token: string) => (await ask(url, "/v1/version", bearer(token))).status;
  expect([await statusOf(valid), await statusOf(over)]).toEqual([200, 401]);
  const text = readFileSync(expiring, "utf8");
  writeFileSync(expiring, text.replace(soon.toISOString(), new Date(Date.now() - 1).toISOString()));
  expect(await statusOf(valid)).toBe(401);
});

describe("where nothing can be written", () => {
  const created = (url: string) => ask(url, VOLUMES, { json: { name: "made", sizeGiB: 1 } });

  test("an operation goes on without a journal, and answer and config agree", async () => {
    const { url, config, child } = await serve({}, { journal: "Pulumi.yaml/no-directory" });
    const { status, body } = await created(url);
    expect([status, readFileSync(config, "utf8").includes("made:")]).toEqual([202, true]);
    const { body: events } = await ask(url, `/v1/operations/${body.operation.id}/events`);
    expect(events).toMatch(/can't be recorded, so it can't be resumed after a crash: ENOTDIR/);
    expect(events).toContain('"state":"failed"');
    // The next one begins, and the service lives.
    expect((await ask(url, "/v1/operations", { json: {} })).status).toBe(202);
    expect([(await ask(url, "/healthz")).status, child.exitCode]).toEqual([200, null]);
  });

  test("a log that can't be written ends nothing", async () => {
    const { url, child } = await serve({}, { stderr: openSync("/dev/full", "w") });
    for (let index = 0; index < 3; index++) expect((await ask(url, "/healthz")).status).toBe(200);
    expect(child.exitCode).toBeNull();
  });

  test("a config file that can't be written is an error that says so, and stays as it was", async () => {
    const full = join(home, "full-config.js");
    // What is written beside the file, to be renamed, doesn't fit.
    writeFileSync(
      full,
      `const fs = require("node:fs/promises");
       const real = fs.open;
       fs.open = async (file, ...others) => {
         const handle = await real(file, ...others);
         if (/Pulumi\\.dev\\.yaml\\..*tmp$/.test(String(file)))
           handle.writeFile = () => Promise.reject(new Error("ENOSPC: no space left on device, write"));
         return handle;
       };`,
    );
    const env = { ...process.env, NODE_OPTIONS: `--require ${full}` };
    const { url, config, directory, child } = await serve({}, { env });
    const before = readFileSync(config, "utf8");
    for (const [path, json] of [
      [PROFILES, { name: "written", local: {} }],
      [VOLUMES, { name: "made", sizeGiB: 1 }],
    ] as const) {
      const { status, body } = await ask(url, path, { json });
      expect([status, body.errors]).toMatchObject([
        503,
        [{ code: "config-not-written", message: expect.stringContaining("ENOSPC") }],
      ]);
    }
    expect(readFileSync(config, "utf8")).toBe(before);
    expect(readdirSync(directory).filter((name) => /tmp|lock/.test(name))).toEqual([]);
    expect((await ask(url, "/v1/operations")).body).toEqual([]);
    expect([(await ask(url, "/healthz")).status, child.exitCode]).toEqual([200, null]);
  });

  test("a write whose end can't be recorded is answered as what became of it", async () => {
    const full = join(home, "full.js");
    writeFileSync(
      full,
      `const fs = require("node:fs");
       const real = fs.writeSync;
       fs.writeSync = (handle, text, ...others) => {
         if (String(text).includes('"phase":"end"')) throw new Error("ENOSPC: no space left on device");
         return real(handle, text, ...others);
       };`,
    );
    const env = { ...process.env, NODE_OPTIONS: `--require ${full}` };
    const { url, config, log } = await serve({}, { env });
    expect((await ask(url, PROFILES, { json: { name: "written", local: {} } })).status).toBe(201);
    expect(readFileSync(config, "utf8")).toContain("written:");
    expect(log()).toContain("could not be recorded");
  });
});

test("fifty writes at once share a reading of the state", async () => {
  const engine = join(home, "engine.sh");
  const asked = join(home, "asked");
  writeFileSync(
    engine,
    `#!/bin/sh\necho "$*" >> ${asked}\nsleep 0.5\necho "error: no stack named 'dev' found" >&2\nexit 255\n`,
    { mode: 0o755 },
  );
  const { url } = await serve({}, { pulumi: engine });
  const writes = Array.from({ length: 50 }, (_, index) =>
    ask(url, PROFILES, { json: { name: `p${index}`, local: {} } }),
  );
  expect([...new Set((await Promise.all(writes)).map(({ status }) => status))]).toEqual([201]);
  const exports = readFileSync(asked, "utf8").match(/stack export/g) ?? [];
  expect(exports.length).toBeLessThanOrEqual(3);
});

describe("what would take long is refused by its size", () => {
  let url = "";
  beforeAll(async () => void ({ url } = await serve()));
  const set = (definition: object) => ask(url, `${PROFILES}?dryRun=true`, { json: { name: "p", ...definition } });

  test.each<[string, object, string]>([
    ["tags", { aws: { tags: many(12_000, (index) => [`k${index}`, "v"]) } }, "aws.tags"],
    ["metadata", { openstack: { metadata: many(12_000, (index) => [`k${index}`, "v"]) } }, "openstack.metadata"],
    [
      "extra specs",
      { openstack: { specs: { extraSpecs: many(12_000, (index) => [`k${index}`, "v"]) } } },
      "openstack.specs.extraSpecs",
    ],
    [
      "QoS specs",
      { openstack: { specs: { qos: { specs: many(12_000, (index) => [`k${index}`, "v"]) } } } },
      "openstack.specs.qos.specs",
    ],
    [
      "projects",
      { openstack: { specs: { projects: Array.from({ length: 12_000 }, (_, index) => `p${index}`) } } },
      "openstack.specs.projects",
    ],
  ])("%s", async (_, definition, path) => {
    const { status, body } = await set(definition);
    expect([status, body.errors.map((each: { path: string }) => each.path)]).toEqual([400, [path]]);
  });

  test("levels of JSON", async () => {
    const levels = 30_000;
    const body = `{"name":"p","aws":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`;
    const headers = { "content-type": "application/json" };
    const reply = await ask(url, PROFILES, { method: "POST", body, headers });
    expect([reply.status, reply.body.errors]).toMatchObject([400, [{ code: "request-not-readable", path: "body" }]]);
  });

  test("an answer has at most 100 problems, and gives no more than a part of what was sent back", async () => {
    const { status, body } = await set(many(12_000, (index) => [`k${index}`, 1]));
    expect([status, body.errors.length, body.description]).toEqual([
      400,
      100,
      "12000 problems; the first 100 are listed",
    ]);
    const long = await set({ ["k".repeat(200_000)]: 1 });
    expect([long.status, JSON.stringify(long.body).length < 20_000]).toEqual([400, true]);
  });
});
