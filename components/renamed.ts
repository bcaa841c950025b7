// A volume that was renamed without `aliases` is a new one for Pulumi, and the old one is deleted. No hook sees that: so, when the
// program has declared everything, the state is compared with it, and the deletion is announced while it can be helped.

import * as pulumi from "@pulumi/pulumi";

import { PROFILED_VOLUME } from "../src";
import type { DeclaredVolume } from "./declared";
import { beforeDeletions, recordedUrns } from "./engine";

/** Takes each volume that is new to the state, and warns of deletions once the program has declared everything. */
export function deletionWatch(volumes: readonly DeclaredVolume[]): (created: DeclaredVolume) => void {
  let recorded: Promise<string[]> | undefined;
  return () => {
    if (recorded) return;
    // Where the state can't be read, there is nothing to add to the plan that the engine shows.
    recorded = recordedUrns().catch(() => []);
    beforeDeletions(async () => {
      const text = deletionWarning(volumes, (await recorded) ?? []);
      if (text !== undefined) await pulumi.log.warn(text);
    });
  };
}

/** What is to be known before volumes of the state are deleted for others that are new; nothing where none is. */
export function deletionWarning(volumes: readonly DeclaredVolume[], recorded: readonly string[]): string | undefined {
  const known = new Set(recorded);
  const nameOf = (urn: string) => urn.split("::").at(-1) ?? urn;
  // One that isn't new, and not in the state under its URN, is there under an alias.
  const moved = volumes.filter(({ urn = "", isNew }) => !isNew && !known.has(urn));
  const claimed = new Set(moved.flatMap(({ name, formerNames = [] }) => [name, ...formerNames]));
  const declared = new Set(volumes.map(({ urn }) => urn));
  const gone = recorded
    .filter((urn) => urn.split("::").at(-2)?.split("$").at(-1) === PROFILED_VOLUME)
    .filter((urn) => !declared.has(urn) && !claimed.has(nameOf(urn)));
  const added = volumes.filter(({ isNew }) => isNew);
  const [first] = added;
  if (gone.length === 0 || !first) return undefined;
  const quoted = (names: string[]) => names.map((name) => `"${name}"`).join(", ");
  const [are, their] = gone.length === 1 ? ["is", "its"] : ["are", "their"];
  return (
    `${quoted(gone.map(nameOf))} ${are} no longer declared and will be deleted with ${their} data, while ` +
    `${quoted(added.map(({ name }) => name))} will be created empty. If a volume was only renamed, keep it: ` +
    `new ProfiledVolume("${first.name}", …, { aliases: [${gone.map((urn) => `"${urn}"`).join(" or ")}] })`
  );
}
