// What a login to Keystone and a request to Cinder do when a response isn't one of OpenStack's, or the login has expired: against a server
// that answers what the test says.

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { z } from "zod";

import { readConnection } from "../../../../components/backends/openstack/connection";
import { isStatus } from "../../../../components/backends/openstack/errors";
import { CinderSession } from "../../../../components/backends/openstack/session";

interface Canned {
  status: number;
  body: string;
  headers?: Record<string, string>;
}

const PAGE: Canned = {
  status: 200,
  body: "<!DOCTYPE html><title>Sign in</title>",
  headers: { "content-type": "text/html" },
};
const REDIRECT: Canned = { status: 302, body: "", headers: { location: "https://sign-in.example/" } };

let server: Server;
let address: string;
let answer: (request: IncomingMessage) => Canned;
let logins: number;

const isLogin = ({ url }: IncomingMessage) => url === "/v3/auth/tokens";
/** The login that Keystone grants: its token is the number of the login. */
function granted(): Canned {
  logins += 1;
  const endpoints = [{ interface: "public", region: "RegionOne", region_id: "RegionOne", url: `${address}/cinder` }];
  const token = { project: { id: "p" }, catalog: [{ type: "block-storage", endpoints }] };
  return { status: 201, body: JSON.stringify({ token }), headers: { "x-subject-token": `token-${logins}` } };
}
const json = (value: unknown): Canned => ({
  status: 200,
  body: JSON.stringify(value),
  headers: { "content-type": "application/json" },
});

beforeAll(async () => {
  server = createServer((request, response) => {
    const { status, body, headers } = answer(request);
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => void (logins = 0));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function session(): CinderSession {
  const config: Record<string, string> = {
    "openstack:authUrl": address,
    "openstack:userName": "demo",
    "openstack:password": "secret-word",
    "openstack:tenantName": "demo",
  };
  return new CinderSession(readConnection((key) => config[key], {}));
}
const thrown = (promise: Promise<unknown>) =>
  promise.then(
    () => new Error("nothing was thrown"),
    (error: unknown) => error as Error,
  );
const read = (from = session()) => from.get("/volumes/v", z.object({ name: z.string() }), "reading volume v");

test.each([
  ["with 200", PAGE, "a web page"],
  ["with 403", { ...PAGE, status: 403 }, "a web page"],
  ["by a redirection", REDIRECT, "status 302"],
])("a sign-in page in place of Keystone, %s, is named with the address and what to check", async (_, page, said) => {
  answer = () => page;
  const { message } = await thrown(read());
  expect(message).toBe(
    `logging in: ${address}/v3 responded with ${said}, not like Keystone. Check openstack:authUrl, and any proxy or sign-in page in ` +
      "front of the cloud.",
  );
});

test.each([
  ["with 200", PAGE, "a web page"],
  ["with 404", { ...PAGE, status: 404 }, "a web page"],
  ["by a redirection", REDIRECT, "status 302"],
])("a sign-in page in place of Cinder, %s, is named, and doesn't mean that a volume is gone", async (_, page, said) => {
  answer = (request) => (isLogin(request) ? granted() : page);
  const error = await thrown(read());
  expect(isStatus(error, 404)).toBe(false);
  expect(error.message).toBe(
    `reading volume v: ${address}/cinder responded with ${said}, not like Cinder. Check openstack:authUrl and endpointOverrides, and any ` +
      "proxy or sign-in page in front of the cloud.",
  );
});

test("a rejected login is reported with its reason, and isn't repeated for each request", async () => {
  answer = () => {
    logins += 1;
    return { status: 401, body: JSON.stringify({ error: { message: "no" } }) };
  };
  const one = session();
  for (let i = 0; i < 3; i += 1) expect((await thrown(read(one))).message).toContain("rejected the login of user");
  expect(logins).toBe(1);
});

test("a login that has expired is renewed once for all requests that run", async () => {
  answer = (request) => {
    if (isLogin(request)) return granted();
    return request.headers["x-auth-token"] === "token-1" ? { status: 401, body: "" } : json({ name: "data" });
  };
  const one = session();
  expect(await Promise.all(Array.from({ length: 20 }, () => read(one)))).toEqual(Array(20).fill({ name: "data" }));
  expect(logins).toBe(2);
});

test("a service that rejects every login is asked twice, not for ever", async () => {
  answer = (request) => (isLogin(request) ? granted() : { status: 401, body: "" });
  expect((await thrown(read())).message).toContain("Cinder rejected a login that Keystone has just granted");
  expect(logins).toBe(2);
});
