// IOPS and throughput by a ratio: what a person would work out by hand, and not what binary fractions make of it.

import * as fc from "fast-check";

import { exactly, wantedIops } from "../../../src/backends/iops";
import { wantedThroughput } from "../../../src/backends/throughput";
import { runs } from "../../support/property";

test.each([
  [2.2, 100, 220],
  [1.1, 50, 55],
  [0.3, 10, 3],
  [30, 100, 3000],
  [0.01, 1, 1],
])("%d IOPS per GiB of %i GiB are %i", (perGiB, sizeGiB, iops) => {
  expect(wantedIops({ perGiB }, sizeGiB, "fast", "iops", undefined).iops).toBe(iops);
});

test.each([
  [0.009, 3000, 27],
  [0.25, 3001, 750],
  [0.29, 100, 29],
])("%d MiB/s per IOPS of %i IOPS are %i", (perIops, iops, MiBps) => {
  expect(wantedThroughput({ perIops }, iops, "fast", "throughputMiBps", 125).MiBps).toBe(MiBps);
});

test("a ratio of whole hundredths gives what whole numbers give", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 65_536 }), (hundredths, sizeGiB) => {
      expect(Math.ceil(exactly((hundredths / 100) * sizeGiB))).toBe(Math.ceil((hundredths * sizeGiB) / 100));
    }),
    { numRuns: runs(100) },
  );
});
