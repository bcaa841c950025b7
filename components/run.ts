// What holds for one run of a Pulumi program: the oldest engine that will do, the stack's config and catalog, the hook
// that judges changes. A process may hold several runs (the Automation API's inline programs), so nothing here is global.

import { setTimeout } from "node:timers/promises";

import * as pulumi from "@pulumi/pulumi";
import { version as sdkVersion } from "@pulumi/pulumi/version";

import {
  formatProblems,
  makeCatalog,
  NAMESPACE,
  ownPlacement,
  parseConfigText,
  readConfig,
  resolveListed,
  type BackendName,
  type Catalog,
  type Problem,
  type RawConfigValue,
  type StackConfig,
} from "../src";
import { listedSizes } from "../src/core/listed-sizes";
import { misspeltNamespaces } from "../src/core/stack-config";
import { placementOf } from "./backends/registry";
import type { ProfiledVolumeArgs } from "./profiled-volume";
import type { DeclaredVolume } from "./declared";
import { checkEngine, failProgram, fileOfKey, hasHooks, stackFile } from "./engine";
import { volumeHooks, type VolumeHooks } from "./hooks";
import { allDeclared, inPlugin, runKey } from "./plugin-mode";
import { withPricesFile } from "./prices-file";
import { failure } from "./refusals";
import { deletionWatch } from "./renamed";
import { catalogFiles } from "./shared-profiles";
import { isConfigSecret } from "./pulumi-internals";

/** How long a refusal may wait for the message that has the problems of all volumes. */
const TELLING_MS = 20_000;

/** One run of a program. */
export interface Run {
  config: StackConfig;
  catalog: Catalog;
  /** What judges every volume before it is touched; none in a unit test with mocks, which has no hooks. */
  hooks: VolumeHooks | undefined;
  /** The volumes declared so far, in their order. */
  volumes: DeclaredVolume[];
  /** Those whose URN is known, by it. */
  byUrn: Map<string, DeclaredVolume>;
  /** What only one volume may have on the backend, and which volume has it. */
  taken: Map<string, DeclaredVolume>;
  /** Refuses a volume, and has the program fail. Without hooks it throws. */
  refuse(declared: DeclaredVolume, problems: Problem[]): void;
  /** Takes note that a volume has aliases. */
  aliased: () => void;
  /** The sizes of the volumes that the stack's config lists for a backend, in GiB. */
  sizesOf(backend: BackendName): number[];
  /** What this stack knows about the place where a backend's volumes live. */
  placementOf(backend: BackendName, own?: object): object;
}

const runs = new WeakMap<object, Run>();

/** The run that the calling program belongs to. Throws a `RunError` with every problem of the stack's config. */
export function currentRun(): Run {
  const key = runKey();
  const known = key && runs.get(key);
  if (known) return known;
  checkEngine(sdkVersion, process.env);
  const { config, catalog } = readStack();
  const volumes: DeclaredVolume[] = [];
  const byUrn = new Map<string, DeclaredVolume>();
  const volumeAt = (urn: string) => {
    const found = byUrn.get(urn);
    if (!found) throw new Error(`${urn} can't be checked: this program declares no volume with that URN`);
    return found;
  };
  const placement = (backend: BackendName, own?: object) => placementOf(backend, config, own);
  const { created, aliased } = deletionWatch(volumes);
  let told: Promise<void> | undefined;
  const hooks = hasHooks()
    ? volumeHooks({ config, catalog, volumes, volumeAt, created, placementOf: placement, told: () => told })
    : undefined;
  let isFailing = false;
  const refuse = (declared: DeclaredVolume, problems: Problem[]) => {
    if (!hooks) throw new pulumi.RunError(formatProblems(declared.name, problems));
    declared.problems.push(...problems);
    // There the program is another process. It fails for what a hook throws, which waits for the volumes that are declared meanwhile.
    if (inPlugin()) {
      told = allDeclared();
      return;
    }
    if (isFailing) return;
    isFailing = true;
    let saying: DeclaredVolume[] = [];
    const delivered = failProgram(() => {
      isFailing = false;
      const unreported = volumes.filter(({ isReported }) => !isReported);
      const text = failure(volumes);
      saying = unreported.filter(({ isReported }) => isReported);
      return text;
    }).then(() => void (saying = []));
    // What a program logs about a volume waits for that volume, and all that is logged after it does too: then the refusal itself tells.
    const isLate = setTimeout(TELLING_MS, undefined, { ref: false }).then(() => {
      for (const each of saying) each.isReported = false;
    });
    told = Promise.race([delivered, isLate]);
  };
  const run: Run = {
    ...{ config, catalog, hooks, volumes, byUrn, taken: new Map(), refuse, aliased },
    placementOf: placement,
    sizesOf: (backend) => listedSizes(config, backend),
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
    raw[key] = secret ? { value: undefined, secret } : parseConfigText(key, text);
  }
  problems.push(...misspeltNamespaces(Object.keys(pulumi.runtime.allConfig()), pulumi.getProject()));
  const { config: read, problems: wrong, unreadable } = readConfig(raw);
  const directory = pulumi.getRootDirectory() || process.cwd();
  const { config, problems: wrongInFile } = withPricesFile(read, directory);
  const files = catalogFiles(config, directory);
  const catalog = makeCatalog(config, unreadable, files);
  problems.push(...wrong, ...wrongInFile, ...files.flatMap((each) => each.problems), ...catalog.problems);
  // The volumes that the config lists have their problems told with their place in the file. What is wrong with the
  // profiles themselves has been told already.
  if (problems.length === 0) {
    for (const [name, volume] of Object.entries(config.volumes ?? {})) {
      const { backend = config.backend, profile, sizeGiB, size, tags } = volume;
      const placement = backend && placementOf(backend, config, ownPlacement(backend, volume));
      const request = { name, profile, sizeGiB, size, tags, backend, placement };
      problems.push(...resolveListed(catalog, name, request).problems);
    }
  }
  if (problems.length > 0) {
    throw new pulumi.RunError(formatProblems(stackFile(), problems.map(inItsFile)));
  }
  return { config, catalog };
}

// Whatever the stack's own file doesn't set comes from the project's.
function inItsFile(found: Problem): Problem {
  const [key] = /^[\w-]+:\w+/.exec(found.path) ?? [];
  const file = key?.startsWith(`${NAMESPACE}:`) ? fileOfKey(key) : stackFile();
  return file === stackFile() ? found : { ...found, path: `${file}: ${found.path}` };
}

/**
 * The volumes that the stack's config lists below `storage-profiles:volumes`, by name.
 * @throws `pulumi.RunError` with every problem of the stack's config.
 */
export function volumesOfStack(): Record<string, ProfiledVolumeArgs> {
  // One without a size is refused with the problems of all volumes.
  return (currentRun().config.volumes ?? {}) as Record<string, ProfiledVolumeArgs>;
}

/**
 * The profiles in force for the stack, with the limits and prices that hold there.
 * @throws `pulumi.RunError` with every problem of the stack's config.
 */
export function catalogOfStack(): Catalog {
  return currentRun().catalog;
}
