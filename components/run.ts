// What holds for one run of a Pulumi program: the oldest engine that will do, the stack's config and catalog, the hook
// that judges changes. A process may hold several runs (the Automation API's inline programs), so nothing here is global.

import * as pulumi from "@pulumi/pulumi";
import { version as sdkVersion } from "@pulumi/pulumi/version";

import {
  formatProblems,
  makeCatalog,
  NAMESPACE,
  parseConfigText,
  readConfig,
  type BackendName,
  type Catalog,
  type Problem,
  type RawConfigValue,
  type StackConfig,
} from "../src";
import { placementOf } from "./backends";
import { volumeHooks, type ProblemBoard, type VolumeHooks } from "./hooks";

/**
 * The oldest Pulumi that does what this package relies on: a component's inputs go to the engine (3.202.0), hooks get
 * them (3.182.0), and a dynamic provider's `read` may return inputs, so that a refresh shows drift (3.216.0).
 */
export const MINIMUM_PULUMI = "3.216.0";

/** One run of a program. */
export interface Run {
  config: StackConfig;
  catalog: Catalog;
  /** What judges every volume before it is touched; none in a unit test with mocks, which has no hooks. */
  hooks: VolumeHooks | undefined;
  /** The volumes that were found to have problems while the program ran. */
  board: ProblemBoard;
  /** The volumes declared so far: their identity on the backend, and who has it. */
  identities: Map<string, string>;
  /** What this stack knows about the place where a backend's volumes live. */
  placementOf(backend: BackendName): object;
}

// Not in the SDK's types, and its only answer to whether a key is a secret that doesn't also log a warning.
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };

const runs = new WeakMap<object, Run>();

/** The run that the calling program belongs to. Throws a `RunError` with every problem of the stack's config. */
export function currentRun(): Run {
  // The stack resource is made anew for each run of a program; unit tests with mocks may have none.
  const key: object | undefined = pulumi.runtime.getStackResource();
  const known = key && runs.get(key);
  if (known) return known;
  checkEngine(sdkVersion, process.env);
  const { config, catalog } = readStack();
  const board: ProblemBoard = [];
  const placement = (backend: BackendName) => placementOf(backend, config);
  const hooks = hasHooks() ? volumeHooks(catalog, board, placement) : undefined;
  const run: Run = { config, catalog, board, hooks, identities: new Map(), placementOf: placement };
  if (key) runs.set(key, run);
  return run;
}

// Only the monitor of `pulumi.runtime.setMocks` lacks the method: a real engine without hooks refuses it when it is called.
function hasHooks(): boolean {
  const monitor = pulumi.runtime.getMonitor() as { registerResourceHook?: unknown } | undefined;
  return typeof monitor?.registerResourceHook === "function";
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

function readStack(): { config: StackConfig; catalog: Catalog } {
  const problems: Problem[] = [];
  const raw: Record<string, RawConfigValue> = {};
  for (const [fullKey, text] of Object.entries(pulumi.runtime.allConfig())) {
    if (!fullKey.startsWith(`${NAMESPACE}:`)) continue;
    const key = fullKey.slice(NAMESPACE.length + 1);
    const secret = isConfigSecret(fullKey);
    const parsed = secret ? { value: undefined, problems: [] } : parseConfigText(key, text);
    problems.push(...parsed.problems);
    if (parsed.problems.length === 0) raw[key] = { value: parsed.value, secret };
  }
  const { config, problems: wrong } = readConfig(raw);
  const catalog = makeCatalog(config);
  problems.push(...wrong, ...catalog.problems);
  if (problems.length > 0) {
    throw new pulumi.RunError(formatProblems(`Pulumi.${pulumi.getStack()}.yaml`, problems));
  }
  return { config, catalog };
}
