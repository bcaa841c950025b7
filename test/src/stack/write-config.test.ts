// How long a writer of a stack's config file waits for others, on a clock that runs ten times as fast.

import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { stackError } from "../../../src/stack/errors";
import { locked } from "../../../src/stack/write-config";
import { lockRecord } from "../../../src/system/lock-watch";
import { monotonic } from "../../../src/system/monotonic";
import { processOf } from "../../../src/system/process-id";

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

test.each([0, 7_000, 9_000])(
  "one that was killed is no reason to give up, %d ms after it renewed its lock",
  async (age) => {
    const [lock, holder] = [`${file}.lock`, `${file}.lock.holder`];
    const killed = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
    const ended = new Promise((done) => killed.once("exit", done));
    mkdirSync(lock);
    const since = new Date(Date.now() - age);
    utimesSync(lock, since, since);
    writeFileSync(holder, JSON.stringify({ ...(await lockRecord(lock)), ...processOf(killed.pid ?? 0) }));
    const busy = () => stackError("config-busy", file, undefined, { seconds: 0, lock });
    const take = () => locked(file, () => Promise.resolve("taken"), { patienceMs: 200, busy });
    // As long as it lives it is one.
    if (age === 0) await expect(take()).rejects.toMatchObject({ code: "config-busy" });
    killed.kill("SIGKILL");
    await ended;
    expect(await take()).toBe("taken");
  },
);

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
