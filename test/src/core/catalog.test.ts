import * as fc from "fast-check";

import { builtinProfiles, makeCatalog, profilesFor, resolve, type ProfileDefinition } from "../../../src";
import { runs } from "../../support/property";

describe("the catalog", () => {
  test("has default, gold, silver and bronze for every backend when the stack says nothing", () => {
    const catalog = makeCatalog();
    expect(catalog.problems).toEqual([]);
    for (const backend of ["aws", "openstack", "scaleio", "cio", "ceph", "local"] as const) {
      expect(profilesFor(catalog, backend)).toEqual(["default", "gold", "silver", "bronze"]);
    }
  });

  test("keeps the founding numbers of gold, its 1,000,000 KB/s as the next that an array has", () => {
    expect(makeCatalog().profiles["gold"]?.sections).toEqual({
      aws: { volumeType: "io1", iops: { perGiB: 30, min: 100, max: 64000 }, encrypted: true },
      openstack: { volumeType: "gold", migrationPolicy: "on-demand" },
      scaleio: { provisioning: "thin", iopsLimit: 10000, bandwidthLimitKBps: 1000448, ramCache: true },
      cio: {
        ...{ iops: { min: 100, max: 1000 }, level: 5, local: true, provision: "thin", type: "ssd" },
        services: {
          ...{ compression: false, dedupe: false, encryption: false, highAvailability: false },
          replication: { enabled: false, destination: "none", intervalMinutes: 120, type: "synchronous" },
          snapshot: { enabled: false, startMinutes: 1440, intervalMinutes: 60, max: 10 },
        },
      },
      ceph: { copies: 3, preferredDeviceClass: "ssd", iops: { max: 1000 } },
      local: { iops: { max: 10000 } },
    });
  });

  test("takes the stack's gold in place of the built-in one, or over it when it extends it", () => {
    const own: ProfileDefinition = { local: { throughputMiBps: 5 } };
    expect(makeCatalog({ profiles: { gold: own } }).profiles["gold"]?.sections).toEqual(own);
    const over = makeCatalog({ profiles: { gold: { extends: "gold", ...own } } }).profiles["gold"];
    expect(over?.sections.local).toEqual({ iops: { max: 10000 }, throughputMiBps: 5 });
    expect(over?.sections.openstack).toEqual({ volumeType: "gold", migrationPolicy: "on-demand" });
    expect(over?.lineage).toEqual(["gold"]);
  });

  test("lays a profile deeply over the one it extends, and null takes away", () => {
    const catalog = makeCatalog({
      profiles: { analytics: { extends: "gold", aws: { iops: { perGiB: 10 }, encrypted: null }, scaleio: null } },
    });
    expect(catalog.profiles["analytics"]?.sections).toMatchObject({
      aws: { volumeType: "io1", iops: { perGiB: 10, min: 100, max: 64000 } },
      local: { iops: { max: 10000 } },
    });
    expect(catalog.profiles["analytics"]?.sections.aws).not.toHaveProperty("encrypted");
    expect(catalog.profiles["analytics"]?.sections).not.toHaveProperty("scaleio");
  });

  test("has the size that Docker's volumes get from the nearest profile that says one", () => {
    const catalog = makeCatalog({
      profiles: {
        big: { extends: "gold", defaultSize: "100GiB" },
        bigger: { extends: "big" },
        own: { extends: "big", defaultSize: "1.5TiB" },
      },
    });
    const sizes = ["gold", "big", "bigger", "own"].map((name) => catalog.profiles[name]?.defaultSize);
    expect(sizes).toEqual([undefined, "100GiB", "100GiB", "1.5TiB"]);
  });

  test("finds a parent that doesn't exist, with the nearest that does", () => {
    const catalog = makeCatalog({ profiles: { fast: { extends: "golf" }, faster: { extends: "fast" } } });
    expect(catalog.problems).toEqual([
      expect.objectContaining({
        code: "profile-parent-unknown",
        path: "storage-profiles:profiles.fast.extends",
        given: "golf",
        fix: 'did you mean "gold"?',
      }),
    ]);
    expect(Object.keys(catalog.broken)).toEqual(["fast", "faster"]);
  });

  test.each([
    [{ a: { extends: "a" } }, "a -> a"],
    [{ b: { extends: "a" }, a: { extends: "b" } }, "a -> b -> a"],
    [{ x: { extends: "c" }, c: { extends: "a" }, a: { extends: "b" }, b: { extends: "c" } }, "a -> b -> c -> a"],
  ])("finds a circle, once: %j", (profiles, circle) => {
    const { problems, profiles: whole } = makeCatalog({ profiles });
    expect(problems).toEqual([
      expect.objectContaining({ code: "profile-cycle", message: `the profile extends itself: ${circle}` }),
    ]);
    expect(Object.keys(whole)).toEqual(Object.keys(builtinProfiles()));
  });

  test("names of profiles that every object inherits are no profiles", () => {
    const catalog = makeCatalog();
    for (const profile of ["constructor", "toString", "hasOwnProperty"]) {
      const { problems } = resolve(catalog, { name: "data", profile, sizeGiB: 1, backend: "local" });
      expect(problems.map(({ code }) => code)).toEqual(["profile-unknown"]);
    }
  });

  test("lays the stack's limits and prices over those that ship", () => {
    const catalog = makeCatalog({
      limits: { aws: { io1: { iops: { max: 32000 } } } },
      prices: { aws: { "us-east-1": { types: { gp3: { perGiB: 0.07 } } } }, local: { perGiB: 0.01 } },
    });
    expect(catalog.limits.aws).toMatchObject({ io1: { iops: { min: 100, max: 32000 }, sizeGiB: { max: 16384 } } });
    expect(catalog.prices.aws).toMatchObject({
      "us-east-1": { types: { gp3: { perGiB: 0.07 }, gp2: { perGiB: 0.1 } } },
    });
    expect(catalog.prices.local).toEqual({ perGiB: 0.01 });
  });

  test("fills in what a stack's own prices leave out, and refuses limits and prices that aren't whole", () => {
    const region = { types: { gp3: { perGiB: 0.09 } } };
    expect(makeCatalog({ prices: { aws: { "eu-west-1": region } } }).prices.aws).toMatchObject({
      "eu-west-1": { ...region, currency: "USD", source: "the stack's config", date: "unknown" },
    });
    const { problems, limits } = makeCatalog({
      limits: { aws: { gp2: { iops: { max: 5 } } } },
      prices: { aws: { "eu-west-1": { types: { gp2: { perMillionRequests: 1 } } } } },
    });
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      "wrong-type storage-profiles:limits.aws.gp2.iops.min",
      "wrong-type storage-profiles:limits.aws.gp2.iops.perGiB",
      "wrong-type storage-profiles:prices.aws.eu-west-1.types.gp2.perGiB",
    ]);
    expect(limits.aws).not.toHaveProperty("gp2.iops");
  });

  test("property: extending twice is extending once what was put together before", () => {
    const section = fc.record(
      {
        iops: fc.oneof(
          fc.integer({ min: 1 }),
          fc.record({ perGiB: fc.integer({ min: 1 }), max: fc.integer({ min: 1 }) }, { requiredKeys: [] }),
        ),
        throughputMiBps: fc.option(fc.integer({ min: 1 })),
        overcommit: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const sectionOf = (profiles: Record<string, ProfileDefinition>, name: string) =>
      makeCatalog({ profiles }).profiles[name]?.sections.local;
    fc.assert(
      fc.property(section, section, section, (a, b, c) => {
        const chain = { a: { local: a }, b: { extends: "a", local: b }, c: { extends: "b", local: c } };
        const flat = { b: { local: sectionOf(chain, "b") ?? {} }, c: { extends: "b", local: c } };
        expect(sectionOf(chain, "c")).toEqual(sectionOf(flat, "c"));
      }),
      { numRuns: runs(100) },
    );
  });
});
