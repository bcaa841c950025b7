// A real browser: the machine's own Chromium, or Debian's, which is installed once where that can be done.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

import { chromium, type Browser } from "playwright-core";

import { limitMs } from "../../tools/test/time.js";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

// Nothing but this machine is asked for anything, and nobody is asked a question.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/** Where the browser is, or why there is none. Installs it where it is missing, which takes about a minute. */
export function findBrowser(): { path: string } | { reason: string } {
  const found = PLACES.find((each) => existsSync(each));
  if (found !== undefined) return { path: found };
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get"))
    return { reason: "there is no Chromium, and it can be installed by apt-get as root only" };
  process.stdout.write("Installing Chromium: apt-get install chromium\n");
  const update = aptGet(["update"], 120);
  const install = aptGet(["install", "-y", "--no-install-recommends", "chromium"], 300);
  const installed = PLACES.find((each) => existsSync(each));
  return installed === undefined
    ? { reason: `Chromium can't be installed: ${install || update || "apt-get says nothing"}` }
    : { path: installed };
}

/** Starts the browser, with a directory of its own that goes when it ends. */
export function startBrowser(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, headless: true, args: FLAGS, timeout: limitMs(60) });
}

// The last words of a run that failed; nothing where it didn't.
function aptGet(args: string[], seconds: number): string {
  const options = ["-qq", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2"];
  const { status, stderr, error } = spawnSync("apt-get", [...options, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
    timeout: limitMs(seconds),
  });
  if (status === 0) return "";
  return error?.message ?? stderr.trim().split("\n").slice(-3).join(" ");
}
