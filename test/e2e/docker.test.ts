// The founding document's commands on a real dockerd with real volumes: file systems on loop devices, made by `pulumi up`, limited by
// cgroups. What the plugin asks of the engine is counted in its own log.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { until } from "../../tools/test/time.js";
import { DockerLab, describeDocker, UNREADY } from "../support/docker";

const write = (text: string) => `echo ${text} > /data/file && sync`;
const read = "cat /data/file";

/** Made by one `up` before the first test: for tests of something other than how a volume is made. Each has its own. */
const MADE_AHEAD = {
  free: { profile: "free", sizeGiB: 1 },
  mine: { profile: "gold", sizeGiB: 1 },
  changing: { profile: "gold", sizeGiB: 1 },
  outliving: { profile: "free", sizeGiB: 1, deletionProtection: false },
};

describeDocker("docker run with our volumes", () => {
  const lab = new DockerLab();
  const volumesInConfig = async () => {
    const { text } = await lab.project.run(["config", "get", "storage-profiles:volumes"]);
    return text.startsWith("{") ? (JSON.parse(text.slice(0, text.lastIndexOf("}") + 1)) as Record<string, any>) : {};
  };
  const configText = () => readFileSync(join(lab.project.directory, "Pulumi.dev.yaml"), "utf8");
  const inspect = async (name: string) => {
    const { code, out, text } = await lab.docker("volume", "inspect", name);
    if (code !== 0) throw new Error(text);
    return (JSON.parse(out) as { Mountpoint: string; Status: Record<string, any> }[])[0]!;
  };

  beforeAll(async () => {
    await lab.start({
      profiles: {
        slow: { local: { iops: 100 }, defaultSize: "1GiB" },
        // Twenty of them are made at once, on a disk that may have less.
        free: { local: { overcommit: true } },
        lavish: { local: {}, defaultSize: "10TiB" },
      },
      docker: { defaultSize: "1GiB" },
      volumes: MADE_AHEAD,
    });
    await lab.project.up();
    await lab.startPlugin();
  });
  afterEach(() => lab.removeContainers());
  afterAll(() => lab.stop());

  test("the document's two commands run, and the data of one container is there for the next, without an up", async () => {
    const before = lab.ups;
    await Promise.all([
      lab.run("highperfvolume@gold:/data", write("founding")),
      lab.run("cheapvolume:/data", write("cheap")),
    ]);
    const made = lab.ups;
    expect(made - before).toBeLessThanOrEqual(2);
    expect(await lab.run("highperfvolume@gold:/data", read)).toBe("founding\n");
    expect(await lab.run("highperfvolume:/data", read)).toBe("founding\n");
    expect(lab.ups).toBe(made);
    const { Status, Mountpoint } = await inspect("highperfvolume@gold");
    expect(Status).toMatchObject({ profile: "gold", size: "1GiB", backend: "local", status: "compliant" });
    expect(existsSync(join(Mountpoint, "file"))).toBe(true);
    expect((await inspect("cheapvolume")).Status).toMatchObject({ profile: "default" });
  });

  test("the document's open issue: a volume without a name is served, and goes with its container", async () => {
    const before = await lab.volumes();
    // No colon: to Docker this is a path in the container, and a volume without a name.
    const { code, text } = await lab.container("cheapvolume@/data", "mount | grep -c cheapvolume@/data");
    expect([code, text]).toEqual([0, "1\n"]);
    expect(await lab.volumes()).toEqual(before);
    expect(Object.keys(await volumesInConfig()).filter((name) => /^[0-9a-f]{64}$/.test(name))).toEqual([]);
  });

  test("what can't be is refused without an up, in our words, and leaves nothing", async () => {
    const [before, ups] = [await volumesInConfig(), lab.ups];
    const [unknown, other] = await Promise.all([
      lab.container("new@golf:/data", "true"),
      lab.container("mine@silver:/data", "true"),
    ]);
    expect([unknown.code > 0, unknown.text]).toEqual([
      true,
      expect.stringMatching(
        /unknown profile "golf"[^]*allowed: default, gold, silver, bronze, slow[^]*did you mean "gold"/,
      ),
    ]);
    expect([other.code > 0, other.text]).toEqual([
      true,
      expect.stringMatching(/the profile of "mine" is gold[^]*storage-profiles apply mine@silver/),
    ]);
    expect(lab.ups).toBe(ups);
    // The disk can't hold it: that only an up can find.
    const full = await lab.docker("volume", "create", "-d", lab.driver, "new@lavish");
    expect(full).toMatchObject({ code: 1, text: expect.stringMatching(/create new@lavish: [^]*GiB/) });
    expect(await volumesInConfig()).toEqual(before);
  });

  test("options make the volume, and removal takes it away; one that is in use stays, by whatever name it is removed", async () => {
    const created = await lab.docker("volume", "create", "-d", lab.driver, "-o", "profile=slow", "made");
    expect(created.text).toBe("made\n");
    expect((await inspect("made")).Status).toMatchObject({ profile: "slow", size: "1GiB" });
    const container = await lab.detached("made@slow:/data");
    expect(await lab.volumes()).toEqual(expect.arrayContaining(["made", "made@slow"]));
    // Docker itself counts by name, and would let "made" go.
    expect((await lab.docker("volume", "rm", "made")).code).toBe(0);
    expect(await lab.exec(container, `${write("kept")}; ${read}`)).toBe("kept\n");
    expect((await lab.docker("volume", "rm", "made@slow")).text).toContain("volume is in use");
    await lab.docker("rm", "--force", container);
    expect(await lab.run("made:/data", read)).toBe("kept\n");
    for (const name of ["made", "made@slow"]) await lab.docker("volume", "rm", name);
    expect(await volumesInConfig()).not.toHaveProperty("made");
    expect(await lab.volumes()).not.toContain("made@slow");
  });

  test("with --on-profile-change=apply a mount changes the profile, and the data stays", async () => {
    await lab.run("changing:/data", write("staying"));
    await lab.withPlugin([...UNREADY, "--on-profile-change", "apply"], {}, async () => {
      expect(await lab.run("changing@silver:/data", read)).toBe("staying\n");
      expect((await inspect("changing")).Status).toMatchObject({ profile: "silver" });
    });
  });

  test("twenty containers that start at once, each with a new volume, cost a few runs of the engine", async () => {
    const before = lab.ups;
    const many = Array.from({ length: 20 }, (_, index) => `many${index}`);
    await Promise.all(many.map((name) => lab.run(`${name}@free:/data`, write(name))));
    expect(lab.ups - before).toBeLessThanOrEqual(4);
    const read20 = await Promise.all(many.map((name) => lab.run(`${name}@free:/data`, read)));
    expect(read20).toEqual(many.map((name) => `${name}\n`));
    expect(lab.ups - before).toBeLessThanOrEqual(4);
    const removed = await Promise.all(many.map((name) => lab.docker("volume", "rm", `${name}@free`)));
    expect(removed.map(({ text }) => text)).toEqual(many.map((name) => `${name}@free\n`));
    expect(lab.ups - before).toBeLessThanOrEqual(8);
  });

  test("dockerd killed and started again: the volumes and their data are there, and nothing stays held", async () => {
    await lab.run("outliving:/data", write("outliving"));
    await lab.detached("outliving:/data", "--stop-signal", "KILL");
    await lab.engine.kill("SIGKILL");
    await lab.engine.start();
    expect(await lab.run("outliving:/data", read)).toBe("outliving\n");
    await lab.removeContainers();
    expect((await lab.docker("volume", "rm", "outliving")).text).toBe("outliving\n");
  });

  describe("killed with -9 and started again, the plugin finishes what was begun, and makes nothing twice", () => {
    const config = (what: string, condition: () => boolean) => () =>
      until(() => `${what}: ${configText()}`, condition).then(() => undefined);
    beforeAll(async () => {
      await lab.stopPlugin();
      await lab.startPlugin(UNREADY);
    });

    test("in each call of a volume's life", async () => {
      const run = (script: string) => () => lab.run("crash@free:/data", script);
      const remove = () => lab.docker("volume", "rm", "crash@free");
      const entry = (isThere: boolean) =>
        config(`an entry: ${isThere}`, () => configText().includes("crash:") === isThere);
      const before = lab.ups;
      await lab.killed("Get", run(write("survived")));
      await remove();
      // The entry is written, and the engine begins.
      await lab.killed("Create", run(write("survived")), entry(true));
      for (const call of ["Mount", "Unmount", "Get"]) {
        expect([call, await lab.killed(call, run(read))]).toEqual([call, "survived\n"]);
      }
      expect(await lab.killed("List", () => lab.volumes())).toContain("crash@free");
      expect(lab.ups - before).toBeLessThanOrEqual(4);
      await lab.killed("Remove", remove, entry(false));
      expect(await lab.volumes()).not.toContain("crash@free");
      expect(await run("ls /data")()).not.toContain("file");
      await remove();
      expect(configText()).not.toContain("crash");
    });

    test("in those that Docker 20.10 makes only where it hasn't met the driver yet, or never", async () => {
      const { Mountpoint } = await inspect("mine");
      // It has the path from Get and from Mount. Others may ask for it.
      expect(await lab.killed("Path", () => lab.ask("VolumeDriver.Path", { Name: "mine" }))).toEqual({ Mountpoint });
      for (const call of ["Activate", "Capabilities"]) {
        const names = () => lab.volumes();
        const restart = async () => {
          await lab.engine.kill("SIGTERM");
          await lab.engine.start();
          return names();
        };
        const found = await lab.killed(call, restart, undefined, names);
        expect([call, found]).toEqual([call, expect.arrayContaining(["mine"])]);
        expect(await lab.run("mine:/data", "echo there")).toBe("there\n");
      }
    });

    test("while it makes a volume without a name, which nobody waits for any more: it removes it", async () => {
      const nameless = () => /^ +"?[0-9a-f]{64}"?:/m.test(configText());
      await lab.killed("Create", () => lab.container("/data", "true"), config("an entry without a name", nameless));
      await config("no entry without a name", () => !nameless())();
    });
  });

  test("a backend that is down is told, and nothing of the request stays", async () => {
    await lab.withPlugin(UNREADY, { PULUMI_BACKEND_URL: "file:///nowhere/at/all" }, async () => {
      const { code, text } = await lab.container("another@gold:/data", "true");
      expect([code > 0, text]).toEqual([true, expect.stringMatching(/create another@gold: [^]*nowhere/)]);
      // It didn't come to the time limit.
      expect(text).not.toContain("still waiting");
    });
    expect(await volumesInConfig()).not.toHaveProperty("another");
  });
});
