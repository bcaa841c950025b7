// Runs that were told to leave a volume out (--target, --exclude), or that go wrong: whatever the program says of a volume, its data stays.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Project } from "../support/engine";

const UP = ["up", "--yes", "--skip-preview"];

describe("a volume without protection", () => {
  const project = new Project("left-out", "");
  let component = "";
  let child = "";
  let file = "";
  beforeAll(async () => {
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    await project.init();
  });
  afterAll(() => project.dispose());
  beforeEach(async () => {
    project.program('exports.id = new ProfiledVolume("data@gold", { sizeGiB: 1 }).volumeId;');
    await project.up();
    const state = await project.state();
    component = state["ProfiledVolume data"]?.urn ?? "";
    child = state["LocalVolume data"]?.urn ?? "";
    file = join((await project.outputs())["id"] as string, "data/precious");
    writeFileSync(file, "data");
  });

  const partial = (): [string, string[]][] => [
    ["up --exclude the component", [...UP, "--exclude", component]],
    ["up --target the child by a pattern", [...UP, "--target", "**LocalVolume::data"]],
    ["up --continue-on-error --exclude the component", [...UP, "--continue-on-error", "--exclude", component]],
    ["up --refresh --target the child", [...UP, "--refresh", "--target", child]],
    [
      "destroy --run-program --exclude the component",
      ["destroy", "--yes", "--skip-preview", "--run-program", "--exclude", component],
    ],
  ];
  const PROBLEMS = {
    "a profile that doesn't exist": 'new ProfiledVolume("data@golf", { sizeGiB: 1 });',
    "a size that comes late and isn't possible":
      'const first = new pulumi.ComponentResource("test:First", "first"); new ProfiledVolume("data@gold", { sizeGiB: first.urn.apply(() => 99999) });',
    "another backend": `new ProfiledVolume("data@gold", { sizeGiB: 8, backend: "scaleio" });`,
  };

  for (const [what, program] of Object.entries(PROBLEMS)) {
    test(`is neither deleted nor changed by any partial run of a program that asks for ${what}`, async () => {
      project.config({
        local: { mode: "directory" },
        deletionProtection: false,
        scaleio: { protectionDomain: "pd", storagePool: "sp" },
      });
      const found: Record<string, string> = {};
      // A `destroy` runs such a program to its end, and deletes by its own right: it left the component out, and not the child.
      const runs = partial().filter(([, [verb]]) => verb !== "destroy" || what !== "another backend");
      for (const [name, args] of runs) {
        project.program(program);
        const ran = await project.run(args);
        const isThere = existsSync(file) && "LocalVolume data" in (await project.state());
        found[name] = `${ran.code === 0 ? "succeeded" : "failed"}, ${isThere ? "kept" : "LOST"}`;
        if (isThere) continue;
        project.program('exports.id = new ProfiledVolume("data@gold", { sizeGiB: 1 }).volumeId;');
        await project.up();
        writeFileSync(file, "data");
      }
      expect(found).toEqual(Object.fromEntries(runs.map(([name]) => [name, "failed, kept"])));
    });
  }
});
