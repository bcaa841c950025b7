// What a claim's status means for a change that was requested: each stage that the external-resizer and the API server write.

import type { Claim } from "../../../../src/backends/kubernetes/claim";
import { outcomeOf } from "../../../../src/backends/kubernetes/outcome";
import { claimRecorded } from "../../../../src/backends/kubernetes/recorded";

const requested = { attributesClass: "gold", storage: "200Gi" };

/** A bound claim that was asked for gold and 200 GiB, and has silver and 100 GiB. */
const claim = (status: Claim["status"] = {}, spec: Claim["spec"] = {}): Claim => ({
  metadata: { name: "data", namespace: "shop", uid: "u" },
  spec: { volumeAttributesClassName: "gold", resources: { requests: { storage: "200Gi" } }, ...spec },
  status: { phase: "Bound", capacity: { storage: "100Gi" }, currentVolumeAttributesClassName: "silver", ...status },
});
const GROWN = { capacity: { storage: "200Gi" } };
const IS_GOLD = { currentVolumeAttributesClassName: "gold" };
const modifying = (status: string, target = "gold") => ({
  modifyVolumeStatus: { status, targetVolumeAttributesClassName: target },
});
const condition = (type: string, message?: string) => ({
  conditions: [{ type, status: "True", ...(message !== undefined && { message }) }],
});

test.each<[string, Claim, object]>([
  ["class and size are reached", claim({ ...GROWN, ...IS_GOLD }), { state: "done" }],
  ["more than the requested size", claim({ capacity: { storage: "1Ti" }, ...IS_GOLD }), { state: "done" }],
  ["a claim that isn't bound yet", claim({ phase: "Pending" }), { state: "done" }],
  [
    "nobody has reacted",
    claim(),
    {
      state: "no-answer",
      what: "class silver → gold: no answer from the cluster; size 100Gi → 200Gi: no answer from the cluster",
    },
  ],
  [
    "a driver that grows and can't modify",
    claim(GROWN),
    { state: "no-answer", what: expect.stringMatching(/^class[^;]*$/) },
  ],
  ["the driver works at the class", claim({ ...GROWN, ...modifying("InProgress") }), { state: "in-progress" }],
  [
    "the class is still tried, with the driver's error",
    claim({ ...GROWN, ...modifying("InProgress"), ...condition("ModifyVolumeError", "volume is OPTIMIZING") }),
    { state: "in-progress", what: "class silver → gold: InProgress: volume is OPTIMIZING" },
  ],
  [
    "the class doesn't exist",
    // As external-resizer 2.3.0 writes it: without a target.
    claim({ ...GROWN, modifyVolumeStatus: { status: "Pending" } }),
    { state: "pending", what: "class silver → gold: class gold doesn't exist in the cluster (Pending)" },
  ],
  [
    "the driver rejects the class",
    claim({ ...GROWN, ...modifying("Infeasible"), ...condition("ModifyVolumeError", "iops 9 is\n too low") }),
    {
      state: "infeasible",
      what: "class silver → gold: the driver rejected the class (Infeasible): iops 9 is too low. The volume keeps class silver",
      way: "give the volume another profile, or the previous one",
    },
  ],
  [
    "the way back after a rejected class isn't done until the resizer says so",
    claim({ ...GROWN, ...IS_GOLD, ...modifying("Infeasible", "bronze") }),
    { state: "in-progress", what: expect.stringContaining("an earlier change to bronze is Infeasible") },
  ],
  [
    "a rejected size counts more than a class that goes on",
    claim({ ...modifying("InProgress"), allocatedResourceStatuses: { storage: "ControllerResizeInfeasible" } }),
    { state: "infeasible", what: expect.stringContaining("The volume keeps 100Gi") },
  ],
  [
    "what the driver said of an earlier size isn't taken for its answer to this one",
    claim({
      ...IS_GOLD,
      allocatedResources: { storage: "400Gi" },
      allocatedResourceStatuses: { storage: "ControllerResizeInfeasible" },
    }),
    { state: "in-progress", what: expect.stringContaining("an earlier request for 400Gi was rejected") },
  ],
  [
    "the storage has grown, and the file system waits for a pod",
    claim({ ...IS_GOLD, allocatedResourceStatuses: { storage: "NodeResizePending" } }),
    { state: "done", remark: expect.stringContaining("when a pod uses the claim") },
  ],
  [
    "the same, as clusters before 1.34 say it",
    claim({ ...IS_GOLD, ...condition("FileSystemResizePending") }),
    { state: "done", remark: expect.stringContaining("when a pod uses the claim") },
  ],
  [
    "a second growth while the first one waits for a pod",
    claim({
      ...IS_GOLD,
      allocatedResources: { storage: "150Gi" },
      allocatedResourceStatuses: { storage: "NodeResizePending" },
    }),
    {
      state: "in-progress",
      what: "size 100Gi → 200Gi: the earlier growth to 150Gi waits for a pod that uses the claim",
    },
  ],
  [
    "the same, by its condition",
    claim({ ...IS_GOLD, allocatedResources: { storage: "150Gi" }, ...condition("FileSystemResizePending") }),
    { state: "in-progress", what: expect.stringContaining("earlier growth to 150Gi") },
  ],
  [
    "a growth to the requested size that waits for a pod",
    claim({
      ...IS_GOLD,
      allocatedResources: { storage: "200Gi" },
      allocatedResourceStatuses: { storage: "NodeResizePending" },
    }),
    { state: "done", remark: expect.stringContaining("when a pod uses the claim") },
  ],
  [
    "the file system can't grow",
    claim({ ...IS_GOLD, allocatedResourceStatuses: { storage: "NodeResizeInfeasible" } }),
    { state: "infeasible", way: expect.stringContaining("file system") },
  ],
  ["the storage grows", claim({ ...IS_GOLD, ...condition("Resizing") }), { state: "in-progress" }],
  [
    "the storage grows, by its status",
    claim({ ...IS_GOLD, allocatedResourceStatuses: { storage: "ControllerResizeInProgress" } }),
    { state: "in-progress", what: "size 100Gi → 200Gi: ControllerResizeInProgress" },
  ],
  [
    "someone else changed the class meanwhile",
    claim({}, { volumeAttributesClassName: "bronze" }),
    { state: "superseded", what: expect.stringContaining("someone else changed the claim's class to bronze") },
  ],
  [
    "someone else took the size back",
    claim(IS_GOLD, { resources: { requests: { storage: "150Gi" } } }),
    { state: "superseded", what: expect.stringContaining("size to 150Gi") },
  ],
  ["the claim goes", { ...claim(), metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }, { state: "lost" }],
  ["the claim has lost its volume", claim({ phase: "Lost" }), { state: "lost" }],
])("%s", (_, given, expected) => {
  expect(outcomeOf(given, requested)).toMatchObject(expected);
});

test("a claim without a class is done by its size alone", () => {
  const { spec, ...rest } = claim(GROWN);
  const { volumeAttributesClassName: _, ...others } = spec ?? {};
  expect(outcomeOf({ ...rest, spec: others }, { storage: "200Gi" })).toEqual({ state: "done" });
});

test("an event gives the driver's words where the claim lacks them", () => {
  const infeasible = claim({ ...GROWN, ...modifying("Infeasible") });
  expect(outcomeOf(infeasible, requested, ["unknown type"])).toMatchObject({
    what: expect.stringContaining("(Infeasible): unknown type."),
  });
});

test("a size that the driver rejected is read as the size that the claim has: the way back is no shrinking", () => {
  const rejected = claim({ ...IS_GOLD, allocatedResourceStatuses: { storage: "ControllerResizeInfeasible" } });
  const read = (each: Claim) => claimRecorded.read(each as Record<string, unknown>).sizeGiB;
  expect([read(rejected), read(claim(IS_GOLD))]).toEqual([100, 200]);
});
