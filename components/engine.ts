// What the engine must be able to do.

import * as pulumi from "@pulumi/pulumi";
import * as state from "@pulumi/pulumi/runtime/state";

/**
 * The oldest Pulumi that does what this package relies on: a component's inputs go to the engine (3.202.0), hooks get
 * them (3.182.0), and a dynamic provider's `read` may return inputs, so that a refresh shows drift (3.216.0).
 */
export const MINIMUM_PULUMI = "3.216.0";

/** Whether a real engine runs the program, and no unit test with `pulumi.runtime.setMocks`: its monitor lacks the method. */
export function hasHooks(): boolean {
  const monitor = pulumi.runtime.getMonitor() as { registerResourceHook?: unknown } | undefined;
  return typeof monitor?.registerResourceHook === "function";
}

// Not in the types of older SDKs.
const { getStore } = state as unknown as { getStore: () => { supportsErrorHooks?: boolean } };

// Not in the SDK's types, and its only answer to whether a key is a secret that doesn't also log a warning.
export const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };

/** Whether the engine asks what to do about an error. Newer than the oldest Pulumi that will do, and only for a better message. */
export function hasErrorHooks(): boolean {
  return getStore().supportsErrorHooks === true;
}

// Not in the SDK's types.
/** What an output is, or nothing where that isn't known yet. */
export function known<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  const { isKnown, promise } = output as unknown as { isKnown: Promise<boolean>; promise: () => Promise<T> };
  return isKnown.then((is) => (is ? promise.call(output) : undefined));
}

/** Refuses a Pulumi that can't show a change at preview: what it doesn't show, nobody could refuse. */
export function checkEngine(version: string, environment: NodeJS.ProcessEnv): void {
  if (isOlder(version, MINIMUM_PULUMI)) {
    throw new pulumi.RunError(
      `storage-profiles needs @pulumi/pulumi ${MINIMUM_PULUMI} or newer; this program uses ${version}. ` +
        `Run: npm install @pulumi/pulumi@latest, and update the Pulumi CLI to the same version.`,
    );
  }
  if (environment["PULUMI_NODEJS_SKIP_COMPONENT_INPUTS"]) {
    throw new pulumi.RunError(
      "storage-profiles can't run with PULUMI_NODEJS_SKIP_COMPONENT_INPUTS set: without a component's inputs no change " +
        "of a volume can be judged before it is made. Unset it and run again.",
    );
  }
}

function isOlder(version: string, than: string): boolean {
  const parts = (text: string) =>
    text
      .replace(/[-+].*$/, "")
      .split(".")
      .map(Number);
  const [left, right] = [parts(version), parts(than)];
  const differs = right.findIndex((part, index) => part !== left[index]);
  return differs >= 0 && (left[differs] ?? 0) < (right[differs] ?? 0);
}
