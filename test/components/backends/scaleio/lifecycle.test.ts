// The life of a volume on an array, one call after the other: what is taken up, what is refused, what happens in between.

import { ScaleioArray } from "../../../../components/backends/scaleio/array";
import { Claims } from "../../../../components/claims";
import { ScaleioError } from "../../../../components/backends/scaleio/errors";
import { GatewaySession } from "../../../../components/backends/scaleio/session";
import {
  createVolume,
  findPool,
  importProblems,
  newVolumeProblems,
  updateVolume,
} from "../../../../components/backends/scaleio/lifecycle";
import type { ScaleioSettings } from "../../../../src/backends/scaleio";
import { startScaleioGateway, type ScaleioGateway } from "../../../../emulators";
import { thin as settings } from "../../../support/scaleio-array";
import { until } from "../../../../tools/test/time.js";

let gateway: ScaleioGateway;
let session: GatewaySession;
let array: ScaleioArray;
beforeEach(async () => {
  gateway = await startScaleioGateway();
  const { url: endpoint, username, password, ca } = gateway;
  session = new GatewaySession({ endpoint, username, password, ca, insecure: false, timeoutMs: 60_000 });
  array = new ScaleioArray(session);
});
afterEach(async () => {
  await session.close();
  await gateway.close();
});

const fine: ScaleioSettings = { ...settings, storagePool: "fine" };

describe("a volume that an interrupted run left behind", () => {
  const left: [string, ScaleioSettings, number, ScaleioSettings, string | undefined][] = [
    ["is as it was asked for", settings, 8, settings, undefined],
    ["is compressed as asked", { ...fine, compression: "normal" }, 8, { ...fine, compression: "normal" }, undefined],
    ["its size isn't", settings, 16, settings, "its size isn't 8 GiB"],
    ["is thick", { ...settings, provisioning: "thick" }, 8, settings, "it is ThickProvisioned, not thin"],
    ["has RAM cache", { ...settings, ramCache: true }, 8, settings, "its RAM cache setting differs"],
    ["is compressed", { ...fine, compression: "normal" }, 8, fine, "its compression setting differs"],
    ["is in another pool", fine, 8, settings, "it is in another storage pool"],
  ];
  test.each(left)("that %s", async (_name, was, sizeGiB, wanted, reason) => {
    const first = await createVolume(array, { name: "v", sizeGiB, settings: was }, true);
    const second = createVolume(array, { name: "v", sizeGiB: 8, settings: wanted }, true);
    if (reason === undefined) expect(await second).toMatchObject({ id: first.id, found: true });
    else await expect(second).rejects.toThrow(reason);
    expect(gateway.state().volumes).toHaveLength(1);
  });

  test("isn't taken from a resource of this run that has it", async () => {
    const wanted = { name: "v", sizeGiB: 8, settings };
    await createVolume(array, wanted, true);
    const mayTake = () => {
      throw new ScaleioError("not-possible", "somebody has it");
    };
    await expect(createVolume(array, wanted, true, mayTake)).rejects.toThrow("somebody has it");
  });
});

test("a volume that isn't what the state says is not made larger by mistake", async () => {
  const { id } = await createVolume(array, { name: "v", sizeGiB: 8, settings }, true);
  for (const [other, message] of [
    [{ provisioning: "thick" as const }, 'has provisioning "thin" on the array'],
    [{ storagePool: "small" }, 'has storagePool "pool1" on the array'],
  ] as const) {
    await expect(updateVolume(array, id, { sizeGiB: 16, settings: { ...settings, ...other } })).rejects.toThrow(
      message,
    );
  }
  expect(gateway.state().volumes).toMatchObject([{ sizeInKb: 8 << 20 }]);
});

test("a volume that vanishes while it grows is no success", async () => {
  const { id } = await createVolume(array, { name: "v", sizeGiB: 8, settings }, true);
  const fault = gateway.fault({ match: { path: "setVolumeSize" }, do: "cut" });
  gateway.setLatency(300);
  const grown = updateVolume(array, id, { sizeGiB: 16, settings }).catch((error: unknown) => error);
  await until("the growth is cut", () => fault.hits > 0, { everyMs: 5 });
  gateway.array.removeVolume(id);
  expect(await grown).toMatchObject({ code: "gone" });
});

test("a growth that was done though no answer came is not asked for twice", async () => {
  const { id } = await createVolume(array, { name: "v", sizeGiB: 8, settings }, true);
  gateway.fault({ match: { path: "setVolumeSize" }, do: "cut-after-commit" });
  expect(await updateVolume(array, id, { sizeGiB: 16, settings })).toMatchObject({ sizeGiB: 16 });
  expect(gateway.calls.filter(({ path }) => path.includes("setVolumeSize"))).toHaveLength(1);
});

test("a snapshot is no volume to take over, and a name can't be another", async () => {
  const id = gateway.array.createVolume({ name: "v", sizeGiB: 8 });
  await session.post(
    "/api/instances/System/action/snapshotVolumes",
    { snapshotDefs: [{ volumeId: id, snapshotName: "s" }] as unknown as string },
    (await import("zod")).z.unknown(),
    { what: "making a snapshot" },
  );
  const { volumes } = gateway.state();
  const snapshot = volumes.find((each) => each.id !== id)?.id ?? "";
  const wanted = { name: "v", sizeGiB: 8, settings };
  const codes = async (of: string, more = {}) =>
    (await importProblems(array, of, { ...wanted, ...more })).problems.map(
      ({ code, message }) => `${code}: ${message}`,
    );
  expect(await codes(snapshot)).toEqual([expect.stringContaining("it is a snapshot")]);
  expect(await codes(id, { physicalName: "w" })).toEqual([expect.stringContaining('it is named "v"')]);
  expect(await codes(id, { settings: { ...settings, compression: "normal" } })).toEqual([
    expect.stringMatching(/^place-cannot/),
  ]);
  expect(await codes("0000000000000000")).toEqual([expect.stringContaining("no such volume")]);
  expect(await codes("x")).toEqual([expect.stringContaining("it isn't a volume id")]);
  expect(await codes(id)).toEqual([]);
});

test.each<[string, Partial<ScaleioSettings>, number, string[]]>([
  [
    "a pool that is misspelt",
    { storagePool: "poll1" },
    8,
    [
      'unknown storage pool "poll1" in protection domain "domain1"',
      "fine, pool1, small, unpadded",
      'did you mean "pool1"?',
    ],
  ],
  [
    "a domain that is misspelt",
    { protectionDomain: "domain" },
    8,
    ['unknown protection domain "domain"', "domain1, domain2"],
  ],
  [
    "RAM cache on fine granularity",
    { storagePool: "fine", ramCache: true },
    8,
    [
      'not supported by storage pool "fine": fine-granularity volumes don\'t support the RAM cache',
      "set ramCache: false",
    ],
  ],
  [
    "a thick volume without room",
    { storagePool: "small", provisioning: "thick" },
    72,
    ['storage pool "small" has 64 GiB free; ', "needs 72 GiB"],
  ],
])("%s is refused, with what there is", async (_name, differing, sizeGiB, told) => {
  const wanted = { name: "v", sizeGiB, settings: { ...settings, ...differing } };
  const problems = await newVolumeProblems(array, wanted, true, new Map());
  expect(problems).toHaveLength(1);
  const text = Object.values(problems[0] ?? {}).join("\n");
  for (const part of told) expect(text).toContain(part);
});

test("pools that many look for in vain together are read again together", async () => {
  await array.pools();
  gateway.clearCalls();
  const found = await Promise.all(
    Array.from({ length: 50 }, () => findPool(array, { protectionDomain: "domain1", storagePool: "none" })),
  );
  expect(found.every(({ pool }) => pool === undefined)).toBe(true);
  expect(gateway.calls.filter(({ path }) => path.includes("StoragePool"))).toHaveLength(1);
});

describe("claims", () => {
  test("what the state has may be deleted by the resource that has it, and what a run has made by none", () => {
    const claims = new Claims();
    expect(claims.heir("v", "a")).toBeUndefined();
    expect(claims.keep("v", "a", "a")).toBeUndefined();
    expect(claims.heir("v", "a")).toBeUndefined();
    expect(claims.heir("v", "b")?.by).toBe("a");
    claims.make("v", "a");
    expect(claims.heir("v", "a")?.by).toBe("a");
  });

  test("nobody takes what another keeps, wants or has made; a renaming with an alias is no other", () => {
    const claims = new Claims();
    expect(claims.want("v", "a")).toBeUndefined();
    expect(claims.want("v", "b")?.by).toBe("a");
    expect(claims.keep("v", "c", "c")?.by).toBe("a");
    expect(claims.heir("v", "c")?.by).toBe("a");
    expect(claims.keep("w", "new", "old")).toBeUndefined();
    expect(claims.heir("w", "old")).toBeUndefined();
    expect(claims.want("w", "other")?.by).toBe("new");
  });
});
