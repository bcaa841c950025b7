// What the cluster is asked before a claim changes, against an API server of the test's own. A real one judges in test/labs/kubernetes.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import * as pulumi from "@pulumi/pulumi";

import { askCluster } from "../../../../components/backends/kubernetes/ask";

const PENDING =
  'PersistentVolumeClaim "data" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

let server: Server;
let requests: { method: string; at: string; type: string | undefined; body: string }[] = [];
let judgement: { status: number; body: object };
const CLASS = { status: 200, body: { driverName: "ebs.csi.aws.com" } };
let attributesClass: { status: number; body: object } = CLASS;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      const { method = "", url: at = "" } = request;
      requests.push({ method, at, type: request.headers["content-type"], body });
      const answer =
        method === "PATCH"
          ? judgement
          : at.includes("volumeattributesclasses")
            ? attributesClass
            : { status: 200, body: { metadata: { uid: "u" }, status: { phase: "Bound" } } };
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterAll(() => new Promise((done) => server.close(done)));
beforeEach(() => {
  requests = [];
  attributesClass = CLASS;
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
}: { to?: string; sizeGiB?: number; config?: object } = {}) => {
  // As the hook reads them of the claim, which doesn't say its driver.
  const settings = (volumeAttributesClass: string) => ({ volumeAttributesClass });
  const { problems, notes } = await askCluster({
    declared: { before: { metadata: { namespace: "shop", name: "data", uid: "u" } } },
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
    "GET /apis/storage.k8s.io/v1/volumeattributesclasses/gold",
  ]);
  expect(requests[1]?.type).toBe("application/merge-patch+json");
  expect(JSON.parse(requests[1]!.body)).toEqual({
    spec: { resources: { requests: { storage: "200Gi" } }, volumeAttributesClassName: "gold" },
  });
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
