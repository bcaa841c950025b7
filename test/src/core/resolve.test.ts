import * as fc from "fast-check";

import {
  admittedSizes,
  backendNames,
  backends,
  change,
  costDifference,
  makeCatalog,
  problemKinds,
  resolve,
  type BackendName,
  type ProfileDefinition,
  type ResolvedVolume,
  type VolumeRequest,
} from "../../../src";
import type { AwsSettings } from "../../../src/backends/aws/settings";
import { releases } from "../../../src/backends/cio/limits";
import { driverNames, driverOf } from "../../../src/backends/kubernetes/drivers";
import { runs } from "../../support/property";

const KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const founding = makeCatalog();
const withProfiles = (profiles: Record<string, ProfileDefinition>) => makeCatalog({ profiles });
const on = (backend: string, profile: string, sizeGiB: number, catalog = founding) =>
  resolve(catalog, {
    name: "data",
    profile,
    sizeGiB,
    backend,
    placement: backend === "aws" ? { region: "us-east-1" } : {},
  });
const volumeOf = (resolution: { volume?: ResolvedVolume; problems: unknown }): ResolvedVolume => {
  if (!resolution.volume) throw new Error(JSON.stringify(resolution.problems));
  return resolution.volume;
};

test("what is done with one answer doesn't show in the next: volumes of a profile share nothing that can be changed", () => {
  const own = withProfiles({
    mine: { cio: { labels: { team: "a" } }, ceph: { metadata: { team: "a" }, imageFeatures: ["layering"] } },
  });
  for (const backend of ["cio", "ceph"] as const) {
    const before = JSON.stringify(on(backend, "mine", 8, own));
    const { labels, metadata, imageFeatures } = volumeOf(on(backend, "mine", 8, own)).settings as unknown as Record<
      string,
      { team?: string; length?: number } | undefined
    >;
    for (const each of [labels, metadata]) if (each) each.team = "b";
    if (imageFeatures) imageFeatures.length = 0;
    expect(JSON.stringify(on(backend, "mine", 8, own))).toBe(before);
  }
});

describe("gold", () => {
  test.each([
    [
      "aws",
      100,
      {
        volumeType: "io1",
        iops: 3000,
        throughputMiBps: null,
        encrypted: true,
        kmsKeyId: null,
        multiAttach: false,
        availabilityZone: null,
        outpostArn: null,
        snapshotId: null,
        volumeInitializationRate: null,
        tags: { Name: "data" },
      },
    ],
    [
      "openstack",
      100,
      {
        volumeType: "gold",
        migrationPolicy: "on-demand",
        availabilityZone: null,
        snapshotId: null,
        imageId: null,
        sourceVolumeId: null,
        description: null,
        metadata: {},
      },
    ],
    [
      "scaleio",
      104,
      {
        provisioning: "thin",
        iopsLimit: 10000,
        bandwidthLimitKBps: 1000448,
        ramCache: true,
        compression: "none",
        protectionDomain: null,
        storagePool: null,
      },
    ],
    ["local", 100, { mode: "loop", iopsLimit: 10000, throughputLimitMiBps: 0, overcommit: false }],
  ])("on %s has its founding numbers, complete", (backend, sizeGiB, settings) => {
    expect(volumeOf(on(backend, "gold", 100))).toMatchObject({
      name: "data",
      profile: "gold",
      backend,
      sizeGiB,
      settings,
    });
    expect(Object.keys(volumeOf(on(backend, "gold", 100)).settings).sort()).toEqual(Object.keys(settings).sort());
  });

  test.each([
    [4, 120, []],
    [100, 3000, []],
    [2133, 63990, []],
    [2134, 64000, ['64,020 IOPS capped at 64,000 IOPS: iops.max of "gold"']],
    [16384, 64000, ['491,520 IOPS capped at 64,000 IOPS: iops.max of "gold"']],
  ])("at %d GiB on aws has %d IOPS", (sizeGiB, iops, notes) => {
    const resolution = on("aws", "gold", sizeGiB);
    expect((volumeOf(resolution).settings as AwsSettings).iops).toBe(iops);
    expect(resolution.notes.map(({ message }) => message)).toEqual(notes);
  });

  test("on ScaleIO needs no rounding but that of the size, and says that its limits need a mapping", () => {
    expect(on("scaleio", "gold", 100).notes.map(({ code }) => code)).toEqual([
      "size-rounded-up",
      "limits-need-mapping",
    ]);
    expect(on("scaleio", "gold", 104).notes.map(({ message }) => message)).toEqual([
      expect.stringContaining("10,000 IOPS and 1,000,448 KB/s take effect"),
    ]);
  });
});

describe("default", () => {
  test.each([1, 124, 125, 500, 1025, 16385, 65536])("at %d GiB is gp3 on EBS, encrypted", (sizeGiB) => {
    const settings = { volumeType: "gp3", iops: 3000, throughputMiBps: 125, encrypted: true, kmsKeyId: null };
    expect(volumeOf(on("aws", "default", sizeGiB)).settings).toMatchObject(settings);
  });
});

describe("built-in profiles", () => {
  const names = Object.keys(founding.profiles);

  // On Kubernetes the drivers that can change volumes; on ContainerIO each release.
  const modifying = driverNames.filter((driver) => driverOf(driver).cantModify === undefined);
  const places: [BackendName, object][] = backendNames.flatMap((backend): [BackendName, object][] => {
    const classes = { parameters: { "rbd.csi.ceph.com": { clusterID: "c" } } };
    if (backend === "kubernetes") return modifying.map((driver) => [backend, { driver, classes }]);
    if (backend === "cio") return releases.map((version) => [backend, { version }]);
    return [[backend, {}]];
  });

  test.each(places)("can be swapped for each other on %s %j, at every size that both admit", (backend, placement) => {
    const placed = (profile: string, sizeGiB: number) =>
      resolve(founding, { name: `data@${profile}`, sizeGiB, backend, placement });
    const edges = names.flatMap((profile) =>
      (admittedSizes(founding, { profile, backend, placement }).admitted ?? []).flatMap(({ ranges }) =>
        ranges.flatMap(({ fromGiB, toGiB }) => [fromGiB, toGiB]),
      ),
    );
    const size = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 1, max: Math.max(...edges) }));
    let swapped = 0;
    fc.assert(
      fc.property(size, fc.nat(1000), (sizeGiB, more) => {
        const volumes = names.flatMap((name) => placed(name, sizeGiB).volume ?? []);
        for (const [from, name] of volumes.flatMap((volume) => names.map((to) => [volume, to] as const))) {
          for (const to of [placed(name, from.sizeGiB), placed(name, from.sizeGiB + more)]) {
            if (!to.volume) continue;
            swapped++;
            const { verdict, problems } = change(from, to.volume);
            if (verdict === "refused") throw new Error(`${from.profile} -> ${name}: ${problems[0]?.message}`);
          }
        }
      }),
      { numRuns: 100, examples: edges.map((edge): [number, number] => [edge, 0]) },
    );
    expect(swapped).toBeGreaterThan(500);
  });

  test("let Cinder move a volume where the types are on different storage", () => {
    for (const name of names)
      expect(volumeOf(on("openstack", name, 1)).settings).toMatchObject({ migrationPolicy: "on-demand" });
  });

  test("have no note about a value that the backend hasn't", () => {
    const codes = backendNames.flatMap((backend) =>
      names.flatMap((name) => on(backend, name, 104).notes.map(({ code }) => code)),
    );
    expect(codes).not.toContain("value-rounded-up");
  });
});

// Source of the numbers: facts on EBS (EC2 API model, CSI driver); written out here again so that a slip in the data shows.
describe("the limits of EBS", () => {
  const io = (volumeType: "io1" | "io2" | "gp3", iops: number) => withProfiles({ p: { aws: { volumeType, iops } } });
  test.each([
    ["gp3", 1, 65536],
    ["gp2", 1, 16384],
    ["st1", 125, 16384],
    ["sc1", 125, 16384],
    ["standard", 1, 1024],
  ] as const)("%s has %d to %d GiB", (volumeType, min, max) => {
    const catalog = withProfiles({ p: { aws: { volumeType } } });
    const codes = (sizeGiB: number) => on("aws", "p", sizeGiB, catalog).problems.map(({ code }) => code);
    expect([min, max].flatMap(codes)).toEqual([]);
    expect(codes(max + 1)).toEqual(["size-beyond-limit"]);
    if (min > 1) expect(codes(min - 1)).toEqual(["size-beyond-limit"]);
  });

  test.each([
    ["io1", 4, 100, 200],
    ["io1", 100, 100, 5000],
    ["io1", 16384, 100, 64000],
    ["io2", 4, 100, 4000],
    ["io2", 65536, 100, 256000],
    ["gp3", 1, 3000, 3000],
    ["gp3", 10, 3000, 5000],
    ["gp3", 65536, 3000, 80000],
  ] as const)("%s at %d GiB has %d to %d IOPS", (type, sizeGiB, min, max) => {
    const codes = (iops: number) => on("aws", "p", sizeGiB, io(type, iops)).problems.map(({ code }) => code);
    expect([min, max].flatMap(codes)).toEqual([]);
    expect(codes(min - 1)).toEqual(["iops-beyond-limit"]);
    expect(codes(max + 1)).toEqual(["iops-beyond-limit"]);
  });

  test.each([
    [3000, 125, 750],
    [8000, 125, 2000],
    [16000, 125, 2000],
  ])("gp3 with %d IOPS has %d to %d MiB/s", (iops, min, max) => {
    const codes = (throughputMiBps: number) =>
      on("aws", "p", 100, withProfiles({ p: { aws: { volumeType: "gp3", iops, throughputMiBps } } })).problems.map(
        ({ code }) => code,
      );
    expect([min, max].flatMap(codes)).toEqual([]);
    expect(codes(min - 1)).toEqual(["throughput-beyond-limit"]);
    expect(codes(max + 1)).toEqual(["throughput-beyond-limit"]);
  });

  test("a profile that outgrows its type is told every way out, in numbers for this size", () => {
    const catalog = withProfiles({ fast: { aws: { volumeType: "io1", iops: { perGiB: 30 } } } });
    expect(on("aws", "fast", 2133, catalog).problems).toEqual([]);
    expect(on("aws", "fast", 2150, catalog).problems).toEqual([
      {
        code: "iops-beyond-limit",
        path: "storage-profiles:profiles.fast.aws.iops",
        given: { perGiB: 30 },
        message: '"fast" sets 30 IOPS per GiB: 64,500 at 2,150 GiB; io1 allows 100 to 64,000 IOPS',
        allowed: "100 to 64,000 IOPS",
        fix: "use gp3 or io2, cap it with iops.max: 64000, or reduce the size to at most 2,133 GiB",
      },
    ]);
  });

  test.each([
    ["gp3", { min: 5000 }, 5000, "3,000 IOPS raised to 5,000 IOPS"],
    ["gp3", { max: 4000 }, 3000, undefined],
    ["io1", { min: 5000 }, 5000, undefined],
    ["io1", { min: 5000, max: 6000 }, 5000, undefined],
  ] as const)("%s with IOPS %j and no perGiB has %d", (volumeType, iops, expected, noted) => {
    const resolution = on("aws", "p", 1000, withProfiles({ p: { aws: { volumeType, iops } } }));
    expect((volumeOf(resolution).settings as AwsSettings).iops).toBe(expected);
    expect(resolution.notes.map(({ message }) => message.split(":")[0])).toEqual(noted ? [noted] : []);
  });

  test("gp3 with at most 2,000 IOPS, and io1 with only a most, are refused", () => {
    const codes = (aws: ProfileDefinition["aws"]) =>
      on("aws", "p", 1000, withProfiles({ p: { aws } })).problems.map(({ code }) => code);
    expect(codes({ volumeType: "gp3", iops: { max: 2000 } })).toEqual(["iops-beyond-limit"]);
    expect(codes({ volumeType: "io1", iops: { max: 2000 } })).toEqual(["setting-required"]);
  });

  test.each([
    ["io1", { iops: { perGiB: 60 } }, 100, ["use gp3 or io2", "cap it with iops.max: 5000"]],
    ["io1", { iops: { perGiB: 30, max: 90 } }, 100, []],
    ["io1", { iops: { perGiB: 30, min: 300 } }, 4, ["use io2", "increase the size to at least 6 GiB"]],
    ["gp3", { throughputMiBps: 2000 }, 1, ["use 125 to 750 MiB/s"]],
    ["gp3", { throughputMiBps: 2000 }, 100, ["use 125 to 750 MiB/s", "raise iops to 8,000"]],
  ] as const)("%s %j at %d GiB is only told ways out that are ways out", (volumeType, aws, sizeGiB, ways) => {
    const { fix } = on("aws", "p", sizeGiB, withProfiles({ p: { aws: { volumeType, ...aws } } })).problems[0]!;
    for (const way of ways) expect(fix).toContain(way);
    for (const way of ["use io", "use gp", "cap it", "raise", "at least", "at most"]) {
      if (!ways.some((each) => each.includes(way))) expect(fix).not.toContain(way);
    }
  });

  test("what doesn't go with a type is refused, all at once", () => {
    const catalog = withProfiles({
      p: { aws: { volumeType: "gp2", iops: 3000, throughputMiBps: 200, multiAttach: true, kmsKeyId: KEY } },
    });
    const { problems } = on("aws", "p", 20000, catalog);
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      "size-beyond-limit sizeGiB",
      "setting-not-applicable storage-profiles:profiles.p.aws.iops",
      "setting-not-applicable storage-profiles:profiles.p.aws.throughputMiBps",
      "setting-not-applicable storage-profiles:profiles.p.aws.kmsKeyId",
      "setting-not-applicable storage-profiles:profiles.p.aws.multiAttach",
    ]);
  });

  test("io1 without IOPS, and an aws section without a type, say what is missing", () => {
    expect(on("aws", "p", 10, withProfiles({ p: { aws: { volumeType: "io1" } } })).problems).toEqual([
      expect.objectContaining({ code: "setting-required", fix: "add `iops: 100`" }),
    ]);
    expect(on("aws", "gold", 10, withProfiles({ gold: { aws: { encrypted: false } } })).problems).toEqual([
      expect.objectContaining({
        code: "setting-required",
        fix: expect.stringContaining("it may extend the built-in profile of its own name"),
      }),
    ]);
  });

  test("gp3 without IOPS and throughput gets its defaults, spelt out", () => {
    const catalog = withProfiles({ p: { aws: { volumeType: "gp3" } } });
    expect(volumeOf(on("aws", "p", 10, catalog)).settings).toMatchObject({ iops: 3000, throughputMiBps: 125 });
  });

  test("a stack may lay newer limits over those that ship", () => {
    const catalog = makeCatalog({
      profiles: { p: { aws: { volumeType: "io1", iops: 70000 } } },
      limits: { aws: { io1: { iops: { max: 80000 } } } },
    });
    expect(on("aws", "p", 16384, catalog).problems).toEqual([]);
  });
});

describe("the limits of the other backends", () => {
  test.each([
    ["scaleio", { iopsLimit: 10 }, "iops-beyond-limit"],
    ["scaleio", { iopsLimit: 11 }, undefined],
    ["scaleio", { iopsLimit: 0 }, undefined],
    ["scaleio", { bandwidthLimitKBps: 2147483647 }, "throughput-beyond-limit"],
    ["local", { iops: { min: 5, max: 4 } }, "iops-range-empty"],
    ["local", { iops: { max: 4294967296 } }, "iops-beyond-limit"],
    ["local", { iops: 4294967295 }, undefined],
    ["local", { throughputMiBps: 1048577 }, "throughput-beyond-limit"],
  ])("on %s %j: %s", (backend, section, code) => {
    const { problems } = on(backend, "p", 8, withProfiles({ p: { [backend]: section } }));
    expect(problems.map((each) => each.code)).toEqual(code ? [code] : []);
  });

  test.each([
    [5, "set 0 (unlimited), or set 11 IOPS or more"],
    [2 ** 31, "set 0 (unlimited), or set 2,147,483,647 IOPS or less"],
  ])("a limit of %d IOPS on ScaleIO has a way out in its own direction", (iopsLimit, fix) => {
    const { problems } = on("scaleio", "p", 8, withProfiles({ p: { scaleio: { iopsLimit } } }));
    expect(problems).toMatchObject([{ code: "iops-beyond-limit", fix }]);
  });

  test.each([
    ["scaleio", 1048576, 1048577],
    ["local", 16383, 16384],
    ["openstack", 2147483647, 2147483648],
  ])("a volume on %s has at most %d GiB", (backend, max, beyond) => {
    expect(on(backend, "default", max).problems).toEqual([]);
    expect(on(backend, "default", beyond).problems.map(({ code }) => code)).toEqual(["size-beyond-limit"]);
  });

  test.each([
    [1, 8],
    [8, 8],
    [9, 16],
  ])("ScaleIO makes %d GiB %d", (asked, made) => {
    expect(volumeOf(on("scaleio", "default", asked)).sizeGiB).toBe(made);
  });

  test("a local directory says what it doesn't enforce", () => {
    const request = { name: "data@silver", sizeGiB: 5, backend: "local", placement: { mode: "directory" } };
    expect(resolve(founding, request).notes.map(({ message }) => message)).toEqual([
      "the size of 5 GiB, the limit of 3,000 IOPS, and the limit of 250 MiB/s are not enforced: the volume is a plain directory (size and limits require Linux and root)",
    ]);
  });
});

describe("a request", () => {
  test("gets all its problems at once", () => {
    const { problems, volume } = resolve(founding, {
      name: "my data@golf",
      profile: "silver",
      size: "tall",
      backend: "asw",
    });
    expect(volume).toBeUndefined();
    expect(problems.map(({ code }) => code)).toEqual([
      "name-invalid",
      "profile-conflict",
      "size-invalid",
      "backend-unknown",
    ]);
  });

  test("for a profile without a section for the backend gets the profiles that have one", () => {
    const [problem] = on("local", "cloud", 1, withProfiles({ cloud: { aws: { volumeType: "gp3" } } })).problems;
    expect(problem).toMatchObject({
      code: "profile-without-backend",
      allowed: "profiles with a section for local: default, gold, silver, bronze",
    });
  });

  test("for a misspelt profile or backend gets the nearest right word", () => {
    expect(on("local", "glod", 1).problems[0]).toMatchObject({ code: "profile-unknown", fix: 'did you mean "gold"?' });
    expect(on("opnstack", "gold", 1).problems[0]).toMatchObject({
      code: "backend-unknown",
      fix: 'did you mean "openstack"?',
    });
  });

  test("`name` and `name@default` are the same volume", () => {
    const [bare, spelt] = ["data", "data@default"].map(
      (name) => resolve(founding, { name, sizeGiB: 9, backend: "scaleio" }).volume,
    );
    expect(bare).toEqual(spelt);
  });
});

describe("a revision", () => {
  const revision = (profiles: Record<string, ProfileDefinition>, name = "p") =>
    volumeOf(on("local", name, 1, withProfiles(profiles))).revision;

  test("changes with what the profile means on the backend, also through `extends`", () => {
    const base = revision({ p: { local: { iops: 5 } } });
    expect(base).toMatch(/^[0-9a-f]{8}$/);
    expect(revision({ p: { local: { iops: 6 } } })).not.toBe(base);
    expect(revision({ p: { extends: "q" }, q: { local: { iops: 5 } } })).toBe(base);
    expect(revision({ p: { extends: "q" }, q: { local: { iops: 6 } } })).not.toBe(base);
  });

  test("stays with the description, another backend's section, or the order of keys", () => {
    const base = revision({ p: { local: { iops: 5, overcommit: true } } });
    expect(
      revision({ p: { description: "x", aws: { volumeType: "gp3" }, local: { overcommit: true, iops: 5 } } }),
    ).toBe(base);
  });
});

describe("the monthly cost", () => {
  const costOf = (profiles: Record<string, ProfileDefinition>, sizeGiB: number) =>
    on("aws", "p", sizeGiB, withProfiles(profiles)).monthlyCost;

  test.each([
    ["gp3 within what is free", { volumeType: "gp3" }, 100, 8],
    ["gp3 with more", { volumeType: "gp3", iops: 6000, throughputMiBps: 250 }, 100, 28],
    ["io1", { volumeType: "io1", iops: 3000 }, 100, 207.5],
    [
      "io2 in all its tiers",
      { volumeType: "io2", iops: 100000 },
      1000,
      125 + 32000 * 0.065 + 32000 * 0.0455 + 36000 * 0.03185,
    ],
    ["st1", { volumeType: "st1" }, 1000, 45],
  ] as const)("of %s", (_, aws, sizeGiB, amount) => {
    const cost = costOf({ p: { aws } }, sizeGiB);
    expect(cost?.amount).toBeCloseTo(amount, 2);
    expect(cost).toMatchObject({ currency: "USD", region: "us-east-1", date: "2026-08-21" });
    expect(cost?.parts.reduce((sum, part) => sum + part.amount, 0)).toBeCloseTo(amount, 1);
  });

  test("is unknown where no prices are known, and says so", () => {
    const { monthlyCost, notes } = resolve(founding, {
      name: "data@silver",
      sizeGiB: 10,
      backend: "aws",
      placement: { region: "mars-1" },
    });
    expect(monthlyCost).toBeUndefined();
    expect(notes.map(({ message }) => message)).toEqual([
      "monthly cost unknown: no prices for gp3 in mars-1; add them to storage-profiles:prices.aws.mars-1",
    ]);
  });

  test("leaves out what is billed by use, and says so", () => {
    const catalog = withProfiles({ old: { aws: { volumeType: "standard" } } });
    expect(on("aws", "old", 8, catalog).notes.map(({ message }) => message)).toContain(
      "the monthly cost doesn't include 0.05 per million I/O requests",
    );
  });

  test("decides what is cheapest in one region, and says in which", () => {
    const cheapestTypes = ["gp3", "sc1", "standard"];
    const placement = { region: "eu-1", cheapestTypes };
    const request = { name: "data@old", sizeGiB: 200, backend: "aws", placement };
    const profiles: Record<string, ProfileDefinition> = { old: { aws: { volumeType: "cheapest" } } };
    const chosen = (types: object) =>
      resolve(makeCatalog({ profiles, prices: { aws: { "eu-1": { types } } } }), request).notes.find(
        ({ code }) => code === "type-chosen",
      );
    // Known for one type only: comparing it with another region's prices would compare nothing.
    const among = 'the cheapest of gp3, sc1, standard for "old", independent of the size';
    expect(chosen({ gp3: { perGiB: 0.001 } })?.message).toBe(`chose "sc1": ${among}, at the prices of us-east-1`);
    const all = { sc1: { perGiB: 1 }, standard: { perGiB: 1 }, gp3: { perGiB: 0.5 } };
    expect(chosen(all)?.message).toBe(`chose "gp3": ${among}`);
  });

  test("comes from the stack's prices where it gives them", () => {
    const catalog = makeCatalog({ prices: { scaleio: { perGiB: 0.5, currency: "EUR", date: "2026-01-01" } } });
    expect(on("scaleio", "default", 8, catalog).monthlyCost).toMatchObject({
      amount: 4,
      currency: "EUR",
      date: "2026-01-01",
    });
    expect(on("scaleio", "default", 8).monthlyCost).toBeUndefined();
  });
});

describe("a change", () => {
  const made = (backend: string, profile: string, sizeGiB: number, catalog = founding) =>
    volumeOf(on(backend, profile, sizeGiB, catalog));

  test("to the same is none, whatever the profile is called", () => {
    const catalog = withProfiles({ same: { extends: "gold" } });
    expect(change(made("aws", "gold", 10, catalog), made("aws", "same", 10, catalog))).toEqual({
      verdict: "none",
      problems: [],
      notes: [],
    });
  });

  test("of type, IOPS and size is in place, and says each", () => {
    const catalog = withProfiles({
      a: { aws: { volumeType: "io1", iops: 300 } },
      b: { aws: { volumeType: "gp3", iops: 4000 } },
    });
    const { verdict, notes } = change(made("aws", "a", 10, catalog), made("aws", "b", 20, catalog));
    expect(verdict).toBe("in-place");
    expect(notes.map(({ message }) => message)).toEqual([
      "sizeGiB: 10 GiB → 20 GiB, in place",
      'volumeType: "io1" → "gp3", in place',
      "iops: 300 IOPS → 4,000 IOPS, in place",
      "throughputMiBps: not set → 125 MiB/s, in place",
      expect.stringContaining("four modifications of a volume in 24 hours"),
    ]);
  });

  test("that shrinks or can't be made is refused with every reason and the way out", () => {
    const catalog = withProfiles({ open: { aws: { volumeType: "gp3", encrypted: false } } });
    const { verdict, problems, notes } = change(made("aws", "gold", 100), made("aws", "open", 50, catalog));
    expect(verdict).toBe("refused");
    expect(notes).toEqual([]);
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      "change-shrinks sizeGiB",
      "change-not-possible settings.encrypted",
    ]);
    expect(problems[1]?.fix).toContain("keep `encrypted: true`");
    const [encrypted] = change(made("aws", "open", 100, catalog), made("aws", "gold", 100)).problems;
    expect(encrypted?.fix).toContain("create a snapshot");
    expect(encrypted?.fix).toContain("keep `encrypted: false`");
  });

  test.each([
    ["scaleio", { provisioning: "thick" }, "provisioning"],
    ["scaleio", { storagePool: "p2" }, "storagePool"],
    ["scaleio", { protectionDomain: "d2" }, "protectionDomain"],
  ])("on %s of %j is refused", (backend, section, setting) => {
    const catalog = withProfiles({ other: { [backend]: section } });
    expect(change(made(backend, "default", 8), made(backend, "other", 8, catalog)).problems).toEqual([
      expect.objectContaining({ code: "change-not-possible", path: `settings.${setting}` }),
    ]);
  });

  test("on openstack may move the data, also back to the cloud's default type", () => {
    const catalog = withProfiles({ untyped: { openstack: {} } });
    expect(change(made("openstack", "gold", 8), made("openstack", "silver", 8)).verdict).toBe("migrates");
    expect(change(made("openstack", "gold", 8), made("openstack", "untyped", 8, catalog)).verdict).toBe("migrates");
  });

  test("between a loop device and a directory is refused both ways, with a way out for each", () => {
    const [loop, directory] = ["loop", "directory"].map((mode) =>
      volumeOf(resolve(founding, { name: "data", sizeGiB: 1, backend: "local", placement: { mode } })),
    );
    expect(change(loop!, directory!).problems[0]?.fix).toContain("run as root");
    expect(change(directory!, loop!).problems[0]?.fix).toContain("mode: directory");
  });

  test("to another backend is refused", () => {
    expect(change(made("local", "gold", 8), made("scaleio", "gold", 8)).problems).toEqual([
      expect.objectContaining({ code: "change-of-backend" }),
    ]);
  });

  test("says what it makes of the cost", () => {
    const [gold, silver] = ["gold", "silver"].map((profile) => on("aws", profile, 100).monthlyCost);
    expect(costDifference(gold, silver).map(({ message }) => message)).toEqual([
      "monthly cost: 207.50 USD → 13.00 USD (-194.50 USD)",
    ]);
    expect(costDifference(gold, gold)).toEqual([]);
    expect(costDifference(undefined, silver)[0]?.message).toBe(
      "monthly cost: unknown → 13.00 USD (difference unknown)",
    );
  });
});

describe("properties", () => {
  const whole = (max: number) => fc.integer({ min: 1, max });
  const rule = fc.oneof(
    whole(300000),
    fc.record(
      {
        perGiB: fc.oneof(whole(2000), fc.double({ min: 0.01, max: 100, noNaN: true })),
        min: whole(70000),
        max: whole(300000),
      },
      { requiredKeys: [] },
    ),
  );
  const profile: fc.Arbitrary<ProfileDefinition> = fc.record(
    {
      aws: fc.record(
        {
          volumeType: fc.constantFrom("cheapest", "gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"),
          iops: rule,
          throughputMiBps: whole(3000),
          encrypted: fc.boolean(),
          multiAttach: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
      scaleio: fc.record(
        { iopsLimit: fc.nat(20000), bandwidthLimitKBps: fc.nat(3e9), ramCache: fc.boolean() },
        { requiredKeys: [] },
      ),
      openstack: fc.record({ volumeType: fc.string({ minLength: 1 }) }, { requiredKeys: [] }),
      local: fc.record({ iops: rule, throughputMiBps: whole(2000) }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  );
  const size = fc.oneof(whole(70000), fc.constantFrom(1, 4, 6, 124, 125, 1024, 1025, 16384, 16385, 65536, 65537));
  const backend = fc.constantFrom(...backendNames);

  // EBS's rules once more, in another form than the code's data.
  const admits = ({ volumeType, iops, throughputMiBps, multiAttach }: AwsSettings, gib: number): boolean => {
    const sizes = {
      gp3: [1, 65536],
      gp2: [1, 16384],
      io1: [4, 16384],
      io2: [4, 65536],
      st1: [125, 16384],
      sc1: [125, 16384],
      standard: [1, 1024],
    }[volumeType];
    if (gib < sizes[0]! || gib > sizes[1]!) return false;
    if (multiAttach && !["io1", "io2"].includes(volumeType)) return false;
    if (volumeType === "io1") return iops! >= 100 && iops! <= Math.min(64000, 50 * gib) && throughputMiBps === null;
    if (volumeType === "io2") return iops! >= 100 && iops! <= Math.min(256000, 1000 * gib) && throughputMiBps === null;
    if (volumeType !== "gp3") return iops === null && throughputMiBps === null;
    return (
      iops! >= 3000 &&
      iops! <= Math.min(80000, Math.max(3000, 500 * gib)) &&
      throughputMiBps! >= 125 &&
      throughputMiBps! <= Math.min(2000, iops! / 4)
    );
  };

  test("what resolves has no setting beyond a limit", () => {
    let resolved = 0;
    fc.assert(
      fc.property(profile, size, backend, (p, sizeGiB, name) => {
        const { volume, problems } = on(name, "p", sizeGiB, withProfiles({ p }));
        expect(volume === undefined).toBe(problems.length > 0);
        if (!volume) return;
        resolved++;
        expect(volume.sizeGiB).toBeGreaterThanOrEqual(sizeGiB);
        const settings = volume.settings as never;
        if (name === "aws") expect([settings, admits(settings, sizeGiB)]).toEqual([settings, true]);
        if (name === "scaleio") {
          const { iopsLimit, bandwidthLimitKBps } = settings;
          expect(iopsLimit === 0 || iopsLimit >= 11).toBe(true);
          expect(bandwidthLimitKBps % 1024).toBe(0);
          expect(volume.sizeGiB % 8).toBe(0);
        }
      }),
      { numRuns: runs(3000) },
    );
    expect(resolved).toBeGreaterThan(runs(3000) / 6);
  });

  test("resolving is deterministic, and so are its JSON and the order of its keys", () => {
    fc.assert(
      fc.property(profile, size, backend, (p, sizeGiB, name) => {
        expect(JSON.stringify(on(name, "p", sizeGiB, withProfiles({ p })))).toBe(
          JSON.stringify(on(name, "p", sizeGiB, withProfiles({ p }))),
        );
      }),
      { numRuns: runs(100) },
    );
  });

  test("no request throws, however odd; a problem always says what, where, what is allowed and what to do", () => {
    const odd = fc.oneof(
      fc.string(),
      fc.double(),
      fc.constantFrom(undefined, null, NaN, -0, "", "__proto__", "constructor"),
      fc.anything(),
    );
    const known = Object.assign(
      {},
      problemKinds,
      ...backendNames.map((each) => backends[each].problems?.problemKinds),
    ) as object;
    const request = fc.record(
      { name: odd, profile: odd, sizeGiB: odd, size: odd, backend: fc.oneof(backend, odd), placement: odd },
      { requiredKeys: ["name"] },
    );
    fc.assert(
      fc.property(request, (each) => {
        const { problems, volume } = resolve(founding, each as VolumeRequest);
        expect(volume === undefined).toBe(problems.length > 0);
        for (const { code, path, message, allowed, fix } of problems) {
          expect(known).toHaveProperty([code]);
          expect([path, message].every((text) => typeof text === "string" && text.length > 0)).toBe(true);
          // Where the message says it all the rest is left out.
          expect([allowed, fix].every((text) => typeof text === "string" && text !== message)).toBe(true);
        }
      }),
      { numRuns: runs(5000) },
    );
  });

  test("a bigger volume never gets fewer IOPS from a per-GiB profile", () => {
    const perGiB = fc.record(
      {
        perGiB: fc.double({ min: 0.01, max: 60, noNaN: true }),
        min: whole(5000),
        max: fc.integer({ min: 5000, max: 64000 }),
      },
      { requiredKeys: ["perGiB"] },
    );
    fc.assert(
      fc.property(perGiB, whole(16000), whole(384), fc.constantFrom("aws", "local"), (iops, smaller, more, name) => {
        const catalog = withProfiles({ p: { aws: { volumeType: "io1", iops }, local: { iops } } });
        const iopsAt = (sizeGiB: number) => {
          const settings = on(name, "p", sizeGiB, catalog).volume?.settings;
          return settings && ("iopsLimit" in settings ? settings.iopsLimit : (settings as AwsSettings).iops);
        };
        const [before, after] = [iopsAt(smaller), iopsAt(smaller + more)];
        fc.pre(before != null && after != null);
        expect(after).toBeGreaterThanOrEqual(before);
      }),
      { numRuns: runs(100) },
    );
  });

  test("a change back undoes a change: in place both ways, or refused one way at least", () => {
    fc.assert(
      fc.property(profile, profile, size, backend, (p, q, sizeGiB, name) => {
        const catalog = withProfiles({ p, q });
        const [from, to] = [on(name, "p", sizeGiB, catalog).volume, on(name, "q", sizeGiB, catalog).volume];
        fc.pre(from !== undefined && to !== undefined);
        const [there, back] = [change(from, to), change(to, from)];
        if (there.verdict !== "refused" && back.verdict !== "refused") expect(there.verdict).toBe(back.verdict);
        expect(there.problems.length > 0).toBe(there.verdict === "refused");
        expect(there.verdict === "none").toBe(JSON.stringify(from.settings) === JSON.stringify(to.settings));
      }),
      { numRuns: runs(100) },
    );
  });
});

describe("a setting that comes by `extends`", () => {
  const profiles: Record<string, ProfileDefinition> = {
    own: { aws: { volumeType: "gp2", iops: 3000 } },
    fast: { extends: "silver", aws: { volumeType: "gp2", throughputMiBps: null } },
    faster: { extends: "fast" },
    base: { aws: { volumeType: "gp3", iops: 1 } },
    over: { extends: "base", description: "x" },
    again: { extends: "silver", aws: { volumeType: "gp2", iops: 500, throughputMiBps: null } },
    gold: { extends: "gold", aws: { volumeType: "gp2" } },
  };
  const told = (profile: string) =>
    resolve(withProfiles(profiles), { name: "data", profile, sizeGiB: 100, backend: "aws" }).problems.map(
      ({ path, message, fix }) => ({ path, message, fix }),
    );
  const at = (profile: string) => `storage-profiles:profiles.${profile}.aws`;

  test("is named where it stands, with `null` as the way to take it away", () => {
    expect(told("own")).toMatchObject([
      {
        message: "\"iops\" can't be set: gp2 doesn't support provisioned IOPS",
        fix: expect.stringMatching(/, or remove `iops`$/),
      },
    ]);
    // In the file there is nothing to remove.
    const ofSilver =
      "\"iops\" can't be set: gp2 doesn't support provisioned IOPS (inherited from the built-in profile silver)";
    expect(told("fast")).toEqual([
      {
        path: `${at("fast")}.iops`,
        message: ofSilver,
        fix: expect.stringMatching(/, or set `iops: null` in storage-profiles:profiles\.fast\.aws$/),
      },
    ]);
    expect(told("faster")).toEqual([
      {
        path: `${at("faster")}.iops`,
        message: ofSilver,
        fix: expect.stringMatching(/, or set `iops: null` in storage-profiles:profiles\.faster\.aws$/),
      },
    ]);
    // Removed, it would be silver's again.
    expect(told("again")).toMatchObject([
      {
        message: expect.not.stringContaining("comes from"),
        fix: expect.stringMatching(/, or set `iops: null` in storage-profiles:profiles\.again\.aws$/),
      },
    ]);
    expect(told("gold")).toMatchObject([
      { message: expect.stringContaining("(inherited from the built-in profile gold)") },
    ]);
    // Whatever is wrong with it.
    expect(told("over")).toMatchObject([
      {
        path: `${at("over")}.iops`,
        message: expect.stringContaining(`(inherited from ${at("base")}.iops)`),
        fix: expect.stringMatching(/; or set `iops: null` in storage-profiles:profiles\.over\.aws$/),
      },
    ]);
  });

  test("where `null` is offered, the problem is none any more with it", () => {
    for (const profile of Object.keys(profiles)) {
      for (const { path, fix } of told(profile)) {
        const [, setting] = /set `(\w+): null`/.exec(fix) ?? [];
        if (setting === undefined) continue;
        const changed = { ...profiles[profile], aws: { ...profiles[profile]?.aws, [setting]: null } };
        const catalog = withProfiles({ ...profiles, [profile]: changed });
        const { problems } = resolve(catalog, { name: "data", profile, sizeGiB: 100, backend: "aws" });
        expect(problems.map((each) => each.path)).not.toContain(path);
      }
    }
  });
});
