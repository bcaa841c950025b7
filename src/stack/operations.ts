// The operations of a stack: one after the other, each limited to the volumes that it is about.

import { hostname } from "node:os";

import { problem, type Problem } from "../problems";
import { nearest } from "../nearest";
import { engineError, lockHolder, runEngine, unknownStack } from "./engine";
import { stackError, StackError } from "./errors";
import { targetOf, toldBy } from "./events";
import { isAlive, openJournal, processOf, thisProcess, type JournalEntry } from "./journal";
import { makeOperation, type Carried, type OperationRequest } from "./operation";
import type { ProjectContext } from "./project";
import { startRun } from "./run";
import { placed, statusesOf } from "./status";
import type { ApplyOptions, Operation, OperationReport, StackConfigRead, StackState, VolumeStatus } from "./types";

interface Parts {
  name: string;
  context: ProjectContext;
  readConfig: () => Promise<StackConfigRead>;
  readState: () => Promise<StackState>;
}

/** What can be done to a stack. */
export interface Operations {
  apply(options?: ApplyOptions): Operation;
  refresh(options?: { volumes?: readonly string[] | undefined }): Operation;
  list(): Promise<OperationReport[]>;
  find(id: string): Operation | undefined;
  resume(id: string): Operation;
}

/** How many operations that are over are kept with their events. */
const KEPT = 100;

/** Makes the operations of a stack. */
export function makeOperations(parts: Parts): Operations {
  const { name, context } = parts;
  const journal = openJournal(context.journalDirectory, context.project.directory, name);
  const owner = thisProcess();
  const known = new Map<string, Operation>();
  let last: Promise<void> = Promise.resolve();

  const begin = (request: OperationRequest): Operation => {
    const record = (entry: JournalEntry) => journal.write(entry);
    const carried = makeOperation(request, { project: context.project.name, stack: name }, owner, record);
    const { operation } = carried;
    known.set(operation.id, operation);
    for (const [id, each] of known) {
      if (known.size <= KEPT) break;
      if (each.report().finishedAt !== undefined) known.delete(id);
    }
    // Cancelled while it waits, it is over at once.
    carried.onCancel(() => carried.finish("cancelled", { problems: [cancelled(carried)] }));
    last = last.then(async () => {
      if (carried.report().finishedAt !== undefined) return;
      carried.onCancel(undefined);
      await carry(carried, parts, journal).catch((error: unknown) => {
        if (error instanceof StackError) carried.finish("failed", { problems: [...error.problems] });
        else carried.finish("failed", { problems: [unforeseen(name, error)] });
      });
      journal.clean(operation.id);
    });
    return operation;
  };

  return {
    apply({ volumes, destroy = [], refresh = false, waitForLockSeconds = 0 } = {}) {
      return begin({ kind: "apply", volumes, destroy, refresh, waitForLockSeconds });
    },
    refresh: ({ volumes } = {}) =>
      begin({ kind: "refresh", volumes, destroy: [], refresh: true, waitForLockSeconds: 0 }),
    list() {
      const mine = [...known.values()].map((each) => each.report());
      const ids = new Set(mine.map(({ id }) => id));
      const others = journal
        .read()
        .map(({ report }) => report)
        .filter(({ id }) => !ids.has(id));
      return Promise.resolve([...mine, ...others].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1)));
    },
    find: (id) => known.get(id),
    resume(id) {
      const mine = known.get(id)?.report();
      const entry = journal.read().find(({ report }) => report.id === id);
      const report = mine ?? entry?.report;
      if (!report) throw stackError("operation-unknown", "operation", id, {});
      if (!["interrupted", "failed", "cancelled"].includes(report.state)) {
        throw stackError("operation-not-resumable", "operation", id, { state: report.state });
      }
      const { kind, volumes, destroy, refresh } = report;
      const named = entry?.named ?? volumes.length > 0;
      return begin({ kind, volumes: named ? volumes : undefined, destroy, refresh, waitForLockSeconds: 0 });
    },
  };
}

// Reads, decides what has to be touched, runs the engine, and looks what came of it.
async function carry(carried: Carried, parts: Parts, journal: ReturnType<typeof openJournal>): Promise<void> {
  const { request } = carried;
  carried.set({ state: "running", startedAt: new Date().toISOString() });
  const [config, state] = [await parts.readConfig(), await parts.readState()];
  if (!state.exists) throw unknownStack(parts.name, await parts.context.project.stackNames());
  const statuses = statusesOf(config, state);
  const chosen = choose(request, statuses, state);
  const problems = [...chosen.problems, ...(request.kind === "apply" ? obstacles(config, chosen.volumes) : [])];
  carried.set({ volumes: chosen.volumes.map(({ name }) => name), destroy: chosen.destroy });
  if (problems.length > 0) {
    carried.finish("failed", { problems });
    return;
  }
  const targets = targetsOf(request, chosen, state, parts);
  if (targets.length === 0) {
    carried.finish("succeeded", { summary: {} });
    return;
  }
  if (carried.isCancelled()) {
    carried.finish("cancelled", { problems: [cancelled(carried)] });
    return;
  }

  const verb = request.kind === "refresh" ? "refresh" : "up";
  const args = [
    verb,
    "--yes",
    "--skip-preview",
    "--stack",
    parts.name,
    ...(verb === "up" && request.refresh ? ["--refresh"] : []),
    ...targets.flatMap((urn) => ["--target", urn]),
  ];
  const { code, output, errors, summary } = await runToEnd(carried, args, parts, journal);
  if (code !== 0) {
    if (carried.isCancelled()) {
      carried.finish("cancelled", { summary, problems: [cancelled(carried)] });
      return;
    }
    const text = errors.length > 0 ? errors.join("\n") : output;
    throw engineError(parts.name, verb, lockHolder(output) ? output : text, await parts.context.project.stackNames());
  }
  // What the config no longer lists may be declared by the program all the same.
  const after = chosen.destroy.length > 0 ? await parts.readState() : undefined;
  const stays = chosen.destroy.filter((each) => after?.volumes.some(({ name }) => name === each));
  const declared = stays.map((volume) => problem("volume-declared", "destroy", volume, { volume, by: "the program" }));
  carried.finish(declared.length > 0 ? "failed" : "succeeded", { summary, problems: declared });
}

interface Chosen {
  volumes: VolumeStatus[];
  destroy: string[];
  problems: Problem[];
}

function choose({ kind, volumes, destroy }: OperationRequest, statuses: VolumeStatus[], state: StackState): Chosen {
  const names = statuses.map(({ name }) => name);
  const byName = new Map(statuses.map((each) => [each.name, each]));
  const problems: Problem[] = [];
  const wanted = volumes ?? (destroy.length > 0 ? [] : undefined);
  const picked = wanted
    ? wanted.flatMap((volume) => {
        const found = byName.get(volume);
        if (!found)
          problems.push(
            problem("volume-unknown", "volumes", volume, { volume, volumes: names, nearest: nearest(volume, names) }),
          );
        return found ? [found] : [];
      })
    : statuses.filter(({ status }) => kind === "refresh" || status !== "compliant");
  for (const volume of destroy) {
    const found = byName.get(volume);
    if (found?.declaredBy === "config")
      problems.push(problem("volume-declared", "destroy", volume, { volume, by: "the stack's config" }));
    else if (found?.protected) problems.push(problem("volume-protected", "destroy", volume, { volume }));
  }
  const there = destroy.filter((each) => state.volumes.some(({ name }) => name === each));
  return { volumes: [...new Set(picked)], destroy: [...new Set(there)], problems };
}

// What would be refused in the middle is told at the beginning, and nothing is touched. What a program now says of a volume only
// its run shows; it refuses for itself, as it does to run with a config that has problems.
function obstacles(config: StackConfigRead, chosen: VolumeStatus[]): Problem[] {
  if (config.problems.length > 0) return config.problems;
  return chosen
    .filter(({ verdict, declaredBy }) => verdict === "refused" && declaredBy === "config")
    .flatMap(({ name, problems }) => placed(name, true, problems));
}

// Of a volume in the state the component, all below it, and what follows its profile elsewhere; of a new one the URN that it will have.
function targetsOf(request: OperationRequest, chosen: Chosen, state: StackState, { name, context }: Parts): string[] {
  const names = [...chosen.volumes.map((each) => each.name), ...chosen.destroy];
  const urns = names.flatMap((volume) => {
    const recorded = state.volumes.find((each) => each.name === volume);
    if (!recorded) return request.kind === "refresh" ? [] : [targetOf(name, context.project.name, volume)];
    const exact = [
      recorded.urn,
      ...recorded.children.map(({ urn }) => urn),
      ...recorded.followers.map(({ urn }) => urn),
    ];
    return recorded.has ? exact : [...exact, targetOf(name, context.project.name, volume)];
  });
  return [...new Set(urns)];
}

interface Ended {
  code: number;
  output: string;
  /** What the engine called errors. */
  errors: string[];
  summary: Record<string, number> | undefined;
}

// Runs the engine, and again while another run holds the stack's lock, for as long as was asked.
async function runToEnd(
  carried: Carried,
  args: string[],
  parts: Parts,
  journal: ReturnType<typeof openJournal>,
): Promise<Ended> {
  const { engine, ready } = parts.context;
  const deadline = Date.now() + carried.request.waitForLockSeconds * 1000;
  // One that is kept ready is of no use for a refresh: there providers come before the program, which they have their config from.
  let spare = carried.request.refresh ? undefined : await ready?.take();
  for (let isFreed = false; ;) {
    const errors: string[] = [];
    let summary: Record<string, number> | undefined;
    const kept = spare;
    spare = undefined;
    const run = await startRun(engine, args, journal.filesOf(carried.operation.id), kept, (event) => {
      const told = toldBy(event);
      if (!told) return;
      if (told.type === "message" && told.severity === "error") errors.push(told.text);
      if (told.type === "summary") summary = told.changes;
      carried.tell(told);
    });
    carried.engine(processOf(run.pid));
    carried.onCancel(() => run.interrupt());
    if (carried.isCancelled()) run.interrupt();
    const { code, output } = await run.done;
    carried.onCancel(undefined);
    kept?.over();
    ready?.prepare();
    // It may have died in the wrong moment. Then nothing has happened yet, and the engine is run as ever.
    if (code !== 0 && kept?.isBroken() === true && !carried.isCancelled()) continue;
    const holder = code === 0 ? undefined : lockHolder(output);
    if (!holder || carried.isCancelled()) return { code, output, errors, summary };
    if (!isFreed && (await freeLock(holder.who, parts, journal))) {
      isFreed = true;
      carried.tell({
        type: "message",
        severity: "warning",
        text: `the lock of a run that was killed is taken away: ${holder.who}`,
      });
      continue;
    }
    if (Date.now() >= deadline) return { code, output, errors, summary };
    carried.tell({ type: "message", severity: "info", text: `waiting for the stack's lock: ${holder.who}` });
    await new Promise((done) => setTimeout(done, 1_000));
  }
}

// A lock is taken away only where it is certain that it is of a run of ours that is dead: the journal has its process.
async function freeLock(
  who: string,
  { name, context }: Parts,
  journal: ReturnType<typeof openJournal>,
): Promise<boolean> {
  const [, host, pid] = /@(\S+) \(pid (\d+)\)$/.exec(who) ?? [];
  if (host !== hostname()) return false;
  const dead = journal
    .read()
    .some(({ engine }) => engine?.pid === Number(pid) && engine.host === host && !isAlive(engine));
  if (!dead) return false;
  const { code } = await runEngine(context.engine, ["cancel", name, "--yes"]);
  return code === 0;
}

function cancelled(carried: Carried): Problem {
  return problem("operation-cancelled", "operation", carried.operation.id, {});
}

function unforeseen(stack: string, error: unknown): Problem {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return problem("engine-failed", "stack", stack, { command: "up", why });
}
