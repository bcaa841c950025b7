// Ceph RBD: what a profile means there, which pool it gets, and what a volume can become.

import * as fc from "fast-check";

import { change, makeCatalog, resolve, type ProfileDefinition, type ResolvedVolume } from "../../../src";
import { ceph, type CephSettings } from "../../../src/backends/ceph";
import { runs } from "../../support/property";

type Section = NonNullable<ProfileDefinition["ceph"]>;
interface Pool {
  name: string;
  copies?: number;
  deviceClass?: string;
}

const POOLS: Pool[] = [
  { name: "slow", copies: 2, deviceClass: "hdd" },
  { name: "slow3", copies: 3, deviceClass: "hdd" },
  { name: "fast", copies: 3, deviceClass: "ssd" },
];

const on = (section: Section, pools?: Pool[], sizeGiB = 100) =>
  resolve(makeCatalog({ profiles: { p: { ceph: section } } }), {
    name: "data@p",
    sizeGiB,
    backend: "ceph",
    placement: pools ? { pools } : {},
  });
const builtIn = (profile: string, pools?: Pool[]) =>
  resolve(makeCatalog(), { name: "data", profile, sizeGiB: 100, backend: "ceph", placement: pools ? { pools } : {} });
const volumeOf = ({ volume, problems }: ReturnType<typeof on>): ResolvedVolume & { settings: CephSettings } => {
  if (!volume) throw new Error(JSON.stringify(problems));
  return volume as ResolvedVolume & { settings: CephSettings };
};
const made = (section: Section, pools?: Pool[], sizeGiB?: number) => volumeOf(on(section, pools, sizeGiB));
const codes = ({ problems }: ReturnType<typeof on>) =>
  problems.map(({ code, path }) => `${code} ${path.replace(/^.*\.ceph\.?/, "")}`);
const poolOf = (answer: ReturnType<typeof on>) => {
  const { pool, copies, deviceClass } = volumeOf(answer).settings;
  return { pool, copies, deviceClass };
};

// Which connection leads to a volume no profile says.
const all = Object.keys(ceph.change)
  .filter((setting) => setting !== "connection")
  .sort();

test("gold is at most 1,000 IOPS and 3 copies, with every other limit off", () => {
  expect(volumeOf(builtIn("gold", POOLS)).settings).toEqual({
    pool: "fast",
    copies: 3,
    deviceClass: "ssd",
    iopsLimit: 1000,
    readIopsLimit: 0,
    writeIopsLimit: 0,
    iopsBurst: null,
    readIopsBurst: null,
    writeIopsBurst: null,
    bandwidthLimitMiBps: 0,
    readBandwidthLimitMiBps: 0,
    writeBandwidthLimitMiBps: 0,
    bandwidthBurstMiBps: null,
    readBandwidthBurstMiBps: null,
    writeBandwidthBurstMiBps: null,
    encryption: null,
    snapshotLimit: 0,
    ...{ mirrorMode: null, mirrorEvery: null, mirrorStart: null },
    imageFeatures: null,
    metadata: {},
  });
});

describe("the pool of a volume", () => {
  test("is on SSDs for gold where the stack has such a pool, and otherwise another with 3 copies, with a note", () => {
    expect(poolOf(builtIn("gold", POOLS))).toEqual({ pool: "fast", copies: 3, deviceClass: "ssd" });
    const without = builtIn("gold", POOLS.slice(0, 2));
    expect(poolOf(without)).toEqual({ pool: "slow3", copies: 3, deviceClass: "hdd" });
    expect(without.notes.map(({ message }) => message)).toEqual([
      'preferredDeviceClass ssd is not enforced: no pool of the stack with 3 copies is on ssd; pool "slow3" is used',
    ]);
    expect(builtIn("gold", POOLS).notes).toEqual([]);
  });

  test("is the first of the stack's that is what the profile asks for", () => {
    expect(poolOf(on({}, POOLS)).pool).toBe("slow");
    expect(poolOf(on({ copies: 3 }, POOLS)).pool).toBe("slow3");
    expect(poolOf(on({ deviceClass: "ssd" }, POOLS))).toEqual({ pool: "fast", copies: 3, deviceClass: "ssd" });
  });

  test("is the one that the profile names, listed or not, and must then be what it asks for", () => {
    expect(poolOf(on({ pool: "fast" }, POOLS))).toEqual({ pool: "fast", copies: 3, deviceClass: "ssd" });
    expect(poolOf(on({ pool: "own", copies: 5 }, POOLS))).toEqual({ pool: "own", copies: 5, deviceClass: null });
    const answer = on({ pool: "slow", copies: 3, deviceClass: "ssd" }, POOLS);
    expect(codes(answer)).toEqual(["setting-not-applicable pool"]);
    expect(answer.problems[0]?.message).toContain(
      'the stack lists "slow" (2 copies, hdd), and profile "p" asks for 3 copies and device class ssd',
    );
  });

  test("is that of the rbd command where neither profile nor stack names one, checked against the cluster later", () => {
    expect(poolOf(builtIn("default"))).toEqual({ pool: "rbd", copies: null, deviceClass: null });
    expect(poolOf(builtIn("gold", []))).toEqual({ pool: "rbd", copies: 3, deviceClass: null });
  });

  test("that a stack lists without its copies is checked against the cluster, too", () => {
    expect(poolOf(on({ copies: 5, deviceClass: "nvme" }, [{ name: "a" }]))).toEqual({
      pool: "a",
      copies: 5,
      deviceClass: "nvme",
    });
  });

  test("is a problem with what the stack lists where no pool fits", () => {
    const answer = on({ copies: 5, deviceClass: "ssd" }, POOLS);
    expect(answer.problems).toMatchObject([{ code: "setting-required", path: "storage-profiles:ceph.pools" }]);
    expect(answer.problems[0]?.message).toContain("no pool of the stack has 5 copies and device class ssd");
    expect(answer.problems[0]?.message).toContain('"fast" (3 copies, ssd)');
    expect(answer.problems[0]?.fix).toContain("{ name: …, copies: 5, deviceClass: ssd }");
  });
});

test.each<[string, Section, string, string]>([
  ["reserved IOPS", { iops: { min: 100 } }, "iops.min", "reserves nothing"],
  ["reserved bandwidth", { bandwidth: { min: 100 } }, "bandwidth.min", "reserves nothing"],
  ["deduplication", { dedupe: true }, "dedupe", "no deduplication"],
  ["local", { local: true }, "local", "CRUSH rule"],
  ["thick provisioning", { provision: "thick" }, "provision", "thin again"],
  ["scheduled snapshots", { snapshot: { intervalMinutes: 60, max: 3 } }, "snapshot", "on a schedule"],
  ["a snapshot limit beside mirroring", { mirror: true, snapshotLimit: 3 }, "snapshotLimit", "would stop at the limit"],
  ["a schedule of a journal", { mirror: { mode: "journal", every: "2h" } }, "mirror.every", "copied at once"],
])("%s is a problem with the reason and two ways out", (_what, section, path, because) => {
  const answer = on(section);
  expect(codes(answer)).toEqual([`setting-not-applicable ${path}`]);
  expect(answer.problems[0]?.message).toContain(because);
  expect(answer.problems[0]?.fix).toMatch(/^remove .*, or /);
});

test.each<[string, Section, object]>([
  ["by snapshots", { mirror: true }, { mirrorMode: "snapshot", mirrorEvery: null, mirrorStart: null }],
  [
    "on a schedule, as Ceph prints it",
    { mirror: { every: "120m", start: "04:30" } },
    { mirrorMode: "snapshot", mirrorEvery: "2h", mirrorStart: "04:30" },
  ],
  ["in whole days", { mirror: { enabled: "Yes", every: "48h" } }, { mirrorMode: "snapshot", mirrorEvery: "2d" }],
  ["in odd minutes", { mirror: { every: "90m" } }, { mirrorEvery: "90m" }],
  ["by a journal", { mirror: { mode: "journal" }, snapshotLimit: 3 }, { mirrorMode: "journal", mirrorEvery: null }],
  [
    "not at all, whatever else is said",
    { mirror: { enabled: "disabled", every: "2h" } },
    { mirrorMode: null, mirrorEvery: null },
  ],
])("an image is mirrored %s", (_what, section, settings) => {
  expect(made(section).settings).toMatchObject(settings);
});

test("what Ceph doesn't have may be switched off", () => {
  const snapshot = { enabled: "disabled", max: 3 } as const;
  const off = { dedupe: false, local: false, provision: "thin", snapshot, mirror: { enabled: false } } as const;
  expect(made(off).settings).toEqual(made({}).settings);
});

test.each<[string, Section, string[]]>([
  ["IOPS above", { iops: { max: 100_000_001 } }, ["iops-beyond-limit iops.max"]],
  ["bandwidth above", { bandwidth: { write: 1_000_001 } }, ["throughput-beyond-limit bandwidth.write"]],
  ["a burst without a limit", { iops: { burst: 5 } }, ["setting-not-applicable iops.burst"]],
  ["a burst below its limit", { iops: { max: 9, burst: { max: 8 } } }, ["setting-not-applicable iops.burst.max"]],
  [
    "a burst of another limit",
    { bandwidth: { read: 9, burst: { write: 10 } } },
    ["setting-not-applicable bandwidth.burst.write"],
  ],
  ["a start without an interval", { mirror: { start: "04:30" } }, ["setting-not-applicable mirror.start"]],
  [
    "a journal without its feature",
    { mirror: { mode: "journal" }, imageFeatures: ["layering"] },
    ["setting-not-applicable imageFeatures"],
  ],
  ["an interval in words", { mirror: { every: "daily" } }, ["value-invalid mirror.every"]],
  ["a time of another zone", { mirror: { every: "1d", start: "04:30+02:00" } }, ["value-invalid mirror.start"]],
  ["a feature without another", { imageFeatures: ["fast-diff"] }, ["setting-not-applicable imageFeatures"]],
  [
    "metadata that Ceph keeps",
    { metadata: { conf_rbd_qos_iops_limit: "1" } },
    ["value-invalid metadata.conf_rbd_qos_iops_limit"],
  ],
  [
    "metadata that we keep",
    { metadata: { "storage-profiles.volume": "x" } },
    ['value-invalid metadata["storage-profiles.volume"]'],
  ],
  ["a pool like an option", { pool: "--all" }, ["value-invalid pool"]],
  [
    "all at once",
    { iops: { min: 1, burst: 2 }, dedupe: true },
    ["setting-not-applicable iops.min", "setting-not-applicable dedupe", "setting-not-applicable iops.burst"],
  ],
])("%s is a problem", (_what, section, expected) => {
  expect(codes(on(section))).toEqual(expected);
});

test("each limit has its own value, and bursts go with the limit that they are of", () => {
  const { settings } = made({
    iops: { max: 100, read: 80, write: 50, burst: 200 },
    bandwidth: { max: 10, read: 8, burst: { max: 20, read: 16 } },
  });
  expect(settings).toMatchObject({ iopsLimit: 100, readIopsLimit: 80, writeIopsLimit: 50 });
  expect(settings).toMatchObject({ iopsBurst: 200, readIopsBurst: null, writeIopsBurst: null });
  expect(settings).toMatchObject({ bandwidthLimitMiBps: 10, readBandwidthLimitMiBps: 8, writeBandwidthLimitMiBps: 0 });
  expect(settings).toMatchObject({
    bandwidthBurstMiBps: 20,
    readBandwidthBurstMiBps: 16,
    writeBandwidthBurstMiBps: null,
  });
});

test("sizes end where an image has no object map any more", () => {
  expect(made({}, undefined, 1_000_000).sizeGiB).toBe(1_000_000);
  expect(codes(on({}, undefined, 1_000_001))).toEqual([expect.stringContaining("size-beyond-limit")]);
});

describe("a change", () => {
  const base = ["layering", "exclusive-lock"] as const;
  test.each<[string, Section, Section, string, string]>([
    ["of limits", { iops: { max: 1000, burst: 2000 } }, { bandwidth: { max: 5 } }, "in-place", "unlimited"],
    ["of the mirroring", { mirror: { every: "2h" } }, {}, "in-place", 'mirrorMode: "snapshot" → not set'],
    ["of the snapshot limit", { snapshotLimit: 3 }, {}, "in-place", "snapshotLimit: 3 → unlimited"],
    [
      "of encryption",
      {},
      { encryption: true },
      "refused",
      "leave `encryption` out of the profile, or declare a new volume",
    ],
    [
      "of the same",
      { encryption: "luks2" },
      { encryption: "No" },
      "refused",
      "keep `encryption: luks2` in the profile",
    ],
    ["of its spelling", { encryption: "luks2" }, { encryption: "enabled" }, "none", ""],
    ["of metadata", { metadata: { a: "1" } }, { metadata: { b: "2" } }, "in-place", "metadata"],
    ["of the pool", { pool: "slow" }, { pool: "fast" }, "migrates", "while no client has it open"],
    ["of what is asked of the same pool", { pool: "fast" }, { pool: "fast", copies: 3 }, "none", ""],
    [
      "that switches a feature on",
      { imageFeatures: [...base] },
      { imageFeatures: [...base, "journaling"] },
      "in-place",
      "",
    ],
    ["that leaves features to the cluster", { imageFeatures: [...base] }, {}, "none", ""],
    [
      "of a feature that is set at creation",
      { imageFeatures: [...base] },
      { imageFeatures: ["exclusive-lock"] },
      "refused",
      "keep `layering`",
    ],
  ])("%s", (_what, from, to, verdict, says) => {
    const result = change(made(from, POOLS), made(to, POOLS));
    expect(result.verdict).toBe(verdict);
    const told = [...result.notes.map(({ message }) => message), ...result.problems.map(({ fix }) => fix)].join("\n");
    expect(told).toContain(says);
  });

  test("to a smaller size is refused, and to a bigger one in place", () => {
    expect(change(made({}, POOLS, 20), made({}, POOLS, 10)).problems.map(({ code }) => code)).toEqual([
      "change-shrinks",
    ]);
    expect(change(made({}, POOLS, 10), made({}, POOLS, 20)).verdict).toBe("in-place");
  });

  test.each([[undefined], [POOLS], [[...POOLS].reverse()], [POOLS.slice(1, 2)]])(
    "between built-in profiles is in place or a move, with pools %j",
    (pools) => {
      const volumes = ["default", "gold", "silver", "bronze"].map((profile) => volumeOf(builtIn(profile, pools)));
      for (const from of volumes)
        for (const to of volumes) {
          const moves = from.settings.pool !== to.settings.pool;
          expect(change(from, to).verdict).toBe(from === to ? "none" : moves ? "migrates" : "in-place");
        }
    },
  );
});

describe("whatever a profile says", () => {
  const some = (parts: Record<string, fc.Arbitrary<unknown>>) => fc.record(parts, { requiredKeys: [] });
  const value = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 1000 }) }, fc.constant(2 ** 31));
  const burst = fc.oneof(
    fc.integer({ min: 900, max: 2000 }),
    some({ max: fc.integer({ min: 900, max: 2000 }), read: value }),
  );
  const limits = some({ max: value, read: value, write: value, burst });
  const sections = some({
    pool: fc.constantFrom("slow", "fast", "own"),
    copies: fc.constantFrom(2, 3, 5),
    deviceClass: fc.constantFrom("ssd", "hdd"),
    preferredDeviceClass: fc.constantFrom("ssd", "nvme"),
    iops: limits,
    bandwidth: limits,
    snapshotLimit: value,
    encryption: fc.constantFrom(true, false, "luks2", "disabled"),
    imageFeatures: fc.subarray(["layering", "exclusive-lock", "object-map", "fast-diff", "deep-flatten", "journaling"]),
    metadata: fc.dictionary(fc.constantFrom("a", "b", "-"), fc.string()),
    dedupe: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  }) as fc.Arbitrary<Section>;
  const pools = fc.constantFrom(undefined, [], POOLS, POOLS.slice(0, 1));
  const size = fc.oneof(fc.integer({ min: 1, max: 1_100_000 }), fc.constantFrom(1, 1_000_000, 1_000_001));

  test("is a problem, or has every setting with what was asked for and nothing near it", () => {
    let resolved = 0;
    fc.assert(
      fc.property(sections, pools, size, (section, listed, sizeGiB) => {
        const answer = on(section, listed, sizeGiB);
        expect(answer.volume === undefined).toBe(answer.problems.length > 0);
        if (!answer.volume) return;
        resolved++;
        const { settings } = volumeOf(answer);
        expect(answer.volume.sizeGiB).toBe(sizeGiB);
        expect(Object.keys(settings).sort()).toEqual(all);
        expect(Object.values(settings)).not.toContain(undefined);
        expect([settings.iopsLimit, settings.readIopsLimit, settings.writeIopsLimit]).toEqual([
          section.iops?.max ?? 0,
          section.iops?.read ?? 0,
          section.iops?.write ?? 0,
        ]);
        if (section.pool != null) expect(settings.pool).toBe(section.pool);
        if (section.copies != null) expect(settings.copies).toBe(section.copies);
        if (section.deviceClass != null) expect(settings.deviceClass).toBe(section.deviceClass);
        // librbd ignores a burst below its limit.
        for (const [limit, of] of [
          ["iopsLimit", "iopsBurst"],
          ["readBandwidthLimitMiBps", "readBandwidthBurstMiBps"],
        ] as const)
          expect(settings[of] === null || (settings[limit] > 0 && settings[of] >= settings[limit])).toBe(true);
      }),
      { numRuns: runs(2000) },
    );
    expect(resolved).toBeGreaterThan(runs(2000) / 50);
  });

  test("or doesn't, is answered and never thrown", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (section, placement) => {
        const catalog = makeCatalog({ profiles: { p: { ceph: section as Section } } });
        const request = { name: "data@p", sizeGiB: 1, backend: "ceph" };
        expect(() => resolve(catalog, request)).not.toThrow();
        expect(() => resolve(catalog, { ...request, placement: placement as object })).not.toThrow();
      }),
      { numRuns: runs(1000) },
    );
    for (const placement of [null, 1, { pools: 1 }, { pools: [{}] }, { pools: [{ name: "-a" }] }, { odd: 1 }])
      expect(
        resolve(makeCatalog(), { name: "data", sizeGiB: 1, backend: "ceph", placement: placement as object }).problems,
      ).not.toEqual([]);
  });

  test("a change to it and back is judged, and to itself is none", () => {
    const calm = some({
      pool: fc.constantFrom("slow", "fast"),
      iops: some({ max: value, write: value }),
      imageFeatures: fc.constantFrom(["layering"], ["layering", "exclusive-lock"], ["exclusive-lock"]),
      metadata: fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom("1", "2")),
    }) as fc.Arbitrary<Section>;
    const verdicts = new Set<string>();
    fc.assert(
      fc.property(calm, calm, (one, two) => {
        const [from, to] = [on(one, POOLS, 10).volume, on(two, POOLS, 10).volume];
        if (!from || !to) return;
        const { verdict, problems, notes } = change(from, to);
        verdicts.add(verdict);
        expect(problems.length > 0).toBe(verdict === "refused");
        if (verdict === "none") expect(notes).toEqual([]);
        const [before, after] = [from.settings, to.settings] as CephSettings[];
        if (before!.pool !== after!.pool && verdict !== "refused") expect(verdict).toBe("migrates");
        if (before!.iopsLimit !== after!.iopsLimit) expect(verdict).not.toBe("none");
        expect(change(from, from).verdict).toBe("none");
      }),
      { numRuns: runs(1000) },
    );
    expect([...verdicts]).toEqual(expect.arrayContaining(["in-place", "migrates", "refused"]));
  });
});
