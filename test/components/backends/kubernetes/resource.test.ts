// Exactly what volumes, classes and claim templates register on kubernetes, by mocks. What an API server makes of the objects is shown in
// the lab (test/labs/kubernetes).

import * as pulumi from "@pulumi/pulumi";

import { claimTemplate, ProfileClasses, ProfiledVolume, type ProfiledVolumeArgs } from "../../../../components";
import { known } from "../../../../components/engine";
import { explainErrors } from "../../../../components/backends/kubernetes/errors";

const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";
const OUTCOME = "pulumi-nodejs:dynamic/storage-profiles:ClaimOutcome";
const EBS = "ebs.csi.aws.com";

interface Registered {
  type: string;
  name: string;
  inputs: any;
  options: any;
}

/**
 * Runs a program under mocks, with this config below storage-profiles, and returns what it registered. The engine leaves out resources of the type
 * `leftOut`: they have no id. `became` is what the API server makes of what it is given.
 */
async function run(
  program: () => unknown,
  config: Record<string, unknown> = {},
  leftOut?: string,
  became: (inputs: any) => object = (inputs) => inputs,
): Promise<Registered[]> {
  const seen: Registered[] = [];
  const options = new Map<string, unknown>();
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs, custom }) {
        seen.push({ type, name, inputs, options: options.get(`${type} ${name}`) });
        const { namespace, name: called } = inputs.metadata ?? {};
        return { id: custom === false || type === leftOut ? "" : `${namespace}/${called}`, state: became(inputs) };
      },
      call: () => ({}),
    },
    "project",
    "stack",
    false,
    "organization",
  );
  // Mocks receive only the inputs; the options are in the request.
  const monitor = pulumi.runtime.getMonitor() as any;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request: any, ...others: unknown[]) => {
    options.set(`${request.getType()} ${request.getName()}`, request.toObject());
    return register(request, ...others);
  };
  const all = { backend: "kubernetes", kubernetes: { driver: EBS }, ...config };
  pulumi.runtime.setAllConfig(
    Object.fromEntries(
      Object.entries(all).map(([key, value]) => [
        `storage-profiles:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
  );
  try {
    await program();
  } finally {
    // Registrations go on behind the constructors; a mock answers each in a few turns.
    for (let turn = 0; turn < 80; turn++) await new Promise((done) => setImmediate(done));
  }
  return seen;
}

const value = <T>(output: pulumi.Output<T>): Promise<T> =>
  new Promise((done) => {
    output.apply(done);
  });
const declare = (reference: string, args: ProfiledVolumeArgs, config?: Record<string, unknown>) =>
  run(() => new ProfiledVolume(reference, args), config);

describe("a ProfiledVolume on Kubernetes", () => {
  test("is a claim of the profile's classes, and tells its names", async () => {
    let volume!: ProfiledVolume<"kubernetes">;
    const seen = await run(() => {
      volume = new ProfiledVolume("data@gold", {
        sizeGiB: 100,
        backend: "kubernetes",
        kubernetes: { namespace: "shop", labels: { app: "orders" } },
      });
    });
    expect(seen.map(({ type, name }) => `${type} ${name}`)).toEqual([
      "storage-profiles:index:ProfiledVolume data",
      `${CLAIM} data`,
      `${OUTCOME} data`,
    ]);
    const [component, claim, outcome] = seen;
    const { storageClass, volumeAttributesClass } = component!.inputs.settings;
    expect(claim?.inputs).toEqual({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data", namespace: "shop", labels: { app: "orders" } },
      spec: {
        accessModes: ["ReadWriteOnce"],
        volumeMode: "Filesystem",
        storageClassName: storageClass,
        volumeAttributesClassName: volumeAttributesClass,
        resources: { requests: { storage: "100Gi" } },
      },
    });
    expect(claim?.options).toMatchObject({
      protect: true,
      ignorechangesList: expect.arrayContaining(["spec.storageClassName", "metadata.namespace", "spec.dataSource"]),
    });
    expect(outcome?.inputs).toMatchObject({
      ...{ claim: "shop/data", attributesClass: volumeAttributesClass, storage: "100Gi" },
      ...{ declaredAs: "data", timeoutSeconds: 900 },
    });
    expect(await value(volume.volumeId)).toBe("shop/data");
    expect(await value(volume.details)).toEqual({ claimName: "data", volumeName: undefined });
    expect(await value(volume.settings)).toEqual(component?.inputs.settings);
    expect(await value(volume.sizeGiB)).toBe(100);
  });

  test("has its id also where an `up` of another target leaves the companion out", async () => {
    let volume!: ProfiledVolume<"kubernetes">;
    await run(() => (volume = new ProfiledVolume("data@gold", { sizeGiB: 100, backend: "kubernetes" })), {}, OUTCOME);
    expect(await known(volume.volumeId)).toBe("default/data");
  });

  test("has no class of attributes where the driver can't change a volume", async () => {
    const seen = await declare("data@gold", { sizeGiB: 10 }, { kubernetes: { driver: "cinder.csi.openstack.org" } });
    expect(Object.keys(seen[1]?.inputs.spec)).not.toContain("volumeAttributesClassName");
  });

  test("a change is awaited for as long as the volume's options say, else the stack", async () => {
    const seconds = async (opts: object, kubernetes: object = {}) => {
      const seen = await run(() => new ProfiledVolume("data", { sizeGiB: 1 }, opts), {
        kubernetes: { driver: EBS, ...kubernetes },
      });
      return seen.find(({ type }) => type === OUTCOME)?.inputs.timeoutSeconds;
    };
    const update = (limit: string) => ({ customTimeouts: { update: limit } });
    expect(await seconds(update("1h30m"), { changeTimeoutMinutes: 5 })).toBe(5_400);
    expect(await seconds(update("90s"))).toBe(90);
    expect(await seconds({ customTimeouts: { create: "1m" } }, { changeTimeoutMinutes: 5 })).toBe(300);
  });

  test("a class that the API server took out of the claim is told to what waits for the change", async () => {
    const [, claim, outcome] = await run(
      () => new ProfiledVolume("data@gold", { sizeGiB: 100 }),
      {},
      undefined,
      (inputs) => {
        const { volumeAttributesClassName: _dropped, ...spec } = inputs.spec ?? {};
        return { ...inputs, ...(inputs.spec && { spec }) };
      },
    );
    const { dropped, attributesClass } = outcome!.inputs;
    expect([dropped, attributesClass]).toEqual([claim?.inputs.spec.volumeAttributesClassName, undefined]);
    expect((await declare("data@gold", { sizeGiB: 100 }))[2]!.inputs).not.toHaveProperty("dropped");
  });

  test("a transform adjusts the claim: what it is created from", async () => {
    const dataSource = { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "before" };
    const seen = await declare("data", {
      sizeGiB: 10,
      transform: {
        kubernetes: (args) => ({
          args: { ...args, spec: pulumi.output(args.spec).apply((spec) => ({ ...spec, dataSource })) },
        }),
      },
    });
    expect(seen[1]?.inputs.spec).toMatchObject({ dataSource, resources: { requests: { storage: "10Gi" } } });
  });

  test("two volumes are the same claim only in one namespace", async () => {
    const two = (namespace: string) => () => {
      new ProfiledVolume("a", { sizeGiB: 1, physicalName: "data" });
      new ProfiledVolume("b", { sizeGiB: 1, physicalName: "data", kubernetes: { namespace } });
    };
    await expect(run(two("default"))).rejects.toThrow("[volume-twice]");
    expect(await run(two("shop"))).toHaveLength(6);
  });

  test("without a driver, or with an unsupported one, is refused with the key to set", async () => {
    await expect(declare("data", { sizeGiB: 1 }, { kubernetes: {} })).rejects.toThrow(
      "storage-profiles:kubernetes.driver",
    );
    const other = { kubernetes: { driver: "pd.csi.storage.gke.io" } };
    await expect(declare("data", { sizeGiB: 1 }, other)).rejects.toThrow(
      /"pd\.csi\.storage\.gke\.io".*value-not-allowed/,
    );
  });

  test.each([
    [
      'PersistentVolumeClaim "data" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      "the claim isn't bound yet",
    ],
    ['namespaces "shop" not found', "the claim's namespace doesn't exist in the cluster"],
    ['persistentvolumeclaims "data" already exists', 'import: "<namespace>/<name>"'],
    ["exceeded quota: q, requested: count/persistentvolumeclaims=1", "quota of the namespace is exhausted"],
    ["only dynamically provisioned pvc can be resized and the storageclass", "StorageClass no longer exists"],
    [
      'an apply conflict: Apply failed with 1 conflict: conflict with "helm" using v1: .spec.resources.requests.storage',
      "PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up`. The variable counts for all Kubernetes resources",
    ],
  ])("explains %s", (error, expected) => {
    expect(explainErrors("data", "default/data", [error])).toContain(expected);
  });

  test("leaves an error unchanged that already says what to do", () => {
    expect(explainErrors("data", "default/data", ["connection refused"])).toBeUndefined();
  });
});

describe("ProfileClasses", () => {
  const profiles = { silver: { extends: "silver" }, slow: { aws: { volumeType: "st1" } } };

  test("makes the classes of all profiles of the driver's backend, which outlive their declaration", async () => {
    let classes!: ProfileClasses;
    const seen = await run(
      () => {
        classes = new ProfileClasses("classes", { sizes: [100, "1TiB"], defaultProfile: "silver" });
      },
      { profiles, kubernetes: { driver: EBS, zones: ["us-east-1a"] } },
    );
    const kinds = (type: string) => seen.filter((each) => each.type.endsWith(`:${type}`));
    const storage = kinds("StorageClass");
    expect(storage.map(({ inputs }) => inputs.metadata.name).sort()).toEqual([
      ...["bronze", "default", "silver", "slow"],
      ...[expect.stringMatching(/^sp-ebs-/), expect.stringMatching(/^sp-ebs-/)],
    ]);
    const [hashed, silver] = ["sp-", "silver"].map((prefix) =>
      storage.find(({ inputs }) => inputs.metadata.name.startsWith(prefix))!,
    );
    expect(hashed!.options.retainondelete).toBe(true);
    expect(silver!.options).toMatchObject({
      deletebeforereplace: true,
      replaceonchangesList: ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
    });
    const attributes = kinds("VolumeAttributesClass");
    expect(attributes.map(({ inputs }) => inputs.parameters)).toContainEqual({ type: "io1", iops: "30720" });
    expect(attributes.every(({ inputs, options }) => inputs.driverName === EBS && options.retainondelete)).toBe(true);
    const names = await value(classes.profiles);
    expect(Object.keys(names["gold"]?.attributesClasses ?? {})).toEqual(["100", "1024"]);
  });

  test("takes the sizes of the volumes that the stack's config lists", async () => {
    const volumes = { a: { profile: "gold", sizeGiB: 50 }, b: { profile: "gold", size: "50GiB" }, c: { sizeGiB: 7 } };
    let classes!: ProfileClasses;
    await run(() => (classes = new ProfileClasses("classes", { profiles: ["gold"] })), { volumes });
    expect(Object.keys((await value(classes.profiles))["gold"]?.attributesClasses ?? {})).toEqual(["7", "50"]);
  });

  test.each([
    ["an unknown driver", { driver: "pd.csi.storage.gke.io" }, "value-not-allowed"],
    ["an unknown profile", { profiles: ["glod"] }, 'did you mean "gold"?'],
    ["a size that is none", { sizes: ["big"] }, "sizes[0]"],
    ["an unknown argument", { size: 1 }, 'did you mean "sizes"?'],
    ["what isn't true or false", { aliases: "no" }, "aliases: expected"],
    ["a profile without sizes that depends on them", { profiles: ["gold"] }, "sizes: [100, 500]"],
  ])("refuses %s", async (_, args, expected) => {
    await expect(run(() => new ProfileClasses("classes", args as never))).rejects.toThrow(expected);
  });
});

describe("a claim template", () => {
  test("is a claim without a namespace, of the same classes", async () => {
    let template!: ReturnType<typeof claimTemplate>;
    const seen = await run(() => {
      template = claimTemplate("data@gold", { sizeGiB: 100, kubernetes: { labels: { app: "db" } } });
      new ProfiledVolume("data@gold", { sizeGiB: 100 });
    });
    expect(template).toEqual({ metadata: { name: "data", labels: { app: "db" } }, spec: seen[1]?.inputs.spec });
  });

  test("with a problem throws it", async () => {
    await expect(run(() => claimTemplate("data@gold", { sizeGiB: 1 }))).rejects.toThrow("[size-beyond-limit]");
  });
});
