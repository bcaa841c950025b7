// The hooks that speak before anything is touched: they see a volume's recorded and its new state at preview, refuse what
// has a problem or would lose data, and say what changes and what it costs. One place for all backends.

import * as pulumi from "@pulumi/pulumi";

import {
  change,
  costDifference,
  formatProblems,
  monthlyCostOf,
  type BackendName,
  type Catalog,
  type Problem,
  type ResolvedVolume,
} from "../src";
import { volumeBackend } from "./backends";

/** What a component records about its volume: its inputs, as the engine keeps them. */
export interface VolumeInputs extends Partial<ResolvedVolume> {
  /** There when the request has problems; what could not be resolved is then missing. */
  problems?: Problem[];
}

/** The volumes of a run that have problems, in the order of their declaration, and whether a message has told them. */
export type ProblemBoard = { name: string; problems: Problem[]; told: boolean }[];

/** The hooks of one run. */
export interface VolumeHooks {
  /** For the creation and the update of a `ProfiledVolume`. */
  component: pulumi.ResourceHook;
  /** For the update of a volume's own resource on a backend. */
  volume(backend: BackendName): pulumi.ResourceHook;
}

/** Makes the hooks of one run. */
export function volumeHooks(
  catalog: Catalog,
  board: ProblemBoard,
  placementOf: (backend: BackendName) => object,
): VolumeHooks {
  const judge = async (label: string, from: ResolvedVolume, to: ResolvedVolume) => {
    const { verdict, problems, notes } = change(from, to);
    if (verdict === "refused") throw new Error(formatProblems(`${label} is refused`, problems));
    const costOf = (volume: ResolvedVolume) => monthlyCostOf(catalog, volume, placementOf(volume.backend));
    const lines = [...notes, ...costDifference(costOf(from), costOf(to))].map(({ message }) => `\n  ${message}`);
    if (lines.length > 0) await pulumi.log.info(`${label}: ${verdict}${lines.join("")}`);
  };

  // Volumes whose change the component's hook could not judge, because the last `up` did not finish.
  const unfinished = new Set<string>();

  const component: pulumi.ResourceHookFunction = async ({ name, newInputs, oldInputs, oldOutputs }) => {
    const to = (newInputs ?? {}) as VolumeInputs;
    const from = (oldInputs ?? {}) as VolumeInputs;
    if (Array.isArray(to.problems)) throw new Error(refusal(name, to.problems, board));
    // The engine records a component's new inputs also when its resource then fails; its outputs are gone in that case.
    // What the volume really has is then known to its own resource only, and judged there.
    const finished = (oldOutputs as { volumeId?: unknown } | undefined)?.volumeId !== undefined;
    if (oldInputs !== undefined && !finished && from.backend === to.backend) {
      unfinished.add(name);
    } else if (isResolved(from) && isResolved(to)) {
      // A size from another resource may be unknown at preview; the hook runs again in the `up`, when it is known.
      const label = from.profile === to.profile ? `${name}@${to.profile}` : `${name}: ${from.profile} -> ${to.profile}`;
      await judge(label, from, to);
    }
  };

  // Sees what the resource is really given, also after transforms, against what it really has.
  const volume = (backend: BackendName): pulumi.ResourceHookFunction => {
    return async ({ name, newInputs, oldOutputs }) => {
      const read = (properties: object = {}): VolumeInputs => {
        const made = volumeBackend(backend)?.read(properties as Record<string, unknown>);
        return { name, profile: "", revision: "", backend, ...made };
      };
      const [from, to] = [read(oldOutputs), read(newInputs)];
      if (!isResolved(from) || !isResolved(to)) return;
      if (unfinished.has(name)) return judge(`${name} (whose last change did not finish)`, from, to);
      const { problems } = change(from, to);
      if (problems.length > 0) throw new Error(formatProblems(`${name} is refused`, problems));
    };
  };

  const made = new Map<BackendName, pulumi.ResourceHook>();
  return {
    component: new pulumi.ResourceHook("storage-profiles", component, { onDryRun: true }),
    volume(backend) {
      const known = made.get(backend);
      if (known) return known;
      const hook = new pulumi.ResourceHook(`storage-profiles-${backend}`, volume(backend), { onDryRun: true });
      made.set(backend, hook);
      return hook;
    },
  };
}

// The engine stops at its first errors, and which volumes it has asked about by then is chance. So the first refusal tells
// the problems of all volumes declared so far; the others only say that theirs stand there.
function refusal(name: string, problems: Problem[], board: ProblemBoard): string {
  const entry = board.find((each) => each.name === name) ?? { name, problems, told: false };
  if (entry.told) return `${name} has problems; they are listed with the first refusal`;
  const all = [entry, ...board.filter((each) => each !== entry && !each.told)];
  for (const each of all) each.told = true;
  return all.map((each) => formatProblems(each.name, each.problems)).join("\n");
}

function isResolved(inputs: VolumeInputs): inputs is ResolvedVolume {
  return (
    typeof inputs.backend === "string" &&
    typeof inputs.sizeGiB === "number" &&
    typeof inputs.revision === "string" &&
    typeof inputs.settings === "object" &&
    !pulumi.containsUnknowns(inputs.settings)
  );
}
