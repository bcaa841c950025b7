// The protocol on a real socket: what dockerd sends, and what it is answered, down to the bytes that it must not choke on.

import { existsSync, promises, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";

import { serve, type Served } from "../../../src/docker/server";
import { until } from "../../../tools/test/time.js";
import { useFakeClock } from "../../support/clock";
import { FakePlugin } from "./fake";

let plugin: FakePlugin;
let served: Served | undefined;
let socket: string;

const start = async (timeLimitSeconds?: number) => {
  served = await serve({
    driver: await plugin.start(),
    socket: { path: socket },
    timeLimitSeconds,
    log: (line) => plugin.log.push(line),
  });
};

/** As dockerd sends it. */
function call(name: string, body?: unknown): Promise<{ status: number; type: string; answer: any }> {
  return new Promise((done, failed) => {
    const headers = { "content-type": "application/vnd.docker.plugins.v1.2+json", host: "" };
    const sent = request({ socketPath: socket, path: `/${name}`, method: "POST", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => {
        done({
          status: response.statusCode ?? 0,
          type: response.headers["content-type"] ?? "",
          answer: JSON.parse(text),
        });
      });
    });
    sent.on("error", failed);
    sent.end(typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body));
  });
}

beforeEach(() => {
  plugin = new FakePlugin();
  socket = join(plugin.directory, "plugins/sp.sock");
});
afterEach(async () => {
  jest.useRealTimers();
  await served?.close();
  served = undefined;
  plugin.dispose();
});

test("the calls of `docker run` in their order are answered as the protocol has it", async () => {
  await start();
  const name = "highperfvolume@gold";
  const calls: [string, unknown, object][] = [
    ["Plugin.Activate", undefined, { Implements: ["VolumeDriver"] }],
    ["VolumeDriver.Capabilities", undefined, { Capabilities: { Scope: "local" } }],
    ["VolumeDriver.Get", { Name: name }, { Err: expect.stringContaining('unknown volume "highperfvolume"') }],
    ["VolumeDriver.Create", { Name: name, Opts: null }, {}],
    ["VolumeDriver.Mount", { Name: name, ID: "a1" }, { Mountpoint: "/volumes/highperfvolume/mount" }],
    ["VolumeDriver.Path", { Name: name }, { Mountpoint: "/volumes/highperfvolume/mount" }],
    ["VolumeDriver.List", {}, { Volumes: [{ Name: name }] }],
    ["VolumeDriver.Unmount", { Name: name, ID: "a1" }, {}],
    ["VolumeDriver.Remove", { Name: name }, {}],
    ["VolumeDriver.List", {}, { Volumes: [] }],
  ];
  for (const [each, body, answer] of calls) {
    const got = await call(each, body);
    expect([each, got.status, got.answer]).toEqual([each, 200, answer]);
  }
  expect(statSync(socket).mode & 0o777).toBe(0o600);
});

test.each([
  ["no JSON", "{", "value-invalid"],
  ["nothing", "", "call-broken-off"],
  ["no name", { ID: "1" }, "wrong-type"],
  ["a name that is no text", { Name: 5 }, "wrong-type"],
  ["a name without end", { Name: "x".repeat(2_000) }, "value-out-of-range"],
  ["options that are no texts", { Name: "x", Opts: { size: 5 } }, "wrong-type"],
])("%s is an error that says so, not a crash", async (_, body, code) => {
  await start();
  const { status, answer } = await call("VolumeDriver.Create", body);
  expect([status, answer.Err]).toEqual([200, expect.stringContaining(`[${code}]`)]);
  expect((await call("Plugin.Activate")).answer).toEqual({ Implements: ["VolumeDriver"] });
});

test("a call whose time is up says what it waits for, and what it began is there for the next call", async () => {
  const release = plugin.fake.holdUps();
  await start(60);
  const pass = useFakeClock();
  const created = call("VolumeDriver.Create", { Name: "data@gold" });
  await until("the `up` has begun", () => plugin.fake.engine.includes("up data"));
  pass(60_000);
  expect((await created).answer.Err).toMatch(
    /not done after 60 s: still waiting for `pulumi up` of stack dev \(data\) \[time-is-up\]/,
  );
  const mounted = call("VolumeDriver.Mount", { Name: "data@gold", ID: "1" });
  await until("the call waits", () => jest.getTimerCount() > 0);
  pass(60_000);
  expect((await mounted).answer.Err).toContain("an earlier call for data");
  release();
  expect((await call("VolumeDriver.Mount", { Name: "data@gold", ID: "1" })).answer.Mountpoint).toContain("/data/");
  expect(plugin.fake.engine.filter((each) => each.startsWith("up"))).toEqual(["up data"]);
});

test("a problem alone is told once, with what is allowed and the way out", async () => {
  await start();
  const { answer } = await call("VolumeDriver.Create", { Name: "cheapvolume@" });
  expect(answer.Err).toBe(
    "volume: the profile after `@` is missing [reference-without-profile]\n" +
      "  allowed: `name` (which means `name@default`) or `name@profile`\n" +
      '  fix:     write "cheapvolume" for the default profile, or "cheapvolume@gold"',
  );
});

test("the socket is its owner's alone from the first moment on, and not by a change afterwards", async () => {
  const chmod = jest.spyOn(promises, "chmod").mockResolvedValue(undefined);
  await start();
  chmod.mockRestore();
  expect(statSync(socket).mode & 0o777).toBe(0o600);
});

test("a socket that a killed plugin left is taken, one that is served is not", async () => {
  await start();
  await expect(serve({ driver: await plugin.start(), socket: { path: socket }, log: () => undefined })).rejects.toThrow(
    "socket-in-use",
  );
  await served?.close();
  expect(existsSync(socket)).toBe(false);
  // A process that is killed leaves its socket; so does a server that is not told that it ends.
  const left = createServer().listen(socket);
  await new Promise((done) => left.once("listening", done));
  (left as any)._handle.close();
  await start();
  expect((await call("Plugin.Activate")).status).toBe(200);
});

test("a file in the socket's place is not removed", async () => {
  await start();
  await served?.close();
  writeFileSync(socket, "mine");
  await expect(start()).rejects.toThrow(/EADDRINUSE/);
  expect(existsSync(socket)).toBe(true);
  served = undefined;
});
