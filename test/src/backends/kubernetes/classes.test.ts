// Kubernetes, pure: what profiles become on each CSI driver, and that it is what the driver takes. The drivers' rules are written out
// again here, apart from our tables (facts of aws-ebs-csi-driver 1.64.0, cinder-csi-plugin, csi-powerflex), so that a slip there shows.

import * as fc from "fast-check";

import { backendNames, makeCatalog, resolve, type Catalog, type ProfileDefinition } from "../../../../src";
import { driverNames, drivers, type DriverName } from "../../../../src/backends/kubernetes/drivers";
import { classesOf, type Classes } from "../../../../src/backends/kubernetes/manifests";
import { claimRecorded } from "../../../../src/backends/kubernetes/recorded";
import { parametersOf, settingsOf } from "../../../../src/backends/kubernetes/parameters";
import type { KubernetesSettings, Placement } from "../../../../src/backends/kubernetes/settings";
import { runs } from "../../../support/property";

const EBS = "ebs.csi.aws.com";
const CINDER = "cinder.csi.openstack.org";
const POWERFLEX = "csi-vxflexos.dellemc.com";
const RBD = "rbd.csi.ceph.com";
const CLASSES: Placement["classes"] = { parameters: { [RBD]: { clusterID: "c1" } } };

const catalogOf = (profile: ProfileDefinition) => makeCatalog({ profiles: { fast: profile } });
const on = (catalog: Catalog, driver: DriverName | undefined, sizeGiB = 100, placement: Placement = {}) =>
  resolve(catalog, {
    name: "data@fast",
    sizeGiB,
    backend: "kubernetes",
    placement: { driver, classes: CLASSES, ...placement },
  });
const settingsAt = (profile: ProfileDefinition, driver: DriverName, sizeGiB = 100, placement: Placement = {}) => {
  const { volume, problems } = on(catalogOf(profile), driver, sizeGiB, placement);
  if (!volume) throw new Error(JSON.stringify(problems));
  return volume.settings as KubernetesSettings;
};
const problemsAt = (profile: ProfileDefinition, driver: DriverName | undefined, sizeGiB = 100, placement = {}) =>
  on(catalogOf(profile), driver, sizeGiB, placement).problems.map(({ code, path, fix }) => ({ code, path, fix }));
const PATH = "storage-profiles:profiles.fast";

describe("what a profile becomes", () => {
  test("on EBS: type, IOPS and throughput can change, encryption can't", () => {
    const aws = { volumeType: "gp3", iops: 6000, throughputMiBps: 300, encrypted: true, tags: { team: "db" } } as const;
    expect(settingsAt({ aws }, EBS)).toEqual({
      driver: EBS,
      namespace: "default",
      accessModes: ["ReadWriteOnce"],
      volumeMode: "Filesystem",
      storageClass: expect.stringMatching(/^sp-ebs-[0-9a-f]{10}$/),
      existingClass: null,
      parameters: { encrypted: "true" },
      volumeAttributesClass: expect.stringMatching(/^sp-ebs-[0-9a-f]{10}$/),
      attributes: { iops: "6000", tagSpecification_1: "team=db", throughput: "300", type: "gp3" },
      labels: {},
    });
  });

  test.each([
    [
      "on Cinder: its type",
      { openstack: { volumeType: "ssd", migrationPolicy: "on-demand" } },
      CINDER,
      { type: "ssd" },
    ],
    [
      "on PowerFlex: pool, provisioning and limits",
      {
        scaleio: {
          storagePool: "p1",
          protectionDomain: "d1",
          provisioning: "thick",
          iopsLimit: 500,
          bandwidthLimitKBps: 10_240,
        },
      },
      POWERFLEX,
      {
        ...{ storagepool: "p1", protectiondomain: "d1", thickprovisioning: "true" },
        ...{ iopsLimit: "500", bandwidthLimitInKbps: "10240" },
      },
    ],
  ] as const)("%s", (_, profile, driver, parameters) => {
    const settings = settingsAt(profile, driver);
    expect(settings).toMatchObject({ parameters, volumeAttributesClass: null, attributes: {} });
  });

  test("on Ceph: pool, encryption and features are fixed, and each class has all limits, so that none of a former profile stays", () => {
    const ceph = {
      ...{ pool: "fast", encryption: true, imageFeatures: ["layering", "deep-flatten"] as const },
      ...{ iops: { max: 1000, write: 300 }, bandwidth: { read: 50 } },
    };
    const { parameters, attributes, volumeAttributesClass } = settingsAt({ ceph: ceph as never }, RBD);
    expect(parameters).toEqual({
      ...{ clusterID: "c1", mounter: "rbd-nbd", pool: "fast" },
      ...{ encrypted: "true", imageFeatures: "deep-flatten,layering" },
    });
    const limits = { baseIops: "1000", baseReadIops: "0", baseWriteIops: "300" };
    expect(attributes).toEqual({ ...limits, baseBps: "0", baseReadBps: "52428800", baseWriteBps: "0" });
    const unlimited = settingsAt({ ceph: {} }, RBD);
    expect(Object.values(unlimited.attributes)).toEqual(Array(6).fill("0"));
    expect(volumeAttributesClass).not.toBe(unlimited.volumeAttributesClass);
  });

  test("on Ceph: copies and device class are the pool's, and a note says that nobody checks them", () => {
    const { notes } = on(catalogOf({ ceph: { copies: 3, deviceClass: "ssd" } }), RBD);
    expect(notes.map(({ code, path }) => `${code} ${path}`)).toEqual([
      `not-checked ${PATH}.ceph.copies`,
      `not-checked ${PATH}.ceph.deviceClass`,
    ]);
  });

  // A name is in clusters and in claims that exist: a release that changed one would refuse every existing claim, which keeps its StorageClass.
  test.each<[DriverName, ProfileDefinition, string, string | null]>([
    [EBS, { aws: { volumeType: "gp3", iops: 4000, encrypted: true } }, "sp-ebs-8d4e9e31de", "sp-ebs-0c4af32bec"],
    [CINDER, { openstack: { volumeType: "ssd" } }, "sp-cinder-71e4a2f369", null],
    [POWERFLEX, { scaleio: { storagePool: "p" } }, "sp-powerflex-e88d9298d9", null],
    [RBD, { ceph: { pool: "p", iops: { max: 500 } } }, "sp-rbd-78046a2ee5", "sp-rbd-e6e2c6be3c"],
  ])("on %s has the names that it always had", (driver, profile, storageClass, attributesClass) => {
    expect(settingsAt(profile, driver)).toMatchObject({ storageClass, volumeAttributesClass: attributesClass });
  });

  test("IOPS per GiB are absolute for the claim's size, and the class differs with them", () => {
    const aws = { volumeType: "io1", iops: { perGiB: 30, min: 100, max: 64_000 } } as const;
    const at = (sizeGiB: number) => settingsAt({ aws }, EBS, sizeGiB);
    expect([4, 100, 5_000].map((sizeGiB) => at(sizeGiB).attributes["iops"])).toEqual(["120", "3000", "64000"]);
    expect(at(100).volumeAttributesClass).not.toBe(at(200).volumeAttributesClass);
    expect(at(5_000).volumeAttributesClass).toBe(at(6_000).volumeAttributesClass);
    expect(at(100).storageClass).toBe(at(5_000).storageClass);
  });

  test("the driver's backend rounds sizes and knows the cost", () => {
    const scaleio = { storagePool: "p" };
    const { volume, notes } = on(catalogOf({ scaleio }), POWERFLEX, 100);
    expect([volume?.sizeGiB, notes.map(({ code }) => code)]).toEqual([104, ["size-rounded-up"]]);
    const aws = { volumeType: "gp3", iops: 4000 } as const;
    const claim = on(catalogOf({ aws }), EBS, 100, { bases: { aws: { region: "us-east-1" } } });
    const direct = resolve(catalogOf({ aws }), {
      ...{ name: "data@fast", sizeGiB: 100, backend: "aws" },
      placement: { region: "us-east-1" },
    });
    expect(claim.monthlyCost?.amount).toBe(direct.monthlyCost?.amount);
    expect(direct.monthlyCost?.amount).toBeGreaterThan(8);
  });

  test("a file system and mount options are a section of their own", () => {
    const profile: ProfileDefinition = {
      aws: { volumeType: "gp3" },
      kubernetes: { fileSystem: "xfs", mountOptions: ["noatime"] },
    };
    expect(settingsAt(profile, EBS).parameters).toEqual({ "csi.storage.k8s.io/fstype": "xfs" });
    const without = settingsAt({ ...profile, kubernetes: { fileSystem: "xfs" } }, EBS);
    expect(settingsAt(profile, EBS).storageClass).not.toBe(without.storageClass);
  });

  test("an edit of either section is another revision", () => {
    const revision = (profile: ProfileDefinition) => on(catalogOf(profile), EBS).volume?.revision;
    const aws = { volumeType: "gp3" } as const;
    const all = [
      revision({ aws }),
      revision({ aws: { ...aws, iops: 4000 } }),
      revision({ aws, kubernetes: { fileSystem: "xfs" } }),
    ];
    expect(new Set(all).size).toBe(3);
    expect(revision({ aws, scaleio: { iopsLimit: 11 } })).toBe(revision({ aws }));
  });
});

describe("what can't be expressed is a problem with the way out", () => {
  const gp3 = { volumeType: "gp3" } as const;
  const io2 = { volumeType: "io2", iops: 1000, multiAttach: true } as const;
  test.each<[string, ProfileDefinition, DriverName | undefined, Placement, string, string, RegExp]>([
    ["no driver", { aws: gp3 }, undefined, {}, "setting-required", "storage-profiles:kubernetes.driver", /driver: ebs/],
    ["no section of the driver's backend", { scaleio: {} }, EBS, {}, "profile-without-backend", "profile", /`aws:`/],
    [
      "a snapshot",
      { aws: { ...gp3, snapshotId: "snap-1" } },
      EBS,
      {},
      "setting-not-applicable",
      `${PATH}.aws.snapshotId`,
      /dataSource/,
    ],
    [
      "metadata",
      { openstack: { metadata: { a: "b" } } },
      CINDER,
      {},
      "setting-not-applicable",
      `${PATH}.openstack.metadata`,
      /remove `metadata`/,
    ],
    [
      "a description",
      { openstack: { description: "x" } },
      CINDER,
      {},
      "setting-not-applicable",
      `${PATH}.openstack.description`,
      /remove/,
    ],
    [
      "RAM cache",
      { scaleio: { storagePool: "p", ramCache: true } },
      POWERFLEX,
      {},
      "setting-not-applicable",
      `${PATH}.scaleio.ramCache`,
      /remove `ramCache`/,
    ],
    [
      "compression",
      { scaleio: { storagePool: "p", compression: "normal" } },
      POWERFLEX,
      {},
      "setting-not-applicable",
      `${PATH}.scaleio.compression`,
      /remove/,
    ],
    [
      "no storage pool",
      { scaleio: {} },
      POWERFLEX,
      {},
      "setting-required",
      `${PATH}.scaleio.storagePool`,
      /storage-profiles:scaleio/,
    ],
    [
      "a tag of the driver's",
      { aws: { ...gp3, tags: { "kubernetes.io/x": "y" } } },
      EBS,
      {},
      "value-invalid",
      `${PATH}.aws.tags`,
      /rename/,
    ],
    [
      "a tag key with =",
      { aws: { ...gp3, tags: { "a=b": "c" } } },
      EBS,
      {},
      "value-invalid",
      `${PATH}.aws.tags`,
      /rename/,
    ],
    [
      "a tag that is a template",
      { aws: { ...gp3, tags: { a: "{{ .PVCName }}" } } },
      EBS,
      {},
      "value-invalid",
      `${PATH}.aws.tags`,
      /rename/,
    ],
    [
      "several nodes without a profile for it",
      { aws: { ...gp3, iops: 3000 } },
      EBS,
      { accessModes: ["ReadWriteMany"], volumeMode: "Block" },
      "setting-not-applicable",
      "placement.accessModes",
      /^set `volumeType: io2` and `multiAttach: true` in the profile, or remove `accessModes`$/,
    ],
    [
      "a profile for several nodes with a claim for one",
      { aws: io2 },
      EBS,
      {},
      "setting-not-applicable",
      `${PATH}.aws.multiAttach`,
      /volumeMode: Block/,
    ],
    [
      "io1 for several nodes",
      { aws: { ...io2, volumeType: "io1" } },
      EBS,
      { accessModes: ["ReadWriteMany"], volumeMode: "Block" },
      "setting-not-applicable",
      `${PATH}.aws.multiAttach`,
      /use io2/,
    ],
    [
      "a parameter that the driver doesn't know",
      { aws: gp3 },
      EBS,
      { classes: { parameters: { blocksize: "1" } } },
      "unknown-key",
      "storage-profiles:kubernetes.parameters.blocksize",
      /blockSize/,
    ],
    [
      "a parameter that profiles set",
      { aws: gp3 },
      EBS,
      { classes: { parameters: { Encrypted: "true" } } },
      "setting-not-applicable",
      "storage-profiles:kubernetes.parameters.Encrypted",
      /remove/,
    ],
    [
      "bursts on Ceph",
      { ceph: { iops: { max: 100, burst: 200 } } },
      RBD,
      {},
      "setting-not-applicable",
      `${PATH}.ceph.iops.burst`,
      /remove `iops.burst`/,
    ],
    [
      "no id of the Ceph cluster",
      { ceph: {} },
      RBD,
      { classes: {} },
      "setting-required",
      "storage-profiles:kubernetes.parameters.clusterID",
      /add `clusterID: /,
    ],
    [
      "another client on Ceph",
      { ceph: {} },
      RBD,
      { classes: { parameters: { clusterID: "c", mounter: "rbd" } } },
      "setting-not-applicable",
      "storage-profiles:kubernetes.parameters.mounter",
      /remove `mounter`/,
    ],
    [
      "a parameter below the driver's name that it doesn't know",
      { ceph: {} },
      RBD,
      { classes: { parameters: { [RBD]: { clusterID: "c", datapool: "x" } } } },
      "unknown-key",
      `storage-profiles:kubernetes.parameters["${RBD}"].datapool`,
      /dataPool/,
    ],
    [
      "parameters below a name that is no driver's",
      { aws: gp3 },
      EBS,
      { classes: { parameters: { "rbd.csi.ceph": { clusterID: "c" } } } },
      "unknown-key",
      'storage-profiles:kubernetes.parameters["rbd.csi.ceph"]',
      /rbd\.csi\.ceph\.com/,
    ],
    [
      "a file system for several nodes on Ceph",
      { ceph: {} },
      RBD,
      { accessModes: ["ReadWriteMany"] },
      "setting-not-applicable",
      "placement.accessModes",
      /volumeMode: Block/,
    ],
    [
      "zones on PowerFlex",
      { scaleio: { storagePool: "p" } },
      POWERFLEX,
      { zones: ["a"] },
      "setting-not-applicable",
      "storage-profiles:kubernetes.zones",
      /remove/,
    ],
  ])("%s", (_, profile, driver, placement, code, path, fix) => {
    expect(problemsAt(profile, driver, 100, placement)).toEqual([{ code, path, fix: expect.stringMatching(fix) }]);
  });

  test("an unsupported driver names the supported ones", () => {
    const { problems } = on(catalogOf({ aws: gp3 }), "pd.csi.storage.gke.io" as DriverName);
    expect(problems).toEqual([
      expect.objectContaining({ code: "value-not-allowed", path: "placement.driver", allowed: driverNames.join(", ") }),
    ]);
  });

  test("IOPS that the driver would cap or raise, though the stack's limits allow them", () => {
    const limits = { aws: { gp3: { iops: { min: 1000, perGiB: 2000 } } } };
    const at = (iops: number) =>
      on(makeCatalog({ profiles: { fast: { aws: { ...gp3, iops } } }, limits }), EBS, 10).problems.map(
        ({ code, allowed }) => `${code}: ${allowed}`,
      );
    expect(at(5_000)).toEqual([]);
    expect(at(5_001)).toEqual(["iops-beyond-limit: 3,000 to 5,000 IOPS"]);
    expect(at(2_999)).toEqual(["iops-beyond-limit: 3,000 to 5,000 IOPS"]);
  });

  const EDGES = [1, 100, 300, 16_384, 65_536];
  const awsSection = fc.record(
    {
      volumeType: fc.constantFrom("gp3", "gp2", "io1", "io2", "cheapest"),
      iops: fc.oneof(
        fc.integer({ min: 1, max: 100_000 }),
        fc.record({ perGiB: fc.constantFrom(3, 60, 600, 1200) }, { requiredKeys: ["perGiB"] }),
      ),
      throughputMiBps: fc.constantFrom(125, 1000, 3000),
      multiAttach: fc.boolean(),
      snapshotId: fc.constant("snap-1"),
      volumeInitializationRate: fc.constantFrom(50, 200),
    },
    { requiredKeys: ["volumeType"] },
  );
  const claim = fc.record(
    {
      accessModes: fc.constantFrom(["ReadWriteMany"], ["ReadOnlyMany"], ["ReadWriteOnce", "ReadWriteMany"]),
      volumeMode: fc.constantFrom("Block", "Filesystem"),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Placement>;
  // Beyond what the driver does.
  const widened = { aws: { gp3: { iops: { min: 1000, perGiB: 2000, max: 200_000 } }, io1: { iops: { perGiB: 500 } } } };
  const number = (text: string) => Number(text.replaceAll(",", ""));
  type Tried = [section: object, placement: Placement, sizeGiB: number];
  const BLOCK: Placement = { volumeMode: "Block", accessModes: ["ReadWriteMany"] };
  const forms: [RegExp, (section: object, placement: Placement, sizeGiB: number, match: string[]) => Tried[]][] = [
    [
      /^use ((?:gp|io|st|sc|standard)[a-z0-9 ]*)$/,
      (s, p, gib, [, types = ""]) => types.split(" or ").map((volumeType) => [{ ...s, volumeType }, p, gib]),
    ],
    [/^remove `accessModes`$/, (s, p, gib) => [[s, { ...p, accessModes: undefined }, gib]]],
    [/^remove `(\w+)`$/, (s, p, gib, [, key = ""]) => [[{ ...s, [key]: undefined }, p, gib]]],
    [/^set `volumeMode: Block` and `accessModes.* on the volume$/, (s, p, gib) => [[s, { ...p, ...BLOCK }, gib]]],
    [
      /^set (?:`volumeType: (\w+)` and )?`multiAttach: true` in the profile(, with .*)?$/,
      (s, p, gib, [, volumeType, block]) => [
        [{ ...s, ...(volumeType && { volumeType }), multiAttach: true }, { ...p, ...(block && BLOCK) }, gib],
      ],
    ],
    [
      /^use ([\d,]+)(?: to ([\d,]+))? IOPS$/,
      (s, p, gib, [, from = "", to = from]) => [from, to].map((each) => [{ ...s, iops: number(each) }, p, gib]),
    ],
    [
      /^(?:increase|reduce|set) the size to (?:at least |at most )?([\d,]+) GiB(?: or more| or less)?$/,
      (s, p, _, [, gib = ""]) => [[s, p, number(gib)]],
    ],
  ];

  test("a way out that is offered solves its problem and makes no other, whatever the claim", () => {
    const tried = new Set<string>();
    const at = (section: object, placement: Placement, sizeGiB: number) =>
      on(makeCatalog({ profiles: { fast: { aws: section } }, limits: widened }), EBS, sizeGiB, placement).problems;
    const sizes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(...EDGES));
    fc.assert(
      fc.property(awsSection, claim, sizes, (section, placement, sizeGiB) => {
        const problems = at(section, placement, sizeGiB);
        const keys = problems.map(({ code, path, message }) => `${code} ${path} ${message}`);
        for (const { code, path, message, fix } of problems) {
          for (const way of fix.split(/, (?:or )?(?!with)/)) {
            const [match, make] =
              forms.map(([form, make]) => [form.exec(way), make] as const).find(([found]) => found) ?? [];
            if (!match || !make) continue;
            for (const other of make(section, placement, sizeGiB, match)) {
              const left = at(...other).map((each) => `${each.code} ${each.path}`);
              tried.add(way.replace(/[\d,]+/g, "#"));
              expect([section, placement, sizeGiB, way, left]).toEqual([
                section,
                placement,
                sizeGiB,
                way,
                left.filter((each) => keys.some((key) => key.startsWith(`${each} `))),
              ]);
              const same = at(...other).filter((each) => each.message === message && each.path === path);
              expect([section, placement, sizeGiB, way, code, same]).toEqual([
                section,
                placement,
                sizeGiB,
                way,
                code,
                [],
              ]);
            }
          }
        }
      }),
      {
        numRuns: runs(60),
        examples: [
          [{ volumeType: "gp3", iops: 3000, multiAttach: true }, BLOCK, 100],
          [{ volumeType: "io1", iops: 3000, multiAttach: true }, {}, 100],
          [{ volumeType: "gp2", iops: 3000 }, { accessModes: ["ReadWriteMany"] }, 16_385],
        ],
      },
    );
    // The examples alone offer several.
    expect(tried.size).toBeGreaterThan(2);
  });

  test("a name that no object can have", () => {
    const { problems } = resolve(catalogOf({ aws: gp3 }), {
      ...{ name: "Data@fast", sizeGiB: 1, backend: "kubernetes" },
      placement: { driver: EBS },
    });
    expect(problems).toEqual([expect.objectContaining({ code: "value-invalid", path: "name", given: "Data" })]);
  });
});

// The drivers' rules once more: what a class of each may say, and what its values may be.
const number = /^[1-9]\d*$/;
const rules: Record<DriverName, { class: Record<string, RegExp>; attributes: Record<string, RegExp> }> = {
  [EBS]: {
    class: { encrypted: /^true$/, kmsKeyId: /^arn:/, volumeInitializationRate: number },
    attributes: {
      type: /^(gp3|gp2|io1|io2|st1|sc1|standard)$/,
      iops: number,
      throughput: number,
      tagSpecification_1: /^[^=]+=/,
      tagSpecification_2: /^[^=]+=/,
    },
  },
  [CINDER]: { class: { type: /./, availability: /./ }, attributes: {} },
  [POWERFLEX]: {
    class: {
      ...{ storagepool: /./, protectiondomain: /./, thickprovisioning: /^(true|false)$/ },
      ...{ iopsLimit: number, bandwidthLimitInKbps: number },
    },
    attributes: {},
  },
  [RBD]: {
    class: {
      clusterID: /^c1$/,
      mounter: /^rbd-nbd$/,
      pool: /./,
      encrypted: /^true$/,
      imageFeatures: /^[a-z-]+(,[a-z-]+)*$/,
    },
    attributes: Object.fromEntries(
      ["Iops", "ReadIops", "WriteIops", "Bps", "ReadBps", "WriteBps"].map((limit) => [`base${limit}`, /^\d+$/]),
    ),
  },
};
const caps: Record<string, [min: number, perGiB: number]> = { gp3: [3000, 500], io1: [100, 50], io2: [100, 1000] };

const iopsRule = fc.oneof(
  fc.integer({ min: 1, max: 90_000 }),
  fc.record({
    perGiB: fc.integer({ min: 1, max: 1200 }),
    min: fc.constantFrom(undefined, 100, 3000),
    max: fc.constantFrom(undefined, 3000, 64_000),
  }),
);
const sections: Record<DriverName, fc.Arbitrary<ProfileDefinition>> = {
  [EBS]: fc.record({
    aws: fc.record(
      {
        volumeType: fc.constantFrom("gp3", "gp2", "io1", "io2", "st1", "sc1", "standard", "cheapest"),
        iops: iopsRule,
        throughputMiBps: fc.integer({ min: 100, max: 2100 }),
        encrypted: fc.boolean(),
        tags: fc.dictionary(fc.constantFrom("team", "Name"), fc.constantFrom("a", "b=c", "")),
      },
      { requiredKeys: ["volumeType"] },
    ),
  }),
  [CINDER]: fc.record({ openstack: fc.record({ volumeType: fc.constantFrom("a", "b") }, { requiredKeys: [] }) }),
  [POWERFLEX]: fc.record({
    scaleio: fc.record(
      {
        storagePool: fc.constantFrom("p", "q"),
        provisioning: fc.constantFrom("thin", "thick"),
        iopsLimit: fc.constantFrom(0, 11, 5000),
        bandwidthLimitKBps: fc.constantFrom(0, 1, 1024, 5000),
        ramCache: fc.boolean(),
      },
      { requiredKeys: ["storagePool"] },
    ),
  }),
  [RBD]: fc.record({
    ceph: fc.record(
      {
        pool: fc.constantFrom("p", "q"),
        encryption: fc.boolean(),
        iops: fc.record({ max: fc.constantFrom(1, 500), read: fc.constantFrom(1, 500) }, { requiredKeys: [] }),
        bandwidth: fc.record({ max: fc.constantFrom(1, 90), write: fc.constantFrom(1, 90) }, { requiredKeys: [] }),
        imageFeatures: fc.subarray(["layering" as const, "deep-flatten" as const]),
      },
      { requiredKeys: [] },
    ),
  }),
};

describe.each(driverNames)("for any profile on %s", (driver) => {
  const sizes = fc.integer({ min: 1, max: 20_000 });

  test("each class says only what the driver takes, and nothing that it would change", () => {
    fc.assert(
      fc.property(sections[driver], sizes, (profile, sizeGiB) => {
        const { volume } = on(catalogOf(profile), driver, sizeGiB);
        if (!volume) return;
        const { parameters, attributes, volumeAttributesClass } = volume.settings as KubernetesSettings;
        const kinds = [
          ["class", parameters],
          ["attributes", attributes],
        ] as const;
        for (const [kind, given] of kinds)
          for (const [key, text] of Object.entries(given)) {
            expect(Object.keys(rules[driver][kind])).toContain(key);
            expect(text).toMatch(rules[driver][kind][key]!);
          }
        expect(volumeAttributesClass === null).toBe(Object.keys(attributes).length === 0);
        if (driver === RBD) return expect(Object.keys(attributes)).toHaveLength(6);
        if (driver !== EBS) return expect(attributes).toEqual({});
        const { type = "", iops, throughput } = attributes;
        const cap = caps[type];
        expect(cap === undefined).toBe(iops === undefined);
        expect(type === "gp3").toBe(throughput !== undefined);
        if (!cap) return;
        expect(Number(iops)).toBeGreaterThanOrEqual(cap[0]);
        expect(Number(iops)).toBeLessThanOrEqual(Math.max(cap[0], cap[1] * sizeGiB));
      }),
      { numRuns: runs(200) },
    );
  });

  test("classes have a name in common exactly when they have everything in common", () => {
    fc.assert(
      fc.property(sections[driver], sections[driver], sizes, (one, other, sizeGiB) => {
        const [a, b] = [one, other].map(
          (each) => on(catalogOf(each), driver, sizeGiB).volume?.settings as KubernetesSettings | undefined,
        );
        if (!a || !b) return;
        const text = (value: object) => JSON.stringify(value);
        expect(a.storageClass === b.storageClass).toBe(text(a.parameters) === text(b.parameters));
        expect(a.volumeAttributesClass === b.volumeAttributesClass).toBe(text(a.attributes) === text(b.attributes));
      }),
      { numRuns: runs(200) },
    );
  });

  test("parameters can be read back as the settings that they are of", () => {
    const { backend, settings: table } = drivers[driver];
    fc.assert(
      fc.property(sections[driver], sizes, (profile, sizeGiB) => {
        const direct = resolve(catalogOf(profile), { name: "data@fast", sizeGiB, backend }).volume;
        if (!direct) return;
        const section = profile[backend] as object;
        const asked = { section, path: "", without: () => "" } as never;
        const read = settingsOf(
          { settings: table },
          parametersOf({ settings: table }, direct.settings as never, { asked, backend }),
        );
        for (const [key, rule] of Object.entries(table)) {
          if (!["class", "attributes"].includes(rule.to)) continue;
          const value = (direct.settings as unknown as Record<string, unknown>)[key];
          const isNothing = (each: unknown) => each === false || each === 0 || each?.toString() === "";
          expect([key, isNothing(read[key]) ? null : (read[key] ?? null)]).toEqual([
            key,
            isNothing(value) ? null : (value ?? null),
          ]);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  test("the classes made for profiles are those that claims name, without the cluster", () => {
    fc.assert(
      fc.property(
        sections[driver],
        sections[driver],
        fc.array(sizes, { minLength: 1, maxLength: 3 }),
        (one, other, sizesGiB) => {
          const catalog = makeCatalog({ profiles: { fast: one, slow: other } });
          const made: Classes = classesOf(catalog, {
            profiles: ["fast", "slow"],
            sizesGiB,
            placement: { driver, classes: CLASSES },
          });
          if (made.problems.length > 0) return;
          const names = (objects: { metadata: { name: string } }[]) => objects.map(({ metadata }) => metadata.name);
          expect(new Set(names(made.storageClasses)).size).toBe(made.storageClasses.length);
          expect(new Set(names(made.attributesClasses)).size).toBe(made.attributesClasses.length);
          for (const sizeGiB of sizesGiB) {
            const claim = on(catalog, driver, sizeGiB).volume?.settings as KubernetesSettings | undefined;
            if (!claim) continue;
            const { storageClass, volumeAttributesClass } = claim;
            const found = made.storageClasses.find(({ metadata }) => metadata.name === storageClass);
            expect(found && { ...found.parameters }).toEqual(claim.parameters);
            if (volumeAttributesClass === null) continue;
            const attributes = made.attributesClasses.find(({ metadata }) => metadata.name === volumeAttributesClass);
            expect(attributes?.parameters).toEqual(claim.attributes);
          }
        },
      ),
      { numRuns: runs(100) },
    );
  });
});

describe("classes for a cluster", () => {
  const profiles = {
    silver: { aws: { volumeType: "gp3", iops: 4000 } },
    gold: { aws: { volumeType: "io1", iops: { perGiB: 30 } } },
  } as const;
  const catalog = makeCatalog({ profiles });
  const made = (asked: Partial<Parameters<typeof classesOf>[1]> = {}) =>
    classesOf(catalog, { profiles: ["silver", "gold"], sizesGiB: [100, 200], placement: { driver: EBS }, ...asked });

  test("keep the storage, wait for a pod, grow, and say what they are for", () => {
    const [first] = made({ placement: { driver: EBS, zones: ["us-east-1a"] } }).storageClasses;
    expect(first).toEqual({
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: {
        name: expect.stringMatching(/^sp-ebs-/),
        labels: { "app.kubernetes.io/managed-by": "storage-profiles" },
        annotations: { "storage-profiles/profiles": "silver,gold" },
      },
      provisioner: EBS,
      reclaimPolicy: "Retain",
      volumeBindingMode: "WaitForFirstConsumer",
      allowVolumeExpansion: true,
      allowedTopologies: [{ matchLabelExpressions: [{ key: "topology.kubernetes.io/zone", values: ["us-east-1a"] }] }],
    });
  });

  test("a profile's own class can't be called like those with a hash, which an `apply` of claims creates and nothing replaces", () => {
    const catalog = makeCatalog({ profiles: { "sp-fast": { aws: { volumeType: "gp3", iops: 4000 } } } });
    const asked = { profiles: ["sp-fast"], placement: { driver: EBS } } as const;
    const { problems, aliases, storageClasses } = classesOf(catalog, asked);
    expect(problems.map(({ message, allowed }) => `${message}; ${allowed}`)).toEqual([
      expect.stringMatching(/^"sp-fast" can't be the name of a StorageClass; names that don't begin with `sp-`/),
    ]);
    expect([...aliases, ...storageClasses]).toEqual([]);
    expect(classesOf(catalog, { ...asked, aliases: false })).toMatchObject({ problems: [], aliases: [] });
    expect(claimRecorded.preparedBy?.prefix).toBe("-sp-");
  });

  test("a profile has one for people, of its own name and with all of its values, unless they depend on the size", () => {
    const { aliases, notes, profiles: names, attributesClasses } = made({ defaultProfile: "silver" });
    expect(aliases.map(({ metadata, parameters }) => [metadata.name, parameters])).toEqual([
      ["silver", { iops: "4000", throughput: "125", type: "gp3" }],
    ]);
    expect(aliases[0]?.metadata.annotations).toHaveProperty(["storageclass.kubernetes.io/is-default-class"], "true");
    expect(notes.map(({ code }) => code)).toEqual(["class-left-out"]);
    expect(Object.keys(names["gold"]?.attributesClasses ?? {})).toEqual(["100", "200"]);
    expect(Object.keys(names["silver"]?.attributesClasses ?? {})).toEqual(["any"]);
    expect(attributesClasses).toHaveLength(3);
    expect(made({ aliases: false }).aliases).toEqual([]);
  });

  test.each([
    ["a profile that depends on the size without sizes", { sizesGiB: [] }, "setting-required", "sizes"],
    ["no size that the profile can have", { sizesGiB: [1] }, "size-beyond-limit", "sizeGiB"],
    ["a default without a class of its name", { defaultProfile: "gold" }, "value-not-allowed", "defaultProfile"],
    ["no driver", { placement: {} }, "setting-required", "storage-profiles:kubernetes.driver"],
  ])("are refused: %s", (_, asked, code, path) => {
    const { problems, storageClasses, attributesClasses } = made(asked);
    expect(problems[0]).toMatchObject({ code, path });
    expect([storageClasses, attributesClasses]).toEqual([[], []]);
  });

  test("a definition that a volume is pinned to has its classes beside those of the profile", () => {
    const pins = {
      "data@silver": { aws: { volumeType: "gp3", iops: 3500 } },
      "volume@silver": { aws: { volumeType: "gp2" } },
    } as const;
    const pinned = makeCatalog({ profiles, pins });
    const {
      attributesClasses,
      aliases,
      profiles: names,
    } = classesOf(pinned, {
      ...{ profiles: ["silver"], placement: { driver: EBS } },
    });
    const claim = resolve(pinned, {
      name: "data@silver",
      sizeGiB: 100,
      backend: "kubernetes",
      placement: { driver: EBS },
    });
    const { volumeAttributesClass } = claim.volume?.settings as KubernetesSettings;
    expect(names["data@silver"]?.attributesClasses).toEqual({ any: volumeAttributesClass });
    expect(attributesClasses.map(({ parameters }) => parameters["iops"]).sort()).toEqual(["3500", "4000", undefined]);
    // No volume's pin is what the profile is for everybody.
    expect(aliases.map(({ parameters }) => parameters?.["iops"])).toEqual(["4000"]);
  });

  test("a profile for several nodes has classes, though no claim says so here", () => {
    const aws = { volumeType: "io2", iops: 500, multiAttach: true } as const;
    const { problems, attributesClasses } = classesOf(catalogOf({ aws }), {
      profiles: ["fast"],
      placement: { driver: EBS },
    });
    expect([problems, attributesClasses.map(({ parameters }) => parameters)]).toEqual([
      [],
      [{ type: "io2", iops: "500" }],
    ]);
  });
});

test("each driver's table covers every setting of its backend", () => {
  for (const driver of driverNames) {
    const { backend, settings } = drivers[driver];
    const sample = resolve(makeCatalog(), { name: "data@silver", sizeGiB: 8, backend }).volume?.settings;
    // Which connection leads to a volume, no profile says, and a driver has its own.
    const ofProfiles = Object.keys(settings).filter((setting) => setting !== "connection");
    expect(ofProfiles.sort()).toEqual(Object.keys(sample ?? {}).sort());
    expect(backendNames).toContain(backend);
  }
});
