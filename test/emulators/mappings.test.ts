// Which SDC may use a volume, and how fast.
import { bench, closeAfterEach, done, refused, type Bench } from "./support";

closeAfterEach();

const notMapped = refused(500, 84, "The volume is not mapped to SDC");
const mapped = async (b: Bench) => {
  const id = await b.create();
  await b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[0] });
  return id;
};
const infoOf = async (b: Bench, id: string): Promise<any> => (await b.volume(id)).mappedSdcInfo;

describe("a mapping", () => {
  it("starts without limits, and an unmapped volume has null for mappings", async () => {
    const b = await bench();
    const id = await b.create();
    expect(await infoOf(b, id)).toBeNull();
    expect(await b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[0] })).toEqual(done);
    const node1 = { sdcId: b.sdcs[0], sdcIp: "192.0.2.11", sdcName: "node1" };
    expect(await infoOf(b, id)).toEqual([expect.objectContaining({ ...node1, limitIops: 0, limitBwInMbps: 0 })]);
    expect(await b.client.act(id, "removeMappedSdc", { sdcId: b.sdcs[0] })).toEqual(done);
    expect(await infoOf(b, id)).toBeNull();
  });

  it.each([
    ["2.0", []],
    ["3.6", ["sdcName", "accessMode", "isDirectBufferMapping"]],
    ["4.5", ["sdcName", "accessMode", "isDirectBufferMapping", "hostType", "nqn"]],
  ])("on %s is shown with the fields of that version", async (version, more) => {
    const b = await bench({ version });
    const [entry] = await infoOf(b, await mapped(b));
    expect(Object.keys(entry).sort()).toEqual(["limitBwInMbps", "limitIops", "sdcId", "sdcIp", ...more].sort());
  });

  it("names its SDC by id or by GUID in any case, and needs one of them", async () => {
    const b = await bench();
    const { json: sdc } = await b.client.get(`/api/instances/Sdc::${b.sdcs[3]}`);
    for (const guid of [sdc.sdcGuid, sdc.sdcGuid.toLowerCase()]) {
      const id = await b.create();
      expect(await b.client.act(id, "addMappedSdc", { guid, allowMultipleMappings: "TRUE" })).toEqual(done);
      expect(await infoOf(b, id)).toEqual([expect.objectContaining({ sdcId: sdc.id, sdcName: null })]);
      expect(await b.client.act(id, "setMappedSdcLimits", { guid, iopsLimit: "100" })).toEqual(done);
      expect(await b.client.act(id, "removeMappedSdc", { guid })).toEqual(done);
    }
    for (const action of ["addMappedSdc", "removeMappedSdc", "setMappedSdcLimits"]) {
      const answer = await b.client.act(await b.create(), action, {});
      expect(answer).toEqual(refused(400, 0, /One of the parameter\(s\) .*sdcId, guid/));
    }
  });

  it.each([
    ["an unknown SDC", { sdcId: "1234" }, 500, 80],
    ["an unknown GUID", { guid: "00000000-0000-4000-8000-000000000000" }, 500, 80],
    ["an SDC's name for its id", { sdcId: "node1" }, 400, 0],
    ["a strange access mode", { accessMode: "Read" }, 400, 0],
  ])("to %s is refused", async (_what, body, status, code) => {
    const b = await bench();
    const id = await b.create();
    expect(await b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[0], ...without(body), ...body })).toEqual(
      refused(status, code),
    );
    expect(await infoOf(b, id)).toBeNull();
  });
  const without = (body: object) => ("guid" in body ? { sdcId: undefined } : {});

  it("twice to the same SDC is refused with 81", async () => {
    const b = await bench();
    const id = await mapped(b);
    const again = { sdcId: b.sdcs[0], allowMultipleMappings: "TRUE" };
    expect(await b.client.act(id, "addMappedSdc", again)).toEqual(refused(500, 81, /already mapped to this SDC/));
    expect(await infoOf(b, id)).toHaveLength(1);
  });

  it.each([undefined, "FALSE", false])(
    "to a second SDC is refused where allowMultipleMappings is %j",
    async (allow) => {
      const b = await bench();
      const id = await mapped(b);
      const second = { sdcId: b.sdcs[1], allowMultipleMappings: allow };
      expect(await b.client.act(id, "addMappedSdc", second)).toEqual(
        refused(500, 306, /may not be mapped to additional/),
      );
    },
  );

  it("to a second SDC goes with allowMultipleMappings, and each one goes by itself", async () => {
    const b = await bench();
    const id = await mapped(b);
    expect(await b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[1], allowMultipleMappings: "True" })).toEqual(done);
    expect((await infoOf(b, id)).map(({ sdcId }: any) => sdcId)).toEqual([b.sdcs[0], b.sdcs[1]]);
    await b.client.act(id, "removeMappedSdc", { sdcId: b.sdcs[0] });
    expect((await infoOf(b, id)).map(({ sdcId }: any) => sdcId)).toEqual([b.sdcs[1]]);
  });

  it("that isn't there can't be removed", async () => {
    const b = await bench();
    const id = await mapped(b);
    expect(await b.client.act(id, "removeMappedSdc", { sdcId: b.sdcs[1] })).toEqual(notMapped);
    expect(await b.client.act(await b.create(), "removeMappedSdc", { allSdcs: "" })).toEqual(notMapped);
  });

  it("goes with all others when told so by an empty allSdcs", async () => {
    const b = await bench();
    const id = await mapped(b);
    await b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[1], allowMultipleMappings: "TRUE" });
    expect(await b.client.act(id, "removeMappedSdc", { allSdcs: "" })).toEqual(done);
    expect(await infoOf(b, id)).toBeNull();
    expect(await b.client.act(id, "removeVolume", { removeMode: "ONLY_ME" })).toEqual(done);
  });
});

describe("a mapping to all SDCs", () => {
  it("is there on 2.x, is shown, and ends only as a whole", async () => {
    const b = await bench({ version: "2.0" });
    const id = await b.create();
    expect(await b.client.act(id, "addMappedSdc", { allSdcs: "" })).toEqual(done);
    expect(await b.volume(id)).toMatchObject({ mappingToAllSdcsEnabled: true });
    expect(await infoOf(b, id)).toHaveLength(b.sdcs.length);
    expect(await b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[0] })).toEqual(refused(500, 82));
    expect(await b.client.act(id, "removeMappedSdc", { sdcId: b.sdcs[0] })).toEqual(refused(500, 86));
    expect(await b.client.act(id, "removeVolume", { removeMode: "ONLY_ME" })).toEqual(refused(500, 104));
    expect(await b.client.act(id, "removeMappedSdc", { allSdcs: "" })).toEqual(done);
    expect(await b.volume(id)).toMatchObject({ mappingToAllSdcsEnabled: false, mappedSdcInfo: null });
  });

  it("isn't there any more on 3.x", async () => {
    const b = await bench({ version: "3.6" });
    expect(await b.client.act(await b.create(), "addMappedSdc", { allSdcs: "" })).toEqual(refused(400, 0));
  });
});

describe("limits", () => {
  const set = (b: Bench, id: string, limits: object) =>
    b.client.act(id, "setMappedSdcLimits", { sdcId: b.sdcs[0], ...limits });
  const read = async (b: Bench, id: string) => {
    const [{ limitIops, limitBwInMbps }] = await infoOf(b, id);
    return [limitIops, limitBwInMbps];
  };

  it.each([
    [{ iopsLimit: "11", bandwidthLimitInKbps: "1024" }, [11, 1]],
    [{ iopsLimit: 2000, bandwidthLimitInKbps: 10240 }, [2000, 10]],
    [{ iopsLimit: "0", bandwidthLimitInKbps: "2048" }, [0, 2]],
    [{ iopsLimit: "20", bandwidthLimitInKbps: "0" }, [20, 0]],
    [{ iopsLimit: "20" }, [20, 5]],
    [{ bandwidthLimitInKbps: "2048" }, [500, 2]],
    [{}, [500, 5]],
  ])("%j are read back as %j: what is left out stays", async (limits, result) => {
    for (const version of ["2.0", "4.5"]) {
      const b = await bench({ version });
      const id = await mapped(b);
      await set(b, id, { iopsLimit: "500", bandwidthLimitInKbps: "5120" });
      expect(await set(b, id, limits)).toEqual(done);
      expect(await read(b, id)).toEqual(result);
    }
  });

  it.each([
    { iopsLimit: "10" },
    { iopsLimit: "1" },
    { bandwidthLimitInKbps: "1000" },
    { bandwidthLimitInKbps: "1" },
    { iopsLimit: "10", bandwidthLimitInKbps: "2048" },
    { iopsLimit: "20", bandwidthLimitInKbps: "2047" },
    { iopsLimit: "-11" },
    { iopsLimit: "many" },
    { bandwidthLimitInKbps: "1e6" },
  ])("%j are refused, and nothing is changed", async (limits) => {
    const b = await bench();
    const id = await mapped(b);
    await set(b, id, { iopsLimit: "500", bandwidthLimitInKbps: "5120" });
    expect((await set(b, id, limits)).status).toBeGreaterThanOrEqual(400);
    expect(await read(b, id)).toEqual([500, 5]);
  });

  it("are both taken away at once, except on 2.x", async () => {
    const both = { iopsLimit: "0", bandwidthLimitInKbps: "0" };
    for (const version of ["3.0", "4.5"]) {
      const b = await bench({ version });
      const id = await mapped(b);
      await set(b, id, { iopsLimit: "500" });
      expect(await set(b, id, both)).toEqual(done);
      expect(await read(b, id)).toEqual([0, 0]);
    }
    const old = await bench({ version: "2.5" });
    const id = await mapped(old);
    await set(old, id, { iopsLimit: "500" });
    expect((await set(old, id, both)).status).toBe(500);
    expect(await set(old, id, { iopsLimit: "0" })).toEqual(done);
    expect(await read(old, id)).toEqual([0, 0]);
  });

  it("need a mapping, and go away with it", async () => {
    const b = await bench();
    const id = await b.create();
    expect(await set(b, id, { iopsLimit: "20" })).toEqual(notMapped);
    await b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[0] });
    await set(b, id, { iopsLimit: "20" });
    await b.client.act(id, "removeMappedSdc", { sdcId: b.sdcs[0] });
    await b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[0] });
    expect(await read(b, id)).toEqual([0, 0]);
  });

  it("belong to one SDC's mapping", async () => {
    const b = await bench();
    const id = await mapped(b);
    await b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[1], allowMultipleMappings: "TRUE" });
    await set(b, id, { iopsLimit: "20", bandwidthLimitInKbps: "1024" });
    expect((await infoOf(b, id)).map(({ limitIops }: any) => limitIops)).toEqual([20, 0]);
  });
});

describe("an access mode", () => {
  it("is ReadWrite unless it is said, and can be changed", async () => {
    const b = await bench();
    const id = await b.create();
    await b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[0] });
    await b.client.act(id, "addMappedSdc", {
      sdcId: b.sdcs[1],
      allowMultipleMappings: "TRUE",
      accessMode: "ReadOnly",
    });
    expect((await infoOf(b, id)).map(({ accessMode }: any) => accessMode)).toEqual(["ReadWrite", "ReadOnly"]);
    const change = { sdcId: b.sdcs[0], accessMode: "NoAccess" };
    expect(await b.client.act(id, "setVolumeMappingAccessMode", change)).toEqual(done);
    expect((await infoOf(b, id)).map(({ accessMode }: any) => accessMode)).toEqual(["NoAccess", "ReadOnly"]);
    expect(await b.client.act(id, "setVolumeMappingAccessMode", { ...change, sdcId: b.sdcs[2] })).toEqual(notMapped);
  });

  it("that writes is refused on a volume that is read-only", async () => {
    const b = await bench();
    const id = await b.create();
    await b.client.act(id, "setVolumeAccessModeLimit", { accessModeLimit: "ReadOnly" });
    const map = (accessMode?: string) => b.client.act(id, "addMappedSdc", { sdcId: b.sdcs[0], accessMode });
    expect((await map("ReadWrite")).status).toBe(500);
    expect((await map()).status).toBe(500);
    expect(await map("ReadOnly")).toEqual(done);
  });
});

describe("restricted SDC mode", () => {
  const array = (restrictedSdcMode: "None" | "Guid" | "ApprovedIp") => ({
    system: { restrictedSdcMode },
    protectionDomains: [{ name: "domain1", storagePools: [{ name: "pool1", capacityGiB: 64 }] }],
    sdcs: [
      { name: "trusted", ips: ["192.0.2.1"] },
      { name: "stranger", ips: ["192.0.2.2"], approved: false },
    ],
  });

  it.each([
    ["None", true],
    ["Guid", false],
    ["ApprovedIp", false],
  ] as const)("%s: an SDC that isn't approved can be mapped to: %s", async (mode, allowed) => {
    const b = await bench({ array: array(mode) });
    expect((await b.client.get("/api/types/System/instances")).json[0]).toMatchObject({
      restrictedSdcMode: mode,
      restrictedSdcModeEnabled: mode !== "None",
    });
    const [trusted, stranger] = b.sdcs;
    const id = await b.create();
    const map = (sdcId?: string) => b.client.act(id, "addMappedSdc", { sdcId, allowMultipleMappings: "TRUE" });
    expect(await map(trusted)).toEqual(done);
    expect((await map(stranger)).status).toBe(allowed ? 200 : 500);
  });

  it("lets an SDC in once it is approved by its GUID", async () => {
    const b = await bench({ array: array("Guid") });
    const stranger = b.sdcs[1];
    const { json: sdc } = await b.client.get(`/api/instances/Sdc::${stranger}`);
    expect(sdc.sdcApproved).toBe(false);
    const approve = (body: object) => b.client.post("/api/instances/System/action/approveSdc", body);
    expect(await approve({ sdcGuid: sdc.sdcGuid, name: "friend" })).toMatchObject({ json: { id: stranger } });
    expect(await b.client.act(await b.create(), "addMappedSdc", { sdcId: stranger })).toEqual(done);
    expect((await b.client.get(`/api/instances/Sdc::${stranger}`)).json).toMatchObject({ name: "friend" });
    expect((await approve({ sdcGuid: sdc.sdcGuid })).status).toBe(500);
    expect(await approve({})).toEqual(refused(400, 0, /sdcIp, sdcIps, sdcGuid/));
  });

  it("can be turned on", async () => {
    const b = await bench({ array: array("None") });
    const set = (restrictedSdcMode: string) =>
      b.client.post("/api/instances/System/action/setRestrictedSdcMode", { restrictedSdcMode });
    expect(await set("Guid")).toEqual(done);
    expect((await b.client.act(await b.create(), "addMappedSdc", { sdcId: b.sdcs[1] })).status).toBe(500);
    expect(await set("Some")).toEqual(refused(400, 0, /should get one of/));
  });
});

describe("hosts, as SDCs are called in 4.x", () => {
  it("are mapped and unmapped; a missing mapping is 4039", async () => {
    const b = await bench();
    const id = await b.create();
    expect(await b.client.act(id, "addMappedHost", { hostId: b.sdcs[0] })).toEqual(done);
    expect(await infoOf(b, id)).toEqual([expect.objectContaining({ sdcId: b.sdcs[0] })]);
    expect(await b.client.act(id, "removeMappedHost", { hostId: b.sdcs[1] })).toEqual(refused(500, 4039));
    expect(await b.client.act(id, "removeMappedHost", { hostId: b.sdcs[0] })).toEqual(done);
    expect(await b.client.act(id, "removeMappedHost", { allHosts: "" })).toEqual(refused(500, 4039));
  });
});
