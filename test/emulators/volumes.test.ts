// Volumes: what can be made, changed and removed, and what is refused in which words.
import { bench, closeAfterEach, done, GIB_KB, refused, type Bench } from "./support";

closeAfterEach();

const gone = refused(500, 79, "Could not find the volume");
const create = ({ client, pools }: Bench, body: object) =>
  client.post("/api/types/Volume/instances", { storagePoolId: pools.pool1, volumeSizeInGb: "8", ...body });

describe("a new volume", () => {
  it.each([
    [{ volumeSizeInKb: "1" }, 8],
    [{ volumeSizeInKb: "8192" }, 8],
    [{ volumeSizeInKb: String(8 * GIB_KB) }, 8],
    [{ volumeSizeInKb: String(8 * GIB_KB + 1) }, 16],
    [{ volumeSizeInKb: "10485760" }, 16],
    [{ volumeSizeInGb: "9" }, 16],
    [{ volumeSizeInGb: 9 }, 16],
    [{ volumeSizeInGb: "16" }, 16],
  ])("of %j has %d GiB: silently rounded up", async (size, gib) => {
    const b = await bench();
    const answer = await b.client.post("/api/types/Volume/instances", {
      storagePoolId: b.pools.pool1,
      volumeType: "ThinProvisioned",
      ...size,
    });
    expect(answer).toMatchObject({ status: 200, json: { id: expect.stringMatching(/^[0-9a-f]{16}$/) } });
    expect((await b.volume(answer.json.id)).sizeInKb).toBe(gib * GIB_KB);
  });

  it.each([
    ["no pool", { storagePoolId: undefined }, 400, 0, /must be part of the request body: storagePoolId\.$/],
    ["no size", { volumeSizeInGb: undefined }, 400, 0, /One of the parameter\(s\) .*volumeSizeInKb, volumeSizeInGb/],
    ["a size of 0", { volumeSizeInGb: "0" }, 400, 0, /volumeSizeInGb \(0\)/],
    ["a negative size", { volumeSizeInGb: "-8" }, 400, 0, /volumeSizeInGb \(-8\)/],
    ["a size in words", { volumeSizeInGb: "eight" }, 400, 0, /volumeSizeInGb \(eight\)/],
    ["a size beyond all", { volumeSizeInGb: "1048577" }, 500, 190, "The volume size too large"],
    ["a pool's name for its id", { storagePoolId: "pool1" }, 400, 0, /must be a hexadecimal number/],
    ["an unknown pool", { storagePoolId: "123" }, 500, 171, "Could not find Storage Pool"],
    ["an unknown domain", { protectionDomainId: "123" }, 500, 142, "Could not find Protection Domain"],
    [
      "an unknown type",
      { volumeType: "Thin" },
      400,
      0,
      /^volumeType should get one of the following values: .*Thin\.$/,
    ],
    ["a strange truth", { useRmcache: "yes" }, 400, 0, /useRmcache should get/],
    ["32 letters", { name: "x".repeat(32) }, 500, 226, /exceeds the allowed length of 31 characters/],
    ["a space in its name", { name: "a b" }, 500, 227, /Spaces are not allowed/],
    ["an umlaut in its name", { name: "Übung" }, 500, 227, /invalid characters/],
    [
      "compression in a medium granularity pool",
      { compressionMethod: "Normal" },
      500,
      expect.any(Number),
      /Fine Granu/,
    ],
  ])("with %s is refused", async (_what, body, status, code, message) => {
    const b = await bench();
    expect(await create(b, body)).toEqual(refused(status, code, message));
    expect(b.gateway.state().volumes).toEqual([]);
  });

  it("in a pool of another domain than it says is refused", async () => {
    const b = await bench();
    expect(await create(b, { protectionDomainId: b.otherDomain })).toEqual(refused(500, 197, /not in the specified/));
    expect(await create(b, { protectionDomainId: b.domain })).toMatchObject({ status: 200 });
  });

  it.each(["x".repeat(31), "a+b/c==", "Vol_1.2-3:4"])("may be called %s", async (name) => {
    const b = await bench();
    const id = await b.create({ name });
    expect(await b.volume(id)).toMatchObject({ name });
  });

  it("can't have the name of another volume or snapshot, until that one is gone", async () => {
    const b = await bench();
    const first = await b.create({ name: "data" });
    const snapshotDefs = [{ volumeId: first, snapshotName: "snap" }];
    await b.client.post("/api/instances/System/action/snapshotVolumes", { snapshotDefs });
    for (const name of ["data", "snap"]) expect(await create(b, { name })).toEqual(refused(500, 99, /already in use/));
    await b.client.act(first, "removeVolume", { removeMode: "WHOLE_VTREE" });
    for (const name of ["data", "snap"]) expect(await create(b, { name })).toMatchObject({ status: 200 });
  });

  it("without a name has null for one; there may be many", async () => {
    const b = await bench();
    for (const id of [await b.create(), await b.create({ name: "" })]) expect((await b.volume(id)).name).toBeNull();
  });

  it("without a type is thick", async () => {
    const b = await bench();
    const { json } = await create(b, {});
    expect(await b.volume(json.id)).toMatchObject({ volumeType: "ThickProvisioned" });
  });

  it.each(["TRUE", "true", "True", true])(
    "uses the RAM cache when told %j, unknown fields aside",
    async (useRmcache) => {
      const b = await bench();
      const id = await b.create({ useRmcache, volumeClass: "defaultclass", compressionMethod: "None" });
      expect(await b.volume(id)).toMatchObject({ useRmcache: true, compressionMethod: "Invalid" });
    },
  );

  it("knows when it was made, on the gateway's clock", async () => {
    const b = await bench();
    const first = await b.volume(await b.create());
    b.gateway.advance(60_000);
    await b.client.login("admin", b.gateway.password);
    const second = await b.volume(await b.create());
    expect(second.creationTime - first.creationTime).toBeGreaterThanOrEqual(60);
    expect(Number.isInteger(first.creationTime)).toBe(true);
  });

  it("gets an id of its own, also after others are gone", async () => {
    const b = await bench();
    const first = await b.create();
    await b.client.act(first, "removeVolume", { removeMode: "ONLY_ME" });
    expect(await b.create()).not.toBe(first);
  });
});

describe("in a fine granularity pool", () => {
  it.each([
    ["a thick volume", { volumeType: "ThickProvisioned" }, /Thick volumes cannot be added/],
    ["a volume without a type", { volumeType: undefined }, /Thick volumes cannot be added/],
    ["a RAM cache", { useRmcache: "TRUE" }, /RAM Read Cache is not supported/],
  ])("%s is refused", async (_what, body, message) => {
    const b = await bench();
    const asked = { storagePoolId: b.pools.fine, volumeType: "ThinProvisioned", ...body };
    expect(await create(b, asked)).toEqual(refused(500, expect.any(Number), message));
  });

  it("compression is chosen, and changed", async () => {
    const b = await bench();
    const id = await b.create({ storagePoolId: b.pools.fine, compressionMethod: "Normal" });
    expect(await b.volume(id)).toMatchObject({ compressionMethod: "Normal", dataLayout: "FineGranularity" });
    expect(await b.client.act(id, "modifyCompressionMethod", { compressionMethod: "None" })).toEqual(done);
    expect(await b.volume(id)).toMatchObject({ compressionMethod: "None" });
    expect(await b.client.act(id, "setVolumeUseRmcache", { useRmcache: "TRUE" })).toEqual(
      refused(500, expect.any(Number), /RAM Read Cache/),
    );
  });

  it("isn't where compression is asked for elsewhere", async () => {
    const b = await bench();
    expect(await b.client.act(await b.create(), "modifyCompressionMethod", { compressionMethod: "Normal" })).toEqual(
      refused(500, expect.any(Number), /Fine Granularity layout/),
    );
  });
});

describe("a size", () => {
  it.each([
    ["24", 24],
    [24, 24],
    ["1048576", 1_048_576],
  ])("grows to %j GB", async (sizeInGB, gib) => {
    const b = await bench({ array: { protectionDomains: [{ name: "d", storagePools: [huge] }] } });
    const { json: pools } = await b.client.get("/api/types/StoragePool/instances");
    const id = await b.create({ storagePoolId: pools[0].id });
    expect(await b.client.act(id, "setVolumeSize", { sizeInGB })).toEqual(done);
    expect((await b.volume(id)).sizeInKb).toBe(gib * GIB_KB);
  });
  const huge = { name: "huge", capacityGiB: 1_048_576, oversubscription: 10 };

  it.each([
    ["20", 400, 0, "sizeInGb (20) must be a positive number in granularity of 8 GB."],
    ["6", 400, 0, /sizeInGb \(6\)/],
    ["0", 400, 0, /sizeInGb \(0\)/],
    ["-8", 400, 0, /sizeInGb \(-8\)/],
    ["24.0", 400, 0, /sizeInGb \(24.0\)/],
    [undefined, 400, 0, /sizeInGB/],
    ["8", 500, 133, "Volume capacity can only be increased"],
    ["16", 500, 133, "Volume capacity can only be increased"],
    ["1048584", 500, 190, "The volume size too large"],
  ])("of %j GB instead of 16 is refused", async (sizeInGB, status, code, message) => {
    const b = await bench();
    const id = await b.create({ volumeSizeInGb: "16" });
    expect(await b.client.act(id, "setVolumeSize", { sizeInGB })).toEqual(refused(status, code, message));
    expect((await b.volume(id)).sizeInKb).toBe(16 * GIB_KB);
  });
});

describe("a name", () => {
  it("is changed to a free one, and only to that", async () => {
    const b = await bench();
    const id = await b.create({ name: "old" });
    await b.create({ name: "taken" });
    expect(await b.client.act(id, "setVolumeName", { newName: "new" })).toEqual(done);
    expect(await b.client.act(id, "setVolumeName", { newName: "taken" })).toEqual(refused(500, 99));
    expect(await b.client.act(id, "setVolumeName", { newName: "x".repeat(32) })).toEqual(refused(500, 226));
    expect(await b.client.act(id, "setVolumeName", { newName: "a b" })).toEqual(refused(500, 227));
    expect(await b.client.act(id, "setVolumeName", {})).toEqual(refused(400, 0, /newName/));
    expect(await b.volume(id)).toMatchObject({ name: "new" });
  });
});

describe("a removal", () => {
  it.each([undefined, "ALL", "only_me"])("in the mode %j is refused", async (removeMode) => {
    const b = await bench();
    const id = await b.create();
    const answer = await b.client.act(id, "removeVolume", { removeMode });
    expect(answer).toEqual(refused(400, 0, /removeMode/));
    if (removeMode !== undefined) {
      expect(answer.json.message).toBe(
        `removeMode should get one of the following values: ONLY_ME, INCLUDING_DESCENDANTS, DESCENDANTS_ONLY, WHOLE_VTREE, but its value is ${removeMode}.`,
      );
    }
    expect(b.gateway.state().volumes).toHaveLength(1);
  });

  /** base -> child -> grandchild, and base -> other */
  async function family(b: Bench) {
    const snapshot = async (of: string) => {
      const snapshotDefs = [{ volumeId: of }];
      const { json } = await b.client.post("/api/instances/System/action/snapshotVolumes", { snapshotDefs });
      return json.volumeIdList[0] as string;
    };
    const base = await b.create({ name: "base" });
    const child = await snapshot(base);
    const grandchild = await snapshot(child);
    const other = await snapshot(base);
    return { base, child, grandchild, other };
  }
  type Name = keyof Awaited<ReturnType<typeof family>>;

  it.each([
    ["base", "ONLY_ME", ["child", "grandchild", "other"]],
    ["child", "ONLY_ME", ["base", "grandchild", "other"]],
    ["child", "INCLUDING_DESCENDANTS", ["base", "other"]],
    ["child", "DESCENDANTS_ONLY", ["base", "child", "other"]],
    ["base", "INCLUDING_DESCENDANTS", []],
    ["grandchild", "WHOLE_VTREE", []],
  ] as [Name, string, Name[]][])("of the %s, %s, leaves %j", async (which, removeMode, left) => {
    const b = await bench();
    const ids = await family(b);
    expect(await b.client.act(ids[which], "removeVolume", { removeMode })).toEqual(done);
    expect(b.gateway.state().volumes.map(({ id }) => id)).toEqual(left.map((name) => ids[name]));
    const { json: trees } = await b.client.get("/api/types/VTree/instances");
    expect(trees).toHaveLength(left.length > 0 ? 1 : 0);
  });

  it("of a middle one leaves its snapshots to the one above", async () => {
    const b = await bench();
    const ids = await family(b);
    await b.client.act(ids.child, "removeVolume", { removeMode: "ONLY_ME" });
    expect(await b.volume(ids.grandchild)).toMatchObject({ ancestorVolumeId: ids.base });
  });

  it("of descendants that there aren't is refused", async () => {
    const b = await bench();
    const ids = await family(b);
    const answer = await b.client.act(ids.other, "removeVolume", { removeMode: "DESCENDANTS_ONLY" });
    expect(answer).toEqual(refused(500, 183, "There are no volumes to delete"));
  });

  it.each([
    ["base", "ONLY_ME"],
    ["base", "INCLUDING_DESCENDANTS"],
    ["base", "WHOLE_VTREE"],
  ] as [Name, string][])("of the mapped %s, %s, removes nothing", async (which, removeMode) => {
    const b = await bench();
    const ids = await family(b);
    b.gateway.array.map(ids[which], "node1");
    expect(await b.client.act(ids[which], "removeVolume", { removeMode })).toEqual(
      refused(500, 104, "Volume is mapped"),
    );
    expect(b.gateway.state().volumes).toHaveLength(4);
  });

  it("with a mapped snapshot among the descendants removes nothing", async () => {
    const b = await bench();
    const ids = await family(b);
    b.gateway.array.map(ids.grandchild, "node1");
    for (const removeMode of ["INCLUDING_DESCENDANTS", "DESCENDANTS_ONLY", "WHOLE_VTREE"]) {
      expect(await b.client.act(ids.child, "removeVolume", { removeMode })).toEqual(refused(500, 104));
    }
    expect(b.gateway.state().volumes).toHaveLength(4);
    expect(await b.client.act(ids.child, "removeVolume", { removeMode: "ONLY_ME" })).toEqual(done);
  });

  it("leaves nothing to read, change or remove: 79, not 404", async () => {
    const b = await bench();
    const id = await b.create({ name: "data" });
    await b.client.act(id, "removeVolume", { removeMode: "ONLY_ME" });
    expect(await b.client.get(`/api/instances/Volume::${id}`)).toEqual(gone);
    for (const [action, body] of [
      ["removeVolume", { removeMode: "ONLY_ME" }],
      ["setVolumeName", { newName: "x" }],
      ["setVolumeSize", { sizeInGB: "16" }],
      ["addMappedSdc", { sdcId: b.sdcs[0] }],
    ] as const) {
      expect(await b.client.act(id, action, body)).toEqual(gone);
    }
  });
});

describe("a volume by its name", () => {
  it.each([
    ["2.0", 3, "Not found"],
    ["3.0", 3, "Not found"],
    ["3.5", 79, "Could not find the volume"],
    ["4.5", 79, "Could not find the volume"],
  ])("is an id in quotes; on %s a missing one is %d", async (version, code, message) => {
    const b = await bench({ version });
    const id = await b.create({ name: "data" });
    const url = "/api/types/Volume/instances/action/queryIdByKey";
    expect(await b.client.post(url, { name: "data" })).toMatchObject({ status: 200, text: `"${id}"` });
    expect(await b.client.post(url, { name: "Data" })).toEqual(refused(500, code, message));
    expect(await b.client.post(url, {})).toEqual(refused(400, 0, /name/));
  });

  it.each(["plain", "a+b/c==", "50%", "%41", "a%2Fb"])("called %s is found as clients encode it", async (name) => {
    const b = await bench();
    const id = await b.create({ name });
    const once = encodeURIComponent(name);
    for (const key of [once, encodeURIComponent(once)]) {
      const answer = await b.client.get(`/api/types/Volume/instances/getByName::${key}`);
      expect(answer).toMatchObject({ status: 200, text: `"${id}"` });
    }
    expect(await b.client.get("/api/types/Volume/instances/getByName::other")).toEqual(refused(500, 3, "Not found"));
  });
});

it.each(["xyz", "12345678901234567", "-1", "0x1"])("the id %j isn't hexadecimal", async (id) => {
  const b = await bench();
  const message = `id (${id}) must be a hexadecimal number (unsigned long).`;
  expect(await b.client.get(`/api/instances/Volume::${id}`)).toEqual(refused(400, 0, message));
  expect(await b.client.act(id, "removeVolume", { removeMode: "ONLY_ME" })).toEqual(refused(400, 0, message));
});

it("access mode limits are set from 3.0 on, and not against a mapping that writes", async () => {
  const b = await bench();
  const id = await b.create();
  const limit = (accessModeLimit?: string) => b.client.act(id, "setVolumeAccessModeLimit", { accessModeLimit });
  expect(await limit("ReadOnly")).toEqual(done);
  expect(await b.volume(id)).toMatchObject({ accessModeLimit: "ReadOnly" });
  expect(await limit("ReadWrite")).toEqual(done);
  expect(await limit("WriteOnly")).toEqual(refused(400, 0, /accessModeLimit should get/));
  expect(await limit()).toEqual(refused(400, 0, /accessModeLimit/));
  b.gateway.array.map(id, "node1");
  expect((await limit("ReadOnly")).status).toBe(500);

  const old = await bench({ version: "2.0" });
  expect(await old.client.act(await old.create(), "setVolumeAccessModeLimit", { accessModeLimit: "ReadOnly" })).toEqual(
    refused(404, 0),
  );
});

describe("the capacity of a pool", () => {
  const statistics = async (b: Bench, pool: string) =>
    (await b.client.get(`/api/instances/StoragePool::${pool}/relationships/Statistics`)).json;

  it("is taken by thick volumes at once, and promised twice over to thin ones", async () => {
    const b = await bench();
    const storagePoolId = b.pools.small; // 64 GiB, of which 128 may be promised
    const ask = (volumeType: string, gib: number) =>
      create(b, { storagePoolId, volumeType, volumeSizeInGb: String(gib) });
    expect(await ask("ThickProvisioned", 72)).toEqual(refused(500, expect.any(Number), /Insufficient/));
    expect(await ask("ThickProvisioned", 40)).toMatchObject({ status: 200 });
    expect(await ask("ThickProvisioned", 32)).toEqual(refused(500, expect.any(Number), /Insufficient/));
    expect(await ask("ThinProvisioned", 96)).toEqual(
      refused(500, expect.any(Number), "Requested volume size exceeds the volume allocation limit"),
    );
    expect(await ask("ThinProvisioned", 88)).toMatchObject({ status: 200 });
    expect(await ask("ThinProvisioned", 8)).toEqual(refused(500, expect.any(Number), /allocation limit/));
  });

  it("bounds growth, too", async () => {
    const b = await bench();
    const id = await b.create({ storagePoolId: b.pools.small, volumeSizeInGb: "120" });
    expect(await b.client.act(id, "setVolumeSize", { sizeInGB: "136" })).toEqual(
      refused(500, expect.any(Number), /allocation limit/),
    );
    expect(await b.client.act(id, "setVolumeSize", { sizeInGB: "128" })).toEqual(done);
  });

  it("is free again with the volume", async () => {
    const b = await bench();
    const before = await statistics(b, b.pools.small);
    const id = await b.create({ storagePoolId: b.pools.small, volumeType: "ThickProvisioned", volumeSizeInGb: "64" });
    expect(await statistics(b, b.pools.small)).toMatchObject({ netUnusedCapacityInKb: 0, numOfVolumes: 1 });
    await b.client.act(id, "removeVolume", { removeMode: "ONLY_ME" });
    expect(await statistics(b, b.pools.small)).toEqual(before);
  });

  it("is told in figures that agree: raw ones count two copies and the spare", async () => {
    const b = await bench();
    const thick = await b.create({ storagePoolId: b.pools.small, volumeType: "ThickProvisioned" });
    const thin = await b.create({ storagePoolId: b.pools.small, volumeSizeInGb: "24" });
    b.gateway.array.map(thin, "node1");
    const figures = await statistics(b, b.pools.small);
    expect(figures).toMatchObject({
      volumeAllocationLimitInKb: 96 * GIB_KB,
      capacityAvailableForVolumeAllocationInKb: 56 * GIB_KB,
      thickCapacityInUseInKb: 16 * GIB_KB,
      thinCapacityAllocatedInKb: 48 * GIB_KB,
      capacityInUseInKb: 16 * GIB_KB,
      netCapacityInUseInKb: 8 * GIB_KB,
      netUnusedCapacityInKb: 56 * GIB_KB,
      snapCapacityInUseInKb: 0,
      numOfVolumes: 2,
      numOfUnmappedVolumes: 1,
      numOfSnapshots: 0,
      volumeIds: [thick, thin],
    });
    expect(figures.maxCapacityInKb - figures.spareCapacityInKb).toBe(2 * 64 * GIB_KB);
    expect(figures.spareCapacityInKb / figures.maxCapacityInKb).toBeCloseTo(0.1);
    expect(figures.capacityLimitInKb).toBe(figures.maxCapacityInKb);
  });

  it.each([
    ["2.0", "thinCapacityAllocatedInKm"],
    ["3.0", "thinCapacityAllocatedInKm"],
    ["3.5", "thinCapacityAllocatedInKb"],
    ["4.5", "thinCapacityAllocatedInKb"],
  ])("on %s has thin volumes under %s", async (version, field) => {
    const b = await bench({ version });
    await b.create({ storagePoolId: b.pools.small });
    const figures = await statistics(b, b.pools.small);
    expect(Object.keys(figures).filter((name) => name.startsWith("thinCapacityAllocated"))).toEqual([field]);
    expect(figures[field]).toBe(16 * GIB_KB);
  });
});
