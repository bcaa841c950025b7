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
  resolve,
  type BackendName,
  type Catalog,
  type Problem,
  type RawConfigValue,
  type StackConfig,
} from "../src";
import { placementOf } from "./backends";
import { checkEngine, hasHooks } from "./engine";
import { volumeHooks, type ProblemBoard, type VolumeHooks } from "./hooks";

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

function readStack(): { config: StackConfig; catalog: Catalog } {
  const problems: Problem[] = [];
  const raw: Record<string, RawConfigValue> = {};
  for (const [fullKey, text] of Object.entries(pulumi.runtime.allConfig())) {
    // A key with nothing below it is as good as none.
    if (!fullKey.startsWith(`${NAMESPACE}:`) || text.trim() === "") continue;
    const key = fullKey.slice(NAMESPACE.length + 1);
    const secret = isConfigSecret(fullKey);
    const parsed = secret ? { value: undefined, problems: [] } : parseConfigText(key, text);
    problems.push(...parsed.problems);
    if (parsed.problems.length === 0) raw[key] = { value: parsed.value, secret };
  }
  const { config, problems: wrong } = readConfig(raw);
  const catalog = makeCatalog(config);
  problems.push(...wrong, ...catalog.problems);
  // The volumes that the config lists have their problems told with their place in the file. What is wrong with the
  // profiles themselves has been told already.
  if (problems.length === 0) {
    for (const [name, volume] of Object.entries(config.volumes ?? {})) {
      const { backend = config.backend, profile, sizeGiB, size } = volume;
      const placement = backend && placementOf(backend, config);
      const request = { name, profile, sizeGiB, size, backend, placement };
      problems.push(...resolve(catalog, request, `${NAMESPACE}:volumes.${name}.`).problems);
    }
  }
  if (problems.length > 0) {
    throw new pulumi.RunError(formatProblems(`Pulumi.${pulumi.getStack()}.yaml`, problems));
  }
  return { config, catalog };
}
