// Local volumes for the Docker plugin: an `up` has attached and mounted them, so here they are looked at, and their containers limited.
import type { ContainerWatch, NodeStorage, WatchOptions } from "../../host/contract";
import { watchContainers } from "./container-limits";
import { inspectVolume, type LocalVolumeState } from "./inspect";
import { isWithin, type Mount, readMounts } from "../../host/mountinfo";
import { otherMounts, textsOf } from "../../host/users";

/** How often containers are looked for that were missed when they started. */
const scanEveryMs = 10_000;

/** Volumes that were in order when they were last looked at as a whole. */
type Known = Map<string, LocalVolumeState>;

export function localNode(): NodeStorage {
  const known: Known = new Map();
  return {
    scope: "local",
    async mountedAt({ volumeId }) {
      // Docker asks four times for each container. That the same device is still mounted is soon seen.
      const last = known.get(volumeId);
      return last && (await isStillMounted(last)) ? last.mountPath : look(known, volumeId);
    },
    mount: ({ volumeId }) => look(known, volumeId),
    // It stays mounted: that costs nothing, and the next container finds it.
    unmount: () => Promise.resolve(),
    usersOf: async ({ volumeId }) => {
      const state = await inspectVolume(volumeId);
      if (!state?.mounted) return [];
      const { deviceNumber, mountPath } = state;
      const isOurs = ({ deviceNumber: number, root }: Mount) =>
        deviceNumber === null ? isWithin(root, mountPath) : number === deviceNumber;
      return textsOf(await otherMounts(isOurs, mountPath));
    },
    watchContainers: (options) => keepLimits(known, options),
  };
}

/** Where a volume is. One that isn't in order isn't anywhere: the `up` that repairs it is wanted first. */
async function look(known: Known, id: string): Promise<string | undefined> {
  const state = await inspectVolume(id);
  if (!state?.mounted || state.problems.length > 0) {
    known.delete(id);
    return undefined;
  }
  known.set(id, state);
  return state.mountPath;
}

async function isStillMounted({ deviceNumber, mountPath }: LocalVolumeState): Promise<boolean> {
  if (deviceNumber === null) return false;
  const mounts = await readMounts();
  return mounts.findLast(({ path }) => path === mountPath)?.deviceNumber === deviceNumber;
}

async function keepLimits(known: Known, { volumes, log }: WatchOptions): Promise<ContainerWatch> {
  const limits = await watchContainers(log);
  if (limits === undefined) {
    log("No cgroup can limit I/O on this machine: the limits of local volumes aren't enforced for containers.");
    return { expect: () => Promise.resolve(), stop: () => undefined };
  }
  const scan = async () => limits.scan((await volumes()).map(({ volumeId }) => volumeId));
  const tell = (error: unknown) => log(`Limits of containers: ${(error as Error).message}`);
  const timer = setInterval(() => void scan().catch(tell), scanEveryMs).unref();
  await scan();
  return {
    async expect({ volumeId }) {
      // It was looked at for the mount, a moment ago.
      const state = known.get(volumeId) ?? (await inspectVolume(volumeId));
      if (state) limits.expect(state);
    },
    stop() {
      clearInterval(timer);
      limits.stop();
    },
  };
}
