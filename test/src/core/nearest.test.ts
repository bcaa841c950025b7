import { nearest } from "../../../src";

const keys = ["iops", "throughputMiBps", "overcommit", "volumeType"];

test.each([
  ["iopss", "iops"],
  ["IOPS", "iops"],
  // As the setting is called of which the section's key is the beginning, and the other way round.
  ["iopsLimit", "iops"],
  ["throughput", "throughputMiBps"],
  ["iop", "iops"],
  ["encrypted", undefined],
  ["i", undefined],
  ["over", "overcommit"],
  ["type", "volumeType"],
  ["Type", "volumeType"],
  ["commit", undefined],
  ["ype", undefined],
  ["ove", undefined],
])("%s: %s is near", (word, expected) => {
  expect(nearest(word, keys)).toBe(expected);
});

test("where several names begin so, none is meant more than the others", () => {
  expect(nearest("snapshot", ["snapshotPolicy", "snapshotLimit"])).toBeUndefined();
});
