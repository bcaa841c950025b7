// Shared files as a stack finds and edits them: a path from the project, a file of a package, and what neither can be.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

import { openProject, type ConfigEdit, type Stack } from "../../../src/stack";

const home = mkdtempSync(join(tmpdir(), "sp-shared-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

let count = 0;
/** A project of a test's own, with a stack and files beside it. */
async function stackWith(config: string, files: Record<string, string> = {}, project = ""): Promise<Stack> {
  const directory = join(home, `p${++count}`);
  const all = {
    "Pulumi.yaml": `name: p\nruntime: yaml\n${project}`,
    "Pulumi.dev.yaml": `config:\n  storage-profiles:backend: local\n${config}`,
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  // What is asked of no engine.
  return (await openProject({ directory, pulumi: "no-such-pulumi", env: {} })).stack("dev");
}
const catalogIs = (...names: string[]) =>
  `  storage-profiles:catalog: ${JSON.stringify(names.length > 1 ? names : names[0])}\n`;
const GOLD = "profiles:\n  # Ours.\n  gold: { extends: gold, local: { iops: 5 } } # few\n";
const PACKAGE = {
  "node_modules/@acme/profiles/package.json": '{ "name": "@acme/profiles", "version": "1.0.0" }',
  "node_modules/@acme/profiles/prod.yaml": GOLD,
  "node_modules/closed/package.json":
    '{ "name": "closed", "version": "1.0.0", "exports": { "./open.yaml": "./files/open.yaml" } }',
  "node_modules/closed/files/open.yaml": "profiles: { fast: { local: { iops: 9 } } }\n",
  "node_modules/closed/secret.yaml": GOLD,
};
const goldOf = async (stack: Stack) => {
  const { catalog, problems } = await stack.readConfig();
  expect(problems).toEqual([]);
  return catalog.profiles["gold"];
};

test("a file of the project, beside it, and of a package are found as Node.js finds packages", async () => {
  const local = await stackWith(catalogIs("./profiles/prod.yaml"), { "profiles/prod.yaml": GOLD });
  expect(await goldOf(local)).toMatchObject({ origin: "catalog", file: "./profiles/prod.yaml", line: 3 });
  writeFileSync(join(home, "beside.yaml"), GOLD);
  expect(await goldOf(await stackWith(catalogIs("../beside.yaml")))).toMatchObject({ file: "../beside.yaml" });
  const both = await stackWith(catalogIs("@acme/profiles/prod.yaml", "closed/open.yaml"), PACKAGE);
  expect(await goldOf(both)).toMatchObject({ file: "@acme/profiles/prod.yaml", sections: { local: { iops: 5 } } });
  const { catalog, sharedFiles } = await both.readConfig();
  expect(catalog.profiles["fast"]).toMatchObject({ file: "closed/open.yaml", line: 1 });
  expect(sharedFiles.map(({ isPackage }) => isPackage)).toEqual([true, true]);
});

test("Pulumi.yaml may name it for all stacks; a stack's own key takes its place", async () => {
  const files = { "prod.yaml": GOLD, "dev.yaml": GOLD.replace("5", "6") };
  const project = "config:\n  storage-profiles:catalog: { value: ./prod.yaml }\n";
  expect((await goldOf(await stackWith("", files, project)))?.file).toBe("./prod.yaml");
  expect((await goldOf(await stackWith(catalogIs("./dev.yaml"), files, project)))?.file).toBe("./dev.yaml");
});

test("what isn't allowed, or isn't there, is a problem, all at once with the others", async () => {
  const refused: [string, string, string][] = [
    ["./none.yaml", "no such file", ""],
    ["./folder.yaml", "it is a directory", ""],
    ["/etc/profiles.yaml", "not a relative path, nor a file of a package", ""],
    ["https://example.com/a.yaml", "not a relative path, nor a file of a package", ""],
    ["./prod.txt", "the name doesn't end in .yaml or .yml", ""],
    ["@acme/profiles/../../prod.yaml", "a file of a package can't be outside the package", ""],
    ["@acme/profiles/dev.yaml", "package @acme/profiles has no such file", "installed version"],
    ["profiles/prod.yaml", "package profiles not found from ", 'write "./profiles/prod.yaml"'],
  ];
  const stack = await stackWith(
    `${catalogIs(...refused.map(([name]) => name))}  storage-profiles:volumes: { a: { sizeGiB: -1 } }\n`,
    { ...PACKAGE, "folder.yaml/x": "" },
  );
  const { problems, catalog } = await stack.readConfig();
  const found = problems.filter(({ code }) => code === "catalog-not-readable");
  expect(found.map(({ path, given }) => [path, given])).toEqual(
    refused.map(([name], index) => [`storage-profiles:catalog[${index}]`, name]),
  );
  refused.forEach(([, why, fix], index) => {
    expect(found[index]?.message).toContain(why);
    expect(found[index]?.fix).toContain(fix);
  });
  expect(problems.map(({ code }) => code)).toContain("size-invalid");
  expect(catalog.profiles).toEqual({});
});

test("a file that a package doesn't export isn't read", async () => {
  const { project } = await stackWith("", PACKAGE);
  // As Node.js itself has it: jest resolves modules in a way of its own.
  const module = resolve(__dirname, "../../../dist/src/system/catalog-source.js");
  const script = `console.log(JSON.stringify(require(${JSON.stringify(module)}).readCatalogSources(["closed/secret.yaml"], ".")))`;
  const found = execFileSync(process.execPath, ["-e", script], { cwd: project.directory, encoding: "utf8" });
  expect(JSON.parse(found)).toEqual([
    {
      ...{ name: "closed/secret.yaml", isPackage: true },
      failure: { why: "package closed doesn't export it", fix: 'use a file that the "exports" of closed list' },
    },
  ]);
});

test("a change of the shared file is seen, and changes the tag", async () => {
  const stack = await stackWith(catalogIs("./prod.yaml"), { "prod.yaml": GOLD });
  const { tag } = await stack.readConfig();
  expect((await stack.readConfig()).tag).toBe(tag);
  writeFileSync(join(stack.project.directory, "prod.yaml"), GOLD.replace("5", "6"));
  expect((await goldOf(stack))?.sections.local).toEqual({ iops: 6 });
  expect((await stack.readConfig()).tag).not.toBe(tag);
  await expect(stack.plan([], { ifTag: tag })).rejects.toMatchObject({ code: "config-changed" });
});

test("the tag of a stack without a file covers the shared files that Pulumi.yaml names", async () => {
  const { project } = await stackWith("", { "prod.yaml": GOLD }, "config: { storage-profiles:catalog: ./prod.yaml }\n");
  const stack = project.stack("new");
  const { tag } = await stack.readConfig();
  writeFileSync(join(project.directory, "prod.yaml"), GOLD.replace("5", "6"));
  expect((await stack.readConfig()).tag).not.toBe(tag);
  const gold: ConfigEdit = { kind: "set-profile", name: "gold", definition: { local: { iops: 7 } }, in: "stack" };
  await expect(stack.edit([gold], { ifTag: tag })).rejects.toMatchObject({ code: "config-changed" });
});

describe("an edit of a shared profile", () => {
  const edit = (place?: "stack" | "catalog", name = "gold"): ConfigEdit => ({
    ...{ kind: "set-profile", name, in: place },
    definition: { extends: "gold", local: { iops: 7 } },
  });
  const VOLUME = "  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 } }\n";
  const textOf = (stack: Stack, name: string) => readFileSync(join(stack.project.directory, name), "utf8");

  test("is refused unless it says where, and goes there; every other byte stays", async () => {
    const stack = await stackWith(catalogIs("./prod.yaml") + VOLUME, { "prod.yaml": GOLD });
    const before = textOf(stack, "Pulumi.dev.yaml");
    const { problems, changed } = await stack.edit([edit()]);
    expect([changed, problems.map(({ code, message }) => [code, message])]).toEqual([
      false,
      [["profile-shared", '"gold" is defined in ./prod.yaml, which other stacks may use too']],
    ]);

    const planned = await stack.plan([edit("catalog")]);
    expect(planned).toMatchObject({ changed: true, sharedFile: "./prod.yaml", problems: [] });
    expect(planned.touched.map(({ name, to }) => [name, to?.settings])).toEqual([
      ["data", expect.objectContaining({ iopsLimit: 7 })],
    ]);
    expect(textOf(stack, "prod.yaml")).toBe(GOLD);

    const { tag } = await stack.readConfig();
    const shared = await stack.edit([edit("catalog")], { ifTag: tag });
    expect(textOf(stack, "prod.yaml")).toBe(GOLD.replace("iops: 5", "iops: 7"));
    expect(textOf(stack, "Pulumi.dev.yaml")).toBe(before);
    expect((await stack.readConfig()).tag).toBe(shared.tag);
    // Done already, by another stack say: nothing is left to do.
    expect(await stack.edit([edit("catalog")])).toMatchObject({ changed: false, problems: [], touched: [] });

    expect(await stack.edit([edit("stack")])).toMatchObject({ changed: true, problems: [] });
    expect(textOf(stack, "prod.yaml")).toBe(GOLD.replace("iops: 5", "iops: 7"));
    expect((await stack.readConfig()).catalog.profiles["gold"]).toMatchObject({
      origin: "stack",
      lineage: ["gold", "gold"],
    });
    // From now on it is the stack's own; without it, the shared one is in force again.
    expect(await stack.edit([edit()])).toMatchObject({ problems: [] });
    expect(await stack.edit([{ kind: "remove-profile", name: "gold" }])).toMatchObject({
      problems: [expect.objectContaining({ code: "engine-missing" })],
    });
  });

  test("never goes into a package, nor into a file that doesn't define it", async () => {
    const stack = await stackWith(catalogIs("@acme/profiles/prod.yaml"), PACKAGE);
    expect((await stack.edit([edit("catalog")])).problems).toMatchObject([{ code: "profile-read-only" }]);
    expect((await stack.edit([edit("catalog", "fast")])).problems).toMatchObject([{ code: "profile-not-shared" }]);
    expect(await stack.edit([edit("stack")])).toMatchObject({ changed: true, problems: [] });
    expect(textOf(stack, "node_modules/@acme/profiles/prod.yaml")).toBe(GOLD);
  });

  test("that leaves a problem is refused, and the file stays", async () => {
    const stack = await stackWith(catalogIs("./prod.yaml"), { "prod.yaml": GOLD });
    const wrong: ConfigEdit = { kind: "set-profile", name: "gold", in: "catalog", definition: { extends: "gone" } };
    const { problems, changed } = await stack.edit([wrong]);
    expect([changed, problems.map(({ code, path }) => `${code} ${path}`)]).toEqual([
      false,
      ["profile-parent-unknown ./prod.yaml:3: profiles.gold.extends"],
    ]);
    expect(textOf(stack, "prod.yaml")).toBe(GOLD);
  });

  test("of two stacks at once loses neither", async () => {
    const stack = await stackWith(catalogIs("./prod.yaml"), {
      "prod.yaml": "profiles:\n  a: { local: { iops: 1 } }\n  b: { local: { iops: 1 } }\n",
      "Pulumi.other.yaml": `config:\n  storage-profiles:backend: local\n${catalogIs("./prod.yaml")}`,
    });
    const other = (await openProject({ directory: stack.project.directory, pulumi: "no-such-pulumi", env: {} })).stack(
      "other",
    );
    const set = (name: string): ConfigEdit[] => [
      { kind: "set-profile", name, in: "catalog", definition: { local: { iops: 2 } } },
    ];
    await Promise.all([stack.edit(set("a")), other.edit(set("b"))]);
    expect(textOf(stack, "prod.yaml")).toBe("profiles:\n  a: { local: { iops: 2 } }\n  b: { local: { iops: 2 } }\n");
  });
});
