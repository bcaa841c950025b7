// What the Docker plugin needs of a backend on the machine that it runs on: to have a volume's data at a path, and to know who uses it.

import type { BackendName, Settings, StackConfig } from "../../src";

/** A volume that exists, as the stack's state has it. */
export interface NodeVolume {
  name: string;
  backend: BackendName;
  /** Its id on the backend. */
  volumeId: string;
  /** Where an `up` mounted it; only on backends that do that (local). */
  mountPath?: string | undefined;
  sizeGiB: number;
  settings: Settings;
}

/** One call of Docker, while it waits. */
export interface Waiting {
  /** Says what is waited for from now on, in words: "device /dev/disk/by-id/…". Asked and told when the call's time is up. */
  for(what: string | (() => string)): void;
  /** Aborted when the call's time is up. */
  signal: AbortSignal;
}

/** A backend's volumes on this machine. Every method may be called twice, together with others, and after a crash in the middle. */
export interface NodeStorage {
  /** Docker's scope of these volumes: whether another machine sees the same ones. */
  scope: "local" | "global";
  /** Where the volume's data is on this machine now; nothing where it is nowhere. Quick, and changes nothing. */
  mountedAt(volume: NodeVolume): Promise<string | undefined>;
  /** Has the data at a path, and answers with it. Nothing, where only an `up` of the stack can do that. Errors: `NodeError`. */
  mount(volume: NodeVolume, waiting: Waiting): Promise<string | undefined>;
  /** Takes it from this machine again, when the last container has left it. Errors: `NodeError`. */
  unmount(volume: NodeVolume, waiting: Waiting): Promise<void>;
  /** The containers and processes that use the volume, in words; none where nobody does. */
  usersOf(volume: NodeVolume): Promise<string[]>;
  /** Has containers that use these volumes under their limits, from their start on and after each change of them. */
  watchContainers?(options: WatchOptions): Promise<ContainerWatch>;
}

export interface WatchOptions {
  /** The volumes that containers have mounted. */
  volumes: () => Promise<NodeVolume[]>;
  /** Takes what there is to tell. */
  log: (line: string) => void;
}

/** Keeps containers under the limits of their volumes, or the volumes of containers at their limits. */
export interface ContainerWatch {
  /** A container is about to start with this volume. Resolves when its limits will be there before its first write. */
  expect(volume: NodeVolume): Promise<void>;
  stop(): void;
}

/** Something on this machine can't be done; the message says what, why, and the way out. */
export class NodeError extends Error {}

/** What the backends are given. */
export interface NodeOptions {
  config: StackConfig;
  env: NodeJS.ProcessEnv;
}
