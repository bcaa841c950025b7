// What `init` writes in a folder that has no project, or a project without a program.

import fc from "fast-check";
import { parse } from "yaml";

import { missingFiles, type Folder } from "../../../src/stack/new-project";

const namesOf = (folder: Partial<Folder>) =>
  missingFiles({ name: "shop", files: [], ...folder }).map(({ name }) => name);
const textOf = (name: string, folder: Partial<Folder>) =>
  missingFiles({ name: "shop", files: [], ...folder }).find((file) => file.name === name)?.text ?? "";

test.each<[string, Partial<Folder>, string[], string]>([
  ["an empty folder", {}, ["Pulumi.yaml", "index.js"], "require("],
  ["a package of CommonJS", { manifest: { main: "index.js" } }, ["Pulumi.yaml", "index.js"], "require("],
  ["a package of ES modules", { manifest: { type: "module" } }, ["Pulumi.yaml", "index.js"], "import {"],
  ["TypeScript", { files: ["tsconfig.json"] }, ["Pulumi.yaml", "index.ts"], "import {"],
  [
    "TypeScript as a dependency",
    { manifest: { devDependencies: { typescript: "5" } } },
    ["Pulumi.yaml", "index.ts"],
    "import {",
  ],
])("%s gets a project and a program of its kind", (_, folder, names, loads) => {
  expect(namesOf(folder)).toEqual(names);
  expect(textOf(names[1] ?? "", folder)).toContain(loads);
  const runtime = parse(textOf("Pulumi.yaml", folder)).runtime;
  expect(runtime).toEqual(names[1] === "index.ts" ? "nodejs" : { name: "nodejs", options: { typescript: false } });
});

test.each<[string, Partial<Folder>, string[]]>([
  ["a project with a program", { files: ["index.ts"], project: { name: "p", runtime: "nodejs" } }, []],
  ["a program without a project", { files: ["index.mjs"] }, ["Pulumi.yaml"]],
  ["a project that names its program", { project: { name: "p", runtime: "nodejs", main: "infra/" } }, []],
  ["a package that names its program", { manifest: { main: "src/main.js" } }, ["Pulumi.yaml"]],
  ["a project in another language", { project: { name: "p", runtime: { name: "yaml" } } }, []],
  ["a project without a program", { project: { name: "p", runtime: { name: "nodejs" } } }, ["index.js"]],
])("%s keeps what it has", (_, folder, names) => {
  expect(namesOf(folder)).toEqual(names);
});

test.each<[string, Partial<Folder>, string[], unknown]>([
  ["yaml", { language: "yaml" }, ["Pulumi.yaml"], "yaml"],
  [
    "python",
    { language: "python" },
    ["Pulumi.yaml", "__main__.py", "requirements.txt"],
    { name: "python", options: { virtualenv: "venv" } },
  ],
  [
    "python, with requirements",
    { language: "python", files: ["requirements.txt"] },
    ["Pulumi.yaml", "__main__.py"],
    { name: "python", options: { virtualenv: "venv" } },
  ],
  ["go", { language: "go" }, ["Pulumi.yaml", "main.go", "go.mod"], "go"],
  ["go, with a module", { language: "go", files: ["go.mod"] }, ["Pulumi.yaml", "main.go"], "go"],
  ["go, with a program", { language: "go", files: ["volumes.go"] }, ["Pulumi.yaml", "go.mod"], "go"],
  ["typescript, though the folder doesn't have it", { language: "typescript" }, ["Pulumi.yaml", "index.ts"], "nodejs"],
  [
    "javascript, though the folder has TypeScript",
    { language: "javascript", files: ["tsconfig.json"] },
    ["Pulumi.yaml", "index.js"],
    { name: "nodejs", options: { typescript: false } },
  ],
])("language %s gets a project and a program of its kind", (_, folder, names, runtime) => {
  expect(namesOf(folder)).toEqual(names);
  expect(parse(textOf("Pulumi.yaml", folder)).runtime).toEqual(runtime);
});

test("a project in Python or Go gets a program only where somebody says so", () => {
  expect(namesOf({ project: { name: "p", runtime: "go" } })).toEqual([]);
  expect(namesOf({ project: { name: "p", runtime: "go" }, language: "go" })).toEqual(["main.go", "go.mod"]);
  const project = { name: "p", runtime: "python" };
  expect(namesOf({ project })).toEqual([]);
  expect(namesOf({ project, language: "python" })).toEqual(["__main__.py", "requirements.txt"]);
  expect(namesOf({ project, language: "python", files: ["__main__.py"] })).toEqual(["requirements.txt"]);
  expect(namesOf({ project: { ...project, main: "infra/" }, language: "python" })).toEqual([]);
});

test("a program in YAML declares the volumes that the config lists", () => {
  const { packages, resources, outputs } = parse(textOf("Pulumi.yaml", { language: "yaml" }));
  expect(packages).toEqual({ "storage-profiles": "./node_modules/storage-profiles" });
  expect(resources).toEqual({ volumes: { type: "storage-profiles:StackVolumes" } });
  expect(outputs).toEqual({ volumes: "${volumes.volumes}" });
});

test("whatever a folder is called, its project has a name that Pulumi accepts", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 0, maxLength: 200, unit: "binary" }), (name) => {
      const [made] = missingFiles({ name, files: [] });
      expect(parse(made?.text ?? "").name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/);
    }),
  );
});
