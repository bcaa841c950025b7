// Amazon EBS, pure: every limit at its edges, what may change, what it costs, and where a profile ends. The numbers are written out
// again here (EC2's API model, the CSI driver), so that a slip in the data shows.

import * as fc from "fast-check";

import {
  admittedSizes,
  change,
  makeCatalog,
  resolve,
  withPricesOf,
  type Catalog,
  type ProfileDefinition,
  type Resolution,
  type ResolvedVolume,
} from "../../../src";
import type { AwsSettings } from "../../../src/backends/aws/settings";
import type { AwsVolume } from "../../../src/backends/aws/placement";
import { runs } from "../../support/property";

type Section = NonNullable<ProfileDefinition["aws"]>;

const KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER_KEY = KEY.replace("1234abcd", "abcd1234");
const types = ["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"] as const;

const catalogOf = (aws: Section) => makeCatalog({ profiles: { fast: { aws } } });
const on = (catalog: Catalog, sizeGiB: number, placement: AwsVolume & { region?: string } = {}) =>
  resolve(catalog, { name: "data@fast", sizeGiB, backend: "aws", placement: { region: "us-east-1", ...placement } });
const resolved = (aws: Section, sizeGiB = 200, placement: AwsVolume = {}) => on(catalogOf(aws), sizeGiB, placement);
// The same without putting a catalog together each time, for properties.
const base = catalogOf({ volumeType: "gp3" });
const quickly = (aws: Section, sizeGiB: number, placement: object = {}) => {
  const fast = { ...base.profiles["fast"]!, sections: { aws: JSON.parse(JSON.stringify(aws)) as typeof aws } };
  return on({ ...base, profiles: { ...base.profiles, fast } }, sizeGiB, placement);
};
const codes = ({ problems }: Resolution) => problems.map(({ code }) => code);
const notes = (resolution: Resolution) => resolution.notes.map(({ message }) => message);
const volumeOf = (resolution: Resolution): ResolvedVolume => {
  if (!resolution.volume) throw new Error(JSON.stringify(resolution.problems));
  return resolution.volume;
};
const settingsOf = (resolution: Resolution) => volumeOf(resolution).settings as AwsSettings;

/** A section that has no problem at 200 GiB, for each type. */
const plain: Record<(typeof types)[number], Section> = {
  gp3: { volumeType: "gp3", iops: 3000, throughputMiBps: 125 },
  gp2: { volumeType: "gp2" },
  io1: { volumeType: "io1", iops: 200 },
  io2: { volumeType: "io2", iops: 200 },
  st1: { volumeType: "st1" },
  sc1: { volumeType: "sc1" },
  standard: { volumeType: "standard" },
};

describe("each limit, at its edges", () => {
  test.each([
    ["gp3", 1, 65536],
    ["gp2", 1, 16384],
    ["io1", 4, 16384],
    ["io2", 4, 65536],
    ["st1", 125, 16384],
    ["sc1", 125, 16384],
    ["standard", 1, 1024],
  ] as const)("%s has %d to %d GiB", (type, min, max) => {
    const at = (sizeGiB: number) => codes(resolved(plain[type], sizeGiB));
    expect([min, max].flatMap(at)).toEqual([]);
    expect(at(max + 1)).toEqual(["size-beyond-limit"]);
    if (min > 1) expect(at(min - 1)).toContain("size-beyond-limit");
  });

  test.each([
    ["gp3", 1, 3000, 3000],
    ["gp3", 6, 3000, 3000],
    ["gp3", 7, 3000, 3500],
    ["gp3", 159, 3000, 79500],
    ["gp3", 160, 3000, 80000],
    ["gp3", 65536, 3000, 80000],
    ["io1", 4, 100, 200],
    ["io1", 1279, 100, 63950],
    ["io1", 1280, 100, 64000],
    ["io1", 16384, 100, 64000],
    ["io2", 4, 100, 4000],
    ["io2", 255, 100, 255000],
    ["io2", 256, 100, 256000],
    ["io2", 65536, 100, 256000],
  ] as const)("%s at %d GiB has %d to %d IOPS", (volumeType, sizeGiB, min, max) => {
    const at = (iops: number) => resolved({ volumeType, iops }, sizeGiB);
    expect([min, max].flatMap((iops) => codes(at(iops)))).toEqual([]);
    for (const beyond of [min - 1, max + 1]) {
      expect(at(beyond).problems).toEqual([expect.objectContaining({ code: "iops-beyond-limit", given: beyond })]);
      const allowed = `${min.toLocaleString("en-US")} to ${max.toLocaleString("en-US")} IOPS`;
      expect(at(beyond).problems[0]?.allowed).toBe(allowed);
    }
  });

  test.each([
    [3000, 125, 750],
    [3003, 125, 750],
    [3004, 125, 751],
    [7996, 125, 1999],
    [8000, 125, 2000],
    [80000, 125, 2000],
  ])("gp3 with %d IOPS has %d to %d MiB/s", (iops, min, max) => {
    const at = (throughputMiBps: number) => resolved({ volumeType: "gp3", iops, throughputMiBps });
    expect([min, max].flatMap((each) => codes(at(each)))).toEqual([]);
    for (const beyond of [min - 1, max + 1]) {
      expect(at(beyond).problems).toEqual([expect.objectContaining({ code: "throughput-beyond-limit" })]);
    }
  });

  test.each(types.filter((type) => !["gp3", "io1", "io2"].includes(type)))("%s has no IOPS", (volumeType) => {
    expect(codes(resolved({ volumeType, iops: 3000 }))).toEqual(["setting-not-applicable"]);
  });

  test.each(types.filter((type) => type !== "gp3"))("%s has no throughput", (type) => {
    expect(codes(resolved({ ...plain[type], throughputMiBps: 200 }))).toEqual(["setting-not-applicable"]);
  });

  test.each(types)("%s: whether several instances may attach it", (type) => {
    const able = type === "io1" || type === "io2";
    expect(codes(resolved({ ...plain[type], multiAttach: true }))).toEqual(able ? [] : ["setting-not-applicable"]);
  });

  test.each([
    [99, ["throughput-beyond-limit"]],
    [100, []],
    [300, []],
    [301, ["throughput-beyond-limit"]],
  ])("a snapshot comes at %d MiB/s: %j", (volumeInitializationRate, expected) => {
    const section: Section = { volumeType: "gp2", snapshotId: "snap-1", volumeInitializationRate };
    expect(codes(resolved(section))).toEqual(expected);
  });

  test("without a snapshot there is no rate, wherever it was asked for", () => {
    const rate = { volumeInitializationRate: 200 };
    const where = (resolution: Resolution) => resolution.problems.map(({ code, path }) => `${code} ${path}`);
    expect(where(resolved({ volumeType: "gp2", ...rate }))).toEqual([
      "setting-not-applicable storage-profiles:profiles.fast.aws.volumeInitializationRate",
    ]);
    expect(where(resolved({ volumeType: "gp2" }, 200, rate))).toEqual([
      "setting-not-applicable placement.volumeInitializationRate",
    ]);
  });

  test.each([
    ["50 with Name", Object.fromEntries(Array.from({ length: 49 }, (_, i) => [`k${i}`, "v"])), []],
    [
      "51 with Name",
      Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, "v"])),
      ["value-out-of-range up to 50 tags, including Name"],
    ],
    ["a key of 128", { ["k".repeat(128)]: "v" }, []],
    ["a key of 129", { ["k".repeat(129)]: "v" }, ["value-out-of-range keys of 1 to 128 characters"]],
    ["no key", { "": "v" }, ["value-out-of-range keys of 1 to 128 characters"]],
    ["a value of 256", { k: "v".repeat(256) }, []],
    ["a value of 257", { k: "v".repeat(257) }, ["value-out-of-range values of up to 256 characters"]],
    ["one of AWS's own", { "aws:x": "v" }, [expect.stringContaining("value-invalid")]],
    ["one of AWS's own, spelt otherwise", { "AWS:x": "v" }, [expect.stringContaining("value-invalid")]],
    ["one that only looks so", { awsome: "v" }, []],
  ])("tags: %s", (_, tags, expected) => {
    for (const each of [resolved({ volumeType: "gp2", tags }), resolved({ volumeType: "gp2" }, 200, { tags })]) {
      expect(each.problems.map(({ code, allowed }) => `${code} ${allowed}`)).toEqual(expected);
    }
  });

  test.each([
    [KEY, true, []],
    [KEY, false, ["setting-not-applicable"]],
    ["arn:aws:kms:us-east-1:111122223333:alias/mine", true, ["value-invalid"]],
    ["1234abcd-12ab-34cd-56ef-1234567890ab", true, ["value-invalid"]],
  ])("a KMS key %s, encrypted %s: %j", (kmsKeyId, encrypted, expected) => {
    expect(codes(resolved({ volumeType: "gp2", kmsKeyId, encrypted }))).toEqual(expected);
  });

  test("what is wrong with a KMS key or a reserved tag is said in words, with what to do", () => {
    const alias = "arn:aws:kms:us-east-1:111122223333:alias/mine";
    const [first, second, third] = [
      ...resolved({ volumeType: "gp2", encrypted: true, kmsKeyId: alias, tags: { "aws:x": "v" } }).problems,
      ...resolved({ volumeType: "gp2", encrypted: true, kmsKeyId: "mine" }).problems,
    ];
    expect(first?.message).toContain("this is an alias");
    expect(first?.allowed).toContain("the ARN of a KMS key");
    expect(second).toMatchObject({
      message: "tag keys that begin with `aws:` are reserved for AWS",
      fix: 'rename or remove the tag "aws:x"',
    });
    expect(third?.message).toBe('"mine" is not the ARN of a KMS key');
    const [snapshot] = resolved({ volumeType: "gp2", snapshotId: "x" }).problems;
    expect(snapshot?.message).toBe('invalid value "x"');
    for (const each of [first, second, third, snapshot]) expect(each?.message).not.toContain("/^");
  });

  test("a stack may change them, also what is told as unsure", () => {
    const limits = {
      aws: { gp3: { unsure: { defaultIops: null } }, tags: { count: 1 }, volumeInitializationRate: { max: 400 } },
    };
    const catalog = (aws: Section) => makeCatalog({ profiles: { fast: { aws } }, limits });
    expect(notes(on(catalog({ volumeType: "gp3" }), 1))).toEqual([]);
    expect(codes(on(catalog({ volumeType: "gp3", tags: { a: "b" } }), 10))).toEqual(["value-out-of-range"]);
    const fast = { snapshotId: "snap-1", volumeInitializationRate: 400 };
    expect(codes(on(catalog({ volumeType: "gp3", ...fast }), 10))).toEqual([]);
  });
});

describe("throughput by IOPS", () => {
  test.each([
    [{ perIops: 0.25 }, 4000, 1000, []],
    [{ perIops: 0.25 }, 3001, 750, []],
    [{ perIops: 0.1, min: 400 }, 3000, 400, ['300 MiB/s raised to 400 MiB/s: throughputMiBps.min of "fast"']],
    [{ perIops: 0.25, max: 500 }, 3000, 500, ['750 MiB/s capped at 500 MiB/s: throughputMiBps.max of "fast"']],
    [{ min: 200 }, 3000, 200, ['125 MiB/s raised to 200 MiB/s: throughputMiBps.min of "fast"']],
    [{ max: 200 }, 3000, 125, []],
  ])("%j with %d IOPS is %d MiB/s", (throughputMiBps, iops, expected, told) => {
    const resolution = resolved({ volumeType: "gp3", iops, throughputMiBps });
    expect(settingsOf(resolution).throughputMiBps).toBe(expected);
    expect(notes(resolution)).toEqual(told);
  });

  test.each([
    [{ perIops: 0.3 }, "throughput-beyond-limit", "cap it with throughputMiBps.max: 750"],
    [{ perIops: 0.01 }, "throughput-beyond-limit", "raise it with throughputMiBps.min: 125"],
    [{ min: 300, max: 200 }, "throughput-range-empty", "lower `min` or raise `max`"],
  ])("%j at 3,000 IOPS is refused, with a way out that is one", (throughputMiBps, code, fix) => {
    const { problems } = resolved({ volumeType: "gp3", throughputMiBps });
    expect(problems).toEqual([expect.objectContaining({ code, fix })]);
  });

  test("says how it came about", () => {
    const { problems } = resolved({ volumeType: "gp3", iops: 4000, throughputMiBps: { perIops: 0.5 } });
    expect(problems[0]?.message).toBe(
      '"fast" sets 0.5 MiB/s per IOPS: 2,000 at 4,000 IOPS; gp3 with 4,000 IOPS allows 125 to 1,000 MiB/s',
    );
  });

  test("is not judged while the IOPS themselves are wrong", () => {
    expect(codes(resolved({ volumeType: "gp3", iops: 1, throughputMiBps: { perIops: 0.5 } }))).toEqual([
      "iops-beyond-limit",
    ]);
    expect(codes(resolved({ volumeType: "gp3", iops: 1, throughputMiBps: 2001 }))).toEqual([
      "iops-beyond-limit",
      "throughput-beyond-limit",
    ]);
  });
});

describe("cheapest", () => {
  test("tells what is wrong whatever the type as such, and not as a fault of each type", () => {
    const tags = { k: "v".repeat(257) };
    expect(codes(resolved({ volumeType: "cheapest", kmsKeyId: KEY, tags }, 10))).toEqual([
      "setting-not-applicable",
      "value-out-of-range",
    ]);
    const both = resolved({ volumeType: "cheapest", iops: 300_000, tags });
    expect(codes(both)).toEqual(["no-type-admits", "value-out-of-range"]);
    expect(codes(resolved({ volumeType: "cheapest", iops: { min: 2, max: 1 } }))).toEqual(["iops-range-empty"]);
    expect(both.problems[0]?.message).toContain("io2 at 200 GiB allows 100 to 200,000 IOPS");
  });

  const cheapest = (rest: Section, sizeGiB: number, cheapestTypes?: readonly (typeof types)[number][]) =>
    quickly({ volumeType: "cheapest", ...rest }, sizeGiB, cheapestTypes && { cheapestTypes });

  test.each([
    ["without more", {}, undefined, "gp3"],
    ["with IOPS that gp3 has", { iops: 80_000 }, undefined, "gp3"],
    ["with more IOPS than gp3 has", { iops: 80_001 }, undefined, "io2"],
    ["with Multi-Attach, io2 before io1, which costs the same", { iops: 1000, multiAttach: true }, undefined, "io2"],
    ["with Multi-Attach, by the stack's order", { iops: 1000, multiAttach: true }, ["io1", "io2"], "io1"],
    ["where the stack takes hard disks as well", {}, ["gp3", "sc1", "st1"], "sc1"],
    ["where the stack takes hard disks, and they have no IOPS", { iops: 4000 }, ["gp3", "sc1", "st1"], "gp3"],
    ["where the stack takes the previous generation", {}, ["gp3", "gp2", "standard"], "standard"],
  ] as const)("%s: %j among %j is %s", (_, rest, list, volumeType) => {
    expect(settingsOf(cheapest(rest, 1000, list)).volumeType).toBe(volumeType);
  });

  test("names the type where it doesn't have the size, and ways out that are ways out", () => {
    expect(cheapest({}, 100, ["gp3", "sc1"]).problems).toEqual([
      expect.objectContaining({
        code: "size-beyond-limit",
        message: "volumes of type sc1 (chosen by `cheapest`) must be at least 125 GiB, not 100 GiB",
        fix: "use gp3 or gp2 or standard, or set the size to 125 GiB or more",
      }),
    ]);
  });

  test("is one type for a profile at every size, so that a volume that grows keeps its type", () => {
    const demand = fc.record(
      {
        iops: fc.oneof(
          fc.integer({ min: 100, max: 300_000 }),
          fc.record({ perGiB: fc.integer({ min: 1, max: 1000 }), max: fc.integer({ min: 100, max: 300_000 }) }),
        ),
        throughputMiBps: fc.integer({ min: 125, max: 2000 }),
        multiAttach: fc.boolean(),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<Section>;
    const list = fc.option(fc.shuffledSubarray([...types], { minLength: 1 }), { nil: undefined });
    const sizes = fc.array(fc.integer({ min: 1, max: 16_384 }), { minLength: 2, maxLength: 5 });
    const examples: [Section, (typeof types)[number][] | undefined, number[]][] = [
      [{}, [...types], [1, 100, 124, 125, 200, 1024, 1025, 16_384]],
      [{ iops: 16_000 }, undefined, [16, 31, 32, 400]],
      [{ iops: { perGiB: 500 } }, undefined, [10, 160, 161, 500]],
    ];
    let grown = 0;
    fc.assert(
      fc.property(fc.oneof(fc.constant({}), demand), list, sizes, (rest, among, all) => {
        const made = all.flatMap((sizeGiB) => cheapest(rest, sizeGiB, among).volume ?? []);
        const found = new Set(made.map(({ settings }) => (settings as AwsSettings).volumeType));
        if (made.length > 1) grown++;
        expect(found.size).toBeLessThanOrEqual(1);
        for (const type of found) expect(among ?? ["gp3", "io1", "io2"]).toContain(type);
      }),
      { numRuns: 500, examples },
    );
    expect(grown).toBeGreaterThan(100);
  });

  test("is a size in the whole range of the default profile, from 1 to 16,384 GiB", () => {
    for (let sizeGiB = 1; sizeGiB <= 16_384; sizeGiB = Math.ceil(sizeGiB * 1.3)) {
      for (const profile of ["default", "fast"]) {
        const request = { name: `data@${profile}`, sizeGiB, backend: "aws" };
        expect(settingsOf(resolve(catalogOf({ volumeType: "cheapest" }), request)).volumeType).toBe("gp3");
      }
    }
  });
});

describe("a way out", () => {
  const sectionOf = (volumeType: Section["volumeType"]) =>
    fc.record(
      {
        volumeType: fc.constant(volumeType),
        iops: fc.oneof(
          fc.integer({ min: 1, max: 300_000 }),
          fc.record(
            {
              perGiB: fc.constantFrom(0.5, 3, 30, 60, 500, 1100),
              min: fc.integer({ min: 1, max: 4000 }),
              max: fc.integer({ min: 4000, max: 300_000 }),
            },
            { requiredKeys: [] },
          ),
        ),
        throughputMiBps: fc.oneof(
          fc.integer({ min: 1, max: 3000 }),
          fc.record(
            {
              perIops: fc.constantFrom(0.01, 0.1, 0.25, 0.5),
              min: fc.integer({ min: 1, max: 300 }),
              max: fc.integer({ min: 300, max: 3000 }),
            },
            { requiredKeys: [] },
          ),
        ),
        multiAttach: fc.boolean(),
        encrypted: fc.boolean(),
        kmsKeyId: fc.constant(KEY),
        volumeInitializationRate: fc.constantFrom(50, 200),
      },
      { requiredKeys: ["volumeType"] },
    ) as fc.Arbitrary<Section>;
  const size = fc.oneof(
    fc.integer({ min: 1, max: 300 }),
    fc.constantFrom(124, 1025, 16_384, 16_385, 20_000, 65_536, 65_537),
  );
  const number = (text: string) => Number(text.replace(/,/g, ""));
  const rule = (section: Section, key: "iops" | "throughputMiBps", part: object): Section => ({
    ...section,
    [key]: { ...(section[key] as object), ...part },
  });

  type Tried = [section: Section, sizeGiB: number];
  /** What each form of a way out makes of a request; several, where it names a range or several types. */
  const forms: [RegExp, (section: Section, sizeGiB: number, match: string[]) => Tried[]][] = [
    [
      /^use ([a-z].*)$/,
      (s, gib, [, all = ""]) => all.split(" or ").map((t) => [{ ...s, volumeType: t as "gp3" }, gib]),
    ],
    [/^remove `(\w+)`$/, (s, gib, [, key = ""]) => [[{ ...s, [key]: undefined }, gib]]],
    [
      /^(?:increase|reduce|set) the size to (?:at least |at most )?([\d,]+) GiB(?: or more| or less)?$/,
      (s, _, [, gib = ""]) => [[s, number(gib)]],
    ],
    [/^cap it with (\w+)\.max: (\d+)$/, (s, gib, [, key, to]) => [[rule(s, key as "iops", { max: Number(to) }), gib]]],
    [
      /^raise it with (\w+)\.min: (\d+)$/,
      (s, gib, [, key, to]) => [[rule(s, key as "iops", { min: Number(to) }), gib]],
    ],
    [/^raise iops to ([\d,]+)$/, (s, gib, [, to = ""]) => [[{ ...s, iops: number(to) }, gib]]],
    [/^add `iops: (\d+)`$/, (s, gib, [, to]) => [[{ ...s, iops: Number(to) }, gib]]],
    [/^add `encrypted: true`$/, (s, gib) => [[{ ...s, encrypted: true }, gib]]],
    [/^set `snapshotId` on the volume$/, (s, gib) => [[{ ...s, snapshotId: "snap-1" }, gib]]],
    [
      /^use ([\d,]+)(?: to ([\d,]+))? (IOPS|MiB\/s)$/,
      (s, gib, [, from = "", to = from, unit]) =>
        [from, to].map((each) => {
          const isRate = s.volumeInitializationRate === 50;
          const key =
            unit === "IOPS" ? "iops" : from === "100" && isRate ? "volumeInitializationRate" : "throughputMiBps";
          return [{ ...s, [key]: number(each) }, gib];
        }),
    ],
    // Another size helps, which the message says already.
    [/^$/, () => []],
    // Where nothing simple helps, what to look at is named.
    [
      /^change the profile's \w+ or \w+$|^lower `min`$|^raise `max`$|^change the size or the profile's settings$/,
      () => [],
    ],
  ];

  test("that is offered solves its problem and makes no other, whatever the request", () => {
    const tried = new Map<string, number>();
    fc.assert(
      fc.property(fc.constantFrom(...types, "cheapest" as const).chain(sectionOf), size, (section, sizeGiB) => {
        const { problems } = quickly(section, sizeGiB);
        const places = new Set(problems.map(({ code, path }) => `${code} ${path}`));
        for (const { code, path, fix } of problems) {
          for (const way of fix.split(/, (?:or )?| or (?=remove|its|raise)/)) {
            const found = forms.map(([form, make]) => [form.exec(way), make] as const).find(([match]) => match);
            if (!found?.[0]) throw new Error(`no way out is known as "${way}" (of "${fix}")`);
            const [match, make] = found;
            for (const [other, size] of make(section, sizeGiB, match)) {
              const left = quickly(other, size).problems.map((each) => `${each.code} ${each.path}`);
              expect([section, sizeGiB, way, left]).toEqual([
                section,
                sizeGiB,
                way,
                left.filter((each) => places.has(each)),
              ]);
              expect([section, sizeGiB, way, left]).toEqual([
                section,
                sizeGiB,
                way,
                expect.not.arrayContaining([`${code} ${path}`]),
              ]);
              const key = way.replace(/[\d,]+/g, "#");
              tried.set(key, (tried.get(key) ?? 0) + 1);
            }
          }
        }
      }),
      {
        numRuns: 500,
        examples: [
          [{ volumeType: "gp2", iops: 3000 }, 20_000],
          [{ volumeType: "io2", iops: { perGiB: 1100 } }, 1],
          [{ volumeType: "cheapest", iops: 80_001 }, 1],
          [{ volumeType: "gp3", iops: 1, throughputMiBps: 1000 }, 100],
        ],
      },
    );
    expect(tried.size).toBeGreaterThan(12);
  });

  test("of gp2 with IOPS at 20,000 GiB is no type that refuses the size", () => {
    expect(resolved({ volumeType: "gp2", iops: 3000 }, 20_000).problems[1]).toMatchObject({
      code: "setting-not-applicable",
      fix: "use gp3 or io2, or remove `iops`",
    });
  });
});

describe("what sources disagree about is a note", () => {
  test.each([
    ["gp3 below 6 GiB", { volumeType: "gp3" }, 5, "gp3 with 3,000 IOPS at 5 GiB may be rejected"],
    ["gp3 of 6 GiB", { volumeType: "gp3" }, 6, undefined],
    ["gp3 with 1,000 MiB/s", { volumeType: "gp3", iops: 8000, throughputMiBps: 1000 }, 100, undefined],
    ["gp3 with 1,001 MiB/s", { volumeType: "gp3", iops: 8000, throughputMiBps: 1001 }, 100, "a newer @pulumi/aws does"],
    ["io1 with multiAttach", { ...plain.io1, multiAttach: true }, 100, "only some regions"],
    ["io2 with multiAttach", { ...plain.io2, multiAttach: true }, 100, undefined],
  ] as const)("%s", (_, section, sizeGiB, expected) => {
    const told = notes(resolved(section, sizeGiB));
    expect(told).toEqual(expected === undefined ? [] : [expect.stringContaining(expected)]);
  });
});

describe("the complete settings", () => {
  test.each([
    ["gp3", { iops: 3000, throughputMiBps: 125 }],
    ["gp2", { iops: null, throughputMiBps: null }],
    ["io1", { iops: 200, throughputMiBps: null }],
    ["io2", { iops: 200, throughputMiBps: null }],
    ["st1", { iops: null, throughputMiBps: null }],
    ["sc1", { iops: null, throughputMiBps: null }],
    ["standard", { iops: null, throughputMiBps: null }],
  ] as const)("of %s", (volumeType, own) => {
    expect(settingsOf(resolved(plain[volumeType]))).toEqual({
      volumeType,
      ...own,
      encrypted: false,
      kmsKeyId: null,
      multiAttach: false,
      availabilityZone: null,
      outpostArn: null,
      snapshotId: null,
      volumeInitializationRate: null,
      tags: { Name: "data" },
    });
  });

  test("have what the volume says itself before what the profile says, with a note for each", () => {
    const section: Section = {
      volumeType: "gp2",
      snapshotId: "snap-1",
      volumeInitializationRate: 100,
      tags: { team: "web", keep: "yes" },
    };
    const own: AwsVolume = {
      availabilityZone: "us-east-1b",
      snapshotId: "snap-2",
      volumeInitializationRate: 200,
      tags: { team: "data", keep: "yes" },
    };
    const resolution = resolved(section, 10, own);
    expect(settingsOf(resolution)).toMatchObject({ ...own, tags: { Name: "data", keep: "yes", team: "data" } });
    expect(notes(resolution)).toEqual([
      'snapshotId: "snap-2" overrides "snap-1" of "fast"',
      'volumeInitializationRate: 200 overrides 100 of "fast"',
      'tags.team: "data" overrides "web" of "fast"',
    ]);
  });

  test("have the volume's name as a tag, unless a tag says another", () => {
    const request = { name: "data@fast", sizeGiB: 10, backend: "aws", physicalName: "prod-data" };
    const tagsWith = (tags: Record<string, string>) =>
      settingsOf(resolve(catalogOf({ volumeType: "gp2", tags }), request)).tags;
    expect(tagsWith({})).toEqual({ Name: "prod-data" });
    expect(tagsWith({ Name: "mine" })).toEqual({ Name: "mine" });
  });
});

describe("a change", () => {
  const made = (section: Section, placement: AwsVolume = {}, sizeGiB = 200) =>
    volumeOf(resolved(section, sizeGiB, placement));
  const from = { volumeType: "gp2" } as const;

  test.each([
    ["encrypted", { ...from, encrypted: true }, {}, "create a snapshot of the volume (aws ec2 create-snapshot)"],
    ["availabilityZone", from, { availabilityZone: "us-east-1b" }, "create a snapshot"],
    ["outpostArn", from, { outpostArn: "arn:aws:outposts:x" }, "copy the files"],
    ["snapshotId", from, { snapshotId: "snap-2" }, "declare a new volume from that snapshot"],
  ] as const)("of %s is refused, with the steps of the way out", (setting, section, placement, fix) => {
    const { verdict, problems } = change(made(from), made(section, placement));
    expect(verdict).toBe("refused");
    expect(problems).toEqual([
      expect.objectContaining({
        code: "change-not-possible",
        path: `settings.${setting}`,
        fix: expect.stringContaining(fix),
      }),
    ]);
  });

  test.each([
    ["the KMS key", { encrypted: true, kmsKeyId: KEY }, { encrypted: true, kmsKeyId: OTHER_KEY }, "settings.kmsKeyId"],
    ["to the account's key", { encrypted: true, kmsKeyId: KEY }, { encrypted: true }, "settings.kmsKeyId"],
    ["of encryption, away", { encrypted: true }, {}, "settings.encrypted"],
    ["of multiAttach", { multiAttach: true }, {}, "settings.multiAttach"],
    [
      "of the pace of the snapshot",
      { snapshotId: "snap-1", volumeInitializationRate: 100 },
      { snapshotId: "snap-1", volumeInitializationRate: 200 },
      "settings.volumeInitializationRate",
    ],
  ])("%s is refused", (_, before, after, path) => {
    const io2 = { volumeType: "io2", iops: 200 } as const;
    expect(change(made({ ...io2, ...before }), made({ ...io2, ...after })).problems).toEqual([
      expect.objectContaining({ code: "change-not-possible", path }),
    ]);
  });

  test("of what the volume doesn't have, or would have no longer, says so", () => {
    const keyed = { ...from, encrypted: true, kmsKeyId: KEY };
    const [given] = change(made({ ...from, encrypted: true }), made(keyed)).problems;
    expect(given?.message).toMatch(/^"kmsKeyId" can't be set to "arn:/);
    const [taken] = change(made(keyed), made({ ...from, encrypted: true })).problems;
    expect(taken?.message).toMatch(/^"kmsKeyId" can't be removed \(it is "arn:/);
  });

  test("that forgets the snapshot's pace is none at all for the volume", () => {
    const after = { volumeType: "gp3", snapshotId: "snap-1" } as const;
    const { verdict, problems } = change(made({ ...after, volumeInitializationRate: 100 }), made(after));
    expect([verdict, problems]).toEqual(["in-place", []]);
  });

  test("that forgets the snapshot, or changes tags, is in place and no modification on EC2", () => {
    const before = made({ ...from, snapshotId: "snap-1", tags: { a: "1" } });
    const { verdict, notes } = change(before, made({ ...from, tags: { a: "2" } }));
    expect(verdict).toBe("in-place");
    expect(notes.map(({ message }) => message)).toEqual([
      'snapshotId: "snap-1" → not set, in place',
      'tags: {"Name":"data","a":"1"} → {"Name":"data","a":"2"}, in place',
    ]);
  });

  test.each([
    ["size", made(from, {}, 200), made(from, {}, 201)],
    ["type", made(from), made(plain.io2)],
    ["IOPS", made(plain.io2), made({ ...plain.io2, iops: 300 })],
    ["throughput", made(plain.gp3), made({ ...plain.gp3, throughputMiBps: 126 })],
  ])("of %s is told to be one of four in 24 hours", (_, before, after) => {
    expect(change(before, after).notes.at(-1)).toEqual({
      code: "modification-limit",
      path: "settings",
      message: expect.stringContaining("four modifications of a volume in 24 hours"),
    });
  });

  test.each([
    [
      "io2, its type",
      { ...plain.io2, multiAttach: true },
      { ...plain.io1, multiAttach: true },
      200,
      ["settings.volumeType"],
    ],
    [
      "io2, its IOPS and size",
      { ...plain.io2, multiAttach: true },
      { ...plain.io2, iops: 300, multiAttach: true },
      300,
      [],
    ],
    ["io1, its size", { ...plain.io1, multiAttach: true }, { ...plain.io1, multiAttach: true }, 201, ["sizeGiB"]],
    [
      "io1, its IOPS by size",
      { volumeType: "io1", iops: { perGiB: 10 }, multiAttach: true },
      { volumeType: "io1", iops: { perGiB: 10 }, multiAttach: true },
      300,
      ["settings.iops", "sizeGiB"],
    ],
    [
      "io1, its type",
      { ...plain.io1, multiAttach: true },
      { ...plain.io2, multiAttach: true },
      200,
      ["settings.volumeType"],
    ],
    [
      "io1, its tags",
      { ...plain.io1, multiAttach: true },
      { ...plain.io1, multiAttach: true, tags: { a: "b" } },
      200,
      [],
    ],
  ] as [string, Section, Section, number, string[]][])(
    "of a volume with Multi-Attach is what EC2 allows: %s",
    (_, before, after, sizeGiB, paths) => {
      const { verdict, problems } = change(made(before), made(after, {}, sizeGiB));
      expect(problems.map(({ path }) => path)).toEqual(paths);
      expect(verdict).toBe(paths.length > 0 ? "refused" : "in-place");
      for (const { fix } of problems) expect(fix).toContain("create a snapshot");
    },
  );

  test("of a standard volume says that it may not be possible", () => {
    const { verdict, notes } = change(made(plain.standard), made(plain.io2));
    expect(verdict).toBe("in-place");
    expect(notes.at(-1)?.code).toBe("hard-to-change");
  });
});

describe("where a profile ends", () => {
  const sizes = (aws: Section, catalog = catalogOf(aws)) =>
    admittedSizes(catalog, { profile: "fast", backend: "aws" }).admitted ?? [];

  test("is known to the GiB, with the reason", () => {
    const [io1] = sizes({ volumeType: "io1", iops: { perGiB: 30, min: 100 } });
    expect(io1).toMatchObject({ what: "io1", ranges: [{ fromGiB: 4, toGiB: 2133 }] });
    expect(io1?.below).toMatchObject({ code: "size-beyond-limit" });
    expect(io1?.above).toMatchObject({
      code: "iops-beyond-limit",
      message: '"fast" sets 30 IOPS per GiB: 64,020 at 2,134 GiB; io1 allows 100 to 64,000 IOPS',
      fix: expect.stringContaining("reduce the size to at most 2,133 GiB"),
    });
  });

  test("is told of the type that `cheapest` chooses, also where there are gaps; of each, where it finds none", () => {
    const iops = { perGiB: 600, max: 20000 };
    const ranges = (aws: Section) => sizes(aws).map(({ what, ranges }) => [what, ranges]);
    const ofGp3 = [
      { fromGiB: 5, toGiB: 5 },
      { fromGiB: 40, toGiB: 65536 },
    ];
    expect(ranges({ volumeType: "cheapest", iops })).toEqual([["gp3", ofGp3]]);
    const none = sizes({ volumeType: "cheapest", iops: 300_000 });
    expect(none.map(({ what, ranges }) => [what, ranges])).toEqual(["gp3", "io2", "io1"].map((type) => [type, []]));
    expect(none[0]?.above).toMatchObject({ code: "iops-beyond-limit" });
  });

  test("is the same as trying every size", () => {
    const whole = (max: number) => fc.integer({ min: 1, max });
    const optional = <T>(each: fc.Arbitrary<T>) => fc.option(each, { nil: undefined });
    const section = fc
      .record({
        volumeType: fc.constantFrom("io1", "gp3"),
        iops: fc.oneof(
          whole(20000),
          fc.record({ perGiB: optional(whole(200)), min: optional(whole(9000)), max: optional(whole(30000)) }),
        ),
        throughputMiBps: optional(
          fc.oneof(
            whole(1500),
            fc.record({
              perIops: optional(fc.constantFrom(0.05, 0.1, 0.2, 0.25, 0.3, 0.5)),
              min: optional(whole(1000)),
              max: optional(whole(1500)),
            }),
          ),
        ),
      })
      .map((each) =>
        each.volumeType === "io1" ? { ...each, throughputMiBps: undefined } : each,
      ) as fc.Arbitrary<Section>;
    let partly = 0;
    fc.assert(
      fc.property(section, (aws) => {
        const limits = { aws: { gp3: { sizeGiB: { max: 99 } }, io1: { sizeGiB: { max: 99 } } } };
        const catalog = makeCatalog({ profiles: { fast: { aws } }, limits });
        const [found] = sizes(aws, catalog);
        const tried: number[] = [];
        for (let sizeGiB = 1; sizeGiB <= 100; sizeGiB++) {
          if (on(catalog, sizeGiB).problems.length === 0) tried.push(sizeGiB);
        }
        if (tried.length > 0 && tried.length < 96) partly++;
        const listed = (found?.ranges ?? []).flatMap(({ fromGiB, toGiB }) =>
          Array.from({ length: toGiB - fromGiB + 1 }, (_, i) => fromGiB + i),
        );
        expect(listed).toEqual(tried);
      }),
      { numRuns: runs(50) },
    );
    expect(partly).toBeGreaterThan(0);
  });

  test.each([
    ["scaleio", 1048576],
    ["local", 16383],
    ["openstack", 2147483647],
  ] as const)("on %s is the biggest size", (backend, toGiB) => {
    const { admitted } = admittedSizes(makeCatalog(), { profile: "default", backend });
    expect(admitted).toEqual([
      expect.objectContaining({
        ranges: [{ fromGiB: 1, toGiB }],
        above: expect.objectContaining({ code: "size-beyond-limit" }),
      }),
    ]);
  });

  test("is not told of a profile that is not there", () => {
    expect(admittedSizes(makeCatalog(), { profile: "glod", backend: "aws" }).problems).toEqual([
      expect.objectContaining({ code: "profile-unknown" }),
    ]);
  });
});

describe("the monthly cost", () => {
  test.each([
    [32000, [[32000, 0.065]]],
    [
      32001,
      [
        [32000, 0.065],
        [1, 0.0455],
      ],
    ],
    [
      64000,
      [
        [32000, 0.065],
        [32000, 0.0455],
      ],
    ],
    [
      64001,
      [
        [32000, 0.065],
        [32000, 0.0455],
        [1, 0.03185],
      ],
    ],
  ])("of io2 with %d IOPS has its tiers as parts", (iops, tiers) => {
    const { monthlyCost } = resolved({ volumeType: "io2", iops }, 100);
    const [storage, ...parts] = monthlyCost?.parts ?? [];
    expect(storage).toEqual({ what: "storage", quantity: 100, unit: "GiB", unitPrice: 0.125, amount: 12.5 });
    expect(parts.map(({ quantity, unitPrice }) => [quantity, unitPrice])).toEqual(tiers);
  });

  test("is that of the zone's region, and unknown in a Local Zone", () => {
    const costIn = (availabilityZone: string) => resolved({ volumeType: "gp2" }, 100, { availabilityZone });
    expect(costIn("us-east-1c").monthlyCost).toMatchObject({ amount: 10, region: "us-east-1" });
    for (const zone of ["eu-central-1a", "us-east-1-bos-1a"]) {
      expect(costIn(zone).monthlyCost).toBeUndefined();
      expect(notes(costIn(zone))).toEqual([expect.stringContaining("monthly cost unknown: no prices for gp2 in")]);
    }
  });
});

describe("a file of prices", () => {
  const gp3 = (perGiB: number) => ({ aws: { "eu-central-1": { types: { gp3: { perGiB } } } } });
  const cost = (config: Parameters<typeof makeCatalog>[0]) =>
    resolve(makeCatalog(config), {
      name: "data@bronze",
      sizeGiB: 100,
      backend: "aws",
      placement: { availabilityZone: "eu-central-1a" },
    }).monthlyCost?.amount;

  test("is laid over what ships, and the stack's own prices over it", () => {
    const { config, problems } = withPricesOf({}, gp3(0.1), "prices.yaml");
    expect(problems).toEqual([]);
    expect(cost(config)).toBe(10);
    expect(cost(withPricesOf({ prices: gp3(0.2) }, gp3(0.1), "prices.yaml").config)).toBe(20);
    expect(withPricesOf({}, null, "prices.yaml")).toEqual({ config: { prices: {} }, problems: [] });
  });

  test.each([
    ["a misspelt type", { aws: { x: { types: { gp33: {} } } } }, "unknown-key", "prices.yaml: aws.x.types.gp33"],
    ["text for a price", gp3("free" as never), "wrong-type", "prices.yaml: aws.eu-central-1.types.gp3.perGiB"],
    ["no price at all", { aws: { x: { types: { gp3: {} } } } }, "wrong-type", "prices.yaml: aws.x.types.gp3.perGiB"],
    ["a list", [], "wrong-type", "prices.yaml: "],
  ])("with %s is refused, with its place in the file", (_, content, code, path) => {
    const read = withPricesOf({ backend: "aws" }, content, "prices.yaml");
    expect(read.problems.map((each) => [each.code, each.path])).toEqual([[code, path]]);
    expect(read.config).toEqual({ backend: "aws" });
  });
});

describe("properties", () => {
  const optional = <T>(each: fc.Arbitrary<T>) => fc.option(each, { nil: undefined });
  const orNull = <T>(each: fc.Arbitrary<T>) => fc.option(each, { nil: null });
  const snapshot = fc.constantFrom("snap-1", "snap-2");
  const size = fc.integer({ min: 1, max: 70000 });

  test("what resolves says every setting, and never `undefined`", () => {
    const section = fc.constantFrom(...types).chain((type) =>
      fc.record({
        volumeType: fc.constantFrom(type, "cheapest" as const),
        iops: "iops" in plain[type] ? fc.integer({ min: 50, max: 90000 }) : fc.constant(undefined),
        encrypted: fc.constant(true),
        kmsKeyId: optional(fc.constant(KEY)),
        snapshotId: optional(snapshot),
        tags: optional(fc.constantFrom({}, { a: "b" })),
      }),
    ) as fc.Arbitrary<Section>;
    let made = 0;
    fc.assert(
      fc.property(section, size, (aws, sizeGiB) => {
        const settings = resolved(aws, sizeGiB).volume?.settings;
        if (!settings) return;
        made++;
        expect(Object.keys(settings).sort()).toEqual(Object.keys(complete).sort());
        expect(Object.values(settings)).not.toContain(undefined);
      }),
      { numRuns: runs(300) },
    );
    expect(made).toBeGreaterThan(runs(300) / 6);
  });

  test("a change is refused exactly when the volume shrinks, or something differs that can't change", () => {
    const settings: fc.Arbitrary<AwsSettings> = fc.record({
      volumeType: fc.constantFrom(...types),
      iops: orNull(fc.constantFrom(3000, 4000)),
      throughputMiBps: orNull(fc.constantFrom(125, 250)),
      encrypted: fc.boolean(),
      kmsKeyId: orNull(fc.constantFrom(KEY, OTHER_KEY)),
      multiAttach: fc.boolean(),
      availabilityZone: orNull(fc.constantFrom("us-east-1a", "us-east-1b")),
      outpostArn: orNull(fc.constantFrom("arn:a", "arn:b")),
      snapshotId: orNull(snapshot),
      volumeInitializationRate: orNull(fc.constantFrom(100, 300)),
      tags: fc.constantFrom({ Name: "a" }, { Name: "b" }),
    });
    const volume = (sizeGiB: number, each: AwsSettings): ResolvedVolume => {
      return { name: "data", profile: "fast", revision: "", backend: "aws", sizeGiB, settings: each };
    };
    // Two volumes that are often the same but for a few things.
    const pair = fc
      .tuple(settings, settings, fc.subarray([...fixed]), size, fc.integer({ min: -2, max: 5 }))
      .map(([one, two, differing, sizeGiB, more]) => {
        const kept = fixed.filter((key) => !differing.includes(key)).map((key) => [key, one[key]]);
        const other = { ...two, ...(Object.fromEntries(kept) as Partial<AwsSettings>) };
        return [volume(sizeGiB, one), volume(sizeGiB + more, other), one, other] as const;
      });
    const seen = { refused: 0, "in-place": 0, none: 0, migrates: 0 };
    fc.assert(
      fc.property(pair, ([from, to, before, after]) => {
        const mayGo = (key: keyof AwsSettings) => key === "snapshotId" || key === "volumeInitializationRate";
        const differs = fixed.some((key) => before[key] !== after[key] && !(mayGo(key) && after[key] === null));
        const { verdict } = change(from, to);
        seen[verdict]++;
        const isShared = before.multiAttach && after.multiAttach;
        const keeps: (keyof AwsSettings)[] =
          isShared && before.volumeType === "io1"
            ? ["volumeType", "iops"]
            : isShared && before.volumeType === "io2"
              ? ["volumeType"]
              : [];
        const stays =
          keeps.some((key) => before[key] !== after[key]) || (keeps.length > 1 && to.sizeGiB !== from.sizeGiB);
        expect(verdict === "refused").toBe(to.sizeGiB < from.sizeGiB || differs || stays);
      }),
      { numRuns: runs(2000) },
    );
    expect(Math.min(seen.refused, seen["in-place"])).toBeGreaterThan(runs(2000) / 20);
    expect(seen.migrates).toBe(0);
  });
});

/** All settings that an EBS volume has. */
const complete: AwsSettings = settingsOf(resolved(plain.gp3));

/** Those that can't change. */
const fixed = [
  "encrypted",
  "kmsKeyId",
  "multiAttach",
  "availabilityZone",
  "outpostArn",
  "snapshotId",
  "volumeInitializationRate",
] as const;
