// Exactly what a ProfiledVolume registers, by mocks: its own inputs, its child's, and how many there are. Plans, hooks and
// options are shown on the real engine (test/e2e).

import * as pulumi from "@pulumi/pulumi";

import {
  ComposeVolumes,
  CephPools,
  ProfileClasses,
  ProfiledVolume,
  VolumeAttachment,
  VolumeTypes,
  type ProfiledVolumeArgs,
} from "../../components";
import { volumeBackend } from "../../components/backends/registry";
import { newDeclaration } from "../../components/declared";
import { checkEngine, knownFormerUrns, MINIMUM_PULUMI } from "../../components/engine";
import { deletedAliases, deletionWarning, separatedResources } from "../../components/renamed";
import { MINIMUM_PULUMI as MINIMUM_OF_TOOLS } from "../../tools/engine/ensure.js";

const COMPONENT = "storage-profiles:index:ProfiledVolume";
const CHILD = "pulumi-nodejs:dynamic/storage-profiles:LocalVolume";

/** Runs a program under mocks, with this config, and returns what it registered. */
async function registered(
  program: () => unknown,
  config: Record<string, unknown> = {},
  preview = false,
): Promise<pulumi.runtime.MockResourceArgs[]> {
  const seen: pulumi.runtime.MockResourceArgs[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource(args) {
        seen.push(args);
        return { id: args.custom === false ? "" : `/id/of/${args.name}`, state: { ...args.inputs, mountPath: "/mnt" } };
      },
      call: () => ({}),
    },
    "project",
    "stack",
    preview,
  );
  const all = { backend: "local", local: { mode: "loop", stateDirectory: "/volumes" }, ...config };
  pulumi.runtime.setAllConfig(
    Object.fromEntries(
      Object.entries(all).map(([key, value]) => [
        `storage-profiles:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
  );
  await program();
  // Registrations go on behind the constructors; a mock answers each in a few turns.
  for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done));
  return seen;
}

const value = <T>(output: pulumi.Output<T>): Promise<T> =>
  new Promise((done) => {
    output.apply(done);
  });

const declared = (reference: string, args: ProfiledVolumeArgs, config?: Record<string, unknown>) =>
  registered(() => new ProfiledVolume(reference, args), config);

describe("a ProfiledVolume on the local backend", () => {
  const goldSettings = { mode: "loop", iopsLimit: 10000, throughputLimitMiBps: 0, overcommit: false };

  test("registers itself with its resolution, and one child with complete settings", async () => {
    const seen = await declared("data@gold", { sizeGiB: 100 });
    expect(seen.map(({ type, name }) => `${type} ${name}`)).toEqual([`${COMPONENT} data`, `${CHILD} data`]);
    expect(seen[0]?.inputs).toEqual({
      name: "data",
      profile: "gold",
      revision: "756d50c9",
      backend: "local",
      sizeGiB: 100,
      settings: goldSettings,
    });
    expect(seen[1]?.inputs).toEqual({
      identity: {
        stateDirectory: "/volumes",
        project: "project",
        stack: "stack",
        name: "data",
        owner: expect.stringContaining("ProfiledVolume::data"),
      },
      sizeGiB: 100,
      settings: goldSettings,
      __provider: expect.any(String),
    });
  });

  test("has a provider that is a short fixed text: what stands in it is in every state for ever", async () => {
    const [, child] = await declared("data@gold", { sizeGiB: 100 });
    expect(child?.inputs["__provider"]).toBe(
      'exports.handler = () => require("module").createRequire(process.cwd() + "/")("storage-profiles/provider/local").provider;',
    );
  });

  test.each([
    ["name@profile", "data@silver", { sizeGiB: 1 }],
    ["the argument", "data", { profile: "silver", sizeGiB: 1 }],
    ["both, when they agree", "data@silver", { profile: "silver", size: "1GiB" }],
    ["an output", "data", { profile: pulumi.output("silver"), size: pulumi.output("1GiB") }],
    ["a promise", "data", { profile: Promise.resolve("silver"), sizeGiB: Promise.resolve(1) }],
  ])("takes its profile from %s", async (_, reference, args) => {
    const [component, child] = await declared(reference, args);
    expect(component?.inputs).toMatchObject({
      name: "data",
      profile: "silver",
      sizeGiB: 1,
      settings: { iopsLimit: 3000 },
    });
    expect(child?.inputs).toMatchObject({ sizeGiB: 1, settings: { iopsLimit: 3000, throughputLimitMiBps: 250 } });
  });

  test("without a profile is the same as with the default one", async () => {
    const strip = (seen: pulumi.runtime.MockResourceArgs[]) =>
      seen.map(({ type, name, inputs }) => ({ type, name, inputs }));
    expect(strip(await declared("data", { sizeGiB: 1 }))).toEqual(
      strip(await declared("data@default", { sizeGiB: 1 })),
    );
  });

  test("hands on a name of its own, and a volume to import", async () => {
    const [, child] = await declared("data", { sizeGiB: 1, physicalName: "other", import: "/volumes/volumes/p/s/n" });
    expect(child?.inputs["identity"]).toMatchObject({
      name: "other",
      physicalName: "other",
      import: "/volumes/volumes/p/s/n",
    });
  });

  test("has all its outputs", async () => {
    let volume!: ProfiledVolume;
    await registered(
      () => {
        volume = new ProfiledVolume("data@gold", { size: "500GB" });
      },
      { prices: { local: { perGiB: 0.5 } } },
    );
    expect(await value(volume.volumeId)).toBe("/id/of/data");
    expect(await value(volume.profile)).toBe("gold");
    expect(await value(volume.backend)).toBe("local");
    expect(await value(volume.revision)).toBe("756d50c9");
    expect(await value(volume.settings)).toEqual(goldSettings);
    expect(await value(volume.sizeGiB)).toBe(466);
    expect(await value(volume.mountPath)).toBe("/mnt");
    expect(await value(volume.monthlyCost)).toMatchObject({ amount: 233, currency: "USD" });
    expect((await value(volume.notes)).map(({ code }) => code)).toEqual(["size-rounded-up"]);
  });

  test("lets the stack's config choose backend, limits and mode", async () => {
    const [, child] = await declared(
      "data@mine",
      { sizeGiB: 4 },
      {
        profiles: { mine: { extends: "gold", local: { iops: { perGiB: 5 } } } },
        local: { mode: "directory", stateDirectory: "/elsewhere" },
      },
    );
    expect(child?.inputs).toMatchObject({
      identity: { stateDirectory: "/elsewhere" },
      settings: { mode: "directory", iopsLimit: 20 },
    });
  });

  test("sends an input that may be a secret by itself, where the engine can mark it", async () => {
    const [, child] = await declared("data", {
      sizeGiB: 1,
      transform: { local: (args) => ({ args: { ...args, name: pulumi.secret("hush") } }) },
    });
    expect(child?.inputs["identity"]).toEqual(expect.not.objectContaining({ name: expect.anything() }));
    expect(JSON.stringify(child?.inputs["name"])).toContain("hush");
  });
});

describe("a program", () => {
  test("registers two resources a volume, whatever their number", async () => {
    const seen = await registered(() => {
      for (let i = 0; i < 7; i++) new ProfiledVolume(`data${i}@gold`, { sizeGiB: 1 });
    });
    expect(seen).toHaveLength(14);
  });

  test.each([
    ["a reference that is none", () => new ProfiledVolume("@gold", { sizeGiB: 1 }), {}, "@gold: 1 problem"],
    ["no reference at all", () => new ProfiledVolume(undefined as never, { sizeGiB: 1 }), {}, "reference-blank"],
    ["a volume with problems", () => new ProfiledVolume("data@golf", { size: "tall" }), {}, "data: 2 problems"],
    [
      "an empty id to import, which the engine would take for a new volume",
      () => new ProfiledVolume("data", { sizeGiB: 1, import: "" }),
      { backend: "aws", aws: { availabilityZone: "us-east-1a" } },
      "import: the id of the volume to import is empty [value-invalid]",
    ],
    [
      "a backend that isn't told where",
      () => new ProfiledVolume("data", { sizeGiB: 9, backend: "scaleio" }),
      {},
      "setting-required",
    ],
    [
      "a bad config",
      () => new ProfiledVolume("data", { sizeGiB: 1 }),
      { backend: "locl", volums: 1 },
      "Pulumi.stack.yaml: 2 problems",
    ],
    [
      "a config that is no JSON",
      () => new ProfiledVolume("data", { sizeGiB: 1 }),
      { profiles: "gold" },
      "config-not-readable",
    ],
  ])("with %s is told by an error without a stack", async (_, program, config, message) => {
    const error: unknown = await registered(program, config).catch((thrown: unknown) => thrown);
    expect(pulumi.RunError.isInstance(error)).toBe(true);
    expect(String(error)).toContain(message);
  });
});

describe("the engine", () => {
  test("must be new enough, and show what changes", () => {
    expect(() => checkEngine(MINIMUM_PULUMI, {})).not.toThrow();
    expect(() => checkEngine("4.0.0", {})).not.toThrow();
    for (const old of ["3.215.9", "3.99.0", "2.300.0", "3.216.0".replace("216", "21")]) {
      expect(() => checkEngine(old, {})).toThrow(`this program uses ${old}`);
    }
    expect(() => checkEngine(MINIMUM_PULUMI, { PULUMI_NODEJS_SKIP_COMPONENT_INPUTS: "1" })).toThrow("Unset it");
  });

  test("that the tools accept is the one that the package needs", () => {
    expect(MINIMUM_OF_TOOLS).toBe(MINIMUM_PULUMI);
  });
});

describe("options that would do nothing on a component", () => {
  const options = (opts: pulumi.ComponentResourceOptions) => () => new ProfiledVolume("data", { sizeGiB: 8 }, opts);

  test.each<[string, pulumi.ComponentResourceOptions]>([
    ["ignoreChanges", { ignoreChanges: ["sizeGiB"] }],
    ["replaceOnChanges", { replaceOnChanges: ["*"] }],
    ["replacementTrigger", { replacementTrigger: 1 }],
    ["replaceWith", { replaceWith: ["another resource"] } as object],
    ["customTimeouts", { customTimeouts: { create: "1m" } }],
  ])("are refused: %s", async (option, opts) => {
    await registered(() => {
      expect(options(opts)).toThrow(`opts.${option}: "${option}" can't be set`);
    });
    await registered(() => {
      for (const component of [
        () => new VolumeTypes("types", {}, opts),
        () => new CephPools("pools", {}, opts),
        () => new ProfileClasses("classes", {}, opts),
        ...(option === "customTimeouts" ? [] : [() => new ComposeVolumes("compose", {}, opts)]),
      ])
        expect(component).toThrow(`opts.${option}: "${option}" can't be set`);
    });
    if (option === "customTimeouts") return;
    await registered(
      () => {
        const volume = options({})();
        const attached = { volume, host: "i-1", aws: { deviceName: "/dev/sdf" } };
        expect(() => new VolumeAttachment("a", attached, opts)).toThrow(`opts.${option}: `);
      },
      { backend: "aws", aws: { availabilityZone: "us-east-1a" } },
    );
  });

  test.each([
    ["replaceOnChanges", ["tags"]],
    ["replacementTrigger", "another"],
    ["replaceWith", ["another resource"]],
    ["import", "vol-1"],
    ["id", "vol-1"],
    ["urn", "urn:pulumi:dev::p::aws:ebs/volume:Volume::data"],
  ])("can't have a transform replace the volume: %s", async (option, given) => {
    await registered(
      () =>
        expect(
          () =>
            new ProfiledVolume("data", {
              sizeGiB: 8,
              transform: { aws: (args) => ({ args, opts: { [option]: given } }) },
            }),
        ).toThrow(`transform.aws.opts.${option}: "${option}" can't be set: replacing a volume loses its data`),
      { backend: "aws", aws: { availabilityZone: "us-east-1a" } },
    );
  });

  test("are passed on where the resource keeps them", async () => {
    const seen: unknown[] = [];
    const look: pulumi.ResourceTransformation = ({ type, opts }) => {
      if (type.startsWith("aws:")) seen.push((opts as pulumi.CustomResourceOptions).customTimeouts);
      return undefined;
    };
    const customTimeouts = { create: "9m", update: "2h" };
    await registered(options({ customTimeouts, transformations: [look] }), {
      ...{ backend: "aws", aws: { availabilityZone: "us-east-1a" } },
    });
    expect(seen).toEqual([customTimeouts]);
    const openstack = { backend: "openstack", openstack: {} };
    await registered(() => expect(options({ customTimeouts })).toThrow("changeTimeoutMinutes"), openstack);
  });
});

describe("volumes of one program, in a unit test with mocks", () => {
  const below = (name: string) => ({ parent: new pulumi.ComponentResource("app:Group", name) });

  test("are of one run, so that two that would be one are refused; and the next setMocks begins another", async () => {
    await registered(() => {
      new ProfiledVolume("data", { sizeGiB: 1 });
      expect(() => new ProfiledVolume("other", { sizeGiB: 1, physicalName: "data" })).toThrow("[volume-twice]");
      const path = "/volumes/volumes/project/stack/data";
      expect(() => new ProfiledVolume("taken", { sizeGiB: 1, import: path })).toThrow("[volume-twice]");
    });
    expect(await declared("data", { sizeGiB: 1 })).toHaveLength(2);
  });

  test("may share a name below two parents, where they don't share what is one volume's on the backend", async () => {
    const seen = await registered(() => {
      new ProfiledVolume("data@gold", { sizeGiB: 1 }, below("web"));
      expect(() => new ProfiledVolume("data", { sizeGiB: 1 }, below("db"))).toThrow(
        '"data" is already used by another volume [volume-twice]',
      );
      new ProfiledVolume("data@silver", { sizeGiB: 1, physicalName: "db-data" }, below("search"));
    });
    const children = seen.filter(({ type }) => type === CHILD);
    expect(children.map(({ inputs }) => [inputs["identity"].name, inputs["settings"].iopsLimit])).toEqual([
      ["data", 10000],
      ["db-data", 3000],
    ]);
  });

  test("have one name on an array, and none that counts on EBS and Cinder", () => {
    const identity = (
      backend: "aws" | "openstack" | "scaleio",
      asked: { name: string; importId?: string; own?: object },
    ) => volumeBackend(backend).identity?.({ physicalName: undefined, importId: undefined, config: {}, ...asked });
    expect(identity("aws", { name: "data" })).toBeUndefined();
    expect(identity("openstack", { name: "data" })).toBeUndefined();
    expect(identity("scaleio", { name: "data" })).toBe(identity("scaleio", { name: "data" }));
    expect(identity("scaleio", { name: "data" })).not.toBe(identity("scaleio", { name: "logs" }));
    // Two names of one address are one array; those of two are two.
    const connection = (name: string) => ({ own: { connection: name } });
    const to = (endpoint: string) => ({ endpoint });
    pulumi.runtime.setAllConfig({
      "scaleio:endpoint": "https://a.example",
      "scaleio:connections": JSON.stringify({ again: to("a.example/"), b: to("https://b.example"), c: {} }),
    });
    const imported = { name: "data", importId: "AB" };
    const [own, ...named] = [{}, connection("again"), connection("b"), connection("c")].map((each) =>
      identity("scaleio", { ...imported, ...each }),
    );
    expect(named.map((each) => each === own)).toEqual([true, false, false]);
    expect(identity("scaleio", { name: "x", importId: "ab" })).toBe(own);
    // A name that is made has the stack's token, and that is another one for each.
    expect(identity("scaleio", { name: "data", ...connection("again") })).not.toBe(
      identity("scaleio", { name: "data" }),
    );
    pulumi.runtime.setAllConfig({});
    expect(identity("scaleio", { name: "data", importId: "1" })).toBe(
      identity("scaleio", { name: "x", importId: "1" }),
    );
  });
});

describe("a ProfiledVolume of another copy of the package", () => {
  const ofAnotherCopy = (): typeof ProfiledVolume => {
    let copy!: { ProfiledVolume: typeof ProfiledVolume };
    jest.isolateModules(() => {
      jest.doMock("@pulumi/pulumi", () => pulumi);
      copy = jest.requireActual("../../components/profiled-volume");
    });
    return copy.ProfiledVolume;
  };

  test("is one, as its subclasses are, and can be attached; nothing else is", async () => {
    const Copy = ofAnotherCopy();
    class Special extends ProfiledVolume {}
    await registered(() => {
      const [own, other] = [new Special("own", { sizeGiB: 1 }), new Copy("other", { sizeGiB: 1 })];
      expect(Copy).not.toBe(ProfiledVolume);
      expect([own, other].map((each) => each instanceof ProfiledVolume)).toEqual([true, true]);
      expect([own, other].map((each) => each instanceof Special)).toEqual([true, false]);
      const group: unknown = new pulumi.ComponentResource("app:Group", "group");
      expect([group, undefined, {}].map((each) => (each as object) instanceof ProfiledVolume)).toEqual(
        Array(3).fill(false),
      );
      expect(() => new VolumeAttachment("on-web", { volume: other, host: "i-1" })).toThrow(
        "volumes on local are mounted on this machine; they can't be attached to a host",
      );
      const image = { backend: "ceph", volumeId: "data" } as const;
      expect(() => new VolumeAttachment("on-db", { volume: image, host: "db" })).toThrow("run `rbd device map`");
    });
  });
});

describe("what is said of deletions that a renaming means", () => {
  const urnOf = (name: string) => `urn:pulumi:dev::p::${COMPONENT}::${name}`;
  const volume = (name: string, isNew: boolean) => ({ ...newDeclaration(name, "local"), urn: urnOf(name), isNew });

  test("names what goes, what comes, and the alias that keeps it", () => {
    const text = deletionWarning([volume("store", true)], [urnOf("data"), urnOf("data").replace(COMPONENT, CHILD)]);
    expect(text).toContain(
      '"data" is no longer declared and will be deleted with its data, while "store" will be created',
    );
    expect(text).toContain(`new ProfiledVolume("store", …, { aliases: ["${urnOf("data")}"] })`);
  });

  test("is nothing where nothing goes, nothing comes, or an alias has been given", () => {
    expect(deletionWarning([volume("data", false), volume("new", true)], [urnOf("data")])).toBeUndefined();
    expect(deletionWarning([volume("logs", false)], [urnOf("logs"), urnOf("data")])).toBeUndefined();
    const renamed = {
      ...volume("store", false),
      formerUrns: ["urn:pulumi:stack::project::storage-profiles:index:ProfiledVolume::data"],
    };
    expect(deletionWarning([renamed, volume("new", true)], [urnOf("data")])).toBeUndefined();
  });

  test("a volume has the aliases of all that it is below, as the engine has it", async () => {
    class Part extends pulumi.ComponentResource {
      constructor(type: string, name: string, opts: pulumi.ComponentResourceOptions) {
        super(type, name, {}, opts);
      }
    }
    let volumes: ProfiledVolume[] = [];
    await registered(() => {
      const outer = new Part("app:Whole", "whole", { aliases: [{ type: "app:All" }] });
      const parent = new Part("app:Market", "market", { parent: outer, aliases: [{ name: "shop", type: "app:Shop" }] });
      const declare = (name: string, aliases: pulumi.Alias[] = []) =>
        new ProfiledVolume(name, { sizeGiB: 1 }, { parent, aliases });
      volumes = [declare("data"), declare("market-logs"), declare("goods", [{ name: "wares" }])];
    });
    const [data, logs, goods] = await Promise.all(volumes.map(async (each) => (await knownFormerUrns(each)).sort()));
    const urns = (...ends: string[]) => ends.map((end) => `urn:pulumi:stack::project::${end}`);
    const below = (...parents: string[]) => `${parents.map((each) => `app:${each}$`).join("")}${COMPONENT}`;
    expect(data).toEqual(
      urns(`${below("All", "Market")}::data`, `${below("All", "Shop")}::data`, `${below("Whole", "Shop")}::data`),
    );
    // What is named after its parent was named after the former one.
    expect(logs).toEqual(expect.arrayContaining(urns(`${below("Whole", "Shop")}::shop-logs`)));
    expect(goods).toEqual(
      expect.arrayContaining(
        urns(
          `${below("Whole", "Market")}::wares`,
          `${below("Whole", "Shop")}::wares`,
          `${below("All", "Shop")}::goods`,
        ),
      ),
    );
  });

  test("a volume whose component, or whose resource, was renamed alone in the state is found, and nothing else", () => {
    const childOf = (name: string) => urnOf(name).replace(COMPONENT, `${COMPONENT}$${CHILD}`);
    const others = [urnOf("logs"), childOf("logs"), urnOf("app").replace(COMPONENT, "test:App")];
    const created = childOf("store");
    expect(separatedResources(created, [...others, urnOf("store"), childOf("data")])).toEqual([childOf("data")]);
    for (const recorded of [
      // Interrupted before it was created; replaced; new beside one that was separated before.
      [...others, urnOf("store")],
      [...others, urnOf("store"), created, childOf("data")],
      [...others, childOf("data")],
    ])
      expect(separatedResources(created, recorded)).toEqual([]);
  });

  test("an alias whose volume would be deleted is refused, where the state has both; and only there", () => {
    const moved = { ...volume("store", false), formerUrns: [urnOf("data")] };
    const made = (name: string) => [urnOf(name), urnOf(name).replace(COMPONENT, `${COMPONENT}$${CHILD}`)];
    const both = deletedAliases([moved], [...made("store"), ...made("data")]);
    expect(both).toContain(`${urnOf("data")} is an alias of ${urnOf("store")}, but the state contains both`);
    expect(deletedAliases([moved], made("data"))).toBeUndefined();
    expect(deletedAliases([moved], made("store"))).toBeUndefined();
    // A run that failed has left the component alone.
    expect(deletedAliases([moved], [urnOf("store"), ...made("data")])).toBeUndefined();
    // Another volume is declared by that name now.
    const another = volume("data", false);
    expect(deletedAliases([moved, another], [...made("store"), ...made("data")])).toBeUndefined();
  });
});
