// The HTTP service over a real stack, through the real engine: the whole story, who writes at the same time, and kills.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import { startScaleioGateway, type ScaleioGateway } from "../../emulators";
import { until } from "../../tools/test/time.js";
import { ask, HttpProject, type Reply, type Service } from "../support/http";
import { isInterrupted } from "../support/engine";
import { onArray } from "../support/scaleio";

const PROFILES = "/v1/configuration/profiles";
const VOLUMES = "/v1/configuration/volumes";

const FILE = `# Ours.
config:
  storage-profiles:backend: 'local' # quoted
  storage-profiles:deletionProtection: false
`;

const statusesAt = async (url: string) =>
  Object.fromEntries((await ask(url, "/v1/state/volumes")).body.map(({ name, status }: any) => [name, status]));
const operationAt = async (url: string, id: string) => (await ask(url, `/v1/operations/${id}`)).body;
const ended = async (url: string, { body }: Reply) => {
  const { id } = body.operation ?? body;
  await until("the operation ends", async () => !["queued", "running"].includes((await operationAt(url, id)).state));
  return operationAt(url, id);
};
const codes = ({ body }: Reply) => body.errors.map(({ code }: any) => code);

describe("on the local backend", () => {
  const project = new HttpProject("http");
  let service: Service;
  const get = (path: string) => ask(service.url, path);
  const post = (path: string, json: unknown, headers: Record<string, string> = {}) =>
    ask(service.url, path, { json, headers });
  const config = () => parse(readFileSync(project.file, "utf8")).config;

  afterAll(() => project.dispose());

  test("a profile and a volume are made, the profile is edited, the volume is out of date until that is applied", async () => {
    await project.prepared(FILE);
    service = await project.startService();
    const made = await post(PROFILES, { name: "fast", description: "For databases", local: { iops: 9000 } });
    expect([made.status, made.body.applied, made.body.profile.origin]).toEqual([201, false, "stack"]);

    const created = await post(VOLUMES, { name: "data@fast", sizeGiB: 2 });
    expect([created.status, created.body.applied, created.body.volume]).toEqual([
      202,
      false,
      { name: "data", profile: "fast", sizeGiB: 2, reference: "data@fast", problems: [] },
    ]);
    expect(created.headers.get("location")).toBe(`/v1/operations/${created.body.operation.id}`);
    // Configured isn't applied: it stands there, and isn't made yet.
    expect((await get(`${VOLUMES}/data`)).status).toBe(200);
    expect(await statusesAt(service.url)).toEqual({ data: "not-created" });
    expect(await ended(service.url, created)).toMatchObject({ state: "succeeded", volumes: ["data"], problems: [] });
    expect(await statusesAt(service.url)).toEqual({ data: "compliant" });
    expect(existsSync((await get("/v1/state/volumes/data")).body.mountPath)).toBe(true);

    const tried = await post(`${PROFILES}?dryRun=true`, { name: "fast", local: { iops: 4000 } });
    expect([tried.status, tried.body.touched.map(({ name, verdict }: any) => `${name} ${verdict}`)]).toEqual([
      200,
      ["data in-place"],
    ]);
    expect(config()["storage-profiles:profiles"].fast.local.iops).toBe(9000);

    const edited = await post(PROFILES, { name: "fast", local: { iops: 4000 } });
    expect([edited.status, edited.body.applied, edited.body.touched.length]).toEqual([200, false, 1]);
    expect(await statusesAt(service.url)).toEqual({ data: "out-of-date" });
    expect((await get("/v1/state/volumes/data")).body.recorded.settings.iopsLimit).toBe(9000);

    const applied = await post(`${VOLUMES}/data`, {});
    expect(await ended(service.url, applied)).toMatchObject({ state: "succeeded" });
    expect(await statusesAt(service.url)).toEqual({ data: "compliant" });
    expect((await get("/v1/state/volumes/data")).body.recorded.settings.iopsLimit).toBe(4000);
    expect(readFileSync(project.file, "utf8")).toContain(
      "# Ours.\nconfig:\n  storage-profiles:backend: 'local' # quoted\n",
    );

    // What is in the way is refused, by name: a profile in use, a name that is taken, a volume that would shrink.
    const before = readFileSync(project.file, "utf8");
    const inUse = await ask(service.url, `${PROFILES}/fast`, { method: "DELETE" });
    expect([inUse.status, codes(inUse), inUse.body.description]).toEqual([
      409,
      ["profile-in-use"],
      expect.stringContaining("volume data"),
    ]);
    const taken = await post(VOLUMES, { name: "data", sizeGiB: 1 });
    expect([taken.status, codes(taken)]).toEqual([409, ["volume-exists"]]);
    const shrunk = await post(`${VOLUMES}/data`, { sizeGiB: 1 });
    expect([shrunk.status, codes(shrunk)]).toEqual([409, ["change-shrinks"]]);
    const unknown = await post("/v1/operations", { volumes: ["none"] });
    expect([unknown.status, codes(unknown)]).toEqual([404, ["volume-unknown"]]);
    expect(readFileSync(project.file, "utf8")).toBe(before);

    // A volume is removed by DELETE, once it is applied.
    const removed = await ask(service.url, `${VOLUMES}/data`, { method: "DELETE" });
    expect([removed.status, removed.body.touched.map(({ verdict }: any) => verdict)]).toEqual([202, ["delete"]]);
    expect(await ended(service.url, removed)).toMatchObject({ state: "succeeded", destroy: ["data"] });
    expect(await statusesAt(service.url)).toEqual({});
    expect((await ask(service.url, `${PROFILES}/fast`, { method: "DELETE" })).status).toBe(200);
  });

  describe("with a volume", () => {
    beforeAll(async () => {
      await project.init();
      project.reset();
      await project.prepared(`${FILE}  storage-profiles:profiles:
    fast: { local: { iops: 4000 } }
  storage-profiles:volumes:
    data: { profile: fast, sizeGiB: 2 }
`);
      await project.up();
      project.keep();
    });
    beforeEach(async () => {
      project.reset();
      service = await project.startService();
    });
    afterEach(() => service.kill());

    test("a volume that was removed from the file by hand, its profile edited too, is deleted by no operation that doesn't say so", async () => {
      const precious = join((await get("/v1/state/volumes/data")).body.mountPath, "precious");
      writeFileSync(precious, "data");
      const text = readFileSync(project.file, "utf8");
      writeFileSync(project.file, text.replace("iops: 4000", "iops: 5000").replace(/ {4}data: .*\n/, ""));
      for (const body of [{}, { volumes: ["data"] }, { refresh: true }]) {
        const report = await ended(service.url, await post("/v1/operations", body));
        expect([body, report.state, report.problems.map(({ code }: any) => code)]).toEqual([
          body,
          "failed",
          ["deletion-not-requested"],
        ]);
        expect(existsSync(precious)).toBe(true);
      }
      const asked = await ended(service.url, await post("/v1/operations", { destroy: ["data"] }));
      expect([asked.state, asked.problems, existsSync(precious)]).toEqual(["succeeded", [], false]);
    });

    test("reads are answered while an operation runs; its events come live, and again from where one was; it can be cancelled", async () => {
      writeFileSync(project.wait, "");
      const begun = await post(`${VOLUMES}/data`, { profile: "gold" });
      const { id } = begun.body.operation;
      await project.waits();

      for (const path of [
        PROFILES,
        `${PROFILES}/gold/resolution?sizeGiB=10`,
        VOLUMES,
        "/v1/state/volumes",
        "/v1/operations",
        "/healthz",
        "/metrics",
      ]) {
        expect((await get(path)).status).toBe(200);
      }
      expect((await operationAt(service.url, id)).state).toBe("running");

      const stream = await fetch(`${service.url}/v1/operations/${id}/events`);
      const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
      let seen = "";
      while (!seen.includes('"running"')) seen += (await reader.read()).value ?? "";
      rmSync(project.wait);
      for (let part = await reader.read(); !part.done; part = await reader.read()) seen += part.value;
      expect(seen).toContain('"succeeded"');
      const ids = [...seen.matchAll(/^id: (\d+)$/gm)].map(([, number]) => Number(number));
      expect(ids.length).toBeGreaterThan(3);

      const after = ids.at(-3);
      const again = await ask(service.url, `/v1/operations/${id}/events`, {
        headers: { "last-event-id": String(after) },
      });
      expect([...again.body.matchAll(/^id: (\d+)$/gm)].map(([, number]: any) => Number(number))).toEqual(ids.slice(-2));
      const nothing = await ask(service.url, `/v1/operations/${id}/events`, {
        headers: { "last-event-id": String(ids.at(-1)) },
      });
      expect(nothing.status).toBe(204);

      writeFileSync(project.wait, "");
      const doomed = await post(`${VOLUMES}/data`, { profile: "fast" });
      await project.waits();
      expect(
        (await ask(service.url, `/v1/operations/${doomed.body.operation.id}/cancel`, { method: "POST" })).status,
      ).toBe(202);
      await until("the engine knows", () => isInterrupted(project.journal, doomed.body.operation.id));
      rmSync(project.wait);
      expect(await ended(service.url, doomed)).toMatchObject({ state: "cancelled" });
      const over = await ask(service.url, `/v1/operations/${doomed.body.operation.id}/cancel`, { method: "POST" });
      expect([over.status, codes(over)]).toEqual([409, ["operation-not-cancellable"]]);
    });

    test("fifty writers at once lose nothing, and one who edits by hand is neither overwritten nor ignored", async () => {
      const writers = Array.from({ length: 50 }, (_, index) => index);
      const replies = await Promise.all(
        writers.map((index) =>
          index % 2 === 0
            ? post(PROFILES, { name: `p${index}`, local: { iops: 100 + index } })
            : post(`${VOLUMES}?apply=false`, { name: `v${index}@gold`, sizeGiB: 1 }),
        ),
      );
      expect(replies.map(({ status }) => status)).toEqual(writers.map(() => 201));
      expect(new Set(replies.map(({ headers }) => headers.get("x-configuration-tag"))).size).toBe(50);
      const after = config();
      for (const index of writers) {
        if (index % 2 === 0)
          expect(after["storage-profiles:profiles"][`p${index}`]).toEqual({ local: { iops: 100 + index } });
        else expect(after["storage-profiles:volumes"][`v${index}`]).toEqual({ profile: "gold", sizeGiB: 1 });
      }

      const tag = (await get(PROFILES)).headers.get("x-configuration-tag") ?? "";
      writeFileSync(project.file, readFileSync(project.file, "utf8").replace("# Ours.", "# Ours, edited by hand."));
      const refused = await post(PROFILES, { name: "late", local: {} }, { "x-if-configuration-matches": tag });
      expect([refused.status, codes(refused)]).toEqual([412, ["config-changed"]]);
      expect((await post(PROFILES, { name: "later", local: {} })).status).toBe(201);
      const text = readFileSync(project.file, "utf8");
      expect([text.includes("# Ours, edited by hand."), text.includes("late:"), text.includes("later:")]).toEqual([
        true,
        false,
        true,
      ]);
    });

    test("killed while many write, the file is whole, and all that was answered is in it", async () => {
      const victim = await project.startService();
      const answered: string[] = [];
      const writes = Array.from({ length: 30 }, (_, index) =>
        ask(victim.url, PROFILES, { json: { name: `k${index}`, local: { iops: 200 } } }).then(
          ({ status }) => {
            if (status === 201 && answered.push(`k${index}`) === 3) victim.child.kill("SIGKILL");
          },
          () => undefined,
        ),
      );
      await Promise.all(writes);
      await victim.kill();
      const profiles = config()["storage-profiles:profiles"];
      expect(answered.filter((name) => !Object.hasOwn(profiles, name))).toEqual([]);
      expect(answered.length).toBeLessThan(30);
      expect((await get("/v1/configuration/problems")).body).toEqual([]);
      // The dead one's lock keeps nobody out.
      expect((await post(PROFILES, { name: "after", local: {} })).status).toBe(201);
    });

    test.each(["just after it was begun", "while the engine works and another one waits"])(
      "killed %s, an operation is interrupted, and resumed it comes to its end",
      async (stage) => {
        const victim = await project.startService();
        if (stage !== "just after it was begun") writeFileSync(project.wait, "");
        const iops = stage === "just after it was begun" ? 3100 : 3200;
        await ask(victim.url, PROFILES, { json: { name: "fast", local: { iops } } });
        const begun = await ask(victim.url, `${VOLUMES}/data`, { json: { profile: "fast" } });
        const ids = [begun.body.operation.id as string];
        if (stage !== "just after it was begun") {
          // By its events the engine is there, and not only asked for.
          const stream = await fetch(`${victim.url}/v1/operations/${ids[0]}/events`);
          const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
          for (let seen = ""; !seen.includes("event: resource");) seen += (await reader.read()).value ?? "";
          void reader.cancel();
          ids.push((await ask(victim.url, "/v1/operations", { json: {} })).body.id);
        }
        await victim.kill();
        expect(config()["storage-profiles:profiles"].fast).toEqual({ local: { iops } });
        rmSync(project.wait, { force: true });

        const next = await project.startService();
        for (const id of ids) {
          expect(await operationAt(next.url, id)).toMatchObject({ state: "interrupted" });
          const told = await ask(next.url, `/v1/operations/${id}/events`);
          expect(told.body).toContain('"state":"interrupted"');
        }
        // Its engine may still be at work, and holds the lock as long as it is.
        await until("the engine has ended", async () => !(await operationAt(next.url, ids[0]!)).engineRunning);
        await project.run(["cancel", "--yes"]);
        const resumed = await ask(next.url, `/v1/operations/${ids[0]}/resume`, { method: "POST" });
        expect(resumed.status).toBe(202);
        expect(await ended(next.url, resumed)).toMatchObject({ state: "succeeded", problems: [] });
        const { status, recorded } = (await ask(next.url, "/v1/state/volumes/data")).body;
        expect([status, recorded.settings.iopsLimit]).toEqual(["compliant", iops]);
        await next.kill();
      },
    );

    test("told to stop, it takes nothing new, cancels what runs, and ends", async () => {
      const stopping = await project.startService();
      writeFileSync(project.wait, "");
      await ask(stopping.url, PROFILES, { json: { name: "fast", local: { iops: 3400 } } });
      const begun = await ask(stopping.url, "/v1/operations", { json: { volumes: ["data"] } });
      await project.waits();
      const ending = stopping.kill("SIGTERM");
      rmSync(project.wait);
      expect(await ending).toBe(0);
      expect((await operationAt(service.url, begun.body.id)).state).toMatch(/^(cancelled|succeeded)$/);
    });
  });
});

describe("on a ScaleIO gateway", () => {
  let gateway: ScaleioGateway;
  const project = new HttpProject("http-scaleio");
  beforeAll(async () => void (gateway = await startScaleioGateway({})));
  afterAll(async () => {
    await project.dispose();
    await gateway.close();
  });

  test("the same story: made, its profile edited over HTTP, out of date, applied, compliant", async () => {
    await project.init();
    writeFileSync(join(project.directory, "ca.pem"), gateway.ca);
    const place = { protectionDomain: "domain1", storagePool: "pool1" };
    project.config(
      { backend: "scaleio", scaleio: place, deletionProtection: false },
      { "scaleio:endpoint": gateway.url, "scaleio:username": gateway.username, "scaleio:caFile": "ca.pem" },
    );
    const secret = await project.run(["config", "set", "--secret", "scaleio:password", gateway.password]);
    expect(secret.code).toBe(0);
    const { url } = await project.startService();
    const made = await ask(url, PROFILES, {
      json: { name: "fast", scaleio: { provisioning: "thin", iopsLimit: 2000 } },
    });
    expect(made.status).toBe(201);
    expect(await ended(url, await ask(url, VOLUMES, { json: { name: "data@fast", sizeGiB: 8 } }))).toMatchObject({
      state: "succeeded",
      problems: [],
    });
    expect(onArray(gateway)).toMatchObject([{ what: "8 GiB thin" }]);
    expect(await statusesAt(url)).toEqual({ data: "compliant" });
    await ask(url, PROFILES, {
      json: { name: "fast", scaleio: { provisioning: "thin", iopsLimit: 2000, ramCache: true } },
    });
    expect(await statusesAt(url)).toEqual({ data: "out-of-date" });
    expect(await ended(url, await ask(url, "/v1/operations", { json: {} }))).toMatchObject({ state: "succeeded" });
    expect(onArray(gateway)).toMatchObject([{ what: "8 GiB thin ramcache" }]);
    expect(await statusesAt(url)).toEqual({ data: "compliant" });
    // The password is in the file, encrypted, and in nothing that the service says.
    const said = await Promise.all(
      ["/v1/state/volumes", PROFILES, VOLUMES, "/v1/operations"].map(async (path) =>
        JSON.stringify((await ask(url, path)).body),
      ),
    );
    expect(said.join("")).not.toContain(gateway.password);
  });
});
