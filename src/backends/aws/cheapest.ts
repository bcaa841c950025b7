// Which type `cheapest` means. It is chosen for the profile, never for a volume's size: so a volume that grows keeps its type.

import { rangesOf } from "./admitted";
import { amountOf, pricesOf, referenceAmount } from "./cost";
import type { VolumeType } from "./limits";
import type { AwsPrices } from "./prices";
import { resolveType, type AskedAws } from "./resolve-type";

/** The types among which `cheapest` chooses where the stack names none: those that any application can live with. */
export const CHEAPEST_TYPES: readonly VolumeType[] = ["gp3", "io2", "io1"];

/** The size at which prices are compared. Every type has it. */
const REFERENCE_GIB = 1_024;

/** The types among which `cheapest` chooses. */
export function typesOf({ placement }: Pick<AskedAws, "placement">): readonly VolumeType[] {
  return placement.cheapestTypes ?? CHEAPEST_TYPES;
}

/**
 * The type with the lowest price per GiB of those that admit the profile at any size at all; of equal ones the first of the list.
 * Prices are compared at 1,024 GiB, or at the nearest size that the type admits with the profile. `isPriced`: by the prices of the
 * volume's own region, and not by those of the reference region, where not all are known.
 */
export function cheapestType(
  { section, placement, ...others }: Omit<AskedAws, "sizeGiB">,
  prices: AwsPrices,
): { type: VolumeType; isPriced: boolean } | undefined {
  // Only what the types differ in: what else may be wrong is no reason to take another.
  const { iops, throughputMiBps, multiAttach } = section;
  const { availabilityZone, region, cheapestTypes } = placement;
  const asked = {
    ...others,
    section: { volumeType: "cheapest" as const, iops, throughputMiBps, multiAttach },
    placement: { availabilityZone, region, cheapestTypes },
  };
  const possible = typesOf(asked).flatMap((type) => {
    const sizeGiB = comparableSize(type, asked);
    const settings = sizeGiB === undefined ? undefined : resolveType(type, { ...asked, sizeGiB, quiet: true }).settings;
    return sizeGiB === undefined || !settings ? [] : [{ type, sizeGiB, settings }];
  });
  const isPriced = possible.every(({ settings }) => pricesOf(settings, asked.placement, prices));
  const perGiB = ({ sizeGiB, settings }: (typeof possible)[number]) => {
    const price = isPriced ? pricesOf(settings, asked.placement, prices) : undefined;
    const volume = { sizeGiB, settings };
    return (price ? amountOf(volume, price) : referenceAmount(volume, prices)) / sizeGiB;
  };
  const [first, ...rest] = possible.map((each) => ({ type: each.type, perGiB: perGiB(each) }));
  if (!first) return undefined;
  const { type } = rest.reduce((least, each) => (each.perGiB < least.perGiB ? each : least), first);
  return { type, isPriced };
}

function comparableSize(type: VolumeType, asked: Omit<AskedAws, "sizeGiB">): number | undefined {
  if (resolveType(type, { ...asked, sizeGiB: REFERENCE_GIB, quiet: true }).settings) return REFERENCE_GIB;
  const distance = (sizeGiB: number) => Math.abs(sizeGiB - REFERENCE_GIB);
  const ends = rangesOf(type, asked).flatMap(({ fromGiB, toGiB }) => [fromGiB, toGiB]);
  return ends.sort((a, b) => distance(a) - distance(b))[0];
}
