// What waits for the outcome of a claim's change, against an API server of the test's own: how it logs in, what it reports, what the state gets.

import { createServer, type Server } from "node:http";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { stringify } from "yaml";

import { KubernetesError } from "../../../../components/backends/kubernetes/cluster-errors";
import { readCluster } from "../../../../components/backends/kubernetes/kubeconfig";
import { ownResources } from "../../../../components/backends/kubernetes/own-resources";
import { provider } from "../../../../components/backends/kubernetes/provider";
import { takeConfig } from "../../../../plugin/config";
import { StorageProfiles } from "../../../../plugin/provider";
import { monotonic } from "../../../../src/system/monotonic";

const TOKEN = "a-token-that-nobody-may-see";
const claim = (status: object = {}, spec: object = {}) => ({
  metadata: { name: "data", namespace: "shop", uid: "u" },
  spec: {
    volumeAttributesClassName: "gold",
    resources: { requests: { storage: "100Gi" } },
    ...spec,
  },
  status: { phase: "Bound", capacity: { storage: "100Gi" }, currentVolumeAttributesClassName: "silver", ...status },
});
const DONE = claim({ currentVolumeAttributesClassName: "gold" });
const INFEASIBLE = claim({
  modifyVolumeStatus: { status: "Infeasible", targetVolumeAttributesClassName: "gold" },
});

/** What the server answers, one response after another; the last one again and again. */
let answers: { status?: number; body?: object }[] = [];
let events: object[] = [];
let requests: { method: string | undefined; at: string; body: string; authorization: string | undefined }[] = [];
let accepted = `Bearer ${TOKEN}`;
let server: Server;
let directory: string;
let printed: string[];

beforeAll(async () => {
  server = createServer((request, response) => {
    const at = request.url ?? "";
    const { authorization } = request.headers;
    const asked = { method: request.method, at, body: "", authorization };
    requests.push(asked);
    request.setEncoding("utf8").on("data", (part: string) => (asked.body += part));
    const json = (status: number, body: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (authorization !== accepted) return void json(401, {});
    if (at.includes("/events?")) return void json(200, { items: events });
    if (request.method === "PATCH") return void json(200, {});
    const [next = {}, ...others] = answers;
    if (others.length > 0) answers = others;
    json(next.status ?? 200, next.body ?? {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  directory = mkdtempSync(join(tmpdir(), "storage-profiles-kubeconfig-"));
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await new Promise((done) => server.close(done));
});

const log = console.log;
beforeEach(() => {
  [answers, events, requests, printed, accepted] = [[], [], [], [], `Bearer ${TOKEN}`];
  console.log = (line: string) => printed.push(line);
});
afterEach(() => (console.log = log));

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const kubeconfig = (user: object = { token: TOKEN }, address = url()) =>
  stringify({
    "current-context": "lab",
    clusters: [{ name: "c", cluster: { server: address } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "lab", context: { cluster: "c", user: "u" } }],
  });
const configure = (config: Record<string, string> = { "kubernetes:kubeconfig": kubeconfig() }) =>
  provider.configure({ config: { get: (key: string) => config[key] } } as never);

const inputs = {
  ...{ claim: "shop/data", uid: "u", attributesClass: "gold", storage: "100Gi" },
  ...{ declaredAs: "data", timeoutSeconds: 60, __provider: "text" },
};
const { __provider: _, ...recorded } = inputs;
const update = () => provider.update("shop/data", inputs, inputs);
const failure = (action: Promise<unknown>) =>
  action.then(
    () => Promise.reject(new Error("it should have failed")),
    (error: unknown) => error as Error & { properties?: any; id?: string; reasons?: string[] },
  );

describe("a change of a claim", () => {
  test("is awaited until the cluster has carried it out", async () => {
    await configure();
    const modifying = { modifyVolumeStatus: { status: "InProgress", targetVolumeAttributesClassName: "gold" } };
    answers = [{ body: claim() }, { body: claim(modifying) }, { body: DONE }];
    const { outs } = await update();
    expect(outs).toEqual(recorded);
    expect(requests.map(({ at }) => at)).toEqual(Array(3).fill("/api/v1/namespaces/shop/persistentvolumeclaims/data"));
    expect(JSON.stringify([outs, printed])).not.toContain(TOKEN);
  });

  test("that the driver rejects fails with its words and the way back; the state has what isn't done", async () => {
    await configure();
    answers = [{ body: INFEASIBLE }];
    events = [
      { reason: "VolumeModifyFailed", message: "iops of 9 is too low", lastTimestamp: "2026-01-02T00:00:00Z" },
      { reason: "VolumeModifyFailed", message: "an older one", lastTimestamp: "2026-01-01T00:00:00Z" },
      { reason: "Other", message: "unrelated", lastTimestamp: "2026-01-03T00:00:00Z" },
    ];
    const error = await failure(update());
    expect(error).toBeInstanceOf(KubernetesError);
    expect(error.message).toMatch(
      /rejected the class \(Infeasible\): iops of 9 is too low\. The volume keeps class silver\. Fix: give/,
    );
    expect(error.id).toBe("shop/data");
    expect(error.properties).toEqual({
      ...inputs,
      incomplete: expect.stringContaining("iops of 9 is too low"),
    });
    // Pulumi's own wording for a partial failure needs them.
    expect(error.reasons).toEqual([error.message]);
    expect(await provider.diff("shop/data", error.properties, inputs)).toMatchObject({ changes: true, replaces: [] });
  });

  test("that isn't done fails in the plugin with properties that the SDK can send", async () => {
    takeConfig([["kubernetes:kubeconfig", kubeconfig()]]);
    answers = [{ body: INFEASIBLE }];
    const { __provider: _text, ...given } = inputs;
    const urn = "urn:pulumi:dev::shop::storage-profiles:kubernetes:ClaimOutcome::data";
    const error = await failure(new StorageProfiles().update("shop/data", urn, given, given));
    expect(Struct.fromJavaScript(error.properties).toJavaScript()).toEqual({
      ...recorded,
      __provider: ownResources.ClaimOutcome.providerText,
      incomplete: expect.stringContaining("Infeasible"),
    });
  });

  test.each<[string, object, RegExp]>([
    ["that nobody answers", claim(), /no answer from the cluster.*external-resizer/],
    [
      "whose class is missing",
      claim({ modifyVolumeStatus: { status: "Pending", targetVolumeAttributesClassName: "gold" } }),
      /doesn't exist in the cluster \(Pending\).*npx storage-profiles classes/,
    ],
    [
      "that takes longer than the limit",
      claim({ modifyVolumeStatus: { status: "InProgress", targetVolumeAttributesClassName: "gold" } }),
      /InProgress, after 0 s \(customTimeouts.update.*The driver continues/,
    ],
  ])("%s fails at the time limit, and is waited for again", async (_, body, message) => {
    await configure();
    answers = [{ body }];
    const error = await failure(provider.update("shop/data", inputs, { ...inputs, timeoutSeconds: 0 }));
    expect(error.message).toMatch(message);
    answers = [{ body: DONE }];
    expect((await provider.update("shop/data", error.properties, inputs)).outs).not.toHaveProperty("incomplete");
  });

  test("that stands still is brought to the resizer's notice once more, without a trace in the claim, and not for every reading", async () => {
    await configure();
    const modifying = { modifyVolumeStatus: { status: "InProgress", targetVolumeAttributesClassName: "gold" } };
    const stuck = (resourceVersion: string) => {
      const { metadata, ...open } = claim(modifying);
      return { body: { ...open, metadata: { ...metadata, resourceVersion } } };
    };
    // Second, and version of the claim. At 40 s there was progress; at 71 s there was none for half a minute.
    const readings: [number, string][] = [
      [0, "1"],
      [40, "2"],
      [71, "2"],
      [300, "3"],
      [372, "3"],
    ];
    answers = [...readings.map(([, version]) => stuck(version)), { body: DONE }];
    const start = monotonic.now();
    const seconds = () => readings[requests.filter(({ method }) => method === "GET").length - 1]?.[0] ?? 0;
    const clock = jest.spyOn(monotonic, "now").mockImplementation(() => start + seconds() * 1_000);
    try {
      const { outs } = await provider.update("shop/data", inputs, { ...inputs, timeoutSeconds: 3_600 });
      expect(outs).not.toHaveProperty("incomplete");
    } finally {
      clock.mockRestore();
    }
    const note = (value: string | null) =>
      JSON.stringify({ metadata: { annotations: { "storage-profiles/read-again": value } } });
    const touched = [
      ["PATCH", note("now")],
      ["PATCH", note(null)],
    ];
    const read = ["GET", ""];
    expect(requests.map(({ method, body }) => [method, body])).toEqual([
      ...[read, read, read, ...touched, read, read, ...touched, read],
    ]);
  });

  test("whose class the API server took away fails, whatever the claim has come to, and again until the cluster keeps it", async () => {
    await configure();
    const { attributesClass: dropped, ...rest } = inputs;
    const lost = { ...rest, dropped };
    const { message, properties } = await failure(provider.create(lost));
    expect(message).toMatch(/removed class gold from the claim.*Kubernetes 1\.34/);
    expect(requests).toEqual([]);
    expect(await provider.read("shop/data", properties)).toEqual({ id: "shop/data", props: properties });
    expect(await provider.diff("shop/data", properties, lost)).toMatchObject({ changes: true });
    answers = [{ body: DONE }];
    expect((await provider.update("shop/data", properties, inputs)).outs).toEqual(recorded);
  });

  test("is read again by a refresh, also where it can't be read", async () => {
    await configure();
    answers = [{ body: INFEASIBLE }];
    const { props } = await provider.read("shop/data", recorded);
    expect(props).toMatchObject({ incomplete: expect.stringContaining("Infeasible") });
    answers = [{ status: 403 }];
    expect(await provider.read("shop/data", props as never)).toEqual({ id: "shop/data", props });
    answers = [{ body: DONE }];
    expect((await provider.read("shop/data", props as never)).props).toEqual(recorded);
    await configure({ "kubernetes:kubeconfig": "/no/such/file" });
    expect(await provider.read("shop/data", props as never)).toEqual({ id: "shop/data", props });
  });

  test("survives an API server that is away for a moment", async () => {
    await configure();
    answers = [{ body: claim() }, { status: 503 }, { body: DONE }];
    expect((await update()).outs).not.toHaveProperty("incomplete");
    expect(printed.join()).toContain("HTTP 503; retrying until the time limit");
  });

  test("survives an API server that is away at first", async () => {
    await configure();
    answers = [{ status: 429 }, { body: INFEASIBLE }];
    expect((await failure(update())).properties).toMatchObject({ incomplete: expect.stringContaining("Infeasible") });
    expect(printed).toEqual([expect.stringContaining("HTTP 429; retrying for a minute")]);
  });

  test.each([
    ["is away", 503, "the API server answered HTTP 503"],
    ["no longer permits it", 403, "has no permission for it (HTTP 403)"],
    ["no longer has the claim", 404, "the cluster no longer has claim shop/data"],
    ["no longer accepts the credentials", 401, "rejected the kubeconfig's credentials"],
  ])("of which the last thing seen was open isn't done where the server %s", async (_, status, why) => {
    await configure();
    answers = [
      { body: claim({ modifyVolumeStatus: { status: "InProgress", targetVolumeAttributesClassName: "gold" } }) },
      { status },
    ];
    const error = await failure(provider.update("shop/data", inputs, { ...inputs, timeoutSeconds: 1 }));
    expect(error.message).toContain("class silver → gold: InProgress; its state can no longer be read: ");
    expect(error.message).toContain(why);
    expect(error.properties).toMatchObject({ incomplete: "class silver → gold: InProgress" });
  });

  test("that wasn't done in the last run stays so where it can't be read, until another is requested", async () => {
    await configure();
    answers = [{ status: 403 }];
    const olds = { ...recorded, incomplete: "class silver → gold: InProgress" };
    expect((await provider.update("shop/data", olds, inputs)).outs).toEqual(olds);
    const back = await provider.update("shop/data", olds, { ...inputs, attributesClass: "silver" });
    expect(back.outs).not.toHaveProperty("incomplete");
  });

  test("of a new claim that isn't bound yet isn't waited for", async () => {
    await configure();
    answers = [{ body: claim({ phase: "Pending" }, { volumeName: undefined }) }];
    expect(await provider.create(inputs)).toEqual({ id: "shop/data", outs: recorded });
  });

  test("is asked of the cluster that the config says now: the plugin has it only once the program runs", async () => {
    const config: Record<string, string> = { "kubernetes:kubeconfig": kubeconfig({}, "http://127.0.0.1:1") };
    await configure(config);
    expect((await provider.read("shop/data", recorded)).props).toEqual(recorded);
    config["kubernetes:kubeconfig"] = kubeconfig();
    answers = [{ body: DONE }];
    await update();
    await update();
    expect(requests).toHaveLength(2);
    expect(printed).toEqual([]);
  });

  test("asks nothing where nothing changes", async () => {
    await configure();
    expect(await provider.diff("shop/data", recorded, inputs)).toMatchObject({ changes: false });
    expect(await provider.diff("shop/data", recorded, { ...inputs, timeoutSeconds: 1 })).toMatchObject({
      changes: false,
    });
    expect(requests).toEqual([]);
  });
});

describe("a change that can't be seen isn't waited for, and that is said:", () => {
  test.each<[string, () => Record<string, string>, { status?: number; body?: object }, string]>([
    [
      "another cluster's claim of the same name",
      () => ({}),
      { body: { ...DONE, metadata: { uid: "other" } } },
      "doesn't have claim shop/data",
    ],
    ["no such claim", () => ({}), { status: 404 }, "doesn't have claim shop/data"],
    ["no permission", () => ({}), { status: 403 }, "has no permission for it (HTTP 403)"],
    [
      "credentials that are rejected",
      () => ({ "kubernetes:kubeconfig": kubeconfig({ token: "old" }) }),
      {},
      "rejected the kubeconfig's credentials",
    ],
    [
      "a server that is away",
      () => ({ "kubernetes:kubeconfig": kubeconfig({}, "http://127.0.0.1:1") }),
      {},
      "ECONNREFUSED",
    ],
    ["a context that is missing", () => ({ "kubernetes:context": "prod" }), {}, 'no context "prod"'],
    ["a text that is none", () => ({ "kubernetes:kubeconfig": `a:\n - ${TOKEN}: [` }), {}, "not valid YAML"],
    [
      "a file that is missing",
      () => ({ "kubernetes:kubeconfig": "/no/such/file" }),
      {},
      "can't read /no/such/file: ENOENT",
    ],
  ])("%s", async (_, config, answer, expected) => {
    await configure({ "kubernetes:kubeconfig": kubeconfig(), ...config() });
    answers = [answer];
    const atOnce = { ...inputs, timeoutSeconds: 0 };
    expect((await provider.update("shop/data", inputs, atOnce)).outs).toEqual({ ...recorded, timeoutSeconds: 0 });
    expect(printed).toEqual([expect.stringMatching(/^data: not waiting for the CSI driver .*kubectl describe pvc/)]);
    expect(printed[0]).toContain(expected);
    expect(printed[0]).not.toContain(TOKEN);
  });
});

describe("the kubeconfig", () => {
  const file = (name: string, content: string) => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };

  test("may have a command for its credentials, which is run again when they have expired", async () => {
    const count = join(directory, "count");
    const credential = (token: string) => JSON.stringify({ kind: "ExecCredential", status: { token } });
    // The first token is no longer accepted.
    const script = `#!/bin/sh\nif [ -e ${count} ]; then echo '${credential(TOKEN)}'; else : >${count}; echo '${credential("expired")}'; fi\n`;
    chmodSync(file("get-token", script), 0o755);
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "./get-token", args: null };
    await configure({ "kubernetes:kubeconfig": file("config", kubeconfig({ exec })) });
    answers = [{ body: DONE }];
    await update();
    expect(requests.map(({ authorization }) => authorization)).toEqual(["Bearer expired", `Bearer ${TOKEN}`]);
    expect(printed).toEqual([]);
  });

  test.each([
    ["isn't installed", "no-such-command-of-ours", "failed (ENOENT)"],
    ["fails", "false", "failed (1)"],
    ["prints something else", "echo", "didn't print an ExecCredential"],
  ])("whose command %s says so", async (_, command, expected) => {
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command, args: [TOKEN] };
    await configure({ "kubernetes:kubeconfig": kubeconfig({ exec }) });
    await update();
    expect(printed[0]).toContain(`command "${command}" ${expected}`);
    expect(printed[0]).not.toContain(TOKEN);
  });

  test("may have a user name and a password, a token's file, and a client certificate", async () => {
    const logIn = (user: object) =>
      readCluster((key) => (key === "kubernetes:kubeconfig" ? kubeconfig(user) : undefined), {}).logIn();
    expect(await logIn({ username: "a", password: "b" })).toMatchObject({ authorization: "Basic YTpi" });
    expect(await logIn({ tokenFile: file("token", "t\n") })).toMatchObject({ authorization: "Bearer t" });
    const pem = Buffer.from("PEM").toString("base64");
    expect(await logIn({ "client-certificate-data": pem, "client-key-data": pem })).toEqual({
      cert: "PEM",
      key: "PEM",
    });
  });

  test("is that of KUBECONFIG, whose files are read as one; the first counts", () => {
    const first = file("first", stringify({ "current-context": "lab", users: [] }));
    const second = file("second", kubeconfig({ token: TOKEN }));
    const { server: address } = readCluster(() => undefined, {
      KUBECONFIG: `${first}:${join(directory, "missing")}:${second}`,
    });
    expect(address).toBe(url());
  });

  test("has its relative paths relative to its own file, also as the second of KUBECONFIG", async () => {
    const folder = join(directory, "second-folder");
    mkdirSync(folder);
    writeFileSync(join(folder, "token"), TOKEN);
    const first = file("only-context", stringify({ "current-context": "lab" }));
    const second = file("second-folder/config", kubeconfig({ tokenFile: "token" }));
    const { logIn } = readCluster(() => undefined, { KUBECONFIG: `${first}:${second}` });
    expect(await logIn()).toMatchObject({ authorization: `Bearer ${TOKEN}` });
  });

  test("may name its server without a scheme", () => {
    const of = (address: string) =>
      readCluster((key) => (key === "kubernetes:kubeconfig" ? kubeconfig({}, address) : undefined), {}).server;
    expect([of("10.0.0.1:6443"), of("https://k8s.example/"), of("http://127.0.0.1:80")]).toEqual([
      ...["https://10.0.0.1:6443", "https://k8s.example", "http://127.0.0.1:80"],
    ]);
  });

  test.each([
    ["a proxy", { "proxy-url": "http://proxy" }, "proxy-url isn't supported"],
    ["no server", { server: undefined }, "check clusters.0.cluster.server"],
  ])("with %s is refused", (_, cluster, expected) => {
    const text = stringify({
      "current-context": "lab",
      clusters: [{ name: "c", cluster: { server: url(), ...cluster } }],
      contexts: [{ name: "lab", context: { cluster: "c" } }],
    });
    expect(() => readCluster((key) => (key === "kubernetes:kubeconfig" ? text : undefined), {})).toThrow(expected);
  });
});
