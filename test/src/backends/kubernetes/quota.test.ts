// Which quotas count a claim, and whether they have room for all new claims of a run.

import { quotaProblems, usageOf, type Demand, type Quota } from "../../../../src/backends/kubernetes/quota";

const own: Demand = { storage: "100Gi", storageClass: "sp-ebs-1", attributesClasses: ["gold"] };
const without: Demand = { ...own, attributesClasses: [] };

const told = (quota: Quota, demands = [own], of = demands[0]!) =>
  quotaProblems([{ metadata: { name: "q" }, ...quota }], demands, of, "shop").map(({ message }) => message);
const status = (hard: Record<string, string>, used: Record<string, string> = {}) => ({ status: { hard, used } });

test.each<[string, string, string]>([
  ["requests.storage", "99Gi", "100Gi"],
  ["persistentvolumeclaims", "0", "1"],
  ["count/persistentvolumeclaims", "0", "1"],
  ["sp-ebs-1.storageclass.storage.k8s.io/requests.storage", "99Gi", "100Gi"],
  ["sp-ebs-1.storageclass.storage.k8s.io/persistentvolumeclaims", "0", "1"],
])("%s counts a claim", (key, most, needed) => {
  expect(told(status({ [key]: most }))).toEqual([
    `quota q of namespace shop has no room for this claim: ${key} is limited to ${most}, 0 is used, and ${needed} more is needed`,
  ]);
  expect(told(status({ [key]: needed }))).toEqual([]);
  expect(told(status({ [key]: needed }), [own, { ...own, storage: "1Mi" }])).toHaveLength(1);
});

test("other classes, other resources, and a quota whose status nobody has written yet count nothing", () => {
  const keys = ["pods", "limits.memory", "sp-ebs-2.storageclass.storage.k8s.io/requests.storage"];
  expect(told(status(Object.fromEntries(keys.map((key) => [key, "0"]))))).toEqual([]);
  expect(told({})).toEqual([]);
});

test("a claim of another class isn't counted with those of one", () => {
  const key = "sp-ebs-1.storageclass.storage.k8s.io/requests.storage";
  expect(told(status({ [key]: "150Gi" }), [own, { ...own, storageClass: "sp-ebs-2" }])).toEqual([]);
});

// Source: kubernetes 1.34.3, pkg/quota/v1/evaluator/core/persistent_volume_claims.go, pvcMatchesScopeFunc.
test.each<[string, object, counted: Demand, boolean]>([
  ["In", { operator: "In", values: ["gold"] }, own, true],
  ["In others", { operator: "In", values: ["silver"] }, own, false],
  ["In, without a class", { operator: "In", values: ["gold"] }, without, false],
  ["NotIn", { operator: "NotIn", values: ["gold"] }, own, false],
  ["NotIn others", { operator: "NotIn", values: ["silver"] }, own, true],
  ["NotIn, without a class", { operator: "NotIn", values: ["gold"] }, without, true],
  ["Exists", { operator: "Exists" }, own, true],
  ["Exists, without a class", { operator: "Exists" }, without, false],
  ["DoesNotExist", { operator: "DoesNotExist" }, own, false],
  ["DoesNotExist, without a class", { operator: "DoesNotExist" }, without, true],
  [
    "In, while it changes",
    { operator: "In", values: ["gold"] },
    { ...own, attributesClasses: ["silver", "gold"] },
    true,
  ],
  [
    "NotIn, while it changes",
    { operator: "NotIn", values: ["gold"] },
    { ...own, attributesClasses: ["silver", "gold"] },
    true,
  ],
])("a scope decides whether a claim counts: %s", (_, scope, claim, isCounted) => {
  const scopeSelector = { matchExpressions: [{ scopeName: "VolumeAttributesClass", ...scope }] };
  const quota = { ...status({ persistentvolumeclaims: "0" }), spec: { scopeSelector } };
  expect(told(quota, [claim])).toHaveLength(isCounted ? 1 : 0);
});

test("a scope about pods counts no claim", () => {
  expect(told({ ...status({ persistentvolumeclaims: "0" }), spec: { scopes: ["BestEffort"] } })).toEqual([]);
});

const claim = (storage: string, attributesClass: string, status: object = {}) => ({
  spec: {
    storageClassName: "sp-ebs-1",
    volumeAttributesClassName: attributesClass,
    resources: { requests: { storage } },
  },
  status: { currentVolumeAttributesClassName: "silver", ...status },
});
const changed = (storage: string, attributesClass: string): Demand => {
  const [from, to] = [claim("100Gi", "silver"), claim(storage, attributesClass)];
  return { ...usageOf(to), had: usageOf(from) };
};

test("several claims that grow take only what they grow by, together; one that keeps its size takes nothing, even of a quota that is overdrawn", () => {
  const quota = status(
    { "requests.storage": "350Gi", persistentvolumeclaims: "1" },
    { "requests.storage": "200Gi", persistentvolumeclaims: "2" },
  );
  const grown = changed("200Gi", "silver");
  expect(told(quota, [grown])).toEqual([]);
  expect(told(quota, [grown, changed("100Gi", "gold")])).toEqual([]);
  expect(told(quota, [grown, grown])).toEqual([
    "quota q of namespace shop has no room for the 2 claims that this run creates or changes: requests.storage is limited to 350Gi, " +
      "200Gi is used, and 200Gi more is needed",
  ]);
  expect(told(quota, [grown, { ...own, storage: "60Gi" }])).toEqual([
    expect.stringContaining("requests.storage is limited to 350Gi, 200Gi is used, and 160Gi more is needed"),
  ]);
});

test("a claim counts whole in the quota of its new class, and not again in that of its former one, which it keeps until it has changed", () => {
  const quotaOf = (name: string) => ({
    ...status({ "requests.storage": "150Gi", "count/persistentvolumeclaims": "1" }),
    spec: {
      scopeSelector: { matchExpressions: [{ scopeName: "VolumeAttributesClass", operator: "In", values: [name] }] },
    },
  });
  const moved = changed("100Gi", "gold");
  expect(told(quotaOf("gold"), [moved])).toEqual([]);
  expect(told(quotaOf("gold"), [moved, moved])).toEqual([
    expect.stringContaining("requests.storage is limited to 150Gi, 0 is used, and 200Gi more is needed"),
    expect.stringContaining("count/persistentvolumeclaims is limited to 1, 0 is used, and 2 more is needed"),
  ]);
  expect(told(quotaOf("silver"), [moved, moved])).toEqual([]);
});

test("a growth that failed counts until it is given up", () => {
  const failed = claim("120Gi", "silver", { allocatedResources: { storage: "500Gi" } });
  expect(usageOf(failed)).toMatchObject({ storage: "500Gi", attributesClasses: ["silver", "silver"] });
});
