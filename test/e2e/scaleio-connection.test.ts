// The connection to the gateway: one clear error for each thing that can be wrong with it, one login for all volumes, and the
// password and tokens nowhere.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ScaleioGateway } from "../../emulators";
import { diagnostics, succeeded } from "../support/engine";
import { emptyGateway, logins, onArray, ScaleioProject, UP } from "../support/scaleio";

const PASSWORD = "p4ss-w0rd%of:the-test";

describe("the connection", () => {
  let gateway: ScaleioGateway;
  const project = new ScaleioProject("connection", () => gateway);
  const secretsDirectory = mkdtempSync(join(tmpdir(), "sp-secrets-"));
  const passwordFile = join(secretsDirectory, "password");
  beforeAll(() => writeFileSync(passwordFile, `${PASSWORD}\n`));
  beforeEach(async () => {
    gateway = await emptyGateway({ password: PASSWORD });
    await project.init();
    project.reset();
    project.program('for (let n = 0; n < 20; n++) new ProfiledVolume("v" + n, { sizeGiB: 8 });');
  });
  afterEach(() => gateway.close());
  afterAll(async () => {
    await project.dispose();
    rmSync(secretsDirectory, { recursive: true });
  });

  // What is wrong with one key is for the tests of the session, and so is what excludes what is tried here.
  test.each<[string, () => Record<string, string | null>, string[]]>([
    [
      "a wrong password",
      () => ({ password: "wrong" }),
      ['rejected the login of user "admin". Check scaleio:username, and set the password'],
    ],
    [
      "a gateway that is down",
      () => ({ endpoint: "https://127.0.0.1:9" }),
      ["the gateway https://127.0.0.1:9 can't be reached: connect ECONNREFUSED"],
    ],
    [
      "a config without a password, by http, and with a CA file that isn't there",
      () => ({ endpoint: "http://127.0.0.1:1", password: null, caFile: "nope.pem" }),
      [
        "the password would be sent unencrypted",
        "scaleio:password is missing: pulumi config set --secret scaleio:password",
        "scaleio:caFile: ENOENT",
      ],
    ],
  ])("%s is one clear error, without a stack", async (name, connection, messages) => {
    await project.connect({}, connection());
    // Where it is the gateway that refuses, it does so at `up` as well.
    for (const command of name === "a wrong password" ? [["preview"], UP] : [["preview"]]) {
      const ran = await project.run(command);
      const told = diagnostics(ran);
      for (const message of messages) {
        expect([ran.code === 0, ran.text]).toEqual([false, expect.stringContaining(message)]);
        expect(told.split(message)).toHaveLength(2);
      }
      expect(told).not.toMatch(/\n +at /);
      expect(ran.text).not.toContain(PASSWORD);
    }
    // A user would be locked out by twenty attempts.
    expect(logins(gateway)).toBeLessThanOrEqual(2);
    expect(onArray(gateway)).toEqual([]);
  });

  test("another server's CA is refused; `insecure` goes without, and the password comes from the environment as well", async () => {
    const other = await emptyGateway();
    await other.close();
    project.write("other.pem", other.ca);
    await project.connect({}, { caFile: "other.pem" });
    const { code, text } = await project.run(["preview"]);
    expect([code === 0, text]).toEqual([false, expect.stringContaining("isn't trusted")]);
    await project.connect({}, { caFile: null, insecure: "true", password: null });
    succeeded(await project.run(["preview"], { SCALEIO_PASSWORD: PASSWORD }));
  });

  test("a plain password in the config is warned of, and not shown", async () => {
    await project.connect({}, { password: null });
    succeeded(await project.run(["config", "set", "--plaintext", "scaleio:password", PASSWORD]));
    const text = succeeded(await project.run(["preview"]));
    expect(text).toContain("scaleio:password is stored in Pulumi.dev.yaml as plain text");
    expect(text).not.toContain(PASSWORD);
  });

  test("the gateway of another array is refused before anything is read, changed or removed there", async () => {
    await project.connect();
    project.program('new ProfiledVolume("v0", { sizeGiB: 8 });');
    await project.up();
    const protectionDomains = [{ name: "domain1", storagePools: [{ name: "pool1", capacityGiB: 1024 }] }];
    const other = await emptyGateway({
      password: PASSWORD,
      array: { system: { name: "another" }, protectionDomains, sdcs: [{ name: "node1", ips: ["192.0.2.11"] }] },
    });
    try {
      project.write("other.pem", other.ca);
      await project.connect({}, { endpoint: other.url, caFile: "other.pem" });
      project.program('new ProfiledVolume("v0@gold", { sizeGiB: 8 });');
      // Those that run the program on request are among the tests of ownership.
      for (const command of ["up", "refresh", "destroy"]) {
        const { code, text } = await project.run([command, "--yes", "--skip-preview"]);
        expect([code === 0, text]).toEqual([false, expect.stringContaining("is the gateway of array")]);
      }
      // Nor is a new mapping of a volume that doesn't change made there: ids may be the same.
      project.program(`
        const volume = new ProfiledVolume("v0", { sizeGiB: 8 });
        new VolumeMapping("m", { volume, sdc: "node1" });
      `);
      const { code, text } = await project.run(["preview"]);
      expect([code === 0, text]).toEqual([false, expect.stringContaining("is the gateway of array")]);
      expect(other.calls.filter(({ path }) => path.includes("Volume"))).toEqual([]);
    } finally {
      await other.close();
    }
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
    const fails = () =>
      gateway.fault({
        match: { path: "setMappedSdcLimits" },
        do: { error: { status: 500, errorCode: 64, message: "no" } },
      });
    // All that a login passes on its way is the same, wherever the password is from.
    if (from === "config") {
      await loud(...UP);
      program("silver");
      fails();
      gateway.restart();
      await loud(...UP);
      await loud("refresh", "--yes", "--skip-preview");
      await connect({ caFile: null });
      await loud(...UP);
      await connect();
    } else {
      fails();
      await loud(...UP);
    }
    await loud("destroy", "--yes", "--skip-preview");
    const secrets = [PASSWORD, Buffer.from(`admin:${PASSWORD}`).toString("base64"), ...gateway.issuedTokens()];
    expect(gateway.issuedTokens().length).toBeGreaterThan(from === "config" ? 3 : 1);
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

test.each([
  [20, "2.0"],
  [100, "4.5"],
])("%i volumes at once are made by one login and three calls each, and destroyed again", async (count, version) => {
  const gateway = await emptyGateway({ version });
  const project = new ScaleioProject(`many${count}`, () => gateway);
  try {
    await project.connect();
    project.program(`
      for (let n = 1; n <= ${count}; n++) {
        const volume = new ProfiledVolume("v" + n + "@gold", { sizeGiB: 8 });
        new VolumeMapping("m" + n, { volume, sdc: "node" + (1 + n % 3) });
      }
    `);
    await project.up({ PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true" });
    const found = onArray(gateway);
    expect(new Set(found.map(({ id }) => id)).size).toBe(count);
    for (const { mapped } of found) expect(mapped).toEqual([expect.stringMatching(/^node[123] 10000 IOPS 977 MB\/s$/)]);
    expect(logins(gateway)).toBe(1);
    const once = gateway.calls.filter(({ path }) => !path.includes("Volume")).length;
    // Logins, version, array, domains, pools, what is free, SDCs.
    expect(once).toBeLessThanOrEqual(9);
    expect(gateway.calls.length - once).toBe(3 * count);
    await project.destroy();
    expect(onArray(gateway)).toEqual([]);
  } finally {
    await project.dispose();
    await gateway.close();
  }
});
