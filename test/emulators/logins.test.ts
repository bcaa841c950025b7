// Logging in, in both ways; how long it lasts; which credentials are good for what, on each version.
import { networkInterfaces } from "node:os";

import { testIf } from "../support/machine";
import { basic, bearer, Client, closeAfterEach, refused, start } from "./support";

closeAfterEach();

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const withLegacy = ["2.0", "3.6", "4.5"];

async function legacyToken(version: string, options = {}) {
  const { gateway, client } = await start({ version, ...options });
  const { json: token } = await client.login(gateway.username, gateway.password);
  return { gateway, client, token: token as string };
}

async function accessToken(options = {}) {
  const { gateway, client } = await start({ version: "4.5", ...options });
  const { username, password } = gateway;
  const { json } = await client.post("/rest/auth/login", { username, password });
  client.authorization = bearer(json.access_token);
  return { gateway, client, tokens: json };
}

const version = (client: Client, authorization?: string) =>
  client.send("GET", "/api/version", undefined, authorization === undefined ? {} : { authorization });

describe("GET /api/login", () => {
  it.each(withLegacy)("of %s gives a quoted token, and the version is quoted, too", async (text) => {
    const { client, token } = await legacyToken(text);
    expect(Buffer.from(token, "base64").toString()).toMatch(/^admin:\d+:[0-9a-f]+$/);
    const answer = await version(client);
    expect(answer).toMatchObject({ status: 200, text: `"${text}"` });
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
  });

  it.each([
    ["a wrong password", basic("admin", "wrong")],
    ["a wrong user", basic("root", "secret")],
    ["no password", basic("admin", "")],
    ["a header without a colon", `Basic ${Buffer.from("admin").toString("base64")}`],
    ["another scheme", "Digest abc"],
    ["the password as Bearer", bearer("secret")],
  ])("refuses %s with JSON", async (_what, authorization) => {
    const { client } = await start({ password: "secret", version: "3.6" });
    const answer = await client.send("GET", "/api/login", undefined, { authorization });
    expect(answer.json).toEqual({ message: "Unauthorized", httpStatusCode: 401, errorCode: 0 });
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toMatch(/^Basic realm=/);
  });

  it("has no WWW-Authenticate from 4.0 on", async () => {
    const { client } = await start({ version: "4.0" });
    expect((await client.get("/api/version")).headers).not.toHaveProperty("www-authenticate");
  });

  it("takes a password with colons and letters beyond ASCII", async () => {
    const { client } = await start({ password: "a:b:ü€" });
    expect((await client.login("admin", "a:b:ü€")).status).toBe(200);
  });

  it("gives dozens of sessions at once, each good by itself", async () => {
    const { gateway, client } = await start();
    const logins = await Promise.all(Array.from({ length: 60 }, () => client.login("admin", gateway.password)));
    expect(new Set(logins.map(({ text }) => text)).size).toBe(60);
    expect(gateway.state().sessions).toBe(60);
    const [first] = logins;
    expect((await version(client, basic("", first?.json))).status).toBe(200);
  });
});

describe("a token", () => {
  const forms = (token: string) => [basic("", token), basic("admin", token), basic("someone", token), bearer(token)];

  it.each([
    ["2.0", [200, 200, 200, 401]],
    ["3.6", [200, 200, 200, 401]],
    ["4.0", [200, 200, 200, 200]],
    ["4.5", [200, 200, 200, 200]],
  ])("on %s is the password of Basic, whoever the user, and from 4.0 on Bearer's", async (text, statuses) => {
    const { client, token } = await legacyToken(text);
    for (const [at, form] of forms(token).entries()) expect((await version(client, form)).status).toBe(statuses[at]);
  });

  it("of the new login is good in both forms", async () => {
    const { client, tokens } = await accessToken();
    for (const form of forms(tokens.access_token)) expect((await version(client, form)).status).toBe(200);
    expect((await version(client, bearer(tokens.refresh_token))).status).toBe(401);
  });

  it.each([
    ["none", undefined],
    ["the word None, as Cinder's first call", basic("admin", "None")],
    ["the password itself", basic("admin", "secret")],
    ["half a token", bearer("abc")],
  ])("is asked for by every call: %s isn't enough", async (_what, authorization) => {
    const { client } = await start({ password: "secret" });
    for (const [method, path] of [
      ["GET", "/api/version"],
      ["GET", "/api/logout"],
      ["GET", "/api/types/Volume/instances"],
      ["POST", "/api/types/Volume/instances"],
      ["GET", "/api/nowhere"],
      ["POST", "/rest/auth/logout"],
    ] as const) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      expect(await client.send(method, path, undefined, headers)).toEqual(refused(401, 0, "Unauthorized"));
    }
  });

  it("ends 8 hours after the login, however busy", async () => {
    const { gateway, client } = await legacyToken("3.6");
    for (let minutes = 0; minutes < 8 * 60 - 5; minutes += 5) {
      gateway.advance(5 * MINUTE);
      expect((await version(client)).status).toBe(200);
    }
    gateway.advance(5 * MINUTE);
    expect((await version(client)).status).toBe(401);
    expect(gateway.state().sessions).toBe(0);
  });

  it("ends after 10 minutes without a call, and each call starts them anew", async () => {
    const { gateway, client } = await legacyToken("3.6");
    gateway.advance(9 * MINUTE);
    expect((await version(client)).status).toBe(200);
    gateway.advance(9 * MINUTE);
    expect((await version(client)).status).toBe(200);
    gateway.advance(10 * MINUTE);
    expect((await version(client)).status).toBe(401);
  });

  it("ends with a restart of the gateway, which keeps the array", async () => {
    const { gateway, client } = await legacyToken("3.6");
    gateway.array.createVolume({ name: "kept", sizeGiB: 8 });
    gateway.restart();
    expect((await version(client)).status).toBe(401);
    expect(gateway.state()).toMatchObject({ sessions: 0, volumes: [{ name: "kept" }] });
  });

  it.each(withLegacy)("of %s ends with its own logout, and no other one", async (text) => {
    const { gateway, client, token } = await legacyToken(text);
    await client.login("admin", gateway.password);
    expect(await client.get("/api/logout")).toMatchObject({ status: 200 });
    expect((await version(client)).status).toBe(401);
    expect((await version(client, basic("", token))).status).toBe(200);
  });
});

describe("POST /rest/auth/login", () => {
  it("gives an access token and a refresh token", async () => {
    const { client, tokens } = await accessToken();
    expect(tokens).toMatchObject({ token_type: "Bearer", expires_in: 300, refresh_expires_in: 600 });
    expect(tokens.access_token).not.toBe(tokens.refresh_token);
    expect((await version(client)).status).toBe(200);
  });

  it.each([
    ["a wrong password", { username: "admin", password: "wrong" }, 401],
    ["a wrong user", { username: "root", password: "secret" }, 401],
    ["no password", { username: "admin" }, 400],
    ["no JSON", "username=admin", 400],
  ])("refuses %s", async (_what, body, status) => {
    const { client } = await start({ password: "secret" });
    expect(await client.post("/rest/auth/login", body)).toEqual(refused(status, 0));
  });

  it("has an access token end when it says, busy or not", async () => {
    const { gateway, client, tokens } = await accessToken({ accessTokenSeconds: 60 });
    expect(tokens.expires_in).toBe(60);
    gateway.advance(59_000);
    expect((await version(client)).status).toBe(200);
    gateway.advance(1000);
    expect((await version(client)).status).toBe(401);
  });

  it.each([
    ["its refresh token", (tokens: any) => ({ refresh_token: tokens.refresh_token })],
    ["nothing", () => ({})],
  ])("is undone by a logout with %s (204)", async (_what, body) => {
    const { gateway, client, tokens } = await accessToken();
    expect(await client.post("/rest/auth/logout", body(tokens))).toMatchObject({ status: 204, text: "" });
    expect((await version(client)).status).toBe(401);
    expect(gateway.state().sessions).toBe(0);
  });

  it("doesn't exist before 4.0", async () => {
    const { gateway, client } = await start({ version: "3.6" });
    const { username, password } = gateway;
    expect(await client.post("/rest/auth/login", { username, password })).toEqual(refused(404, 0));
    expect(await client.post("/rest/auth/logout")).toEqual(refused(404, 0));
  });
});

describe("the certificate", () => {
  it("is good for localhost, 127.0.0.1 and ::1 with the CA, and for nobody without it", async () => {
    const { gateway } = await start();
    const port = new URL(gateway.url).port;
    for (const host of ["localhost", "127.0.0.1"]) {
      const client = new Client(`https://${host}:${port}`, gateway.ca);
      expect((await client.get("/api/version")).status).toBe(401);
      await client.close();
    }
    const other = await start();
    const stranger = new Client(gateway.url, other.gateway.ca);
    await expect(stranger.get("/api/version")).rejects.toThrow(/certificate/);
    await stranger.close();
  });

  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === "::1"),
  );
  testIf(hasIpv6, "serves on IPv6's loopback, too", "no IPv6 here", async () => {
    const { gateway, client } = await start({ host: "::1" });
    expect(gateway.url).toMatch(/^https:\/\/\[::1\]:\d+$/);
    expect((await client.login("admin", gateway.password)).status).toBe(200);
  });
});

it("the Date header follows the gateway's clock", async () => {
  const { gateway, client } = await start();
  const now = jest.spyOn(Date, "now").mockReturnValue(Date.parse("2026-01-02T03:04:05Z"));
  try {
    gateway.advance(HOUR);
    expect((await client.get("/api/version")).headers["date"]).toBe("Fri, 02 Jan 2026 04:04:05 GMT");
  } finally {
    now.mockRestore();
  }
});

it.each(["", "four", "4.", "v4.5", "4.5 "])("the version %j is refused", async (text) => {
  await expect(start({ version: text })).rejects.toThrow("API version");
});
