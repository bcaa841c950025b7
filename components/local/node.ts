// Local volumes for the Docker plugin: an `up` has attached and mounted them, so here they are looked at, and their containers limited.
import type { ContainerWatch, NodeStorage, NodeVolume, WatchOptions } from "../../src/docker/node";
import { watchContainers } from "./container-limits";
import { inspectVolume } from "./inspect";
import { isWithin, type Mount } from "./mountinfo";
import { otherMounts } from "./users";

/** How often containers are looked for that were missed when they started. */
const scanEveryMs = 10_000;

export function localNode(): NodeStorage {
  return {
    scope: "local",
    mountedAt: whereMounted,
    mount: whereMounted,
    // It stays mounted: that costs nothing, and the next container finds it.
    unmount: () => Promise.resolve(),
    usersOf: async ({ volumeId }) => {
      const state = await inspectVolume(volumeId);
      if (!state?.mounted) return [];
      const { deviceNumber, mountPath } = state;
      const isOurs = ({ deviceNumber: number, root }: Mount) =>
        deviceNumber === null ? isWithin(root, mountPath) : number === deviceNumber;
      return otherMounts(isOurs, mountPath);
    },
    watchContainers: keepLimits,
  };
}

/** A volume that isn't in order isn't anywhere: the `up` that repairs it is wanted first. */
async function whereMounted({ volumeId }: NodeVolume): Promise<string | undefined> {
  const state = await inspectVolume(volumeId);
  return state?.mounted && state.problems.length === 0 ? state.mountPath : undefined;
}

async function keepLimits({ volumes, log }: WatchOptions): Promise<ContainerWatch> {
  const limits = await watchContainers(log);
  if (limits === undefined) {
    log("No cgroup can limit I/O on this machine: the limits of local volumes don't hold for containers.");
    return { expect: () => Promise.resolve(), stop: () => undefined };
  }
  const scan = async () => limits.scan((await volumes()).map(({ volumeId }) => volumeId));
  const tell = (error: unknown) => log(`Limits of containers: ${(error as Error).message}`);
  const timer = setInterval(() => void scan().catch(tell), scanEveryMs).unref();
  await scan();
  return {
    async expect({ volumeId }) {
      const state = await inspectVolume(volumeId);
      if (state) limits.expect(state);
    },
    stop() {
      clearInterval(timer);
      limits.stop();
    },
  };
}
