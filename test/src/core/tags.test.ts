import * as fc from "fast-check";

import {
  backendNames,
  backends,
  change,
  makeCatalog,
  resolve,
  resolveListed,
  stackPlacement,
  type BackendName,
  type ResolvedVolume,
  type StackConfig,
} from "../../../src";
import { readConfig } from "../../../src/core/stack-config";
import { runs } from "../../support/property";

const DRIVER = "ebs.csi.aws.com";
const KEEPING = { aws: "tags", openstack: "metadata", cio: "labels", ceph: "metadata", kubernetes: "labels" } as const;
const keeping = Object.keys(KEEPING) as (keyof typeof KEEPING)[];

function resolved(backend: BackendName, tags: unknown, own: object = {}, config: StackConfig = {}) {
  const placement = { ...stackPlacement(backend, { kubernetes: { driver: DRIVER }, ...config }), ...own };
  const request = { name: "data", sizeGiB: 10, backend, tags: tags as Record<string, string>, placement };
  return resolve(makeCatalog(config), request, "", backend);
}

function tagsOf({ volume, problems }: { volume?: ResolvedVolume; problems: unknown }): Record<string, string> {
  if (!volume) throw new Error(JSON.stringify(problems));
  const settings = volume.settings as unknown as Record<string, Record<string, string>>;
  const { Name: name, ...tags } = settings[backends[volume.backend].tags?.setting ?? ""] ?? {};
  // EBS has the volume's name there.
  return { ...tags, ...(volume.backend !== "aws" && name !== undefined && { Name: name }) };
}

const wrong = ({ problems }: { problems: { code: string; path: string }[] }) =>
  problems.map(({ code, path }) => `${code} ${path}`);

test.each(keeping)("a tag on %s is in its own form", (backend) => {
  const { volume, problems, notes } = resolved(backend, { team: "shop", env: "prod" });
  expect([problems, notes.filter(({ path }) => path.includes("tags"))]).toEqual([[], []]);
  expect(volume?.settings).toMatchObject({ [KEEPING[backend]]: { team: "shop", env: "prod" } });
  expect(volume?.tags).toEqual({ team: "shop", env: "prod" });
});

test("every backend either keeps tags, or says that it has none", () => {
  for (const backend of backendNames.filter((each) => !keeping.some((other) => other === each))) {
    const { volume, problems, notes } = resolved(backend, { team: "shop" }, {}, { tags: { env: "dev" } });
    expect([problems, volume?.tags]).toEqual([[], undefined]);
    expect(
      notes.filter(({ code }) => code === "tags-ignored").map(({ path, message }) => `${path}: ${message}`),
    ).toEqual([
      `storage-profiles:tags: tag env is ignored: volumes on ${backend} have no tags`,
      `tags: tag team is ignored: volumes on ${backend} have no tags`,
    ]);
  }
});

test("the volume's own count before the stack's, and those for one backend before those for all", () => {
  const config: StackConfig = {
    tags: { a: "stack", b: "stack", c: "stack", d: "stack" },
    profiles: { default: { aws: { volumeType: "gp3", tags: { b: "profile", c: "profile", d: "profile" } } } },
  };
  const resolution = resolved("aws", { c: "volume", d: "volume" }, { tags: { d: "override" } }, config);
  expect(tagsOf(resolution)).toEqual({ a: "stack", b: "profile", c: "volume", d: "override" });
  expect(resolution.volume?.tags).toEqual({ c: "volume", d: "override" });
  expect(resolution.notes.filter(({ code }) => code === "value-overridden").map(({ message }) => message)).toEqual([
    'tags.c: "volume" overrides "profile" of "default"',
    'tags.d: "override" overrides "profile" of "default"',
  ]);
});

test("a tag that the program leaves undefined isn't set", () => {
  expect(tagsOf(resolved("aws", { team: undefined }, {}, { tags: { team: "shop" } }))).toEqual({ team: "shop" });
});

const long = (length: number) => "k".repeat(length);

test.each<[BackendName, Record<string, string>, string[]]>([
  ["aws", { "aws:x": "1" }, ['tags["aws:x"]']],
  ["aws", { Name: "mine" }, ["tags.Name"]],
  ["aws", { [long(128)]: "v".repeat(256), "a b": "" }, []],
  ["aws", { [long(129)]: "v" }, [`tags.${long(129)}`]],
  ["aws", { a: "v".repeat(257) }, ["tags.a"]],
  ["openstack", { "storage-profiles.x": "1", readonly: "1" }, ['tags["storage-profiles.x"]', "tags.readonly"]],
  ["openstack", { [long(256)]: "v", readonly2: "v" }, [`tags.${long(256)}`]],
  ["cio", { "cio.volume": "shared" }, ['tags["cio.volume"]']],
  ["cio", { "a b": "v" }, ['tags["a b"]']],
  ["ceph", { conf_rbd_cache: "x", a: "" }, ["tags.conf_rbd_cache", "tags.a"]],
  ["ceph", { "storage-profiles": "x" }, ["tags.storage-profiles"]],
  ["kubernetes", { team: "a b", "b c": "d" }, ["tags.team", 'tags["b c"]']],
  ["kubernetes", { [long(64)]: "a", b: "v".repeat(64) }, [`tags.${long(64)}`, "tags.b"]],
  ["kubernetes", { "kubernetes.io/x": "y" }, ['tags["kubernetes.io/x"]']],
  ["kubernetes", { "app.kubernetes.io/managed-by": "me" }, ['tags["app.kubernetes.io/managed-by"]']],
  ["kubernetes", { "app.kubernetes.io/part-of": "shop", "example.com/a": "" }, []],
])("what %s can't keep of %j is a problem where it was written", (backend, tags, paths) => {
  const invalid = paths.map((path) => `value-invalid ${path}`);
  expect(wrong(resolved(backend, tags))).toEqual(invalid);
  expect(wrong(resolved(backend, undefined, {}, { tags }))).toEqual(
    invalid.map((each) => each.replace(" tags", " storage-profiles:tags")),
  );
});

test("what a tag can't be is said in words, with what to do", () => {
  const [value] = resolved("kubernetes", { team: "a b" }).problems;
  expect(value).toMatchObject({
    message: `"a b" can't be the value of a label on Kubernetes`,
    fix: 'change the tag "team"',
  });
  const [name] = resolved("aws", { Name: "mine" }).problems;
  expect(name).toMatchObject({
    message: "the tag Name is the volume's name",
    fix: "rename or remove it; `aws: { tags: { Name } }` on the volume sets another name",
  });
});

test("too many of them together are one problem, of the volume where it sets some", () => {
  const many = (count: number, prefix: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, "v"]));
  const config = { tags: many(25, "s") };
  expect(wrong(resolved("aws", many(24, "v"), {}, config))).toEqual([]);
  expect(wrong(resolved("aws", many(25, "v"), {}, config))).toEqual(["value-out-of-range tags"]);
  expect(wrong(resolved("aws", {}, { tags: many(25, "o") }, config))).toEqual([
    "value-out-of-range storage-profiles:tags",
  ]);
  const ofBackend = { tags: Object.fromEntries(Object.entries({ Name: "mine", ...many(24, "o") })) };
  expect(wrong(resolved("aws", {}, ofBackend, config))).toEqual([]);
});

test("one of another type is a problem, also in the config", () => {
  expect(wrong(resolved("aws", { cost: 42 }))).toEqual(["wrong-type tags.cost"]);
  expect(wrong(resolved("aws", ["a"]))).toEqual(["wrong-type tags"]);
  const { config, unreadable, problems } = readConfig({ tags: { value: { cost: 42 } } });
  expect(wrong({ problems })).toEqual(["wrong-type storage-profiles:tags.cost"]);
  // What the stack's tags are isn't known, so that no volume is resolved without them.
  const request = { name: "data", sizeGiB: 1, backend: "aws" };
  expect(resolve(makeCatalog(config, unreadable), request)).toEqual({ request, problems, notes: [] });
});

test("those of a volume that the config lists have their place there", () => {
  const request = { name: "data", sizeGiB: 10, backend: "aws", tags: { "aws:x": "y" } };
  expect(wrong(resolveListed(makeCatalog(), "data", request))).toEqual([
    'value-invalid storage-profiles:volumes.data.tags["aws:x"]',
  ]);
});

test("the storage below a claim doesn't get them: the claim does", () => {
  const plain = resolved("kubernetes", {}).volume;
  const tagged = resolved("kubernetes", { team: "shop" }, {}, { tags: { env: "prod" } }).volume;
  expect(tagged?.settings).toEqual({ ...plain?.settings, labels: { env: "prod", team: "shop" } });
});

// Letters that some backend refuses, and words that some backend needs.
const text = fc.oneof(
  fc.constantFrom("team", "env", "Name", "aws:x", "readonly", "cio.x", "conf_x", "storage-profiles.x", "k8s.io/x", ""),
  fc.string({ unit: fc.constantFrom("a", "B", "1", "-", ".", "/", ":", " ", "ä"), maxLength: 70 }),
);
const anyTags = fc.dictionary(text, text, { maxKeys: 5 });

test.each(keeping)("on %s none is lost or altered, and a change of some is in place", (backend) => {
  fc.assert(
    fc.property(anyTags, anyTags, anyTags, (ofStack, before, after) => {
      const [from, to] = [before, after].map((tags) => resolved(backend, tags, {}, { tags: ofStack }));
      for (const [resolution, tags] of [
        [from, before],
        [to, after],
      ] as const) {
        if (!resolution) continue;
        if (resolution.volume) expect(tagsOf(resolution)).toEqual({ ...ofStack, ...tags });
        else for (const { path } of resolution.problems) expect(path).toMatch(/^(storage-profiles:)?tags([.[]|$)/);
      }
      if (!from?.volume || !to?.volume) return;
      const { verdict, problems } = change(from.volume, to.volume);
      const isRemoved = Object.keys(before).some((key) => !Object.hasOwn({ ...ofStack, ...after }, key));
      // ContainerIO has no way to remove a label.
      if (backend === "cio" && isRemoved) expect(wrong({ problems })).toEqual(["change-not-possible settings.labels"]);
      else expect(["none", "in-place"]).toContain(verdict);
    }),
    { numRuns: runs(400) },
  );
});
