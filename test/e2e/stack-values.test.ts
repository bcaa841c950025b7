// The values that the commands read in a stack's file, and those that the engine hands to the program: the same, whatever is written there.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";

import { readYaml } from "../../src/core/yaml-values";
import { openProject } from "../../src/stack";
import { namespaced } from "../../src/stack/read-config";
import { Project, succeeded } from "../support/engine";
import { runs } from "../support/property";

const project = new Project("values", "");
beforeAll(() => project.init());
afterAll(() => project.dispose());

const digits = (unit: string) => fc.string({ unit: fc.constantFrom(...unit.split("")), minLength: 1, maxLength: 6 });
const scalar = fc.oneof(
  digits("01234567_"),
  digits("0123456789_.eE+-"),
  fc
    .tuple(fc.constantFrom("", "+", "-"), fc.constantFrom("0x", "0X", "0b", "0o", "0", "."), digits("0127_eEf"))
    .map((all) => all.join("")),
  fc
    .tuple(digits("0123456789"), fc.constantFrom("1", "02", "12", "13"), fc.constantFrom("1", "09", "30", "31"))
    .map(([year, ...rest]) => [year.padStart(4, "2").slice(0, 4), ...rest].join("-")),
  fc.constantFrom(
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "true",
    "True",
    "null",
    "~",
    "Null",
    "",
    "0777",
    "2001-02-30",
    "1:30",
  ),
);
// What can't be written without quotes: no scalar at all, or none that the engine can hand on.
const isPlain = (text: string) => !/^[-+]?\.(inf|nan)$/i.test(text) && !/^(-|\.|\+)?$|^[-.]{3}|^- /.test(text);

test("are those of the same keys and the same file: a key without a namespace is the project's, and files end as the project's own", async () => {
  const file = (name: string) => join(project.directory, name);
  const moved = ["Pulumi", "Pulumi.dev"];
  for (const name of moved) renameSync(file(`${name}.yaml`), file(`${name}.yml`));
  try {
    writeFileSync(file("Pulumi.dev.yaml"), "config: { values:other: 1 }\n");
    writeFileSync(file("Pulumi.dev.yml"), "config: { bare: 5, values:full: 6 }\n");
    const opened = await openProject({ directory: project.directory });
    expect([await opened.stackNames(), opened.stack("dev").configFile]).toEqual([["dev"], file("Pulumi.dev.yml")]);
    const { config } = readYaml(readFileSync(opened.stack("dev").configFile, "utf8")).toJS() as { config: object };
    const ours = Object.entries(namespaced({ ...config }, opened.name)).map(([key, value]) => [key, String(value)]);
    const printed = succeeded(await project.run(["config", "--json"]));
    const ofEngine = Object.entries(JSON.parse(printed) as Record<string, { value: string }>);
    expect(ofEngine.map(([key, { value }]) => [key, value]).sort()).toEqual(ours.sort());
  } finally {
    for (const name of moved) renameSync(file(`${name}.yml`), file(`${name}.yaml`));
  }
});

test("are the same in both, for any plain scalar as a value or in a list", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(scalar.filter(isPlain), { minLength: 200, maxLength: 300 }), async (scalars) => {
      const file = join(project.directory, "Pulumi.dev.yaml");
      const lines = scalars.map((each, index) => `    k${index}: ${each}\n    l${index}: [${each}]\n`);
      const text = `config:\n  values:all:\n${lines.join("")}`;
      writeFileSync(file, text);
      const printed = succeeded(await project.run(["config", "--json"]));
      const { value } = (JSON.parse(printed) as Record<string, { value: string }>)["values:all"] ?? {};
      const ofEngine = JSON.parse(value ?? "") as Record<string, unknown>;
      const { config } = readYaml(text).toJS() as { config: Record<string, Record<string, unknown>> };
      const ours = JSON.parse(JSON.stringify(config["values:all"])) as Record<string, unknown>;
      const differing = scalars.flatMap((each, index) =>
        [`k${index}`, `l${index}`].flatMap((key) =>
          JSON.stringify(ours[key]) === JSON.stringify(ofEngine[key]) ? [] : [[each, ofEngine[key], ours[key]]],
        ),
      );
      expect(differing).toEqual([]);
    }),
    { numRuns: runs(3), endOnFailure: true },
  );
});
