// ConvergeIO / Storidge ContainerIO: what a profile means there by release, and what a volume can become.

import * as fc from "fast-check";

import { change, makeCatalog, resolve, type ProfileDefinition, type ResolvedVolume } from "../../../src";
import { cio, type CioSettings } from "../../../src/backends/cio";
import { runs } from "../../support/property";

type Section = NonNullable<ProfileDefinition["cio"]>;
type Version = 2015 | 1 | 2;

const on = (section: Section, version: Version = 2, sizeGiB = 100) =>
  resolve(makeCatalog({ profiles: { p: { cio: section } } }), {
    name: "data@p",
    sizeGiB,
    backend: "cio",
    placement: { version },
  });
const builtIn = (profile: string, version?: Version) =>
  resolve(makeCatalog(), {
    name: "data",
    profile,
    sizeGiB: 100,
    backend: "cio",
    placement: version ? { version } : {},
  });
const volumeOf = ({ volume, problems }: ReturnType<typeof on>): ResolvedVolume & { settings: CioSettings } => {
  if (!volume) throw new Error(JSON.stringify(problems));
  return volume as ResolvedVolume & { settings: CioSettings };
};
const made = (section: Section, sizeGiB?: number) => volumeOf(on(section, 2, sizeGiB));
const codes = ({ problems }: ReturnType<typeof on>) =>
  problems.map(({ code, path }) => `${code} ${path.replace(/^.*\.cio\.?/, "")}`);

// Which connection leads to a volume no profile says.
const all = Object.keys(cio.change)
  .filter((setting) => setting !== "connection")
  .sort();

describe("the founding example", () => {
  const gold = {
    iopsMin: 100,
    iopsMax: 1000,
    bandwidthMinMiBps: null,
    bandwidthMaxMiBps: 0,
    level: 5,
    local: true,
    node: null,
    provision: "thin",
    type: "ssd",
    filesystem: "btrfs",
    directory: "/cio/volumes",
    labels: {},
    compression: "none",
    dedupe: false,
    encryption: false,
    highAvailability: false,
    replication: false,
    replicationDestination: "none",
    replicationIntervalMinutes: 120,
    replicationType: "synchronous",
    snapshots: false,
    snapshotStartMinutes: 1440,
    snapshotIntervalMinutes: 60,
    snapshotMax: 10,
    autoExpand: false,
    autoExpandThresholdPercent: 80,
    autoExpandIncrementPercent: 25,
    autoExpandLimit: 3,
  };

  test("is gold, to the value, where the stack says no release or that of the example", () => {
    expect(volumeOf(builtIn("gold")).settings).toEqual(gold);
    expect(volumeOf(builtIn("gold", 2015)).settings).toEqual(gold);
  });

  test("in its own spelling means the same", () => {
    const spelt = {
      iops: { min: 100, max: 1000 },
      level: 5,
      local: "Yes",
      provision: "thin",
      type: "SSD",
      services: {
        compression: "disabled",
        dedupe: "disabled",
        encryption: "disabled",
        highAvailability: "disabled",
        replication: "disabled",
        snapshot: { enabled: "disabled", startMinutes: 1440, intervalMinutes: 60, max: 10 },
      },
    } as const;
    expect(volumeOf(on(spelt, 2015)).settings).toEqual(gold);
  });

  test.each([
    [{ local: "sure" }, "value-invalid local", "true or false; yes, no"],
    [{ type: "nvme" }, "value-not-allowed type", "ssd, hdd"],
    [
      { services: { highavailability: "disabled" } },
      "unknown-key services.highavailability",
      'did you mean "highAvailability"?',
    ],
    [{ services: { snapshot: { intervall: 60 } } }, "unknown-key services.snapshot.intervall", "intervalMinutes"],
    [{ service: {} }, "unknown-key service", 'did you mean "services"?'],
  ])("%j is answered by the right spelling", (section, code, hint) => {
    const answer = on(section as Section, 2015);
    expect(codes(answer)).toEqual([code]);
    expect(`${answer.problems[0]?.allowed} ${answer.problems[0]?.fix}`).toContain(hint);
  });

  test.each([1, 2] as const)(
    "has a level that release %d doesn't make: a problem with the ones it does, and no clamp",
    (version) => {
      const answer = builtIn("gold", version);
      expect(answer.volume).toBeUndefined();
      expect(answer.problems).toHaveLength(1);
      expect(answer.problems[0]).toMatchObject({ code: "not-in-release", given: 5 });
      expect(answer.problems[0]?.message).toContain(
        `ContainerIO ${version} can't do that: a volume has 2 or 3 copies there`,
      );
      expect(answer.problems[0]?.fix).toContain("set `level` to 2 or 3");
    },
  );
});

test.each([2015, 1, 2] as const)(
  "the other built-in profiles are possible on release %d, with every setting",
  (version) => {
    for (const profile of ["default", "silver", "bronze"]) {
      const { settings } = volumeOf(builtIn(profile, version));
      expect(Object.keys(settings).sort()).toEqual(all);
      expect(settings.level).toBe(version === 2015 ? 5 : 2);
    }
  },
);

test("the built-in profiles change into each other in place, also gold with a level of the release", () => {
  const own = makeCatalog({ profiles: { gold: { extends: "gold", cio: { level: 2, local: false } } } });
  for (const [catalog, version] of [
    [makeCatalog(), 2015],
    [own, 2],
  ] as const) {
    const volumes = ["default", "gold", "silver", "bronze"].map((profile) =>
      volumeOf(resolve(catalog, { name: "data", profile, sizeGiB: 10, backend: "cio", placement: { version } })),
    );
    for (const from of volumes)
      for (const to of volumes) expect(change(from, to).verdict).toBe(from === to ? "none" : "in-place");
  }
});

describe("what no release ever did", () => {
  test.each([
    ["dedupe", true, "no release has it"],
    ["replication", { destination: "elsewhere", intervalMinutes: 5 }, "no release carries it out"],
    ["replication", "enabled", "no release carries it out"],
    ["highAvailability", "Yes", "always on"],
  ])("%s: %j is a problem that says so on a release, and none in 2015", (service, value, because) => {
    const section = { services: { [service]: value } } as Section;
    for (const version of [1, 2] as const) {
      expect(codes(on(section, version))).toEqual([`not-in-release services.${service}`]);
      expect(on(section, version).problems[0]?.message).toContain(because);
    }
    expect(volumeOf(on(section, 2015)).settings).toMatchObject({ [service]: true });
  });
});

test.each<[string, Section, string[]]>([
  ["iops below", { iops: { min: 29 } }, ["iops-beyond-limit iops.min"]],
  ["iops above", { iops: { max: 10_000_001 } }, ["iops-beyond-limit iops.max"]],
  ["iops upside down", { iops: { min: 200, max: 100 } }, ["iops-range-empty iops"]],
  ["bandwidth above", { bandwidth: { max: 1_000_001 } }, ["throughput-beyond-limit bandwidth.max"]],
  ["bandwidth upside down", { bandwidth: { min: 2, max: 1 } }, ["throughput-range-empty bandwidth"]],
  ["both ways of limiting", { iops: { max: 100 }, bandwidth: { max: 10 } }, ["setting-not-applicable bandwidth"]],
  ["reserved IOPS on disks", { type: "HDD", iops: { min: 100 } }, ["setting-not-applicable iops.min"]],
  ["a level that is unheard of", { level: 4 }, ["not-in-release level"]],
  [
    "too rare snapshots",
    { services: { snapshot: { intervalMinutes: 2881 } } },
    ["value-out-of-range services.snapshot.intervalMinutes"],
  ],
  ["too many snapshots", { services: { snapshot: { max: 101 } } }, ["value-out-of-range services.snapshot.max"]],
  ["a path that is none", { directory: "cio" }, ["value-invalid directory"]],
  ["a node like an option", { node: "-n" }, ["value-invalid node"]],
  [
    "all at once",
    { level: 9, iops: { min: 1 }, services: { dedupe: true } },
    ["iops-beyond-limit iops.min", "not-in-release level", "not-in-release services.dedupe"],
  ],
])("%s is a problem", (_what, section, expected) => {
  expect(codes(on(section))).toEqual(expected);
});

test("a way out of a bound is one: not beyond the other bound, and by null where the bound is inherited", () => {
  const fixes = (answer: ReturnType<typeof on>) => answer.problems.map(({ fix }) => fix);
  expect(fixes(on({ iops: { min: 5, max: 1_000 } }))).toEqual(["use 30 to 1,000 IOPS, or remove `iops.min`"]);
  expect(fixes(on({ iops: { min: 50, max: 20 } }))).toEqual([
    "lower `min` or raise `max`",
    "use 50 to 10,000,000 IOPS, or remove `iops.max`",
  ]);
  const inherited = makeCatalog({ profiles: { gold: { extends: "gold", cio: { type: "hdd", level: 2 } } } });
  const request = { name: "data@gold", sizeGiB: 1, backend: "cio", placement: { version: 2 } };
  const place = "storage-profiles:profiles.gold.cio";
  expect(fixes(resolve(inherited, request))).toEqual([`set \`iops: { min: null }\` in ${place}, or set \`type: ssd\``]);
  const cio = { type: "hdd", level: 2, iops: { min: null } } as const;
  expect(resolve(makeCatalog({ profiles: { gold: { extends: "gold", cio } } }), request).problems).toEqual([]);
});

test("sizes end at 65,536 GiB, and what only some sources have is tried with a note", () => {
  expect(codes(on({}, 2, 65_537))).toEqual([expect.stringContaining("size-beyond-limit")]);
  const { notes } = on({ level: 1, iops: { max: 2_000_000 } }, 2, 64_001);
  expect(notes.map(({ message }) => message)).toEqual([
    expect.stringMatching(/64,001 GiB.*some sources end at 64,000/),
    expect.stringMatching(/2,000,000 IOPS.*some sources end at 1,000,000/),
    expect.stringMatching(/level 1.*some sources begin at 2/),
  ]);
});

test("compression is on, off or an algorithm, and a service with parameters is on", () => {
  const compression = (said: boolean | string) => made({ services: { compression: said } }).settings.compression;
  expect([true, "Yes", "zstd", false, "disabled"].map(compression)).toEqual(["lzo", "lzo", "zstd", "none", "none"]);
  expect(made({ services: { snapshot: { max: 3 } } }).settings).toMatchObject({ snapshots: true, snapshotMax: 3 });
  expect(on({ services: { snapshot: { startMinutes: 5 } } }).notes.map(({ code }) => code)).toEqual([
    "limits-not-enforced",
  ]);
});

test("a stack lays its own limits over those of its release", () => {
  const catalog = makeCatalog({ limits: { cio: { "2": { level: { values: [2, 3, 5] } } } } });
  const request = { name: "data@gold", sizeGiB: 1, backend: "cio" };
  expect(volumeOf(resolve(catalog, { ...request, placement: { version: 2 } })).settings.level).toBe(5);
  expect(resolve(catalog, { ...request, placement: { version: 1 } }).problems).toHaveLength(1);
});

describe("a change", () => {
  const snapshot = (max: number) => ({ services: { snapshot: { enabled: true, max } } });
  test.each<[string, Section, Section, string, string]>([
    ["of IOPS", { iops: { min: 100, max: 1000 } }, { iops: { max: 300 } }, "in-place", ""],
    ["of bandwidth", { bandwidth: { max: 10 } }, { bandwidth: { min: 5, max: 20 } }, "in-place", ""],
    ["of the directory", {}, { directory: "/srv" }, "in-place", ""],
    ["that adds a label and changes one", { labels: { a: "1" } }, { labels: { a: "2", b: "" } }, "in-place", ""],
    ["that turns snapshots off", snapshot(3), {}, "in-place", ""],
    ["of growth by itself", {}, { services: { autoExpand: { limit: 5 } } }, "in-place", ""],
    ["to a node", {}, { node: "v2" }, "migrates", "copies a volume to another node"],
    ["that leaves the node to the cluster", { node: "v2" }, {}, "none", ""],
    ["of the level", { level: 2 }, { level: 3 }, "refused", "declare a new volume"],
    ["of local", {}, { local: true }, "refused", "declare a new volume"],
    ["of the provision", {}, { provision: "thick" }, "refused", "declare a new volume"],
    ["of the drives", {}, { type: "hdd" }, "refused", "declare a new volume"],
    ["of the file system", {}, { filesystem: "xfs" }, "refused", "declare a new volume"],
    ["of compression", {}, { services: { compression: true } }, "refused", "declare a new volume"],
    ["of encryption", {}, { services: { encryption: true } }, "refused", "declare a new volume"],
    ["that takes a label away", { labels: { a: "1" } }, {}, "refused", "keep the label"],
    ["that turns snapshots on", {}, snapshot(3), "refused", "leave them off"],
    ["of how many snapshots are kept", snapshot(3), snapshot(4), "refused", "declare a new volume"],
    ["of parameters of snapshots that are off", {}, { services: { snapshot: { enabled: false, max: 5 } } }, "none", ""],
    ["from IOPS to bandwidth", { iops: { max: 100 } }, { bandwidth: { max: 10 } }, "refused", "keep limits by IOPS"],
    ["that frees the bandwidth", { bandwidth: { max: 10 } }, {}, "refused", "raise the limit"],
    [
      "that reserves no bandwidth any more",
      { bandwidth: { min: 5, max: 10 } },
      { bandwidth: { max: 10 } },
      "refused",
      "lower it",
    ],
  ])("%s", (_what, from, to, verdict, says) => {
    const result = change(made(from), made(to));
    expect(result.verdict).toBe(verdict);
    const told = [...result.notes.map(({ message }) => message), ...result.problems.map(({ fix }) => fix)].join("\n");
    expect(told).toContain(says);
    if (verdict === "refused") expect(result.problems).toHaveLength(1);
  });

  test("in 2015, of replication that is on, is refused with what can't change", () => {
    const replicated = (intervalMinutes: number) =>
      volumeOf(on({ services: { replication: { intervalMinutes } } }, 2015));
    expect(change(replicated(5), replicated(6)).problems.map(({ path }) => path)).toEqual([
      "settings.replicationIntervalMinutes",
    ]);
  });

  test("to a smaller size is refused, and to a bigger one in place", () => {
    expect(change(made({}, 20), made({}, 10)).problems.map(({ code }) => code)).toEqual(["change-shrinks"]);
    expect(change(made({}, 10), made({}, 20)).verdict).toBe("in-place");
  });
});

describe("whatever a profile says", () => {
  const onOff = fc.constantFrom(true, false, "Yes", "no", "enabled", "disabled");
  const odd = fc.oneof(
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 ** 31 }) },
    { weight: 3, arbitrary: fc.integer({ min: 1_000, max: 1_000_000 }) },
    { weight: 6, arbitrary: fc.integer({ min: 30, max: 99 }) },
  );
  const range = fc.record({ min: fc.constantFrom(30, 40, 1), max: odd }, { requiredKeys: [] });
  const some = (parts: Record<string, fc.Arbitrary<unknown>>) => fc.record(parts, { requiredKeys: [] });
  const sections = some({
    iops: range,
    bandwidth: range,
    level: fc.oneof(fc.constantFrom(2, 3), fc.integer({ min: 1, max: 7 })),
    local: onOff,
    node: fc.constantFrom("v1", "v2"),
    provision: fc.constantFrom("thin", "thick"),
    type: fc.constantFrom("ssd", "SSD", "hdd", "HDD"),
    filesystem: fc.constantFrom("btrfs", "ext4", "xfs"),
    labels: fc.dictionary(fc.constantFrom("a", "b"), fc.string()),
    services: some({
      compression: fc.oneof(onOff, fc.constantFrom("lzo", "zlib", "zstd")),
      dedupe: onOff,
      encryption: onOff,
      highAvailability: onOff,
      replication: fc.oneof(onOff, some({ enabled: onOff, intervalMinutes: odd })),
      snapshot: fc.oneof(onOff, some({ enabled: onOff, intervalMinutes: odd, max: odd })),
      autoExpand: fc.oneof(onOff, some({ enabled: onOff, thresholdPercent: fc.integer({ min: 1, max: 100 }) })),
    }),
  }) as fc.Arbitrary<Section>;
  const version = fc.constantFrom<Version>(2015, 1, 2);
  const size = fc.oneof(fc.integer({ min: 1, max: 70_000 }), fc.constantFrom(1, 64_000, 65_536, 65_537));

  test("is a problem, or has every setting with what was asked for and nothing near it", () => {
    let resolved = 0;
    fc.assert(
      fc.property(sections, version, size, (section, release, sizeGiB) => {
        const answer = on(section, release, sizeGiB);
        expect(answer.volume === undefined).toBe(answer.problems.length > 0);
        if (!answer.volume) return;
        resolved++;
        const { settings } = volumeOf(answer);
        expect(answer.volume.sizeGiB).toBe(sizeGiB);
        expect(Object.keys(settings).sort()).toEqual(all);
        expect(Object.values(settings)).not.toContain(undefined);
        const limited = {
          iops: [settings.iopsMin ?? undefined, settings.iopsMax || undefined],
          level: [settings.level],
        };
        expect(limited.iops).toEqual([section.iops?.min, section.iops?.max]);
        if (section.level != null) expect(limited.level).toEqual([section.level]);
        if (release === 1 || release === 2) {
          expect(settings.level).toBeLessThanOrEqual(3);
          expect([settings.dedupe, settings.replication, settings.highAvailability]).toEqual([false, false, false]);
        }
      }),
      { numRuns: runs(2000) },
    );
    expect(resolved).toBeGreaterThan(runs(2000) / 50);
  });

  test("or doesn't, is answered and never thrown", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (section, placement) => {
        const catalog = makeCatalog({ profiles: { p: { cio: section as Section } } });
        const request = { name: "data@p", sizeGiB: 1, backend: "cio" };
        expect(() => resolve(catalog, request)).not.toThrow();
        expect(() => resolve(catalog, { ...request, placement: placement as object })).not.toThrow();
      }),
      { numRuns: runs(1000) },
    );
    for (const placement of [null, 1, { version: "3" }, { version: {} }, { version: 2, odd: 1 }])
      expect(
        resolve(makeCatalog(), { name: "data", sizeGiB: 1, backend: "cio", placement: placement as object }).problems,
      ).not.toEqual([]);
  });

  test("a change to it is judged setting by setting, and to itself is none", () => {
    const verdicts = new Set<string>();
    fc.assert(
      fc.property(sections, sections, fc.boolean(), (one, two, isNear) => {
        const other = isNear ? { ...one, iops: two.iops, labels: two.labels } : two;
        const [from, to] = [on(one, 2015, 10).volume, on(other, 2015, 10).volume];
        if (!from || !to) return;
        const { verdict, problems, notes } = change(from, to);
        verdicts.add(verdict);
        expect(problems.length > 0).toBe(verdict === "refused");
        for (const { fix, message } of problems) expect([fix, message].every((text) => text.length > 10)).toBe(true);
        if (verdict === "none") expect(notes).toEqual([]);
        const fixed = [
          "level",
          "local",
          "provision",
          "type",
          "filesystem",
          "compression",
          "dedupe",
          "encryption",
          "replication",
        ] as const;
        const [before, after] = [from.settings, to.settings] as CioSettings[];
        if (fixed.some((key) => before![key] !== after![key])) expect(verdict).toBe("refused");
        expect(change(from, from).verdict).toBe("none");
      }),
      { numRuns: runs(2000) },
    );
    expect([...verdicts].sort()).toEqual(expect.arrayContaining(["in-place", "refused"]));
  });
});
