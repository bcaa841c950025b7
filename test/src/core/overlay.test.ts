import * as fc from "fast-check";

import { overlay, withoutNulls, type Tree } from "../../../src/core/overlay";
import { runs } from "../../support/property";

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.constant(null), fc.array(fc.integer(), { maxLength: 2 })),
    fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), tie("tree"), { maxKeys: 3 }),
  ),
}));

describe("laying one tree over another", () => {
  test("goes key by key, and replaces what is no object", () => {
    const base = { aws: { volumeType: "io1", iops: { perGiB: 30, min: 100 } }, tags: [1, 2] };
    const over = { aws: { iops: { perGiB: 10 } }, tags: [3] };
    expect(overlay(base, over)).toEqual({ aws: { volumeType: "io1", iops: { perGiB: 10, min: 100 } }, tags: [3] });
  });

  test("null takes a value away", () => {
    expect(withoutNulls(overlay({ a: { b: 1, c: 2 } }, { a: { b: null } }))).toEqual({ a: { c: 2 } });
    expect(withoutNulls(overlay({ a: { b: 1 } }, { a: null }))).toEqual({});
  });

  test("an object that took the place of a number keeps that place", () => {
    const [a, b, c] = [{ iops: { min: 1 } }, { iops: 5 }, { iops: { max: 9 } }];
    expect(withoutNulls(overlay(overlay(a, b), c))).toEqual({ iops: { max: 9 } });
    expect(withoutNulls(overlay(a, overlay(b, c)))).toEqual({ iops: { max: 9 } });
  });

  test("property: is associative, so a chain of `extends` may be put together in any order", () => {
    fc.assert(
      fc.property(tree, tree, tree, (a, b, c) => {
        expect(withoutNulls(overlay(overlay(a, b), c))).toEqual(withoutNulls(overlay(a, overlay(b, c))));
      }),
      { numRuns: runs(2000) },
    );
  });

  test("property: changes neither tree, and the upper one's values win", () => {
    fc.assert(
      fc.property(tree, fc.dictionary(fc.constantFrom("a", "b"), fc.integer()), (base, over) => {
        const before = JSON.stringify([base, over]);
        expect(overlay(base, over)).toMatchObject(over);
        expect(JSON.stringify([base, over])).toBe(before);
      }),
      { numRuns: runs(100) },
    );
  });
});
