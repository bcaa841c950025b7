// The stack configs in stacks/: the founding document's two volumes in each environment.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve as resolvePath } from "node:path";

import { parse } from "yaml";

import { backendNames, resolve } from "../../../src";
import { readConfigText } from "../../../src/stack/read-config";

const stacks = resolvePath(__dirname, "../../../stacks");
const files = readdirSync(stacks).filter((name) => /^Pulumi\.\w+\.yaml$/.test(name));
const { config: projectConfig } = parse(readFileSync(join(stacks, "../Pulumi.yaml"), "utf8")) as {
  config: Record<string, unknown>;
};

test("there is one for every backend", async () => {
  const read = files.map(async (name) => {
    const text = readFileSync(join(stacks, name), "utf8");
    return (await readConfigText(text, name, { directory: stacks, projectConfig, env: {} })).config.backend;
  });
  expect((await Promise.all(read)).sort()).toEqual([...backendNames].sort());
});

test.each(files)(
  "%s has the founding volumes, without a problem and without a note but that limits need a mapping",
  async (name) => {
    const text = readFileSync(join(stacks, name), "utf8");
    const read = await readConfigText(text, name, { directory: stacks, projectConfig, env: {} });
    expect(read.problems).toEqual([]);
    expect(Object.keys(read.config.volumes ?? {})).toEqual(["highperfvolume", "cheapvolume"]);
    for (const [volume, definition] of Object.entries(read.config.volumes ?? {})) {
      const { problems, notes } = resolve(read.catalog, read.requestFor(volume, definition));
      expect(problems).toEqual([]);
      expect(notes.filter(({ code }) => code !== "limits-need-mapping")).toEqual([]);
    }
  },
);
