// Which changes of an existing claim are allowed, and how a claim is read from the state.

import { change, makeCatalog, resolve, type ProfileDefinition, type ResolvedVolume } from "../../../../src";
import { gibibytes } from "../../../../src/backends/kubernetes/quantity";
import { claimRecorded } from "../../../../src/backends/kubernetes/recorded";
import type { DriverName } from "../../../../src/backends/kubernetes/drivers";
import type { Placement } from "../../../../src/backends/kubernetes/settings";

const EBS = "ebs.csi.aws.com";
const profiles: Record<string, ProfileDefinition> = {
  gold: {
    aws: { volumeType: "io2", iops: 5000, encrypted: true, tags: { tier: "1" } },
    openstack: { volumeType: "gold" },
  },
  silver: { aws: { volumeType: "gp3", encrypted: true }, openstack: { volumeType: "silver" } },
  plain: { aws: { volumeType: "gp3" } },
  shared: { aws: { volumeType: "io2", iops: 5000, multiAttach: true } },
  "shared-gp3": { aws: { volumeType: "gp3" } },
};
const catalog = makeCatalog({ profiles });
const at = (
  profile: string,
  { sizeGiB = 100, driver = EBS, ...placement }: Placement & { sizeGiB?: number } = {},
): ResolvedVolume => {
  const request = { name: `data@${profile}`, sizeGiB, backend: "kubernetes", placement: { driver, ...placement } };
  const { volume, problems } = resolve(catalog, request);
  if (!volume) throw new Error(JSON.stringify(problems));
  return volume;
};
const codes = (from: ResolvedVolume, to: ResolvedVolume) => {
  const { verdict, problems, notes } = change(from, to);
  return {
    verdict,
    problems: problems.map(({ code, path }) => `${code} ${path}`),
    notes: notes.map(({ code }) => code),
  };
};

test("profile and size change in place, together, as one modification of EBS", () => {
  const { verdict, problems, notes } = codes(at("silver"), at("gold", { sizeGiB: 200 }));
  expect([verdict, problems]).toEqual(["in-place", []]);
  expect(notes).toEqual(["change-in-place", "change-in-place", "change-in-place", "modification-limit"]);
});

test("a tag that the new profile doesn't have stays on the volume, and that is said", () => {
  const { notes } = change(at("gold"), at("silver"));
  expect(notes.map(({ message }) => message)).toContain("the volume keeps tag tier: a class can't remove tags");
});

test.each<[string, ResolvedVolume, ResolvedVolume, string[]]>([
  ["shrinking", at("silver"), at("silver", { sizeGiB: 50 }), ["change-shrinks sizeGiB"]],
  [
    "what is fixed in the StorageClass",
    at("silver"),
    at("plain"),
    ["change-not-possible settings.parameters.encrypted"],
  ],
  ["another namespace", at("silver"), at("silver", { namespace: "shop" }), ["change-not-possible settings.namespace"]],
  ["a block device", at("silver"), at("silver", { volumeMode: "Block" }), ["change-not-possible settings.volumeMode"]],
  [
    "other access modes",
    at("silver"),
    at("silver", { accessModes: ["ReadWriteOncePod"] }),
    ["change-not-possible settings.accessModes"],
  ],
  [
    "a StorageClass of another reclaim policy",
    at("silver"),
    at("silver", { classes: { reclaimPolicy: "Delete" } }),
    ["change-not-possible settings.storageClass"],
  ],
])("%s is refused", (_, from, to, problems) => {
  expect(codes(from, to)).toEqual({ verdict: "refused", problems, notes: [] });
});

test("another driver is refused once, and not for each parameter", () => {
  const { problems } = codes(at("gold"), at("gold", { driver: "cinder.csi.openstack.org" }));
  expect(problems).toContain("change-not-possible settings.driver");
  expect(problems.filter((each) => each.includes("parameters"))).toEqual([]);
});

test("a driver that can't modify refuses a change of profile, with the reason", () => {
  const driver: DriverName = "cinder.csi.openstack.org";
  const { verdict, problems } = change(at("gold", { driver }), at("silver", { driver }));
  expect(verdict).toBe("refused");
  expect(problems).toEqual([
    expect.objectContaining({
      path: "settings.parameters.type",
      message: expect.stringContaining("it doesn't implement ControllerModifyVolume"),
      fix: expect.stringContaining("restore the previous value"),
    }),
  ]);
});

test("an imported claim keeps the StorageClass that it has, if the volume names it", () => {
  const has = { sizeGiB: 100, settings: { storageClass: "gp3-encrypted", volumeAttributesClass: null } };
  // As its own resource has it: only names, of which the profile's class is another.
  const ofResource = (settings: object) => ({ ...at("silver"), settings: settings as never });
  const named = { ...has.settings, storageClass: (at("silver").settings as any).storageClass };
  const [refused] = change(ofResource(has.settings), ofResource(named)).problems;
  expect(refused).toMatchObject({ path: "settings.storageClass", fix: expect.stringContaining("existingClass") });
  const kept = at("silver", { existingClass: "gp3-encrypted" });
  expect(kept.settings).toMatchObject({
    storageClass: "gp3-encrypted",
    existingClass: "gp3-encrypted",
    parameters: {},
  });
  expect(change({ ...kept, ...has, settings: { ...kept.settings, ...has.settings } }, kept)).toMatchObject({
    verdict: "in-place",
    problems: [],
  });
  const request = { name: "data@silver", sizeGiB: 1, backend: "kubernetes" };
  const { notes } = resolve(catalog, { ...request, placement: { driver: EBS, existingClass: "gp3-encrypted" } });
  expect(notes.map(({ code }) => code)).toContain("not-checked");
});

test("a claim that has a class of attributes can't lose it", () => {
  const from = at("silver");
  const to = { ...from, settings: { ...from.settings, volumeAttributesClass: null } } as ResolvedVolume;
  expect(codes(from, to).problems).toEqual(["change-not-possible settings.volumeAttributesClass"]);
  expect(codes(to, from).verdict).toBe("in-place");
});

test("what the driver's backend refuses as a whole is refused", () => {
  const modes = { accessModes: ["ReadWriteMany"], volumeMode: "Block" } as const;
  const from = at("shared", { accessModes: [...modes.accessModes], volumeMode: modes.volumeMode });
  const gp3 = at("shared-gp3");
  const to = {
    ...from,
    settings: { ...from.settings, attributes: (gp3.settings as any).attributes, volumeAttributesClass: "x" },
  } as ResolvedVolume;
  expect(codes(from, to).problems).toEqual(["change-not-possible settings.volumeType"]);
});

describe("a claim in the state", () => {
  const spec = {
    accessModes: ["ReadWriteOnce"],
    storageClassName: "sc",
    volumeAttributesClassName: "new",
    resources: { requests: { storage: "100Gi" } },
  };

  test("is read as settings; what only the classes know is left out", () => {
    expect(claimRecorded.read({ metadata: { namespace: "shop" }, spec })).toEqual({
      sizeGiB: 100,
      settings: {
        ...{ namespace: "shop", accessModes: ["ReadWriteOnce"], volumeMode: "Filesystem" },
        ...{ storageClass: "sc", volumeAttributesClass: "new" },
      },
    });
  });

  test("whose change the driver can't make has the class that it had", () => {
    const status = { currentVolumeAttributesClassName: "old", modifyVolumeStatus: { status: "Infeasible" } };
    expect(claimRecorded.read({ spec, status }).settings).toMatchObject({ volumeAttributesClass: "old" });
    const inProgress = { ...status, modifyVolumeStatus: { status: "InProgress" } };
    expect(claimRecorded.read({ spec, status: inProgress }).settings).toMatchObject({ volumeAttributesClass: "new" });
  });

  test.each([
    ["100Gi", 100],
    ["1Ti", 1024],
    ["1.5Ti", 1536],
    ["500G", 466],
    ["1073741824", 1],
    ["1073741825", 2],
    ["1e9", 1],
    ["many", undefined],
    ["5Xi", undefined],
    [undefined, undefined],
  ])("%s is %s GiB", (quantity, expected) => {
    expect(gibibytes(quantity)).toBe(expected);
  });
});
