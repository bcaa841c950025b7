// What the provider makes of what the engine sends: secrets, options that nobody gave, resources that it doesn't know.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { backendDefinition } from "../../components/backends/registry";
import { backendNames } from "../../src";
import { BackendError } from "../../components/backend-error";
import { refusedConfig, takeConfig, withoutProgram } from "../../plugin/config";
import { givenOptions, StorageProfiles } from "../../plugin/provider";
import { marked, markedFailure, plain } from "../../plugin/wire";

const secret = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  value,
});
const urnOf = (type: string) => `urn:pulumi:dev::shop::storage-profiles:index:ProfiledVolume$${type}::data`;

test("our providers get secrets as plain values, and what comes of a secret stays one", () => {
  const given = { name: secret("data"), settings: { token: secret("hush"), list: [secret(1), 2] }, sizeGiB: 1 };
  expect(plain(given)).toEqual({ name: "data", settings: { token: "hush", list: [1, 2] }, sizeGiB: 1 });
  expect(marked({ name: "data", settings: { token: "hush" }, sizeGiB: 1, uid: "u" }, given)).toEqual({
    name: secret("data"),
    settings: secret({ token: "hush" }),
    sizeGiB: 1,
    uid: "u",
  });
});

test("what an error says of a resource that is changed in part keeps its secrets, and has no undefined values", () => {
  const error = Object.assign(new Error("not done"), { properties: { name: "data", type: undefined, sizeGiB: 1 } });
  expect(() => markedFailure({ name: secret("data") })(error)).toThrow(error);
  expect(Object.entries(error.properties)).toEqual([
    ["name", secret("data")],
    ["sizeGiB", 1],
  ]);
  expect(() => markedFailure({})(undefined)).toThrow();
});

test("a local volume is created, read, compared and deleted by the dynamic provider's code", async () => {
  const stateDirectory = mkdtempSync(join(tmpdir(), "sp-plugin-"));
  const provider = new StorageProfiles();
  const urn = urnOf("storage-profiles:local:Volume");
  const settings = { mode: "directory", iopsLimit: 0, throughputLimitMiBps: 0, overcommit: false };
  const identity = { stateDirectory, project: "shop", stack: "dev", name: "data", owner: urn };
  const inputs = { ...identity, sizeGiB: 1, settings };
  // As `LocalVolume` sends them, with what the program doesn't read in one property.
  const checked = await provider.check(urn, {}, { identity, sizeGiB: secret(1), settings });
  expect(checked.failures ?? []).toEqual([]);
  expect(checked.inputs).toEqual({ ...inputs, sizeGiB: secret(1) });
  const { id, outs } = await provider.create(urn, checked.inputs as Record<string, unknown>);
  expect(id).toBe(join(stateDirectory, "volumes/shop/dev/data"));
  expect(outs).toMatchObject({ sizeGiB: secret(1), settings });
  // By it a program in TypeScript reads and deletes a volume that it has taken over.
  expect(outs["__provider"]).toContain('"storage-profiles/provider/local").provider;');
  expect(await provider.diff(id, urn, outs, { ...inputs, sizeGiB: 1 })).toMatchObject({ changes: false });
  expect(await provider.diff(id, urn, outs, { ...inputs, sizeGiB: 2 })).toMatchObject({
    changes: true,
    deleteBeforeReplace: true,
  });
  const read = await provider.read(id, urn, outs);
  expect(read).toMatchObject({ id, inputs: { name: "data" } });
  // `pulumi import` knows nothing but the id: what the resource's own component has lost is as it was, and nobody else's is given away.
  await expect(provider.read(id, urn)).rejects.toThrow(
    `belongs to ${urn}, not to urn:pulumi:dev::shop::storage-profiles:index:ProfiledVolume::data. To take it over, declare a ProfiledVolume with import: ${JSON.stringify(id)}, takeFrom: ${JSON.stringify(urn)}`,
  );
  const component = "urn:pulumi:dev::shop::storage-profiles:index:ProfiledVolume::data";
  const { outs: own } = await provider.update(id, urn, outs, { ...inputs, owner: component });
  expect(await provider.read(id, urn)).toEqual({ id, props: own, inputs: { ...inputs, owner: component } });
  const record = join(id, "volume.json");
  const text = readFileSync(record, "utf8");
  writeFileSync(record, text.replace('"phase": "ready"', '"phase": "deleting"'));
  await expect(provider.read(id, urn)).rejects.toThrow(
    'was interrupted in phase "deleting". Repair it, then import it.',
  );
  writeFileSync(record, text);
  await expect(provider.read(`${id}-2`, urn)).rejects.toThrow("data-2 doesn't exist");
  await expect(provider.read("data", urn)).rejects.toThrow("isn't the id of a local volume");
  await provider.delete(id, urn, own ?? {});
  expect(await provider.read(id, urn, own)).toMatchObject({ id: "", props: {} });
  rmSync(stateDirectory, { recursive: true, force: true });
});

test("what `pulumi import` can't read is refused with the way to take it over", async () => {
  const provider = new StorageProfiles();
  const imported = (type: string) => provider.read("id", `urn:pulumi:dev::shop::${type}::data`);
  await expect(imported("storage-profiles:local:Volume")).rejects.toThrow("without its component as its parent");
  await expect(imported("storage-profiles:index:ProfiledVolume")).rejects.toThrow(
    "is a component, which `pulumi import` can't read: declare it in the program, where its argument `import`",
  );
  await expect(provider.read("id", urnOf("storage-profiles:scaleio:Volume"))).rejects.toThrow(
    "storage-profiles:scaleio:Volume can't be imported by `pulumi import`: declare the component that creates it",
  );
  await expect(imported("storage-profiles:local:Tape")).rejects.toThrow("unknown resource type");
});

test("the plugin and the dynamic providers have the same resources, by the same code", () => {
  for (const backend of backendNames) {
    const { providers, resources } = backendDefinition(backend);
    const made = Object.entries(resources?.() ?? {});
    expect(Object.keys(providers?.() ?? {}).sort()).toEqual(made.map(([name]) => name).sort());
    for (const [name, { token, dynamicType, providerText }] of made) {
      expect(token).toBe(`storage-profiles:${backend}:${name}`);
      expect(dynamicType).toMatch(/^pulumi-nodejs:dynamic\/storage-profiles:\w+$/);
      const [, module, exported = ""] = /"(storage-profiles\/provider\/\w+)"\)\.(\w+);$/.exec(providerText) ?? [];
      expect(module).toBe(`storage-profiles/provider/${backend}`);
      const { [exported]: provider } = jest.requireActual<Record<string, unknown>>(
        `../../components/backends/${backend}/provider`,
      );
      expect(provider).toBe(providers?.()[name]);
    }
  }
});

test("a resource that a program in TypeScript has recorded is unchanged to the plugin, and a change of it is one", async () => {
  const provider = new StorageProfiles();
  const recorded = {
    "storage-profiles:openstack:CinderVolume": { volumeId: "id", sizeGiB: 1, volumeType: "gold", region: "RegionOne" },
    "storage-profiles:kubernetes:ClaimOutcome": { claim: "id", uid: "uid", storage: "1Gi" },
    "storage-profiles:ceph:Volume": {
      declaredAs: "data",
      name: "id",
      sizeGiB: 1,
      settings: { pool: "ssd", iopsLimit: 0 },
    },
  };
  for (const [type, inputs] of Object.entries(recorded)) {
    const [, backend = "", name = ""] = type.split(":");
    const { providerText } = backendDefinition(backend as (typeof backendNames)[number]).resources!()[name]!;
    const outs = { ...inputs, __provider: providerText };
    expect([type, await provider.diff("id", urnOf(type), outs, inputs)]).toMatchObject([type, { changes: false }]);
    const changed = { ...inputs, sizeGiB: 2, storage: "2Gi" };
    expect([type, await provider.diff("id", urnOf(type), outs, changed)]).toMatchObject([type, { changes: true }]);
  }
});

test("a type that it doesn't know is refused by its name", async () => {
  const provider = new StorageProfiles();
  await expect(provider.create(urnOf("storage-profiles:local:Tape"), {})).rejects.toThrow(
    "unknown resource type storage-profiles:local:Tape",
  );
  await expect(provider.construct("data", "storage-profiles:index:Tape", {}, {})).rejects.toThrow("Tape");
});

test("timeouts that nobody gave are none, and those that somebody gave have their names", () => {
  const filled = (timeouts: object) => givenOptions({ customTimeouts: timeouts }).customTimeouts;
  expect(filled({ create: "", update: "", pb_delete: "", read: "" })).toBeUndefined();
  expect(filled({ create: "5m", update: "", pb_delete: "10m", read: "" })).toEqual({ create: "5m", delete: "10m" });
});

test("a connection that is missing because no program runs is reported as that, and any other error as it is", () => {
  const missing = new BackendError("not-configured", "endpoint is missing");
  expect(() => withoutProgram(missing)).toThrow(
    /^endpoint is missing\n.*add --run-program, or set the connection in the environment/,
  );
  const other = new BackendError("forbidden", "no");
  expect(() => withoutProgram(other)).toThrow(other);
  takeConfig([["storage-profiles:backend", "scaleio"]]);
  expect(() => withoutProgram(missing)).toThrow(missing);
});

test("config that a program gives to a provider of its own is refused with the key where it belongs", () => {
  const urn = "urn:pulumi:dev::shop::pulumi:providers:storage-profiles::";
  for (const name of ["default", "default_0_1_0"])
    expect(refusedConfig(urn + name, ["profiles", "volumes"])).toEqual([]);
  expect(refusedConfig(`${urn}west`, ["version", "pluginDownloadURL"])).toEqual([]);
  const because = "a provider of storage-profiles takes no config of its own; ";
  expect(refusedConfig(`${urn}defaults`, ["profles", "storage-profiles:backend", "token", "version"])).toEqual([
    `unknown key "profles": ${because}set storage-profiles:profiles in the stack's config`,
    `unknown key "storage-profiles:backend": ${because}set storage-profiles:backend in the stack's config`,
    expect.stringContaining("a connection to a backend below its own name"),
  ]);
});
