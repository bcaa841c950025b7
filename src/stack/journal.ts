// The journal: for each operation a small file that says what was begun, so that one whose process was killed is reported as
// interrupted and can be run again. It is a report, and no truth: what is there, the config and the state say.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import type { Problem } from "../core/problems";
import { isAlive } from "../system/process-id";
import type { RunFiles } from "./engine-run";

const processSchema = z.object({ pid: z.number(), host: z.string(), started: z.string().optional() });

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
  owner: processSchema,
  engine: processSchema.optional(),
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
        clean(old.report.id);
        rmSync(file(old.report.id, "json"), { force: true });
      }
    },
    read: () => all().map(asSeen),
    filesOf(id) {
      prepare();
      return { events: file(id, "events"), output: file(id, "out") };
    },
    clean,
  };
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
