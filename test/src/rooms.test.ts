// What keeps the rooms apart: only a backend's own folders and the registries name it; and importing the package loads little.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { backendNames } from "../../src";

const root = resolve(__dirname, "../..");

test("only a backend's own folders and the two registries name it in their code", () => {
  // Its classes of resources are exported by their names.
  const allowed = ["src/backends/registry.ts", "components/backends/registry.ts", "components/index.ts"];
  const own = new RegExp(`^(src|components)/backends/(${backendNames.join("|")})/`);
  const files = ["src", "components", "stacks"]
    .flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: "utf8" }).map((file) => join(room, file)),
    )
    .filter((file) => file.endsWith(".ts") && !own.test(file) && !allowed.includes(file));
  // As a string, a property, a key or a folder; "local" is an ordinary word as well.
  const names = backendNames.filter((name) => name !== "local").join("|");
  const named = new RegExp(`["'\`](${names})["'\`]|\\.(${names})\\b|/(${names})/|\\b(${names}):`);
  const found = files.flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .map((line, index) => [`${file}:${index + 1}`, line] as const)
      .filter(([, line]) => !/^\s*(\/\/|\*|\/\*)/.test(line) && !line.includes("aws:secretKey") && named.test(line))
      .map(([where, line]) => `${where} ${line.trim()}`),
  );
  expect(files.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});

test("importing the package loads neither zod nor a client nor a backend, and few modules", () => {
  const script = `
    require("@pulumi/pulumi");
    const before = new Set(Object.keys(require.cache));
    require("./dist/components/index.js");
    console.log(JSON.stringify(Object.keys(require.cache).filter((file) => !before.has(file))));`;
  const loaded = (
    JSON.parse(execFileSync(process.execPath, ["-e", script], { cwd: root, encoding: "utf8" })) as string[]
  ).map((file) => file.slice(root.length + 1));
  const packages = [
    ...new Set(loaded.filter((file) => file.startsWith("node_modules/")).map((file) => file.split("/")[1])),
  ];
  expect(packages).toEqual(["fastest-levenshtein"]);
  expect(loaded.filter((file) => /^dist\/src\/backends\/\w+\//.test(file))).toEqual([]);
  expect(loaded.length).toBeLessThanOrEqual(60);
});
