// Where local volumes live unless somebody says another place.
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * The directory that holds local volumes unless the stack's config says another: /var/lib/storage-profiles for root on
 * Linux, else `storage-profiles` below XDG_STATE_HOME (~/.local/state).
 */
export function defaultStateDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  if (process.platform === "linux" && process.geteuid?.() === 0) return "/var/lib/storage-profiles";
  return join(environment["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state"), "storage-profiles");
}
