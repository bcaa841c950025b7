// The dashboard of a Ceph cluster: what it is sent, and what its answers mean. The answers are those of Ceph 16.2.15; test/e2e/ceph-dashboard.test.ts
// has a real one.

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { readConnection } from "../../../../components/backends/ceph/connection";
import { dashboardCluster, openCluster } from "../../../../components/backends/ceph/dashboard";
import {
  createVolume,
  findVolume,
  imageToImport,
  readVolume,
  removeVolume,
  updateVolume,
  volumeProblems,
} from "../../../../components/backends/ceph/lifecycle";
import { makeCatalog, resolve, type ProfileDefinition } from "../../../../src";
import type { CephSettings } from "../../../../src/backends/ceph";
import { memoryCluster } from "./memory";

interface Answer {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Whether the connection breaks in place of the answer. */
  breaks?: boolean;
}

const PASSWORD = "sec-Ret of tests";
const PATH = "/api/block/image/fast%2Fv";

let server: Server;
let url: string;
let requests: string[];
let logins: number;
/** The versions that requests name. */
let accepted: Set<string | undefined>;
/** What each request is answered with, by its method and path; of several answers each is given once, and the last for good. */
let answers: Record<string, Answer | Answer[]>;

const textOf = async (request: IncomingMessage) => {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
};
beforeAll(async () => {
  server = createServer((request, response) => {
    void textOf(request).then((text) => {
      const { method, url: path = "", headers } = request;
      const line = `${method} ${path}`;
      let answer: Answer | undefined;
      if (line === "POST /api/auth" && !(line in answers)) {
        logins += 1;
        answer = { status: 201, body: { token: `token${logins}`, pwdUpdateRequired: false } };
      } else {
        requests.push(`${line}${text && ` ${text}`} ${headers.authorization ?? ""}`.trimEnd());
        const given = answers[line] ?? answers[line.split("?")[0] ?? ""];
        answer = Array.isArray(given) ? (given.length > 1 ? given.shift() : given[0]) : given;
      }
      if (answer?.breaks) {
        request.socket.destroy();
        return;
      }
      const {
        status = 200,
        body,
        headers: own = {},
      } = answer ?? { status: 404, body: { detail: "The path was not found." } };
      accepted.add(headers.accept);
      const type = { "content-type": typeof body === "string" ? "text/html" : "application/json" };
      response
        .writeHead(status, { ...type, ...own })
        .end(typeof body === "string" ? body : JSON.stringify(body ?? null));
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  [requests, logins, answers, accepted] = [[], 0, {}, new Set()];
});

const cluster = () =>
  dashboardCluster(
    { timeoutMs: 60_000, passphrase: () => "" },
    { url, username: "sp", password: PASSWORD, insecure: true },
  );
const image = (over: object = {}): Answer => ({
  body: {
    ...{ size: 2 * 1024 ** 3, id: "106d", features: 61, snapshots: [], stripe_count: 1 },
    features_name: ["deep-flatten", "exclusive-lock", "fast-diff", "layering", "object-map"],
    configuration: [
      { name: "rbd_qos_iops_limit", value: "100", source: 2 },
      { name: "rbd_qos_read_bps_limit", value: "8388608", source: 1 },
    ],
    ...over,
  },
});
const refusal = (code: string, detail: string): Answer => ({ status: 400, body: { detail, code, component: "rbd" } });
const NOT_FOUND: Answer = { status: 404, body: { status: "404 Not Found", detail: "Image not found" } };
const thrown = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error as Error & { code: string },
  );
const sent = () => requests.map((line) => line.replace(/ Bearer \S+$/, ""));

test("an image is read and changed by requests with the login's token, and a login that expired is renewed once", async () => {
  const expired = { status: 401, body: { detail: "You are not authorized to access that resource" } };
  answers = { [`GET ${PATH}`]: [expired, image()], [`PUT ${PATH}`]: {} };
  const of = cluster();
  expect(await of.image("fast", "v")).toMatchObject({
    ...{ imageId: "106d", sizeGiB: 2, snapshots: 0, isMoving: false, mark: undefined },
    limits: { iopsLimit: 100, readBandwidthLimitMiBps: 8, iopsBurst: 0 },
  });
  expect(requests).toEqual([`GET ${PATH}?omit_usage=true Bearer token1`, `GET ${PATH}?omit_usage=true Bearer token2`]);
  expect([...accepted]).toEqual(["application/vnd.ceph.api.v1.0+json"]);
  requests = [];
  await of.setLimit("fast", "v", "writeBandwidthLimitMiBps", 3);
  await of.grow("fast", "v", { sizeGiB: 5, headerBytes: 0 });
  await of.switchFeatures("fast", "v", ["object-map", "fast-diff"], false);
  expect(sent().filter((line) => line.startsWith("PUT"))).toEqual([
    `PUT ${PATH} {"configuration":{"rbd_qos_write_bps_limit":3145728}}`,
    `PUT ${PATH} {"size":5368709120}`,
    `PUT ${PATH} {"features":["deep-flatten","exclusive-lock","layering"]}`,
  ]);
  answers[`GET ${PATH}`] = expired;
  expect(await thrown(of.image("fast", "v"))).toMatchObject({ code: "forbidden" });
  expect(logins).toBe(3);
});

test("the dashboard is never let shrink an image, nor remove snapshots with one", async () => {
  answers = { [`GET ${PATH}`]: image({ snapshots: [{ name: "kept" }] }) };
  expect(await thrown(cluster().grow("fast", "v", { sizeGiB: 1, headerBytes: 0 }))).toMatchObject({ code: "shrink" });
  expect(await thrown(cluster().remove("fast", "v"))).toMatchObject({ code: "has-snapshots" });
  expect(sent().filter((line) => !line.startsWith("GET"))).toEqual([]);
});

test("only the dashboard's own word that there is no such image makes one gone", async () => {
  answers = { [`GET ${PATH}`]: NOT_FOUND };
  expect(await cluster().image("fast", "v")).toBeUndefined();
  const others: [Answer, string, RegExp][] = [
    [
      { status: 404, body: { detail: "[feature-toggles] Feature 'rbd' not enabled" } },
      "answer-unreadable",
      /feature `rbd` is enabled/,
    ],
    [{ status: 404, body: { detail: "Not Found" } }, "answer-unreadable", /Check ceph:dashboardUrl/],
    [{ status: 404, body: "<html>404</html>" }, "answer-unreadable", /not like a dashboard of Ceph/],
    [{ body: "<html>sign in</html>" }, "answer-unreadable", /not like a dashboard of Ceph/],
    [
      refusal("2", "[errno 2] RADOS object not found (error opening pool 'fast')"),
      "pool-missing",
      /error opening pool/,
    ],
    [{ status: 403, body: { detail: "Access denied" } }, "forbidden", /roles `block-manager` and `read-only`/],
    [
      { status: 415, body: { detail: "Incorrect version: endpoint is '2.0'" } },
      "answer-unreadable",
      /endpoint is '2.0'/,
    ],
    [
      { status: 303, headers: { location: "https://mgr2.example:8443/#/login?token=x" } },
      "unreachable",
      /leads to https:\/\/mgr2\.example:8443\. Set ceph:dashboardUrl/,
    ],
    [{ status: 500, body: { detail: "unexpected" } }, "interrupted", /failed with status 500 \("unexpected"\)/],
    [{ status: 503, body: "<html>" }, "interrupted", /proxy in front of/],
    [{ breaks: true }, "interrupted", /broke/],
    [image({ id: undefined }), "answer-unreadable", /id \(invalid_type\)/],
  ];
  for (const [answer, code, message] of others) {
    answers = { [`GET ${PATH}`]: answer };
    const error = await thrown(cluster().image("fast", "v"));
    expect([code, error]).toEqual([
      code,
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
    ]);
    expect(error?.stack).not.toContain("token1");
  }
});

test("a wrong password is reported once, isn't shown, and isn't sent again", async () => {
  const wrong = {
    status: 400,
    body: { detail: "Invalid credentials", code: "invalid_credentials", component: "auth" },
  };
  answers = { "POST /api/auth": wrong };
  const of = cluster();
  for (const error of await Promise.all([thrown(of.fsid()), thrown(of.image("fast", "v"))])) {
    expect(error).toMatchObject({
      code: "forbidden",
      message: expect.stringContaining('the login of user "sp"') as string,
    });
    expect(error?.stack).not.toContain(PASSWORD);
  }
  expect(await thrown(of.fsid())).toMatchObject({ code: "forbidden" });
  expect(sent()).toHaveLength(1);
  answers = { "POST /api/auth": { status: 201, body: { token: "t", pwdUpdateRequired: true } } };
  expect(await thrown(cluster().fsid())).toMatchObject({
    message: expect.stringContaining("change the password first") as string,
  });
});

test("a long change is waited for, and its failure is reported", async () => {
  const task = { name: "rbd/delete", metadata: { image_spec: "fast/v" } };
  const tasks = (executing: object[], finished: object[]): Answer => ({
    body: { executing_tasks: executing, finished_tasks: finished },
  });
  const another = {
    name: "rbd/delete",
    metadata: { image_spec: "fast/w" },
    success: false,
    exception: { detail: "no" },
  };
  answers = {
    [`GET ${PATH}`]: image(),
    [`DELETE ${PATH}`]: { status: 202, body: task },
    "GET /api/task": [tasks([task], [another]), tasks([], [another, { ...task, success: true, exception: null }])],
  };
  await cluster().remove("fast", "v");
  const busy = { detail: "[errno 16] RBD image is busy (error removing image)", code: "16" };
  answers["GET /api/task"] = tasks([], [{ ...task, success: false, exception: busy }]);
  expect(await thrown(cluster().remove("fast", "v"))).toMatchObject({ code: "in-use" });
  // Its manager was replaced, and the next one knows nothing of it: it is looked for, and sent once more.
  answers["GET /api/task"] = tasks([], []);
  requests = [];
  expect(await thrown(cluster().remove("fast", "v"))).toMatchObject({ code: "interrupted" });
  expect(sent().filter((line) => line.startsWith("DELETE"))).toHaveLength(2);
});

test("a change whose answer gets lost is sent once more, and only where it wasn't carried out", async () => {
  answers = { [`PUT ${PATH}`]: { breaks: true }, [`GET ${PATH}`]: image() };
  await cluster().setLimit("fast", "v", "iopsLimit", 100);
  expect(sent().filter((line) => line.startsWith("PUT"))).toHaveLength(1);
  answers[`PUT ${PATH}`] = [{ breaks: true }, {}];
  requests = [];
  await cluster().setLimit("fast", "v", "iopsLimit", 200);
  expect(sent().filter((line) => line.startsWith("PUT"))).toHaveLength(2);
  // Whose it is that is there then, isn't for the request to say.
  answers = { "POST /api/block/image": { breaks: true }, [`GET ${PATH}`]: image() };
  const creating = cluster().create("fast", "v", { sizeGiB: 1, headerBytes: 0 }, null);
  expect(await thrown(creating)).toMatchObject({ code: "exists" });
  answers = { [`DELETE ${PATH}`]: [{ breaks: true }, NOT_FOUND], [`GET ${PATH}`]: [image(), image(), NOT_FOUND] };
  await cluster().remove("fast", "v");
});

test("pools are read with the devices of their rules; the error for a user who may not read the OSDs names the missing role", async () => {
  const pool = {
    ...{
      pool_name: "fast",
      type: "replicated",
      size: 3,
      crush_rule: "fast",
      quota_max_bytes: 7,
      application_metadata: ["rbd"],
    },
    ...{ flags_names: "hashpspool,full_quota,full", stats: { stored: { latest: 5, rate: 0 } } },
  };
  const osd = (id: number, deviceClass: string, status = "up") => ({
    id,
    name: `osd.${id}`,
    type: "osd",
    device_class: deviceClass,
    status,
    reweight: 1,
  });
  const nodes = [
    { id: -1, name: "default", type: "root", children: [-3] },
    { id: -3, name: "vm", type: "host", children: [0, 1, 2] },
    ...[osd(0, "ssd"), osd(1, "ssd", "down"), osd(2, "hdd")],
  ];
  const steps = [{ op: "take", item_name: "default~ssd" }, { op: "choose_firstn", type: "osd" }, { op: "emit" }];
  const rules = [{ rule_id: 1, rule_name: "fast", steps }];
  answers = {
    "GET /api/pool": { body: [pool] },
    "GET /api/health/full": { body: { osd_map: { tree: { nodes }, crush: { rules } } } },
  };
  expect(await cluster().pools()).toEqual([
    {
      ...{
        name: "fast",
        isForImages: true,
        isReplicated: true,
        copies: 3,
        deviceClass: "ssd",
        places: 1,
        placeType: "osd",
      },
      ...{ quotaBytes: 7, full: "quota", storedBytes: 5 },
    },
  ]);
  answers["GET /api/health/full"] = { body: { health: {} } };
  expect(await thrown(cluster().pools())).toMatchObject({
    code: "forbidden",
    message: expect.stringContaining("role `read-only`") as string,
  });
});

describe("what the dashboard can't do", () => {
  type Section = NonNullable<ProfileDefinition["ceph"]>;
  const on = (pool: string, section: Section = {}): CephSettings => {
    const catalog = makeCatalog({ profiles: { p: { ceph: { pool, ...section } } } });
    const { volume, problems } = resolve(catalog, { name: "v@p", sizeGiB: 1, backend: "ceph" });
    if (!volume) throw new Error(JSON.stringify(problems));
    return volume.settings as CephSettings;
  };
  /** As the dashboard tells of it: without the marks and the rest, and without a way to set them. */
  const partly = (whole = memoryCluster()) => {
    const never = () => Promise.reject(new Error("the dashboard can't do that"));
    return {
      ...whole,
      isDashboard: true as const,
      configKey: "ceph:dashboardUrl",
      ...{
        names: never,
        status: never,
        setMetadata: never,
        setSnapshotLimit: never,
        format: never,
        prepareMove: never,
      },
      async image(pool: string, name: string) {
        const found = await whole.image(pool, name);
        const untold = { mark: undefined, markedPool: undefined, metadata: {}, snapshotLimit: 0, encryption: null };
        return found && { ...found, ...untold };
      },
    };
  };
  const wanted = (settings: CephSettings, sizeGiB = 1) => ({ name: "v", mark: "ours", sizeGiB, settings });

  test("is a problem of each setting at preview, and what the commands have made stays", async () => {
    const rich = on("slow", { encryption: true, snapshotLimit: 2, metadata: { a: "1" } });
    const paths = async (to: CephSettings, from?: CephSettings) => {
      const known = from && { sizeGiB: 1, settings: from };
      const problems = await volumeProblems(partly(), { name: "v", sizeGiB: 1, settings: to }, known);
      for (const { fix } of problems) expect(fix).toContain("remove ceph:dashboardUrl");
      return problems.map(({ path }) => path);
    };
    expect(await paths(on("fast", { iops: { max: 5 } }))).toEqual([]);
    expect(await paths(rich)).toEqual(["settings.encryption", "settings.snapshotLimit", "settings.metadata"]);
    expect(await paths(on("fast", { mirror: true }))).toEqual(["settings.mirrorMode"]);
    expect(await paths(on("fast", { mirror: true }), on("fast", { mirror: true }))).toEqual([]);
    expect(await paths(on("slow"), on("fast"))).toEqual(["settings.pool"]);
    const made = on("fast", { snapshotLimit: 2, metadata: { a: "1" } });
    expect(await paths({ ...made, iopsLimit: 7 }, made)).toEqual([]);
    expect(await paths(on("fast"), made)).toEqual(["settings.snapshotLimit", "settings.metadata"]);
    expect((await imageToImport(partly(), "fast/v", { settings: on("fast") })).problems).toMatchObject([
      { code: "import-not-possible", fix: expect.stringContaining("remove ceph:dashboardUrl") as string },
    ]);
  });

  test("a volume that the commands have made is read and changed with the rest as it is, and an interrupted creation is taken up", async () => {
    const whole = memoryCluster();
    const made = on("fast", { snapshotLimit: 2, metadata: { a: "1" } });
    const { found: _, ...volume } = await createVolume(whole, wanted(made), true);
    expect(await readVolume(partly(whole), volume)).toEqual(volume);
    const settings = { ...made, iopsLimit: 7 };
    expect(await updateVolume(partly(whole), { sizeGiB: 2, settings }, volume)).toEqual({
      ...volume,
      sizeGiB: 2,
      settings,
    });
    expect(await whole.image("fast", "v")).toMatchObject({ mark: "ours", snapshotLimit: 2, metadata: { a: "1" } });
    const {
      encryption: _encryption,
      snapshotLimit: _snapshotLimit,
      mirrorMode: _mirrorMode,
      mirrorEvery: _mirrorEvery,
      mirrorStart: _mirrorStart,
      ...told
    } = { ...settings, copies: 3, deviceClass: "ssd", metadata: {} };
    const features = { imageFeatures: expect.any(Array) as unknown };
    expect((await findVolume(partly(whole), "fast/v")).settings).toEqual({ ...told, ...features });
    // In a pool to which somebody else has moved it, it isn't gone.
    whole.images.set("slow/v", { ...whole.images.get("fast/v")!, pool: "slow", imageId: "another" });
    whole.images.delete("fast/v");
    await expect(readVolume(partly(whole), volume)).rejects.toThrow("pool slow has an image of its name");
    await expect(removeVolume(partly(whole), volume)).rejects.toMatchObject({ code: "other-volume" });
    const encrypted = { ...volume, settings: { ...made, encryption: "luks2" as const } };
    await expect(readVolume(partly(whole), encrypted)).rejects.toThrow("is encrypted");

    const other = memoryCluster();
    await other.create("fast", "v", { sizeGiB: 1, headerBytes: 0 }, null);
    await expect(createVolume(partly(other), wanted(on("fast")), false)).rejects.toMatchObject({ code: "name-taken" });
    expect(await createVolume(partly(other), wanted(on("fast"), 2), true)).toMatchObject({ found: true, sizeGiB: 2 });
    expect(other.images.get("fast/v")?.mark).toBeUndefined();
  });
});

test("a connection uses either the dashboard or the commands, and all its mistakes are reported together", () => {
  const read = (config: Record<string, string>, environment: NodeJS.ProcessEnv = {}) =>
    readConnection((key) => config[key.replace("ceph:", "")], environment);
  const wrong = (config: Record<string, string>, environment?: NodeJS.ProcessEnv) => {
    try {
      read(config, environment);
      return [];
    } catch (error) {
      return (error as Error).message.split("\n  - ").slice(1);
    }
  };
  const whole = { dashboardUrl: "https://m:8443/ceph/", dashboardUser: "sp", dashboardPassword: PASSWORD };
  expect(read(whole).dashboard).toEqual({
    ...{ url: "https://m:8443/ceph", username: "sp", password: PASSWORD, ca: undefined, insecure: false },
  });
  expect(openCluster(read(whole)).isDashboard).toBe(true);
  expect(openCluster(read({})).isDashboard).toBeUndefined();
  const { dashboardPassword: _, ...open } = whole;
  expect(read(open, { CEPH_DASHBOARD_PASSWORD: "other" }).dashboard?.password).toBe("other");
  expect(wrong({ dashboardUrl: "m:8443", dashboardPasswordFile: "/nonexistent" })).toEqual([
    expect.stringContaining("ceph:dashboardUser is missing"),
    expect.stringContaining("ceph:dashboardPasswordFile: ENOENT"),
    "ceph:dashboardUrl isn't a URL: use https://mgr1.example:8443",
  ]);
  expect(wrong(open)).toEqual([
    "ceph:dashboardPassword is missing: pulumi config set --secret ceph:dashboardPassword, or set CEPH_DASHBOARD_PASSWORD",
  ]);
  expect(wrong({ ...whole, dashboardPasswordFile: "f", insecure: "yes" })).toHaveLength(2);
  for (const [address, message] of [
    ["http://m:8080", "the password would be sent unencrypted"],
    ["https://u:p@m", "contains a user or a password"],
    ["https://m/#/login", "without `#/…`"],
    ["https://m/api", "and `/api`"],
  ] as const)
    expect(wrong({ ...whole, dashboardUrl: address })).toEqual([expect.stringContaining(message)]);
  // Unused keys are reported: otherwise users would expect them to take effect.
  expect(wrong({ ...whole, encryptionPassphrase: "x" })).toEqual([
    "ceph:encryptionPassphrase is set, and not used: with dashboardUrl, the dashboard is used. Remove encryptionPassphrase, or remove dashboardUrl",
  ]);
  expect(wrong({ dashboardUser: "sp" })).toEqual([
    "ceph:dashboardUser is set, and not used: without dashboardUrl, the commands are used. Remove dashboardUser, or set dashboardUrl",
  ]);
});
