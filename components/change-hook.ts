// The hook that speaks before anything is touched: bound to a volume's creation and update, it sees the volume's recorded
// and its new resolution at preview, and refuses what has a problem or would lose data. One place for all backends.

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

/** What a component records about its volume: its inputs, as the engine keeps them. */
export interface VolumeInputs extends Partial<ResolvedVolume> {
  /** There when the request has problems; what could not be resolved is then missing. */
  problems?: Problem[];
}

/** The volumes of a run that have problems, in the order of their declaration, and whether a message has told them. */
export type ProblemBoard = { name: string; problems: Problem[]; told: boolean }[];

/** Makes the hook of one run. */
export function changeHook(
  catalog: Catalog,
  board: ProblemBoard,
  placementOf: (backend: BackendName) => object,
): pulumi.ResourceHook {
  const judge: pulumi.ResourceHookFunction = async ({ name, newInputs, oldInputs }) => {
    const to = (newInputs ?? {}) as VolumeInputs;
    const from = (oldInputs ?? {}) as VolumeInputs;
    if (Array.isArray(to.problems)) throw new Error(refusal(name, to.problems, board));
    // A size from another resource may be unknown at preview; the hook runs again in the `up`, when it is known.
    if (!isResolved(from) || !isResolved(to)) return;

    const label = from.profile === to.profile ? `${name}@${to.profile}` : `${name}: ${from.profile} -> ${to.profile}`;
    const { verdict, problems, notes } = change(from, to);
    if (verdict === "refused") throw new Error(formatProblems(`${label} is refused`, problems));
    const costOf = (volume: ResolvedVolume) => monthlyCostOf(catalog, volume, placementOf(volume.backend));
    const lines = [...notes, ...costDifference(costOf(from), costOf(to))].map(({ message }) => `\n  ${message}`);
    if (lines.length > 0) await pulumi.log.info(`${label}: ${verdict}${lines.join("")}`);
  };
  return new pulumi.ResourceHook("storage-profiles", judge, { onDryRun: true });
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
