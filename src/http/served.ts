// A stack as the service sees it: its config, read by each request; its state, kept for as long as it is likely to hold; and its
// writes, one after the other, since most of them first look at what is there.

import type { Operation, OperationReport, Stack, StackConfigRead, StackState, VolumeStatus } from "../stack";
import { statusesOf } from "../stack/status";
import { complianceStatuses } from "../stack/types";
import { httpError } from "./errors";
import type { Metrics } from "./metrics";

/** The state as it was read at a time. */
export interface StateRead {
  state: StackState;
  readAt: Date;
}

export interface ServedStack {
  readonly name: string;
  readonly stack: Stack;
  config(): Promise<StackConfigRead>;
  /** What doesn't change while the config doesn't: worked out once for each reading of it. */
  remembered<T>(read: StackConfigRead, key: string, make: () => T): T;
  state(fresh?: boolean): Promise<StateRead>;
  statuses(fresh?: boolean): Promise<StateRead & { config: StackConfigRead; statuses: VolumeStatus[] }>;
  /** Does this while no other write of the service is under way. Gives it the state: all that wait for their turn share one reading. */
  inTurn<T>(work: (state: Promise<StackState>) => Promise<T>): Promise<T>;
  /** Throws where no other operation is taken. Error: `operations-too-many`. */
  checkRoom(): void;
  /** Follows an operation until it ends. */
  follow(operation: Operation): OperationReport;
  /** Those that this process runs or has waiting. */
  running(): Operation[];
}

/** How long the state is taken to hold, in milliseconds: at least this, and longer where reading it takes long. */
const STATE_HOLDS = { least: 2_000, most: 30_000, timesAsLongAsReading: 4 };

/** How many answers are remembered for one reading of the config. */
const REMEMBERED = 256;

export function serveStack(stack: Stack, metrics: Metrics, limits: { operations: number }): ServedStack {
  const { name } = stack;
  const answers = new WeakMap<StackConfigRead, Map<string, unknown>>();
  let last: (StateRead & { until: number }) | undefined;
  let reading: Promise<StateRead> | undefined;
  // Counts what may have changed the state, so that what was read before isn't kept after.
  let changes = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const open = new Set<Operation>();
  let judged: { config: StackConfigRead; state: StackState; statuses: VolumeStatus[] } | undefined;

  const forget = () => {
    changes++;
    last = undefined;
    reading = undefined;
  };
  const read = async (): Promise<StateRead> => {
    const [before, start] = [changes, performance.now()];
    const readAt = new Date();
    const state = await stack.readState();
    const took = performance.now() - start;
    const holds = Math.min(Math.max(STATE_HOLDS.least, took * STATE_HOLDS.timesAsLongAsReading), STATE_HOLDS.most);
    if (before === changes) last = { state, readAt, until: performance.now() + holds };
    return { state, readAt };
  };
  const state = (fresh = false): Promise<StateRead> => {
    if (!fresh && last && performance.now() < last.until) return Promise.resolve(last);
    if (reading && !fresh) return reading;
    const mine: Promise<StateRead> = read().finally(() => {
      if (reading === mine) reading = undefined;
    });
    reading = mine;
    return mine;
  };

  return {
    name,
    stack,
    config: () => stack.readConfig(),
    remembered<T>(config: StackConfigRead, key: string, make: () => T): T {
      let known = answers.get(config);
      if (!known) answers.set(config, (known = new Map<string, unknown>()));
      if (known.has(key)) return known.get(key) as T;
      const made = make();
      if (known.size >= REMEMBERED) known.clear();
      known.set(key, made);
      return made;
    },
    state,
    async statuses(fresh) {
      const [config, found] = await Promise.all([stack.readConfig(), state(fresh)]);
      if (judged?.config !== config || judged.state !== found.state) {
        judged = { config, state: found.state, statuses: statusesOf(config, found.state) };
        metrics.volumes.remove({ stack: name });
        for (const status of complianceStatuses)
          metrics.volumes.set({ stack: name, status }, judged.statuses.filter((each) => each.status === status).length);
      }
      return { ...found, config, statuses: judged.statuses };
    },
    inTurn<T>(work: (state: Promise<StackState>) => Promise<T>): Promise<T> {
      const known = (reading ?? state(true)).then((read) => read.state);
      // Whoever needs it hears of the error.
      known.catch(() => undefined);
      const mine = turn.then(() => work(known));
      turn = mine.catch(() => undefined);
      return mine;
    },
    checkRoom() {
      if (open.size >= limits.operations)
        throw httpError("operations-too-many", "stack", name, { max: limits.operations }, { "Retry-After": "10" });
    },
    follow(operation) {
      open.add(operation);
      void watch(operation, forget, metrics).finally(() => open.delete(operation));
      return operation.report();
    },
    running: () => [...open],
  };
}

async function watch(operation: Operation, forget: () => void, metrics: Metrics): Promise<void> {
  const start = performance.now();
  for await (const event of operation.events()) {
    if (event.type === "state" && event.state === "running")
      metrics.engineStart.observe((performance.now() - start) / 1000);
    if (event.type === "state" || (event.type === "resource" && event.phase !== "started")) forget();
  }
  const { stack, kind, state } = await operation.done;
  forget();
  metrics.operations.inc({ stack, kind, state });
}
