// Two volumes of one name below two parents: a volume is its URN, so each is judged, noted and applied by what it has itself.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Project, succeeded } from "../support/engine";

describe("two volumes named data below two parents", () => {
  const project = new Project("same-name", "");
  const declare = (web: string, db: string) =>
    project.program(`
      const below = (name) => ({ parent: new pulumi.ComponentResource("app:" + name, name) });
      exports.web = new ProfiledVolume("data", { ${web}, physicalName: "web" }, below("Web")).volumeId;
      exports.db = new ProfiledVolume("data", { ${db}, physicalName: "db" }, below("Db")).volumeId;
    `);
  beforeAll(async () => {
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    await project.init();
  });
  afterAll(() => project.dispose());

  test("get each their own notes, and are changed and selected each for itself", async () => {
    declare('profile: "gold", sizeGiB: 1', 'profile: "bronze", sizeGiB: 2');
    const made = succeeded(await project.run(["up", "--yes", "--skip-preview"]));
    expect(made).toMatch(/data@gold\n\s+the size of 1 GiB and the limit of 10,000 IOPS/);
    expect(made).toMatch(/data@bronze\n\s+the size of 2 GiB, the limit of 500 IOPS,/);
    const { web } = await project.outputs();
    writeFileSync(join(web as string, "data/precious"), "data");

    // The one grows, the other would shrink: only that is refused, and by its own size.
    declare('profile: "gold", sizeGiB: 4', 'profile: "bronze", sizeGiB: 1');
    const shrinking = await project.run(["preview"]);
    expect(shrinking.code).not.toBe(0);
    expect(shrinking.text).toContain("the volume can't shrink from 2 GiB to 1 GiB");
    expect(shrinking.text).not.toContain("shrink from 1 GiB");

    const urnOf = (parent: string) =>
      `urn:pulumi:dev::same-name::app:${parent}$storage-profiles:index:ProfiledVolume::data`;
    const plan = (reference: string) => project.command("storage-profiles", ["plan", reference, "--stack", "dev"]);
    const ambiguous = await plan("data@silver");
    expect(ambiguous.code).not.toBe(0);
    for (const text of ["volume-ambiguous", urnOf("Web"), urnOf("Db")]) expect(ambiguous.text).toContain(text);
    const web2 = await plan(`${urnOf("Web")}@silver`);
    expect(web2.text).toContain("10,000");
    expect(web2.text).not.toContain("500");
    expect(existsSync(join(web as string, "data/precious"))).toBe(true);
  });
});
