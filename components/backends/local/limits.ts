// IOPS and throughput limits: what the kernel is told for a volume's device, and which cgroups it is told about.
// A limit holds for each cgroup by itself: two containers on one volume get it once each.
import { createHash } from "node:crypto";
import { promises as fs } from "node:fs";
import * as path from "node:path";

import { z } from "zod";

import type { LocalSettings } from "../../../src/backends/local/settings";
import { isSystemError, LocalVolumeError, tellingErrors } from "../../host/errors";
import { ifThere, lstatIfThere, namesIn, parsedJson, readIfThere, writeFileAtomically } from "../../host/files";
import { withLock } from "./lock";
import { isLoopNumberInUse, loopDevicesOf } from "./loop-device";
import { readMounts } from "../../host/mountinfo";
import { type VolumePaths, volumePaths } from "./paths";
import { readRecord, type VolumeRecord } from "./record";

/** 1: the blkio controller of cgroup v1. 2: the io controller of the unified hierarchy. */
export type CgroupVersion = 1 | 2;

/** The cgroup hierarchy that can limit I/O on this machine. */
export interface CgroupHierarchy {
  readonly version: CgroupVersion;
  /** Where it is mounted. */
  readonly root: string;
}

/** One line to write to one file of a cgroup. */
export interface LimitLine {
  readonly file: string;
  readonly line: string;
}

/** What became of a volume's limits. */
export interface LimitOutcome {
  readonly id: string;
  /** Whether the volume has a device that limits can be put on; what they are can also be "unlimited". */
  readonly limited: boolean;
  /** Why not. */
  readonly reason?: string;
}

type Limits = Pick<LocalSettings, "iopsLimit" | "throughputLimitMiBps">;

const unlimited: Limits = { iopsLimit: 0, throughputLimitMiBps: 0 };

/** Cgroups of ours are below this one. */
const ourCgroup = "storage-profiles";

export function mebibytesToBytes(mebibytes: number): number {
  return Math.round(mebibytes * 1024 ** 2);
}

/**
 * The lines that put these limits on a device ("major:minor") in a cgroup, always all of them: 0, unlimited, takes a limit
 * away. v1: cgroup-v1/blkio-controller, where 0 removes the rule; v2: cgroup-v2, "io.max", in the kernel's documentation.
 */
export function cgroupLimits(limits: Limits, deviceNumber: string, version: CgroupVersion): LimitLine[] {
  const iops = limits.iopsLimit;
  const bytesPerSecond = mebibytesToBytes(limits.throughputLimitMiBps);
  if (version === 2) {
    const max = (value: number) => (value === 0 ? "max" : String(value));
    const rate = `rbps=${max(bytesPerSecond)} wbps=${max(bytesPerSecond)} riops=${max(iops)} wiops=${max(iops)}`;
    return [{ file: "io.max", line: `${deviceNumber} ${rate}` }];
  }
  return [
    { file: "blkio.throttle.read_iops_device", line: `${deviceNumber} ${iops}` },
    { file: "blkio.throttle.write_iops_device", line: `${deviceNumber} ${iops}` },
    { file: "blkio.throttle.read_bps_device", line: `${deviceNumber} ${bytesPerSecond}` },
    { file: "blkio.throttle.write_bps_device", line: `${deviceNumber} ${bytesPerSecond}` },
  ];
}

/** The hierarchy that can limit I/O here; undefined when none can. */
export async function detectCgroup(): Promise<CgroupHierarchy | undefined> {
  const mounts = await readMounts();
  const v1 = mounts.find((mount) => mount.type === "cgroup" && mount.superOptions.includes("blkio"));
  if (v1 !== undefined) return { version: 1, root: v1.path };
  for (const { path: root } of mounts.filter((mount) => mount.type === "cgroup2")) {
    const controllers = (await readIfThere(path.join(root, "cgroup.controllers"))) ?? "";
    if (controllers.trim().split(" ").includes("io")) return { version: 2, root };
  }
  return undefined;
}

/**
 * Puts the limits of these volumes on a cgroup, such as a container's own, and keeps them there: `updateVolume` changes
 * them, `deleteVolume` takes them away. A volume without a device (mode "directory") is told in its outcome, not refused.
 * Problems: `limits-unavailable`, `not-found`.
 */
export async function applyLimits(cgroupPath: string, volumeIds: readonly string[]): Promise<LimitOutcome[]> {
  return tellingErrors(`limits on ${cgroupPath}`, async () => {
    const hierarchy = await requireHierarchy();
    await checkCgroup(hierarchy, cgroupPath);
    if (hierarchy.version === 2) await enableIo(hierarchy.root, path.dirname(cgroupPath));
    const outcomes: LimitOutcome[] = [];
    for (const id of new Set(volumeIds)) outcomes.push(await register(hierarchy, cgroupPath, id));
    return outcomes;
  });
}

/**
 * Moves a process into a cgroup of ours with the limits of these volumes; children that it starts from then on are in it, too.
 * Processes with the same volumes share a cgroup, and so its limits. With cgroup v2 this takes the process out of its service's cgroup; call `applyLimits` on that one
 * where this matters. Problems: `limits-unavailable`, `not-found`.
 */
export async function limitProcess(pid: number, volumeIds: readonly string[]): Promise<LimitOutcome[]> {
  return tellingErrors(`limits on process ${pid}`, async () => {
    const hierarchy = await requireHierarchy();
    const cgroup = path.join(hierarchy.root, ourCgroup, cgroupName(volumeIds));
    // Whoever tidies up may remove the cgroup as long as it is empty.
    for (let attempt = 1; ; attempt++) {
      try {
        await fs.mkdir(cgroup, { recursive: true });
        const outcomes = await applyLimits(cgroup, volumeIds);
        if (outcomes.some(({ limited }) => limited)) await writeControl(path.join(cgroup, "cgroup.procs"), String(pid));
        else await removeEmptyCgroups(hierarchy);
        return outcomes;
      } catch (error) {
        if (attempt < 5 && (await lstatIfThere(cgroup)) === undefined) continue;
        await removeEmptyCgroups(hierarchy);
        if (!isSystemError(error, "ESRCH")) throw error;
        throw new LocalVolumeError("limits-unavailable", `Process ${pid} doesn't exist.`);
      }
    }
  });
}

/** Writes the volume's limits anew to every cgroup that carries them. Problems: `not-found`. */
export async function refreshLimits(id: string): Promise<void> {
  await withVolume(id, "refresh of limits", refreshLimitsHeld);
}

/** Takes the volume's limits off every cgroup that carries them. Problems: `not-found`. */
export async function clearLimits(id: string): Promise<void> {
  await withVolume(id, "clearing of limits", clearLimitsHeld);
}

/** As `refreshLimits`, for who holds the volume's lock. */
export async function refreshLimitsHeld(paths: VolumePaths, record: VolumeRecord): Promise<void> {
  const registered = await readRegister(paths);
  const hierarchy = await detectCgroup();
  if (hierarchy === undefined || registered.cgroups.length === 0) return;
  const device = await deviceOf(paths);
  const cgroups = await living(registered.cgroups);
  // Attached anew, the volume may have got another number.
  const { deviceNumber: before } = registered;
  const old = before === device ? undefined : await ifUnused(before);
  for (const cgroup of cgroups) {
    if (old !== undefined) await writeLimits(hierarchy, cgroup, unlimited, old);
    if (device !== undefined) await writeLimits(hierarchy, cgroup, record.settings, device);
  }
  await writeRegister(paths, { deviceNumber: device ?? before, cgroups });
  await removeEmptyCgroups(hierarchy);
}

/** As `clearLimits`, for who holds the volume's lock. Must come before the device is detached: its number is used again. */
export async function clearLimitsHeld(paths: VolumePaths): Promise<void> {
  const registered = await readRegister(paths);
  const hierarchy = await detectCgroup();
  if (hierarchy !== undefined && registered.cgroups.length > 0) {
    const device = (await deviceOf(paths)) ?? (await ifUnused(registered.deviceNumber));
    for (const cgroup of await living(registered.cgroups)) {
      if (device !== undefined) await writeLimits(hierarchy, cgroup, unlimited, device);
    }
    await removeEmptyCgroups(hierarchy);
  }
  await fs.rm(paths.limited, { force: true });
}

const registerSchema = z
  .object({ deviceNumber: z.string().optional(), cgroups: z.array(z.string()) })
  .catch({ cgroups: [] });

/** The cgroups that carry a volume's limits, and the device number that they were told. A damaged list counts as empty. */
type Register = z.infer<typeof registerSchema>;

async function readRegister(paths: VolumePaths): Promise<Register> {
  return registerSchema.parse(parsedJson(await readIfThere(paths.limited)));
}

async function writeRegister(paths: VolumePaths, register: Register): Promise<void> {
  await writeFileAtomically(paths.limited, `${JSON.stringify(register)}\n`);
}

async function register(hierarchy: CgroupHierarchy, cgroup: string, id: string): Promise<LimitOutcome> {
  return withVolume(id, "limiting", async (paths, record) => {
    if (record.settings.mode === "directory") {
      return { id, limited: false, reason: 'a volume with mode "directory" has no device of its own to limit' };
    }
    const deviceNumber = await deviceOf(paths);
    if (deviceNumber === undefined) return { id, limited: false, reason: "it isn't attached; repair the volume first" };
    // Noted first: a kill between the two must not leave limits that nobody knows of.
    const { cgroups } = await readRegister(paths);
    await writeRegister(paths, { deviceNumber, cgroups: await living([...new Set([...cgroups, cgroup])]) });
    await writeLimits(hierarchy, cgroup, record.settings, deviceNumber);
    return { id, limited: true };
  });
}

async function withVolume<T>(
  id: string,
  operation: string,
  action: (paths: VolumePaths, record: VolumeRecord) => Promise<T>,
): Promise<T> {
  const paths = volumePaths(id);
  const missing = new LocalVolumeError("not-found", `Volume ${id} doesn't exist.`);
  if ((await lstatIfThere(id)) === undefined) throw missing;
  return withLock(paths.stateDirectory, id, operation, async () => {
    const record = await readRecord(paths);
    if (record === undefined) throw missing;
    return action(paths, record);
  });
}

async function deviceOf(paths: VolumePaths): Promise<string | undefined> {
  const [device] = await loopDevicesOf(paths.image);
  return device?.number;
}

/** A device number that a volume once had, unless something else has it now: whose limits are then not ours to touch. */
async function ifUnused(number: string | undefined): Promise<string | undefined> {
  return number !== undefined && !(await isLoopNumberInUse(number)) ? number : undefined;
}

async function requireHierarchy(): Promise<CgroupHierarchy> {
  const hierarchy = await detectCgroup();
  if (hierarchy !== undefined) return hierarchy;
  throw new LocalVolumeError(
    "limits-unavailable",
    "No cgroup hierarchy here can limit I/O: neither cgroup v1 with blkio nor cgroup v2 with io is mounted. " +
      "Mount one, or use a profile without limits.",
  );
}

async function checkCgroup({ root }: CgroupHierarchy, cgroup: string): Promise<void> {
  const isInside = path.normalize(cgroup) === cgroup && cgroup.startsWith(`${root}/`) && !cgroup.endsWith("/");
  if (isInside && (await lstatIfThere(cgroup))?.isDirectory()) return;
  throw new LocalVolumeError(
    "limits-unavailable",
    `${cgroup} isn't a cgroup in ${root}. Use the full path of a cgroup.`,
  );
}

/** v2: a cgroup has io.max only if all those above it pass the io controller on. */
async function enableIo(root: string, parent: string): Promise<void> {
  const steps = path.relative(root, parent).split("/").filter(Boolean);
  for (let depth = 0; depth <= steps.length; depth++) {
    const control = path.join(root, ...steps.slice(0, depth), "cgroup.subtree_control");
    const enabled = (await readIfThere(control))?.trim().split(" ").includes("io");
    if (!enabled) await writeControl(control, "+io");
  }
}

async function writeLimits(hierarchy: CgroupHierarchy, cgroup: string, limits: Limits, device: string): Promise<void> {
  for (const { file, line } of cgroupLimits(limits, device, hierarchy.version)) {
    try {
      await writeControl(path.join(cgroup, file), line);
    } catch (error) {
      // The cgroup ended meanwhile, and its limits with it; or there is no device left to unlimit.
      const isGone =
        (await lstatIfThere(cgroup)) === undefined || (limits === unlimited && isSystemError(error, "ENODEV", "ENXIO"));
      if (!isGone) throw error;
    }
  }
}

async function writeControl(file: string, line: string): Promise<void> {
  try {
    await fs.writeFile(file, line, { flag: "r+" });
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ESRCH", "ENODEV", "ENXIO")) throw error;
    throw new LocalVolumeError(
      "limits-unavailable",
      `Writing "${line}" to ${file} failed: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

async function living(cgroups: readonly string[]): Promise<string[]> {
  const stats = await Promise.all(cgroups.map(lstatIfThere));
  return cgroups.filter((_, index) => stats[index] !== undefined);
}

/** Removes cgroups of ours without processes. The kernel refuses to remove one that has any. */
async function removeEmptyCgroups({ root }: CgroupHierarchy): Promise<void> {
  const parent = path.join(root, ourCgroup);
  const names = (await namesIn(parent)) ?? [];
  for (const cgroup of [...names.map((name) => path.join(parent, name)), parent]) {
    if (!(await lstatIfThere(cgroup))?.isDirectory()) continue;
    await ifThere(fs.rmdir(cgroup)).catch((error: unknown) => {
      if (!isSystemError(error, "EBUSY", "ENOTEMPTY")) throw error;
    });
  }
}

/** The same for the same volumes, whatever their order. */
function cgroupName(volumeIds: readonly string[]): string {
  return createHash("sha256")
    .update([...new Set(volumeIds)].sort().join("\n"))
    .digest("hex")
    .slice(0, 32);
}
