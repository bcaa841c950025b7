// Generated names: short enough, readable, stable, and different for different volumes.

import fc from "fast-check";

import { generatedName, MAX_NAME_LENGTH, type VolumeOwner } from "../../../src/backends/generated-name";
import { runs } from "../../support/property";

const owner = (project: string, stack: string, volume: string): VolumeOwner => ({
  organization: "organization",
  project,
  stack,
  volume,
});

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const owners = fc.record({ organization: word, project: word, stack: word, volume: word });

test("short names stand there whole, before what keeps them apart", () => {
  expect(generatedName(owner("shop", "prod", "orders"))).toBe("shop-prod-orders-sxbzphhs2");
});

test("of long names the longest are shortened first", () => {
  expect(generatedName(owner("a-very-long-project-name", "prod", "orders"))).toBe("a-very-lo-prod-orders-v93pp1kjv");
  expect(generatedName(owner("storefront", "production", "highperfvolume"))).toBe("storef-produc-highper-agfk8ax74");
});

test("every name is one that an array takes, the same each time", () => {
  fc.assert(
    fc.property(owners, (each) => {
      const name = generatedName(each);
      expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
      expect(name.length).toBeLessThanOrEqual(MAX_NAME_LENGTH);
      expect(generatedName({ ...each })).toBe(name);
    }),
    { numRuns: runs(100) },
  );
});

test("another organization, project, stack or volume gives another name, however alike they are", () => {
  fc.assert(
    fc.property(owners, owners, (one, other) => {
      fc.pre(JSON.stringify(Object.entries(one).sort()) !== JSON.stringify(Object.entries(other).sort()));
      expect(generatedName(one)).not.toBe(generatedName(other));
    }),
    { numRuns: runs(100) },
  );
  // What is cut away counts, and so does where one part ends and the next begins.
  const long = "a".repeat(40);
  expect(generatedName(owner("p", "s", `${long}1`))).not.toBe(generatedName(owner("p", "s", `${long}2`)));
  expect(generatedName(owner("p-s", "t", "v"))).not.toBe(generatedName(owner("p", "s-t", "v")));
});
