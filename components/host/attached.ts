// Volumes of a backend that attaches them to machines, for the Docker plugin: attached, mounted, unmounted, detached.
//
// The plugin asks the backend itself, and not an `up` of the stack: which machine has a volume is decided by where a container starts, a
// call of Docker is short, and what is attached where the backend knows best. So nothing of it is in the stack's state, and an `up` neither
// attaches nor detaches what the plugin did. What somebody else has attached to this machine is used, and left attached.

import { existsSync, promises as fs } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

import type { Settings } from "../../src";
import {
  NodeError,
  type ContainerWatch,
  type NodeStorage,
  type NodeVolume,
  type Waiting,
  type WatchOptions,
} from "./contract";
import { oneAtATime } from "./queue";
import { hasCapability } from "./capabilities";
import { CommandError, run } from "./command";
import { LocalVolumeError } from "./errors";
import { growMounted, growUnmounted, readSuperblock, recoverGrowth } from "./filesystem";
import { readMounts, type Mount } from "./mountinfo";
import { mountDevice } from "./mounts";
import { refuseUnsafeDirectory } from "./trust";
import { otherMounts, patience, type Sight, textsOf } from "./users";
import { contentOf, sizeOf } from "./blank";
import { deviceOf, findDevice, numberOf, waitForDevice, type DeviceNames } from "./device";

/** How a backend attaches. Every method may be called twice. */
export interface NodeAttacher {
  /** Whether the volume is attached to this machine now, by what its backend says. */
  isAttached(volume: NodeVolume, waiting: Waiting): Promise<boolean>;
  /** Attaches it, or has what is attached as it should be. Errors: `NodeError`, and the backend's own. */
  attach(volume: NodeVolume, waiting: Waiting): Promise<void>;
  /** Whether the attachment has limits of the volume's settings, which must follow them. */
  hasLimits?: boolean;
  /** Detaches it, and waits until it is. */
  detach(volume: NodeVolume, waiting: Waiting): Promise<void>;
  /** The other machines that have it, in words. A file system on two machines at once is destroyed. */
  others(volume: NodeVolume): Promise<string[]>;
  /** How its device is known, once it is attached. */
  device(volume: NodeVolume): Promise<DeviceNames>;
}

export interface AttachedOptions {
  backend: string;
  attacher: NodeAttacher;
  env: NodeJS.ProcessEnv;
  /** Whether an error of the attacher has a message for people. */
  isTold?: (error: unknown) => boolean;
}

/** The file systems that are mounted as they are. */
const KNOWN = ["ext4", "ext3", "ext2", "xfs", "btrfs"];

/** Of a volume one thing at a time: what follows an `up` must not attach what a container has just left. */
const alone = oneAtATime();

/** How often mounted volumes are looked at for what an `up` has changed: size and limits. */
const LOOK_EVERY_MS = 2_000;
/** How long the kernel may show a container that has ended. */
const ENDING_MS = 3_000;
const LOOK_LIMIT_MS = 60_000;

/** What is remembered of a volume that we attached. */
interface AttachedRecord {
  name: string;
  attachedAt: string;
  /** What it was attached with. */
  settings: Settings;
}

/** A backend's volumes on this machine. */
export function attachedStorage({ backend, attacher, env, isTold }: AttachedOptions): NodeStorage {
  const mounts = join(env["STORAGE_PROFILES_MOUNTS"] ?? "/run/storage-profiles/mounts", backend);
  const records = join(env["STORAGE_PROFILES_NODE_STATE"] ?? "/var/lib/storage-profiles-node", backend);
  const placeOf = ({ volumeId }: NodeVolume) => join(mounts, fileName(volumeId));
  // That it was us who attached it: written before that is begun.
  const recordOf = ({ volumeId }: NodeVolume) => join(records, fileName(volumeId));

  const mounted = async (volume: NodeVolume) => {
    const place = placeOf(volume);
    return (await readMounts()).findLast(({ path }) => path === place);
  };

  async function mount(volume: NodeVolume, waiting: Waiting): Promise<string> {
    const place = placeOf(volume);
    if (await mounted(volume)) {
      await follow(volume, waiting);
      return place;
    }
    waiting.for(`${volume.volumeId} on ${backend} to be attached`);
    await refuseOthers(volume);
    const isOurs = !(await attacher.isAttached(volume, waiting));
    if (isOurs) await record(volume);
    await attacher.attach(volume, waiting);
    // One that an earlier call attached, which was killed then.
    if (!isOurs && (await recorded(volume))) await record(volume);
    // Another machine may have done the same in the same moment. Then neither goes on.
    await refuseOthers(volume).catch(async (error: unknown) => {
      if (isOurs) await release(volume, waiting);
      throw error;
    });
    const device = await waitForDevice(volume, await attacher.device(volume), waiting);
    waiting.for(`the file system on ${device}`);
    const type = await fileSystemOn(device, volume);
    if (type.startsWith("ext")) await growBefore(device, `${recordOf(volume)}.undo`);
    await fs.mkdir(place, { recursive: true, mode: 0o700 });
    refuseUnsafeDirectory(place);
    await mountAt(device, type, place, volume);
    if (type.startsWith("ext")) await growMountedTo(device);
    return place;
  }

  async function unmount(volume: NodeVolume, waiting: Waiting): Promise<void> {
    const place = placeOf(volume);
    await refuseUsed(volume, waiting);
    waiting.for(`${place} to be unmounted`);
    // Where mounts aren't passed on to other mount namespaces, one that was made meanwhile has a copy: a container that is starting has one of
    // every mount of the machine, for a moment. So long the file system is in use, and not all of it is on the device.
    let last: Mount | undefined;
    await left(
      volume,
      async () => {
        last = (await mounted(volume)) ?? last;
        while (await mounted(volume)) {
          try {
            await run("umount", [place], 120);
          } catch (error) {
            if (!(error instanceof CommandError)) throw error;
            throw inUse(volume, await usersOf(volume));
          }
        }
        const copies = await copiesOf(volume, last);
        if (copies.length > 0 && last) await mountDevice(last.source, place, last.type, "nodev");
        return copies;
      },
      waiting,
    );
    await fs.rmdir(place).catch(() => undefined);
    if (existsSync(recordOf(volume))) await release(volume, waiting);
  }

  /** Who has the file system mounted, in whatever mount namespace. Unmounted before, by a run that was killed, it is known by its device. */
  async function copiesOf(volume: NodeVolume, last: Mount | undefined): Promise<Sight[]> {
    if (last) return otherMounts(({ deviceNumber }) => deviceNumber === last.deviceNumber, "");
    if (!existsSync(recordOf(volume))) return [];
    const device = await findDevice(await attacher.device(volume));
    if (device === undefined) return [];
    const number = await numberOf(device);
    return otherMounts(({ deviceNumber, source }) => deviceNumber === number || source === device, "");
  }

  async function release(volume: NodeVolume, waiting: Waiting): Promise<void> {
    waiting.for(`${volume.volumeId} on ${backend} to be detached`);
    await attacher.detach(volume, waiting);
    await fs.rm(recordOf(volume), { force: true });
  }

  /** Brings a mounted volume to what an `up` has made of it meanwhile. */
  async function follow(volume: NodeVolume, waiting: Waiting): Promise<void> {
    const mount = await mounted(volume);
    if (!mount) return;
    if (mount.type.startsWith("ext")) await growMountedTo(await deviceOf(mount.deviceNumber));
    if (attacher.hasLimits !== true) return;
    const known = await recorded(volume);
    if (known === undefined || isDeepStrictEqual(known.settings, volume.settings)) return;
    waiting.for(`the limits of ${volume.volumeId} on ${backend}`);
    await attacher.attach(volume, waiting);
    await record(volume);
  }

  async function recorded(volume: NodeVolume): Promise<Partial<AttachedRecord> | undefined> {
    const text = await fs.readFile(recordOf(volume), "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as Partial<AttachedRecord>;
    } catch {
      return {}; // written in the moment of a crash
    }
  }

  async function record(volume: NodeVolume): Promise<void> {
    const { name, settings } = volume;
    const known: AttachedRecord = { name, attachedAt: new Date().toISOString(), settings };
    await fs.mkdir(records, { recursive: true, mode: 0o700 });
    refuseUnsafeDirectory(records);
    await fs.writeFile(recordOf(volume), `${JSON.stringify(known)}\n`);
  }

  // Unmounting it here would succeed, and the device be taken away below those who have it mounted elsewhere.
  async function refuseUsed(volume: NodeVolume, waiting: Waiting): Promise<void> {
    await left(volume, () => sightsOf(volume), waiting);
  }

  async function left(volume: NodeVolume, sightsNow: () => Promise<Sight[]>, waiting: Waiting): Promise<void> {
    const isTooLong = patience(ENDING_MS);
    for (;;) {
      const sights = await sightsNow();
      if (sights.length === 0) return;
      const users = textsOf(sights);
      if (isTooLong(sights) || waiting.signal.aborted) throw inUse(volume, users);
      waiting.for(`${volume.name} to be released by ${users.join("; ")}`);
      await sleep(50);
    }
  }

  function inUse(volume: NodeVolume, users: readonly string[]): NodeError {
    const by = users.length > 0 ? ` by ${users.join("; ")}` : "";
    const place = placeOf(volume);
    return new NodeError(
      `${volume.name} can't be unmounted from ${place}: it is in use${by}. Stop that and try again.`,
    );
  }

  async function refuseOthers(volume: NodeVolume): Promise<void> {
    const others = await attacher.others(volume);
    if (others.length === 0) return;
    throw new NodeError(
      `${volume.name} is attached to ${others.join(", ")}: a file system can be mounted on one machine at a time. ` +
        "Stop its containers there, or detach it, and try again.",
    );
  }

  async function usersOf(volume: NodeVolume): Promise<string[]> {
    return textsOf(await sightsOf(volume));
  }

  async function sightsOf(volume: NodeVolume): Promise<Sight[]> {
    const mount = await mounted(volume);
    if (!mount) return [];
    return otherMounts(({ deviceNumber }) => deviceNumber === mount.deviceNumber, mount.path);
  }

  return {
    scope: "global",
    mountedAt: async (volume) => (await mounted(volume))?.path,
    mount: (volume, waiting) => alone(placeOf(volume), waiting, () => told(() => mount(volume, waiting))),
    unmount: (volume, waiting) => alone(placeOf(volume), waiting, () => told(() => unmount(volume, waiting))),
    usersOf,
    watchContainers: (options) => Promise.resolve(watch(options)),
  };

  // Containers that run see what becomes of their volumes.
  function watch({ volumes, log }: WatchOptions): ContainerWatch {
    let isLooking = false;
    const said = new Map<string, string>();
    const tell = (of: string, message: string) => {
      if (said.get(of) !== message) log(message);
      said.set(of, message);
    };
    const look = async (volume: NodeVolume) => {
      const waiting: Waiting = { for: () => undefined, signal: AbortSignal.timeout(LOOK_LIMIT_MS) };
      try {
        await alone(placeOf(volume), waiting, () => follow(volume, waiting));
        said.delete(volume.volumeId);
      } catch (error) {
        const { message } = error as Error;
        tell(volume.volumeId, `the settings of ${volume.name} can't be applied: ${message}`);
      }
    };
    const timer = setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      void volumes()
        .then((found) => Promise.all(found.map(look)))
        .then(() => said.delete(""))
        .catch((error: unknown) => tell("", `Mounted volumes can't be inspected: ${(error as Error).message}`))
        .finally(() => (isLooking = false));
    }, LOOK_EVERY_MS).unref();
    return { expect: () => Promise.resolve(), stop: () => clearInterval(timer) };
  }

  // What a command or the backend says of itself is for people as it is.
  async function told<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LocalVolumeError) && isTold?.(error) !== true) throw error;
      throw new NodeError((error as Error).message, { cause: error });
    }
  }
}

// No id of a backend has a slash; should one, it must not lead anywhere.
function fileName(id: string): string {
  return encodeURIComponent(id).replace(/^\.+/, "_");
}

/** The type of the file system on a device, made where the device is blank. Errors: `NodeError`, with what was found. */
async function fileSystemOn(device: string, volume: NodeVolume): Promise<string> {
  const content = await contentOf(device);
  if (content.is === "file-system" && KNOWN.includes(content.type)) return content.type;
  if (content.is !== "blank") throw notBlank(device, volume, content);
  // Looked at a second time right before: by then the device has settled, if it ever hadn't.
  await run("blockdev", ["--flushbufs", device], 60);
  const again = await contentOf(device);
  if (again.is !== "blank") throw notBlank(device, volume, again);
  const number = await numberOf(device);
  if ((await readMounts()).some(({ deviceNumber }) => deviceNumber === number)) {
    throw new NodeError(
      `${device}, the device of ${volume.name}, is mounted elsewhere on this machine; it is left unchanged.`,
    );
  }
  const label = Buffer.byteLength(volume.name) <= 16 ? ["-L", volume.name] : [];
  // As for local volumes. mke2fs itself refuses a device that is mounted or held by anybody.
  await run("mkfs.ext4", ["-q", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", ...label, device], 600);
  return "ext4";
}

function notBlank(
  device: string,
  { name, volumeId }: NodeVolume,
  content: { found: string } | { type: string },
): NodeError {
  const found = "found" in content ? content.found : `a file system (${content.type}) that isn't mounted here`;
  return new NodeError(
    `${name} (${volumeId}, ${device}) isn't formatted, because it isn't blank: ${found}. Allowed: a blank volume, or one with ` +
      `${KNOWN.join(", ")} on the whole device. If you don't need its data, erase it: blkdiscard -z ${device}`,
  );
}

async function mountAt(device: string, type: string, place: string, volume: NodeVolume): Promise<void> {
  try {
    // What a crash left is repaired as at a boot; what needs a decision is left to people.
    if (type.startsWith("ext")) await check(device);
    await mountDevice(device, place, type, "nodev");
  } catch (error) {
    await fs.rmdir(place).catch(() => undefined);
    if (!(error instanceof CommandError)) throw error;
    throw new NodeError(`${volume.name} can't be mounted: ${error.message}`);
  }
}

async function check(device: string): Promise<void> {
  try {
    await run("e2fsck", ["-p", device], 3600);
  } catch (error) {
    // 1: errors were corrected.
    if (!(error instanceof CommandError) || error.exitCode !== 1) throw error;
  }
}

/** Grows the file system to what the volume has grown to. While it is mounted: that can be interrupted at any time. */
async function growMountedTo(device: string): Promise<void> {
  if (hasCapability("CAP_SYS_RESOURCE") && (await isSmaller(device))) await growMounted(device);
}

/** The same, for a process that may not do that: before it is mounted, with a file on the side that makes it safe. */
async function growBefore(device: string, undo: string): Promise<void> {
  await recoverGrowth(device, { undo });
  if (hasCapability("CAP_SYS_RESOURCE") || !(await isSmaller(device))) return;
  await fs.mkdir(join(undo, ".."), { recursive: true, mode: 0o700 });
  await growUnmounted(device, { undo });
}

async function isSmaller(device: string): Promise<boolean> {
  const superblock = await readSuperblock(device);
  return superblock !== undefined && superblock.sizeBytes < (await sizeOf(device)) - 2 ** 20;
}
