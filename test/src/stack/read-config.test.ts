// A stack's config file, read and edited as people write it.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { parse } from "yaml";

import { readConfigText, tagOf } from "../../../src/stack/read-config";
import { editText, lineDiff } from "../../../src/stack/edit-text";
import { openProject, StackError, type ConfigEdit } from "../../../src/stack";
import { resolve } from "../../../src";
import { runs } from "../../support/property";

const directory = mkdtempSync(join(tmpdir(), "sp-config-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const context = { directory, projectConfig: {}, env: {} };
const file = join(directory, "Pulumi.dev.yaml");
const read = (text: string | undefined, projectConfig = {}) =>
  readConfigText(text, file, { ...context, projectConfig });
const edited = (text: string, ...edits: ConfigEdit[]) => editText(text, edits, { file: "Pulumi.dev.yaml" });
const gold: ConfigEdit = { kind: "set-profile", name: "gold", definition: { extends: "gold", local: { iops: 5 } } };

describe("reading", () => {
  test("takes what is below our namespace, whatever the file looks like", async () => {
    const expected = { backend: "local", volumes: { a: { sizeGiB: 1 } } };
    for (const text of [
      "config:\n  storage-profiles:backend: local\n  storage-profiles:volumes:\n    a: {sizeGiB: 1}\n  aws:region: x\n",
      "config:\r\n  storage-profiles:backend: 'local'\r\n  storage-profiles:volumes: { a: { sizeGiB: 1 } }\r\n",
      'config: {"storage-profiles:backend": local, "storage-profiles:volumes": {a: {sizeGiB: 1}}}',
      "x: &v { sizeGiB: 1 }\nconfig:\n  storage-profiles:config:backend: local\n  storage-profiles:volumes: { a: *v }\n",
      'config:\n  storage-profiles:backend: local\n  storage-profiles:volumes: \'{"a":{"sizeGiB":1}}\'\n  storage-profiles:profiles:\n',
    ]) {
      const { config, problems } = await read(text);
      expect([problems, JSON.parse(JSON.stringify(config))]).toEqual([[], expected]);
    }
  });

  test.each([undefined, "", "# nothing\n", "config:\n", "encryptionsalt: x\n"])("finds nothing in %j", async (text) => {
    expect(await read(text)).toMatchObject({ config: {}, problems: [], ownProfiles: [] });
  });

  test("tells of keys that Pulumi would ignore, or that another namespace would get", async () => {
    const problemsOf = async (text: string, ofProject = {}, projectName = "shop") =>
      (await readConfigText(text, file, { ...context, projectConfig: ofProject, projectName })).problems.map(
        ({ path, message, fix }) => [path, message, fix],
      );
    expect(await problemsOf("config:\nstorage-profiles:backend: local\nencryptionsalt: x\n")).toEqual([
      ["storage-profiles:backend", "the key is outside `config`, where Pulumi ignores it", "indent it below `config:`"],
    ]);
    const misspelt =
      "config: { storage-profile:backend: local, storage_profiles:volumes: {}, shop:backend: x, storage:volumes: {} }";
    expect(await problemsOf(misspelt, { "storageProfiles:tags": "{}" })).toEqual(
      ["storage-profile:backend", "storage_profiles:volumes", "storageProfiles:tags"].map((key) => [
        key,
        `unknown key "${key}"`,
        `did you mean "storage-profiles:${key.split(":")[1]}"?`,
      ]),
    );
    // Of a program, or of the project itself.
    expect(await problemsOf("config: { storage-profile:size: 5 }")).toEqual([]);
    expect(await problemsOf("config: { backend: x }", {}, "storage-profile")).toEqual([]);
    const undeclared = { "storage-profiles:volumes": { data: { sizeGiB: 1 } } };
    expect(await problemsOf("", undeclared)).toEqual([
      ["storage-profiles:volumes", "can't be parsed: in Pulumi.yaml, an object goes below `value`", expect.anything()],
    ]);
    // Whatever the stack's own file says: Pulumi refuses Pulumi.yaml.
    expect(await problemsOf("config: { storage-profiles:volumes: {} }", undeclared)).toHaveLength(1);
    for (const extra of ["default", "type"]) {
      const declared = { "storage-profiles:backend": { value: "local", [extra]: "string" } };
      const message = `can't be parsed: in Pulumi.yaml, only the project's own keys may have \`${extra}\``;
      expect(await problemsOf("config: { storage-profiles:backend: aws }", declared)).toEqual([
        ["storage-profiles:backend", message, expect.anything()],
      ]);
      expect(await problemsOf("", declared, "storage-profiles")).toEqual([]);
    }
  });

  test("tells every problem, each once, with its place", async () => {
    const { problems } = await read(`config:
  storage-profiles:bakend: local
  storage-profiles:deletionProtection: { secure: AAA }
  storage-profiles:profiles: { odd: { local: { iops: -1 } }, lost: { extends: gone } }
  storage-profiles:volumes:
    a: { profile: odd, sizeGiB: 1, backend: local }
    b: { profile: lost, sizeGiB: 1, backend: local }
    c: { profile: glod, sizeGiB: 1, backend: local }
    d: { sizeGiB: 1 }
    e: { size: 5 XB, backend: local }
`);
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      "unknown-key storage-profiles:bakend",
      "config-secret storage-profiles:deletionProtection",
      "value-out-of-range storage-profiles:profiles.odd.local.iops",
      "profile-parent-unknown storage-profiles:profiles.lost.extends",
      "profile-unknown storage-profiles:volumes.c.profile",
      "backend-missing storage-profiles:volumes.d.backend",
      "size-invalid storage-profiles:volumes.e.size",
    ]);
  });

  test("never takes a part with a mistake for one that says nothing", async () => {
    const { catalog, requestFor, unreadable, mistakes } = await read(`config:
  storage-profiles:backend: local
  storage-profiles:limits: { aws: { gp3: 5 } }
  storage-profiles:scaleio: { storagePol: p }
  storage-profiles:profiles:
    fast: { extends: gold, local: { iop: 500 } }
    faster: { extends: fast, local: { iops: 900 } }
    gold: { local: { iops: -1 } }
  storage-profiles:volumes: { a: { sizeGiB: "2" }, b: { profile: faster, sizeGiB: 1 } }
`);
    expect(Object.keys(catalog.profiles)).toEqual(["default", "silver", "bronze"]);
    expect(Object.keys(unreadable.volumes)).toEqual(["a"]);
    const codes = (profile: string, backend: string) =>
      resolve(catalog, requestFor("v", { profile, sizeGiB: 100, backend: backend as "local" })).problems.map(
        ({ path }) => path.replace("storage-profiles:", ""),
      );
    expect(codes("fast", "local")).toEqual(["profiles.fast.local.iop", "profiles.gold.local.iops"]);
    expect(codes("faster", "local")).toEqual(["profiles.fast.local.iop", "profiles.gold.local.iops"]);
    expect(codes("silver", "local")).toEqual([]);
    expect(codes("silver", "aws")).toEqual([expect.stringMatching(/^limits\.aws/)]);
    expect(codes("silver", "scaleio")).toEqual(["scaleio.storagePol"]);
    expect(mistakes).toHaveLength(5);
    for (const [key, found] of [
      ["profiles: []", "profiles"],
      ["profiles: 'x'", "profiles"],
      ["backend: locl", "backend"],
      ["prices: { local: { perGiB: no } }", expect.stringMatching(/^prices\.local/)],
      ["pricesFile: gone.yaml", "pricesFile"],
    ] as const) {
      const one = await read(
        `config: { storage-profiles:backend: local, storage-profiles:${key} }`.replace(
          /backend: local, (?=storage-profiles:backend)/,
          "x: 1, ",
        ),
      );
      const { problems } = resolve(one.catalog, one.requestFor("v", { profile: "gold", sizeGiB: 1 }));
      expect(problems.map(({ path }) => path.replace("storage-profiles:", ""))).toEqual([found]);
    }
  });

  test("tells where a file doesn't parse", async () => {
    await expect(read("config:\n  a: [\n")).rejects.toMatchObject({
      code: "file-not-parsed",
      problems: [{ path: expect.stringMatching(/^Pulumi\.dev\.yaml:3:\d+$/) }],
    });
    await expect(read("config: 5\n")).rejects.toThrow(StackError);
    await expect(read("config: {}\n---\nconfig: {}\n")).rejects.toMatchObject({
      problems: [{ path: "Pulumi.dev.yaml:2:1", message: "not valid YAML: another document begins here" }],
    });
    await expect(read("- a\n")).rejects.toThrow(StackError);
    await expect(read("a: 1\na: 2\nb: 1\nb: 2\n")).rejects.toMatchObject({
      problems: [{ code: "file-not-parsed" }, {}],
    });
  });

  test("lays the stack's keys over those of Pulumi.yaml", async () => {
    const projectConfig = {
      "storage-profiles:backend": "local",
      "storage-profiles:profiles": { type: "object", default: { p: { local: {} } } },
      "storage-profiles:pricesFile": { type: "string", default: "" },
      "other:backend": "aws",
    };
    expect((await read("", projectConfig)).config).toMatchObject({ backend: "local", profiles: { p: {} } });
    const own = await read(
      "config: { storage-profiles:backend: scaleio, storage-profiles:profiles: { q: { local: {} } } }",
      projectConfig,
    );
    expect([own.config.backend, Object.keys(own.config.profiles ?? {}), own.ownProfiles]).toEqual([
      "scaleio",
      ["q"],
      ["q"],
    ]);
  });

  test("reads prices from a file of their own, and says where the volumes' region comes from", async () => {
    writeFileSync(
      join(directory, "prices.yaml"),
      "aws: { eu-west-9: { date: '2026-01-01', types: { gp3: { perGiB: 1 } } } }\n",
    );
    const text =
      "config:\n  storage-profiles:pricesFile: prices.yaml\n  aws:region: eu-west-9\n  storage-profiles:backend: aws\n";
    const { problems, requestFor, catalog } = await read(text);
    expect(problems).toEqual([]);
    expect(JSON.stringify(catalog.prices.aws)).toContain("eu-west-9");
    expect(requestFor("a", { sizeGiB: 1, aws: { tags: { a: "b" } } })).toMatchObject({
      backend: "aws",
      placement: { region: "eu-west-9", tags: { a: "b" } },
    });
    const inherited = await read("config: { storage-profiles:backend: aws }", { "aws:region": { value: "eu-west-8" } });
    expect(inherited.requestFor("a", { sizeGiB: 1 }).placement).toMatchObject({ region: "eu-west-8" });
    expect((await read(text.replace("prices.yaml", "gone.yaml"))).problems).toMatchObject([
      { code: "file-not-readable" },
    ]);
  });

  test("gives a tag that changes with every byte", () => {
    expect(new Set([undefined, "", "a", "a\n", "a\r\n"].map(tagOf)).size).toBe(5);
  });
});

describe("editing", () => {
  test.each<[string, string, string]>([
    [
      "an empty file",
      "",
      "config:\n  storage-profiles:profiles:\n    gold:\n      extends: gold\n      local: { iops: 5 }\n",
    ],
    [
      "no config",
      "a: b\n",
      "a: b\nconfig:\n  storage-profiles:profiles:\n    gold:\n      extends: gold\n      local: { iops: 5 }\n",
    ],
    [
      "a null",
      "config:\n  storage-profiles:profiles: # mine\n",
      "config:\n  storage-profiles:profiles: # mine\n    gold:\n      extends: gold\n      local: { iops: 5 }\n",
    ],
    [
      "CRLF",
      "config:\r\n  storage-profiles:profiles: {}\r\n",
      "config:\r\n  storage-profiles:profiles:\r\n    gold:\r\n      extends: gold\r\n      local: { iops: 5 }\r\n",
    ],
    [
      "flow style",
      "config: {storage-profiles:profiles: {a: {}}}\n",
      "config: {storage-profiles:profiles: {a: {}, gold: { extends: gold, local: { iops: 5 } }}}\n",
    ],
  ])("makes a profile in a file with %s", (_, text, expected) => {
    expect(edited(text, gold)).toBe(expected);
  });

  test("touches neither secrets nor what is written in another way", () => {
    const text = "config:\n  my:password: { secure: AAA } # mine\n  storage-profiles:profiles: { a: {} }\n";
    expect(edited(text, gold)).toContain("  my:password: { secure: AAA } # mine\n");
    for (const odd of ["{ secure: AAA }", "{ a: { local: { x: { secure: AAA } } } }", "'{\"a\":{}}'", "*p"]) {
      const file = `p: &p { a: {} }\nconfig:\n  storage-profiles:profiles: ${odd}\n`;
      expect(() => edited(file, gold)).toThrow(StackError);
    }
  });

  test("keeps what Pulumi.yaml says of a key that the stack's file then has itself", () => {
    const projectConfig = { "storage-profiles:profiles": { default: { p: { local: { iops: 7 } } } } };
    const text = editText("", [gold], { projectConfig, file });
    expect(parse(text)).toEqual({
      config: {
        "storage-profiles:profiles": { p: { local: { iops: 7 } }, gold: { extends: "gold", local: { iops: 5 } } },
      },
    });
  });

  test("sets other keys, and takes out what it made", () => {
    const text = "config:\n  a:b: 1\n";
    const made = edited(
      text,
      { kind: "set-value", name: "backend", value: "scaleio" },
      { kind: "set-value", name: "scaleio", value: { storagePool: "p" } },
      { kind: "set-volume", name: "v", volume: { sizeGiB: 8 } },
    );
    expect(made).toBe(
      `${text}  storage-profiles:backend: scaleio\n  storage-profiles:scaleio: { storagePool: p }\n  storage-profiles:volumes:\n    v: { sizeGiB: 8 }\n`,
    );
    expect(edited(made, { kind: "remove-volume", name: "v" })).toContain("  storage-profiles:volumes: {}\n");
    expect(lineDiff(text, made).split("\n")).toHaveLength(4);
  });

  test("differ in the lines that they change, and not in those between", () => {
    const text =
      "config:\n  storage-profiles:volumes:\n    a: { sizeGiB: 1 }\n    b: { sizeGiB: 2 }\n    c: { sizeGiB: 3 }\n  x:y: 1\n";
    const made = edited(
      text,
      { kind: "set-volume", name: "a", volume: { sizeGiB: 9 } },
      { kind: "remove-volume", name: "c" },
    );
    expect(lineDiff(text, made)).toBe("-    a: { sizeGiB: 1 }\n+    a: { sizeGiB: 9 }\n-    c: { sizeGiB: 3 }");
    expect(lineDiff("a\na\nb", "a\nb\nb")).toBe("-a\n+b");
  });

  test("says what is asked for, whatever was there before", async () => {
    const names = fc.constantFrom("a", "b", "c", "d.e", "constructor");
    const volume = fc.record(
      {
        profile: fc.constantFrom("gold", "default"),
        sizeGiB: fc.integer({ min: 1, max: 99 }),
        deletionProtection: fc.boolean(),
      },
      { requiredKeys: ["sizeGiB"] },
    );
    const edit = fc.oneof(
      fc.record({ kind: fc.constant("set-volume" as const), name: names, volume }),
      fc.record({ kind: fc.constant("remove-volume" as const), name: names }),
    );
    const start =
      "# top\nconfig:\n  storage-profiles:backend: local # where\n  # the volumes\n  storage-profiles:volumes:\n    a: {sizeGiB: 1}\n\n    # b\n    b:\n      sizeGiB: 2 # two\n  z:z: 1\n";
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 8 }), async (edits) => {
        const expected = new Map<string, unknown>([
          ["a", { sizeGiB: 1 }],
          ["b", { sizeGiB: 2 }],
        ]);
        for (const each of edits) {
          if (each.kind === "set-volume") expected.set(each.name, each.volume);
          else expected.delete(each.name);
        }
        const text = edited(start, ...edits);
        const { config, problems } = await read(text);
        expect(problems).toEqual([]);
        expect({ ...config.volumes }).toEqual(Object.fromEntries(expected));
        for (const line of [
          "# top",
          "  storage-profiles:backend: local # where",
          "  # the volumes",
          "    # b",
          "  z:z: 1",
        ]) {
          expect(text.split("\n")).toContain(line);
        }
      }),
      { numRuns: runs(200) },
    );
  });
});

describe("a project", () => {
  test("is found upwards, with the directory of its stacks' files", async () => {
    mkdirSync(join(directory, "stacks/deep"), { recursive: true });
    writeFileSync(join(directory, "Pulumi.yaml"), "name: p\nruntime: nodejs\nstackConfigDir: stacks/\n");
    for (const name of ["Pulumi.b.yaml", "Pulumi.a.yaml", "Pulumi..yaml", "other.yaml"])
      writeFileSync(join(directory, "stacks", name), "");
    const project = await openProject({ directory: join(directory, "stacks/deep"), env: {} });
    expect([project.name, project.directory, await project.stackNames()]).toEqual(["p", directory, ["a", "b"]]);
    expect(project.stack("org/p/a").configFile).toBe(join(directory, "stacks/Pulumi.a.yaml"));
    expect(project.stack("a")).toBe(project.stack("a"));
    for (const name of ["", "../x", "a/b/c/d", "/a", "a b", "a\n", "..", "a/../b", "x".repeat(200)]) {
      expect(() => project.stack(name)).toThrow(expect.objectContaining({ code: "stack-name-invalid" }));
    }
    expect(await openProject({ directory, env: { PULUMI_STACK: "dev" } }).then((each) => each.defaultStackName())).toBe(
      "dev",
    );
    await expect(openProject({ directory: "/" })).rejects.toMatchObject({ code: "project-missing" });
    writeFileSync(join(directory, "Pulumi.yaml"), "runtime: nodejs\n");
    await expect(openProject({ directory })).rejects.toMatchObject({
      code: "project-not-readable",
      problems: [{ message: "can't be read: name: expected text, got nothing" }],
    });
    // The file can't be read; its YAML isn't at fault.
    rmSync(join(directory, "Pulumi.yaml"));
    mkdirSync(join(directory, "Pulumi.yaml"));
    await expect(openProject({ directory })).rejects.toMatchObject({
      problems: [{ message: expect.stringMatching(/^can't be read: .*EISDIR/) }],
    });
    rmSync(join(directory, "Pulumi.yaml"), { recursive: true });
  });

  test("has its keys without a namespace for its own, in Pulumi.yaml and in the stack's file, as the engine does", async () => {
    const own = mkdtempSync(join(tmpdir(), "sp-own-"));
    writeFileSync(
      join(own, "Pulumi.yaml"),
      "name: storage-profiles\nruntime: nodejs\nconfig: { backend: local, region: x }\n",
    );
    const stackFile = join(own, "Pulumi.dev.yaml");
    writeFileSync(stackFile, "config:\n  volumes: { a: { sizeGiB: 1 } }\n");
    const stack = (await openProject({ directory: own, pulumi: "no-such-pulumi" })).stack("dev");
    expect((await stack.readConfig()).config).toMatchObject({ backend: "local", volumes: { a: { sizeGiB: 1 } } });
    expect((await stack.readConfig()).problems).toMatchObject([
      { code: "unknown-key", path: "Pulumi.yaml:3: storage-profiles:region" },
    ]);
    await stack.edit([{ kind: "set-volume", name: "b", volume: { sizeGiB: 2 } }]);
    expect(readFileSync(stackFile, "utf8")).toBe("config:\n  volumes: { a: { sizeGiB: 1 }, b: { sizeGiB: 2 } }\n");
    // Of another project it is another key.
    const { config } = await readConfigText("config: { volumes: { a: {} }, backend: aws }", stackFile, {
      ...context,
      projectName: "shop",
    });
    expect(config).toEqual({});
    rmSync(own, { recursive: true });
  });

  test("ends its stacks' files as its own, and knows no file of deployments for a stack", async () => {
    const yml = mkdtempSync(join(tmpdir(), "sp-yml-"));
    writeFileSync(join(yml, "Pulumi.yml"), "name: p\nruntime: nodejs\nconfig: stacks\n");
    mkdirSync(join(yml, "stacks"));
    for (const name of ["Pulumi.dev.yml", "Pulumi.dev.deploy.yml", "Pulumi.old.yaml"])
      writeFileSync(join(yml, "stacks", name), "config: { storage-profiles:backend: local }");
    const project = await openProject({ directory: yml, env: {}, pulumi: "no-such-pulumi" });
    expect([await project.stackNames(), await project.defaultStackName()]).toEqual([["dev"], "dev"]);
    expect(project.stack("dev").configFile).toBe(join(yml, "stacks/Pulumi.dev.yml"));
    expect((await project.stack("dev").readConfig()).config.backend).toBe("local");
    rmSync(yml, { recursive: true });
  });

  test("without an engine can be read and edited, but for what only the state knows", async () => {
    writeFileSync(join(directory, "Pulumi.yaml"), "name: p\nruntime: nodejs\n");
    const stack = (
      await openProject({ directory, pulumi: "no-such-pulumi", journalDirectory: join(directory, "journal") })
    ).stack("dev");
    await expect(stack.readState()).rejects.toMatchObject({ code: "engine-missing" });
    const made = await stack.edit([
      gold,
      { kind: "set-volume", name: "v", volume: { profile: "gold", sizeGiB: 1, backend: "local" } },
    ]);
    expect(made).toMatchObject({
      changed: true,
      problems: [],
      stateUnknown: { code: "engine-missing" },
      touched: [{ name: "v", verdict: "create" }],
    });
    expect((await stack.edit([{ kind: "remove-volume", name: "v" }])).problems).toMatchObject([
      { code: "engine-missing" },
    ]);
    expect((await stack.edit([gold, gold])).problems).toMatchObject([{ code: "edited-twice" }]);
    const { tag } = await stack.readConfig();
    await expect(stack.edit([gold], { ifTag: "another" })).rejects.toMatchObject({ code: "config-changed" });
    expect(await stack.edit([gold], { ifTag: tag })).toMatchObject({ changed: false, problems: [], tag });
    const failed = await stack.apply().done;
    expect(failed).toMatchObject({ state: "failed", problems: [{ code: "engine-missing" }] });
    await expect(stack.resume("nothing")).rejects.toMatchObject({ code: "operation-unknown" });
  });
});

test.each<[string, string[]]>([
  ["environment: [shop/dev, { base: { merge: false } }]", ["shop/dev", "base"]],
  ["environment: { imports: [shop/dev], values: { pulumiConfig: {} } }", ["shop/dev", "`environment.values`"]],
  ["environment: []", []],
  ["environment:", []],
])("the environments that a file imports are known by name: %s", async (text, environments) => {
  expect((await read(`${text}\n`)).environments).toEqual(environments);
});
