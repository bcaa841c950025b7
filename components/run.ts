// What holds for one run of a Pulumi program: the oldest engine that will do, the stack's config and catalog, the hook
// that judges changes. A process may hold several runs (the Automation API's inline programs), so nothing here is global.

import * as pulumi from "@pulumi/pulumi";
import { version as sdkVersion } from "@pulumi/pulumi/version";

import {
  formatProblems,
  makeCatalog,
  NAMESPACE,
  ownPlacement,
  parseConfigText,
  readConfig,
  resolve,
  type BackendName,
  type Catalog,
  type Note,
  type Problem,
  type RawConfigValue,
  type ResolvedVolume,
  type StackConfig,
} from "../src";
import { placementOf } from "./backends";
import { checkEngine, hasHooks, isConfigSecret } from "./engine";
import { withPricesFile } from "./prices-file";
import { volumeHooks, type ProblemBoard, type VolumeHooks } from "./hooks";

/** One run of a program. */
export interface Run {
  config: StackConfig;
  catalog: Catalog;
  /** What judges every volume before it is touched; none in a unit test with mocks, which has no hooks. */
  hooks: VolumeHooks | undefined;
  /** The volumes that were found to have problems while the program ran. */
  board: ProblemBoard;
  /** What is noted of each volume, by its name: asked for when it is shown. */
  notes: Map<string, () => Note[]>;
  /** What each volume is to be, by its name, where that is known. */
  asked: Map<string, ResolvedVolume>;
  /** The ids that the state has of volumes whose declaration changes, by name. */
  recorded: Map<string, string>;
  /** The volumes that a mapping was declared for. */
  mapped: WeakSet<object>;
  /** The volumes declared so far: their identity on the backend, and who has it. */
  identities: Map<string, string>;
  /** What this stack knows about the place where a backend's volumes live. */
  placementOf(backend: BackendName, own?: object): object;
}

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
  const placement = (backend: BackendName, own?: object) => placementOf(backend, config, own);
  const notes: Run["notes"] = new Map();
  const notesOf = (name: string) => notes.get(name)?.() ?? [];
  const asked: Run["asked"] = new Map();
  const askedOf = (name: string) => asked.get(name);
  const recorded: Run["recorded"] = new Map();
  const hooked = { config, catalog, board, recorded, notesOf, askedOf, placementOf: placement };
  const hooks = hasHooks() ? volumeHooks(hooked) : undefined;
  const [identities, mapped] = [new Map<string, string>(), new WeakSet()];
  const run: Run = {
    config,
    catalog,
    board,
    hooks,
    notes,
    asked,
    recorded,
    mapped,
    identities,
    placementOf: placement,
  };
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
  const { config: read, problems: wrong } = readConfig(raw);
  const { config, problems: wrongInFile } = withPricesFile(read, pulumi.getRootDirectory() || process.cwd());
  const catalog = makeCatalog(config);
  problems.push(...wrong, ...wrongInFile, ...catalog.problems);
  // The volumes that the config lists have their problems told with their place in the file. What is wrong with the
  // profiles themselves has been told already.
  if (problems.length === 0) {
    for (const [name, volume] of Object.entries(config.volumes ?? {})) {
      const { backend = config.backend, profile, sizeGiB, size } = volume;
      const placement = backend && placementOf(backend, config, ownPlacement(backend, volume));
      const request = { name, profile, sizeGiB, size, backend, placement };
      const prefix = `${NAMESPACE}:volumes.${name}.`;
      problems.push(...resolve(catalog, request, prefix, `${prefix}${backend}`).problems);
    }
  }
  if (problems.length > 0) {
    throw new pulumi.RunError(formatProblems(`Pulumi.${pulumi.getStack()}.yaml`, problems));
  }
  return { config, catalog };
}
