// Limits: the lines for the kernel, the cgroups that carry them, and what a process then really gets from the disk.
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import fc from "fast-check";

import {
  applyLimits,
  type CgroupHierarchy,
  cgroupLimits,
  clearLimits,
  detectCgroup,
  limitProcess,
  mebibytesToBytes,
  refreshLimits,
} from "../../../../components/backends/local/limits";
import {
  createVolume,
  deleteVolume,
  type LocalVolume,
  repairVolume,
  updateVolume,
} from "../../../../components/backends/local/lifecycle";
import * as support from "./support";
import { until } from "../../../../tools/test/time.js";
import { describeIf, limitsReason } from "../../../support/machine";
import { canTell } from "../../../support/rate";
import { directory, failure, loop, request, whyNoLoop } from "./support";
import { runs } from "../../../support/property";

describe("the lines for the kernel", () => {
  const iops = fc.nat(1_000_000);
  const mibps = fc.nat(100_000);
  const device = fc.tuple(fc.nat(4095), fc.nat(1_048_575)).map((numbers) => numbers.join(":"));

  it("of cgroup v1 limit reads and writes alike, 0 taking the limit away", () => {
    fc.assert(
      fc.property(iops, mibps, device, (iopsLimit, throughputLimitMiBps, number) => {
        const lines = cgroupLimits({ iopsLimit, throughputLimitMiBps }, number, 1);
        const values = Object.fromEntries(lines.map(({ file, line }) => [file, line]));
        expect(values).toEqual({
          "blkio.throttle.read_iops_device": `${number} ${iopsLimit}`,
          "blkio.throttle.write_iops_device": `${number} ${iopsLimit}`,
          "blkio.throttle.read_bps_device": `${number} ${throughputLimitMiBps * 1048576}`,
          "blkio.throttle.write_bps_device": `${number} ${throughputLimitMiBps * 1048576}`,
        });
      }),
      { numRuns: runs(100) },
    );
  });

  it("of cgroup v2 are one with every key, so that no old limit stays", () => {
    fc.assert(
      fc.property(iops, mibps, device, (iopsLimit, throughputLimitMiBps, number) => {
        const [only, ...others] = cgroupLimits({ iopsLimit, throughputLimitMiBps }, number, 2);
        expect(others).toEqual([]);
        expect(only?.file).toBe("io.max");
        const [at, ...pairs] = only!.line.split(" ");
        expect(at).toBe(number);
        const values = Object.fromEntries(pairs.map((pair) => pair.split("=")));
        const bytes = throughputLimitMiBps === 0 ? "max" : String(throughputLimitMiBps * 1024 * 1024);
        const operations = iopsLimit === 0 ? "max" : String(iopsLimit);
        expect(values).toEqual({ rbps: bytes, wbps: bytes, riops: operations, wiops: operations });
      }),
      { numRuns: runs(100) },
    );
  });

  it("are in bytes: 1 MiB is 1048576, and fractions give whole bytes", () => {
    expect(mebibytesToBytes(1)).toBe(1_048_576);
    expect(mebibytesToBytes(0.3)).toBe(314_573);
    expect(cgroupLimits({ iopsLimit: 0, throughputLimitMiBps: 0.5 }, "7:3", 2)).toEqual([
      { file: "io.max", line: "7:3 rbps=524288 wbps=524288 riops=max wiops=max" },
    ]);
  });
});

const hierarchy = findHierarchy();
const reason = whyNoLoop ?? limitsReason();

describeIf(reason === undefined && hierarchy !== undefined, "a volume's limits", reason, () => {
  const space = support.workspace();
  const { root, version } = hierarchy ?? { root: "", version: 2 };
  const foreign = path.join(root, `storage-profiles-test-${process.pid}`);
  const writers: ChildProcess[] = [];
  let state: string;
  beforeEach(() => ({ state } = space));
  beforeEach(() => fs.mkdirSync(foreign));
  afterEach(async () => {
    await Promise.all(writers.splice(0).map(stop));
    for (const each of [foreign, `${foreign}-ended`]) if (fs.existsSync(each)) fs.rmdirSync(each);
  });

  const limited = (name: string, iopsLimit: number, throughputLimitMiBps = 0) =>
    request(state, name, { settings: { ...loop, iopsLimit, throughputLimitMiBps } });

  it("are what a process gets, and change while it runs", async () => {
    const volume = await createVolume(limited("measured", 0));
    const writer = await startWriter(volume, 4096);
    const unlimited = await fastest(volume, "operations");
    await updateVolume(volume.id, limited("measured", 20));
    await limitProcess(writer.pid!, [volume.id]);
    if (canTell("writes limited to 20 IOPS", unlimited, 20)) {
      const slow = await fastest(volume, "operations");
      expect(slow).toBeGreaterThan(0);
      expect(slow / unlimited).toBeLessThan(0.3);
      await updateVolume(volume.id, limited("measured", 0));
      await until("the writer is fast again", async () => (await perSecond(volume, "operations")) > 3 * slow);
    }
    await stop(writer);
    await deleteVolume(volume.id, volume);
    expect(ourCgroups()).toEqual([]);
  });

  it("hold for throughput too", async () => {
    const volume = await createVolume(limited("broad", 0, 8));
    const writer = await startWriter(volume, 1024 ** 2);
    const unlimited = await fastest(volume, "bytes");
    await limitProcess(writer.pid!, [volume.id]);
    if (canTell("writes limited to 8 MiB/s", unlimited, 8 * 1024 ** 2)) {
      const slow = await fastest(volume, "bytes");
      expect(slow).toBeGreaterThan(0);
      expect(slow / unlimited).toBeLessThan(0.3);
    }
    await stop(writer);
    await deleteVolume(volume.id, volume);
    expect(ourCgroups()).toEqual([]);
  });

  it("are put on another's cgroup, follow the volume's settings there, and leave with the volume", async () => {
    const volume = await createVolume(limited("shown", 100, 5));
    const other = await createVolume(limited("other", 7));
    expect(await applyLimits(foreign, [volume.id, other.id])).toEqual([
      { id: volume.id, limited: true },
      { id: other.id, limited: true },
    ]);
    expect(limitsOn(volume)).toEqual({ iops: 100, bytes: 5 * 1024 ** 2 });
    await updateVolume(volume.id, limited("shown", 50, 0));
    expect(limitsOn(volume)).toEqual({ iops: 50, bytes: 0 });
    await clearLimits(volume.id);
    await updateVolume(volume.id, limited("shown", 60, 0));
    expect(limitsOn(volume)).toEqual({ iops: 0, bytes: 0 });
    await applyLimits(foreign, [volume.id]);
    await deleteVolume(volume.id, volume);
    expect(limitsOn(volume)).toEqual({ iops: 0, bytes: 0 });
    expect(limitsOn(other)).toEqual({ iops: 7, bytes: 0 });
    await deleteVolume(other.id, other);
    expect(fs.existsSync(foreign)).toBe(true);
  });

  it("follow the volume to another device, and leave none on the old one", async () => {
    const volume = await createVolume(limited("moved", 100));
    await applyLimits(foreign, [volume.id]);
    support.detach(volume);
    const image = path.join(volume.id, "data.img");
    // Whatever device is free, but not the one it had: the first time that one is given, it is held until there is another.
    const attach = () => support.system("losetup", "--find", "--show", image).trim();
    const given = attach();
    const device = given === volume.device ? attach() : given;
    if (device !== given) support.system("losetup", "--detach", given);
    const moved = await repairVolume(volume.id);
    expect(moved?.device).toBe(device);
    expect(limitsOn(volume)).toEqual({ iops: 0, bytes: 0 });
    expect(limitsOn(moved!)).toEqual({ iops: 100, bytes: 0 });
    await deleteVolume(volume.id, volume);
    expect(limitsOn(moved!)).toEqual({ iops: 0, bytes: 0 });
  });

  it("are forgotten for cgroups that have ended", async () => {
    const volume = await createVolume(limited("pruned", 100));
    const ended = `${foreign}-ended`;
    fs.mkdirSync(ended);
    await applyLimits(foreign, [volume.id]);
    await applyLimits(ended, [volume.id]);
    fs.rmdirSync(ended);
    await refreshLimits(volume.id);
    expect(JSON.parse(fs.readFileSync(path.join(volume.id, "limited.json"), "utf8"))).toEqual({
      deviceNumber: volume.deviceNumber,
      cgroups: [foreign],
    });
    await deleteVolume(volume.id, volume);
  });

  it("bind processes with the same volumes together, and their cgroup goes with the last of them", async () => {
    const [a, b] = await Promise.all([createVolume(limited("a", 10)), createVolume(limited("b", 20))]);
    const sleepers = [1, 2].map(() => spawn("sleep", ["100"]));
    writers.push(...sleepers);
    await Promise.all([limitProcess(sleepers[0]!.pid!, [a.id, b.id]), limitProcess(sleepers[1]!.pid!, [b.id, a.id])]);
    const [cgroup, ...others] = ourCgroups();
    expect(others).toEqual([]);
    const members = fs.readFileSync(path.join(cgroup!, "cgroup.procs"), "utf8").trim().split("\n").map(Number);
    expect(members.sort()).toEqual(sleepers.map(({ pid }) => pid).sort());
    await stop(sleepers[0]!);
    await refreshLimits(a.id);
    expect(ourCgroups()).toEqual([cgroup]);
    await stop(sleepers[1]!);
    await refreshLimits(b.id);
    expect(ourCgroups()).toEqual([]);
    for (const volume of [a, b]) await deleteVolume(volume.id, volume);
  });

  it("can't be had for a directory, a process that has ended, or what is no cgroup, which is told", async () => {
    const plain = await createVolume(request(state, "plain", { settings: { ...directory, iopsLimit: 100 } }));
    const volume = await createVolume(limited("v", 100));
    const refusal = [{ id: plain.id, limited: false, reason: expect.stringContaining('mode "directory"') }];
    expect(await applyLimits(foreign, [plain.id])).toEqual(refusal);
    expect(await limitProcess(process.pid, [plain.id])).toEqual(refusal);
    expect(fs.readFileSync("/proc/self/cgroup", "utf8")).not.toContain("storage-profiles");

    expect((await failure(limitProcess(4_194_304, [volume.id]))).message).toContain("Process 4194304 doesn't exist");
    for (const no of ["/etc", root, `${foreign}/`, `${foreign}/../..`, path.join(root, "cgroup.procs")]) {
      expect((await failure(applyLimits(no, [volume.id]))).code).toBe("limits-unavailable");
    }
    expect((await failure(limitProcess(process.pid, [`${state}/volumes/p/s/none`]))).code).toBe("not-found");
    expect(ourCgroups()).toEqual([]);
    for (const each of [plain, volume]) await deleteVolume(each.id, each);
  });

  it("say that a volume must be repaired first when it isn't attached", async () => {
    const volume = await createVolume(limited("down", 100));
    support.detach(volume);
    expect(await applyLimits(foreign, [volume.id])).toEqual([
      { id: volume.id, limited: false, reason: expect.stringContaining("repair") },
    ]);
    await deleteVolume(volume.id, volume);
  });

  /** The limits of the volume's device on the foreign cgroup, for writes. */
  function limitsOn(volume: LocalVolume): { iops: number; bytes: number } {
    const lines = (file: string) => fs.readFileSync(path.join(foreign, file), "utf8").split("\n");
    const line = (file: string) => lines(file).find((each) => each.startsWith(`${volume.deviceNumber} `)) ?? "";
    if (version === 1) {
      const value = (file: string) => Number(line(`blkio.throttle.${file}_device`).split(" ")[1] ?? 0);
      return { iops: value("write_iops"), bytes: value("write_bps") };
    }
    const value = (key: string) => Number(new RegExp(`${key}=(\\d+)`).exec(line("io.max"))?.[1] ?? 0);
    return { iops: value("wiops"), bytes: value("wbps") };
  }

  /** Cgroups of ours; no other test file makes any. */
  function ourCgroups(): string[] {
    const parent = path.join(root, "storage-profiles");
    if (!fs.existsSync(parent)) return [];
    const entries = fs.readdirSync(parent, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(parent, entry.name));
  }

  /** A process that writes blocks past all caches, again and again, to space that is allocated already. */
  async function startWriter(volume: LocalVolume, blockSize: number): Promise<ChildProcess> {
    const file = path.join(volume.mountPath, "written");
    // Few at a time: what is moved to a cgroup is the shell, and with it the next dd.
    const size = 4 * 1024 ** 2;
    const count = size / blockSize;
    fs.writeFileSync(file, Buffer.alloc(size, 1), { flush: true });
    const once = `dd if=/dev/zero of="$1" bs=${blockSize} count=${count} oflag=direct conv=notrunc status=none`;
    const writer = spawn("sh", ["-c", `while :; do ${once}; done`, "sh", file], { stdio: "inherit", detached: true });
    writers.push(writer);
    const before = written(volume, "operations");
    await until("the writer writes", () => written(volume, "operations") > before);
    return writer;
  }
});

/** What was written to the volume's device so far. */
function written(volume: LocalVolume, unit: "operations" | "bytes"): number {
  const stat = fs
    .readFileSync(`/sys/block/${path.basename(volume.device!)}/stat`, "utf8")
    .trim()
    .split(/\s+/)
    .map(Number);
  return unit === "operations" ? stat[4]! : stat[6]! * 512;
}

/** What is written to the volume's device in a second. A busy machine makes it less, never more: the time is taken around both looks. */
async function perSecond(volume: LocalVolume, unit: "operations" | "bytes"): Promise<number> {
  const from = performance.now();
  const before = written(volume, unit);
  await support.pause(1000);
  const after = written(volume, unit);
  return ((after - before) * 1000) / (performance.now() - from);
}

/** The fastest of three seconds, when what was under way before has been let through. */
async function fastest(volume: LocalVolume, unit: "operations" | "bytes"): Promise<number> {
  await perSecond(volume, unit);
  const rates: number[] = [];
  for (let second = 0; second < 3; second++) rates.push(await perSecond(volume, unit));
  return Math.max(...rates);
}

async function stop(writer: ChildProcess): Promise<void> {
  if (writer.exitCode !== null || writer.signalCode !== null) return;
  const ended = new Promise((resolve) => writer.on("close", resolve));
  const signal = (name: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-writer.pid!, name);
    } catch {
      return false;
    }
  };
  if (!signal("SIGKILL")) writer.kill("SIGKILL");
  await ended;
  // A child of it that was in the middle of a write ends with the write.
  await until("its processes are gone", () => !signal(0));
}

/** As detectCgroup finds it; needed before any test runs. */
function findHierarchy(): CgroupHierarchy | undefined {
  if (fs.existsSync("/sys/fs/cgroup/blkio/cgroup.procs")) return { version: 1, root: "/sys/fs/cgroup/blkio" };
  const controllers = "/sys/fs/cgroup/cgroup.controllers";
  const hasIo = fs.existsSync(controllers) && fs.readFileSync(controllers, "utf8").split(/\s/).includes("io");
  return hasIo ? { version: 2, root: "/sys/fs/cgroup" } : undefined;
}

it("finds the hierarchy that can limit I/O", async () => {
  expect(await detectCgroup()).toEqual(hierarchy);
});
