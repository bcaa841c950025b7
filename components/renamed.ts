// A volume that was renamed without `aliases` is a new one for Pulumi, and the old one is deleted. No hook sees that: so, when the
// program has declared everything, the state is compared with it, and the deletion is announced while it can be helped.

import * as pulumi from "@pulumi/pulumi";

import { PROFILED_VOLUME } from "../src";
import type { DeclaredVolume } from "./declared";
import { beforeDeletions, componentOf, nameIn, recordedUrns, runError } from "./engine";
import { once } from "./once";

/** What the volumes of a run are to it. */
interface DeletionWatch {
  /** One is new to the state: deletions are warned of once the program has declared everything. */
  created: () => void;
  /** One has aliases: an alias whose volume would be deleted is refused then. */
  aliased: () => void;
}

/** Looks at the state once the program has declared everything, and before the engine deletes anything. */
export function deletionWatch(volumes: readonly DeclaredVolume[]): DeletionWatch {
  // Where the state can't be read, there is nothing to add to the plan that the engine shows.
  const recorded = once(() => recordedUrns().catch((): string[] => []));
  const atTheEnd = (act: (recorded: string[]) => void | Promise<void>) => {
    let isPlanned = false;
    return () => {
      if (isPlanned) return;
      isPlanned = true;
      const found = recorded();
      beforeDeletions(async () => act(await found));
    };
  };
  return {
    created: atTheEnd(async (urns) => {
      const text = deletionWarning(volumes, urns);
      if (text !== undefined) await pulumi.log.warn(text);
    }),
    aliased: atTheEnd((urns) => {
      const text = deletedAliases(volumes, urns);
      if (text !== undefined) throw runError(text);
    }),
  };
}

/**
 * Why volumes that aliases name would be deleted; nothing where none is. The engine takes a volume that is in the state under its own URN for
 * that, and not for the one that an alias names, which then counts as no longer declared.
 */
export function deletedAliases(volumes: readonly DeclaredVolume[], recorded: readonly string[]): string | undefined {
  const declared = new Set(volumes.map(({ urn }) => urn));
  // Its own resource has its name. A component alone has no data.
  const hasVolume = (component: string) => {
    const end = component.lastIndexOf("::");
    return recorded.some((urn) => urn.startsWith(`${component.slice(0, end)}$`) && urn.endsWith(component.slice(end)));
  };
  const pairs = volumes.flatMap(({ urn = "", formerUrns = [] }) =>
    hasVolume(urn)
      ? formerUrns.filter((each) => !declared.has(each) && hasVolume(each)).map((each) => [urn, each])
      : [],
  );
  if (pairs.length === 0) return undefined;
  const lines = pairs.map(([urn, former]) => `\n  - ${former} is an alias of ${urn}, but the state contains both`);
  return (
    `volumes named as aliases would be deleted with their data:${lines.join("")}\n` +
    "Delete the one you don't need (pulumi destroy --target <its URN>), or remove the alias to delete the volume that it names."
  );
}

/** What is to be known before volumes of the state are deleted for others that are new; nothing where none is. */
export function deletionWarning(volumes: readonly DeclaredVolume[], recorded: readonly string[]): string | undefined {
  const known = new Set(recorded);
  // One that isn't new, and not in the state under its URN, is there under an alias.
  const moved = volumes.filter(({ urn = "", isNew }) => !isNew && !known.has(urn));
  const claimed = new Set(moved.flatMap(({ name, formerUrns = [] }) => [name, ...formerUrns.map(nameIn)]));
  const declared = new Set(volumes.map(({ urn }) => urn));
  const gone = recorded
    .filter((urn) => urn.split("::").at(-2)?.split("$").at(-1) === PROFILED_VOLUME)
    .filter((urn) => !declared.has(urn) && !claimed.has(nameIn(urn)));
  const added = volumes.filter(({ isNew }) => isNew);
  const [first] = added;
  if (gone.length === 0 || !first) return undefined;
  const quoted = (names: string[]) => names.map((name) => `"${name}"`).join(", ");
  const [are, their] = gone.length === 1 ? ["is", "its"] : ["are", "their"];
  return (
    `${quoted(gone.map(nameIn))} ${are} no longer declared and will be deleted with ${their} data, while ` +
    `${quoted(added.map(({ name }) => name))} will be created empty. If a volume was only renamed, keep it: ` +
    `new ProfiledVolume("${first.name}", …, { aliases: [${gone.map((urn) => `"${urn}"`).join(" or ")}] })`
  );
}

/**
 * The resources of volumes that the state has without their components, where it has the component of one that is to be created, and not that one
 * itself: `pulumi state rename` renames a component or its resource, and leaves the other as it was.
 */
export function separatedResources(created: string, recorded: readonly string[]): string[] {
  const known = new Set(recorded);
  if (known.has(created) || !known.has(componentOf(created))) return [];
  const typesOf = (urn: string) => componentOf(urn).replace(/::[^:]*$/, "");
  const isSeparated = (urn: string) => !known.has(componentOf(urn)) && typesOf(urn) === typesOf(created);
  return recorded.filter((urn) => componentOf(urn) !== urn && isSeparated(urn));
}
