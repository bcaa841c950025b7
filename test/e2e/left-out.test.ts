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
    project.config({
      local: { mode: "directory" },
      deletionProtection: false,
      scaleio: { protectionDomain: "pd", storagePool: "sp" },
    });
    await project.init();
    project.program('exports.id = new ProfiledVolume("data@gold", { sizeGiB: 1 }).volumeId;');
    await project.up();
    const state = await project.state();
    component = state["ProfiledVolume data"]?.urn ?? "";
    child = state["LocalVolume data"]?.urn ?? "";
    file = join((await project.outputs())["id"] as string, "data/precious");
    writeFileSync(file, "data");
    project.keep();
  });
  afterAll(() => project.dispose());
  beforeEach(() => project.reset());

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
      project.program(program);
      const found: Record<string, string> = {};
      // A `destroy` runs such a program to its end, and deletes by its own right: it left the component out, and not the child.
      const runs = partial().filter(([, [verb]]) => verb !== "destroy" || what !== "another backend");
      for (const [name, args] of runs) {
        const ran = await project.run(args);
        const isThere = existsSync(file) && "LocalVolume data" in (await project.state());
        found[name] = `${ran.code === 0 ? "succeeded" : "failed"}, ${isThere ? "kept" : "LOST"}`;
        if (!isThere) project.reset();
      }
      expect(found).toEqual(Object.fromEntries(runs.map(([name]) => [name, "failed, kept"])));
    });
  }
});

describe("what a program sees of its volumes", () => {
  const project = new Project("outputs", "");
  beforeAll(async () => {
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    await project.init();
  });
  afterAll(() => project.dispose());

  test("is known at preview where no change touches it, and is what a volume has where a run leaves it out", async () => {
    const declare = (profile: string, sizeGiB: number) =>
      project.program(`
        const volumes = {};
        for (const name of ["data", "more"]) {
          const { profile, sizeGiB, settings, mountPath, volumeId, resource } = new ProfiledVolume(name + "@${profile}", { sizeGiB: ${sizeGiB} });
          volumes[name] = { profile, sizeGiB, iops: settings.iopsLimit };
          for (const [key, output] of Object.entries({ mountPath, volumeId, uid: resource.uid }))
            output.apply((value) => pulumi.log.info(name + " has a known " + key));
        }
        exports.volumes = volumes;
      `);
    declare("gold", 1);
    await project.up();
    const before = { profile: "gold", sizeGiB: 1, iops: 10_000 };
    const after = { profile: "silver", sizeGiB: 2, iops: 3_000 };
    expect((await project.outputs())["volumes"]).toEqual({ data: before, more: before });

    declare("silver", 2);
    const { text } = await project.run(["preview"]);
    for (const key of ["mountPath", "volumeId", "uid"]) expect(text).toContain(`data has a known ${key}`);

    const state = await project.state();
    const urns = ["ProfiledVolume data", "LocalVolume data"].map((each) => state[each]?.urn ?? "");
    const targets = urns.flatMap((urn) => ["--target", urn]);
    await project.up({}, ...targets);
    expect((await project.outputs())["volumes"]).toEqual({ data: after, more: before });
    // The component alone: its volume stays as it is.
    const [component = ""] = [state["ProfiledVolume more"]?.urn];
    await project.up({}, "--target", component);
    expect((await project.outputs())["volumes"]).toMatchObject({ data: after, more: { sizeGiB: 1, iops: 10_000 } });
    await project.up();
    expect((await project.outputs())["volumes"]).toEqual({ data: after, more: after });
  });
});
