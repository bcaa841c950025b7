// The sizes of waves.

import * as fc from "fast-check";

import { waveEnds } from "../../../src/stack/waves";
import { runs } from "../../support/property";

test.each<[string, number, number[]]>([
  ["1,10%,100%", 50, [1, 5, 50]],
  ["1,10%,100%", 4, [1, 4]],
  ["1, 10%, 100%", 15, [1, 2, 15]],
  ["5,10%,100%", 20, [5, 20]],
  ["0.1%,100%", 3, [1, 3]],
  ["7%,100%", 100, [7, 100]],
  ["100%", 1, [1]],
  ["1,100%", 0, []],
])("%s of %d ends at %j", (text, total, ends) => expect(waveEnds(text, total)).toEqual({ ends }));

test.each([
  ["", "neither"],
  ["1,,100%", "neither"],
  ["0,100%", "neither"],
  ["-1,100%", "neither"],
  ["ten,100%", "neither"],
  ["1.5,100%", "whole number"],
  ["101%,100%", "more than 100%"],
  ["1,50%", "must be 100%"],
  ["100%,1", "must be 100%"],
])("%j isn't waves", (text, why) => expect(waveEnds(text, 10).why).toContain(why));

test("each wave adds volumes, and the last one ends with all", () => {
  const size = fc.oneof(
    fc.integer({ min: 1, max: 60 }).map(String),
    fc.integer({ min: 1, max: 100 }).map((each) => `${each}%`),
  );
  fc.assert(
    fc.property(fc.array(size, { maxLength: 5 }), fc.integer({ min: 1, max: 1000 }), (sizes, total) => {
      const { ends = [] } = waveEnds([...sizes, "100%"].join(","), total);
      expect(ends.every((end, index) => end > (ends[index - 1] ?? 0))).toBe(true);
      expect(ends.at(-1)).toBe(total);
      const [first = "100%"] = sizes;
      const least = first.endsWith("%") ? (total * Number(first.slice(0, -1))) / 100 : Math.min(Number(first), total);
      // Never less than was asked for, and never a whole volume more.
      expect(ends[0]).toBeGreaterThanOrEqual(least);
      expect(ends[0]).toBeLessThan(least + 1);
    }),
    { numRuns: runs(500) },
  );
});
