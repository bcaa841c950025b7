// A real browser for tests of the status page: Debian's Chromium, driven by playwright-core. Where it isn't there, and this is a
// machine where apt may install it (root on Debian), it is installed once; elsewhere the tests are skipped.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser's executable, or why there is none. */
export function browser(): { path: string; reason?: undefined } | { path?: undefined; reason: string } {
  const found = PLACES.find((each) => existsSync(each));
  if (found) return { path: found };
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get"))
    return { reason: "no Chromium, and apt can't install it" };
  console.warn("Installing Chromium with apt-get, once");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
  ]) {
    const { status } = spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
      env,
      stdio: "ignore",
      timeout: 240_000,
    });
    if (status !== 0) return { reason: `no Chromium, and \`apt-get ${args[0] ?? ""}\` fails` };
  }
  const now = PLACES.find((each) => existsSync(each));
  return now ? { path: now } : { reason: "no Chromium after its installation" };
}
