// The queue of changes: whatever is asked for is done, at whatever moment it is asked for.

import { setImmediate as turn } from "node:timers/promises";

import { changesOf } from "../../../src/docker/changes";
import { openRegistry } from "../../../src/docker/registry";
import { viewOf } from "../../../src/docker/stack-view";
import { FakePlugin } from "./fake";

test.each(Array.from({ length: 12 }, (_, ticks) => ticks))(
  "a change that is asked for %d steps after the last one has ended is done",
  async (ticks) => {
    const plugin = new FakePlugin();
    const { stack } = plugin.fake;
    const log = () => undefined;
    const changes = changesOf({ stack, view: viewOf(stack, log), registry: await openRegistry(plugin.file, log), log });
    const change = (name: string) => changes.request({ name, kind: "make", to: { size: "1GiB" }, before: undefined });
    await change("first");
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
    let isDone = false;
    void change("second").then(() => (isDone = true));
    await turn();
    await changes.idle();
    await turn();
    expect([isDone, plugin.fake.engine.includes("up second")]).toEqual([true, true]);
    plugin.dispose();
  },
);
