// Volumes that get another name in the program: with `aliases` they stay what they are, and without them nothing is lost unsaid.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Project, succeeded } from "../support/engine";

const UP = ["up", "--yes", "--skip-preview"];

describe("a volume that is renamed in the program", () => {
  const project = new Project("renamed", "");
  let file = "";
  const declare = (name: string, rest = "", options = "") =>
    project.program(
      `exports.id = new ProfiledVolume("${name}@gold", { sizeGiB: 1, ${rest} }, { ${options} }).volumeId;`,
    );
  beforeAll(async () => {
    project.config({ local: { mode: "directory" } });
    await project.init();
    declare("data");
    await project.up();
    file = join((await project.outputs())["id"] as string, "data/precious");
    writeFileSync(file, "data");
    project.keep();
  });
  afterAll(() => project.dispose());
  beforeEach(() => {
    project.reset();
    declare("data");
  });

  for (const [what, rest] of [
    ["its physical name", () => 'physicalName: "data"'],
    ["an import of it", () => `import: "${file.replace("/data/precious", "")}"`],
  ] as const) {
    test(`is kept by the alias that an \`up\` without preview asks for, where it is declared with ${what}`, async () => {
      declare("store", rest());
      const refused = await project.run(UP);
      expect(refused.code).not.toBe(0);
      expect(refused.text).toContain("aliases");
      declare("store", rest(), 'aliases: [{ name: "data" }]');
      succeeded(await project.run(UP));
      expect(readFileSync(file, "utf8")).toBe("data");
      expect(await project.steps()).toEqual([]);
    });
  }

  test("is kept by the alias of the component that it is a part of, also after an `up` without it that failed", async () => {
    const part = (app: string, rest = "", options = "") =>
      project.program(`
        class App extends pulumi.ComponentResource { constructor(opts) { super("test:${app}", "${app}", {}, opts); } }
        new ProfiledVolume("data@gold", { sizeGiB: 1 });
        const parent = new App({ ${options} });
        exports.ids = ["goods", "${app}-logs"].map((name) =>
          new ProfiledVolume(name, { sizeGiB: 1, ${rest} }, { parent }).volumeId);
      `);
    part("Shop");
    await project.up();
    const files = ((await project.outputs())["ids"] as string[]).map((id) => join(id, "data/precious"));
    for (const each of files) writeFileSync(each, each);
    const samePlace = 'physicalName: name.replace("Market", "Shop")';
    part("Market", samePlace);
    const refused = await project.run([...UP, "--continue-on-error"]);
    expect(refused.code).not.toBe(0);
    expect(refused.text).toContain("aliases");
    part("Market", samePlace, 'aliases: [{ name: "Shop", type: "test:Shop" }]');
    succeeded(await project.run(UP));
    expect(files.map((each) => readFileSync(each, "utf8"))).toEqual(files);
    expect(await project.steps()).toEqual([]);
  });

  test("without an alias and without protection is deleted, as the preview says, with the alias that would keep it", async () => {
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    await project.up();
    declare("store");
    const { text } = await project.run(["preview"]);
    expect(text).toContain(
      '"data" is no longer declared and will be deleted with its data, while "store" will be created empty',
    );
    expect(text).toContain("aliases: [");
    expect(existsSync(file)).toBe(true);
  });

  test("in the state as well, but there only its component, is kept by the commands of the refusal", async () => {
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    await project.up();
    const component = (await project.state())["ProfiledVolume data"]!.urn;
    succeeded(await project.run(["state", "rename", component, "store", "--yes"]));
    declare("store");
    const refused = await project.run(UP);
    expect(refused.code).not.toBe(0);
    expect(refused.text).toContain('Pulumi would create "store" empty');
    const [, urn = "", name = ""] = /pulumi state rename '([^']*)' (\w+)/.exec(refused.text) ?? [];
    succeeded(await project.run(["state", "rename", urn, name, "--yes"]));
    succeeded(await project.run(UP));
    expect(readFileSync(file, "utf8")).toBe("data");
    expect(await project.steps()).toEqual([]);
  });

  test("into one that is there too is refused, and the volume that the alias names stays", async () => {
    project.config({ local: { mode: "directory" }, deletionProtection: false });
    project.program(`
      new ProfiledVolume("data@gold", { sizeGiB: 1 });
      new ProfiledVolume("store", { sizeGiB: 1 });
    `);
    await project.up();
    declare("store", "", 'aliases: [{ name: "data" }]');
    const refused = await project.run(UP);
    expect(refused.code).not.toBe(0);
    expect(refused.text).toMatch(/::data is an alias of \S+::store, but the state contains both/);
    expect(readFileSync(file, "utf8")).toBe("data");
  });
});
