// How long a writer of a stack's config file waits for others, on a clock that runs ten times as fast.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { locked } from "../../../src/stack/write-config";
import { lockRecord } from "../../../src/system/lock-watch";
import { monotonic } from "../../../src/system/monotonic";

const directory = mkdtempSync(join(tmpdir(), "sp-locked-"));
const file = join(directory, "Pulumi.dev.yaml");
beforeAll(() => {
  writeFileSync(file, "config: {}\n");
  const start = monotonic.now();
  jest.spyOn(monotonic, "now").mockImplementation(() => start + (performance.now() - start) * 10);
});
afterAll(() => {
  jest.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

test("many writers that take turns are waited for, longer than one of them would be", async () => {
  const done: number[] = [];
  // 10 seconds each, on that clock.
  const write = (n: number) => locked(file, () => sleep(1_000).then(() => void done.push(n)));
  await Promise.all([1, 2, 3, 4, 5].map(write));
  expect(done.sort()).toEqual([1, 2, 3, 4, 5]);
});

test("one that doesn't finish is given up after 30 seconds, with the lock to remove", async () => {
  let release: () => void = () => undefined;
  const holding = locked(file, () => new Promise<void>((done) => (release = done)));
  await sleep(200);
  const error: unknown = await locked(file, () => Promise.resolve()).catch((each: unknown) => each);
  release();
  await holding;
  expect(error).toMatchObject({ problems: [{ code: "config-busy", fix: expect.stringContaining(`${file}.lock`) }] });
});

test("one that stood still leaves the lock alone that somebody has taken from it", async () => {
  const [lock, holder] = [`${file}.lock`, `${file}.lock.holder`];
  await locked(file, async () => {
    // As a waiter does once it is old.
    rmdirSync(lock);
    await sleep(20);
    mkdirSync(lock);
    writeFileSync(holder, JSON.stringify(await lockRecord(lock)));
  });
  expect([existsSync(lock), existsSync(holder)]).toEqual([true, true]);
  rmdirSync(lock);
  // Its record says nothing of a lock that isn't there; here none can be written, as on a full disk.
  const kept = readFileSync(holder);
  await locked(file, () => {
    writeFileSync(holder, kept);
    return Promise.resolve();
  });
  expect(existsSync(lock)).toBe(false);
});
