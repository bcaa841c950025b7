// Volumes of mode "loop", from creation to deletion.
import * as fs from "node:fs";
import * as path from "node:path";

import {
  acknowledgeVolume,
  adoptVolume,
  type CreatedVolume,
  createVolume,
  deleteVolume,
  inspectVolume,
  listVolumes,
  type LocalVolume,
  preflight,
  repairAll,
  repairVolume,
  updateVolume,
} from "../../../../components/backends/local/lifecycle";
import { monotonic } from "../../../../src/system/monotonic";
import * as support from "./support";
import { describeIf } from "../../../support/machine";
import { until } from "../../../../tools/test/time.js";
import { canGrowMounted, canLoop, failure, loop, request, whyNoLoop } from "./support";

describeIf(canLoop, "a volume of mode loop", whyNoLoop, () => {
  const space = support.workspace();
  const { root } = space;
  let state: string;
  beforeEach(() => ({ state } = space));

  it("is created, written to, grown with its data, and deleted without a trace", async () => {
    const volume = await createVolume(request(state, "whole"));
    expect(volume).toMatchObject({ found: false, sizeGiB: 1, mountPath: path.join(volume.id, "mount") });
    expect(await inspectVolume(volume.id)).toMatchObject({
      sizeGiB: 1,
      device: volume.device,
      mounted: true,
      problems: [],
    });
    expect(fs.readdirSync(volume.mountPath)).toEqual([]);
    const data = support.writeData(volume);

    const grown = await updateVolume(volume.id, { ...request(state, "whole"), sizeGiB: 3 });
    expect(grown).toMatchObject({ uid: volume.uid, sizeGiB: 3, device: volume.device });
    expect(support.fileSystemGiB(volume.mountPath)).toBe(3);
    expect(support.readData(volume)).toBe(data);
    expect(fs.readdirSync(volume.mountPath)).toEqual(["data.txt"]);
    expect(await inspectVolume(volume.id)).toMatchObject({ sizeGiB: 3, mounted: true, problems: [] });

    await deleteVolume(volume.id, volume);
    expect(support.leftovers(state)).toEqual([]);
    expect(await inspectVolume(volume.id)).toBeUndefined();
    await deleteVolume(volume.id, volume);
  });

  it("is mounted without devices and set-uid programs, its owner's alone, and goes read-only on errors", async () => {
    const volume = await createVolume(request(state, "safe"));
    const line = fs
      .readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .find((mount) => mount.includes(volume.mountPath));
    expect(line).toMatch(/nosuid,nodev.*errors=remount-ro/);
    expect(fs.statSync(volume.mountPath).mode & 0o777).toBe(0o700);
    expect(fs.statSync(path.join(volume.id, "data.img")).mode & 0o777).toBe(0o600);

    fs.chmodSync(volume.mountPath, 0o755);
    support.detach(volume);
    await repairVolume(volume.id);
    expect(fs.statSync(volume.mountPath).mode & 0o777).toBe(0o755);
    await deleteVolume(volume.id, volume);
  });

  it("is found again by its owner with its data, and brought to the size asked for", async () => {
    const first = await createVolume(request(state, "again"));
    const data = support.writeData(first);
    const second = await createVolume(request(state, "again", { sizeGiB: 2 }));
    expect(second).toMatchObject({ found: true, uid: first.uid, sizeGiB: 2 });
    expect(support.readData(second)).toBe(data);
    expect(support.fileSystemGiB(second.mountPath)).toBe(2);
    await deleteVolume(first.id, first);
  });

  it("keeps its name from other owners, who learn whose it is", async () => {
    const volume = await createVolume(request(state, "mine"));
    const before = support.tree(state);
    for (const operation of [createVolume, preflight]) {
      const error = await failure(operation(request(state, "mine", { owner: "urn:thief" })));
      expect(error).toMatchObject({ code: "name-taken", message: expect.stringContaining("belongs to urn:mine") });
    }
    const update = await failure(
      updateVolume(volume.id, { ...request(state, "mine"), owner: "urn:thief", sizeGiB: 9 }),
    );
    expect(update).toMatchObject({ code: "other-owner", message: expect.stringContaining("urn:mine") });
    const deletion = await failure(deleteVolume(volume.id, { uid: volume.uid, owner: "urn:thief" }));
    expect(deletion.code).toBe("other-owner");
    expect(support.tree(state)).toEqual(before);
    await deleteVolume(volume.id, volume);
  });

  it("follows its owner to another name, but nobody else's", async () => {
    const volume = await createVolume(request(state, "renamed"));
    const asked = { ...request(state, "renamed"), owner: "urn:new" };
    expect((await failure(updateVolume(volume.id, { ...asked, previousOwner: "urn:other" }))).code).toBe("other-owner");
    expect(await updateVolume(volume.id, { ...asked, previousOwner: "urn:renamed" })).toMatchObject({
      owner: "urn:new",
    });
    await deleteVolume(volume.id, { uid: volume.uid, owner: "urn:new" });
  });

  it("is given to another owner by an import, or stays as it was if that asks for the impossible", async () => {
    const volume = await createVolume(request(state, "given", { sizeGiB: 2 }));
    const data = support.writeData(volume);
    const to = { owner: "urn:b", takeFrom: "urn:given" };
    expect((await failure(adoptVolume(volume.id, { ...to, sizeGiB: 1, settings: loop }))).code).toBe("shrink");
    expect((await failure(adoptVolume(volume.id, { owner: "urn:b" }))).code).toBe("other-owner");
    expect((await inspectVolume(volume.id))?.record?.owner).toBe("urn:given");
    expect(await adoptVolume(volume.id, to)).toMatchObject({ owner: "urn:b", sizeGiB: 2 });
    expect((await inspectVolume(volume.id))?.record).toMatchObject({ owner: "urn:b", phase: "ready" });
    expect(support.readData(volume)).toBe(data);
    expect((await failure(deleteVolume(volume.id, { uid: volume.uid, owner: "urn:given" }))).code).toBe("other-owner");
    expect((await failure(adoptVolume(path.join(path.dirname(volume.id), "nothing"), to))).code).toBe("not-found");
    await deleteVolume(volume.id, { uid: volume.uid });
  });

  it("stays its owner's with what it had when an import fails on the way, or is killed there", async () => {
    const volume = await createVolume(request(state, "kept"));
    const data = support.writeData(volume);
    const before = (await inspectVolume(volume.id))?.record;
    const asked = { owner: "urn:b", takeFrom: "urn:kept", sizeGiB: 1, settings: { ...loop, iopsLimit: 50 } };
    support.detach(volume);
    // Something stands in the way of its mount, which shows only when it is to be mounted.
    fs.writeFileSync(path.join(volume.mountPath, "file"), "in the way");
    expect((await failure(adoptVolume(volume.id, asked))).code).toBe("foreign-files");
    expect((await inspectVolume(volume.id))?.record).toEqual(before);
    fs.unlinkSync(path.join(volume.mountPath, "file"));

    const args = [volume.id, { ...asked, sizeGiB: 2 }];
    await support.startChild(space.root, { call: "adoptVolume", args, dieAfter: "file-system-grown" }).ended;
    expect((await inspectVolume(volume.id))?.record?.owner).toBe("urn:kept");
    await updateVolume(volume.id, request(state, "kept", { sizeGiB: 2 }));
    expect(support.readData(volume)).toBe(data);
    await deleteVolume(volume.id, { uid: volume.uid, owner: "urn:kept" });
  });

  it("is taken by its owner's next creation until a state knows it, and by none from then on", async () => {
    const asked = request(state, "acknowledged");
    const volume = await createVolume(asked);
    const data = support.writeData(volume);
    expect(await createVolume(asked)).toMatchObject({ found: true, uid: volume.uid });
    expect((await failure(acknowledgeVolume(volume.id, "3f0c2d0e-0000-4000-8000-000000000000"))).code).toBe(
      "another-volume",
    );
    await acknowledgeVolume(volume.id, volume.uid);
    await acknowledgeVolume(volume.id, volume.uid);
    for (const operation of [createVolume, preflight]) {
      expect(await failure(operation(asked))).toMatchObject({
        code: "name-taken",
        message: expect.stringContaining("a Pulumi state contains it under the same name"),
      });
    }
    // Changes, an import and a repair go on as before, and don't make it free again.
    await updateVolume(volume.id, { ...asked, settings: { ...loop, iopsLimit: 50 } });
    const imported = await adoptVolume(volume.id, { owner: asked.owner });
    await repairVolume(volume.id);
    expect((await failure(createVolume(asked))).code).toBe("name-taken");
    expect(support.readData(volume)).toBe(data);
    await deleteVolume(volume.id, imported);
    expect(await createVolume(asked)).toMatchObject({ found: false });
  });

  it("never shrinks, and never changes its mode", async () => {
    const volume = await createVolume(request(state, "fixed", { sizeGiB: 2 }));
    const data = support.writeData(volume);
    const smaller = request(state, "fixed", { sizeGiB: 1 });
    const other = request(state, "fixed", { sizeGiB: 2, settings: support.directory });
    for (const operation of [createVolume, preflight, (asked: typeof smaller) => updateVolume(volume.id, asked)]) {
      expect(await failure(operation(smaller))).toMatchObject({
        code: "shrink",
        message: expect.stringContaining("2 GiB"),
      });
      expect(await failure(operation(other))).toMatchObject({
        code: "mode-change",
        message: expect.stringContaining("local.mode to loop"),
      });
    }
    expect(support.readData(volume)).toBe(data);
    expect(support.fileSystemGiB(volume.mountPath)).toBe(2);
    await deleteVolume(volume.id, volume);
  });

  it.each(["repair", "update", "create"] as const)("comes back after a reboot by %s", async (way) => {
    const asked = request(state, "rebooted");
    const volume = await createVolume(asked);
    const data = support.writeData(volume);
    support.detach(volume);
    const down = await inspectVolume(volume.id);
    expect(down).toMatchObject({ device: null, deviceNumber: null, mounted: false });
    expect(down?.problems).toEqual([expect.stringContaining("isn't attached")]);
    await {
      repair: () => repairVolume(volume.id),
      update: () => updateVolume(volume.id, asked),
      create: () => createVolume(asked),
    }[way]();
    expect(await inspectVolume(volume.id)).toMatchObject({ mounted: true, problems: [] });
    expect(support.readData(volume)).toBe(data);
    expect(support.devicesBelow(volume.id)).toHaveLength(1);
    await deleteVolume(volume.id, volume);
  });

  it("is mounted again where only the mount is missing, on the device it has", async () => {
    const volume = await createVolume(request(state, "unmounted"));
    support.system("umount", volume.mountPath);
    expect((await inspectVolume(volume.id))?.problems).toEqual([expect.stringContaining("isn't mounted")]);
    expect(await repairVolume(volume.id)).toMatchObject({ device: volume.device });
    expect(support.devicesBelow(volume.id)).toEqual([volume.device]);
    await deleteVolume(volume.id, volume);
  });

  it("is checked and mounted anew when an error made it read-only, unless somebody uses it", async () => {
    const volume = await createVolume(request(state, "failed"));
    const data = support.writeData(volume);
    support.system("mount", "-o", "remount,ro", volume.mountPath);
    support.system("tune2fs", "-E", "force_fsck", volume.device!);
    expect((await inspectVolume(volume.id))?.problems).toEqual([expect.stringContaining("mounted read-only")]);
    const file = fs.openSync(path.join(volume.mountPath, "data.txt"), "r");
    expect((await failure(repairVolume(volume.id))).code).toBe("in-use");
    fs.closeSync(file);
    await repairVolume(volume.id);
    expect(await inspectVolume(volume.id)).toMatchObject({ mounted: true, problems: [] });
    expect(support.readData(volume)).toBe(data);
    expect(support.system("dumpe2fs", "-h", volume.device!)).toMatch(/state: +clean$/m);
    await deleteVolume(volume.id, volume);
  });

  it("with a file system that is damaged beyond doubt is left to its owner", async () => {
    const volume = await createVolume(request(state, "damaged"));
    support.detach(volume);
    const image = fs.openSync(path.join(volume.id, "data.img"), "r+");
    fs.writeSync(image, Buffer.alloc(4096 * 64, 0xa5), 0, 4096 * 64, 4096);
    fs.closeSync(image);
    const error = await failure(repairVolume(volume.id));
    expect(error).toMatchObject({
      code: "file-system-damaged",
      message: expect.stringMatching(/copy of its image.*e2fsck -f \/dev\/loop/s),
    });
    expect(await inspectVolume(volume.id)).toMatchObject({ mounted: false });
    await deleteVolume(volume.id, volume);
    expect(support.leftovers(state)).toEqual([]);
  });

  it("is mounted again while a container still has it", async () => {
    const volume = await createVolume(request(state, "held"));
    const data = support.writeData(volume);
    const container = await support.startContainer(root, "");
    support.system("umount", volume.mountPath);
    await repairVolume(volume.id);
    expect(support.readData(volume)).toBe(data);
    if (!canGrowMounted) {
      const error = await failure(updateVolume(volume.id, request(state, "held", { sizeGiB: 2 })));
      expect(error.message).toMatch(/CAP_SYS_RESOURCE.*which sees it/s);
      expect(await inspectVolume(volume.id)).toMatchObject({ sizeGiB: 1, mounted: true, problems: [] });
    }
    await container.end();
    await deleteVolume(volume.id, volume);
  });

  it("isn't mounted over files that were written in its place", async () => {
    const volume = await createVolume(request(state, "hidden"));
    support.detach(volume);
    const stray = path.join(volume.mountPath, "stray");
    fs.writeFileSync(stray, "written while unmounted");
    for (const operation of [() => repairVolume(volume.id), () => deleteVolume(volume.id, volume)]) {
      expect(await failure(operation())).toMatchObject({
        code: "foreign-files",
        message: expect.stringContaining('"stray"'),
      });
    }
    expect(fs.readFileSync(stray, "utf8")).toBe("written while unmounted");
    fs.unlinkSync(stray);
    await repairVolume(volume.id);
    await deleteVolume(volume.id, volume);
  });

  it("says that its image is gone, and how to save what is still open", async () => {
    const volume = await createVolume(request(state, "lost"));
    const data = support.writeData(volume);
    const image = path.join(volume.id, "data.img");
    support.system("cp", "--sparse=always", image, path.join(root, "restored.img"));
    fs.unlinkSync(image);
    const open = await failure(updateVolume(volume.id, request(state, "lost", { sizeGiB: 2 })));
    expect(open).toMatchObject({
      code: "data-gone",
      message: expect.stringContaining(`${volume.device}, mounted at ${volume.mountPath}`),
    });
    expect((await inspectVolume(volume.id))?.problems).toEqual(
      expect.arrayContaining([expect.stringContaining("copy it first")]),
    );
    // A second device on the same file system would destroy it.
    fs.renameSync(path.join(root, "restored.img"), image);
    expect((await failure(repairVolume(volume.id))).code).toBe("data-gone");
    expect(support.devicesBelow(volume.id)).toHaveLength(1);
    expect(support.readData(volume)).toBe(data);
    fs.unlinkSync(image);

    support.detach(volume);
    const gone = await failure(repairVolume(volume.id));
    expect(gone.message).toMatch(/data\.img is missing.*Restore the image.*or destroy the volume/s);
    await deleteVolume(volume.id, volume);
    expect(support.leftovers(state)).toEqual([]);
  });

  it("doesn't take another image for its own, nor one cut short, and takes an older backup", async () => {
    const volume = await createVolume(request(state, "swapped"));
    const other = await createVolume(request(state, "other"));
    const data = support.writeData(volume);
    for (const each of [volume, other]) support.detach(each);
    const image = path.join(volume.id, "data.img");
    fs.renameSync(image, path.join(root, "backup.img"));

    support.system("cp", "--sparse=always", path.join(other.id, "data.img"), image);
    expect(await failure(repairVolume(volume.id))).toMatchObject({
      code: "data-foreign",
      message: expect.stringContaining(other.uid),
    });
    support.system("cp", "--sparse=always", path.join(root, "backup.img"), image);
    fs.truncateSync(image, 1024 ** 2);
    expect(await failure(repairVolume(volume.id))).toMatchObject({
      code: "data-foreign",
      message: expect.stringContaining("is truncated"),
    });
    expect(support.devicesBelow(volume.id)).toEqual([]);

    fs.renameSync(path.join(root, "backup.img"), image);
    const record = JSON.parse(fs.readFileSync(path.join(volume.id, "volume.json"), "utf8")) as object;
    fs.writeFileSync(path.join(volume.id, "volume.json"), JSON.stringify({ ...record, sizeGiB: 2 }));
    await repairVolume(volume.id);
    expect((await inspectVolume(volume.id))?.problems).toEqual([
      expect.stringContaining("image size is 1 GiB, but 2 GiB in the record"),
    ]);
    await updateVolume(volume.id, request(state, "swapped", { sizeGiB: 2 }));
    expect(support.fileSystemGiB(volume.mountPath)).toBe(2);
    expect(support.readData(volume)).toBe(data);
    for (const each of [volume, other]) await deleteVolume(each.id, each);
  });

  it("whose image somebody made larger says so, and takes it up when asked for that size", async () => {
    const volume = await createVolume(request(state, "stretched"));
    const data = support.writeData(volume);
    fs.truncateSync(path.join(volume.id, "data.img"), 2 * 1024 ** 3);
    expect((await inspectVolume(volume.id))?.problems).toEqual([expect.stringContaining("Set sizeGiB to 2.")]);
    await updateVolume(volume.id, request(state, "stretched"));
    expect(support.fileSystemGiB(volume.mountPath)).toBe(1);
    await updateVolume(volume.id, request(state, "stretched", { sizeGiB: 2 }));
    expect(support.fileSystemGiB(volume.mountPath)).toBe(2);
    expect((await inspectVolume(volume.id))?.problems).toEqual([]);
    expect(support.readData(volume)).toBe(data);
    await deleteVolume(volume.id, volume);
  });

  it("whose growth was interrupted just before its end is grown all the same", async () => {
    const volume = await createVolume(request(state, "undone"));
    const data = support.writeData(volume);
    support.detach(volume);
    const file = (name: string) => path.join(volume.id, name);
    const record = JSON.parse(fs.readFileSync(file("volume.json"), "utf8")) as object;
    fs.writeFileSync(file("volume.json"), JSON.stringify({ ...record, sizeGiB: 2, phase: "growing" }));
    fs.truncateSync(file("data.img"), 2 * 1024 ** 3);
    const device = support.system("losetup", "--find", "--show", file("data.img")).trim();
    // It ends with 1: it made lost+found anew.
    support.system("sh", "-c", 'e2fsck -f -p "$1" || test $? = 1', "sh", device);
    support.system("resize2fs", "-z", file("resize.undo"), device);
    await repairVolume(volume.id);
    expect(support.fileSystemGiB(volume.mountPath)).toBe(2);
    expect(support.readData(volume)).toBe(data);
    expect(fs.existsSync(file("resize.undo"))).toBe(false);
    await deleteVolume(volume.id, volume);
  });

  it("reached by another path isn't attached a second time, nor deleted from there", async () => {
    const volume = await createVolume(request(state, "aliased"));
    const data = support.writeData(volume);
    const alias = fs.mkdtempSync(path.join(root, "alias-"));
    support.system("mount", "--bind", state, alias);
    const id = volume.id.replace(state, alias);
    expect(await repairVolume(id)).toMatchObject({ uid: volume.uid, device: volume.device });
    expect(support.readData({ mountPath: path.join(id, "mount") })).toBe(data);
    expect(
      support
        .system(
          "losetup",
          "--noheadings",
          "--list",
          "--output",
          "NAME",
          "--associated",
          path.join(volume.id, "data.img"),
        )
        .trim(),
    ).toBe(volume.device);
    expect(await failure(deleteVolume(id, volume))).toMatchObject({
      code: "in-use",
      message: expect.stringContaining(`a mount at ${volume.mountPath}`),
    });
    expect(support.readData(volume)).toBe(data);
    support.system("umount", path.join(id, "mount"));
    support.system("umount", alias);
    await deleteVolume(volume.id, volume);
    expect(support.leftovers(state)).toEqual([]);
  });

  it("isn't attached a second time where somebody attached it otherwise", async () => {
    const volume = await createVolume(request(state, "partial"));
    support.detach(volume);
    support.system("losetup", "--find", "--read-only", path.join(volume.id, "data.img"));
    expect((await failure(repairVolume(volume.id))).code).toBe("attached-otherwise");
    support.system("losetup", "--detach", support.devicesBelow(volume.id)[0]!);
    await repairVolume(volume.id);
    await deleteVolume(volume.id, volume);
  });

  it("isn't deleted or changed in place of another that was there before", async () => {
    const first = await createVolume(request(state, "reborn"));
    await deleteVolume(first.id, first);
    const second = await createVolume(request(state, "reborn"));
    const data = support.writeData(second);
    const update = { ...request(state, "reborn", { sizeGiB: 2 }), uid: first.uid };
    for (const operation of [() => deleteVolume(first.id, first), () => updateVolume(first.id, update)]) {
      expect(await failure(operation())).toMatchObject({
        code: "another-volume",
        message: expect.stringContaining(second.uid),
      });
    }
    expect(support.readData(second)).toBe(data);
    await deleteVolume(second.id, second);
  });

  it("isn't deleted while a process uses it, and says which", async () => {
    const volume = await createVolume(request(state, "busy"));
    const data = support.writeData(volume);
    const user = support.startCommand("sleep", ["100"], { cwd: volume.mountPath });
    const error = await failure(deleteVolume(volume.id, volume));
    expect(error).toMatchObject({
      code: "in-use",
      message: expect.stringContaining(`process ${user.process.pid} (sleep), which works in`),
    });
    expect(await inspectVolume(volume.id)).toMatchObject({ mounted: true, problems: [] });
    expect(support.readData(volume)).toBe(data);
    await user.end();
    await deleteVolume(volume.id, volume);
  });

  it.each([
    ["at the same place", ""],
    ["by a bind mount", 'mount --bind "$1" "$2" && '],
  ])("isn't deleted while a container sees it %s", async (_how, bind) => {
    const volume = await createVolume(request(state, "contained"));
    const data = support.writeData(volume);
    const elsewhere = fs.mkdtempSync(path.join(root, "container-"));
    const container = await support.startContainer(root, bind, volume.mountPath, elsewhere);
    const error = await failure(deleteVolume(volume.id, volume));
    expect(error).toMatchObject({
      code: "in-use",
      message: expect.stringContaining(`process ${container.process.pid} (sleep), which sees it`),
    });
    expect(await inspectVolume(volume.id)).toMatchObject({ mounted: true, problems: [] });
    expect(support.readData(volume)).toBe(data);
    await container.end();
    await deleteVolume(volume.id, volume);
  });

  /** Deletes a volume that something has in a mount namespace of its own, which ends once it was looked for users several times. */
  const deletedMeanwhile = async (volume: CreatedVolume, other: { end(): Promise<void> }, now: () => number) => {
    const clock = jest.spyOn(monotonic, "now").mockImplementation(now);
    const look = jest.spyOn(fs.promises, "readdir");
    try {
      let isDeleted = false;
      const deleted = deleteVolume(volume.id, volume).then(() => (isDeleted = true));
      await until("it is looked for users again", () => look.mock.calls.filter(([at]) => at === "/proc").length > 2);
      expect([isDeleted, fs.existsSync(path.join(volume.mountPath, "../data.img"))]).toEqual([false, true]);
      await other.end();
      await deleted;
    } finally {
      clock.mockRestore();
      look.mockRestore();
    }
    expect(support.leftovers(state)).toEqual([]);
  };

  it.each([
    ["at the same place", ""],
    ["elsewhere", 'mount --bind "$1" "$2" && '],
  ])("is deleted though something sees it for a moment %s", async (_how, bind) => {
    const volume = await createVolume(request(state, "passing"));
    support.writeData(volume);
    const elsewhere = fs.mkdtempSync(path.join(root, "container-"));
    const container = await support.startContainer(root, bind, volume.mountPath, elsewhere);
    // The clock stands still, so that it is the other's end that the deletion goes on after, and not a time limit.
    const standing = monotonic.now();
    await deletedMeanwhile(volume, container, () => standing);
  });

  it("is deleted after a container has started, however long that takes: until then that has all mounts of the machine", async () => {
    const volume = await createVolume(request(state, "starting"));
    support.writeData(volume);
    const container = await support.startContainer(root, "printf 'runc:[2:INIT]' > /proc/$$/comm; echo; read never;");
    // Longer than anything else is waited for, and then no longer.
    const [begun, looks] = [monotonic.now(), { count: 0 }];
    await deletedMeanwhile(volume, container, () => begun + 1_500 * Math.min(looks.count++, 10));
  });

  it("isn't deleted while something else is mounted in it", async () => {
    const volume = await createVolume(request(state, "nested"));
    const inner = path.join(volume.mountPath, "inner");
    fs.mkdirSync(inner);
    support.system("mount", "-t", "tmpfs", "none", inner);
    fs.writeFileSync(path.join(inner, "precious"), "not ours");
    expect(await failure(deleteVolume(volume.id, volume))).toMatchObject({
      code: "foreign-mount",
      message: expect.stringContaining(inner),
    });
    expect(fs.existsSync(path.join(inner, "precious"))).toBe(true);
    support.system("umount", inner);
    await deleteVolume(volume.id, volume);
  });

  it("leaves alone what is mounted in its place", async () => {
    const volume = await createVolume(request(state, "covered"));
    support.detach(volume);
    support.system("mount", "-t", "tmpfs", "none", volume.mountPath);
    for (const operation of [() => repairVolume(volume.id), () => deleteVolume(volume.id, volume)]) {
      expect((await failure(operation())).code).toBe("foreign-mount");
    }
    expect((await inspectVolume(volume.id))?.problems).toEqual(
      expect.arrayContaining([expect.stringContaining("tmpfs")]),
    );
    support.system("umount", volume.mountPath);
    await deleteVolume(volume.id, volume);
  });

  const growWhileUsed = async (check: (growth: Promise<unknown>, volume: LocalVolume) => Promise<void>) => {
    const volume = await createVolume(request(state, "used"));
    const data = support.writeData(volume);
    const file = fs.openSync(path.join(volume.mountPath, "data.txt"), "r");
    try {
      await check(updateVolume(volume.id, request(state, "used", { sizeGiB: 2 })), volume);
    } finally {
      fs.closeSync(file);
    }
    await updateVolume(volume.id, request(state, "used", { sizeGiB: 2 }));
    expect(support.fileSystemGiB(volume.mountPath)).toBe(2);
    expect(support.readData(volume)).toBe(data);
    await deleteVolume(volume.id, volume);
  };
  // A process has the capability or lacks it: each machine shows one of the two.
  if (canGrowMounted)
    test("grows while it is in use", () =>
      growWhileUsed(async (growth) => {
        await growth;
      }));
  else
    test("grows only while nobody uses it, without CAP_SYS_RESOURCE", () =>
      growWhileUsed(async (growth, volume) => {
        expect(await failure(growth)).toMatchObject({
          code: "in-use",
          message: expect.stringMatching(/CAP_SYS_RESOURCE.*process \d+/s),
        });
        expect(await inspectVolume(volume.id)).toMatchObject({ sizeGiB: 1, mounted: true, problems: [] });
      }));

  it("is created and deleted with fifteen others at once", async () => {
    const names = Array.from({ length: 16 }, (_, index) => `parallel-${index}`);
    const volumes = await Promise.all(names.map((name) => createVolume(request(state, name))));
    expect(new Set(volumes.map((volume) => volume.device)).size).toBe(16);
    const states = await listVolumes(state);
    expect(states.map(({ mounted, problems }) => ({ mounted, problems }))).toEqual(
      Array(16).fill({ mounted: true, problems: [] }),
    );
    await Promise.all(volumes.map((volume) => deleteVolume(volume.id, volume)));
    expect(support.leftovers(state)).toEqual([]);
  });

  it("is created with fifteen others by eight processes at once, once where two ask for the same", async () => {
    const names = Array.from({ length: 16 }, (_, index) => `crowd-${Math.floor(index / 2)}`);
    const children = names.map((name) =>
      support.startChild(root, { call: "createVolume", args: [request(state, name)] }),
    );
    const results = (await Promise.all(children.map((child) => child.ended))).map(
      (lines) => lines.at(-1)?.result as { found: boolean; id: string; uid: string },
    );
    expect(results.filter((result) => !result.found)).toHaveLength(8);
    expect(support.devicesBelow(state)).toHaveLength(8);
    await Promise.all(results.map((result) => deleteVolume(result.id, result)));
    expect(support.leftovers(state)).toEqual([]);
  });

  it("is repaired with all others, past one that can't be", async () => {
    const [good, bad] = await Promise.all(["good", "bad"].map((name) => createVolume(request(state, name))));
    for (const volume of [good!, bad!]) support.detach(volume);
    fs.unlinkSync(path.join(bad!.id, "data.img"));
    const outcomes = await repairAll(state);
    expect(outcomes).toEqual([
      { id: bad!.id, error: expect.objectContaining({ code: "data-gone" }) },
      { id: good!.id, volume: expect.objectContaining({ uid: good!.uid }) },
    ]);
    for (const volume of [good!, bad!]) await deleteVolume(volume.id, volume);
  });

  it("works in a state directory with spaces, seen through a symbolic link", async () => {
    const real = path.join(root, "real place");
    const link = path.join(root, "link to it");
    fs.mkdirSync(real);
    fs.symlinkSync(real, link);
    const volume = await createVolume(request(path.join(link, "ümlaut state"), "spaced"));
    expect(await inspectVolume(volume.id)).toMatchObject({ mounted: true, problems: [] });
    await updateVolume(volume.id, request(link, "spaced", { sizeGiB: 2 }));
    support.detach(volume);
    await repairVolume(volume.id);
    await deleteVolume(volume.id, volume);
    expect(support.leftovers(path.join(link, "ümlaut state"))).toEqual([]);
  });
});

describeIf(canLoop, "on a disk that fills up", whyNoLoop, () => {
  const { root } = support.workspace();
  const strict = { settings: { ...loop, overcommit: false } };
  let count = 0;

  /** A state directory on a disk of its own. */
  function smallDisk(size: string): string {
    const disk = path.join(root, `disk-${count++}`);
    fs.mkdirSync(disk);
    support.system("mount", "-t", "tmpfs", "-o", `size=${size}`, "none", disk);
    return path.join(disk, "state");
  }

  it("a volume is refused that the disk can't hold, with the numbers", async () => {
    const state = smallDisk("3G");
    const first = await createVolume(request(state, "first", strict));
    for (const operation of [createVolume, preflight]) {
      const error = await failure(operation(request(state, "second", { ...strict, sizeGiB: 2 })));
      expect(error.code).toBe("disk-full");
      expect(error.message).toMatch(/needs 2 GiB more .* has 3 GiB free, of which 1023 MiB are promised to 1 volume/);
      expect(error.message).toMatch(/At most 1.9 GiB are available.*overcommit: true/);
    }
    const second = await createVolume(request(state, "second", strict));
    // It is refused for its space, and not for being in use: nothing is unmounted for it.
    const file = fs.openSync(first.mountPath, "r");
    const growth = await failure(updateVolume(first.id, request(state, "first", { ...strict, sizeGiB: 3 })));
    fs.closeSync(file);
    expect(growth.message).toMatch(/needs 2 GiB more/);
    expect(await inspectVolume(first.id)).toMatchObject({ sizeGiB: 1, problems: [] });
    const third = await createVolume(request(state, "third", { sizeGiB: 9 }));
    for (const volume of [first, second, third]) await deleteVolume(volume.id, volume);
    expect(support.leftovers(state)).toEqual([]);
  });

  it("two volumes created at once aren't promised the same space", async () => {
    const state = smallDisk("5G");
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, (_, index) => createVolume(request(state, `twin-${index}`, { ...strict, sizeGiB: 2 }))),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    for (const { id, record } of await listVolumes(state)) await deleteVolume(id, record!);
  });

  it("a creation that fills it says so and leaves nothing behind", async () => {
    const state = smallDisk("24M");
    const error = await failure(createVolume(request(state, "huge", { sizeGiB: 4000 })));
    expect(error).toMatchObject({ code: "disk-full", message: expect.stringContaining("The disk became full") });
    expect(support.leftovers(state)).toEqual([]);
  });

  it("a volume can still be repaired and deleted", async () => {
    const state = smallDisk("40M");
    const volume = await createVolume(request(state, "full"));
    fs.writeFileSync(path.join(volume.mountPath, "little"), "data", { flush: true });
    expect(() => fs.writeFileSync(path.join(path.dirname(state), "filler"), Buffer.alloc(64 * 1024 ** 2))).toThrow(
      "ENOSPC",
    );
    support.detach(volume);
    await repairVolume(volume.id);
    expect(fs.readFileSync(path.join(volume.mountPath, "little"), "utf8")).toBe("data");
    const error = await failure(createVolume(request(state, "more")));
    expect(error).toMatchObject({
      code: "disk-full",
      message: expect.stringContaining("at least 16 MiB must stay free"),
    });
    await deleteVolume(volume.id, volume);
    expect(support.leftovers(state)).toEqual([]);
  });
});
