// Snapshots, and the move of a volume with its snapshots to another pool.
import { bench, closeAfterEach, done, refused, type Bench } from "./support";

closeAfterEach();

const snapshot = (b: Bench, snapshotDefs: unknown, more = {}) =>
  b.client.post("/api/instances/System/action/snapshotVolumes", { snapshotDefs, ...more });

describe("snapshots", () => {
  it("are volumes in the vtree of their source, made together", async () => {
    const b = await bench();
    const [first, second] = [await b.create({ name: "a" }), await b.create({ name: "b", volumeSizeInGb: "16" })];
    const { json } = await snapshot(b, [{ volumeId: first, snapshotName: "a-snap" }, { volumeId: second }]);
    expect(json).toEqual({
      volumeIdList: [expect.any(String), expect.any(String)],
      snapshotGroupId: expect.any(String),
    });
    const [of] = [await b.volume(json.volumeIdList[0])];
    const source = await b.volume(first);
    expect(of).toMatchObject({
      name: "a-snap",
      volumeType: "Snapshot",
      ancestorVolumeId: first,
      vtreeId: source.vtreeId,
      sizeInKb: source.sizeInKb,
      consistencyGroupId: json.snapshotGroupId,
      mappedSdcInfo: null,
    });
    expect(await b.volume(json.volumeIdList[1])).toMatchObject({
      name: null,
      consistencyGroupId: json.snapshotGroupId,
    });
  });

  it("are mapped and named by themselves, read-only when asked for", async () => {
    const b = await bench();
    const id = await b.create();
    b.gateway.array.map(id, "node1");
    const { json } = await snapshot(b, [{ volumeId: id }], { accessModeLimit: "ReadOnly" });
    const [of] = json.volumeIdList;
    expect(await b.volume(of)).toMatchObject({ accessModeLimit: "ReadOnly", mappedSdcInfo: null });
    const map = { sdcId: b.sdcs[1], accessMode: "ReadOnly" };
    expect(await b.client.act(of, "addMappedSdc", map)).toEqual(done);
    expect((await b.volume(id)).mappedSdcInfo).toHaveLength(1);
  });

  it.each([
    ["an unknown volume", [{ volumeId: "123" }], 79],
    ["a name that is in use", [{ snapshotName: "data" }], 99],
    ["a name twice", [{ snapshotName: "s" }, { snapshotName: "s" }], 99],
    ["a name that is too long", [{ snapshotName: "x".repeat(32) }], 226],
  ])("with %s are refused, all of them, with details", async (_what, definitions, rc) => {
    const b = await bench();
    const volumeId = await b.create({ name: "data" });
    const answer = await snapshot(b, [{ volumeId }, ...definitions.map((definition) => ({ volumeId, ...definition }))]);
    expect(answer).toEqual(refused(500, rc, "Error with details"));
    expect(answer.json.details).toEqual([{ error: expect.any(String), rc, errorMessage: expect.any(String) }]);
    expect(b.gateway.state().volumes).toHaveLength(1);
  });

  it("need to be told of what", async () => {
    const b = await bench();
    expect(await snapshot(b, undefined)).toEqual(refused(400, 0, /snapshotDefs/));
    expect(await snapshot(b, [{}])).toEqual(refused(400, 0, /volumeId/));
    expect(await snapshot(b, "all")).toEqual(refused(400, 0, /snapshotDefs/));
  });

  it("grow only as far as the pool has room, and take of it what they grow by", async () => {
    const b = await bench();
    const volumeId = await b.create({ storagePoolId: b.pools.small });
    const { json } = await snapshot(b, [{ volumeId }]);
    const [id] = json.volumeIdList;
    const room = async () => {
      const path = `/api/instances/StoragePool::${b.pools.small}/relationships/Statistics`;
      return (await b.client.get(path)).json.volumeAllocationLimitInKb as number;
    };
    const before = await room();
    expect(await b.client.act(id, "setVolumeSize", { sizeInGB: "16" })).toEqual(done);
    expect(before - (await room())).toBe(8 * 1_048_576);
    expect(await b.client.act(id, "setVolumeSize", { sizeInGB: "1048576" })).toEqual(refused(500, 300));
    expect((await b.volume(id)).sizeInKb).toBe(16 * 1_048_576);
  });

  it("that are secure stay for as long as that, which can only be put off", async () => {
    const b = await bench();
    const volumeId = await b.create();
    const { json } = await snapshot(b, [{ volumeId }]);
    const [id] = json.volumeIdList;
    const secure = (of: string, minutes: string) =>
      b.client.act(of, "setSnapshotSecurity", { retentionPeriodInMin: minutes });
    expect(await secure(volumeId, "5")).toEqual(refused(500, expect.any(Number), "The volume is not a snapshot"));
    expect(await secure(id, "5")).toEqual(done);
    expect(await secure(id, "4")).toEqual(refused(500, expect.any(Number), /can't be shortened/));
    expect((await b.volume(id)).secureSnapshotExpTime).toBeGreaterThan(0);
    const remove = () => b.client.act(id, "removeVolume", { removeMode: "ONLY_ME" });
    expect(await remove()).toEqual(refused(500, expect.any(Number), /is secure/));
    b.gateway.advance(5 * 60_000);
    expect(await remove()).toEqual(done);
  });

  it("of no policy can't be locked", async () => {
    const b = await bench();
    const { json } = await snapshot(b, [{ volumeId: await b.create() }]);
    const answer = await b.client.act(json.volumeIdList[0], "lockAutoSnapshot", {});
    expect(answer).toEqual(refused(500, expect.any(Number), "The volume is not an auto snapshot"));
  });

  it("are at most 126 in a vtree", async () => {
    const b = await bench();
    const volumeId = await b.create();
    const take = (count: number) => snapshot(b, Array(count).fill({ volumeId }));
    expect((await take(126)).status).toBe(200);
    const answer = await take(1);
    expect(answer.json.details).toEqual([
      { error: "TOO_MANY_SNAPS_IN_VTREE", rc: 182, errorMessage: "There are too many snapshots in the VTree" },
    ]);
  });

  it("are removed as the group that they were made as", async () => {
    const b = await bench();
    const volumeId = await b.create();
    const { json } = await snapshot(b, [{ volumeId }, { volumeId }]);
    const remove = () =>
      b.client.post("/api/instances/System/action/removeConsistencyGroupSnapshots", {
        snapGroupId: json.snapshotGroupId,
      });
    b.gateway.array.map(json.volumeIdList[0], "node1");
    expect(await remove()).toEqual(refused(500, 104));
    b.gateway.array.unmap(json.volumeIdList[0]);
    expect((await remove()).json).toEqual({ numberOfVolumes: 2 });
    expect((await remove()).status).toBe(500);
    expect(b.gateway.state().volumes).toHaveLength(1);
  });

  it("can overwrite their volume, and no other one", async () => {
    const b = await bench();
    const [volume, other] = [await b.create(), await b.create()];
    const { json } = await snapshot(b, [{ volumeId: volume }]);
    const body = { srcVolumeId: json.volumeIdList[0] };
    expect(await b.client.act(volume, "overwriteVolumeContent", body)).toEqual(done);
    expect(await b.client.act(other, "overwriteVolumeContent", body)).toEqual(refused(500, 198));
  });
});

describe("the move to another pool", () => {
  const migrate = (b: Bench, id: string, destSPId: string, more = {}) =>
    b.client.act(id, "migrateVTree", {
      destSPId,
      volTypeConversion: "NoConversion",
      allowDuringRebuild: "False",
      ...more,
    });
  const info = async (b: Bench, id: string) => {
    const { vtreeId } = await b.volume(id);
    return (await b.client.get(`/api/instances/VTree::${vtreeId}`)).json.vtreeMigrationInfo;
  };

  it("takes its time, with snapshots and mappings, and ends on the gateway's clock", async () => {
    const b = await bench();
    const id = await b.create({ name: "data" });
    b.gateway.array.map(id, "node1");
    const { json } = await snapshot(b, [{ volumeId: id }]);
    expect(await info(b, id)).toMatchObject({ migrationStatus: "NotInMigration", migrationPauseReason: null });
    expect(await migrate(b, id, b.pools.other)).toEqual(done);
    expect(await info(b, id)).toMatchObject({
      migrationStatus: "MigrationNormal",
      sourceStoragePoolId: b.pools.pool1,
      destinationStoragePoolId: b.pools.other,
    });
    expect(await b.volume(id)).toMatchObject({ storagePoolId: b.pools.pool1 });
    b.gateway.advance(10_000);
    expect(await info(b, id)).toMatchObject({ migrationStatus: "NotInMigration" });
    for (const moved of [id, json.volumeIdList[0]]) {
      expect(await b.volume(moved)).toMatchObject({ id: moved, storagePoolId: b.pools.other });
    }
    expect((await b.volume(id)).mappedSdcInfo).toHaveLength(1);
  });

  it("can be made to last until it is told to end", async () => {
    const b = await bench();
    b.gateway.array.setMigrationTime(Infinity);
    const id = await b.create();
    await migrate(b, id, b.pools.other);
    b.gateway.advance(7 * 60 * 60_000);
    await b.client.login("admin", b.gateway.password);
    expect(await info(b, id)).toMatchObject({ migrationStatus: "MigrationNormal" });
    expect(b.gateway.array.completeMigrations()).toBe(1);
    expect(await b.volume(id)).toMatchObject({ storagePoolId: b.pools.other });
  });

  it("to where it already goes is 717, to where it is 718, and elsewhere it must wait", async () => {
    const b = await bench();
    const id = await b.create();
    expect(await migrate(b, id, b.pools.pool1)).toEqual(refused(500, 718));
    await migrate(b, id, b.pools.other);
    expect(await migrate(b, id, b.pools.other)).toEqual(refused(500, 717));
    expect(await migrate(b, id, b.pools.small)).toEqual(refused(500, expect.any(Number), /undergoing migration/));
    expect(await migrate(b, id, b.pools.pool1)).toEqual(refused(500, expect.any(Number), /must be paused/));
    expect(await migrate(b, id, "123")).toEqual(refused(500, 171));
  });

  it("is paused, goes on, and is rolled back while it is paused", async () => {
    const b = await bench();
    const id = await b.create();
    const pause = () => b.client.act(id, "pauseVTreeMigration", { pauseType: "Gracefully" });
    const resume = () => b.client.act(id, "resumeVTreeMigration");
    expect((await pause()).status).toBe(500);
    await migrate(b, id, b.pools.other);
    expect((await resume()).status).toBe(500);
    expect(await pause()).toEqual(done);
    expect((await pause()).status).toBe(500);
    b.gateway.advance(60_000);
    const paused = await info(b, id);
    expect(paused.migrationStatus).toBe("Paused");
    expect(paused.migrationPauseReason).toBeTruthy();
    expect(await resume()).toEqual(done);
    expect(await info(b, id)).toMatchObject({ migrationStatus: "MigrationNormal", migrationPauseReason: null });
    await pause();
    expect(await migrate(b, id, b.pools.pool1)).toEqual(done);
    expect(await info(b, id)).toMatchObject({ migrationStatus: "NotInMigration" });
    b.gateway.advance(60_000);
    expect(await b.volume(id)).toMatchObject({ storagePoolId: b.pools.pool1 });
  });

  it("needs room there, and counts on both sides until it is over", async () => {
    const b = await bench();
    const available = async (pool: string) =>
      (await b.client.get(`/api/instances/StoragePool::${pool}/relationships/Statistics`)).json
        .capacityAvailableForVolumeAllocationInKb as number;
    const before = { pool1: await available(b.pools.pool1), small: await available(b.pools.small) };
    const size = 64 * 1024 ** 2;
    const thick = (gib: string) => b.create({ volumeSizeInGb: gib, volumeType: "ThickProvisioned" });
    const [id, tooBig] = [await thick("64"), await thick("136")];
    expect((await migrate(b, tooBig, b.pools.small)).status).toBe(500);
    await b.client.act(tooBig, "removeVolume", { removeMode: "ONLY_ME" });
    await migrate(b, id, b.pools.small);
    expect(await available(b.pools.small)).toBe(before.small - size);
    expect(await available(b.pools.pool1)).toBe(before.pool1 - size);
    b.gateway.array.completeMigrations();
    expect(await available(b.pools.small)).toBe(before.small - size);
    expect(await available(b.pools.pool1)).toBe(before.pool1);
  });

  it.each([
    ["between pools of different padding", "pool1", "unpadded", {}, {}, /zero-padding/],
    [
      "of a thick volume into a fine pool",
      "pool1",
      "fine",
      { volumeType: "ThickProvisioned" },
      {},
      /thick-provisioned/,
    ],
    ["of a RAM cache into a fine pool", "pool1", "fine", { useRmcache: "TRUE" }, {}, /RAM Read Cache/],
    ["with compression where there is none", "pool1", "small", {}, { compressionMethod: "Normal" }, /Compression/],
  ] as const)("%s is refused", async (_what, from, to, volume, more, message) => {
    const b = await bench();
    const id = await b.create({ storagePoolId: b.pools[from], ...volume });
    expect(await migrate(b, id, b.pools[to], more)).toEqual(refused(500, expect.any(Number), message));
    expect(await info(b, id)).toMatchObject({ migrationStatus: "NotInMigration" });
  });

  it("of a volume with snapshots doesn't change the data layout", async () => {
    const b = await bench();
    const id = await b.create();
    await snapshot(b, [{ volumeId: id }]);
    expect(await migrate(b, id, b.pools.fine)).toEqual(refused(500, expect.any(Number), /multiple volumes/));
  });

  it("converts on arrival: thick to thin, with compression in the fine pool", async () => {
    const b = await bench();
    const id = await b.create({ volumeType: "ThickProvisioned" });
    const more = { volTypeConversion: "ThickToThin", compressionMethod: "Normal" };
    expect(await migrate(b, id, b.pools.fine, more)).toEqual(done);
    expect(await b.volume(id)).toMatchObject({ volumeType: "ThickProvisioned", compressionMethod: "Invalid" });
    b.gateway.array.completeMigrations();
    expect(await b.volume(id)).toMatchObject({
      volumeType: "ThinProvisioned",
      compressionMethod: "Normal",
      dataLayout: "FineGranularity",
    });
  });

  it("isn't there on 2.x", async () => {
    const b = await bench({ version: "2.0" });
    expect(await migrate(b, await b.create(), b.pools.other)).toEqual(refused(404, 0));
  });
});
