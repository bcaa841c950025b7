// Pinned definitions: no edit of a profile, of its parents or of a shared file reaches a volume that is pinned.

import fc from "fast-check";

import { volumeTypesOf } from "../../../src/backends/openstack/types";
import { admittedSizes } from "../../../src/core/admitted";
import { makeCatalog } from "../../../src/core/catalog";
import type { ProfileDefinition, StackConfig } from "../../../src/core/config-schema";
import { readConfig } from "../../../src/core/stack-config";
import { resolve } from "../../../src/core/resolve";
import { runs } from "../../support/property";

const request = (name: string, profile = "gold") => ({ name, profile, backend: "local", sizeGiB: 1 });

/** Any definition of a profile: with or without settings, based on another one or not. */
const definition = (parents: readonly string[]): fc.Arbitrary<ProfileDefinition> =>
  fc.record(
    {
      extends: fc.constantFrom(...parents),
      local: fc.record(
        { iops: fc.integer({ min: 1, max: 9 }), throughputMiBps: fc.integer({ min: 1, max: 9 }) },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ["local"] },
  );
const both = { base: definition(["silver"]), gold: definition(["gold", "base"]) };
const whole = fc.record(both, { requiredKeys: ["base"] });
/** Also without the one that the other is based on: then the profile is broken. */
const any = fc.record(both, { requiredKeys: [] });

test("whatever becomes of the profile, a pinned volume stays as it was, and unpinned it follows", () => {
  fc.assert(
    fc.property(whole, any, fc.constantFrom("data@gold", "gold"), (before, after, pin) => {
      const then = makeCatalog({ profiles: before });
      const sections = then.profiles["gold"]?.sections as NonNullable<StackConfig["pins"]>[string];
      const pinned = makeCatalog({ profiles: after, pins: { [pin]: sections } });
      const was = resolve(then, request("data")).volume;
      const { volume, pin: by, notes } = resolve(pinned, request("data"));
      expect([volume, by]).toEqual([was, pin]);
      expect(notes).toContainEqual(expect.objectContaining({ code: "profile-pinned" }));
      // Unpinned, it has what everybody has.
      const now = resolve(makeCatalog({ profiles: after }), request("data"));
      expect(now.pin).toBeUndefined();
      const other = resolve(pinned, request("other")).volume;
      expect(other && { ...other, name: "data" }).toEqual(pin === "gold" ? was : now.volume);
    }),
    { numRuns: runs(200) },
  );
});

test("a volume's own pin comes before the stack's, and neither holds for another profile", () => {
  const iops = (value: number) => ({ local: { iops: value } });
  const catalog = makeCatalog({
    profiles: { gold: iops(1), fast: iops(4) },
    pins: { gold: iops(2), "data@gold": iops(3) },
  });
  const of = (name: string, profile?: string) =>
    (resolve(catalog, request(name, profile)).volume?.settings as any)?.iopsLimit;
  expect([of("data"), of("other"), of("data", "fast")]).toEqual([3, 2, 4]);
});

test("a pin that has nothing for the backend, or can't be read, is a problem, and never taken for absent", () => {
  const none = makeCatalog({ pins: { gold: {} } });
  expect(resolve(none, request("data")).problems).toMatchObject([
    { code: "pin-without-backend", path: "storage-profiles:pins.gold" },
  ]);
  const { config, problems, unreadable } = readConfig({ pins: { value: { "a@b@c": { local: { iops: 5 } } } } });
  expect(problems).toMatchObject([{ path: expect.stringContaining("storage-profiles:pins") }]);
  expect(resolve(makeCatalog(config, unreadable), request("data")).problems).toEqual(problems);
  const wrong = readConfig({ pins: { value: { gold: { local: { iop: 5 } } } } });
  expect(resolve(makeCatalog(wrong.config, wrong.unreadable), request("data")).volume).toBeUndefined();
  // What the backend itself refuses is told at its place.
  const limits = makeCatalog({ pins: { gold: { local: { iops: -1 } } } });
  expect(resolve(limits, request("data")).problems).toMatchObject([
    { path: expect.stringMatching(/^storage-profiles:pins\.gold\.local/) },
  ]);
});

test("what belongs to all volumes of a stack follows the stack's pin, not the profile", () => {
  const typed = (qos: string) => ({ openstack: { specs: { qos: { specs: { read_iops_sec: qos } } } } });
  const catalog = makeCatalog({ profiles: { gold: typed("2") }, pins: { gold: typed("1"), "data@gold": typed("3") } });
  const { types, problems } = volumeTypesOf(catalog, ["gold"]);
  expect(problems).toEqual([]);
  expect(types).toMatchObject([{ name: "gold", qos: { specs: { read_iops_sec: "1" } } }]);
  const sizesOf = (config: StackConfig) => admittedSizes(makeCatalog(config), { profile: "gold", backend: "aws" });
  const io2 = { aws: { volumeType: "io2" as const, iops: 5000 } };
  const gp2 = { aws: { volumeType: "gp2" as const } };
  expect(sizesOf({ profiles: { gold: io2 }, pins: { gold: gp2 } })).toEqual(sizesOf({ profiles: { gold: gp2 } }));
});
