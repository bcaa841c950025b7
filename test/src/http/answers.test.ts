// What the HTTP service answers about a stack whose state an engine only prints: how volumes stand, and what can't be read.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ask } from "../../support/http";
import { openLab, type Lab } from "../../support/page";

const labs: Lab[] = [];
let shared: Lab;
beforeAll(async () => {
  shared = await labOf(config(""));
});
afterAll(() => Promise.all(labs.map((each) => each.close())));

const PROFILES = "v1/configuration/profiles";
const VOLUMES = "v1/configuration/volumes";
const STATE = "v1/state/volumes";

async function labOf(...args: Parameters<typeof openLab>): Promise<Lab> {
  const made = await openLab(...args);
  labs.push(made);
  return made;
}

const config = (rest: string) => `config:\n  storage-profiles:backend: local\n${rest}`;
const codes = ({ body }: { body: { errors: { code: string; path: string }[] } }) =>
  body.errors.map(({ code, path }) => `${code} ${path}`);

test("a volume that is declared and isn't created yet has a status of its own, in the state, the metrics and the document", async () => {
  const lab = await labOf(config("  storage-profiles:volumes: { data: { sizeGiB: 1 }, more: { sizeGiB: 2 } }\n"));
  await lab.setState({ more: { missing: true } });
  const { body } = await ask(lab.url, STATE);
  expect(body.map(({ name, status, causes }: any) => [name, status, causes.map(({ code }: any) => code)])).toEqual([
    ["data", "compliant", []],
    ["more", "not-created", ["status-not-made"]],
  ]);
  const metrics = (await ask(lab.url, "metrics")).body as string;
  expect(metrics).toContain('storage_profiles_volumes{stack="dev",status="not-created"} 1\n');
  expect(metrics).toContain('storage_profiles_volumes{stack="dev",status="out-of-date"} 0\n');
  const { components } = (await ask(lab.url, "v1/openapi.json")).body;
  expect(components.schemas.VolumeStatus.properties.status.enum).toContain("not-created");
});

test("a volume is pinned and unpinned; what isn't pinned, or isn't one thing, is refused", async () => {
  const lab = await labOf(config("  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 } }\n"));
  const pins = "v1/configuration/pins";
  const pin = (json: object) => ask(lab.url, pins, { json });
  const unpin = (name: string) => ask(lab.url, `${pins}/${encodeURIComponent(name)}`, { method: "DELETE" });
  expect([(await pin({})).status, codes(await unpin("data@gold"))]).toEqual([
    400,
    ['pin-unknown storage-profiles:pins["data@gold"]'],
  ]);
  expect(await pin({ volume: "data" })).toMatchObject({ status: 200, body: { changed: true, touched: [] } });
  const listed = await ask(lab.url, pins);
  expect(Object.keys(listed.body)).toEqual(["data@gold"]);
  expect(Object.keys(listed.body["data@gold"])).toEqual(["local"]);
  expect((await ask(lab.url, `${STATE}/data`)).body).toMatchObject({ pin: { reference: "data@gold" } });
  expect(await pin({ profile: "gold" })).toMatchObject({ status: 200, body: { changed: true } });
  for (const each of ["data@gold", "gold"])
    expect(await unpin(each)).toMatchObject({ status: 200, body: { changed: true } });
  expect((await ask(lab.url, pins)).body).toEqual({});
});

test("an operation takes volumes by name or by URN, however long, and a refresh deletes none", async () => {
  const of = (json: object) => ask(shared.url, "v1/operations", { json });
  const urn = `urn:pulumi:production::shop-infrastructure::storage-profiles:index:ProfiledVolume::${"d".repeat(64)}`;
  for (const kind of ["apply", "refresh"]) {
    const { status, body } = await of({ kind, volumes: [urn] });
    expect([status, codes({ body })]).toEqual([404, ["volume-unknown volumes"]]);
  }
  const deleting = await of({ kind: "refresh", destroy: ["data"] });
  expect([deleting.status, codes(deleting)]).toEqual([400, ["request-not-readable destroy"]]);
});

test("a route with a slash behind it is none, whatever the method", async () => {
  const { status, body } = await ask(shared.url, "v1/version/");
  expect([status, codes({ body })]).toEqual([404, ["route-unknown url"]]);
  expect((await ask(shared.url, "v1/version", { method: "DELETE" })).status).toBe(405);
});

test("an entry with a mistake is one that can't be read, and not one that isn't there: it is answered with its problem, and isn't overwritten", async () => {
  const right = config("  storage-profiles:volumes: { data: { sizeGiB: 1 }, more: { sizeGiB: 1 } }\n");
  const lab = await labOf(right);
  const file = join(lab.directory, "Pulumi.dev.yaml");
  const wrong = `${right.replace("data: { sizeGiB: 1 }", 'data: { sizeGiB: "2" }')}  storage-profiles:profiles: { fast: { extends: gold, local: { iop: 5 } } }\n`;
  writeFileSync(file, wrong);
  const problem = "wrong-type storage-profiles:volumes.data.sizeGiB";
  const ofProfile = "unknown-key storage-profiles:profiles.fast.local.iop";

  const one = await ask(lab.url, `${VOLUMES}/data`);
  const all = await ask(lab.url, VOLUMES);
  const state = await ask(lab.url, `${STATE}/data`);
  expect([one.status, codes(one), all.status, state.status]).toEqual([409, [problem], 200, 200]);
  expect(all.body.map(({ name, problems }: any) => [name, problems.length])).toEqual([
    ["more", 0],
    ["data", 1],
  ]);
  expect(state.body).toMatchObject({ status: "non-compliant", verdict: "refused", problems: [{ code: "wrong-type" }] });
  const listed = await ask(lab.url, "v1/configuration/problems");
  expect(codes({ body: { errors: listed.body } })).toEqual(expect.arrayContaining([problem, ofProfile]));
  const profile = await ask(lab.url, `${PROFILES}/fast`);
  expect([profile.status, profile.body.problem?.code]).toEqual([200, "unknown-key"]);

  for (const [path, json, told] of [
    [VOLUMES, { name: "data", sizeGiB: 3 }, problem],
    [`${VOLUMES}/data`, { sizeGiB: 3 }, problem],
    [PROFILES, { name: "fast", local: { iops: 7 } }, ofProfile],
    [VOLUMES, { name: "new@fast", sizeGiB: 3 }, ofProfile],
  ] as const) {
    const { status, body } = await ask(lab.url, path, { json });
    expect([path, status >= 400, codes({ body })]).toEqual([path, true, expect.arrayContaining([told])]);
  }
  expect(await lab.stack.readConfig()).toMatchObject({ unreadable: { volumes: { data: [{ code: "wrong-type" }] } } });
  expect(lab.runs()).toEqual([]);
});

test("a problem of a volume has the place in the file that validate gives it", async () => {
  const lab = await labOf(config(""));
  const volumes = `{ my.data: { sizeGiB: 10, profile: gold, backend: aws, aws: { volumeInitializationRate: 5 } } }`;
  writeFileSync(join(lab.directory, "Pulumi.dev.yaml"), config(`  storage-profiles:volumes: ${volumes}\n`));
  const place = 'storage-profiles:volumes["my.data"].aws.volumeInitializationRate';
  const [ofVolume, ofAll] = [await ask(lab.url, `${VOLUMES}/my.data`), await ask(lab.url, "v1/configuration/problems")];
  for (const problems of [ofVolume.body.problems, ofAll.body])
    expect([...new Set(problems.map(({ path }: any) => path))]).toEqual([place]);
});

test("a refusal says that environments may set what isn't seen here", async () => {
  const lab = await labOf(config(""));
  const file = join(lab.directory, "Pulumi.dev.yaml");
  for (const environment of [undefined, "environment: [shop/dev]\n"]) {
    writeFileSync(file, `${environment ?? ""}${config("")}`);
    const refusals = [
      await ask(lab.url, VOLUMES, { json: { name: "new@ofEnvironment", sizeGiB: 1 } }),
      await ask(lab.url, PROFILES, { json: { name: "new", extends: "ofEnvironment" } }),
      await ask(lab.url, `${PROFILES}/ofEnvironment`),
      await ask(lab.url, `${VOLUMES}/ofEnvironment`),
    ];
    for (const { status, body } of refusals) {
      const told = (body.notes ?? []).map(({ message }: any) => message);
      const expected = environment === undefined ? [] : [expect.stringContaining("values from shop/dev")];
      expect([status >= 400, told]).toEqual([true, expected]);
    }
  }
});

test("a service is ready if its stack has a file or exists in the engine; otherwise it reports what is missing", async () => {
  const lab = await labOf(config(""));
  const ready = async () => {
    const { status, body } = await ask(lab.url, "readyz");
    return status === 200 ? [status] : [status, ...codes({ body })];
  };
  expect(await ready()).toEqual([200]);
  rmSync(join(lab.directory, "Pulumi.dev.yaml"));
  expect(await ready()).toEqual([200]);
  lab.breakEngine("no stack named 'dev' found");
  expect(await ready()).toEqual([409, "stack-unknown stack"]);
  // That it lives has nothing to do with it.
  expect((await ask(lab.url, "healthz")).status).toBe(200);
  writeFileSync(join(lab.directory, "Pulumi.dev.yaml"), config(""));
  expect(await ready()).toEqual([200]);
});

test.each(["abc", "-3", "0", "", "NaN", "1e3"])(
  "sizeGiB=%s in a URL is answered with 400, the parameter's name and the allowed values",
  async (text) => {
    const { status, body } = await ask(shared.url, `${PROFILES}/gold/resolution?sizeGiB=${text}`);
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      {
        code: "value-invalid",
        path: "sizeGiB",
        given: text,
        message: `"${text}" is not a number of GiB greater than 0`,
        allowed: "a number of GiB (2^30 bytes) greater than 0: 100, or 1.5",
        fix: "",
      },
    ]);
  },
);
