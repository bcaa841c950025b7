// OpenStack Cinder in the pure core: what a profile becomes, the volume types that profiles make, and what a cloud's answers mean.

import * as fc from "fast-check";

import { admittedSizes, change, makeCatalog, readConfig, resolve, type ResolvedVolume } from "../../../src";
import { sizesText } from "../../../src/core/problems";
import type { OpenstackSettings } from "../../../src/backends/openstack/settings";
import {
  judgeLeftOver,
  judgeRetype,
  quotaProblems,
  typeProblems,
  zoneProblems,
  type CinderFacts,
  type CinderVolume,
  type Demand,
  type Retype,
} from "../../../src/backends/openstack/facts";
import { sizesOf, volumeTypeToMake, type Specs } from "../../../src/backends/openstack/specs";
import { volumeTypesOf } from "../../../src/backends/openstack/types";
import { runs } from "../../support/property";

const ID = "11111111-2222-4333-8444-555555555555";

function ask(section: object, { placement = {}, sizeGiB = 10 }: { placement?: object; sizeGiB?: number } = {}) {
  const { config, problems } = readConfig({ profiles: { value: { own: { openstack: section } } } });
  const catalog = makeCatalog(config);
  const resolution = resolve(catalog, { name: "data@own", sizeGiB, backend: "openstack", placement });
  return { ...resolution, problems: [...problems, ...resolution.problems] };
}
const settingsOf = (section: object, more = {}) => ask(section, more).volume?.settings as OpenstackSettings;
const told = (section: object, more = {}) => ask(section, more).problems.map(({ code, path }) => `${path} ${code}`);

describe("the settings of a volume", () => {
  const complete = {
    volumeType: null,
    migrationPolicy: "never",
    availabilityZone: null,
    snapshotId: null,
    imageId: null,
    sourceVolumeId: null,
    description: null,
    metadata: {},
  };

  test("are always the complete set", () => {
    expect(settingsOf({})).toEqual(complete);
    const all = { volumeType: "gold", migrationPolicy: "on-demand", description: "fast", metadata: { b: "2", a: "1" } };
    const placement = { availabilityZone: "nova", snapshotId: ID, description: "mine", metadata: { a: "0" } };
    const made = settingsOf(all, { placement });
    expect(made).toEqual({
      ...complete,
      ...{ volumeType: "gold", migrationPolicy: "on-demand", description: "mine" },
      ...{ availabilityZone: "nova", snapshotId: ID, metadata: { a: "0", b: "2" } },
    });
    expect(Object.keys(made.metadata)).toEqual(["a", "b"]);
    expect(Object.keys(settingsOf({ volumeType: null, description: null, metadata: null })).sort()).toEqual(
      Object.keys(complete).sort(),
    );
  });

  test("take the profile's name for the type that it makes, unless it says another", () => {
    expect(settingsOf({ specs: {} }).volumeType).toBe("own");
    expect(settingsOf({ specs: {}, volumeType: "other" }).volumeType).toBe("other");
  });

  test("that the volume says itself count, with a note where they differ", () => {
    const placement = { description: "mine", metadata: { a: "1", same: "x" } };
    const { notes } = ask({ description: "all", metadata: { a: "0", same: "x" } }, { placement });
    expect(notes.map(({ path }) => path)).toEqual([
      "storage-profiles:profiles.own.openstack.description",
      "storage-profiles:profiles.own.openstack.metadata.a",
    ]);
  });

  test.each([
    [{ volumeTyp: "x" }, {}, ["storage-profiles:profiles.own.openstack.volumeTyp unknown-key"]],
    [{ volumeType: "" }, {}, ["storage-profiles:profiles.own.openstack.volumeType value-out-of-range"]],
    [{ migrationPolicy: "allways" }, {}, ["storage-profiles:profiles.own.openstack.migrationPolicy value-not-allowed"]],
    [{}, { snapshotId: ID, imageId: ID }, ["placement.imageId setting-not-applicable"]],
    [{}, { snapshotId: "snap-1" }, ["placement.snapshotId value-invalid"]],
  ])("%j with %j is refused: %j", (section, placement, expected) => {
    expect([...new Set(told(section, { placement }))].filter((each) => !each.endsWith(" profile-unknown"))).toEqual(
      expect.arrayContaining(expected),
    );
  });

  test.each(["storage-profiles.stack", "readonly", "attached_mode", "", "x".repeat(256)])(
    "can't have metadata with the key %j",
    (key) => {
      expect(told({}, { placement: { metadata: { [key]: "v" } } })).toHaveLength(1);
      expect(told({}, { placement: { metadata: { ["x".repeat(255)]: "v".repeat(255) } } })).toEqual([]);
      expect(told({}, { placement: { metadata: { k: "v".repeat(256) } } })).toHaveLength(1);
    },
  );

  test("are held to the sizes of a type that the profile makes, at their edges", () => {
    const extraSpecs = { "provisioning:min_vol_size": "10", "provisioning:max_vol_size": "20" };
    for (const [sizeGiB, isGood] of [
      [9, false],
      [10, true],
      [20, true],
      [21, false],
    ] as const) {
      expect([sizeGiB, told({ specs: { extraSpecs } }, { sizeGiB }).length === 0]).toEqual([sizeGiB, isGood]);
    }
    expect(ask({ specs: { extraSpecs } }, { sizeGiB: 9 }).problems[0]).toMatchObject({
      code: "size-beyond-limit",
      message: 'a volume of type "own" must be at least 10 GiB, not 9 GiB',
      allowed: "10 to 20 GiB",
    });
  });
});

describe("a change", () => {
  const volume = (settings: Partial<OpenstackSettings>): ResolvedVolume => ({
    ...{ name: "data", profile: "own", revision: "r", backend: "openstack", sizeGiB: 10 },
    settings: { ...settingsOf({}), ...settings },
  });
  const verdict = (from: Partial<OpenstackSettings>, to: Partial<OpenstackSettings>) =>
    change(volume(from), volume(to)).verdict;

  test.each([
    [{ volumeType: "a" }, { volumeType: "b" }, "migrates"],
    [{ volumeType: "a" }, { volumeType: null }, "migrates"],
    [{ migrationPolicy: "never" }, { migrationPolicy: "on-demand" }, "in-place"],
    [{ description: "a" }, { description: null }, "in-place"],
    [{ metadata: { a: "1" } }, { metadata: {} }, "in-place"],
    [{ availabilityZone: "a" }, { availabilityZone: "b" }, "refused"],
    [{ availabilityZone: "a" }, { availabilityZone: null }, "none"],
    [{ snapshotId: ID }, { snapshotId: null }, "in-place"],
    [{ snapshotId: null }, { snapshotId: ID }, "refused"],
    [{ imageId: null }, { imageId: ID }, "refused"],
    [{ sourceVolumeId: ID }, { sourceVolumeId: "other" }, "refused"],
  ] as [Partial<OpenstackSettings>, Partial<OpenstackSettings>, string][])(
    "from %j to %j: %s",
    (from, to, expected) => {
      expect(verdict(from, to)).toBe(expected);
    },
  );

  test("of what a profile says can always be made, and taken back", () => {
    const some = fc.record({
      volumeType: fc.constantFrom(null, "a", "b"),
      migrationPolicy: fc.constantFrom("never" as const, "on-demand" as const),
      description: fc.constantFrom(null, "x"),
      metadata: fc.dictionary(fc.constantFrom("k", "l"), fc.string({ maxLength: 3 })),
    });
    fc.assert(
      fc.property(some, some, (from, to) => {
        expect(verdict(from, to)).not.toBe("refused");
        expect(verdict(to, from)).not.toBe("refused");
      }),
      { numRuns: runs(100) },
    );
  });
});

describe("a volume type that a profile makes", () => {
  const make = (specs: Specs) => volumeTypeToMake("gold", specs, "at");
  const qosOf = (qos: NonNullable<Specs["qos"]>) => make({ qos }).type.qos;

  test("has Cinder's names for every kind of limit", () => {
    expect(qosOf({ iops: 100 })).toEqual({ consumer: "front-end", specs: { total_iops_sec: "100" } });
    expect(qosOf({ readIops: { limit: 100, burst: 300 }, writeThroughputMiBps: 0.5 })?.specs).toEqual({
      read_iops_sec: "100",
      read_iops_sec_max: "300",
      write_bytes_sec: "524288",
    });
    expect(qosOf({ iops: { perGiB: 30, min: 100, max: 10000 }, throughputMiBps: { perGiB: 1 } })?.specs).toEqual({
      total_iops_sec_per_gb: "30",
      total_iops_sec_per_gb_min: "100",
      total_iops_sec_max: "10000",
      total_bytes_sec_per_gb: "1048576",
    });
    expect(qosOf({ consumer: "back-end", specs: { maxIOPS: 5, minIOPS: "1" } })).toEqual({
      consumer: "back-end",
      specs: { maxIOPS: "5", minIOPS: "1" },
    });
    expect(make({}).type).toEqual({ name: "gold", description: null, projects: null, extraSpecs: {}, qos: null });
  });

  test("limits volumes of every size as the profile says, by Cinder's own rule", () => {
    // cinder/volume/manager.py, 29.0: value = per_gb * size; at least _per_gb_min; at most _max.
    const cinder = (specs: Record<string, string>, sizeGiB: number) => {
      const number = (key: string) => (specs[key] === undefined ? undefined : Number(specs[key]));
      const perGb = number("total_iops_sec_per_gb");
      if (perGb === undefined) return number("total_iops_sec");
      const value = Math.max(number("total_iops_sec_per_gb_min") ?? 0, perGb * sizeGiB);
      return Math.min(value, number("total_iops_sec_max") ?? value);
    };
    const whole = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(
        whole,
        fc.option(whole),
        fc.option(whole),
        fc.integer({ min: 1, max: 16_384 }),
        (perGiB, a, b, sizeGiB) => {
          const [min, max] = a !== null && b !== null ? [Math.min(a, b), Math.max(a, b)] : [a, b];
          const rule = { perGiB, ...(min !== null && { min }), ...(max !== null && { max }) };
          const wanted = Math.min(Math.max(perGiB * sizeGiB, min ?? 0), max ?? Infinity);
          expect(cinder(qosOf({ iops: rule })?.specs ?? {}, sizeGiB)).toBe(wanted);
        },
      ),
      { numRuns: runs(100) },
    );
  });

  test.each([
    [{ qos: { iops: 0 } }, "specs.qos.iops"],
    [{ qos: { iops: { limit: 5, burst: 4 } } }, "specs.qos.iops.burst"],
    [{ qos: { iops: { perGiB: 5, min: 9, max: 8 } } }, "specs.qos.iops"],
    [{ qos: { throughputMiBps: 0.1 } }, "specs.qos.throughputMiBps"],
    [{ qos: { iops: 5, readIops: 5 } }, "specs.qos.readIops"],
    [{ qos: { consumer: "back-end", iops: 5 } }, "specs.qos.iops"],
    [{ qos: { consumer: "frontend" } }, "specs.qos.consumer"],
    [{ extraSpecs: { "provisioning:min_vol_size": "ten" } }, "specs.extraSpecs.provisioning:min_vol_size"],
    [{ extraSpec: {} }, "specs.extraSpec"],
  ])("with %j is refused at its path", (specs, path) => {
    const { problems } = ask({ specs });
    expect(problems.map((each) => each.path.replace(/"|\[|\]/g, "").replace("openstack.", ""))).toContainEqual(
      expect.stringContaining(`storage-profiles:profiles.own.${path}`),
    );
  });

  test.each<[object, string[]]>([
    [{ perGiB: "5" }, ["wrong-type perGiB"]],
    [{ perGib: 5 }, ["wrong-type perGiB", "unknown-key perGib"]],
    [{ perGiB: 5, limit: 3 }, ["unknown-key limit"]],
    [{ limit: 5, bursts: 9 }, ["wrong-type burst", "unknown-key bursts"]],
  ])("has a limit in one of three forms; what is wrong with %j is said of the one that is meant", (iops, expected) => {
    const problems = ask({ specs: { qos: { iops } } }).problems.filter(({ code }) => code !== "profile-unknown");
    expect(problems.map(({ code, path }) => `${code} ${path.replace(/^.*iops\./, "")}`)).toEqual(expected);
    for (const { fix } of problems) expect(fix).not.toMatch(/remove "perGiB"|did you mean "limit"/);
  });

  test("has sizes from one to another, and no more than Cinder can have", () => {
    const bounded = (min: string, max: string, sizeGiB = 100) =>
      ask(
        { specs: { extraSpecs: { "provisioning:min_vol_size": min, "provisioning:max_vol_size": max } } },
        { sizeGiB },
      ).problems.map(({ code, allowed, fix }) => [code, allowed, fix]);
    expect(bounded("200", "50")).toEqual([["value-invalid", "200 or more, as text", ""]]);
    expect(bounded("9999999999", "99999999999")).toEqual([
      ["size-beyond-limit", "9,999,999,999 GiB or more", "change the type's extra specs"],
    ]);
    // A limit that only numbers of 32 bits have is none that anybody meets.
    expect(ask({}, { sizeGiB: 2 ** 31 }).problems).toMatchObject([{ code: "size-beyond-limit", fix: "" }]);
    expect(admittedSizes(makeCatalog(), { profile: "default", backend: "openstack" }).admitted).toMatchObject([
      { ranges: [{ fromGiB: 1, toGiB: 2_147_483_647 }] },
    ]);
    expect(sizesText(1, 2_147_483_647)).toBe("1 GiB or more");
    expect(sizesText(5, 5)).toBe("5 GiB");
  });

  test("is made once for all profiles that say the same of it, and refused where they differ", () => {
    const catalogOf = (profiles: object) => makeCatalog(readConfig({ profiles: { value: profiles } }).config);
    const specs = { extraSpecs: { volume_backend_name: "fast" } };
    const same = volumeTypesOf(
      catalogOf({ a: { openstack: { specs, volumeType: "t" } }, b: { extends: "a" }, c: { openstack: { specs } } }),
    );
    expect(same.problems).toEqual([]);
    expect(same.types.map(({ name, profiles }) => [name, profiles])).toEqual([
      ["c", ["c"]],
      ["t", ["a", "b"]],
    ]);
    const { problems } = volumeTypesOf(
      catalogOf({
        a: { openstack: { specs, volumeType: "t" } },
        b: { extends: "a", openstack: { specs: { qos: { iops: 5 } } } },
        c: { extends: "a", openstack: { specs: null } },
      }),
    );
    expect(problems).toEqual([
      expect.objectContaining({ code: "specs-differ", path: "storage-profiles:profiles.b.openstack.specs" }),
    ]);
  });
});

describe("what a cloud tells", () => {
  const paths = { volumeType: "type", size: "size" };
  const facts = (more: Partial<CinderFacts> = {}): CinderFacts => ({
    types: [
      { name: "gold", extraSpecs: {} },
      { name: "small", extraSpecs: { "provisioning:min_vol_size": "2", "provisioning:max_vol_size": "8" } },
    ],
    defaultType: "small",
    quotas: {},
    ...more,
  });

  test("of types: one that isn't there is refused with those that are, and never the default instead", () => {
    expect(typeProblems(facts(), { volumeType: "golld", sizeGiB: 1 }, paths)).toEqual([
      expect.objectContaining({
        code: "place-unknown",
        path: "type",
        allowed: "gold, small",
        fix: 'did you mean "gold"?',
      }),
    ]);
    for (const volumeType of ["small", null]) {
      const good = [1, 2, 8, 9].map((sizeGiB) => typeProblems(facts(), { volumeType, sizeGiB }, paths).length === 0);
      expect(good).toEqual([false, true, true, false]);
    }
    expect(typeProblems(facts(), { volumeType: "small", sizeGiB: 9 }, paths)[0]?.fix).toContain("use type gold");
    expect(typeProblems(facts({ defaultType: undefined }), { volumeType: null, sizeGiB: 1 }, paths)).toEqual([]);
    expect(sizesOf({ "provisioning:min_vol_size": "0", "provisioning:max_vol_size": "x" })).toEqual({});
  });

  const demand = (name: string, more: Partial<Demand> = {}): Demand => ({
    ...{ name, volumeType: "gold", sizeGiB: 10, moreGiB: 10, isNew: true, isNewToType: true },
    ...more,
  });

  test("of quotas: refused exactly when what is used and what all volumes ask for is more than the limit", () => {
    const amount = fc.integer({ min: 0, max: 50 });
    fc.assert(
      fc.property(
        fc.integer({ min: -1, max: 100 }),
        amount,
        amount,
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (limit, inUse, reserved, sizes) => {
          const demands = sizes.map((sizeGiB, index) => demand(`data${index}`, { sizeGiB, moreGiB: sizeGiB }));
          const total = sizes.reduce((sum, each) => sum + each, 0);
          const quota = { limit, inUse, reserved };
          const codes = (quotas: CinderFacts["quotas"]) =>
            quotaProblems(facts({ quotas }), demands, demands[0]!, paths).map(({ code }) => code);
          const isOver = (asked: number) => limit >= 0 && inUse + reserved + asked > limit;
          for (const name of ["gigabytes", "gigabytes_gold"]) {
            expect(codes({ [name]: quota })).toEqual(isOver(total) ? ["quota-exceeded"] : []);
          }
          for (const name of ["volumes", "volumes_gold"]) {
            expect(codes({ [name]: quota })).toEqual(isOver(sizes.length) ? ["quota-exceeded"] : []);
          }
          expect(codes({ gigabytes_silver: quota, volumes_silver: quota, snapshots: quota })).toEqual([]);
        },
      ),
      { numRuns: runs(100) },
    );
  });

  test("of quotas: growth takes what is more, a retype takes all of it of its new type, and the numbers are told", () => {
    const quotas = { gigabytes: { limit: 100, inUse: 95, reserved: 0 }, volumes: { limit: 1, inUse: 1, reserved: 0 } };
    const grown = (moreGiB: number) => demand("data", { moreGiB, isNew: false, isNewToType: false });
    expect(quotaProblems(facts({ quotas }), [grown(5)], grown(5), paths)).toEqual([]);
    const [own, other] = [grown(6), demand("other", { moreGiB: 20, isNew: false })];
    expect(quotaProblems(facts({ quotas }), [own, other], own, paths)).toEqual([
      expect.objectContaining({
        message: 'quota "gigabytes" has 5 of 100 GiB left; this run requires 26 more: 6 here, the rest for other',
        allowed: "up to 5 GiB more",
      }),
    ]);
    const retyped = demand("data", { moreGiB: 0, isNew: false, isNewToType: true });
    const ofType = { gigabytes_gold: { limit: 9, inUse: 0, reserved: 0 } };
    expect(quotaProblems(facts({ quotas: ofType }), [retyped], retyped, paths)).toHaveLength(1);
    const big = demand("data", { sizeGiB: 11, moreGiB: 1 });
    const each = { per_volume_gigabytes: { limit: 10, inUse: 0, reserved: 0 } };
    expect(quotaProblems(facts({ quotas: each }), [big], big, paths)).toEqual([
      expect.objectContaining({ code: "size-beyond-limit", allowed: "1 to 10 GiB" }),
    ]);
    const byDefault = demand("data", { volumeType: null });
    const small = { volumes_small: { limit: 0, inUse: 0, reserved: 0 } };
    expect(quotaProblems(facts({ quotas: small }), [byDefault], byDefault, paths)).toHaveLength(1);
  });

  test("of zones", () => {
    expect(zoneProblems(["nova", "b"], "nova", "zone")).toEqual([]);
    expect(zoneProblems(["nova", "b"], "nova1", "zone")).toEqual([
      expect.objectContaining({ code: "place-unknown", path: "zone", allowed: "b, nova", fix: 'did you mean "nova"?' }),
    ]);
  });

  const now = new Date("2026-11-24T12:00:00Z");
  const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
  const seen = (more: Partial<CinderVolume> = {}): CinderVolume => ({
    ...{
      id: ID,
      name: "data",
      status: "available",
      sizeGiB: 10,
      volumeType: "a",
      encrypted: false,
      multiattach: false,
    },
    ...{ attachments: 0, grouped: false, createdAt: ago(5), updatedAt: ago(5), metadata: {} },
    ...more,
  });

  describe("of a retype", () => {
    const judge = (more: Partial<Omit<Retype, "volume">> & { volume?: Partial<CinderVolume> }) => {
      const { volume, ...others } = more;
      const [from, to] = [
        { name: "a", extraSpecs: {} },
        { name: "b", extraSpecs: {} },
      ];
      const all = {
        from,
        to,
        volumeType: "b",
        migrationPolicy: "never" as const,
        snapshots: 0,
        path: "type",
        ...others,
      };
      return judgeRetype({ ...all, volume: seen(volume) });
    };
    const inUse = { status: "in-use", attachments: 1 };
    const type = (more: object, extraSpecs: Record<string, string> = {}) => ({ name: "t", extraSpecs, ...more });
    const fast = type({}, { volume_backend_name: "fast" });
    const slow = type({}, { volume_backend_name: "slow" });
    const multi = { multiattach: "<is> True" };

    test.each([
      ["nothing stands against it", {}, undefined],
      ["in use", { volume: inUse }, undefined],
      ["being made", { volume: { status: "creating" } }, 'the status is "creating"'],
      ["in a group", { volume: { grouped: true } }, "part of a volume group"],
      ["multi-attach comes, available", { to: type({}, multi) }, undefined],
      ["multi-attach comes, in use", { volume: inUse, to: type({}, multi) }, "switched on"],
      ["multi-attach goes, in use", { volume: { ...inUse, multiattach: true } }, "switched off"],
      [
        "encrypted multi-attach",
        { to: type({ encrypted: true }, multi), migrationPolicy: "on-demand" },
        "both encrypted and multi-attach",
      ],
      [
        "other QoS, in use",
        { volume: inUse, from: type({ frontEndQos: "1" }), to: type({ frontEndQos: null }) },
        "front-end QoS",
      ],
      [
        "same QoS, in use",
        { volume: inUse, from: type({ frontEndQos: "1" }), to: type({ frontEndQos: "1" }) },
        undefined,
      ],
      ["other QoS, available", { from: type({ frontEndQos: "1" }), to: type({ frontEndQos: "2" }) }, undefined],
      ["QoS not told, in use", { volume: inUse, from: type({ frontEndQos: "1" }) }, undefined],
      ["encryption, never", { to: type({ encrypted: true }) }, "to encrypt it"],
      ["decryption, never", { volume: { encrypted: true }, to: type({ encrypted: false }) }, "to decrypt it"],
      ["encryption, on demand", { to: type({ encrypted: true }), migrationPolicy: "on-demand" }, undefined],
      [
        "encryption, in use",
        { volume: inUse, to: type({ encrypted: true }), migrationPolicy: "on-demand" },
        "while it is in use",
      ],
      ["another backend, never", { from: fast, to: slow }, 'set|"b" is on another backend'],
      ["another backend, on demand", { from: fast, to: slow, migrationPolicy: "on-demand" }, undefined],
      [
        "another backend with snapshots",
        { from: fast, to: slow, migrationPolicy: "on-demand", snapshots: 2 },
        "while it has snapshots \\(2\\)",
      ],
      ["the backend not told", { to: slow }, undefined],
      ["types not told", { from: undefined, to: undefined, snapshots: undefined }, undefined],
    ] as [string, Parameters<typeof judge>[0], string | undefined][])("%s", (_, more, expected) => {
      const { problems } = judge(more);
      expect(problems.map(({ code }) => code)).toEqual(expected === undefined ? [] : ["retype-not-possible"]);
      if (expected !== undefined) expect(problems[0]?.message).toMatch(new RegExp(expected));
    });

    test("notes that snapshots may be in the way where it isn't told whether it must move", () => {
      expect(judge({ migrationPolicy: "on-demand", snapshots: 1 }).notes).toEqual([
        expect.objectContaining({ code: "retype-unsure" }),
      ]);
      expect(judge({ snapshots: 1 }).notes).toEqual([]);
    });
  });

  test.each([
    ["young and unattached", {}, "adopt"],
    ["as old as it may be", { createdAt: ago(24 * 60) }, "adopt"],
    ["older", { createdAt: ago(24 * 60 + 1) }, "refuse"],
    ["attached", { attachments: 1 }, "refuse"],
    ["in use", { status: "in-use" }, "refuse"],
    ["as big as is asked for", { sizeGiB: 20 }, "adopt"],
    ["bigger", { sizeGiB: 21 }, "refuse"],
    ["being made", { status: "creating" }, "refuse"],
    ["a creation that failed", { status: "error", createdAt: ago(60), updatedAt: ago(50) }, "delete"],
    ["an error that came later", { status: "error", createdAt: ago(60), updatedAt: ago(49) }, "refuse"],
    [
      "an old creation that failed",
      { status: "error", createdAt: ago(24 * 60 + 1), updatedAt: ago(24 * 60) },
      "refuse",
    ],
    ["an attached one in error", { status: "error", attachments: 1 }, "refuse"],
  ] as [string, Partial<CinderVolume>, string][])("of a volume that nobody's state knows: %s", (_, more, verdict) => {
    expect(judgeLeftOver(seen(more), { sizeGiB: 20, now }).verdict).toBe(verdict);
  });
});
