// The backends that can make volumes. Adding one means a folder beside this file and a line here, and the same in src/backends.

import type { BackendName, StackConfig } from "../../src";
import type { Attacher, BackendDefinition, TypesOfResources, VolumeBackend } from "./contract";

/* eslint-disable @typescript-eslint/no-require-imports -- each is loaded when it is first used */
const loaders = {
  aws: () => (require("./aws") as typeof import("./aws")).aws,
  openstack: () => (require("./openstack") as typeof import("./openstack")).openstack,
  scaleio: () => (require("./scaleio") as typeof import("./scaleio")).scaleio,
  cio: () => (require("./cio") as typeof import("./cio")).cio,
  ceph: () => (require("./ceph") as typeof import("./ceph")).ceph,
  kubernetes: () => (require("./kubernetes") as typeof import("./kubernetes")).kubernetes,
  local: () => (require("./local") as typeof import("./local")).local,
};

/** The definitions of the backends that ship. */
export type ShippedResources = { [B in keyof typeof loaders]: ReturnType<(typeof loaders)[B]> };

type TypesOfAll<All> = { [B in keyof All]: TypesOfResources<All[B]> };

declare module "./contract" {
  interface BackendResources extends TypesOfAll<ShippedResources> {}
}

const registered = new Map<string, () => unknown>(Object.entries(loaders as Record<string, () => unknown>));

/** Registers another backend. Its pure part must be registered as well. Throws where the name is taken. */
export function registerBackendResources(name: BackendName, load: () => unknown): void {
  if (registered.has(name)) throw new Error(`backend "${name}" is registered already`);
  registered.set(name, load);
}

/** A backend's definition; it is loaded when it is first asked for. */
export function backendDefinition(name: BackendName): BackendDefinition {
  const load = registered.get(name);
  if (!load) throw new Error(`backend "${name}" has no resources: register them with registerBackendResources`);
  return load() as BackendDefinition;
}

/** The backend's resources. */
export function volumeBackend(name: BackendName): VolumeBackend {
  return backendDefinition(name).volumes();
}

/** How the backend's volumes are attached; nothing where they are mounted where they are. */
export function attacherOf(name: BackendName): Attacher | undefined {
  return backendDefinition(name).attachments?.();
}

/** What is known about the place where a backend's volumes live, and what one of them says itself. */
export function placementOf(backend: BackendName, config: StackConfig, own: object = {}): object {
  return { ...volumeBackend(backend).placement(config), ...own };
}
