// The connection to the gateway: one clear error for each thing that can be wrong with it, one login for all volumes, and the
// password and tokens nowhere.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startScaleioGateway, type ScaleioGateway } from "../../testing";
import { diagnostics, succeeded } from "../support/engine";
import { logins, onArray, ScaleioProject } from "../support/scaleio";

jest.setTimeout(600_000);

const PASSWORD = "p4ss-w0rd%of:the-test";

describe("the connection", () => {
  let gateway: ScaleioGateway;
  const project = new ScaleioProject("connection", () => gateway);
  const secretsDirectory = mkdtempSync(join(tmpdir(), "sp-secrets-"));
  const passwordFile = join(secretsDirectory, "password");
  beforeAll(async () => {
    writeFileSync(passwordFile, `${PASSWORD}\n`);
    gateway = await startScaleioGateway({ password: PASSWORD });
    await project.init();
    project.program('for (let n = 0; n < 20; n++) new ProfiledVolume("v" + n, { sizeGiB: 8 });');
  });
  afterAll(async () => {
    await project.connect();
    await project.dispose();
    await gateway.close();
    rmSync(secretsDirectory, { recursive: true });
  });

  test.each<[string, () => Record<string, string | null>, string]>([
    [
      "a wrong password",
      () => ({ password: "wrong" }),
      'refuses the login of user "admin". Check scaleio:username, and set the password',
    ],
    ["a wrong user", () => ({ username: "nobody" }), 'refuses the login of user "nobody"'],
    ["no CA", () => ({ caFile: null }), "isn't trusted"],
    ["a CA file that isn't there", () => ({ caFile: "nope.pem" }), "scaleio:caFile: ENOENT"],
    ["a CA file that is none", () => ({ caFile: "Pulumi.yaml" }), "holds no PEM certificate"],
    [
      "a gateway that is down",
      () => ({ endpoint: "https://127.0.0.1:9" }),
      "the gateway https://127.0.0.1:9 can't be reached: connect ECONNREFUSED",
    ],
    [
      "a host that there isn't",
      () => ({ endpoint: "https://gateway.invalid" }),
      "the gateway https://gateway.invalid can't be reached",
    ],
    ["no endpoint", () => ({ endpoint: null }), "scaleio:endpoint is missing: pulumi config set scaleio:endpoint"],
    [
      "no password",
      () => ({ password: null }),
      "scaleio:password is missing: pulumi config set --secret scaleio:password",
    ],
    [
      "a password in the endpoint",
      () => ({ endpoint: "https://a:b@127.0.0.1" }),
      "endpoint holds a user or a password",
    ],
    ["http", () => ({ endpoint: "http://127.0.0.1:1" }), "the password would go out in clear"],
  ])("%s is one clear error, without a stack", async (_name, connection, message) => {
    await project.connect({}, connection());
    gateway.clearCalls();
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const ran = await project.run(command);
      expect([ran.code === 0, ran.text]).toEqual([false, expect.stringContaining(message)]);
      const told = diagnostics(ran);
      expect(told.split(message)).toHaveLength(2);
      expect(told).not.toMatch(/\n +at /);
      expect(ran.text).not.toContain(PASSWORD);
    }
    // A user would be locked out by twenty attempts.
    expect(logins(gateway)).toBeLessThanOrEqual(2);
    expect(onArray(gateway)).toEqual([]);
  });

  test("another server's CA is refused; `insecure` goes without, and says nothing of the password", async () => {
    const other = await startScaleioGateway();
    await other.close();
    await project.connect();
    project.write("other.pem", other.ca);
    await project.connect({}, { caFile: "other.pem" });
    const { code, text } = await project.run(["preview"]);
    expect([code === 0, text]).toEqual([false, expect.stringContaining("isn't trusted")]);
    await project.connect({}, { caFile: null, insecure: "true" });
    succeeded(await project.run(["preview"]));
  });

  test("the password comes from the environment as well, and a plain one in the config is warned of", async () => {
    await project.connect({}, { password: null });
    succeeded(await project.run(["preview"], { SCALEIO_PASSWORD: PASSWORD }));
    succeeded(await project.run(["config", "set", "--plaintext", "scaleio:password", PASSWORD]));
    const text = succeeded(await project.run(["preview"]));
    expect(text).toContain("scaleio:password stands in Pulumi.dev.yaml as plain text");
    expect(text).not.toContain(PASSWORD);
  });

  test("the gateway of another array is refused before anything is read, changed or removed there", async () => {
    await project.connect();
    project.program('new ProfiledVolume("v0", { sizeGiB: 8 });');
    await project.up();
    const protectionDomains = [{ name: "domain1", storagePools: [{ name: "pool1", capacityGiB: 1024 }] }];
    const other = await startScaleioGateway({
      password: PASSWORD,
      array: { system: { name: "another" }, protectionDomains, sdcs: [{ name: "node1", ips: ["192.0.2.11"] }] },
    });
    try {
      project.write("other.pem", other.ca);
      await project.connect({}, { endpoint: other.url, caFile: "other.pem" });
      project.program('new ProfiledVolume("v0@gold", { sizeGiB: 8 });');
      for (const command of [["up"], ["refresh", "--run-program"], ["destroy", "--run-program"]]) {
        const { code, text } = await project.run([...command, "--yes", "--skip-preview"]);
        expect([code === 0, text]).toEqual([false, expect.stringContaining("is the gateway of array")]);
      }
      // Nor is a new mapping of a volume that doesn't change made there: ids may be the same.
      project.program(`
        const volume = new ProfiledVolume("v0", { sizeGiB: 8 });
        new VolumeMapping("m", { volume, sdc: "node1" });
      `);
      for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
        const { code, text } = await project.run(command);
        expect([code === 0, text]).toEqual([false, expect.stringContaining("is the gateway of array")]);
      }
      expect(other.calls.filter(({ path }) => path.includes("Volume"))).toEqual([]);
    } finally {
      await other.close();
    }
    await project.connect();
    expect(Object.keys(await project.state())).toContain("ScaleioVolume v0");
  });

  // The engine itself logs the config that it hands to any provider, secrets too, at `-v=9`. From the environment, or from a
  // file, it never gets the password.
  test.each([
    ["config", []],
    ["environment", ["--logtostderr", "-v=9", "--logflow"]],
    ["file", ["--logtostderr", "-v=9", "--logflow"]],
  ])("from the %s: neither the password nor a token is in a state, a log or an error", async (from, logging) => {
    const connect = async (more = {}) => {
      const password = from === "config" ? PASSWORD : null;
      await project.connect({}, { password, passwordFile: from === "file" ? passwordFile : null, ...more });
    };
    const program = (profile: string) =>
      project.program(`
        const volume = new ProfiledVolume("v0@${profile}", { sizeGiB: 8 });
        new VolumeMapping("m", { volume, sdc: "node1" });
      `);
    const logs: string[] = [];
    await connect();
    const loud = async (...args: string[]) => {
      const environment = from === "environment" ? { SCALEIO_PASSWORD: PASSWORD } : {};
      logs.push((await project.run([...args, ...logging], environment)).text);
    };
    program("gold");
    await loud("preview");
    await loud("up", "--yes", "--skip-preview");
    gateway.restart();
    program("silver");
    gateway.fault({
      match: { path: "setMappedSdcLimits" },
      do: { error: { status: 500, errorCode: 64, message: "no" } },
    });
    await loud("up", "--yes", "--skip-preview");
    await loud("refresh", "--yes", "--skip-preview");
    await connect({ caFile: null });
    await loud("up", "--yes", "--skip-preview");
    await connect();
    await loud("destroy", "--yes", "--skip-preview");
    logs.push((await project.run(["stack", "export"])).text);
    const secrets = [PASSWORD, Buffer.from(`admin:${PASSWORD}`).toString("base64"), ...gateway.issuedTokens()];
    expect(secrets.length).toBeGreaterThan(5);
    expect(logs.join("")).toContain("ScaleioVolume");
    const said = logs.map((text, index): [string, string] => [`run ${index}`, text]);
    const places = [...said, ...filesBelow(join(project.directory, ".."))];
    const leaks = secrets.flatMap((secret, index) => {
      const json = JSON.stringify(secret).slice(1, -1);
      const encodings = [secret, json, encodeURIComponent(secret), Buffer.from(secret).toString("base64")];
      return encodings.flatMap((text) =>
        places
          .filter(([, place]) => place.includes(text))
          .map(([where, place]) => {
            const at = place.indexOf(text);
            return `secret ${index} in ${where}: ${place.slice(Math.max(0, at - 200), at)}***`;
          }),
      );
    });
    expect(leaks).toEqual([]);
  });
});

// What the engine and we have written: state, backups, history, config.
function filesBelow(directory: string): [string, string][] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => [file, readFileSync(file, "utf8")]);
}

describe.each([
  [1, "2.0"],
  [20, "3.6"],
  [300, "4.5"],
])("%i volumes at once", (count, version) => {
  let gateway: ScaleioGateway;
  const project = new ScaleioProject(`many${count}`, () => gateway);
  beforeAll(async () => {
    gateway = await startScaleioGateway({ version });
    await project.connect();
    project.program(`
      for (let n = 1; n <= ${count}; n++) {
        const volume = new ProfiledVolume("v" + n + "@gold", { sizeGiB: 8 });
        new VolumeMapping("m" + n, { volume, sdc: "node" + (1 + n % 3) });
      }
    `);
  });
  afterAll(() => gateway.close());

  test("are made by one login and three calls each, and destroyed again", async () => {
    await project.up({ PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true" });
    const found = onArray(gateway);
    expect(new Set(found.map(({ id }) => id)).size).toBe(count);
    for (const { mapped } of found) expect(mapped).toEqual([expect.stringMatching(/^node[123] 10000 IOPS 977 MB\/s$/)]);
    expect(logins(gateway)).toBe(1);
    const once = gateway.calls.filter(({ path }) => !path.includes("Volume")).length;
    // Logins, version, array, domains, pools, what is free, SDCs.
    expect(once).toBeLessThanOrEqual(9);
    expect(gateway.calls.length - once).toBe(3 * count);
    await project.dispose();
    expect(onArray(gateway)).toEqual([]);
  });
});
