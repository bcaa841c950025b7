// What policies require, as tables of resources.

import { policies } from "../../policy";
import {
  costBeyondLimit,
  notEncrypted,
  profileNotPermitted,
  transformed,
  withoutProfile,
  type Seen,
  type Violation,
} from "../../policy/rules";
import { makeCatalog, PROFILED_VOLUME, resolve, type BackendName } from "../../src";

const seen = (type: string, name: string, props: Seen["props"] = {}): Seen => ({
  urn: `urn:pulumi:prod::shop::${type}::${name}`,
  type: type.split("$").at(-1) ?? "",
  name,
  props,
});
const volume = (name: string, props: Seen["props"]) => seen(PROFILED_VOLUME, name, props);
const codes = (violations: Violation[]) => violations.map(({ problem }) => `${problem.path}: ${problem.code}`);

test.each([
  ["aws:ebs/volume:Volume"],
  ["openstack:blockstorage/volume:Volume"],
  ["kubernetes:core/v1:PersistentVolumeClaim"],
  ["pulumi-nodejs:dynamic/storage-profiles:ScaleioVolume"],
  ["storage-profiles:local:Volume"],
])("%s needs a ProfiledVolume above it", (type) => {
  expect(codes(withoutProfile(seen(type, "data")))).toEqual(["data: volume-without-profile"]);
  expect(withoutProfile(seen(`${PROFILED_VOLUME}$${type}`, "data"))).toEqual([]);
  expect(withoutProfile(seen(`my:own:Database$${PROFILED_VOLUME}$${type}`, "data"))).toEqual([]);
  expect(withoutProfile(seen(type, "data"), ["data"])).toEqual([]);
  expect(withoutProfile(seen(type, "data"), [seen(type, "data").urn])).toEqual([]);
});

test("a volume of one's own below a ProfiledVolume is none that it creates", () => {
  const type = "aws:ebs/volume:Volume";
  const parent = volume("data", {}).urn;
  const below = (name: string) => ({ ...seen(`${PROFILED_VOLUME}$${type}`, name), opts: { parent } });
  expect(withoutProfile(below("data"))).toEqual([]);
  expect(codes(withoutProfile(below("other")))).toEqual(["other: volume-without-profile"]);
  const deeper = seen(`${PROFILED_VOLUME}$my:own:Thing$${type}`, "data");
  expect(codes(withoutProfile(deeper))).toEqual(["data: volume-without-profile"]);
});

test("other resources need no profile", () => {
  expect(withoutProfile(seen("aws:s3/bucket:Bucket", "data"))).toEqual([]);
});

test("profiles are permitted by stack, else for all stacks; without a list, all are", () => {
  const gold = volume("data", { profile: "gold" });
  expect(profileNotPermitted(gold, {})).toEqual([]);
  expect(profileNotPermitted(gold, { profiles: ["gold"] })).toEqual([]);
  expect(profileNotPermitted(gold, { profiles: ["silver"], stacks: { prod: ["gold"] } })).toEqual([]);
  expect(codes(profileNotPermitted(gold, { profiles: ["gold"], stacks: { prod: [] } }))).toEqual([
    "data: profile-not-permitted",
  ]);
  const [found] = profileNotPermitted(gold, { profiles: ["silver", "bronze"], stacks: { dev: ["gold"] } });
  expect(found).toEqual({
    urn: gold.urn,
    problem: {
      code: "profile-not-permitted",
      path: "data",
      message: 'profile "gold" isn\'t permitted in stack prod',
      allowed: "silver, bronze",
      fix: "choose a permitted profile",
    },
  });
  expect(profileNotPermitted(seen("my:own:Thing", "x", { profile: "gold" }), { profiles: [] })).toEqual([]);
});

test("the cost of all volumes counts against the limit of the stack", () => {
  const volumes = [volume("data", { monthlyCost: 0.1 }), volume("logs", { monthlyCost: 0.2 }), volume("tmp", {})];
  expect(costBeyondLimit(volumes, {})).toEqual([]);
  expect(costBeyondLimit(volumes, { monthly: 0.3 })).toEqual([]);
  expect(costBeyondLimit(volumes, { monthly: 0.1, stacks: { prod: 5 } })).toEqual([]);
  const [found, ...others] = costBeyondLimit(volumes, { monthly: 5, stacks: { prod: 0.29 } });
  expect([found?.problem.message, found?.problem.fix, found?.urn, others]).toEqual([
    "the volumes cost 0.30 USD per month, and the limit is 0.29 USD",
    "choose cheaper profiles or smaller sizes, first for logs (0.20 USD)",
    undefined,
    [],
  ]);
  expect(codes(costBeyondLimit(volumes, { monthly: 0, refuseUnknown: true }))).toEqual([
    "tmp: cost-unknown",
    "stack prod: cost-beyond-limit",
  ]);
  expect(costBeyondLimit([], { monthly: 0 })).toEqual([]);
});

test.each<[BackendName, object, string | undefined]>([
  ["aws", { availabilityZone: "us-east-1a", section: { encrypted: true } }, undefined],
  ["aws", { availabilityZone: "us-east-1a", section: { encrypted: false } }, "the volume isn't encrypted"],
  ["scaleio", { section: {} }, "settings on scaleio don't tell whether a volume is encrypted"],
  ["local", { section: {} }, undefined],
])("encryption on %s is judged by settings: %j", (backend, { section, ...placement }: any, message) => {
  const { catalog } = { catalog: makeCatalog({ profiles: { mine: { extends: "default", [backend]: section } } }) };
  const { volume: made, problems } = resolve(catalog, {
    name: "data",
    profile: "mine",
    sizeGiB: 8,
    backend,
    placement,
  });
  expect(problems).toEqual([]);
  const { settings } = made!;
  const [found] = notEncrypted(volume("data", { backend, settings }));
  expect(found?.problem.message).toBe(message);
  expect(notEncrypted(volume("data", { backend, settings }), [backend])).toEqual([]);
});

test("encryption of a claim is judged by its profile, and isn't known where the class isn't the profile's", () => {
  const catalog = makeCatalog({ profiles: { mine: { extends: "default", aws: { encrypted: true } } } });
  const found = (existingClass?: string) => {
    const placement = { driver: "ebs.csi.aws.com", ...(existingClass !== undefined && { existingClass }) };
    const of = { name: "data", profile: "mine", sizeGiB: 8, backend: "kubernetes" as const, placement };
    const { settings } = resolve(catalog, of).volume!;
    return notEncrypted(volume("data", { backend: "kubernetes", settings })).map(({ problem }) => problem.message);
  };
  expect(found()).toEqual([]);
  expect(found("legacy")).toEqual(["settings on kubernetes don't tell whether a volume is encrypted"]);
});

test("settings that aren't known yet aren't judged", () => {
  expect(notEncrypted(volume("data", { backend: "aws" }))).toEqual([]);
});

test("a volume whose resource a transform changes is refused, unless it is exempt", () => {
  const changed = volume("data", { isTransformed: true });
  expect(codes(transformed([changed, volume("logs", {})]))).toEqual(["data: volume-transformed"]);
  expect(transformed([changed], ["data"])).toEqual([]);
  // As Pulumi has a value that isn't known at preview.
  const unknown = Object.defineProperty({}, "isTransformed", {
    get() {
      throw new Error("can't be known during preview");
    },
  });
  expect(codes(transformed([volume("new", unknown), changed]))).toEqual(["data: volume-transformed"]);
});

test("each policy has a description, and a meaning for each key of its config", () => {
  expect(policies.map(({ name }) => name)).toEqual([
    ...["volumes-by-profile", "permitted-profiles", "monthly-cost", "encryption", "no-transform"],
  ]);
  for (const { description, configSchema } of policies) {
    expect(description).not.toBe("");
    for (const each of Object.values(configSchema?.properties ?? {})) expect(each.description).toBeTruthy();
  }
});
