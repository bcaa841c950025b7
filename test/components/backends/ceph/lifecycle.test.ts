// The life of a volume on a Ceph cluster, one step after the other: what is done, what is taken up, what is refused. On a cluster in memory;
// test/e2e/ceph.test.ts has the same on a real one.

import type { Pool } from "../../../../components/backends/ceph/cluster";
import { CephError } from "../../../../components/backends/ceph/errors";
import {
  createVolume,
  imageToImport,
  importProblems,
  importVolume,
  nameProblems,
  readVolume,
  removeVolume,
  updateVolume,
  volumeProblems,
  type FoundVolume,
  type WantedVolume,
} from "../../../../components/backends/ceph/lifecycle";
import { makeCatalog, resolve, type ProfileDefinition } from "../../../../src";
import type { CephSettings } from "../../../../src/backends/ceph";
import { Killed, killedAfter } from "../../../support/ceph-steps";
import { memoryCluster, type MemoryCluster } from "./memory";

type Section = NonNullable<ProfileDefinition["ceph"]>;

let cluster: MemoryCluster;
beforeEach(() => (cluster = memoryCluster()));

const on = (pool: string, section: Section = {}): CephSettings => {
  const catalog = makeCatalog({ profiles: { p: { ceph: { pool, ...section } } } });
  const { volume, problems } = resolve(catalog, { name: "v@p", sizeGiB: 1, backend: "ceph" });
  if (!volume) throw new Error(JSON.stringify(problems));
  return volume.settings as CephSettings;
};
const wanted = (settings = on("fast"), sizeGiB = 1): WantedVolume => ({ name: "v", mark: "ours", sizeGiB, settings });
const made = async (settings?: CephSettings): Promise<FoundVolume> => {
  const { found: _, ...volume } = await createVolume(cluster, wanted(settings), true);
  return volume;
};
const names = () => [...cluster.images.keys()];
const changes = async (act: (watched: MemoryCluster) => Promise<unknown>) => {
  const watched = killedAfter(cluster, Infinity);
  await act(watched);
  return watched.changes;
};

const rich = on("fast", {
  iops: { max: 1000, burst: 2000 },
  bandwidth: { read: 8 },
  snapshotLimit: 3,
  metadata: { a: "1" },
});

test("a volume has every setting, an unchanged one is left alone, and what a profile leaves out is taken away", async () => {
  const volume = await made(rich);
  expect(volume).toMatchObject({ ...wanted(rich), imageId: "id1", fsid: "the-cluster" });
  expect(await readVolume(cluster, volume)).toEqual(volume);
  expect(await changes((watched) => updateVolume(watched, volume, volume))).toEqual([]);
  cluster.images.get("fast/v")!.metadata["theirs"] = "1";
  const plain = await updateVolume(cluster, { sizeGiB: 2, settings: on("fast") }, volume);
  expect(plain).toEqual({ ...volume, sizeGiB: 2, settings: on("fast") });
  expect(cluster.images.get("fast/v")?.metadata).toEqual({ theirs: "1" });
});

const mirrored = on("fast", { iops: { max: 9 }, mirror: { every: "2h", start: "04:30" } });

test.each([
  ["made", rich, undefined],
  ["made and mirrored", mirrored, undefined],
  ["moved", rich, on("slow", { iops: { max: 5 }, snapshotLimit: 9 })],
  ["moved and mirrored there", mirrored, on("slow", { mirror: { every: "1d" } })],
  ["mirrored in another way", mirrored, on("fast", { mirror: { mode: "journal" }, snapshotLimit: 9 })],
  ["no longer mirrored", mirrored, on("fast", { snapshotLimit: 9 })],
])(
  "a volume that is %s by a run that is killed after any step is finished by the next",
  async (_what, first, moved) => {
    let steps = 0;
    for (let last = 1; ; last++) {
      cluster = memoryCluster();
      const before = moved && (await made(first));
      if (before) cluster.images.get("fast/v")!.data = "precious";
      const act = (on: MemoryCluster) =>
        before ? updateVolume(on, { sizeGiB: 2, settings: moved }, before) : createVolume(on, wanted(first), true);
      const outcome = await act(killedAfter(cluster, last)).catch((error: unknown) => error);
      // Whatever is refreshed in between: the volume is never gone.
      if (before) expect(await readVolume(cluster, before)).toMatchObject({ name: "v" });
      expect((await act(cluster)).settings).toEqual(moved ?? first);
      expect(names()).toEqual([`${(moved ?? first).pool}/v`]);
      expect([...cluster.images.values()]).toMatchObject([
        { mark: "ours", moveState: undefined, data: moved ? "precious" : "" },
      ]);
      if (!(outcome instanceof Killed)) break;
      steps++;
    }
    expect(steps).toBeGreaterThan(3);
  },
);

test.each([
  ["disabled" as const, true, /mirroring isn't enabled for it; /, /`rbd mirror pool enable fast image`/],
  ["pool" as const, true, /all images that have a journal/, /`rbd mirror pool enable fast image`/],
  ["image" as const, false, /no other cluster is a peer/, /`rbd mirror pool peer bootstrap create fast`/],
])(
  "a pool of mode %s (with a peer: %s) that can't mirror is refused before anything is made",
  async (mode, hasPeer, why, fix) => {
    const volume = await made();
    cluster.mirroring = { mode, hasPeer };
    for (const from of [undefined, volume])
      expect(await volumeProblems(cluster, { sizeGiB: 1, settings: mirrored }, from)).toEqual([
        expect.objectContaining({
          code: "place-cannot",
          path: "settings.mirrorMode",
          message: expect.stringMatching(why.source.replace("; ", "")) as string,
          fix: expect.stringMatching(fix) as string,
        }),
      ]);
    await removeVolume(cluster, volume);
    await expect(createVolume(cluster, wanted(mirrored), true)).rejects.toMatchObject({ code: "not-possible" });
    expect(names()).toEqual([]);
  },
);

test("an image that others mirror stays mirrored until the profile says otherwise, and isn't moved before", async () => {
  const volume = await made();
  await cluster.setMirroring("fast", "v", "snapshot");
  const limited = on("fast", { iops: { max: 7 } });
  const after = await updateVolume(cluster, { sizeGiB: 1, settings: limited }, volume);
  expect(after.settings).toEqual({ ...limited, mirrorMode: "snapshot" });
  expect(await volumeProblems(cluster, { name: "v", sizeGiB: 1, settings: on("slow") }, volume)).toMatchObject([
    { code: "place-cannot", message: expect.stringContaining("fast/v is mirrored, though not by this stack") },
  ]);
  // A refresh puts it into the state: then it is a change that the preview shows.
  await updateVolume(cluster, { sizeGiB: 1, settings: limited }, { ...volume, settings: after.settings });
  expect(cluster.images.get("fast/v")?.mirroring).toBeNull();
});

test("the copy of another cluster's image is read, and never written to", async () => {
  const volume = await made(mirrored);
  cluster.images.get("fast/v")!.mirroring!.isPrimary = false;
  expect((await readVolume(cluster, volume))?.settings).toEqual(mirrored);
  const grow = (watched: MemoryCluster) =>
    expect(updateVolume(watched, { sizeGiB: 2, settings: mirrored }, volume)).rejects.toThrow(
      "`rbd mirror image promote fast/v`",
    );
  expect(await changes(grow)).toEqual([]);
});

test("a move that was interrupted is finished also where the profile has gone back since", async () => {
  const volume = await made(rich);
  cluster.images.get("fast/v")!.data = "precious";
  await updateVolume(killedAfter(cluster, 2), { sizeGiB: 1, settings: { ...rich, pool: "slow" } }, volume).catch(
    () => undefined,
  );
  expect(names()).toEqual(["slow/v"]);
  expect((await readVolume(cluster, volume))?.settings.pool).toBe("slow");
  expect(await updateVolume(cluster, volume, volume)).toMatchObject({ settings: rich });
  expect([...cluster.images.values()]).toMatchObject([{ pool: "fast", data: "precious", snapshotLimit: 3 }]);
});

test("what was not prepared completely is taken back and begun anew, and a move in an unknown state is left alone", async () => {
  const volume = await made();
  const image = cluster.images.get("fast/v")!;
  image.moveState = "preparing";
  const settings = on("slow");
  const move = (watched: MemoryCluster) => updateVolume(watched, { sizeGiB: 1, settings }, volume);
  expect(await changes(move)).toEqual(["abortMove", "setMetadata", "prepareMove", "executeMove", "commitMove"]);
  cluster.images.get("slow/v")!.moveState = "aborting";
  await expect(updateVolume(cluster, volume, { ...volume, settings })).rejects.toThrow('in state "aborting"');
});

test("a full pool, by its quota or its devices, is reported once, before anything is written to it", async () => {
  const volume = await made();
  const [fast, slow] = cluster.all as [Pool, Pool];
  const told = async (settings: CephSettings, from?: FoundVolume) =>
    (await volumeProblems(cluster, { name: "v", sizeGiB: 2, settings }, from)).map(({ message }) => message);
  slow.full = "devices";
  expect(await told(on("slow"), volume)).toEqual([
    expect.stringMatching(/pool "slow": it is full \(its devices are\)/),
  ]);
  slow.full = undefined;
  // What a move leaves goes to the trash of the first pool. An exhausted quota is reported once.
  Object.assign(fast, { full: "quota", quotaBytes: 1, storedBytes: 1 });
  const full = [expect.stringMatching(/pool "fast": it is full \(its quota is used up\)/)];
  expect(await told(on("slow"), volume)).toEqual(full);
  expect(await told(on("fast"))).toEqual(full);
  // What is only asked of the pool isn't written to it.
  const same = { name: "v", sizeGiB: 1, settings: on("fast", { copies: 3, deviceClass: "ssd" }) };
  expect(await volumeProblems(cluster, same, volume)).toEqual([]);
  expect((await importProblems(cluster, "fast/v", { ...same, mark: "ours" })).problems).toHaveLength(1);
  await expect(made()).rejects.toThrow("it is full");
});

test("a volume that is open isn't moved or removed, and limits change all the same", async () => {
  const volume = await made();
  cluster.images.get("fast/v")!.clients = ["client.1 at 10.0.0.1"];
  const settings = on("slow");
  expect(await volumeProblems(cluster, { name: "v", sizeGiB: 1, settings }, volume)).toMatchObject([
    { code: "place-cannot", message: expect.stringContaining("fast/v is open by client.1 at 10.0.0.1") },
  ]);
  expect(
    await changes((watched) => expect(updateVolume(watched, { sizeGiB: 1, settings }, volume)).rejects.toThrow("open")),
  ).toEqual([]);
  await expect(removeVolume(cluster, volume)).rejects.toMatchObject({ code: "in-use" });
  const limited = on("fast", { iops: { max: 7 } });
  expect((await updateVolume(cluster, { sizeGiB: 1, settings: limited }, volume)).settings).toEqual(limited);
});

test.each<[string, Partial<MemoryCluster["all"][number]>, Section, RegExp[]]>([
  ["another number of copies", { copies: 2 }, { copies: 3 }, [/keeps 2 copies, not 3/]],
  ["other devices", { deviceClass: null }, { deviceClass: "ssd" }, [/takes any device, not on ssd/]],
  ["erasure coding", { isReplicated: false }, {}, [/erasure-coded/]],
  ["no images", { isForImages: false }, {}, [/isn't initialized/]],
  ["too few OSDs", { places: 2 }, {}, [/3 copies need as many osds, and 2 osds can be used/]],
  [
    "a full quota",
    { quotaBytes: 3 * 1024 ** 3, storedBytes: 2.5 * 1024 ** 3 },
    {},
    [/has 0 GiB free; the volume needs 1 GiB/],
  ],
])("a pool with %s is refused before anything is made", async (_what, over, section, messages) => {
  Object.assign(cluster.all[0]!, over);
  const problems = await volumeProblems(cluster, { sizeGiB: 1, settings: on("fast", section) });
  expect(problems.map(({ message }) => message)).toEqual(messages.map((each) => expect.stringMatching(each)));
  await expect(createVolume(cluster, wanted(on("fast", section)), true)).rejects.toMatchObject({
    code: "not-possible",
  });
  expect(names()).toEqual([]);
});

test("a quota counts what is added, and an existing volume isn't refused for what its pool lacks meanwhile", async () => {
  const volume = await made();
  Object.assign(cluster.all[0]!, { quotaBytes: 3 * 1024 ** 3, storedBytes: 1024 ** 3, places: 1 });
  expect(await volumeProblems(cluster, { sizeGiB: 3, settings: on("fast") }, volume)).toEqual([]);
  expect(await volumeProblems(cluster, { sizeGiB: 4, settings: on("fast") }, volume)).toMatchObject([
    { code: "place-full" },
  ]);
});

describe("an image that has the name already", () => {
  const theirs = (mark: string | undefined) => ({ ...wanted(), mark: mark ?? "theirs" });
  test("is taken up under a chosen name only where it has the mark", async () => {
    await createVolume(cluster, theirs("ours"), false);
    expect(await createVolume(cluster, wanted(rich), false)).toMatchObject({ found: true, settings: rich });
    cluster.images.get("fast/v")!.mark = undefined;
    await expect(createVolume(cluster, wanted(), false)).rejects.toMatchObject({ code: "name-taken" });
    expect(await createVolume(cluster, wanted(), true)).toMatchObject({ found: true, mark: "ours" });
  });

  test("is another's with another mark, whatever is asked for", async () => {
    const volume = await made();
    await expect(createVolume(cluster, theirs(undefined), true)).rejects.toThrow('import: "fast/v"');
    expect(await nameProblems(cluster, { ...wanted(), mark: "theirs" })).toMatchObject([
      { code: "physical-name-taken" },
    ]);
    expect(await nameProblems(cluster, wanted())).toEqual([]);
    const known = { ...volume, mark: "theirs" };
    expect(await readVolume(cluster, known)).toBeUndefined();
    await expect(updateVolume(cluster, volume, known)).rejects.toMatchObject({ code: "other-volume" });
    await expect(removeVolume(cluster, known)).rejects.toMatchObject({ code: "other-volume" });
    expect(names()).toEqual(["fast/v"]);
  });

  test("and was created only halfway is begun anew under a name of our own, and left alone under another", async () => {
    cluster.half.add("fast/v");
    await expect(createVolume(cluster, wanted(), false)).rejects.toThrow("rbd rm fast/v");
    expect(cluster.half.size).toBe(1);
    expect(await createVolume(cluster, wanted(rich), true)).toMatchObject({ found: false, settings: rich });
  });

  test("and comes in between is left alone", async () => {
    const before = { ...cluster };
    cluster.create = async (...args) => {
      await before.create(...args);
      throw new CephError("exists", "File exists");
    };
    await expect(createVolume(cluster, wanted(), false)).rejects.toMatchObject({ code: "name-taken" });
    expect(cluster.images.get("fast/v")?.mark).toBeUndefined();
  });
});

test("a copy that somebody keeps in another pool isn't the volume: it is never moved, changed or removed", async () => {
  const copyTo = (pool: string) => {
    const [image] = [...cluster.images.values()];
    cluster.images.set(`${pool}/v`, { ...structuredClone(image!), pool, imageId: "copy", data: "backup" });
  };
  const backup = () => cluster.images.get("slow/v");
  const volume = await made(rich);
  copyTo("slow");
  // The volume itself is lost by hand.
  cluster.images.delete("fast/v");
  const ambiguous = { code: "other-volume", message: expect.stringContaining("pool slow has an image of its name") };
  await expect(readVolume(cluster, volume)).rejects.toMatchObject(ambiguous);
  await expect(updateVolume(cluster, { sizeGiB: 2, settings: rich }, volume)).rejects.toMatchObject(ambiguous);
  await removeVolume(cluster, volume);
  const anew = await made(rich);
  expect([names(), backup()]).toMatchObject([["slow/v", "fast/v"], { data: "backup", sizeGiB: 1 }]);
  await removeVolume(cluster, anew);
  expect(backup()).toMatchObject({ data: "backup" });
  // Of a volume that was moved, a copy in the former pool.
  cluster.images.clear();
  const moved = await updateVolume(cluster, { sizeGiB: 1, settings: { ...rich, pool: "slow" } }, await made(rich));
  copyTo("fast");
  cluster.images.delete("slow/v");
  await expect(readVolume(cluster, moved)).rejects.toMatchObject({ code: "other-volume" });
});

test("an image that somebody moved to another pool isn't gone: it is the volume again when it is marked so, as the error says", async () => {
  const volume = await made(rich);
  const image = cluster.images.get("fast/v")!;
  cluster.images.clear();
  cluster.images.set("slow/v", { ...image, pool: "slow", imageId: "another" });
  const text = await readVolume(cluster, volume).then(
    () => "",
    (error: unknown) => (error as Error).message,
  );
  const [, key = "", value = ""] = /image-meta set slow\/v (\S+) '([^']*)'/.exec(text) ?? [];
  await cluster.setMetadata("slow", "v", key, value);
  expect(await readVolume(cluster, volume)).toMatchObject({ mark: "ours", settings: { pool: "slow" } });
});

test("an image whose pool was renamed is found under the new name, and is marked so by the next change", async () => {
  const volume = await made(rich);
  const image = cluster.images.get("fast/v")!;
  cluster.images.clear();
  cluster.images.set("quick/v", { ...image, pool: "quick" });
  const read = cluster.image.bind(cluster);
  cluster.all = cluster.all.map((each) => (each.name === "fast" ? { ...each, name: "quick" } : each));
  cluster.image = (pool, name) =>
    pool === "fast" ? Promise.reject(new CephError("refused", "error opening pool")) : read(pool, name);
  const found = await readVolume(cluster, volume);
  expect(found).toMatchObject({ mark: "ours", settings: { ...rich, pool: "quick" } });
  await updateVolume(cluster, { sizeGiB: 2, settings: { ...rich, pool: "quick" } }, found!);
  expect([...cluster.images.values()]).toMatchObject([{ pool: "quick", markedPool: "quick", sizeGiB: 2 }]);
  // The pool is gone, and nothing has its images: what can't be asked about is not taken for gone.
  cluster.images.clear();
  await expect(readVolume(cluster, volume)).rejects.toThrow("error opening pool");
});

test("an image is taken over with its data, a marked one only from its owner, and never made smaller", async () => {
  await cluster.create("slow", "disk", { sizeGiB: 2, headerBytes: 0 }, null);
  const take = (takeFrom?: string, sizeGiB = 3) =>
    importVolume(cluster, "slow/disk", { mark: "ours", sizeGiB, settings: rich, takeFrom });
  await expect(take(undefined, 1)).rejects.toThrow("can't shrink");
  cluster.images.get("slow/disk")!.mark = "theirs";
  await expect(take()).rejects.toThrow('takeFrom: "theirs"');
  cluster.images.get("slow/disk")!.data = "precious";
  expect(await take("theirs")).toMatchObject({ name: "disk", mark: "ours", sizeGiB: 3, settings: rich });
  expect([...cluster.images.values()]).toMatchObject([{ pool: "fast", mark: "ours", data: "precious" }]);
  const problemsOf = async (id: string) => (await imageToImport(cluster, id, { settings: on("fast") })).problems;
  for (const id of ["nowhere/disk", "fast/none", "a/b/c", "none"])
    expect(await problemsOf(id)).toMatchObject([{ code: "import-not-possible" }]);
});

describe("encrypted", () => {
  const encrypted = on("fast", { encryption: true, iops: { max: 100 } });
  const image = () => cluster.images.get("fast/v")!;

  test("a volume has its whole size beside the header, grows, moves, and is never encrypted again", async () => {
    cluster.header *= 2;
    const volume = await made(encrypted);
    expect(volume).toMatchObject({ sizeGiB: 1, settings: encrypted });
    const grown = await updateVolume(cluster, { sizeGiB: 3, settings: encrypted }, volume);
    expect([grown.sizeGiB, image().sizeGiB, image().formats]).toEqual([3, 3 + 32 / 1024, 1]);
    image().data = "precious";
    const settings = { ...encrypted, pool: "slow" };
    const moved = await updateVolume(cluster, { sizeGiB: 3, settings }, grown);
    expect(await readVolume(cluster, moved)).toMatchObject({ sizeGiB: 3, settings });
    // The state was lost: the volume is taken up with its data.
    expect(await createVolume(cluster, { ...wanted(settings), sizeGiB: 3 }, true)).toMatchObject({ found: true });
    expect([...cluster.images.values()]).toMatchObject([{ data: "precious", formats: 1 }]);
  });

  test("a run that is killed after any step is finished by the next, whichever passphrase is missing meanwhile", async () => {
    for (let last = 1; ; last++) {
      cluster = memoryCluster();
      const outcome = await createVolume(killedAfter(cluster, last), wanted(encrypted), true).catch((e: unknown) => e);
      if (!(outcome instanceof Killed)) break;
      const begun = image().encryption !== "luks2" && image().formats > 0;
      expect(await createVolume(cluster, wanted(encrypted), true)).toMatchObject({ sizeGiB: 1, settings: encrypted });
      expect([last, image().formats, image().mark]).toEqual([last, begun ? image().formats : 1, "ours"]);
    }
    await removeVolume(cluster, await made(encrypted));
    cluster.passphrase = undefined;
    await expect(made(encrypted)).rejects.toMatchObject({ code: "not-configured" });
    await expect(volumeProblems(cluster, wanted(encrypted))).rejects.toMatchObject({ code: "not-configured" });
    expect(names()).toEqual([]);
  });

  test("an image with data, with snapshots or with a client is never formatted, however it was left", async () => {
    const leave = async (last: number, edit: (left: ReturnType<typeof image>) => void) => {
      cluster = memoryCluster();
      await createVolume(killedAfter(cluster, last), wanted(encrypted), true).catch(() => undefined);
      edit(image());
      const formats = image().formats;
      await expect(made(encrypted)).rejects.toThrow(/has data, which encryption would make unreadable|is open by/);
      expect(image().formats).toBe(formats);
    };
    for (const last of [1, 2, 3, 4]) {
      await leave(last, (left) => (left.data = "precious"));
      await leave(last, (left) => (left.snapshots = 1));
      await leave(last, (left) => left.clients.push("client.1 at 10.0.0.1"));
    }
    // One of the plain volumes of a state that was lost.
    cluster = memoryCluster();
    await made(on("fast"));
    image().data = "precious";
    await expect(made(encrypted)).rejects.toThrow('take it over with `encryption` as it is (import: "fast/v")');
    expect(image()).toMatchObject({ data: "precious", formats: 0 });
  });

  test("what an interrupted run left, and somebody has written to since, is taken over as what it is", async () => {
    const leave = async (last: number) => {
      cluster = memoryCluster();
      await createVolume(killedAfter(cluster, last), wanted(encrypted), true).catch(() => undefined);
      image().data = "precious";
      await expect(made(encrypted)).rejects.toThrow('(import: "fast/v")');
    };
    const take = (settings: CephSettings) =>
      importVolume(cluster, "fast/v", { mark: "ours", sizeGiB: 2, settings }).then(async (taken) => {
        expect(taken).toMatchObject({ sizeGiB: 2, settings });
        expect(await readVolume(cluster, taken)).toEqual(taken);
        return image();
      });
    // Killed after the format, and before it was marked: a header of 16 MiB, or of more than was expected.
    await leave(4);
    await expect(take(on("fast"))).rejects.toThrow("an existing image can't be decrypted");
    expect(await take(encrypted)).toMatchObject({ data: "precious", formats: 1, sizeGiB: 2 + 16 / 1024 });
    // Before the format: without a header.
    await leave(3);
    await expect(take(encrypted)).rejects.toThrow("an existing image can't be encrypted");
    expect(await take(on("fast"))).toMatchObject({ data: "precious", formats: 0, sizeGiB: 2 });
  });

  test("encryption of a volume that exists is never changed, in neither direction", async () => {
    const plain = await made(on("fast"));
    const toEncrypted = changes((watched) => updateVolume(watched, { sizeGiB: 1, settings: encrypted }, plain));
    await expect(toEncrypted).rejects.toThrow("isn't encrypted, which is decided when an image is made");
    await removeVolume(cluster, plain);
    const volume = await made(encrypted);
    await expect(updateVolume(cluster, { sizeGiB: 1, settings: on("fast") }, volume)).rejects.toThrow("is encrypted");
    await expect(createVolume(cluster, wanted(on("fast")), true)).rejects.toThrow("is encrypted");
    expect(image()).toMatchObject({ formats: 1 });
  });

  test("an encrypted volume whose mark was removed is known by its header, and marked again", async () => {
    const volume = await made(encrypted);
    image().data = "precious";
    const marks = { ...image().metadata };
    image().metadata = {};
    expect(await readVolume(cluster, volume)).toEqual(volume);
    expect(await createVolume(cluster, wanted(encrypted), true)).toMatchObject({ found: true, ...volume });
    expect(image().metadata).toEqual(marks);
    image().metadata = {};
    const settings = { ...encrypted, pool: "slow" };
    expect(await updateVolume(cluster, { sizeGiB: 2, settings }, volume)).toMatchObject({ sizeGiB: 2, settings });
    expect([...cluster.images.values()]).toMatchObject([
      { data: "precious", formats: 1, sizeGiB: 2 + 16 / 1024, metadata: marks },
    ]);
  });

  test("an image that others encrypted is taken over as such, one that isn't encrypted is refused", async () => {
    await cluster.create("fast", "disk", { sizeGiB: 1, headerBytes: 0 }, null);
    const take = () => importVolume(cluster, "fast/disk", { mark: "ours", sizeGiB: 1, settings: encrypted });
    await expect(take()).rejects.toThrow("an existing image can't be encrypted");
    await cluster.format("fast", "disk");
    cluster.images.get("fast/disk")!.data = "precious";
    expect(await take()).toMatchObject({ name: "disk", sizeGiB: 1, settings: encrypted });
    expect([...cluster.images.values()]).toMatchObject([{ data: "precious", formats: 1, sizeGiB: 1 + 16 / 1024 }]);
  });
});

test("a volume is removed once, not with snapshots, and not on another cluster", async () => {
  const volume = await made();
  cluster.images.get("fast/v")!.snapshots = 2;
  await expect(removeVolume(cluster, volume)).rejects.toThrow("has 2 snapshots, and is not removed");
  cluster.images.get("fast/v")!.snapshots = 0;
  cluster.id = "another";
  for (const act of [readVolume, removeVolume])
    await expect(act(cluster, volume)).rejects.toMatchObject({ code: "other-cluster" });
  cluster.id = "the-cluster";
  await updateVolume(killedAfter(cluster, 1), { sizeGiB: 1, settings: on("slow") }, volume).catch(() => undefined);
  await removeVolume(cluster, volume);
  expect(names()).toEqual([]);
  await removeVolume(cluster, volume);
});

test("pools without access for the user, and those of data alone, are no obstacle to volumes in others", async () => {
  const forbid = new CephError("forbidden", "Operation not permitted");
  const before = { ...cluster };
  cluster.names = (pool) => (pool === "slow" ? Promise.reject(forbid) : before.names(pool));
  cluster.image = (pool, name) => (pool === "slow" ? Promise.reject(forbid) : before.image(pool, name));
  cluster.all.push({ ...cluster.all[0]!, name: "data", isReplicated: false });
  const asked = jest.spyOn(cluster, "names");
  const volume = await made();
  expect(asked).not.toHaveBeenCalledWith("data");
  await removeVolume(cluster, volume);
  expect(await readVolume(cluster, volume)).toBeUndefined();
  // In its own pool it isn't known whether a volume is gone.
  const known = { ...volume, settings: on("slow") };
  await expect(readVolume(cluster, known)).rejects.toMatchObject({ code: "forbidden" });
  await expect(createVolume(cluster, wanted(on("slow")), true)).rejects.toMatchObject({ code: "forbidden" });
});

test("features are switched on and off together, and those of creation are refused", async () => {
  const volume = await made();
  const settings = (imageFeatures: Section["imageFeatures"]) => on("fast", { imageFeatures });
  const less = settings(["layering", "exclusive-lock", "deep-flatten"]);
  expect(await changes((watched) => updateVolume(watched, { sizeGiB: 1, settings: less }, volume))).toEqual([
    "switchFeatures",
  ]);
  expect((await readVolume(cluster, { ...volume, settings: less }))?.settings.imageFeatures).toEqual(
    less.imageFeatures,
  );
  const other = updateVolume(cluster, { sizeGiB: 1, settings: settings(["layering"]) }, volume);
  await expect(other).rejects.toThrow("has `deep-flatten`, which is set when an image is made");
});
