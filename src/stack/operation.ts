// One operation as those see it who wait for it: its report, its events from the beginning, its end, and how to cancel it.

import { randomUUID } from "node:crypto";

import type { Told } from "./events";
import type { ProcessId } from "../system/process-id";
import type { EngineProcess, JournalEntry } from "./journal";
import type { Operation, OperationEvent, OperationKind, OperationReport, OperationState } from "./types";

/** What an operation is to do. */
export interface OperationRequest {
  kind: OperationKind;
  /** The volumes; nothing where it is all those that need it. */
  volumes: readonly string[] | undefined;
  /** Those of them that must exist afterwards; nothing where it is all that are named. */
  required?: readonly string[] | undefined;
  destroy: readonly string[];
  refresh: boolean;
  waitForLockSeconds: number;
}

/** An operation, as the one sees it who carries it out. */
export interface Carried {
  readonly operation: Operation;
  readonly request: OperationRequest;
  report(): OperationReport;
  /** Changes what is known of it, and has it written down. */
  set(changes: Partial<OperationReport>): void;
  tell(event: Told): void;
  /** The process of its engine, for the journal. */
  engine(process: EngineProcess): void;
  isCancelled(): boolean;
  /** What cancelling does besides, while the engine runs. */
  onCancel(stop: (() => void) | undefined): void;
  finish(state: OperationState, changes?: Partial<OperationReport>): void;
}

/** Makes an operation that is queued. `record` writes it down; where it can't, the operation says so and goes on. */
export function makeOperation(
  request: OperationRequest,
  names: { project: string; stack: string },
  owner: ProcessId,
  record: (entry: JournalEntry) => void,
): Carried {
  const events: OperationEvent[] = [];
  let wake: (() => void)[] = [];
  let isOver = false;
  let cancelled = false;
  let stop: (() => void) | undefined;
  let engine: EngineProcess | undefined;
  let isRecorded = true;
  let report: OperationReport = {
    id: randomUUID(),
    kind: request.kind,
    ...names,
    volumes: [...(request.volumes ?? [])],
    destroy: [...request.destroy],
    refresh: request.refresh,
    state: "queued",
    createdAt: new Date().toISOString(),
    problems: [],
    pid: process.pid,
  };
  let ended: (report: OperationReport) => void = () => undefined;
  const done = new Promise<OperationReport>((resolve) => (ended = resolve));

  const wakeAll = () => {
    const waiting = wake;
    wake = [];
    for (const each of waiting) each();
  };
  const tell = (event: Told) => {
    events.push({ ...event, sequence: events.length + 1, at: new Date().toISOString() });
    wakeAll();
  };
  const set = (changes: Partial<OperationReport>) => {
    const before = report.state;
    report = { ...report, ...changes };
    const why = failureOf(() =>
      record({
        report,
        named: request.volumes !== undefined,
        ...(request.required && { required: [...request.required] }),
        owner,
        ...(engine && { engine }),
      }),
    );
    // The journal is a report, and no truth: a full disk must not break off what has begun.
    if (why !== undefined && isRecorded)
      tell({
        type: "message",
        severity: "warning",
        text: `this operation can't be recorded, so it can't be resumed after a crash: ${why}`,
      });
    isRecorded = why === undefined;
    if (report.state !== before) tell({ type: "state", state: report.state, volumes: report.volumes });
  };

  const operation: Operation = {
    id: report.id,
    report: () => report,
    done,
    async *events(after = 0) {
      for (let next = Math.max(0, after); ;) {
        const event = events[next];
        if (event) {
          next++;
          yield event;
        } else if (isOver) return;
        else await new Promise<void>((resolve) => wake.push(resolve));
      }
    },
    cancel() {
      if (isOver) return;
      cancelled = true;
      stop?.();
    },
  };
  const finish = (state: OperationState, changes: Partial<OperationReport> = {}) => {
    if (isOver) return;
    set({ ...changes, state, finishedAt: new Date().toISOString() });
    isOver = true;
    wakeAll();
    ended(report);
  };
  set({});
  tell({ type: "state", state: "queued", volumes: report.volumes });
  return {
    operation,
    request,
    report: () => report,
    set,
    tell,
    engine(process) {
      engine = process;
      set({});
    },
    isCancelled: () => cancelled,
    onCancel(next) {
      stop = next;
    },
    finish,
  };
}

function failureOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
