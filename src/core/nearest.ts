// The nearest right word to a misspelt one.

import { closest, distance } from "fastest-levenshtein";

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
  return wrong < lower.length && wrong <= Math.max(2, Math.floor(word.length / 3)) ? found : undefined;
}
