// Locks that a process left which was killed, after which the machine's clock was set back.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { withLock } from "../../components/local/lock";
import { monotonic } from "../../src/monotonic";
import { locked } from "../../src/stack/config-file";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sp-lock-"));
  // Each look at the clock finds it two seconds later.
  let now = 0;
  jest.spyOn(monotonic, "now").mockImplementation(() => (now += 2_000));
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

const inFuture = (lock: string) => {
  mkdirSync(lock, { recursive: true });
  const tomorrow = Date.now() / 1000 + 86_400;
  utimesSync(lock, tomorrow, tomorrow);
};

test("the lock of a config file whose time lies in the future is taken over, when nobody renews it", async () => {
  const file = join(directory, "Pulumi.dev.yaml");
  writeFileSync(file, "");
  inFuture(`${file}.lock`);
  expect(await locked(file, () => Promise.resolve("done"))).toBe("done");
});

test("so is that of a local volume", async () => {
  mkdirSync(join(directory, "locks"), { mode: 0o700 });
  const what = "some volume";
  let lockfile = "";
  // Where its lock is, a first holder shows.
  await withLock(directory, what, "test", () => {
    const name = readdirSync(join(directory, "locks")).find((each) => each.endsWith(".lock"));
    lockfile = join(directory, "locks", name ?? "");
    return Promise.resolve();
  });
  inFuture(lockfile);
  expect(await withLock(directory, what, "test", () => Promise.resolve("done"))).toBe("done");
});
