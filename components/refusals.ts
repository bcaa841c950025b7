// What people read of volumes that are refused.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, type Problem } from "../src";
import type { DeclaredVolume } from "./declared";

/**
 * Why a volume is refused. The engine stops at its first errors, and which volumes it has asked about by then is chance. So the first
 * refusal lists the problems of all volumes declared so far; another, which only comes in an `up`, names those of its own.
 */
export function refusal(
  declared: DeclaredVolume,
  volumes: readonly DeclaredVolume[],
  problems: Problem[] = [],
): string {
  if (declared.problems.length === 0) declared.problems.push(...problems);
  if (declared.isReported)
    return `${declared.name} is refused: ${declared.problems.map(({ message }) => message).join("; ")}`;
  return listed([declared, ...volumes.filter((each) => each !== declared)], volumes);
}

/** Why the program fails: the problems of all volumes that no other message has listed. */
export function failure(volumes: readonly DeclaredVolume[]): string {
  const text = listed(volumes, volumes);
  if (text !== "") return text;
  const names = volumes.filter(({ problems }) => problems.length > 0).map(({ name }) => name);
  return `no volumes are deleted while there are problems with: ${names.join(", ")}`;
}

/**
 * Refuses a volume, by an error. At preview one refusal that lists all is enough: nothing is touched there, and the run fails for it.
 */
export function refuse(declared: DeclaredVolume, volumes: readonly DeclaredVolume[], problems: Problem[] = []): void {
  if (declared.isReported && pulumi.runtime.isDryRun()) return;
  throw new Error(refusal(declared, volumes, problems));
}

function listed(chosen: readonly DeclaredVolume[], all: readonly DeclaredVolume[]): string {
  const unreported = chosen.filter(({ problems, isReported }) => problems.length > 0 && !isReported);
  for (const each of unreported) each.isReported = true;
  return unreported.map((each) => formatProblems(labelOf(each, all), each.problems)).join("\n");
}

// A name that several volumes share says little.
function labelOf({ name, urn }: DeclaredVolume, all: readonly DeclaredVolume[]): string {
  const isUnique = all.filter((each) => each.name === name).length === 1;
  return isUnique || urn === undefined ? name : `${name} (${urn})`;
}
