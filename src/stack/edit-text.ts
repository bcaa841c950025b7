// From edits to the text of a config file that says what they say, and nothing else otherwise. Pure.

import { isObject, own } from "../core/overlay";
import { NAMESPACE } from "../core/config-schema";
import { isSecret, projectValue, spelling } from "./read-config";
import { stackError } from "./errors";
import type { ConfigEdit } from "./types";
import { deleteIn, HandEdit, parseYaml, setIn, valueAt, type Style } from "./patch-yaml";

interface Target {
  key: "profiles" | "volumes" | undefined;
  /** How the first entry is written: a profile has a line for each backend, a volume is short. */
  style: Style;
}

const targets: Record<ConfigEdit["kind"], Target> = {
  "set-profile": { key: "profiles", style: "block" },
  "remove-profile": { key: "profiles", style: "block" },
  "set-volume": { key: "volumes", style: "flow" },
  "remove-volume": { key: "volumes", style: "flow" },
  "set-value": { key: undefined, style: "flow" },
};

/** Applies edits to a text. Error: `edit-not-possible`. */
export function editText(
  text: string,
  edits: readonly ConfigEdit[],
  { file, ...project }: { projectConfig?: Record<string, unknown>; projectName?: string; file: string },
): string {
  return edits.reduce((before, edit) => {
    try {
      return one(before, edit, project);
    } catch (error) {
      if (!(error instanceof HandEdit)) throw error;
      const path = [targets[edit.kind].key, edit.name].filter((each) => each !== undefined).join(".");
      throw stackError(
        "edit-not-possible",
        `${NAMESPACE}:${path}`,
        undefined,
        { why: `${error.message} (${file})` },
        { cause: error },
      );
    }
  }, text);
}

/** Applies edits of profiles to the text of a shared file. Error: `edit-not-possible`. */
export function editSharedText(
  text: string,
  edits: readonly Extract<ConfigEdit, { kind: "set-profile" }>[],
  file: string,
): string {
  return edits.reduce((before, { name, definition }) => {
    try {
      return setIn(before, ["profiles", name], plain(definition), "block");
    } catch (error) {
      if (!(error instanceof HandEdit)) throw error;
      const why = `${error.message} (${file})`;
      throw stackError("edit-not-possible", `${file}: profiles.${name}`, undefined, { why }, { cause: error });
    }
  }, text);
}

function one(
  text: string,
  edit: ConfigEdit,
  { projectConfig = {}, projectName }: { projectConfig?: Record<string, unknown>; projectName?: string },
): string {
  const { key = edit.name, style } = targets[edit.kind];
  const root = parseYaml(text).value;
  const config = valueAt(root, ["config"]);
  const spelled = spelling(isObject(config) ? config : {}, key, projectName);
  const container = isObject(config) ? own(config, spelled) : undefined;
  if (isSecret(container)) throw new HandEdit("it contains a secret");
  if (edit.kind !== "set-value" && typeof container === "string" && container.trim() !== "")
    throw new HandEdit("it is JSON text");
  const path = ["config", spelled, edit.name];
  switch (edit.kind) {
    case "set-value":
      return setIn(text, path.slice(0, 2), plain(edit.value), style);
    case "set-profile":
    case "set-volume": {
      const value = edit.kind === "set-profile" ? edit.definition : edit.volume;
      const inherited = projectValue(projectConfig, key);
      // The stack's key takes the place of the project's whole: what that says must stand here, too.
      const isFirst = container == null && isObject(inherited) && Object.keys(inherited).length > 0;
      const from = isFirst ? setIn(text, path.slice(0, 2), inherited, "block") : text;
      return setIn(from, path, plain(value), style);
    }
    case "remove-profile":
    case "remove-volume":
      return deleteIn(text, path);
  }
}

// Without what is undefined. NaN stays what it is, and is refused as such: as JSON it would be null, which takes a setting away.
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  const said = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(said.map(([key, each]) => [key, plain(each)]));
}

/** What differs between two texts, as lines: what they have in common is left out. */
export function lineDiff(before: string, after: string): string {
  if (before === after) return "";
  const [old, now] = [before.split(/\r?\n/), after.split(/\r?\n/)];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const [gone, come] = [old.slice(start, old.length - end), now.slice(start, now.length - end)];
  const stays = inCommon(gone, come);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  for (const [oldAt, nowAt] of [...stays, [gone.length, come.length] as const]) {
    lines.push(...gone.slice(i, oldAt).map((line) => `-${line}`), ...come.slice(j, nowAt).map((line) => `+${line}`));
    [i, j] = [oldAt + 1, nowAt + 1];
  }
  return lines.join("\n");
}

// The lines between two edits: where each is in one text and in the other. Of texts that differ all over, none are looked for.
function inCommon(old: readonly string[], now: readonly string[]): (readonly [number, number])[] {
  if (old.length * now.length > 1_000_000) return [];
  // How many lines both have in common from there on.
  const rest = Array.from({ length: old.length + 1 }, () => new Uint32Array(now.length + 1));
  const at = (i: number, j: number) => rest[i]?.[j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    const row = rest[i];
    for (let j = now.length - 1; row && j >= 0; j--)
      row[j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const found: [number, number][] = [];
  for (let [i, j] = [0, 0]; i < old.length && j < now.length;) {
    if (old[i] === now[j]) found.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return found;
}
