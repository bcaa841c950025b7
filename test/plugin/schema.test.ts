// The plugin's schema against what the classes really take and give, and the providers of our own resources against the registries.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { backendDefinition } from "../../components/backends/registry";
import { becomePlugin } from "../../components/plugin-mode";
import { components, withVolume } from "../../plugin/components";
import { schema } from "../../plugin/schema";
import { backendNames, backends, PROFILED_VOLUME, STACK_VOLUMES, VOLUME_ATTACHMENT } from "../../src";

interface Schema {
  resources: Record<
    string,
    { inputProperties: Record<string, Property>; properties: Record<string, Property>; required: string[] }
  >;
  types: Record<string, { description?: string; enum?: { value: string }[]; properties?: Record<string, Property> }>;
}
interface Property {
  type?: string;
  $ref?: string;
  description?: string;
}

becomePlugin();
const { resources, types } = schema() as unknown as Schema;
const COMPOSE = "storage-profiles:index:ComposeVolumes";
const TYPES = "storage-profiles:index:VolumeTypes";
const POOLS = "storage-profiles:index:CephPools";
const directory = mkdtempSync(join(tmpdir(), "sp-schema-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let registered: { type: string; inputs: Record<string, unknown> }[] = [];

async function mocked(config: Record<string, unknown>): Promise<void> {
  registered = [];
  await pulumi.runtime.setMocks({
    newResource(args) {
      registered.push(args);
      return { id: `${args.name}-id`, state: { ...args.inputs } };
    },
    call: () => ({}),
  });
  const values = Object.entries(config).map(([key, value]) => [
    `storage-profiles:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(values));
}

// Registrations go on behind the constructors; a mock answers each in a few turns.
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done));
}

const LOCAL = { backend: "local", local: { mode: "directory", stateDirectory: "/volumes" } };
const AWS = { backend: "aws", aws: { availabilityZone: "eu-central-1a" } };

test("describes every component, with each argument that its class takes", async () => {
  await mocked(LOCAL);
  expect(Object.keys(resources).sort()).toEqual(Object.keys(components).sort());
  for (const [type, make] of Object.entries(components)) {
    // The class itself lists them when it refuses one that it doesn't know.
    let message = "";
    try {
      make("data", { notAnArgument: 1 }, {});
    } catch (error) {
      message = (error as Error).message;
    }
    const listed = /notAnArgument".*\n(?:.*given:.*\n)?.*allowed: (.*)/.exec(message)?.[1];
    const allowed = listed === "no keys" ? [] : (listed?.split(", ") ?? [message]);
    // A function can't come from another process; typed overrides take its place.
    const expected = allowed.filter((key) => key !== "transform");
    expect([type, Object.keys(resources[type]?.inputProperties ?? {}).sort()]).toEqual([type, expected.sort()]);
  }
});

test("describes each output that a component has", async () => {
  const outputsOf = (type: string, inputs: object, name = "data") =>
    Object.keys(components[type]!(name, inputs, {}).state).sort();
  const described = (type: string) => Object.keys(resources[type]?.properties ?? {}).sort();
  await mocked(LOCAL);
  expect(outputsOf(PROFILED_VOLUME, { sizeGiB: 1 })).toEqual(described(PROFILED_VOLUME));
  expect(outputsOf(TYPES, {})).toEqual(described(TYPES));
  expect(outputsOf(POOLS, {})).toEqual(described(POOLS));
  expect(outputsOf(STACK_VOLUMES, {}, "volumes")).toEqual(described(STACK_VOLUMES));
  const file = join(directory, "compose.yml");
  writeFileSync(file, "services: { web: { image: web } }\n");
  expect(outputsOf(COMPOSE, { files: [file], directory })).toEqual(described(COMPOSE));
  await settled();
  await mocked(AWS);
  const { ProfiledVolume } = jest.requireActual<typeof import("../../components/profiled-volume")>(
    "../../components/profiled-volume",
  );
  const volume = new ProfiledVolume("data@gold", { sizeGiB: 10 });
  const attachment = { volume, host: "i-1", aws: { deviceName: "/dev/sdf" } };
  expect(outputsOf(VOLUME_ATTACHMENT, attachment, "attached")).toEqual(described(VOLUME_ATTACHMENT));
  await settled();
});

test("takes a volume of the program out of the output in which an SDK sends it, or one by its id", async () => {
  const { volume } = resources[VOLUME_ATTACHMENT]!.inputProperties;
  expect(volume).toMatchObject({
    oneOf: [{ $ref: `#/resources/${PROFILED_VOLUME}` }, { $ref: "#/types/storage-profiles:index:ExistingVolume" }],
  });
  await mocked(AWS);
  const { ProfiledVolume } = jest.requireActual<typeof import("../../components/profiled-volume")>(
    "../../components/profiled-volume",
  );
  const data = new ProfiledVolume("data@gold", { sizeGiB: 10 });
  expect(await withVolume({ volume: pulumi.output(data), host: "i-1" })).toEqual({ volume: data, host: "i-1" });
  const byId = { volume: { backend: "aws", volumeId: "vol-1" }, host: "i-1" };
  expect(await withVolume(byId)).toBe(byId);
  const { volume: taken } = await withVolume({ volume: pulumi.secret({ backend: "aws", volumeId: "vol-1" }) });
  const { backend, volumeId } = taken as { backend: unknown; volumeId: pulumi.Output<string> };
  expect([backend, await pulumi.isSecret(volumeId)]).toEqual(["aws", true]);
  // Its id is unknown in a preview that creates it.
  const partly = await withVolume({ volume: pulumi.secret({ backend: "aws", volumeId: pulumi.unknown }) });
  const unknownId = (partly["volume"] as { volumeId: pulumi.Output<string> }).volumeId;
  expect(partly).toMatchObject({ volume: { backend: "aws" } });
  expect(await (unknownId as unknown as { isKnown: Promise<boolean> }).isKnown).toBe(false);
  const later = { volume: pulumi.output(pulumi.unknown) };
  expect(await withVolume(later)).toBe(later);
  components[VOLUME_ATTACHMENT]!("attached", { ...byId, aws: { deviceName: "/dev/sdf" } }, {});
  await settled();
  expect(registered.map(({ inputs }) => inputs["volumeId"])).toContain("vol-1");
});

test("has a meaning for each property, and refers to nothing that it lacks", () => {
  const properties = [
    ...Object.values(resources).flatMap((each) => [each.inputProperties, each.properties]),
    ...Object.values(types).map((each) => each.properties ?? {}),
  ].flatMap((each) => Object.entries(each));
  expect(properties.filter(([, { description }]) => description === undefined)).toEqual([]);
  const references = [...JSON.stringify({ resources, types }).matchAll(/"\$ref":"#\/(types|resources)\/([^"]+)"/g)];
  expect(references.length).toBeGreaterThan(5);
  for (const [, kind, name] of references) expect(kind === "types" ? types : resources).toHaveProperty([name ?? ""]);
  expect(types["storage-profiles:index:ProfiledVolumeBackend"]?.enum).toEqual(backendNames.map((value) => ({ value })));
});

test("has a type for each setting of an attachment", () => {
  const attachments = Object.entries(types).filter(([name]) => name.includes(":VolumeAttachment"));
  expect(JSON.stringify(attachments)).not.toContain("pulumi.json#/Any");
  expect(types["storage-profiles:index:VolumeAttachmentAws"]).toMatchObject({
    properties: { deviceName: { type: "string" }, forceDetach: { type: "boolean" } },
    required: ["deviceName"],
  });
  expect(types["storage-profiles:index:VolumeAttachmentScaleioAccessMode"]?.enum).toContainEqual({ value: "ReadOnly" });
});

test("makes resources of our own those of the plugin, for which it has providers", async () => {
  await mocked(LOCAL);
  components[PROFILED_VOLUME]!("data", { sizeGiB: 1 }, {});
  await settled();
  const [child] = registered.filter(({ type }) => type.startsWith("storage-profiles:local:"));
  expect(child?.type).toBe("storage-profiles:local:Volume");
  expect(child?.inputs).not.toHaveProperty("__provider");

  const owned = backendNames.filter((name) => backends[name].hasProvider);
  expect(owned).toContain("local");
  for (const name of owned) {
    const providers = backendDefinition(name).providers?.() ?? {};
    expect(Object.values(providers).map(({ create }) => typeof create)).toContain("function");
    // Where a provider of another package makes the volume, ours only stands beside it.
    const { pluginType } = backends[name].recorded;
    if (pluginType === undefined) continue;
    const [namespace, backend, resource = ""] = pluginType.split(":");
    expect([namespace, backend]).toEqual(["storage-profiles", name]);
    expect(providers[resource]?.create).toBeInstanceOf(Function);
  }
});
