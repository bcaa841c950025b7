// What this package uses of the SDK that isn't in its types, or is marked as internal there: all of it, so that one test
// (test/e2e/sdk.test.ts) can hold every version of the SDK to it.

import * as pulumi from "@pulumi/pulumi";
import * as state from "@pulumi/pulumi/runtime/state";

/** The connection to the engine. */
export interface Monitor {
  /** Absent in a unit test with `pulumi.runtime.setMocks`. */
  registerResourceHook?: unknown;
  /** Signals that the program has ended, upon which the engine deletes what the program no longer declares. Absent in older SDKs. */
  signalAndWaitForShutdown?: (request: unknown, callback: (error: unknown, response?: unknown) => void) => unknown;
}

/** The connection to the engine; nothing where no program runs. */
export function monitor(): Monitor | undefined {
  return pulumi.runtime.getMonitor() as Monitor | undefined;
}

/** gRPC's code of a server that is gone, with which the SDK ends quietly. */
export const UNAVAILABLE = 14;

/** What a resource was registered with. */
export interface Registered {
  name: string;
  type: string;
  aliases: pulumi.Input<string>[];
  parent: pulumi.Resource | undefined;
  /** Its own, or that of what it is below. */
  protect: boolean | undefined;
  /** What the program has declared below it so far. */
  children: ReadonlySet<pulumi.Resource>;
}

/** What a resource was registered with. */
export function registered(resource: pulumi.Resource): Registered {
  const {
    __name: name = "",
    __pulumiType: type = "",
    __aliases: aliases = [],
    __parentResource: parent,
    __protect: protect,
    __childResources: children = new Set(),
  } = resource as {
    __name?: string;
    __pulumiType?: string;
    __aliases?: pulumi.Input<string>[];
    __parentResource?: pulumi.Resource;
    __protect?: boolean;
    __childResources?: Set<pulumi.Resource>;
  };
  return { name, type, aliases, parent, protect, children };
}

/** What an output is made of. */
export interface OutputParts {
  resources: Set<pulumi.Resource>;
  allResources: Promise<Set<pulumi.Resource>> | undefined;
  isKnown: Promise<boolean>;
  isSecret: Promise<boolean>;
}

/** Whether the value of an output is known. */
export function isKnown(output: pulumi.OutputInstance<unknown>): Promise<boolean> {
  return (output as unknown as { isKnown: Promise<boolean> }).isKnown;
}

/** What an output is made of, beside its value. */
export function partsOf(output: pulumi.OutputInstance<unknown>): OutputParts {
  const internals = output as unknown as {
    resources: () => Set<pulumi.Resource>;
    allResources?: () => Promise<Set<pulumi.Resource>>;
    isKnown: Promise<boolean>;
    isSecret: Promise<boolean>;
  };
  return {
    resources: internals.resources(),
    allResources: internals.allResources?.(),
    isKnown: internals.isKnown,
    isSecret: internals.isSecret,
  };
}

/** The value of an output, also of one that isn't known: then the SDK's mark for that. Rejects as the output does. */
export function promiseOf<T>(output: pulumi.Output<T>): Promise<T> {
  return (output as unknown as { promise: () => Promise<T> }).promise();
}

/** The value of an output with the SDK's marks for what isn't known in it: itself, or a part. */
export function partlyKnown(output: pulumi.OutputInstance<unknown>): Promise<unknown> {
  return (output as unknown as { promise: (withUnknowns: true) => Promise<unknown> }).promise(true);
}

type MakeOutput = new <T>(
  resources: Set<pulumi.Resource>,
  promise: Promise<T>,
  isKnown: Promise<boolean>,
  isSecret: Promise<boolean>,
  allResources?: Promise<Set<pulumi.Resource>>,
) => pulumi.Output<T>;

/** Makes an output of its parts. */
export function outputOf<T>(
  value: Promise<T>,
  { resources, allResources, isKnown, isSecret }: OutputParts,
): pulumi.Output<T> {
  return new (pulumi.Output as unknown as MakeOutput)<T>(resources, value, isKnown, isSecret, allResources);
}

/** Whether a key of the config is a secret: the SDK's only answer to that which doesn't also log a warning. */
export const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };

// Not in the types of older SDKs.
const { getStore } = state as unknown as { getStore: () => { supportsErrorHooks?: boolean } };

/** Whether the engine asks what to do about an error. Newer than the oldest Pulumi that will do, and only for a better message. */
export function hasErrorHooks(): boolean {
  return getStore().supportsErrorHooks === true;
}

/** The package that a provider is for: "aws". */
export function packageOf(provider: pulumi.ProviderResource): string {
  return (provider as unknown as { getPackage(): string }).getPackage();
}

/** Has the SDK tell an error in its words alone, as one of Pulumi's for users. */
export function markAsRunError(error: Error): void {
  Object.assign(error, { __pulumiRunError: true });
}
