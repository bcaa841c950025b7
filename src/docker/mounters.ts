// The backends' parts for this machine, each loaded when a volume of that backend is first met, and their watches over containers.

import type { BackendName } from "..";
import type { RecordedVolume, StackConfigRead } from "../stack/types";
import type { Log } from "./log";
import { nodeVolume } from "./entries";
import type { ContainerWatch, NodeStorage, NodeVolume } from "../../components/host/contract";
import { stackError } from "./problems";

/** How a backend's volumes get onto this machine; nothing where they can't. */
export type StorageOf = (backend: BackendName, config: StackConfigRead) => NodeStorage | undefined;

export interface Nodes {
  /** Error: `not-on-this-machine`. */
  storageFor(volume: RecordedVolume, config: StackConfigRead): NodeStorage;
  /** The same, of a backend, for a volume that isn't made yet. */
  storageOf(name: string, backend: BackendName, config: StackConfigRead): NodeStorage;
  /** A container is about to start with this volume. */
  expect(volume: NodeVolume, storage: NodeStorage): Promise<void>;
  /** Watches over the containers that have these volumes, from before. */
  start(held: readonly NodeVolume[], config: StackConfigRead): Promise<void>;
  stop(): void;
}

export interface NodesOptions {
  storageOf: StorageOf;
  /** The volumes that containers have mounted. */
  volumes: () => Promise<NodeVolume[]>;
  log: Log;
}

export function nodesOf({ storageOf, volumes, log }: NodesOptions): Nodes {
  const storages = new Map<BackendName, { tag: string; storage: NodeStorage }>();
  const watches = new Map<BackendName, Promise<ContainerWatch>>();

  const find = (name: string, backend: BackendName, config: StackConfigRead): NodeStorage => {
    const known = storages.get(backend);
    if (known?.tag === config.tag) return known.storage;
    const storage = storageOf(backend, config);
    const because = "the plugin doesn't support mounting them";
    if (!storage) throw stackError("not-on-this-machine", name, undefined, { name, backend, because });
    storages.set(backend, { tag: config.tag, storage });
    return storage;
  };
  const watch = async (backend: BackendName, storage: NodeStorage): Promise<ContainerWatch | undefined> => {
    if (!storage.watchContainers) return undefined;
    let known = watches.get(backend);
    if (!known) {
      const ofBackend = async () => (await volumes()).filter((volume) => volume.backend === backend);
      known = storage.watchContainers({ volumes: ofBackend, log });
      watches.set(backend, known);
    }
    return known;
  };
  return {
    storageFor: (volume, config) => find(volume.name, nodeVolume(volume).backend, config),
    storageOf: find,
    async expect(volume, storage) {
      await (await watch(volume.backend, storage))?.expect(volume);
    },
    async start(held, config) {
      const used = [...new Set([config.config.backend, ...held.map(({ backend }) => backend)])];
      for (const backend of used) {
        const storage = backend && storageOf(backend, config);
        if (storage) await watch(backend, storage);
      }
    },
    stop() {
      for (const watch of watches.values()) void watch.then((each) => each.stop()).catch(() => undefined);
      watches.clear();
    },
  };
}
