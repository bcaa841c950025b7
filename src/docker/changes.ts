// Changes of the stack that Docker asks for, done together: what comes while an `up` runs is in the next one, so that twenty containers
// that start at once cost two. A change is an edit of the config file and an `up`; where that fails, the edit is taken back for the
// volumes that it failed for, and done again for the others. Taking back deletes only what the change's own `up` has created.

import { setTimeout as sleep } from "node:timers/promises";

import { monotonic } from "../system/monotonic";
import type { Problem, VolumeDefinition } from "..";
import { StackError } from "../stack/errors";
import { recordedAs } from "../stack/select";
import type { ConfigEdit, Operation, OperationReport, RecordedVolume, Stack } from "../stack/types";
import type { Log } from "./log";
import type { Begun, Registry } from "./registry";
import type { StackView } from "./stack-view";
import { problem } from "./problems";

/** A change of one volume. */
export interface Change {
  name: string;
  /** What it is: that decides how it is taken back. */
  kind: Begun["kind"];
  /** Its entry in the config; nothing, where it is to be removed. */
  to: VolumeDefinition | undefined;
  /** Its entry before; nothing where it had none. A creation that was broken off after its edit has one. */
  before: VolumeDefinition | undefined;
}

export interface Changes {
  /** Has a change done. Rejects with a `StackError` where it can't be; then the config is as it was. */
  request(change: Change): Promise<void>;
  /** What goes on now, in words. */
  now(): string;
  /** Resolves when nothing is left to do. */
  idle(): Promise<void>;
}

export interface ChangesOptions {
  stack: Stack;
  view: StackView;
  registry: Registry;
  log: Log;
}

interface Asked extends Change {
  /** The URNs of the resources that its `up`s have created so far. */
  created: Set<string>;
  done: () => void;
  failed: (error: unknown) => void;
}

/** How long to wait for company: containers that are started together ask one after the other. */
const gatherMs = 40;

/** How long an `up` of somebody else may hold the stack's lock, in seconds, before ours fails. Less than a call may take. */
const waitForLockSeconds = 90;

export function changesOf({ stack, view, registry, log }: ChangesOptions): Changes {
  const queue: Asked[] = [];
  let working: Promise<void> | undefined;
  let now = "nothing";

  async function work(): Promise<void> {
    while (queue.length > 0) {
      await gathered();
      // Of changes to one volume, one at a time.
      const batch = queue.filter(({ name }, index) => queue.findIndex((each) => each.name === name) === index);
      for (const each of batch) queue.splice(queue.indexOf(each), 1);
      await together(batch).catch((error: unknown) => {
        for (const { failed } of batch) failed(error);
      });
    }
    // At once, and not when the promise is seen to have resolved: a change that is asked for in between would wait for ever.
    working = undefined;
  }

  async function gathered(): Promise<void> {
    for (let before = 0; before !== queue.length;) {
      before = queue.length;
      await sleep(gatherMs);
    }
  }

  async function together(batch: Asked[]): Promise<void> {
    const edited = await edit(batch);
    if (edited.length === 0) return;
    let failure: Failure;
    let made: Awaited<ReturnType<StackView["refresh"]>>;
    try {
      failure = await up(edited);
      made = await view.refresh();
    } catch (error) {
      // The engine or its state can't be reached.
      for (const each of edited) await takeBack(each, error);
      return;
    }
    const left = edited.filter((change) => !isDone(change, made));
    await settle(edited.filter((change) => !left.includes(change)));
    if (left.length === 0) return;
    const guilty = left.length === 1 ? left : left.filter(({ name }) => failure.by.has(name));
    if (guilty.length > 0) {
      for (const each of guilty) await takeBack(each, failure.of(each.name));
      for (const each of left) if (!guilty.includes(each)) queue.push(each);
      return;
    }
    // Nobody is named: one by one, each is answered for itself.
    log(
      `${left.map(({ name }) => name).join(", ")}: the \`up\` failed without naming a volume; retrying them one by one.`,
      "warn",
    );
    for (const each of left) await together([each]);
  }

  /** Writes the changes into the config: all at once or, where some are refused, each by itself. What is refused is answered here. */
  async function edit(batch: Asked[]): Promise<Asked[]> {
    now = `the config file of stack ${stack.name}`;
    const written: Asked[] = [];
    try {
      for (const { name, kind, before } of batch) await registry.begin(name, { kind, before });
      const problems = await write(batch);
      if (problems.length === 0) return batch;
      for (const each of batch) {
        const own = batch.length === 1 ? problems : await write([each]);
        if (own.length === 0) written.push(each);
        else {
          await registry.end(each.name);
          each.failed(new StackError(own as [(typeof own)[0]]));
        }
      }
      return written;
    } catch (error) {
      // What can't be written has not begun: a mark that stays would be taken for a change that was broken off.
      // Where that can't be written either, as on a full disk, the plugin itself forgets it, and says what came first.
      for (const { name } of batch)
        if (!written.some((each) => each.name === name)) await registry.end(name).catch(() => undefined);
      throw error;
    }
  }

  async function write(changes: readonly Change[]): Promise<readonly Problem[]> {
    const { tag: before, config } = await stack.readConfig();
    // What was removed from the config before a crash isn't there to be removed again.
    const edits = changes
      .filter(({ name, to }) => to !== undefined || Object.hasOwn(config.volumes ?? {}, name))
      .map(editOf);
    if (edits.length === 0) return [];
    const { problems, tag, changed } = await stack.edit(edits);
    if (changed) view.edited(before, tag);
    return problems;
  }

  async function up(changes: readonly Asked[]): Promise<Failure> {
    const volumes = changes.filter(({ to }) => to !== undefined).map(({ name }) => name);
    const removed = changes.filter(({ to }) => to === undefined).map(({ name }) => name);
    const made = await view.made();
    const destroy = removed.map((name) => made.get(name)?.urn ?? name);
    const listed = [...volumes, ...removed.map((name) => `-${name}`)].join(", ");
    now = `\`pulumi up\` of stack ${stack.name} (${listed})`;
    const started = monotonic.now();
    const operation = stack.apply({ volumes, destroy, waitForLockSeconds });
    const failure = await follow(operation, (text) => {
      now = `\`pulumi up\` of stack ${stack.name}: ${text}`;
    });
    for (const each of changes) for (const urn of failure.created) each.created.add(urn);
    const { state } = await operation.done;
    log(
      `up ${state} after ${((monotonic.now() - started) / 1000).toFixed(1)} s: ${listed}`,
      state === "succeeded" ? "info" : "error",
    );
    return failure;
  }

  async function settle(changes: readonly Asked[]): Promise<void> {
    for (const { name, to, done } of changes) {
      await (to === undefined ? registry.forget(name) : registry.end(name));
      done();
    }
  }

  async function takeBack(change: Asked, error: unknown): Promise<void> {
    log(`${change.name}: ${error instanceof Error ? error.message : String(error)}`, "error");
    now = `the change of volume ${change.name} to be undone`;
    try {
      await undo(change);
    } catch (undoing) {
      log(`the change of ${change.name} could not be undone: ${(undoing as Error).message}`, "error");
    }
    await registry.end(change.name);
    change.failed(error);
  }

  /**
   * Restores the config's entry. A volume that is in the state keeps both, unless this very change has created all of it: it was there
   * before, or somebody else's `up` made it, and who is no longer declared is deleted by the next `up`.
   */
  async function undo({ name, kind, before, created }: Asked): Promise<void> {
    if (kind !== "make") return kind === "remove" && !before ? undefined : restore(name, before);
    let recorded: RecordedVolume[];
    try {
      recorded = recordedAs(await stack.readState(), name);
    } catch (error) {
      await restore(name, before);
      throw error;
    }
    if (recorded.some(({ children }) => children.some(({ urn }) => !created.has(urn)))) {
      log(`${name}: the volume existed before; it is kept, with its entry in the config.`);
      return;
    }
    await restore(name, undefined);
    if (recorded.length > 0) await stack.apply({ destroy: recorded.map(({ urn }) => urn), volumes: [] }).done;
  }

  async function restore(name: string, to: VolumeDefinition | undefined): Promise<void> {
    const [first, ...others] = await write([{ name, kind: "change", to, before: to }]);
    if (first) throw new StackError([first, ...others]);
  }

  return {
    request(change) {
      return new Promise<void>((done, failed) => {
        queue.push({ ...change, created: new Set(), done, failed });
        working ??= work();
      });
    },
    now: () => now,
    idle: async () => working,
  };
}

/** What went wrong in an operation, and for which volumes. */
interface Failure {
  by: ReadonlyMap<string, string[]>;
  /** The URNs of the resources that the operation created. */
  created: ReadonlySet<string>;
  of: (name: string) => StackError;
}

async function follow(operation: Operation, tell: (text: string) => void): Promise<Failure> {
  const by = new Map<string, string[]>();
  const created = new Set<string>();
  for await (const event of operation.events()) {
    if (event.type === "resource" && event.phase === "started") tell(`${event.operation} ${event.resource}`);
    if (event.type === "resource" && event.phase === "done" && event.operation === "create") created.add(event.urn);
    if (event.type !== "message" || event.severity !== "error" || event.volume === undefined) continue;
    by.set(event.volume, [...(by.get(event.volume) ?? []), event.text.trim()]);
  }
  const report = await operation.done;
  return { by, created, of: (name) => errorOf(name, by.get(name), report) };
}

function errorOf(name: string, said: string[] | undefined, { problems, state }: OperationReport): StackError {
  if (said) return new StackError([problem("engine-failed", name, undefined, { command: "up", why: said.join("\n") })]);
  // What is said of other volumes is their own.
  const own = problems.filter(({ path }) => path === name);
  const [first, ...others] = own.length > 0 ? own : problems;
  if (first) return new StackError([first, ...others]);
  const because = state === "succeeded" ? "the program doesn't declare it" : `the \`up\` was ${state}`;
  return new StackError([problem("volume-not-made", name, undefined, { name, because })]);
}

/** Whether the state says what was asked for. */
function isDone({ name, to }: Change, made: Awaited<ReturnType<StackView["refresh"]>>): boolean {
  const volume = made.get(name);
  if (to === undefined) return volume === undefined;
  return volume?.got !== undefined && volume.asked?.profile === (to.profile ?? "default");
}

function editOf({ name, to }: Pick<Change, "name" | "to">): ConfigEdit {
  return to === undefined ? { kind: "remove-volume", name } : { kind: "set-volume", name, volume: to };
}

/**
 * Ends what a plugin that is gone had begun, where the state shows that there is nothing to take back or to finish. Gives the
 * volumes whose creation was interrupted and that no call refers to any more.
 */
export async function recover(
  { registry, stack, view }: Pick<ChangesOptions, "registry" | "stack" | "view">,
  isLost: (name: string) => boolean,
): Promise<string[]> {
  const begun = [...registry.begun()];
  if (begun.length === 0) return [];
  const { config } = await stack.readConfig();
  const made = await view.made();
  const lost: string[] = [];
  for (const [name, { kind }] of begun) {
    const isListed = Object.hasOwn(config.volumes ?? {}, name);
    // Docker has never had it, by this name or another.
    const isUnknown = registry.namesOf(name).length === 0 && registry.holdersOf(name).length === 0;
    if (kind === "make" && isListed && isUnknown && isLost(name)) lost.push(name);
    else if (kind === "remove" ? isListed || !made.has(name) : kind === "change" || made.has(name) || !isListed)
      await registry.end(name);
  }
  return lost;
}
