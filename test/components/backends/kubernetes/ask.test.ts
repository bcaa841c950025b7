// What the cluster is asked before a claim is created or changes, against an API server of the test's own. A real one judges in test/labs/kubernetes.

import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";

import * as pulumi from "@pulumi/pulumi";

import { askCluster, isClaimThere } from "../../../../components/backends/kubernetes/ask";
import { known } from "../../../../components/engine";
import { rememberClaim, rememberClasses } from "../../../../components/backends/kubernetes/program";
import { makeCatalog, resolve } from "../../../../src";
import { claimSpec } from "../../../../src/backends/kubernetes/claim";
import { classesOf } from "../../../../src/backends/kubernetes/manifests";
import type { KubernetesSettings } from "../../../../src/backends/kubernetes/settings";

const PENDING =
  'PersistentVolumeClaim "data" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

let server: Server;
let requests: { method: string; at: string; type: string | undefined; body: string }[] = [];
let judgement: { status: number; body: object };
interface Answer {
  status: number;
  body: object;
}
const CLASS = { status: 200, body: { driverName: "ebs.csi.aws.com" } };
let attributesClass: Answer = CLASS;
/** By the last parts of the path, as far as a test sets them. */
let answers: Record<string, Answer> = {};

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      const { method = "", url: at = "" } = request;
      requests.push({ method, at, type: request.headers["content-type"], body });
      const named = Object.keys(answers).find((key) => at.endsWith(key));
      const answer =
        (method === "GET" && named !== undefined ? answers[named] : undefined) ??
        (method !== "GET"
          ? judgement
          : at.includes("volumeattributesclasses")
            ? attributesClass
            : at.endsWith("/resourcequotas")
              ? { status: 200, body: { items: [] } }
              : { status: 200, body: { metadata: { uid: "u" }, status: { phase: "Bound" } } });
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterAll(() => new Promise((done) => server.close(done)));
beforeEach(() => {
  requests = [];
  attributesClass = CLASS;
  answers = {};
});

const connect = (port = (server.address() as AddressInfo).port) => {
  const kubeconfig = {
    "current-context": "c",
    clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: "c", context: { cluster: "c" } }],
  };
  pulumi.runtime.setAllConfig({ "kubernetes:kubeconfig": JSON.stringify(kubeconfig) });
};
const ask = async ({
  to = "gold",
  sizeGiB = 100,
  config = {},
  name = "data",
}: { to?: string; sizeGiB?: number; config?: object; name?: string } = {}) => {
  // As the hook reads them of the claim, which doesn't say its driver.
  const settings = (volumeAttributesClass: string) => ({ volumeAttributesClass });
  const { problems, notes } = await askCluster({
    declared: { before: { metadata: { namespace: "shop", name, uid: "u" } } },
    ...{ config, from: { sizeGiB: 100, settings: settings("silver") }, to: { sizeGiB, settings: settings(to) } },
  } as never);
  return [...problems, ...notes].map(({ message }) => message);
};

test("a change is tried in a dry run, with class and size in one patch; an accepted one says nothing", async () => {
  connect();
  judgement = { status: 200, body: {} };
  expect(await ask({ sizeGiB: 200 })).toEqual([]);
  expect(requests.map(({ method, at }) => `${method} ${at}`)).toEqual([
    "GET /api/v1/namespaces/shop/persistentvolumeclaims/data",
    "PATCH /api/v1/namespaces/shop/persistentvolumeclaims/data?dryRun=All",
    "GET /api/v1/namespaces/shop/resourcequotas",
    "GET /apis/storage.k8s.io/v1/volumeattributesclasses/gold",
  ]);
  expect(requests[1]?.type).toBe("application/merge-patch+json");
  expect(JSON.parse(requests[1]!.body)).toEqual({
    spec: { resources: { requests: { storage: "200Gi" } }, volumeAttributesClassName: "gold" },
  });
});

test("claims that grow are refused where a quota has room for each, and not for all of them", async () => {
  connect();
  judgement = { status: 200, body: {} };
  const [hard, used] = [{ "requests.storage": "350Gi" }, { "requests.storage": "200Gi" }];
  answers["/namespaces/shop/resourcequotas"] = { status: 200, body: { items: [{ status: { hard, used } }] } };
  for (const name of ["a", "b"])
    answers[`/persistentvolumeclaims/${name}`] = {
      status: 200,
      body: { metadata: { uid: "u" }, spec: { resources: { requests: { storage: "100Gi" } } } },
    };
  const config = {};
  const grow = (name: string) => ask({ name, config, sizeGiB: 200 });
  expect(await grow("a")).toEqual([]);
  expect(await grow("a")).toEqual([]);
  expect(await grow("b")).toEqual([
    expect.stringContaining(
      "has no room for the 2 claims that this run creates or changes: requests.storage is limited to 350Gi",
    ),
  ]);
  // A claim that the server refuses by itself has only the server's problem.
  judgement = { status: 403, body: { message: "is forbidden: exceeded quota: q" } };
  expect(await grow("b")).toEqual([expect.stringContaining("a quota of the namespace is exhausted")]);
});

test("labels alone are not asked about", async () => {
  connect();
  expect(await ask({ to: "silver" })).toEqual([]);
  expect(requests).toEqual([]);
});

test.each<[string, { status: number; body: object }, string[]]>([
  ["a claim that isn't bound", { status: 422, body: { message: PENDING } }, ["isn't bound yet"]],
  [
    "an exhausted quota",
    { status: 403, body: { message: "is forbidden: exceeded quota: q" } },
    ["a quota of the namespace"],
  ],
  ["what only the server understands is left to the provider", { status: 422, body: { message: "something new" } }, []],
  [
    "no permission",
    { status: 403, body: { message: 'User "x" cannot patch resource' } },
    ["no permission for it (HTTP 403)"],
  ],
  [
    "what the server forbids, and nobody else would tell",
    { status: 403, body: { message: 'admission webhook "sizes.example.com" denied the request: at most 50Gi' } },
    ['the API server forbids the change: admission webhook "sizes.example.com" denied the request: at most 50Gi'],
  ],
  [
    "a webhook that denies without a status of its own",
    { status: 400, body: { message: 'admission webhook "sizes.example.com" denied the request: at most 50Gi' } },
    ['the API server forbids the change: admission webhook "sizes.example.com" denied the request: at most 50Gi'],
  ],
  ["a proxy that forbids", { status: 403, body: {} }, ["no permission for it (HTTP 403)"]],
  ["a server that is busy", { status: 429, body: { message: "too many requests" } }, ["answered HTTP 429"]],
])("%s", async (_, judged, expected) => {
  connect();
  judgement = judged;
  expect(await ask()).toEqual(expected.map((each) => expect.stringContaining(each)));
});

test("a refusal is reported also where the class may not be read", async () => {
  connect();
  judgement = { status: 403, body: { message: "is forbidden: exceeded quota: q" } };
  attributesClass = { status: 403, body: {} };
  expect(await ask()).toEqual([
    expect.stringContaining("a quota of the namespace"),
    expect.stringMatching(/^VolumeAttributesClass gold not checked in advance: .*no permission/),
  ]);
});

test.each<[string, object]>([
  ["a server that doesn't know such classes", { status: "Failure", message: "not found", details: {} }],
  ["one that doesn't know their version", "404 page not found" as never],
])("a change on a cluster that is too old is refused, since it would lose the class: %s", async (_, body) => {
  connect();
  judgement = { status: 200, body: {} };
  attributesClass = { status: 404, body };
  expect(await ask()).toEqual([expect.stringContaining("doesn't serve VolumeAttributesClass in storage.k8s.io/v1")]);
});

test("a cluster that can't be reached is noted, and isn't waited for by the next volume", async () => {
  connect(1);
  const config = {};
  const first = await ask({ config });
  expect(first).toEqual([expect.stringMatching(/^claim shop\/data not checked in advance: .*ECONNREFUSED/)]);
  // A new kubeconfig in the same run would be read if it were tried again.
  connect();
  expect(await ask({ config })).toEqual(first);
  expect(requests).toEqual([]);
});

test("where nobody answers, one claim of many waits for it", async () => {
  let connections = 0;
  const silent = createTcpServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  try {
    connect((silent.address() as AddressInfo).port);
    const config = {};
    await ask({ config });
    const forOne = connections;
    const other = {};
    const answered = await Promise.all(Array.from({ length: 40 }, () => ask({ config: other })));
    expect(new Set(answered.flat()).size).toBe(1);
    expect(connections).toBe(2 * forOne);
  } finally {
    silent.close();
  }
});

test("a claim that the state has is there by its uid; what the kubeconfig's cluster doesn't have isn't known to be gone", async () => {
  connect();
  const isThere = (uid: string) =>
    isClaimThere({} as never, {}, { metadata: { namespace: "shop", name: "data", uid } });
  expect(await isThere("u")).toBe(true);
  await expect(isThere("other")).rejects.toThrow(
    "correct the kubeconfig. If the claim was deleted, run `pulumi refresh`",
  );
  answers = { "/persistentvolumeclaims/data": { status: 404, body: {} } };
  await expect(isThere("u")).rejects.toThrow("doesn't have claim shop/data with uid u");
});

describe("a new claim", () => {
  const catalog = makeCatalog({ profiles: { gold: { aws: { volumeType: "gp3", iops: 6000, throughputMiBps: 500 } } } });
  const resolved = (sizeGiB = 100) => {
    const placement = { driver: "ebs.csi.aws.com", namespace: "shop" };
    return resolve(catalog, { name: "data@gold", sizeGiB, backend: "kubernetes", placement }).volume!;
  };
  const settings = resolved().settings as KubernetesSettings;
  const { storageClasses, attributesClasses } = classesOf(catalog, {
    ...{ profiles: ["gold"], placement: { driver: "ebs.csi.aws.com" } },
  });
  const [storageClass, attributes] = [storageClasses[0]!, attributesClasses[0]!];
  const STORAGE_CLASS = `/storageclasses/${settings.storageClass}`;
  const ATTRIBUTES_CLASS = `/volumeattributesclasses/${settings.volumeAttributesClass}`;
  const QUOTAS = "/namespaces/shop/resourcequotas";
  const found = (body: object): Answer => ({ status: 200, body });
  const NONE = { status: 404, body: { details: { name: "x" }, message: "not found" } };
  const FORBIDDEN = { status: 403, body: { message: 'User "x" cannot get resource' } };

  beforeEach(() => {
    connect();
    judgement = { status: 201, body: {} };
    answers = {
      [STORAGE_CLASS]: found(storageClass),
      [ATTRIBUTES_CLASS]: found(attributes),
      [QUOTAS]: found({ items: [] }),
    };
  });

  const asked = (name: string, to: ReturnType<typeof resolved>, { config = {}, declared = {}, spec = {} } = {}) => {
    const of = to.settings as KubernetesSettings;
    const inputs = {
      metadata: { namespace: of.namespace, name },
      spec: { ...claimSpec({ sizeGiB: to.sizeGiB, settings: of }), ...spec },
    };
    return { name, declared, config, to, inputs, isDryRun: true } as never;
  };
  const texts = ({ problems, notes }: Awaited<ReturnType<typeof askCluster>>) => [
    ...problems.map(({ message }) => `refused: ${message}`),
    ...notes.map(({ message }) => message),
  ];
  const askNew = async (
    to = resolved(),
    { name = "data", ...more }: { name?: string; config?: object; declared?: object; spec?: object } = {},
  ) => texts(await askCluster(asked(name, to, more)));

  test("is created in a dry run, and its classes and the namespace's quotas are read once for all", async () => {
    const config = {};
    expect(await Promise.all([askNew(resolved(), { config }), askNew(resolved(200), { config, name: "b" })])).toEqual([
      ...[[], []],
    ]);
    const create = "POST /api/v1/namespaces/shop/persistentvolumeclaims?dryRun=All";
    const all = requests.map(({ method, at }) => `${method} ${at}`);
    expect(all.filter((each) => each === create)).toHaveLength(2);
    expect(all.filter((each) => each !== create).sort()).toEqual([
      "GET /api/v1/namespaces/shop/resourcequotas",
      `GET /apis/storage.k8s.io/v1${STORAGE_CLASS}`,
      `GET /apis/storage.k8s.io/v1${ATTRIBUTES_CLASS}`,
    ]);
    expect(JSON.parse(requests[0]!.body)).toEqual({
      ...{ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { namespace: "shop", name: "data" } },
      spec: claimSpec({ sizeGiB: 100, settings }),
    });
  });

  test("isn't asked about while something of it is unknown", async () => {
    const unknown = { resources: { requests: { storage: pulumi.unknown } } };
    expect(await askNew(resolved(), { spec: unknown })).toEqual([]);
    expect(requests).toEqual([]);
  });

  test.each<[string, number, string, string]>([
    [
      "a namespace that is being deleted",
      403,
      'persistentvolumeclaims "data" is forbidden: unable to create new content in namespace shop because it is being terminated',
      'refused: namespace "shop" is being deleted',
    ],
    [
      "a quota",
      403,
      'persistentvolumeclaims "data" is forbidden: exceeded quota: q, requested: requests.storage=100Gi',
      "refused: a quota of namespace shop has no room for the claim: ",
    ],
    [
      "a LimitRange",
      403,
      'persistentvolumeclaims "data" is forbidden: maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 100Gi',
      "refused: a LimitRange of namespace shop doesn't allow the size: ",
    ],
    [
      "an admission webhook",
      403,
      'admission webhook "w" denied the request: you cannot create claims on Fridays',
      'refused: the API server forbids the claim: admission webhook "w" denied',
    ],
    [
      "an admission webhook that denies without a status of its own",
      400,
      'admission webhook "w" denied the request: no',
      'refused: the API server forbids the claim: admission webhook "w" denied',
    ],
    [
      "no right to create claims",
      403,
      'persistentvolumeclaims is forbidden: User "x" cannot create resource "persistentvolumeclaims" in API group ""',
      "claim shop/data not checked in advance: trying to create claim shop/data: the kubeconfig's user has no permission",
    ],
    [
      "a webhook that can't be tried",
      400,
      'admission webhook "w" does not support dry run',
      "claim shop/data not checked in advance: the API server answered HTTP 400: admission webhook",
    ],
    [
      "a webhook that denies with a status of servers",
      500,
      'admission webhook "w" denied the request: no',
      "refused: ",
    ],
    ["a server that is busy", 503, "try later", "claim shop/data not checked in advance: "],
  ])("meets %s", async (_, status, message, expected) => {
    judgement = { status, body: { message } };
    expect(await askNew()).toEqual([expect.stringContaining(expected)]);
  });

  test("what the API server rejects as invalid is left to the provider", async () => {
    judgement = { status: 422, body: { message: "spec.accessModes: Required value" } };
    expect(await askNew()).toEqual([]);
  });

  test.each<[string, () => void, string[]]>([
    [
      "another content under our name",
      () => {
        answers[STORAGE_CLASS] = found({ ...storageClass, parameters: { encrypted: "true" } });
        answers[ATTRIBUTES_CLASS] = found({ ...attributes, parameters: { ...attributes.parameters, iops: "1" } });
      },
      [
        `refused: StorageClass ${settings.storageClass} of the cluster isn't what the profile says: encrypted is "true", expected none`,
        `refused: VolumeAttributesClass ${settings.volumeAttributesClass} of the cluster isn't what the profile says: iops is "1", expected "6000"`,
      ],
    ],
    [
      "another reclaimPolicy",
      () => void (answers[STORAGE_CLASS] = found({ ...storageClass, reclaimPolicy: "Delete" })),
      ["its reclaimPolicy, volumeBindingMode or mountOptions differ"],
    ],
    [
      "another driver's",
      () => {
        answers[STORAGE_CLASS] = found({ ...storageClass, provisioner: "pd.csi.storage.gke.io" });
        answers[ATTRIBUTES_CLASS] = found({ ...attributes, driverName: "pd.csi.storage.gke.io" });
      },
      ["is one of driver pd.csi.storage.gke.io", "is one of driver pd.csi.storage.gke.io"],
    ],
    [
      "a Kubernetes before 1.34",
      () => void (answers[ATTRIBUTES_CLASS] = { status: 404, body: { message: "not found", details: {} } }),
      ["refused: the cluster doesn't serve VolumeAttributesClass"],
    ],
    [
      "no right to read classes or quotas",
      () => void (answers = { [STORAGE_CLASS]: FORBIDDEN, [ATTRIBUTES_CLASS]: FORBIDDEN, [QUOTAS]: FORBIDDEN }),
      [
        `StorageClass ${settings.storageClass} not checked in advance: `,
        `VolumeAttributesClass ${settings.volumeAttributesClass} not checked in advance: `,
      ],
    ],
  ])("has classes that aren't the profile's: %s", async (_, prepare, expected) => {
    prepare();
    expect(await askNew()).toEqual(expected.map((each) => expect.stringContaining(each)));
  });

  test("of a class that isn't the profile's own is checked for its driver only", async () => {
    const placement = { driver: "ebs.csi.aws.com", namespace: "shop", existingClass: "gp2" };
    const request = { name: "data@gold", sizeGiB: 100, backend: "kubernetes", placement };
    const to = resolve(catalog, request).volume!;
    answers["/storageclasses/gp2"] = found({ provisioner: "ebs.csi.aws.com", parameters: { type: "gp2" } });
    expect(await askNew(to)).toEqual([]);
    answers["/storageclasses/gp2"] = found({ provisioner: "kubernetes.io/aws-ebs" });
    expect(await askNew(to)).toEqual(["refused: StorageClass gp2 is one of driver kubernetes.io/aws-ebs"]);
  });

  test("is refused where a quota has no room for all new claims of the run together, in numbers", async () => {
    const quota = {
      metadata: { name: "q" },
      status: { hard: { "requests.storage": "250Gi" }, used: { "requests.storage": "60Gi" } },
    };
    answers[QUOTAS] = found({ items: [quota] });
    const config = {};
    expect(await askNew(resolved(), { config })).toEqual([]);
    expect(await askNew(resolved(), { config, name: "b" })).toEqual([
      "refused: quota q of namespace shop has no room for the 2 new claims of this run: requests.storage is limited to 250Gi, " +
        "60Gi is used, and 200Gi more is needed",
    ]);
    // A quota without room for this claim alone is reported once, with the same numbers.
    judgement = {
      status: 403,
      body: { message: "is forbidden: exceeded quota: q, requested: requests.storage=200Gi" },
    };
    expect(await askNew(resolved(200))).toEqual([
      expect.stringContaining("quota q of namespace shop has no room for this claim: "),
    ]);
  });

  test("whose quotas may not be read is noted once, where the run creates several", async () => {
    answers[QUOTAS] = FORBIDDEN;
    const config = {};
    const ask = (name: string) => askNew(resolved(), { config, name });
    const once = [expect.stringMatching(/^whether the quotas of namespace shop have room for all .* not checked in /)];
    expect(await Promise.all(["a", "b", "c"].map(ask))).toEqual([[], once, []]);
    // One after the other, as claims that depend on each other.
    const next = {};
    for (const [name, expected] of [
      ["a", []],
      ["b", once],
      ["c", []],
    ] as const)
      expect(await askNew(resolved(), { config: next, name })).toEqual(expected);
  });

  describe("in a program", () => {
    let state: Record<string, { outputs: object }> = {};
    beforeEach(async () => {
      state = {};
      await pulumi.runtime.setMocks(
        { newResource: ({ name, inputs }) => ({ id: name, state: inputs }), call: () => ({ outputs: state }) },
        ...(["project", "stack", true, "organization"] as const),
      );
      connect();
    });

    class Group extends pulumi.ComponentResource {}
    class Part extends pulumi.CustomResource {}
    class Namespace extends pulumi.CustomResource {
      declare readonly metadata: pulumi.Output<{ name: string }>;
      constructor(name: string, opts: pulumi.CustomResourceOptions) {
        super("kubernetes:core/v1:Namespace", name, { metadata: { name } }, opts);
      }
    }
    class Provider extends pulumi.ProviderResource {}
    const claimOf = (opts: pulumi.CustomResourceOptions = {}) => {
      const declared = { urn: "urn:pulumi:stack::project::t$storage-profiles:index:ProfiledVolume::data" };
      rememberClaim(declared as never, new Part("kubernetes:core/v1:PersistentVolumeClaim", "data", {}, opts));
      return declared;
    };
    const NO_NAMESPACE = { status: 404, body: { message: 'namespaces "shop" not found' } };

    test("that doesn't create the namespace or the classes is refused", async () => {
      const root = new Group("t:index:Root", "root");
      new Part("aws:ec2/instance:Instance", "host", {}, { parent: root });
      await known(new Namespace("shop-2", { parent: root }).metadata);
      judgement = NO_NAMESPACE;
      answers = { [STORAGE_CLASS]: NONE, [ATTRIBUTES_CLASS]: NONE };
      expect(await askNew(resolved(), { declared: claimOf({ parent: root }) })).toEqual(
        ['namespace "shop"', `StorageClass ${settings.storageClass}`, "VolumeAttributesClass"].map((each) =>
          expect.stringMatching(new RegExp(`^refused: ${each}.* doesn't exist in the cluster`)),
        ),
      );
    });

    test.each<[string, (parent: pulumi.Resource) => unknown, string[]]>([
      [
        "a Namespace",
        (parent) => new Namespace("shop", { parent }),
        ['claim shop/data not checked in advance: namespace "shop" doesn\'t exist in the cluster yet'],
      ],
      [
        "manifests",
        (parent) => new Group("kubernetes:yaml:ConfigFile", "all", {}, { parent }),
        ["claim shop/data not checked"],
      ],
      [
        "a chart",
        (parent) => new Part("kubernetes:helm.sh/v3:Release", "all", {}, { parent }),
        ["claim shop/data not checked"],
      ],
      [
        "a component of another package",
        (parent) => new Group("acme:index:Shop", "s", {}, { parent }),
        ["claim shop/data not checked"],
      ],
    ])("that may create the namespace isn't refused for it: %s", async (_, declare, expected) => {
      const root = new Group("t:index:Root", "root");
      declare(root);
      judgement = NO_NAMESPACE;
      expect(await askNew(resolved(), { declared: claimOf({ parent: root }) })).toEqual(
        expected.map((each) => expect.stringContaining(each)),
      );
    });

    test("that creates the classes says nothing of them; one that may create them says that the claim waits", async () => {
      answers = { [STORAGE_CLASS]: NONE, [ATTRIBUTES_CLASS]: NONE };
      const root = new Group("t:index:Root", "root");
      const classes = new Group("storage-profiles:index:ProfileClasses", "classes", {}, { parent: root });
      rememberClasses(classes, [settings.storageClass, settings.volumeAttributesClass!]);
      expect(await askNew(resolved(), { declared: claimOf({ parent: root }) })).toEqual([]);
      // Those of another provider may be of another cluster.
      const provider = new Provider("kubernetes", "east");
      const waiting = ["StorageClass", "VolumeAttributesClass"].map((kind) =>
        expect.stringMatching(
          new RegExp(`^${kind} .* doesn't exist in the cluster yet; the claim waits until it does`),
        ),
      );
      expect(await askNew(resolved(), { declared: claimOf({ parent: root, provider }) })).toEqual(waiting);
      const others = new Group("storage-profiles:index:ProfileClasses", "more", {}, { parent: root, provider });
      rememberClasses(others, [settings.storageClass, settings.volumeAttributesClass!]);
      rememberClasses(classes, []);
      expect(await askNew(resolved(), { declared: claimOf({ parent: root }) })).toEqual(waiting);
      rememberClasses(others, []);
      new Part("kubernetes:storage.k8s.io/v1:StorageClass", "own", {}, { parent: root });
      expect(await askNew(resolved(), { declared: claimOf({ parent: root }) })).toEqual([
        expect.stringMatching(/^refused: VolumeAttributesClass/),
        `StorageClass ${settings.storageClass} doesn't exist in the cluster yet; the claim waits until it does`,
      ]);
    });

    test("that has a claim of this name, which may not be read, is noted; what else is known counts", async () => {
      judgement = { status: 409, body: { message: 'persistentvolumeclaims "data" already exists' } };
      answers["/persistentvolumeclaims/data"] = FORBIDDEN;
      answers[STORAGE_CLASS] = found({ ...storageClass, provisioner: "other" });
      expect(await askNew(resolved(), { declared: claimOf() })).toEqual([
        expect.stringMatching(/^refused: StorageClass .* is one of driver other/),
        expect.stringMatching(
          /already exists, and whose it is can't be read: .*HTTP 403\): User "x" cannot get resource/,
        ),
      ]);
    });

    test("that has a claim of this name already is refused, unless the engine replaces that", async () => {
      judgement = { status: 409, body: { message: 'persistentvolumeclaims "data" already exists' } };
      const claim = "/persistentvolumeclaims/data";
      answers[claim] = found({ metadata: { uid: "u1" } });
      const declared = claimOf();
      const told = async () => {
        const { problems } = await askCluster(asked("data", resolved(), { declared }));
        return problems.map(({ message, fix }) => `${message}: ${fix}`);
      };
      expect(await told()).toEqual([
        "the cluster already has a claim shop/data, which isn't in this stack's state: import it with `import: \"shop/data\"`, or give " +
          "the volume another name (`physicalName`)",
      ]);
      answers[claim] = found({ metadata: { uid: "u1", deletionTimestamp: "2026-11-30T00:00:00Z" } });
      expect(await told()).toEqual([expect.stringContaining("that is still being deleted: wait until it is gone")]);

      const component = "urn:pulumi:stack::project::t$storage-profiles:index:ProfiledVolume";
      const recorded = { outputs: { metadata: { uid: "u1" } } };
      state = { [`${component}$kubernetes:core/v1:PersistentVolumeClaim::former`]: recorded };
      expect(await told()).toEqual([
        expect.stringContaining('belongs to "former" of this stack: if the volume was renamed'),
      ]);
      state = { [`${component}$kubernetes:core/v1:PersistentVolumeClaim::data`]: recorded };
      expect(await told()).toEqual([]);
    });
  });
});
