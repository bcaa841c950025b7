// The pools that profiles define on Ceph.

import * as fc from "fast-check";

import { makeCatalog, resolve, type ProfileDefinition } from "../../../src";
import { choosePool } from "../../../src/backends/ceph";
import { leastMinCopies, poolsOf } from "../../../src/backends/ceph/pools";
import type { CephSettings } from "../../../src/backends/ceph";
import { runs } from "../../support/property";

type Section = NonNullable<ProfileDefinition["ceph"]>;
const POOLS = [
  { name: "slow", copies: 2, deviceClass: "hdd" },
  { name: "fast", copies: 3, deviceClass: "ssd" },
];
const of = (
  sections: Record<string, Section>,
  placement: { pools?: typeof POOLS } = { pools: POOLS },
  only?: string[],
) => {
  const profiles = Object.fromEntries(Object.entries(sections).map(([name, ceph]) => [name, { ceph }]));
  return poolsOf(
    makeCatalog({ profiles }),
    (section, path, profile, problems) => choosePool({ section, path, profile, placement }, problems, []),
    only,
  );
};

test("a profile with specs defines the pool that its volumes get, complete; others define none", () => {
  const compression = { mode: "force", algorithm: "zstd", requiredRatio: 0.8 } as const;
  const sections: Record<string, Section> = {
    a: { copies: 3, specs: { minCopies: 3, failureDomain: "osd", compression, quotaGiB: 100 } },
    b: { deviceClass: "hdd", specs: {} },
    c: { pool: "bulk", copies: 5, specs: { compression: {} } },
    d: { pool: "slow", copies: 2, specs: {} },
    user: { pool: "fast" },
  };
  const { pools, problems } = of(sections);
  expect(problems).toEqual([]);
  const slow = { copies: 2, minCopies: 1, failureDomain: "host", deviceClass: "hdd", compression: null, quotaGiB: 0 };
  expect(pools).toEqual([
    {
      name: "bulk",
      settings: {
        ...{ copies: 5, minCopies: 3, failureDomain: "host", deviceClass: null, quotaGiB: 0 },
        compression: { mode: "aggressive", algorithm: null, requiredRatio: null },
      },
      profiles: ["c"],
    },
    {
      name: "fast",
      settings: { copies: 3, minCopies: 3, failureDomain: "osd", deviceClass: "ssd", compression, quotaGiB: 100 },
      profiles: ["a"],
    },
    { name: "slow", settings: slow, profiles: ["b", "d"] },
  ]);
  expect(of(sections, undefined, ["c"]).pools.map(({ name }) => name)).toEqual(["bulk"]);
  expect(of({}).pools).toEqual([]);
});

test("what no pool can be, or would keep no data safe, is a problem", () => {
  const codes = (sections: Record<string, Section>, placement?: { pools?: typeof POOLS }) =>
    of(sections, placement).problems.map(({ code, path }) => `${code} ${path.replace(/^.*profiles\./, "")}`);
  expect(codes({ a: { pool: "new", specs: {} } })).toEqual(["setting-required a.ceph.copies"]);
  expect(codes({ a: { pool: "new", copies: 1, specs: {} } })).toEqual(["setting-not-applicable a.ceph.copies"]);
  for (const minCopies of [1, 4])
    expect(codes({ a: { pool: "new", copies: 3, specs: { minCopies } } })).toEqual([
      "setting-not-applicable a.ceph.specs.minCopies",
    ]);
  expect(codes({ a: { pool: "x", copies: 3, specs: {} }, b: { pool: "x", copies: 2, specs: {} } })).toEqual([
    "pool-specs-differ b.ceph.specs",
  ]);
  expect(codes({ a: { copies: 4, specs: {} } })).toEqual(["setting-required storage-profiles:ceph.pools"]);
  expect(codes({ a: { pool: "x", copies: 3, specs: { quotaGiB: 0 } } })).toEqual([
    expect.stringContaining("a.ceph.specs.quotaGiB"),
  ]);
});

test("a profile's volume asks the cluster for what its own pool is", () => {
  fc.assert(
    fc.property(
      fc.record({
        pool: fc.option(fc.constantFrom("fast", "other"), { nil: undefined }),
        copies: fc.integer({ min: 2, max: 5 }),
      }),
      fc.constantFrom(undefined, POOLS),
      ({ pool, copies }, pools) => {
        const section = { ...(pool !== undefined && { pool }), copies, specs: {} };
        const placement = pools ? { pools } : {};
        const { pools: made, problems } = of({ p: section }, placement);
        const catalog = makeCatalog({ profiles: { p: { ceph: section } } });
        const { volume } = resolve(catalog, { name: "v@p", sizeGiB: 1, backend: "ceph", placement });
        expect(problems.length > 0).toBe(volume === undefined);
        if (!volume) return;
        const settings = volume.settings as CephSettings;
        expect([made[0]?.name, made[0]?.settings.copies]).toEqual([settings.pool, settings.copies]);
        expect(made[0]?.settings.deviceClass).toBe(settings.deviceClass);
        expect(made[0]?.settings.minCopies).toBe(leastMinCopies(copies));
        expect(settings).not.toHaveProperty("specs");
      },
    ),
    { numRuns: runs(100) },
  );
});
