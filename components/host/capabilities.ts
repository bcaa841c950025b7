// Whether this machine and user can make volumes of mode "loop", without trying.
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import * as path from "node:path";

import { commandPath } from "./command";
import { LocalVolumeError } from "./errors";

/** What mode "loop" runs; all of it is in util-linux and e2fsprogs. */
const tools = ["losetup", "mount", "umount", "mkfs.ext4", "e2fsck", "resize2fs", "e2undo"];

/** Bits of CapEff in /proc/<pid>/status, see capabilities(7). */
const capabilityBits = { CAP_SYS_ADMIN: 21, CAP_SYS_RESOURCE: 24 } as const;

/** Whether volumes of mode "loop" can be made here; if not, `reason` says what is missing. Starts no process. */
export function localCapabilities(): { loop: boolean; reason?: string } {
  const missing = missingForLoop();
  return missing.length === 0 ? { loop: true } : { loop: false, reason: missing.join("; ") };
}

/** Refuses what only mode "loop" can do where it can't be had. Problems: `missing-capability`. */
export function requireLoop(what: string): void {
  const { loop, reason } = localCapabilities();
  if (loop) return;
  throw new LocalVolumeError(
    "missing-capability",
    `${what}: mode "loop" isn't possible here: ${reason}. ` +
      `Either run as root on Linux with these in place, or set storage-profiles:local.mode to directory ` +
      `(which enforces neither size nor limits).`,
  );
}

/** Whether this process has a capability of the Linux kernel. */
export function hasCapability(capability: keyof typeof capabilityBits): boolean {
  const status = readFileSync("/proc/self/status", "utf8");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return ((effective >> BigInt(capabilityBits[capability])) & 1n) === 1n;
}

function missingForLoop(): string[] {
  if (process.platform !== "linux") return [`this is ${process.platform}, and loop devices are Linux's`];
  const missing: string[] = [];
  if (process.geteuid?.() !== 0) missing.push(`the user isn't root (but ${process.geteuid?.()})`);
  else if (!hasCapability("CAP_SYS_ADMIN")) missing.push("root lacks CAP_SYS_ADMIN (an unprivileged container?)");
  const notInstalled = tools.filter((tool) => !isInstalled(tool));
  if (notInstalled.length > 0)
    missing.push(`${notInstalled.join(", ")} not found (Debian: apt install util-linux e2fsprogs)`);
  if (!existsSync("/dev/loop-control"))
    missing.push("there is no /dev/loop-control (load the kernel module: modprobe loop)");
  return missing;
}

function isInstalled(tool: string): boolean {
  return commandPath.split(":").some((directory) => {
    try {
      accessSync(path.join(directory, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
