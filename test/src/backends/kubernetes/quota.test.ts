// Which quotas count a claim, and whether they have room for all new claims of a run.

import { quotaProblems, type Quota } from "../../../../src/backends/kubernetes/quota";

const own = { storage: "100Gi", storageClass: "sp-ebs-1", attributesClass: "gold" };
const without = { ...own, attributesClass: undefined };

const told = (quota: Quota, demands = [own], of = own) =>
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
test.each<[string, object, counted: typeof own | typeof without, boolean]>([
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
])("a scope decides whether a claim counts: %s", (_, scope, claim, isCounted) => {
  const scopeSelector = { matchExpressions: [{ scopeName: "VolumeAttributesClass", ...scope }] };
  const quota = { ...status({ persistentvolumeclaims: "0" }), spec: { scopeSelector } };
  expect(told(quota, [claim as typeof own], claim as typeof own)).toHaveLength(isCounted ? 1 : 0);
});

test("a scope about pods counts no claim", () => {
  expect(told({ ...status({ persistentvolumeclaims: "0" }), spec: { scopes: ["BestEffort"] } })).toEqual([]);
});
