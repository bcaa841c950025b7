// The founding document's commands on a real dockerd with real volumes: file systems on loop devices, made by `pulumi up`, limited by
// cgroups. What the plugin asks of the engine is counted in its own log.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Ran } from "../labs/docker/lab.js";
import { DockerLab, describeDocker, until } from "../support/docker";
import { limitsReason } from "../support/machine";
import { rateOf, timedWrites } from "../support/rate";

jest.setTimeout(240_000);

const write = (text: string) => `echo ${text} > /data/file && sync`;
const read = "cat /data/file";

describeDocker("docker run with our volumes", () => {
  const lab = new DockerLab();
  const volumesInConfig = async () => {
    const { text } = await lab.project.run(["config", "get", "storage-profiles:volumes"]);
    return text.startsWith("{") ? (JSON.parse(text.slice(0, text.lastIndexOf("}") + 1)) as Record<string, any>) : {};
  };
  const inspect = async (name: string) => {
    const { code, out, text } = await lab.docker("volume", "inspect", name);
    if (code !== 0) throw new Error(text);
    return (JSON.parse(out) as { Mountpoint: string; Status: Record<string, any> }[])[0]!;
  };

  beforeAll(async () => {
    await lab.start({
      profiles: {
        slow: { local: { iops: 100 }, defaultSize: "1GiB" },
        fast: { local: { iops: 400 } },
        narrow: { local: { throughputMiBps: 2 } },
        free: { local: {} },
        lavish: { local: {}, defaultSize: "10TiB" },
      },
      docker: { defaultSize: "2GiB" },
    });
    await lab.startPlugin();
  });
  afterAll(() => lab.stop());

  test("the document's two commands run, and the data of one container is there for the next, without an up", async () => {
    await lab.run("highperfvolume@gold:/data", write("founding"));
    expect(lab.ups).toBe(1);
    expect(await lab.run("highperfvolume@gold:/data", read)).toBe("founding\n");
    expect(await lab.run("highperfvolume:/data", read)).toBe("founding\n");
    expect(lab.ups).toBe(1);
    const { Status, Mountpoint } = await inspect("highperfvolume@gold");
    expect(Status).toMatchObject({ profile: "gold", size: "2GiB", backend: "local", status: "compliant" });
    expect(existsSync(join(Mountpoint, "file"))).toBe(true);

    await lab.run("cheapvolume:/data", write("cheap"));
    expect((await inspect("cheapvolume")).Status).toMatchObject({ profile: "default" });
  });

  test("the document's open issue: a volume without a name is served at once, and goes with its container", async () => {
    const before = await lab.volumes();
    const started = Date.now();
    // No colon: to Docker this is a path in the container, and a volume without a name.
    const { code, text } = await lab.container("cheapvolume@/data", "mount | grep -c cheapvolume@/data");
    expect([code, text]).toEqual([0, "1\n"]);
    expect(Date.now() - started).toBeLessThan(60_000);
    expect(await lab.volumes()).toEqual(before);
    expect(Object.keys(await volumesInConfig()).filter((name) => /^[0-9a-f]{64}$/.test(name))).toEqual([]);
  });

  test("what can't be is refused at once, in our words, and leaves nothing", async () => {
    const before = await volumesInConfig();
    const mount = (options: string) => [
      "run",
      "--rm",
      "--mount",
      `type=volume,volume-driver=${lab.driver},destination=/data,${options}`,
      "busybox",
      "true",
    ];
    const asked: [string, Promise<Ran>, RegExp][] = [
      ["no profile", lab.container("cheapvolume@:/data", "true"), /create cheapvolume@: nothing follows the `@`/],
      [
        "unknown",
        lab.container("new@golf:/data", "true"),
        /there is no profile "golf"[^]*allowed: default, gold, silver, bronze, slow[^]*did you mean "gold"/,
      ],
      [
        "option",
        lab.docker(...mount("source=new,volume-opt=siez=1GiB")),
        /there is no option "siez"[^]*did you mean "size"/,
      ],
      ["size", lab.docker(...mount("source=new,volume-opt=size=10")), /it has no unit/],
      [
        "too big",
        lab.docker("volume", "create", "-d", lab.driver, "-o", "size=20TiB", "new"),
        /a local volume can't have 20,480 GiB/,
      ],
      [
        "other profile",
        lab.container("highperfvolume@silver:/data", "true"),
        /"highperfvolume" has profile gold[^]*storage-profiles apply highperfvolume@silver/,
      ],
      [
        "other profile by option",
        lab.docker(...mount("source=highperfvolume@default")),
        /"highperfvolume" has profile gold/,
      ],
    ];
    const started = Date.now();
    const told = await Promise.all(
      asked.map(async ([what, ran, text]) => [
        what,
        (await ran).code !== 0,
        text.test((await ran).text) || (await ran).text,
      ]),
    );
    expect(told).toEqual(asked.map(([what]) => [what, true, true]));
    expect(Date.now() - started).toBeLessThan(15_000);
    // The disk can't hold it: that only an up can find.
    const full = await lab.docker("volume", "create", "-d", lab.driver, "new@lavish");
    expect(full).toMatchObject({ code: 1, text: expect.stringMatching(/create new@lavish: [^]*GiB/) });
    expect(await volumesInConfig()).toEqual(before);
  });

  test("options make the volume, and removal takes it away; one that is in use stays, by whatever name it is removed", async () => {
    const created = await lab.docker("volume", "create", "-d", lab.driver, "-o", "profile=slow", "made");
    expect(created.text).toBe("made\n");
    expect((await inspect("made")).Status).toMatchObject({ profile: "slow", size: "1GiB" });
    const { text: id } = await lab.docker(
      "run",
      "-d",
      "--network",
      "none",
      "-v",
      "made@slow:/data",
      "busybox",
      "sleep",
      "600",
    );
    expect(await lab.volumes()).toEqual(expect.arrayContaining(["made", "made@slow"]));
    // Docker itself counts by name, and would let "made" go.
    expect((await lab.docker("volume", "rm", "made")).code).toBe(0);
    expect((await lab.docker("exec", id.trim(), "sh", "-c", `${write("kept")}; ${read}`)).text).toBe("kept\n");
    expect((await lab.docker("volume", "rm", "made@slow")).text).toContain("volume is in use");
    await lab.docker("rm", "--force", id.trim());
    expect(await lab.run("made:/data", read)).toBe("kept\n");
    for (const name of ["made", "made@slow"]) await lab.docker("volume", "rm", name);
    expect(await volumesInConfig()).not.toHaveProperty("made");
    expect(await lab.volumes()).not.toContain("made@slow");
  });

  (limitsReason() === undefined ? test : test.skip)(
    "a container is held to its profile's limits from its first write on, also after a change of profile while it runs",
    async () => {
      const [slow, free, narrow] = await Promise.all([
        lab.run("slow@slow:/data", timedWrites(200)),
        lab.run("free@free:/data", timedWrites(4_000)),
        lab.run("narrow@narrow:/data", timedWrites(1_024)),
      ]);
      expect(rateOf(slow, 200)).toBeLessThan(100 * 1.2);
      expect(rateOf(narrow, 1_024) * 4096).toBeLessThan(2 * 1024 ** 2 * 1.2);
      expect(rateOf(free, 4_000)).toBeGreaterThan(100 * 10);

      const { text: id } = await lab.docker(
        "run",
        "-d",
        "--network",
        "none",
        "-v",
        "slow:/data",
        "busybox",
        "sleep",
        "600",
      );
      const measured = async (writes: number) =>
        rateOf((await lab.docker("exec", id.trim(), "sh", "-c", timedWrites(writes))).text, writes);
      expect(await measured(200)).toBeLessThan(100 * 1.2);
      // The command that the plugin names where another profile is asked for.
      const applied = await lab.project.command("storage-profiles", ["apply", "slow@fast", "--yes"]);
      expect([applied.code, applied.text]).toEqual([0, expect.anything()]);
      const faster = await measured(800);
      expect(faster).toBeGreaterThan(200);
      expect(faster).toBeLessThan(400 * 1.2);
      await lab.docker("rm", "--force", id.trim());
      expect((await inspect("slow")).Status).toMatchObject({ profile: "fast", status: "compliant" });
    },
  );

  test("with --on-profile-change=apply a mount changes the profile, and the data stays", async () => {
    await lab.stopPlugin();
    await lab.startPlugin(["--on-profile-change", "apply"]);
    expect(await lab.run("highperfvolume@silver:/data", read)).toBe("founding\n");
    expect((await inspect("highperfvolume")).Status).toMatchObject({ profile: "silver" });
    await lab.stopPlugin();
    await lab.startPlugin();
  });

  test("twenty containers that start at once, each with a new volume, cost a few runs of the engine", async () => {
    const before = lab.ups;
    const started = Date.now();
    const many = Array.from({ length: 20 }, (_, index) => `many${index}`);
    await Promise.all(many.map((name) => lab.run(`${name}@free:/data`, write(name))));
    console.log(`20 new volumes: ${Date.now() - started} ms, ${lab.ups - before} ups`);
    expect(lab.ups - before).toBeLessThanOrEqual(4);
    const again = Date.now();
    expect(await Promise.all(many.map((name) => lab.run(`${name}@free:/data`, read)))).toEqual(
      many.map((name) => `${name}\n`),
    );
    console.log(`20 existing volumes: ${Date.now() - again} ms`);
    const removed = await Promise.all(many.map((name) => lab.docker("volume", "rm", `${name}@free`)));
    expect(removed.map(({ text }) => text)).toEqual(many.map((name) => `${name}@free\n`));
    expect(lab.ups - before).toBeLessThanOrEqual(8);
  });

  test("dockerd killed and started again: the volumes and their data are there, and nothing stays held", async () => {
    await lab.docker(
      "run",
      "-d",
      "--network",
      "none",
      "--stop-signal",
      "KILL",
      "--volume-driver",
      lab.driver,
      "-v",
      "cheapvolume:/data",
      "busybox",
      "sleep",
      "600",
    );
    await lab.engine.kill("SIGKILL");
    await lab.engine.start();
    expect(await lab.run("cheapvolume:/data", read)).toBe("cheap\n");
    const { out } = await lab.docker("ps", "--all", "--quiet");
    await lab.docker("rm", "--force", ...out.split("\n").filter(Boolean));
    expect((await lab.docker("volume", "rm", "cheapvolume")).text).toBe("cheapvolume\n");
  });

  test("killed with -9 in each call and started again, the plugin finishes what was begun, and makes nothing twice", async () => {
    const config = () => readFileSync(join(lab.project.directory, "Pulumi.dev.yaml"), "utf8");
    const run = (volume: string, script: string) => () => lab.run(volume, script);
    const entry = (isThere: boolean) => () => until(() => config().includes("crash:") === isThere, 20_000, config);
    const madeBefore = lab.ups;
    await lab.killed("Get", run("crash@free:/data", write("survived")));
    await lab.docker("volume", "rm", "crash@free");
    // The entry is written, and the engine begins.
    await lab.killed("Create", run("crash@free:/data", write("survived")), entry(true));
    for (const call of ["Mount", "Unmount", "Get"]) {
      expect([call, await lab.killed(call, run("crash@free:/data", read))]).toEqual([call, "survived\n"]);
    }
    expect(await lab.killed("List", () => lab.volumes())).toContain("crash@free");
    expect(lab.ups - madeBefore).toBeLessThanOrEqual(4);
    await lab.killed("Remove", () => lab.docker("volume", "rm", "crash@free"), entry(false));
    expect(await lab.volumes()).not.toContain("crash@free");
    expect(await lab.run("crash@free:/data", "ls /data")).not.toContain("file");

    // Docker 20.10 never asks for a path: it has it from Get and from Mount. Others may.
    const path = () => lab.ask("VolumeDriver.Path", { Name: "crash@free" });
    const { Mountpoint } = await inspect("crash@free");
    expect(await lab.killed("Path", path)).toEqual({ Mountpoint });
    // What Docker asks a driver that it hasn't met since it was started.
    for (const call of ["Activate", "Capabilities"]) {
      const names = () => lab.volumes();
      const restart = async () => {
        await lab.engine.kill("SIGTERM");
        await lab.engine.start();
        return names();
      };
      expect([call, await lab.killed(call, restart, undefined, names)]).toEqual([
        call,
        expect.arrayContaining(["crash@free"]),
      ]);
      expect(await lab.run("crash@free:/data", "echo there")).toBe("there\n");
    }

    // A volume without a name that nobody waits for any more.
    const nameless = () => /^ +"?[0-9a-f]{64}"?:/m.test(config());
    await lab.killed(
      "Create",
      () => lab.container("/data", "true"),
      () => until(nameless, 20_000, config),
    );
    await until(() => !nameless(), 60_000, config);
    await lab.docker("volume", "rm", "crash@free");
    expect(config()).not.toContain("crash");
  });

  test("a backend that is down is told, and nothing waits", async () => {
    await lab.stopPlugin();
    await lab.startPlugin([], { PULUMI_BACKEND_URL: "file:///nowhere/at/all" });
    const started = Date.now();
    const { code, text } = await lab.container("another@gold:/data", "true");
    expect([code > 0, text]).toEqual([true, expect.stringMatching(/create another@gold: [^]*nowhere/)]);
    expect(Date.now() - started).toBeLessThan(20_000);
    await lab.stopPlugin();
    await lab.startPlugin();
    expect(await volumesInConfig()).not.toHaveProperty("another");
  });
});
