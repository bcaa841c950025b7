// What the plugin sees of its stack. The config file is looked at for every call, which costs a `stat`. The state comes from the engine,
// and is asked for only when something may have changed it: at the start, after an operation of ours, and when the config file is
// another one. A volume that was there the last time is taken from memory meanwhile, because what counts for a container is the mount,
// and that is looked at each time. So a container on a volume that exists waits for no engine.

import { monotonic } from "../system/monotonic";
import { formatProblem } from "../core/problems";
import { ambiguous, recordedAs } from "../stack/select";
import type { RecordedVolume, Stack, StackConfigRead, StackState } from "../stack/types";
import type { Log } from "./log";

/** A volume as config and state have it. */
export interface Seen {
  config: StackConfigRead;
  /** What the state has of it; nothing where it isn't made. */
  made: RecordedVolume | undefined;
}

/** What was read longer ago than this is read again behind whoever asks, in milliseconds. */
const oldMs = 20_000;

/** What was read longer ago than this isn't what a volume is reported to be when it isn't as declared: an `up` may have been run. */
const doubtfulMs = 1_000;

export interface StackView {
  /** A volume. The engine is asked only where the volume isn't known, and the config file has changed since it was last asked. */
  find(name: string): Promise<Seen>;
  /** The same, for a report: where it isn't as it should be, the engine is asked whether that is still so. */
  report(name: string, isInOrder: (seen: Seen) => boolean): Promise<Seen>;
  /** The volumes that are made, by the last state that was read. */
  made(): Promise<ReadonlyMap<string, RecordedVolume>>;
  /** Reads the state anew. */
  refresh(): Promise<ReadonlyMap<string, RecordedVolume>>;
  /** We ourselves have changed the config file, to this tag, and nothing else has changed yet. */
  edited(before: string, after: string): void;
}

type Made = ReadonlyMap<string, RecordedVolume>;

export function viewOf(stack: Stack, log: Log): StackView {
  let known: { tag: string; made: Made; at: number } | undefined;
  let reading: Promise<Made> | undefined;

  const readAnew = async (): Promise<Made> => {
    // The config first: what changes while the state is read is then seen as a change the next time.
    const { tag } = await stack.readConfig();
    const at = monotonic.now();
    const { volumes } = await stack.readState();
    const before = known?.made;
    const all = volumes.map((volume) => withWhatItHad(volume, before?.get(volume.name)));
    known = { tag, at, made: byName({ volumes: all.filter(isMade) }, log) };
    return known.made;
  };
  // A reading that began before it was asked for may be too old, so another follows it; all who come meanwhile share that one.
  let following: Promise<Made> | undefined;
  const refresh = (): Promise<Made> => {
    if (reading) {
      following ??= reading
        .catch(() => undefined)
        .then(() => {
          following = undefined;
          return refresh();
        });
      return following;
    }
    const current = readAnew().finally(() => {
      if (reading === current) reading = undefined;
    });
    reading = current;
    return current;
  };
  const upToDate = async (tag: string): Promise<Made> => (known?.tag === tag ? known.made : (reading ?? refresh()));

  const age = () => monotonic.now() - (known?.at ?? 0);
  const find = async (name: string): Promise<Seen> => {
    const config = await stack.readConfig();
    const made = known?.made.get(name);
    if (made === undefined) return { config, made: (await upToDate(config.tag)).get(name) };
    if ((known?.tag !== config.tag || age() > oldMs) && !reading) {
      refresh().catch((error: unknown) => log(`The state can't be read: ${(error as Error).message}`, "warn"));
    }
    return { config, made };
  };

  return {
    find,
    async report(name, isInOrder) {
      const seen = await find(name);
      if (seen.made === undefined || isInOrder(seen) || age() < doubtfulMs) return seen;
      return { config: await stack.readConfig(), made: (await refresh()).get(name) };
    },
    async made() {
      return upToDate((await stack.readConfig()).tag);
    },
    refresh,
    edited(before, after) {
      if (known?.tag === before) known = { ...known, tag: after };
    },
  };
}

/** Docker knows volumes by name: a name that several have stands for the one that an entry of the config would be, or for none. */
function byName({ volumes }: Pick<StackState, "volumes">, log: Log): Made {
  const names = [...new Set(volumes.map(({ name }) => name))];
  return new Map(
    names.flatMap((name) => {
      const [volume, ...others] = recordedAs({ volumes }, name);
      if (volume && others.length === 0) return [[name, volume] as const];
      log(formatProblem(ambiguous(name, volume ? [volume, ...others] : [], name)), "warn");
      return [];
    }),
  );
}

/** In the middle of an `up` a volume has no outputs yet, and is all the same where it was. */
function withWhatItHad(volume: RecordedVolume, before: RecordedVolume | undefined): RecordedVolume {
  if (before?.urn !== volume.urn || volume.volumeId !== undefined) return volume;
  const { volumeId, mountPath, asked, has } = before;
  return { ...volume, volumeId, mountPath, asked: volume.asked ?? asked, has: volume.has ?? has };
}

/** Whether an `up` went through to the volume's own resource. */
function isMade(volume: RecordedVolume): boolean {
  return volume.volumeId !== undefined && volume.has !== undefined && volume.asked !== undefined;
}
