// ComposeVolumes on the real engine: the volumes of a Compose file, made ahead by `pulumi up`.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { diagnostics, Project } from "../support/engine";

const DATA = `
  data:
    driver: storage-profiles
    driver_opts: { profile: "\${PROFILE:-gold}", size: 1GiB }`;

describe("the volumes of a Compose file", () => {
  const project = new Project("compose", "");
  const declare = (args: string) =>
    project.program(`
      const { ComposeVolumes } = require("storage-profiles");
      const shop = new ComposeVolumes("shop", ${args});
      exports.names = shop.dockerNames;
      exports.data = shop.volumes.data?.mountPath;
    `);
  const made = (name: string) => existsSync(join(project.volumes, "volumes/compose/dev", name));
  beforeAll(async () => {
    await project.init();
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    project.write("docker-compose.yml", `name: My-Shop\nservices: {}\nvolumes:${DATA}\ninclude: [parts/extra.yml]\n`);
    mkdirSync(join(project.directory, "parts"));
    project.write(
      "parts/extra.yml",
      'volumes: { extra: { driver: storage-profiles, name: "${EXTRA}", driver_opts: { profile: bronze, size: 1GiB } } }\n',
    );
    project.write("parts/.env", "EXTRA=from-parts\n");
    project.write(
      "docker-compose.override.yml",
      "x-storage-profiles: { pool@silver: { size: 2GiB } }\nvolumes: { pool: { external: true }, logs: { driver: storage-profiles, name: logs@bronze }, other: {} }\n",
    );
  });
  beforeEach(() => project.write(".env", ""));
  afterAll(() => project.dispose());

  test("are made by one `up`, under the names that Compose gives them, and a change of profile is an update in place", async () => {
    declare(`{ defaults: { size: "1GiB" } }`);
    await project.up();
    expect(await project.outputs()).toEqual({
      names: { data: "my-shop_data", pool: "pool", logs: "logs@bronze", extra: "from-parts" },
      data: join(project.volumes, "volumes/compose/dev/my-shop_data/data"),
    });
    expect(["my-shop_data", "pool", "logs", "from-parts"].map(made)).toEqual([true, true, true, true]);
    const state = await project.state();
    const recorded = (name: string) => state[`ProfiledVolume ${name}`]?.inputs;
    expect(state["ComposeVolumes shop"]?.inputs).toMatchObject({
      files: ["docker-compose.yml", "docker-compose.override.yml", "parts/extra.yml", "parts/.env"],
    });
    expect(recorded("my-shop_data")).toMatchObject({ profile: "gold", sizeGiB: 1 });
    expect(recorded("pool")).toMatchObject({ profile: "silver", sizeGiB: 2 });
    expect(recorded("logs")).toMatchObject({ profile: "bronze", sizeGiB: 1 });

    project.write(".env", "PROFILE=silver\n");
    expect(await project.steps()).toEqual([
      { op: "update", what: "LocalVolume my-shop_data" },
      { op: "update", what: "ProfiledVolume my-shop_data" },
    ]);
  });

  test("have their problems told with the file's lines, all at once and before anything is made", async () => {
    project.write(".env", "PROFILE=golden\n");
    project.write(
      "more.yml",
      'volumes:\n  big:\n    driver: storage-profiles\n    driver_opts: { size: 5 }\n  nosize: { driver: storage-profiles, name: "no${UNSET}size" }\n',
    );
    declare(`{ files: ["docker-compose.yml", "more.yml"] }`);
    const ran = await project.run(["preview"]);
    expect(ran.code).not.toBe(0);
    const text = diagnostics(ran);
    expect(text).toContain("shop: 3 problems");
    expect(text).toContain(
      'docker-compose.yml:6: volumes.data.driver_opts.profile: unknown profile "golden" [profile-unknown]',
    );
    expect(text).toContain("more.yml:4: volumes.big.driver_opts.size: the unit is missing [size-invalid]");
    expect(text).toContain("more.yml:5: volumes.nosize (sizeGiB): size is missing [size-missing]");
    // What may be why is told beside it.
    expect(text).toContain("not set, replaced with an empty string: UNSET [compose-variable-unset]");
    expect(text).not.toMatch(/^\s+at /m);
  });

  test("are refused with what is wrong with the arguments, in one message", async () => {
    declare(`{ file: "x.yml", version: 1, projectName: 7 }`);
    const text = diagnostics(await project.run(["preview"]));
    expect(text).toContain('file: unknown key "file" [unknown-key]');
    expect(text).toContain('version: unknown key "version" [unknown-key]');
    expect(text).toContain("projectName: expected text, got a number (7)");
  });
});
