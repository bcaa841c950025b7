import { formatProblem } from "../../../src/core/problems";
import { readConfig, type RawConfigValue } from "../../../src";

const read = (config: Record<string, unknown>) =>
  readConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]): [string, RawConfigValue] => [key, { value }])),
  );

describe("the stack's config", () => {
  test("is read when it is right", () => {
    const config = {
      backend: "aws",
      profiles: {
        gold: { description: "x", extends: "gold", aws: { iops: { perGiB: 10, min: null } } },
        cut: { local: null },
      },
      volumes: {
        data: { profile: "gold", sizeGiB: 100 },
        small: { size: "10GiB", backend: "local", deletionProtection: false },
      },
      deletionProtection: true,
      limits: { aws: { io1: { iops: { max: 80000 } } }, local: { sizeGiB: { max: 10 } } },
      prices: { aws: { "eu-west-1": { types: { gp3: { perGiB: 0.09 } } } }, scaleio: { perGiB: 0.1 } },
      local: { stateDirectory: "/srv/volumes", mode: "directory" },
    };
    expect(read(config)).toMatchObject({ config, problems: [] });
  });

  test.each([
    ["a key that nobody reads", { profils: {} }, "unknown-key", "storage-profiles:profils", 'did you mean "profiles"?'],
    [
      "a misspelt backend",
      { backend: "scaelio" },
      "backend-unknown",
      "storage-profiles:backend",
      'did you mean "scaleio"?',
    ],
    [
      "a misspelt section",
      { profiles: { p: { opensatck: {} } } },
      "unknown-key",
      "storage-profiles:profiles.p.opensatck",
      'did you mean "openstack"?',
    ],
    [
      "a misspelt setting",
      { profiles: { p: { aws: { volumetype: "gp3" } } } },
      "unknown-key",
      "storage-profiles:profiles.p.aws.volumetype",
      'did you mean "volumeType"?',
    ],
    [
      "a misspelt part of a rule",
      { profiles: { p: { aws: { iops: { perGib: 3 } } } } },
      "unknown-key",
      "storage-profiles:profiles.p.aws.iops.perGib",
      'did you mean "perGiB"?',
    ],
    [
      "a misspelt type",
      { profiles: { p: { aws: { volumeType: "gp33" } } } },
      "value-not-allowed",
      "storage-profiles:profiles.p.aws.volumeType",
      'did you mean "gp3"?',
    ],
    [
      "a number in quotes",
      { profiles: { p: { local: { iops: "3000" } } } },
      "wrong-type",
      "storage-profiles:profiles.p.local.iops",
      "remove the quotes",
    ],
    [
      "a yes in quotes",
      { profiles: { p: { aws: { encrypted: "true" } } } },
      "wrong-type",
      "storage-profiles:profiles.p.aws.encrypted",
      "remove the quotes",
    ],
    [
      "a size with a unit where a number belongs",
      { volumes: { data: { sizeGiB: "100GB" } } },
      "wrong-type",
      "storage-profiles:volumes.data.sizeGiB",
      'use `size: "100GB"` instead of `sizeGiB`',
    ],
    ["a list", { volumes: [{ name: "data" }] }, "wrong-type", "storage-profiles:volumes", ""],
    [
      "a fraction",
      { profiles: { p: { local: { iops: 0.5 } } } },
      "wrong-type",
      "storage-profiles:profiles.p.local.iops",
      "",
    ],
    [
      "a negative number",
      { profiles: { p: { aws: { iops: { perGiB: -1 } } } } },
      "value-out-of-range",
      "storage-profiles:profiles.p.aws.iops.perGiB",
      "",
    ],
    [
      "a profile's bad name",
      { profiles: { "my gold": {} } },
      "name-invalid",
      'storage-profiles:profiles["my gold"]',
      "rename the profile",
    ],
    [
      "a volume's bad name",
      { volumes: { "data@gold": { sizeGiB: 1 } } },
      "name-invalid",
      'storage-profiles:volumes["data@gold"]',
      'name it "data", with `profile: gold`',
    ],
    [
      "a volume's unknown key",
      { volumes: { data: { sizeGib: 1 } } },
      "unknown-key",
      "storage-profiles:volumes.data.sizeGib",
      'did you mean "sizeGiB"?',
    ],
    [
      "a wrong limit",
      { limits: { aws: { gp5: {} } } },
      "unknown-key",
      "storage-profiles:limits.aws.gp5",
      'did you mean "gp3"?',
    ],
    [
      "a wrong price",
      { prices: { aws: { x: { date: "yesterday" } } } },
      "value-invalid",
      "storage-profiles:prices.aws.x.date",
      "",
    ],
    [
      "a wrong mode",
      { local: { mode: "lop" } },
      "value-not-allowed",
      "storage-profiles:local.mode",
      'did you mean "loop"?',
    ],
  ])("with %s is refused, with the path and the way out", (_, config, code, path, fix) => {
    expect(read(config).problems).toEqual([expect.objectContaining({ code, path, fix })]);
  });

  test("with an invalid key, or values that can't be combined, says what is allowed", () => {
    const kubernetes = {
      ...{ namespace: "Shop_1", labels: { "a/b/c": "x" }, accessModes: ["ReadWriteOncePod", "ReadWriteOnce"] },
    };
    const { problems } = read({ volumes: { data: { sizeGiB: 1, kubernetes } } });
    const found = problems.map(({ path, message, allowed }) => `${path}: ${message}; ${allowed}`);
    const at = "storage-profiles:volumes.data.kubernetes";
    expect(found.sort()).toEqual([
      `${at}.accessModes: ReadWriteOncePod can't be combined with other access modes; ReadWriteOncePod alone, or others without it`,
      `${at}.labels["a/b/c"]: invalid key "a/b/c"; a label name: "app", or "example.com/app"`,
      `${at}.namespace: invalid value "Shop_1"; name of the namespace, in lower-case letters, digits and \`-\`: "shop"`,
    ]);
  });

  test("has all its problems told at once, and what is right in it is read all the same", () => {
    const { config, problems } = read({
      backend: "locl",
      profiles: { a: { lcal: {} }, b: { extends: 5 } },
      volumes: { v: { sizeGiB: 5 } },
    });
    expect(problems.map(({ path }) => path)).toEqual([
      "storage-profiles:backend",
      "storage-profiles:profiles.a.lcal",
      "storage-profiles:profiles.b.extends",
    ]);
    expect(config.volumes).toEqual({ v: { sizeGiB: 5 } });
  });

  test("refuses a secret, and shows nothing of it", () => {
    const { problems } = readConfig({
      profiles: { value: "hunter2", secret: true },
      password: { value: "hunter2", secret: true },
    });
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      "config-secret storage-profiles:profiles",
      "unknown-key storage-profiles:password",
    ]);
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });
});

test.each<[string, unknown, string]>([
  [
    "a tag",
    { profiles: { p: { aws: { tags: { costCenter: 4711 } } } } },
    'put it in quotes: "4711"; with `pulumi config set --path`, add `--type string`',
  ],
  ["a size", { volumes: { a: { size: 10 } } }, 'use "10GiB", or `sizeGiB: 10`'],
])("a number where text belongs is shown as it is written, with the way to write it as text: %s", (_, config, fix) => {
  const raw = Object.entries(config as object).map(([key, value]) => [key, { value: value as unknown }]);
  const { problems } = readConfig(Object.fromEntries(raw));
  expect(problems.map((each) => [each.code, each.fix])).toEqual([["wrong-type", fix]]);
  expect(problems.map(formatProblem).join()).not.toContain("4,711");
});

test.each([
  [-3, "the size must be greater than zero", "set the size to 1 GiB or more"],
  [0, "the size must be greater than zero", "set the size to 1 GiB or more"],
  [NaN, "the size is not a number", "use a number of GiB; NaN results from a calculation with a missing value"],
])("a volume's size of %p is said to be none, with what to do", (sizeGiB, message, fix) => {
  const { problems } = readConfig({ volumes: { value: { data: { sizeGiB } } } });
  expect(problems).toMatchObject([
    { code: "size-invalid", path: "storage-profiles:volumes.data.sizeGiB", given: sizeGiB, message, fix },
  ]);
});
