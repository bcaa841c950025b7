// Files of shared profiles: read, laid below the stack's own profiles, and named with their lines where something is wrong.

import * as fc from "fast-check";
import { stringify } from "yaml";

import { makeCatalog, resolve, type ProfileDefinition } from "../../../src";
import { readCatalog, readCatalogFile } from "../../../src/core/catalog-file";
import { overlay, withoutNulls } from "../../../src/core/overlay";
import { runs } from "../../support/property";

const file = (name: string, profiles: Record<string, ProfileDefinition>) =>
  readCatalogFile({ name, text: stringify({ profiles }) });

describe("a shared file", () => {
  test("lies over the built-in profiles and below the stack's own, the later file over the earlier", () => {
    const low = file("./low.yaml", { gold: { local: { iops: 1 } }, base: { local: { iops: 2, throughputMiBps: 9 } } });
    const high = file("./high.yaml", {
      gold: { extends: "gold", local: { throughputMiBps: 7 } },
      silver: { aws: null },
    });
    const own = { fast: { extends: "base", local: { iops: 3 } }, base: { extends: "base", local: { iops: 4 } } };
    const { profiles, problems } = makeCatalog({ profiles: own }, {}, [low, high]);
    expect(problems).toEqual([]);
    expect(profiles["gold"]).toMatchObject({
      ...{ origin: "catalog", file: "./high.yaml", line: 2, lineage: ["gold"] },
      sections: { local: { iops: 1, throughputMiBps: 7 } },
    });
    expect(profiles["gold"]?.origins.local).toEqual({
      iops: [{ name: "gold", origin: "catalog", file: "./low.yaml", line: 4 }],
      throughputMiBps: [{ name: "gold", origin: "catalog", file: "./high.yaml", line: 5 }],
    });
    expect(profiles["silver"]?.sections).toEqual({});
    expect(profiles["base"]).toMatchObject({ origin: "stack", sections: { local: { iops: 4, throughputMiBps: 9 } } });
    expect(profiles["base"]).not.toHaveProperty("file");
    // `extends` of another name means the one in force.
    expect(profiles["fast"]?.sections.local).toEqual({ iops: 3, throughputMiBps: 9 });
    expect(profiles["fast"]?.lineage).toEqual(["base", "base"]);
    expect(profiles["bronze"]?.origin).toBe("built-in");
  });

  test("gives what the same profiles in the stack's config give, also by revision", () => {
    const settings = fc.record(
      { iops: fc.integer({ min: 1, max: 9999 }), throughputMiBps: fc.integer({ min: 1, max: 99 }) },
      { requiredKeys: [] },
    );
    const names = ["gold", "base", "fast", "other"];
    const definition = fc.record(
      { extends: fc.constantFrom(...names), local: fc.option(settings) },
      { requiredKeys: [] },
    );
    const all = fc.dictionary(fc.constantFrom(...names), definition, { maxKeys: 4 });
    fc.assert(
      fc.property(all, (profiles) => {
        const [inStack, inFile] = [makeCatalog({ profiles }), makeCatalog({}, {}, [file("./a.yaml", profiles)])];
        expect(inFile.problems.map(({ code, given }) => [code, given])).toEqual(
          inStack.problems.map(({ code, given }) => [code, given]),
        );
        expect(Object.keys(inFile.broken)).toEqual(Object.keys(inStack.broken));
        for (const [name, { sections, lineage }] of Object.entries(inStack.profiles)) {
          expect(inFile.profiles[name]).toMatchObject({ sections, lineage });
          const request = { name: "v", profile: name, backend: "local", sizeGiB: 1 };
          expect(resolve(inFile, request).volume).toEqual(resolve(inStack, request).volume);
        }
      }),
      { numRuns: runs(400) },
    );
  });

  test("is laid over those before it, key by key, where each extends the one below", () => {
    const section = fc.dictionary(
      fc.constantFrom("iops", "throughputMiBps"),
      fc.option(fc.integer({ min: 1, max: 9999 })),
    );
    fc.assert(
      fc.property(fc.array(section, { minLength: 1, maxLength: 5 }), section, (layers, own) => {
        const at = (local: object): Record<string, ProfileDefinition> => ({ gold: { extends: "gold", local } });
        const files = layers.map((each, index) => file(`./${index}.yaml`, at(each)));
        const { profiles } = makeCatalog({ profiles: at(own) }, {}, files);
        const builtIn = makeCatalog().profiles["gold"]?.sections.local;
        expect(profiles["gold"]?.sections.local).toEqual(withoutNulls([...layers, own].reduce(overlay, builtIn)));
      }),
      { numRuns: runs(400) },
    );
  });

  test("has every mistake told at once, each with file and line, and nothing that may be missing taken for absent", () => {
    const text = `# Ours.
profiles:
  gold:
    extends: gold
    local: { iops: -1 }
  lost: { extends: gone }
  "b d": { local: {} }
  slow:
    local:
      iop: 5
`;
    const one = readCatalogFile({ name: "./prod.yaml", text });
    const { problems, broken, profiles } = makeCatalog({}, {}, [one]);
    expect([...one.problems, ...problems].map(({ code, path }) => `${code} ${path}`)).toEqual([
      "value-out-of-range ./prod.yaml:5: profiles.gold.local.iops",
      'name-invalid ./prod.yaml:7: profiles["b d"]',
      "unknown-key ./prod.yaml:10: profiles.slow.local.iop",
      "profile-parent-unknown ./prod.yaml:6: profiles.lost.extends",
    ]);
    expect(Object.keys(broken).sort()).toEqual(["b d", "gold", "lost", "slow"]);
    expect(Object.keys(profiles)).toEqual(["default", "silver", "bronze"]);
  });

  test.each([
    ["profils: {}\n", ["unknown-key ./a.yaml:1: profils"]],
    ["profiles: 5\n", ["wrong-type ./a.yaml:1: profiles"]],
    ["- gold\n", ["wrong-type ./a.yaml:1: the file"]],
    ["profiles:\n  gold: {\n", ["file-not-parsed ./a.yaml:3:1"]],
    ["profiles:\n  gold: {}\n  gold: {}\n", ["file-not-parsed ./a.yaml:3:3"]],
    ["profiles: *none\n", ["file-not-parsed ./a.yaml:1:11"]],
  ])("that isn't one breaks all profiles: %j", (text, expected) => {
    const one = readCatalogFile({ name: "./a.yaml", text });
    expect(one.problems.map(({ code, path }) => `${code} ${path}`)).toEqual(expected);
    const catalog = makeCatalog({ profiles: { own: {} } }, {}, [one]);
    expect([catalog.profiles, catalog.problems]).toEqual([{}, []]);
    const { problems } = resolve(catalog, { name: "v", profile: "nobody", backend: "local", sizeGiB: 1 });
    expect(problems).toEqual(one.problems);
  });

  test.each(["profiles:\n", "profiles: {}\n", "{}\n"])("may say that it has no profiles: %j", (text) => {
    expect(readCatalogFile({ name: "./a.yaml", text }).problems).toEqual([]);
  });

  test.each(["", "# nothing\n", "---\n"])("that is empty isn't one without profiles: %j", (text) => {
    const one = readCatalogFile({ name: "./a.yaml", text });
    expect(one.problems).toMatchObject([{ code: "catalog-not-readable", given: "./a.yaml" }]);
    expect(one.problems[0]?.message).toBe("./a.yaml can't be read: it is empty");
    expect(makeCatalog({}, {}, [one]).profiles).toEqual({});
  });

  test("that isn't there is a problem at its place in the list", () => {
    const missing = (name: string) => ({ name, failure: { why: "no such file" } });
    const paths = (catalog: string | string[]) =>
      readCatalog({ catalog }, (names) => names.map(missing)).flatMap(({ problems }) =>
        problems.map(({ path }) => path),
      );
    expect(paths("./a.yaml")).toEqual(["storage-profiles:catalog"]);
    expect(paths(["./a.yaml", "./b.yaml"])).toEqual(["storage-profiles:catalog[0]", "storage-profiles:catalog[1]"]);
  });
});

test("a setting that is too much is a problem at its line in the shared file, also where the stack's profile inherits it", () => {
  const one = file("./prod.yaml", { huge: { aws: { volumeType: "io1", iops: 99_999_999 } } });
  const catalog = makeCatalog({ profiles: { mine: { extends: "huge" } } }, {}, [one]);
  const problemOf = (profile: string) => {
    const placement = { availabilityZone: "us-east-1a" };
    return resolve(catalog, { name: "v", profile, backend: "aws", sizeGiB: 100, placement }).problems[0];
  };
  expect(problemOf("huge")?.path).toBe("./prod.yaml:5: profiles.huge.aws.iops");
  expect(problemOf("mine")).toMatchObject({
    path: "storage-profiles:profiles.mine.aws.iops",
    message: expect.stringContaining("(inherited from ./prod.yaml:5: profiles.huge.aws.iops)"),
  });
});
