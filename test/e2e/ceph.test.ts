// Volumes on a real Ceph cluster: each step on it, what it refuses, and what a user of the engine sees.

import type { CephCluster } from "../../components/backends/ceph/cluster";
import {
  createVolume,
  importProblems,
  importVolume,
  nameProblems,
  readVolume,
  removeVolume,
  updateVolume,
  volumeProblems,
  type FoundVolume,
} from "../../components/backends/ceph/lifecycle";
import type { CephSettings } from "../../src/backends/ceph";
import { until } from "../../tools/test/time.js";
import {
  cephReason,
  CephProject,
  clusterOf,
  fillImage,
  imageChecksum,
  Killed,
  killedAfter,
  PASSPHRASE,
  POOLS,
  settingsOf,
  startCeph,
  wantedOf,
  type Ceph,
  type Section,
} from "../support/ceph";
import { succeeded } from "../support/engine";
import { describeIf } from "../support/machine";

const fast = (section: Section = {}) => settingsOf({ pool: "fast", ...section });
const slow = (section: Section = {}) => settingsOf({ pool: "slow", ...section });
const reason = cephReason();
describeIf(reason === undefined, "on a Ceph cluster", reason, () => {
  let ceph: Ceph;
  let cluster: CephCluster;
  const project = new CephProject("ceph", () => ceph);
  beforeAll(async () => {
    ceph = await startCeph({ log: () => undefined });
    cluster = clusterOf(ceph);
  });
  afterAll(async () => {
    await project.dispose();
    await (ceph as Ceph | undefined)?.stop();
  });

  const fill = (spec: string) => fillImage(ceph, spec);
  const checksum = (spec: string) => imageChecksum(ceph, spec);
  /** Has a client keep an image open while something is done. */
  const whileOpen = async (spec: string, act: () => Promise<void>): Promise<void> => {
    const client = ceph.open(["bench", "--io-type", "read", "--io-size", "4096", "--io-total", "100G", spec]);
    const isOpen = async () => (await ceph.must("rbd", "status", "--format", "json", spec)).includes("client");
    await until("the image is open", isOpen);
    try {
      await act();
    } finally {
      await client.end("SIGINT");
    }
    await until("the image is closed", async () => !(await isOpen()), { seconds: 60 });
  };

  test("an image has every setting, read back the same; another run changes nothing, and another profile only what differs", async () => {
    const wanted = wantedOf(
      fast({
        iops: { max: 1000, read: 800, write: 500, burst: { max: 2000, write: 600 } },
        bandwidth: { max: 50, read: 40, write: 30, burst: 60 },
        snapshotLimit: 4,
        imageFeatures: ["layering", "exclusive-lock", "deep-flatten"],
        metadata: { team: "a b", odd: "--all $x;`id`" },
      }),
    );
    const { found, ...volume } = await createVolume(cluster, wanted, true);
    expect([found, volume]).toEqual([false, expect.objectContaining(wanted)]);
    expect(await readVolume(cluster, volume)).toEqual(volume);
    const watched = killedAfter(cluster, Infinity);
    await updateVolume(watched, wanted, volume);
    expect(watched.changes).toEqual([]);

    // What a profile leaves out is taken away again, also where others set it; what others added stays theirs.
    await ceph.must("rbd", "config", "image", "set", `fast/${wanted.name}`, "rbd_qos_bps_limit", "1048576");
    await ceph.must("rbd", "image-meta", "set", `fast/${wanted.name}`, "theirs", "1");
    expect((await readVolume(cluster, volume))?.settings).toMatchObject({
      bandwidthLimitMiBps: 1,
      metadata: wanted.settings.metadata,
    });
    const settings = fast({ imageFeatures: ["layering", "exclusive-lock", "deep-flatten", "object-map", "fast-diff"] });
    const changed = await updateVolume(cluster, { sizeGiB: 2, settings }, volume);
    expect(changed).toEqual({ ...volume, sizeGiB: 2, settings });
    expect((await cluster.image("fast", wanted.name))?.metadata).toEqual({ theirs: "1" });
    await removeVolume(cluster, changed);
    expect(await readVolume(cluster, changed)).toBeUndefined();
    await removeVolume(cluster, changed);
  });

  test("a run that is killed after any step is finished by the next, on one image, with its data", async () => {
    const made = wantedOf(fast({ iops: { max: 100 }, snapshotLimit: 3, metadata: { a: "1" } }));
    for (let last = 1; ; last++) {
      // Each run is another process: it knows nothing of the one before.
      const killed = killedAfter(clusterOf(ceph), last);
      const outcome = await createVolume(killed, made, true).catch((error: unknown) => error);
      if (!(outcome instanceof Killed)) break;
      const { found, ...volume } = await createVolume(clusterOf(ceph), made, true);
      expect([last, found, volume]).toEqual([last, true, expect.objectContaining(made)]);
      await removeVolume(cluster, volume);
    }
    const { found: _, ...start } = await createVolume(clusterOf(ceph), made, true);
    const data = await fill(`fast/${made.name}`);
    let volume: FoundVolume = start;
    const steps: string[] = [];
    for (let last = 1; ; last++) {
      const settings = (volume.settings.pool === "fast" ? slow : fast)({ iops: { max: 200 }, snapshotLimit: last });
      const killed = killedAfter(clusterOf(ceph), last);
      const outcome = await updateVolume(killed, { sizeGiB: 1, settings }, volume).catch((error: unknown) => error);
      // A refresh in between finds it where it is.
      expect(await readVolume(clusterOf(ceph), volume)).toMatchObject({ name: made.name, mark: made.mark });
      // The state is still the old one.
      volume = await updateVolume(clusterOf(ceph), { sizeGiB: 1, settings }, volume);
      expect(volume.settings).toEqual(settings);
      expect(await checksum(`${settings.pool}/${made.name}`)).toBe(data);
      const other = settings.pool === "fast" ? "slow" : "fast";
      expect(await clusterOf(ceph).image(other, made.name)).toBeUndefined();
      steps.push(killed.changes.at(-1) ?? "");
      if (!(outcome instanceof Killed)) break;
    }
    expect(steps).toEqual(expect.arrayContaining(["prepareMove", "executeMove", "commitMove", "setSnapshotLimit"]));
    await removeVolume(cluster, volume);
  });

  test("an image is mirrored to a peer on its schedule, by snapshots or a journal, moves with its data, and nobody else's mirroring ends", async () => {
    const first = fast({ mirror: { every: "120m", start: "04:30" } });
    const wanted = wantedOf(first);
    const told = async (settings: CephSettings) =>
      (await volumeProblems(clusterOf(ceph), { sizeGiB: 1, settings })).map(({ message }) => message);
    expect(await told(first)).toEqual([expect.stringContaining("mirroring isn't enabled for it")]);
    for (const pool of ["fast", "slow"]) await ceph.must("rbd", "mirror", "pool", "enable", pool, "image");
    expect(await told(first)).toEqual([expect.stringContaining("no other cluster is a peer of it")]);
    for (const pool of ["fast", "slow"])
      await ceph.must("rbd", "mirror", "pool", "peer", "add", pool, "client.rbd-mirror@elsewhere");
    const own = clusterOf(ceph);
    const { found: _, ...made } = await createVolume(own, wanted, true);
    expect(made.settings).toEqual(first);
    const data = await fill(`fast/${wanted.name}`);
    // What mirroring takes isn't a snapshot of the user's.
    await ceph.must("rbd", "mirror", "image", "snapshot", `fast/${wanted.name}`);
    expect(await readVolume(own, made)).toEqual(made);
    expect((await own.image("fast", wanted.name))?.snapshots).toBe(0);
    // Another schedule that somebody has added is drift, and goes.
    const at = ["--pool", "fast", "--image", wanted.name];
    await ceph.must("rbd", "mirror", "snapshot", "schedule", "add", ...at, "3h");
    expect((await readVolume(own, made))?.settings.mirrorEvery).toMatch(/^(2h, 3h|3h, 2h)$/);
    let volume = made;
    for (const settings of [
      fast({ mirror: { every: "1d" } }),
      slow({ mirror: { mode: "journal" }, snapshotLimit: 3 }),
      fast({ mirror: { mode: "journal" } }),
      slow({ mirror: true }),
      fast({ mirror: false, snapshotLimit: 3 }),
    ]) {
      volume = await updateVolume(own, { sizeGiB: 1, settings }, volume);
      expect(volume.settings).toEqual(settings);
      expect(await readVolume(own, volume)).toEqual(volume);
      const watched = killedAfter(own, Infinity);
      await updateVolume(watched, { sizeGiB: 1, settings }, volume);
      expect(watched.changes).toEqual([]);
      expect(await checksum(`${settings.pool}/${wanted.name}`)).toBe(data);
    }
    await ceph.must("rbd", "snap", "limit", "clear", `fast/${wanted.name}`);
    await ceph.must("rbd", "mirror", "image", "enable", `fast/${wanted.name}`, "snapshot");
    const limited = { sizeGiB: 1, settings: fast({ iops: { max: 7 } }) };
    expect((await updateVolume(own, limited, volume)).settings.mirrorMode).toBe("snapshot");
    await removeVolume(own, volume);
    expect(await own.image("fast", wanted.name)).toBeUndefined();
  });

  test("an encrypted image opens by its passphrase alone, has its whole size, grows and moves with its data, and is never encrypted twice", async () => {
    const wanted = wantedOf(fast({ encryption: true }));
    const killed = killedAfter(clusterOf(ceph), 4);
    await expect(createVolume(killed, wanted, true)).rejects.toThrow(Killed);
    expect(killed.changes).toEqual(["create", "setMetadata", "setMetadata", "format"]);
    const { found, ...volume } = await createVolume(clusterOf(ceph), wanted, true);
    expect([found, volume]).toEqual([true, expect.objectContaining(wanted)]);
    const spec = `fast/${wanted.name}`;
    const GIB = 1024 ** 3;
    expect(await ceph.decrypted(spec, PASSPHRASE, "precious")).toEqual({ size: GIB, text: "precious" });
    await expect(ceph.decrypted(spec, "another")).rejects.toThrow("passphrase");
    // A state that was lost, also before the mark of the format was set: the image is taken up or left alone, and keeps its data.
    const again = killedAfter(clusterOf(ceph), Infinity);
    expect(await createVolume(again, wanted, true)).toMatchObject({ found: true, ...wanted });
    await ceph.must("rbd", "image-meta", "set", spec, "storage-profiles.encryption", "begun");
    await expect(createVolume(again, wanted, true)).rejects.toThrow("has data, which encryption would make unreadable");
    expect(again.changes).toEqual([]);
    // It is taken over as that message tells, as what its header tells.
    const settings = slow({ encryption: true });
    const moved = await importVolume(clusterOf(ceph), spec, { ...wanted, sizeGiB: 2, settings });
    expect(moved).toEqual({ ...volume, imageId: expect.any(String) as string, sizeGiB: 2, settings });
    const there = `slow/${wanted.name}`;
    expect(await ceph.decrypted(there, PASSPHRASE)).toEqual({ size: 2 * GIB, text: "precious" });
    expect(await readVolume(clusterOf(ceph), moved)).toEqual(moved);
    // As an image that others encrypted.
    expect((await cluster.image("slow", wanted.name))?.encryption).toBe("luks2");
    await ceph.must("rbd", "image-meta", "remove", there, "storage-profiles.encryption");
    expect(await readVolume(clusterOf(ceph), moved)).toEqual(moved);
    expect(ceph.calls().join("\n")).not.toContain(PASSPHRASE);
    await removeVolume(cluster, moved);
  });

  test("what the cluster can't do is told before anything is done", async () => {
    const problems = async (settings: CephSettings, sizeGiB = 1) =>
      (await volumeProblems(clusterOf(ceph), { sizeGiB, settings })).map(({ message, fix }) => `${message}. ${fix}`);
    await ceph.must("ceph", "osd", "pool", "create", "odd", "8", "8", "replicated", "fast", "--size", "4");
    try {
      expect(await problems(settingsOf({ pool: "fats" }))).toEqual([
        'unknown pool "fats" in the cluster. did you mean "fast"?',
      ]);
      expect(await problems(settingsOf({ pool: "odd", copies: 3, deviceClass: "hdd" }))).toEqual([
        expect.stringMatching(/isn't initialized for RBD images\. run `rbd pool init odd`/),
        expect.stringMatching(/keeps 4 copies, not 3\. .*`ceph osd pool set odd size 3`/),
        expect.stringMatching(/is on device class ssd, not on hdd/),
        expect.stringMatching(/4 copies need as many osds, and 3 osds can be used/),
      ]);
      await ceph.must("ceph", "osd", "pool", "set-quota", "slow", "max_bytes", String(5 * 1024 ** 3));
      expect(await problems(slow(), 4)).toEqual([]);
      expect(await problems(slow(), 6)).toEqual([
        expect.stringMatching(/the quota of pool "slow" has \d GiB free; the volume needs 6 GiB/),
      ]);
    } finally {
      await ceph.must("ceph", "osd", "pool", "set-quota", "slow", "max_bytes", "0");
      await ceph.must("ceph", "osd", "pool", "rm", "odd", "odd", "--yes-i-really-really-mean-it");
    }
  });

  test("an image that is open is neither moved nor removed, nor one with snapshots removed, and another's is left alone", async () => {
    const { found: _, ...volume } = await createVolume(cluster, wantedOf(fast()), true);
    const spec = `fast/${volume.name}`;
    await whileOpen(spec, async () => {
      const [problem, ...more] = await volumeProblems(cluster, { ...volume, settings: slow() }, volume);
      expect([problem?.message, more]).toEqual([expect.stringMatching(/is open by client\.\d+ at 127\.0\.0\.1/), []]);
      await expect(updateVolume(cluster, { sizeGiB: 1, settings: slow() }, volume)).rejects.toThrow(
        "no client has it open",
      );
      await expect(cluster.prepareMove("fast", volume.name, "slow")).rejects.toMatchObject({ code: "in-use" });
      await expect(removeVolume(cluster, volume)).rejects.toMatchObject({ code: "in-use" });
      // Limits and size change all the same.
      const settings = fast({ iops: { max: 50 } });
      expect(await updateVolume(cluster, { sizeGiB: 2, settings }, volume)).toMatchObject({ sizeGiB: 2, settings });
    });
    await ceph.must("rbd", "snap", "create", "--no-progress", `${spec}@kept`);
    await expect(removeVolume(cluster, volume)).rejects.toThrow("rbd snap purge");
    await ceph.must("rbd", "snap", "rm", "--no-progress", `${spec}@kept`);
    await expect(updateVolume(cluster, { sizeGiB: 1, settings: fast() }, volume)).rejects.toMatchObject({
      code: "shrink",
    });

    // The name is another's now.
    const theirs = { ...volume, mark: "another" };
    expect(await readVolume(cluster, theirs)).toBeUndefined();
    await expect(updateVolume(cluster, volume, theirs)).rejects.toMatchObject({ code: "other-volume" });
    await expect(removeVolume(cluster, theirs)).rejects.toMatchObject({ code: "other-volume" });
    for (const ownName of [true, false])
      await expect(createVolume(clusterOf(ceph), theirs, ownName)).rejects.toMatchObject({ code: "name-taken" });
    expect(await nameProblems(cluster, theirs)).toMatchObject([
      { code: "physical-name-taken", fix: expect.stringContaining(`import: "${spec}"`) },
    ]);
    const importing = (takeFrom?: string) =>
      importProblems(cluster, spec, { sizeGiB: 2, settings: fast(), mark: "another", takeFrom });
    expect((await importing()).problems).toMatchObject([
      { code: "import-not-possible", fix: expect.stringContaining(`takeFrom: "${volume.mark}"`) },
    ]);
    expect((await importing(volume.mark)).problems).toEqual([]);
    await removeVolume(cluster, volume);
  });

  test("a cluster that can't be asked, or is another, never makes a volume gone", async () => {
    const { found: _, ...volume } = await createVolume(cluster, wantedOf(fast()), true);
    const asked = (over: Parameters<typeof clusterOf>[1], known: FoundVolume = volume) =>
      readVolume(clusterOf(ceph, over), known);
    await expect(asked({ keyringFile: "/nonexistent" })).rejects.toMatchObject({ code: "forbidden" });
    await expect(asked({ user: "nobody" })).rejects.toMatchObject({ code: "forbidden" });
    await expect(asked({ commandsDirectory: "/nonexistent" })).rejects.toMatchObject({ code: "unreachable" });
    await expect(asked({}, { ...volume, fsid: "another" })).rejects.toMatchObject({ code: "other-cluster" });
    const elsewhere = { ...volume, settings: { ...volume.settings, pool: "nowhere" } };
    await expect(asked({}, { ...elsewhere, name: "none" })).rejects.toMatchObject({ code: "pool-missing" });
    await removeVolume(cluster, volume);
  });

  describe("through the engine", () => {
    beforeEach(async () => {
      await project.init();
      project.reset();
      await project.connect();
    });
    const declare = (profile: string, sizeGiB = 1, more = "") =>
      project.program(`
        const data = new ProfiledVolume("data@${profile}", { sizeGiB: ${sizeGiB}, ${more} });
        exports.image = data.resource?.image;
      `);
    const imageOf = async () => String((await project.outputs())["image"]);
    const all = async () => {
      const names = await Promise.all(POOLS.map(({ name }) => ceph.must("rbd", "ls", "--format", "json", name)));
      return names.flatMap((text) => JSON.parse(text) as string[]).sort();
    };

    test("gold becomes silver and gold again with its data, by a move of pools each, grows, shows drift, and is deleted", async () => {
      const vault = (encryption: string, encryptionPassphraseFile = "passphrase") =>
        project.connect({ profiles: { vault: { ceph: { encryption } } } }, { encryptionPassphraseFile });
      project.write("passphrase", `${PASSPHRASE}\n`);
      declare("gold", 1, '}); new ProfiledVolume("secret@vault", { sizeGiB: 1');
      await vault("luks2", "/nonexistent");
      await project.refused("ceph:encryptionPassphraseFile: ENOENT");
      await vault("luks2");
      expect(await project.up()).not.toContain(PASSPHRASE);
      const image = await imageOf();
      expect(image).toMatch(/^fast\/ceph-dev-data-/);
      const data = await fill(image);
      ceph.calls();
      expect(await project.steps()).toEqual([]);
      expect(ceph.calls()).toEqual([]);
      const encrypted = (await all()).find((name) => name.includes("secret"));
      expect(await ceph.decrypted(`slow/${encrypted}`, PASSPHRASE)).toEqual({ size: 1024 ** 3, text: "" });
      expect(JSON.stringify(await project.state())).not.toContain(PASSPHRASE);
      await vault("no");
      await project.refused("encryption", "an existing image can't be decrypted");

      declare("silver");
      await whileOpen(image, async () => {
        await project.refused("an image moves to another pool only while no client has it open", "client.");
      });
      expect(await project.up()).toContain('pool: "fast" → "slow", the backend migrates the data');
      expect(await imageOf()).toBe(image.replace("fast", "slow"));
      expect(await checksum(image.replace("fast", "slow"))).toBe(data);
      declare("gold", 2);
      expect((await project.upSteps()).steps).toEqual([
        { op: "update", what: "CephVolume data" },
        { op: "update", what: "ProfiledVolume data" },
      ]);
      expect(await checksum(image)).toBe(data);
      expect((await cluster.image("fast", image.slice(5)))?.limits.iopsLimit).toBe(1000);

      await ceph.must("rbd", "config", "image", "set", image, "rbd_qos_iops_limit", "5");
      await project.refresh();
      expect((await project.state())["CephVolume data"]?.outputs["settings"]).toMatchObject({ iopsLimit: 5 });
      expect((await project.upSteps()).steps).toEqual([{ op: "update", what: "CephVolume data" }]);
      expect((await cluster.image("fast", image.slice(5)))?.limits.iopsLimit).toBe(1000);
      expect(JSON.stringify(await project.state())).not.toMatch(/AQ[A-Za-z0-9+/]{36}==/);
      await project.destroy();
      expect(await all()).toEqual([]);
    });

    test("an image is taken over with its data, and another's only where the program names its owner", async () => {
      await ceph.must("rbd", "create", "slow/theirs", "--size", "1G");
      const data = await fill("slow/theirs");
      declare("silver", 1, 'physicalName: "theirs"');
      await project.refused('"theirs" is already in use', 'set `import: "slow/theirs"`');
      await ceph.must("rbd", "image-meta", "set", "slow/theirs", "storage-profiles.volume", "shop-prod-orders");
      declare("gold", 2, 'import: "slow/theirs"');
      await project.refused("it is volume shop-prod-orders", 'takeFrom: "shop-prod-orders"');
      declare("gold", 2, 'import: "slow/theirs", takeFrom: "shop-prod-orders"');
      const preview = succeeded(await project.run(["preview"]));
      expect(preview).toContain("imports slow/theirs from shop-prod-orders");
      await project.up();
      expect(await all()).toEqual(["theirs"]);
      expect(await checksum("fast/theirs")).toBe(data);
      expect((await cluster.image("fast", "theirs"))?.mark).toMatch(/^ceph-dev-data-/);
      await project.destroy();
    });

    test("50 volumes take few commands each, an engine that is killed leaves one image each, and without a change none is run", async () => {
      const count = 50;
      project.program(`for (let i = 0; i < ${count}; i++) new ProfiledVolume("v" + i + "@gold", { sizeGiB: 1 });`);
      ceph.calls();
      const running = await project.begin(["up", "--yes", "--skip-preview"]);
      await until("images are made", async () => (await all()).length > 5 || !running.isRunning(), { seconds: 240 });
      await running.kill();
      await project.run(["cancel", "--yes"]);
      const before = (await all()).length;
      await project.up();
      expect(before).toBeLessThan(count);
      expect(await all()).toHaveLength(count);
      expect(new Set((await all()).map((name) => name.replace(/-[0-9a-z]{9}$/, ""))).size).toBe(count);
      // What is read of the cluster as a whole is read once a run.
      const calls = ceph.calls();
      expect(calls.filter((call) => call.startsWith("ceph")).length).toBeLessThan(40);
      expect(calls.filter((call) => /^rbd .*\b(create|config image set)\b/.test(call)).length).toBeLessThan(3 * count);
      expect(await project.steps()).toEqual([]);
      expect(ceph.calls()).toEqual([]);
      const limits = Object.entries(await project.state()).flatMap(([what, { outputs }]) =>
        what.startsWith("CephVolume") ? [(outputs["settings"] as CephSettings).iopsLimit] : [],
      );
      expect(limits).toEqual(Array.from({ length: count }, () => 1000));
      await project.destroy();
      expect(await all()).toEqual([]);
    });
  });
});
