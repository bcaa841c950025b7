import { ownPlacement } from "../../../src";

test("a volume says where it lives below its backend's name, where that backend asks for it", () => {
  const own = { availabilityZone: "eu-west-1a", snapshotId: undefined };
  expect(ownPlacement("aws", { aws: own, local: { iops: 5 } })).toEqual({ availabilityZone: "eu-west-1a" });
  // The key itself is refused: what is below it was called wrong besides, as if it were allowed.
  expect(ownPlacement("local", { local: { iops: 5 } })).toBeUndefined();
});
