// The HTTP service as its command starts it, over a stack on the real engine: who may do what, and a volume from its creation to its end.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ask, type Reply } from "../support/http";
import { Project, succeeded, VOLUMES_OF_STACK } from "../support/engine";
import { RunningCommand } from "../support/running";

const PROFILES = "/v1/configuration/profiles";
const VOLUMES = "/v1/configuration/volumes";
const STATE = "/v1/state/volumes";

const project = new Project("http-story", VOLUMES_OF_STACK);
const tokens: Record<string, string> = {};
let service: RunningCommand | undefined;
let url: string;

const authorization = (role: string) => ({ authorization: `Bearer ${tokens[role]}` });
const get = (role: string, path: string) => ask(url, path, { headers: authorization(role) });
const post = (role: string, path: string, json: unknown, headers: Record<string, string> = {}) =>
  ask(url, path, { json, headers: { ...authorization(role), ...headers } });
const codes = ({ body }: Reply) => body.errors.map(({ code }: any) => code);
/** Follows the operation that a reply has begun by its events, which end with it, and returns it. */
const followed = async ({ status, body }: Reply) => {
  expect(status).toBe(202);
  const path = `/v1/operations/${(body.operation ?? body).id}`;
  const events = await get("read", `${path}/events`);
  return { events: events.body as string, operation: (await get("read", path)).body };
};
const statuses = async () =>
  Object.fromEntries((await get("read", STATE)).body.map(({ name, status }: any) => [name, status]));

beforeAll(async () => {
  project.config({ local: { mode: "directory" }, deletionProtection: false });
  await project.init();
  for (const role of ["read", "write", "admin"]) {
    const args = ["token", "--tokens", "tokens.json", "--name", `the-${role}er`, "--role", role];
    tokens[role] = succeeded(await project.command("storage-profiles", args)).trim();
  }
  const listen = ["--listen", "127.0.0.1:0", "--tokens", "tokens.json", "--log-level", "error"];
  service = await RunningCommand.start(project, "serve", "--stack", "dev", ...listen);
  [, url = ""] = await service.printed(/^Serving at (\S+)$/m);
});
afterAll(async () => {
  await service?.stop();
  await project.dispose();
});

test("a volume is created, changed in place and deleted by operations that are followed, by those who may", async () => {
  const file = join(project.directory, "Pulumi.dev.yaml");
  const before = readFileSync(file, "utf8");
  expect((await ask(url, PROFILES)).status).toBe(401);
  expect((await post("read", VOLUMES, { name: "data@gold", sizeGiB: 1 })).status).toBe(403);

  const profiles = await get("read", PROFILES);
  expect(profiles.body.map(({ name }: any) => name)).toEqual(["default", "gold", "silver", "bronze"]);
  const resolution = await get("read", `${PROFILES}/gold/resolution?backend=local&sizeGiB=1`);
  expect(resolution).toMatchObject({
    status: 200,
    body: {
      resolutions: [{ backend: "local", volume: { sizeGiB: 1, settings: { iopsLimit: 10_000 } }, problems: [] }],
    },
  });

  // Refused with every problem and its fix; nothing is written.
  const wrong = await post("write", PROFILES, { name: "odd", local: { iops: 0 }, scaleoi: {} });
  expect([wrong.status, codes(wrong).sort()]).toEqual([400, ["unknown-key", "value-out-of-range"]]);
  const unknown = await post("write", VOLUMES, { name: "data@golf", sizeGiB: 1 });
  expect(unknown).toMatchObject({
    status: 400,
    body: { errors: [{ code: "profile-unknown", allowed: "default, gold, silver, bronze", fix: expect.any(String) }] },
  });
  expect(readFileSync(file, "utf8")).toBe(before);

  const created = await followed(await post("write", VOLUMES, { name: "data@gold", sizeGiB: 1 }));
  expect(created.operation).toMatchObject({ state: "succeeded", volumes: ["data"], problems: [] });
  expect(created.events).toMatch(/^event: resource$/m);
  const { body: made } = await get("read", `${STATE}/data`);
  expect(made).toMatchObject({ status: "compliant", recorded: { profile: "gold", sizeGiB: 1 } });
  const precious = join(made.mountPath, "precious");
  writeFileSync(precious, "data");

  // A profile of the stack takes the place of the built-in one: its volume is out of date until that is applied.
  const tag = profiles.headers.get("x-configuration-tag") ?? "";
  const definition = { name: "gold", extends: "gold", local: { iops: 9_000 } };
  const stale = await post("write", PROFILES, definition, { "x-if-configuration-matches": tag });
  expect([stale.status, codes(stale)]).toEqual([412, ["config-changed"]]);
  expect((await post("write", PROFILES, definition)).status).toBe(201);
  expect(await statuses()).toEqual({ data: "out-of-date" });
  const applied = await followed(await post("write", "/v1/operations", {}));
  expect(applied.operation).toMatchObject({ state: "succeeded", volumes: ["data"] });
  expect(await statuses()).toEqual({ data: "compliant" });
  const record = JSON.parse(readFileSync(join(made.volumeId, "volume.json"), "utf8"));
  expect(record).toMatchObject({ settings: { iopsLimit: 9_000 } });
  expect(readFileSync(precious, "utf8")).toBe("data");

  const remove = (role: string) => ask(url, `${VOLUMES}/data`, { method: "DELETE", headers: authorization(role) });
  expect((await remove("write")).status).toBe(403);
  expect(existsSync(precious)).toBe(true);
  const removed = await followed(await remove("admin"));
  expect(removed.operation).toMatchObject({ state: "succeeded", destroy: ["data"] });
  expect(await statuses()).toEqual({});
  expect(existsSync(precious)).toBe(false);
  expect(await service?.stop()).toBe(0);
});
