// The command: starts a gateway, says how to use it, and ends cleanly. Runs as a process of its own, compiled from the source.
import { transformFileSync } from "@swc/core";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";

import { until } from "../../tools/test/time.js";
import { Client } from "./support";

const repository = path.resolve(__dirname, "../..");
const scratch = fs.mkdtempSync(path.join(tmpdir(), "sp-gateway-"));
const script = path.join(scratch, "emulators/scaleio/cli.js");
const running: ChildProcess[] = [];

beforeAll(() => {
  for (const folder of ["emulators/scaleio", "src/system"]) {
    fs.mkdirSync(path.join(scratch, folder), { recursive: true });
    for (const name of fs.readdirSync(path.join(repository, folder))) {
      const { code } = transformFileSync(path.join(repository, folder, name), {
        swcrc: false,
        jsc: { parser: { syntax: "typescript" }, target: "es2022" },
        module: { type: "commonjs" },
      });
      fs.writeFileSync(path.join(scratch, folder, name.replace(/\.ts$/, ".js")), code);
    }
  }
  fs.symlinkSync(path.join(repository, "node_modules"), path.join(scratch, "node_modules"));
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly errors: () => string;
  readonly exit: Promise<{ code: number | null; signal: string | null }>;
}

function run(args: string[], env: NodeJS.ProcessEnv = {}): Run {
  const { SCALEIO_PASSWORD: _password, ...inherited } = process.env;
  const child = spawn(process.execPath, [script, ...args], { env: { ...inherited, ...env }, cwd: scratch });
  running.push(child);
  let [output, errors] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
  const exit = once(child, "close").then(([code, signal]) => ({ code, signal }));
  return { child, output: () => output, errors: () => errors, exit };
}

/** The settings that it tells to make, by their keys. */
async function settings(of: Run): Promise<Record<string, string>> {
  await until("the gateway prints its settings", async () => {
    if (of.child.exitCode === null) return of.output().includes("Ctrl+C");
    await of.exit;
    throw new Error(of.errors());
  });
  const lines = of.output().matchAll(/^ {2}pulumi config set (?:--\w+ )?(\S+)(?: (.*))?$/gm);
  return Object.fromEntries([...lines].map(([, key, value]) => [key, value ?? ""]));
}

function clientFor(config: Record<string, string>): Client {
  return new Client(config["scaleio:endpoint"] ?? "", fs.readFileSync(config["scaleio:caFile"] ?? "", "utf8"));
}

const directory = (name: string) => path.join(scratch, name);
const start = (name: string, ...args: string[]) => run(["--port", "0", "--directory", directory(name), ...args]);

describe("storage-profiles-scaleio-gateway", () => {
  it("says how to use it, in settings that work", async () => {
    const gateway = start("plain");
    const config = await settings(gateway);
    expect(config).toEqual({
      "storage-profiles:backend": "scaleio",
      "storage-profiles:scaleio.protectionDomain": "domain1",
      "storage-profiles:scaleio.storagePool": "pool1",
      "scaleio:endpoint": expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/),
      "scaleio:username": "admin",
      "scaleio:password": expect.stringMatching(/^\w{16,}$/),
      "scaleio:caFile": path.join(directory("plain"), "ca.pem"),
    });
    expect(gateway.output()).toContain("pulumi config set --secret scaleio:password");
    const client = clientFor(config);
    expect((await client.login("admin", config["scaleio:password"] ?? "")).status).toBe(200);
    expect((await client.get("/api/version")).json).toBe("4.5");
    await client.close();
    expect(gateway.errors()).toBe("");
  });

  it.each(["SIGTERM", "SIGINT"] as const)("ends at %s, with code 0, also while somebody waits", async (signal) => {
    const gateway = start("signals", "--latency", "60000");
    const client = clientFor(await settings(gateway));
    const waiting = client.get("/api/version").catch(() => "cut off");
    await until("the gateway has the request", async () => (await client.get("/_lab/calls")).json.length > 0);
    gateway.child.kill(signal);
    expect(await gateway.exit).toEqual({ code: 0, signal: null });
    expect(await waiting).toBe("cut off");
    await client.close();
  });

  it("keeps its CA, whose key nobody else may read; the second start needs no new settings", async () => {
    const first = start("kept");
    const before = await settings(first);
    const ca = fs.readFileSync(before["scaleio:caFile"] ?? "", "utf8");
    first.child.kill("SIGTERM");
    await first.exit;
    expect(fs.statSync(path.join(directory("kept"), "ca-key.pem")).mode & 0o777).toBe(0o600);
    const second = start("kept");
    const after = await settings(second);
    expect(fs.readFileSync(after["scaleio:caFile"] ?? "", "utf8")).toBe(ca);
    const client = new Client(after["scaleio:endpoint"] ?? "", ca);
    expect((await client.get("/api/version")).status).toBe(401);
    await client.close();
  });

  it.each([
    ["the certificate", "ca.pem"],
    ["the key", "ca-key.pem"],
  ])("makes a new CA where %s is damaged", async (_what, file) => {
    fs.mkdirSync(directory(file));
    fs.writeFileSync(path.join(directory(file), file === "ca.pem" ? "ca-key.pem" : "ca.pem"), "");
    fs.writeFileSync(path.join(directory(file), file), "damaged");
    const client = clientFor(await settings(start(file)));
    expect((await client.get("/api/version")).status).toBe(401);
    await client.close();
  });

  it("says in one line that the port is in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    try {
      const gateway = run(["--port", String(port), "--directory", directory("port")]);
      expect(await gateway.exit).toEqual({ code: 1, signal: null });
      const lines = gateway.errors().trim().split("\n");
      expect(lines).toEqual([expect.stringMatching(new RegExp(`port ${port} is in use`))]);
      expect(gateway.output()).toBe("");
    } finally {
      server.close();
    }
  });

  it.each([
    ["a file", (file: string) => ({ args: ["--password-file", file], env: {} })],
    ["the environment", () => ({ args: [], env: { SCALEIO_PASSWORD: "s3cret word" } })],
  ])("takes the password from %s and never prints it", async (_what, given) => {
    const file = path.join(scratch, "password");
    fs.writeFileSync(file, "s3cret word\n");
    const { args, env } = given(file);
    const gateway = run(["--port", "0", "--directory", directory("secret"), "--username", "me", ...args], env);
    const config = await settings(gateway);
    expect(config).toMatchObject({ "scaleio:username": "me", "scaleio:password": "" });
    expect(gateway.output() + gateway.errors()).not.toContain("s3cret");
    const client = clientFor(config);
    expect((await client.login("me", "s3cret word")).status).toBe(200);
    await client.close();
  });

  it("serves the array that a file describes, in the version that is asked for", async () => {
    const file = path.join(scratch, "array.json");
    const storagePools = [{ name: "it's", capacityGiB: 64 }];
    fs.writeFileSync(file, JSON.stringify({ protectionDomains: [{ name: "d", storagePools }] }));
    const config = await settings(start("array", "--array", file, "--api-version", "2.0"));
    expect(config["storage-profiles:scaleio.storagePool"]).toBe(`'it'\\''s'`);
    const client = clientFor(config);
    await client.login("admin", config["scaleio:password"] ?? "");
    expect((await client.get("/api/version")).json).toBe("2.0");
    expect((await client.get("/api/types/StoragePool/instances")).json).toMatchObject([{ name: "it's" }]);
    await client.close();
  });

  it.each([
    ["a version that isn't one", ["--api-version", "new"], /API version/],
    ["a port that isn't one", ["--port", "70000"], /port/],
    ["a latency that isn't one", ["--latency", "soon"], /milliseconds/],
    ["a file that isn't there", ["--array", "none.json"], /none\.json/],
    ["a file that isn't JSON", ["--array", "bad.json"], /bad\.json isn't JSON/],
    ["an array that can't be", ["--array", "empty.json"], /empty\.json doesn't describe an array[^]*protectionDomains/],
    ["an empty password", ["--password-file", "blank"], /password/],
    ["an address that isn't ours", ["--host", "192.0.2.1", "--directory", "host"], /EADDRNOTAVAIL/],
    ["an option that there isn't", ["--colour"], /--colour/],
  ])("refuses %s", async (_what, args, message) => {
    fs.writeFileSync(path.join(scratch, "bad.json"), "{");
    fs.writeFileSync(path.join(scratch, "empty.json"), "{}");
    fs.writeFileSync(path.join(scratch, "blank"), "\n");
    const gateway = run(args);
    expect(await gateway.exit).toMatchObject({ code: 1 });
    expect(gateway.errors()).toMatch(message);
    expect(gateway.errors()).not.toMatch(/^ +at /m);
  });
});
