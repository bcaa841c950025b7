// Compose files as values: what is read of them, and what is wrong with them, with its line.

import * as fc from "fast-check";

import { formatProblem } from "../../../src";
import { interpolate, readCompose, type ComposeSources, type OnDisk } from "../../../src/compose";
import { runs } from "../../support/property";

const read = (text: string | string[], rest: Partial<ComposeSources> = {}) =>
  readCompose({
    files: [text]
      .flat()
      .map((each, index) => ({ name: index === 0 ? "compose.yaml" : `override${index}.yaml`, text: each })),
    environment: {},
    directory: "shop",
    driver: "storage-profiles",
    ...rest,
  });
const volumes = (text: string | string[], rest?: Partial<ComposeSources>) => {
  const { volumes, problems } = read(text, rest);
  expect(problems).toEqual([]);
  return Object.fromEntries(
    volumes.map(({ key, name, dockerName, definition }) => [key, { name, dockerName, ...definition }]),
  );
};
const problems = (text: string | string[], rest?: Partial<ComposeSources>) =>
  read(text, rest).problems.map(formatProblem).join("\n");

const OURS = "driver: storage-profiles";

describe("a profile and a size are said", () => {
  const data = { name: "shop_data", dockerName: "shop_data" };
  test.each<[string, string, object]>([
    [
      "by driver_opts",
      `volumes: {data: {${OURS}, driver_opts: {profile: gold, size: 10GiB}}}`,
      { ...data, profile: "gold", size: "10GiB" },
    ],
    ["nowhere", `volumes: {data: {${OURS}}}`, data],
    [
      "by `name`",
      `volumes: {data: {${OURS}, name: data@gold}}`,
      { name: "data", dockerName: "data@gold", profile: "gold" },
    ],
    [
      "by the extension, as a reference",
      `volumes: {data: {${OURS}, x-storage-profiles: data@gold}}`,
      { ...data, profile: "gold" },
    ],
    [
      "by the extension, with the whole name",
      `volumes: {data: {${OURS}, x-storage-profiles: shop_data@gold}}`,
      { ...data, profile: "gold" },
    ],
    [
      "by the extension, as a definition",
      `volumes: {data: {${OURS}, x-storage-profiles: {profile: gold, sizeGiB: 5, deletionProtection: false}}}`,
      { ...data, profile: "gold", sizeGiB: 5, deletionProtection: false },
    ],
    [
      "by a list at the top",
      `x-storage-profiles: [data@gold]\nvolumes: {data: {${OURS}}}`,
      { ...data, profile: "gold" },
    ],
    [
      "by a mapping at the top",
      `x-storage-profiles: {data@gold: {size: 2GiB}}\nvolumes: {data: {${OURS}}}`,
      { ...data, profile: "gold", size: "2GiB" },
    ],
    [
      "in several places, the same",
      `x-storage-profiles: [data@gold]\nvolumes: {data: {${OURS}, driver_opts: {profile: gold}}}`,
      { ...data, profile: "gold" },
    ],
    [
      "by an anchor",
      `x-gold: &gold {${OURS}, driver_opts: {profile: gold}}\nvolumes: {data: *gold}`,
      { ...data, profile: "gold" },
    ],
    [
      "by a merge key",
      `x-gold: &gold {${OURS}, driver_opts: {profile: gold}}\nvolumes: {data: {<<: [*gold], name: d}}`,
      { name: "d", dockerName: "d", profile: "gold" },
    ],
    [
      "for an external volume, at the top",
      `x-storage-profiles: {data@gold: }\nvolumes: {data: {external: true}}`,
      { name: "data", dockerName: "data", profile: "gold" },
    ],
  ])("%s", (_, text, expected) => {
    expect(volumes(text)).toEqual({ data: expected });
  });

  test("with what a later file says over it, deeply", () => {
    const files = [
      `volumes: {data: {${OURS}, driver_opts: {profile: gold, size: 10GiB}}}`,
      `volumes: {data: {${OURS}, driver_opts: {profile: silver}}}`,
    ];
    expect(volumes(files)["data"]).toMatchObject({ profile: "silver", size: "10GiB" });
    expect(volumes([files[0]!, "volumes: {data: {driver_opts: }}"])["data"]).toMatchObject({ profile: "gold" });
    const reset = `volumes: {data: {driver_opts: {size: !reset null}}}`;
    expect(volumes([files[0]!, reset])["data"]).toEqual({
      name: "shop_data",
      dockerName: "shop_data",
      profile: "gold",
    });
    const whole = `volumes: {data: !override {${OURS}, name: other}}`;
    expect(volumes([files[0]!, whole])["data"]).toEqual({ name: "other", dockerName: "other" });
  });
});

test("volumes of others, and external ones of which we are told nothing, are left alone", () => {
  expect(volumes("volumes: {a: , b: {driver: local}, c: {external: true}}")).toEqual({});
  expect(volumes("services: {web: {image: nginx}}")).toEqual({});
  expect(volumes("name: shop\n")).toEqual({});
});

test("the driver may have another name", () => {
  expect(Object.keys(volumes("volumes: {a: {driver: sp}, b: {driver: storage-profiles}}", { driver: "sp" }))).toEqual([
    "a",
  ]);
});

describe("what is wrong is told with its line and its way out, all at once", () => {
  test("over several files", () => {
    const text = problems([
      `volumes:\n  data:\n    ${OURS}\n    driver_opts:\n      profil: gold\n  b@x:\n    ${OURS}\n`,
      `volumes:\n  more:\n    ${OURS}\n    name: "a@b@c"\n    driver_opts: { size: "\${SIZE:?how big}" }\n`,
    ]);
    expect(text).toContain('compose.yaml:5: volumes.data.driver_opts.profil: unknown key "profil" [unknown-key]');
    expect(text).toContain('did you mean "profile"?');
    expect(text).toContain('compose.yaml:7: volumes["b@x"]: Compose rejects this');
    expect(text).toContain("override1.yaml:4: volumes.more.name: the reference contains 2 `@` [reference-many-ats]");
    expect(text).toContain(
      "override1.yaml:5: volumes.more.driver_opts.size: SIZE is not set: how big [compose-variable-required]",
    );
  });

  test.each<[string, string, string, Partial<ComposeSources>?]>([
    [
      "two profiles",
      `volumes:\n  data:\n    ${OURS}\n    name: data@gold\n    driver_opts:\n      profile: silver\n`,
      '6: volumes.data.driver_opts.profile: the profile is already set to "gold" by compose.yaml:4: volumes.data.name [compose-said-twice]',
    ],
    [
      "another's name",
      `volumes:\n  data:\n    ${OURS}\n    x-storage-profiles: date@gold\n`,
      '4: volumes.data.x-storage-profiles: x-storage-profiles of volume "data" names a different volume, "date" [value-invalid]',
    ],
    [
      "nobody's name",
      `volumes:\n  data: {${OURS}}\nx-storage-profiles: [date@gold]\n`,
      '3: x-storage-profiles: unknown volume "date" [compose-volume-unknown]',
    ],
    [
      "no driver",
      `volumes:\n  data:\n    x-storage-profiles: data@gold\n`,
      '3: volumes.data.driver: "driver" is missing: without it, Docker creates a separate volume [setting-required]',
    ],
    [
      "another driver",
      `volumes:\n  data:\n    driver: local\n    x-storage-profiles: data@gold\n`,
      '3: volumes.data.driver: "driver" is missing',
    ],
    [
      "no profile after @",
      `volumes:\n  data: {${OURS}, name: "data@"}\n`,
      "2: volumes.data.name: the profile after `@` is missing [reference-without-profile]",
    ],
    [
      "a name that Docker may have and we don't",
      `volumes:\n  data: {${OURS}, name: ${"x".repeat(65)}}\n`,
      "2: volumes.data.name: volume name is 65 characters long (max 64) [name-invalid]",
    ],
    [
      "one volume twice",
      `volumes:\n  a: {${OURS}, name: data@gold}\n  b: {${OURS}, name: data}\n`,
      '3: volumes.b.name: "data" is already used by a [volume-twice]',
    ],
    [
      "a variable",
      `volumes:\n  a: {${OURS}, name: "\${A"}\n`,
      "2: volumes.a.name: missing closing brace after `${` [compose-variable-invalid]",
    ],
    [
      "a variable in a key",
      `volumes:\n  "\${A}_data": {${OURS}}\n`,
      '2: volumes["${A}_data"]: Compose rejects this: the keys under `volumes` may contain letters, digits, `.`, `_` and `-` [compose-refuses]',
    ],
    [
      "a variable in a key of ours",
      `volumes:\n  data: {${OURS}}\nx-storage-profiles:\n  $A@gold: {}\n`,
      '4: x-storage-profiles["$A@gold"]: variables aren\'t substituted in keys [value-invalid]',
    ],
    [
      "an alias without its anchor, which would be a volume less",
      "volumes:\n  data: *dat\n",
      'compose.yaml:2: the Compose file can\'t be read: unknown anchor "dat" [compose-not-readable]',
    ],
    [
      "something merged that is no mapping",
      `volumes:\n  data:\n    ${OURS}\n    <<:\n`,
      "compose.yaml:4: the Compose file can't be read: `<<` must be a mapping, or a list of mappings",
    ],
    [
      "a key that is a number",
      `volumes:\n  1: {${OURS}}\n`,
      "compose.yaml:2: the Compose file can't be read: keys must be text: put 1 in quotes",
    ],
    [
      "a label that is a number",
      `volumes:\n  a:\n    ${OURS}\n    labels: [1]\n`,
      "4: volumes.a.labels[0]: expected text",
    ],
    [
      "an option with a dot",
      `volumes:\n  a:\n    ${OURS}\n    driver_opts: { a.b: c }\n`,
      '4: volumes.a.driver_opts["a.b"]: unknown key "a.b" [unknown-key]',
    ],
    [
      "a line break in a variable",
      `volumes:\n  a: {${OURS}, name: "\${A:-b\\nc}"}\n`,
      "2: volumes.a.name: ${A…} can't contain a line break [compose-variable-invalid]",
    ],
    [
      "external and ours",
      `volumes:\n  a: {${OURS}, external: true}\n`,
      "an external volume can't have `driver` [compose-refuses]",
    ],
    [
      "a project's name",
      `volumes: {}\n`,
      'invalid Compose project name "My Shop" [compose-project-invalid]',
      { projectName: "My Shop" },
    ],
    [
      "a file with nothing in it",
      "# nothing\n",
      "the Compose file can't be read: the file is empty [compose-not-readable]",
    ],
    [
      "a misspelt section",
      `volumess: {a: {${OURS}}}\n`,
      "compose.yaml:1: volumess: Compose rejects this: Compose has no key `volumess` [compose-refuses]",
    ],
    ["a section that is no mapping", `volumes: {}\nservices: 5\n`, "compose.yaml:2: services: Compose rejects this"],
    ["no YAML", `volumes:\n  a: [\n`, "compose.yaml:3: the Compose file can't be read", {}],
    [
      "aliases without end",
      `a: &a [1]\nb: &b {b: *b}\nvolumes: {x: *b}\n`,
      "aliases are circular or expand without limit [compose-not-readable]",
    ],
  ])("%s", (_, text, expected, rest = {}) => {
    expect(problems(text, rest)).toContain(expected);
  });

  describe("in what is included", () => {
    const file = (text: string, name: string): OnDisk => ({ kind: "file", name, text });
    const of = (text: string, files: Record<string, string>) =>
      problems(text, {
        included: {
          ".env": { kind: "missing", name: ".env", why: "there is no such file" },
          "gone.yaml": { kind: "missing", name: "gone.yaml", why: "there is no such file" },
          "dir.yaml": { kind: "directory", name: "dir.yaml" },
          ...Object.fromEntries(Object.entries(files).map(([name, each]) => [name, file(each, name)])),
        },
      });

    test.each<[string, string, Record<string, string>, string]>([
      [
        "a file that isn't there",
        "x-a: 1\ninclude:\n  - gone.yaml\n",
        {},
        "compose.yaml:3: include[0]: the included file gone.yaml can't be read: there is no such file [compose-include-missing]",
      ],
      [
        "a directory for env_file",
        "include:\n  - path: a.yaml\n    env_file: [dir.yaml]\n",
        { "a.yaml": "" },
        "compose.yaml:2: include[0]: the included file dir.yaml can't be read: it is a directory [compose-include-missing]",
      ],
      [
        "a cycle",
        "include: [a.yaml]\n",
        { "a.yaml": "include: [b.yaml]\n", "b.yaml": "x-b: 1\ninclude: [a.yaml]\n" },
        "b.yaml:2: include[0]: include cycle: a.yaml includes b.yaml includes a.yaml [compose-include-cycle]",
      ],
      [
        "a cycle by a second path, in which Compose never ends",
        "include: [{path: [a.yaml, b.yaml]}]\n",
        { "a.yaml": "", "b.yaml": "include: [{path: [a.yaml, b.yaml]}]\n" },
        "b.yaml:1: include[0]: include cycle: b.yaml includes b.yaml [compose-include-cycle]",
      ],
      [
        "an image of a registry",
        'include:\n  - "oci://example.org/shop:1"\n',
        {},
        "compose.yaml:2: include[0]: `oci://example.org/shop:1` is remote; remote files aren't fetched [compose-not-supported]",
      ],
      [
        "a Git repository",
        'include: ["git@example.org:shop.git", "https://example.org/shop.git"]\n',
        {},
        "`https://example.org/shop.git` is remote; remote files aren't fetched [compose-not-supported]",
      ],
      [
        "a misspelt key",
        "include:\n  - path: a.yaml\n    env_files: e\n",
        {},
        'compose.yaml:3: include[0].env_files: unknown key "env_files" [unknown-key]',
      ],
      [
        "a number for a path",
        "include:\n  - path:\n      - 5\n",
        {},
        "compose.yaml:3: include[0].path: expected text, got a number (5) [wrong-type]",
      ],
      [
        "a text for a list",
        "include: a.yaml\n",
        {},
        'compose.yaml:1: include: expected a list, got text ("a.yaml") [wrong-type]',
      ],
      [
        "a volume, with the line of its file",
        "include: [a.yaml]\n",
        { "a.yaml": `volumes:\n  data:\n    ${OURS}\n    driver_opts: { profil: gold }\n` },
        'a.yaml:4: volumes.data.driver_opts.profil: unknown key "profil" [unknown-key]',
      ],
      [
        "what can't be laid over it",
        "include: [a.yaml]\nvolumes: {data: {driver_opts: gold}}\n",
        { "a.yaml": `volumes: {data: {${OURS}, driver_opts: {profile: gold}}}\n` },
        "compose.yaml:2: volumes.data.driver_opts: Compose rejects this: the files can't be merged: one has a mapping or a list, the other something else",
      ],
    ])("%s", (_, text, files, expected) => {
      expect(of(text, files)).toContain(expected);
    });

    test("and what is said of volumes by `x-storage-profiles` there holds, beneath what the file itself says", () => {
      const included = {
        ".env": { kind: "missing", name: ".env", why: "" },
        "a.yaml": file(
          `x-storage-profiles: [data@gold, logs@gold]\nvolumes: {data: {${OURS}}, logs: {${OURS}}}\n`,
          "a.yaml",
        ),
      } satisfies Record<string, OnDisk>;
      const own = `include: [a.yaml]\nx-storage-profiles: {logs: {size: 1GiB}}\n`;
      expect(volumes(own, { included })).toMatchObject({
        data: { profile: "gold" },
        logs: { profile: "gold", size: "1GiB" },
      });
    });

    test("files that include each other many times over are read once each", () => {
      const included: Record<string, OnDisk> = { ".env": { kind: "missing", name: ".env", why: "" } };
      for (let i = 1; i < 40; i++)
        included[`${i}.yaml`] = file(`include: [${i + 1}.yaml, ${i + 1}.yaml]\n`, `${i}.yaml`);
      included["40.yaml"] = file(`volumes: {data: {${OURS}}}\n`, "40.yaml");
      expect(Object.keys(volumes("include: [1.yaml, 1.yaml]\n", { included }))).toEqual(["data"]);
    });

    test("files of which nothing is known yet are asked for, and nothing is read from a disk", () => {
      expect(read("include: [{path: sub/a.yaml, env_file: e}]\n", { root: "/shop" }).wanted).toEqual([
        "/shop/sub/a.yaml",
        "/shop/e",
      ]);
    });
  });

  test("a text that multiplies by aliases is no way to stop the program", () => {
    const lines = ["a0: &a0 {x: 1, y: 2}"];
    for (let i = 1; i < 30; i++) lines.push(`a${i}: &a${i} {x: *a${i - 1}, y: *a${i - 1}}`);
    expect(problems([...lines, "volumes: {x: *a29}"].join("\n"))).toContain("[compose-not-readable]");
  });
});

describe("what is worth knowing", () => {
  test("a variable in a key, with the way to have it in the name", () => {
    const { problems: found } = read(`volumes: {"$A": {${OURS}}}`);
    expect(found.map(({ fix }) => fix)).toContain(
      'variables aren\'t substituted in keys: use a plain key, and set `name: "$A"` in the volume',
    );
  });

  test("a variable that is not set", () => {
    const { notes } = read(`volumes: {data: {${OURS}, name: "a$B"}}`);
    expect(notes).toEqual([
      expect.objectContaining({ code: "compose-variable-unset", message: "not set, replaced with an empty string: B" }),
    ]);
  });
});

describe("variables, whatever the text", () => {
  const anything = fc.string({ unit: fc.constantFrom("$", "{", "}", "A", "b", ":", "-", "?", "+", " ", "_", "1") });

  test("without a dollar sign a text stays as it is, and with them doubled it comes out as it was", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(interpolate(text.replaceAll("$", "$$$$"), () => undefined)).toEqual({ text, unset: [] });
      }),
      { numRuns: runs(100) },
    );
  });

  test("the answer is a text or a reason, never an exception; a value is never read as a variable itself", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const answer = (value: string) => interpolate(text, (name) => (name === "A" ? value : undefined));
        const [marked, dollars] = [answer("\u0001"), answer("$")];
        expect("failure" in dollars).toBe("failure" in marked);
        if (!("failure" in marked) && !("failure" in dollars)) {
          expect(dollars.text).toBe(marked.text.replaceAll("\u0001", "$"));
        }
      }),
      { numRuns: runs(2000) },
    );
  });
});
