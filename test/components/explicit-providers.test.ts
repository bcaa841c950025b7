// Several accounts, regions, clouds or clusters in one program: explicit providers, as any component takes them, reach every resource of a volume.

import * as pulumi from "@pulumi/pulumi";

import { ProfiledVolume, VolumeAttachment } from "../../components";
import { StackVolumes } from "../../components/stack-volumes";

interface Seen {
  /** The provider of each resource, by the last part of its type and its name: "Volume data". */
  providers: Record<string, string>;
  inputs: Record<string, Record<string, unknown>>;
  /** Which providers were asked, for what. */
  calls: string[];
}

// "urn:…::east::id" is the provider "east".
const nameOf = (provider: string | undefined) => provider?.split("::").at(-2) ?? "";

async function run(program: () => unknown, config: Record<string, unknown>): Promise<Seen> {
  const seen: Seen = { providers: {}, inputs: {}, calls: [] };
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs, provider, custom }) {
        const what = `${type.split(":").at(-1) ?? ""} ${name}`;
        if (!type.startsWith("pulumi:providers:")) seen.providers[what] = nameOf(provider);
        seen.inputs[what] = inputs as Record<string, unknown>;
        return { id: custom === false ? "" : `id-of-${name}`, state: inputs as object };
      },
      call({ token, provider }) {
        seen.calls.push(`${token.split(":").at(-1) ?? ""} of ${nameOf(provider)}`);
        return { names: [`${nameOf(provider)}-zone-a`] };
      },
    },
    "project",
    "stack",
    false,
    "organization",
  );
  const texts = Object.entries(config).map(([key, value]) => [
    `storage-profiles:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(texts) as Record<string, string>);
  try {
    await program();
  } finally {
    // Registrations go on behind the constructors; a mock answers each in a few turns.
    for (let turn = 0; turn < 120; turn++) await new Promise((done) => setImmediate(done));
  }
  return seen;
}

class Provider extends pulumi.ProviderResource {}
const providerNamed = (pkg: string, name: string, args: pulumi.Inputs = {}) => new Provider(pkg, name, args);

class Group extends pulumi.ComponentResource {
  constructor(name: string, opts: pulumi.ComponentResourceOptions) {
    super("test:index:Group", name, {}, opts);
  }
}

test("on aws each volume is in the region of its own provider, also by its parent's, and so is its attachment", async () => {
  const seen = await run(
    () => {
      const [east, west] = [providerNamed("aws", "east"), providerNamed("aws", "west")];
      new ProfiledVolume("a@gold", { sizeGiB: 10 }, { provider: east });
      const volume = new ProfiledVolume("b@gold", { sizeGiB: 10 }, { providers: { aws: west } });
      const aws = { deviceName: "/dev/sdf" };
      new VolumeAttachment("web", { volume, host: "i-1", aws }, { provider: west });
      const parent = new Group("group", { providers: [west] });
      new ProfiledVolume("c@gold", { sizeGiB: 10 }, { parent });
      new ProfiledVolume("d@gold", { sizeGiB: 10, aws: { availabilityZone: "us-east-1a" } });
    },
    { backend: "aws" },
  );
  expect(seen.providers).toMatchObject({
    ...{ "Volume a": "east", "Volume b": "west", "Volume c": "west", "VolumeAttachment web": "west" },
  });
  expect(["east", "west"]).not.toContain(seen.providers["Volume d"]);
  // Each provider is asked once for the zones of its region.
  expect(seen.calls.sort()).toEqual(["getAvailabilityZones of east", "getAvailabilityZones of west"]);
  const zones = ["a", "b", "c", "d"].map((name) => seen.inputs[`Volume ${name}`]?.["availabilityZone"]);
  expect(zones).toEqual(["east-zone-a", "west-zone-a", "west-zone-a", "us-east-1a"]);
});

test("volumes that the stack's config lists are in the region of the provider that the component is given", async () => {
  const config = { backend: "aws", volumes: { a: { profile: "gold", sizeGiB: 10 } } };
  const providers = async (opts: (east: pulumi.ProviderResource) => pulumi.ComponentResourceOptions) =>
    (await run(() => new StackVolumes("all", {}, opts(providerNamed("aws", "east"))), config)).providers["Volume a"];
  expect(await providers((provider) => ({ provider }))).toBe("east");
  expect(await providers((east) => ({ providers: [east] }))).toBe("east");
  await expect(providers(() => ({ ignoreChanges: ["size"] }))).rejects.toThrow("opts.ignoreChanges");
});

test("on kubernetes each claim is in the cluster of its own provider", async () => {
  const seen = await run(
    () => {
      for (const name of ["east", "west"]) {
        const provider = providerNamed("kubernetes", name);
        new ProfiledVolume(`data-${name}@gold`, { sizeGiB: 10 }, { provider });
      }
    },
    { backend: "kubernetes", kubernetes: { driver: "ebs.csi.aws.com" } },
  );
  expect(seen.providers).toMatchObject({
    "PersistentVolumeClaim data-east": "east",
    "PersistentVolumeClaim data-west": "west",
  });
});

test("on openstack each volume and its companion are in the cloud of its own provider", async () => {
  const seen = await run(
    () => {
      for (const name of ["east", "west"]) {
        const provider = providerNamed("openstack", name, { cloud: `cloud-${name}`, region: name });
        // What the provider's class has as outputs.
        Object.assign(provider, { cloud: pulumi.output(`cloud-${name}`), region: pulumi.output(name) });
        new ProfiledVolume(`data-${name}`, { sizeGiB: 10 }, { provider });
      }
    },
    { backend: "openstack" },
  );
  expect(seen.providers).toMatchObject({ "Volume data-east": "east", "Volume data-west": "west" });
  // It has a login of its own, by the same entry of clouds.yaml.
  expect(seen.inputs["CinderVolume data-east"]).toMatchObject({ cloud: "cloud-east", region: "east" });
  expect(seen.inputs["CinderVolume data-west"]).toMatchObject({ cloud: "cloud-west", region: "west" });
});
