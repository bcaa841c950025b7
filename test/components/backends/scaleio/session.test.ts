// The session with a gateway: logins that are shared, renewed once, and refused for good; connections and time limits; errors
// that say what, where and what to do, and never a secret.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ScaleioArray } from "../../../../components/backends/scaleio/array";
import { readConnection, variableOf } from "../../../../components/backends/scaleio/connection";
import { ScaleioError } from "../../../../components/backends/scaleio/errors";
import { GatewaySession, isAtLeast } from "../../../../components/backends/scaleio/session";
import { startScaleioGateway, type ScaleioGateway, type ScaleioGatewayOptions } from "../../../../emulators";
import { until } from "../../../../tools/test/time.js";
import { logins } from "../../../support/scaleio";

const MINUTE = 60_000;

/** What the test has opened; closed after it, the last first. */
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});
const opened = <T extends { close(): unknown }>(what: T): T => {
  open.push(what);
  return what;
};
const startGateway = async (options: ScaleioGatewayOptions = {}) => opened(await startScaleioGateway(options));
const connect = (gateway: ScaleioGateway, overrides: object = {}) =>
  opened(
    new GatewaySession({
      endpoint: gateway.url,
      username: gateway.username,
      password: gateway.password,
      ca: gateway.ca,
      insecure: false,
      timeoutMs: 60_000,
      ...overrides,
    }),
  );

/** What an action fails with. */
async function failure(action: Promise<unknown>): Promise<ScaleioError> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ScaleioError)) throw new Error(`it didn't fail as it should: ${String(error)}`);
  return error;
}

describe.each([
  ["2.0", "/api/login"],
  ["3.6", "/api/login"],
  ["4.5", "/rest/auth/login"],
])("on version %s", (version, loginPath) => {
  let gateway: ScaleioGateway;
  let session: GatewaySession;
  let array: ScaleioArray;
  const loginsOf = () => gateway.calls.filter(({ path }) => path === loginPath).length;
  beforeEach(async () => {
    gateway = await startGateway({ version });
    session = connect(gateway);
    array = new ScaleioArray(session);
  });

  test("fifty who start together share one login", async () => {
    const asked = Array.from({ length: 50 }, (_, n) => array.volume(n.toString(16).padStart(16, "0")));
    expect(await Promise.all(asked)).toEqual(Array(50).fill(undefined));
    expect(loginsOf()).toBe(1);
    expect(await session.version()).toBe(version);
  });

  test.each<[string, (gateway: ScaleioGateway) => void]>([
    ["after ten minutes without a call", (each) => each.advance(11 * MINUTE)],
    ["after eight hours", (each) => each.advance(8 * 60 * MINUTE + 1)],
    ["after the gateway was started anew", (each) => each.restart()],
    [
      "after a 401 that nobody expected",
      (each) => each.fault({ match: { path: "/api/types/Volume" }, do: "unauthorized" }),
    ],
    [
      "after a 401 that is a page in HTML",
      (each) => each.fault({ match: { path: "/api/types/Volume" }, do: "unauthorized-html" }),
    ],
  ])("logs in again %s, once for all who see it, and repeats each request once", async (_name, expire) => {
    await session.version();
    expire(gateway);
    gateway.clearCalls();
    const found = await Promise.all(Array.from({ length: 20 }, (_, n) => array.volumeByName(`none${n}`)));
    expect(found).toEqual(Array(20).fill(undefined));
    expect(loginsOf()).toBe(1);
    const asked = gateway.calls.filter(({ path }) => path.includes("queryIdByKey"));
    expect(asked.filter(({ status }) => status !== 401)).toHaveLength(20);
  });

  test("repeats a request once, and no more, when new logins are refused as well", async () => {
    await session.version();
    gateway.fault({ match: { path: "/api/types/System" }, times: "always", do: "unauthorized" });
    gateway.clearCalls();
    const { code, message } = await failure(array.systemId());
    expect([code, message]).toEqual(["forbidden", expect.stringContaining("reading the array's id")]);
    expect(gateway.calls.filter(({ path }) => path.includes("System"))).toHaveLength(2);
    expect(loginsOf()).toBe(1);
  });

  test("a wrong password is tried once, however many ask, and is in no error", async () => {
    const wrong = connect(gateway, { password: "s3cret-and-wrong" });
    const other = new ScaleioArray(wrong);
    for (let wave = 0; wave < 2; wave++) {
      for (const { code, message, stack } of await Promise.all(
        Array.from({ length: 10 }, () => failure(other.systemId())),
      )) {
        expect(code).toBe("login-refused");
        expect(`${message} ${stack}`).not.toContain("s3cret");
        expect(stack).not.toMatch(/\n +at /);
      }
    }
    expect(logins(gateway)).toBe(1);
  });

  test("reads are repeated when the connection breaks; a create isn't, since it may have been done", async () => {
    await session.version();
    gateway.fault({ match: { path: "/api/types/System" }, times: 2, do: "cut" });
    expect(await array.systemId()).toMatch(/^[0-9a-f]{16}$/);
    const [pool] = await array.pools();
    gateway.fault({ match: { path: "createVolume" }, do: "cut-after-commit" });
    gateway.clearCalls();
    const wanted = { name: "once", sizeGiB: 8, thick: false, ramCache: false, compressed: false, pool: pool! };
    expect((await failure(array.createVolume(wanted))).code).toBe("interrupted");
    expect(gateway.state().volumes).toHaveLength(1);
    expect(gateway.calls).toHaveLength(1);
  });

  test("what the array refuses is told with its words, its code, the object, and what to do", async () => {
    const [pool] = await array.pools();
    const wanted = { name: "twice", sizeGiB: 8, thick: false, ramCache: false, compressed: false, pool: pool! };
    await array.createVolume(wanted);
    const { message, errorCode, code } = await failure(array.createVolume(wanted));
    expect([code, errorCode]).toEqual(["refused", 99]);
    expect(message).toBe(
      'creating volume twice: the array says "Volume name already in use. Please use a different name" (code 99). ' +
        "Choose another physicalName, or import that volume with `import`.",
    );
  });
});

test("no answer within the time limit is an error that says how long that is", async () => {
  const gateway = await startGateway();
  const array = new ScaleioArray(connect(gateway, { timeoutMs: 1_000 }));
  gateway.fault({ match: { path: "/api/types/Sdc" }, times: "always", do: "hang" });
  const { code, message } = await failure(array.sdcs());
  expect([code, message]).toEqual(["timed-out", expect.stringContaining("within 1 s (scaleio:timeoutSeconds)")]);
  // What failed is asked again, and not remembered. A busy machine may need more than one second for it.
  gateway.clearFaults();
  expect(await until("it is answered", () => array.sdcs().catch(() => undefined))).toHaveLength(4);
});

describe("a gateway's certificate", () => {
  let gateway: ScaleioGateway;
  beforeAll(async () => {
    gateway = await startScaleioGateway();
  });
  afterAll(() => gateway.close());

  test.each<[string, object, string | undefined]>([
    ["is verified against the CA that is given", {}, undefined],
    ["is refused when the CA isn't known", { ca: undefined }, "certificate-untrusted"],
    ["is not looked at when told so", { ca: undefined, insecure: true }, undefined],
  ])("%s", async (_name, overrides, code) => {
    const session = connect(gateway, overrides);
    const version = session.version();
    if (code === undefined) expect(await version).toBe("4.5");
    else expect((await failure(version)).code).toBe(code);
  });

  test("of another name is refused", async () => {
    const everywhere = await startGateway({ host: "0.0.0.0" });
    const session = connect(everywhere, { endpoint: everywhere.url.replace("0.0.0.0", "127.0.0.3") });
    expect((await failure(session.version())).code).toBe("certificate-untrusted");
  });
});

test("a server that is no gateway is told as such", async () => {
  const gateway = await startGateway();
  gateway.fault({ match: { path: "/api/login" }, times: "always", do: "unauthorized-html" });
  const session = connect(gateway);
  expect((await failure(session.version())).message).toContain('rejected the login of user "admin"');
});

describe("what stands before a gateway", () => {
  // A proxy that lets the login through, and loses what changes something.
  const proxy = (status: number) =>
    createServer((request, response) => {
      const answers: Record<string, string> = { "/api/login": '"token"', "/api/version": '"3.6"' };
      const answer = answers[request.url ?? ""];
      response.writeHead(answer === undefined ? status : 200, {
        "content-type": answer === undefined ? "text/html" : "application/json",
      });
      response.end(answer ?? "<h1>Bad Gateway</h1>");
    });

  test.each([502, 503, 504])("answers %i: a read is repeated, and of a create nobody knows", async (status) => {
    const server = proxy(status);
    const asked: string[] = [];
    server.on("request", ({ url }: { url?: string }) => asked.push(url ?? ""));
    const session = await plainSession(server);
    const array = new ScaleioArray(session);
    const pool = { id: "1", name: "p", domainId: "2", domain: "d", fineGranularity: false, thinOnly: false };
    const wanted = { name: "v", sizeGiB: 8, thick: false, ramCache: false, compressed: false, pool };
    expect((await failure(array.createVolume(wanted))).code).toBe("interrupted");
    expect(asked.filter((url) => url.includes("Volume"))).toHaveLength(1);
    expect((await failure(array.sdcs())).message).toContain("got no response from it");
    expect(asked.filter((url) => url.includes("Sdc"))).toHaveLength(3);
  });

  test("breaks every connection: a login is tried three times, and not three times for each try of what needs it", async () => {
    const server = createServer();
    let connections = 0;
    server.on("connection", (socket) => {
      connections++;
      socket.destroy();
    });
    const session = await plainSession(server);
    expect((await failure(new ScaleioArray(session).systemId())).code).toBe("interrupted");
    expect(connections).toBe(3);
  });

  async function plainSession(server: Server): Promise<GatewaySession> {
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    opened({ close: () => server.close() });
    const { port } = server.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}`;
    return opened(new GatewaySession({ endpoint, username: "u", password: "p", insecure: true, timeoutMs: 60_000 }));
  }
});

test("versions are compared by their numbers", () => {
  expect([isAtLeast("4.5", "4.0"), isAtLeast("10.0", "4.0"), isAtLeast("3.6", "4.0"), isAtLeast("4", "4.0")]).toEqual([
    true,
    true,
    false,
    true,
  ]);
});

describe("the connection's config", () => {
  const directory = mkdtempSync(join(tmpdir(), "sp-connection-"));
  afterAll(() => rmSync(directory, { recursive: true }));
  const read = (config: Record<string, string>, environment = {}) =>
    readConnection((key) => config[key.replace("scaleio:", "")], environment);
  const good = { endpoint: "https://gateway.example:8443/", username: "admin", password: "p" };

  test("is read from the config, and from the environment where that says nothing", () => {
    const environment = { SCALEIO_USERNAME: "other", SCALEIO_TIMEOUT_SECONDS: "5" };
    expect(read(good, environment)).toEqual({
      endpoint: "https://gateway.example:8443",
      username: "admin",
      password: "p",
      ca: undefined,
      insecure: false,
      timeoutMs: 5_000,
    });
    expect(read({ ...good, endpoint: "gateway.example" }).endpoint).toBe("https://gateway.example");
    expect(variableOf("caFile")).toBe("SCALEIO_CA_FILE");
  });

  test("has the password from a file as well, and from one place at a time", () => {
    const file = join(directory, "password");
    writeFileSync(file, "from the file\n");
    const { password: _, ...rest } = good;
    expect(read({ ...rest, passwordFile: file }).password).toBe("from the file");
    expect(read({ ...rest, passwordFile: file }, { SCALEIO_PASSWORD: "p" }).password).toBe("from the file");
    expect(read(rest, { SCALEIO_PASSWORD_FILE: file }).password).toBe("from the file");
    writeFileSync(join(directory, "empty"), "\n");
    expect(() => read({ ...rest, passwordFile: join(directory, "empty") })).toThrow("empty is empty");
    expect(() => read({ ...good, passwordFile: file })).toThrow("password and passwordFile are both set");
    expect(() => read({ ...rest, passwordFile: join(directory, "none") })).toThrow("passwordFile: ENOENT");
  });

  test("refuses an endpoint with a path, which would not be used", () => {
    for (const endpoint of [
      "https://gateway.example/api",
      "https://gateway.example:443/x/",
      "https://gateway.example?a",
    ])
      expect(() => read({ ...good, endpoint })).toThrow(
        "endpoint contains more than an address: use https://gateway.example",
      );
    expect(read({ ...good, endpoint: "https://gateway.example/" }).endpoint).toBe("https://gateway.example");
  });

  test("tells all that is wrong with it at once, and never the password", () => {
    writeFileSync(join(directory, "no.pem"), "nothing");
    const wrong = {
      endpoint: "http://user:hidden@gateway.example",
      password: "hidden",
      insecure: "yes",
      timeoutSeconds: "0",
      caFile: join(directory, "no.pem"),
    };
    expect(() => read(wrong)).toThrow(ScaleioError);
    try {
      read(wrong);
    } catch (error) {
      const { message } = error as ScaleioError;
      for (const part of [
        "username is missing",
        "insecure must be",
        "timeoutSeconds must be",
        "endpoint contains a user",
        "no PEM",
      ]) {
        expect(message).toContain(part);
      }
      expect(message).not.toContain("hidden");
    }
    const { endpoint: _, ...rest } = good;
    expect(() => read(rest)).toThrow("endpoint is missing: pulumi config set scaleio:endpoint");
  });
});

test("a sign-in page in place of an answer is called that, with the address and what to look at", async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Sign in</title>");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  opened({ close: () => server.close() });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { endpoint, username: "admin", password: "secret", ca: undefined, insecure: true, timeoutMs: 5_000 };
  const { code, message } = await failure(opened(new GatewaySession(options)).version());
  expect(code).toBe("answer-unreadable");
  expect(message).toContain(`${endpoint} responded with a web page, not like a ScaleIO gateway`);
  expect(message).toContain("Check scaleio:endpoint, and any proxy or sign-in page in front of the gateway");
});
