// Limits for containers: a container's own cgroup is told the limits of the volumes that it is to use, between the moment that it is made
// and the first instruction of the container; then the volume notes it, so that a change of profile reaches it.
import { type FSWatcher, promises as fs, readdirSync, watch, writeFileSync } from "node:fs";
import * as path from "node:path";

import { monotonic } from "../../../src/system/monotonic";
import { lstatIfThere, readIfThere } from "../../host/files";
import { inspectVolume, type LocalVolumeState } from "./inspect";
import { applyLimits, type CgroupHierarchy, cgroupLimits, detectCgroup, type LimitLine } from "./limits";
import { readMounts } from "../../host/mountinfo";

/** Keeps containers under the limits of volumes. */
export interface ContainerLimits {
  /** A container is about to start with this volume: from now on its limits will be there before the container's first write. */
  expect(volume: LocalVolumeState): void;
  /** Looks for the containers that use these volumes now, and puts those under their limits that aren't yet. */
  scan(ids: readonly string[]): Promise<void>;
  stop(): void;
}

/** Docker calls the cgroup of a container by its id: `<id>`, or as a unit of systemd `docker-<id>.scope`. */
const containerCgroup = /^(?:.*-)?[0-9a-f]{64}(?:\.scope)?$/;

/** How long a container may take from the call that asks for its volume to its first instruction. */
const expectMs = 120_000;

/**
 * How long after a container was made to look what it uses. It has its limits by then; what is still missing is that its volumes know of
 * it, for changes that come later. A container that is over by then costs nothing.
 */
const lookMs = 1_000;

/**
 * Watches for containers from now on; nothing where no cgroup can limit I/O here.
 *
 * @param log takes what there is to tell
 */
export async function watchContainers(log: (line: string) => void): Promise<ContainerLimits | undefined> {
  const hierarchy = await detectCgroup();
  if (hierarchy === undefined) return undefined;
  const expected = new Map<string, { lines: LimitLine[]; until: number }>();
  const known = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  let scanning: Promise<void> = Promise.resolve();

  const scan = (ids: readonly string[]) => (scanning = scanning.then(() => scanOnce(hierarchy, ids, known, log)));
  const later = (milliseconds: number, ids: readonly string[]) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void scan(ids);
    }, milliseconds);
    timers.add(timer.unref());
  };
  const stopWatching = watchCgroups(hierarchy, (cgroup) => {
    for (const [id, { until }] of expected) if (until < monotonic.now()) expected.delete(id);
    if (expected.size === 0) return;
    // Which of the volumes the container has can't be seen yet. A limit on a device that it doesn't have does nothing.
    for (const { lines } of expected.values()) writeNow(hierarchy, cgroup, lines);
    const ids = [...expected.keys()];
    later(lookMs, ids);
  });

  return {
    expect({ id, record, deviceNumber }) {
      if (record === null || deviceNumber === null) return;
      const lines = cgroupLimits(record.settings, deviceNumber, hierarchy.version);
      expected.set(id, { lines, until: monotonic.now() + expectMs });
    },
    scan,
    stop() {
      stopWatching();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** Calls back for each cgroup of a container that is made from now on. At once: the container hasn't begun to run then. */
function watchCgroups({ root }: CgroupHierarchy, made: (cgroup: string) => void): () => void {
  const watchers = new Map<string, FSWatcher>();
  const seen = new Set<string>();
  // Containers' cgroups are one or a few steps down: docker/<id>, system.slice/docker-<id>.scope, or where --cgroup-parent says.
  const depthOf = (directory: string) => path.relative(root, directory).split("/").filter(Boolean).length;
  const found = (directory: string, isNew: boolean) => {
    if (containerCgroup.test(path.basename(directory))) {
      if (isNew && !seen.has(directory)) made(directory);
      seen.add(directory);
    } else if (depthOf(directory) < 4) follow(directory, isNew);
  };
  const follow = (directory: string, isNew: boolean) => {
    if (watchers.has(directory)) return;
    try {
      const watcher = watch(directory, (event, name) => {
        if (event === "rename" && name !== null) found(path.join(directory, name), true);
      });
      watcher.on("error", () => forget(directory));
      watchers.set(directory, watcher);
      for (const entry of readdirSync(directory, { withFileTypes: true })) {
        if (entry.isDirectory()) found(path.join(directory, entry.name), isNew);
      }
    } catch {
      forget(directory); // it is no directory, or is gone again
    }
  };
  const forget = (directory: string) => {
    watchers.get(directory)?.close();
    watchers.delete(directory);
  };
  follow(root, false);
  return () => [...watchers.keys()].forEach(forget);
}

function writeNow({ root, version }: CgroupHierarchy, cgroup: string, lines: readonly LimitLine[]): void {
  if (version === 2) {
    // A cgroup has io.max only if all those above it pass the io controller on.
    const steps = path.relative(root, path.dirname(cgroup)).split("/").filter(Boolean);
    for (let depth = 0; depth <= steps.length; depth++) {
      tryWrite(path.join(root, ...steps.slice(0, depth), "cgroup.subtree_control"), "+io");
    }
  }
  for (const { file, line } of lines) tryWrite(path.join(cgroup, file), line);
}

/** What fails here is done again, and told, when the container is looked for. */
function tryWrite(file: string, line: string): void {
  try {
    writeFileSync(file, line, { flag: "r+" });
  } catch {
    // the cgroup is gone again, as a container's that failed to start
  }
}

async function scanOnce(
  hierarchy: CgroupHierarchy,
  ids: readonly string[],
  known: Set<string>,
  log: (line: string) => void,
): Promise<void> {
  try {
    const volumes = new Map<string, { id: string; mountPath: string }>();
    for (const id of ids) {
      const state = await inspectVolume(id);
      if (state?.deviceNumber != null) volumes.set(state.deviceNumber, { id, mountPath: state.mountPath });
    }
    for (const { cgroup, id } of await containersWith(hierarchy, volumes)) {
      const key = `${cgroup} ${id}`;
      if (known.has(key)) continue;
      try {
        const [outcome] = await applyLimits(cgroup, [id]);
        if (outcome?.limited) known.add(key);
      } catch (error) {
        // It may have ended meanwhile.
        if ((await lstatIfThere(cgroup)) !== undefined) throw error;
      }
    }
  } catch (error) {
    log(`Limits of containers: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The containers' cgroups in which a process sees one of these volumes' devices mounted, other than at its own place. */
async function containersWith(
  { root, version }: CgroupHierarchy,
  volumes: ReadonlyMap<string, { id: string; mountPath: string }>,
): Promise<{ cgroup: string; id: string }[]> {
  const found: { cgroup: string; id: string }[] = [];
  if (volumes.size === 0) return found;
  for (const pid of (await fs.readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const cgroup = containerOf((await readIfThere(`/proc/${pid}/cgroup`).catch(() => undefined)) ?? "", version);
    if (cgroup === undefined) continue;
    const mounts = await readMounts(Number(pid)).catch(() => []);
    for (const { deviceNumber, path: place } of mounts) {
      const volume = volumes.get(deviceNumber);
      if (volume && place !== volume.mountPath) found.push({ cgroup: path.join(root, cgroup), id: volume.id });
    }
  }
  return found;
}

/** The part of /proc/<pid>/cgroup that is a container's own cgroup; nothing for a process that is in none. */
export function containerOf(text: string, version: CgroupHierarchy["version"]): string | undefined {
  for (const line of text.split("\n")) {
    const [, controllers = "", ...rest] = line.split(":");
    if (version === 2 ? controllers !== "" : !controllers.split(",").includes("blkio")) continue;
    const steps = rest.join(":").split("/");
    const last = steps.findLastIndex((step) => containerCgroup.test(step));
    if (last >= 0) return steps.slice(0, last + 1).join("/");
  }
  return undefined;
}
