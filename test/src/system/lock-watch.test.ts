// Locks that a process left which was killed; and after which the machine's clock was set back.

import { spawn, type ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { withLock } from "../../../components/backends/local/lock";
import { monotonic } from "../../../src/system/monotonic";
import { isAlive, processOf } from "../../../src/system/process-id";
import { locked } from "../../../src/stack/write-config";
import { until } from "../../../tools/test/time.js";

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

test.each([
  ["a config file", (file: string) => locked(file, () => Promise.resolve("done"))],
  ["a local volume", () => withLock(directory, "what", "test", () => Promise.resolve("done"))],
])("a lock that is removed while it is being made is tried again: %s", async (_, take) => {
  mkdirSync(join(directory, "locks"), { mode: 0o700 });
  const file = join(directory, "Pulumi.dev.yaml");
  writeFileSync(file, "");
  // As proper-lockfile fails when a waiter that saw the lock before removes this one.
  const removed = Object.assign(new Error("ENOENT: no such file or directory, stat"), {
    code: "ENOENT",
    syscall: "stat",
  });
  const attempts = jest.spyOn(jest.requireActual<{ lock: () => Promise<unknown> }>("proper-lockfile"), "lock");
  attempts.mockRejectedValueOnce(removed);
  expect(await take(file)).toBe("done");
  expect(attempts).toHaveBeenCalledTimes(2);
});

describe("a lock of which somebody else has written that it is theirs", () => {
  const locks = () => readdirSync(join(directory, "locks"));
  const written = (holder: object) => {
    const lock = locks().find((each) => each.endsWith(".lock")) ?? "";
    writeFileSync(join(directory, "locks", lock.replace(/lock$/, "holder")), JSON.stringify(holder));
  };
  beforeEach(() => mkdirSync(join(directory, "locks"), { mode: 0o700 }));

  test("is let go when the work is done", async () => {
    await withLock(directory, "what", "test", () => {
      written({ token: "other" });
      return Promise.resolve();
    });
    expect(locks().filter((each) => each.endsWith(".lock"))).toEqual([]);
  });

  test("is let go and taken again while it is being taken", async () => {
    jest.mocked(monotonic.now).mockReturnValue(0);
    let [lock, holder, record] = ["", "", ""];
    await withLock(directory, "what", "test", () => {
      lock = join(directory, "locks", locks().find((each) => each.endsWith(".lock")) ?? "");
      holder = lock.replace(/lock$/, "holder");
      record = readFileSync(holder, "utf8");
      return Promise.resolve();
    });
    // A record that is there makes the next taker wait a little, and look again.
    writeFileSync(holder, record);
    const second = withLock(directory, "what", "test", () => Promise.resolve("done"));
    await until("the second has written", () => existsSync(lock) && readFileSync(holder, "utf8") !== record);
    const { dev, ino, birthtimeMs } = statSync(lock);
    written({ token: "other", lock: `${dev} ${ino} ${birthtimeMs}` });
    expect(await second).toBe("done");
    expect(existsSync(lock)).toBe(false);
  });
});

describe("the lock of a holder", () => {
  const children: ChildProcess[] = [];
  afterEach(() => children.splice(0).forEach((each) => each.kill("SIGKILL")));

  /** A process that takes a lock of a kind and holds it: it says so by a line. */
  async function holder(code: string): Promise<ChildProcess> {
    const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    await new Promise((done) => child.stdout.once("data", done));
    return child;
  }
  const dist = resolve(__dirname, "../../../dist");
  const hold = "() => new Promise(() => { console.log('held'); setInterval(() => 0, 1000); })";
  const ways = {
    "a config file": {
      code: (file: string) => `require("${dist}/src/stack/write-config.js").locked(${JSON.stringify(file)}, ${hold})`,
      take: (file: string) => locked(file, () => Promise.resolve("done")),
      lock: (file: string) => `${file}.lock`,
    },
    "a local volume": {
      code: () =>
        `require("${dist}/components/backends/local/lock.js").withLock(${JSON.stringify(directory)}, "what", "test", ${hold})`,
      take: () => withLock(directory, "what", "test", () => Promise.resolve("done")),
      lock: () => {
        const name = readdirSync(join(directory, "locks")).find((each) => each.endsWith(".lock"));
        return join(directory, "locks", name ?? "");
      },
    },
  };

  test.each(Object.entries(ways))(
    "that was killed is taken away at once, and that of one that lives stays: %s",
    async (_, way) => {
      mkdirSync(join(directory, "locks"), { mode: 0o700 });
      const file = join(directory, "Pulumi.dev.yaml");
      writeFileSync(file, "");
      const child = await holder(way.code(file));
      const { pid = 0 } = child;
      const lock = way.lock(file);
      // By its age it would never be taken: its time lies in the future, and no time goes by.
      jest.mocked(monotonic.now).mockReturnValue(0);
      const tomorrow = Date.now() / 1000 + 86_400;
      const known = processOf(pid);
      utimesSync(lock, tomorrow, tomorrow);
      const looked = jest.mocked(monotonic.now).mock.calls.length;
      let isTaken = false;
      const taken = way.take(file).finally(() => (isTaken = true));
      const record = () =>
        JSON.parse(
          readFileSync(
            readdirSync(resolve(lock, ".."))
              .map((each) => join(lock, "..", each))
              .find((each) => each.endsWith(".holder")) ?? "",
            "utf8",
          ),
        );
      expect(record()).toMatchObject({ pid, started: known.started });
      await until("it has looked several times", () => jest.mocked(monotonic.now).mock.calls.length > looked + 10);
      expect([isTaken, isAlive(known), existsSync(lock)]).toEqual([false, true, true]);
      child.kill("SIGKILL");
      await until("it is dead", () => !isAlive(known));
      expect(await taken).toBe("done");
      expect(existsSync(lock)).toBe(false);
    },
  );

  test("that was killed goes to one of many who wait, and from that to the next, each alone", async () => {
    mkdirSync(join(directory, "locks"), { mode: 0o700 });
    for (let round = 0; round < 5; round++) {
      const child = await holder(ways["a local volume"].code());
      let inside = 0;
      const most: number[] = [];
      const takers = Array.from({ length: 20 }, () =>
        withLock(directory, "what", "test", async (lock) => {
          most.push(++inside);
          await new Promise((done) => setImmediate(done));
          await lock.assertHeld();
          inside--;
        }),
      );
      jest.mocked(monotonic.now).mockReturnValue(0);
      child.kill("SIGKILL");
      await Promise.all(takers);
      expect(most).toEqual(Array(20).fill(1));
    }
  });
});
