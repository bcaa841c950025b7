// What was carried out on an array though its answer got lost, was cut, was empty, or was a page of a proxy: it counts as done, it is
// never done twice, and where nobody can say, the state has it.

import { ScaleioArray } from "../../../../components/backends/scaleio/array";
import {
  createMapping,
  readMapping,
  removeMapping,
  updateMapping,
} from "../../../../components/backends/scaleio/mappings";
import { GatewaySession } from "../../../../components/backends/scaleio/session";
import {
  createVolume,
  readVolume,
  removeVolume,
  updateVolume,
} from "../../../../components/backends/scaleio/lifecycle";
import type { ScaleioSettings } from "../../../../src/backends/scaleio";
import { startScaleioGateway, type Fault, type ScaleioGateway } from "../../../../emulators";
import { removeVolumes, thin } from "../../../support/scaleio-array";

let gateway: ScaleioGateway;
let session: GatewaySession;
let array: ScaleioArray;
let sdcId: string;
beforeAll(async () => {
  gateway = await startScaleioGateway({ version: "4.5" });
  sdcId = gateway.state().sdcs[0]?.id ?? "";
});
afterAll(() => gateway.close());
beforeEach(() => {
  const { url: endpoint, username, password, ca } = gateway;
  session = new GatewaySession({ endpoint, username, password, ca, insecure: false, timeoutMs: 2_000 });
  array = new ScaleioArray(session);
});
afterEach(async () => {
  gateway.clearFaults();
  await session.close();
  removeVolumes(gateway);
});

const fine: ScaleioSettings = { ...thin, storagePool: "fine" };
const make = (settings = thin, name = "v", ownName = true) =>
  createVolume(array, { name, sizeGiB: 8, settings }, ownName).then(({ id }) => id);
const mapped = async (more = {}) => {
  const wanted = { volumeId: await make(), sdcId, iopsLimit: 500, bandwidthLimitKBps: 2048, accessMode, ...more };
  const { unfinished } = await createMapping(array, wanted);
  expect(unfinished).toBeUndefined();
  return wanted;
};
const accessMode = "ReadWrite" as const;
const volumeIs = async (id: string, has: object) =>
  expect(await readVolume(array, id, { settings: thin })).toMatchObject(has);

/** Every change of an array, each with the action that carries it out. */
const changes: [string, string, () => Promise<() => Promise<void>>][] = [
  [
    "a creation",
    "createVolume",
    () =>
      Promise.resolve(async () =>
        expect((await createVolume(array, { name: "v", sizeGiB: 8, settings: thin }, true)).found).toBe(true),
      ),
  ],
  [
    "a creation under a physicalName",
    "createVolume",
    () =>
      Promise.resolve(async () =>
        expect((await createVolume(array, { name: "chosen", sizeGiB: 8, settings: thin }, false)).found).toBe(true),
      ),
  ],
  [
    "a growth",
    "setVolumeSize",
    async () => {
      const id = await make();
      return async () => {
        await updateVolume(array, id, { sizeGiB: 16, settings: thin });
        await volumeIs(id, { sizeGiB: 16 });
      };
    },
  ],
  [
    "a change of the RAM cache",
    "setVolumeUseRmcache",
    async () => {
      const id = await make();
      return async () => {
        await updateVolume(array, id, { sizeGiB: 8, settings: { ...thin, ramCache: true } });
        await volumeIs(id, { settings: { ...thin, ramCache: true } });
      };
    },
  ],
  [
    "a change of the compression",
    "modifyCompressionMethod",
    async () => {
      const id = await make(fine);
      return async () => {
        await updateVolume(array, id, { sizeGiB: 8, settings: { ...fine, compression: "normal" } });
        await volumeIs(id, { settings: { ...fine, compression: "normal" } });
      };
    },
  ],
  [
    "a removal",
    "removeVolume",
    async () => {
      const id = await make();
      return async () => {
        await removeVolume(array, id, { knownName: "v" });
        expect(gateway.state().volumes).toEqual([]);
      };
    },
  ],
  ["a mapping", "addMappedSdc", newMapping],
  ["the limits of a new mapping", "setMappedSdcLimits", newMapping],
  [
    "other limits",
    "setMappedSdcLimits",
    async () => {
      const wanted = { ...(await mapped()), iopsLimit: 900 };
      return async () => {
        await updateMapping(array, wanted, { accessMode });
        expect(await readMapping(array, wanted)).toMatchObject(wanted);
      };
    },
  ],
  [
    "another access mode",
    "setVolumeMappingAccessMode",
    async () => {
      const wanted = { ...(await mapped()), accessMode: "ReadOnly" as const };
      return async () => {
        await updateMapping(array, wanted, { accessMode });
        expect(await readMapping(array, wanted)).toMatchObject(wanted);
      };
    },
  ],
  [
    "the end of a mapping",
    "removeMappedSdc",
    async () => {
      const wanted = await mapped();
      return async () => {
        await removeMapping(array, wanted);
        expect(await readMapping(array, wanted)).toBeUndefined();
      };
    },
  ],
];
const lost: Fault["do"][] = [
  "cut-after-commit",
  "truncated-after-commit",
  "empty-after-commit",
  "html-200-after-commit",
  "html-500-after-commit",
];

describe.each(changes)("%s (%s) that was carried out", (_name, path, prepare) => {
  test.each(lost.map((effect) => [effect]))("counts as done: its answer was %s", async (effect) => {
    const change = await prepare();
    // However often it is sent, no answer of it is ever readable.
    const fault = gateway.fault({ match: { path }, times: "always", do: effect });
    await change();
    expect(fault.hits).toBeGreaterThan(0);
  });
});

test.each(changes)("%s (%s) that was not carried out fails, and changes nothing", async (_name, path, prepare) => {
  const change = await prepare();
  const { volumes } = gateway.state();
  gateway.fault({ match: { path }, times: "always", do: { error: { status: 500, errorCode: 0, message: "Failed" } } });
  const failed = await change().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failed).toBeDefined();
  // The mapping itself is there where only its limits failed.
  if (path !== "setMappedSdcLimits") expect(gateway.state().volumes).toEqual(volumes);
});

describe("where nobody can say whether it was carried out", () => {
  test("the mapping belongs to the state", async () => {
    const volumeId = await make();
    const wanted = { volumeId, sdcId, iopsLimit: 500, bandwidthLimitKBps: 2048, accessMode };
    gateway.fault({ match: { path: "addMappedSdc" }, times: "always", do: "html-500-after-commit" });
    gateway.fault({ match: { path: "getVolume" }, times: "always", do: "cut" });
    expect((await createMapping(array, wanted)).unfinished).toMatchObject({ unsettled: true });
  });

  test.each([
    [true, "the next `pulumi up` finds and adopts it"],
    [false, "look for v on the array, and import it"],
  ])("the error of a creation says so, and who finds it (a name of its own: %s)", async (ownName, way) => {
    const lookUp = { path: "queryIdByKey" };
    gateway.fault({ match: { path: "createVolume" }, times: "always", do: "truncated-after-commit" });
    gateway.fault({ match: lookUp, skip: ownName ? 0 : 1, times: "always", do: "cut" });
    await expect(make(thin, "v", ownName)).rejects.toThrow(way);
  });

  test("a mapping that the array refuses isn't the state's", async () => {
    const wanted = {
      volumeId: await make(),
      sdcId: "0123456789abcdef",
      iopsLimit: 0,
      bandwidthLimitKBps: 0,
      accessMode,
    };
    await expect(createMapping(array, wanted)).rejects.toThrow("Could not find the SDC");
  });
});

test.each(lost.map((effect) => [effect]))("a reading whose answer was %s is repeated", async (effect) => {
  const id = await make();
  gateway.fault({ match: { path: "getVolume" }, do: effect });
  await volumeIs(id, { id, name: "v" });
});

describe("a volume that isn't the one of the state", () => {
  test("is neither changed nor removed while it has another name", async () => {
    const id = await make();
    gateway.array.renameVolume(id, "w");
    const before = gateway.state().volumes;
    const known = { knownName: "v" };
    await expect(removeVolume(array, id, known)).rejects.toMatchObject({ code: "other-volume" });
    await expect(updateVolume(array, id, { sizeGiB: 16, settings: thin, ...known })).rejects.toMatchObject({
      code: "other-volume",
    });
    expect(gateway.state().volumes).toEqual(before);
    await removeVolume(array, id, { knownName: "w" });
  });

  test("on another array nothing is read as gone, changed, made or removed", async () => {
    const other = "00000000000000aa";
    const id = await make();
    const known = { systemId: other };
    const mapping = { volumeId: id, sdcId, iopsLimit: 0, bandwidthLimitKBps: 0, accessMode };
    const before = gateway.state().volumes;
    const attempts = [
      () => readVolume(array, id, { ...known, settings: thin }),
      () => updateVolume(array, id, { sizeGiB: 16, settings: thin, ...known }),
      () => removeVolume(array, id, known),
      () => createVolume(array, { name: "w", sizeGiB: 8, settings: thin, stackSystemId: other }, true),
      () => readMapping(array, { ...mapping, ...known }),
      () => createMapping(array, mapping, other),
      () => updateMapping(array, mapping, known),
      () => removeMapping(array, { ...mapping, ...known }),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: "other-array" });
    expect(gateway.state().volumes).toEqual(before);
  });

  test("a new volume is made on another array by an explicit word only, and on no array but the one that is named", async () => {
    const systemId = await array.systemId();
    const { url: endpoint, username, password, ca } = gateway;
    const connection = { endpoint, username, password, ca, insecure: false, timeoutMs: 2_000 };
    const wanted = { name: "w", sizeGiB: 8, settings: thin, stackSystemId: "00000000000000aa" };
    const named = new GatewaySession({ ...connection, systemId });
    const elsewhere = new GatewaySession({ ...connection, systemId: "00000000000000aa" });
    try {
      await expect(createVolume(array, wanted, true)).rejects.toThrow(`pulumi config set scaleio:systemId ${systemId}`);
      await expect(createVolume(new ScaleioArray(elsewhere), wanted, true)).rejects.toMatchObject({
        code: "other-array",
      });
      expect(await createVolume(new ScaleioArray(named), wanted, true)).toMatchObject({ found: false, systemId });
    } finally {
      await Promise.all([named.close(), elsewhere.close()]);
    }
  });
});

test("two arrays are never the same, unless their description says so", async () => {
  const description = { system: { id: "0123456789abcdef" }, protectionDomains: [{ name: "d", storagePools: [] }] };
  const gateways = await Promise.all(
    [undefined, undefined, description, description].map((each) => startScaleioGateway(each && { array: each })),
  );
  const ids = await Promise.all(
    gateways.map(async (gateway) => {
      const { url: endpoint, username, password, ca } = gateway;
      const own = new GatewaySession({ endpoint, username, password, ca, insecure: false, timeoutMs: 5_000 });
      return new ScaleioArray(own).systemId().finally(async () => {
        await own.close();
        await gateway.close();
      });
    }),
  );
  expect(ids[0]).not.toBe(ids[1]);
  expect(ids.slice(2)).toEqual(["0123456789abcdef", "0123456789abcdef"]);
});

/** Prepares a volume; the call maps it with limits. */
async function newMapping(): Promise<() => Promise<void>> {
  const volumeId = await make();
  return async () => {
    const wanted = { volumeId, sdcId, iopsLimit: 500, bandwidthLimitKBps: 2048, accessMode };
    expect((await createMapping(array, wanted)).unfinished).toBeUndefined();
    expect(await readMapping(array, wanted)).toMatchObject(wanted);
  };
}
