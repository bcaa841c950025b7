// The operations of a stack: one after the other, each limited to the volumes that it is about.

import { monotonic } from "../system/monotonic";
import { backends, type Backend } from "../core/backend";
import type { Problem } from "../core/problems";
import { isPluginType } from "../core/resource-types";
import { placedProcess, thisProcess } from "../system/process-id";
import { engineError, isDeadHolder, lockHolder, runEngine, unknownStack } from "./engine";
import { stackError, StackError, type LockHolder } from "./errors";
import { belowOf, isOfVolume, targetOf, toldBy, type Told } from "./events";
import { leftBehind, openJournal, type JournalEntry } from "./journal";
import { makeOperation, type Carried, type OperationRequest } from "./operation";
import type { ProjectContext } from "./project";
import { startRun } from "./engine-run";
import { oneVolume, recordedAs, selectorOf, volumesAt } from "./select";
import { placed, statusesOf } from "./status";
import type { ApplyOptions, Operation, OperationReport, StackConfigRead, StackState, VolumeStatus } from "./types";
import { problem } from "./problems";

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
    carried.onCancel(() => carried.finish("cancelled", { problems: [cancelled()] }));
    last = last.then(async () => {
      if (carried.report().finishedAt !== undefined) return;
      carried.onCancel(undefined);
      await carry(carried, parts, journal).catch((error: unknown) => {
        if (error instanceof StackError) carried.finish("failed", { problems: [...error.problems] });
        else carried.finish("failed", { problems: [unforeseen(name, error)] });
      });
      journal.clean(operation.id);
    });
    // Whatever becomes of one, the next one begins.
    last = last.catch(() => undefined);
    return operation;
  };

  return {
    apply({ volumes, required, destroy = [], refresh = false, waitForLockSeconds = 0 } = {}) {
      return begin({ kind: "apply", volumes, required, destroy, refresh, waitForLockSeconds });
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
      const { required } = entry ?? {};
      return begin({ kind, volumes: named ? volumes : undefined, required, destroy, refresh, waitForLockSeconds: 0 });
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
  const chosen = choose(request, statuses);
  const problems = [...chosen.problems, ...(request.kind === "apply" ? obstacles(config, chosen.volumes) : [])];
  const namesOf = (volumes: readonly VolumeStatus[]) => volumes.map((each) => selectorOf(each, statuses));
  carried.set({ volumes: namesOf(chosen.volumes), destroy: namesOf(chosen.destroy) });
  if (problems.length > 0) {
    carried.finish("failed", { problems });
    return;
  }
  const targets = targetsOf(request, [...chosen.volumes, ...chosen.destroy], state, parts);
  if (targets.length === 0) {
    carried.finish("succeeded", { summary: {} });
    return;
  }
  if (carried.isCancelled()) {
    carried.finish("cancelled", { problems: [cancelled()] });
    return;
  }

  const verb = request.kind === "refresh" ? "refresh" : "up";
  const prepared = verb === "up" ? preparationsOf(chosen.volumes, state) : [];
  const scope = [
    "--stack",
    parts.name,
    ...(verb === "up" && request.refresh ? ["--refresh"] : []),
    ...(needsProgram(request, state) ? ["--run-program"] : []),
    ...[...targets, ...prepared].flatMap((urn) => ["--target", urn]),
  ];
  const finishAs = async (command: string, { code, output, errors, summary }: Ended): Promise<boolean> => {
    if (code === 0) return false;
    if (carried.isCancelled()) {
      carried.finish("cancelled", { summary, problems: [cancelled()] });
      return true;
    }
    const text = errors.length > 0 ? errors.join("\n") : output;
    const stacks = await parts.context.project.stackNames();
    throw engineError(parts.name, command, lockHolder(output) ? output : text, stacks);
  };
  // What the program no longer declares, the engine deletes where it is a target. Only what isn't in the state yet can't be that.
  if (verb === "up" && chosen.volumes.some(({ urn }) => urn !== undefined)) {
    let { tag } = config;
    // A plan holds for the config that it was made with.
    for (let isCurrent = false; !isCurrent;) {
      const { ended, problems: unrequested } = await deletionsIn(carried, scope, chosen.destroy, state, parts, journal);
      if (await finishAs("preview", ended)) return;
      if (unrequested.length > 0) {
        carried.finish("failed", { problems: unrequested });
        return;
      }
      const now = await parts.readConfig();
      isCurrent = now.tag === tag;
      ({ tag } = now);
    }
  }
  const ended = await runToEnd(carried, [verb, "--yes", "--skip-preview", ...scope], parts, journal);
  if (await finishAs(verb, ended)) return;
  // What the config no longer lists may be declared by the program all the same.
  const after = chosen.destroy.length > 0 ? await parts.readState() : undefined;
  const stays = chosen.destroy.filter((each) => after?.volumes.some(({ urn }) => urn === each.urn));
  const declared = stays.map(({ name }) =>
    problem("volume-declared", "destroy", name, { volume: name, by: "the program" }),
  );
  const left = [...declared, ...(await notMade(carried, chosen.volumes, ended, parts))];
  carried.finish(left.length > 0 ? "failed" : "succeeded", { summary: ended.summary, problems: left });
}

// The plugin, which programs in other languages have, receives the stack's config, and with it the connection to a backend, only from a program that runs.
function needsProgram({ kind, refresh }: OperationRequest, { volumes }: StackState): boolean {
  return (
    (kind === "refresh" || refresh) && volumes.some(({ children }) => children.some(({ type }) => isPluginType(type)))
  );
}

// The engine finds nothing wrong with a target that the program doesn't declare. Only of one whose creation it didn't tell is the state read.
// A program may leave volumes of the config out on purpose: that fails only what was asked for one of them.
async function notMade(
  carried: Carried,
  volumes: readonly VolumeStatus[],
  { created }: Ended,
  parts: Parts,
): Promise<Problem[]> {
  const missing = volumes.filter(({ name, urn }) => urn === undefined && !created.has(name));
  const { kind, volumes: named = [], required = named } = carried.request;
  if (kind !== "apply" || missing.length === 0) return [];
  const now = await parts.readState();
  const because = "the program doesn't declare it";
  return missing
    .filter(({ name }) => recordedAs(now, name).length === 0)
    .flatMap(({ name }) => {
      if (required.includes(name)) return [problem("volume-not-made", name, undefined, { name, because })];
      carried.tell({ type: "message", severity: "warning", text: `"${name}" isn't created: ${because}`, volume: name });
      return [];
    });
}

// What a run would delete or replace of volumes that aren't to be deleted, by the engine's own plan for the same targets.
async function deletionsIn(
  carried: Carried,
  scope: readonly string[],
  destroy: readonly VolumeStatus[],
  state: StackState,
  parts: Parts,
  journal: ReturnType<typeof openJournal>,
): Promise<{ ended: Ended; problems: Problem[] }> {
  const told: Told[] = [];
  const files = journal.filesOf(carried.operation.id);
  const run = await startRun(parts.context.engine, ["preview", ...scope], files, undefined, (event) => {
    const each = toldBy(event);
    if (each) told.push(each);
  });
  carried.engine(placedProcess(run.pid));
  carried.onCancel(() => run.interrupt());
  if (carried.isCancelled()) run.interrupt();
  const { code, output } = await run.done;
  carried.onCancel(undefined);
  const messages = told.filter((each) => each.type === "message");
  // They come again with the run itself, where there is one.
  if (code !== 0) for (const each of messages) carried.tell(each);
  const errors = messages.filter(({ severity }) => severity === "error").map(({ text }) => text);
  const requested = new Set(destroy.map(({ urn }) => urn));
  const found = new Map<string, Problem>();
  for (const each of told) {
    if (each.type !== "resource" || !/delete|replace/.test(each.operation) || !isOfVolume(each.urn)) continue;
    const owner = state.volumes.find(({ urn, children }) =>
      [urn, ...children.map((child) => child.urn)].includes(each.urn),
    );
    if (owner && requested.has(owner.urn)) continue;
    const volume = owner ? selectorOf(owner, state.volumes) : each.urn;
    const isReplaced = each.operation !== "delete";
    if (!found.has(volume)) {
      found.set(volume, problem("deletion-not-requested", "volumes", volume, { volume, isReplaced }));
    }
  }
  return { ended: { code, output, errors, summary: undefined, created: new Set() }, problems: [...found.values()] };
}

interface Chosen {
  volumes: VolumeStatus[];
  destroy: VolumeStatus[];
  problems: Problem[];
}

function choose({ kind, volumes, destroy }: OperationRequest, statuses: VolumeStatus[]): Chosen {
  const problems: Problem[] = [];
  const one = (selector: string, path: string): VolumeStatus[] => {
    const { volume, problem: wrong } = oneVolume(statuses, selector, path);
    if (wrong) problems.push(wrong);
    return volume ? [volume] : [];
  };
  const wanted = volumes ?? (destroy.length > 0 ? [] : undefined);
  const picked = wanted
    ? wanted.flatMap((selector) => one(selector, "volumes"))
    : statuses.filter(({ status }) => kind === "refresh" || status !== "compliant");
  // One that is neither declared nor in the state is gone already.
  const deleted = destroy
    .filter((selector) => volumesAt(statuses, selector).length > 0)
    .flatMap((selector) => one(selector, "destroy"));
  for (const { name: volume, declaredBy, protected: isProtected } of deleted) {
    if (declaredBy === "config")
      problems.push(problem("volume-declared", "destroy", volume, { volume, by: "the stack's config" }));
    else if (isProtected) problems.push(problem("volume-protected", "destroy", volume, { volume }));
  }
  return { volumes: [...new Set(picked)], destroy: [...new Set(deleted)], problems };
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
function targetsOf(
  request: OperationRequest,
  volumes: readonly VolumeStatus[],
  state: StackState,
  { name: stack, context }: Parts,
): string[] {
  const urns = volumes.flatMap(({ name, urn }) => {
    const recorded = state.volumes.find((each) => each.urn === urn);
    if (!recorded) return request.kind === "refresh" ? [] : [targetOf(stack, context.project.name, name)];
    const exact = [
      recorded.urn,
      ...recorded.children.map((each) => each.urn),
      ...recorded.followers.flatMap(({ urn, isGone }) => (isGone ? [urn, belowOf(urn)] : [urn])),
    ];
    return recorded.has ? exact : [...exact, belowOf(recorded.urn)];
  });
  return [...new Set(urns)];
}

// What makes what the volumes' profiles need: an edited profile may need more than there is.
function preparationsOf(volumes: readonly VolumeStatus[], { components = [] }: StackState): string[] {
  return [...new Set(volumes.flatMap(({ backend }) => backend ?? []))].flatMap((backend) => {
    const { preparedBy }: Backend["recorded"] = backends[backend].recorded;
    const used = components.filter(({ type }) => type === preparedBy?.type);
    return used.flatMap(({ urn }) => [urn, `${belowOf(urn)}${preparedBy?.prefix ?? ""}**`]);
  });
}

interface Ended {
  code: number;
  output: string;
  /** What the engine called errors. */
  errors: string[];
  summary: Record<string, number> | undefined;
  /** The names of the volumes of which it created a resource. */
  created: ReadonlySet<string>;
}

// Runs the engine, and again while another run holds the stack's lock, for as long as was asked.
async function runToEnd(
  carried: Carried,
  args: string[],
  parts: Parts,
  journal: ReturnType<typeof openJournal>,
): Promise<Ended> {
  const { engine, ready } = parts.context;
  const deadline = monotonic.now() + carried.request.waitForLockSeconds * 1000;
  // One that is kept ready is of no use for a refresh: there providers come before the program, which they have their config from.
  let spare = carried.request.refresh ? undefined : await ready?.take();
  for (let isFreed = false; ;) {
    const errors: string[] = [];
    const created = new Set<string>();
    let summary: Record<string, number> | undefined;
    const kept = spare;
    spare = undefined;
    const startedAt = Date.now();
    const run = await startRun(engine, args, journal.filesOf(carried.operation.id), kept, (event) => {
      const told = toldBy(event);
      if (!told) return;
      if (told.type === "message" && told.severity === "error") errors.push(told.text);
      if (told.type === "summary") summary = told.changes;
      if (told.type === "resource" && told.operation === "create" && told.volume !== undefined)
        created.add(told.volume);
      carried.tell(told);
    });
    const process = placedProcess(run.pid);
    carried.engine({ ...process, at: new Date(startedAt).toISOString() });
    carried.onCancel(() => run.interrupt());
    if (carried.isCancelled()) run.interrupt();
    const { code, output } = await run.done;
    carried.onCancel(undefined);
    kept?.over();
    ready?.prepare();
    // It may have died in the wrong moment. Then nothing has happened yet, and the engine is run as ever.
    if (code !== 0 && kept?.isBroken() === true && !carried.isCancelled()) continue;
    const holder = code === 0 ? undefined : lockHolder(output);
    // It never had the lock, and was given none to leave behind: one with its host's name and its number is another container's, and alive.
    if (holder) carried.engine(process);
    if (!holder || carried.isCancelled()) return { code, output, errors, summary, created };
    const freed = isFreed ? undefined : await freeLock(holder, parts, journal);
    if (freed !== undefined) {
      isFreed = true;
      const text = `removing the lock of a killed run: ${holder.who}`;
      if (freed === "by-us") carried.tell({ type: "message", severity: "warning", text });
      // The other one is about to remove it, and to have a lock of its own.
      else await new Promise((done) => setTimeout(done, 1_000));
      continue;
    }
    // Nobody gives a lock back who is dead.
    if (monotonic.now() >= deadline || isDeadHolder(holder)) return { code, output, errors, summary, created };
    carried.tell({ type: "message", severity: "info", text: `waiting for the stack's lock: ${holder.who}` });
    await new Promise((done) => setTimeout(done, 1_000));
  }
}

// A lock is taken away only where it is certain that it is of a run of ours that is dead: the journal has its process. `pulumi cancel` removes any
// lock of the stack, also one that somebody got in the meantime: so each is taken away once, and whoever comes second looks again who has it.
async function freeLock(
  holder: LockHolder,
  { name, context }: Parts,
  journal: ReturnType<typeof openJournal>,
): Promise<"by-us" | "by-another" | undefined> {
  // Its number may be another process's by now: the journal knows since when it ran.
  const entry = leftBehind(holder, journal.read());
  if (!entry) return undefined;
  if (!journal.claimLock(entry)) return "by-another";
  const { code } = await runEngine(context.engine, ["cancel", name, "--yes"]);
  if (code === 0) return "by-us";
  journal.unclaimLock(entry);
  return undefined;
}

function cancelled(): Problem {
  return problem("operation-cancelled", "operation", undefined, {});
}

function unforeseen(stack: string, error: unknown): Problem {
  // What the system refuses, as on a full disk, is no mistake of ours.
  const isOfSystem = error instanceof Error && "syscall" in error;
  const why = isOfSystem ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  return problem("engine-failed", "stack", stack, { command: "up", why });
}
