// What clients read: objects with the fields of the version, links that lead somewhere, look-ups, statistics.
import { bench, closeAfterEach, done, GIB_KB, refused, start, type Bench } from "./support";

closeAfterEach();

const versions = ["2.0", "3.6", "4.5"];
const types = ["System", "ProtectionDomain", "StoragePool", "Sdc", "Volume", "VTree"];

/** A gateway with something of every type. */
async function furnished(version: string): Promise<Bench & { id: string }> {
  const b = await bench({ version });
  const id = await b.create({ name: "data" });
  b.gateway.array.map(id, "node1");
  const snapshotDefs = [{ volumeId: id, snapshotName: "snap" }];
  await b.client.post("/api/instances/System/action/snapshotVolumes", { snapshotDefs });
  return { ...b, id };
}

describe.each(versions)("on %s", (version) => {
  it("each object is in its list, has a good id, and all its links lead somewhere", async () => {
    const { client } = await furnished(version);
    for (const type of types) {
      const { json: list } = await client.get(`/api/types/${type}/instances`);
      expect(list.length).toBeGreaterThan(0);
      for (const object of list) {
        expect(object.id).toMatch(/^[0-9a-f]{16}$/);
        expect((await client.get(`/api/instances/${type}::${object.id.toUpperCase()}`)).json).toEqual(object);
        for (const { href } of object.links) expect(await client.get(href)).toMatchObject({ status: 200 });
      }
    }
  });

  it("the links that goscaleio needs have their exact rels", async () => {
    const { client } = await furnished(version);
    const rels = async (type: string) => {
      const { json } = await client.get(`/api/types/${type}/instances`);
      return json
        .at(-1)
        .links.map(({ rel }: any) => rel.replace(`/api/${type}/relationship/`, ""))
        .sort();
    };
    const parent = (...names: string[]) => names.map((name) => `/api/parent/relationship/${name}`);
    expect(await rels("System")).toEqual(["ProtectionDomain", "Sdc", "Statistics", "User", "self"]);
    expect(await rels("ProtectionDomain")).toEqual(
      [...parent("systemId"), "FaultSet", "Sds", "Statistics", "StoragePool", "self"].sort(),
    );
    expect(await rels("StoragePool")).toEqual(
      [...parent("protectionDomainId"), "Device", "SpSds", "Statistics", "VTree", "Volume", "self"].sort(),
    );
    expect(await rels("Sdc")).toEqual([...parent("systemId"), "Statistics", "Volume", "self"].sort());
    // The last volume is a snapshot.
    expect(await rels("Volume")).toEqual(
      [...parent("ancestorVolumeId", "storagePoolId", "vtreeId"), "Statistics", "self"].sort(),
    );
    expect(await rels("VTree")).toEqual(
      [...parent("baseVolumeId", "storagePoolId"), "Statistics", "Volume", "self"].sort(),
    );
  });

  it("numbers are whole numbers and what is absent is null", async () => {
    const { client, id } = await furnished(version);
    const { json: volume } = await client.get(`/api/instances/Volume::${id}`);
    expect(volume).toMatchObject({ sizeInKb: 8 * GIB_KB, ancestorVolumeId: null, consistencyGroupId: null });
    const { json: sdcs } = await client.get("/api/types/Sdc/instances");
    expect(sdcs.map(({ name }: any) => name)).toEqual(["node1", "node2", "node3", null]);
    expect(sdcs[0].sdcGuid).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
  });

  it("everything at once is what the lists hold", async () => {
    const { client } = await furnished(version);
    const { json: all } = await client.get("/api/instances");
    for (const [type, list] of [
      ["ProtectionDomain", "protectionDomainList"],
      ["StoragePool", "storagePoolList"],
      ["Sdc", "sdcList"],
      ["Volume", "volumeList"],
      ["VTree", "vTreeList"],
    ] as const) {
      expect(all[list]).toEqual((await client.get(`/api/types/${type}/instances`)).json);
    }
    expect([all.System]).toEqual((await client.get("/api/types/System/instances")).json);
  });
});

describe("fields", () => {
  const fieldsOf = async (version: string, type: string) => {
    const { client } = await furnished(version);
    return Object.keys((await client.get(`/api/types/${type}/instances`)).json[0]);
  };

  it.each([
    [
      "Volume",
      ["accessModeLimit", "dataLayout", "snplIdOfSourceVolume", "volumeReplicationState", "compressionMethod"],
    ],
    ["StoragePool", ["mediaType", "dataLayout", "compressionMethod"]],
    ["VTree", ["vtreeMigrationInfo", "rootVolumes"]],
    ["Sdc", ["sdcIps"]],
  ])("of %s that are there from 3.0 on: %j", async (type, names) => {
    const [before, after] = [await fieldsOf("2.5", type), await fieldsOf("3.0", type)];
    for (const name of names) {
      expect(before).not.toContain(name);
      expect(after).toContain(name);
    }
  });

  it("of a volume that are there only before 3.0", async () => {
    const [before, after] = [await fieldsOf("2.5", "Volume"), await fieldsOf("3.0", "Volume")];
    for (const name of ["mappingToAllSdcsEnabled", "isObfuscated"]) {
      expect(before).toContain(name);
      expect(after).not.toContain(name);
    }
  });

  it("of a vtree: its name is the base volume's from 3.0 on", async () => {
    for (const [version, name] of [
      ["2.0", null],
      ["3.6", "data"],
    ]) {
      const { client } = await furnished(version!);
      expect((await client.get("/api/types/VTree/instances")).json[0].name).toBe(name);
    }
  });

  it("of an SDC that 4.0 brings: the type of the host", async () => {
    expect(await fieldsOf("3.6", "Sdc")).not.toContain("hostType");
    expect(await fieldsOf("4.0", "Sdc")).toContain("hostType");
  });
});

describe("look-ups", () => {
  const byKey = (b: Bench, type: string, body: object) =>
    b.client.post(`/api/types/${type}/instances/action/queryIdByKey`, body);

  it("of domains and pools: pools of one name are told apart by their domain", async () => {
    const b = await bench();
    expect((await byKey(b, "ProtectionDomain", { name: "domain1" })).text).toBe(`"${b.domain}"`);
    expect(await byKey(b, "ProtectionDomain", { name: "domain9" })).toEqual(refused(500, 142));
    for (const [domain, id, pool] of [
      ["domain1", b.domain, b.pools.pool1],
      ["domain2", b.otherDomain, b.pools.other],
    ]) {
      expect((await byKey(b, "StoragePool", { name: "pool1", protectionDomainId: id })).json).toBe(pool);
      expect((await byKey(b, "StoragePool", { name: "pool1", protectionDomainName: domain })).json).toBe(pool);
      expect((await b.client.get(`/api/types/Domain/instances/getByName::${domain}`)).json).toBe(id);
      expect((await b.client.get(`/api/types/Pool/instances/getByName::${id},pool1`)).json).toBe(pool);
    }
    expect(await byKey(b, "StoragePool", { name: "fine", protectionDomainId: b.otherDomain })).toEqual(
      refused(500, 171),
    );
    expect(await byKey(b, "StoragePool", { name: "pool1" })).toEqual(refused(400, 0, /protectionDomainId/));
    expect(await b.client.get("/api/types/Domain/instances/getByName::domain9")).toEqual(refused(500, 142));
    expect(await b.client.get(`/api/types/Pool/instances/getByName::${b.domain},none`)).toEqual(refused(500, 171));
  });

  it("of SDCs by IP address, also in the old way with its slash at the end", async () => {
    const b = await bench();
    expect((await byKey(b, "Sdc", { ip: "192.0.2.12" })).json).toBe(b.sdcs[1]);
    expect(await byKey(b, "Sdc", { ip: "192.0.2.99" })).toEqual(refused(500, 80));
    expect((await b.client.get("/api/types/Client/instances/getByIp::192.0.2.12/")).json).toBe(b.sdcs[1]);
    expect((await b.client.get("/api/types/Client/instances/getByIp::192.0.2.12")).json).toBe(b.sdcs[1]);
    expect(await b.client.get("/api/types/Client/instances/getByIp::192.0.2.99/")).toEqual(refused(500, 80));
  });

  it("of several at once by their ids", async () => {
    const b = await bench();
    const url = "/api/types/ProtectionDomain/instances/action/queryBySelectedIds";
    const { json } = await b.client.post(url, { ids: [b.otherDomain, b.domain] });
    expect(json.map(({ name }: any) => name)).toEqual(["domain2", "domain1"]);
    expect(await b.client.post(url, { ids: ["123"] })).toEqual(refused(500, 142));
    expect(await b.client.post(url, {})).toEqual(refused(400, 0, /ids/));
  });

  it("of domains with a slash and a space's code in their names", async () => {
    const pool = { name: "pool1", capacityGiB: 64 };
    const { gateway, client } = await start({
      array: { protectionDomains: ["a/b", "50%25"].map((name) => ({ name, storagePools: [pool] })) },
    });
    await client.login("admin", gateway.password);
    for (const key of ["a/b", "a%2Fb", "a%252Fb", "50%25", "50%2525"]) {
      expect(await client.get(`/api/types/Domain/instances/getByName::${key}`)).toMatchObject({ status: 200 });
    }
  });
});

describe("relationships", () => {
  it("lead from a pool and an SDC to their volumes", async () => {
    const b = await furnished("4.5");
    const ids = async (path: string) => (await b.client.get(path)).json.map(({ id }: any) => id);
    expect(await ids(`/api/instances/StoragePool::${b.pools.pool1}/relationships/Volume`)).toHaveLength(2);
    expect(await ids(`/api/instances/StoragePool::${b.pools.small}/relationships/Volume`)).toEqual([]);
    expect(await ids(`/api/instances/Sdc::${b.sdcs[0]}/relationships/Volume`)).toEqual([b.id]);
    expect(await ids(`/api/instances/Sdc::${b.sdcs[1]}/relationships/Volume`)).toEqual([]);
    const { vtreeId } = await b.volume(b.id);
    expect(await ids(`/api/instances/VTree::${vtreeId}/relationships/Volume`)).toHaveLength(2);
    expect((await b.client.get(`/api/instances/Volume::${b.id}/relationships/Statistics`)).json).toMatchObject({
      mappedSdcIds: [b.sdcs[0]],
      numOfMappedSdcs: 1,
      numOfChildVolumes: 1,
    });
  });

  it("of what isn't there are refused", async () => {
    const { client } = await bench();
    const path = "/api/instances/StoragePool::123/relationships/Volume";
    expect(await client.get(path)).toEqual(refused(500, 0, "Error in get relationship Volume"));
    expect(await client.get("/api/instances/Sdc::123")).toEqual(refused(500, 80));
    expect(await client.get("/api/instances/StoragePool::123")).toEqual(refused(500, 171));
    expect(await client.get("/api/instances/ProtectionDomain::123")).toEqual(refused(500, 142));
    expect((await client.get("/api/instances/VTree::123")).status).toBe(500);
  });
});

describe("selected statistics", () => {
  it("of several types come by type and id, the system's without an id", async () => {
    const b = await furnished("2.5");
    const { json } = await b.client.post("/api/instances/querySelectedStatistics", {
      selectedStatisticsList: [
        { type: "System", properties: ["numOfVolumes", "numOfSdc", "nonsense"] },
        { type: "StoragePool", allIds: [], properties: ["numOfVolumes"] },
        { type: "Sdc", ids: [b.sdcs[0]], properties: ["numOfMappedVolumes"] },
      ],
    });
    expect(json.System).toEqual({ numOfVolumes: 2, numOfSdc: 4 });
    expect(Object.keys(json.StoragePool)).toHaveLength(5);
    expect(json.StoragePool[b.pools.pool1]).toEqual({ numOfVolumes: 2 });
    expect(json.Sdc).toEqual({ [b.sdcs[0]]: { numOfMappedVolumes: 1 } });
  });

  it("of the system alone need no id", async () => {
    const b = await furnished("4.5");
    const url = "/api/types/System/instances/action/querySelectedStatistics";
    const properties = ["numOfVolumes", "numOfSdc"];
    expect((await b.client.post(url, { ids: [], properties })).json).toEqual({ numOfVolumes: 2, numOfSdc: 4 });
    const { json: pools } = await b.client.post(url.replace("System", "StoragePool"), { ids: [], properties });
    expect(pools).toEqual({});
  });

  it("of a volume are asked for each host that has it", async () => {
    const b = await furnished("4.5");
    const { mapped } = { mapped: b.gateway.state().volumes.find(({ mappedSdcInfo }) => mappedSdcInfo !== null) };
    const { json } = await b.client.act(String(mapped?.["id"]), "queryVolumeSdcBwc", {});
    expect(json.sdcBwcList).toEqual([
      expect.objectContaining({ sdcId: b.sdcs[0], userDataReadBwc: expect.objectContaining({ numSeconds: 0 }) }),
    ]);
  });

  it("of one type come by id", async () => {
    const b = await furnished("4.5");
    const url = "/api/types/StoragePool/instances/action/querySelectedStatistics";
    const properties = ["thinCapacityAllocatedInKb"];
    expect((await b.client.post(url, { ids: [b.pools.pool1], properties })).json).toEqual({
      [b.pools.pool1]: { thinCapacityAllocatedInKb: 16 * GIB_KB },
    });
    expect(await b.client.post(url, { ids: [b.pools.pool1] })).toEqual(refused(400, 0, /properties/));
    expect(await b.client.post(url, { properties })).toEqual(refused(400, 0, /ids/));
  });

  it("of a domain and the system are the sums of their pools'", async () => {
    const b = await furnished("4.5");
    const read = async (object: string) =>
      (await b.client.get(`/api/instances/${object}/relationships/Statistics`)).json.maxCapacityInKb as number;
    const sum = async (ids: readonly string[]) => {
      const figures = await Promise.all(ids.map((id) => read(`StoragePool::${id}`)));
      return figures.reduce((left, right) => left + right, 0);
    };
    const { pool1, fine, small, unpadded, other } = b.pools;
    expect(await read(`ProtectionDomain::${b.domain}`)).toBe(await sum([pool1, fine, small, unpadded]));
    expect(await read("System")).toBe(await sum([pool1, fine, small, unpadded, other]));
  });
});

describe("the system", () => {
  it("tells its limits as text", async () => {
    const { client } = await bench();
    const { json } = await client.post("/api/instances/System/action/querySystemLimits");
    const limit = json.systemLimitEntryList.find(({ type }: any) => type === "volumeSizeGb");
    expect(limit).toMatchObject({ maxVal: "1048576", minVal: "8" });
  });

  it("tells about its managers", async () => {
    const { client } = await bench();
    const cluster = await client.post("/api/instances/System/queryMdmCluster");
    expect(cluster.json).toMatchObject({ clusterState: "ClusteredNormal", master: { role: "Manager" } });
    const { json: systems } = await client.get("/api/types/System/instances");
    expect(systems).toHaveLength(1);
    expect(systems[0].mdmCluster).toEqual(cluster.json);
    expect((await client.get("/api/instances/System")).json).toEqual(systems[0]);
  });
});

describe("SDCs", () => {
  it("are renamed, each to a name of its own", async () => {
    const b = await bench();
    const rename = (sdcName?: string) =>
      b.client.post(`/api/instances/Sdc::${b.sdcs[3]}/action/setSdcName`, { sdcName });
    expect(await rename("node4")).toEqual(done);
    expect((await b.client.get(`/api/instances/Sdc::${b.sdcs[3]}`)).json.name).toBe("node4");
    expect((await rename("node1")).status).toBe(500);
    expect(await rename("x".repeat(32))).toEqual(refused(500, 226));
    expect(await rename()).toEqual(refused(400, 0, /sdcName/));
  });
});

describe("requests", () => {
  it.each([
    ["GET", "/api/types/Nothing/instances", 404],
    ["GET", "/api/instances/Nothing::1", 404],
    ["GET", "/api/instances/Volume", 404],
    ["GET", "/api/instances/constructor::1", 404],
    ["POST", "/api/types/Sdc/instances", 404],
    ["GET", "/api/instances/System/relationships/Nothing", 404],
    ["POST", "/api/instances/System/action/nothing", 404],
    ["POST", "/api/instances/System/action/constructor", 404],
    ["POST", "/api/types/Volume/instances/action/nothing", 404],
    ["GET", "/api/types/Domain/instances/nothing", 404],
    ["GET", "/api/nothing", 404],
    ["DELETE", "/api/types/Volume/instances", 405],
    ["PUT", "/api/instances/System", 405],
    ["GET", "/api/instances/System/action/querySystemLimits", 405],
    ["POST", "/api/version", 405],
    ["POST", "/api/instances/System/relationships/Sdc", 405],
  ])("%s %s is %d", async (method, path, status) => {
    const { client } = await bench();
    expect(await client.send(method, path)).toEqual(refused(status, 0));
  });

  it("may have a body with GET, and a version in their content type", async () => {
    const { client, pools } = await bench({ version: "3.6" });
    const headers = { "content-type": "application/json;version=3.6", accept: "application/json;version=3.6" };
    expect(await client.send("GET", "/api/types/Volume/instances", "{}", headers)).toMatchObject({ status: 200 });
    const body = { storagePoolId: pools.pool1, volumeSizeInKb: "8192", name: "test" };
    expect(await client.send("POST", "/api/types/Volume/instances", body, headers)).toMatchObject({ status: 200 });
  });

  it.each(["", "{"])("with the body %j are an empty one or refused", async (body) => {
    const { client } = await bench();
    const answer = await client.send("POST", "/api/instances/System/action/querySystemLimits", body);
    expect(answer.status).toBe(body === "" ? 200 : 400);
  });

  it.each(['"text"', "[]", "1"])("with %s for a body are refused", async (body) => {
    const { client } = await bench();
    expect(await client.send("POST", "/api/types/Volume/instances", body)).toEqual(refused(400, 0, /JSON object/));
  });
});

it("an array that can't be is refused with what is wrong with it", async () => {
  const pool = { name: "p", capacityGiB: 64 };
  for (const [array, message] of [
    [{ protectionDomains: [] }, /protectionDomains/],
    [{ protectionDomains: [{ name: "d", storagePools: [pool, pool] }] }, /storage pool p is there twice/],
    [{ protectionDomains: [{ name: "a b", storagePools: [] }] }, /name/],
    [{ protectionDomains: [{ name: "d", storagePools: [{ ...pool, capacityGiB: 1.5 }] }] }, /capacityGiB/],
  ] as const) {
    await expect(start({ array: array as never })).rejects.toThrow(message);
  }
});

test("the user who may log in is listed", async () => {
  const b = await bench({ username: "operator" });
  const [user] = (await b.client.get("/api/types/User/instances")).json;
  expect(user).toMatchObject({ name: "operator", userRole: "Administrator" });
  expect((await b.client.get("/api/instances/System/relationships/User")).json).toEqual([user]);
  expect((await b.client.get(`/api/instances/User::${user.id}`)).json).toEqual(user);
});
