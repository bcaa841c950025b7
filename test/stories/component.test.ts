// ProfiledVolume from the first preview to `pulumi destroy`, on the real engine. Volumes are directories, so it runs on any machine.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { diagnostics, Project, succeeded } from "../support/engine";
import { MISSPELT, problems } from "../support/refusals";

const project = new Project("component-story", "");
const places = join(project.volumes, "volumes/component-story/dev");
const precious = join(places, "data/data/precious");

/** The program: `data` with this profile, and `logs` with the default profile and this size. */
const declare = (profile: string, logsGiB = 2) =>
  project.program(`
    const data = new ProfiledVolume("data@${profile}", { size: "1GiB" });
    const logs = new ProfiledVolume("logs", { sizeGiB: ${logsGiB} });
    for (const key of ["profile", "sizeGiB", "volumeId", "mountPath", "settings"]) exports[key] = data[key];
    exports.logs = logs.profile;
  `);
const settings = (deletionProtection: boolean) => project.config({ deletionProtection, local: { mode: "directory" } });
/** What the volume itself has. */
const record = () => JSON.parse(readFileSync(join(places, "data/volume.json"), "utf8")) as Record<string, unknown>;

beforeAll(async () => {
  settings(true);
  await project.init();
});
afterAll(() => project.dispose());

test("two volumes are created, change their profile in place with their data, are protected, and go by `destroy`", async () => {
  // All problems of all volumes at once, with the fixes, before anything is created.
  project.program(`
    new ProfiledVolume("data@glod", { size: "1GiB" });
    new ProfiledVolume("logs", { profile: "sliver" });
    new ProfiledVolume("files", { sizeGiB: 99_999 });
  `);
  const wrong = await project.run(["preview"]);
  expect(wrong.code).not.toBe(0);
  expect(problems(wrong)).toEqual(MISSPELT);
  expect(diagnostics(wrong)).toMatch(
    /files: 1 problem\n.*at most 16,383 GiB.*\[size-beyond-limit\]\n.*99,999\n.*allowed: 1 to 16,383 GiB/,
  );
  expect(existsSync(project.volumes)).toBe(false);

  declare("gold");
  expect(diagnostics(await project.run(["preview"]))).toMatch(
    /data@gold: create\n +1 GiB, iopsLimit: 10,000 IOPS, mode: directory,/,
  );
  await project.up();
  const created = await project.outputs();
  expect(created).toMatchObject({
    profile: "gold",
    sizeGiB: 1,
    volumeId: join(places, "data"),
    mountPath: join(places, "data/data"),
    settings: { mode: "directory", iopsLimit: 10_000 },
    logs: "default",
  });
  writeFileSync(precious, "data");
  expect(await project.steps()).toEqual([]);

  declare("silver");
  const preview = succeeded(await project.run(["preview"]));
  expect(preview).toContain("gold → silver");
  expect(preview).toMatch(/iopsLimit: 10,000 IOPS → 3,000 IOPS/);
  expect(preview).toMatch(/~ 2 to update\n +3 unchanged/);
  await project.up();
  expect(record()).toMatchObject({ settings: { iopsLimit: 3_000, throughputLimitMiBps: 250 } });

  declare("gold");
  await project.up();
  expect(await project.outputs()).toEqual(created);
  expect(record()).toMatchObject({ settings: created["settings"] });
  expect(readFileSync(precious, "utf8")).toBe("data");

  // What would lose data is refused at preview: a smaller size, and a declaration that is gone.
  declare("gold", 1);
  const smaller = await project.run(["preview"]);
  expect([smaller.code === 0, diagnostics(smaller)]).toEqual([
    false,
    expect.stringMatching(/\[change-shrinks\][^]*fix: .*2 GiB/),
  ]);
  project.program("");
  const removed = await project.run(["preview"]);
  expect([removed.code === 0, diagnostics(removed)]).toEqual([false, expect.stringContaining("protected")]);
  expect(readFileSync(precious, "utf8")).toBe("data");

  settings(false);
  declare("gold");
  await project.up();
  succeeded(await project.run(["destroy", "--yes", "--skip-preview"]));
  expect(await project.state()).toEqual({});
  expect(existsSync(places)).toBe(false);
});
