// Which volume is meant: by its URN, or by a name, which is a label that several volumes may have. Pure.

import { nearest } from "../core/nearest";
import type { Problem } from "../core/problems";
import { PROFILED_VOLUME } from "../core/resource-types";
import type { RecordedVolume, StackState } from "./types";
import { problem } from "./problems";

/** A volume as it is looked up: the URN is missing where the state has none. */
interface Named {
  name: string;
  urn?: string | undefined;
}

/** Whether a text is a URN, and not the name of a volume. */
export function isUrn(text: string): boolean {
  return text.startsWith("urn:pulumi:");
}

/** The volumes that a name or a URN stands for. */
export function volumesAt<V extends Named>(volumes: readonly V[], selector: string): V[] {
  return volumes.filter(({ name, urn }) => (isUrn(selector) ? urn : name) === selector);
}

/** The one volume that a name or a URN stands for. Problems: `volume-unknown`, `volume-ambiguous`. */
export function oneVolume<V extends Named>(
  volumes: readonly V[],
  selector: string,
  path: string,
): { volume: V; problem?: never } | { volume?: never; problem: Problem } {
  const found = volumesAt(volumes, selector);
  const [volume] = found;
  if (found.length > 1) return { problem: ambiguous(selector, found, path) };
  if (volume) return { volume };
  const names = [...new Set(volumes.map(({ name }) => name))];
  const params = { volume: selector, volumes: names, nearest: nearest(selector, names) };
  return { problem: problem("volume-unknown", path, selector, params) };
}

/** That a name stands for several volumes. */
export function ambiguous(name: string, found: readonly Named[], path: string): Problem {
  const urns = found.map(({ urn }) => urn ?? `${name}, which isn't created yet`);
  return problem("volume-ambiguous", path, name, { volume: name, urns });
}

/** What selects a volume: its name, and its URN where others have the same name. */
export function selectorOf(volume: Named, volumes: readonly Named[]): string {
  return volume.urn !== undefined && volumesAt(volumes, volume.name).length > 1 ? volume.urn : volume.name;
}

/**
 * The recorded volumes that an entry of the config may be: the one directly below the stack, as `volumesOfStack()` is used to declare
 * them, else all of the name.
 */
export function recordedAs({ volumes }: Pick<StackState, "volumes">, name: string): RecordedVolume[] {
  const found = volumes.filter((each) => each.name === name);
  const direct = found.filter(({ urn }) => urn.split("::").at(-2) === PROFILED_VOLUME);
  return direct.length > 0 ? direct : found;
}
