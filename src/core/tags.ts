// The tags of a volume: what the stack and the volume itself set for whichever backend, checked by what the backend can keep.

import type { Asked, Backend, Tags, TagText } from "./backend";
import { backends, type BackendName } from "./backend";
import { NAMESPACE, schemas } from "./config-schema";
import { own } from "./overlay";
import { note, problem, show, type Note, type Problem } from "./problems";
import { joinPath, validate } from "./validate";

/** Where the stack sets tags for all volumes. */
const STACK_PATH = `${NAMESPACE}:tags`;

/** No tags, of nobody. */
export const NO_TAGS: Tags = { ofStack: {}, ofVolume: {} };

/** The tags that are asked for, as the backend is to be given them. */
export interface CheckedTags {
  /** Those that the backend can keep. */
  tags: Tags;
  /** Those that the volume sets itself, also for its backend alone; absent where the backend keeps none. */
  own?: Record<string, string>;
  problems: Problem[];
  notes: Note[];
}

/**
 * Checks the tags that the stack and the volume set. `section` and `placement` may have some for the backend alone, which count before those of
 * the stack, and before those of the volume.
 */
export function checkTags(
  backend: BackendName,
  { ofStack, ofVolume = {} }: { ofStack: Readonly<Record<string, string>>; ofVolume?: object | undefined },
  { section, placement, limits }: { section: object; placement: object; limits: unknown },
  pathPrefix: string,
): CheckedTags {
  const rules: Backend = backends[backend];
  // Most volumes have none, and resolving them is to stay fast.
  if (Object.keys(ofStack).length === 0 && Object.keys(ofVolume).length === 0) {
    const alone = rules.tags && (own(placement, rules.tags.setting) as Record<string, string> | undefined);
    return { tags: NO_TAGS, ...(rules.tags && { own: alone ?? {} }), problems: [], notes: [] };
  }
  const volumePath = `${pathPrefix}tags`;
  // What a program leaves undefined is not set.
  const set = Object.fromEntries(Object.entries(ofVolume).filter(([, value]) => value !== undefined));
  const checked = validate(schemas().tags, set, volumePath);
  if (!checked.value) return { tags: NO_TAGS, problems: checked.problems, notes: [] };
  const given: [path: string, tags: Readonly<Record<string, string>>][] = [
    [STACK_PATH, ofStack],
    [volumePath, checked.value],
  ];
  if (!rules.tags) {
    const ignored = given.filter(([, tags]) => Object.keys(tags).length > 0);
    const notes = ignored.map(([path, tags]) => note("tags-ignored", path, { tags: Object.keys(tags), backend }));
    return { tags: NO_TAGS, problems: [], notes };
  }

  const { setting, is } = rules.tags;
  const { key: keys, value: values, most, added = [], reserved = [] } = rules.tags.rules(limits);
  const problems = given.flatMap(([path, tags]) =>
    Object.entries(tags).flatMap(([key, value]): Problem[] => {
      const at = joinPath(path, [key]);
      const invalid = (why: string, allowed: string, fix: string) => [
        problem("value-invalid", at, value, { why, allowed, fix }),
      ];
      const taken = reserved.find((each) => each.key.test(key));
      const remove = `rename or remove the tag ${show(key)}`;
      if (taken) return invalid(taken.because, "other keys", taken.way ?? remove);
      if (!fits(key, keys)) return invalid(`${show(key)} can't be the key of ${is}`, keys.allowed, remove);
      if (!fits(value, values))
        return invalid(`${show(value)} can't be the value of ${is}`, values.allowed, `change the tag ${show(key)}`);
      return [];
    }),
  );
  const [ofProfile, ofBackend] = [section, placement].map(
    (part) => (own(part, setting) ?? {}) as Record<string, string>,
  );
  const count = (...parts: (object | undefined)[]) =>
    new Set([...added, ...parts.flatMap((part) => Object.keys(part ?? {}))]).size;
  const total = count(ofStack, ofProfile, checked.value, ofBackend);
  // Where those for the backend alone are too many, the backend says so.
  if (total > most && count(ofProfile, ofBackend) <= most) {
    const path = Object.keys(checked.value).length > 0 ? volumePath : STACK_PATH;
    const including = added.length > 0 ? `, including ${added.join(", ")}` : "";
    problems.push(
      problem("value-out-of-range", path, undefined, {
        given: `the number of tags (${total})`,
        range: `up to ${most} tags${including}`,
      }),
    );
  }
  if (problems.length > 0) return { tags: NO_TAGS, problems, notes: [] };
  return {
    tags: { ofStack, ofVolume: checked.value },
    own: { ...checked.value, ...ofBackend },
    problems,
    notes: [],
  };
}

/**
 * All tags of a volume, in the order of their keys: those of the stack, of the profile, of the volume, and of the volume for this backend alone,
 * the later before the earlier. Where the volume's differs from its profile's is a note.
 */
export function mergeTags(
  { tags: { ofStack, ofVolume }, profile, path }: Pick<Asked<unknown, unknown, unknown>, "tags" | "profile" | "path">,
  setting: string,
  {
    ofProfile,
    ofBackend,
  }: {
    ofProfile?: Readonly<Record<string, string>> | null | undefined;
    ofBackend?: Readonly<Record<string, string>> | null | undefined;
  },
): { tags: Record<string, string>; notes: Note[] } {
  const own = { ...ofVolume, ...ofBackend };
  const before = ofProfile ?? {};
  const notes = Object.entries(own)
    .filter(([key, to]) => Object.hasOwn(before, key) && before[key] !== to)
    .map(([key, to]) =>
      note("value-overridden", joinPath(path, [setting, key]), {
        setting: joinPath("", [setting, key]),
        ...{ profile, from: before[key], to },
      }),
    );
  const tags = Object.entries({ ...ofStack, ...before, ...own }).sort(([a], [b]) => (a < b ? -1 : 1));
  return { tags: Object.fromEntries(tags), notes };
}

function fits(text: string, { min = 0, max = Infinity, pattern }: TagText): boolean {
  return text.length >= min && text.length <= max && (pattern?.test(text) ?? true);
}
