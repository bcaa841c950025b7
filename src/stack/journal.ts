// The journal: for each operation a small file that says what was begun, so that one whose process was killed is reported as
// interrupted and can be run again. It is a report, and no truth: what is there, the config and the state say.

import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import type { Problem } from "../core/problems";
import { hasEnded, isAlive } from "../system/process-id";
import { processIn } from "./engine";
import type { RunFiles } from "./engine-run";
import type { LockHolder } from "./errors";

const processSchema = z.object({ pid: z.number(), host: z.string(), started: z.string().optional() });
const engineSchema = processSchema.extend({
  namespace: z.string().optional(),
  machine: z.string().optional(),
  /** When it was started, where it takes the stack's lock: by the clock that the lock's time is of, too. An earlier version didn't write it. */
  at: z.string().optional(),
});

/** An engine, as the journal has it. */
export type EngineProcess = z.infer<typeof engineSchema>;

/** An operation as plain data: what the journal keeps, and what the HTTP service answers. */
export const reportSchema = z.object({
  id: z.string(),
  kind: z.enum(["apply", "refresh"]),
  project: z.string(),
  stack: z.string(),
  volumes: z.array(z.string()),
  destroy: z.array(z.string()),
  refresh: z.boolean(),
  state: z.enum(["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  problems: z.array(z.custom<Problem>()),
  summary: z.record(z.string(), z.number()).optional(),
  pid: z.number(),
  engineRunning: z.boolean().optional(),
});

const entrySchema = z.object({
  report: reportSchema,
  /** Whether the volumes were named, and not just all that needed it. */
  named: z.boolean(),
  /** Those of the named ones that must exist afterwards; nothing where it is all. */
  required: z.array(z.string()).optional(),
  owner: processSchema,
  engine: engineSchema.optional(),
});

/** What the journal has of an operation. */
export type JournalEntry = z.infer<typeof entrySchema>;

/** How many operations of a stack are remembered. */
const KEPT = 50;

/** The journal of one stack. */
export interface Journal {
  write: (entry: JournalEntry) => void;
  /** All entries, newest first. Those whose process is gone are interrupted. */
  read(): JournalEntry[];
  filesOf(id: string): RunFiles;
  /** Takes the files of a run away. */
  clean(id: string): void;
  /**
   * Takes on to remove the lock of an entry's engine. Only one gets `true`, ever: whoever came second would remove the lock that the first one has
   * then.
   */
  claimLock(entry: JournalEntry): boolean;
  /** Lets another one try: the lock couldn't be removed. */
  unclaimLock(entry: JournalEntry): void;
}

/** The journal of a stack: below `base`, in a directory of its own for each project and stack. */
export function openJournal(base: string, directory: string, stack: string): Journal {
  const key = createHash("sha256").update(`${directory}\n${stack}`).digest("hex").slice(0, 16);
  const folder = join(base, "operations", key);
  const file = (id: string, ending: string) => join(folder, `${id}.${ending}`);
  const prepare = () => mkdirSync(folder, { recursive: true, mode: 0o700 });

  const all = (): JournalEntry[] =>
    listed(folder)
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => {
        const entry = parse(join(folder, name));
        return entry ? [entry] : [];
      })
      .sort((a, b) => (a.report.createdAt < b.report.createdAt ? 1 : -1));

  const clean = (id: string) => {
    for (const ending of ["events", "out"]) rmSync(file(id, ending), { force: true });
  };

  const claimOf = ({ report, engine }: JournalEntry) => file(report.id, `${engine?.pid ?? 0}.freed`);

  return {
    write(entry) {
      prepare();
      const target = file(entry.report.id, "json");
      try {
        writeFileSync(`${target}.tmp`, JSON.stringify(entry), { mode: 0o600 });
        renameSync(`${target}.tmp`, target);
      } catch (error) {
        rmSync(`${target}.tmp`, { force: true });
        throw error;
      }
      for (const old of all().slice(KEPT)) {
        if (isOpen(old) && isAlive(old.owner)) continue;
        for (const name of listed(folder)) {
          if (name.startsWith(`${old.report.id}.`)) rmSync(join(folder, name), { force: true });
        }
      }
    },
    read: () => all().map(asSeen),
    filesOf(id) {
      prepare();
      return { events: file(id, "events"), output: file(id, "out") };
    },
    clean,
    claimLock(entry) {
      try {
        closeSync(openSync(claimOf(entry), "wx", 0o600));
        return true;
      } catch {
        return false;
      }
    },
    unclaimLock: (entry) => rmSync(claimOf(entry), { force: true }),
  };
}

/** How long after its start an engine takes the lock, at most, in milliseconds. */
const UNTIL_LOCK = 60_000;

/**
 * The entry whose engine took a lock and has ended since, without giving it back. Other machines and containers may have the same host name and
 * the same numbers of processes: so the process must have ended here, and the lock must have been taken when it started. Pure.
 */
export function leftBehind(
  holder: LockHolder,
  entries: readonly JournalEntry[],
  ended: (engine: EngineProcess) => boolean = hasEnded,
): JournalEntry | undefined {
  const { host, pid } = processIn(holder) ?? {};
  const since = Date.parse(holder.since ?? "");
  return entries.find(({ engine, report }) => {
    if (engine?.at === undefined || engine.pid !== pid || engine.host !== host) return false;
    const [from, to] = [Date.parse(engine.at), Date.parse(report.finishedAt ?? "9999-12-31")];
    // Pulumi gives a lock's time in whole seconds.
    return since > from - 1_000 && since <= Math.min(from + UNTIL_LOCK, to) && ended(engine);
  });
}

const isOpen = ({ report }: JournalEntry) => report.state === "queued" || report.state === "running";

function asSeen(entry: JournalEntry): JournalEntry {
  if (!isOpen(entry) || isAlive(entry.owner)) return entry;
  const engineRunning = entry.engine !== undefined && isAlive(entry.engine);
  return { ...entry, report: { ...entry.report, state: "interrupted", engineRunning } };
}

function parse(file: string): JournalEntry | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(readFileSync(file, "utf8"))).data;
  } catch {
    return undefined;
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
