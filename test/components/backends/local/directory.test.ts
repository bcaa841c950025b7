// Volumes of mode "directory": for everybody, root or not.
import * as fs from "node:fs";
import * as path from "node:path";

import { removeTree } from "../../../../components/host/files";
import { mountDevice } from "../../../../components/host/mounts";
import {
  createVolume,
  deleteVolume,
  inspectVolume,
  preflight,
  repairVolume,
  updateVolume,
} from "../../../../components/backends/local/lifecycle";
import * as support from "./support";
import { describeIf } from "../../../support/machine";
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
    problems: [expect.stringContaining("is missing")],
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

  it("removing a tree stops at a bind mount of the same disk", async () => {
    const [tree, outside] = ["tree-", "outside-"].map((name) => fs.mkdtempSync(path.join(space.root, name)));
    const inner = path.join(tree!, "a/b");
    fs.mkdirSync(inner, { recursive: true });
    fs.writeFileSync(path.join(outside!, "precious"), "not ours");
    support.system("mount", "--bind", outside!, inner);
    await expect(removeTree(tree!)).rejects.toMatchObject({ code: "EXDEV" });
    expect(fs.readFileSync(path.join(outside!, "precious"), "utf8")).toBe("not ours");
    support.system("umount", inner);
    await removeTree(tree!);
  });

  it.each(["lstat", "open", "opendir", "unlink", "rmdir"] as const)(
    "removing a tree follows no link that was put in place of a directory before %s",
    async (call) => {
      const [tree, outside] = ["tree-", "outside-"].map((name) => fs.mkdtempSync(path.join(space.root, name)));
      const inner = path.join(tree!, "a");
      fs.mkdirSync(inner);
      fs.writeFileSync(path.join(inner, "file"), "ours");
      fs.writeFileSync(path.join(outside!, "file"), "not ours");
      const original = fs.promises[call] as (...args: unknown[]) => Promise<unknown>;
      const spy = jest.spyOn(fs.promises, call as "lstat").mockImplementation((async (
        file: string,
        ...rest: unknown[]
      ) => {
        const isInside = path.basename(file) === "a" || fs.realpathSync(file) === inner;
        if (isInside && fs.lstatSync(inner, { throwIfNoEntry: false })?.isDirectory()) {
          fs.renameSync(inner, `${tree}-moved`);
          fs.symlinkSync(outside!, inner);
        }
        return original.call(fs.promises, file, ...rest);
      }) as never);
      await removeTree(tree!).catch(() => undefined);
      spy.mockRestore();
      expect(fs.readFileSync(path.join(outside!, "file"), "utf8")).toBe("not ours");
    },
  );

  it("removing a tree follows no link of a user who exchanges directories for links all the time", async () => {
    const outside = fs.mkdtempSync(path.join(space.root, "outside-"));
    fs.writeFileSync(path.join(outside, "precious"), "not ours");
    for (let round = 0; round < 3; round++) {
      const tree = path.join(space.root, `attacked-${round}`);
      for (let count = 0; count < 500; count++) fs.mkdirSync(path.join(tree, `d${count}`), { recursive: true });
      support.system("chown", "--recursive", `${nobody}:${nobody}`, tree);
      const attack = `
        const fs = require("fs");
        process.chdir(process.argv[1]);
        const tried = (work) => { try { work(); } catch {} };
        process.stdout.write("begun");
        for (let count = 0; ; count = (count + 1) % 500) {
          const [name, link] = ["d" + count, "link" + count];
          tried(() => fs.symlinkSync(process.argv[2], link));
          tried(() => fs.renameSync(name, "away" + count));
          tried(() => fs.renameSync(link, name));
        }`;
      const user = { uid: nobody, gid: nobody, stdio: ["ignore", "pipe", "inherit"] as const };
      const attacker = support.startCommand(process.execPath, ["-e", attack, tree, outside], {
        ...user,
        stdio: [...user.stdio],
      });
      await new Promise((resolve) => attacker.process.stdout?.once("data", resolve));
      await removeTree(tree).catch(() => undefined);
      await attacker.end();
      expect(fs.readdirSync(outside)).toEqual(["precious"]);
    }
  });

  it("a mount goes to the directory that was there, and not where a link leads that took its place", async () => {
    const [place, outside] = ["place-", "outside-"].map((name) => fs.mkdtempSync(path.join(space.root, name)));
    fs.writeFileSync(path.join(outside!, "precious"), "not ours");
    const open = fs.promises.open.bind(fs.promises);
    const spy = jest.spyOn(fs.promises, "open").mockImplementationOnce(async (...args) => {
      const handle = await open(...args);
      fs.renameSync(place!, `${place}-moved`);
      fs.symlinkSync(outside!, place!);
      return handle;
    });
    await mountDevice("none", place!, "tmpfs", "size=1m");
    spy.mockRestore();
    expect(support.mountsBelow(space.root)).toEqual([`${place}-moved`]);
    await expect(mountDevice("none", place!, "tmpfs", "size=1m")).rejects.toThrow(/ELOOP|ENOTDIR/);
    expect(fs.readdirSync(outside!)).toEqual(["precious"]);
    support.system("umount", `${place}-moved`);
  });

  describe("a state directory", () => {
    const refusal = expect.objectContaining({ code: "unsafe-directory" });
    const all = async (at: string) => {
      const asked = { ...ask("v"), stateDirectory: at };
      return Promise.all([preflight, createVolume].map((operation) => failure(operation(asked))));
    };

    it.each([
      ["of another user", (at: string) => fs.chownSync(at, nobody, nobody)],
      ["that a group may write", (at: string) => fs.chmodSync(at, 0o775)],
      ["that all may write", (at: string) => fs.chmodSync(at, 0o777)],
    ])("%s is refused, and so is one below it", async (_what, make) => {
      const at = fs.mkdtempSync(path.join(space.root, "unsafe-"));
      make(at);
      expect(await all(at)).toEqual([refusal, refusal]);
      expect(await all(path.join(at, "below/it"))).toEqual([refusal, refusal]);
      expect(fs.readdirSync(at)).toEqual([]);
    });

    it("in a sticky directory such as /tmp is used, and the sticky directory itself isn't", async () => {
      const at = fs.mkdtempSync(path.join(space.root, "sticky-"));
      fs.chmodSync(at, 0o1777);
      expect(await all(at)).toEqual([refusal, refusal]);
      const volume = await createVolume({ ...ask("v"), stateDirectory: path.join(at, "state") });
      await deleteVolume(volume.id, volume);
    });

    it("behind a link of another user is refused", async () => {
      const at = fs.mkdtempSync(path.join(space.root, "links-"));
      fs.chmodSync(at, 0o1777);
      fs.symlinkSync(space.root, path.join(at, "link"));
      fs.lchownSync(path.join(at, "link"), nobody, nobody);
      expect(await all(path.join(at, "link/state"))).toEqual([refusal, refusal]);
    });

    it("that was given away leaves its volumes alone until it is root's again", async () => {
      const volume = await createVolume(ask("v"));
      const data = support.writeData(volume);
      for (const place of [path.dirname(volume.id), state]) {
        fs.chownSync(place, nobody, nobody);
        for (const operation of [
          () => deleteVolume(volume.id, volume),
          () => updateVolume(volume.id, ask("v", { sizeGiB: 2 })),
          () => repairVolume(volume.id),
        ]) {
          expect(await failure(operation())).toMatchObject({
            code: "unsafe-directory",
            message: expect.stringContaining(place),
          });
        }
        expect(support.readData(volume)).toBe(data);
        fs.chownSync(place, 0, 0);
      }
      await deleteVolume(volume.id, volume);
    });
  });

  it("a volume isn't deleted while a container sees it by a bind mount", async () => {
    const volume = await createVolume(ask("v"));
    const data = support.writeData(volume);
    const elsewhere = fs.mkdtempSync(path.join(space.root, "container-"));
    const container = await support.startContainer(
      space.root,
      'mount --bind "$1" "$2" &&',
      volume.mountPath,
      elsewhere,
    );
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
