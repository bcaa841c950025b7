// One operation at a time, between processes too, whatever becomes of them.
import * as path from "node:path";

import {
  createVolume,
  deleteVolume,
  inspectVolume,
  updateVolume,
} from "../../../../components/backends/local/lifecycle";
import { withLock } from "../../../../components/backends/local/lock";
import * as support from "./support";
import { directory, failure, request } from "./support";

const space = support.workspace();
const state = path.join(space.root, "state");

const ask = (name: string, change = {}) => request(state, name, { settings: directory, ...change });

// All at once: they wait most of the time.
it.concurrent("an operation waits for another process's, and says for which if that takes too long", async () => {
  const child = support.startChild(space.root, {
    call: "createVolume",
    args: [ask("waited")],
    pauseAfter: "data-made",
  });
  await child.until(({ step }) => step === "data-made");
  const error = await failure(createVolume(ask("waited"), { waitMs: 300 }));
  expect(error).toMatchObject({
    code: "locked",
    message: expect.stringMatching(`process ${child.process.pid} \\(creation since .*`),
  });
  const waiting = createVolume(ask("waited"));
  child.process.stdin?.write("\n");
  expect(await waiting).toMatchObject({ found: true });
  expect((await child.ended).at(-1)?.result).toMatchObject({ found: false });
});

it.concurrent("operations of one process on a volume come one after the other", async () => {
  const volume = await createVolume(ask("queued"));
  const seen: string[] = [];
  const update = (name: string) => updateVolume(volume.id, ask("queued"), { observe: () => void seen.push(name) });
  await Promise.all(["a", "b", "c", "d"].map(update));
  const changes = seen.filter((name, index) => name !== seen[index - 1]);
  expect(changes).toHaveLength(4);
});

it.concurrent("many that take turns are waited for, longer than one of them would be", async () => {
  const [holdMs, waitMs] = [1_500, 6_000];
  await createVolume(ask("turns"));
  const turn = () => withLock(state, "turns", "holding", () => new Promise((done) => setTimeout(done, holdMs)), waitMs);
  const start = performance.now();
  await Promise.all(Array.from({ length: 6 }, turn));
  expect(performance.now() - start).toBeGreaterThan(waitMs);
});

it.concurrent("the lock of a killed process is taken over, by one at a time", async () => {
  const dead = support.startChild(space.root, { call: "createVolume", args: [ask("killed")], dieAfter: "data-made" });
  await dead.ended;
  const waiting = Array.from({ length: 6 }, () =>
    support.startChild(space.root, {
      call: "holdLock",
      args: [state, path.join(state, "volumes/shop/dev/killed"), 300],
    }),
  );
  const outputs = await Promise.all(waiting.map((child) => child.ended));
  const turns = outputs.map((lines) => ({
    from: lines.find(({ step }) => step === "locked")!.at,
    to: lines.find(({ step }) => step === "unlocking")!.at,
  }));
  turns.sort((a, b) => a.from - b.from);
  for (const [index, turn] of turns.slice(1).entries()) expect(turn.from).toBeGreaterThanOrEqual(turns[index]!.to);
  const volume = await createVolume(ask("killed"));
  expect(volume.found).toBe(false);
  expect(await inspectVolume(volume.id)).toMatchObject({ problems: [] });
});

it.concurrent(
  "a process that stood still for too long has lost its lock, notices, and leaves the volume to the other",
  async () => {
    const stalled = support.startChild(space.root, {
      call: "createVolume",
      args: [ask("stalled")],
      pauseAfter: "recorded",
    });
    await stalled.until(({ step }) => step === "recorded");
    stalled.process.kill("SIGSTOP");
    const volume = await createVolume(ask("stalled"));
    const data = support.writeData(volume);
    stalled.process.kill("SIGCONT");
    stalled.process.stdin?.write("\n");
    expect((await stalled.ended).at(-1)?.error?.code).toBe("lock-lost");
    expect(await inspectVolume(volume.id)).toMatchObject({ problems: [] });
    expect(support.readData(volume)).toBe(data);
    await deleteVolume(volume.id, volume);
    expect(await inspectVolume(volume.id)).toBeUndefined();
  },
);
