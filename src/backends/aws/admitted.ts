// The sizes for which a profile is possible on EBS, type by type: for people who ask where a type ends.

import type { Admitted } from "../contract";
import type { VolumeType } from "./limits";
import { resolveType, type AskedAws } from "./resolve-type";

/** The sizes that a type admits with the profile, and why none beyond them. */
export function admittedBy(type: VolumeType, asked: Omit<AskedAws, "sizeGiB">): Admitted {
  const at = (sizeGiB: number) => resolveType(type, { ...asked, sizeGiB }).problems[0];
  const ranges = rangesOf(type, asked);
  const [from, to] = [ranges[0]?.fromGiB, ranges.at(-1)?.toGiB];
  if (from === undefined || to === undefined) {
    return { what: type, ranges, above: at(asked.limits[type].sizeGiB.max) };
  }
  return { what: type, ranges, below: from > 1 ? at(from - 1) : undefined, above: at(to + 1) };
}

/** The sizes alone, without the problems beyond them, whose ways out take far longer to find. */
export function rangesOf(type: VolumeType, asked: Omit<AskedAws, "sizeGiB">): Admitted["ranges"] {
  const isPossible = (sizeGiB: number) => resolveType(type, { ...asked, sizeGiB, quiet: true }).problems.length === 0;
  const { min } = asked.limits[type].sizeGiB;
  const ranges: Admitted["ranges"] = [];
  let last = min - 1;
  for (const sizeGiB of turningPoints(type, asked)) {
    const open = ranges.at(-1);
    const wasPossible = open?.toGiB === last;
    if (isPossible(sizeGiB)) {
      if (wasPossible) open.toGiB = sizeGiB;
      else ranges.push({ fromGiB: firstThat(isPossible, last + 1, sizeGiB), toGiB: sizeGiB });
    } else if (wasPossible) {
      open.toGiB = firstThat((each) => !isPossible(each), last + 1, sizeGiB) - 1;
    }
    last = sizeGiB;
  }
  return ranges;
}

// Sizes between which nothing turns: IOPS and throughput, wanted and allowed, grow evenly there or not at all. They turn
// where one of the slopes meets one of the bounds: between two whole sizes, so both are asked.
function turningPoints(type: VolumeType, { section, limits }: Omit<AskedAws, "sizeGiB">): number[] {
  const { sizeGiB, iops: ofIops, throughputMiBps: ofThroughput } = limits[type];
  const { iops, throughputMiBps } = section;
  const bounds = (rule: object | number | null | undefined): number[] =>
    typeof rule === "object" && rule ? Object.values(rule).filter((each) => typeof each === "number") : [rule ?? 0];
  const slopes = (...each: (number | null | undefined)[]) => each.filter((slope) => slope != null);
  const perIops = typeof throughputMiBps === "object" ? throughputMiBps?.perIops : undefined;
  const perGiB = typeof iops === "object" ? iops?.perGiB : undefined;
  const byThroughput = [...bounds(throughputMiBps), ...bounds(ofThroughput)].flatMap((each) =>
    slopes(perIops, ofThroughput?.perIops).map((slope) => each / slope),
  );
  const points = [...bounds(iops), ...bounds(ofIops), ...byThroughput].flatMap((each) =>
    slopes(perGiB, ofIops?.perGiB).flatMap((slope) => [0, 1].map((after) => Math.floor(each / slope) + after)),
  );
  const inRange = [sizeGiB.min, ...points, sizeGiB.max].filter((each) => each >= sizeGiB.min && each <= sizeGiB.max);
  return [...new Set(inRange)].sort((a, b) => a - b);
}

// The first number of a range for which something holds, where it holds for the last one, and for all after the first.
function firstThat(holds: (each: number) => boolean, from: number, to: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
