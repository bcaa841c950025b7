// What only the plugin knows, and must know after a restart too: under which names Docker knows each volume, which containers have it
// mounted, and which changes were begun. What volumes there are, and what they are, stands in the stack alone.

import { promises as fs } from "node:fs";
import * as path from "node:path";

import { z } from "zod";

import { monotonic } from "../system/monotonic";
import type { VolumeDefinition } from "../core/config-schema";
import { isObject } from "../core/overlay";
import type { Log } from "./log";

// What another release has written there besides is kept: without its names, the first that Docker removes would take the volume with it.
const holder = z.looseObject({ since: z.number() });
const undo = z.looseObject({
  kind: z.enum(["make", "change", "remove"]),
  /** The volume's entry before; nothing where there was none. */
  before: z.custom<VolumeDefinition>(isObject).optional(),
});
const entry = z.looseObject({
  names: z.array(z.string()).default([]),
  holders: z.record(z.string(), holder).default({}),
  begun: undo.optional(),
});
const content = z.looseObject({
  version: z.literal(1),
  /** The boot of the machine that the holders are of: nothing is mounted any more after another. */
  boot: z.string(),
  volumes: z.record(z.string(), entry),
});

type Entry = z.infer<typeof entry>;

/** What was begun with a volume, and how to take it back. */
export type Begun = Pick<z.infer<typeof undo>, "kind" | "before">;

/** The names, holders and begun changes of all volumes. Every change is on disk when its promise resolves. */
export interface Registry {
  /** The volumes of which anything is known. */
  volumes(): string[];
  /** The names that Docker knows the volume by. */
  namesOf(volume: string): string[];
  /** Docker knows the volume by this name. */
  addName(volume: string, name: string): Promise<void>;
  /** Docker has forgotten the name. */
  removeName(volume: string, name: string): Promise<void>;
  /** The mounts of the volume: Docker's id of each, and since when, by the monotonic clock. */
  holdersOf(volume: string): { id: string; since: number }[];
  hold(volume: string, id: string): Promise<void>;
  release(volume: string, ids: readonly string[]): Promise<void>;
  /** The volumes that any container has mounted. */
  held(): string[];
  /** A change of the volume begins, or has ended one way or the other. */
  begin(volume: string, begun: Begun): Promise<void>;
  end(volume: string): Promise<void>;
  begun(): Map<string, Begun>;
  /** The volume is gone. */
  forget(volume: string): Promise<void>;
}

/** Opens the registry in a file; without one it is empty. A file that can't be read is renamed and logged, and the registry is empty, too. */
export async function openRegistry(file: string, log: Log): Promise<Registry> {
  await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const boot = await bootId();
  const volumes = await read(file, boot, log);
  const of = (volume: string): Entry => {
    const known = volumes.get(volume);
    if (known) return known;
    const made: Entry = { names: [], holders: {} };
    volumes.set(volume, made);
    return made;
  };
  const write = writer(file, () => ({ version: 1, boot, volumes: Object.fromEntries(volumes) }));
  const change = (volume: string, edit: (entry: Entry) => void): Promise<void> => {
    const entry = of(volume);
    const before = JSON.stringify(entry);
    edit(entry);
    if (JSON.stringify(entry) === before) return Promise.resolve();
    if (entry.names.length === 0 && Object.keys(entry.holders).length === 0 && !entry.begun) volumes.delete(volume);
    return write();
  };
  return {
    volumes: () => [...volumes.keys()],
    namesOf: (volume) => [...(volumes.get(volume)?.names ?? [])],
    addName: (volume, name) =>
      change(volume, (entry) => {
        entry.names = [...new Set([...entry.names, name])];
      }),
    removeName: (volume, name) =>
      change(volume, (entry) => {
        entry.names = entry.names.filter((each) => each !== name);
      }),
    holdersOf: (volume) => Object.entries(volumes.get(volume)?.holders ?? {}).map(([id, { since }]) => ({ id, since })),
    hold: (volume, id) =>
      change(volume, (entry) => {
        entry.holders[id] ??= { since: monotonic.now() };
      }),
    release: (volume, ids) =>
      change(volume, (entry) => {
        for (const id of ids) Reflect.deleteProperty(entry.holders, id);
      }),
    held: () => [...volumes].filter(([, { holders }]) => Object.keys(holders).length > 0).map(([volume]) => volume),
    begin: (volume, begun) =>
      change(volume, (entry) => {
        entry.begun = begun;
      }),
    end: (volume) =>
      change(volume, (entry) => {
        delete entry.begun;
      }),
    begun: () => new Map([...volumes].flatMap(([volume, { begun }]) => (begun ? [[volume, begun] as const] : []))),
    forget: (volume) => (volumes.delete(volume) ? write() : Promise.resolve()),
  };
}

async function read(file: string, boot: string, log: Log): Promise<Map<string, Entry>> {
  let text: string;
  try {
    text = await fs.readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
  try {
    const known = content.parse(JSON.parse(text));
    const volumes = new Map(Object.entries(known.volumes));
    if (known.boot !== boot) for (const entry of volumes.values()) entry.holders = {};
    // What was written by an earlier version, by the clock that people read, lies in the future.
    const now = monotonic.now();
    for (const { holders } of volumes.values())
      for (const each of Object.values(holders)) each.since = Math.min(each.since, now);
    return volumes;
  } catch {
    const kept = `${file}.unreadable`;
    await fs.rename(file, kept);
    log(
      `${file} can't be read and is treated as empty; it is kept as ${kept}. Containers that use a volume are determined from the kernel only, and other names of a volume aren't known: \`docker volume rm\` of one of them removes the volume.`,
      "warn",
    );
    return new Map();
  }
}

/** Writes the content as it is then, never twice at once: who asks while a write runs gets the next one. */
function writer(file: string, current: () => unknown): () => Promise<void> {
  const writeOnce = async () => {
    const temporary = `${file}.new`;
    await fs.writeFile(temporary, `${JSON.stringify(current(), null, 1)}\n`, { mode: 0o600, flush: true });
    await fs.rename(temporary, file);
  };
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return (running = writeOnce());
      });
    return next;
  };
}

async function bootId(): Promise<string> {
  return (await fs.readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim();
}
