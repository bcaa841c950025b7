// What is loaded ahead. Loading must not be able to depend on the run: the SDK makes its settings from the environment when they are first
// asked for, which is after the run is known.

import "../../backends/registry";

import { backendNames, backends } from "../../core/backend";

/** What a program's process loads. The first is Pulumi's own rule: it has to come before anything that loads gRPC. */
export const PROGRAM_MODULES = [
  "@pulumi/pulumi/cmd/run/instrumentation",
  "@pulumi/pulumi",
  "@pulumi/pulumi/runtime/closure/v8Hooks",
  "storage-profiles",
];

/** What the SDK's `cmd/dynamic-provider` loads, which itself listens as soon as it is loaded. */
export const PROVIDER_SDK_MODULES = [
  ".",
  "./dynamic",
  "./proto/provider_grpc_pb",
  "./proto/language_grpc_pb",
  "./proto/engine_grpc_pb",
  "./proto/status_pb",
  "./proto/plugin_pb",
];

/** The dynamic providers of this package, for the process that serves them. */
export const PROVIDER_MODULES = backendNames
  .filter((name) => backends[name].hasProvider)
  .map((name) => `storage-profiles/provider/${name}`);

/** Loads what of this can be loaded. Of what can't, the run itself will speak that needs it. */
export function preload(load: NodeJS.Require, names: readonly string[]): void {
  for (const name of names) {
    try {
      load(name);
    } catch {
      // Another version of the SDK, or what the program may not have.
    }
  }
}
