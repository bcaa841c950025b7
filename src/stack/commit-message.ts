// The commit message of edits: what changed, in one line, and why. Pure.

import type { VolumeDefinition } from "../core/config-schema";
import { isObject } from "../core/overlay";
import { isSame } from "../core/revision";
import { sharedFileOf } from "./plan";
import type { ConfigEdit, StackConfigRead } from "./types";

/** How long a first line is before it lists only what was edited. */
const LONGEST_LINE = 100;

/** The message for edits. `where`: the stack, or the shared file. */
export function commitMessage(
  edits: readonly ConfigEdit[],
  before: StackConfigRead,
  after: StackConfigRead,
  { where, reason }: { where: string; reason?: string | undefined },
): string {
  const changes = edits.map((edit) => changeOf(edit, before, after));
  const whole = `${changes.map(({ line }) => line).join("; ")} (${where})`;
  const isShort = whole.length <= LONGEST_LINE;
  const names = changes.map(({ what }) => what).join(", ");
  const brief = names.length <= LONGEST_LINE ? names : `${changes.length} edits`;
  const list = isShort ? "" : changes.map(({ line }) => `- ${line}`).join("\n");
  const paragraphs = [isShort ? whole : `${brief} (${where})`, printable(reason ?? ""), list];
  return `${paragraphs.filter((each) => each !== "").join("\n\n")}\n`;
}

interface Change {
  /** "profile gold". */
  what: string;
  /** "profile gold: aws.iops 3000 → 5000". */
  line: string;
}

function changeOf(edit: ConfigEdit, before: StackConfigRead, after: StackConfigRead): Change {
  const { name } = edit;
  switch (edit.kind) {
    case "set-volume": {
      const [old, now = edit.volume] = [before, after].map(({ config }) => at(config.volumes, name));
      if (old) return changed(name, volumeDifferences(old, now));
      const { profile = "default", size, sizeGiB } = now;
      const sized = size ?? (sizeGiB === undefined ? undefined : `${sizeGiB} GiB`);
      return { what: name, line: `add volume ${name}@${profile}${sized === undefined ? "" : `, ${shown(sized)}`}` };
    }
    case "remove-volume":
      return { what: name, line: `remove volume ${name}` };
    case "set-profile": {
      const what = `profile ${name}`;
      const [old, now] = [before, after].map((read) => definitionIn(read, name, edit.in));
      const [effective, becomes] = [before, after].map(({ catalog }) => at(catalog.profiles, name)?.sections);
      if (!old && !effective) return { what, line: `add ${what}` };
      const differences = differencesOf(effective, becomes);
      // Of a shared one that the stack overrides, only the definition changes.
      return changed(what, differences.length > 0 ? differences : differencesOf(old, now));
    }
    case "remove-profile":
      return { what: `profile ${name}`, line: `remove profile ${name}` };
    case "set-value": {
      if (edit.name !== "pins") return changed(name, differencesOf(before.config[edit.name], after.config[edit.name]));
      const [old, now] = [before, after].map(({ config }) => Object.keys(config.pins ?? {}));
      const added = (now ?? []).filter((each) => old?.includes(each) !== true);
      const removed = (old ?? []).filter((each) => now?.includes(each) !== true);
      const lists = [added, removed].map((each) => each.join(", "));
      const lines = [...(lists[0] ? [`pin ${lists[0]}`] : []), ...(lists[1] ? [`unpin ${lists[1]}`] : [])];
      return { what: "pins", line: lines.join(", ") || "pins: edited" };
    }
  }
}

function definitionIn(read: StackConfigRead, name: string, place: string | undefined): unknown {
  if (place === "catalog") return at(sharedFileOf(read, name)?.profiles, name);
  return at(read.config.profiles, name);
}

function at<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}

const changed = (what: string, differences: readonly string[]): Change => ({
  what,
  line: `${what}: ${differences.length > 0 ? differences.join(", ") : "edited"}`,
});

// A profile needs no word before it, and is there without being named.
function volumeDifferences(
  { profile: old = "default", ...before }: VolumeDefinition,
  after: VolumeDefinition,
): string[] {
  const { profile = "default", ...rest } = after;
  return [...(old === profile ? [] : [`${old} → ${profile}`]), ...differencesOf(before, rest)];
}

function differencesOf(before: unknown, after: unknown): string[] {
  const [old, now] = [leaves(before), leaves(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => !isSame(old.get(key), now.get(key)))
    .map((key) => `${key === "" ? "" : `${key} `}${shown(old.get(key))} → ${shown(now.get(key))}`);
}

function leaves(value: unknown, path = "", found = new Map<string, unknown>()): Map<string, unknown> {
  if (value === undefined) return found;
  if (!isObject(value) || Object.keys(value).length === 0) return found.set(path, value);
  for (const [key, each] of Object.entries(value)) leaves(each, path === "" ? key : `${path}.${key}`, found);
  return found;
}

function shown(value: unknown): string {
  if (value === undefined) return "not set";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const line = text.replace(/[\p{Cc}\s]+/gu, " ");
  return line.length <= 60 ? line : `${line.slice(0, 60)}…`;
}

// Of control characters only the end of a line is kept.
const printable = (text: string): string =>
  text
    .replace(/\r\n?/g, "\n")
    .replace(/[^\P{Cc}\n\t]/gu, "")
    .trim();
