// Faults on command, the record of calls, and the gateway's strings over HTTP.
import timers from "node:timers/promises";

import { until } from "../../tools/test/time.js";
import { another, basic, bench, type Client, closeAfterEach, done, refused, start, type Bench } from "./support";

closeAfterEach();
afterEach(() => jest.restoreAllMocks());

const newVolume = { volumeSizeInGb: "8", volumeType: "ThinProvisioned", name: "data" };
const create = (b: Bench) =>
  b.client.post("/api/types/Volume/instances", { ...newVolume, storagePoolId: b.pools.pool1 });
const names = (b: Bench) => b.gateway.state().volumes.map(({ name }) => name);
const version = (client: Client) => client.get("/api/version");

/** Makes the gateway's waits of exactly so long last until the test ends them. */
function holdWait(milliseconds: number): { begun: () => Promise<boolean>; end: () => void } {
  let end = (): void => undefined;
  const held = new Promise<void>((resolve) => (end = resolve));
  const real = timers.setTimeout;
  const spy = jest
    .spyOn(timers, "setTimeout")
    .mockImplementation(((wait: number, ...rest: [unknown]) =>
      wait === milliseconds ? held : real(wait, ...rest)) as never);
  return { begun: () => until("the gateway waits", () => spy.mock.calls.some(([wait]) => wait === milliseconds)), end };
}

describe("a fault", () => {
  it("unauthorized: 401 as JSON, once, and nothing is done", async () => {
    const b = await bench();
    const fault = b.gateway.fault({ match: { path: "createVolume" }, do: "unauthorized" });
    expect(await version(b.client)).toMatchObject({ status: 200 });
    expect(await create(b)).toEqual(refused(401, 0, "Unauthorized"));
    expect(names(b)).toEqual([]);
    expect(fault).toMatchObject({ hits: 1, remaining: 0 });
    expect(await create(b)).toMatchObject({ status: 200 });
  });

  it("unauthorized-html: 401 with a page, as an ingress gives it", async () => {
    const b = await bench();
    b.gateway.fault({ do: "unauthorized-html" });
    const answer = await version(b.client);
    expect(answer.status).toBe(401);
    expect(answer.headers["content-type"]).toMatch(/^text\/html/);
    expect(answer.text).toMatch(/^<html>/);
  });

  it("error: any answer that is told", async () => {
    const b = await bench();
    b.gateway.fault({ do: { error: { status: 500, errorCode: 212, message: "A volume removal is in progress." } } });
    expect(await create(b)).toEqual(refused(500, 212, "A volume removal is in progress."));
    expect(names(b)).toEqual([]);
  });

  it("latencyMs: the answer takes longer", async () => {
    const b = await bench();
    b.gateway.fault({ do: { latencyMs: 60_000 } });
    const wait = holdWait(60_000);
    const answer = version(b.client);
    await wait.begun();
    wait.end();
    expect(await answer).toMatchObject({ status: 200 });
  });

  it("cut: the connection ends, and nothing is done", async () => {
    const b = await bench();
    b.gateway.fault({ match: { path: "createVolume" }, do: "cut" });
    await expect(create(b)).rejects.toThrow();
    expect(names(b)).toEqual([]);
    expect(await create(b)).toMatchObject({ status: 200 });
  });

  it("cut-after-commit: it is done, and there is no answer", async () => {
    const b = await bench();
    b.gateway.fault({ match: { path: "createVolume" }, do: "cut-after-commit" });
    await expect(create(b)).rejects.toThrow();
    expect(names(b)).toEqual(["data"]);
    expect(await create(b)).toEqual(refused(500, 99));
    expect(b.gateway.calls.filter(({ action }) => action === "createVolume").map(({ status }) => status)).toEqual([
      null,
      500,
    ]);
  });

  it("restart: the token is forgotten just before the request", async () => {
    const b = await bench();
    b.gateway.fault({ match: { path: "createVolume" }, do: "restart" });
    expect(await create(b)).toEqual(refused(401, 0));
    await b.client.login("admin", b.gateway.password);
    expect(await create(b)).toMatchObject({ status: 200 });
  });

  it("hang: no answer comes, and the gateway still closes", async () => {
    const b = await bench();
    const fault = b.gateway.fault({ match: { path: "createVolume" }, do: "hang" });
    // Rejects only when the gateway closes: an answer would make it resolve.
    const rejected = expect(create(b)).rejects.toThrow();
    await until("the gateway has the request", () => fault.hits === 1);
    expect(await version(b.client)).toMatchObject({ status: 200 });
    expect(names(b)).toEqual([]);
    await b.gateway.close();
    await rejected;
  });
});

describe("what a fault hits", () => {
  it.each([
    ["the beginning of a path", { path: "/api/types/Vol" }],
    ["an expression", { path: /Volume\/inst/g }],
    ["an action made of type and deed", { path: "createVolume" }],
    ["a method, in any case", { method: "post" }],
    ["everything", {}],
  ])("is chosen by %s", async (_what, match) => {
    const b = await bench();
    b.gateway.fault({ match, do: "unauthorized" });
    expect((await create(b)).status).toBe(401);
  });

  it.each([
    ["GET", "/api/login", "login"],
    ["POST", "/rest/auth/login", "login"],
    ["GET", "/api/version", "version"],
    ["GET", "/api/instances", "listInstances"],
    ["GET", "/api/types/Volume/instances", "listVolume"],
    ["POST", "/api/types/Volume/instances/action/queryIdByKey", "queryIdByKey"],
    ["GET", "/api/types/Domain/instances/getByName::domain1", "getByName"],
    ["GET", "/api/instances/Volume::1", "getVolume"],
    ["GET", "/api/instances/Volume::1/relationships/Statistics", "getVolumeStatistics"],
    ["POST", "/api/instances/Volume::1/action/addMappedSdc", "addMappedSdc"],
    ["POST", "/api/instances/System/action/snapshotVolumes", "snapshotVolumes"],
    ["POST", "/api/instances/querySelectedStatistics", "querySelectedStatistics"],
  ])("%s %s goes by the name %s", async (method, path, action) => {
    const b = await bench();
    b.gateway.clearCalls();
    const fault = b.gateway.fault({
      match: { path: action },
      do: { error: { status: 418, errorCode: 7, message: "hit" } },
    });
    expect(await b.client.send(method, path)).toEqual(refused(418, 7, "hit"));
    expect(fault.hits).toBe(1);
    expect(b.gateway.calls).toEqual([expect.objectContaining({ method, path, action, status: 418, errorCode: 7 })]);
  });

  it("lets through who doesn't match", async () => {
    const b = await bench();
    for (const match of [{ method: "GET" }, { path: "/rest" }, { path: "removeVolume" }, { path: /^\/types/ }]) {
      b.gateway.fault({ match, do: "unauthorized" });
    }
    expect(await create(b)).toMatchObject({ status: 200 });
  });

  it("is counted: so many pass, so many are hit", async () => {
    const b = await bench();
    b.gateway.fault({ match: { path: "version" }, skip: 2, times: 3, do: "unauthorized" });
    const statuses = [];
    for (let call = 0; call < 7; call++) statuses.push((await version(b.client)).status);
    expect(statuses).toEqual([200, 200, 401, 401, 401, 200, 200]);
  });

  it("goes on for always until it is removed", async () => {
    const b = await bench();
    const fault = b.gateway.fault({ times: "always", do: "unauthorized" });
    for (let call = 0; call < 3; call++) expect((await version(b.client)).status).toBe(401);
    expect(fault).toMatchObject({ hits: 3, remaining: Infinity });
    fault.remove();
    fault.remove();
    expect((await version(b.client)).status).toBe(200);
  });

  it("is one fault's business at a time, the oldest's first", async () => {
    const b = await bench();
    b.gateway.fault({ do: { error: { status: 500, errorCode: 1, message: "one" } } });
    b.gateway.fault({ do: { error: { status: 500, errorCode: 2, message: "two" } } });
    expect((await version(b.client)).json.errorCode).toBe(1);
    expect((await version(b.client)).json.errorCode).toBe(2);
    b.gateway.fault({ do: "unauthorized" });
    b.gateway.clearFaults();
    expect((await version(b.client)).status).toBe(200);
  });

  it.each([
    { do: "explode" },
    { do: { error: { status: 200, errorCode: 0, message: "" } } },
    { do: "cut", times: 0 },
    { do: "cut", skip: -1 },
    { do: "cut", match: { action: "createVolume" } },
  ])("%j is refused", async (fault) => {
    const { gateway } = await start();
    expect(() => gateway.fault(fault as never)).toThrow();
  });
});

describe("the record of calls", () => {
  it("has each call in order, with what came of it, and none of the secrets", async () => {
    const b = await bench({ password: "very-secret" });
    b.gateway.clearCalls();
    await b.client.post("/rest/auth/login", { username: "admin", password: "very-secret" });
    const { json: token } = await b.client.login("admin", "very-secret");
    const { json } = await create(b);
    await b.client.act(json.id, "removeVolume", { removeMode: "NONE" });
    await b.client.get("/api/version?x=1");
    expect(b.gateway.calls).toMatchObject([
      { method: "POST", path: "/rest/auth/login", action: "login", status: 200 },
      { method: "GET", path: "/api/login", action: "login", status: 200 },
      {
        method: "POST",
        path: "/api/types/Volume/instances",
        action: "createVolume",
        object: `Volume::${json.id}`,
        status: 200,
        body: { name: "data", volumeSizeInGb: "8" },
      },
      {
        method: "POST",
        path: `/api/instances/Volume::${json.id}/action/removeVolume`,
        action: "removeVolume",
        object: `Volume::${json.id}`,
        status: 400,
        errorCode: 0,
      },
      { method: "GET", path: "/api/version", status: 200 },
    ]);
    const all = JSON.stringify([b.gateway.calls, b.gateway.state()]);
    expect(b.gateway.issuedTokens()).toContain(token);
    // The bench's login, the new one with its refresh token, and the old one.
    expect(b.gateway.issuedTokens()).toHaveLength(4);
    for (const secret of ["very-secret", ...b.gateway.issuedTokens()]) expect(all).not.toContain(secret);
    expect(Date.parse(b.gateway.calls[0]?.at ?? "")).not.toBeNaN();
  });

  it("is a copy that later calls don't change", async () => {
    const b = await bench();
    const before = b.gateway.calls;
    const length = before.length;
    await version(b.client);
    expect(before).toHaveLength(length);
    expect(b.gateway.calls).toHaveLength(length + 1);
  });
});

describe("behind the client's back", () => {
  it("the array is changed under the same rules", async () => {
    const b = await bench();
    const { array } = b.gateway;
    const id = array.createVolume({ name: "ours", sizeGiB: 20, protectionDomain: "domain2", storagePool: "pool1" });
    expect(await b.volume(id)).toMatchObject({ name: "ours", storagePoolId: b.pools.other, sizeInKb: 24 * 1024 ** 2 });
    array.map("ours", "node1");
    array.map("ours", b.sdcs[3]);
    array.setLimits("ours", "node1", { iopsLimit: 100, bandwidthLimitInKbps: 1024 });
    expect((await b.volume(id)).mappedSdcInfo).toMatchObject([{ limitIops: 100, limitBwInMbps: 1 }, { limitIops: 0 }]);
    expect(() => array.removeVolume("ours")).toThrow("Volume is mapped");
    array.unmap("ours", "node1");
    array.unmap("ours");
    array.renameVolume("ours", "theirs");
    array.resizeVolume("theirs", 32);
    expect(array.volume(id)).toEqual(await b.volume(id));
    array.removeVolume(id);
    expect(array.volume("theirs")).toBeUndefined();
    expect(() => array.map("theirs", "node1")).toThrow("Could not find the volume");
  });
});

describe("/_lab", () => {
  /** With a client that isn't logged in. */
  const open = async () => {
    const b = await bench();
    return { b, outsider: another(b.gateway) };
  };

  it("says what there is", async () => {
    const { outsider } = await open();
    const answer = await outsider.get("/_lab");
    expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
    const told = [...answer.text.matchAll(/^(GET|POST) +(\/_lab\/\w+)/gm)].map(([, method, path]) => [method, path]);
    expect(told.length).toBeGreaterThan(6);
    for (const [method, path] of told as [string, string][]) {
      expect((await outsider.send(method, path, method === "POST" ? {} : undefined)).status).not.toBe(404);
    }
  });

  it("shows the state and the calls without a token, and isn't in the calls itself", async () => {
    const { outsider, b } = await open();
    const { gateway } = b;
    await b.create({ name: "data" });
    expect((await outsider.get("/_lab/state")).json).toEqual({ ...gateway.state(), now: expect.any(String) });
    const { json: calls } = await outsider.get("/_lab/calls");
    expect(calls).toEqual(gateway.calls);
    expect(JSON.stringify(calls)).not.toContain("_lab");
    expect(await outsider.send("DELETE", "/_lab/calls")).toEqual(done);
    expect(gateway.calls).toEqual([]);
  });

  it("makes faults, lists them and removes them", async () => {
    const { outsider, b } = await open();
    const { client } = b;
    const pattern = { match: { path: { pattern: "version$" } }, times: 2, do: "unauthorized" };
    expect((await outsider.post("/_lab/faults", pattern)).json).toEqual({ id: 1 });
    await outsider.post("/_lab/faults", { match: { path: "createVolume" }, times: "always", do: { latencyMs: 1 } });
    expect((await version(client)).status).toBe(401);
    expect((await outsider.get("/_lab/faults")).json).toEqual([
      { id: 1, match: { path: { pattern: "version$" } }, do: "unauthorized", skip: 0, remaining: 1, hits: 1 },
      { id: 2, match: { path: "createVolume" }, do: { latencyMs: 1 }, skip: 0, remaining: "always", hits: 0 },
    ]);
    expect(await outsider.send("DELETE", "/_lab/faults")).toEqual(done);
    expect((await version(client)).status).toBe(200);
  });

  it.each([
    ["/_lab/faults", { do: "explode" }, /cut-after-commit/],
    ["/_lab/faults", {}, /do/],
    ["/_lab/faults", { do: "cut", match: { path: { pattern: "(" } } }, /path/],
    ["/_lab/faults", "{", /./],
    ["/_lab/clock", { advanceSeconds: -1 }, /advanceSeconds/],
    ["/_lab/clock", { seconds: 1 }, /seconds/],
    ["/_lab/latency", { milliseconds: "1" }, /milliseconds/],
  ])("%s refuses %j and says why", async (path, body, why) => {
    const { outsider } = await open();
    expect(await outsider.post(path, body)).toEqual(refused(400, 0, why));
  });

  it("moves the clock, restarts, slows down and completes moves", async () => {
    const { outsider, b } = await open();
    const { client, gateway, pools } = b;
    expect(Date.parse((await outsider.post("/_lab/clock", { advanceSeconds: 300 })).json.now)).toBeGreaterThan(
      Date.now(),
    );
    expect((await version(client)).status).toBe(200);
    expect(await outsider.post("/_lab/restart")).toEqual(done);
    expect((await version(client)).status).toBe(401);
    await client.login("admin", gateway.password);
    expect(await outsider.post("/_lab/latency", { milliseconds: 60_000 })).toEqual(done);
    const wait = holdWait(60_000);
    const slow = version(client);
    await wait.begun();
    wait.end();
    expect((await slow).status).toBe(200);
    gateway.setLatency(0);
    const id = await b.create();
    await client.act(id, "migrateVTree", { destSPId: pools.other });
    expect((await outsider.post("/_lab/migrations")).json).toEqual({ completed: 1 });
    expect(await b.volume(id)).toMatchObject({ storagePoolId: pools.other });
  });

  it("isn't slowed down or hit by faults", async () => {
    const { outsider, b } = await open();
    const { gateway } = b;
    gateway.setLatency(60_000);
    gateway.fault({ times: "always", do: "hang" });
    expect((await outsider.get("/_lab/state")).status).toBe(200);
  });
});

it("a gateway keeps no password of its own making to itself, and makes a new one each time", async () => {
  const [one, two] = [await start(), await start()];
  expect(one.gateway.password).not.toBe(two.gateway.password);
  expect(one.gateway.password.length).toBeGreaterThanOrEqual(16);
  const answer = await one.client.send("GET", "/api/login", undefined, {
    authorization: basic("admin", one.gateway.password),
  });
  expect(answer.status).toBe(200);
});
