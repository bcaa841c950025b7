// What the status page writes of an edited built-in profile: laid over that one, it gives what was typed.

import * as fc from "fast-check";

import { difference } from "../../../src/http/page/difference";
import { overlay, withoutNulls, type Tree } from "../../../src/core/overlay";
import { runs } from "../../support/property";

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.constant(null), fc.array(fc.integer(), { maxLength: 2 })),
    fc.dictionary(fc.constantFrom("a", "b", "c"), tie("tree"), { maxKeys: 3 }),
  ),
}));
const section = fc.dictionary(fc.constantFrom("a", "b", "c"), tree, { maxKeys: 3 });

test("only what differs is written, and what is taken away is null", () => {
  const silver = { description: "x", aws: { iops: 3_000, encrypted: true }, local: { iops: { max: 3_000 } } };
  expect(difference(silver, structuredClone(silver))).toBeUndefined();
  expect(difference(silver, { ...silver, aws: { iops: 6_000, encrypted: true } })).toEqual({ aws: { iops: 6_000 } });
  expect(difference(silver, { description: "x", aws: { encrypted: true } })).toEqual({
    aws: { iops: null },
    local: null,
  });
});

test("property: laid over the profile, it gives what was typed", () => {
  fc.assert(
    fc.property(section, section, (base, now) => {
      const profile = withoutNulls(base);
      expect(withoutNulls(overlay(profile, difference(profile, now)))).toEqual(withoutNulls(now));
    }),
    { numRuns: runs(2000) },
  );
});
