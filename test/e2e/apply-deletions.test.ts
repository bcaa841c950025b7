// What `apply` deletes: what is named for deletion, and nothing else, whatever the config and the program no longer declare.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { openProject, type ApplyOptions, type Stack } from "../../src/stack";
import { Project, VOLUMES_OF_STACK } from "../support/engine";

describe("a volume that was taken out of the file by hand, its profile edited too", () => {
  const project = new Project("deletions", VOLUMES_OF_STACK);
  const dataOf = (name: string) => join(project.volumes, "volumes/deletions/dev", name, "data/precious");
  const open = async (): Promise<Stack> => {
    const [env, pulumi] = [await project.env(), await project.pulumi()];
    const journalDirectory = join(project.directory, "../journal");
    return (await openProject({ directory: project.directory, env, pulumi, journalDirectory })).stack("dev");
  };
  const write = (iops: number, names: string[]) =>
    project.config({
      deletionProtection: false,
      local: { mode: "directory" },
      profiles: { fast: { local: { iops } } },
      volumes: Object.fromEntries(names.map((name) => [name, { profile: "fast", sizeGiB: 1 }])),
    });
  let stack: Stack;
  beforeAll(async () => {
    await project.init();
    write(9000, ["a", "b"]);
    stack = await open();
    expect((await stack.apply().done).problems).toEqual([]);
    for (const name of ["a", "b"]) writeFileSync(dataOf(name), "data");
    write(4000, ["b"]);
  });
  afterAll(() => project.dispose());

  const requests: [string, ApplyOptions][] = [
    ["apply", {}],
    ["apply, by its name", { volumes: ["a"] }],
    ["apply, after a refresh", { refresh: true }],
    ["apply of all, and the removal of another", { volumes: ["a"], destroy: ["nothing"] }],
  ];
  test.each(requests)("is kept by %s, which is refused with the way to delete it", async (_, options) => {
    const report = await stack.apply(options).done;
    expect(report).toMatchObject({ state: "failed", problems: [{ code: "deletion-not-requested", path: "volumes" }] });
    expect(report.problems[0]?.fix).toContain("apply --remove a");
    expect(existsSync(dataOf("a"))).toBe(true);
    expect(Object.keys(await project.state())).toContain("LocalVolume a");
  });

  test("doesn't keep other volumes from being applied by name", async () => {
    expect(await stack.apply({ volumes: ["b"] }).done).toMatchObject({ state: "succeeded" });
    expect(existsSync(dataOf("a"))).toBe(true);
  });

  test("is deleted by the command that the refusal names", async () => {
    const refused = await project.command("storage-profiles", ["apply", "--yes", "--stack", "dev"]);
    expect(refused.text).toContain("deletion-not-requested");
    expect(refused.code).not.toBe(0);
    expect(existsSync(dataOf("a"))).toBe(true);
    const removed = await project.command("storage-profiles", ["apply", "--yes", "--stack", "dev", "--remove", "a"]);
    expect(removed.text).toContain("a (fast): delete");
    expect(removed.code).toBe(0);
    expect([existsSync(dataOf("a")), existsSync(dataOf("b"))]).toEqual([false, true]);
  });

  test("is deleted, and nothing beside it, where it was replaced in a run by others", async () => {
    write(4000, ["b"]);
    const [status] = await stack.status();
    expect(await stack.apply({ destroy: ["b"] }).done).toMatchObject({ problems: [{ code: "volume-declared" }] });
    expect(status?.urn).toContain("::b");
    expect(existsSync(dataOf("b"))).toBe(true);
  });
});
