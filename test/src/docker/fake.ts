// A stack in memory and a machine in memory, for what only counts show: how many runs of the engine a call costs, and what a call says
// when the engine is slow or gone. Whether it works is shown on a real dockerd and a real engine (test/e2e/docker.test.ts).

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { makeCatalog, resolve, type StackConfig, type VolumeDefinition, type VolumeRequest } from "../../../src";
import { driverOf, type Driver, type DriverOptions } from "../../../src/docker/driver";
import { NodeError, type NodeStorage, type NodeVolume, type Waiting } from "../../../components/host/contract";
import { problem } from "../../../src/docker/problems";
import { openRegistry } from "../../../src/docker/registry";
import { StackError } from "../../../src/stack/errors";
import type {
  ApplyOptions,
  ConfigEdit,
  Operation,
  OperationEvent,
  OperationReport,
  RecordedVolume,
  Stack,
  StackConfigRead,
} from "../../../src/stack/types";

export class FakeStack {
  config: StackConfig = { backend: "local" };
  /** What reading the config finds otherwise. */
  found: Partial<StackConfigRead> = {};
  readonly state = new Map<string, RecordedVolume>();
  /** What the engine was asked: "state", or "up data -gone". */
  readonly engine: string[] = [];
  private held: Promise<void> | undefined;
  /** What else happens when an `up` is done. */
  onUp: () => void = () => undefined;
  /** What happens beside an `up` that fails: the work of somebody else's. */
  onFailure: () => void = () => undefined;
  /** What an `up` says instead of making this volume. */
  readonly failing = new Map<string, string>();
  /** The volumes whose resource an `up` makes before it fails, or finds made by then. */
  readonly halfMade = new Set<string>();
  /** The engine can't be reached: with these words. */
  down: string | undefined;

  readonly stack = {
    name: "dev",
    readConfig: () => Promise.resolve(this.read()),
    edit: (edits: readonly ConfigEdit[]) => Promise.resolve(this.edit(edits)),
    readState: () => {
      this.engine.push("state");
      if (this.down !== undefined) return Promise.reject(this.broken());
      return Promise.resolve({ exists: true, volumes: [...this.state.values()], pending: [], resources: 0 });
    },
    apply: (options: ApplyOptions) => this.apply(options),
  } as unknown as Stack;

  /** Keeps each `up` from ending until the returned function is called. */
  holdUps(): () => void {
    let release = (): void => undefined;
    this.held = new Promise((done) => (release = done));
    return release;
  }

  read(): StackConfigRead {
    const catalog = makeCatalog(this.config);
    const requestFor = (name: string, volume?: VolumeDefinition): VolumeRequest => ({
      ...{ name, profile: volume?.profile, size: volume?.size, sizeGiB: volume?.sizeGiB },
      backend: volume?.backend ?? this.config.backend,
    });
    const tag = createHash("sha256").update(JSON.stringify(this.config)).digest("hex").slice(0, 12);
    const unreadable = { keys: {}, profiles: {}, volumes: {} };
    const { problems } = catalog;
    return {
      ...{ tag, config: this.config, catalog, unreadable, mistakes: problems, problems },
      placed: (problems) => [...problems],
      sharedFiles: [],
      environments: [],
      ownProfiles: [],
      requestFor,
      ...this.found,
    };
  }

  private edit(edits: readonly ConfigEdit[]) {
    const before = this.read().tag;
    const volumes = { ...this.config.volumes };
    for (const edit of edits) {
      if (edit.kind === "set-volume") volumes[edit.name] = edit.volume;
      else if (edit.kind === "remove-volume") {
        const isProtected = volumes[edit.name]?.deletionProtection ?? this.config.deletionProtection ?? true;
        if (isProtected) {
          const wrong = problem("volume-protected", edit.name, undefined, { volume: edit.name });
          return { changed: false, tag: before, problems: [wrong], touched: [], diff: "" };
        }
        Reflect.deleteProperty(volumes, edit.name);
      }
    }
    this.config = { ...this.config, volumes };
    return { changed: before !== this.read().tag, tag: this.read().tag, problems: [], touched: [], diff: "" };
  }

  private broken(): StackError {
    return new StackError([
      problem("engine-failed", "dev", undefined, { command: "stack export", why: this.down ?? "" }),
    ]);
  }

  private apply({ volumes = [], destroy = [] }: ApplyOptions): Operation {
    this.engine.push(["up", ...[...volumes].sort(), ...destroy.map((name) => `-${name}`).sort()].join(" "));
    const events: OperationEvent[] = [];
    const done = (async () => {
      await this.held;
      const at = new Date().toISOString();
      const report = { volumes: [...volumes], destroy: [...destroy], problems: [] } as unknown as OperationReport;
      if (this.down !== undefined)
        return { ...report, state: "failed" as const, problems: [...this.broken().problems] };
      const failed = [...volumes, ...destroy].filter((name) => this.failing.has(name));
      for (const name of failed) {
        const text = this.failing.get(name) ?? "";
        this.unfinish(name);
        if (this.halfMade.has(name)) events.push(...this.makeHalf(name).map((each) => ({ ...each, at })));
        events.push({ sequence: events.length, at, type: "message", severity: "error", text, volume: name });
      }
      if (failed.length > 0) {
        this.onFailure();
        return { ...report, state: "failed" as const };
      }
      this.onUp();
      for (const name of destroy) this.state.delete(name);
      for (const name of volumes) this.make(name);
      return { ...report, state: "succeeded" as const };
    })();
    const stream = async function* () {
      await done;
      yield* events;
    };
    return { id: "1", done, events: stream, report: () => ({}) as OperationReport, cancel: () => undefined };
  }

  /** What an `up` leaves that ends between a volume's resource and its component; with what it tells, where it made it. */
  private makeHalf(name: string) {
    const isNew = !this.state.has(name);
    this.make(name);
    this.unfinish(name);
    const what = { type: "resource", phase: "done", operation: "create", resource: name, volume: name } as const;
    return isNew ? [{ ...what, sequence: 0, urn: childOf(name).urn }] : [];
  }

  /** A component has its outputs again when an `up` gets to its end. */
  private unfinish(name: string): void {
    const volume = this.state.get(name);
    if (volume) this.state.set(name, { ...volume, got: undefined, volumeId: undefined, mountPath: undefined });
  }

  make(name: string): void {
    const read = this.read();
    const { volume } = resolve(read.catalog, read.requestFor(name, this.config.volumes?.[name]));
    if (!volume) throw new Error(`${name} has problems`);
    const { sizeGiB, settings } = volume;
    const has = { sizeGiB, settings };
    const children = [childOf(name)];
    const made = { name, urn: name, children, followers: [], asked: volume, got: has, has, protected: false };
    this.state.set(name, { ...made, volumeId: `/volumes/${name}`, mountPath: `/volumes/${name}/mount` });
  }
}

const childOf = (name: string) => ({ urn: `child::${name}`, type: "LocalVolume", id: `/volumes/${name}` });

/** A plugin without its socket, on a fake stack and a fake machine. */
export class FakePlugin {
  readonly fake = new FakeStack();
  readonly directory = mkdtempSync(join(tmpdir(), "sp-docker-unit-"));
  readonly log: string[] = [];
  /** The volumes that aren't mounted though they are made, and those that somebody uses. */
  readonly unmounted = new Set<string>();
  readonly users = new Map<string, string[]>();
  readonly expected: string[] = [];
  /** The volumes that were taken from the machine; and those that containers are seen to have. */
  readonly takenAway: string[] = [];
  /** How many times taking a volume from the machine fails. */
  failingUnmounts = 0;
  watched: () => Promise<NodeVolume[]> = () => Promise.resolve([]);
  /** How many watches over containers go on. */
  watching = 0;
  readonly storage: NodeStorage = {
    scope: "local",
    mountedAt: ({ name, mountPath }) => Promise.resolve(this.unmounted.has(name) ? undefined : mountPath),
    mount: ({ name, mountPath }) => Promise.resolve(this.unmounted.has(name) ? undefined : mountPath),
    unmount: ({ name }) => {
      if (this.failingUnmounts-- > 0) return Promise.reject(new NodeError(`${name} is in use`));
      this.takenAway.push(name);
      return Promise.resolve();
    },
    usersOf: ({ name }) => Promise.resolve(this.users.get(name) ?? []),
    watchContainers: ({ volumes }) => {
      this.watched = volumes;
      this.watching++;
      return Promise.resolve({
        expect: ({ name }) => {
          this.expected.push(name);
          return Promise.resolve();
        },
        stop: () => {
          this.watching--;
        },
      });
    },
  };

  get file(): string {
    return join(this.directory, "registry.json");
  }

  async start(options: Partial<DriverOptions> = {}): Promise<Driver> {
    const driver = await this.driver(options);
    await driver.start();
    this.fake.engine.length = 0;
    return driver;
  }

  async driver(options: Partial<DriverOptions> = {}): Promise<Driver> {
    return driverOf({
      stack: this.fake.stack,
      registry: await openRegistry(this.file, (line) => this.log.push(line)),
      storageOf: (backend) => (backend === "local" ? this.storage : undefined),
      onProfileChange: "refuse",
      graceMs: { starting: 300, ending: 200 },
      log: (line) => this.log.push(line),
      ...options,
    });
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A call that nobody's clock runs for. */
export const waiting: Waiting = { for: () => undefined, signal: new AbortController().signal };
