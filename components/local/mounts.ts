// Mounts volumes and unmounts them, with mount(8) and umount(8).
import { CommandError, run } from "./command";
import { sleep } from "./files";
import { refuseUsed, usersOf } from "./users";

/** Mounts an ext4 volume. No devices and no set-uid programs: its content is data, whoever wrote it. */
export async function mountVolume(device: string, path: string): Promise<void> {
  // ext4's own default is to carry on after an error; a disk that filled up below must stop the writing instead.
  await run("mount", ["-t", "ext4", "-o", "nodev,nosuid,errors=remount-ro", device, path], 120);
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
          users.length > 0 ? users : ["no process that can be seen (a swap file, loop device or NFS export inside?)"],
        );
      }
      // Something may just have had a look at it.
      await sleep(300);
    }
  }
}
