// The stack configs that a newcomer copies (stacks/, and the README's quick start), previewed with the program in stacks/ by mocks: what the
// engine would be asked to create in each environment. test/src/stack/environments.test.ts validates them.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import type * as Pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

const root = resolve(__dirname, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

/** Runs stacks/index.ts in a preview under mocks, with this config, and returns what it registered: a type and a name, and what it was given. */
async function previewed(config: Record<string, unknown>): Promise<Record<string, Record<string, unknown>>> {
  const seen: Record<string, Record<string, unknown>> = {};
  await jest.isolateModulesAsync(async () => {
    const pulumi = require("@pulumi/pulumi") as typeof Pulumi;
    await pulumi.runtime.setMocks(
      {
        newResource({ type, name, inputs, custom }) {
          seen[`${type} ${name}`] = inputs;
          return { id: custom === false ? "" : `id of ${name}`, state: inputs };
        },
        call: ({ inputs }) => inputs,
      },
      ...(["storage-profiles", "stack", true, "organization"] as const),
    );
    pulumi.runtime.setAllConfig(
      Object.fromEntries(
        Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
      ),
    );
    require("../../stacks");
    // Registrations go on behind the constructors; a mock answers each in a few turns.
    for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done));
  });
  return seen;
}

/** The resource of a backend for each volume; on OpenStack and Kubernetes something waits beside it. */
const CHILDREN: Record<string, string> = {
  aws: "aws:ebs/volume:Volume",
  ceph: "pulumi-nodejs:dynamic/storage-profiles:CephVolume",
  cio: "pulumi-nodejs:dynamic/storage-profiles:CioVolume",
  kubernetes: "kubernetes:core/v1:PersistentVolumeClaim",
  local: "pulumi-nodejs:dynamic/storage-profiles:LocalVolume",
  openstack: "openstack:blockstorage/volume:Volume",
  scaleio: "pulumi-nodejs:dynamic/storage-profiles:ScaleioVolume",
};

const stacks = readdirSync(join(root, "stacks")).filter((name) => name.endsWith(".yaml"));

test.each(stacks)(
  "a preview with stacks/%s has the founding two volumes, each with a resource of the backend",
  async (name) => {
    const { config } = parse(read(`stacks/${name}`)) as { config: Record<string, unknown> };
    const seen = await previewed(config);
    const child = CHILDREN[config["storage-profiles:backend"] as string] ?? "";
    for (const [volume, profile] of [
      ["highperfvolume", "gold"],
      ["cheapvolume", "default"],
    ]) {
      const component = seen[`storage-profiles:index:ProfiledVolume ${volume}`];
      expect(component).toMatchObject({ profile, backend: config["storage-profiles:backend"] });
      expect(component).not.toHaveProperty("problems");
      expect(Object.keys(seen)).toContain(`${child} ${volume}`);
    }
  },
);

test("a preview with each stack config of the README's quick start has its volume", async () => {
  const [, section = ""] = read("README.md").split(/^## Quick start$/m);
  const blocks = [...(section.split(/^## /m)[0] ?? "").matchAll(/^```yaml\n([^]*?)^```$/gm)].map(
    ([, text = ""]) => (parse(text) as { config: Record<string, unknown> }).config,
  );
  expect(blocks.map((config) => config["storage-profiles:backend"])).toEqual(["local", "aws"]);
  for (const config of blocks) {
    const seen = await previewed(config);
    expect(seen["storage-profiles:index:ProfiledVolume data"]).toMatchObject({ profile: "analytics" });
    expect(Object.keys(seen)).toContain(`${CHILDREN[config["storage-profiles:backend"] as string]} data`);
  }
});
