// What a rollout in waves has to remember, so that it can be resumed and reversed: a file in the journal's directory. What there is, the config
// and the states say.

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import type { ProfileDefinition } from "../core/config-schema";
import type { ProcessId } from "../system/process-id";
import { stackError } from "./errors";
import { locked } from "./write-config";

const definition = z.custom<ProfileDefinition>((value) => typeof value === "object" && value !== null);

const recordSchema = z.object({
  id: z.string(),
  profile: z.string(),
  startedAt: z.string(),
  /** Each edit, with the definition before it; none where the stack's file had none. */
  edits: z.array(
    z.object({
      directory: z.string(),
      stack: z.string(),
      in: z.enum(["stack", "catalog"]),
      before: definition.optional(),
      after: definition,
    }),
  ),
  /** The volumes in the order in which they are reached, by URN where they have one. */
  volumes: z.array(z.object({ directory: z.string(), stack: z.string(), name: z.string(), selector: z.string() })),
  /** How many volumes are done after each wave. */
  ends: z.array(z.number()),
  /** How many are done, and how many were begun. */
  done: z.number(),
  begun: z.number(),
  pauseSeconds: z.number(),
  confirm: z.boolean(),
  isReverted: z.boolean(),
  /** How its edits are committed; none where they aren't. */
  commit: z.object({ reason: z.string().optional() }).optional(),
  /** How often it was written: by that, two processes that go on with the same one notice each other. */
  saves: z.number().default(0),
});

/** A rollout, as it is remembered. */
export type RolloutRecord = z.infer<typeof recordSchema>;

/** A new name for a rollout. */
export const newRolloutId = (): string => randomBytes(4).toString("hex");

/** Whether a text can be the name of one; so nothing of it is ever a path. */
export const isRolloutId = (text: string): boolean => /^[0-9a-f]{8}$/.test(text);

/** Writes a rollout down, whole or not at all. */
export function writeRollout(journal: string, record: RolloutRecord): void {
  const folder = join(journal, "rollouts");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${record.id}.json`);
  writeFileSync(`${file}.tmp`, JSON.stringify(record, undefined, 2), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

/** Does something with a rollout while no other process does. Error: `rollout-busy`, at once. */
export function holdingRollout<T>(journal: string, id: string, work: () => Promise<T>): Promise<T> {
  const folder = join(journal, "rollouts");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const busy = (holder: ProcessId | undefined) =>
    stackError("rollout-busy", "rollout", id, {
      ...{ id, holder: holder && `process ${holder.pid} on ${holder.host}` },
    });
  return locked(join(folder, id), work, { patienceMs: 200, busy });
}

/** Reads a rollout; nothing where there is none of the name. */
export function readRollout(journal: string, id: string): RolloutRecord | undefined {
  try {
    const read = recordSchema.safeParse(JSON.parse(readFileSync(join(journal, "rollouts", `${id}.json`), "utf8")));
    return read.success ? read.data : undefined;
  } catch {
    return undefined;
  }
}
