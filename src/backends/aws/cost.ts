// The monthly cost of an EBS volume: storage, IOPS by tiers, throughput. Unknown where a place has no prices.

import { costPart, monthlyCost, type CostPart, type MonthlyCost } from "../../core/cost";
import type { Made } from "../contract";
import { priceLocation, type AwsPlacement } from "./placement";
import { REFERENCE_REGION, type AwsPrices, type TypePrices } from "./prices";
import type { AwsSettings } from "./settings";

/** The monthly cost, where the place is known and has prices; else why not. */
export function awsCost(
  made: Made<AwsSettings>,
  { region }: AwsPlacement,
  prices: AwsPrices,
): { cost: MonthlyCost } | { unknown: string } {
  const { settings } = made;
  const location = priceLocation(settings.availabilityZone, region);
  if (location === undefined) return { unknown: "the region isn't known; set aws:region or the availability zone" };
  const here = own(prices, location);
  const price = here?.types[settings.volumeType];
  if (!here || !price) {
    const where = `storage-profiles:prices.aws.${location}`;
    return { unknown: `no prices for ${settings.volumeType} in ${location}; add them to ${where}` };
  }
  const { currency, source, date } = here;
  return { cost: monthlyCost(partsOf(made, price), { currency, region: location, source, date }) };
}

/** What a type's own prices are where a volume lives. */
export function pricesOf(settings: AwsSettings, { region }: AwsPlacement, prices: AwsPrices): TypePrices | undefined {
  const location = priceLocation(settings.availabilityZone, region);
  return location === undefined ? undefined : own(prices, location)?.types[settings.volumeType];
}

/** A volume's amount by the prices of the reference region, to compare types where a place's own prices aren't known. */
export function referenceAmount(made: Made<AwsSettings>, prices: AwsPrices): number {
  const price = own(prices, REFERENCE_REGION)?.types[made.settings.volumeType];
  return price ? amountOf(made, price) : Infinity;
}

/** What a volume costs by these prices. */
export function amountOf(made: Made<AwsSettings>, price: TypePrices): number {
  return partsOf(made, price).reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
}

function partsOf({ sizeGiB, settings }: Made<AwsSettings>, price: TypePrices): CostPart[] {
  const parts: CostPart[] = [costPart("storage", sizeGiB, "GiB", price.perGiB)];
  if (settings.iops !== null) parts.push(...iopsParts(settings.iops, price));
  const above = (settings.throughputMiBps ?? 0) - (price.throughput?.from ?? 0);
  if (price.throughput && above > 0) parts.push(costPart("throughput", above, "MiB/s", price.throughput.each));
  return parts;
}

function iopsParts(iops: number, price: TypePrices): CostPart[] {
  const parts: CostPart[] = [];
  let from = price.iops?.from ?? 0;
  for (const tier of price.iops?.tiers ?? []) {
    const quantity = Math.min(iops, tier.upTo ?? Infinity) - from;
    if (quantity <= 0) continue;
    parts.push(costPart("IOPS", quantity, "IOPS", tier.each));
    from += quantity;
  }
  return parts;
}

function own(prices: AwsPrices, location: string): AwsPrices[string] | undefined {
  return Object.hasOwn(prices, location) ? prices[location] : undefined;
}
