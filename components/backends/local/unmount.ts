// Unmounts a volume, but only if nobody uses it: neither here nor in a container.
import { allLoopDevicesOf } from "./loop-device";
import { foreignMount, mountAt, realPath, refuseFilesUnderMount } from "./observed";
import type { Mount } from "../../host/mountinfo";
import { mountVolume, unmountVolume } from "../../host/mounts";
import type { VolumePaths } from "./paths";
import { lasting, otherMounts, refuseUsed } from "../../host/users";

/** Unmounts the volume, if it is mounted. Problems: `in-use`, `foreign-mount`, `foreign-files`; then it is as before. */
export async function unmountUnused(paths: VolumePaths): Promise<void> {
  const devices = await allLoopDevicesOf(paths.image);
  const isVolume = (mount: Mount) => devices.some((device) => device.number === mount.deviceNumber);
  const mountPath = await realPath(paths.mount);
  // Containers have mounts of their own: ours could be unmounted under their feet.
  refuseUsed(paths.mount, await lasting(() => otherMounts(isVolume, mountPath)));
  // A copy of the mount that didn't go away with ours is somebody's, too.
  refuseUsed(
    paths.mount,
    await lasting(async () => {
      let unmounted: string | undefined;
      for (let mount = await mountAt(paths); mount !== undefined; mount = await mountAt(paths)) {
        const { deviceNumber } = mount;
        unmounted = devices.find(({ number }) => number === deviceNumber)?.path;
        if (unmounted === undefined) throw foreignMount(paths, mount);
        await unmountVolume(mountPath);
      }
      const left = unmounted === undefined ? [] : await otherMounts(isVolume, "");
      if (unmounted !== undefined && left.length > 0) await mountVolume(unmounted, mountPath);
      return left;
    }),
  );
  await refuseFilesUnderMount(paths);
}
