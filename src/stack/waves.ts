// The sizes of the waves in which a change is rolled out. Pure.

/**
 * How many volumes are done after each wave, of `total`: `1,10%,100%` of 50 gives 1, 5 and 50. A percentage is rounded up; a wave that adds
 * nothing is left out. The last one must be `100%`, so that the size of an estate doesn't decide whether the rollout ends.
 */
export function waveEnds(
  text: string,
  total: number,
): { ends: number[]; why?: undefined } | { ends?: undefined; why: string } {
  const ends: number[] = [];
  const parts = text.split(",").map((each) => each.trim());
  for (const part of parts) {
    const [, digits = "", percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(part) ?? [];
    const number = Number(digits);
    if (digits === "" || number <= 0) return { why: `"${part}" is neither a number of volumes nor a percentage` };
    if (percent === "%" && number > 100) return { why: `"${part}" is more than 100%` };
    if (percent !== "%" && !Number.isInteger(number)) return { why: `"${part}" isn't a whole number of volumes` };
    const end = percent === "%" ? Math.ceil(Number(((total * number) / 100).toFixed(9))) : Math.min(number, total);
    if (end > (ends.at(-1) ?? 0)) ends.push(end);
  }
  if (parts.at(-1) !== "100%") return { why: "the last wave must be 100%" };
  return { ends };
}
