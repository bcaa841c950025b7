// Volumes of mode "directory": for everybody, root or not.
import * as fs from "node:fs";
import * as path from "node:path";

import { removeTree } from "../../../components/local/files";
import {
  createVolume,
  deleteVolume,
  inspectVolume,
  repairVolume,
  updateVolume,
} from "../../../components/local/volumes";
import * as support from "./support";
import { describeIf } from "../../support/machine";
import { directory, failure, isRoot, loop, request } from "./support";

const nobody = 65534;
const space = support.workspace();
let state: string;
beforeEach(() => ({ state } = space));

const ask = (name: string, change = {}) => request(state, name, { settings: directory, ...change });

it("a volume is created, found again, grown, and deleted without a trace", async () => {
  const volume = await createVolume(ask("v"));
  expect(volume).toMatchObject({
    found: false,
    device: null,
    deviceNumber: null,
    mountPath: path.join(volume.id, "data"),
  });
  expect(fs.statSync(volume.mountPath).mode & 0o777).toBe(0o700);
  const data = support.writeData(volume);
  expect(await createVolume(ask("v", { sizeGiB: 2 }))).toMatchObject({ found: true, uid: volume.uid, sizeGiB: 2 });
  await updateVolume(volume.id, ask("v", { sizeGiB: 100_000 }));
  expect(await inspectVolume(volume.id)).toMatchObject({ sizeGiB: 100_000, mounted: true, problems: [] });
  expect(support.readData(volume)).toBe(data);
  expect((await failure(updateVolume(volume.id, ask("v")))).code).toBe("shrink");
  await deleteVolume(volume.id, volume);
  expect(support.leftovers(state)).toEqual([]);
});

it("a volume whose data is gone says so, and isn't made anew behind its owner's back", async () => {
  const volume = await createVolume(ask("v"));
  fs.rmdirSync(volume.mountPath);
  const larger = ask("v", { sizeGiB: 2 });
  for (const operation of [
    () => repairVolume(volume.id),
    () => createVolume(larger),
    () => updateVolume(volume.id, larger),
  ]) {
    expect((await failure(operation())).code).toBe("data-gone");
  }
  expect(await inspectVolume(volume.id)).toMatchObject({
    sizeGiB: 1,
    mounted: false,
    problems: [expect.stringContaining("is gone")],
  });
  await deleteVolume(volume.id, volume);
});

describeIf(process.platform === "linux", "on Linux", "needs /proc", () => {
  it("a volume isn't deleted while a process has a file in it open, and says which", async () => {
    const volume = await createVolume(ask("v"));
    support.writeData(volume);
    const file = fs.openSync(path.join(volume.mountPath, "data.txt"), "r");
    const user = support.startCommand("sleep", ["100"], { stdio: [file, "ignore", "ignore"] });
    fs.closeSync(file);
    const error = await failure(deleteVolume(volume.id, volume));
    expect(error).toMatchObject({
      code: "in-use",
      message: expect.stringMatching(`process ${user.process.pid} \\(sleep\\), which has .*data.txt open`),
    });
    expect(await inspectVolume(volume.id)).toMatchObject({ mounted: true, problems: [] });
    await user.end();
    await deleteVolume(volume.id, volume);
  });
});

describeIf(isRoot && process.platform === "linux", "with root's help", "needs root on Linux", () => {
  it("a volume isn't deleted with what somebody mounted in it", async () => {
    const volume = await createVolume(ask("v"));
    const inner = path.join(volume.mountPath, "inner");
    const outside = fs.mkdtempSync(path.join(space.root, "outside-"));
    fs.mkdirSync(inner);
    fs.writeFileSync(path.join(outside, "precious"), "not ours");
    support.system("mount", "--bind", outside, inner);
    expect(await failure(deleteVolume(volume.id, volume))).toMatchObject({
      code: "foreign-mount",
      message: expect.stringContaining(inner),
    });
    expect(fs.readFileSync(path.join(outside, "precious"), "utf8")).toBe("not ours");
    support.system("umount", inner);
    await deleteVolume(volume.id, volume);
  });

  it("removing a tree stops at what is mounted in it, even if that came late", async () => {
    const tree = fs.mkdtempSync(path.join(space.root, "tree-"));
    const inner = path.join(tree, "a/b");
    fs.mkdirSync(inner, { recursive: true });
    support.system("mount", "-t", "tmpfs", "none", inner);
    fs.writeFileSync(path.join(inner, "precious"), "not ours");
    await expect(removeTree(tree)).rejects.toMatchObject({ code: "EXDEV" });
    expect(fs.existsSync(path.join(inner, "precious"))).toBe(true);
    support.system("umount", inner);
    await removeTree(tree);
    expect(fs.existsSync(tree)).toBe(false);
  });

  it("a volume isn't deleted while a container sees it by a bind mount", async () => {
    const volume = await createVolume(ask("v"));
    const data = support.writeData(volume);
    const elsewhere = fs.mkdtempSync(path.join(space.root, "container-"));
    const container = await support.startContainer('mount --bind "$1" "$2" &&', volume.mountPath, elsewhere);
    const error = await failure(deleteVolume(volume.id, volume));
    expect(error).toMatchObject({
      code: "in-use",
      message: expect.stringContaining(`process ${container.process.pid} (sleep), which sees it at ${elsewhere}`),
    });
    expect(support.readData(volume)).toBe(data);
    await container.end();
    await deleteVolume(volume.id, volume);
  });

  it("a user without rights has the whole life of a volume", async () => {
    const home = fs.mkdtempSync(path.join(space.root, "home-"));
    fs.chownSync(home, nobody, nobody);
    const asked = { ...ask("v"), stateDirectory: path.join(home, ".local/state/storage-profiles") };
    const run = async (call: "createVolume" | "updateVolume" | "repairVolume" | "deleteVolume", ...args: unknown[]) => {
      const lines = await support.startChild(space.root, { call, args }, nobody).ended;
      return lines.at(-1)!;
    };
    const created = (await run("createVolume", asked)).result as Awaited<ReturnType<typeof createVolume>>;
    expect(created).toMatchObject({ found: false, device: null });
    expect(fs.statSync(created.mountPath)).toMatchObject({ uid: nobody });
    expect((await run("updateVolume", created.id, { ...asked, sizeGiB: 2 })).result).toMatchObject({ sizeGiB: 2 });
    expect((await run("repairVolume", created.id)).result).toMatchObject({ uid: created.uid });
    expect((await run("createVolume", { ...asked, name: "w", settings: loop })).error).toMatchObject({
      code: "missing-capability",
      message: expect.stringMatching(
        /the user isn't root.*Either run as root.*or set storage-profiles:local.mode to directory/s,
      ),
    });
    // What a container wrote there as root is root's.
    fs.mkdirSync(path.join(created.mountPath, "root"), { mode: 0o700 });
    fs.writeFileSync(path.join(created.mountPath, "root/file"), "");
    expect((await run("deleteVolume", created.id, created)).error).toMatchObject({ code: "permission-denied" });
    fs.rmSync(path.join(created.mountPath, "root"), { recursive: true });
    expect((await run("deleteVolume", created.id, created)).result).toBeNull();
    expect(support.leftovers(asked.stateDirectory)).toEqual([]);
  });

  it("a user without rights doesn't delete another's volume", async () => {
    const volume = await createVolume(ask("v"));
    const lines = await support.startChild(space.root, { call: "deleteVolume", args: [volume.id, volume] }, nobody)
      .ended;
    expect(lines.at(-1)?.error?.code).toBe("permission-denied");
    expect(await inspectVolume(volume.id)).toMatchObject({ problems: [] });
  });
});
