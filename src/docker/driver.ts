// What each call of Docker does. Every call may come twice, together with others, and after a crash in the middle of another: what is
// there decides, and what is missing is done. Calls that change something come one after the other for one volume.

import { monotonic } from "../system/monotonic";
import { DEFAULT_PROFILE, isBackend, type Note, type Problem, type VolumeDefinition } from "..";
import { StackError } from "../stack/errors";
import type { RecordedVolume, Stack, StackConfigRead } from "../stack/types";
import { environmentNotes } from "../stack/status";
import type { Log } from "./log";
import { isAnonymous, readAsked, type Asked } from "./request";
import { changesOf, recover, type Change } from "./changes";
import {
  absent,
  differenceOf,
  entryOf,
  isInOrder,
  newEntry,
  nodeVolume,
  notesOf,
  problemsOf,
  sizeDifferenceOf,
} from "./entries";
import type { NodeStorage, NodeVolume, Waiting } from "../../components/host/contract";
import { nodesOf, type StorageOf } from "./mounters";
import type { DockerVolume } from "./protocol";
import { oneAtATime } from "../../components/host/queue";
import type { Registry } from "./registry";
import { isCompliant, statusMap } from "./status";
import { viewOf, type Seen } from "./stack-view";
import { stackError } from "./problems";

/** How long a container may take from its mount until the kernel shows it, and at its end until the kernel doesn't any more. */
const GRACE_MS = { starting: 10_000, ending: 3_000 };

/** How long to wait until the state is read again for volumes whose containers run and that aren't as declared: ever longer. */
const DOUBT_MS = { first: 1_000, last: 600_000 };

/** How long tidying may take, which nobody waits for, and how long it is until it is tried again, at most. */
const TIDY_LIMIT_MS = 110_000;
const TIDY_PAUSE_MS = 600_000;

export interface DriverOptions {
  stack: Stack;
  registry: Registry;
  /** How a backend's volumes get onto this machine. */
  storageOf: StorageOf;
  /** What becomes of a volume that is asked for with another profile than it has. */
  onProfileChange: "refuse" | "apply";
  /** How long to wait for what the kernel will show, in milliseconds. Default: 10 s for a container that starts, 3 s for one that ends. */
  graceMs?: { starting: number; ending: number } | undefined;
  log: Log;
}

/** The calls of Docker. All throw a `StackError`, or a `NodeError`, whose message is for people. */
export interface Driver {
  create(reference: string, options: Readonly<Record<string, string>>, waiting: Waiting): Promise<void>;
  remove(reference: string, waiting: Waiting): Promise<void>;
  mount(reference: string, id: string, waiting: Waiting): Promise<string>;
  unmount(reference: string, id: string, waiting: Waiting): Promise<void>;
  get(reference: string, waiting: Waiting): Promise<DockerVolume>;
  list(waiting: Waiting): Promise<DockerVolume[]>;
  scope(): Promise<NodeStorage["scope"]>;
  /** Looks around once, so that the first call needn't: the state, the containers that run, what a crash left. */
  start(): Promise<void>;
  /** Stops watching. What was begun is finished first. */
  stop(): Promise<void>;
}

export function driverOf(options: DriverOptions): Driver {
  const { stack, registry, storageOf, onProfileChange, graceMs = GRACE_MS, log } = options;
  const view = viewOf(stack, log);
  const changes = changesOf({ stack, view, registry, log });
  const nodes = nodesOf({ storageOf, log, volumes: heldVolumes });
  const alone = oneAtATime();

  const waitForChange = async (change: Change, waiting: Waiting) => {
    waiting.for(() => changes.now());
    await changes.request(change);
  };
  const find = (name: string, waiting: Waiting) => {
    waiting.for("the stack's config and state");
    return view.find(name);
  };

  async function create(asked: Asked, waiting: Waiting): Promise<void> {
    const { name } = asked;
    let seen = await find(name, waiting);
    const begun = registry.begun().get(name);
    if (begun?.kind === "remove" && entryOf(seen.config, name) === undefined) {
      // A crash came between the two steps of a removal. The next volume of this name must not be the old one.
      await removeAll(name, seen, waiting);
      seen = await find(name, waiting);
    }
    if (entryOf(seen.config, name) !== undefined || seen.made !== undefined) {
      refuse(sizeDifferenceOf(asked, seen));
      await ensure(asked, waiting);
      return;
    }
    const to = newEntry(asked, seen.config);
    refuse(problemsOf(seen.config, asked, to), environmentNotes(seen.config));
    for (const { message } of notesOf(seen.config, name, to)) log(`${name}: ${message}`);
    const { backend } = seen.config.requestFor(name, to);
    // A volume that can't be mounted here isn't made in the first place.
    if (backend !== undefined && isBackend(backend)) nodes.storageOf(name, backend, seen.config);
    await waitForChange({ name, kind: "make", to, before: undefined }, waiting);
  }

  /** Has a volume that exists as it is asked for. Problems: `volume-absent`, `volume-differs`, and what an `up` says. */
  async function ensure(asked: Asked, waiting: Waiting): Promise<Seen & { made: RecordedVolume }> {
    const { name, profile } = asked;
    let seen = await find(name, waiting);
    const entry = entryOf(seen.config, name);
    const difference = differenceOf(asked, seen);
    if (!difference && !isInOrder(asked, seen)) {
      // Somebody else's `up` may have done it already.
      seen = { ...seen, made: (await view.refresh()).get(name) };
    }
    // A profile that isn't known here may be one of an environment's.
    const unseen = difference?.code === "volume-differs" ? [] : environmentNotes(seen.config);
    if (difference) refuse(onProfileChange === "refuse" || !entry ? [difference] : [], unseen);
    if (difference && entry) {
      const to = { ...entry, profile: profile ?? DEFAULT_PROFILE };
      refuse(problemsOf(seen.config, asked, to), environmentNotes(seen.config));
      await waitForChange({ name, kind: "change", to, before: entry }, waiting);
    } else if (!isInOrder(asked, seen)) {
      if (!entry) throw absent(name, (await view.made()).keys());
      await waitForChange(again(name, entry, seen.made), waiting);
    } else if (seen.made) {
      if (!entry) refuseHalfRemoved(name);
      await registry.end(name);
      return { ...seen, made: seen.made };
    }
    return madeNow(name, waiting);
  }

  /**
   * The same `up` once more: after a crash, or where something was taken away behind our back. The config's entry is what it is to
   * be; only where there is no volume can it be the rest of a creation.
   */
  function again(name: string, entry: VolumeDefinition, made: RecordedVolume | undefined): Change {
    const isCreation = made === undefined && registry.begun().get(name)?.kind === "make";
    return { name, kind: isCreation ? "make" : "change", to: entry, before: entry };
  }

  // The next `up` of anybody deletes it: no container may write to it meanwhile.
  function refuseHalfRemoved(name: string): void {
    if (registry.begun().get(name)?.kind !== "remove") return;
    throw stackError("removal-unfinished", name, undefined, { name });
  }

  async function madeNow(name: string, waiting: Waiting): Promise<Seen & { made: RecordedVolume }> {
    const { config, made } = await find(name, waiting);
    if (made) return { config, made };
    throw stackError("volume-not-made", name, undefined, { name, because: "it was removed in the meantime" });
  }

  async function mount(asked: Asked, id: string, waiting: Waiting): Promise<string> {
    const { name } = asked;
    const { config, made: before } = await ensure(asked, waiting);
    let made = before;
    const storage = nodes.storageFor(made, config);
    let at = await storage.mount(nodeVolume(made), waiting);
    const entry = entryOf(config, name);
    if (at === undefined && entry) {
      await waitForChange(again(name, entry, made), waiting);
      ({ made } = await madeNow(name, waiting));
      at = await storage.mount(nodeVolume(made), waiting);
    }
    if (at === undefined) {
      const because = "it isn't mounted, and `pulumi up` didn't mount it";
      const { backend } = nodeVolume(made);
      throw stackError("not-on-this-machine", name, undefined, { name, backend, because });
    }
    await registry.hold(name, id);
    await nodes.expect(nodeVolume(made), storage);
    return at;
  }

  async function unmount(name: string, id: string, waiting: Waiting): Promise<void> {
    await registry.release(name, [id]);
    if (registry.holdersOf(name).length > 0) {
      tidyLater(name);
      return;
    }
    try {
      const { config, made } = await find(name, waiting);
      if (made) await nodes.storageFor(made, config).unmount(nodeVolume(made), waiting);
    } catch (error) {
      // Docker won't ask again.
      tidyLater(name);
      throw error;
    }
  }

  async function remove(reference: string, { name }: Asked, waiting: Waiting): Promise<void> {
    const seen = await find(name, waiting);
    const entry = entryOf(seen.config, name);
    if (entry === undefined && seen.made === undefined) return registry.forget(name);
    // Docker counts users by name, and knows one volume by several: only the last name takes the volume with it.
    const others = namesOf(name, seen).filter((each) => each !== reference);
    if (registry.namesOf(name).includes(reference) && others.length > 0) {
      log(
        `${name}: removed the name ${reference}; the volume is kept, because Docker also knows it as ${others.join(", ")}.`,
      );
      return registry.removeName(name, reference);
    }
    await removeAll(name, seen, waiting);
    await registry.forget(name);
  }

  /** Removes a volume that nobody uses, and its entry. */
  async function removeAll(name: string, { config, made }: Seen, waiting: Waiting): Promise<void> {
    if (made) await refuseUsed(name, made, config, waiting);
    if (made) await nodes.storageFor(made, config).unmount(nodeVolume(made), waiting);
    await waitForChange({ name, kind: "remove", to: undefined, before: entryOf(config, name) }, waiting);
  }

  async function refuseUsed(name: string, made: RecordedVolume, config: StackConfigRead, waiting: Waiting) {
    const storage = nodes.storageFor(made, config);
    const started = monotonic.now();
    for (;;) {
      const users = await storage.usersOf(nodeVolume(made));
      const holders = registry.holdersOf(name);
      if (users.length > 0 && (holders.length > 0 || monotonic.now() - started > graceMs.ending)) {
        throw stackError("volume-in-use", name, undefined, { name, users });
      }
      // The clock may count from the machine's start: where nobody holds it, nobody has just begun to, also right after that.
      const youngest = Math.max(-Infinity, ...holders.map(({ since }) => since));
      if (users.length === 0 && monotonic.now() - youngest > graceMs.starting) {
        // Docker was killed, and never said that these have ended.
        return registry.release(
          name,
          holders.map(({ id }) => id),
        );
      }
      waiting.for(users.length > 0 ? "the volume's last container to exit" : "a container that has just mounted it");
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  /** The names that Docker knows a volume by and that still say what it is. */
  function namesOf(name: string, seen: Seen): string[] {
    return registry.namesOf(name).filter((reference) => {
      const { asked } = readAsked(reference);
      return asked !== undefined && differenceOf(asked, seen) === undefined;
    });
  }

  /** Forgets the names of volumes that are gone by somebody else's doing, as by an `up` without them. */
  async function forgetGone(config: StackConfigRead, made: ReadonlyMap<string, RecordedVolume>): Promise<void> {
    for (const name of registry.volumes()) {
      const isUsed = registry.holdersOf(name).length > 0 || registry.begun().has(name);
      if (!isUsed && !made.has(name) && entryOf(config, name) === undefined) await registry.forget(name);
    }
  }

  // Somebody's `up` may change them. It comes after a change of the config file: then it is looked for soon, and ever less.
  const doubt = { tag: "", at: 0, pauseMs: 0 };
  async function heldVolumes(): Promise<NodeVolume[]> {
    const config = await stack.readConfig();
    const of = (made: ReadonlyMap<string, RecordedVolume>) => registry.held().map((name) => made.get(name));
    const isAsDeclared = (volume: RecordedVolume | undefined) => volume !== undefined && isCompliant(volume, config);
    let held = of(await view.made());
    if (doubt.tag !== config.tag)
      Object.assign(doubt, { tag: config.tag, at: monotonic.now(), pauseMs: DOUBT_MS.first });
    if (monotonic.now() >= doubt.at + doubt.pauseMs && !held.every(isAsDeclared)) {
      held = of(await view.refresh());
      Object.assign(doubt, { at: monotonic.now(), pauseMs: Math.min(doubt.pauseMs * 2, DOUBT_MS.last) });
    }
    return held.flatMap((volume) => (volume ? [nodeVolume(volume)] : []));
  }

  /** Takes from this machine what a crash left on it: containers that Docker never took back, a volume that is there for nobody. */
  async function tidy(name: string, waiting: Waiting): Promise<void> {
    const { config, made } = await find(name, waiting);
    if (!made) return;
    const storage = nodes.storageFor(made, config);
    const holders = registry.holdersOf(name);
    if (holders.length > 0) {
      const youngest = Math.max(...holders.map(({ since }) => since));
      if (monotonic.now() - youngest <= graceMs.starting) {
        tidyLater(name);
        return;
      }
      if ((await storage.usersOf(nodeVolume(made))).length > 0) return;
      const ids = holders.map(({ id }) => id);
      log(`${name}: the last container exited without a notification from Docker.`, "warn");
      await registry.release(name, ids);
    }
    await storage.unmount(nodeVolume(made), waiting);
  }

  async function tidyNow(name: string, pauseMs = graceMs.starting): Promise<void> {
    const waiting: Waiting = { for: () => undefined, signal: AbortSignal.timeout(TIDY_LIMIT_MS) };
    await alone(name, waiting, () => tidy(name, waiting)).catch((error: unknown) => {
      log(`${name}: could not be cleaned up on this machine yet: ${(error as Error).message}`, "warn");
      tidyLater(name, Math.min(pauseMs * 2, TIDY_PAUSE_MS));
    });
  }

  async function removeLost(name: string): Promise<void> {
    log(`${name}: no longer requested; removing it.`);
    const waiting: Waiting = { for: () => undefined, signal: AbortSignal.timeout(TIDY_LIMIT_MS) };
    await alone(name, waiting, async () => removeAll(name, await find(name, waiting), waiting)).catch(
      (error: unknown) => log(`${name} could not be removed yet: ${(error as Error).message}`, "warn"),
    );
  }

  let starting: Promise<void> | undefined;
  const stopping = new AbortController();

  async function begin(): Promise<void> {
    for (const { message } of environmentNotes(await stack.readConfig())) log(message);
    await view.refresh();
    if (stopping.signal.aborted) return;
    await nodes.start(await heldVolumes(), await stack.readConfig());
    await Promise.all((await recover({ stack, view, registry }, isAnonymous)).map(removeLost));
    const made = await view.made();
    await forgetGone(await stack.readConfig(), made);
    // Behind the calls that come: taking a volume from the machine may take long.
    void (async () => {
      for (const name of made.keys()) if (!stopping.signal.aborted) await tidyNow(name);
    })();
  }

  const tidying = new Map<string, NodeJS.Timeout>();
  function tidyLater(name: string, pauseMs = graceMs.starting): void {
    if (tidying.has(name)) return;
    const timer = setTimeout(() => {
      tidying.delete(name);
      void tidyNow(name, pauseMs);
    }, pauseMs + 100);
    tidying.set(name, timer.unref());
  }

  return {
    async create(reference, options, waiting) {
      const asked = readOrRefuse(reference, options);
      return alone(asked.name, waiting, async () => {
        await create(asked, waiting);
        await registry.addName(asked.name, reference);
      });
    },
    async mount(reference, id, waiting) {
      const asked = readOrRefuse(reference);
      return alone(asked.name, waiting, async () => {
        const at = await mount(asked, id, waiting);
        await registry.addName(asked.name, reference);
        return at;
      });
    },
    async unmount(reference, id, waiting) {
      const asked = readOrRefuse(reference);
      return alone(asked.name, waiting, () => unmount(asked.name, id, waiting));
    },
    async remove(reference, waiting) {
      const asked = readOrRefuse(reference);
      return alone(asked.name, waiting, () => remove(reference, asked, waiting));
    },
    async get(reference, waiting) {
      const asked = readOrRefuse(reference);
      waiting.for("the stack's config and state");
      const seen = await view.report(asked.name, ({ config, made }) => made !== undefined && isCompliant(made, config));
      if (!seen.made) throw absent(asked.name, (await view.made()).keys());
      const difference = onProfileChange === "refuse" ? differenceOf(asked, seen) : undefined;
      if (difference) throw new StackError([difference]);
      const volume = nodeVolume(seen.made);
      const at = await nodes.storageFor(seen.made, seen.config).mountedAt(volume);
      return { Name: reference, Mountpoint: at ?? "", Status: statusMap(seen.made, seen.config) };
    },
    async list(waiting) {
      waiting.for("the stack's config and state");
      const config = await stack.readConfig();
      const made = await view.made();
      await forgetGone(config, made);
      return [...made.values()].flatMap((volume) => {
        const names = namesOf(volume.name, { config, made: volume });
        return (names.length > 0 ? names : [volume.name]).map((Name) => ({ Name }));
      });
    },
    async scope() {
      const read = await stack.readConfig();
      const { backend } = read.config;
      return (backend && storageOf(backend, read)?.scope) ?? "local";
    },
    start() {
      starting = begin();
      return starting;
    },
    async stop() {
      stopping.abort();
      // What it begins would never end.
      await starting?.catch(() => undefined);
      nodes.stop();
      for (const timer of tidying.values()) clearTimeout(timer);
      await changes.idle();
    },
  };
}

function readOrRefuse(reference: string, options: Readonly<Record<string, string>> = {}): Asked {
  const { asked, problems } = readAsked(reference, options);
  const [first, ...others] = problems;
  if (!asked) throw new StackError([first, ...others] as [Problem]);
  return asked;
}

function refuse(problems: readonly Problem[], notes: readonly Note[] = []): void {
  const [first, ...others] = problems;
  if (first) throw new StackError([first, ...others], { notes });
}
