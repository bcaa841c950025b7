// The calls of Docker by counts: what the engine is asked for each, what is refused and in which words, what a crash leaves.

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

import type { Driver } from "../../../src/docker/driver";
import type { Waiting } from "../../../components/host/contract";
import { until } from "../../../tools/test/time.js";
import { useFakeClock } from "../../support/clock";
import { problem } from "../../../src";
import { monotonic } from "../../../src/system/monotonic";
import { sizeDifferenceOf } from "../../../src/docker/entries";
import { openRegistry } from "../../../src/docker/registry";
import type { StackError } from "../../../src/stack";
import { FakePlugin, waiting } from "./fake";

let plugin: FakePlugin;
let driver: Driver;
const create = (name: string, options: Record<string, string> = {}) => driver.create(name, options, waiting);
/** A call that `react` is called for whenever it begins to wait for something, with what that is. */
const waitingFor = (react: (what: string) => void): Waiting => ({
  ...waiting,
  for: (what) => react(typeof what === "string" ? what : what()),
});
/** Creates a volume; resolves when its change waits for the engine, to a promise of the creation's end. */
const queued = (name: string) =>
  new Promise<{ created: Promise<void> }>((done) => {
    const created: Promise<void> = driver.create(
      name,
      {},
      { ...waiting, for: (what) => typeof what !== "string" && done({ created }) },
    );
  });
const anonymous = "ab".repeat(32);
const HOUR = 3_600_000;

beforeEach(async () => {
  plugin = new FakePlugin();
  driver = await plugin.start();
});
afterEach(async () => {
  jest.useRealTimers();
  await driver.stop();
  plugin.dispose();
});

describe("what the engine is asked", () => {
  test("a new volume costs one up, a container on one that exists none", async () => {
    await create("data@gold");
    expect(plugin.fake.engine).toEqual(["up data", "state"]);
    plugin.fake.engine.length = 0;
    expect(await driver.get("data@gold", waiting)).toMatchObject({ Mountpoint: "/volumes/data/mount" });
    expect(await driver.mount("data@gold", "1", waiting)).toBe("/volumes/data/mount");
    await driver.unmount("data@gold", "1", waiting);
    expect(await driver.mount("data", "2", waiting)).toBe("/volumes/data/mount");
    expect(plugin.fake.engine).toEqual([]);
    expect(plugin.expected).toEqual(["data", "data"]);
  });

  test("twenty at once cost one up, and those that come meanwhile one more", async () => {
    const release = plugin.fake.holdUps();
    const names = Array.from({ length: 20 }, (_, index) => `v${index}`);
    const first = names.map((name) => create(name));
    await until("the first `up` has begun", () => plugin.fake.engine.length > 0);
    const others = await Promise.all(["late", "later"].map(queued));
    release();
    await Promise.all([...first, ...others.map(({ created }) => created)]);
    expect(plugin.fake.engine.filter((each) => each.startsWith("up"))).toEqual([
      ["up", ...[...names].sort()].join(" "),
      "up late later",
    ]);
  });

  test("the same call twice at once does the thing once", async () => {
    await Promise.all([create("data@gold"), create("data@gold"), create("data")]);
    expect(plugin.fake.engine).toEqual(["up data", "state"]);
    await Promise.all([driver.remove("data@gold", waiting), driver.remove("data", waiting)]);
    expect(plugin.fake.engine.filter((each) => each.startsWith("up"))).toEqual(["up data", "up -data"]);
    expect(plugin.fake.config.volumes).toEqual({});
    await driver.remove("data", waiting);
  });

  test("a volume that isn't mounted any more is brought back by one up", async () => {
    await create("data");
    plugin.fake.engine.length = 0;
    plugin.unmounted.add("data");
    plugin.fake.onUp = () => plugin.unmounted.delete("data");
    expect(await driver.mount("data", "1", waiting)).toBe("/volumes/data/mount");
    expect(plugin.fake.engine).toEqual(["up data", "state"]);
    plugin.unmounted.add("data");
    plugin.fake.onUp = () => undefined;
    await expect(driver.mount("data", "2", waiting)).rejects.toThrow("`pulumi up` didn't mount it");
  });

  test("an up that somebody else ran is seen by who asks how a volume stands", async () => {
    await create("data@gold");
    plugin.fake.config = { ...plugin.fake.config, volumes: { data: { profile: "silver", size: "8GiB" } } };
    const pass = useFakeClock();
    pass(1_100);
    expect((await driver.get("data", waiting)).Status).toMatchObject({ profile: "gold", status: "out-of-date" });
    plugin.fake.make("data");
    pass(1_100);
    expect((await driver.get("data", waiting)).Status).toMatchObject({ profile: "silver", status: "compliant" });
    plugin.fake.engine.length = 0;
    await driver.get("data", waiting);
    expect(plugin.fake.engine).toEqual([]);
  });

  test("an up that somebody else ran is seen after the machine's clock was set back", async () => {
    await create("data@gold");
    plugin.fake.config = { ...plugin.fake.config, volumes: { data: { profile: "silver", size: "8GiB" } } };
    const pass = useFakeClock();
    pass(1_100);
    await driver.get("data", waiting);
    plugin.fake.make("data");
    jest.setSystemTime(Date.now() - 24 * HOUR);
    pass(1_100);
    expect((await driver.get("data", waiting)).Status).toMatchObject({ profile: "silver", status: "compliant" });
  });

  test("a volume whose entry can't be read isn't called compliant, and its data stays where it is", async () => {
    await create("data@gold");
    const { volumes: _unread, ...rest } = plugin.fake.config;
    const wrong = problem("wrong-type", "storage-profiles:volumes.data.size", 8, {
      expected: "text",
      found: "a number",
    });
    plugin.fake.config = rest;
    plugin.fake.found = { unreadable: { keys: {}, profiles: {}, volumes: { data: [wrong] } }, problems: [wrong] };
    expect((await driver.get("data", waiting)).Status).toMatchObject({
      status: "non-compliant",
      causes: [expect.stringContaining("storage-profiles:volumes.data.size: expected text")],
    });
    expect(await driver.mount("data", "1", waiting)).toContain("/data/");
    await expect(create("new@gold")).rejects.toThrow("expected text");
  });

  test("what environments set is said when the plugin starts", async () => {
    plugin.fake.found = { environments: ["shop/dev"] };
    await plugin.start();
    expect(plugin.log).toContainEqual(expect.stringContaining("values from shop/dev"));
  });

  test("what environments set may be what is missing, and a refusal says so", async () => {
    plugin.fake.found = { environments: ["shop/dev"] };
    await expect(create("data@platinum")).rejects.toThrow(/platinum.*\nnote: values from shop\/dev/s);
    await create("data@gold");
    await expect(driver.mount("data@platinum", "1", waiting)).rejects.toThrow(/note: values from shop\/dev/);
  });

  test("a volume that somebody's up is at work on stays where it is, and isn't gone", async () => {
    await create("data@gold");
    await driver.mount("data", "1", waiting);
    const { volumeId: _id, has: _has, got: _got, ...unfinished } = plugin.fake.state.get("data")!;
    plugin.fake.state.set("data", { ...unfinished, volumeId: undefined, has: undefined, got: undefined });
    plugin.fake.config = { ...plugin.fake.config, docker: { defaultSize: "2GiB" } };
    await create("other");
    const seen = await driver.get("data", waiting);
    expect(seen).toMatchObject({ Mountpoint: "/volumes/data/mount", Status: { status: "unknown" } });
    expect((await plugin.watched()).map(({ volumeId }) => volumeId)).toEqual(["/volumes/data"]);
    await driver.unmount("data", "1", waiting);
    expect(plugin.takenAway).toEqual(["data"]);
  });

  test("what an up makes of the volumes of containers is seen soon after the config has changed, and asked for ever less", async () => {
    await create("data@gold");
    await driver.mount("data", "1", waiting);
    expect(await plugin.watched()).toMatchObject([{ settings: { iopsLimit: 10_000 } }]);
    plugin.fake.config = { ...plugin.fake.config, volumes: { data: { profile: "silver", size: "8GiB" } } };
    await plugin.watched();
    plugin.fake.engine.length = 0;
    const pass = useFakeClock();
    const look = async (milliseconds: number) => {
      for (let passed = 0; passed < milliseconds; passed += 50) {
        await plugin.watched();
        pass(50);
      }
      return plugin.fake.engine.length;
    };
    // After one second, and two more.
    expect(await look(2_500)).toBe(1);
    plugin.fake.make("data");
    expect(await look(1_000)).toBe(2);
    expect(await plugin.watched()).toMatchObject([{ settings: { iopsLimit: 3_000 } }]);
  });

  test("a config file that somebody else changed is read again behind a container's back, not before it", async () => {
    await create("data@gold");
    plugin.fake.engine.length = 0;
    plugin.fake.config = { ...plugin.fake.config, docker: { defaultSize: "2GiB" } };
    expect(await driver.mount("data@gold", "1", waiting)).toBe("/volumes/data/mount");
    expect(plugin.fake.engine).toEqual(["state"]);
  });
});

describe("sizes and profiles", () => {
  test("the size comes from the option, else the profile, else the stack's config, else it is 8 GiB", async () => {
    plugin.fake.config = { ...plugin.fake.config, profiles: { big: { extends: "gold", defaultSize: "100GiB" } } };
    await create("a@big", { size: "3GiB" });
    await create("b@big");
    await create("c");
    plugin.fake.config = { ...plugin.fake.config, docker: { defaultSize: "20GiB" } };
    await create("d");
    const entries = Object.entries(plugin.fake.config.volumes ?? {}).map(([name, { size, profile }]) => [
      name,
      size,
      profile,
    ]);
    expect(entries).toEqual([
      ["a", "3GiB", "big"],
      ["b", "100GiB", "big"],
      ["c", "8GiB", "default"],
      ["d", "20GiB", "default"],
    ]);
    expect((await driver.get("b", waiting)).Status).toMatchObject({ profile: "big", size: "100GiB", backend: "local" });
  });

  test("name, name@profile and the option are one volume, and another profile is refused with the command", async () => {
    await create("data", { profile: "gold" });
    await create("data@gold");
    expect(plugin.fake.engine.filter((each) => each.startsWith("up"))).toHaveLength(1);
    const refusal = /the profile of "data" is gold, not "silver"[^]*npx storage-profiles apply data@silver/;
    await expect(create("data@silver")).rejects.toThrow(refusal);
    await expect(driver.get("data@silver", waiting)).rejects.toThrow(refusal);
    await expect(driver.mount("data@silver", "1", waiting)).rejects.toThrow(refusal);
    await expect(driver.mount("data@default", "1", waiting)).rejects.toThrow('is gold, not "default"');
    await expect(create("data@golf")).rejects.toThrow(/unknown profile "golf"[^]*did you mean "gold"/);
    expect(plugin.fake.config.volumes?.["data"]?.profile).toBe("gold");
  });

  test("with --on-profile-change=apply the profile is changed when the volume is mounted", async () => {
    driver = await plugin.start({ onProfileChange: "apply" });
    await create("data@gold");
    expect((await driver.get("data@silver", waiting)).Status).toMatchObject({ profile: "gold" });
    await driver.mount("data@silver", "1", waiting);
    expect((await driver.get("data@silver", waiting)).Status).toMatchObject({ profile: "silver" });
    expect(plugin.fake.config.volumes?.["data"]).toEqual({
      profile: "silver",
      size: "8GiB",
      deletionProtection: false,
    });
  });

  test("another size than it has is refused, larger or smaller", async () => {
    await create("data", { size: "10GiB" });
    await create("data", { size: "10GiB" });
    await expect(create("data", { size: "5GiB" })).rejects.toThrow("volumes can't shrink");
    await expect(create("data", { size: "20GiB" })).rejects.toThrow(
      /the size of "data" is 10 GiB, not 20GiB[^]*pulumi up/,
    );
  });

  test("a size that is rounded up is told so, and is the same when it is asked for again", async () => {
    await create("data", { size: "1.5GiB" });
    const rounded = "1.5GiB rounded up to 2 GiB: volume sizes are whole GiB";
    expect((await driver.get("data", waiting)).Status).toMatchObject({ size: "2GiB", notes: [rounded] });
    expect(plugin.log).toContain(`data: ${rounded}`);
    await create("data", { size: "1.5GiB" });
    await create("data", { size: "2GiB" });
    // What a backend makes of a size counts, not what was asked for.
    const place = { protectionDomain: "d", storagePool: "p" };
    plugin.fake.config = { ...plugin.fake.config, backend: "scaleio", scaleio: place };
    const config = plugin.fake.read();
    const made = {
      ...plugin.fake.state.get("data"),
      asked: { backend: "scaleio", profile: "default", sizeGiB: 16 },
    } as any;
    const wrong = (size: string) => sizeDifferenceOf({ name: "data", size }, { config, made });
    expect([wrong("10GiB"), wrong("16GiB"), wrong("17GiB").length]).toEqual([[], [], 1]);
  });

  test("a problem of what was asked for is named by its option, in Docker's words", async () => {
    const told = async (options: Record<string, string>) => {
      const error: unknown = await create("data", options).catch((each: unknown) => each);
      return (error as StackError).problems.map(({ path, allowed }) => [path, allowed]);
    };
    expect(await told({ size: "10" })).toEqual([["-o size", "a size with a unit: -o size=100GiB, 1.5TiB or 500GB"]]);
    expect(await told({ size: "20000GiB" })).toEqual([["-o size", "1 to 16,383 GiB"]]);
    expect(await told({ profile: "golf" })).toEqual([["profile", "default, gold, silver, bronze"]]);
  });

  test.each([
    ["data@golf", {}, /unknown profile "golf"[^]*default, gold, silver, bronze/],
    ["data@", {}, "the profile after `@` is missing"],
    ["@gold", {}, "the volume name before `@` is missing"],
    ["a@b@c", {}, "the reference contains 2 `@`"],
    ["data@gold", { profile: "silver" }, 'the reference names profile "gold", the argument names "silver"'],
    ["data", { siez: "1GiB" }, /unknown option "siez"[^]*did you mean "size"/],
    ["data", { size: "10" }, "the unit is missing"],
    ["data", { size: "many" }, "not a number with a unit"],
    ["data", { size: "20000GiB" }, "a local volume must be at most 16,383 GiB, not 20,000 GiB"],
    ["../../etc", {}, 'volume name contains "/"'],
    ["data", { size: "x", profile: "", other: "1" }, /3 problems/],
  ])("%s %j is refused at once, and the engine is not asked", async (name, options, message) => {
    await expect(create(name, options as Record<string, string>)).rejects.toThrow(message);
    expect(plugin.fake.engine).toEqual([]);
    expect(plugin.fake.config.volumes).toBeUndefined();
  });

  test("a backend that this machine can't mount is refused before anything is made", async () => {
    plugin.fake.config = { backend: "aws" };
    await expect(create("data@gold")).rejects.toThrow('"data" on backend aws can\'t be mounted here');
    expect(plugin.fake.engine).not.toContain("up data");
  });
});

describe("removal", () => {
  test("is refused while a container uses the volume, and done when it has left", async () => {
    driver = await plugin.start({ graceMs: { starting: HOUR, ending: HOUR } });
    await create("data");
    await driver.mount("data", "1", waiting);
    const starts = waitingFor((what) => {
      if (what.includes("a container that has just mounted it")) plugin.users.set("data", ["process 7 (sleep)"]);
    });
    await expect(driver.remove("data", starts)).rejects.toThrow('"data" is in use by process 7 (sleep)');
    await driver.unmount("data", "1", waiting);
    await driver.unmount("data", "1", waiting);
    const ends = waitingFor((what) => {
      if (what.includes("the volume's last container to exit")) plugin.users.clear();
    });
    await driver.remove("data", ends);
    expect(plugin.fake.state.size).toBe(0);
  });

  test("waits for nobody where no container has the volume, also on a machine that has just started", async () => {
    driver = await plugin.start({ graceMs: { starting: HOUR, ending: HOUR } });
    await create("data");
    const now = jest.spyOn(monotonic, "now").mockReturnValue(5);
    const waits: string[] = [];
    await driver.remove(
      "data",
      waitingFor((what) => {
        if (!what.includes("container")) return;
        waits.push(what);
        now.mockReturnValue(1e9);
      }),
    );
    now.mockRestore();
    expect(waits).toEqual([]);
  });

  test("is refused where something uses the volume that Docker doesn't know of", async () => {
    await create("data");
    plugin.users.set("data", ["a mount at /mnt"]);
    await expect(driver.remove("data", waiting)).rejects.toThrow('"data" is in use by a mount at /mnt');
  });

  test("isn't kept by a mount that Docker never took back because it was killed", async () => {
    await create("data");
    await driver.mount("data", "1", waiting);
    await driver.remove("data", waiting);
    expect(plugin.fake.state.size).toBe(0);
  });

  test("of one of several names leaves the volume to the others", async () => {
    await create("data@gold");
    await driver.mount("data", "1", waiting);
    await driver.unmount("data", "1", waiting);
    expect((await driver.list(waiting)).map(({ Name }) => Name)).toEqual(["data@gold", "data"]);
    await driver.remove("data@gold", waiting);
    expect(plugin.fake.state.has("data")).toBe(true);
    expect((await driver.list(waiting)).map(({ Name }) => Name)).toEqual(["data"]);
    await driver.remove("data", waiting);
    expect(plugin.fake.state.has("data")).toBe(false);
  });

  test("a volume that people protect in the config is not removed", async () => {
    plugin.fake.config = { ...plugin.fake.config, volumes: { kept: { profile: "gold", size: "1GiB" } } };
    await create("kept");
    await expect(driver.remove("kept", waiting)).rejects.toThrow('"kept" is protected against deletion');
    expect(plugin.fake.state.has("kept")).toBe(true);
  });
});

describe("failures", () => {
  test("one that fails is taken back, and keeps none of those beside it from being made", async () => {
    plugin.fake.failing.set("bad", "the disk is full");
    const results = await Promise.allSettled([create("a"), create("bad"), create("b")]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({
      message: expect.stringContaining("the disk is full"),
    });
    expect(Object.keys(plugin.fake.config.volumes ?? {})).toEqual(["a", "b"]);
    expect([...plugin.fake.state.keys()]).toEqual(["a", "b"]);
  });

  test("an engine that can't be reached is told, and the config is as it was", async () => {
    plugin.fake.down = "the backend is down";
    await expect(create("data@gold")).rejects.toThrow("the backend is down");
    expect(plugin.fake.config.volumes).toEqual({});
    plugin.fake.down = undefined;
    await create("data@gold");
  });

  test("a removal that fails leaves the volume in the config", async () => {
    await create("data");
    plugin.fake.failing.set("data", "it is busy");
    await expect(driver.remove("data", waiting)).rejects.toThrow("it is busy");
    expect(plugin.fake.config.volumes?.["data"]).toMatchObject({ size: "8GiB" });
    expect((await driver.get("data", waiting)).Name).toBe("data");
  });
});

/** As a plugin leaves it that was killed. */
const leaveMark = (name: string, begun: object, of: object = {}) =>
  writeFileSync(plugin.file, JSON.stringify({ version: 1, boot: "", volumes: { [name]: { begun, ...of } } }));

describe("a change that was begun by a plugin that was killed", () => {
  const isKept = (name: string) => plugin.fake.state.has(name) && plugin.fake.config.volumes?.[name] !== undefined;
  /** A mount after a reboot: the volume isn't mounted, and the \`up\` that should mount it fails. */
  const failingMount = async (name: string) => {
    plugin.unmounted.add(name);
    plugin.fake.failing.set(name, "free some space");
    plugin.fake.onUp = () => undefined;
    await driver.mount(name, "9", waiting).catch(() => undefined);
  };

  test.each([
    ["make", { kind: "make" }],
    ["change", { kind: "change", before: { profile: "gold", size: "1GiB" } }],
    ["remove", { kind: "remove" }],
  ])("%s leaves a volume alone that is there by then, though its next up fails", async (_kind, begun) => {
    await create("data@gold");
    leaveMark("data", begun);
    driver = await plugin.start();
    const before = plugin.fake.config;
    await failingMount("data");
    expect(plugin.fake.engine).not.toContain("up -data");
    expect(isKept("data")).toBe(true);
    expect(plugin.fake.config).toEqual(before);
  });

  test("a mark ends when the volume is found in order, when it is mounted, and at start", async () => {
    const begun = async () => [...(await openRegistry(plugin.file, () => undefined)).begun().keys()];
    await create("data@gold");
    leaveMark("data", { kind: "make" });
    await plugin.start();
    expect(await begun()).toEqual([]);
    // By an \`up\` of somebody else while the plugin runs.
    for (const use of [() => create("other@gold"), () => driver.mount("other@gold", "1", waiting)]) {
      plugin.fake.config = { ...plugin.fake.config, volumes: { other: { profile: "gold", size: "8GiB" } } };
      plugin.fake.state.delete("other");
      leaveMark("other", { kind: "make" });
      driver = await plugin.start();
      expect(await begun()).toEqual(["other"]);
      plugin.fake.make("other");
      await use();
      expect(await begun()).toEqual([]);
    }
  });

  test("a creation that another up finished meanwhile is not taken back when its own up fails", async () => {
    plugin.fake.config = {
      ...plugin.fake.config,
      volumes: { data: { profile: "gold", size: "8GiB", deletionProtection: false } },
    };
    leaveMark("data", { kind: "make" });
    driver = await plugin.start();
    plugin.fake.make("data");
    const made = plugin.fake.state.get("data")!;
    plugin.fake.state.clear();
    plugin.fake.failing.set("data", "the stack is locked");
    plugin.fake.onFailure = () => plugin.fake.state.set("data", { ...made, got: undefined });
    await expect(create("data@gold")).rejects.toThrow("the stack is locked");
    expect(plugin.fake.engine).not.toContain("up -data");
    expect(isKept("data")).toBe(true);
  });

  test("a creation of which no volume came is taken back when it fails again", async () => {
    plugin.fake.config = {
      ...plugin.fake.config,
      volumes: { data: { profile: "gold", size: "8GiB", deletionProtection: false } },
    };
    leaveMark("data", { kind: "make" });
    driver = await plugin.start();
    plugin.fake.failing.set("data", "the disk is full");
    await expect(create("data@gold")).rejects.toThrow("the disk is full");
    expect(plugin.fake.config.volumes).toEqual({});
  });

  test("a volume without a name that Docker has had is never removed for a mark", async () => {
    await create(anonymous);
    for (const begun of [{ kind: "make" }, { kind: "change", before: { profile: "default", size: "8GiB" } }]) {
      leaveMark(anonymous, begun, { names: [anonymous] });
      driver = await plugin.start();
      expect(isKept(anonymous)).toBe(true);
    }
    // Of an older plugin, which left marks of changes and knew no names.
    leaveMark(anonymous, { kind: "change" });
    driver = await plugin.start();
    expect(isKept(anonymous)).toBe(true);
  });

  test("a volume whose removal was broken off is not mounted before that is decided, nor removed while it is used", async () => {
    await create("data@gold");
    const { data } = plugin.fake.config.volumes!;
    plugin.fake.config = { ...plugin.fake.config, volumes: {} };
    leaveMark("data", { kind: "remove", before: data });
    driver = await plugin.start();
    await expect(driver.mount("data", "1", waiting)).rejects.toThrow(
      /the removal of "data" was interrupted[^]*docker volume rm data/,
    );
    plugin.users.set("data", ["process 7 (sleep)"]);
    await expect(create("data@silver")).rejects.toThrow("in use by process 7");
    expect(plugin.fake.state.has("data")).toBe(true);
    plugin.users.clear();
    plugin.fake.config = { ...plugin.fake.config, volumes: { data: data! } };
    await driver.mount("data", "1", waiting);
  });
});

describe("a creation that fails", () => {
  test("deletes what its own up has made", async () => {
    plugin.fake.failing.set("data", "it has no limits");
    plugin.fake.halfMade.add("data");
    await expect(create("data@gold")).rejects.toThrow("it has no limits");
    expect(plugin.fake.engine).toContain("up -data");
    expect(plugin.fake.config.volumes).toEqual({});
  });

  test("leaves alone what it found made", async () => {
    plugin.fake.failing.set("data", "it is busy");
    plugin.fake.onFailure = () => {
      plugin.fake.make("data");
      plugin.fake.state.set("data", { ...plugin.fake.state.get("data")!, got: undefined });
    };
    await expect(create("data@gold")).rejects.toThrow("it is busy");
    expect(plugin.fake.engine).not.toContain("up -data");
    expect(plugin.fake.config.volumes).toHaveProperty("data");
  });

  test("before its edit is written leaves no mark", async () => {
    jest.spyOn(plugin.fake.stack, "edit").mockRejectedValue(new Error("the config is busy"));
    await expect(create("data@gold")).rejects.toThrow("the config is busy");
    expect((await openRegistry(plugin.file, () => undefined)).begun().size).toBe(0);
  });
});

test("where the plugin's own file can't be written, the error says so, nothing is begun, and the next call works", async () => {
  // As on a full disk.
  mkdirSync(`${plugin.file}.new`);
  await expect(create("data@gold")).rejects.toThrow(/EISDIR.*registry\.json\.new/);
  expect([plugin.fake.engine, plugin.fake.config.volumes]).toEqual([[], undefined]);
  rmdirSync(`${plugin.file}.new`);
  await create("other@gold");
  // A mark that stays would be taken for a change that was broken off.
  expect([...(await openRegistry(plugin.file, () => undefined)).begun().keys()]).toEqual([]);
  expect(plugin.fake.engine.filter((each) => each.startsWith("up"))).toEqual(["up other"]);
});

describe("after a restart", () => {
  test("names, mounts and begun changes are known; what cannot be read counts as empty, and is told", async () => {
    await create("data@gold");
    await driver.mount("data@gold", "1", waiting);
    driver = await plugin.start();
    plugin.users.set("data", ["process 7"]);
    await expect(driver.remove("data@gold", waiting)).rejects.toThrow("is in use by process 7");
    plugin.users.clear();
    writeFileSync(plugin.file, '{"version":1,"boot":');
    driver = await plugin.start();
    expect(plugin.log.join()).toContain("can't be read and is treated as empty");
    expect(readFileSync(`${plugin.file}.unreadable`, "utf8")).toBe('{"version":1,"boot":');
    await driver.remove("data@gold", waiting);
  });

  test("what another release has written besides makes nobody forget the names, and stays there", async () => {
    for (const name of ["data@gold", "data"]) await create(name);
    const written = () => JSON.parse(readFileSync(plugin.file, "utf8"));
    const known = written();
    const begun = { kind: "change", before: { profile: "gold", later: 1 }, later: 1 };
    Object.assign(known, { later: 1 }).volumes.data = { ...known.volumes.data, begun, later: 1 };
    writeFileSync(plugin.file, JSON.stringify(known));
    driver = await plugin.start();
    await driver.remove("data", waiting);
    expect(plugin.fake.config.volumes).toHaveProperty("data");
    expect(written().volumes.data).toMatchObject({ names: ["data@gold"], later: 1 });
  });

  test("the names of volumes that somebody else removed are forgotten, when the plugin starts and when Docker lists", async () => {
    for (const name of ["kept", "gone", "later"]) await create(`${name}@gold`);
    const remove = (name: string) => {
      const { [name]: _gone, ...volumes } = plugin.fake.config.volumes ?? {};
      plugin.fake.config = { ...plugin.fake.config, volumes };
      plugin.fake.state.delete(name);
    };
    const known = async () => (await openRegistry(plugin.file, () => undefined)).volumes();
    await driver.stop();
    remove("gone");
    driver = await plugin.start();
    expect(await known()).toEqual(["kept", "later"]);
    remove("later");
    expect(await driver.list(waiting)).toEqual([{ Name: "kept@gold" }]);
    expect(await known()).toEqual(["kept"]);
  });

  test("a plugin that is stopped while it starts watches over nothing: it would never end", async () => {
    await driver.stop();
    await until("the watches have ended", () => plugin.watching === 0);
    driver = await plugin.driver();
    const started = driver.start();
    await driver.stop();
    await started;
    await new Promise(setImmediate);
    expect(plugin.watching).toBe(0);
  });

  test("a volume that is on the machine for nobody is taken from it when the plugin starts; one that is used stays", async () => {
    for (const name of ["left", "ended", "used"]) await create(name);
    for (const name of ["ended", "used"]) await driver.mount(name, "1", waiting);
    plugin.users.set("used", ["process 7"]);
    await driver.stop();
    const pass = useFakeClock();
    driver = await plugin.start({ graceMs: { starting: HOUR, ending: HOUR } });
    await until("what is there for nobody is taken away", () => plugin.takenAway.length > 0);
    // A container that has just mounted its volume may not be seen yet.
    await until("the others are to be looked at later", () => jest.getTimerCount() >= 2);
    expect(plugin.takenAway).toEqual(["left"]);
    pass(HOUR + 1_000);
    await until("what an ended container left is taken away", () => plugin.takenAway.length > 1);
    expect(plugin.takenAway).toEqual(["left", "ended"]);
    expect(plugin.log.join()).toContain("ended: the last container exited");
    await driver.mount("used", "2", waiting);
    await driver.unmount("used", "2", waiting);
    expect(plugin.takenAway).toEqual(["left", "ended"]);
  });

  test("an Unmount that never came is made up for after the next one", async () => {
    await create("data");
    for (const id of ["1", "2"]) await driver.mount("data", id, waiting);
    await driver.unmount("data", "2", waiting);
    expect(plugin.takenAway).toEqual([]);
    await until("the volume is taken away", () => plugin.takenAway.length > 0);
    expect(plugin.takenAway).toEqual(["data"]);
  });

  test("what can't be taken from the machine at an Unmount is taken from it later, though Docker doesn't ask again", async () => {
    await create("data");
    await driver.mount("data", "1", waiting);
    plugin.failingUnmounts = 2;
    await expect(driver.unmount("data", "1", waiting)).rejects.toThrow("data is in use");
    await until("the volume is taken away", () => plugin.takenAway.length > 0);
    expect(plugin.takenAway).toEqual(["data"]);
    expect(
      plugin.log.filter((line) => line.includes("could not be cleaned up on this machine yet: data is in use")),
    ).toHaveLength(1);
  });

  test("a volume whose config can't be read at its Unmount is taken from the machine once it can", async () => {
    await create("data");
    await driver.mount("data", "1", waiting);
    const unreadable = jest.spyOn(plugin.fake.stack, "readConfig").mockRejectedValue(new Error("not valid YAML"));
    await expect(driver.unmount("data", "1", waiting)).rejects.toThrow("not valid YAML");
    unreadable.mockRestore();
    await until("the volume is taken away", () => plugin.takenAway.length > 0);
    expect(plugin.takenAway).toEqual(["data"]);
  });

  test("a creation that was broken off after its edit is finished by the next call", async () => {
    plugin.fake.config = { ...plugin.fake.config, volumes: { data: { profile: "gold", size: "8GiB" } } };
    const begun = { version: 1, boot: "", volumes: { data: { begun: { kind: "make" } } } };
    writeFileSync(plugin.file, JSON.stringify(begun));
    driver = await plugin.start();
    await expect(driver.get("data@gold", waiting)).rejects.toThrow('unknown volume "data"');
    expect(await driver.list(waiting)).toEqual([]);
    await create("data@gold");
    expect(plugin.fake.state.has("data")).toBe(true);
  });

  test("a removal that was broken off after its edit is finished before a volume of the name is made anew", async () => {
    await create("data@gold");
    plugin.fake.config = { ...plugin.fake.config, volumes: {} };
    writeFileSync(
      plugin.file,
      JSON.stringify({ version: 1, boot: "", volumes: { data: { begun: { kind: "remove" } } } }),
    );
    driver = await plugin.start();
    await create("data@silver");
    expect(plugin.fake.engine.filter((each) => each.startsWith("up"))).toEqual(["up -data", "up data"]);
  });

  test("a volume without a name whose creation was broken off is removed: nobody can ask for it", async () => {
    plugin.fake.config = {
      ...plugin.fake.config,
      volumes: { [anonymous]: { profile: "default", size: "8GiB", deletionProtection: false } },
    };
    writeFileSync(
      plugin.file,
      JSON.stringify({ version: 1, boot: "", volumes: { [anonymous]: { begun: { kind: "make" } } } }),
    );
    driver = await plugin.start();
    expect(plugin.fake.config.volumes).toEqual({});
  });
});
