// Mounts volumes and unmounts them, with mount(8) and umount(8).
import { CommandError, run } from "./command";
import { openDirectory, pathOf, sleep } from "./files";
import { refuseUsed, usersOf } from "./users";

/** Mounts an ext4 volume. No devices and no set-uid programs: its content is data, whoever wrote it. */
export async function mountVolume(device: string, path: string): Promise<void> {
  // ext4's own default is to carry on after an error; a disk that filled up below must stop the writing instead.
  await mountDevice(device, path, "ext4", "nodev,nosuid,errors=remount-ro");
}

/** Mounts a device at a directory; never where a symbolic link leads that somebody has put in its place. */
export async function mountDevice(device: string, directory: string, type: string, options: string): Promise<void> {
  const handle = await openDirectory(directory);
  try {
    // The directory by its descriptor; with the dot, mount(8) doesn't take it for a link.
    const target = `${pathOf(handle, directory)}/.`;
    await run("mount", ["--no-canonicalize", "-t", type, "-o", options, device, target], 300);
  } finally {
    await handle.close();
  }
}

/** Unmounts once. Nothing is unmounted lazily or by force. Problems: `in-use`, naming the processes. */
export async function unmountVolume(path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      // Writes what is still in memory, which can take its time.
      await run("umount", ["--no-canonicalize", path], 300);
      return;
    } catch (error) {
      if (!(error instanceof CommandError) || !error.stderr.includes("busy")) throw error;
      if (attempt === 2) {
        const users = await usersOf(path);
        refuseUsed(
          path,
          users.length > 0 ? users : ["no visible process (a swap file, loop device or NFS export inside?)"],
        );
      }
      // Something may just have had a look at it.
      await sleep(300);
    }
  }
}
