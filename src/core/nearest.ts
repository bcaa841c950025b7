// The nearest right word to a misspelt one.

import { closest, distance } from "fastest-levenshtein";

/** A beginning or an end of fewer letters says nothing. */
const SHORTEST = 4;

/** The candidate that was probably meant, or `undefined` when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const sameButCase = candidates.find((candidate) => candidate.toLowerCase() === lower);
  if (sameButCase !== undefined) return sameButCase;
  if (candidates.length === 0) return undefined;
  const best = closest(
    lower,
    candidates.map((candidate) => candidate.toLowerCase()),
  );
  const found = candidates.find((candidate) => candidate.toLowerCase() === best);
  // A third of the letters may be wrong; one or two always may, in short words.
  const wrong = distance(lower, best);
  if (wrong < lower.length && wrong <= Math.max(2, Math.floor(word.length / 3))) return found;
  // "iopsLimit" for "iops", and the other way round; "type" for "volumeType"; where one only can be meant.
  const related = candidates.filter(
    (candidate) => isBeginning(lower, candidate.toLowerCase()) || isEnd(word, candidate),
  );
  return related.length === 1 ? related[0] : undefined;
}

/** Whether a word is another but for two letters at most, whatever their case. */
export function isMisspelt(word: string, meant: string): boolean {
  return word !== meant && distance(word.toLowerCase(), meant.toLowerCase()) <= 2;
}

function isBeginning(one: string, other: string): boolean {
  const [shorter, longer] = one.length < other.length ? [one, other] : [other, one];
  return shorter.length >= SHORTEST && longer.startsWith(shorter);
}

/** Whether a word is the last of those that a longer name consists of. */
function isEnd(word: string, name: string): boolean {
  const capitalized = word.charAt(0).toUpperCase() + word.slice(1);
  return word.length >= SHORTEST && name.length > word.length && name.endsWith(capitalized);
}
