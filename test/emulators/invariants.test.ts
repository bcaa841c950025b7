// Whatever is asked in whatever order: names stay unique, mapped volumes stay, and the capacities add up.
import fc from "fast-check";

import { bench, closeAfterEach, type Bench } from "./support";
import { runs } from "../support/property";

closeAfterEach();

const array = {
  protectionDomains: [
    {
      name: "domain1",
      storagePools: [
        { name: "pool1", capacityGiB: 64, oversubscription: 2 },
        { name: "small", capacityGiB: 32, oversubscription: 1.5 },
        { name: "fine", capacityGiB: 64, dataLayout: "FineGranularity" as const },
      ],
    },
  ],
  sdcs: ["192.0.2.1", "192.0.2.2"].map((ip) => ({ ips: [ip] })),
};

/** Indexes are taken modulo what is there when it comes to it. */
type Step =
  | { do: "create"; pool: number; gib: number; name: string; thick: boolean }
  | { do: "snapshot"; volume: number; name: string }
  | { do: "resize"; volume: number; gib: number }
  | { do: "rename"; volume: number; name: string }
  | { do: "map"; volume: number; sdc: number; multiple: boolean }
  | { do: "unmap"; volume: number; sdc: number }
  | { do: "limit"; volume: number; sdc: number; iops: number; kbps: number }
  | { do: "migrate"; volume: number; pool: number; thin: boolean }
  | { do: "complete" }
  | { do: "remove"; volume: number; mode: string };

const index = fc.nat({ max: 7 });
const gib = fc.constantFrom(1, 8, 9, 16, 24, 40, 64);
const name = fc.constantFrom("a", "b", "c", "d e", "");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("create"), pool: index, gib, name, thick: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("snapshot"), volume: index, name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("resize"), volume: index, gib }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rename"), volume: index, name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("map"), volume: index, sdc: index, multiple: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unmap"), volume: index, sdc: index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("limit"),
      volume: index,
      sdc: index,
      iops: fc.nat({ max: 30 }),
      kbps: fc.constantFrom(0, 512, 1024, 4096),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("migrate"), volume: index, pool: index, thin: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("complete") }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("remove"),
      volume: index,
      mode: fc.constantFrom("ONLY_ME", "INCLUDING_DESCENDANTS", "DESCENDANTS_ONLY", "WHOLE_VTREE"),
    }),
  },
);

async function take(b: Bench, asked: Step): Promise<void> {
  const { client, gateway } = b;
  const { volumes, storagePools: pools } = gateway.state();
  const pick = (list: readonly { id: string }[], at: number) => list[at % list.length]?.id ?? "0";
  const sdc =
    "sdc" in asked
      ? {
          sdcId: pick(
            b.sdcs.map((id) => ({ id })),
            asked.sdc,
          ),
        }
      : {};
  const volume = "volume" in asked ? pick(volumes, asked.volume) : "0";
  const before = new Set(volumes.filter(({ mappedSdcInfo }) => mappedSdcInfo !== null).map(({ id }) => id));
  const { status } = await send();
  expect([200, 400, 500]).toContain(status);
  if (asked.do === "remove") {
    const after = new Set(gateway.state().volumes.map(({ id }) => id));
    for (const mapped of before) expect(after).toContain(mapped);
  }
  if (status !== 200) expect(gateway.state()).toEqual({ ...gateway.state(), volumes, now: expect.any(String) });

  async function send(): Promise<{ status: number }> {
    switch (asked.do) {
      case "create":
        return client.post("/api/types/Volume/instances", {
          storagePoolId: pick(pools, asked.pool),
          volumeSizeInGb: asked.gib,
          name: asked.name,
          volumeType: asked.thick ? "ThickProvisioned" : "ThinProvisioned",
        });
      case "snapshot":
        return client.post("/api/instances/System/action/snapshotVolumes", {
          snapshotDefs: [{ volumeId: volume, ...(asked.name !== "" && { snapshotName: asked.name }) }],
        });
      case "resize":
        return client.act(volume, "setVolumeSize", { sizeInGB: asked.gib });
      case "rename":
        return client.act(volume, "setVolumeName", { newName: asked.name });
      case "map":
        return client.act(volume, "addMappedSdc", { ...sdc, allowMultipleMappings: asked.multiple });
      case "unmap":
        return client.act(volume, "removeMappedSdc", sdc);
      case "limit":
        return client.act(volume, "setMappedSdcLimits", {
          ...sdc,
          iopsLimit: asked.iops,
          bandwidthLimitInKbps: asked.kbps,
        });
      case "migrate":
        return client.act(volume, "migrateVTree", {
          destSPId: pick(pools, asked.pool),
          volTypeConversion: asked.thin ? "ThickToThin" : "NoConversion",
        });
      case "complete":
        gateway.array.completeMigrations();
        return { status: 200 };
      case "remove":
        return client.act(volume, "removeVolume", { removeMode: asked.mode });
    }
  }
}

function check({ gateway }: Bench): void {
  const { volumes, storagePools } = gateway.state();
  const names = volumes.flatMap((volume) => volume.name ?? []);
  expect(new Set(names).size).toBe(names.length);
  const ids = volumes.map(({ id }) => id);
  for (const volume of volumes) {
    expect(volume.sizeInKb % (8 * 1024 ** 2)).toBe(0);
    if (volume.ancestorVolumeId !== null) expect(ids).toContain(volume.ancestorVolumeId);
    for (const { limitIops, limitBwInMbps } of volume.mappedSdcInfo ?? []) {
      expect(limitIops === 0 || limitIops > 10).toBe(true);
      expect(Number.isInteger(limitBwInMbps)).toBe(true);
    }
  }
  for (const { id, dataLayout, statistics: figures } of storagePools) {
    const here = volumes.filter(({ storagePoolId }) => storagePoolId === id);
    const sum = (type: string) =>
      here.filter(({ volumeType }) => volumeType === type).reduce((total, { sizeInKb }) => total + sizeInKb, 0);
    const [thick, thin] = [sum("ThickProvisioned"), sum("ThinProvisioned")];
    if (dataLayout === "FineGranularity") expect(thick).toBe(0);
    const thinPromised = figures["thinCapacityAllocatedInKb"] as number;
    expect(figures.volumeIds).toEqual(here.map((volume) => volume.id));
    // What is on its way here is counted, too.
    expect(figures.thickCapacityInUseInKb).toBeGreaterThanOrEqual(2 * thick);
    expect(thinPromised).toBeGreaterThanOrEqual(2 * thin);
    expect(figures.volumeAllocationLimitInKb).toBeGreaterThanOrEqual(0);
    expect(figures.netUnusedCapacityInKb).toBeGreaterThanOrEqual(0);
    // Whole blocks of what is really there.
    expect(figures.capacityAvailableForVolumeAllocationInKb % (8 * 1048576)).toBe(0);
    expect(figures.capacityAvailableForVolumeAllocationInKb).toBeLessThanOrEqual(figures.netUnusedCapacityInKb);
    expect(figures.capacityInUseInKb + figures.unusedCapacityInKb + figures.spareCapacityInKb).toBe(
      figures.maxCapacityInKb,
    );
  }
}

it("random calls never break the array's rules, and a refused one changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const b = await bench({ array });
      b.gateway.array.setMigrationTime(Infinity);
      try {
        for (const asked of steps) {
          await take(b, asked);
          check(b);
        }
      } finally {
        await b.client.close();
        await b.gateway.close();
      }
    }),
    { numRuns: runs(25) },
  );
});
